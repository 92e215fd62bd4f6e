"""Carriers of waves and their cut-offs: warehouse.propose_wave by carrier, warehouse.pace, carriage.set_cut_offs"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, time, timedelta

import pytest

from entrepot.carriage import queries as carriage
from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.carriage.commands.set_cut_offs import CarrierCutOffSet, SetCarrierCutOff, set_cut_offs
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.network.commands import register as network
from entrepot.warehouse import queries, tasks
from entrepot.warehouse.commands.pace import NodePaced, PaceNode, pace
from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.registers import answers_its_key, counts, done, refuses, stands_when_repeated
from tests.sizes import SIZES
from tests.walk import a_house, queued
from tests.waves import gathers, proposed, waiting

pytestmark = pytest.mark.django_db

VAN = RegisterService(
    COMPANY, "van", "van-24", "Van", 1, 30_000, "GBP", (("*", "*", "all"),), (("all", 30_000, 900),)
)  # fmt: skip


@pytest.fixture
def house(db: None) -> Floor:
    made = a_house()
    register_services(SYSTEM, requests=[VAN, replace(VAN, carrier="bike", code="bike-1", transit_days=0)])
    made.stock(0, 500)
    return made


def leaves(house: Floor, carrier: str, at: time | None, weekday: int = 0) -> None:
    done(set_cut_offs, SetCarrierCutOff(COMPANY, carrier, house.nodes[0], weekday, at))


def test_a_wave_takes_what_goes_with_a_carrier(house: Floor):
    gathers()
    (by_van,) = waiting(house, 1, (0, 1), service="van-24")
    (by_bike,) = waiting(house, 1, (0, 1), service="bike-1")

    wave = proposed(house, carriers=("van",))

    assert [row.order for row in queries.wave_orders(wave.wave)] == [by_van]
    (told,) = queries.waves(company=COMPANY)
    assert (told.figures["carriers"], told.figures["others_wait"]) == ({"van": 1}, {"another carrier": 1})
    assert [row.order for row in queries.wave_orders(proposed(house).wave)] == [by_bike]

    (answer,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0], carriers=("ship",))])
    assert isinstance(answer, Invalid)


def test_an_order_has_to_be_packed_by_the_cut_off_of_its_carrier(house: Floor):
    """NOW is 9:00 on a Monday: the van comes at 9:03, one order of one line takes 23 seconds of picking."""
    gathers(pickers=1, packing_stations=9)
    network.set_cut_offs(SYSTEM, requests=[network.SetCutOff(house.nodes[0], 0, time(16))])
    leaves(house, "van", time(9, 1))
    vans = waiting(house, 5, (0, 1), service="van-24")
    bikes = waiting(house, 5, (0, 1), service="bike-1")

    wave = proposed(house)

    joining = {row.order for row in queries.wave_orders(wave.wave)}
    assert len(joining & set(vans)) == 2
    assert joining >= set(bikes)
    (told,) = queries.waves(company=COMPANY)
    assert told.cutoff_at == NOW + timedelta(minutes=1)


def test_a_carrier_that_has_been_there_is_expected_to_take_it_on_its_next_day(house: Floor):
    """NOW is 9:00 on a Monday; what is promised for Tuesday goes by the cheap cart, unless that came at 8:00."""
    gathers()
    register_services(
        SYSTEM,
        requests=[replace(VAN, carrier="cart", code="cart-24", rates=(("all", 30_000, 500),))],
    )
    tuesday = NOW + timedelta(days=1)
    waiting(house, 1, (0, 1), promise_at=tuesday)
    assert (_expected(house), _expected(house)) == ({"cart": 1}, {})
    for weekday in (0, 1):
        leaves(house, "cart", time(8), weekday)
    waiting(house, 1, (0, 1), promise_at=tuesday)
    assert _expected(house) == {"bike": 1}


def _expected(house: Floor) -> dict[str, int]:
    (answer,) = propose_wave(SYSTEM, requests=[ProposeWave(house.nodes[0])])
    found = [one for one in queries.waves(company=COMPANY) if one.id == getattr(answer, "wave", None)]
    return found[0].figures["carriers"] if found else {}


def test_paced_work_goes_by_itself_as_there_is_time_for_it(house: Floor):
    gathers(mode="paced", pickers=1, packing_stations=9, ahead_minutes=1, paced_carriers=("van",))
    vans = waiting(house, 4, (0, 1), service="van-24")
    (bike,) = waiting(house, 1, (0, 1), service="bike-1")
    assert (queued("pick"), sorted(queued("wave"))) == ([], sorted([*vans, bike]))

    assert tasks.pace_all_at(NOW) == 2, "60 seconds are two orders"
    assert tasks.pace_all_at(NOW) == 0, "what is on the floor takes the time of the minute"
    assert (len(queued("pick")), bike in queued("wave")) == (2, True)
    assert proposed(house).orders == 3, "a supervisor looks up to the cut-off, and for all carriers"


def test_pacing_is_refused_where_nobody_asked_for_it(house: Floor):
    unknown = ids.uuid7()
    answers = pace(SYSTEM, requests=[PaceNode(house.nodes[0]), PaceNode(unknown)])
    assert [type(one) for one in answers] == [WrongState, NotFound]
    gathers(mode="paced")
    assert pace(SYSTEM, requests=[PaceNode(house.nodes[0])]) == [NodePaced(house.nodes[0], None, 0)]


def test_the_same_key_paces_once(house: Floor):
    gathers(mode="paced")
    waiting(house, 1, (0, 1))
    first = pace(SYSTEM, requests=[PaceNode(house.nodes[0], "k")])
    waiting(house, 1, (0, 1))
    assert pace(SYSTEM, requests=[PaceNode(house.nodes[0], "k")]) == first
    assert len(queued("pick")) == 1


@pytest.mark.counts("warehouse.pace")
def test_pacing_takes_the_same_statements_for_any_list(house: Floor, statements):
    gathers(mode="paced", pickers=10_000, packing_stations=10_000, routes_max=0)
    found = []
    for count in SIZES:
        waiting(house, min(count, 400), (0, 1))
        with statements() as ran:
            pace(SYSTEM, requests=[PaceNode(house.nodes[0])] * count)
        found.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(found)) == 1, found


# ---- cut-offs of carriers


def test_cut_offs_of_carriers_stand_until_they_are_taken_away(house: Floor):
    node = house.nodes[0]
    leaves(house, "van", time(15))
    leaves(house, "van", time(11), 5)
    leaves(house, "bike", time(18))
    leaves(house, "van", None, 5)
    assert carriage.cut_offs(nodes=[node]) == {node: {"van": {0: time(15)}, "bike": {0: time(18)}}}
    assert carriage.cut_offs(nodes=[house.nodes[1]]) == {house.nodes[1]: {}}


def test_a_cut_off_needs_its_carrier_node_and_time(house: Floor):
    good = SetCarrierCutOff(COMPANY, "van", house.nodes[0], 0, time(15))
    for change, refusal in (
        ({"carrier": "ship"}, NotFound), ({"node": ids.uuid7()}, NotFound), ({"company": 9}, NotFound),
        ({"weekday": 7}, Invalid), ({"at": time(15, tzinfo=UTC)}, Invalid),
    ):  # fmt: skip
        refuses(set_cut_offs, replace(good, **change), refusal, good, "carriage_cutoff")


def test_setting_cut_offs_again_changes_nothing(house: Floor):
    one = SetCarrierCutOff(COMPANY, "van", house.nodes[0], 0, time(15))
    stands_when_repeated(set_cut_offs, [one], "carriage_cutoff")
    answers_its_key(set_cut_offs, replace(one, weekday=1), replace(one, weekday=2), "carriage_cutoff")


@pytest.mark.counts("carriage.set_cut_offs")
def test_statements_do_not_grow_with_the_cut_offs(house: Floor, statements):
    register_services(SYSTEM, requests=[replace(VAN, carrier=f"c{n}", code=f"c{n}") for n in range(150)])
    codes = [code for (code,) in sql.run("SELECT code FROM carriage_carrier ORDER BY code")]

    def week(count: int, at: time) -> list[SetCarrierCutOff]:
        return [SetCarrierCutOff(COMPANY, codes[n // 7], house.nodes[0], n % 7, at) for n in range(count)]

    batches = [week(count, time(9 + place)) for place, count in enumerate(SIZES)]
    assert counts(statements, set_cut_offs, batches) == [6, 6, 6]
    assert isinstance(done(set_cut_offs, week(1, time(1))[0])[0], CarrierCutOffSet)
