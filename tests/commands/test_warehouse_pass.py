"""Pick and pass: the tote of an order goes from zone to zone, and each list waits for it."""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.network import queries as nodes
from entrepot.network.commands import register as network
from entrepot.warehouse import errors, floor_queries, passing, performance_queries, queries
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.commands.pick_lists import (
    ListPicked,
    ListTaken,
    PickList,
    TakeList,
    pick_lists,
    take_lists,
)
from entrepot.warehouse.commands.split_lists import SplitList, split_lists
from entrepot.warehouse.commands.totes import UseTote, use_totes
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import SIZES
from tests.walk import a_house
from tests.waves import gathers, laid_out, on_lists

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    """Zone A with pick faces, zone B in reserve; totes pass A first, and are put down at CONV-B for B."""
    house = a_house()
    gathers(pass_zones=("A", "B"), pass_places=("", "CONV-B"))
    laid_out(house)
    return house


def passed(house: Floor, orders: int = 1, zones: int = 2) -> tuple[UUID, list[queries.PickListRow]]:
    lines = ((0, 1), (1, 2))[:zones]
    wave = on_lists(house, orders, *lines, method="pass").wave
    return wave, queries.pick_lists(wave=wave)


def stocked(house: Floor, units: int = 5000) -> None:
    house.stock(0, units)
    house.stock(1, units, kind="reserve")


def jobs(house: Floor, person: str = "paula") -> list[str]:
    found = floor_queries.pick_jobs(company=COMPANY, node=house.nodes[0], person=person)
    return [one.zone for one in found]


def states(wave: UUID) -> set[str]:
    return {one.fulfillment_state for one in queries.wave_orders(wave)}


def test_the_second_zone_waits_for_the_tote_and_takes_it_up(house: Floor):
    stocked(house)
    wave, (first, second) = passed(house)
    assert [(one.zone, one.leg, one.tote_in) for one in (first, second)] == [("A", 1, ""), ("B", 2, "A")]
    assert jobs(house) == ["A"]
    early = errors.ToteElsewhere(list=second.number, zone="A", before=first.number)
    assert take_lists(someone("bea"), requests=[TakeList(second.id)]) == [early]
    assert pick_lists(someone("bea"), requests=[PickList(second.id)]) == [early]

    (stop,) = queries.list_stops(first.id)
    use_totes(SYSTEM, requests=[UseTote(stop.fulfillment, "T-1")])
    pick_lists(someone("ada"), requests=[PickList(first.id)])

    onward = passing.next_of(first.id)
    assert onward is not None
    assert (onward.list, onward.zone, onward.totes) == (second.id, "B", "T-1")
    assert passing.place_for(onward, NOW) == "CONV-B"
    assert passing.taken_up(company=COMPANY, node=house.nodes[0], tote="t-1") == onward
    assert jobs(house) == ["B"]
    (row,) = [one for one in queries.pick_lists(wave=wave) if one.leg == 2]
    assert (row.totes, row.tote_in) == ("T-1", "")
    assert isinstance(take_lists(someone("bea"), requests=[TakeList(second.id)])[0], ListTaken)
    (answer,) = pick_lists(someone("bea"), requests=[PickList(second.id)])
    assert isinstance(answer, ListPicked)
    assert len(answer.complete) == 1
    assert states(wave) == {"picked"}
    assert passing.next_of(second.id) is None
    assert passing.taken_up(company=COMPANY, node=house.nodes[0], tote="T-1") is None
    assert queries.discrepancies() == []


def test_what_a_zone_has_nothing_of_leaves_it_out(house: Floor):
    house.stock(1, 10, kind="reserve")
    house.stock(0, 10)
    wave = on_lists(house, 1, (1, 1), method="pass").wave
    (only,) = queries.pick_lists(wave=wave)
    assert (only.zone, only.leg, only.tote_in) == ("B", 2, "")


def test_one_who_reports_all_zones_at_once_may(house: Floor):
    stocked(house)
    wave, lists = passed(house, 2)
    answers = pick_lists(SYSTEM, requests=[PickList(one.id) for one in lists])
    assert [type(one) for one in answers] == [ListPicked] * 4
    assert states(wave) == {"picked"}


def test_what_is_short_and_stands_in_the_next_zone_is_fetched_there_with_the_rest(house: Floor):
    house.stock(0, 1)
    house.stock(0, 10, kind="reserve")
    house.stock(1, 10, kind="reserve")
    wave, (first, second) = passed(house)
    (stop,) = queries.list_stops(first.id)

    pick_lists(SYSTEM, requests=[PickList(first.id, ((stop.task, 0),))])

    again = next(one for one in queries.pick_lists(wave=wave) if one.id not in (first.id, second.id))
    assert (again.zone, again.leg) == ("B", 2)
    onward = passing.next_of(first.id)
    assert onward is not None and onward.list == second.id
    pick_lists(SYSTEM, requests=[PickList(second.id)])
    pick_lists(SYSTEM, requests=[PickList(again.id)])
    assert states(wave) == {"picked"}


def zone_between(house: Floor, code: str, sequence: int) -> None:
    """One more zone of the first node, whose bin is stocked as kind `code`."""
    node = house.nodes[0]
    (zone,) = network.register_zones(SYSTEM, requests=[network.RegisterZone(node, code)])
    bin_ = network.RegisterBin(COMPANY, node, f"BIN-{code}", "pick", zone.id, sequence, 5, 8)
    (made,) = network.register_bins(SYSTEM, requests=[bin_])
    house.bins[node, code] = made.id


