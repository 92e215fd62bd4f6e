"""Decide which nodes serve orders, promise their stock, and say why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import policies, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.orders.commands import progress
from entrepot.sourcing import errors, rules
from entrepot.stock.commands import allocate as stock
from entrepot.stock.commands.reserve import TakenOver, TakeOver, take_over
from entrepot.stock.rules import urgency
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

policies.shape("sourcing.profile")(rules.Profile)


@dataclass(frozen=True, slots=True)
class AllocateOrder:
    """An order whose open and backordered units are to be sourced now."""

    order: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderAllocated:
    """Units allocated now and still backordered, and how it came."""

    order: UUID
    outcome: str
    allocated: int
    backordered: int
    cancelled: int
    why: str


class _Order(NamedTuple):
    id: UUID
    company: int
    channel: UUID
    country: str
    policy: str
    priority: int
    promise_at: datetime | None
    placed_at: datetime
    reservation: str
    blocked: bool


class _Line(NamedTuple):
    id: UUID
    sku: UUID
    open: int
    backordered: int


@command("sourcing.allocate")
def allocate(cause: Cause, /, *, requests: Sequence[AllocateOrder]) -> list[OrderAllocated | Refused]:
    """Source orders: promise what is free by the profile's rules, backorder or cancel the rest by the order's policy.

    More urgent orders of the batch are served first: priority, promised date, order time, id.
    Locks: the orders in id order, then the positions of their SKUs in key order.
    Refuses: NotFound, OnHold, NothingToAllocate. Again: by key. About 14 statements for any number of orders;
    2 more where some take over reservations.
    """
    order_ids = [request.order for request in requests]
    progress.lock(order_ids)
    orders, lines = _load(order_ids)
    companies = {order.company for order in orders.values()}
    profiles = {company: policies.of_company(company, rules.Profile, cause.at) for company in companies}
    nodes = _Nodes({order.channel for order in orders.values()})
    positions = stock.lock_positions(
        (order.company, line.sku) for order in orders.values() for line in lines[order.id]
    )

    held = _take_over(cause, orders, lines)

    plans = {
        order.id: _decide(
            order, lines[order.id], nodes, positions, profiles[order.company][1], held.get(order.id, ())
        )
        for order in sorted(orders.values(), key=_urgency)
        if not order.blocked and lines[order.id]
    }

    batch = _Batch(cause, {request.order: request.occurred_at or cause.at for request in requests})
    for order_id, (plan, promised) in plans.items():
        batch.add(orders[order_id], lines[order_id], plan, promised, profiles[orders[order_id].company])
    batch.write()
    ready.drop("allocate", order_ids)
    return [_answer(request.order, orders, plans) for request in requests]


# ---- load


def _load(order_ids: Sequence[UUID]) -> tuple[dict[UUID, _Order], dict[UUID, list[_Line]]]:
    params = {"orders": list(order_ids)}
    orders = {row[0]: _Order(*row) for row in sql.run(_ORDERS, params)}
    lines: dict[UUID, list[_Line]] = {order: [] for order in orders}
    for order, *line in sql.run(_LINES, params):
        lines[order].append(_Line(*line))
    return orders, lines


def _take_over(
    cause: Cause, orders: dict[UUID, _Order], lines: dict[UUID, list[_Line]]
) -> dict[UUID, list[TakenOver]]:
    """What orders take over of reservations; with it they stand in the queue where their reservation stood."""
    requests = [
        TakeOver(order.company, order.reservation, sku, order.id)
        for order in orders.values()
        if order.reservation and not order.blocked
        for sku in {line.sku for line in lines[order.id]}
    ]
    held: dict[UUID, list[TakenOver]] = defaultdict(list)
    for one in take_over(cause, requests) if requests else ():
        held[one.order].append(one)
        since = min(orders[one.order].placed_at, one.reserved_at)
        orders[one.order] = orders[one.order]._replace(placed_at=since)
    return held


class _Nodes:
    """Nodes by channel in order of preference for a country, ranked once for each pair."""

    def __init__(self, channels: Iterable[UUID]) -> None:
        self._by_channel: dict[UUID, list[rules.Node]] = defaultdict(list)
        for channel, *node in sql.run(_NODES, {"channels": list(channels)}):
            self._by_channel[channel].append(rules.Node(*node))
        self._ranked: dict[tuple[UUID, str, int], list[rules.Node]] = {}

    def ranked(self, channel: UUID, country: str, company: int, profile: rules.Profile) -> list[rules.Node]:
        key = (channel, country, company)
        if key not in self._ranked:
            self._ranked[key] = rules.rank(self._by_channel[channel], country, profile)
        return self._ranked[key]


# ---- decide


def _urgency(order: _Order) -> tuple[Any, ...]:
    return urgency(order.priority, order.promise_at, order.placed_at, order.id)


def _decide(
    order: _Order,
    lines: Sequence[_Line],
    nodes: _Nodes,
    positions: stock.Positions,
    profile: rules.Profile,
    held: Sequence[TakenOver],
) -> tuple[rules.Plan, list[stock.Promised]]:
    """The plan of one order, and its promises, already taken out of the locked positions.

    What was reserved for it is free from its turn on, not before: nobody of the batch gets it first.
    """
    candidates = nodes.ranked(order.channel, order.country, order.company, profile)
    if held:
        for one in held:
            positions[one.sku, one.node].free += one.quantity
        reserved_at = {one.node for one in held}
        candidates = sorted(candidates, key=lambda node: node.id not in reserved_at)
    free = {
        (line.sku, node.id): position.free_for(order.channel)
        for line in lines
        for node in candidates
        if (position := positions.get((line.sku, node.id)))
    }
    wanted = [rules.Line(line.id, line.sku, line.open + line.backordered) for line in lines]
    plan = rules.plan_order(wanted, candidates, free, order.policy, profile)
    promised = []
    for line, sku, node, quantity in plan.shares:
        request = stock.Allocate(
            order.company, order.id, line, sku, node, order.channel, quantity, order.priority, order.promise_at,
            order.placed_at,
        )  # fmt: skip
        row = stock.admit(positions, request)
        assert not isinstance(row, Refused), "a plan takes what is free under the lock"
        promised.append(row)
    return plan, promised


# ---- write


class _Batch:
    """Rows of all orders of a call, gathered to be written in a fixed number of statements."""

    def __init__(self, cause: Cause, times: dict[UUID, datetime]) -> None:
        self.cause, self.times = cause, times
        self.promises: list[stock.Promised] = []
        self.steps: list[progress.Progress] = []
        self.decisions: list[tuple[Any, ...]] = []
        self.waiting: list[tuple[Any, ...]] = []
        self.settled: list[UUID] = []
        self.served: dict[UUID, int] = {}
        self.waited_for: set[UUID] = set()  # SKUs whose backorders come or go
        self.offers: list[tuple[UUID, int, datetime]] = []
        self.items: list[OpenItem] = []

    def add(
        self,
        order: _Order,
        lines: Sequence[_Line],
        plan: rules.Plan,
        promised: list[stock.Promised],
        profile: tuple[int, rules.Profile],
    ) -> None:
        self.promises += promised
        taken: dict[UUID, int] = defaultdict(int)
        for share in plan.shares:
            taken[share.line] += share.quantity
        cancels = order.policy == "partial_cancel"
        for line in lines:
            self._step(order, line, taken[line.id], cancels=cancels)
        version = profile[0]
        why: dict[str, Any] = {
            "why": plan.why,
            "policy": order.policy,
            "candidates": [[c, u] for c, u in plan.candidates],
        }
        if plan.outcome != "allocated":
            why |= {"units": sum(line.open + line.backordered for line in lines), "chosen": plan.chosen}
        self.decisions.append(
            (order.company, order.id, version, plan.outcome, wire.dump(why), self.times[order.id])
        )
        if plan.shares:
            self.offers.append((order.id, order.priority, order.promise_at or order.placed_at))
        if plan.short and not cancels:
            missing = sum(line.quantity for line in plan.short)
            self.items.append(
                OpenItem(
                    company=order.company,
                    type="backorder",
                    subject_kind="order",
                    subject=order.id,
                    reason=f"{missing} units wait for stock: {plan.why}",
                    role="inventory manager",
                    facts={"units": missing},
                    due_in_hours=48,
                    occurred_at=self.times[order.id],
                )
            )

    def _step(self, order: _Order, line: _Line, taken: int, *, cancels: bool) -> None:
        """Allocate out of the backordered units first: they have waited longer."""
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
        waiting = 0 if cancels else line.backordered - from_backorder + rest
        if waiting or line.backordered:
            self.waited_for.add(line.sku)
        if waiting:
            self.waiting.append(
                (line.id, order.company, order.id, line.sku, waiting, order.priority, order.placed_at)
            )
        elif line.backordered:
            self.settled.append(line.id)
            self.served[order.id] = order.company

    def write(self) -> None:
        stock.write_promises(self.promises)
        progress.progress(self.cause, requests=self.steps, times=self.times)
        sql.write("sourcing_decision", _DECISION_COLUMNS, self.decisions)
        if self.waiting:
            names = ("lines", "companies", "orders", "skus", "units", "priorities", "times")
            sql.run(_WAIT, sql.columns(names, self.waiting) | {"default": self._promise_by_default()})
        if self.settled:
            sql.run(
                "DELETE FROM sourcing_backorder WHERE line_id = ANY(%(lines)s::uuid[])",
                {"lines": self.settled},
            )
        offer("release", self.offers)
        offer("peg", [(sku, 5, self.cause.at) for sku in self.waited_for])
        if self.items:
            open_items(self.cause, requests=self.items)
        short = {item.subject for item in self.items}
        served = [(order, company) for order, company in self.served.items() if order not in short]
        if served:
            resolve_subjects(
                self.cause,
                requests=[
                    ResolveSubject(company, kind, order, "stock came", occurred_at=self.times[order])
                    for order, company in served
                    for kind in ("backorder", "slipped promise")
                ],
            )

    def _promise_by_default(self) -> date:
        return (self.cause.at + timedelta(days=rules.Profile().default_lead_days)).date()


def _answer(
    order_id: UUID, orders: dict[UUID, _Order], plans: dict[UUID, tuple[rules.Plan, list[stock.Promised]]]
) -> OrderAllocated | Refused:
    if order_id not in orders:
        return NotFound(what="order", which=str(order_id))
    if orders[order_id].blocked:
        return errors.OnHold(order=str(order_id))
    if order_id not in plans:
        return errors.NothingToAllocate(order=str(order_id))
    plan, _ = plans[order_id]
    short = sum(line.quantity for line in plan.short)
    cancels = orders[order_id].policy == "partial_cancel"
    allocated = sum(share.quantity for share in plan.shares)
    return OrderAllocated(
        order_id, plan.outcome, allocated, 0 if cancels else short, short if cancels else 0, plan.why
    )


_DECISION_COLUMNS = ("company_id", "order_id", "profile_version", "outcome", "reasons", "decided_at")

_ORDERS = """
SELECT id, company_id::int, channel_id, country, policy, priority::int, promise_at, placed_at, reservation,
       EXISTS (SELECT FROM orders_hold AS h WHERE h.order_id = o.id AND h.state = 'open' AND 'allocate' = ANY(h.blocks))
