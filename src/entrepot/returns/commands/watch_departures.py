"""Nothing that is owed for returned goods is forgotten: what did not come in time becomes a work item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.returns.commands.settle_departures import OVERDUE
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class WatchDepartures:
    """Look at what is awaited for goods of a company that left."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DeparturesWatched:
    """How many departures are overdue."""

    company: int
    overdue: int


AWAITED = {
    "vendor_return": Said("the vendor's credit"),
    "liquidation": Said("the payment of the lot"),
    "donation": Said("the receiver's certificate"),
    "disposal": Said("the certificate of disposal"),
}


@command("returns.watch_departures")
def watch_departures(
    cause: Cause, /, *, requests: Sequence[WatchDepartures]
) -> list[DeparturesWatched | Refused]:
    """A work item for each departure that waits past its due date; `returns.settle_departures` closes it.

    Refuses nothing. Again: an item stands once. 3 statements.
    """
    companies = sorted({one.company for one in requests})
    late = sql.run(_LATE, {"companies": companies, "today": cause.at.date()})
    open_items(cause, requests=[
        OpenItem(
            company, OVERDUE, "departure", which,
            reason=Said("{0}: {1} from {2} was due on {3}.", number, AWAITED[kind], receiver, due), role="controller",
            facts={"departure": which, "due_on": str(due)}, value_minor=owed,
        )
        for company, which, number, kind, receiver, due, owed in late
    ])  # fmt: skip
    counts = Counter(row[0] for row in late)
    return [DeparturesWatched(one.company, counts[one.company]) for one in requests]


_LATE = """
SELECT company_id::int, id, number, kind, receiver, due_on, owed_minor - credited_minor
FROM returns_departure
WHERE company_id = ANY(%(companies)s::smallint[]) AND state = 'gone' AND due_on < %(today)s::date ORDER BY id
"""
