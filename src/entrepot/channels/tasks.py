"""Background work of channels: orders and interchanges that a person wants taken from the inbox, files of orders, and
statements by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.channels import pulling, queries
from entrepot.channels.commands.import_files import QUEUE, NoteBatch, note_batches
from entrepot.channels.commands.mend_differences import ImportStated, import_stated
from entrepot.channels.commands.take_documents import RetakeDocument, retake_documents
from entrepot.channels.spreadsheet import importer
from entrepot.channels.statements.stated import SOURCE
from entrepot.channels.x12 import contract as x12
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused, Unavailable
from entrepot.network import queries as network
from entrepot.parties import queries as parties

log = structlog.get_logger("entrepot.channels")


def serve_inbox(cause: Cause, messages: Sequence[UUID]) -> None:
    """Orders that only their channel had, and that a person wants placed."""
    import_stated(cause, requests=[ImportStated(message) for message in messages])


def serve_documents(cause: Cause, messages: Sequence[UUID]) -> None:
    """Interchanges that were set aside, and that a person wants taken again."""
    retake_documents(cause, requests=[RetakeDocument(message) for message in messages])


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


QUEUES = {f"inbox.{SOURCE}": serve_inbox, f"inbox.{x12.SOURCE}": serve_documents, QUEUE: serve_files}


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
