"""Repairs for customers: offered, agreed to or declined, and settled otherwise where they came to nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.ledger.currency_queries import rate_on
from entrepot.returns import errors, onward, repairing
from entrepot.returns.commands.dispose import never_back
from entrepot.returns.commands.gathering import Number, counted, draw, lock_waiting, take
from entrepot.returns.commands.lock import Return, lock_returns, store
from entrepot.returns.commands.note_arrivals import LOST
from entrepot.returns.commands.over import Over, resolve_over
from entrepot.returns.commands.repair_work import FAILED, Charge, charge
from entrepot.returns.commands.work_orders import Planned, plan_work
from entrepot.returns.onward import Waits
from entrepot.returns.repairing import ENDED, INSTEAD, Repairs
from entrepot.returns.rules import OURS, REASONS, REPAIR
from entrepot.returns.states import FINAL
from entrepot.returns.states import REPAIR as MACHINE
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class OfferRepair:
    """Units of a disposition `repair`, and what is to be done with them.

    `payer` is one of `repairing.PAYERS`; '' is whoever the policy `returns.repairs` says. Where the customer pays, he
    is asked to agree to `price_minor`, with the tax and in the currency of his order; else the work is ordered at once.
    """

    company: int
    disposition: UUID
    quantity: int
    plan: str
    payer: str = ""
    price_minor: int = 0
    told: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RepairOffered:
    """`state` is offered, or agreed where the house pays."""

    repair: UUID
    number: str
    state: str
    payer: str


@dataclass(frozen=True, slots=True)
class AnswerRepair:
    """The customer agrees to the price, or not."""

    repair: UUID
    agrees: bool
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RepairAnswered:
    repair: UUID
    state: str


@dataclass(frozen=True, slots=True)
class SettleRepair:
    """What was agreed on with the customer instead of a repair, and why; without a `repair`, of a return of which none
    was offered, `return_id`."""

    repair: UUID | None
    instead: str
    reason: str
    key: str | None = None
    return_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RepairSettled:
    repair: UUID | None
    instead: str


class _About(NamedTuple):
    """What is known of a disposition that is to be repaired: its return, who is at fault, and what was paid."""

    return_id: UUID
    line: UUID
    number: str
    asked: str
    reason: str
    days: int | None  # since its delivery; None where nobody asked, and nobody knows
    conforms: bool
    currency: str
    paid: int
    tax: int


class _Offer(NamedTuple):
    id: UUID
    request: OfferRepair
    about: _About
    payer: str
    of: Waits

    @property
    def state(self) -> str:
        return "offered" if self.payer == "customer" else "agreed"


@command("returns.offer_repairs")
def offer_repairs(cause: Cause, /, *, requests: Sequence[OfferRepair]) -> list[RepairOffered | Refused]:
    """Repairs with their numbers, and work orders for those that the house pays. The units stay where they are.

    Locks: the orders in id order, the dispositions, then the series of numbers.
    Refuses: NotFound; Invalid (quantity, no plan, payer, price, no disposition to repair); WrongState (something else
    was agreed on); returns.more_than_waits; returns.not_that_much (units were refunded or refused meanwhile);
    returns.repair_is_free. Again: by key. 15 statements.
    """
    which = [one.disposition for one in requests]
    returns = lock_returns([row[0] for row in sql.run(_RETURNS_WITH, {"ids": which})])
    waits = lock_waiting(which)
    about = {row[0]: _About(*row[1:]) for row in sql.run(_ABOUT, {"ids": which})}
    rules = policies.of_companies({one.company for one in waits.values()}, Repairs, cause.at)
    decided: list[_Offer | Refused] = []
    for request in requests:
        one = _decide(request, waits, about, rules, returns)
        decided.append(one)
        if isinstance(one, _Offer):
            waits[one.of.id] = one.of._replace(taken=one.of.taken + request.quantity)
            returns[one.about.return_id].lines[one.about.line].repairing += request.quantity
    offers = [one for one in decided if isinstance(one, _Offer)]
    numbers = _write(cause, offers) if offers else {}
    return [
        RepairOffered(one.id, numbers[one.id], one.state, one.payer) if isinstance(one, _Offer) else one
        for one in decided
    ]


def _decide(
    request: OfferRepair,
    waits: Mapping[UUID, Waits],
    about: Mapping[UUID, _About],
    rules: Mapping[int, tuple[int, Repairs]],
    returns: Mapping[UUID, Return],
) -> _Offer | Refused:
    payer = _payer(request, waits, about, rules)
    if isinstance(payer, Refused):
        return payer
    one = waits[request.disposition]
    of = about[one.id]
    refused = _misfit_units(request, one, of, returns[of.return_id])
    return refused or _Offer(ids.uuid7(), request, of, payer, one)


def _payer(
    request: OfferRepair,
    waits: Mapping[UUID, Waits],
    about: Mapping[UUID, _About],
    rules: Mapping[int, tuple[int, Repairs]],
) -> str | Refused:
    """Who pays for a repair that can be offered."""
    one = waits.get(request.disposition)
    if one is None or one.company != request.company:
        return NotFound(what="disposition", which=str(request.disposition))
    if one.disposition != REPAIR:
        return Invalid(field="disposition", expected=REPAIR, found=one.disposition)
    of = about[one.id]
    if of.asked != REPAIR:
        return WrongState(
            subject="return", found=of.asked, event="repair", expected="one that asks for a repair"
        )
    if not request.plan.strip():
        return Invalid(field="plan", expected="what is to be done", found="nothing")
    ours = REASONS[of.reason].group in OURS
    payer = request.payer or rules[one.company][1].payer(of.days, ours=ours, conforms=of.conforms)
    if not payer:
        expected = Said("one of {0}: nobody knows when it was delivered", ", ".join(repairing.PAYERS))
        return Invalid(field="payer", expected=expected, found="nothing")
    refused = repairing.misfit_offer(payer, request.price_minor, of.number, conforms=of.conforms)
    return refused or payer


def _misfit_units(request: OfferRepair, one: Waits, of: _About, on: Return) -> Refused | None:
    """Why so many units can't be repaired: there are not so many, or something else has become of them."""
    if refused := onward.misfit_units([(one.id, request.quantity)], {one.id: one}):
        return refused
    left = on.lines[of.line].undecided
    if request.quantity > left:
        return errors.NotThatMuch(number=of.number, what="units", wanted=request.quantity, left=left)
    return None


