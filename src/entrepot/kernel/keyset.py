"""Pages of a list in the order of an index: behind the last row of a page, forwards or backwards, however far down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID


class Keyset(NamedTuple):
    """What a statement says to read one page: a condition that begins with AND, or '', and its ORDER BY."""

    behind: str
    order: str


def keyset(
    table: str,
    alias: str,
    orders: Mapping[str, Sequence[str]],
    order: str,
    after: UUID | None,
    *,
    key: str = "id",
) -> Keyset:
    """The page behind the row `after` in an `order`: a name of `orders`, with a minus from the largest down.

    `orders` says for each name the expressions that an index is led by, written with `{row}.` before their columns;
    none are the key itself. What stands at the last row is read when the page is: a row that moved meanwhile is not
    looked for at its old place. Raises KeyError for an order that is none.
    """
    down = order.startswith("-")
    parts = [*orders[order.removeprefix("-")], f"{{row}}.{key}"]
    here = ", ".join(one.format(row=alias) for one in parts)
    there = ", ".join(one.format(row="last_row") for one in parts)
    behind = (
        f"AND ({here}) {'<' if down else '>'} "
        f"(SELECT {there} FROM {table} AS last_row WHERE last_row.{key} = %(after)s::uuid)"
    )
    way = " DESC" if down else ""
    return Keyset(
        behind if after is not None else "",
        "ORDER BY " + ", ".join(one.format(row=alias) + way for one in parts),
    )
