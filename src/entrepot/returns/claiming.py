"""What carriers shall pay for on the ways of a return, by policy. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

from entrepot.kernel.shapes import shape
from entrepot.returns import matching
from entrepot.returns.rules import GRADES
from entrepot.shipping.trouble import CLAIMED

QUEUE = "claim_return"
"""Of returns of which something was found, or told, that a carrier may have to pay for."""

CONFIRMS = ("C", "D")
"""Grades of an inspection that confirm damage."""


@shape("returns.claims", within_days=(1, 365))
@dataclass(frozen=True, slots=True)
class Claims:
    """For what of returns claims to carriers are opened.

    `reasons`: of returns whose damage an inspection confirms, of the carrier that brought the goods to the customer.
    `defects`: codes of inspections, of the carrier whose label of ours brought the goods back. `events`: what carriers
    tell of parcels of our labels, and of those that went back to customers; a return that was given up although its
    parcel was scanned counts as `lost`. `within_days`: how long after the parcel was on its way its carrier takes a
    claim. `worth`: goods count at what was paid for them without tax (`refund`), or at their `cost`.
    """

    reasons: tuple[str, ...] = ("damaged_in_transit",)
    defects: tuple[str, ...] = ("damaged_in_transit",)
    events: tuple[str, ...] = ("lost", "damaged")
    within_days: int = 60
    worth: Literal["refund", "cost"] = "refund"

    def __post_init__(self) -> None:
        matching.check_names("returns.claims", (
            ("reasons", self.reasons, matching.REASONS_NAMED), ("events", self.events, CLAIMED),
        ))  # fmt: skip
        if any(not code or " " in code for code in self.defects):
            raise ValueError("returns.claims: defects: expected codes without spaces")

    def way_of_damage(self, reason: str, grade: str, codes: Iterable[str]) -> str:
        """On which way damage came to units, `out` to the customer or `back` from him; '' where no carrier is claimed
        of. What the customer says of the way out goes first: the units were damaged once."""
        assert grade in GRADES
        if grade in CONFIRMS and not matching.names_of(reason).isdisjoint(self.reasons):
            return "out"
        return "back" if not set(codes).isdisjoint(self.defects) else ""

    def kinds_of(self, told: Collection[str], *, given_up: bool = False, arrived: bool = False) -> list[str]:
        """The kinds that are claimed of a parcel's carrier, by what he told of it: what `arrived` was not lost."""
        found = {*told, *(("lost",) if given_up else ())} - (
            {"lost", "returned to sender"} if arrived else set()
        )
        return [kind for kind in CLAIMED if kind in found and kind in self.events]

    def due_on(self, sent_on: date) -> date:
        """The last day on which a carrier takes a claim."""
        return sent_on + timedelta(days=self.within_days)


class Content(NamedTuple):
    """Units in a parcel: what was paid for them, and what they cost, in the currency of the claim; None where nobody
    can say that in it."""

    paid: int
    cost: int | None


def worth(contents: Iterable[Content], policy: Claims) -> int:
    """What is in a parcel, by the policy; what nobody knows the cost of counts at what was paid."""
    by_cost = policy.worth == "cost"
    return sum(one.cost if by_cost and one.cost is not None else one.paid for one in contents)


def part(amount: int, units: int, of: int) -> int:
    """What some of so many units bear of an amount, a half rounded away from zero."""
    return (2 * amount * units + of) // (2 * of) if amount >= 0 else -part(-amount, units, of)
