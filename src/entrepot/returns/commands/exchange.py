"""Something else is sent for what comes back: an order of its own, paid with what the old one was worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.kernel.policies import of_companies
from entrepot.returns import errors, exchanging, refunding
from entrepot.returns.commands.facts import Facts, units_of
from entrepot.returns.commands.lock import Line, Return, lock_returns, store
from entrepot.returns.commands.refund import REFUND, REFUND_LINE, count
from entrepot.returns.commands.replace import Wanted, replace_goods
from entrepot.returns.exchanging import Goods, Replacement
from entrepot.returns.rules import ExchangePolicy, SendAtSaid


@dataclass(frozen=True, slots=True)
class Exchange:
    """Units of a return line are to be replaced by as many of a SKU. Of the same list price it is an even exchange, at
    the price as sold; another costs its list price, or a `unit_price` for a reason."""

    return_id: UUID
    line: UUID
    quantity: int
    sku: str
    unit_price: Decimal | None = None
    reason: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The refund that pays for it, what that is worth, what the replacement costs, and its order where it is placed.

    What it costs above the worth is to be paid for that order; what it costs less is given back when it is settled.
    """

    refund: UUID
    number: str
    worth_minor: int
    costs_minor: int
    even: bool
    order: UUID | None
    order_number: str


class _Draft(NamedTuple):
    """An exchange that will be written."""

    id: UUID
    number: str
    of: Return
    line: Line
    request: Exchange
    sku: UUID
    sum: refunding.Sum
    replacement: Replacement
    policy: ExchangePolicy
    most: int | None
    version: int
    at: datetime


@command("returns.exchange")
def exchange(cause: Cause, /, *, requests: Sequence[Exchange]) -> list[Exchanged | Refused]:
    """Exchanges agreed: what the units were paid with is set aside for a replacement, which is an order of its own. It
    is sent when what comes back has come as far as its terms say (`returns.settle_exchanges`).

    Locks: the orders, then their payments, in id order.
    Refuses: NotFound (return, line, SKU); Invalid; WrongState; returns.not_that_much (units; money);
    returns.not_offered; returns.reason_needed; returns.not_exchangeable; returns.under_review;
    returns.fraud_confirmed; returns.repairs_open. Again: by key. 26 statements, and those of `orders.place` where the
    policy reserves.
    """
    found = lock_returns([one.return_id for one in requests])
    facts = Facts(cause, found)
    policies = of_companies({one.company for one in found.values()}, ExchangePolicy, cause.at)
    goods = _goods(found, requests)
    numbers = iter(ids.numbers("RF", len(requests)))

    decided: list[_Draft | Refused] = []
    for request in requests:
        one = found.get(request.return_id)
        if one is None:
            decided.append(NotFound(what="return", which=str(request.return_id)))
            continue
        draft = _decide(cause, request, one, facts, goods, policies[one.company][1], numbers)
        if isinstance(draft, _Draft):
            facts.take(one, draft.sum, draft.sum.total, max(0, draft.sum.total - draft.replacement.total))
            draft.line.refunded += request.quantity
            draft.line.exchanged += request.quantity
        decided.append(draft)
    drafts = [one for one in decided if isinstance(one, _Draft)]
    placed = replace_goods(cause, [_wanted(one) for one in drafts if one.policy.reserve])
    for order in placed.values():
        if isinstance(order, Refused):
            raise order  # goods and channel are known: nothing of the batch stands
    if drafts:
        _write(
            cause,
            drafts,
            {key: order.order for key, order in placed.items() if not isinstance(order, Refused)},
        )
    return [one if isinstance(one, Refused) else _answer(one, placed.get(one.id)) for one in decided]


def _answer(one: _Draft, placed: Any) -> Exchanged:
    order, number = (placed.order, placed.number) if placed else (None, "")
    return Exchanged(
        one.id, one.number, one.sum.total, one.replacement.total, one.replacement.even, order, number
    )


# ---- decide


