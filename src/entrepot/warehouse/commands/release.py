"""Release promised orders to the floor: one fulfillment for each node, its bins and lots chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders import queries as orders_queries
from entrepot.orders.commands.progress import Progress, progress
from entrepot.stock.commands.fulfill import Pickable, commit_picks
from entrepot.warehouse import errors
from entrepot.warehouse.commands.shelves import Picks, Shelves
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """All units of an order that are promised and not on the floor yet; with `node` those of that node alone."""

    order: UUID
    occurred_at: datetime | None = None
    key: str | None = None
    node: UUID | None = None


@dataclass(frozen=True, slots=True)
class OrderReleased:
    """The fulfillments made, their units, and the units that stand in no bin that is picked from."""

    order: UUID
    fulfillments: tuple[UUID, ...]
    units: int
    not_pickable: int


class _Order(NamedTuple):
    id: UUID
    company: int
    number: str
    service: str
    priority: int
    promise_at: datetime | None
    placed_at: datetime
    held_by: str
    policy: str


class _Promise(NamedTuple):
    order: UUID
    allocation: UUID
    line: UUID
    sku: UUID
    node: UUID
    units: int
    ships_on: date | None  # where that day has not come


_Planned = list[tuple[_Promise, Picks]]
"""The promises of one order at one node, each with what is taken from which shelf."""


@command("warehouse.release")
def release(cause: Cause, /, *, requests: Sequence[ReleaseOrder]) -> list[OrderReleased | Refused]:
    """Fulfillments with pick tasks; what one node sends of an order is released whole or not at all.

    Earlier requests of a batch choose their bins first.
    Locks: the orders, their promises, the buckets to pick from, each in id order.
    Units of a SKU that ships later are kept back until its day, and with them all of an order that ships complete.
    Refuses: NotFound; warehouse.on_hold; warehouse.nothing_to_release; warehouse.ships_later; warehouse.not_pickable.
    Again: by key; without one nothing is left to release. 14 statements; 1 more with holds, 1 with work items.
    """
    orders = {row[0]: _Order(*row) for row in sql.run(_ORDERS, {"ids": [one.order for one in requests]})}
    held = [order.id for order in orders.values() if order.held_by]
    blocked = orders_queries.blocked(held, "release") if held else set()
    parts = _promises([order for order in orders if order not in blocked], cause.at.date())
    later = _keep_back(orders, parts)
    shelves = Shelves(
        {(p.sku, p.node) for nodes in parts.values() for part in nodes.values() for p in part},
        cause.at.date(),
    )

    batch = _Batch(cause)
    answers: list[OrderReleased | Refused] = []
    for request in requests:
        order = orders.get(request.order)
        if order is None:
            answers.append(NotFound(what="order", which=str(request.order)))
        elif order.id in blocked:
            answers.append(errors.OnHold(order=order.number, hold=order.held_by))
        elif order.id in later and not parts.get(order.id):
            answers.append(errors.ShipsLater(order=order.number, on=str(later[order.id])))
        elif not (nodes := _take(parts, request)):
            answers.append(errors.NothingToRelease(order=order.number))
        else:
            answers.append(batch.add(order, nodes, shelves, request.occurred_at or cause.at))
    batch.write()
    ready.drop("release", [answer.order for answer in answers if isinstance(answer, OrderReleased)])
    return answers


def _promises(orders: Sequence[UUID], today: date) -> dict[UUID, dict[UUID, list[_Promise]]]:
    """Promises that are not released, by order and node, locked in id order."""
    found: dict[UUID, dict[UUID, list[_Promise]]] = {}
    for row in sql.run(_PROMISES, {"orders": list(orders), "today": today}):
        promise = _Promise(*row)
        found.setdefault(promise.order, {}).setdefault(promise.node, []).append(promise)
    return found


def _keep_back(
    orders: Mapping[UUID, _Order], parts: dict[UUID, dict[UUID, list[_Promise]]]
) -> dict[UUID, date]:
    """Take what ships later out of the promises; the last day of it by order."""
    days: dict[UUID, date] = {}
    for key, nodes in parts.items():
        later = [p.ships_on for part in nodes.values() for p in part if p.ships_on]
        if later:
            days[key] = max(later)
            is_whole = orders[key].policy == "ship_complete"
            kept = {
                node: [p for p in part if not is_whole and not p.ships_on] for node, part in nodes.items()
            }
            parts[key] = {node: part for node, part in kept.items() if part}
    return days


def _take(
    parts: dict[UUID, dict[UUID, list[_Promise]]], request: ReleaseOrder
) -> dict[UUID, list[_Promise]] | None:
    """What a request asks for, by node, out of what is left to release."""
    if request.node is None:
        return parts.pop(request.order, None)
    promises = parts.get(request.order, {}).pop(request.node, None)
    return {request.node: promises} if promises else None


def _plan(promises: Sequence[_Promise], shelves: Shelves) -> tuple[_Planned, int]:
    """Picks for all promises, or none and how many units are nowhere."""
    planned: _Planned = []
    short = 0
    for promise in promises:
        picks, nowhere = shelves.plan(promise.sku, promise.node, promise.units)
        planned.append((promise, picks))
        short += nowhere
    if short:
        for _, picks in planned:
            shelves.put_back(picks)
        return [], short
    return planned, 0


class _Batch:
    """Rows of all fulfillments of a call, gathered to be written in a fixed number of statements."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        self.times: dict[UUID, datetime] = {}
        self.fulfillments: list[tuple[UUID, _Order, UUID, datetime]] = []
        self.lines: list[tuple[object, ...]] = []
        self.tasks: list[tuple[object, ...]] = []
        self.commits: list[tuple[UUID, UUID, int, UUID]] = []
        self.steps: list[Progress] = []
        self.items: list[OpenItem] = []

    def add(
        self, order: _Order, nodes: dict[UUID, list[_Promise]], shelves: Shelves, at: datetime
    ) -> OrderReleased | Refused:
        made = []
        units = missing = 0
        for node, promises in nodes.items():
            planned, short = _plan(promises, shelves)
            missing += short
            if planned:
                fulfillment = ids.uuid7()
                made.append(fulfillment)
                self.fulfillments.append((fulfillment, order, node, at))
                self._add_work(fulfillment, order, planned)
                units += sum(promise.units for promise in promises)
        if not made:
            return errors.NotPickable(order=order.number, missing=missing)
        if missing:
            self.items.append(
                not_pickable(order.company, order.id, order.number, missing, order.priority, order.promise_at)
            )
        self.times[order.id] = at
        return OrderReleased(order.id, tuple(made), units, missing)

    def _add_work(self, fulfillment: UUID, order: _Order, planned: _Planned) -> None:
        company, order_id = order.company, order.id
        way = []
        for promise, picks in planned:
            line_id = ids.uuid7()
            self.lines.append(
                (line_id, fulfillment, order_id, promise.line, promise.allocation, promise.sku, promise.units)
            )
            self.steps.append(Progress(promise.line, order_id, "allocated", "released", promise.units))
            for shelf, units in picks:
                self.commits.append((promise.allocation, shelf.bucket, units, fulfillment))
                way.append((shelf.pick_sequence, line_id, promise, shelf, units))
        if len(way) > 1:
            way.sort(key=_sequence)
        for place, (_, line_id, promise, shelf, units) in enumerate(way, 1):
            self.tasks.append((
                ids.uuid7(), company, fulfillment, line_id, order_id, promise.line, promise.allocation, promise.sku,
                promise.node, shelf.bucket, shelf.bin, shelf.lot, shelf.serial, units, place,
            ))  # fmt: skip

    def write(self) -> None:
        if self.items:
            open_items(self.cause, requests=self.items)
        if not self.fulfillments:
            return
        numbers = ids.numbers("FF", len(self.fulfillments))
        rows = [
            (key, number, order.company, order.id, node, "released", order.service, order.promise_at, at)
            for (key, order, node, at), number in zip(self.fulfillments, numbers, strict=True)
        ]
        sql.write("warehouse_fulfillment", _FULFILLMENT, rows)
        sql.write("warehouse_fulfillmentline", FULFILLMENT_LINE, self.lines)
        sql.write("warehouse_picktask", PICK_TASK, self.tasks)
        commit_picks(self.cause, self.commits)
        progress(self.cause, requests=self.steps, times=self.times)
        announce(
            self.cause,
            [
                Event(
                    "fulfillment", key, order.company, "", "released", at, {"order": order.id, "node": node}
                )
                for key, order, node, at in self.fulfillments
            ],
        )
        offer(
            "pick",
            [
                (key, order.priority, order.promise_at or order.placed_at)
                for key, order, _, _ in self.fulfillments
            ],
        )


