"""What of a delivery is taken, what is looked at before it may be sold, and when a line is over. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.shapes import shape
from entrepot.purchasing import errors

ARRIVES_AS = ("sellable", "damaged")
"""What a person at the dock can say of goods; what waits for a quality check is said by plan."""


@shape("purchasing.receiving")
@dataclass(frozen=True, slots=True)
class Receiving:
    """How far what a supplier sends may differ from what was ordered. The scope is the supplier's code; the policy
    without a scope is for all others."""

    over_percent: int = 0
    """Percent of a line's units that may come beyond what was ordered, rounded down."""
    under_percent: int = 0
    """Where no more than this percent of a line's units is missing, nothing more is expected of it."""
    shelf_life_days: int = 0
    """Days that goods with a date must still keep when they come; what has expired is never taken."""

    def __post_init__(self) -> None:
        if (
            not 0
            <= min(self.over_percent, self.under_percent)
            <= max(self.over_percent, self.under_percent)
            <= 100
        ):
            raise ValueError("over_percent and under_percent: expected 0 to 100")
        if self.shelf_life_days < 0:
            raise ValueError("shelf_life_days: expected 0 or more")

    def over(self, quantity: int) -> int:
        """Units of a line that may come beyond what was ordered."""
        return quantity * self.over_percent // 100

    def given_up(self, quantity: int, received: int) -> int:
        """Units that are not expected any more, of a line of which something came."""
        rest = quantity - received
        return rest if 0 < rest <= quantity * self.under_percent // 100 else 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Of the deliveries of a SKU, a category, a supplier, or all: which are looked at, how many units of them, and how
    many may be bad for the rest to be sold."""

    sku: str = ""
    category: str = ""
    supplier: str = ""
    every: int = 1
    sample_percent: int = 100
    sample_min: int = 1
    defects_max: int = 0

    def __post_init__(self) -> None:
        if self.every < 1 or self.sample_min < 1 or self.defects_max < 0:
            raise ValueError("every, sample_min: expected 1 or more; defects_max: 0 or more")
        if not 0 <= self.sample_percent <= 100:
            raise ValueError("sample_percent: expected 0 to 100")

    def fits(self, sku: str, category: str, supplier: str) -> bool:
        return self.sku in ("", sku) and self.category in ("", category) and self.supplier in ("", supplier)

    @property
    def narrowness(self) -> tuple[bool, bool, bool]:
        return bool(self.sku), bool(self.category), bool(self.supplier)


@shape("purchasing.quality")
@dataclass(frozen=True, slots=True)
class Quality:
    """Which deliveries wait until somebody has looked at them. Of the plans that fit, the one that names most counts: a
    SKU before a category before a supplier."""

    plans: tuple[Plan, ...] = ()
    """Plans, each with what it is for (sku, category, supplier) and how much is looked at (every, sample_percent,
    sample_min, defects_max)."""

    def plan_for(self, sku: str, category: str, supplier: str) -> Plan | None:
        fitting = [plan for plan in self.plans if plan.fits(sku, category, supplier)]
        return max(fitting, key=lambda plan: plan.narrowness, default=None)


class Sample(NamedTuple):
    """How many units of a delivery are looked at before any of it is sold, and why."""

    units: int
    defects_max: int
    why: str


def sample(plan: Plan | None, nth: int, quantity: int) -> Sample | None:
    """What is looked at of units of the n-th delivery of a SKU by a supplier: of the first, and then of every so
    many."""
    if plan is None or (nth - 1) % plan.every:
        return None
    units = min(quantity, max(plan.sample_min, -(-quantity * plan.sample_percent // 100)))
    named = next((one for one in (plan.sku, plan.category, plan.supplier) if one), "all")
    why = Said("delivery {0}: one in {1} is looked at, by the plan for {2}", nth, plan.every, named)
    if plan.every == 1:
        why = Said("every delivery is looked at, by the plan for {0}", named)
    return Sample(units, plan.defects_max, why)


class Verdict(NamedTuple):
    """What becomes of units that were held: sold, damaged, or sent nowhere until the supplier has answered."""

    passed: int
    damaged: int
    quarantined: int
    why: str


def judge(quantity: int, looked_at: int, defects: int, defects_max: int) -> Verdict | Refused:
    """The units of a delivery by what was found in its sample: the rest is like the sample, so too many bad ones keep
    all of it from being sold."""
    if not 0 <= defects <= looked_at:
        return Invalid(
            field="defects", expected=Said("0 to {0}, the units looked at", looked_at), found=defects
        )
    if defects <= defects_max or looked_at == quantity:
        why = Said("{0} of {1} were bad, {2} may be", defects, looked_at, defects_max)
        return Verdict(quantity - defects, defects, 0, why)
    why = Said("{0} of {1} were bad, more than {2}", defects, looked_at, defects_max)
    return Verdict(0, defects, quantity - defects, why)


class MadeGood(NamedTuple):
    """What a claim stands at after an answer, and what that moves: money to come of the supplier, and his credit."""

    agreed: int
    credited: int
    recognized: int
    received: int


def made_good(answer: str, amount: int | None, claimed: int, agreed: int) -> MadeGood:
    """An answer of a supplier: without an amount what he agreed to before, or else all that is claimed."""
    if answer == "agree":
        after = claimed if amount is None else amount
        return MadeGood(after, 0, after - agreed, 0)
    if answer == "credit":
        after = amount if amount is not None else agreed or claimed
        return MadeGood(after, after, after - agreed, after)
    return MadeGood(0, 0, -agreed, 0)


def misfit_arrival(
    status: str, note: str, serials: Sequence[str], quantity: int, number: int
) -> Refused | None:
    """Why units can't have come so: a status that the dock can't tell, damage unsaid, serials that don't fit."""
    if status not in ARRIVES_AS:
        return Invalid(
            field=Said("status of line {0}", number), expected=" or ".join(ARRIVES_AS), found=status
        )
    if status == "damaged" and not note:
        return Invalid(field=Said("note of line {0}", number), expected="what is damaged", found="nothing")
    if serials and len(serials) != quantity:
        expected = Said("{0}, one for each unit", quantity)
        return Invalid(field=Said("serials of line {0}", number), expected=expected, found=len(serials))
    if any(not one for one in serials):
        return Invalid(
            field=Said("serials of line {0}", number), expected="no empty one", found="an empty one"
        )

    return None


def misfit_expiry(
    sku: str, lot: str, expires_on: date | None, today: date, policy: Receiving
) -> Refused | None:
    """Why goods with a date are not taken: they have expired, or keep for too short."""
    if expires_on is None:
        return None
    if expires_on < today:
        return errors.Expired(sku=sku, lot=lot or "without a name", expires_on=expires_on.isoformat())
    least = today + timedelta(days=policy.shelf_life_days)
    if expires_on < least:
        return errors.ShelfLife(
            sku=sku, lot=lot or "without a name", expires_on=expires_on.isoformat(), least=least.isoformat()
        )
    return None


def of_supplier(policies: Mapping[str, Receiving], supplier: str) -> Receiving:
    """The policy for a supplier, by its code; else the one for all."""
    return policies.get(supplier) or policies.get("") or Receiving()
