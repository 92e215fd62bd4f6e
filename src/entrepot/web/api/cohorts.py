"""What is expected to come back, by month of sale, for programs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from entrepot.returns import cohort_queries, expecting
from entrepot.returns.commands.estimate import Estimate, estimate
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, give
from entrepot.web.api.schemas import Key, Moment, Out, Strict

router = Router()


class CohortOut(Out):
    """A month's sales, what of them came back, and what is still expected to, in minor units."""

    month: date
    sold_minor: int
    cost_minor: int
    returned_minor: int
    returned_cost_minor: int
    liability_minor: int
    asset_minor: int


class ExpectedReturnsOut(Out):
    """Cohorts as they would be measured now. `cohorts`: months that the rate was observed on; 0: the policy says it."""

    percent: Decimal
    recovered: Decimal
    cohorts: int
    measured: list[CohortOut]
    liability_minor: int
    asset_minor: int
    booked_liability_minor: int
    booked_asset_minor: int


class CohortRowOut(CohortOut):
    """A cohort as it was last measured in a month; those that stand make up the books."""

    measured: date
    percent: Decimal
    recovered: Decimal
    stands: bool
    measured_at: datetime


class MeasureIn(Strict):
    """Measure by the policy, and post the difference: now, or as of a moment in a month that is not closed."""

    occurred_at: Moment | None = None
    key: Key | None = Field(None, description="Idempotency key; else the header's.")


class MeasuredOut(Out):
    company: int
    liability_minor: int
    asset_minor: int
    changed_minor: int


@router.get("/expected-returns", response={200: ExpectedReturnsOut, **READ})
def tell_expected_returns(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    percent: Annotated[
        Decimal | None, Query(ge=0, le=100, description="Try it; without, by the policy.")
    ] = None,
    company: Company = None,
) -> Any:
    """What measuring would find now. Nothing is posted."""
    found = cohort_queries.outlook(parse.company_of(company), timezone.now(), percent)
    liability, asset = expecting.sums(found.measured)
    return {
        "percent": found.basis.percent, "recovered": found.basis.recovered, "cohorts": found.basis.cohorts,
        "liability_minor": liability, "asset_minor": asset,
        "booked_liability_minor": found.liability_minor, "booked_asset_minor": found.asset_minor,
        "measured": [
            {
                "month": one.of.month, "sold_minor": one.of.sold, "cost_minor": one.of.cost,
                "returned_minor": one.of.returned, "returned_cost_minor": one.of.returned_cost,
                "liability_minor": one.liability, "asset_minor": one.asset,
            }
            for one in found.measured
        ],
    }  # fmt: skip


@router.get("/expected-returns/measured", response={200: list[CohortRowOut], **READ})
def list_measured(request: HttpRequest, company: Company = None) -> Any:  # noqa: ARG001
    """What was measured, the latest month first."""
    return cohort_queries.measures(parse.company_of(company))


@router.post("/expected-returns/measured", response={200: MeasuredOut, **REFUSED})
def measure_returns(
    request: HttpRequest, payload: MeasureIn, idempotency_key: IdempotencyKey, company: Company = None
) -> Any:
    """Bring the books to what is expected to come back."""
    chosen = parse.company_of(company)
    return give(
        request, estimate, payload, idempotency_key, lambda one, key: Estimate(chosen, one.occurred_at, key)
    )
