"""`entrepot holds`: what keeps orders from going on; list, place, release, reject."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from entrepot import Problem
from entrepot.cli.session import (
    AT_ONCE,
    add_database_option,
    add_limit,
    company_of,
    complain,
    given_each,
    opened,
    say,
)

if TYPE_CHECKING:
    from entrepot.orders.queries import HoldRow


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from entrepot.orders.rules import HOLDS, RESOLUTIONS, TRANSITIONS

    parser = verbs.add_parser("holds", help="what keeps orders from going on")
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    shown = actions.add_parser("list", help="those that are open, the longest open first; times are UTC")
    _add_filters(shown, tuple(HOLDS))
    shown.add_argument("--report", choices=("text", "json"), default="text")
    add_limit(shown)
    shown.set_defaults(run=run_list)

    placed = actions.add_parser("place", help="keep orders from going on")
    placed.add_argument("orders", nargs="+", metavar="ORDER", help="its number")
    placed.add_argument("--type", required=True, choices=tuple(HOLDS))
    placed.add_argument("--reason", required=True)
    placed.add_argument(
        "--block", action="append", choices=TRANSITIONS, help="only this; may be given several times"
    )
    placed.add_argument(
        "--waits-for", choices=("nothing", "payment", "stock"), default="nothing",
        help="what lets them go without a decision",
    )  # fmt: skip
    placed.set_defaults(run=run_place)

    released = actions.add_parser(
        "release", help="let orders go on: of each the open holds, or those of a type"
    )
    _add_filters(released, tuple(HOLDS))
    released.add_argument("--all", action="store_true", help="of all orders that the options name")
    released.add_argument(
        "--code", choices=tuple(RESOLUTIONS), default="other", help="how they ended, for counting"
    )
    released.add_argument("--note", default="", help="what was found out")
    released.set_defaults(run=run_release)

    rejected = actions.add_parser("reject", help="end holds by cancelling their orders")
    rejected.add_argument("orders", nargs="+", metavar="ORDER", help="its number")
    rejected.add_argument("--type", choices=tuple(HOLDS), help="the hold that it is about, of several")
    rejected.add_argument("--note", required=True, help="why the orders are cancelled")
    rejected.set_defaults(run=run_reject)

    for action in actions.choices.values():
        action.add_argument("--company", metavar="CODE", help="needed where there are several")
        add_database_option(action)


def _add_filters(parser: argparse.ArgumentParser, types: Sequence[str]) -> None:
    parser.add_argument("orders", nargs="*", metavar="ORDER", help="its number")
    parser.add_argument("--type", choices=types)
    parser.add_argument("--role", help="who decides about them")
    parser.add_argument("--owner", metavar="PERSON", help="who has taken them")
    parser.add_argument("--overdue", action="store_true", help="past their due time")


def run_list(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        company, _ = company_of(arguments.company)
        rows = list(islice(_found(company, arguments), arguments.limit))
        if arguments.report == "json":
            say(json.dumps([asdict(one) for one in rows], indent=2, default=str))
        else:
            for one in rows:
                say(_line(one))
    return 0


def _line(one: HoldRow) -> str:
    terms = [f"{one.owner_role}{f' ({one.owner})' if one.owner else ''}"]
    if one.due_at:
        terms.append(f"due {one.due_at:%Y-%m-%d %H:%M}")
    if one.waits_for != "nothing":
        terms.append(f"waits for {one.waits_for}")
    if one.expires_at:
        terms.append(f"{one.at_expiry} at {one.expires_at:%Y-%m-%d %H:%M}")
    if one.next:
        terms.append(f"then {one.next}")
    return f"{one.order_number} {one.type} since {one.opened_at:%Y-%m-%d %H:%M}, {', '.join(terms)}: {one.reason}"


def run_place(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.orders.commands.hold import PlaceHold, place_hold

        company, _ = company_of(arguments.company)
        blocks = tuple(arguments.block) if arguments.block else None
        wanted = [
            (number, PlaceHold(order, arguments.type, arguments.reason, blocks, arguments.waits_for))
            for number, order in _orders(company, arguments.orders).items()
        ]
        return given_each("holds", place_hold, wanted, lambda number, _: f"{number} held: {arguments.type}")


def run_release(arguments: argparse.Namespace) -> int:
    if bool(arguments.orders) == arguments.all:
        raise Problem("Name the orders whose holds are to be released, or say --all; not both.")
    with opened(arguments.database, migrates=False):
        from entrepot.orders.commands.hold import ReleaseHold, release_holds

        company, _ = company_of(arguments.company)
        holds = list(_found(company, arguments))
        if not holds:
            raise Problem("No hold is open that fits; `entrepot holds list` tells which are.")
        wanted = [
            (f"{one.order_number} {one.type}", ReleaseHold(one.id, arguments.note, arguments.code))
            for one in holds
        ]
        code = given_each("holds", release_holds, wanted, lambda name, it: f"{name} released: {it.status}")
        held = {one.order_number for one in holds}
        for number in dict.fromkeys(arguments.orders):
            if number not in held:
                complain(f"{number}: no hold is open that fits.")
                code = 2
        return code


def run_reject(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.sourcing.commands.decide_holds import DecideHold, decide_holds

        company, _ = company_of(arguments.company)
        arguments.role = arguments.owner = None
        arguments.overdue = False
        first: dict[str, HoldRow] = {}
        for one in _found(company, arguments):
            first.setdefault(one.order_number, one)
        free = [number for number in arguments.orders if number not in first]
        if free:
            raise Problem(
                f"No such hold is open on {', '.join(free)}; `entrepot holds list` tells which are."
            )
        wanted = []
        for number, one in first.items():
            if one.work_item is None:
                raise Problem(f"Nobody is asked about the {one.type} of {number}: cancel the order instead.")
            wanted.append((number, DecideHold(one.work_item, "reject", arguments.note)))
        return given_each("holds", decide_holds, wanted, lambda number, it: f"{number} rejected: {it.status}")


def _found(company: int, arguments: argparse.Namespace) -> Iterator[HoldRow]:
    orders = list(_orders(company, arguments.orders).values()) if arguments.orders else None
    return _pages(company, arguments, orders)


def _pages(company: int, arguments: argparse.Namespace, orders: list[Any] | None) -> Iterator[HoldRow]:
    from django.utils import timezone

    from entrepot.orders import queries

    after = None
    due_before = timezone.now() if arguments.overdue else None
    while rows := queries.holds(
        company, kind=arguments.type, role=arguments.role, owner=arguments.owner, due_before=due_before,
        orders=orders, after=after, limit=AT_ONCE,
    ):  # fmt: skip
        yield from rows
        after = rows[-1].id


def _orders(company: int, numbers: Sequence[str]) -> dict[str, Any]:
    """Orders by their numbers; none may be unknown."""
    from entrepot.orders import queries

    found = queries.ids_numbered(company, numbers)
    unknown = [number for number in numbers if number not in found]
    if unknown:
        raise Problem(f"There is no order {', '.join(unknown)}: expected numbers as the console shows them.")
    return {number: found[number] for number in dict.fromkeys(numbers)}
