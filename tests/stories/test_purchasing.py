"""A delivery in two lorries, and one that never comes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.insight import verify
from entrepot.kernel.cause import Actor, Cause
from entrepot.purchasing import queries
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from tests.retailer import NOW, a_retailer

pytestmark = pytest.mark.django_db


def by(name: str, days: int = 0) -> Cause:
    return Cause(Actor(name, everything=True), NOW + timedelta(days=days))


def test_a_delivery_in_two_lorries_and_one_that_never_comes():
    house = a_retailer(skus=3)
    mugs, bunting, clocks = house.skus

    # Bea orders for the coming week, at a cost that is no whole number of pence.
    week = order(
        by("bea"),
        requests=[
            OrderGoods(
                house.company, house.supplier, house.node, "2026-W10",
                ((mugs, 144, Decimal("0.9405")), (bunting, 36, Decimal("2.2275"))),
            ),
            OrderGoods(house.company, house.supplier, house.node, "2026-W10b", ((clocks, 12, Decimal("3.1")),)),
        ],
    )  # fmt: skip
    goods, never = (one.order for one in week)
    mug_line, bunting_line = (line.id for line in queries.lines(goods))

    # The first lorry brings half of the mugs. Bea may not attest that herself; Dan does.
    half = ReceiveOrder(goods, ((mug_line, 72),))
    (refused,) = receive(by("bea", 2), requests=[half])
    assert isinstance(refused, DutiesApart)
    assert refused.facts["document"].startswith("PO-")
    (first,) = receive(by("dan", 2), requests=[half])
    assert (first.state, first.value_minor) == ("part_received", 6772)  # 67.716 pounds

    # The second brings the rest, counted by Eve. The parts make what the whole is worth: 135.432 and 80.19 pounds.
    (second,) = receive(by("eve", 4), requests=[ReceiveOrder(goods)])
    assert (second.state, second.quantity) == ("received", 72 + 36)
    assert first.value_minor + second.value_minor == 13543 + 8019
    assert [receipt.received_by for receipt in queries.receipts(goods)] == ["dan", "eve"]
    assert [line.received for line in queries.lines(goods)] == [144, 36]
    assert bunting_line

    # The clocks never come.
    cancel(by("bea", 9), requests=[CancelOrder(never, "the supplier has closed")])
    assert [one.id for one in queries.orders(house.company, state="cancelled")] == [never]

    # Every room finds its sums in order, and says what it looked at.
    said = StringIO()
    assert verify.run(said), said.getvalue()
    assert "2 purchase orders, 3 purchase order lines, 2 receipts, 3 receipt lines" in said.getvalue()
    assert said.getvalue().splitlines()[-1].startswith("All in order: ")
