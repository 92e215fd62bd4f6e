"""The fewest and least cartons for some goods, by trying all: what the packer is measured by.

It shares the words of the packer and none of its thoughts, but takes a packing that the packer found and the verifier
passed for proof that there is one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from math import factorial, gcd
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import IntVar

    from entrepot.warehouse.cartons import Carton, Item

DIVISIONS_MAX = 100_000
"""Ways to divide goods among cartons that are looked at: where there are more, nobody knows."""
QUESTIONS = 20
"""So many times as long as for one question is asked about some goods in all."""


class Least(NamedTuple):
    """Cartons and their volume: of the best that is proved possible, and of what nobody has proved impossible. The two
    are the same where the solver had time enough."""

    cartons: int
    volume: int
    maybe_cartons: int
    maybe_volume: int

    @property
    def is_certain(self) -> bool:
        return (self.cartons, self.volume) == (self.maybe_cartons, self.maybe_volume)


def least(
    items: Sequence[Item], cartons: Sequence[Carton], ours: tuple[int, int], seconds: float, support: int
) -> Least:
    """The fewest cartons for all items, and of these the least volume, `ours` being possible. `seconds` are for each
    question whether a carton holds some of them."""
    oracle = _Oracle(items, sorted(cartons, key=lambda carton: carton.volume_mm3), seconds, support)
    maybe: tuple[int, int] | None = None
    for count in range(1, ours[0] + 1):
        below = ours[1] if count == ours[0] else None
        found, possible = oracle.divided(count, below)
        if possible and maybe is None:
            maybe = (count, possible)
        if found:
            return Least(count, found, *(maybe or (count, found)))
    return Least(*ours, *(maybe or ours))


class _Oracle:
    """Whether cartons hold parts of the goods; each part is a set of bits, and nothing is asked twice."""

    def __init__(
        self, items: Sequence[Item], cartons: Sequence[Carton], seconds: float, support: int
    ) -> None:
        self.items, self.cartons, self.seconds, self.support = items, cartons, seconds, support
        self.known: dict[tuple[int, int], bool | None] = {}
        self.until = time.monotonic() + QUESTIONS * seconds

    def divided(self, count: int, below: int | None) -> tuple[int, int]:
        """The least volume of so many cartons that hold all of it, and that of what is not proved impossible; 0: none,
        or none `below` a volume."""
        if count ** len(self.items) > DIVISIONS_MAX * factorial(count):
            return 0, min(below or 1 << 60, sum(item.volume_mm3 for item in self.items))
        heap = [
            (self._volume(sizes), parts, sizes)
            for parts in _parts((1 << len(self.items)) - 1, count)
            if all(sizes := tuple(self._next(part, 0) for part in parts))
        ]
        heapify(heap)
        possible = 0
        while heap:
            volume, parts, sizes = heappop(heap)
            if below is not None and volume >= below:
                break
            if time.monotonic() > self.until:
                return 0, possible or volume
            answers = [self.holds(part, size - 1) for part, size in zip(parts, sizes, strict=True)]
            if all(answers):
                return volume, possible or volume
            if False not in answers:
                possible = possible or volume
            worse = answers.index(False if False in answers else None)
            larger = self._next(parts[worse], sizes[worse])
            if larger:
                then = (*sizes[:worse], larger, *sizes[worse + 1 :])
                heappush(heap, (self._volume(then), parts, then))
        return 0, possible

    def _volume(self, sizes: Sequence[int]) -> int:
        return sum(self.cartons[size - 1].volume_mm3 for size in sizes)

    def _next(self, part: int, after: int) -> int:
        """The next carton, counted from 1, that is not too small at first sight; 0: there is none."""
        for size in range(after, len(self.cartons)):
            if self.may_hold(part, size):
                return size + 1
        return 0

    def of(self, part: int) -> list[Item]:
        return [item for i, item in enumerate(self.items) if part >> i & 1]

    def may_hold(self, part: int, size: int) -> bool:
        goods, carton = self.of(part), self.cartons[size]
        if sum(item.volume_mm3 for item in goods) > carton.volume_mm3:
            return False
        return sum(item.weight_g for item in goods) <= carton.max_weight_g and all(_ways(goods, carton))

    def holds(self, part: int, size: int) -> bool | None:
        """Whether a carton holds a part; None: the solver's time was over before it knew."""
        if (part, size) not in self.known:
            self.known[part, size] = self._answer(part, size)
        return self.known[part, size]

    def _answer(self, part: int, size: int) -> bool | None:
        from entrepot.warehouse.cartons import impossible, propose

        for (other, tried), answer in self.known.items():
            if tried == size and answer is not None:
                if answer and part & other == part:
                    return True
                if not answer and part & other == other:
                    return False
        goods, carton = self.of(part), self.cartons[size]
        ours = propose(goods, [carton], support=self.support)
        if len(ours.packed) == 1 and not impossible(goods, ours, self.support):
            return True
        return fits(goods, carton, self.seconds, self.support)


