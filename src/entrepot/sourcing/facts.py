"""What a decision looks at, read once for a batch: profiles, nodes, distances, work that waits, what carriers ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage import queries as carriage
from entrepot.carriage.rules import Parcel, Service
from entrepot.kernel import policies, sql
from entrepot.network import queries as network
from entrepot.network.rules import next_ship_date
from entrepot.sourcing import cost, rules

policies.shape("sourcing.profile")(rules.Profile)


class Order(NamedTuple):
    """An order to be sourced."""

    id: UUID
    company: int
    channel: UUID
    country: str
    postal_code: str
    policy: str
    priority: int
    promise_at: datetime | None
    placed_at: datetime
    reservation: str
    service: str
    total_minor: int
    blocked: bool
    was_rejected: bool


class Line(NamedTuple):
    """Units of a line that wait for a node."""

    id: UUID
    number: int
    sku: UUID
    open: int
    backordered: int
    is_limited: bool = False  # sold ahead, up to a limit

    def wanted(self) -> rules.Line:
        return rules.Line(self.id, self.sku, self.open + self.backordered)


class Version(NamedTuple):
    """A profile with its version; `scope` is the channel that it is for, '' where it is for all."""

    scope: str
    number: int
    profile: rules.Profile


class Facts:
    """Facts about orders of any companies and channels; what no profile asks about is not read."""

    def __init__(self, orders: Collection[Order], at: datetime) -> None:
        self.at = at
        self._codes: dict[UUID, str] = {}
        self._nodes: dict[UUID, list[rules.Node]] = defaultdict(list)
        self._load_nodes({order.channel for order in orders})
        self._versions = policies.in_force_of(sorted({order.company for order in orders}), rules.Profile, at)
        self._places = self._load_places(orders)
        profiles = [self.version(order).profile for order in orders]
        self._counts_orders = any(one.orders_per_day for one in profiles)
        self.open_orders = self._load_open_orders() if self._counts_orders else {}
        rejected = [order.id for order in orders if order.was_rejected]
        self._rejections = _load_rejections(rejected) if rejected else {}
        self._sorted: dict[tuple[UUID, rules.Destination], rules.SortedOut] = {}
        self.costs: Costs | None = None
        if any(one.choose_by == "cost" for one in profiles):
            self.costs = Costs({order.company for order in orders}, self._all_nodes(), at)

    def version(self, order: Order) -> Version:
        """The profile of the order's channel, else of all channels, else the defaults."""
        scopes = self._versions.get(order.company, {})
        scope = self._codes.get(order.channel, "")
        if scope not in scopes:
            scope = ""
        return Version(scope, *scopes.get(scope, (0, _DEFAULT)))

    def nodes(self, order: Order) -> rules.SortedOut:
        """The nodes of the order's channel, sorted out for its destination; sorted once for each pair."""
        to = rules.Destination(order.country, self._places.get((order.country, order.postal_code)))
        key = (order.channel, to)
        if key not in self._sorted:
            self._sorted[key] = rules.sort_out(
                self._nodes[order.channel], to, self.version(order).profile, self.open_orders
            )
        return self._sorted[key]

    def rejected(self, order: Order) -> dict[UUID, set[UUID] | None]:
        """By line the nodes that are not asked, or None where too many have rejected it: then nobody is."""
        profile = self.version(order).profile
        since = self.at - timedelta(days=profile.rejection_days)
        found: dict[UUID, set[UUID] | None] = {}
        for line, rejections in self._rejections.get(order.id, {}).items():
            nodes = {node for node, at in rejections if at > since}
            found[line] = None if len({node for node, _ in rejections}) >= profile.rejections_max else nodes
        return found

    def took(self, nodes: Collection[UUID]) -> None:
        """An order goes to nodes: they are busier for the next."""
        if self._counts_orders:
            for node in nodes:
                self.open_orders[node] = self.open_orders.get(node, 0) + 1
            self._sorted.clear()

    def _load_nodes(self, channels: set[UUID]) -> None:
        for channel, channel_code, node, code, country, priority, kind, latitude, longitude in sql.run(
            _NODES, {"channels": list(channels)}
        ):
            place = None if latitude is None else (latitude, longitude)
            self._codes[channel] = channel_code
            self._nodes[channel].append(rules.Node(node, code, country, priority, kind, place))

    def _load_places(self, orders: Collection[Order]) -> dict[tuple[str, str], tuple[float, float]]:
        """Asked only where distance can decide something."""
        far = {
            channel for channel, nodes in self._nodes.items() if sum(bool(node.place) for node in nodes) > 1
        }
        addresses = {(order.country, order.postal_code) for order in orders if order.channel in far}
        return network.whereabouts(addresses) if addresses else {}

    def _all_nodes(self) -> dict[UUID, rules.Node]:
        return {node.id: node for nodes in self._nodes.values() for node in nodes}

    def _load_open_orders(self) -> dict[UUID, int]:
        return dict(sql.run(_OPEN_ORDERS, {"nodes": list(self._all_nodes())}))  # type: ignore[arg-type]


