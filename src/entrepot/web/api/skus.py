"""SKUs, for programs: what is sold and stored."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StrictBool, StrictInt

from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.catalog.rules import SIDE_MAX, WEIGHT_MAX
from entrepot.kernel.errors import NotFound
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.packagings import PackagingOut
from entrepot.web.api.schemas import CODE_MAX, NO_NUL, Code, Each, Out, Own, Price, Strict, Text

router = Router()
Side = Annotated[StrictInt, Field(ge=0, le=SIDE_MAX)]


class SkuIn(Strict):
    """A SKU as it shall stand: what is left out is as for a new one. Weight and measures are those of one unit, 0 where
    nobody has measured; prices are per unit in the company's currency."""

    code: Code
    name: Text
    category: Text = ""
    status: Literal["active", "discontinued"] = "active"
    barcode: Annotated[str, Field(max_length=80, pattern=NO_NUL)] = ""
    weight_g: Annotated[StrictInt, Field(ge=0, le=WEIGHT_MAX)] = 0
    length_mm: Side = 0
    width_mm: Side = 0
    height_mm: Side = 0
    lot_policy: Literal["none", "lot", "lot_expiry"] = "none"
    serial_policy: Literal["none", "at_ship"] = "none"
    minimum_age: Annotated[StrictInt, Field(ge=0, le=150)] = 0
    hazardous: StrictBool = False
    fragile: StrictBool = False
    upright: StrictBool = False
    hs_code: Annotated[str, Field(max_length=20, pattern=NO_NUL)] = ""
    list_price: Price | None = None
    standard_cost: Price | None = None
    key: Own = None


class SkuRegisteredOut(Out):
    id: UUID
    code: str


class SkuOut(Out):
    """A SKU; `is_kit`: it is sold as its components, and has no stock of its own."""

    id: UUID
    code: str
    name: str
    category: str
    status: str
    barcode: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    lot_policy: str
    serial_policy: str
    minimum_age: int
    hazardous: bool
    fragile: bool
    upright: bool
    hs_code: str
    list_price: Decimal | None
    standard_cost: Decimal | None
    is_kit: bool


class SkusOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[SkuOut]
    next: str | None


class WholeSkuOut(SkuOut):
    packagings: list[PackagingOut]
    aliases: list[str] = Field(..., description="Its further barcodes.")


@router.post("/skus", response={200: SkuRegisteredOut | list[Each[SkuRegisteredOut]], **REFUSED})
def save_skus(
    request: HttpRequest,
    payload: SkuIn | Annotated[list[SkuIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Register SKUs by their codes, new or changed. Cases and pallets with barcodes of their own are registered by
    `POST /packagings`; a barcode stands on units or on a case, never on both."""
    of = parse.company_of(company)

    def make(one: SkuIn, key: str) -> RegisterSku:
        return RegisterSku(
            of, one.code, one.name, one.category, one.status, one.weight_g, one.length_mm, one.width_mm,
            one.height_mm, one.lot_policy, one.serial_policy, one.minimum_age, one.hazardous, one.barcode,
            one.hs_code, _price(one.list_price), _price(one.standard_cost), one.fragile, one.upright, key,
        )  # fmt: skip

    return give(request, register_skus, payload, idempotency_key, make)


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@router.get("/skus", response={200: SkusOut, **READ})
def list_skus(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: Annotated[
        str | None, Query(None, max_length=CODE_MAX, description="The cursor: `next` of the page before.")
    ] = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """SKUs by their codes, a page at a time."""
    rows = catalog.skus_behind(company=parse.company_of(company), after=after or "", limit=limit + 1)
    return paged(rows, limit, by="code")


@router.get("/skus/{code}", response={200: WholeSkuOut, **READ})
def get_sku(
    request: HttpRequest,  # noqa: ARG001
    code: Annotated[Code, Path(..., description="The code of a SKU.")],
    company: Company = None,
) -> dict[str, Any]:
    """One SKU with its cases and pallets, and its further barcodes."""
    found = catalog.skus(company=parse.company_of(company), codes=[code]).get(code)
    if found is None:
        raise NotFound(what="SKU", which=code)
    return {
        **asdict(found),
        "packagings": list(catalog.packagings([found.id]).get(found.id, ())),
        "aliases": [one.barcode for one in catalog.aliases(sku=found.id)],
    }
