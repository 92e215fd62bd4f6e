"""Figures over time as a line: its names below, and where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.web.plots import TICKS, line


@pytest.mark.parametrize(
    ("points", "named"),
    [(2, ["0", "1"]), (3, ["0", "1", "2"]), (4, ["0", "1", "2", "3"]), (31, ["0", "10", "20", "30"])],
)
def test_few_names_stand_below_a_line_evenly_apart(points: int, named: list[str]):
    assert [one.name for one in line([(str(n), float(n)) for n in range(points)]).ticks] == named


@given(st.integers(1, 400))
def test_the_first_and_the_last_are_always_named_and_none_twice(points: int):
    drawn = line([(str(n), 1.0) for n in range(points)])
    names = [one.name for one in drawn.ticks]
    assert names[0] == "0" and names[-1] == str(points - 1)
    assert len(set(names)) == len(names) == min(TICKS, points)
    assert names == sorted(names, key=int)