FROM orders_order AS o WHERE id = ANY(%(orders)s::uuid[]) AND commercial <> 'cancelled'
"""

_LINES = """
SELECT order_id, id, sku_id, open, backordered FROM orders_line
WHERE order_id = ANY(%(orders)s::uuid[]) AND sku_id IS NOT NULL AND open + backordered > 0
ORDER BY order_id, number
"""

_NODES = """
SELECT cn.channel_id, n.id, n.code, n.country, (n.priority + cn.priority)::int
FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
WHERE cn.channel_id = ANY(%(channels)s::uuid[])
"""

# Promised for the first expected supply of the SKU, or by the usual lead time where nothing is on its way.
_WAIT = """
INSERT INTO sourcing_backorder (line_id, company_id, order_id, sku_id, quantity, priority, ordered_at, promised_on)
SELECT d.*, COALESCE((SELECT min(s.expected_on) FROM stock_supply AS s WHERE s.sku_id = d.sku), %(default)s::date)
FROM unnest(%(lines)s::uuid[], %(companies)s::smallint[], %(orders)s::uuid[], %(skus)s::uuid[], %(units)s::int[],
            %(priorities)s::smallint[], %(times)s::timestamptz[])
     AS d(line, company, order_id, sku, units, priority, ordered_at)
ON CONFLICT (line_id) DO UPDATE SET quantity = excluded.quantity
"""
