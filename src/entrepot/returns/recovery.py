"""What each way to go on with a unit is expected to bring, where the rules leave a choice. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from entrepot.kernel.errors import Said
from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape
from entrepot.returns.rules import DISPOSITIONS, GRADES


@dataclass(frozen=True, slots=True)
class Way:
    """What a disposition brings and costs, of one unit.

    `percents` are of its price of today, which is the list price, or without one what was paid without tax; or of its
    cost, by grade; a grade without one can't go
    this way. The price falls by `age_percent` for each 30 days since it was sold. `success_percent` is how often it
    works out; `days` it is kept for until then; `window_days` since it was sold it can go this way at all, as for
    credit of a vendor.
    """

    percents: dict[str, int]
    of: Literal["price", "cost"] = "price"
    age_percent: int = 0
    success_percent: int = 100
    refurbish_minor: int = 0
    handling_minor: int = 0
    holding_minor_per_day: int = 0
    days: int = 0
    fee_percent: int = 0
    window_days: int | None = None
    not_for: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not set(self.percents) <= set(GRADES):
            raise ValueError(
                f"percents: expected some of {', '.join(GRADES)}, found {', '.join(self.percents)}"
            )
        percents = (*self.percents.values(), self.age_percent, self.success_percent, self.fee_percent)
        if not all(0 <= one <= 100 for one in percents):
            raise ValueError("expected percents of 0 to 100")
        if min(self.refurbish_minor, self.handling_minor, self.holding_minor_per_day, self.days) < 0:
            raise ValueError("expected costs and days of 0 or more")


@shape("returns.recovery")
@dataclass(frozen=True, slots=True)
class Recovery:
    """Among which ways the expected recovery decides, by disposition. `grades` are those that it decides for; of
    others, and where no way is open, the policy `returns` decides alone.
    """

    grades: tuple[str, ...] = ()
    ways: dict[str, Way] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, found, known in (("grades", self.grades, GRADES), ("ways", self.ways, DISPOSITIONS)):
            if not set(found) <= set(known):
                raise ValueError(f"{name}: expected some of {', '.join(known)}, found {', '.join(found)}")


class Goods(NamedTuple):
    """A unit that was inspected: its grade and category, its price of today and what it had cost, in the company's own
    currency, and days since its sale."""

    grade: str
    category: str
    price_minor: int
    cost_minor: int
    age_days: int


class Sum(NamedTuple):
    """What a way is expected to bring of one unit: `gross` is what it sells for, times how often it works out;
    `work` is refurbishing and handling."""

    disposition: str
    gross_minor: int
    fee_minor: int
    work_minor: int
    holding_minor: int
    total_minor: int


def sums(policy: Recovery, goods: Goods) -> tuple[Sum, ...]:
    """What each way that is open brings, the best first; of equals the first of the policy. None where the sum does not
    decide."""
    if goods.grade not in policy.grades:
        return ()
    found = [_sum(name, way, goods) for name, way in policy.ways.items() if _is_open(way, goods)]
    return tuple(sorted(found, key=lambda one: -one.total_minor))


def _is_open(way: Way, goods: Goods) -> bool:
    return (
        goods.grade in way.percents
        and goods.category not in way.not_for
        and (way.window_days is None or goods.age_days <= way.window_days)
    )


def _sum(name: str, way: Way, goods: Goods) -> Sum:
    base = goods.price_minor if way.of == "price" else goods.cost_minor
    aged = max(0, 100 - way.age_percent * (goods.age_days // 30))
    gross = round_half_away(Decimal(base * way.percents[goods.grade] * aged * way.success_percent) / 100**3)
    fee = round_half_away(Decimal(gross * way.fee_percent) / 100)
    holding = way.holding_minor_per_day * way.days
    work = way.refurbish_minor + way.handling_minor
    return Sum(name, gross, fee, work, holding, gross - fee - work - holding)


def told(found: tuple[Sum, ...], say: str) -> Said:
    """Why the best one is proposed, in words; `say` is what the grade is."""
    best = found[0]
    if len(found) == 1:
        return Said("{0}: {1} is the one way that is open", say, _words(best))
    return Said("{0}: {1} is expected to bring the most, before {2}", say, _words(best), _words(found[1]))


def _words(one: Sum) -> str:
    return one.disposition.replace("_", " ")
