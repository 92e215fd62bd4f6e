"""What a message shows to readers who may not see people."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.kernel.masking import MASK, Shown, masked, personal, readable, shown
from tests import x12


def test_ids_codes_times_and_figures_stay_and_people_do_not():
    said = {
        "order": "0198a3f2-0000-7000-8000-000000000001", "sku": "MUG-BLUE", "quantity": 3, "paid": True, "lot": None,
        "placed_at": "2026-11-23T09:00:00Z", "shipTo": {"line1": "1", "city": "Leeds", "zip": 12345},
        "customerEmail": "ada@example.com", "said": "call Ada", "rows": [{"firstName": "Ada", "units": 2}],
    }  # fmt: skip
    told = json.loads(masked(json.dumps(said)))

    assert told == said | {
        "shipTo": {"line1": MASK, "city": MASK, "zip": MASK}, "customerEmail": MASK, "said": MASK,
        "rows": [{"firstName": MASK, "units": 2}],
    }  # fmt: skip


def test_what_is_no_json_is_masked_whole_and_what_names_nobody_is_not_masked():
    assert masked("UNH+1+ORDERS'NAD+BY+Ada'") == MASK
    assert shown("<x/>", sees_people=False) == Shown(MASK, hides=True)
    assert shown("<x/>", sees_people=True) == Shown("<x/>", hides=False)
    assert not shown('{"sku": "MUG-BLUE", "quantity": 1}', sees_people=False).hides


def test_of_an_interchange_the_segments_that_name_somebody_are_masked():
    text = x12.document(x12.notice("N1", x12.order("PO-1", x12.item("A", 2))))
    assert shown(text, sees_people=False) == Shown(text, hides=False)
    named = text.replace("HL*2*1*O~", "N1*ST*Ada Byron~\nN3*1 Street~\nPER*IC*Ada*TE*555~\nHL*2*1*O~")
    told = shown(named, sees_people=False)
    assert told.hides
    assert not any(word in told.content for word in ("Ada", "Street", "*555"))
    assert told.content.replace(f"N1*{MASK}~\nN3*{MASK}~\nPER*{MASK}~\n", "") == text


@given(st.text(max_size=200))
def test_what_only_begins_like_an_interchange_is_masked_whole(text):
    assert len(text) >= 103 or masked("ISA" + text) == MASK
    assert readable('{"a":1}') == '{\n  "a": 1\n}' and readable("<x/>") == "<x/>"


@pytest.mark.parametrize("field", ["name", "shipToName", "ship_to_phone", "ADDRESS", "email2", "buyerNote"])
def test_fields_that_may_tell_of_a_person(field):
    assert personal(field)


@settings(max_examples=20)
@given(st.text("aé Z9@.", min_size=1), st.sampled_from(["name", "email", "street", "phone"]))
def test_nothing_of_a_personal_field_is_left(text, field):
    assert json.loads(masked(json.dumps({field: {"x": [text]}}))) == {field: {"x": [MASK]}}
