"""What is asked about labor: how long work took, how long it should take, and which cut-offs the backlog will miss.

Nobody stops a watch: what a person reports is taken to have begun with what they reported before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from entrepot.kernel import policies, sql
from entrepot.network import queries as network
from entrepot.network.destinations import LONGEST
from entrepot.network.queries import Node
from entrepot.network.rules import Calendar, next_ship_date
from entrepot.purchasing import inbound_queries
from entrepot.warehouse import labor, waves
from entrepot.warehouse.commands.leaving import Leaving, Place
from entrepot.warehouse.going import MAY_GO
from entrepot.warehouse.labor import ComesIn, Done, Intake, Labor, Observation, Outlook, Queued, Standard
from entrepot.warehouse.shelf_queries import pieces_in
from entrepot.warehouse.waves import Times, Waves

T = TypeVar("T")

DAYS_AHEAD = 14
"""Days of what is to come in that an outlook looks ahead to, today among them."""
CUTOFFS = 3
"""Cut-offs that an outlook looks ahead to."""
OBSERVED_MAX = 5_000
"""Tasks that a standard time is fitted from, the latest of its step and node: more tell no more."""


def observed(
    *, company: int, since: datetime, until: datetime, idle_max_s: int, limit: int = OBSERVED_MAX
) -> list[Observation]:
    """What people did in a time, the latest first: of each step at each node the latest `limit`. 1 statement.

    Of the system's own actors nothing is told, and nothing of work before which nothing was reported for too long.
    """
    params = {
        "company": company, "since": since, "until": until, "limit": limit, "idle": idle_max_s,
    }  # fmt: skip
    return [Observation(*row) for row in sql.run(OBSERVED, params)]


def throughput(*, company: int, since: datetime, until: datetime) -> list[labor.Throughput]:
    """All that was done in a time, by step, node, shift and kind of work. 3 statements."""
    in_force = policies.in_force(company, Labor, until)
    nodes = network.nodes(company=company)
    shifts = {node.code: policies.of_scope(in_force, node.code, Labor()).shifts for node in nodes}
    idle = policies.of_scope(in_force, "", Labor()).idle_max_s
    params = {
        "company": company, "since": since, "until": until, "limit": None, "idle": idle, "many": labor.SEVERAL + 1,
    }  # fmt: skip
    found = [
        Done(step, node, clock, (lines, units), *sums)
        for step, node, clock, lines, units, *sums in sql.run(_DONE, params)
    ]
    return labor.throughput(found, shifts)


@dataclass(frozen=True, slots=True)
class StandardRow:
    """The latest standard of a step at a node."""

    node: UUID
    node_code: str
    step: str
    fixed_s: float
    line_s: float
    unit_s: float
    meter_s: float
    tasks: int
    error_s: float
    since: datetime
    fitted_at: datetime

    @property
    def standard(self) -> Standard:
        return Standard(self.fixed_s, self.line_s, self.unit_s, self.meter_s, self.tasks, self.error_s)


def standards(*, company: int) -> list[StandardRow]:
    """The standard times in force, by node and step. 1 statement."""
    found = [StandardRow(*row) for row in sql.run(_STANDARDS, {"company": company})]
    return sorted(found, key=lambda one: (one.node_code, labor.STEPS.index(one.step)))


def times_of(nodes: Collection[UUID]) -> dict[UUID, Times]:
    """How long picking and packing take at nodes, as fitted last; a node of which nothing was fitted is left out.
    1 statement."""
    found: dict[UUID, Times] = {}
    for row in sql.run(_TIMES, {"nodes": list(nodes)}):
        node, step, standard = row[0], row[1], Standard(*row[2:])
        found[node] = found.get(node, Times())._replace(**{step: standard})
    return found


@dataclass(frozen=True, slots=True)
class Waits:
    """Work of a step that no cut-off waits for; `needed_s` is how long one person takes for it by the standard time of
    the step, None where none was fitted."""

    step: str
    tasks: int
    lines: int
    units: int
    needed_s: int | None


@dataclass(frozen=True, slots=True)
class NodeOutlook:
    """The backlog of a node against its next cut-offs. Of the steps that are `fitted` the times come from history,
    of the others from the policy `warehouse.waves`."""

    node: UUID
    node_code: str
    time_zone: str
    fitted: tuple[str, ...]
    steps: tuple[Outlook, ...]
    other: tuple[Waits, ...] = ()
    inbound: tuple[Intake, ...] = ()


def outlooks(*, company: int, at: datetime) -> list[NodeOutlook]:
    """For each node, what is queued up to each of its next cut-offs and those of its carriers, and what will miss them.
    It takes as long as waves reckon with (`waves.pick_seconds`, `waves.pack_seconds`). Beside it what else waits there,
    and what is to be received and put away by day. 15 statements."""
    nodes = [node for node in network.nodes(company=company) if node.active]
    places = {
        node.id: Place(node.id, company, node.country, node.time_zone, node.postal_code) for node in nodes
    }
    leaving = Leaving(places, at)
    known = times_of([node.id for node in nodes])
    in_force = policies.in_force(company, Waves, at)
    labors = policies.in_force(company, Labor, at)
    queued = _queued(company, at, leaving)
    fitted = {(one.node, one.step): one.standard for one in standards(company=company)}
    other = _other(company, fitted)
    inbound = _inbound(company, at)
    found = []
    for node in nodes:
        wave, work = (
            policies.of_scope(in_force, node.code, Waves()),
            policies.of_scope(labors, node.code, Labor()),
        )
        times = known.get(node.id, Times())
        cutoffs = _cutoffs(at, node.time_zone, leaving.weeks(node.id), work)
        people = {"pick": wave.pickers, "pack": wave.packing_stations}
        steps = [
            one
            for step, many in people.items()
            for one in labor.outlook(
                step, queued.get(node.id, ()), cutoffs, partial(_seconds, step, wave, times), many
            )
        ]
        waits = tuple(other.get(node.id, ()))
        comes = _intake(
            node, at, inbound.get(node.id, ()), waits, fitted, work, leaving.calendars[node.id].closed
        )
        found.append(
            NodeOutlook(node.id, node.code, node.time_zone, tuple(times.fitted), tuple(steps), waits, comes)
        )
    return found


def _inbound(company: int, at: datetime) -> dict[UUID, list[ComesIn]]:
    """What each node expects in the days ahead, and what is overdue."""
    found: dict[UUID, list[ComesIn]] = {}
    for one in inbound_queries.coming_in(company, at, at.date() + timedelta(days=DAYS_AHEAD)):
        of_day = ComesIn(one.day, one.documents, one.lines, one.units, one.announced)
        found.setdefault(one.node, []).append(of_day)
    return found


def _intake(
    node: Node,
    at: datetime,
    coming: Iterable[ComesIn],
    waits: Iterable[Waits],
    fitted: Mapping[tuple[UUID, str], Standard],
    work: Labor,
    closed: Collection[date],
) -> tuple[Intake, ...]:
    zone = ZoneInfo(node.time_zone)
    today = at.astimezone(zone).date()

    def capacity(day: date) -> int:
        begins = datetime.combine(day, time(0), zone)
        ends = datetime.combine(day + timedelta(days=1), time(0), zone)
        seconds = labor.open_seconds(max(at, begins), ends, work.shifts.values(), node.time_zone, closed)
        return work.receivers * seconds

    dock = next(((one.lines, one.units) for one in waits if one.step == "put_away"), (0, 0))
    days = labor.intake(
        coming, dock, today, fitted.get((node.id, "receive")), fitted.get((node.id, "put_away")),
        capacity if work.receivers else None,
    )  # fmt: skip
    return tuple(one for one in days if one.day < today + timedelta(days=DAYS_AHEAD))


def _other(company: int, known: Mapping[tuple[UUID, str], Standard]) -> dict[UUID, list[Waits]]:
    """What waits at each node to be put away, brought to pick faces, counted and sorted."""
    found: dict[UUID, list[Waits]] = {}
    for node, step, tasks, lines, units in sql.run(_OTHER, {"company": company}):
        standard = known.get((node, step))
        needed = round(standard.seconds(tasks, lines, units)) if standard else None
        found.setdefault(node, []).append(Waits(step, tasks, lines, units, needed))
    return found


def _seconds(step: str, policy: Waves, times: Times, orders: int, lines: int, pieces: int) -> float:
    """How long so much of a step takes, as waves reckon."""
    if not orders:
        return 0.0
    if step == "pick":
        return waves.pick_seconds(policy, lines, pieces, times, orders)
    if times.pack:
        return times.pack.seconds(orders, lines, pieces)
    return float(policy.seconds_per_order_packed * orders)


def by_policy(step: str, policy: Waves) -> Standard:
    """What a step takes where no history tells."""
    if step == "pack":
        return Standard(policy.seconds_per_order_packed, 0, 0, 0)
    walk = policy.mm_per_line / policy.walk_mm_per_s
    return Standard(0, policy.seconds_per_stop + walk, policy.seconds_per_unit, 0)


def _cutoffs(
    at: datetime, zone: str, calendars: Collection[Calendar], work: Labor
) -> list[tuple[datetime, int]]:
    """The next cut-offs of a node and its carriers, each with the seconds that people work until then."""
    moments: dict[datetime, Collection[date]] = {}
    for calendar in calendars:
        moment = at
        for _ in range(CUTOFFS):
            ships = next_ship_date(moment, zone, calendar)
            if ships is None:
                break
            moments[ships.cutoff_at] = calendar.closed
            moment = ships.cutoff_at + timedelta(seconds=1)
    return [
        (moment, labor.open_seconds(at, moment, work.shifts.values(), zone, closed))
        for moment, closed in sorted(moments.items(), key=lambda one: one[0])
    ]


def _queued(company: int, at: datetime, leaving: Leaving) -> dict[UUID, list[Queued]]:
    """What waits at each node, by the moment by which it has to leave; what was promised for no day, now."""
    found: dict[UUID, list[Queued]] = {}
    for node, due, service, country, postal_code, promise_at, ship_by, *sums in sql.run(
        _QUEUED,
        {
            "company": company,
            "at": at,
            "letters": max(LONGEST, leaving.letters(company) if leaving.calendars else 0),
        },
    ):
        if node not in leaving.calendars:
            continue
        by = due or leaving.leave_by(node, service, country, postal_code, promise_at, ship_by) or at
        of_node = found.setdefault(node, [])
        of_node.append(Queued("pick", by, *sums[:4]))
        of_node.append(Queued("pack", by, *sums[4:]))
    return found


def nodes_of(companies: Collection[int]) -> dict[str, tuple[int, UUID]]:
    """Active nodes by company and code, as `company/code`. 1 statement."""
    rows = sql.run(_NODES, {"companies": list(companies)})
    return {f"{company}/{code}": (company, node) for company, node, code in rows}


_NODES = """
SELECT company_id::int, id, code FROM network_node WHERE company_id = ANY(%(companies)s::smallint[]) AND active
"""

# Events of one moment are one report. Whatever somebody reported before, of any kind, ends what came before it; to bind
# a tote is none, but part of the pick that follows. With a scanner a list or an order is reported stop by stop: all
# stops that somebody reports of it one after the other are one task.
_OBSERVED = f"""
WITH reports AS MATERIALIZED (
    SELECT actor, occurred_at AS at,
           array_agg(subject_id) FILTER (WHERE command = 'warehouse.pick' AND subject_kind = 'fulfillment') AS picked,
           array_agg(subject_id) FILTER (WHERE command = 'warehouse.pack' AND subject_kind = 'fulfillment') AS packed,
           array_agg(subject_id) FILTER (WHERE command = 'warehouse.put_away') AS put_away,
           array_agg((payload->>'task')::uuid) FILTER (WHERE command = 'warehouse.sort_stops') AS sorted,
           array_agg(subject_id)
               FILTER (WHERE command = 'warehouse.enter_counts' AND subject_kind = 'count') AS counted,
           array_agg((payload->>'receipt')::uuid)
               FILTER (WHERE command = 'purchasing.receive' AND payload ? 'receipt') AS receipts
    FROM kernel_event
    WHERE recorded_at >= %(since)s::timestamptz AND recorded_at < %(until)s::timestamptz
      AND company_id = %(company)s::smallint AND actor NOT LIKE 'system:%%' AND command <> 'warehouse.use_totes'
    GROUP BY 1, 2
), timed AS (
    SELECT *, lag(at) OVER (PARTITION BY actor ORDER BY at) AS before FROM reports
), seen AS (
    SELECT t.actor, t.before, t.at, w.* FROM timed AS t CROSS JOIN LATERAL (
        SELECT 'pick' AS step, k.node_id, count(*) AS lines, sum(m.quantity) AS units, sum(walk.meters) AS meters,
               sum(handled.pieces) AS pieces, count(DISTINCT COALESCE(walk.list_id, m.document_id)) AS documents,
               (array_agg(COALESCE(walk.list_id, m.document_id)))[1] AS run
        FROM stock_move AS m JOIN stock_bucket AS k ON k.id = m.from_bucket
        JOIN network_bin AS b ON b.id = k.bin_id
        {pieces_in("m.quantity", "m.sku_id", "b.kind = 'reserve'")}
        LEFT JOIN LATERAL (
            SELECT l.id AS list_id,
                   l.length_mm / 1000.0
                       / (SELECT count(*) FROM warehouse_liststop AS o WHERE o.list_id = l.id) AS meters
            FROM warehouse_picktask AS p JOIN warehouse_liststop AS s ON s.task_id = p.id
            JOIN warehouse_picklist AS l ON l.id = s.list_id
            WHERE p.fulfillment_id = m.document_id AND p.line_id = m.line_id AND p.bucket_id = m.from_bucket
            LIMIT 1) AS walk ON TRUE
        WHERE m.document_id = ANY(t.picked) AND m.reason = 'pick' AND m.occurred_at = t.at
        GROUP BY 2
        UNION ALL
        SELECT 'pack', f.node_id, count(*), sum(l.picked), 0, NULL, count(DISTINCT f.id), NULL
        FROM warehouse_fulfillment AS f JOIN warehouse_fulfillmentline AS l ON l.fulfillment_id = f.id
        WHERE f.id = ANY(t.packed) GROUP BY 2
        UNION ALL
        SELECT m.reason, b.node_id, count(*), sum(m.quantity), 0, NULL, count(DISTINCT m.document_id), NULL
        FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.to_bucket
        WHERE m.document_id = ANY(t.put_away) AND m.reason IN ('put_away', 'move', 'replenish') GROUP BY 1, 2
        UNION ALL
        SELECT 'sort', l.node_id, count(*), sum(k.picked), 0, NULL, count(DISTINCT l.id), (array_agg(l.id))[1]
        FROM warehouse_picktask AS k JOIN warehouse_liststop AS s ON s.task_id = k.id
        JOIN warehouse_picklist AS l ON l.id = s.list_id WHERE k.id = ANY(t.sorted) GROUP BY 2
        UNION ALL
        SELECT 'receive', b.node_id, count(*), sum(m.quantity), 0, NULL, count(DISTINCT m.document_id), NULL
        FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.to_bucket
        WHERE m.document_id = ANY(t.receipts) GROUP BY 2
        UNION ALL
        SELECT 'count', c.node_id, count(*), sum(l.counted), 0, NULL, count(DISTINCT c.id), NULL
        FROM warehouse_counttask AS c JOIN warehouse_countline AS l ON l.task_id = c.id
        WHERE c.id = ANY(t.counted) GROUP BY 2) AS w
    WHERE t.before IS NOT NULL AND t.at - t.before <= make_interval(secs => %(idle)s::int) {{of_node}}
), apart AS (
    SELECT *, sum(CASE WHEN goes_on THEN 0 ELSE 1 END) OVER (PARTITION BY actor, step, node_id ORDER BY at) AS task
    FROM (SELECT *, run = lag(run) OVER before_it AND before = lag(at) OVER before_it AS goes_on
          FROM seen WINDOW before_it AS (PARTITION BY actor, step, node_id ORDER BY at)) AS s
)
SELECT t.step, n.code, t.actor, t.before, t.at, t.lines, t.units, t.meters, t.pieces, t.documents
FROM (
    SELECT step, node_id, actor, min(before) AS before, max(at) AS at, sum(lines)::int AS lines,
           COALESCE(sum(units), 0)::int AS units, COALESCE(round(sum(meters)), 0)::int AS meters,
           COALESCE(sum(pieces), sum(units), 0)::int AS pieces, max(documents)::int AS documents,
           row_number() OVER (PARTITION BY step, node_id ORDER BY max(at) DESC) AS place
    FROM apart GROUP BY step, node_id, actor, task) AS t
