"""Stock as of a past moment, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import AwareDatetime, Field

from entrepot.insight import past as promised
from entrepot.kernel.errors import Invalid, Said
from entrepot.stock import past
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company, Limit
from entrepot.web.api.schemas import EARLIEST, LATEST, Code, Out

router = Router()

Moment = Annotated[
    AwareDatetime,
    Field(ge=EARLIEST, le=LATEST),
    Query(..., description="A moment that has been, with its zone."),
]
CURSOR_MAX = 250


class StoodOut(Out):
    """Units of a SKU at a node at the moment, by status, as they happened: what was recorded later of before counts.

    `still_promised` were promised by then and are still; `sent_since` and `lost_since` are of orders placed by then,
    and left or were lost from here since; `still_reserved` are of carts that hold them still. What was promised then
    and freed since can't be told.
    """

    sku_code: str
    node_code: str
    by_status: dict[str, int]
    still_promised: int
    sent_since: int
    lost_since: int
    still_reserved: int


class StoodPageOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    at: datetime
    items: list[StoodOut]
    next: str | None


class StoodInOut(Out):
    """Units in one bin at the moment, of one lot, serial number and status; in no bin while on their way."""

    node_code: str
    bin_code: str
    lot: str
    serial: str
    status: str
    quantity: int


@router.get("/stock/past", response={200: StoodPageOut, **READ})
def list_past_stock(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    at: Moment,
    company: Company = None,
    node: Annotated[Code | None, Query(None, description="Only at a node, by its code.")] = None,
    after: Annotated[
        str, Query("", max_length=CURSOR_MAX, description="The cursor: `next` of the page before.")
    ] = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """What stood at nodes at a past moment, by SKU, a page at a time, with what of it was promised then as far as that
    can be told."""
    _has_been(at)
    of = parse.company_of(company)
    where: UUID | None = parse.nodes_of(of, {node})[node] if node else None
    rows = past.standing(company=of, at=at, node=where, after=after, limit=limit + 1)
    shown = rows[:limit]
    then = promised.promised_then(company=of, skus={one.sku for one in shown}, at=at)
    items = [_told(one, then.get((one.sku, one.node), promised.PromisedThen())) for one in shown]
    more = f"{shown[-1].sku_code}|{shown[-1].node_code}" if len(rows) > limit else None
    return {"at": at, "items": items, "next": more}


def _told(row: past.Stood, then: promised.PromisedThen) -> dict[str, Any]:
    return {
        "sku_code": row.sku_code, "node_code": row.node_code, "by_status": row.by_status,
        "still_promised": then.still, "sent_since": then.sent, "lost_since": then.lost,
        "still_reserved": then.reserved,
    }  # fmt: skip


@router.get("/stock/past/{sku}", response={200: list[StoodInOut], **READ})
def get_past_stock(
    request: HttpRequest,  # noqa: ARG001
    sku: Annotated[Code, Path(..., description="The code of a SKU.")],
    at: Moment,
    company: Company = None,
) -> Any:
    """In which bins the units of a SKU were at a past moment, by lot, serial number and status."""
    _has_been(at)
    of = parse.company_of(company)
    return past.buckets(company=of, sku=parse.skus_of(of, {sku})[sku], at=at)


def _has_been(at: datetime) -> None:
    if at > timezone.now():
        raise Invalid(field="at", expected=Said("a moment that has been"), found=at.isoformat())
