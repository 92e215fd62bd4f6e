"""warehouse.fit_standards: how long work took, how long it should, and what of the backlog misses its cut-off"""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.carriage.commands.set_cut_offs import set_cut_offs as set_carrier_cut_offs
from entrepot.carriage.rules import SetCarrierCutOff
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.network.commands import register as network
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing import queries as purchasing
from entrepot.purchasing.commands.confirm import ConfirmOrder, confirm
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.take_notices import TakeNotice, take_notices
from entrepot.warehouse import labor, queries, task_times
from entrepot.warehouse.commands.fit_standards import FitStandards, StandardsFitted, fit_standards
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.pick_lists import PickList, TakeList, pick_lists, take_lists
from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.totes import SortStop, sort_stops
from entrepot.warehouse.waves import Times, Waves, pick_seconds
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import SIZES
from tests.walk import a_house, allocated, placed, released
from tests.waves import gathers, laid_out, on_lists

pytestmark = pytest.mark.django_db
END = NOW + timedelta(hours=12)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    return house


def at(person: str, seconds: float) -> Cause:
    return replace(someone(person), at=NOW + timedelta(seconds=seconds))


def told() -> list[tuple[str, str, float, int, int]]:
    found = task_times.observed(company=COMPANY, since=NOW, until=END, idle_max_s=1800)
    return [(one.step, one.person, one.seconds, one.lines, one.units) for one in reversed(found)]


def put(house: Floor, person: str, seconds: float, units: int = 1, **facts: object) -> None:
    move = PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), units, **facts)  # type: ignore[arg-type]
    put_away(at(person, seconds), requests=[move])


def packed_every(house: Floor, seconds: int, count: int) -> None:
    """Orders that one person packs, each so long after the one before."""
    orders = placed(house, count, (0, 1))
    fulfillments: list[UUID] = released(*orders)
    pick(SYSTEM, requests=[PickFulfillment(one) for one in fulfillments])
    put(house, "pat", 0)
    for n, one in enumerate(fulfillments, 1):
        pack(at("pat", n * seconds), requests=[PackFulfillment(one)])


def test_a_task_lasts_from_the_report_before(house: Floor):
    put(house, "pia", 0)
    put(house, "pia", 60, units=4)
    put(house, "ann", 70)
    put(house, "pia", 100)
    assert told() == [("put_away", "pia", 60, 1, 4), ("put_away", "pia", 40, 1, 1)]


def test_a_pause_is_no_work_and_the_system_is_nobody(house: Floor):
    put(house, "pia", 0)
    put(house, "pia", 1801)
    put(house, "system:importer", 10)
    put(house, "system:importer", 20)
    assert told() == []


def test_a_list_lasts_from_its_taking_and_has_its_way(house: Floor):
    gathers()
    laid_out(house)
    (found,) = on_lists(house, 3, (0, 2)).lists
    take_lists(at("pia", 100), requests=[TakeList(found)])
    pick_lists(at("pia", 400), requests=[PickList(found)])
    assert told() == [("pick", "pia", 300, 3, 6)]
    (one,) = task_times.observed(company=COMPANY, since=NOW, until=END, idle_max_s=1800)
    assert (one.node, one.meters) == ("N1", 16)


def walks(person: str, pick_list: UUID, begins: float, each: float, stops: slice = slice(None)) -> None:
    """A list, stop by stop as a scanner reports it."""
    for n, stop in enumerate(queries.list_stops(pick_list)[stops], 1):
        wanted = PickFulfillment(stop.fulfillment, picker=person, tasks=(stop.task,), pick_list=pick_list)
        (done,) = pick(at(person, begins + n * each), requests=[wanted])
        assert not isinstance(done, Refused), done


def test_a_list_that_is_reported_stop_by_stop_is_one_task(house: Floor):
    """Else each stop would count for all of its order, and the way of the list for none."""
    gathers()
    laid_out(house)
    house.stock(1, 50)
    (found,) = on_lists(house, 2, (0, 2), (1, 1)).lists
    take_lists(at("pia", 100), requests=[TakeList(found)])
    walks("pia", found, 100, 30)
    assert told() == [("pick", "pia", 120, 4, 6)]
    (one,) = task_times.observed(company=COMPANY, since=NOW, until=END, idle_max_s=1800)
    assert (one.meters, one.documents) == (16, 1)
    (row,) = task_times.throughput(company=COMPANY, since=NOW, until=END)
    assert (row.tasks, row.lines, row.units, row.seconds, row.profile) == (1, 4, 6, 120, "several lines")


