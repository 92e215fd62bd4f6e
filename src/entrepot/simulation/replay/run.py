"""The replay itself: moment by moment, stock moves and the most urgent are served. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from entrepot.network.rules import next_ship_date
from entrepot.simulation.replay.record import Asked, Change, Fate, Held, House, Record, Replayed, Share
from entrepot.sourcing import cost, rules
from entrepot.sourcing.rules import Line, Node, Profile
from entrepot.stock.rules import Position, Promise, displace, urgency

SOLVE_SECONDS = 60.0
"""Time to think about a batch: never used up, so that a replay does not depend on how fast the machine is."""
TOGETHER_MAX = 100
"""Orders of one moment that are solved as one problem."""


Profiles = Mapping[str, Profile]
"""The profile of each channel by its code; that of all others is ''."""


def profile_of(profiles: Profiles, channel: str) -> Profile:
    return profiles.get(channel) or profiles.get("") or _DEFAULT


_DEFAULT = Profile()


def replay(record: Record, profiles: Profiles, tell: Callable[[int], None] = lambda _: None) -> Replayed:
    """Decide every order of the window by these profiles. `tell` hears of orders decided."""
    run = _Run(record, profiles)
    for at, happened in _by_moment(record):
        tell(run.moment(at, happened))
    return run.ended()


class _Moment(NamedTuple):
    """What the record has of one moment."""

    changes: list[Change]
    left: list[UUID]
    cancelled: list[UUID]
    orders: list[Asked]


def _by_moment(record: Record) -> Iterator[tuple[datetime, _Moment]]:
    """The window in the order of time; of one moment, stock moves before anybody is served."""
    happened: list[tuple[datetime, int, object]] = [
        *((one.at, 0, one) for one in record.changes),
        *((at, 1, node) for at, node in record.left),
        *((at, 2, order) for order, at in record.cancelled.items()),
        *((at, 3, order) for at, order in record.orders),
    ]
    happened.sort(key=lambda one: one[:2])
    for at, some in groupby(happened, key=lambda one: one[0]):
        kinds: tuple[list[object], ...] = ([], [], [], [])
        for _, kind, what in some:
            kinds[kind].append(what)
        yield at, _Moment(*kinds)  # type: ignore[arg-type]


class _Run:
    """The state of a replay: stock, who waits, who works."""

    def __init__(self, record: Record, profiles: Profiles) -> None:
        self.record, self.house, self.profiles = record, record.house, profiles
        self.pricer = cost.Pricer(self.house.services, self.house.sizes)
        self.positions: dict[tuple[UUID, UUID], Position] = {}
        for key, units in record.free.items():
            fences = dict(record.fences.get(key, {}))
            self.positions[key] = Position(units, sum(fences.values()), fences)
        self.fates: dict[UUID, Fate] = {}
        self.waiting_for: dict[UUID, dict[UUID, None]] = defaultdict(dict)
        self.promised: dict[tuple[UUID, UUID], list[tuple[Fate, Share]]] = defaultdict(list)
        self.held: dict[UUID, list[Held]] = defaultdict(list)
        for one in record.held:
            self.held[one.order].append(one)
        self.open_orders = dict(record.open_orders)
        self.leaving: dict[date, list[UUID]] = defaultdict(list)
        self.counts_orders = any(profile.orders_per_day for profile in profiles.values())
        self.looks_at_days = any(one.offline or one.ship_days_max is not None for one in profiles.values())
        self._sorted: dict[tuple[UUID, rules.Destination], rules.SortedOut] = {}
        self._ships: dict[tuple[UUID, datetime], date] = {}
        for asked in record.waiting:
            fate = self.fates[asked.id] = Fate(asked, record.since)
            self._wait(fate, {line.id: line.quantity for line in asked.lines}, record.since)

    # ---- what happens

    def moment(self, at: datetime, happened: _Moment) -> int:
        """Stock moves, customers cancel, and then those are served who can be: the most urgent first."""
        if self.looks_at_days:
            self._sorted.clear()
        again: dict[UUID, None] = {}
        gained = [self._change(one) for one in happened.changes if one.units > 0]
        for change in happened.changes:
            if change.units < 0:
                self._change(change)
        for change in happened.changes:
            again |= self._lose(change, at)
        self._leave(happened.left, at)
        for order in happened.cancelled:
            gained += self._cancel(order, at)
        for sku in dict.fromkeys(gained):
            again |= self.waiting_for.get(sku, {})
        for asked in happened.orders:
            self.fates[asked.id] = Fate(asked, at, waits={line.id: line.quantity for line in asked.lines})
            again[asked.id] = None
        self._serve([self.fates[order] for order in again], at)
        return len(happened.orders)

    def _change(self, change: Change) -> UUID:
        position = self.positions.setdefault((change.sku, change.node), Position(0, 0, {}))
        position.free += change.units
        return change.sku

    def _lose(self, change: Change, at: datetime) -> dict[UUID, None]:
        """Where less is there than was promised, the least urgent lose it, and are served again."""
        position = self.positions[change.sku, change.node]
        if position.free >= 0 or change.units > 0:
            return {}
        here = [
            (fate, share)
            for fate, share in self.promised[change.sku, change.node]
            if share.units and not self._has_left(fate, share, at)
        ]
        self.promised[change.sku, change.node] = here
        promises = [
            Promise(
                UUID(int=i), share.units, False, fate.order.priority, fate.order.promise_at, fate.order.placed_at
            )
            for i, (fate, share) in enumerate(here)
        ]  # fmt: skip
        losers: dict[UUID, None] = {}
        for promise, units in displace(promises, -position.free):
            fate, share = here[promise.allocation.int]
            share.units -= units
            position.free += units
            fate.waits[share.line.id] = fate.waits.get(share.line.id, 0) + units
            losers[fate.order.id] = None
        return losers

    def _has_left(self, fate: Fate, share: Share, at: datetime) -> bool:
        """As in the record; what was decided after it left there, leaves at once."""
        gone = self.record.gone.get(fate.order.id)
        return gone is not None and max(gone, share.at) <= at

    def _cancel(self, order: UUID, at: datetime) -> list[UUID]:
        """What an order had is free again, and what it waited for is not wanted any more. Returns the SKUs."""
        skus = []
        for one in self.held.pop(order, ()):
            self._change(Change(at, one.sku, one.node, one.units))
            skus.append(one.sku)
        fate = self.fates.get(order)
        if fate is None:
            return skus
        for share in fate.shares:
            self._change(Change(at, share.line.sku, share.node.id, share.units))
            skus.append(share.line.sku)
            fate.withdrawn += share.units
            share.units = 0
        fate.withdrawn += sum(fate.waits.values())
        self._wait(fate, {}, at)
        return skus

    def _wait(self, fate: Fate, waits: dict[UUID, int], at: datetime) -> None:
        """What an order waits for from now on, and how long it has waited until now."""
        if fate.since is not None:
            fate.unit_days += fate.backlog * ((at - fate.since) / timedelta(days=1))
        backlog = sum(waits.values())
        fate.backordered += max(0, backlog - fate.backlog)
        for line in fate.order.lines:
            if waits.get(line.id):
                self.waiting_for[line.sku][fate.order.id] = None
            else:
                self.waiting_for[line.sku].pop(fate.order.id, None)
        fate.waits, fate.since, fate.backlog = waits, at if waits else None, backlog

    # ---- who is served, and from where

    def _serve(self, fates: Iterable[Fate], at: datetime) -> None:
        urgent = sorted(
            (fate for fate in fates if fate.waits),
            key=lambda fate: urgency(
                fate.order.priority, fate.order.promise_at, fate.order.placed_at, fate.order.id
            ),
        )
        for start in range(0, len(urgent), TOGETHER_MAX):
            some = urgent[start : start + TOGETHER_MAX]
            together = self._together(some, at)
            for fate in some:
                self._decide(fate, at, together)

    def _profile(self, order: Asked) -> Profile:
        return profile_of(self.profiles, self.house.channels.get(order.channel, ""))

    def _nodes(self, order: Asked, at: datetime) -> rules.SortedOut:
        to = rules.Destination(order.country, self.house.places.get((order.country, order.postal_code)))
        key = (order.channel, to)
        if key not in self._sorted:
            nodes = self.house.nodes.get(order.channel, ())
            self._sorted[key] = rules.sort_out(
                nodes, to, self._profile(order), self.open_orders if self.counts_orders else None,
                self._today(nodes, at) if self.looks_at_days else None,
            )  # fmt: skip
        return self._sorted[key]

    def _today(self, nodes: Iterable[Node], at: datetime) -> rules.Today:
        on = at.astimezone(UTC).date()
        return rules.Today(on, ships_in={node.id: (self._ships_on(node, at) - on).days for node in nodes})

    def _free(self, order: Asked, lines: Iterable[Line], nodes: rules.SortedOut) -> rules.Free:
        return {
            (line.sku, node.id): position.free_for(order.channel)
            for line in lines
            for node in (*nodes.first, *nodes.after)
            if (position := self.positions.get((line.sku, node.id)))
        }

    def _priced(
        self, order: Asked, lines: Sequence[Line], nodes: rules.SortedOut, free: rules.Free, at: datetime
    ) -> cost.Wanted:
        profile = self._profile(order)
        ships_on = {
            node.id: self._ships_on(node, at)
            + timedelta(days=rules.busy_days(node, profile, self.open_orders.get(node.id, 0)))
            for node in (*nodes.first, *nodes.after)
        }
        return self.pricer.wanted(order.id, lines, to_of(order), nodes, free, ships_on, profile)

    def _ships_on(self, node: Node, at: datetime) -> date:
        key = (node.id, at)
        if key not in self._ships:
            self._ships[key] = ships_on(self.house, node, at)
        return self._ships[key]

    def _together(self, fates: Sequence[Fate], at: datetime) -> tuple[Mapping[UUID, cost.Assigned], int]:
        """The cheapest plan of those that are planned by cost, as one problem."""
        wanted = []
        for fate in fates:
            if self._profile(fate.order).choose_by == "cost":
                lines, nodes = _lines(fate), self._nodes(fate.order, at)
                free = self._free(fate.order, lines, nodes)
                wanted.append(self._priced(fate.order, lines, nodes, free, at))
        if not wanted:
            return {}, 0
        there = {
            key: max(0, position.free)
            for one in wanted
            for key in one.free
            if (position := self.positions.get(key))
        }
        assigned, _ = cost.solve_together(wanted, there, SOLVE_SECONDS)
        return assigned, len(wanted)

    def _decide(self, fate: Fate, at: datetime, together: tuple[Mapping[UUID, cost.Assigned], int]) -> None:
        order, lines = fate.order, _lines(fate)
        profile, nodes = self._profile(order), self._nodes(order, at)
        free = self._free(order, lines, nodes)
        limit = rules.nodes_max(profile, order.total_minor)
        plan = None
        if profile.choose_by == "cost":
            priced = self._priced(order, lines, nodes, free, at)
            plan = cost.follow(priced, together[0].get(order.id, {}), limit, together[1])
            nodes = priced.cheapest_first()
        plan = plan or rules.plan(lines, nodes, free, order.policy, limit)
        if fate.first is None:
            fate.first, fate.broken, fate.km = plan, nodes.broken, nodes.km
        self._take(fate, plan, nodes, free, at)

    def _take(
        self, fate: Fate, plan: rules.Plan, nodes: rules.SortedOut, free: rules.Free, at: datetime
    ) -> None:
        order = fate.order
        by_id = {node.id: node for node in (*nodes.first, *nodes.after)}
        of_line = {line.id: line for line in order.lines}
        for one in plan.shares:
            share = Share(
                at, by_id[one.node], of_line[one.line], one.quantity, free[one.sku, one.node],
                self.open_orders.get(one.node, 0),
            )  # fmt: skip
            self.positions[one.sku, one.node].take(order.channel, one.quantity)
            fate.shares.append(share)
            self.promised[one.sku, one.node].append((fate, share))
        self._work({one.node for one in plan.shares}, order, at)
        waits = {line.id: line.quantity for line in plan.short}
        if order.policy == "partial_cancel":
            fate.cancelled += sum(waits.values())
            waits = {}
        self._wait(fate, waits, at)

    def _work(self, nodes: Iterable[UUID], order: Asked, at: datetime) -> None:
        """Nodes are busier until the day on which the order left."""
        gone = self.record.gone.get(order.id)
        for node in nodes:
            self.open_orders[node] = self.open_orders.get(node, 0) + 1
            if gone is not None:
                self.leaving[max(gone, at + timedelta(days=1)).date()].append(node)
        if self.counts_orders:
            self._sorted.clear()

    def _leave(self, before: Iterable[UUID], at: datetime) -> None:
        """Nodes whose orders are gone by now have less to do."""
        days = sorted(day for day in self.leaving if day <= at.date())
        for node in (*before, *(node for day in days for node in self.leaving.pop(day))):
            self.open_orders[node] = max(0, self.open_orders.get(node, 0) - 1)
        if self.counts_orders:
            self._sorted.clear()

    def ended(self) -> Replayed:
        """The window is over: who waits still waits."""
        for fate in self.fates.values():
            if fate.waits:
                self._wait(fate, fate.waits, self.record.until)
        waited = {order.id for order in self.record.waiting}
        lacking = {key: max(0, -units) for key, units in self.record.free.items()}
        return Replayed(
            [self.fates[order.id] for _, order in self.record.orders],
            [self.fates[order] for order in waited],
            sum(max(0, -position.free - lacking.get(key, 0)) for key, position in self.positions.items()),
        )


def _lines(fate: Fate) -> list[Line]:
    """What an order still wants."""
    return [
        line._replace(quantity=fate.waits[line.id]) for line in fate.order.lines if fate.waits.get(line.id)
    ]


def to_of(order: Asked) -> cost.To:
    """Where and how an order goes."""
    promised_on = order.promise_at.astimezone(UTC).date() if order.promise_at else None
    return cost.To(order.country, order.service, promised_on)


def ships_on(house: House, node: Node, at: datetime) -> date:
    """The day on which a node ships what is ready at a moment."""
    week = house.weeks.get(node.id)
    found = next_ship_date(at, week.time_zone, week.cut_offs) if week else None
    return found.on if found else at.astimezone(UTC).date()
