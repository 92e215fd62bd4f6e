"""Reservations: where they are made, how they are renewed, and what becomes of those that expire."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.network.commands import register as network
from entrepot.network.queries import nodes as nodes_of
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.expire_reservations import (
    ExpireReservations,
    ReservationsExpired,
    expire_reservations,
)
from entrepot.stock import availability_queries, errors, queries
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.publish import PublishChanges, publish
from entrepot.stock.commands.reserve import (
    GiveBack,
    GivenBack,
    Renew,
    Renewed,
    Reserve,
    Reserved,
    give_back,
    renew,
    reserve,
)
from entrepot.stock.commands.set_floor import SetRingFence, set_ring_fence
from entrepot.warehouse.commands.adjust import adjust
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import SIZES
from tests.walk import freed_is_offered

pytestmark = pytest.mark.django_db
UNTIL = NOW + timedelta(minutes=15)
AFTER = replace(SYSTEM, at=UNTIL + timedelta(seconds=1))


@pytest.fixture
def floor() -> Floor:
    return a_floor()


def a_cart(floor: Floor, units: int = 4, holder: str = "cart", sku: int = 0) -> Reserve:
    return Reserve(COMPANY, holder, floor.skus[sku], None, floor.channels["shop"], units, UNTIL)


def reserved() -> list[tuple[str, int, str]]:
    return sql.run("SELECT holder, quantity, kind FROM stock_reservation ORDER BY holder")  # type: ignore[return-value]


def test_units_are_held_at_the_first_node_that_has_them_all(floor: Floor) -> None:
    floor.stock(quantity=5)
    floor.stock(quantity=6, node=1)

    first, second, third = reserve(
        SYSTEM, requests=[a_cart(floor, 4), a_cart(floor, 4, "other"), a_cart(floor, 4, "late")]
    )

    assert isinstance(first, Reserved)
    assert isinstance(second, Reserved)
    assert [first.node, second.node] == floor.nodes  # of the first node one unit is left
    assert isinstance(third, errors.Insufficient)
    assert (third.facts["free"], third.facts["node"]) == (3, "any node of the channel")


def test_where_no_node_has_them_all_they_are_held_at_several(floor: Floor) -> None:
    floor.stock(quantity=3)
    floor.stock(quantity=6, node=1)

    apart, here, all_gone = reserve(
        SYSTEM,
        requests=[
            a_cart(floor, 8),
            replace(a_cart(floor, 2, "here"), node=floor.nodes[0]),
            a_cart(floor, 1, "late"),
        ],
    )

    assert isinstance(apart, Reserved)
    assert [(one.node, one.quantity) for one in apart.parts] == [(floor.nodes[1], 6), (floor.nodes[0], 2)]
    assert (apart.reservation, apart.node) == apart.parts[0][:2]
    assert isinstance(here, errors.Insufficient), "a node that is named is asked alone"
    assert isinstance(all_gone, Reserved)

    order = floor.order((0, 8), reservation="cart").order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    given = sql.run(
        "SELECT quantity, ordered_at FROM stock_allocation WHERE order_id = %(o)s ORDER BY 1", {"o": order}
    )
    assert given == [(2, NOW), (6, NOW)]
    assert reserved() == [("late", 1, "cart")]


def a_kit_cart(floor: Floor, kits: int = 1, holder: str = "cart", node: UUID | None = None) -> Reserve:
    """Kits of two of SKU 0 and one of SKU 1."""
    parts = ((floor.skus[0], 2), (floor.skus[1], 1))
    return Reserve(
        COMPANY,
        holder,
        floor.skus[2],
        node,
        floor.channels["shop"],
        kits,
        UNTIL,
        parts=parts,
        key=f"{holder} {kits}",
    )


def test_of_a_kit_all_components_are_held_or_none(floor: Floor) -> None:
    floor.stock(quantity=9)
    floor.stock(quantity=6, node=1)
    floor.stock(quantity=1, sku=1)
    floor.stock(quantity=4, sku=1, node=1)
    both = a_kit_cart(floor, 2)

    first, many, here = reserve(
        SYSTEM, requests=[both, a_kit_cart(floor, 4, "many"), a_kit_cart(floor, 2, "here", floor.nodes[0])]
    )

    assert isinstance(first, Reserved)
    assert [(one.node, one.sku, one.quantity) for one in first.parts] == [
        (floor.nodes[1], floor.skus[0], 4), (floor.nodes[1], floor.skus[1], 2),
    ], "the first node that has them all"  # fmt: skip
    assert (first.reservation, first.node) == first.parts[0][:2]
    assert isinstance(many, errors.Insufficient)
    assert isinstance(here, errors.Insufficient)
    assert (here.facts["sku"], here.facts["wanted"], here.facts["free"]) == (str(floor.skus[1]), 2, 1)
    assert reserved() == [("cart", 4, "cart"), ("cart", 2, "cart")]
    assert reserve(SYSTEM, requests=[both]) == [first], "again by key"

    (apart,) = reserve(SYSTEM, requests=[a_kit_cart(floor, 2, "apart")])
    assert isinstance(apart, Reserved)
    assert [one.node for one in apart.parts] == floor.nodes, "no node has them all"
    assert give_back(SYSTEM, requests=[GiveBack("cart")]) == [GivenBack(6)]


def test_an_order_for_a_kit_keeps_the_place_of_its_cart(floor: Floor) -> None:
    floor.kit("KIT", (0, 2), (1, 1))
    for sku in (0, 1):
        floor.stock(quantity=2, sku=sku)
    whole(reserve(SYSTEM, requests=[a_kit_cart(floor)]))
    other = floor.order((0, 1), priority=9).order
    order = floor.order((3, 1), reservation="cart", occurred_at=NOW + timedelta(minutes=5)).order

    later = replace(SYSTEM, at=NOW + timedelta(minutes=6))
    allocate(later, requests=[AllocateOrder(other), AllocateOrder(order)])

    given = sql.run(
        "SELECT quantity, ordered_at FROM stock_allocation WHERE order_id = %(o)s ORDER BY 1", {"o": order}
    )
    assert given == [(1, NOW), (2, NOW)]
    assert reserved() == []


def test_a_checkout_keeps_the_units_and_the_place_of_its_cart(floor: Floor) -> None:
    floor.stock(quantity=5)
    reserve(SYSTEM, requests=[a_cart(floor)])
    at = replace(SYSTEM, at=NOW + timedelta(minutes=10))

    assert renew(at, requests=[Renew("cart", NOW + timedelta(minutes=40))]) == [Renewed(4)]

    assert reserved() == [("cart", 4, "checkout")]
    assert sql.run("SELECT reserved_at FROM stock_reservation") == [(NOW,)]
    assert expire_reservations(AFTER, requests=[ExpireReservations(COMPANY)]) == [ReservationsExpired(0)]


def test_what_has_expired_is_not_renewed(floor: Floor) -> None:
    floor.stock(quantity=5)
    reserve(SYSTEM, requests=[a_cart(floor)])

    late, past = renew(AFTER, requests=[Renew("cart", UNTIL + timedelta(hours=1)), Renew("other", AFTER.at)])

    assert isinstance(late, errors.NothingReserved)
    assert isinstance(past, errors.NotPlaceable)


def test_what_expires_is_told_at_its_own_moment_and_goes_to_who_waits(floor: Floor) -> None:
    floor.stock(quantity=5)
    reserve(SYSTEM, requests=[a_cart(floor, 4)])
    order = floor.order((0, 3)).order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert sql.run("SELECT backordered FROM orders_line") == [(2,)]

    assert expire_reservations(AFTER, requests=[ExpireReservations(COMPANY)]) == [ReservationsExpired(1)]
    freed_is_offered()

    assert reserved() == []
    event = (
        "SELECT state_before, state_after, occurred_at FROM kernel_event WHERE subject_kind = 'reservation'"
    )
    assert sql.run(event) == [("cart", "expired", UNTIL)]
    assert sql.run("SELECT subject FROM kernel_ready WHERE queue = 'allocate'") == [(order,)]
    assert expire_reservations(AFTER, requests=[ExpireReservations(COMPANY)]) == [ReservationsExpired(0)]
    allocate(AFTER, requests=[AllocateOrder(order)])
    assert sql.run("SELECT backordered, allocated FROM orders_line") == [(0, 3)]


def test_an_order_takes_over_what_its_cart_reserved_where_it_was_reserved(floor: Floor) -> None:
    floor.stock(quantity=5)
    floor.stock(quantity=5, node=1)
    reserve(SYSTEM, requests=[replace(a_cart(floor, 4), node=floor.nodes[1])])
    later = replace(SYSTEM, at=NOW + timedelta(minutes=5))
    order = floor.order((0, 3), reservation="cart", occurred_at=later.at).order

    (answer,) = allocate(later, requests=[AllocateOrder(order)])

    assert answer.allocated == 3
    assert reserved() == []  # the unit too many is free again
    assert sql.run("SELECT node_id, quantity, ordered_at FROM stock_allocation") == [(floor.nodes[1], 3, NOW)]
    event = (
        "SELECT state_before, state_after FROM kernel_event WHERE subject_kind = 'reservation' ORDER BY 1, 2"
    )
    assert sql.run(event) == [("cart", "ordered"), ("cart", "taken over"), ("order", "taken over")]


def test_a_more_urgent_order_does_not_get_what_another_has_reserved(floor: Floor) -> None:
    floor.stock(quantity=4)
    reserve(SYSTEM, requests=[a_cart(floor, 4)])
    urgent = floor.order((0, 4), priority=9).order
    patient = floor.order((0, 4), reservation="cart").order

    allocate(SYSTEM, requests=[AllocateOrder(urgent), AllocateOrder(patient)])

    assert sql.run("SELECT order_id, quantity FROM stock_allocation") == [(patient, 4)]


def test_a_cart_is_taken_over_once_and_by_its_own_skus_only(floor: Floor) -> None:
    floor.stock(quantity=4)
    floor.stock(quantity=4, sku=1)
    reserve(SYSTEM, requests=[a_cart(floor, 4), a_cart(floor, 4, sku=1)])
    first = floor.order((0, 4), reservation="cart").order
    second = floor.order((0, 4), reservation="cart").order

    answers = allocate(SYSTEM, requests=[AllocateOrder(first), AllocateOrder(second)])

    assert sorted((answer.allocated, answer.backordered) for answer in answers) == [(0, 4), (4, 0)]
    assert reserved() == [("cart", 4, "cart")]  # of the other SKU, until it expires


def test_an_order_whose_cart_is_gone_takes_what_is_free(floor: Floor) -> None:
    floor.stock(quantity=5)
    reserve(SYSTEM, requests=[a_cart(floor, 4)])
    expire_reservations(AFTER, requests=[ExpireReservations(COMPANY)])
    order = floor.order((0, 3), reservation="cart").order

    (answer,) = allocate(AFTER, requests=[AllocateOrder(order)])

    assert answer.allocated == 3


def told(floor: Floor, channel: str = "shop", at=NOW) -> int:
    """What the channel may sell, as it is asked and as it is published, which agree."""
    (found,) = availability_queries.availability(
        company=COMPANY, channel=channel, skus=floor.codes[:1], at=at
    )
    publish(replace(SYSTEM, at=at), requests=[PublishChanges()])
    figures = availability_queries.published_of(sku=floor.skus[0])
    assert found.quantity == (figures[channel].quantity if channel in figures else 0)
    return found.quantity


def shown_as(floor: Floor, **terms: int) -> None:
    channel = network.RegisterChannel(COMPANY, "shop", "Shop", "GBP", **terms)
    whole(network.register_channels(SYSTEM, requests=[channel]))


def test_a_cart_of_a_fenced_channel_counts_once(floor: Floor) -> None:
    floor.stock(quantity=10)
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["market"], 5)
    whole(set_ring_fence(SYSTEM, requests=[fence]))
    fenced = Reserve(COMPANY, "fenced", floor.skus[0], None, floor.channels["market"], 5, UNTIL)
    assert (told(floor), told(floor, "market")) == (5, 10)

    whole(reserve(SYSTEM, requests=[fenced]))
    assert (told(floor), told(floor, "market")) == (5, 5), "the others have what they had"
    (kept,) = queries.kept_back(company=COMPANY, skus=floor.codes[:1])[:1]
    assert kept.fences == (queries.Fence("market", 5, 5),)

    order = floor.order((0, 5), reservation="fenced", channel="market").order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert (told(floor), told(floor, "market")) == (5, 5)
    assert sql.run("SELECT quantity, fenced FROM stock_allocation") == [(5, 5)]
    whole(reserve(SYSTEM, requests=[a_cart(floor, 5)]))
    assert (told(floor), told(floor, "market")) == (0, 0)


@pytest.mark.parametrize("ends", ["expires", "is given back", "is lost"])
def test_a_cart_gives_back_to_the_fence_what_it_had_of_it(floor: Floor, ends: str) -> None:
    floor.stock(quantity=10)
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["shop"], 5)
    whole(set_ring_fence(SYSTEM, requests=[fence]))
    whole(reserve(SYSTEM, requests=[a_cart(floor, 7)]))
    assert (told(floor), told(floor, "market")) == (3, 3)

    if ends == "expires":
        (found,) = availability_queries.availability(
            company=COMPANY, channel="market", skus=floor.codes[:1], at=AFTER.at
        )
        assert found.free == 5, "what has expired counts for its fence, freed or not"
        expire_reservations(AFTER, requests=[ExpireReservations(COMPANY)])
    elif ends == "is given back":
        whole(give_back(SYSTEM, requests=[GiveBack("cart")]))
    else:
        lost = Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), -4, "lost")
        whole(adjust(SYSTEM, requests=[lost]))
    left = 6 if ends == "is lost" else 10
    assert (told(floor), told(floor, "market")) == (left, left - 5)


@pytest.mark.parametrize(
    ("terms", "most"),
    [({"buffer": 2}, 7), ({"threshold": 12}, 0), ({"threshold": 11}, 11), ({"shown_at_most": 4}, 4)],
)
def test_a_cart_may_hold_what_the_channel_is_told_and_no_more(
    floor: Floor, terms: dict[str, int], most: int
) -> None:
    floor.stock(quantity=6)
    floor.stock(quantity=5, node=1)
    shown_as(floor, **terms)
    assert told(floor) == most

    (refused,) = reserve(SYSTEM, requests=[a_cart(floor, most + 1)])
    assert isinstance(refused, errors.BeyondShown | errors.Insufficient)
    if not most:
        assert isinstance(refused, errors.BeyondShown)
        assert (refused.facts["wanted"], refused.facts["shown"]) == (1, 0)
        return
    whole(reserve(SYSTEM, requests=[a_cart(floor, most)]))
    assert sum(units for _, units, _ in reserved()) == most


def test_of_a_batch_each_cart_meets_what_those_before_it_left(floor: Floor) -> None:
    floor.stock(quantity=6)
    shown_as(floor, threshold=3)
    carts = [a_cart(floor, 2, name) for name in "abc"]

    first, second, third = reserve(SYSTEM, requests=carts)

    assert isinstance(first, Reserved)
    assert isinstance(second, Reserved)
    assert isinstance(third, errors.BeyondShown), "two are left, and below three it is shown none"
    assert told(floor) == 0


def test_a_node_that_does_not_serve_the_channel_holds_nothing_for_it(floor: Floor) -> None:
    floor.stock(quantity=6)
    here = replace(a_cart(floor, 1), node=floor.nodes[0])
    code = next(one.code for one in nodes_of(company=COMPANY) if one.id == floor.nodes[0])
    closed = network.RegisterNode(COMPANY, code, "Closed", "GB", active=False)
    whole(network.register_nodes(SYSTEM, requests=[closed]))

    (refused,) = reserve(SYSTEM, requests=[here])

    assert isinstance(refused, errors.Insufficient)
    assert refused.facts["free"] == 0


def test_a_repeated_key_renews_and_reserves_once(floor: Floor) -> None:
    floor.stock(quantity=5)
    cart = replace(a_cart(floor), key="one")
    assert reserve(SYSTEM, requests=[cart]) == reserve(SYSTEM, requests=[cart])

    again = Renew("cart", UNTIL + timedelta(hours=1), key="two")
    assert renew(SYSTEM, requests=[again]) == renew(AFTER, requests=[again]) == [Renewed(4)]
    assert reserved() == [("cart", 4, "checkout")]


@pytest.mark.counts("stock.renew", "stock.reserve")
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    floor.stock(quantity=10_000)
    counts: dict[str, list[int]] = {}
    for size in (1, *SIZES):
        carts = [a_cart(floor, 1, f"cart {size} {i}") for i in range(size)]
        for name, run in {
            "reserve": lambda carts=carts: reserve(SYSTEM, requests=carts),
            "renew": lambda carts=carts: renew(SYSTEM, requests=[Renew(one.holder, UNTIL) for one in carts]),
            "expire": lambda: expire_reservations(AFTER, requests=[ExpireReservations(COMPANY)]),
        }.items():
            with statements() as ran:
                run()
            counts.setdefault(name, []).append(len(ran))
    assert not {name: sizes for name, sizes in counts.items() if len(set(sizes[1:])) > 1}, counts
