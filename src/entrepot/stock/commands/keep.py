"""What was reserved for a cart stays reserved for its order, until it is promised or the order wants it no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.events import Event
from entrepot.stock.commands.reserved import Changes


class Keep(NamedTuple):
    """Units of a SKU that an order wants, of what a holder has reserved."""

    company: int
    holder: str
    sku: UUID
    order: UUID
    units: int


def keep_for_orders(cause: Cause, requests: Sequence[Keep]) -> None:
    """What a cart has reserved of an order's SKUs no longer expires: it is the order's. What it has reserved beyond
    stays the cart's, until its moment or until the order is allocated.

    What has expired counts as long as nobody has freed it; of two orders that name one cart, one gets it. The positions
    stay as they are, so none is locked: an expiry at the same time comes first, or finds nothing to free.
    Locks: the reservations in id order. 1 statement, none for nothing.
    """
    wanted: dict[tuple[int, str, UUID], list[object]] = {}
    for one in requests:
        mine = wanted.setdefault(one[:3], [one.order, 0])
        if mine[0] == one.order:
            mine[1] += one.units  # type: ignore[operator]
    if not wanted:
        return
    rows = [(*key, *rest) for key, rest in wanted.items()]
    kept = sql.run(_KEEP, sql.columns(("companies", "holders", "skus", "orders", "units"), rows))
    announce(
        cause,
        [
            Event("reservation", which, company, kind, "ordered", payload={"order": order, "units": units})
            for which, company, kind, order, units in kept
        ],
    )


class Wanted(NamedTuple):
    """Units of a SKU that an order still waits for, of those that are kept for it."""

    order: UUID
    sku: UUID
    units: int


def end_beyond(cause: Cause, wanted: Sequence[Wanted]) -> None:
    """Free what is kept for orders beyond what they still want of a SKU; what was reserved last goes first.

    Locks: the positions in key order, then the reservations in id order. None for nothing; 1 statement, and 2 or 3 more
    and the event's where something is kept.
    """
    arrays = sql.columns(("orders", "skus", "units"), wanted)
    if not wanted or not sql.run(_LOCK_OF_ORDERS, arrays):
        return
    changes, events = Changes(), []
    for which, order, sku, node, owner, channel, units, fenced, rest in sql.run(_END, arrays):
        changes.add(sku, node, owner, channel, -units, -fenced)
        payload = {"order": order, "units": units}
        after = KIND if rest else "ended"
        events.append(Event("reservation", which, owner, KIND, after, payload=payload))
    changes.write()
    announce(cause, events)


KIND = "order"
"""Of reservations that are kept for an order, and don't expire."""

# What an order does not want of a reservation goes on as one of the cart, with the same place and moment. What came out
# of the channel's ring-fence is kept first.
_KEEP = """
WITH d AS (
    SELECT * FROM unnest(%(companies)s::smallint[], %(holders)s::text[], %(skus)s::uuid[], %(orders)s::uuid[],
                         %(units)s::int[]) AS d(company, holder, sku, order_id, units)
), mine AS MATERIALIZED (
    SELECT r.*, d.order_id AS for_order, d.units AS wanted
    FROM d JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = d.company AND r.sku_id = d.sku
    WHERE r.order_id IS NULL ORDER BY r.id FOR UPDATE OF r
), kept AS MATERIALIZED (
    SELECT *, LEAST(quantity, wanted - before)::int AS units FROM (
        SELECT *, sum(quantity) OVER (PARTITION BY for_order, sku_id ORDER BY reserved_at, id) - quantity AS before
        FROM mine) AS counted
    WHERE before < wanted
), rest AS (
    INSERT INTO stock_reservation (id, company_id, sku_id, node_id, owner_id, channel_id, holder, quantity, fenced,
                                   expires_at, kind, reserved_at)
    SELECT gen_random_uuid(), company_id, sku_id, node_id, owner_id, channel_id, holder, quantity - units,
           GREATEST(0, fenced - units), expires_at, kind, reserved_at
    FROM kept WHERE quantity > units
)
UPDATE stock_reservation AS r
SET order_id = k.for_order, quantity = k.units, fenced = LEAST(k.fenced, k.units), kind = 'order', expires_at = NULL
FROM kept AS k WHERE r.id = k.id
RETURNING r.id, r.company_id::int, k.kind, k.for_order, r.quantity
"""

_LOCK_OF_ORDERS = """
SELECT 1 FROM stock_position WHERE (sku_id, node_id, owner_id) IN (
    SELECT r.sku_id, r.node_id, r.owner_id FROM unnest(%(orders)s::uuid[], %(skus)s::uuid[]) AS d(order_id, sku)
    JOIN stock_reservation AS r ON r.order_id = d.order_id AND r.sku_id = d.sku)
ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

# As `_KEEP`: what came out of the channel's ring-fence is kept first.
_END = """
WITH d AS (
    SELECT DISTINCT * FROM unnest(%(orders)s::uuid[], %(skus)s::uuid[], %(units)s::int[]) AS d(order_id, sku, wanted)
), mine AS MATERIALIZED (
    SELECT r.*, d.wanted FROM d JOIN stock_reservation AS r ON r.order_id = d.order_id AND r.sku_id = d.sku
    ORDER BY r.id FOR UPDATE OF r
), counted AS MATERIALIZED (
    SELECT *, GREATEST(0, LEAST(quantity, wanted - before))::int AS rest FROM (
        SELECT *, sum(quantity) OVER (PARTITION BY order_id, sku_id ORDER BY reserved_at, id) - quantity AS before
        FROM mine) AS m
), gone AS (
    DELETE FROM stock_reservation WHERE id IN (SELECT id FROM counted WHERE rest = 0)
), less AS (
    UPDATE stock_reservation AS r SET quantity = c.rest, fenced = LEAST(r.fenced, c.rest)
    FROM counted AS c WHERE r.id = c.id AND c.rest BETWEEN 1 AND c.quantity - 1
)
SELECT id, order_id, sku_id, node_id, owner_id::int, channel_id, quantity - rest, fenced - LEAST(fenced, rest), rest
FROM counted WHERE quantity > rest
"""