def test_what_was_scanned_of_a_list_counts_once_where_the_rest_is_reported_whole(house: Floor):
    gathers()
    laid_out(house)
    (found,) = on_lists(house, 4, (0, 1)).lists
    take_lists(at("pia", 100), requests=[TakeList(found)])
    walks("pia", found, 100, 30, slice(0, 3))
    pick_lists(at("pia", 220), requests=[PickList(found)])
    assert told() == [("pick", "pia", 120, 4, 4)]
    (one,) = task_times.observed(company=COMPANY, since=NOW, until=END, idle_max_s=1800)
    assert (one.meters, one.documents) == (16, 1)


def test_what_is_done_in_between_makes_two_tasks_of_a_list(house: Floor):
    gathers()
    laid_out(house)
    (found,) = on_lists(house, 4, (0, 1)).lists
    take_lists(at("pia", 100), requests=[TakeList(found)])
    walks("pia", found, 100, 30, slice(0, 2))
    put(house, "pia", 200)
    walks("pia", found, 200, 10, slice(2, 4))
    assert told() == [("pick", "pia", 60, 2, 2), ("put_away", "pia", 40, 1, 1), ("pick", "pia", 20, 2, 2)]


def test_an_order_without_a_list_is_one_task_too(house: Floor):
    house.stock(1, 50)
    put(house, "pia", 0)
    (one,) = released(*placed(house, 1, (0, 2), (1, 3)))
    tasks = [task.id for task in queries.tasks([one])]
    for n, task in enumerate(tasks, 1):
        pick(at("pia", n * 20), requests=[PickFulfillment(one, picker="pia", tasks=(task,))])
    assert told() == [("pick", "pia", 40, 2, 5)]


def test_moving_filling_a_face_and_sorting_are_steps_of_their_own(house: Floor):
    gathers()
    laid_out(house)
    (found,) = on_lists(house, 2, (0, 2)).lists
    pick_lists(SYSTEM, requests=[PickList(found)])
    put(house, "pia", 0)
    put(house, "pia", 20, why="move")
    put(house, "pia", 50, units=3, why="replenish")
    for n, stop in enumerate(queries.list_stops(found), 1):
        sort_stops(at("pia", 50 + 15 * n), requests=[SortStop(stop.task, f"W-{n}")])
    assert told() == [("move", "pia", 20, 1, 1), ("replenish", "pia", 30, 1, 3), ("sort", "pia", 30, 2, 4)]


def test_all_tasks_are_summed_and_standards_are_of_the_latest(house: Floor):
    for n in range(30):
        put(house, "pia", n * 10)
    found = task_times.observed(company=COMPANY, since=NOW, until=END, idle_max_s=1800, limit=5)
    assert [one.finished_at for one in found] == [NOW + timedelta(seconds=10 * n) for n in range(29, 24, -1)]
    rows = task_times.throughput(company=COMPANY, since=NOW, until=END)
    assert sum(row.tasks for row in rows) == 29


def test_standards_are_fitted_from_enough_tasks(house: Floor):
    packed_every(house, 75, labor.TASKS_MIN)
    cause = replace(SYSTEM, at=END)
    assert fit_standards(cause, requests=[FitStandards(COMPANY)]) == [
        StandardsFitted(COMPANY, 1, labor.TASKS_MIN)
    ]
    (row,) = task_times.standards(company=COMPANY)
    assert (row.node_code, row.step, round(row.fixed_s), row.tasks, round(row.error_s)) == (
        "N1",
        "pack",
        75,
        8,
        0,
    )
    later = replace(SYSTEM, at=END + timedelta(days=40))
    assert fit_standards(later, requests=[FitStandards(COMPANY)]) == [StandardsFitted(COMPANY, 0, 0)]
    assert len(task_times.standards(company=COMPANY)) == 1, "the latest stays in force"
    assert fit_standards(cause, requests=[FitStandards(9)]) == [NotFound(what="company with nodes", which=9)]


