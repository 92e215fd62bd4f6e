"""`entrepot export beancount`: the journal as a file that an independent program can check."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from entrepot.cli.session import add_database_option, opened


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("export", help="write the books to a file")
    formats = parser.add_subparsers(metavar="FORMAT", required=True)
    beancount = formats.add_parser("beancount", help="the journal in Beancount's format")
    beancount.add_argument("file", type=Path, nargs="?", help="where to write (default: standard output)")
    add_database_option(beancount)
    beancount.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.insight import beancount

        if arguments.file is None:
            beancount.export(sys.stdout)
            return 0
        # Beside its place and then renamed: a half-written journal never stands under the real name.
        making = arguments.file.with_name(f"{arguments.file.name}.part")
        with making.open("w", encoding="utf-8") as out:
            beancount.export(out)
        making.replace(arguments.file)
    return 0
