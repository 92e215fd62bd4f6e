"""Background work of returns: refunds that are due, answers of providers, and what waits too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import msgspec
import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel import delivery, inbox, policies, ready
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.delivery import Claimed
from entrepot.kernel.errors import AllOrNothing
from entrepot.orders.commands.cancel import REPLACEMENT
from entrepot.parties import queries as parties
from entrepot.payments import credit_queries
from entrepot.payments.commands.store_credit import ExpireCredits, expire_credits
from entrepot.returns import (
    asked_queries,
    exchange_queries,
    expiry_queries,
    hold_queries,
    label_asking,
    queries,
)
from entrepot.returns.claiming import QUEUE as CLAIMS
from entrepot.returns.commands import labels_gone
from entrepot.returns.commands.bought_labels import RecordLabelPurchase, ask, record_label_purchases
from entrepot.returns.commands.claims import ClaimParcels, claim_by_policy
from entrepot.returns.commands.estimate import Estimate, estimate
from entrepot.returns.commands.expect_sent_back import ExpectSentBack, expect_sent_back
from entrepot.returns.commands.expire import Expire, expire
from entrepot.returns.commands.forget_marks import ForgetMarks, forget_marks
from entrepot.returns.commands.give_back import GiveBack, give_back
from entrepot.returns.commands.note_arrivals import NoteArrival, WatchSentBack, note_arrivals, watch_sent_back
from entrepot.returns.commands.note_scans import NoteScan, note_scans
from entrepot.returns.commands.note_troubles import NoteTrouble, note_troubles
from entrepot.returns.commands.place_holds import PlaceHold, place_holds
from entrepot.returns.commands.poll_labels import PollLabels, poll_labels
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.settle import Settle, settle
from entrepot.returns.commands.settle_exchanges import SettleExchange, settle_exchanges
from entrepot.returns.commands.settle_holds import SettleHolds, settle_holds
from entrepot.returns.commands.watch import Watch, watch
from entrepot.returns.commands.watch_departures import WatchDepartures, watch_departures
from entrepot.returns.commands.watch_repairs import WatchRepairs, watch_repairs
from entrepot.returns.commands.withdraw_exchanges import WithdrawExchange, withdraw_exchanges
from entrepot.returns.fraud import FraudPolicy
from entrepot.shipping import adapters, buying
from entrepot.shipping.commands.take_tracking import SCANNED, SOURCES
from entrepot.shipping.commands.watch import SENT_BACK
from entrepot.shipping.live import Adapter, RefusedByCarrierError
from entrepot.shipping.rules import EXCEPTIONS, IN_HAND, CarrierEvent, UnreadableError

log = structlog.get_logger("entrepot.returns")


def serve_decide_refund(cause: Cause, returns: Sequence[UUID]) -> None:
    """Refund what is due of returns. One that has nothing due any more was served by a person meanwhile; one whose
    money is not captured yet comes again when it is; where a person rejected a refund, persons go on. What a
    customer keeps is refunded whole, whatever the milestone."""
    rejected, kept = queries.rejected(returns), asked_queries.kept(returns)
    refund(cause, requests=[Refund(one, kept.get(one)) for one in returns if one not in rejected])


def serve_refund(cause: Cause, orders: Sequence[UUID]) -> None:
    """Note what providers answered about the payments of orders, and give back the shipping of orders whose last units
    were cancelled after the others had come back."""
    settle(cause, requests=[Settle(order) for order in orders])
    secured = hold_queries.of_documents(orders)
    if secured:
        settle_holds(cause, requests=[SettleHolds(one) for one in secured])
    refund(cause, requests=[Refund(one, ()) for one in queries.shipping_left(orders)])


def serve_exchange(cause: Cause, returns: Sequence[UUID]) -> None:
    """Settle what is exchanged for goods that have come; what is not due yet is refused, and comes again with them."""
    wanted = exchange_queries.open_of(list(returns))
    if wanted:
        settle_exchanges(cause, requests=[SettleExchange(one) for one in wanted])


def serve_replacement(cause: Cause, orders: Sequence[UUID]) -> None:
    """Give back what pays for cancelled units of replacements, each as far as the limit of its return. One that no
    exchange is known for stands in the failed ones, where it is seen."""
    whole(give_back(cause, requests=[GiveBack(one) for one in orders]))


def serve_hold(cause: Cause, returns: Sequence[UUID]) -> None:
    """Give what returns are worth before their goods are back, where the policy lets an amount be held on the card for
    it; and look at what is held. What is not secured goes the usual way."""
    ids = list(returns)
    wanted = [PlaceHold(one) for one in hold_queries.unsecured(ids)]
    wanted += [PlaceHold(one, refund) for one, refund in exchange_queries.unsecured(ids)]
    if wanted:
        place_holds(cause, requests=wanted)
    held = hold_queries.standing(ids)
    if held:
        settle_holds(cause, requests=[SettleHolds(one) for one in held])


@app.periodic(cron="15 * * * *")
@app.task(name="returns.poll_labels", queueing_lock="returns.poll_labels")
def poll_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: where parcels with bought labels are, of which nobody tells us."""
    sources = tuple(adapters.polled())
    cause = Cause(Actor("system:returns", everything=True), timezone.now(), "parcels that come back")
    if sources:
        poll_labels(cause, requests=[PollLabels(company.id, sources) for company in parties.companies()])


