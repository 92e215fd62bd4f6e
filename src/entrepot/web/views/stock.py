"""Stock by status, and one SKU: where its units are, who was promised them, how they came and went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.insight import availability, pages, suggestions, summary
from entrepot.network import queries as network
from entrepot.returns import regrading, second_grade_queries
from entrepot.stock import availability_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from entrepot.stock.models import STATUSES
from entrepot.web import advice_words, lists, plots, words
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread, page, uuid_in
from entrepot.web.listed import listed, order_of
from entrepot.web.views.adjustments import choices as adjusting_choices

PAGE = 60
MOVES = 60
UNITS_MAX = 1_000_000
DAYS = 90
"""Days that the plot of a SKU goes back."""
BINS = 100
SHOWN = 25
"""Orders of a SKU that its page names; the most urgent first."""
SUMS = ("on_hand", "sellable", "reserved", "allocated", "safety", "fenced", "free", "value_minor")
"""What the page of a SKU sums over its nodes."""


@require_safe
@console
def stock_list(request: Request) -> HttpResponse:
    company = request.reader.company.id
    text, node = clean(request.GET.get("q")), uuid_in(request.GET.get("node"))
    down = order_of(request, lists.STOCK).startswith("-")

    def fetch(after: str | None, limit: int) -> list[stock.Standing]:
        return stock.standing(
            company=company, text=text, node=node, down=down, after=after or "", limit=limit
        )

    shown = listed(request, lists.STOCK, fetch, key=_place, read=clean, size=PAGE)
    if shown.answer:
        return shown.answer
    totals = summary.stock_by_status(company)
    known = {one.status for one in totals}
    statuses = [status for status in STATUSES if status in known] or ["sellable"]
    context: dict[str, Any] = {
        **shown.context(),
        "statuses": statuses,
        "spread": {"statuses": [words.sentence(one) for one in statuses]},
        "text": text,
        "node": node,
        "filtered": bool(text or node),
        "totals": totals,
    }
    if request.htmx and request.GET.get("after"):
        return page(request, "web/parts/stock_rows.html", context, area="stock")
    if request.htmx:
        return page(request, "web/parts/stock_table.html", context, area="stock")
    context |= {"nodes": network.nodes(company=company)}
    return page(request, "web/stock.html", context, area="stock")


def _place(row: stock.Standing) -> str:
    """Where a row stands in the list."""
    return f"{row.sku_code}|{row.node_code}"


@require_safe
@console
def sku(request: Request, which: UUID) -> HttpResponse:
    found = catalog.sku_by_id(which)
    if found is None:
        raise Http404
    before = int_in(request.GET.get("before"))
    moves = stock.moves(sku=which, before=before, limit=MOVES + 1)
    context: dict[str, Any] = {
        "moves": moves[:MOVES],
        "next": moves[MOVES - 1].id if len(moves) > MOVES else None,
        "sku": found,
    }
    if request.htmx:
        return page(request, "web/parts/move_rows.html", context, area="stock")
    positions = pages.positions(sku=which)
    company = request.reader.company.id
    by_channel = availability.promises(
        availability_queries.availability_by_channel(company=company, sku=found.code, at=timezone.now()),
        company=company,
        today=timezone.localdate(),
    )
    packagings = catalog.packagings([which]).get(which, ())
    supply, levels = pages.supply(sku=which), _levels(which)
    may_correct = request.reader.actor.may("warehouse.adjust") and not found.is_kit
    buckets = stock.buckets(sku=which, limit=BINS) if may_correct else []
    reservations = stock.reservations(company=company, at=timezone.now(), sku=found.code, limit=SHOWN + 1)
    context |= {
        "by_channel": by_channel,
        "published": availability_queries.published_of(sku=which),
        "components": catalog.components(kit=which),
        "may_correct": may_correct,
        "nodes": network.nodes(company=company) if may_correct else [],
        "kits": catalog.kits_with(sku=which),
        "second_grades": second_grade_queries.named(company, sku=found.code),
        "graded": regrading.GRADED,
        "packagings": packagings,
        "aliases": catalog.aliases(sku=which),
        "packaged": {one.kind: one for one in packagings},
        "preorder": stock.preorder(sku=which),
        "kept_back": [] if found.is_kit else stock.kept_back(company=company, skus=[found.code]),
        "reservations": reservations,
        "horizon": availability.HORIZON,
        "positions": positions,
        "sums": {name: sum(getattr(one, name) for one in positions) for name in SUMS},
        "levels": levels,
        "line": _line(levels),
        "turns": turns(levels),
        "days": DAYS,
        "shown": SHOWN,
        "first": f":{SHOWN}",
        "buckets": stock.in_bins(sku=which, limit=BINS + 1),
        "bins": BINS,
        "first_bins": f":{BINS}",
        "goods": [one for one in buckets if one.bin],
        "promises": pages.promises(sku=which, at=fmt.reading().now, limit=SHOWN + 1),
        "waiting": pages.waiting(sku=which, limit=SHOWN + 1),
        "advice": advice_words.told(
            suggestions.of_subjects([which]).get(which, ()),
            request.reader.actor,
            request.reader.company.currency,
        ),
        "supply": supply,
        **(adjusting_choices(request) if may_correct else {}),
        "names": pages.names(
            [
                *(one.document for one in moves),
                *(one.document for one in supply),
                *(one.order for one in reservations if one.order),
            ]
        ),
    }
    return page(request, "web/sku.html", context, area="stock")


def _levels(which: UUID) -> list[tuple[date, int]]:
    """Units at the end of each of the last days; none where none has moved."""
    reading = fmt.reading()
    today = reading.now.astimezone(reading.zone).date()
    found = stock.levels(sku=which, since=today - timedelta(days=DAYS), until=today, zone=str(reading.zone))
    return found if any(units for _, units in found) else []


def _line(levels: Sequence[tuple[date, int]]) -> plots.Line | None:
    return plots.line([(str(day), float(units)) for day, units in levels]) if levels else None


def turns(levels: Sequence[tuple[date, int]]) -> list[tuple[date, int, int]]:
    """The days on which it changed, the last first, with by how much: the plot in figures."""
    pairs = pairwise(levels)
    return [(day, units, units - before) for (_, before), (day, units) in pairs if units != before][::-1]


@require_POST
@console
def set_preorder_of(request: Request, which: UUID) -> HttpResponse:
    """Set the day from which a SKU ships, and how many may be sold until then; without a day it ships at once."""
    text = clean(request.POST.get("ships_on"))
    try:
        ships_on = date.fromisoformat(text) if text else None
    except ValueError:
        misread(request, "ships_on", gettext("That is no day."))
        return back(request, f"/stock/{which}/")
    limit = int_in(request.POST.get("units_max") or "0", most=UNITS_MAX)
    if limit is None:
        misread(request, "units_max", gettext("Write whole numbers of units, up to 1,000,000."))
        return back(request, f"/stock/{which}/")
    wanted = SetPreorder(request.reader.company.id, which, ships_on, limit)
    give(request, set_preorder, [wanted], lambda _: gettext("The day of shipping is set."))
    return back(request, f"/stock/{which}/")
