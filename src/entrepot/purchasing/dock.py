"""What is asked at the dock: what came, what is expected, what is held, what is claimed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class Arrived:
    """Units of a receipt as they came."""

    receipt: str
    received_at: datetime
    line: int
    sku: UUID
    sku_code: str
    quantity: int
    status: str
    lot: str
    expires_on: date | None
    serials: list[str]
    note: str


@dataclass(frozen=True, slots=True)
class Check:
    """Units that are held, and how many of them are to be looked at."""

    id: UUID
    number: str
    order: UUID
    order_number: str
    receipt: str
    supplier_name: str
    sku: UUID
    sku_code: str
    sku_name: str
    node_code: str
    bin_code: str
    lot: str
    quantity: int
    sample: int
    defects_max: int
    why: str
    state: str
    defects: int
    passed: int
    note: str
    opened_at: datetime
    decided_by: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    id: UUID
    number: str
    order: UUID
    order_number: str
    receipt: str
    supplier_name: str
    sku: UUID
    sku_code: str
    quantity: int
    value_minor: int
    currency: str
    reason: str
    note: str
    state: str
    opened_by: str
    opened_at: datetime
    closed_by: str
    closed_at: datetime | None
    outcome: str
    agreed_minor: int
    credited_minor: int


@dataclass(frozen=True, slots=True)
class Notice:
    """What a supplier says is on its way."""

    id: UUID
    number: str
    external_ref: str
    supplier_name: str
    node_code: str
    carrier: str
    tracking: str
    expected_on: date
    state: str
    taken_at: datetime
    packages: int
    pallets: int
    units: int
    received: int


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """Units of an order line in a package of a notice; `pallet`: the number of what the package stands on."""

    pallet: str
    sscc: str
    order: UUID
    order_number: str
    line: int
    sku: UUID
    sku_code: str
    lot: str
    expires_on: date | None
    serials: list[str]
    quantity: int
    received: int


def arrivals(order: UUID) -> list[Arrived]:
    """What came for an order, the latest first. 1 statement."""
    return [Arrived(*row) for row in sql.run(_ARRIVALS, {"order": order})]


def checks(
    company: int,
    *,
    state: str = "waiting",
    order: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Check]:
    """Quality checks in a state ('': any), or of an order, the oldest first; `after` continues behind one. 1
    statement."""
    params = {"company": company, "state": state, "order": order, "after": after, "limit": limit}
    return [Check(*row) for row in sql.run(_CHECKS_OF, params)]


def claims(
    company: int,
    *,
    state: str = "open",
    order: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Claim]:
    """Claims to suppliers in a state ('': any; due: open or agreed), or of an order, the oldest first; `after`
    continues behind one. 1 statement."""
    params = {"company": company, "state": state, "order": order, "after": after, "limit": limit}
    return [Claim(*row) for row in sql.run(_CLAIMS_OF, params)]


def notices(
    company: int, *, state: str = "expected", after: UUID | None = None, limit: int = 50
) -> list[Notice]:
    """Notices in a state ('': any), what is expected first before the others; `after` continues behind one. 1
    statement."""
    params = {"company": company, "state": state, "which": None, "after": after, "limit": limit}
    return [Notice(*row) for row in sql.run(_NOTICES, params)]


def notice(company: int, which: UUID) -> Notice | None:
    """One notice. 1 statement."""
    params = {"company": company, "state": "", "which": which, "after": None, "limit": 1}
    found = sql.run(_NOTICES, params)
    return Notice(*found[0]) if found else None


class OnItsWay(NamedTuple):
    """A notice with units of one order."""

    id: UUID
    number: str
    external_ref: str
    state: str
    expected_on: date
    packages: int
    units: int
    received: int


def notices_of(order: UUID) -> list[OnItsWay]:
    """What was announced of an order, the latest first; not what a later notice replaced. 1 statement."""
    return [OnItsWay(*row) for row in sql.run(_NOTICES_OF, {"order": order})]


def announced(order: UUID) -> dict[UUID, int]:
    """Units of an order's lines that notices still expect. 1 statement."""
    return dict(sql.run(_ANNOUNCED, {"order": order}))  # type: ignore[arg-type]


class Standing(NamedTuple):
    id: UUID
    number: str
    state: str


def standing_notices(asked: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], Standing]:
    """Notices that no other replaced, by their suppliers and the suppliers' numbers; what is not known is not among
    them. 1 statement."""
    rows = sql.run(_STANDING_NOTICES, sql.columns(("suppliers", "refs"), sorted(asked)))
    return {(supplier, ref): Standing(*row) for supplier, ref, *row in rows}


def notice_lines(which: UUID) -> list[NoticeLine]:
    """What a notice says, package by package. 1 statement."""
    return [NoticeLine(*row) for row in sql.run(_NOTICE_LINES, {"notice": which})]


_STANDING_NOTICES = """
SELECT supplier_id, external_ref, id, number, state FROM purchasing_notice
WHERE (supplier_id, external_ref) IN (SELECT * FROM unnest(%(suppliers)s::uuid[], %(refs)s::text[]))
  AND state <> 'replaced'
"""

