"""The tax of a line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from entrepot.kernel.money import round_half_away


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of a category of goods in a country or a region of it, from a day on."""

    country: str
    region: str
    category: str
    valid_from: date
    rate: Decimal


def rate_on(rates: Sequence[Rate], country: str, region: str, category: str, day: date) -> Rate | None:
    """The rate in force: of the region before the country's, of the category before the standard ('') one."""
    holds = [
        rate
        for rate in rates
        if rate.country == country
        and rate.region in ("", region)
        and rate.category in ("", category)
        and rate.valid_from <= day
    ]
    return max(holds, key=lambda rate: (rate.region != "", rate.category != "", rate.valid_from), default=None)


def tax_on_top(net_minor: int, rate: Decimal) -> int:
    """The tax that is added to a net amount, rounded half away from zero."""
    return round_half_away(net_minor * rate)


def tax_within(gross_minor: int, rate: Decimal) -> int:
    """The tax that a gross amount includes."""
    return gross_minor - round_half_away(gross_minor / (1 + rate))
