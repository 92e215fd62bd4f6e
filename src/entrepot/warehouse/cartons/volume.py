"""Cartons by volume and weight, for goods of which no places can be proposed; and what can't be in a carton. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from entrepot.kernel.errors import Said
from entrepot.warehouse.cartons.problem import OWN, Carton, Item

K = TypeVar("K")


class Filled(NamedTuple, Generic[K]):
    """A carton and the units in it, by key; None: what is in it fits none, and goes as it is."""

    carton: Carton | None
    units: Mapping[K, int]


def by_volume(goods: Sequence[tuple[K, Item, int]], cartons: Sequence[Carton]) -> list[Filled[K]]:
    """Goods (key, item, units) in as few cartons as their volumes and weights ask for, hazardous ones apart.

    The smallest carton that holds all; where none does, one as large as there is, and so on with the rest. Says nothing
    about how things stand in it: for goods that nobody has measured, or too many. A unit that no carton holds even
    alone goes by itself.
    """
    filled: list[Filled[K]] = []
    apart: list[Filled[K]] = []
    for hazardous in (False, True):
        left: list[tuple[K, Item, int]] = []
        for key, item, units in goods:
            if item.hazardous == hazardous and units:
                if any(holds(carton, item) for carton in cartons):
                    left.append((key, item, units))
                else:
                    apart += [Filled(None, {key: 1})] * units
        while left:
            carton = _next(left, cartons)
            inside, left = _fill(carton, left)
            filled.append(Filled(carton, inside))
    return filled + apart


def _next(left: Sequence[tuple[K, Item, int]], cartons: Sequence[Carton]) -> Carton:
    volume = sum(item.volume_mm3 * units for _, item, units in left)
    weight = sum(item.weight_g * units for _, item, units in left)
    fit = [
        carton
        for carton in cartons
        if volume <= carton.volume_mm3
        and weight <= carton.max_weight_g
        and all(holds(carton, item) for _, item, _ in left)
    ]
    if fit:
        return min(fit, key=lambda carton: (carton.volume_mm3, carton.cost_minor, carton.code))
    first = [carton for carton in cartons if holds(carton, left[0][1])]
    return max(first, key=lambda carton: (carton.volume_mm3, carton.max_weight_g, carton.code))


def _fill(
    carton: Carton, left: Sequence[tuple[K, Item, int]]
) -> tuple[dict[K, int], list[tuple[K, Item, int]]]:
    """What goes into a carton, in turn, and what does not."""
    inside: dict[K, int] = {}
    rest: list[tuple[K, Item, int]] = []
    volume, weight = carton.volume_mm3, carton.max_weight_g
    for key, item, units in left:
        count = units if holds(carton, item) else 0
        if item.volume_mm3:
            count = min(count, volume // item.volume_mm3)
        if item.weight_g:
            count = min(count, weight // item.weight_g)
        if count:
            inside[key] = count
            volume -= count * item.volume_mm3
            weight -= count * item.weight_g
        if count < units:
            rest.append((key, item, units - count))
    return inside, rest


def holds(carton: Carton, item: Item) -> bool:
    """Whether a carton could hold a unit, were it the only one, as far as its sides are known."""
    if item.weight_g > carton.max_weight_g:
        return False
    return all(side <= inner for side, inner in zip(sorted(item[:3]), sorted(carton[1:4]), strict=True))


def not_in(carton: Carton, goods: Iterable[tuple[Item, int]], weighed_g: int | None = None) -> Said | None:
    """Why goods can't be in a carton, or may not; None where they may. Only what is certain: what nobody has measured
    is taken to fit. `weighed_g`: what the scale says of all of it, with the carton.

    What goes in its own packaging has no carton that could be too small; but what is hazardous goes apart all the same.
    """
    here = [(item, units) for item, units in goods if units]
    hazards = sorted({item.kind for item, _ in here if item.hazardous})
    if hazards and any(not item.hazardous for item, _ in here):
        return Said("{0} is hazardous and goes apart from other goods", ", ".join(hazards))
    if carton.code == OWN:
        return None
    known_g = sum(item.weight_g * units for item, units in here)
    inside_g = known_g if weighed_g is None else weighed_g - carton.tare_g
    if inside_g > carton.max_weight_g:
        return Said("it may hold {0} g, these are {1} g", carton.max_weight_g, inside_g)
    for item, _ in here:
        if not holds(carton, item._replace(weight_g=0)):
            return Said(
                "{0} measures {1} × {2} × {3} mm, its inside is {4} × {5} × {6} mm", item.kind, *item[:3], *carton[1:4]
            )  # fmt: skip
    volume = sum(item.volume_mm3 * units for item, units in here)
    if volume > carton.volume_mm3:
        return Said("the goods take {0} cm³, it holds {1} cm³", -(-volume // 1000), carton.volume_mm3 // 1000)
    return None
