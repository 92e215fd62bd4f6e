"""Receive what a supplier sent for purchase orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger import queries as ledger
from entrepot.ledger.errors import NoRate
from entrepot.network.rules import bin_out, local_day
from entrepot.purchasing import errors, rules
from entrepot.purchasing.commands import arriving
from entrepot.purchasing.commands.arriving import Known, Order, Receipt
from entrepot.purchasing.commands.scheduling import Coming, expect_lines
from entrepot.purchasing.rules import Line, Part, ReceivedLine
from entrepot.purchasing.states import ORDER
from entrepot.stock.commands import receive as stock
from entrepot.stock.commands.plates import plates_to_fill, stack_new

__all__ = ["GoodsReceived", "ReceiveOrder", "ReceivedLine", "receive"]


@dataclass(frozen=True, slots=True)
class ReceiveOrder:
    """What came for an order: all that is still to come, or the lines counted, each (line, quantity[, lot, expiry[,
    status, note[, serials]]]); the status is `sellable`, or `damaged` with a note.

    Without `bin` it is put where the node receives goods.
    """

    order: UUID
    lines: tuple[ReceivedLine | tuple[Any, ...], ...] | None = None
    bin: UUID | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class GoodsReceived:
    """The receipt, and the state that the order is in now: of its units those that wait for a quality check and those
    that came damaged; units of its lines beyond what was ordered, and units that are not expected any more."""

    receipt: UUID
    number: str
    state: str
    quantity: int
    value_minor: int
    held: int = 0
    damaged: int = 0
    over: int = 0
    short: int = 0


@command("purchasing.receive")
def receive(cause: Cause, /, *, requests: Sequence[ReceiveOrder]) -> list[GoodsReceived | Refused]:
    """A receipt for each request: the goods are in stock at their cost, and owed for as goods not yet invoiced.

    By the policies of the supplier, units beyond the order are taken, a rest is given up (and taken if it comes after
    all, though the order is received), and units wait for a quality check. What came damaged is claimed from the
    supplier. Orders that waited for what can be sold are ready for sourcing again. What is not taken and stands at the
    dock is work for a buyer.
    Locks: the orders, in the order of their ids; the serial numbers, where some came; then as `stock.receive`.
    Refuses: NotFound (order, line); WrongState (received or cancelled); Invalid; purchasing.exceeds_ordered;
    purchasing.lot_needed; purchasing.expired; purchasing.shelf_life; purchasing.serial_seen; purchasing.no_bin;
    network.bin_out; access.duties_apart (the actor ordered or changed it); ledger.no_rate (the order's currency is
    another than the company's, and has no rate on the day).
    Again: by key. 17 statements and those of `stock.receive`, for any number of orders and lines; 3 more where serial
    numbers came, 1 where an order is in another currency, 2 where something was announced, 5 where packages came by
    their number, 1 where they came on pallets, 1 where plans of checks are in force, 3 where a check is opened, 3 where
    a claim is, 1 where a buyer is asked.
    """
    orders = _lock([one.order for one in requests])
    apart = access.apart([_duty(cause, order) for order in orders.values()])
    for order, refused in zip(orders.values(), apart, strict=True):
        order.apart = refused
    bins, usual = _bins(requests, orders)
    known = arriving.load(cause, orders, _serials(requests))
    numbers = iter(ids.numbers("GR", len(requests)))

    rates = _rates(cause, requests, orders)
    answers: list[GoodsReceived | Refused] = []
    receipts: list[Receipt] = []
    told: list[tuple[Order, Refused]] = []
    for one in requests:
        found = orders.get(one.order)
        rate = _rate(cause, one, found, rates)
        decided = rate if isinstance(rate, Refused) else _decide(cause, one, found, bins, usual, known)
        if isinstance(decided, Refused):
            told += [(found, decided)] if found else []
            answers.append(decided)
            continue
        assert found is not None
        assert not isinstance(rate, Refused)
        receipt = _receipt(cause, one, found, *decided, known, next(numbers), rate)
        receipts.append(receipt)
        answers.append(_answer(receipt))

    arriving.ask_buyer(cause, told)
    if receipts:
        _write(cause, receipts)
    return answers


Rates = dict[tuple[int, str, date], Decimal]


def _rates(cause: Cause, requests: Sequence[ReceiveOrder], orders: dict[UUID, Order]) -> Rates:
    """What the currencies of orders are worth on the days on which their goods came, by company, currency and day of
    the books. 1 statement where some are not the company's own."""
    return ledger.rates_at({
        (order.company, order.currency, _day(cause, one))
        for one in requests
        if (order := orders.get(one.order)) and order.currency != order.home
    })  # fmt: skip


def _rate(cause: Cause, one: ReceiveOrder, order: Order | None, rates: Rates) -> Decimal | Refused | None:
    if order is None or order.currency == order.home:
        return None
    day = _day(cause, one)
    return rates.get((order.company, order.currency, day)) or NoRate(
        company=order.company, currency=order.currency, on_date=str(day)
    )


def _day(cause: Cause, one: ReceiveOrder) -> date:
    """The day of the books."""
    return (one.occurred_at or cause.at).astimezone(UTC).date()


def _serials(requests: Sequence[ReceiveOrder]) -> list[tuple[UUID, str]]:
    """Serial numbers that are said to have come, by order line."""
    lines = [ReceivedLine(*line) for one in requests for line in one.lines or ()]
    return [(line.line, serial) for line in lines for serial in line.serials]


def _receipt(
    cause: Cause,
    one: ReceiveOrder,
    order: Order,
    bin_id: UUID,
    parts: list[Part],
    known: Known,
    number: str,
    rate: Decimal | None,
) -> Receipt:
    event = "receive_late" if order.state == "received" else rules.progress(order.lines.values())
    before, after = order.state, ORDER.step(order.state, event)
    assert isinstance(after, str), "the rule has seen that the order can be received"
    order.state = after
    at = one.occurred_at or cause.at
    arrivals = known.arrivals(order, parts, number, local_day(at, order.time_zone))
    return Receipt(ids.uuid7(), number, order, bin_id, at, before, after, arrivals, rate)


def _answer(receipt: Receipt) -> GoodsReceived:
    arrivals, lines = receipt.arrivals, receipt.order.lines
    touched = {one.part.line for one in arrivals}
    return GoodsReceived(
        receipt.id, receipt.number, receipt.after,
        sum(one.part.quantity for one in arrivals), sum(one.part.value_minor for one in arrivals),
        arriving.held(arrivals, "pending_inspection"), arriving.held(arrivals, "damaged"),
        sum(lines[line].over for line in touched), sum(lines[line].short for line in touched),
    )  # fmt: skip


def _lock(wanted: Sequence[UUID]) -> dict[UUID, Order]:
    """The orders by id, locked, with their lines. Two statements."""
    orders = {row[0]: Order(*row) for row in sql.run(_LOCK, {"ids": sorted(set(wanted))})}
    for order, *line in sql.run(_LINES, {"ids": list(orders)}) if orders else ():
        orders[order].lines[line[0]] = Line(*line)
    return orders


Bins = dict[tuple[UUID, UUID], tuple[str, str]]
"""Code and kind by (node, bin)."""


def _bins(requests: Sequence[ReceiveOrder], orders: dict[UUID, Order]) -> tuple[Bins, dict[UUID, UUID]]:
    """Those named that exist, by (node, bin), with code and kind, and where each node receives by default."""
    named = list({one.bin for one in requests if one.bin is not None})
    usual = list({orders[one.order].node for one in requests if one.bin is None and one.order in orders})
    rows = sql.run(_NAMED, {"ids": named}) if named else ()
    found = {(node, one): (code, kind) for node, one, code, kind in rows}
    return found, dict(sql.run(_USUAL, {"nodes": usual})) if usual else {}  # type: ignore[arg-type]


def _decide(
    cause: Cause,
    one: ReceiveOrder,
    order: Order | None,
    bins: Bins,
    usual: dict[UUID, UUID],
    known: Known,
) -> tuple[UUID, list[Part]] | Refused:
    if order is None:
        return NotFound(what="purchase order", which=str(one.order))
    counted = None if one.lines is None else [ReceivedLine(*line) for line in one.lines]
    is_late = order.state == "received" and rules.come_late(order.lines, counted)
    if isinstance(refused := ORDER.step(order.state, "receive_late" if is_late else "receive_rest"), Refused):
        return refused
    if order.apart:
        return order.apart
    bin_id = one.bin or usual.get(order.node)
    if one.bin and (order.node, one.bin) in bins and (out := bin_out(*bins[order.node, one.bin])):
        return out
    if bin_id is None or (one.bin and (order.node, one.bin) not in bins):
        return errors.NoBin(bin=str(one.bin or ""), node=str(order.node))
    seen = [Part(line.line, order.lines[line.line].sku, 0, 0, "", None, serials=line.serials)
            for line in counted or () if line.line in order.lines]  # fmt: skip
    if refusal := known.seen(seen):
        return refusal
    today = local_day(one.occurred_at or cause.at, order.time_zone)
    parts = rules.plan_receipt(
        order.lines, counted, order.currency, known.policy(order), today, is_over=is_late
    )
    return parts if isinstance(parts, Refused) else (bin_id, parts)


def _duty(cause: Cause, order: Order) -> Duty:
    return Duty(order.id, "order×receive×accept", "receive", cause.actor.name, order.number)


def _write(cause: Cause, receipts: Sequence[Receipt]) -> None:
    # Refused only by the table's own constraint: the orders are locked, and nobody ordered since they were looked at.
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
                part.id, one.id, one.order.id, part.part.line, one.order.company, part.part.sku, one.bin,
                part.part.lot, part.part.expires_on, part.part.quantity, part.part.value_minor,
                None if one.rate is None else at_home, part.status, part.part.note,
            )
            for one in receipts
            for part, at_home in zip(one.arrivals, one.at_home(), strict=True)
        ],
    )  # fmt: skip
    lines = {part.part.line: one.order.lines[part.part.line] for one in receipts for part in one.arrivals}
    counts = [(line.id, line.received, line.over, line.short) for line in lines.values()]
    sql.run(_COUNT, sql.columns(("lines", "received", "over", "short"), counts))
    changed = {one.order.id: one.after for one in receipts if one.before != one.after}
    if changed:
        sql.run(_SET, {"orders": list(changed), "states": list(changed.values())})
    _expect_the_rest(cause, receipts)
    arriving.write_besides(cause, receipts)
    plates = _plates(cause, receipts)
    whole(
        stock.receive(
            cause,
            requests=[
                stock.Receive(
                    one.order.company, part.sku, one.order.node, one.bin, part.quantity, at_home,
                    "purchase_receipt", one.id, part.line, part.lot, expires_on=part.expires_on, status=status,
                    occurred_at=one.at, plate=plates.get((one.order.company, part.sscc, one.bin)),
                    paid=one.paid(part.value_minor),
                )
                for one in receipts
                for (_, part, status, _), at_home in zip(one.arrivals, one.at_home(), strict=True)
            ],
        )
    )  # fmt: skip
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


