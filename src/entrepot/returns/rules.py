"""Decisions of the way back: what may return, what becomes of a unit, what is refunded. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple, get_args
from uuid import UUID

from entrepot.kernel.errors import Invalid, Refused, one_of
from entrepot.kernel.shapes import shape
from entrepot.returns import errors
from entrepot.returns.refusing import SEND_BACK


class Reason(NamedTuple):
    """Why a customer sends something back; `group` is the root cause, `x12` the code of X12 RDR02 ('' for none)."""

    says: str
    group: str
    x12: str


REASONS: dict[str, Reason] = {
    "damaged_in_transit": Reason("arrived damaged", "carrier", "DT"),
    "arrived_late": Reason("came too late", "carrier", "SP"),
    "undeliverable": Reason("could not be delivered", "carrier", ""),
    "defective": Reason("does not work", "quality", "DR"),
    "poor_quality": Reason("is badly made", "quality", "PW"),
    "expired": Reason("is beyond its date", "quality", "BC"),
    "recalled": Reason("was recalled", "quality", "RE"),
    "not_as_described": Reason("differs from its description", "content", "NA"),
    "color_differs": Reason("has another color than shown", "content", "CV"),
    "not_compatible": Reason("does not go with what it is for", "content", ""),
    "wrong_item": Reason("is not what was ordered", "fulfillment", "WG"),
    "missing_parts": Reason("lacks a part", "fulfillment", ""),
    "poorly_packed": Reason("was badly packed", "fulfillment", "DP"),
    "poor_fit": Reason("does not fit", "fit", "PF"),
    "too_small": Reason("is too small", "fit", "PF"),
    "too_large": Reason("is too large", "fit", "PF"),
    "style": Reason("is of another style than liked", "fit", "ST"),
    "ordered_by_mistake": Reason("was ordered by mistake", "remorse", "CO"),
    "changed_mind": Reason("is no longer wanted", "remorse", ""),
    "found_cheaper": Reason("is cheaper elsewhere", "remorse", ""),
    "price_corrected": Reason("was charged at another price", "content", "PE"),
    "not_given": Reason("no reason given", "unknown", ""),
}
"""Stable codes; a return keeps its code when the words change."""

OURS = frozenset({"carrier", "quality", "content", "fulfillment"})
"""Root causes that the house answers for: shipping is refunded too, and no fee is kept."""

ASKED = ("refund", "exchange", "store_credit", "repair", "keep")
"""What a customer asks for; `keep` is money for goods that he keeps."""

GRADES: dict[str, str] = {
    "A": "as new, in its packaging",
    "B": "opened, complete and clean",
    "C": "worn or damaged, can be mended",
    "D": "beyond use",
}

DUTY = "request×receive×approve"
"""Who asks for a return, receives it and approves its refund are three people."""

DISPOSITIONS: dict[str, str | None] = {
    "restock": "sellable",
    "second_grade": "second_grade",
    "refurbish": "refurbish",
    "return_to_vendor": "vendor_return",
    "liquidate": "liquidation",
    "quarantine": "quarantined",
    "donate": None,
    "dispose": None,
}
"""What is done with a unit → the status that it stands in from then on; None where it leaves the house."""

REPAIR = "repair"
"""The disposition of units that are repaired for their customer: they wait in the workshop and stay his."""

QUARANTINE = "quarantine"
"""The disposition of units that are set apart until somebody decides: whose they are does not change."""

EVERY: dict[str, str | None] = {**DISPOSITIONS, REPAIR: "refurbish", SEND_BACK: None}
"""With those of units that stay their customer's, which nobody proposes for others: to be repaired for him, and sent
back."""

LEAVES = {"donate": "stock.donated", "dispose": "stock.disposed", SEND_BACK: "stock.sent_back"}
"""The ledger event under which the value of a unit leaves with it."""

Milestone = Literal["authorized", "scanned", "received", "inspected", "disposed"]
MILESTONES: tuple[Milestone, ...] = get_args(Milestone)
"""From where units may be refunded. `scanned`: a carrier has told of the parcel that they were announced in."""

SendAt = Literal["authorized", "secured", "received", "inspected", "disposed"]
SEND_AT: tuple[SendAt, ...] = get_args(SendAt)
"""From where a replacement is sent. `secured`: when an amount is held on the customer's card for it, else when what
comes back was received."""

Grade = Literal["A", "B", "C", "D"]
Disposition = Literal[
    "restock", "second_grade", "refurbish", "return_to_vendor", "liquidate", "quarantine", "donate", "dispose"
]

MilestoneSaid = Literal["", Milestone]
SendAtSaid = Literal["", SendAt]
"""What a rule may say of them; '' leaves it to the company's policy."""

