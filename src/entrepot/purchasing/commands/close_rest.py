"""Nothing more comes of some lines of a purchase order; what came stays received."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing.commands.scheduling import Coming, expect_lines
from entrepot.purchasing.states import ORDER


@dataclass(frozen=True, slots=True)
class CloseRest:
    """What is still to come of these lines, or of all, is not expected any more."""

    order: UUID
    reason: str
    lines: tuple[UUID, ...] = ()
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RestClosed:
    """Units that are not expected any more, and the state that the order is in now."""

    order: UUID
    units: int
    state: str


@dataclass(slots=True)
class _Line:
    id: UUID
    sku: UUID
    quantity: int
    received: int
    short: int

    @property
    def to_come(self) -> int:
        return max(0, self.quantity - self.received - self.short)


@command("purchasing.close_rest")
def close_rest(cause: Cause, /, *, requests: Sequence[CloseRest]) -> list[RestClosed | Refused]:
    """The lines, over with what came of them; an order of which all lines are over is received. Lines of which nothing
    came are dropped so; an order of which nothing came, with all its lines, is cancelled instead. What is given up
    stays so: what comes of it after all comes beyond the order.

    Locks: the orders, in the order of their ids.
    Refuses: NotFound (order, line); WrongState (received or cancelled); Invalid (no reason, nothing to come, all lines
    of an order of which nothing came). Again: by key. 6 statements.
    """
    orders = {row[0]: row[1:] for row in sql.run(_LOCK, {"ids": sorted({one.order for one in requests})})}
    lines: dict[UUID, dict[UUID, _Line]] = {order: {} for order in orders}
    for order, *row in sql.run(_LINES, {"ids": list(orders)}):
        lines[order][row[0]] = _Line(*row)

    answers: list[RestClosed | Refused] = []
    closed: dict[UUID, tuple[UUID, _Line]] = {}
    states: dict[UUID, str] = {}
    for one in requests:
        state = states.get(one.order, orders[one.order][2] if one.order in orders else "")
        chosen = _chosen(one, lines.get(one.order), state)
        if isinstance(chosen, Refused):
            answers.append(chosen)
            continue
        units = sum(line.to_come for line in chosen)
        for line in chosen:
            line.short += line.to_come
            closed[line.id] = (one.order, line)
        over = not any(line.to_come for line in lines[one.order].values())
        states[one.order] = "received" if over else state
        company = orders[one.order][0]
        event = Event(
            "purchase_order", one.order, company, state, states[one.order], one.occurred_at,
            {"not_expected": units, "lines": [line.id for line in chosen]}, one.reason,
        )  # fmt: skip
        announce(cause, [event])
        answers.append(RestClosed(one.order, units, states[one.order]))
    if closed:
        short = [(line.id, line.short) for _, line in closed.values()]
        sql.run(_CLOSE, sql.columns(("lines", "short"), short) | {"person": cause.actor.name})
        sql.run(_SET, {"orders": list(states), "states": list(states.values())})
        expect_lines(
            cause,
            [
                Coming(orders[order][0], order, orders[order][1], line.id, line.sku, line.received, 0)
                for order, line in closed.values()
            ],
        )
    return answers


def _chosen(one: CloseRest, lines: dict[UUID, _Line] | None, state: str) -> list[_Line] | Refused:
    if lines is None:
        return NotFound(what="purchase order", which=str(one.order))
    if isinstance(refused := ORDER.step(state, "close"), Refused):
        return refused
    if not one.reason:
        return Invalid(field="reason", expected="why nothing more will come", found="nothing")
    unknown = next((which for which in one.lines if which not in lines), None)
    if unknown:
        return NotFound(what="line of this order", which=str(unknown))
    chosen = [line for line in lines.values() if line.to_come and (not one.lines or line.id in one.lines)]
    if not chosen:
        return Invalid(field="lines", expected="lines of which something is to come", found="none")
    left = sum(line.to_come for line in lines.values()) - sum(line.to_come for line in chosen)
    if not left and not any(line.received for line in lines.values()):
        return Invalid(
            field="lines",
            expected="some lines, where nothing came of the order yet: to give up all, cancel it",
            found="all that is to come",
        )
    return chosen


_LOCK = """
SELECT id, company_id::int, node_id, state FROM purchasing_order WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_LINES = """
SELECT order_id, id, sku_id, quantity, received, short FROM purchasing_orderline
WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id, number
"""

_CLOSE = """
UPDATE purchasing_orderline AS line SET short = one.short, given_up_by = %(person)s::text
FROM unnest(%(lines)s::uuid[], %(short)s::int[]) AS one(id, short) WHERE line.id = one.id
"""

_SET = """
UPDATE purchasing_order SET state = one.state
FROM unnest(%(orders)s::uuid[], %(states)s::text[]) AS one(id, state) WHERE purchasing_order.id = one.id
"""
