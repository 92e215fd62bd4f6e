"""Claims to carriers, and goods that are sent again, for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.shipping import queries
from entrepot.shipping.commands.claim import AdvanceClaim, OpenClaim, advance_claims, open_claims
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import Each, Minor, Out, Own, Reason, Strict, Text

router = Router()


class ClaimIn(Strict):
    """A claim for a shipment; without `amount_minor` what its goods and its carriage are worth."""

    shipment: UUID
    kind: Literal["lost", "damaged", "returned to sender", "delayed"]
    amount_minor: Minor | None = None
    key: Own = None


class ClaimOpenedOut(Out):
    """`due_on` is the last day on which the carrier takes it."""

    claim: UUID
    number: str
    amount_minor: int
    due_on: date


class ClaimStepIn(Strict):
    """A step of a claim. `amount_minor`: what the carrier agrees to, or credited; without, all of it."""

    claim: UUID
    step: Literal["file", "agree", "credit", "refuse", "drop"]
    amount_minor: Minor | None = None
    reason: Text = ""
    reference: Text = ""
    key: Own = None


class ClaimStepOut(Out):
    claim: UUID
    state: str


class ClaimOut(Out):
    """A claim. It is about a `shipment`, or by `subject_kind` about a parcel of a return: the one of its label
    (`return_label`), or one that went back to the customer (`sent_back`), by the number `tracking` on it."""

    id: UUID
    number: str
    subject_kind: str
    shipment: UUID | None
    shipment_number: str
    tracking: str
    order_number: str
    carrier: str
    kind: str
    currency: str
    amount_minor: int
    agreed_minor: int
    credited_minor: int
    state: str
    due_on: date
    reference: str
    reason: str
    reshipped: UUID | None


class ClaimsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ClaimOut]
    next: UUID | None


class ReshipIn(Strict):
    """A shipment that is sent again, at no charge: what was packed into the `parcels` of these numbers; without, into
    those in trouble."""

    shipment: UUID
    reason: Reason
    parcels: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=500)] = []
    key: Own = None


class ReshippedOut(Out):
    shipment: UUID
    order: UUID
    number: str
    holds: list[str]


@router.get("/claims", response={200: ClaimsOut, **READ})
def list_claims(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Claims to carriers, the latest first, a page at a time."""
    return paged(queries.claims(parse.company_of(company), after=after, limit=limit + 1), limit)


@router.post("/claims", response={200: ClaimOpenedOut | list[Each[ClaimOpenedOut]], **REFUSED})
def open_claim(
    request: HttpRequest,
    payload: ClaimIn | Annotated[list[ClaimIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Open claims to carriers for parcels in trouble."""
    return give(
        request, open_claims, payload, idempotency_key,
        lambda one, key: OpenClaim(one.shipment, one.kind, one.amount_minor, key=key),
    )  # fmt: skip


@router.post("/claims/advance", response={200: ClaimStepOut | list[Each[ClaimStepOut]], **REFUSED})
def advance_claim(
    request: HttpRequest,
    payload: ClaimStepIn | Annotated[list[ClaimStepIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say that claims were filed, agreed to, credited or refused."""
    return give(
        request, advance_claims, payload, idempotency_key,
        lambda one, key: AdvanceClaim(one.claim, one.step, one.amount_minor, one.reason, one.reference, key=key),
    )  # fmt: skip


@router.post("/shipments/reship", response={200: ReshippedOut | list[Each[ReshippedOut]], **REFUSED})
def send_again(
    request: HttpRequest,
    payload: ReshipIn | Annotated[list[ReshipIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Send the goods of shipments again, each with an order at no charge."""
    return give(
        request,
        reship,
        payload,
        idempotency_key,
        lambda one, key: Reship(one.shipment, one.reason, tuple(one.parcels), key=key),
    )
