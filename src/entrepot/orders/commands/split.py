"""Split orders: units go to a new order of the same customer, with what they bear and what is promised to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import delivery, ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.kernel.money import told
from entrepot.orders import errors, regrouping
from entrepot.orders.commands import progress
from entrepot.orders.commands.hold import NewHold, open_holds
from entrepot.orders.commands.place import LINE_COLUMNS
from entrepot.orders.regrouping import Divisible, Part
from entrepot.orders.rules import Frozen
from entrepot.payments.commands import take
from entrepot.payments.commands.move import MovePayment, move
from entrepot.stock.commands.hand_over import HandOver, HandOverReserved, hand_over, hand_over_reserved


@dataclass(frozen=True, slots=True)
class SplitOrder:
    """Units, as (line, units), that go to a new order. Those that nobody has promised go first."""

    order: UUID
    lines: tuple[tuple[UUID, int], ...]
    reason: str
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderSplit:
    """The new order, what its units bear, and how much of it no authorization covers; the status of both.

    `parts` is (old line, new line, units that wait for stock), for sourcing: one and the same where a line goes whole.
    """

    order: UUID
    new_order: UUID
    number: str
    units: int
    total_minor: int
    uncovered_minor: int
    status: str
    new_status: str
    parts: tuple[tuple[UUID, UUID, int], ...] = ()


@command("orders.split")
def split(cause: Cause, /, *, requests: Sequence[SplitOrder]) -> list[OrderSplit | Refused]:
    """New orders, each with a number of its own, that name the order they come from.

    Their units keep their frozen amounts to the cent, and their promises and reservations: nothing is free in between.
    What is authorized goes along as far as the old order does not need it; what holds the old order holds both.
    Locks: the orders in id order, their payments, the positions of what is promised in key order.
    Refuses: NotFound (order, line); WrongState (cancelled, closed); Invalid (no reason; an order or line twice; no
    units; a charge); NotToSplit; NothingStays; MoneyTaken.
    Again: by key. 16 statements; at most 4 more where promises go along, and 3 for each of reservations, promotions,
    payments and holds.
    """
    progress.lock(one.order for one in requests)
    known = _load(requests)
    splits: dict[UUID, _Split] = {}
    answers: list[_Split | Refused] = []
    for one in requests:
        found = _decide(one, known, splits)
        if isinstance(found, _Split):
            splits[one.order] = found
        answers.append(found)
    if splits:
        _write(cause, known, list(splits.values()))
    return [one if isinstance(one, Refused) else one.answer() for one in answers]


# ---- load


class _Order(NamedTuple):
    id: UUID
    company: int
    number: str
    commercial: str
    reservation: str
    currency: str
    discount: int
    promise_at: datetime | None
    external_id: str
    channel: str
    is_import: bool


class _Line(NamedTuple):
    id: UUID
    order: UUID
    sku: UUID | None
    code: str
    description: str
    unit_price: Any
    found: Divisible
    final_sale: bool


class _Promotion(NamedTuple):
    id: UUID
    order: UUID
    line: UUID | None
    company: int
    code: str
    minor: int
    terms: str | None


class _Known(NamedTuple):
    orders: dict[UUID, _Order]
    lines: dict[UUID, dict[UUID, _Line]]
    promotions: dict[UUID, list[_Promotion]]
    holds: dict[UUID, list[tuple[Any, ...]]]
    payments: dict[UUID, list[take.Payment]]


def _load(requests: Sequence[SplitOrder]) -> _Known:
    wanted = {"orders": [one.order for one in requests]}
    orders = {row[0]: _Order(*row) for row in sql.run(_ORDERS, wanted)}
    lines: dict[UUID, dict[UUID, _Line]] = {}
    for row in sql.run(_LINES, wanted):
        line = _Line(*row[:6], Divisible(*row[6:12], Frozen(*row[12:16]), row[16]), row[17])  # type: ignore[call-arg]
        lines.setdefault(line.order, {})[line.id] = line
    promotions: dict[UUID, list[_Promotion]] = {}
    for row in sql.run(_PROMOTIONS, wanted):
        promotions.setdefault(row[1], []).append(_Promotion(*row))
    holds: dict[UUID, list[tuple[Any, ...]]] = {}
    for order, *hold in sql.run(_HOLDS, wanted):
        holds.setdefault(order, []).append(tuple(hold))
    return _Known(orders, lines, promotions, holds, take.lock_of_orders(wanted["orders"]))


# ---- decide


@dataclass(slots=True)
class _Split:
    request: SplitOrder
    order: _Order
    lines: dict[UUID, _Line]
    parts: list[Part]
    minor: int | None  # of what is authorized goes so much; None without a payment
    id: UUID = field(default_factory=ids.uuid7)
    keys: dict[UUID, UUID] = field(default_factory=dict)  # the new line of each
    number: str = ""
    status: str = ""
    new_status: str = ""

    @property
    def goes(self) -> Frozen:
        return _sum(part.goes for part in self.parts)

    @property
    def uncovered(self) -> int:
        return 0 if self.minor is None else self.goes.total - self.minor

    def answer(self) -> OrderSplit:
        parts = tuple(
            (part.line, self.keys[part.line], part.places.get("backordered", 0)) for part in self.parts
        )
        return OrderSplit(
            self.order.id, self.id, self.number, sum(part.units for part in self.parts), self.goes.total,
            self.uncovered, self.status, self.new_status, parts,
        )  # fmt: skip


def _decide(one: SplitOrder, known: _Known, splits: Mapping[UUID, _Split]) -> _Split | Refused:
    order = known.orders.get(one.order)
    if order is None:
        return NotFound(what="order", which=str(one.order))
    if one.order in splits:
        return Invalid(field="order", expected="each order once in a call", found=str(one.order))
    if not one.reason:
        return Invalid(field="reason", expected="why the order is split", found="nothing")
    if order.commercial in ("cancelled", "closed"):
        return WrongState(
            subject=Said("Order {0}", order.number),
            found=order.commercial,
            event="split",
            expected="placed or confirmed",
        )
    lines = known.lines[one.order]
    parts = regrouping.decide_split(order.number, {key: line.found for key, line in lines.items()}, one.lines)
    if isinstance(parts, Refused):
        return parts
    goes = sum(part.goes.total for part in parts)
    stays = sum(line.found.stands.total for line in lines.values()) - goes
    minor = None
    tenders = [
        one
        for one in known.payments.get(order.id, ())
        if one.currency == order.currency and one.state not in ("voided", "failed")
    ]
    if tenders:
        taken = sum(one.captured + one.capturing for one in tenders)
        minor = regrouping.money_that_goes(goes, stays, taken, sum(one.capturable for one in tenders))
        if minor is None:
            return errors.MoneyTaken(
                order=order.number, taken=told(taken, order.currency), stays=told(stays, order.currency)
            )
    found = _Split(one, order, lines, parts, minor)
    found.keys = {part.line: part.line if part.is_whole else ids.uuid7() for part in parts}
    return found


def _sum(amounts: Iterable[Frozen]) -> Frozen:
    return Frozen(*map(sum, zip(*amounts, strict=True)))


# ---- write


def _write(cause: Cause, known: _Known, splits: Sequence[_Split]) -> None:
    times = {one.order.id: one.request.occurred_at or cause.at for one in splits}
    _write_orders(splits)
    _write_lines(splits)
    _write_promotions(known, splits)
    move(
        cause,
        [MovePayment(one.order.id, one.id, one.minor, one.order.currency) for one in splits if one.minor],
        known.payments,
    )
    _hand_over(splits)
    held = [hold for one in splits for hold in _holds(one, known.holds.get(one.order.id, ()), times)]
    if held:
        open_holds(cause, held)
    announce(cause, [event for one in splits for event in _events(one, times[one.order.id])])
    delivery.send(cause, [_message(one) for one in splits if not one.order.is_import])
    stands = progress.restate(cause, times | {one.id: times[one.order.id] for one in splits})
    progress.hand_on(stands)
    for one in splits:
        one.status, one.new_status = stands[one.order.id].status, stands[one.id].status


def _write_orders(splits: Sequence[_Split]) -> None:
    rows = [
        (one.order.id, one.id, *one.goes, len(one.parts), sum(part.is_whole for part in one.parts))
        for one in splits
    ]
    names = ("orders", "ids", "goods", "discounts", "shippings", "taxes", "lines", "gone")
    numbers = dict(sql.run(_INSERT, sql.columns(names, rows)))  # type: ignore[arg-type]
    sql.change(_LESS, sql.columns(names, rows))
    for one in splits:
        one.number = numbers[one.id]


def _write_lines(splits: Sequence[_Split]) -> None:
    whole, cut, fresh = [], [], []
    for one in splits:
        for number, part in enumerate(one.parts, 1):
            if part.is_whole:
                whole.append((part.line, one.id, number))
                continue
            places = [part.places.get(place, 0) for place in regrouping.MOVABLE]
            line = one.lines[part.line]
            cut.append((part.line, part.units, *places, *part.goes))
            fresh.append((
                one.keys[part.line], one.id, one.order.company, number, line.found.kind, line.sku, line.code,
                line.description, part.units, line.unit_price, *part.goes, part.places.get("open", 0),
                part.places.get("backordered", 0), part.places.get("allocated", 0), line.final_sale,
            ))  # fmt: skip
    if whole:
        sql.change(_GIVE, sql.columns(("ids", "orders", "numbers"), whole))
    if cut:
        names = ("ids", "units", *regrouping.MOVABLE, "gross", "discounts", "shippings", "taxes")
        sql.change(_CUT, sql.columns(names, cut))
        sql.write("orders_line", (*LINE_COLUMNS, "backordered", "allocated", "final_sale"), fresh)


def _write_promotions(known: _Known, splits: Sequence[_Split]) -> None:
    """Promotions go with the discount that they are a part of."""
    whole, less, fresh = [], [], []
    for one in splits:
        for promotion, minor in _promoted(one, known.promotions.get(one.order.id, ())):
            line = one.keys[promotion.line] if promotion.line else None
            if minor == promotion.minor:
                whole.append((promotion.id, one.id, line))
            elif minor:
                less.append((promotion.id, minor))
                fresh.append(
                    (ids.uuid7(), one.id, line, promotion.company, promotion.code, minor, promotion.terms)
                )
    if whole:
        sql.change(_GIVE_PROMOTION, sql.columns(("ids", "orders", "lines"), whole))
    if less:
        sql.change(_LESS_PROMOTION, sql.columns(("ids", "minors"), less))
        sql.write("orders_promotion", _PROMOTION, fresh)


def _promoted(one: _Split, promotions: Sequence[_Promotion]) -> list[tuple[_Promotion, int]]:
    """How much of each promotion goes: of the order's with its discount, of a line's with the line's."""
    cuts: dict[UUID | None, tuple[int, int]] = {None: (one.order.discount, one.goes.discount)}
    for part in one.parts:
        cuts[part.line] = (one.lines[part.line].found.frozen.discount, part.goes.discount)
    found: list[tuple[_Promotion, int]] = []
    for line, (discount, goes) in cuts.items():
        mine = [promotion for promotion in promotions if promotion.line == line]
        shares = regrouping.share_promotions([promotion.minor for promotion in mine], discount, goes)
        found += zip(mine, shares, strict=True)
    return found


