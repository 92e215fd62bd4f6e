"""What stands in the way of closing a month, and what is only told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

KINDS = (
    "bank lines",
    "payout lines",
    "documents",
    "refunds",
    "credits",
    "carrier charges",
    "supplier lines",
    "clearing",
)
"""What may be open: lines of bank statements and payouts that wait, bookings without an invoice or credit note, refunds
and credits that nobody has approved, what carriers and suppliers bill and is in question, and clearing accounts that
are not zero."""


@dataclass(frozen=True, slots=True)
class Closing:
    """For each kind, whether a month is refused to be closed while something of it is open."""

    bank_lines: bool = True
    payout_lines: bool = True
    documents: bool = True
    refunds: bool = True
    credits: bool = True
    carrier_charges: bool = False
    supplier_lines: bool = False
    clearing: bool = False

    def refuses(self, kind: str) -> bool:
        return bool(getattr(self, kind.replace(" ", "_")))


@dataclass(frozen=True, slots=True)
class Open:
    """Things of one kind that are open at the end of a month. `about`: the account, where it is one."""

    kind: str
    count: int
    amount_minor: int
    about: str = ""


class Checked(NamedTuple):
    """Something open, and whether it stands in the way."""

    open: Open
    refuses: bool


def check(found: Sequence[Open], policy: Closing) -> list[Checked]:
    """What is open, what stands in the way first."""
    checked = [Checked(one, policy.refuses(one.kind)) for one in found if one.count]
    return sorted(checked, key=lambda one: (not one.refuses, KINDS.index(one.open.kind), one.open.about))


def reasons(checked: Sequence[Checked]) -> str:
    """Why a month can't be closed, as a sentence's end; '' where it can."""
    return ", ".join(f"{one.open.count} {one.open.kind}" for one in checked if one.refuses)
