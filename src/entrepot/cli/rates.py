"""`entrepot import rates`: rates of exchange of a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from entrepot import Problem
from entrepot.cli.session import add_database_option, company_of, given, opened, say


def add_to(formats: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = formats.add_parser(
        "rates",
        help="rates of exchange: CSV (date, currency, rate), or CSV or XML of the European Central Bank",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--company", metavar="CODE", help="needed where there are several")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what the file would change, and write nothing"
    )
    add_database_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.file.is_file():
        raise Problem(f"There is no file {arguments.file}.")
    text = arguments.file.read_bytes().decode("utf-8-sig", "replace")
    with opened(arguments.database):
        from entrepot.ledger.commands.record_rate_files import RateFile, record_rate_files

        company, _ = company_of(arguments.company)
        answer = given("rates", record_rate_files, RateFile(company, text, arguments.dry_run))
        for currency, day, stands, says in answer.otherwise:
            say(f"{currency} {day}: {stands} stands, the file says {says}")
        done = "would be recorded" if arguments.dry_run else "recorded"
        say(
            f"{answer.recorded} rates {done}, {answer.known} stood so, {answer.differ} stand otherwise and stay."
        )
    return 0
