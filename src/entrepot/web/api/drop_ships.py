"""Drop-ship orders, for programs of suppliers and of those who speak for them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.access.rules import sees_addresses
from entrepot.kernel.errors import NotFound
from entrepot.parties import queries as parties
from entrepot.parties.commands.state_quantities import StateQuantity
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.call_off_drop_ships import CallOffDropShip, call_off_drop_ships
from entrepot.purchasing.commands.confirm_drop_ships import ConfirmDropShip, confirm_drop_ships
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships
from entrepot.purchasing.commands.tell_suppliers import SendDropShip, send_drop_ships
from entrepot.purchasing.drop_ship import Units
from entrepot.shipping.commands.ship_drop_ships import ShipDropShip, ship_drop_ships
from entrepot.sourcing.commands.state_quantities import state_quantities
from entrepot.web.api import parse
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    After,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    as_list,
    give,
    paged,
)
from entrepot.web.api.schemas import (
    LINES_MAX,
    QUANTITY_MAX,
    Code,
    Each,
    Out,
    Own,
    Reason,
    Strict,
    Text,
)

router = Router()

State = Literal["", "coming", "asked", "confirmed", "part_shipped", "shipped", "refused", "called_off"]


class DropShipLineOut(Out):
    """Units of a SKU; `number` is the name of the line in what the supplier tells."""

    number: int
    sku: str = Field(validation_alias="sku_code")
    quantity: int
    shipped: int
    refused: int
    called_off: int
    unit_cost: Decimal


class DropShipOut(Out):
    """A drop-ship order. `left` are units that the supplier still has to send; `sending` is what became of the last
    that he was to be told: waiting, sent, failed, no_channel or superseded, empty where he never was."""

    id: UUID
    number: str
    supplier: str = Field(validation_alias="supplier_code")
    order: UUID
    order_number: str
    state: str
    reference: str
    currency: str
    ordered_at: datetime
    due_on: date
    quantity: int
    shipped: int
    left: int
    sending: str


class DropShipSendingOut(Out):
    """What a supplier was to be told. `purpose` is asked or called_off; `way` mail, x12 or empty; `address` the
    supplier's; `number` that of an X12 document."""

    id: UUID
    purpose: str
    way: str
    address: str
    number: str
    state: str
    asked_at: datetime
    done_at: datetime | None
    error: str


class DropShipToOut(Out):
    """Whom the supplier sends it to."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str
    phone: str


class DropShipWholeOut(DropShipOut):
    """With its lines, what its supplier was told, the newest first, and `to` for those who may see addresses; null
    for others, and where it was erased."""

    lines: list[DropShipLineOut]
    sendings: list[DropShipSendingOut]
    to: DropShipToOut | None


class DropShipSendIn(Strict):
    """The supplier is told again, as the drop-ship order stands."""

    drop_ship: UUID
    key: Own = None


class DropShipSendOut(Out):
    """What is on its way: `asked` or `called_off`."""

    drop_ship: UUID
    sending: UUID
    purpose: str


class DropShipsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[DropShipOut]
    next: UUID | None


class ToldIn(Strict):
    """Units of a line, by its number."""

    line: Annotated[StrictInt, Field(ge=1)]
    quantity: Annotated[StrictInt, Field(ge=1, le=QUANTITY_MAX)]


Told = Annotated[list[ToldIn], Field(max_length=LINES_MAX)]


class DropShipConfirmIn(Strict):
    """The supplier takes it, under his own reference, and says when he sends it."""

    drop_ship: UUID
    reference: Text = ""
    due_on: date | None = None
    key: Own = None


class DropShipConfirmedOut(Out):
    drop_ship: UUID
    due_on: date


class DropShipRefuseIn(Strict):
    """The supplier does not send it: all that he still has to send, or the lines named."""

    drop_ship: UUID
    reason: Reason
    lines: Told | None = None
    key: Own = None


class DropShipRefusedOut(Out):
    """Units that are sourced again, and the state of the drop-ship order now."""

    drop_ship: UUID
    units: int
    state: str


class DropShipCallOffIn(Strict):
    """What is not wanted from this supplier any more. With `cancel` nobody sends it; else it is sourced again."""

    drop_ship: UUID
    reason: Reason
    cancel: bool = False
    code: Code = "customer"
    key: Own = None


class DropShipCalledOffOut(Out):
    drop_ship: UUID
    units: int
    refunded_minor: int


class DropShipSentIn(Strict):
    """Notice of dispatch: all that was to come, or the lines named. The tracking numbers are checked by the carrier's
    forms; `parcels` are those of its parcels, where there are several: all of them, the one in `tracking` too if it is
    a parcel's. Beside a good `tracking` one that has no form of the carrier's is left out, and told in `doubt`."""

    drop_ship: UUID
    carrier: Text = ""
    tracking: Text = ""
    parcels: Annotated[list[Text], Field(max_length=LINES_MAX)] = []
    lines: Told | None = None
    key: Own = None


class DropShipSentOut(Out):
    """The shipment, what the customer owes for it and the supplier gets. `doubt` as for shipments of our own."""

    drop_ship: UUID
    shipment: UUID
    number: str
    amount_minor: int
    cost_minor: int
    state: str
    doubt: str


class QuantityIn(Strict):
    """Units that a supplier has of a SKU, by their codes; null where he does not say any more."""

    supplier: Code
    sku: Code
    available: Annotated[StrictInt, Field(ge=0, le=QUANTITY_MAX)] | None
    key: Own = None


class QuantityOut(Out):
    supplier: UUID
    sku: UUID


def _units(lines: list[ToldIn] | None) -> tuple[Units, ...] | None:
    return None if lines is None else tuple((one.line, one.quantity) for one in lines)


@router.get("/drop-ships", response={200: DropShipsOut, **READ})
def list_drop_ships(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: State = "coming",
    supplier: Text = "",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Drop-ship orders, the newest first, a page at a time; `coming` are those of which something is still to come."""
    rows = queries.drop_ships(
        parse.company_of(company), state=state, supplier=supplier, after=after, limit=limit + 1
    )
    return paged(rows, limit)


