"""Buckets that picks are planned from, kept up to date while a batch is planned: under lock, or only looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from uuid import UUID

from entrepot.catalog import queries as catalog
from entrepot.stock.commands.fulfill import Pickable, lock_pickable
from entrepot.warehouse import rules


def sizes_of(skus: Collection[UUID]) -> dict[UUID, list[int]]:
    """The units of the cases and pallets of SKUs that have some. One statement."""
    return {sku: [one.units for one in found] for sku, found in catalog.packagings(skus).items()}


Picks = list[tuple[Pickable, int]]


class Shelves:
    """Buckets in pick order by (SKU, node), and what each has left; `sizes` are the units of the cases and pallets of
    SKUs. One statement."""

    def __init__(
        self,
        pairs: Iterable[tuple[UUID, UUID]],
        today: date,
        load: Callable[[Iterable[tuple[UUID, UUID]]], list[Pickable]] = lock_pickable,
        sizes: Mapping[UUID, Collection[int]] = MappingProxyType({}),
    ) -> None:
        self._sizes = sizes
        by_pair: dict[tuple[UUID, UUID], list[Pickable]] = defaultdict(list)
        self.left: dict[UUID, int] = {}
        for shelf in load(pairs):
            by_pair[shelf.sku, shelf.node].append(shelf)
            self.left[shelf.bucket] = shelf.free
        self._sorted = {pair: rules.in_pick_order(found, today) for pair, found in by_pair.items()}

    def pieces(self, shelf: Pickable, units: int) -> int:
        """Pieces that units of a shelf are handled in: whole cases and pallets only where they stand in reserve."""
        sizes = self._sizes.get(shelf.sku, ()) if shelf.bin_kind == "reserve" else ()
        return rules.pieces_handled(units, sizes)

    def plan(self, sku: UUID, node: UUID, units: int, doubtful: Collection[UUID] = ()) -> tuple[Picks, int]:
        """Take units off the shelves; how many could not be found comes second. From `doubtful` bins only what is
        nowhere else."""
        shelves = sorted(self._sorted.get((sku, node), ()), key=lambda shelf: shelf.bin in doubtful)
        picks, nowhere = rules.plan_picks(units, shelves, self.left, self._sizes.get(sku, ()))
        for shelf, taken in picks:
            self.left[shelf.bucket] -= taken
        return picks, nowhere
