"""Groups to begin with: as they came, by savings, and round a seed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush

from entrepot.warehouse.batching.floor import Floor, Group


def as_they_came(floor: Floor) -> list[Group]:
    """Each cart takes the next loads as long as they fit."""
    groups: list[Group] = []
    for load in range(len(floor.loads)):
        if groups and floor.fits(groups[-1] | {load}):
            groups[-1] |= {load}
        else:
            groups.append(frozenset((load,)))
    return groups


def by_savings(floor: Floor) -> list[Group]:
    """Join the two groups whose joint route saves most against their own two, as long as any saves (Clarke and Wright,
    with savings worked out anew for what was joined)."""
    groups = dict(enumerate(frozenset((load,)) for load in range(len(floor.loads))))
    heap = [
        saving
        for one in groups
        for other in range(one)
        if (saving := _saving(floor, groups, other, one)) is not None
    ]
    heapify(heap)
    while heap:
        _, one, other = heappop(heap)
        if one not in groups or other not in groups:
            continue
        fresh = max(groups) + 1
        joined = groups.pop(one) | groups.pop(other)
        for third in groups:
            groups[fresh] = joined
            if (saving := _saving(floor, groups, third, fresh)) is not None:
                heappush(heap, saving)
            del groups[fresh]
        groups[fresh] = joined
    return list(groups.values())


def _saving(floor: Floor, groups: dict[int, Group], one: int, other: int) -> tuple[float, int, int] | None:
    """What joining two groups saves, as a negative number so that the most comes first; None where they can't be."""
    joined = groups[one] | groups[other]
    if not floor.fits(joined):
        return None
    saved = floor.length(groups[one]) + floor.length(groups[other]) - floor.length(joined)
    return (-saved, one, other) if saved > 0 else None


def round_seeds(floor: Floor) -> list[Group]:
    """Begin a cart with the load that alone goes farthest, and add what makes the route least longer, while it fits."""
    alone = [floor.length(frozenset((load,))) for load in range(len(floor.loads))]

    def nearest(group: Group, fitting: Sequence[int]) -> int:
        return min(fitting, key=lambda load: floor.length(group | {load}) - alone[load])

    return _grown(floor, sorted(range(len(alone)), key=lambda load: (-alone[load], load)), nearest)


def round_aisles(floor: Floor) -> list[Group]:
    """As `round_seeds`, by the number of aisles instead of the way: for many loads, without a single route. A cart
    begins with the load that goes deepest into the floor."""
    aisles = [sum(1 << aisle for aisle in stops) for stops in floor.stops]

    def nearest(group: Group, fitting: Sequence[int]) -> int:
        mask = 0
        for load in group:
            mask |= aisles[load]
        keys = [
            (aisles[load] & ~mask).bit_count() - (aisles[load] & mask).bit_count() / 1024 for load in fitting
        ]
        return fitting[keys.index(min(keys))]

    return _grown(floor, sorted(range(len(aisles)), key=lambda load: (-aisles[load], load)), nearest)


LOOKED_AT = 400
"""So many of the loads that wait are looked at for the next place on a cart."""
LOOKS = 1_000_000
"""So many looks are worth their time for all carts: of very many loads, each place looks at fewer."""
LOOKED_AT_LEAST = 24


def _grown(floor: Floor, loads: Sequence[int], nearest: Callable[[Group, Sequence[int]], int]) -> list[Group]:
    """Carts, each begun with the first that waits and filled with what is nearest to it."""
    groups = []
    looked_at = max(LOOKED_AT_LEAST, min(LOOKED_AT, LOOKS // (len(loads) or 1)))
    # Taken from the end: what is taken from the beginning of a list moves all the rest.
    waiting = list(reversed(loads))
    while waiting:
        seed = waiting.pop()
        group: Group = frozenset((seed,))
        room = floor.room(seed)
        while fitting := [load for load in reversed(waiting[-looked_at:]) if floor.has_room(room, load)]:
            best = nearest(group, fitting)
            del waiting[waiting.index(best, max(0, len(waiting) - looked_at))]
            group |= {best}
            room = floor.room(best, room)
        groups.append(group)
    return groups
