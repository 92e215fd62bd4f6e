"""Cases and pallets of SKUs, for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Router
from pydantic import Field, StrictInt

from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register_packagings import RegisterPackaging, register_packagings
from entrepot.catalog.packagings import UNITS_MAX
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import NO_NUL, Code, Each, Out, Own, Strict

router = Router()


class PackagingIn(Strict):
    """A case or a pallet of a SKU with the units in it, and the barcode (GTIN) that it bears; of 0 units it ends."""

    sku: Code
    kind: Literal["case", "pallet"]
    units: Annotated[StrictInt, Field(ge=0, le=UNITS_MAX)]
    barcode: Annotated[str, Field(max_length=80, pattern=NO_NUL)] = ""
    key: Own = None


class PackagingRegisteredOut(Out):
    sku: UUID
    kind: str


class PackagingOut(Out):
    kind: str
    units: int
    barcode: str


@router.post(
    "/packagings", response={200: PackagingRegisteredOut | list[Each[PackagingRegisteredOut]], **REFUSED}
)
def save_packagings(
    request: HttpRequest,
    payload: PackagingIn | Annotated[list[PackagingIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say how many units come in a case and on a pallet, and by which barcodes scanners know them."""
    of = parse.company_of(company)
    return give(
        request, register_packagings, payload, idempotency_key,
        lambda one, key: RegisterPackaging(of, one.sku, one.kind, one.units, one.barcode, key),
    )  # fmt: skip


@router.get("/packagings/{code}", response={200: list[PackagingOut], **READ})
def get_packagings(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    code: Annotated[Code, Path(..., description="The code of a SKU.")],
    company: Company = None,
) -> list[Any]:
    """The cases and pallets of a SKU, the smaller first."""
    sku = parse.skus_of(parse.company_of(company), {code})[code]
    return list(catalog.packagings([sku]).get(sku, ()))
