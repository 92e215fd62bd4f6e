"""The cartons that a retailer registered, for those who keep them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ids, sql


@dataclass(frozen=True, slots=True)
class CartonRow:
    """A carton that was registered, in use or not, with how often it was packed in the last days, voided ones too."""

    id: UUID
    code: str
    length_mm: int
    width_mm: int
    height_mm: int
    max_weight_g: int
    tare_g: int
    cost_minor: int
    active: bool
    outer_length_mm: int
    outer_width_mm: int
    outer_height_mm: int
    packed: int


def registered(*, company: int, since: datetime) -> list[CartonRow]:
    """The cartons of a company by code, those in use first. 1 statement."""
    return [CartonRow(*row) for row in sql.run(_REGISTERED, {"company": company, "since": ids.since(since)})]


# The keys of packages sort by the time they were made, so that only those of late are read.
_REGISTERED = """
SELECT c.id, c.code, c.length_mm, c.width_mm, c.height_mm, c.max_weight_g, c.tare_g, c.cost_minor, c.active,
       c.outer_length_mm, c.outer_width_mm, c.outer_height_mm,
       COALESCE(p.packed, 0)::int
FROM warehouse_carton AS c
LEFT JOIN (SELECT carton, count(*) AS packed FROM warehouse_package
           WHERE id >= %(since)s::uuid AND company_id = %(company)s::smallint GROUP BY 1) AS p ON p.carton = c.code
WHERE c.company_id = %(company)s::smallint ORDER BY NOT c.active, c.code
"""
