"""`entrepot buyers`: whom the house blocks and trusts; block, trust, take back."""

from __future__ import annotations

import argparse

from entrepot import Problem
from entrepot.cli.session import add_database_option, company_of, given, opened, say


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("buyers", help="whom the house blocks and trusts")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    shown = actions.add_parser("list", help="who is blocked and trusted, the latest first")
    shown.add_argument("--ended", action="store_true", help="those that were taken back, instead")
    shown.set_defaults(run=run_list)
    for word, side, says in (
        ("block", "blocked", "hold orders of somebody for review from now on"),
        ("trust", "trusted", "spare somebody the rules that only suspect"),
    ):
        one = actions.add_parser(word, help=says)
        who = one.add_mutually_exclusive_group(required=True)
        who.add_argument("--customer", metavar="CODE", default="")
        who.add_argument("--email", metavar="ADDRESS", default="", help="kept as a fingerprint alone")
        who.add_argument("--card", metavar="TOKEN", default="", help="its provider's token; kept likewise")
        who.add_argument("--fingerprint", default="", help="as the page of an order shows it")
        one.add_argument("--reason", required=True)
        one.set_defaults(run=run_add, side=side)
    ended = actions.add_parser("take-back", help="let an entry count no more")
    ended.add_argument("entry", help="as `list` shows it: customer:CODE, or a fingerprint")
    ended.add_argument("--reason", required=True)
    ended.set_defaults(run=run_take_back)
    for action in actions.choices.values():
        action.add_argument("--company", metavar="CODE", help="needed where there are several")
        add_database_option(action)


def run_list(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.orders import listing_queries

        company, _ = company_of(arguments.company)
        after = None
        while rows := listing_queries.listings(company, ended=arguments.ended, after=after, limit=500):
            for one in rows:
                end = f", taken back {one.ended_at:%Y-%m-%d}: {one.ended_because}" if one.ended_at else ""
                say(f"{one.side} {one.entry} {one.listed_at:%Y-%m-%d} {one.listed_by}: {one.reason}{end}")
            after = rows[-1].id
    return 0


def run_add(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.orders.commands.list_buyers import ListBuyer, entry_of, list_buyers

        company, _ = company_of(arguments.company)
        if arguments.email and "@" not in arguments.email:
            raise Problem(f"A mail address has an @: found {arguments.email}.")
        entry = arguments.fingerprint or entry_of(arguments.customer, arguments.email, arguments.card)
        wanted = ListBuyer(company, arguments.side, entry, arguments.reason)
        answer = given("buyers", list_buyers, wanted)
        say(f"{answer.side} {answer.entry}")
    return 0


def run_take_back(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.orders import listing_queries
        from entrepot.orders.commands.list_buyers import UnlistBuyer, unlist_buyers

        company, _ = company_of(arguments.company)
        found = next(iter(listing_queries.of_entries(company, [arguments.entry]).values()), None)
        if found is None:
            raise Problem(
                f"{arguments.entry} is neither blocked nor trusted; `entrepot buyers list` tells who is."
            )
        wanted = UnlistBuyer(found.id, arguments.reason)
        answer = given("buyers", unlist_buyers, wanted)
        say(f"no longer {answer.side}: {answer.entry}")
    return 0
