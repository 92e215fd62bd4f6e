"""Jobs: a command for more rows than anybody waits for, given by the worker batch by batch; or for one request that
takes longer than anybody waits, told by its steps."""

from __future__ import annotations

import base64
import inspect
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import GenericAlias
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from entrepot.kernel import ids, sql, strongbox, wire
from entrepot.kernel.aside import Unwanted, watched
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, commands, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.kernel.states import machine

QUEUE = "jobs"
PRIORITY = 1
"""Of jobs in their queue: the one that came first is through first."""
BATCH = 200
"""Requests of a transaction: some seconds at most, after which the page tells more and a withdrawal is heeded."""
REFUSALS_KEPT = 200
"""Of a job, with what they are about; all of them are counted."""

LIFE = machine(
    "job", "asked",
    ("end", "asked", "done"),
    ("withdraw", "asked", "withdrawn"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AskJob:
    """Requests of one command, each with a name by which its person knows it."""

    company: int
    command: str
    requests: tuple[Any, ...]
    names: tuple[str, ...]
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class JobNow:
    """A job, the state that it is in, and how many of its requests are done."""

    job: UUID
    state: str
    done: int


@command("kernel.ask_jobs")
def ask_jobs(cause: Cause, /, *, requests: Sequence[AskJob]) -> list[JobNow | Refused]:
    """Have a command given by the worker in the name of whoever asks, with the rights that they have then.

    Locks: nothing. Refuses: NotFound (command), Invalid (nothing to do). Again: by key; without one it is a job of
    its own. 1 statement for any number.
    """
    answers: list[JobNow | Refused] = []
    rows: list[tuple[object, ...]] = []
    for one in requests:
        if one.command not in commands:
            answers.append(NotFound(what="command", which=one.command))
            continue
        if not one.requests or len(one.names) != len(one.requests):
            found = f"{len(one.requests)} requests, {len(one.names)} names"
            answers.append(Invalid(field="requests", expected="one or more, each with its name", found=found))
            continue
        job = ids.uuid7()
        wanted = [
            {"name": name, "asks": _locked_up(job, asks)}
            for name, asks in zip(one.names, one.requests, strict=True)
        ]
        rows.append((
            job, one.company, one.command, one.reason, wire.dump(wanted), len(wanted), "[]", cause.actor.name, cause.at,
        ))  # fmt: skip
        facts = {"command": one.command, "requests": len(wanted)}
        announce(
            cause,
            [Event("job", job, one.company, after=LIFE.initial, reason=one.reason, payload=facts)],
        )
        answers.append(JobNow(job, LIFE.initial, 0))
    sql.write("kernel_job", _JOB, rows)
    offer(QUEUE, [(one.job, PRIORITY, cause.at) for one in answers if isinstance(one, JobNow)])
    return answers


def can_wait(name: str, requests: Sequence[Any]) -> bool:
    """Whether the worker would read the requests of a command as they were asked: those that hold anything whatever are
    carried out at once."""
    try:
        return _requests(name, wire.dump(requests)) == list(requests)
    except (msgspec.MsgspecError, TypeError, NameError):
        return False


class Broken(Refused):
    """A request that ended in a bug."""

    code = "kernel.request_broken"
    says = (
        "This could not be carried out for a fault of the program ({found}), which is in its log. Nothing of it was"
        " done. Tell whoever runs Entrepot."
    )


class AskedUnderAnotherKey(Refused):
    """A request that can't be read any more."""

    code = "kernel.asked_under_another_key"
    says = (
        "This was asked for while the installation had another key, and can't be read any more. Nothing of it was done."
        " Ask for it again."
    )


class Denied(NamedTuple):
    """A request of a job that was refused, such that a page can tell why in each language."""

    name: str
    code: str
    facts: dict[str, Any]

    @property
    def refusal(self) -> Refused:
        """The refusal as its command gave it."""
        return wire.refusal(self.code, {name: _unpacked(fact) for name, fact in self.facts.items()})


def denied(name: str, refused: Refused) -> Denied:
    return Denied(name, refused.code, {what: _packed(fact) for what, fact in refused.facts.items()})


def _packed(fact: object) -> object:
    """A fact as JSON; what is told in words keeps what the words are made of. PostgreSQL's JSON has no NUL, and whoever
    asked may have sent one."""
    if isinstance(fact, Said):
        return {"says": fact.says, "facts": [_packed(str(one)) for one in fact.facts]}
    return fact.replace("\0", "\ufffd") if isinstance(fact, str) else fact


def _unpacked(fact: Any) -> Any:
    is_said = isinstance(fact, dict) and fact.keys() == {"says", "facts"}
    return Said(fact["says"], *fact["facts"]) if is_said else fact


@dataclass(frozen=True, slots=True)
class NoteJob:
    """What became of the next requests of a job: how many they were, and which were refused."""

    job: UUID
    done: int
    denied: tuple[Denied, ...] = ()
    answer: str | None = None
    """To the only request of a job, as JSON."""
    key: str | None = None


class _Job(NamedTuple):
    company: int
    state: str
    wanted: int
    done: int
    refused: int
    kept: list[Any]
    answer: str | None = None


@command("kernel.note_jobs")
def note_jobs(cause: Cause, /, *, requests: Sequence[NoteJob]) -> list[JobNow | Refused]:
    """Count what was done of jobs and make them ready for their next batch; forget what one that is through asked for.
    A job that was withdrawn meanwhile counts the batch all the same, and goes no further.

    Locks: the jobs in id order. Refuses: NotFound; Invalid (more than is left). Again: by key; without one it is
    counted twice. 2 statements for any number.
    """
    jobs = _locked(requests)
    answers: list[JobNow | Refused] = []
    for one in requests:
        job = jobs.get(one.job)
        if job is None:
            answers.append(NotFound(what="job", which=str(one.job)))
            continue
        left = job.wanted - job.done
        if not 0 < one.done <= left:
            expected = f"1 to {left} requests"
            answers.append(Invalid(field="done", expected=expected, found=str(one.done)))
            continue
        after = jobs[one.job] = _counted(job, one)
        if after.state != job.state:
            facts = {"done": after.done - after.refused, "refused": after.refused}
            announce(cause, [Event("job", one.job, job.company, job.state, after.state, payload=facts)])
        answers.append(JobNow(one.job, after.state, after.done))
    _change(cause, jobs, {one.job for one in answers if isinstance(one, JobNow)})
    offer(QUEUE, [
        (one.job, PRIORITY, cause.at)
        for one in answers if isinstance(one, JobNow) and one.state == LIFE.initial
    ])  # fmt: skip
    return answers


def _counted(job: _Job, told: NoteJob) -> _Job:
    done = job.done + told.done
    room = max(0, REFUSALS_KEPT - len(job.kept))
    ends = job.state == LIFE.initial and done >= job.wanted
    return job._replace(
        state="done" if ends else job.state, done=done, refused=job.refused + len(told.denied),
        kept=[*job.kept, *told.denied[:room]], answer=told.answer,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class WithdrawJob:
    """The rest of a job is not wanted any more. What was done stays done."""

    job: UUID
    key: str | None = None


@command("kernel.withdraw_jobs")
def withdraw_jobs(cause: Cause, /, *, requests: Sequence[WithdrawJob]) -> list[JobNow | Refused]:
    """Jobs that are not through yet go no further, and what they asked for is forgotten. A batch that is being done
    meanwhile is done whole, and counted; the only request of a job is undone, where it is not through yet.

    Locks: the jobs in id order. Refuses: NotFound, WrongState (it is done or withdrawn).
    Again: by key; without one, WrongState. 2 statements for any number.
    """
    jobs = _locked(requests)
    answers: list[JobNow | Refused] = []
    for one in requests:
        job = jobs.get(one.job)
        if job is None:
            answers.append(NotFound(what="job", which=str(one.job)))
            continue
        state = LIFE.step(job.state, "withdraw")
        if isinstance(state, Refused):
            answers.append(state)
            continue
        jobs[one.job] = job._replace(state=state)
        facts = {"done": job.done - job.refused, "left": job.wanted - job.done}
        announce(cause, [Event("job", one.job, job.company, job.state, state, payload=facts)])
        answers.append(JobNow(one.job, state, job.done))
    _change(cause, jobs, {one.job for one in answers if isinstance(one, JobNow)})
    return answers


def _locked(requests: Sequence[NoteJob] | Sequence[WithdrawJob]) -> dict[UUID, _Job]:
    return {row[0]: _Job(*row[1:]) for row in sql.run(_LOCK, {"jobs": [one.job for one in requests]})}


def _change(cause: Cause, jobs: dict[UUID, _Job], told: set[UUID]) -> None:
    rows = [
        (which, job.state, job.done, job.refused, wire.dump(job.kept), job.answer)
        for which, job in jobs.items()
        if which in told
    ]
    if rows:
        names = ("jobs", "states", "dones", "refused", "kept", "answers")
        sql.change(_CHANGE, sql.columns(names, rows) | {"at": cause.at})


# ---- what is asked of jobs


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as a page tells it; `denied` are the refusals that are kept."""

    id: UUID
    company: int
    command: str
    reason: str
    state: str
    wanted: int
    done: int
    refused: int
    denied: list[Denied]
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    step: int
    steps: int
    answer: Any

    @property
    def is_one(self) -> bool:
        """Whether it is one request, which is carried out whole or not at all."""
        return self.wanted == 1

    @property
    def left(self) -> int:
        return self.wanted - self.done

    @property
    def carried_out(self) -> int:
        return self.done - self.refused


def job(which: UUID) -> JobRow | None:
    """1 statement."""
    return next(iter(some([which])), None)


def some(which: Sequence[UUID]) -> list[JobRow]:
    """Those of the jobs that there are. 1 statement."""
    return [_row(one) for one in sql.run(_SOME, {"jobs": list(which)})]


def jobs_of(company: int, *, limit: int, by: str | None = None, after: UUID | None = None) -> list[JobRow]:
    """The jobs of a company, the latest first, of one person where they are named, and behind one. 1 statement."""
    asked = {"company": company, "limit": limit, "by": by, "after": after}
    return [_row(one) for one in sql.run(_LATEST, asked)]


def asked_already(company: int, by: str, command: str, request: Any) -> UUID | None:
    """The job in which somebody has asked for just this, and which is not through. 1 statement."""
    found = sql.run(_ASKED_ALREADY, {"company": company, "by": by, "command": command})
    return next((job for job, asks in found if _opened(job, command, [asks]) == [request]), None)


def _row(row: tuple[Any, ...]) -> JobRow:
    found = JobRow(*row)
    return replace(found, denied=[Denied(*one) for one in found.denied])  # type: ignore[arg-type,call-arg]


class Waiting(NamedTuple):
    """The next requests of a job, with their names; without requests where the installation's key can't open them."""

    job: UUID
    company: int
    command: str
    reason: str
    asked_by: str
    requests: list[Any]
    names: list[str]
    is_one: bool


@contextmanager
def undone_if_withdrawn(which: UUID) -> Iterator[None]:
    """A savepoint for the only request of a job, which is told by its steps; Unwanted, and nothing of it stays, where
    its job was withdrawn meanwhile. From its end on nobody can withdraw it any more."""
    about = {"job": which}
    with (
        sql.transaction(),
        watched(_STEP, "SELECT state = 'asked' FROM kernel_job WHERE id = %(job)s", about),
    ):
        yield
        ((is_wanted,),) = sql.run(
            "SELECT state = 'asked' FROM kernel_job WHERE id = %(job)s FOR UPDATE", about
        )
        if not is_wanted:
            raise Unwanted


def waiting(jobs: Sequence[UUID]) -> list[Waiting]:
    """The next batch of each job that is not through and was not withdrawn. 1 statement."""
    found = sql.run(_WAITING, {"jobs": list(jobs), "batch": BATCH})
    return [
        Waiting(job, company, name, reason, asked_by, _opened(job, name, asks), names, is_one)
        for job, company, name, reason, asked_by, asks, names, is_one in found
    ]


def _locked_up(job: UUID, asks: Any) -> str:
    """A request as it may stand in the database: it may hold a buyer's address or a secret."""
    return base64.b64encode(strongbox.lock(wire.dump(asks).encode(), job.bytes)).decode()


def _opened(job: UUID, name: str, asks: Sequence[Any]) -> list[Any]:
    """Requests of a job; those that were asked for by an Entrepot that did not lock them up are read as they are."""
    try:
        texts = [
            strongbox.unlock(base64.b64decode(one), job.bytes).decode()
            if isinstance(one, str)
            else wire.dump(one)
            for one in asks
        ]
    except strongbox.WrongKey:
        return []
    return _requests(name, f"[{','.join(texts)}]")


def _requests(name: str, asks: str) -> list[Any]:
    """Requests as their command takes them."""
    shape = typing.get_type_hints(inspect.unwrap(commands[name]))["requests"]
    (kind,) = typing.get_args(shape)
    return msgspec.json.decode(asks, type=GenericAlias(list, (kind,)))


_JOB = ("id", "company_id", "command", "reason", "requests", "wanted", "denied", "asked_by", "asked_at")

_LOCK = """
SELECT id, company_id::int, state, wanted, done, refused, denied FROM kernel_job
WHERE id = ANY(%(jobs)s::uuid[]) ORDER BY id FOR UPDATE
"""

_CHANGE = """
UPDATE kernel_job AS j
SET state = d.state, done = d.done, refused = d.refused, denied = d.denied::jsonb, answer = d.answer::jsonb,
    requests = CASE WHEN d.state = 'asked' THEN j.requests END,
    ended_at = CASE WHEN d.state <> 'asked' THEN COALESCE(j.ended_at, %(at)s::timestamptz) END
FROM unnest(%(jobs)s::uuid[], %(states)s::text[], %(dones)s::int[], %(refused)s::int[], %(kept)s::text[],
            %(answers)s::text[]) AS d(job, state, done, refused, denied, answer)
WHERE j.id = d.job
"""

_STEP = "UPDATE kernel_job SET step = %(done)s, steps = %(of)s WHERE id = %(job)s AND state = 'asked'"

_COLUMNS = """
id, company_id::int, command, reason, state, wanted, done, refused, denied, asked_by, asked_at, ended_at, step, steps,
answer
"""

_SOME = f"SELECT {_COLUMNS} FROM kernel_job WHERE id = ANY(%(jobs)s::uuid[]) ORDER BY id"

_ASKED_ALREADY = """
SELECT id, requests -> 0 -> 'asks' FROM kernel_job
WHERE company_id = %(company)s::smallint AND asked_by = %(by)s AND state = 'asked' AND command = %(command)s
  AND wanted = 1
ORDER BY id DESC LIMIT 100
"""

_LATEST = f"""
SELECT {_COLUMNS} FROM kernel_job
WHERE company_id = %(company)s::smallint AND (%(by)s::text IS NULL OR asked_by = %(by)s)
  AND (%(after)s::uuid IS NULL OR id < %(after)s::uuid)
ORDER BY id DESC LIMIT %(limit)s
"""

_WAITING = """
SELECT j.id, j.company_id::int, j.command, j.reason, j.asked_by, next.asks, next.names, j.wanted = 1
FROM kernel_job AS j CROSS JOIN LATERAL (
    SELECT jsonb_agg(one -> 'asks' ORDER BY place), array_agg(one ->> 'name' ORDER BY place)
    FROM jsonb_array_elements(j.requests) WITH ORDINALITY AS each(one, place)
    WHERE place > j.done AND place <= j.done + %(batch)s
) AS next(asks, names)
WHERE j.id = ANY(%(jobs)s::uuid[]) AND j.state = 'asked' AND next.asks IS NOT NULL ORDER BY j.id
"""
