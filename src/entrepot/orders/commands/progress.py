"""Move units of order lines from place to place, and with them the orders' statuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, offer
from entrepot.kernel.events import Event
from entrepot.kernel.ids import Block
from entrepot.orders import rules
from entrepot.orders.queries import SERVED_WITH
from entrepot.orders.states import UNIT

STEPS = frozenset((source, step.target) for step in UNIT.transitions for source in step.sources)
"""From where to where units go."""


class Progress(NamedTuple):
    """Units of a line that go from one place to another (`rules.PLACES`)."""

    line: UUID
    order: UUID
    source: str
    target: str
    quantity: int


class Step(NamedTuple):
    """An order whose status changed."""

    company: int
    before: str
    after: str


def lock(orders: Iterable[UUID]) -> None:
    """Lock orders, and by that their lines, in id order to the end of the transaction. One statement."""
    sql.run(_LOCK, {"orders": list(set(orders))})


def progress(
    cause: Cause, *, requests: Sequence[Progress], times: Mapping[UUID, datetime] | None = None
) -> dict[UUID, Step]:
    """Move units and derive the statuses of their orders; the orders whose status changed come back.

    Called inside a command that has locked the orders (`lock`). Only steps of `states.UNIT` are taken; that the units
    are where they are taken from is a constraint. `times` says when it occurred, by order. 3 statements at most, the
    event log's among them.
    """
    if not requests:
        return {}
    places, deltas = _deltas(requests)
    params = sql.columns(("line", *places), deltas)
    return _store(cause, sql.run(_move(places), params), times or {})


def promised(
    cause: Cause, *, keys: Block, cancels: Mapping[UUID, bool], times: Mapping[UUID, datetime]
) -> dict[UUID, Step]:
    """Have the lines of orders that wait stand where stock has just promised units, under the keys of a block.

    Those are allocated, out of the backordered ones first. Of the rest the open ones are backordered, or cancelled
    where the order says so in `cancels`.

    As `progress`, called with the orders locked; how many lines there are is no matter. 3 statements at most.
    """
    params = {
        "orders": list(cancels), "cancels": list(cancels.values()), "first": keys.first, "last": keys.last,
    }  # fmt: skip
    return _store(cause, sql.run(_PROMISED, params), times)


def go_on(
    cause: Cause,
    source: str,
    target: str,
    lines: str,
    params: Mapping[str, Any],
    times: Mapping[UUID, datetime],
) -> dict[UUID, Step]:
    """As `progress`, of the lines and units that a query of the caller finds, all from one place to another; none of
    them leaves the database. 3 statements at most."""
    assert (source, target) in STEPS, f"no unit goes from {source} to {target}"
    statement = _GO_ON.replace("{source}", source).replace("{target}", target).replace("{lines}", lines)
    return _store(cause, sql.run(statement, params), times)


def _store(cause: Cause, moved: Iterable[Sequence[Any]], times: Mapping[UUID, datetime]) -> dict[UUID, Step]:
    """Store and announce the statuses that changed."""
    steps: dict[UUID, Step] = {}
    for order, company, before, commercial, held_by, goods, services in moved:
        after = _status(commercial, held_by, goods, services)
        if after != before:
            steps[order] = Step(company, before, after)
    if steps:
        sql.change(_STORE, {"orders": list(steps), "statuses": [step.after for step in steps.values()]})
        _announce(cause, steps, times)
    return steps


@cache
def _status(commercial: str, held_by: str, goods: int, services: int) -> str:
    """The status by the places that hold units, as bits: it does not ask how many they are."""
    held = [
        rules.Totals(*(places >> i & 1 for i in range(len(rules.PLACES)))) for places in (goods, services)
    ]
    return rules.derive_status(commercial, held_by, *held)


def _announce(cause: Cause, steps: Mapping[UUID, Step], times: Mapping[UUID, datetime]) -> None:
    announce(
        cause,
        [
            Event("order", order, company, before, after, times.get(order))
            for order, (company, before, after) in steps.items()
        ],
    )


class Stand(NamedTuple):
    """Where an order stands after `restate`. Its priority is that of its promises, where it has some: what a sourcing
    profile adds is in theirs."""

    company: int
    status: str
    blocked: frozenset[str]
    priority: int
    due_at: datetime
    goods: rules.Totals
    services: rules.Totals


def restate(
    cause: Cause, times: Mapping[UUID, datetime], *, cancelled: frozenset[UUID] = frozenset()
) -> dict[UUID, Stand]:
    """Derive orders anew from their open holds and lines, after holds came or went or orders were cancelled.

    `times` names the orders, which are locked, and says when it occurred. 3 statements, the event log's among them.
    """
    stands: dict[UUID, Stand] = {}
    rows, steps = [], {}
    for order, company, before, commercial, types, blocks, priority, due_at, *units in sql.run(
        _STAND, {"orders": list(times)}
    ):
        places = len(rules.PLACES)
        goods, services = rules.Totals(*units[:places]), rules.Totals(*units[places:])
        held_by = rules.first_hold(types)
        commercial = rules.derive_commercial(commercial, held_by, is_cancelled=order in cancelled)
        status = rules.derive_status(commercial, held_by, goods, services)
        rows.append((order, status, held_by, commercial))
        stands[order] = Stand(company, status, frozenset(blocks), priority, due_at, goods, services)
        if status != before:
            steps[order] = Step(company, before, status)
    if rows:
        sql.run(_RESTATE, sql.columns(("orders", "statuses", "holds", "commercials"), rows))
    _announce(cause, steps, times)
    return stands


def rank(stands: Mapping[UUID, Stand]) -> None:
    """Give orders that became more or less urgent the place that they have now, wherever they wait. What the floor has
    of them it ranks itself. 1 statement, none for nothing."""
    places = [(order, one.priority, one.due_at) for order, one in stands.items()]
    ready.rank([ready.Offer(queue, *place) for queue in QUEUES_OF_ORDERS for place in places])
    on_floor = {
        order for order, one in stands.items() if any(getattr(one.goods, at) for at in rules.ON_THE_FLOOR)
    }
    offer("hasten", [place for place in places if place[0] in on_floor])


QUEUES_OF_ORDERS = ("allocate", "release", "wave", "recall", "drop_ship", "perform")
"""Queues whose subjects are orders that wait to go on."""


def hand_on(stands: Mapping[UUID, Stand]) -> None:
    """Offer orders that may go on to the rooms that serve them next."""
    queues = ("allocate", "release", "drop_ship", "perform")
    waiting: dict[str, list[tuple[UUID, int, datetime]]] = {queue: [] for queue in queues}
    for order, one in stands.items():
        if one.goods.open + one.goods.backordered and "allocate" not in one.blocked:
            waiting["allocate"].append((order, one.priority, one.due_at))
        if one.goods.allocated and "release" not in one.blocked:
            waiting["release"].append((order, one.priority, one.due_at))
        if one.goods.with_supplier and "release" not in one.blocked:
            waiting["drop_ship"].append((order, one.priority, one.due_at))
        if not any(one.goods[:-1]) and one.services.open and not one.blocked:
            waiting["perform"].append((order, one.priority, one.due_at))
    for queue, orders in waiting.items():
        offer(queue, orders)


def _deltas(requests: Sequence[Progress]) -> tuple[tuple[str, ...], list[list[object]]]:
    """The places that change, and for each line its id and the change of each of these places."""
    touched = {one.source for one in requests} | {one.target for one in requests}
    places = tuple(place for place in rules.PLACES if place in touched)
    column = {place: i + 1 for i, place in enumerate(places)}
    nothing = [0] * len(places)
    rows: dict[UUID, list[object]] = {}
    for line, _, source, target, quantity in requests:
        assert (source, target) in STEPS, f"no unit goes from {source} to {target}"
        row = rows.get(line)
        if row is None:
            row = rows[line] = [line, *nothing]
        row[column[source]] -= quantity  # type: ignore[operator]
        row[column[target]] += quantity  # type: ignore[operator]
    return places, list(rows.values())


@cache
def _move(places: tuple[str, ...]) -> str:
    """The statement that changes these places: lines updated, then every line of the orders looked at."""
    changes = ", ".join(f"{place} = l.{place} + d.{place}" for place in places)
    deltas = sql.unnest("d", line="uuid", **dict.fromkeys(places, "int"))
    return _MOVE.format(changes=changes, deltas=deltas, others="l.id <> ALL(c.lines)")


_LOCK = "SELECT FROM orders_order WHERE id = ANY(%(orders)s::uuid[]) ORDER BY id FOR UPDATE"

_ALL = ", ".join(rules.PLACES)
_SUMS = ",\n       ".join(
    f"COALESCE(sum({place}) FILTER (WHERE {kinds}), 0)::int"
    for kinds in ("goods", "NOT goods")
    for place in rules.PLACES
)

_HELD = " | ".join(f"((l.{place} > 0)::int << {i})" for i, place in enumerate(rules.PLACES))

_MOVED = f"l.id, l.order_id, l.kind = 'goods' AS goods, {_HELD} AS held"
"""What an update of lines `l` returns of each."""

# A statement sees its own updates only by what they return, so the lines it left alone are read beside them: order by
# order, so that no estimate of how many there are can make it compare all with all. In the order of their keys, as they
# were written: of a million, each would else be on a page that has left the cache.
_THEIR_ORDERS = f"""
changed AS (
    SELECT order_id, array_agg(id) AS lines, bit_or(held) FILTER (WHERE goods) AS goods,
           bit_or(held) FILTER (WHERE NOT goods) AS services
    FROM moved GROUP BY order_id ORDER BY order_id
)
SELECT o.*, COALESCE(c.goods, 0) | COALESCE(others.goods, 0), COALESCE(c.services, 0) | COALESCE(others.services, 0)
FROM changed AS c
CROSS JOIN LATERAL (
    SELECT bit_or(held) FILTER (WHERE goods) AS goods, bit_or(held) FILTER (WHERE NOT goods) AS services
    FROM (
        SELECT l.kind = 'goods' AS goods, {_HELD} AS held
        FROM orders_line AS l WHERE l.order_id = c.order_id AND {{others}}
    ) AS other
) AS others
CROSS JOIN LATERAL (
    SELECT id, company_id::int, status, commercial, held_by FROM orders_order WHERE id = c.order_id OFFSET 0
) AS o
"""

_MOVE = f"""
WITH moved AS (UPDATE orders_line AS l SET {{changes}} FROM {{deltas}} WHERE l.id = d.line RETURNING {_MOVED}),
{_THEIR_ORDERS}
"""

_GO_ON = _MOVE.format(
    changes="{source} = l.{source} - d.units, {target} = l.{target} + d.units",
    deltas="(SELECT * FROM ({lines}) AS found ORDER BY 1) AS d(line, units)",
    others="l.id <> ALL(c.lines)",
)

_WAITS = "{0}.sku_id IS NOT NULL AND {0}.open + {0}.backordered > 0"

# What is promised comes from the backordered units first.
_SERVE = f"""
UPDATE orders_line AS l SET
    allocated = l.allocated + {{units}}, open = 0,
    backordered = l.backordered + CASE WHEN o.cancels THEN -least({{units}}, l.backordered) ELSE l.open - {{units}} END,
    cancelled = l.cancelled
        + CASE WHEN o.cancels THEN l.open - {{units}} + least({{units}}, l.backordered) ELSE 0 END
