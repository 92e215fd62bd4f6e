"""Hold on the customer's card what is given for a return before its goods are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.kernel.policies import of_companies
from entrepot.payments.commands.hold import AmountAsked, HoldAmount, hold
from entrepot.returns import errors, holding, refunding
from entrepot.returns.commands.facts import Facts, units_of
from entrepot.returns.commands.lock import Line, Return, lock_returns
from entrepot.returns.holding import Customer, InstantPolicy


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Give what a return is worth at once, if the policy lets it: its refund; or with a `refund`, the exchange that
    this pays for."""

    return_id: UUID
    refund: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """The hold, for so much: it is given when the provider says yes."""

    hold: UUID
    number: str
    amount_minor: int


class _Draft(NamedTuple):
    id: UUID
    number: str
    of: Return
    refund: UUID | None
    amount: int
    parts: tuple[tuple[Line, int, int], ...]
    """Line, units, and what is given for them."""
    weights: tuple[int, int, int]
    reasons: tuple[str, ...]
    version: int
    at: datetime
    due_at: datetime


class _Exchange(NamedTuple):
    """An exchange that waits for a hold, with what its units are worth: goods, shipping, tax."""

    return_id: UUID
    line: UUID
    units: int
    total: int
    amounts: tuple[int, int, int]


@command("returns.place_holds")
def place_holds(cause: Cause, /, *, requests: Sequence[PlaceHold]) -> list[HoldAsked | Refused]:
    """Amounts asked of the providers of the customers' cards. When one stands, `returns.settle_holds` gives what it is
    for; where it is declined, the usual milestone counts.

    Locks: the orders, then their payments, in id order.
    Refuses: NotFound; returns.under_review; returns.fraud_confirmed; returns.not_secured, with why. Again: by key;
    units are held for once. 26 statements at most.
    """
    found = lock_returns([one.return_id for one in requests])
    facts = Facts(cause, found)
    known = _Known(cause, found, requests)
    numbers = iter(ids.numbers("HO", len(requests)))
    answers: list[HoldAsked | Refused] = []
    drafts: dict[int, _Draft] = {}
    for place, request in enumerate(requests):
        draft = _decide(cause, request, found.get(request.return_id), facts, known, numbers)
        if isinstance(draft, _Draft):
            known.held |= {line.id for line, _, _ in draft.parts}
            drafts[place] = draft
            answers.append(HoldAsked(draft.id, draft.number, draft.amount))
        else:
            answers.append(draft)
    for place, refused in _write(cause, drafts).items():
        answers[place] = refused
    return answers


# ---- decide


class _Known:
    """Policies, customers, exchanges that wait, and lines that something is held for. 4 statements."""

    def __init__(self, cause: Cause, found: Mapping[UUID, Return], requests: Sequence[PlaceHold]) -> None:
        self.policies = of_companies({one.company for one in found.values()}, InstantPolicy, cause.at)
        params = {"returns": list(found), "refunds": [one.refund for one in requests if one.refund]}
        self.customers = {row[0]: Customer(*row[1:]) for row in sql.run(_CUSTOMERS, params)}
        self.exchanges = {
            row[0]: _Exchange(*row[1:5], tuple(row[5:]))  # type: ignore[call-arg]
            for row in sql.run(_EXCHANGES, params)
        }
        self.held: set[UUID] = set()
        self.asked: set[UUID] = set()
        for return_id, line in sql.run(_HELD, params):
            self.held |= {line} - {None}
            self.asked.add(return_id)


def _decide(
    cause: Cause, request: PlaceHold, one: Return | None, facts: Facts, known: _Known, numbers: Iterable[str]
) -> _Draft | Refused:
    if one is None:
        return NotFound(what="return", which=str(request.return_id))
    if (refused := one.held_back()) is not None:
        return refused
    kind = "exchange" if request.refund else "refund"
    worth = _of_exchange(request, one, known) if request.refund else _of_refund(one, facts, known)
    if isinstance(worth, str):
        return errors.NotSecured(number=one.number, why=worth)
    version, policy = known.policies[one.company]
    customer = known.customers[one.id]
    why = holding.objection(policy, kind, customer, worth.total, one.currency)
    if why:
        return errors.NotSecured(number=one.number, why=why)
    reasons = (
        f"{money.told(worth.total, one.currency)} given before the goods are back",
        f"tier {customer.tier or 'none'}, {customer.earlier} earlier orders, {customer.taken} holds taken",
    )
    return _Draft(
        ids.uuid7(), next(iter(numbers)), one, request.refund, worth.total, worth.parts, worth.weights, reasons,
        version, cause.at, cause.at + timedelta(days=policy.due_days),
    )  # fmt: skip


class _Worth(NamedTuple):
    total: int
    parts: tuple[tuple[Line, int, int], ...]
    weights: tuple[int, int, int]


