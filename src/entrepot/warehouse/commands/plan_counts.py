"""Say what is to be counted: by the plans of the policy, by a trigger, or because somebody asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.stock import rules as stock
from entrepot.warehouse import counting


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """What the plans of a company want counted next."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CountsPlanned:
    """Fresh tasks, the goods that they count, and the bins in which they do, as `node code`, the most urgent first."""

    company: int
    tasks: int
    goods: int
    bins: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AskCount:
    """A bin that somebody wants counted: all that stands in it, or one SKU. `why` is a trigger where one asks."""

    bin: UUID
    sku: UUID | None = None
    why: str = counting.BY_PERSON
    priority: int = 70
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CountAsked:
    """The task; not fresh where one that is not done yet counts the same."""

    task: UUID
    number: str
    fresh: bool


class _Bin(NamedTuple):
    id: UUID
    company: int
    node: UUID
    node_code: str


class _New(NamedTuple):
    """A task to be written; one with a `number` stands already, and counts these goods too from now on."""

    id: UUID
    place: _Bin
    whole: bool
    why: str
    priority: int
    due_hours: int
    goods: list[tuple[UUID, str, str]]  # SKU, lot, status
    number: str = ""


class _Opened(NamedTuple):
    """A task that nobody has begun; `takes_more`: it counts goods, and is not late."""

    task: UUID
    number: str
    bin: UUID
    why: str
    priority: int
    takes_more: bool


@command("warehouse.plan_counts")
def plan_counts(cause: Cause, /, *, requests: Sequence[PlanCounts]) -> list[CountsPlanned | Refused]:
    """Tasks for the bins whose goods are due by the plans in force, as many as a night takes with what still waits;
    and, where the policy says so, for empty bins that nobody has looked at for long.

    Locks: the planning of each node, in id order. Refuses: NotFound (a company without nodes). Again: what has a task
    is not planned twice. 9 statements; 1 more where empty bins are looked at.
    """
    companies = sorted({one.company for one in requests})
    nodes = sql.run(_NODES, {"companies": companies})
    _lock(node for node, *_ in nodes)
    rules = policies.InForce(companies, [counting.Counting], cause.at)
    classes = classes_of(companies, rules, cause.at)
    waiting = dict(sql.run(_WAITING, {"companies": companies}))
    codes: dict[UUID, str] = {}
    found: dict[UUID, list[counting.Candidate]] = defaultdict(list)
    for node, company, sku, *rest in sql.run(_CANDIDATES, {"companies": companies, "at": cause.at}):
        bin_, lot, status, zone, age, codes[bin_] = rest
        abc = classes.get(company, {}).get(sku, "C")
        found[node].append(counting.Candidate(bin_, sku, lot, status, zone, abc, age))

    empty: dict[UUID, list[tuple[UUID, int | None]]] = defaultdict(list)
    looked_at = [
        node for node, company, code in nodes if rules.of(company, counting.Counting, code)[1].empty_days
    ]
    if looked_at:
        for node, bin_, codes[bin_], age in sql.run(_EMPTY, {"nodes": looked_at, "at": cause.at}):
            empty[node].append((bin_, age))
    new: dict[int, list[_New]] = {company: [] for _, company, _ in nodes}
    for node, company, code in nodes:
        _, policy = rules.of(company, counting.Counting, code)
        room = policy.bins_per_night - waiting.get(node, 0)
        due = counting.choose(found[node], policy, room)
        for one in due:
            goods = [(each.sku, each.lot, each.status) for each in one.goods]
            place = _Bin(one.bin, company, node, code)
            new[company].append(
                _New(ids.uuid7(), place, False, one.plan, one.priority, policy.due_hours, goods)
            )
        for bin_ in counting.choose_empty(empty[node], policy, room - len(due)):
            place = _Bin(bin_, company, node, code)
            new[company].append(
                _New(ids.uuid7(), place, True, counting.EMPTY, counting.LAST, policy.due_hours, [])
            )
    _write(cause, [one for of_company in new.values() for one in of_company], classes)
    return [
        _planned(one.company, new.pop(one.company), codes)
        if one.company in new
        else NotFound(what="company with nodes", which=one.company)
        for one in requests
    ]  # fmt: skip