def _plates(cause: Cause, receipts: Sequence[Receipt]) -> dict[tuple[int, str, UUID], UUID]:
    """The plates on which units came, by (company, SSCC, bin): packages that were received by their number. One that
    stands in another bin by now stays there, and what comes of it late stands loose."""
    units: Counter[tuple[int, str, UUID]] = Counter()
    pallets: dict[tuple[int, str, UUID], tuple[int, str, UUID]] = {}
    for one in receipts:
        for part in (arrival.part for arrival in one.arrivals):
            name = (one.order.company, part.sscc, one.bin)
            if part.sscc:
                units[name] += part.quantity
            if part.pallet:
                pallets[name] = (one.order.company, part.pallet, one.bin)
    made = plates_to_fill(cause, [*units, *pallets.values()])
    plates = {name: plate for name in units if (plate := made.get(name))}
    stacked = stack_new(
        {made[name]: made[pallet] for name, pallet in pallets.items() if name in made and pallet in made}
    )
    for name, pallet in pallets.items():
        if made.get(name) in stacked:
            units[pallet] += units[name]
    announce(
        cause,
        [
            Event(
                "plate", plate, name[0], payload={"units": units[name], "to": name[2]},
                reason=pallets[name][1] if plate in stacked else "",
            )
            for name in units
            if (plate := made.get(name))
        ],
    )  # fmt: skip
    return plates