def _parts(whole: int, count: int) -> Iterator[tuple[int, ...]]:
    """Every way to divide a set of bits, each once: the first part has the lowest bit of what is left."""
    if count == 1:
        yield (whole,)
        return
    first = whole & -whole
    rest = whole ^ first
    part = rest
    while True:
        left = rest ^ part
        if left.bit_count() >= count - 1:
            for others in _parts(left, count - 1):
                yield (first | part, *others)
        if not part:
            return
        part = (part - 1) & rest


def _ways(items: Sequence[Item], carton: Carton) -> list[list[tuple[int, int, int]]]:
    from entrepot.warehouse.cartons.problem import turned

    room = carton[1:4]
    return [
        [way for way in turned(item) if all(a <= b for a, b in zip(way, room, strict=True))] for item in items
    ]


def fits(items: Sequence[Item], carton: Carton, seconds: float, support: int) -> bool | None:
    """Whether a constraint solver finds room for all items in a carton, as the packer's rules ask, on the grid of their
    common measure; None where its time was over."""
    loose = _Model(items, carton).solve(seconds)
    if not loose or not support:
        return loose
    model = _Model(items, carton)
    model.carry(support)
    return model.solve(seconds)


class _Model:
    """Boxes in a box, none of which overlap, with nothing above what is fragile."""

    def __init__(self, items: Sequence[Item], carton: Carton) -> None:
        from ortools.sat.python import cp_model

        step = gcd(*(side for item in items for side in item[:3]))
        self.items, self.room = items, [side // step for side in carton[1:4]]
        self.model = cp_model.CpModel()
        self.base, self.corners, self.sizes = [], [], []
        for options in _ways(items, carton):
            ways = [[side // step for side in way] for way in options]
            chosen = [self.model.new_bool_var("") for _ in ways]
            self.model.add_exactly_one(chosen)
            size = [self.model.new_int_var(0, self.room[axis], "") for axis in range(3)]
            corner = [self.model.new_int_var(0, self.room[axis], "") for axis in range(3)]
            for axis in range(3):
                turned = sum(on * way[axis] for on, way in zip(chosen, ways, strict=True))
                self.model.add(size[axis] == turned)
                self.model.add(corner[axis] + size[axis] <= self.room[axis])
            self.base.append(sum(on * way[0] * way[1] for on, way in zip(chosen, ways, strict=True)))
            self.corners.append(corner)
            self.sizes.append(size)
        self._apart()

    def _apart(self) -> None:
        for i in range(len(self.items)):
            for j in range(i):
                apart = []
                for one, other in ((i, j), (j, i)):
                    for axis in range(3):
                        if axis == 2 and self.items[one].fragile:
                            continue  # nothing stands above it
                        before = self.model.new_bool_var("")
                        end = self.corners[one][axis] + self.sizes[one][axis]
                        self.model.add(end <= self.corners[other][axis]).only_enforce_if(before)
                        apart.append(before)
                self.model.add_bool_or(apart)

    def carry(self, support: int) -> None:
        """Each item stands on the floor, or with so many percent of its base on others."""
        for i in range(len(self.items)):
            floor = self.model.new_bool_var("")
            self.model.add(self.corners[i][2] == 0).only_enforce_if(floor)
            carried = [
                self._carried(i, j) for j in range(len(self.items)) if j != i and not self.items[j].fragile
            ]
            enough = 100 * sum(carried) >= support * self.base[i]
            self.model.add(enough if carried else self.corners[i][2] == 0).only_enforce_if(~floor)

    def _carried(self, i: int, j: int) -> IntVar:
        """The area with which one item stands on another, or less."""
        model, room = self.model, self.room
        on = model.new_bool_var("")
        model.add(self.corners[i][2] == self.corners[j][2] + self.sizes[j][2]).only_enforce_if(on)
        sides = []
        for axis in range(2):
            side = model.new_int_var(0, room[axis], "")
            one, other = self.corners[i][axis], self.corners[j][axis]
            model.add(side <= one + self.sizes[i][axis] - other).only_enforce_if(on)
            model.add(side <= other + self.sizes[j][axis] - one).only_enforce_if(on)
            model.add(side <= self.sizes[i][axis])
            model.add(side <= self.sizes[j][axis])
            model.add(side == 0).only_enforce_if(~on)
            sides.append(side)
        area = model.new_int_var(0, room[0] * room[1], "")
        model.add_multiplication_equality(area, sides)
        return area

    def solve(self, seconds: float) -> bool | None:
        from ortools.sat.python import cp_model

        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = 1
        status = solver.solve(self.model)
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return True
        return False if status == cp_model.INFEASIBLE else None
