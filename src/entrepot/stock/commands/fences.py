"""What promises and reservations take out of ring-fences."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from entrepot.kernel import sql


def use_fences(used: Mapping[tuple[UUID, UUID, int, UUID], int]) -> None:
    """Units by SKU, node, owner and channel that leave the ring-fence of the channel, or come back to it where they are
    below zero. For a caller that has locked the positions. 1 statement; none for nothing."""
    if used:
        rows = [(*key, units) for key, units in used.items()]
        sql.run(_USE, sql.columns(("skus", "nodes", "owners", "channels", "units"), rows))


_USE = """
UPDATE stock_ringfence AS f SET used = f.used + d.units
FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(channels)s::uuid[], %(units)s::int[])
     AS d(sku, node, owner, channel, units)
WHERE f.sku_id = d.sku AND f.node_id = d.node AND f.owner_id = d.owner AND f.channel_id = d.channel
"""
