"""What a decision looks at, read once for a batch: profiles, nodes, distances, work that waits, what carriers ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage import queries as carriage
from entrepot.carriage.rules import Leaves, Service, in_own, leaves
from entrepot.kernel import policies, sql
from entrepot.ledger.currency_queries import worth_of
from entrepot.network import queries as network
from entrepot.network.rules import local_day
from entrepot.orders.kits import Stands
from entrepot.orders.window import Fill, is_over
from entrepot.sourcing import cost, rules, substitutes
from entrepot.sourcing.deciding import not_asked
from entrepot.sourcing.goods import Goods, Sku, codes_to_send
from entrepot.sourcing.half_kits import parts_of
from entrepot.sourcing.replanning import without


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
    own_priority: int = 0
    """Its priority before what its customer's tier and its margin add."""
    currency: str = ""
    tier: str = ""
    said_of_substitutes: str = ""
    added: Mapping[str, int] = {}
    """What its customer's tier and its margin add to its own priority, by term."""
    cancel_after: date | None = None
    """What has not left by then may not leave."""
    fill: Fill | None = None
    """How much of it must have its goods before any leaves; None where any part may go."""


class Line(NamedTuple):
    """Units of a line that wait for a node."""

    id: UUID
    number: int
    sku: UUID
    open: int
    backordered: int
    is_substitute: bool = False
    paid_minor: int = 0
    is_limited: bool = False  # sold ahead, up to a limit
    kit: int = 0
    """The number of the kit in the order that it is a component of; 0: of none."""
    per_kit: int = 1

    def wanted(self) -> rules.Line:
        return rules.Line(self.id, self.sku, self.open + self.backordered, self.kit, self.per_kit)


class Version(NamedTuple):
    """A profile with its version; `scope` is the channel that it is for, '' where it is for all."""

    scope: str
    number: int
    profile: rules.Profile


