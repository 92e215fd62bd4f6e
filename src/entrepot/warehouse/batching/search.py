"""Better groups, by moving loads between carts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from random import Random

from entrepot.warehouse.batching.floor import Floor, Group

WARM, COLD = 0.05, 0.0005
"""Of the mean way of a cart: how much worse a move may be that is still tried, at the beginning and at the end."""
ENOUGH = 200
"""Routes for each load that worse moves need to lead anywhere; with fewer the search begins cooler."""
IDLE = 40
"""So many moves in a row without a new route, for each that may be tried, end the search: nothing new is left."""


def searched(floor: Floor, groups: Sequence[Group], routes: int, chance: Random) -> list[Group]:
    """The shortest groups found while loads are moved or exchanged at random, with at most so many new routes worked
    out. Worse moves are accepted ever less (simulated annealing)."""
    now = list(groups)
    if len(now) < 2 or routes <= 0:
        return now
    cart_of = {load: i for i, group in enumerate(now) for load in group}
    total = floor.total(now)
    best, shortest = list(now), total
    warm = (total / len(now) or 1.0) * WARM * min(1.0, routes / (ENOUGH * len(floor.loads)))
    began, idle = floor.routes, 0
    while (spent := floor.routes - began) < routes and idle < IDLE * len(floor.loads):
        known = floor.routes
        heat = warm * (COLD / WARM) ** (spent / routes)
        move = _propose(floor, now, cart_of, chance)
        if move is not None:
            i, j, one, other = move
            more = floor.length(one) + floor.length(other) - floor.length(now[i]) - floor.length(now[j])
            if more <= 0 or more < -heat * log(1 - chance.random()):
                now[i], now[j] = one, other
                cart_of.update(dict.fromkeys(one, i))
                cart_of.update(dict.fromkeys(other, j))
                total += more
                if total < shortest - 1e-9:
                    best, shortest = list(now), total
        idle = 0 if floor.routes > known else idle + 1
    return [group for group in best if group]


def _propose(
    floor: Floor, now: Sequence[Group], cart_of: dict[int, int], chance: Random
) -> tuple[int, int, Group, Group] | None:
    """Two carts and what they would hold after a load was moved, or two were exchanged; None where it does not fit."""
    load = chance.randrange(len(floor.loads))
    i = cart_of[load]
    if chance.random() < 0.5:
        j = chance.randrange(len(now))
        if i == j:
            return None
        one, other = now[i] - {load}, now[j] | {load}
        return (i, j, one, other) if floor.fits(other) else None
    swap = chance.randrange(len(floor.loads))
    j = cart_of[swap]
    if i == j:
        return None
    one, other = now[i] - {load} | {swap}, now[j] - {swap} | {load}
    return (i, j, one, other) if floor.fits(one) and floor.fits(other) else None
