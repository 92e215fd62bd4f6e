"""A carrier tells of trouble with a parcel that comes back: nothing is refunded for that, and somebody asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import inbox, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.returns.claiming import QUEUE as CLAIMS
from entrepot.returns.commands.announce import tracking_of
from entrepot.shipping.rules import EXCEPTIONS
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

TROUBLE = "return parcel in trouble"
"""The work of whoever asks the carrier, and the customer, about a parcel that comes back."""


@dataclass(frozen=True, slots=True)
class NoteTrouble:
    """Trouble of a kind with a parcel, by the number on it. `said` is what the carrier said, `message` the one of the
    inbox that told so."""

    company: int
    tracking: str
    kind: str
    occurred_at: datetime | None = None
    said: str = ""
    key: str | None = None
    message: UUID | None = None


@dataclass(frozen=True, slots=True)
class TroubleNoted:
    """How many returns are in the parcel of whose trouble nobody had told before."""

    tracking: str
    returns: int


class _Troubled(NamedTuple):
    """A return that something is still to come of, in a parcel in trouble."""

    company: int
    return_id: UUID
    number: str
    tracking: str
    carrier: str
    kind: str
    said: str
    at: datetime


@command("returns.note_troubles")
def note_troubles(cause: Cause, /, *, requests: Sequence[NoteTrouble]) -> list[TroubleNoted | Refused]:
    """Trouble with parcels that returns were announced in: it is no scan, whatever the policy refunds from, and a work
    item of each kind while something of the returns is to come. Of a parcel that nobody announced nothing is kept; a
    message about one that was is done.

    Locks: the parcels in id order. Refuses: Invalid (no number, a kind that is no trouble). Again: what was told of a
    parcel is told once. 5 statements.
    """
    answers = [_misfit(one) for one in requests]
    first: dict[tuple[int, str, str], NoteTrouble] = {}
    for one in (one for one, misfit in zip(requests, answers, strict=True) if misfit is None):
        name = (one.company, tracking_of(one.tracking), one.kind)
        if name not in first or (one.occurred_at or cause.at) < (first[name].occurred_at or cause.at):
            first[name] = one
    rows = [(*name, one.said, one.occurred_at or cause.at) for name, one in first.items()]
    columns = sql.columns(("companies", "trackings", "kinds", "said", "times"), rows)
    found = [_Troubled(*row) for row in sql.run(_NOTE, columns)] if rows else []
    if found:
        _tell(cause, found)
        offer(CLAIMS, [(one.return_id, 0, cause.at) for one in found])
    fresh = {(one.company, one.tracking, one.kind): 0 for one in found}
    for troubled in found:
        fresh[troubled.company, troubled.tracking, troubled.kind] += 1
    told = {one.message for name, one in first.items() if one.message and name in fresh}
    inbox.mark(sorted(told), "done")
    return [
        misfit
        or TroubleNoted(
            tracking_of(one.tracking), fresh.get((one.company, tracking_of(one.tracking), one.kind), 0)
        )
        for one, misfit in zip(requests, answers, strict=True)
    ]


def _misfit(one: NoteTrouble) -> Refused | None:
    if not tracking_of(one.tracking):
        return Invalid(field="tracking", expected="the number on the parcel", found="nothing")
    if one.kind not in EXCEPTIONS:
        return Invalid(field="kind", expected=one_of(EXCEPTIONS), found=one.kind)
    return None


def _tell(cause: Cause, found: Sequence[_Troubled]) -> None:
    announce(cause, [
        Event("return", one.return_id, one.company, "", "", one.at,
              {"tracking": one.tracking, "trouble": one.kind}, one.said)
        for one in found
    ])  # fmt: skip
    open_items(cause, requests=[
        OpenItem(
            company=one.company, type=TROUBLE, subject_kind="return", subject=one.return_id,
            reason=Said("Return {0}: parcel {1}, by which it comes, is in trouble: {2}. Ask {3} about it.", one.number,
                        one.tracking, one.kind, one.carrier or "its carrier"),
            role="customer service", facts={"return": one.return_id, "tracking": one.tracking, "kind": one.kind},
            due_in_hours=EXCEPTIONS[one.kind], dedupe=_name(one.return_id, one.tracking, one.kind),
            occurred_at=one.at,
        )
        for one in found
    ])  # fmt: skip


def _name(return_id: UUID, tracking: str, kind: str) -> str:
    return f"{return_id} {tracking} {kind}"


def arrived(cause: Cause, parcels: Sequence[tuple[int, UUID, str]]) -> None:
    """Of parcels that were delivered, by (company, return, number), nobody is asked where they are; what was damaged is
    looked at when it is inspected. 2 statements, none for none."""
    names: dict[tuple[int, UUID], list[str]] = {}
    for company, return_id, tracking in parcels:
        over = [_name(return_id, tracking, kind) for kind in EXCEPTIONS if kind != "damaged"]
        names.setdefault((company, return_id), []).extend(over)
    if names:
        resolve_subjects(cause, requests=[
            ResolveSubject(company, TROUBLE, return_id, "arrived", dedupes=over)
            for (company, return_id), over in names.items()
        ])  # fmt: skip


# A kind is told of a parcel once; what all has come of, or was delivered, is in no trouble by what happened before.
_NOTE = """
WITH d AS (
    SELECT * FROM unnest(%(companies)s::smallint[], %(trackings)s::text[], %(kinds)s::text[], %(said)s::text[],
                         %(times)s::timestamptz[]) AS d(company, tracking, kind, said, at)
), fresh AS MATERIALIZED (
    SELECT p.id, d.company, d.tracking, d.kind, d.said, d.at, p.carrier, p.return_id
    FROM returns_parcel AS p JOIN d ON p.company_id = d.company AND p.tracking = d.tracking
    WHERE d.kind <> ALL(p.troubles) AND (p.delivered_at IS NULL OR d.kind = 'damaged')
      AND EXISTS (SELECT FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id
                  WHERE r.id = p.return_id AND l.quantity - l.cancelled > l.received)
    ORDER BY p.id FOR UPDATE OF p
), written AS (
    UPDATE returns_parcel AS p SET troubles = p.troubles || f.kinds
    FROM (SELECT id, array_agg(kind ORDER BY at, kind) AS kinds FROM fresh GROUP BY id) AS f WHERE p.id = f.id
)
SELECT f.company::int, f.return_id, r.number, f.tracking, f.carrier, f.kind, f.said, f.at
FROM fresh AS f JOIN returns_return AS r ON r.id = f.return_id ORDER BY f.at, f.return_id, f.kind
"""