@app.periodic(cron="45 * * * *")
@app.task(name="returns.watch", queueing_lock="returns.watch")
def watch_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: a work item for each return that waits too long and for what is owed past its day, the estimate of
    what will come back, exchanges that wait, amounts on cards, goods that do not come, store credit whose time is over,
    and fingerprints that no policy asks for any more."""
    cause = Cause(Actor("system:returns", everything=True), timezone.now(), "hourly look at returns")
    companies = [company.id for company in parties.companies()]
    credited = credit_queries.companies_with_due(cause.at)
    apart([
        *(partial(look, cause, company) for look in LOOKS for company in companies),
        *(partial(look, cause) for look in (look_at_exchanges, look_at_holds)),
        *(partial(expire_credits, cause, requests=[ExpireCredits(company)]) for company in credited),
    ])  # fmt: skip


def apart(looks: Sequence[Callable[[], object]]) -> None:
    """Do each, whatever becomes of the others. A bug is logged, and fails the job when all are done."""
    bugs: list[Exception] = []
    for look in looks:
        try:
            look()
        except Exception as error:
            log.exception("a look at returns failed")
            bugs.append(error)
    if bugs:
        raise ExceptionGroup("looks at returns failed", bugs)


def look_at_what_waits(cause: Cause, company: int) -> None:
    """A work item for each return and each repair that waits too long, and for each parcel to a customer that does not
    arrive."""
    watch(cause, requests=[Watch(company)])
    watch_repairs(cause, requests=[WatchRepairs(company)])
    watch_sent_back(cause, requests=[WatchSentBack(company)])


def look_at_departures(cause: Cause, company: int) -> None:
    """A work item for what is owed past its day."""
    watch_departures(cause, requests=[WatchDepartures(company)])


def look_at_sales(cause: Cause, company: int) -> None:
    """The estimate of what will come back."""
    estimate(cause, requests=[Estimate(company)])


def forget_old_marks(cause: Cause, company: int) -> None:
    """Fingerprints older than the company's policy looks back."""
    _, policy = policies.of_company(company, FraudPolicy, cause.at)
    before = cause.at - timedelta(days=max(policy.memory_days, policy.cluster_days))
    forget_marks(cause, requests=[ForgetMarks(company, before=before)])


def look_at_exchanges(cause: Cause) -> None:
    """Exchanges whose goods came and whose turn was lost are settled; those whose goods did not come in time end."""
    _make_ready(cause, "exchange", exchange_queries.reached())
    _make_ready(cause, "end_exchange", exchange_queries.overdue(cause.at))


def look_at_holds(cause: Cause) -> None:
    """Holds whose goods are not back in time are taken, and those that end soon at the bank decided about."""
    _make_ready(cause, "hold", hold_queries.due(cause.at))


def look_at_what_does_not_come(cause: Cause, company: int) -> None:
    """Customers whose goods are waited for are reminded, and what did not come by its day is given up."""
    _make_ready(cause, "expire", expiry_queries.due(company, cause.at))


def _make_ready(cause: Cause, queue: str, subjects: Sequence[UUID]) -> None:
    """The worker serves them in batches, and halves one that fails until the culprit stands alone, where it is seen."""
    ready.put(ready.Offer(queue, one, 0, cause.at) for one in subjects)


def serve_end_exchange(cause: Cause, refunds: Sequence[UUID]) -> None:
    """Give up exchanges by their refunds; one whose goods came meanwhile is settled and refused here."""
    why = "what was to come back did not come in time"
    withdraw_exchanges(cause, requests=[WithdrawExchange(one, why) for one in refunds])


def serve_expire(cause: Cause, returns: Sequence[UUID]) -> None:
    """Remind customers of goods that are waited for, or give these up; what came meanwhile is refused."""
    expire(cause, requests=[Expire(one) for one in returns])