_NOTICES = """
SELECT n.id, n.number, n.external_ref, supplier.name, node.code, n.carrier, n.tracking, n.expected_on, n.state,
       n.taken_at, sums.packages, sums.pallets, sums.units, sums.received
FROM purchasing_notice AS n JOIN parties_supplier AS supplier ON supplier.id = n.supplier_id
JOIN network_node AS node ON node.id = n.node_id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT sscc) FILTER (WHERE sscc <> '') AS packages,
           count(DISTINCT pallet) FILTER (WHERE pallet <> '') AS pallets, sum(quantity)::bigint AS units,
           sum(received)::bigint AS received
    FROM purchasing_noticeline WHERE notice_id = n.id) AS sums
WHERE n.company_id = %(company)s::smallint AND %(state)s::text IN ('', n.state)
  AND (%(which)s::uuid IS NULL OR n.id = %(which)s::uuid)
  AND (%(after)s::uuid IS NULL OR (n.expected_on, n.id) >
       (SELECT last.expected_on, last.id FROM purchasing_notice AS last WHERE last.id = %(after)s::uuid))
ORDER BY n.expected_on, n.id LIMIT %(limit)s::int
"""

_NOTICES_OF = """
SELECT n.id, n.number, n.external_ref, n.state, n.expected_on,
       (count(DISTINCT l.sscc) FILTER (WHERE l.sscc <> ''))::int, sum(l.quantity)::int, sum(l.received)::int
FROM purchasing_noticeline AS l JOIN purchasing_notice AS n ON n.id = l.notice_id AND n.state <> 'replaced'
WHERE l.order_id = %(order)s::uuid GROUP BY n.id ORDER BY n.id DESC LIMIT 50
"""

_ANNOUNCED = """
SELECT l.line_id, sum(l.quantity - l.received)::int
FROM purchasing_noticeline AS l JOIN purchasing_notice AS n ON n.id = l.notice_id AND n.state = 'expected'
WHERE l.order_id = %(order)s::uuid AND l.quantity > l.received GROUP BY 1
"""

_NOTICE_LINES = """
SELECT l.pallet, l.sscc, l.order_id, bought.number, line.number, l.sku_id, s.code, l.lot, l.expires_on, l.serials,
       l.quantity, l.received
FROM purchasing_noticeline AS l JOIN purchasing_order AS bought ON bought.id = l.order_id
JOIN purchasing_orderline AS line ON line.id = l.line_id JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE l.notice_id = %(notice)s::uuid ORDER BY l.pallet, l.sscc, bought.number, line.number, l.id
"""

_ARRIVALS = """
SELECT receipt.number, received_at, bought.number, line.sku_id, sku.code, line.quantity, line.status, line.lot,
       line.expires_on,
       ARRAY(SELECT serial FROM purchasing_serial WHERE receipt_id = receipt.id AND line_id = line.id ORDER BY serial),
       line.note
FROM purchasing_receipt AS receipt JOIN purchasing_receiptline AS line ON line.receipt_id = receipt.id
JOIN purchasing_orderline AS bought ON bought.id = line.line_id JOIN catalog_sku AS sku ON sku.id = line.sku_id
WHERE receipt.order_id = %(order)s::uuid ORDER BY received_at DESC, receipt.id DESC, bought.number, line.id
"""

_CHECKS_OF = """
SELECT c.id, c.number, c.order_id, bought.number, receipt.number, supplier.name, c.sku_id, sku.code, sku.name,
       node.code, bin.code, c.lot, c.quantity, c.sample, c.defects_max, c.why, c.state, c.defects, c.passed, c.note,
       c.opened_at, c.decided_by, c.decided_at
FROM purchasing_check AS c JOIN purchasing_order AS bought ON bought.id = c.order_id
JOIN purchasing_receipt AS receipt ON receipt.id = c.receipt_id
JOIN parties_supplier AS supplier ON supplier.id = bought.supplier_id
JOIN catalog_sku AS sku ON sku.id = c.sku_id
JOIN network_node AS node ON node.id = c.node_id JOIN network_bin AS bin ON bin.id = c.bin_id
WHERE c.company_id = %(company)s::smallint AND %(state)s::text IN ('', c.state)
  AND (%(order)s::uuid IS NULL OR c.order_id = %(order)s::uuid)
  AND (%(after)s::uuid IS NULL OR (c.opened_at, c.id) >
       (SELECT last.opened_at, last.id FROM purchasing_check AS last WHERE last.id = %(after)s::uuid))
ORDER BY c.opened_at, c.id LIMIT %(limit)s::int
"""

_CLAIMS_OF = """
SELECT c.id, c.number, c.order_id, bought.number, receipt.number, supplier.name, c.sku_id, sku.code, c.quantity,
       c.value_minor, bought.currency, c.reason, c.note, c.state, c.opened_by, c.opened_at, c.closed_by, c.closed_at,
       c.outcome, c.agreed_minor, c.credited_minor
FROM purchasing_claim AS c JOIN purchasing_order AS bought ON bought.id = c.order_id
JOIN purchasing_receipt AS receipt ON receipt.id = c.receipt_id
JOIN parties_supplier AS supplier ON supplier.id = c.supplier_id JOIN catalog_sku AS sku ON sku.id = c.sku_id
WHERE c.company_id = %(company)s::smallint
  AND (%(state)s::text IN ('', c.state) OR %(state)s::text = 'due' AND c.state IN ('open', 'agreed'))
  AND (%(order)s::uuid IS NULL OR c.order_id = %(order)s::uuid)
  AND (%(after)s::uuid IS NULL OR (c.opened_at, c.id) >
       (SELECT last.opened_at, last.id FROM purchasing_claim AS last WHERE last.id = %(after)s::uuid))
ORDER BY c.opened_at, c.id LIMIT %(limit)s::int
"""
