"""Repairs that do not go on: to be offered, to be answered, or to be sent back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.returns.repairing import Repairs
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import resolve_others

WAITS = "repair waits"
"""The work of whoever takes the next step, or asks the customer."""


@dataclass(frozen=True, slots=True)
class WatchRepairs:
    """Look at the repairs of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RepairsWatched:
    """Of how many returns units wait too long for their repair."""

    company: int
    late: int


@command("returns.watch_repairs")
def watch_repairs(cause: Cause, /, *, requests: Sequence[WatchRepairs]) -> list[RepairsWatched | Refused]:
    """A work item for each return of which a repair waits for its next step for longer than the policy
    `returns.repairs` says; items of those that went on are closed.

    Refuses nothing. Again: an item stands once. 6 statements.
    """
    companies = list({one.company for one in requests})
    days = policies.of_companies(companies, Repairs, cause.at)
    since = [(one, cause.at - timedelta(days=days[one][1].waits_days)) for one in companies]
    late = sql.run(_LATE, sql.columns(("companies", "since"), since))
    if late:
        open_items(cause, requests=[
            OpenItem(
                company=company, type=WAITS, subject_kind="return", subject=return_id,
                reason=_told(number, waits_for), role="customer service", facts={"return": return_id},
            )
            for company, return_id, number, waits_for in late
        ])  # fmt: skip
    still: set[tuple[str, UUID]] = {(WAITS, return_id) for _, return_id, *_ in late}
    resolve_others(cause, companies, [WAITS], still, "went on")
    counts = Counter(company for company, *_ in late)
    return [RepairsWatched(one.company, counts[one.company]) for one in requests]


def _told(number: str, waits_for: str) -> str:
    if waits_for == "offer":
        return Said("Return {0}: units came to be repaired. Offer their repair.", number)
    if waits_for == "answer":
        return Said("Return {0}: the customer has not answered to the price of a repair. Ask him.", number)
    return Said("Return {0}: units are repaired. Send them back to their customer.", number)


# The step that waits the longest, one for a return.
_LATE = """
SELECT DISTINCT ON (r.id) r.company_id::int, r.id, r.number, w.waits_for
FROM unnest(%(companies)s::smallint[], %(since)s::timestamptz[]) AS c(company, since)
CROSS JOIN LATERAL (
    SELECT p.return_id, CASE p.state WHEN 'offered' THEN 'answer' ELSE 'parcel' END AS waits_for,
           COALESCE(p.done_at, p.opened_at) AS at
    FROM returns_repair AS p WHERE p.company_id = c.company AND p.state IN ('offered', 'repaired')
    UNION ALL
    SELECT d.return_id, 'offer', d.decided_at
    FROM returns_return AS a
    JOIN returns_disposition AS d ON d.return_id = a.id AND d.disposition = 'repair'
    LEFT JOIN returns_gathered AS g ON g.disposition_id = d.id
    WHERE a.company_id = c.company AND a.asked = 'repair' AND a.state <> 'closed'
      AND d.quantity > COALESCE(g.units, 0)
      AND EXISTS (SELECT FROM returns_line AS l WHERE l.id = d.return_line_id
                  AND l.quantity > l.cancelled + l.refunded + l.refused + l.repaired)
) AS w
JOIN returns_return AS r ON r.id = w.return_id
WHERE w.at < c.since
ORDER BY r.id, w.at
"""