JOIN network_node AS n ON n.id = t.node_id
WHERE %(limit)s::int IS NULL OR t.place <= %(limit)s::int
ORDER BY t.at DESC, t.actor, t.step
"""
OBSERVED = _OBSERVED.format(of_node="")
OBSERVED_AT_NODE = _OBSERVED.format(of_node="AND w.node_id = %(of)s::uuid")
"""The same of one node: of what was done elsewhere nothing but when it was reported is read."""

_DONE = f"""
SELECT t.step, t.node, date_trunc('minute', t.at AT TIME ZONE n.time_zone)::time, LEAST(t.lines, %(many)s::int),
       LEAST(t.units, 2), count(*)::int, sum(t.lines)::int, sum(t.units)::int,
       extract(epoch FROM sum(t.at - t.before))::float8
FROM ({OBSERVED}) AS t (step, node, actor, before, at, lines, units, meters, pieces, documents)
JOIN network_node AS n ON n.company_id = %(company)s::smallint AND n.code = t.node
GROUP BY 1, 2, 3, 4, 5
"""

_TIMES = """
SELECT DISTINCT ON (node_id, step) node_id, step, fixed_s, line_s, unit_s, meter_s, tasks, error_s
FROM warehouse_standardtime WHERE node_id = ANY(%(nodes)s::uuid[]) AND step IN ('pick', 'pack')
ORDER BY node_id, step, fitted_at DESC, id DESC
"""

_STANDARDS = """
SELECT DISTINCT ON (t.node_id, t.step) t.node_id, n.code, t.step, t.fixed_s, t.line_s, t.unit_s, t.meter_s, t.tasks,
       t.error_s, t.since, t.fitted_at
