"""Olist files → orders. Pure: rows of text in, frozen orders out.

An order that makes no sense is set aside with its line and the reason; the rest goes on.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from entrepot.channels.olist import contract
from entrepot.network.destinations import zone_of


class UnknownHeader(ValueError):  # noqa: N818  a fact about the file
    """The file's first line does not name the columns."""


class _Broken(ValueError):  # noqa: N818  a fact about the order
    """Why an order can't be taken."""


class Item(NamedTuple):
    """One unit. An offer is a seller's own stock of a product: the SKU."""

    product: str
    seller: str
    hand_over_by: datetime | None
    price: Decimal
    freight_minor: int

    @property
    def offer(self) -> str:
        return f"{self.product}-{self.seller[:8]}"


class Payment(NamedTuple):
    kind: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order with all that the files say of it; `line` is its line in the file of orders."""

    line: int
    id: str
    status: str
    customer: str
    postal_code: str
    city: str
    state: str
    at: datetime
    approved_at: datetime | None
    carrier_at: datetime | None
    delivered_at: datetime | None
    promised_at: datetime | None
    items: tuple[Item, ...]
    payments: tuple[Payment, ...]
    raw: Mapping[str, Any]

    @property
    def paid_minor(self) -> int:
        return sum(payment.amount_minor for payment in self.payments)


class SetAside(NamedTuple):
    """An order that can't be taken, with its line, its name, why, and what the files say of it."""

    line: int
    id: str
    why: str
    raw: Mapping[str, Any]


class Product(NamedTuple):
    category: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int


@dataclass(frozen=True, slots=True)
class Book:
    """The files as they were read: orders by time, those set aside, and the products by id."""

    orders: tuple[Order, ...]
    set_aside: tuple[SetAside, ...]
    products: Mapping[str, Product]


Rows = Iterable[tuple[int, dict[str, str]]]
"""Line numbers with fields by column."""


