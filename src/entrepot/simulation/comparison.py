"""Two replays of one window beside each other: figures by the same terms, and the orders whose fate differs. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Said
from entrepot.simulation.replay import Fate, House, Record, Replayed, Share, ships_on, to_of
from entrepot.sourcing import cost, rules
from entrepot.sourcing.rules import Profile

TERMS = ("freight", "handling", "split", "lateness", "scarcity")
LATENESS = ("on time", "1 day late", "2 days late", "3 to 4 days late", "5 to 7 days late", "8 days late or more",
            "not served")  # fmt: skip
"""How late an order with a promise is expected, by its last shipment; or not at all by the end of the window."""
PARCELS = ("1", "2", "3", "4 or more")
"""Shipments that an order is sent in."""
CHANGED_MAX = 2_000
"""Changed orders that a report lists; all are counted."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a node had to send: orders and units, in all, on a mean day of the window, and on its busiest."""

    node: str
    orders: int
    units: int
    orders_a_day: float
    units_a_day: float
    peak_orders: int
    peak_units: int
    peak_day: date | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of orders.

    `shipped` orders send something; `splits` are shipments ÷ shipped − 1, `parcels` the orders by their shipments.
    `unpriced` shipments no carrier would take; `cost` is by term, of what is sent.
    `promised` orders have a promised day, `late` ones are expected after it or not served, `late_days` are summed over
    those expected late. `backordered` units ever waited, `unit_days` is how long, `waiting` units still do.
    """

    orders: int
    shipped: int
    shipments: int
    splits: float
    parcels: Mapping[str, int]
    units: int
    cost: Mapping[str, int]
    unpriced: int
    promised: int
    late: int
    late_days: int
    lateness: Mapping[str, int]
    backordered: int
    unit_days: float
    waiting: int
    cancelled: int
    substituted: int = 0
    held: int = 0

    @property
    def cost_minor(self) -> int:
        return sum(self.cost.values())

    @property
    def cost_of_unit(self) -> int:
        """Of a unit that is sent: who serves less, pays less in all."""
        return round(self.cost_minor / self.units) if self.units else 0


@dataclass(frozen=True, slots=True)
class Side:
    """What one profile makes of the window: in all, by channel, and for each node.

    Nodes are told with the orders that waited when the window began; the figures are of the window's own orders. `gap`
    is the part of the cost of what was planned together that better plans could save at most; None where nothing was.
    """

    figures: Figures
    channels: Mapping[str, Figures]
    nodes: tuple[Load, ...]
    unexplained: int
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """An order that goes another way: the nodes that serve it, the units that don't come, and why."""

    order: UUID
    number: str
    channel: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    lacks_before: int
    lacks_after: int
    why: str


class Recorded(NamedTuple):
    """What really happened first: the nodes that were chosen, and whether another version of the profile decided."""

    nodes: tuple[str, ...]
    by_another: bool


@dataclass(frozen=True, slots=True)
class Trust:
    """How far the replay of what is in force is like what happened: orders, those with the same nodes, and those that
    another version had decided."""

    orders: int
    same: int
    by_another: int

    @property
    def share(self) -> float:
        return self.same / self.orders if self.orders else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The profile in force (`before`) and the draft (`after`) over the same window."""

    before: Side
    after: Side
    trust: Trust
    changed: tuple[Changed, ...]
    changed_count: int


def yardstick(draft: Profile, in_force: Profile) -> tuple[Profile, str]:
    """Whose rates both sides are measured by: the draft's, or where it has none those in force."""
    rates = ("handling_minor", "split_minor", "late_day_minor", "scarcity_minor", "km_minor")
    if any(getattr(draft, name) for name in rates):
        return draft, "draft"
    return in_force, "in force"


def compare(
    record: Record, before: Replayed, after: Replayed, recorded: Mapping[UUID, Recorded], measure: Profile
) -> Comparison:
    """Both replays by the same measure."""
    changed = [
        _changed(record.house, one, other)
        for one, other in zip(before.orders, after.orders, strict=True)
        if _way(one) != _way(other)
    ]
    return Comparison(
        _side(record, before, measure),
        _side(record, after, measure),
        _trust(record.house, before, recorded),
        tuple(changed[:CHANGED_MAX]),
        len(changed),
    )


# ---- figures


class _Shipment(NamedTuple):
    """Units that leave a node for an order together. `late_days` is None without a promise, or without a carrier."""

    node: str
    day: date
    units: int
    cost: Mapping[str, int]
    late_days: int | None
    is_priced: bool