def _hand_over(splits: Sequence[_Split]) -> None:
    hand_over(
        [
            HandOver(one.order.id, part.line, one.id, one.keys[part.line], part.places["allocated"])
            for one in splits
            for part in one.parts
            if part.places.get("allocated")
        ]
    )
    hand_over_reserved([reserved for one in splits for reserved in _reserved(one)])


def _reserved(one: _Split) -> list[HandOverReserved]:
    """What the cart still holds for units that go, once the units that stay have theirs."""
    if not one.order.reservation:
        return []
    goes: dict[UUID, int] = {}
    for part in one.parts:
        sku, units = one.lines[part.line].sku, part.places.get("open", 0)
        if sku and units:
            goes[sku] = goes.get(sku, 0) + units
    stays = {sku: -units for sku, units in goes.items()}
    for line in one.lines.values():
        if line.sku in stays:
            stays[line.sku] += line.found.open
    return [
        HandOverReserved(
            one.order.company,
            one.order.reservation,
            sku,
            stays[sku],
            units,
            reserved_for(one.id),
            one.order.id,
            one.id,
        )
        for sku, units in goes.items()
    ]


def reserved_for(order: UUID) -> str:
    """The holder of what was reserved for units that went to an order."""
    return f"order:{order}"


def _holds(one: _Split, carried: Sequence[tuple[Any, ...]], times: Mapping[UUID, datetime]) -> list[NewHold]:
    """What is doubted about the old order is doubted about the new one; and what no payment covers is held."""
    found = [
        NewHold(
            ids.uuid7(), one.order.company, one.id, kind, reason, {**facts, "split_from": one.order.number}, opened_at,
            tuple(blocks), waits_for, value_minor=one.goes.total, promise_at=one.order.promise_at,
        )
        for kind, reason, facts, opened_at, blocks, waits_for in carried
    ]  # fmt: skip
    if one.uncovered and not any(hold.type == "payment hold" for hold in found):
        facts = {"total_minor": one.goes.total, "authorized_minor": one.minor, "missing_minor": one.uncovered}
        reason = "The order was split, and what is authorized does not cover this part."
        found.append(
            NewHold(
                ids.uuid7(), one.order.company, one.id, "payment hold", reason, facts, times[one.order.id],
                value_minor=one.goes.total, promise_at=one.order.promise_at,
            )
        )  # fmt: skip
    return found


