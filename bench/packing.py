"""Cartons for orders of real measures: how long a proposal takes, whether one is ever impossible, and how far it is
from the fewest and least cartons that there can be."""

from __future__ import annotations

import csv
import gzip
import random
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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


class Compared(NamedTuple):
    """Goods of orders, and how many cartons they need at least; the volume of those proposed and of the least, and of
    how many goods the least was not proved: there it is what nobody proved impossible, to the packer's cost."""

    groups: int = 0
    cartons: int = 0
    ours: int = 0
    least: int = 0
    undecided: int = 0

    @property
    def over(self) -> float:
        """Percent by which the packer is above the least."""
        return 100 * (self.ours / self.least - 1) if self.least else 0.0


def against_exact(count: int, seconds: float, seed: int = 2) -> tuple[Compared, Compared]:
    """What is proposed for orders against the fewest cartons of least volume: of goods for which one is enough, and of
    those that need several. Hazardous goods of an order are goods by themselves, and what no carton holds is left out
    by both; `seconds` are for each question to the solver."""
    from bench.exact_packing import least
    from entrepot.warehouse.cartons import SUPPORT_PERCENT, propose

    known, found = cartons(), {False: Compared(), True: Compared()}
    for order in orders(count, seed):
        proposal = propose(order, known)
        for hazardous in (False, True):
            mine = [one for one in proposal.packed if order[one.places[0].item].hazardous is hazardous]
            if not mine:
                continue
            ours = (len(mine), sum(one.carton.volume_mm3 for one in mine))
            goods = [order[place.item] for one in mine for place in one.places]
            best = least(goods, known, ours, seconds, SUPPORT_PERCENT)
            before = found[best.maybe_cartons > 1]
            found[best.maybe_cartons > 1] = Compared(
                before.groups + 1, before.cartons + best.maybe_cartons, before.ours + ours[1],
                before.least + best.maybe_volume, before.undecided + (not best.is_certain),
            )  # fmt: skip
    return found[False], found[True]
