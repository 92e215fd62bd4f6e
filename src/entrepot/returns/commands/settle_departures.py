"""What was given for goods that left: a vendor's credit, a liquidator's payment, a receiver's certificate."""

from __future__ import annotations

from collections import defaultdict
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
from entrepot.returns import errors, lots, onward
from entrepot.returns.lots import Bought
from entrepot.returns.onward import KINDS, Settled
from entrepot.returns.states import DEPARTURE
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

OVERDUE = "departure overdue"
"""The type of the work item about a departure of which nothing came in time."""


@dataclass(frozen=True, slots=True)
class SettleDeparture:
    """A credit note or payment: without `amount_minor` all that is owed still, 0 where nothing comes. `final`: no more
    will come; what differs from what is owed is a loss or gain then, and `note` says why. `agreed`: what is missing of
    the price of a lot is not owed any more, and a credit note tells the buyer. For a donation or disposal
    the receiver's certificate, by its number. `reference` is the number of the paper."""

    departure: UUID
    amount_minor: int | None = None
    reference: str = ""
    note: str = ""
    final: bool = True
    occurred_at: datetime | None = None
    key: str | None = None
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class DepartureSettled:
    """All that was credited by now, and the loss (below 0) or gain that is posted: of a lot that costs less by
    agreement without the tax, which is not owed then."""

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
    buyer: UUID | None


class _Done(NamedTuple):
    of: _Departure
    request: SettleDeparture
    settled: Settled
    state: str
    at: datetime
    reduced: Sequence[tuple[UUID, Bought]] = ()  # what each item of a lot costs less

    @property
    def less(self) -> Bought:
        """What the lot costs less."""
        return Bought(sum(one.price for _, one in self.reduced), sum(one.tax for _, one in self.reduced))


@command("returns.settle_departures")
def settle_departures(
    cause: Cause, /, *, requests: Sequence[SettleDeparture]
) -> list[DepartureSettled | Refused]:
    """What was given for goods, taken off what is owed for them: a vendor's credit lessens what he is owed, a payment
    what the bank booked as received. What is missing at the end, or too much, is posted as a loss or gain; where it was
    agreed that a lot costs less, its tax is less too, and a credit note is written.

    Whoever let the goods leave does not do this.
    Locks: the departures in id order; the balances.
    Refuses: NotFound; WrongState; Invalid (amount, no reference, agreed); returns.reason_needed (a
    difference); access.duties_apart. Again: by key. 13 statements at most.
    """
    found = {row[0]: _Departure(*row) for row in sql.run(_LOCK, {"ids": [one.departure for one in requests]})}
    items = _items([one.departure for one in requests if one.agreed])
    decided = [_decide(cause, one, found, items) for one in requests]
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
        difference = settled.difference + one.less.tax
        answers.append(DepartureSettled(one.of.id, one.state, settled.credited, difference))
    if done:
        _write(cause, done)
    return answers


def _duty(cause: Cause, one: _Departure) -> Duty:
    return Duty(one.id, onward.DUTY, "credit", cause.actor.name, one.number)


def _items(lots_: Sequence[UUID]) -> dict[UUID, list[tuple[UUID, Bought]]]:
    """What each item of lots was sold at. 1 statement where there are any."""
    items: dict[UUID, list[tuple[UUID, Bought]]] = defaultdict(list)
    for lot, disposition, *bought in sql.run(_BOUGHT, {"ids": lots_}) if lots_ else ():
        items[lot].append((disposition, Bought(*bought)))
    return items


def _decide(
    cause: Cause,
    request: SettleDeparture,
    found: dict[UUID, _Departure],
    items: dict[UUID, list[tuple[UUID, Bought]]],
) -> _Done | Refused:
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
    if request.agreed and (one.buyer is None or settled.difference >= 0):
        owed = money.told(one.owed - one.credited, one.currency)
        expected = Said("less than the {0} that are owed for a lot with a buyer", owed)
        return Invalid(field="agreed", expected=expected, found=settled.received)
    own = items[one.id] if request.agreed else []
    less = lots.reduced(-settled.difference, [bought for _, bought in own]) if own else []
    state = step if settled.over else one.state
    # What comes next in the batch finds it as it is then.
    found[one.id] = one._replace(state=state, credited=settled.credited)
    reduced = [(disposition, of) for (disposition, _), of in zip(own, less, strict=True)]
    return _Done(one, request, settled, state, request.occurred_at or cause.at, reduced)


def _write(cause: Cause, done: Sequence[_Done]) -> None:
    rows = {
        one.of.id: (
            one.of.id, one.state, one.settled.credited, one.request.reference.strip() or one.of.reference,
            one.request.note.strip(), one.at if one.settled.over else None, sum(one.less), one.less.tax,
        )
        for one in done
    }  # fmt: skip
    names = ("ids", "states", "credited", "refs", "notes", "times", "reduced", "taxes")
    sql.run(_SETTLE, {**sql.columns(names, list(rows.values())), "who": cause.actor.name})
    less = [(one.of.id, disposition, *of) for one in done for disposition, of in one.reduced]
    if less:
        sql.run(_REDUCE, sql.columns(("departures", "dispositions", "prices", "taxes"), less))
    postings = [
        Posting(one.of.company, event, "departure", one.of.id, one.of.currency, amounts, one.at)
        for one in done
        for event, amounts in _amounts(one)
        if event and amounts
    ]
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


def _amounts(one: _Done) -> list[tuple[str, tuple[tuple[str, int], ...]]]:
    """By event, what is posted."""
    settled, less = one.settled, one.less
    difference = settled.difference + sum(less)
    return [
        (event, tuple((kind, amount) for kind, amount in both if amount))
        for event, both in (
            (KINDS[one.of.kind].settled, (("credit", settled.received), ("difference", difference))),
            ("liquidation.reduced", (("lot.goods", less.price), ("lot.tax", less.tax))),
        )
    ]


_LOCK = """
SELECT d.id, d.number, d.company_id::int, d.kind, d.state, d.currency::text, d.owed_minor, d.credited_minor,
       d.reference, d.buyer_id
FROM returns_departure AS d WHERE d.id = ANY(%(ids)s::uuid[]) ORDER BY d.id FOR UPDATE
"""

_SETTLE = """
UPDATE returns_departure AS p SET state = d.state, credited_minor = d.credited, reference = d.ref, reason = d.note,
       settled_at = d.at, settled_by = %(who)s::text, reduced_minor = d.reduced, reduced_tax_minor = d.tax
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(credited)s::bigint[], %(refs)s::text[], %(notes)s::text[],
            %(times)s::timestamptz[], %(reduced)s::bigint[], %(taxes)s::bigint[])
     AS d(id, state, credited, ref, note, at, reduced, tax)
WHERE p.id = d.id
"""

_BOUGHT = """
SELECT departure_id, disposition_id, price_minor, tax_minor FROM returns_departureitem
WHERE departure_id = ANY(%(ids)s::uuid[]) ORDER BY departure_id, disposition_id
"""

_REDUCE = """
UPDATE returns_departureitem AS i SET reduced_minor = d.price, reduced_tax_minor = d.tax
FROM unnest(%(departures)s::uuid[], %(dispositions)s::uuid[], %(prices)s::bigint[], %(taxes)s::bigint[])
     AS d(departure, disposition, price, tax)
WHERE i.departure_id = d.departure AND i.disposition_id = d.disposition
"""
