"""Where orders pile up: examples, and what is true of any figures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrepot.insight.pace import Pace, Passed, bottleneck, paces

STATUSES = ("ready", "picking", "packed")
counts = st.integers(0, 500)
standing_ = st.dictionaries(st.sampled_from(STATUSES), counts)
moved_ = st.lists(
    st.builds(Passed, st.sampled_from(STATUSES), counts, counts), unique_by=lambda one: one.status
)


def test_what_stands_takes_as_long_as_the_pace_says():
    found = paces({"packed": 60, "ready": 5}, [Passed("packed", 100, 80), Passed("picking", 3, 3)], 24)
    assert found == {"packed": Pace(100, 80, 18.0), "ready": Pace(0, 0, None), "picking": Pace(3, 3, 0.0)}


def test_the_bottleneck_is_where_more_come_than_go_and_wait_longest():
    standing = {"ready": 50, "picking": 40, "packed": 60}
    moved = [Passed("ready", 100, 90), Passed("picking", 90, 60), Passed("packed", 60, 120)]
    found = paces(standing, moved, 24)
    assert bottleneck(standing, found, STATUSES) == "picking", (
        "packed drains, ready waits 13 hours, picking 16"
    )
    assert bottleneck(standing, found, ("packed",)) is None
    assert bottleneck({}, found, STATUSES) is None
    stuck = found | {"ready": Pace(10, 0, None)}
    assert bottleneck(standing, stuck, STATUSES) == "ready", "nothing leaves it at all"


@given(standing_, moved_)
def test_a_bottleneck_holds_orders_piles_up_and_is_waited_in_longest(standing, moved):
    found = paces(standing, moved, 24)
    assert set(found) == {*standing, *(one.status for one in moved)}
    which = bottleneck(standing, found, STATUSES)
    piling = {one for one in STATUSES if standing.get(one) and one in found and found[one].piled > 0}
    if which is None:
        assert not piling
    else:
        assert which in piling
        longest = found[which].hours
        assert longest is None or all(
            (hours := found[one].hours) is not None and hours <= longest for one in piling
        )
