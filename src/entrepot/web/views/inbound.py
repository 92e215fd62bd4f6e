"""What comes in: purchase orders, what is expected, the receiving desk, quality checks and claims, put-away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language, gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access import queries as access
from entrepot.access.rules import Duty
from entrepot.channels import queries as channels
from entrepot.channels.commands.send_orders import SendOrderDocument, send_order_documents
from entrepot.insight import pages
from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import Refused
from entrepot.languages import LANGUAGES
from entrepot.network import queries as network
from entrepot.purchasing import dock, queries
from entrepot.purchasing.approval import PAIR
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.change import ChangeOrder, change
from entrepot.purchasing.commands.close_claims import ANSWERS, CloseClaim, close_claims
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.confirm import ConfirmedLine, ConfirmOrder, confirm
from entrepot.purchasing.commands.decide_checks import CheckDecided, DecideCheck, decide_checks
from entrepot.purchasing.commands.decide_orders import DecideOrder, decide_orders
from entrepot.purchasing.commands.receive import ReceivedLine, ReceiveOrder, receive
from entrepot.purchasing.commands.receive_scans import ReceiveScan, ScanReceived, receive_scans
from entrepot.purchasing.commands.reschedule import RescheduleOrder, reschedule
from entrepot.purchasing.commands.send_orders import SendOrder, send_orders
from entrepot.purchasing.commands.take_notices import CloseNotice, TakeNotice, close_notices, take_notices
from entrepot.purchasing.rules import ChangedLine
from entrepot.purchasing.states import NOTICE, ORDER
from entrepot.stock import plate_queries
from entrepot.stock.plate_queries import PlateRow
from entrepot.warehouse import storing
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.putaway import Choice
from entrepot.web import format as fmt
from entrepot.web import lists, lists_floor, order_paper, papers, words
from entrepot.web.as_file import is_file
from entrepot.web.buying import announced_in, found_in, lines_in, price_in, scheduled_in, serials_in
from entrepot.web.edge import (
    Request,
    back,
    cause_of,
    clean,
    console,
    day_in,
    give,
    ids_in,
    int_in,
    minor_in,
    misread,
    page,
    uuid_in,
)
from entrepot.web.listed import listed, listed_queue, order_of, place_in, place_of
from entrepot.web.reasons import reason
from entrepot.web.timeline import steps
from entrepot.work import queries as work

PAGE = 50
FORM_LINES = 100
"""Lines that the forms of an order have room for: a long order is received by scan or by programs."""


@require_safe
@console
def orders_list(request: Request) -> HttpResponse:
    company, state = request.reader.company.id, clean(request.GET.get("state"))
    order = order_of(request, lists.PURCHASES)

    def fetch(after: UUID | None, limit: int) -> list[queries.Order]:
        return queries.orders(company, state=state, order=order, after=after, limit=limit)

    shown = listed(request, lists.PURCHASES, fetch)
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(),
        "state": state,
        "states": ORDER.states,
    }
    return page(request, "web/purchase_orders.html", context, area="inbound")


@require_safe
@console
def order(request: Request, which: UUID) -> HttpResponse:
    found = _order(request, which)
    company, lines = request.reader.company.id, queries.lines(which)
    address, language = queries.written_to(found.supplier)
    context = {
        "order": found,
        "is_open": found.state in ("open", "part_received"),
        "is_waiting": found.state == "waiting",
        "limit": found.alone_minor,
        "own": _is_own(request, found),
        "mails": queries.sendings(which),
        "address": address,
        "paper_language": language or get_language() or "en",
        "paper_languages": LANGUAGES,
        "sends_mail": access.sends_mail(),
        "documents": channels.order_documents(which),
        "sends_edi": channels.takes_documents(which, fmt.reading().now),
        "lines": lines,
        "schedules": queries.schedules(which),
        "to_come": [one for one in lines if one.to_come][:FORM_LINES],
        "apart": _apart(request, found),
        "form_lines": lines[:FORM_LINES],
        "more": max(0, len(lines) - FORM_LINES),
        "notices": dock.notices_of(which),
        "arrivals": dock.arrivals(which),
        "checks": dock.checks(company, state="", order=which),
        "claims": dock.claims(company, state="", order=which),
        "entries": _entries(company, [one.id for one in queries.receipts(which)]),
        "items": work.of_subject(which),
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
    }
    return page(request, "web/purchase_order.html", context, area="inbound")


@require_safe
@console
def document(request: Request, which: UUID) -> HttpResponse:
    """A document of an order as its supplier gets it, as a file."""
    found = channels.order_document(which)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    answer = HttpResponse(found.content, content_type="application/edi-x12")
    answer["Content-Disposition"] = f'attachment; filename="{found.number}.edi"'
    return answer


def _is_own(request: Request, found: queries.Order) -> bool:
    """Whether the reader ordered what waits for approval."""
    duty = Duty(found.id, PAIR, "approve", request.reader.name, found.number)
    return found.state == "waiting" and access.apart([duty])[0] is not None


def _decide(request: Request, which: UUID, *, approve: bool) -> list[Any]:
    wanted = DecideOrder(which, approve, clean(request.POST.get("note")))
    said = (
        gettext("The order is approved. It can go to its supplier.")
        if approve
        else gettext("The order is declined.")
    )
    return give(request, decide_orders, [wanted], lambda _: said)


def _apart(request: Request, found: queries.Order) -> Refused | None:
    """Why the reader does not receive an order: they ordered or changed it."""
    duty = Duty(found.id, "order×receive×accept", "receive", request.reader.name, found.number)
    return access.apart([duty])[0]


def _entries(company: int, receipts: Sequence[UUID]) -> list[tuple[UUID, list[pages.JournalLine]]]:
    """What receipts posted, entry by entry."""
    lines = pages.journal(company=company, documents=receipts) if receipts else []
    return pages.entries(lines)


@require_safe
@console
def paper(request: Request, which: UUID) -> HttpResponse:
    """An order as its supplier gets it, in the language asked for, or in which he was written to last."""
    found = _order(request, which)
    asked = clean(request.GET.get("language")) or queries.written_to(found.supplier)[1]
    language = asked if asked in LANGUAGES else "en"
    told = order_paper.bought(found, fmt.reading().now)
    return papers.to_print(order_paper.pdf(told, language), f"{found.number}.pdf")


@require_POST
@console
def act(request: Request, which: UUID) -> HttpResponse:
    """Receive what was counted, confirm what the supplier says, send the order to him, approve or decline it, or end
    what is still to come."""
    found = _order(request, which)
    lines, text = queries.lines(which), request.POST
    results: list[Any] = []
    match text.get("action"):
        case "receive":
            counted = tuple(one for line in lines for one in _counted(request, line.id))
            wanted = [ReceiveOrder(which, counted)] if counted else []
            results = give(request, receive, wanted, _received)
        case "receive-all":
            results = give(request, receive, [ReceiveOrder(which)], _received)
        case "confirm":
            said = _said(request, lines)
            order = [ConfirmOrder(which, tuple(said), clean(text.get("reference")))] if said else []
            results = give(request, confirm, order, _confirmed)
        case "announce":
            results = _announce(request, found, lines)
        case "change":
            results = _change(request, found, lines)
        case "send":
            to, language, note = (clean(text.get(name)) for name in ("address", "language", "mail_note"))
            results = give(request, send_orders, [SendOrder(which, to, language, note)], _sent)
        case "send-edi":
            results = give(request, send_order_documents, [SendOrderDocument(which)], _sent_by_edi)
        case "reschedule":
            results = _reschedule(request, found, lines)
        case "approve" | "decline":
            results = _decide(request, which, approve=text.get("action") == "approve")
        case "close" if found.received or text.getlist("line"):
            chosen = ids_in(text.getlist("line"))
            results = give(
                request, close_rest, [CloseRest(which, clean(text.get("reason")), tuple(chosen))], _closed
            )
        case "close":
            results = give(request, cancel, [CancelOrder(which, clean(text.get("reason")))], _closed)
    return back(request, reverse("purchase-order", args=[which]), results)


def _said(request: Request, lines: Sequence[queries.Line]) -> list[ConfirmedLine]:
    """What the supplier confirms of each line, in parts or at once; with a day for all, what nothing is said of comes
    as it was ordered. Nothing, where something said can't be understood."""
    text, parts = request.POST, scheduled_in(request, lines)
    if parts is None:
        return []
    found, in_parts = parts, {one.line for one in parts}
    for_all = day_in(text.get("day-all"))
    for line in lines:
        if line.id in in_parts:
            continue
        said, day = clean(text.get(f"confirmed-{line.id}")), day_in(text.get(f"day-{line.id}")) or for_all
        units = int_in(said) if said else (line.quantity if for_all and line.to_come else None)
        if units is not None and day is not None:
            found.append(ConfirmedLine(line.id, units, day))
    return found


