"""What balances in other currencies are worth: differences by settling them, and by measuring them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from entrepot.kernel import money

REVALUED = "currency.revalued"
"""The event under which differences of rates are posted: they have no amount in the currency itself."""

MONETARY = frozenset({
    1000, 1100, 1120, 1150, 1160, 1170, 1175, 1180, 1190, 2000, 2050, 2150, 2300, 2400, 2410,
})  # fmt: skip
"""Accounts whose balances are to be received or paid in money: worth what the rate of the day says."""

ADVANCES = frozenset({2100})
"""What was paid before goods left is worth what it was when it was paid; a difference comes when they leave."""

MEASURED = MONETARY | ADVANCES

DECIMALS = 9
RATE_END = 10**9
"""A rate is kept with so many decimals and is below that, as its column has it."""


class Held(NamedTuple):
    """A balance in another currency, and what it is carried at in the company's own; debit above zero."""

    amount: int
    worth: int


class Flow(NamedTuple):
    """A journal line: its amount, and what it was posted at."""

    amount: int
    worth: int


def settle(held: Held, flows: Iterable[Flow]) -> tuple[Held, int]:
    """The balance after lines in their order, and the difference that settling brought: a gain above zero.

    What adds to a balance is carried at what it was posted at. What takes from it takes its part of what the whole is
    carried at; the last of it takes what is left.
    """
    amount, worth = held
    realized = 0
    for flow in flows:
        if amount * flow.amount >= 0:
            amount, worth = amount + flow.amount, worth + flow.worth
            continue
        part = min(abs(flow.amount), abs(amount))
        taken = money.nearest(worth * part, abs(amount))
        posted = money.nearest(flow.worth * part, abs(flow.amount))
        realized -= taken + posted
        left = part < abs(flow.amount)  # it goes through zero: the rest begins anew
        amount += flow.amount
        worth = flow.worth - posted if left else worth - taken
    return Held(amount, worth), realized


def at_rate(held: Held, rate: Decimal, scale: int) -> Held:
    """The balance at a rate; `scale`: by how many digits the company's minor units are finer than the currency's."""
    return Held(held.amount, money.round_half_away(held.amount * rate * Decimal(10) ** scale))
