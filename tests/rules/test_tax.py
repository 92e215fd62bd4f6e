"""The tax of a line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from entrepot.tax.rules import Exemption, Rate, expected, rate_on, tax_of_line, tax_on_top, tax_within

EARLY, LATE = date(2010, 1, 1), date(2011, 1, 4)
GB = Rate("GB", "", "", EARLY, Decimal("0.175"))
GB_NOW = Rate("GB", "", "", LATE, Decimal("0.2"))
BOOKS = Rate("GB", "", "books", EARLY, Decimal(0))
US = Rate("US", "", "", EARLY, Decimal(0))
CALIFORNIA = Rate("US", "CA", "", EARLY, Decimal("0.0725"))
RATES = [GB, GB_NOW, BOOKS, US, CALIFORNIA]

AMOUNTS = st.integers(-(10**17), 10**17)
SHARES = st.decimals(0, Decimal("0.999999"), places=6)


def test_the_rate_is_the_latest_that_is_in_force():
    assert rate_on(RATES, "GB", "", "", date(2011, 1, 3)) is GB
    assert rate_on(RATES, "GB", "", "", LATE) is GB_NOW
    assert rate_on(RATES, "GB", "", "", date(2009, 12, 31)) is None


def test_a_category_of_its_own_stands_before_the_standard_rate():
    assert rate_on(RATES, "GB", "", "books", LATE) is BOOKS
    assert rate_on(RATES, "GB", "", "mugs", LATE) is GB_NOW


def test_a_region_stands_before_its_country_and_an_unknown_one_has_the_countrys():
    assert rate_on(RATES, "US", "CA", "", LATE) is CALIFORNIA
    assert rate_on(RATES, "US", "OR", "", LATE) is US
    assert rate_on(RATES, "DE", "", "", LATE) is None


@given(
    st.permutations(RATES),
    st.sampled_from(["GB", "US"]),
    st.sampled_from(["", "CA"]),
    st.dates(EARLY, date(2030, 1, 1)),
)
def test_the_order_in_which_rates_are_listed_does_not_matter(rates, country, region, day):
    assert rate_on(rates, country, region, "books", day) == rate_on(RATES, country, region, "books", day)


def test_a_half_goes_away_from_zero():
    assert tax_on_top(25, Decimal("0.1")) == 3  # 2.5
    assert tax_on_top(-25, Decimal("0.1")) == -3
    assert tax_on_top(1000, Decimal("0.0725")) == 73  # 72.5


def test_what_is_inside_a_gross_price():
    assert tax_within(1200, Decimal("0.2")) == 200
    assert tax_within(999, Decimal("0.2")) == 166  # 166.5: the net amount is the one that is rounded away
    assert tax_within(-999, Decimal("0.2")) == -166


@given(AMOUNTS, SHARES)
def test_the_tax_on_top_is_off_by_half_a_penny_at_most(net, rate):
    exact = Fraction(net) * Fraction(rate)
    assert abs(tax_on_top(net, rate) - exact) <= Fraction(1, 2)
    if abs(tax_on_top(net, rate) - exact) == Fraction(1, 2):
        assert abs(tax_on_top(net, rate)) > abs(exact)


@given(AMOUNTS, SHARES)
def test_the_tax_within_is_off_by_half_a_penny_at_most(gross, rate):
    exact = Fraction(gross) * Fraction(rate) / (1 + Fraction(rate))
    assert abs(tax_within(gross, rate) - exact) <= Fraction(1, 2)


@given(AMOUNTS, SHARES)
def test_a_gross_amount_gives_back_the_tax_that_was_put_on_top(net, rate):
    tax = tax_on_top(net, rate)
    assert tax_within(net + tax, rate) == tax


@given(AMOUNTS, SHARES)
def test_a_credit_bears_the_tax_of_its_sale(amount, rate):
    assert tax_on_top(-amount, rate) == -tax_on_top(amount, rate)
    assert tax_within(-amount, rate) == -tax_within(amount, rate)


@given(AMOUNTS, st.integers(0, 10**6), SHARES)
def test_more_is_never_taxed_less(amount, more, rate):
    assert tax_on_top(amount, rate) <= tax_on_top(amount + more, rate)
    assert tax_within(amount, rate) <= tax_within(amount + more, rate)


@given(
    AMOUNTS,
    st.booleans(),
    st.sampled_from(["GB", "US", "DE"]),
    st.sampled_from(["", "CA"]),
    st.sampled_from(["", "books"]),
)
def test_net_and_tax_make_gross_and_the_given_amount_is_one_of_them(
    amount, inclusive, country, region, category
):
    line = tax_of_line(
        RATES, amount, inclusive=inclusive, country=country, region=region, category=category, day=LATE
    )
    assert line.net_minor + line.tax_minor == line.gross_minor
    assert (line.gross_minor if inclusive else line.net_minor) == amount
    assert line.reason


def test_the_line_says_which_rate_it_has():
    given_ = {"inclusive": False, "country": "US", "region": "CA", "category": "", "day": LATE}
    line = tax_of_line(RATES, 1000, **given_)
    assert (line.tax_minor, line.rate, line.reason) == (
        73,
        Decimal("0.0725"),
        "the standard rate of US-CA since 2010-01-01",
    )
    books = tax_of_line(RATES, 1000, **given_ | {"country": "GB", "region": "", "category": "books"})
    assert (books.tax_minor, books.reason) == (0, "the rate of books of GB since 2010-01-01")
    nowhere = tax_of_line(RATES, 1000, **given_ | {"country": "DE", "region": ""})
    assert (nowhere.tax_minor, nowhere.reason) == (0, "no rate is in force in DE on 2011-01-04")


# ---- what an order should bear


def of(amounts, country="GB", region="", day=LATE, **more):
    return expected(amounts, RATES, country=country, region=region, day=day, **more)


def test_an_order_bears_the_rates_of_its_goods():
    assert of({"": 100_00, "books": 50_00}).tax_minor == 20_00
    assert of({"": 100_00, "books": 50_00}).reason == "0 %, 20 % in GB"
    assert of({"": 100_00}, "US", "CA").reason == "7.25 % in US-CA"
    assert (of({"": 1}, "DE").tax_minor, of({"": 1}, "DE").reason) == (0, "no rate is in force in DE")


@given(st.dictionaries(st.sampled_from(("", "books", "mugs")), st.integers(0, 10**9), min_size=1))
def test_invariant_9_categories_of_one_rate_are_summed_before_they_are_rounded(amounts):
    taxed = amounts.get("", 0) + amounts.get("mugs", 0)
    assert of(amounts).tax_minor == tax_on_top(taxed, Decimal("0.2"))
    assert of(amounts, is_shifted=True).tax_minor == 0


@given(st.dates(date(2011, 1, 4), date(2011, 12, 31)), st.sampled_from(("", "GB", "DE")))
def test_an_exemption_counts_in_its_country_from_its_first_day_to_its_last(day, country):
    proof = Exemption(country, "EX-1", date(2011, 3, 1), date(2011, 6, 30))
    found = of({"": 100_00}, day=day, exemptions=[proof])
    is_exempt = country in ("", "GB") and date(2011, 3, 1) <= day <= date(2011, 6, 30)
    assert found.tax_minor == (0 if is_exempt else 20_00)
    assert ("EX-1" in found.reason) == is_exempt