def _write(cause: Cause, offers: Sequence[_Offer]) -> dict[UUID, str]:
    take(counted((one.request.disposition, one.request.quantity) for one in offers))
    numbers = dict(zip(
        (one.id for one in offers), draw(cause, [(one.request.company, onward.REPAIRS) for one in offers]), strict=True
    ))  # fmt: skip
    free = [one for one in offers if one.state == "agreed"]
    orders = plan_work(cause, [_planned(one) for one in free])
    planned = {one.id: made.work_order for one, made in zip(free, orders, strict=True)}
    sql.write(
        "returns_repair", _REPAIR, [_row(cause, one, numbers[one.id], planned.get(one.id)) for one in offers]
    )
    announce(cause, [
        Event("repair", one.id, one.request.company, "", one.state, None,
              {"return": one.about.return_id, "units": one.request.quantity, "payer": one.payer,
               "price_minor": one.request.price_minor}, one.request.plan.strip())
        for one in offers
    ])  # fmt: skip
    return {which: number.text for which, number in numbers.items()}


def _planned(one: _Offer) -> Planned:
    return Planned(one.of, one.request.quantity, one.request.plan.strip())


def _row(cause: Cause, one: _Offer, number: Number, work_order: UUID | None) -> tuple[object, ...]:
    request, about = one.request, one.about
    tax = repairing.tax_within(request.price_minor, about.tax, about.paid)
    return (
        one.id, number.text, request.company, number.year, number.sequence, about.return_id, about.line,
        request.disposition, request.quantity, request.plan.strip(), one.payer, about.currency, request.price_minor,
        tax, one.state, work_order, request.told.strip(), cause.actor.name, cause.at,
    )  # fmt: skip


# ---- what the customer says to a price


class _Found(NamedTuple):
    """A repair under lock."""

    id: UUID
    company: int
    return_id: UUID
    disposition: UUID
    quantity: int
    plan: str
    state: str
    line: UUID
    currency: str
    price: int
    tax: int
    charged: bool
    rate: Decimal | None  # of the day on which it was charged; None in the company's own currency


@command("returns.answer_repairs")
def answer_repairs(cause: Cause, /, *, requests: Sequence[AnswerRepair]) -> list[RepairAnswered | Refused]:
    """Prices of repairs, agreed to or declined: what was agreed to is ordered of the workshop; units of what was
    declined can go back as they are.

    Locks: the repairs in id order, then the dispositions and the series of numbers. Refuses: NotFound; WrongState.
    Again: by key. 11 statements at most.
    """
    found = _lock([one.repair for one in requests])
    answers: list[RepairAnswered | Refused] = []
    steps: list[tuple[_Found, str]] = []
    for request in requests:
        one = found.get(request.repair)
        if one is None:
            answers.append(NotFound(what="repair", which=str(request.repair)))
            continue
        after = MACHINE.step(one.state, "agree" if request.agrees else "decline")
        if isinstance(after, Refused):
            answers.append(after)
            continue
        found[one.id] = one._replace(state=after)
        steps.append((one, after))
        answers.append(RepairAnswered(one.id, after))
    if steps:
        _answered(cause, steps)
    return answers


