"""Release promised orders to the floor: one fulfillment for each node, its bins and lots chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.network.rules import local_day
from entrepot.orders import queries as orders_queries
from entrepot.orders.commands.progress import go_on
from entrepot.orders.commands.watch_authorizations import stop_lapsed
from entrepot.orders.window import Fill
from entrepot.sourcing.commands.end_slipped import end_slipped
from entrepot.stock.commands.fulfill import commit_picks_of
from entrepot.warehouse import errors, rules
from entrepot.warehouse.commands.leaving import Leaving, places
from entrepot.warehouse.commands.whole_pieces import GOES, whole_pieces
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """All units of an order that are promised and not on the floor yet; with `node` those of that node alone, unless
    too few of the order would go by that: then those of its other nodes go with them."""

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
    country: str
    postal_code: str
    ship_not_before: date | None
    ship_by: date | None
    cancel_after: date | None
    is_lapsed: bool
    fill: Fill | None

    def below_fill(self, units: int) -> Refused | None:
        """Why so many of its units do not go: fewer than its least part would be on their way."""
        fill = self.fill
        if fill is None or not fill.stays(units):
            return None
        return errors.BelowFill(
            order=self.number, expected=fill.least, ordered=fill.ordered, found=fill.gone(units)
        )


class _Part(NamedTuple):
    """What one node is to send of an order now, and what it keeps back: until which day, and which promises."""

    order: UUID
    node: UUID
    units: int
    ships_on: date | None
    later: tuple[UUID, ...]


class _Asked(NamedTuple):
    """What a request wants to go to the floor, and the node that it names."""

    order: _Order
    parts: list[_Part]
    at: datetime
    node: UUID | None


@command("warehouse.release")
def release(cause: Cause, /, *, requests: Sequence[ReleaseOrder]) -> list[OrderReleased | Refused]:
    """Fulfillments with pick tasks; what one node sends of an order is released whole or not at all.

    Earlier requests of a batch choose their bins first.
    Locks: the orders, their promises, the buckets to pick from, each in id order.
    Units of a SKU that ships later are kept back until its day, and with them all of an order that ships complete, and
    of one whose least part can't go without them.
    An order whose authorization is over is held instead, where the policy `orders.authorizations` enforces it.
    Refuses: NotFound; warehouse.on_hold; warehouse.not_before; warehouse.below_fill; warehouse.past_cancel_after;
    warehouse.nothing_to_release; warehouse.ships_later; warehouse.not_pickable.
    Again: by key; without one nothing is left to release. 13 statements; 1 more with holds, 1 where units stand
    nowhere, 1 with work items, 1 where an order has a last day, 7 where something is promised for a day, 3 where SKUs
    come in cases or pallets, at most 4 where a promise had slipped, 5 where an
    authorization is over, and 7 where such orders are held.
    """
    rows = sql.run(_ORDERS, {"ids": [one.order for one in requests], "at": cause.at})
    orders = {row[0]: _Order(*row[:-1], row[-1] and Fill(*row[-1])) for row in rows}  # type: ignore[call-arg]
    held = [order.id for order in orders.values() if order.held_by]
    blocked = orders_queries.blocked(held, "release") if held else set()
    lapsed = {order.id for order in orders.values() if order.is_lapsed and order.id not in blocked}
    unpaid = stop_lapsed(cause, lapsed)
    blocked |= unpaid
    parts, later = _promises(orders, blocked, cause.at.date())
    past = _past_their_day(orders, parts, cause.at)

    asked: list[_Asked | Refused] = []
    went: dict[UUID, int] = defaultdict(int)
    for request in requests:
        order = orders.get(request.order)
        if order is None:
            asked.append(NotFound(what="order", which=str(request.order)))
        elif order.id in blocked:
            hold = "payment hold" if order.id in unpaid else order.held_by
            asked.append(errors.OnHold(order=order.number, hold=hold))
        elif order.ship_not_before and cause.at.date() < order.ship_not_before:
            asked.append(errors.NotBefore(order=order.number, on=str(order.ship_not_before)))
        elif order.id in past and not parts.get(order.id):
            asked.append(errors.PastCancelAfter(order=order.number, on=str(order.cancel_after)))
        elif order.id in later and not parts.get(order.id):
            asked.append(errors.ShipsLater(order=order.number, on=str(later[order.id])))
        elif not (taken := _take(parts, request, order, went[order.id])):
            asked.append(errors.NothingToRelease(order=order.number))
        elif refused := order.below_fill(went[order.id] + sum(part.units for part in taken)):
            asked.append(refused)
        else:
            went[order.id] += sum(part.units for part in taken)
            asked.append(_Asked(order, taken, request.occurred_at or cause.at, request.node))

    shelves = _Shelves(
        [part for one in asked if isinstance(one, _Asked) for part in one.parts], cause.at.date()
    )
    batch = _Batch(cause)
    answers = [batch.add(one, shelves) if isinstance(one, _Asked) else one for one in asked]
    batch.write(shelves)
    done = [answer.order for answer in answers if isinstance(answer, OrderReleased)]
    end_slipped(cause, dict.fromkeys(done, "it leaves"))
    ready.drop("release", done)
    return answers


_Parts = dict[UUID, dict[UUID, _Part]]


def _promises(
    orders: Mapping[UUID, _Order], blocked: set[UUID], today: date
) -> tuple[_Parts, dict[UUID, date]]:
    """What may go now by order and node, its promises locked in id order; the last day of what ships later by order."""
    params = {"orders": [order for order in orders if order not in blocked], "today": today}
    found: _Parts = {}
    days: dict[UUID, date] = {}
    for row in sql.run(_PROMISES, params):
        part = _Part(*row)
        if part.ships_on:
            days[part.order] = max(part.ships_on, days.get(part.order, part.ships_on))
        if part.units:
            found.setdefault(part.order, {})[part.node] = part
    for key in days:
        if orders[key].policy == "ship_complete":
            found.pop(key, None)
    return found, days


def _past_their_day(orders: Mapping[UUID, _Order], parts: _Parts, at: datetime) -> set[UUID]:
    """Orders whose last day is over at a node that has their goods: what they have there stays. 1 statement, where one
    has such a day."""
    last = {key: orders[key].cancel_after for key in parts if orders[key].cancel_after}
    if not last:
        return set()
    zones = {
        node: place.time_zone for node, place in places({node for key in last for node in parts[key]}).items()
    }
    past = [
        (key, node)
        for key, day in last.items()
        for node in parts[key]
        if day and local_day(at, zones[node]) > day
    ]
    for key, node in past:
        del parts[key][node]
    return {key for key, _ in past}


def _take(parts: _Parts, request: ReleaseOrder, order: _Order, went: int) -> list[_Part]:
    """What a request asks for, out of what is left to release. The part of the node that it names is the first."""
    if request.node is None:
        return list(parts.pop(request.order, {}).values())
    part = parts.get(request.order, {}).pop(request.node, None)
    if part is None:
        return []
    others = parts.pop(request.order) if order.below_fill(went + part.units) else {}
    return [part, *others.values()]


class _Shelves:
    """The buckets to pick from, locked, the parts that find too little there, and the SKUs that come in cases."""

    def __init__(self, parts: Sequence[_Part], today: date) -> None:
        self.params: dict[str, object] = {
            "today": today, "later": [promise for part in parts for promise in part.later],
        }  # fmt: skip
        self.buckets: list[UUID] = []
        self.packaged: list[UUID] = []
        self.missing: dict[tuple[UUID, UUID], int] = {}
        if not parts:
            return
        params = {
            **self.params, "orders": [part.order for part in parts], "nodes": [part.node for part in parts],
        }  # fmt: skip
        ((buckets, skus, nodes, units, packaged),) = sql.run(_LOCK_SHELVES, params)
        self.buckets, self.packaged = buckets or [], packaged or []
        if skus:
            self._find_missing(parts, dict(zip(zip(skus, nodes, strict=True), units, strict=True)), params)

    def _find_missing(
        self, parts: Sequence[_Part], left: dict[tuple[UUID, UUID], int], params: Mapping[str, object]
    ) -> None:
        wanted: dict[int, dict[tuple[UUID, UUID], int]] = defaultdict(dict)
        short = {"short_skus": [sku for sku, _ in left], "short_nodes": [node for _, node in left]}
        for place, sku, node, units in sql.run(_WANTED_OF_SHORT, {**params, **short}):
            wanted[place][sku, node] = units
        for place, units in rules.whole_or_not(wanted, left).items():
            part = parts[place - 1]
            self.missing[part.order, part.node] = units


class _Batch:
    """All fulfillments of a call, gathered to be written in a fixed number of statements: what each is to pick never
    leaves the database."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        self.times: dict[UUID, datetime] = {}
        self.went: dict[UUID, int] = defaultdict(int)
        self.fulfillments: list[tuple[UUID, _Order, UUID, datetime]] = []
        self.items: list[OpenItem] = []

    def add(self, one: _Asked, shelves: _Shelves) -> OrderReleased | Refused:
        order, at = one.order, one.at
        lacks: dict[UUID | None, int] = {
            part.node: shelves.missing.get((part.order, part.node), 0) for part in one.parts
        }
        missing = sum(lacks.values())
        parts = [part for part in one.parts if not lacks[part.node]]
        units = sum(part.units for part in parts)
        below = order.below_fill(self.went[order.id] + units)
        # What is named goes, or nothing does: whoever names a node looks for the fulfillment of that one.
        if not parts or lacks.get(one.node) or (below and missing):
            return errors.NotPickable(order=order.number, missing=missing)
        if below:
            return below
        self.went[order.id] += units
        made = [ids.uuid7() for _ in parts]
        self.fulfillments += [
            (fulfillment, order, part.node, at) for fulfillment, part in zip(made, parts, strict=True)
        ]
        if missing:
            self.items.append(
                not_pickable(order.company, order.id, order.number, missing, order.priority, order.promise_at)
            )
        self.times[order.id] = at
        return OrderReleased(order.id, tuple(made), units, missing)

    def write(self, shelves: _Shelves) -> None:
        if self.items:
            open_items(self.cause, requests=self.items)
        if not self.fulfillments:
            return
        numbers = ids.numbers("FF", len(self.fulfillments))
        leave_by = self._leave_by()
        rows = [
            (
                key,
                number,
                order.company,
                order.id,
                node,
                "released",
                order.service,
                order.promise_at,
                leave_by[key],
                at,
            )
            for (key, order, node, at), number in zip(self.fulfillments, numbers, strict=True)
        ]
        sql.write("warehouse_fulfillment", _FULFILLMENT, rows)
        self._write_work(shelves)
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
                (key, order.priority, leave_by[key] or order.placed_at)
                for key, order, _, _ in self.fulfillments
            ],
        )

    def _leave_by(self) -> dict[UUID, datetime | None]:
        """By when each fulfillment has to leave; None where nothing was promised."""
        nodes = {node for _, order, node, _ in self.fulfillments if order.promise_at or order.ship_by}
        leaving = Leaving(places(nodes), self.cause.at) if nodes else None
        return {
            key: leaving.leave_by(
                node, order.service, order.country, order.postal_code, order.promise_at, order.ship_by
            )
            if leaving and (order.promise_at or order.ship_by)
            else None
            for key, order, node, _ in self.fulfillments
        }

    def _write_work(self, shelves: _Shelves) -> None:
        """Lines and tasks, and all that they are taken from."""
        lines, tasks = ids.block(), ids.block()
        keys = [(key, order.company, order.id, node) for key, order, node, _ in self.fulfillments]
        params = sql.columns(("fulfillments", "companies", "orders", "nodes"), keys) | shelves.params
        blocks = {"lines": lines.start, "tasks": tasks.start, "buckets": shelves.buckets}
        planned = whole_pieces(params, shelves.buckets, shelves.packaged, self.cause.at.date())
        sql.change(_WORK, {**params, **blocks, **planned, "packaged": shelves.packaged})
        commit_picks_of(_PICKS, {"first": tasks.first, "last": tasks.last})
        params = {"first": lines.first, "last": lines.last}
        go_on(self.cause, "allocated", "released", _LINES, params, self.times)


