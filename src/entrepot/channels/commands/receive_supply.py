"""Goods for a stretch of a history: ordered from the supplier, received, and sent to whom waited for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.channels.commands.walk import walk
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import command, whole
from entrepot.kernel.errors import Refused
from entrepot.purchasing import queries as purchasing
from entrepot.purchasing.commands.order import OrderedLine, OrderGoods, order
from entrepot.purchasing.commands.receive import ReceivedLine, ReceiveOrder, receive
from entrepot.sourcing.waiting import waiting_for

BUYER, RECEIVER = "import:buyer", "import:goods-in"
"""Who orders does not receive: the duty that the house keeps apart holds for a history as well."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Goods of one purchase order: (SKU, quantity, unit cost) each, put into one bin of the node.

    `external_ref` names it once; `percent` of each line comes now, the rest when `ReceiveSupply.rest` names the order.
    """

    supplier: UUID
    node: UUID
    bin: UUID
    external_ref: str
    lines: tuple[tuple[UUID, int, Decimal], ...]
    percent: int = 100


@dataclass(frozen=True, slots=True)
class ReceiveSupply:
    """What arrives at one time: first the rest of earlier purchase orders, by id with the bin, then new ones."""

    company: int
    occurred_at: datetime
    rest: tuple[tuple[UUID, UUID], ...] = ()
    supplies: tuple[Supply, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SupplyReceived:
    """Units received, and the orders that had waited for them."""

    units: int
    served: int


@command("channels.receive_supply")
def receive_supply(cause: Cause, /, *, requests: Sequence[ReceiveSupply]) -> list[SupplyReceived | Refused]:
    """Purchase orders made and received, and backorders of their SKUs sent at the time of the receipt.

    Meant for one request: what arrives at one time is sent before the next comes. Refuses: nothing; a purchase order
    that exists undoes the call. Again: by the external references, which the caller looks up. For each request the
    statements of the commands inside and 1, however many purchase orders and lines it brings.
    """
    return [_receive(cause, request) for request in requests]


def _receive(cause: Cause, request: ReceiveSupply) -> SupplyReceived:
    at = request.occurred_at
    buyer = replace(cause, actor=Actor(BUYER, everything=True))
    receiver = replace(cause, actor=Actor(RECEIVER, everything=True))
    ordered = whole(
        order(
            buyer,
            requests=[
                OrderGoods(
                    request.company, one.supplier, one.node, one.external_ref,
                    tuple(OrderedLine(*line) for line in one.lines), at,
                )
                for one in request.supplies
            ],
        )
    ) if request.supplies else ()  # fmt: skip
    lines = purchasing.lines_of([*(one.order for one in ordered), *(which for which, _ in request.rest)])
    arrivals = [ReceiveOrder(which, None, bin_, at) for which, bin_ in request.rest]
    for one, answer in zip(request.supplies, ordered, strict=True):
        counted = None if one.percent == 100 else _part(lines[answer.order], one.percent)
        if counted is None or counted:
            arrivals.append(ReceiveOrder(answer.order, counted, one.bin, at))
    received = whole(receive(receiver, requests=arrivals)) if arrivals else ()

    came = {line.sku for of_order in lines.values() for line in of_order}
    waiting = [order for order, *_ in waiting_for(came, cause.at)]
    if waiting:
        walk(cause, dict.fromkeys(waiting, at))
    return SupplyReceived(sum(one.quantity for one in received), len(waiting))


def _part(lines: Sequence[purchasing.Line], percent: int) -> tuple[ReceivedLine, ...]:
    """That share of each line of an order, to the nearest unit."""
    parts = ((line.id, (line.quantity * percent + 50) // 100) for line in lines)
    return tuple(ReceivedLine(line, units) for line, units in parts if units)