def _answered(cause: Cause, steps: Sequence[tuple[_Found, str]]) -> None:
    agreed = [one for one, after in steps if after == "agreed"]
    waits = lock_waiting([one.disposition for one in agreed]) if agreed else {}
    orders = plan_work(cause, [Planned(waits[one.disposition], one.quantity, one.plan) for one in agreed])
    work = {one.id: made.work_order for one, made in zip(agreed, orders, strict=True)}
    rows = [(one.id, after, work.get(one.id)) for one, after in steps]
    sql.run(_ANSWERED, {
        **sql.columns(("ids", "states", "orders"), rows), "who": cause.actor.name, "at": cause.at,
    })  # fmt: skip
    announce(cause, [
        Event("repair", one.id, one.company, one.state, after, None, {"return": one.return_id})
        for one, after in steps
    ])  # fmt: skip
    declined = [one for one, after in steps if after == "declined"]
    if declined:
        open_items(cause, requests=[
            OpenItem(
                company=one.company, type=FAILED, subject_kind="return", subject=one.return_id,
                reason=Said("The price of a repair was declined. Send it back as it is, or agree with the customer what"
                            " he gets instead."),
                role="customer service", facts={"return": one.return_id, "repair": one.id}, dedupe=str(one.id),
            )
            for one in declined
        ])  # fmt: skip


# ---- something else instead


class _Settling(NamedTuple):
    """What was agreed on, of which return, and instead of which repair as it was found."""

    request: SettleRepair
    of: Return
    repair: _Found | None


@command("returns.settle_repairs")
def settle_repairs(cause: Cause, /, *, requests: Sequence[SettleRepair]) -> list[RepairSettled | Refused]:
    """Repairs that came to nothing, and what was agreed on instead: that is what the return asks for from then on, and
    the units are the house's, to be refurbished or scrapped. Of units that were lost on their way back to their
    customer nothing is left, and nothing is asked for their repair.

    Locks: the orders in id order, the repairs, then the dispositions. Refuses: NotFound; Invalid (instead, another one
    than for others of the return); WrongState; returns.reason_needed; returns.no_customer (store credit);
    returns.more_than_sold (what was lost is to be returned once more); returns.repairs_open (others of the return are
    repaired still). Again: by key. 15 statements at most; 30 more where units were lost.
    """
    wanted = [one.repair for one in requests if one.repair]
    named = [one.return_id for one in requests if one.return_id and not one.repair]
    returns = lock_returns([*named, *(row[0] for row in sql.run(_RETURNS_OF, {"ids": wanted}))])
    found = {row[0]: _Found(*row) for row in sql.run(_LOCK_ALL, {"ids": wanted, "returns": list(returns)})}
    lost = any(one.state == "lost" for one in found.values())
    room = dict(sql.run(_ROOM, {"returns": list(returns)})) if lost else {}
    agreed: dict[UUID, str] = {}
    decided: list[_Settling | Refused] = []
    for request in requests:
        one = _settling(request, found, returns, agreed, room)
        decided.append(one)
        if isinstance(one, Refused):
            continue
        agreed[one.of.id] = request.instead
        if one.repair:
            found[one.repair.id] = one.repair._replace(state="settled")
    left = counted((one.return_id, one.quantity) for one in found.values() if one.state not in ENDED)
    answers: list[RepairSettled | Refused] = []
    settling: list[_Settling] = []
    for one in decided:
        if isinstance(one, Refused):
            answers.append(one)
        elif units := left.get(one.of.id):
            # What is asked for holds for these as well.
            answers.append(errors.RepairsOpen(number=one.of.number, units=units))
        else:
            settling.append(one)
            answers.append(RepairSettled(one.request.repair, one.request.instead))
    if settling:
        _settled(cause, settling, returns)
    return answers


def _settling(
    request: SettleRepair,
    found: Mapping[UUID, _Found],
    returns: Mapping[UUID, Return],
    agreed: Mapping[UUID, str],
    room: dict[UUID, int],
) -> _Settling | Refused:
    one = found.get(request.repair) if request.repair else None
    named = request.return_id if request.repair is None else one and one.return_id
    of = returns.get(named) if named else None
    if of is None:
        which = str(request.repair or request.return_id or "")
        return NotFound(what="return" if request.return_id and not request.repair else "repair", which=which)
    refused = _misfit_instead(request, one, of, agreed)
    if one:
        refused = refused or _asked_again(one, room)
    return refused or _Settling(request, of, one)


