"""What was not in its bin, and what became of it: other bins, or back to sourcing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Units that are picked from another bin instead, or from the same once more, and on which list."""

    bin_code: str
    list_number: str
    list_id: UUID | None
    quantity: int
    state: str


@dataclass(frozen=True, slots=True)
class ShortRow:
    """A stop that found too little. Of the `missing` units some are picked `elsewhere`; the `rest` is open again for
    sourcing: of the order line `backordered` and `open` units wait now, and `promised` ones go by another way."""

    task: UUID
    order: UUID
    order_number: str
    list_number: str
    sku_code: str
    bin_code: str
    asked: int
    missing: int
    elsewhere: tuple[Elsewhere, ...]
    rest: int
    open: int
    backordered: int
    promised: int
    cancelled: int
    item: UUID | None
    item_state: str


def shorts_of(wave: UUID, *, limit: int = 200) -> list[ShortRow]:
    """The stops of a wave that found too little, the latest first. 1 statement."""
    rows = sql.run(_SHORTS, {"wave": wave, "limit": limit})
    return [ShortRow(*[*row[:8], tuple(map(_elsewhere, row[8] or ())), *row[9:]]) for row in rows]


def _elsewhere(one: dict[str, Any]) -> Elsewhere:
    which = UUID(one["list"]) if one["list"] else None
    return Elsewhere(one["bin"], one["number"], which, one["units"], one["state"])


# Who takes the place of a short task came after it, for the same line of the same fulfillment; how many units that was,
# its work item tells. Without one (none was opened, or a short before it took them) it is what those tasks ask for.
_SHORTS = """
SELECT t.id, o.id, o.number, l.number, s.code, b.code, t.quantity, t.quantity - t.picked,
       (SELECT jsonb_agg(jsonb_build_object('bin', nb.code, 'number', COALESCE(nl.number, ''), 'list', nl.id,
                                            'units', n.quantity, 'state', n.state) ORDER BY n.id)
        FROM warehouse_picktask AS n JOIN network_bin AS nb ON nb.id = n.bin_id
        LEFT JOIN warehouse_liststop AS ns ON ns.task_id = n.id LEFT JOIN warehouse_picklist AS nl ON nl.id = ns.list_id
        WHERE n.fulfillment_id = t.fulfillment_id AND n.line_id = t.line_id AND n.id > t.id AND n.sequence >= 1000
          AND NOT EXISTS (SELECT FROM warehouse_picktask AS m
                          WHERE m.fulfillment_id = t.fulfillment_id AND m.line_id = t.line_id AND m.state = 'short'
                            AND m.id > t.id AND m.id < n.id)),
       t.quantity - t.picked - COALESCE((w.facts->>'from_another_bin')::int, 0),
       d.open, d.backordered, d.allocated + d.with_supplier, d.cancelled, w.id, COALESCE(w.state, '')
FROM warehouse_picklist AS l
JOIN warehouse_liststop AS p ON p.list_id = l.id
JOIN warehouse_picktask AS t ON t.id = p.task_id AND t.state = 'short'
JOIN orders_order AS o ON o.id = t.order_id
JOIN orders_line AS d ON d.id = t.line_id
JOIN catalog_sku AS s ON s.id = t.sku_id
JOIN network_bin AS b ON b.id = t.bin_id
LEFT JOIN LATERAL (SELECT id, facts, state FROM work_item WHERE subject_id = t.id AND type = 'short pick'
                   ORDER BY opened_at DESC, id DESC LIMIT 1) AS w ON TRUE
WHERE l.wave_id = %(wave)s::uuid ORDER BY t.id DESC LIMIT %(limit)s::int
"""
