"""warehouse.split_lists"""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.kernel import ids
from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted
from entrepot.warehouse import errors, floor_queries, lists, queries
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.commands.pick_lists import ListPicked, PickList, TakeList, pick_lists, take_lists
from entrepot.warehouse.commands.split_lists import ListSplit, SplitList, split_lists
from entrepot.warehouse.commands.totes import SortStop, ToteUsed, UseTote, sort_stops, use_totes
from tests.commands.test_warehouse_pick_lists import a_picker, states
from tests.floor import SYSTEM, Floor, someone
from tests.shop import a_person
from tests.sizes import MANY
from tests.walk import a_house, queued
from tests.waves import gathers, laid_out, on_lists

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    gathers(pickers=10_000, packing_stations=10_000, routes_max=100)
    laid_out(house)
    house.stock(0, 500)
    house.stock(1, 500, kind="reserve")
    a_person("peter", superuser=True)
    return house


def a_cart(house: Floor, orders: int = 4, method: str = "cluster") -> UUID:
    (one,) = on_lists(house, orders, (0, 1), (1, 1), method=method).lists
    take_lists(someone("paula"), requests=[TakeList(one)])
    return one


def walks(person: str, pick_list: UUID, stop: queries.ListStopRow):
    wanted = PickFulfillment(stop.fulfillment, picker=person, tasks=(stop.task,), pick_list=pick_list)
    (answer,) = pick(someone(person), requests=[wanted])
    return answer


def on(pick_list: UUID) -> dict[UUID, set[int]]:
    """The orders of a list with the places that they have on its cart."""
    found: dict[UUID, set[int]] = {}
    for stop in queries.list_stops(pick_list):
        found.setdefault(stop.fulfillment, set()).add(stop.slot)
    return found


def test_a_late_cart_gives_half_of_its_orders_to_another(house: Floor):
    cart = a_cart(house)
    before = queries.pick_list(cart)
    orders = set(on(cart))

    (done,) = split_lists(SYSTEM, requests=[SplitList(cart, picker="peter")])

    assert isinstance(done, ListSplit), done
    old, new = queries.pick_list(cart), queries.pick_list(done.new_list)
    assert (done.number, done.new_number, done.stops) == (before.number, new.number, 4)
    assert (old.picker, old.open_stops, old.wave) == ("paula", 4, before.wave)
    assert (new.picker, new.open_stops, new.wave, new.zone) == ("peter", 4, before.wave, before.zone)
    assert set(on(cart)) | set(on(done.new_list)) == orders and not set(on(cart)) & set(on(done.new_list))
    assert sorted(map(tuple, on(done.new_list).values())) == [(1,), (2,)], "it has places of its own"
    assert new.length_mm == old.length_mm == before.length_mm == 44_000 and new.seconds < before.seconds
    jobs = {
        person: [one.id for one in floor_queries.pick_jobs(company=1, node=house.nodes[0], person=person)]
        for person in ("paula", "peter")
    }
    assert jobs == {"paula": [cart], "peter": [done.new_list]}

    for one, person in ((cart, "paula"), (done.new_list, "peter")):
        for stop in queries.list_stops(one):
            assert isinstance(walks(person, one, stop), FulfillmentPicked)
    assert states(before.wave) == {"picked"}
    assert len(queued("pack")) == 4
    told = [(row.after, row.reason) for row in kernel.timeline(subjects=[done.new_list])]
    assert told[0] == ("taken", "peter")


def test_an_order_that_is_begun_or_has_a_tote_stays_on_its_cart(house: Floor):
    cart = a_cart(house, 3)
    first, *_ = queries.list_stops(cart)
    walks("paula", cart, first)
    _, second, third = on(cart)
    use_totes(someone("paula"), requests=[UseTote(second, "T-2")])
    assert [one.fulfillment for one in queries.can_go_apart(cart)] == [third]
    number = queries.pick_list(cart).number
    assert split_lists(SYSTEM, requests=[SplitList(cart, (second,))]) == [
        errors.ListNotSplit(list=number, why=lists.NOT_THAT)
    ]
    (done,) = split_lists(SYSTEM, requests=[SplitList(cart)])
    assert set(on(done.new_list)) == {third}
    assert split_lists(SYSTEM, requests=[SplitList(cart)]) == [
        errors.ListNotSplit(list=number, why=lists.ALL_BEGUN)
    ]
    assert queries.pick_list(done.new_list).picker == "", "it is for anybody"


def test_a_cart_that_is_sorted_afterwards_is_split_stop_by_stop(house: Floor):
    cart = a_cart(house, 3, "batch")
    walks("paula", cart, queries.list_stops(cart)[0])
    (done,) = split_lists(SYSTEM, requests=[SplitList(cart, picker="peter")])
    assert (done.stops, queries.pick_list(cart).open_stops) == (2, 3)
    pick_lists(SYSTEM, requests=[PickList(cart), PickList(done.new_list)])
    for one in (cart, done.new_list):
        for stop in queries.list_stops(one):
            (answer,) = sort_stops(SYSTEM, requests=[SortStop(stop.task, f"W-{stop.fulfillment.hex[-6:]}")])
            assert answer.fulfillment == stop.fulfillment
    assert len(queued("pack")) == 3


