"""What was given for goods that left: a vendor's credit, a liquidator's payment, a receiver's certificate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, DutyTaken, take_duty
from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.returns import errors, onward
from entrepot.returns.onward import KINDS, Settled
from entrepot.returns.states import DEPARTURE
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

OVERDUE = "departure overdue"
"""The type of the work item about a departure of which nothing came in time."""


@dataclass(frozen=True, slots=True)
class SettleDeparture:
    """A credit note or payment: without `amount_minor` all that is owed still, 0 where nothing comes. `final`: no more
    will come; what differs from what is owed is a loss or gain then, and `note` says why. For a donation or disposal
    the receiver's certificate, by its number. `reference` is the number of the paper."""

    departure: UUID
    amount_minor: int | None = None
    reference: str = ""
    note: str = ""
    final: bool = True
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DepartureSettled:
    """All that was credited by now, and the loss (below 0) or gain that is posted."""

    departure: UUID
    state: str
    credited_minor: int
    difference_minor: int


class _Departure(NamedTuple):
    id: UUID
    number: str
    company: int
    kind: str
    state: str
    currency: str
    owed: int
    credited: int
    reference: str


class _Done(NamedTuple):
    of: _Departure
    request: SettleDeparture
    settled: Settled
    state: str
    at: datetime


@command("returns.settle_departures")
def settle_departures(
    cause: Cause, /, *, requests: Sequence[SettleDeparture]
) -> list[DepartureSettled | Refused]:
    """What was given for goods, taken off what is owed for them: a vendor's credit lessens what he is owed, a payment
    what the bank booked as received. What is missing at the end, or too much, is posted as a loss or gain.

    Whoever let the goods leave does not do this.
    Locks: the departures in id order; the balances.
    Refuses: NotFound; WrongState; Invalid (amount, no reference); returns.reason_needed (a difference);
    access.duties_apart. Again: by key. 11 statements at most.
    """
    found = {row[0]: _Departure(*row) for row in sql.run(_LOCK, {"ids": [one.departure for one in requests]})}
    decided = [_decide(cause, one, found) for one in requests]
    duties = [_duty(cause, one.of) for one in decided if isinstance(one, _Done)]
    taken = iter(take_duty(cause, requests=duties) if duties else [])
    answers: list[DepartureSettled | Refused] = []
    done: list[_Done] = []
    for one in decided:
        refused = one if isinstance(one, Refused) else next(taken)
        if isinstance(one, Refused) or not isinstance(refused, DutyTaken):
            assert isinstance(refused, Refused)
            answers.append(refused)
            continue
        done.append(one)
        settled = one.settled
        answers.append(DepartureSettled(one.of.id, one.state, settled.credited, settled.difference))
    if done:
        _write(cause, done)
    return answers


def _duty(cause: Cause, one: _Departure) -> Duty:
    return Duty(one.id, onward.DUTY, "credit", cause.actor.name, one.number)


def _decide(cause: Cause, request: SettleDeparture, found: dict[UUID, _Departure]) -> _Done | Refused:
    one = found.get(request.departure)
    if one is None:
        return NotFound(what="departure", which=str(request.departure))
    step = DEPARTURE.step(one.state, "settle")
    if isinstance(step, Refused):
        return step
    if not request.reference.strip() and request.amount_minor != 0:
        return Invalid(field="reference", expected="the number of the receiver's paper", found="nothing")
    if not KINDS[one.kind].account:
        if request.amount_minor is not None or not request.final:
            return Invalid(field="amount_minor", expected=Said("none for a {0}", one.kind), found="one")
        settled: Settled | Refused = Settled(0, 0, 0, True)
    else:
        settled = onward.settle(
            one.owed, one.credited, request.amount_minor, one.currency, final=request.final
        )
    if isinstance(settled, Refused):
        return settled
    if settled.difference and not request.note.strip():
        left = money.told(one.owed - one.credited, one.currency)
        return errors.ReasonNeeded(step="a difference", why=Said("{0} were owed still", left))
    state = step if settled.over else one.state
    # What comes next in the batch finds it as it is then.
    found[one.id] = one._replace(state=state, credited=settled.credited)
    return _Done(one, request, settled, state, request.occurred_at or cause.at)


def _write(cause: Cause, done: Sequence[_Done]) -> None:
    rows = {
        one.of.id: (
            one.of.id, one.state, one.settled.credited, one.request.reference.strip() or one.of.reference,
            one.request.note.strip(), one.at if one.settled.over else None,
        )
        for one in done
    }  # fmt: skip
    names = ("ids", "states", "credited", "refs", "notes", "times")
    sql.run(_SETTLE, {**sql.columns(names, list(rows.values())), "who": cause.actor.name})
    postings = [
        Posting(one.of.company, KINDS[one.of.kind].settled, "departure", one.of.id, one.of.currency, amounts, one.at)
        for one in done
        if (amounts := _amounts(one.settled)) and KINDS[one.of.kind].settled
    ]  # fmt: skip
    if postings:
        whole(post(cause, requests=postings))
    over = [
        ResolveSubject(one.of.company, OVERDUE, one.of.id, note="settled") for one in done if one.settled.over
    ]
    if over:
        resolve_subjects(cause, requests=over)
    announce(cause, [
        Event("departure", one.of.id, one.of.company, "gone", one.state, one.at,
              {"received_minor": one.settled.received, "difference_minor": one.settled.difference}, one.request.note)
        for one in done
    ])  # fmt: skip


def _amounts(settled: Settled) -> tuple[tuple[str, int], ...]:
    both = (("credit", settled.received), ("difference", settled.difference))
    return tuple((kind, amount) for kind, amount in both if amount)


_LOCK = """
SELECT d.id, d.number, d.company_id::int, d.kind, d.state, d.currency::text, d.owed_minor, d.credited_minor, d.reference
FROM returns_departure AS d WHERE d.id = ANY(%(ids)s::uuid[]) ORDER BY d.id FOR UPDATE
"""

_SETTLE = """
UPDATE returns_departure AS p SET state = d.state, credited_minor = d.credited, reference = d.ref, reason = d.note,
       settled_at = d.at, settled_by = %(who)s::text
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(credited)s::bigint[], %(refs)s::text[], %(notes)s::text[],
            %(times)s::timestamptz[]) AS d(id, state, credited, ref, note, at)
WHERE p.id = d.id
"""
