"""The register commands of network."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, time
from typing import Any

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.ids import uuid7
from entrepot.network import queries
from entrepot.network.commands.register import (
    CutOffSet,
    HolidaySet,
    LaidOut,
    RegisterBin,
    RegisterChannel,
    RegisterLayout,
    RegisterNode,
    RegisterPlace,
    RegisterZone,
    ServeChannel,
    Served,
    SetCutOff,
    SetHoliday,
    register_bins,
    register_channels,
    register_layouts,
    register_nodes,
    register_places,
    register_zones,
    serve_channels,
    set_cut_offs,
    set_holidays,
)
from entrepot.network.rules import Calendar
from tests.floor import SYSTEM, a_floor
from tests.registers import COMPANY, answers_its_key, counts, done, refuses, stands_when_repeated
from tests.sizes import MANY, SIZES

pytestmark = pytest.mark.django_db

LEEDS = RegisterNode(
    COMPANY, "LDS", "Leeds", "GB", "warehouse", "LS1 4AP", 53.8, -1.55, 1, True, "Europe/London"
)
BATH = RegisterNode(COMPANY, "BTH", "Bath", "GB", "store", priority=2)
SHOP = RegisterChannel(COMPANY, "shop", "Our shop", "GBP", buffer=2)
TABLES = (
    "network_node",
    "network_zone",
    "network_bin",
    "network_channel",
    "network_channelnode",
    "network_cutoff",
    "network_holiday",
    "network_place",
)


@pytest.fixture
def leeds():
    return done(register_nodes, LEEDS)[0].id


@pytest.fixture
def stranger():
    """A node of another company."""
    return done(register_nodes, replace(LEEDS, company=2))[0].id


@pytest.fixture
def shop():
    return done(register_channels, SHOP)[0].id


def test_nodes_stand_as_given_the_preferred_first():
    bath, leeds = done(register_nodes, BATH, LEEDS)

    found = queries.nodes(company=COMPANY)
    assert [node.id for node in found] == [leeds.id, bath.id]
    assert (found[0].time_zone, found[0].latitude, found[0].longitude) == ("Europe/London", 53.8, -1.55)
    assert (found[1].kind, found[1].latitude, found[1].active) == ("store", None, True)


def test_zones_and_bins_stand_in_their_node_in_the_order_of_a_walk(leeds):
    (zone,) = done(register_zones, RegisterZone(leeds, "A", "ambient"))
    bins = done(
        register_bins,
        RegisterBin(COMPANY, leeds, "A-2", "pick", zone.id, 2),
        RegisterBin(COMPANY, leeds, "A-1", "pick", zone.id, 1, 10, 20),
        RegisterBin(COMPANY, leeds, "DOCK", "receiving"),
    )
    assert [one.code for one in queries.bins(nodes=[leeds])] == ["DOCK", "A-1", "A-2"]
    assert [one.id for one in queries.bins(nodes=[leeds], kinds=["receiving"])] == [bins[2].id]


def test_a_bin_may_move_to_another_zone_of_its_node(leeds):
    a, b = done(register_zones, RegisterZone(leeds, "A"), RegisterZone(leeds, "B"))
    (first,) = done(register_bins, RegisterBin(COMPANY, leeds, "1", "pick", a.id))
    (second,) = done(register_bins, RegisterBin(COMPANY, leeds, "1", "pick", b.id))
    assert first == second
    assert sql.run("SELECT zone_id FROM network_bin") == [(b.id,)]


def test_channels_are_served_by_active_nodes_in_order(shop):
    leeds, bath, closed = (
        node.id for node in done(register_nodes, LEEDS, BATH, replace(BATH, code="OLD", active=False))
    )
    answers = done(
        serve_channels, ServeChannel(shop, bath, 5), ServeChannel(shop, leeds, 1), ServeChannel(shop, closed)
    )
    assert answers[0] == Served(shop, bath)
    assert queries.serving_nodes(channels=[shop]) == {shop: [(leeds, 2), (bath, 7)]}
    assert queries.channels(company=COMPANY)["shop"].buffer == 2

    done(serve_channels, ServeChannel(shop, bath, -5))
    assert queries.serving_nodes(channels=[shop]) == {shop: [(bath, -3), (leeds, 2)]}


def test_cut_offs_stand_until_they_are_taken_away(leeds):
    assert (
        done(set_cut_offs, SetCutOff(leeds, 0, time(15)), SetCutOff(leeds, 5, time(11)))
        == [CutOffSet(leeds)] * 2
    )
    assert queries.calendars(nodes=[leeds]) == {leeds: Calendar({0: time(15), 5: time(11)})}

    done(set_cut_offs, SetCutOff(leeds, 0, time(16)), SetCutOff(leeds, 5, None), SetCutOff(leeds, 6, None))
    assert queries.calendars(nodes=[leeds]) == {leeds: Calendar({0: time(16)})}
    told = sql.run(
        "SELECT payload::text FROM kernel_event WHERE subject_id = %(n)s ORDER BY seq", {"n": leeds}
    )
    assert [text for (text,) in told] == [None, '{"changed": ["cut-offs"]}', '{"changed": ["cut-offs"]}']


def test_a_node_is_closed_on_its_holidays_until_they_are_taken_away(leeds):
    boxing = date(2026, 12, 26)
    done(set_cut_offs, SetCutOff(leeds, 4, time(15)))
    first, _ = done(
        set_holidays, SetHoliday(leeds, date(2026, 12, 25), " Christmas "), SetHoliday(leeds, boxing, "Box")
    )
    assert first == HolidaySet(leeds, date(2026, 12, 25))
    done(set_holidays, SetHoliday(leeds, boxing, "Boxing Day"), SetHoliday(leeds, date(2026, 1, 1), None))
    assert queries.holidays(nodes=[leeds]) == [
        (leeds, date(2026, 12, 25), "Christmas"), (leeds, boxing, "Boxing Day"),
    ]  # fmt: skip
    assert queries.holidays(nodes=[leeds], since=boxing) == [(leeds, boxing, "Boxing Day")]
    assert queries.calendars(nodes=[leeds]) == {
        leeds: Calendar({4: time(15)}, frozenset({date(2026, 12, 25), boxing}))
    }
    done(set_holidays, SetHoliday(leeds, boxing, None))
    assert queries.calendars(nodes=[leeds])[leeds].closed == {date(2026, 12, 25)}
    told = sql.run("SELECT count(*) FROM kernel_event WHERE payload::text LIKE '%holidays%'")
    assert told == [(3,)]


def test_a_holiday_needs_a_name_and_a_node(leeds):
    good = SetHoliday(leeds, date(2026, 12, 25), "Christmas")
    for change, refusal in (
        ({"name": " "}, Invalid),
        ({"name": "x" * 101}, Invalid),
        ({"node": uuid7()}, NotFound),
    ):
        refuses(set_holidays, replace(good, **change), refusal, good, *TABLES)


@pytest.mark.parametrize(
    "change",
    [
        {"code": " "}, {"kind": "shed"}, {"country": "England"}, {"latitude": 91.0}, {"longitude": None},
        {"latitude": float("nan")}, {"priority": 40_000}, {"time_zone": "Europe/Leeds"}, {"time_zone": "../etc/passwd"},
    ],
)  # fmt: skip
def test_a_node_that_makes_no_sense_is_refused(change):
    refuses(register_nodes, replace(LEEDS, **change), Invalid, BATH, *TABLES)


@pytest.mark.parametrize(
    "change", [{"code": ""}, {"kind": "bazaar"}, {"currency": "£"}, {"priority": 99_999}, {"buffer": -1}]
)
def test_a_channel_that_makes_no_sense_is_refused(change):
    refuses(register_channels, replace(SHOP, **change), Invalid, replace(SHOP, code="other"), *TABLES)


def test_a_zone_needs_a_code_and_a_node_that_exists(leeds):
    good = RegisterZone(leeds, "A")
    refuses(register_zones, RegisterZone(leeds, ""), Invalid, good, *TABLES)
    refuses(register_zones, RegisterZone(uuid7(), "A"), NotFound, good, *TABLES)


def test_a_bin_needs_a_known_kind_and_a_node_and_zone_that_belong_together(leeds, stranger):
    other, foreign = done(register_zones, RegisterZone(leeds, "A"), RegisterZone(stranger, "A"))
    good = RegisterBin(COMPANY, leeds, "1", "pick", other.id)
    for change, refusal in (
        ({"code": ""}, Invalid), ({"kind": "heap"}, Invalid), ({"pick_sequence": -1}, Invalid),
        ({"node": uuid7()}, NotFound), ({"node": stranger}, NotFound), ({"company": 2}, NotFound),
        ({"zone": uuid7()}, NotFound), ({"zone": foreign.id}, NotFound),
    ):  # fmt: skip
        refuses(register_bins, replace(good, **change), refusal, good, *TABLES)


def test_a_channel_is_served_by_nodes_of_its_own_company(leeds, stranger, shop):
    good = ServeChannel(shop, leeds)
    for change, refusal in (
        ({"channel": uuid7()}, NotFound), ({"node": uuid7()}, NotFound), ({"node": stranger}, NotFound),
        ({"priority": 40_000}, Invalid),
    ):  # fmt: skip
        refuses(serve_channels, replace(good, **change), refusal, good, *TABLES)


def test_a_cut_off_needs_a_weekday_a_local_time_and_a_node(leeds):
    good = SetCutOff(leeds, 0, time(15))
    for change, refusal in (
        ({"weekday": 7}, Invalid), ({"at": time(15, tzinfo=UTC)}, Invalid), ({"node": uuid7()}, NotFound),
    ):  # fmt: skip
        refuses(set_cut_offs, replace(good, **change), refusal, good, *TABLES)


def cases(leeds: Any, shop: Any) -> list[tuple[Any, Any, Any]]:
    """Each command with a request and another one."""
    return [
        (register_nodes, BATH, replace(BATH, name="Bath Spa")),
        (register_zones, RegisterZone(leeds, "A"), RegisterZone(leeds, "A", "cold")),
        (
            register_bins,
            RegisterBin(COMPANY, leeds, "1", "pick"),
            RegisterBin(COMPANY, leeds, "1", "reserve"),
        ),
        (register_channels, replace(SHOP, code="b"), replace(SHOP, code="b", buffer=9)),
        (serve_channels, ServeChannel(shop, leeds), ServeChannel(shop, leeds, 3)),
        (set_cut_offs, SetCutOff(leeds, 0, time(15)), SetCutOff(leeds, 0, time(16))),
        (
            set_holidays,
            SetHoliday(leeds, date(2026, 12, 25), "Christmas"),
            SetHoliday(leeds, date(2026, 12, 25), "Yule"),
        ),
    ]


@pytest.mark.parametrize("case", range(7))
def test_doing_it_again_changes_nothing(leeds, shop, case):
    command, one, _ = cases(leeds, shop)[case]
    stands_when_repeated(command, [one], *TABLES)


@pytest.mark.parametrize("case", range(7))
def test_a_key_gets_its_answer_again(leeds, shop, case):
    command, one, other = cases(leeds, shop)[case]
    answers_its_key(command, one, other, *TABLES)


@pytest.mark.counts(
    "network.register_bins",
    "network.register_channels",
    "network.register_nodes",
    "network.register_zones",
    "network.serve_channels",
    "network.set_cut_offs",
    "network.set_holidays",
)
def test_statements_do_not_grow_with_the_batch(statements, leeds):
    def batches(make: Any) -> list[list[Any]]:
        return [[make(f"{n}-{i}") for i in range(n)] for n in SIZES]

    assert counts(statements, register_nodes, batches(lambda code: replace(LEEDS, code=code))) == [3, 3, 3]
    assert counts(statements, register_channels, batches(lambda code: replace(SHOP, code=code))) == [3, 3, 3]
    assert counts(statements, register_zones, batches(lambda code: RegisterZone(leeds, code))) == [4, 4, 4]
    bins = batches(lambda code: RegisterBin(COMPANY, leeds, code, "pick"))
    assert counts(statements, register_bins, bins) == [6, 6, 6]

    channels = [channel.id for channel in queries.channels(company=COMPANY).values()]
    serving = [[ServeChannel(channel, leeds) for channel in channels[:n]] for n in (1, 10)]
    serving.append([ServeChannel(channel, leeds) for channel in channels[10 : MANY + 10]])
    serving[1] = [ServeChannel(one.channel, leeds, 1) for one in serving[1]]
    assert counts(statements, serve_channels, serving) == [5, 5, 5]  # one offers the channels to be published

    nodes = [node.id for node in queries.nodes(company=COMPANY)]
    weeks = [[SetCutOff(nodes[i], n % 7, time(15)) for i in range(n)] for n in SIZES]
    assert counts(statements, set_cut_offs, weeks) == [5, 5, 5]
    days = [[SetHoliday(nodes[i], date(2026, 12, n % 7 + 1), "Rest") for i in range(n)] for n in SIZES]
    assert counts(statements, set_holidays, days) == [5, 5, 5]


LONDON = RegisterPlace("GB", "SW1A", 51.5, -0.13)


def test_an_address_lies_where_the_longest_beginning_of_its_code_says() -> None:
    done(register_places, LONDON, RegisterPlace("GB", "SW", 51.0, 0.0), RegisterPlace("GB", "", 54.0, -2.0))
    asked = [("GB", "sw1a 1aa"), ("GB", "SW9 9ZZ"), ("GB", "LS1 4AP"), ("GB", ""), ("DE", "10115")]

    assert queries.whereabouts(asked) == {
        asked[0]: (51.5, -0.13), asked[1]: (51.0, 0.0), asked[2]: (54.0, -2.0), asked[3]: (54.0, -2.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"country": "England"}, {"latitude": 91.0}, {"longitude": float("nan")}, {"postal_start": "SW1 A"}],
)
def test_a_place_is_refused(wrong: dict[str, Any]) -> None:
    refuses(register_places, replace(LONDON, **wrong), Invalid, LONDON, *TABLES)


def test_a_place_that_stands_is_left_alone_and_one_that_moves_moves() -> None:
    stands_when_repeated(register_places, [LONDON], *TABLES)
    answers_its_key(register_places, LONDON, replace(LONDON, postal_start="N"), *TABLES)
    done(register_places, replace(LONDON, latitude=52.0))
    assert queries.whereabouts([("GB", "SW1A 1AA")]) == {("GB", "SW1A 1AA"): (52.0, -0.13)}


@pytest.mark.counts("network.register_places")
def test_places_are_written_by_as_many_statements_whatever_their_number(statements) -> None:
    batches = [[RegisterPlace("GB", f"N{n}X{i}", 51.0, i / 1000) for i in range(n)] for n in SIZES]
    assert len(set(counts(statements, register_places, batches))) == 1


# ---- layouts


def test_a_node_is_laid_out_and_changed(db: None):
    floor = a_floor()
    node, other = floor.nodes
    plan = RegisterLayout(node, (0, 5, 10), (0, 20, 40), 5, -1, 500)

    assert register_layouts(SYSTEM, requests=[plan]) == [LaidOut(node)]
    assert queries.layouts(nodes=[node, other]) == {
        node: queries.Layout((0, 5, 10), (0, 20, 40), (5, -1), 500)
    }
    before = sql.run("SELECT count(*) FROM kernel_event")
    register_layouts(SYSTEM, requests=[plan])
    assert sql.run("SELECT count(*) FROM kernel_event") == before, "what stands is left alone"
    register_layouts(SYSTEM, requests=[RegisterLayout(node, (0,), (0, 9))])
    assert queries.layouts(nodes=[node])[node] == queries.Layout((0,), (0, 9), (0, 0), 1000)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"aisles": ()}, "aisles"),
        ({"aisles": (5, 5)}, "aisles"),
        ({"aisles": tuple(range(1_001))}, "aisles"),
        ({"cross_aisles": (3,)}, "cross_aisles"),
        ({"cross_aisles": (9, 3)}, "cross_aisles"),
        ({"unit_mm": 0}, "unit_mm"),
    ],
)
def test_a_layout_that_can_not_be_is_refused(db: None, facts: dict[str, object], field: str):
    node = a_floor().nodes[0]
    wanted = RegisterLayout(node, **{"aisles": (0, 5), "cross_aisles": (0, 9), **facts})  # type: ignore[arg-type]
    (refused,) = register_layouts(SYSTEM, requests=[wanted])
    assert (refused.code, refused.facts["field"]) == ("kernel.invalid", field)
    assert queries.layouts(nodes=[node]) == {}


@pytest.mark.counts("network.register_layouts")
def test_layouts_take_the_same_statements_for_many_nodes(db: None, statements):
    node = a_floor().nodes[0]
    counted = []
    for count in SIZES:
        wanted = [RegisterLayout(node, (0, 5), (0, count + i)) for i in range(1, count + 1)]
        with statements() as ran:
            register_layouts(SYSTEM, requests=wanted)
        counted.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counted)) == 1, counted
