"""Propose waves: what a node could send now, chosen by what was asked and by what there is time for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, one_of
from entrepot.kernel.events import Event
from entrepot.orders.queries import SERVED_WITH
from entrepot.stock.commands.fulfill import look_at_pickable
from entrepot.warehouse import errors, waves
from entrepot.warehouse.cartons.problem import cm3
from entrepot.warehouse.commands.leaving import Going, Leaving, Place
from entrepot.warehouse.commands.picklists import plans
from entrepot.warehouse.commands.release import not_pickable
from entrepot.warehouse.commands.shelves import Shelves, sizes_of
from entrepot.warehouse.going import MAY_GO
from entrepot.warehouse.labor import Labor, open_seconds
from entrepot.warehouse.lists import Planned, Stop, plan_lists
from entrepot.warehouse.shelf_queries import pieces_in
from entrepot.warehouse.task_times import times_of
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class ProposeWave:
    """Orders of a node that shall go to the floor together: by default all that there is time for up to the cut-off.

    `zones`, `services` and `carriers` are codes; `method` is that of the policy where it is not given. With
    `ahead_minutes` no more than there is time for in these.
    """

    node: UUID
    due_before: datetime | None = None
    services: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    priority_min: int | None = None
    value_min_minor: int = 0
    lines_max: int | None = None
    method: str = ""
    key: str | None = None
    carriers: tuple[str, ...] = ()
    ahead_minutes: int = 0


@dataclass(frozen=True, slots=True)
class WaveProposed:
    """The wave and what is expected of it. `waiting` orders stay out of it; `meters` is None without a layout."""

    wave: UUID
    number: str
    orders: int
    lines: int
    units: int
    lists: int
    meters: int | None
    seconds: int
    waiting: int


class _Node(NamedTuple):
    id: UUID
    company: int
    code: str
    time_zone: str
    country: str
    postal_code: str


class _Line(NamedTuple):
    """Promised units of an order at a node. `due` is the promise, or when the order was placed."""

    node: UUID
    order: UUID
    priority: int
    due: datetime
    service: str
    allocation: UUID
    sku: UUID
    units: int
    value_minor: int
    weight_g: int
    volume_mm3: int
    country: str
    postal_code: str
    residential: bool
    promise_at: datetime | None
    number: str
    ship_by: date | None


@command("warehouse.propose_wave")
def propose_wave(cause: Cause, /, *, requests: Sequence[ProposeWave]) -> list[WaveProposed | Refused]:
    """A wave of the most urgent orders that wait, with its lists as they would be walked now, and why others stay out.

    Nothing is taken from a bin yet: the lists are made anew at release. An order is in one proposed wave only.
    Locks: proposing at each node, in id order. Refuses: NotFound; Invalid (unknown method, zone or carrier; a limit
    below nothing); warehouse.nothing_for_a_wave. Again: by key; without one the rest is proposed. 21 statements; 1 more
    where orders wait no longer, and 1 where units stand in no bin that is picked from: a work item asks for these.
    """
    answers, facts = propose(cause, requests)
    told = {
        one.node for one, answer in zip(requests, answers, strict=True) if not isinstance(answer, Refused)
    }
    open_items(cause, requests=facts.not_pickable(told))
    return answers


def propose(cause: Cause, requests: Sequence[ProposeWave]) -> tuple[list[WaveProposed | Refused], Facts]:
    """What `propose_wave` answers, and what it knows of the nodes."""
    facts = Facts(cause, requests)

    made = []
    answers: list[WaveProposed | Refused] = []
    for request in requests:
        refusal = facts.refusal(request)
        wave = None if refusal else facts.propose(request)
        if wave is None:
            answers.append(refusal or facts.nothing(request))
            continue
        made.append(wave)
        answers.append(wave.answer(""))
    numbers = ids.numbers("WV", len(made))
    _write(cause, made, numbers)
    fresh = dict(zip((wave.id for wave in made), numbers, strict=True))
    by_id = {wave.id: wave for wave in made}
    told: list[WaveProposed | Refused] = [
        one if isinstance(one, Refused) else by_id[one.wave].answer(fresh[one.wave]) for one in answers
    ]
    return told, facts


class _Wave(NamedTuple):
    """A proposal, as it is written."""

    id: UUID
    node: _Node
    method: str
    version: int
    room: waves.Room
    joining: list[waves.Choice]
    planned: list[Planned]
    figures: dict[str, Any]

    def answer(self, number: str) -> WaveProposed:
        return WaveProposed(
            self.id, number, len(self.joining), *self.sums, sum(self.figures["others_wait"].values())
        )

    @property
    def sums(self) -> tuple[int, int, int, int | None, int]:
        """Lines, units, lists, meters, seconds."""
        return *lines_and_units(self.joining), *lists_meters_seconds(self.planned)


def lines_and_units(joining: Sequence[waves.Choice]) -> tuple[int, int]:
    return sum(one.ready.lines for one in joining), sum(one.ready.units for one in joining)


def lists_meters_seconds(planned: Sequence[Planned]) -> tuple[int, int | None, int]:
    """How many lists, how far they walk, None where that is not known, and how long they take."""
    lengths = [one.length_mm for one in planned if one.length_mm is not None]
    meters = round(sum(lengths) / 1000) if len(lengths) == len(planned) else None
    return len(planned), meters, sum(one.seconds for one in planned)


class Facts:
    """What is known of nodes and of the orders that wait there."""

    def __init__(self, cause: Cause, requests: Sequence[ProposeWave]) -> None:
        self.cause = cause
        nodes = sorted({one.node for one in requests})
        self.by_carrier = {one.node for one in requests if one.carriers}
        self.nodes = {row[0]: _Node(*row) for row in sql.run(_NODES, {"nodes": nodes})}
        sql.run(_LOCK, {"nodes": [str(node) for node in self.nodes]})
        companies = sorted({node.company for node in self.nodes.values()})
        self.in_force = policies.InForce(companies, (waves.Waves, Labor), cause.at)
        if stale := [order for (order,) in sql.run(_STALE)]:
            ready.drop("wave", stale)
        self.lines: dict[UUID, dict[UUID, list[_Line]]] = defaultdict(lambda: defaultdict(list))
        wanted = {"nodes": list(self.nodes), "at": cause.at}
        rows = [_Line(*row) for row in sql.run(_WAITING, wanted)]
        for line in rows:
            self.lines[line.node][line.order].append(line)
        today = cause.at.date()
        pairs, sizes = {(line.sku, line.node) for line in rows}, sizes_of({line.sku for line in rows})
        self.shelves = Shelves(pairs, today, look_at_pickable, sizes)
        self.bins = {row[0]: row[1:] for row in sql.run(_BINS, {"nodes": list(self.nodes)})}
        self.plans = plans(self.nodes)
        places = {
            one.id: Place(one.id, one.company, one.country, one.time_zone, one.postal_code)
            for one in self.nodes.values()
        }
        self.leaving = Leaving(places, cause.at)
        self.queued = {node: counts for node, *counts in sql.run(_QUEUED, {"nodes": list(self.nodes)})}
        self.times = times_of(self.nodes)
        self.zones = {(node, code) for node, code in sql.run(_ZONES, {"nodes": list(self.nodes)})}
        self.waiting: dict[UUID, dict[UUID, tuple[waves.Ready, list[Stop]]]] = {}
        self.others: dict[UUID, dict[str, int]] = {}

    def refusal(self, request: ProposeWave) -> Refused | None:
        if request.node not in self.nodes:
            return NotFound(what="node", which=request.node)
        if request.method and request.method not in waves.METHODS:
            return Invalid(field="method", expected=one_of(waves.METHODS), found=request.method)
        for zone in request.zones:
            if (request.node, zone) not in self.zones:
                return Invalid(field="zones", expected="codes of zones of the node", found=zone)
        services = self.leaving.services[self.nodes[request.node].company] if request.carriers else ()
        for carrier in set(request.carriers) - {one.carrier for one in services}:
            return Invalid(field="carriers", expected="codes of carriers of the company", found=carrier)
        if request.lines_max is not None and request.lines_max < 1:
            return Invalid(field="lines_max", expected="at least 1", found=request.lines_max)
        return None

    def nothing(self, request: ProposeWave) -> Refused:
        others = self.others[request.node]
        why = ", ".join(f"{reason} ({count})" for reason, count in others.items())
        node = self.nodes[request.node]
        if not why and self._steered(node)[1].mode == "stream":
            why = "its work goes to the floor at once, by its policy warehouse.waves"
        return errors.NothingForAWave(node=node.code, why=why or "none waits for one")

    def stands_still(self, request: ProposeWave, resting: Collection[UUID]) -> str:
        """Why nothing goes of a node of which nothing could join, `resting` being the nodes on whose floor nothing was
        done of late; '' where that is as it should be."""
        node = self.nodes[request.node]
        _, policy = self._steered(node)
        ends = self.leaving.cut_offs(node.id)[-1]
        # Between shifts nothing goes, however long it is to the cut-off.
        at_work = self._at_work(node, ends) if self._at_work(node, ends, request.ahead_minutes) else 0
        on_floor = self.queued.get(node.id, (0, 0, 0))[2]
        return waves.stands_still(
            self.others[node.id], policy, timedelta(seconds=at_work), on_floor, rests=request.node in resting
        )

    def _steered(self, node: _Node) -> tuple[int, waves.Waves]:
        return self.in_force.of(node.company, waves.Waves, node.code)

    def _at_work(self, node: _Node, ends: datetime, ahead_minutes: int = 0) -> int:
        """Seconds that people work from now until a cut-off, or as far as somebody looks ahead."""
        if ahead_minutes:
            ends = min(ends, self.cause.at + timedelta(minutes=ahead_minutes))
        return self.at_work(node.id, self.cause.at, ends)

    def at_work(self, which: UUID, begins: datetime, ends: datetime) -> int:
        """Seconds that people of a node work between two moments."""
        node = self.nodes[which]
        _, work = self.in_force.of(node.company, Labor, node.code)
        closed = self.leaving.calendars[node.id].closed
        return open_seconds(begins, ends, work.shifts.values(), node.time_zone, closed)

    def not_pickable(self, nodes: Collection[UUID]) -> list[OpenItem]:
        """Work items for the orders at nodes whose units stand in no bin that is picked from."""
        found = []
        for node in sorted(nodes):
            for order, (one, _) in self._looked_at(node).items():
                if one.missing:
                    line = self.lines[node][order][0]
                    company = self.nodes[node].company
                    found.append(
                        not_pickable(company, order, line.number, one.missing, one.priority, line.promise_at)
                    )
        return found

    def propose(self, request: ProposeWave) -> _Wave | None:
        """The wave, whose orders are then no more among those that wait; None where none joins."""
        node = self.nodes[request.node]
        version, policy = self._steered(node)
        if request.method:
            policy = waves.by_method(policy, request.method)
        waiting = self._looked_at(node.id)
        rooms = self._rooms(node, policy, request.ahead_minutes)
        asked = waves.Asked(
            request.due_before, request.services, request.zones, request.priority_min, request.value_min_minor,
            request.lines_max, request.carriers,
        )  # fmt: skip
        times = self.times.get(node.id, waves.BY_POLICY)
        choices = waves.choose([found for found, _ in waiting.values()], asked, policy, rooms, times)
        joining = [choice for choice in choices if choice.joins]
        self.others[node.id] = others = waves.why_others_wait(choices)
        if not joining:
            return None
        stops = [stop for one in joining for stop in waiting.pop(one.ready.order)[1]]
        planned = plan_lists(stops, self.plans.get(node.id), policy, self.cause.chance(), times)
        self._queue(node.id, joining)
        ends = min(one.ready.cutoff_at or rooms[0].cutoff_at for one in joining)
        room = next(one for one in rooms if one.cutoff_at == ends)
        lines = self.lines[node.id]
        going = waves.by_carrier(self.leaving.carrier(_going(lines[one.ready.order])) for one in joining)
        figures = {
            "asked": {name: value for name, value in asked._asdict().items() if value},
            "pick_seconds_free": room.pick_seconds,
            "orders_packed_free": room.orders_packed,
            "pieces": sum(one.ready.handled for one in joining),
            "fitted": times.fitted,
            "others_wait": others,
            "carriers": {carrier: count for carrier, count in going.items() if carrier},
        }
        return _Wave(ids.uuid7(), node, policy.method, version, room, joining, planned, figures)

    def _rooms(self, node: _Node, policy: waves.Waves, ahead: int) -> list[waves.Room]:
        lines, pieces, orders = self.queued.get(node.id, (0, 0, 0))
        times = self.times.get(node.id, waves.BY_POLICY)
        waiting = [one for one, _ in self._looked_at(node.id).values()] or [_ONE]
        to_pack = (
            sum(one.lines for one in waiting) / len(waiting), sum(one.units for one in waiting) / len(waiting)
        )  # fmt: skip
        return [
            waves.room(
                policy, ends, self._at_work(node, ends, ahead), (lines, pieces), orders, times, to_pack
            )
            for ends in self.leaving.cut_offs(node.id)
        ]

    def _queue(self, node: UUID, joining: Sequence[waves.Choice]) -> None:
        """Count a wave as work that is queued, for the next one at the node."""
        lines, pieces, orders = self.queued.get(node, (0, 0, 0))
        more = [(one.ready.lines, one.ready.handled) for one in joining]
        self.queued[node] = [
            lines + sum(one for one, _ in more), pieces + sum(one for _, one in more), orders + len(joining)
        ]  # fmt: skip

    def _looked_at(self, node: UUID) -> dict[UUID, tuple[waves.Ready, list[Stop]]]:
        """The orders that wait, and where their units would be picked, the most urgent first.

        Looked at once: a wave takes just what was planned for its orders, so that the others find the same again.
        """
        if node not in self.waiting:
            lines = sorted(
                ((order, self._dated(found)) for order, found in self.lines[node].items()), key=_urgency
            )
            self.waiting[node] = {order: self._look(found) for order, found in lines}
        return self.waiting[node]

    def _dated(self, lines: list[_Line]) -> list[_Line]:
        """The lines of an order, due when it has to leave for what was promised."""
        first = lines[0]
        at = self.leaving.leave_by(
            first.node, first.service, first.country, first.postal_code, first.promise_at, first.ship_by
        )
        return [first._replace(due=at), *lines[1:]] if at else lines

    def _look(self, lines: Sequence[_Line]) -> tuple[waves.Ready, list[Stop]]:
        """An order, and where its units would be picked."""
        stops = []
        missing = 0
        for line in lines:
            picks, nowhere = self.shelves.plan(line.sku, line.node, line.units)
            missing += nowhere
            for shelf, units in picks:
                zone, x, y = self.bins[shelf.bin]
                stop = Stop(
                    ids.uuid7(), line.order, zone, shelf.bin, x, y, shelf.pick_sequence, line.sku, units,
                    units * line.weight_g, cm3(units * line.volume_mm3), self.shelves.pieces(shelf, units),
                )  # fmt: skip
                stops.append(stop)
        found = _ready(lines, stops, missing)
        if lines[0].node in self.by_carrier or self.leaving.differ(lines[0].node):
            carrier = self.leaving.carrier(_going(lines))
            ends = self.leaving.cut_off(lines[0].node, carrier)
            found = found._replace(carrier=carrier, cutoff_at=ends)
        return found, stops


def _urgency(one: tuple[UUID, list[_Line]]) -> tuple[int, datetime, UUID]:
    order, lines = one
    return -lines[0].priority, lines[0].due, order


def _ready(lines: Sequence[_Line], stops: Collection[Stop], missing: int) -> waves.Ready:
    first = lines[0]
    return waves.Ready(
        first.order, len(lines), sum(line.units for line in lines), sum(line.value_minor for line in lines),
        first.priority, first.due, first.service, frozenset(stop.zone for stop in stops), missing,
        pieces=sum(stop.handled for stop in stops),
    )  # fmt: skip


_ONE = waves.Ready(UUID(int=0), 1, 1, 0, 0, datetime.min.replace(tzinfo=UTC), "", frozenset())
"""What an order is taken to be where none waits."""


def _going(lines: Sequence[_Line]) -> Going:
    first = lines[0]
    return Going(
        first.node, first.service, first.country, first.postal_code, first.residential,
        first.promise_at, sum(line.units * line.weight_g for line in lines),
        cm3(sum(line.units * line.volume_mm3 for line in lines)),
    )  # fmt: skip


def _write(cause: Cause, made: Sequence[_Wave], numbers: Sequence[str]) -> None:
    if not made:
        return
    actor = cause.actor.name
    rows = [
        (
            wave.id, number, wave.node.company, wave.node.id, "proposed", wave.method, wave.version,
            wave.room.cutoff_at, cause.at, actor, len(wave.joining), *wave.sums, wire.dump(wave.figures),
        )
        for wave, number in zip(made, numbers, strict=True)
    ]  # fmt: skip
    sql.write("warehouse_wave", _WAVE, rows)
    orders = [
        (wave.id, one.ready.order, wave.node.id, place, "proposed", one.why)
        for wave in made
        for place, one in enumerate(wave.joining, 1)
    ]
    sql.write("warehouse_waveorder", _ORDER, orders)
    announce(cause, [Event("wave", wave.id, wave.node.company, "", "proposed") for wave in made])


_WAVE = (
    "id", "number", "company_id", "node_id", "state", "method", "policy_version", "cutoff_at", "proposed_at",
    "proposed_by", "orders", "lines", "units", "lists", "meters", "seconds", "figures",
)  # fmt: skip
_ORDER = ("wave_id", "order_id", "node_id", "place", "state", "why")

_NODES = """
SELECT id, company_id::int, code, time_zone, country, postal_code FROM network_node
WHERE id = ANY(%(nodes)s::uuid[]) ORDER BY id
"""

_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('warehouse.waves ' || node, 0))
FROM (SELECT node FROM unnest(%(nodes)s::text[]) AS node ORDER BY node) AS n
"""