def test_whoever_stands_before_a_stop_that_went_elsewhere_is_told_so(house: Floor):
    cart = a_cart(house, 2)
    stops = queries.list_stops(cart)
    (done,) = split_lists(SYSTEM, requests=[SplitList(cart, (stops[0].fulfillment,), "peter")])
    assert walks("paula", cart, stops[0]) == errors.StopMoved(list=done.new_number)
    assert queries.pick_list(done.new_list).open_stops == 2
    assert isinstance(walks("peter", done.new_list, stops[0]), FulfillmentPicked)


def test_no_tote_is_taken_for_an_order_that_went_to_another_cart(house: Floor):
    cart = a_cart(house, 2)
    stop = queries.list_stops(cart)[0]
    (done,) = split_lists(SYSTEM, requests=[SplitList(cart, (stop.fulfillment,), "peter")])
    wanted = [UseTote(stop.fulfillment, "T-1", None, one, stop.task) for one in (cart, done.new_list)]
    assert use_totes(SYSTEM, requests=wanted) == [
        errors.StopMoved(list=done.new_number), ToteUsed(stop.fulfillment, "T-1")
    ]  # fmt: skip


def test_a_list_of_which_a_part_went_elsewhere_is_not_reported_whole(house: Floor):
    cart = a_cart(house, 2)
    seen = tuple(stop.task for stop in queries.list_stops(cart))
    (done,) = split_lists(SYSTEM, requests=[SplitList(cart)])
    whole = PickList(cart, stops=seen)
    assert pick_lists(SYSTEM, requests=[whole]) == [errors.StopMoved(list=done.new_number)]
    assert queries.pick_list(cart).open_stops == 2
    seen = tuple(stop.task for stop in queries.list_stops(cart))
    (answer,) = pick_lists(SYSTEM, requests=[PickList(cart, stops=seen)])
    assert isinstance(answer, ListPicked) and answer.picked == 2


def test_what_can_not_be_split_is_refused_and_changes_nothing(house: Floor):
    alone = a_cart(house, 1)
    number = queries.pick_list(alone).number
    cart = a_cart(house, 2)
    unknown = ids.uuid7()
    assert split_lists(
        SYSTEM, requests=[SplitList(unknown), SplitList(alone), SplitList(cart, tuple(on(cart)))]
    ) == [
        NotFound(what="list", which=unknown),
        errors.ListNotSplit(list=number, why=lists.ONE_ORDER),
        errors.ListNotSplit(list=queries.pick_list(cart).number, why=lists.NOTHING_LEFT),
    ]
    (refused,) = split_lists(SYSTEM, requests=[SplitList(cart, picker="nobody known")])
    assert isinstance(refused, Invalid)
    pick_lists(SYSTEM, requests=[PickList(alone)])
    assert split_lists(SYSTEM, requests=[SplitList(alone)]) == [errors.ListDone(list=number)]
    assert split_lists(a_picker("paula"), requests=[SplitList(cart)]) == [
        NotPermitted(actor="paula", command="warehouse.split_lists")
    ]
    assert queries.pick_list(cart).open_stops == 4


def test_a_cart_that_is_sorted_afterwards_with_one_open_stop_stays_whole(house: Floor):
    cart = a_cart(house, 2, "batch")
    for stop in queries.list_stops(cart)[:-1]:
        walks("paula", cart, stop)
    number = queries.pick_list(cart).number
    assert split_lists(SYSTEM, requests=[SplitList(cart)]) == [
        errors.ListNotSplit(list=number, why=lists.NOTHING_LEFT)
    ]


def test_the_same_key_gets_the_first_answer_and_one_call_splits_a_list_again(house: Floor):
    cart = a_cart(house, 8)
    once = SplitList(cart, key="once")
    assert split_lists(SYSTEM, requests=[once]) == split_lists(SYSTEM, requests=[once])
    assert queries.pick_list(cart).open_stops == 8
    first, second = split_lists(SYSTEM, requests=[SplitList(cart), SplitList(cart)])
    assert (first.stops, second.stops, queries.pick_list(cart).open_stops) == (4, 2, 2)


@pytest.mark.counts("warehouse.split_lists")
def test_statements_do_not_grow_with_the_lists(house: Floor, statements):
    gathers(pickers=10_000, packing_stations=10_000, routes_max=10, cart_places=2)
    found = []
    for lists_, times in ((1, 1), (10, 1), (MANY // 20, 20)):
        made = on_lists(house, 2 * lists_, (0, 1), method="cluster").lists
        with statements() as ran:
            answers = split_lists(SYSTEM, requests=[SplitList(one) for one in made] * times)
        assert [type(one) for one in answers[:lists_]] == [ListSplit] * lists_
        found.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(found)) == 1, found
