"""What of a position is kept back: safety stock for nobody, ring-fences for one channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.stock import errors
from entrepot.stock.commands.mark import MARK_CHANGED


@dataclass(frozen=True, slots=True)
class SetSafety:
    """Units of a SKU at a node that no channel may promise."""

    company: int
    sku: UUID
    node: UUID
    quantity: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SetRingFence:
    """Units of a SKU at a node that only one channel may promise, from now on."""

    company: int
    sku: UUID
    node: UUID
    channel: UUID
    quantity: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FloorSet:
    quantity: int


@command("stock.set_safety")
def set_safety(cause: Cause, /, *, requests: Sequence[SetSafety]) -> list[FloorSet | Refused]:
    """Set the safety stock of positions. What is promised already stays promised.

    Refuses: NotPlaceable. Again: sets the same. 1 statement.
    """
    rows = {(r.sku, r.node, r.company): r.quantity for r in requests if r.quantity >= 0}
    if rows:
        arrays = sql.columns(
            ("skus", "nodes", "owners", "units"), [(*key, units) for key, units in rows.items()]
        )
        sql.run(_SET_SAFETY, arrays)
    return [_answer(cause, r, "safety stock") for r in requests]


@command("stock.set_ring_fence")
def set_ring_fence(cause: Cause, /, *, requests: Sequence[SetRingFence]) -> list[FloorSet | Refused]:
    """Fence units for a channel; what the old fence still held is given up first.

    Locks: positions in key order. Refuses: NotPlaceable. Again: sets the same. 2 statements.
    """
    rows = {(r.sku, r.node, r.company, r.channel): r.quantity for r in requests if r.quantity >= 0}
    if rows:
        names = ("skus", "nodes", "owners", "channels", "units")
        arrays = sql.columns(names, [(*key, units) for key, units in rows.items()])
        sql.run(_ENSURE, arrays)
        sql.run(_SET_FENCE, arrays)
    return [_answer(cause, r, "ring-fence") for r in requests]


def _answer(cause: Cause, r: SetSafety | SetRingFence, what: str) -> FloorSet | Refused:
    if r.quantity < 0:
        return errors.NotPlaceable(field=what, expected="no negative quantity", found=r.quantity)
    payload = {"sku": r.sku, "node": r.node, "units": r.quantity}
    announce(cause, [Event(what, ids.uuid7(), r.company, after=str(r.quantity), payload=payload)])
    return FloorSet(r.quantity)


_SET_SAFETY = f"""
WITH changed AS (
    INSERT INTO stock_position (sku_id, node_id, owner_id, company_id, sellable, reserved, allocated, safety, fenced)
    SELECT sku, node, owner, owner, 0, 0, 0, units, 0
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(units)s::int[])
         AS d(sku, node, owner, units)
    ORDER BY sku, node, owner
    ON CONFLICT (sku_id, node_id, owner_id) DO UPDATE SET safety = excluded.safety
    RETURNING sku_id, true AS freed
)
{MARK_CHANGED}
"""

_ENSURE = """
WITH locked AS (
    INSERT INTO stock_position (sku_id, node_id, owner_id, company_id, sellable, reserved, allocated, safety, fenced)
    SELECT DISTINCT sku, node, owner, owner, 0, 0, 0, 0, 0
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[]) AS d(sku, node, owner)
    ORDER BY sku, node, owner
    ON CONFLICT (sku_id, node_id, owner_id) DO UPDATE SET safety = stock_position.safety
)
INSERT INTO stock_ringfence (sku_id, node_id, owner_id, channel_id, company_id, quantity, used)
SELECT sku, node, owner, channel, owner, 0, 0
FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(channels)s::uuid[])
     AS d(sku, node, owner, channel)
ON CONFLICT DO NOTHING
"""

_SET_FENCE = f"""
WITH d AS MATERIALIZED (
    SELECT f.sku_id, f.node_id, f.owner_id, f.channel_id, d.units, d.units - (f.quantity - f.used) AS more
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(channels)s::uuid[], %(units)s::int[])
         AS d(sku, node, owner, channel, units)
    JOIN stock_ringfence AS f ON (f.sku_id, f.node_id, f.owner_id, f.channel_id) = (sku, node, owner, channel)
    FOR UPDATE OF f
),
fence AS (
    UPDATE stock_ringfence AS f SET quantity = f.used + d.units FROM d
    WHERE (f.sku_id, f.node_id, f.owner_id, f.channel_id) = (d.sku_id, d.node_id, d.owner_id, d.channel_id)
), changed AS (
    UPDATE stock_position AS p SET fenced = p.fenced + d.more
    FROM (SELECT sku_id, node_id, owner_id, sum(more)::int AS more FROM d GROUP BY 1, 2, 3) AS d
    WHERE (p.sku_id, p.node_id, p.owner_id) = (d.sku_id, d.node_id, d.owner_id)
    RETURNING p.sku_id, true AS freed
)
{MARK_CHANGED}
"""
