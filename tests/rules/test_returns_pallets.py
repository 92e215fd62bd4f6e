"""Pallets of returned parcels: their numbers, and what differs from what was announced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns.pallets import Package, compare, number_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(00)340123450000000017", "340123450000000017"),
        ("00340123450000000017", "340123450000000017"),
        ("340123450000000017", "340123450000000017"),
        (" lp 0017 ", "LP0017"),
        ("00" + "1" * 17, "00" + "1" * 17),
    ],
)
def test_a_number_is_kept_as_it_is_scanned_or_typed(text, number):
    assert number_of(text) == number


def test_what_differs_from_the_manifest_is_named():
    told = compare(2, [Package("A", True, True), Package("B", True, False), Package("C", False, True)])
    assert (told.missing, told.extra, told.counted, told.is_right) == (("B",), ("C",), 2, False)
    assert told.says == "not on it: B; not in the manifest: C"


def test_without_a_manifest_the_count_alone_counts():
    packages = [Package("A", False, True), Package("", False, True)]
    assert compare(2, packages).is_right
    assert compare(3, packages).says == "2 packages of 3 announced"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
def test_every_package_is_right_missing_or_extra(made):
    packages = [Package(str(i), listed, seen or not listed) for i, (listed, seen) in enumerate(made)]
    told = compare(sum(one.listed for one in packages), packages)
    right = sum(one.listed and one.seen for one in packages)
    has_manifest = any(one.listed for one in packages)
    assert len(told.missing) + right == told.announced
    assert len(told.extra) == (told.counted - right if has_manifest else 0)
