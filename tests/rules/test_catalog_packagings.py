"""Cases and pallets of SKUs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog.packagings import Packaging, Pieces, RegisterPackaging, misfit, pieces
from entrepot.kernel.errors import Invalid

CASE = RegisterPackaging(1, "MUG", "case", 12, "15012345678907")
PALLET = RegisterPackaging(1, "MUG", "pallet", 480)


def test_units_come_apart_into_the_fewest_pieces():
    both = [Packaging("case", 12), Packaging("pallet", 480)]
    assert pieces(509, both) == [Pieces("pallet", 1, 480), Pieces("case", 2, 12), Pieces("", 5, 1)]
    assert pieces(24, both) == [Pieces("case", 2, 12)]
    assert (pieces(7, both), pieces(7, []), pieces(0, both)) == ([Pieces("", 7, 1)], [Pieces("", 7, 1)], [])


@given(st.integers(0, 5_000), st.integers(2, 40), st.integers(2, 40))
def test_pieces_are_all_the_units(units: int, case: int, cases: int):
    found = pieces(units, [Packaging("case", case), Packaging("pallet", case * cases)])
    assert sum(one.number * one.units for one in found) == units
    assert all(one.number > 0 for one in found)


def test_a_pallet_is_of_whole_cases():
    assert misfit(CASE, {}) is None
    assert misfit(PALLET, {"case": 12}) is None
    assert misfit(RegisterPackaging(1, "MUG", "case", 0), {"pallet": 7}) is None, "it ends"
    for units in (480, 12, 30):
        assert isinstance(misfit(RegisterPackaging(1, "MUG", "case", units), {"pallet": 30}), Invalid)
    assert isinstance(misfit(PALLET, {"case": 7}), Invalid)


@pytest.mark.parametrize(
    "wrong",
    [
        RegisterPackaging(1, "MUG", "box", 12), RegisterPackaging(1, "MUG", "case", 1),
        RegisterPackaging(1, "MUG", "case", -2), RegisterPackaging(1, "MUG", "case", 12, "15012345678900"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong: RegisterPackaging):
    assert isinstance(misfit(wrong, {}), Invalid)


def test_a_barcode_stands_on_one_thing():
    assert isinstance(misfit(CASE, {}, ("15012345678907",)), Invalid)
