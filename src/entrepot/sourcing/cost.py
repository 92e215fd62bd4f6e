"""What it costs to serve an order from a node, by term. Pure.

The cost is freight (the carrier's table, and kilometres), handling, lateness, the scarcity of the stock that is taken,
and a penalty for each shipment after the first. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage.rules import (
    Leaves,
    Offer,
    Parcel,
    Service,
    arrives_on,
    choose_service,
    letters_that_count,
    offer,
)
from entrepot.network.destinations import promised_day
from entrepot.network.rules import postal_key
from entrepot.sourcing.rules import Free, Line, Node, Profile, SortedOut


class Shipping(NamedTuple):
    """What it takes to send all of an order from a node: its cheapest parcel, the rest by weight, days too late."""

    fixed_minor: int
    by_weight_minor: int
    late_days: int


def shipping(
    services: Sequence[Service],
    wanted: str,
    parcel: Parcel,
    km: float,
    ships_on: Leaves,
    promised_on: date | None,
    profile: Profile,
) -> Shipping | None:
    """The service that would be taken, priced; None where none carries it. Without services only time counts."""
    distance = round(km * profile.km_minor)
    if not services:
        late = (ships_on.on - promised_on).days if promised_on else 0
        return Shipping(distance, 0, max(0, late))
    taken = choose_service(services, parcel, wanted, ships_on, promised_on).taken
    if taken is None:
        return None
    lightest = offer(taken.service, parcel._replace(weight_g=min(1, parcel.weight_g), volume_cm3=0))
    fixed = min(taken.price_minor, lightest.price_minor if isinstance(lightest, Offer) else taken.price_minor)
    late = (arrives_on(taken.service, ships_on) - promised_on).days if promised_on else 0
    return Shipping(fixed + distance, taken.price_minor - fixed, max(0, late))


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order to be planned by cost: its lines with their weight in grams, the nodes that may serve it, and how."""

    order: UUID
    lines: Sequence[Line]
    grams: Mapping[UUID, int]
    """By line."""
    nodes: SortedOut
    free: Free
    shipping: Mapping[UUID, Shipping]
    """By node; a node that no carrier serves is not there."""
    profile: Profile

    def terms(self, node: Node) -> dict[str, int]:
        """What it costs to serve all of it from a node, by term."""
        sent = self.shipping[node.id]
        return {
            "freight": sent.fixed_minor + sent.by_weight_minor,
            "handling": self.profile.handling_minor * sum(line.quantity for line in self.lines),
            "lateness": self.profile.late_day_minor * sent.late_days,
            "scarcity": sum(self.scarcity(line, node) for line in self.lines),
        }

    def scarcity(self, line: Line, node: Node) -> int:
        free = self.free.get((line.sku, node.id), 0)
        return round(self.profile.scarcity_minor * min(1.0, line.quantity / free)) if free > 0 else 0

    def of_line(self, line: Line, node: Node) -> int:
        """The part of the cost that a line causes wherever its shipment goes anyway."""
        grams = sum(self.grams.values())
        share = self.shipping[node.id].by_weight_minor * self.grams[line.id] // grams if grams else 0
        return share + self.profile.handling_minor * line.quantity + self.scarcity(line, node)

    def terms_of_line(self, line: Line, node: Node, others: Collection[UUID]) -> dict[str, int]:
        """What it costs, by term, to send one line from a node while the other lines come from `others`: a shipment
        that only this line makes counts with it, and where there is another one, the penalty of the split."""
        sent = self.shipping[node.id]
        grams = sum(self.grams.values())
        freight = sent.by_weight_minor * self.grams[line.id] // grams if grams else 0
        is_new = node.id not in others
        return {
            "freight": freight + is_new * sent.fixed_minor,
            "handling": self.profile.handling_minor * line.quantity,
            "lateness": is_new * self.profile.late_day_minor * sent.late_days,
            "scarcity": self.scarcity(line, node),
            "split": is_new * self.profile.split_minor if others else 0,
        }

    def of_shipment(self, node: Node) -> int:
        """What a shipment from a node costs before anything is in it."""
        sent = self.shipping[node.id]
        return sent.fixed_minor + self.profile.late_day_minor * sent.late_days + self.profile.split_minor

    def cheapest_first(self) -> SortedOut:
        """Its nodes in order of what all of it would cost from each, those that no carrier serves left out; `ranked` so
        where some break a rule, with those that are refused."""
        total = {
            node.id: sum(self.terms(node).values()) for node in all_of(self.nodes) if node.id in self.shipping
        }

        def by_cost(nodes: Sequence[Node]) -> tuple[Node, ...]:
            return tuple(sorted((one for one in nodes if one.id in total), key=lambda one: total[one.id]))

        first, after = by_cost(self.nodes.first), by_cost(self.nodes.after)
        asked = (*self.nodes.first, *self.nodes.after)
        unserved = {node.code: "no service" for node in asked if node.id not in total}
        broken = {**self.nodes.broken, **unserved}
        ranked = tuple(node.code for node in by_cost(all_of(self.nodes))) if self.nodes.ranked else ()
        return self.nodes._replace(first=first, after=after, broken=broken, ranked=ranked)


