"""Nodes that stand still, and orders that are about to miss their cut-off: warehouse.pace, warehouse.watch_floor"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from uuid import UUID

import pytest

from entrepot.carriage.commands.set_cut_offs import set_cut_offs as set_carrier_cut_offs
from entrepot.carriage.rules import SetCarrierCutOff
from entrepot.kernel import ready, sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.network.commands import register as network
from entrepot.orders.commands.edit import EditOrder, edit
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.warehouse import counted, queries, tasks, waves
from entrepot.warehouse.commands.enter_counts import Counted, EnterCount, enter_counts
from entrepot.warehouse.commands.pace import ITEM as STANDS
from entrepot.warehouse.commands.pace import NodePaced, PaceNode, pace
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.redate import OrderRedated, RedateOrder, redate
from entrepot.warehouse.commands.start_counts import StartCount, start_counts
from entrepot.warehouse.commands.watch_floor import ITEM as WAITS
from entrepot.warehouse.commands.watch_floor import LATE, FloorWatched, WatchFloor, watch_floor
from entrepot.warehouse.labor import Labor, Shift
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import SIZES
from tests.walk import a_house, queued
from tests.waves import gathers, proposed, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    made = a_house()
    made.stock(0, 500)
    return made


def paced(house: Floor, at: datetime = NOW) -> NodePaced:
    (answer,) = pace(replace(SYSTEM, at=at), requests=[PaceNode(house.nodes[0])])
    assert isinstance(answer, NodePaced), answer
    return answer


def watched(at: datetime = NOW) -> FloorWatched:
    (answer,) = watch_floor(replace(SYSTEM, at=at), requests=[WatchFloor(COMPANY)])
    assert isinstance(answer, FloorWatched), answer
    return answer


def items(house: Floor) -> list[tuple[str, str]]:
    """Types and reasons of what is open about the node."""
    return [(one.type, one.reason) for one in work.of_subject(house.nodes[0]) if one.state != "done"]


def test_a_node_between_its_shifts_does_not_stand_still(house: Floor):
    """NOW is 9:00: the early shift ended an hour ago and the evening's begins at 18:00."""
    gathers(mode="paced", pickers=1, packing_stations=9, ahead_minutes=30)
    shifts = {"early": Shift(time(2), time(8)), "evening": Shift(time(18), time(22))}
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "warehouse.labor", Labor(shifts=shifts), NOW, "N1")])
    waiting(house, 1, (0, 1))
    assert paced(house) == NodePaced(house.nodes[0], None, 0, "")


def test_a_node_at_which_no_order_fits_says_so_until_one_does(house: Floor):
    gathers(mode="paced", pickers=1, packing_stations=9, ahead_minutes=1)
    waiting(house, 1, (0, 40))
    assert paced(house).stands == waves.NONE_FITS, "40 units take more than a minute"
    assert paced(house).orders == 0
    assert items(house) == [(STANDS, f"N1: {waves.NONE_FITS}")], "one item, however often it is found"

    gathers(mode="paced", pickers=1, packing_stations=9, ahead_minutes=60)
    assert (paced(house).stands, queued("wave")) == ("", [])
    assert items(house) == []


def test_a_node_without_pickers_or_stations_says_so(house: Floor):
    gathers(mode="paced", pickers=0)
    waiting(house, 1, (0, 1))
    assert paced(house).stands == waves.NOBODY_PICKS
    gathers(mode="paced", packing_stations=0)
    assert paced(house).stands == waves.NOBODY_PACKS


def test_a_zone_that_is_gone_is_told(house: Floor):
    gathers(mode="paced", paced_zones=("NOWHERE",))
    waiting(house, 1, (0, 1))
    assert "NOWHERE" in paced(house).stands
    assert [kind for kind, _ in items(house)] == [STANDS]


def test_an_order_with_more_lines_than_a_wave_takes_is_told(house: Floor):
    house.stock(1, 10)
    gathers(mode="paced", lines_max=1)
    waiting(house, 1, (0, 1), (1, 1))
    assert paced(house).stands == waves.TOO_MANY_LINES


