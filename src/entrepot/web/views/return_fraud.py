"""Suspected returns: the queue, one with all facts and its decision, how right the rules are, and whom they hit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.returns import fraud_queries
from entrepot.returns.commands.decide_fraud import DecideFraud, decide_fraud
from entrepot.web import format as fmt
from entrepot.web import lists_returns
from entrepot.web.as_csv import as_csv
from entrepot.web.edge import Request, back, clean, console, give, int_in, page
from entrepot.web.listed import listed_queue
from entrepot.web.words import sentence

DAYS = (90, 30, 365)
SHOWN = 100
GROUP_COLUMNS = ("group", "judged", "flagged", "confirmed", "cleared")
RULES = {
    "velocity": _("many returns"),
    "value": _("much of what was bought"),
    "cluster": _("customers who share an address, mailbox or telephone"),
    "repeat": _("confirmed before"),
    "empty_box": _("empty box"),
    "serial_swap": _("swapped serial number"),
    "wardrobing": _("used and sent back"),
}
SIDES = {"tier": _("Tier"), "country": _("Country"), "channel": _("Channel")}
BY = {
    "customer": _("same customer"),
    "address": _("same address"),
    "email": _("same mailbox"),
    "phone": _("same telephone"),
}


FACTS = {
    "returns": _("returns"),
    "returns_max": _("returns at most"),
    "days": _("days looked at"),
    "returned_minor": _("comes back"),
    "bought_minor": _("was bought"),
    "percent": _("percent"),
    "percent_max": _("percent at most"),
    "customers": _("customers"),
    "customers_max": _("customers from which it counts"),
    "confirmed": _("confirmed, of the customer"),
    "confirmed_shared": _("confirmed, of others"),
    "units": _("units"),
    "weight_g": _("grams on the scales"),
    "shipped_g": _("grams as packed"),
    "catalog_g": _("grams by the catalog"),
    "read": _("serial number read"),
    "left": _("serial numbers sent"),
    "grade": _("grade"),
    "days_left": _("days left of the window"),
    "end_days": _("days before the end that count"),
    "before": _("used before"),
    "repeats": _("times from which it counts"),
    "kind": _("what is shared"),
}
"""Facts by other words than their names."""


class Told(NamedTuple):
    """The facts that a rule saw: names with figures, and tables of what it looked at."""

    pairs: list[tuple[str, str]]
    tables: list[tuple[str, list[str], list[list[str]]]]


@require_safe
@console
def queue(request: Request) -> HttpResponse:
    """What waits for a decision, and what came of it in the last days; the groups as a file with `format=csv`."""
    company, now = request.reader.company.id, fmt.reading().now
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[0]
    since = now - timedelta(days=days)
    side = next((one for one in fraud_queries.SIDES if one == request.GET.get("by")), fraud_queries.SIDES[0])
    groups = fraud_queries.by_group(company, side, since)
    if request.GET.get("groups") == "csv":
        rows = ([getattr(one, name) for name in GROUP_COLUMNS] for one in groups)
        return as_csv(f"suspected-returns-by-{side}", GROUP_COLUMNS, rows)
    state = clean(request.GET.get("state")) or "open"

    def fetch(after: UUID | None, limit: int) -> list[fraud_queries.Suspected]:
        return fraud_queries.suspected(company, state=state, after=after, limit=limit)

    shown = listed_queue(request, lists_returns.SUSPECTED, fetch, size=SHOWN, key=lambda one: one.return_id)
    if shown.answer:
        return shown.answer
    counts = fraud_queries.by_state(company)
    context: dict[str, Any] = {
        "state": state,
        "counts": [(one, counts.get(one, 0)) for one in ("open", "confirmed", "cleared", "clean")],
        **shown.context(),
        "rules": fraud_queries.by_rule(company, since),
        "groups": groups,
        "says": RULES,
        "side": side,
        "sides": SIDES,
        "days": days,
        "choices": DAYS,
    }
    return page(request, "web/return_fraud.html", context, area="returns")


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """A suspected return with all that was seen."""
    found = fraud_queries.review(which)
    if found is None:
        raise Http404
    context = {
        "one": found.head,
        "suspicions": [(each, told(each.facts, found.head.currency)) for each in found.suspicions],
        "others": found.others,
        "says": RULES,
        "by": BY,
    }
    return page(request, "web/return_suspicion.html", context, area="returns")


@require_POST
@console
def decide(request: Request, which: UUID) -> HttpResponse:
    """Clear, confirm, or open again."""
    wanted = DecideFraud(which, clean(request.POST.get("action")), clean(request.POST.get("reason")))
    results = give(request, decide_fraud, [wanted], lambda _n: gettext("The review is decided."))
    return back(request, reverse("return-suspicion", args=[which]), results)


def told(facts: Mapping[str, Any], currency: str) -> Told:
    """Facts as people read them."""
    pairs, tables = [], []
    for name, value in facts.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            head = [_name(each) for each in value[0]]
            rows = [[_text(key, cell, currency) for key, cell in row.items()] for row in value]
            tables.append((_name(name), head, rows))
        else:
            pairs.append((_name(name), _text(name, value, currency)))
    return Told(pairs, tables)


def _name(fact: str) -> str:
    said = str(FACTS.get(fact) or "")
    return said[:1].upper() + said[1:] if said else sentence(fact.removesuffix("_minor"))


def _text(name: str, value: Any, currency: str) -> str:
    if isinstance(value, list):
        return ", ".join(_all(name, value, currency))
    if name.endswith("_minor") and isinstance(value, int):
        return fmt.money(value, currency)
    return fmt.number(value) if isinstance(value, int) else str(value)


def _all(name: str, values: list[Any], currency: str) -> Iterator[str]:
    return (_text(name, each, currency) for each in values)
