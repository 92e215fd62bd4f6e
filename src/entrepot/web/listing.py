"""What a list is made of: its heads, what it can be put in order by, its sums, and its rows in a file. No database."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from entrepot.kernel import money

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Cells = dict[str, Callable[[Any], Any]]


class Head(NamedTuple):
    """A column of a list."""

    title: _StrPromise | str
    name: str = ""
    """Under which a reader leaves it out; '' stays."""
    by: str = ""
    """The attribute of rows by which the list is put in order, where a click on the head does that; else ''."""
    n: bool = False
    """Whether it is numbers, which stand at the end of the column."""
    sum: str = ""
    """The attribute of rows that is added up, or ''; amounts end with `_minor`, each with its row's `currency`."""
    spread: Mapping[str, Any] | None = None
    """The titles of several columns that are left out together; for those that the page says, None."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list by its name and the name of its address."""

    name: str
    url: str
    heads: tuple[Head, ...]
    cells: Cells
    order: str = ""
    """The order that it has by itself: the `by` of a head, with a minus from the largest down; '' as it comes."""
    part: str = ""
    """What the parameter `list` of its address says, where a page has several; '' of the first."""

    @property
    def columns(self) -> dict[str, _StrPromise | str]:
        """The columns that can be left out."""
        return {one.name: one.title for one in self.heads if one.name}

    @property
    def orders(self) -> frozenset[str]:
        return frozenset(one.by for one in self.heads if one.by)

    @property
    def fixed(self) -> bool:
        """Whether some of its columns have no index, and so don't put it in order."""
        return any(not one.by for one in self.heads)

    def ordered(self, asked: str) -> str:
        """The order that an address asks for, where the list can be put in it, or else its own."""
        return asked if asked.removeprefix("-") in self.orders else self.order


class Sum(NamedTuple):
    """A column of rows added up; in units where `currency` is ''."""

    title: _StrPromise | str
    value: int
    currency: str


def next_order(head: Head, order: str) -> str:
    """What a click on a head asks for: the other way round, or first numbers and times from the largest down."""
    if order.removeprefix("-") == head.by:
        return head.by if order.startswith("-") else f"-{head.by}"
    return f"-{head.by}" if head.n or head.by.endswith(("_at", "_on")) else head.by


def in_order(rows: Iterable[Any], order: str) -> list[Any]:
    """Rows that are all in hand, by an attribute; those without it last, and equals as they came."""
    by, down = order.removeprefix("-"), order.startswith("-")
    rows = list(rows)
    if not by:
        return rows
    with_it = [one for one in rows if getattr(one, by) not in (None, "")]
    without = [one for one in rows if getattr(one, by) in (None, "")]
    return sorted(with_it, key=lambda one: _as_read(getattr(one, by)), reverse=down) + without


def _as_read(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def sums_of(listing: Listing, rows: Iterable[Any], currency: str = "") -> list[Sum]:
    """The columns of rows added up, amounts for each currency: the row's own, or else the one that is given."""
    added: Counter[tuple[int, str]] = Counter()
    adding = [(place, one) for place, one in enumerate(listing.heads) if one.sum]
    for row in rows:
        for place, head in adding:
            in_money = head.sum.endswith("_minor")
            its = getattr(row, "currency", currency) if in_money else ""
            added[place, its] += getattr(row, head.sum) or 0
    return [Sum(listing.heads[place].title, value, its) for (place, its), value in sorted(added.items())]


# ---- rows in a file


def attributes(*names: str) -> Cells:
    """Cells that are attributes of rows as they stand."""

    def of(name: str) -> Callable[[Any], Any]:
        return lambda row: plain(getattr(row, name))

    return {name: of(name) for name in names}


def major(name: str) -> Callable[[Any], Decimal | None]:
    """An amount in whole units of its row's currency, as a spreadsheet adds it up."""

    def of(row: Any) -> Decimal | None:
        value = getattr(row, name)
        return None if value is None else Decimal(value).scaleb(-money.exponent(row.currency))

    return of


NOT_TOLD = ("company", "company_id")


def cells_of(row: type) -> Cells:
    """Every field of a class of rows as a cell, amounts in whole units where the rows have a currency."""
    names: Sequence[str] = (
        [one.name for one in dataclasses.fields(row)] if dataclasses.is_dataclass(row) else row._fields  # type: ignore[attr-defined]
    )
    cells: Cells = {}
    for name in names:
        if name in NOT_TOLD:
            continue
        if name.endswith("_minor") and "currency" in names:
            cells[name.removesuffix("_minor")] = major(name)
        else:
            cells |= attributes(name)
    return cells


def plain(value: Any) -> Any:
    """A value as a cell can hold it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {plain(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(str(plain(one)) for one in value)
    return value
