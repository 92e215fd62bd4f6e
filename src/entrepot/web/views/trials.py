"""Trials of sourcing profiles: a draft over recorded orders, beside what is in force; and switching it on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.kernel import drafts, money
from entrepot.kernel.drafts import ActivateDraft, activate_draft
from entrepot.simulation import queries
from entrepot.simulation.commands.try_profiles import AskTrial, TrialNow, ask_trials
from entrepot.simulation.commands.withdraw_trials import WithdrawTrial, withdraw_trials
from entrepot.simulation.comparison import LATENESS, PARCELS, TERMS, Changed, Comparison
from entrepot.simulation.whatif import Report, whole_days
from entrepot.web import format as fmt
from entrepot.web import lists_books
from entrepot.web.as_csv import as_csv
from entrepot.web.edge import Request, back, beginning_in, console, day_in, give, page, uuid_in
from entrepot.web.listed import at_most, listed_whole
from entrepot.web.plots import Plot, paired

KIND = "sourcing.profile"
SHOWN_MAX = 100
TRIALS_SHOWN = 50
USUAL_DAYS = 28
LIVING = ("draft", "tried")
"""States of drafts that can be tried."""


@require_safe
@console
def trials_list(request: Request) -> HttpResponse:
    """Trials, the newest first, and the form that asks for another."""
    company = request.reader.company.id
    known = drafts.drafts(company, KIND)
    span = queries.first_and_last(company, fmt.reading().now)
    last = span[1].astimezone(UTC).date() if span else fmt.reading().now.astimezone(UTC).date()
    first = span[0].astimezone(UTC).date() if span else last
    rows = queries.trials(company=company, limit=at_most(request, TRIALS_SHOWN))
    shown = listed_whole(request, lists_books.TRIALS, rows, size=TRIALS_SHOWN)
    if shown.answer:
        return shown.answer
    context = {
        **shown.context("trials"),
        "drafts": [one for one in known if one.state in LIVING],
        "notes": {one.id: one.note for one in known},
        "chosen": uuid_in(request.GET.get("draft")),
        "span": (first, last) if span else None,
        "since": max(first, last - timedelta(days=USUAL_DAYS - 1)),
        "until": last,
    }
    return page(request, "web/trials.html", context, area="policies")


@require_POST
@console
def ask(request: Request) -> HttpResponse:
    """Have a draft tried; its trial's page waits for the report."""
    draft = uuid_in(request.POST.get("draft"))
    since, until = day_in(request.POST.get("since")), day_in(request.POST.get("until"))
    wanted = []
    if draft and since and until:
        wanted = [AskTrial(request.reader.company.id, draft, *whole_days(since, until))]
    answers = give(request, ask_trials, wanted, lambda _: gettext("The worker is replaying the orders."))
    asked = next((one for one in answers if isinstance(one, TrialNow)), None)
    return redirect("trial", which=asked.trial) if asked else back(request, "/orders/trials/")


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """A trial with its report, as long as its address is known; changed orders as CSV with `format=csv`."""
    trial = _of_reader(request, which)
    report = queries.report(which)
    draft = next((one for one in drafts.drafts(trial.company, KIND) if one.id == trial.draft), None)
    context: dict[str, Any] = {"trial": trial, "report": report, "draft": draft}
    if report:
        if request.GET.get("format") == "csv":
            return as_csv("changed-orders", CHANGED_COLUMNS, map(_changed_row, report.found.changed))
        context |= _told(request, report)
        context["is_last"] = draft is not None and draft.report == which
    return page(request, "web/trial.html", context, area="policies")


@require_POST
@console
def withdraw(request: Request, which: UUID) -> HttpResponse:
    """A trial that nobody waits for any more."""
    wanted = [WithdrawTrial(_of_reader(request, which).id)]
    give(
        request,
        withdraw_trials,
        wanted,
        lambda _: gettext("The trial is withdrawn. Nothing was changed by it."),
    )
    return redirect("trial", which=which)


@require_POST
@console
def activate(request: Request, which: UUID) -> HttpResponse:
    """Have the draft of a trial come into force: at once, or from a day on."""
    trial = _of_reader(request, which)
    since = beginning_in(request.POST.get("from"))
    wanted = [ActivateDraft(trial.draft, since)] if trial.draft else []
    give(request, activate_draft, wanted, lambda _: gettext("The draft is a version now."))
    return redirect("trial", which=which)


def _of_reader(request: Request, which: UUID) -> queries.TrialRow:
    trial = queries.trial(which)
    if trial is None or trial.company != request.reader.company.id:
        raise Http404
    return trial


# ---- the report


def _told(request: Request, report: Report) -> dict[str, Any]:
    found = report.found
    rows = found.changed[:SHOWN_MAX]
    return {
        "figures": _figures(found),
        "plots": _plots(found),
        "loads": list(zip(found.before.nodes, found.after.nodes, strict=True)),
        "channels": [
            (code, found.before.channels[code], side) for code, side in found.after.channels.items()
        ],
        "changed": rows,
        "more": found.changed_count - len(rows),
        "currency": request.reader.company.currency,
        "gaps_of_plans": [
            (word, side.gap)
            for word, side in ((_("In force"), found.before), (_("Draft"), found.after))
            if side.gap is not None
        ],
        "gaps": _gaps(report),
        "rates": [
            (RATES[name], _rate(rate, request.reader.company.currency))
            for name, rate in report.rates.items()
            if rate
        ],
    }


