"""`entrepot replan`: promised orders planned again, by their numbers or all of a node."""

from __future__ import annotations

import argparse

from entrepot import Problem
from entrepot.cli.session import add_database_option, company_of, given, given_each, opened, say


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("replan", help="plan promised orders again, until they are released")
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    orders = actions.add_parser("orders", help="orders, by their numbers")
    orders.add_argument("orders", nargs="+", metavar="ORDER", help="its number")
    orders.add_argument("--reason", default="", help="why, for their history")
    orders.set_defaults(run=run_orders)

    node = actions.add_parser("node", help="move what a node has promised and not released to others")
    node.add_argument("node", metavar="NODE", help="its code")
    node.add_argument("--reason", required=True)
    node.add_argument(
        "--limit", type=int, default=500, metavar="N", help="orders at once, the most urgent first"
    )
    node.set_defaults(run=run_node)

    for action in actions.choices.values():
        action.add_argument("--company", metavar="CODE", help="needed where there are several")
        add_database_option(action)


def run_orders(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.orders import queries
        from entrepot.sourcing.commands.replan import ReplanOrder, replan

        company, _ = company_of(arguments.company)
        found = queries.ids_numbered(company, arguments.orders)
        if unknown := [number for number in arguments.orders if number not in found]:
            raise Problem(
                f"There is no order {', '.join(unknown)}: expected numbers as the console shows them."
            )
        wanted = [
            (number, ReplanOrder(found[number], arguments.reason))
            for number in dict.fromkeys(arguments.orders)
        ]
        return given_each(
            "replan", replan, wanted,
            lambda number, it: f"{number}: {it.units} units come from elsewhere" if it.units
            else f"{number} stays: {it.why}",
        )  # fmt: skip


def run_node(arguments: argparse.Namespace) -> int:
    with opened(arguments.database, migrates=False):
        from entrepot.network import queries as network
        from entrepot.sourcing.commands.replan import LeaveNode, leave_node

        company, _ = company_of(arguments.company)
        nodes = {one.code: one.id for one in network.nodes(company=company)}
        if arguments.node not in nodes:
            raise Problem(f"There is no node {arguments.node}; there are {', '.join(sorted(nodes))}.")
        wanted = LeaveNode(company, nodes[arguments.node], arguments.reason, arguments.limit)
        left = given("replan", leave_node, wanted)
        say(f"{left.orders} orders come from elsewhere, {left.units} units")
        for why, orders in sorted(left.stay.items()):
            say(f"{orders} stay: {why}")
        if left.left:
            say(f"{left.left} were not looked at: say it again, with a larger --limit")
    return 0
