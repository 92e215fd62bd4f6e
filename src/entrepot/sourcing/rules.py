"""Which nodes may serve an order, in which order they are asked, and which of them serves which line. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape
from entrepot.network.rules import distance_km, local_day

Strictness = Literal["hard", "soft"]
"""A hard rule refuses a node; a soft one only until nobody else has what is wanted."""


@dataclass(frozen=True, slots=True)
class Offline:
    """A node that serves nothing from one day to another, both included; without `until` until further notice."""

    node: str
    since: date
    until: date | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class DropShip:
    """A supplier, by his code, who sends himself to customers what he offers."""

    supplier: str
    ask: Literal["first", "last"] = "last"
    """Whether whole lines go to him before any node is asked, or what nodes leave out."""
    skus: tuple[str, ...] = ()
    """SKU codes and categories that he sends; without any, all that he offers."""
    countries: tuple[str, ...] = ()
    """Countries that he sends to; without any, all."""
    lead_days: int | None = None
    """Days until he sends; without, what his offer of the SKU says."""
    stated_only: bool = False
    """Whether he is asked only for what he has said that he has, less what was passed to him since."""


@shape(
    "sourcing.profile",
    tried_by="replay of recorded orders",
    nodes_per_order_max=(1, 1_000),
    rejections_max=(1, 1_000),
    solve_seconds=(0, 600),
    margin_from_percent=(-100, 100),
    shipments_of=(1, 1_000),
)
@dataclass(frozen=True, slots=True)
class Profile:
    """How orders are sourced: its scope is a channel's code, without one it is for all channels.

    Amounts are in minor units of the company's currency.
    """

    choose_by: Literal["preference", "cost", "line"] = "preference"
    """Whether the preferred node that has all of it serves an order, or the cheapest plan, or each line is served by
    itself, whatever shipments come of it: for what goes by pallets, as to stores."""
    nodes_per_order_max: int = 3
    """Shipments that one order may be split into."""
    split_from_minor: int = 0
    """Orders that are worth less are not split."""
    same_country_first: bool = True
    """Whether a node in the country of the customer goes before one with a better priority elsewhere."""
    priority_weight: float = 100_000.0
    distance_weight: float = 1.0
    """The node with the least sum of priority and kilometres, each times its weight, is preferred: as it stands,
    distance decides among nodes of the same priority only."""
    excluded_nodes: tuple[str, ...] = ()
    """Codes of nodes that serve no order for now."""
    offline: tuple[Offline, ...] = ()
    """Nodes that serve no order on some days."""
    kinds_refused: tuple[str, ...] = ()
    """Kinds of nodes that serve no order: warehouse, store, 3pl."""
    kinds_last: tuple[str, ...] = ()
    """Kinds of nodes that are asked only where the others leave something out."""
    distance_max_km: int | None = None
    """Kilometres from which on a node is too far."""
    distance_rule: Strictness = "hard"
    """Whether a node that is too far is refused (hard), or asked only for what the others leave out (soft)."""
    orders_per_day: Mapping[str, int] = field(default_factory=dict)
    """Orders that a node ships on a day, by its code; a node without a number is never busy."""
    units_per_day: Mapping[str, int] = field(default_factory=dict)
    """Units that a node ships on a day, by its code; of orders and units the one with more work decides."""
    busy_days_max: int | None = None
    """Days of work that may wait at a node."""
    busy_rule: Strictness = "soft"
    """As the rule of distance, for a node that has more work waiting."""
    ship_days_max: int | None = None
    """Days from today on until a node ships, by its cut-off, its working days and the work that waits there; with 0
    only nodes whose cut-off of today is not over."""
    ship_rule: Strictness = "soft"
    minimum_stock: Mapping[str, int] = field(default_factory=dict)
    """Units of each SKU that orders leave at a node, by its code, else by its kind."""
    minimum_rule: Strictness = "hard"
    shipments_of: Mapping[str, int] = field(default_factory=dict)
    """Shipments that an order may be split into which has such goods, by category or SKU code; 1: never split."""
    tier_priority: Mapping[str, int] = field(default_factory=dict)
    """Priority that an order gains by the tier of its customer."""
    margin_from_percent: int | None = None
    """Orders whose goods are worth that much more than they cost, in percent of what is paid, gain priority."""
    margin_priority: int = 0
    substitutes: Literal["never", "agreed", "unless refused"] = "never"
    """Whether other SKUs may be sent (`sourcing.substitutes` says which): never, to who agreed, or to all but those who
    refused. The order's word goes before the customer's."""
    substitute_before: Literal["backorder", "split"] = "backorder"
    """Whether something else is sent before an order is split, or only before it waits."""
    substitute_parts: bool = False
    """Whether a line may be sent partly as it was ordered and partly as something else."""
    drop_ship: tuple[DropShip, ...] = ()
    """Suppliers who send themselves, the preferred first. Each is a shipment of the order, as a node is."""
    rejections_max: int = 3
    """Nodes and suppliers that may reject a line before a person has to look at it."""
    rejection_days: int = 7
    """For how long a node is not asked again for a line that it rejected."""
    preorder_limit: Literal["enforce", "warn", "off"] = "enforce"
    """What becomes of an order by which more of a SKU is sold ahead than its limit: it is held, noted, or nothing."""
    replan: Literal["barred", "better", "off"] = "barred"
    """What is planned again of itself until it is released: promises of nodes that may not serve any more (barred),
    also those of which a better plan is possible by now (better), or none (off)."""
    replan_margin_percent: int = 10
    """By how much the new plan must be cheaper than what is promised, where the cheapest plan decides. Else a better
    plan has fewer shipments, or as many from nodes that are preferred."""
    default_lead_days: int = 7
    """Promise of a backorder whose SKU has no expected supply."""
    handling_minor: int = 0
    """Cost of handling a unit."""
    split_minor: int = 0
    """Penalty of each shipment after the first of an order."""
    late_day_minor: int = 0
    """Penalty of a day by which a shipment is expected after the promise."""
    scarcity_minor: int = 0
    """Penalty of taking the last unit that is free at a node; a part of it, in proportion, for one of several."""
    km_minor: float = 0.0
    """Cost of a kilometre of a shipment, beside what the carrier's table asks."""
    backorder_minor: int = 100_000
    """Penalty of a unit that is left without a node; only the cheapest plan knows it."""
    solve_seconds: float = 2.0
    """Time that a batch may be thought about together, before its stock is locked."""


