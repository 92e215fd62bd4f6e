"""Decide which nodes serve orders, promise their stock, and say why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from entrepot.kernel import ids, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.orders.commands import progress
from entrepot.orders.commands.cancel import settle
from entrepot.orders.commands.substitute import Substitute, substitute
from entrepot.sourcing import cost, drop_ship, errors, half_kits, rules, substitutes, turns
from entrepot.sourcing.ahead import SoldAhead
from entrepot.sourcing.commands import by_line
from entrepot.sourcing.deciding import Case, Together, decide
from entrepot.sourcing.facts import Facts, Line, Order, Version
from entrepot.sourcing.suppliers import Suppliers
from entrepot.stock.commands import allocate as stock
from entrepot.stock.commands.reserve import TakenOver, TakeOver, take_over
from entrepot.stock.rules import urgency
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class AllocateOrder:
    """An order whose open and backordered units are to be sourced now."""

    order: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderAllocated:
    """Units allocated now, how many of them are of another SKU than was ordered, those still backordered, those that a
    supplier sends himself, and how it came."""

    order: UUID
    outcome: str
    allocated: int
    backordered: int
    cancelled: int
    why: str
    substituted: int = 0
    passed: int = 0


@command("sourcing.allocate")
def allocate(cause: Cause, /, *, requests: Sequence[AllocateOrder]) -> list[OrderAllocated | Refused]:
    """Source orders: promise what is free by the profile's rules, pass on what suppliers send themselves, or promise
    something else that may be sent instead; backorder or cancel the rest by the order's policy.

    More urgent orders of the batch are served first: priority, promised date, order time, id.
    Locks: the orders in id order, then the positions of their SKUs, and of what may be sent instead, in key order.
    Refuses: NotFound, OnHold, NothingToAllocate. Again: by key. About 14 statements for any number of orders;
    2 more where some take over reservations, 2 or 3 where a profile names suppliers, 3 or 4 where a SKU is sold ahead
    up to a limit, 6 where that holds some, and as `orders.substitute` where something else is sent. Plain orders of a
    profile that chooses by line are served all at once, in as many (`by_line`). 1 more where a kit is short, 1 where
    some that waited still wait, and those of `orders.settle` where a policy cancels.
    """
    order_ids = [request.order for request in requests]
    times = {request.order: request.occurred_at or cause.at for request in requests}
    progress.lock(order_ids)
    orders = {row[0]: Order(*row) for row in sql.run(_ORDERS, {"orders": order_ids})}
    facts = Facts(orders.values(), cause.at)
    waiting = sorted((order for order in orders.values() if not order.blocked), key=_urgency)
    served = by_line.serve(cause, orders, facts, times, waiting)
    if served is not None:
        return _write_served(cause, requests, orders, served, times)
    lines = _load_lines(orders, cause.at.date())
    facts.know(orders.values(), lines)
    if facts.ranks:
        orders = {key: facts.ranked(order, lines[key]) for key, order in orders.items()}
    owned = {
        (order.company, sku)
        for order in orders.values()
        for sku in _skus(lines[order.id], facts.options(order, lines[order.id]))
    }
    together = _together(orders, lines, facts, owned) if facts.costs else {}
    positions = stock.lock_positions(owned)
    suppliers = Suppliers(orders.values(), {sku for _, sku in owned}, facts)

    ahead = SoldAhead(orders, lines, cause.at)
    for order in sorted(orders.values(), key=_urgency):
        if not order.blocked and lines[order.id]:
            ahead.admit(order, lines[order.id], facts)
    held = _take_over(cause, orders, lines, ahead.kept)

    plans = {
        order.id: _decide(
            order,
            lines[order.id],
            facts,
            positions,
            suppliers,
            held.get(order.id, ()),
            together.get(order.company, _ALONE),
        )
        for order in sorted(orders.values(), key=_urgency)
        if not order.blocked and lines[order.id] and order.id not in ahead.kept
    }

    batch = _Batch(cause, times)
    halves = half_kits.standing({order: one.plan.short for order, one in plans.items()})
    plans |= {order: _without(plans[order], kits) for order, kits in halves.items()}
    for order_id, decision in plans.items():
        half = halves.get(order_id, set())
        batch.add(orders[order_id], lines[order_id], decision, facts.version(orders[order_id]), half)
    batch.write()
    ahead.write(cause, times)
    ready.drop("allocate", order_ids)
    return [
        OrderAllocated(request.order, "held", 0, 0, 0, kept.why)
        if (kept := ahead.kept.get(request.order))
        else _answer(request.order, orders, plans)
        for request in requests
    ]


# ---- load


def _load_lines(orders: Collection[UUID], today: date) -> dict[UUID, list[Line]]:
    lines: dict[UUID, list[Line]] = {order: [] for order in orders}
    for order, *line in sql.run(_LINES, {"orders": list(orders), "today": today}):
        lines[order].append(Line(*line))
    return lines


def _take_over(
    cause: Cause, orders: dict[UUID, Order], lines: dict[UUID, list[Line]], kept: Container[UUID]
) -> dict[UUID, list[TakenOver]]:
    """What orders take over of reservations; with it they stand in the queue where their reservation stood. What is
    reserved for an order that is kept stays so."""
    requests = [
        TakeOver(order.company, order.reservation, sku, order.id)
        for order in orders.values()
        if order.reservation and not order.blocked and order.id not in kept
        for sku in {line.sku for line in lines[order.id]}
    ]
    held: dict[UUID, list[TakenOver]] = defaultdict(list)
    for one in take_over(cause, requests) if requests else ():
        held[one.order].append(one)
        since = min(orders[one.order].placed_at, one.reserved_at)
        orders[one.order] = orders[one.order]._replace(placed_at=since)
    return held


# ---- decide


def _urgency(order: Order) -> tuple[Any, ...]:
    return urgency(order.priority, order.promise_at, order.placed_at, order.id)


def _together(
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
    free = {key: max(0, position.free) for key, position in positions.items()}
    wanted: dict[int, list[cost.Wanted]] = defaultdict(list)
    is_first = {order.id: order for order in orders.values() if _asks_first(order, facts)}
    suppliers = Suppliers(is_first.values(), {sku for _, sku in owned}, facts, lock=False)
    for order in sorted(orders.values(), key=_urgency):
        if facts.version(order).profile.choose_by == "cost" and lines[order.id] and not order.blocked:
            nodes = facts.nodes(order)
            mine = rules.left(_free(order, lines[order.id], nodes, positions, facts), nodes)
            passed = _passed_first(order, lines[order.id], suppliers, facts)
            suppliers.took(order.company, passed)
            rest = _rest(lines[order.id], passed)
            if rest:
                wanted[order.company].append(facts.costs.wanted(order, rest, nodes, mine, facts))
    together = {}
    for company, of_company in wanted.items():
        # Who waits for the locks of the batch waits no longer for it to be of several companies.
        seconds = min(one.profile.solve_seconds for one in of_company) / len(wanted)
        assigned, solution = cost.solve_together(of_company, free, seconds)
        together[company] = Together(assigned, len(of_company), solution)
    return together


_ALONE = Together({}, 0)


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


def _skus(lines: Sequence[Line], options: Options) -> set[UUID]:
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
        for sku in _skus(lines, options)
        for node in everybody
        if (position := positions.get((sku, node.id)))
    }
    for line, node in _rejected(order, lines, nodes, facts):
        for sku in _skus([line], {line.id: options.get(line.id, ())}):
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


class _Decided(NamedTuple):
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


def _decide(
    order: Order,
    lines: Sequence[Line],
    facts: Facts,
    positions: stock.Positions,
    suppliers: Suppliers,
    held: Sequence[TakenOver],
    together: Together,
) -> _Decided:
    """What becomes of one order.

    What was reserved for it is free from its turn on, not before: nobody of the batch gets it first.
    """
    nodes = facts.nodes(order)
    if held:
        for one in held:
            positions[one.sku, one.node].free += one.quantity
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
            priced, together,
        )
    )  # fmt: skip
    terms = {node.code: priced.terms(node) for node in (*nodes.first, *nodes.after)} if priced else {}
    terms_of_lines = _terms_of_lines(lines, plan, priced) if priced else []
    barred = _barred(order, lines, nodes, facts, positions)
    facts.took(plan.shares)
    suppliers.took(order.company, passed)
    instead = {ids.uuid7(): one for one in sent}
    promised = _promise(order, plan, positions, instead)
    planned = _planned(order, plan, together) if priced else {}
    not_passed = _not_passed(order, lines, plan, passed, asked, profile, nodes, free)
    return _Decided(
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
    asked = [node for node in (*priced.nodes.first, *priced.nodes.after) if node.id in priced.shipping]
    told = []
    for line in priced.lines:
        others = {share.node for share in plan.shares if share.line != line.id}
        told.append(
            (numbers[line.id], {node.code: priced.terms_of_line(line, node, others) for node in asked})
        )
    return told


def _without(decided: _Decided, kits: Collection[int]) -> _Decided:
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


def _reasons(order: Order, lines: Sequence[Line], decided: _Decided, version: Version) -> dict[str, Any]:
    """What `explain` needs to tell why. Where every node that was asked has all of it, lines tell nothing more."""
    plan, nodes, free = decided.plan, decided.nodes, decided.free
    units = sum(line.open + line.backordered for line in lines)
    if version.profile.choose_by == "line":
        found = _turns(lines, decided)
        told = _reasons_by_line(order, plan, units, nodes, version, found)
        return told | _served_otherwise(lines, decided, found) | _rejected_and_instead(lines, decided)
    by_code = {node.code: node.id for node in (*nodes.first, *nodes.after)}
    why: dict[str, Any] = {"why": plan.why, "policy": order.policy, "candidates": plan.candidates}
    if any(could != units for _, could in plan.candidates) or decided.instead or decided.passed:
        asked = [by_code[code] for code, _ in plan.candidates]
        given = free if plan.softened else rules.left(free, nodes)
        why["lines"] = [
            (line.number, line.wanted().quantity, [given.get((line.sku, node), 0) for node in asked])
            for line in lines
        ]
    is_plain = plan.outcome == "allocated" and not decided.instead
    codes = {node: code for code, node in by_code.items()}
    if not is_plain or plan.chosen:
        why["units"] = units
        why["chosen"] = plan.chosen or list(dict.fromkeys(codes[one.node] for one in plan.shares))
    if not is_plain:
        numbers = {line.id: line.number for line in lines}
        why["served"] = [(numbers[one.line], codes[one.node], one.quantity) for one in plan.shares]
    could = {}
    if nodes.refused or nodes.after or nodes.keeps:
        wanted = [line.wanted() for line in lines]
        could = rules.without_rules(wanted, nodes, free, softened=plan.softened)
    keeping = {code: "minimum" for code in could if code in by_code}
    if plan.softened and nodes.keeps_rule == "soft":
        keeping |= {codes[node]: "minimum" for node in _into_minimum(plan, nodes, free)}
    whole = [code for code, n in plan.candidates if n == units]
    more = {
        "ahead": rules.ahead_of(nodes, could, units, why.get("chosen") or whole),
        "limit": [*decided.limit, plan.limited] if plan.limited else None,
        "not_passed": decided.not_passed,
        "broken": {**keeping, **nodes.broken},
        "could": could,
        "km": nodes.km,
        "costs": decided.terms,
        "line_costs": decided.terms_of_lines,
        "together": decided.together,
        "softened": plan.softened,
        "scope": version.scope,
        **_priority(order),
    }
    return why | _told(more) | _rejected_and_instead(lines, decided)


def _into_minimum(plan: rules.Plan, nodes: rules.SortedOut, free: rules.Free) -> set[UUID]:
    """Nodes that give of what they should keep."""
    taken: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for share in plan.shares:
        taken[share.sku, share.node] += share.quantity
    return {
        node
        for (sku, node), units in taken.items()
        if units > max(0, free.get((sku, node), 0) - nodes.keeps.get(node, 0)) and node in nodes.keeps
    }


def _turns(lines: Sequence[Line], decided: _Decided) -> dict[str, Any]:
    """What each line found in its turn."""
    plan, nodes, free = decided.plan, decided.nodes, decided.free
    asked, others = rules.asked_by(plan, nodes)
    keeps = {} if plan.softened and nodes.keeps_rule == "soft" else nodes.keeps
    numbered = [(line.number, line.wanted()) for line in lines]
    told = {
        "asked": [node.code for node in asked],
        "others": [node.code for node in others],
        "turns": turns.keep(numbered, plan.shares, asked, rules.left(free, nodes) if keeps else free),
        "able": turns.keep_others(numbered, others, free),
        "kept": turns.keep_kept(numbered, plan.shares, asked, free, keeps) if keeps else (),
    }
    return told | {"could": rules.keeping([line for _, line in numbered], plan, nodes, free)}


def _served_otherwise(
    lines: Sequence[Line], decided: _Decided, found: Mapping[str, Any]
) -> dict[str, list[tuple[int, str, int]]]:
    """What lines got, where that is not what the nodes have in turn; also where it is nothing."""
    asked, _ = rules.asked_by(decided.plan, decided.nodes)
    numbers, codes = {line.id: line.number for line in lines}, {node.id: node.code for node in asked}
    served = [(numbers[one.line], codes[one.node], one.quantity) for one in decided.plan.shares]
    in_turn = [(turn.number, *one) for turn in turns.read(found) for one in turn.served]
    return {"served": served} if sorted(served) != sorted(in_turn) else {}


def _reasons_by_line(
    order: Order,
    plan: rules.Plan,
    units: int,
    nodes: rules.SortedOut,
    version: Version,
    found: Mapping[str, Any],
) -> dict[str, Any]:
    """As `_reasons`, where each line is served by itself; `found` is what the lines found in their turns."""
    more = {
        "broken": dict.fromkeys(found.get("could", ()), "minimum") | dict(nodes.broken),
        "ranked": nodes.ranked,
        "km": nodes.km,
        "softened": plan.softened,
        "scope": version.scope,
        **_priority(order),
    }
    return {
        "why": plan.why,
        "policy": order.policy,
        "candidates": plan.candidates,
        "units": units,
        "chosen": plan.chosen,
    } | _told({**more, **found})


def _rejected_and_instead(lines: Sequence[Line], decided: _Decided) -> dict[str, Any]:
    numbers = {line.id: line.number for line in lines}
    instead = [
        (numbers[one.line], one.option.ordered, one.option.code, one.quantity, one.option.price)
        for one in decided.instead.values()
    ]
    suppliers = [
        (numbers[one.line], one.code, one.quantity, one.lead_days, one.is_first) for one in decided.passed
    ]
    return _told({"rejected": decided.barred, "instead": instead, "suppliers": suppliers})


def _priority(order: Order) -> dict[str, Any]:
    """What an order is served with, by term, where that is not its own priority alone."""
    if not order.added:
        return {}
    return {"priority": order.priority, "priority_terms": {"own": order.own_priority, **order.added}}


def _told(more: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if value}


# ---- write


class _Batch:
    """Rows of all orders of a call, gathered to be written in a fixed number of statements."""

    def __init__(self, cause: Cause, times: dict[UUID, datetime]) -> None:
        self.cause, self.times = cause, times
        self.promises: list[stock.Promised] = []
        self.steps: list[progress.Progress] = []
        self.substitutes: list[Substitute] = []
        self.decisions: list[tuple[Any, ...]] = []
        self.still_waiting: list[tuple[Any, ...]] = []  # decisions that may be those that stand already
        self.waiting: list[tuple[Any, ...]] = []
        self.settled: list[UUID] = []
        self.served: dict[UUID, int] = {}
        self.default_dates: dict[UUID, date] = {}  # of what waits for nothing that is expected
        self.waited_for: set[UUID] = set()  # SKUs whose backorders come or go
        self.passed: list[tuple[Any, ...]] = []
        self.to_order: dict[UUID, tuple[int, datetime]] = {}
        self.recalls: list[tuple[UUID, int, datetime]] = []
        self.cancelled: dict[UUID, datetime] = {}  # orders of which a policy cancels something
        self.offers: list[tuple[UUID, int, datetime]] = []
        self.items: list[OpenItem] = []

    def add(
        self,
        order: Order,
        lines: Sequence[Line],
        decided: _Decided,
        version: Version,
        half: Collection[int] = (),
    ) -> None:
        """`half` are the kits that are called back: what is short of them is decided when that is done."""
        plan = decided.plan
        if half:
            self.recalls.append((order.id, order.priority, order.promise_at or order.placed_at))
        self.default_dates[order.id] = (
            self.cause.at + timedelta(days=version.profile.default_lead_days)
        ).date()
        self.promises += decided.promised
        skus = {line.id: line.sku for line in lines}
        taken: dict[UUID, int] = defaultdict(int)
        for share in plan.shares:
            if share.sku == skus[share.line]:
                taken[share.line] += share.quantity
        cancels = order.policy == "partial_cancel"
        instead = {one.line: (by, one) for by, one in decided.instead.items()}
        for line in lines:
            by = instead.get(line.id)
            left = self._pass_on(order, line, [one for one in decided.passed if one.line == line.id])
            left = self._exchange(order, left, *by) if by else left
            if line.kit in half:
                left = left._replace(open=max(0, taken[line.id] - left.backordered))
            self._step(order, line, left, taken[line.id], cancels=cancels)
        missing = sum(line.quantity for line in plan.short)
        has_waited = not any(line.open for line in lines)
        why = _reasons(order, lines, decided, version)
        self.tell(order, plan, why, version, missing, has_waited=has_waited)

    def tell(
        self,
        order: Order,
        plan: rules.Plan,
        why: dict[str, Any],
        version: Version,
        missing: int,
        *,
        has_waited: bool,
    ) -> None:
        """Note the decision, and who is to know of it; `has_waited` where all of it waited already."""
        outcome = rules.outcome_of(plan, order.policy)
        decision = (
            order.company, order.id, version.number, outcome, wire.dump(why), self.times[order.id],
        )  # fmt: skip
        if has_waited and outcome == "backordered":
            self.still_waiting.append(decision)
        else:
            self.decisions.append(decision)
        if plan.shares or plan.chosen:
            self.offers.append((order.id, order.priority, order.promise_at or order.placed_at))
        if missing and order.policy != "partial_cancel":
            self.items.append(
                OpenItem(
                    company=order.company,
                    type="backorder",
                    subject_kind="order",
                    subject=order.id,
                    reason=Said("{0} units wait for stock: {1}", missing, plan.why),
                    role="inventory manager",
                    facts={"units": missing},
                    due_in_hours=48,
                    occurred_at=self.times[order.id],
                    value_minor=order.total_minor,
                    tier=order.tier or None,
                    promise_at=order.promise_at,
                )
            )

    def _pass_on(self, order: Order, line: Line, passed: Sequence[drop_ship.Passed]) -> Line:
        """Give units of a line to suppliers; returns what is left of the line."""
        for one in passed:
            waited = min(one.quantity, line.backordered)
            for place, units in (("backordered", waited), ("open", one.quantity - waited)):
                if units:
                    self.steps.append(progress.Progress(line.id, order.id, place, "with_supplier", units))
            line = line._replace(
                open=line.open - one.quantity + waited, backordered=line.backordered - waited
            )
            self.passed.append((
                ids.uuid7(), order.company, order.id, line.id, line.sku, one.supplier, one.quantity, one.lead_days,
                self.times[order.id],
            ))  # fmt: skip
            self.to_order[order.id] = (order.priority, order.promise_at or order.placed_at)
        return line

    def _exchange(self, order: Order, line: Line, by: UUID, one: substitutes.Instead) -> Line:
        """Send something else for units of a line; returns what is left of the line."""
        waited = min(one.quantity, line.backordered)
        places = tuple(
            (place, units)
            for place, units in (("backordered", waited), ("open", one.quantity - waited))
            if units
        )
        self.substitutes.append(Substitute(order.id, line.id, by, one.option.sku, one.option.price, places))
        self.steps.append(progress.Progress(by, order.id, "open", "allocated", one.quantity))
        return line._replace(open=line.open - one.quantity + waited, backordered=line.backordered - waited)

    def _step(self, order: Order, was: Line, line: Line, taken: int, *, cancels: bool) -> None:
        """Allocate out of the backordered units first: they have waited longer. `line` is `was` without what something
        else is sent for."""
        from_backorder = min(taken, line.backordered)
        from_open = taken - from_backorder
        rest = line.open - from_open
        left_over = "cancelled" if cancels else "backordered"
        for source, target, units in (
            ("backordered", "allocated", from_backorder),
            ("open", "allocated", from_open),
            ("open", left_over, rest),
        ):
            if units:
                self.steps.append(progress.Progress(line.id, order.id, source, target, units))
        if cancels and rest:
            self.cancelled[order.id] = self.times[order.id]
        waiting = 0 if cancels else line.backordered - from_backorder + rest
        if waiting or was.backordered:
            self.waited_for.add(line.sku)
        if waiting:
            self.waiting.append(
                (
                    line.id,
                    order.company,
                    order.id,
                    line.sku,
                    waiting,
                    order.priority,
                    order.placed_at,
                    self.default_dates[order.id],
                )
            )
        elif was.backordered:
            self.settled.append(line.id)
            self.served[order.id] = order.company

    def _changed(self) -> list[tuple[Any, ...]]:
        """Of what still waits, the decisions that say something else than the last one on their order: each SKU that
        moves asks again about all that wait for it, and most of the time nothing comes of it."""
        if not self.still_waiting:
            return []
        rows = [decision[1:5] for decision in self.still_waiting]
        found = sql.run(_DECIDED_SO, sql.columns(("orders", "versions", "outcomes", "reasons"), rows))
        same = {order for (order,) in found}
        return [decision for decision in self.still_waiting if decision[1] not in same]

    def write(self) -> None:
        stock.write_promises(self.promises)
        substitute(self.cause, requests=self.substitutes, times=self.times)
        progress.progress(self.cause, requests=self.steps, times=self.times)
        sql.write("sourcing_decision", _DECISION_COLUMNS, self.decisions + self._changed())
        if self.passed:
            sql.write("sourcing_dropship", _PASSED_COLUMNS, self.passed)
            offer("drop_ship", [(order, *urgent) for order, urgent in self.to_order.items()])
        if self.waiting:
            names = ("lines", "companies", "orders", "skus", "units", "priorities", "times", "defaults")
            sql.run(_WAIT, sql.columns(names, self.waiting))
        if self.settled:
            sql.run(
                "DELETE FROM sourcing_backorder WHERE line_id = ANY(%(lines)s::uuid[])",
                {"lines": self.settled},
            )
        offer("release", self.offers)
        offer("recall", self.recalls)
        settle(self.cause, self.cancelled, "not to be had, and the order's policy is not to wait")
        offer("peg", [(sku, 5, self.cause.at) for sku in self.waited_for])
        if self.items:
            open_items(self.cause, requests=self.items)
        short = {item.subject for item in self.items}
        served = [(order, company) for order, company in self.served.items() if order not in short]
        exchanged = {one.order for one in self.substitutes}
        if served:
            resolve_subjects(
                self.cause,
                requests=[
                    ResolveSubject(
                        company,
                        kind,
                        order,
                        "something else is sent"
                        if order in exchanged
                        else "a supplier sends it"
                        if order in self.to_order
                        else "stock came",
                        occurred_at=self.times[order],
                    )
                    for order, company in served
                    for kind in ("backorder", "slipped promise")
                ],
            )


def _write_served(
    cause: Cause,
    requests: Sequence[AllocateOrder],
    orders: Mapping[UUID, Order],
    done: by_line.Done,
    times: dict[UUID, datetime],
) -> list[OrderAllocated | Refused]:
    """Write what is left to write of orders that were served by line, and answer them."""
    batch = _Batch(cause, times)
    for one in done.orders.values():
        asked, others = rules.asked_by(one.plan, one.nodes)
        codes = {"asked": [node.code for node in asked], "others": [node.code for node in others]}
        kept = {"turns": one.turns, "able": one.others}
        found = codes | {name: msgspec.Raw(f"[{text}]".encode()) for name, text in kept.items() if text}
        why = _reasons_by_line(one.order, one.plan, one.wanted, one.nodes, one.version, found)
        batch.tell(one.order, one.plan, why, one.version, one.short, has_waited=one.has_waited)
    batch.waited_for, batch.served = done.waited_for, done.settled
    batch.cancelled = {
        one.order.id: times[one.order.id]
        for one in done.orders.values()
        if one.short and one.order.policy == "partial_cancel"
    }
    batch.write()
    ready.drop("allocate", [request.order for request in requests])
    return [
        _served(done.orders[request.order])
        if request.order in done.orders
        else _answer(request.order, orders, {})
        for request in requests
    ]


def _served(one: by_line.Served) -> OrderAllocated:
    cancels = one.order.policy == "partial_cancel"
    waits, gone = (0, one.short) if cancels else (one.short, 0)
    outcome = rules.outcome_of(one.plan, one.order.policy)
    return OrderAllocated(one.order.id, outcome, one.wanted - one.short, waits, gone, one.plan.why)


def _answer(
    order_id: UUID, orders: Mapping[UUID, Order], plans: Mapping[UUID, _Decided]
) -> OrderAllocated | Refused:
    if order_id not in orders:
        return NotFound(what="order", which=str(order_id))
    if orders[order_id].blocked:
        return errors.OnHold(order=str(order_id))
    if order_id not in plans:
        return errors.NothingToAllocate(order=str(order_id))
    plan = plans[order_id].plan
    short = sum(line.quantity for line in plan.short)
    cancels = orders[order_id].policy == "partial_cancel"
    allocated = sum(share.quantity for share in plan.shares)
    substituted = sum(one.quantity for one in plans[order_id].instead.values())
    return OrderAllocated(
        order_id,
        rules.outcome_of(plan, orders[order_id].policy),
        allocated,
        0 if cancels else short,
        short if cancels else 0,
        plan.why,
        substituted,
        sum(one.quantity for one in plans[order_id].passed),
    )


_PASSED_COLUMNS = (
    "id", "company_id", "order_id", "line_id", "sku_id", "supplier_id", "quantity", "lead_days", "passed_at",
)  # fmt: skip

_DECISION_COLUMNS = ("company_id", "order_id", "profile_version", "outcome", "reasons", "decided_at")

# What was left where nothing of it could be promised moves with every other order: it changes nothing that is said.
_DECIDED_SO = """
SELECT d.order_id
FROM unnest(%(orders)s::uuid[], %(versions)s::int[], %(outcomes)s::text[], %(reasons)s::text[])
     AS d(order_id, version, outcome, reasons)
