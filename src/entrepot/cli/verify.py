"""`entrepot verify`: recompute everything that can be recomputed."""

from __future__ import annotations

import argparse
import sys

from entrepot.cli.session import add_database_option, opened


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "verify", help="recompute every balance from its ledger; exit code 1 where one is off"
    )
    add_database_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.insight import verify

        return 0 if verify.run(sys.stdout) else 1
