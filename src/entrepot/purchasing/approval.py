"""Which purchase orders wait for a second person: the policy, what an order is worth, and how far it may grow. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from entrepot.kernel import money
from entrepot.kernel.errors import Refused
from entrepot.kernel.shapes import shape
from entrepot.purchasing.errors import NeedsApproval

PAIR = "order×approve"
"""Whoever orders beyond the limit does not approve it."""
MOST_MINOR = 2**63 - 1
"""The limit that an order bears where the policy has none."""


@shape("purchasing.approval")
@dataclass(frozen=True, slots=True)
class Approval:
    """Up to which worth one person orders from a supplier alone."""

    alone_up_to_minor: int | None = None
    """An order that is worth more, in minor units of the company's currency at the rate of the day, waits until another
    person approves it; so does one in a currency that has no rate. Empty: none waits."""

    def __post_init__(self) -> None:
        if self.alone_up_to_minor is not None and not 0 <= self.alone_up_to_minor < MOST_MINOR:
            raise ValueError(
                f"alone_up_to_minor: expected 0 or more, or nothing, found {self.alone_up_to_minor}"
            )

    @property
    def limit(self) -> int:
        return MOST_MINOR if self.alone_up_to_minor is None else self.alone_up_to_minor

    def waits(self, worth: int | None) -> bool:
        """Whether an order of a worth, None where nobody knows it, waits for a second person."""
        return self.alone_up_to_minor is not None and (worth is None or worth > self.alone_up_to_minor)


def worth(lines: Iterable[tuple[int, Decimal]], currency: str, home: str, rate: Decimal | None) -> int | None:
    """What lines, of units at a cost in a currency, are worth in the company's own; None without a rate."""
    total = sum(money.extend(quantity, cost, currency) for quantity, cost in lines)
    if currency != home:
        if rate is None:
            return None
        total = money.at_rate(total, rate, currency, home)
    return min(total, MOST_MINOR)


def misfit_raised(
    number: str, before: Decimal, after: Decimal, worth: int | None, policy: Approval, currency: str
) -> Refused | None:
    """Why an order can't be changed: it would become more than it was, in its own currency, and be worth more than one
    person orders alone. What becomes no more passes, whatever its currency is worth by now."""
    if after <= before or not policy.waits(worth):
        return None
    return NeedsApproval(
        number=number, expected=money.told(policy.limit, currency),
        found="?" if worth is None else money.told(worth, currency),
    )  # fmt: skip
