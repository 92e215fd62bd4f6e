"""What the API takes and answers about stock: what channels are told, what carts keep, what is available."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from entrepot.stock.models import RESERVATION_KINDS
from entrepot.web.api.schemas import (
    Code,
    Moment,
    Out,
    Own,
    Quantity,
    Strict,
)


class PublishedRowOut(Out):
    """What the channel was told of a SKU, and when; a later version is newer."""

    sku: str = Field(validation_alias="sku_code")
    quantity: int
    version: int
    published_at: datetime


class PublishedOut(Out):
    """What changed after the cursor; ask again with `next`."""

    channel: str
    items: list[PublishedRowOut]
    next: int


class DigestOut(Out):
    """What a channel should have: SKUs above zero, their units, the digest, and the last version in it."""

    skus: int
    units: int
    digest: str
    version: int


def _is_a_carts(value: datetime) -> datetime:
    if value > datetime.now(UTC) + RESERVED_MAX:
        raise ValueError(f"expected a time within {RESERVED_MAX.days} days: longer than that, place an order")
    return value


RESERVED_MAX = timedelta(days=30)
"""How long a cart may keep units from everybody else."""
Expiry = Annotated[Moment, AfterValidator(_is_a_carts)]


class ReservationIn(Strict):
    """Units for a cart or checkout, for 30 days at most. Without a node, at the first by priority that has them all, or
    at several where none has."""

    channel: Code
    holder: Code
    sku: Code
    quantity: Quantity
    expires_at: Expiry
    node: Code | None = None
    kind: Literal[RESERVATION_KINDS] = "cart"  # type: ignore[valid-type]
    key: Own = None


class HeldPartOut(Out):
    reservation: UUID
    node: UUID
    sku: UUID
    quantity: int


class ReservedOut(Out):
    """Of a kit, `parts` are what is held of its components; of units at several nodes, what is held at each.
    `reservation` and `node` are the first one's."""

    reservation: UUID
    node: UUID
    parts: list[HeldPartOut] = []


class RenewIn(Strict):
    """All that a holder has reserved, until another moment."""

    holder: Code
    expires_at: Expiry
    kind: Literal[RESERVATION_KINDS] = "checkout"  # type: ignore[valid-type]
    key: Own = None


class HolderIn(Strict):
    """Whose reservations end; those that are kept for an order only where `ordered` says so."""

    holder: Code
    ordered: bool = False
    key: Own = None


class HeldOut(Out):
    """Units of all reservations of the holder."""

    quantity: int


class AtNodeOut(Out):
    """What a node contributes: free = sellable − promised − safety − fenced for others − buffer, and not below 0."""

    node: str
    sellable: int
    promised: int
    safety: int
    fenced_for_others: int
    buffer: int
    free: int


class ReadyOut(Out):
    """Units that a node alone can have ready by a day."""

    node: str
    quantity: int


class OnDateOut(Out):
    day: date
    quantity: int
    nodes: list[ReadyOut]


class InboundOut(Out):
    """Units that a node expects; `counted` is false once their day is over, for nobody knows when they will come."""

    node_code: str
    quantity: int
    expected_on: date
    document_kind: str
    document: UUID
    counted: bool


class OwedOut(Out):
    """Units that an order line waits for: from the day that was promised, or from today."""

    order: UUID
    order_number: str
    line: UUID
    quantity: int
    promised_on: date | None = None


class PreorderOut(Out):
    """A SKU that ships from a day on: units that may be sold ahead, those that were, and the limit (0: all to come)."""

    ships_on: date
    quantity: int
    sold: int
    units_max: int


class StockOut(Out):
    """`quantity` is what the channel is shown of the `free` units: none below `threshold`, at most `shown_at_most`."""

    sku: str
    quantity: int
    free: int
    threshold: int
    shown_at_most: int
    nodes: list[AtNodeOut]
    inbound: list[InboundOut] | None = None
    owed: list[OwedOut] | None = None


class InKitOut(StockOut):
    """A component of a kit, and its units in one."""

    units: int


class AvailableOut(StockOut):
    """A SKU; a kit's units are whole kits, and come from its `components`."""

    preorder: PreorderOut | None = None
    on: list[OnDateOut] | None = None
    components: list[InKitOut] | None = None


class AvailabilityOut(Out):
    """What a channel may promise now; `unknown` are codes that the catalog does not have."""

    channel: str
    items: list[AvailableOut]
    unknown: list[str]
