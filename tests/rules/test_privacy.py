"""How long records are kept, what stands in the way of an erasure, and what is searched for. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.settlement.privacy import (
    BUSINESS_BUYERS,
    BUYERS,
    CAME,
    KINDS,
    WENT,
    YEAR,
    Open,
    Retention,
    reasons,
    words,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PLAIN = st.sampled_from(("", "Ada", "Ada King", "a b", "1 High Street", "x@y.z", "ada@king.example", "C-1"))


def test_each_kind_goes_by_its_own_number_or_stays():
    rules = Retention(buyers_years=2, business_buyers_years=None, messages_in_days=3, messages_out_days=None)
    assert [rules.before(kind, NOW) for kind in KINDS] == [
        NOW - 2 * YEAR,
        None,
        NOW - timedelta(days=3),
        None,
    ]
    assert (BUYERS, BUSINESS_BUYERS, CAME, WENT) == KINDS


def test_reasons_are_told_once_and_not_without_end():
    found = [Open("order", f"SO-{i}") for i in range(7)] + [Open("order", "SO-0")]
    assert reasons(found, shown=2) == "order SO-0, order SO-1 and 5 more"
    assert reasons([]) == ""


@given(st.lists(st.tuples(PLAIN, PLAIN, PLAIN, PLAIN), max_size=5), st.lists(PLAIN, max_size=3))
def test_nothing_short_is_searched_for(addresses, codes):
    found = words(addresses, codes)
    assert found == sorted(set(found))
    assert all(len(one) >= 6 or one in codes for one in found)
    assert all(" " in one.strip() for one in found if one not in codes and one in {name for name, *_ in addresses}
               and one not in {part for _, *rest in addresses for part in rest})  # fmt: skip
