"""Rows of a CSV file by their number, of which one that can't be read stops no other. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence


def rows(
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
