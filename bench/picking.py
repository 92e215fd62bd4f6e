"""Routes and batches: how long they take, and how far pickers walk on published instances."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from entrepot.kernel.cause import Cause
    from entrepot.warehouse.batching import Floor
    from entrepot.warehouse.routing import Layout, Spot

INSTANCES = Path(__file__).parents[2] / "shared/data/warehouse/order_batching"
PICKS, AISLES, CELLS = 60, 25, 50
ROUTES = 40_000
"""Worked out by the search for a batch of orders: its budget."""


def a_tour(seed: int, blocks: int) -> tuple[Layout, list[Spot]]:
    """60 picks anywhere in 25 aisles, 5 apart, of 50 cells in each block; the depot stands at the left of the front."""
    from entrepot.warehouse.routing import Layout, Spot

    dice = random.Random(seed)
    layout = Layout(
        tuple(float(5 * i) for i in range(AISLES)),
        tuple(float((CELLS + 2) * i) for i in range(blocks + 1)),
        (0.0, 0.0),
    )
    cells = [1.0 + (CELLS + 2) * block + cell for block in range(blocks) for cell in range(CELLS)]
    return layout, [Spot(dice.randrange(AISLES), dice.choice(cells)) for _ in range(PICKS)]


def routed(blocks: int, times: int) -> list[float]:
    """Seconds of the processor that each of some shortest routes takes."""
    from entrepot.warehouse.routing import route

    took = []
    for seed in range(times):
        layout, spots = a_tour(seed, blocks)
        began = time.process_time()
        route(layout, spots)
        took.append(time.process_time() - began)
    return took


def batched(floor: Floor) -> tuple[float, float, float, float]:
    """Seconds of the processor, the way of all carts, that of carts filled as orders came and walked in S-shape, and a
    bound."""
    from entrepot.warehouse.batching import as_they_came, batched, bound
    from entrepot.warehouse.routing import route

    began = time.process_time()
    groups = batched(floor, ROUTES, random.Random(1))
    took = time.process_time() - began
    before = sum(
        route(
            floor.layout, [spot for load in sorted(group) for spot in floor.loads[load].spots], "s_shape"
        ).length
        for group in as_they_came(floor)
    )
    return took, floor.total(groups), before, bound(floor)


def wave(lines: int) -> dict[str, float]:
    """Seconds to let orders of three lines wait, to propose a wave of all of one node, and to release it."""
    from bench import house, walk
    from entrepot.network import queries as network
    from entrepot.warehouse.commands.propose_wave import ProposeWave, WaveProposed, propose_wave
    from entrepot.warehouse.commands.release import ReleaseOrder
    from entrepot.warehouse.commands.stream import stream
    from entrepot.warehouse.commands.waves import ReleaseWave, WaveReleased, release_wave

    house.fresh()
    ours = walk.Ours(2 * lines // walk.LINES, 1_000)
    node = network.nodes(company=house.COMPANY)[0]
    _gathers(ours.cause, node.id, node.code)
    took = dict.fromkeys(("stream", "propose", "release"), 0.0)
    for batch in range(len(ours.requests)):
        ours.place(batch)
        ours.allocate(batch)
        began = time.perf_counter()
        stream(ours.cause, requests=[ReleaseOrder(order) for order in ours.orders[batch]])
        took["stream"] += time.perf_counter() - began
    began = time.perf_counter()
    (proposed,) = propose_wave(ours.cause, requests=[ProposeWave(node.id, lines_max=lines)])
    took["propose"] = time.perf_counter() - began
    assert isinstance(proposed, WaveProposed), proposed
    began = time.perf_counter()
    (released,) = release_wave(ours.cause, requests=[ReleaseWave(proposed.wave)])
    took["release"] = time.perf_counter() - began
    assert isinstance(released, WaveReleased), released
    assert released.left_out == 0
    return {**took, "lines": proposed.lines}


def _gathers(cause: Cause, node: UUID, code: str) -> None:
    """The node's 40 bins stand at 10 aisles of 20 m, and it gathers waves."""
    from bench import house
    from entrepot.kernel.command import whole
    from entrepot.kernel.policies import SetPolicy, set_policy
    from entrepot.network import queries as network
    from entrepot.network.commands import register
    from entrepot.warehouse.waves import Waves

    register.register_layouts(
        cause, requests=[register.RegisterLayout(node, tuple(range(0, 50, 5)), (0, 20))]
    )
    moved = [
        register.RegisterBin(
            house.COMPANY, node, bin_.code, bin_.kind, None, bin_.pick_sequence, i % 10 * 5, 2 + i // 10 * 4
        )
        for i, bin_ in enumerate(network.bins(nodes=[node], kinds=("pick", "reserve")))
    ]
    register.register_bins(cause, requests=moved)
    body = Waves(mode="waves", lines_max=100_000, pickers=10_000, packing_stations=10_000)
    whole(set_policy(cause, requests=[SetPolicy(house.COMPANY, "warehouse.waves", body, house.AT, code)]))