def not_pickable(
    company: int, order: UUID, number: str, missing: int, priority: int, promise_at: datetime | None = None
) -> OpenItem:
    """The work item that asks for goods to be put away."""
    return OpenItem(
        company, "not pickable", "order", order,
        Said("{0} promised units of {1} stand in no pick or reserve bin", missing, number), "warehouse supervisor",
        {"units": missing}, priority, due_in_hours=8, promise_at=promise_at,
    )  # fmt: skip


_FULFILLMENT = (
    "id", "number", "company_id", "order_id", "node_id", "state", "service", "due_at", "leave_by", "released_at",
)  # fmt: skip
FULFILLMENT_LINE = ("id", "fulfillment_id", "order_id", "line_id", "allocation_id", "sku_id", "quantity")
PICK_TASK = (
    "id", "company_id", "fulfillment_id", "fulfillmentline_id", "order_id", "line_id", "allocation_id", "sku_id",
    "node_id", "bucket_id", "bin_id", "lot", "serial", "quantity", "sequence",
)  # fmt: skip

_ORDERS = f"""
SELECT o.id, o.company_id::int, o.number, o.service, {orders_queries.SERVED_WITH}, o.promise_at, o.placed_at, o.held_by,
       o.policy, o.country, o.postal_code, o.ship_not_before, o.ship_by, o.cancel_after,
       {orders_queries.LAPSED}, {orders_queries.FILL}
FROM orders_order AS o WHERE o.id = ANY(%(ids)s::uuid[]) ORDER BY o.id FOR UPDATE
"""

