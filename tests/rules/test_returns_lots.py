"""The price of a lot and its tax, and what it costs less by agreement."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.returns.lots import Bought, Buyer, Item, Terms, misfit_buyer, priced, reduced
from entrepot.tax.rules import Exemption, Rate

DAY = date(2026, 10, 5)
RATES = (
    Rate("GB", "", "", date(2020, 1, 1), Decimal("0.2")),
    Rate("GB", "", "books", date(2020, 1, 1), Decimal("0.05")),
    Rate("DE", "", "", date(2020, 1, 1), Decimal("0.19")),
)
HERE = Terms("GB", "", "", "GB", RATES)
WORTH = st.lists(
    st.builds(Item, st.sampled_from(["", "toys", "books"]), st.integers(0, 10**6), st.integers(1, 99)),
    min_size=1,
    max_size=12,
)


def test_each_rate_bears_its_own_tax():
    """100.00 over goods worth 3 to 1: 75.00 at 20 % and 25.00 at 5 %."""
    bought, reason = priced(10_000, [Item("toys", 300, 1), Item("books", 100, 9)], HERE, DAY)
    assert bought == [Bought(7_500, 1_500), Bought(2_500, 125)]
    assert reason == "5 %, 20 % in GB"


def test_where_nothing_is_worth_anything_units_count():
    bought, _ = priced(400, [Item("", 0, 3), Item("", 0, 1)], HERE, DAY)
    assert bought == [Bought(300, 60), Bought(100, 20)]


@pytest.mark.parametrize(
    ("terms", "tax", "reason"),
    [
        (Terms("DE", "", "", "FR", RATES), 19, "19 % in DE"),
        (Terms("DE", "", "DE136695976", "FR", RATES), 0, "a business of another country owes it itself"),
        (Terms("DE", "", "DE136695970", "FR", RATES), 19, "19 % in DE"),  # check digits that are wrong
        (Terms("DE", "", "DE136695976", "DE", RATES), 19, "19 % in DE"),
        (
            Terms("DE", "", "DE136695976", "GB", RATES),
            19,
            "19 % in DE",
        ),  # who sells from outside of the Union
        (Terms("US", "", "", "GB", RATES), 0, "no rate is in force in US"),
        (
            Terms("GB", "", "", "GB", RATES, (Exemption("GB", "X-1", date(2026, 1, 1), None),)),
            0,
            "the customer is exempt by X-1",
        ),
    ],
)
def test_the_tax_is_that_of_the_buyers_country(terms: Terms, tax: int, reason: str):
    assert priced(100, [Item("", 10, 1)], terms, DAY) == ([Bought(100, tax)], reason)


@given(st.integers(0, 10**9), WORTH)
def test_invariant_28_the_items_of_a_lot_bear_its_price_and_the_tax_of_each_rate(price, items):
    bought, _ = priced(price, items, HERE, DAY)
    assert sum(one.price for one in bought) == price
    for books, rate in ((True, Decimal("0.05")), (False, Decimal("0.2"))):
        own = [one for one, item in zip(bought, items, strict=True) if (item.category == "books") is books]
        net, tax = sum(one.price for one in own), sum(one.tax for one in own)
        assert abs(tax - net * rate) <= Decimal("0.5"), "rounded once for the rate"
        assert all(abs(one.tax - one.price * rate) < 2 for one in own)


@given(st.integers(0, 10**7), WORTH, st.fractions(0, 1))
def test_invariant_28_what_costs_less_is_shared_to_the_penny_and_never_more_than_it_cost(price, items, part):
    bought, _ = priced(price, items, HERE, DAY)
    owed = sum(map(sum, bought))
    amount = int(owed * part)
    less = reduced(amount, bought)
    assert sum(map(sum, less)) == amount
    assert all(
        0 <= one.tax <= of.tax and 0 <= one.price <= of.price for one, of in zip(less, bought, strict=True)
    )
    if amount == owed:
        assert less == bought, "all of it"


def test_whom_nobody_can_bill():
    fits = Buyer("JOB", "Jobber Ltd", "GB")
    assert misfit_buyer(fits) is None
    for buyer in (Buyer(" ", "J", "GB"), Buyer("J", " ", "GB"), Buyer("J", "J", "gb"), Buyer("J", "J", "")):
        assert isinstance(misfit_buyer(buyer), Invalid)


@pytest.mark.parametrize(
    ("country", "number", "kind"),
    [
        ("DE", "DE136695970", "VAT number of DE"),
        ("GR", "094259217", "VAT number of EL"),
        ("GB", "GB980780685", "tax number of GB"),
        ("US", "12-345", "EIN"),
    ],
)
def test_a_tax_number_that_is_mistyped_is_refused_and_not_repeated(country: str, number: str, kind: str):
    refused = misfit_buyer(Buyer("J", "J", country, tax_number=number))
    assert isinstance(refused, Invalid)
    assert refused.message == (
        f"tax_number: expected a {kind}, or none: then the lot bears the tax of {country}, found one whose form or"
        " check digits are wrong."
    )


@pytest.mark.parametrize(
    ("country", "number"),
    [("DE", "de 136 695 976"), ("FR", "DE136695976"), ("DE", ""), ("DE", "  "), ("XX", "whatever it is")],
)
def test_a_tax_number_that_may_be_one_is_taken(country: str, number: str):
    assert misfit_buyer(Buyer("J", "J", country, tax_number=number)) is None
