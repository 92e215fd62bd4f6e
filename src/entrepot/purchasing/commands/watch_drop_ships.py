"""Nothing stalls in silence: what suppliers have not sent in time becomes a work item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.purchasing.commands.store_drop_ships import OVERDUE
from entrepot.purchasing.states import COMING
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class WatchDropShips:
    """Look at what suppliers still have to send for a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropShipsWatched:
    """How many drop-ship orders are past their day."""

    company: int
    late: int


@command("purchasing.watch_drop_ships")
def watch_drop_ships(
    cause: Cause, /, *, requests: Sequence[WatchDropShips]
) -> list[DropShipsWatched | Refused]:
    """A work item for each drop-ship order whose supplier has not sent all of it by its day.

    Refuses nothing. Again: an item stands once, until the order is over. 1 statement; 2 more where some are late.
    """
    params = {
        "companies": list({one.company for one in requests}),
        "coming": list(COMING),
        "today": cause.at.date(),
    }
    late: list[tuple[int, UUID, str, str, int, UUID, int]] = sql.run(_LATE, params)  # type: ignore[assignment]
    open_items(cause, requests=[
        OpenItem(
            company, OVERDUE, "drop_ship", which,
            Said("{0} has not sent {1} units of {2}, which were due", supplier, units, number), "inventory manager",
            {"order": order, "units": units}, priority,
        )
        for company, which, number, supplier, units, order, priority in late
    ])  # fmt: skip
    counts = Counter(row[0] for row in late)
    return [DropShipsWatched(one.company, counts[one.company]) for one in requests]


_LATE = """
SELECT d.company_id::int, d.id, d.number, s.name,
       (SELECT sum(l.quantity - l.shipped - l.refused - l.called_off)::int FROM purchasing_dropshipline AS l
        WHERE l.drop_ship_id = d.id), d.order_id, o.priority::int
FROM purchasing_dropship AS d
JOIN parties_supplier AS s ON s.id = d.supplier_id
JOIN orders_order AS o ON o.id = d.order_id
WHERE d.company_id = ANY(%(companies)s::smallint[]) AND d.state = ANY(%(coming)s::text[])
  AND d.due_on < %(today)s::date
ORDER BY d.id
"""