def test_a_full_floor_is_no_standstill_as_long_as_it_works(house: Floor):
    gathers(mode="paced", pickers=1, packing_stations=9, ahead_minutes=1)
    waiting(house, 4, (0, 1))
    assert paced(house).orders == 2
    assert (paced(house).stands, items(house)) == ("", [])

    later = NOW + timedelta(hours=2)
    assert paced(house, later).stands == waves.FLOOR_RESTS
    pick(replace(SYSTEM, at=later), requests=[PickFulfillment(queued("pick")[0])])
    assert (paced(house, later).stands, items(house)) == ("", [])


def test_what_waits_for_a_wave_of_choice_is_no_standstill(house: Floor):
    gathers(mode="paced", paced_priority_min=9)
    waiting(house, 1, (0, 1))
    assert (paced(house).stands, items(house)) == ("", [])


def test_an_order_that_stands_in_no_bin_to_pick_from_is_work_until_it_goes(house: Floor):
    house.stock(1, 5, kind="staging")
    gathers(mode="paced")
    (order,) = waiting(house, 1, (1, 5))
    assert paced(house).orders == 0
    (item,) = work.of_subject(order)
    assert (item.type, item.state) == ("not pickable", "open")
    assert (watched().closed, items(house)) == (0, []), "the order's own item says it"

    put_away(SYSTEM, requests=[PutAway(COMPANY, house.skus[1], house.bin(kind="staging"), house.bin(), 5)])
    assert paced(house).orders == 1
    assert watched().closed == 1
    assert [one.state for one in work.of_subject(order)] == ["done"]


def test_a_wave_asks_for_what_it_leaves_out_to_be_put_away(house: Floor):
    house.stock(1, 5, kind="staging")
    gathers()
    waiting(house, 1, (0, 1))
    (stuck,) = waiting(house, 1, (1, 5))
    assert proposed(house).waiting == 1
    assert [one.type for one in work.of_subject(stuck)] == ["not pickable"]


def test_a_node_that_is_not_paced_any_more_stands_no_more(house: Floor):
    gathers(mode="paced", pickers=0)
    waiting(house, 1, (0, 1))
    paced(house)
    assert (watched().closed, [kind for kind, _ in items(house)]) == (0, [STANDS])
    gathers(mode="waves")
    assert (watched().closed, items(house)) == (1, [])


# ---- warehouse.watch_floor


def test_orders_that_leave_by_the_next_cut_off_are_told_an_hour_before_it(house: Floor):
    """NOW is 9:00 on a Monday; the cut-offs are at 16:00, and the fastest service takes a day."""
    network.set_cut_offs(
        SYSTEM, requests=[network.SetCutOff(house.nodes[0], day, time(16)) for day in range(7)]
    )
    gathers()
    waiting(house, 2, (0, 1), promise_at=NOW + timedelta(days=1))
    waiting(house, 1, (0, 1), promise_at=NOW + timedelta(days=3))
    assert (watched().waiting, items(house)) == (0, [])

    near = NOW.replace(hour=15, minute=30)
    assert watched(near).waiting == 1
    ((kind, reason),) = items(house)
    assert kind == WAITS
    assert reason == "N1: 2 orders that should leave are not on the floor; the next cut-off is at 16:00"
    assert watched(near + timedelta(days=1)).waiting == 1, "what missed it is late"

    gathers(mode="paced")
    tasks.pace_all_at(near)
    assert (tasks.watch_all_at(near), items(house)) == (0, [])


@pytest.mark.parametrize(("service", "days"), [("slow", 0), ("fast", 3), ("", 3)])
def test_the_service_says_how_long_before_its_promise_an_order_leaves(house: Floor, service: str, days: int):
    """Promised for Friday: the slow service takes four days, the fast one, which is free to take where none is asked
    for, leaves on Thursday."""
    network.set_cut_offs(
        SYSTEM, requests=[network.SetCutOff(house.nodes[0], day, time(16)) for day in range(7)]
    )
    gathers()
    waiting(house, 1, (0, 1), promise_at=NOW + timedelta(days=4), service=service)
    near = NOW.replace(hour=15, minute=30)
    assert [watched(near + timedelta(days=n)).waiting for n in range(5)] == [int(n >= days) for n in range(5)]
    assert proposed(house).orders == 1
    assert sql.run("SELECT why FROM warehouse_waveorder")[0][0].endswith(f"2026-11-{23 + days} 16:00 UTC")


