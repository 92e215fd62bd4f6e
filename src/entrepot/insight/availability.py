"""What can be promised on a date: what is free now, what is expected to arrive, and what waits for it already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from entrepot.kernel import sql
from entrepot.stock import queries as stock
from entrepot.stock import rules
from entrepot.stock.availability_queries import Availability

HORIZON, HORIZON_MAX = 30, 180
"""Days that are looked ahead, today among them."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """Units that a node expects. `counted`: not once their day is over."""

    node: UUID
    node_code: str
    quantity: int
    expected_on: date
    document_kind: str
    document: UUID
    counted: bool


@dataclass(frozen=True, slots=True)
class Owed:
    """Units that an order line waits for at nodes that the channel has as well, from the day that was promised; without
    one, from today."""

    order: UUID
    order_number: str
    line: UUID
    quantity: int
    promised_on: date | None


@dataclass(frozen=True, slots=True)
class Ahead:
    """A SKU that ships from a day on: units that the channel may sell until then, of `units_max` (0: all that will
    come), and those that were sold already, over all channels."""

    ships_on: date
    quantity: int
    sold: int
    units_max: int


@dataclass(frozen=True, slots=True)
class Promise:
    """What a channel may promise of a SKU from `first` on, day by day, with the rows that it comes from.

    It may be below zero in `by_day`, where more is owed than will come; `shown` is what the channel is told. A kit's
    days and rows are those of its components, in `parts`.
    """

    now: Availability
    first: date
    by_day: tuple[int, ...]
    shown: tuple[int, ...]
    inbound: tuple[Inbound, ...]
    owed: tuple[Owed, ...]
    ahead: Ahead | None = None
    parts: tuple[Promise, ...] = ()

    def on(self, day: date) -> int:
        """Units that the channel may promise for a day within the horizon."""
        return self.shown[(day - self.first).days]

    def from_nodes(self, day: date) -> dict[str, int]:
        """Units that each node alone can have ready by a day, by its code: what is free there and arrives until then,
        and never more than may be promised. Who waits is served from any of them, so together they may have more."""
        most = max(0, self.on(day))
        if self.parts:
            units = [part.units for part in self.now.components]
            by_part = [part._nets(day) for part in self.parts]
            there = set.intersection(*(set(nets) for nets in by_part))
            nets = {
                node: rules.whole_kits(zip((of[node] for of in by_part), units, strict=True))
                for node in there
            }
        else:
            nets = self._nets(day)
        return {node: min(most, max(0, net)) for node, net in sorted(nets.items())}

    def _nets(self, day: date) -> dict[str, int]:
        nets = {at.node_code: at.net for at in self.now.nodes}
        for one in self.inbound:
            if one.counted and one.expected_on <= day:
                nets[one.node_code] = nets.get(one.node_code, -self.now.buffer) + one.quantity
        return nets

    def steps(self) -> list[tuple[date, int]]:
        """The days on which the promise changes, the first day ahead of them."""
        return [
            (self.first + timedelta(days=day), units)
            for day, units in enumerate(self.shown)
            if day == 0 or units != self.shown[day - 1]
        ]


def promises(available: Sequence[Availability], *, company: int, today: date, days: int = HORIZON
             ) -> list[Promise]:  # fmt: skip
    """The dated promise of each answer of `availability_queries.availability`, in its order. 3 statements; 1 more
    where some is sold ahead.

    A SKU that ships from a day on is promised for no day before it, and the days reach as far as that one.
    """
    singles = [part for one in available for part in _parts(one)]
    dated = iter(_promises(singles, company, today, days))
    return [_whole(one, tuple(next(dated) for _ in _parts(one))) for one in available]


def _parts(one: Availability) -> list[Availability]:
    """The SKUs that the promise of one is made of: its components, or itself."""
    return [part.available for part in one.components] or [one]


def _whole(now: Availability, parts: tuple[Promise, ...]) -> Promise:
    """What is promised of a SKU, or of a kit by its components: on each day as many as the scarcest makes."""
    first = parts[0]
    if not now.components:
        return first
    units = [part.units for part in now.components]
    by_day = tuple(
        rules.whole_kits(zip(of_day, units, strict=True))
        for of_day in zip(*(part.shown if part.ahead else part.by_day for part in parts), strict=True)
    )
    shown = tuple(rules.shown_units(kits, now.threshold, now.shown_at_most) for kits in by_day)
    return Promise(now, first.first, by_day, shown, (), (), None, parts)


def _promises(available: Sequence[Availability], company: int, today: date, days: int) -> list[Promise]:
    opening = [(one.ships_on - today).days + 1 for one in available if one.ships_on]
    days = min(HORIZON_MAX, max([days, *opening]))
    params = {
        "company": company,
        "skus": [one.sku for one in available],
        "channels": list({one.channel for one in available}),
        "today": today,
        "last": today + timedelta(days=days - 1),
    }
    inbound: dict[tuple[UUID, str], list[Inbound]] = defaultdict(list)
    for sku, channel, *row in sql.run(_INBOUND, params):
        inbound[sku, channel].append(Inbound(*row))
    asking: dict[UUID, list[str]] = defaultdict(list)
    for channel, beside in sql.run(_BESIDE, params):
        asking[beside].append(channel)
    owed: dict[tuple[UUID, str], list[Owed]] = defaultdict(list)
    waiting: dict[UUID, int] = defaultdict(int)
    for sku, where, *row in sql.run(_OWED, params):
        one = Owed(*row)
        waiting[sku] += one.quantity
        for channel in asking[where]:
            owed[sku, channel].append(one)
    taken = stock.taken(skus={one.sku for one in available}) if opening else {}
    return [
        _ahead(
            _promise(one, inbound[one.sku, one.channel], owed[one.sku, one.channel], today, days),
            taken.get(one.sku, 0) + waiting[one.sku],
        )
        for one in available
    ]


def _ahead(promise: Promise, sold: int) -> Promise:
    """The promise without the days before the one from which the SKU ships, and within its limit; `sold` are the units
    that are promised or waited for, over all channels."""
    now = promise.now
    if now.ships_on is None:
        return promise
    first = (now.ships_on - promise.first).days
    shown = rules.sold_ahead(promise.shown, first, sold, now.preorder_max)
    quantity = shown[first] if first < len(shown) else 0
    return replace(promise, shown=shown, ahead=Ahead(now.ships_on, quantity, sold, now.preorder_max))


def _promise(
    now: Availability, inbound: Sequence[Inbound], owed: Sequence[Owed], today: date, days: int
) -> Promise:
    net = {at.node: at.net for at in now.nodes}
    arriving: dict[UUID, list[rules.Dated]] = defaultdict(list)
    for one in inbound:
        arriving[one.node].append(((one.expected_on - today).days, one.quantity))
    nodes = [(net.get(node, -now.buffer), arriving[node]) for node in net | arriving]
    demand = [((one.promised_on - today).days if one.promised_on else 0, one.quantity) for one in owed]
    by_day = rules.promise_by_day(nodes, demand, days)
    shown = (rules.shown_units(units, now.threshold, now.shown_at_most) for units in by_day)
    return Promise(now, today, tuple(by_day), tuple(shown), tuple(inbound), tuple(owed))


_INBOUND = """
SELECT y.sku_id, c.code, y.node_id, n.code, y.quantity, y.expected_on, y.document_kind, y.document_id,
       y.expected_on >= %(today)s::date
