"""Decide differences that were counted twice: post them with their root cause, leave stock as it is, or count again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.stock.commands.count import CountPosted, PostCount, count
from entrepot.warehouse import counting
from entrepot.warehouse.commands.missing import reopen
from entrepot.warehouse.commands.start_counts import PAIR, Task, lock_tasks
from entrepot.warehouse.states import COUNT_LINE, COUNT_OVER
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class DecideCount:
    """What becomes of a difference. To approve it needs a `cause`, one of the policy's; to reject it, a `note`."""

    line: UUID
    decision: Literal["approve", "reject", "recount"]
    cause: str = ""
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CountDecided:
    """The line's state, and the units by which stock changed. `left` units are missing too, but picks have a claim on
    them: whoever picks them reports them short."""

    line: UUID
    state: str
    posted: int = 0
    left: int = 0


class _Line(NamedTuple):
    id: UUID
    task: UUID
    sku: UUID
    lot: str
    serial: str
    status: str
    state: str
    counted: int
    counted_at: datetime
    after_move: int
    expires_on: date | None


@command("warehouse.decide_counts")
def decide_counts(cause: Cause, /, *, requests: Sequence[DecideCount]) -> list[CountDecided | Refused]:
    """An approved difference is posted as it stands after all that is known by now of the time before the count, so
    that a pick that was reported late makes it smaller. Nobody decides what he has counted.

    Locks: the tasks in id order, then as `stock.count`, then the orders displaced.
    Refuses: NotFound; WrongState (not waiting, or its count is over); Invalid (an unknown cause or decision);
    access.duties_apart; stock.corrected_since; stock.serial_elsewhere. Again: by key. 14 statements; those of
    `stock.count` where something is approved, 5 where promises were displaced, 1 where units were found.
    """
    where = dict(sql.run(_TASKS, {"lines": [one.line for one in requests]}))
    tasks = lock_tasks(sorted(set(where.values())))
    lines = {row[0]: _Line(*row) for row in sql.run(_LINES, {"lines": list(where)})}
    companies = sorted({task.company for task in tasks.values()})
    rules = policies.InForce(companies, [counting.Counting], cause.at)

    refusals: dict[int, Refused] = {}
    taken: set[UUID] = set()
    for place, request in enumerate(requests):
        line = lines.get(request.line)
        task = tasks[line.task] if line else None
        refusal = _refusal(request, line, task, rules, taken)
        if refusal is None:
            taken.add(request.line)
        else:
            refusals[place] = refusal
    duties = _duties(cause, requests, lines, tasks, refusals)
    told = zip(duties, access.apart(list(duties.values())), strict=True)
    apart = {task: refused for task, refused in told if refused}
    refusals |= {
        place: apart[where[one.line]]
        for place, one in enumerate(requests)
        if where.get(one.line) in apart and place not in refusals
    }
    posted = _post(cause, requests, lines, tasks, refusals)

    rows: list[tuple[object, ...]] = []
    answers: list[CountDecided | Refused] = []
    for place, request in enumerate(requests):
        if place in refusals:
            answers.append(refusals[place])
            continue
        answer = _answer(request, posted.get(place))
        outcome = posted.get(place)
        expected = outcome.expected if outcome else None
        value = outcome.value_minor if outcome else None
        rows.append((request.line, answer.state, answer.posted, expected, value, request.cause, request.note))
        answers.append(answer)
    if rows:
        decided = {lines[one.line].task for one in answers if isinstance(one, CountDecided)}
        whole(take_duty(cause, requests=[duties[task] for task in sorted(decided)]))
        _write(cause, rows, decided, tasks)
    return answers


def _refusal(
    request: DecideCount,
    line: _Line | None,
    task: Task | None,
    rules: policies.InForce,
    taken: set[UUID],
) -> Refused | None:
    if line is None or task is None:
        return NotFound(what="counted line", which=request.line)
    event = {"approve": "post", "reject": "reject", "recount": "differ"}.get(request.decision)
    if event is None:
        return Invalid(field="decision", expected="approve, reject or recount", found=request.decision)
    step = COUNT_LINE.step("posted" if line.id in taken else line.state, event)
    if isinstance(step, Refused):
        return step
    if line.state != "waiting":
        return WrongState(
            subject="counted line", found=line.state, event=request.decision, expected="waiting"
        )
    if task.state in COUNT_OVER:
        expected = "counting or recount or waiting"
        return WrongState(subject="count", found=task.state, event=request.decision, expected=expected)
    causes = rules.of(task.company, counting.Counting, task.node_code)[1].causes
    if request.decision == "approve" and request.cause not in causes:
        return Invalid(field="cause", expected=one_of(causes), found=request.cause or "none")
    if request.decision == "reject" and not request.note.strip():
        return Invalid(field="note", expected="why stock stays as it is", found="nothing")
    return None