def all_of(nodes: SortedOut) -> tuple[Node, ...]:
    """Those that keep every rule, those that break a soft one, and those that break a hard one: all are priced, so that
    it can be told whether one would have been cheaper without its rule."""
    return (*nodes.first, *nodes.after, *nodes.refused)


class To(NamedTuple):
    """Where and how an order goes, as far as a price depends on it."""

    country: str
    service: str
    promise_at: datetime | None
    postal_code: str = ""

    def promised_on(self, node: Node) -> date | None:
        """The day of the promise where it goes; where that is not known, where the node is."""
        return promised_day(self.promise_at, self.country, self.postal_code, node.time_zone)


class Pricer:
    """Prices shipments of a company; what was asked before is not worked out again.

    `sizes` are the grams and cm³ of a unit by SKU.
    """

    def __init__(self, services: Sequence[Service], sizes: Mapping[UUID, tuple[int, int]]) -> None:
        self.services, self.sizes = services, sizes
        self._from, self._to = letters_that_count(services)
        self._known: dict[tuple[object, ...], Shipping | None] = {}

    def shipping(
        self, lines: Sequence[Line], to: To, node: Node, km: int, ships_on: Leaves, profile: Profile
    ) -> Shipping | None:
        """What it takes to send the lines from a node in one parcel; None where no carrier takes it."""
        sizes = [(self.sizes.get(line.sku, (0, 0)), line.quantity) for line in lines]
        weight, volume = (sum(size[i] * units for size, units in sizes) for i in (0, 1))
        # Of postal codes as much as a price hangs on, so that neighbours are priced once.
        parcel = Parcel(
            weight, volume, node.country, to.country, postal_code=postal_key(to.postal_code)[: self._to],
            origin_postal_code=postal_key(node.postal_code)[: self._from],
        )  # fmt: skip
        promised_on = to.promised_on(node)
        key = (to.service, promised_on, parcel, km, ships_on, profile.km_minor)
        if key not in self._known:
            self._known[key] = shipping(self.services, to.service, parcel, km, ships_on, promised_on, profile)
        return self._known[key]

    def wanted(
        self, order: UUID, lines: Sequence[Line], to: To, nodes: SortedOut, free: Free,
        ships_on: Mapping[UUID, Leaves], profile: Profile,
    ) -> Wanted:  # fmt: skip
        """The order as it is planned by cost. `ships_on` says when each node ships it."""
        grams = {line.id: self.sizes.get(line.sku, (0, 0))[0] * line.quantity for line in lines}
        sent: dict[UUID, Shipping] = {}
        for node in all_of(nodes):
            km = nodes.km.get(node.code, 0)
            found = self.shipping(lines, to, node, km, ships_on[node.id], profile)
            if found is not None:
                sent[node.id] = found
        return Wanted(order, lines, grams, nodes, free, sent, profile)
