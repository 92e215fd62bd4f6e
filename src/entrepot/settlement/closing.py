"""What stands in the way of closing a month, and what is only told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape

KINDS = (
    "bank lines",
    "payout lines",
    "documents",
    "refunds",
    "credits",
    "carrier charges",
    "supplier lines",
    "write-offs",
    "journal entries",
    "exchange differences",
    "expected returns",
    "earlier months",
    "open lines",
    "clearing",
)
"""What may be open: lines of bank statements and payouts that wait, bookings without an invoice or credit note, refunds
and credits that nobody has approved, what carriers and suppliers bill and is in question, write-offs and journal
entries that nobody has approved, balances in other currencies and months of sales that were not measured as of the end,
months before that are not closed, old lines of clearing accounts that nobody has explained, and clearing accounts that
are not zero."""


@shape("settlement.closing")
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
    write_offs: bool = True
    journal_entries: bool = True
    exchange_differences: bool = True
    expected_returns: bool = True
    earlier_months: bool = True
    open_lines: bool = False
    clearing: bool = False

    def refuses(self, kind: str) -> bool:
        return bool(getattr(self, kind.replace(" ", "_").replace("-", "_")))


@dataclass(frozen=True, slots=True)
class Open:
    """Things of one kind that are open at the end of a month, of one currency: their amounts are added up, and those of
    two currencies are not. `about`: the account, where it is one."""

    kind: str
    count: int
    amount_minor: int
    about: str
    currency: str


class Checked(NamedTuple):
    """Something open, and whether it stands in the way."""

    open: Open
    refuses: bool


def check(found: Sequence[Open], policy: Closing) -> list[Checked]:
    """What is open, what stands in the way first."""
    checked = [Checked(one, policy.refuses(one.kind)) for one in found if one.count]
    return sorted(checked, key=_place)


def _place(one: Checked) -> tuple[bool, int, str, str]:
    return not one.refuses, KINDS.index(one.open.kind), one.open.about, one.open.currency


def looked_at(found: Sequence[Open], policy: Closing) -> list[Checked]:
    """As `check`, with the kinds of which nothing is open, for whoever keeps a record of what was looked at."""
    known = {one.kind for one in found if one.count}
    return check(found, policy) + [
        Checked(Open(kind, 0, 0, "", ""), policy.refuses(kind)) for kind in KINDS if kind not in known
    ]


def reasons(checked: Sequence[Checked]) -> Said | None:
    """Why a month can't be closed, as a sentence's end: each kind with how many; None where it can."""
    counts: dict[str, int] = {}
    for one in checked:
        if one.refuses:
            counts[one.open.kind] = counts.get(one.open.kind, 0) + one.open.count
    facts = [fact for kind, count in counts.items() for fact in (Said(kind), count)]
    places = ", ".join(f"{{{2 * n}}}: {{{2 * n + 1}}}" for n in range(len(counts)))
    return Said(places, *facts) if counts else None