# Released by hand, cancelled, or sourced elsewhere meanwhile.
_STALE = """
SELECT subject FROM kernel_ready AS r WHERE queue = 'wave'
  AND NOT EXISTS (SELECT FROM stock_allocation AS a WHERE a.order_id = r.subject AND a.quantity > a.released)
"""

# What `warehouse.release` would refuse stays out.
_WAITING = f"""
SELECT a.node_id, o.id, served.priority, COALESCE(o.promise_at, o.placed_at), o.service, a.id, a.sku_id,
       a.quantity - a.released, (l.gross_minor - l.discount_minor) * (a.quantity - a.released) / l.quantity,
       s.weight_g, s.length_mm::bigint * s.width_mm * s.height_mm,
       o.country, o.postal_code, o.demand = 'sale', o.promise_at, o.number, o.ship_by
FROM kernel_ready AS r
JOIN orders_order AS o ON o.id = r.subject
CROSS JOIN LATERAL (SELECT {SERVED_WITH} AS priority OFFSET 0) AS served
JOIN stock_allocation AS a ON a.order_id = o.id AND a.quantity > a.released AND a.node_id = ANY(%(nodes)s::uuid[])
JOIN orders_line AS l ON l.id = a.line_id
JOIN catalog_sku AS s ON s.id = a.sku_id
JOIN network_node AS n ON n.id = a.node_id
WHERE r.queue = 'wave'
  AND NOT EXISTS (SELECT FROM warehouse_waveorder AS w
                  WHERE w.order_id = o.id AND w.node_id = a.node_id AND w.state = 'proposed')
  AND {MAY_GO}
ORDER BY o.id, a.id
"""

