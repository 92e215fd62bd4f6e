"""Split and merge orders with all that sourcing knows of them: what waits for stock goes along, in its turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import Refused
from entrepot.orders.commands import merge as merging
from entrepot.orders.commands import split as splitting
from entrepot.sourcing.commands.end_slipped import STILL_SLIPPED, end_slipped
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@command("sourcing.split")
def split(
    cause: Cause, /, *, requests: Sequence[splitting.SplitOrder]
) -> list[splitting.OrderSplit | Refused]:
    """As `orders.split`; backorders, and nodes that are not asked again, go with the units.

    Locks, Refuses, Again: as `orders.split`. 2 statements more; 4 where nodes gave lines back, 6 where
    units wait for stock, and at most 10 more where a promise had slipped.
    """
    answers = splitting.split(cause, requests=requests)
    done = [one for one in answers if isinstance(one, splitting.OrderSplit)]
    parts = [
        _Part(old, new, one.order, one.new_order, units) for one in done for old, new, units in one.parts
    ]
    if parts:
        _carry(cause, parts)
    return answers


@command("sourcing.merge")
def merge(
    cause: Cause, /, *, requests: Sequence[merging.MergeOrders]
) -> list[merging.OrdersMerged | Refused]:
    """As `orders.merge`; what waits for stock waits on under the one order.

    Locks, Refuses, Again: as `orders.merge`. 3 statements more; 3 where work about them is open.
    """
    answers = merging.merge(cause, requests=requests)
    pairs = [
        (order, one.order) for one in answers if isinstance(one, merging.OrdersMerged) for order in one.merged
    ]
    if pairs:
        params = sql.columns(("orders", "intos"), pairs)
        sql.change(_MERGE, params)
        sql.change(_MERGE_REJECTIONS, params)
        _carry_items(cause, dict(pairs), "merged")
    return answers


class _Part(NamedTuple):
    line: UUID
    new_line: UUID
    order: UUID
    new_order: UUID
    units: int  # that wait for stock


def _carry(cause: Cause, parts: Sequence[_Part]) -> None:
    waiting = [part for part in parts if part.units]
    if waiting:
        rows = sql.run(_SPLIT, sql.columns(_Part._fields, waiting))
        offer("peg", [(sku, 5, cause.at) for (sku,) in rows])
    rejected = sql.run(_REJECTED, sql.columns(_Part._fields, parts))
    if rejected:
        sql.change(_GIVE_REJECTIONS, sql.columns(_Part._fields, parts))
        sql.write("sourcing_rejection", _REJECTION, [(ids.uuid7(), *row) for row in rejected])
    if waiting:
        _carry_items(cause, {one.order: one.new_order for one in waiting}, "split", ["backorder"])
    carried = _carry_items(cause, {one.order: one.new_order for one in parts}, "split", ["slipped promise"])
    end_slipped(cause, dict.fromkeys(carried, "split"))


def _carry_items(
    cause: Cause, to: Mapping[UUID, UUID], why: str, types: Sequence[str] | None = None
) -> set[UUID]:
    """Work about an order, as far as it is about what went, is work about the order that it went to. The orders on both
    sides that had some."""
    found = [_Item(*row) for row in sql.run(_ITEMS, {"orders": list(to), "types": types})]
    if not found:
        return set()
    wanted = [
        OpenItem(
            company=one.company, type=one.type, subject_kind="order", subject=to[one.order], reason=one.reason,
            role=one.role, facts=one.facts, priority=one.priority, due_in_hours=one.hours, occurred_at=one.opened_at,
        )
        for one in found
    ]  # fmt: skip
    open_items(cause, requests=wanted)
    over = [ResolveSubject(one.company, one.type, one.order, why) for one in found if not one.still_waits]
    if over:
        resolve_subjects(cause, requests=over)
    return {order for one in found for order in (one.order, to[one.order])}


class _Item(NamedTuple):
    company: int
    type: str
    order: UUID
    reason: str
    role: str
    facts: Any
    priority: int
    hours: int
    opened_at: datetime
    still_waits: bool


# A line that went whole waits under its own key; of one that was cut, a part waits under a new one.
_PARTS = """
unnest(%(line)s::uuid[], %(new_line)s::uuid[], %(order)s::uuid[], %(new_order)s::uuid[], %(units)s::int[])
    AS d(line, new_line, order_id, new_order, units)
"""

_SPLIT = f"""
WITH given AS (
    UPDATE sourcing_backorder AS b SET order_id = d.new_order FROM {_PARTS}
    WHERE b.line_id = d.line AND d.line = d.new_line RETURNING b.sku_id
), less AS (
    UPDATE sourcing_backorder AS b SET quantity = b.quantity - d.units FROM {_PARTS}
    WHERE b.line_id = d.line AND d.line <> d.new_line AND b.quantity > d.units
), gone AS (
    DELETE FROM sourcing_backorder AS b USING {_PARTS}
    WHERE b.line_id = d.line AND d.line <> d.new_line AND b.quantity = d.units
), fresh AS (
    INSERT INTO sourcing_backorder (line_id, company_id, order_id, sku_id, quantity, promised_on, priority, ordered_at)
    SELECT d.new_line, b.company_id, d.new_order, b.sku_id, d.units, b.promised_on, b.priority, b.ordered_at
    FROM {_PARTS} JOIN sourcing_backorder AS b ON b.line_id = d.line WHERE d.line <> d.new_line
    RETURNING sku_id
)
SELECT sku_id FROM given UNION SELECT sku_id FROM fresh
"""

_REJECTED = f"""
SELECT r.company_id::int, d.new_order, d.new_line, r.node_id, r.quantity, r.reason, r.rejected_at
FROM {_PARTS} JOIN sourcing_rejection AS r ON r.line_id = d.line AND r.order_id = d.order_id
WHERE r.cleared_at IS NULL ORDER BY r.rejected_at, r.id
"""

_GIVE_REJECTIONS = f"""
DELETE FROM sourcing_rejection AS r USING {_PARTS}
WHERE r.line_id = d.line AND r.order_id = d.order_id AND d.line = d.new_line AND r.cleared_at IS NULL
"""

_REJECTION = ("id", "company_id", "order_id", "line_id", "node_id", "quantity", "reason", "rejected_at")

_PAIRS = "unnest(%(orders)s::uuid[], %(intos)s::uuid[]) AS d(id, into_order)"

_MERGE = f"""
UPDATE sourcing_backorder AS b SET order_id = d.into_order FROM {_PAIRS} WHERE b.order_id = d.id
"""

_MERGE_REJECTIONS = f"""
UPDATE sourcing_rejection AS r SET order_id = d.into_order FROM {_PAIRS}
WHERE r.order_id = d.id AND r.cleared_at IS NULL
"""

_ITEMS = f"""
SELECT w.company_id::int, w.type, w.subject_id, w.reason, w.role, w.facts, w.priority,
       (EXTRACT(epoch FROM w.due_at - w.opened_at) / 3600)::int, w.opened_at,
       CASE w.type WHEN 'slipped promise' THEN {STILL_SLIPPED}
           ELSE EXISTS (SELECT FROM sourcing_backorder AS b WHERE b.order_id = w.subject_id) END
FROM work_item AS w
WHERE w.subject_id = ANY(%(orders)s::uuid[]) AND w.state <> 'done' AND w.kind = 'exception'
  AND (%(types)s::text[] IS NULL OR w.type = ANY(%(types)s::text[]))
ORDER BY w.id
"""
