"""`entrepot import edi`: an interchange of a supplier, its ship notices taken in."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from entrepot import Problem
from entrepot.cli.session import add_database_option, company_of, opened, say


def add_to(formats: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = formats.add_parser("edi", help="ship notices of a supplier: an X12 interchange of 856")
    parser.add_argument("file", type=Path)
    parser.add_argument("--company", metavar="CODE", help="the company that buys, where there are several")
    parser.add_argument(
        "--acknowledgement", type=Path, metavar="FILE", help="write the functional acknowledgement (997)"
    )
    parser.add_argument("--report", choices=("text", "json"), default="text")
    add_database_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Take the notices in, and say what became of each. Ends with 1 where one is refused."""
    if not arguments.file.is_file():
        raise Problem(f"There is no file {arguments.file}.")
    with opened(arguments.database):
        from entrepot.channels.commands.take_documents import TakeDocument, take_documents
        from entrepot.channels.x12.envelope import text_of
        from entrepot.kernel.cause import Actor, Cause
        from entrepot.kernel.errors import Refused

        company, _ = company_of(arguments.company)
        cause = Cause(
            Actor("import:edi", everything=True), datetime.now(UTC), f"import of {arguments.file.name}"
        )
        content = text_of(arguments.file.read_bytes())
        (taken,) = take_documents(cause, requests=[TakeDocument(company, content)])
    if isinstance(taken, Refused):
        raise Problem(taken.message)
    if arguments.acknowledgement:
        arguments.acknowledgement.write_text(taken.acknowledgement, encoding="utf-8", newline="")
    if arguments.report == "json":
        say(json.dumps(asdict(taken), indent=2, default=str))
    else:
        say(f"interchange {taken.control} of {taken.sender}{'' if taken.is_fresh else ', which came before'}")
        for one in taken.notices:
            what = one.problem or f"{one.number}, {one.packages} packages, {one.units} units"
            say(f"{one.reference}: {what}")
    return 1 if taken.refused else 0
