"""Units held for carts and checkouts, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.catalog import queries as catalog
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.kernel.gather import Gathered
from entrepot.network import queries as network
from entrepot.stock import queries as stock
from entrepot.stock.commands.reserve import GiveBack, Renew, Reserve, Reserved, give_back, renew, reserve
from entrepot.web.api import parse
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    give,
)
from entrepot.web.api.schemas import (
    Code,
    Each,
    HeldOut,
    HolderIn,
    Out,
    RenewIn,
    ReservationIn,
    ReservedOut,
)

router = Router()


class _Asked(NamedTuple):
    """What a program asks for, by codes."""

    company: int
    item: ReservationIn
    key: str


class _Ids:
    """What stands behind the codes that are asked for of one company. 2 statements; 1 more where nodes are named, 1
    more where a SKU is a kit. Raises NotFound where a code is unknown."""

    def __init__(self, company: int, items: Sequence[ReservationIn]) -> None:
        wanted, named = {one.sku for one in items}, {one.node for one in items if one.node is not None}
        found = catalog.skus(company=company, codes=wanted)
        kits = [sku.id for sku in found.values() if sku.is_kit]
        self.skus = {code: sku.id for code, sku in found.items()}
        self.channels = {code: one.id for code, one in network.channels(company=company).items()}
        self.nodes = {one.code: one.id for one in network.nodes(company=company)} if named else {}
        self.parts = catalog.components_of(kits) if kits else {}
        parse.known("SKU", wanted, self.skus)
        parse.known("channel", {one.channel for one in items}, self.channels)
        parse.known("node", named, self.nodes)


def _reserve(cause: Cause, /, *, requests: Sequence[_Asked]) -> list[Reserved | Refused]:
    """The command by codes, which are looked up once for all that is committed together."""
    of = {company: _Ids(company, [one.item for one in requests if one.company == company])
          for company in {one.company for one in requests}}  # fmt: skip
    return reserve(cause, requests=[_by_ids(of[one.company], one) for one in requests])


def _by_ids(ids: _Ids, asked: _Asked) -> Reserve:
    one, sku = asked.item, ids.skus[asked.item.sku]
    return Reserve(
        asked.company, one.holder, sku, ids.nodes[one.node] if one.node else None, ids.channels[one.channel],
        one.quantity, one.expires_at, one.kind, asked.key, ids.parts.get(sku, ()),
    )  # fmt: skip


reserve_gathered = Gathered(_reserve)
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
    of = parse.company_of(company)
    return give(
        request, reserve_gathered, payload, idempotency_key, lambda one, key: _Asked(of, one, key), 201
    )


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
