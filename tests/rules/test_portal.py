"""The portal of customers: who is let in, what a retailer may set, how far a return is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns.portal import (
    STEPS,
    Portal,
    bare,
    contrast_with_white,
    numbers,
    proves,
    refund_step,
    step,
)
from entrepot.returns.states import REFUND


@pytest.mark.parametrize(
    ("said", "known", "told"),
    [
        ("ada@example.com", "ada@example.com", True),
        (" Ada@Example.COM ", "ada@example.com", True),
        ("ls1 4ap", "LS1 4AP", True),
        ("LS14AP", "LS1 4AP", True),
        ("ada@example.co", "ada@example.com", False),
        ("", "ada@example.com", False),
        ("", "", False),
        (" ", " ", False),
    ],
)
def test_what_proves_an_order(said, known, told):
    assert proves(said, known) is told


@given(st.text(), st.text())
def test_nothing_else_proves_it(said, known):
    plain = ["".join(one.split()).casefold() for one in (said, known)]
    assert proves(said, known) == (plain[0] == plain[1] != "")


def test_white_is_read_on_the_accent():
    assert contrast_with_white("#000000") == pytest.approx(21)
    assert contrast_with_white("#ffffff") == pytest.approx(1)
    assert contrast_with_white("#767676") == pytest.approx(4.54, abs=0.01), "the lightest gray of WCAG"
    Portal(accent="#767676")


@pytest.mark.parametrize(
    "wrong",
    [
        {"accent": "red"},
        {"accent": "#fff"},
        {"accent": "#eeeeee"},
        {"accent": "#000000; } body { display: none"},
        {"help": "javascript:alert(1)"},
        {"help": "http://example.com"},
        {"privacy": 'https://example.com/" onclick="x'},
    ],
)
def test_what_a_page_must_not_hold_is_no_policy(wrong):
    with pytest.raises(ValueError, match="expected"):
        Portal(**wrong)


def test_who_reads_another_language_is_greeted_in_it():
    portal = Portal(greeting="Hello", greetings={"de": "Guten Tag", "es": ""})
    found = [portal.greeting_in(one) for one in ("de", "en", "es", "")]
    assert found == ["Guten Tag", "Hello", "Hello", "Hello"]
    with pytest.raises(ValueError, match="greetings: expected languages among en, de, es, found tlh"):
        Portal(greetings={"tlh": "nuqneH"})


def test_addresses_of_help_and_privacy():
    Portal(help="mailto:help@example.com", privacy="https://example.com/privacy?lang=en")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (("requested", 2, 0, 0, 0), "asked"),
        (("authorized", 2, 0, 0, 0), "accepted"),
        (("received", 2, 1, 0, 0), "arrived"),
        (("inspected", 2, 2, 1, 0), "arrived"),
        (("disposed", 2, 2, 2, 0), "checked"),
        (("disposed", 2, 2, 2, 1), "checked"),
        (("disposed", 2, 2, 2, 2), "refunded"),
        (("authorized", 2, 0, 0, 2, 2), "accepted"),  # what is given before the goods come is no end
        (("received", 2, 1, 0, 2, 1), "arrived"),
        (("closed", 2, 0, 0, 2, 0), "refunded"),  # given up
        (("closed", 2, 2, 2, 2), "refunded"),
        (("declined", 2, 0, 0, 0), "declined"),
        (("cancelled", 0, 0, 0, 0), "cancelled"),
    ],
)
def test_how_far_a_return_is(found, told):
    assert step(*found) == told


def test_it_is_on_its_way_once_somebody_sent_it():
    assert step("authorized", 2, 0, 0, 0, 2, sent=True) == "on its way"
    assert step("requested", 2, 0, 0, 0, 2, sent=True) == "asked"
    assert step("received", 2, 1, 0, 0, 1, sent=True) == "arrived"


@given(st.integers(1, 9), st.data())
def test_a_return_never_goes_back(units, data):
    """With more that came, was done with or was refunded, a return is no less far."""
    counts = sorted(data.draw(st.lists(st.integers(0, units), min_size=3, max_size=3)), reverse=True)
    more = [data.draw(st.integers(one, units)) for one in counts]
    reached, before = (STEPS.index(step("received", units, *of, units - of[0])) for of in (more, counts))
    assert reached >= before


def test_a_refund_that_was_rejected_is_nobodys_to_see():
    told = {state: refund_step(state) for state in REFUND.states}
    assert [state for state, said in told.items() if not said] == ["rejected"]


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ("SO-100159", "SO-100159"),
        ("so-100159 ", "SO-100159"),
        ("So-100 159", "SO-100159"),
        ("1001", "#1001"),
        ("#1001", "1001"),
        ("# 1001", "#1001"),
        ("Shop-261128-Ab", "shop-261128-ab"),
        ("Gift No 7", "Gift No 7"),
    ],
)
def test_an_order_is_found_as_people_write_its_number(said, order):
    assert order in numbers(said)


@given(st.text(max_size=20))
def test_all_that_a_number_may_mean_counts_as_one_try(said):
    found = numbers(said)
    assert len(found) <= 7
    assert all(found), "nothing finds nothing"
    assert {bare(one) for one in found} <= {bare(said)}
