"""Jobs in races: a batch is done once, and a job is withdrawn once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from entrepot.kernel import ids, jobs, sql, worker
from entrepot.kernel.cause import Actor, Cause
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
        for _ in range(20):
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
