"""`entrepot worker`: the process that takes what is ready, room by room. `entrepot up` runs it as a child."""

from __future__ import annotations

import argparse

from entrepot.cli.session import add_database_option, opened


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "worker", help="the process that takes what is ready, room by room (part of `up`)"
    )
    add_database_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False, process="worker"):
        from entrepot.kernel import worker

        worker.run()
    return 0
