"""Stock as of a past moment: by SKU and node, and of one SKU by bin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from entrepot.catalog import queries as catalog
from entrepot.insight import past as promised
from entrepot.network import queries as network
from entrepot.stock import past
from entrepot.stock.models import STATUSES
from entrepot.web import format as fmt
from entrepot.web import lists, words
from entrepot.web.edge import Request, clean, console, moment_in, page, uuid_in
from entrepot.web.listed import listed

PAGE = 60


@dataclass(frozen=True, slots=True)
class Row:
    """What stood at a node at the moment, and what of it was promised as far as that can be told."""

    sku: UUID
    sku_code: str
    sku_name: str
    node_code: str
    by_status: dict[str, int]
    still: int
    sent: int
    lost: int
    reserved: int


@require_safe
@console
def stock_past(request: Request) -> HttpResponse:
    """Stock by SKU and node at the moment that the form says; without one, now."""
    company = request.reader.company.id
    text, node = clean(request.GET.get("q")), uuid_in(request.GET.get("node"))
    at, wrong = _moment(request)

    def fetch(after: str | None, limit: int) -> list[Row]:
        rows = past.standing(company=company, at=at, text=text, node=node, after=after or "", limit=limit)
        then = promised.promised_then(company=company, skus={one.sku for one in rows}, at=at)
        return [_row(one, then.get((one.sku, one.node), promised.PromisedThen())) for one in rows]

    shown = listed(request, lists.STOCK_PAST, fetch, key=_place, read=clean, size=PAGE)
    if shown.answer:
        return shown.answer
    rows: list[Row] = shown.rows
    known = {status for one in rows for status in one.by_status}
    statuses = [status for status in STATUSES if status in known] or ["sellable"]
    context: dict[str, Any] = {
        **shown.context(),
        "statuses": statuses,
        "spread": {"statuses": [words.sentence(one) for one in statuses]},
        "text": text,
        "node": node,
        "nodes": network.nodes(company=company),
        **_asked(at, wrong),
    }
    return page(request, "web/stock_past.html", context, area="stock")


@require_safe
@console
def sku_past(request: Request, which: UUID) -> HttpResponse:
    """In which bins the units of a SKU were at the moment that the form says."""
    found = catalog.sku_by_id(which)
    if found is None:
        raise Http404
    at, wrong = _moment(request)
    rows = past.buckets(company=request.reader.company.id, sku=which, at=at)
    context = {"sku": found, "rows": rows, "units": sum(one.quantity for one in rows), **_asked(at, wrong)}
    return page(request, "web/sku_past.html", context, area="stock")


def _row(one: past.Stood, then: promised.PromisedThen) -> Row:
    return Row(
        one.sku, one.sku_code, one.sku_name, one.node_code, one.by_status, then.still, then.sent, then.lost,
        then.reserved,
    )  # fmt: skip


def _place(row: Row) -> str:
    return f"{row.sku_code}|{row.node_code}"


def _moment(request: Request) -> tuple[datetime, str]:
    """The moment that is asked for, in the reader's zone where it says none, and what is wrong with it."""
    reading, text = fmt.reading(), clean(request.GET.get("at"))
    if not text:
        return reading.now, ""
    at = moment_in(text, reading.zone)
    if at is None:
        return reading.now, gettext("That is no moment: write a day and a time.")
    if at > reading.now:
        return reading.now, gettext("That has not been yet. This is what stands there now.")
    return at, ""


def _asked(at: datetime, wrong: str) -> dict[str, Any]:
    local = at.astimezone(fmt.reading().zone)
    return {"at": at, "wrong": wrong, "at_field": local.replace(tzinfo=None).isoformat(timespec="minutes")}
