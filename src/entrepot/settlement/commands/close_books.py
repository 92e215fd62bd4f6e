"""Close a month of which nothing is open any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from entrepot.kernel import sql
from entrepot.kernel.aside import step
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.as_of import stop_postings
from entrepot.ledger.commands.close_month import CloseMonth, MonthClosed, close_month
from entrepot.settlement import closing, closing_queries, errors
from entrepot.settlement.closing import Checked


@dataclass(frozen=True, slots=True)
class CloseBooks:
    """A month, by its first day."""

    company: int
    month: date
    key: str | None = None


@command("settlement.close_books")
def close_books(cause: Cause, /, *, requests: Sequence[CloseBooks]) -> list[MonthClosed | Refused]:
    """Months closed for good, where nothing is open that stands in the way by the policy `settlement.closing`.

    The report of each is kept as it is then: what was looked at by which version of the policy, and the accounts.

    Locks: postings, which wait until it is decided. Refuses: settlement.not_ready_to_close; Invalid (not the first day
    of a month, or one that has not ended). Again: stays closed, with its report. 15 statements.
    """
    # Before it is looked: nothing may be posted between the look and the close.
    stop_postings()
    months = [(one.company, one.month) for one in requests]
    found = closing_queries.looked(months, cause.at)
    before = closing_queries.closed_of(found)
    step(1, 2)
    refused: dict[int, Refused] = {}
    for place, one in enumerate(requests):
        why = closing.reasons(found[one.company, one.month][0])
        if why and (one.company, one.month) not in before:
            refused[place] = errors.NotReadyToClose(month=f"{one.month:%Y-%m}", found=why)
    left = [CloseMonth(one.company, one.month) for place, one in enumerate(requests) if place not in refused]
    closed = close_month(cause, requests=left) if left else []
    fresh = {(one.company, one.month) for one in closed if isinstance(one, MonthClosed)} - before
    if fresh:
        _keep(cause, {which: found[which] for which in sorted(fresh)})
    answers = iter(closed)
    return [refused[place] if place in refused else next(answers) for place in range(len(requests))]


def _keep(cause: Cause, closed: Mapping[tuple[int, date], tuple[list[Checked], int]]) -> None:
    """The reports of months that were closed. 3 statements."""
    sql.write("settlement_closedmonth", _MONTH, [
        (*which, version, cause.at) for which, (_, version) in closed.items()
    ])  # fmt: skip
    sql.write("settlement_closedcheck", _CHECK, [
        (*which, number, one.open.kind, one.open.count, one.open.amount_minor, one.open.about, one.open.currency,
         one.refuses)
        for which, (checked, _) in closed.items()
        for number, one in enumerate(checked, 1)
    ])  # fmt: skip
    sql.run(_ACCOUNTS, sql.columns(("companies", "months"), list(closed)))


_MONTH = ("company_id", "month", "policy_version", "looked_at")
_CHECK = (
    "company_id", "month", "number", "kind", "count", "amount_minor", "about", "currency", "refuses",
)  # fmt: skip
_ACCOUNTS = f"""
INSERT INTO settlement_closedaccount (company_id, month, account, name, type, clearing, debit_minor, credit_minor,
    end_minor)
{closing_queries.HELD_OF}
"""
