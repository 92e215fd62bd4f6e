"""What a SKU must be like."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog.rules import SIDE_MAX, WEIGHT_MAX, RegisterSku, first_misfit, misfit

SKU = RegisterSku(1, "MUG", "A mug")


def test_the_first_field_that_does_not_fit_is_named_with_what_was_expected_and_found():
    refusal = misfit(replace(SKU, status="gone", weight_g=-1))
    assert refusal.message == "status: expected one of active, discontinued, found gone."
    assert (
        misfit(replace(SKU, code="")).message == "code: expected a code, without blanks around it, found ''."
    )


def test_nothing_that_fits_is_refused():
    assert misfit(SKU) is None
    assert first_misfit() is None


@given(
    weight=st.integers(0, WEIGHT_MAX), length=st.integers(0, SIDE_MAX),
    price=st.none() | st.decimals(0, 10**11, places=6), age=st.integers(0, 150),
)  # fmt: skip
def test_every_measure_up_to_the_largest_and_every_price_that_the_table_can_hold_is_taken(
    weight, length, price, age
):
    sku = replace(
        SKU, weight_g=weight, length_mm=length, minimum_age=age, list_price=price, standard_cost=price
    )
    assert misfit(sku) is None


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_price_is_taken_only_where_six_places_hold_it_exactly(price):
    taken = misfit(replace(SKU, list_price=price)) is None
    exact = price.is_finite() and 0 <= price < 10**12 and price * 10**6 % 1 == 0
    assert taken == exact


@pytest.mark.parametrize("price", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E+400")])
def test_what_is_no_number_is_no_price(price):
    assert misfit(replace(SKU, standard_cost=price)).facts["field"] == "standard_cost"