def _planned(company: int, new: Sequence[_New], codes: Mapping[UUID, str]) -> CountsPlanned:
    by_urgency = sorted(new, key=lambda one: -one.priority)
    bins = tuple(f"{one.place.node_code} {codes[one.place.id]}" for one in by_urgency)
    return CountsPlanned(company, len(new), sum(len(one.goods) for one in new), bins)


@command("warehouse.ask_counts")
def ask_counts(cause: Cause, /, *, requests: Sequence[AskCount]) -> list[CountAsked | Refused]:
    """A task for each bin, or the one that counts the same already; goods of a bin that are asked for one after the
    other for one reason are one task, until somebody begins it or it is late. It is as urgent as what was asked most
    urgently.

    Locks: the planning of each node, then the open tasks, in id order. Refuses: NotFound (bin). Again: the same task,
    until it is done. 10 statements; 1 more where a task becomes more urgent.
    """
    bins = {row[0]: _Bin(*row) for row in sql.run(_BINS, {"bins": sorted({one.bin for one in requests})})}
    _lock(place.node for place in bins.values())
    companies = sorted({place.company for place in bins.values()})
    rules = policies.InForce(companies, [counting.Counting], cause.at)
    classes = classes_of(companies, rules, cause.at)
    standing: dict[tuple[UUID, UUID | None], CountAsked] = {}
    for bin_, sku, task, number in sql.run(_STANDING, {"bins": list(bins)}):
        standing.setdefault((bin_, sku), CountAsked(task, number, False))
    goods: dict[UUID, list[tuple[UUID, str, str]]] = defaultdict(list)
    for bin_, sku, lot, status in sql.run(_GOODS, {"bins": list(bins)}):
        goods[bin_].append((sku, lot, status))

    new: dict[tuple[UUID, str], _New] = {}
    begins = [_Opened(*row) for row in sql.run(_OPEN, {"bins": list(bins), "at": cause.at})]
    opened = {(one.bin, one.why): one for one in reversed(begins) if one.takes_more}
    urgency: dict[UUID, int] = defaultdict(int)
    names: list[tuple[UUID, UUID | None] | None] = []
    for one in requests:
        place = bins.get(one.bin)
        names.append((one.bin, one.sku) if place else None)
        if place is None:
            continue
        if before := standing.get((one.bin, one.sku)) or standing.get((one.bin, None)):
            urgency[before.task] = max(urgency[before.task], one.priority)
            continue
        wanted = [row for row in goods[one.bin] if one.sku in (None, row[0])]
        if one.sku and not wanted:
            wanted = [(one.sku, "", "sellable")]
        hours = rules.of(place.company, counting.Counting, place.node_code)[1].due_hours
        which = (one.bin, one.why if one.sku else "")
        joined = opened.get(which)
        task, number = (joined.task, joined.number) if joined else (ids.uuid7(), "")
        made = new.setdefault(
            which, _New(task, place, one.sku is None, one.why, one.priority, hours, [], number)
        )
        made.goods.extend(wanted)
        urgency[made.id] = max(urgency[made.id], one.priority)
        standing[one.bin, one.sku] = CountAsked(made.id, "", True)
    numbers = _write(cause, [one._replace(priority=urgency[one.id]) for one in new.values()], classes)
    raised = [(one.task, urgency[one.task]) for one in begins if urgency[one.task] > one.priority]
    if raised:
        sql.change(_RAISE, sql.columns(("ids", "priorities"), raised))
    return _answers(requests, names, standing, numbers)


def _answers(
    requests: Sequence[AskCount],
    names: Sequence[tuple[UUID, UUID | None] | None],
    standing: Mapping[tuple[UUID, UUID | None], CountAsked],
    numbers: Mapping[UUID, str],
) -> list[CountAsked | Refused]:
    answers: list[CountAsked | Refused] = []
    told: set[tuple[UUID, UUID | None]] = set()
    for one, name in zip(requests, names, strict=True):
        if name is None:
            answers.append(NotFound(what="bin", which=one.bin))
            continue
        which = name if name in standing else (name[0], None)
        found = standing[which]
        fresh = found.task in numbers and which not in told
        told.add(which)
        answers.append(CountAsked(found.task, numbers.get(found.task, found.number), fresh))
    return answers


