"""Receive what a supplier sent for purchase orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.access.rules import apart
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing import errors, rules
from entrepot.purchasing.rules import Line, Part, ReceivedLine
from entrepot.purchasing.states import ORDER
from entrepot.sourcing.commands.serve_backorders import serve_backorders
from entrepot.stock.commands import receive as stock
from entrepot.stock.commands.expect import Expect, expect

__all__ = ["GoodsReceived", "ReceiveOrder", "ReceivedLine", "receive"]


@dataclass(frozen=True, slots=True)
class ReceiveOrder:
    """What came for an order: all that is still to come, or the lines counted, each (line, quantity[, lot, expiry]).

    Without `bin` it is put where the node receives goods.
    """

    order: UUID
    lines: tuple[ReceivedLine | tuple[Any, ...], ...] | None = None
    bin: UUID | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class GoodsReceived:
    """The receipt, and the state that the order is in now."""

    receipt: UUID
    number: str
    state: str
    quantity: int
    value_minor: int


@dataclass(slots=True)
class Order:
    """A locked order with its lines, kept up to date while a batch is decided."""

    id: UUID
    number: str
    company: int
    node: UUID
    currency: str
    state: str
    ordered_by: str
    lines: dict[UUID, Line] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that will be written."""

    id: UUID
    number: str
    order: Order
    bin: UUID
    at: datetime
    before: str
    after: str
    parts: list[Part]


@command("purchasing.receive")
def receive(cause: Cause, /, *, requests: Sequence[ReceiveOrder]) -> list[GoodsReceived | Refused]:
    """A receipt for each request: the goods are in stock at their cost, and owed for as goods not yet invoiced.

    Locks: the orders, in the order of their ids; then as `stock.receive`.
    Refuses: NotFound (order, line); WrongState (received or cancelled); Invalid; purchasing.exceeds_ordered;
    purchasing.lot_needed; purchasing.no_bin; access.duties_apart (the actor ordered it).
    Orders that waited for these SKUs are ready for sourcing again.
    Again: by key. 12 statements and those of `stock.receive`, for any number of orders and lines.
    """
    orders = _lock([one.order for one in requests])
    bins, usual = _bins(requests, orders)
    numbers = iter(ids.numbers("GR", len(requests)))

    answers: list[GoodsReceived | Refused] = []
    receipts: list[Receipt] = []
    for one in requests:
        order = orders.get(one.order)
        decided = _decide(cause, one, order, bins, usual)
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        assert order is not None
        bin_id, parts = decided
        before, after = order.state, ORDER.step(order.state, rules.progress(order.lines.values()))
        assert isinstance(after, str), "the rule has seen that the order can be received"
        order.state = after
        at = one.occurred_at or cause.at
        receipt = Receipt(ids.uuid7(), next(numbers), order, bin_id, at, before, after, parts)
        receipts.append(receipt)
        units, value = sum(part.quantity for part in parts), sum(part.value_minor for part in parts)
        answers.append(GoodsReceived(receipt.id, receipt.number, after, units, value))

    if receipts:
        _write(cause, receipts)
    return answers


def _lock(wanted: Sequence[UUID]) -> dict[UUID, Order]:
    """The orders by id, locked, with their lines. Two statements."""
    orders = {row[0]: Order(*row) for row in sql.run(_LOCK, {"ids": sorted(set(wanted))})}
    for order, *line in sql.run(_LINES, {"ids": list(orders)}) if orders else ():
        orders[order].lines[line[0]] = Line(*line)
    return orders


def _bins(
    requests: Sequence[ReceiveOrder], orders: dict[UUID, Order]
) -> tuple[set[tuple[UUID, UUID]], dict[UUID, UUID]]:
    """The (node, bin) pairs that exist among those named, and where each node receives by default."""
    named = list({one.bin for one in requests if one.bin is not None})
    usual = list({orders[one.order].node for one in requests if one.bin is None and one.order in orders})
    found = {(node, one) for node, one in sql.run(_NAMED, {"ids": named})} if named else set()
    return found, dict(sql.run(_USUAL, {"nodes": usual})) if usual else {}  # type: ignore[arg-type]


def _decide(
    cause: Cause,
    one: ReceiveOrder,
    order: Order | None,
    bins: set[tuple[UUID, UUID]],
    usual: dict[UUID, UUID],
) -> tuple[UUID, list[Part]] | Refused:
    if order is None:
        return NotFound(what="purchase order", which=str(one.order))
    if isinstance(refused := ORDER.step(order.state, "receive_rest"), Refused):
        return refused
    if order.ordered_by == cause.actor.name:
        return apart(_duty(cause, order))
    bin_id = one.bin or usual.get(order.node)
    if bin_id is None or (one.bin and (order.node, one.bin) not in bins):
        return errors.NoBin(bin=str(one.bin or ""), node=str(order.node))
    counted = None if one.lines is None else [ReceivedLine(*line) for line in one.lines]
    parts = rules.plan_receipt(order.lines, counted, order.currency)
    return parts if isinstance(parts, Refused) else (bin_id, parts)


