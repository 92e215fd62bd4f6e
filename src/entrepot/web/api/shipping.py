"""Shipments, for programs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.web.api.answers import REFUSED, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Key, Out, Problem, Strict, Text

router = Router()


class ShipIn(Strict):
    """A packed fulfillment that the carrier takes. Without `tracking` our own number serves."""

    fulfillment: UUID
    tracking: Text = ""
    key: Key | None = Field(
        None, description="Idempotency key of this one of a list; else the header's and its place."
    )


class ShippedOut(Out):
    """The shipment. `doubt` says what is odd about the tracking number of a carrier whose forms nobody knows."""

    fulfillment: UUID
    shipment: UUID
    number: str
    service: str
    cost_minor: int
    amount_minor: int
    doubt: str


@router.post("/shipments", response={200: ShippedOut | list[ShippedOut | Problem], **REFUSED})
def ship_fulfillments(
    request: HttpRequest,
    payload: ShipIn | Annotated[list[ShipIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Hand packed fulfillments to the carrier: out of stock, into the books, told to the channel."""
    return give(
        request, ship, payload, idempotency_key,
        lambda one, key: ShipFulfillment(one.fulfillment, one.tracking, key=key),
    )  # fmt: skip