class Node(NamedTuple):
    """A node that serves the order's channel; lower priority numbers go first. Places are degrees, None if unknown."""

    id: UUID
    code: str
    country: str
    priority: int
    kind: str = "warehouse"
    place: tuple[float, float] | None = None
    time_zone: str = "UTC"
    postal_code: str = ""


class Destination(NamedTuple):
    """Where an order goes: its country, and latitude and longitude where they are known."""

    country: str
    place: tuple[float, float] | None = None


class Line(NamedTuple):
    """Units of an order line that are still to be sourced. Lines of one `kit` are its components, and are served in
    whole kits, `per_kit` units for each; 0 is no kit."""

    id: UUID
    sku: UUID
    quantity: int
    kit: int = 0
    per_kit: int = 1


class Share(NamedTuple):
    """Units of a line that a node will serve."""

    line: UUID
    sku: UUID
    node: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What each node serves, what is left over by line, and why."""

    shares: tuple[Share, ...]
    short: tuple[Line, ...]
    outcome: str
    why: str
    candidates: tuple[tuple[str, int], ...]
    """Nodes looked at, in order of preference, with the units that each could have served."""
    chosen: tuple[str, ...] = ()
    """Codes of the nodes that serve it where no single one serves all."""
    softened: bool = False
    """Whether soft rules were dropped for it."""
    limited: tuple[str, ...] = ()
    """Codes of nodes that have some of what is short, and are not asked: so many shipments it may not come in."""
    waits: bool = False
    """Whether what is short waits, whatever the order's policy says: too little of it is free, or its last day is
    over."""


class SortedOut(NamedTuple):
    """Nodes in order of preference: those that keep every rule, those that break a soft one; and who broke which."""

    first: tuple[Node, ...]
    after: tuple[Node, ...]
    broken: Mapping[str, str]
    km: Mapping[str, int]
    """Kilometres to the destination by node code, where both places are known."""
    refused: tuple[Node, ...] = ()
    """Those that break a hard rule, in the same order."""
    keeps: Mapping[UUID, int] = {}
    """Units of each SKU that a node keeps, where it keeps some."""
    keeps_rule: Strictness = "hard"
    ranked: tuple[str, ...] = ()
    """Codes of all nodes in order of preference, where some break a rule; empty where something else goes before it."""


class Today(NamedTuple):
    """The moment at which is decided, the units that wait at each node, and in how many days each ships."""

    at: datetime
    units: Mapping[UUID, int] = {}
    ships_in: Mapping[UUID, int] = {}


FARTHEST_KM = 20_016.0
"""Half of the way around the Earth: what an unknown distance counts as beside known ones."""


def sort_out(
    nodes: Sequence[Node],
    to: Destination,
    profile: Profile,
    open_orders: Mapping[UUID, int] | None = None,
    today: Today | None = None,
) -> SortedOut:
    """Which nodes may serve a destination, in order of preference: country, then score, then code.

    `open_orders` are the orders that wait at each node; without them nobody is busy, without a day nobody offline.
    """
    km = {
        node.code: distance_km(*node.place, *to.place) if node.place and to.place else FARTHEST_KM
        for node in nodes
    }
    broken: dict[str, str] = {}
    kept: dict[Strictness | None, list[Node]] = {None: [], "soft": [], "hard": []}
    for node in nodes:
        rule, strictness = _breaks(node, km[node.code], profile, (open_orders or {}).get(node.id, 0), today)
        if rule:
            broken[node.code] = rule
        kept[strictness].append(node)

    def preference(node: Node) -> tuple[bool, float, str]:
        score = profile.priority_weight * node.priority + profile.distance_weight * km[node.code]
        return (profile.same_country_first and node.country != to.country, score, node.code)

    known = {code: round(length) for code, length in km.items() if length != FARTHEST_KM}
    first, after, refused = (
        tuple(sorted(kept[which], key=preference))
        for which in (None, "soft", "hard")  # type: ignore[index]
    )
    keeps = {node.id: units for node in nodes if (units := _keeps(node, profile)) > 0}
    ranked = tuple(node.code for node in sorted(nodes, key=preference)) if after or refused else ()
    return SortedOut(first, after, broken, known, refused, keeps, profile.minimum_rule, ranked)


def _keeps(node: Node, profile: Profile) -> int:
    return profile.minimum_stock.get(node.code, profile.minimum_stock.get(node.kind, 0))


def _breaks(
    node: Node, km: float, profile: Profile, open_orders: int, today: Today | None
) -> tuple[str, Strictness | None]:
    """The strictest rule that a node breaks; a distance that is not known breaks none."""
    busy = busy_days(node, profile, open_orders, today.units.get(node.id, 0) if today else 0)
    ships_in = (today.ships_in.get(node.id, 0) if today else 0) + busy
    checks: tuple[tuple[str, Strictness, bool], ...] = (
        ("excluded", "hard", node.code in profile.excluded_nodes),
        (
            "offline",
            "hard",
            today is not None and is_offline(node, profile, local_day(today.at, node.time_zone)),
        ),
        ("kind", "hard", node.kind in profile.kinds_refused),
        ("distance", profile.distance_rule, km != FARTHEST_KM and _over(km, profile.distance_max_km)),
        ("busy", profile.busy_rule, _over(busy, profile.busy_days_max)),
        ("ships late", profile.ship_rule, _over(ships_in, profile.ship_days_max)),
        ("last resort", "soft", node.kind in profile.kinds_last),
    )
    broken = [(rule, strictness) for rule, strictness, is_broken in checks if is_broken]
    return min(broken, key=lambda one: one[1] == "soft", default=("", None))


def _over(found: float, most: int | None) -> bool:
    return most is not None and found > most


def is_offline(node: Node, profile: Profile, on: date) -> bool:
    """Whether a node serves nothing on a day."""
    return any(
        one.node == node.code and one.since <= on <= (one.until or date.max) for one in profile.offline
    )


def is_out(node: Node, profile: Profile, at: datetime) -> bool:
    """Whether a profile has a node serve nothing at a moment, wherever it goes to."""
    return (
        node.code in profile.excluded_nodes
        or node.kind in profile.kinds_refused
        or is_offline(node, profile, local_day(at, node.time_zone))
    )


def busy_days(node: Node, profile: Profile, open_orders: int, open_units: int = 0) -> int:
    """Whole days of work that wait at a node, by orders or by units, whichever are more."""
    waiting = ((profile.orders_per_day, open_orders), (profile.units_per_day, open_units))
    return max(open_ // a_day if (a_day := by_code.get(node.code, 0)) else 0 for by_code, open_ in waiting)


class Room(NamedTuple):
    """Orders and units that may wait at a node before it breaks a rule; None: any number. An order is admitted as long
    as fewer wait, however many units it has."""

    orders: int | None = None
    units: int | None = None


def room(node: Node, profile: Profile, today: Today, *, softened: bool = False) -> Room:
    """The work up to which a node keeps the rules about work, by orders and by units; `softened`: the hard ones."""
    ship_days = profile.ship_days_max
    limits = (
        (profile.busy_rule, profile.busy_days_max),
        (profile.ship_rule, None if ship_days is None else ship_days - today.ships_in.get(node.id, 0)),
    )
    days = [most for rule, most in limits if most is not None and (rule == "hard" or not softened)]
    if not days:
        return Room()
    full = max(0, min(days) + 1)
    return Room(
        *(
            a_day * full if (a_day := by_code.get(node.code, 0)) else None
            for by_code in (profile.orders_per_day, profile.units_per_day)
        )
    )


BY_LINE = 0
"""Instead of a limit of shipments: they don't count, and each line is served by itself."""


