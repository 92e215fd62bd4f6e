"""Batches sourced as one problem: how long it takes, and how far from the best plan it can be at most."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.sourcing.joint import Problem, Solution

INSTANCES = Path(__file__).parents[2] / "shared/data/warehouse/facility_location_holmberg"
LINES, NODES, SKUS = 2_000, 50, 400
SECONDS = 5.0


def a_batch(seed: int) -> Problem:
    """Orders of one to three lines over a square of 100 by 100, SKUs of skewed demand at every node, full days.

    A shipment costs 300 and 8 for each unit of distance, a unit 20 to 60 at its node, and 3,000 where it is left out.
    Nodes may send a sixth more than is asked for in all, so that the near ones are short.
    """
    from entrepot.sourcing.joint import Line, Problem

    dice = random.Random(seed)
    wanted: list[tuple[int, int, int]] = []
    order = 0
    while len(wanted) < LINES:
        for _ in range(dice.choice((1, 1, 1, 2, 2, 3))):
            units = dice.choices((1, 2, 3), (80, 15, 5))[0]
            wanted.append((order, int(SKUS * dice.random() ** 1.5), units))
        order += 1
    nodes = [(100 * dice.random(), 100 * dice.random()) for _ in range(NODES)]
    homes = [(100 * dice.random(), 100 * dice.random()) for _ in range(order)]
    stock = {(sku, node): dice.randint(1, 6) for sku in range(SKUS) for node in range(NODES)}
    handling = [dice.randint(20, 60) for _ in range(NODES)]
    day = sum(units for *_, units in wanted) * 7 // (6 * NODES)
    return Problem(
        [
            Line(of, sku, units, tuple(cost * units for cost in handling), 3_000 * units)
            for of, sku, units in wanted
        ],
        [[300 + round(8 * ((x - a) ** 2 + (y - b) ** 2) ** 0.5) for a, b in nodes] for x, y in homes],
        stock,
        [day] * NODES,
        [0] * NODES,
    )


def solved(seed: int) -> tuple[float, Solution, float]:
    """Seconds, the plan, and what it saves of the greedy one's cost."""
    from entrepot.sourcing.joint import cost_of, greedy, solve

    batch = a_batch(seed)
    began = time.perf_counter()
    found = solve(batch, SECONDS - 0.5)
    took = time.perf_counter() - began
    rough = cost_of(batch, greedy(batch))
    return took, found, 1 - found.cost / rough


def published(name: str) -> Problem:
    """An instance of warehouses with a cost of opening and customers that are each served by one of them.

    The files hold: counts, capacities, costs of opening, demands, and the costs of serving, a row for each customer.
    """
    from entrepot.sourcing.joint import Line, Problem

    numbers = [round(float(word)) for word in (INSTANCES / name).read_text().split()]
    nodes, customers = numbers[:2]
    capacity, opening = numbers[2 : 2 + nodes], numbers[2 + nodes : 2 + 2 * nodes]
    demands = numbers[2 + 2 * nodes : 2 + 2 * nodes + customers]
    costs = numbers[2 + 2 * nodes + customers :]
    never = sum(opening) + sum(costs)
    rows = [tuple(costs[i * nodes : (i + 1) * nodes]) for i in range(customers)]
    return Problem(
        [Line(i, "it", demands[i], row, never) for i, row in enumerate(rows)],
        [[0] * nodes for _ in rows],
        {("it", node): units for node, units in enumerate(capacity)},
        capacity,
        opening,
    )


def gaps(seconds: float) -> dict[str, float]:
    """What a better plan could save at most, for each published instance; none where the files are not there."""
    from entrepot.sourcing.joint import solve

    names = sorted(path.name for path in INSTANCES.iterdir()) if INSTANCES.exists() else []
    return {name: solve(published(name), seconds).gap for name in names}
