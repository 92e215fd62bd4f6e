"""Amounts in minor units and prices: the one place where money is rounded and split. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

_ONE = Decimal(1)
EXPONENTS = {
    code: digits
    for digits, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for code in codes.split()
}
"""Digits after the point of the currencies that do not have two (ISO 4217)."""
_PAID_WITH = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD
KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR
NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN
SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF
XCD XCG XOF XPF YER ZAR ZMW ZWG ZWL
"""
CURRENCIES = frozenset(_PAID_WITH.split())
"""What somebody can pay with (ISO 4217), and what went out of use in the last years."""


def exponent(currency: str) -> int:
    """Digits after the point of a currency."""
    return EXPONENTS.get(currency, 2)


def text(minor: int, currency: str) -> str:
    """An amount with the currency's decimals, for programs and terminals."""
    return with_digits(minor, exponent(currency))


def with_digits(minor: int, digits: int) -> str:
    """A number of parts as a decimal of so many digits after the point."""
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{part:0{digits}}" if digits else f"{sign}{whole}"


def told(minor: int, currency: str) -> str:
    """An amount with its currency, for the sentences of refusals and reasons: `12.50 GBP`."""
    return f"{text(minor, currency)} {currency}"


def extend(quantity: int, unit_price: Decimal, currency: str) -> int:
    """Quantity × price in minor units, rounded half away from zero."""
    return round_half_away(unit_price * quantity * (10 ** exponent(currency)))


def round_half_away(value: Decimal) -> int:
    """The nearest whole number; a half goes away from zero, so that −x rounds to the negative of x."""
    return int(value.quantize(_ONE, rounding=ROUND_HALF_UP))


def at_rate(minor: int, rate: Decimal, currency: str, other: str) -> int:
    """An amount of a currency in another one, at so many units of that for one of its own."""
    return round_half_away(minor * minor_at(rate, currency, other))


def minor_at(rate: Decimal, currency: str, other: str) -> Decimal:
    """What a minor unit of a currency is worth in those of another, at so many units of that for one of its own."""
    return rate * Decimal(10) ** (exponent(other) - exponent(currency))


def in_own(minor: int, rate: Decimal | None, currency: str, own: str) -> int:
    """An amount in a company's own currency, by which rules compare, where a unit of its currency costs `rate` of that;
    as it is where nobody knows what it was worth."""
    return minor if rate is None or currency == own else at_rate(minor, rate, currency, own)


def out_of_own(minor: int, rate: Decimal | None, own: str, currency: str) -> int:
    """The other way, for a limit of a policy: nothing where nobody knows what it is worth."""
    if currency == own:
        return minor
    return at_rate(minor, 1 / rate, own, currency) if rate else 0


def nearest(over: int, under: int) -> int:
    """The whole number nearest to a quotient; a half goes away from zero."""
    size = (2 * abs(over) + under) // (2 * under)
    return size if over >= 0 else -size


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an amount over weights by largest remainder; ties go to the earlier. The parts sum to the amount.

    Where all weights are zero the amount is split evenly.
    """
    if not weights:
        if amount:
            raise ValueError(f"nothing to split {amount} over")
        return []
    if any(weight < 0 for weight in weights):
        raise ValueError(f"weights must not be negative: {list(weights)}")
    if len(weights) == 1:
        return [amount]
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    sign, size = (-1, -amount) if amount < 0 else (1, amount)
    parts = [size * weight // total for weight in weights]
    left_over = size - sum(parts)
    if left_over:
        remainders = [-(size * weight % total) for weight in weights]
        # Sorting keeps the order of equals, so that the earlier comes first.
        for i in sorted(range(len(weights)), key=remainders.__getitem__)[:left_over]:
            parts[i] += 1
    return [sign * part for part in parts]


def of_units(amount: int, quantity: int, first: int, count: int) -> int:
    """What units first … first+count−1 of a line of `quantity` units bear of its amount.

    The same split as `share` over equal weights, in closed form: so any sequence of partial shipments, cancellations
    and returns of a line sums to its amount.
    """
    if not 0 <= first <= first + count <= quantity:
        raise ValueError(f"units {first} to {first + count} are not within a line of {quantity}")
    if quantity == 0:
        return 0
    sign, size = (-1, -amount) if amount < 0 else (1, amount)
    each, over = divmod(size, quantity)
    last = first + count
    return sign * (each * count + min(last, over) - min(first, over))
