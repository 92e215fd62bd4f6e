"""Receiving a purchase order with a scanner: everything that came, then one receipt of it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.catalog import queries as catalog
from entrepot.kernel.errors import Refused
from entrepot.purchasing import docking, queries
from entrepot.purchasing.commands.receive import ReceivedLine, ReceiveOrder, receive
from entrepot.web.edge import Request, console
from entrepot.web.views.scan.screen import (
    Choice,
    Outcome,
    Progress,
    Screen,
    Tap,
    give_one,
    hear,
    keep,
    node_of,
    progress,
    show,
)
from entrepot.work import errors
from entrepot.work.scanning import ALL, YES, Scan

SHOWN = 30
OPEN = ("open", "part_received")


def _orders(request: Request) -> list[queries.Order]:
    node = node_of(request)
    company = request.reader.company.id
    rows = [one for state in OPEN for one in queries.orders(company, state=state, limit=200)]
    return [one for one in rows if node and one.node == node.id]


@require_http_methods(["GET", "HEAD", "POST"])
@console
def waiting(request: Request) -> HttpResponse:
    """Orders that something is to come of; a scan of the number on the delivery note opens one."""
    rows = _orders(request)

    def screen() -> Screen:
        return Screen(
            gettext("Receive"),
            gettext("Scan the order's number, or tap it") if rows else gettext("Nothing is expected here"),
            note="" if rows else gettext("Purchase orders appear here when they are written."),
            choices=tuple(_choice(one) for one in rows[:SHOWN]),
            scans=gettext("Order, or the supplier's number") if rows else "",
        )

    def decide(scan: Scan, _: str) -> Outcome:
        text = scan.text.casefold()
        found = next(
            (one for one in rows if text in (one.number.casefold(), one.external_ref.casefold())), None
        )
        if found:
            return redirect("scan-receive-one", found.id)
        return errors.ScanUnknown(scanned=scan.shown, wanted=gettext("the number of an order of this list"))

    if request.method == "POST":
        return hear(request, Progress("receive jobs", UUID(int=0), (), 0), (), screen, decide)
    return show(request, screen())


def _choice(one: queries.Order) -> Choice:
    left = one.quantity - one.received
    units = ngettext("%(n)s unit to come", "%(n)s units to come", left) % {"n": left}
    note = " · ".join(filter(None, (one.supplier_name, one.external_ref, units)))
    return Choice(reverse("scan-receive-one", args=[one.id]), one.number, note)


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """What came of one order."""
    order = queries.order(which)
    if order is None or order.company != request.reader.company.id:
        raise Http404
    if order.state not in OPEN:
        return redirect("scan-receive")
    expected = _expected(order)
    at = progress(request, "receive", which)

    def screen() -> Screen:
        return _screen(order, expected, at)

    def decide(scan: Scan, key: str) -> Outcome:
        found = docking.scanned(expected, at.tokens, scan, timezone.now().date())
        return _receive(request, at, order, found, key) if isinstance(found, docking.Received) else found

    if request.method == "POST":
        return hear(request, at, ("purchasing.receive",), screen, decide)
    return show(request, screen())


def _expected(order: queries.Order) -> list[docking.Expected]:
    lines = queries.lines(order.id)
    skus = catalog.skus_by_id([one.sku for one in lines])
    return [
        docking.Expected(one.id, one.sku, one.sku_code, one.quantity - one.received, skus[one.sku].lot_policy)
        for one in lines
        if one.quantity > one.received
    ]


def _screen(order: queries.Order, expected: list[docking.Expected], at: Progress) -> Screen:
    found = docking.came(at.tokens)
    step = docking.ask(expected, at.tokens)
    so_far = sum(one.units for one in found)
    to_come = sum(one.at_most for one in expected)
    if step == "sure":
        facts = tuple((f"{one.units} ×", _named(one)) for one in found)
        return Screen(
            order.number, gettext("This came"), units=(so_far, to_come), facts=facts or ((gettext("Nothing"), ""),),
            taps=(Tap(YES, gettext("Yes, receive it"), "main"),) if found else (), at=str(order.id), can_undo=True,
            back="scan-receive",
        )  # fmt: skip
    last = found[-1] if found else None
    facts_left = (
        (gettext("From"), order.supplier_name),
        (gettext("To come"), _left(expected, at)),
    )
    ask, what = gettext("Scan everything that came"), order.number
    if last:
        ask, what = gettext("Came"), f"{last.units} × {last.code}"
    if step in ("lot", "expiry"):
        ask = (
            gettext("Type or scan its lot")
            if step == "lot"
            else gettext("When does it expire? As 2027-06-30")
        )
    return Screen(
        order.number, ask, what, _named(last) if last else "", facts=tuple(fact for fact in facts_left if fact[1]),
        note=gettext("Scan more, or type how many there are.") if last and step == "item" else "",
        units=(so_far, to_come), taps=_taps(expected, found, at) if step == "item" else (),
        scans={"lot": gettext("Lot"), "expiry": gettext("Day")}.get(step, gettext("Item or number")),
        at=str(order.id), can_undo=bool(at.tokens), back="scan-receive",
    )  # fmt: skip


def _left(expected: list[docking.Expected], at: Progress) -> str:
    """What is still to come, the first few."""
    found = docking.came(at.tokens)
    left = [(one, one.at_most - sum(c.units for c in found if c.line == one.line)) for one in expected]
    told = [f"{units} × {one.code}" for one, units in left if units]
    return ", ".join(told[:6]) + (" …" if len(told) > 6 else "")


def _taps(expected: list[docking.Expected], found: list[docking.Came], at: Progress) -> tuple[Tap, ...]:
    taps = []
    last = found[-1] if found else None
    if last and not last.serial:
        line = next((one for one in expected if one.line == last.line), None)
        others = sum(one.units for one in found[:-1] if one.line == last.line)
        if line and line.at_most - others > last.units:
            told = gettext("All %(n)s of %(code)s") % {"n": line.at_most - others, "code": last.code}
            taps.append(Tap(ALL, told, "main"))
    if at.tokens:
        taps.append(Tap(f"={docking.FINISHED}", gettext("That is all that came"), "quiet"))
    return tuple(taps)


def _named(one: docking.Came) -> str:
    lot = gettext("lot %(lot)s") % {"lot": one.lot} if one.lot else ""
    until = gettext("until %(day)s") % {"day": one.expires_on.isoformat()} if one.expires_on else ""
    return " · ".join(filter(None, (one.code, lot, until, one.serial)))


def _receive(
    request: Request, at: Progress, order: queries.Order, found: docking.Received, key: str
) -> Outcome:
    lines = tuple(
        ReceivedLine(
            one.line, one.units, one.lot, one.expires_on, serials=(one.serial,) if one.serial else ()
        )
        for one in found.came
    )
    answer = give_one(request, receive, ReceiveOrder(order.id, lines, key=key))
    if isinstance(answer, Refused):
        return answer
    keep(request, at, (), None)  # what comes next of the order is another delivery
    told = {"number": answer.number, "n": answer.quantity, "order": order.number}
    messages.success(
        request, gettext("%(number)s: %(n)s units of %(order)s are received. Put them away.") % told
    )
    return redirect("scan-receive")
