"""How a node's work goes to the floor, and which of it joins a wave. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from msgspec import Meta

from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape
from entrepot.warehouse.labor import Standard

Count = Annotated[int, Meta(ge=0)]
Some = Annotated[int, Meta(ge=1)]


@shape(
    "warehouse.waves",
    pickers=(0, 10_000),
    packing_stations=(0, 10_000),
    lines_max=(1, 100_000),
    cart_units=(0, 10**6),
    cart_places=(1, 1_000),
    walk_mm_per_s=(1, 10_000),
    cart_weight_g=(0, 10**9),
    cart_volume_cm3=(0, 10**9),
    ahead_minutes=(0, 10_080),
    paced_value_min_minor=(0, 10**15),
    paced_priority_min=(0, 32_767),
)
@dataclass(frozen=True, slots=True)
class Waves:
    """How a node picks: its scope is the node's code, without one it is for all nodes. 0 is no limit of a cart."""

    mode: Literal["stream", "paced", "waves"] = "stream"
    """`stream`: what is promised goes to the floor at once. `paced`: it goes by itself, the most urgent first, as
    pickers and packing stations have time for it before its cut-off. `waves`: it waits until somebody releases a
    wave."""
    ahead_minutes: Count = 0
    """`paced`: no more stands on the floor than is done in so many minutes; 0: than is done up to the cut-off."""
    paced_carriers: tuple[str, ...] = ()
    """`paced`: only what is expected to go with these carriers goes by itself; without any, all. The rest waits for a
    wave."""
    paced_zones: tuple[str, ...] = ()
    """`paced`: only what stands in these zones; without any, all."""
    paced_priority_min: Count = 0
    """`paced`: only orders of this priority or a higher one."""
    paced_value_min_minor: Count = 0
    """`paced`: only orders of this value or more at the node."""
    method: Literal["discrete", "batch", "cluster", "zone", "pass"] = "batch"
    """`discrete`: a list for each order. `batch`: several orders on a cart, sorted at the packing station. `cluster`:
    the same, each order in a place of its own on the cart. `zone`: as `batch`, and no list leaves its zone.
    `pass`: each order's tote passes from zone to zone, and a list is what it gets in one of them."""
    pass_zones: tuple[str, ...] = ()
    """`pass`: the zones in the order in which totes pass them; others come behind, by the pick sequence of their
    bins."""
    pass_places: tuple[str, ...] = ()
    """`pass`: for each of these zones the place of the conveyor where its totes are put down and taken up; '' where
    there is none."""
    route: Literal["shortest", "s_shape", "return", "largest_gap", "combined"] = "shortest"
    pickers: Count = 4
    packing_stations: Count = 2
    lines_max: Some = 2_000
    """So many lines join a wave at most."""
    cart_units: Count = 60
    cart_weight_g: Count = 100_000
    cart_volume_cm3: Count = 500_000
    cart_places: Some = 8
    """Orders on a cart at most, where the method is `cluster`."""
    walk_mm_per_s: Some = 1_000
    seconds_per_list: Count = 90
    """To fetch a cart, and to hand it over."""
    seconds_per_stop: Count = 8
    seconds_per_unit: Count = 3
    """Of each piece that is handled: a unit, or a case or a pallet that is taken whole."""
    seconds_per_order_packed: Count = 90
    mm_per_line: Count = 12_000
    """What a line is expected to be walked for before its list has a route: to tell how many lines fit the time.
    Seconds count where no standard time was fitted from what people did (policy `warehouse.labor`)."""
    routes_max: Count = 4_000
    """Worked out at most to put the orders of a wave on carts better; more is slower and walks less."""

    def __post_init__(self) -> None:
        if len(self.pass_zones) != len(set(self.pass_zones)):
            raise ValueError("pass_zones: expected each zone once")
        if self.pass_places and len(self.pass_places) != len(self.pass_zones):
            raise ValueError("pass_places: expected one for each of pass_zones, or none at all")


METHODS = ("discrete", "batch", "cluster", "zone", "pass")


def by_method(policy: Waves, method: str) -> Waves:
    """The policy with another method."""
    return replace(policy, method=method)  # type: ignore[arg-type]


def through(policy: Waves, zones: Iterable[str]) -> Waves:
    """The policy with the whole way of totes that pass: behind the zones that it names, these."""
    rest = [zone for zone in zones if zone not in policy.pass_zones]
    return replace(policy, pass_zones=(*policy.pass_zones, *rest), pass_places=())


