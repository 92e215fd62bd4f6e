"""Which lines of a clearing account belong together, and what is left of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

HOW = ("rule", "hand", "write off")
"""Who says that lines belong together: a rule, a person, or a person who gave up what was left."""


@dataclass(frozen=True, slots=True)
class Part:
    """So much of a journal line; all that is open of it where no amount is said."""

    line: int
    amount_minor: int | None = None


class Item(NamedTuple):
    """A journal line of a clearing account, and what of it nothing is matched with yet; debit above zero."""

    line: int
    company: int
    account: int
    currency: str
    amount: int
    open: int


def takes(item: Item, amount: int) -> bool:
    """Whether so much of a line can be matched: some of what is open, on its own side."""
    return amount != 0 and amount * item.open > 0 and abs(amount) <= abs(item.open)


def net(wanted: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of lines that make up zero: all of the smaller side, and of the larger the oldest first.

    `wanted`: line and what may be taken of it; lines were posted in the order of their numbers. [] where one side has
    nothing.
    """
    parts = sorted((line, amount) for line, amount in wanted if amount)
    debits = sum(amount for _, amount in parts if amount > 0)
    credits_ = -sum(amount for _, amount in parts if amount < 0)
    left = {True: min(debits, credits_), False: min(debits, credits_)}
    taken = []
    for line, amount in parts:
        side = amount > 0
        part = min(abs(amount), left[side])
        left[side] -= part
        if part:
            taken.append((line, part if side else -part))
    return taken


class Group(NamedTuple):
    """Lines that a rule says belong together, with what may be taken of each, and why they do."""

    why: str
    document: str
    wanted: Sequence[tuple[int, int]]


class Proposal(NamedTuple):
    """Parts of lines that make up zero."""

    why: str
    document: str
    parts: list[tuple[int, int]]


def propose(groups: Iterable[Group], open_: Mapping[int, int]) -> list[Proposal]:
    """What can be matched: a group takes what the groups before it have left of a line."""
    left = dict(open_)
    found = []
    for group in groups:
        parts = net((line, _of(amount, left.get(line, 0))) for line, amount in group.wanted)
        for line, amount in parts:
            left[line] -= amount
        if parts:
            found.append(Proposal(group.why, group.document, parts))
    return found


def _of(amount: int, left: int) -> int:
    """So much of what is left on the same side."""
    if amount * left <= 0:
        return 0
    return min(amount, left) if amount > 0 else max(amount, left)
