"""warehouse.stream, warehouse.propose_wave, warehouse.release_wave, warehouse.drop_wave"""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.network.commands import register as network
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.commands.merge import MergeOrders
from entrepot.orders.commands.split import SplitOrder
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from entrepot.warehouse import errors, queries, waves
from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.warehouse.commands.stream import WaitsForWave, stream
from entrepot.warehouse.commands.waves import (
    DropWave,
    ReleaseWave,
    WaveDropped,
    WaveReleased,
    drop_wave,
    release_wave,
)
from entrepot.warehouse.labor import Labor, Shift
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, allocated, placed, queued
from tests.waves import gathers, laid_out, proposed, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


# ---- streaming


def test_without_a_policy_everything_goes_to_the_floor_at_once(house: Floor):
    house.stock(0, 10)
    (order,) = placed(house, 1, (0, 2))
    allocated(order)
    (answer,) = stream(SYSTEM, requests=[ReleaseOrder(order)])
    assert isinstance(answer, OrderReleased)
    assert (len(queued("pick")), queued("wave"), queued("release")) == (1, [], [])


def test_what_is_for_a_node_that_gathers_waves_waits(house: Floor):
    gathers()
    house.stock(0, 10)
    (order,) = placed(house, 1, (0, 2))
    allocated(order)
    assert stream(SYSTEM, requests=[ReleaseOrder(order)]) == [WaitsForWave(order)]
    assert (queued("wave"), queued("pick")) == ([order], [])


def test_the_other_node_of_the_same_order_streams(house: Floor):
    gathers()
    house.stock(0, 2)
    house.stock(1, 3, node=1)
    order = house.order((0, 2), (1, 3)).order
    allocated(order)

    (answer,) = stream(SYSTEM, requests=[ReleaseOrder(order)])

    assert isinstance(answer, OrderReleased)
    assert [row.node_code for row in queries.of_order(order)] == ["N2"]
    wave = proposed(house)
    assert (wave.orders, wave.units) == (1, 2)
    release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    assert [row.node_code for row in queries.of_order(order)] == ["N2", "N1"]
    assert queued("wave") == []


# ---- proposing


def test_a_wave_tells_what_is_expected_of_it(house: Floor):
    gathers(method="batch")
    laid_out(house)
    house.stock(0, 10)
    house.stock(1, 10, kind="reserve")
    orders = waiting(house, 3, (0, 1), (1, 1))

    wave = proposed(house)

    assert (wave.orders, wave.lines, wave.units, wave.lists, wave.waiting) == (3, 6, 6, 1, 0)
    # up to 8 m in the first aisle and back, across and back, up to 4 m in the last and back
    assert wave.meters == 2 * 8 + 2 * 10 + 2 * 4
    assert wave.seconds == 90 + 44 + 6 * 8 + 6 * 3
    (row,) = queries.waves(company=COMPANY)
    assert (row.number, row.state, row.node_code, row.meters) == (wave.number, "proposed", "N1", 44)
    assert queued("wave") == sorted(orders), "they wait until it is released"
    assert queries.discrepancies() == []


def test_without_a_layout_the_way_is_not_known(house: Floor):
    gathers()
    house.stock(0, 10)
    waiting(house, 2, (0, 1))
    assert proposed(house).meters is None


def test_only_what_is_asked_for_joins(house: Floor):
    gathers()
    laid_out(house)
    house.stock(0, 50)
    house.stock(1, 50, kind="reserve")
    slow, fast = waiting(house, 1, (0, 1), service="slow") + waiting(house, 1, (0, 1), service="fast")
    (both_zones,) = waiting(house, 1, (0, 1), (1, 1))
    (urgent,) = waiting(house, 1, (0, 1), priority=9)
    (dear,) = waiting(house, 1, (0, 20))
    (soon,) = waiting(house, 1, (0, 1), promise_at=NOW - timedelta(hours=1))

    def joins(**facts: object) -> set[UUID]:
        wave = proposed(house, **facts)
        found = {row.order for row in queries.wave_orders(wave.wave)}
        drop_wave(SYSTEM, requests=[DropWave(wave.wave)])
        return found

    assert joins() == {slow, fast, both_zones, urgent, dear, soon}
    assert joins(services=("fast",)) == {fast}
    assert joins(zones=("A",)) == {slow, fast, urgent, dear, soon}
    assert joins(priority_min=9) == {urgent}
    assert joins(value_min_minor=15_000) == {dear}
    assert joins(due_before=NOW - timedelta(minutes=30)) == {soon}
    assert joins(lines_max=1) == {urgent}


