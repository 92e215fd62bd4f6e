"""Merge orders: those of one customer that go to one address become one, before the warehouse has any of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import delivery, ids, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.orders import errors, regrouping, states
from entrepot.orders.commands import progress
from entrepot.orders.commands.hold import NewHold, open_holds
from entrepot.orders.regrouping import Alike, Mergeable
from entrepot.orders.rules import Frozen
from entrepot.payments.commands import take
from entrepot.payments.commands.move import MovePayment, move
from entrepot.stock.commands.hand_over import HandOver, HandOverReserved, hand_over, hand_over_reserved


@dataclass(frozen=True, slots=True)
class MergeOrders:
    """Orders that become part of another one, `into`. It keeps its number, its time, and the earliest promise."""

    into: UUID
    orders: tuple[UUID, ...]
    reason: str
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrdersMerged:
    """The order that they are now, what its lines bear, its status, and how much of it no authorization covers."""

    order: UUID
    merged: tuple[UUID, ...]
    lines: int
    total_minor: int
    status: str
    uncovered_minor: int = 0


@command("orders.merge")
def merge(cause: Cause, /, *, requests: Sequence[MergeOrders]) -> list[OrdersMerged | Refused]:
    """Lines, promises, reservations and payments of orders go to another order as they are; the emptied orders are
    closed and name the one they are part of. Where some were paid and others not, a payment hold asks for the rest.

    Locks: the orders in id order, their payments, the positions of what is promised in key order.
    Refuses: NotFound; Invalid (no reason; none to merge; an order twice); WrongState (held, cancelled, closed);
    NotMergeable (at the warehouse, captured, nobody's); NotAlike. One that is refused merges none of its request.
    Again: by key. 16 statements; 3 more where promises go along, 3 for reservations, 1 for payments, 3 for holds.
    """
    named = {order for one in requests for order in (one.into, *one.orders)}
    progress.lock(named)
    known = _load(list(named))
    merges: list[_Merge] = []
    seen: set[UUID] = set()
    answers: list[_Merge | Refused] = []
    for one in requests:
        found = _decide(one, known, seen)
        if isinstance(found, _Merge):
            seen.update((one.into, *one.orders))
            merges.append(found)
        answers.append(found)
    if merges:
        _write(cause, known, merges)
    return [one if isinstance(one, Refused) else one.answer() for one in answers]


# ---- load


class _Order(NamedTuple):
    id: UUID
    number: str
    company: int
    promise_at: datetime | None
    priority: int
    reservation: str
    commercial: str
    amounts: tuple[int, ...]
    alike: Alike
    may: Mergeable
    external_id: str
    channel: str
    is_import: bool
    status: str
    signals: list[str]


class _Line(NamedTuple):
    id: UUID
    order: UUID
    number: int
    sku: UUID | None
    open: int
    allocated: int
    kit: int
    stands: int  # what the units that are not cancelled cost


class _Known(NamedTuple):
    orders: dict[UUID, _Order]
    lines: dict[UUID, list[_Line]]
    payments: dict[UUID, list[take.Payment]]


def _load(orders: Sequence[UUID]) -> _Known:
    wanted = {"orders": orders}
    payments = take.lock_of_orders(orders)
    found: dict[UUID, _Order] = {}
    for row in sql.run(_ORDERS, wanted):
        taken = sum(one.captured + one.capturing for one in payments.get(row[0], ()))
        may = Mergeable(*row[26:28], taken)  # type: ignore[call-arg]
        found[row[0]] = _Order(*row[:7], row[7:12], Alike(*row[12:26]), may, *row[28:])  # type: ignore[call-arg]
    lines: dict[UUID, list[_Line]] = {}
    for row in sql.run(_LINES, wanted):
        quantity, cancelled, *amounts = row[7:]
        stands = Frozen(*amounts).of_units(quantity, 0, quantity - cancelled).total
        lines.setdefault(row[1], []).append(_Line(*row[:7], stands))  # type: ignore[call-arg]
    return _Known(found, lines, payments)


# ---- decide


@dataclass(slots=True)
class _Merge:
    request: MergeOrders
    into: _Order
    others: list[_Order]
    lines: list[_Line]  # of the others
    before: list[_Line]  # of the order itself
    authorized: int | None  # None where nothing of any of them was paid
    status: str = ""

    @property
    def total(self) -> int:
        return sum(one.amounts[-1] for one in (self.into, *self.others))

    @property
    def holder(self) -> str:
        """Whose reservations the order takes over."""
        return next((one.reservation for one in (self.into, *self.others) if one.reservation), "")

    @property
    def stands(self) -> int:
        """What all units that are not cancelled cost."""
        return sum(line.stands for line in (*self.before, *self.lines))

    @property
    def uncovered(self) -> int:
        return 0 if self.authorized is None else max(0, self.stands - self.authorized)

    def answer(self) -> OrdersMerged:
        merged = tuple(one.id for one in self.others)
        lines = len(self.before) + len(self.lines)
        return OrdersMerged(self.into.id, merged, lines, self.total, self.status, self.uncovered)


def _decide(one: MergeOrders, known: _Known, seen: set[UUID]) -> _Merge | Refused:
    named = [one.into, *one.orders]
    if not one.orders or not one.reason:
        name, expected = ("reason", "why they are merged") if one.orders else ("orders", "orders to merge")
        return Invalid(field=name, expected=expected, found="nothing")
    if len(set(named)) < len(named) or seen.intersection(named):
        return Invalid(field="order", expected="each order once in a call", found="one of them twice")
    for order in named:
        if order not in known.orders:
            return NotFound(what="order", which=str(order))
    into, *others = (known.orders[order] for order in named)
    for found in (into, *others):
        after = states.COMMERCIAL.step(found.commercial, "merge")
        if isinstance(after, WrongState):
            facts = after.facts | {
                "subject": Said("Order {0}", found.number),
                "expected": "confirmed",
            }
            if found.commercial == "placed":
                facts |= {"expected": "confirmed: release what holds it first"}
            return WrongState(**facts)
        why = regrouping.why_no_merge(found.may)
        if why:
            return errors.NotMergeable(order=found.number, why=why)
        what = regrouping.difference(found.alike, into.alike)
        if what:
            return errors.NotAlike(order=found.number, into=into.number, what=what)
    lines = [line for order in others for line in known.lines.get(order.id, ())]
    authorized = _authorized(into.alike.currency, [known.payments.get(order, ()) for order in named])
    return _Merge(one, into, others, lines, known.lines.get(into.id, []), authorized)


def _authorized(currency: str, payments: Sequence[Sequence[take.Payment]]) -> int | None:
    """What was authorized for orders together, in their currency; None where nobody paid for any of them."""
    found = [
        one.authorized
        for of_order in payments
        for one in of_order
        if one.currency == currency and one.state not in ("voided", "failed")
    ]
    return sum(found) if found else None


# ---- write


def _write(cause: Cause, known: _Known, merges: Sequence[_Merge]) -> None:
    times = {one.into.id: one.request.occurred_at or cause.at for one in merges}
    pairs = [(order.id, one.into.id) for one in merges for order in one.others]
    moved = [row for one in merges for row in _numbered(one)]
    sql.change(_GIVE, sql.columns(("ids", "orders", "numbers", "kits"), moved))
    sql.change(_GIVE_PROMOTIONS, sql.columns(("orders", "intos"), pairs))
    sql.change(_GROW, sql.columns(_GROWN, [_grown(one) for one in merges]))
    sql.change(_CLOSE, sql.columns(("orders", "intos"), pairs))
    move(cause, [MovePayment(order, into) for order, into in pairs], known.payments)
    _hand_over(merges)
    held = [_hold(one, times[one.into.id]) for one in merges if one.uncovered]
    if held:
        open_holds(cause, held)
    announce(cause, [event for one in merges for event in _events(one, times[one.into.id])])
    delivery.send(cause, [_message(one) for one in merges if not one.into.is_import])
    stands = progress.restate(cause, times)
    progress.hand_on(stands)
    for queue in ("allocate", "release", "perform"):
        ready.drop(queue, [order for order, _ in pairs])
    for one in merges:
        one.status = stands[one.into.id].status


def _numbered(one: _Merge) -> list[tuple[UUID, UUID, int, int]]:
    """The lines that come, with their new numbers, and those of the kits that they are components of: behind those that
    are there, and each order's apart from the others'."""
    last = max((line.number for line in one.before), default=0)
    kits = max((line.kit for line in one.before), default=0)
    behind: dict[UUID, int] = {}
    for line in one.lines:
        behind.setdefault(line.order, 0)
        behind[line.order] = max(behind[line.order], line.kit)
    for order, count in behind.items():
        behind[order], kits = kits, kits + count
    return [
        (line.id, one.into.id, last + i, line.kit and line.kit + behind[line.order])
        for i, line in enumerate(one.lines, 1)
    ]


def _grown(one: _Merge) -> tuple[Any, ...]:
    """What the order becomes: as urgent as the most urgent, and with what all of them cost."""
    all_ = (one.into, *one.others)
    more = [sum(order.amounts[i] for order in one.others) for i in range(4)]
    promises = [order.promise_at for order in all_ if order.promise_at]
    return (
        one.into.id, min(promises, default=None), max(order.priority for order in all_), one.holder, *more,
        len(one.lines), wire.dump(sorted({signal for order in all_ for signal in order.signals})),
    )  # fmt: skip


def _hand_over(merges: Sequence[_Merge]) -> None:
    hand_over(
        [
            HandOver(line.order, line.id, one.into.id, line.id, line.allocated)
            for one in merges
            for line in one.lines
            if line.allocated
        ]
    )
    hand_over_reserved([reserved for one in merges for reserved in _reserved(one)])


def _reserved(one: _Merge) -> list[HandOverReserved]:
    """What other carts hold for the open units of the lines that come."""
    holders = {order.id: order.reservation for order in one.others if order.reservation}
    wanted: dict[tuple[UUID, UUID], int] = {}
    for line in one.lines:
        if line.order in holders and line.sku and line.open:
            name = (line.order, line.sku)
            wanted[name] = wanted.get(name, 0) + line.open
    return [
        HandOverReserved(one.into.company, holders[order], sku, 0, units, one.holder, order, one.into.id)
        for (order, sku), units in wanted.items()
    ]


def _hold(one: _Merge, at: datetime) -> NewHold:
    facts = {
        "total_minor": one.stands,
        "authorized_minor": one.authorized,
        "missing_minor": one.uncovered,
    }
    return NewHold(
        ids.uuid7(), one.into.company, one.into.id, "payment hold",
        "Orders were merged, and not all of them are paid for.", facts, at, value_minor=one.stands,
        promise_at=min((order.promise_at for order in (one.into, *one.others) if order.promise_at), default=None),
    )  # fmt: skip


def _message(one: _Merge) -> delivery.Message:
    """What the channel must know to tell what became of the orders that it placed."""
    into = one.into
    body = {
        "number": into.number, "external_id": into.external_id, "total_minor": one.total,
        "merged": [
            {"order": order.id, "number": order.number, "external_id": order.external_id} for order in one.others
        ],
    }  # fmt: skip
    return delivery.Message(f"channels:{into.channel}", "order.merged", into.id, into.company, body)


def _events(one: _Merge, at: datetime) -> list[Event]:
    into, why = one.into, one.request.reason
    told: Mapping[str, Any] = {"merged": [order.id for order in one.others], "total_minor": one.total}
    return [
        *(
            Event(
                "order", order.id, order.company, order.status, "closed", at,
                {"merged_into": into.id, "number": into.number, "minor": order.amounts[-1]}, why,
            )
            for order in one.others
        ),
        Event("order", into.id, into.company, occurred_at=at, payload=told, reason=why),
    ]  # fmt: skip


_ORDERS = """
SELECT o.id, o.number, o.company_id::int, o.promise_at, o.priority::int, o.reservation, o.commercial,
       o.goods_minor, o.discount_minor, o.shipping_minor, o.tax_minor, o.total_minor,
       o.company_id::int, o.channel_id, o.customer_id, o.currency, o.country, o.postal_code,
       COALESCE(a.place, ''), o.service, o.demand, o.policy,
       o.campaign, o.substitutes,
       COALESCE(b.billed, ''), (o.ship_not_before, o.ship_by, o.cancel_after, o.min_fill_percent)::text,
       o.customer_id IS NOT NULL,
       (SELECT COALESCE(sum(l.with_supplier + l.released + l.picked + l.packed + l.shipped + l.delivered), 0)::int
        FROM orders_line AS l WHERE l.order_id = o.id), o.external_id, c.code, c.kind = 'import', o.status,
       o.signals
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_address AS a ON a.id = o.address_id
LEFT JOIN parties_address AS b ON b.id = o.billing_id
WHERE o.id = ANY(%(orders)s::uuid[])
"""

_LINES = """
SELECT id, order_id, number, sku_id, open, allocated, kit_number, quantity, cancelled, gross_minor, discount_minor,
       shipping_minor, tax_minor
FROM orders_line
WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY order_id, number
"""

_GIVE = """
UPDATE orders_line AS l SET order_id = d.order_id, number = d.number, kit_number = d.kit
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(numbers)s::int[], %(kits)s::int[]) AS d(id, order_id, number, kit)
WHERE l.id = d.id
"""

_GIVE_PROMOTIONS = """
UPDATE orders_promotion AS p SET order_id = d.into_order
FROM unnest(%(orders)s::uuid[], %(intos)s::uuid[]) AS d(id, into_order) WHERE p.order_id = d.id
"""

_GROWN = (
    "ids",
    "promises",
    "priorities",
    "holders",
    "goods",
    "discounts",
    "shippings",
    "taxes",
    "lines",
    "signals",
)

_GROW = """
UPDATE orders_order AS o SET
    promise_at = d.promise_at, priority = d.priority, reservation = d.holder, goods_minor = o.goods_minor + d.goods,
    discount_minor = o.discount_minor + d.discount, shipping_minor = o.shipping_minor + d.shipping,
    tax_minor = o.tax_minor + d.tax, total_minor = o.total_minor + d.goods - d.discount + d.shipping + d.tax,
    line_count = o.line_count + d.lines, signals = ARRAY(SELECT jsonb_array_elements_text(d.signals::jsonb))
FROM unnest(%(ids)s::uuid[], %(promises)s::timestamptz[], %(priorities)s::smallint[], %(holders)s::text[],
            %(goods)s::bigint[], %(discounts)s::bigint[], %(shippings)s::bigint[], %(taxes)s::bigint[],
            %(lines)s::int[], %(signals)s::text[])
     AS d(id, promise_at, priority, holder, goods, discount, shipping, tax, lines, signals)
WHERE o.id = d.id
"""

_CLOSE = """
UPDATE orders_order AS o SET
    status = 'closed', commercial = 'closed', held_by = '', reservation = '', goods_minor = 0, discount_minor = 0,
    shipping_minor = 0, tax_minor = 0, total_minor = 0, line_count = 0, merged_into = d.into_order
FROM unnest(%(orders)s::uuid[], %(intos)s::uuid[]) AS d(id, into_order) WHERE o.id = d.id
"""
