"""The tax of a line. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from entrepot.catalog.rules import first_misfit, is_country
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.money import round_half_away

STANDARD = ""
"""The category that stands for all that have no rate of their own."""


@dataclass(frozen=True, slots=True)
class RegisterRate:
    """A rate from a day on, 0.2 is 20 %; `region` '' is all of the country, `category` '' the standard rate."""

    company: int
    country: str
    rate: Decimal
    valid_from: date
    region: str = ""
    category: str = STANDARD
    key: str | None = None


def misfit(rate: RegisterRate) -> Refused | None:
    """Why a rate can't be one."""
    fits = rate.rate.is_finite() and 0 <= rate.rate < 1 and rate.rate == round(rate.rate, 6)
    return first_misfit(
        is_country("country", rate.country),
        (
            "region",
            rate.region == rate.region.strip(),
            "a region without blanks around it",
            repr(rate.region),
        ),
        ("rate", fits, "0 or more, below 1, with at most six places", rate.rate),
    )


@dataclass(frozen=True, slots=True)
class RegisterExemption:
    """A customer, by their code, who pays no tax in a country, '' in none, and the certificate that says so.

    The days from `valid_from` to `valid_until` are those of the order; without the latter it has no end.
    """

    company: int
    customer: str
    certificate: str
    valid_from: date
    country: str = ""
    valid_until: date | None = None
    key: str | None = None


def misfit_exemption(one: RegisterExemption) -> Refused | None:
    """Why an exemption can't be one."""
    certificate = one.certificate
    return first_misfit(
        is_country("country", one.country, ""),
        (
            "certificate",
            bool(certificate) and certificate == certificate.strip(),
            "what the certificate is called",
            certificate,
        ),
        (
            "valid_until",
            one.valid_until is None or one.valid_until >= one.valid_from,
            f"{one.valid_from} or later",
            one.valid_until,
        ),
    )


def jurisdiction_code(country: str, region: str) -> str:
    """How people name a jurisdiction: GB, US-CA."""
    return f"{country}-{region}" if region else country


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of a category of goods in a country or a region of it, from a day on."""

    country: str
    region: str
    category: str
    valid_from: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Exemption:
    """Where and when a customer pays no tax; `country` '' is everywhere."""

    country: str
    certificate: str
    valid_from: date
    valid_until: date | None

    def holds(self, country: str, day: date) -> bool:
        """Whether it counts in a country on a day."""
        ends = self.valid_until
        return self.country in ("", country) and self.valid_from <= day and (ends is None or day <= ends)


@dataclass(frozen=True, slots=True)
class LineTax:
    """The tax of a line, in minor units, and why: net + tax = gross."""

    net_minor: int
    tax_minor: int
    gross_minor: int
    rate: Decimal
    reason: str


@lru_cache(maxsize=512)
def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %"


def rate_on(rates: Sequence[Rate], country: str, region: str, category: str, day: date) -> Rate | None:
    """The rate in force on a day, or None where nothing is taxed.

    The region's own rates stand before the country's, those of the category before the standard ones, and of each
    the latest.
    """
    holds = [
        rate
        for rate in rates
        if rate.country == country
        and rate.region in ("", region)
        and rate.category in (STANDARD, category)
        and rate.valid_from <= day
    ]
    return max(
        holds, key=lambda rate: (rate.region != "", rate.category != STANDARD, rate.valid_from), default=None
    )


def tax_on_top(net_minor: int, rate: Decimal) -> int:
    """The tax that is added to a net amount, rounded half away from zero."""
    return round_half_away(net_minor * rate)


def tax_within(gross_minor: int, rate: Decimal) -> int:
    """The tax that a gross amount includes: what is left of it when the net amount, rounded half away, is taken out.

    The gross amount made by `tax_on_top` gives its tax back exactly.
    """
    return gross_minor - round_half_away(gross_minor / (1 + rate))


def tax_of_line(
    rates: Sequence[Rate],
    amount_minor: int,
    *,
    inclusive: bool,
    country: str,
    region: str,
    category: str,
    day: date,
) -> LineTax:
    """The tax of a line delivered to a place on a day. `inclusive`: the amount has the tax in it already.

    Where no rate is in force, the tax is 0 and the reason says so: whether that may be, the caller decides.
    """
    rate = rate_on(rates, country, region, category, day)
    if rate is None:
        where = jurisdiction_code(country, region)
        return LineTax(amount_minor, 0, amount_minor, Decimal(0), f"no rate is in force in {where} on {day}")
    tax = tax_within(amount_minor, rate.rate) if inclusive else tax_on_top(amount_minor, rate.rate)
    net = amount_minor - tax if inclusive else amount_minor
    kind = f"the rate of {rate.category}" if rate.category else "the standard rate"
    where = jurisdiction_code(rate.country, rate.region)
    return LineTax(net, tax, net + tax, rate.rate, f"{kind} of {where} since {rate.valid_from}")


@dataclass(frozen=True, slots=True)
class Expected:
    """The tax that an order should bear, and why. `is_known`: there are rates, or a reason that it bears none."""

    tax_minor: int
    reason: str
    is_known: bool = True


def expected(
    amounts: Mapping[str, int],
    rates: Sequence[Rate],
    *,
    country: str,
    region: str,
    day: date,
    exemptions: Sequence[Exemption] = (),
    is_shifted: bool = False,
) -> Expected:
    """The tax on net amounts by category of goods, delivered to a place on a day.

    `is_shifted`: the buyer owes it themselves (reverse charge). Rounded once for each rate: whoever rounds line by line
    is off by half a minor unit for each of them at most.
    """
    proof = next((one for one in exemptions if one.holds(country, day)), None)
    if proof is not None:
        return Expected(0, Said("the customer is exempt by {0}", proof.certificate))
    if is_shifted:
        return Expected(0, Said("a business of another country owes it itself"))
    where = jurisdiction_code(country, region) or "an unknown country"
    by_rate: dict[Decimal, int] = {}
    for category, amount in amounts.items():
        rate = rate_on(rates, country, region, category, day)
        if rate is not None:
            by_rate[rate.rate] = by_rate.get(rate.rate, 0) + amount
    if not by_rate:
        return Expected(0, Said("no rate is in force in {0}", where), is_known=False)
    shares = ", ".join(map(_percent, sorted(by_rate)))
    return Expected(
        sum(tax_on_top(amount, rate) for rate, amount in by_rate.items()), Said("{0} in {1}", shares, where)
    )