def _announce(request: Request, found: queries.Order, lines: Sequence[queries.Line]) -> list[Any]:
    """What the supplier says is on its way; all that is to come, where nothing is said of packages."""
    text, day = request.POST, day_in(request.POST.get("expected_on"))
    announced = announced_in(request, found.id, lines)
    if day is None:
        messages.error(request, gettext("Say on which day it comes."))
    elif announced == []:
        messages.error(request, gettext("All that is to come is announced already."))
    if day is None or not announced:
        return []
    wanted = TakeNotice(
        found.company, clean(text.get("external_ref")), day, tuple(announced), clean(text.get("carrier")),
        clean(text.get("tracking")),
    )  # fmt: skip
    return give(request, take_notices, [wanted], _announced)


def _change(request: Request, found: queries.Order, lines: Sequence[queries.Line]) -> list[Any]:
    """Other units, costs or days of lines, and lines that come to the order."""
    text = request.POST
    added = lines_in(request, found.supplier)
    changed = [one for line in lines if (one := _otherwise(request, line.id))]
    if added is None:
        return []
    wanted = ChangeOrder(
        found.id,
        tuple(changed),
        tuple(added),
        clean(text.get("change_reason")),
        day_in(text.get("wanted_on")),
    )
    return give(request, change, [wanted], _changed)


