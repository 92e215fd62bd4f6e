"""`entrepot export`: the books as files that independent programs can check."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from entrepot.cli.session import add_database_option, at_terminal, opened

Write = Callable[[TextIO], object]
BAD_USE = 2


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("export", help="write the books to a file")
    formats = parser.add_subparsers(metavar="FORMAT", required=True)
    told = {
        "beancount": "the journal in Beancount's format",
        "journal": "the journal of a company as CSV, one row a line",
        "saft": "a standard audit file of a company (SAF-T, structure of OECD 2.0)",
        "heads": "the heads of the audit chains, to be kept elsewhere for `entrepot verify --heads`",
    }
    for name, says in told.items():
        one = formats.add_parser(name, help=says)
        one.add_argument("file", type=Path, nargs="?", help="where to write (default: standard output)")
        if name not in ("beancount", "heads"):
            one.add_argument("--company", default="", help="the company's code (default: the first)")
            one.add_argument("--year", type=_year, help="only this year (default: all)")
        add_database_option(one)
        one.set_defaults(run=run, format=name)


def _year(text: str) -> int:
    from entrepot.insight.book_files import YEARS

    if not (text.isascii() and text.isdigit() and len(text) == 4 and YEARS[0] <= int(text) <= YEARS[1]):
        raise argparse.ArgumentTypeError(f"expected a year such as 2026, found {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        write = _writer(arguments)
        if write is None:
            sys.stderr.write(f"There is no company {arguments.company}.\n")
            return BAD_USE
        if arguments.file is None:
            rows = write(sys.stdout)
        else:
            # Beside its place and then renamed: a half-written journal never stands under the real name.
            making = arguments.file.with_name(f"{arguments.file.name}.part")
            with making.open("w", encoding="utf-8") as out:
                rows = write(out)
            making.replace(arguments.file)
        if (
            arguments.format != "heads"
        ):  # they are taken to prove the trail, and would be another one's at once
            _note(arguments, rows)
    return 0


def _note(arguments: argparse.Namespace, rows: object) -> None:
    """Write into the audit trail what was taken, and under which name of the machine."""
    from entrepot.insight import ledger_export
    from entrepot.kernel.exports import NoteExport, note_exports
    from entrepot.parties import queries as parties

    chosen = None if arguments.format == "beancount" else ledger_export.company_of(arguments.company)
    companies = [one.id for one in parties.companies()] if chosen is None else [chosen]
    counted = rows if isinstance(rows, int) else 0
    wanted = [NoteExport(one, "journal", arguments.format, counted) for one in companies]
    note_exports(at_terminal("export"), requests=wanted)


def _writer(arguments: argparse.Namespace) -> Write | None:
    """What writes the format that was asked for; None where its company is unknown."""
    from django.utils import timezone

    from entrepot.insight import audit, beancount, book_files, ledger_export

    if arguments.format == "heads":
        return audit.write_heads
    if arguments.format == "beancount":
        return beancount.export
    company = ledger_export.company_of(arguments.company)
    if company is None:
        return None
    of, at = ledger_export.span(company, arguments.year), timezone.now()
    return lambda out: book_files.write(arguments.format, out, of, at)
