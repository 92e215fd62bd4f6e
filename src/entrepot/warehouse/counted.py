"""What is asked about counts: what is to be counted, how it differed, and how right the records are.

Of goods that are still to be counted no figure is told to anybody: who counts must not know what is expected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.errors import Refused
from entrepot.warehouse.counting import Accuracy
from entrepot.warehouse.states import COUNT

By = Literal["node", "zone", "bin", "class", "why", "cause"]


@dataclass(frozen=True, slots=True)
class ToCount:
    """Goods to count, without what the records say. `by_serial`: each unit is scanned."""

    sku: UUID
    sku_code: str
    sku_name: str
    barcode: str
    lot: str
    serial: str
    status: str
    by_serial: bool


def to_count(tasks: Collection[UUID]) -> dict[UUID, list[ToCount]]:
    """What is to be counted of each task now, in the order of the SKUs' codes. 1 statement."""
    found: dict[UUID, list[ToCount]] = defaultdict(list)
    for task, *row in sql.run(_TO_COUNT, {"tasks": sorted(tasks)}):
        found[task].append(ToCount(*row))
    return found


@dataclass(frozen=True, slots=True)
class CountRow:
    """A count of a bin: why, how urgent, and who has it. `goods` are those still to be counted, `whole` all there are;
    `waiting` differences wait for a decision."""

    id: UUID
    number: str
    node: UUID
    node_code: str
    bin: UUID
    bin_code: str
    zone: str
    whole: bool
    why: str
    priority: int
    due_at: datetime
    created_at: datetime
    state: str
    round: int
    counter: str
    started_at: datetime | None
    counted_at: datetime | None
    goods: int
    waiting: int

    @property
    def may_withdraw(self) -> bool:
        """Whether its state and its lines let it be withdrawn."""
        return not self.waiting and not isinstance(COUNT.step(self.state, "withdraw"), Refused)


def counts(
    *, company: int, node: UUID | None = None, zone: str = "", done: bool = False, after: UUID | None = None,
    limit: int = 50,
) -> list[CountRow]:  # fmt: skip
    """Counts that are not done, the most urgent first and each node's in the order of the way; or those that are done
    or withdrawn, the newest first; those of a node, or of zones of a code. `after` is one of them. 1 statement."""
    params = {"company": company, "node": node, "zone": zone, "after": after, "limit": limit}
    return [CountRow(*row) for row in sql.run(_DONE if done else _TO_DO, params)]


