"""Jobs, for programs: what a write that asked for it was left to, how far it is, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.kernel import jobs
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound, NotPermitted, Refused
from entrepot.kernel.exports import as_oneself
from entrepot.web.api import answers, parse, problems
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give
from entrepot.web.api.schemas import Each, Out, Own, Problem, Strict

router = Router()


class JobRefusedOut(Out):
    """A request of a job that was refused: its own key, or that of the header with its place, as `key/0`."""

    key: str
    problem: Problem


class JobOut(Out):
    """A job: `state` is asked, done or withdrawn. Of `wanted` requests so many are `done`, with those `refused`; of one
    request that takes long, `step` of `steps`. `answer` is that to the only request of a job; to those of a list, send
    the list again with its key and without `Prefer`."""

    id: UUID
    command: str
    state: str
    wanted: int
    done: int
    refused: int
    step: int
    steps: int
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    answer: Any = None


class JobWholeOut(JobOut):
    """With the refusals, up to 200 of them."""

    refusals: list[JobRefusedOut]


class JobsOut(Out):
    items: list[JobOut]
    next: UUID | None


class WithdrawJobIn(Strict):
    job_id: UUID
    key: Own = None


class JobNowOut(Out):
    job: UUID
    state: str
    done: int


@router.get("/jobs", response={200: JobsOut, **READ})
def list_jobs(
    request: HttpRequest,
    company: Company = None,
    mine: Annotated[bool, Query(False, description="Only those that the key's person asked for.")] = False,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Jobs, the latest first, a page at a time."""
    by = parse.actor_of(request).name if mine else None
    rows = jobs.jobs_of(parse.company_of(company), by=by, after=after, limit=limit + 1)
    return answers.paged(rows, limit)


@router.post("/jobs/withdraw", response={200: JobNowOut | list[Each[JobNowOut]], **REFUSED})
def withdraw_jobs(
    request: HttpRequest,
    payload: WithdrawJobIn | Annotated[list[WithdrawJobIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """The rest of a job is not wanted any more. What was done stays done; of a job of one request nothing stays.

    For whoever asked for it, and whoever may give its command.
    """
    return give(
        request, _withdraw, payload, idempotency_key, lambda one, key: jobs.WithdrawJob(one.job_id, key=key)
    )


@router.get("/jobs/{job_id}", response={200: JobWholeOut, **READ})
def get_job(request: HttpRequest, job_id: UUID, company: Company = None) -> dict[str, Any]:
    """How far a job is, and what came of it."""
    parse.own("job", job_id, company)
    found = jobs.job(job_id)
    if found is None:
        raise NotFound(what="job", which=str(job_id))
    told = problems.of_refusals(request, [one.refusal for one in found.denied])
    refusals = [
        {"key": one.name, "problem": problem} for one, problem in zip(found.denied, told, strict=True)
    ]
    return {name: getattr(found, name) for name in JobOut.model_fields} | {"refusals": refusals}


def _withdraw(cause: Cause, *, requests: list[jobs.WithdrawJob]) -> list[jobs.JobNow | Refused]:
    """Each that the caller may withdraw; where one of another stands among them, nothing is."""
    for found in jobs.some([one.job for one in requests]):
        if cause.actor.name != found.asked_by and not cause.actor.may(found.command):
            raise NotPermitted(actor=cause.actor.name, command=found.command)
    return jobs.withdraw_jobs(as_oneself(cause), requests=requests)
