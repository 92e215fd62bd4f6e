"""The way of a picker: where the aisles are, and in which order to stop. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from entrepot.warehouse.routing import block, exact
from entrepot.warehouse.routing.improve import improved
from entrepot.warehouse.routing.layout import Layout, Route, Spot
from entrepot.warehouse.routing.simple import combined, largest_gap, return_, s_shape

__all__ = ["EXACT_CROSSINGS", "ROUTES", "Layout", "Route", "Spot", "distance", "route"]

EXACT_CROSSINGS = 4
"""Up to so many cross-aisles the shortest route is found exactly: with more, the states are too many for the time."""


def shortest(layout: Layout, spots: Sequence[Spot]) -> Route:
    """The shortest route with up to EXACT_CROSSINGS cross-aisles, else a short one."""
    if len(layout.cross) <= EXACT_CROSSINGS:
        return exact.shortest(layout, spots)
    found = improved(layout, spots), exact.shortest(layout.with_fewer(EXACT_CROSSINGS), spots)
    return min(found, key=lambda route: route.length)


def distance(layout: Layout, stops: Mapping[int, Sequence[float]]) -> float:
    """How long a route is at most that stops so in each aisle (both ascending): the shortest, by EXACT_CROSSINGS
    cross-aisles where there are more."""
    if len(layout.cross) == 2:
        return block.distance(layout, stops)
    return exact.distance(layout.with_fewer(EXACT_CROSSINGS), stops)


ROUTES: dict[str, Callable[[Layout, Sequence[Spot]], Route]] = {
    "shortest": shortest,
    "s_shape": s_shape,
    "return": return_,
    "largest_gap": largest_gap,
    "combined": combined,
}
"""By the name that a policy gives them."""


def route(layout: Layout, spots: Sequence[Spot], by: str = "shortest") -> Route:
    """The way by all spots, from the depot and back, by one of ROUTES."""
    return ROUTES[by](layout, spots)
