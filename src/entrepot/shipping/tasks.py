"""Background work of shipping: orders without goods, adapters of carriers, and parcels that nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import msgspec
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.delivery import Claimed
from entrepot.kernel.errors import Refused, Said, Unavailable
from entrepot.parties import queries as parties
from entrepot.shipping import adapters, asking, buying
from entrepot.shipping.buying import NO_ACCOUNT, UNHEARD
from entrepot.shipping.commands.buy import RecordPurchase, ask_for, record_purchases
from entrepot.shipping.commands.collect import WatchCollections, watch_collections
from entrepot.shipping.commands.perform import PerformServices, perform
from entrepot.shipping.commands.poll import PollTracking, poll
from entrepot.shipping.commands.quote import AskRates, RecordQuotes, ask_rates, record_quotes
from entrepot.shipping.commands.ship_labeled import ShipLabeled, ship_labeled
from entrepot.shipping.commands.stop_consignments import StopConsignments, stop_consignments
from entrepot.shipping.commands.take_tracking import (
    SOURCES,
    RetakeTracking,
    TakeTracking,
    retake_tracking,
    take_tracking,
)
from entrepot.shipping.commands.tell_manifests import RecordForm, record_forms
from entrepot.shipping.commands.watch import AnswerTrouble, WatchSilence, answer_trouble, watch_silence
from entrepot.shipping.commands.watch_purchases import WatchPurchases, watch_purchases
from entrepot.shipping.easypost import parse as easypost
from entrepot.shipping.live import (
    Adapter,
    Form,
    InDoubtError,
    OnPaperError,
    Place,
    RefusedByCarrierError,
    TellsManifests,
)


def serve_perform(cause: Cause, orders: Sequence[UUID]) -> None:
    """Perform the services of orders. What is held is offered again by whoever releases the hold."""
    perform(cause, requests=[PerformServices(order) for order in orders])


def serve_trouble(cause: Cause, shipments: Sequence[UUID]) -> None:
    """What policy says to parcels in trouble."""
    answer_trouble(cause, requests=[AnswerTrouble(shipment) for shipment in shipments])


def serve_inbox(cause: Cause, messages: Sequence[UUID]) -> None:
    """Messages of carriers that a person wants taken again."""
    retake_tracking(cause, requests=[RetakeTracking(message) for message in messages])


def serve_labeled(cause: Cause, fulfillments: Sequence[UUID]) -> None:
    """What waited for its labels and has them all."""
    ship_labeled(cause, requests=[ShipLabeled(fulfillment) for fulfillment in fulfillments])


QUEUES = {"perform": serve_perform, "trouble": serve_trouble, "labeled": serve_labeled} | {
    f"inbox.{source}": serve_inbox for source in SOURCES
}


# ---- what the relay sends to adapters


def send(cause: Cause, message: Claimed) -> None:
    """One message to an adapter, and what it answers recorded."""
    source = message.destination.partition(":")[2]
    TOPICS[message.topic](cause, message, source, adapters.adapter(source))


def _rates(cause: Cause, message: Claimed, source: str, adapter: Adapter | None) -> None:
    """A quote that does not come leaves the tables' price: it is not waited for."""
    asked = asking.of_fulfillment(message.subject, cause.at)
    if asked is None:
        return
    try:
        if adapter is None:
            raise RefusedByCarrierError(NO_ACCOUNT)
        answer = RecordQuotes(message.subject, source, tuple(adapter.rates(asked)))
    except (RefusedByCarrierError, Unavailable) as error:
        answer = RecordQuotes(message.subject, source, problem=str(error))
    record_quotes(cause, requests=[answer])


