"""What was reserved for a cart and was ordered: it stays the order's until it is promised or wanted no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.cancel import cancel as cancel_alone
from entrepot.orders.commands.edit import EditOrder
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.merge import MergeOrders
from entrepot.orders.commands.split import SplitOrder
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.expire_reservations import (
    ExpireReservations,
    ReservationsExpired,
    expire_reservations,
)
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.stock import availability_queries, errors, queries
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.reserve import (
    GiveBack,
    GivenBack,
    Renew,
    Reserve,
    give_back,
    renew,
    reserve,
)
from entrepot.stock.commands.set_floor import SetRingFence, set_ring_fence
from entrepot.warehouse.commands.adjust import adjust
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
UNTIL = NOW + timedelta(minutes=15)
WEEK = replace(SYSTEM, at=NOW + timedelta(days=7))


@pytest.fixture
def floor() -> Floor:
    return a_floor()


def in_cart(floor: Floor, units: int = 4, holder: str = "cart", channel: str = "shop", sku: int = 0) -> None:
    wanted = Reserve(COMPANY, holder, floor.skus[sku], None, floor.channels[channel], units, UNTIL)
    whole(reserve(SYSTEM, requests=[wanted]))


def held(floor: Floor, units: int = 4, holder: str = "cart", **facts: object) -> UUID:
    """An order of a cart, for which a person is waited for."""
    order = floor.order((0, units), reservation=holder, **facts).order
    whole(place_hold(SYSTEM, requests=[PlaceHold(order, "fraud review", "odd")]))
    return order


def swept(at=WEEK) -> int:
    (answer,) = expire_reservations(at, requests=[ExpireReservations(COMPANY)])
    assert isinstance(answer, ReservationsExpired)
    return answer.skus


def kept() -> list[tuple[object, ...]]:
    return sql.run(
        "SELECT holder, quantity, kind, order_id, expires_at FROM stock_reservation ORDER BY kind, holder, quantity"
    )


def free(floor: Floor, channel: str = "shop", at=WEEK.at) -> int:
    (found,) = availability_queries.availability(
        company=COMPANY, channel=channel, skus=floor.codes[:1], at=at
    )
    return found.free


def test_a_held_order_keeps_its_units_for_as_long_as_it_is_held(floor: Floor) -> None:
    floor.stock(quantity=5)
    in_cart(floor)
    order = held(floor)

    assert swept() == 0
    assert kept() == [("cart", 4, "order", order, None)]
    assert free(floor) == 1
    other = floor.order((0, 4), priority=9).order
    allocate(WEEK, requests=[AllocateOrder(other)])
    assert [line.places for line in orders.order(other).lines] == [{"allocated": 1, "backordered": 3}]

    (hold,) = orders.order(order).holds
    whole(release_holds(WEEK, requests=[ReleaseHold(hold.id)]))
    (answer,) = allocate(WEEK, requests=[AllocateOrder(order)])
    assert (answer.allocated, kept()) == (4, [])


def test_what_was_not_ordered_of_a_cart_expires_with_it(floor: Floor) -> None:
    floor.stock(quantity=9)
    floor.stock(quantity=9, sku=1)
    in_cart(floor, 6)
    in_cart(floor, 2, sku=1)
    order = held(floor, 4)

    assert [row[1:4] for row in kept()] == [(2, "cart", None), (2, "cart", None), (4, "order", order)]
    assert swept() == 2
    assert [row[1:4] for row in kept()] == [(4, "order", order)]


def test_of_two_orders_that_name_one_cart_one_keeps_it(floor: Floor) -> None:
    floor.stock(quantity=4)
    in_cart(floor)
    first, second = held(floor), floor.order((0, 4), reservation="cart").order

    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(second)])

    assert (answer.allocated, answer.backordered) == (0, 4)
    assert [row[3] for row in kept()] == [first]


def test_a_cancelled_order_gives_its_units_up_at_once(floor: Floor) -> None:
    floor.stock(quantity=4)
    in_cart(floor)
    order = held(floor)

    whole(cancel(WEEK, requests=[CancelOrder(order, "changed my mind")]))

    assert kept() == []
    assert free(floor) == 4
    event = (
        "SELECT state_before, state_after FROM kernel_event WHERE subject_kind = 'reservation' ORDER BY seq"
    )
    told = sql.run(event)
    assert told == [("cart", "ordered"), ("order", "ended")]


def test_a_cancelled_line_gives_its_units_up_at_once(floor: Floor) -> None:
    floor.stock(quantity=4)
    floor.stock(quantity=4, sku=1)
    in_cart(floor)
    in_cart(floor, 2, sku=1)
    order = floor.order((0, 4), (1, 2), reservation="cart").order
    whole(place_hold(SYSTEM, requests=[PlaceHold(order, "fraud review", "odd")]))
    line = next(one.id for one in orders.order(order).lines if one.sku_code == floor.codes[0])

    whole(cancel(WEEK, requests=[CancelOrder(order, "too many", ((line, 4),))]))

    assert [row[1:4] for row in kept()] == [(2, "order", order)]
    assert swept() == 0


def test_units_that_a_held_order_wants_no_more_are_free_at_once(floor: Floor) -> None:
    floor.stock(quantity=6)
    floor.stock(quantity=4, node=1)
    in_cart(floor, 6)
    later = replace(SYSTEM, at=NOW + timedelta(minutes=1))
    cart = Reserve(COMPANY, "cart", floor.skus[0], floor.nodes[1], floor.channels["shop"], 4, UNTIL)
    whole(reserve(later, requests=[cart]))
    order = held(floor, 10)
    (line,) = orders.order(order).lines

    whole(edit(WEEK, requests=[EditOrder(order, "fewer", remove=((line.id, 2),))]))
    assert [row[1:4] for row in kept()] == [(2, "order", order), (6, "order", order)], "the last goes first"
    assert free(floor) == 2

    whole(cancel(WEEK, requests=[CancelOrder(order, "too many", ((line.id, 7),))]))
    assert [row[1:4] for row in kept()] == [(1, "order", order)]
    assert free(floor) == 9
    told = """
        SELECT state_after, (payload ->> 'units')::int FROM kernel_event
        WHERE subject_kind = 'reservation' AND state_before = 'order' ORDER BY seq
    """
    assert sql.run(told) == [("order", 2), ("order", 5), ("ended", 2)]
    (hold,) = orders.order(order).holds
    whole(release_holds(WEEK, requests=[ReleaseHold(hold.id)]))
    (answer,) = allocate(WEEK, requests=[AllocateOrder(order)])
    assert (answer.allocated, kept()) == (1, [])


def test_what_is_kept_beyond_what_is_wanted_is_free_within_a_minute(floor: Floor) -> None:
    floor.stock(quantity=10)
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["market"], 6)
    whole(set_ring_fence(SYSTEM, requests=[fence]))
    in_cart(floor, 10, channel="market")
    order = held(floor, 10, channel="market")
    (line,) = orders.order(order).lines
    whole(cancel_alone(WEEK, requests=[CancelOrder(order, "too many", ((line.id, 7),))]))
    assert free(floor, "market") == 0

    assert swept() == 1
    assert [row[1:4] for row in kept()] == [(3, "order", order)]
    assert (free(floor), free(floor, "market")) == (4, 7), "what came from the fence is kept first"
    assert swept() == 0


def test_an_order_takes_what_its_cart_reserved_when_nothing_is_kept_for_it(floor: Floor) -> None:
    floor.stock(quantity=4)
    order = floor.order((0, 4), reservation="cart").order
    in_cart(floor)

    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(order)])

    assert (answer.allocated, kept()) == (4, [])


def test_a_person_gives_an_orders_units_back_and_nobody_else_does(floor: Floor) -> None:
    floor.stock(quantity=4)
    in_cart(floor)
    held(floor)

    (renewed,) = renew(SYSTEM, requests=[Renew("cart", UNTIL + timedelta(hours=1))])
    (given,) = give_back(SYSTEM, requests=[GiveBack("cart")])
    assert isinstance(renewed, errors.NothingReserved)
    assert isinstance(given, errors.NothingReserved)
    assert free(floor) == 0

    assert give_back(SYSTEM, requests=[GiveBack("cart", ordered=True)]) == [GivenBack(4)]
    assert free(floor) == 4


def test_losses_take_from_carts_before_they_take_from_orders(floor: Floor) -> None:
    floor.stock(quantity=8)
    in_cart(floor)
    order = held(floor)
    in_cart(floor, 4, "later")
    lost = Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), -3, "lost")

    whole(adjust(SYSTEM, requests=[lost]))
    assert [row[:4] for row in kept()] == [("cart", 4, "order", order)]

    whole(adjust(SYSTEM, requests=[replace(lost, delta=-4)]))
    assert kept() == []


def test_a_split_and_a_merge_keep_units_for_the_order_that_they_go_to(floor: Floor) -> None:
    floor.stock(quantity=4)
    in_cart(floor)
    order = floor.order((0, 4), reservation="cart", customer="C-1").order
    (line,) = orders.order(order).lines

    (answer,) = whole(split(SYSTEM, requests=[SplitOrder(order, ((line.id, 1),), "later")]))
    assert {(row[1], row[3]) for row in kept()} == {(3, order), (1, answer.new_order)}
    assert swept() == 0

    whole(merge(SYSTEM, requests=[MergeOrders(order, (answer.new_order,), "one parcel")]))
    assert {(row[0], row[1], row[3]) for row in kept()} == {("cart", 3, order), ("cart", 1, order)}
    (done,) = whole(allocate(WEEK, requests=[AllocateOrder(order)]))
    assert (done.allocated, kept()) == (4, [])


def test_what_is_from_a_fence_goes_back_to_it_with_the_order(floor: Floor) -> None:
    floor.stock(quantity=10)
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["market"], 5)
    whole(set_ring_fence(SYSTEM, requests=[fence]))
    in_cart(floor, 6, channel="market")
    order = held(floor, 4, channel="market")
    assert (free(floor, at=NOW), free(floor, "market", NOW)) == (4, 4)
    assert (free(floor), free(floor, "market")) == (5, 6), "of the two that expired one is from the fence"

    swept()
    assert (free(floor), free(floor, "market")) == (5, 6)
    whole(cancel(WEEK, requests=[CancelOrder(order, "changed my mind")]))
    assert (free(floor), free(floor, "market")) == (5, 10)


def test_the_orders_page_and_its_neighbours_know_whose_units_they_are(floor: Floor) -> None:
    floor.stock(quantity=5)
    in_cart(floor)
    order = held(floor)
    in_cart(floor, 1, "other")

    cart, mine = queries.reservations(company=COMPANY, at=NOW)
    assert (cart.holder, cart.order, cart.expires_at) == ("other", None, UNTIL)
    assert (mine.holder, mine.kind, mine.order, mine.expires_at) == ("cart", "order", order, None)
    assert queries.reservations(company=COMPANY, at=WEEK.at) == [mine]
    behind = (cart.expires_at.isoformat(), cart.id)  # type: ignore[union-attr]
    assert queries.reservations(company=COMPANY, at=NOW, after=behind, limit=1) == [mine]
    assert queries.reservations(company=COMPANY, at=NOW, after=("", mine.id)) == []


@pytest.mark.counts("orders.place", "sourcing.cancel")
def test_statements_do_not_grow_with_the_orders(floor: Floor, statements) -> None:
    floor.stock(quantity=10_000)
    counts: dict[str, list[int]] = {}
    for size in (1, *SIZES):
        name = f"cart {size}"
        in_cart(floor, size, name)
        found: list[UUID] = []
        steps: dict[str, Callable[[], object]] = {
            "place": lambda size=size, name=name, found=found: found.extend(
                one.order for one in floor.orders(size, (0, 1), reservation=name)
            ),
            "cancel": lambda found=found: cancel(
                SYSTEM, requests=[CancelOrder(one, "changed my mind") for one in found]
            ),
        }
        for step, run in steps.items():
            with statements() as ran:
                run()
            counts.setdefault(step, []).append(len(ran))
    assert not {name: sizes for name, sizes in counts.items() if len(set(sizes[1:])) > 1}, counts
    swept()
    assert kept() == []
