"""How long records are kept, what stands in the way of an erasure, and what is searched for. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.masking import MASK, without
from entrepot.settlement.privacy import (
    BUSINESS_BUYERS,
    BUYERS,
    CAME,
    KINDS,
    NOTES,
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
        NOW - 10 * YEAR,
    ]
    assert (BUYERS, BUSINESS_BUYERS, CAME, WENT, NOTES) == KINDS


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


def test_a_middle_name_may_be_left_out_and_a_code_of_a_few_digits_is_a_whole_field():
    found = words([("Ada Q. King", "", "", "")], ["1001", "100234", "C-12"])
    assert found == sorted(["Ada Q. King", "Ada King", '"1001"', "100234", "C-12"])


TEXT = st.text(alphabet="aA b.(", max_size=12)


@given(st.lists(TEXT, max_size=4), st.lists(TEXT.filter(str.strip), min_size=1, max_size=3))
def test_what_is_taken_out_is_gone_and_the_rest_stays(texts, named):
    told = without({"a": texts, "n": 7, "none": None}, named)
    assert (told["n"], told["none"], len(told["a"])) == (7, None, len(texts))
    for before, after in zip(texts, told["a"], strict=True):
        assert without(after, named) == after
        if not any(word.casefold() in before.casefold() for word in named):
            assert after == before


def test_words_are_taken_out_where_they_stand_by_themselves():
    said = "ADA KING called (ada king), not Ada Kingston; C-12 and C-123"
    assert (
        without(said, ["Ada King", "C-12"]) == f"{MASK} called ({MASK}), not Ada Kingston; {MASK} and C-123"
    )
