"""Goods that were gathered leave the house: shipped to their vendor, sold as a lot, or told of by a certificate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.returns import errors, lots, onward, rules
from entrepot.returns.commands.gathering import in_force
from entrepot.returns.commands.pricing_lots import Sold, terms_of
from entrepot.returns.lots import Bought, Item, Terms
from entrepot.returns.onward import KINDS, Onward
from entrepot.returns.states import DEPARTURE
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.move import At, Bucket, Move, lock_buckets, move_units
from entrepot.stock.errors import NotThere


@dataclass(frozen=True, slots=True)
class LeaveDeparture:
    """The goods are gone. `amount_minor` is the credit or the price that was agreed, of a lot without tax; without,
    what was expected, and of a vendor return that says nothing the value of the units in the books. `due_on`: by when
    what is awaited must have come; without, by the policy `returns.onward`. `reference` is the receiver's, as his
    authorization number."""

    departure: UUID
    amount_minor: int | None = None
    due_on: date | None = None
    reference: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DepartureLeft:
    """What the units were worth in the books, and what is owed for them, with the tax of a lot."""

    departure: UUID
    value_minor: int
    owed_minor: int
    due_on: date
    tax_minor: int = 0


class _Item(NamedTuple):
    departure: UUID
    disposition: UUID
    at: At
    quantity: int
    gone: int  # value, of what left with its disposition
    units: int  # of the disposition
    before: int  # units of it that were told of before
    category: str  # of the SKU, for its tax


class _Departure(NamedTuple):
    id: UUID
    number: str
    company: int
    kind: str
    state: str
    currency: str
    expected: int | None
    customer: UUID | None
    buyer: UUID | None


class _Leaving(NamedTuple):
    of: _Departure
    request: LeaveDeparture
    items: list[_Item]
    due: date
    at: datetime
    terms: Terms | None  # of a lot


class _Priced(NamedTuple):
    """What is owed for a departure: of a lot its price with the tax, by its items in order, and why that tax."""

    value: int
    owed: int
    tax: int = 0
    reason: str = ""
    bought: Sequence[Bought] = ()


@command("returns.leave_departures")
def leave_departures(cause: Cause, /, *, requests: Sequence[LeaveDeparture]) -> list[DepartureLeft | Refused]:
    """Departures whose goods have left. The value of vendor returns and lots moves from stock to what the vendor or
    liquidator owes, and what the agreed amount differs by is a gain or loss; what was donated or disposed of was
    written off with its disposition. A lot is sold at its price and the tax of its buyer's country, and invoiced.

    Whoever lets goods leave does not say later what was given for them: the database holds them to it.
    Locks: the departures in id order, then positions, buckets and balances as `stock.move_units`.
    Refuses: NotFound; WrongState; Invalid (amount, due_on, a buyer's tax number); returns.no_receiver (a lot without a
    buyer, or whose buyer was erased); stock.not_there; access.duties_apart. Again: by key. 33 statements at most.
    """
    found = {row[0]: _Departure(*row) for row in sql.run(_LOCK, {"ids": [one.departure for one in requests]})}
    items = _items(list(found))
    terms = terms_of(
        Sold(one.id, one.company, one.customer, one.buyer)
        for one in found.values() if one.buyer and one.customer and one.state == "open"
    )  # fmt: skip
    policies = in_force(cause, {one.company for one in found.values()})
    keys = {item.at for of in items.values() for item in of if item.at.status}
    lock_positions((key.owner, key.sku) for key in keys)
    buckets = lock_buckets(keys)
    there = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    answers: list[DepartureLeft | Refused] = []
    leaving: list[_Leaving] = []
    for request in requests:
        one = found.get(request.departure)
        decided = _decide(cause, request, one, items, policies, there, terms)
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        found[one.id] = decided.of._replace(state="gone")  # type: ignore[union-attr]
        leaving.append(decided)
        answers.append(DepartureLeft(decided.of.id, 0, 0, decided.due))
    if not leaving:
        return answers
    left = _write(cause, leaving, buckets)
    return [left[one.departure] if isinstance(one, DepartureLeft) else one for one in answers]


def _items(departures: Sequence[UUID]) -> dict[UUID, list[_Item]]:
    """The units of each departure, and where they stand: in no status where they left before. 2 statements."""
    sql.run(_LOCK_GATHERED, {"ids": departures})
    items: dict[UUID, list[_Item]] = defaultdict(list)
    for row in sql.run(_ITEMS, {"ids": departures}):
        departure, disposition, kind, sku, node, bin_id, owner, lot, serial, quantity, *rest = row
        where = At(sku, node, bin_id, owner, KINDS[kind].status, lot, serial)
        items[departure].append(_Item(departure, disposition, where, quantity, *rest))
    return items


def _decide(
    cause: Cause,
    request: LeaveDeparture,
    one: _Departure | None,
    items: dict[UUID, list[_Item]],
    policies: dict[int, Onward],
    there: dict[At, int],
    terms: Mapping[UUID, Terms],
) -> _Leaving | Refused:
    if one is None:
        return NotFound(what="departure", which=str(request.departure))
    step = DEPARTURE.step(one.state, "leave")
    if isinstance(step, Refused):
        return step
    at = request.occurred_at or cause.at
    due = request.due_on or at.date() + timedelta(days=policies[one.company].days(one.kind))
    if due < at.date():
        return Invalid(field="due_on", expected=Said("{0} or later", at.date()), found=str(due))
    amount = one.expected if request.amount_minor is None else request.amount_minor
    if request.amount_minor is not None and (request.amount_minor < 0 or not KINDS[one.kind].account):
        expected = "0 or more" if KINDS[one.kind].account else Said("none for a {0}", one.kind)
        found = money.told(request.amount_minor, one.currency)
        return Invalid(field="amount_minor", expected=expected, found=found)
    if one.kind == "liquidation" and amount is None:
        return Invalid(field="amount_minor", expected="the price of the lot", found="nothing")
    if one.kind == "liquidation" and one.id not in terms:
        return errors.NoReceiver(kind=one.kind, expected="a buyer. Withdraw it and gather it anew")
    to = terms.get(one.id)
    refused = lots.misfit_number(to.country, to.tax_number) if to else None
    if refused:
        return refused
    standing = [item for item in items[one.id] if item.at.status]
    wanted: dict[At, int] = defaultdict(int)
    for item in standing:
        wanted[item.at] += item.quantity
    for item in standing:
        if there.get(item.at, 0) < wanted[item.at]:
            return NotThere(
                wanted=item.quantity, sku=str(item.at.sku), where=Said('bin {0}', item.at.bin),
                found=there.get(item.at, 0),
            )  # fmt: skip
    for bucket, units in wanted.items():
        there[bucket] -= units
    return _Leaving(one, replace(request, amount_minor=amount), items[one.id], due, at, terms.get(one.id))


def _write(cause: Cause, leaving: Sequence[_Leaving], buckets: dict[At, Bucket]) -> dict[UUID, DepartureLeft]:
    who = cause.actor.name
    # Refused only where somebody took the other duty since we looked.
    whole(
        take_duty(
            cause, requests=[Duty(one.of.id, onward.DUTY, "send", who, one.of.number) for one in leaving]
        )
    )
    values = _take_out(cause, leaving, buckets)
    rows, worth, postings, left = [], [], [], {}
    for one in leaving:
        of, priced = one.of, _priced(one, values)
        left[of.id] = DepartureLeft(of.id, priced.value, priced.owed, one.due, priced.tax)
        rows.append((
            of.id, priced.value, priced.owed, one.due, one.request.reference.strip(), one.at, priced.tax,
            priced.reason,
        ))  # fmt: skip
        bought = priced.bought or [Bought(0, 0)] * len(one.items)
        worth += [
            (of.id, item.disposition, values[of.id, item.disposition], *each)
            for item, each in zip(one.items, bought, strict=True)
        ]
        amounts = _amounts(one, priced)
        if amounts:
            event = KINDS[of.kind].left
            postings.append(Posting(of.company, event, "departure", of.id, of.currency, amounts, one.at))
    names = ("ids", "values", "owed", "due", "refs", "times", "taxes", "reasons")
    sql.run(_LEAVE, {**sql.columns(names, rows), "who": who})
    sql.run(_WORTH, sql.columns(("departures", "dispositions", "values", "prices", "taxes"), worth))
    if postings:
        whole(post(cause, requests=postings))
    announce(cause, [
        Event("departure", one.of.id, one.of.company, "open", "gone", one.at,
              {"value_minor": left[one.of.id].value_minor, "owed_minor": left[one.of.id].owed_minor})
        for one in leaving
    ])  # fmt: skip
    return left


def _priced(one: _Leaving, values: Mapping[tuple[UUID, UUID], int]) -> _Priced:
    worth = [values[one.of.id, item.disposition] for item in one.items]
    value, amount = sum(worth), one.request.amount_minor
    if one.terms is None:
        owed = 0 if not KINDS[one.of.kind].account else value if amount is None else amount
        return _Priced(value, owed)
    assert amount is not None
    items = [Item(of.category, own, of.quantity) for of, own in zip(one.items, worth, strict=True)]
    bought, reason = lots.priced(amount, items, one.terms, one.at.date())
    tax = sum(each.tax for each in bought)
    return _Priced(value, amount + tax, tax, reason, bought)


def _amounts(one: _Leaving, priced: _Priced) -> tuple[tuple[str, int], ...]:
    """What is posted beside the value that left stock. A lot is posted with its price: its invoice tells of it."""
    if one.terms is None:
        differs = bool(KINDS[one.of.kind].left) and priced.owed != priced.value
        return (("difference", priced.owed - priced.value),) if differs else ()
    each = (("lot.goods", priced.owed - priced.tax), ("lot.tax", priced.tax), ("cost", priced.value))
    return tuple((kind, amount) for kind, amount in each if amount)


def _take_out(
    cause: Cause, leaving: Sequence[_Leaving], buckets: dict[At, Bucket]
) -> dict[tuple[UUID, UUID], int]:
    """The value of each item: of what leaves stock now by its moves, of what left before its part of that."""
    values: dict[tuple[UUID, UUID], int] = {}
    moved, moves = [], []
    told: dict[UUID, int] = {}
    for one in leaving:
        kind = KINDS[one.of.kind]
        for item in one.items:
            if not kind.status:
                before = told.get(item.disposition, item.before)
                told[item.disposition] = before + item.quantity
                values[item.departure, item.disposition] = rules.cost_of_units(
                    [(item.units, item.gone)], before, item.quantity
                )
                continue
            moved.append(item)
            moves.append(Move(
                one.of.company, item.at.sku, item.quantity, item.at, kind.place, kind.disposition, "departure",
                one.of.id, one.at, kind.event, item.disposition,
            ))  # fmt: skip
    for item, value in zip(moved, move_units(cause, moves, buckets).values, strict=True):
        values[item.departure, item.disposition] = value
    return values


_LOCK = """
SELECT d.id, d.number, d.company_id::int, d.kind, d.state, d.currency::text, d.expected_minor,
       d.customer_id, d.buyer_id
