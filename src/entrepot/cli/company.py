"""`entrepot company`: companies, each with its orders, stock and books."""

from __future__ import annotations

import argparse

from entrepot.cli.session import add_database_option, given, opened, say


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("company", help="companies, each with its orders, stock and books")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", help="set up a company and open its books, or give one another name")
    add.add_argument("code", help="for programs and files; it stays")
    add.add_argument("--name", required=True)
    add.add_argument("--currency", metavar="GBP", required=True, help="of its books; it stays")
    add.add_argument("--country", metavar="GB", required=True)
    add.set_defaults(run=run_add)
    listing = actions.add_parser("list", help="all of them")
    listing.set_defaults(run=run_list)
    for action in (add, listing):
        add_database_option(action)


def run_add(arguments: argparse.Namespace) -> int:
    with opened(arguments.database):
        from entrepot.ledger.commands.set_up_companies import SetUpCompany, set_up_companies

        currency, country = arguments.currency.upper(), arguments.country.upper()
        wanted = SetUpCompany(arguments.code, arguments.name, currency, country)
        answer = given("company", set_up_companies, wanted)
        say(f"{arguments.name} is company {answer.id}, with books in {currency}.")
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    with opened(arguments.database):
        from entrepot.parties import queries as parties

        for one in parties.companies():
            say(f"{one.id:>5} {one.code:<20} {one.currency} {one.country} {one.name}")
    return 0
