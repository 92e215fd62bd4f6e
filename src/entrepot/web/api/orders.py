"""Orders, for programs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.insight import pages
from entrepot.kernel.command import rehearse
from entrepot.kernel.errors import NotFound
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import place
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit, reprice
from entrepot.warehouse.commands.withdraw import withdraw
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, answer
from entrepot.web.api.schemas import (
    BATCH_MAX,
    CancelIn,
    CancelledOut,
    Code,
    EditedOut,
    EditIn,
    OrderIn,
    OrderOut,
    OrdersOut,
    PlacedOut,
    Problem,
)

router = Router()


@router.post("/orders", response={201: PlacedOut, 200: PlacedOut | list[PlacedOut | Problem], **REFUSED})
def place_orders(
    request: HttpRequest,
    payload: OrderIn | Annotated[list[OrderIn], Field(min_length=1, max_length=BATCH_MAX)],
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
    items = payload if isinstance(payload, list) else [payload]
    of = parse.company_of(company)
    keys = parse.keys_of(request, idempotency_key, items)
    requests = [parse.place_order(of, item, key) for item, key in zip(items, keys, strict=True)]
    cause = parse.cause_of(request)
    answers = rehearse(place, cause, requests) if dry_run else place(cause, requests=requests)
    return answer(answers, is_list=isinstance(payload, list), done=200 if dry_run else 201)


@router.post("/orders/cancel", response={200: CancelledOut | list[CancelledOut | Problem], **REFUSED})
def cancel_orders(
    request: HttpRequest,
    payload: CancelIn | Annotated[list[CancelIn], Field(min_length=1, max_length=BATCH_MAX)],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Cancel an order, some units of its lines, or a list of such.

    What the warehouse has already is withdrawn from it, where your roles include that; what has left the house is
    refused, and wants a return.
    """
    items = payload if isinstance(payload, list) else [payload]
    keys = parse.keys_of(request, idempotency_key, items)
    requests = [parse.cancel_order(item, key) for item, key in zip(items, keys, strict=True)]
    cause = parse.cause_of(request)
    command = withdraw if cause.actor.may("warehouse.withdraw") else cancel
    return answer(command(cause, requests=requests), is_list=isinstance(payload, list), done=200)


@router.post("/orders/edit", response={200: EditedOut | list[EditedOut | Problem], **REFUSED})
def edit_orders(
    request: HttpRequest,
    payload: EditIn | Annotated[list[EditIn], Field(min_length=1, max_length=BATCH_MAX)],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Change a placed order, or a list of them, as far as each change is still allowed.

    Frozen amounts stay: more of a line is a line of its own, less of it is cancelled. Prices other than the line's or
    the catalog's need the permission `sourcing.reprice`.
    """
    items = payload if isinstance(payload, list) else [payload]
    keys = parse.keys_of(request, idempotency_key, items)
    requests = [parse.edit_order(item, key) for item, key in zip(items, keys, strict=True)]
    cause = parse.cause_of(request)
    command = reprice if cause.actor.may("sourcing.reprice") else edit
    return answer(command(cause, requests=requests), is_list=isinstance(payload, list), done=200)


@router.get("/orders", response={200: OrdersOut, **READ})
def list_orders(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    status: Annotated[
        Code | None, Query(None, description="Only orders of a status, such as `ready`.")
    ] = None,
    channel: Annotated[Code | None, Query(None, description="Only orders of a channel, by its code.")] = None,
    q: Annotated[
        Code | None, Query(None, description="A number, an external id, or a customer's code.")
    ] = None,
    after: Annotated[UUID | None, Query(None, description="The cursor: `next` of the page before.")] = None,
    limit: Annotated[int, Query(50, ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Orders, the latest first, a page at a time."""
    rows = orders.orders_page(
        parse.company_of(company), status=status, channel=channel, text=q, after=after, limit=limit + 1
    )
    return {"items": rows[:limit], "next": rows[limit - 1].id if len(rows) > limit else None}


@router.get("/orders/{order_id}", response={200: OrderOut, **READ})
def get_order(request: HttpRequest, order_id: UUID) -> dict[str, Any]:  # noqa: ARG001
    """One order with its lines, holds and shipments."""
    found = orders.order(order_id)
    if found is None:
        raise NotFound(what="order", which=str(order_id))
    lines = [
        {
            "id": line.id, "number": line.number, "kind": line.kind, "sku": line.sku_code,
            "description": line.description, "quantity": line.quantity, "unit_price": f"{line.unit_price:f}",
            "gross_minor": line.gross_minor, "discount_minor": line.discount_minor,
            "shipping_minor": line.shipping_minor, "tax_minor": line.tax_minor, "units": line.places,
        }
        for line in found.lines
    ]  # fmt: skip
    whole = {
        name: getattr(found, name) for name in OrderOut.model_fields if name not in ("lines", "shipments")
    }
    return whole | {"lines": lines, "shipments": pages.shipments(order=order_id)}