def one_count(task: UUID) -> CountRow | None:
    """One count; None where there is none of that id."""
    rows = sql.run(_COUNTS.format(which="t.id = %(id)s::uuid"), {"id": task})
    return CountRow(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class CountedLine:
    """Goods that were counted, with what the records said at that moment. `first_counted` is the count before."""

    id: UUID
    task: UUID
    number: str
    node_code: str
    bin_code: str
    zone: str
    why: str
    sku: UUID
    sku_code: str
    sku_name: str
    lot: str
    serial: str
    status: str
    abc: str
    state: str
    surplus: bool
    expected: int
    counted: int
    first_counted: int | None
    counted_at: datetime
    counted_by: str
    value_minor: int
    posted: int
    why_unsure: str
    cause: str
    note: str
    decided_by: str
    decided_at: datetime | None

    @property
    def difference(self) -> int:
        return self.counted - self.expected


def lines_of(task: UUID) -> list[CountedLine]:
    """What was counted of a task, but for what is to be counted again. 1 statement."""
    which = (
        "l.task_id = %(task)s::uuid AND l.state NOT IN ('open', 'recount') AND l.counted IS NOT NULL"
        " ORDER BY s.code, l.lot, l.serial"
    )
    return [CountedLine(*row) for row in sql.run(_LINES.format(which=which), {"task": task})]


def differences(
    *, company: int, node: UUID | None = None, after: UUID | None = None, limit: int = 50
) -> list[CountedLine]:
    """Differences that wait for a decision, at a node or anywhere, the first counted first, `after` one of them.
    1 statement."""
    which = """l.company_id = %(company)s::smallint AND l.state = 'waiting'
      AND (%(node)s::uuid IS NULL OR t.node_id = %(node)s::uuid)
      AND (%(after)s::uuid IS NULL OR l.id > %(after)s::uuid) ORDER BY l.id LIMIT %(limit)s::int"""
    params = {"company": company, "node": node, "after": after, "limit": limit}
    return [CountedLine(*row) for row in sql.run(_LINES.format(which=which), params)]


def accuracy(
    *, company: int, since: datetime, until: datetime, by: By, node: UUID | None = None
) -> list[Accuracy]:
    """How right the records were that were counted in a time, by place, class, reason of the count or root cause, of a
    node or all; the least right first. What waits or was rejected is not part of it. 1 statement."""
    name = _NAME[by]
    statement = _ACCURACY.format(name=name, only="AND l.state = 'posted'" if by == "cause" else "")
    params = {"company": company, "since": since, "until": until, "node": node}
    rows = [Accuracy(*row) for row in sql.run(statement, params)]
    return sorted(rows, key=lambda one: (one.share, one.absolute, one.name))


def accuracy_by_day(
    *, company: int, since: datetime, until: datetime, zone: str, node: UUID | None = None
) -> list[Accuracy]:
    """The same by day of a time zone, the oldest first. 1 statement."""
    params = {"company": company, "since": since, "until": until, "time_zone": zone, "node": node}
    name = "to_char(l.counted_at AT TIME ZONE %(time_zone)s::text, 'YYYY-MM-DD')"
    rows = [Accuracy(*row) for row in sql.run(_ACCURACY.format(name=name, only=""), params)]
    return sorted(rows, key=lambda one: one.name)


def bins_to_ask(*, node: UUID, zone: str = "", sku: UUID | None = None, limit: int = 1_000) -> list[UUID]:
    """Bins of a node that can be counted, in the order of the way: those of a zone, empty ones too, and those in which
    a SKU should stand. 1 statement."""
    params = {"node": node, "zone": zone, "sku": sku, "limit": limit}
    return [bin_ for (bin_,) in sql.run(_BINS_TO_ASK, params)]


_BINS_TO_ASK = """
SELECT b.id FROM network_bin AS b LEFT JOIN network_zone AS z ON z.id = b.zone_id
WHERE b.node_id = %(node)s::uuid AND b.kind IN ('pick', 'reserve') AND %(zone)s::text IN ('', COALESCE(z.code, ''))
  AND (%(sku)s::uuid IS NULL OR EXISTS (
      SELECT FROM stock_bucket AS k WHERE k.bin_id = b.id AND k.sku_id = %(sku)s::uuid AND k.quantity > 0))
ORDER BY b.pick_sequence, b.code LIMIT %(limit)s::int
"""

_TO_COUNT = """
SELECT l.task_id, l.sku_id, s.code, s.name, s.barcode, l.lot, l.serial, l.status,
       l.serial = '' AND EXISTS (SELECT FROM stock_bucket AS b WHERE b.bin_id = l.bin_id AND b.sku_id = l.sku_id
                                 AND b.lot = l.lot AND b.serial <> '')
FROM warehouse_countline AS l JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE l.task_id = ANY(%(tasks)s::uuid[]) AND l.state IN ('open', 'recount')
ORDER BY l.task_id, s.code, l.lot, l.serial, l.status
"""

_COUNTS = """
SELECT t.id, t.number, t.node_id, n.code, t.bin_id, b.code, COALESCE(z.code, ''), t.whole, t.why, t.priority, t.due_at,
       t.created_at, t.state, t.round::int, t.counter, t.started_at, t.counted_at, l.goods, l.waiting
FROM warehouse_counttask AS t JOIN network_node AS n ON n.id = t.node_id JOIN network_bin AS b ON b.id = t.bin_id
LEFT JOIN network_zone AS z ON z.id = b.zone_id
CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE state IN ('open', 'recount')))::int AS goods,
           (count(*) FILTER (WHERE state = 'waiting'))::int AS waiting
    FROM warehouse_countline WHERE task_id = t.id) AS l
WHERE {which}
"""

_OF_COMPANY = """t.company_id = %(company)s::smallint AND (%(node)s::uuid IS NULL OR t.node_id = %(node)s::uuid)
  AND %(zone)s::text IN ('', COALESCE(z.code, ''))"""

_TO_DO = _COUNTS.format(
    which=f"""{_OF_COMPANY} AND t.state NOT IN ('done', 'withdrawn')
  AND (%(after)s::uuid IS NULL OR (-t.priority, t.due_at, b.pick_sequence, t.id) > (
      SELECT -a.priority, a.due_at, c.pick_sequence, a.id FROM warehouse_counttask AS a
      JOIN network_bin AS c ON c.id = a.bin_id WHERE a.id = %(after)s::uuid))
ORDER BY -t.priority, t.due_at, b.pick_sequence, t.id LIMIT %(limit)s::int"""
)

_DONE = _COUNTS.format(
    which=f"""{_OF_COMPANY} AND t.state IN ('done', 'withdrawn')
  AND (%(after)s::uuid IS NULL OR t.id < %(after)s::uuid)
ORDER BY t.id DESC LIMIT %(limit)s::int"""
)

_LINES = """
SELECT l.id, l.task_id, t.number, n.code, b.code, COALESCE(z.code, ''), t.why, l.sku_id, s.code, s.name, l.lot,
       l.serial, l.status, l.abc, l.state, l.surplus, l.expected, l.counted, l.first_counted, l.counted_at,
       l.counted_by, l.value_minor, l.posted, l.why_unsure, l.cause, l.note, l.decided_by, l.decided_at
FROM warehouse_countline AS l JOIN warehouse_counttask AS t ON t.id = l.task_id
JOIN network_node AS n ON n.id = t.node_id JOIN network_bin AS b ON b.id = l.bin_id
LEFT JOIN network_zone AS z ON z.id = b.zone_id JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE {which}
"""

_NAME = {
    "node": "n.code",
    "zone": "n.code || ' ' || COALESCE(z.code, '–')",
    "bin": "n.code || ' ' || b.code",
    "class": "l.abc",
    "why": "t.why",
    "cause": "l.cause",
}

_ACCURACY = """
SELECT {name}, count(*)::int, (count(*) FILTER (WHERE l.counted = l.expected))::int, sum(l.expected)::int,
       sum(GREATEST(0, l.expected - l.counted))::int, sum(GREATEST(0, l.counted - l.expected))::int,
       sum(l.value_minor)::bigint
FROM warehouse_countline AS l JOIN warehouse_counttask AS t ON t.id = l.task_id
JOIN network_node AS n ON n.id = t.node_id JOIN network_bin AS b ON b.id = l.bin_id
LEFT JOIN network_zone AS z ON z.id = b.zone_id
WHERE l.company_id = %(company)s::smallint AND l.counted_at >= %(since)s::timestamptz
  AND l.counted_at < %(until)s::timestamptz AND l.state IN ('agreed', 'posted')
  AND (%(node)s::uuid IS NULL OR t.node_id = %(node)s::uuid) {only}
GROUP BY 1
"""