FROM warehouse_standardtime AS t JOIN network_node AS n ON n.id = t.node_id
WHERE t.company_id = %(company)s::smallint ORDER BY t.node_id, t.step, t.fitted_at DESC, t.id DESC
"""

# What is promised and not on the floor is to be picked and packed, what is on the floor is as far as it is. Of what has
# no bins yet as many whole cases and pallets as there can be are taken to be picked whole. Of a postal code as much as
# the time zone of its address hangs on.
_QUEUED = f"""
WITH work AS (
    SELECT a.node_id, a.order_id, NULL::timestamptz AS due, o.service, o.country,
           left(upper(regexp_replace(o.postal_code, '[ -]', '', 'g')), %(letters)s::int) AS postal_code, o.promise_at,
           o.ship_by,
           count(*) AS to_pick, sum(a.quantity - a.released) AS units_to_pick, sum(handled.pieces) AS pieces,
           count(*) AS lines, sum(a.quantity - a.released) AS units
    FROM stock_allocation AS a JOIN orders_order AS o ON o.id = a.order_id JOIN network_node AS n ON n.id = a.node_id
    {pieces_in("(a.quantity - a.released)", "a.sku_id", "TRUE")}
    WHERE a.company_id = %(company)s::smallint AND a.quantity > a.released AND {MAY_GO}
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    UNION ALL
    SELECT f.node_id, f.order_id, COALESCE(f.leave_by, f.due_at, %(at)s::timestamptz), '', '', '', NULL, NULL,
           t.lines, t.units, t.pieces, l.lines, l.units
    FROM kernel_ready AS r JOIN warehouse_fulfillment AS f ON f.id = r.subject AND f.company_id = %(company)s::smallint
    CROSS JOIN LATERAL (SELECT count(*) AS lines, COALESCE(sum(quantity - short), 0) AS units
                        FROM warehouse_fulfillmentline WHERE fulfillment_id = f.id) AS l
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines, COALESCE(sum(k.quantity), 0) AS units, COALESCE(sum(handled.pieces), 0) AS pieces
        FROM warehouse_picktask AS k JOIN network_bin AS b ON b.id = k.bin_id
        {pieces_in("k.quantity", "k.sku_id", "b.kind = 'reserve'")}
        WHERE k.fulfillment_id = f.id AND k.state = 'open') AS t
    WHERE r.queue IN ('pick', 'pack')
)
SELECT node_id, due, service, country, postal_code, promise_at, ship_by,
       (count(*) FILTER (WHERE to_pick > 0))::int, sum(to_pick)::int, sum(units_to_pick)::int, sum(pieces)::int,
       count(*)::int, sum(lines)::int, sum(units)::int
