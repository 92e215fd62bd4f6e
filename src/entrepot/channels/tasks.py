"""Background work of channels: orders and interchanges that a person wants taken from the inbox, files of orders,
statements by the clock, and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.channels import drop_ship_post, pulling, queries, webhook_client, webhook_queries, webhooks
from entrepot.channels.commands.import_files import QUEUE, NoteBatch, note_batches
from entrepot.channels.commands.mend_differences import ImportStated, import_stated
from entrepot.channels.commands.read_files import NoteReading, note_readings
from entrepot.channels.commands.route_drop_ships import RouteDropShip, route_drop_ships
from entrepot.channels.commands.save_mapping import SaveMapping, save_mapping
from entrepot.channels.commands.send_orders import DESTINATION as TO_SUPPLIERS
from entrepot.channels.commands.send_orders import NoteOrderDocument, Posted, note_order_documents
from entrepot.channels.commands.take_documents import RetakeDocument, retake_documents
from entrepot.channels.commands.tell_webhooks import (
    GiveUpWebhooks,
    TellWebhooks,
    give_up_webhooks,
    tell_webhooks,
)
from entrepot.channels.spreadsheet import importer, parse, read
from entrepot.channels.statements.stated import SOURCE
from entrepot.channels.x12 import contract as x12
from entrepot.kernel.aside import Unwanted, watched
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.delivery import WEBHOOK, Claimed, is_last
from entrepot.kernel.errors import Away, Invalid, Refused, Unavailable
from entrepot.kernel.sql import DATABASE_AWAY
from entrepot.kernel.strongbox import WrongKey
from entrepot.network import queries as network
from entrepot.parties import queries as parties
from entrepot.purchasing import drop_ship_queries as drop_ships
from entrepot.purchasing.commands.tell_suppliers import BY_X12_TO as DROP_SHIPS
from entrepot.purchasing.commands.tell_suppliers import (
    NoteDropShipSending,
    SendDropShip,
    note_drop_ship_sendings,
    send_drop_ships,
)
from entrepot.purchasing.commands.tell_suppliers import Posted as PostedDropShip
from entrepot.purchasing.drop_ship import kept_back

log = structlog.get_logger("entrepot.channels")


def serve_inbox(cause: Cause, messages: Sequence[UUID]) -> None:
    """Orders that only their channel had, and that a person wants placed."""
    import_stated(cause, requests=[ImportStated(message) for message in messages])


def serve_documents(cause: Cause, messages: Sequence[UUID]) -> None:
    """Interchanges that were set aside, and that a person wants taken again."""
    retake_documents(cause, requests=[RetakeDocument(message) for message in messages])


def serve_files(cause: Cause, files: Sequence[UUID]) -> None:
    """Each file that nobody has read is read. Of each other, the next batch of orders: placed, or carried out and
    undone."""
    unread = queries.unread_files(files)
    for file in unread:
        _read_or_told(cause.because(f"import of {file.name}, asked for by {file.asked_by}"), file)
    noted = []
    just_read = {file.file for file in unread}
    for one in queries.waiting_batches([file for file in files if file not in just_read]):
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


def _read_or_told(cause: Cause, one: queries.Unread) -> None:
    """Read a file; one that a bug keeps from being read is told so, and is not kept for ever."""
    try:
        with transaction.atomic():
            _read(cause, one)
    except DATABASE_AWAY:
        raise
    except Exception as error:
        log.exception("a file could not be read", file=one.file)
        why = ("file", "a file that the program can read", f"a fault of the program: {type(error).__name__}")
        note_readings(cause, requests=[NoteReading(one.file, problem=why)])


def _read(cause: Cause, one: queries.Unread) -> None:
    """Read a file and keep what it holds, unless it is withdrawn meanwhile. Its columns are remembered for the channel
    where its orders are to be placed."""
    try:
        with watched(_READ_SO_FAR, _IS_WANTED, {"file": one.file}) as heard:
            # Of how many is known at the end alone: told as all of them, each time is told, however soon.
            remembered = queries.mapping(company=one.company, channel=one.channel)
            usual = remembered.sheet if one.sheet is None else one.sheet
            sheet = read.read(
                bytes(one.content), lambda rows: heard(rows, rows), wanted=one.sheet or "", usual=usual
            )
            heard(len(sheet.rows), len(sheet.rows))
    except Unwanted:
        return
    except Invalid as refused:
        why = (refused.facts["field"], refused.facts["expected"], str(refused.facts["found"]))
        note_readings(cause, requests=[NoteReading(one.file, problem=why)])
        return
    chosen = one.chosen and {name: column for name, column in one.chosen.items() if column in sheet.header}
    columns = chosen or parse.propose(sheet.header, remembered.columns)
    if not one.tries and parse.misfit_mapping(columns) is None:
        kept = tuple((columns | parse.lost(columns, remembered.columns, sheet.header)).items())
        save_mapping(cause, requests=[SaveMapping(one.company, one.channel, kept, sheet=usual)])
    report, wanted = importer.read_orders(
        cause, company=one.company, channel=one.channel, currency=one.currency, sheet=sheet, mapping=columns,
        remembered=remembered.columns, usual=usual, tries=one.tries,
    )  # fmt: skip
    reading = NoteReading(
        one.file, sheet.header, tuple(columns.items()), report.rows, report.orders, tuple(wanted),
        tuple(report.wrong), tuple(report.repeated), report.sheet, report.other_sheets, report.usual_sheet,
        tuple(report.lost.items()),
    )  # fmt: skip
    note_readings(cause, requests=[reading])


_READ_SO_FAR = """
UPDATE channels_fileimport SET rows = %(done)s WHERE id = %(file)s AND state = 'reading'
"""
_IS_WANTED = "SELECT state = 'reading' FROM channels_fileimport WHERE id = %(file)s"


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


def post_order(cause: Cause, message: Claimed) -> None:
    """Post a purchase order to its supplier, and note what became of it. What fails at the last try is given up; where
    an answer is lost it comes twice, under one control number. One that a later one was made in the place of stays, and
    so does one in the place of what the supplier never had."""
    which = msgspec.json.decode(message.body, type=Posted).document
    found = queries.order_document(which)
    if found is None or found.state != "waiting":
        return
    if found.purpose != x12.NEW and (why := queries.kept_from(found)):
        note_order_documents(cause, requests=[NoteOrderDocument(which, why, is_posted=False)])
        return
    error = _posted(message, which, found.url, found.content)
    note_order_documents(cause, requests=[NoteOrderDocument(which, error)])


def _posted(message: Claimed, which: UUID, url: str, content: str) -> str:
    """'' where a supplier's address took a document; why not, at the last try."""
    headers = {"Content-Type": "application/edi-x12", "User-Agent": "Entrepot", "Idempotency-Key": str(which)}
    error = ""
    try:
        status = webhook_client.post(
            url, content.encode("ascii"), headers, permits_local=settings.WEBHOOKS_LOCAL
        )
        if not webhooks.is_taken(status):
            error = f"HTTP {status}"
    except Away as away:  # of one supplier: those of others are not left alone for it
        error = str(away)
    if error and not is_last(message):
        raise Unavailable(error)
    return error