FROM {{served}} RETURNING {_MOVED}
"""

_SOME = "asked AS o, promised AS p WHERE p.line_id = l.id AND l.order_id = o.id AND " + _WAITS.format("l")

# A full join is always made by hash or merge, however few promises are expected; behind OFFSET it stays one.
_NONE = f"""
(SELECT waiting.id, waiting.cancels
 FROM (SELECT w.id, o.cancels FROM asked AS o JOIN orders_line AS w ON w.order_id = o.id AND {_WAITS.format("w")}
      ) AS waiting FULL JOIN promised AS p ON p.line_id = waiting.id
 WHERE p.line_id IS NULL OFFSET 0) AS o WHERE l.id = o.id"""

# Those that got something and those that did not, each by itself: what got something is found by its key.
_PROMISED = f"""
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%(orders)s::uuid[], %(cancels)s::boolean[]) AS o(id, cancels)
), promised AS MATERIALIZED (
    SELECT line_id, sum(quantity)::int AS units FROM stock_allocation
    WHERE id BETWEEN %(first)s::uuid AND %(last)s::uuid GROUP BY 1 ORDER BY 1
), served AS ({_SERVE.format(units="p.units", served=_SOME)}
), waits AS ({_SERVE.format(units="0", served=_NONE)}
), moved AS (SELECT * FROM served UNION ALL SELECT * FROM waits),
{_THEIR_ORDERS.format(others=f"NOT ({_WAITS.format('l')})")}
"""

_STAND = f"""
SELECT o.id, o.company_id::int, o.status, o.commercial,
       ARRAY(SELECT h.type FROM orders_hold AS h WHERE h.order_id = o.id AND h.state = 'open'),
       ARRAY(SELECT unnest(h.blocks) FROM orders_hold AS h WHERE h.order_id = o.id AND h.state = 'open'),
       {SERVED_WITH}, COALESCE(o.promise_at, o.placed_at),
       {_SUMS}
FROM orders_order AS o JOIN (SELECT order_id, kind = 'goods' AS goods, {_ALL} FROM orders_line) AS l
  ON l.order_id = o.id
WHERE o.id = ANY(%(orders)s::uuid[]) GROUP BY o.id
"""

_RESTATE = """
UPDATE orders_order AS o SET status = d.status, held_by = d.held_by, commercial = d.commercial
FROM unnest(%(orders)s::uuid[], %(statuses)s::text[], %(holds)s::text[], %(commercials)s::text[])
     AS d(id, status, held_by, commercial)
WHERE o.id = d.id
"""

_STORE = """
UPDATE orders_order AS o SET status = d.status
FROM unnest(%(orders)s::uuid[], %(statuses)s::text[]) AS d(id, status) WHERE o.id = d.id
"""
