"""Goods that are repaired for the customer whose they stay: who pays for it, and what it is in the books. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from entrepot.kernel.errors import Invalid, Refused, Said, one_of
from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape
from entrepot.returns import errors
from entrepot.returns.onward import Outcome
from entrepot.returns.refusing import SEND_BACK
from entrepot.returns.rules import QUARANTINE, REPAIR

PAYERS = ("warranty", "goodwill", "customer")
"""Who bears what a repair costs: the house because it has to, the house because it wants to, or the customer."""

UNREPAIRED = ("failed", "declined")
"""What came of it is not what was asked for: something else may be agreed on."""

BACK = ("sent", "delivered", "lost")
"""The units went back to their customer."""

ENDED = (*BACK, "settled")
"""The units went back to their customer, or something else was agreed on: they are in repair no more."""

HIS = "(l.quantity > l.cancelled + l.refunded + l.refused + l.repaired)"
"""SQL: whether units of a line `l` are left that were neither paid for, nor refused, nor sent back."""

CHARGED = ("offered", "agreed", "repaired", *BACK)
"""Its customer is asked to pay, or pays when it goes back to him."""

INSTEAD = ("refund", "exchange", "store_credit")
"""What may be agreed on where a repair came to nothing."""

PRICE_MOST = 10**12


@shape("returns.repairs", warranty_days=(0, 36_525), arrives_days=(1, 365), waits_days=(1, 365))
@dataclass(frozen=True, slots=True)
class Repairs:
    """Who pays for repairs.

    Within `warranty_days` the house does where it is at fault, and always where the law says that goods must conform;
    else the customer agrees to a price before anything is done. `warranty_from`: what a repair under warranty costs is
    an `expense`, or taken from the `provision` that was made for it. `arrives_days`: how long a parcel that goes back
    to its customer, repaired or refused, may be on its way before somebody asks its carrier. `waits_days`: how long a
    repair may wait to be offered, answered or sent back before somebody is asked.
    """

    warranty_days: int = 730
    warranty_from: Literal["expense", "provision"] = "expense"
    arrives_days: int = 14
    waits_days: int = 3

    def payer(self, days: int | None, *, ours: bool, conforms: bool) -> str:
        """Who pays where nobody says otherwise: `days` after delivery, where the house is at fault (`ours`) or the
        customer claims by law that goods do not conform. '' where somebody has to say: it hangs on the days, and
        nobody knows them."""
        if conforms or not ours:
            return "warranty" if conforms else "customer"
        if days is None:
            return ""
        return "warranty" if days <= self.warranty_days else "customer"

    def cost(self, payer: str) -> str:
        """The kind under which the ledger knows what a repair costs."""
        return "provision" if payer == "warranty" and self.warranty_from == "provision" else payer


def part_event(cost: str) -> str:
    """The event under which the ledger knows that parts left stock for a repair."""
    return f"stock.repair_{cost}"


def misfit_offer(payer: str, price_minor: int, number: str, *, conforms: bool) -> Refused | None:
    """Why a repair can't be offered so."""
    if payer not in PAYERS:
        return Invalid(field="payer", expected=one_of(PAYERS), found=payer)
    if payer == "customer" and conforms:
        return errors.RepairIsFree(number=number)
    if payer == "customer" and not 0 < price_minor <= PRICE_MOST:
        return Invalid(
            field="price_minor", expected="above 0, what the customer is asked to agree to", found=price_minor
        )
    if payer != "customer" and price_minor:
        return Invalid(field="price_minor", expected="0, for the house pays", found=price_minor)
    return None


def misfit_his(disposition: str, asked: str, *, refused: bool, left: int) -> Refused | None:
    """Why units can't be the house's: their customer asked for their repair, they are not `refused`, and `left` units
    of their line were neither paid for nor refused."""
    if asked != REPAIR or refused or not left or disposition in (REPAIR, QUARANTINE, SEND_BACK):
        return None
    expected = Said(
        "{0} or {1}, or something else agreed on with the customer, whose it is", REPAIR, QUARANTINE
    )
    return Invalid(field="disposition", expected=expected, found=disposition)


def misfit_worked(
    outcomes: Sequence[Outcome], scrapped: int, repaired: int, failed: int, units: int
) -> Refused | None:
    """Why work on units that stay their customer's can't have ended so: all of them were repaired, or none."""
    if outcomes or scrapped:
        expected = "units repaired or failed, for they are their customer's"
        return Invalid(field="outcomes", expected=expected, found="goods of the house")
    if sorted((repaired, failed)) != [0, units]:
        return Invalid(
            field="repaired",
            expected=Said("all {0} units repaired, or all failed", units),
            found=Said("{0} repaired and {1} failed", repaired, failed),
        )
    return None


def tax_within(price_minor: int, tax_minor: int, paid_minor: int) -> int:
    """The tax within a price, taxed as the goods were that `paid_minor` was paid for with so much tax in it: both with
    their part of the shipping."""
    return round_half_away(Decimal(price_minor * tax_minor) / paid_minor) if paid_minor else 0


def charged(price_minor: int, tax_minor: int) -> tuple[tuple[str, int], ...]:
    """What a repair is in the books when its customer owes its price, with so much tax in it; below zero when he owes
    nothing any more."""
    both = (("repair.price", price_minor - tax_minor), ("repair.tax", tax_minor))
    return tuple(one for one in both if one[1])