CROSS JOIN LATERAL (SELECT profile_version, outcome, reasons FROM sourcing_decision AS s
                    WHERE s.order_id = d.order_id ORDER BY s.id DESC LIMIT 1) AS last
WHERE (last.profile_version, last.outcome) = (d.version, d.outcome)
  AND last.reasons - ARRAY['turns', 'able', 'served'] = d.reasons::jsonb - ARRAY['turns', 'able', 'served']
"""

_ORDERS = """
SELECT o.id, o.company_id::int, channel_id, country, postal_code, policy, priority::int, promise_at, placed_at,
       reservation, service, total_minor,
       EXISTS (SELECT FROM orders_hold AS h
               WHERE h.order_id = o.id AND h.state = 'open' AND 'allocate' = ANY(h.blocks)),
       EXISTS (SELECT FROM sourcing_rejection AS r WHERE r.order_id = o.id AND r.cleared_at IS NULL), priority::int,
       currency::text, COALESCE(c.tier, ''), COALESCE(NULLIF(o.substitutes, ''), c.substitutes, '')
FROM orders_order AS o LEFT JOIN parties_customer AS c ON c.id = o.customer_id
WHERE o.id = ANY(%(orders)s::uuid[]) AND commercial <> 'cancelled'
"""

_LINES = """
SELECT l.order_id, l.id, l.number::int, l.sku_id, l.open, l.backordered, l.instead_of IS NOT NULL,
       ((l.gross_minor - l.discount_minor) * (l.open + l.backordered) / l.quantity)::bigint,
       EXISTS (SELECT FROM stock_preorder AS y
               WHERE y.sku_id = l.sku_id AND y.ships_on > %(today)s::date AND y.units_max > 0),
       l.kit_number, greatest(l.kit_units, 1)
FROM orders_line AS l
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.sku_id IS NOT NULL AND l.open + l.backordered > 0
ORDER BY l.order_id, l.number
"""

# Promised for the first expected supply of the SKU, or by the profile's lead time where nothing is on its way.
_WAIT = """
INSERT INTO sourcing_backorder (line_id, company_id, order_id, sku_id, quantity, priority, ordered_at, promised_on)
SELECT d.line, d.company, d.order_id, d.sku, d.units, d.priority, d.ordered_at,
       COALESCE((SELECT min(s.expected_on) FROM stock_supply AS s WHERE s.sku_id = d.sku), d.by_default)
FROM unnest(%(lines)s::uuid[], %(companies)s::smallint[], %(orders)s::uuid[], %(skus)s::uuid[], %(units)s::int[],
            %(priorities)s::smallint[], %(times)s::timestamptz[], %(defaults)s::date[])
     AS d(line, company, order_id, sku, units, priority, ordered_at, by_default)
ON CONFLICT (line_id) DO UPDATE SET quantity = excluded.quantity, priority = excluded.priority
"""
