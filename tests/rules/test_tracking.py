"""Tracking numbers: whose they are and whether they were read right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.carriage.tracking import judge, known_carrier, read

COURIERS = Path(__file__).parents[3] / "shared/data/tracking/couriers"
OURS = {
    "landmark.json": "landmark", "canadapost.json": "canada post", "old_dominion.json": "old dominion",
    "s10.json": "post", "speedee.json": "spee-dee",
}  # fmt: skip
"""Files whose carrier the table calls otherwise than the file is called."""


def published(kind: str) -> list[tuple[str, str]]:
    """(carrier, number) of the numbers that the public collection calls valid, or invalid for that carrier."""
    found = []
    for path in sorted(COURIERS.glob("*.json")) if COURIERS.exists() else []:
        carrier = OURS.get(path.name, path.stem)
        for form in json.loads(path.read_text())["tracking_numbers"]:
            found += [(carrier, number) for number in form["test_numbers"].get(kind, ())]
    return found


@pytest.mark.skipif(not COURIERS.exists(), reason="the collection of tracking numbers is not here")
def test_every_published_number_is_recognized_and_every_wrong_one_is_not():
    valid, invalid = published("valid"), published("invalid")
    assert len(valid) > 100
    assert len(invalid) > 50
    assert [one for one in valid if one[0] not in read(one[1]).carriers] == []
    assert [one for one in invalid if one[0] in read(one[1]).carriers] == []


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
    assert "check digit is wrong" in judge("1Z5R89390357567128", "UPS").problem
    assert "looks like a number of ups" in judge("1Z5R89390357567127", "USPS").problem
    assert "no carrier's numbers look like it" in judge("hello", "UPS").problem
    assert judge("RB123456785GB", "Royal Mail").problem == ""
    assert judge("RB123456785GB", "USPS").problem != ""
    assert (
        judge("92748931507708513018050063", "FedEx").problem == ""
    )  # given on to the post for the last mile
    assert judge("PP-000-123", "Parcel Post") == (
        "PP-000-123",
        "no known carrier's numbers look like it",
        False,
    )
    assert judge("1Z5R89390357567128", "Parcel Post").problem.startswith("it looks like UPS")
