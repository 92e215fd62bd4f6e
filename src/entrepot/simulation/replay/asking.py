"""What a profile asks about orders, answered from the record as of a moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from entrepot.carriage.rules import Leaves, leaves
from entrepot.network.rules import local_day
from entrepot.orders.rules import Frozen, freeze_substitute
from entrepot.simulation.replay.ahead import SoldAhead
from entrepot.simulation.replay.record import NO_WEEK, Asked, Fate, House, Paid
from entrepot.simulation.replay.work import Work
from entrepot.sourcing import batches, cost, rules
from entrepot.sourcing.deciding import not_asked
from entrepot.sourcing.goods import Goods
from entrepot.sourcing.rules import Line, Node, Profile
from entrepot.sourcing.substitutes import Instead, Option, may_substitute

Profiles = Mapping[str, Profile]
"""The profile of each channel by its code; that of all others is ''."""


def profile_of(profiles: Profiles, channel: str) -> Profile:
    return profiles.get(channel) or profiles.get("") or _DEFAULT


_DEFAULT = Profile()


class Asking:
    """The house as the profiles of a replay see it; what none of them asks about is not looked at."""

    def __init__(self, house: House, profiles: Profiles, work: Work, ahead: SoldAhead) -> None:
        self.house, self.profiles, self.work, self.ahead = house, profiles, work, ahead
        self.pricer = cost.Pricer(house.services, house.sizes)
        used = profiles.values()
        self.counts_work = any(one.orders_per_day or one.units_per_day for one in used)
        self._looks_at_days = any(one.offline or one.ship_days_max is not None for one in used)
        self._sends_others = any(one.substitutes != "never" for one in used)
        self._ranks = any(one.tier_priority or one.margin_from_percent is not None for one in used)
        self._sorted: dict[tuple[UUID, rules.Destination], rules.SortedOut] = {}
        self._ships: dict[UUID, Leaves] = {}
        self._goods = list(reversed(house.goods))
        self.goods = Goods()

    def begin(self, at: datetime) -> None:
        """A moment: what was true of the one before may be true no more."""
        self.at = at
        self._ships.clear()
        if self._looks_at_days:
            self._sorted.clear()
        while self._goods and self._goods[-1][0] <= at:
            _, self.goods = self._goods.pop()

    def work_changed(self) -> None:
        if self.counts_work:
            self._sorted.clear()

    def profile(self, order: Asked) -> Profile:
        return profile_of(self.profiles, self.house.channels.get(order.channel, ""))

    # ---- nodes

    def nodes(self, order: Asked) -> rules.SortedOut:
        to = rules.Destination(order.country, self.house.places.get((order.country, order.postal_code)))
        key = (order.channel, to)
        if key not in self._sorted:
            nodes = self.house.nodes.get(order.channel, ())
            self._sorted[key] = rules.sort_out(
                nodes, to, self.profile(order), self.work.orders if self.counts_work else None,
                self._today(nodes) if self._looks_at_days or self.counts_work else None,
            )  # fmt: skip
        return self._sorted[key]

    def _today(self, nodes: Iterable[Node]) -> rules.Today:
        ships_in = {
            node.id: (self._ships_on(node).on - local_day(self.at, node.time_zone)).days for node in nodes
        }
        return rules.Today(self.at, self.work.units, ships_in)

    def today(self, members: Iterable[batches.Member]) -> rules.Today:
        """What a batch finds at the nodes that it asks."""
        nodes = {
            node.id: node for one in members for node in (*one.wanted.nodes.first, *one.wanted.nodes.after)
        }
        return self._today(nodes.values())

    def _ships_on(self, node: Node) -> Leaves:
        if node.id not in self._ships:
            self._ships[node.id] = ships_on(self.house, node, self.at)
        return self._ships[node.id]

    def priced(
        self, order: Asked, lines: Sequence[Line], nodes: rules.SortedOut, free: rules.Free
    ) -> cost.Wanted:
        profile, work = self.profile(order), self.work
        days = {
            node.id: self._ships_on(node).after(
                rules.busy_days(node, profile, work.orders.get(node.id, 0), work.units.get(node.id, 0))
            )
            for node in cost.all_of(nodes)
        }
        return self.pricer.wanted(order.id, lines, to_of(order), nodes, free, days, profile)

    def refused(self, fate: Fate, line: Line) -> set[UUID] | None:
        """The nodes that are not asked for a line, because they gave it back; None where nobody is asked any more."""
        rejections = fate.rejected.get(line.id)
        return not_asked(rejections, self.profile(fate.order), self.at) if rejections else set()

    # ---- goods

    def nodes_max(self, order: Asked, lines: Sequence[Line]) -> int:
        profile = self.profile(order)
        names = (
            [name for line in lines for name in self.goods.names(line.sku)] if profile.shipments_of else ()
        )
        return rules.nodes_max(profile, order.total_minor, names)

    def priority(self, fate: Fate) -> int:
        """The priority with which an order is served."""
        order = fate.order
        if not self._ranks:
            return order.priority
        profile, lines = self.profile(order), fate.wanted
        if profile.margin_from_percent is None:
            return rules.priority(order.priority, profile, order.tier)
        paid = sum(self._paid(fate, line.id).net_minor(line.quantity) for line in lines)
        cost_minor = self.goods.cost_minor(order.currency, ((line.sku, line.quantity) for line in lines))
        return rules.priority(order.priority, profile, order.tier, paid, cost_minor)

    def _paid(self, fate: Fate, line: UUID) -> Paid:
        return fate.paid.get(line) or self.house.paid[line]

    def options(self, fate: Fate, lines: Sequence[Line]) -> Mapping[UUID, Sequence[Option]]:
        """What may be sent for lines, the preferred first; as for live orders."""
        order = fate.order
        if not self._sends_others or not may_substitute(self.profile(order), order.said_of_substitutes):
            return {}
        channel = self.house.channels.get(order.channel, "")
        return {
            line.id: found
            for line in lines
            if line.id not in fate.instead
            and not line.kit
            and (found := [
                one
                for one in self.goods.options(self.house.company, channel, line.sku)
                if not self.ahead.ships_later(one.sku, self.at)
            ])
        }  # fmt: skip

    def exchange(self, fate: Fate, one: Instead, line: Line) -> None:
        """What is paid for a line that is sent instead, where margins are asked for."""
        if one.line in self.house.paid:
            bore, earlier = self.house.paid[one.line], sum(
                other.quantity for other in fate.lines if fate.instead.get(other.id) == one.line
            )  # fmt: skip
            first = bore.quantity - earlier - one.quantity
            frozen = Frozen(bore.gross_minor, bore.discount_minor, 0, 0).of_units(
                bore.quantity, first, one.quantity
            )
            list_price = self.goods.skus[one.option.sku].list_price
            paid = freeze_substitute(frozen, one.option.price, one.quantity, list_price, fate.order.currency)
            fate.paid[line.id] = Paid(paid.gross, paid.discount, one.quantity)

    def with_ordered(self, skus: Iterable[UUID]) -> dict[UUID, None]:
        """SKUs that came, and those that they may be sent instead of."""
        found = dict.fromkeys(skus)
        if self._sends_others:
            for sku in tuple(found):
                found.update(dict.fromkeys(self.goods.ordered_for(sku)))
        return found


def to_of(order: Asked) -> cost.To:
    """Where and how an order goes."""
    return cost.To(order.country, order.service, order.promise_at, order.postal_code)


def ships_on(house: House, node: Node, at: datetime) -> Leaves:
    """When what is ready at a moment leaves a node."""
    week = house.weeks.get(node.id, NO_WEEK)
    return leaves(at, node.time_zone, week.calendar, week.carriers)