class _Measured(NamedTuple):
    fate: Fate
    shipments: tuple[_Shipment, ...]


class _Measure:
    """Prices what was sent by one set of rates."""

    def __init__(self, house: House, profile: Profile) -> None:
        self.house, self.profile = house, profile
        self.pricer = cost.Pricer(house.services, house.sizes)

    def of(self, fate: Fate) -> _Measured:
        parcels: dict[tuple[object, ...], list[Share]] = defaultdict(list)
        for share in fate.shares:
            if share.units:
                parcels[share.at, share.node.id].append(share)
        return _Measured(fate, tuple(self._shipment(fate, shares) for shares in parcels.values()))

    def _shipment(self, fate: Fate, shares: Sequence[Share]) -> _Shipment:
        one, profile = shares[0], self.profile
        lines = [share.line._replace(quantity=share.units) for share in shares]
        waits = rules.busy_days(one.node, profile, one.open_orders, one.open_units)
        day = ships_on(self.house, one.node, one.at).after(waits)
        to, km = to_of(fate.order), fate.km.get(one.node.code, 0)
        sent = self.pricer.shipping(lines, to, one.node, km, day, profile)
        units = sum(share.units for share in shares)
        late = sent.late_days if sent else 0
        costs = {
            "freight": sent.fixed_minor + sent.by_weight_minor if sent else 0,
            "handling": profile.handling_minor * units,
            "lateness": profile.late_day_minor * late,
            "scarcity": sum(
                round(profile.scarcity_minor * min(1.0, share.units / share.free)) for share in shares
            ),
        }
        known = late if sent and to.promise_at else None
        return _Shipment(one.node.code, one.at.date(), units, costs, known, sent is not None)


def _side(record: Record, replayed: Replayed, profile: Profile) -> Side:
    measure = _Measure(record.house, profile)
    measured = [measure.of(fate) for fate in replayed.orders]
    channels: dict[str, list[_Measured]] = defaultdict(list)
    for one in measured:
        channels[record.house.channels[one.fate.order.channel]].append(one)
    everything = [*measured, *(measure.of(fate) for fate in replayed.waited)]
    return Side(
        _figures(measured, profile),
        {code: _figures(some, profile) for code, some in sorted(channels.items())},
        _loads(record, everything),
        replayed.unexplained,
        replayed.gap,
    )


def _figures(measured: Sequence[_Measured], profile: Profile) -> Figures:
    costs = Counter(dict.fromkeys(TERMS, 0))
    lateness = Counter(dict.fromkeys(LATENESS, 0))
    parcels = Counter(dict.fromkeys(PARCELS, 0))
    shipped = shipments = late_days = 0
    for fate, sent in measured:
        shipped += bool(sent)
        shipments += len(sent)
        if sent:
            parcels[PARCELS[min(len(sent), len(PARCELS)) - 1]] += 1
        costs["split"] += profile.split_minor * max(0, len(sent) - 1)
        for one in sent:
            costs.update(one.cost)
        if fate.order.promise_at and not _is_void(fate):
            lateness[_lateness(fate, sent)] += 1
            late_days += max((one.late_days or 0 for one in sent), default=0)
    fates = [one.fate for one in measured]
    promised = lateness.total()
    return Figures(
        len(measured), shipped, shipments, round(shipments / shipped - 1, 6) if shipped else 0.0, dict(parcels),
        sum(one.units for some in measured for one in some.shipments), dict(costs),
        sum(not one.is_priced for some in measured for one in some.shipments),
        promised, promised - lateness["on time"], late_days, dict(lateness),
        sum(fate.backordered for fate in fates), round(sum(fate.unit_days for fate in fates), 3),
        sum(sum(fate.waits.values()) for fate in fates if not fate.past), sum(fate.cancelled for fate in fates),
        sum(share.units for fate in fates for share in fate.shares if share.line.id in fate.instead),
        sum(fate.was_held for fate in fates),
    )  # fmt: skip


def _is_void(fate: Fate) -> bool:
    """Whether the customer cancelled it: then nobody is late."""
    return bool(fate.withdrawn) and not fate.nodes


def _lateness(fate: Fate, sent: Sequence[_Shipment]) -> str:
    if fate.waits or not sent:
        return "not served"
    days = max((one.late_days or 0) for one in sent)
    steps = ((0, 0), (1, 1), (2, 2), (4, 3), (7, 4))
    return LATENESS[next((place for most, place in steps if days <= most), 5)]


