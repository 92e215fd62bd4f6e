"""What becomes of a parcel in trouble, by policy: a claim to the carrier, goods sent again. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.shapes import shape

CLAIMED = ("lost", "damaged", "returned to sender", "delayed")
"""Kinds of trouble that a claim can be for."""
OTHER_PARCELS = ("return_label", "sent_back")
"""What a claim can be about beside a shipment: the parcel of a label by which goods come back, and one by which they
went back to their customer."""
WORSE = tuple(kind for kind in CLAIMED if kind != "delayed")
"""Those after which a parcel is not waited for."""


@shape("shipping.trouble")
@dataclass(frozen=True, slots=True)
class Trouble:
    """What is done about parcels in trouble.

    `silent_after_days`: without a word of the carrier for so long a parcel counts as lost. `claim` and `reship`: kinds
    of trouble that a claim is opened for, and for which the goods are sent again, up to `reship_up_to_minor` of goods.
    `claim_within_days`: how long after it left the carrier takes a claim.
    """

    silent_after_days: int = 10
    claim: tuple[str, ...] = ("lost", "damaged")
    reship: tuple[str, ...] = ()
    reship_up_to_minor: int = 10_000
    claim_within_days: int = 60


class Answer(NamedTuple):
    """The kinds that claims are opened for, and why the goods are sent again; '' where they are not."""

    claims: tuple[str, ...]
    reship: str


def answer(kinds: Collection[str], goods_minor: int, *, arrived: bool, policy: Trouble) -> Answer:
    """What the policy says to the trouble that a shipment had. What `arrived`, whole or some parcels of it, is neither
    claimed nor sent again for having been late or lost on its way: both are for all of its goods."""
    found = [kind for kind in CLAIMED if kind in kinds and not (arrived and kind != "damaged")]
    again = [kind for kind in found if kind in policy.reship and goods_minor <= policy.reship_up_to_minor]
    return Answer(tuple(kind for kind in found if kind in policy.claim), again[0] if again else "")


class Parcel(NamedTuple):
    """A parcel of a shipment by its number; `package` is what we packed into it, none where a supplier did. `kinds`:
    trouble that its arrival did not end. One that bears no label goes by the number of its package: nobody knows how it
    fares."""

    number: str
    package: UUID | None
    came: bool
    kinds: frozenset[str]
    labeled: bool = True


class Apart(NamedTuple):
    """The parcels of a shipment that did not fare well, and the others; nothing where all fared alike."""

    missing: tuple[Parcel, ...] = ()
    well: tuple[Parcel, ...] = ()

    def numbers(self) -> dict[str, str]:
        """The numbers of both, as refusals tell them."""
        return {
            "missing": ", ".join(one.number for one in self.missing),
            "well": ", ".join(one.number for one in self.well),
        }


def apart(parcels: Collection[Parcel], kinds: Collection[str]) -> Apart:
    """Which parcels to claim or to send again: those in trouble of `kinds`, else in any, else, where some have come,
    those that have not."""
    missing = (
        [one for one in parcels if one.kinds.intersection(kinds)]
        or [one for one in parcels if one.kinds]
        or [one for one in parcels if one.labeled and not one.came]
    )
    well = [one for one in parcels if one not in missing]
    return Apart(tuple(missing), tuple(well)) if missing and well else Apart()


def of_all(kinds: Collection[str], parcels: Collection[Parcel]) -> list[str]:
    """Of the kinds of trouble that were told of a shipment, those that all of its parcels are in."""
    return [kind for kind in kinds if all(kind in one.kinds for one in parcels)]


def claim_by(shipped_on: date, policy: Trouble) -> date:
    """The last day on which the carrier takes a claim."""
    return shipped_on + timedelta(days=policy.claim_within_days)


class Moved(NamedTuple):
    """What a step of a claim does to the receivable: agreed and credited amounts as they stand after it, and what is
    posted: recognized as income (or taken back), and received."""

    agreed: int
    credited: int
    recognized: int
    received: int


def move(step: str, amount: int | None, claimed: int, agreed: int) -> Moved:
    """The money of a step: agreeing recognizes, a credit settles and corrects, a refusal takes back."""
    if step == "agree":
        now = claimed if amount is None else amount
        return Moved(now, 0, now - agreed, 0)
    if step == "credit":
        now = (agreed or claimed) if amount is None else amount
        return Moved(now, now, now - agreed, now)
    return Moved(0, 0, -agreed, 0)
