"""Amounts as Stripe counts them: in minor units, but for a few currencies. Pure."""

from __future__ import annotations

from entrepot.kernel import money

DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Digits after the point that Stripe counts by, where they are not those of ISO 4217: two of which nothing is used
any more, and one that it never counted in parts."""
STEP_OF_THREE = 10
"""Of currencies with three digits Stripe takes none whose last one is not 0: banks behind it know two."""


def step_of(currency: str) -> int:
    """The minor units in which Stripe takes a currency."""
    return STEP_OF_THREE if money.exponent(currency) == 3 else 10 ** max(0, -_shift(currency))


def _shift(currency: str) -> int:
    return DIGITS.get(currency, money.exponent(currency)) - money.exponent(currency)


STEPPED = tuple(one for one in sorted(money.CURRENCIES) if step_of(one) > 1)
"""Currencies of which Stripe does not take every amount."""


def misfit(minor: int, currency: str) -> str:
    """Why Stripe would not take an amount; '' where it does."""
    step = step_of(currency)
    if minor > 0 and minor % step == 0:
        return ""
    return f"Stripe takes {currency} in steps of {money.text(step, currency)}, found {money.text(minor, currency)}"


def to_stripe(minor: int, currency: str) -> int:
    """An amount of ours, which is no misfit."""
    shift = _shift(currency)
    return minor * 10**shift if shift >= 0 else minor // 10**-shift


def from_stripe(amount: int, currency: str) -> int | None:
    """An amount of Stripe's in our minor units; None where it has a part that the currency does not have."""
    shift = _shift(currency)
    if shift < 0:
        return int(amount * 10**-shift)
    return None if amount % 10**shift else int(amount // 10**shift)