def _expect_the_rest(cause: Cause, receipts: Sequence[Receipt]) -> None:
    """What is still to come of the lines received keeps its date; of a schedule the earliest has come."""
    rest = {
        part.line: (one.order, one.order.lines[part.line])
        for one in receipts
        for _, part, _, _ in one.arrivals
    }
    expect_lines(
        cause,
        [
            Coming(order.company, order.id, order.node, line.id, line.sku, line.received, line.expected)
            for order, line in rest.values()
        ],
    )


_RECEIPT = ("id", "number", "company_id", "order_id", "node_id", "received_by", "received_at")

_RECEIPT_LINE = (
    "id", "receipt_id", "order_id", "line_id", "company_id", "sku_id", "bin_id", "lot", "expires_on", "quantity",
    "value_minor", "home_minor", "status", "note",
)  # fmt: skip

_LOCK = """
SELECT bought.id, number, bought.company_id::int, node_id, bought.currency, state, ordered_by, supplier_id,
       supplier.code, node.time_zone, company.currency
FROM purchasing_order AS bought JOIN parties_company AS company ON company.id = bought.company_id
JOIN parties_supplier AS supplier ON supplier.id = supplier_id
JOIN network_node AS node ON node.id = bought.node_id
WHERE bought.id = ANY(%(ids)s::uuid[]) ORDER BY bought.id FOR UPDATE OF bought
"""