def leaving(order) -> list[datetime]:
    return [row.leave_by for row in queries.of_order(order)]


def served_anew(house: Floor, *orders: UUID) -> None:
    """The queues that a change of a node's calendar, or of its carriers', leads through."""
    assert house.nodes[0] in queued("redate")
    tasks.serve_redate(SYSTEM, ready.claim("redate", 9))
    assert set(queued("hasten")) == set(orders)
    tasks.serve_hasten(SYSTEM, ready.claim("hasten", 9))


def test_what_the_floor_has_follows_the_calendar_of_its_node(house: Floor):
    node, four = house.nodes[0], NOW.replace(hour=16)
    network.set_cut_offs(SYSTEM, requests=[network.SetCutOff(node, day, time(16)) for day in range(7)])
    (order,) = waiting(house, 1, (0, 1), promise_at=NOW + timedelta(days=4), service="fast")
    assert leaving(order) == [four + timedelta(days=3)]
    sql.change("DELETE FROM kernel_ready WHERE queue IN ('redate', 'hasten')", {})

    noon = [network.SetCutOff(node, day, time(12)) for day in range(7)]
    network.set_cut_offs(SYSTEM, requests=noon)
    served_anew(house, order)
    assert leaving(order) == [four.replace(hour=12) + timedelta(days=3)]
    network.set_cut_offs(SYSTEM, requests=noon)
    assert node not in queued("redate"), "what stands already dates nothing"

    closed = (four + timedelta(days=3)).date()
    network.set_holidays(SYSTEM, requests=[network.SetHoliday(node, closed, "Stocktaking")])
    served_anew(house, order)
    assert leaving(order) == [four.replace(hour=12) + timedelta(days=2)]


def test_what_is_on_the_floor_keeps_by_when_it_leaves_and_follows_its_order(house: Floor):
    week = [network.SetCutOff(house.nodes[0], day, time(16)) for day in range(7)]
    network.set_cut_offs(SYSTEM, requests=week)
    four = NOW.replace(hour=16)
    friday = NOW + timedelta(days=4)
    (order,) = waiting(house, 1, (0, 1), promise_at=friday, service="slow")
    (other,) = waiting(house, 1, (0, 1))
    assert (leaving(order), leaving(other)) == ([four], [None])
    assert watched(four + timedelta(minutes=1)).late == 1, "days before the promise"

    edit(SYSTEM, requests=[EditOrder(order, "a gift", service="fast")])
    tasks.serve_hasten(SYSTEM, [order])
    assert leaving(order) == [four + timedelta(days=3)]
    edit(SYSTEM, requests=[EditOrder(order, "later", promise_at=friday + timedelta(days=2))])
    assert order in queued("hasten")
    tasks.serve_hasten(SYSTEM, [order])
    assert leaving(order) == [four + timedelta(days=5)]
    assert watched(NOW + timedelta(hours=20)).late == 0

    early = [SetCarrierCutOff(COMPANY, "Post", house.nodes[0], day, time(11)) for day in range(6)]
    set_carrier_cut_offs(SYSTEM, requests=early)
    served_anew(house, order, other)
    assert leaving(order) == [four.replace(hour=11) + timedelta(days=5)], (
        "its carrier comes before the node's cut-off"
    )


@pytest.mark.counts("warehouse.redate")
def test_dating_anew_takes_the_same_statements_for_any_list(house: Floor, statements):
    found = []
    for count in SIZES:
        orders = waiting(house, count, (0, 1), promise_at=NOW + timedelta(days=4))
        wanted = [RedateOrder(order) for order in orders]
        with statements() as ran:
            first = redate(SYSTEM, requests=wanted)
        assert redate(SYSTEM, requests=wanted) == first == [OrderRedated(order, 1) for order in orders]
        found.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(found)) == 1, found
    assert redate(SYSTEM, requests=[RedateOrder(house.nodes[0])]) == [OrderRedated(house.nodes[0], 0)]


