"""Messages that were given up as work: one item for each cause, however many messages it stops, and one for all of a
place that fails for many causes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.access.queries import UNSENT
from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.work import failing
from entrepot.work.commands.open_items import ItemOpened, OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "messages given up"
SUBJECT = "dead_letters"
ROLE = "integration engineer"
SIDES = {"out": "to", "in": "from"}
PRIORITY = 40
MAILS = "reports by mail"
"""The place of mails of reports that were not sent."""
CAUSES_MAX = 5
"""Causes at one place that are items of their own; where there are more, the place is what is broken."""


@dataclass(frozen=True, slots=True)
class WatchDeadLetters:
    """The messages of a company that were given up, out and in."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLettersWatched:
    """Causes for which messages stand, those of a broken place as one; how many items are new, and how many are closed:
    their last message was sent on its way again, or dropped, or the place is one item now."""

    company: int
    causes: int
    opened: int
    closed: int


EVERY_CAUSE = ""


class _Stopped(NamedTuple):
    """Messages that stand for one cause, or for all `causes` of a place, of which `cause` stops most."""

    company: int
    side: str
    place: str
    cause: str
    messages: int
    oldest_at: datetime
    causes: int = 0
    """How many of a broken place; 0 for an item of the cause alone."""

    @property
    def subject(self) -> UUID:
        return (
            self.place_subject
            if self.causes
            else failing.subject_of(self.company, self.side, self.place, self.cause)
        )

    @property
    def place_subject(self) -> UUID:
        return failing.subject_of(self.company, self.side, self.place, EVERY_CAUSE)


@command("work.watch_dead_letters")
def watch_dead_letters(
    cause: Cause, /, *, requests: Sequence[WatchDeadLetters]
) -> list[DeadLettersWatched | Refused]:
    """An item for each cause (side, destination or source, and error) for which messages stand, mails of reports that
    were not sent among them, or one for its place where there are more than CAUSES_MAX, and then until nothing stands
    there; each says how many messages it stops now.
    Items whose last message is on its way again or dropped are closed, and those about a message that was dropped.

    Locks: the items. Refuses: nothing. Again: nothing changes. 7 statements at most.
    """
    companies = list(dict.fromkeys(one.company for one in requests))
    before = sql.run(_STANDING, {"companies": companies, "type": ITEM})
    causes = _together(sql.run(_DEAD, {"companies": companies, "now": cause.at, "mails": MAILS}))
    stopped = _by_place(causes.values(), {subject for _, subject in before})
    standing = [row for row in before if row[1] not in stopped]
    opened = open_items(cause, requests=[_item(one) for one in stopped.values()])
    _count(stopped.values(), [answer for answer in opened if not isinstance(answer, Refused)])
    over = [
        ResolveSubject(company, ITEM, subject, "gone", "nothing stands for it any longer by itself")
        for company, subject in standing
    ]
    dropped = sql.run(_DROPPED, {"companies": companies})
    over += [ResolveSubject(company, kind, subject, "gone", why) for company, kind, subject, why in dropped]
    if over:
        resolve_subjects(cause, requests=over)
    fresh = [
        one.company
        for one, answer in zip(stopped.values(), opened, strict=True)
        if not isinstance(answer, Refused) and answer.fresh
    ]
    told = [one.company for one in stopped.values()]
    closed = [company for company, _ in standing]
    return [
        DeadLettersWatched(one.company, *(list_.count(one.company) for list_ in (told, fresh, closed)))
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


def _by_place(stopped: Iterable[_Stopped], before: Collection[UUID]) -> dict[UUID, _Stopped]:
    """The same with all causes of a broken place as one: a feed whose every message fails in its own way is one thing
    to mend. A place that is an item already stays one, so that whoever has it keeps it."""
    places: dict[UUID, list[_Stopped]] = {}
    for one in stopped:
        places.setdefault(one.place_subject, []).append(one)
    told: list[_Stopped] = []
    for place, ones in places.items():
        told += [_as_one(ones)] if len(ones) > CAUSES_MAX or place in before else ones
    return {one.subject: one for one in told}


def _as_one(ones: Sequence[_Stopped]) -> _Stopped:
    most = max(ones, key=lambda one: (one.messages, one.cause))
    oldest, messages = min(one.oldest_at for one in ones), sum(one.messages for one in ones)
    return most._replace(messages=messages, oldest_at=oldest, causes=len(ones))


def _item(one: _Stopped) -> OpenItem:
    return OpenItem(
        one.company, ITEM, SUBJECT, one.subject, _told(one), ROLE, _facts(one), PRIORITY,
        occurred_at=one.oldest_at,
    )  # fmt: skip


def _told(one: _Stopped) -> str:
    where = f"{SIDES[one.side]} {one.place}"
    told = (
        f"1 message {where} was given up"
        if one.messages == 1
        else f"{one.messages} messages {where} were given up"
    )
    if one.causes < 2:
        return f"{told}: {one.cause}"
    return f"{told} for different causes ({one.causes}); most often: {one.cause}"


def _facts(one: _Stopped) -> dict[str, object]:
    facts = {"side": one.side, "place": one.place, "error": one.cause, "messages": one.messages}
    return facts | ({"causes": one.causes} if one.causes else {})


def _count(stopped: Iterable[_Stopped], opened: Sequence[ItemOpened]) -> None:
    """Say on the items that stood before how many messages they stop now; opening them again has locked them."""
    rows = [
        (answer.item, _told(one), wire.dump(_facts(one)))
        for one, answer in zip(stopped, opened, strict=True)
        if not answer.fresh
    ]
    if rows:
        sql.run(_COUNT, sql.columns(("items", "reasons", "facts"), rows))


_DEAD = f"""
SELECT company_id::int, side, place, error, count(*)::int, min(at)
FROM (
    SELECT company_id, 'out' AS side, destination AS place, last_error AS error, created_at AS at
    FROM kernel_delivery WHERE company_id = ANY(%(companies)s::smallint[]) AND state = 'dead'
    UNION ALL
    SELECT company_id, 'in', source, last_error, received_at
    FROM kernel_inbox WHERE company_id = ANY(%(companies)s::smallint[]) AND state IN ('dead', 'failed')
    UNION ALL
    SELECT s.company_id, 'out', %(mails)s::text, m.error, m.taken_at
    {UNSENT} AND s.company_id = ANY(%(companies)s::smallint[])) AS dead
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""

_COUNT = """
UPDATE work_item SET reason = one.reason, facts = one.facts
FROM unnest(%(items)s::uuid[], %(reasons)s::text[], %(facts)s::text[]::jsonb[]) AS one(id, reason, facts)
WHERE work_item.id = one.id AND work_item.facts <> one.facts
"""

_DROPPED = """
SELECT i.company_id::int, i.type, i.subject_id, 'the message was dropped: ' || m.last_error
FROM work_item AS i JOIN kernel_inbox AS m ON m.id = i.subject_id AND m.state = 'dropped'
WHERE i.company_id = ANY(%(companies)s::smallint[]) AND i.subject_kind = 'message' AND i.state <> 'done' ORDER BY 3
"""

_STANDING = """
SELECT company_id::int, subject_id FROM work_item
WHERE company_id = ANY(%(companies)s::smallint[]) AND type = %(type)s::text AND state <> 'done' ORDER BY 2
"""
