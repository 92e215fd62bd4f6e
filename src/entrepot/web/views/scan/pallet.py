"""Counting off the parcels of a pallet of returns with a scanner: one scan each, at pace."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.kernel.errors import Refused
from entrepot.returns import pallet_queries
from entrepot.returns.commands.count_packages import (
    ClosePallet,
    CountPackage,
    PackageCounted,
    close_pallets,
    count_packages,
)
from entrepot.returns.pallet_queries import PalletRow
from entrepot.returns.pallets import number_of
from entrepot.web.edge import Request, console
from entrepot.web.views.scan.screen import (
    Choice,
    Outcome,
    Progress,
    Screen,
    Tap,
    give_one,
    hear,
    node_of,
    over,
    show,
)
from entrepot.work import errors
from entrepot.work.scanning import Scan

SHOWN = 30
BLANK, ALL_SEEN = "=blank", "=counted"
COMMANDS = ("returns.count_packages", "returns.close_pallets")


def was_told(one: PackageCounted) -> str:
    """What was seen, for people."""
    told = {
        "listed": gettext("In the manifest."),
        "extra": gettext("Not in the manifest: set it aside."),
        "again": gettext("Seen before: it counts once."),
        "counted": gettext("Counted."),
    }[one.was]
    if one.expected:
        units = ngettext("%(n)s unit is announced in it.", "%(n)s units are announced in it.", one.expected)
        told = f"{told} {units % {'n': one.expected}}"
    return told


@require_http_methods(["GET", "HEAD", "POST"])
@console
def waiting(request: Request) -> HttpResponse:
    """Pallets whose parcels are not counted yet: a scan of the number on one opens it."""
    node = node_of(request)
    rows = (
        pallet_queries.pallets(request.reader.company.id, timezone.now(), state="open", node=node.id)
        if node
        else []
    )

    def screen() -> Screen:
        return Screen(
            gettext("Returns pallets"),
            gettext("Scan the number on the pallet") if rows else gettext("No pallet waits to be counted"),
            note="" if rows else gettext("Pallets appear here when they are taken in."),
            choices=tuple(_choice(one) for one in rows[:SHOWN]),
            scans=gettext("Pallet") if rows else "",
        )

    def decide(scan: Scan, _key: str) -> Outcome:
        named = [one for one in rows if one.number == number_of(scan.text)]
        if named:
            return redirect("scan-pallet-one", named[0].id)
        return errors.ScanUnknown(scanned=scan.text, wanted=gettext("the number of a pallet that is here"))

    if request.method == "POST":
        return hear(request, Progress("return pallets", UUID(int=0), (), 0), (), screen, decide)
    return show(request, screen())


def _choice(one: PalletRow) -> Choice:
    seen = gettext("%(seen)s of %(all)s counted") % {"seen": one.seen, "all": one.announced}
    return Choice(
        reverse("scan-pallet-one", args=[one.id]), one.number, " · ".join(filter(None, (one.carrier, seen)))
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """The parcels of one pallet, a scan each."""
    found = pallet_queries.pallet(request.reader.company.id, which, timezone.now())
    if found is None:
        raise Http404
    if found.state != "open":
        return over(request, "return pallet", which, COMMANDS, "scan-pallets")
    at = Progress("return pallet", which, (), 0)
    if request.method == "POST":
        return hear(
            request,
            at,
            COMMANDS,
            lambda: _screen(found),
            lambda scan, key: _decide(request, found, scan, key),
        )
    return show(request, _screen(found))


def _screen(one: PalletRow) -> Screen:
    facts = (
        (gettext("Carrier"), one.carrier),
        (gettext("Stands in"), one.bin),
        (gettext("Not in the manifest"), str(one.extra) if one.listed and one.extra else ""),
    )
    return Screen(
        gettext("Returns pallet"), gettext("Scan each parcel"), one.number,
        facts=tuple(fact for fact in facts if fact[1]), units=(one.seen, max(one.announced, one.seen)),
        taps=(Tap(ALL_SEEN, gettext("All are counted"), "main"), Tap(BLANK, gettext("One without a number"), "quiet")),
        scans=gettext("Number on the parcel"), at=str(one.id), back="scan-pallets",
    )  # fmt: skip


def _decide(request: Request, pallet: PalletRow, scan: Scan, key: str) -> Outcome:
    if scan.text == ALL_SEEN:
        answer = give_one(request, close_pallets, ClosePallet(pallet.id, key))
        if isinstance(answer, Refused):
            return answer
        (messages.warning if answer.says else messages.success)(
            request, answer.says or gettext("All is as announced.")
        )
        return redirect("scan-pallets")
    tracking = "" if scan.text == BLANK else scan.text
    answer = give_one(request, count_packages, CountPackage(pallet.id, tracking, key=key))
    if isinstance(answer, Refused):
        return answer
    if answer.was == "again":
        return errors.ScanUnknown(scanned=scan.text, wanted=gettext("a parcel that was not counted yet"))
    if answer.was == "extra":
        messages.warning(request, was_told(answer))
        return redirect(request.path)
    return was_told(answer)
