"""Pick faces: what each holds and should hold, and what is to be brought to them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.kernel.errors import Refused
from entrepot.network import queries as network
from entrepot.warehouse import shelf_queries
from entrepot.warehouse.commands.replenish import ReviewFaces, review_faces, set_pick_faces
from entrepot.warehouse.replenishing import SetPickFace
from entrepot.web import lists_floor, words
from entrepot.web.edge import Request, back, cause_of, clean, console, give, int_in, page, uuid_in
from entrepot.web.listed import listed

PAGE = 100


@require_safe
@console
def faces(request: Request) -> HttpResponse:
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[shelf_queries.FaceRow]:
        return shelf_queries.pick_faces(company=company, after=after, limit=limit)

    shown = listed(request, lists_floor.FACES, fetch)
    if shown.answer:
        return shown.answer
    nodes = network.nodes(company=company)
    found = shelf_queries.replenishments(company=company, limit=PAGE + 1)
    context = {
        **shown.context("faces"),
        "open": found[:PAGE],
        "more": len(found) > PAGE,
        "shown": PAGE,
        "nodes": nodes,
    }
    return page(request, "web/replenishment.html", context, area="floor")


@require_POST
@console
def review(request: Request) -> HttpResponse:
    """Have all pick faces looked at now."""
    nodes = network.nodes(company=request.reader.company.id)
    results = review_faces(cause_of(request), requests=[ReviewFaces(one.id) for one in nodes])
    made = sum(one.made for one in results if not isinstance(one, Refused))
    for refused in [one for one in results if isinstance(one, Refused)][:1]:
        messages.error(request, words.refusal(refused))
    if not any(isinstance(one, Refused) for one in results):
        told = ngettext("%(n)s replenishment was made.", "%(n)s replenishments were made.", made) % {
            "n": made
        }
        messages.success(request, told if made else gettext("Every pick face has what it needs."))
    return back(request, "/floor/replenishment/")


@require_POST
@console
def set_face(request: Request) -> HttpResponse:
    """A pick face by the codes of its SKU and bin."""
    company, text = request.reader.company.id, request.POST
    node = uuid_in(text.get("node"))
    code = clean(text.get("sku"))
    sku = catalog.skus(company=company, codes=[code]).get(code)
    found = shelf_queries.bin_named(node=node, code=clean(text.get("bin"))) if node else None
    wanted = [
        SetPickFace(
            company, sku.id, found.id, int_in(text.get("minimum")) or 0, int_in(text.get("maximum")) or 0,
            int_in(text.get("case")) or 1,
        )
    ] if sku and found else []  # fmt: skip
    if not sku:
        messages.error(request, gettext("There is no such SKU."))
    elif not found:
        messages.error(request, gettext("There is no such bin at that node."))
    results = (
        give(request, set_pick_faces, wanted, lambda _: gettext("The pick face is set.")) if wanted else []
    )
    return back(request, "/floor/replenishment/", results)