def test_no_more_joins_than_there_is_time_for(house: Floor):
    # One picker, an hour to the cut-off: an order of a line and a unit takes 12 + 8 + 3 seconds.
    network.set_cut_offs(SYSTEM, requests=[network.SetCutOff(house.nodes[0], NOW.weekday(), time(10))])
    gathers(pickers=1, packing_stations=100)
    house.stock(0, 500)
    waiting(house, 200, (0, 1))

    first = proposed(house)
    assert (first.orders, first.waiting) == (3600 // 23, 200 - 3600 // 23)
    (refused,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0])])
    assert refused == errors.NothingForAWave(node="N1", why=f"{waves.NO_PICKERS} ({first.waiting})")
    drop_wave(SYSTEM, requests=[DropWave(first.wave)])

    gathers(pickers=100, packing_stations=1)
    assert proposed(house).orders == 3600 // 90


def test_nobody_picks_between_the_shifts(house: Floor):
    """NOW is 9:00 on a Monday and the cut-off at 16:00; with one picker until 12:00 there are three hours of
    picking before it, not seven."""
    gathers(pickers=1, packing_stations=9)
    network.set_cut_offs(SYSTEM, requests=[network.SetCutOff(house.nodes[0], 0, time(16))])
    shifts = {"early": Shift(time(6), time(12)), "evening": Shift(time(18), time(22))}
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "warehouse.labor", Labor(shifts=shifts), NOW, "N1")])
    house.stock(0, 10)
    waiting(house, 2, (0, 1))

    proposed(house)

    (told,) = queries.waves(company=COMPANY)
    assert told.figures["pick_seconds_free"] == 3 * 3_600


def test_a_hold_keeps_out_of_waves_what_it_keeps_from_release(house: Floor):
    """One that lets the order be picked, and only keeps it from leaving, keeps it out of no wave."""
    gathers()
    house.stock(0, 10)
    to_be_picked, held = waiting(house, 2, (0, 1))
    place_hold(SYSTEM, requests=[
        PlaceHold(to_be_picked, "exception", "a card goes in", ("ship",)),
        PlaceHold(held, "fraud review", "looks odd"),
    ])  # fmt: skip

    wave = proposed(house)

    assert [row.order for row in queries.wave_orders(wave.wave)] == [to_be_picked]
    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    assert (answer.orders, answer.left_out) == (1, 0)


def test_what_ships_complete_waits_for_its_last_day(house: Floor):
    """It would be left out of every wave, and take the room of others."""
    gathers()
    house.stock(0, 10)
    house.stock(1, 10)
    later = NOW.date() + timedelta(days=9)
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[1], later)])
    waiting(house, 1, (0, 1), (1, 1), policy="ship_complete")
    (part,) = waiting(house, 1, (0, 1), (1, 1), policy="partial_backorder")

    wave = proposed(house)

    assert [row.order for row in queries.wave_orders(wave.wave)] == [part]
    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    assert (answer.orders, answer.left_out) == (1, 0)


def test_what_stands_in_no_bin_stays_out(house: Floor):
    gathers()
    house.stock(0, 3)
    house.stock(1, 3, kind="receiving")
    waiting(house, 1, (0, 1))
    waiting(house, 1, (1, 1))
    wave = proposed(house)
    assert (wave.orders, wave.waiting) == (1, 1)
    assert queries.wave(wave.wave).figures["others_wait"] == {waves.NOT_PICKABLE: 1}


def test_two_proposals_share_what_waits(house: Floor):
    gathers()
    house.stock(0, 10)
    waiting(house, 3, (0, 1))
    first, second, third = propose_wave(
        SYSTEM,
        requests=[ProposeWave(house.nodes[0], lines_max=1), *[ProposeWave(house.nodes[0])] * 2],
    )
    assert (first.orders, second.orders) == (1, 2)
    assert third == errors.NothingForAWave(node="N1", why="none waits for one")


def test_a_node_that_streams_says_so(house: Floor):
    (answer,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0])])
    assert isinstance(answer, errors.NothingForAWave)
    assert "goes to the floor at once" in answer.message


def test_wrong_proposals_are_refused(house: Floor):
    gathers()
    unknown = ids.uuid7()
    node = house.nodes[0]
    answers = propose_wave(
        SYSTEM,
        requests=[
            ProposeWave(unknown),
            ProposeWave(node, method="by ear"),
            ProposeWave(node, zones=("Z",)),
            ProposeWave(node, lines_max=0),
        ],
    )
    assert answers == [
        NotFound(what="node", which=unknown),
        Invalid(field="method", expected="one of discrete, batch, cluster, zone, pass", found="by ear"),
        Invalid(field="zones", expected="codes of zones of the node", found="Z"),
        Invalid(field="lines_max", expected="at least 1", found=0),
    ]
    assert propose_wave(Cause(Actor("auditor"), NOW), requests=[ProposeWave(node)]) == [
        NotPermitted(actor="auditor", command="warehouse.propose_wave")
    ]


