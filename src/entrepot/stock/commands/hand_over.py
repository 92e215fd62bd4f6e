"""Promises that go with their units to another order. Nothing is freed on the way: the positions stay as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.stock.commands.allocate import lock_promised


class HandOver(NamedTuple):
    """Promised units of a line that are not released, for a line of another order: the same one where it goes whole."""

    order: UUID
    line: UUID
    to_order: UUID
    to_line: UUID
    units: int


def hand_over(requests: Sequence[HandOver]) -> None:
    """Promises under another order, inside a command that has locked both orders.

    All that is asked for is promised, or it is a bug of the caller. 4 statements at most, none for nothing.
    Locks: the positions in key order, then the promises.
    """
    if not requests:
        return
    orders, lines = [one.order for one in requests], [one.line for one in requests]
    lock_promised(orders)
    promises: dict[UUID, list[_Promise]] = defaultdict(list)
    for row in sql.run(_UNRELEASED, {"orders": orders, "lines": lines}):
        promises[row[1]].append(_Promise(*row))
    whole, cut, fresh = [], [], []
    for one in requests:
        left = one.units
        for promise in promises[one.line]:
            units = min(left, promise.quantity - promise.released)
            if not units:
                continue
            left -= units
            if units == promise.quantity:
                whole.append((promise.id, one.to_order, one.to_line))
                continue
            # What came out of the channel's ring-fence stays as long as it can.
            fenced = max(0, promise.fenced - (promise.quantity - units))
            cut.append((promise.id, units, fenced))
            fresh.append(promise.part(one, units, fenced))
        assert not left, f"line {one.line}: {one.units} units to hand over, {left} of them not promised"
    if whole:
        sql.change(_GIVE, sql.columns(("ids", "orders", "lines"), whole))
    if cut:
        sql.change(_CUT, sql.columns(("ids", "units", "fenced"), cut))
        sql.write("stock_allocation", _COLUMNS, fresh)


class _Promise(NamedTuple):
    id: UUID
    line: UUID
    company: int
    sku: UUID
    node: UUID
    owner: int
    channel: UUID
    quantity: int
    released: int
    fenced: int
    priority: int
    promise_at: Any
    ordered_at: Any

    def part(self, one: HandOver, units: int, fenced: int) -> tuple[Any, ...]:
        return (
            ids.uuid7(), self.company, one.to_order, one.to_line, self.sku, self.node, self.owner, self.channel, units,
            fenced, self.priority, self.promise_at, self.ordered_at,
        )  # fmt: skip


class HandOverReserved(NamedTuple):
    """Reserved units of a SKU that go to another holder: those beyond what the old one `keeps`, as many as `units`.

    Those that are kept for the `order` first, and they are kept `to_order` then.
    """

    company: int
    holder: str
    sku: UUID
    keeps: int
    units: int
    to_holder: str
    order: UUID
    to_order: UUID


def hand_over_reserved(requests: Sequence[HandOverReserved]) -> None:
    """Reservations under another holder, with their place and their moment. 3 statements at most, none for nothing.

    Locks: the positions in key order.
    """
    if not requests:
        return
    params = sql.columns(("companies", "holders", "skus"), [one[:3] for one in requests])
    sql.run(_LOCK_OF_HOLDERS, params)
    held: dict[tuple[int, str, UUID], list[tuple[Any, ...]]] = defaultdict(list)
    for row in sql.run(_RESERVED, params):
        held[row[1], row[2], row[3]].append(row)
    gone: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    fresh = []
    for one in requests:
        mine = [row for row in held[one.company, one.holder, one.sku] if _may_go(one, row[-1])]
        there = {row[0]: row[_UNITS] - gone[row[0]][0] for row in mine}
        left = max(0, min(one.units, sum(there.values()) - one.keeps))
        for row in mine:
            *rest, fenced, order = row[_UNITS + 1 :]
            taken, units = gone[row[0]], min(left, there[row[0]])
            if units:
                left -= units
                # What came out of the channel's ring-fence stays as long as it can.
                from_fence = max(0, fenced - taken[1] - (there[row[0]] - units))
                taken[0] += units
                taken[1] += from_fence
                to_order = one.to_order if order else None
                fresh.append(
                    (ids.uuid7(), row[1], one.to_holder, *row[3:_UNITS], units, *rest, from_fence, to_order)
                )
    if fresh:
        less = [(which, *units) for which, units in gone.items() if units[0]]
        sql.run(_LESS, sql.columns(("ids", "units", "fenced"), less))
        sql.write("stock_reservation", _RESERVATION, fresh)


def _may_go(one: HandOverReserved, kept_for: UUID | None) -> bool:
    if kept_for is None:
        return one.holder != one.to_holder
    return kept_for == one.order


_COLUMNS = (
    "id", "company_id", "order_id", "line_id", "sku_id", "node_id", "owner_id", "channel_id", "quantity", "fenced",
    "priority", "promise_at", "ordered_at",
)  # fmt: skip

_UNRELEASED = """
SELECT id, line_id, company_id::int, sku_id, node_id, owner_id::int, channel_id, quantity, released, fenced,
       priority::int, promise_at, ordered_at
FROM stock_allocation
WHERE order_id = ANY(%(orders)s::uuid[]) AND line_id = ANY(%(lines)s::uuid[]) AND quantity > released
ORDER BY id FOR UPDATE
"""

_GIVE = """
UPDATE stock_allocation AS a SET order_id = d.order_id, line_id = d.line
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(lines)s::uuid[]) AS d(id, order_id, line) WHERE a.id = d.id
"""

_CUT = """
UPDATE stock_allocation AS a SET quantity = a.quantity - d.units, fenced = a.fenced - d.fenced
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(fenced)s::int[]) AS d(id, units, fenced) WHERE a.id = d.id
"""

_RESERVATION = (
    "id", "company_id", "holder", "sku_id", "node_id", "owner_id", "channel_id", "quantity", "expires_at", "kind",
    "reserved_at", "fenced", "order_id",
)  # fmt: skip
_UNITS = _RESERVATION.index("quantity")

_OF_HOLDERS = """
FROM unnest(%(companies)s::smallint[], %(holders)s::text[], %(skus)s::uuid[]) AS d(company, holder, sku)
JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = d.company AND r.sku_id = d.sku
"""

_LOCK_OF_HOLDERS = f"""
SELECT FROM stock_position WHERE (sku_id, node_id, owner_id) IN (
    SELECT r.sku_id, r.node_id, r.owner_id {_OF_HOLDERS})
ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

# In id order, as everybody locks them: `keep_for_orders` locks no position before.
_RESERVED = f"""
WITH locked AS MATERIALIZED (SELECT r.* {_OF_HOLDERS} ORDER BY r.id FOR UPDATE OF r)
SELECT DISTINCT id, company_id::int, holder, sku_id, node_id, owner_id::int, channel_id, quantity, expires_at, kind,
       reserved_at, fenced, order_id
FROM locked ORDER BY order_id, id
"""

_LESS = """
WITH less AS (
    UPDATE stock_reservation AS r SET quantity = r.quantity - d.units, fenced = r.fenced - d.fenced
    FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(fenced)s::int[]) AS d(id, units, fenced)
    WHERE r.id = d.id AND r.quantity > d.units
)
DELETE FROM stock_reservation AS r USING unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units)
WHERE r.id = d.id AND r.quantity = d.units
"""