_PROMISES = """
WITH locked AS (
    SELECT a.order_id, a.id, a.node_id, a.quantity - a.released AS units, y.ships_on
    FROM stock_allocation AS a
    LEFT JOIN stock_preorder AS y ON y.sku_id = a.sku_id AND y.ships_on > %(today)s::date
    WHERE a.order_id = ANY(%(orders)s::uuid[]) AND a.quantity > a.released ORDER BY a.id FOR UPDATE OF a
)
SELECT order_id, node_id, COALESCE(sum(units) FILTER (WHERE ships_on IS NULL), 0)::int, max(ships_on),
       COALESCE(array_agg(id) FILTER (WHERE ships_on IS NOT NULL), '{}')
FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM locked) AS p GROUP BY 1, 2 ORDER BY min(place)
"""

# Buckets, and of the pairs of SKU and node that want more than stands there what does. Both sides stand in one column
# and are added up: joined, they would be compared all with all where few are expected.
_LOCK_SHELVES = f"""
WITH wanted AS MATERIALIZED (
    SELECT a.sku_id, a.node_id, sum(a.quantity - a.released) AS units
    FROM unnest(%(orders)s::uuid[], %(nodes)s::uuid[]) AS p("order", node)
    JOIN stock_allocation AS a ON a.order_id = p."order" AND a.node_id = p.node AND {GOES} GROUP BY 1, 2
), locked AS (
    SELECT b.id, b.sku_id, b.node_id, b.quantity - b.committed AS free
    FROM wanted AS w
    JOIN stock_bucket AS b ON b.sku_id = w.sku_id AND b.node_id = w.node_id
    JOIN network_bin AS bin ON bin.id = b.bin_id AND bin.kind IN ('pick', 'reserve')
    WHERE b.status = 'sellable' AND b.quantity > b.committed
      AND (b.expires_on IS NULL OR b.expires_on >= %(today)s::date)
    ORDER BY b.id FOR UPDATE OF b
), short AS (
    SELECT sku_id, node_id, sum(free)::int AS free
    FROM (SELECT sku_id, node_id, units, 0 AS free FROM wanted
          UNION ALL SELECT sku_id, node_id, 0, free FROM locked) AS both_sides
    GROUP BY 1, 2 HAVING sum(units) > sum(free)
)
SELECT (SELECT array_agg(id) FROM locked), array_agg(sku_id), array_agg(node_id), array_agg(free),
       (SELECT array_agg(DISTINCT p.sku_id) FROM catalog_packaging AS p WHERE p.sku_id IN (SELECT sku_id FROM wanted))
FROM short
"""

