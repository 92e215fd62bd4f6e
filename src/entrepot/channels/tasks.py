"""Background work of channels: orders that a person wants taken from the inbox, files of orders, statements by the
clock, and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.channels import pulling, queries, webhook_client, webhook_queries, webhooks
from entrepot.channels.commands.import_files import QUEUE, NoteBatch, note_batches
from entrepot.channels.commands.mend_differences import ImportStated, import_stated
from entrepot.channels.commands.tell_webhooks import (
    GiveUpWebhooks,
    TellWebhooks,
    give_up_webhooks,
    tell_webhooks,
)
from entrepot.channels.spreadsheet import importer
from entrepot.channels.statements.stated import SOURCE
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.delivery import WEBHOOK, Claimed
from entrepot.kernel.errors import Away, Refused, Unavailable
from entrepot.kernel.strongbox import WrongKey
from entrepot.network import queries as network
from entrepot.parties import queries as parties

log = structlog.get_logger("entrepot.channels")


def serve_inbox(cause: Cause, messages: Sequence[UUID]) -> None:
    """Orders that only their channel had, and that a person wants placed."""
    import_stated(cause, requests=[ImportStated(message) for message in messages])


def serve_files(cause: Cause, files: Sequence[UUID]) -> None:
    """Of each file that somebody wants taken in, the next batch of orders: placed, or carried out and undone."""
    noted = []
    for one in queries.waiting_batches(files):
        report = importer.Report(one.tries, 0, 0, mapping=one.columns)
        importer.serve(
            cause.because(f"import of {one.name}, asked for by {one.asked_by}"), report, one.wanted
        )
        noted.append(
            NoteBatch(
                one.file, one.number, tuple(report.outcomes), tuple(report.wrong), f"{one.file}:{one.number}"
            )
        )
    note_batches(cause, requests=noted)


def tell_them(cause: Cause) -> int:
    """The next events of the log, for all who have subscribed to them."""
    (answer,) = tell_webhooks(cause, requests=[TellWebhooks()])
    return 0 if isinstance(answer, Refused) else answer.messages


def post_webhook(cause: Cause, message: Claimed) -> None:
    """Send a message to a webhook, signed."""
    which = UUID(message.destination.removeprefix(WEBHOOK))
    try:
        found = webhook_queries.address(which, cause.at)
    except WrongKey as error:
        raise Away(str(error)) from error
    if found is None or found.state != "open":
        raise Away("the webhook is not open")
    status = webhook_client.send(
        found.url, found.secrets, message.body, cause.at, permits_local=settings.WEBHOOKS_LOCAL
    )
    if status in webhooks.AWAY:
        raise Away(f"HTTP {status}")
    if not webhooks.is_taken(status):
        raise Unavailable(f"HTTP {status}")


QUEUES = {f"inbox.{SOURCE}": serve_inbox, QUEUE: serve_files}
SWEEPS = {"webhooks": tell_them}
DESTINATIONS = {WEBHOOK.removesuffix(":"): post_webhook}
AS_WRITTEN = {WEBHOOK.removesuffix(":"): "it tells of an event that happened so"}


@app.periodic(cron="*/10 * * * *")
@app.task(name="channels.give_up_webhooks", queueing_lock="channels.give_up_webhooks")
def give_up_dead_webhooks(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every ten minutes: webhooks that nothing has reached for days, or that say that they are gone."""
    cause = Cause(Actor("system:webhooks", everything=True), timezone.now(), "webhooks that are dead")
    give_up_webhooks(cause, requests=[GiveUpWebhooks()])


@app.periodic(cron="20 4 * * *")
@app.task(name="channels.pull_statements", queueing_lock="channels.pull_statements")
def pull_statements(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: each shop's own statement of its orders against ours. One that gives none is work, and stops no
    other."""
    cause = Cause(Actor("system:channels", everything=True), timezone.now(), "statements of channels")
    for company in parties.companies():
        for channel in network.channels(company=company.id).values():
            shop = pulling.shop_of(company.code, channel.code)
            if shop is None:
                continue
            try:
                answer = pulling.pull(cause, company.id, channel, shop)
            except Unavailable as error:
                log.warning("no statement", channel=channel.code, why=str(error))
            else:
                if isinstance(answer, Refused):
                    log.warning("no statement", channel=channel.code, why=answer.message)
