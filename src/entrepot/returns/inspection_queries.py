"""What is asked of inspections: the questions of a station, and the pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.returns import checklists, photos
from entrepot.returns.commands.left import BUCKETS, UNKNOWN


def questions(company: int, category: str, at: datetime) -> tuple[checklists.Question, ...]:
    """What is asked about goods of a category. 1 statement."""
    return policies.of_company(company, checklists.Checklists, at)[1].of(category)


def serials_left(receipt: UUID) -> list[str]:
    """The serial numbers with which units like those of a receipt left; an inspection names one. None where some
    of them left without. 1 statement."""
    rows = sql.run(_ALL_NUMBERED, {"receipt": receipt})
    return rows[0][0] or [] if rows else []


def lots_left(receipt: UUID) -> list[str]:
    """The lots of which units like those of a receipt left; an inspection may name one. 1 statement."""
    return sql.run(_ALL_LOTS, {"receipt": receipt})[0][0] or []


def left_with(serial: str, receipts: Collection[UUID]) -> set[UUID]:
    """Those of receipts with units like that which left under a serial number. 1 statement."""
    return {receipt for (receipt,) in sql.run(_LEFT_WITH, {"receipts": list(receipts), "serial": serial})}


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture as it was sent."""

    content: bytes
    type: str
    digest: str


def photo(photo_id: UUID, *, company: int) -> Photo | None:
    """A picture of a company; None where it has none of that id, or it was erased. 1 statement."""
    rows = sql.run(_PHOTO, {"id": photo_id, "company": company})
    return Photo(bytes(rows[0][0]), photos.TYPES[rows[0][1]], rows[0][2]) if rows else None


def photos_of(returns: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Pictures of returns, by return. 1 statement."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for return_id, photo_id in sql.run(_PHOTOS, {"returns": list(returns)}):
        found[return_id].append(photo_id)
    return found


def photos_of_customer(return_id: UUID) -> list[UUID]:
    """Pictures that the customer of a return sent, in that order, but for those that were erased. 1 statement."""
    return [photo_id for (photo_id,) in sql.run(_OF_CUSTOMER, {"return": return_id})]


_LEFT = f"""
FROM returns_receipt AS r
JOIN returns_line AS l ON l.id = r.return_line_id
JOIN catalog_sku AS k ON k.id = r.sku_id AND (k.lot_policy <> 'none' OR k.serial_policy <> 'none')
CROSS JOIN LATERAL ({BUCKETS}) AS m
JOIN stock_bucket AS b ON b.id = m.bucket
"""

_ALL_NUMBERED = f"""
SELECT array_agg(DISTINCT b.serial) FILTER (WHERE b.serial <> '') {_LEFT}
WHERE r.id = %(receipt)s::uuid HAVING {UNKNOWN} <= 0
"""

_ALL_LOTS = f"""
SELECT array_agg(DISTINCT b.lot) FILTER (WHERE b.lot <> '') {_LEFT} WHERE r.id = %(receipt)s::uuid
"""

_LEFT_WITH = f"""
SELECT DISTINCT r.id {_LEFT} WHERE r.id = ANY(%(receipts)s::uuid[]) AND b.serial = %(serial)s::text
"""

_OF_CUSTOMER = """
SELECT s.photo_id FROM returns_returnphoto AS s JOIN returns_photocontent AS c ON c.photo_id = s.photo_id
WHERE s.return_id = %(return)s::uuid ORDER BY s.added_at, s.photo_id
"""

_PHOTO = """
SELECT c.content, p.kind, p.digest FROM returns_photo AS p JOIN returns_photocontent AS c ON c.photo_id = p.id
WHERE p.id = %(id)s::uuid AND p.company_id = %(company)s::smallint
"""

_PHOTOS = """
SELECT DISTINCT i.return_id, s.photo_id
FROM returns_inspection AS i JOIN returns_inspectionphoto AS s ON s.inspection_id = i.id
WHERE i.return_id = ANY(%(returns)s::uuid[]) ORDER BY 1, 2
"""
