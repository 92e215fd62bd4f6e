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
from entrepot.purchasing.commands.scheduling import Coming, expect_lines
from entrepot.purchasing.confirming import (
    Asked,
    ConfirmedLine,
    Share,
    by_line,
    differences,
    misfit_confirmation,
    slipped,
    units_of,
)
from entrepot.purchasing.states import ORDER
from entrepot.work.commands.open_items import OpenItem, open_items

__all__ = ["ConfirmOrder", "ConfirmedLine", "OrderConfirmed", "confirm"]


@dataclass(frozen=True, slots=True)
class ConfirmOrder:
    """What the supplier says of some lines of an order, each (line, quantity, day); a line that comes on several days
    is named for each of them. `reference` is its own number. Without lines it has notes alone."""

    order: UUID
    lines: tuple[ConfirmedLine | tuple[Any, ...], ...]
    reference: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    notes: tuple[str, ...] = ()
    """What else of it differs from the order, such as a price."""


@dataclass(frozen=True, slots=True)
class OrderConfirmed:
    """How many lines were confirmed, what of them differs from what was asked for, and what comes later than was
    confirmed before."""

    order: UUID
    lines: int
    differences: tuple[str, ...]
    slips: tuple[str, ...] = ()


class _Line(NamedTuple):
    asked: Asked
    sku: UUID
    before: list[Share]
    """What was confirmed of it last."""


class _Taken(NamedTuple):
    """A confirmation that counts: the days of each line, and what is told of them."""

    request: ConfirmOrder
    shares: dict[UUID, list[Share]]
    differences: tuple[str, ...]
    slips: tuple[str, ...]

    @property
    def told(self) -> tuple[str, ...]:
        return self.differences + self.slips


@command("purchasing.confirm")
def confirm(cause: Cause, /, *, requests: Sequence[ConfirmOrder]) -> list[OrderConfirmed | Refused]:
    """The lines are expected as confirmed, each part on its day, so who waits for them gets a new date. What differs
    from the order, and what slips behind an earlier confirmation, is work for a buyer.

    Locks: the orders, in the order of their ids.
    Refuses: NotFound; WrongState (received or cancelled); Invalid (a line of another order, or twice for a day;
    fewer than came; a day with nothing beside others).
    Again: by key. 7 statements; 1 more where something comes in parts, 1 where something differs or slips.
    """
    orders = {row[0]: row[1:] for row in sql.run(_LOCK, {"ids": sorted({one.order for one in requests})})}
    lines: dict[UUID, dict[UUID, _Line]] = {order: {} for order in orders}
    for order, line, number, quantity, received, wanted_on, sku, short, units, days in sql.run(
        _LINES, {"ids": list(orders)}
    ):
        before = [Share(*one) for one in zip(units, days, strict=True)]
        asked = Asked(line, number, quantity - short, received, wanted_on)
        lines[order][line] = _Line(asked, sku, before)

    answers: list[OrderConfirmed | Refused] = []
    taken: list[_Taken] = []
    for one in requests:
        said = [ConfirmedLine(*line) for line in one.lines]
        refusal = _refusal(one, said, orders.get(one.order), lines.get(one.order, {}))
        if refusal:
            answers.append(refusal)
            continue
        found = _take(one, by_line(said), lines[one.order])
        taken.append(found)
        answers.append(OrderConfirmed(one.order, len(found.shares), found.differences, found.slips))
    if taken:
        _write(cause, taken, orders, lines)
    return answers


def _take(one: ConfirmOrder, shares: dict[UUID, list[Share]], lines: dict[UUID, _Line]) -> _Taken:
    """What is told of a confirmation; the next of the batch is compared with it."""
    differs: list[str] = []
    late: list[str] = []
    for which, said in shares.items():
        line = lines[which]
        differs += differences(said, line.asked)
        late += slipped(line.before, said, line.asked)
        lines[which] = line._replace(before=said)
    return _Taken(one, shares, (*differs, *one.notes), tuple(late))


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
    if one.notes and not said:
        return None
    return misfit_confirmation(said, {line: found.asked for line, found in lines.items()})


