"""Decide which nodes serve orders, promise their stock, and say why.

The steps stand in files of their own: `loading` has the orders and who is first, `planning` what becomes of each (those
that are served line by line: `by_line`), `reasons` why, and `write_decisions` writes it all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from entrepot.kernel import ready
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.orders.commands import progress
from entrepot.sourcing import errors, half_kits, rules
from entrepot.sourcing.ahead import SoldAhead
from entrepot.sourcing.commands import by_line
from entrepot.sourcing.commands.write_decisions import Batch
from entrepot.sourcing.facts import Facts, Line, Order
from entrepot.sourcing.loading import load_lines, load_orders, urgency
from entrepot.sourcing.planning import ALONE, Decided, decide_order, plan_together, skus_of, without_kits
from entrepot.sourcing.reasons import reasons_by_line
from entrepot.sourcing.suppliers import Suppliers
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.reserve import TakenOver, TakeOver, held_for, take_over


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
    2 more where some take over reservations, 1 where such an order may have to wait, 2 or 3 where a profile
    names suppliers, 3 or 4 where a SKU is sold ahead up to a limit, 6 where that holds some, and as `orders.substitute`
    where something else is sent. Plain orders of a profile that chooses by line are served all at once, in as many
    (`by_line`). 1 more where a kit is short, 1 where some that waited still wait, and those of `orders.settle` where a
    policy cancels. 1 more where an order with a least part wants components of kits.
    """
    order_ids = [request.order for request in requests]
    times = {request.order: request.occurred_at or cause.at for request in requests}
    progress.lock(order_ids)
    orders = load_orders(order_ids)
    facts = Facts(orders.values(), cause.at)
    waiting = sorted((order for order in orders.values() if not order.blocked), key=urgency)
    served = by_line.serve(cause, orders, facts, times, waiting)
    if served is not None:
        return _write_served(cause, requests, orders, served, times)
    lines = load_lines(orders, cause.at.date())
    facts.know(orders.values(), lines)
    if facts.ranks:
        orders = {key: facts.ranked(order, lines[key]) for key, order in orders.items()}
    owned = {
        (order.company, sku)
        for order in orders.values()
        for sku in skus_of(lines[order.id], facts.options(order, lines[order.id]))
    }
    together = plan_together(orders, lines, facts, owned) if facts.costs else {}
    positions = lock_positions(owned)
    suppliers = Suppliers(orders.values(), {sku for _, sku in owned}, facts)

    ahead = SoldAhead(orders, lines, cause.at)
    for order in sorted(orders.values(), key=urgency):
        if not order.blocked and lines[order.id]:
            ahead.admit(order, lines[order.id], facts)
    now, later = _reserved(orders, lines, ahead.kept, facts)
    held = _take_over(cause, orders, now, later)

    plans = {
        order.id: decide_order(
            order,
            lines[order.id],
            facts,
            positions,
            suppliers,
            held.get(order.id, ()),
            together.get(order.company, ALONE),
        )
        for order in sorted(orders.values(), key=urgency)
        if not order.blocked and lines[order.id] and order.id not in ahead.kept
    }

    goes = [one for one in later if one.order in plans and not plans[one.order].plan.waits]
    if goes:
        take_over(cause, goes)
    batch = Batch(cause, times)
    halves = half_kits.standing({order: one.plan.short for order, one in plans.items()})
    plans |= {order: without_kits(plans[order], kits) for order, kits in halves.items()}
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


def _reserved(
    orders: Mapping[UUID, Order], lines: Mapping[UUID, list[Line]], kept: Container[UUID], facts: Facts
) -> tuple[list[TakeOver], list[TakeOver]]:
    """What orders ask to take over of reservations: at once, and once it is known that they do not wait, for too little
    of them is free or their last day is over. What is reserved for an order that is kept stays so."""
    requests = [
        TakeOver(order.company, order.reservation, sku, order.id)
        for order in orders.values()
        if order.reservation and not order.blocked and order.id not in kept
        for sku in {line.sku for line in lines[order.id]}
    ]
    may_wait = {key for key, order in orders.items() if order.fill or facts.past(order)}
    now = [one for one in requests if one.order not in may_wait]
    return now, [one for one in requests if one.order in may_wait]


def _take_over(
    cause: Cause, orders: dict[UUID, Order], now: Sequence[TakeOver], later: Sequence[TakeOver]
) -> dict[UUID, list[TakenOver]]:
    """What orders take over of reservations; with it they stand in the queue where their reservation stood."""
    held: dict[UUID, list[TakenOver]] = defaultdict(list)
    for one in [*(take_over(cause, now) if now else ()), *(held_for(later) if later else ())]:
        held[one.order].append(one)
        since = min(orders[one.order].placed_at, one.reserved_at)
        orders[one.order] = orders[one.order]._replace(placed_at=since)
    return held


def _write_served(
    cause: Cause,
    requests: Sequence[AllocateOrder],
    orders: Mapping[UUID, Order],
    done: by_line.Done,
    times: dict[UUID, datetime],
) -> list[OrderAllocated | Refused]:
    """Write what is left to write of orders that were served by line, and answer them."""
    batch = Batch(cause, times)
    for one in done.orders.values():
        asked, others = rules.asked_by(one.plan, one.nodes)
        codes = {"asked": [node.code for node in asked], "others": [node.code for node in others]}
        kept = {"turns": one.turns, "able": one.others}
        found = codes | {name: msgspec.Raw(f"[{text}]".encode()) for name, text in kept.items() if text}
        why = reasons_by_line(one.order, one.plan, one.wanted, one.nodes, one.version, found)
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
    order_id: UUID, orders: Mapping[UUID, Order], plans: Mapping[UUID, Decided]
) -> OrderAllocated | Refused:
    if order_id not in orders:
        return NotFound(what="order", which=str(order_id))
    if orders[order_id].blocked:
        return errors.OnHold(order=str(order_id))
    if order_id not in plans:
        return errors.NothingToAllocate(order=str(order_id))
    plan = plans[order_id].plan
    short = sum(line.quantity for line in plan.short)
    cancels = rules.cancels_rest(plan, orders[order_id].policy)
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