class Limit(NamedTuple):
    """Shipments that an order may be split into, and by what: `shipments` of any order, its `worth`, or the category or
    SKU code of `goods` that it has."""

    most: int
    by: Literal["shipments", "worth", "goods"] = "shipments"
    goods: str = ""


def limit_of(profile: Profile, total_minor: int, goods: Collection[str] = ()) -> Limit:
    """The limit of shipments of an order of this worth, which has goods of these categories and SKUs."""
    if profile.choose_by == "line":
        return Limit(BY_LINE)
    if total_minor < profile.split_from_minor:
        return Limit(1, "worth")
    limits = [
        Limit(max(1, units), "goods", name)
        for name in goods
        if (units := profile.shipments_of.get(name)) is not None
    ]
    return min([Limit(max(1, profile.nodes_per_order_max)), *limits], key=lambda one: one.most)


def nodes_max(profile: Profile, total_minor: int, goods: Collection[str] = ()) -> int:
    """As `limit_of`, the number alone."""
    return limit_of(profile, total_minor, goods).most


def priority(
    own: int, profile: Profile, tier: str = "", paid_minor: int = 0, cost_minor: int | None = None
) -> int:
    """The priority with which an order is served: its own, with what its customer's tier and its margin add.

    `paid_minor` is what its goods cost the customer, `cost_minor` what they cost us, None where nobody knows. The sum
    may pass the bounds of an own priority (0 to 99): cut off there, what was added would be lost when the own one
    changes.
    """
    return own + sum(added_priority(profile, tier, paid_minor, cost_minor).values())