def profile_of(in_force: Mapping[str, tuple[int, rules.Profile]], channel: str) -> Version:
    """Of a company's profiles in force, by scope, that of a channel, else of all channels, else the defaults."""
    scope = channel if channel in in_force else ""
    return Version(scope, *in_force.get(scope, (0, _DEFAULT)))


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
        self._counts_work = any(one.orders_per_day or one.units_per_day for one in profiles)
        self.open_orders: dict[UUID, int] = {}
        open_units: dict[UUID, int] = {}
        if self._counts_work:
            for node, work, units in sql.run(_OPEN_WORK, {"nodes": list(self._all_nodes())}):
                self.open_orders[node], open_units[node] = work, units
        self._open_units = open_units
        dates = any(one.ship_days_max is not None or one.choose_by == "cost" for one in profiles)
        self.ships_on = _ships_on(self._all_nodes(), at) if dates else {}
        self.today = self._today()
        self._sends_others = any(one.substitutes != "never" for one in profiles)
        self._asks_about_goods = any(
            one.shipments_of or one.margin_from_percent is not None for one in profiles
        )
        self.ranks = any(one.tier_priority or one.margin_from_percent is not None for one in profiles)
        """Whether a profile gives some orders another priority than their own."""
        self.is_plain = not (self._counts_work or self._sends_others or self.ranks)
        """Whether no profile has the choice of one order depend on those before it, or on its goods."""
        self.goods = Goods()
        self.kit_parts: Mapping[UUID, Sequence[Stands]] = {}
        rejected = [order.id for order in orders if order.was_rejected]
        self._rejections = _load_rejections(rejected) if rejected else {}
        self.left: Mapping[UUID, Collection[UUID]] = {}
        """By order the nodes that a person moves it off: they are not asked."""
        self._sorted: dict[tuple[UUID, rules.Destination], rules.SortedOut] = {}
        self.costs: Costs | None = None
        if any(one.choose_by == "cost" for one in profiles):
            self.costs = Costs({order.company for order in orders}, self.ships_on, at)

    def version(self, order: Order) -> Version:
        """The profile of the order's channel, else of all channels, else the defaults."""
        return profile_of(self._versions.get(order.company, {}), self._codes.get(order.channel, ""))

    def nodes(self, order: Order) -> rules.SortedOut:
        """The nodes of the order's channel, sorted out for its destination; sorted once for each pair."""
        to = rules.Destination(order.country, self._places.get((order.country, order.postal_code)))
        key = (order.channel, to)
        if key not in self._sorted:
            self._sorted[key] = rules.sort_out(
                self._nodes[order.channel], to, self.version(order).profile, self.open_orders, self.today
            )
        left = self.left.get(order.id)
        return without(self._sorted[key], left) if left else self._sorted[key]

    def know(self, orders: Collection[Order], lines: Mapping[UUID, Sequence[Line]]) -> None:
        """Read of the goods what a profile asks about: 1 statement; 2 more where something else may be sent, 1 where an
        order with a least part wants components of kits."""
        with_kits = [order.id for order in orders if order.fill and any(line.kit for line in lines[order.id])]
        self.kit_parts = parts_of(with_kits)
        if self._asks_about_goods or self._sends_others:
            companies = {order.company for order in orders}
            skus = {line.sku for of_order in lines.values() for line in of_order}
            self.goods = load_goods(companies, skus, self.at, sends_others=self._sends_others)

    def nodes_max(self, order: Order, lines: Sequence[Line]) -> int:
        """Shipments that an order may be split into."""
        return self.limit(order, lines).most

    def limit(self, order: Order, lines: Sequence[Line]) -> rules.Limit:
        """The limit of its shipments, with what it is by."""
        profile = self.version(order).profile
        names = (
            [name for line in lines for name in self.goods.names(line.sku)] if profile.shipments_of else ()
        )
        return rules.limit_of(profile, order.total_minor, names)

    def ranked(self, order: Order, lines: Sequence[Line]) -> Order:
        """The order with the priority that it is served with, and what its tier and its margin add to its own."""
        profile = self.version(order).profile
        asks = profile.margin_from_percent is not None
        paid = sum(line.paid_minor for line in lines) if asks else 0
        units = ((line.sku, line.open + line.backordered) for line in lines)
        cost_minor = self.goods.cost_minor(order.currency, units) if asks else None
        added = rules.added_priority(profile, order.tier, paid, cost_minor)
        return order._replace(priority=order.own_priority + sum(added.values()), added=added)

    def options(self, order: Order, lines: Sequence[Line]) -> dict[UUID, list[substitutes.Option]]:
        """What may be sent for lines, the preferred first; what is sent for another already is not exchanged again, nor
        are components of kits: who bought a set wants what belongs together."""
        if not self._sends_others:
            return {}
        if not substitutes.may_substitute(self.version(order).profile, order.said_of_substitutes):
            return {}
        channel = self._codes.get(order.channel, "")
        return {
            line.id: found
            for line in lines
            if not line.is_substitute
            and not line.kit
            and (found := self.goods.options(order.company, channel, line.sku))
        }

    def rejected(self, order: Order) -> dict[UUID, set[UUID] | None]:
        """By line the nodes that are not asked, or None where too many have rejected it: then nobody is."""
        profile = self.version(order).profile
        return {
            line: not_asked(rejections, profile, self.at)
            for line, rejections in self._rejections.get(order.id, {}).items()
        }

    def have_rejected(self, order: Order, line: UUID) -> set[UUID]:
        """The nodes that gave a line back, however long ago."""
        return {node for node, _ in self._rejections.get(order.id, {}).get(line, ())}

    def past(self, order: Order) -> date | None:
        """The last day on which an order might have left, where that is over everywhere."""
        last = order.cancel_after
        return last if last and is_over(last, self.at) else None

    def took(self, shares: Sequence[rules.Share]) -> None:
        """An order goes to nodes: they are busier for the next."""
        if self._counts_work:
            for node in {share.node for share in shares}:
                self.open_orders[node] = self.open_orders.get(node, 0) + 1
            for share in shares:
                self._open_units[share.node] = self._open_units.get(share.node, 0) + share.quantity
            self._sorted.clear()

    def gave(self, shares: Sequence[rules.Share]) -> None:
        """What an order is promised goes back: as `took` the other way round."""
        if self._counts_work:
            for node in {share.node for share in shares}:
                self.open_orders[node] = max(0, self.open_orders.get(node, 0) - 1)
            for share in shares:
                units = self._open_units.get(share.node, 0) - share.quantity
                self._open_units[share.node] = max(0, units)
            self._sorted.clear()

    def for_telling(self, company: int) -> Costs:
        """What costs are made of, also where no profile decides by them. None more, or about 5 statements."""
        return self.costs or Costs({company}, self.ships_on or _ships_on(self._all_nodes(), self.at), self.at)

    def _today(self) -> rules.Today:
        nodes = self._all_nodes() if self.ships_on else {}
        ships_in = {
            node.id: (self.ships_on[node.id].on - local_day(self.at, node.time_zone)).days
            for node in nodes.values()
        }
        return rules.Today(self.at, self._open_units, ships_in)

    def _load_nodes(self, channels: set[UUID]) -> None:
        for channel, channel_code, *node, latitude, longitude, zone, postal_code in sql.run(
            _NODES, {"channels": list(channels)}
        ):
            place = None if latitude is None else (latitude, longitude)
            self._codes[channel] = channel_code
            self._nodes[channel].append(rules.Node._make((*node, place, zone, postal_code)))

    def _load_places(self, orders: Collection[Order]) -> dict[tuple[str, str], tuple[float, float]]:
        """Asked only where distance can decide something."""
        far = {
            channel for channel, nodes in self._nodes.items() if sum(bool(node.place) for node in nodes) > 1
        }
        addresses = {(order.country, order.postal_code) for order in orders if order.channel in far}
        return network.whereabouts(addresses) if addresses else {}

    def _all_nodes(self) -> dict[UUID, rules.Node]:
        return {node.id: node for nodes in self._nodes.values() for node in nodes}


