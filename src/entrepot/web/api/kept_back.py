"""What of stock is kept back, and from when on it ships, for programs: safety stock, ring-fences, sales ahead."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.network import queries as network
from entrepot.stock import queries as stock
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, as_list, give
from entrepot.web.api.schemas import SKUS_MAX, Code, Each, Out, Own, Strict, Units

router = Router()


class SafetyIn(Strict):
    """Units of a SKU at a node that no channel is promised."""

    sku: Code
    node: Code
    quantity: Units
    key: Own = None


class RingFenceIn(Strict):
    """Units of a SKU at a node that only one channel is promised from now on; 0 ends it."""

    sku: Code
    node: Code
    channel: Code
    quantity: Units
    key: Own = None


class PreorderIn(Strict):
    """The day from which a SKU ships, null where it ships at once; of `units_max` 0, all that comes may be sold."""

    sku: Code
    ships_on: date | None
    units_max: Units = 0
    key: Own = None


class FloorOut(Out):
    quantity: int


class SoldAheadOut(Out):
    sku: UUID
    ships_on: date | None


class FenceOut(Out):
    """`used` of the units are promised to the channel's orders."""

    channel: str
    quantity: int
    used: int


class KeptBackOut(Out):
    sku: str
    node: str
    safety: int
    fences: list[FenceOut]


@router.get("/kept-back", response={200: list[KeptBackOut], **READ})
def list_kept_back(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    sku: Annotated[
        list[Code], Query(..., min_length=1, max_length=SKUS_MAX, description="Codes of SKUs; repeat it.")
    ],
    company: Company = None,
) -> Any:
    """Safety stock and ring-fences of SKUs, at each node that is open."""
    of = parse.company_of(company)
    parse.skus_of(of, set(sku))
    return stock.kept_back(company=of, skus=list(dict.fromkeys(sku)))


@router.post("/safety-stock", response={200: FloorOut | list[Each[FloorOut]], **REFUSED})
def keep_safety_stock(
    request: HttpRequest,
    payload: SafetyIn | Annotated[list[SafetyIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Set what stays at nodes for nobody. What is promised stays promised; what is freed serves who waits."""
    of, items = parse.company_of(company), as_list(payload)
    skus, nodes = (
        parse.skus_of(of, {one.sku for one in items}),
        parse.nodes_of(of, {one.node for one in items}),
    )

    def make(one: SafetyIn, key: str) -> SetSafety:
        return SetSafety(of, skus[one.sku], nodes[one.node], one.quantity, key)

    return give(request, set_safety, payload, idempotency_key, make)


@router.post("/ring-fences", response={200: FloorOut | list[Each[FloorOut]], **REFUSED})
def fence_units(
    request: HttpRequest,
    payload: RingFenceIn | Annotated[list[RingFenceIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Fence units for a channel. What the old fence still held is given up first."""
    of, items = parse.company_of(company), as_list(payload)
    skus, nodes = (
        parse.skus_of(of, {one.sku for one in items}),
        parse.nodes_of(of, {one.node for one in items}),
    )
    channels = {code: one.id for code, one in network.channels(company=of).items()}
    parse.known("channel", {one.channel for one in items}, channels)

    def make(one: RingFenceIn, key: str) -> SetRingFence:
        return SetRingFence(of, skus[one.sku], nodes[one.node], channels[one.channel], one.quantity, key)

    return give(request, set_ring_fence, payload, idempotency_key, make)


@router.post("/preorders", response={200: SoldAheadOut | list[Each[SoldAheadOut]], **REFUSED})
def sell_ahead(
    request: HttpRequest,
    payload: PreorderIn | Annotated[list[PreorderIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say from which day SKUs ship, and how many of each may be sold until then."""
    of = parse.company_of(company)
    skus = parse.skus_of(of, {one.sku for one in as_list(payload)})

    def make(one: PreorderIn, key: str) -> SetPreorder:
        return SetPreorder(of, skus[one.sku], one.ships_on, one.units_max, key)

    return give(request, set_preorder, payload, idempotency_key, make)