def added_priority(
    profile: Profile, tier: str = "", paid_minor: int = 0, cost_minor: int | None = None
) -> dict[str, int]:
    """What is added to an order's own priority, by term: `tier`, `margin`; what adds nothing is not there."""
    floor = profile.margin_from_percent
    earns = (
        floor is not None
        and cost_minor is not None
        and paid_minor > 0
        and (paid_minor - cost_minor) * 100 >= floor * paid_minor
    )
    terms = {
        "tier": profile.tier_priority.get(tier, 0) if tier else 0,
        "margin": profile.margin_priority if earns else 0,
    }
    return {name: points for name, points in terms.items() if points}


Free = Mapping[tuple[UUID, UUID], int]
"""Units that the order's channel may promise, by (sku, node)."""


def plan(lines: Sequence[Line], nodes: SortedOut, free: Free, policy: str, nodes_max: int) -> Plan:
    """Serve an order from nodes that keep every rule; where those leave something out, soft rules are dropped.

    The second plan is taken only if it leaves less out.
    """
    may = left(free, nodes)
    found = _plan(lines, nodes.first, may, policy, nodes_max)
    is_soft = bool(nodes.keeps) and nodes.keeps_rule == "soft"
    if not found.short or not (nodes.after or is_soft):
        return found
    asked = (*nodes.first, *nodes.after)
    again = _plan(lines, asked, free if is_soft else may, policy, nodes_max)
    if _units(again.short) < _units(found.short):
        return replace(again, why=Said("{0}, soft rules dropped", again.why), softened=True)
    return found