RATES = {
    "km_minor": _("a kilometre"),
    "handling_minor": _("handling a unit"),
    "split_minor": _("each further shipment"),
    "late_day_minor": _("a day late"),
    "scarcity_minor": _("the last unit of a node"),
}


def _rate(minor: float, currency: str) -> str:
    """An amount, which for a kilometre may be a part of the smallest coin."""
    if minor == round(minor):
        return fmt.money(round(minor), currency)
    exact = Decimal(str(minor)).scaleb(-money.exponent(currency))
    return f"{fmt.number(exact)} {currency}"


def _gaps(report: Report) -> list[str]:
    """In words, what live orders would follow and the replay could not."""
    told = []
    for name in report.not_followed:
        word, n = GAPS.get(name), report.concerns.get(name, 0)
        told.append(str(word) % {"n": fmt.number(n)} if word else _setting(name))
    return told


def _setting(name: str) -> str:
    """Of a report that was made when a replay did not know some settings yet."""
    return gettext("The setting “%(name)s” was not replayed; try the draft again to have it followed.") % {
        "name": name
    }


GAPS = {
    "carts": _(
        "Carts: %(n)s orders took over what a cart had reserved. In the replay it was free for everybody until they "
        "were decided."
    ),
    "changes": _(
        "Changes: %(n)s orders were split, merged or cancelled in part later. The replay seeks all that was ordered at "
        "first."
    ),
    "customers": _(
        "Customers of %(n)s orders: their tiers, or whether they take something else, were changed after they ordered. "
        "The replay takes those of today."
    ),
    "catalog": _(
        "Catalog: categories, costs and what is for sale are those of today; what they were before is not kept."
    ),
    "suppliers": _(
        "Drop-ship: what suppliers had to send is not kept. No order is passed to one here; live orders may be."
    ),
    "windows": _(
        "Days to leave: those of %(n)s orders, or how much of them must go at least, were changed after they were "
        "decided. The replay takes those of today."
    ),
    "half_kits": _(
        "Kits: %(n)s orders with a least part want kits. Components that are called back when a kit can’t be made "
        "whole stay promised here."
    ),
    "limits": _(
        "Sold ahead: a limit holds %(n)s orders here about which nobody had to decide. They stay held, though somebody "
        "might have let them go."
    ),
}
"""Why the record can't tell what a profile asks for, by name."""


FIGURES = (
    ("orders", _("Orders decided"), _("decided for the first time in the window"), "number"),
    ("shipments", _("Shipments"), _("parcels of one order, node and decision"), "number"),
    ("splits", _("Splits"), _("shipments of each order that sends something, less one"), "percent"),
    ("units", _("Units sent"), _("by the end of the window"), "number"),
    ("cost_minor", _("Cost"), _("all terms, of what is sent"), "money"),
    ("cost_of_unit", _("Cost of a unit sent"), _("who serves less, pays less in all"), "money"),
    ("late", _("Late"), _("orders expected after their promised day, or not served"), "number"),
    ("late_days", _("Days late"), _("summed over the orders that are expected late"), "number"),
    ("backordered", _("Units backordered"), _("that had to wait for stock"), "number"),
    ("unit_days", _("Days waited"), _("each unit for each day"), "number"),
    ("waiting", _("Units that still wait"), _("at the end of the window"), "number"),
    ("cancelled", _("Units given up"), _("by orders that do not wait"), "number"),
    ("substituted", _("Units of another SKU"), _("sent instead of what was ordered"), "number"),
    ("held", _("Orders held"), _("because more was sold ahead than may be"), "number"),
    ("unpriced", _("Shipments without a price"), _("that no carrier takes: their freight counts as nothing"), "number"),
)  # fmt: skip
"""What is told of both sides: name, word, what it is, how it is written."""


def _figures(found: Comparison) -> list[tuple[object, object, str, Any, Any]]:
    return [
        (word, what, kind, getattr(found.before.figures, name), getattr(found.after.figures, name))
        for name, word, what, kind in FIGURES
    ]


def _plots(found: Comparison) -> list[Plot]:
    before, after = found.before.figures, found.after.figures
    loads = zip(found.before.nodes, found.after.nodes, strict=True)
    return [
        paired("splits", _("Splits"), _("Orders by the shipments that they are sent in"),
               [(name, before.parcels[name], after.parcels[name]) for name in PARCELS]),
        paired("cost", _("Cost by term"), _("Of what is sent, both sides by the same rates"),
               [(name, before.cost[name], after.cost[name]) for name in TERMS], "money"),
        paired("lateness", _("Lateness"), _("Orders with a promise, by the day on which the last of it is expected"),
               [(name, before.lateness[name], after.lateness[name]) for name in LATENESS]),
        paired("nodes", _("Load of nodes"), _("Shipments by node, those of earlier orders included"),
               [(one.node, one.orders, other.orders) for one, other in loads]),
    ]  # fmt: skip


CHANGED_COLUMNS = ("order", "channel", "before", "after", "lacks_before", "lacks_after", "why")


def _changed_row(one: Changed) -> Iterable[object]:
    return (
        one.number, one.channel, " ".join(one.before), " ".join(one.after), one.lacks_before, one.lacks_after, one.why,
    )  # fmt: skip