def test_what_is_short_is_fetched_on_the_way_and_the_tote_goes_no_way_back(house: Floor):
    zone_between(house, "C", 7)
    gathers(pass_zones=("A", "C", "B"))  # A is PICK, C the new one, B RESERVE
    house.stock(0, 1)
    house.stock(1, 10, kind="reserve")
    wave, (first, last) = passed(house)
    assert (first.leg, last.leg) == (1, 3)
    house.stock(0, 10, kind="C")
    (stop,) = queries.list_stops(first.id)
    pick_lists(SYSTEM, requests=[PickList(first.id, ((stop.task, 0),))])
    way = sorted((one.leg, one.zone) for one in queries.pick_lists(wave=wave))
    assert way == [(1, "A"), (2, "C"), (3, "B")]
    assert jobs(house) == ["C"]


def test_a_list_that_is_walked_stays_in_turn_though_something_of_it_is_short(house: Floor):
    house.stock(0, 20)
    house.stock(1, 2, kind="reserve")
    house.stock(2, 10, kind="reserve")
    wave = on_lists(house, 1, (0, 1), (1, 2), (2, 1), method="pass").wave
    first, second = queries.pick_lists(wave=wave)
    house.stock(1, 10)  # comes into zone A once the order is on its way
    pick_lists(SYSTEM, requests=[PickList(first.id)])
    bea = someone("bea")
    assert isinstance(take_lists(bea, requests=[TakeList(second.id)])[0], ListTaken)
    short = next(one for one in queries.list_stops(second.id) if one.sku == house.skus[1])
    (answer,) = pick(bea, requests=[
        PickFulfillment(short.fulfillment, ((short.task, 0),), tasks=(short.task,), pick_list=second.id)
    ])  # fmt: skip
    assert isinstance(answer, FulfillmentPicked), answer
    assert jobs(house, "bea") == ["B"]
    assert isinstance(take_lists(bea, requests=[TakeList(second.id, "")])[0], ListTaken)
    assert jobs(house) == ["B"]  # begun, and given back
    (done,) = pick_lists(bea, requests=[PickList(second.id)])
    assert isinstance(done, ListPicked)
    assert jobs(house) == ["A"]


def test_a_later_list_is_not_let_through_by_one_that_is_refused(house: Floor):
    stocked(house)
    wave, (first, second) = passed(house)
    unknown = ids.uuid7()
    answers = pick_lists(SYSTEM, requests=[PickList(second.id), PickList(first.id, ((unknown, 0),))])
    early = errors.ToteElsewhere(list=second.number, zone="A", before=first.number)
    assert answers[0] == early
    assert isinstance(answers[1], errors.TaskUnknown)
    assert states(wave) == {"released"}
    later, sooner = pick_lists(SYSTEM, requests=[PickList(second.id), PickList(first.id)])
    assert isinstance(later, ListPicked) and isinstance(sooner, ListPicked)


def test_what_is_short_in_the_last_zone_sends_the_tote_back(house: Floor):
    house.stock(0, 10)
    house.stock(1, 2, kind="reserve")
    wave, (first, second) = passed(house)
    house.stock(1, 10)  # comes into zone A once the order is on its way
    pick_lists(SYSTEM, requests=[PickList(first.id)])
    (stop,) = queries.list_stops(second.id)
    pick_lists(SYSTEM, requests=[PickList(second.id, ((stop.task, 0),))])
    onward = passing.next_of(second.id)
    assert onward is not None and onward.zone == "A"
    pick_lists(SYSTEM, requests=[PickList(onward.list)])
    assert states(wave) == {"picked"}


def test_open_lists_are_found_behind_any_number_of_later_ones_that_are_done(house: Floor):
    stocked(house)
    wave, (first, second) = passed(house)
    take_lists(someone("ada"), requests=[TakeList(first.id)])
    # Of tasks that are done nothing is left to be read: lists without any stand for them.
    sql.run(
        "INSERT INTO warehouse_picklist (id, number, company_id, node_id, wave_id, seconds, leg)"
        " SELECT ('ffffffff-ffff-7fff-8fff-' || lpad(i::text, 12, '0'))::uuid, 'PL-X' || i, l.company_id, l.node_id,"
        " l.wave_id, 0, 1 FROM warehouse_picklist AS l, generate_series(1, 1001) AS i WHERE l.id = %(id)s::uuid"
        " RETURNING id",
        {"id": first.id},
    )
    assert jobs(house, "ada") == ["A"]
    assert floor_queries.waiting(company=COMPANY, node=house.nodes[0]).lists == 2
    assert [one.id for one in queries.open_lists(company=COMPANY)] == [first.id, second.id]
    n1 = next(one for one in nodes.nodes(company=COMPANY) if one.id == house.nodes[0])
    (ada,) = performance_queries.people_of(company=COMPANY, node=n1, at=NOW)
    assert (ada.person, ada.lists, ada.stops) == ("ada", 1, 1)
    assert len(queries.pick_lists(wave=wave)) == 1003
    assert queries.pick_lists(wave=wave, behind=first.id, limit=1)[0].id == second.id


def test_a_list_of_one_order_is_not_split(house: Floor):
    stocked(house)
    _, (first, _) = passed(house)
    (answer,) = split_lists(SYSTEM, requests=[SplitList(first.id)])
    assert isinstance(answer, errors.ListNotSplit)


def test_statements_of_taking_do_not_grow_with_the_totes(house: Floor, statements):
    stocked(house)
    counts = []
    for size in SIZES[:2]:
        _, lists = passed(house, size)
        with statements() as ran:
            take_lists(SYSTEM, requests=[TakeList(one.id) for one in lists])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts
