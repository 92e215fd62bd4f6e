"""X12: a purchase order (850) as its supplier reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.channels.x12.envelope import read
from entrepot.channels.x12.purchase_order import Partner, WantedLine, WantedOrder, plain, purchase_order

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