def _events(one: _Split, at: datetime) -> list[Event]:
    units, minor = sum(part.units for part in one.parts), one.goes.total
    parts = [[part.line, one.keys[part.line], part.units] for part in one.parts]
    told = {"units": units, "minor": minor, "lines": parts}
    to, of = (
        {"split_to": one.id, "number": one.number},
        {"split_from": one.order.id, "number": one.order.number},
    )
    company, why = one.order.company, one.request.reason
    return [
        Event("order", one.order.id, company, occurred_at=at, payload=to | told, reason=why),
        Event("order", one.id, company, "", "ready", at, of | told, why),
    ]


def _message(one: _Split) -> delivery.Message:
    """What the channel must know to understand the shipments of an order that it did not place."""
    order = one.order
    body = {
        "number": order.number, "external_id": order.external_id, "new_order": one.id, "new_number": one.number,
        "total_minor": one.goes.total,
        "lines": [
            {
                "line": part.line, "new_line": one.keys[part.line], "sku": one.lines[part.line].code,
                "quantity": part.units,
            }
            for part in one.parts
        ],
    }  # fmt: skip
    return delivery.Message(f"channels:{order.channel}", "order.split", order.id, order.company, body)


_PROMOTION = ("id", "order_id", "line_id", "company_id", "code", "amount_minor", "terms")

