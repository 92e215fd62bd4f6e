"""What becomes of an order of a batch: the facts of its case, the decision, and its promises, taken out of the locked
positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids
from entrepot.kernel.errors import Refused
from entrepot.sourcing import batches, cost, drop_ship, rules, substitutes
from entrepot.sourcing.deciding import Case, Together, decide
from entrepot.sourcing.facts import Facts, Line, Order
from entrepot.sourcing.loading import urgency
from entrepot.sourcing.suppliers import Suppliers
from entrepot.stock.commands import allocate as stock
from entrepot.stock.commands.reserve import TakenOver


def plan_together(
    orders: Mapping[UUID, Order],
    lines: Mapping[UUID, Sequence[Line]],
    facts: Facts,
    owned: set[tuple[int, UUID]],
) -> dict[int, Together]:
    """By company, since nobody adds up amounts of two currencies. Think before stock is locked, so that nobody waits
    for it; what is not free any more is planned again alone."""
    assert facts.costs
    facts.costs.weigh({sku for _, sku in owned})
    positions = stock.read_positions(owned)
    standing = batches.Standing(positions, facts.open_orders, facts.today)
    members: dict[int, list[batches.Member]] = defaultdict(list)
    is_first = {order.id: order for order in orders.values() if _asks_first(order, facts)}
    suppliers = Suppliers(is_first.values(), {sku for _, sku in owned}, facts, lock=False)
    for order in sorted(orders.values(), key=urgency):
        if facts.version(order).profile.choose_by == "cost" and lines[order.id] and not order.blocked:
            nodes = facts.nodes(order)
            mine = rules.left(_free(order, lines[order.id], nodes, positions, facts), nodes)
            passed = _passed_first(order, lines[order.id], suppliers, facts)
            suppliers.took(order.company, passed)
            rest = _rest(lines[order.id], passed)
            if rest:
                wanted = facts.costs.wanted(order, rest, nodes, mine, facts)
                most = facts.nodes_max(order, lines[order.id]) - len({one.supplier for one in passed})
                members[order.company].append(batches.Member(wanted, order.channel, most))
    together = {}
    for company, of_company in members.items():
        # Who waits for the locks of the batch waits no longer for it to be of several companies.
        seconds = min(one.wanted.profile.solve_seconds for one in of_company) / len(members)
        assigned, solution = batches.solve_together(of_company, standing, seconds)
        together[company] = Together(assigned, len(of_company), solution)
    return together


ALONE = Together({}, 0)


def _asks_first(order: Order, facts: Facts) -> bool:
    return any(one.ask == "first" for one in facts.version(order).profile.drop_ship)


def _passed_first(
    order: Order, lines: Sequence[Line], suppliers: Suppliers, facts: Facts
) -> tuple[drop_ship.Passed, ...]:
    """What goes to suppliers before nodes are asked: the cost is that of the rest."""
    wanted = [line.wanted() for line in lines]
    return drop_ship.asked_first(wanted, suppliers.of(order), facts.nodes_max(order, lines))


def _rest(lines: Sequence[Line], passed: Sequence[drop_ship.Passed]) -> list[Line]:
    """Lines of which nothing is passed on: whole ones are."""
    gone = {one.line for one in passed}
    return [line for line in lines if line.id not in gone]


Options = Mapping[UUID, Sequence[substitutes.Option]]
"""What may be sent instead, by line."""


def skus_of(lines: Sequence[Line], options: Options) -> set[UUID]:
    """The SKUs of lines, and those that may be sent instead."""
    found = {line.sku for line in lines}
    for of_line in options.values():
        found.update(one.sku for one in of_line)
    return found


def _free(
    order: Order, lines: Sequence[Line], nodes: rules.SortedOut, positions: stock.Positions, facts: Facts
) -> rules.Free:
    """What each node may promise to the order, also of what may be sent instead; nothing of what it rejected lately."""
    options = facts.options(order, lines)
    everybody = (*nodes.first, *nodes.after, *nodes.refused)
    free = {
        (sku, node.id): position.free_for(order.channel)
        for sku in skus_of(lines, options)
        for node in everybody
        if (position := positions.get((sku, node.id)))
    }
    for line, node in _rejected(order, lines, nodes, facts):
        for sku in skus_of([line], {line.id: options.get(line.id, ())}):
            free[sku, node.id] = 0
    return free


def _rejected(
    order: Order, lines: Sequence[Line], nodes: rules.SortedOut, facts: Facts
) -> list[tuple[Line, rules.Node]]:
    """Lines that nodes are not asked for: they have rejected them."""
    if not order.was_rejected:
        return []
    refused = facts.rejected(order)
    return [
        (line, node)
        for line in lines
        if line.id in refused
        for node in (*nodes.first, *nodes.after)
        if (nobody := refused[line.id]) is None or node.id in nobody
    ]


def _barred(
    order: Order, lines: Sequence[Line], nodes: rules.SortedOut, facts: Facts, positions: stock.Positions
) -> list[tuple[int, str, int, str]]:
    """What nodes could have served of the lines for which they are not asked, before anything of it is promised."""
    found = []
    for line, node in _rejected(order, lines, nodes, facts):
        position = positions.get((line.sku, node.id))
        units = min(line.wanted().quantity, position.free_for(order.channel)) if position else 0
        rule = "rejected" if node.id in facts.have_rejected(order, line.id) else "not asked"
        found.append((line.number, node.code, units, rule))
    return found


class Decided(NamedTuple):
    """The plan of an order, its promises, already taken out of the locked positions, and what it was made from.

    `barred` are the nodes that are not asked for a line, by its number: their codes, what they could have served, and
    why (`rejected`, or `not asked` where too many have rejected it). `terms` are costs by node and term,
    `terms_of_lines` those of each line beside the others, by its number; `instead` is what is sent instead of what was
    ordered, by the id of the line that it will have. `together` says how good the plan is that was made for it and the
    others of the batch, as `explain.Together` has it. `not_passed` are the suppliers that were not asked for what is
    short of a line, by its number, and why; `limit` is that of the shipments.
    """

    plan: rules.Plan
    promised: list[stock.Promised]
    nodes: rules.SortedOut
    free: rules.Free
    terms: Mapping[str, Mapping[str, int]]
    terms_of_lines: Sequence[tuple[int, Mapping[str, Mapping[str, int]]]]
    barred: Sequence[tuple[int, str, int, str]]
    instead: Mapping[UUID, substitutes.Instead]
    passed: Sequence[drop_ship.Passed]
    together: Mapping[str, Any]
    not_passed: Sequence[tuple[int, str, str]]
    limit: rules.Limit


def decide_order(
    order: Order,
    lines: Sequence[Line],
    facts: Facts,
    positions: stock.Positions,
    suppliers: Suppliers,
    held: Sequence[TakenOver],
    together: Together,
) -> Decided:
    """What becomes of one order.

    What was reserved for it is free from its turn on, not before: nobody of the batch gets it first.
    """
    nodes = facts.nodes(order)
    if held:
        for one in held:
            positions[one.sku, one.node].give_back(one.channel, one.quantity, one.fenced)
        reserved_at = {one.node for one in held}
        first = tuple(sorted(nodes.first, key=lambda node: node.id not in reserved_at))
        nodes = nodes._replace(first=first, ranked=())
    free = _free(order, lines, nodes, positions, facts)
    profile = facts.version(order).profile
    priced = None
    if profile.choose_by == "cost" and facts.costs:
        rest = _rest(lines, _passed_first(order, lines, suppliers, facts))
        if rest:
            priced = facts.costs.wanted(order, rest, nodes, rules.left(free, nodes), facts)
    wanted = [line.wanted() for line in lines]
    limit, asked = facts.limit(order, lines), suppliers.of(order)
    plan, sent, nodes, passed = decide(
        Case(
            order.id, order.policy, wanted, nodes, free, limit.most, profile, facts.options(order, lines), asked,
            priced, together, order.fill, facts.past(order), facts.kit_parts.get(order.id, ()),
        )
    )  # fmt: skip
    if plan.waits:  # it keeps what was reserved for it
        for one in held:
            positions[one.sku, one.node].take_back(one.channel, one.quantity, one.fenced)
    terms = {}
    if priced:
        known = [node for node in cost.all_of(nodes) if node.id in priced.shipping]
        terms = {node.code: priced.terms(node) for node in known}
    terms_of_lines = _terms_of_lines(lines, plan, priced) if priced else []
    barred = _barred(order, lines, nodes, facts, positions)
    facts.took(plan.shares)
    suppliers.took(order.company, passed)
    instead = {ids.uuid7(): one for one in sent}
    promised = _promise(order, plan, positions, instead)
    planned = _planned(order, plan, together) if priced else {}
    not_passed = _not_passed(order, lines, plan, passed, asked, profile, nodes, free)
    return Decided(
        plan,
        promised,
        nodes,
        free,
        terms,
        terms_of_lines,
        barred,
        instead,
        passed,
        planned,
        not_passed,
        limit,
    )


def _not_passed(
    order: Order,
    lines: Sequence[Line],
    plan: rules.Plan,
    passed: Sequence[drop_ship.Passed],
    asked: Sequence[drop_ship.Supplier],
    profile: rules.Profile,
    nodes: rules.SortedOut,
    free: rules.Free,
) -> list[tuple[int, str, str]]:
    """The suppliers that were not asked for what is short of each line, by its number, and why."""
    if not profile.drop_ship or not plan.short:
        return []
    is_missing = False
    if order.policy == "ship_complete":
        may_be_asked = {node.id for node in (*nodes.first, *nodes.after)}
        of_sku: dict[UUID, int] = {}
        for (sku, node), units in (free if nodes.keeps_rule == "soft" else rules.left(free, nodes)).items():
            of_sku[sku] = of_sku.get(sku, 0) + (units if node in may_be_asked else 0)
        is_missing = drop_ship.has_missing([line.wanted() for line in lines], asked, of_sku)
    numbers = {line.id: line.number for line in lines}
    return [
        (numbers[line.id], *why)
        for line in plan.short
        for why in drop_ship.not_asked(
            profile.drop_ship, asked, order.country, line, passed,
            is_whole=order.policy in ("ship_complete", "line_complete"), is_missing=is_missing,
        )
    ]  # fmt: skip


def _planned(order: Order, plan: rules.Plan, together: Together) -> dict[str, Any]:
    """What is kept of the plan that was made for all, with every order of it: what it costs, and what it can't cost
    less than."""
    found = together.solution
    if found is None:
        return {}
    return {
        "orders": together.orders, "cost_minor": found.cost, "bound_minor": found.bound, "solver": found.solver,
        "followed": together.is_followed(order.id, plan),
    }  # fmt: skip


def _terms_of_lines(
    lines: Sequence[Line], plan: rules.Plan, priced: cost.Wanted
) -> list[tuple[int, dict[str, dict[str, int]]]]:
    """What each line would cost from each node, the others where they are; that of a single line is the order's."""
    if len(priced.lines) < 2:
        return []
    numbers = {line.id: line.number for line in lines}
    asked = [node for node in cost.all_of(priced.nodes) if node.id in priced.shipping]
    told = []
    for line in priced.lines:
        others = {share.node for share in plan.shares if share.line != line.id}
        told.append(
            (numbers[line.id], {node.code: priced.terms_of_line(line, node, others) for node in asked})
        )
    return told


def without_kits(decided: Decided, kits: Collection[int]) -> Decided:
    """The decision without what is short of kits that are called back first: it stays where it is."""
    short = tuple(line for line in decided.plan.short if line.kit not in kits)
    return decided._replace(plan=replace(decided.plan, short=short))


def _promise(
    order: Order, plan: rules.Plan, positions: stock.Positions, instead: Mapping[UUID, substitutes.Instead]
) -> list[stock.Promised]:
    promised = []
    lines = {(one.line, one.option.sku): by for by, one in instead.items()}
    for ordered, sku, node, quantity in plan.shares:
        line = lines.get((ordered, sku), ordered)
        request = stock.Allocate(
            order.company, order.id, line, sku, node, order.channel, quantity, order.priority, order.promise_at,
            order.placed_at,
        )  # fmt: skip
        row = stock.admit(positions, request)
        assert not isinstance(row, Refused), "a plan takes what is free under the lock"
        promised.append(row)
    return promised
