"""kernel: ask_jobs, note_jobs, withdraw_jobs, and the worker that gives the command batch by batch"""

from __future__ import annotations

import functools
import inspect
import typing
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import forget, ids, jobs, masking, ready, sql, wire, worker
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import commands
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, Said, WrongState, one_of
from entrepot.kernel.jobs import (
    AskJob,
    Denied,
    JobNow,
    JobRow,
    NoteJob,
    WithdrawJob,
    ask_jobs,
    note_jobs,
    withdraw_jobs,
)
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.web import tasks
from entrepot.work.commands.claim import ClaimItem, PutBackItem
from entrepot.work.commands.open_items import OpenItem, open_items
from tests.selling import CAUSE, COMPANY, NOW
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

SERVED = {jobs.QUEUE: tasks.serve_jobs}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2)


@pytest.fixture(autouse=True)
def people(db) -> None:
    """Ada may everything; Eve has no role."""
    User.objects.bulk_create([User(username="ada", is_superuser=True), User(username="eve")])


ADA = Cause(Actor("ada", everything=True), NOW)
EVE = Cause(Actor("eve", everything=True), NOW)
"""As a page asks in her name: whether she may is seen when the batch comes."""
EVE_HERSELF = Cause(Actor("eve"), NOW)


def items(count: int = 5) -> list[UUID]:
    wanted = [
        OpenItem(COMPANY, "short pick", "task", ids.uuid7(), "bin empty", "picker") for _ in range(count)
    ]
    return [one.item for one in open_items(CAUSE, requests=wanted)]


def taking(which: list[UUID], **facts) -> AskJob:
    names = tuple(map(str, which))
    return AskJob(COMPANY, "work.claim", tuple(ClaimItem(one) for one in which), names, **facts)


def asked(which: list[UUID], cause: Cause = ADA) -> UUID:
    (answer,) = ask_jobs(cause, requests=[taking(which)])
    assert isinstance(answer, JobNow), answer
    return answer.job


def served(job: UUID, rounds: int = 1) -> JobRow:
    for _ in range(rounds):
        worker.serve_once(SERVED)
    found = jobs.job(job)
    assert found
    return found


def taken() -> list[tuple]:
    return sql.run("SELECT owner, count(*)::int FROM work_item WHERE owner <> '' GROUP BY owner")


def remembered(job: UUID) -> bool:
    return sql.run("SELECT requests IS NOT NULL FROM kernel_job WHERE id = %(job)s", {"job": job})[0][0]


def test_a_command_is_given_batch_by_batch_in_the_name_of_who_asked():
    job = asked(items())
    assert (taken(), remembered(job)) == ([], True)

    first = served(job)
    assert (first.state, first.done, first.wanted, first.left, taken()) == ("asked", 2, 5, 3, [("ada", 2)])

    last = served(job, 2)
    assert (last.state, last.done, last.refused, taken()) == ("done", 5, 0, [("ada", 5)])
    assert (remembered(job), ready.waiting().get(jobs.QUEUE)) == (False, None)
    by = sql.run("SELECT DISTINCT actor FROM kernel_event WHERE command = 'work.claim'")
    assert by == [("ada",)], "the trail names a person, and not the worker"


def kept(job: UUID) -> str:
    return str(sql.run("SELECT j::text FROM kernel_job AS j WHERE id = %(job)s", {"job": job}))


def noted(which: list[UUID]) -> UUID:
    """A job whose requests name somebody."""
    served(asked(which), len(which))
    asks = tuple(PutBackItem(one, note="Ada Byron, 1 High Street") for one in which)
    (answer,) = ask_jobs(ADA, requests=[AskJob(COMPANY, "work.put_back", asks, tuple(map(str, which)))])
    assert isinstance(answer, JobNow), answer
    return answer.job


def test_what_is_asked_of_a_job_stands_sealed_in_the_database():
    job = noted(items(3))

    assert "Byron" not in kept(job) and "note" not in kept(job)
    assert [one.note for one in jobs.waiting([job])[0].requests] == ["Ada Byron, 1 High Street"] * 2
    assert (served(job, 2).carried_out, taken()) == (3, [])


def test_what_was_asked_for_before_requests_were_sealed_is_carried_out():
    which = items(2)
    job = asked(which)
    plain = wire.dump([{"name": str(one), "asks": ClaimItem(one)} for one in which])
    sql.run("UPDATE kernel_job SET requests = %(plain)s::jsonb RETURNING 1", {"plain": plain})

    assert (served(job).carried_out, taken()) == (2, [("ada", 2)])


def test_what_was_asked_for_under_another_key_is_refused_and_nothing_of_it_done(settings):
    job = asked(items(3))
    settings.VAULT_KEY = "another key"
    other = asked(items(1))

    worker.serve_once(SERVED)
    found = served(job, 2)

    assert (found.state, found.refused, found.carried_out) == ("done", 3, 0)
    assert {type(one.refusal) for one in found.denied} == {jobs.AskedUnderAnotherKey}
    assert served(other).carried_out == 1, "its neighbor is done"