GIVEN = ("money", "store_credit", "exchange", "replacement")
"""What a refund is given as."""


@shape("returns.exchanges")
@dataclass(frozen=True, slots=True)
class ExchangePolicy:
    """How goods are exchanged.

    `reserve`: stock is promised to the replacement at once, else when it is to be sent. `send_at`: the milestone of
    what comes back from which the replacement is sent; `authorized` sends it without security, `secured` as soon as an
    amount is held on the card (policy `returns.instant`), else when it is received. `wait_days`: what has not come by
    then is not exchanged, and the replacement is cancelled.
    """

    reserve: bool = True
    send_at: SendAt = "received"
    wait_days: int = 30


@shape(
    "returns", window_days=(0, 36_525), fee_percent=(0, 100), expected_percent=(0, 100),
    expected_recovery_percent=(0, 100), observed_months=(1, 60),
)  # fmt: skip
@dataclass(frozen=True, slots=True)
class Policy:
    """How returns are handled.

    `late`: what becomes of a request after `window_days` from delivery: `review` by a person, or `decline`.
    `refund_at`: the milestone from which units are refunded: authorized, scanned by the carrier, received, inspected,
    disposed. What is more of a return than `approve_above_minor` in the company's own currency (None: no limit), in one
    refund or several, waits for another person. `fee_percent` of the goods is kept where the house is not at fault. Of
    what is sold `expected_percent` is expected to come back, and of its cost `expected_recovery_percent` recovered,
    less what it costs to recover it; or, with `expected_by` observed, what came back of the sales of the
    `observed_months` whose window is over, and what was lost of it; the percentages where there are none.
    `wait_hours`: how long units may wait for inspection, disposition or refund before somebody is asked.
    """

    window_days: int = 30
    late: Literal["review", "decline"] = "review"
    refund_at: Milestone = "disposed"
    approve_above_minor: int | None = 10_000
    fee_percent: int = 0
    expected_percent: Decimal = Decimal(0)
    expected_recovery_percent: Decimal = Decimal(100)
    expected_by: Literal["policy", "observed"] = "policy"
    observed_months: int = 12
    wait_hours: int = 48
    dispositions: dict[Grade, Disposition] = field(
        default_factory=lambda: {"A": "restock", "B": "second_grade", "C": "refurbish", "D": "dispose"}
    )


# ---- authorization


class Wanted(NamedTuple):
    """A line of a request: units to come back, and what is left of those that left."""

    line: UUID
    quantity: int
    reason: str
    left: int


def misfit_wanted(wanted: Sequence[Wanted]) -> Refused | None:
    """Why so many units can't come back, whatever the policy says."""
    if not wanted:
        return Invalid(field="items", expected="at least one line", found="none")
    left: dict[UUID, int] = {}
    for one in wanted:
        if one.reason not in REASONS:
            return Invalid(field="reason", expected=one_of(REASONS), found=one.reason)
        if one.quantity < 1:
            return Invalid(field="quantity", expected="1 or more", found=one.quantity)
        left[one.line] = left.get(one.line, one.left) - one.quantity
        if left[one.line] < 0:
            return errors.MoreThanSold(
                line=str(one.line), wanted=one.quantity, left=left[one.line] + one.quantity
            )
    return None


# ---- where a return stands


class Units(NamedTuple):
    """Units of a return by how far they are; each counts those that are further, too."""

    quantity: int
    cancelled: int
    received: int
    inspected: int
    disposed: int
    refunded: int
    missing: int = 0  # refunded, and not waited for any more
    refused: int = 0  # not taken back after they were inspected: never refunded
    repaired: int = 0  # with their customer again after a repair, whatever came of it: never refunded

    @property
    def to_come(self) -> int:
        return self.quantity - self.cancelled - self.received - self.missing

    @property
    def unpaid(self) -> int:
        """Those that were neither refunded nor refused, nor went back from a repair."""
        return self.quantity - self.cancelled - self.refunded - self.refused - self.repaired

    @property
    def ahead(self) -> int:
        """Those that were refunded and have not come; below zero where some came that were not refunded."""
        return self.refunded - self.missing - (self.received - self.refused - self.repaired)