def test_the_backlog_against_the_next_cut_offs(house: Floor):
    gathers(pickers=1, packing_stations=1, seconds_per_order_packed=600)
    week = [network.SetCutOff(house.nodes[0], day, time(10)) for day in range(7)]
    network.set_cut_offs(SYSTEM, requests=week)
    due = NOW + timedelta(hours=1)
    allocated(*placed(house, 10, (0, 2), promise_at=due))
    released(*placed(house, 2, (0, 1), promise_at=due + timedelta(days=2)))  # a day on its way

    (first, *_) = task_times.outlooks(company=COMPANY, at=NOW)

    steps = {(one.step, one.cutoff_at): one for one in first.steps}
    packing = steps["pack", due]
    assert (first.node_code, first.fitted) == ("N1", ())
    assert (packing.orders, packing.lines, packing.units) == (10, 10, 20)
    assert (packing.needed_s, packing.capacity_s, packing.late_s, packing.orders_late) == (
        6000,
        3600,
        2400,
        4,
    )
    assert steps["pack", due + timedelta(days=1)].orders == 2
    assert steps["pick", due].needed_s == 10 * (8 + 12) + 20 * 3
    assert steps["pick", due].late_s == 0

    packed_every(house, 60, labor.TASKS_MIN)
    fit_standards(replace(SYSTEM, at=END), requests=[FitStandards(COMPANY)])
    (first, *_) = task_times.outlooks(company=COMPANY, at=NOW)
    packing = next(one for one in first.steps if (one.step, one.cutoff_at) == ("pack", due))
    times = task_times.times_of(house.nodes)
    assert (times[house.nodes[0]].pick, times[house.nodes[0]].fitted, len(times)) == (None, ["pack"], 1)
    assert (first.fitted, round(packing.needed_s), packing.late_s) == (("pack",), 600, 0)


@pytest.mark.counts("warehouse.fit_standards")
def test_statements_do_not_grow_with_tasks(house: Floor, statements):
    packed_every(house, 60, labor.TASKS_MIN)
    found = []
    for number in SIZES:
        with statements() as ran:
            fit_standards(replace(SYSTEM, at=END), requests=[FitStandards(COMPANY)] * number)
        found.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(found)) == 1


COLUMNS = (
    "id", "company_id", "node_id", "step", "fixed_s", "line_s", "unit_s", "meter_s", "tasks", "error_s", "since",
    "fitted_at",
)  # fmt: skip


def test_the_outlook_reckons_as_waves_do_with_the_cut_offs_of_carriers_and_what_is_left_of_begun_work(
    house: Floor,
):
    """Of three lines two are picked already; the carrier comes two hours before the node's own cut-off."""
    for sku in (1, 2):
        house.stock(sku, 10)
    gathers(pickers=1, packing_stations=1, cart_places=4, mm_per_line=10_000)
    week = [network.SetCutOff(house.nodes[0], day, time(16)) for day in range(7)]
    network.set_cut_offs(SYSTEM, requests=week)
    early = [SetCarrierCutOff(COMPANY, "Post", house.nodes[0], day, time(14)) for day in range(7)]
    set_carrier_cut_offs(SYSTEM, requests=early)
    (one,) = released(*placed(house, 1, (0, 2), (1, 1), (2, 1), promise_at=NOW + timedelta(days=1)))
    tasks = queries.tasks([one])
    picked = tuple(task.id for task in tasks[:2])
    pick(SYSTEM, requests=[PickFulfillment(one, tasks=picked)])
    (first, *_) = task_times.outlooks(company=COMPANY, at=NOW)
    assert [step.cutoff_at.hour for step in first.steps[:2]] == [14, 16]
    picking = next(step for step in first.steps if step.step == "pick" and step.orders)
    assert (picking.cutoff_at, picking.orders, picking.lines) == (NOW.replace(hour=14), 1, 1)
    packing = next(step for step in first.steps if step.step == "pack" and step.orders)
    assert (packing.lines, packing.units) == (3, 4)

    standard = labor.Standard(40, 5, 3, 2)
    row = (ids.uuid7(), COMPANY, house.nodes[0], "pick", 40.0, 5.0, 3.0, 2.0, 9, 0.0, NOW, NOW)
    sql.write("warehouse_standardtime", COLUMNS, [row])
    (first, *_) = task_times.outlooks(company=COMPANY, at=NOW)
    fitted = next(step for step in first.steps if step.step == "pick" and step.orders)
    wave = Waves(pickers=1, packing_stations=1, cart_places=4, mm_per_line=10_000)
    assert fitted.needed_s == pick_seconds(wave, fitted.lines, fitted.units, Times(standard), 1)
    assert fitted.needed_s > standard.seconds(0.25, fitted.lines, fitted.units), "walking counts too"