# ---- releasing


def test_a_released_wave_is_work_on_lists_in_the_order_of_the_way(house: Floor):
    gathers()
    laid_out(house)
    house.stock(0, 10)
    house.stock(1, 10, kind="reserve")
    orders = waiting(house, 3, (0, 1), (1, 1))
    wave = proposed(house)

    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])

    assert isinstance(answer, WaveReleased)
    assert (answer.state, answer.orders, answer.left_out, len(answer.lists)) == ("released", 3, 0, 1)
    (row,) = queries.pick_lists(wave=wave.wave)
    assert (row.stops, row.open_stops, row.length_mm, row.picker) == (6, 6, 44_000, "")
    stops = queries.list_stops(answer.lists[0])
    assert [stop.bin_code for stop in stops] in (
        ["PICK"] * 3 + ["RESERVE"] * 3,
        ["RESERVE"] * 3 + ["PICK"] * 3,
    )
    assert [stop.place for stop in stops] == [1, 2, 3, 4, 5, 6]
    assert len(queued("pick")) == 3
    assert queued("wave") == []
    assert {one.order for one in queries.wave_orders(wave.wave) if one.state == "released"} == set(orders)
    assert queries.discrepancies() == []


@pytest.mark.parametrize(
    ("method", "lists", "slots"),
    [
        ("discrete", 3, {0}),
        ("batch", 1, {0}),
        ("cluster", 2, {1, 2}),
        ("zone", 2, {0}),
        ("pass", 6, {1}),
    ],
)
def test_each_method_makes_its_lists(house: Floor, method: str, lists: int, slots: set[int]):
    gathers(cart_places=2)
    laid_out(house)
    house.stock(0, 10)
    house.stock(1, 10, kind="reserve")
    waiting(house, 3, (0, 1), (1, 1))
    wave = proposed(house, method=method)
    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    assert (wave.lists, len(answer.lists)) == (lists, lists)
    stops = [stop for one in answer.lists for stop in queries.list_stops(one)]
    assert len(stops) == 6
    assert {stop.slot for stop in stops} == slots
    zones = {row.zone for row in queries.pick_lists(wave=wave.wave)}
    assert zones == ({"A", "B"} if method in ("zone", "pass") else {""})


def test_small_things_fill_a_cart_by_what_they_measure_together(house: Floor):
    """A unit is less than a cubic centimeter; ten of them are nine, and a cart takes two such orders."""
    sql.run("UPDATE catalog_sku SET length_mm = 10, width_mm = 10, height_mm = 9")
    gathers(cart_places=10, cart_volume_cm3=19)
    laid_out(house)
    house.stock(0, 60)
    waiting(house, 4, (0, 10))
    wave = proposed(house, method="batch")
    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    assert (wave.lists, len(answer.lists)) == (2, 2)


def test_what_can_not_go_any_more_is_left_out_with_the_reason(house: Floor):
    gathers()
    house.stock(0, 10)
    fine, held, gone = waiting(house, 3, (0, 1))
    wave = proposed(house)
    place_hold(SYSTEM, requests=[PlaceHold(held, "fraud review", "looks odd")])
    cancel(SYSTEM, requests=[CancelOrder(gone, "customer asked")])

    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])

    assert (answer.orders, answer.left_out) == (1, 2)
    found = {row.order: (row.state, row.why) for row in queries.wave_orders(wave.wave)}
    assert found[fine][0] == "released"
    assert found[held][0] == found[gone][0] == "left out"
    assert "held" in found[held][1]
    assert queued("wave") == [held]


def test_orders_of_a_proposed_wave_are_split_and_merged_and_none_is_forgotten(house: Floor):
    gathers()
    house.stock(0, 10)
    divided, grown, gone = waiting(house, 3, (0, 2), customer="C-1")
    wave = proposed(house)
    (line,) = orders.order(divided).lines
    (part,) = split(SYSTEM, requests=[SplitOrder(divided, ((line.id, 1),), "the rest later")])
    merge(SYSTEM, requests=[MergeOrders(grown, (gone,), "one parcel")])
    stream(SYSTEM, requests=[ReleaseOrder(order) for order in queued("release")])

    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])

    assert (answer.orders, answer.left_out) == (2, 1)
    next_ = proposed(house)
    assert [row.order for row in queries.wave_orders(next_.wave)] == [part.new_order]
    release_wave(SYSTEM, requests=[ReleaseWave(next_.wave)])
    assert queued("wave") == []
    assert [places(order) for order in (divided, grown, part.new_order)] == [
        [{"released": 1}], [{"released": 2}, {"released": 2}], [{"released": 1}],
    ]  # fmt: skip


