"""Plan promised orders again until they are released: promises move where their node may not serve any more, or where a
better plan is possible by now. `replanning` says whether they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands import progress
from entrepot.sourcing import errors, replanning, rules
from entrepot.sourcing.facts import Facts, Line, Order, Version, profile_of
from entrepot.sourcing.loading import load_orders, urgency
from entrepot.sourcing.planning import ALONE, Decided, decide_order
from entrepot.sourcing.reasons import reasons_of
from entrepot.sourcing.suppliers import Suppliers
from entrepot.stock.commands import allocate as stock
from entrepot.stock.commands.move import free_allocations
from entrepot.stock.rules import urgency as urgency_of


@dataclass(frozen=True, slots=True)
class ReplanOrder:
    """An order whose promises are planned again, without the nodes that are to be left. `by_itself`: nobody asked for
    it, and its profile says how far that goes."""

    order: UUID
    reason: str = ""
    leave: tuple[UUID, ...] = ()
    by_itself: bool = False
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderReplanned:
    """Units that come from elsewhere now, and why they do, or why they stay (`replanning.Why`)."""

    order: UUID
    units: int
    why: str

    @property
    def fresh(self) -> bool:
        """Whether anything moved."""
        return self.units > 0


class _Promise(NamedTuple):
    id: UUID
    order: UUID
    line: UUID
    sku: UUID
    node: UUID
    units: int
    fenced: int
    priority: int
    ordered_at: datetime
    node_code: str

    def share(self) -> rules.Share:
        return rules.Share(self.line, self.sku, self.node, self.units)


class _Moved(NamedTuple):
    """An order that comes from elsewhere now."""

    order: Order
    lines: Sequence[Line]
    old: Sequence[_Promise]
    gone: Sequence[_Promise]
    decided: Decided
    version: Version
    verdict: replanning.Verdict
    barred: Mapping[UUID, str]

    @property
    def units(self) -> int:
        return sum(one.units for one in self.gone)


@command("sourcing.replan")
def replan(cause: Cause, /, *, requests: Sequence[ReplanOrder]) -> list[OrderReplanned | Refused]:
    """Plan promised orders again, and move their promises where the new plan may, and is to, take the old one's place.

    An order moves whole or not at all, keeps its place in the queue, takes nothing that is promised to others or that
    more urgent ones wait for, and never waits for what it was promised.
    Locks: the orders in id order, then the positions of their SKUs in key order, then their promises.
    Refuses: NotFound, OnHold, NothingToReplan, ReleasedAlready. Again: by key. About 16 statements for any number.
    """
    asked = {request.order: request for request in requests}
    progress.lock(asked)
    orders = load_orders(asked)
    lines, floor = _lines(orders)
    refused = {key: no for key in asked if (no := _refusal(key, orders, lines, floor))}
    wanted = {key: one for key, one in orders.items() if key not in refused}
    moved, why = _plan(cause, wanted, lines, asked) if wanted else ({}, {})
    _write(cause, moved, asked)
    return [
        refused[request.order]
        if request.order in refused
        else OrderReplanned(
            request.order, moved[request.order].units if request.order in moved else 0, why[request.order]
        )
        for request in requests
    ]


def _refusal(
    key: UUID, orders: Mapping[UUID, Order], lines: Mapping[UUID, list[Line]], floor: Mapping[UUID, int]
) -> Refused | None:
    if key not in orders:
        return NotFound(what="order", which=str(key))
    if orders[key].blocked:
        return errors.OnHold(order=str(key))
    if floor.get(key):
        return errors.ReleasedAlready(order=str(key), units=floor[key])
    if not lines.get(key):
        return errors.NothingToReplan(order=str(key))
    return None


def _lines(orders: Collection[UUID]) -> tuple[dict[UUID, list[Line]], dict[UUID, int]]:
    """By order the lines of which something is promised, as if that waited, and the units that are on the floor."""
    lines: dict[UUID, list[Line]] = defaultdict(list)
    floor: dict[UUID, int] = defaultdict(int)
    for order, on_floor, allocated, line, number, sku, kit, per_kit in sql.run(
        _LINES, {"orders": list(orders)}
    ):
        floor[order] += on_floor
        if allocated:
            lines[order].append(Line(line, number, sku, allocated, 0, kit=kit, per_kit=per_kit))
    return lines, floor


def _plan(
    cause: Cause,
    orders: Mapping[UUID, Order],
    lines: Mapping[UUID, list[Line]],
    asked: Mapping[UUID, ReplanOrder],
) -> tuple[dict[UUID, _Moved], dict[UUID, str]]:
    """The orders that move, and of each order why it does or stays; positions are locked, and hold what is left."""
    facts = Facts(orders.values(), cause.at)
    facts.left = {key: frozenset(asked[key].leave) for key in orders}
    facts.know(orders.values(), lines)
    owned = {(order.company, line.sku) for order in orders.values() for line in lines[order.id]}
    if facts.costs:
        facts.costs.weigh({sku for _, sku in owned})
    positions = stock.lock_positions(owned)
    promises: dict[UUID, list[_Promise]] = defaultdict(list)
    for row in sql.run(_PROMISES, {"orders": list(orders)}):
        promises[row[1]].append(_Promise(*row))
    waiting = _waiting(owned)
    moved: dict[UUID, _Moved] = {}
    why: dict[UUID, str] = {}
    ranked = {key: _as_promised(one, promises[key]) for key, one in orders.items()}
    for order in sorted(ranked.values(), key=urgency):
        old = promises[order.id]
        found = _plan_one(order, lines[order.id], facts, positions, old, waiting, asked[order.id])
        why[order.id] = found.verdict.why
        if found.verdict.moves:
            moved[order.id] = found
    return moved, why


def _as_promised(order: Order, promises: Sequence[_Promise]) -> Order:
    """The order with the place that its promises have."""
    return order._replace(
        priority=max((one.priority for one in promises), default=order.priority),
        placed_at=min((one.ordered_at for one in promises), default=order.placed_at),
    )


def _plan_one(
    order: Order,
    lines: Sequence[Line],
    facts: Facts,
    positions: stock.Positions,
    old: Sequence[_Promise],
    waiting: Mapping[tuple[int, UUID], Sequence[replanning.Waits]],
    request: ReplanOrder,
) -> _Moved:
    """Plan one order with its own promises given back, which it takes again where they stay."""
    shares = [one.share() for one in old]
    for one in old:
        positions[one.sku, one.node].give_back(order.channel, one.units, one.fenced)
    facts.gave(shares)
    # Nobody else is asked: a promise of goods is not given up for another SKU, or for a supplier's word.
    decided = decide_order(order, lines, facts, positions, Suppliers((), (), facts), (), ALONE)
    version = facts.version(order)
    verdict, barred = _judge(order, lines, facts, decided, shares, waiting, request)
    stays = _staying(old, decided.plan) if verdict.moves else set(old)
    rows = _rows_beside(decided, stays) if verdict.moves else []
    for row in decided.promised:
        if row not in rows:
            positions[row[4], row[5]].give_back(order.channel, row[8], row[9])
    for one in stays:
        positions[one.sku, one.node].take_back(order.channel, one.units, one.fenced)
    if not verdict.moves:
        facts.gave(decided.plan.shares)
        facts.took(shares)
    gone = [one for one in old if one not in stays]
    return _Moved(order, lines, old, gone, decided._replace(promised=rows), version, verdict, barred)


def _judge(
    order: Order,
    lines: Sequence[Line],
    facts: Facts,
    decided: Decided,
    shares: Sequence[rules.Share],
    waiting: Mapping[tuple[int, UUID], Sequence[replanning.Waits]],
    request: ReplanOrder,
) -> tuple[replanning.Verdict, dict[UUID, str]]:
    """Whether the new plan takes the place of what is promised, and the nodes that may not keep it."""
    version, nodes = facts.version(order), facts.nodes(order)
    priced, unserved = None, set()
    if version.profile.choose_by == "cost" and facts.costs:
        priced = facts.costs.wanted(order, lines, nodes, rules.left(decided.free, nodes), facts)
        unserved = {share.node for share in shares} - set(priced.shipping)
    barred = replanning.barred(nodes, {share.node for share in shares}, request.leave, unserved)
    plan = (
        replace(decided.plan, short=tuple(one.wanted() for one in lines)) if decided.instead else decided.plan
    )
    verdict = replanning.verdict(
        shares,
        plan,
        decided.nodes,
        version.profile,
        forbidden=barred,
        priced=priced,
        by_itself=request.by_itself,
    )
    of_company = {sku: found for (company, sku), found in waiting.items() if company == order.company}
    if verdict.moves and replanning.yields(order.id, urgency(order), shares, plan.shares, of_company):
        verdict = verdict._replace(moves=False, why="more urgent wait")
    return verdict, barred


def _staying(old: Sequence[_Promise], plan: rules.Plan) -> set[_Promise]:
    """Promises that the new plan has as well."""
    had = replanning.by_place([one.share() for one in old])
    has = replanning.by_place(plan.shares)
    return {one for one in old if had[one.line, one.node] == has.get((one.line, one.node))}


def _rows_beside(decided: Decided, stays: Collection[_Promise]) -> list[stock.Promised]:
    """The promises of a plan that are not there yet."""
    there = {(one.line, one.node) for one in stays}
    return [row for row in decided.promised if (row[3], row[5]) not in there]


def _waiting(owned: Collection[tuple[int, UUID]]) -> dict[tuple[int, UUID], list[replanning.Waits]]:
    """By company and SKU the two most urgent of those who wait: one of them is another order than that which asks."""
    found: dict[tuple[int, UUID], list[replanning.Waits]] = defaultdict(list)
    params = sql.columns(("companies", "skus"), sorted(owned))
    for company, sku, priority, promise_at, ordered_at, order in sql.run(_WAITING, params):
        rank = urgency_of(priority, promise_at, ordered_at, order)
        found[company, sku].append(replanning.Waits(rank, order))
    return found


def _write(cause: Cause, moved: Mapping[UUID, _Moved], asked: Mapping[UUID, ReplanOrder]) -> None:
    """Free the old promises, write the new ones, and tell why. About 7 statements, none for nothing."""
    if not moved:
        return
    free_allocations([(one.id, one.units) for each in moved.values() for one in each.gone])
    stock.write_promises([row for each in moved.values() for row in each.decided.promised])
    times = {key: asked[key].occurred_at or cause.at for key in moved}
    facts = {key: _told(one, asked[key]) for key, one in moved.items()}
    rows = [
        (
            one.order.company, key, one.version.number, one.decided.plan.outcome,
            wire.dump(reasons_of(one.order, one.lines, one.decided, one.version) | {"replanned": facts[key]}),
            times[key],
        )
        for key, one in moved.items()
    ]  # fmt: skip
    sql.write("sourcing_decision", _DECISION, rows)
    offer(
        "release",
        [
            (key, one.order.priority, one.order.promise_at or one.order.placed_at)
            for key, one in moved.items()
        ],
    )
    announce(
        cause,
        [
            Event(
                "order", key, one.order.company, occurred_at=times[key], reason=asked[key].reason or "re-planned",
                payload={"replanned": facts[key]},
            )
            for key, one in moved.items()
        ],
    )  # fmt: skip


def _told(one: _Moved, request: ReplanOrder) -> dict[str, Any]:
    """What is kept of a move: why, what was promised where before, and what both plans cost."""
    numbers = {line.id: line.number for line in one.lines}
    codes = {promise.node: promise.node_code for promise in one.old}
    before = [(numbers[promise.line], promise.node_code, promise.units) for promise in one.old]
    told: dict[str, Any] = {
        "because": one.verdict.why,
        "before": sorted(before),
        "barred": {codes[node]: rule for node, rule in one.barred.items()},
        "reason": request.reason,
    }
    if one.verdict.cost_before is not None:
        told["costs_minor"] = [one.verdict.cost_before, one.verdict.cost_after]
    return told


@dataclass(frozen=True, slots=True)
class LeaveNode:
    """Everything that a node is promised and has not released is to come from elsewhere: so many orders at once, the
    most urgent first."""

    company: int
    node: UUID
    reason: str
    limit: int = 500
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NodeLeft:
    """Orders and units that come from elsewhere now; orders that stay, by why; and those that were not looked at, which
    the next call takes up."""

    node: UUID
    orders: int
    units: int
    stay: dict[str, int]
    left: int

    @property
    def fresh(self) -> bool:
        """Whether anything moved."""
        return self.orders > 0


LEAVE_MAX = 5_000


@command("sourcing.leave_node")
def leave_node(cause: Cause, /, *, requests: Sequence[LeaveNode]) -> list[NodeLeft | Refused]:
    """Move the promises of nodes elsewhere, where others have the whole order; what is on the floor stays.

    Locks: as `sourcing.replan`. Refuses: NotFound (no such node of the company), Invalid (no reason; a limit out of
    bounds). Again: by key; without one, what is promised there by then. 2 statements, and those of `sourcing.replan`.
    """
    params = sql.columns(("companies", "nodes"), [(one.company, one.node) for one in requests])
    known = {tuple(row) for row in sql.run(_NODES, params)}
    refused = {number: no for number, one in enumerate(requests) if (no := _unleavable(one, known))}
    wanted = {number: one for number, one in enumerate(requests) if number not in refused}
    found: dict[int, list[UUID]] = defaultdict(list)
    totals: dict[int, int] = {}
    rows = [(number, one.company, one.node, one.limit) for number, one in wanted.items()]
    names = ("numbers", "companies", "nodes", "limits")
    for number, order, total in sql.run(_AT_NODES, sql.columns(names, rows)) if rows else ():
        found[number].append(order)
        totals[number] = total
    leave: dict[UUID, list[LeaveNode]] = defaultdict(list)
    for number, orders in found.items():
        for order in orders:
            leave[order].append(wanted[number])
    again = [
        ReplanOrder(order, some[0].reason, tuple(dict.fromkeys(one.node for one in some)))
        for order, some in leave.items()
    ]
    done = dict(zip(leave, replan(cause, requests=again), strict=True)) if again else {}
    return [
        refused[number]
        if number in refused
        else _left(one, [done[order] for order in found[number]], totals.get(number, 0))
        for number, one in enumerate(requests)
    ]


def _unleavable(one: LeaveNode, known: Collection[tuple[Any, ...]]) -> Refused | None:
    if (one.company, one.node) not in known:
        return NotFound(what="node", which=str(one.node))
    if not one.reason.strip():
        return Invalid(field="reason", expected="why the node is left", found="nothing")
    if not 1 <= one.limit <= LEAVE_MAX:
        return Invalid(field="limit", expected=f"1 to {LEAVE_MAX}", found=one.limit)
    return None


def _left(one: LeaveNode, done: Sequence[OrderReplanned | Refused], total: int) -> NodeLeft:
    stay: dict[str, int] = defaultdict(int)
    orders = units = 0
    for answer in done:
        if isinstance(answer, Refused):
            stay["held" if isinstance(answer, errors.OnHold) else "released"] += 1
        elif answer.units:
            orders, units = orders + 1, units + answer.units
        else:
            stay[answer.why] += 1
    return NodeLeft(one.node, orders, units, dict(stay), total - len(done))


def barred_pairs(at: datetime) -> list[tuple[UUID, UUID]]:
    """Nodes, each with the channel, that have promises and may not serve any more: they are not active, do not serve
    the channel, or its profile in force excludes them, has them offline that day, or refuses their kind. 2 statements.
    """
    rows = sql.run(_PROMISING)
    in_force = policies.in_force_of(sorted({row[0] for row in rows}), rules.Profile, at)
    found = []
    for company, channel, code, serves, *node in rows:
        profile = profile_of(in_force.get(company, {}), code).profile
        one = rules.Node(*node)
        if profile.replan != "off" and (not serves or rules.is_out(one, profile, at)):
            found.append((one.id, channel))
    return found


_PROMISING = """
SELECT a.company_id::int, a.channel_id, c.code,
       n.active AND EXISTS (SELECT FROM network_channelnode AS cn
                            WHERE cn.channel_id = a.channel_id AND cn.node_id = a.node_id),
       n.id, n.code, n.country, n.priority::int, n.kind, NULL, n.time_zone