def _buy(cause: Cause, message: Claimed, source: str, adapter: Adapter | None) -> None:
    """A label that is asked for; of one that was answered already a message that is sent again buys nothing."""
    wanted = sql.run(_WANTED, {"id": message.subject})
    if not wanted:
        return
    ((name, offer),) = wanted
    asked = asking.of_label(message.subject, cause.at)
    told = buying.attempt(
        adapter, asked, name, offer, message.unheard_for(cause.at), is_last=delivery.is_last(message)
    )
    answer = RecordPurchase(message.subject, told.outcome, told.bought, told.problem, told.offer)
    record_purchases(cause, requests=[answer])
    if told.outcome == "offer":
        delivery.send(cause, [ask_for(source, message.subject, message.company)])


def _void(cause: Cause, message: Claimed, source: str, adapter: Adapter | None) -> None:  # noqa: ARG001
    reference = msgspec.json.decode(message.body)["reference"]
    try:
        if adapter is None:
            raise RefusedByCarrierError(NO_ACCOUNT)
        adapter.void(reference)
        answer = RecordPurchase(message.subject, "void")
    except RefusedByCarrierError as error:
        answer = RecordPurchase(message.subject, "keep", problem=str(error))
    record_purchases(cause, requests=[answer])


def _manifest(cause: Cause, message: Claimed, source: str, adapter: object) -> None:
    """The form of a manifest. What is being made is looked at again. Where the message would be given up a person is
    told: the carrier does not know what it collects. So is one where an attempt may have made it, and nobody heard."""
    params = {"manifest": message.subject, "source": source}
    (known, labels) = sql.run(_TO_TELL, params)[0]
    try:
        if message.is_again:
            raise InDoubtError(UNHEARD)
        form = _form(adapter, known, labels, asking.of_manifest(message.subject, cause.at))
    except OnPaperError as error:
        record_forms(cause, requests=[RecordForm(message.subject, source, "leave", problem=str(error))])
        return
    except InDoubtError as error:
        problem = str(Said("it may know of it, ask it before you tell it again: {0}", str(error)))
        record_forms(cause, requests=[RecordForm(message.subject, source, "fail", problem=problem)])
        return
    except (RefusedByCarrierError, Unavailable) as error:
        if isinstance(error, Unavailable) and not delivery.is_last(message):
            raise
        record_forms(cause, requests=[RecordForm(message.subject, source, "fail", problem=str(error))])
        return
    if form.url:
        record_forms(cause, requests=[RecordForm(message.subject, source, "make", form)])
    else:
        record_forms(cause, requests=[RecordForm(message.subject, source, "begin", form)])
        again = delivery.Message(message.destination, message.topic, message.subject, message.company, {})
        delivery.send(cause, [again])


def _form(adapter: object, known: str, labels: Mapping[str, str], origin: Place) -> Form:
    if not isinstance(adapter, TellsManifests):
        raise RefusedByCarrierError(NO_ACCOUNT)
    if not labels:  # closed by a version that did not wait for the answer to its labels
        raise RefusedByCarrierError("no label on it was bought")
    form = adapter.manifest(labels, known, origin)
    if known and not form.url:
        raise Unavailable("the form is being made still")
    return form


def _tracking(cause: Cause, message: Claimed, source: str, adapter: Adapter | None) -> None:
    """What a poll finds; a number that the other side does not know yet is asked about the next time."""
    asked = msgspec.json.decode(message.body)
    try:
        payload = adapter.tracking(asked["number"], asked["carrier"]) if adapter else ""
    except RefusedByCarrierError:
        return
    for one in (
        easypost.trackers(payload) if source == easypost.SOURCE and payload else [payload] * bool(payload)
    ):
        (answer,) = take_tracking(cause, requests=[TakeTracking(message.company, source, one)])
        if isinstance(answer, Refused):
            raise Unavailable(answer.message)


TOPICS: dict[str, Callable[[Cause, Claimed, str, Adapter | None], None]] = {
    "carrier.rates": _rates, "carrier.buy": _buy, "carrier.void": _void, "carrier.tracking": _tracking,
    "carrier.manifest": _manifest,
}  # fmt: skip
DESTINATIONS = {"carriers": send}


# ---- by the clock


