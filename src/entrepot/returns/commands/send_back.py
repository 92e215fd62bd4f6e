"""Units go back to their customer in a parcel: repaired, or not taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.returns import errors, repairing, rules
from entrepot.returns.commands.announce import tracking_of
from entrepot.returns.commands.dispose import hand_back
from entrepot.returns.commands.lock import Return, lock_returns, store
from entrepot.returns.commands.over import Over, resolve_over
from entrepot.returns.commands.repair_work import FAILED, Charge, charge
from entrepot.returns.refusing import SEND_BACK
from entrepot.returns.repairing import UNREPAIRED
from entrepot.returns.states import REPAIR as MACHINE
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.move import CUSTOMER, At, Move, lock_buckets, move_units
from entrepot.stock.errors import NotThere


@dataclass(frozen=True, slots=True)
class SendBack:
    """What of a return goes back to its customer, in one parcel: refused units that left stock as `send_back`, units
    that were repaired, and of those that were not the repairs that are named: `unrepaired`."""

    return_id: UUID
    carrier: str
    tracking: str
    unrepaired: tuple[UUID, ...] = ()
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PartsSent:
    """The parcel, and how many units are in it."""

    sent_back: UUID
    units: int


class _Repair(NamedTuple):
    """A repair whose units can go back, and where they stand."""

    id: UUID
    return_id: UUID
    line: UUID
    disposition: UUID
    inspection: UUID
    quantity: int
    state: str
    price: int
    tax: int
    currency: str
    at: At
    read: str  # the serial number on the unit


class _Refused(NamedTuple):
    """Units that left stock for their customer, and are in no parcel."""

    disposition: UUID
    return_id: UUID
    quantity: int


class _Parcel(NamedTuple):
    id: UUID
    of: Return
    request: SendBack
    repairs: list[_Repair]
    refused: list[_Refused]
    at: datetime

    @property
    def units(self) -> int:
        return sum(one.quantity for one in self.repairs) + sum(one.quantity for one in self.refused)


class _Known:
    """What can go back of returns under lock, and where it stands. 9 statements."""

    def __init__(self, requests: Sequence[SendBack]) -> None:
        wanted = {"returns": [one.return_id for one in requests]}
        self.returns = lock_returns(wanted["returns"])
        self.repairs = [
            _Repair(*row[:10], At(*row[10:17]), row[17])  # type: ignore[call-arg]
            for row in sql.run(_REPAIRS, wanted)
        ]
        self.refused = [_Refused(*row) for row in sql.run(_REFUSED, wanted)]
        pairs = [(self.returns[one.return_id].company, tracking_of(one.tracking)) for one in requests
                 if one.return_id in self.returns]  # fmt: skip
        self.taken = set(sql.run(_TAKEN, sql.columns(("companies", "trackings"), pairs)))
        # What stays is not locked: the work on it may end meanwhile.
        named = {which for one in requests for which in one.unrepaired}
        going = [one for one in self.repairs if one.state == "repaired" or one.id in named]
        lock_positions((one.at.owner, one.at.sku) for one in going)
        self.buckets = lock_buckets(one.at for one in going)
        self.there = {key: bucket.quantity - bucket.committed for key, bucket in self.buckets.items()}


@command("returns.send_back")
def send_back(cause: Cause, /, *, requests: Sequence[SendBack]) -> list[PartsSent | Refused]:
    """Parcels to customers. What was repaired leaves stock at the cost that it came with, and is its customer's again,
    who may return it once more; what he agreed to pay for the repair is owed from then on.

    Locks: the orders in id order, the repairs, then positions, buckets and balances as `stock.move_units`.
    Refuses: NotFound; Invalid (carrier, tracking, a number that a parcel has already); WrongState (a repair that is
    named was repaired, or is still under way); returns.nothing_to_send; returns.not_that_much (units were refunded
    meanwhile); stock.not_there. Again: by key. 40 statements at most.
    """
    known = _Known(requests)
    answers: list[PartsSent | Refused] = []
    parcels: list[_Parcel] = []
    for request in requests:
        decided = _decide(cause, request, known)
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        parcels.append(decided)
        answers.append(PartsSent(decided.id, decided.units))
    if parcels:
        _write(cause, parcels)
    return answers


def _decide(cause: Cause, request: SendBack, known: _Known) -> _Parcel | Refused:
    of = known.returns.get(request.return_id)
    if of is None:
        return NotFound(what="return", which=str(request.return_id))
    tracking, carrier = tracking_of(request.tracking), request.carrier.strip()
    if not tracking or not carrier:
        field, expected = (
            ("tracking", "the number on the parcel") if not tracking else ("carrier", "who brings it")
        )
        return Invalid(field=field, expected=expected, found="nothing")
    if (of.company, tracking) in known.taken:
        return Invalid(field="tracking", expected="a number that no parcel has yet", found=tracking)
    repairs = _going(request, of, known)
    if isinstance(repairs, Refused):
        return repairs
    refused = [one for one in known.refused if one.return_id == of.id]
    if not repairs and not refused:
        return errors.NothingToSend(number=of.number)
    if misfit := _misfit_units(repairs, of, known.there):
        return misfit
    _take(repairs, refused, of, known)
    known.taken.add((of.company, tracking))
    return _Parcel(ids.uuid7(), of, request, repairs, refused, request.occurred_at or cause.at)


def _going(request: SendBack, of: Return, known: _Known) -> list[_Repair] | Refused:
    """The repairs whose units go: those that were repaired, and others that are named."""
    own = {one.id: one for one in known.repairs if one.return_id == of.id}
    for which in request.unrepaired:
        if which not in own:
            return NotFound(what="repair", which=str(which))
        step = MACHINE.step(own[which].state, "send")
        if isinstance(step, Refused):
            return step
    return [one for one in own.values() if one.state == "repaired" or one.id in request.unrepaired]


def _misfit_units(repairs: Sequence[_Repair], of: Return, there: Mapping[At, int]) -> Refused | None:
    """Why units can't go: their money went already, or they are not there."""
    for line in of.lines.values():
        units = sum(one.quantity for one in repairs if one.line == line.id)
        if units > line.units.unpaid:
            return errors.NotThatMuch(number=of.number, what="units", wanted=units, left=line.units.unpaid)
    wanted: dict[At, int] = {}
    for one in repairs:
        wanted[one.at] = wanted.get(one.at, 0) + one.quantity
    for at, units in wanted.items():
        if units > there.get(at, 0):
            return NotThere(wanted=units, sku=str(at.sku), where=str(at.bin), found=there.get(at, 0))
    return None


