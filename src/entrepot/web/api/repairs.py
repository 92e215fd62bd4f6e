"""Repairs for customers, for programs, and what goes back to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.returns import repair_queries, repairing
from entrepot.returns.commands.claims import ClaimParcel, claim_parcels
from entrepot.returns.commands.note_arrivals import NoteArrival, note_arrivals
from entrepot.returns.commands.repairs import (
    AnswerRepair,
    OfferRepair,
    SettleRepair,
    answer_repairs,
    offer_repairs,
    settle_repairs,
)
from entrepot.returns.commands.send_back import SendBack, send_back
from entrepot.shipping.trouble import CLAIMED
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.claims import ClaimOpenedOut
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import (
    LINES_MAX,
    Each,
    Minor,
    Moment,
    Named,
    Out,
    Own,
    Quantity,
    Reason,
    Strict,
    Text,
)

router = Router()


class OfferRepairIn(Strict):
    """Units of a disposition `repair`, and what is to be done with them. Without `payer` the policy `returns.repairs`
    says who pays; a customer is asked to agree to `price_minor`, with the tax and in the currency of his order."""

    model_config = _example(disposition=ONE, quantity=1, plan="Replace the coil.", told="It takes a week.")

    disposition: UUID
    quantity: Quantity
    plan: Reason
    payer: Literal[repairing.PAYERS] | None = None  # type: ignore[valid-type]
    price_minor: Minor = 0
    told: Text = ""
    key: Own = None


class RepairOfferedOut(Out):
    """`state` is offered, or agreed where the house pays: the work is ordered."""

    repair: UUID
    number: str
    state: str
    payer: str


class AnswerRepairIn(Strict):
    """Whether the customer agrees to the price."""

    model_config = _example(repair=ONE, agrees=True)

    repair: UUID
    agrees: bool
    key: Own = None


class RepairAnsweredOut(Out):
    repair: UUID
    state: str


class SettleRepairIn(Strict):
    """What was agreed on instead of a repair, and why; without a `repair`, of a return of which none was offered."""

    model_config = _example(repair=ONE, instead="refund", reason="He wants his money back.")

    repair: UUID | None = None
    return_id: UUID | None = None
    instead: Literal[repairing.INSTEAD]  # type: ignore[valid-type]
    reason: Reason
    key: Own = None


class RepairSettledOut(Out):
    repair: UUID | None
    instead: str


class SendBackIn(Strict):
    """A parcel to the customer of a return: refused units, those that were repaired, and of others the repairs that are
    named."""

    model_config = _example(return_id=ONE, carrier="Parcel Post", tracking="PP123456785")

    return_id: UUID
    carrier: Named
    tracking: Named
    unrepaired: Annotated[list[UUID], Field(max_length=LINES_MAX)] = []
    occurred_at: Moment | None = None
    key: Own = None


class SentBackOut(Out):
    """The parcel, and how many units are in it."""

    sent_back: UUID
    units: int


class BackArrivalIn(Strict):
    """A parcel that was sent back arrived, or was lost."""

    model_config = _example(tracking="PP123456785")

    tracking: Named
    lost: bool = False
    occurred_at: Moment | None = None
    key: Own = None


class BackArrivalOut(Out):
    """`parcels` is 0 where the house has sent none back by that number, or knew already."""

    tracking: str
    parcels: int


class RepairOut(Out):
    """A repair. `price_minor` is in `currency`, `cost_minor` in `own_currency`."""

    id: UUID
    number: str
    state: str
    return_id: UUID
    return_number: str
    sku_code: str
    quantity: int
    plan: str
    payer: str
    currency: str
    price_minor: int
    tax_minor: int
    told: str
    work_order: UUID | None
    work_order_number: str
    cost_minor: int
    own_currency: str
    opened_at: datetime
    answered_at: datetime | None
    done_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    parcel: str


class RepairsOut(Out):
    items: list[RepairOut]
    next: UUID | None


State = Annotated[
    Literal["offered", "agreed", "declined", "repaired", "failed", "sent", "lost", "delivered", "settled"]
    | None,
    Query(None, description="Only those in a state."),
]
OfReturn = Annotated[UUID | None, Query(None, description="Only those of a return.")]


class ClaimParcelIn(Strict):
    """A claim to the carrier of a parcel of a return, by the number on it: of the label that it comes back with, or of
    a parcel that went back to its customer. Without `amount_minor` what is in it is worth, by the policy
    `returns.claims`."""

    model_config = _example(return_id=ONE, tracking="PP100200300GB", kind="lost")

    return_id: UUID
    tracking: Named
    kind: Literal[CLAIMED]  # type: ignore[valid-type]
    amount_minor: Minor | None = None
    key: Own = None


@router.post("/returns/claims", response={200: ClaimOpenedOut | list[Each[ClaimOpenedOut]], **REFUSED})
def claim_parcel(
    request: HttpRequest,
    payload: ClaimParcelIn | Annotated[list[ClaimParcelIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Open claims to carriers for parcels of returns."""
    return give(
        request, claim_parcels, payload, idempotency_key,
        lambda one, key: ClaimParcel(one.return_id, one.tracking, one.kind, one.amount_minor, key),
    )  # fmt: skip