def rows(name: str, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a file, each with the number of its line."""
    reader = csv.DictReader(lines)
    missing = [column for column in contract.FILES[name] if column not in (reader.fieldnames or ())]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "nothing"
        raise UnknownHeader(f"the first line must name the columns {', '.join(missing)}; it has: {found}")
    for row in reader:
        yield reader.line_num, row


def parse(files: Mapping[str, Rows]) -> Book:
    """Read all files, by name. Orders come in the order of their times, then of their ids."""
    items, payments = _by_order(files["order_items"]), _by_order(files["order_payments"])
    customers = {row["customer_id"]: row for _, row in files["customers"]}
    products = {row["product_id"]: row for _, row in files["products"]}
    orders: list[Order] = []
    aside: list[SetAside] = []
    seen: set[str] = set()
    for line, row in files["orders"]:
        order = row["order_id"]
        raw = {
            "order": row, "customer": customers.get(row["customer_id"], {}),
            "items": items.get(order, []), "payments": payments.get(order, []),
        }  # fmt: skip
        try:
            if order in seen:
                raise _Broken("an order of that id stands above it")
            seen.add(order)
            orders.append(_order(line, order, raw, products))
        except _Broken as broken:
            aside.append(SetAside(line, order, str(broken), raw))
    wanted = {item.product for order in orders for item in order.items}
    orders.sort(key=lambda order: (order.at, order.id))
    return Book(tuple(orders), tuple(aside), {one: _product(products[one]) for one in wanted})


def _by_order(found: Rows) -> dict[str, list[dict[str, str]]]:
    of: dict[str, list[dict[str, str]]] = defaultdict(list)
    for _, row in found:
        of[row["order_id"]].append(row)
    return of


def _order(line: int, name: str, raw: Mapping[str, Any], products: Mapping[str, Any]) -> Order:
    row, customer = raw["order"], raw["customer"]
    status = row["order_status"]
    if not customer:
        raise _Broken(f"its customer {row['customer_id']!r} is in no row of the customers")
    if not raw["items"]:
        raise _Broken(f"it has no items; its status is {status!r}")
    unknown = sorted({item["product_id"] for item in raw["items"]} - products.keys())
    if unknown:
        raise _Broken(f"no row of the products has {', '.join(unknown)}")
    postal_code = customer["customer_zip_code_prefix"].zfill(5)
    zone = ZoneInfo(zone_of(contract.COUNTRY, postal_code))
    at = _time(row, "order_purchase_timestamp", zone)
    if at is None:
        raise _Broken("order_purchase_timestamp: expected a time, found nothing")
    sent = _time(row, "order_delivered_carrier_date", zone)
    arrived = _time(row, "order_delivered_customer_date", zone)
    if status in contract.SENT and sent is None:
        raise _Broken(f"its status is {status!r}, and no carrier took it")
    if status == "delivered" and arrived is None:
        raise _Broken("its status is 'delivered', and no time says when")
    return Order(
        line, name, status, customer["customer_unique_id"], postal_code, customer["customer_city"],
        customer["customer_state"], at, _time(row, "order_approved_at", zone), sent, arrived,
        _time(row, "order_estimated_delivery_date", zone),
        tuple(
            Item(
                item["product_id"], item["seller_id"], _time(item, "shipping_limit_date", zone),
                _amount(item, "price"), _minor(item, "freight_value"),
            )
            for item in raw["items"]
        ),
        tuple(Payment(one["payment_type"], _minor(one, "payment_value")) for one in raw["payments"]),
        raw,
    )  # fmt: skip


def _product(row: Mapping[str, str]) -> Product:
    measures = (f"product_{name}_cm" for name in ("length", "width", "height"))
    return Product(
        row["product_category_name"], _whole(row["product_weight_g"], 1),
        *(_whole(row[name], 10) for name in measures),
    )  # fmt: skip


def _whole(text: str, factor: int) -> int:
    """0 where nobody has measured."""
    return round(float(text or 0) * factor)


def _time(row: Mapping[str, str], column: str, zone: ZoneInfo) -> datetime | None:
    """A time as the file says it, without a zone: taken as that of whoever bought. None where it says nothing."""
    text = row[column]
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        raise _Broken(f"{column}: expected a time such as 2018-01-20 12:15:57, found {text!r}") from None


def _amount(row: Mapping[str, str], column: str) -> Decimal:
    try:
        amount = Decimal(row[column])
    except InvalidOperation:
        raise _Broken(f"{column}: expected an amount, found {row[column]!r}") from None
    if not amount.is_finite() or amount < 0 or amount != round(amount, 2):
        raise _Broken(f"{column}: expected an amount from 0 with two decimals, found {row[column]!r}")
    return amount


def _minor(row: Mapping[str, str], column: str) -> int:
    return int(_amount(row, column) * 100)


# ---- what the whole says


def homes(orders: Sequence[Order]) -> dict[str, str]:
    """The code of the node where each seller's goods are kept.

    Nearest to where most of his orders went; but every seller sends his own goods, so two who share an order are kept
    at different nodes where the nodes are enough.
    """
    went: dict[str, Counter[str]] = defaultdict(Counter)
    beside: dict[str, set[str]] = defaultdict(set)
    codes = [code for code, *_ in contract.NODES]
    for order in orders:
        sellers = {item.seller for item in order.items}
        for seller in sellers:
            went[seller][contract.NODE_OF_STATE.get(order.state, codes[0])] += 1
            beside[seller] |= sellers - {seller}
    home: dict[str, str] = {}
    # Who shares with most chooses first, while there is still a choice.
    for seller in sorted(went, key=lambda one: (-len(beside[one]), one)):
        by_nearness = sorted(codes, key=lambda code: (-went[seller][code], codes.index(code)))
        taken = {home.get(other) for other in beside[seller]}
        home[seller] = next((code for code in by_nearness if code not in taken), by_nearness[0])
    return home