def place_of(policy: Waves, zone: str) -> str:
    """Where totes for a zone are put down; '' where nobody said."""
    return dict(zip(policy.pass_zones, policy.pass_places, strict=False)).get(zone, "")


class Ready(NamedTuple):
    """What a node could send of an order: promised and not on the floor. `missing` units stand in no bin."""

    order: UUID
    lines: int
    units: int
    value_minor: int
    priority: int
    due: datetime
    """By when it has to leave for what was promised; without a promise, when it was placed."""
    service: str
    zones: frozenset[str]
    missing: int = 0
    carrier: str = ""
    """With whom it is expected to go; '' where nobody asked, or no carrier takes it."""
    cutoff_at: datetime | None = None
    """Until when it has to be packed: by its carrier, else by its node."""
    pieces: int = 0
    """Pieces that a picker handles, whole cases and pallets as one each; 0: each unit."""

    @property
    def handled(self) -> int:
        return self.pieces or self.units


class Asked(NamedTuple):
    """Which orders a supervisor wants in a wave; nothing is asked by default."""

    due_before: datetime | None = None
    services: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    priority_min: int | None = None
    value_min_minor: int = 0
    lines_max: int | None = None
    carriers: tuple[str, ...] = ()


def paced(policy: Waves) -> Asked:
    """Which orders go to the floor by themselves."""
    return Asked(
        zones=policy.paced_zones, priority_min=policy.paced_priority_min or None,
        value_min_minor=policy.paced_value_min_minor, carriers=policy.paced_carriers,
    )  # fmt: skip


class Times(NamedTuple):
    """How long work takes at a node as fitted from its history; None: as its policy says."""

    pick: Standard | None = None
    pack: Standard | None = None

    @property
    def fitted(self) -> list[str]:
        return [step for step, standard in self._asdict().items() if standard]


BY_POLICY = Times()


class Room(NamedTuple):
    """What pickers and packing stations can do up to a cut-off, beside what is queued already."""

    cutoff_at: datetime
    pick_seconds: int
    orders_packed: int


class Choice(NamedTuple):
    """Whether an order joins, and why."""

    ready: Ready
    joins: bool
    why: str


def room(
    policy: Waves,
    cutoff_at: datetime,
    seconds: int,
    queued: tuple[int, int],
    orders_queued: int,
    times: Times = BY_POLICY,
    to_pack: tuple[float, float] = (1, 1),
) -> Room:
    """What is left of the time of pickers and packing stations, each so many `seconds` at work up to the cut-off, after
    (lines, pieces) and orders on the floor. An order `to_pack` has so many lines and units on average."""
    pick = policy.pickers * seconds - pick_seconds(policy, *queued, times, orders_queued)
    packed = (
        policy.packing_stations * seconds // max(1, pack_seconds(policy, times, *to_pack)) - orders_queued
    )
    return Room(cutoff_at, max(0, pick), max(0, packed))


def pick_seconds(policy: Waves, lines: int, pieces: int, times: Times = BY_POLICY, orders: int = 1) -> int:
    """How long picking is expected to take, before there are lists: an order has its share of one."""
    if times.pick:
        lists = orders if policy.method == "discrete" else orders / policy.cart_places
        return round(times.pick.seconds(lists, lines, pieces, lines * policy.mm_per_line / 1000))
    walked = lines * policy.mm_per_line // policy.walk_mm_per_s
    return walked + lines * policy.seconds_per_stop + pieces * policy.seconds_per_unit


def list_seconds(
    policy: Waves, stops: int, pieces: int, length_mm: int | None, times: Times = BY_POLICY
) -> int:
    """How long a list is expected to take, with its way where that is known."""
    walked_mm = length_mm if length_mm is not None else stops * policy.mm_per_line
    if times.pick:
        return round(times.pick.seconds(1, stops, pieces, walked_mm / 1000))
    walked = walked_mm // policy.walk_mm_per_s
    return (
        policy.seconds_per_list + walked + stops * policy.seconds_per_stop + pieces * policy.seconds_per_unit
    )


def pack_seconds(policy: Waves, times: Times, lines: float, units: float) -> int:
    """How long packing an order is expected to take."""
    return round(times.pack.seconds(1, lines, units)) if times.pack else policy.seconds_per_order_packed


