"""What goes onto parcels and along with them: labels and manifests."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.shipping import queries
from entrepot.shipping.commands.buy import BuyLabels, buy_labels
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.label import PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.manifest import CloseManifest, ManifestClosed, close_manifests
from entrepot.shipping.commands.relabel import Relabel, relabel
from entrepot.shipping.commands.take_off import TakenOff, TakeOffManifest, take_off
from entrepot.shipping.commands.tell_manifests import TellManifest, tell_manifests
from entrepot.web import format as fmt
from entrepot.web import lists_floor, papers
from entrepot.web.edge import Request, back, clean, console, give, ids_in, moment_in, page, uuid_in
from entrepot.web.listed import listed

KEPT_OVER = timedelta(days=30)
"""How far back promises are compared with what happened."""


@require_safe
@console
def carriers_label(request: Request, which: UUID) -> HttpResponseBase:
    """The label that was bought of a carrier, to be printed; for whoever ships."""
    if not request.reader.actor.may("shipping.print_labels"):
        raise PermissionDenied(gettext("Labels bear names and streets: only people who ship may see them."))
    found = next((one for one in queries.labels(label=which) if one.picture), None)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    return papers.of_carrier(found.picture, f"label-{found.package_number}")


@require_POST
@console
def make_labels(request: Request, which: UUID) -> HttpResponse:
    """Labels for the packages of a shipment that have none, with the carrier's numbers in the order of the form."""
    said = (clean(str(text)) for name, text in request.POST.items() if name.startswith("number-"))
    numbers = tuple(filter(None, said))
    results = give(
        request, print_labels, [PrintLabels(which, numbers)], lambda _: gettext("The labels are ready.")
    )
    return back(request, reverse("manifests"), results)


@require_POST
@console
def buy(request: Request, which: UUID) -> HttpResponse:
    """The printed labels of a shipment, bought of whoever quotes its service."""
    wanted = BuyLabels(which, not_bought=tuple(ids_in(request.POST.getlist("not_bought"))))
    results = give(
        request, buy_labels, [wanted], lambda _: gettext("The labels are asked for."),
        known=lambda _: gettext("Noted: it was not bought."),
    )  # fmt: skip
    return back(request, reverse("manifests"), results)


@require_POST
@console
def void(request: Request, which: UUID) -> HttpResponse:
    wanted = VoidLabel(which, clean(request.POST.get("reason")))
    results = give(request, void_labels, [wanted], lambda _: gettext("The label is void."))
    return back(request, reverse("manifests"), results)


@require_POST
@console
def off_manifest(request: Request, which: UUID) -> HttpResponse:
    """The driver did not take it, though it stands on his list."""
    wanted = TakeOffManifest(which, clean(request.POST.get("reason")))
    results = give(request, take_off, [wanted], lambda _: gettext("The label waits for the next manifest."))
    for one in results:
        if isinstance(one, TakenOff) and one.known_to:
            told = gettext(
                "%(adapter)s has told the carrier of it with %(manifest)s: the form of the next manifest leaves it out."
            )
            messages.warning(request, told % {"adapter": one.known_to, "manifest": one.number})
    return back(request, reverse("manifests"), results)


@require_POST
@console
def delivered(request: Request, which: UUID) -> HttpResponse:
    """It is with the customer, as a person knows: of carriers that tell nothing."""
    said = clean(request.POST.get("at"))
    at = moment_in(said, fmt.reading().zone)  # by the clock of whoever reads, as the page's own field has it
    proof = clean(request.POST.get("proof"))
    if (said and at is None) or not proof:
        messages.error(request, gettext("Say when it arrived, as 2026-03-02 14:30, and how you know."))
        return back(request, reverse("manifests"), [], field="at" if proof else "proof")
    wanted = Delivered(which, at, proof=proof)
    results = give(request, deliver, [wanted], lambda _: gettext("It is delivered."))
    return back(request, reverse("manifests"), results)


@require_POST
@console
def label_anew(request: Request, which: UUID) -> HttpResponse:
    """Another service for what no carrier has yet."""
    wanted = Relabel(which, clean(request.POST.get("reason")), clean(request.POST.get("service")))
    results = give(request, relabel, [wanted], lambda _: gettext("It has new labels."))
    return back(request, reverse("manifests"), results)


