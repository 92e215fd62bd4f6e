"""What becomes of parcels that went back to customers: they arrive, are lost, or somebody asks about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import inbox, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.events import Event
from entrepot.returns.claiming import QUEUE as CLAIMS
from entrepot.returns.commands.announce import tracking_of
from entrepot.returns.commands.over import Over, resolve_over
from entrepot.returns.repairing import Repairs
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import resolve_others

LATE, LOST = "parcel sent back is late", "parcel sent back was lost"
"""The work of whoever asks the carrier about it, and makes good to the customer what never came."""
CAME_TOO = "parcel sent back arrived after all"
"""The work about a customer who has his goods, and what he was given for their loss."""


@dataclass(frozen=True, slots=True)
class NoteArrival:
    """A parcel that was sent back arrived, by its number, or its carrier lost it. `message` is the one of the inbox
    that told so."""

    company: int
    tracking: str
    lost: bool = False
    occurred_at: datetime | None = None
    key: str | None = None
    message: UUID | None = None


@dataclass(frozen=True, slots=True)
class ArrivalNoted:
    """How many parcels became so: none where the house has sent none by that number, or knew already."""

    tracking: str
    parcels: int


@command("returns.note_arrivals")
def note_arrivals(cause: Cause, /, *, requests: Sequence[NoteArrival]) -> list[ArrivalNoted | Refused]:
    """Parcels that were sent back, delivered or lost; of numbers that no such parcel has nothing is kept. With a parcel
    that was delivered the repairs in it are done with; instead of those that were lost something else may be agreed on.
    Of several words about a parcel that it was delivered counts, then the earliest.

    Locks: the parcels in id order. Refuses: Invalid (no number). Again: the first word counts. 21 statements at most.
    """
    words: dict[tuple[int, str], tuple[bool, datetime]] = {}
    for one in requests:
        if tracking := tracking_of(one.tracking):
            said = (one.lost, one.occurred_at or cause.at)
            name = (one.company, tracking)
            words[name] = min(words.get(name, said), said)
    rows = [(*name, "lost" if lost else "delivered", at) for name, (lost, at) in words.items()]
    columns = sql.columns(("companies", "trackings", "states", "times"), rows)
    found = [_Became(*row) for row in sql.run(_ARRIVED, columns)] if rows else []
    if found:
        _arrived(cause, found)
        offer(CLAIMS, [(one.return_id, 0, cause.at) for one in found])
    told = {(one.company, one.tracking) for one in found}
    about = [one for one in requests if one.message and (one.company, tracking_of(one.tracking)) in told]
    inbox.mark(sorted({one.message for one in about if one.message}), "done")
    return [
        ArrivalNoted(tracking_of(one.tracking), int((one.company, tracking_of(one.tracking)) in told))
        if tracking_of(one.tracking)
        else Invalid(field="tracking", expected="the number on the parcel", found="nothing")
        for one in requests
    ]


class _Became(NamedTuple):
    """A parcel, and what became of it."""

    id: UUID
    company: int
    return_id: UUID
    tracking: str
    state: str
    at: datetime


def _arrived(cause: Cause, found: Sequence[_Became]) -> None:
    rows = [(one.id, one.state, one.at) for one in found]
    ended = sql.run(_ENDED, sql.columns(("ids", "states", "times"), rows))
    announce(cause, [
        Event("return", one.return_id, one.company, "", "", one.at,
              {"sent_back": one.id, "tracking": one.tracking, "became": one.state})
        for one in found
    ])  # fmt: skip
    announce(cause, [
        Event("repair", repair, company, before, after, at, {"return": return_id})
        for repair, company, return_id, before, after, at in ended
    ])  # fmt: skip
    for state, kinds in (("delivered", (LATE, LOST)), ("lost", (LATE,))):
        over = [Over(one.company, kind, one.return_id, one.id, one.at)
                for one in found if one.state == state for kind in kinds]  # fmt: skip
        resolve_over(cause, over, state)
    here = {one.id: one for one in found if one.state == "delivered"}
    twice = sql.run(_SETTLED, {"ids": list(here)}) if here else []
    asked = [_ask(one) for one in found if one.state == "lost"]
    asked += [_given_twice(here[parcel], number) for parcel, number in twice]
    if asked:
        open_items(cause, requests=asked)


def _given_twice(one: _Became, repair: str) -> OpenItem:
    return OpenItem(
        company=one.company, type=CAME_TOO, subject_kind="return", subject=one.return_id,
        reason=Said(
            "Parcel {0}, which went back to the customer, arrived after something else was agreed on for repair {1}."
            " Ask him for one of both.", one.tracking, repair,
        ),
        role="customer service", facts={"return": one.return_id, "tracking": one.tracking}, dedupe=str(one.id),
        occurred_at=one.at,
    )  # fmt: skip


def _ask(one: _Became) -> OpenItem:
    return OpenItem(
        company=one.company, type=LOST, subject_kind="return", subject=one.return_id,
        reason=Said(
            "Parcel {0}, which went back to the customer, was lost. Claim it, and make it good.", one.tracking
        ),
        role="customer service", facts={"return": one.return_id, "tracking": one.tracking}, occurred_at=one.at,
        dedupe=str(one.id),
    )  # fmt: skip


# ---- what does not arrive


@dataclass(frozen=True, slots=True)
class WatchSentBack:
    """Look at the parcels of a company that were sent back."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SentBackWatched:
    company: int
    late: int


