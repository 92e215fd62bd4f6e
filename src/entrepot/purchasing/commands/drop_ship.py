"""Order from suppliers what they send to customers themselves."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders import queries as orders
from entrepot.orders.commands import progress
from entrepot.orders.window import Fill, is_over
from entrepot.purchasing import errors
from entrepot.purchasing.commands.tell_suppliers import Telling, tell
from entrepot.purchasing.drop_ship import ASKED
from entrepot.sourcing.commands.drop_ship import PassedOn, take_passed

DUTY = "order×receive×accept"


@dataclass(frozen=True, slots=True)
class DropShipOrder:
    """A sales order of which suppliers send something."""

    order: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDropShipped:
    """The drop-ship orders that were made, as (id, number): one for each supplier."""

    order: UUID
    made: tuple[tuple[UUID, str], ...]


class _Order(NamedTuple):
    id: UUID
    company: int
    number: str
    address: UUID | None
    service: str
    held_by: str
    ship_not_before: date | None
    cancel_after: date | None
    fill: Fill | None

    def refusal(self, blocked: Container[UUID], at: datetime) -> Refused | None:
        """Why no supplier is asked although something is passed to him: as for what goes to the floor."""
        if self.id in blocked:
            return errors.OrderHeld(order=self.number, hold=self.held_by)
        if self.ship_not_before and at.date() < self.ship_not_before:
            return errors.NotBefore(order=self.number, on=str(self.ship_not_before))
        if self.cancel_after and is_over(self.cancel_after, at):
            return errors.PastCancelAfter(order=self.number, on=str(self.cancel_after))
        fill = self.fill
        if fill and fill.lacks():
            return errors.BelowFill(
                order=self.number, expected=fill.least, ordered=fill.ordered, found=fill.served
            )
        return None


class _Made(NamedTuple):
    """A drop-ship order that will be written."""

    id: UUID
    number: str
    order: _Order
    supplier: UUID
    parts: list[PassedOn]
    at: datetime
    due_on: date


@command("purchasing.drop_ship")
def drop_ship(cause: Cause, /, *, requests: Sequence[DropShipOrder]) -> list[OrderDropShipped | Refused]:
    """A purchase order to each supplier for what he sends of an order, at what he asks for it, and a message to him.

    The message names the customer's address in the vault, never the address itself.
    Locks: the sales orders in id order. Refuses: NotFound; purchasing.order_held; purchasing.not_before;
    purchasing.past_cancel_after; purchasing.below_fill; purchasing.nothing_passed.
    Again: by key; without one nothing is left to be ordered. 13 statements; 1 more where an order is held.
    """
    wanted = [one.order for one in requests]
    progress.lock(wanted)
    rows = sql.run(_ORDERS, {"orders": wanted})
    found = {row[0]: _Order(*row[:-1], row[-1] and Fill(*row[-1])) for row in rows}  # type: ignore[call-arg]
    held = [one.id for one in found.values() if one.held_by]
    blocked = orders.blocked(held, "release") if held else set()
    stay = {key: why for key, one in found.items() if (why := one.refusal(blocked, cause.at))}

    times = {one.order: one.occurred_at or cause.at for one in requests}
    passed: dict[UUID, dict[UUID, list[PassedOn]]] = {}
    for one in take_passed(cause, [order for order in found if order not in stay]):
        passed.setdefault(one.order, {}).setdefault(one.supplier, []).append(one)
    numbers = iter(ids.numbers("PO", sum(len(suppliers) for suppliers in passed.values())))
    made = {
        order: [
            _Made(ids.uuid7(), next(numbers), found[order], supplier, parts, at, _due(at, parts))
            for supplier, parts in suppliers.items()
        ]
        for order, suppliers in passed.items()
        for at in (times[order],)
    }

    _write(cause, [one for some in made.values() for one in some])
    ready.drop("drop_ship", wanted)
    return [_answer(one.order, found, stay, made) for one in requests]


def _due(at: datetime, parts: Sequence[PassedOn]) -> date:
    return (at + timedelta(days=max(one.lead_days for one in parts))).date()


def _answer(
    which: UUID, found: Mapping[UUID, _Order], stay: Mapping[UUID, Refused], made: dict[UUID, list[_Made]]
) -> OrderDropShipped | Refused:
    order = found.get(which)
    if order is None:
        return NotFound(what="order", which=str(which))
    if which in stay:
        return stay[which]
    if not made.get(which):
        return errors.NothingPassed(order=order.number)
    return OrderDropShipped(which, tuple((one.id, one.number) for one in made.pop(which)))


def _write(cause: Cause, made: Sequence[_Made]) -> None:
    if not made:
        return
    suppliers = list({one.supplier for one in made})
    skus = list({part.sku for one in made for part in one.parts})
    offers: dict[tuple[UUID, UUID], tuple[Decimal, str, str]] = {}
    currencies: dict[UUID, tuple[str, str]] = {}
    for supplier, sku, cost, sku_code, currency, code in sql.run(
        _OFFERS, {"suppliers": suppliers, "skus": skus}
    ):
        offers[supplier, sku] = (cost, sku_code, code)
        currencies[supplier] = (currency, code)
    who = cause.actor.name
    sql.write(
        "purchasing_dropship",
        _DROP_SHIP,
        [
            (
                one.id, one.number, one.order.company, one.supplier, one.order.id, one.order.address,
                currencies[one.supplier][0], "asked", who, one.at, one.due_on,
            )
            for one in made
        ],
    )  # fmt: skip
    sql.write(
        "purchasing_dropshipline",
        _LINE,
        [
            (
                ids.uuid7(), one.id, one.order.company, number, part.line, part.sku, part.quantity,
                offers[one.supplier, part.sku][0],
            )
            for one in made
            for number, part in enumerate(one.parts, 1)
        ],
    )  # fmt: skip
    whole(take_duty(cause, requests=[Duty(one.id, DUTY, "order", who) for one in made]))
    tell(cause, [_told(one, currencies[one.supplier][1], offers) for one in made])
    announce(
        cause,
        [
            Event(
                "drop_ship", one.id, one.order.company, "", "asked", one.at,
                {"number": one.number, "order": one.order.id, "supplier": one.supplier},
            )
            for one in made
        ],
    )  # fmt: skip


def _told(one: _Made, supplier: str, offers: Mapping[tuple[UUID, UUID], tuple[Decimal, str, str]]) -> Telling:
    lines = [
        {"line": number, "sku": offers[one.supplier, part.sku][1], "quantity": part.quantity,
         "unit_cost": str(offers[one.supplier, part.sku][0])}
        for number, part in enumerate(one.parts, 1)
    ]  # fmt: skip
    body: dict[str, Any] = {
        "number": one.number, "order": one.order.number, "address": one.order.address, "service": one.order.service,
        "due_on": one.due_on, "lines": lines,
    }  # fmt: skip
    return Telling(one.id, one.order.company, supplier, ASKED, one.at, body)


_DROP_SHIP = (
    "id", "number", "company_id", "supplier_id", "order_id", "address_id", "currency", "state", "ordered_by",
    "ordered_at", "due_on",
)  # fmt: skip
_LINE = (
    "id", "drop_ship_id", "company_id", "number", "line_id", "sku_id", "quantity", "unit_cost",
)  # fmt: skip

_ORDERS = f"""
SELECT o.id, o.company_id::int, o.number, o.address_id, o.service, o.held_by, o.ship_not_before, o.cancel_after,
       {orders.FILL}
FROM orders_order AS o WHERE o.id = ANY(%(orders)s::uuid[])
"""

_OFFERS = """
SELECT f.supplier_id, f.sku_id, f.cost, k.code, s.currency, s.code
FROM parties_offer AS f JOIN parties_supplier AS s ON s.id = f.supplier_id JOIN catalog_sku AS k ON k.id = f.sku_id
WHERE f.supplier_id = ANY(%(suppliers)s::uuid[]) AND f.sku_id = ANY(%(skus)s::uuid[])
"""