def _sequence(one: tuple[int, UUID, _Promise, Pickable, int]) -> int:
    return one[0]


def not_pickable(
    company: int, order: UUID, number: str, missing: int, priority: int, promise_at: datetime | None = None
) -> OpenItem:
    """The work item that asks for goods to be put away."""
    return OpenItem(
        company, "not pickable", "order", order,
        f"{missing} promised units of {number} stand in no pick or reserve bin", "warehouse supervisor",
        {"units": missing}, priority, due_in_hours=8, promise_at=promise_at,
    )  # fmt: skip


_FULFILLMENT = (
    "id", "number", "company_id", "order_id", "node_id", "state", "service", "due_at", "released_at",
)  # fmt: skip
FULFILLMENT_LINE = ("id", "fulfillment_id", "order_id", "line_id", "allocation_id", "sku_id", "quantity")
PICK_TASK = (
    "id", "company_id", "fulfillment_id", "fulfillmentline_id", "order_id", "line_id", "allocation_id", "sku_id",
    "node_id", "bucket_id", "bin_id", "lot", "serial", "quantity", "sequence",
)  # fmt: skip

_ORDERS = """
SELECT id, company_id::int, number, service, priority::int, promise_at, placed_at, held_by, policy FROM orders_order
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_PROMISES = """
SELECT a.order_id, a.id, a.line_id, a.sku_id, a.node_id, a.quantity - a.released, y.ships_on
FROM stock_allocation AS a LEFT JOIN stock_preorder AS y ON y.sku_id = a.sku_id AND y.ships_on > %(today)s::date
WHERE a.order_id = ANY(%(orders)s::uuid[]) AND a.quantity > a.released ORDER BY a.id FOR UPDATE OF a
"""