FROM work GROUP BY 1, 2, 3, 4, 5, 6, 7
"""

# What stands at the dock is put away bucket by bucket. Whoever counts is told no figure, and nobody knows any:
# the units of a count are none.
_OTHER = """
SELECT b.node_id, 'put_away', count(*)::int, count(*)::int, sum(b.quantity - b.committed)::int
FROM network_bin AS n JOIN stock_bucket AS b ON b.bin_id = n.id AND b.quantity > b.committed
WHERE n.kind = 'receiving' AND b.company_id = %(company)s::smallint AND b.status = 'sellable' GROUP BY 1
UNION ALL
SELECT node_id, 'replenish', count(*)::int, count(*)::int, sum(quantity)::int FROM warehouse_replenishment
WHERE company_id = %(company)s::smallint AND state = 'open' GROUP BY 1
UNION ALL
SELECT t.node_id, 'count', count(DISTINCT t.id)::int, count(l.id)::int, 0
FROM warehouse_counttask AS t
LEFT JOIN warehouse_countline AS l ON l.task_id = t.id AND l.state IN ('open', 'recount')
WHERE t.company_id = %(company)s::smallint AND t.state IN ('open', 'counting', 'recount') GROUP BY 1
UNION ALL
SELECT f.node_id, 'sort', count(DISTINCT s.list_id)::int, count(*)::int, sum(t.picked)::int
FROM kernel_ready AS r JOIN warehouse_fulfillment AS f ON f.id = r.subject AND f.company_id = %(company)s::smallint
JOIN warehouse_picktask AS t ON t.fulfillment_id = f.id AND t.picked > 0
JOIN warehouse_liststop AS s ON s.task_id = t.id AND s.tote = ''
JOIN warehouse_picklist AS l ON l.id = s.list_id
JOIN warehouse_wave AS w ON w.id = l.wave_id AND w.method IN ('batch', 'zone')
WHERE r.queue IN ('pick', 'pack') GROUP BY 1
ORDER BY 1, 2
"""
