"""The orders that replace returned goods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.place import AddressGiven, OrderLine, Placed, PlaceOrder, place
from entrepot.orders.rules import EXCHANGE
from entrepot.parties import queries as parties
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

    2 statements, and those of `orders.place`; none where nothing is wanted.
    """
    if not wanted:
        return {}
    found = {row[0]: _Order(*row[1:]) for row in sql.run(_ORDERS, {"orders": [one.order for one in wanted]})}
    homes = parties.addresses([one.address for one in found.values() if one.address])
    answers = place(cause, requests=[_request(one, found[one.order], homes) for one in wanted])
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
    address: UUID | None


def _request(one: Wanted, order: _Order, homes: Mapping[UUID, parties.Address]) -> PlaceOrder:
    new, home = one.goods, homes.get(order.address) if order.address else None
    line = OrderLine(new.sku, one.quantity, new.unit_price, discount_minor=new.discount)
    return PlaceOrder(
        order.company, order.channel, f"{order.external_id}/{one.number}", (line,), order.currency, one.at,
        order.customer, order.country, order.postal_code, AddressGiven.of(home),
        shipping_minor=new.shipping, tax_minor=new.tax, service=order.service, demand=EXCHANGE,
    )  # fmt: skip


_ORDERS = """
SELECT o.id, o.company_id::int, c.code, o.external_id, o.currency::text, k.code, o.country, o.postal_code, o.service,
       o.address_id
FROM orders_order AS o
JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_customer AS k ON k.id = o.customer_id
WHERE o.id = ANY(%(orders)s::uuid[])
"""
