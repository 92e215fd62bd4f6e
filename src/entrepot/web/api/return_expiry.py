"""Goods that are to come back, and what of them was given up, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.returns import expiry_queries
from entrepot.returns.commands.reopen import Reopen, reopen
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, give
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import Each, Minor, Moment, Out, Own, Reason, Strict

router = Router()


class ReturnToComeOut(Out):
    """A return whose goods are to come: units, those of them that were refunded, and until when they are waited for."""

    return_id: UUID
    number: str
    order_number: str
    customer: str
    node: str
    reason: str
    units: int
    refunded: int
    since: datetime
    scanned_at: datetime | None
    reminded_at: datetime | None
    due_at: datetime | None


class ReturnGivenUpOut(Out):
    """A return that was closed without goods: `missing` units were refunded, `cancelled` were not. `lost_minor` is what
    was paid for what is missing, less what was taken of the card."""

    return_id: UUID
    number: str
    order_number: str
    customer: str
    closed_at: datetime
    closed_by: str
    by_clock: bool
    why: str
    missing: int
    cancelled: int
    currency: str
    paid_minor: Minor
    taken_minor: Minor
    lost_minor: Minor
    reopened_at: datetime | None


class ReopenReturnIn(Strict):
    """What was given up is waited for again."""

    model_config = _example(return_id=ONE, reason="The carrier found the parcel.")

    return_id: UUID
    reason: Reason
    key: Own = None


class ReturnReopenedOut(Out):
    return_id: UUID
    state: str
    units: int


@router.get("/returns/to-come", response={200: list[ReturnToComeOut], **READ})
def list_returns_to_come(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    limit: Limit = 50,
) -> list[expiry_queries.ToCome]:
    """Returns whose goods have not come, what is given up first at the top."""
    return expiry_queries.to_come(parse.company_of(company), timezone.now(), limit=limit)


@router.get("/returns/given-up", response={200: list[ReturnGivenUpOut], **READ})
def list_returns_given_up(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    before: Annotated[
        Moment | None, Query(None, description="Only what was given up before a moment.")
    ] = None,
    limit: Limit = 50,
) -> list[expiry_queries.GivenUpRow]:
    """Returns that were closed without their goods, the latest first."""
    return expiry_queries.given_up(parse.company_of(company), before=before, limit=limit)


@router.post("/returns/reopen", response={200: ReturnReopenedOut | list[Each[ReturnReopenedOut]], **REFUSED})
def reopen_returns(
    request: HttpRequest,
    payload: ReopenReturnIn | Annotated[list[ReopenReturnIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Open returns again that were closed without their goods."""

    def make(item: ReopenReturnIn, key: str) -> Reopen:
        return Reopen(item.return_id, item.reason, key)

    return give(request, reopen, payload, idempotency_key, make)