# The lines are locked by way of their order.
_LINES = """
SELECT line.order_id, line.id, line.number, line.sku_id, line.quantity, line.received, line.unit_cost, sku.lot_policy,
       sku.code, sku.category, line.over, line.short, line.confirmed,
       line.given_up_by
FROM purchasing_orderline AS line JOIN catalog_sku AS sku ON sku.id = line.sku_id
WHERE line.order_id = ANY(%(ids)s::uuid[])
"""

# A bin that is named is not taken out of use meanwhile.
_NAMED = (
    "SELECT node_id, id, code, kind FROM network_bin WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR SHARE"
)

# A node without a bin of its own for receipts takes them straight to where it picks.
_USUAL = """
SELECT DISTINCT ON (node_id) node_id, id FROM network_bin
WHERE node_id = ANY(%(nodes)s::uuid[]) AND kind IN ('receiving', 'pick', 'reserve')
ORDER BY node_id, array_position(ARRAY['receiving', 'pick', 'reserve'], kind), pick_sequence, code
"""

_COUNT = """
UPDATE purchasing_orderline AS line SET received = one.received, over = one.over, short = one.short
FROM unnest(%(lines)s::uuid[], %(received)s::int[], %(over)s::int[], %(short)s::int[]) AS one(id, received, over, short)
WHERE line.id = one.id
"""

_SET = """
UPDATE purchasing_order SET state = one.state
FROM unnest(%(orders)s::uuid[], %(states)s::text[]) AS one(id, state) WHERE purchasing_order.id = one.id
"""
