"""A customer says which parcel his returns are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce as tell
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.returns import states
from entrepot.returns.commands.lock import Return, lock_returns


@dataclass(frozen=True, slots=True)
class AnnounceParcel:
    """A return is on its way in a parcel. Returns of several orders may be in one: they have its tracking number."""

    return_id: UUID
    tracking: str
    carrier: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ParcelAnnounced:
    return_id: UUID
    tracking: str


@command("returns.announce_parcels")
def announce_parcels(
    cause: Cause, /, *, requests: Sequence[AnnounceParcel]
) -> list[ParcelAnnounced | Refused]:
    """Returns expected in parcels, so that whoever opens one finds them by its tracking number.

    Locks: the orders in id order. Refuses: NotFound; Invalid (tracking); WrongState. Again: a parcel stands once.
    6 statements.
    """
    found = lock_returns([one.return_id for one in requests])
    answers = [_decide(request, found.get(request.return_id)) for request in requests]
    rows = {
        (answer.return_id, answer.tracking): request.carrier
        for request, answer in zip(requests, answers, strict=True)
        if isinstance(answer, ParcelAnnounced)
    }
    if rows:
        expect(
            cause, [(found[key].company, key, tracking, carrier) for (key, tracking), carrier in rows.items()]
        )
        tell(cause, [
            Event("return", key, found[key].company, "", "", None, {"tracking": tracking, "carrier": carrier})
            for (key, tracking), carrier in rows.items()
        ])  # fmt: skip
    return answers


def _decide(request: AnnounceParcel, one: Return | None) -> ParcelAnnounced | Refused:
    tracking = tracking_of(request.tracking)
    if one is None:
        return NotFound(what="return", which=str(request.return_id))
    if not tracking:
        return Invalid(field="tracking", expected="the number on the parcel", found="nothing")
    if one.state in states.FINAL or one.asked == "keep":
        return WrongState(
            subject="return", found=one.state, event="announce", expected="one whose goods are to come"
        )
    return ParcelAnnounced(one.id, tracking)


def expect(cause: Cause, parcels: Sequence[tuple[int, UUID, str, str]]) -> None:
    """Expect parcels, by (company, return, tracking, carrier); what is expected already stays. 1 statement."""
    values = [(ids.uuid7(), *one) for one in parcels]
    columns = sql.columns(("ids", "companies", "returns", "trackings", "carriers"), values)
    sql.run(_WRITE, {**columns, "who": cause.actor.name, "at": cause.at})


def tracking_of(text: str) -> str:
    """A tracking number as it is kept: without blanks, in capitals."""
    return "".join(text.split()).upper()


_WRITE = """
INSERT INTO returns_parcel (id, company_id, return_id, tracking, carrier, announced_by, announced_at)
SELECT id, company, owner, tracking, carrier, %(who)s, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(returns)s::uuid[], %(trackings)s::text[],
            %(carriers)s::text[]) AS d(id, company, owner, tracking, carrier)
ON CONFLICT (return_id, tracking) DO NOTHING
"""
