"""Bins with what stands in them, for their page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class BinRow:
    """A bin; `kind` is what it is used for, `state` whether it is in use."""

    id: UUID
    node: UUID
    node_code: str
    zone_code: str
    code: str
    kind: str
    state: str
    pick_sequence: int
    x: int
    y: int
    units: int
    skus: int
    zone: UUID | None


def bins(
    *, company: int, node: UUID | None = None, kind: str = "", state: str = "", text: str = "",
    after: UUID | None = None, limit: int = 50, which: Sequence[UUID] | None = None,
) -> Sequence[BinRow]:  # fmt: skip
    """Bins of a company by node and code; `text` is how codes begin. 1 statement."""
    params = {
        "company": company, "node": node, "kind": kind, "state": state, "begins": _plain(text.upper()) + "%",
        "after": after, "limit": limit, "which": None if which is None else list(which),
    }  # fmt: skip
    return [BinRow(*row) for row in sql.run(_BINS, params)]


def _plain(text: str) -> str:
    """The text with LIKE's own signs taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_BINS = """
WITH page AS (
    SELECT b.id, b.node_id, n.code AS node_code, COALESCE(z.code, '') AS zone_code, b.code,
           COALESCE(NULLIF(b.was, ''), b.kind) AS kind, CASE WHEN b.was = '' THEN 'in use' ELSE b.kind END AS state,
           b.pick_sequence, b.x, b.y, b.zone_id
    FROM network_bin AS b JOIN network_node AS n ON n.id = b.node_id LEFT JOIN network_zone AS z ON z.id = b.zone_id
    WHERE b.company_id = %(company)s::smallint AND (%(which)s::uuid[] IS NULL OR b.id = ANY(%(which)s::uuid[]))
      AND (%(node)s::uuid IS NULL OR b.node_id = %(node)s::uuid)
      AND (%(kind)s::text = '' OR COALESCE(NULLIF(b.was, ''), b.kind) = %(kind)s::text)
      AND (%(state)s::text = '' OR CASE WHEN b.was = '' THEN 'in use' ELSE b.kind END = %(state)s::text)
      AND upper(b.code) LIKE %(begins)s::text
      AND (%(after)s::uuid IS NULL OR (n.code, b.code, b.id) > (
          SELECT an.code, a.code, a.id FROM network_bin AS a JOIN network_node AS an ON an.id = a.node_id
          WHERE a.id = %(after)s::uuid))
    ORDER BY n.code, b.code, b.id LIMIT %(limit)s::int
)
SELECT page.id, page.node_id, page.node_code, page.zone_code, page.code, page.kind, page.state, page.pick_sequence,
       page.x, page.y, COALESCE(held.units, 0)::bigint, COALESCE(held.skus, 0)::int, page.zone_id
FROM page LEFT JOIN LATERAL (
    SELECT sum(k.quantity) AS units, count(DISTINCT k.sku_id) AS skus FROM stock_bucket AS k
    WHERE k.bin_id = page.id AND k.quantity > 0
) AS held ON true
ORDER BY page.node_code, page.code, page.id
"""
