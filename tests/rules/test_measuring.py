"""What is measured as of a moment, in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.ledger.measuring import entries

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def test_a_difference_is_posted_as_of_its_moment():
    assert entries(BEGIN, None, [("a", 5), ("b", 0), ("c", -7)]) == [(BEGIN, (("a", 5), ("c", -7)))]
    assert entries(BEGIN, BEGIN, [("a", 0)]) == []


def test_what_was_measured_since_takes_it_back():
    later = BEGIN + timedelta(days=3)
    assert entries(BEGIN, later, [("a", 5)]) == [(BEGIN, (("a", 5),)), (later, (("a", -5),))]


@given(st.dictionaries(st.integers(0, 60), st.integers(-1000, 1000), min_size=1, max_size=8), st.data())
def test_in_any_order_the_books_hold_at_each_moment_what_was_measured_as_of_it(worth, data):
    order = data.draw(st.permutations([*worth, *worth]))
    journal: list[tuple[datetime, int]] = []
    seen: list[datetime] = []

    def held(at: datetime) -> int:
        return sum(amount for when, amount in journal if when <= at)

    for day in order:
        at = BEGIN + timedelta(days=day)
        since = min((one for one in seen if one > at), default=None)
        found = entries(at, since, [("a", worth[day] - held(at))])
        journal += [(when, amount) for when, ((_, amount),) in found]
        seen.append(at)
        assert {one: held(one) for one in seen} == {one: worth[(one - BEGIN).days] for one in seen}
