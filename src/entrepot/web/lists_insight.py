"""The lists of what was found out: campaigns, conflicts about stock, ages, feeds, labor, people,
webhooks, policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from entrepot.channels.queries import InterchangeRow
from entrepot.insight.backorders import HeldUp, Waiting
from entrepot.insight.campaigns import Campaigned
from entrepot.insight.conflicts import Displaced, PassedOver
from entrepot.insight.feeds import Feed, Shelf
from entrepot.insight.suggestions import Suggestion
from entrepot.stock import ageing
from entrepot.stock.ageing import Expiring
from entrepot.warehouse.labor import Throughput
from entrepot.warehouse.performance import Performance
from entrepot.warehouse.task_times import StandardRow
from entrepot.web.listing import Head, Listing, attributes, cells_of

_CAMPAIGNED = (
    Head(_("Name"), by="name"), Head(_("Orders"), "orders", "orders", n=True, sum="orders"),
    Head(_("Units"), "units", "units", n=True, sum="units"),
    Head(_("Discount"), "discount", "given_minor", n=True, sum="given_minor"),
    Head(_("Sales"), "sales", "sales_minor", n=True, sum="sales_minor"),
    Head(_("Cost"), "cost", "cost_minor", n=True, sum="cost_minor"),
    Head(_("Refunded"), "refunded", "refunded_minor", n=True, sum="refunded_minor"),
    Head(_("Margin"), "margin", "margin_minor", n=True, sum="margin_minor"),
    Head(_("Came back"), "came-back", "units_returned", n=True, sum="units_returned"),
)  # fmt: skip
_CAMPAIGNED_CELLS = cells_of(Campaigned) | attributes("margin_minor", "return_rate")
CAMPAIGNS = Listing("campaigns", "campaigns", _CAMPAIGNED, _CAMPAIGNED_CELLS)
PROMOTIONS = Listing("promotions", "campaigns", _CAMPAIGNED, _CAMPAIGNED_CELLS, part="promotions")
BACKORDERS = Listing(
    "backorders", "backorders",
    (
        Head(_("Order"), by="order_number"), Head(_("SKU"), "sku", "sku_code"),
        Head(_("Units"), "units", "units", n=True, sum="units"),
        Head(_("Worth"), "value", "value_minor", n=True, sum="value_minor"),
        Head(_("Promised for"), "promised", "promised_on"), Head(_("Expected on"), "expected", "expected_on"),
        Head(_("Waits for"), "waits-for"), Head(_("Waits since"), "since", "ordered_at"),
    ),
    cells_of(Waiting),
)  # fmt: skip
HELD_UP = Listing(
    "held-up", "backorders",
    (
        Head(_("SKU"), by="sku_code"), Head(_("Lines"), "lines", "lines", n=True, sum="lines"),
        Head(_("Units"), "units", "units", n=True, sum="units"),
        Head(_("After the promise"), "late", "late", n=True, sum="late"),
        Head(_("Without supply"), "uncovered", "uncovered", n=True, sum="uncovered"),
        Head(_("First expected"), "first", "first_on"), Head(_("All of it"), "last", "last_on"),
        Head(_("Waits since"), "since", "since"),
    ),
    cells_of(HeldUp),
    part="skus",
)  # fmt: skip
DISPLACED = Listing(
    "displaced", "conflicts",
    (
        Head(_("Order"), by="order_number"), Head(_("SKU"), "sku", "sku_code"), Head(_("Node"), "node", "node_code"),
        Head(_("Units"), "units", "units", n=True, sum="units"), Head(_("Cause"), "cause", "reason"),
        Head(_("When"), "when", "at"), Head(_("Now"), "now"),
    ),
    cells_of(Displaced),
)  # fmt: skip
PASSED_OVER = Listing(
    "passed-over", "conflicts",
    (
        Head(_("Waits"), by="order_number"), Head(_("SKU"), "sku", "sku_code"),
        Head(_("Units"), "units", "waiting", n=True, sum="waiting"), Head(_("Less urgent, and served"), "served"),
        Head(_("Why"), "why", "why"),
    ),
    cells_of(PassedOver),
    part="passed_over",
)  # fmt: skip


def _of_span(place: int) -> Callable[[Any], int]:
    return lambda row: row.spans[place]


AGED = Listing(
    "ageing", "ageing",
    (
        Head(_("What"), by="sku_code"), Head(_("Days"), "days", "days", n=True),
        Head(_("Units"), "units", "units", n=True, sum="units"),
        Head(_("Value"), "value", "value_minor", n=True, sum="value_minor"),
        Head(_("Units by age"), "spans", n=True, spread={}),
    ),
    {
        **attributes("sku_code", "sku_name", "units", "value_minor", "days"),
        **{f"from_{edge}_days": _of_span(place) for place, edge in enumerate((0, *ageing.EDGES))},
    },
)  # fmt: skip
EXPIRING = Listing(
    "expiring", "ageing",
    (
        Head(_("What"), by="sku_code"), Head(_("Lot"), "lot", "lot"), Head(_("Expires"), "expires", "expires_on"),
        Head(_("Bin"), "bin", "bin_code"), Head(_("Units"), "units", "units", n=True, sum="units"),
        Head(_("Being picked"), "being-picked", "claimed", n=True, sum="claimed"),
        Head(_("Value"), "value", "value_minor", n=True, sum="value_minor"),
    ),
    cells_of(Expiring),
    part="lots",
)  # fmt: skip
FEEDS = Listing(
    "feeds", "feeds",
    (
        Head(_("Feed"), by="name"), Head(_("State"), "state", "freshness"), Head(_("The last"), "last", "last_at"),
        Head(_("Usual gap"), "usual-gap", "usual_s"),
        Head(_("In 24 hours"), "in-24-hours", "day", n=True, sum="day"),
    ),
    cells_of(Feed),
)  # fmt: skip
SHELVES = Listing(
    "published-stock", "feeds",
    (
        Head(_("Channel"), by="channel"), Head(_("SKUs told"), "skus-told", "skus", n=True, sum="skus"),
        Head(_("Units"), "units", "units", n=True, sum="units"), Head(_("Last told"), "last-told", "published_at"),
        Head(_("Not as now"), "not-as-now", "wrong", n=True, sum="wrong"),
        Head(_("On the way"), "on-the-way", "on_way", n=True, sum="on_way"),
        Head(_("Never arrived"), "never-arrived", "lost", n=True, sum="lost"),
    ),
    cells_of(Shelf),
    part="shelves",
)  # fmt: skip
THROUGHPUT = Listing(
    "throughput", "labor",
    (
        Head(_("Step"), by="step"), Head(_("Node"), "node", "node"), Head(_("Shift"), "shift", "shift"),
        Head(_("Kind of work"), "kind-of-work", "profile"),
        Head(_("Tasks"), "tasks", "tasks", n=True, sum="tasks"),
        Head(_("Lines"), "lines", "lines", n=True, sum="lines"),
        Head(_("Units"), "units", "units", n=True, sum="units"),
        Head(_("Minutes"), "minutes", "seconds", n=True),
        Head(_("Lines an hour"), "lines-an-hour", "lines_an_hour", n=True),
        Head(_("Units an hour"), "units-an-hour", "units_an_hour", n=True),
    ),
    cells_of(Throughput) | attributes("lines_an_hour", "units_an_hour"),
)  # fmt: skip
PERFORMANCE = Listing(
    "performance", "performance",
    (
        Head(_("Person"), by="person"), Head(_("Step"), "step", "step"),
        Head(_("Tasks"), "tasks", "tasks", n=True, sum="tasks"),
        Head(_("Lines"), "lines", "lines", n=True, sum="lines"),
        Head(_("Units"), "units", "units", n=True, sum="units"),
        Head(_("Lines an hour"), "lines-an-hour", "lines_an_hour", n=True),
        Head(_("Units an hour"), "units-an-hour", "units_an_hour", n=True),
        Head(_("Of the norm, %"), "of-the-norm", "norm_percent", n=True),
        Head(_("Lists open"), "lists-open", "lists", n=True), Head(_("Stops open"), "stops-open", "stops", n=True),
        Head(_("Last report"), "last-report", "reported_at"),
    ),
    cells_of(Performance) | attributes("lines_an_hour", "units_an_hour", "norm_percent"),
)  # fmt: skip
STANDARDS = Listing(
    "standard-times", "labor",
    (
        Head(_("Step"), by="step"), Head(_("Node"), "node", "node_code"),
        Head(_("A task"), "a-task", "fixed_s", n=True), Head(_("A line"), "a-line", "line_s", n=True),
        Head(_("A piece"), "a-piece", "unit_s", n=True), Head(_("A meter"), "a-meter", "meter_s", n=True),
        Head(_("From tasks"), "from-tasks", "tasks", n=True, sum="tasks"),
        Head(_("Off on average"), "off-on-average", "error_s", n=True), Head(_("Fitted"), "fitted", "fitted_at"),
    ),
    cells_of(StandardRow),
    part="standards",
)  # fmt: skip
PEOPLE = Listing(
    "people", "people",
    (
        Head(_("Person"), by="name"), Head(_("Roles"), "roles"), Head(_("May enter"), "may-enter", "may_enter"),
        Head(_("Entered last"), "entered-last", "entered_at"), Head(_("Added"), "added", "added_at"),
        Head(_("API keys"), "api-keys", "keys", n=True, sum="keys"),
    ),
    attributes("name", "superuser", "may_enter", "roles", "added_at", "entered_at", "keys"),
)  # fmt: skip
WEBHOOKS = Listing(
    "webhooks", "webhooks",
    (
        Head(_("Name"), by="name"), Head(_("State"), "state", "state"), Head(_("Address"), "address"),
        Head(_("Events"), "events", n=True), Head(_("Added"), "added", "made_at"),
    ),
    attributes("name", "state", "url", "events", "made_by", "made_at"),
)  # fmt: skip
TOLD = Listing(
    "told", "webhook",
    (
        Head(_("Event"), by="topic"), Head(_("About"), "about"), Head(_("When"), "when", "created_at"),
        Head(_("State"), "state", "state"), Head(_("Attempts"), "attempts", "attempts", n=True),
        Head(_("Answer"), "answer"), Head(_("Again"), "again"),
    ),
    attributes("topic", "subject", "created_at", "state", "attempts", "delivered_at", "error"),
)  # fmt: skip
POLICIES = Listing(
    "policies", "policies",
    (
        Head(_("Policy"), by="called"), Head(_("What it steers"), "what-it-steers"),
        Head(_("In force"), "in-force", "since"), Head(_("Coming"), "coming", "next"),
        Head(_("Drafts"), "drafts", "drafts", n=True, sum="drafts"),
    ),
    {
        **attributes("name", "called", "purpose"),
        "in_force": lambda row: ", ".join(f"{one.scope or '*'}: {one.version}" for one in row.in_force),
        **attributes("since", "next", "drafts"),
    },
)  # fmt: skip
JOBS = Listing(
    "jobs", "jobs",
    (
        Head(_("What")), Head(_("State"), "state", "state"), Head(_("Rows done"), "done", "done", n=True, sum="done"),
        Head(_("Refused"), "refused", "refused", n=True, sum="refused"), Head(_("Asked by"), "asked-by", "asked_by"),
        Head(_("When"), "when", "asked_at"),
    ),
    attributes(
        "command", "reason", "state", "wanted", "done", "refused", "asked_by", "asked_at", "ended_at", "id",
    ),
    "-asked_at",
)  # fmt: skip
DIFFERENCES = Listing(
    "channel-differences", "channel-differences",
    (
        Head(_("Order or SKU")), Head(_("Channel"), "channel"), Head(_("Difference"), "difference"),
        Head(_("There"), "there"), Head(_("Here"), "here"), Head(_("Since"), "since"),
        Head(_("What helps"), "what-helps"),
    ),
    attributes(
        "name", "channel", "statement", "kind", "theirs", "ours", "state", "reason", "decided_by", "found_at",
        "changed_at", "id",
    ),
)  # fmt: skip
INTERCHANGES = Listing(
    "interchanges", "edi-documents",
    (
        Head(_("Sender and control number"), by="name"), Head(_("State"), "state", "state"),
        Head(_("Age"), "age", "received_at"), Head(_("Why"), "why", "problem"),
    ),
    cells_of(InterchangeRow),
)  # fmt: skip
MAILS = Listing(
    "mails", "report-mails",
    (
        Head(_("Report"), by="title"), Head(_("For"), "for", "person"), Head(_("Of"), "of", "period"),
        Head(_("State"), "state", "state"), Head(_("Since"), "since", "taken_at"),
        Head(_("Tries"), "tries", "attempts", n=True), Head(_("Why"), "why"),
    ),
    attributes("title", "person", "period", "state", "taken_at", "attempts", "error"),
)  # fmt: skip
ADVICE = Listing(
    "advice", "advice",
    (
        Head(_("What is suggested")), Head(_("Kind"), "kind"), Head(_("Sure"), "sure", n=True),
        Head(_("Why"), "why"), Head(_("Made"), "made"),
    ),
    cells_of(Suggestion),
)  # fmt: skip

ALL = (
    BACKORDERS, HELD_UP, CAMPAIGNS, PROMOTIONS, DISPLACED, PASSED_OVER, AGED, EXPIRING, FEEDS, SHELVES, THROUGHPUT,
    PERFORMANCE,
    STANDARDS, PEOPLE, POLICIES, JOBS, WEBHOOKS, TOLD, DIFFERENCES, INTERCHANGES, MAILS, ADVICE,
)  # fmt: skip
