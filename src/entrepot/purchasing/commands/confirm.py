"""A supplier confirms orders: how many units it will send, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.purchasing.confirming import Asked, ConfirmedLine, difference, misfit_confirmation
from entrepot.purchasing.states import ORDER
from entrepot.stock.commands.expect import Expect, expect
from entrepot.work.commands.open_items import OpenItem, open_items

__all__ = ["ConfirmOrder", "ConfirmedLine", "OrderConfirmed", "confirm"]


@dataclass(frozen=True, slots=True)
class ConfirmOrder:
    """What the supplier says of some lines of an order, each (line, quantity, day); `reference` is its own number."""

    order: UUID
    lines: tuple[ConfirmedLine | tuple[Any, ...], ...]
    reference: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderConfirmed:
    """How many lines were confirmed, and what of them differs from what was asked for."""

    order: UUID
    lines: int
    differences: tuple[str, ...]


class _Line(NamedTuple):
    asked: Asked
    sku: UUID
    short: int


@command("purchasing.confirm")
def confirm(cause: Cause, /, *, requests: Sequence[ConfirmOrder]) -> list[OrderConfirmed | Refused]:
    """The lines are expected as confirmed, so who waits for them gets a new date. What differs is work for a buyer.

    Locks: the orders, in the order of their ids.
    Refuses: NotFound; WrongState (received or cancelled); Invalid (a line twice or of another order, fewer than came).
    Again: by key. 6 statements; 1 more where something differs.
    """
    orders = {row[0]: row[1:] for row in sql.run(_LOCK, {"ids": sorted({one.order for one in requests})})}
    lines: dict[UUID, dict[UUID, _Line]] = {order: {} for order in orders}
    for order, line, number, quantity, received, wanted_on, sku, short in sql.run(
        _LINES, {"ids": list(orders)}
    ):
        lines[order][line] = _Line(Asked(line, number, quantity, received, wanted_on), sku, short)

    answers: list[OrderConfirmed | Refused] = []
    taken: list[tuple[ConfirmOrder, list[ConfirmedLine], tuple[str, ...]]] = []
    for one in requests:
        said = [ConfirmedLine(*line) for line in one.lines]
        refusal = _refusal(one, said, orders.get(one.order), lines.get(one.order, {}))
        if refusal:
            answers.append(refusal)
            continue
        found = (difference(line, lines[one.order][line.line].asked) for line in said)
        differs = tuple(text for text in found if text)
        taken.append((one, said, differs))
        answers.append(OrderConfirmed(one.order, len(said), differs))
    if taken:
        _write(cause, taken, orders, lines)
    return answers


def _refusal(
    one: ConfirmOrder,
    said: Sequence[ConfirmedLine],
    order: tuple[Any, ...] | None,
    lines: dict[UUID, _Line],
) -> Refused | None:
    if order is None:
        return NotFound(what="purchase order", which=str(one.order))
    if isinstance(refused := ORDER.step(order[2], "receive_rest"), Refused):
        return refused
    return misfit_confirmation(said, {line: found.asked for line, found in lines.items()})


def _write(
    cause: Cause,
    taken: Sequence[tuple[ConfirmOrder, list[ConfirmedLine], tuple[str, ...]]],
    orders: dict[UUID, tuple[Any, ...]],
    lines: dict[UUID, dict[UUID, _Line]],
) -> None:
    rows = [
        (
            ids.uuid7(), orders[one.order][0], one.order, line.line, one.reference, line.quantity, line.expected_on,
            cause.actor.name, one.occurred_at or cause.at,
        )
        for one, said, _ in taken
        for line in said
    ]  # fmt: skip
    sql.write("purchasing_confirmation", _CONFIRMATION, rows)
    latest = {line.line: (one.order, line) for one, said, _ in taken for line in said}
    sql.run(_CONFIRM, sql.columns(("lines", "units", "days"), [line for _, line in latest.values()]))
    expect(
        cause,
        requests=[_expected(orders[order], lines[order], order, line) for order, line in latest.values()],
    )
    open_items(
        cause,
        requests=[
            OpenItem(
                orders[one.order][0], "confirmed otherwise", "purchase_order", one.order,
                Said("{0}: the supplier confirms {1}", orders[one.order][3], '; '.join(differs)), "inventory manager",
                {"differences": list(differs), "reference": one.reference},
            )
            for one, _, differs in taken
            if differs
        ],
    )  # fmt: skip
    announce(
        cause,
        [
            Event(
                "purchase_order", one.order, orders[one.order][0], orders[one.order][2], orders[one.order][2],
                one.occurred_at, {"confirmed": [line.line for line in said], "reference": one.reference},
                "; ".join(differs) or "as asked for",
            )
            for one, said, differs in taken
        ],
    )  # fmt: skip


def _expected(order: tuple[Any, ...], lines: dict[UUID, _Line], which: UUID, line: ConfirmedLine) -> Expect:
    company, node, _, _ = order
    asked, sku, short = lines[line.line]
    units = min(asked.quantity - short, line.quantity) - asked.received
    return Expect(company, line.line, sku, node, "purchase_order", which, units, line.expected_on)


_CONFIRMATION = (
    "id", "company_id", "order_id", "line_id", "reference", "quantity", "expected_on", "taken_by", "confirmed_at",
)  # fmt: skip

_LOCK = """
SELECT id, company_id::int, node_id, state, number FROM purchasing_order
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_LINES = """
SELECT order_id, id, number, quantity, received, wanted_on, sku_id, short FROM purchasing_orderline
WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id, number
"""

_CONFIRM = """
UPDATE purchasing_orderline AS line SET confirmed = one.units, confirmed_on = one.day
FROM unnest(%(lines)s::uuid[], %(units)s::int[], %(days)s::date[]) AS one(id, units, day) WHERE line.id = one.id
"""
