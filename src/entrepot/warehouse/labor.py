"""How long work takes: standard times fitted from history, and what of the backlog will miss its cut-off. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import combinations
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Meta

from entrepot.kernel.shapes import shape

STEPS = ("receive", "put_away", "move", "replenish", "count", "pick", "sort", "pack")
TASKS_MIN = 8
"""Observations that a standard needs: fewer say nothing."""

Count = Annotated[int, Meta(ge=0)]
Some = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class Shift:
    """Local times of a node between which people work; one that ends before it begins ends on the next day."""

    begins: time
    ends: time


SHIFTS = {
    "early": Shift(time(6), time(14)), "late": Shift(time(14), time(22)), "night": Shift(time(22), time(6)),
}  # fmt: skip
ROUND_THE_CLOCK = (Shift(time(0), time(0)),)
"""Of a node without shifts."""


@shape("warehouse.labor")
@dataclass(frozen=True, slots=True)
class Labor:
    """When people work at a node, and what of its history tells how long things take: its scope is the node's code,
    without one it is for all nodes. How many pick and pack, the policy `warehouse.waves` says."""

    shifts: Mapping[str, Shift] = field(default_factory=lambda: SHIFTS)
    """By name, as begins and ends; without any people work round the clock. What pickers and packing stations can do up
    to a cut-off is what they can in their shifts."""
    history_days: Some = 28
    """Days of history that standard times are fitted from."""
    idle_max_s: Some = 1_800
    """A longer pause since what somebody did before is no working time."""
    receivers: Count = 0
    """How many people receive and put away at a time, for what is to come in by day; 0 where nobody says."""


# ---- what is observed


class Observation(NamedTuple):
    """What somebody did at a node in one go: from their last report to this one."""

    step: str
    node: str
    person: str
    started_at: datetime
    finished_at: datetime
    lines: int
    units: int
    meters: int
    pieces: int = 0
    """Pieces that were handled, whole cases and pallets picked from reserve as one each; 0: each unit."""
    documents: int = 1  # orders, lists, receipts or counts

    @property
    def handled(self) -> int:
        return self.pieces or self.units

    @property
    def seconds(self) -> float:
        return (self.finished_at - self.started_at).total_seconds()


SEVERAL = 5
"""Lines of a task up to which they are several, and not many."""


PROFILES = ("one unit", "one line", "several lines", "many lines")
"""Kinds of work, by what a task has to do."""


def profile_of(lines: int, units: int) -> str:
    """What kind of work a task was, by its lines and units."""
    if units <= 1:
        return PROFILES[0]
    return PROFILES[1 if lines <= 1 else 2 if lines <= SEVERAL else 3]


class Done(NamedTuple):
    """Tasks alike that ended in one minute of the clock of their node: of `each` so many lines and units, where many
    are `SEVERAL` + 1 lines and 2 units; and what they come to."""

    step: str
    node: str
    clock: time
    each: tuple[int, int]
    tasks: int
    lines: int
    units: int
    seconds: float


def shift_of(clock: time, shifts: Mapping[str, Shift]) -> str:
    """The first shift that a time is in, by the clock of its node; '' for none."""
    return next((name for name, shift in shifts.items() if _within(clock, shift)), "")


def _within(clock: time, shift: Shift) -> bool:
    if shift.begins < shift.ends:
        return shift.begins <= clock < shift.ends
    return clock >= shift.begins or clock < shift.ends


@dataclass(frozen=True, slots=True)
class Throughput:
    """What was done of a kind of work in a shift, and how long it took in all."""

    step: str
    node: str
    shift: str
    profile: str
    tasks: int
    lines: int
    units: int
    seconds: int

    @property
    def lines_an_hour(self) -> float:
        return self.lines * 3600 / self.seconds if self.seconds else 0.0

    @property
    def units_an_hour(self) -> float:
        return self.units * 3600 / self.seconds if self.seconds else 0.0


def throughput(found: Iterable[Done], shifts: Mapping[str, Mapping[str, Shift]]) -> list[Throughput]:
    """Sums by step, node, shift and profile; `shifts` are by node."""
    sums: dict[tuple[str, str, str, str], list[float]] = {}
    for one in found:
        shift = shift_of(one.clock, shifts.get(one.node, SHIFTS))
        row = sums.setdefault((one.step, one.node, shift, profile_of(*one.each)), [0, 0, 0, 0])
        for place, figure in enumerate((one.tasks, one.lines, one.units, one.seconds)):
            row[place] += figure
    ordered = sorted(sums.items(), key=lambda pair: (STEPS.index(pair[0][0]), pair[0]))
    return [Throughput(*name, *map(round, row)) for name, row in ordered]


def by_step(rows: Iterable[Throughput]) -> list[Throughput]:
    """What was done of each step in all, in the order of the steps."""
    sums: dict[str, list[int]] = {}
    for one in rows:
        row = sums.setdefault(one.step, [0, 0, 0, 0])
        for place, figure in enumerate((one.tasks, one.lines, one.units, one.seconds)):
            row[place] += figure
    return [Throughput(step, "", "", "", *sums[step]) for step in STEPS if step in sums]


# ---- standard times


@dataclass(frozen=True, slots=True)
class Standard:
    """Seconds that a step takes: for each task, line, piece (a unit, or a case or pallet picked whole) and meter.
    `error_s` is how far a task is off on average."""

    fixed_s: float
    line_s: float
    unit_s: float
    meter_s: float
    tasks: int = 0
    error_s: float = 0.0

    def seconds(self, tasks: float, lines: float, pieces: float, meters: float = 0) -> float:
        return self.fixed_s * tasks + self.line_s * lines + self.unit_s * pieces + self.meter_s * meters


def fit(found: Sequence[Observation]) -> Standard | None:
    """The standard that is least off in squares, with no time below zero; None for too few tasks.

    What can't be told apart (pieces where each line has one) is taken as one: the earlier of fixed, line, piece, meter
    bears it.
    """
    if len(found) < TASKS_MIN:
        return None
    rows = [(1.0, float(one.lines), float(one.handled), float(one.meters)) for one in found]
    seconds = [one.seconds for one in found]
    solved = _least_squares(rows, seconds)
    if min(solved) < 0:  # then some are nothing; which ones, only a look at all ways tells
        solved = min(_without_some(rows, seconds), key=partial(_squares, rows, seconds))
    fixed_s, line_s, unit_s, meter_s = solved
    standard = Standard(fixed_s, line_s, unit_s, meter_s)
    off = sum(abs(one.seconds - standard.seconds(1, one.lines, one.handled, one.meters)) for one in found)
    return replace(standard, tasks=len(found), error_s=off / len(found))


def _without_some(rows: Sequence[Sequence[float]], target: Sequence[float]) -> Iterator[list[float]]:
    """The solutions of some of the columns, the others 0, in which nothing is below zero."""
    width = len(rows[0])
    for size in range(width - 1, 0, -1):
        for used in combinations(range(width), size):
            solved = _least_squares([[row[place] for place in used] for row in rows], target)
            if min(solved) >= 0:
                of = dict(zip(used, solved, strict=True))
                yield [of.get(place, 0.0) for place in range(width)]


def _squares(rows: Sequence[Sequence[float]], target: Sequence[float], solved: Sequence[float]) -> float:
    told = (sum(a * b for a, b in zip(row, solved, strict=True)) for row in rows)
    return sum((goal - one) ** 2 for goal, one in zip(target, told, strict=True))


def _least_squares(rows: Sequence[Sequence[float]], target: Sequence[float]) -> list[float]:
    """The solution of the normal equations; a column that others already make up gets 0."""
    width = len(rows[0]) if rows else 0
    table = [
        [sum(row[i] * row[j] for row in rows) for j in range(width)]
        + [sum(row[i] * goal for row, goal in zip(rows, target, strict=True))]
        for i in range(width)
    ]
    sizes = [table[i][i] for i in range(width)]
    kept = []
    for i in range(width):
        if table[i][i] <= 1e-9 * max(sizes[i], 1e-12):
            continue
        kept.append(i)
        for j in range(width):
            if j != i:
                share = table[j][i] / table[i][i]
                table[j] = [one - share * other for one, other in zip(table[j], table[i], strict=True)]
    return [table[i][width] / table[i][i] if i in kept else 0.0 for i in range(width)]


# ---- the backlog


class Queued(NamedTuple):
    """What is to be done of an order at a step, and the moment that it is to leave by."""

    step: str
    due: datetime
    orders: int
    lines: int
    units: int
    pieces: int = 0
    """Pieces that a picker handles, whole cases and pallets as one each; 0: each unit."""

    @property
    def handled(self) -> int:
        return self.pieces or self.units if self.step == "pick" else self.units


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a step has to do up to a cut-off, with all that is due before, against the time that its people have.

    `late_s` is how long they need beyond it together with the last of them; `orders_late` those that it will miss.
    """

    step: str
    cutoff_at: datetime
    orders: int
    lines: int
    units: int
    people: int
    needed_s: int
    capacity_s: int
    late_s: int
    orders_late: int