def left(free: Free, nodes: SortedOut) -> Free:
    """What may be taken of what is free, so that each node keeps what it should."""
    if not nodes.keeps:
        return free
    return {(sku, node): max(0, units - nodes.keeps.get(node, 0)) for (sku, node), units in free.items()}


def _units(lines: Collection[Line]) -> int:
    return sum(line.quantity for line in lines)


def plan_order(lines: Sequence[Line], nodes: Sequence[Node], free: Free, policy: str, nodes_max: int) -> Plan:
    """Serve an order from one node where one can serve all of it, from few nodes otherwise; of kits only whole ones.

    `nodes` come in order of preference. `policy` says what may be left over: `ship_complete` allocates all or nothing,
    `line_complete` each line whole or not at all, `partial_backorder` and `partial_cancel` what there is.
    """
    candidates = tuple(served_by(lines, node, free) for node in nodes)
    total = _units(lines)
    for node, (_, units) in zip(nodes, candidates, strict=True):
        if units == total:
            shares = tuple(Share(line.id, line.sku, node.id, line.quantity) for line in lines)
            return Plan(
                shares,
                (),
                "allocated",
                Said("{0} is the preferred node that has all of it", node.code),
                candidates,
            )
    return _split(lines, nodes, free, policy, nodes_max, candidates)


def _plan(lines: Sequence[Line], nodes: Sequence[Node], free: Free, policy: str, nodes_max: int) -> Plan:
    if nodes_max == BY_LINE:
        return plan_lines(lines, nodes, free, policy)
    return plan_order(lines, nodes, free, policy, nodes_max)


def plan_lines(lines: Sequence[Line], nodes: Sequence[Node], free: Free, policy: str) -> Plan:
    """Serve each line by itself with what the nodes have, in order of preference; of kits only whole ones.

    Candidates are the nodes that serve something, with what they serve.
    """
    shares, short = _serve(
        lines, nodes, free, whole=policy in ("line_complete", "ship_complete"), in_turn=True
    )
    if policy == "ship_complete" and short:
        return Plan((), tuple(lines), "backordered", Said("it ships complete and not all of it is free"), ())
    given: dict[UUID, int] = {}
    for share in shares:
        given[share.node] = given.get(share.node, 0) + share.quantity
    outcome, why, served = told_by_line(nodes, given, is_short=bool(short))
    return Plan(tuple(shares), tuple(short), outcome, why, served, tuple(code for code, _ in served))


def told_by_line(
    nodes: Sequence[Node], given: Mapping[UUID, int], *, is_short: bool
) -> tuple[str, str, tuple[tuple[str, int], ...]]:
    """The outcome of an order that was served by line, why, and what each node serves of it."""
    served = tuple((node.code, given[node.id]) for node in nodes if node.id in given)
    if not served:
        return "backordered", Said("no node has any of it"), ()
    outcome = "part backordered" if is_short else "allocated" if len(served) == 1 else "split"
    codes = joined([code for code, _ in served])
    if is_short:
        some = Said("each line from the first nodes that have some, {0}, and nobody has the rest", codes)
        return outcome, some, served
    return outcome, Said("each line from the first nodes that have some, {0}", codes), served


def served_by(lines: Sequence[Line], node: Node, free: Free) -> tuple[str, int]:
    """The code of a node, and the units of the lines that it could serve."""
    wanted = _wanted(lines)
    return node.code, sum(min(units, free.get((sku, node.id), 0)) for sku, units in wanted.items())


def without_rules(lines: Sequence[Line], nodes: SortedOut, free: Free, *, softened: bool) -> dict[str, int]:
    """Units that nodes could have served but for the rule that refused them, had them asked last or had them keep some;
    the others not."""
    held_back = () if softened and nodes.keeps_rule == "soft" else (*nodes.first, *nodes.after)
    may = left(free, nodes)
    could = [served_by(lines, node, free) for node in nodes.refused]
    if not softened:
        could += [served_by(lines, node, may) for node in nodes.after if node.id not in nodes.keeps]
    could += [
        found
        for node in held_back
        if node.id in nodes.keeps and (found := served_by(lines, node, free)) != served_by(lines, node, may)
    ]
    return {code: units for code, units in could if units}


