"""Whether a few items go into one carton at all: every order and every turn is tried, up to so many steps. Pure.

Pushed down, back and left, each item of a packing stands in the least corner of a space that the items before it leave.
So trying all items in all corners finds every packing that can be put in piece by piece, where nothing has to be
carried by what is below. Where it has, items stand over the corners of what carries them as well, and a packing that
needs one to stand between them is not found. Packings that differ only in the order of their pieces are looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from entrepot.warehouse.cartons.problem import SUPPORT_PERCENT, Carton, Item, Place, turned
from entrepot.warehouse.cartons.spaces import ANYWHERE, Fit, Space, Tops, fits, whole, without


class _OutOfSteps(Exception):  # noqa: N818  the end of a budget, not an error
    """So many packings were looked at that the rest is left."""


class _Search:
    def __init__(self, carton: Carton, items: Sequence[Item], steps: int, support: int) -> None:
        self.carton, self.steps, self.support = carton, steps, support
        self.alike: dict[Item, list[int]] = {}
        for i in sorted(range(len(items)), key=lambda i: -items[i].volume_mm3):
            like = items[i]._replace(kind="", weight_g=0)
            self.alike.setdefault(like, []).append(i)
        self.kinds = list(self.alike)
        self.ways = [turned(kind) for kind in self.kinds]
        self.seen: set[frozenset[tuple[int, Fit]]] = set()

    def run(self) -> list[Place] | None:
        left = [len(self.alike[kind]) for kind in self.kinds]
        found = self._go(whole(self.carton), left, [], Tops(self.support))
        if found is None:
            return None
        units = {kind: iter(self.alike[kind]) for kind in self.kinds}
        return [
            Place(next(units[self.kinds[k]]), *fit.space[:3], fit.length, fit.width, fit.height)
            for k, fit in found
        ]

    def _go(
        self, spaces: list[Space], left: list[int], stands: list[tuple[int, Fit]], tops: Tops
    ) -> list[tuple[int, Fit]] | None:
        if not any(left):
            return stands
        if not self._worth(spaces, left):
            return None
        for k, fit in self._next(spaces, left, tops):
            corner = Fit((*fit.space[:3], 0, 0, 0), *fit[1:])
            now = [*stands, (k, corner)]
            name = frozenset(now)
            if name in self.seen:
                continue
            self.seen.add(name)
            if self.steps <= 0:
                raise _OutOfSteps
            self.steps -= 1
            after = [n - (i == k) for i, n in enumerate(left)]
            least = min((min(self.kinds[i][:3]) for i, n in enumerate(after) if n), default=1)
            ceiling = self.carton.height_mm
            rest = without(spaces, fit, ceiling if self.kinds[k].fragile else None, least)
            found = self._go(rest, after, now, tops.and_of(fit))
            if found is not None:
                return found
        return None

    def _worth(self, spaces: list[Space], left: list[int]) -> bool:
        """Whether each kind that is left still has some place, were there something below it to stand on."""
        ceiling = self.carton.height_mm
        return all(
            next(fits(self.kinds[k], self.ways[k], spaces, ceiling, ANYWHERE), None) is not None
            for k, n in enumerate(left)
            if n
        )

    def _next(self, spaces: list[Space], left: list[int], tops: Tops) -> Iterator[tuple[int, Fit]]:
        """What may come next, the largest in the lowest corner first."""
        for k, n in enumerate(left):
            if n:
                found = fits(self.kinds[k], self.ways[k], spaces, self.carton.height_mm, tops)
                for fit in sorted(
                    found, key=lambda fit: (fit.space[2], fit.space[1], fit.space[0], fit.height)
                ):
                    yield k, fit


def search(
    carton: Carton, items: Sequence[Item], steps: int, support: int = SUPPORT_PERCENT
) -> tuple[list[Place] | None, bool]:
    """A packing of all items in a carton, or None; and whether all was looked at, or the steps were used up."""
    try:
        return _Search(carton, items, steps, support).run(), True
    except _OutOfSteps:
        return None, False
