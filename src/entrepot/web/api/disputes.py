"""Disputes of payments, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.kernel.errors import NotFound
from entrepot.payments import dispute_queries
from entrepot.payments.commands.accept_disputes import (
    AcceptDispute,
    WithdrawAcceptance,
    accept_disputes,
    withdraw_acceptances,
)
from entrepot.settlement import evidence, evidence_queries
from entrepot.settlement.commands.contest_disputes import ContestDispute, contest_disputes
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import Each, Out, Own, Reason, Strict, Text

router = Router()

State = Literal["needs_response", "under_review", "expired", "won", "lost", "accepted"]


class ContestDisputeIn(Strict):
    """Send the bank what can be proven, with a `note` before it."""

    model_config = _example(dispute=ONE, note="The neighbor signed for it.")

    dispute: UUID
    note: Text = ""
    key: Own = None


class AcceptDisputeIn(Strict):
    """The money is the customer's. Above `payments.disputes` it is proposed, and accepted when a second person says
    so."""

    model_config = _example(dispute=ONE, reason="The carrier lost it.")

    dispute: UUID
    reason: Reason
    key: Own = None


class WithdrawAcceptanceIn(Strict):
    """A proposal to accept a dispute is none any more."""

    model_config = _example(dispute=ONE)

    dispute: UUID
    key: Own = None


class DisputeAnsweredOut(Out):
    """How far the answer is: proposed, waiting for the provider, done, or withdrawn."""

    dispute: UUID
    answer: UUID
    state: str


class DisputeOut(Out):
    """A dispute. The bank has the money since `withdrawn_at`, and listens until `due_at`; `given_back_minor` is what of
    the payment was refunded. `answer` is how far the last answer is, or empty."""

    id: UUID
    external_id: str
    payment: UUID
    order: UUID
    provider: str
    currency: str
    amount_minor: int
    fee_minor: int
    fee_returned_minor: int
    state: str
    reason: str
    inquiry: bool
    opened_at: datetime
    withdrawn_at: datetime | None
    due_at: datetime | None
    closed_at: datetime | None
    captured_minor: int
    given_back_minor: int
    answer: str
    answer_kind: str


class DisputesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[DisputeOut]
    next: UUID | None


class EvidencePointOut(Out):
    """What is proven, or is missing where it does not hold."""

    name: str
    text: str
    holds: bool


class DisputeAnswerOut(Out):
    """What was said to a dispute. `fields` is the evidence, without names and addresses."""

    id: UUID
    kind: str
    state: str
    fields: dict[str, str]
    note: str
    needs_another: bool
    made_by: str
    made_at: datetime
    approved_by: str
    settled_at: datetime | None
    error: str


class DisputeWholeOut(Out):
    """A dispute with what can be proven now, the strongest first, and what was answered, the latest first."""

    dispute: DisputeOut
    points: list[EvidencePointOut]
    answers: list[DisputeAnswerOut]


@router.get("/disputes", response={200: DisputesOut, **READ})
def list_disputes(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Annotated[State | None, Query(description="Only those in a state.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Disputes, the latest first, a page at a time."""
    rows = dispute_queries.listed(parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post(
    "/disputes/contest", response={200: DisputeAnsweredOut | list[Each[DisputeAnsweredOut]], **REFUSED}
)
def contest(
    request: HttpRequest,
    payload: ContestDisputeIn | Annotated[list[ContestDisputeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Send evidence, composed of what is known of the order, its parcels, refunds and returns."""
    return give(
        request, contest_disputes, payload, idempotency_key,
        lambda one, key: ContestDispute(one.dispute, one.note, key),
    )  # fmt: skip


@router.post(
    "/disputes/accept", response={200: DisputeAnsweredOut | list[Each[DisputeAnsweredOut]], **REFUSED}
)
def accept(
    request: HttpRequest,
    payload: AcceptDisputeIn | Annotated[list[AcceptDisputeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Accept disputes as lost."""
    return give(
        request, accept_disputes, payload, idempotency_key,
        lambda one, key: AcceptDispute(one.dispute, one.reason, key),
    )  # fmt: skip


@router.post(
    "/disputes/withdraw", response={200: DisputeAnsweredOut | list[Each[DisputeAnsweredOut]], **REFUSED}
)
def withdraw_acceptance(
    request: HttpRequest,
    payload: WithdrawAcceptanceIn | Annotated[list[WithdrawAcceptanceIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Turn proposals to accept disputes down."""
    return give(
        request, withdraw_acceptances, payload, idempotency_key,
        lambda one, key: WithdrawAcceptance(one.dispute, key),
    )  # fmt: skip


@router.get("/disputes/{dispute}", response={200: DisputeWholeOut, **READ})
def read_dispute(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    dispute: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """A dispute with what can be proven and what was answered."""
    found = dispute_queries.dispute(parse.company_of(company), dispute)
    if found is None:
        raise NotFound(what="dispute", which=str(dispute))
    known = evidence_queries.known([dispute], timezone.now()).get(dispute)
    points = [one._asdict() for one in evidence.compose(known.facts).points] if known else []
    return {"dispute": found, "points": points, "answers": dispute_queries.answers(dispute)}