def choose(
    found: Iterable[Ready], asked: Asked, policy: Waves, rooms: Sequence[Room], times: Times = BY_POLICY
) -> list[Choice]:
    """Which orders join a wave, the most urgent first: those that are asked for, as long as lines, pickers and packing
    stations have room for them before their cut-off. One that does not fit is passed over for a smaller one.

    There is a room for each cut-off, the earliest first. What has to be done by one takes from the later ones too, and
    who joins never takes the time of another who joined before; an order without a cut-off has that of the first room.
    """
    lines_max = min(policy.lines_max, asked.lines_max or policy.lines_max)
    free = [[room.pick_seconds, room.orders_packed] for room in rooms]
    first = {room.cutoff_at: place for place, room in enumerate(rooms)}
    lines = 0
    choices = []
    for one in sorted(found, key=lambda one: (-one.priority, one.due, one.order)):
        needs = pick_seconds(policy, one.lines, one.handled, times)
        taken_from = free[first[one.cutoff_at] if one.cutoff_at else 0 :]
        why = _not_asked(one, asked)
        if not why and lines + one.lines > lines_max:
            why = FULL
        if not why and any(needs > seconds for seconds, _ in taken_from):
            why = NO_PICKERS
        if not why and any(orders < 1 for _, orders in taken_from):
            why = NO_STATIONS
        if not why:
            lines += one.lines
            for left in taken_from:
                left[0], left[1] = left[0] - needs, left[1] - 1
        choices.append(Choice(one, not why, why or _urgency(one)))
    return choices


def _urgency(one: Ready) -> Said:
    return Said("priority {0}, due {1}", one.priority, f"{one.due.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


FULL = Said("the wave has its lines")
NO_PICKERS = Said("the pickers have no more time before the cut-off")
NO_STATIONS = Said("the packing stations have no more time before the cut-off")
NOT_PICKABLE = Said("units stand in no bin that is picked from")


NOBODY_PICKS = Said("its policy warehouse.waves has no pickers")
NOBODY_PACKS = Said("its policy warehouse.waves has no packing stations")
NONE_FITS = Said(
    "nothing is on the floor, and no order that waits fits the time that its policy warehouse.waves gives it"
)
TOO_MANY_LINES = Said("every order that waits has more lines than a wave takes by its policy warehouse.waves")
FLOOR_RESTS = Said("the floor has its fill, and nothing of it was picked or packed for an hour of its shifts")

RESTS_AFTER = timedelta(hours=1)
"""A floor with work on which nothing was done for so long rests."""
URGENT_BEFORE = timedelta(hours=1)
"""So long before a cut-off what leaves by it should be on the floor."""
TOO_LATE = timedelta(minutes=15)
"""With so little time at work before the last cut-off it is no wonder that nothing fits."""


def stands_still(
    others: Mapping[str, int],
    policy: Waves,
    at_work: timedelta,
    on_floor: int,
    *,
    rests: bool,
) -> str:
    """Why no order of a node goes though some wait; '' where that is as it should be: the floor is at work and has as
    much as there is time for, or what waits is for a wave of somebody's choice, or to be put away first.

    `others` are the orders that wait, by why, of a node of which none joined a wave; `at_work` how long
    people work up to the last of the next cut-offs, nothing where nobody does now; `on_floor` orders are queued there,
    and where it `rests` nothing was done for `RESTS_AFTER`.
    """
    if NO_PICKERS in others and not policy.pickers:
        return NOBODY_PICKS
    if NO_STATIONS in others and not policy.packing_stations:
        return NOBODY_PACKS
    if NO_PICKERS in others or NO_STATIONS in others:
        if on_floor:
            return FLOOR_RESTS if rests else ""
        return NONE_FITS if at_work >= TOO_LATE else ""
    return TOO_MANY_LINES if FULL in others else ""


def _not_asked(one: Ready, asked: Asked) -> str:
    """Why an order is not what was asked for; '' where it is."""
    if one.missing:
        return NOT_PICKABLE
    if asked.due_before and one.due > asked.due_before:
        return Said("due later")
    if asked.services and one.service not in asked.services:
        return Said("another service")
    if asked.carriers and one.carrier not in asked.carriers:
        return Said("another carrier")
    if asked.zones and not one.zones <= set(asked.zones):
        return Said("in other zones too")
    if asked.priority_min is not None and one.priority < asked.priority_min:
        return Said("a lower priority")
    return Said("a lower value") if one.value_minor < asked.value_min_minor else ""


def by_carrier(joining: Iterable[str]) -> dict[str, int]:
    """How many orders of a wave are expected to go with each carrier, the most first; '' is with none that is known."""
    return dict(Counter(joining).most_common())


def why_others_wait(choices: Sequence[Choice]) -> dict[str, int]:
    """How many orders stay out for each reason."""
    return dict(Counter(choice.why for choice in choices if not choice.joins).most_common())