def _take(repairs: Sequence[_Repair], refused: Sequence[_Refused], of: Return, known: _Known) -> None:
    """What goes in this parcel goes in no other of the batch."""
    gone = {one.id for one in repairs}
    for one in repairs:
        of.lines[one.line].repaired += one.quantity
        known.there[one.at] -= one.quantity
    known.repairs = [one._replace(state="sent") if one.id in gone else one for one in known.repairs]
    known.refused = [one for one in known.refused if one not in refused]


def _write(cause: Cause, parcels: Sequence[_Parcel]) -> None:
    who = cause.actor.name
    sql.write("returns_sentback", _SENT_BACK, [
        (
            one.id, one.of.company, one.of.id, one.request.carrier.strip(), tracking_of(one.request.tracking), "sent",
            who, one.at,
        )
        for one in parcels
    ])  # fmt: skip
    put = [(one, repair, ids.uuid7()) for one in parcels for repair in one.repairs]
    rows = [(disposition, one.id, repair.id) for one, repair, disposition in put]
    rows += [(each.disposition, one.id, None) for one in parcels for each in one.refused]  # type: ignore[misc]
    if put:
        _leave(cause, put)
    sql.write("returns_sentbackunits", ("disposition_id", "sent_back_id", "repair_id"), rows)
    announce(cause, [
        Event("return", one.of.id, one.of.company, "", "", one.at,
              {"sent_back": one.id, "units": one.units, "carrier": one.request.carrier.strip(),
               "tracking": tracking_of(one.request.tracking)})
        for one in parcels
    ])  # fmt: skip
    changed = {one.of.id: one.of for one in parcels}
    store(cause, changed.values(), {one.of.id: one.at for one in parcels})


