"""Withdraw counts that are not to be done: stock stays as it is."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access import rules
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.warehouse import errors
from entrepot.warehouse.commands.start_counts import PAIR, Task, lock_tasks
from entrepot.warehouse.states import COUNT
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class WithdrawCount:
    """A count, and why it is not done."""

    task: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CountWithdrawn:
    """The count, and the goods of it that are not counted."""

    task: UUID
    number: str
    goods: int


@command("warehouse.withdraw_counts")
def withdraw_counts(cause: Cause, /, *, requests: Sequence[WithdrawCount]) -> list[CountWithdrawn | Refused]:
    """The counts are not done: no stock moves, and what was counted of them and agreed stays so. Whoever counted what
    differs does not withdraw it, what waits for a decision is decided, and what was held back because pickers did not
    find it is counted: nothing else says whether it is there.

    Locks: the tasks in id order. Refuses: NotFound; WrongState (done, or something of it waits for a decision); Invalid
    (no reason); warehouse.held_back; access.duties_apart. Again: by key. 7 statements; 3 more where a difference is
    dropped.
    """
    found = lock_tasks([one.task for one in requests])
    held: dict[UUID, int] = dict(sql.run(_HELD, {"tasks": list(found)}))  # type: ignore[arg-type]
    undecided = {task for (task,) in sql.run(_UNDECIDED, {"tasks": list(found)})}
    duties = {
        task.id: Duty(task.id, PAIR, "approve", cause.actor.name, task.number)
        for task in found.values()
        if task.round and (task.round > 1 or task.state != "counting")
    }
    told = zip(duties, access.apart(list(duties.values())) if duties else (), strict=True)
    # Whoever recounts takes the duty with the report, and stands before the bin already.
    recounts = {
        task for task in duties if found[task].state == "counting" and found[task].counter == cause.actor.name
    }
    apart = {
        task: refused or rules.apart(duties[task]) for task, refused in told if refused or task in recounts
    }

    going: dict[UUID, WithdrawCount] = {}
    refusals: dict[int, Refused] = {}
    for place, request in enumerate(requests):
        task = found.get(request.task)
        refusal = _refusal(request, task, going, undecided)
        if refusal is None and task and task.id in held:
            refusal = errors.HeldBack(count=task.number, bin=task.bin_code, units=held[task.id])
        refusal = refusal or apart.get(request.task)
        if refusal:
            refusals[place] = refusal
        else:
            going[request.task] = request
    goods = _write(cause, going, found) if going else {}
    if dropped := [duties[task] for task in sorted(going) if task in duties]:
        whole(take_duty(cause, requests=dropped))
    return [
        refusals.get(place) or CountWithdrawn(one.task, found[one.task].number, goods.get(one.task, 0))
        for place, one in enumerate(requests)
    ]


def _refusal(
    request: WithdrawCount, task: Task | None, going: Container[UUID], undecided: Container[UUID]
) -> Refused | None:
    if task is None:
        return NotFound(what="count", which=request.task)
    state = "waiting" if task.id in undecided else task.state
    step = COUNT.step("withdrawn" if task.id in going else state, "withdraw")
    if isinstance(step, Refused):
        return step
    if not request.reason.strip():
        return Invalid(field="reason", expected="why it is not counted", found="nothing")
    return None


def _write(cause: Cause, going: dict[UUID, WithdrawCount], found: dict[UUID, Task]) -> dict[UUID, int]:
    goods: dict[UUID, int] = dict(sql.run(_WITHDRAW_LINES, {"tasks": list(going)}))  # type: ignore[arg-type]
    sql.change(_WITHDRAW, {"tasks": list(going)})
    announce(
        cause,
        [
            Event(
                "count", task, found[task].company, found[task].state, "withdrawn", reason=one.reason.strip()
            )
            for task, one in going.items()
        ],
    )
    resolve_subjects(
        cause,
        requests=[
            ResolveSubject(found[task].company, "count difference", task, "no fault", "withdrawn")
            for task in going
        ],
    )
    return goods


_UNDECIDED = """
SELECT DISTINCT task_id FROM warehouse_countline WHERE task_id = ANY(%(tasks)s::uuid[]) AND state = 'waiting'
"""

_HELD = """
SELECT t.id, sum(b.quantity)::int
FROM warehouse_counttask AS t JOIN stock_bucket AS b ON b.bin_id = t.bin_id AND b.node_id = t.node_id
 AND b.owner_id = t.company_id AND b.status = 'researching' AND b.quantity > 0
WHERE t.id = ANY(%(tasks)s::uuid[])
  AND (t.whole OR EXISTS (SELECT FROM warehouse_countline AS l WHERE l.task_id = t.id AND l.sku_id = b.sku_id
                             AND l.state IN ('open', 'recount')))
GROUP BY 1
"""

_WITHDRAW = "UPDATE warehouse_counttask SET state = 'withdrawn' WHERE id = ANY(%(tasks)s::uuid[])"

_WITHDRAW_LINES = """
WITH gone AS (
    UPDATE warehouse_countline SET state = 'withdrawn'
    WHERE task_id = ANY(%(tasks)s::uuid[]) AND state IN ('open', 'recount') RETURNING task_id)
SELECT task_id, count(*)::int FROM gone GROUP BY 1
"""
