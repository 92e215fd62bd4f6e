"""What is asked of landed costs: the bills, and where each minor unit of them went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class LandedCost:
    """A bill for bringing goods here; what of it stock bears, and what the cost of sales."""

    id: UUID
    number: str
    kind: str
    payee: str
    external_id: str
    basis: str
    amount_minor: int
    stock_minor: int
    gone_minor: int
    lines: int
    landed_by: str
    landed_at: datetime


@dataclass(frozen=True, slots=True)
class LandedPart:
    """What a line of a receipt bears of a bill: `on_hand` of its units were still there."""

    receipt: UUID
    receipt_number: str
    sku: UUID
    sku_code: str
    quantity: int
    on_hand: int
    amount_minor: int
    stock_minor: int
    gone_minor: int


def costs(company: int, *, after: UUID | None = None, limit: int = 50) -> list[LandedCost]:
    """Bills, the latest first, behind the bill `after`."""
    params = {"company": company, "after": after, "limit": limit}
    return [LandedCost(*row) for row in sql.run(_COSTS, params)]


def parts(company: int, cost: UUID) -> list[LandedPart]:
    """The parts of a bill, the receipts in their order."""
    return [LandedPart(*row) for row in sql.run(_PARTS, {"company": company, "cost": cost})]


def receipts_named(company: int, numbers: list[str]) -> dict[str, UUID]:
    """Receipts by their numbers."""
    return dict(sql.run(_NAMED, {"company": company, "numbers": numbers}))  # type: ignore[arg-type]


_COSTS = """
SELECT c.id, c.number, c.kind, c.payee, c.external_id, c.basis, c.amount_minor, p.stock, p.gone, p.lines, c.landed_by,
       c.landed_at
FROM purchasing_landedcost AS c
CROSS JOIN LATERAL (SELECT sum(stock_minor)::bigint AS stock, sum(gone_minor)::bigint AS gone, count(*)::int AS lines
                    FROM purchasing_landedpart WHERE cost_id = c.id) AS p
WHERE c.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR c.id < %(after)s::uuid)
ORDER BY c.id DESC LIMIT %(limit)s::int
"""

_PARTS = """
SELECT p.receipt_id, receipt.number, p.sku_id, sku.code, p.quantity, p.on_hand, p.amount_minor, p.stock_minor,
       p.gone_minor
FROM purchasing_landedpart AS p JOIN purchasing_landedcost AS c ON c.id = p.cost_id
JOIN purchasing_receipt AS receipt ON receipt.id = p.receipt_id JOIN catalog_sku AS sku ON sku.id = p.sku_id
WHERE p.cost_id = %(cost)s::uuid AND c.company_id = %(company)s::smallint ORDER BY receipt.number, sku.code, p.line_id
"""

_NAMED = """
SELECT number, id FROM purchasing_receipt
WHERE company_id = %(company)s::smallint AND number = ANY(%(numbers)s::text[])
"""
