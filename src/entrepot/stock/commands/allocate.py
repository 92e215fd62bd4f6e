"""Promise units at nodes to order lines, and take promises back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.ids import Block
from entrepot.stock import errors
from entrepot.stock.commands.fences import use_fences
from entrepot.stock.commands.mark import MARK_CHANGED
from entrepot.stock.commands.move import free_allocations
from entrepot.stock.rules import Position, Positions


class Allocate(NamedTuple):
    """Units of a line to be promised at a node: all of them, or the request is refused."""

    company: int
    order: UUID
    line: UUID
    sku: UUID
    node: UUID
    channel: UUID
    quantity: int
    priority: int
    promise_at: datetime | None
    ordered_at: datetime
    key: str | None = None


class Allocated(NamedTuple):
    allocation: UUID


def lock_positions(owned: Iterable[tuple[int, UUID]]) -> Positions:
    """All positions of SKUs that companies own, given as (company, SKU), by (sku, node), locked in key order.

    1 statement; 2 where there are fences.
    """
    return _positions(owned, _LOCK)


def read_positions(owned: Iterable[tuple[int, UUID]]) -> Positions:
    """As `lock_positions`, but nothing is locked: what is free now, for a plan that is checked again under the lock."""
    return _positions(owned, _READ)


def _positions(owned: Iterable[tuple[int, UUID]], statement: str) -> Positions:
    wanted = set(owned)
    if not wanted:
        return {}
    params = {"companies": list({company for company, _ in wanted}), "skus": list({sku for _, sku in wanted})}
    positions: Positions = {}
    fenced = False
    for sku, node, owner, free, fence in sql.run(statement, params):
        if (owner, sku) in wanted:
            positions[sku, node] = Position(free, fence, {})
            fenced = fenced or fence > 0
    if fenced:
        for sku, node, owner, channel, left in sql.run(_FENCES, params):
            if (owner, sku) in wanted and (sku, node) in positions:  # not one that came after the lock
                positions[sku, node].fences[channel] = left
    return positions


def lock_unfenced(owned: Iterable[tuple[int, UUID]]) -> bool:
    """As `lock_positions`, but what they hold stays in the database; whether none of them has a fence. 1 statement."""
    wanted = set(owned)
    params = {"companies": list({company for company, _ in wanted}), "skus": [sku for _, sku in wanted]}
    return not sql.run(_LOCK_UNFENCED, params)[0][0]


class Loss(NamedTuple):
    """Sellable units that a position is about to lose; below zero where it gains."""

    company: int
    sku: UUID
    node: UUID
    units: int


def lock_what_losses_touch(losses: Sequence[Loss]) -> None:
    """Lock positions in key order, and the promises of those that fall below what they promised: before any bucket.

    1 statement; 1 more where there are fences, 1 where promises may be displaced.
    """
    positions = lock_positions((loss.company, loss.sku) for loss in losses)
    falling: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    for loss in losses:
        falling[loss.sku, loss.node, loss.company] += max(0, loss.units)
    short = [
        key for key, units in falling.items() if (found := positions.get(key[:2])) and found.free < units
    ]
    if short:
        sql.run(_LOCK_PROMISES, sql.columns(("skus", "nodes", "owners"), short))


@command("stock.allocate")
def allocate(
    cause: Cause, /, *, requests: Sequence[Allocate], positions: Positions | None = None
) -> list[Allocated | Refused]:
    """Promise units to order lines; each request whole or not at all, in the order given.

    Locks: the positions of the SKUs in key order (or the caller has, and passes them).
    Refuses: Insufficient. Again: by key. 3 statements, one or two more with ring-fences.
    """
    if positions is None:
        positions = lock_positions((r.company, r.sku) for r in requests)

    admitted = [admit(positions, request) for request in requests]
    write_promises([row for row in admitted if isinstance(row, tuple)])
    return [Allocated(row[0]) if isinstance(row, tuple) else row for row in admitted]


Promised = tuple[UUID, int, UUID, UUID, UUID, UUID, int, UUID, int, int, int, datetime | None, datetime]
"""A row of stock_allocation, as `admit` makes it."""


def admit(positions: Positions, request: Allocate) -> Promised | Refused:
    """Take a request out of locked positions, or refuse it. Pure but for the positions; written by `write_promises`."""
    company, order, line, sku, node, channel, quantity, priority, promise_at, ordered_at, _key = request
    position = positions.get((sku, node))
    free = position.free_for(channel) if position else 0
    if quantity <= 0:
        return errors.NotPlaceable(field="quantity", expected="at least 1", found=quantity)
    if position is None or free < quantity:
        return errors.Insufficient(sku=str(sku), node=Said("node {0}", node), wanted=quantity, free=free)
    fenced = position.take(channel, quantity)
    return (
        ids.uuid7(), company, order, line, sku, node, company, channel, quantity, fenced, priority, promise_at,
        ordered_at,
    )  # fmt: skip


def write_promises(rows: Sequence[Promised]) -> None:
    """Write admitted promises and count them on their positions. 2 statements; 3 with ring-fences."""
    if not rows:
        return
    taken: dict[tuple[UUID, UUID, int], list[int]] = {}
    from_fences: dict[tuple[UUID, UUID, int, UUID], int] = defaultdict(int)
    for row in rows:
        sku, node, owner, channel, quantity, fenced = row[4:10]
        sums = taken.get((sku, node, owner))
        if sums is None:
            taken[sku, node, owner] = [quantity, fenced]
        else:
            sums[0] += quantity
            sums[1] += fenced
        if fenced:
            from_fences[sku, node, owner, channel] += fenced
    sql.write("stock_allocation", _COLUMNS, rows)
    sums_by_key = [(*key, *sums) for key, sums in taken.items()]
    sql.change(_PROMISE, sql.columns(("skus", "nodes", "owners", "units", "fenced"), sums_by_key))
    use_fences(from_fences)


class Given(NamedTuple):
    """What an order is given: units by node, and what is told of it."""

    by_node: dict[UUID, int]
    told: str


def write_promises_of(shares: str, params: Mapping[str, Any], keys: Block) -> dict[UUID, Given]:
    """Write the promises that a query makes, under the keys of a block, and count them on their positions; what each
    order is given.

    The query has the columns of `SHARES` and `told`, a text of which each order's are joined by commas; its caller
    holds the locks (`lock_unfenced`). Hundreds of thousands of rows need not leave the database. 1 statement.
    """
    statement = _WRITE_SHARES.replace("{shares}", shares)
    return {
        order: Given(dict(zip(nodes, units, strict=True)), told)
        for order, nodes, units, told in sql.run(statement, {**params, "start": keys.start})
    }


SHARES = (
    "company_id", "order_id", "line_id", "sku_id", "node_id", "channel_id", "quantity", "priority", "promise_at",
    "ordered_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Free:
    """Units to be taken out of the unreleased promises of an order line, of one node only where it is given."""

    order: UUID
    line: UUID
    quantity: int
    node: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Freed:
    quantity: int


def lock_promised(orders: Sequence[UUID]) -> None:
    """Lock the positions of all promises to orders, in key order: positions come before promises. One statement."""
    sql.run(_LOCK_OF_ORDERS, {"orders": list(orders)})


@command("stock.free")
def free(cause: Cause, /, *, requests: Sequence[Free]) -> list[Freed | Refused]:
    """Give promised units back, as far as they are not released to the floor: the answer says how many were.

    Locks: positions in key order, then allocations in id order. Again: by key. 4 statements; 5 with fences.
    """
    orders = list({request.order for request in requests})
    lock_promised(orders)
    promises: dict[UUID, list[list]] = defaultdict(list)  # type: ignore[type-arg]
    for line, *promise in sql.run(_UNRELEASED, {"orders": orders}):
        promises[line].append(promise)
    answers: list[Freed | Refused] = []
    freed: dict[UUID, int] = defaultdict(int)
    for request in requests:
        wanted = request.quantity
        for promise in promises[request.line]:
            if request.node not in (None, promise[2]):
                continue
            units = min(wanted, promise[1])
            promise[1] -= units
            freed[promise[0]] += units
            wanted -= units
        answers.append(Freed(request.quantity - wanted))
    free_allocations([(allocation, units) for allocation, units in freed.items() if units])
    return answers


_COLUMNS = (
    "id", "company_id", "order_id", "line_id", "sku_id", "node_id", "owner_id", "channel_id", "quantity", "fenced",
    "priority", "promise_at", "ordered_at",
)  # fmt: skip

_READ = """
SELECT sku_id, node_id, owner_id::int, sellable - reserved - allocated - safety, fenced FROM stock_position
WHERE sku_id = ANY(%(skus)s::uuid[]) AND owner_id = ANY(%(companies)s::smallint[])
"""

_LOCK = _READ + "ORDER BY sku_id, node_id, owner_id FOR UPDATE"

_LOCK_UNFENCED = f"""
WITH locked AS ({_READ}ORDER BY sku_id, node_id, owner_id FOR UPDATE)
SELECT COALESCE(bool_or(fenced > 0), false) FROM locked
"""

_WRITE_SHARES = f"""
WITH promised AS MATERIALIZED ({{shares}}), written AS (
    INSERT INTO stock_allocation (id, owner_id, fenced, {", ".join(SHARES)})
    SELECT (%(start)s::text || lpad(to_hex(row_number() OVER ()), 8, '0'))::uuid, company_id, 0, {", ".join(SHARES)}
    FROM promised
), changed AS (
    UPDATE stock_position AS p SET allocated = p.allocated + d.units
    FROM (SELECT sku_id, node_id, company_id, sum(quantity)::int AS units FROM promised GROUP BY 1, 2, 3) AS d
    WHERE p.sku_id = d.sku_id AND p.node_id = d.node_id AND p.owner_id = d.company_id
    RETURNING p.sku_id, false AS freed
), marked AS ({MARK_CHANGED})
SELECT order_id, array_agg(node_id), array_agg(units), string_agg(told, ',')
FROM (SELECT order_id, node_id, sum(quantity)::int AS units, string_agg(told, ',') AS told
      FROM promised GROUP BY 1, 2) AS of_node
