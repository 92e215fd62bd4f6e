"""What parcels of returned goods are expected, and what came that nobody announced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns.commands.announce import tracking_of


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """Units of a return's line that are expected in a parcel."""

    return_id: UUID
    number: str
    order_number: str
    node: UUID
    node_code: str
    line: UUID
    sku_code: str
    name: str
    units: int
    reason: str


def expected(company: int, tracking: str) -> list[ExpectedRow]:
    """What is still expected in the parcel of a number. 1 statement."""
    return [ExpectedRow(*row) for row in sql.run(_EXPECTED, meant_by([(company, tracking)]))]


class MeantRow(NamedTuple):
    """A return that a number on a parcel means; `came_at` and `received_by` are those of what came of it last."""

    id: UUID
    number: str
    state: str
    came_at: datetime | None
    received_by: str


def meant(company: int, tracking: str) -> list[MeantRow]:
    """The returns that a number means, whether or not something of them is to come. 1 statement."""
    return [MeantRow(*row) for row in sql.run(_MEANT, meant_by([(company, tracking)]))]


def meant_by(numbers: Iterable[tuple[int, str]]) -> dict[str, list[Any]]:
    """The parameters of `MEANT` for numbers as they were read."""
    rows = {(company, tracking_of(text), text.strip()) for company, text in numbers if text.strip()}
    return sql.columns(("companies", "trackings", "said"), sorted(rows))


def trackings(return_id: UUID) -> list[str]:
    """The numbers of the parcels that a return was announced in, the latest first. 1 statement."""
    return [tracking for (tracking,) in sql.run(_TRACKINGS, {"id": return_id})]


def is_scanned(return_id: UUID) -> bool:
    """Whether a carrier has told of a parcel of the return. 1 statement."""
    return bool(sql.run(_SCANNED, {"id": return_id}))


@dataclass(frozen=True, slots=True)
class StrayRow:
    """Goods that nobody announced, and where they are."""

    id: UUID
    node: str
    bin: str
    tracking: str
    sku_code: str
    said: str
    quantity: int
    lot: str
    serial: str
    condition: str
    why: str
    state: str
    return_id: UUID | None
    reason: str
    received_by: str
    received_at: datetime


def strays(company: int, *, state: str = "open", limit: int = 100) -> list[StrayRow]:
    """Strays in a state, what waits longest first. 1 statement."""
    params = {"company": company, "state": state, "limit": limit}
    return [StrayRow(*row) for row in sql.run(_STRAYS, params)]


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A return that a stray may belong to, and what speaks for it: `number` of the parcel or slip, `serial`, `sku`."""

    stray: UUID
    return_id: UUID
    number: str
    order_number: str
    why: str


def candidates(company: int, strays: Sequence[UUID]) -> dict[UUID, list[CandidateRow]]:
    """The returns that strays may belong to, five of each at most, the likeliest first: such as could take them in. 1
    statement, none for none."""
    rows = sql.run(_CANDIDATES, {"company": company, "ids": list(strays)}) if strays else []
    found: dict[UUID, list[CandidateRow]] = {one: [] for one in strays}
    for row in rows:
        found[row[0]].append(CandidateRow(*row))
    return found


def return_of_number(company: int, number: str) -> UUID | None:
    """The return of that number. 1 statement."""
    rows = sql.run(_OF_NUMBER, {"company": company, "number": number.strip().upper()})
    return rows[0][0] if rows else None


# What is only meant by its order has to be open: an order that came back whole may come back no more.
MEANT = """
meant AS (
    WITH d AS (SELECT * FROM unnest(%(companies)s::smallint[], %(trackings)s::text[], %(said)s::text[])
               AS d(company, tracking, said))
    SELECT d.company, d.tracking, p.return_id
    FROM d JOIN returns_parcel AS p ON p.company_id = d.company AND p.tracking = d.tracking
    UNION
    SELECT d.company, d.tracking, r.id
    FROM d JOIN returns_return AS r ON r.number = d.tracking AND r.company_id = d.company AND r.asked <> 'keep'
    UNION
    SELECT d.company, d.tracking, m.return_id
    FROM d JOIN returns_return AS r ON r.number = d.tracking AND r.company_id = d.company
    JOIN returns_labelreturn AS o ON o.return_id = r.id AND o.lives
    JOIN returns_labelreturn AS m ON m.label_id = o.label_id AND m.lives
    UNION
    SELECT d.company, d.tracking, r.id
    FROM d JOIN orders_order AS o ON o.number = d.tracking AND o.company_id = d.company
    JOIN returns_return AS r ON r.order_id = o.id AND r.asked <> 'keep'
     AND r.state IN ('authorized', 'received', 'inspected', 'disposed')
    UNION
    SELECT d.company, d.tracking, r.id
    FROM d JOIN network_channel AS c ON c.company_id = d.company
    JOIN orders_order AS o ON o.company_id = d.company AND o.channel_id = c.id AND o.external_id = d.said
    JOIN returns_return AS r ON r.order_id = o.id AND r.asked <> 'keep'
     AND r.state IN ('authorized', 'received', 'inspected', 'disposed'))