FROM (SELECT DISTINCT company_id, channel_id, node_id FROM stock_allocation WHERE released = 0) AS a
JOIN network_channel AS c ON c.id = a.channel_id JOIN network_node AS n ON n.id = a.node_id
ORDER BY 1, 2, 5
"""

_DECISION = ("company_id", "order_id", "profile_version", "outcome", "reasons", "decided_at")

_LINES = """
SELECT order_id, released + picked + packed, allocated, id, number::int, sku_id, kit_number, greatest(kit_units, 1)
FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[]) AND sku_id IS NOT NULL ORDER BY order_id, number
"""

_PROMISES = """
SELECT a.id, a.order_id, a.line_id, a.sku_id, a.node_id, a.quantity, a.fenced, a.priority::int, a.ordered_at,
       (SELECT n.code FROM network_node AS n WHERE n.id = a.node_id)
FROM stock_allocation AS a WHERE a.order_id = ANY(%(orders)s::uuid[]) AND a.released = 0 ORDER BY a.id FOR UPDATE OF a
"""

_WAITING = """
SELECT d.company, d.sku, w.priority, w.promise_at, w.ordered_at, w.order_id
FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[]) AS d(company, sku)
CROSS JOIN LATERAL (
    SELECT b.priority::int, o.promise_at, b.ordered_at, b.order_id
    FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id
    WHERE b.sku_id = d.sku AND b.company_id = d.company
    ORDER BY b.priority DESC, o.promise_at NULLS LAST, b.ordered_at, b.order_id LIMIT 2
) AS w
"""

_NODES = """
SELECT n.company_id::int, n.id FROM unnest(%(companies)s::smallint[], %(nodes)s::uuid[]) AS d(company, node)
JOIN network_node AS n ON n.id = d.node AND n.company_id = d.company
"""

# Orders of which the floor has something stay, and would else be looked at again by each call.
_AT_NODES = """
SELECT d.number, a.order_id, a.total
FROM unnest(%(numbers)s::int[], %(companies)s::smallint[], %(nodes)s::uuid[], %(limits)s::int[])
     AS d(number, company, node, most)
CROSS JOIN LATERAL (
    SELECT order_id, count(*) OVER ()::int AS total, row_number() OVER (ORDER BY priority DESC, due, order_id) AS place
    FROM (SELECT order_id, max(priority) AS priority, min(COALESCE(promise_at, ordered_at)) AS due
          FROM stock_allocation WHERE node_id = d.node AND company_id = d.company
          GROUP BY order_id HAVING max(released) = 0) AS promised
) AS a
WHERE a.place <= d.most ORDER BY d.number, a.place
"""
