"""Batches sourced as one problem: how long it takes, and how far from the best plan it can be at most."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from entrepot.sourcing.batches import Member, Standing
    from entrepot.sourcing.joint import Problem, Solution

INSTANCES = Path(__file__).parents[2] / "shared/data/warehouse/facility_location_holmberg"
LINES, NODES, SKUS = 2_000, 50, 400
SECONDS = 5.0


@dataclass(frozen=True)
class Batch:
    """Orders as sourcing plans them together, and what they find."""

    members: list[Member]
    standing: Standing


def a_batch(seed: int) -> Batch:
    """Orders of one to three lines over a square of 100 by 100, SKUs of skewed demand at every node, full days.

    A shipment costs 300 and 8 for each unit of distance, a unit 20 to 60 at its node, and 3,000 where it is left out.
    Nodes may send a sixth more than is asked for in all, so that the near ones are short.
    """
    from entrepot.sourcing import batches, cost, rules
    from entrepot.stock.rules import Position

    dice = random.Random(seed)
    wanted: list[list[tuple[int, int]]] = []
    while sum(map(len, wanted)) < LINES:
        lines = []
        for _ in range(dice.choice((1, 1, 1, 2, 2, 3))):
            units = dice.choices((1, 2, 3), (80, 15, 5))[0]
            lines.append((int(SKUS * dice.random() ** 1.5), units))
        wanted.append(lines)
    places = [(100 * dice.random(), 100 * dice.random()) for _ in range(NODES)]
    homes = [(100 * dice.random(), 100 * dice.random()) for _ in wanted]
    nodes = [rules.Node(UUID(int=n), f"N{n}", "GB", 1) for n in range(NODES)]
    skus = [UUID(int=NODES + n) for n in range(SKUS)]
    positions = {(sku, node.id): Position(dice.randint(1, 6), 0, {}) for sku in skus for node in nodes}
    handling = [dice.randint(20, 60) for _ in range(NODES)]
    day = sum(units for lines in wanted for _, units in lines) * 7 // (6 * NODES)
    profile = rules.Profile(
        choose_by="cost", backorder_minor=3_000, units_per_day={node.code: day for node in nodes}, busy_days_max=0,
        busy_rule="hard",
    )  # fmt: skip
    sorted_out = rules.SortedOut(tuple(nodes), (), {}, {})
    free = {key: one.free for key, one in positions.items()}
    members = []
    for order, ((x, y), asked) in enumerate(zip(homes, wanted, strict=True)):
        lines_of = [
            rules.Line(UUID(int=10 * order + i), skus[sku], units) for i, (sku, units) in enumerate(asked)
        ]
        total = sum(line.quantity for line in lines_of)
        shipping = {
            node.id: cost.Shipping(300 + round(8 * ((x - a) ** 2 + (y - b) ** 2) ** 0.5), total * minor, 0)
            for node, (a, b), minor in zip(nodes, places, handling, strict=True)
        }
        grams = {line.id: line.quantity for line in lines_of}
        one = cost.Wanted(UUID(int=order), lines_of, grams, sorted_out, free, shipping, profile)
        members.append(batches.Member(one, UUID(int=0), profile.nodes_per_order_max))
    return Batch(members, batches.Standing(positions, {}, rules.Today(datetime(2026, 1, 1, tzinfo=UTC))))


def solved(seed: int) -> tuple[float, Solution, float]:
    """Seconds that the product takes for it, the plan, and what it saves of the cost of going one by one."""
    from entrepot.sourcing import batches

    batch = a_batch(seed)
    began = time.perf_counter()
    _, found = batches.solve_together(batch.members, batch.standing, SECONDS - 1)
    took = time.perf_counter() - began
    _, rough = batches.solve_together(batch.members, batch.standing, 0)
    return took, found, 1 - found.cost / rough.cost


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
