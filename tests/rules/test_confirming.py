"""What suppliers say before goods come."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog.barcodes import is_sscc
from entrepot.kernel.errors import Invalid
from entrepot.kernel.ids import uuid7
from entrepot.purchasing.confirming import (
    Announced,
    Asked,
    ConfirmedLine,
    NoticedLine,
    count_off,
    difference,
    misfit_confirmation,
    misfit_notice,
)

DAY = date(2026, 12, 1)
LINE, OTHER, ORDER = uuid7(), uuid7(), uuid7()
ASKED = Asked(LINE, 1, 10, 3, DAY)
SSCC = "376104250021234569"


def test_a_difference_is_said_in_words():
    assert difference(ConfirmedLine(LINE, 10, DAY), ASKED) == ""
    assert difference(ConfirmedLine(LINE, 10, DAY - timedelta(days=1)), ASKED) == ""
    assert difference(ConfirmedLine(LINE, 8, DAY + timedelta(days=1)), ASKED) == (
        "line 1: 8 of 10 units, on 2026-12-02 instead of 2026-12-01"
    )
    assert difference(ConfirmedLine(LINE, 0, DAY + timedelta(days=9)), ASKED) == "line 1: 0 of 10 units"


def test_a_confirmation_is_of_lines_of_the_order_once_each_and_of_what_came_at_least():
    asked = {LINE: ASKED}
    assert misfit_confirmation([ConfirmedLine(LINE, 3, DAY)], asked) is None
    for lines in ([], [(OTHER, 1)], [(LINE, 5), (LINE, 5)], [(LINE, 2)]):
        said = [ConfirmedLine(which, units, DAY) for which, units in lines]
        assert isinstance(misfit_confirmation(said, asked), Invalid), lines


def test_a_notice_names_units_packages_of_one_order_and_serial_numbers_of_each_unit():
    one = NoticedLine(ORDER, LINE, 2, SSCC, "L1", None, ("A", "B"))
    assert misfit_notice([one], "DN-1") is None
    assert isinstance(misfit_notice([one], ""), Invalid)
    for lines in (
        [],
        [one._replace(quantity=0)],
        [one._replace(serials=("A", "A"))],
        [one._replace(sscc="376104250021234568")],
        [one, one._replace(order=OTHER)],
    ):
        assert isinstance(misfit_notice(lines, "DN-1"), Invalid), lines
    assert is_sscc(SSCC)
    assert not is_sscc("4006381333931")


def test_a_carton_stands_on_one_pallet_which_is_a_number_of_its_own_and_no_carton():
    pallet, other = "376104250021234576", "376104250021234583"
    one = NoticedLine(ORDER, LINE, 2, SSCC, pallet=pallet)
    loose = one._replace(sscc=pallet, pallet="")
    assert misfit_notice([one, one, one._replace(sscc=other), loose], "DN-1") is None
    for lines, field in (
        ([one._replace(pallet="376104250021234568")], "pallet of line 1"),
        ([one._replace(sscc="")], "sscc of line 1"),
        ([one._replace(sscc=pallet)], "sscc of line 1"),
        ([one, one._replace(pallet=other)], f"package {SSCC}"),
        ([one._replace(pallet=""), one], f"package {SSCC}"),
        ([one, one._replace(sscc=pallet, pallet=other)], "sscc of line 2"),
    ):
        refused = misfit_notice(lines, "DN-1")
        assert isinstance(refused, Invalid) and refused.facts["field"] == field, lines


def announced(*lines: tuple[str, str, int]) -> list[Announced]:
    return [Announced(uuid7(), ORDER, LINE, sscc, lot, units, 0) for sscc, lot, units in lines]


def test_what_comes_is_counted_off_its_package_then_its_lot_then_any():
    lines = announced(("1", "L1", 5), ("2", "L2", 5), ("3", "L2", 5))
    assert count_off(lines, LINE, 6, "L2", "3") == 6
    assert [one.received for one in lines] == [0, 1, 5]
    assert count_off(lines, LINE, 99, "L1", "") == 9
    assert count_off(lines, OTHER, 1, "", "") == 0


@given(
    st.lists(st.tuples(st.sampled_from(["1", "2"]), st.sampled_from(["", "L"]), st.integers(1, 9))),
    st.integers(1, 99),
)
def test_invariant_11_never_more_is_counted_off_than_was_announced(lines, units):
    found = announced(*lines)
    counted = count_off(found, LINE, units, "L", "1")
    assert counted == sum(one.received for one in found) == min(units, sum(one.quantity for one in found))
    assert all(0 <= one.received <= one.quantity for one in found)
