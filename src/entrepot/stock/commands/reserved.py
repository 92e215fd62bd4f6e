"""What reservations count for on positions and ring-fences."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from entrepot.kernel import sql
from entrepot.stock.commands.fences import use_fences
from entrepot.stock.commands.mark import MARK_CHANGED


class Changes:
    """Units that reservations take, or give back where they are below zero, summed up and written at once.

    For a caller that has locked the positions. As with promises, units that came out of the channel's ring-fence leave
    it, so that they are not kept from the others twice.
    """

    def __init__(self) -> None:
        self._units: dict[tuple[UUID, UUID, int], list[int]] = defaultdict(lambda: [0, 0])
        self._fences: dict[tuple[UUID, UUID, int, UUID], int] = defaultdict(int)

    def add(self, sku: UUID, node: UUID, owner: int, channel: UUID, units: int, fenced: int) -> None:
        """`fenced` of the units are from the fence of the channel."""
        sums = self._units[sku, node, owner]
        sums[0] += units
        sums[1] += fenced
        if fenced:
            self._fences[sku, node, owner, channel] += fenced

    def write(self) -> None:
        """1 statement, 1 more where a fence is touched; none for nothing."""
        if self._units:
            rows = [(*key, *sums) for key, sums in self._units.items()]
            sql.run(_CHANGE, sql.columns(("skus", "nodes", "owners", "units", "fenced"), rows))
        use_fences(self._fences)


_CHANGE = f"""
WITH changed AS (
    UPDATE stock_position AS p SET reserved = p.reserved + d.units, fenced = p.fenced - d.fenced
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(units)s::int[], %(fenced)s::int[])
         AS d(sku, node, owner, units, fenced)
    WHERE p.sku_id = d.sku AND p.node_id = d.node AND p.owner_id = d.owner
    RETURNING p.sku_id, d.units < 0 AS freed
)
{MARK_CHANGED}
"""
