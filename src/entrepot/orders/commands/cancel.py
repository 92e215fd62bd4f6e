"""Cancel orders, or some units of their lines, as long as nobody has them in hand.

The warehouse, which may have them in hand, decides and carries out by the same two functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.orders import rules
from entrepot.orders.commands import progress
from entrepot.orders.commands.hold import Closing, close_holds, holds_of
from entrepot.orders.commands.satisfy import ReleaseSatisfied, Satisfied, release_satisfied
from entrepot.orders.rules import ON_THE_FLOOR, Cancellable
from entrepot.payments.commands.capture import Void, void
from entrepot.payments.commands.refund import Refund, refund
from entrepot.stock.commands.allocate import Free, Freed, free

REPLACEMENT = "replacement"
"""The queue of replacements of which something was cancelled that is paid for."""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Without `lines` the whole order, else (line, units) of it. `code` is one of `rules.CANCEL_REASONS`.

    `root_cause` is that of the work items of its holds, where somebody says why they arose.
    """

    order: UUID
    reason: str
    lines: tuple[tuple[UUID, int], ...] | None = None
    occurred_at: datetime | None = None
    code: str = "other"
    key: str | None = None
    root_cause: str = ""


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """Units cancelled, how many of them were promised, the lines that waited for stock, the status now, and what was
    given back of what was captured."""

    order: UUID
    units: int
    freed: int
    status: str
    backordered: tuple[tuple[UUID, int], ...] = ()
    refunded_minor: int = 0


@command("orders.cancel")
def cancel(cause: Cause, /, *, requests: Sequence[CancelOrder]) -> list[OrderCancelled | Refused]:
    """Units cancelled at once: their promises freed, what was captured for them given back, and of an order with
    nothing left, holds and payment let go. A hold goes that waited until payments cover the order, where they do now.

    Locks: the orders in id order, the positions of what was promised in key order, the payments.
    Refuses: NotFound; WrongState (cancelled, closed); Invalid (no reason, or an unknown code; an order twice); TooLate;
    MoreThanThereIs.
    Again: by key. 18 statements; at most 13 more where something was captured, and those of
    `orders.release_satisfied` where some wait for a payment.
    """
    return carry_out(cause, decide(requests))


Step = tuple[UUID, str, int]
"""Units of a line in a place."""

_Lines = dict[UUID, Cancellable]


class _Order(NamedTuple):
    company: int
    commercial: str
    number: str
    captured: int
    waits_for_payment: bool  # held until a payment covers it
    passed: int  # of what was captured, that an exchange passed on to it
    left: int  # of what was captured, that was not given back

    @property
    def own(self) -> int:
        """What was captured for it itself."""
        return self.captured - self.passed


