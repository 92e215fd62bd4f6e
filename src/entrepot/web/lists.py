"""The lists of orders, returns, work, stock, purchases and the journal; and every list by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from entrepot.orders.listing_queries import ListingRow
from entrepot.stock.models import STATUSES
from entrepot.web import lists_books, lists_floor, lists_insight, lists_returns
from entrepot.web.listing import Head, Listing, attributes, cells_of, major


def _of_status(status: str) -> Callable[[Any], int]:
    return lambda row: row.by_status.get(status, 0)


ORDERS = Listing(
    "orders", "orders",
    (
        Head(_("Order")), Head(_("Status")), Head(_("Channel"), "channel"), Head(_("Customer"), "customer"),
        Head(_("Lines"), "lines", n=True, sum="line_count"), Head(_("Units"), "units", n=True, sum="units"),
        Head(_("Total"), "total", n=True, sum="total_minor"), Head(_("Placed"), "placed", "placed_at"),
        Head(_("Promise"), "promise", "promise_at"),
    ),
    {
        **attributes("number", "status", "channel", "external_id", "customer", "tier", "country"),
        **attributes("line_count", "units"), "total": major("total_minor"),
        **attributes("currency", "placed_at", "promise_at", "holds", "id"),
    },
    "-placed_at",
)  # fmt: skip
LISTED_BUYERS = Listing(
    "listed-buyers", "listed-buyers",
    (
        Head(_("Who")), Head(_("Why"), "why"), Head(_("Order"), "order"), Head(_("By"), "by"),
        Head(_("Since"), "since"), Head(""),
    ),
    cells_of(ListingRow),
)  # fmt: skip
RETURNS = Listing(
    "returns", "returns",
    (
        Head(_("Return")), Head(_("State")), Head(_("Order"), "order"), Head(_("Node"), "node"),
        Head(_("Asked"), "asked", n=True, sum="units"), Head(_("Came"), "came", n=True, sum="received"),
        Head(_("Done with"), "done", n=True, sum="disposed"),
        Head(_("Refunded"), "refunded", n=True, sum="refunded_minor"), Head(_("Age"), "age", "requested_at"),
        Head(_("Last step"), "last"),
    ),
    {
        **attributes(
            "number", "state", "asked", "order_number", "channel", "customer", "node", "units", "received", "disposed",
            "refunded",
        ),
        "refunded_amount": major("refunded_minor"),
        **attributes("currency", "requested_by", "requested_at", "changed_at", "id"),
    },
    "-requested_at",
)  # fmt: skip
WORK = Listing(
    "work", "work",
    (
        Head(_("What")), Head(_("About"), "about"), Head(_("State"), "state"), Head(_("For"), "for"),
        Head(_("Priority"), "priority", "rank", n=True), Head(_("Due"), "due", "due_at"),
    ),
    attributes(
        "type", "subject_kind", "subject", "reason", "role", "owner", "state", "priority", "opened_at", "due_at",
        "snoozed_until", "id",
    ),
    "rank",
)  # fmt: skip
STOCK = Listing(
    "stock", "stock",
    (
        Head(_("SKU"), by="sku_code"), Head(_("Node"), "node"), Head(_("Statuses"), "statuses", n=True, spread={}),
        Head(_("Promised"), "promised", n=True, sum="allocated"), Head(_("Free"), "free", n=True),
        Head(_("Value"), "value", n=True, sum="value_minor"),
    ),
    {
        **attributes("sku_code", "sku_name", "node_code"),
        **{one: _of_status(one) for one in STATUSES},
        **attributes("reserved", "allocated", "value_minor"),
    },
    "sku_code",
)  # fmt: skip
STOCK_PAST = Listing(
    "stock-past", "stock-past",
    (
        Head(_("SKU")), Head(_("Node"), "node"), Head(_("Statuses"), "statuses", n=True, spread={}),
        Head(_("Promised still"), "still-promised", n=True, sum="still"),
        Head(_("Sent since"), "sent-since", n=True, sum="sent"),
        Head(_("Lost since"), "lost-since", n=True, sum="lost"),
        Head(_("Reserved still"), "still-reserved", n=True, sum="reserved"),
    ),
    {
        **attributes("sku_code", "sku_name", "node_code"),
        **{one: _of_status(one) for one in STATUSES},
        **attributes("still", "sent", "lost", "reserved"),
    },
)  # fmt: skip
PURCHASES = Listing(
    "purchases", "purchase-orders",
    (
        Head(_("Order")), Head(_("State")), Head(_("Supplier"), "supplier"), Head(_("Node"), "node"),
        Head(_("Ordered"), "ordered", n=True, sum="quantity"), Head(_("Received"), "received", n=True, sum="received"),
        Head(_("When"), "when", "ordered_at"),
    ),
    attributes(
        "number", "external_ref", "state", "supplier_name", "node_code", "quantity", "received", "ordered_at",
        "ordered_by", "id",
    ),
    "-ordered_at",
)  # fmt: skip
JOURNAL = Listing(
    "journal", "account",
    (
        Head(_("When")), Head(_("What")), Head(_("Document"), "document"), Head(_("Debit"), n=True),
        Head(_("Credit"), n=True),
    ),
    {
        **attributes(
            "id", "entry", "occurred_at", "recorded_at", "account", "account_name", "event", "kind", "document_kind",
            "document",
        ),
        "amount": major("amount_minor"), **attributes("currency"),
    },
)  # fmt: skip
BOARDS = Listing("boards", "dashboard", (), {})
"""Boards of key figures, which are kept as the views of lists are."""

OF_THIS_PAGE = (ORDERS, LISTED_BUYERS, RETURNS, WORK, STOCK, STOCK_PAST, PURCHASES, JOURNAL, BOARDS)
ELSEWHERE = (*lists_returns.ALL, *lists_floor.ALL, *lists_books.ALL, *lists_insight.ALL)
LISTS = {one.name: one for one in (*OF_THIS_PAGE, *ELSEWHERE)}
"""Every list of the console by its name."""