def ask_by_trigger(cause: Cause, trigger: str, places: Collection[tuple[UUID, UUID]]) -> int:
    """Have goods, as (bin, SKU), counted because of a trigger, where the policy of their node has it; how many are.

    2 statements, and those of `ask_counts` where some are.
    """
    bins = {row[0]: _Bin(*row) for row in sql.run(_BINS, {"bins": sorted({bin_ for bin_, _ in places})})}
    companies = sorted({place.company for place in bins.values()})
    rules = policies.InForce(companies, [counting.Counting], cause.at)
    wanted = [
        AskCount(bin_, sku, trigger, counting.URGENT)
        for bin_, sku in dict.fromkeys(places)
        if bin_ in bins
        and trigger in rules.of(bins[bin_].company, counting.Counting, bins[bin_].node_code)[1].triggers
    ]
    if wanted:
        ask_counts(cause, requests=wanted)
    return len(wanted)


def classes_of(
    companies: Sequence[int], in_force: policies.InForce, at: datetime
) -> dict[int, dict[UUID, str]]:
    """The class of each SKU that was picked lately, by company; the others are C. The policy for all of a company says
    how. 1 statement."""
    rules = {company: in_force.of(company, counting.Counting)[1] for company in companies}
    days = max((policy.class_days for policy in rules.values()), default=0)
    figures: dict[int, dict[UUID, int]] = defaultdict(dict)
    since = ids.since(at - timedelta(days=days))
    for company, sku, picks, value in sql.run(_PICKED, {"companies": list(companies), "since": since}):
        figures[company][sku] = value if rules[company].class_by == "value" else picks
    return {
        company: stock.classes(figures[company], policy.a_percent, policy.b_percent)
        for company, policy in rules.items()
    }


def _lock(nodes: Iterable[UUID]) -> None:
    sql.run(_LOCK, {"nodes": sorted({str(node) for node in nodes})})


def _write(cause: Cause, new: Sequence[_New], classes: Mapping[int, Mapping[UUID, str]]) -> dict[UUID, str]:
    """Write tasks with their lines; the number of each."""
    if not new:
        return {}
    fresh = [one for one in new if not one.number]
    numbers = {one.id: one.number for one in new}
    numbers |= zip((one.id for one in fresh), ids.numbers("CT", len(fresh)), strict=True)
    rows = [
        (
            one.id, numbers[one.id], one.place.company, one.place.node, one.place.id, one.whole, one.why, one.priority,
            cause.at + timedelta(hours=one.due_hours), cause.at,
        )
        for one in fresh
    ]  # fmt: skip
    sql.write("warehouse_counttask", _TASK, rows)
    lines = [
        (
            ids.uuid7(), one.id, one.place.company, one.place.id, sku, lot, status,
            classes.get(one.place.company, {}).get(sku, "C"),
        )
        for one in new
        for sku, lot, status in one.goods
    ]  # fmt: skip
    sql.write("warehouse_countline", LINE, lines)
    announce(
        cause,
        [
            Event("count", one.id, one.place.company, "open" if one.number else "", "open", reason=one.why)
            for one in new
        ],
    )
    return numbers


_TASK = (
    "id", "number", "company_id", "node_id", "bin_id", "whole", "why", "priority", "due_at", "created_at",
)  # fmt: skip
LINE = ("id", "task_id", "company_id", "bin_id", "sku_id", "lot", "status", "abc")

_NODES = """
SELECT id, company_id::int, code FROM network_node WHERE company_id = ANY(%(companies)s::smallint[]) AND active
ORDER BY id
"""

_BINS = """
SELECT b.id, b.company_id::int, b.node_id, n.code FROM network_bin AS b JOIN network_node AS n ON n.id = b.node_id
WHERE b.id = ANY(%(bins)s::uuid[]) ORDER BY b.id
"""

_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('warehouse.counts ' || node, 0))
FROM (SELECT node FROM unnest(%(nodes)s::text[]) AS node ORDER BY node) AS n
"""

_WAITING = """
SELECT node_id, count(*)::int FROM warehouse_counttask
WHERE company_id = ANY(%(companies)s::smallint[]) AND state NOT IN ('done', 'withdrawn') GROUP BY 1
"""

# The keys of pick tasks sort by the time they were made, so that only those of late are read.
_PICKED = """
SELECT t.company_id::int, t.sku_id, count(*)::int,
       sum(t.picked * COALESCE(s.standard_cost, s.list_price, 0) * 100)::bigint
