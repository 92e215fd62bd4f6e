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
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.gather import Gathered
from entrepot.kernel.ids import uuid7
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
    """What a program asks for, by codes, and with which others: all of a call is done, or nothing."""

    company: int
    item: ReservationIn
    key: str
    call: UUID


class _Ids:
    """What stands behind the codes that are asked for of one company. 2 statements; 1 more where nodes are named, 1
    more where a SKU is a kit."""

    def __init__(self, company: int, items: Sequence[ReservationIn]) -> None:
        named = any(one.node is not None for one in items)
        found = catalog.skus(company=company, codes={one.sku for one in items})
        kits = [sku.id for sku in found.values() if sku.is_kit]
        self.skus = {code: sku.id for code, sku in found.items()}
        self.channels = {code: one.id for code, one in network.channels(company=company).items()}
        self.nodes = {one.code: one.id for one in network.nodes(company=company)} if named else {}
        self.parts = catalog.components_of(kits) if kits else {}

    def unknown(self, one: ReservationIn) -> NotFound | None:
        """The first of its codes that is none."""
        if one.sku not in self.skus:
            return NotFound(what="SKU", which=one.sku)
        if one.channel not in self.channels:
            return NotFound(what="channel", which=one.channel)
        if one.node is not None and one.node not in self.nodes:
            return NotFound(what="node", which=one.node)
        return None


def _reserve(cause: Cause, /, *, requests: Sequence[_Asked]) -> list[Reserved | Refused]:
    """The command by codes, which are looked up once for all that is committed together. A call with a code that is
    none is answered so, and holds up none of the others."""
    of = {company: _Ids(company, [one.item for one in requests if one.company == company])
          for company in {one.company for one in requests}}  # fmt: skip
    refused = {one.call: found for one in requests if (found := of[one.company].unknown(one.item))}
    fit = [_by_ids(of[one.company], one) for one in requests if one.call not in refused]
    answers = iter(reserve(cause, requests=fit))
    return [refused[one.call] if one.call in refused else next(answers) for one in requests]


def _by_ids(ids: _Ids, asked: _Asked) -> Reserve:
    one, sku = asked.item, ids.skus[asked.item.sku]
    return Reserve(
        asked.company, one.holder, sku, ids.nodes[one.node] if one.node else None, ids.channels[one.channel],
        one.quantity, one.expires_at, one.kind, asked.key, ids.parts.get(sku, ()),
    )  # fmt: skip


reserve_gathered = Gathered(_reserve)
"""Carts want the same SKU in the same second: what arrives together is committed together."""


def _reserve_all(cause: Cause, /, *, requests: Sequence[_Asked]) -> list[Reserved | Refused]:
    """A call as a whole: a code that is none is a mistake of the program. Raises NotFound."""
    answers = reserve_gathered(cause, requests=requests)
    for one in answers:
        if isinstance(one, NotFound):
            raise one
    return answers


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
    of, call = parse.company_of(company), uuid7()
    return give(
        request, _reserve_all, payload, idempotency_key, lambda one, key: _Asked(of, one, key, call), 201
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