def total(units: Iterable[Units]) -> Units:
    return Units(*map(sum, zip(*units, strict=True)))


def derive_state(
    before: str, units: Units, open_refunds: int, *, without_refund: bool = False, keeps: bool = False
) -> str:
    """The state that the units say: which step they wait for first; closed when goods and money are done with.

    Where the customer `keeps` the goods, they are done with from the beginning. Goods that were given up are not waited
    for, even where their refund bounces.
    """
    if before in ("requested", "declined"):
        return before
    if units.cancelled == units.quantity:
        return "cancelled"
    if units.received > units.inspected:
        return "received"
    if units.inspected > units.disposed:
        return "inspected"
    paid = without_refund or not units.unpaid
    if (
        paid
        and not open_refunds
        and (keeps or units.disposed == units.quantity - units.cancelled - units.missing)
    ):
        return "closed"
    return "disposed" if units.disposed or not units.to_come else "authorized"


def axis(found: Collection[str]) -> str:
    """What an order shows of the states of its returns."""
    alive = set(found) - {"declined", "cancelled"}
    if not alive:
        return "none"
    if alive == {"closed"}:
        return "returned"
    return "requested" if alive <= {"requested", "authorized"} else "in return"


# ---- cost


def cost_of_units(left: Sequence[tuple[int, int]], first: int, count: int) -> int:
    """What `count` units from the `first` (from 0) had cost when they left, in moves of (units, value).

    A move's value is split as a running sum is rounded, so that all parts of it together are the whole.
    """
    return _running(left, first + count) - _running(left, first)


def _running(left: Sequence[tuple[int, int]], count: int) -> int:
    value = 0
    for units, worth in left:
        if count <= 0:
            break
        taken = min(units, count)
        value += (2 * worth * taken + units) // (2 * units)
        count -= taken
    return value


# ---- refund


def due(units: Units, milestone: str) -> int:
    """Units that may be refunded now: those at the milestone, less those refunded, those not taken back and those that
    went back from a repair."""
    reached = units.quantity - units.cancelled if milestone == "authorized" else getattr(units, milestone)
    return int(max(0, reached - units.refunded - units.refused - units.repaired))


def milestone_of(refund_at: str, *, scanned: bool) -> str:
    """What units have to have reached: where the carrier's scan is what is waited for, nothing more once there is one,
    and arrival while there is none."""
    if refund_at == "scanned":
        return "authorized" if scanned else "received"
    return refund_at


def needs_approval(total_minor: int, approve_above_minor: int | None) -> bool:
    return approve_above_minor is not None and total_minor > approve_above_minor


def paid_state(total_minor: int, waiting: int, done: int) -> str:
    """Where a refund stands that was asked of its providers: paid, approved (they have not answered) or failed."""
    if done >= total_minor:
        return "paid"
    return "approved" if waiting + done >= total_minor else "failed"


# ---- which sale a credit belongs to


class Sale(NamedTuple):
    """An order line that something may have come back of: its unit price, when it was sold, and units left."""

    order: UUID
    line: UUID
    price: Decimal
    sold_at: datetime
    left: int


class Match(NamedTuple):
    """Units of a credit that belong to a sale, and how it was found."""

    sale: Sale
    units: int
    found_by: str


def match(quantity: int, price: Decimal, at: datetime, sales: Iterable[Sale]) -> list[Match]:
    """The sales that units credited at a moment belong to: first those at exactly the same price, then the others, the
    latest first, while units are left. What is not matched belongs to none."""
    earlier = sorted((one for one in sales if one.sold_at <= at), key=_recency, reverse=True)
    found = []
    for found_by, same in (("exact", True), ("latest", False)):
        for sale in earlier:
            units = min(quantity, sale.left)
            if units > 0 and (sale.price == price) == same:
                found.append(Match(sale, units, found_by))
                quantity -= units
    return found


def after(sales: Iterable[Sale], matches: Iterable[Match]) -> list[Sale]:
    """The sales less what of them was matched; those of which nothing is left are out."""
    taken = {one.sale.line: one.units for one in matches}
    rest = (one._replace(left=one.left - taken.get(one.line, 0)) for one in sales)
    return [one for one in rest if one.left]


def _recency(sale: Sale) -> tuple[datetime, UUID]:
    return sale.sold_at, sale.line
