"""warehouse.take_lists, warehouse.pick_lists"""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel import queries as kernel
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.warehouse import errors, queries, short_queries
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.commands.pick_lists import (
    ListPicked,
    ListTaken,
    PickList,
    TakeList,
    pick_lists,
    take_lists,
)
from tests.floor import NOW, SYSTEM, Floor, someone
from tests.shop import a_person
from tests.sizes import SIZES
from tests.walk import a_house, queued
from tests.waves import gathers, laid_out, on_lists

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    gathers(pickers=10_000, packing_stations=10_000, routes_max=100)
    laid_out(house)
    a_person("peter", superuser=True)
    return house


def a_picker(name: str) -> Cause:
    return Cause(Actor(name, frozenset(("warehouse.take_lists", "warehouse.pick_lists"))), NOW, "a test")


def states(wave: UUID) -> set[str]:
    return {row.fulfillment_state for row in queries.wave_orders(wave)}


# ---- taking


def test_a_list_has_one_picker(house: Floor):
    house.stock(0, 10)
    (one,) = on_lists(house, 2, (0, 1)).lists
    number = queries.pick_list(one).number

    assert take_lists(a_picker("paula"), requests=[TakeList(one)]) == [ListTaken(one, number, "paula")]
    assert take_lists(a_picker("paula"), requests=[TakeList(one)]) == [ListTaken(one, number, "paula")]
    assert take_lists(a_picker("peter"), requests=[TakeList(one)]) == [
        errors.ListTaken(list=number, picker="paula")
    ]
    # Whoever may release waves gives it to another.
    assert take_lists(SYSTEM, requests=[TakeList(one, "peter")]) == [ListTaken(one, number, "peter")]
    assert queries.pick_list(one).picker == "peter"
    assert take_lists(a_picker("peter"), requests=[TakeList(one, "")]) == [ListTaken(one, number, "")]


def test_a_list_is_given_by_who_gives_lists_to_who_may_pick_them(house: Floor):
    house.stock(0, 10)
    (one,) = on_lists(house, 1, (0, 1)).lists
    assert take_lists(a_picker("paula"), requests=[TakeList(one, "peter")]) == [
        NotPermitted(actor="paula", command="warehouse.release_wave")
    ]
    (refused,) = take_lists(SYSTEM, requests=[TakeList(one, "nobody known")])
    assert isinstance(refused, Invalid) and refused.facts["found"] == "nobody known"
    assert queries.pick_list(one).picker == ""
    paula = TakeList(one, "paula")
    assert isinstance(take_lists(a_picker("paula"), requests=[paula])[0], ListTaken), "herself, by her name"


def test_a_list_that_was_given_away_is_not_walked_on_and_what_is_left_is_the_others(house: Floor):
    house.stock(0, 10)
    (one,) = on_lists(house, 3, (0, 1)).lists
    number = queries.pick_list(one).number
    take_lists(someone("paula"), requests=[TakeList(one)])
    first, second, _ = queries.list_stops(one)

    def walks(person: str, stop: queries.ListStopRow, key: str | None = None):
        wanted = PickFulfillment(stop.fulfillment, picker=person, key=key, tasks=(stop.task,), pick_list=one)
        (answer,) = pick(someone(person), requests=[wanted])
        return answer

    done = walks("paula", first, "once")
    assert isinstance(done, FulfillmentPicked) and done.picked == 1
    take_lists(SYSTEM, requests=[TakeList(one, "peter")])
    assert walks("paula", second) == errors.ListGiven(list=number, picker="peter")
    assert walks("paula", first, "once") == done, "what was done before stays so"
    take_lists(SYSTEM, requests=[TakeList(one, "")])
    assert walks("paula", second) == errors.ListFree(list=number)
    assert queries.pick_list(one).open_stops == 2
    take_lists(someone("peter"), requests=[TakeList(one)])
    assert isinstance(walks("peter", second), FulfillmentPicked)
    told = [(row.actor, row.after, row.reason) for row in kernel.timeline(subjects=[one])]
    assert told == [
        ("paula", "taken", "paula"),
        (SYSTEM.actor.name, "taken", "peter"),
        (SYSTEM.actor.name, "free", "a test"),
        ("peter", "taken", "peter"),
    ]


