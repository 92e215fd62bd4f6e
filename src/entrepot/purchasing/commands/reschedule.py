"""The supplier says that an order comes on another day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing.commands.scheduling import Coming, expect_lines
from entrepot.purchasing.states import ORDER


@dataclass(frozen=True, slots=True)
class RescheduleOrder:
    """What is still to come of the order, or of the SKUs named, is expected on this day."""

    order: UUID
    expected_on: date
    skus: tuple[UUID, ...] = ()
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderRescheduled:
    """How many lines were moved."""

    order: UUID
    lines: int


@command("purchasing.reschedule")
def reschedule(cause: Cause, /, *, requests: Sequence[RescheduleOrder]) -> list[OrderRescheduled | Refused]:
    """The lines, expected on their new day, all parts of them; who waits for them gets a new date from sourcing.

    Locks: the orders, in the order of their ids. Refuses: NotFound; WrongState (received or cancelled); Invalid (a SKU
    of which nothing of the order is to come).
    Again: by key. 5 statements.
    """
    found = {row[0]: row[1:] for row in sql.run(_LOCK, {"ids": sorted({one.order for one in requests})})}
    coming: dict[UUID, list[tuple[UUID, UUID, int, int]]] = {order: [] for order in found}
    for order, line, sku, received, units in sql.run(_LINES, {"ids": list(found)}):
        coming[order].append((line, sku, received, units))
    answers: list[OrderRescheduled | Refused] = []
    moved: list[Coming] = []
    for one in requests:
        if one.order not in found:
            answers.append(NotFound(what="purchase order", which=str(one.order)))
            continue
        company, node, state = found[one.order]
        if isinstance(refused := ORDER.step(state, "receive_rest"), Refused):
            answers.append(refused)
            continue
        known = {sku for _, sku, _, _ in coming[one.order]}
        if missing := next((sku for sku in one.skus if sku not in known), None):
            expected = "SKUs of which something of this order is to come"
            answers.append(Invalid(field="skus", expected=expected, found=str(missing)))
            continue
        lines = [line for line in coming[one.order] if not one.skus or line[1] in one.skus]
        moved += [
            Coming(company, one.order, node, line, sku, received, units, one.expected_on)
            for line, sku, received, units in lines
        ]
        event = Event(
            "purchase_order", one.order, company, state, state, one.occurred_at,
            {"expected_on": one.expected_on, "lines": [line for line, _, _, _ in lines]},
            f"Expected on {one.expected_on}",
        )  # fmt: skip
        announce(cause, [event])
        answers.append(OrderRescheduled(one.order, len(lines)))
    if moved:
        sql.run(_ON_ONE_DAY, {"lines": sorted({one.line for one in moved})})
        expect_lines(cause, moved)
    return answers


_LOCK = """
SELECT id, company_id::int, node_id, state FROM purchasing_order WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_LINES = """
SELECT order_id, id, sku_id, received, LEAST(quantity - short, COALESCE(confirmed, quantity)) - received
FROM purchasing_orderline
WHERE order_id = ANY(%(ids)s::uuid[]) AND LEAST(quantity - short, COALESCE(confirmed, quantity)) > received
ORDER BY order_id, number
"""

# Nor does a schedule come back that a notice stands in the place of.
_ON_ONE_DAY = """
WITH kept AS (
    UPDATE purchasing_noticeline SET instead_of = NULL
    WHERE line_id = ANY(%(lines)s::uuid[]) AND quantity > received AND instead_of IS NOT NULL
)
UPDATE purchasing_orderline SET scheduled = NULL WHERE id = ANY(%(lines)s::uuid[]) AND scheduled IS NOT NULL
"""
