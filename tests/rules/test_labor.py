"""Standard times fitted from history, throughput, and what of a backlog misses its cut-off."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.warehouse.labor import (
    SHIFTS,
    STEPS,
    ComesIn,
    Done,
    Intake,
    Observation,
    Queued,
    Shift,
    Standard,
    Throughput,
    by_step,
    fit,
    intake,
    open_seconds,
    outlook,
    shift_of,
    throughput,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seen(seconds: float, lines: int = 1, units: int = 1, meters: int = 0, step: str = "pick") -> Observation:
    return Observation(step, "LDN", "ann", NOW, NOW + timedelta(seconds=seconds), lines, units, meters)


def history(standard: Standard, count: int = 40, noise: float = 0, seed: int = 1) -> list[Observation]:
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        lines, meters = chance.randint(1, 12), chance.randint(5, 300)
        units = lines + chance.randint(0, 9)
        took = standard.seconds(1, lines, units, meters) + chance.gauss(0, noise)
        found.append(seen(max(1, took), lines, units, meters))
    return found


# ---- standard times


times = st.floats(0, 120)


@settings(max_examples=40)
@given(times, times, times, st.floats(0, 5), st.integers(0, 1000))
def test_what_history_follows_exactly_is_found_again(fixed, line, unit, meter, seed):
    real = Standard(fixed + 5, line, unit, meter)
    found = fit(history(real, seed=seed))
    assert found is not None
    assert [found.fixed_s, found.line_s, found.unit_s, found.meter_s] == pytest.approx(
        [fixed + 5, line, unit, meter], abs=0.02
    )
    assert found.error_s < 0.02


def test_noise_is_averaged_out():
    found = fit(history(Standard(60, 8, 3, 1), 2000, noise=20))
    assert [found.fixed_s, found.line_s, found.unit_s, found.meter_s] == pytest.approx([60, 8, 3, 1], rel=0.2)
    assert 10 < found.error_s < 20


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(1, 3000), st.integers(1, 20), st.integers(1, 60), st.integers(0, 500)),
        min_size=8, max_size=25,
    )
)  # fmt: skip
def test_no_time_is_below_zero_and_no_fit_is_worse_than_the_mean(rows):
    tasks = [seen(*row) for row in rows]
    found = fit(tasks)
    assert min(found.fixed_s, found.line_s, found.unit_s, found.meter_s) >= 0
    mean = sum(one.seconds for one in tasks) / len(tasks)

    def squares(told) -> float:
        return sum((one.seconds - told(one)) ** 2 for one in tasks)

    fitted = squares(lambda one: found.seconds(1, one.lines, one.units, one.meters))
    assert fitted <= squares(lambda _: mean) * (1 + 1e-6) + 1e-3


def test_of_what_takes_no_time_all_ways_are_looked_at():
    """Left out one after the other, whichever is farthest below zero first, the wrong ones remain here."""
    rows = [
        (1100, 13, 47, 74), (2490, 5, 31, 144), (1525, 5, 23, 309), (1432, 3, 16, 487), (2682, 12, 46, 156),
        (948, 4, 26, 45), (2608, 20, 55, 500), (1391, 19, 59, 408),
    ]  # fmt: skip
    tasks = [seen(*row) for row in rows]
    found = fit(tasks)
    off = sum((one.seconds - found.seconds(1, one.lines, one.units, one.meters)) ** 2 for one in tasks)
    mean = sum(one.seconds for one in tasks) / len(tasks)
    assert off <= sum((one.seconds - mean) ** 2 for one in tasks)


def test_what_can_not_be_told_apart_is_one():
    found = fit([seen(10 + 6 * lines, lines, lines) for lines in range(1, 12)])
    assert (round(found.fixed_s, 6), round(found.line_s, 6), found.unit_s) == (10, 6, 0)


def test_a_few_tasks_say_nothing():
    assert fit([seen(10)] * 7) is None
    assert fit([seen(10)] * 8) == Standard(10, 0, 0, 0, 8, 0)


# ---- throughput


def test_a_shift_is_by_the_clock_of_the_node():
    assert [shift_of(time(hour), SHIFTS) for hour in (6, 13, 14, 21, 22, 0, 5)] == [
        "early", "early", "late", "late", "night", "night", "night",
    ]  # fmt: skip
    assert shift_of(time(9), {"day": Shift(time(10), time(18))}) == ""


def done(each: tuple[int, int], tasks: int, seconds: float, step: str = "pick", hour: int = 9) -> Done:
    return Done(step, "LDN", time(hour), each, tasks, each[0] * tasks, each[1] * tasks, seconds)


def test_throughput_is_by_step_node_shift_and_profile():
    packed = done((1, 1), 1, 30, "pack")
    rows = throughput([done((1, 1), 1, 60), done((1, 1), 1, 120), done((6, 9), 1, 360), packed], {})
    assert [(one.step, one.shift, one.profile, one.tasks) for one in rows] == [
        ("pick", "early", "many lines", 1), ("pick", "early", "one unit", 2), ("pack", "early", "one unit", 1),
    ]  # fmt: skip
    assert (rows[0].lines_an_hour, rows[0].units_an_hour) == (60, 90)


# ---- the backlog


@given(
    st.lists(
        st.builds(
            Throughput, st.sampled_from(STEPS), st.sampled_from(("A", "B")), st.just("early"), st.just("batch"),
            st.integers(1, 9), st.integers(1, 99), st.integers(1, 999), st.integers(0, 9_999),
        )
    )
)  # fmt: skip
def test_sums_by_step_are_of_all_rows_and_in_the_order_of_the_work(rows):
    found = by_step(rows)
    assert [one.step for one in found] == [step for step in STEPS if step in {row.step for row in rows}]
    for field in ("tasks", "lines", "units", "seconds"):
        assert sum(getattr(one, field) for one in found) == sum(getattr(row, field) for row in rows)


def test_only_shifts_count_as_time():
    day = [Shift(time(8), time(12)), Shift(time(11), time(16))]
    assert open_seconds(NOW, NOW + 3 * HOUR, day, "UTC") == 3 * 3600
    assert open_seconds(NOW, NOW + 24 * HOUR, day, "UTC") == 8 * 3600
    assert open_seconds(NOW, NOW + 24 * HOUR, SHIFTS.values(), "Europe/London") == 24 * 3600
    assert open_seconds(NOW, NOW - HOUR, day, "UTC") == 0
    assert open_seconds(NOW, NOW + 24 * HOUR, (), "UTC") == 24 * 3600, (
        "without shifts people work round the clock"
    )
    assert open_seconds(NOW, NOW - HOUR, (), "UTC") == 0
    assert open_seconds(NOW, NOW + 48 * HOUR, day, "UTC", {NOW.date() + timedelta(days=1)}) == 8 * 3600


def test_a_cut_off_is_missed_by_what_does_not_fit_before_it():
    standard = Standard(60, 0, 0, 0)
    cutoffs = [(NOW + HOUR, 3600), (NOW + 2 * HOUR, 7200)]
    queued = [Queued("pack", NOW + HOUR, 90, 90, 90), Queued("pack", NOW + 3 * HOUR, 20, 20, 20)]
    first, second = outlook("pack", queued, cutoffs, standard.seconds, 1)
    assert (first.orders, first.needed_s, first.capacity_s, first.late_s, first.orders_late) == (
        90,
        5400,
        3600,
        1800,
        30,
    )
    assert (second.orders, second.needed_s, second.late_s, second.orders_late) == (20, 6600, 0, 0)
    assert [one.late_s for one in outlook("pack", queued, cutoffs, standard.seconds, 2)] == [0, 0]


def test_what_should_have_left_already_leaves_by_the_first():
    queued = [Queued("pick", NOW - HOUR, 3, 3, 3), Queued("pack", NOW, 9, 9, 9)]
    (first,) = outlook("pick", queued, [(NOW + HOUR, 3600)], Standard(60, 0, 0, 0).seconds, 1)
    assert first.orders == 3
    assert outlook("pick", queued, [], Standard(60, 0, 0, 0).seconds, 1) == []


@given(
    st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 50)), max_size=8),
    st.integers(1, 5),
    st.integers(0, 300),
)
def test_all_work_is_at_one_cut_off_and_more_people_are_never_later(work, people, fixed):
    queued = [Queued("pick", NOW + hours * HOUR, orders, orders, orders) for hours, orders in work]
    cutoffs = [(NOW + hours * HOUR, hours * 3600) for hours in (1, 9, 25)]
    standard = Standard(fixed, 2, 1, 0)
    found = outlook("pick", queued, cutoffs, standard.seconds, people)
    more = outlook("pick", queued, cutoffs, standard.seconds, people + 1)
    assert sum(one.orders for one in found) == sum(orders for _, orders in work)
    for one, other in zip(found, more, strict=True):
        assert other.late_s <= one.late_s
        assert other.orders_late <= one.orders_late
        assert (one.late_s == 0) or one.needed_s > one.capacity_s
        assert 0 <= one.orders_late <= one.orders


# ---- what comes in

TODAY = NOW.date()


def comes(days: int, units: int, announced: int = 0) -> ComesIn:
    return ComesIn(TODAY + timedelta(days=days), 1, 1, units, announced)


def test_what_comes_in_takes_its_time_by_day_and_what_is_overdue_comes_today():
    receive, put_away = Standard(600, 0, 6, 0), Standard(0, 60, 3, 0)
    today, later = intake(
        [comes(-4, 10), comes(0, 20, 20), comes(3, 100)], (2, 50), TODAY, receive, put_away, None
    )
    assert today == Intake(TODAY, 2, 2, 30, 20, 50, 1380, 480)
    assert later == Intake(TODAY + timedelta(days=3), 1, 1, 100, 0, 0, 1200, 360)
    assert intake([], (0, 0), TODAY, receive, put_away, None) == []
    (dock,) = intake([], (1, 5), TODAY, None, None, lambda _: 3600)
    assert dock == Intake(TODAY, 0, 0, 0, 0, 5, None, None, None)


def test_what_people_do_not_manage_is_left_to_the_days_after():
    receive = put_away = Standard(0, 0, 60, 0)
    days = [comes(0, 60), comes(1, 60), comes(4, 60)]
    found = intake(days, (0, 0), TODAY, receive, put_away, lambda _: 3600)
    assert [one.left_s for one in found] == [3600, 7200, 3600]  # 2 h each; two days between have an hour each
    assert [one.left_s for one in intake(days, (0, 0), TODAY, receive, put_away, lambda _: 7200)] == [0, 0, 0]


@given(
    st.lists(st.tuples(st.integers(-3, 10), st.integers(1, 500)), max_size=10),
    st.integers(0, 50),
    st.integers(0, 9000),
)
def test_nothing_that_comes_in_is_lost_and_more_people_leave_no_more(work, dock, seconds):
    days = [comes(day, units, units // 2) for day, units in work]
    standard = Standard(30, 5, 7, 0)

    def left(people: int) -> list[Intake]:
        return intake(days, (1, dock), TODAY, standard, standard, lambda _: people * seconds)

    found = left(1)
    assert sum(one.units for one in found) == sum(units for _, units in work)
    assert sum(one.dock_units for one in found) == dock
    assert [one.day for one in found] == sorted({one.day for one in found})
    assert all(more.left_s <= one.left_s for one, more in zip(found, left(2), strict=True))
