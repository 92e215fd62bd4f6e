"""`entrepot relay`: the process that delivers what stands in the outbox. `entrepot up` runs it as a child."""

from __future__ import annotations

import argparse

from entrepot.cli.session import add_database_option, opened


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "relay", help="the process that delivers what stands in the outbox (part of `up`)"
    )
    add_database_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False, process="relay"):
        from entrepot.kernel import relay

        relay.run()
    return 0
