"""Rows of a CSV file by their number, of which one that can't be read or stands twice stops no other. Pure."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar


class Fault(NamedTuple):
    row: int
    problem: str


Row = TypeVar("Row")


@dataclass(slots=True)
class Sheet(Generic[Row]):
    """The rows of a file, and what could not be read."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read(
    lines: Iterable[str], header: Sequence[str], needed: Sequence[str],
    parse: Callable[[dict[str, str | None]], Row | str], name: Callable[[Row], tuple[object, ...]], most: int,
    each: str = "row", of: str = "rows",
) -> Sheet[Row]:  # fmt: skip
    """`parse` answers a row, or what is wrong with it; `name` is what a row is known by: of one that stands twice, the
    second is a fault. `each` and `of` are how faults call a row by its name, and many of them."""
    sheet: Sheet[Row] = Sheet()
    seen: set[tuple[object, ...]] = set()
    for number, row in _numbered(lines, header, needed):
        found = row if isinstance(row, str) else parse(row)
        if isinstance(found, str):
            sheet.faults.append(Fault(number, found))
        elif name(found) in seen:
            twice = " · ".join(map(str, name(found)))
            sheet.faults.append(Fault(number, f"expected each {each} once, found {twice} again"))
        elif len(seen) >= most:
            sheet.faults.append(Fault(number, f"expected {most} {of} at most, found more"))
            break
        else:
            seen.add(name(found))
            sheet.rows.append(found)
    return sheet


def _numbered(
    lines: Iterable[str], header: Sequence[str], needed: Sequence[str]
) -> Iterator[tuple[int, dict[str, str | None] | str]]:
    """Each row by the names of its columns, or what is wrong with it. A file without the needed ones has no rows."""
    reader = csv.DictReader(lines)
    try:
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
    except csv.Error as error:
        yield 1, _unread(error)
        return
    if missing:
        yield 1, f"expected the columns {', '.join(header)}, found no {' and no '.join(missing)}"
        return
    number = 1
    while True:
        number += 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a cell of more than 131,072 signs, for example
            yield number, _unread(error)


def _unread(error: csv.Error) -> str:
    return f"expected a row of CSV, found one that can't be read: {error}"