_WANTED_OF_SHORT = f"""
SELECT p.place::int, a.sku_id, a.node_id, sum(a.quantity - a.released)::int
FROM unnest(%(orders)s::uuid[], %(nodes)s::uuid[]) WITH ORDINALITY AS p("order", node, place)
JOIN stock_allocation AS a ON a.order_id = p."order" AND a.node_id = p.node AND {GOES}
WHERE (a.sku_id, a.node_id) IN (SELECT * FROM unnest(%(short_skus)s::uuid[], %(short_nodes)s::uuid[]))
GROUP BY 1, 2, 3 ORDER BY 1
"""

# What `rules.plan_picks` makes of one promise after the other. Of each SKU at a node the units promised stand in a row,
# by the turns of their orders, and so do those in its bins (`rules.in_pick_order`): who stands opposite what picks it.
# A full join is always made by hash or merge, whatever number of rows was expected; who has no opposite falls out.
# What comes in cases was planned before (`whole_pieces`): it does not stand in the row.
_WORK = f"""
WITH line AS MATERIALIZED (
    SELECT (%(lines)s::text || lpad(to_hex(row_number() OVER ()), 8, '0'))::uuid AS id, f.id AS fulfillment_id, f.place,
           f.company_id, a.order_id, a.line_id, a.id AS allocation_id, a.sku_id, a.node_id,
           a.quantity - a.released AS units
    FROM unnest(%(fulfillments)s::uuid[], %(companies)s::smallint[], %(orders)s::uuid[], %(nodes)s::uuid[])
         WITH ORDINALITY AS f(id, company_id, order_id, node_id, place)
    JOIN stock_allocation AS a ON a.order_id = f.order_id AND a.node_id = f.node_id AND {GOES}
), written AS (
    INSERT INTO warehouse_fulfillmentline (id, fulfillment_id, order_id, line_id, allocation_id, sku_id, quantity)
    SELECT id, fulfillment_id, order_id, line_id, allocation_id, sku_id, units FROM line
)
INSERT INTO warehouse_picktask (id, company_id, fulfillment_id, fulfillmentline_id, order_id, line_id, allocation_id,
    sku_id, node_id, bucket_id, bin_id, lot, serial, quantity, sequence)
SELECT (%(tasks)s::text || lpad(to_hex(row_number() OVER ()), 8, '0'))::uuid, company_id, fulfillment_id, line,
       order_id, line_id, allocation_id, sku_id, node_id, bucket, bin_id, lot, serial, units,
       row_number() OVER (PARTITION BY fulfillment_id ORDER BY pick_sequence, allocation_id, turn)
FROM (SELECT d.company_id, d.fulfillment_id, d.id AS line, d.order_id, d.line_id, d.allocation_id, d.sku_id, d.node_id,
       s.id AS bucket, s.bin_id, s.lot, s.serial, s.pick_sequence, s.until AS turn,
       least(d.until, s.until) - greatest(d.until - d.units, s.until - s.units) AS units
FROM (
    SELECT *, sum(units) OVER (
        PARTITION BY sku_id, node_id ORDER BY place, allocation_id ROWS UNBOUNDED PRECEDING) AS until
    FROM line WHERE sku_id <> ALL(%(packaged)s::uuid[])
) AS d FULL JOIN (
    SELECT b.id, b.sku_id, b.node_id, b.bin_id, b.lot, b.serial, bin.pick_sequence, b.quantity - b.committed AS units,
           sum(b.quantity - b.committed) OVER (
               PARTITION BY b.sku_id, b.node_id
               ORDER BY b.expires_on, bin.kind <> 'pick', bin.pick_sequence, b.lot COLLATE "C", b.id
               ROWS UNBOUNDED PRECEDING) AS until
    FROM stock_bucket AS b JOIN network_bin AS bin ON bin.id = b.bin_id
    WHERE b.id = ANY(%(buckets)s::uuid[]) AND b.sku_id <> ALL(%(packaged)s::uuid[])
) AS s ON s.sku_id = d.sku_id AND s.node_id = d.node_id
WHERE COALESCE(d.until > s.until - s.units AND s.until > d.until - d.units, false)
UNION ALL
SELECT d.company_id, d.fulfillment_id, d.id, d.order_id, d.line_id, d.allocation_id, d.sku_id, d.node_id,
       b.id, b.bin_id, b.lot, b.serial, bin.pick_sequence, w.turn, w.units
FROM unnest(%(whole_lines)s::uuid[], %(whole_buckets)s::uuid[], %(whole_units)s::int[])
     WITH ORDINALITY AS w(allocation, bucket, units, turn)
JOIN line AS d ON d.allocation_id = w.allocation JOIN stock_bucket AS b ON b.id = w.bucket
JOIN network_bin AS bin ON bin.id = b.bin_id
) AS work
"""

_PICKS = """
SELECT allocation_id, bucket_id, quantity, fulfillment_id FROM warehouse_picktask
WHERE id BETWEEN %(first)s::uuid AND %(last)s::uuid
"""

_LINES = """
SELECT line_id, sum(quantity)::int FROM warehouse_fulfillmentline
WHERE id BETWEEN %(first)s::uuid AND %(last)s::uuid GROUP BY 1
"""
