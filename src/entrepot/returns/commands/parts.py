"""Parts that work on returned goods uses up: which units of sellable stock they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.errors import NotFound, Refused
from entrepot.returns import errors, onward
from entrepot.returns.onward import Part, Stands
from entrepot.stock.commands.move import At
from entrepot.stock.rules import Positions


def places_of(parts: Iterable[tuple[UUID, int, Part]]) -> dict[tuple[UUID, UUID], list[At]]:
    """By node and SKU, where sellable units stand on shelves: what expires first, then the pick faces. 1 statement,
    none for no parts."""
    wanted = sorted({(node, company, part.sku) for node, company, part in parts})
    places: dict[tuple[UUID, UUID], list[At]] = defaultdict(list)
    if wanted:
        for row in sql.run(_PLACES, sql.columns(("nodes", "companies", "skus"), wanted)):
            places[row[1], row[0]].append(At(*row))
    return places


class Shelves:
    """Units of parts under lock that are free; they shrink as a batch is decided."""

    def __init__(
        self,
        places: Mapping[tuple[UUID, UUID], Sequence[At]],
        positions: Positions,
        there: dict[At, int],
        codes: Mapping[UUID, tuple[int, str]],
    ) -> None:
        self.places, self.there, self.codes = places, there, codes
        self.free = {(node, sku): max(0, one.free - one.fenced) for (sku, node), one in positions.items()}

    def draw(self, company: int, node: UUID, parts: Sequence[Part]) -> list[tuple[At, int]] | Refused:
        """Take all parts of a work order at its node, or none: what is promised or picked stays where it is."""
        refused = onward.misfit_parts(parts)
        if refused:
            return refused
        used: dict[At, int] = defaultdict(int)
        for part in parts:
            owner, code = self.codes.get(part.sku, (0, ""))
            if owner != company:
                return NotFound(what="SKU", which=str(part.sku))
            places = self.places.get((node, part.sku), [])
            before = sum(used[at] for at in places)
            drawn = onward.draw(
                part,
                [Stands(at.bin, at.lot, at.serial, self.there[at] - used[at]) for at in places],  # type: ignore[arg-type]
            )
            found = min(sum(units for _, units in drawn), self.free.get((node, part.sku), 0) - before)
            if found < part.quantity:
                return errors.NoParts(wanted=part.quantity, sku=code, free=max(0, found))
            for place, units in drawn:
                used[places[place]] += units
        for at, units in used.items():
            self.there[at] -= units
            self.free[node, at.sku] -= units
        return [(at, units) for at, units in used.items() if units]


_PLACES = """
SELECT b.sku_id, b.node_id, b.bin_id, b.owner_id::int, b.status, b.lot, b.serial
FROM unnest(%(nodes)s::uuid[], %(companies)s::smallint[], %(skus)s::uuid[]) AS d(node, company, sku)
JOIN stock_bucket AS b ON b.sku_id = d.sku AND b.node_id = d.node AND b.owner_id = d.company AND b.status = 'sellable'
JOIN network_bin AS bin ON bin.id = b.bin_id AND bin.kind IN ('pick', 'reserve')
WHERE b.quantity > b.committed
ORDER BY b.sku_id, b.expires_on, bin.kind <> 'pick', bin.pick_sequence, b.lot COLLATE "C", b.id
"""
