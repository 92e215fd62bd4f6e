"""What follows a disposition: who gets the goods, what is owed for them, and what work makes of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, Refused, Said, one_of
from entrepot.kernel.money import round_half_away
from entrepot.kernel.shapes import shape
from entrepot.purchasing.receiving import made_good
from entrepot.returns import errors
from entrepot.returns.rules import GRADES, REPAIR


class Kind(NamedTuple):
    """A way that goods leave together. `status` is what they stand in until then, '' where they left with their
    disposition; `event` is what the ledger knows the departure of their value as, `left` and `settled` its money."""

    prefix: str
    disposition: str
    status: str = ""
    place: str = ""
    event: str = ""
    left: str = ""
    settled: str = ""
    account: int = 0


KINDS: dict[str, Kind] = {
    "vendor_return": Kind(
        "VR", "return_to_vendor", "vendor_return", "supplier", "stock.returned_to_vendor", "vendor_return.shipped",
        "vendor_return.credited", 1195,
    ),
    "liquidation": Kind(
        "LOT", "liquidate", "liquidation", "scrap", "stock.liquidated", "liquidation.sold", "liquidation.paid", 1196,
    ),
    "donation": Kind("DON", "donate"),
    "disposal": Kind("DSP", "dispose"),
}  # fmt: skip

OWED = tuple(kind for kind, one in KINDS.items() if one.account)
"""Departures that something is owed for."""

WORK = "work_order"
REPAIRS = "repair"
PREFIXES = {**{kind: one.prefix for kind, one in KINDS.items()}, WORK: "WO", REPAIRS: "RP"}
"""Of the numbers, which leave no gap within a company, kind and year."""

DUTY = "send×credit"
MADE = ("sellable", "second_grade")
"""What refurbished units can be from then on."""
RESULTS = ("scrapped", "repaired", "failed")
"""What else becomes of units: they are no good, or stay their customer's, repaired or not."""


@shape("returns.onward")
@dataclass(frozen=True, slots=True)
class Onward:
    """What follows a disposition.

    `credit_days`, `payment_days` and `certificate_days`: when a vendor's credit, a liquidator's payment and a
    receiver's certificate are due where nothing else was agreed. `labor_minor_per_hour` is what an hour of
    refurbishing costs; with `capitalize` work adds to the value of the units, else it is an expense. `labor_by`: a
    workshop bills it, or our own people do it, whose wages are an expense already.
    """

    credit_days: int = 30
    payment_days: int = 14
    certificate_days: int = 30
    labor_minor_per_hour: int = 0
    capitalize: bool = True
    labor_by: Literal["workshop", "own"] = "workshop"

    def __post_init__(self) -> None:
        if min(self.credit_days, self.payment_days, self.certificate_days, self.labor_minor_per_hour) < 0:
            raise ValueError("days and labor_minor_per_hour: expected 0 or more")

    def days(self, kind: str) -> int:
        """Days until what is awaited of a departure is due."""
        return {"vendor_return": self.credit_days, "liquidation": self.payment_days}.get(
            kind, self.certificate_days
        )


def number(kind: str, year: int, sequence: int) -> str:
    return f"{PREFIXES[kind]}-{year}-{sequence:06}"


# ---- gathering


class Waits(NamedTuple):
    """Units of a disposition: of whom, at which node and what they are; `taken` of them were gathered before."""

    id: UUID
    company: int
    disposition: str
    quantity: int
    taken: int
    sku: UUID
    node: UUID
    bin: UUID
    lot: str
    serial: str
    currency: str
    asked: str = ""  # of the return
    is_paid: bool = (
        False  # units of its line were refunded, and none is left that its customer may have again
    )

    @property
    def is_to_refurbish(self) -> bool:
        """Whether the house makes them good again for itself: what was to be repaired for its customer is the house's
        once something else was agreed on, or it was refunded."""
        is_ours = self.asked != REPAIR or self.is_paid
        return self.disposition == "refurbish" or (self.disposition == REPAIR and is_ours)


def misfit_units(wanted: Sequence[tuple[UUID, int]], found: Mapping[UUID, Waits]) -> Refused | None:
    """Why so many units of dispositions can't be gathered, whatever for."""
    if not wanted or len(wanted) > 1000:
        return Invalid(field="items", expected="1 to 1000 dispositions", found=len(wanted))
    if len({which for which, _ in wanted}) < len(wanted):
        return Invalid(field="items", expected="each disposition once", found="one of them twice")
    for which, units in wanted:
        one = found[which]
        if units < 1:
            return Invalid(field="quantity", expected="1 or more", found=units)
        if units > one.quantity - one.taken:
            return errors.MoreThanWaits(wanted=units, step="gathered", left=one.quantity - one.taken)
    return None


def misfit_together(kind: str, company: int, found: Sequence[Waits]) -> Refused | None:
    """Why dispositions can't leave together: other than the kind takes, or of several nodes."""
    if kind not in KINDS:
        return Invalid(field="kind", expected=one_of(KINDS), found=kind)
    other = [one.disposition for one in found if one.disposition != KINDS[kind].disposition]
    if other:
        return Invalid(field="disposition", expected=KINDS[kind].disposition, found=other[0])
    if any(one.company != company for one in found):
        return Invalid(field="company", expected=company, found="another's units")
    if len({one.node for one in found}) > 1:
        return Invalid(
            field="items",
            expected="units at one node",
            found=Said("{0} nodes", len({one.node for one in found})),
        )
    return None


