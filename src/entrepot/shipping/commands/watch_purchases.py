"""Nothing stalls in silence: labels that were asked for and that no adapter has answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.shipping.commands.end_doubts import NOT_ANSWERED
from entrepot.work.commands.open_items import OpenItem, open_items

ANSWERED_WITHIN = timedelta(minutes=30)
"""An adapter answers in seconds; a parcel whose label comes later than this misses its collection."""

TOLD_FOR = timedelta(days=30)
"""What was asked for longer ago has long left or was given up, and no carrier takes its label back."""


@dataclass(frozen=True, slots=True)
class WatchPurchases:
    """The labels that a company has asked for."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PurchasesWatched:
    """How many labels wait for their answer for too long."""

    company: int
    labels: int


@command("shipping.watch_purchases")
def watch_purchases(
    cause: Cause, /, *, requests: Sequence[WatchPurchases]
) -> list[PurchasesWatched | Refused]:
    """A work item for each shipment of which a label was asked for half an hour to 30 days ago and was not answered. It
    ends when the label is answered for, or voided and not asked for any more: it may be sold still.

    Locks nothing. Refuses nothing. Again: an item stands once. 1 statement, 2 more where some wait.
    """
    params = {
        "companies": sorted({one.company for one in requests}),
        "after": cause.at - TOLD_FOR,
        "before": cause.at - ANSWERED_WITHIN,
    }
    found: dict[int, dict[UUID, OpenItem]] = defaultdict(dict)
    counts: dict[int, int] = defaultdict(int)
    for company, shipment, number, source, asked_at, error in sql.run(_UNANSWERED, params):
        counts[company] += 1
        reason = Said(
            "{0} has not answered for the label of {1}, asked for at {2}: {3}",
            source,
            number,
            f"{asked_at:%Y-%m-%d %H:%M} UTC",
            error or "-",
        )
        found[company][shipment] = OpenItem(
            company, NOT_ANSWERED, "shipment", shipment, reason, "warehouse supervisor", {"source": source}
        )
    open_items(cause, requests=[one for items in found.values() for one in items.values()])
    return [PurchasesWatched(one.company, counts[one.company]) for one in requests]


# The latest message about it, whatever became of that: one that was given up stalls the label for good.
_UNANSWERED = """
SELECT p.company_id::int, p.shipment_id, COALESCE(h.number, c.number), p.source, d.created_at, d.last_error
FROM shipping_purchase AS p
LEFT JOIN shipping_shipment AS h ON h.id = p.shipment_id
LEFT JOIN shipping_consignment AS c ON c.id = p.shipment_id
JOIN LATERAL (SELECT created_at, last_error FROM kernel_delivery AS d
              WHERE d.subject_id = p.label_id AND d.topic = 'carrier.buy' ORDER BY d.id DESC LIMIT 1) AS d ON TRUE
WHERE p.company_id = ANY(%(companies)s::smallint[]) AND p.state = 'asked'
  AND d.created_at >= %(after)s::timestamptz AND d.created_at < %(before)s::timestamptz
ORDER BY p.label_id
"""