class _Left(msgspec.Struct):
    """What is read of a message to a supplier. Those of earlier releases, which nobody sent, name no sending."""

    sending: UUID | None = None


def route_drop_ship(cause: Cause, message: Claimed) -> None:
    """Find out how a supplier is reached, and leave it to whoever sends it so."""
    which = msgspec.json.decode(message.body, type=_Left).sending
    if which:
        route_drop_ships(cause, requests=[RouteDropShip(which)])
    else:
        send_drop_ships(cause, requests=[SendDropShip(message.subject)])


def post_drop_ship(cause: Cause, message: Claimed) -> None:
    """Post what a supplier is to send himself, and note what became of it. Where an answer is lost it comes twice,
    under one control number and key. What is over meanwhile is not asked for any more."""
    which = msgspec.json.decode(message.body, type=PostedDropShip).sending
    found = drop_ships.sending(which)
    if found is None or found.state != "waiting":
        return
    told = drop_ships.paper(found.drop_ship, found.purpose)
    if kept_back(found.purpose, told.state):
        note_drop_ship_sendings(cause, requests=[NoteDropShipSending(which, "superseded")])
        return
    try:
        content = drop_ship_post.content(found, told)
    except drop_ship_post.Unwritten as why:
        note_drop_ship_sendings(cause, requests=[NoteDropShipSending(which, "failed", str(why))])
        return
    error = _posted(message, which, found.address, content)
    noted = NoteDropShipSending(which, "failed" if error else "sent", error)
    note_drop_ship_sendings(cause, requests=[noted])


QUEUES = {f"inbox.{SOURCE}": serve_inbox, f"inbox.{x12.SOURCE}": serve_documents, QUEUE: serve_files}
SWEEPS = {"webhooks": tell_them}
SUPPLIERS = "suppliers"
DESTINATIONS = {
    WEBHOOK.removesuffix(":"): post_webhook,
    TO_SUPPLIERS: post_order,
    DROP_SHIPS: post_drop_ship,
    SUPPLIERS: route_drop_ship,
}
AS_WRITTEN = {
    WEBHOOK.removesuffix(":"): "it tells of an event that happened so",
    TO_SUPPLIERS: "it names a document that is kept; send the order anew instead",
    DROP_SHIPS: "it names what a supplier is to be told; send the drop-ship order anew instead",
    SUPPLIERS: "it names what a supplier is to be told; send the drop-ship order anew instead",
}


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
