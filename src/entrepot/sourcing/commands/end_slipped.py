"""End the work about slipped promises of orders that wait no longer, or for nothing late any more."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.network.destinations import promised_day
from entrepot.sourcing import pegging
from entrepot.sourcing.queries import PROMISED
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


def end_slipped(cause: Cause, orders: Mapping[UUID, str]) -> None:
    """Of orders, each with why it may be over, that neither wait for stock nor are promised what is sold ahead, and of
    those for which the rest comes in time. Called inside a command, when all else is written. 1 statement, 3 more where
    some end, and 1 where an order that has an item still waits; none for nothing."""
    if not orders:
        return
    items = sql.run(_ITEMS, {"orders": list(orders)})
    waiting = {company for company, _, waits, *_ in items if waits}
    steering = policies.of_companies(waiting, pegging.Backorders, cause.at) if waiting else {}
    over = [(company, order, orders[order]) for company, order, waits, *_ in items if not waits]
    for company, order, waits, is_undated, comes_on, *promised in items:
        if not waits or is_undated or comes_on is None:
            continue
        if not pegging.is_late(comes_on, promised_day(*promised), steering[company][1]):
            over.append((company, order, "expected in time again"))
    if over:
        resolve_subjects(
            cause,
            requests=[
                ResolveSubject(company, "slipped promise", order, reason) for company, order, reason in over
            ],
        )


STILL_SLIPPED = """
(EXISTS (SELECT FROM sourcing_backorder AS b WHERE b.order_id = w.subject_id)
 OR EXISTS (SELECT FROM stock_allocation AS a JOIN stock_preorder AS y ON y.sku_id = a.sku_id
            WHERE a.order_id = w.subject_id AND a.quantity > a.released))
"""
"""Whether the order of a work item `w` about a slipped promise still waits for something."""

COMES = """
SELECT b.line_id, b.promised_on AS comes_on FROM sourcing_backorder AS b
WHERE b.order_id = w.subject_id AND b.pegged_at IS NOT NULL
UNION ALL
SELECT a.line_id, y.ships_on FROM stock_allocation AS a JOIN stock_preorder AS y ON y.sku_id = a.sku_id
WHERE a.order_id = w.subject_id AND a.quantity > a.released AND y.ships_on IS NOT NULL
"""
"""The lines for which the order of a work item `w` still waits, and the day on which each comes."""

# What nobody has dated yet is looked at when it is.
IS_UNDATED = """
EXISTS (SELECT FROM sourcing_backorder AS b WHERE b.order_id = w.subject_id AND b.pegged_at IS NULL)
"""

_ITEMS = f"""
SELECT w.company_id::int, w.subject_id, {STILL_SLIPPED},
       {IS_UNDATED}, (SELECT max(comes_on) FROM ({COMES}) AS each), {PROMISED}
FROM work_item AS w JOIN orders_order AS o ON o.id = w.subject_id
WHERE w.subject_id = ANY(%(orders)s::uuid[]) AND w.type = 'slipped promise' AND w.state <> 'done'
"""