def test_a_list_with_another_is_not_reported_as_picked_but_by_who_gives_lists(house: Floor):
    house.stock(0, 10)
    (one,) = on_lists(house, 1, (0, 1)).lists
    take_lists(a_picker("paula"), requests=[TakeList(one)])
    taken = errors.ListTaken(list=queries.pick_list(one).number, picker="paula")
    assert pick_lists(a_picker("peter"), requests=[PickList(one)]) == [taken]
    assert queries.pick_list(one).open_stops == 1
    (done,) = pick_lists(SYSTEM, requests=[PickList(one, picker="paula")])
    assert isinstance(done, ListPicked)


def test_what_is_done_or_unknown_is_not_taken(house: Floor):
    house.stock(0, 10)
    (one,) = on_lists(house, 1, (0, 1)).lists
    pick_lists(SYSTEM, requests=[PickList(one)])
    unknown = ids.uuid7()
    assert take_lists(SYSTEM, requests=[TakeList(one), TakeList(unknown)]) == [
        errors.ListDone(list=queries.pick_list(one).number),
        NotFound(what="list", which=unknown),
    ]


# ---- picking


def test_a_picked_list_brings_its_orders_to_the_packing_station(house: Floor):
    house.stock(0, 10)
    house.stock(1, 10, kind="reserve")
    wave = on_lists(house, 3, (0, 1), (1, 2))
    (one,) = wave.lists

    (answer,) = pick_lists(someone("paula"), requests=[PickList(one)])

    assert isinstance(answer, ListPicked)
    assert (answer.picked, answer.short, len(answer.complete), answer.again) == (9, 0, 3, ())
    assert states(wave.wave) == {"picked"}
    assert (len(queued("pick")), len(queued("pack"))) == (0, 3)
    assert (queries.pick_list(one).open_stops, queries.wave(wave.wave).open_stops) == (0, 0)
    assert pick_lists(SYSTEM, requests=[PickList(one)]) == [errors.ListDone(list=answer.number)]


def test_an_order_of_two_zones_waits_for_its_second_list(house: Floor):
    house.stock(0, 10)
    house.stock(1, 10, kind="reserve")
    wave = on_lists(house, 2, (0, 1), (1, 2), method="zone")
    first, second = wave.lists

    (answer,) = pick_lists(SYSTEM, requests=[PickList(first)])
    assert (answer.picked, answer.complete) == (2, ())
    assert states(wave.wave) == {"picking"}
    assert (len(queued("pick")), len(queued("pack"))) == (2, 0)
    assert queries.discrepancies() == []

    (answer,) = pick_lists(SYSTEM, requests=[PickList(second)])
    assert (answer.picked, len(answer.complete)) == (4, 2)
    assert states(wave.wave) == {"picked"}
    assert (len(queued("pick")), len(queued("pack"))) == (0, 2)


def test_both_lists_of_an_order_can_be_reported_together(house: Floor):
    house.stock(0, 10)
    house.stock(1, 10, kind="reserve")
    wave = on_lists(house, 2, (0, 1), (1, 2), method="zone")
    answers = pick_lists(SYSTEM, requests=[PickList(one) for one in wave.lists])
    assert [answer.picked for answer in answers] == [2, 4]
    assert states(wave.wave) == {"picked"}