def _load_rejections(orders: Sequence[UUID]) -> dict[UUID, dict[UUID, list[tuple[UUID, datetime]]]]:
    found: dict[UUID, dict[UUID, list[tuple[UUID, datetime]]]] = defaultdict(lambda: defaultdict(list))
    for order, line, node, at in sql.run(_REJECTIONS, {"orders": list(orders)}):
        found[order][line].append((node, at))
    return found


_DEFAULT = rules.Profile()


def _ships_on(nodes: Mapping[UUID, rules.Node], at: datetime) -> dict[UUID, Leaves]:
    """When what is ready now leaves each node. 2 statements."""
    calendars, carriers = network.calendars(nodes=nodes), carriage.cut_offs(nodes=nodes)
    return {key: leaves(at, node.time_zone, calendars[key], carriers[key]) for key, node in nodes.items()}


def load_goods(
    companies: Collection[int], skus: Collection[UUID], at: datetime, *, sends_others: bool
) -> Goods:
    """SKUs by id; where others may be sent, those too. 1 statement, or 3."""
    found = read_skus(skus)
    if not sends_others:
        return Goods(found)
    sets = policies.in_force_of(sorted(companies), substitutes.Substitutes, at)
    params = sql.columns(("companies", "codes"), sorted(codes_to_send(sets, found))) | {"today": at.date()}
    return Goods(found, [Sku(*row) for row in sql.run(_TO_SEND, params)], sets)


def read_skus(skus: Collection[UUID]) -> list[Sku]:
    """SKUs by id. One statement."""
    return [Sku(*row) for row in sql.run(_SKUS, {"skus": list(skus)})]


def read_for_sale(codes: Collection[tuple[int, str]]) -> list[Sku]:
    """SKUs by company and code that may be sent instead of others, unless they ship later. One statement."""
    return [Sku(*row) for row in sql.run(_FOR_SALE, sql.columns(("companies", "codes"), sorted(codes)))]


