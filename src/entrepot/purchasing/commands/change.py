"""Change what an open purchase order asks for: other units, costs or days of its lines, and lines that come to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger import queries as ledger
from entrepot.purchasing import approval, rules
from entrepot.purchasing.approval import Approval
from entrepot.purchasing.commands.order import LINE, kit_among, skus_of
from entrepot.purchasing.commands.scheduling import Coming, expect_lines
from entrepot.purchasing.queries import NEXT_DAY
from entrepot.purchasing.rules import ChangedLine, Line, OrderedLine
from entrepot.purchasing.states import ORDER

PAIR = "order×receive×accept"


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """Lines of an order with what they ask for from now on (units in all, cost, day), and lines that are added to it,
    wanted on `wanted_on`, without it on the latest day of the others."""

    order: UUID
    lines: tuple[ChangedLine | tuple[Any, ...], ...] = ()
    added: tuple[OrderedLine | tuple[Any, ...], ...] = ()
    reason: str = ""
    wanted_on: date | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """Lines that ask for something else now, lines that were added, and the state that the order is in."""

    order: UUID
    changed: int
    added: int
    state: str


class _Order(NamedTuple):
    company: int
    node: UUID
    state: str
    number: str
    currency: str
    home: str
    worth: int | None


class _Change(NamedTuple):
    """A request as it is written: line ids, and what becomes of the order."""

    request: ChangeOrder
    changed: list[UUID]
    added: list[UUID]
    before: str
    after: str


@command("purchasing.change")
def change(cause: Cause, /, *, requests: Sequence[ChangeOrder]) -> list[OrderChanged | Refused]:
    """The lines as they are asked for now. What the supplier confirmed of a changed line counts no more: he is to
    confirm it anew. What is wanted on another day is expected then. Whoever changes an order has ordered, and does not
    receive it. Where nothing is left to come, it is received.

    Locks: the orders, in the order of their ids. Refuses: NotFound (order, line, SKU); WrongState (waiting, received
    or cancelled); Invalid (nothing changed, a line twice, fewer units than came, another cost of what came, a kit);
    purchasing.needs_approval (worth more than one person orders alone, and more than before); access.duties_apart.
    Again: by key. 12 statements; 1 more where units change, 1 where lines are added, 1 where there is a limit and an
    order in another currency.
    """
    book = _Book(cause, requests)
    answers: list[OrderChanged | Refused] = []
    made: list[_Change] = []
    for one in requests:
        refusal = book.refusal(one)
        if refusal:
            answers.append(refusal)
            continue
        found = book.apply(one)
        made.append(found)
        answers.append(OrderChanged(one.order, len(found.changed), len(found.added), found.after))
    if made:
        wanted = dict.fromkeys(one.request.order for one in made)
        whole(take_duty(cause, requests=[book.duties[order] for order in wanted]))
        book.write(made)
    return answers


class _Book:
    """The orders that requests name, locked, with their lines; these move on while a batch is decided."""

    def __init__(self, cause: Cause, requests: Sequence[ChangeOrder]) -> None:
        self.cause = cause
        wanted = sorted({one.order for one in requests})
        self.orders = {row[0]: _Order(*row[1:]) for row in sql.run(_LOCK, {"ids": wanted})}
        self.lines: dict[UUID, dict[UUID, Line]] = {order: {} for order in self.orders}
        self.days: dict[UUID, date] = {}
        self.wanted: dict[UUID, date | None] = {}
        self.moved: set[UUID] = set()
        for order, day, wanted_on, *row in sql.run(_LINES, {"ids": list(self.orders)}):
            line = Line(*row)
            self.lines[order][line.id] = line
            self.days[line.id], self.wanted[line.id] = day or cause.at.date(), wanted_on
        companies = sorted({one.company for one in self.orders.values()})
        self.skus = skus_of(companies, {OrderedLine(*line).sku for one in requests for line in one.added})
        self.duties = {
            order: Duty(order, PAIR, "order", cause.actor.name, row.number)
            for order, row in self.orders.items()
        }
        self.apart = dict(zip(self.duties, access.apart(list(self.duties.values())), strict=True))
        self.limits = policies.of_companies(companies, Approval, cause.at)
        day = cause.at.astimezone(UTC).date()
        self.rates = {
            key[:2]: rate
            for key, rate in ledger.rates_at({
                (one.company, one.currency, day)
                for one in self.orders.values()
                if one.currency != one.home and self._limit(one).alone_up_to_minor is not None
            }).items()
        }  # fmt: skip

    def _limit(self, order: _Order) -> Approval:
        return self.limits[order.company][1]

    def _worth(self, order: _Order, lines: Iterable[tuple[int, Decimal]]) -> int | None:
        rate = self.rates.get((order.company, order.currency))
        return approval.worth(lines, order.currency, order.home, rate)

    def _raised(self, one: ChangeOrder, order: _Order) -> Refused | None:
        """Why the order can't be worth what it would be then."""
        lines, asked = self.lines[one.order], {line.line: line for line in map(_changed, one.lines)}
        before = [(line.quantity, line.unit_cost) for line in lines.values()]
        after = [
            (
                line.quantity if said is None or said.quantity is None else said.quantity,
                line.unit_cost if said is None or said.unit_cost is None else said.unit_cost,
            )
            for line in lines.values()
            for said in [asked.get(line.id)]
        ]
        after += [(line.quantity, line.unit_cost) for line in (OrderedLine(*line) for line in one.added)]
        was, will = (sum((units * cost for units, cost in some), Decimal(0)) for some in (before, after))
        worth = self._worth(order, after)
        return approval.misfit_raised(order.number, was, will, worth, self._limit(order), order.home)

    def refusal(self, one: ChangeOrder) -> Refused | None:
        order = self.orders.get(one.order)
        if order is None:
            return NotFound(what="purchase order", which=str(one.order))
        if isinstance(refused := ORDER.step(order.state, "receive_rest"), Refused):
            return refused
        added = [OrderedLine(*line) for line in one.added]
        codes = self.skus.codes[order.company]
        changed = [ChangedLine(*line) for line in one.lines]
        return (
            kit_among([line for line in added if line.sku in codes], self.skus.kits)
            or rules.misfit_change(changed, added, self.lines[one.order], codes)
            or self.apart[one.order]
            or self._raised(one, order)
        )

    def apply(self, one: ChangeOrder) -> _Change:
        """Other units of lines, and new lines, in the book."""
        order, lines = self.orders[one.order], self.lines[one.order]
        changed = []
        for line in (ChangedLine(*line) for line in one.lines):
            if not rules.differs(lines[line.line], self.wanted[line.line], line):
                continue
            rules.ask_otherwise(lines[line.line], line)
            changed.append(line.line)
            if line.wanted_on and line.wanted_on != self.wanted[line.line]:
                self.moved.add(line.line)
            if line.wanted_on:
                self.days[line.line] = self.wanted[line.line] = line.wanted_on
        latest = max((self.days[line] for line in lines), default=self.cause.at.date())
        added = []
        for number, wanted in enumerate(one.added, max(line.number for line in lines.values()) + 1):
            asked = OrderedLine(*wanted)
            fresh = Line(ids.uuid7(), number, asked.sku, asked.quantity, 0, asked.unit_cost)
            lines[fresh.id], self.days[fresh.id] = fresh, one.wanted_on or latest
            self.wanted[fresh.id] = self.days[fresh.id]
            added.append(fresh.id)
        over = not any(line.to_come for line in lines.values())
        after = "received" if over else order.state
        worth = self._worth(order, [(line.quantity, line.unit_cost) for line in lines.values()])
        self.orders[one.order] = order._replace(state=after, worth=worth)
        return _Change(one, changed, added, order.state, after)

    def write(self, made: Sequence[_Change]) -> None:
        where = {line: one.request.order for one in made for line in (*one.changed, *one.added)}
        line_of = {line: self.lines[order][line] for line, order in where.items()}
        fresh = {line for one in made for line in one.added}
        if changed := [line for line in where if line not in fresh]:
            rows = [
                (line, line_of[line].quantity, line_of[line].over, line_of[line].short, line_of[line].unit_cost,
                 line_of[line].given_up_by, self.wanted[line], ids.uuid7() if line in self.moved else None)
                for line in changed
            ]  # fmt: skip
            sql.run(
                _CHANGE,
                sql.columns(("ids", "units", "over", "short", "costs", "people", "days", "asked"), rows),
            )
        if fresh:
            new = [self._row(where[line], line_of[line]) for line in where if line in fresh]
            sql.write("purchasing_orderline", (*LINE, "first_quantity"), new)
        stands = [
            (order, found.state, found.worth, self._limit(found).limit)
            for order in dict.fromkeys(where.values())
            for found in [self.orders[order]]
        ]
        sql.run(_SET, sql.columns(("ids", "states", "worths", "limits"), stands))
        coming = [
            Coming(
                self.orders[order].company, order, self.orders[order].node, line, line_of[line].sku,
                line_of[line].received, line_of[line].to_come, self.days[line],
            )
            for line, order in where.items()
        ]  # fmt: skip
        expect_lines(self.cause, coming)
        announce(self.cause, [self._event(one) for one in made])

    def _row(self, order: UUID, line: Line) -> tuple[Any, ...]:
        return (
            line.id, order, self.orders[order].company, line.number, line.sku, line.quantity, 0, line.unit_cost,
            self.days[line.id], 0,
        )  # fmt: skip

    def _event(self, one: _Change) -> Event:
        order, lines = one.request.order, self.lines[one.request.order]
        payload: dict[str, Any] = {
            "changed": {str(lines[line].number): lines[line].quantity for line in one.changed},
            "added": {str(lines[line].number): lines[line].quantity for line in one.added},
        }
        asked = [ChangedLine(*line) for line in one.request.lines]
        costs = {
            str(lines[line.line].number): str(line.unit_cost) for line in asked if line.unit_cost is not None
        }
        days = {str(lines[line.line].number): line.wanted_on for line in asked if line.wanted_on}
        payload |= ({"costs": costs} if costs else {}) | ({"wanted": days} if days else {})
        company, at = self.orders[order].company, one.request.occurred_at
        return Event("purchase_order", order, company, one.before, one.after, at, payload, one.request.reason)