def _write(
    cause: Cause,
    taken: Sequence[_Taken],
    orders: dict[UUID, tuple[Any, ...]],
    lines: dict[UUID, dict[UUID, _Line]],
) -> None:
    latest = _write_confirmations(cause, taken, orders)
    if latest:
        expect_lines(
            cause,
            [_coming(orders[one.request.order], lines, one, line) for line, one in latest.items()],
        )
    open_items(
        cause,
        requests=[
            OpenItem(
                orders[one.request.order][0], "confirmed otherwise", "purchase_order", one.request.order,
                Said("{0}: the supplier confirms {1}", orders[one.request.order][3], '; '.join(one.told)),
                "inventory manager",
                {"differences": list(one.differences), "slips": list(one.slips), "reference": one.request.reference},
            )
            for one in taken
            if one.told
        ],
    )  # fmt: skip
    announce(
        cause,
        [
            Event(
                "purchase_order", one.order, orders[one.order][0], orders[one.order][2], orders[one.order][2],
                one.occurred_at, {"confirmed": list(found.shares), "reference": one.reference},
                "; ".join(found.told) or "as asked for",
            )
            for found in taken
            for one in [found.request]
        ],
    )  # fmt: skip


def _write_confirmations(
    cause: Cause, taken: Sequence[_Taken], orders: dict[UUID, tuple[Any, ...]]
) -> dict[UUID, _Taken]:
    """What was said, with the schedules, and on each line what was said of it last. Returns which that is, by line."""
    rows, parts = [], []
    latest: dict[UUID, tuple[_Taken, tuple[Any, ...]]] = {}
    for one in taken:
        company, order, at = orders[one.request.order][0], one.request.order, one.request.occurred_at
        for line, shares in one.shares.items():
            which, units, last = ids.uuid7(), units_of(shares), shares[-1].expected_on
            rows.append(
                (
                    which,
                    company,
                    order,
                    line,
                    one.request.reference,
                    units,
                    last,
                    cause.actor.name,
                    at or cause.at,
                )
            )
            is_split = len(shares) > 1
            parts += [(ids.uuid7(), company, which, line, *share) for share in shares if is_split]
            latest[line] = (one, (line, units, last, which if is_split else None))
    sql.write("purchasing_confirmation", _CONFIRMATION, rows)
    if parts:
        sql.write("purchasing_scheduleline", _SCHEDULE_LINE, parts)
    sql.run(
        _CONFIRM, sql.columns(("lines", "units", "days", "schedules"), [row for _, row in latest.values()])
    )
    return {line: one for line, (one, _) in latest.items()}


def _coming(order: tuple[Any, ...], lines: dict[UUID, dict[UUID, _Line]], one: _Taken, which: UUID) -> Coming:
    company, node, _, _ = order
    line, shares = lines[one.request.order][which], one.shares[which]
    asked = line.asked
    units = min(asked.quantity, units_of(shares)) - asked.received
    return Coming(
        company, one.request.order, node, which, line.sku, asked.received, units, shares[-1].expected_on
    )


_CONFIRMATION = (
    "id", "company_id", "order_id", "line_id", "reference", "quantity", "expected_on", "taken_by", "confirmed_at",
)  # fmt: skip

_SCHEDULE_LINE = ("id", "company_id", "confirmation_id", "line_id", "quantity", "expected_on")

_LOCK = """
SELECT id, company_id::int, node_id, state, number FROM purchasing_order
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_LINES = """
SELECT line.order_id, line.id, line.number, line.quantity, line.received, line.wanted_on, line.sku_id, line.short,
       COALESCE(s.units, array_remove(ARRAY[line.confirmed], NULL)),
       COALESCE(s.days, array_remove(ARRAY[line.confirmed_on], NULL))
FROM purchasing_orderline AS line
LEFT JOIN LATERAL (
    SELECT array_agg(quantity ORDER BY expected_on) AS units, array_agg(expected_on ORDER BY expected_on) AS days
    FROM purchasing_scheduleline WHERE line_id = line.id AND confirmation_id = line.scheduled) AS s ON true
WHERE line.order_id = ANY(%(ids)s::uuid[]) ORDER BY line.order_id, line.number
"""

_CONFIRM = """
UPDATE purchasing_orderline AS line SET confirmed = one.units, confirmed_on = one.day, scheduled = one.schedule
FROM unnest(%(lines)s::uuid[], %(units)s::int[], %(days)s::date[], %(schedules)s::uuid[])
     AS one(id, units, day, schedule)
WHERE line.id = one.id
"""
