"""Units held for carts and checkouts, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.catalog import queries as catalog
from entrepot.kernel.gather import Gathered
from entrepot.network import queries as network
from entrepot.stock import queries as stock
from entrepot.stock.commands.reserve import GiveBack, Renew, Reserve, give_back, renew, reserve
from entrepot.web.api import parse
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    as_list,
    give,
)
from entrepot.web.api.schemas import Code, Each, Out
from entrepot.web.api.stock_schemas import HeldOut, HolderIn, RenewIn, ReservationIn, ReservedOut

router = Router()
reserve_gathered = Gathered(reserve)
"""Carts want the same SKU in the same second: what arrives together is committed together."""


class ReservationOut(Out):
    """Units that a cart or checkout holds until a moment; nobody else is promised them."""

    id: UUID
    holder: str
    kind: str
    channel: str
    sku: str
    node: str
    quantity: int
    reserved_at: datetime
    expires_at: datetime


@router.get("/reservations", response={200: list[ReservationOut], **READ})
def list_reservations(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    holder: Annotated[Code | None, Query(None, description="Only of one cart or checkout.")] = None,
    sku: Annotated[Code | None, Query(None, description="Only of a SKU, by its code.")] = None,
    limit: Limit = 50,
) -> Any:
    """What is reserved now; what expires first comes first."""
    of = parse.company_of(company)
    return stock.reservations(company=of, holder=holder or "", sku=sku or "", limit=limit)


@router.post("/reservations", response={201: ReservedOut, 200: list[Each[ReservedOut]], **REFUSED})
def reserve_units(
    request: HttpRequest,
    payload: ReservationIn | Annotated[list[ReservationIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Hold units for a cart or checkout until a moment, one SKU or a list. Nobody else is promised them until then.
    Of a kit its components are held, all or none."""
    items = as_list(payload)
    of = parse.company_of(company)
    found = catalog.skus(company=of, codes=[one.sku for one in items])
    skus = {code: sku.id for code, sku in found.items()}
    channels = {code: one.id for code, one in network.channels(company=of).items()}
    wanted = {one.node for one in items if one.node is not None}
    nodes = {one.code: one.id for one in network.nodes(company=of)} if wanted else {}
    parse.known("SKU", {one.sku for one in items}, skus)
    parse.known("channel", {one.channel for one in items}, channels)
    parse.known("node", wanted, nodes)

    kits = [sku.id for sku in found.values() if sku.is_kit]
    parts = catalog.components_of(kits) if kits else {}

    def make(one: ReservationIn, key: str) -> Reserve:
        return Reserve(
            of, one.holder, skus[one.sku], nodes[one.node] if one.node else None, channels[one.channel],
            one.quantity, one.expires_at, one.kind, key=key, parts=parts.get(skus[one.sku], ()),
        )  # fmt: skip

    return give(request, reserve_gathered, payload, idempotency_key, make, 201)


@router.post("/reservations/renew", response={200: HeldOut | list[Each[HeldOut]], **REFUSED})
def renew_reservations(
    request: HttpRequest,
    payload: RenewIn | Annotated[list[RenewIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Keep what a holder has reserved for longer, as when a cart comes to the checkout. It keeps its place."""
    of = parse.company_of(company)
    return give(
        request, renew, payload, idempotency_key,
        lambda one, key: Renew(one.holder, one.expires_at, one.kind, key, of),
    )  # fmt: skip


@router.post("/reservations/give-back", response={200: HeldOut | list[Each[HeldOut]], **REFUSED})
def give_reservations_back(
    request: HttpRequest,
    payload: HolderIn | Annotated[list[HolderIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Give back all that a holder has reserved, before it expires."""
    of = parse.company_of(company)
    return give(request, give_back, payload, idempotency_key, lambda one, key: GiveBack(one.holder, key, of))
