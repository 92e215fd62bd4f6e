"""What parcels of returned goods are expected, and what came that nobody announced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
    params = {"company": company, "tracking": tracking_of(tracking)}
    return [ExpectedRow(*row) for row in sql.run(_EXPECTED, params)]


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


def return_of_number(company: int, number: str) -> UUID | None:
    """The return of that number. 1 statement."""
    rows = sql.run(_OF_NUMBER, {"company": company, "number": number.strip().upper()})
    return rows[0][0] if rows else None


_EXPECTED = """
SELECT r.id, r.number, o.number, r.node_id, n.code, l.id, s.code, s.name,
       l.quantity - l.cancelled - l.missing - l.received, l.reason
FROM returns_parcel AS p
JOIN returns_return AS r ON r.id = p.return_id AND r.state IN ('authorized', 'received', 'inspected', 'disposed')
JOIN returns_line AS l ON l.return_id = r.id AND l.quantity > l.cancelled + l.missing + l.received
JOIN orders_order AS o ON o.id = r.order_id
JOIN network_node AS n ON n.id = r.node_id
JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE p.company_id = %(company)s::smallint AND p.tracking = %(tracking)s::text ORDER BY r.id, l.id
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

_OF_NUMBER = (
    "SELECT id FROM returns_return WHERE company_id = %(company)s::smallint AND number = %(number)s::text"
)
"""A number stands once in the house."""