@router.get("/returns/repairs", response={200: RepairsOut, **READ})
def list_repairs(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: State = None,
    return_id: OfReturn = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Repairs for customers, the latest first, a page at a time."""
    own = parse.company_of(company)
    rows = repair_queries.repairs(own, state=state or "", return_id=return_id, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/returns/repairs", response={200: RepairOfferedOut | list[Each[RepairOfferedOut]], **REFUSED})
def offer_repair(
    request: HttpRequest,
    payload: OfferRepairIn | Annotated[list[OfferRepairIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Offer repairs of units: the work is ordered where the house pays, else when the customer agrees."""
    own = parse.company_of(company)
    return give(
        request, offer_repairs, payload, idempotency_key,
        lambda one, key: OfferRepair(
            own, one.disposition, one.quantity, one.plan, one.payer or "", one.price_minor, one.told, key
        ),
    )  # fmt: skip


@router.post(
    "/returns/repairs/answer", response={200: RepairAnsweredOut | list[Each[RepairAnsweredOut]], **REFUSED}
)
def answer_repair(
    request: HttpRequest,
    payload: AnswerRepairIn | Annotated[list[AnswerRepairIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say whether customers agree to the prices of repairs."""
    return give(
        request, answer_repairs, payload, idempotency_key,
        lambda one, key: AnswerRepair(one.repair, one.agrees, key),
    )  # fmt: skip


@router.post(
    "/returns/repairs/settle", response={200: RepairSettledOut | list[Each[RepairSettledOut]], **REFUSED}
)
def settle_repair(
    request: HttpRequest,
    payload: SettleRepairIn | Annotated[list[SettleRepairIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Agree on something else than repairs that failed or were declined: their returns ask for that from then on."""
    return give(
        request, settle_repairs, payload, idempotency_key,
        lambda one, key: SettleRepair(one.repair, one.instead, one.reason, key, one.return_id),
    )  # fmt: skip


@router.post("/returns/sent-back", response={200: SentBackOut | list[Each[SentBackOut]], **REFUSED})
def send_units_back(
    request: HttpRequest,
    payload: SendBackIn | Annotated[list[SendBackIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Send units back to their customers, repaired or refused. They read the number of the parcel in the portal."""
    return give(
        request, send_back, payload, idempotency_key,
        lambda one, key: SendBack(
            one.return_id, one.carrier, one.tracking, tuple(one.unrepaired), one.occurred_at, key
        ),
    )  # fmt: skip


@router.post(
    "/returns/sent-back/arrived", response={200: BackArrivalOut | list[Each[BackArrivalOut]], **REFUSED}
)
def note_arrival(
    request: HttpRequest,
    payload: BackArrivalIn | Annotated[list[BackArrivalIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say that parcels that were sent back arrived, or were lost; carriers' messages say so by themselves."""
    own = parse.company_of(company)
    return give(
        request, note_arrivals, payload, idempotency_key,
        lambda one, key: NoteArrival(own, one.tracking, one.lost, one.occurred_at, key),
    )  # fmt: skip