def _of_refund(one: Return, facts: Facts, known: _Known) -> _Worth | str:
    """What all units of a return are refunded with, or why nothing is held for them."""
    if one.asked != "refund":
        return f"{one.asked.replace('_', ' ')} is asked for"
    if one.state != "authorized":
        return f"it is {one.state}, and no longer only authorized"
    if one.id in known.asked:
        return "a hold was asked for before"
    wanted = [(line, line.left) for line in one.lines.values()]
    wanted = [(line, units) for line, units in wanted if units]
    due = refunding.refund(
        facts.sold[one.order], units_of(wanted),
        facts.terms(one), facts.charged(one),
    )  # fmt: skip
    if not wanted or due.total > facts.left.get(one.order, 0):
        return "less is left of what was captured" if wanted else "it is refunded already"
    nets = [part.goods + part.tax + part.shipping - part.fee for part in due.parts]
    shares = money.share(due.total, nets)
    parts = tuple((line, units, minor) for (line, units), minor in zip(wanted, shares, strict=True))
    return _Worth(due.total, parts, (due.goods, due.shipping, due.tax))


def _of_exchange(request: PlaceHold, one: Return, known: _Known) -> _Worth | str:
    """What the units of an exchange are worth, or why nothing is held for them."""
    waits = known.exchanges.get(request.refund) if request.refund else None
    if waits is None or waits.return_id != one.id:
        return "no exchange of it waits for that"
    if waits.line in known.held:
        return "something is held for units of the same line"
    line = one.lines[waits.line]
    return _Worth(waits.total, ((line, waits.units, waits.total),), waits.amounts)


# ---- write


def _write(cause: Cause, drafts: Mapping[int, _Draft]) -> dict[int, Refused]:
    """Ask for the amounts, and write what is asked for; by request, what can't be."""
    if not drafts:
        return {}
    asked = hold(cause, requests=[
        HoldAmount(one.of.order, one.id, one.amount, one.of.currency) for one in drafts.values()
    ])  # fmt: skip
    payments: dict[UUID, UUID] = {}
    refused: dict[int, Refused] = {}
    for (place, one), answer in zip(drafts.items(), asked, strict=True):
        if isinstance(answer, AmountAsked):
            payments[one.id] = answer.payment
        else:
            refused[place] = errors.NotSecured(
                number=one.of.number, why="the order was not paid by card, or the card is not known"
            )
    standing = [one for one in drafts.values() if one.id in payments]
    sql.write("returns_hold", _HOLD, [
        (
            one.id, one.number, one.of.company, one.of.id, one.refund, "exchange" if one.refund else "refund",
            one.of.currency, one.amount, *one.weights, payments[one.id], "asked", wire.dump(one.reasons), one.version,
            one.at, one.due_at,
        )
        for one in standing
    ])  # fmt: skip
    sql.write("returns_holdline", ("hold_id", "return_line_id", "units", "minor"), [
        (one.id, line.id, units, minor) for one in standing for line, units, minor in one.parts
    ])  # fmt: skip
    announce(cause, [
        Event("card_hold", one.id, one.of.company, "", "asked", one.at,
              {"return": one.of.id, "number": one.number, "amount_minor": one.amount})
        for one in standing
    ])  # fmt: skip
    return refused


_HOLD = (
    "id", "number", "company_id", "return_id", "refund_id", "kind", "currency", "amount_minor", "goods_minor",
    "shipping_minor", "tax_minor", "payment_id", "state", "reasons", "policy_version", "placed_at", "due_at",
)  # fmt: skip

_CUSTOMERS = """
SELECT r.id, r.customer_id IS NOT NULL, COALESCE(c.tier, ''),
       (SELECT count(*)::int FROM orders_order AS o
        WHERE o.customer_id = r.customer_id AND o.id <> r.order_id AND o.status IN ('shipped', 'delivered')),
       (SELECT count(*)::int FROM returns_hold AS h JOIN returns_return AS p ON p.id = h.return_id
        WHERE p.customer_id = r.customer_id AND h.state IN ('taking', 'taken', 'failed')
          AND h.taken_minor > h.returned_minor)
FROM returns_return AS r LEFT JOIN parties_customer AS c ON c.id = r.customer_id
WHERE r.id = ANY(%(returns)s::uuid[])
"""

_EXCHANGES = """
SELECT x.refund_id, x.return_id, x.return_line_id, x.quantity, f.total_minor, f.goods_minor, f.shipping_minor,
       f.tax_minor
FROM returns_exchange AS x JOIN returns_refund AS f ON f.id = x.refund_id
WHERE x.refund_id = ANY(%(refunds)s::uuid[]) AND x.state = 'agreed' AND x.send_at = 'secured'
"""

_HELD = """
SELECT h.return_id, CASE WHEN l.lives THEN l.return_line_id END
FROM returns_hold AS h JOIN returns_holdline AS l ON l.hold_id = h.id
WHERE h.return_id = ANY(%(returns)s::uuid[])
"""
