"""warehouse.show_performance, and how the people of a node get on today"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, NotPermitted, RequestInFlight
from entrepot.network import queries as network
from entrepot.network.rules import local_day
from entrepot.warehouse import performance_queries
from entrepot.warehouse.commands import show_performance as command_of_looks
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.pick_lists import TakeList, take_lists
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.show_performance import (
    PerformanceShown,
    ShowPerformance,
    note_look,
    show_performance,
)
from entrepot.warehouse.performance import Performance
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import SIZES
from tests.walk import a_house, placed, released
from tests.waves import gathers, laid_out, on_lists

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    return house


def node(house: Floor) -> network.Node:
    return next(one for one in network.nodes(company=COMPANY) if one.id == house.nodes[0])


def at(person: str, seconds: float) -> Cause:
    return replace(someone(person), at=NOW + timedelta(seconds=seconds))


def people(house: Floor, seconds: float = 3_600) -> list[Performance]:
    return performance_queries.people_of(
        company=COMPANY, node=node(house), at=NOW + timedelta(seconds=seconds)
    )


def looks(house: Floor) -> list[str]:
    rows = sql.run(
        "SELECT actor FROM kernel_event WHERE command = 'warehouse.show_performance' AND subject_id = %(n)s"
        " ORDER BY seq",
        {"n": house.nodes[0]},
    )
    return [actor for (actor,) in rows]


def test_who_packs_has_a_pace_against_the_policy_and_a_queue_before(house: Floor):
    fulfillments = released(*placed(house, 3, (0, 2)))
    pick(SYSTEM, requests=[PickFulfillment(one) for one in fulfillments])
    move = PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 1)
    put_away(at("pat", 0), requests=[move])
    for n, one in enumerate(fulfillments[:2], 1):
        pack(at("pat", n * 60), requests=[PackFulfillment(one)])

    (one,) = people(house)

    assert (one.person, one.step, one.tasks, one.lines, one.units, one.seconds) == (
        "pat",
        "pack",
        2,
        2,
        4,
        120,
    )
    assert (one.norm_s, one.norm_percent, one.tasks_an_hour) == (180, 150, 60)  # 90 s for each, by the policy
    assert one.reported_at == NOW + timedelta(seconds=120)
    before = performance_queries.before_packing(company=COMPANY, node=node(house), at=NOW)
    assert (before.orders, before.lines, before.stations, before.for_each) == (1, 1, 2, 0.5)


def test_who_took_a_list_and_did_nothing_yet_is_there(house: Floor):
    gathers()
    laid_out(house)
    (found,) = on_lists(house, 3, (0, 2)).lists
    take_lists(at("pia", 10), requests=[TakeList(found)])
    (one,) = people(house)
    assert (one.person, one.step, one.lists, one.stops) == ("pia", "", 1, 3)
    assert one.reported_at == NOW + timedelta(seconds=10)


def test_yesterday_is_not_told(house: Floor):
    move = PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 1)
    for seconds in (0, 60):
        put_away(at("pat", seconds), requests=[move])
    assert len(people(house)) == 1
    elsewhere = next(one for one in network.nodes(company=COMPANY) if one.id == house.nodes[1])
    noon = NOW + timedelta(seconds=3_600)
    assert performance_queries.people_of(company=COMPANY, node=elsewhere, at=noon) == []
    assert people(house, seconds=2 * 86_400) == []


def test_another_tab_that_notes_the_look_just_now_hinders_nobody(house: Floor, monkeypatch):
    in_flight = [RequestInFlight(key="performance/ann")]
    monkeypatch.setattr(command_of_looks, "show_performance", lambda *_, **__: in_flight)
    note_look(someone("ann"), COMPANY, node(house))


def test_who_looks_is_noted_once_a_day_and_only_whoever_may_sees(house: Floor):
    one = node(house)
    (answer,) = show_performance(someone("sue"), requests=[ShowPerformance(COMPANY, one.id)])
    assert answer == PerformanceShown(one.id, local_day(NOW, one.time_zone))
    for cause in (someone("ann"), someone("ann"), replace(someone("ann"), at=NOW + timedelta(days=1))):
        note_look(cause, COMPANY, one)
    assert looks(house) == ["sue", "ann", "ann"]

    with pytest.raises(NotPermitted):
        note_look(Cause(Actor("pia"), NOW), COMPANY, one)
    answers = show_performance(
        SYSTEM, requests=[ShowPerformance(COMPANY, ids.uuid7()), ShowPerformance(COMPANY + 1, one.id)]
    )
    assert [type(answer) for answer in answers] == [NotFound, NotFound]
    assert len(looks(house)) == 3


def test_a_look_by_key_is_noted_once(house: Floor):
    wanted = [ShowPerformance(COMPANY, house.nodes[0], "k")]
    assert show_performance(SYSTEM, requests=wanted) == show_performance(SYSTEM, requests=wanted)
    assert len(looks(house)) == 1


@pytest.mark.counts("warehouse.show_performance")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in SIZES:
        with statements() as ran:
            show_performance(SYSTEM, requests=[ShowPerformance(COMPANY, house.nodes[0])] * size)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts


def test_statements_of_the_question_do_not_grow_with_the_people(house: Floor, statements):
    counts = []
    for n in (1, 5):
        for person in range(n):
            move = PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 1)
            for seconds in (0, 60):
                put_away(at(f"p{person}", seconds), requests=[move])
        with statements() as ran:
            assert len(people(house)) == n
        counts.append(len(ran.texts))
    assert counts[0] == counts[1]