LOOKS = (look_at_what_waits, look_at_departures, look_at_sales, forget_old_marks, look_at_what_does_not_come)
"""Of each company by itself, so that a bug that one meets stops nothing of the others."""


def serve_scanned(cause: Cause, messages: Sequence[UUID]) -> None:
    """Messages of carriers, however they came: the parcel that one tells of may be one that comes back, or one that
    went back to its customer. Trouble goes first: what a carrier brings to its sender is no scan any more."""
    told = [(one, event) for one in inbox.told(messages) for event in _events(one)]
    troubles = [
        NoteTrouble(one.company, event.tracking, event.kind, event.occurred_at, event.message, message=one.id)
        for one, event in told
        if event.kind in EXCEPTIONS
    ]
    if troubles:
        note_troubles(cause, requests=troubles)
    scans = [
        NoteScan(
            one.company,
            event.tracking,
            event.occurred_at,
            delivered=event.kind == "delivered",
            message=one.id,
        )
        for one, event in told
        if event.kind in IN_HAND
    ]
    if scans:
        note_scans(cause, requests=scans)
    ends = [
        NoteArrival(one.company, event.tracking, event.kind == "lost", event.occurred_at, message=one.id)
        for one, event in told
        if event.kind in ("delivered", "lost")
    ]
    if ends:
        note_arrivals(cause, requests=ends)


def _events(one: inbox.Kept) -> list[CarrierEvent]:
    """None where it was erased or changed meanwhile."""
    try:
        return SOURCES[one.source].events(one.payload)
    except UnreadableError:
        return []


def serve_sent_back(cause: Cause, shipments: Sequence[UUID]) -> None:
    """Shipments that carriers bring back; what can't be returned by the rules stays the work item that it is."""
    expect_sent_back(cause, requests=[ExpectSentBack(one) for one in shipments])


def serve_claim_return(cause: Cause, returns: Sequence[UUID]) -> None:
    """Claims to carriers for what was found, or told, of returns, as the policy says."""
    claim_by_policy(cause, requests=[ClaimParcels(one) for one in returns])


QUEUES = {
    CLAIMS: serve_claim_return,
    SCANNED: serve_scanned,
    SENT_BACK: serve_sent_back,
    "decide_refund": serve_decide_refund, "end_exchange": serve_end_exchange, "exchange": serve_exchange,
    "expire": serve_expire, "hold": serve_hold, "refund": serve_refund, REPLACEMENT: serve_replacement,
}  # fmt: skip


# ---- what the relay sends to adapters


def send(cause: Cause, message: Claimed) -> None:
    """A label of a return, bought or given back, and what the adapter answers recorded."""
    source = message.destination.partition(":")[2]
    _send[message.topic](cause, message, source, adapters.adapter(source))


def _buy_label(cause: Cause, message: Claimed, source: str, adapter: Adapter | None) -> None:
    """Where the books do not take what it costs, it is not used, and goes back."""
    offer = label_asking.offer(message.subject)
    if offer is None:
        return
    wanted = label_asking.of_label(message.subject, cause.at)
    asked, service = wanted or (None, "")
    told = buying.attempt(
        adapter, asked, service, offer, message.unheard_for(cause.at), is_last=delivery.is_last(message)
    )
    answer = RecordLabelPurchase(message.subject, told.outcome, told.bought, told.problem, told.offer)
    try:
        record_label_purchases(cause, requests=[answer])
    except AllOrNothing as refused:
        if told.bought is None:
            raise
        record_label_purchases(cause, requests=[replace(answer, problem=refused.refusals[0].message)])
    if told.outcome == "offer":
        ask(cause, [(message.subject, message.company, source)])


def _give_label_back(cause: Cause, message: Claimed, source: str, adapter: Adapter | None) -> None:  # noqa: ARG001
    try:
        if adapter is None:
            raise RefusedByCarrierError(buying.NO_ACCOUNT)
        adapter.void(msgspec.json.decode(message.body)["reference"])
        answer = RecordLabelPurchase(message.subject, "void")
    except RefusedByCarrierError as error:
        answer = RecordLabelPurchase(message.subject, "keep", problem=str(error))
    record_label_purchases(cause, requests=[answer])


_send: dict[str, Callable[[Cause, Claimed, str, Adapter | None], None]] = {
    "return.buy": _buy_label, "return.void": _give_label_back,
}  # fmt: skip
DESTINATIONS = {labels_gone.DESTINATION: send}
