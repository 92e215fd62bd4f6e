"""warehouse.plan_counts, ask_, start_, enter_, decide_ and withdraw_counts, and stock.count below them"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from unittest.mock import ANY
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.access.queries import duties_of
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, sql
from entrepot.kernel import queries as kernel
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.network.commands import register as network
from entrepot.stock import plate_queries
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.count import CountPosted, PostCount, count
from entrepot.stock.commands.move import At
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.errors import CorrectedSince, NotPlaceable, SerialElsewhere
from entrepot.warehouse import counted, errors, queries, tallying
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.decide_counts import CountDecided, DecideCount, decide_counts
from entrepot.warehouse.commands.enter_counts import Counted, CountEntered, EnterCount, enter_counts
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.plan_counts import (
    AskCount,
    CountAsked,
    CountsPlanned,
    PlanCounts,
    ask_counts,
    plan_counts,
)
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.start_counts import CountStarted, StartCount, start_counts
from entrepot.warehouse.commands.withdraw_counts import CountWithdrawn, WithdrawCount, withdraw_counts
from entrepot.warehouse.counting import Counting, Plan
from entrepot.warehouse.tasks import serve_count
from entrepot.work import queries as work
from entrepot.work.scanning import Alike, Named, Plate, Scan
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.plates import NUMBER, a_plate, holds
from tests.sizes import SIZES
from tests.walk import a_house, allocated, freed_is_offered, picked, placed, queued, released

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def at(person: str, minutes: float) -> Cause:
    """What somebody does some minutes after nine."""
    return replace(someone(person), at=NOW + minutes * MINUTE)


def policy(**facts: object) -> None:
    body = Counting(**facts)  # type: ignore[arg-type]
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "warehouse.counting", body, NOW)])


def asked(house: Floor, sku: int | None = None, kind: str = "pick") -> UUID:
    wanted = AskCount(house.bin(kind=kind), None if sku is None else house.skus[sku])
    (answer,) = ask_counts(SYSTEM, requests=[wanted])
    assert isinstance(answer, CountAsked), answer
    return answer.task


def started(task: UUID, person: str = "ann", minutes: float = 0) -> CountStarted:
    (answer,) = start_counts(at(person, minutes), requests=[StartCount(task)])
    assert isinstance(answer, CountStarted), answer
    return answer


def entered(task: UUID, *goods: Counted, person: str = "ann", minutes: float = 10, **facts: object) -> str:
    (answer,) = enter_counts(at(person, minutes), requests=[EnterCount(task, goods, **facts)])  # type: ignore[arg-type]
    assert isinstance(answer, CountEntered), answer
    return answer.state


def counted_twice(house: Floor, units: int, sku: int = 0) -> UUID:
    """A difference that two people have seen: the line that waits."""
    task = asked(house, sku)
    started(task)
    assert entered(task, Counted(house.skus[sku], units)) == "recount"
    started(task, "bob", 20)
    assert entered(task, Counted(house.skus[sku], units), person="bob", minutes=30) == "waiting"
    (line,) = counted.lines_of(task)
    return line.id


def decided(line: UUID, decision: str = "approve", minutes: float = 40, **facts: str) -> CountDecided:
    facts = {"cause": "unknown"} | facts if decision == "approve" else facts
    (answer,) = decide_counts(at("eve", minutes), requests=[DecideCount(line, decision, **facts)])  # type: ignore[arg-type]
    assert isinstance(answer, CountDecided), answer
    return answer


def standing(place: At) -> int:
    rows = sql.run(
        "SELECT quantity FROM stock_bucket WHERE sku_id = %(sku)s AND bin_id = %(bin)s AND status = %(status)s"
        " AND lot = %(lot)s AND serial = %(serial)s",
        place._asdict(),
    )
    return rows[0][0] if rows else 0


def received(house: Floor, sku: int = 0, quantity: int = 1, kind: str = "pick", **facts: object) -> None:
    where = house.nodes[0]
    request = Receive(
        COMPANY, house.skus[sku], where, house.bin(kind=kind), quantity, quantity * 100, "test", ids.uuid7(), **facts
    )  # type: ignore[arg-type]  # fmt: skip
    receive(SYSTEM, requests=[request])


def test_a_refused_count_has_seen_no_plates(house: Floor):
    house.stock(0, 10)
    plate = a_plate(house, (0, 5), kind="pick").plate
    seen = "SELECT seen_at FROM stock_plate"
    before = sql.run(seen)
    task = asked(house)
    (refused,) = enter_counts(at("ann", 10), requests=[EnterCount(task, (), plates=(plate,))])
    assert isinstance(refused, WrongState) and sql.run(seen) == before
    started(task)
    assert entered(task, Counted(house.skus[0], 10), plates=(plate,)) == "done"
    assert sql.run(seen) == [(NOW + 10 * MINUTE,)]


def test_a_plate_is_counted_after_a_short_pick_in_its_bin(house: Floor):
    house.stock(0, 10)
    plate = a_plate(house, (0, 10), kind="pick").plate
    (fulfillment,) = released(*placed(house, 1, (0, 5)))
    ((pick_task,),) = sql.run("SELECT id FROM warehouse_picktask")
    pick(SYSTEM, requests=[PickFulfillment(fulfillment, ((pick_task, 3),))])
    assert sum(holds().values()) == 7 and "researching" in {status for _, _, status in holds()}
    task = asked(house)
    started(task)
    found = plate_queries.plate_named(company=COMPANY, text=NUMBER)
    goods = tuple(
        Alike(one.sku, one.sku_code, one.units, one.lot, one.serial, one.status)
        for one in plate_queries.goods_on([plate])[plate]
    )
    bin_of = Named(found.bin, found.bin_code)
    scan = Scan(NUMBER, plate=Plate(plate, NUMBER, bin_of, goods))
    kept = tallying.scanned([], True, (), scan, bin_of)
    told = tuple(
        Counted(pile.sku, units, pile.lot, pile.serial, pile.status)
        for pile, units in tallying.piles([kept.token]).items()
    )
    assert [(one.units, one.status) for one in told] == [(7, "sellable")]
    assert entered(task, *told, plates=(plate,)) == "done"


# ---- planning


def test_the_night_plans_what_was_never_counted_and_then_what_is_due(house: Floor):
    house.stock(0, 10)
    house.stock(1, 5)
    house.stock(2, 5, kind="reserve")
    house.stock(2, 5, kind="staging")
    policy(plans={"all": Plan(30)})

    assert plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)]) == [CountsPlanned(COMPANY, 2, 3)]
    assert plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)]) == [CountsPlanned(COMPANY, 0, 0)]

    for row in counted.counts(company=COMPANY):
        goods = started(row.id).goods
        assert (
            entered(row.id, *(Counted(one.sku, 10 if one.sku == house.skus[0] else 5) for one in goods))
            == "done"
        )
    later = replace(SYSTEM, at=NOW + timedelta(days=29))
    assert plan_counts(later, requests=[PlanCounts(COMPANY)]) == [CountsPlanned(COMPANY, 0, 0)]
    later = replace(SYSTEM, at=NOW + timedelta(days=30))
    assert plan_counts(later, requests=[PlanCounts(COMPANY)]) == [CountsPlanned(COMPANY, 2, 3)]


def test_the_classes_come_from_what_was_picked(house: Floor):
    house.stock(0, 50)
    house.stock(1, 50)
    picked(*placed(house, 1, (1, 8)))
    policy(plans={"class A": Plan(30, ("A",))}, class_by="picks")
    plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)])
    (row,) = counted.counts(company=COMPANY)
    assert (row.why, row.goods) == ("class A", 1)
    assert started(row.id).goods[0].sku == house.skus[1]


def test_a_night_takes_no_more_bins_than_the_policy_says(house: Floor):
    house.stock(0, 10)
    house.stock(1, 5, kind="reserve")
    policy(plans={"all": Plan(30)}, bins_per_night=1)
    assert plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)]) == [CountsPlanned(COMPANY, 1, 1)]
    assert plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)]) == [CountsPlanned(COMPANY, 0, 0)]


def test_a_company_without_nodes_has_nothing_to_plan(house: Floor):
    assert plan_counts(SYSTEM, requests=[PlanCounts(7)]) == [NotFound(what="company with nodes", which=7)]


def test_who_asks_again_gets_the_same_count(house: Floor):
    house.stock(0, 10)
    wanted = [
        AskCount(house.bin(), house.skus[0]),
        AskCount(house.bin(), house.skus[0]),
        AskCount(ids.uuid7()),
    ]
    first, same, unknown = ask_counts(SYSTEM, requests=wanted)
    assert (first.fresh, same.task, same.fresh) == (True, first.task, False)
    assert unknown == NotFound(what="bin", which=wanted[2].bin)
    (again,) = ask_counts(SYSTEM, requests=wanted[:1])
    assert again == replace(first, fresh=False)


def test_a_count_of_the_whole_bin_counts_what_came_meanwhile(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    assert asked(house, 0) == task
    house.stock(1, 4)
    assert [one.sku for one in started(task).goods] == house.skus[:2]


def test_a_short_pick_has_its_bin_counted(house: Floor):
    house.stock(0, 10)
    (fulfillment,) = released(*placed(house, 1, (0, 5)))
    ((task,),) = sql.run("SELECT id FROM warehouse_picktask")
    pick(SYSTEM, requests=[PickFulfillment(fulfillment, ((task, 3),))])

    assert queued("count") == [task]
    serve_count(SYSTEM, [task])

    (row,) = counted.counts(company=COMPANY)
    assert (row.why, row.bin, row.goods) == ("short pick", house.bin(), 1)


def test_goods_of_one_bin_that_are_asked_for_one_after_the_other_are_counted_in_one_go(house: Floor):
    """Whoever stands before the bin does not come back for each of them."""
    place = house.bin()
    for sku in range(3):
        house.stock(sku, 10)

    def ask(*skus: int, why: str = "short pick") -> list[CountAsked]:
        return ask_counts(SYSTEM, requests=[AskCount(place, house.skus[sku], why) for sku in skus])  # type: ignore[return-value]

    (first,) = ask(0)
    (second,) = ask(1)
    assert (second.task, second.number, second.fresh) == (first.task, first.number, True)
    assert ask(1) == [CountAsked(first.task, first.number, False)], "it counts that already"
    assert ask(0, why="asked for") == [CountAsked(first.task, first.number, False)]
    (row,) = counted.counts(company=COMPANY)
    assert (row.goods, row.why) == (2, "short pick")
    start_counts(someone("ann"), requests=[StartCount(first.task)])
    (later,) = ask(2)
    assert later.task != first.task and later.fresh, "somebody is at the first"


def test_a_count_is_as_urgent_as_what_is_asked_most_urgently(house: Floor):
    place = house.bin()
    for sku in range(3):
        house.stock(sku, 10)

    def ask(*asked: tuple[int, int], cause: Cause = SYSTEM) -> list[CountAsked]:
        wanted = [AskCount(place, house.skus[sku], "short pick", priority) for sku, priority in asked]
        return ask_counts(cause, requests=wanted)  # type: ignore[return-value]

    (first,) = ask((0, 10))
    (joined,) = ask((1, 50))
    assert joined.task == first.task
    (row,) = counted.counts(company=COMPANY)
    assert row.priority == 50, "one that is not begun takes it on"
    ask((0, 99), (1, 20))
    (row,) = counted.counts(company=COMPANY)
    assert (row.priority, row.goods) == (99, 2), "of what it counts already too"
    (late,) = ask((2, 10), cause=replace(SYSTEM, at=row.due_at + MINUTE))
    assert late.task != first.task, "what is asked now is not late at once"
    other = house.bin(kind="reserve")
    ask_counts(SYSTEM, requests=[AskCount(other, priority=n) for n in (10, 90, 20)])
    assert [one.priority for one in counted.counts(company=COMPANY) if one.bin == other] == [90]


def test_a_policy_can_do_without_triggers(house: Floor):
    house.stock(0, 3)
    policy(triggers=())
    adjust(
        SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(), -5, "lost", up_to=True)]
    )
    assert counted.counts(company=COMPANY) == []


def test_a_loss_of_more_than_the_records_have_has_the_bin_counted(house: Floor):
    house.stock(0, 3)
    adjust(
        SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(), -5, "lost", up_to=True)]
    )
    (row,) = counted.counts(company=COMPANY)
    assert row.why == "negative check"


def test_empty_bins_are_looked_at_where_the_policy_says_so(house: Floor):
    """What stands in the pick bin is counted by its class; the other bins of both nodes are empty."""
    house.stock(0, 3)
    assert plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)])[0].bins == ("N1 PICK",)
    (row,) = counted.counts(company=COMPANY)
    withdraw_counts(SYSTEM, requests=[WithdrawCount(row.id, "again")])
    policy(empty_days=90, plans={})
    (first,) = plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)])
    assert (first.tasks, first.goods, set(first.bins)) == (3, 0, {"N1 RESERVE", "N2 PICK", "N2 RESERVE"})
    assert {(one.why, one.whole) for one in counted.counts(company=COMPANY)} == {("empty bin", True)}
    assert plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)]) == [CountsPlanned(COMPANY, 0, 0)], "they wait"

    reserve = next(one for one in counted.counts(company=COMPANY) if one.bin == house.bin(kind="reserve"))
    started(reserve.id)
    entered(reserve.id)
    assert plan_counts(at("ann", 60), requests=[PlanCounts(COMPANY)]) == [CountsPlanned(COMPANY, 0, 0)]
    later = replace(SYSTEM, at=NOW + timedelta(days=90))
    assert plan_counts(later, requests=[PlanCounts(COMPANY)])[0].bins == ("N1 RESERVE",)


# ---- counting


def test_nothing_that_a_counter_is_told_has_a_figure(house: Floor):
    house.stock(0, 4711)
    task = asked(house)
    told = f"{started(task)} {counted.one_count(task)} {counted.lines_of(task)} {counted.counts(company=COMPANY)}"
    assert "4711" not in told
    entered(task, Counted(house.skus[0], 1))
    assert counted.lines_of(task) == [], "it is to be counted again: not even now"


def test_what_agrees_is_done(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    assert started(task).round == 1
    assert entered(task, Counted(house.skus[0], 10)) == "done"
    (line,) = counted.lines_of(task)
    assert (line.state, line.expected, line.counted, line.posted) == ("agreed", 10, 10, 0)
    assert sql.run("SELECT count(*) FROM stock_move WHERE document_kind = 'count'") == [(0,)]


def test_a_small_difference_is_posted_as_it_is(house: Floor):
    house.stock(0, 100)
    task = asked(house)
    started(task)
    assert entered(task, Counted(house.skus[0], 98)) == "done"
    assert standing(house.at()) == 98
    (line,) = counted.lines_of(task)
    assert (line.state, line.posted, line.cause, line.value_minor) == ("posted", -2, "within tolerance", 200)


def test_a_large_difference_is_counted_again_by_another_and_approved_by_a_third(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    started(task)
    assert entered(task, Counted(house.skus[0], 6)) == "recount"
    assert start_counts(at("ann", 11), requests=[StartCount(task)]) == [
        errors.CountedBefore(count=counted.one_count(task).number, person="ann")
    ]
    started(task, "bob", 20)
    assert entered(task, Counted(house.skus[0], 7), person="bob", minutes=30) == "waiting"
    assert standing(house.at()) == 10, "nothing is posted before it is approved"
    (line,) = counted.differences(company=COMPANY)
    assert (line.expected, line.counted, line.first_counted, line.counted_by) == (10, 7, 6, "bob")
    (item,) = [one for one in work.items(company=COMPANY) if one.type == "count difference"]

    for person in ("ann", "bob"):
        (answer,) = decide_counts(at(person, 40), requests=[DecideCount(line.id, "approve", "stolen")])
        assert isinstance(answer, DutiesApart)
    with pytest.raises(psycopg.IntegrityError, match="must have taken the duty"), transaction.atomic():
        sql.run("UPDATE warehouse_countline SET decided_by = 'ann' RETURNING 1")  # who counted first
    assert "approve" not in {one.side for one in duties_of(task)}
    assert decided(line.id, cause="stolen") == CountDecided(line.id, "posted", -3)

    assert standing(house.at()) == 7
    assert counted.one_count(task).state == "done"
    ((reason, place),) = sql.run("SELECT reason, to_place FROM stock_move WHERE document_kind = 'count'")
    assert (reason, place) == ("stolen", "adjustment")
    assert sql.run("SELECT state FROM work_item WHERE id = %(id)s", {"id": item.id}) == [("done",)]


def test_a_first_count_that_was_wrong_changes_nothing(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    started(task)
    entered(task, Counted(house.skus[0], 6))
    started(task, "bob", 20)
    assert entered(task, Counted(house.skus[0], 10), person="bob", minutes=30) == "done"
    (line,) = counted.lines_of(task)
    assert (line.state, line.first_counted, line.posted) == ("agreed", 6, 0)


def test_a_difference_may_be_rejected_or_counted_once_more(house: Floor):
    house.stock(0, 10)
    line = counted_twice(house, 6)
    (answer,) = decide_counts(at("eve", 40), requests=[DecideCount(line, "reject")])
    assert answer == Invalid(field="note", expected="why stock stays as it is", found="nothing")
    assert decided(line, "recount").state == "recount"
    ((task,),) = sql.run("SELECT task_id FROM warehouse_countline")
    started(task, "dan", 50)
    assert entered(task, Counted(house.skus[0], 5), person="dan", minutes=60) == "waiting"
    assert decided(line, "reject", 70, note="the pallet stands in the aisle").state == "rejected"
    assert (standing(house.at()), counted.one_count(task).state) == (10, "done")


def test_what_can_not_be_decided_is_refused(house: Floor):
    house.stock(0, 10)
    line = counted_twice(house, 6)
    nowhere = ids.uuid7()
    wanted = [
        DecideCount(nowhere, "approve", "stolen"), DecideCount(line, "approve", "aliens"),
        DecideCount(line, "maybe"), DecideCount(line, "approve", "stolen"), DecideCount(line, "reject", note="no"),
    ]  # type: ignore[arg-type]  # fmt: skip
    unknown, cause, decision, good, twice = decide_counts(at("eve", 40), requests=wanted)
    assert unknown == NotFound(what="counted line", which=nowhere)
    assert (cause.facts["field"], decision.facts["field"]) == ("cause", "decision")
    assert good.posted == -4
    assert isinstance(twice, WrongState)


def test_promises_that_break_are_open_again(house: Floor):
    house.stock(0, 10)
    (order,) = placed(house, 1, (0, 8))
    allocated(order)
    assert decided(counted_twice(house, 5)).posted == -5
    (where,) = sql.run("SELECT open, allocated FROM orders_line")
    assert where == (3, 5)
    assert queued("allocate") == [order]


def test_what_picks_claim_is_left_to_the_pickers(house: Floor):
    house.stock(0, 10)
    released(*placed(house, 1, (0, 8)))
    assert decided(counted_twice(house, 3)) == CountDecided(decided_line(), "posted", -2, 5)
    assert standing(house.at()) == 8


def decided_line() -> UUID:
    return sql.run("SELECT id FROM warehouse_countline")[0][0]


# ---- movement


def test_a_pick_between_start_and_entry_is_no_difference(house: Floor):
    """Counted before the pick, reported after it; and the other way round."""
    for occurred, units in ((2, 10), (6, 7)):
        house.stock(0, 10 - standing(house.at()))
        (fulfillment,) = released(*placed(house, 1, (0, 3)))
        task = asked(house, 0)
        started(task, minutes=1)
        pick(at("pia", 4), requests=[PickFulfillment(fulfillment)])
        assert entered(task, Counted(house.skus[0], units), occurred_at=NOW + occurred * MINUTE) == "done"
        (line,) = counted.lines_of(task)
        assert (line.state, line.expected) == ("agreed", units)


def test_each_of_several_goods_has_the_moment_when_it_was_counted(house: Floor):
    """One of them is moved while the others are counted still."""
    house.stock(0, 10)
    house.stock(1, 5)
    task = asked(house)
    started(task)
    put_away(
        at("pia", 4), requests=[PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 3)]
    )
    before = Counted(house.skus[0], 10, occurred_at=NOW + 2 * MINUTE)
    to_come = replace(before, occurred_at=NOW + 11 * MINUTE)
    (refused,) = enter_counts(
        at("ann", 10), requests=[EnterCount(task, (to_come, Counted(house.skus[1], 5)))]
    )
    assert isinstance(refused, Invalid)
    assert entered(task, before, Counted(house.skus[1], 5)) == "done"
    assert {(line.expected, line.state) for line in counted.lines_of(task)} == {(10, "agreed"), (5, "agreed")}
    assert standing(house.at()) == 7


def test_a_scan_of_before_the_count_began_has_the_moment_of_all_the_rest(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    started(task)
    put_away(
        at("pia", 4), requests=[PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 3)]
    )
    assert entered(task, Counted(house.skus[0], 7, occurred_at=NOW - MINUTE)) == "done"
    assert {(line.expected, line.state) for line in counted.lines_of(task)} == {(7, "agreed")}


def test_what_moves_between_counting_and_approval_stays_moved(house: Floor):
    house.stock(0, 10)
    line = counted_twice(house, 6)  # at half past nine
    put_away(
        at("pia", 35), requests=[PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 5)]
    )
    assert decided(line).posted == -4
    assert standing(house.at()) == 1
    assert standing(house.at(kind="reserve")) == 5


def test_a_move_that_is_reported_late_explains_the_difference(house: Floor):
    house.stock(0, 10)
    line = counted_twice(house, 6)
    late = PutAway(
        COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 4, occurred_at=NOW + 15 * MINUTE
    )
    put_away(at("pia", 35), requests=[late])
    assert decided(line) == CountDecided(line, "agreed", 0)
    assert standing(house.at()) == 6


def test_two_counts_of_the_same_loss_post_it_once(house: Floor):
    house.stock(0, 10)
    first, second = counted_twice(house, 6), counted_twice(house, 6)
    assert (decided(first).posted, decided(second).state) == (-4, "agreed")
    assert standing(house.at()) == 6


def test_a_correction_since_the_count_wants_another_count(house: Floor):
    house.stock(0, 10)
    line = counted_twice(house, 6)
    loss = Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(), -4, "lost")
    adjust(at("pia", 35), requests=[loss])
    (answer,) = decide_counts(at("eve", 40), requests=[DecideCount(line, "approve", "stolen")])
    assert isinstance(answer, CorrectedSince)
    task = sql.run("SELECT task_id FROM warehouse_countline WHERE id = %(id)s", {"id": line})[0][0]
    assert "approve" not in {one.side for one in duties_of(task)}, "who is refused has decided nothing"
    assert decided(line, "recount").state == "recount"


def test_what_was_looked_for_is_found_where_it_should_be(house: Floor):
    house.stock(0, 10)
    (fulfillment,) = released(*placed(house, 1, (0, 5)))
    ((pick_task,),) = sql.run("SELECT id FROM warehouse_picktask")
    house.stock(1, 1)
    pick(SYSTEM, requests=[PickFulfillment(fulfillment, ((pick_task, 3),))])
    again = sql.run("SELECT fulfillment_id FROM warehouse_picktask WHERE state = 'open'")
    pick(SYSTEM, requests=[PickFulfillment(one) for (one,) in again])
    assert standing(house.at(status="researching")) == 2
    task = asked(house, 0)
    started(task, minutes=5)
    assert entered(task, Counted(house.skus[0], 5)) == "done"
    assert (standing(house.at(status="researching")), standing(house.at())) == (0, 5)


def test_a_count_that_frees_what_pickers_missed_is_not_withdrawn(house: Floor):
    house.stock(0, 10)
    house.stock(1, 5)
    (fulfillment,) = released(*placed(house, 1, (0, 5)))
    ((pick_task,),) = sql.run("SELECT id FROM warehouse_picktask")
    pick(SYSTEM, requests=[PickFulfillment(fulfillment, ((pick_task, 3),))])
    again = sql.run("SELECT fulfillment_id FROM warehouse_picktask WHERE state = 'open'")
    pick(SYSTEM, requests=[PickFulfillment(one) for (one,) in again])
    assert standing(house.at(status="researching")) == 2
    task = asked(house, 0)
    spot = AskCount(house.bin(), house.skus[1], "spot check")
    other, whole = ask_counts(SYSTEM, requests=[spot])[0].task, asked(house)
    number = counted.one_count(task).number
    refused = withdrawn(task)
    assert refused == errors.HeldBack(count=number, bin="PICK", units=2)
    assert isinstance(withdrawn(whole), errors.HeldBack)
    assert isinstance(withdrawn(other), CountWithdrawn), "its goods are for sale"
    started(task, minutes=55)
    assert entered(task, Counted(house.skus[0], 5), minutes=60) == "done"
    assert isinstance(withdrawn(whole, minutes=65), CountWithdrawn)


@pytest.mark.parametrize("seed", range(6))
def test_however_goods_move_around_a_count_the_records_become_what_is_there(house: Floor, seed: int):
    """Units come and go before, between and after start, counting and approval, some reported late; some units are
    really gone. In the end the bin has by the records what is in it."""
    chance = random.Random(seed)
    truth = 60 - chance.randint(1, 9)  # what is really in the bin
    house.stock(0, 60)
    house.stock(0, 50, kind="reserve")
    policy(tolerance_units=0)
    minutes = chance.sample(range(100), 15)
    begun, counted_at, approved = sorted(minutes[:3])
    late: list[PutAway] = []
    task = asked(house, 0)

    def move(minute: int) -> int:
        """Units go out of the bin or come in; some moves are reported only before the approval."""
        units = chance.choice((-4, -2, -1, 1, 3))
        ends = (house.bin(), house.bin(kind="reserve"))
        one = PutAway(COMPANY, house.skus[0], *ends[:: -1 if units > 0 else 1], abs(units))
        one = replace(one, occurred_at=NOW + minute * MINUTE)
        if chance.random() < 0.3 and minute < approved:
            late.append(one)
        else:
            put_away(at("pia", minute), requests=[one])
        return units

    for minute in range(100):
        if minute == begun:
            started(task, minutes=minute)
        if minute == counted_at:
            entered(task, Counted(house.skus[0], truth), minutes=minute)
            started(task, "bob", minute)
            entered(task, Counted(house.skus[0], truth), person="bob", minutes=minute)
        if minute == approved:
            put_away(at("pia", minute), requests=late)
            decided(counted.differences(company=COMPANY)[0].id, minutes=minute)
        if minute in minutes[3:]:
            truth += move(minute)
    assert standing(house.at()) == truth


# ---- goods that nobody expected


def test_goods_that_nobody_expected_are_a_difference_like_any_other(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    started(task)
    assert entered(task, Counted(house.skus[0], 10), Counted(house.skus[1], 3)) == "recount"
    started(task, "bob", 20)
    assert entered(task, Counted(house.skus[1], 3), person="bob", minutes=30) == "waiting"
    (line,) = counted.differences(company=COMPANY)
    assert (line.surplus, line.expected, line.counted) == (True, 0, 3)
    (waiting,) = placed(house, 1, (1, 2))
    allocated(waiting)
    assert decided(line.id, cause="put away wrong").posted == 3
    freed_is_offered()
    assert queued("allocate") == [waiting], "what is found goes to who waits for it"
    assert standing(house.at(1)) == 3


def test_a_lot_that_nobody_expected_keeps_its_day(house: Floor):
    (sku,) = register_skus(SYSTEM, requests=[RegisterSku(COMPANY, "MILK", "Milk", lot_policy="lot_expiry")])
    house.skus.append(sku.id)
    task = asked(house)
    started(task)
    wanted = EnterCount(task, (Counted(sku.id, 2),))
    (refused,) = enter_counts(at("ann", 10), requests=[wanted])
    assert refused == Invalid(field="lot", expected="the lot, since the SKU is kept by lot", found="none")
    day = NOW.date() + timedelta(days=9)
    assert entered(task, Counted(sku.id, 2, "L7", expires_on=day)) == "recount"
    started(task, "bob", 20)
    entered(task, Counted(sku.id, 2, "L7", expires_on=day), person="bob", minutes=30)
    decided(counted.differences(company=COMPANY)[0].id)
    assert sql.run("SELECT lot, quantity, expires_on FROM stock_bucket") == [("L7", 2, day)]


def test_each_serial_is_counted_for_itself(house: Floor):
    for serial in ("S1", "S2"):
        received(house, serial=serial)
    task = asked(house)
    (goods,) = started(task).goods
    assert (goods.by_serial, goods.serial) == (True, "")
    assert (
        entered(task, Counted(house.skus[0], 1, serial="S1"), Counted(house.skus[0], 1, serial="S3"))
        == "recount"
    )
    again = started(task, "bob", 20).goods
    assert [one.serial for one in again] == ["S2", "S3"]
    goods = [Counted(house.skus[0], units, serial=serial) for serial, units in (("S2", 0), ("S3", 1))]
    assert entered(task, *goods, person="bob", minutes=30) == "waiting"
    posted = {line.serial: decided(line.id).posted for line in counted.differences(company=COMPANY)}
    assert posted == {"S2": -1, "S3": 1}


def test_a_serial_that_stands_elsewhere_is_looked_at_by_a_person(house: Floor):
    received(house, serial="S1")
    task = asked(house, kind="reserve")
    started(task)
    assert entered(task, Counted(house.skus[0], 1, serial="S1")) == "waiting"
    (line,) = counted.differences(company=COMPANY)
    assert line.why_unsure == "the serial stands in PICK by the records"
    (answer,) = decide_counts(at("eve", 40), requests=[DecideCount(line.id, "approve", "put away wrong")])
    assert isinstance(answer, SerialElsewhere)
    move = PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 1, serial="S1")
    put_away(at("pia", 45), requests=[replace(move, occurred_at=NOW)])
    assert decided(line.id, minutes=50, cause="put away wrong").state == "agreed"


def test_a_serial_that_two_counts_find_at_once_stands_in_one_bin(house: Floor):
    tasks = [asked(house, kind=kind) for kind in ("pick", "reserve")]
    for task in tasks:
        started(task)
    said = (Counted(house.skus[0], 1, serial="S1"),)
    answers = enter_counts(at("ann", 10), requests=[EnterCount(task, said) for task in tasks])
    assert [one.state for one in answers] == ["recount", "waiting"]
    (line,) = counted.differences(company=COMPANY)
    assert line.why_unsure == "the serial stands in PICK by the records"
    posts = [
        PostCount(
            COMPANY, house.skus[1], house.nodes[0], house.bin(kind=kind), 1, NOW, 10**9, ids.uuid7(), "found",
            serial="S2",
        )
        for kind in ("pick", "reserve")
    ]  # fmt: skip
    posted, refused = count(SYSTEM, requests=posts)
    assert (posted.posted, type(refused)) == (1, SerialElsewhere)


def test_what_no_scan_tells_becomes_a_work_item(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    started(task)
    assert entered(task, Counted(house.skus[0], 10), unknown=(("4006381333931", 2),)) == "done"
    (item,) = work.items(company=COMPANY)
    assert item.type == "unknown goods"
    assert "2 of '4006381333931'" in item.reason


def test_what_can_not_be_a_count_is_refused_and_changes_nothing(house: Floor):
    house.stock(0, 10)
    task, sku = asked(house), house.skus[0]
    before = EnterCount(task, (Counted(sku, 10),))
    assert isinstance(enter_counts(at("ann", 1), requests=[before])[0], WrongState)
    started(task)
    nowhere = ids.uuid7()

    def refused(*goods: Counted, person: str = "ann", **facts: object) -> object:
        (answer,) = enter_counts(at(person, 10), requests=[EnterCount(task, goods, **facts)])  # type: ignore[arg-type]
        return answer

    number = counted.one_count(task).number
    assert refused(Counted(sku, 10), person="bob") == errors.CountOfAnother(count=number, counter="ann")
    assert refused() == errors.NotCounted(count=number, missing=str(sku))
    assert refused(Counted(sku, -1)).facts["field"] == "units"
    assert refused(Counted(sku, 2, serial="S")).facts["field"] == "units"
    assert refused(Counted(nowhere, 1), Counted(sku, 1)).facts["field"] == "counted"
    assert refused(Counted(sku, 1, status="researching")).facts["field"] == "counted"
    assert refused(Counted(sku, 1), Counted(sku, 1)).facts["field"] == "counted"
    assert refused(Counted(sku, 1), unknown=(("", 1),)).facts["field"] == "unknown"
    for moment in (NOW - MINUTE, NOW + 11 * MINUTE):
        assert refused(Counted(sku, 10), occurred_at=moment).facts["field"] == "occurred_at"
    assert enter_counts(SYSTEM, requests=[EnterCount(nowhere, ())]) == [NotFound(what="count", which=nowhere)]
    assert start_counts(SYSTEM, requests=[StartCount(nowhere)]) == [NotFound(what="count", which=nowhere)]
    assert counted.one_count(task).state == "counting"


def test_a_count_that_somebody_left_is_begun_anew(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    started(task)
    assert started(task, "bob", 5).round == 1
    assert entered(task, Counted(house.skus[0], 10), person="bob") == "done"
    (answer,) = start_counts(at("dan", 20), requests=[StartCount(task)])
    assert isinstance(answer, WrongState)


def test_whoever_began_a_count_and_left_it_counts_it_again_where_it_differs(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    started(task)
    started(task, "bob", 5)
    assert entered(task, Counted(house.skus[0], 6), person="bob") == "recount"
    assert started(task, "cat", 11).round == 2
    (answer,) = start_counts(at("bob", 12), requests=[StartCount(task)])
    assert answer == errors.CountedBefore(count=counted.one_count(task).number, person="bob")
    assert started(task, "ann", 13).round == 2
    assert entered(task, Counted(house.skus[0], 7), minutes=20) == "waiting"
    (line,) = counted.differences(company=COMPANY)
    for person in ("bob", "ann"):
        (answer,) = decide_counts(at(person, 40), requests=[DecideCount(line.id, "approve", "stolen")])
        assert isinstance(answer, DutiesApart)
    (answer,) = decide_counts(at("cat", 40), requests=[DecideCount(line.id, "approve", "stolen")])
    assert isinstance(answer, CountDecided)


def test_the_same_key_gets_the_first_answer(house: Floor):
    house.stock(0, 100)
    task = asked(house)
    started(task)
    wanted = EnterCount(task, (Counted(house.skus[0], 98),), key="k")
    first = enter_counts(at("ann", 10), requests=[wanted])
    assert enter_counts(at("ann", 12), requests=[wanted]) == first
    assert standing(house.at()) == 98
    line = counted_twice(house, 60)
    decision = DecideCount(line, "approve", "stolen", key="d")
    first = decide_counts(at("eve", 40), requests=[decision])
    assert decide_counts(at("eve", 41), requests=[decision]) == first
    asking = AskCount(house.bin(), key="a")
    assert ask_counts(SYSTEM, requests=[asking]) == ask_counts(SYSTEM, requests=[asking])


# ---- withdrawn


def withdrawn(
    task: UUID, person: str = "eve", minutes: float = 50, reason: str = "cleared", key: str | None = None
):
    (answer,) = withdraw_counts(at(person, minutes), requests=[WithdrawCount(task, reason, key)])
    return answer


def test_an_open_count_is_withdrawn_with_a_reason_and_nothing_moves(house: Floor):
    house.stock(0, 10)
    task = asked(house, 0)
    number = counted.one_count(task).number
    refused = withdrawn(task, reason=" ")
    assert isinstance(refused, Invalid) and refused.facts["field"] == "reason"
    assert withdrawn(task, key="w") == CountWithdrawn(task, number, 1) == withdrawn(task, key="w")
    again = withdrawn(task)
    assert isinstance(again, WrongState) and again.facts["found"] == "withdrawn"
    assert withdrawn(ids.uuid7()) == NotFound(what="count", which=ANY)
    assert standing(house.at()) == 10
    assert counted.to_count([task]) == {} and counted.lines_of(task) == []
    assert counted.counts(company=COMPANY) == []
    (row,) = counted.counts(company=COMPANY, done=True)
    assert (row.state, row.counter) == ("withdrawn", "")
    (event,) = [one for one in kernel.timeline(subjects=[task]) if one.command == "warehouse.withdraw_counts"]
    assert (event.actor, event.before, event.after, event.reason) == ("eve", "open", "withdrawn", "cleared")
    assert asked(house, 0) != task, "its goods can be asked for again"


def test_who_counts_what_is_withdrawn_meanwhile_is_refused(house: Floor):
    house.stock(0, 10)
    task = asked(house)
    started(task)
    assert isinstance(withdrawn(task, "ann", 5), CountWithdrawn), "begun by mistake, by oneself"
    (late,) = enter_counts(at("ann", 10), requests=[EnterCount(task, (Counted(house.skus[0], 3),))])
    number = counted.one_count(task).number
    assert late == errors.CountWithdrawn(count=number, bin="PICK")
    (begun,) = start_counts(at("bob", 11), requests=[StartCount(task)])
    assert isinstance(begun, WrongState)
    assert standing(house.at()) == 10


def test_a_difference_is_not_withdrawn_by_who_counted_it_nor_while_it_waits_for_a_decision(house: Floor):
    house.stock(0, 100)
    task = asked(house, 0)
    started(task)
    assert entered(task, Counted(house.skus[0], 60)) == "recount"
    apart = withdrawn(task, "ann")
    assert isinstance(apart, DutiesApart)
    started(task, "bob", 20)
    assert isinstance(withdrawn(task, "bob"), DutiesApart), "he recounts it"
    assert entered(task, Counted(house.skus[0], 60), person="bob", minutes=30) == "waiting"
    waits = withdrawn(task)
    assert isinstance(waits, WrongState) and waits.facts["found"] == "waiting"
    (line,) = counted.lines_of(task)
    decided(line.id, "recount")
    assert withdrawn(task).goods == 1
    assert standing(house.at()) == 100
    (line,) = counted.lines_of(task)
    assert (line.state, line.expected, line.counted) == ("withdrawn", 100, 60)
    span = {"company": COMPANY, "since": NOW, "until": NOW + timedelta(days=1)}
    assert counted.accuracy(**span, by="node") == []


def test_what_agreed_of_a_count_stays_when_the_rest_is_withdrawn(house: Floor):
    house.stock(0, 100)
    house.stock(1, 20)
    task = asked(house)
    started(task)
    assert entered(task, Counted(house.skus[0], 60), Counted(house.skus[1], 20)) == "recount"
    assert withdrawn(task).goods == 1
    assert {one.state for one in counted.lines_of(task)} == {"agreed", "withdrawn"}
    assert queries.discrepancies() == []


@pytest.mark.parametrize("is_begun", [False, True])
def test_what_waits_for_a_decision_keeps_its_count_though_the_rest_is_counted_again(
    house: Floor, is_begun: bool
):
    house.stock(0, 100)
    received(house, 1, serial="S-1", kind="reserve")
    task = asked(house, 0)
    started(task)
    goods = (Counted(house.skus[0], 60), Counted(house.skus[1], 1, serial="S-1"))
    assert entered(task, *goods) == "recount"
    if is_begun:
        started(task, "bob", 20)
    lines = dict(sql.run("SELECT state, id FROM warehouse_countline"))
    assert set(lines) == {"recount", "waiting"}
    state = counted.one_count(task).state

    waits = withdrawn(task)

    assert isinstance(waits, WrongState) and waits.facts["found"] == "waiting"
    assert dict(sql.run("SELECT state, id FROM warehouse_countline")) == lines
    assert counted.one_count(task).state == state == ("counting" if is_begun else "recount")
    assert queries.discrepancies() == []
    decided(lines["waiting"], "reject", note="it stands in reserve")
    assert withdrawn(task).goods == 1
    assert queries.discrepancies() == []


def test_nothing_of_a_count_that_is_over_is_decided(house: Floor):
    house.stock(0, 100)
    line = counted_twice(house, 60)
    with transaction.atomic():
        sql.change("UPDATE warehouse_counttask SET state = 'withdrawn'", {})
        (late,) = decide_counts(at("eve", 40), requests=[DecideCount(line, "approve", "unknown")])
        transaction.set_rollback(True)
    assert isinstance(late, WrongState) and late.facts["found"] == "withdrawn"
    assert standing(house.at()) == 100


# ---- accuracy


def test_accuracy_by_place_class_reason_and_cause(house: Floor):
    house.stock(0, 10)
    house.stock(1, 20)
    decided(counted_twice(house, 6), cause="stolen")
    task = asked(house)
    started(task)
    entered(task, Counted(house.skus[0], 6), Counted(house.skus[1], 20))
    span = {"company": COMPANY, "since": NOW, "until": NOW + timedelta(days=1)}

    (place,) = counted.accuracy(**span, by="bin")
    assert (place.name, place.records, place.right, place.expected) == ("N1 PICK", 3, 2, 36)
    assert (place.short, place.over, place.value_minor) == (4, 0, 400)
    assert place.signed == -4 / 36
    assert [one.name for one in counted.accuracy(**span, by="class")] == ["C"]
    assert [one.name for one in counted.accuracy(**span, by="why")] == ["asked for"]
    assert [(one.name, one.records) for one in counted.accuracy(**span, by="cause")] == [("stolen", 1)]
    assert [one.name for one in counted.accuracy(**span, by="zone")] == ["N1 –"]
    assert [one.records for one in counted.accuracy(**span, by="node")] == [3]
    (day,) = counted.accuracy_by_day(**span, zone="Europe/London")
    assert (day.name, day.records) == ("2026-11-23", 3)
    assert queries.discrepancies() == []


# ---- stock.count by itself


def test_stock_refuses_what_can_not_be(house: Floor):
    house.stock(0, 10)
    good = PostCount(COMPANY, house.skus[0], house.nodes[0], house.bin(), 9, NOW, 10**9, ids.uuid7(), "lost")
    negative, twice, unreasoned = count(
        SYSTEM, requests=[replace(good, counted=-1), good, replace(good, reason="")]
    )
    assert isinstance(negative, NotPlaceable)
    assert isinstance(twice, CountPosted)
    assert isinstance(unreasoned, NotPlaceable)
    assert standing(house.at()) == 9


# ---- statements


def _many(house: Floor, number: int) -> list[UUID]:
    """Bins with 10 units of a SKU each."""
    codes = [f"M{number}-{i}" for i in range(number)]
    bins = [
        one.id
        for one in network.register_bins(
            SYSTEM, requests=[network.RegisterBin(COMPANY, house.nodes[0], code, "pick") for code in codes]
        )
    ]
    receipts = [
        Receive(COMPANY, house.skus[0], house.nodes[0], one, 10, 1000, "test", ids.uuid7()) for one in bins
    ]
    receive(SYSTEM, requests=receipts)
    return bins


@pytest.mark.counts(
    "warehouse.ask_counts",
    "warehouse.start_counts",
    "warehouse.enter_counts",
    "warehouse.decide_counts",
    "warehouse.withdraw_counts",
    "stock.count",
)
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    names = ("ask", "start", "enter", "start again", "enter again", "decide", "count", "withdraw")
    sizes: dict[str, list[int]] = {name: [] for name in names}

    def run(name: str, command: object, cause: Cause, requests: Sequence[object]) -> list[object]:
        with statements() as ran:
            answers = command(cause, requests=requests)  # type: ignore[operator]
        sizes[name].append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        return answers

    for number in SIZES:
        bins = _many(house, number)
        tasks = [one.task for one in run("ask", ask_counts, SYSTEM, [AskCount(one) for one in bins])]
        run("start", start_counts, at("ann", 0), [StartCount(one) for one in tasks])
        said = [EnterCount(one, (Counted(house.skus[0], 8),)) for one in tasks]
        run("enter", enter_counts, at("ann", 10), said)
        run("start again", start_counts, at("bob", 20), [StartCount(one) for one in tasks])
        run("enter again", enter_counts, at("bob", 30), said)
        lines = [one.id for one in counted.differences(company=COMPANY, limit=2000)]
        assert len(lines) == number
        run("decide", decide_counts, at("eve", 40), [DecideCount(one, "approve", "stolen") for one in lines])
        posts = [
            PostCount(
                COMPANY, house.skus[0], house.nodes[0], one, 7, NOW + 50 * MINUTE, 10**9, ids.uuid7(), "lost"
            )
            for one in bins
        ]
        run("count", count, SYSTEM, posts)
        again = [one.task for one in ask_counts(SYSTEM, requests=[AskCount(one) for one in bins])]
        start_counts(at("ann", 60), requests=[StartCount(one) for one in again])
        said = [EnterCount(one, (Counted(house.skus[0], 1),)) for one in again]
        enter_counts(at("ann", 61), requests=said)
        run("withdraw", withdraw_counts, at("eve", 62), [WithdrawCount(one, "x") for one in again])
        assert standing(house.at()._replace(bin=bins[-1])) == 7
    assert all(len(set(found)) == 1 for found in sizes.values()), sizes


@pytest.mark.counts("warehouse.plan_counts")
def test_planning_takes_as_many_statements_for_many(house: Floor, statements):
    found = []
    for sku, number in enumerate(SIZES):
        house.stock(sku, 10)
        with statements() as ran:
            plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)] * number)
        found.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(found)) == 1