"""
"""The returns that a number on a parcel, or on the slip in it, means: the carrier's, the return's with those that its
label is for as well, or an order's."""

_MEANT = f"""
WITH {MEANT}
SELECT r.id, r.number, r.state, x.received_at, COALESCE(x.received_by, '')
FROM meant AS m JOIN returns_return AS r ON r.id = m.return_id
LEFT JOIN LATERAL (SELECT received_at, received_by FROM returns_receipt WHERE return_id = r.id
                   ORDER BY id DESC LIMIT 1) AS x ON TRUE
ORDER BY r.id DESC LIMIT 20
"""

_EXPECTED = f"""
WITH {MEANT}
SELECT r.id, r.number, o.number, r.node_id, n.code, l.id, s.code, s.name,
       l.quantity - l.cancelled - l.missing - l.received, l.reason
FROM meant AS m
JOIN returns_return AS r ON r.id = m.return_id AND r.state IN ('authorized', 'received', 'inspected', 'disposed')
JOIN returns_line AS l ON l.return_id = r.id AND l.quantity > l.cancelled + l.missing + l.received
JOIN orders_order AS o ON o.id = r.order_id
JOIN network_node AS n ON n.id = r.node_id
JOIN catalog_sku AS s ON s.id = l.sku_id
ORDER BY r.id, l.id
"""

_TRACKINGS = """
SELECT tracking FROM returns_parcel WHERE return_id = %(id)s::uuid ORDER BY announced_at DESC, tracking
"""

_SCANNED = """
SELECT 1 FROM returns_parcel WHERE return_id = %(id)s::uuid AND scanned_at IS NOT NULL LIMIT 1
"""

_STRAYS = """
SELECT t.id, n.code, b.code, t.tracking, COALESCE(s.code, ''), t.said, t.quantity, t.lot, t.serial, t.condition, t.why,
       t.state, t.return_id, t.reason, t.received_by, t.received_at
FROM returns_stray AS t
JOIN network_node AS n ON n.id = t.node_id
JOIN network_bin AS b ON b.id = t.bin_id
LEFT JOIN catalog_sku AS s ON s.id = t.sku_id
WHERE t.company_id = %(company)s::smallint AND t.state = %(state)s::text
ORDER BY t.received_at, t.id LIMIT %(limit)s::int
"""

_CANDIDATES = """
WITH s AS (
    SELECT id, sku_id, serial, tracking FROM returns_stray
    WHERE company_id = %(company)s::smallint AND id = ANY(%(ids)s::uuid[])
), told AS (
    SELECT s.id AS stray, p.return_id, 1 AS rank, 'number' AS why FROM s
    JOIN returns_parcel AS p ON p.company_id = %(company)s::smallint AND p.tracking = s.tracking
    UNION ALL
    SELECT s.id, r.id, 1, 'number' FROM s
    JOIN returns_return AS r ON r.number = s.tracking
    UNION ALL
    SELECT s.id, r.id, 1, 'number' FROM s
    JOIN orders_order AS o ON o.company_id = %(company)s::smallint AND o.number = s.tracking
    JOIN returns_return AS r ON r.order_id = o.id
    UNION ALL
    SELECT s.id, r.id, 2, 'serial' FROM s
    JOIN warehouse_packedserial AS k ON k.sku_id = s.sku_id AND k.serial = s.serial AND s.serial <> ''
    JOIN warehouse_fulfillment AS f ON f.id = k.fulfillment_id
    JOIN returns_return AS r ON r.order_id = f.order_id
    UNION ALL
    SELECT s.id, l.return_id, 3, 'sku' FROM s
    JOIN returns_line AS l ON l.sku_id = s.sku_id
    JOIN returns_return AS r ON r.id = l.return_id AND r.state = 'authorized'
), fit AS (
    SELECT DISTINCT ON (t.stray, r.id) t.stray, r.id, r.number, o.number AS order_number, t.why, t.rank
    FROM told AS t JOIN s ON s.id = t.stray
    JOIN returns_return AS r ON r.id = t.return_id AND r.company_id = %(company)s::smallint AND r.asked <> 'keep'
     AND r.state IN ('authorized', 'received', 'inspected', 'disposed')
    JOIN orders_order AS o ON o.id = r.order_id
    WHERE EXISTS (SELECT FROM returns_line AS l WHERE l.return_id = r.id AND (s.sku_id IS NULL OR l.sku_id = s.sku_id)
                  AND l.quantity > l.cancelled + l.missing + l.received)
    ORDER BY t.stray, r.id, t.rank)
SELECT stray, id, number, order_number, why
FROM (SELECT *, row_number() OVER (PARTITION BY stray ORDER BY rank, id DESC) AS place FROM fit) AS x
WHERE place <= 5 ORDER BY stray, place
"""

_OF_NUMBER = (
    "SELECT id FROM returns_return WHERE company_id = %(company)s::smallint AND number = %(number)s::text"
)
"""A number stands once in the house."""
