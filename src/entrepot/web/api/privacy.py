"""People's data, for programs: everything about somebody, their erasure, and legal holds."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.kernel.errors import Invalid, NotFound, NotPermitted
from entrepot.kernel.exports import NoteExport, as_oneself, note_exports
from entrepot.settlement import privacy_queries
from entrepot.settlement.commands.erase_people import ErasePerson, erase_people
from entrepot.settlement.commands.hold_data import HoldData, ReleaseData, hold_data, release_data
from entrepot.web.api import parse
from entrepot.web.api.answers import REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Code, Each, Out, Own, Strict, Text

router = Router()


class PersonIn(Strict):
    """Somebody, by the code of a customer or by an order of theirs, and why."""

    customer: Code | None = None
    order: UUID | None = None
    reason: Text = Field(..., description="Who asked, how and when. It is kept: name nobody in it.")
    key: Own = None


class PersonErasedOut(Out):
    """`kept` addresses stay for invoices of a business; `messages` were emptied, and their names taken out of `notes`;
    `remaining` rows of logs name them and can't be changed."""

    erasure: UUID
    number: str
    orders: int
    addresses: int
    kept: int
    messages: int
    notes: int
    remaining: int


class WhoIn(Strict):
    """Somebody, by the code of a customer or by an order of theirs: in the body, so that no log of addresses has it."""

    customer: Code | None = None
    order: UUID | None = None


class LegalHoldOut(Out):
    hold: UUID


class ReleaseLegalHoldIn(Strict):
    hold: UUID
    reason: Text
    key: Own = None


@router.post("/privacy/erasures", response={200: PersonErasedOut | list[Each[PersonErasedOut]], **REFUSED})
def erase_person(
    request: HttpRequest,
    payload: PersonIn | Annotated[list[PersonIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Erase people who ask for it. Refused while something of theirs is open or held, with what it is."""
    which = parse.company_of(company)
    return give(
        request, erase_people, payload, idempotency_key,
        lambda one, key: ErasePerson(which, one.reason, one.customer or "", one.order, key),
    )  # fmt: skip


@router.post("/privacy/exports", response={200: dict[str, Any], **REFUSED})
def export_person(request: HttpRequest, payload: WhoIn, company: Company = None) -> Any:
    """Everything that the house knows of somebody. For those who may erase people."""
    actor, command = parse.cause_of(request).actor, "settlement.erase_people"
    if not actor.may(command):
        raise NotPermitted(actor=actor.name, command=command)
    if bool(payload.customer) == bool(payload.order):
        raise Invalid(
            field="customer", expected="the code of a customer, or an order", found="both or neither"
        )
    chosen = parse.company_of(company)
    found = privacy_queries.everything_of(chosen, payload.customer or "", payload.order)
    if found is None:
        raise NotFound(what="customer or order", which=payload.customer or str(payload.order))
    about = privacy_queries.stands_for(chosen, payload.customer or "", payload.order)
    wanted = NoteExport(chosen, "everything of a person", "json", 1, about)
    note_exports(as_oneself(parse.cause_of(request)), requests=[wanted])
    return found


@router.post("/privacy/holds", response={200: LegalHoldOut | list[Each[LegalHoldOut]], **REFUSED})
def place_legal_hold(
    request: HttpRequest,
    payload: PersonIn | Annotated[list[PersonIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Place legal holds: what they name is not erased, whoever asks and however old it gets."""
    which = parse.company_of(company)
    return give(
        request, hold_data, payload, idempotency_key,
        lambda one, key: HoldData(which, one.reason, one.customer or "", one.order, key),
    )  # fmt: skip


@router.post("/privacy/holds/release", response={200: LegalHoldOut | list[Each[LegalHoldOut]], **REFUSED})
def release_legal_hold(
    request: HttpRequest,
    payload: ReleaseLegalHoldIn | Annotated[list[ReleaseLegalHoldIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Release legal holds."""
    return give(
        request,
        release_data,
        payload,
        idempotency_key,
        lambda one, key: ReleaseData(one.hold, one.reason, key),
    )