_BINS = """
SELECT b.id, COALESCE(z.code, ''), b.x, b.y FROM network_bin AS b LEFT JOIN network_zone AS z ON z.id = b.zone_id
WHERE b.node_id = ANY(%(nodes)s::uuid[])
"""

# What is on the floor, or proposed to go there, and not packed yet.
_QUEUED = f"""
SELECT node_id, sum(lines)::int, sum(pieces)::int, sum(orders)::int FROM (
    SELECT f.node_id, count(t.id) AS lines, COALESCE(sum(handled.pieces), 0) AS pieces, count(DISTINCT f.id) AS orders
    FROM kernel_ready AS r JOIN warehouse_fulfillment AS f ON f.id = r.subject
    LEFT JOIN warehouse_picktask AS t ON t.fulfillment_id = f.id AND t.state = 'open'
    LEFT JOIN network_bin AS b ON b.id = t.bin_id
    {pieces_in("t.quantity", "t.sku_id", "b.kind = 'reserve'")}
    WHERE r.queue IN ('pick', 'pack') AND f.node_id = ANY(%(nodes)s::uuid[]) GROUP BY 1
    UNION ALL
    SELECT node_id, lines, COALESCE((figures->>'pieces')::int, units), orders FROM warehouse_wave
    WHERE node_id = ANY(%(nodes)s::uuid[]) AND state = 'proposed') AS q
GROUP BY 1
"""

_ZONES = "SELECT node_id, code FROM network_zone WHERE node_id = ANY(%(nodes)s::uuid[])"