def asked_by(plan: Plan, nodes: SortedOut) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """The nodes that a plan asked, and those that a rule kept from being asked; by preference."""
    if plan.softened:
        return (*nodes.first, *nodes.after), nodes.refused
    return nodes.first, (*nodes.after, *nodes.refused)


def keeping(lines: Sequence[Line], plan: Plan, nodes: SortedOut, free: Free) -> dict[str, int]:
    """Units that asked nodes could have served had they not kept their minimum, where that kept some back."""
    asked = {node.code for node in asked_by(plan, nodes)[0]}
    could = without_rules(lines, nodes, free, softened=plan.softened) if nodes.keeps else {}
    return {code: units for code, units in could.items() if code in asked}


def outcome_of(plan: Plan, policy: str) -> str:
    """What became of an order by a plan: what is short of one that does not wait is cancelled."""
    waits = {"backordered": "cancelled", "part backordered": "part cancelled"}
    return waits.get(plan.outcome, plan.outcome) if cancels_rest(plan, policy) else plan.outcome


def cancels_rest(plan: Plan, policy: str) -> bool:
    """Whether what is short is cancelled."""
    return policy == "partial_cancel" and not plan.waits


def ahead_of(nodes: SortedOut, could: Mapping[str, int], units: int, chosen: Sequence[str]) -> list[str]:
    """Codes of nodes that a rule kept from serving all of it, and that are preferred to the first of those who do; by
    preference."""
    until = next((place for place, code in enumerate(nodes.ranked) if code in chosen[:1]), 0)
    return [code for code in nodes.ranked[:until] if could.get(code, 0) >= units]


def joined(codes: Sequence[str]) -> str:
    """Codes of nodes as a sentence names them."""
    return " and ".join(codes)


def _wanted(lines: Sequence[Line]) -> dict[UUID, int]:
    wanted: dict[UUID, int] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return wanted


def _split(
    lines: Sequence[Line],
    nodes: Sequence[Node],
    free: Free,
    policy: str,
    nodes_max: int,
    candidates: tuple[tuple[str, int], ...],
) -> Plan:
    chosen = _fewest_nodes(lines, nodes, free, nodes_max)
    shares, short = _serve(lines, chosen, free, whole=policy in ("line_complete", "ship_complete"))
    limited = _beyond(short, nodes, chosen, free) if len(chosen) >= nodes_max else ()
    if policy == "ship_complete" and short:
        why = Said("it ships complete and not all of it is free")
        if limited:
            why = Said("it ships complete and not all of it is free where its shipments may come from")
        return Plan((), tuple(lines), "backordered", why, candidates, limited=limited)
    served = tuple(node.code for node in chosen if any(share.node == node.id for share in shares))
    codes = joined(served)
    if not shares:
        kits = any(line.kit for line in lines)
        why = (
            Said("no node has what a line or a whole kit needs")
            if kits
            else Said("no node has what a line needs")
        )
        return Plan((), tuple(lines), "backordered", why, candidates, limited=limited)
    if short:
        why = Said("only part of it is free, at {0}", codes)
        if limited:
            why = Said("it may not come in more shipments, and {0} have only part of it", codes)
            if len(served) == 1:
                why = Said("it may not come in more shipments, and {0} has only part of it", codes)
        return Plan(tuple(shares), tuple(short), "part backordered", why, candidates, served, limited=limited)
    why = Said("no single node has all of it; together {0} do", codes)
    return Plan(tuple(shares), (), "split", why, candidates, served)


def _beyond(
    short: Sequence[Line], nodes: Sequence[Node], chosen: Sequence[Node], free: Free
) -> tuple[str, ...]:
    """Codes of the nodes that are not chosen and have some of what is short."""
    return tuple(
        node.code
        for node in nodes
        if node not in chosen and any(free.get((line.sku, node.id), 0) > 0 for line in short)
    )


