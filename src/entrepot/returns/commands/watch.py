"""Nothing stalls in silence: returns that wait longer than the policy allows become work items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.returns.commands.lock import in_force
from entrepot.returns.models import OWED
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import resolve_others


@dataclass(frozen=True, slots=True)
class Watch:
    """Look at the open returns of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """How many returns wait too long."""

    company: int
    late: int


class _Late(NamedTuple):
    company: int
    id: UUID
    number: str
    waits_for: str
    hours: int
    due_at: datetime | None

    @property
    def reason(self) -> str:
        overdue = f"; they were due at {self.due_at:%Y-%m-%d %H:%M} UTC" if self.due_at else ""
        return f"Return {self.number}: {WAITS[self.waits_for][2]} since {self.hours} hours{overdue}."


WAITS: dict[str, tuple[str, str, str]] = {
    "inspection": ("return to inspect", "returns inspector", "units wait for inspection"),
    "disposition": ("return to dispose of", "returns inspector", "units wait for their disposition"),
    "refund": ("return to refund", "customer service", "units came back and are not refunded"),
}
"""What is waited for → the type of the work item, the role that is asked, and the sentence."""


@command("returns.watch")
def watch(cause: Cause, /, *, requests: Sequence[Watch]) -> list[Watched | Refused]:
    """A work item for each return that waits too long, or has units in staging that are overdue (policy
    `returns.staging`); items of those that went on are closed.

    Refuses nothing. Again: an item stands once. 6 statements.
    """
    companies = list({one.company for one in requests})
    policies = in_force(cause, companies)
    since = [(one, cause.at - timedelta(hours=policies[one][1].wait_hours)) for one in companies]
    late = [
        _Late(*row) for row in sql.run(_LATE, {**sql.columns(("companies", "since"), since), "now": cause.at})
    ]
    if late:
        open_items(cause, requests=[
            OpenItem(
                company=one.company, type=WAITS[one.waits_for][0], subject_kind="return", subject=one.id,
                reason=one.reason, role=WAITS[one.waits_for][1],
                facts={"return": one.id, "hours": one.hours, "due_at": one.due_at},
            )
            for one in late
        ])  # fmt: skip
    still = {(WAITS[one.waits_for][0], one.id) for one in late}
    resolve_others(cause, companies, [kind for kind, _, _ in WAITS.values()], still, "went on")
    counts = Counter(one.company for one in late)
    return [Watched(one.company, counts[one.company]) for one in requests]


# Of units in staging, what is due first: told where it is overdue.
_LATE = f"""
SELECT r.company_id::int, r.id, r.number, w.waits_for,
       (EXTRACT(epoch FROM %(now)s::timestamptz - r.changed_at) / 3600)::int, s.due_at AT TIME ZONE 'UTC'
FROM unnest(%(companies)s::smallint[], %(since)s::timestamptz[]) AS d(company, since)
JOIN returns_return AS r ON r.company_id = d.company AND r.state IN ('received', 'inspected', 'disposed')
CROSS JOIN LATERAL (
    SELECT CASE r.state WHEN 'received' THEN 'inspection' WHEN 'inspected' THEN 'disposition' ELSE 'refund' END
           AS waits_for) AS w
LEFT JOIN LATERAL (
    SELECT min(x.due_at) AS due_at FROM returns_receipt AS x
    WHERE x.return_id = r.id AND x.due_at < %(now)s::timestamptz AND w.waits_for <> 'refund'
      AND x.quantity > (SELECT COALESCE(sum(i.disposed), 0) FROM returns_inspection AS i WHERE i.receipt_id = x.id)
) AS s ON TRUE
WHERE s.due_at IS NOT NULL OR r.changed_at < d.since AND (w.waits_for <> 'refund' OR {OWED})
ORDER BY r.id
"""
