"""Orders, for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.insight import order_filters, pages
from entrepot.kernel.command import rehearse
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import PlaceOrder, place
from entrepot.parties import queries as parties
from entrepot.sourcing import queries as sourcing
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit, reprice
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.warehouse.commands.withdraw import withdraw
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import (
    CancelIn,
    CancelledOut,
    Code,
    Each,
    EditedOut,
    EditIn,
    MergeableOut,
    MergedOut,
    MergeIn,
    OrderIn,
    OrderOut,
    OrdersAsked,
    OrdersOut,
    PlacedOut,
    SplitIn,
    SplitOut,
)

router = Router()


@router.post("/orders", response={201: PlacedOut, 200: PlacedOut | list[Each[PlacedOut]], **REFUSED})
def place_orders(
    request: HttpRequest,
    payload: OrderIn | Annotated[list[OrderIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
    dry_run: Annotated[
        bool, Query(False, description="Answer what would happen, and write nothing.")
    ] = False,
) -> Any:
    """Place one order, or a list of them.

    One order answers 201, or the problem that refused it. A list answers 200 with one result for each, in order:
    the placed order, or the problem that refused it without touching its neighbors. An order that its rules hold is
    placed all the same; `holds` says why it waits. With `dry_run` all of it is carried out and undone: the numbers
    and ids of the answer are nobody's.
    """
    of = parse.company_of(company)

    def make(item: OrderIn, key: str) -> PlaceOrder:
        return parse.place_order(of, item, key)

    if dry_run:
        return give(request, partial(rehearse, place), payload, idempotency_key, make)
    return give(request, place, payload, idempotency_key, make, 201)


@router.post("/orders/cancel", response={200: CancelledOut | list[Each[CancelledOut]], **REFUSED})
def cancel_orders(
    request: HttpRequest,
    payload: CancelIn | Annotated[list[CancelIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Cancel an order, some units of its lines, or a list of such.

    What the warehouse has already is withdrawn from it, where your roles include that; what has left the house is
    refused, and wants a return.
    """
    command = withdraw if parse.actor_of(request).may("warehouse.withdraw") else cancel
    return give(request, command, payload, idempotency_key, parse.cancel_order)


@router.post("/orders/edit", response={200: EditedOut | list[Each[EditedOut]], **REFUSED})
def edit_orders(
    request: HttpRequest,
    payload: EditIn | Annotated[list[EditIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Change a placed order, or a list of them, as far as each change is still allowed.

    Frozen amounts stay: more of a line is a line of its own, less of it is cancelled. Prices other than the line's or
    the catalog's need the permission `sourcing.reprice`.
    """
    command = reprice if parse.actor_of(request).may("sourcing.reprice") else edit
    return give(request, command, payload, idempotency_key, parse.edit_order)


@router.post("/orders/split", response={200: SplitOut | list[Each[SplitOut]], **REFUSED})
def split_orders(
    request: HttpRequest,
    payload: SplitIn | Annotated[list[SplitIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Let units of an order, or of a list of them, go to a new order of the same customer.

    They keep what they bear to the cent, what is promised to them, and what holds them; so much of the payment goes
    along as the old order does not need. Units that nobody has promised go first; what is released stays.
    """
    return give(request, split, payload, idempotency_key, parse.split_order)


@router.post("/orders/merge", response={200: MergedOut | list[Each[MergedOut]], **REFUSED})
def merge_orders(
    request: HttpRequest,
    payload: MergeIn | Annotated[list[MergeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Make orders of one customer to one address one order, before any of it is released.

    The others are closed, empty, and name the one that they are part of.
    """
    return give(request, merge, payload, idempotency_key, parse.merge_orders)


@router.get("/orders", response={200: OrdersOut, **READ})
def list_orders(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    narrower: Query[OrdersAsked],
    company: Company = None,
    status: Annotated[
        Code | None, Query(None, description="Only orders of a status, such as `ready`.")
    ] = None,
    channel: Annotated[Code | None, Query(None, description="Only orders of a channel, by its code.")] = None,
    q: Annotated[
        Code | None, Query(None, description="A number, an external id, or a customer's code.")
    ] = None,
    ship_by_before: Annotated[
        date | None, Query(description="Only those that should have left before a day, and have not.")
    ] = None,
    lapsing: Annotated[
        bool, Query(description="Only those that have not left and whose authorization ends before they do.")
    ] = False,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Orders, the latest first, a page at a time; of those that all that is said is true of."""
    found = parse.company_of(company)
    asked = replace(_narrower(narrower, found), lapsing=lapsing)
    rows = orders.orders_page(
        found,
        status=status,
        channel=channel,
        text=q,
        after=after,
        limit=limit + 1,
        ship_by_before=ship_by_before,
        narrowed=order_filters.where(asked),
        said=order_filters.params(asked, company=found, now=timezone.now()),
    )
    return paged(rows, limit)


def _narrower(said: OrdersAsked, company: int) -> order_filters.Asked:
    """Totals are compared within one currency: that of the company where none is named."""
    given = said.model_dump(exclude_none=True)
    node = given.pop("node", None)
    if "total_from_minor" in given or "total_to_minor" in given:
        own = next(one.currency for one in parties.companies() if one.id == company)
        given.setdefault("currency", own)
    return order_filters.Asked(nodes=(node,) if node else (), **given)


@router.get("/orders/{order_id}", response={200: OrderOut, **READ})
def get_order(
    request: HttpRequest,  # noqa: ARG001
    order_id: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """One order with its lines, holds and shipments, and what it waits for."""
    found = parse.own_order(order_id, company)
    lines = [
        {
            "id": line.id, "number": line.number, "kind": line.kind, "sku": line.sku_code,
            "description": line.description, "quantity": line.quantity, "unit_price": f"{line.unit_price:f}",
            "gross_minor": line.gross_minor, "discount_minor": line.discount_minor,
            "shipping_minor": line.shipping_minor, "tax_minor": line.tax_minor, "units": line.places,
            "instead_of": line.instead_of,
            "final_sale": line.final_sale,
            "kit": {"sku": line.kit_code, "number": line.kit_number, "units": line.kit_units}
                   if line.kit_number else None,
        }
        for line in found.lines
    ]  # fmt: skip
    whole = {
        name: getattr(found, name)
        for name in OrderOut.model_fields
        if name not in ("lines", "shipments", "waits")
    }
    return whole | {
        "lines": lines, "shipments": pages.shipments(order=order_id), "waits": sourcing.waits(order=order_id),
    }  # fmt: skip


@router.get("/orders/{order_id}/mergeable", response={200: list[MergeableOut], **READ})
def list_mergeable(
    request: HttpRequest,  # noqa: ARG001
    order_id: UUID,
    company: Company = None,
    every: Annotated[
        bool, Query(False, description="Tell of all, and why not where they can't be merged.")
    ] = False,
) -> Any:
    """Orders that could be merged with an order now, the earliest first: none where it can't be merged itself. With
    `every` all open orders of its customer, and why not where they can't."""
    parse.own_order(order_id, company)
    if not every:
        return orders.mergeable(order_id)
    why, others = orders.beside(order_id)
    return [replace(one, why_not=why or one.why_not) for one in others]
