"""warehouse.use_totes, warehouse.sort_stops"""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.warehouse import floor_queries, queries
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.pick_lists import PickList, pick_lists
from entrepot.warehouse.commands.totes import (
    SortStop,
    StopSorted,
    ToteUsed,
    UseTote,
    sort_stops,
    use_totes,
)
from entrepot.warehouse.errors import NotPickedYet, ToteTaken
from tests.floor import SYSTEM, Floor
from tests.sizes import MANY, SIZES
from tests.walk import a_house, placed, released
from tests.waves import gathers, laid_out, on_lists

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def used(fulfillment, tote: str, key: str | None = None):
    return use_totes(SYSTEM, requests=[UseTote(fulfillment, tote, key)])[0]


def test_a_tote_holds_one_order_until_it_is_packed(house: Floor):
    one, other = released(*placed(house, 2, (0, 1)))
    assert used(one, "t-1") == used(one, "T-1") == ToteUsed(one, "T-1")
    assert used(one, "T-2") == ToteUsed(one, "T-2"), "an order may have several"
    answer = used(other, "T-1")
    assert type(answer) is ToteTaken
    assert answer.facts["other"].startswith("FF-")
    assert floor_queries.held_by(node=house.nodes[0], tote="t-1") == one
    assert floor_queries.totes_of(one) == ["T-1", "T-2"]

    pick(SYSTEM, requests=[PickFulfillment(one)])
    pack(SYSTEM, requests=[PackFulfillment(one)])
    assert floor_queries.held_by(node=house.nodes[0], tote="T-1") is None
    assert used(other, "T-1") == ToteUsed(other, "T-1")
    assert type(used(one, "T-3")) is NotFound, "what is packed needs no tote"


def test_within_a_batch_the_first_has_it_and_nonsense_is_refused(house: Floor):
    one, other = released(*placed(house, 2, (0, 1)))
    answers = use_totes(
        SYSTEM,
        requests=[UseTote(one, "T-1"), UseTote(other, "T-1"), UseTote(other, ""), UseTote(ids.uuid7(), "T")],
    )
    assert [type(answer) for answer in answers] == [ToteUsed, ToteTaken, Invalid, NotFound]
    assert sql.run("SELECT code, fulfillment_id FROM warehouse_tote ORDER BY code") == [("T-1", one)]


def test_a_cart_is_sorted_stop_by_stop(house: Floor):
    laid_out(house)
    gathers(method="batch")
    made = on_lists(house, 3, (0, 2))
    (list_id,) = made.lists
    stops = queries.list_stops(list_id)
    assert type(sort_stops(SYSTEM, requests=[SortStop(stops[0].task, "W-1")])[0]) is NotPickedYet
    pick_lists(SYSTEM, requests=[PickList(list_id)])
    assert len(floor_queries.to_sort(list_id)) == 3
    requests = [SortStop(stop.task, f"W-{i}", key=f"k{i}") for i, stop in enumerate(stops)]
    answers = sort_stops(SYSTEM, requests=requests)
    assert [type(one) for one in answers] == [StopSorted] * 3
    assert sort_stops(SYSTEM, requests=requests) == answers
    assert floor_queries.to_sort(list_id) == []
    assert [floor_queries.totes_of(stop.fulfillment) for stop in stops] == [["W-0"], ["W-1"], ["W-2"]]
    refused = sort_stops(SYSTEM, requests=[SortStop(stops[0].task, "W-1"), SortStop(ids.uuid7(), "W-5")])
    assert [type(one) for one in refused] == [ToteTaken, NotFound]


@pytest.mark.counts("warehouse.use_totes", "warehouse.sort_stops")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    gathers(method="batch", cart_units=0, lines_max=5000, pickers=1000, packing_stations=1000)
    lists = on_lists(house, MANY + 11, (0, 1)).lists
    pick_lists(SYSTEM, requests=[PickList(one) for one in lists])
    stops = [stop for one in lists for stop in queries.list_stops(one)]
    assert len(stops) == MANY + 11
    begin, counts = 0, []
    for size in SIZES:
        some = stops[begin : begin + size]
        begin += size
        with statements() as ran:
            use_totes(
                SYSTEM, requests=[UseTote(one.fulfillment, f"T-{one.fulfillment_number}") for one in some]
            )
            sort_stops(SYSTEM, requests=[SortStop(one.task, f"T-{one.fulfillment_number}") for one in some])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1
