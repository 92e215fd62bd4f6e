"""Taxes, for programs: rates by place and day, and customers who pay none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BeforeValidator, Field

from entrepot.insight import tax_report
from entrepot.tax import queries
from entrepot.tax.commands.exempt import RegisterExemption, register_exemptions
from entrepot.tax.commands.register import RegisterRate, register_rates
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import Code, Each, Out, Own, Strict

router = Router()


def _is_day(value: Any) -> Any:
    if not isinstance(value, str) or len(value) != len("2026-03-02"):
        raise ValueError("expected a day as text, such as 2026-03-02")
    return value


Day = Annotated[date, BeforeValidator(_is_day)]
Rate = Annotated[str, Field(pattern=r"^0(\.[0-9]{1,6})?$", examples=["0.2"])]
Land = Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["GB"])]


class TaxRateIn(Strict):
    """A rate from a day on: 0.2 is 20 %. Without a region it is the country's, without a category the standard one."""

    country: Land
    rate: Rate
    valid_from: Day
    region: Code | None = None
    category: Code | None = None
    key: Own = None


class RateRegisteredOut(Out):
    jurisdiction: str


class RateOut(Out):
    """A rate of a category of goods in a country or a region of it, from a day on."""

    country: str
    region: str
    category: str
    valid_from: date
    rate: str


class ExemptionIn(Strict):
    """A customer, by their code, who pays no tax in a country, or in none; one that ends has its last day."""

    customer: Code
    certificate: Code
    valid_from: Day
    valid_until: Day | None = None
    country: Land | None = None
    key: Own = None


class ExemptionRegisteredOut(Out):
    id: UUID
    customer: str


class ExemptionOut(Out):
    id: UUID
    customer: str
    country: str
    certificate: str
    valid_from: date
    valid_until: date | None


class ExemptionsOut(Out):
    items: list[ExemptionOut]
    next: UUID | None


@router.get("/tax/rates", response={200: list[RateOut], **READ})
def list_tax_rates(request: HttpRequest, company: Company = None) -> Any:  # noqa: ARG001
    """Every rate, the newest of each place and category last. What is in force is the latest that has begun."""
    return [
        {
            "country": one.country, "region": one.region, "category": one.category,
            "valid_from": one.valid_from, "rate": f"{one.rate.normalize():f}",
        }
        for one in queries.rates(company=parse.company_of(company))
    ]  # fmt: skip


@router.post("/tax/rates", response={200: RateRegisteredOut | list[Each[RateRegisteredOut]], **REFUSED})
def save_tax_rates(
    request: HttpRequest,
    payload: TaxRateIn | Annotated[list[TaxRateIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say what rates are from a day on; one ends where the next of its place and category begins."""
    of = parse.company_of(company)
    return give(
        request, register_rates, payload, idempotency_key,
        lambda one, key: RegisterRate(
            of, one.country, Decimal(one.rate), one.valid_from, one.region or "", one.category or "", key
        ),
    )  # fmt: skip


@router.get("/tax/exemptions", response={200: ExemptionsOut, **READ})
def list_tax_exemptions(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    customer: Annotated[
        Code | None, Query(None, description="Only those of a customer, by their code.")
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Customers who pay no tax, the latest first, a page at a time."""
    rows = queries.exemptions(
        company=parse.company_of(company), customer=customer or "", after=after, limit=limit + 1
    )
    return paged(rows, limit)


@router.post(
    "/tax/exemptions",
    response={200: ExemptionRegisteredOut | list[Each[ExemptionRegisteredOut]], **REFUSED},
)
def save_tax_exemptions(
    request: HttpRequest,
    payload: ExemptionIn | Annotated[list[ExemptionIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say who pays no tax, by which certificate; the same customer and country again changes it, and may end it."""
    of = parse.company_of(company)
    return give(
        request, register_exemptions, payload, idempotency_key,
        lambda one, key: RegisterExemption(
            of, one.customer, one.certificate, one.valid_from, one.country or "", one.valid_until, key
        ),
    )  # fmt: skip


class TaxRowOut(Out):
    """A place, rate and month in the company's currency. `rate` is null where no invoice tells it: of what has none
    yet, of fees, and of promotions that were taken back."""

    month: date
    country: str
    region: str
    rate: str | None
    sold_minor: int
    collected_minor: int
    returned_minor: int
    refunded_minor: int
    net_minor: int


class TaxReportOut(Out):
    """The rows make `net_minor`; account 2200 moved by `account_minor`, input tax (1240) by `input_minor`."""

    rows: list[TaxRowOut]
    net_minor: int
    account_minor: int
    input_minor: int


@router.get("/tax/report", response={200: TaxReportOut, **READ})
def tell_tax(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    since: Annotated[date, Query(description="A day of the first month.")],
    until: Annotated[date, Query(description="A day of the last month.")],
    company: Company = None,
) -> Any:
    """Tax that was collected and refunded, by jurisdiction, rate and month."""
    found = tax_report.report(parse.company_of(company), since.replace(day=1), until.replace(day=1))
    rows = [
        {
            "month": one.month, "country": one.country, "region": one.region,
            "rate": None if one.rate is None else str(one.rate), "sold_minor": one.sold_minor,
            "collected_minor": one.collected_minor, "returned_minor": one.returned_minor,
            "refunded_minor": one.refunded_minor, "net_minor": one.net_minor,
        }
        for one in found.rows
    ]  # fmt: skip
    return {
        "rows": rows, "net_minor": found.net_minor, "account_minor": found.account_minor,
        "input_minor": found.input_minor,
    }  # fmt: skip