def places(order: UUID) -> list[dict[str, int]]:
    return [line.places for line in orders.order(order).lines]


def test_a_wave_of_which_nothing_is_left_is_dropped(house: Floor):
    gathers()
    house.stock(0, 10)
    (order,) = waiting(house, 1, (0, 1))
    wave = proposed(house)
    release(SYSTEM, requests=[ReleaseOrder(order)])
    (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
    assert (answer.state, answer.orders, answer.left_out, answer.lists) == ("dropped", 0, 1, ())


def test_a_dropped_wave_gives_its_orders_back(house: Floor):
    gathers()
    house.stock(0, 10)
    waiting(house, 2, (0, 1))
    wave = proposed(house)
    assert drop_wave(SYSTEM, requests=[DropWave(wave.wave)]) == [WaveDropped(wave.wave, wave.number)]
    assert proposed(house).orders == 2
    again = drop_wave(SYSTEM, requests=[DropWave(wave.wave)])
    late = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave), ReleaseWave(unknown := ids.uuid7())])
    assert isinstance(again[0], WrongState)
    assert isinstance(late[0], WrongState)
    assert late[1] == NotFound(what="wave", which=unknown)


def test_the_same_key_gets_the_first_answer(house: Floor):
    gathers()
    house.stock(0, 10)
    waiting(house, 2, (0, 1))
    request = ProposeWave(house.nodes[0], key="the eleven o'clock wave")
    first = propose_wave(SYSTEM, requests=[request])
    assert propose_wave(SYSTEM, requests=[request]) == first
    let_go = ReleaseWave(first[0].wave, key="go")
    went = release_wave(SYSTEM, requests=[let_go])
    assert release_wave(SYSTEM, requests=[let_go]) == went


@pytest.mark.counts("warehouse.stream")
def test_statements_do_not_grow_with_the_wave(house: Floor, statements):
    gathers(pickers=10_000, packing_stations=10_000, routes_max=100)
    laid_out(house)
    house.stock(0, 5_000)
    counts: dict[str, list[int]] = {"stream": [], "propose": [], "release": []}
    for count in SIZES:
        orders = placed(house, count, (0, 1))
        allocated(*orders)
        with statements() as ran:
            stream(SYSTEM, requests=[ReleaseOrder(order) for order in orders])
        counts["stream"].append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        with statements() as ran:
            wave = proposed(house)
        counts["propose"].append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        with statements() as ran:
            (answer,) = release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)])
        assert answer.orders == count
        counts["release"].append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert [len(set(found)) for found in counts.values()] == [1, 1, 1], counts


@pytest.mark.counts("warehouse.drop_wave", "warehouse.propose_wave", "warehouse.release_wave")
def test_waves_are_counted_in_fixed_statements(house: Floor, statements):
    gathers(pickers=10_000, packing_stations=10_000)
    house.stock(0, 2_500)
    counts = []
    for count in SIZES:
        waiting(house, count, (0, 1))
        requests = [ProposeWave(house.nodes[0], lines_max=1)] * count
        with statements() as ran:
            drop_wave(
                SYSTEM, requests=[DropWave(one.wave) for one in propose_wave(SYSTEM, requests=requests)]
            )
            made = propose_wave(SYSTEM, requests=requests)
            release_wave(SYSTEM, requests=[ReleaseWave(one.wave) for one in made])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts


def test_the_database_keeps_an_order_in_one_proposed_wave(house: Floor):
    gathers()
    house.stock(0, 10)
    (order,) = waiting(house, 1, (0, 1))
    proposed(house)
    with (
        pytest.raises(psycopg.errors.UniqueViolation, match="warehouse_waveorder_in_one_wave"),
        transaction.atomic(),
    ):
        sql.run(
            "INSERT INTO warehouse_waveorder (wave_id, order_id, node_id, place, state, why)"
            " VALUES (%(wave)s, %(order)s, %(node)s, 1, 'proposed', '')",
            {"wave": ids.uuid7(), "order": order, "node": house.nodes[0]},
        )