@router.post(
    "/drop-ships/confirm",
    response={200: DropShipConfirmedOut | list[Each[DropShipConfirmedOut]], **REFUSED},
)
def confirm(
    request: HttpRequest,
    payload: DropShipConfirmIn | Annotated[list[DropShipConfirmIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """The supplier confirms: nobody calls it off any more."""
    return give(
        request, confirm_drop_ships, payload, idempotency_key,
        lambda one, key: ConfirmDropShip(one.drop_ship, one.reference, one.due_on, key=key),
    )  # fmt: skip


@router.post(
    "/drop-ships/refuse", response={200: DropShipRefusedOut | list[Each[DropShipRefusedOut]], **REFUSED}
)
def refuse(
    request: HttpRequest,
    payload: DropShipRefuseIn | Annotated[list[DropShipRefuseIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """The supplier refuses: the units are sourced again without him."""
    return give(
        request, refuse_drop_ships, payload, idempotency_key,
        lambda one, key: RefuseDropShip(one.drop_ship, one.reason, _units(one.lines), key=key),
    )  # fmt: skip


@router.post(
    "/drop-ships/call-off",
    response={200: DropShipCalledOffOut | list[Each[DropShipCalledOffOut]], **REFUSED},
)
def call_off(
    request: HttpRequest,
    payload: DropShipCallOffIn | Annotated[list[DropShipCallOffIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Call off what the supplier has not confirmed."""
    return give(
        request, call_off_drop_ships, payload, idempotency_key,
        lambda one, key: CallOffDropShip(one.drop_ship, one.reason, one.cancel, one.code, key=key),
    )  # fmt: skip


@router.post("/drop-ships/sent", response={200: DropShipSentOut | list[Each[DropShipSentOut]], **REFUSED})
def sent(
    request: HttpRequest,
    payload: DropShipSentIn | Annotated[list[DropShipSentIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Notice of dispatch: the customer's shipment, with its revenue and what is owed to the supplier."""
    return give(
        request, ship_drop_ships, payload, idempotency_key,
        lambda one, key: ShipDropShip(
            one.drop_ship, one.carrier, one.tracking, _units(one.lines), key=key, parcels=tuple(one.parcels)
        ),
    )  # fmt: skip


@router.post("/drop-ships/send", response={200: DropShipSendOut | list[Each[DropShipSendOut]], **REFUSED})
def send(
    request: HttpRequest,
    payload: DropShipSendIn | Annotated[list[DropShipSendIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Tell the supplier again what he is to send, or that it is called off, by the way that the policies say now."""
    return give(
        request, send_drop_ships, payload, idempotency_key,
        lambda one, key: SendDropShip(one.drop_ship, key=key),
    )  # fmt: skip


# After the addresses that its own would match.
@router.get("/drop-ships/{drop_ship}", response={200: DropShipWholeOut, **READ})
def one_drop_ship(
    request: HttpRequest,
    drop_ship: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """One drop-ship order with its lines, what its supplier was told, and whom it goes to."""
    parse.own("drop-ship order", drop_ship, company)
    found = queries.drop_ship(drop_ship)
    if found is None:
        raise NotFound(what="drop-ship order", which=str(drop_ship))
    whole = {name: getattr(found, name) for name in found.__dataclass_fields__}
    sees = sees_addresses(parse.actor_of(request).may)
    return whole | {
        "lines": queries.lines_of([drop_ship])[drop_ship],
        "sendings": queries.sendings_of([drop_ship])[drop_ship],
        "to": parties.address(found.address) if found.address and sees else None,
    }


@router.post("/supplier-quantities", response={200: QuantityOut | list[Each[QuantityOut]], **REFUSED})
def quantities(
    request: HttpRequest,
    payload: QuantityIn | Annotated[list[QuantityIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """What suppliers have of what they offer. A profile may keep to it (`stated_only`)."""
    items = as_list(payload)
    where = parse.company_of(company)
    skus = parse.skus_of(where, {one.sku for one in items})
    suppliers = parties.suppliers(company=where)
    parse.known("supplier", {one.supplier for one in items}, suppliers)
    return give(
        request, state_quantities, payload, idempotency_key,
        lambda one, key: StateQuantity(suppliers[one.supplier].id, skus[one.sku], one.available, key=key),
    )  # fmt: skip
