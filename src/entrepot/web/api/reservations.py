"""Units held for carts and checkouts, for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.catalog import queries as catalog
from entrepot.kernel.errors import Invalid, Said
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
    """Units that a cart or checkout holds until a moment; nobody else is promised them. Those of the kind `order` are
    kept for the `order` that it became, and expire never: they go when it is promised them, or wants them no more."""

    id: UUID
    holder: str
    kind: str
    channel: str
    sku: str
    node: str
    quantity: int
    reserved_at: datetime
    expires_at: datetime | None
    order: UUID | None


class ReservationsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ReservationOut]
    next: str | None


@router.get("/reservations", response={200: ReservationsOut, **READ})
def list_reservations(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    holder: Annotated[Code | None, Query(None, description="Only of one cart or checkout.")] = None,
    sku: Annotated[Code | None, Query(None, description="Only of a SKU, by its code.")] = None,
    after: Annotated[
        str | None, Query(None, max_length=100, description="The cursor: `next` of the page before.")
    ] = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What is reserved now, a page at a time; what expires first comes first, and what is kept for orders last."""
    of = parse.company_of(company)
    rows = stock.reservations(
        company=of,
        at=timezone.now(),
        holder=holder or "",
        sku=sku or "",
        after=_place(after) if after else None,
        limit=limit + 1,
    )
    last = rows[limit - 1] if len(rows) > limit else None
    return {"items": rows[:limit], "next": _cursor(last) if last else None}


def _cursor(row: stock.ReservationRow) -> str:
    """Where a row stands. It may have ended when the next page is asked for, so it says the moment itself."""
    moment = row.expires_at.astimezone(UTC).isoformat().removesuffix("+00:00") if row.expires_at else ""
    return f"{moment}/{row.id}"


def _place(cursor: str) -> tuple[str, UUID]:
    moment, _, which = cursor.partition("/")
    try:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC).isoformat() if moment else ""
        return at, UUID(which)
    except ValueError:
        raise Invalid(field="after", expected=Said("`next` of the page before"), found=cursor) from None


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
    """Give back all that a holder has reserved, before it expires. What was ordered since stays its order's, unless
    `ordered` says that it goes as well."""
    of = parse.company_of(company)
    return give(
        request, give_back, payload, idempotency_key,
        lambda one, key: GiveBack(one.holder, key, of, one.ordered),
    )  # fmt: skip