def test_a_short_pick_goes_on_a_new_list_of_the_wave(house: Floor):
    house.stock(0, 3)
    house.stock(0, 10, kind="reserve")
    wave = on_lists(house, 2, (0, 1))
    (one,) = wave.lists
    stops = queries.list_stops(one)

    (answer,) = pick_lists(SYSTEM, requests=[PickList(one, ((stops[0].task, 0),))])

    assert (answer.picked, answer.short, len(answer.complete), len(answer.again)) == (1, 1, 1, 1)
    _, again = queries.pick_lists(wave=wave.wave)
    (stop,) = queries.list_stops(again.id)
    assert (stop.task, stop.bin_code, again.length_mm) == (answer.again[0], "RESERVE", 28_000)
    (last,) = pick_lists(SYSTEM, requests=[PickList(again.id)])
    assert len(last.complete) == 1
    assert states(wave.wave) == {"picked"}
    assert queries.wave(wave.wave).open_stops == 0
    (told,) = short_queries.shorts_of(wave.wave)
    assert (told.asked, told.missing, told.bin_code, told.rest) == (1, 1, "PICK", 0)
    assert told.elsewhere == (short_queries.Elsewhere("RESERVE", again.number, again.id, 1, "done"),)


def test_what_no_bin_has_is_told_with_where_it_waits(house: Floor):
    """Of 6 units the pick face has none and the reserve 4, of which 3 are found: each round is told by itself."""
    house.stock(0, 6)
    wave = on_lists(house, 1, (0, 6))
    house.stock(0, 4, kind="reserve")
    (one,) = wave.lists
    (stop,) = queries.list_stops(one)
    (order,) = [row.order for row in queries.wave_orders(wave.wave)]

    pick_lists(SYSTEM, requests=[PickList(one, ((stop.task, 0),))])
    _, again = queries.pick_lists(wave=wave.wave)
    (other,) = queries.list_stops(again.id)
    pick_lists(SYSTEM, requests=[PickList(again.id, ((other.task, 3),))])
    allocate(SYSTEM, requests=[AllocateOrder(order)])

    last, first = short_queries.shorts_of(wave.wave)
    assert [(each.bin_code, each.quantity, each.state) for each in first.elsewhere] == [
        ("RESERVE", 4, "short")
    ]
    assert (first.missing, first.rest, last.missing) == (6, 2, 1)
    assert (last.elsewhere, last.rest, last.backordered, last.open) == ((), 1, 3, 0)
    assert {one.item_state for one in (first, last)} == {"open"}


def test_what_is_looked_for_again_is_picked_by_the_method_of_its_wave(house: Floor):
    """Not by that of the policy, which the supervisor has put aside for the wave."""
    house.stock(0, 2)
    house.stock(0, 10, kind="reserve")
    wave = on_lists(house, 2, (0, 1), method="cluster")
    (one,) = wave.lists
    pick_lists(SYSTEM, requests=[PickList(one, tuple((stop.task, 0) for stop in queries.list_stops(one)))])
    _, again = queries.pick_lists(wave=wave.wave)
    assert {stop.slot for stop in queries.list_stops(again.id)} == {1, 2}


def test_a_list_that_is_refused_is_not_told_to_be_picked(house: Floor):
    house.stock(0, 2)
    (one,) = on_lists(house, 1, (0, 1)).lists
    sql.run("UPDATE network_bin SET kind = 'quarantine' WHERE kind = 'staging'")

    (answer,) = pick_lists(SYSTEM, requests=[PickList(one)])

    assert isinstance(answer, errors.NoStaging)
    told = sql.run(
        "SELECT count(*) FROM kernel_event WHERE subject_kind = 'pick_list' AND state_after = 'picked'"
    )
    assert told == [(0,)]


def test_what_is_nowhere_goes_back_to_sourcing(house: Floor):
    house.stock(0, 2)
    wave = on_lists(house, 2, (0, 1))
    (one,) = wave.lists
    stops = queries.list_stops(one)
    (answer,) = pick_lists(SYSTEM, requests=[PickList(one, tuple((stop.task, 0) for stop in stops))])
    assert (answer.picked, answer.short, answer.complete, answer.again) == (0, 2, (), ())
    assert states(wave.wave) == {"cancelled"}
    assert len(queries.pick_lists(wave=wave.wave)) == 1


