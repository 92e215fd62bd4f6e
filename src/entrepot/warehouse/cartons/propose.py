"""Which cartons to take for some items, and where each item goes in them. Pure.

One carton where one holds all of it, the one of least cost and then of least volume; else as few as are found, of the
least cost and volume together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from entrepot.warehouse.cartons.problem import Carton, Item, Packed, Place, Proposal, turned
from entrepot.warehouse.cartons.search import search
from entrepot.warehouse.cartons.spaces import Fit, Score, fill, settled

FEW = 12
"""Items up to which all is tried: orders, mending them so many times, and then every packing in so many steps."""
TRIES = 20
STEPS = 600
SOME = 40
"""Items up to which several orders are tried; more are put in by one."""


def propose(items: Sequence[Item], cartons: Sequence[Carton], steps: int = STEPS) -> Proposal:
    """Cartons with the place of every item, hazardous items apart from others."""
    cartons = sorted(cartons, key=_by_cost)
    fit = [i for i, item in enumerate(items) if any(_alone(item, carton) for carton in cartons)]
    packed: list[Packed] = []
    for hazardous in (False, True):
        group = [i for i in fit if items[i].hazardous == hazardous]
        if group:
            packed += _pack(items, group, cartons, steps)
    here = set(fit)
    return Proposal(tuple(packed), tuple(i for i in range(len(items)) if i not in here))


def _by_cost(carton: Carton) -> tuple[int, int, str]:
    return carton.cost_minor, carton.volume_mm3, carton.code


def _alone(item: Item, carton: Carton) -> bool:
    """Whether a carton holds an item, were it the only one."""
    room = carton[1:4]
    return item.weight_g <= carton.max_weight_g and any(
        all(side <= inner for side, inner in zip(way, room, strict=True)) for way in turned(item)
    )


def _pack(items: Sequence[Item], group: list[int], cartons: Sequence[Carton], steps: int) -> list[Packed]:
    one = _single(items, group, cartons, steps)
    return [one] if one else _several(items, group, cartons, steps)


# ---- one carton


def _single(
    items: Sequence[Item], group: Sequence[int], cartons: Sequence[Carton], steps: int
) -> Packed | None:
    """The first carton that is found to hold all of a group."""
    volume = sum(items[i].volume_mm3 for i in group)
    weight = sum(items[i].weight_g for i in group)
    for carton in cartons:
        if volume > carton.volume_mm3 or weight > carton.max_weight_g:
            continue
        if all(_alone(items[i], carton) for i in group):
            places = _all_in(items, group, carton, steps)
            if places:
                return Packed(carton, settled(places))
    return None


def _all_in(items: Sequence[Item], group: Sequence[int], carton: Carton, steps: int) -> list[Place] | None:
    for order, score in _attempts(items, group):
        places = fill(carton, items, order, score)
        if len(places) == len(group):
            return places
    if not 1 < len(group) <= FEW:
        return None
    places = _mended(items, group, carton)
    if not places:
        found, _ = search(carton, [items[i] for i in group], steps)
        places = [place._replace(item=group[place.item]) for place in found or ()]
    return places or None


def _mended(items: Sequence[Item], group: Sequence[int], carton: Carton) -> list[Place]:
    """What finds no place goes first the next time, over and over; [] where that does not help."""
    for score in (_low, _tight):
        order = sorted(group, key=lambda i: (items[i].fragile, -items[i].volume_mm3))
        for _ in range(TRIES):
            places = fill(carton, items, order, score)
            if len(places) == len(group):
                return places
            order.insert(0, order.pop(len(places)))
    return []


def _attempts(
    items: Sequence[Item], group: Sequence[int]
) -> Iterator[tuple[list[int], Callable[[Fit], Score]]]:
    """Orders in which to put items in, and how to choose the place of each, the most promising first."""
    orders = [_by_volume, _by_side, _by_base, _by_height]
    tries = len(orders) if len(group) <= FEW else 2 if len(group) <= SOME else 1
    seen = set()
    for order in orders[:tries]:
        for last in (True, False):  # fragile items last, or in their turn
            row = sorted(
                group, key=lambda i: (last and items[i].fragile, *(-part for part in order(items[i])))
            )
            if tuple(row) in seen:
                continue
            seen.add(tuple(row))
            yield row, _low
            if len(group) <= SOME:
                yield row, _tight


def _by_volume(item: Item) -> Score:
    return item.volume_mm3, max(item[:3])


def _by_side(item: Item) -> Score:
    return (max(item[:3]), item.volume_mm3)


def _by_base(item: Item) -> Score:
    *_, second, first = sorted(item[:3])
    return (first * second, item.volume_mm3)


def _by_height(item: Item) -> Score:
    return (item.height_mm if item.upright else min(item[:3]), item.volume_mm3)


def _low(fit: Fit) -> Score:
    """Low, then far back, then left, lying flat."""
    x, y, z = fit.space[:3]
    return (z, y, x, fit.height, fit.width)


def _tight(fit: Fit) -> Score:
    """Where the least is left beside it."""
    x, y, z, to_x, to_y, to_z = fit.space
    left = sorted((to_x - x - fit.length, to_y - y - fit.width, to_z - z - fit.height))
    return (*left, z, y, x)


# ---- several


def _several(items: Sequence[Item], group: list[int], cartons: Sequence[Carton], steps: int) -> list[Packed]:
    """Cartons of one kind filled one after the other, the last as small as can be: of all kinds the best."""
    best: list[Packed] = []
    for carton in sorted(cartons, key=lambda carton: -carton.volume_mm3):
        found = _filled(items, group, carton, cartons, len(best))
        if found and (not best or _worth(found) < _worth(best)):
            best = found
    return [_smallest(items, one, cartons, steps) for one in best]


def _filled(
    items: Sequence[Item], group: list[int], carton: Carton, cartons: Sequence[Carton], most: int
) -> list[Packed]:
    """The group in cartons of one kind, but for what only others hold; [] where it takes more than `most` (0: any)."""
    packed: list[Packed] = []
    left = group
    while left:
        if most and len(packed) >= most:
            return []
        last = _single(items, left, cartons, 0) if packed else None
        one = (
            last
            or _fullest(items, left, carton)
            or _fullest(items, left, _least_for(items, left[0], cartons))
        )
        assert one is not None, "each item fits some carton alone"
        packed.append(one)
        inside = {place.item for place in one.places}
        left = [i for i in left if i not in inside]
    return packed


def _fullest(items: Sequence[Item], left: Sequence[int], carton: Carton) -> Packed | None:
    """As much as goes into one carton."""
    most: list[Place] = []
    best = 0
    for order, score in _attempts(items, left):
        places = fill(carton, items, order, score, skip=True)
        volume = sum(items[place.item].volume_mm3 for place in places)
        if volume > best:
            most, best = places, volume
    return Packed(carton, settled(most)) if most else None


def _least_for(items: Sequence[Item], i: int, cartons: Iterable[Carton]) -> Carton:
    return next(carton for carton in cartons if _alone(items[i], carton))


def _smallest(items: Sequence[Item], one: Packed, cartons: Sequence[Carton], steps: int) -> Packed:
    """The same contents in the carton of least cost that holds them."""
    cheaper = [carton for carton in cartons if _by_cost(carton) < _by_cost(one.carton)]
    return _single(items, [place.item for place in one.places], cheaper, steps) or one


def _worth(packed: Sequence[Packed]) -> tuple[int, int, int]:
    return (
        len(packed),
        sum(one.carton.cost_minor for one in packed),
        sum(one.carton.volume_mm3 for one in packed),
    )
