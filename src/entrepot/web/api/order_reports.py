"""What waits for stock, what campaigns brought, and whose stock went elsewhere, for programs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.insight import backorders, campaigns, conflicts
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company, Limit
from entrepot.web.api.schemas import Code, Out

router = Router()
Days = Annotated[int, Query(30, ge=1, le=366, description="Days to look back.")]


class ExpectedSupplyOut(Out):
    """Units of an expected supply that are meant for a line."""

    document_kind: str
    document: UUID
    number: str
    units: int
    on: date


class WaitingLineOut(Out):
    """Units of an order line that wait for stock. `promised_on` is the customer's day, `expected_on` that on which the
    last of the units is expected, and `uncovered` are those that no supply is meant for."""

    order: UUID
    order_number: str
    channel: str
    priority: int
    line: UUID
    line_number: int
    sku: UUID
    sku_code: str
    units: int
    uncovered: int
    value_minor: int
    currency: str
    ordered_at: datetime
    promised_on: date | None
    expected_on: date | None
    late_days: int
    ships_on: date | None
    supplies: list[ExpectedSupplyOut]


class HeldUpOut(Out):
    """What waits for one SKU; `late` are the units that come after the promise."""

    sku: UUID
    sku_code: str
    lines: int
    units: int
    late: int
    uncovered: int
    first_on: date | None
    last_on: date | None
    since: datetime


class BackordersOut(Out):
    """`lines` has the most urgent first, `skus` those with most units; `total` counts all lines that match, up to
    10,000: beyond, the answer is `cut_off` and tells of the most urgent alone."""

    total: int
    cut_off: bool
    lines: list[WaitingLineOut]
    skus: list[HeldUpOut]


class CampaignedOut(Out):
    """The orders of a campaign or promotion, in the company's currency: revenue without tax of what left, its cost,
    and what was given back; returned goods count as sold at nothing."""

    name: str
    orders: int
    units: int
    given_minor: int
    sales_minor: int
    cost_minor: int
    refunded_minor: int
    margin_minor: int
    units_shipped: int
    units_returned: int
    return_rate: float


class CampaignsOut(Out):
    """An order counts with each promotion that it has."""

    campaigns: list[CampaignedOut]
    promotions: list[CampaignedOut]


class CauseOut(Out):
    reason: str
    times: int
    orders: int
    units: int
    served: int
    waiting: int
    cancelled: int


class DisplacedOut(Out):
    """Units of a line that lost their promise; `served` of them got another, at the nodes `served_at`."""

    at: datetime
    reason: str
    document_kind: str
    document: UUID
    order: UUID
    order_number: str
    line: UUID
    line_number: int
    sku: UUID
    sku_code: str
    node_code: str
    units: int
    was_released: bool
    waiting: int
    cancelled: int
    served: int
    served_at: str


class PassedOverOut(Out):
    """An order that waits, and a less urgent one that has units of what it waits for; `why` explains it, with the
    `rule` of the profile that keeps the node from it, where it is that."""

    order: UUID
    order_number: str
    channel: str
    sku: UUID
    sku_code: str
    waiting: int
    priority: int
    ordered_at: datetime
    promised_on: date | None
    served: UUID
    served_number: str
    served_channel: str
    served_priority: int
    node_code: str
    units: int
    why: str
    rule: str


class ConflictsOut(Out):
    """`causes` sum all; `displaced` has the latest first, `passed_over` the most urgent."""

    causes: list[CauseOut]
    displaced: list[DisplacedOut]
    passed_over: list[PassedOverOut]


@router.get("/backorders", response={200: BackordersOut, **READ})
def tell_backorders(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    view: Annotated[
        Literal["late", "uncovered", "ahead"] | None,
        Query(None, description="Only what comes after the promise, lacks supply, or is sold ahead."),
    ] = None,
    channel: Annotated[Code | None, Query(None, description="Only of a channel, by its code.")] = None,
    sku: Annotated[Code | None, Query(None, description="Only of a SKU, by its code.")] = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What waits for stock, in the order in which it is served, until when, and for which supply."""
    of = parse.company_of(company)
    rows, cut_off = backorders.waiting(of, view=view or "", channel=channel or "", sku=sku or "")
    return {
        "total": len(rows), "cut_off": cut_off, "lines": rows[:limit],
        "skus": backorders.held_up(rows)[:limit],
    }  # fmt: skip


@router.get("/campaigns", response={200: CampaignsOut, **READ})
def tell_campaigns(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    days: Days = 30,
) -> dict[str, Any]:
    """Sales, margin and returns of the orders placed in the last days, by campaign and by promotion."""
    of, now = parse.company_of(company), timezone.now()
    since = now - timedelta(days=days)
    return {
        "campaigns": campaigns.campaigns(of, since=since, until=now),
        "promotions": campaigns.promotions(of, since=since, until=now),
    }


@router.get("/conflicts", response={200: ConflictsOut, **READ})
def tell_conflicts(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    days: Days = 30,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Promises of the last days that stock could not keep, and orders that wait while a less urgent one was served."""
    of, now = parse.company_of(company), timezone.now()
    displaced = conflicts.displaced(of, since=now - timedelta(days=days))
    return {
        "causes": conflicts.by_cause(displaced),
        "displaced": displaced[:limit],
        "passed_over": conflicts.passed_over(of, at=now)[:limit],
    }
