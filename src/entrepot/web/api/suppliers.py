"""Suppliers and what they offer, for programs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import NotFound
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import (
    RegisterOffer,
    RegisterSupplier,
    register_offers,
    register_suppliers,
)
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, as_list, give
from entrepot.web.api.schemas import Code, Currency, Each, Out, Own, Price, Strict

router = Router()
Days = Annotated[StrictInt, Field(ge=0, le=3650)]
Some = Annotated[StrictInt, Field(ge=1, le=2_147_483_647)]


class SupplierIn(Strict):
    """A supplier as it shall stand; `lead_days` are those that it says itself, until its deliveries tell."""

    code: Code
    name: Code
    currency: Currency
    lead_days: Days = 7
    key: Own = None


class SupplierSavedOut(Out):
    id: UUID
    code: str


class SupplierOut(Out):
    id: UUID
    code: str
    name: str
    currency: str
    lead_days: int


class OfferIn(Strict):
    """What a supplier asks for a unit of a SKU, in the supplier's currency; no fewer than `minimum_quantity`, in whole
    packs of `pack_quantity`."""

    supplier: Code
    sku: Code
    cost: Price
    minimum_quantity: Some = 1
    pack_quantity: Some = 1
    lead_days: Days = 7
    key: Own = None


class OfferSavedOut(Out):
    id: UUID


class OfferOut(Out):
    supplier_code: str
    currency: str
    sku_code: str
    cost: Decimal
    minimum_quantity: int
    pack_quantity: int
    lead_days: int


class OffersOut(Out):
    """A page. Where there are more, `next` is the last `supplier/sku` of it."""

    items: list[OfferOut]
    next: str | None


@router.get("/suppliers", response={200: list[SupplierOut], **READ})
def list_suppliers(request: HttpRequest, company: Company = None) -> list[Any]:  # noqa: ARG001
    """Suppliers, by code."""
    return list(parties.suppliers(company=parse.company_of(company)).values())


@router.post("/suppliers", response={200: SupplierSavedOut | list[Each[SupplierSavedOut]], **REFUSED})
def save_suppliers(
    request: HttpRequest,
    payload: SupplierIn | Annotated[list[SupplierIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Set up suppliers by their codes, or change them to stand as given."""
    of = parse.company_of(company)
    return give(
        request, register_suppliers, payload, idempotency_key,
        lambda one, key: RegisterSupplier(of, one.code, one.name, one.currency, one.lead_days, key),
    )  # fmt: skip


@router.get("/supplier-offers", response={200: OffersOut, **READ})
def list_supplier_offers(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    supplier: str | None = None,
    sku: str | None = None,
    after: Annotated[str, Query("", max_length=250, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(100, ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """What suppliers offer, by supplier and SKU, a page at a time."""
    of = parse.company_of(company)
    whose = _supplier(of, supplier) if supplier else None
    which = parse.skus_of(of, {sku})[sku] if sku else None
    begin = tuple(after.partition("/")[::2]) if after else None
    rows = parties.offers_of(company=of, supplier=whose, sku=which, after=begin, limit=limit + 1)  # type: ignore[arg-type]
    last = rows[limit - 1] if len(rows) > limit else None
    return {"items": rows[:limit], "next": f"{last.supplier_code}/{last.sku_code}" if last else None}


def _supplier(company: int, code: str) -> UUID:
    found = parties.suppliers(company=company).get(code)
    if found is None:
        raise NotFound(what="supplier", which=code)
    return found.id


@router.post("/supplier-offers", response={200: OfferSavedOut | list[Each[OfferSavedOut]], **REFUSED})
def save_supplier_offers(
    request: HttpRequest,
    payload: OfferIn | Annotated[list[OfferIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say what suppliers offer, or change it to stand as given. Proposals to order again go by it."""
    of, items = parse.company_of(company), as_list(payload)
    skus = parse.skus_of(of, {one.sku for one in items})
    suppliers = parties.suppliers(company=of)
    for code in sorted({one.supplier for one in items}.difference(suppliers)):
        raise NotFound(what="supplier", which=code)

    def make(one: OfferIn, key: str) -> RegisterOffer:
        return RegisterOffer(
            suppliers[one.supplier].id, skus[one.sku], Decimal(one.cost), one.minimum_quantity, one.lead_days, key,
            one.pack_quantity,
        )  # fmt: skip

    return give(request, register_offers, payload, idempotency_key, make)