def _asked_again(one: _Found, room: dict[UUID, int]) -> Refused | None:
    """Why lost units can't count as returned: their customer asks to return them once more."""
    if one.state != "lost":
        return None
    if one.quantity > room[one.line]:
        return errors.MoreThanSold(line=str(one.line), wanted=one.quantity, left=room[one.line])
    room[one.line] -= one.quantity
    return None


def _misfit_instead(
    request: SettleRepair, one: _Found | None, of: Return, agreed: Mapping[UUID, str]
) -> Refused | None:
    if refused := _too_late(one, of, agreed):
        return refused
    if request.instead not in INSTEAD:
        return Invalid(field="instead", expected=one_of(INSTEAD), found=request.instead)
    if request.instead == "store_credit" and of.customer is None:
        return errors.NoCustomer(order=of.number)
    if not request.reason.strip():
        return errors.ReasonNeeded(step="something else than a repair", why="the customer agreed to it")
    # What was agreed on before goes for all that is not paid for: another answer would take the place of that one.
    waits = of.asked != REPAIR and any(line.undecided for line in of.lines.values())
    if (other := agreed.get(of.id, of.asked if waits else request.instead)) != request.instead:
        expected = Said("{0}, as for the other repairs of the return", other)
        return Invalid(field="instead", expected=expected, found=request.instead)
    return None


def _too_late(one: _Found | None, of: Return, agreed: Mapping[UUID, str]) -> Refused | None:
    """Why nothing else can be agreed on any more, or not yet."""
    if one:
        step = MACHINE.step(one.state, "settle")
        return step if isinstance(step, Refused) else None
    if of.state in ("requested", *FINAL):
        expected = "authorized or further"
        return WrongState(subject="return", found=of.state, event="settle", expected=expected)
    asked = agreed.get(of.id, of.asked)
    if asked != REPAIR:
        return WrongState(
            subject="return", found=asked, event="settle", expected="one that asks for a repair"
        )
    return None


def _settled(cause: Cause, settling: Sequence[_Settling], returns: Mapping[UUID, Return]) -> None:
    settled = [(one.repair, one.request) for one in settling if one.repair]
    freed = counted((one.disposition, -one.quantity) for one, _ in settled if one.state != "lost")
    if freed:
        lock_waiting(list(freed))
        take(freed)
    _never_came(cause, [one for one, _ in settled if one.state == "lost"], returns)
    rows = [(one.id, request.reason.strip()) for one, request in settled]
    sql.run(_SETTLED, {**sql.columns(("ids", "told"), rows), "at": cause.at})
    asked = {one.of.id: one.request.instead for one in settling}
    sql.run(_ASKED, {**sql.columns(("ids", "asked"), list(asked.items())), "at": cause.at})
    announce(cause, [
        Event("repair", one.id, one.company, one.state, "settled", None,
              {"return": one.return_id, "instead": request.instead}, request.reason.strip())
        for one, request in settled
    ])  # fmt: skip
    announce(cause, [
        Event("return", one.of.id, one.of.company, "", "", None,
              {"before": REPAIR, "instead": one.request.instead}, one.request.reason.strip())
        for one in settling if not one.repair
    ])  # fmt: skip
    # A parcel that was lost may have held several repairs: it is asked about until all of them are settled.
    resolve_over(cause, [
        Over(one.company, FAILED, one.return_id, one.id, cause.at) for one, _ in settled if one.state != "lost"
    ] + [
        Over(company, LOST, return_id, parcel, cause.at)
        for company, return_id, parcel in sql.run(_MADE_GOOD, {"ids": [one.id for one, _ in settled]})
    ], "something else was agreed on")  # fmt: skip
    given = [which for which, instead in asked.items() if instead != "exchange"]
    offer("decide_refund", [(which, 0, cause.at) for which in given])


def _never_came(cause: Cause, lost: Sequence[_Found], returns: Mapping[UUID, Return]) -> None:
    """Units that were lost on their way back are returned, as if they had stayed; nothing is owed for their repair."""
    if not lost:
        return
    for one in lost:
        returns[one.return_id].lines[one.line].repaired -= one.quantity
    never_back((returns[one.return_id].lines[one.line].line, one.quantity) for one in lost)
    charge(cause, [
        Charge(one.id, one.company, one.currency, -one.price, -one.tax, cause.at, one.rate)
        for one in lost if one.charged
    ])  # fmt: skip
    store(cause, {one.return_id: returns[one.return_id] for one in lost}.values(), {})


