"""Whether goods are worth their way back: what they bring, against what it costs to have them here. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape
from entrepot.returns import recovery
from entrepot.returns.rules import Grade, Policy

Condition = Literal["unopened", "opened", "used", "damaged"]


@shape("returns.keeping", fraud_percent=(0, 100))
@dataclass(frozen=True, slots=True)
class Keeping:
    """What it costs to have goods back, in the company's own currency: the work on a unit, and `label_minor` for a
    parcel that no service of the house takes (None: then nobody knows, and nothing is kept). Of what was paid for goods
    that come back, `fraud_percent` is lost to swapped ones and empty boxes.

    `grades`: how units are expected to be found, by what their customer says of them; `unsaid` where he says nothing.
    """

    receiving_minor: int = 0
    inspection_minor: int = 0
    restock_minor: int = 0
    label_minor: int | None = None
    fraud_percent: int = 0
    grades: dict[Condition, Grade] = field(
        default_factory=lambda: {"unopened": "A", "opened": "B", "used": "C", "damaged": "D"}
    )
    unsaid: Grade = "B"


class Units(NamedTuple):
    """Units of a line that may come back: how their customer says they are, and of one its category, its price of
    today, what it had cost and what was paid for it, in the company's own currency; days since the sale."""

    quantity: int
    condition: str
    category: str
    price_minor: int
    cost_minor: int
    paid_minor: int
    age_days: int


class Sum(NamedTuple):
    """What all of it is expected to bring, and what it costs to have it here, in the company's own currency."""

    recovery_minor: int
    label_minor: int
    receiving_minor: int
    inspection_minor: int
    restock_minor: int
    fraud_minor: int

    @property
    def costs_minor(self) -> int:
        return sum(self[1:])

    @property
    def keeps(self) -> bool:
        """Whether it is cheaper to leave it with the customer."""
        return self.recovery_minor < self.costs_minor


def weigh(
    keeping: Keeping,
    recovering: recovery.Recovery,
    policy: Policy,
    goods: Sequence[Units],
    label_minor: int | None,
) -> Sum | None:
    """The sum of a parcel whose label costs so much (None: no service takes it); None where something of it is not
    known."""
    label = keeping.label_minor if label_minor is None else label_minor
    brings = [_brings(keeping, recovering, policy, one) for one in goods]
    if label is None or not goods or any(one is None for one in brings):
        return None
    units = sum(one.quantity for one in goods)
    paid = sum(one.paid_minor * one.quantity for one in goods)
    return Sum(
        sum(one for one in brings if one), label, keeping.receiving_minor * units, keeping.inspection_minor * units,
        keeping.restock_minor * units, round_half_away(Decimal(paid * keeping.fraud_percent) / 100),
    )  # fmt: skip


def _brings(keeping: Keeping, recovering: recovery.Recovery, policy: Policy, one: Units) -> int | None:
    """What units bring in the grade that is expected of them: the best way that is open, never less than nothing, for
    they may be thrown away. Where no sum decides, restocked goods bring what they cost, and given or thrown away ones
    nothing; of other ways nobody knows."""
    grade = keeping.grades.get(one.condition, keeping.unsaid)  # type: ignore[call-overload]
    goods = recovery.Goods(grade, one.category, one.price_minor, one.cost_minor, one.age_days)
    sums = recovery.sums(recovering, goods)
    if sums:
        return max(0, sums[0].total_minor) * one.quantity
    way = policy.dispositions.get(grade)
    if way == "restock":
        return one.cost_minor * one.quantity
    return 0 if way in ("donate", "dispose") else None
