"""Further barcodes of SKUs, for programs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.catalog.barcodes import LONGEST
from entrepot.catalog.commands.keep_aliases import AddAlias, DropAlias, add_aliases, drop_aliases
from entrepot.catalog.commands.report_barcodes import AttachBarcode, attach_barcodes
from entrepot.web.api import parse
from entrepot.web.api.answers import REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import NO_NUL, Code, Each, Out, Own, Strict

router = Router()
Barcode = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=NO_NUL)]
Note = Annotated[str, Field(max_length=200, pattern=NO_NUL)]


class AliasIn(Strict):
    """A further barcode of a SKU."""

    sku: Code
    barcode: Barcode
    key: Own = None


class AliasGoneIn(Strict):
    """A further barcode that stands on nothing any more; where `sku` is named, only if it is of that."""

    barcode: Barcode
    sku: Code | None = None
    key: Own = None


class AliasSaidOut(Out):
    sku: UUID
    barcode: str


class AttachedIn(Strict):
    """A work item about an unknown or a wrong barcode, and the SKU that the barcode belongs to."""

    item: UUID
    sku: Code
    note: Note = ""
    key: Own = None


class AttachedOut(Out):
    item: UUID
    sku: UUID
    barcode: str


@router.post("/aliases", response={200: AliasSaidOut | list[Each[AliasSaidOut]], **REFUSED})
def save_aliases(
    request: HttpRequest,
    payload: AliasIn | Annotated[list[AliasIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Further barcodes by which scanners know SKUs, as their suppliers print them."""
    of = parse.company_of(company)
    return give(
        request,
        add_aliases,
        payload,
        idempotency_key,
        lambda one, key: AddAlias(of, one.sku, one.barcode, key),
    )


@router.post("/aliases/drop", response={200: AliasSaidOut | list[Each[AliasSaidOut]], **REFUSED})
def take_aliases_away(
    request: HttpRequest,
    payload: AliasGoneIn | Annotated[list[AliasGoneIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Further barcodes that are taken away; a SKU's own barcode is changed with the SKU."""
    of = parse.company_of(company)
    return give(
        request, drop_aliases, payload, idempotency_key,
        lambda one, key: DropAlias(of, one.barcode, key, one.sku or ""),
    )  # fmt: skip


@router.post("/aliases/attach", response={200: AttachedOut | list[Each[AttachedOut]], **REFUSED})
def attach(
    request: HttpRequest,
    payload: AttachedIn | Annotated[list[AttachedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Resolve what was reported of barcodes: each becomes a further one of its SKU."""
    return give(
        request, attach_barcodes, payload, idempotency_key,
        lambda one, key: AttachBarcode(one.item, one.sku, one.note, key),
    )  # fmt: skip
