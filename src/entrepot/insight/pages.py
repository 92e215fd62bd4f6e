"""What the console's pages ask across rooms: the flow board, lists, the parts of one order, one SKU, one document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from entrepot.insight import order_filters
from entrepot.insight.waiting import OF_THE_HOUSE
from entrepot.kernel import sql
from entrepot.kernel.keyset import keyset
from entrepot.orders.rules import ENDED

# ---- the flow board


@dataclass(frozen=True, slots=True)
class Stage:
    """Orders of a status: how many, how many of them past their promise, and since when half of them, 95 of a hundred
    and the oldest stand in it. Nobody waits for those that have ended: of them there is no time."""

    status: str
    orders: int
    late: int
    half_at: datetime | None = None
    most_at: datetime | None = None
    oldest_at: datetime | None = None


def flow(*, company: int, now: datetime, nodes: Collection[str] = (), channel: str = "") -> dict[str, Stage]:
    """Where the orders of a company stand; those of some nodes or a channel, by their codes. One statement."""
    narrowed = order_filters.narrowed(nodes, channel)
    params = {"company": company, "now": now, "ended": list(ENDED), "nodes": list(nodes), "channel": channel}
    statement = _FLOW.format(narrowed=f"AND {narrowed}" if narrowed else "")
    return {row[0]: Stage(*row) for row in sql.run(statement, params)}


@dataclass(frozen=True, slots=True)
class Pulse:
    """Orders placed and shipments sent within an hour."""

    hour: datetime
    placed: int
    shipped: int


def pulse(
    *, company: int, since: datetime, until: datetime, nodes: Collection[str] = (), channel: str = ""
) -> list[Pulse]:
    """What was recorded hour by hour, without gaps; of the orders of some nodes or a channel, by their codes.
    One statement."""
    narrowed = order_filters.narrowed(nodes, channel)
    params = {"company": company, "since": since, "until": until, "nodes": list(nodes), "channel": channel}
    within = _PULSE_WITHIN.format(narrowed=narrowed) if narrowed else ""
    return [Pulse(*row) for row in sql.run(_PULSE.format(within=within), params)]


@dataclass(frozen=True, slots=True)
class Queue:
    """Subjects that wait for a room to serve them."""

    name: str
    waiting: int


def queues() -> list[Queue]:
    """What waits to be served by the house itself. One statement."""
    return [Queue(*row) for row in sql.run(_QUEUES)]


# ---- lists

EVERY = order_filters.Asked()


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A line of the list of orders."""

    id: UUID
    number: str
    channel: str
    external_id: str
    customer: str
    tier: str
    country: str
    status: str
    priority: int
    currency: str
    total_minor: int
    line_count: int
    units: int
    placed_at: datetime
    promise_at: datetime | None
    holds: tuple[str, ...]


def orders(
    *,
    company: int,
    now: datetime,
    asked: order_filters.Asked = EVERY,
    order: str = "-placed_at",
    after: UUID | None = None,
    limit: int = 50,
) -> list[OrderRow]:
    """Orders of all that is asked, the latest placed first or in another of `ORDERS_BY`, behind the order `after`.
    One statement."""
    statement = orders_statement(asked, order=order, after=after)
    params = order_filters.params(asked, company=company, now=now) | {"after": after, "limit": limit}
    return [_order_row(row) for row in sql.run(statement, params)]


def orders_statement(
    asked: order_filters.Asked, *, order: str = "-placed_at", after: UUID | None = None
) -> str:
    """What is asked of the database for `orders`."""
    behind, by = keyset("orders_order", "o", ORDERS_BY, order, after)
    where = order_filters.where(asked)
    return f"{_ROW} {f'AND {where}' if where else ''} {behind}\n{by} LIMIT %(limit)s::int"


def open_holds(*, orders: Collection[UUID], kind: str = "") -> list[tuple[UUID, str]]:
    """Holds that are still open on any of these orders, of a type or all, with the order's number. One statement."""
    return [(hold, number) for hold, number in sql.run(_OPEN_HOLDS, {"orders": list(orders), "kind": kind})]


def late_orders(
    *, company: int, now: datetime, nodes: Collection[str] = (), channel: str = "", limit: int = 8
) -> list[OrderRow]:
    """Orders past their promise, the longest late first; those of some nodes or a channel, by their codes.
    One statement."""
    narrowed = order_filters.narrowed(nodes, channel)
    params = {
        "company": company, "now": now, "limit": limit, "ended": list(ENDED), "nodes": list(nodes), "channel": channel,
    }  # fmt: skip
    statement = _LATE.format(narrowed=f"AND {narrowed}" if narrowed else "")
    return [_order_row(row) for row in sql.run(statement, params)]