def _duties(
    cause: Cause,
    requests: Sequence[DecideCount],
    lines: Mapping[UUID, _Line],
    tasks: Mapping[UUID, Task],
    refusals: Mapping[int, Refused],
) -> dict[UUID, Duty]:
    """Who has counted does not decide."""
    wanted = {lines[one.line].task for place, one in enumerate(requests) if place not in refusals}
    return {
        task: Duty(task, PAIR, "approve", cause.actor.name, tasks[task].number) for task in sorted(wanted)
    }


def _post(
    cause: Cause,
    requests: Sequence[DecideCount],
    lines: Mapping[UUID, _Line],
    tasks: Mapping[UUID, Task],
    refusals: dict[int, Refused],
) -> dict[int, CountPosted]:
    """Post what is approved; what stock refuses joins the refusals."""
    places = [i for i, one in enumerate(requests) if i not in refusals and one.decision == "approve"]
    if not places:
        return {}
    answers = count(cause, requests=[_posting(requests[i], lines[requests[i].line], tasks) for i in places])
    good = {}
    for place, answer in zip(places, answers, strict=True):
        if isinstance(answer, CountPosted):
            good[place] = answer
        else:
            refusals[place] = answer
    reopen(cause, [lost for one in good.values() for lost in one.displaced])
    return good


def _posting(request: DecideCount, line: _Line, tasks: Mapping[UUID, Task]) -> PostCount:
    task = tasks[line.task]
    return PostCount(
        task.company, line.sku, task.node, task.bin, line.counted, line.counted_at, line.after_move, task.id,
        request.cause, line.status, line.lot, line.serial, line.expires_on,
    )  # fmt: skip


def _answer(request: DecideCount, posted: CountPosted | None) -> CountDecided:
    if posted is not None:
        state = "posted" if posted.posted or posted.left else "agreed"
        return CountDecided(request.line, state, posted.posted, posted.left)
    return CountDecided(request.line, "rejected" if request.decision == "reject" else "recount")


def _write(
    cause: Cause, rows: Sequence[tuple[object, ...]], changed: set[UUID], tasks: Mapping[UUID, Task]
) -> None:
    names = ("ids", "states", "posted", "expected", "values", "causes", "notes")
    sql.change(_DECIDE, {**sql.columns(names, rows), "by": cause.actor.name, "at": cause.at})
    found: dict[UUID, list[str]] = defaultdict(list)
    for task, state in sql.run(_STATES, {"tasks": list(changed)}):
        found[task].append(state)
    states = {task: counting.state_of(found[task]) for task in sorted(changed)}
    sql.change(_SETTLE, sql.columns(("tasks", "states"), list(states.items())))
    announce(
        cause,
        [Event("count", task, tasks[task].company, tasks[task].state, state) for task, state in states.items()],
    )  # fmt: skip
    ended = [
        ResolveSubject(tasks[task].company, "count difference", task, "stock record", "decided")
        for task, state in states.items()
        if state != "waiting"
    ]
    if ended:
        resolve_subjects(cause, requests=ended)


_TASKS = "SELECT id, task_id FROM warehouse_countline WHERE id = ANY(%(lines)s::uuid[])"

_LINES = """
SELECT id, task_id, sku_id, lot, serial, status, state, COALESCE(counted, 0), counted_at, after_move, expires_on
FROM warehouse_countline WHERE id = ANY(%(lines)s::uuid[]) ORDER BY id
"""

_DECIDE = """
UPDATE warehouse_countline AS l SET state = d.state, posted = d.posted, expected = COALESCE(d.expected, l.expected),
    value_minor = COALESCE(d.value, l.value_minor), cause = d.cause, note = d.note,
    decided_by = %(by)s::text, decided_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(posted)s::int[], %(expected)s::int[], %(values)s::bigint[],
            %(causes)s::text[], %(notes)s::text[]) AS d(id, state, posted, expected, value, cause, note)
WHERE l.id = d.id
"""

_STATES = """
SELECT task_id, state FROM warehouse_countline
WHERE task_id = ANY(%(tasks)s::uuid[]) AND state IN ('recount', 'waiting')
"""

_SETTLE = """
UPDATE warehouse_counttask AS t SET state = d.state
FROM unnest(%(tasks)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE t.id = d.id
"""