FROM warehouse_picktask AS t JOIN catalog_sku AS s ON s.id = t.sku_id
WHERE t.id >= %(since)s::uuid AND t.company_id = ANY(%(companies)s::smallint[]) AND t.picked > 0 GROUP BY 1, 2
"""

# Those that are being looked for may stand where they are looked for: they are counted with the sellable ones.
_CANDIDATES = """
SELECT g.node_id, g.company, g.sku_id, g.bin_id, g.lot, g.status, COALESCE(z.code, ''),
       (%(at)s::timestamptz)::date - (SELECT max(l.counted_at) FROM warehouse_countline AS l
           WHERE l.bin_id = g.bin_id AND l.sku_id = g.sku_id AND l.lot = g.lot AND l.status = g.status)::date,
       bin.code
FROM (SELECT DISTINCT b.node_id, b.company_id::int AS company, b.sku_id, b.bin_id, b.lot,
             CASE b.status WHEN 'researching' THEN 'sellable' ELSE b.status END AS status
      FROM stock_bucket AS b
      WHERE b.company_id = ANY(%(companies)s::smallint[]) AND b.quantity > 0 AND b.bin_id IS NOT NULL) AS g
JOIN network_bin AS bin ON bin.id = g.bin_id AND bin.kind IN ('pick', 'reserve')
LEFT JOIN network_zone AS z ON z.id = bin.zone_id
WHERE NOT EXISTS (SELECT FROM warehouse_countline AS l
    WHERE l.bin_id = g.bin_id AND l.sku_id = g.sku_id AND l.lot = g.lot AND l.status = g.status
      AND l.state IN ('open', 'recount', 'waiting'))
ORDER BY g.bin_id, g.sku_id, g.lot, g.status
"""

# What stands there of anybody makes a bin full, and what waits to be counted there is looked at anyway.
_EMPTY = """
SELECT bin.node_id, bin.id, bin.code, (%(at)s::timestamptz)::date - t.counted_at::date
FROM network_bin AS bin
LEFT JOIN (SELECT bin_id, max(counted_at) FILTER (WHERE whole AND state = 'done') AS counted_at,
                  bool_or(state NOT IN ('done', 'withdrawn')) AS waits
           FROM warehouse_counttask GROUP BY 1) AS t ON t.bin_id = bin.id
WHERE bin.node_id = ANY(%(nodes)s::uuid[]) AND bin.kind IN ('pick', 'reserve') AND t.waits IS NOT TRUE
  AND NOT EXISTS (SELECT FROM stock_bucket AS b WHERE b.bin_id = bin.id AND b.quantity > 0)
ORDER BY bin.id
"""

# A task that counts the whole bin counts each of its goods.
_STANDING = """
SELECT t.bin_id, NULL::uuid, t.id, t.number FROM warehouse_counttask AS t
WHERE t.bin_id = ANY(%(bins)s::uuid[]) AND t.state IN ('open', 'counting') AND t.whole
UNION ALL
SELECT t.bin_id, l.sku_id, t.id, t.number
FROM warehouse_counttask AS t JOIN warehouse_countline AS l ON l.task_id = t.id
WHERE t.bin_id = ANY(%(bins)s::uuid[]) AND t.state NOT IN ('done', 'withdrawn') AND l.state IN ('open', 'recount')
"""

# What nobody is at takes more goods.
_OPEN = """
SELECT id, number, bin_id, why, priority, NOT whole AND due_at > %(at)s::timestamptz FROM warehouse_counttask
WHERE bin_id = ANY(%(bins)s::uuid[]) AND state = 'open' ORDER BY id FOR UPDATE
"""

_RAISE = """
UPDATE warehouse_counttask AS t SET priority = d.priority
FROM unnest(%(ids)s::uuid[], %(priorities)s::int[]) AS d(id, priority) WHERE t.id = d.id
"""

_GOODS = """
SELECT DISTINCT bin_id, sku_id, lot, CASE status WHEN 'researching' THEN 'sellable' ELSE status END
FROM stock_bucket WHERE bin_id = ANY(%(bins)s::uuid[]) AND quantity > 0 ORDER BY 1, 2, 3, 4
"""
