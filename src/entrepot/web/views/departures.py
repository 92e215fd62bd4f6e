"""What follows a disposition: goods that leave together, refurbishing, and everything that is owed for goods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import sees_buyers
from entrepot.catalog import queries as catalog
from entrepot.insight import pages
from entrepot.kernel import pictures
from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import NotFound
from entrepot.parties import queries as parties
from entrepot.returns import (
    departure_queries,
    onward,
    recovery_queries,
    regrading,
    second_grade_queries,
    work_order_queries,
)
from entrepot.returns.commands.add_papers import PAPERS_MAX, AddPaper, add_papers
from entrepot.returns.commands.finish_work import FinishWork, finish_work
from entrepot.returns.commands.leave_departures import LeaveDeparture, leave_departures
from entrepot.returns.commands.open_departures import DepartureOpened, OpenDeparture, open_departures
from entrepot.returns.commands.redispose import Redispose, redispose
from entrepot.returns.commands.settle_departures import SettleDeparture, settle_departures
from entrepot.returns.commands.withdraw_departures import WithdrawDeparture, withdraw_departures
from entrepot.returns.commands.work_orders import (
    OpenWorkOrder,
    StartWork,
    WithdrawWork,
    open_work_orders,
    start_work,
    withdraw_work,
)
from entrepot.returns.lots import Buyer
from entrepot.returns.onward import KINDS, Outcome, Part
from entrepot.returns.rules import GRADES
from entrepot.settlement import invoice_queries
from entrepot.web import departure_paper, lists_returns, papers, words
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    day_in,
    file_of,
    give,
    int_in,
    is_too_many,
    minor_in,
    moment_in,
    page,
    units_in,
    uuid_in,
)
from entrepot.web.format import number
from entrepot.web.listed import listed
from entrepot.web.timeline import steps
from entrepot.work import queries as work

PAGE = 50
BUYER = ("customer", "name", "country", "line1", "city", "region", "postal_code", "tax_number")
RECOVERY_PAGE = 100
PART_ROWS = range(1, 5)
"""Kinds of parts that are asked for; a program may name more."""


# ---- what is owed


@require_safe
@console
def recovery(request: Request) -> HttpResponse:
    """Everything that vendors, carriers and liquidators owe, with its age and due date."""
    company, now = request.reader.company.id, timezone.now()
    kind, overdue = clean(request.GET.get("kind")), "overdue" in request.GET
    kind = kind if kind in recovery_queries.RECOVERED else ""

    def fetch(after: str | None, limit: int) -> list[recovery_queries.RecoveryRow]:
        return recovery_queries.owed(
            company, now, kind=kind, overdue=overdue, after=_place(after), limit=limit
        )

    shown = listed(request, lists_returns.RECOVERY, fetch, key=_told, read=clean, size=RECOVERY_PAGE)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "sums": recovery_queries.sums(company, now),
        "kind": kind,
        "overdue": overdue,
        "waiting": departure_queries.waiting_count(company),
        "kinds": words.DEPARTURES,
    }
    return page(request, "web/recovery.html", context, area="returns")


def _told(one: recovery_queries.RecoveryRow) -> str:
    """The place of a row as an address says it."""
    return f"{one.due_on or ''}~{one.since.isoformat()}~{one.id}"


def _place(text: str | None) -> recovery_queries.Place | None:
    """The place that an address says; None for none, or for what no address of ours says."""
    due_on, _, rest = (text or "").partition("~")
    since, _, which = rest.partition("~")
    at, found = moment_in(since), uuid_in(which)
    return recovery_queries.Place(day_in(due_on), at, found) if at and found else None


# ---- departures


@require_safe
@console
def departures(request: Request) -> HttpResponse:
    """What waits to be gathered, by what may leave together, and the departures, the latest first."""
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[departure_queries.DepartureRow]:
        return departure_queries.departures(company, after=after, limit=limit)

    shown = listed(request, lists_returns.DEPARTURES, fetch)
    if shown.answer:
        return shown.answer
    waiting = departure_queries.waiting(company)
    second = [one for one in waiting if one.kind == regrading.FROM]
    sold_as = second_grade_queries.sold_as(company, [one.sku_code for one in second])
    context: dict[str, Any] = {
        **shown.context(),
        "groups": _together(waiting),
        "second": [(one, sold_as.get((one.sku_code, one.grade))) for one in second],
        "ways": regrading.AGAIN,
        "kinds": words.DEPARTURES,
        "suppliers": sorted(parties.suppliers(company=company).values(), key=lambda one: one.name),
    }
    return page(request, "web/departures.html", context, area="returns")


class Together(NamedTuple):
    """What may leave on one paper: of one kind, from one node, and to one vendor where that is known."""

    kind: str
    node: str
    supplier: UUID | None
    supplier_name: str
    rows: list[departure_queries.WaitingRow]


def _together(waiting: Iterable[departure_queries.WaitingRow]) -> list[Together]:
    """By kind, and then what has waited longest first."""
    kinds = {one.disposition: kind for kind, one in KINDS.items()}
    found: dict[tuple[str, str, UUID | None], Together] = {}
    for row in waiting:
        if kind := kinds.get(row.kind):
            one = Together(kind, row.node_code, row.supplier, row.supplier_name, [])
            found.setdefault((kind, row.node_code, row.supplier), one).rows.append(row)
    return sorted(found.values(), key=lambda one: list(KINDS).index(one.kind))


@require_POST
@console
def gather(request: Request) -> HttpResponse:
    """Units that leave together."""
    wanted = OpenDeparture(
        request.reader.company.id,
        clean(request.POST.get("kind")),
        tuple(units_in(request)),
        uuid_in(request.POST.get("supplier")),
        clean(request.POST.get("receiver")),
        _amount(request, "expected"),
        buyer=_buyer(request),
    )
    results = give(request, open_departures, [wanted], lambda _n: gettext("They are gathered."))
    made = next((one for one in results if isinstance(one, DepartureOpened)), None)
    target = reverse("departure", args=[made.departure]) if made else reverse("departures")
    return back(request, target, results)


@require_POST
@console
def decide_again(request: Request) -> HttpResponse:
    """Units that stand in second grade, sold as a SKU of their own or sent another way."""
    instead, reason = clean(request.POST.get("instead")), clean(request.POST.get("reason"))
    wanted = [
        Redispose(request.reader.company.id, which, units, instead, reason)
        for which, units in units_in(request)
        if units
    ]
    results = give(request, redispose, wanted, lambda _n: gettext("It is decided."))
    return back(request, reverse("departures"), results)


def _buyer(request: Request) -> Buyer | None:
    """Who buys a lot, as it was typed."""
    if clean(request.POST.get("kind")) != "liquidation":
        return None
    said = {name: clean(request.POST.get(name)) for name in BUYER}
    return Buyer(**said | {"country": said["country"].upper()})


@require_safe
@console
def departure(request: Request, which: UUID) -> HttpResponse:
    """One departure: its units, its money, its papers, and what comes next."""
    one = _departure(request, which)
    journal = pages.journal(company=request.reader.company.id, documents=[which])
    context: dict[str, Any] = {
        "one": one,
        "kinds": words.DEPARTURES,
        "owes": bool(KINDS[one.kind].account),
        "items": departure_queries.items(which),
        "papers": departure_queries.papers(which),
        "buyer": _billed(request, one),
        "invoices": invoice_queries.documents(request.reader.company.id, source=which) if one.buyer else (),
        "types": ",".join(pictures.PAPER_TYPES.values()),
        "mine": one.left_by == request.reader.name,
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
        "entries": pages.entries(journal),
        "todo": work.of_subject(which),
    }
    return page(request, "web/departure.html", context, area="returns")


def _billed(request: Request, one: departure_queries.DepartureRow) -> parties.Address | None:
    """Who buys a lot, for those who may see the vault."""
    sees = sees_buyers(request.reader.actor.may)
    return parties.address(one.buyer) if one.buyer and sees else None


def _amount(request: Request, name: str) -> int | None:
    """What was typed, in minor units; -1, which commands refuse, where it is no amount, and None for nothing."""
    text = clean(request.POST.get(name))
    found = minor_in(text, request.reader.company.currency)
    return -1 if text and found is None else found


def _departure(request: Request, which: UUID) -> departure_queries.DepartureRow:
    found = departure_queries.departure(request.reader.company.id, which)
    if found is None:
        raise Http404
    return found


@require_POST
@console
def leave(request: Request, which: UUID) -> HttpResponse:
    """The goods are gone."""
    wanted = LeaveDeparture(
        which,
        _amount(request, "amount"),
        day_in(request.POST.get("due")),
        clean(request.POST.get("reference")),
    )
    results = give(request, leave_departures, [wanted], lambda _n: gettext("The goods have left."))
    return back(request, reverse("departure", args=[which]), results)


@require_POST
@console
def settle(request: Request, which: UUID) -> HttpResponse:
    """What was given for the goods."""
    answer = clean(request.POST.get("answer"))
    wanted = SettleDeparture(
        which,
        0 if answer == "nothing" else _amount(request, "amount"),
        clean(request.POST.get("reference")),
        clean(request.POST.get("note")),
        answer != "part",
        agreed=answer == "agreed",
    )
    results = give(request, settle_departures, [wanted], lambda _n: gettext("It is noted and posted."))
    return back(request, reverse("departure", args=[which]), results)


@require_POST
@console
def withdraw(request: Request, which: UUID) -> HttpResponse:
    wanted = WithdrawDeparture(which, clean(request.POST.get("reason")))
    results = give(
        request, withdraw_departures, [wanted], lambda _n: gettext("The goods stay. Gather them anew.")
    )
    return back(request, reverse("departure", args=[which]), results)


@require_POST
@console
def keep_papers(request: Request, which: UUID) -> HttpResponse:
    """Files about a departure; what they are is told by their bytes."""
    sent = request.FILES.getlist("papers")
    if is_too_many(request, "papers", len(sent), PAPERS_MAX):
        return back(request, reverse("departure", args=[which]), [])
    # One byte more than allowed is enough for the refusal.
    wanted = [AddPaper(which, file.read(pictures.BYTES_MAX + 1)) for file in sent]
    results = give(
        request, add_papers, wanted,
        lambda n: ngettext("%(n)s file is kept.", "%(n)s files are kept.", n) % {"n": number(n)},
    )  # fmt: skip
    return back(request, reverse("departure", args=[which]), results)


@require_safe
@console
def paper(request: Request, which: UUID) -> HttpResponse:
    """A file as it was sent: a picture to look at, a PDF to keep, and nothing that the browser would execute."""
    found = departure_queries.paper(request.reader.company.id, which)
    if found is None:
        raise Http404
    kind, content = found
    name = f"{str(which)[-12:]}.{kind}"
    return file_of(content, pictures.PAPER_TYPES[kind], name, shown=kind != "pdf")


@require_safe
@console
def as_pdf(request: Request, which: UUID) -> HttpResponse:
    """What goes with the goods, or tells of them."""
    one = _departure(request, which)
    buyer = _billed(request, one)
    if buyer:
        where = f"{buyer.postal_code} {buyer.city}".strip()
        one = replace(one, receiver=", ".join(filter(None, (buyer.name, buyer.line1, where))))
    content = departure_paper.pdf(one, departure_queries.items(which), request.reader.company.name)
    return papers.to_print(content, f"{one.number}.pdf")


# ---- refurbishing


@require_safe
@console
def work_orders(request: Request) -> HttpResponse:
    """What waits to be refurbished, and the work orders, the latest first."""
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[work_order_queries.WorkOrderRow]:
        return work_order_queries.work_orders(company, after=after, limit=limit)

    shown = listed(request, lists_returns.WORK_ORDERS, fetch)
    if shown.answer:
        return shown.answer
    ids, by_order = [row.id for row in shown.rows], attrgetter("work_order")
    context: dict[str, Any] = {
        **shown.context(),
        "running": [one for one in shown.rows if one.state in ("planned", "started")],
        "groups": _alike(departure_queries.waiting(company, "refurbish")),
        "results": {key: list(own) for key, own in groupby(work_order_queries.results(ids), by_order)},
        "parts": {key: list(own) for key, own in groupby(work_order_queries.parts(ids), by_order)},
        "part_rows": PART_ROWS,
        "grades": GRADES,
        "made": onward.MADE,
    }
    return page(request, "web/work_orders.html", context, area="returns")


def _alike(waiting: Iterable[departure_queries.WaitingRow]) -> list[list[departure_queries.WaitingRow]]:
    """Units to refurbish, by SKU and node, those first that wait longest: they are worked on alike, and a form as it is
    filled can be sent."""
    found: dict[tuple[UUID, str], list[departure_queries.WaitingRow]] = {}
    for one in waiting:
        found.setdefault((one.sku, one.node_code), []).append(one)
    return list(found.values())


@require_POST
@console
def plan_work(request: Request) -> HttpResponse:
    """Units to refurbish, and what is to be done."""
    plan, company = clean(request.POST.get("plan")), request.reader.company.id
    wanted = [OpenWorkOrder(company, which, units, plan) for which, units in units_in(request)]
    results = give(
        request, open_work_orders, wanted,
        lambda n: ngettext("%(n)s work order is planned.", "%(n)s work orders are planned.", n) % {"n": number(n)},
    )  # fmt: skip
    return back(request, reverse("work-orders"), results)


@require_POST
@console
def begin_work(request: Request, which: UUID) -> HttpResponse:
    results = give(request, start_work, [StartWork(which)], lambda _n: gettext("The work has begun."))
    return back(request, reverse("work-orders"), results)


@require_POST
@console
def end_work(request: Request, which: UUID) -> HttpResponse:
    """What became of the units: as good as new, of second grade, scrapped; and the parts that it used up."""
    outcomes, no_sku = _outcomes(request)
    parts, no_part = _parts(request)
    if unknown := no_sku or no_part:
        refused = NotFound(what="SKU", which=unknown)
        messages.error(request, words.refusal(refused))
        return back(request, reverse("work-orders"), [refused])
    wanted = FinishWork(
        which, outcomes, int_in(request.POST.get("scrapped")) or 0, _amount(request, "parts") or 0,
        min(int_in(request.POST.get("minutes")) or 0, 1_000_000), clean(request.POST.get("note")),
        parts=parts,
    )  # fmt: skip
    results = give(request, finish_work, [wanted], lambda _n: gettext("The work is done. Put them there."))
    return back(request, reverse("work-orders"), results)


def _outcomes(request: Request) -> tuple[tuple[Outcome, ...], str]:
    """By what units are from then on; and the first code that no SKU has."""
    outcomes = []
    for status in onward.MADE:
        units = int_in(request.POST.get(f"units-{status}"))
        code = clean(request.POST.get(f"sku-{status}"))
        found = catalog.skus(company=request.reader.company.id, codes=[code]).get(code) if code else None
        if code and units and found is None:
            return (), code
        if units:
            grade = clean(request.POST.get(f"grade-{status}")) or "A"
            outcomes.append(Outcome(units, grade, status, found.id if found else None))
    return tuple(outcomes), ""


def _parts(request: Request) -> tuple[tuple[Part, ...], str]:
    """Units out of stock; and the first code that no SKU has."""
    rows = [
        (code, int_in(request.POST.get(f"part-units-{row}")) or 0, clean(request.POST.get(f"part-lot-{row}")))
        for row in PART_ROWS
        if (code := clean(request.POST.get(f"part-{row}")))
    ]
    found = (
        catalog.skus(company=request.reader.company.id, codes=[code for code, _, _ in rows]) if rows else {}
    )
    unknown = [code for code, _, _ in rows if code not in found]
    if unknown:
        return (), unknown[0]
    return tuple(Part(found[code].id, units, lot=lot) for code, units, lot in rows), ""


@require_POST
@console
def drop_work(request: Request, which: UUID) -> HttpResponse:
    wanted = WithdrawWork(which, clean(request.POST.get("reason")))
    results = give(request, withdraw_work, [wanted], lambda _n: gettext("Nothing is done with them."))
    return back(request, reverse("work-orders"), results)
