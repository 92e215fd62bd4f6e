"""How groups that are named by a day or a month are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.web.format import told_day


@pytest.mark.parametrize(("name", "told"), [
    ("2026-11-28", "28 Nov 2026"), ("2026-11", "November 2026"), ("2026-13", "2026-13"), ("HH-0001", "HH-0001"),
    ("", ""), ("shop", "shop"), ("20261128", "20261128"),
])  # fmt: skip
def test_days_and_months_are_told_in_words_and_other_names_as_they_are(name, told):
    assert told_day(name) == told


@given(st.dates())
def test_every_day_is_told_by_its_year(day):
    assert str(day.year) in told_day(day.isoformat())


@given(st.text(alphabet="ABCabc-_ ", max_size=20))
def test_what_is_no_day_stays(name):
    assert told_day(name) == name