@dataclass(slots=True)
class Cancellation:
    """What a call will cancel, by order, and an answer for each request. The orders are locked."""

    orders: dict[UUID, _Order]
    lines: dict[UUID, _Lines]
    answers: list[OrderCancelled | Refused] = field(default_factory=list)
    decided: dict[UUID, tuple[CancelOrder, list[Step]]] = field(default_factory=dict)
    refunded: dict[UUID, int] = field(default_factory=dict)  # by order, once it is carried out


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What cancelling a whole order would do now: units of goods, how many of them the warehouse has, and, in minor
    units of `currency`, what they bear with their services, and what is given back of what was captured: at once, and
    by the return that an exchange was for, as far as its limit."""

    order: UUID
    number: str
    currency: str
    units: int
    on_floor: int
    minor: int
    refunded_minor: int
    by_return_minor: int = 0


def foresee(requests: Sequence[CancelOrder], *, from_floor: bool = False) -> list[Foreseen | Refused]:
    """What the command would answer now to requests for whole orders, while nothing is locked or written; with
    `from_floor`, what `warehouse.withdraw` would. 2 statements."""
    plan = Cancellation(*_load([one.order for one in requests]))
    borne = _borne(plan.orders)
    return [_foreseen(one, plan, borne, from_floor=from_floor) for one in requests]


def _foreseen(
    one: CancelOrder, plan: Cancellation, borne: Mapping[UUID, _Borne], *, from_floor: bool
) -> Foreseen | Refused:
    steps = _decide(one, plan, from_floor=from_floor)
    if isinstance(steps, Refused):
        return steps
    plan.decided[one.order] = (one, steps)
    order, lines, of = plan.orders[one.order], plan.lines[one.order], borne.get(one.order, _Borne())
    goods = [(place, units) for line, place, units in steps if lines[line].is_goods]
    bears = of.stands + of.cancelled
    at_once = rules.give_back(order.captured, 0, min(bears, order.own), of.given)
    return Foreseen(
        one.order, order.number, of.currency, sum(units for _, units in goods),
        sum(units for place, units in goods if place in ON_THE_FLOOR), of.stands,
        at_once, min(rules.give_back(order.captured, 0, bears, max(of.given, order.own)), max(0, order.left - at_once)),
    )  # fmt: skip


def look(orders: Iterable[UUID]) -> Cancellation:
    """Lock orders and load what could be cancelled of them. 2 statements."""
    wanted = list(orders)
    progress.lock(wanted)
    return Cancellation(*_load(wanted))


def decide(requests: Sequence[CancelOrder], *, from_floor: bool = False) -> Cancellation:
    """Lock orders and decide what is cancelled of them; with `from_floor`, of what the warehouse has as well.

    2 statements.
    """
    plan = look(one.order for one in requests)
    for one in requests:
        steps = _decide(one, plan, from_floor=from_floor)
        if isinstance(steps, Refused):
            plan.answers.append(steps)
        else:
            plan.decided[one.order] = (one, steps)
            plan.answers.append(_answer(one.order, steps))
    return plan


def carry_out(
    cause: Cause, plan: Cancellation, moved: Sequence[progress.Progress] = ()
) -> list[OrderCancelled | Refused]:
    """Cancel what was decided: promises, lines, holds, payments. `moved` are units that go elsewhere by the same step.

    The warehouse has let go of the units that it had: they are promised, and no longer released. As the command's
    statements, less those of `decide`.
    """
    decided, answers = plan.decided, plan.answers
    if not decided:
        return answers
    times = {order: one.occurred_at or cause.at for order, (one, _) in decided.items()}
    free_promises(cause, decided)
    gone_steps = [
        progress.Progress(line, order, place, "cancelled", units)
        for order, (_, steps) in decided.items()
        for line, place, units in steps
    ]
    progress.progress(cause, requests=[*gone_steps, *moved], times=times)
    gone = frozenset(order for order, (_, steps) in decided.items() if _is_all(plan.lines[order], steps))
    if gone:
        _let_go(cause, gone, decided)
    refunded = plan.refunded = give_back(cause, plan)
    stands = progress.restate(cause, times, cancelled=gone)
    announce(
        cause,
        [
            _event(one, plan.orders[order].company, steps, times[order], refunded.get(order, 0))
            for order, (one, steps) in decided.items()
        ],
    )
    ready.drop(
        "allocate", [order for order, one in stands.items() if not one.goods.open + one.goods.backordered]
    )
    statuses = {order: one.status for order, one in stands.items()} | _paid_now(cause, plan, gone)
    return [
        OrderCancelled(
            one.order,
            one.units,
            one.freed,
            statuses[one.order],
            one.backordered,
            refunded.get(one.order, 0),
        )
        if isinstance(one, OrderCancelled)
        else one
        for one in answers
    ]


def _paid_now(cause: Cause, plan: Cancellation, gone: frozenset[UUID]) -> dict[UUID, str]:
    """The statuses of orders whose payments cover what is left of them, so that what waited for that lets them go."""
    waiting = [order for order in plan.decided if plan.orders[order].waits_for_payment and order not in gone]
    if not waiting:
        return {}
    answers = release_satisfied(cause, requests=[ReleaseSatisfied(order) for order in waiting])
    return {one.order: one.status for one in answers if isinstance(one, Satisfied) and one.status}


def settle(cause: Cause, cancelled: Mapping[UUID, datetime], why: str) -> None:
    """What follows where units of orders were cancelled by their policy: services go with the last of the goods, what
    was captured for them is given back, and of an order with nothing left, holds and payment are let go.

    Called inside a command that has locked the orders, with when it occurred. None where nothing was cancelled, 2 where
    nothing follows, at most as many statements as the command.
    """
    if not cancelled:
        return
    plan = look(cancelled)
    for order, at in cancelled.items():
        request = CancelOrder(order, why, occurred_at=at, code="no stock")
        lines = plan.lines[order]
        services = rules.services_too(lines)
        if services or plan.orders[order].captured or not any(line.units for line in lines.values()):
            plan.decided[order] = (request, services)
    carry_out(cause, plan)


# ---- load


def _load(orders: Sequence[UUID]) -> tuple[dict[UUID, _Order], dict[UUID, _Lines]]:
    """The orders, and their lines."""
    found: dict[UUID, _Order] = {}
    lines: dict[UUID, _Lines] = {}
    for order, company, commercial, number, captured, passed, left, waits, line, *units in sql.run(
        _LOAD, {"orders": list(orders)}
    ):
        found[order] = _Order(company, commercial, number, captured, waits, passed, left)
        mine = lines.setdefault(order, {})
        if line is not None:  # of an order that was merged into another, nothing is left
            mine[line] = Cancellable(*units)
    return found, lines


# ---- decide


def _decide(one: CancelOrder, plan: Cancellation, *, from_floor: bool) -> list[Step] | Refused:
    order = plan.orders.get(one.order)
    if order is None:
        return NotFound(what="order", which=str(one.order))
    if not one.reason:
        return Invalid(
            field="reason", expected="why the order is cancelled, in words or by its kind", found="nothing"
        )
    if one.code not in rules.CANCEL_REASONS:
        return Invalid(field="code", expected=one_of(rules.CANCEL_REASONS), found=one.code)
    if one.order in plan.decided:
        return Invalid(field="order", expected="each order once in a call", found=str(one.order))
    if order.commercial in ("cancelled", "closed"):
        return WrongState(
            subject=Said("Order {0}", order.number),
            found=order.commercial,
            event="cancel",
            expected="placed or confirmed",
        )
    return rules.decide_cancel(order.number, plan.lines[one.order], one.lines, from_floor=from_floor)


_PROMISED = frozenset(("allocated", *ON_THE_FLOOR))


def _answer(order: UUID, steps: Sequence[Step]) -> OrderCancelled:
    units = sum(step[2] for step in steps)
    freed = sum(step[2] for step in steps if step[1] in _PROMISED)
    waited = tuple((line, count) for line, place, count in steps if place == "backordered")
    return OrderCancelled(order, units, freed, "", waited)


def _is_all(lines: _Lines, steps: Sequence[Step]) -> bool:
    """Nothing of the order is left, neither to come nor gone."""
    return sum(line.units for line in lines.values()) == sum(units for _, _, units in steps)


# ---- write


def free_promises(cause: Cause, decided: Mapping[UUID, tuple[CancelOrder, list[Step]]]) -> None:
    """What units that were promised held: of what the warehouse had, it has let go. 4 statements, 5 with fences."""
    wanted = [
        Free(order, line, units)
        for order, (_, steps) in decided.items()
        for line, place, units in steps
        if place in _PROMISED
    ]
    if wanted:
        for one, freed in zip(wanted, free(cause, requests=wanted), strict=True):
            assert isinstance(freed, Freed), freed
            assert freed.quantity == one.quantity, (
                f"line {one.line}: {one.quantity} allocated, {freed.quantity} promised"
            )


def _let_go(cause: Cause, gone: frozenset[UUID], decided: Mapping[UUID, tuple[CancelOrder, object]]) -> None:
    """Holds rejected and authorizations voided of orders that are no more."""
    holds = holds_of(sorted(gone))
    if holds:
        asked = {order: decided[order][0] for order in gone}
        closing = [
            Closing(hold, one.occurred_at or cause.at, one.reason, rules.CANCELLED, one.root_cause)
            for hold in holds
            for one in [asked[hold.order]]
        ]
        close_holds(cause, closing, "rejected")
    void(cause, requests=[Void(order) for order in sorted(gone)])


def give_back(cause: Cause, plan: Cancellation) -> dict[UUID, int]:
    """Refund what was captured for cancelled units, by order: by the amounts that were frozen for them. First goes
    what was captured for the order itself: what an exchange passed on was given for a return, whose room gives it back
    (`unused`)."""
    paid = [order for order in plan.decided if plan.orders[order].captured]
    if not paid:
        return {}
    offer(REPLACEMENT, [(order, 0, cause.at) for order in paid if plan.orders[order].passed])
    # Where all that left has come back, the shipping may be due now that nothing more will leave.
    sent = [order for order in paid if any(line.gone for line in plan.lines[order].values())]
    offer("refund", [(order, 0, cause.at) for order in sent])
    borne = _borne(paid)
    back = {
        order: amount
        for order, of in borne.items()
        for on in [plan.orders[order]]
        if (amount := rules.give_back(on.captured, of.stands, min(of.cancelled, on.own), of.given))
    }
    at = {order: plan.decided[order][0].occurred_at for order in back}
    if back:
        whole(
            refund(
                cause,
                requests=[
                    Refund(order, minor, at[order], order, unused=True) for order, minor in back.items()
                ],
            )
        )
        postings = [
            Posting(
                plan.orders[order].company, "prepayment.returned", "order", order, borne[order].currency,
                (("settlement", minor),), at[order] or cause.at,
            )
            for order, minor in back.items()
        ]  # fmt: skip
        whole(post(cause, requests=postings))
    return back


def unused(orders: Collection[UUID]) -> dict[UUID, int]:
    """What exchanges passed on to locked orders for units that are cancelled, whatever of it a return gave back. 2
    statements."""
    found, _ = _load(list(orders))
    return {
        order: rules.give_back(on.captured, of.stands, of.cancelled, max(of.given, on.own))
        for order, of in _borne(orders).items()
        for on in [found[order]]
    }


class _Borne(NamedTuple):
    """What the units of an order bear that are not cancelled, what those bore that are, and what was given back for
    them."""

    currency: str = ""
    stands: int = 0
    cancelled: int = 0
    given: int = 0


def _borne(orders: Iterable[UUID]) -> dict[UUID, _Borne]:
    """By the amounts that were frozen for them. 1 statement."""
    found: dict[UUID, _Borne] = {}
    for order, currency, given, quantity, gone, *amounts in sql.run(_BORNE, {"orders": list(orders)}):
        frozen = rules.Frozen(*amounts)
        rest = frozen.of_units(quantity, 0, quantity - gone).total
        of = found.get(order, _Borne())
        found[order] = _Borne(currency, of.stands + rest, of.cancelled + frozen.total - rest, given)
    return found


def _event(one: CancelOrder, company: int, steps: Sequence[Step], at: datetime, refunded: int) -> Event:
    payload: dict[str, Any] = {"cancelled": [[line, place, units] for line, place, units in steps]}
    if one.code != "other":
        payload["code"] = one.code
    if refunded:
        payload["refunded_minor"] = refunded
    return Event("order", one.order, company, occurred_at=at, payload=payload, reason=one.reason)


_LOAD = """
SELECT o.id, o.company_id::int, o.commercial, o.number, p.captured, p.passed, p.kept,
       EXISTS (SELECT FROM orders_hold AS h
               WHERE h.order_id = o.id AND h.state = 'open' AND h.waits_for = 'payment'),
       l.id, l.open, l.backordered, l.allocated,
       l.with_supplier + l.released + l.picked + l.packed + l.shipped + l.delivered, l.kind = 'goods', l.released,
       l.picked, l.packed, l.with_supplier, l.number || ', ' || l.sku_code
FROM orders_order AS o LEFT JOIN orders_line AS l ON l.order_id = o.id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(captured_minor), 0)::bigint AS captured,
           COALESCE(sum(captured_minor) FILTER (WHERE origin_id IS NOT NULL), 0)::bigint AS passed,
           COALESCE(sum(captured_minor - refunded_minor - refunding_minor - credited_minor), 0)::bigint AS kept
    FROM payments_payment WHERE order_id = o.id
) AS p
WHERE o.id = ANY(%(orders)s::uuid[]) ORDER BY o.id, l.number
"""

_BORNE = """
SELECT o.id, o.currency, (
           SELECT COALESCE(sum(a.amount_minor), 0)::bigint FROM payments_attempt AS a
           WHERE a.document_id = o.id AND a.kind = 'refund' AND a.state IN ('waiting', 'done')
       ), l.quantity, l.cancelled, l.gross_minor, l.discount_minor, l.shipping_minor, l.tax_minor
FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id WHERE o.id = ANY(%(orders)s::uuid[])
"""
