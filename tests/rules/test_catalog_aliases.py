"""Which barcode may be a further one of a SKU, and what is wrong with a code on the floor."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog import aliases, barcodes
from entrepot.kernel.errors import Refused

DIGITS = st.text("0123456789", min_size=1, max_size=20)


@given(st.one_of(st.text(max_size=20), DIGITS))
def test_what_is_taken_as_a_barcode_is_found_by_a_scan_of_it(text: str):
    if aliases.misfit(text) is None:
        said = barcodes.read(text, date(2026, 3, 2))
        assert isinstance(said, Refused) or text in (said.text, *said.barcodes)
        assert text in barcodes.spellings(text)


@given(DIGITS)
def test_spellings_of_a_number_are_spellings_of_each_other(text: str):
    for other in barcodes.spellings(text):
        assert set(barcodes.spellings(other)) == set(barcodes.spellings(text))


@pytest.mark.parametrize(
    ("named", "expected", "find"),
    [([], "A", "unknown"), ([], "", "unknown"), (["B"], "A", "wrong"), (["B"], "", "wrong"), (["A", "B"], "A", None)],
)  # fmt: skip
def test_a_code_is_unknown_or_of_other_goods_or_right(named: list[str], expected: str, find: str | None):
    assert aliases.find_of(named, expected) == find