def _otherwise(request: Request, line: UUID) -> ChangedLine | None:
    """What a form asks for of a line from now on; None where it says nothing of it."""
    units, cost, day = (clean(request.POST.get(f"{name}-{line}")) for name in ("wanted", "cost", "by"))
    if not (units or cost or day):
        return None
    return ChangedLine(
        line, (int_in(units) or 0) if units else None, price_in(cost) if cost else None, day_in(day)
    )


def _reschedule(request: Request, found: queries.Order, lines: Sequence[queries.Line]) -> list[Any]:
    """What is to come of the order, or of one SKU, on another day."""
    day, sku = day_in(request.POST.get("day")), uuid_in(request.POST.get("sku"))
    if day is None:
        messages.error(request, gettext("Say on which day it comes."))
        return []
    skus = (sku,) if sku and sku in {one.sku for one in lines} else ()
    return give(request, reschedule, [RescheduleOrder(found.id, day, skus)], _rescheduled)


def _order(request: Request, which: UUID) -> queries.Order:
    found = queries.order(which)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    return found


def _counted(request: Request, line: UUID) -> list[ReceivedLine]:
    """What was counted of a line: good units, and damaged ones."""
    text = request.POST
    lot, expires_on = clean(text.get(f"lot-{line}")), day_in(text.get(f"expires-{line}"))
    good, damaged = int_in(text.get(f"units-{line}")), int_in(text.get(f"damaged-{line}"))
    parts = []
    if good:
        serials = serials_in(text.get(f"serials-{line}"))
        parts.append(ReceivedLine(line, good, lot, expires_on, serials=serials))
    if damaged:
        parts.append(ReceivedLine(line, damaged, lot, expires_on, "damaged", clean(text.get("note"))))
    return parts


@require_safe
@console
def expected(request: Request) -> HttpResponse:
    company = request.reader.company.id
    state = request.GET.get("state", "expected")
    state = state if state in NOTICE.states else "expected"

    def fetch(after: UUID | None, limit: int) -> list[dock.Notice]:
        return dock.notices(company, state=state, after=after, limit=limit)

    shown = listed(request, lists_floor.EXPECTED, fetch)
    if shown.answer:
        return shown.answer
    context = {**shown.context(), "state": state, "states": NOTICE.states}
    return page(request, "web/expected.html", context, area="inbound")


@require_safe
@console
def notice(request: Request, which: UUID) -> HttpResponse:
    found = dock.notice(request.reader.company.id, which)
    if found is None:
        raise Http404
    context = {
        "notice": found,
        "lines": dock.notice_lines(which),
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
    }
    return page(request, "web/notice.html", context, area="inbound")


@require_POST
@console
def end_notice(request: Request, which: UUID) -> HttpResponse:
    wanted = [CloseNotice(which, clean(request.POST.get("reason")))]
    results = give(request, close_notices, wanted, lambda _: gettext("Nothing more is expected of it."))
    return back(request, reverse("notice", args=[which]), results)


