"""What has to be scanned and weighed before packages are closed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.warehouse.proof import Verify, foreign, is_weighed, unscanned

PICKED = {"MUG": 3, "CUP": 1}


@pytest.mark.parametrize(
    ("verify", "scanned", "left"),
    [
        ("none", {}, {}),
        ("sku", {}, {"MUG": 1, "CUP": 1}),
        ("sku", {"MUG": 1}, {"CUP": 1}),
        ("sku", {"MUG": 1, "CUP": 1}, {}),
        ("unit", {}, PICKED),
        ("unit", {"MUG": 2, "CUP": 1}, {"MUG": 1}),
        ("unit", PICKED, {}),
    ],
)
def test_what_is_still_to_be_scanned(verify: Verify, scanned: dict[str, int], left: dict[str, int]):
    assert unscanned(verify, PICKED, scanned) == left


def test_more_than_was_picked_is_foreign():
    assert foreign(PICKED, {"MUG": 3}) == ""
    assert foreign(PICKED, {"MUG": 4}) == "MUG"
    assert foreign(PICKED, {"POT": 1}) == "POT"
    assert foreign(PICKED, {"MUG": 0}) == "MUG"


def test_what_is_worth_much_is_weighed():
    assert not is_weighed("never", 0, 10**9)
    assert is_weighed("always", 10**9, 0)
    assert is_weighed("above_value", 5_000, 5_000)
    assert not is_weighed("above_value", 5_000, 4_999)


counts = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9))


@given(counts, counts, st.sampled_from(["none", "sku", "unit"]))
def test_scanning_what_is_left_is_enough_and_never_too_much(
    picked: dict[str, int], tried: dict[str, int], verify: Verify
):
    scanned = {sku: min(units, picked[sku]) for sku, units in tried.items() if sku in picked}
    left = unscanned(verify, picked, scanned)
    after = {sku: scanned.get(sku, 0) + left.get(sku, 0) for sku in {*scanned, *left}}
    assert unscanned(verify, picked, after) == {}
    assert foreign(picked, after) == ""
    assert all(units <= picked[sku] for sku, units in left.items())
