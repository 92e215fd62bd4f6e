"""Background work of the web: reports by mail, papers that go to the outside, and forms that nobody waits for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.access import queries as access
from entrepot.access.registry import command_names
from entrepot.kernel import files, jobs, wire
from entrepot.kernel.aside import Unwanted
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import commands
from entrepot.kernel.delivery import Claimed
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.exports import as_oneself
from entrepot.kernel.sql import DATABASE_AWAY
from entrepot.parties import queries as parties
from entrepot.payments.providers import fake
from entrepot.payments.providers.stripe import client as stripe
from entrepot.purchasing.commands.send_orders import DESTINATION as TO_SUPPLIERS
from entrepot.purchasing.commands.tell_suppliers import BY_MAIL_TO as DROP_SHIPS
from entrepot.web import dispute_paper, drop_ship_paper, making, order_paper, report_mail
from entrepot.work.commands.watch_keys import WatchKeys, watch_keys

log = structlog.get_logger("entrepot.web")


@app.periodic(cron="* * * * *")
@app.task(name="web.mail_reports", queueing_lock="web.mail_reports")
def mail_reports(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: reports that are due to whoever subscribed to them."""
    report_mail.send_due(timezone.now())


@app.periodic(cron="*/10 * * * *")
@app.task(name="web.drop_files", queueing_lock="web.drop_files")
def drop_files(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every ten minutes: files that were kept for their day."""
    cause = Cause(Actor("system:files", frozenset({"kernel.drop_files"})), timezone.now(), "kept for a day")
    files.drop_files(cause, requests=[files.DropFiles(one.id, cause.at) for one in parties.companies()])


@app.periodic(cron="7 * * * *")
@app.task(name="web.watch_keys", queueing_lock="web.watch_keys")
def watch_all_keys(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: API keys that end soon. The first company is asked about those of people who belong to all."""
    watch_keys_at(timezone.now())


def watch_keys_at(at: datetime) -> None:
    cause = Cause(Actor("system:work", frozenset({"work.watch_keys"})), at, "API keys end")
    companies = [one.id for one in parties.companies()]
    if companies:
        watch_keys(cause, requests=[WatchKeys(one, of_all=one == companies[0]) for one in companies])


def answer_fake(cause: Cause, message: Claimed) -> None:
    """Send an answer to a dispute to the recorded provider."""
    dispute_paper.send(cause, message, fake.client)


def answer_stripe(cause: Cause, message: Claimed) -> None:
    """Send an answer to a dispute to Stripe."""
    dispute_paper.send(cause, message, stripe.client())


def mail_order(cause: Cause, message: Claimed) -> None:
    """Send a purchase order to its supplier."""
    order_paper.send(cause, message)


def mail_drop_ship(cause: Cause, message: Claimed) -> None:
    """Tell a supplier what he is to send to a customer."""
    drop_ship_paper.send(cause, message)


def serve_jobs(cause: Cause, subjects: Sequence[UUID]) -> None:
    """Of each job the next batch: its command in the name of whoever asked for it, with the rights they have now. Where
    it has a bug, each request is given by itself, so that the culprit alone is refused."""
    command_names()  # knows every command, whichever module it is in
    jobs.note_jobs(cause, requests=[noted for one in jobs.waiting(subjects) if (noted := _given(cause, one))])


def _given(cause: Cause, one: jobs.Waiting) -> jobs.NoteJob | None:
    """What became of a batch; None of a job of one request that was withdrawn before it was through."""
    if not one.requests:
        unread = tuple(jobs.denied(name, jobs.AskedUnderAnotherKey()) for name in one.names)
        return jobs.NoteJob(one.job, len(one.names), unread)
    its = replace(cause, actor=access.actor_named(one.asked_by), reason=one.reason)
    if one.command == files.MAKE:  # the page asks what they may see
        its = as_oneself(its)
    try:
        with jobs.undone_if_withdrawn(one.job) if one.is_one else nullcontext():
            results = _answers(its, one)
    except Unwanted:
        return None
    except DATABASE_AWAY:
        raise
    except Exception:
        log.exception("a job failed", job=one.job, command=one.command)
        results = [_alone(its, one.command, request) for request in one.requests]
    denied = tuple(
        jobs.denied(name, result)
        for name, result in zip(one.names, results, strict=True)
        if isinstance(result, Refused)
    )
    answer = wire.dump(results[0]) if one.is_one and not denied else None
    return jobs.NoteJob(one.job, len(results), denied, answer)


def _answers(its: Cause, job: jobs.Waiting) -> list[Any]:
    """The answers of a job's command; whoever was taken out of its company meanwhile changes nothing of it any more."""
    if not its.actor.is_of(job.company):
        return [NotFound(what="company", which=str(job.company))] * len(job.requests)
    return _run(its, job.command, job.requests)


def _run(cause: Cause, name: str, requests: Sequence[Any]) -> list[Any]:
    with transaction.atomic():
        return commands[name](cause, requests=requests)


def _alone(cause: Cause, name: str, request: Any) -> Any:
    try:
        return _run(cause, name, [request])[0]
    except DATABASE_AWAY:
        raise
    except Exception as error:
        log.exception("a request failed", command=name)
        return jobs.Broken(found=type(error).__name__)


AT_ONCE = {jobs.QUEUE: 1}
QUEUES = {jobs.QUEUE: serve_jobs}
MAKERS = {files.PAGE: making.make_file}
AS_WRITTEN = dict.fromkeys(
    ("disputes.fake", "disputes.stripe"), "it answers a bank, which only commands do"
) | {
    TO_SUPPLIERS: "it names a mail that is kept; send the order anew instead",
    DROP_SHIPS: "it names what a supplier is to be told; send the drop-ship order anew instead",
}
DESTINATIONS = {
    "disputes.fake": answer_fake,
    "disputes.stripe": answer_stripe,
    TO_SUPPLIERS: mail_order,
    DROP_SHIPS: mail_drop_ship,
}
