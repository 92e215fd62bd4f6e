"""What fills the room in a carton that its goods leave, so that they do not move. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from entrepot.warehouse.cartons import OWN, Carton, Item


class Dunnage(NamedTuple):
    """Room to be filled, and what the filling weighs."""

    ml: int = 0
    grams: int = 0


NONE = Dunnage()


def needed(carton: Carton, units: Iterable[tuple[Item, int]], from_percent: int, g_per_liter: int) -> Dunnage:
    """The dunnage of a carton with units, as (item, how many): nothing where less than `from_percent` of it is empty,
    where goods go as they are, where nobody fills (0 grams for each liter), or where somebody has not measured them.

    Never more than the carton may bear beside its goods.
    """
    goods = list(units)
    if not g_per_liter or carton.code == OWN or not all(item.volume_mm3 for item, count in goods if count):
        return NONE
    empty = carton.volume_mm3 - sum(item.volume_mm3 * count for item, count in goods)
    if empty <= 0 or empty * 100 < from_percent * carton.volume_mm3:
        return NONE
    bears = carton.max_weight_g - sum(item.weight_g * count for item, count in goods)
    grams = min(-(-empty * g_per_liter // 1_000_000), max(0, bears))
    return Dunnage(empty // 1_000, grams) if grams else NONE
