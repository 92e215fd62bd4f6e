"""What comes is counted off what was announced. Part of `receive`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.events import Event
from entrepot.purchasing.confirming import Announced, count_off
from entrepot.purchasing.rules import Part


def count_notices(cause: Cause, parts: Sequence[Part]) -> None:
    """Units received, taken off the notices that announced them; a notice of which all came is received. 1 statement; 2
    more where something was announced."""
    rows = sql.run(_LOCK, {"lines": list({part.line for part in parts})})
    announced = [Announced(*row) for row in rows]
    if not announced:
        return
    for part in parts:
        count_off(announced, part.line, part.quantity, part.lot, part.sscc)
    counts = [(one.id, one.received) for one in announced]
    sql.run(_COUNT, sql.columns(("ids", "received"), counts))
    done = sql.run(_DONE, {"ids": list({one.notice for one in announced}), "at": cause.at})
    announce(cause, [Event("notice", notice, company, "expected", "received") for notice, company in done])


@dataclass(slots=True)
class PackageLine:
    """What a package should hold of an order line and has not given yet; `received` moves on while a batch is decided.
    `pallet`: the number of what it stands on. `came_by_number`: some of it came already, and there is a plate of that
    number."""

    id: UUID
    sscc: str
    pallet: str
    notice: str
    node: UUID
    order: UUID
    order_number: str
    line: UUID
    sku: UUID
    sku_code: str
    quantity: int
    received: int
    lot: str
    expires_on: date | None
    serials: list[str]
    is_expected: bool
    came_by_number: bool

    @property
    def to_come(self) -> int:
        return self.quantity - self.received if self.is_expected else 0


def packages(company_of: dict[str, int]) -> dict[str, list[PackageLine]]:
    """What was announced of packages and on pallets, by their SSCC; of notices still expected first. A line of a carton
    and of its pallet is the same. 1 statement."""
    found: dict[str, list[PackageLine]] = {}
    lines: dict[UUID, PackageLine] = {}
    columns = sql.columns(("packages", "companies"), sorted(company_of.items()))
    for asked, *row in sql.run(_PACKAGES, columns) if company_of else ():
        found.setdefault(asked, []).append(lines.setdefault(row[0], PackageLine(*row)))
    return found


_LOCK = """
SELECT l.id, l.notice_id, l.line_id, l.sscc, l.lot, l.quantity, l.received
FROM purchasing_noticeline AS l JOIN purchasing_notice AS n ON n.id = l.notice_id AND n.state = 'expected'
WHERE l.line_id = ANY(%(lines)s::uuid[]) AND l.quantity > l.received
ORDER BY n.expected_on, l.id FOR UPDATE OF l
"""

_COUNT = """
UPDATE purchasing_noticeline AS l SET received = d.received
FROM unnest(%(ids)s::uuid[], %(received)s::int[]) AS d(id, received) WHERE l.id = d.id
"""

_DONE = """
UPDATE purchasing_notice AS n SET state = 'received', closed_at = %(at)s::timestamptz
WHERE n.id = ANY(%(ids)s::uuid[]) AND n.state = 'expected'
  AND NOT EXISTS (SELECT FROM purchasing_noticeline AS l WHERE l.notice_id = n.id AND l.quantity > l.received)
RETURNING n.id, n.company_id::int
"""

_PACKAGES = """
SELECT asked.sscc, l.id, l.sscc, l.pallet, n.number, n.node_id, l.order_id, bought.number, l.line_id, l.sku_id, s.code,
       l.quantity, l.received, l.lot, l.expires_on, l.serials, n.state = 'expected',
       l.received > 0 AND EXISTS (SELECT FROM stock_plate AS p WHERE p.company_id = asked.company AND p.number = l.sscc)
FROM unnest(%(packages)s::text[], %(companies)s::smallint[]) AS asked(sscc, company)
CROSS JOIN LATERAL (
    SELECT id FROM purchasing_noticeline WHERE sscc = asked.sscc AND sscc <> '' AND company_id = asked.company
    UNION ALL
    SELECT id FROM purchasing_noticeline WHERE pallet = asked.sscc AND pallet <> '' AND company_id = asked.company
) AS either
JOIN purchasing_noticeline AS l ON l.id = either.id
JOIN purchasing_notice AS n ON n.id = l.notice_id JOIN purchasing_order AS bought ON bought.id = l.order_id
JOIN catalog_sku AS s ON s.id = l.sku_id
ORDER BY asked.sscc, n.state = 'expected' DESC, n.taken_at, l.id
"""
