"""Which cartons to take for some items, and where each item goes in them. Pure.

One carton where one holds all of it, the one of least cost and then of least volume; else as few as are found, of the
least cost and volume together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import combinations
from typing import NamedTuple

from entrepot.warehouse.cartons.problem import SUPPORT_PERCENT, Carton, Item, Packed, Place, Proposal, turned
from entrepot.warehouse.cartons.search import search
from entrepot.warehouse.cartons.spaces import Fit, Score, fill, settled

FEW = 12
"""Items up to which all is tried: orders, mending them so many times, and then every packing in so many steps."""
TRIES = 20
STEPS = 600
DIVISIONS = 60
"""Times that a part of few items is put into a carton to divide them better between two."""
SOME = 40
"""Items up to which several orders are tried; more are put in by one."""


class _Goods(NamedTuple):
    """All items, and how many percent of a base stand on something."""

    items: Sequence[Item]
    support: int


def propose(
    items: Sequence[Item], cartons: Sequence[Carton], steps: int = STEPS, support: int = SUPPORT_PERCENT
) -> Proposal:
    """Cartons with the place of every item, hazardous items apart from others. `support`: percent of its base that each
    item stands on something with."""
    cartons = sorted(cartons, key=_by_cost)
    fit = [i for i, item in enumerate(items) if any(_alone(item, carton) for carton in cartons)]
    packed: list[Packed] = []
    for hazardous in (False, True):
        group = [i for i in fit if items[i].hazardous == hazardous]
        if group:
            packed += _pack(_Goods(items, support), group, cartons, steps)
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


def _pack(goods: _Goods, group: list[int], cartons: Sequence[Carton], steps: int) -> list[Packed]:
    one = _single(goods, group, cartons, steps)
    return [one] if one else _several(goods, group, cartons, steps)


# ---- one carton


def _single(goods: _Goods, group: Sequence[int], cartons: Sequence[Carton], steps: int) -> Packed | None:
    """The first carton that is found to hold all of a group."""
    volume = sum(goods.items[i].volume_mm3 for i in group)
    weight = sum(goods.items[i].weight_g for i in group)
    for carton in cartons:
        if volume > carton.volume_mm3 or weight > carton.max_weight_g:
            continue
        if all(_alone(goods.items[i], carton) for i in group):
            places = _all_in(goods, group, carton, steps)
            if places:
                return Packed(carton, settled(places))
    return None


def _all_in(
    goods: _Goods, group: Sequence[int], carton: Carton, steps: int = 0, tries: int = TRIES
) -> list[Place] | None:
    for order, score in _attempts(goods, group):
        places = fill(carton, goods.items, order, score, goods.support)
        if len(places) == len(group):
            return places
    if not 1 < len(group) <= FEW:
        return None
    places = _mended(goods, group, carton, tries)
    if not places and steps:
        found, _ = search(carton, [goods.items[i] for i in group], steps, goods.support)
        places = [place._replace(item=group[place.item]) for place in found or ()]
    return places or None


def _mended(goods: _Goods, group: Sequence[int], carton: Carton, tries: int) -> list[Place]:
    """What finds no place goes first the next time, over and over; [] where that does not help."""
    for score in (_low, _tight):
        order = sorted(group, key=lambda i: (goods.items[i].fragile, -goods.items[i].volume_mm3))
        for _ in range(tries):
            places = fill(carton, goods.items, order, score, goods.support)
            if len(places) == len(group):
                return places
            order.insert(0, order.pop(len(places)))
    return []


def _attempts(goods: _Goods, group: Sequence[int]) -> Iterator[tuple[list[int], Callable[[Fit], Score]]]:
    """Orders in which to put items in, and how to choose the place of each, the most promising first."""
    orders = [_by_volume, _by_side, _by_base, _by_height]
    tries = len(orders) if len(group) <= FEW else 2 if len(group) <= SOME else 1
    seen = set()
    for order in orders[:tries]:
        for last in (True, False):  # fragile items last, or in their turn
            row = sorted(
                group,
                key=lambda i: (last and goods.items[i].fragile, *(-part for part in order(goods.items[i]))),
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


def _several(goods: _Goods, group: list[int], cartons: Sequence[Carton], steps: int) -> list[Packed]:
    """Cartons of one kind filled one after the other, the last as small as can be: of all kinds the best."""
    best: list[Packed] = []
    for carton in sorted(cartons, key=lambda carton: -carton.volume_mm3):
        found = _filled(goods, group, carton, cartons, len(best))
        if found and (not best or _worth(found) < _worth(best)):
            best = found
    best = [_smallest(goods, one, cartons, steps) for one in best]
    return _redivided(goods, best, cartons) if len(group) <= FEW else best


def _filled(
    goods: _Goods, group: list[int], carton: Carton, cartons: Sequence[Carton], most: int
) -> list[Packed]:
    """The group in cartons of one kind, but for what only others hold; [] where it takes more than `most` (0: any)."""
    packed: list[Packed] = []
    left = group
    while left:
        if most and len(packed) >= most:
            return []
        last = _single(goods, left, cartons, 0) if packed else None
        one = (
            last
            or _fullest(goods, left, carton)
            or _fullest(goods, left, _least_for(goods, left[0], cartons))
        )
        assert one is not None, "each item fits some carton alone"
        packed.append(one)
        inside = {place.item for place in one.places}
        left = [i for i in left if i not in inside]
    return packed


def _fullest(goods: _Goods, left: Sequence[int], carton: Carton) -> Packed | None:
    """As much as goes into one carton."""
    most: list[Place] = []
    best = 0
    for order, score in _attempts(goods, left):
        places = fill(carton, goods.items, order, score, goods.support, skip=True)
        volume = sum(goods.items[place.item].volume_mm3 for place in places)
        if volume > best:
            most, best = places, volume
    return Packed(carton, settled(most)) if most else None


def _least_for(goods: _Goods, i: int, cartons: Iterable[Carton]) -> Carton:
    return next(carton for carton in cartons if _alone(goods.items[i], carton))


def _smallest(goods: _Goods, one: Packed, cartons: Sequence[Carton], steps: int) -> Packed:
    """The same contents in the carton of least cost that holds them."""
    cheaper = [carton for carton in cartons if _by_cost(carton) < _by_cost(one.carton)]
    return _single(goods, [place.item for place in one.places], cheaper, steps) or one


def _redivided(goods: _Goods, packed: list[Packed], cartons: Sequence[Carton]) -> list[Packed]:
    """All of it in two cartons where that can be; else each two of the cartons divided anew, if that is worth more."""
    if len(packed) > 2:
        everything = [place.item for one in packed for place in one.places]
        two = _in_two(goods, everything, cartons, packed)
        if two:
            return two
    for pair in combinations(range(len(packed)), 2):
        before = [packed[i] for i in pair]
        after = _in_two(goods, [place.item for one in before for place in one.places], cartons, before)
        for i, one in zip(pair, after, strict=False):
            packed[i] = one
    return packed


class _Division(NamedTuple):
    """Two parts, each with the place of the carton that may hold it: those of least cost first, then the roomiest."""

    cost: int
    volume: int
    filled: float
    parts: tuple[int, int]
    sizes: tuple[int, int]


def _in_two(
    goods: _Goods, group: Sequence[int], cartons: Sequence[Carton], instead: Sequence[Packed]
) -> list[Packed]:
    """A group in two cartons that are worth more than those `instead`; [] where few tries find none."""
    room = _Room([goods.items[i] for i in group], cartons)
    whole = (1 << len(group)) - 1
    found = (room.division((part, whole ^ part), (0, 0)) for part in range(1, whole, 2))
    heap = [one for one in found if one]
    heapify(heap)
    tried = _Tried(goods, group, cartons)
    while heap and tried.left:
        best = heappop(heap)
        if (2, best.cost, best.volume) >= _worth(instead):
            break
        one = tried.put(best.parts[0], best.sizes[0])
        other = tried.put(best.parts[1], best.sizes[1]) if one else None
        if one and other:
            return [one, other]
        larger = room.division(best.parts, (best.sizes[0] + (not one), best.sizes[1] + bool(one)))
        if larger:
            heappush(heap, larger)
    return []


class _Tried:
    """Parts of a group that were put into cartons, in no more than `left` tries. What holds no part holds none that has
    more."""

    def __init__(self, goods: _Goods, group: Sequence[int], cartons: Sequence[Carton]) -> None:
        self.goods, self.group, self.cartons, self.left = goods, group, cartons, DIVISIONS
        self.full: dict[tuple[int, int], Packed] = {}
        self.failed: dict[int, list[int]] = {}

    def put(self, part: int, size: int) -> Packed | None:
        failed = self.failed.setdefault(size, [])
        if (part, size) in self.full or not self.left or any(part & less == less for less in failed):
            return self.full.get((part, size))
        self.left -= 1
        inside = [i for n, i in enumerate(self.group) if part >> n & 1]
        places = _all_in(self.goods, inside, self.cartons[size], tries=0)
        if not places:
            failed.append(part)
            return None
        self.full[part, size] = Packed(self.cartons[size], settled(places))
        return self.full[part, size]


class _Room:
    """Which parts of few items, as sets of bits, a carton may hold by what they weigh and measure."""

    def __init__(self, items: Sequence[Item], cartons: Sequence[Carton]) -> None:
        self.cartons = cartons
        self.volumes, self.weights = [0], [0]
        for item in items:
            self.volumes += [before + item.volume_mm3 for before in self.volumes]
            self.weights += [before + item.weight_g for before in self.weights]
        self.alone = [sum(1 << n for n, item in enumerate(items) if _alone(item, one)) for one in cartons]

    def division(self, parts: tuple[int, int], least: tuple[int, int]) -> _Division | None:
        """Two parts in the first cartons from `least` on that may hold them."""
        one, other = (self._next(part, size) for part, size in zip(parts, least, strict=True))
        if one is None or other is None:
            return None
        taken = (self.cartons[one], self.cartons[other])
        filled = max(
            self.volumes[part] / carton.volume_mm3 for part, carton in zip(parts, taken, strict=True)
        )
        cost, volume = (
            sum(each) for each in zip(*((c.cost_minor, c.volume_mm3) for c in taken), strict=True)
        )
        return _Division(cost, volume, filled, parts, (one, other))

    def _next(self, part: int, least: int) -> int | None:
        for size in range(least, len(self.cartons)):
            carton = self.cartons[size]
            if (
                self.volumes[part] <= carton.volume_mm3
                and self.weights[part] <= carton.max_weight_g
                and part & self.alone[size] == part
            ):
                return size
        return None


def _worth(packed: Sequence[Packed]) -> tuple[int, int, int]:
    return (
        len(packed),
        sum(one.carton.cost_minor for one in packed),
        sum(one.carton.volume_mm3 for one in packed),
    )