def _changed(line: ChangedLine | tuple[Any, ...]) -> ChangedLine:
    return ChangedLine(*line)


_LOCK = """
SELECT o.id, o.company_id::int, o.node_id, o.state, o.number, o.currency, c.currency::text, o.home_minor
FROM purchasing_order AS o JOIN parties_company AS c ON c.id = o.company_id
WHERE o.id = ANY(%(ids)s::uuid[]) ORDER BY o.id FOR UPDATE OF o
"""

# What is expected on a day keeps it, though its units change.
_LINES = f"""
SELECT line.order_id, COALESCE(supply.expected_on, line.confirmed_on, line.wanted_on), line.wanted_on, line.id,
       line.number, line.sku_id, line.quantity, line.received, line.unit_cost, 'none', '', '', line.over, line.short,
       line.confirmed, line.given_up_by
FROM purchasing_orderline AS line {NEXT_DAY}
WHERE line.order_id = ANY(%(ids)s::uuid[]) ORDER BY line.order_id, line.number
"""

_CHANGE = """
UPDATE purchasing_orderline AS l
SET first_quantity = CASE WHEN d.units = l.quantity THEN l.first_quantity
                          ELSE COALESCE(l.first_quantity, l.quantity) END,
    quantity = d.units, over = d.over, short = d.short, unit_cost = d.cost,
    given_up_by = d.person, wanted_on = d.day, day_asked = COALESCE(d.asked, l.day_asked),
    confirmed = NULL, confirmed_on = NULL, scheduled = NULL
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(over)s::int[], %(short)s::int[], %(costs)s::numeric[],
            %(people)s::text[], %(days)s::date[], %(asked)s::uuid[])
     AS d(id, units, over, short, cost, person, day, asked)
WHERE l.id = d.id
"""

_SET = """
UPDATE purchasing_order AS o
SET state = d.state, alone_minor = GREATEST(o.alone_minor, d.alone),
    -- Its currency may be worth more by now: what nobody approved is no more for that.
    home_minor = CASE WHEN o.approved_by = '' AND d.worth > GREATEST(o.alone_minor, d.alone)
                      THEN o.home_minor ELSE COALESCE(d.worth, o.home_minor) END
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(worths)s::bigint[], %(limits)s::bigint[])
     AS d(id, state, worth, alone)
WHERE o.id = d.id
"""
