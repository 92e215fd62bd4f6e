"""Messages that were given up as work: one item for each cause, however many messages it stops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.work import failing
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "messages given up"
SUBJECT = "dead_letters"
ROLE = "integration engineer"
SIDES = {"out": "to", "in": "from"}
PRIORITY = 40


@dataclass(frozen=True, slots=True)
class WatchDeadLetters:
    """The messages of a company that were given up, out and in."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLettersWatched:
    """Causes for which messages stand, how many items are new, and how many are closed: their last message was sent on
    its way again, or dropped."""

    company: int
    causes: int
    opened: int
    closed: int


class _Stopped(NamedTuple):
    """Messages that stand for one cause."""

    company: int
    side: str
    place: str
    cause: str
    messages: int
    oldest_at: datetime

    @property
    def subject(self) -> UUID:
        return failing.subject_of(self.company, self.side, self.place, self.cause)


@command("work.watch_dead_letters")
def watch_dead_letters(
    cause: Cause, /, *, requests: Sequence[WatchDeadLetters]
) -> list[DeadLettersWatched | Refused]:
    """An item for each cause (side, destination or source, and error) for which messages stand; items whose last
    message is on its way again or dropped are closed.

    Locks: the items. Refuses: nothing. Again: nothing changes. 5 statements at most.
    """
    companies = list(dict.fromkeys(one.company for one in requests))
    stopped = _together(sql.run(_DEAD, {"companies": companies}))
    standing = [
        row for row in sql.run(_STANDING, {"companies": companies, "type": ITEM}) if row[1] not in stopped
    ]
    opened = open_items(cause, requests=[_item(one) for one in stopped.values()])
    over = [
        ResolveSubject(company, ITEM, subject, "gone", "nothing stands for it")
        for company, subject in standing
    ]
    if over:
        resolve_subjects(cause, requests=over)
    fresh = [
        one.company
        for one, answer in zip(stopped.values(), opened, strict=True)
        if not isinstance(answer, Refused) and answer.fresh
    ]
    causes = [one.company for one in stopped.values()]
    closed = [company for company, _ in standing]
    return [
        DeadLettersWatched(one.company, *(list_.count(one.company) for list_ in (causes, fresh, closed)))
        for one in requests
    ]


def _together(rows: Iterable[Sequence[object]]) -> dict[UUID, _Stopped]:
    """Messages by their cause: errors that differ by a number or an id alone are one."""
    found: dict[UUID, _Stopped] = {}
    for row in rows:
        company, side, place, error, messages, oldest = row
        one = _Stopped(company, side, place, failing.cause_of(str(error)), messages, oldest)  # type: ignore[arg-type]
        known = found.get(one.subject)
        if known is not None:
            one = one._replace(
                messages=known.messages + one.messages, oldest_at=min(known.oldest_at, one.oldest_at)
            )
        found[one.subject] = one
    return found


def _item(one: _Stopped) -> OpenItem:
    told = f"{one.messages} messages {SIDES[one.side]} {one.place} were given up: {one.cause}"
    facts = {"side": one.side, "place": one.place, "error": one.cause, "messages": one.messages}
    return OpenItem(
        one.company, ITEM, SUBJECT, one.subject, told, ROLE, facts, PRIORITY, occurred_at=one.oldest_at
    )


_DEAD = """
SELECT company_id::int, side, place, error, count(*)::int, min(at)
FROM (
    SELECT company_id, 'out' AS side, destination AS place, last_error AS error, created_at AS at
    FROM kernel_delivery WHERE company_id = ANY(%(companies)s::smallint[]) AND state = 'dead'
    UNION ALL
    SELECT company_id, 'in', source, last_error, received_at
    FROM kernel_inbox WHERE company_id = ANY(%(companies)s::smallint[]) AND state IN ('dead', 'failed')) AS dead
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""

_STANDING = """
SELECT company_id::int, subject_id FROM work_item
WHERE company_id = ANY(%(companies)s::smallint[]) AND type = %(type)s::text AND state <> 'done' ORDER BY 2
"""
