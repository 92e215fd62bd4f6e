"""What payment providers refused, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.payments import attempt_queries
from entrepot.payments.commands.retry import Retry, retry
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import Each, Out, Own, Strict

router = Router()

Kind = Literal[attempt_queries.ASKED_AGAIN]  # type: ignore[valid-type]


class PaymentAgainIn(Strict):
    """A capture, refund or void that failed, to be asked of its provider once more."""

    model_config = _example(attempt=ONE)

    attempt: UUID
    key: Own = None


class PaymentAgainOut(Out):
    """The new attempt, which stands for the same amount; what becomes of it is told by the payment."""

    attempt: UUID


class FailedPaymentOut(Out):
    """A capture, refund or void that failed. `subject` is what it was paid for: an order, or an amount that was held on
    a card. `bounced`: it was done, and came back."""

    id: UUID
    payment: UUID
    subject_kind: Literal["order", "card_hold"]
    subject: UUID
    kind: str
    provider: str
    reference: str
    currency: str
    amount_minor: int
    error: str
    bounced: bool
    asked_at: datetime
    failed_at: datetime


class FailedPaymentsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[FailedPaymentOut]
    next: UUID | None


@router.get("/payments/failed", response={200: FailedPaymentsOut, **READ})
def list_failed_payments(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    kind: Annotated[Kind | None, Query(description="Only those of a kind.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What failed and was not asked for again, the latest first, a page at a time."""
    rows = attempt_queries.failed(parse.company_of(company), kind=kind, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/payments/retry", response={200: PaymentAgainOut | list[Each[PaymentAgainOut]], **REFUSED})
def retry_payments(
    request: HttpRequest,
    payload: PaymentAgainIn | Annotated[list[PaymentAgainIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Ask providers again for what they refused; the work item is closed with the last of an order."""
    return give(
        request, retry, payload, idempotency_key, lambda one, key: Retry(one.attempt, key=key)
    )  # fmt: skip
