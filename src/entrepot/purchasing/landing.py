"""A bill for bringing goods here, spread over the goods. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, Refused, Said, one_of

KINDS = ("freight", "duty", "insurance", "handling")
BASES = ("value", "weight", "quantity", "volume")
AMOUNT_MAX = 10**12


class Arrived(NamedTuple):
    """A line of a receipt, with what a bill may be spread by: of all its units."""

    line: UUID
    receipt: UUID
    node: UUID
    sku: UUID
    sku_code: str
    quantity: int
    value_minor: int
    weight_g: int
    volume_mm3: int

    def weight(self, basis: str) -> int:
        return {
            "value": self.value_minor,
            "weight": self.weight_g,
            "quantity": self.quantity,
            "volume": self.volume_mm3,
        }[basis]


def misfit(kind: str, basis: str, amount_minor: int, payee: str, external_id: str) -> Refused | None:
    """Why a bill can't be taken, whatever it is for."""
    if kind not in KINDS:
        return Invalid(field="kind", expected=one_of(KINDS), found=kind)
    if basis not in BASES:
        return Invalid(field="basis", expected=one_of(BASES), found=basis)
    if not amount_minor or abs(amount_minor) > AMOUNT_MAX:
        return Invalid(
            field="amount_minor", expected="an amount; below zero for a credit", found=amount_minor
        )
    if not payee.strip() or not external_id.strip():
        return Invalid(field="external_id", expected="who sent the bill, and its number", found="nothing")
    return None


def spread(amount_minor: int, basis: str, lines: Sequence[Arrived]) -> list[int] | Refused:
    """The part of each line, to the last minor unit, by largest remainder."""
    weights = [one.weight(basis) for one in lines]
    without = [one.sku_code for one, weight in zip(lines, weights, strict=True) if not weight]
    if without and basis != "value":
        return Invalid(
            field="basis",
            expected=Said("SKUs that all have a {0}", basis),
            found=", ".join(sorted(set(without))),
        )
    return money.share(amount_minor, weights)
