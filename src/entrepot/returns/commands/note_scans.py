"""A carrier has told of a parcel that returns are in: refunds that wait for no more than that are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import inbox, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, Refused
from entrepot.kernel.events import Event
from entrepot.returns import states
from entrepot.returns.claiming import QUEUE as CLAIMS
from entrepot.returns.commands.announce import tracking_of
from entrepot.returns.commands.lock import lock_returns, offer_refunds
from entrepot.returns.commands.note_troubles import arrived


@dataclass(frozen=True, slots=True)
class NoteScan:
    """A carrier had a parcel in its hands, by the number on it, or has `delivered` it. `message` is the one of the
    inbox that told so."""

    company: int
    tracking: str
    occurred_at: datetime | None = None
    key: str | None = None
    message: UUID | None = None
    delivered: bool = False


@dataclass(frozen=True, slots=True)
class ScanNoted:
    """How many returns are in the parcel that nobody had told of before."""

    tracking: str
    returns: int


@command("returns.note_scans")
def note_scans(cause: Cause, /, *, requests: Sequence[NoteScan]) -> list[ScanNoted | Refused]:
    """The first scan of parcels that returns were announced in. Where the policy refunds from `scanned`, their refunds
    are ready to be decided. Of a parcel that nobody announced nothing is kept; a message about one that was is done.
    One that its carrier takes back to its sender is neither scanned nor brought here. With one that was delivered the
    work about its way is over.

    Locks: the orders in id order. Refuses: Invalid (no number). Again: the first scan counts.
    9 statements at most, and one for each company; 3 more where something was delivered.
    """
    times = _first(cause, requests)
    ends = _first(cause, [one for one in requests if one.delivered])
    rows = [(*name, at, ends.get(name)) for name, at in times.items() if name[1]]
    wanted = sql.columns(("companies", "trackings", "times", "ends"), rows) | {"barred": BARRED}
    found = lock_returns([row[0] for row in sql.run(_RETURNS_OF, wanted)])
    noted = sql.run(_SCAN, {**wanted, "returns": list(found)}) if found else []
    scanned = [(key, tracking) for key, tracking, fresh, *_ in noted if fresh]
    counts = dict.fromkeys(times, 0)
    for return_id, tracking in scanned:
        one_ = found[return_id]
        one_.scanned = True
        counts[one_.company, tracking] += 1
    announce(cause, [
        Event("return", key, found[key].company, "", "", times[found[key].company, tracking], {"scanned": tracking})
        for key, tracking in scanned
    ])  # fmt: skip
    about = {(found[key].company, tracking) for key, tracking, *_ in noted}
    told = {
        one.message for one in requests if one.message and (one.company, tracking_of(one.tracking)) in about
    }
    inbox.mark(sorted(told), "done")
    fresh = {key: found[key] for key, _ in scanned}
    if fresh:
        at_ = {key: times[found[key].company, tracking] for key, tracking in scanned}
        offer_refunds(cause, "authorized", fresh.values(), at_)
    arrived(cause, [(found[key].company, key, tracking) for key, tracking, _, came, _ in noted if came])
    offer(CLAIMS, [
        (key, 0, cause.at)
        for key, _, _, came, troubled in noted if came and (troubled or found[key].state in states.FINAL)
    ])  # fmt: skip
    return [
        ScanNoted(tracking_of(one.tracking), counts[one.company, tracking_of(one.tracking)])
        if tracking_of(one.tracking)
        else Invalid(field="tracking", expected="the number on the parcel", found="nothing")
        for one in requests
    ]


def _first(cause: Cause, requests: Sequence[NoteScan]) -> dict[tuple[int, str], datetime]:
    """The earliest time that is told of each parcel, by company and number."""
    times: dict[tuple[int, str], datetime] = {}
    for one in requests:
        name, at = (one.company, tracking_of(one.tracking)), one.occurred_at or cause.at
        times[name] = min(at, times.get(name, at))
    return times


BARRED = "returned to sender"
"""The trouble after which a carrier's word of a parcel is no scan: it goes back to the customer."""

# What is told of a parcel and nobody knew; one that went back to its sender arrives there.
_TOLD = """
FROM unnest(%(companies)s::smallint[], %(trackings)s::text[], %(times)s::timestamptz[], %(ends)s::timestamptz[])
     AS d(company, tracking, at, came)
JOIN returns_parcel AS p ON p.company_id = d.company AND p.tracking = d.tracking
WHERE %(barred)s::text <> ALL(p.troubles)
  AND (p.scanned_at IS NULL OR p.delivered_at IS NULL AND d.came IS NOT NULL)
"""

_RETURNS_OF = f"""
SELECT DISTINCT p.return_id {_TOLD} ORDER BY 1
"""

_SCAN = f"""
UPDATE returns_parcel AS q SET scanned_at = COALESCE(q.scanned_at, d.at),
       delivered_at = COALESCE(q.delivered_at, d.came)
FROM (SELECT p.id, p.scanned_at IS NULL AS fresh, d.at, d.came
      {_TOLD} AND p.return_id = ANY(%(returns)s::uuid[]) ORDER BY p.id FOR UPDATE OF p) AS d
WHERE q.id = d.id
RETURNING q.return_id, q.tracking, d.fresh, d.came IS NOT NULL, cardinality(q.troubles) > 0
"""
