"""What one scan of a barcode says."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog.barcodes import Scan, Unreadable, read

TODAY = date(2026, 11, 28)
GTIN = "09501101020917"
CASES = Path("/work/shared/data/barcodes_ids/check_digit_cases.csv")


def scan(text: str) -> Scan:
    found = read(text, TODAY)
    assert isinstance(found, Scan), found
    return found


def refused(text: str) -> str:
    found = read(text, TODAY)
    assert isinstance(found, Unreadable), found
    return found.message


@pytest.mark.parametrize(
    "text",
    [
        ("]C10109501101020917" "10LOT-7\x1d" "17261231" "21S1"),
        ("0109501101020917" "17261231" "10LOT-7\x1d" "21S1"),
        ("]d20109501101020917" "21S1|10LOT-7|17261231"),
        "(01)09501101020917(10)LOT-7(17)261231(21)S1",
        "https://id.gs1.org/01/09501101020917/10/LOT-7/21/S1?17=261231",
    ],
)  # fmt: skip
def test_one_scan_of_a_gs1_barcode_says_article_lot_expiry_and_serial(text):
    one = scan(text)
    assert (one.barcodes[0], one.lot, one.expires_on, one.serial) == (GTIN, "LOT-7", date(2026, 12, 31), "S1")


def test_an_article_is_looked_up_in_every_spelling_of_its_number_and_as_scanned_first():
    assert scan("036000291452").barcodes == ("036000291452", "00036000291452", "0036000291452")
    assert scan("]E04006381333931").barcodes == ("4006381333931", "04006381333931")
    assert "96385074" in scan("(01)00000096385074").barcodes


def test_the_number_of_a_package_is_told_from_an_article_with_and_without_its_identifier():
    for text in ("376104250021234569", "00376104250021234569", "(00)376104250021234569"):
        assert (scan(text).sscc, scan(text).barcodes) == ("376104250021234569", ())


def test_a_case_says_what_it_holds_and_how_many():
    one = scan("(02)98412345678908(37)32")
    assert (one.barcodes, one.quantity) == (("98412345678908",), 32)


def test_day_00_is_the_last_of_its_month_and_a_year_is_of_the_nearest_century():
    assert scan(f"01{GTIN}17260200").expires_on == date(2026, 2, 28)
    assert scan(f"01{GTIN}15770101").expires_on == date(1977, 1, 1)
    assert scan(f"01{GTIN}17760101").expires_on == date(2076, 1, 1)


def test_what_is_no_number_of_an_article_is_looked_up_as_it_stands():
    assert scan("MUG-1 ").barcodes == ("MUG-1",)
    assert scan("4006381333931").sound
    assert scan("4006381333932") == Scan("4006381333932", ("4006381333932",), sound=False)


def test_invariant_7_a_barcode_that_cannot_be_read_whole_is_refused_in_plain_words():
    assert "it is empty" in refused(" \n")
    assert "the check digit of 09501101020918 does not fit" in refused("010950110102091817261231")
    assert "no GS1 element" in refused(f"01{GTIN}17261331")
    assert "is no day" in refused(f"01{GTIN}17260230")
    assert "neither an article (01, 02) nor a package" in refused("]C110LOT")
    assert "no GS1 Digital Link" in refused("https://example.org/a")
    assert "longer than" in refused("9" * 500)


@pytest.mark.parametrize("text", ["A|1", "L~7", "2024^B", "dented | torn", "(a)|b", "12|34"])
def test_what_somebody_types_with_a_sign_of_barcodes_in_it_is_taken_as_typed(text):
    assert scan(text) == Scan(text, (text,))


@pytest.mark.parametrize("text", [f"01{GTIN}|99zz|5", "]C110A|5", "12\x1d34", "(10)A|5", f"00{'1' * 18}|x"])
def test_what_is_meant_as_gs1_and_cannot_be_read_is_refused_whatever_it_holds(text):
    assert isinstance(read(text, TODAY), Unreadable)


@given(st.text(max_size=60) | st.text("0123456789()|]C1d2AB", max_size=60))
def test_invariant_7_any_text_is_read_or_refused(text):
    found = read(text, TODAY)
    assert isinstance(found, Unreadable) or found.barcodes or found.sscc


LOTS = st.text("ABCDEFGHIJ0123456789-/", min_size=1, max_size=20)


@given(LOTS, LOTS, st.dates(date(1978, 1, 1), date(2076, 12, 31)), st.integers(1, 99_999_999))
def test_invariant_7_what_was_printed_is_what_is_read(lot, serial, day, units):
    one = scan(f"]C101{GTIN}17{day:%y%m%d}10{lot}\x1d21{serial}\x1d30{units}")
    assert (one.lot, one.serial, one.expires_on, one.quantity) == (lot, serial, day, units)


@pytest.mark.skipif(not CASES.exists(), reason=f"the cases of python-stdnum are not at {CASES}")
def test_published_gs1_barcodes_are_read_as_published():
    with CASES.open() as lines:
        cases = [row for row in csv.DictReader(lines) if row["scheme"] == "gs1_128"]
    named = [row for row in cases if row["function"] == "info" and row["input"].startswith(("(01)", "(02)"))]
    assert named
    for row in named:
        one = scan(row["input"])
        assert one.barcodes[0] in row["expected"]
        assert str(one.quantity or "") in row["expected"]
        assert one.lot in row["expected"]