def _duty(cause: Cause, order: Order) -> Duty:
    return Duty(order.id, "order×receive", "receive", cause.actor.name, order.number)


def _write(cause: Cause, receipts: Sequence[Receipt]) -> None:
    # Refused only by the table's own constraint, should the column that the rule looked at ever say otherwise.
    whole(take_duty(cause, requests=[_duty(cause, one.order) for one in receipts]))
    sql.write(
        "purchasing_receipt",
        _RECEIPT,
        [
            (one.id, one.number, one.order.company, one.order.id, one.order.node, cause.actor.name, one.at)
            for one in receipts
        ],
    )
    sql.write(
        "purchasing_receiptline",
        _RECEIPT_LINE,
        [
            (
                ids.uuid7(), one.id, one.order.id, part.line, one.order.company, part.sku, one.bin, part.lot,
                part.expires_on, part.quantity, part.value_minor,
            )
            for one in receipts
            for part in one.parts
        ],
    )  # fmt: skip
    taken: dict[UUID, int] = {}
    for one in receipts:
        for part in one.parts:
            taken[part.line] = taken.get(part.line, 0) + part.quantity
    sql.run(_COUNT, {"lines": list(taken), "quantities": list(taken.values())})
    changed = {one.order.id: one.after for one in receipts if one.before != one.after}
    if changed:
        sql.run(_SET, {"orders": list(changed), "states": list(changed.values())})
    _expect_the_rest(cause, receipts)
    whole(
        stock.receive(
            cause,
            requests=[
                stock.Receive(
                    one.order.company, part.sku, one.order.node, one.bin, part.quantity, part.value_minor,
                    "purchase_receipt", one.id, part.line, part.lot, expires_on=part.expires_on, occurred_at=one.at,
                )
                for one in receipts
                for part in one.parts
            ],
        )
    )  # fmt: skip
    serve_backorders(cause, {part.sku for one in receipts for part in one.parts})
    announce(
        cause,
        (
            Event(
                "purchase_order", one.order.id, one.order.company, one.before, one.after, one.at,
                {"receipt": one.id, "number": one.number},
            )
            for one in receipts
        ),
    )  # fmt: skip


def _expect_the_rest(cause: Cause, receipts: Sequence[Receipt]) -> None:
    """What is still to come of the lines received keeps its date."""
    rest = {part.line: (one.order, one.order.lines[part.line]) for one in receipts for part in one.parts}
    expect(
        cause,
        requests=[
            Expect(
                order.company, line.id, line.sku, order.node, "purchase_order", order.id,
                line.quantity - line.received, None,
            )
            for order, line in rest.values()
        ],
    )  # fmt: skip


_RECEIPT = ("id", "number", "company_id", "order_id", "node_id", "received_by", "received_at")

_RECEIPT_LINE = (
    "id", "receipt_id", "order_id", "line_id", "company_id", "sku_id", "bin_id", "lot", "expires_on", "quantity",
    "value_minor",
)  # fmt: skip

_LOCK = """
SELECT id, number, company_id::int, node_id, currency, state, ordered_by FROM purchasing_order
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

# The lines are locked by way of their order.
_LINES = """
SELECT line.order_id, line.id, line.number, line.sku_id, line.quantity, line.received, line.unit_cost, sku.lot_policy
FROM purchasing_orderline AS line JOIN catalog_sku AS sku ON sku.id = line.sku_id
WHERE line.order_id = ANY(%(ids)s::uuid[])
"""

_NAMED = "SELECT node_id, id FROM network_bin WHERE id = ANY(%(ids)s::uuid[])"

# A node without a bin of its own for receipts takes them straight to where it picks.
_USUAL = """
SELECT DISTINCT ON (node_id) node_id, id FROM network_bin
WHERE node_id = ANY(%(nodes)s::uuid[]) AND kind IN ('receiving', 'pick', 'reserve')
ORDER BY node_id, array_position(ARRAY['receiving', 'pick', 'reserve'], kind), pick_sequence, code
"""

_COUNT = """
UPDATE purchasing_orderline AS line SET received = received + one.quantity
FROM unnest(%(lines)s::uuid[], %(quantities)s::int[]) AS one(id, quantity) WHERE line.id = one.id
"""

_SET = """
UPDATE purchasing_order SET state = one.state
FROM unnest(%(orders)s::uuid[], %(states)s::text[]) AS one(id, state) WHERE purchasing_order.id = one.id
"""
