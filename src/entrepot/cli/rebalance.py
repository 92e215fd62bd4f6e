"""`entrepot rebalance`: units that should go from one node to another; list, propose, ask for, accept, reject, send."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

from entrepot import Problem
from entrepot.cli.session import (
    AT_ONCE,
    add_database_option,
    add_limit,
    company_of,
    given,
    given_each,
    opened,
    say,
)

if TYPE_CHECKING:
    from entrepot.sourcing.queries import ProposalRow

STATES = ("proposed", "accepted", "rejected", "sent")


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("rebalance", help="units that should go from one node to another")
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    shown = actions.add_parser("list", help="proposals, the oldest first")
    shown.add_argument("--state", choices=STATES, default="proposed")
    shown.add_argument("--report", choices=("text", "json"), default="text")
    add_limit(shown)
    shown.set_defaults(run=run_list)

    proposed = actions.add_parser(
        "propose", help="look at SKUs now; without any, have the worker look at all"
    )
    proposed.add_argument("skus", nargs="*", metavar="SKU")
    proposed.set_defaults(run=run_propose)

    asked = actions.add_parser(
        "ask", help="ask a node to send units of a SKU: work for it until they have left"
    )
    asked.add_argument("sku", metavar="SKU")
    asked.add_argument("source", metavar="FROM")
    asked.add_argument("target", metavar="TO")
    asked.add_argument("units", type=int, metavar="UNITS")
    asked.add_argument("--reason", required=True)
    asked.set_defaults(run=run_ask)

    accepted = actions.add_parser(
        "accept", help="carry proposals out: they become work for the node that sends"
    )
    _add_numbers(accepted, "proposed")
    accepted.set_defaults(run=run_accept)

    rejected = actions.add_parser(
        "reject", help="not to carry proposals out; they are not made again for some days"
    )
    _add_numbers(rejected, "proposed")
    rejected.add_argument("--reason", required=True)
    rejected.set_defaults(run=run_reject)

    sent = actions.add_parser("send", help="say that accepted units have left")
    _add_numbers(sent, "accepted")
    sent.add_argument(
        "--units", type=int, metavar="N", help="so many of one proposal; the rest stays to be sent"
    )
    sent.set_defaults(run=run_send)

    for action in actions.choices.values():
        action.add_argument("--company", metavar="CODE", help="needed where there are several")
        add_database_option(action)


def _add_numbers(parser: argparse.ArgumentParser, state: str) -> None:
    parser.add_argument("numbers", nargs="*", metavar="RB-NUMBER")
    parser.add_argument("--all", action="store_true", help=f"all that are {state}")
    parser.set_defaults(state=state)


def run_list(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.kernel import money
        from entrepot.parties import queries as parties

        company, code = company_of(arguments.company)
        rows = list(islice(_pages(company, arguments.state), arguments.limit))
        if arguments.report == "json":
            say(json.dumps([asdict(one) for one in rows], indent=2, default=str))
            return 0
        currency = next(one.currency for one in parties.companies() if one.code == code)
        for one in rows:
            cost, worth = money.told(one.cost_minor, currency), money.told(one.value_minor, currency)
            end = f", by {one.decided_by}" if one.decided_by else ""
            why = f": {one.reason}" if one.reason else ""
            say(
                f"{one.number} {one.quantity} of {one.sku_code} from {one.from_code} to {one.to_code},"
                f" costs {cost}, worth {worth}{end}{why}"
            )
    return 0


def run_propose(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.catalog import queries as catalog
        from entrepot.sourcing.commands.rebalance import (
            ProposeTransfers,
            ReviewStock,
            propose_transfers,
            review_stock,
        )

        company, _ = company_of(arguments.company)
        if not arguments.skus:
            reviewed = given("rebalance", review_stock, ReviewStock(company))
            say(f"SKUs that the worker looks at: {reviewed.skus}")
            return 0
        found = catalog.skus(company=company, codes=arguments.skus)
        if unknown := [code for code in arguments.skus if code not in found]:
            raise Problem(f"There is no SKU {', '.join(unknown)}.")
        wanted = [(code, ProposeTransfers(found[code].id)) for code in dict.fromkeys(arguments.skus)]
        return given_each(
            "rebalance", propose_transfers, wanted,
            lambda code, it: f"{code}: {it.units} units in transfers: {it.proposals}, accepted by rule: {it.accepted}",
        )  # fmt: skip


def run_ask(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.catalog import queries as catalog
        from entrepot.network import queries as network
        from entrepot.sourcing.commands.ask_transfers import AskTransfer, ask_transfers

        company, _ = company_of(arguments.company)
        sku = catalog.skus(company=company, codes=[arguments.sku]).get(arguments.sku)
        if sku is None:
            raise Problem(f"There is no SKU {arguments.sku}.")
        nodes = {one.code: one.id for one in network.nodes(company=company)}
        if unknown := [code for code in (arguments.source, arguments.target) if code not in nodes]:
            raise Problem(f"There is no node {', '.join(unknown)}; there are {', '.join(sorted(nodes))}.")
        source, target = nodes[arguments.source], nodes[arguments.target]
        wanted = AskTransfer(company, sku.id, source, target, arguments.units, arguments.reason)
        asked = given("rebalance", ask_transfers, wanted)
        say(f"{asked.number} is work for {arguments.source}")
    return 0


def run_accept(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.sourcing.commands.transfers import AcceptTransfer, accept_transfers

        wanted = [(one.number, AcceptTransfer(one.id)) for one in _chosen(arguments)]
        return given_each("rebalance", accept_transfers, wanted, lambda number, _: f"{number} accepted")


def run_reject(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.sourcing.commands.transfers import RejectTransfer, reject_transfers

        wanted = [(one.number, RejectTransfer(one.id, arguments.reason)) for one in _chosen(arguments)]
        return given_each("rebalance", reject_transfers, wanted, lambda number, _: f"{number} rejected")


def run_send(arguments: argparse.Namespace) -> int:
    if arguments.units is not None and len(arguments.numbers) != 1:
        raise Problem("--units is of one proposal: name one.")
    with opened(arguments.database, migrates=False):
        from entrepot.sourcing.commands.transfers import SendTransfer, send_transfers

        wanted = [(one.number, SendTransfer(one.id, quantity=arguments.units)) for one in _chosen(arguments)]
        return given_each(
            "rebalance", send_transfers, wanted,
            lambda number, it: f"{number}: {it.sent} units left by {it.number}"
            + (f", {it.left} stay to be sent" if it.left else "")
            + (f", {it.missing} were not free" if it.missing else ""),
        )  # fmt: skip


def _chosen(arguments: argparse.Namespace) -> list[ProposalRow]:
    """Those that are named, or all in the state from which the action leads."""
    from entrepot.sourcing import queries

    if bool(arguments.numbers) == arguments.all:
        raise Problem("Name proposals by their numbers, or say --all; not both.")
    company, _ = company_of(arguments.company)
    if arguments.all:
        return list(_pages(company, arguments.state))
    found = {
        one.number: one for one in queries.proposals_numbered(company=company, numbers=arguments.numbers)
    }
    if unknown := [number for number in arguments.numbers if number not in found]:
        raise Problem(
            f"There is no proposal {', '.join(unknown)}: each run takes the place of what nobody has decided on;"
            " `entrepot rebalance list` tells which there are."
        )
    return [found[number] for number in dict.fromkeys(arguments.numbers)]


def _pages(company: int, state: str) -> Iterator[ProposalRow]:
    from entrepot.sourcing import queries

    after = None
    while rows := queries.proposals(company=company, state=state, after=after, limit=AT_ONCE):
        yield from rows
        after = rows[-1].id
