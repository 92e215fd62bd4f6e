"""The rule `inventory`: as many units as are wanted, by what the channel can have of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.command import whole
from entrepot.orders import queries
from entrepot.orders.commands.edit import AddLine, EditOrder
from entrepot.orders.commands.satisfy import ReleaseSatisfied, release_satisfied, stocked_again
from entrepot.orders.validation import Validation
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.edit import edit
from entrepot.stock.commands.expect import Expect, expect
from entrepot.stock.commands.reserve import Reserve, reserve
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return walk.a_house()


def steer(short: str = "any", mode: str = "enforce", scope: str = "") -> None:
    body = Validation(inventory=mode, inventory_short=short)  # type: ignore[arg-type]
    whole(
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.validation", body, NOW, scope)]
        )
    )


def lacks(order: UUID) -> dict[str, int]:
    """Units that lack by SKU, as the open hold tells."""
    found = sql.run(
        "SELECT facts -> 'short' FROM orders_hold WHERE order_id = %(o)s::uuid AND state = 'open'",
        {"o": order},
    )
    return {sku: one["short"] for (short,) in found for sku, one in short.items()}


def coming(house: Floor, sku: int, units: int) -> None:
    expect(
        SYSTEM,
        requests=[
            Expect(
                COMPANY,
                ids.uuid7(),
                house.skus[sku],
                house.nodes[0],
                "purchase",
                ids.uuid7(),
                units,
                NOW.date(),
            )
        ],
    )


def released(order: UUID) -> str:
    """The status once what waits for stock was looked at."""
    found = stocked_again(NOW)
    whole(release_satisfied(SYSTEM, requests=[ReleaseSatisfied(one) for one in found]))
    return queries.order(order).status  # type: ignore[union-attr]


def test_many_units_do_not_pass_where_one_exists_and_is_promised(house: Floor) -> None:
    house.stock(0, 1)
    whole(allocate(SYSTEM, requests=[AllocateOrder(house.order((0, 1)).order)]))
    steer("all")

    order = house.order((0, 500))

    assert (order.status, lacks(order.order)) == ("inventory hold", {"SKU-000": 500})
    assert released(order.order) == "inventory hold"
    house.stock(0, 499)
    assert released(order.order) == "inventory hold"
    house.stock(0, 1)
    assert released(order.order) == "ready"


def test_any_or_all_of_its_skus(house: Floor) -> None:
    house.stock(0, 5)
    steer("all")
    some = house.order((0, 5), (1, 1))
    assert some.status == "ready"
    whole(allocate(SYSTEM, requests=[AllocateOrder(some.order)]))
    steer("any")
    order = house.order((0, 1), (1, 2))
    assert (order.status, lacks(order.order)) == ("inventory hold", {"SKU-000": 1, "SKU-001": 2})


def test_it_waits_for_what_lacked_and_no_more(house: Floor) -> None:
    house.stock(0, 5)
    steer("any")
    order = house.order((0, 5), (1, 2), (2, 1)).order
    assert lacks(order) == {"SKU-001": 2, "SKU-002": 1}
    house.stock(1, 2)
    assert released(order) == "inventory hold"
    coming(house, 2, 1)
    assert released(order) == "ready"


def test_orders_of_a_batch_take_from_each_other(house: Floor) -> None:
    house.stock(0, 3)
    steer("any")
    assert [one.status for one in house.orders(3, (0, 2))] == ["ready", "inventory hold", "inventory hold"]


def test_of_many_who_wait_one_goes_with_one_unit(house: Floor) -> None:
    steer("any")
    held = [one.order for one in house.orders(3, (0, 1))]
    house.stock(0, 1)
    released(held[0])
    assert [queries.order(one).status for one in held] == ["ready", "inventory hold", "inventory hold"]  # type: ignore[union-attr]
    whole(allocate(SYSTEM, requests=[AllocateOrder(held[0])]))
    house.stock(0, 2)
    released(held[1])
    assert [queries.order(one).status for one in held[1:]] == ["ready", "ready"]  # type: ignore[union-attr]


def test_safety_stock_and_other_channels_nodes_do_not_count(house: Floor) -> None:
    house.stock(0, 5)
    house.stock(1, 5, node=1)
    steer("any")
    sql.run("UPDATE stock_position SET safety = 2 WHERE sku_id = %(s)s::uuid", {"s": house.skus[0]})
    sql.run("DELETE FROM network_channelnode WHERE node_id = %(n)s::uuid", {"n": house.nodes[1]})
    assert house.order((0, 3)).status == "ready"
    assert lacks(house.order((0, 4)).order) == {"SKU-000": 1}
    assert lacks(house.order((1, 1)).order) == {"SKU-001": 1}


def test_what_is_to_come_counts_and_what_is_sold_ahead_always_does(house: Floor) -> None:
    steer("any")
    coming(house, 0, 4)
    ahead = SetPreorder(COMPANY, house.skus[1], NOW.date() + timedelta(days=9))
    whole(set_preorder(SYSTEM, requests=[ahead]))
    assert house.order((0, 4), (1, 400)).status == "ready"
    assert lacks(house.order((0, 5)).order) == {"SKU-000": 1}


def test_kits_are_asked_for_by_their_components(house: Floor) -> None:
    kit = house.kit("PAIR", (0, 2), (1, 1), price="20.00")
    house.stock(0, 3)
    house.stock(1, 3)
    steer("any")
    assert house.order((kit, 1)).status == "ready"
    assert lacks(house.order((kit, 2)).order) == {"SKU-000": 1}


def test_what_its_own_cart_has_reserved_is_the_orders(house: Floor) -> None:
    house.stock(0, 2)
    steer("any")
    until, channel = NOW + timedelta(hours=1), house.channels["shop"]
    cart = Reserve(COMPANY, "cart-1", house.skus[0], house.nodes[0], channel, 2, until)
    whole(reserve(SYSTEM, requests=[cart]))
    assert house.order((0, 2)).status == "inventory hold"
    assert house.order((0, 2), reservation="cart-1").status == "ready"


def test_a_change_is_asked_beyond_what_the_order_has(house: Floor) -> None:
    house.stock(0, 3)
    order = house.order((0, 2)).order
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    steer("any")

    (line,) = queries.order(order).lines  # type: ignore[union-attr]

    def more(units: int) -> Any:
        added = (AddLine(house.codes[0], units, like=line.id),)
        return whole(edit(SYSTEM, requests=[EditOrder(order, "more", add=added)]))[0]

    fits, lacking = more(1), more(4)

    assert fits.holds == ()
    assert lacking.holds == ("inventory hold",)
    assert lacks(order) == {"SKU-000": 4}


def test_a_warning_holds_nothing(house: Floor) -> None:
    steer("any", "warn")
    assert house.order((0, 1)).status == "ready"


def test_validation_takes_one_statement_more_for_any_number(house: Floor, statements: Any) -> None:
    for mode in ("off", "enforce"):
        steer("any", mode)
        for size in (1, 20):
            with statements() as ran:
                house.orders(size, (0, 1), (1, 2), channel="shop")
            loads = [text for text in ran.texts if "stock_supply" in text]
            assert len(loads) == (mode == "enforce")