def _loads(record: Record, measured: Iterable[_Measured]) -> tuple[Load, ...]:
    """Nodes by code; also those that had nothing to send."""
    orders: dict[str, Counter[date]] = defaultdict(Counter)
    units: dict[str, Counter[date]] = defaultdict(Counter)
    for one in measured:
        for sent in one.shipments:
            orders[sent.node][sent.day] += 1
            units[sent.node][sent.day] += sent.units
    days = max(1.0, (record.until - record.since) / timedelta(days=1))
    codes = sorted({node.code for nodes in record.house.nodes.values() for node in nodes})
    loads = []
    for code in codes:
        by_day = orders[code]
        peak = min(by_day, key=lambda day: (-by_day[day], day), default=None)
        loads.append(
            Load(
                code, by_day.total(), units[code].total(), round(by_day.total() / days, 2),
                round(units[code].total() / days, 2), by_day[peak] if peak else 0,
                max(units[code].values(), default=0), peak,
            )
        )  # fmt: skip
    return tuple(loads)


# ---- trust


def _trust(house: House, before: Replayed, recorded: Mapping[UUID, Recorded]) -> Trust:
    codes = {node.id: node.code for nodes in house.nodes.values() for node in nodes}
    found = [(fate, recorded[fate.order.id]) for fate in before.orders]
    same = sum(
        tuple(sorted({codes[share.node] for share in _shares(fate)})) == was.nodes for fate, was in found
    )
    return Trust(len(found), same, sum(was.by_another for _, was in found))


def _shares(fate: Fate) -> Sequence[rules.Share]:
    """Of the first decision; none where a limit of selling ahead kept it from being decided."""
    return fate.first.shares if fate.first else ()


# ---- orders that go another way


def _way(fate: Fate) -> tuple[object, ...]:
    """What of an order's fate a person would call the same."""
    shares = sorted(
        (share.line.id, share.line.sku, share.node.code, share.units, share.at.date())
        for share in fate.shares
        if share.units
    )
    return tuple(shares), sum(fate.waits.values()), fate.cancelled, bool(fate.past)


def _changed(house: House, before: Fate, after: Fate) -> Changed:
    lacks_before, lacks_after = (sum(one.waits.values()) + one.cancelled for one in (before, after))
    return Changed(
        before.order.id, before.order.number, house.channels[before.order.channel], before.nodes, after.nodes,
        lacks_before, lacks_after, _why(before, after, lacks_after - lacks_before),
    )  # fmt: skip


RULES: dict[str, Callable[[str], Said]] = {
    "excluded": lambda node: Said("{0} is excluded", node),
    "offline": lambda node: Said("{0} is offline on that day", node),
    "kind": lambda node: Said("{0} is of a kind that is refused", node),
    "distance": lambda node: Said("{0} is too far", node),
    "busy": lambda node: Said("{0} has too much work waiting", node),
    "ships late": lambda node: Said("{0} ships too late", node),
    "last resort": lambda node: Said("{0} is asked last", node),
    "no service": lambda node: Said("{0} has no carrier for it", node),
}
"""Why a node does not serve an order, by the rule that keeps it."""


def _why(before: Fate, after: Fate, lacks: int) -> str:
    """What keeps the nodes of before from serving it, and how the draft chose: sentences, with semicolons."""
    if after.past or not after.first:
        return str(rules.say_past(after.past) if after.past else Said("nobody was asked for it"))
    could = dict(after.first.candidates)
    wanted = sum(line.quantity for line in after.order.lines)
    told: list[str] = []
    for code in before.nodes:
        if code in after.nodes:
            continue
        if code in after.broken and code not in could:
            told.append(RULES[after.broken[code]](code))
        elif could.get(code, 0) < wanted:
            told.append(Said("{0} has {1} of {2} units left", code, could.get(code, 0), wanted))
    if before.was_held and not after.was_held:
        told.append(Said("no limit holds it"))
    told.append(after.first.why if before.nodes != after.nodes or lacks else _when(before, after))
    return "; ".join(told)


def _when(before: Fate, after: Fate) -> Said:
    """The same nodes serve it: at another time, or in other parts."""
    last = [max(share.at for share in fate.shares if share.units) for fate in (before, after)]
    if last[0].date() == last[1].date():
        return Said("the same nodes serve other parts of it")
    return Said("it waits longer for stock") if last[1] > last[0] else Said("it waits less for stock")