class _Known(NamedTuple):
    """SKUs by company and code, and of return lines what was sold, whether an exchange was offered, and from where its
    replacement is sent; '' leaves that to the policy."""

    skus: dict[tuple[int, str], tuple[UUID, str, Decimal | None]]
    sold: dict[UUID, tuple[Goods, list[str], SendAtSaid]]


def _goods(found: dict[UUID, Return], requests: Sequence[Exchange]) -> _Known:
    """2 statements."""
    wanted = sorted({(found[one.return_id].company, one.sku) for one in requests if one.return_id in found})
    skus = {
        (company, code): tuple(rest)
        for company, code, *rest in sql.run(_SKUS, sql.columns(("companies", "codes"), wanted))
    }
    sold = {
        line: (Goods(*rest), outcomes, send_at)
        for line, outcomes, send_at, *rest in sql.run(_SOLD, {"lines": [one.line for one in requests]})
    }
    return _Known(skus, sold)  # type: ignore[arg-type]


def _decide(
    cause: Cause,
    request: Exchange,
    one: Return,
    facts: Facts,
    known: _Known,
    policy: ExchangePolicy,
    numbers: Iterable[str],
) -> _Draft | Refused:
    line = one.lines.get(request.line)
    refused = _misfit(request, one, line, known) or one.held_back()
    if refused or line is None:
        return refused or NotFound(what=Said("line in return {0}", one.number), which=str(request.line))
    sku, status, list_price = known.skus[one.company, request.sku]
    if status != "active":
        return errors.NotExchangeable(sku=request.sku, number=one.number, why=Said("it is {0}", status))
    version, _ = facts.policies[one.company]
    policy = replace(policy, send_at=known.sold[line.id][2] or policy.send_at)
    due = refunding.refund(
        facts.sold[one.order], units_of([(line, request.quantity)]),
        facts.terms(one)._replace(exchange=True), facts.charged(one),
    )  # fmt: skip
    left = facts.left.get(one.order, 0)
    if due.total > left:
        asked, rest = (money.told(minor, one.currency) for minor in (due.total, left))
        return errors.NotThatMuch(number=one.number, what="money", wanted=asked, left=rest)
    other = Goods(request.sku, list_price, request.unit_price)
    replacement = exchanging.replacement(due.parts[0], known.sold[line.id][0], other, one.currency)
    if isinstance(replacement, str):
        return errors.NotExchangeable(sku=request.sku, number=one.number, why=replacement)
    back = due.total - replacement.total
    limit = facts.limit(one)
    if limit.exceeded(back):
        told = money.told(back, one.currency)
        why = f"{told} would be given back, and somebody else has to agree to that; refund it, and place an order"
        return errors.NotExchangeable(sku=request.sku, number=one.number, why=why)
    return _Draft(
        ids.uuid7(), next(iter(numbers)), one, line, request, sku, due, replacement, policy, limit.most, version,
        request.occurred_at or cause.at,
    )  # fmt: skip


def _misfit(request: Exchange, one: Return, line: Line | None, known: _Known) -> Refused | None:
    """Why there is nothing to exchange, whatever it costs."""
    if one.state in ("requested", "declined", "cancelled", "closed"):
        return WrongState(
            subject="return", found=one.state, event="exchange", expected="authorized or further"
        )
    if line is None:
        return NotFound(what=Said("line in return {0}", one.number), which=str(request.line))
    left = line.left
    if left < request.quantity <= left + line.repairing:
        return errors.RepairsOpen(number=one.number, units=line.repairing)
    if not 0 < request.quantity <= left:
        return errors.NotThatMuch(number=one.number, what="units", wanted=request.quantity, left=left)
    outcomes = known.sold[line.id][1]
    if outcomes and "exchange" not in outcomes:
        offered = ", ".join(outcome.replace("_", " ") for outcome in outcomes)
        return errors.NotOffered(asked="exchange", sku=known.sold[line.id][0].sku, offered=offered)
    if (one.company, request.sku) not in known.skus:
        return NotFound(what="SKU", which=request.sku)
    if request.unit_price is not None and request.unit_price < 0:
        return Invalid(field="unit_price", expected="0 or more", found=str(request.unit_price))
    if request.unit_price is not None and not request.reason:
        return errors.ReasonNeeded(step="a price of its own", why="the list price says another")
    return None


