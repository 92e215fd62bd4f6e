"""Background work of payments: ask providers, and record what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog
from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.delivery import Claimed
from entrepot.kernel.errors import Refused, Unavailable
from entrepot.parties import queries as parties
from entrepot.payments.commands.follow_disputes import ExpireDisputes, expire_disputes
from entrepot.payments.commands.settle import Settle, settle
from entrepot.payments.commands.take_messages import RetakeMessage, retake_messages
from entrepot.payments.commands.tell_disputes import DisputeTold, TellDispute, tell_disputes
from entrepot.payments.providers import Asked, Client, fake
from entrepot.payments.providers.stripe import client as stripe
from entrepot.payments.providers.stripe import parse

log = structlog.get_logger("entrepot.payments")

POLLED = timedelta(days=150)


def ask_fake(cause: Cause, message: Claimed) -> None:
    """Send one attempt to the recorded provider."""
    _ask(cause, message, fake.client)


def ask_stripe(cause: Cause, message: Claimed) -> None:
    """Send one attempt to Stripe."""
    _ask(cause, message, stripe.client())


def _ask(cause: Cause, message: Claimed, client: Client) -> None:
    asked = msgspec.json.decode(message.body, type=Asked)
    outcome = client.ask(asked)
    settle(
        cause, requests=[Settle(asked.attempt, outcome.ok, outcome.reference, outcome.error, outcome.ends_at)]
    )


@app.periodic(cron="35 * * * *")
@app.task(name="payments.watch_disputes", queueing_lock="payments.watch_disputes")
def watch_disputes(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: disputes that no message told of, and those that nobody answered in time."""
    now = timezone.now()
    cause = Cause(Actor("system:payments", everything=True), now, "disputes of providers")
    if settings.STRIPE_KEY:
        try:
            poll_disputes(cause, stripe.client())
        except Unavailable as error:  # the next hour asks again
            log.warning("disputes can't be asked for", error=str(error))
    expire_disputes(cause, requests=[ExpireDisputes(one.id) for one in parties.companies()])


def poll_disputes(cause: Cause, account: stripe.Client) -> list[DisputeTold | Refused]:
    """What Stripe says of disputes that were opened in the last months: a bank takes about so long. A page is told at
    once; what can't be read or taken is named in the log and hides no other."""
    answers: list[DisputeTold | Refused] = []
    for page in account.disputes(cause.at - POLLED):
        for name, why in page.unread.items():
            log.error("a dispute of Stripe can't be read", dispute=name, error=why)
        told = [TellDispute(one, cause.at) for one, _ in page.disputes]
        said = tell_disputes(cause, requests=told)
        for request, answer in zip(told, said, strict=True):
            if isinstance(answer, Refused):
                log.warning(
                    "a dispute of Stripe is not taken",
                    dispute=request.dispute.external_id,
                    error=answer.message,
                )
        answers += said
    return answers


def serve_inbox(cause: Cause, messages: Sequence[UUID]) -> None:
    """Messages of Stripe that a person wants taken again."""
    retake_messages(cause, requests=[RetakeMessage(message) for message in messages])


QUEUES = {f"inbox.{parse.SOURCE}": serve_inbox}
AS_WRITTEN = dict.fromkeys(
    ("payments.fake", "payments.stripe", parse.SOURCE), "it moves money, which only commands do"
)
DESTINATIONS = {"payments.fake": ask_fake, "payments.stripe": ask_stripe}
