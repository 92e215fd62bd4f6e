"""Whether a packing can be true. Pure, and apart from the packer: it shares its words with it, not its thoughts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from entrepot.warehouse.cartons.problem import SUPPORT_PERCENT, Item, Packed, Place, Proposal


def impossible(items: Sequence[Item], proposal: Proposal, support: int = SUPPORT_PERCENT) -> list[str]:
    """Sentences about what can't be so in a proposal; [] where all of it can be packed as it says.

    `support`: percent of its base that each item has to rest on something with.
    """
    counted = Counter([one.item for packed in proposal.packed for one in packed.places])
    counted.update(proposal.unfit)
    found = [f"item {i} is packed {n} times" for i, n in sorted(counted.items()) if n != 1]
    found += [f"item {i} is nowhere" for i in range(len(items)) if i not in counted]
    found += [f"item {i} is unknown" for i in sorted(counted) if not 0 <= i < len(items)]
    if found:
        return found
    for number, packed in enumerate(proposal.packed, 1):
        found += [
            f"carton {number} ({packed.carton.code}): {wrong}" for wrong in _of_carton(items, packed, support)
        ]
    return found


def _of_carton(items: Sequence[Item], packed: Packed, support: int) -> Iterator[str]:
    carton, places = packed
    if not places:
        yield "holds nothing"
    weight = sum(items[one.item].weight_g for one in places)
    if weight > carton.max_weight_g:
        yield f"holds {weight} g and may hold {carton.max_weight_g} g"
    if len({items[one.item].hazardous for one in places}) > 1:
        yield "holds hazardous items and others"
    for one in places:
        yield from _of_item(items[one.item], one, packed, support)
    for one, other in combinations(places, 2):
        if _meet(one, other):
            yield f"items {one.item} and {other.item} overlap"
        for lower, upper in ((one, other), (other, one)):
            if items[lower.item].fragile and _over(lower, upper):
                yield f"item {upper.item} stands above item {lower.item}, which is fragile"


def _of_item(item: Item, one: Place, packed: Packed, support: int) -> Iterator[str]:
    carton, places = packed
    if sorted(one[4:]) != sorted(item[:3]) or (item.upright and one.height != item.height_mm):
        yield f"item {one.item} can't stand as {one.length} × {one.width} × {one.height}"
    inside = (
        min(one.x, one.y, one.z) >= 0
        and one.x + one.length <= carton.length_mm
        and one.y + one.width <= carton.width_mm
        and one.z + one.height <= carton.height_mm
    )
    if not inside:
        yield f"item {one.item} stands out of it"
    if one.z:
        rests = _resting(one, places)
        if not rests:
            yield f"item {one.item} hangs in the air"
        elif rests * 100 < support * one.length * one.width:
            share = rests * 100 // (one.length * one.width)
            yield f"item {one.item} rests on {share} % of its base, {support} % are asked for"


def _resting(one: Place, places: Sequence[Place]) -> int:
    """The mm² of a base that lie on something: its pieces between all edges below, each of which is carried or not."""
    below = [lower for lower in places if lower.z + lower.height == one.z]
    xs = _cuts(one.x, one.length, [edge for low in below for edge in (low.x, low.x + low.length)])
    ys = _cuts(one.y, one.width, [edge for low in below for edge in (low.y, low.y + low.width)])
    return sum(
        (to_x - x) * (to_y - y)
        for x, to_x in pairwise(xs)
        for y, to_y in pairwise(ys)
        if any(
            low.x <= x and to_x <= low.x + low.length and low.y <= y and to_y <= low.y + low.width
            for low in below
        )
    )


def _cuts(start: int, side: int, edges: Sequence[int]) -> list[int]:
    """The ends of a side, and the edges that cross it."""
    return sorted({start, start + side, *(edge for edge in edges if start < edge < start + side)})


def _meet(one: Place, other: Place) -> bool:
    """Whether two boxes share space."""
    return all(
        one[axis] < other[axis] + other[axis + 3] and other[axis] < one[axis] + one[axis + 3]
        for axis in (1, 2, 3)
    )


def _over(lower: Place, upper: Place) -> bool:
    """Whether the second stands above the first, however far."""
    covers = all(
        lower[axis] < upper[axis] + upper[axis + 3] and upper[axis] < lower[axis] + lower[axis + 3]
        for axis in (1, 2)
    )
    return covers and upper.z >= lower.z + lower.height