@app.periodic(cron="* * * * *")
@app.task(name="shipping.ask_rates", queueing_lock="shipping.ask_rates")
def ask_all_rates(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: what was packed and nobody has quoted is asked for, where a service of the company is quoted."""
    cause = Cause(Actor("system:shipping", everything=True), timezone.now(), "rates of what is packed")
    packed = [one for (one,) in sql.run(_UNQUOTED)]
    if packed:
        ask_rates(cause, requests=[AskRates(one, f"rates {one}") for one in packed])


@app.periodic(cron="5 * * * *")
@app.task(name="shipping.poll", queueing_lock="shipping.poll")
def poll_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: where the parcels are of which nobody tells us, or has told us."""
    sources, telling = tuple(adapters.polled()), tuple(adapters.telling())
    cause = Cause(Actor("system:shipping", everything=True), timezone.now(), "parcels on their way")
    if sources or telling:
        poll(cause, requests=[PollTracking(company.id, sources, telling) for company in parties.companies()])


@app.periodic(cron="*/10 * * * *")
@app.task(name="shipping.watch_collections", queueing_lock="shipping.watch_collections")
def watch_collections_of_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every ten minutes: packages whose carrier came and went without them."""
    cause = Cause(Actor("system:shipping", everything=True), timezone.now(), "packages not collected")
    watch_collections(cause, requests=[WatchCollections(company.id) for company in parties.companies()])


@app.periodic(cron="*/10 * * * *")
@app.task(name="shipping.watch_purchases", queueing_lock="shipping.watch_purchases")
def watch_purchases_of_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every ten minutes: labels that were asked for and that no adapter has answered."""
    cause = Cause(Actor("system:shipping", everything=True), timezone.now(), "labels not answered")
    watch_purchases(cause, requests=[WatchPurchases(company.id) for company in parties.companies()])


@app.periodic(cron="5-59/10 * * * *")
@app.task(name="shipping.stop_consignments", queueing_lock="shipping.stop_consignments")
def stop_consignments_of_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every ten minutes: labels of packages that were opened again, or whose order was cancelled."""
    cause = Cause(Actor("system:shipping", everything=True), timezone.now(), "labels of opened packages")
    stop_consignments(cause, requests=[StopConsignments(company.id) for company in parties.companies()])


@app.periodic(cron="40 3 * * *")
@app.task(name="shipping.watch_silence", queueing_lock="shipping.watch_silence")
def watch_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: what nobody has seen for days counts as lost."""
    cause = Cause(Actor("system:shipping", everything=True), timezone.now(), "parcels that nobody sees")
    watch_silence(cause, requests=[WatchSilence(company.id) for company in parties.companies()])


_WANTED = """
SELECT service, reference FROM shipping_purchase WHERE label_id = %(id)s::uuid AND state = 'asked'
"""

_TO_TELL = """
SELECT f.reference, COALESCE(jsonb_object_agg(p.reference, l.tracking) FILTER (WHERE p.label_id IS NOT NULL), '{}')
FROM shipping_manifestform AS f
LEFT JOIN shipping_label AS l ON l.manifest_id = f.manifest_id
LEFT JOIN shipping_purchase AS p ON p.label_id = l.id AND p.source = f.source AND p.state = 'bought'
  AND NOT p.on_form
WHERE f.manifest_id = %(manifest)s::uuid AND f.source = %(source)s::text
GROUP BY f.reference
"""

_UNQUOTED = """
SELECT f.id FROM warehouse_fulfillment AS f
WHERE f.state = 'packed'
  AND EXISTS (SELECT FROM carriage_service AS s WHERE s.company_id = f.company_id AND s.active AND s.live <> '')
  AND NOT EXISTS (SELECT FROM shipping_quote AS q WHERE q.fulfillment_id = f.id
                  AND NOT EXISTS (SELECT FROM warehouse_package AS p
                                  WHERE p.fulfillment_id = f.id AND p.voided_at > q.quoted_at))
ORDER BY f.id LIMIT 500
"""