def _lock(repairs: Sequence[UUID]) -> dict[UUID, _Found]:
    return {row[0]: _Found(*row) for row in sql.run(_LOCK, {"ids": repairs})}


_REPAIR = (
    "id", "number", "company_id", "year", "sequence", "return_id", "return_line_id", "disposition_id", "quantity",
    "plan", "payer", "currency", "price_minor", "tax_minor", "state", "work_order_id", "told", "opened_by", "opened_at",
)  # fmt: skip

_ABOUT = """
SELECT d.id, d.return_id, d.return_line_id, r.number, r.asked, l.reason,
       COALESCE(CASE t.counted_from WHEN 'delivery' THEN t.days END, s.days),
       COALESCE(t.conforms, FALSE), r.currency, o.gross_minor - o.discount_minor + o.shipping_minor + o.tax_minor,
       o.tax_minor
FROM returns_disposition AS d JOIN returns_return AS r ON r.id = d.return_id
JOIN returns_line AS l ON l.id = d.return_line_id JOIN orders_line AS o ON o.id = l.line_id
LEFT JOIN returns_terms AS t ON t.return_line_id = l.id
LEFT JOIN LATERAL (
    SELECT GREATEST(floor(EXTRACT(epoch FROM r.requested_at - COALESCE(h.delivered_at, h.shipped_at)) / 86400), 0)::int
           AS days
    FROM shipping_shipment AS h WHERE h.order_id = r.order_id ORDER BY h.id DESC LIMIT 1) AS s ON TRUE
WHERE d.id = ANY(%(ids)s::uuid[])
"""

_RETURNS_WITH = "SELECT DISTINCT return_id FROM returns_disposition WHERE id = ANY(%(ids)s::uuid[])"

_RETURNS_OF = "SELECT DISTINCT return_id FROM returns_repair WHERE id = ANY(%(ids)s::uuid[])"

_FOUND = f"""
SELECT r.id, r.company_id::int, r.return_id, r.disposition_id, r.quantity, r.plan, r.state, r.return_line_id,
       r.currency::text, r.price_minor, r.tax_minor, r.price_minor > 0 AND EXISTS (
           SELECT FROM returns_sentbackunits AS u JOIN returns_disposition AS d ON d.id = u.disposition_id
           WHERE u.repair_id = r.id AND d.reason = 'repaired'),
       {rate_on("r.company_id", "r.currency", "(r.sent_at AT TIME ZONE 'UTC')::date")}
FROM returns_repair AS r"""

_LOCK = f"{_FOUND} WHERE r.id = ANY(%(ids)s::uuid[]) ORDER BY r.id FOR UPDATE OF r"


_ANSWERED = """
UPDATE returns_repair AS r SET state = d.state, work_order_id = d.work_order, answered_by = %(who)s::text,
       answered_at = %(at)s::timestamptz,
       done_at = CASE d.state WHEN 'declined' THEN %(at)s::timestamptz END
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(orders)s::uuid[]) AS d(id, state, work_order) WHERE r.id = d.id
"""

_LOCK_ALL = f"""{_FOUND}
WHERE r.return_id = ANY(%(returns)s::uuid[]) AND (r.state NOT IN {repairing.ENDED} OR r.id = ANY(%(ids)s::uuid[]))
ORDER BY r.id FOR UPDATE OF r
"""

# Somebody may have asked to return once more what was lost on its way back.
_ROOM = """
SELECT l.id, s.shipped - s.authorized FROM returns_line AS l JOIN returns_sold AS s ON s.line_id = l.line_id
WHERE l.return_id = ANY(%(returns)s::uuid[])
"""

_SETTLED = """
UPDATE returns_repair AS r SET state = 'settled', told = d.told, ended_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(told)s::text[]) AS d(id, told) WHERE r.id = d.id
"""

_MADE_GOOD = """
SELECT b.company_id::int, b.return_id, b.id FROM returns_sentback AS b
WHERE b.id IN (SELECT sent_back_id FROM returns_sentbackunits WHERE repair_id = ANY(%(ids)s::uuid[]))
  AND b.state = 'lost'
  AND NOT EXISTS (SELECT FROM returns_sentbackunits AS u LEFT JOIN returns_repair AS r ON r.id = u.repair_id
                  WHERE u.sent_back_id = b.id AND r.state IS DISTINCT FROM 'settled')
"""

_ASKED = """
UPDATE returns_return AS r SET asked = d.asked, changed_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(asked)s::text[]) AS d(id, asked) WHERE r.id = d.id
"""