@require_safe
@console
def desk(request: Request) -> HttpResponse:
    """Where goods are scanned in."""
    nodes = network.nodes(company=request.reader.company.id)
    chosen = uuid_in(request.GET.get("node")) or (nodes[0].id if nodes else None)
    context = {"nodes": nodes, "node": chosen}
    return page(request, "web/receiving.html", context, area="inbound")


@require_POST
@console
def scan(request: Request) -> HttpResponse:
    text, node, found = request.POST, uuid_in(request.POST.get("node")), found_in(request)
    wanted = [
        ReceiveScan(
            request.reader.company.id, node, clean(text.get("text")), None, int_in(text.get("units")),
            clean(text.get("lot")), day_in(text.get("expires")), clean(text.get("serial")),
            text.get("damaged") == "yes", clean(text.get("note")), found=tuple(found or ()),
        )
    ] if node and found is not None else []  # fmt: skip
    results = receive_scans(cause_of(request), requests=wanted) if wanted else []
    for one in results:
        if isinstance(one, ScanReceived):
            messages.success(request, told(one))
        elif isinstance(one, Refused):
            messages.error(request, words.refusal(one))
    return back(request, reverse("receiving"), results)


@require_safe
@console
def checks(request: Request) -> HttpResponse:
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[dock.Check]:
        return dock.checks(company, after=after, limit=limit)

    shown = listed_queue(request, lists_floor.CHECKS, fetch, size=PAGE)
    if shown.answer:
        return shown.answer
    context = {
        **shown.context("checks"),
        "claims": dock.claims(company, state="due", limit=PAGE),
        "answers": tuple(zip(ANSWERS, _answers(), strict=True)),
    }
    return page(request, "web/quality.html", context, area="inbound")


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """What was found in the sample of a check."""
    which, defects = uuid_in(request.POST.get("check")), int_in(request.POST.get("defects"))
    wanted = (
        [DecideCheck(which, defects, clean(request.POST.get("note")))]
        if which and defects is not None
        else []
    )
    results = give(request, decide_checks, wanted, lambda _: gettext("The check is decided."))
    for one in results:
        if isinstance(one, CheckDecided):
            messages.info(request, _verdict(one))
    return back(request, reverse("quality"), results)


@require_POST
@console
def answer(request: Request) -> HttpResponse:
    """What the supplier said of a claim."""
    which = uuid_in(request.POST.get("claim"))
    said = clean(request.POST.get("answer")), clean(request.POST.get("note"))
    asked, currency = clean(request.POST.get("amount")), clean(request.POST.get("currency"))
    amount = minor_in(asked, currency) if asked else None
    if asked and amount is None:
        misread(request, "amount", gettext("%(found)s is no amount of money.") % {"found": asked})
        return back(request, reverse("quality"))
    wanted = [CloseClaim(which, *said, amount_minor=amount)] if which else []
    results = give(request, close_claims, wanted, lambda _: gettext("Their answer is kept."))
    return back(request, reverse("quality"), results)


@require_safe
@console
def to_put_away(request: Request) -> HttpResponse:
    nodes = network.nodes(company=request.reader.company.id)
    chosen = uuid_in(request.GET.get("node"))
    node = next((one for one in nodes if one.id == chosen), nodes[0] if nodes else None)

    def fetch(after: str | None, limit: int) -> list[storing.Waiting]:
        behind, bare = _dock_place_in(after), not is_file(request)
        if node is None:
            return []
        return storing.to_put_away(node=node.id, limit=limit, loose=True, after=behind, bare=bare)

    shown = listed_queue(
        request,
        lists_floor.PUT_AWAY,
        fetch,
        size=storing.PAGE,
        key=_dock_place,
        read=lambda told: told or None,
    )
    if shown.answer:
        return shown.answer
    plates, more = _plates_at_the_dock(request, node.id) if node else ([], 0)
    context = {
        "nodes": nodes,
        "node": node,
        **replace(shown, rows=_with_choices(node.id, shown.rows) if node else []).context(),
        "plates": plates,
        "more_plates": more,
    }
    return page(request, "web/put_away.html", context, area="inbound")


def _with_choices(node: UUID, rows: list[storing.Waiting]) -> list[storing.Waiting]:
    """The rows of a page, each with the bins that it should go to; ranking bins for all that waits takes seconds."""
    ids = [one.bucket for one in rows]
    told = storing.to_put_away(node=node, limit=len(ids), loose=True, of=ids) if ids else []
    of_bucket = {one.bucket: one for one in told}
    return [of_bucket.get(one.bucket, one) for one in rows]


