"""What a charge of a carrier belongs to, and by how much it is off. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.shapes import shape
from entrepot.settlement import errors

TOTAL, FREIGHT = "total", "freight"
LINES_MAX = 20_000
CREDIT = Said("a credit of the carrier: accept it, once the charge that it is for is accepted as well")
WEIGHED_AGAIN = "weighed again:"
"""How it begins why a charge differs where that is for its parcel's weight: beyond what scales may differ."""
AMOUNT_MAX = 10**12


@shape("settlement.carriers")
@dataclass(frozen=True, slots=True)
class CarrierTolerance:
    """How far a carrier's charge may be from what was accrued without a person looking at it.

    The greater of an amount and a share (hundredths of a percent) of what was expected. `weight_g`: by how much the
    carrier's scale may differ. Who took an invoice may accept a charge in question up to `alone_up_to_minor`; a larger
    one is accepted by another person.
    """

    amount_minor: int = 50
    per_10k: int = 200
    weight_g: int = 100
    alone_up_to_minor: int = 1_000


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of a carrier's invoice: a charge for a parcel, by its tracking number; below 0 a credit for one.

    `charge` is `total` for all of a parcel's carriage, `freight` for the rate alone, or a surcharge: `fuel`,
    `residential`, `remote`, `oversize`, `overweight`, or the carrier's own word for another.
    """

    tracking: str
    amount_minor: int
    charge: str = TOTAL
    weight_g: int = 0


class Due(NamedTuple):
    """A label, or a shipment without one: what its carriage was accrued at, by charge."""

    unit: UUID
    shipment: UUID
    charges: Mapping[str, int]
    weight_g: int
    voided: bool
    currency: str


class Charged(NamedTuple):
    """A line with what it belongs to. `expected` of the accrual is released by it; `difference` is billed beyond."""

    line: Billed
    state: str
    unit: UUID | None
    shipment: UUID | None
    expected: int
    difference: int
    why: str


def misfit(external_id: str, lines: Sequence[Billed], total: int, currency: str) -> Refused | None:
    """Why an invoice can't be taken."""
    for place, line in enumerate(lines, 1):
        wrong = _wrong(line)
        if wrong:
            field, expected, found = wrong
            return errors.NotACharge(
                external_id=external_id, line=place, field=field, expected=expected, found=found
            )
    if not 0 < len(lines) <= LINES_MAX:
        return errors.NotACharge(
            external_id=external_id,
            line=0,
            field="lines",
            expected=Said("1 to {0}", LINES_MAX),
            found=len(lines),
        )
    made = sum(line.amount_minor for line in lines)
    if made != total:
        return errors.InvoiceDoesNotAddUp(
            external_id=external_id, expected=money.told(total, currency), found=money.told(made, currency)
        )
    return None


def _wrong(line: Billed) -> tuple[str, str, object] | None:
    if not line.tracking.strip():
        return "tracking", "a tracking number", "nothing"
    if abs(line.amount_minor) > AMOUNT_MAX:
        return "amount_minor", "minor units, below 0 for a credit", line.amount_minor
    if not line.charge.strip():
        return "charge", "total, freight, or the name of a surcharge", "nothing"
    if line.weight_g < 0:
        return "weight_g", "grams from 0", line.weight_g
    return None


def plain(number: str) -> str:
    """A tracking number as carriers' labels bear it: their invoices print it in groups, or in small letters."""
    return "".join(number.split()).upper()


Priced = Sequence[tuple[int, Sequence[tuple[str, int]]]]
"""What each package of a shipment costs, and the surcharges in it."""


def split(
    cost: int,
    surcharges: Sequence[tuple[str, int]],
    weights: Sequence[int],
    priced: Priced = (),
    bought: Sequence[int] = (),
) -> list[dict[str, int]]:
    """What each package of a shipment was accrued at by charge: what it was `priced` at by itself, where that is known
    of all; else each charge by what their labels were `bought` for, where that is the cost, or by weight, to the last
    minor unit."""
    if len(priced) == len(weights) and sum(price for price, _ in priced) == cost:
        return [
            {FREIGHT: price - sum(amount for _, amount in added), **dict(added)} for price, added in priced
        ]
    charges = {FREIGHT: cost - sum(amount for _, amount in surcharges), **dict(surcharges)}
    # One that weighs nothing has its part.
    is_bought = bool(bought) and all(bought) and sum(bought) == cost
    shares = list(bought) if is_bought else [weight + 1 for weight in weights]
    parts: list[dict[str, int]] = [{} for _ in weights]
    for charge, amount in charges.items():
        for part, share in zip(parts, money.share(amount, shares), strict=True):
            part[charge] = share
    return parts


def match(
    lines: Sequence[Billed],
    dues: Mapping[str, Due],
    charged: Collection[tuple[UUID, str]],
    currency: str,
    tolerance: CarrierTolerance,
) -> list[Charged]:
    """Each line with what it belongs to. `charged` are the charges of units that were billed before."""
    before = set(charged)
    answers = []
    for line in lines:
        due = dues.get(line.tracking) or dues.get(plain(line.tracking))
        one = _match(line, due, before, currency, tolerance)
        if one.unit and one.expected:
            before.add((one.unit, line.charge))
        answers.append(one)
    return answers


def _match(
    line: Billed, due: Due | None, before: set[tuple[UUID, str]], currency: str, tolerance: CarrierTolerance
) -> Charged:
    if line.amount_minor < 0:
        unit, shipment = (due.unit, due.shipment) if due else (None, None)
        return Charged(line, "differs" if due else "unmatched", unit, shipment, 0, line.amount_minor, CREDIT)
    if due is None:
        return Charged(
            line, "unmatched", None, None, 0, line.amount_minor, Said("no parcel of ours has this number")
        )
    wrong = _nothing_due(line, due, before, currency)
    if wrong:
        return Charged(line, "differs", due.unit, due.shipment, 0, line.amount_minor, wrong)
    expected = sum(due.charges.values()) if line.charge == TOTAL else due.charges[line.charge]
    off = line.amount_minor - expected
    if abs(off) <= max(tolerance.amount_minor, expected * tolerance.per_10k // 10_000):
        return Charged(line, "matched", due.unit, due.shipment, expected, off, "")
    wanted = money.told(expected, currency)
    why = Said("expected {0}", wanted)
    if line.weight_g > due.weight_g + tolerance.weight_g:
        why = Said(
            "weighed again: {0} g, {1} g by our scale; expected {2}", line.weight_g, due.weight_g, wanted
        )
    return Charged(line, "differs", due.unit, due.shipment, expected, off, why)


def _nothing_due(line: Billed, due: Due, before: set[tuple[UUID, str]], currency: str) -> str:
    """Why nothing is due for a charge; '' where something is."""
    if due.voided:
        return Said("its label was voided")
    if due.currency != currency:
        return Said("it was accrued in {0}", due.currency)
    billed = {charge for unit, charge in before if unit in (due.unit, due.shipment)}
    if line.charge in billed or TOTAL in billed or (line.charge == TOTAL and billed):
        return Said("charged before")
    if line.charge != TOTAL and not due.charges.get(line.charge):
        return Said("a surcharge that was not expected")
    return ""