def _order_row(row: tuple[Any, ...]) -> OrderRow:
    values = [*row[:-1], tuple(row[-1])]
    return OrderRow(*values)


# ---- one order


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """Units of an order line promised at a node; of a SKU that ships later, with its day."""

    id: UUID
    line: UUID
    line_number: int
    order: UUID
    order_number: str
    order_status: str
    sku: UUID
    sku_code: str
    node: UUID
    node_code: str
    quantity: int
    released: int
    priority: int
    promise_at: datetime | None
    ordered_at: datetime
    fulfillment: UUID | None
    ships_on: date | None


def promises(
    *, at: datetime, order: UUID | None = None, sku: UUID | None = None, limit: int = 200
) -> list[PromiseRow]:
    """Live promises of an order or of a SKU, the most urgent first; `ships_on` is a day after that of `at`, where goods
    are sold ahead. One statement."""
    which = "a.order_id = %(which)s::uuid" if order else "a.sku_id = %(which)s::uuid"
    rows = sql.run(_PROMISES.format(which=which), {"which": order or sku, "limit": limit, "at": at})
    return [PromiseRow(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class FulfillmentRow:
    """What one node sends of an order, how far it is, and what was not there."""

    id: UUID
    number: str
    node_code: str
    state: str
    due_at: datetime | None
    released_at: datetime
    picker: str
    units: int
    picked: int
    short: int
    leave_by: datetime | None


def fulfillments(*, order: UUID) -> list[FulfillmentRow]:
    """Fulfillments of an order, the oldest first. One statement."""
    return [FulfillmentRow(*row) for row in sql.run(_FULFILLMENTS, {"order": order})]


@dataclass(frozen=True, slots=True)
class PackageRow:
    id: UUID
    number: str
    fulfillment: UUID
    carton: str
    weight_g: int
    units: int
    packed_at: datetime


def packages(*, order: UUID) -> list[PackageRow]:
    """Packages of an order, the oldest first. One statement."""
    return [PackageRow(*row) for row in sql.run(_PACKAGES, {"order": order})]


@dataclass(frozen=True, slots=True)
class ShipmentRow:
    """What left, by whom, for how much, and why by them."""

    id: UUID
    number: str
    fulfillment: UUID | None  # None where a supplier sent it: then `node_code` is his
    node_code: str
    carrier: str
    service: str
    tracking: str
    zone: str
    cost_minor: int
    currency: str
    state: str
    promised_at: datetime | None
    shipped_at: datetime
    delivered_at: datetime | None
    reasons: Any
    units: int
    drop_ship: UUID | None = None
    missed_at: datetime | None = None
    """Since when it waits for a carrier that came and went without it."""
    numbers: tuple[str, ...] = ()
    """What its parcels bear for the carrier: the labels in force, or what a supplier names; else the shipment's own.
    Our own numbers of packages, which no carrier knows, are none."""
    serials: tuple[tuple[str, str], ...] = ()
    """Serial numbers that left, each with the code of its SKU."""


def shipments(*, order: UUID) -> list[ShipmentRow]:
    """Shipments of an order, the oldest first. One statement."""
    found = []
    for *rest, reasons, units, drop_ship, missed_at, numbers, serials in sql.run(
        _SHIPMENTS, {"order": order}
    ):
        told = tuple((sku, serial) for sku, serial in serials)
        values = [*rest, _json(reasons), units, drop_ship, missed_at, tuple(numbers), told]
        found.append(ShipmentRow(*values))
    return found


# ---- journal


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A line of the journal, debit positive, with its place in it."""

    id: int
    entry: UUID
    number: int
    account: int
    account_name: str
    amount_minor: int
    functional_minor: int
    currency: str
    kind: str
    event: str
    document_kind: str
    document: UUID
    occurred_at: datetime
    recorded_at: datetime
    rule_version: int | None  # none for what a person entered


def journal(*, company: int, documents: Collection[UUID], limit: int = 400) -> list[JournalLine]:
    """Journal lines of documents, in the order of posting. One statement."""
    which = "l.document_id = ANY(%(documents)s::uuid[]) ORDER BY l.id LIMIT %(limit)s::int"
    return journal_where(company, which, {"documents": list(documents)}, limit)


def journal_where(company: int, which: str, params: Mapping[str, Any], limit: int = 400) -> list[JournalLine]:
    """Journal lines `l` of which a condition of a statement holds, with its order and `limit`. One statement."""
    rows = sql.run(_JOURNAL + which, {**params, "company": company, "limit": limit})
    return [JournalLine(*row) for row in rows]


def entries(lines: Iterable[JournalLine]) -> list[tuple[UUID, list[JournalLine]]]:
    """Lines that stand together, by the entry that they are of."""
    return [(which, list(of_one)) for which, of_one in groupby(lines, key=attrgetter("entry"))]


def entry(*, company: int, which: UUID) -> list[JournalLine]:
    """The lines of one journal entry. One statement."""
    params = {"company": company, "entry": which}
    return [
        JournalLine(*row)
        for row in sql.run(_JOURNAL + "l.entry_id = %(entry)s::uuid ORDER BY l.number", params)
    ]


def journal_lines(
    company: int,
    *,
    account: int | None = None,
    entry: UUID | None = None,
    document: UUID | None = None,
    month: date | None = None,
    up_to: date | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[JournalLine]:
    """Lines of the journal that all that is given says, the latest first, behind the line `before`. One statement.

    Of a month its lines are read, which stand together, and sorted: from the latest line of all back it may be years.
    """
    asked = (
        ("account", "l.account = %(account)s::int", account),
        ("entry", "l.entry_id = %(entry)s::uuid", entry),
        ("document", "l.document_id = %(document)s::uuid", document),
        ("month", _IN_MONTH, month),
        ("up_to", "l.month <= %(up_to)s::date", up_to),
        ("before", "l.id < %(before)s::bigint", before),
    )
    given = [(name, says, value) for name, says, value in asked if value is not None]
    where = " AND ".join([says for _, says, _ in given]) or "TRUE"
    order = f" ORDER BY {'l.id' if month is None else 'l.id + 0'} DESC LIMIT %(limit)s::int"
    return journal_where(company, where + order, {name: value for name, _, value in given}, limit)


@dataclass(frozen=True, slots=True)
class Account:
    code: int
    name: str
    type: str
    clearing: bool


def account(*, company: int, code: int) -> Account | None:
    """One account of the chart. One statement."""
    rows = sql.run(_ACCOUNT, {"company": company, "code": code})
    return Account(*rows[0]) if rows else None


# ---- one SKU


@dataclass(frozen=True, slots=True)
class PositionRow:
    """What may be promised of a SKU at a node; `free` is before the buffer of a channel."""

    node: UUID
    node_code: str
    sellable: int
    reserved: int
    allocated: int
    safety: int
    fenced: int
    free: int
    on_hand: int
    value_minor: int


def positions(*, sku: UUID) -> list[PositionRow]:
    """The positions of a SKU by node. One statement."""
    return [PositionRow(*row) for row in sql.run(_POSITIONS, {"sku": sku})]


@dataclass(frozen=True, slots=True)
class SupplyRow:
    """Units expected at a node."""

    node_code: str
    document_kind: str
    document: UUID
    quantity: int
    expected_on: date


def supply(*, sku: UUID) -> list[SupplyRow]:
    """What is to come of a SKU, the soonest first. One statement."""
    return [SupplyRow(*row) for row in sql.run(_SUPPLY, {"sku": sku})]


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """Units of an order line that wait for stock."""

    order: UUID
    order_number: str
    quantity: int
    promised_on: date | None
    ordered_at: datetime


def waiting(*, sku: UUID, limit: int = 100) -> list[WaitingRow]:
    """Backorders of a SKU, the first to be served first. One statement."""
    return [WaitingRow(*row) for row in sql.run(_WAITING, {"sku": sku, "limit": limit})]


# ---- what comes back


class ReturnsWaiting(NamedTuple):
    """Tasks of inspectors, and refunds that wait for another person."""

    tasks: int
    refunds: int


def returns_waiting(*, company: int, node: str = "") -> ReturnsWaiting:
    """What waits for people in returns; tasks at a node (by code), or all. One statement."""
    if node:
        statement = _RETURNS_WAITING.format(here=_AT_NODE, there=_OF_RECEIPT)
        return ReturnsWaiting(*sql.run(statement, {"company": company, "node": node})[0])
    statement = _RETURNS_WAITING.format(here="", there="")
    return ReturnsWaiting(*sql.run(statement, {"company": company})[0])


def arrivals_expected(*, node: UUID) -> int:
    """Purchase orders and transfers that something is to come of at a node. One statement."""
    return int(sql.run(_ARRIVALS_EXPECTED, {"node": node})[0][0])


class ReturnedLine(NamedTuple):
    """A line of a return: what it is, why it came back, defects that were found, and what was done with it."""

    return_id: UUID
    sku_code: str
    description: str
    units: int
    reason: str
    note: str
    codes: str
    done: str


def returned_lines(returns: Collection[UUID]) -> list[ReturnedLine]:
    """Lines of returns with their dispositions, such as `2 restock`. One statement."""
    return [ReturnedLine(*row) for row in sql.run(_RETURNED_LINES, {"returns": list(returns)})]


# ---- any document, any event


@dataclass(frozen=True, slots=True)
class Document:
    """A document by its kind and number, with the facts of its row and its lines."""

    kind: str
    id: UUID
    name: str
    state: str
    facts: dict[str, Any]


def document(which: UUID) -> Document | None:
    """Whatever goes by this id. One statement."""
    rows = sql.run(_DOCUMENT, {"which": which})
    if not rows:
        return None
    kind, found, name, state, facts = rows[0]
    return Document(kind, found, name, state, msgspec.json.decode(facts))


def lines_of(found: Document) -> list[dict[str, Any]]:
    """The lines that hang on a document, as facts. One statement, or none."""
    if found.kind not in _LINES_OF:
        return []
    return [msgspec.json.decode(row[0]) for row in sql.run(_LINES_OF[found.kind], {"which": found.id})]


class Name(NamedTuple):
    """What people call a document."""

    kind: str
    text: str


def names(ids: Iterable[UUID]) -> dict[UUID, Name]:
    """What people call the documents with these ids. One statement."""
    wanted = list(set(ids))
    if not wanted:
        return {}
    return {found: Name(kind, text) for kind, found, text in sql.run(_NAMES, {"ids": wanted})}


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of the log, with its neighbors in the same cause."""

    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command: str
    company: int
    subject_kind: str
    subject: UUID
    before: str
    after: str
    reason: str
    payload: Any
    correlation: UUID
    sealed: bool


def event(seq: int) -> EventRow | None:
    """One event. One statement."""
    rows = sql.run(_EVENT, {"seq": seq})
    if not rows:
        return None
    *rest, payload, correlation, sealed = rows[0]
    values = [*rest, _json(payload), correlation, sealed]
    return EventRow(*values)


def _json(text: Any) -> Any:
    return msgspec.json.decode(text) if isinstance(text, (str, bytes)) else text


# ---- figures for monitoring


def gauges() -> list[tuple[str, str, int]]:
    """(figure, label, value) of what waits anywhere. One statement."""
    return [(name, label, value) for name, label, value in sql.run(_GAUGES)]


# An order came into its status with the last event that says so: it may have been there before. Few have not ended.
_FLOW = """
SELECT status, count(*)::int, (count(*) FILTER (WHERE alive AND promise_at < %(now)s::timestamptz))::int,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY came_at), percentile_disc(0.05) WITHIN GROUP (ORDER BY came_at),
       min(came_at)
FROM (
    SELECT o.status, o.promise_at, o.status <> ALL(%(ended)s::text[]) AS alive,
           CASE WHEN o.status <> ALL(%(ended)s::text[]) THEN COALESCE((
               SELECT e.occurred_at FROM kernel_event AS e
               WHERE e.subject_id = o.id AND e.state_after = o.status AND e.state_before <> e.state_after
               ORDER BY e.seq DESC LIMIT 1), o.placed_at) END AS came_at
    FROM orders_order AS o WHERE o.company_id = %(company)s::smallint {narrowed}) AS stands
GROUP BY status
"""

_PULSE = """
SELECT h.hour, COALESCE(e.placed, 0)::int, COALESCE(e.shipped, 0)::int
FROM generate_series(date_trunc('hour', %(since)s::timestamptz), %(until)s::timestamptz, '1 hour') AS h(hour)
LEFT JOIN (
    SELECT date_trunc('hour', recorded_at) AS hour,
           count(*) FILTER (WHERE subject_kind = 'order' AND command = 'orders.place') AS placed,
           count(*) FILTER (WHERE subject_kind = 'shipment' AND state_after = 'shipped') AS shipped
    FROM kernel_event
    WHERE recorded_at >= date_trunc('hour', %(since)s::timestamptz) AND recorded_at <= %(until)s::timestamptz
      AND company_id = %(company)s::smallint {within}
    GROUP BY 1) AS e USING (hour)
ORDER BY 1
"""

_PULSE_WITHIN = """AND COALESCE(
        (SELECT s.order_id FROM shipping_shipment AS s WHERE subject_kind = 'shipment' AND s.id = subject_id),
        subject_id) IN (SELECT o.id FROM orders_order AS o WHERE {narrowed})"""

_QUEUES = f"""
SELECT queue, count(*)::int FROM kernel_ready WHERE {OF_THE_HOUSE} GROUP BY queue ORDER BY queue
"""

_ROW = """
SELECT o.id, o.number, c.code, o.external_id, COALESCE(u.code, ''), COALESCE(u.tier, ''), o.country, o.status,
       o.priority::int, o.currency::text, o.total_minor, o.line_count,
       COALESCE((SELECT sum(l.quantity) FROM orders_line AS l WHERE l.order_id = o.id AND l.kind = 'goods'), 0)::int,
       o.placed_at, o.promise_at,
       ARRAY(SELECT h.type FROM orders_hold AS h WHERE h.order_id = o.id AND h.state = 'open'
             GROUP BY h.type ORDER BY min(h.opened_at))
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_customer AS u ON u.id = o.customer_id
WHERE o.company_id = %(company)s::smallint
"""

ORDERS_BY = {"placed_at": (), "promise_at": ("COALESCE({row}.promise_at, 'infinity'::timestamptz)",)}
"""What the list of orders can be put in order by; keys are made in the order of placing."""

_LATE = (
    _ROW
    + """
  AND o.promise_at < %(now)s::timestamptz AND o.status <> ALL(%(ended)s::text[]) {narrowed}
ORDER BY o.promise_at, o.priority DESC, o.id LIMIT %(limit)s::int
"""
)

_OPEN_HOLDS = """
SELECT h.id, o.number FROM orders_hold AS h JOIN orders_order AS o ON o.id = h.order_id
WHERE h.order_id = ANY(%(orders)s::uuid[]) AND h.state = 'open' AND %(kind)s::text IN ('', h.type)
ORDER BY h.opened_at, h.id
"""

_PROMISES = """
SELECT a.id, a.line_id, COALESCE(l.number, 0), a.order_id, o.number, o.status, a.sku_id, s.code, a.node_id, n.code,
       a.quantity, a.released, a.priority::int, a.promise_at, a.ordered_at, a.fulfillment_id, y.ships_on
FROM stock_allocation AS a JOIN orders_order AS o ON o.id = a.order_id JOIN catalog_sku AS s ON s.id = a.sku_id
JOIN network_node AS n ON n.id = a.node_id LEFT JOIN orders_line AS l ON l.id = a.line_id
LEFT JOIN stock_preorder AS y ON y.sku_id = a.sku_id AND y.ships_on > (%(at)s::timestamptz AT TIME ZONE 'UTC')::date
WHERE {which} ORDER BY a.priority DESC, a.promise_at NULLS LAST, a.ordered_at, l.number, a.id LIMIT %(limit)s::int
"""

_FULFILLMENTS = """
SELECT f.id, f.number, n.code, f.state, f.due_at, f.released_at, f.picker, COALESCE(sum(l.quantity), 0)::int,
       COALESCE(sum(l.picked), 0)::int, COALESCE(sum(l.short), 0)::int, f.leave_by
FROM warehouse_fulfillment AS f JOIN network_node AS n ON n.id = f.node_id
LEFT JOIN warehouse_fulfillmentline AS l ON l.fulfillment_id = f.id
WHERE f.order_id = %(order)s::uuid GROUP BY f.id, n.code ORDER BY f.id
"""

_PACKAGES = """
SELECT p.id, p.number, p.fulfillment_id, p.carton, p.weight_g, COALESCE(sum(l.quantity), 0)::int, p.packed_at
FROM warehouse_fulfillment AS f JOIN warehouse_package AS p ON p.fulfillment_id = f.id
LEFT JOIN warehouse_packageline AS l ON l.package_id = p.id
WHERE f.order_id = %(order)s::uuid AND p.voided_at IS NULL GROUP BY p.id ORDER BY p.id
"""

_SHIPMENTS = """
SELECT h.id, h.number, h.fulfillment_id, COALESCE(n.code, b.code), COALESCE(c.name, h.carrier, ''),
       COALESCE(v.name, ''), h.tracking, h.zone::text, h.cost_minor, h.currency::text, h.state, h.promised_at,
       h.shipped_at, h.delivered_at, h.reasons::text,
       COALESCE((SELECT sum(l.quantity) FROM shipping_shipmentline AS l WHERE l.shipment_id = h.id
                 AND l.sku_id IS NOT NULL), 0)::int, h.drop_ship_id,
       (SELECT min(b.missed_at) FROM shipping_label AS b WHERE b.shipment_id = h.id AND b.state = 'printed'),
       COALESCE(NULLIF(ARRAY(SELECT tracking FROM (
                    SELECT b.tracking, 1 AS place, b.id FROM shipping_label AS b
                    WHERE b.shipment_id = h.id AND b.state <> 'voided'
                      AND NOT starts_with(b.tracking, h.number || '-')
                    UNION ALL SELECT p.tracking, p.place, h.id FROM shipping_parcel AS p WHERE p.shipment_id = h.id
                ) AS t ORDER BY place, id), '{}'), array_remove(ARRAY[h.tracking], '')),
       ARRAY(SELECT ARRAY[s.code, b.serial] FROM stock_move AS m
             JOIN stock_bucket AS b ON b.id = m.from_bucket AND b.serial <> '' JOIN catalog_sku AS s ON s.id = m.sku_id
             WHERE m.document_id = h.id AND m.to_place = 'customer' ORDER BY s.code, b.serial)
FROM shipping_shipment AS h LEFT JOIN network_node AS n ON n.id = h.node_id
LEFT JOIN purchasing_dropship AS p ON p.id = h.drop_ship_id LEFT JOIN parties_supplier AS b ON b.id = p.supplier_id
LEFT JOIN carriage_service AS v ON v.id = h.service_id LEFT JOIN carriage_carrier AS c ON c.id = v.carrier_id
WHERE h.order_id = %(order)s::uuid ORDER BY h.id
"""

_JOURNAL = """
SELECT l.id, l.entry_id, l.number::int, l.account, COALESCE(a.name, ''), l.amount_minor, l.functional_minor, l.currency,
       l.kind, l.event, l.document_kind, l.document_id, l.occurred_at, l.recorded_at,
       COALESCE(l.rule_version, CASE WHEN l.event <> 'manual.posted' THEN 1 END)::int
FROM ledger_line AS l LEFT JOIN ledger_account AS a ON a.company_id = l.company_id AND a.code = l.account
WHERE l.company_id = %(company)s::smallint AND """

# A line stands in the month of its day, and by that are lines found.
_IN_MONTH = """
l.month = %(month)s::date AND l.occurred_at >= %(month)s::timestamp AT TIME ZONE 'UTC'
AND l.occurred_at < (%(month)s::timestamp + INTERVAL '1 month') AT TIME ZONE 'UTC'
"""

_ACCOUNT = """
SELECT code, name, type, clearing FROM ledger_account
WHERE company_id = %(company)s::smallint AND code = %(code)s::int
"""

_POSITIONS = """
SELECT p.node_id, n.code, p.sellable, p.reserved, p.allocated, p.safety, p.fenced,
       greatest(0, p.sellable - p.reserved - p.allocated - p.safety - p.fenced),
       COALESCE((SELECT sum(b.quantity) FROM stock_bucket AS b WHERE b.sku_id = p.sku_id AND b.node_id = p.node_id
                 AND b.status <> 'in_transit'), 0)::int,
       COALESCE((SELECT sum(v.value_minor) FROM ledger_valuation AS v WHERE v.sku_id = p.sku_id
                 AND v.node_id = p.node_id AND v.pool = 'stock'), 0)::bigint
FROM stock_position AS p JOIN network_node AS n ON n.id = p.node_id
WHERE p.sku_id = %(sku)s::uuid ORDER BY n.priority, n.code
"""

_SUPPLY = """
SELECT n.code, y.document_kind, y.document_id, y.quantity, y.expected_on
FROM stock_supply AS y JOIN network_node AS n ON n.id = y.node_id
WHERE y.sku_id = %(sku)s::uuid ORDER BY y.expected_on, n.code
"""

_WAITING = """
SELECT b.order_id, o.number, b.quantity, b.promised_on, b.ordered_at
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id
WHERE b.sku_id = %(sku)s::uuid
ORDER BY b.priority DESC, o.promise_at, b.ordered_at, o.id, b.line_id LIMIT %(limit)s::int
"""

# By what waits, which is little: both sides have indexes of it alone.
_RETURNS_WAITING = """
SELECT ((SELECT count(*) FROM returns_return AS r JOIN returns_receipt AS c ON c.return_id = r.id {here}
         WHERE c.company_id = %(company)s::smallint AND c.inspected < c.quantity
           AND r.company_id = %(company)s::smallint AND r.state IN ('received', 'inspected'))
        + (SELECT count(*) FROM returns_return AS r JOIN returns_inspection AS i ON i.return_id = r.id {there}
           WHERE i.disposed < i.quantity
             AND r.company_id = %(company)s::smallint AND r.state IN ('received', 'inspected')))::int,
       (SELECT count(*) FROM returns_refund WHERE company_id = %(company)s::smallint AND state = 'waiting')::int
"""
_AT_NODE = "JOIN network_node AS n ON n.id = c.node_id AND n.code = %(node)s::text"
_OF_RECEIPT = f"JOIN returns_receipt AS c ON c.id = i.receipt_id {_AT_NODE}"

_RETURNED_LINES = """
SELECT l.return_id, o.sku_code, COALESCE(NULLIF(o.description, ''), s.name), l.quantity - l.cancelled, l.reason, l.note,
       COALESCE((SELECT string_agg(DISTINCT codes, ' ') FROM returns_inspection
                 WHERE return_id = l.return_id AND return_line_id = l.id AND codes <> ''), ''),
       COALESCE((SELECT string_agg(d.units || ' ' || d.disposition, ', ' ORDER BY d.disposition) FROM (
            SELECT disposition, sum(quantity - COALESCE((
                SELECT sum(n.quantity) FROM returns_disposition AS n WHERE n.earlier_id = o.id), 0))::int AS units
            FROM returns_disposition AS o
            WHERE return_id = l.return_id AND return_line_id = l.id GROUP BY disposition) AS d
            WHERE d.units > 0), '')
FROM returns_line AS l JOIN orders_line AS o ON o.id = l.line_id JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE l.return_id = ANY(%(returns)s::uuid[]) ORDER BY l.return_id, l.id
"""

_EVENT = """
SELECT e.seq, e.occurred_at, e.recorded_at, e.actor, e.command, e.company_id::int, e.subject_kind, e.subject_id,
       e.state_before, e.state_after, e.reason, e.payload::text, e.correlation,
       e.seq <= COALESCE((SELECT max(last_seq) FROM kernel_seal), 0)
FROM kernel_event AS e WHERE e.seq = %(seq)s::bigint
"""

_GAUGES = """
SELECT 'ready', queue, count(*)::bigint FROM kernel_ready GROUP BY queue
UNION ALL SELECT 'deliveries', state, count(*) FROM kernel_delivery WHERE state <> 'delivered' GROUP BY state
UNION ALL SELECT 'work_items', type, count(*) FROM work_item WHERE state <> 'done' GROUP BY type
UNION ALL SELECT 'events', '', COALESCE(max(seq), 0) FROM kernel_event
UNION ALL SELECT 'events_sealed', '', COALESCE(max(last_seq), 0) FROM kernel_seal
"""

_TABLES: dict[str, tuple[str, str, str]] = {
    "order": ("orders_order", "number", "status"),
    "hold": ("orders_hold", "type", "state"),
    "credit": ("orders_credit", "number", "state"),
    "return": ("returns_return", "number", "state"),
    "refund": ("returns_refund", "number", "state"),
    "departure": ("returns_departure", "number", "state"),
    "work_order": ("returns_workorder", "number", "state"),
    "repair": ("returns_repair", "number", "state"),
    "card_hold": ("returns_hold", "number", "state"),
    "dispute": ("payments_dispute", "external_id", "state"),
    "payout": ("settlement_payout", "number", "state"),
    "carrier_invoice": ("settlement_carrierinvoice", "number", "state"),
    "supplier_invoice": ("settlement_supplierinvoice", "number", "state"),
    "bank_statement": ("settlement_bankstatement", "number", "state"),
    "manual_entry": ("ledger_manualentry", "number", "state"),
    "rule_version": ("ledger_ruleversion", "number::text", "state"),
    "write_off": ("settlement_writeoff", "number", "state"),
    "clearing_note": ("settlement_clearingnote", "code", "''"),
    "channel_statement": ("channels_statement", "number", "''"),
    "channel_difference": ("channels_difference", "name", "state"),
    "file_import": ("channels_fileimport", "name", "state"),
    "job": ("kernel_job", "command", "state"),
    "invoice": ("settlement_document", "number", "''"),
    "credit_note": ("settlement_document", "number", "''"),
    "fulfillment": ("warehouse_fulfillment", "number", "state"),
    "package": ("warehouse_package", "number", "''"),
    "wave": ("warehouse_wave", "number", "state"),
    "pick_list": ("warehouse_picklist", "number", "''"),
    "shipment": ("shipping_shipment", "number", "state"),
    "consignment": ("shipping_consignment", "number", "state"),
    "claim": ("shipping_claim", "number", "state"),
    "label": ("shipping_label", "tracking", "state"),
    "return_label": ("returns_label", "tracking", "state"),
    "manifest": ("shipping_manifest", "number", "''"),
    "store_credit": ("payments_credit", "currency", "''"),
    "payment": ("payments_payment", "provider || ' ' || reference", "state"),
    "adjustment": ("stock_adjustment", "number", "state"),
    "transfer": ("stock_transfer", "number", "state"),
    "transfer_proposal": ("sourcing_transferproposal", "number", "state"),
    "purchase": ("purchasing_order", "number", "state"),
    "receipt": ("purchasing_receipt", "number", "''"),
    "landed_cost": ("purchasing_landedcost", "number", "kind"),
    "costing": ("ledger_costing", "method", "''"),
    "reorder_proposal": ("purchasing_proposal", "number", "state"),
    "notice": ("purchasing_notice", "number", "state"),
    "quality_check": ("purchasing_check", "number", "state"),
    "supplier_claim": ("purchasing_claim", "number", "state"),
    "pick_task": (
        "warehouse_picktask",
        "(SELECT o.number FROM orders_order AS o WHERE o.id = order_id) || ' · ' || sequence",
        "state",
    ),
    "drop_ship": ("purchasing_dropship", "number", "state"),
    "work_item": ("work_item", "type", "state"),
    "sku": ("catalog_sku", "code", "status"),
    "node": ("network_node", "code", "kind"),
    "bin": ("network_bin", "code", "kind"),
    "channel": ("network_channel", "code", "kind"),
    "supplier": ("parties_supplier", "code", "''"),
    "customer": ("parties_customer", "code", "tier"),
    "service": ("carriage_service", "code", "''"),
    "policy": ("kernel_policy", "kind || ' ' || version", "''"),
    "policy_draft": ("kernel_policydraft", "kind", "state"),
    "api_key": ("access_apikey", "name", "CASE WHEN revoked_at IS NULL THEN 'issued' ELSE 'revoked' END"),
    "bucket": ("stock_bucket", "status", "status"),
    "plate": ("stock_plate", "number", "''"),
}
"""Documents and what they refer to: kind → table, what it is called, its state. All have the key `id`."""

_WITHOUT = " - 'digest'"

_DOCUMENT = "\nUNION ALL\n".join(
    f"SELECT '{kind}', t.id, t.{name}, t.{state}::text, (to_jsonb(t){_WITHOUT})::text"
    f" FROM {table} AS t WHERE t.id = %(which)s::uuid"
    if name.isidentifier() and state.isidentifier()
    else f"SELECT '{kind}', t.id, {name}, ({state})::text, (to_jsonb(t){_WITHOUT})::text"
    f" FROM {table} AS t WHERE t.id = %(which)s::uuid"
    for kind, (table, name, state) in _TABLES.items()
)

_NAMES = "\nUNION ALL\n".join(
    f"SELECT '{kind}', id, {name} FROM {table} WHERE id = ANY(%(ids)s::uuid[])"
    for kind, (table, name, _) in _TABLES.items()
)

_LINES_OF = {
    kind: f"SELECT to_jsonb(l)::text FROM {table} AS l WHERE l.{column} = %(which)s::uuid ORDER BY l.{order} LIMIT 500"
    for kind, (table, column, order) in {
        "credit": ("orders_creditline", "credit_id", "number"),
        "return": ("returns_line", "return_id", "id"),
        "carrier_invoice": ("settlement_carriercharge", "invoice_id", "number"),
        "supplier_invoice": ("settlement_supplierline", "invoice_id", "number"),
        "payout": ("settlement_payoutline", "payout_id", "number"),
        "refund": ("returns_refundline", "refund_id", "return_line_id"),
        "fulfillment": ("warehouse_picktask", "fulfillment_id", "sequence"),
        "package": ("warehouse_packageline", "package_id", "line_id"),
        "wave": ("warehouse_waveorder", "wave_id", "place"),
        "pick_list": ("warehouse_liststop", "list_id", "place"),
        "shipment": ("shipping_shipmentline", "shipment_id", "line_id"),
        "payment": ("payments_attempt", "payment_id", "id"),
        "transfer": ("stock_transferline", "transfer_id", "id"),
        "purchase": ("purchasing_orderline", "order_id", "number"),
        "receipt": ("purchasing_receiptline", "receipt_id", "id"),
        "landed_cost": ("purchasing_landedpart", "cost_id", "line_id"),
    }.items()
}

# By what is expected: a purchase order stands there as long as something is to come of it.
_ARRIVALS_EXPECTED = """
SELECT count(DISTINCT document_id)::int FROM stock_supply
WHERE node_id = %(node)s::uuid AND document_kind IN ('purchase_order', 'transfer')
"""
