"""What a line of a bank statement belongs to. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.shapes import shape
from entrepot.settlement.rules import PARTS_MAX

LINES_MAX = 20_000
AMOUNT_MAX = 10**15
PURPOSES = ("payable", "charges", "receivable", "taxes", "own_account", "other")
"""What a person may book a line as: a debt paid, the bank's charges, a customer's transfer, taxes paid or given back,
money from or to another account of our own, other income."""
OWN_CURRENCY = {"taxes": 2210, "own_account": 1010}
"""Purposes whose accounts are kept in the company's currency alone: what leaves in one currency and comes in another
would stand open in both, and no match makes that zero."""
INSTEAD = 4020
"""The account of `other`, from which an entry by hand takes a line in another currency to such an account."""
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z_./-]*[0-9A-Za-z]|[0-9A-Za-z]")


BILLS = ("carrier_invoice", "supplier_invoice", "landed_cost")
"""What we owe by what somebody entered: whoever did does not say what paid it."""

BOOKED_AS = {**dict.fromkeys(BILLS, "payable"), "order": "collected"}
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
    """A line as the bank reports it: positive where money came in. `text`: what the payer or we wrote. `parts`: the
    payments that the bank booked at once, which make its amount."""

    booked_on: date
    amount_minor: int
    reference: str = ""
    text: str = ""
    parts: tuple[BankLine, ...] = ()


class Statement(NamedTuple):
    """A statement as a file holds it; balances where it states them."""

    account: str
    external_id: str
    currency: str
    opening_minor: int | None
    closing_minor: int | None
    lines: tuple[BankLine, ...]


def takes(kind: str, expected: int, amount: int) -> bool:
    """Whether a line over an amount can be of something that the bank should show: a customer may pay an order in parts
    or ahead of what has left, and gets back at most what is open."""
    if amount == expected:
        return True
    return kind == "order" and (expected > 0 < amount or expected < amount < 0)


class Expected(NamedTuple):
    """What the bank should show: a payout, an invoice that we pay, or what is open of an order on account. `names`:
    what others call it. `amount` as the line's."""

    kind: str
    id: UUID
    number: str
    names: Sequence[str]
    amount: int
    on: date

    def takes(self, amount: int) -> bool:
        """Whether a person may say that a line over so much is of it."""
        return takes(self.kind, self.amount, amount)

    def called(self, said: Collection[str]) -> bool:
        """Whether one of these words, in capitals, is its number or another name of it."""
        return any(name.upper() in said for name in (self.number, *self.names))


class Matched(NamedTuple):
    """What a line belongs to, or a part of it: the `place` of that among the parts, and over how much the `whole`
    is."""

    line: BankLine
    state: str
    known: Expected | None
    why: str
    place: int = 0
    whole: int | None = None


def words(line: BankLine) -> set[str]:
    """The words of a line, and of its parts, by which something may be named, in capitals."""
    return {
        said.upper() for one in (line, *line.parts) for said in _WORD.findall(f"{one.reference} {one.text}")
    }


def said_by(lines: Iterable[BankLine]) -> set[str]:
    return {word for line in lines for word in words(line)}


def sums_to(opening: int | None, closing: int | None, lines: Sequence[BankLine]) -> int | None:
    """What the lines make of the opening balance, where that is not the closing one."""
    if opening is None or closing is None:
        return None
    made = opening + sum(line.amount_minor for line in lines)
    return made if made != closing else None


def misfit_parts(amounts: Sequence[int], whole: int) -> str:
    """What parts of a line have to be, where these are not; '' where they are. A part may go the other way, as the
    charge that a bank takes off what it brings."""
    if len(amounts) > PARTS_MAX:
        return "at most {1} parts"
    if not amounts or not all(amounts) or sum(amounts) != whole:
        return "parts other than 0 that make {0}"
    return "" if all(abs(one) <= AMOUNT_MAX for one in amounts) else "parts that are less"