@require_safe
@console
def labels(request: Request, which: UUID, kind: str) -> HttpResponseBase:
    """The labels in force of a shipment, as PDF or for a label printer; for whoever ships, since names are on them. Of
    what was bought it is the carrier's own."""
    if not request.reader.actor.may("shipping.print_labels"):
        raise PermissionDenied(gettext("Labels bear names and streets: only people who ship may see them."))
    rows = [one for one in queries.labels(shipment=which) if one.state != "voided" and not one.is_to_come]
    if kind not in ("pdf", "zpl") or not rows or rows[0].company != request.reader.company.id:
        raise Http404
    if any(one.picture for one in rows):
        return _with_bought(request, kind, rows)
    return _of_ours(request, kind, rows)


def _of_ours(request: Request, kind: str, rows: list[queries.LabelRow]) -> HttpResponse:
    told = papers.labels_of(rows, request.reader.company.name)
    content = "".join(map(papers.label_zpl, told)) if kind == "zpl" else papers.label_pdf(told)
    return papers.to_print(content, f"label-{rows[0].package_number}.{kind}")


def _with_bought(request: Request, kind: str, rows: list[queries.LabelRow]) -> HttpResponseBase:
    """Labels some of which were bought: of these the carrier's own paper is what goes onto the parcel. All in one where
    it is kept in the language of a label printer; else one by one."""
    kept = [papers.kept_as(one.picture, papers.KINDS[kind]) for one in rows]
    if kind == "zpl" and all(kept):
        content = b"\n".join(filter(None, kept))
        return papers.to_print(content, f"label-{rows[0].package_number}.zpl")
    own = request.GET.get("own")
    bare = [one for one in rows if not one.picture]
    if own and bare:
        return _of_ours(request, kind, bare)
    if len(rows) == 1:
        return papers.of_carrier(rows[0].picture, f"label-{rows[0].package_number}")
    context = {"labels": rows, "bare": len(bare), "kind": kind, "shipment": rows[0].shipment}
    return page(request, "web/labels.html", context, area="ship")


@require_safe
@console
def manifests(request: Request) -> HttpResponse:
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[queries.ManifestRow]:
        return queries.manifests(company, after=after, limit=limit)

    shown = listed(request, lists_floor.MANIFESTS, fetch)
    if shown.answer:
        return shown.answer
    now = timezone.now()
    context = {
        "kept": queries.kept(company, since=now - KEPT_OVER, now=now),
        "waiting": queries.waiting(company),
        "behind": queries.left_behind(company),
        **shown.context("manifests"),
    }
    return page(request, "web/manifests.html", context, area="ship")


@require_POST
@console
def close(request: Request) -> HttpResponse:
    """The carrier collects: what was printed for it goes on one manifest."""
    node = uuid_in(request.POST.get("node"))
    if node is None:
        raise Http404
    wanted = CloseManifest(request.reader.company.id, node, clean(request.POST.get("carrier")))
    results = give(
        request, close_manifests, [wanted],
        lambda n: ngettext("The manifest is closed.", "%(n)s manifests are closed.", n) % {"n": n},
    )  # fmt: skip
    if later := [number for one in results if isinstance(one, ManifestClosed) for number in one.left_out]:
        told = gettext(
            "It is not certain yet that these are bought, so they go on the next one: %(shipments)s."
        )
        messages.warning(request, told % {"shipments": ", ".join(later)})
    return back(request, reverse("manifests"))


@require_POST
@console
def tell(request: Request, which: UUID) -> HttpResponse:
    """The carrier does not know of it: once more."""
    results = give(
        request, tell_manifests, [TellManifest(which)], lambda _: gettext("The carrier is told again.")
    )
    return back(request, reverse("manifests"), results)


@require_safe
@console
def form(request: Request, which: UUID, source: str) -> HttpResponseBase:
    """The carrier's own paper of a manifest, as the adapter made it."""
    found = queries.form(which, source, request.reader.company.id)
    if found is None:
        raise Http404
    number, url = found
    return papers.of_carrier(url, number)


@require_safe
@console
def manifest(request: Request, which: UUID) -> HttpResponse:
    """The paper that the carrier signs."""
    found = queries.manifest(which, request.reader.company.id)
    if found is None:
        raise Http404
    told = papers.ManifestPaper(
        found.number, request.reader.company.name, found.node_name, found.carrier, fmt.exact(found.closed_at),
        found.weight_g, [(one.tracking, one.package_number, one.weight_g) for one in queries.labels(manifest=which)],
    )  # fmt: skip
    return papers.to_print(papers.manifest_pdf(told), f"{found.number}.pdf")
