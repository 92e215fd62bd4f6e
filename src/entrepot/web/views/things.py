"""Any document, any event, and the search that finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from entrepot.access.rules import sees_buyers
from entrepot.insight import finding, pages
from entrepot.kernel import queries as kernel
from entrepot.sourcing import queries as sourcing
from entrepot.stock import queries as stock
from entrepot.web import words
from entrepot.web.areas import OWN_PAGES
from entrepot.web.edge import BIGINT_MAX, Request, console, page, searched
from entrepot.web.timeline import steps
from entrepot.work import queries as work

AREAS = {
    "sku": "stock",
    "adjustment": "stock",
    "transfer": "stock",
    "transfer_proposal": "stock",
    "bucket": "stock",
    "work_item": "work",
    "refund": "returns",
    "work_order": "returns",
}


@require_http_methods(["GET", "HEAD", "POST"])
@console
def search(request: Request) -> HttpResponse:
    """Straight to what is meant where only one thing can be."""
    text, is_sent = searched(request)
    sees = is_sent and sees_buyers(request.reader.actor.may)
    found = finding.find(company=request.reader.company.id, text=text, sees_buyers=sees) if text else []
    if one := meant(found, text):
        return redirect(address_of(one))
    told = [(one, words.spoken(one.more), address_of(one)) for one in found]
    context: dict[str, Any] = {"searched": text, "found": told}
    return page(request, "web/search.html", context, area="search")


def meant(found: Sequence[finding.Found], text: str) -> finding.Found | None:
    """The one thing that a text can mean: the only one found, or the only one called that among longer names."""
    if len({one.id for one in found}) == 1:
        return found[0]
    said = text.casefold()
    called = [one for one in found if one.name.casefold() == said]
    longer = all(one.name.casefold().startswith(said) for one in found)
    return called[0] if len(called) == 1 and longer else None


def address_of(one: finding.Found) -> str:
    """Where what was found is looked at: a node from above, channels beside each other."""
    if one.kind == "node":
        return f"{reverse('floor-map')}?{urlencode({'node': one.name})}"
    return reverse("channels") if one.kind == "channel" else url_of(one.kind, one.id)


def url_of(kind: str, which: UUID) -> str:
    named = OWN_PAGES.get(kind)
    return reverse(named, args=[which]) if named else reverse("document", args=[which])


@require_safe
@console
def document(request: Request, which: UUID) -> HttpResponse:
    """The plain page of a document: its facts, its lines, and what it did to stock and books. Where its kind has a page
    of its own that is shown, unless the address asks for what is `recorded`."""
    found = pages.document(which)
    if found and found.kind in OWN_PAGES and "recorded" not in request.GET:
        return redirect(url_of(found.kind, which))
    events = kernel.timeline(subjects=[which])
    moves = stock.moves(document=which)
    journal = pages.journal(company=request.reader.company.id, documents=[which])
    if not (found or events or moves or journal):
        raise Http404
    lines = pages.lines_of(found) if found else []
    named = pages.names(_ids_in([found.facts if found else {}, *lines]))
    context: dict[str, Any] = {
        "found": found,
        "which": which,
        "kind": found.kind if found else events[0].subject_kind if events else "document",
        "facts": found.facts if found else {},
        "lines": lines,
        "columns": _columns(lines),
        "names": named,
        "steps": steps(events, which, named),
        "moves": moves,
        "entries": pages.entries(journal),
        "items": work.of_subject(which),
        "rejections": _given_back(found),
    }
    return page(request, "web/document_page.html", context, area=AREAS.get(context["kind"], "orders"))


def _given_back(found: pages.Document | None) -> list[sourcing.RejectionRow]:
    """What the node of a fulfillment gave back of its order."""
    if found is None or found.kind != "fulfillment":
        return []
    return sourcing.rejections(order=UUID(found.facts["order_id"]), node=UUID(found.facts["node_id"]))


def _columns(lines: list[dict[str, Any]]) -> list[str]:
    """Columns that say something: not the keys, nothing that is empty everywhere."""
    if not lines:
        return []
    hidden = {"id", "company_id", "order_id", "fulfillment_id", "shipment_id", "package_id"}
    return [
        name
        for name in lines[0]
        if name not in hidden and any(line.get(name) not in (None, "", {}, []) for line in lines)
    ]


def _ids_in(values: Iterable[Any]) -> Iterator[UUID]:
    for value in values:
        if isinstance(value, dict):
            yield from _ids_in(value.values())
        elif isinstance(value, list):
            yield from _ids_in(value)
        elif isinstance(value, str) and len(value) == 36:
            try:
                yield UUID(value)
            except ValueError:
                continue


@require_safe
@console
def event(request: Request, seq: int) -> HttpResponse:
    found = pages.event(seq) if seq <= BIGINT_MAX else None
    if found is None or found.company not in (None, 0, request.reader.company.id):
        raise Http404
    context: dict[str, Any] = {
        "event": found,
        "name": pages.names([found.subject]).get(found.subject),
        "steps": steps(kernel.timeline(subjects=[found.subject]), found.subject, {}),
    }
    return page(request, "web/event.html", context, area="")