def _load_rejections(orders: Sequence[UUID]) -> dict[UUID, dict[UUID, list[tuple[UUID, datetime]]]]:
    found: dict[UUID, dict[UUID, list[tuple[UUID, datetime]]]] = defaultdict(lambda: defaultdict(list))
    for order, line, node, at in sql.run(_REJECTIONS, {"orders": list(orders)}):
        found[order][line].append((node, at))
    return found


_DEFAULT = rules.Profile()


class Costs:
    """What the cost of a plan is made of: services with their tables, when nodes ship, what SKUs weigh."""

    def __init__(self, companies: Collection[int], nodes: Mapping[UUID, rules.Node], at: datetime) -> None:
        self.at = at
        self._services: dict[int, list[Service]] = carriage.services(companies=companies)
        weeks = network.cut_offs(nodes=list(nodes))
        zones = dict(sql.run(_TIME_ZONES, {"nodes": list(nodes)}))  # type: ignore[arg-type]
        today = at.astimezone(UTC).date()
        self._ships_on: dict[UUID, date] = {}
        for node, week in weeks.items():
            found = next_ship_date(at, zones[node], week)
            self._ships_on[node] = found.on if found else today
        self._sizes: dict[UUID, tuple[int, int]] = {}
        self._known: dict[tuple[object, ...], cost.Shipping | None] = {}

    def weigh(self, skus: Collection[UUID]) -> None:
        """Read what SKUs weigh. One statement."""
        self._sizes = {sku: (grams, cm3) for sku, grams, cm3 in sql.run(_SIZES, {"skus": list(skus)})}

    def wanted(
        self, order: Order, lines: Sequence[Line], nodes: rules.SortedOut, free: rules.Free, facts: Facts
    ) -> cost.Wanted:
        """The order as it is planned by cost."""
        profile = facts.version(order).profile
        grams = {line.id: self._size(line)[0] for line in lines}
        weight, volume = sum(grams.values()), sum(self._size(line)[1] for line in lines)
        promised_on = order.promise_at.astimezone(UTC).date() if order.promise_at else None
        sent: dict[UUID, cost.Shipping] = {}
        for node in (*nodes.first, *nodes.after):
            waits = rules.busy_days(node, profile, facts.open_orders.get(node.id, 0))
            ships_on = self._ships_on[node.id] + timedelta(days=waits)
            parcel = Parcel(weight, volume, node.country, order.country)
            km = nodes.km.get(node.code, 0)
            key = (order.company, order.service, parcel, km, ships_on, promised_on, id(profile))
            if key not in self._known:
                self._known[key] = cost.shipping(
                    self._services[order.company], order.service, parcel, km, ships_on, promised_on, profile
                )
            found = self._known[key]
            if found is not None:
                sent[node.id] = found
        wanted = [line.wanted() for line in lines]
        return cost.Wanted(order.id, wanted, grams, nodes, free, sent, profile)

    def _size(self, line: Line) -> tuple[int, int]:
        grams, cm3 = self._sizes.get(line.sku, (0, 0))
        units = line.open + line.backordered
        return grams * units, cm3 * units


_NODES = """
SELECT cn.channel_id, c.code, n.id, n.code, n.country, (n.priority + cn.priority)::int, n.kind, n.latitude, n.longitude
FROM network_channelnode AS cn
JOIN network_channel AS c ON c.id = cn.channel_id
JOIN network_node AS n ON n.id = cn.node_id AND n.active
WHERE cn.channel_id = ANY(%(channels)s::uuid[])
"""

_OPEN_ORDERS = """
SELECT node_id, count(DISTINCT order_id)::int FROM stock_allocation WHERE node_id = ANY(%(nodes)s::uuid[]) GROUP BY 1
"""

_REJECTIONS = """
SELECT order_id, line_id, node_id, rejected_at FROM sourcing_rejection
WHERE order_id = ANY(%(orders)s::uuid[]) AND cleared_at IS NULL
"""

_TIME_ZONES = "SELECT id, time_zone FROM network_node WHERE id = ANY(%(nodes)s::uuid[])"

_SIZES = """
SELECT id, weight_g, (length_mm::bigint * width_mm * height_mm / 1000)::int FROM catalog_sku
WHERE id = ANY(%(skus)s::uuid[])
"""
