"""End the work about slipped promises of orders that wait no longer."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


def end_slipped(cause: Cause, orders: Collection[UUID], why: str) -> None:
    """Of orders that neither wait for stock nor are promised what is sold ahead. Called inside a command, when all else
    is written. 1 statement, 3 more where some end; none for nothing."""
    if not orders:
        return
    over = sql.run(_OVER, {"orders": list(orders)})
    if over:
        resolve_subjects(
            cause,
            requests=[ResolveSubject(company, "slipped promise", order, why) for company, order in over],
        )


STILL_SLIPPED = """
(EXISTS (SELECT FROM sourcing_backorder AS b WHERE b.order_id = w.subject_id)
 OR EXISTS (SELECT FROM stock_allocation AS a JOIN stock_preorder AS y ON y.sku_id = a.sku_id
            WHERE a.order_id = w.subject_id AND a.quantity > a.released))
"""
"""Whether the order of a work item `w` about a slipped promise still waits for something."""

_OVER = f"""
SELECT w.company_id::int, w.subject_id FROM work_item AS w
WHERE w.subject_id = ANY(%(orders)s::uuid[]) AND w.type = 'slipped promise' AND w.state <> 'done'
  AND NOT {STILL_SLIPPED}
"""