_ORDERS = """
SELECT o.id, o.company_id::int, o.number, o.commercial, o.reservation, o.currency, o.discount_minor, o.promise_at,
       o.external_id, c.code, c.kind = 'import'
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id WHERE o.id = ANY(%(orders)s::uuid[])
"""

_LINES = """
SELECT id, order_id, sku_id, sku_code, description, unit_price, kind, quantity, cancelled, open, backordered,
       allocated, gross_minor, discount_minor, shipping_minor, tax_minor,
       CASE WHEN instead_of IS NOT NULL THEN 'another line' WHEN kit_number > 0 THEN 'kit ' || kit_code ELSE '' END,
       final_sale
FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY order_id, number
"""

_PROMOTIONS = """
SELECT id, order_id, line_id, company_id::int, code, amount_minor, terms::text FROM orders_promotion
WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY id
"""

_HOLDS = """
SELECT order_id, type, reason, facts, opened_at, blocks, waits_for FROM orders_hold
WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'open' ORDER BY id
"""

_ROWS = """
unnest(%(orders)s::uuid[], %(ids)s::uuid[], %(goods)s::bigint[], %(discounts)s::bigint[], %(shippings)s::bigint[],
       %(taxes)s::bigint[], %(lines)s::int[], %(gone)s::int[])
    AS d(origin, id, goods, discount, shipping, tax, lines, gone)
"""

