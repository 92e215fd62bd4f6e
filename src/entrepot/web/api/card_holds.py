"""Amounts held on customers' cards, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.returns import hold_queries
from entrepot.returns.commands.decide_holds import DecideHold, decide_holds
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import Each, Minor, Out, Own, Reason, Strict

router = Router()

State = Literal[
    "open", "asked", "placed", "renewing", "taking", "failed", "taken", "declined", "released", "lapsed"
]


class DecideCardHoldIn(Strict):
    """What becomes of a hold that stands: it is let go, or what is owed of it is taken, at most `minor`."""

    model_config = _example(hold=ONE, what="release", reason="The shop took it back by hand.")

    hold: UUID
    what: Literal["release", "take"]
    reason: Reason
    minor: Minor | None = None
    key: Own = None


class CardHoldDecidedOut(Out):
    """The hold's state; `taken_minor` is what is asked of its provider."""

    hold: UUID
    state: str
    taken_minor: int


class CardHoldOut(Out):
    """An amount on a card that secures a refund or a replacement that was given before its goods are back. They are due
    at `due_at`; the bank lets the amount go at `expires_at`."""

    id: UUID
    number: str
    return_id: UUID
    return_number: str
    order: UUID
    order_number: str
    customer: str
    kind: str
    refund: UUID | None
    currency: str
    amount_minor: int
    taken_minor: int
    returned_minor: int
    provider: str
    state: str
    why: str
    reasons: list[str]
    placed_at: datetime
    due_at: datetime
    expires_at: datetime | None
    closed_at: datetime | None
    units: int


class CardHoldsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[CardHoldOut]
    next: UUID | None


@router.get("/returns/card-holds", response={200: CardHoldsOut, **READ})
def list_card_holds(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Annotated[State, Query(description="Only those in a state, or all that are open.")] = "open",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What is held on cards for returns, the latest first, a page at a time."""
    rows = hold_queries.holds(parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post(
    "/returns/card-holds/decide",
    response={200: CardHoldDecidedOut | list[Each[CardHoldDecidedOut]], **REFUSED},
)
def decide_card_holds(
    request: HttpRequest,
    payload: DecideCardHoldIn | Annotated[list[DecideCardHoldIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Let holds go, or take what is owed of them."""
    return give(
        request, decide_holds, payload, idempotency_key,
        lambda one, key: DecideHold(one.hold, one.what, one.reason, one.minor, key),
    )  # fmt: skip
