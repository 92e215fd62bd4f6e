"""How long stock has been lying, and what of it expires when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.stock import rules

EDGES = (30, 60, 90, 180, 365)
"""Days at which the spans of age end; the last span is without an end."""


@dataclass(frozen=True, slots=True)
class AgedSku:
    """A SKU's units of all nodes and on their way, by span of age; `days` is how long the oldest has been lying."""

    sku: UUID
    sku_code: str
    sku_name: str
    units: int
    value_minor: int
    days: int
    spans: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """What of a company's stock has been lying for at least `from_days` and less than `to_days`; None: for any time."""

    from_days: int
    to_days: int | None
    skus: int
    units: int
    value_minor: int


def aged(*, company: int, at: datetime) -> list[AgedSku]:
    """All SKUs that are in stock, the longest lying first. 1 statement.

    What came last from outside (bought, returned, found) is taken to be there still: first in, first out. Only the last
    50 receipts of a SKU are looked at; what is older is as old as the first of them.
    """
    found = []
    for sku, code, name, units, value, days, received in sql.run(_AGED, {"company": company, "at": at}):
        layers = rules.layers(units, list(zip(days or (), received or (), strict=True)))
        spans = rules.by_age(layers, EDGES)
        found.append(AgedSku(sku, code, name, units, value, max(age for age, _ in layers), tuple(spans)))
    return sorted(found, key=lambda one: (-one.days, one.sku_code))


def spans(skus: Sequence[AgedSku]) -> list[Span]:
    """The sums of SKUs by span of age. A SKU's value is shared by its units."""
    shares = [rules.shares(one.value_minor, one.spans) for one in skus]
    edges = (0, *EDGES)
    return [
        Span(
            edge, edges[n + 1] if n + 1 < len(edges) else None, sum(bool(one.spans[n]) for one in skus),
            sum(one.spans[n] for one in skus), sum(share[n] for share in shares),
        )
        for n, edge in enumerate(edges)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expiring:
    """A lot in a bin, with its last day. `claimed` units are on their way to a picker."""

    sku: UUID
    sku_code: str
    sku_name: str
    node_code: str
    bin_code: str
    lot: str
    status: str
    expires_on: date
    units: int
    claimed: int
    value_minor: int


def expiring(*, company: int, until: date, limit: int = 200) -> list[Expiring]:
    """Lots that expire up to a day or have expired, and are sellable still, the first to expire first. 1 statement."""
    params = {"company": company, "until": until, "limit": limit}
    return [Expiring(*row) for row in sql.run(_EXPIRING, params)]


_AGED = """
SELECT s.id, s.code, s.name, h.units,
       COALESCE((SELECT sum(v.value_minor) FROM ledger_valuation AS v
                 WHERE v.company_id = %(company)s::smallint AND v.sku_id = s.id), 0)::bigint,
       r.days, r.units
FROM (SELECT sku_id, sum(quantity)::int AS units FROM stock_bucket
      WHERE company_id = %(company)s::smallint AND quantity > 0 GROUP BY 1) AS h
JOIN catalog_sku AS s ON s.id = h.sku_id
CROSS JOIN LATERAL (
    SELECT array_agg(m.days ORDER BY m.days) AS days, array_agg(m.quantity ORDER BY m.days) AS units
    FROM (SELECT GREATEST(0, (%(at)s::timestamptz)::date - m.occurred_at::date) AS days, m.quantity
          FROM stock_move AS m WHERE m.sku_id = s.id AND m.from_place <> 'node' ORDER BY m.id DESC LIMIT 50) AS m) AS r
"""

_EXPIRING = """
SELECT s.id, s.code, s.name, n.code, b.code, k.lot, k.status, k.expires_on, k.quantity, k.committed,
       round(k.quantity * COALESCE(v.value_minor::numeric / NULLIF(v.quantity, 0), 0))::bigint
FROM stock_bucket AS k JOIN catalog_sku AS s ON s.id = k.sku_id JOIN network_node AS n ON n.id = k.node_id
JOIN network_bin AS b ON b.id = k.bin_id
LEFT JOIN ledger_valuation AS v ON v.company_id = k.company_id AND v.sku_id = k.sku_id AND v.node_id = k.node_id
 AND v.pool = 'stock'
WHERE k.company_id = %(company)s::smallint AND k.status = 'sellable' AND k.expires_on <= %(until)s::date
  AND k.quantity > 0
ORDER BY k.expires_on, s.code, n.code, b.code, k.lot LIMIT %(limit)s::int
"""