def open_seconds(
    now: datetime, until: datetime, shifts: Collection[Shift], zone: str, closed: Collection[date] = ()
) -> int:
    """Seconds between two moments in which some shift is at work, or any where there are no shifts; none begins on a
    day that is `closed`."""
    local = ZoneInfo(zone)
    spans = []
    day = now.astimezone(local).date() - timedelta(days=1)
    while datetime.combine(day, time(0), local) < until:
        for shift in () if day in closed else shifts or ROUND_THE_CLOCK:
            last = day if shift.begins < shift.ends else day + timedelta(days=1)
            begins, ends = (
                datetime.combine(day, shift.begins, local),
                datetime.combine(last, shift.ends, local),
            )
            spans.append((max(begins.timestamp(), now.timestamp()), min(ends.timestamp(), until.timestamp())))
        day += timedelta(days=1)
    total, reached = 0.0, now.timestamp()
    for begins_s, ends_s in sorted(spans):
        if ends_s > max(begins_s, reached):
            total += ends_s - max(begins_s, reached)
            reached = ends_s
    return round(total)


def outlook(
    step: str,
    queued: Iterable[Queued],
    cutoffs: Sequence[tuple[datetime, int]],
    takes: Callable[[int, int, int], float],
    people: int,
) -> list[Outlook]:
    """For each cut-off, as (moment, seconds open until then), in order: what is to be done by then, and what won't be.

    `takes` says how many seconds so many orders, lines and pieces take.
    Work leaves by the last cut-off that is not after its due moment; what is due before the first, by the first. All
    that is due earlier is done first.
    """
    parts: list[list[Queued]] = [[] for _ in cutoffs]
    for one in queued:
        if one.step == step and cutoffs:
            fits = [place for place, (moment, _) in enumerate(cutoffs) if moment <= one.due]
            parts[fits[-1] if fits else 0].append(one)
    found = []
    before = 0.0
    for (moment, seconds), part in zip(cutoffs, parts, strict=True):
        orders, lines, units = (
            sum(getattr(one, name) for one in part) for name in ("orders", "lines", "units")
        )
        own = takes(orders, lines, sum(one.handled for one in part))
        capacity = people * seconds
        late = max(0.0, before + own - capacity)
        missed = round(min(1.0, late / own) * orders + 0.4999) if own else 0
        found.append(
            Outlook(
                step, moment, orders, lines, units, people, round(before + own), capacity,
                round(late / max(1, people)), min(orders, missed),
            )
        )  # fmt: skip
        before += own
    return found


