"""`entrepot verify`: recompute everything that can be recomputed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot import Problem
from entrepot.cli.session import add_database_option, opened

if TYPE_CHECKING:
    from entrepot.kernel.seal import Head


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "verify", help="recompute every balance from its ledger; exit code 1 where one is off"
    )
    parser.add_argument(
        "--heads", type=Path, help="heads of the audit chains that were kept (`entrepot export heads`)"
    )
    add_database_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.insight import verify

        kept = _heads(arguments.heads)
        return 0 if verify.run(sys.stdout, kept) else 1


def _heads(file: Path | None) -> list[Head]:
    from entrepot.insight import audit

    if file is None:
        return []
    try:
        return audit.read_heads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"{file} can't be read as heads of the audit chains: {error}") from error