FROM network_channel AS c JOIN network_channelnode AS cn ON cn.channel_id = c.id
JOIN network_node AS n ON n.id = cn.node_id AND n.active
JOIN stock_supply AS y ON y.node_id = n.id AND y.sku_id = ANY(%(skus)s::uuid[]) AND y.expected_on <= %(last)s::date
WHERE c.company_id = %(company)s::smallint AND c.code = ANY(%(channels)s::text[])
ORDER BY y.expected_on, n.code, y.line_id
"""

# Who waits at other nodes than those of the channel takes nothing of theirs.
_BESIDE = """
SELECT DISTINCT c.code, theirs.channel_id
FROM network_channel AS c JOIN network_channelnode AS ours ON ours.channel_id = c.id
JOIN network_node AS n ON n.id = ours.node_id AND n.active
JOIN network_channelnode AS theirs ON theirs.node_id = ours.node_id
WHERE c.company_id = %(company)s::smallint AND c.code = ANY(%(channels)s::text[])
"""

_OWED = """
SELECT b.sku_id, o.channel_id, b.order_id, o.number, b.line_id, b.quantity, b.promised_on
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id
WHERE b.sku_id = ANY(%(skus)s::uuid[]) AND b.company_id = %(company)s::smallint
ORDER BY b.priority DESC, b.ordered_at, b.line_id
"""