# ---- what comes in


class ComesIn(NamedTuple):
    """What is expected on a day and was not received: documents, lines and units, and of these those that a notice or a
    transfer says are on their way."""

    day: date
    documents: int
    lines: int
    units: int
    announced: int


@dataclass(frozen=True, slots=True)
class Intake:
    """What is to be received and put away on a day, with how long one person takes for either; None where no history
    tells. `left_s` is how long it would take longer than its people have, with what the days before left over; None
    where nobody says how many there are, or history tells of neither."""

    day: date
    documents: int
    lines: int
    units: int
    announced: int
    dock_units: int
    receive_s: int | None
    put_away_s: int | None
    left_s: int | None = None


def intake(
    coming: Iterable[ComesIn],
    dock: tuple[int, int],
    today: date,
    receive: Standard | None,
    put_away: Standard | None,
    capacity: Callable[[date], int] | None,
) -> list[Intake]:
    """By day what comes in, what is overdue today; what stands at the `dock`, as (buckets, units), is put away today.

    `capacity` says how many seconds people have on a day, today from now on; what they do not manage is left to the
    next day on which something comes, with the days between.
    """
    by_day: dict[date, ComesIn] = {}
    for one in coming:
        day = max(one.day, today)
        before = by_day.get(day, ComesIn(day, 0, 0, 0, 0))
        by_day[day] = ComesIn(day, *(a + b for a, b in zip(before[1:], one[1:], strict=True)))
    if dock[1]:
        by_day.setdefault(today, ComesIn(today, 0, 0, 0, 0))
    found, left, reached = [], 0, today
    for day, one in sorted(by_day.items()):
        buckets, units = dock if day == today else (0, 0)
        own = Intake(
            day, one.documents, one.lines, one.units, one.announced, units,
            _takes(receive, one.documents, one.lines, one.units),
            _takes(put_away, one.lines + buckets, one.lines + buckets, one.units + units),
        )  # fmt: skip
        if capacity and receive and put_away:
            while reached < day:
                left, reached = max(0, left - capacity(reached)), reached + timedelta(days=1)
            left += (own.receive_s or 0) + (own.put_away_s or 0)
            own = replace(own, left_s=max(0, left - capacity(day)))
        found.append(own)
    return found


def _takes(standard: Standard | None, tasks: int, lines: int, units: int) -> int | None:
    return round(standard.seconds(tasks, lines, units)) if standard else None