def test_what_is_refused_is_told_with_why_and_its_neighbors_are_done(monkeypatch):
    monkeypatch.setattr(jobs, "REFUSALS_KEPT", 2)
    there = items(2)
    gone = [ids.uuid7() for _ in range(3)]

    found = served(asked([gone[0], there[0], *gone[1:], there[1]]), 3)

    assert (found.state, found.done, found.refused, found.carried_out) == ("done", 5, 3, 2)
    assert [one.name for one in found.denied] == [str(gone[0]), str(gone[1])], (
        "the first, and all are counted"
    )
    assert {type(one.refusal) for one in found.denied} == {NotFound}


def test_what_was_done_stays_when_the_rest_is_withdrawn():
    job = asked(items())
    served(job)

    (now,) = withdraw_jobs(ADA, requests=[WithdrawJob(job)])

    assert (now.state, now.done, remembered(job)) == ("withdrawn", 2, False)
    found = served(job, 2)  # it was ready for its next batch, which there is none of
    assert (found.state, found.done, found.left, taken()) == ("withdrawn", 2, 3, [("ada", 2)])
    assert ready.waiting().get(jobs.QUEUE) is None


def test_a_batch_that_is_done_while_its_job_is_withdrawn_is_counted_and_the_last():
    job = asked(items())
    withdraw_jobs(ADA, requests=[WithdrawJob(job)])

    (now,) = note_jobs(CAUSE, requests=[NoteJob(job, 2)])

    assert (now.state, now.done, jobs.waiting([job])) == ("withdrawn", 2, [])


