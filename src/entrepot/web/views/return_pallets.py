"""Pallets of returned parcels: taken in whole, counted off, and opened parcel by parcel."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.network import queries as network
from entrepot.returns import pallet_queries
from entrepot.returns.commands.count_packages import (
    ClosePallet,
    CountPackage,
    PackageCounted,
    PalletCounted,
    close_pallets,
    count_packages,
)
from entrepot.returns.commands.receive_pallets import PalletReceived, ReceivePallet, receive_pallets
from entrepot.web import format as fmt
from entrepot.web import lists_returns
from entrepot.web.edge import Request, back, clean, console, give, int_in, page, uuid_in
from entrepot.web.listed import at_most, listed_whole
from entrepot.web.views.scan.pallet import was_told

SHOWN = 200


@require_safe
@console
def pallets(request: Request) -> HttpResponse:
    """Pallets that are not done, what is due first at the top; all of them with `all`."""
    company, everything = request.reader.company.id, "all" in request.GET
    state = "any" if everything else ""
    rows = pallet_queries.pallets(company, fmt.reading().now, state=state, limit=at_most(request, SHOWN))
    shown = listed_whole(request, lists_returns.PALLETS, rows, size=SHOWN)
    context: dict[str, Any] = {
        **shown.context("pallets"),
        "all": everything,
        "nodes": network.nodes(company=company),
    }
    return shown.answer or page(request, "web/return_pallets.html", context, area="returns")


@require_safe
@console
def pallet(request: Request, which: UUID) -> HttpResponse:
    """One pallet with its parcels."""
    found = pallet_queries.pallet(request.reader.company.id, which, fmt.reading().now)
    if found is None:
        raise Http404
    rows = pallet_queries.packages(which)
    context = {"one": found, "packages": rows[:SHOWN], "more": len(rows) > SHOWN}
    return page(request, "web/return_pallet.html", context, area="returns")


@require_POST
@console
def received(request: Request) -> HttpResponse:
    """A pallet by the number on it, with the numbers of its manifest or how many parcels it has."""
    node, manifest = uuid_in(request.POST.get("node")), request.POST.get("manifest", "")
    wanted = [
        ReceivePallet(
            request.reader.company.id, node, clean(request.POST.get("number")), clean(request.POST.get("carrier")),
            tuple(manifest.replace(",", "\n").replace(";", "\n").splitlines()), int_in(request.POST.get("packages")),
        )
    ] if node else []  # fmt: skip
    results = give(request, receive_pallets, wanted, lambda _n: gettext("The pallet is taken in."))
    done = next((one for one in results if isinstance(one, PalletReceived)), None)
    if done:
        return back(request, reverse("return-pallet", args=[done.pallet]))
    return back(request, reverse("return-pallets"), results)


@require_POST
@console
def counted(request: Request, which: UUID) -> HttpResponse:
    """A parcel by its number, or so many without one."""
    tracking, count = clean(request.POST.get("tracking")), int_in(request.POST.get("count"))
    wanted = CountPackage(which, tracking, 1 if tracking else count or 0)
    results = give(request, count_packages, [wanted], lambda _n: "")
    for one in results:
        if isinstance(one, PackageCounted):
            (messages.warning if one.was in ("extra", "again") else messages.success)(request, was_told(one))
    return back(request, reverse("return-pallet", args=[which]), results)


@require_POST
@console
def closed(request: Request, which: UUID) -> HttpResponse:
    """All parcels were counted off."""
    results = give(
        request, close_pallets, [ClosePallet(which)],
        lambda n: ngettext("The pallet is counted.", "The pallets are counted.", n),
    )  # fmt: skip
    for one in results:
        if isinstance(one, PalletCounted) and one.says:
            messages.warning(request, one.says)
    return back(request, reverse("return-pallet", args=[which]), results)
