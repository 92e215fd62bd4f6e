"""Orders as Shopify's Admin API lists them (`GET orders.json`). Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from entrepot.channels.statements.stated import StatedAddress, StatedLine, StatedOrder, UnreadableError, minor

SOURCE = "shopify"
REFUNDS = ("refund",)
DONE = ("success", None)
"""States of a transaction that moved money; a list may leave them out."""


def orders(text: str) -> list[StatedOrder]:
    """The orders of an answer, or of several put together as one list. Test orders are none."""
    return [_order(one) for one in _list(text) if not (isinstance(one, dict) and one.get("test"))]


def _list(text: str) -> list[Any]:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise UnreadableError(f"JSON was expected: {error}") from error
    found = told.get("orders") if isinstance(told, dict) else told
    if not isinstance(found, list):
        raise UnreadableError("a list under `orders` was expected, as GET orders.json answers it")
    return found


def _order(one: Any) -> StatedOrder:
    try:
        return _read(one)
    except UnreadableError:
        raise
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        name = one.get("name") if isinstance(one, dict) else None
        raise UnreadableError(f"order {name or 'without a name'}: {type(error).__name__} {error}") from error


def _read(one: dict[str, Any]) -> StatedOrder:
    name, currency = str(one["name"]), str(one["currency"])
    lines = [line for line in one["line_items"] if int(line["quantity"]) > 0]
    discounts = [_discount(line, currency, name) for line in lines]
    includes = bool(one.get("taxes_included"))
    return StatedOrder(
        name, _moment(one.get("processed_at") or one["created_at"], name), currency,
        tuple(_line(line, discount) for line, discount in zip(lines, discounts, strict=True)),
        str(one.get("id") or ""), one.get("cancelled_at") is not None,
        minor(one["total_price"], currency, name),
        sum(_shipped(line) for line in lines),
        _refunded(one, currency, name),
        max(0, minor(one.get("total_discounts") or 0, currency, name) - sum(discounts)),
        sum(minor(line.get("price") or 0, currency, name) for line in one.get("shipping_lines") or ()),
        # Where prices hold the tax, it is no amount beside them.
        0 if includes else minor(one.get("total_tax") or 0, currency, name),
        *_where(one),
    )  # fmt: skip


def _line(line: dict[str, Any], discount: int) -> StatedLine:
    sku = str(line.get("sku") or line.get("variant_id") or line["id"])
    title = str(line.get("name") or line.get("title") or "")
    return StatedLine(sku, int(line["quantity"]), Decimal(str(line["price"])), discount, title)


def _discount(line: dict[str, Any], currency: str, name: str) -> int:
    return minor(line.get("total_discount") or 0, currency, name)


def _shipped(line: dict[str, Any]) -> int:
    """Units that left; those that were taken off the order are neither to ship nor shipped."""
    quantity, rest = int(line["quantity"]), line.get("fulfillable_quantity")
    if line.get("fulfillment_status") == "fulfilled":
        return quantity
    if line.get("fulfillment_status") != "partial" or rest is None:
        return 0
    current = line.get("current_quantity")
    return max(0, int(quantity if current is None else current) - int(rest))


def _refunded(one: dict[str, Any], currency: str, name: str) -> int | None:
    if one.get("refunds") is None:
        return None
    return sum(
        minor(step["amount"], currency, name)
        for refund in one["refunds"]
        for step in refund.get("transactions") or ()
        if step.get("kind") in REFUNDS and step.get("status") in DONE
    )


def _where(one: dict[str, Any]) -> tuple[str, str, StatedAddress | None]:
    home = one.get("shipping_address") or {}
    country, postal_code = str(home.get("country_code") or ""), str(home.get("zip") or "")
    name, line1, city, line2, region = (
        str(home.get(part) or "") for part in ("name", "address1", "city", "address2", "province_code")
    )
    if not (name and line1 and city):
        return country, postal_code, None
    email, phone = str(one.get("email") or ""), str(home.get("phone") or one.get("phone") or "")
    return country, postal_code, StatedAddress(name, line1, city, line2, region, email, phone)


def _moment(text: str, name: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise UnreadableError(f"order {name}: a time with its zone was expected, found {text!r}")
    return found


def together(answers: Sequence[str]) -> str:
    """Pages of a list as one. Raises UnreadableError for what is none, such as a shop's page for its owner."""
    return json.dumps({"orders": [one for answer in answers for one in _list(answer)]})
