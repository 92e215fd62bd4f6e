"""Nothing stalls in silence: what should have come by now, from a supplier or another node, becomes a work item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import resolve_others

OVERDUE = {"purchase_order": "purchase order overdue", "transfer": "transfer overdue"}
"""The type of the work item by the kind of the document."""


@dataclass(frozen=True, slots=True)
class WatchArrivals:
    """Look at what is expected for a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ArrivalsWatched:
    """How many purchase orders and transfers are past their day, and how many were that are not any more."""

    company: int
    late: int
    ended: int


class _Late(NamedTuple):
    """A document of which units were expected before today."""

    company: int
    kind: str
    document: UUID
    number: str
    whence: str
    units: int
    since: date


@command("purchasing.watch_arrivals")
def watch_arrivals(cause: Cause, /, *, requests: Sequence[WatchArrivals]) -> list[ArrivalsWatched | Refused]:
    """A work item for each purchase order and each transfer of which something should have come before today: for a
    buyer, or for the node that waits. Items about what came, or is expected on a later day now, are closed.

    Refuses nothing. Again: an item stands once. 2 statements; 2 more where some are late, 2 where some are over.
    """
    companies = list({one.company for one in requests})
    late = [_Late(*row) for row in sql.run(_LATE, {"companies": companies, "today": cause.at.date()})]
    open_items(
        cause,
        requests=[
            OpenItem(
                one.company, OVERDUE[one.kind], one.kind, one.document,
                Said("{0} from {1}: {2} units were expected by {3}", one.number, one.whence, one.units, one.since),
                "inventory manager" if one.kind == "purchase_order" else "warehouse supervisor",
                {"units": one.units, "expected_on": one.since.isoformat()},
            )
            for one in late
        ],
    )  # fmt: skip
    still = {(OVERDUE[one.kind], one.document) for one in late}
    ended = Counter(resolve_others(cause, companies, OVERDUE.values(), still))
    counts = Counter(one.company for one in late)
    return [ArrivalsWatched(one.company, counts[one.company], ended[one.company]) for one in requests]


_LATE = """
SELECT s.company_id::int, s.document_kind, s.document_id, COALESCE(bought.number, sent.number),
       COALESCE(supplier.name, origin.code), sum(s.quantity)::int, min(s.expected_on)
FROM stock_supply AS s
LEFT JOIN purchasing_order AS bought ON s.document_kind = 'purchase_order' AND bought.id = s.document_id
LEFT JOIN parties_supplier AS supplier ON supplier.id = bought.supplier_id
LEFT JOIN stock_transfer AS sent ON s.document_kind = 'transfer' AND sent.id = s.document_id
LEFT JOIN network_node AS origin ON origin.id = sent.from_node_id
WHERE s.company_id = ANY(%(companies)s::smallint[]) AND s.expected_on < %(today)s::date
  AND COALESCE(bought.id, sent.id) IS NOT NULL
GROUP BY 1, 2, 3, 4, 5 ORDER BY 7, 3
"""
