"""The orders that replace returned goods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.place import AddressGiven, OrderLine, Placed, PlaceOrder, place
from entrepot.orders.rules import EXCHANGE
from entrepot.returns.exchanging import Replacement


class Wanted(NamedTuple):
    """A replacement for units of an order, under the number of the refund that pays for it."""

    refund: UUID
    number: str
    order: UUID
    quantity: int
    goods: Replacement
    at: datetime


def replace_goods(cause: Cause, wanted: Sequence[Wanted]) -> dict[UUID, Placed | Refused]:
    """Orders to where the first one went, by refund: promised at once, and held until their money is there.

    1 statement, and those of `orders.place`; none where nothing is wanted.
    """
    if not wanted:
        return {}
    found = {row[0]: _Order(*row[1:]) for row in sql.run(_ORDERS, {"orders": [one.order for one in wanted]})}
    answers = place(cause, requests=[_request(one, found[one.order]) for one in wanted])
    return {one.refund: answer for one, answer in zip(wanted, answers, strict=True)}


class _Order(NamedTuple):
    company: int
    channel: str
    external_id: str
    currency: str
    customer: str | None
    country: str
    postal_code: str
    service: str
    address: Sequence[Any] | None


def _request(one: Wanted, order: _Order) -> PlaceOrder:
    new = one.goods
    line = OrderLine(new.sku, one.quantity, new.unit_price, discount_minor=new.discount)
    return PlaceOrder(
        order.company, order.channel, f"{order.external_id}/{one.number}", (line,), order.currency, one.at,
        order.customer, order.country, order.postal_code, AddressGiven(*order.address) if order.address else None,
        shipping_minor=new.shipping, tax_minor=new.tax, service=order.service, demand=EXCHANGE,
    )  # fmt: skip


_ORDERS = """
SELECT o.id, o.company_id::int, c.code, o.external_id, o.currency::text, k.code, o.country, o.postal_code, o.service,
       CASE WHEN a.id IS NOT NULL THEN ARRAY[a.name, a.line1, a.city, a.line2, a.region, a.email, a.phone] END
FROM orders_order AS o
JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_customer AS k ON k.id = o.customer_id
LEFT JOIN parties_address AS a ON a.id = o.address_id
WHERE o.id = ANY(%(orders)s::uuid[])
"""
