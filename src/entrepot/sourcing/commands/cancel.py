"""Cancel orders with all that sourcing knows of them: nothing waits for stock any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import Refused
from entrepot.orders.commands import cancel as orders
from entrepot.sourcing.commands.end_slipped import end_slipped
from entrepot.sourcing.commands.surplus import end_surplus
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@command("sourcing.cancel")
def cancel(
    cause: Cause, /, *, requests: Sequence[orders.CancelOrder]
) -> list[orders.OrderCancelled | Refused]:
    """As `orders.cancel`; backorders of what was cancelled end with it, and what is kept for the orders beyond what
    they still want is free.

    Locks, Refuses, Again: as `orders.cancel`. 6 statements more; at most 4 where a promise had slipped, and 5 where
    something is kept that nobody wants.
    """
    answers = orders.cancel(cause, requests=requests)
    forget(cause, answers)
    return answers


def forget(cause: Cause, answers: Iterable[orders.OrderCancelled | Refused]) -> None:
    """End the backorders of what was cancelled and the work about them, drop orders that are no more from the queues,
    and free what is kept for them beyond what they still want. 6 statements; at most 4 more where a promise had
    slipped, 5 where something is kept that nobody wants."""
    cancelled = [answer for answer in answers if isinstance(answer, orders.OrderCancelled)]
    ended = [row for answer in cancelled for row in answer.backordered]
    if ended:
        rows = sql.run(_END, sql.columns(("lines", "units"), ended))
        settled = [row[:2] for row in rows if not row[2]]
        offer("peg", [(sku, 5, cause.at) for row in rows for sku in row[3]])
        resolve_subjects(
            cause,
            requests=[ResolveSubject(company, "backorder", order, "cancelled") for company, order in settled],
        )
    end_slipped(cause, {answer.order: "cancelled" for answer in cancelled})
    gone = [answer.order for answer in cancelled if answer.status == "cancelled"]
    for queue in ("allocate", "release"):
        ready.drop(queue, gone)
    if cancelled:
        end_surplus(cause, orders=[answer.order for answer in cancelled])


# Of the orders touched, whether they still wait for something.
_END = """
WITH ended AS (
    SELECT b.line_id, b.order_id, b.quantity - d.units AS rest
    FROM unnest(%(lines)s::uuid[], %(units)s::int[]) AS d(line, units)
    JOIN sourcing_backorder AS b ON b.line_id = d.line
    ORDER BY b.line_id FOR UPDATE OF b
),
gone AS (DELETE FROM sourcing_backorder AS b USING ended AS e WHERE b.line_id = e.line_id AND e.rest <= 0),
less AS (
    UPDATE sourcing_backorder AS b SET quantity = e.rest FROM ended AS e WHERE b.line_id = e.line_id AND e.rest > 0
)
SELECT o.company_id::int, o.order_id, EXISTS (
    SELECT FROM sourcing_backorder AS b LEFT JOIN ended AS e ON e.line_id = b.line_id
    WHERE b.order_id = o.order_id AND (e.rest IS NULL OR e.rest > 0)), o.skus
FROM (SELECT b.company_id, b.order_id, array_agg(b.sku_id) AS skus
      FROM sourcing_backorder AS b JOIN ended AS e ON e.line_id = b.line_id GROUP BY 1, 2) AS o
"""
