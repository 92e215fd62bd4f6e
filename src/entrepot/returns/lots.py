"""The price of a lot and its tax: who buys it, what each of its items bears, what it costs less by agreement. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from entrepot.catalog.rules import first_misfit, is_country
from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.parties import numbers
from entrepot.tax import rules as taxes
from entrepot.tax.rules import Exemption, Rate


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys a lot: a customer by their code, and whom and where the invoice names. It is personal data, and kept in
    the vault."""

    customer: str
    name: str
    country: str
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    email: str = ""
    tax_number: str = ""


def misfit_buyer(buyer: Buyer) -> Refused | None:
    """Why nobody can be billed so."""
    return first_misfit(
        ("customer", bool(buyer.customer.strip()), "a customer's code", buyer.customer),
        ("name", bool(buyer.name.strip()), "whom the invoice names", "nothing"),
        is_country("country", buyer.country),
    ) or misfit_number(buyer.country, buyer.tax_number)


def misfit_number(country: str, number: str) -> Refused | None:
    """Why a tax number can't be the buyer's: with one that is mistyped the lot would bear the tax that a business of
    another country owes itself. It is personal data, so it is not repeated."""
    found = numbers.check(country, number) if number.strip() else None
    if found is None or not found.problem:
        return None
    return Invalid(
        field="tax_number",
        expected=Said("a {0}, or none: then the lot bears the tax of {1}", found.kind, found.country),
        found="one whose form or check digits are wrong",
    )


class Bought(NamedTuple):
    """What an item of a lot is sold at: its part of the price without tax, and the tax of that."""

    price: int
    tax: int


class Terms(NamedTuple):
    """Where a lot goes, for its tax: as it is known of its buyer on the day that it leaves."""

    country: str
    region: str
    tax_number: str
    seller: str  # country
    rates: Sequence[Rate] = ()
    exemptions: Sequence[Exemption] = ()


class Item(NamedTuple):
    """Units of a SKU in a lot: its category for the tax, and what they are worth in the books."""

    category: str
    value: int
    units: int


def priced(price: int, items: Sequence[Item], terms: Terms, day: date) -> tuple[list[Bought], str]:
    """What each item is sold at, and why it bears that tax. The price is split by what the units are worth, else by
    how many they are; the tax is rounded once for each rate, as on the invoice."""
    values = [one.value for one in items]
    shares = money.share(price, values if any(values) else [one.units for one in items])
    amounts: dict[str, int] = {}
    for one, share in zip(items, shares, strict=True):
        amounts[one.category] = amounts.get(one.category, 0) + share
    told = taxes.expected(
        amounts, terms.rates, country=terms.country, region=terms.region, day=day, exemptions=terms.exemptions,
        is_shifted=_is_shifted(terms),
    )  # fmt: skip
    bears = [0] * len(items)
    if told.tax_minor:
        for rate, places in _by_rate(items, terms, day).items():
            net = [shares[place] for place in places]
            of = money.share(taxes.tax_on_top(sum(net), rate), net)
            for place, tax in zip(places, of, strict=True):
                bears[place] = tax
    return [Bought(*both) for both in zip(shares, bears, strict=True)], told.reason


def _is_shifted(terms: Terms) -> bool:
    """Whether the buyer owes the tax: a business of another country of the European Union, by a proved number."""
    number = numbers.check(terms.country, terms.tax_number) if terms.tax_number else None
    return terms.country != terms.seller and numbers.is_of_another_member(number, terms.seller)


def _by_rate(items: Sequence[Item], terms: Terms, day: date) -> dict[Decimal, list[int]]:
    found: dict[Decimal, list[int]] = {}
    for place, one in enumerate(items):
        rate = taxes.rate_on(terms.rates, terms.country, terms.region, one.category, day)
        if rate is not None:
            found.setdefault(rate.rate, []).append(place)
    return found


def reduced(amount: int, items: Sequence[Bought]) -> list[Bought]:
    """What each item costs less where a lot costs so much less, tax and all: each bears its part, and its tax falls as
    its price does. `amount` is at most what they cost."""
    parts = money.share(amount, [one.price + one.tax for one in items])
    taxes_ = [
        money.round_half_away(Decimal(part * one.tax) / (one.price + one.tax)) if one.price + one.tax else 0
        for part, one in zip(parts, items, strict=True)
    ]
    return [Bought(part - tax, tax) for part, tax in zip(parts, taxes_, strict=True)]