# ---- what is owed


class Settled(NamedTuple):
    """What a credit or payment leaves: all that was credited, what this one brought, what it differs by from what was
    owed still, and whether the departure is over."""

    credited: int
    received: int
    difference: int
    over: bool


def settle(owed: int, credited: int, amount: int | None, currency: str, *, final: bool) -> Settled | Refused:
    """A credit of a vendor or a payment of a liquidator: without an amount all that is owed still. What is `final` ends
    the matter, and what is missing then, or too much, is a loss or gain."""
    left = owed - credited
    if amount is not None and (amount < 0 or (not final and not 0 < amount < left)):
        less = Said("above 0 and less than {0}, since more is to come", money.told(left, currency))
        expected = "0 or more" if final else less
        return Invalid(field="amount_minor", expected=expected, found=money.told(amount, currency))
    if not final and amount is None:
        return Invalid(field="amount_minor", expected="what came, since more is to come", found="nothing")
    if not final:
        assert amount is not None
        return Settled(credited + amount, amount, 0, False)
    moved = made_good("refuse" if amount == 0 else "credit", amount, left, left)
    return Settled(credited + moved.received, moved.received, moved.recognized, True)


# ---- work


@dataclass(frozen=True, slots=True)
class Outcome:
    """Units that refurbishing made: their grade, what they stand in from then on, and another SKU or bin perhaps."""

    quantity: int
    grade: str
    status: str = "sellable"
    sku: UUID | None = None
    bin: UUID | None = None


def misfit_outcomes(outcomes: Sequence[Outcome], scrapped: int, units: int) -> Refused | None:
    """Why work can't have ended so. Every unit ends somewhere."""
    if scrapped < 0 or any(one.quantity < 1 for one in outcomes):
        return Invalid(
            field="quantity", expected="1 or more, and 0 or more scrapped", found="fewer than none"
        )
    told = sum(one.quantity for one in outcomes) + scrapped
    if told != units:
        return Invalid(field="outcomes", expected=Said("{0} units, with those scrapped", units), found=told)
    for one in outcomes:
        if one.grade not in GRADES or one.status not in MADE:
            return Invalid(
                field="outcome", expected=Said('a grade of {0}; {1}', ', '.join(GRADES), ' or '.join(MADE)),
                found=f"{one.grade}, {one.status}",
            )  # fmt: skip
    return None


PARTS_MOST = 50


@dataclass(frozen=True, slots=True)
class Part:
    """Units of a SKU that work uses up, out of sellable stock at its node; of a bin, lot or serial number perhaps."""

    sku: UUID
    quantity: int
    bin: UUID | None = None
    lot: str = ""
    serial: str = ""


class Stands(NamedTuple):
    """Units of a SKU in a bin that nobody picks."""

    bin: UUID
    lot: str
    serial: str
    units: int


def misfit_parts(parts: Sequence[Part]) -> Refused | None:
    if len(parts) > PARTS_MOST:
        return Invalid(field="parts", expected=Said("at most {0}", PARTS_MOST), found=len(parts))
    few = [one.quantity for one in parts if one.quantity < 1]
    return Invalid(field="parts", expected="1 or more units of each", found=few[0]) if few else None


def draw(part: Part, stands: Sequence[Stands]) -> list[tuple[int, int]]:
    """Where a part is taken from, as places and units, in the order in which it stands; fewer than are wanted where
    there are no more such units."""
    taken: list[tuple[int, int]] = []
    wanted = part.quantity
    for place, one in enumerate(stands):
        fits = part.bin in (None, one.bin) and part.lot in ("", one.lot) and part.serial in ("", one.serial)
        units = min(wanted, one.units) if fits else 0
        if units > 0:
            taken.append((place, units))
            wanted -= units
    return taken


class Worked(NamedTuple):
    """What work is in the books: `billed` is owed to a workshop or supplier, `own` is labor of our people."""

    billed: int
    own: int
    capitalized: bool

    @property
    def amounts(self) -> tuple[tuple[str, int], ...]:
        """By kind, for the ledger: wages of our own people are an expense already, and stay one."""
        if self.capitalized:
            both = (("capitalized", self.billed), ("own", self.own))
        else:
            both = (("expensed", self.billed), ("own", 0))
        return tuple((kind, amount) for kind, amount in both if amount)


def labor(minutes: int, minor_per_hour: int) -> int:
    """What minutes of work cost."""
    return round_half_away(Decimal(minutes * minor_per_hour) / 60)


def spread(total: int, units: Sequence[int]) -> list[int]:
    """An amount over outcomes by their units, as a running sum is rounded: the parts are the whole."""
    whole = sum(units)
    shares, before, count = [], 0, 0
    for one in units:
        count += one
        reached = (2 * total * count + whole) // (2 * whole)
        shares.append(reached - before)
        before = reached
    return shares
