"""Kits, for programs: what they are made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Router
from pydantic import Field

from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.catalog.kits import COMPONENTS_MAX
from entrepot.kernel.errors import NotFound
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Code, Each, Out, Own, Quantity, Strict

router = Router()


class ComponentIn(Strict):
    """A SKU, and the units of it in one kit."""

    sku: Code
    units: Quantity = 1


class KitIn(Strict):
    """A SKU and all that it is sold as; without components it is a kit no more."""

    sku: Code
    components: Annotated[list[ComponentIn], Field(max_length=COMPONENTS_MAX)]
    key: Own = None


class KitRegisteredOut(Out):
    id: UUID
    code: str


class PartOut(Out):
    """A component with its units in one kit, or a kit with the units that it has of a component."""

    sku: UUID
    code: str
    name: str
    units: int
    list_price: Decimal | None


class KitOut(Out):
    """A SKU: what it is made of if it is a kit, and the kits that it is sold as part of."""

    id: UUID
    code: str
    components: list[PartOut]
    part_of: list[PartOut]


@router.post("/kits", response={200: KitRegisteredOut | list[Each[KitRegisteredOut]], **REFUSED})
def save_kits(
    request: HttpRequest,
    payload: KitIn | Annotated[list[KitIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say what kits are made of. Orders that were placed before keep the components that they had."""
    of = parse.company_of(company)
    return give(
        request,
        register_kits,
        payload,
        idempotency_key,
        lambda one, key: RegisterKit(
            of, one.sku, tuple(Component(part.sku, part.units) for part in one.components), key=key
        ),
    )


@router.get("/kits/{code}", response={200: KitOut, **READ})
def get_kit(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    code: Annotated[Code, Path(..., description="The code of a SKU.")],
    company: Company = None,
) -> dict[str, Any]:
    """What a SKU is made of, and what it is sold as part of."""
    found = catalog.skus(company=parse.company_of(company), codes=[code]).get(code)
    if found is None:
        raise NotFound(what="SKU", which=code)
    return {
        "id": found.id,
        "code": found.code,
        "components": catalog.components(kit=found.id),
        "part_of": catalog.kits_with(sku=found.id),
    }
