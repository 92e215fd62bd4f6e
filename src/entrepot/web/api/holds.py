"""Holds of orders and the payments that release them, for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from entrepot.orders import queries, rules
from entrepot.orders.commands.hold import place_hold, release_holds
from entrepot.orders.commands.take_payment import take_payment
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, answer
from entrepot.web.api.schemas import (
    BATCH_MAX,
    Code,
    HoldIn,
    HoldPlacedOut,
    HoldsOut,
    PaymentTakenOut,
    Problem,
    ReleasedOut,
    ReleaseIn,
    TakePaymentIn,
)

router = Router()


@router.get("/holds", response={200: HoldsOut, **READ})
def list_holds(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    kind: Annotated[
        Literal[tuple(rules.HOLDS)] | None,  # type: ignore[valid-type]
        Query(None, alias="type", description="Only holds of a type."),
    ] = None,
    role: Annotated[Code | None, Query(None, description="Only those that a role decides about.")] = None,
    owner: Annotated[Code | None, Query(None, description="Only those that a person has taken.")] = None,
    overdue: Annotated[bool, Query(False, description="Only those past their due time.")] = False,
    after: Annotated[UUID | None, Query(None, description="The cursor: `next` of the page before.")] = None,
    limit: Annotated[int, Query(50, ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Open holds, the longest open first, a page at a time."""
    rows = queries.holds(
        parse.company_of(company), kind=kind, role=role, owner=owner,
        due_before=timezone.now() if overdue else None, after=after, limit=limit + 1,
    )  # fmt: skip
    return {"items": rows[:limit], "next": rows[limit - 1].id if len(rows) > limit else None}


@router.post("/holds", response={200: HoldPlacedOut | list[HoldPlacedOut | Problem], **REFUSED})
def hold(
    request: HttpRequest,
    payload: HoldIn | Annotated[list[HoldIn], Field(min_length=1, max_length=BATCH_MAX)],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Keep an order from going on, or a list of them."""
    items = payload if isinstance(payload, list) else [payload]
    keys = parse.keys_of(request, idempotency_key, items)
    requests = [parse.place_hold(item, key) for item, key in zip(items, keys, strict=True)]
    answers = place_hold(parse.cause_of(request), requests=requests)
    return answer(answers, is_list=isinstance(payload, list), done=200)


@router.post("/holds/release", response={200: ReleasedOut | list[ReleasedOut | Problem], **REFUSED})
def release(
    request: HttpRequest,
    payload: ReleaseIn | Annotated[list[ReleaseIn], Field(min_length=1, max_length=BATCH_MAX)],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Release a hold, or a list of them; an order that nothing holds any longer goes on."""
    items = payload if isinstance(payload, list) else [payload]
    keys = parse.keys_of(request, idempotency_key, items)
    requests = [parse.release_hold(item, key) for item, key in zip(items, keys, strict=True)]
    answers = release_holds(parse.cause_of(request), requests=requests)
    return answer(answers, is_list=isinstance(payload, list), done=200)


@router.post("/orders/payments", response={200: PaymentTakenOut | list[PaymentTakenOut | Problem], **REFUSED})
def take_payments(
    request: HttpRequest,
    payload: TakePaymentIn | Annotated[list[TakePaymentIn], Field(min_length=1, max_length=BATCH_MAX)],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take a payment for an order that was placed, or a list of them; holds that waited for it are released."""
    items = payload if isinstance(payload, list) else [payload]
    keys = parse.keys_of(request, idempotency_key, items)
    requests = [parse.take_payment(item, key) for item, key in zip(items, keys, strict=True)]
    answers = take_payment(parse.cause_of(request), requests=requests)
    return answer(answers, is_list=isinstance(payload, list), done=200)