def test_what_else_waits_is_told_with_the_time_that_it_takes(house: Floor):
    house.stock(1, 7, kind="receiving")
    ask_counts(SYSTEM, requests=[AskCount(house.bin(), house.skus[0])])
    row = (ids.uuid7(), COMPANY, house.nodes[0], "put_away", 60.0, 0.0, 2.0, 0.0, 9, 0.0, NOW, NOW)
    sql.write("warehouse_standardtime", COLUMNS, [row])
    (first, second) = task_times.outlooks(company=COMPANY, at=NOW)
    assert {one.step: one for one in first.other} == {
        "count": task_times.Waits("count", 1, 1, 0, None),
        "put_away": task_times.Waits("put_away", 1, 1, 7, 74),
    }
    assert second.other == ()


def test_what_comes_in_is_told_by_day_with_the_time_that_it_takes(house: Floor):
    house.stock(1, 7, kind="receiving")
    ((supplier,),) = sql.run("SELECT id FROM parties_supplier LIMIT 1") or ((None,),)
    if supplier is None:
        (made,) = register_suppliers(SYSTEM, requests=[RegisterSupplier(COMPANY, "mugs", "Mugs", "GBP")])
        supplier = made.id
    lines = ((house.skus[0], 100, Decimal(1)),)
    days = [NOW.date() + timedelta(days=day) for day in (-2, 3, 6)]
    overdue = NOW.date() - timedelta(days=1)
    late, split = order(
        someone("bea"),
        requests=[
            OrderGoods(COMPANY, supplier, house.nodes[0], "", lines, wanted_on=days[0]),
            OrderGoods(COMPANY, supplier, house.nodes[0], "", lines, wanted_on=days[1]),
        ],
    )
    (line,) = purchasing.lines(split.order)
    confirm(SYSTEM, requests=[ConfirmOrder(split.order, ((line.id, 60, days[1]), (line.id, 40, days[2])))])
    (of_late,) = purchasing.lines(late.order)
    in_parts = ((of_late.id, 60, days[0]), (of_late.id, 40, overdue))
    confirm(SYSTEM, requests=[ConfirmOrder(late.order, in_parts)])
    take_notices(SYSTEM, requests=[TakeNotice(COMPANY, "DN-1", days[2], ((split.order, line.id, 70),))])
    for step in ("receive", "put_away"):
        row = (ids.uuid7(), COMPANY, house.nodes[0], step, 60.0, 0.0, 2.0, 0.0, 9, 0.0, NOW, NOW)
        sql.write("warehouse_standardtime", COLUMNS, [row])

    (first, second) = task_times.outlooks(company=COMPANY, at=NOW)

    assert list(first.inbound) == [
        labor.Intake(NOW.date(), 1, 1, 100, 0, 7, 260, 334),
        labor.Intake(days[2], 1, 1, 100, 70, 0, 260, 260),
    ]  # the notice has all of the first part, and ten of the second; a line in two overdue parts is one line
    assert second.inbound == ()
    assert late.number != split.number

    policy = SetPolicy(
        COMPANY, "warehouse.labor", labor.Labor(shifts={}, receivers=1), NOW - timedelta(hours=1)
    )
    set_policy(SYSTEM, requests=[policy])
    (first, _) = task_times.outlooks(company=COMPANY, at=NOW)
    assert [one.left_s for one in first.inbound] == [0, 0]