def test_a_worker_that_dies_in_the_middle_leaves_its_batch_undone_and_waiting(monkeypatch):
    job = asked(items())
    with monkeypatch.context() as broken:
        broken.setattr(jobs, "note_jobs", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            served(job)
    assert (taken(), ready.waiting()[jobs.QUEUE]) == ([], 1)

    assert served(job, 3).state == "done"
    assert taken() == [("ada", 5)]


def test_a_bug_refuses_the_culprit_alone_and_the_job_ends(monkeypatch):
    there = items(4)
    right = commands["work.claim"]

    @functools.wraps(right)
    def broken(cause: Cause, /, *, requests: list[ClaimItem]) -> list:
        answers = right(cause, requests=requests)
        if any(one.item == there[1] for one in requests):
            raise ZeroDivisionError
        return answers

    monkeypatch.setitem(commands, "work.claim", broken)
    job = asked(there)
    found = served(job, 2)
    assert (found.state, found.done, found.refused, taken()) == ("done", 4, 1, [("ada", 3)])
    (culprit,) = found.denied
    assert culprit.name == str(there[1]) and isinstance(culprit.refusal, jobs.Broken)
    assert "ZeroDivisionError" in culprit.refusal.message
    assert (remembered(job), ready.waiting().get(jobs.QUEUE)) == (False, None)


def test_each_transaction_serves_one_job():
    for _ in range(3):
        asked(items(1))
    batches: list[int] = []

    def serve(cause: Cause, subjects: list[UUID]) -> None:
        batches.append(len(subjects))
        tasks.serve_jobs(cause, subjects)

    for _ in range(3):
        worker.serve_once({jobs.QUEUE: serve})
    assert (batches, taken()) == ([1, 1, 1], [("ada", 3)])


def test_a_reason_is_forgotten_with_age_once_its_job_has_ended():
    done, waits = ask_jobs(ADA, requests=[taking(items(1), reason="Mrs Lind asked") for _ in range(2)])
    served(done.job)
    forget.notes_before(COMPANY, NOW + timedelta(days=30_000), 100)
    assert [jobs.job(one.job).reason for one in (done, waits)] == [masking.MASK, "Mrs Lind asked"]


def test_who_may_not_any_more_is_refused_when_the_batch_comes():
    found = served(asked(items(2), EVE))

    assert (found.state, found.refused, taken()) == ("done", 2, [])
    assert {type(one.refusal) for one in found.denied} == {NotPermitted}


def test_a_name_that_nobody_has_may_nothing():
    found = served(asked(items(1), Cause(Actor("nobody at all", everything=True), NOW)))

    assert (found.refused, taken()) == (1, [])


def test_again_by_key_answers_the_same():
    which = items()
    (first,) = ask_jobs(ADA, requests=[taking(which, key="a")])
    assert ask_jobs(ADA, requests=[taking(which, key="a")]) == [first]
    note = NoteJob(first.job, 2, key="n")
    assert note_jobs(CAUSE, requests=[note]) == note_jobs(CAUSE, requests=[note])
    assert jobs.job(first.job).done == 2
    withdraw = WithdrawJob(first.job, "w")
    assert withdraw_jobs(ADA, requests=[withdraw]) == withdraw_jobs(ADA, requests=[withdraw])


def test_what_cannot_be_is_refused_and_its_neighbor_is_not():
    unknown = AskJob(COMPANY, "work.sleep", (1,), ("",))
    nothing = AskJob(COMPANY, "work.claim", (), ())
    nameless = AskJob(COMPANY, "work.claim", (ClaimItem(ids.uuid7()),), ())
    *wrong, done = ask_jobs(ADA, requests=[unknown, nothing, nameless, taking(items(2))])
    assert ([*map(type, wrong)], type(done)) == ([NotFound, Invalid, Invalid], JobNow)

    absent, more, none = note_jobs(
        CAUSE, requests=[NoteJob(ids.uuid7(), 1), NoteJob(done.job, 3), NoteJob(done.job, 0)]
    )
    assert (type(absent), type(more), type(none)) == (NotFound, Invalid, Invalid)

    served(done.job)
    through, unknown = withdraw_jobs(ADA, requests=[WithdrawJob(done.job), WithdrawJob(ids.uuid7())])
    assert (type(through), type(unknown)) == (WrongState, NotFound)


def test_who_may_not_may_neither_ask_nor_withdraw():
    job = asked(items())
    assert isinstance(ask_jobs(EVE_HERSELF, requests=[taking(items())])[0], NotPermitted)
    assert isinstance(withdraw_jobs(EVE_HERSELF, requests=[WithdrawJob(job)])[0], NotPermitted)
    assert jobs.job(job).state == "asked"


def test_requests_are_what_they_were_when_the_worker_takes_them():
    wanted = (
        CancelOrder(ids.uuid7(), "why", ((ids.uuid7(), 2),), code="other"), CancelOrder(ids.uuid7(), "why"),
    )  # fmt: skip
    (answer,) = ask_jobs(ADA, requests=[AskJob(COMPANY, "orders.cancel", wanted, ("SO-1", "SO-2"))])
    (batch,) = jobs.waiting([answer.job])
    assert (tuple(batch.requests), batch.names) == (wanted, ["SO-1", "SO-2"])
    put = PutBackItem(ids.uuid7(), "note", None)
    (answer,) = ask_jobs(ADA, requests=[AskJob(COMPANY, "work.put_back", (put,), ("",))])
    assert jobs.waiting([answer.job])[0].requests == [put]


@pytest.mark.parametrize(
    "name",
    [
        "orders.cancel", "sourcing.cancel", "orders.release_holds", "work.claim", "work.put_back", "work.assign",
        "work.snooze", "work.escalate", "work.link", "work.resolve", "kernel.drop_messages", "kernel.replay_messages",
        "purchasing.accept_proposals", "purchasing.reject_proposals", "sourcing.accept_transfers",
        "sourcing.reject_transfers", "sourcing.send_transfers",
    ],
)  # fmt: skip
def test_what_lists_do_to_many_rows_can_be_left_to_the_worker(name: str):
    """Its requests can be read again, whatever stands in them."""
    from entrepot.access.registry import command_names

    if name not in command_names():
        pytest.fail(f"{name} is called otherwise")
    (kind,) = typing.get_args(typing.get_type_hints(inspect.unwrap(commands[name]))["requests"])
    assert jobs._requests(name, "[]") == []
    assert kind.__dataclass_params__.frozen


STORABLE = st.text(st.characters(exclude_characters="\0"), max_size=30)


@given(STORABLE, STORABLE)
def test_a_refusal_is_told_as_its_command_gave_it(found: str, one: str):
    refused = Invalid(field="code", expected=one_of([one, "b"]), found=found)
    kept = Denied(*jobs.wire.load(jobs.wire.dump(jobs.denied("x", refused)), list))
    assert kept.refusal == refused
    assert kept.refusal.message == refused.message
    assert isinstance(kept.refusal.facts["expected"], Said)


@pytest.mark.counts("kernel.ask_jobs", "kernel.note_jobs", "kernel.withdraw_jobs")
def test_a_refusal_that_repeats_a_nul_can_be_kept():
    refused = Invalid(field="content", expected=Said("not {0}", "a\0b"), found="c\0d")
    assert "\\u0000" not in jobs.wire.dump(jobs.denied("x", refused))


def test_statements_do_not_grow_with_the_batch(statements):
    ask, counts = taking(items(1)), []
    for size in SIZES:
        with statements() as ran:
            found = [one.job for one in ask_jobs(ADA, requests=[ask] * size)]
        counts.append([len(ran)])
        with statements() as ran:
            note_jobs(CAUSE, requests=[NoteJob(job, 1) for job in found])
        counts[-1].append(len(ran))
        given_up = [one.job for one in ask_jobs(ADA, requests=[ask] * size)]
        with statements() as ran:
            withdraw_jobs(ADA, requests=[WithdrawJob(job) for job in given_up])
        counts[-1].append(len(ran))
    assert counts[0] == counts[1] == counts[2], counts
