"""Tracking numbers: whose they are and whether they were read right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.tracking import COURIERS, misjudged, published
from entrepot.carriage.tracking import judge, known_carrier, read


@pytest.mark.skipif(not COURIERS.exists(), reason="the collection of tracking numbers is not here")
def test_every_published_number_is_recognized_and_every_wrong_one_is_not():
    assert len(published("valid")) > 100
    assert len(published("invalid")) > 50
    assert misjudged() == ([], [])


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("1Z5R89390357567127", "ups"),
        ("986578788855", "fedex"),
        ("9400 1112 0108 0805 4830 16", "usps"),
        ("420787459400111206206406260787", "usps"),
        ("RB123456785GB", "post"),
        ("JJD0002257639032011", "yodel"),
        ("09 9800 0002 0033 f", "dpd"),
    ],
)
def test_a_number_says_whose_it_is(number: str, carrier: str):
    assert carrier in read(number).carriers


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("1Z5R89390357567127", "UPS"),
        ("9400111206206407628746", "USPS label"),
        ("0073938000549297", "Canada Post"),
        ("3318810025", "DHL Express"),
        ("008182709980000020033350276C", "DPD"),
        ("07209562763", "Old Dominion"),
        ("C11031500001879", "OnTrac"),
        ("320595463938", "Purolator"),
    ],
)
def test_a_key_pressed_beside_the_right_one_is_seen(number: str, name: str):
    assert name in {form.name for form in read(number).forms}
    for place, digit in enumerate(number[:-1]):
        if digit.isdigit() and place > 3:
            mistyped = number[:place] + str((int(digit) + 1) % 10) + number[place + 1 :]
            assert name in {form.name for form in read(mistyped).misread}, mistyped


@given(st.text(max_size=80))
def test_anything_may_be_typed(text: str):
    reading = read(text)
    assert reading.number == "".join(text.split()).upper()
    assert judge(text, "UPS").certain
    assert not judge(text, "Parcel Post").certain


def test_a_retailers_own_names_of_carriers_are_understood():
    assert [known_carrier(name) for name in ("UPS", "ups-ground", "FedEx Express", "USPS", "Royal Mail 24", "DHL")] == [
        "ups", "ups", "fedex", "usps", "royal mail", "dhl",
    ]  # fmt: skip
    assert [known_carrier(name) for name in ("Post", "Parcel Post", "Upside Couriers", "")] == [""] * 4


def test_a_number_is_judged_for_its_carrier():
    assert judge("1Z 5R8 939 0357567127", "UPS")[:2] == ("1Z5R89390357567127", "")
    assert judge("1Z5R89390357567128", "UPS").is_misread
    assert not judge("hello", "UPS").is_misread
    assert "check digit is wrong" in judge("1Z5R89390357567128", "UPS").problem
    assert "looks like a number of ups" in judge("1Z5R89390357567127", "USPS").problem
    assert "no carrier's numbers look like it" in judge("hello", "UPS").problem
    assert judge("RB123456785GB", "Royal Mail").problem == ""
    assert judge("RB123456785GB", "USPS").problem != ""
    assert (
        judge("92748931507708513018050063", "FedEx").problem == ""
    )  # given on to the post for the last mile
    assert judge("PP-000-123", "Parcel Post")[:3] == (
        "PP-000-123",
        "no known carrier's numbers look like it",
        False,
    )
    assert judge("1Z5R89390357567128", "Parcel Post").problem.startswith("it looks like UPS")