def published(orders: int | None = None) -> Iterator[tuple[str, Floor]]:
    """Instances by name, of all sizes or one; none where the files are not there."""
    for path in sorted(INSTANCES.glob("Albareda/W*/*/*pedido*.txt")):
        if orders in (None, int(path.parent.name)):
            yield f"{path.parts[-3]}/{path.parts[-2]}/{path.stem[-3:]}", _albareda(path)
    for path in sorted(INSTANCES.glob("W5A_Henn/*/*-*.txt")):
        if orders in (None, int(path.name.split("-")[1])):
            yield f"{path.parent.name}/{path.stem}", _henn(path)


def _albareda(path: Path) -> Floor:
    """Aisles with their distance from the depot and its side, their length, and items by aisle and place along it."""
    from entrepot.warehouse.batching import Cart, Floor, Load
    from entrepot.warehouse.routing import Layout, Spot

    lines = path.with_name(path.name.replace("pedido", "layout")).read_text().splitlines()
    rows = [line.split() for line in lines[17:] if len(line.split()) == 4]
    long, cart = float(lines[7].split()[0]), round(float(lines[11]))
    xs = {int(aisle): float(away) * (int(side) or 1) for aisle, away, _, side in rows}
    ranks = {aisle: rank for rank, aisle in enumerate(sorted(xs, key=lambda one: xs[one]))}
    layout = Layout(tuple(sorted(xs.values())), (0.0, long), (0.0, 0.0))
    words = iter(path.read_text().splitlines()[3:])
    loads = []
    for head in words:
        if len(head.split()) != 2:
            break
        items = [next(words).split() for _ in range(int(head.split()[1]))]
        spots = tuple(Spot(ranks[int(aisle)], float(y)) for aisle, _, y, _, _ in items)
        loads.append(Load(spots, round(sum(float(weight) for *_, weight, _ in items))))
    return Floor(layout, loads, Cart(items=cart))


def _henn(path: Path) -> Floor:
    """Cells of length 1 on both sides of 10 aisles, numbered by side; the depot stands before the leftmost aisle, and
    the first cell is one length from the cross-aisle."""
    from entrepot.warehouse.batching import Cart, Floor, Load
    from entrepot.warehouse.routing import Layout, Spot

    setting = path.with_name(f"sett{path.name.split('-')[0].rstrip('sl')}.txt")
    facts = dict(line.split(":", 1) for line in setting.read_text().splitlines() if ":" in line)
    number = {name.rstrip("_"): float(value) for name, value in facts.items() if value.strip()[0].isdigit()}
    apart = 2 * number["cell_width"] + number["aisle_widt"]
    aisles, cells, cell = int(number["no_aisles"]), int(number["no_cells"]), number["cell_lengt"]
    layout = Layout(
        tuple(apart * i for i in range(aisles)), (0.0, cell * (cells + 1)), (0.0, -number["dis_ais_wa"])
    )
    loads: list[list[Spot]] = []
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:1] == ["Order"]:
            loads.append([])
        elif words[1:2] == ["Aisle"]:
            loads[-1].append(Spot(int(words[2]) // 2, cell * (int(words[4]) + 1)))
    cart = Cart(items=int(path.name.split("-")[2]))
    return Floor(layout, [Load(tuple(spots), len(spots)) for spots in loads], cart)