# ---- write


def _wanted(one: _Draft) -> Wanted:
    return Wanted(one.id, one.number, one.of.order, one.request.quantity, one.replacement, one.at)


def _write(cause: Cause, drafts: Sequence[_Draft], placed: dict[UUID, UUID]) -> None:
    sql.write("returns_refund", REFUND, [_refund(cause, one) for one in drafts])
    sql.write("returns_refundline", REFUND_LINE, [
        (one.id, one.line.id, part.units, part.goods, part.tax, part.shipping, part.fee)
        for one in drafts for part in one.sum.parts
    ])  # fmt: skip
    sql.write("returns_exchange", _EXCHANGE, [_row(cause, one, placed.get(one.id)) for one in drafts])
    count(one.sum for one in drafts)
    announce(cause, [
        Event("refund", one.id, one.of.company, "", "agreed", one.at,
              {"return": one.of.id, "number": one.number, "total_minor": one.sum.total, "exchange": one.request.sku,
               "order": placed.get(one.id)}, one.request.reason)
        for one in drafts
    ])  # fmt: skip
    for one in drafts:
        one.of.open_refunds += 1
    store(cause, {one.of.id: one.of for one in drafts}.values(), {one.of.id: one.at for one in drafts})
    offer("hold", [(one.of.id, 0, one.at) for one in drafts if one.policy.send_at == "secured"])
    offer("exchange", [
        (one.of.id, 0, one.at) for one in drafts
        if exchanging.reached(one.line.units, one.policy.send_at) >= one.request.quantity
    ])  # fmt: skip


def _refund(cause: Cause, one: _Draft) -> tuple[Any, ...]:
    found, kept = one.sum, one.sum.charged
    return (
        one.id, one.number, one.of.company, one.of.id, one.of.order, one.of.currency, "agreed", found.goods,
        found.shipping, found.tax, kept.fee, kept.fee_tax, kept.flat, kept.clawback, kept.clawback_tax, 0, "",
        found.total, one.most, "exchange", 0, 0, wire.dump(found.reasons),
        wire.dump([step._asdict() for step in found.steps]), one.version, cause.actor.name, one.at, "", None,
    )  # fmt: skip


def _row(cause: Cause, one: _Draft, order: UUID | None) -> tuple[Any, ...]:
    new = one.replacement
    return (
        one.id, one.of.id, one.line.id, one.of.company, one.request.quantity, one.sku, new.sku, new.even,
        new.unit_price, new.discount, new.shipping, new.tax, new.total, one.policy.send_at, order, "agreed",
        one.request.reason, cause.actor.name, one.at, one.at + timedelta(days=one.policy.wait_days),
    )  # fmt: skip


_EXCHANGE = (
    "refund_id", "return_id", "return_line_id", "company_id", "quantity", "sku_id", "sku_code", "even", "unit_price",
    "discount_minor", "shipping_minor", "tax_minor", "total_minor", "send_at", "replacement_id", "state", "reason",
    "agreed_by", "agreed_at", "due_at",
)  # fmt: skip

_SKUS = """
SELECT s.company_id::int, s.code, s.id, s.status, s.list_price
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
"""

_SOLD = """
SELECT l.id, COALESCE(t.outcomes, '[]'::jsonb), COALESCE(t.send_at, ''), o.sku_code, s.list_price, o.unit_price
FROM returns_line AS l
JOIN orders_line AS o ON o.id = l.line_id
JOIN catalog_sku AS s ON s.id = l.sku_id
LEFT JOIN returns_terms AS t ON t.return_line_id = l.id
WHERE l.id = ANY(%(lines)s::uuid[])
"""