class _Free:
    """What no line has brought yet, found by name and payouts by amount: a file of lines is long, and so is what is
    open."""

    def __init__(self, expected: Sequence[Expected], said: Collection[str]) -> None:
        self.said = said
        self.known = {one.id: one for one in expected}
        self.by_name: dict[str, list[Expected]] = defaultdict(list)
        self.payouts: dict[int, list[Expected]] = defaultdict(list)
        for one in expected:
            for name in {name.upper() for name in (one.number, *one.names)}:
                self.by_name[name].append(one)
            if one.kind == "payout":
                self.payouts[one.amount].append(one)

    def named(self, said: Collection[str]) -> list[Expected]:
        """What words name, the oldest first."""
        found = {one.id: one for word in said for one in self.by_name.get(word, ()) if one.id in self.known}
        return sorted(found.values(), key=lambda one: (one.on, one.id))

    def near(self, line: BankLine, window_days: int) -> list[Expected]:
        """Payouts of the line's amount, near its day, that no line names."""
        window = timedelta(days=window_days)
        return [
            one
            for one in self.payouts.get(line.amount_minor, ())
            if one.id in self.known and abs(one.on - line.booked_on) <= window and not one.called(self.said)
        ]


def match(
    lines: Sequence[BankLine],
    expected: Sequence[Expected],
    window_days: int,
    said: Collection[str] | None = None,
) -> list[Matched]:
    """Each line with what it belongs to; each of `expected` belongs to one line. `said`: the words of these lines and
    of others that come with them.

    Lines that name one thing of their amount come first, then payouts of the very amount near the day, where only one
    fits and no line names it: so the order of the lines does not matter but among equals. Where a line names several of
    its amount, as two customers may use one reference, it waits. One of several payments is tried as a whole before any
    other, and else is its parts.
    """
    free = _Free(expected, said_by(lines) if said is None else said)
    wholes = {at: _whole(line, free, window_days) for at, line in enumerate(lines) if line.parts}
    rest = [one for at, line in enumerate(lines) if not wholes.get(at) for one in line.parts or (line,)]
    others = iter(_match(rest, free, window_days))
    found: list[Matched] = []
    for at, line in enumerate(lines):
        whole = wholes.get(at)
        if whole or not line.parts:
            found.append(whole or next(others))
        else:
            parts = [next(others) for _ in line.parts]
            found += [one._replace(place=i, whole=line.amount_minor) for i, one in enumerate(parts)]
    return found


def _whole(line: BankLine, free: _Free, window_days: int) -> Matched | None:
    """What all the payments of a line are together: what they name, or the only payout near its day where none of them
    names anything. It says of itself what the first of them does."""
    said = words(line)
    same = _of_amount(line, said, free)
    if len(same) == 1:
        one = _named(line, same[0])
    elif any(word in free.by_name for word in said):  # also what another line took
        return None
    else:
        one = _rest(line, free, window_days)
    if one.known is None or one.state != "matched":
        return None
    del free.known[one.known.id]
    return one._replace(line=told(line))


def told(line: BankLine) -> BankLine:
    """A line as it is kept: one of several payments with what was written to the first of them."""
    first = line.parts[0] if line.parts else line
    return line._replace(reference=first.reference, text=first.text, parts=())


def _match(lines: Sequence[BankLine], free: _Free, window_days: int) -> list[Matched]:
    found: dict[int, Matched] = {}
    for place, line in enumerate(lines):
        same = _of_amount(line, words(line), free)
        if len(same) == 1:
            found[place] = _named(line, same[0])
            del free.known[same[0].id]
    for place, line in enumerate(lines):
        if place not in found:
            found[place] = one = _rest(line, free, window_days)
            if one.known and one.state == "matched":
                del free.known[one.known.id]
    return [found[place] for place in range(len(lines))]


def _named(line: BankLine, one: Expected) -> Matched:
    said = words(line)
    name = next(name for name in (*one.names, one.number) if name.upper() in said)
    return Matched(line, "matched", one, f"names {name}")


def _of_amount(line: BankLine, said: Collection[str], free: _Free) -> list[Expected]:
    """What a line names that is over its amount; its own number tells it from others of one reference."""
    same = [one for one in free.named(said) if one.amount == line.amount_minor]
    numbered = [one for one in same if one.number.upper() in said]
    return numbered if len(numbered) == 1 else same


def _rest(line: BankLine, free: _Free, window_days: int) -> Matched:
    said = words(line)
    same = _of_amount(line, said, free)
    if len(same) == 1:  # another line took its double
        return _named(line, same[0])
    if same:
        return Matched(line, "unmatched", None, f"{len(same)} have this name and amount")
    named = free.named(said)
    if named:
        return Matched(line, "differs", named[0], f"{named[0].number} is over another amount")
    near = free.near(line, window_days)
    if len(near) == 1:
        return Matched(line, "matched", near[0], f"the only payout of this amount within {window_days} days")
    if near:
        return Matched(line, "unmatched", None, f"{len(near)} payouts have this amount")
    return Matched(line, "unmatched", None, "names nothing that we know")
