"""Cartons for orders of real measures: how long a proposal takes, whether one is ever impossible, and how far it is
from the least carton that an exact search finds."""

from __future__ import annotations

import csv
import gzip
import random
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.warehouse.cartons import Carton, Item

PRODUCTS = Path(__file__).parents[2] / "shared/data/transactions/olist/olist_products_full.csv.gz"
ITEMS_MAX = 12

SIZES = (
    (250, 180, 80), (320, 240, 140), (400, 300, 200), (450, 350, 280), (600, 400, 300), (600, 500, 450),
    (800, 600, 500), (1200, 350, 250),
)  # fmt: skip


def cartons() -> list[Carton]:
    """Eight sizes that cost the same, so that the least volume counts."""
    from entrepot.warehouse.cartons import Carton

    return [Carton(f"{a}×{b}×{c}", a, b, c, 30_000) for a, b, c in SIZES]


@cache
def products() -> tuple[tuple[int, int, int, int], ...]:
    """Length, width, height in mm and grams of each product that was measured; none where the file is not there."""
    if not PRODUCTS.exists():
        return ()
    found = []
    with gzip.open(PRODUCTS, "rt") as file:
        for row in csv.DictReader(file):
            said = [row[f"product_{name}"] for name in ("length_cm", "width_cm", "height_cm", "weight_g")]
            if all(said):
                length, width, height, weight = (float(word) for word in said)
                if min(length, width, height) > 0:
                    found.append((int(10 * length), int(10 * width), int(10 * height), int(weight)))
    return tuple(found)


def orders(count: int, seed: int) -> Iterator[list[Item]]:
    """Orders of 1 to 12 units drawn from the products: a seventh fragile, a fifth upright, a twentieth hazardous."""
    from entrepot.warehouse.cartons import Item

    dice, known = random.Random(seed), products()
    for _ in range(count):
        yield [
            Item(*dice.choice(known), dice.random() < 1 / 7, dice.random() < 1 / 5, dice.random() < 1 / 20)
            for _ in range(dice.randint(1, ITEMS_MAX))
        ]


def proposed(count: int, seed: int = 1) -> tuple[list[float], list[str]]:
    """Seconds of each proposal, and what the verifier has against any of them."""
    from entrepot.warehouse.cartons import impossible, propose

    known, took, wrong = cartons(), [], []
    for order in orders(count, seed):
        began = time.perf_counter()
        found = propose(order, known)
        took.append(time.perf_counter() - began)
        wrong += impossible(order, found)
    return took, wrong


def against_exact(count: int, seconds: float, seed: int = 2) -> tuple[int, int]:
    """The volume of the cartons proposed for orders, and of the least ones that a search of `seconds` for each single
    carton finds."""
    from entrepot.warehouse.cartons import propose

    known = sorted(cartons(), key=lambda carton: carton.volume_mm3)
    ours = best = 0
    for order in orders(count, seed):
        order = [item._replace(hazardous=False) for item in order]
        found = propose(order, known)
        if found.unfit:
            continue
        volume = sum(one.carton.volume_mm3 for one in found.packed)
        better = [carton for carton in known if carton.volume_mm3 < volume or len(found.packed) > 1]
        ours += volume
        best += next((carton.volume_mm3 for carton in better if holds(carton, order, seconds)), volume)
    return ours, best


def holds(carton: Carton, items: Sequence[Item], seconds: float) -> bool:
    """Whether a constraint solver finds room for all items in a carton, as the packer's rules ask."""
    from entrepot.warehouse.cartons.problem import turned

    if sum(item.volume_mm3 for item in items) > carton.volume_mm3:
        return False
    if sum(item.weight_g for item in items) > carton.max_weight_g:
        return False
    room = carton[1:4]
    ways = [
        [way for way in turned(item) if all(a <= b for a, b in zip(way, room, strict=True))] for item in items
    ]
    return all(ways) and _solved(room, items, ways, seconds)


def _solved(
    room: Sequence[int], items: Sequence[Item], ways: Sequence[Sequence[Sequence[int]]], seconds: float
) -> bool:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    corners, sizes = [], []
    for options in ways:
        chosen = [model.new_bool_var("") for _ in options]
        model.add_exactly_one(chosen)
        size = [sum(on * way[axis] for on, way in zip(chosen, options, strict=True)) for axis in range(3)]
        corner = [model.new_int_var(0, room[axis], "") for axis in range(3)]
        for axis in range(3):
            model.add(corner[axis] + size[axis] <= room[axis])
        corners.append(corner)
        sizes.append(size)
    for i in range(len(items)):
        for j in range(i):
            apart = []
            for one, other in ((i, j), (j, i)):
                for axis in range(3):
                    if axis == 2 and items[one].fragile:
                        continue  # nothing stands above it
                    before = model.new_bool_var("")
                    model.add(corners[one][axis] + sizes[one][axis] <= corners[other][axis]).only_enforce_if(
                        before
                    )
                    apart.append(before)
            model.add_bool_or(apart)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    return solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE)