def _fewest_nodes(lines: Sequence[Line], nodes: Sequence[Node], free: Free, limit: int) -> list[Node]:
    """Greedy cover: the node that serves most of what is still open, the preferred one among equals, and again.

    Where there are kits, the one with which most is served in whole kits goes first.
    """
    open_units = _wanted(lines)
    has_kits = any(line.kit for line in lines)
    chosen: list[Node] = []

    def gain(node: Node) -> tuple[int, int]:
        units = sum(min(open_, free.get((sku, node.id), 0)) for sku, open_ in open_units.items())
        whole = sum(share.quantity for share in _serve(lines, [*chosen, node], free)[0]) if has_kits else 0
        return (whole, units) if units else (0, 0)

    while len(chosen) < limit and any(open_units.values()):
        rest = [node for node in nodes if node not in chosen]
        gains = [gain(node) for node in rest]
        if not rest or max(gains) == (0, 0):
            break
        best = rest[gains.index(max(gains))]
        chosen.append(best)
        open_units = {sku: max(0, units - free.get((sku, best.id), 0)) for sku, units in open_units.items()}
    return chosen


def _serve(
    lines: Sequence[Line], nodes: Sequence[Node], free: Free, *, whole: bool = False, in_turn: bool = False
) -> tuple[list[Share], list[Line]]:
    """What nodes give to lines, and what is short of it; with `whole`, of each line and kit all or nothing.

    One node for a whole line is tried first, so that a line is not torn apart needlessly; `in_turn` it is not.
    """
    left = {
        (sku, node.id): free.get((sku, node.id), 0) for node in nodes for sku in {line.sku for line in lines}
    }
    shares: list[Share] = []
    short: list[Line] = []
    for group in _groups(lines):
        missing = _missing_kits(group, nodes, left)
        if missing and whole:
            missing = max(line.quantity for line in group)
        for line in group:
            units = min(line.quantity, missing * line.per_kit)
            got = line._replace(quantity=line.quantity - units)
            ordered = nodes
            if not in_turn:
                ordered = sorted(nodes, key=lambda node: left[line.sku, node.id] < got.quantity)
            shares += _take(got, ordered, left)
            if units:
                short.append(line._replace(quantity=units))
    return shares, short


def _groups(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that are served together: the components of a kit, and each other line by itself."""
    kits: dict[int, list[Line]] = {}
    found = []
    for line in lines:
        if line.kit and line.kit in kits:
            kits[line.kit].append(line)
        else:
            found.append([line])
            kits[line.kit] = found[-1]
    return found


def _missing_kits(group: Sequence[Line], nodes: Sequence[Node], left: Mapping[tuple[UUID, UUID], int]) -> int:
    """How many kits can't be made whole, each without all of its components: as many as the scarcest component lacks.

    Units of a kit that were served before count: only what is still wanted of each component is asked for.
    """
    lacking = (line.quantity - sum(left[line.sku, node.id] for node in nodes) for line in group)
    return max(
        0,
        *(-(-units // line.per_kit) for units, line in zip(lacking, group, strict=True)),
    )


def _take(line: Line, nodes: Sequence[Node], left: dict[tuple[UUID, UUID], int]) -> list[Share]:
    shares = []
    wanted = line.quantity
    for node in nodes:
        units = min(wanted, left[line.sku, node.id])
        if units:
            left[line.sku, node.id] -= units
            wanted -= units
            shares.append(Share(line.id, line.sku, node.id, units))
    return shares


# ---- selling ahead


class Ahead(NamedTuple):
    """A SKU that is sold before it ships: at most so many, and so many already."""

    code: str
    limit: int
    sold: int


class Past(NamedTuple):
    """A SKU of which an order would sell more than its limit."""

    code: str
    limit: int
    sold: int  # with the order


def sold_past(wanted: Mapping[Any, int], ahead: Mapping[Any, Ahead]) -> list[Past]:
    """The SKUs of which an order that wants units sells more than may be, in the order of their codes."""
    found = [
        Past(one.code, one.limit, one.sold + units)
        for sku, units in wanted.items()
        if (one := ahead[sku]).sold + units > one.limit
    ]
    return sorted(found)


def say_past(past: Sequence[Past]) -> str:
    each = [
        Said("{0} of {1} with this order, the limit is {2}", one.sold, one.code, one.limit) for one in past
    ]
    return Said("Sold ahead past the limit: {0}.", "; ".join(each))
