"""Inspections of returned goods, for programs: what is asked, other dispositions, and pictures."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.returns import inspection_queries
from entrepot.returns.commands.add_photos import AddPhoto, add_photos
from entrepot.returns.commands.override import OverrideDisposition, override_dispositions
from entrepot.returns.commands.verdicts import AcceptUnits, RefuseUnits, accept_units, refuse_units
from entrepot.web.api import parse
from entrepot.web.api import return_schemas as s
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Code, Each

router = Router()


@router.get("/returns/checklist", response={200: list[s.QuestionOut], **READ})
def read_checklist(
    request: HttpRequest,
    category: Annotated[Code, Query(description="The category of the goods.")],
    company: Company = None,
) -> Any:
    """What inspectors are asked about goods of a category, as the policy in force says."""
    at = parse.cause_of(request).at
    return inspection_queries.questions(parse.company_of(company), category, at)


@router.post("/returns/override", response={200: s.OverriddenOut | list[Each[s.OverriddenOut]], **REFUSED})
def override_returns(
    request: HttpRequest,
    payload: s.OverrideIn | Annotated[list[s.OverrideIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Propose another disposition than the rules did. What they proposed is kept, with who and why."""

    def make(item: s.OverrideIn, key: str) -> OverrideDisposition:
        return OverrideDisposition(item.inspection, item.instead, item.reason, key)

    return give(request, override_dispositions, payload, idempotency_key, make)


@router.post("/returns/refuse", response={200: s.VerdictOut | list[Each[s.VerdictOut]], **REFUSED})
def refuse_returned_units(
    request: HttpRequest,
    payload: s.RefuseUnitsIn | Annotated[list[s.RefuseUnitsIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Don't take inspected units back. Their customer is told, nothing is refunded, and they go back or are kept."""

    def make(item: s.RefuseUnitsIn, key: str) -> RefuseUnits:
        return RefuseUnits(item.inspection, item.reason, item.told, item.goods or "", item.note, key)

    return give(request, refuse_units, payload, idempotency_key, make)


@router.post("/returns/accept", response={200: s.VerdictOut | list[Each[s.VerdictOut]], **REFUSED})
def accept_returned_units(
    request: HttpRequest,
    payload: s.AcceptUnitsIn | Annotated[list[s.AcceptUnitsIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take units back that somebody has to decide about, or that another person refused."""

    def make(item: s.AcceptUnitsIn, key: str) -> AcceptUnits:
        return AcceptUnits(item.inspection, item.note, key)

    return give(request, accept_units, payload, idempotency_key, make)


@router.post("/returns/photos", response={200: s.PhotoOut | list[Each[s.PhotoOut]], **REFUSED})
def add_return_photos(
    request: HttpRequest,
    payload: s.PhotoIn | Annotated[list[s.PhotoIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Keep pictures of what was found, in base64. The console shows them under `/returns/photos/`."""

    def make(item: s.PhotoIn, key: str) -> AddPhoto:
        return AddPhoto(item.inspection, parse.bytes_of(item.content), key)

    return give(request, add_photos, payload, idempotency_key, make)