@command("returns.watch_sent_back")
def watch_sent_back(cause: Cause, /, *, requests: Sequence[WatchSentBack]) -> list[SentBackWatched | Refused]:
    """A work item for each parcel to a customer that is on its way for longer than the policy
    `returns.repairs` says: nobody else asks for it.

    Refuses nothing. Again: an item stands once. 6 statements.
    """
    companies = list({one.company for one in requests})
    days = policies.of_companies(companies, Repairs, cause.at)
    since = [(one, cause.at - timedelta(days=days[one][1].arrives_days)) for one in companies]
    late = sql.run(_LATE, sql.columns(("companies", "since"), since))
    if late:
        open_items(cause, requests=[
            OpenItem(
                company=company, type=LATE, subject_kind="return", subject=return_id,
                reason=Said("Return {0}: ask {1} about parcel {2}, which went back to the customer.", number, carrier,
                            tracking),
                role="customer service", facts={"return": return_id, "tracking": tracking}, dedupe=str(parcel),
            )
            for company, return_id, number, carrier, tracking, parcel in late
        ])  # fmt: skip
    resolve_others(cause, companies, [LATE], {(LATE, return_id) for _, return_id, *_ in late}, "arrived")
    counts = Counter(company for company, *_ in late)
    return [SentBackWatched(one.company, counts[one.company]) for one in requests]


_LATE = """
SELECT b.company_id::int, b.return_id, r.number, b.carrier, b.tracking, b.id
FROM unnest(%(companies)s::smallint[], %(since)s::timestamptz[]) AS d(company, since)
JOIN returns_sentback AS b ON b.company_id = d.company AND b.state = 'sent' AND b.sent_at < d.since
JOIN returns_return AS r ON r.id = b.return_id ORDER BY b.return_id, b.id
"""

_ARRIVED = """
UPDATE returns_sentback AS b SET state = d.state,
       delivered_at = CASE d.state WHEN 'delivered' THEN GREATEST(d.at, b.sent_at) END
FROM unnest(%(companies)s::smallint[], %(trackings)s::text[], %(states)s::text[], %(times)s::timestamptz[])
     AS d(company, tracking, state, at)
WHERE b.id IN (
    SELECT s.id FROM unnest(%(companies)s::smallint[], %(trackings)s::text[]) AS n(company, tracking)
    JOIN returns_sentback AS s ON s.company_id = n.company AND s.tracking = n.tracking
    WHERE s.state <> 'delivered' ORDER BY s.id FOR UPDATE)
  AND b.company_id = d.company AND b.tracking = d.tracking AND b.state <> 'delivered' AND b.state <> d.state
RETURNING b.id, b.company_id::int, b.return_id, b.tracking, b.state, d.at
"""

_SETTLED = """
SELECT u.sent_back_id, min(p.number) FROM returns_sentbackunits AS u
JOIN returns_repair AS p ON p.id = u.repair_id AND p.state = 'settled'
WHERE u.sent_back_id = ANY(%(ids)s::uuid[]) GROUP BY 1 ORDER BY 1
"""

# Instead of what was lost something else may have been agreed on meanwhile: that stands.
_ENDED = """
UPDATE returns_repair AS r SET state = d.state,
       ended_at = CASE d.state WHEN 'delivered' THEN GREATEST(d.at, r.sent_at) END
FROM (SELECT p.id, p.state AS before, d.state, d.at
      FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(times)s::timestamptz[]) AS d(id, state, at)
      JOIN returns_sentbackunits AS u ON u.sent_back_id = d.id
      JOIN returns_repair AS p ON p.id = u.repair_id AND p.state IN ('sent', 'lost') AND p.state <> d.state
      ORDER BY p.id FOR UPDATE OF p) AS d
WHERE r.id = d.id
RETURNING r.id, r.company_id::int, r.return_id, d.before, r.state, d.at
"""
