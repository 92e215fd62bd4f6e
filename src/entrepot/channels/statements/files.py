"""From a file to what a channel states in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from entrepot.channels.amazon import parse as amazon
from entrepot.channels.shopify import parse as shopify
from entrepot.channels.spreadsheet import read
from entrepot.channels.statements import table
from entrepot.channels.statements.stated import ROWS_MAX, StatedOrder, StatedStock, UnreadableError
from entrepot.kernel.errors import Invalid, Said

SOURCES = (shopify.SOURCE, amazon.SOURCE, "table")
"""How a file is written: what Shopify's API answers, Amazon's reports, or a table in our columns."""


class Told(NamedTuple):
    """What a file states: orders, or stock."""

    orders: tuple[StatedOrder, ...] = ()
    stock: tuple[StatedStock, ...] = ()

    def period(self) -> tuple[datetime, datetime] | None:
        """From its first order until just after its last; None where it has none."""
        times = [one.placed_at for one in self.orders]
        return (min(times), max(times) + timedelta(microseconds=1)) if times else None


def told(kind: str, source: str, data: bytes) -> Told:
    """What a file states. Raises Invalid for what can't be read."""
    try:
        if source not in SOURCES:
            raise UnreadableError(f"one of {', '.join(SOURCES)} was expected, found {source}")
        found = _told(kind, source, data)
    except UnreadableError as error:
        raise Invalid(
            field="file", expected=Said("a statement of {0} ({1})", kind, source), found=str(error)
        ) from error
    if len(found.orders) + len(found.stock) > ROWS_MAX:
        raise Invalid(
            field="file", expected=Said("at most {0}", ROWS_MAX), found=len(found.orders) + len(found.stock)
        )
    return found


def _told(kind: str, source: str, data: bytes) -> Told:
    if source == shopify.SOURCE and kind == "orders":
        return Told(tuple(shopify.orders(data.decode("utf-8", "replace"))))
    sheet = read.read(data)
    if kind == "stock":
        return Told(stock=tuple(table.stock(sheet.header, sheet.rows)))
    orders = amazon.orders if source == amazon.SOURCE else table.orders
    return Told(tuple(orders(sheet.header, sheet.rows)))
