"""The kernel's pure parts: money, state machines, refusals."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import money, wire
from entrepot.kernel.errors import NotFound, Refused, WrongState
from entrepot.kernel.states import machine

ISO = Path("/work/shared/data/iso")
AMOUNTS = st.integers(-(10**12), 10**12)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=40)


@given(AMOUNTS, WEIGHTS)
def test_shares_sum_to_the_amount_and_none_is_off_by_a_whole_unit(amount: int, weights: list[int]) -> None:
    parts = money.share(amount, weights)

    assert sum(parts) == amount
    total = sum(weights) or len(weights)
    exact = [Decimal(amount) * (weight if sum(weights) else 1) / total for weight in weights]
    assert all(abs(part - share) < 1 for part, share in zip(parts, exact, strict=True))


@given(AMOUNTS, st.integers(1, 300))
def test_units_of_a_line_are_the_even_share(amount: int, quantity: int) -> None:
    by_unit = [money.of_units(amount, quantity, i, 1) for i in range(quantity)]

    assert by_unit == money.share(amount, [1] * quantity)


@given(AMOUNTS, st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_any_sequence_of_parts_of_a_line_ends_at_its_amount(amount: int, parts: list[int]) -> None:
    quantity = sum(parts)
    for order in list(permutations(parts))[:24]:
        first, total = 0, 0
        for count in order:
            total += money.of_units(amount, quantity, first, count)
            first += count
        assert total == amount


@given(st.integers(-10_000, 10_000), st.decimals(0, 10_000, places=3))
def test_extended_amounts_of_opposite_quantities_are_opposite(quantity: int, price: Decimal) -> None:
    assert money.extend(-quantity, price, "GBP") == -money.extend(quantity, price, "GBP")


@pytest.mark.parametrize(
    ("quantity", "price", "currency", "minor"),
    [
        (1, "0.125", "GBP", 13),  # a half goes away from zero
        (-1, "0.125", "GBP", -13),
        (3, "2.95", "GBP", 885),
        (3, "100", "JPY", 300),
        (1, "1.2345", "KWD", 1235),
    ],
)
def test_extending_rounds_half_away_from_zero(quantity: int, price: str, currency: str, minor: int) -> None:
    assert money.extend(quantity, Decimal(price), currency) == minor


def test_what_another_currency_is_worth_is_told_in_the_own_one_and_back() -> None:
    rate = Decimal("0.005")  # pounds for a yen
    assert money.in_own(20_000, rate, "JPY", "GBP") == 10_000
    assert money.out_of_own(10_000, rate, "GBP", "JPY") == 20_000
    assert (money.in_own(7, rate, "GBP", "GBP"), money.out_of_own(7, rate, "GBP", "GBP")) == (7, 7)
    assert money.in_own(7, None, "JPY", "GBP") == 7, "compared as it is"
    assert money.out_of_own(7, None, "GBP", "JPY") == 0, "nobody decides alone"


@given(st.integers(0, 10**9), st.decimals("0.001", "1000", places=3), st.sampled_from(("USD", "JPY", "KWD")))
def test_a_limit_in_another_currency_is_worth_what_it_was_to_half_a_unit(
    minor: int, rate: Decimal, currency: str
) -> None:
    there = money.out_of_own(minor, rate, "GBP", currency)
    half = money.in_own(1, rate * 10**6, currency, "GBP") / Decimal(2 * 10**6)
    assert abs(money.in_own(there, rate, currency, "GBP") - minor) <= half + 1


def test_units_outside_the_line_are_an_error() -> None:
    with pytest.raises(ValueError, match="not within a line of 3"):
        money.of_units(100, 3, 2, 2)


DOOR = machine(
    "door", "open", ("close", "open", "closed"), ("lock", "closed", "locked"), ("open", "closed", "open")
)


def test_every_state_and_event_is_a_transition_or_a_named_refusal() -> None:
    moved = 0
    for state in DOOR.states:
        for event in DOOR.events:
            answer = DOOR.step(state, event)
            moved += isinstance(answer, str)
            assert isinstance(answer, (str, WrongState))

    assert moved == 3
    assert DOOR.step("open", "lock") == WrongState(
        subject="door", found="open", event="lock", expected="closed"
    )
    assert "door is open; lock needs it to be closed" in str(DOOR.step("open", "lock"))


def test_an_unknown_event_is_a_bug() -> None:
    with pytest.raises(LookupError):
        DOOR.step("open", "paint")


def test_the_diagram_names_every_transition() -> None:
    assert "closed --> locked: lock" in DOOR.mermaid()


def test_a_refusal_survives_the_wire() -> None:
    refusal = NotFound(what="order", which="SO-1")

    assert wire.refusal(refusal.code, refusal.facts) == refusal
    assert refusal.message == "There is no order SO-1."


def test_two_refusals_may_not_share_a_code() -> None:
    with pytest.raises(TypeError, match="used by both"):

        class Other(Refused):
            code = "kernel.not_found"


def test_currencies_have_the_digits_of_the_published_table() -> None:
    found = next(iter(ISO.glob("iso4217*.xml")), None)
    if found is None:
        pytest.skip("../shared/data is not here: the table of ISO 4217 can't be read")
    rows = [(row.findtext("Ccy"), row.findtext("CcyMnrUnts")) for row in ET.parse(found).iter("CcyNtry")]
    table = {code: int(digits) for code, digits in rows if code and digits and digits.isdigit()}
    assert len(table) > 150
    assert {code: money.exponent(code) for code in table} == table
    assert money.CURRENCIES.issuperset(table)
    assert money.CURRENCIES.isdisjoint({"XXX", "XTS", "QQQ", "gbp"})
