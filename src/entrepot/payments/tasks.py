"""Background work of payments: ask providers, and record what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from entrepot.kernel.cause import Cause
from entrepot.kernel.delivery import Claimed
from entrepot.payments.commands.settle import Settle, settle
from entrepot.payments.commands.take_messages import RetakeMessage, retake_messages
from entrepot.payments.providers import Asked, Client, fake
from entrepot.payments.providers.stripe import client as stripe
from entrepot.payments.providers.stripe import parse


def ask_fake(cause: Cause, message: Claimed) -> None:
    """Send one attempt to the recorded provider."""
    _ask(cause, message, fake.client)


def ask_stripe(cause: Cause, message: Claimed) -> None:
    """Send one attempt to Stripe."""
    _ask(cause, message, stripe.client())


def _ask(cause: Cause, message: Claimed, client: Client) -> None:
    asked = msgspec.json.decode(message.body, type=Asked)
    outcome = client.ask(asked)
    settle(cause, requests=[Settle(asked.attempt, outcome.ok, outcome.reference, outcome.error)])


def serve_inbox(cause: Cause, messages: Sequence[UUID]) -> None:
    """Messages of Stripe that a person wants taken again."""
    retake_messages(cause, requests=[RetakeMessage(message) for message in messages])


QUEUES = {f"inbox.{parse.SOURCE}": serve_inbox}
AS_WRITTEN = dict.fromkeys(
    ("payments.fake", "payments.stripe", parse.SOURCE), "it moves money, which only commands do"
)
DESTINATIONS = {"payments.fake": ask_fake, "payments.stripe": ask_stripe}
