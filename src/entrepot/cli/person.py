"""`entrepot person`: what the house knows of a buyer, their erasure, and the rules by which people are let go."""

from __future__ import annotations

import argparse
import json
import sys
from uuid import UUID

from entrepot import Problem
from entrepot.cli.session import add_database_option, at_terminal, company_of, given, opened, say


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("person", help="a buyer's data, their erasure, and how long data is kept")
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    told = actions.add_parser("export", help="everything that the house knows of a buyer, as JSON")
    told.set_defaults(run=run_export)
    erase = actions.add_parser("erase", help="erase a buyer for good; the books stay and name nobody")
    erase.add_argument(
        "--reason", required=True, help="who asked for it, how and when, without a name: it is kept"
    )
    erase.add_argument("--yes", action="store_true", help="do not ask again")
    erase.set_defaults(run=run_erase)
    for action in (told, erase):
        who = action.add_mutually_exclusive_group(required=True)
        who.add_argument("--customer", metavar="CODE", default="")
        who.add_argument("--order", metavar="NUMBER", default="", help="ours, or the channel's")
    retention = actions.add_parser("retention", help="let go of what is older than the policy keeps it, now")
    retention.set_defaults(run=run_retention)
    for action in (told, erase, retention):
        action.add_argument("--company", metavar="CODE", help="needed where there are several")
        add_database_option(action)


def run_export(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from django.core.serializers.json import DjangoJSONEncoder

        from entrepot.kernel.errors import Refused
        from entrepot.kernel.exports import NoteExport, note_exports
        from entrepot.settlement import privacy_queries

        company, order = _who(arguments)
        try:
            found = privacy_queries.everything_of(company, arguments.customer, order)
        except Refused as why:
            raise Problem(why.message) from None
        if found is None:
            raise Problem("There is no customer and no order of that name.")
        about = privacy_queries.stands_for(company, arguments.customer, order)
        note_exports(
            at_terminal("person"), requests=[NoteExport(company, "everything of a person", "json", 1, about)]
        )
        say(json.dumps(found, cls=DjangoJSONEncoder, indent=1))
    return 0


def run_erase(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.settlement.commands.erase_people import ErasePerson, erase_people

        company, order = _who(arguments)
        if not arguments.yes and not _is_sure():
            raise Problem("Nothing was erased.")
        wanted = ErasePerson(company, arguments.reason, arguments.customer, order)
        answer = given("person", erase_people, wanted)
        say(
            f"{answer.number}: erased. Orders: {answer.orders}, addresses gone: {answer.addresses}, kept for invoices:"
            f" {answer.kept}, messages emptied: {answer.messages}, taken out of notes: {answer.notes}, still named in"
            f" logs: {answer.remaining}."
        )
    return 0


def run_retention(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.kernel.command import whole
        from entrepot.settlement.commands.apply_retention import ApplyRetention, apply_retention

        company, _ = company_of(arguments.company)
        (done,) = whole(apply_retention(at_terminal("person"), requests=[ApplyRetention(company)]))
        for kind, gone in done.gone.items():
            kept = done.kept.get(kind, 0)
            say(f"{kind}: {gone} gone" + (f", {kept} kept, since something is open or held" if kept else ""))
    return 0


def _who(arguments: argparse.Namespace) -> tuple[int, UUID | None]:
    """The company, and the order where one was named."""
    from entrepot.settlement import privacy_queries

    company, _ = company_of(arguments.company)
    order = privacy_queries.order_named(company, arguments.order) if arguments.order else None
    if arguments.order and order is None:
        raise Problem(f"There is no order {arguments.order}.")
    return company, order


def _is_sure() -> bool:
    if not sys.stdin.isatty():
        raise Problem("It can't be taken back: say --yes.")
    return input("It can't be taken back. Type yes to erase: ").strip() == "yes"
