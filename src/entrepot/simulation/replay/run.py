"""The replay itself: moment by moment, stock moves and the most urgent are served. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID, uuid5

from entrepot.simulation.replay.ahead import SoldAhead
from entrepot.simulation.replay.asking import Asking, Profiles
from entrepot.simulation.replay.record import (
    Asked,
    Change,
    Fate,
    Held,
    Preorder,
    Record,
    Rejection,
    Replayed,
    Share,
)
from entrepot.simulation.replay.windows import fill_of, parts_of, past_of
from entrepot.simulation.replay.work import Work, leaves
from entrepot.sourcing import batches, joint, rules
from entrepot.sourcing.deciding import Case, Decision, Together, decide
from entrepot.sourcing.rules import Line
from entrepot.sourcing.substitutes import Instead, Option
from entrepot.stock.rules import Position, Promise, displace, urgency

SOLVE_SECONDS = 60.0
"""Time to think about a batch: never used up, so that a replay does not depend on how fast the machine is."""
Options = Mapping[UUID, Sequence[Option]]
TOGETHER_MAX = 100
"""Orders of one moment that are solved as one problem."""


def replay(record: Record, profiles: Profiles, tell: Callable[[int], None] = lambda _: None) -> Replayed:
    """Decide every order of the window by these profiles. `tell` hears of orders decided."""
    run = _Run(record, profiles)
    for at, happened in _by_moment(record):
        tell(run.moment(at, happened))
    return run.ended()


class _Moment(NamedTuple):
    """What the record has of one moment."""

    preorders: list[Preorder]
    changes: list[Change]
    cancelled: list[UUID]
    rejections: list[Rejection]
    cleared: list[Rejection]
    let_go: list[UUID]
    orders: list[Asked]


def _by_moment(record: Record) -> Iterator[tuple[datetime, _Moment]]:
    """The window in the order of time; of one moment, stock moves before anybody is served."""
    happened: list[tuple[datetime, int, object]] = [
        *((max(one.at, record.since), 0, one) for one in record.preorders),
        *((one.at, 1, one) for one in record.changes),
        *((at, 2, order) for order, at in record.cancelled.items()),
        *((one.at, 3, one) for one in record.rejections if one.at >= record.since),
        *((one.cleared_at, 4, one) for one in record.rejections if one.cleared_at),
        *((max(at, record.since), 5, order) for order, at in record.let_go.items()),
        *((at, 6, order) for at, order in record.orders),
    ]
    happened = [one for one in happened if record.since <= one[0] < record.until]
    happened.sort(key=lambda one: one[:2])
    for at, some in groupby(happened, key=lambda one: one[0]):
        kinds: tuple[list[object], ...] = tuple([] for _ in _Moment._fields)
        for _, kind, what in some:
            kinds[kind].append(what)
        yield at, _Moment(*kinds)  # type: ignore[arg-type]


class _Run:
    """The state of a replay: stock, who waits, who works."""

    def __init__(self, record: Record, profiles: Profiles) -> None:
        self.record = record
        self.work = Work(record.promised)
        self.ahead = SoldAhead()
        self.asking = Asking(record.house, profiles, self.work, self.ahead)
        self.positions: dict[tuple[UUID, UUID], Position] = {}
        for key, units in record.free.items():
            fences = dict(record.fences.get(key, {}))
            self.positions[key] = Position(units, sum(fences.values()), fences)
        self.planned = self.planned_minor = self.bound_minor = 0
        self.fates: dict[UUID, Fate] = {}
        self.waiting_for: dict[UUID, dict[UUID, None]] = defaultdict(dict)
        self.promised: dict[tuple[UUID, UUID], list[tuple[Fate, Share]]] = defaultdict(list)
        self.held: dict[UUID, list[Held]] = defaultdict(list)
        for one in record.held:
            self.held[one.order].append(one)
            # Of the others it is told what left later, or is promised today.
            if one.order in record.cancelled:
                self.work.add(*one)
        for asked in record.waiting:
            fate = self._begin(asked, record.since)
            fate.fresh = {}
            self._wait(fate, dict(fate.waits), record.since)
        for earlier in record.rejections:
            if earlier.at < record.since and earlier.order in self.fates:
                self._note(self.fates[earlier.order], earlier.line, earlier.node, earlier.at)

    def _begin(self, asked: Asked, at: datetime) -> Fate:
        waits = {line.id: line.quantity for line in asked.lines}
        self.fates[asked.id] = Fate(asked, at, lines=list(asked.lines), waits=waits, fresh=dict(waits))
        return self.fates[asked.id]

    # ---- what happens

    def moment(self, at: datetime, happened: _Moment) -> int:
        """Stock moves, customers cancel, nodes reject, and then those are served who can be: the most urgent first."""
        self.asking.begin(at)
        self._leave(at)
        self.ahead.set(happened.preorders)
        again: dict[UUID, None] = {}
        gained = [self._change(one) for one in happened.changes if one.units > 0]
        for change in happened.changes:
            if change.units < 0:
                self._change(change)
        for change in happened.changes:
            again |= self._lose(change, at)
        for order in happened.cancelled:
            gained += self._cancel(order, at)
        for rejection in happened.rejections:
            if self._reject(rejection, at):
                again[rejection.order] = None
                gained.append(rejection.sku)
        for rejection in happened.cleared:
            again |= self._ask_again(rejection)
        again |= self._let_go(happened.let_go)
        for sku in self.asking.with_ordered(dict.fromkeys(gained)):
            again |= self.waiting_for.get(sku, {})
        for asked in happened.orders:
            self._begin(asked, at)
            again[asked.id] = None
        self._serve([self.fates[order] for order in again], at)
        return len(happened.orders)

    def _change(self, change: Change) -> UUID:
        position = self.positions.setdefault((change.sku, change.node), Position(0, 0, {}))
        position.free += change.units
        return change.sku

    def _give_back(self, fate: Fate, share: Share, units: int) -> None:
        """Units of a share are promised no more, and free again where they were."""
        share.units -= units
        self.positions[share.line.sku, share.node.id].free += units
        self.work.less(fate.order.id, share.line.sku, share.node.id, units)

    def _want_again(self, fate: Fate, line: UUID, units: int) -> None:
        fate.waits[line] = fate.waits.get(line, 0) + units
        fate.fresh[line] = fate.fresh.get(line, 0) + units

    def _lose(self, change: Change, at: datetime) -> dict[UUID, None]:
        """Where less is there than was promised, the least urgent lose it, and are served again."""
        position = self.positions[change.sku, change.node]
        if position.free >= 0 or change.units > 0:
            return {}
        here = [
            (fate, share)
            for fate, share in self.promised[change.sku, change.node]
            if share.units and not share.has_left(at)
        ]
        self.promised[change.sku, change.node] = here
        promises = [
            Promise(
                UUID(int=i), share.units, False, share.priority, fate.order.promise_at, fate.order.placed_at
            )
            for i, (fate, share) in enumerate(here)
        ]  # fmt: skip
        losers: dict[UUID, None] = {}
        for promise, units in displace(promises, -position.free):
            fate, share = here[promise.allocation.int]
            self._give_back(fate, share, units)
            self._want_again(fate, share.line.id, units)
            losers[fate.order.id] = None
        return losers

    def _cancel(self, order: UUID, at: datetime) -> list[UUID]:
        """What an order had is free again, and what it waited for is not wanted any more. Returns the SKUs."""
        skus = []
        for one in self.held.pop(order, ()):
            self._change(Change(at, one.sku, one.node, one.units))
            self.work.less(*one)
            skus.append(one.sku)
        fate = self.fates.get(order)
        if fate is None:
            return skus
        for share in fate.shares:
            if not share.has_left(at):
                skus.append(share.line.sku)
                fate.withdrawn += share.units
                self._give_back(fate, share, share.units)
        fate.withdrawn += sum(fate.waits.values())
        fate.past, fate.fresh = (), {}
        self._wait(fate, {}, at)
        return skus

    def _reject(self, rejection: Rejection, at: datetime) -> bool:
        """What the node was to serve of a line is wanted again, and it is not asked; if it was asked here at all."""
        fate = self.fates.get(rejection.order)
        if fate is None:
            return False
        here = [
            share
            for share in fate.shares
            if share.units
            and share.node.id == rejection.node
            and share.line.sku == rejection.sku
            and fate.instead.get(share.line.id, share.line.id) == rejection.line
            and not share.has_left(at)
        ]
        for share in here:
            self._want_again(fate, share.line.id, share.units)
            self._give_back(fate, share, share.units)
            self._note(fate, share.line.id, rejection.node, rejection.at)
        return bool(here)

    def _note(self, fate: Fate, line: UUID, node: UUID, at: datetime) -> None:
        fate.rejected.setdefault(line, []).append((node, at))

    def _ask_again(self, rejection: Rejection) -> dict[UUID, None]:
        fate = self.fates.get(rejection.order)
        if fate is None or not fate.rejected:
            return {}
        fate.rejected.clear()
        return {fate.order.id: None}

    def _let_go(self, orders: Iterable[UUID]) -> dict[UUID, None]:
        """Somebody has decided for orders that limits of selling ahead held, or would hold."""
        found: dict[UUID, None] = {}
        for order in orders:
            self.ahead.let_go.add(order)
            fate = self.fates.get(order)
            if fate and fate.past:
                fate.past = ()
                found[order] = None
        return found

    def _wait(self, fate: Fate, waits: dict[UUID, int], at: datetime) -> None:
        """What an order waits for from now on, and how long it has waited until now."""
        _count_days(fate, at)
        backlog = sum(waits.values())
        fate.backordered += max(0, backlog - fate.backlog)
        for line in fate.lines:
            if waits.get(line.id):
                self.waiting_for[line.sku][fate.order.id] = None
            else:
                self.waiting_for[line.sku].pop(fate.order.id, None)
        fate.waits, fate.since, fate.backlog = waits, at if waits else None, backlog

    # ---- who is served, and from where

    def _serve(self, fates: Iterable[Fate], at: datetime) -> None:
        wanting = [(fate, self.asking.priority(fate)) for fate in fates if fate.waits and not fate.past]
        wanting.sort(key=lambda one: urgency(one[1], *_turn(one[0].order)))
        kept = self._admit([fate for fate, _ in wanting], at)
        for start in range(0, len(wanting), TOGETHER_MAX):
            some = wanting[start : start + TOGETHER_MAX]
            together = self._together([fate for fate, _ in some])
            for fate, priority in some:
                if fate.order.id not in kept:
                    self._decide(fate, priority, at, together)

    def _admit(self, urgent: Sequence[Fate], at: datetime) -> Container[UUID]:
        """Orders that limits of selling ahead keep from being sourced."""
        if not self.ahead.limits(at):
            return ()

        def sold(sku: UUID) -> int:
            waiting = (self.fates[order] for order in self.waiting_for.get(sku, ()))
            return self.work.of_sku[sku] + sum(
                fate.waits.get(line.id, 0) - fate.fresh.get(line.id, 0)
                for fate in waiting
                for line in fate.lines
                if line.sku == sku
            )

        return self.ahead.admit(urgent, self.asking.profile, sold, at)

    def _together(self, fates: Sequence[Fate]) -> Together:
        """The cheapest plan of those that are planned by cost, as one problem."""
        members = []
        for fate in fates:
            if self.asking.profile(fate.order).choose_by == "cost":
                lines, nodes = fate.wanted, self.asking.nodes(fate.order)
                free = rules.left(self._free(fate, lines, nodes, self.asking.options(fate, lines)), nodes)
                wanted = self.asking.priced(fate.order, lines, nodes, free)
                most = self.asking.nodes_max(fate.order, lines)
                members.append(batches.Member(wanted, fate.order.channel, most))
        if not members:
            return _ALONE
        there = {
            key: position
            for one in members
            for key in one.wanted.free
            if (position := self.positions.get(key))
        }
        standing = batches.Standing(there, self.work.orders, self.asking.today(members))
        assigned, solution = batches.solve_together(members, standing, SOLVE_SECONDS)
        self.planned_minor += solution.cost
        self.bound_minor += solution.bound
        self.planned += len(members)
        return Together(assigned, len(members), solution)

    def _free(
        self, fate: Fate, lines: Sequence[Line], nodes: rules.SortedOut, options: Options
    ) -> rules.Free:
        """What each node may promise, also of what may be sent instead; nothing of what it rejected lately."""
        channel = fate.order.channel
        asked = (*nodes.first, *nodes.after)
        skus = [line.sku for line in lines]
        for of_line in options.values():
            skus += [one.sku for one in of_line]
        free = {
            (sku, node.id): position.free_for(channel)
            for sku in skus
            for node in asked
            if (position := self.positions.get((sku, node.id)))
        }
        for line in lines if fate.rejected else ():
            refused = self.asking.refused(fate, line)
            for node in asked:
                if refused is None or node.id in refused:
                    for sku in (line.sku, *(one.sku for one in options.get(line.id, ()))):
                        free[sku, node.id] = 0
        return free

    def _decide(self, fate: Fate, priority: int, at: datetime, together: Together) -> None:
        order, lines, asking = fate.order, fate.wanted, self.asking
        profile, nodes = asking.profile(order), asking.nodes(order)
        options = asking.options(fate, lines)
        free = self._free(fate, lines, nodes, options)
        priced = None
        if profile.choose_by == "cost":
            priced = asking.priced(order, lines, nodes, rules.left(free, nodes))
        found = decide(
            Case(
                order.id, order.policy, lines, nodes, free, asking.nodes_max(order, lines), profile, options, (),
                priced, together, fill_of(fate), past_of(order, at), parts_of(fate, at),
            )
        )  # fmt: skip
        if fate.first is None:
            fate.first, fate.broken, fate.km = found.plan, found.nodes.broken, found.nodes.km
        self._take(fate, found, free, priority, at)

    def _take(self, fate: Fate, found: Decision, free: rules.Free, priority: int, at: datetime) -> None:
        order, work = fate.order, self.work
        by_id = {node.id: node for node in (*found.nodes.first, *found.nodes.after)}
        gone = self.record.gone.get(order.id, ())
        of_line = {(line.id, line.sku): line for line in fate.lines}
        for one in found.instead:
            of_line[one.line, one.option.sku] = self._exchange(fate, one)
        for share in found.plan.shares:
            node, line = share.node, of_line[share.line, share.sku]
            taken = Share(
                at, by_id[node], line, share.quantity, free[share.sku, node], work.orders.get(node, 0),
                work.units.get(node, 0), priority, leaves(gone, node, at),
            )  # fmt: skip
            self.positions[share.sku, node].take(order.channel, share.quantity)
            fate.shares.append(taken)
            self.promised[share.sku, node].append((fate, taken))
        for taken in fate.shares[len(fate.shares) - len(found.plan.shares) :]:
            work.take(order.id, taken)
        if found.plan.shares:
            self.asking.work_changed()
        waits = {line.id: line.quantity for line in found.plan.short}
        if rules.cancels_rest(found.plan, order.policy):
            fate.cancelled += sum(waits.values())
            waits = {}
        fate.fresh = {}
        self._wait(fate, waits, at)

    def _exchange(self, fate: Fate, one: Instead) -> Line:
        """A line of its own for what is sent instead."""
        line = Line(uuid5(one.line, f"{one.option.code} {len(fate.instead)}"), one.option.sku, one.quantity)
        self.asking.exchange(fate, one, line)
        fate.lines.append(line)
        fate.instead[line.id] = one.line
        return line

    def _leave(self, at: datetime) -> None:
        """Nodes whose orders are gone by now have less to do."""
        if self.work.leave(at):
            self.asking.work_changed()

    def ended(self) -> Replayed:
        """The window is over: who waits still waits."""
        for fate in self.fates.values():
            if fate.waits:
                _count_days(fate, self.record.until)
        waited = {order.id for order in self.record.waiting}
        lacking = {key: max(0, -units) for key, units in self.record.free.items()}
        return Replayed(
            [self.fates[order.id] for _, order in self.record.orders],
            [self.fates[order] for order in waited],
            sum(max(0, -position.free - lacking.get(key, 0)) for key, position in self.positions.items()),
            joint.gap(self.planned_minor, self.bound_minor) if self.planned else None,
        )


_ALONE = Together({}, 0)


def _turn(order: Asked) -> tuple[datetime | None, datetime, UUID]:
    """What says beside the priority who is served first."""
    return order.promise_at, order.placed_at, order.id


def _count_days(fate: Fate, at: datetime) -> None:
    """How long what waits has waited since it was looked at last."""
    if fate.since is not None:
        fate.unit_days += fate.backlog * ((at - fate.since) / timedelta(days=1))
