"""What of the sales is still expected to come back, by month of sale: the refund liability, and the right to the goods.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from entrepot.kernel.money import round_half_away

WHOLE = Decimal(100)
_FINE = Decimal("0.0001")


class Cohort(NamedTuple):
    """What was sold in a month and has come back of it, in minor units: revenue and cost. What left before the window
    is in neither; of that, `asked` is asked back and still to be refunded, and `asked_cost` still to come."""

    month: date
    sold: int
    cost: int
    returned: int
    returned_cost: int
    asked: int = 0
    asked_cost: int = 0


@dataclass(frozen=True, slots=True)
class Basis:
    """By what is measured: so many percent come back, and so many of their cost are recovered. `cohorts`: months of
    sales that it was observed on; 0: the policy says so."""

    percent: Decimal
    recovered: Decimal = WHOLE
    cohorts: int = 0


class Measured(NamedTuple):
    """A cohort, the refund liability and the right-of-return asset for what is still expected of it."""

    of: Cohort
    liability: int
    asset: int


def measure(cohorts: Iterable[Cohort], basis: Basis) -> list[Measured]:
    """Each cohort by itself: where more came back than was expected, that says nothing of the others. What is asked
    back is certain."""
    return [
        Measured(
            one,
            max(0, round_half_away(one.sold * basis.percent / WHOLE) - one.returned) + one.asked,
            round_half_away(
                (max(0, round_half_away(one.cost * basis.percent / WHOLE) - one.returned_cost) + one.asked_cost)
                * basis.recovered / WHOLE
            ),
        )
        for one in cohorts
    ]  # fmt: skip


def sums(measured: Iterable[Measured]) -> tuple[int, int]:
    """Liability and asset of all cohorts."""
    liability = asset = 0
    for one in measured:
        liability, asset = liability + one.liability, asset + one.asset
    return liability, asset


def observed(over: Sequence[tuple[int, int]], taken_back: int, lost: int) -> Basis | None:
    """The rate at which sales whose window is over came back, as (sold, returned) of each month, and what of the cost
    of goods that came back was not lost, less what recovering it cost; None where nothing was sold."""
    sold = sum(one for one, _ in over)
    if sold <= 0:
        return None
    back = Decimal(sum(one for _, one in over)) * WHOLE / sold
    kept = Decimal(taken_back - lost) * WHOLE / taken_back if taken_back > 0 else WHOLE
    return Basis(_percent(back), _percent(kept), len(over))


def _percent(value: Decimal) -> Decimal:
    return min(WHOLE, max(Decimal(0), value)).quantize(_FINE)
