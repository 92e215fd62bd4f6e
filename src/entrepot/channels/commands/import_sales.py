"""Take in orders of a history that were promised, sent and delivered each at a time of its own, or cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.channels.commands.walk import walk
from entrepot.kernel import inbox, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.orders.commands.place import Placed, PlaceOrder, place
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class ImportSale:
    """An order as its source kept it. `payload` is its raw rows as JSON; without `sent_at` it waits in the warehouse;
    with `cancelled` it is cancelled for that reason, and goes nowhere."""

    order: PlaceOrder
    payload: str
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    cancelled: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SaleImported:
    """`fresh` is False where the order had been taken in before: nothing was done."""

    number: str
    fresh: bool


@command("channels.import_sales")
def import_sales(cause: Cause, /, *, requests: Sequence[ImportSale]) -> list[SaleImported | Refused]:
    """Orders taken in, each with its own times: placed and validated, then sourced, released, picked, packed, shipped
    and delivered as far as it came. What is held stays held, and what is refused is a work item.

    Locks: the inbox's new rows, then as the commands inside.
    Refuses: nothing by itself; a month that is closed undoes the whole call.
    Again: an order in the inbox is left alone. As many statements as the commands inside, and 1 for the shipments.
    """
    messages = [
        inbox.Incoming(one.order.company, one.order.channel, one.order.external_id, "order", one.payload)
        for one in requests
    ]
    new = inbox.receive(cause, messages, state="done")
    fresh = [one for one in requests if one.order.external_id in new]
    if fresh:
        answers = place(cause, requests=[one.order for one in fresh])
        placed = {
            answer.order: (one, answer)
            for one, answer in zip(fresh, answers, strict=True)
            if isinstance(answer, Placed)
        }
        _cancel(cause, [(order, one) for order, (one, _) in placed.items() if one.cancelled])
        _send(
            cause,
            [
                (order, one)
                for order, (one, answer) in placed.items()
                if not one.cancelled and not answer.holds
            ],
        )
        _ask_about(
            cause,
            [
                (one, answer)
                for one, answer in zip(fresh, answers, strict=True)
                if isinstance(answer, Refused)
            ],
            new,
        )
    announce(
        cause,
        [
            Event("message", new[one.order.external_id], one.order.company, "", "done", one.order.occurred_at,
                  {"order": one.order.external_id})
            for one in fresh
        ],
    )  # fmt: skip
    return [SaleImported(one.order.external_id, one.order.external_id in new) for one in requests]


def _cancel(cause: Cause, wanted: Sequence[tuple[UUID, ImportSale]]) -> None:
    if wanted:
        whole(
            cancel(
                cause,
                requests=[
                    CancelOrder(order, one.cancelled, occurred_at=one.order.occurred_at)
                    for order, one in wanted
                ],
            )
        )


def _send(cause: Cause, wanted: Sequence[tuple[UUID, ImportSale]]) -> None:
    """Source all, leave what was not sent on the floor, and send the rest at its time."""
    times = {order: one.order.occurred_at or cause.at for order, one in wanted}
    waiting = {order: at for (order, one), at in zip(wanted, times.values(), strict=True) if not one.sent_at}
    if waiting:
        allocate(cause, requests=[AllocateOrder(order, at) for order, at in waiting.items()])
        release(cause, requests=[ReleaseOrder(order, at) for order, at in waiting.items()])
    sent = {order: times[order] for order, one in wanted if one.sent_at}
    if not sent:
        return
    walk(cause, sent, {order: one.sent_at for order, one in wanted if one.sent_at})
    arrived = {order: one.delivered_at for order, one in wanted if one.delivered_at}
    shipments = sql.run(_SHIPMENTS, {"orders": list(arrived)})
    whole(deliver(cause, requests=[Delivered(shipment, arrived[order]) for shipment, order in shipments]))


def _ask_about(
    cause: Cause, refused: Sequence[tuple[ImportSale, Refused]], messages: dict[str, UUID]
) -> None:
    if not refused:
        return
    inbox.mark([messages[one.order.external_id] for one, _ in refused], "set_aside", "the order was refused")
    open_items(
        cause,
        requests=[
            OpenItem(
                company=one.order.company, type="order refused", subject_kind="message",
                subject=messages[one.order.external_id],
                reason=Said("Order {0}: {1}", one.order.external_id, refusal.message), role="integration engineer",
                facts={"order": one.order.external_id, "code": refusal.code},
                occurred_at=one.order.occurred_at,
            )
            for one, refusal in refused
        ],
    )  # fmt: skip


_SHIPMENTS = """
SELECT id, order_id FROM shipping_shipment WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'shipped'
"""