FROM returns_departure AS d WHERE d.id = ANY(%(ids)s::uuid[]) ORDER BY d.id FOR UPDATE
"""

# Two departures with units of one disposition leave one after the other, so that what they are worth adds up.
_LOCK_GATHERED = """
SELECT g.disposition_id FROM returns_gathered AS g WHERE g.disposition_id IN (
    SELECT disposition_id FROM returns_departureitem WHERE departure_id = ANY(%(ids)s::uuid[]))
ORDER BY g.disposition_id FOR UPDATE
"""

_ITEMS = """
SELECT i.departure_id, i.disposition_id, p.kind, i.sku_id, p.node_id, i.bin_id, p.company_id::int, i.lot, i.serial,
       i.quantity, d.value_minor, d.quantity,
       (SELECT COALESCE(sum(o.quantity), 0)::int FROM returns_departureitem AS o
        JOIN returns_departure AS q ON q.id = o.departure_id
        WHERE o.disposition_id = i.disposition_id AND q.state IN ('gone', 'settled')),
       k.category
FROM returns_departureitem AS i JOIN returns_departure AS p ON p.id = i.departure_id
JOIN returns_disposition AS d ON d.id = i.disposition_id
JOIN catalog_sku AS k ON k.id = i.sku_id
WHERE i.departure_id = ANY(%(ids)s::uuid[]) ORDER BY i.departure_id, i.disposition_id
"""

_LEAVE = """
UPDATE returns_departure AS p SET state = 'gone', value_minor = d.value, owed_minor = d.owed, due_on = d.due,
       reference = d.ref, left_by = %(who)s::text, left_at = d.at, tax_minor = d.tax, tax_reason = d.reason
FROM unnest(%(ids)s::uuid[], %(values)s::bigint[], %(owed)s::bigint[], %(due)s::date[], %(refs)s::text[],
            %(times)s::timestamptz[], %(taxes)s::bigint[], %(reasons)s::text[])
     AS d(id, value, owed, due, ref, at, tax, reason)
WHERE p.id = d.id
"""

_WORTH = """
UPDATE returns_departureitem AS i SET value_minor = d.value, price_minor = d.price, tax_minor = d.tax
FROM unnest(%(departures)s::uuid[], %(dispositions)s::uuid[], %(values)s::bigint[], %(prices)s::bigint[],
            %(taxes)s::bigint[]) AS d(departure, disposition, value, price, tax)
WHERE i.departure_id = d.departure AND i.disposition_id = d.disposition
"""
