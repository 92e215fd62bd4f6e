"""Labels that customers send returns back with."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.returns import label_queries
from entrepot.returns.commands.labels import MakeLabel, VoidLabel, make_labels, void_labels
from entrepot.web import format as fmt
from entrepot.web import papers
from entrepot.web.edge import Request, back, clean, console, give, ids_in


def printed(label: label_queries.LabelRow) -> HttpResponseBase:
    """A label with the customer's address, for those who may see it: as its carrier sold it, or our own as PDF. While
    it is not sold there is nothing to print."""
    if not label.is_ready:
        raise Http404
    if label.picture:
        return papers.of_carrier(label.picture, f"label-{label.number}")
    send_to = label_queries.send_to(label, fmt.reading().now)
    pdf = papers.return_label_pdf(papers.return_label(label, send_to))
    return papers.to_print(pdf, f"{label.tracking}.pdf")


@require_POST
@console
def make(request: Request, which: UUID) -> HttpResponse:
    """The label that the terms promise."""
    together = tuple(ids_in(request.POST.getlist("together")))
    wanted = MakeLabel(
        which,
        clean(request.POST.get("service")),
        clean(request.POST.get("tracking")),
        together,
        not_bought=request.POST.get("not_bought") == "yes",
    )
    results = give(request, make_labels, [wanted], lambda _n: _made(which))
    return back(request, reverse("return", args=[which]), results)


def _made(which: UUID) -> str:
    label = label_queries.of_return(which)
    if label and label.bought == "asked":
        return gettext("The label is asked for at %(carrier)s.") % {"carrier": label.carrier}
    return gettext("The label is made.")


@require_POST
@console
def void(request: Request, which: UUID) -> HttpResponse:
    """A label that is not used."""
    wanted = VoidLabel(which, clean(request.POST.get("reason")))
    results = give(request, void_labels, [wanted], lambda _n: gettext("The label is void."))
    return back(request, reverse("return", args=[which]), results)


@require_safe
@console
def as_pdf(request: Request, which: UUID) -> HttpResponseBase:
    """The label as PDF, with the customer's address: only for those who may make it."""
    if not request.reader.actor.may("returns.make_labels"):
        raise PermissionDenied(gettext("Customer service prints labels of returns."))
    found = label_queries.of_return(which)
    if found is None:
        raise Http404
    return printed(found)