_SAME = (
    "company_id", "channel_id", "customer_id", "address_id", "billing_id", "currency", "country", "postal_code",
    "placed_at",
    "priority", "promise_at", "ship_not_before", "ship_by", "cancel_after", "min_fill_percent",
    "policy", "service", "demand", "campaign", "substitutes", "signals",
    "policy_version",
)  # fmt: skip

# The channel knows one name; the new order has that, and its own number behind it, which nobody has twice.
_INSERT = f"""
INSERT INTO orders_order (id, number, external_id, origin_id, {", ".join(_SAME)}, reservation, status, commercial,
                          goods_minor, discount_minor, shipping_minor, tax_minor, total_minor, line_count)
SELECT d.id, d.number, o.external_id || '/' || d.number, o.id, {", ".join(f"o.{name}" for name in _SAME)},
       CASE o.reservation WHEN '' THEN '' ELSE 'order:' || d.id END, 'ready', 'confirmed',
       d.goods, d.discount, d.shipping, d.tax, d.goods - d.discount + d.shipping + d.tax, d.lines
FROM (SELECT d.*, 'SO-' || nextval('number_so') AS number FROM {_ROWS}) AS d JOIN orders_order AS o ON o.id = d.origin
RETURNING id, number
"""

_LESS = f"""
UPDATE orders_order AS o SET
    goods_minor = o.goods_minor - d.goods, discount_minor = o.discount_minor - d.discount,
    shipping_minor = o.shipping_minor - d.shipping, tax_minor = o.tax_minor - d.tax,
    total_minor = o.total_minor - (d.goods - d.discount + d.shipping + d.tax), line_count = o.line_count - d.gone
FROM {_ROWS} WHERE o.id = d.origin
"""

_GIVE = """
UPDATE orders_line AS l SET order_id = d.order_id, number = d.number
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(numbers)s::int[]) AS d(id, order_id, number) WHERE l.id = d.id
"""

_CUT = """
UPDATE orders_line AS l SET
    quantity = l.quantity - d.units, open = l.open - d.open, backordered = l.backordered - d.backordered,
    allocated = l.allocated - d.allocated, gross_minor = l.gross_minor - d.gross,
    discount_minor = l.discount_minor - d.discount, shipping_minor = l.shipping_minor - d.shipping,
    tax_minor = l.tax_minor - d.tax
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(open)s::int[], %(backordered)s::int[], %(allocated)s::int[],
            %(gross)s::bigint[], %(discounts)s::bigint[], %(shippings)s::bigint[], %(taxes)s::bigint[])
     AS d(id, units, open, backordered, allocated, gross, discount, shipping, tax)
WHERE l.id = d.id
"""

_GIVE_PROMOTION = """
UPDATE orders_promotion AS p SET order_id = d.order_id, line_id = d.line
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(lines)s::uuid[]) AS d(id, order_id, line) WHERE p.id = d.id
"""

_LESS_PROMOTION = """
UPDATE orders_promotion AS p SET amount_minor = p.amount_minor - d.minor
FROM unnest(%(ids)s::uuid[], %(minors)s::bigint[]) AS d(id, minor) WHERE p.id = d.id
"""
