"""The areas of the console and the pages of each: what the navigation and the tabs of a page are made of.

A new page of an area is one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        Page("dashboard", _("Dashboard")),
        Page("reports", _("Reports")),
    )),
    Area("orders", _("Orders"), "orders", "o", _("Orders"), (
        Page("orders", _("Orders")),
        Page("drafts", _("Drafts")),
        Page("orders-import", _("Import"), "orders.place"),
        Page("drop-ships", _("Drop-ship")),
        Page("backorders", _("Backorders")),
        Page("promises", _("Promises")),
        Page("listed-buyers", _("Blocked")),
        Page("campaigns", _("Campaigns")),
        Page("conflicts", _("Conflicts")),
    )),
    Area("returns", _("Returns"), "returns", "r", _("Returns"), (
        Page("returns", _("Returns")),
        Page("station", _("Inspection"), "returns.inspect"),
        Page("refunds", _("Refunds")),
        Page("store-credits", _("Store credit")),
        Page("return-parcels", _("Parcels")),
        Page("return-pallets", _("Pallets")),
        Page("return-reasons", _("Reasons")),
        Page("recovery", _("Recovery")),
        Page("return-fraud", _("Suspected")),
        Page("return-staging", _("Staging")),
        Page("return-times", _("Times")),
        Page("returns-to-come", _("To come")),
    )),
    Area("floor", _("Floor"), "floor", "f", _("Floor: waves, lists, scans"), (
        Page("floor", _("Waves and lists")),
        Page("scan", _("Scan"), "work.keep_scans"),
        Page("replenishment", _("Replenishment")),
        Page("labor", _("Labor")),
        Page("performance", _("Performance"), "warehouse.show_performance"),
        Page("floor-map", _("Map")),
        Page("layout", _("Layout")),
        Page("cartons", _("Cartons")),
    )),
    Area("ship", _("Ship"), "box", "d", _("Ship: pack and dispatch"), (
        Page("packings", _("Packing")),
        Page("manifests", _("Manifests")),
        Page("claims", _("Claims")),
        Page("sent-again", _("Sent again")),
        Page("services", _("Services")),
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
        Page("plates", _("Plates")),
        Page("bins", _("Bins")),
        Page("counts", _("Counts")),
        Page("adjustments", _("Corrections")),
        Page("counts-accuracy", _("Accuracy")),
        Page("ageing", _("Age and expiry")),
        Page("stock-past", _("As of a moment")),
        Page("channels", _("Channels and nodes")),
    )),
    Area("work", _("Work"), "work", "w", _("Work"), (
        Page("work", _("Work")), Page("advice", _("Advice")), Page("jobs", _("Jobs")),
    )),
    Area("books", _("Books"), "books", "b", _("Books"), (
        Page("books", _("Trial balance")),
        Page("clearing", _("Clearing")),
        Page("profit", _("Profit")),
        Page("invoices", _("Invoices")),
        Page("payouts", _("Payouts")),
        Page("disputes", _("Disputes")),
        Page("bank", _("Bank")),
        Page("entries", _("Entries by hand")),
        Page("carriers", _("Carrier invoices")),
        Page("supplier-invoices", _("Supplier invoices")),
        Page("failed-payments", _("Failed payments")),
    )),
    Area("month", _("Month end"), "check", "m", _("Month end: close, value, tax, audit"), (
        Page("closing", _("Month end")),
        Page("valuation", _("Valuation")),
        Page("cohorts", _("Expected returns")),
        Page("preview", _("Posting preview")),
        Page("rules", _("Posting rules")),
        Page("chart", _("Chart of accounts")),
        Page("book-files", _("Files of the books")),
        Page("tax-report", _("Tax report")),
        Page("taxes", _("Taxes")),
        Page("privacy", _("Privacy")),
        Page("audit", _("Audit")),
        Page("duties", _("Duties")),
    )),
    Area("integration", _("Integration"), "out", "x", _("Integration: messages and feeds"), (
        Page("messages", _("Messages")),
        Page("feeds", _("Feeds")),
        Page("channel-differences", _("Channels")),
        Page("edi-documents", _("EDI"), "channels.take_documents"),
        Page("webhooks", _("Webhooks")),
        Page("report-mails", _("Mails")),
    )),
    Area("policies", _("Policies"), "steer", "p", _("Policies: what steers the house"), (
        Page("policies", _("Policies")),
        Page("trials", _("Trials")),
        Page("calendars", _("Calendars")),
        Page("people", _("People")),
        Page("companies", _("Companies")),
    )),
)  # fmt: skip
"""In the order of the navigation."""


class Action(NamedTuple):
    """Something that a person goes somewhere to do, for the search by its words."""

    title: _StrPromise
    url: str
    query: str = ""
    needs: str = ""


ACTIONS = (
    Action(_("Enter an order"), "draft-new", "", "orders.draft"),
    Action(_("Release held orders"), "orders", "?status=held", "orders.release_holds"),
    Action(_("See what is late"), "orders", "?late=1"),
    Action(_("See what waits for stock"), "backorders"),
    Action(_("Work that is mine"), "work", "?view=mine", "work.claim"),
    Action(_("Overdue work"), "work", "?view=overdue"),
    Action(_("Decide on advice"), "advice", "", "insight.accept_suggestions"),
    Action(_("Propose a wave"), "floor", "", "warehouse.propose_wave"),
    Action(_("Pack an order"), "packings", "", "warehouse.pack"),
    Action(_("Change rates of a carrier"), "services", "", "carriage.register_services"),
    Action(_("Close a manifest"), "manifests", "", "shipping.close_manifests"),
    Action(_("Receive goods"), "receiving", "", "purchasing.receive_scans"),
    Action(_("Review reorder proposals"), "reorders", "", "purchasing.accept_proposals"),
    Action(_("Approve purchase orders"), "purchase-orders", "?state=waiting", "purchasing.decide_orders"),
    Action(_("Set up a layout"), "layout", "", "network.register_layouts"),
    Action(_("Set up cartons"), "cartons", "", "warehouse.register_cartons"),
    Action(_("Count stock"), "counts", "", "warehouse.ask_counts"),
    Action(_("Approve corrections of stock"), "adjustments", "", "warehouse.approve_adjustment"),
    Action(_("Set up bins"), "bins", "", "network.register_bins"),
    Action(_("Close a node on a holiday"), "calendars", "", "network.set_holidays"),
    Action(_("Block a bin"), "bins", "", "warehouse.switch_bins"),
    Action(_("Build a plate"), "plates", "", "warehouse.build_plates"),
    Action(_("Move stock between nodes"), "transfers", "", "sourcing.accept_transfers"),
    Action(_("Receive a return"), "return-parcels", "", "returns.receive_parcels"),
    Action(_("Inspect returns"), "station", "", "returns.inspect"),
    Action(_("Gather goods for a vendor, buyer or charity"), "departures", "", "returns.open_departures"),
    Action(_("Refurbish returned goods"), "work-orders", "", "returns.open_work_orders"),
    Action(_("Repair goods for their customers"), "repairs", "", "returns.offer_repairs"),
    Action(_("Approve refunds"), "refunds", "", "returns.approve_refunds"),
    Action(_("Review suspected returns"), "return-fraud", "", "returns.decide_fraud"),
    Action(_("Match what clearing accounts hold"), "clearing", "", "ledger.match_lines"),
    Action(_("Enter a journal entry"), "entry-new", "", "ledger.enter_entries"),
    Action(_("Ask a payment provider again"), "failed-payments", "", "payments.retry"),
    Action(_("Answer disputes"), "disputes", "", "settlement.contest_disputes"),
    Action(_("Match the bank"), "bank", "", "settlement.decide_bank_lines"),
    Action(_("Close a month"), "closing", "", "settlement.close_books"),
    Action(_("Replay messages that were given up"), "messages", "", "kernel.replay_messages"),
    Action(_("Take in a supplier's EDI document"), "edi-documents", "", "channels.take_documents"),
    Action(_("Tell a program by webhook"), "webhooks", "", "channels.add_webhooks"),
    Action(_("Compare a channel's statement"), "channel-differences", "", "channels.take_statements"),
    Action(_("Set up a SKU"), "sku-new", "", "catalog.register_skus"),
    Action(_("Set up a company"), "companies", "", "ledger.set_up_companies"),
    Action(_("Set up a node"), "channels", "", "network.register_nodes"),
    Action(_("Set up a channel"), "channels", "", "network.register_channels"),
    Action(_("Let somebody in"), "people", "", "access.add_people"),
    Action(_("Change somebody's roles"), "people", "", "access.set_roles"),
    Action(_("Give somebody a new password"), "people", "", "access.renew_passwords"),
    Action(_("Issue an API key"), "people", "", "access.issue_key"),
    Action(_("Draft a policy"), "policies", "", "kernel.draft_policy"),
    Action(_("Try a policy on recorded orders"), "trials", "", "simulation.ask_trials"),
)
"""What the search offers beside pages, to those who may give the command."""

RENEWED_S = {
    "home": 20,
    "work": 20,
    "refunds": 20,
    "station": 20,
    "return-fraud": 60,
    "return-parcels": 30,
    "floor": 20,
    "performance": 30,
    "wave": 20,
    "replenishment": 30,
    "counts": 30,
    "adjustments": 30,
    "packings": 15,
    "manifests": 30,
    "expected": 60,
    "quality": 30,
    "put-away": 30,
    "messages": 20,
    "feeds": 30,
    "drop-ships": 60,
    "trials": 15,
    "jobs": 5,
    "orders": 30,
    "returns": 30,
    "return-staging": 60,
    "card-holds": 60,
    "disputes": 60,
    "transfers": 60,
    "backorders": 60,
    "claims": 60,
    "receiving": 30,
    "dashboard": 120,
    "drafts": 60,
    "conflicts": 60,
    "return-pallets": 30,
    "returns-to-come": 120,
    "departures": 60,
    "work-orders": 60,
    "repairs": 60,
    "recovery": 60,
    "purchase-orders": 60,
    "reorders": 60,
    "plates": 60,
    "bins": 60,
    "floor-map": 120,
    "labor": 60,
    "advice": 60,
    "payouts": 60,
    "failed-payments": 60,
    "clearing": 60,
    "clearing-lines": 60,
    "bank": 60,
    "entries": 30,
    "carriers": 60,
    "supplier-invoices": 60,
    "privacy": 60,
    "channel-differences": 60,
    "edi-documents": 60,
    "report-mails": 60,
    "webhooks": 60,
    "scan": 20,
    "scan-pick": 20,
    "scan-sort": 20,
    "scan-pack": 20,
    "scan-put-away": 20,
    "scan-replenish": 30,
    "scan-count": 30,
    "scan-receive": 30,
    "scan-pallets": 60,
    "scan-inspect": 30,
}
"""The queues and boards that keep themselves up to date, and every how many seconds."""

MOST_TABS = 7
"""Tabs that stand in a row; what an area has beyond them is under "More"."""
AT_HAND = 5
"""Areas in the bar of a phone; the others are under "More"."""

FIRST: dict[str, tuple[str, ...]] = {
    "operations lead": ("home", "orders", "work", "floor", "returns"),
    "warehouse supervisor": ("home", "floor", "ship", "inbound", "work"),
    "picker": ("floor", "ship", "stock", "work", "home"),
    "packer": ("ship", "floor", "orders", "work", "home"),
    "customer service": ("home", "orders", "returns", "work", "ship"),
    "returns inspector": ("returns", "work", "stock", "inbound", "home"),
    "inventory manager": ("home", "stock", "inbound", "floor", "work"),
    "controller": ("home", "books", "month", "returns", "work"),
    "integration engineer": ("home", "integration", "orders", "policies", "work"),
    "auditor": ("home", "books", "month", "orders", "stock"),
}
"""The areas of a role's day, the first the most used: what a phone's bar has room for."""


def at_hand(roles: Sequence[str]) -> frozenset[str]:
    """The areas in the bar of a phone: in turn the first of each of a person's roles, the second, and so on."""
    lists = [FIRST[role] for role in roles if role in FIRST]
    everybody = FIRST["operations lead"]
    turns = (name for rank in zip(*lists, strict=True) for name in rank) if lists else iter(())
    return frozenset(list(dict.fromkeys([*turns, *everybody]))[:AT_HAND])