def test_without_a_promise_an_order_is_late_after_a_day(house: Floor):
    gathers()
    (order,) = waiting(house, 1, (0, 1))
    assert watched(NOW + timedelta(hours=2)).waiting == 0
    assert watched(NOW + timedelta(hours=25)).waiting == 1
    place_hold(SYSTEM, requests=[PlaceHold(order, "fraud review", "looked at")])
    assert watched(NOW + timedelta(hours=25)) == FloorWatched(COMPANY, 0, 0, 1), (
        "what is held waits for somebody else"
    )


def test_what_streams_waits_for_no_wave(house: Floor):
    waiting(house, 1, (0, 1), promise_at=NOW)
    assert watched(NOW + timedelta(days=3)).waiting == 0


def test_orders_that_are_late_on_the_floor_are_told_until_they_leave(house: Floor):
    (order,) = waiting(house, 1, (0, 2), promise_at=NOW + timedelta(days=1))
    waiting(house, 1, (0, 1), promise_at=NOW + timedelta(days=3))
    assert (watched().late, items(house)) == (0, [])
    late = NOW + timedelta(hours=16)  # the next day, on which it should arrive
    assert watched(late).late == 1
    (one,) = queries.of_order(order)
    ((kind, reason),) = items(house)
    assert (kind, reason) == (
        LATE,
        f"N1: 1 order on the floor is late, the latest is {one.number}, which is to be picked",
    )

    pick(SYSTEM, requests=[PickFulfillment(one.id)])
    pack(SYSTEM, requests=[PackFulfillment(one.id)])
    assert watched(late).late == 1
    assert items(house)[0][1].endswith("which is to be picked"), "an item keeps its first words"
    ship(SYSTEM, requests=[ShipFulfillment(one.id)])
    assert (watched(late).closed, items(house)) == (1, [])


def test_a_short_pick_is_closed_when_its_bin_was_counted(house: Floor):
    (order,) = waiting(house, 1, (0, 2))
    (one,) = queries.of_order(order)
    (task,) = queries.tasks([one.id])
    pick(SYSTEM, requests=[PickFulfillment(one.id, ((task.id, 1),))])
    (item,) = work.of_subject(task.id)
    assert (item.type, watched().closed) == ("short pick", 0)

    later = replace(someone("cora"), at=NOW + timedelta(hours=1))
    tasks.serve_count(later, [task.id])
    (count,) = counted.counts(company=COMPANY)
    start_counts(later, requests=[StartCount(count.id)])
    enter_counts(later, requests=[EnterCount(count.id, (Counted(house.skus[0], 499),))])
    watched(NOW + timedelta(hours=2))
    (item,) = work.of_subject(task.id)
    assert (item.state, item.root_cause) == ("done", "counted")


def test_the_same_key_watches_once(house: Floor):
    gathers()
    waiting(house, 1, (0, 1), promise_at=NOW - timedelta(hours=1))
    first = watch_floor(SYSTEM, requests=[WatchFloor(COMPANY, "k")])
    assert first == [FloorWatched(COMPANY, 1, 0, 0)]
    gathers(mode="stream")
    assert watch_floor(SYSTEM, requests=[WatchFloor(COMPANY, "k")]) == first
    assert [kind for kind, _ in items(house)] == [WAITS]


@pytest.mark.counts("warehouse.watch_floor")
def test_watching_takes_the_same_statements_for_any_list(house: Floor, statements):
    gathers()
    waiting(house, 1, (0, 1), promise_at=NOW - timedelta(hours=1))
    watched()
    found = []
    for count in SIZES:
        waiting(house, min(count, 300), (0, 1), promise_at=NOW - timedelta(hours=1))
        with statements() as ran:
            watch_floor(SYSTEM, requests=[WatchFloor(COMPANY)] * count)
        found.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(found)) == 1, found
