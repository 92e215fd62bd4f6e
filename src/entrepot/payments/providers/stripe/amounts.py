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


def in_steps(minor: int, currency: str, before: int = 0) -> int:
    """What Stripe is asked for of an amount: all of it that was asked for by then, rounded to the step, less what was
    before. So parts that make an amount on the step make it at Stripe as well, and never more is given back than was
    taken."""
    step = step_of(currency)
    return (_half_up(before + minor, step) - _half_up(before, step)) * step


def _half_up(minor: int, step: int) -> int:
    return (minor + step // 2) // step


def too_little(minor: int, currency: str) -> str:
    """Why an amount that is nothing of a step is not asked for."""
    step = money.text(step_of(currency), currency)
    return f"Stripe takes {currency} in steps of {step}, found {money.text(minor, currency)}"


def to_stripe(minor: int, currency: str) -> int:
    """An amount of ours, which is one of steps."""
    shift = _shift(currency)
    return minor * 10**shift if shift >= 0 else minor // 10**-shift


def from_stripe(amount: int, currency: str) -> int | None:
    """An amount of Stripe's in our minor units; None where it has a part that the currency does not have."""
    shift = _shift(currency)
    if shift < 0:
        return int(amount * 10**-shift)
    return None if amount % 10**shift else int(amount // 10**shift)