def _leave(cause: Cause, put: Sequence[tuple[_Parcel, _Repair, UUID]]) -> None:
    """Units of repairs leave the house: their dispositions, the stock, the repairs, and what is owed for them."""
    moves = [
        Move(
            one.of.company, repair.at.sku, repair.quantity, repair.at, CUSTOMER, SEND_BACK, "return", one.of.id, one.at,
            rules.LEAVES[SEND_BACK], one.of.lines[repair.line].line,
        )
        for one, repair, _ in put
    ]  # fmt: skip
    values = move_units(cause, moves).values
    who = cause.actor.name
    sql.write("returns_disposition", _DISPOSITION, [
        (
            which, one.of.id, repair.line, repair.inspection, repair.quantity, SEND_BACK, repair.at.bin,
            repair.disposition, repair.state, who, one.at, value,
        )
        for (one, repair, which), value in zip(put, values, strict=True)
    ])  # fmt: skip
    hand_back(
        (one.of.order, one.of.lines[repair.line], repair.quantity, repair.read or repair.at.serial)
        for one, repair, _ in put
    )
    rows = [(repair.id, one.at) for one, repair, _ in put]
    sql.run(_SENT, sql.columns(("ids", "times"), rows))
    charge(cause, [
        Charge(repair.id, one.of.company, repair.currency, repair.price, repair.tax, one.at)
        for one, repair, _ in put if repair.state == "repaired" and repair.price
    ])  # fmt: skip
    announce(cause, [
        Event("repair", repair.id, one.of.company, repair.state, "sent", one.at, {"return": one.of.id})
        for one, repair, _ in put
    ])  # fmt: skip
    resolve_over(cause, [
        Over(one.of.company, FAILED, one.of.id, repair.id, one.at)
        for one, repair, _ in put if repair.state in UNREPAIRED
    ], "sent back")  # fmt: skip


_SENT_BACK = ("id", "company_id", "return_id", "carrier", "tracking", "state", "sent_by", "sent_at")
_DISPOSITION = (
    "id", "return_id", "return_line_id", "inspection_id", "quantity", "disposition", "bin_id", "earlier_id", "reason",
    "decided_by", "decided_at", "value_minor",
)  # fmt: skip

_REPAIRS = f"""
SELECT r.id, r.return_id, r.return_line_id, r.disposition_id, d.inspection_id, r.quantity, r.state, r.price_minor,
       r.tax_minor, r.currency::text, c.sku_id, c.node_id, d.bin_id, r.company_id::int, 'refurbish', c.lot, c.serial,
       i.serial
FROM returns_repair AS r JOIN returns_disposition AS d ON d.id = r.disposition_id
JOIN returns_inspection AS i ON i.id = d.inspection_id JOIN returns_receipt AS c ON c.id = i.receipt_id
WHERE r.return_id = ANY(%(returns)s::uuid[]) AND r.state NOT IN {repairing.ENDED}
ORDER BY r.id FOR UPDATE OF r
"""

_REFUSED = """
SELECT d.id, d.return_id, d.quantity FROM returns_disposition AS d
WHERE d.return_id = ANY(%(returns)s::uuid[]) AND d.disposition = 'send_back'
  AND NOT EXISTS (SELECT FROM returns_sentbackunits AS u WHERE u.disposition_id = d.id)
ORDER BY d.id
"""

_TAKEN = """
SELECT DISTINCT b.company_id::int, b.tracking
FROM unnest(%(companies)s::smallint[], %(trackings)s::text[]) AS d(company, tracking)
JOIN returns_sentback AS b ON b.company_id = d.company AND b.tracking = d.tracking
"""

_SENT = """
UPDATE returns_repair AS r SET state = 'sent', sent_at = d.at
FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) AS d(id, at) WHERE r.id = d.id
"""