def _in_own(services: Mapping[int, list[Service]], at: datetime) -> dict[int, list[Service]]:
    """Services of companies at what they ask in the companies' own currencies. 1 statement, none for no services."""
    asked = {(company, one.currency) for company, some in services.items() for one in some}
    worth = worth_of(asked, at) if asked else {}
    return {company: in_own(some, *worth[company]) if some else [] for company, some in services.items()}


class Costs:
    """What the cost of a plan is made of: services with their tables, when nodes ship, what SKUs weigh."""

    def __init__(self, companies: Collection[int], ships_on: Mapping[UUID, Leaves], at: datetime) -> None:
        self.at = at
        self._services = _in_own(carriage.services(companies=companies), at)
        self._ships_on = ships_on
        self._pricers: dict[int, cost.Pricer] = {}

    def weigh(self, skus: Collection[UUID]) -> None:
        """Read what SKUs weigh. One statement."""
        sizes = sizes_of(skus)
        self._pricers = {
            company: cost.Pricer(services, sizes) for company, services in self._services.items()
        }

    def wanted(
        self, order: Order, lines: Sequence[Line], nodes: rules.SortedOut, free: rules.Free, facts: Facts
    ) -> cost.Wanted:
        """The order as it is planned by cost."""
        profile = facts.version(order).profile
        ships_on = {
            node.id: self._ships_on[node.id].after(
                rules.busy_days(
                    node, profile, facts.open_orders.get(node.id, 0), facts.today.units.get(node.id, 0)
                )
            )
            for node in cost.all_of(nodes)
        }
        wanted = [line.wanted() for line in lines]
        to = cost.To(order.country, order.service, order.promise_at, order.postal_code)
        return self._pricers[order.company].wanted(order.id, wanted, to, nodes, free, ships_on, profile)


def sizes_of(skus: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """What a unit of each SKU weighs, in grams, and takes, in cm³. One statement."""
    return {sku: (grams, cm3) for sku, grams, cm3 in sql.run(_SIZES, {"skus": list(skus)})}


_NODES = """
SELECT cn.channel_id, c.code, n.id, n.code, n.country, (n.priority + cn.priority)::int, n.kind, n.latitude, n.longitude,
       n.time_zone, n.postal_code
FROM network_channelnode AS cn
JOIN network_channel AS c ON c.id = cn.channel_id
JOIN network_node AS n ON n.id = cn.node_id AND n.active
WHERE cn.channel_id = ANY(%(channels)s::uuid[])
"""

_OPEN_WORK = """
SELECT node_id, count(DISTINCT order_id)::int, sum(quantity)::int FROM stock_allocation
WHERE node_id = ANY(%(nodes)s::uuid[]) GROUP BY 1
"""

_SKU = """
SELECT s.id, s.company_id::int, s.code, s.category, s.list_price, s.standard_cost, s.minimum_age::int, s.hazardous
FROM catalog_sku AS s
"""

_SKUS = _SKU + "WHERE s.id = ANY(%(skus)s::uuid[])"

_FOR_SALE = (
    _SKU
    + """
JOIN unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
  ON s.company_id = d.company AND s.code = d.code AND s.status = 'active'
WHERE NOT EXISTS (SELECT FROM catalog_component AS m WHERE m.kit_id = s.id)
"""
)

# What is sold ahead is sent for nothing else: it does not leave before its day, and those wait for it who asked for it.
_TO_SEND = (
    _FOR_SALE
    + "AND NOT EXISTS (SELECT FROM stock_preorder AS y WHERE y.sku_id = s.id AND y.ships_on > %(today)s::date)"
)

_REJECTIONS = """
SELECT order_id, line_id, node_id, rejected_at FROM sourcing_rejection
WHERE order_id = ANY(%(orders)s::uuid[]) AND cleared_at IS NULL
"""

_SIZES = """
SELECT id, weight_g, length_mm::bigint * width_mm * height_mm / 1000 FROM catalog_sku
WHERE id = ANY(%(skus)s::uuid[])
"""
