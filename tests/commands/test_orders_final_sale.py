"""What is sold as not to come back: kept with the line of the order, whatever becomes of that, and asked by returns."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.kernel import policies
from entrepot.orders import queries
from entrepot.orders.commands.edit import AddLine, EditOrder, OrderEdited
from entrepot.orders.commands.place import OrderLine, Placed, PlaceOrder, place
from entrepot.orders.commands.split import OrderSplit, SplitOrder, split
from entrepot.returns import errors
from entrepot.returns import queries as returns
from entrepot.returns.admission import Admission
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.sourcing.commands.edit import edit
from tests.back import ASKS, lines_of
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house, allocated, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    house.stock(1, 50)
    return house


def placed(house: Floor, name: str = "F-1") -> UUID:
    """An order of 3 that were sold as final and 1 that was not."""
    lines = (
        OrderLine(house.codes[0], 3, Decimal("9.99"), final_sale=True),
        OrderLine(house.codes[1], 1, Decimal("9.99")),
    )
    request = PlaceOrder(COMPANY, "shop", name, lines, "GBP", country="GB", postal_code="SW1A 1AA")
    (answer,) = place(SYSTEM, requests=[request])
    assert isinstance(answer, Placed), answer
    return answer.order


def final(order: UUID) -> list[bool]:
    return [line.final_sale for line in queries.order(order).lines]


def test_it_is_frozen_with_the_line(house: Floor):
    order = placed(house)
    assert final(order) == [True, False]
    assert [one.final_sale for one in returns.returnable(order)] == [True, False]


def test_more_of_it_is_sold_as_it_was_and_other_goods_as_is_said(house: Floor):
    order = placed(house)
    first, second = lines_of(order)
    add = (
        AddLine(house.codes[0], 1, like=first), AddLine(house.codes[1], 1, like=second),
        AddLine(house.codes[1], 2, like=second, final_sale=True),
    )  # fmt: skip
    (answer,) = edit(SYSTEM, requests=[EditOrder(order, "more of it", add)])
    assert isinstance(answer, OrderEdited), answer
    assert final(order) == [True, False, True, False, True]


def test_a_part_of_it_that_is_split_off_stays_final(house: Floor):
    order = placed(house)
    first, second = lines_of(order)
    (part,) = split(SYSTEM, requests=[SplitOrder(order, ((first, 1), (second, 1)), "later")])
    assert isinstance(part, OrderSplit), part
    assert (final(order), final(part.new_order)) == ([True], [True, False])


def test_it_comes_back_where_the_house_is_at_fault_and_not_else(house: Floor):
    body = Admission(business_tiers=("",))
    policies.set_policy(
        SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.authorization", body, NOW - timedelta(days=1))]
    )
    order = placed(house)
    allocated(order)
    shipped(order)
    first, second = lines_of(order)
    no, ours, other = authorize(ASKS, requests=[
        Authorize(order, (Item(first, 1, "changed_mind"),)), Authorize(order, (Item(first, 1, "defective"),)),
        Authorize(order, (Item(second, 1, "changed_mind"),)),
    ])  # fmt: skip
    number = queries.order(order).number
    assert no == errors.NotAllowed(order=number, sku=house.codes[0], why="it was sold as not to come back")
    assert isinstance(ours, Authorized)
    assert isinstance(other, Authorized)
