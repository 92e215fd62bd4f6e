"""The areas of the console and the pages of each: what the navigation and the tabs of a page are made of.

A new page of an area is one line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Page(NamedTuple):
    """A page that has a tab of its own."""

    url: str
    """The name of its address, which needs no arguments."""
    title: _StrPromise
    needs: str = ""
    """The command without which the page is of no use to its reader; '' for everybody."""


class Area(NamedTuple):
    """A part of the house; its first page is where the navigation leads."""

    name: str
    title: _StrPromise
    icon: str
    key: str
    """The letter after `g` that leads there."""
    tells: _StrPromise
    """What is found there, for the help on keys."""
    pages: tuple[Page, ...]


AREAS = (
    Area("home", _("Flow"), "home", "h", _("Flow: what stands where"), (
        Page("home", _("Flow")),
        Page("reports", _("Reports")),
    )),
    Area("orders", _("Orders"), "orders", "o", _("Orders"), (
        Page("orders", _("Orders")),
        Page("drafts", _("Drafts")),
        Page("orders-import", _("Import"), "orders.place"),
        Page("drop-ships", _("Drop-ship")),
        Page("promises", _("Promises")),
        Page("campaigns", _("Campaigns")),
        Page("conflicts", _("Conflicts")),
    )),
    Area("returns", _("Returns"), "returns", "r", _("Returns"), (
        Page("returns", _("Returns")),
        Page("station", _("Inspection"), "returns.inspect"),
        Page("refunds", _("Refunds")),
        Page("return-parcels", _("Parcels")),
        Page("return-reasons", _("Reasons")),
    )),
    Area("floor", _("Floor"), "box", "f", _("Floor: waves and lists"), (
        Page("floor", _("Waves and lists")),
        Page("scan", _("Scan"), "work.keep_scans"),
        Page("replenishment", _("Replenishment")),
        Page("packings", _("Packing")),
        Page("manifests", _("Manifests")),
        Page("claims", _("Claims")),
        Page("counts", _("Counts")),
        Page("counts-accuracy", _("Accuracy")),
        Page("labor", _("Labor")),
    )),
    Area("inbound", _("Inbound"), "truck", "i", _("Inbound: what suppliers send"), (
        Page("purchase-orders", _("Purchase orders")),
        Page("expected", _("Expected")),
        Page("receiving", _("Receiving"), "purchasing.receive_scans"),
        Page("quality", _("Checks and claims")),
        Page("put-away", _("Put away")),
        Page("reorders", _("Reorder")),
        Page("suppliers", _("Suppliers")),
    )),
    Area("stock", _("Stock"), "stock", "s", _("Stock"), (
        Page("stock", _("Stock")),
        Page("transfers", _("Transfers")),
        Page("ageing", _("Age and expiry")),
    )),
    Area("work", _("Work"), "work", "w", _("Work"), (Page("work", _("Work")),)),
    Area("books", _("Books"), "books", "b", _("Books"), (
        Page("books", _("Trial balance")),
        Page("invoices", _("Invoices")),
        Page("payouts", _("Payouts")),
        Page("bank", _("Bank")),
        Page("carriers", _("Carrier invoices")),
        Page("valuation", _("Valuation")),
        Page("preview", _("Posting preview")),
        Page("taxes", _("Taxes")),
        Page("closing", _("Month end")),
    )),
    Area("policies", _("Policies"), "steer", "p", _("Policies: what steers the house"), (
        Page("policies", _("Policies")),
        Page("trials", _("Trials")),
    )),
)  # fmt: skip
"""In the order of the navigation."""


def tabs_beside(url: str) -> tuple[Page, ...]:
    """The pages that stand beside one; none for a page without a tab, or that is alone in its area."""
    found = next((area.pages for area in AREAS if url in [one.url for one in area.pages]), ())
    return found if len(found) > 1 else ()
