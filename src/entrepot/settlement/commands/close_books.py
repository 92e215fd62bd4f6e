"""Close a month of which nothing is open any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from entrepot.kernel.aside import step
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.as_of import stop_postings
from entrepot.ledger.commands.close_month import CloseMonth, MonthClosed, close_month
from entrepot.settlement import closing, closing_queries, errors


@dataclass(frozen=True, slots=True)
class CloseBooks:
    """A month, by its first day."""

    company: int
    month: date
    key: str | None = None


@command("settlement.close_books")
def close_books(cause: Cause, /, *, requests: Sequence[CloseBooks]) -> list[MonthClosed | Refused]:
    """Months closed for good, where nothing is open that stands in the way by the policy `settlement.closing`.

    Locks: postings, which wait until it is decided. Refuses: settlement.not_ready_to_close; Invalid (not the first day
    of a month, or one that has not ended). Again: stays closed. 9 statements.
    """
    # Before it is looked: nothing may be posted between the look and the close.
    stop_postings()
    found = closing_queries.checklists([(one.company, one.month) for one in requests], cause.at)
    step(1, 2)
    refused: dict[int, Refused] = {}
    for place, one in enumerate(requests):
        why = closing.reasons(found[one.company, one.month])
        if why:
            refused[place] = errors.NotReadyToClose(month=f"{one.month:%Y-%m}", found=why)
    left = [CloseMonth(one.company, one.month) for place, one in enumerate(requests) if place not in refused]
    closed = iter(close_month(cause, requests=left) if left else [])
    return [refused[place] if place in refused else next(closed) for place in range(len(requests))]
