"""Jobs in races: a batch is done once, and a job is withdrawn once."""

from __future__ import annotations

import time
from functools import wraps

import pytest
from django.contrib.auth.models import User

from entrepot.kernel import aside, ids, jobs, sql, worker
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import commands
from entrepot.kernel.errors import WrongState
from entrepot.kernel.jobs import AskJob, JobNow, WithdrawJob, ask_jobs, withdraw_jobs
from entrepot.web import tasks
from entrepot.work.commands.claim import ClaimItem
from entrepot.work.commands.open_items import OpenItem, open_items
from tests.selling import CAUSE, COMPANY, NOW
from tests.together import at_once

SERVED = {jobs.QUEUE: tasks.serve_jobs}
ADA = Cause(Actor("ada", everything=True), NOW)


@pytest.fixture
def job(committed_db, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 5)
    User.objects.create(username="ada", is_superuser=True)
    wanted = [OpenItem(COMPANY, "short pick", "task", ids.uuid7(), "bin empty", "picker") for _ in range(20)]
    which = [one.item for one in open_items(CAUSE, requests=wanted)]
    asked = AskJob(COMPANY, "work.claim", tuple(map(ClaimItem, which)), ("",) * 20)
    (answer,) = ask_jobs(ADA, requests=[asked])
    assert isinstance(answer, JobNow)
    return answer.job


def test_workers_at_once_do_each_row_once(job):
    def work():
        until = time.monotonic() + 20
        while jobs.job(job).state != "done" and time.monotonic() < until:
            worker.serve_once(SERVED)

    at_once([work] * 3)
    found = jobs.job(job)
    assert (found.state, found.done, found.refused) == ("done", 20, 0)
    assert sql.run("SELECT count(*) FROM kernel_event WHERE command = 'work.claim'") == [(20,)]


def test_a_job_is_withdrawn_once_while_the_worker_is_at_it(job):
    def withdraw():
        return withdraw_jobs(ADA, requests=[WithdrawJob(job)])[0]

    one, other, _ = at_once([withdraw, withdraw, lambda: worker.serve_once(SERVED)])
    assert sorted(type(found).__name__ for found in (one, other)) == ["JobNow", "WrongState"]
    assert isinstance(one if isinstance(other, JobNow) else other, WrongState)
    while worker.serve_once(SERVED):
        pass
    found = jobs.job(job)
    assert (found.state, found.done in (0, 5)) == ("withdrawn", True)
    assert sql.run("SELECT count(*) FROM work_item WHERE owner = 'ada'") == [(found.done,)]


@pytest.fixture
def single(committed_db, monkeypatch):
    """A job of one request, whose command says how far it is once its work is done, and is looked at there."""
    User.objects.create(username="ada", is_superuser=True)
    wanted = [OpenItem(COMPANY, "short pick", "task", ids.uuid7(), "bin empty", "picker")]
    (item,) = open_items(CAUSE, requests=wanted)
    asked = AskJob(COMPANY, "work.claim", (ClaimItem(item.item),), ("",))
    (answer,) = ask_jobs(ADA, requests=[asked])
    assert isinstance(answer, JobNow)
    return answer.job


def looked_at(monkeypatch, look):
    """Somebody looks from another connection, between the first step and the second."""
    claim = commands["work.claim"]

    @wraps(claim)
    def told(cause, /, *, requests):
        aside.step(1, 2)
        done = claim(cause, requests=requests)
        at_once([look])
        aside.step(2, 2)
        return done

    monkeypatch.setitem(commands, "work.claim", told)


def test_the_only_request_of_a_job_is_undone_where_it_was_withdrawn_meanwhile(single, monkeypatch):
    withdrawn = []
    looked_at(monkeypatch, lambda: withdrawn.extend(withdraw_jobs(ADA, requests=[WithdrawJob(single)])))

    worker.serve_once(SERVED)

    assert [one.state for one in withdrawn] == ["withdrawn"]
    found = jobs.job(single)
    assert (found.state, found.done, found.answer) == ("withdrawn", 0, None)
    assert sql.run("SELECT count(*) FROM work_item WHERE owner <> ''") == [(0,)]
    assert sql.run("SELECT count(*) FROM kernel_event WHERE command = 'work.claim'") == [(0,)]
    assert worker.serve_once(SERVED) == 0


def test_it_is_undone_as_well_where_its_command_has_no_further_step(single, monkeypatch):
    claim = commands["work.claim"]

    @wraps(claim)
    def told(cause, /, *, requests):
        done = claim(cause, requests=requests)
        at_once([lambda: withdraw_jobs(ADA, requests=[WithdrawJob(single)])])
        return done

    monkeypatch.setitem(commands, "work.claim", told)
    worker.serve_once(SERVED)
    assert jobs.job(single).state == "withdrawn"
    assert sql.run("SELECT count(*) FROM work_item WHERE owner <> ''") == [(0,)]


def test_its_steps_are_seen_while_it_runs_and_its_answer_afterwards(single, monkeypatch):
    seen = []
    looked_at(monkeypatch, lambda: seen.append(jobs.job(single)))

    worker.serve_once(SERVED)

    assert [(one.state, one.step, one.steps, one.done) for one in seen] == [("asked", 1, 2, 0)]
    found = jobs.job(single)
    assert (found.state, found.step, found.steps, found.done) == ("done", 2, 2, 1)
    assert found.answer["owner"] == "ada"
    assert isinstance(withdraw_jobs(ADA, requests=[WithdrawJob(single)])[0], WrongState)
