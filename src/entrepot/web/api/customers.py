"""Customers, for programs: their tier, and whether they take something else. No personal data: that is in the vault."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.insight import customers as insight
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound, Refused
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import CODE_MAX, NO_NUL, Code, Each, Moment, Out, Own, Strict

router = Router()

Tier = Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL, examples=["gold"])]


class CustomerIn(Strict):
    """A customer as it shall stand, by the code that the channel knows; what is null or left out stays as it is. By
    `tier` a sourcing profile may serve orders first (`tier_priority`), and returns have their terms; '' is none.
    `since` is when they became one, where known; `substitutes` says whether they want something else where what they
    ordered is not there."""

    code: Code
    tier: Tier | None = None
    since: Moment | None = None
    substitutes: Literal["", "agreed", "refused"] | None = None
    key: Own = None


class CustomerSavedOut(Out):
    id: UUID
    code: str


class CustomerOut(Out):
    id: UUID
    code: str
    tier: str
    since: datetime | None
    substitutes: str


class CustomersOut(Out):
    items: list[CustomerOut]
    next: UUID | None


class YearOut(Out):
    """Orders of a year (UTC) in a currency that were not cancelled, as they were placed."""

    year: int
    currency: str
    orders: int
    total_minor: int
    units_shipped: int
    units_returned: int
    refunded_minor: int


class CustomerOrderOut(Out):
    id: UUID
    number: str
    channel: str
    status: str
    held_by: str
    currency: str
    total_minor: int
    placed_at: datetime


class CustomerReturnOut(Out):
    id: UUID
    number: str
    order: UUID
    order_number: str
    state: str
    asked: str
    requested_at: datetime


class CustomerCreditOut(Out):
    id: UUID
    currency: str
    balance_minor: int
    held_minor: int


class CustomerWholeOut(CustomerOut):
    """A customer with their latest orders and returns; `listed` is `blocked`, `trusted` or ''."""

    listed: str
    years: list[YearOut]
    orders: list[CustomerOrderOut]
    returns: list[CustomerReturnOut]
    credits: list[CustomerCreditOut]


@router.get("/customers", response={200: CustomersOut, **READ})
def list_customers(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    code: Annotated[Code | None, Query(None, description="Only the one with this code.")] = None,
    tier: Annotated[Code | None, Query(None, description="Only those of a tier.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Customers in the order in which they were kept, a page at a time."""
    of = parse.company_of(company)
    rows = parties.customer_rows(company=of, code=code, tier=tier, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.get("/customers/{customer}", response={200: CustomerWholeOut, **READ})
def get_customer(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    customer: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """A customer with orders by year, what came back, store credit, and how the house lists them. Sums are of the
    latest 2,000 orders. No personal data."""
    parse.own("customer", customer, company)
    of = parse.company_of(company)
    found = insight.known(of, customer)
    if found is None:
        raise NotFound(what="customer", which=str(customer))
    return {name: getattr(found, name) for name in CustomerOut.model_fields} | {
        "listed": found.listed,
        "years": insight.years(of, customer),
        "orders": insight.latest(of, customer),
        "returns": insight.returned(of, customer),
        "credits": insight.credits_of(of, customer),
    }


@router.post("/customers", response={200: CustomerSavedOut | list[Each[CustomerSavedOut]], **REFUSED})
def save_customers(
    request: HttpRequest,
    payload: CustomerIn | Annotated[list[CustomerIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Keep customers as they shall stand, new or changed. Orders that are placed keep what they were served by. This is
    done at once, whatever is preferred: what a job is asked is kept, and the codes of customers may have to be erased.
    """
    of = parse.company_of(company)

    def named(cause: Cause, /, *, requests: Sequence[RegisterCustomer]) -> list[dict[str, Any] | Refused]:
        """As the command, with the codes, which its answers don't keep."""
        answers = register_customers(cause, requests=requests)
        return [
            answer if isinstance(answer, Refused) else {"id": answer.id, "code": one.code}
            for one, answer in zip(requests, answers, strict=True)
        ]

    return give(
        request, named, payload, idempotency_key,
        lambda one, key: RegisterCustomer(of, one.code, one.tier, one.since, one.substitutes, key),
    )  # fmt: skip
