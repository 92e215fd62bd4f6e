"""A parcel's way, and what the books say on each day of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest

from entrepot.insight import verify
from entrepot.kernel.cause import Actor, Cause
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, place
from entrepot.shipping import queries
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from tests.floor import COMPANY, NOW, balance, units
from tests.walk import a_house, packed, shipped

pytestmark = pytest.mark.django_db


def on_day(day: int) -> Cause:
    return Cause(Actor("system:worker", everything=True), NOW + timedelta(days=day))


def test_an_order_in_two_parcels():
    house = a_house()
    house.stock(0, 2, cost=501)  # 2.505 each
    house.stock(1, 1)

    # Three mugs and a clock, a voucher taken off, postage charged, paid by card; needed within three days.
    (placed,) = place(
        on_day(0),
        requests=[
            PlaceOrder(
                COMPANY, "shop", "W-1",
                (
                    OrderLine("SKU-000", 3, Decimal("4.99")),
                    OrderLine("SKU-001", 1, Decimal("19.00")),
                    OrderLine("POST", 1, Decimal("3.95"), kind="shipping"),
                ),
                "GBP", country="GB", postal_code="SW1A 1AA", discount_minor=100, tax_minor=778,
                promise_at=NOW + timedelta(days=3), payment=PaymentGiven("account", "card 7", 4470, NOW),
            )
        ],
    )  # fmt: skip
    order = placed.order

    # Two mugs and the clock are here. The cheap service would be late, so the fast one is taken, and says why.
    (work,) = packed(order, cause=on_day(0))
    (first,) = ship(on_day(0), requests=[ShipFulfillment(work, "1Z 1")])
    (parcel,) = queries.of_order(order)
    assert (parcel.service, parcel.cost_minor) == ("fast", 900)
    slow = next(one for one in parcel.reasons["candidates"] if one["service"] == "slow")
    assert (slow["total_minor"] - slow["late_minor"], slow["days"], slow["late"]) == (300, 4, True)
    assert orders.order(order).status == "partly shipped"

    # What left is sold, with its part of the voucher and the tax; postage goes with the first parcel; it is paid.
    (mugs, clock) = queries.lines(parcel.id)
    assert (mugs.quantity, mugs.goods_minor, clock.goods_minor) == (2, 998, 1900)
    assert balance(4000) == -(998 + 1900)
    assert balance(4010) == -395
    assert balance(5000) == 501 + 100
    assert balance(1100) == first.amount_minor + 395
    assert balance(2100) == 0

    # A week later the third mug comes in and follows by the same rules.
    house.stock(0, 1)
    (second,) = shipped(order, cause=on_day(7))
    assert orders.order(order).status == "shipped"
    assert units(house.skus[0]) == 0

    # Together the parcels bear what was frozen when the order was placed, to the penny.
    for line in orders.order(order).lines:
        parts = [
            part
            for parcel in queries.of_order(order)
            for part in queries.lines(parcel.id)
            if part.line == line.id
        ]
        if line.kind == "goods":
            assert sum(part.discount_minor for part in parts) == line.discount_minor
            assert sum(part.tax_minor for part in parts) == line.tax_minor
    assert balance(4000) == -(1497 + 1900)
    assert balance(4090) == 100
    assert balance(1100) == 1497 + 1900 + 395 - 100 + 778 == 4470
    assert balance(2100) == 0

    # The first comes in time, the second does not.
    answers = deliver(on_day(9), requests=[Delivered(parcel.id, NOW + timedelta(days=1)), Delivered(second)])
    assert [answer.late for answer in answers] == [False, True]
    assert orders.order(order).status == "delivered"
    assert queries.totals(COMPANY) == {"shipments": 2, "units": 4, "carriage_minor": 1800}
    assert balance(2150) == -1800

    said = StringIO()
    assert verify.run(said), said.getvalue()
    assert "2 shipments, 3 shipment lines" in said.getvalue()