def test_a_short_pick_on_one_of_two_lists_leaves_the_other_open(house: Floor):
    house.stock(0, 1)
    house.stock(1, 1, kind="reserve")
    wave = on_lists(house, 1, (0, 1), (1, 1), method="zone")
    first, second = wave.lists
    (stop,) = queries.list_stops(first)
    pick_lists(SYSTEM, requests=[PickList(first, ((stop.task, 0),))])
    assert states(wave.wave) == {"picking"}
    (answer,) = pick_lists(SYSTEM, requests=[PickList(second)])
    assert (answer.picked, len(answer.complete)) == (1, 1)
    assert queries.discrepancies() == []


def test_wrong_reports_are_refused_and_change_nothing(house: Floor):
    house.stock(0, 10)
    (one,) = on_lists(house, 1, (0, 2)).lists
    (stop,) = queries.list_stops(one)
    unknown = ids.uuid7()
    answers = pick_lists(
        SYSTEM,
        requests=[
            PickList(unknown),
            PickList(one, ((unknown, 0),)),
            PickList(one, ((stop.task, 2),)),
        ],
    )
    number = queries.pick_list(one).number
    assert answers == [
        NotFound(what="list", which=unknown),
        errors.TaskUnknown(fulfillment=number, task=str(unknown)),
        errors.PickedOutOfRange(task=str(stop.task), wanted=2, found=2),
    ]
    assert queries.pick_list(one).open_stops == 1


def test_one_who_picks_the_order_itself_empties_the_list(house: Floor):
    house.stock(0, 10)
    wave = on_lists(house, 1, (0, 2))
    (row,) = queries.wave_orders(wave.wave)
    assert isinstance(pick(SYSTEM, requests=[PickFulfillment(row.fulfillment)])[0], FulfillmentPicked)
    assert pick_lists(SYSTEM, requests=[PickList(wave.lists[0])]) == [
        errors.ListDone(list=queries.pick_list(wave.lists[0]).number)
    ]


def test_named_tasks_alone_are_picked(house: Floor):
    house.stock(0, 10)
    house.stock(1, 10)
    (row,) = queries.wave_orders(on_lists(house, 1, (0, 2), (1, 1)).wave)
    first, second = queries.tasks([row.fulfillment])
    (part,) = pick(SYSTEM, requests=[PickFulfillment(row.fulfillment, tasks=(first.id,))])
    assert (part.state, part.picked) == ("picking", 2)
    (again,) = pick(SYSTEM, requests=[PickFulfillment(row.fulfillment, tasks=(first.id,))])
    assert isinstance(again, errors.TaskUnknown)
    (rest,) = pick(SYSTEM, requests=[PickFulfillment(row.fulfillment, tasks=(second.id,))])
    assert (rest.state, rest.picked) == ("picked", 1)


def test_the_same_key_gets_the_first_answer(house: Floor):
    house.stock(0, 10)
    (one,) = on_lists(house, 1, (0, 1)).lists
    request = PickList(one, key="once")
    assert pick_lists(SYSTEM, requests=[request]) == pick_lists(SYSTEM, requests=[request])


@pytest.mark.counts("warehouse.pick_lists", "warehouse.take_lists")
@pytest.mark.parametrize("short", [False, True])
def test_statements_do_not_grow_with_the_lists(house: Floor, statements, short: bool):
    house.stock(0, 3_000)
    house.stock(0, 100, kind="reserve")
    counts = []
    for count in (1, *SIZES):  # the first pick of a SKU makes its bucket in staging
        lists = on_lists(house, count, (0, 2), method="discrete").lists
        first = queries.list_stops(lists[0])[0].task
        requests = [PickList(lists[0], ((first, 1),) if short else ()), *map(PickList, lists[1:])]
        with statements() as ran:
            take_lists(SYSTEM, requests=[TakeList(one) for one in lists])
            answers = pick_lists(SYSTEM, requests=requests)
        assert all(isinstance(answer, ListPicked) for answer in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts[1:])) == 1, counts
