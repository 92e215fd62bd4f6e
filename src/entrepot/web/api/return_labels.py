"""Labels that customers send returns back with, for programs."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import Field

from entrepot.kernel.errors import NotPermitted
from entrepot.returns import label_queries
from entrepot.returns.commands.labels import MakeLabel, VoidLabel, make_labels, void_labels
from entrepot.web import papers
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import CODE_MAX, NO_NUL, Each, Minor, Out, Own, Reason, Strict

router = Router()


class ReturnLabelIn(Strict):
    """A label for all that is to come of a return, and of those `together` with it in one parcel: by the cheapest
    service that takes it back, or by `service`. With the `tracking` number that the carrier gave it; without, its
    number is the return's. `not_bought`: somebody has looked in the account with the carrier, and labels of which
    nobody knew were not bought."""

    model_config = _example(return_id=ONE)

    return_id: UUID
    service: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    tracking: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    together: Annotated[list[UUID], Field(max_length=20)] = []
    not_bought: bool = False
    key: Own = None


class ReturnLabelOut(Out):
    """The label in force of a return; `fresh`: it was made by this request. `bought`: what became of asking its carrier
    for it (`asked`, `bought`, `failed`, `in doubt`); empty where it is our own. `returns` are all that come in its
    parcel."""

    label: UUID
    return_id: UUID
    carrier: str
    service: str
    tracking: str
    cost_minor: Minor
    currency: str
    fresh: bool
    bought: str
    returns: list[UUID]


class ReturnLabelVoidIn(Strict):
    """The label in force of a return is not used, and why."""

    model_config = _example(return_id=ONE, reason="the customer sends it himself")

    return_id: UUID
    reason: Reason
    key: Own = None


class ReturnLabelVoidOut(Out):
    return_id: UUID
    label: UUID


class ReturnLabelShown(Out):
    """A label in force, and its `pdf` (4 × 6 inches, in base64). One that its carrier sells (`bought`) has its
    `picture` instead, an address to get it at; while it is `asked` it has none, and where it `failed`,
    or is `in doubt`, why (`problem`). `returns` are all that come in its parcel."""

    label: UUID
    carrier: str
    service: str
    tracking: str
    cost_minor: Minor
    currency: str
    made_by: str
    made_at: datetime
    bought: str
    problem: str
    picture: str
    pdf: str
    returns: list[UUID]


@router.post("/returns/labels", response={200: ReturnLabelOut | list[Each[ReturnLabelOut]], **REFUSED})
def make_return_label(
    request: HttpRequest,
    payload: ReturnLabelIn | Annotated[list[ReturnLabelIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Make the labels that the terms of returns promise. Of one that has a label, that one is told."""
    return give(
        request, make_labels, payload, idempotency_key,
        lambda one, key: MakeLabel(one.return_id, one.service, one.tracking, tuple(one.together), one.not_bought, key),
    )  # fmt: skip


@router.post(
    "/returns/labels/void", response={200: ReturnLabelVoidOut | list[Each[ReturnLabelVoidOut]], **REFUSED}
)
def void_return_label(
    request: HttpRequest,
    payload: ReturnLabelVoidIn | Annotated[list[ReturnLabelVoidIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Void labels of returns that no carrier has seen; their carriage is out of the books."""
    return give(
        request, void_labels, payload, idempotency_key,
        lambda one, key: VoidLabel(one.return_id, one.reason, key),
    )  # fmt: skip


@router.get("/returns/{return_id}/labels", response={200: list[ReturnLabelShown], **READ})
def show_return_labels(
    request: HttpRequest, return_id: UUID, company: Company = None
) -> list[dict[str, Any]]:
    """The label in force of a return, to be printed; none where it has none. Only for those who may make it."""
    parse.own("return", return_id, company)
    actor = parse.cause_of(request).actor
    if not actor.may("returns.make_labels"):
        raise NotPermitted(actor=actor.name, command="returns.make_labels")
    one = label_queries.of_return(return_id)
    if one is None:
        return []
    pdf = b""
    if one.is_ready and not one.picture:
        pdf = papers.return_label_pdf(papers.return_label(one, label_queries.send_to(one, timezone.now())))
    return [{
        "label": one.id, "carrier": one.carrier, "service": one.service, "tracking": one.tracking,
        "cost_minor": one.cost_minor, "currency": one.currency, "made_by": one.made_by, "made_at": one.made_at,
        "bought": one.bought, "problem": one.problem, "picture": one.picture, "pdf": b64encode(pdf).decode(),
        "returns": [key for _, key in one.returns],
    }]  # fmt: skip
