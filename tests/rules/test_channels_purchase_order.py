"""X12: a purchase order (850) as its supplier reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.channels.x12.envelope import read
from entrepot.channels.x12.purchase_order import (
    Partner,
    ShipTo,
    WantedLine,
    WantedOrder,
    plain,
    purchase_order,
    survives,
)

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PARTNER = Partner("HOUSE", "ZZ", "043109560", "01", is_test=True)
LINES = (
    WantedLine(1, "MUG-BLUE", "4006381333931", "Blue mug, 30 cl", 100, Decimal("2.500000"), date(2026, 3, 9)),
    WantedLine(2, "LAMP~OAK", "", "", 10, Decimal(120), None),
)
ORDER = WantedOrder(
    "PO-100001", "W*12", date(2026, 3, 2), "EUR", "The House", "Café Möbel & Söhne", "mobel", "North", "LDN",
    "LS1 4AP", "GB", LINES,
)  # fmt: skip


def test_an_order_is_read_again_as_it_was_written():
    found = read(purchase_order(ORDER, PARTNER, "100007", AT))
    assert (found.sender, found.receiver, found.is_test) == (("ZZ", "HOUSE"), ("01", "043109560"), True)
    assert found.control == "000100007"
    ((group, one),) = found.sets()
    assert (group.code, one.kind) == ("PO", "850")
    assert [(segment.name, *segment.elements) for segment in one.segments] == [
        ("BEG", "00", "SA", "PO-100001", "", "20260302"),
        ("CUR", "BY", "EUR"),
        ("REF", "CR", "W 12"),
        ("N1", "BY", "The House"),
        ("N1", "SU", "Cafe Mobel & Sohne", "92", "mobel"),
        ("N1", "ST", "North", "92", "LDN"),
        ("N4", "", "", "LS1 4AP", "GB"),
        ("PO1", "1", "100", "EA", "2.5", "PE", "BP", "MUG-BLUE", "EN", "4006381333931"),
        ("PID", "F", "", "", "", "Blue mug, 30 cl"),
        ("DTM", "002", "20260309"),
        ("PO1", "2", "10", "EA", "120", "PE", "BP", "LAMP OAK"),
        ("CTT", "2", "110"),
    ]


def test_a_cancellation_says_what_it_is_for_and_a_place_that_nobody_knows_is_left_out():
    text = purchase_order(replace(ORDER, postal_code="", country=""), PARTNER, "1", AT, "01")
    assert "BEG*01*SA*PO-100001" in text and "N4*" not in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"own_id": "A NUMBER THAT IS TOO LONG"}, {"own_id": "A*B"}, {"own_qualifier": "Z"}, {"their_id": ""},
        {"url": "ftp://edi.example"}, {"url": "edi.example/orders"},
    ],
)  # fmt: skip
def test_a_partner_that_no_envelope_has_room_for_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        replace(PARTNER, **wrong)


@given(st.text(max_size=200), st.integers(1, 80))
def test_text_of_a_document_separates_nothing_and_is_short_enough(text, most):
    found = plain(text, most)
    assert len(found) <= most and found.isascii()
    assert not set("*>~\n\r") & set(found)


@given(
    st.lists(
        st.tuples(st.text(max_size=60), st.integers(1, 10**6), st.decimals("0", "99999", places=6)),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_whatever_lines_say_the_document_is_sound(lines):
    wanted = tuple(
        WantedLine(place, f"SKU-{place}", "", name, units, cost, None)
        for place, (name, units, cost) in enumerate(lines, 1)
    )
    ((_, one),) = read(purchase_order(replace(ORDER, lines=wanted), PARTNER, "1", AT)).sets()
    items = [segment for segment in one.segments if segment.name == "PO1"]
    assert [int(item.at(2)) for item in items] == [units for _, units, _ in lines]
    assert [Decimal(item.at(4)) for item in items] == [cost for _, _, cost in lines]
    assert one.segments[-1].elements == (str(len(lines)), str(sum(units for _, units, _ in lines)))


TO = ShipTo("Zoë Ångström", "Łąka 7", "", "Århus", "Midtjylland", "8000", "DK", "+45 70 10 20 30")
DIRECT_ORDER = replace(
    ORDER, type="DS", node="", node_code="", postal_code="", country="", customer=TO, service="express",
    notes=("Til lykke",),
)  # fmt: skip


def test_what_the_supplier_sends_himself_says_to_whom():
    text = purchase_order(DIRECT_ORDER, PARTNER, "1", AT)
    ((_, one),) = read(text).sets()
    found = [(segment.name, *segment.elements) for segment in one.segments]
    start = found.index(("TD5", "", "", "", "", "express"))
    assert found[start : start + 9] == [
        ("TD5", "", "", "", "", "express"),
        ("N9", "L1", "GIFT MESSAGE"),
        ("MSG", "Til lykke"),
        ("N1", "BY", "The House"),
        ("N1", "SU", "Cafe Mobel & Sohne", "92", "mobel"),
        ("N1", "ST", "Zoe Angstrom"),
        ("N3", "Laka 7"),
        ("N4", "Arhus", "", "8000", "DK", "SP", "Midtjylland"),
        ("PER", "DC", "", "TE", "+45 70 10 20 30"),
    ]
    american = replace(DIRECT_ORDER, customer=replace(TO, region="NY", country="US"))
    assert "N4*Arhus*NY*8000*US~" in purchase_order(american, PARTNER, "1", AT)


def test_a_cancellation_of_it_names_nobody():
    text = purchase_order(replace(DIRECT_ORDER, customer=None, notes=()), PARTNER, "1", AT, "01")
    assert "BEG*01*DS*" in text and "N1*ST" not in text and "N3*" not in text


@given(st.lists(st.text(max_size=70), min_size=8, max_size=8), st.text(max_size=400))
def test_whatever_an_address_says_the_document_is_sound(parts, note):
    text = purchase_order(replace(DIRECT_ORDER, customer=ShipTo(*parts), notes=(note,)), PARTNER, "7", AT)
    ((_, one),) = read(text).sets()
    assert text.isascii() and [each.name for each in one.segments].count("PO1") == len(LINES)


@given(st.text(max_size=40))
def test_what_survives_has_as_many_letters_and_digits_as_it_had(text):
    assert survives(text) == all(plain(sign, 9) for sign in text if sign.isalnum())
    assert not survives("Αθήνα") and survives("Łódź 12") and plain("Groß-Ørsted", 60) == "Gross-Orsted"
