"""Goods of second grade are sold as a SKU of their own, at no more than they will bring. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from entrepot.kernel.errors import Said
from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape
from entrepot.returns.rules import GRADES

GRADED = ("B", "C", "D")
"""Grades that a SKU may have another one for; what is as new is sold as what it is."""

FROM = "second_grade"
"""The disposition whose units can be decided about again, while nothing followed it."""

AGAIN = ("second_grade", "refurbish", "return_to_vendor", "liquidate", "donate", "dispose")
"""What can be done with them then; `second_grade` sells them as the SKU that is named for them by now."""


@shape("returns.second_grade", sell_percent=(0, 100))
@dataclass(frozen=True, slots=True)
class SecondGrade:
    """What goods of second grade will bring: the list price of the SKU that they are sold as; where that has none,
    `percents` of the price of what they were, by grade. Of either `sell_percent`, and `sell_minor` for each unit, is
    what it costs to sell them. Where neither has a price nothing is written down."""

    percents: dict[str, int] = field(default_factory=lambda: {"B": 70, "C": 40, "D": 10})
    sell_percent: int = 0
    sell_minor: int = 0

    def __post_init__(self) -> None:
        if not set(self.percents) <= set(GRADES) or not all(
            0 <= one <= 100 for one in self.percents.values()
        ):
            raise ValueError(f"percents: expected 0 to 100 for some of {', '.join(GRADES)}")
        if self.sell_minor < 0:
            raise ValueError("sell_minor: expected 0 or more")


class Worth(NamedTuple):
    """What units will bring when the cost of selling them is paid, in minor units; None where nobody knows."""

    minor: int | None
    why: str


def worth(policy: SecondGrade, grade: str, units: int, own: int | None, before: int | None) -> Worth:
    """What `units` will bring: `own` is the list price of all of them as what they are sold as, `before` as what they
    were, None where there is no price."""
    if own is not None:
        return Worth(
            _net(policy, units, own), Said("the price of what it is sold as, less what selling costs")
        )
    percent = policy.percents.get(grade)
    if before is None or percent is None:
        return Worth(None, Said("nothing: there is no price for it"))
    price = round_half_away(Decimal(before * percent) / 100)
    return Worth(
        _net(policy, units, price),
        Said("{0} % of its price for grade {1}, less what selling costs", percent, grade),
    )


def _net(policy: SecondGrade, units: int, price: int) -> int:
    return max(
        0, price - round_half_away(Decimal(price * policy.sell_percent) / 100) - policy.sell_minor * units
    )


def value(cost: int, found: Worth) -> int:
    """What units are worth from then on: what they cost, or what they will bring where that is less."""
    return cost if found.minor is None else min(cost, found.minor)
