"""Over which tenders an amount goes back, and how far each bears it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrepot.payments.rules import over, tender_order


def test_the_latest_tender_gives_back_first_unless_providers_are_named():
    tenders = ["account", "stripe", "account", "fake"]
    assert tender_order(tenders, ()) == [3, 2, 1, 0]
    assert tender_order(tenders, ("account",)) == [2, 0, 3, 1]
    assert tender_order(tenders, ("stripe", "account", "stripe")) == [1, 2, 0, 3], (
        "the first time it is named counts"
    )
    assert tender_order([], ("account",)) == []


def test_each_tender_bears_what_it_has_left():
    assert over([500, 0, 300], 600) == ([500, 0, 100], 0)
    assert over([500, -10], 600) == ([500, 0], 100)


amounts = st.lists(st.integers(0, 1_000), max_size=4)


@given(amounts, st.lists(st.integers(0, 1_500), max_size=5))
def test_in_however_many_parts_an_amount_goes_back_each_tender_ends_at_the_same(
    left: list[int], parts: list[int]
):
    rest, beyond = list(left), 0
    for part in parts:
        borne, more = over(rest, part)
        assert all(0 <= b <= r for b, r in zip(borne, rest, strict=True))
        rest = [r - b for r, b in zip(rest, borne, strict=True)]
        beyond += more
    at_once, more = over(left, sum(parts))
    assert (rest, beyond) == ([a - b for a, b in zip(left, at_once, strict=True)], more)
