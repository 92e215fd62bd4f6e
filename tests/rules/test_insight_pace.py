"""Where most is waited for: examples, and what is true of any figures."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from entrepot.insight.pace import (
    LEAVERS_MIN,
    ORDERS_MIN,
    STOOD_MIN,
    Pace,
    Passed,
    Standing,
    bottleneck,
    paces,
)

STATUSES = ("fraud review", "ready", "picking", "packed")
HOUR = timedelta(hours=1)
counts = st.integers(0, 500)
standing_ = st.dictionaries(
    st.sampled_from(STATUSES),
    st.builds(Standing, st.integers(1, 500), st.timedeltas(timedelta(0), timedelta(days=30))),
)
moved_ = st.lists(
    st.builds(Passed, st.sampled_from(STATUSES), counts, counts), unique_by=lambda one: one.status
)


def found_in(standing: dict[str, Standing], moved: list[Passed]) -> dict[str, Pace]:
    return paces({status: one.orders for status, one in standing.items()}, moved, 24)


def test_what_stands_takes_as_long_as_the_pace_says():
    found = paces({"packed": 60, "ready": 5}, [Passed("packed", 100, 80), Passed("picking", 3, 3)], 24)
    assert found == {"packed": Pace(100, 80, 18.0), "ready": Pace(0, 0, 240.0), "picking": Pace(3, 3, 0.0)}


def test_one_order_that_nothing_left_behind_is_not_before_thousands():
    standing = {"fraud review": Standing(1, timedelta(minutes=5)), "picking": Standing(5000, 20 * HOUR)}
    moved = [Passed("fraud review", 1, 0), Passed("picking", 6000, 2000)]
    assert bottleneck(standing, found_in(standing, moved), STATUSES) == "picking"
    waits = standing | {"fraud review": Standing(ORDERS_MIN, 50 * HOUR)}
    assert bottleneck(waits, found_in(waits, moved), STATUSES) == "picking", "three wait less than thousands"
    stuck = waits | {"picking": Standing(20, 5 * HOUR)}
    assert bottleneck(stuck, found_in(stuck, moved), STATUSES) == "fraud review", "20 are gone in no time"


def test_the_bottleneck_is_where_most_is_waited_for_in_all():
    standing = {
        "ready": Standing(50, 3 * HOUR), "picking": Standing(40, 3 * HOUR), "packed": Standing(50, 3 * HOUR),
    }  # fmt: skip
    moved = [Passed("ready", 100, 90), Passed("picking", 90, 60), Passed("packed", 60, 120)]
    found = found_in(standing, moved)
    assert bottleneck(standing, found, STATUSES) == "ready", "50 for 13 hours, 40 for 16, 50 for 10"
    assert bottleneck(standing, found, ("packed",)) == "packed"
    assert bottleneck({}, found, STATUSES) is None
    assert bottleneck({"ready": Standing(50, 3 * HOUR)}, {}, STATUSES) == "ready"


def test_few_orders_and_those_that_have_just_come_are_no_bottleneck():
    for enough in (
        Standing(ORDERS_MIN - 1, 90 * HOUR),
        Standing(500, STOOD_MIN - timedelta(seconds=1)),
    ):
        standing = {"ready": enough}
        assert bottleneck(standing, found_in(standing, []), STATUSES) is None
    assert bottleneck({"ready": Standing(ORDERS_MIN, STOOD_MIN)}, {}, STATUSES) == "ready"


@given(standing_, moved_)
def test_a_bottleneck_has_enough_and_more_is_waited_for_nowhere(standing, moved):
    found = found_in(standing, moved)
    assert set(found) == {*standing, *(one.status for one in moved)}
    enough = {
        status for status, one in standing.items() if one.orders >= ORDERS_MIN and one.stood >= STOOD_MIN
    }
    which = bottleneck(standing, found, STATUSES)
    if which is None:
        assert not enough
    else:
        assert which in enough
        most = standing[which].orders * found[which].hours
        assert all(standing[one].orders * found[one].hours <= most for one in enough)


@given(st.integers(1, 500), counts, counts)
def test_hours_are_never_endless_and_fall_as_more_leave(orders, came, went):
    (one,) = paces({"ready": orders}, [Passed("ready", came, went)], 24).values()
    (more,) = paces({"ready": orders}, [Passed("ready", came, went + 1)], 24).values()
    assert more.hours < one.hours <= orders * 24 / LEAVERS_MIN
    assert went == 0 or one.hours * went == orders * 24 or abs(one.hours * went - orders * 24) < 1e-6


@given(standing_, moved_)
def test_the_order_in_which_statuses_are_told_decides_nothing_but_a_tie(standing, moved):
    found = found_in(standing, moved)
    waits = [
        one.orders * found[status].hours
        for status, one in standing.items()
        if one.orders >= ORDERS_MIN and one.stood >= STOOD_MIN
    ]
    assume(len(set(waits)) == len(waits))
    assert bottleneck(standing, found, STATUSES) == bottleneck(standing, found, STATUSES[::-1])
