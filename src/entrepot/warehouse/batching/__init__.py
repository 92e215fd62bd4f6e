"""Which loads go on one cart, so that all carts together walk little. Pure."""

from __future__ import annotations

from random import Random

from entrepot.warehouse.batching.bound import bound
from entrepot.warehouse.batching.first import as_they_came, by_savings, round_aisles, round_seeds
from entrepot.warehouse.batching.floor import Cart, Floor, Group, Load
from entrepot.warehouse.batching.search import searched

__all__ = ["Cart", "Floor", "Group", "Load", "as_they_came", "batched", "bound"]

MANY = 150
"""From so many loads on, groups begin with aisles in common: savings and seeds would need a route for every pair."""


def batched(floor: Floor, routes: int, chance: Random) -> list[Group]:
    """Groups that fit the cart, in the order of their first loads: the best of savings and seeds, improved with at most
    so many routes more. The same chance gives the same groups."""
    if len(floor.loads) < MANY:
        groups = min((by_savings(floor), round_seeds(floor)), key=floor.total)
    else:
        groups = round_aisles(floor)
    return sorted(searched(floor, groups, routes, chance), key=min)
