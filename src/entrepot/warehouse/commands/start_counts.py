"""Begin to count: who does it, since when, and what of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty
from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.warehouse import errors
from entrepot.warehouse.commands.plan_counts import LINE
from entrepot.warehouse.counted import ToCount, to_count
from entrepot.warehouse.states import COUNT

PAIR = "count×recount×approve"


@dataclass(frozen=True, slots=True)
class StartCount:
    """A count that the actor begins, standing before the bin."""

    task: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CountStarted:
    """Where and what to count, for the first time or again. `whole`: all that stands in the bin."""

    task: UUID
    number: str
    bin: UUID
    bin_code: str
    round: int
    whole: bool
    goods: tuple[ToCount, ...]


class Task(NamedTuple):
    id: UUID
    number: str
    company: int
    node: UUID
    node_code: str
    bin: UUID
    bin_code: str
    whole: bool
    state: str
    round: int
    counter: str
    started_at: object
    after_move: int | None


@command("warehouse.start_counts")
def start_counts(cause: Cause, /, *, requests: Sequence[StartCount]) -> list[CountStarted | Refused]:
    """What is to be counted: blind, without a figure. From now on movement in the bin is told apart from differences.

    Whoever reported what it counted can't count it again; a count that somebody has begun and left is begun anew, and
    whoever left it may count again. The duty is taken with the report.
    Locks: the tasks in id order. Refuses: NotFound; WrongState (counted already); warehouse.counted_before.
    Again: it is begun anew, by whoever asks. 8 statements.
    """
    found = lock_tasks([one.task for one in requests])
    refusals = _refusals(cause, requests, found)
    going = {one.task for one in requests if one.task not in refusals}

    if going:
        _fill_whole([found[task] for task in going if found[task].whole and not _again(found[task])])
        rows = [
            (task, found[task].round + (found[task].state != "counting"), cause.actor.name) for task in going
        ]
        sql.change(_START, {**sql.columns(("tasks", "rounds", "people"), rows), "at": cause.at})
        announce(
            cause, [Event("count", task, found[task].company, found[task].state, "counting") for task in going]
        )  # fmt: skip
    goods = to_count(going)
    return [
        refusals.get(one.task) or _started(found[one.task], tuple(goods.get(one.task, ())))
        for one in requests
    ]


def _started(task: Task, goods: tuple[ToCount, ...]) -> CountStarted:
    this_round = task.round + (task.state != "counting")
    return CountStarted(task.id, task.number, task.bin, task.bin_code, this_round, task.whole, goods)


def duty_of(task: Task, person: str) -> Duty:
    """What whoever counts it does, for the first time or again."""
    return Duty(task.id, PAIR, "recount" if _again(task) else "count", person, task.number)


def _again(task: Task) -> bool:
    """Whether it is counted again because of a difference."""
    return task.state == "recount" or (task.state == "counting" and task.round > 1)


def _refusals(
    cause: Cause, requests: Sequence[StartCount], found: Mapping[UUID, Task]
) -> dict[UUID, Refused]:
    refusals: dict[UUID, Refused] = {}
    duties = []
    for request in requests:
        task = found.get(request.task)
        if task is None:
            refusals[request.task] = NotFound(what="count", which=request.task)
        elif isinstance(step := COUNT.step(task.state, "start"), Refused):
            refusals[task.id] = step
        else:
            duties.append(duty_of(task, cause.actor.name))
    for duty, refusal in zip(duties, access.apart(duties), strict=True):
        if isinstance(refusal, DutiesApart):
            refusals[duty.document] = errors.CountedBefore(count=duty.name, person=duty.person)
        elif refusal:
            refusals[duty.document] = refusal
    return refusals


def _fill_whole(tasks: Sequence[Task]) -> None:
    """What came into the bin since the count was planned is counted too."""
    rows = sql.run(_MISSING, {"tasks": [task.id for task in tasks]})
    sql.write("warehouse_countline", LINE, [(ids.uuid7(), *row) for row in rows])


def lock_tasks(tasks: Sequence[UUID]) -> dict[UUID, Task]:
    """Counts, locked in id order. 1 statement."""
    return {row[0]: Task(*row) for row in sql.run(_LOCK, {"tasks": list(tasks)})}


_LOCK = """
SELECT t.id, t.number, t.company_id::int, t.node_id, n.code, t.bin_id, b.code, t.whole, t.state, t.round::int,
       t.counter, t.started_at, t.after_move
FROM warehouse_counttask AS t JOIN network_node AS n ON n.id = t.node_id JOIN network_bin AS b ON b.id = t.bin_id
WHERE t.id = ANY(%(tasks)s::uuid[]) ORDER BY t.id FOR UPDATE OF t
"""

_START = """
UPDATE warehouse_counttask AS t SET state = 'counting', round = d.round, counter = d.person,
    started_at = %(at)s::timestamptz, after_move = (SELECT COALESCE(max(id), 0) FROM stock_move)
FROM unnest(%(tasks)s::uuid[], %(rounds)s::smallint[], %(people)s::text[]) AS d(id, round, person) WHERE t.id = d.id
"""

_MISSING = """
SELECT DISTINCT t.id, t.company_id::int, t.bin_id, b.sku_id, b.lot, g.status,
       COALESCE((SELECT l.abc FROM warehouse_countline AS l
                 WHERE l.task_id = t.id AND l.sku_id = b.sku_id LIMIT 1), 'C')
FROM warehouse_counttask AS t JOIN stock_bucket AS b ON b.bin_id = t.bin_id AND b.quantity > 0
CROSS JOIN LATERAL (SELECT CASE b.status WHEN 'researching' THEN 'sellable' ELSE b.status END AS status) AS g
WHERE t.id = ANY(%(tasks)s::uuid[])
  AND NOT EXISTS (SELECT FROM warehouse_countline AS l
                  WHERE l.task_id = t.id AND l.sku_id = b.sku_id AND l.lot = b.lot AND l.status = g.status)
"""
