"""`entrepot advice`: what the house suggests; list, make anew, accept, decline."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from entrepot import Problem
from entrepot.cli.session import (
    AT_ONCE,
    add_database_option,
    add_limit,
    company_of,
    given_each,
    opened,
    say,
)

if TYPE_CHECKING:
    from entrepot.insight.suggestions import Suggestion

KINDS = ("return reason", "demand", "labor", "priority")
STATES = ("open", "accepted", "declined", "expired")


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("advice", help="what the house suggests, with its sums")
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    shown = actions.add_parser("list", help="suggestions, the surest first")
    shown.add_argument("--kind", choices=KINDS)
    shown.add_argument("--state", choices=STATES, default="open")
    shown.add_argument("--report", choices=("text", "json"), default="text")
    add_limit(shown)
    shown.set_defaults(run=run_list)

    made = actions.add_parser("make", help="make advice anew, as every night")
    made.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)}; without any, all")
    made.set_defaults(run=run_make)

    accepted = actions.add_parser("accept", help="follow suggestions")
    _add_ids(accepted)
    accepted.add_argument("--reason", default="")
    accepted.set_defaults(run=run_accept)

    declined = actions.add_parser("decline", help="not to follow suggestions")
    _add_ids(declined)
    declined.add_argument("--reason", required=True)
    declined.set_defaults(run=run_decline)

    for action in actions.choices.values():
        action.add_argument("--company", metavar="CODE", help="needed where there are several")
        add_database_option(action)


def _add_ids(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", type=UUID)


def run_list(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        company, _ = company_of(arguments.company)
        kinds = (arguments.kind,) if arguments.kind else KINDS
        rows = list(islice(_pages(company, kinds, arguments.state), arguments.limit))
        if arguments.report == "json":
            say(json.dumps([asdict(one) for one in rows], indent=2, default=str))
            return 0
        for one in rows:
            told = ", ".join(f"{name} {value}" for name, value in one.suggested.items())
            end = f", by {one.decided_by}" if one.decided_by else ""
            why = f": {one.why}" if one.why else ""
            say(f"{one.id} {one.kind}, {one.number}: {told}; {one.confidence:.0%} sure{end}{why}")
    return 0


def run_make(arguments: argparse.Namespace) -> int:
    if unknown := [kind for kind in arguments.kinds if kind not in KINDS]:
        raise Problem(f"There is no kind of advice {', '.join(unknown)}. Name some of: {', '.join(KINDS)}.")
    with opened(arguments.database, migrates=False):
        from entrepot.insight.commands.advise import Advise, advise

        company, _ = company_of(arguments.company)
        wanted = [(kind, Advise(company, kind)) for kind in arguments.kinds or KINDS]
        return given_each(
            "advice", advise, wanted,
            lambda kind, it: f"{kind}: {it.suggestions} open, {it.expired} expired",
        )  # fmt: skip


def run_accept(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.insight.commands.decide_suggestions import AcceptSuggestion, accept_suggestions

        wanted = [(str(one), AcceptSuggestion(one, arguments.reason)) for one in _own(arguments)]
        return given_each(
            "advice", accept_suggestions, wanted, lambda which, it: f"{which} accepted: {it.command}"
        )


def run_decline(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.insight.commands.decide_suggestions import DeclineSuggestion, decline_suggestions

        wanted = [(str(one), DeclineSuggestion(one, arguments.reason)) for one in _own(arguments)]
        return given_each("advice", decline_suggestions, wanted, lambda which, _: f"{which} declined")


def _own(arguments: argparse.Namespace) -> list[UUID]:
    """Those that are named, none of them another company's."""
    from entrepot.insight import owners

    company, _ = company_of(arguments.company)
    ids: list[UUID] = list(dict.fromkeys(arguments.ids))
    if others := owners.others(ids, company=company):
        raise Problem(f"There is no suggestion {', '.join(sorted(map(str, others)))}.")
    return ids


def _pages(company: int, kinds: tuple[str, ...], state: str) -> Iterator[Suggestion]:
    from entrepot.insight import suggestions

    after = None
    while rows := suggestions.suggestions(company, kinds=kinds, state=state, after=after, limit=AT_ONCE):
        yield from rows
        after = rows[-1].id
