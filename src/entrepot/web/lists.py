"""The lists of the console: the columns that a reader may leave out, and what each row is in a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from entrepot.kernel import money
from entrepot.stock.models import STATUSES

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: the columns that can be left out, by name, and the cells of its rows in a file."""

    name: str
    url: str
    columns: dict[str, _StrPromise]
    cells: dict[str, Callable[[Any], Any]]


def _attributes(*names: str) -> dict[str, Callable[[Any], Any]]:
    def of(name: str) -> Callable[[Any], Any]:
        return lambda row: getattr(row, name)

    return {name: of(name) for name in names}


def _major(name: str) -> Callable[[Any], Decimal]:
    """An amount in whole units of its row's currency, as a spreadsheet adds it up."""
    return lambda row: Decimal(getattr(row, name)).scaleb(-money.exponent(row.currency))


def _of_status(status: str) -> Callable[[Any], int]:
    return lambda row: row.by_status.get(status, 0)


ORDERS = Listing(
    "orders", "orders",
    {
        "channel": _("Channel"), "customer": _("Customer"), "lines": _("Lines"), "units": _("Units"),
        "total": _("Total"), "placed": _("Placed"), "promise": _("Promise"),
    },
    {
        **_attributes("number", "status", "channel", "external_id", "customer", "country", "line_count", "units"),
        "total": _major("total_minor"), **_attributes("currency", "placed_at", "promise_at"),
        "holds": lambda row: ", ".join(row.holds), "id": lambda row: str(row.id),
    },
)  # fmt: skip
RETURNS = Listing(
    "returns", "returns",
    {
        "order": _("Order"), "node": _("Node"), "asked": _("Asked"), "came": _("Came"), "done": _("Done with"),
        "refunded": _("Refunded"), "age": _("Age"), "last": _("Last step"),
    },
    {
        **_attributes(
            "number", "state", "asked", "order_number", "channel", "customer", "node", "units", "received", "disposed",
            "refunded",
        ),
        "refunded_amount": _major("refunded_minor"),
        **_attributes("currency", "requested_by", "requested_at", "changed_at"), "id": lambda row: str(row.id),
    },
)  # fmt: skip
WORK = Listing(
    "work", "work",
    {"about": _("About"), "state": _("State"), "for": _("For"), "priority": _("Priority"), "due": _("Due")},
    {
        **_attributes("type", "subject_kind"), "subject": lambda row: str(row.subject),
        **_attributes("reason", "role", "owner", "state", "priority", "opened_at", "due_at", "snoozed_until"),
        "id": lambda row: str(row.id),
    },
)  # fmt: skip
STOCK = Listing(
    "stock", "stock",
    {"node": _("Node"), "statuses": _("Statuses"), "promised": _("Promised"), "free": _("Free"), "value": _("Value")},
    {
        **_attributes("sku_code", "sku_name", "node_code"),
        **{one: _of_status(one) for one in STATUSES},
        **_attributes("reserved", "allocated", "value_minor"),
    },
)  # fmt: skip
PURCHASES = Listing(
    "purchases", "purchase-orders",
    {
        "supplier": _("Supplier"), "node": _("Node"), "ordered": _("Ordered"), "received": _("Received"),
        "when": _("When"),
    },
    {
        **_attributes(
            "number", "external_ref", "state", "supplier_name", "node_code", "quantity", "received", "ordered_at",
            "ordered_by",
        ),
        "id": lambda row: str(row.id),
    },
)  # fmt: skip
JOURNAL = Listing(
    "journal", "account",
    {"document": _("Document")},
    {
        **_attributes("id"), "entry": lambda row: str(row.entry),
        **_attributes("occurred_at", "recorded_at", "account", "account_name", "event", "kind", "document_kind"),
        "document": lambda row: str(row.document), "amount": _major("amount_minor"), **_attributes("currency"),
    },
)  # fmt: skip
CLEARING = Listing(
    "clearing", "clearing",
    {"document": _("Document"), "with": _("With"), "since": _("Since"), "note": _("Note")},
    {
        **_attributes("line"), "entry": lambda row: str(row.entry),
        **_attributes("account", "since", "event", "document_kind"), "document": lambda row: str(row.document),
        **_attributes("counterparty"), "amount": _major("amount_minor"), "open": _major("open_minor"),
        **_attributes("currency", "code", "note", "role", "due_on"),
    },
)  # fmt: skip

LISTS = {one.name: one for one in (ORDERS, RETURNS, WORK, STOCK, PURCHASES, JOURNAL, CLEARING)}
