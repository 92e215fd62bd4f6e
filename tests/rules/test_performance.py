"""How each person gets on today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.warehouse.labor import STEPS, Standard
from entrepot.warehouse.performance import AtHand, Performance, Worked, day_began, performances

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
PICK = Standard(60, 10, 5, 1)


def worked(person: str = "pia", step: str = "pick", **facts: float) -> Worked:
    figures = {"tasks": 2, "lines": 6, "units": 12, "pieces": 12, "meters": 40, "seconds": 400.0} | facts
    return Worked(person, step, *figures.values(), AT)  # type: ignore[arg-type]


def test_what_was_done_stands_against_what_it_should_have_taken():
    (one,) = performances(
        [worked()], {"pick": PICK}, {"pia": AtHand(1, 3)}, {"pia": AT + timedelta(minutes=5)}
    )
    assert (one.norm_s, one.lists, one.stops) == (2 * 60 + 6 * 10 + 12 * 5 + 40, 1, 3)
    assert (one.lines_an_hour, one.units_an_hour, one.tasks_an_hour) == (54, 108, 18)
    assert one.norm_percent == 70
    assert one.reported_at == AT + timedelta(minutes=5), "she did something else since"


def test_without_a_norm_none_is_told_and_who_only_has_something_at_hand_is_there():
    rows = performances([worked(step="count")], {"pick": PICK}, {"ann": AtHand(2, 9)}, {})
    assert [(one.person, one.step, one.norm_percent) for one in rows] == [
        ("ann", "", None),
        ("pia", "count", None),
    ]
    assert rows[0] == Performance("ann", "", 0, 0, 0, 0, None, 2, 9, None)
    assert rows[0].lines_an_hour == rows[0].units_an_hour == rows[0].tasks_an_hour == 0


@pytest.mark.parametrize(
    ("at", "zone", "began"),
    [
        ("2026-03-29T12:00+00:00", "Europe/Berlin", "2026-03-28T23:00+00:00"),  # clocks go forward that night
        ("2026-10-25T12:00+00:00", "Europe/Berlin", "2026-10-24T22:00+00:00"),
        ("2026-01-01T03:00+00:00", "America/New_York", "2025-12-31T05:00+00:00"),
        ("2026-03-01T00:30+00:00", "UTC", "2026-03-01T00:00+00:00"),
    ],
)
def test_a_day_begins_by_the_clock_of_the_node(at: str, zone: str, began: str):
    assert day_began(datetime.fromisoformat(at), zone) == datetime.fromisoformat(began)


@given(
    st.lists(
        st.builds(worked, st.sampled_from("abc"), st.sampled_from(STEPS), seconds=st.floats(0, 10**5)),
        max_size=12, unique_by=lambda one: (one.person, one.step),
    ),
    st.dictionaries(st.sampled_from("bcd"), st.builds(AtHand, st.integers(1, 3), st.integers(1, 9))),
)  # fmt: skip
def test_everybody_is_told_once_for_each_step(found: list[Worked], at_hand: dict[str, AtHand]):
    rows = performances(found, {"pick": PICK}, at_hand, {})
    assert {one.person for one in rows} == {one.person for one in found} | at_hand.keys()
    assert len({(one.person, one.step) for one in rows}) == len(rows)
    assert [one.person for one in rows] == sorted(one.person for one in rows)
    assert sum(one.units for one in rows) == sum(one.units for one in found)
    for one in rows:
        assert one.norm_percent is None or one.norm_percent >= 0
