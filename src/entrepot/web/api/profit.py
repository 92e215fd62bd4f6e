"""Profit to the shipped unit, and what returns take of it, for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.insight import margins, profit
from entrepot.insight.margins import Profit
from entrepot.insight.profit import Asked
from entrepot.kernel.errors import Invalid, Said
from entrepot.web import format as fmt
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company, Limit
from entrepot.web.api.schemas import Out

router = Router()
MONTHS_MAX = 120

Since = Annotated[date, Query(..., description="A day of the first month.")]
Until = Annotated[date, Query(..., description="A day of the last month.")]
Sku = Annotated[str, Query("", max_length=100, description="The code of a SKU; all without.")]
Channel = Annotated[str, Query("", max_length=100, description="The code of a channel; all without.")]
Reason = Annotated[str, Query("", max_length=100, description="A reason of returns; all without.")]


class ProfitOut(Out):
    """What the units of a group brought, in minor units; costs are below zero. An empty name: of no unit.

    `booked_minor` is what the books say; `profit_minor` is after labor and cartons, which no account holds;
    `at_risk_minor` is what those that may still come back are expected to lose.
    """

    name: str
    units: int
    returned: int
    amounts: dict[str, int]
    revenue_minor: int
    returns_minor: int
    booked_minor: int
    profit_minor: int
    at_risk_minor: int


class LineProfitOut(Out):
    """An order line."""

    order: UUID
    number: str
    sku_code: str
    channel: str
    quantity: int
    profit: ProfitOut
    units: list[dict[str, int]]


class ErodedOut(Out):
    """A month: the margin before returns, and what returns took of it by group. `…` gathers the smaller ones."""

    month: str
    before_minor: int
    taken_minor: int
    percent: float
    taken: dict[str, int]


class TiedOut(Out):
    """A month's profit by its units and by the balances of the accounts; they are equal."""

    month: date
    told_minor: int
    books_minor: int
    difference_minor: int


class ProfitsOut(Out):
    """Groups; and that their sums are the books', where all units are asked for."""

    groups: list[ProfitOut]
    ties: list[TiedOut]


def _out(one: Profit) -> dict[str, Any]:
    names = (
        "name",
        "units",
        "returned",
        "revenue_minor",
        "returns_minor",
        "booked_minor",
        "profit_minor",
        "at_risk_minor",
    )
    amounts = {name: one.amounts[name] for name in margins.COMPONENTS if one.amounts.get(name)}
    return {name: getattr(one, name) for name in names} | {"amounts": amounts}


def _asked(since: date, until: date, sku: str = "", channel: str = "", reason: str = "") -> Asked:
    months = (until.year - since.year) * 12 + until.month - since.month + 1
    if not 0 < months <= MONTHS_MAX or until.year == date.max.year:
        raise Invalid(field="until", expected=Said("1 to {0} months", MONTHS_MAX), found=str(months))
    return Asked(since.replace(day=1), fmt.months_later(until), sku, channel, reason)


@router.get("/profit", response={200: ProfitsOut, **READ})
def tell_profit(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    since: Since,
    until: Until,
    by: Annotated[Literal["sku", "channel", "reason", "month"], Query("sku")],
    sku: Sku,
    channel: Channel,
    reason: Reason,
    company: Company = None,
) -> Any:
    """Profit of months by SKU, channel, reason of return or month."""
    chosen, now = parse.company_of(company), timezone.now()
    asked = _asked(since, until, sku, channel, reason)
    found = profit.profit(chosen, asked, by, now)
    whole = not (sku or channel or reason)
    return {
        "groups": [_out(one) for one in found.groups()],
        "ties": profit.ties(chosen, asked, found) if whole else [],
    }


@router.get("/profit/lines", response={200: list[LineProfitOut], **READ})
def list_profit_lines(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    since: Since,
    until: Until,
    sku: Sku,
    channel: Channel,
    reason: Reason,
    limit: Limit,
    company: Company = None,
) -> Any:
    """Order lines, those that lost most first, each with its units."""
    asked = _asked(since, until, sku, channel, reason)
    found = profit.lines(parse.company_of(company), asked, timezone.now(), limit)
    names = ("order", "number", "sku_code", "channel", "quantity")
    return [
        {name: getattr(one, name) for name in names} | {"profit": _out(one.profit), "units": one.units()}
        for one in found
    ]


@router.get("/profit/erosion", response={200: list[ErodedOut], **READ})
def tell_erosion(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    since: Since,
    until: Until,
    by: Annotated[Literal["reason", "sku", "channel"], Query("reason")],
    company: Company = None,
) -> Any:
    """By month, what returns took of the margin."""
    return profit.profit(parse.company_of(company), _asked(since, until), by, timezone.now()).erosion()
