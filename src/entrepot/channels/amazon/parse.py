"""Amazon's order report: a row for each item of an order, as GET_FLAT_FILE_ALL_ORDERS_DATA reports are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from entrepot.channels.statements.stated import StatedLine, StatedOrder
from entrepot.channels.statements.table import CANCELLED, Cells, Rows, by_order, rows_of

SOURCE = "amazon"
REQUIRED = ("amazon-order-id", "purchase-date", "order-status", "sku", "quantity", "item-price")
SHIPPED = "shipped"
SIXTH = Decimal("0.000001")
ADDED = ("item-price", "item-tax", "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax")
TAKEN_OFF = ("item-promotion-discount", "ship-promotion-discount")


def orders(header: Sequence[str], rows: Rows) -> list[StatedOrder]:
    """Orders that are ours to send: what Amazon sends from its own houses is none of them. Refunds are not told."""
    found = by_order(rows_of(header, rows, REQUIRED), "amazon-order-id")
    return [
        _order(name, own)
        for name, own in found.items()
        if own[0].text("fulfillment-channel").lower() not in ("amazon", "afn")
    ]


def _order(name: str, rows: Sequence[Cells]) -> StatedOrder:
    first = rows[0]
    currency = next((one.text("currency") for one in rows if one.text("currency")), "").upper() or "USD"
    gone = first.text("order-status").lower() in CANCELLED
    kept = [one for one in rows if one.text("quantity") and one.whole("quantity")]

    def sum_of(*columns: str) -> int:
        return sum(one.money(column, currency) for one in rows for column in columns)

    # The price of a cancelled order is left out of the report.
    total = None if gone else sum_of(*ADDED) - sum_of(*TAKEN_OFF)
    shipped = sum(one.whole("quantity") for one in kept if one.text("item-status").lower() == SHIPPED)
    return StatedOrder(
        name, first.moment("purchase-date"), currency, tuple(_line(one, currency) for one in kept),
        first.text("merchant-order-id"), gone, total, shipped, None,
        sum_of("ship-promotion-discount"), sum_of("shipping-price", "gift-wrap-price"),
        sum_of("item-tax", "shipping-tax", "gift-wrap-tax"),
        first.text("ship-country").upper(), first.text("ship-postal-code"),
    )  # fmt: skip


def _line(one: Cells, currency: str) -> StatedLine:
    """An item's price is that of all its units."""
    quantity = one.whole("quantity")
    price = (one.price("item-price") / quantity).quantize(SIXTH)
    return StatedLine(
        one.must("sku"),
        quantity,
        price,
        one.money("item-promotion-discount", currency),
        one.text("product-name"),
    )
