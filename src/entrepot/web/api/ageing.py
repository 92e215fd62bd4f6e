"""How long stock has been lying, and what of it expires soon, for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.stock import ageing
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company, Limit
from entrepot.web.api.schemas import Out

router = Router()


class SpanOut(Out):
    """What has been lying for at least `from_days` and less than `to_days`; null: for any time."""

    from_days: int
    to_days: int | None
    skus: int
    units: int
    value_minor: int


class AgedOut(Out):
    """A SKU's units by span of age, in the order of `spans`; `days` is how long the oldest has been lying."""

    sku: UUID
    sku_code: str
    units: int
    value_minor: int
    days: int
    spans: list[int]


class AgeingOut(Out):
    """Sums by span, and the SKUs that have been lying longest."""

    spans: list[SpanOut]
    oldest: list[AgedOut]


class ExpiringOut(Out):
    """A lot in a bin that is sellable still; `claimed` units are on their way to a picker."""

    sku_code: str
    node_code: str
    bin_code: str
    lot: str
    expires_on: date
    units: int
    claimed: int
    value_minor: int


@router.get("/stock/ageing", response={200: AgeingOut, **READ})
def tell_ageing(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """How long stock has been lying: first in, first out by what came from outside."""
    rows = ageing.aged(company=parse.company_of(company), at=timezone.now())
    return {"spans": ageing.spans(rows), "oldest": rows[:limit]}


@router.get("/stock/expiring", response={200: list[ExpiringOut], **READ})
def list_expiring(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    until: Annotated[date, Query(...)],
    company: Company = None,
    limit: Limit = 50,
) -> Any:
    """Lots that expire up to a day and are sellable still, the first to expire first."""
    return ageing.expiring(company=parse.company_of(company), until=until, limit=limit)