def _dock_place(one: storing.Waiting) -> str:
    return place_of(one.since and one.since.isoformat(), one.bucket, one.sku_code, one.lot)


def _dock_place_in(told: str | None) -> tuple[datetime | None, str, str, UUID] | None:
    found = place_in(told, datetime.fromisoformat, UUID, str, str)
    return (found[0], found[2], found[3] or "", found[1]) if found and found[1] and found[2] else None


def _plates_at_the_dock(request: Request, node: UUID) -> tuple[list[tuple[PlateRow, Choice | None]], int]:
    """Pallets and cartons that wait, the first made first, each with the bin that takes all of it; and how many more
    there are. What stands on a pallet goes with it; some wait for the verdict of their quality check first."""
    company = request.reader.company.id
    rows, count = plate_queries.plates_at_the_dock(company=company, node=node, ready=True, limit=PAGE)
    goods = plate_queries.goods_on([one.id for one in rows])
    most = [(max(goods[one.id], key=lambda part: part.units).bucket, one.units) for one in rows]
    whole = storing.suggested_whole(node=node, plates=most)
    return list(zip(rows, whole, strict=True)), count - len(rows)


@require_POST
@console
def put(request: Request) -> HttpResponse:
    """Units stand in the bin that was scanned, which must be the one that they go to."""
    text = request.POST
    ids = [uuid_in(text.get(name)) for name in ("sku", "from", "to")]
    units = int_in(text.get("units"))
    wanted = [
        PutAway(
            request.reader.company.id, sku, source, target, units, clean(text.get("status")) or "sellable",
            clean(text.get("lot")), clean(text.get("serial")), clean(text.get("scanned")),
        )
        for sku, source, target in [ids]
        if sku and source and target and units
    ]  # fmt: skip
    results = give(request, put_away, wanted, lambda _: gettext("It is put away."))
    return back(request, reverse("put-away"), results)


def _answers() -> tuple[str, ...]:
    """The answers of a supplier as people read them, in the order of ANSWERS."""
    return gettext("They agree"), gettext("Credited"), gettext("Sent again"), gettext("Refused")


def _announced(_: int) -> str:
    return gettext("It is expected as announced.")


def _changed(_: int) -> str:
    return gettext("The order is changed. Tell the supplier, who has not confirmed this yet.")


def _sent(_: int) -> str:
    return gettext("The order is on its way to the supplier.")


def _rescheduled(_: int) -> str:
    return gettext("It is expected on that day.")


def _received(_: int) -> str:
    return gettext("What was counted is received.")


def _sent_by_edi(_: int) -> str:
    return gettext("The document is made: it is posted now, or waits here to be taken as a file.")


def _confirmed(_: int) -> str:
    return gettext("The confirmation is taken. Supply is expected as it says.")


def _closed(_: int) -> str:
    return gettext("Nothing more is expected.")


def told(one: ScanReceived) -> str:
    """What a scan came to, in a sentence or two."""
    said = ngettext(
        "%(n)s unit of %(sku)s is received for %(order)s.", "%(n)s units of %(sku)s are received for %(order)s.",
        one.quantity,
    ) % {"n": one.quantity, "sku": one.sku_code, "order": one.order_number}  # fmt: skip
    if one.cartons:
        cartons = ngettext(
            "%(n)s carton stands on pallet …%(pallet)s now.", "%(n)s cartons stand on pallet …%(pallet)s now.",
            one.cartons,
        )  # fmt: skip
        said += " " + cartons % {"n": one.cartons, "pallet": one.sscc[-6:]}
    if one.held:
        said += " " + gettext("They wait for a quality check.")
    if one.to_come:
        said += " " + gettext("%(n)s are still to come.") % {"n": one.to_come}
    if one.differs:
        said += " " + gettext("Otherwise than announced: %(what)s. A buyer is told.") % {"what": one.differs}
    return said


def _verdict(one: CheckDecided) -> str:
    return gettext("%(passed)s may be sold, %(damaged)s are damaged, %(held)s are in quarantine: %(why)s.") % {
        "passed": one.passed, "damaged": one.damaged, "held": one.quarantined, "why": reason(one.why),
    }  # fmt: skip
