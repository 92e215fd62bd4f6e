"""Holds of orders and the payments that release them, for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.orders import queries, rules
from entrepot.orders.commands.hold import place_hold, release_holds
from entrepot.orders.commands.take_payment import take_payment
from entrepot.sourcing.commands.decide_holds import decide_holds
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import (
    Code,
    DecideHoldIn,
    Each,
    HoldDecidedOut,
    HoldIn,
    HoldPlacedOut,
    HoldsOut,
    PaymentTakenOut,
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
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Open holds, the longest open first, a page at a time."""
    rows = queries.holds(
        parse.company_of(company), kind=kind, role=role, owner=owner,
        due_before=timezone.now() if overdue else None, after=after, limit=limit + 1,
    )  # fmt: skip
    return paged(rows, limit)


@router.post("/holds", response={200: HoldPlacedOut | list[Each[HoldPlacedOut]], **REFUSED})
def hold(
    request: HttpRequest,
    payload: HoldIn | Annotated[list[HoldIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Keep an order from going on, or a list of them."""
    return give(request, place_hold, payload, idempotency_key, parse.place_hold)


@router.post("/holds/release", response={200: ReleasedOut | list[Each[ReleasedOut]], **REFUSED})
def release(
    request: HttpRequest,
    payload: ReleaseIn | Annotated[list[ReleaseIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Release a hold, or a list of them; an order that nothing holds any longer goes on."""
    return give(request, release_holds, payload, idempotency_key, parse.release_hold)


@router.post("/holds/decide", response={200: HoldDecidedOut | list[Each[HoldDecidedOut]], **REFUSED})
def decide(
    request: HttpRequest,
    payload: DecideHoldIn | Annotated[list[DecideHoldIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Decide about a hold by the work item that asks about it, or about a list of them: the item is resolved as well.

    `release` needs the permission `orders.release_holds`, `reject` needs `sourcing.cancel`.
    """
    return give(request, decide_holds, payload, idempotency_key, parse.decide_hold)


@router.post("/orders/payments", response={200: PaymentTakenOut | list[Each[PaymentTakenOut]], **REFUSED})
def take_payments(
    request: HttpRequest,
    payload: TakePaymentIn | Annotated[list[TakePaymentIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take a payment for an order that was placed, or a list of them; holds that waited for it are released."""
    return give(request, take_payment, payload, idempotency_key, parse.take_payment)