def area_of(url: str) -> Area | None:
    """The area in which a page has its tab."""
    return next((area for area in AREAS if url in [one.url for one in area.pages]), None)


class Tabs(NamedTuple):
    """The pages that stand beside one: in a row, and what the row has no room for."""

    row: tuple[Page, ...] = ()
    rest: tuple[Page, ...] = ()


def tabs_beside(url: str, may: Callable[[str], bool]) -> Tabs:
    """The pages beside one that its reader may use; none for a page without a tab, or that is alone in its area.

    A page that the row has no room for takes its last place while it is open, so that the reader sees where they are.
    """
    area = area_of(url)
    pages = [one for one in area.pages if not one.needs or may(one.needs) or one.url == url] if area else []
    if len(pages) < 2:
        return Tabs()
    row, rest = pages[:MOST_TABS], pages[MOST_TABS:]
    if here := [one for one in rest if one.url == url]:
        rest = [row.pop(), *(one for one in rest if one.url != url)]
        row += here
    return Tabs(tuple(row), tuple(rest))


OWN_PAGES = {
    "file_import": "orders-import-file",
    "job": "job",
    "order": "order",
    "sku": "sku",
    "work_item": "work-item",
    "return": "return",
    "departure": "departure",
    "pallet": "return-pallet",
    "dispute": "dispute",
    "plate": "plate",
    "transfer": "transfer",
    "draft": "draft",
    "wave": "wave",
    "pick_list": "pick-list",
    "fulfillment": "packing",
    "purchase": "purchase-order",
    "notice": "notice",
    "manual_entry": "manual-entry",
    "supplier": "supplier",
    "customer": "customer",
    "service": "service",
}
"""The name of the address of documents that have a page made for their kind."""
