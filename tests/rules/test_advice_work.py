"""Advice on people for shifts and on the order of work; the policy, and who may decide."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.insight import advising, staffing, urgency
from entrepot.insight.advising import DEMAND, LABOR, PRIORITY, REASON, Advice
from entrepot.insight.staffing import Crew, Spent
from entrepot.insight.urgency import Closed, Waiting
from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, NotPermitted, WrongState
from entrepot.warehouse.labor import SHIFTS, Shift

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
TODAY = date(2026, 11, 23)
CREW = Crew("N1", "pick", "early")


# ---- people


def weekly(hours: float, weeks: int = 10) -> dict[date, float]:
    """So many hours a day, twice as many on Saturdays, none on Sundays."""
    days = (TODAY - timedelta(days=n) for n in range(1, 7 * weeks + 1))
    return {one: hours * 3600 * (2 if one.weekday() == 5 else 1) for one in days if one.weekday() != 6}


def test_people_are_what_the_same_weekdays_needed():
    found = staffing.forecasts(CREW, weekly(20), TODAY, 8, SHIFTS["early"], TODAY)
    assert len(found) == 6, "nobody on the Sunday"
    people = {one.day.weekday(): (one.low, one.people, one.high) for one in found}
    assert people[1] == (3, 3, 3) and people[5] == (5, 5, 5), "20 h and 40 h in shifts of 8 h"
    assert {one.error for one in found} == {0.0} and {one.confidence for one in found} == {1.0}
    assert all(one.day > TODAY for one in found)


def test_the_interval_is_as_wide_as_past_errors():
    days = {day: seconds * (1.5 if day.toordinal() // 7 % 2 else 0.5) for day, seconds in weekly(40).items()}
    found = staffing.forecasts(CREW, days, TODAY, 8, SHIFTS["early"], TODAY)
    assert all(one.low < one.people < one.high and one.error > 0.2 for one in found)


def test_too_little_history_tells_nothing():
    assert staffing.forecasts(CREW, weekly(20, weeks=2), TODAY, 8, SHIFTS["early"], TODAY) == []
    assert staffing.forecasts(CREW, {}, TODAY, 8, SHIFTS["early"], TODAY) == []


def test_what_is_done_after_midnight_is_of_the_shift_of_the_evening():
    found = [Spent("N1", "pick", TODAY, time(2), 60.0), Spent("N1", "pick", TODAY, time(23), 30.0)]
    days = staffing.by_crew(found, {"N1": SHIFTS})[Crew("N1", "pick", "night")]
    assert days == {TODAY - timedelta(days=1): 60.0, TODAY: 30.0}


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (datetime(2026, 11, 23, 4, 10, tzinfo=UTC), TODAY - timedelta(days=1)),  # ten past five there
        (datetime(2026, 11, 23, 5, tzinfo=UTC), TODAY),
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), TODAY - timedelta(days=1)),  # half past midnight there
        (datetime(2026, 7, 1, 4, 10, tzinfo=UTC), date(2026, 7, 1)),  # in summer it is ten past six
    ],
)
def test_a_night_is_told_when_it_is_over_by_the_clock_of_its_node(at, until):
    berlin = ZoneInfo("Europe/Berlin")
    assert staffing.over_until(at, Shift(time(22), time(6)), berlin) == until
    assert staffing.over_until(at, Shift(time(6), time(14)), berlin) == at.astimezone(berlin).date()


def test_a_night_that_goes_on_is_no_day_without_work():
    """What it has had so far would pull the same weekday down, and count as an error of the forecast."""
    days = dict.fromkeys(weekly(20), 28800.0) | {TODAY - timedelta(days=1): 60.0}
    on = staffing.forecasts(CREW, days, TODAY, 8, SHIFTS["night"], TODAY - timedelta(days=1))
    assert {one.error for one in on} == {0.0} and all(60 not in one.days for one in on)


def test_a_shift_is_as_long_as_the_clock_says():
    assert staffing.seconds_of(Shift(time(22), time(6))) == 8 * 3600
    assert staffing.seconds_of(Shift(time(0), time(0))) == 24 * 3600


@given(st.dictionaries(st.integers(1, 80), st.floats(1, 90_000), min_size=1))
def test_a_forecast_looks_at_days_before_alone(drawn):
    days = {TODAY - timedelta(days=n): seconds for n, seconds in drawn.items()}
    later = days | {TODAY + timedelta(days=n): 1e9 for n in range(9)}
    shift = SHIFTS["early"]
    found = staffing.forecasts(CREW, days, TODAY, 8, shift, TODAY)
    assert found == staffing.forecasts(CREW, later, TODAY, 8, shift, TODAY)
    assert all(0 <= one.low <= one.people <= one.high for one in found)


# ---- the order of work


def item(hours_open: float, hours_left: float, value: int | None = None, points: int = 50) -> Waiting:
    opened = NOW - timedelta(hours=hours_open)
    due = NOW + timedelta(hours=hours_left)
    return Waiting(ids.uuid7(), "fraud review", opened, due, opened - timedelta(hours=points), points, value)


def test_the_chance_is_told_by_items_that_were_open_as_long():
    durations = [1.0, 2.0, 3.0, 5.0, 8.0]
    assert urgency.chance(durations, 2.5, 4.0) == (2, 3, 3 / 5)
    assert urgency.chance(durations, 9.0, 8.0) == (0, 0, 1.0), "it is late"
    assert urgency.chance((), 0.0, 8.0) == (0, 0, 0.5), "nobody knows"


def test_the_dearest_comes_first_with_its_sum():
    cheap, dear, unknown = item(1, 8, 1_000), item(1, 8, 90_000), item(1, 8)
    found = urgency.costs([cheap, dear, unknown], {"fraud review": [0.5, 2.0, 12.0]}, NOW, 5_000)
    assert [one.item for one in found] == [dear, unknown, cheap]
    assert (found[0].late, found[0].of, found[0].cost_minor) == (1, 2, 45_000)
    assert (found[1].value_minor, found[1].is_known) == (5_000, False)


def test_what_is_dear_and_stands_far_behind_is_to_be_raised_there():
    first = [item(2, 8, 1_000, 60) for _ in range(8)]
    dear = item(1, 8, 1_000_000, 10)
    (found,) = urgency.raises(urgency.costs([*first, dear], {}, NOW, 5_000))
    assert found.cost.item == dear and (found.place, found.place_now) == (1, 9)
    assert found.cost.item.opened_at - timedelta(hours=found.priority) <= first[0].ranked_at
    assert urgency.raises(urgency.costs(first[:2], {}, NOW, 5_000)) == [], "too few to be put in order"


def test_what_no_priority_takes_there_is_left():
    first = [item(200, 8, 1_000, 60) for _ in range(8)]
    assert urgency.raises(urgency.costs([*first, item(1, 8, 10**6, 100)], {}, NOW, 5_000)) == []


def test_the_backtest_tells_how_much_of_what_was_late_it_would_have_caught():
    slow, quick = Closed("swap", 30.0, 24.0, 1_000), Closed("address hold", 1.0, 24.0, 1_000)
    closed = [slow, quick, quick] * 20
    assert urgency.backtest(closed, 5_000) == (10, 10)
    assert urgency.backtest([], 5_000).share is None


@given(
    st.lists(
        st.tuples(st.floats(0, 99), st.floats(-9, 99), st.integers(0, 10**6), st.integers(0, 100)),
        max_size=20,
    )
)
def test_an_item_stands_once_and_a_raise_always_raises(drawn):  # fmt: skip
    waiting = [item(*one) for one in drawn]
    found = urgency.costs(waiting, {"fraud review": [1.0, 20.0]}, NOW, 5_000)
    assert sorted(one.item for one in found) == sorted(waiting)
    assert [one.cost_minor for one in found] == sorted((one.cost_minor for one in found), reverse=True)
    for one in urgency.raises(found):
        assert one.cost.item.points < one.priority <= urgency.POINTS_MAX and one.place < one.place_now


# ---- what advice is


def test_a_policy_names_kinds_that_there_are():
    assert Advice(switched_off=(LABOR,)).is_on(DEMAND)
    assert Advice(confidence_min={REASON: 0.9}).least(REASON) == 0.9
    with pytest.raises(ValueError, match="switched_off: expected kinds among"):
        Advice(switched_off=("weather",))
    with pytest.raises(ValueError, match="confidence_min: expected kinds among"):
        Advice(confidence_min={"weather": 0.5})


def test_only_whoever_may_follow_it_decides():
    reason = {"reason": "defective", "instead_of": "not_given"}
    decide = advising.decide
    assert decide("accept", "open", REASON, reason, "ann", lambda _: True, "") == "accepted"
    refused = decide("accept", "open", REASON, reason, "ann", lambda _: False, "")
    assert refused == NotPermitted(actor="ann", command="returns.correct_reasons")
    assert isinstance(decide("decline", "open", REASON, reason, "ann", lambda _: True, ""), Invalid)
    assert isinstance(decide("accept", "declined", REASON, reason, "ann", lambda _: True, ""), WrongState)
    assert advising.needs(DEMAND, {"anomaly": "surge"}) == ("purchasing.review_reorders",)
    assert advising.needs(DEMAND, {"anomaly": "silence"}) == ("work.open",)


def test_each_kind_has_a_schema():
    assert set(advising.SCHEMAS) == set(advising.KINDS) == set(advising.CONFIDENCE_MIN)
    assert not advising.misfit_suggested(REASON, {"reason": "defective", "instead_of": "not_given"})
    assert "expected another type of reason" in advising.misfit_suggested(
        REASON, {"reason": 1, "instead_of": ""}
    )
    assert "found nothing" in advising.misfit_suggested(PRIORITY, {})
    assert "found weather" in advising.misfit_suggested("weather", {})
