"""What of revenue is left: which component of profit an account's amounts are, and what units are expected to lose by
coming back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple

from entrepot.kernel import money

COMPONENTS = (
    "goods", "shipping", "discounts", "other income", "cost", "freight", "packaging", "fees",
    "refunds", "return fees", "cost taken back", "losses on returns", "expected returns", "recovered", "lost payments",
    "stock", "currency", "other expenses", "labor", "cartons",
)  # fmt: skip
"""What profit is made of, in the order in which a statement tells it."""

RETURNS = (
    "refunds", "return fees", "cost taken back", "losses on returns", "recovered", "expected returns",
)  # fmt: skip
"""Components by which what comes back changes the margin."""

CALCULATED = ("labor", "cartons")
"""Components that no account holds: worked out from standard times and what cartons cost."""

OWN_INCOME, OWN_EXPENSE = -1, -2
"""In place of its number, an own account that counts as no standard one, by its type."""

_OF_ACCOUNT = {
    OWN_INCOME: "other income", OWN_EXPENSE: "other expenses",
    4000: "goods", 4010: "shipping", 4020: "other income", 4030: "return fees", 4040: "return fees",
    4090: "discounts", 4100: "refunds", 4110: "expected returns", 4120: "refunds",
    5000: "cost", 5010: "expected returns", 5100: "stock", 5110: "stock", 5200: "fees", 5210: "fees", 5220: "fees",
    5300: "lost payments", 5310: "lost payments", 5320: "losses on returns", 5400: "other income",
    5365: "losses on returns", 5410: "losses on returns",
    5420: "packaging", 5500: "freight", 5510: "freight", 5520: "recovered", 5600: "stock", 5620: "recovered",
    5550: "other expenses",
    5330: "stock", 5340: "losses on returns", 5350: "recovered", 5360: "losses on returns",
    5700: "currency", 5710: "currency",
}  # fmt: skip

_BACK = ("return.", "credit.")
"""Source kinds of what is given back."""


def component(account: int, event: str, kind: str) -> str:
    """The component that an amount is. `account`: the standard one that its own counts as, or what stands for none."""
    if kind in CALCULATED:
        return kind
    if event == "stock.return":
        return "cost taken back"
    own = _OF_ACCOUNT.get(account, "other income")
    return "refunds" if kind.startswith(_BACK) and own in ("goods", "shipping", "discounts") else own


@dataclass(frozen=True, slots=True)
class Profit:
    """What was earned and spent on the units of a group, in minor units: costs are below zero.

    `at_risk_minor` is what those of them that may still come back are expected to lose, beside the sums.
    """

    name: str
    units: int = 0
    returned: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)
    at_risk_minor: int = 0

    def sum_of(self, *components: str) -> int:
        return sum(self.amounts.get(one, 0) for one in components)

    @property
    def revenue_minor(self) -> int:
        return self.sum_of("goods", "shipping", "discounts", "other income")

    @property
    def returns_minor(self) -> int:
        """By how much what came back changed the margin; below zero where it cost."""
        return self.sum_of(*RETURNS)

    @property
    def booked_minor(self) -> int:
        """Profit as the books have it."""
        return sum(self.amounts.values()) - self.sum_of(*CALCULATED)

    @property
    def profit_minor(self) -> int:
        """Profit after what no account holds."""
        return sum(self.amounts.values())

    @property
    def per_unit_minor(self) -> int | None:
        """Of each unit that left, on average."""
        return money.nearest(self.profit_minor, self.units) if self.units else None

    @property
    def eroded_percent(self) -> float:
        """What returns took of the margin that the sales had made."""
        before = self.booked_minor - self.returns_minor
        return -100 * self.returns_minor / before if before > 0 else 0.0


def merged(found: Iterable[Profit]) -> list[Profit]:
    """Groups of the same name as one."""
    sums: dict[str, list[Any]] = {}
    for one in found:
        row = sums.setdefault(one.name, [0, 0, {}, 0])
        row[0], row[1], row[3] = row[0] + one.units, row[1] + one.returned, row[3] + one.at_risk_minor
        for name, amount in one.amounts.items():
            row[2][name] = row[2].get(name, 0) + amount
    return [Profit(name, *row) for name, row in sums.items()]


def total(found: Iterable[Profit]) -> Profit:
    """All groups as one."""
    return next(iter(merged(replace(one, name="") for one in found)), Profit(""))


class Risk(NamedTuple):
    """Units of a SKU that may still come back: what they were sold for and cost."""

    sold_minor: int
    cost_minor: int


PRIOR_UNITS = 20
"""A SKU's own rate counts against the company's as so many units more or less: few units say little."""


def return_rate(returned: int, left: int, overall: Fraction) -> Fraction:
    """The share of a SKU's units that comes back: its own, drawn towards that of all the company sells."""
    return (returned + PRIOR_UNITS * overall) / (left + PRIOR_UNITS)


def recovered_share(taken_back_minor: int, lost_minor: int) -> Fraction:
    """What of their cost returned goods are still worth; all of it where none has come back."""
    if taken_back_minor <= 0:
        return Fraction(1)
    return max(Fraction(0), min(Fraction(1), Fraction(taken_back_minor - lost_minor, taken_back_minor)))


def at_risk(one: Risk, rate: Fraction, recovered: Fraction) -> int:
    """What units are expected to lose: the probability that they come back × (what is refunded − what is recovered)."""
    loss = rate * (one.sold_minor - one.cost_minor * recovered)
    return money.nearest(loss.numerator, loss.denominator)


def of_each_unit(amounts: Mapping[str, int], units: int) -> list[dict[str, int]]:
    """The amounts of a line split to its units, each to the last minor unit and the earlier first."""
    shares = {name: money.share(amount, [1] * units) for name, amount in amounts.items()}
    return [{name: parts[place] for name, parts in shares.items()} for place in range(units)]


@dataclass(frozen=True, slots=True)
class Eroded:
    """A month's margin before returns, and by group what they took of it: a loss is above zero."""

    month: str
    before_minor: int
    taken: Mapping[str, int]

    @property
    def taken_minor(self) -> int:
        return sum(self.taken.values())

    @property
    def percent(self) -> float:
        return 100 * self.taken_minor / self.before_minor if self.before_minor > 0 else 0.0


REST = "…"
"""What groups beyond the largest are gathered under."""


def erosion(found: Sequence[tuple[str, Profit]], largest: int) -> list[Eroded]:
    """From (month, profit of a group): each month's erosion by the groups that lost most in all, the rest as one."""
    sums: dict[str, int] = {}
    for _, one in found:
        sums[one.name] = sums.get(one.name, 0) - one.returns_minor
    named = sorted((name for name in sums if sums[name]), key=lambda name: (-sums[name], name))
    kept = set(named if len(named) <= largest else named[: largest - 1])
    months: dict[str, tuple[int, dict[str, int]]] = {}
    for month, one in found:
        before, taken = months.setdefault(month, (0, {}))
        if one.returns_minor:
            name = one.name if one.name in kept else REST
            taken[name] = taken.get(name, 0) - one.returns_minor
        months[month] = (before + one.booked_minor - one.returns_minor, taken)
    return [Eroded(month, *months[month]) for month in sorted(months)]
