"""Which orders join a wave, and how its stops become lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Said
from entrepot.warehouse import lists
from entrepot.warehouse.labor import Standard
from entrepot.warehouse.lists import OnList, Plan, Stop, later_leg, plan_lists, turns
from entrepot.warehouse.routing import Layout
from entrepot.warehouse.waves import (
    FLOOR_RESTS,
    FULL,
    METHODS,
    NO_PICKERS,
    NO_STATIONS,
    NOBODY_PACKS,
    NOBODY_PICKS,
    NONE_FITS,
    NOT_PICKABLE,
    TOO_LATE,
    TOO_MANY_LINES,
    Asked,
    Ready,
    Room,
    Times,
    Waves,
    by_method,
    choose,
    list_seconds,
    paced,
    pick_seconds,
    place_of,
    room,
    stands_still,
    through,
    why_others_wait,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CUT_OFF = NOW + timedelta(hours=2)
PLENTY = Room(CUT_OFF, 10**9, 10**9)
PLAN = Plan(Layout((0.0, 5.0, 10.0), (0.0, 20.0), (0.0, 0.0)), 1_000)


def ready(number: int = 1, **facts: object) -> Ready:
    given_ = {"lines": 2, "units": 3, "value_minor": 1_000, "priority": 5, "due": NOW, "service": "slow"}
    return Ready(UUID(int=number), zones=frozenset("A"), **{**given_, **facts})  # type: ignore[arg-type]


def whys(*found: Ready, asked: Asked = Asked(), policy: Waves = Waves(), left: Room = PLENTY) -> list[str]:  # noqa: B008
    return [
        "" if choice.joins else choice.why
        for choice in sorted(choose(found, asked, policy, [left]), key=lambda one: one.ready.order)
    ]


orders = st.lists(
    st.builds(
        Ready,
        st.integers(1, 10**6).map(lambda n: UUID(int=n)),
        st.integers(1, 9),
        st.integers(1, 20),
        st.integers(0, 5_000),
        st.integers(0, 9),
        st.integers(0, 500).map(lambda minutes: NOW + timedelta(minutes=minutes)),
        st.sampled_from(("slow", "fast")),
        st.frozensets(st.sampled_from("AB"), min_size=1),
        st.sampled_from((0, 0, 0, 2)),
        st.just(""),
        st.none(),
        st.sampled_from((0, 1)),
    ),
    max_size=30,
    unique_by=lambda one: one.order,
)


@given(orders, st.integers(0, 3_000), st.integers(0, 10), st.integers(1, 40))
def test_no_wave_asks_for_more_than_there_is_room_for(
    found: list[Ready], seconds: int, packed: int, lines: int
):
    policy = Waves(lines_max=lines)
    choices = choose(found, Asked(), policy, [Room(CUT_OFF, seconds, packed)])
    assert sorted(one.ready.order for one in choices) == sorted(one.order for one in found)
    joining = [one.ready for one in choices if one.joins]
    assert sum(one.lines for one in joining) <= lines
    assert sum(pick_seconds(policy, one.lines, one.handled) for one in joining) <= seconds
    assert len(joining) <= packed
    assert not any(one.missing for one in joining)
    assert all(one.why for one in choices)
    assert sum(why_others_wait(choices).values()) == len(found) - len(joining)


@given(orders)
def test_with_room_for_all_everything_that_is_asked_for_joins(found: list[Ready]):
    asked = Asked(NOW + timedelta(minutes=200), ("fast",), ("A",), 4, 1_000)
    joining = {one.ready for one in choose(found, asked, Waves(), [PLENTY]) if one.joins}
    assert joining == {
        one
        for one in found
        if one.due <= NOW + timedelta(minutes=200)
        and one.service == "fast"
        and one.zones == {"A"}
        and one.priority >= 4
        and one.value_minor >= 1_000
        and not one.missing
    }


EARLY, LATE = CUT_OFF - timedelta(hours=1), CUT_OFF


@given(orders, st.data(), st.integers(0, 1_500), st.integers(0, 1_500), st.integers(0, 6), st.integers(0, 6))
def test_no_cut_off_gets_more_than_is_done_before_it(
    found: list[Ready], data: st.DataObject, soon: int, more: int, packed_soon: int, packed_more: int
):
    ends = st.sampled_from((EARLY, LATE))
    found = [one._replace(cutoff_at=data.draw(ends)) for one in found]
    rooms = [Room(EARLY, soon, packed_soon), Room(LATE, soon + more, packed_soon + packed_more)]
    choices = choose(found, Asked(), Waves(), rooms)
    joining = [one.ready for one in choices if one.joins]
    for room_, mine in ((rooms[0], [one for one in joining if one.cutoff_at == EARLY]), (rooms[1], joining)):
        assert sum(pick_seconds(Waves(), one.lines, one.handled) for one in mine) <= room_.pick_seconds
        assert len(mine) <= room_.orders_packed


def test_what_leaves_later_does_not_take_the_time_of_what_leaves_soon():
    one = pick_seconds(Waves(), 2, 3)
    rooms = [Room(EARLY, one, 9), Room(LATE, 2 * one, 9)]
    first, second, third = (ready(n, cutoff_at=ends) for n, ends in ((1, EARLY), (2, LATE), (3, LATE)))
    choices = choose([first, second, third], Asked(), Waves(), rooms)
    assert [one.why if not one.joins else "" for one in choices] == ["", "", NO_PICKERS]
    assert [one.joins for one in choose([second, first._replace(priority=1)], Asked(), Waves(), rooms)] == [
        True,
        True,
    ]


def test_what_paces_itself_is_what_the_policy_names():
    policy = Waves(
        paced_carriers=("dpd",), paced_zones=("A",), paced_priority_min=5, paced_value_min_minor=900
    )
    asked = paced(policy)
    assert whys(ready(carrier="dpd"), asked=asked) == [""]
    assert whys(ready(carrier="post"), asked=asked) == ["another carrier"]
    assert whys(ready(carrier="dpd", priority=4), asked=asked) == ["a lower priority"]
    assert whys(ready(carrier="dpd", value_minor=899), asked=asked) == ["a lower value"]
    assert whys(ready(), asked=paced(Waves())) == [""]


def test_the_more_urgent_takes_the_room():
    left = Room(CUT_OFF, 2 * pick_seconds(Waves(), 2, 3), 10)
    late, soon, urgent = (
        ready(1, due=NOW + timedelta(hours=3)), ready(2), ready(3, priority=9, due=NOW + timedelta(hours=9))
    )  # fmt: skip
    assert whys(late, soon, urgent, left=left) == [NO_PICKERS, "", ""]


def test_what_does_not_fit_makes_room_for_a_smaller_one():
    assert whys(ready(1, lines=5, priority=9), ready(2, lines=2), policy=Waves(lines_max=4)) == [FULL, ""]


def test_each_limit_has_its_word():
    assert whys(ready(missing=1)) == [NOT_PICKABLE]
    assert whys(ready(), left=Room(CUT_OFF, 10**6, 0)) == [NO_STATIONS]
    assert whys(ready(), asked=Asked(services=("fast",))) == ["another service"]
    assert whys(ready(carrier="post"), asked=Asked(carriers=("dpd",))) == ["another carrier"]
    assert whys(ready(), asked=Asked(zones=("B",))) == ["in other zones too"]
    assert whys(ready(), asked=Asked(priority_min=6)) == ["a lower priority"]
    assert whys(ready(), asked=Asked(value_min_minor=2_000)) == ["a lower value"]
    assert whys(ready(), asked=Asked(due_before=NOW - timedelta(hours=1))) == ["due later"]


def test_room_is_the_time_to_the_cut_off_less_what_is_queued():
    policy = Waves(pickers=2, packing_stations=1, seconds_per_order_packed=60)
    assert room(policy, CUT_OFF, 7_200, (0, 0), 0) == Room(CUT_OFF, 2 * 7_200, 120)
    assert room(policy, CUT_OFF, 7_200, (10, 20), 7) == Room(
        CUT_OFF, 14_400 - pick_seconds(policy, 10, 20), 113
    )
    assert room(policy, NOW, 0, (0, 0), 0) == Room(NOW, 0, 0)
    assert room(policy, CUT_OFF, 7_200, (10**6, 0), 10**6) == Room(CUT_OFF, 0, 0)


# ---- lists


stops = st.lists(
    st.builds(
        lambda n, load, zone, x, y, units: Stop(
            UUID(int=n),
            UUID(int=load),
            zone,
            UUID(int=100 * x + y),
            x,
            y,
            x * 100 + y,
            UUID(int=units),
            units,
            units * 100,
            units * 50,
        ),
        st.integers(1, 10**6),
        st.integers(1, 8),
        st.sampled_from("AB"),
        st.integers(0, 10),
        st.integers(0, 20),
        st.integers(1, 9),
    ),
    max_size=25,
    unique_by=lambda stop: stop.task,
)


@given(
    stops, st.sampled_from(METHODS), st.sampled_from((PLAN, None)), st.integers(2, 4)
)  # fmt: skip
def test_every_stop_is_on_one_list_and_what_belongs_together_stays_so(
    found: list[Stop], method: str, plan: Plan | None, places: int
):
    policy = by_method(Waves(cart_units=30, cart_places=places, routes_max=50), method)
    lists = plan_lists(found, plan, policy, Random(1))
    assert sorted(stop.task for one in lists for stop, _ in one.stops) == sorted(stop.task for stop in found)
    assert all((one.length_mm is None) == (plan is None) for one in lists)
    for one in lists:
        loads = {stop.load for stop, _ in one.stops}
        assert one.units <= 30 or len(loads) == 1
        if method in ("zone", "pass"):
            assert {stop.zone for stop, _ in one.stops} == {one.zone}
        if method in ("discrete", "pass"):
            assert len(loads) == 1
        assert (one.leg > 0) == (method == "pass")
        if method == "pass":
            assert {slot for _, slot in one.stops} == {1}
        elif method == "cluster":
            assert len(loads) <= places
            assert len({(stop.load, slot) for stop, slot in one.stops}) == len(loads)
        else:
            assert {slot for _, slot in one.stops} == {0}
    if method not in ("zone", "pass"):
        assert len({(i, stop.load) for i, one in enumerate(lists) for stop, _ in one.stops}) == len(
            {stop.load for stop in found}
        )


@given(stops, st.lists(st.sampled_from("ABC"), unique=True))
def test_totes_pass_the_zones_in_one_order_and_leave_none_out(found: list[Stop], named: list[str]):
    lists = plan_lists(found, None, Waves(method="pass", pass_zones=tuple(named)), Random(1))
    ways: dict[UUID, list[tuple[int, str]]] = {}
    for one in lists:
        ways.setdefault(one.stops[0][0].load, []).append((one.leg, one.zone))
    turn = turns(found, Waves(pass_zones=tuple(named)))
    for load, way in ways.items():
        assert [leg for leg, _ in way] == [turn[zone] + 1 for _, zone in way]
        assert {zone for _, zone in way} == {stop.zone for stop in found if stop.load == load}
        assert [turn[zone] for _, zone in way] == sorted(turn[zone] for _, zone in way)
    assert all(turn[zone] == named.index(zone) for zone in turn if zone in named)
    assert len(set(turn.values())) == len(turn)


@given(st.integers(1, 9), st.integers(0, 40), st.integers(1, 9))
def test_a_list_that_is_added_comes_at_its_zones_next_turn(zone: int, current: int, zones: int):
    leg = later_leg(zone, current, zones)
    assert leg >= max(zone, current) and (leg - zone) % zones == 0
    assert leg == zone or leg < current + zones


def test_a_zone_that_was_passed_comes_after_those_that_were_not():
    assert [later_leg(zone, 2, 3) for zone in (1, 2, 3)] == [4, 2, 3]


def test_the_whole_way_names_each_zone_once():
    policy = through(Waves(pass_zones=("B",), pass_places=("CONV-B",)), ["A", "B", ""])
    assert policy.pass_zones == ("B", "A", "")


def test_places_of_the_conveyor_are_those_of_the_zones_named():
    policy = Waves(pass_zones=("B", "A"), pass_places=("CONV-B", ""))
    assert [place_of(policy, zone) for zone in ("B", "A", "C")] == ["CONV-B", "", ""]
    for wrong in ({"pass_zones": ("A", "A")}, {"pass_zones": ("A",), "pass_places": ("x", "y")}):
        with pytest.raises(ValueError, match="expected"):
            Waves(**wrong)


def test_without_a_plan_the_way_follows_the_pick_sequence():
    far, near = (
        Stop(UUID(int=n), UUID(int=1), "", UUID(int=n), 0, 0, sequence, UUID(int=1), 1, 0, 0)
        for n, sequence in ((1, 9), (2, 3))
    )
    (one,) = plan_lists([far, near], None, Waves(), Random(1))
    assert [stop.pick_sequence for stop, _ in one.stops] == [3, 9]
    assert (one.length_mm, one.seconds) == (None, 90 + 2 * 12 + 2 * 8 + 2 * 3)


def test_a_list_is_walked_by_the_route_of_the_policy():
    two = [
        Stop(UUID(int=n), UUID(int=1), "", UUID(int=n), x, 4, 0, UUID(int=1), 1, 0, 0)
        for n, x in ((1, 0), (2, 10))
    ]
    (shortest,) = plan_lists(two, PLAN, Waves(), Random(1))
    (through,) = plan_lists(two, PLAN, Waves(route="s_shape"), Random(1))
    assert (shortest.length_mm, through.length_mm) == (36_000, 60_000)


def test_what_is_the_same_in_a_bin_comes_together():
    def stop(number: int, load: int, sku: int) -> Stop:
        return Stop(UUID(int=number), UUID(int=load), "", UUID(int=1), 0, 4, 0, UUID(int=sku), 1, 0, 0)

    (one,) = plan_lists(
        [stop(1, 1, 7), stop(2, 1, 8), stop(3, 2, 7), stop(4, 2, 8)], PLAN, Waves(), Random(1)
    )
    assert [found.sku.int for found, _ in one.stops] == [7, 7, 8, 8]


REASONS = (FULL, NO_PICKERS, NO_STATIONS, NOT_PICKABLE, "another carrier", "a lower value")


def stood(
    *reasons: str, policy: Waves | None = None, on_floor: int = 0, rests: bool = False, until: int = 60
) -> str:
    others = dict.fromkeys(reasons, 1)
    return stands_still(others, policy or Waves(), timedelta(minutes=until), on_floor, rests=rests)


def test_why_a_node_stands_still():
    assert stood() == ""
    assert stood("another carrier", NOT_PICKABLE) == ""
    assert stood(NO_PICKERS) == NONE_FITS
    assert stood(NO_PICKERS, until=14) == "", "so shortly before a cut-off it is no wonder"
    assert stood(NO_PICKERS, until=0) == "", "nobody is at work before it"
    assert stood(NO_STATIONS, on_floor=3) == ""
    assert stood(NO_STATIONS, on_floor=3, rests=True) == FLOOR_RESTS
    assert stood(NO_PICKERS, on_floor=3, policy=Waves(pickers=0)) == NOBODY_PICKS
    assert stood(NO_STATIONS, policy=Waves(packing_stations=0)) == NOBODY_PACKS
    assert stood(FULL) == TOO_MANY_LINES


@given(st.sets(st.sampled_from(REASONS)), st.integers(0, 3), st.booleans(), st.integers(15, 600))
def test_what_could_go_and_does_not_never_stands_in_silence(
    reasons: set[str], on_floor: int, rests: bool, until: int
):
    """Only a floor that works, a choice of somebody, or goods to be put away explain that nothing goes."""
    told = stood(*reasons, on_floor=on_floor, rests=rests, until=until)
    could_go = reasons & {FULL, NO_PICKERS, NO_STATIONS}
    floor_works = on_floor and not rests and reasons & {NO_PICKERS, NO_STATIONS}
    assert bool(told) == bool(could_go and not floor_works)
    assert timedelta(minutes=until) >= TOO_LATE


def test_times_that_were_fitted_stand_for_those_of_the_policy():
    times = Times(pick=Standard(60, 10, 2, 1), pack=Standard(30, 5, 1, 0))
    policy = Waves(cart_places=6, mm_per_line=12_000)
    assert pick_seconds(policy, 2, 5, times) == 60 // 6 + 2 * 10 + 5 * 2 + 2 * 12
    assert pick_seconds(by_method(policy, "discrete"), 2, 5, times) == 60 + 2 * 10 + 5 * 2 + 2 * 12
    assert list_seconds(policy, 3, 4, 50_000, times) == 60 + 3 * 10 + 4 * 2 + 50
    assert list_seconds(policy, 3, 4, None, times) == 60 + 3 * 10 + 4 * 2 + 36
    assert list_seconds(policy, 3, 4, 50_000) == 90 + 50 + 3 * 8 + 4 * 3
    left = room(policy, NOW, 400, (0, 0), 0, times=times, to_pack=(2, 4))
    assert left.orders_packed == 2 * 400 // (30 + 2 * 5 + 4), (
        "an order of two lines and four units takes 44 s"
    )
    assert times.fitted == ["pick", "pack"]


def test_a_case_takes_the_time_of_a_piece():
    policy = Waves(mm_per_line=0, seconds_per_stop=0, seconds_per_unit=10)
    case, loose = ready(1, lines=1, units=12, pieces=1), ready(2, lines=1, units=12)
    assert whys(case, loose, policy=policy, left=Room(CUT_OFF, 10, 9)) == ["", NO_PICKERS]


# ---- a cart in two parts


def on_cart(*loads: tuple[int, bool]) -> list[OnList]:
    """Stops for orders by number, each open or done."""
    begun = {load for load, is_open in loads if not is_open}
    return [
        OnList(
            Stop(UUID(int=n), UUID(int=load), "", UUID(int=n), 0, 0, n, UUID(int=1), 1, 0, 0),
            is_open,
            load in begun,
        )
        for n, (load, is_open) in enumerate(loads, 1)
    ]


def gone(*loads: tuple[int, bool], method: str = "cluster", named: tuple[int, ...] = ()) -> list[int] | Said:
    found = lists.split(on_cart(*loads), method, [UUID(int=one) for one in named])
    return found if isinstance(found, Said) else [stop.task.int for stop in found]


def test_the_later_half_of_a_cart_goes_and_an_order_with_a_place_goes_whole():
    assert gone((1, True), (2, True), (1, True), (2, True)) == [2, 4]
    assert gone((1, True), (2, True), (3, True)) == [3], "who walks keeps the larger part"
    assert gone((1, False), (1, True), (2, True), (3, True)) == [4]
    assert gone((1, False), (1, True), (2, True)) == [3], "what is begun stays and is enough"
    assert gone((1, True), (2, True), (3, True), named=(1, 3)) == [1, 3]
    assert gone((1, False), (1, True), (2, False), (2, True), method="batch") == [4], (
        "it is sorted afterwards"
    )


def test_why_a_cart_is_not_split():
    assert gone((1, True), (1, True)) == lists.ONE_ORDER
    assert gone((1, True), (2, False)) == lists.ONE_ORDER
    assert gone((1, True), method="zone") == lists.NOTHING_LEFT
    assert gone((1, True), (1, True), method="discrete") == lists.ONE_ORDER
    assert gone((1, False), (1, True)) == lists.ALL_BEGUN
    assert gone((1, False), (1, True), (2, True), named=(1,)) == lists.NOT_THAT
    assert gone((1, True), (2, True), named=(1, 2)) == lists.NOTHING_LEFT


@given(
    st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=20),
    st.sampled_from(("discrete", "batch", "cluster", "zone")),
    st.frozensets(st.integers(1, 5), max_size=3),
)
def test_what_goes_is_open_and_something_stays(loads, method, named):
    cart = on_cart(*loads)
    found = lists.split(cart, method, [UUID(int=one) for one in named])
    if isinstance(found, Said):
        return
    open_ones = [one.stop for one in cart if one.is_open]
    assert 0 < len(found) < len(open_ones)
    assert set(found) <= set(open_ones)
    going = {stop.load for stop in found}
    assert not named or going == {UUID(int=one) for one in named}
    if method == "cluster":
        assert all(one.stop in found and not one.begun for one in cart if one.stop.load in going)
