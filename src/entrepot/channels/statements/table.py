"""Statements as tables: our own columns, and those of Amazon's reports. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from entrepot.channels.spreadsheet.parse import decimal, moment
from entrepot.channels.statements.stated import StatedLine, StatedOrder, StatedStock, UnreadableError, minor

Rows = Sequence[tuple[int, Sequence[str]]]
ORDERS = ("order", "ordered_at", "currency", "sku", "quantity")
MORE = (
    "unit_price",
    "total",
    "shipped",
    "refunded",
    "status",
    "shipping",
    "tax",
    "discount",
    "country",
    "postal_code",
)
"""Columns that a statement of orders must have, and those that it may have: what is missing is not compared."""
STOCK = (("sku", "seller-sku", "seller sku"), ("quantity", "available", "afn-fulfillable-quantity"))
CANCELLED = ("cancelled", "canceled")


class Cells:
    """The cells of a row by column, with where it stands for what can't be read."""

    def __init__(self, number: int, cells: Mapping[str, str]) -> None:
        self.number, self.cells = number, cells

    def text(self, column: str) -> str:
        """'' where there is no such column."""
        return self.cells.get(column, "")

    def must(self, column: str) -> str:
        if not (found := self.text(column)):
            raise UnreadableError(f"row {self.number}, {column}: a value was expected, found nothing")
        return found

    def whole(self, column: str) -> int:
        text = self.must(column)
        if not text.isdigit() or len(text) > 9:
            raise UnreadableError(
                f"row {self.number}, {column}: a whole number was expected, found {text[:40]!r}"
            )
        return int(text)

    def price(self, column: str) -> Decimal:
        """0 where it is not told."""
        text = self.text(column)
        found = decimal(text, comma=False) if text else Decimal(0)
        if found is None:
            raise UnreadableError(
                f"row {self.number}, {column}: an amount such as 12.50 was expected, found {text[:40]!r}"
            )
        return found

    def money(self, column: str, currency: str) -> int:
        return minor(self.price(column), currency, f"row {self.number}, {column}")

    def moment(self, column: str) -> datetime:
        text = self.must(column)
        if (found := moment(text)) is None:
            raise UnreadableError(f"row {self.number}, {column}: a time was expected, found {text[:40]!r}")
        return found


def rows_of(header: Sequence[str], rows: Rows, required: Sequence[str]) -> list[Cells]:
    """The rows with their cells by column; the header's names in small letters."""
    names = [name.strip().lower() for name in header]
    if missing := [name for name in required if name not in names]:
        raise UnreadableError(f"columns {', '.join(missing)} were expected, found {', '.join(names)[:200]}")
    return [Cells(number, dict(zip(names, cells, strict=False))) for number, cells in rows]


def by_order(rows: Sequence[Cells], column: str) -> dict[str, list[Cells]]:
    """Rows of each order, in their order."""
    found: dict[str, list[Cells]] = {}
    for one in rows:
        found.setdefault(one.must(column), []).append(one)
    return found


def orders(header: Sequence[str], rows: Rows) -> list[StatedOrder]:
    """Orders of a table in our columns, a row for each line; amounts of an order stand in its first row."""
    return [_order(name, own) for name, own in by_order(rows_of(header, rows, ORDERS), "order").items()]


def _order(name: str, rows: Sequence[Cells]) -> StatedOrder:
    first = rows[0]
    currency = first.must("currency").upper()

    def told(column: str, how: Callable[[], int]) -> int | None:
        return how() if first.text(column) else None

    return StatedOrder(
        name, first.moment("ordered_at"), currency,
        tuple(StatedLine(one.must("sku"), one.whole("quantity"), one.price("unit_price")) for one in rows),
        "", first.text("status").lower() in CANCELLED,
        told("total", lambda: first.money("total", currency)),
        sum(one.whole("shipped") for one in rows if one.text("shipped")) if "shipped" in first.cells else None,
        told("refunded", lambda: first.money("refunded", currency)),
        first.money("discount", currency), first.money("shipping", currency), first.money("tax", currency),
        first.text("country").upper(), first.text("postal_code"),
    )  # fmt: skip


def stock(header: Sequence[str], rows: Rows) -> list[StatedStock]:
    """What a channel shows of each SKU: ours, or Amazon's listings and inventory reports. A SKU that stands in several
    rows is shown the sum of them."""
    names = [name.strip().lower() for name in header]
    sku, quantity = (next((one for one in known if one in names), known[0]) for known in STOCK)
    found: dict[str, int] = {}
    for one in rows_of(header, rows, (sku, quantity)):
        code = one.must(sku)
        found[code] = found.get(code, 0) + (one.whole(quantity) if one.text(quantity) else 0)
    return [StatedStock(*row) for row in found.items()]