GROUP BY 1
"""

_LOCK_PROMISES = """
SELECT FROM stock_allocation AS a
WHERE (a.sku_id, a.node_id, a.owner_id) IN (
    SELECT * FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[]))
ORDER BY a.id FOR UPDATE
"""

_FENCES = """
SELECT sku_id, node_id, owner_id::int, channel_id, quantity - used FROM stock_ringfence
WHERE sku_id = ANY(%(skus)s::uuid[]) AND owner_id = ANY(%(companies)s::smallint[])
"""

_PROMISE = f"""
WITH changed AS (
    UPDATE stock_position AS p SET allocated = p.allocated + d.units, fenced = p.fenced - d.fenced
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(units)s::int[], %(fenced)s::int[])
         AS d(sku, node, owner, units, fenced)
    WHERE p.sku_id = d.sku AND p.node_id = d.node AND p.owner_id = d.owner
    RETURNING p.sku_id, false AS freed
)
{MARK_CHANGED}
"""

_LOCK_OF_ORDERS = """
SELECT FROM stock_position WHERE (sku_id, node_id, owner_id) IN (
    SELECT sku_id, node_id, owner_id FROM stock_allocation WHERE order_id = ANY(%(orders)s::uuid[]))
ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

_UNRELEASED = """
SELECT line_id, id, quantity - released, node_id FROM stock_allocation
WHERE order_id = ANY(%(orders)s::uuid[]) AND quantity > released ORDER BY id FOR UPDATE
"""
