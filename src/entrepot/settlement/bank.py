"""What a line of a bank statement belongs to. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.shapes import shape

LINES_MAX = 20_000
AMOUNT_MAX = 10**15
PURPOSES = ("payable", "charges", "receivable", "other")
"""What a person may book a line as: a debt paid, the bank's charges, a customer's transfer, other income."""
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z_./-]*[0-9A-Za-z]|[0-9A-Za-z]")


BOOKED_AS = {"carrier_invoice": "payable", "supplier_invoice": "payable", "order": "collected"}
"""By what a line belongs to, as what it is booked: what we owe is taken off the accounts payable, and what a customer
pays of an order on account off what stood open of it. A payout is in the books by its report."""


@shape("settlement.bank", window_days=(0, 60))
@dataclass(frozen=True, slots=True)
class BankMatching:
    """How lines find what they belong to: by its name in their text, else a payout of the very amount within so many
    `window_days`. Who took a statement may book a line of it up to `alone_up_to_minor`;
    another person books a larger one.
    """

    window_days: int = 7
    alone_up_to_minor: int = 10_000


class BankLine(NamedTuple):
    """A line as the bank reports it: positive where money came in. `text`: what the payer or we wrote."""

    booked_on: date
    amount_minor: int
    reference: str = ""
    text: str = ""


class Statement(NamedTuple):
    """A statement as a file holds it; balances where it states them."""

    account: str
    external_id: str
    currency: str
    opening_minor: int | None
    closing_minor: int | None
    lines: tuple[BankLine, ...]


class Expected(NamedTuple):
    """What the bank should show: a payout, or an invoice that we pay. `amount` as the line's."""

    kind: str
    id: UUID
    number: str
    external_id: str
    amount: int
    on: date


class Matched(NamedTuple):
    line: BankLine
    state: str
    known: Expected | None
    why: str


def words(line: BankLine) -> set[str]:
    """The words of a line by which something may be named, in capitals."""
    return {one.upper() for one in _WORD.findall(f"{line.reference} {line.text}")}


def sums_to(opening: int | None, closing: int | None, lines: Sequence[BankLine]) -> int | None:
    """What the lines make of the opening balance, where that is not the closing one."""
    if opening is None or closing is None:
        return None
    made = opening + sum(line.amount_minor for line in lines)
    return made if made != closing else None


def match(lines: Sequence[BankLine], expected: Sequence[Expected], window_days: int) -> list[Matched]:
    """Each line with what it belongs to; each of `expected` belongs to one line.

    Lines that name something come first, then payouts of the very amount near the day, where only one fits: so the
    order of the lines does not matter but among equals.
    """
    free = {one.id: one for one in expected}
    found: dict[int, Matched] = {}
    for place, line in enumerate(lines):
        named = _named(line, free)
        if named and named.amount == line.amount_minor:
            name = named.external_id if named.external_id.upper() in words(line) else named.number
            found[place] = Matched(line, "matched", named, f"names {name}")
            del free[named.id]
    for place, line in enumerate(lines):
        if place not in found:
            found[place] = _rest(line, free, window_days)
            known = found[place].known
            if known and found[place].state == "matched":
                del free[known.id]
    return [found[place] for place in range(len(lines))]


def _named(line: BankLine, free: dict[UUID, Expected]) -> Expected | None:
    """What a line names; of several the one of its amount."""
    said = words(line)
    named = [one for one in free.values() if one.external_id.upper() in said or one.number.upper() in said]
    return min(named, key=lambda one: (one.amount != line.amount_minor, one.on, one.id), default=None)


def _rest(line: BankLine, free: dict[UUID, Expected], window_days: int) -> Matched:
    named = _named(line, free)
    if named:
        return Matched(line, "differs", named, f"{named.number} is over another amount")
    near = [
        one
        for one in free.values()
        if one.kind == "payout"
        and one.amount == line.amount_minor
        and abs(one.on - line.booked_on) <= timedelta(days=window_days)
    ]
    if len(near) == 1:
        return Matched(line, "matched", near[0], f"the only payout of this amount within {window_days} days")
    if near:
        return Matched(line, "unmatched", None, f"{len(near)} payouts have this amount")
    return Matched(line, "unmatched", None, "names nothing that we know")
