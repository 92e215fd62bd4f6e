"""Payment providers by name. A remote one is called by the relay after the commit; a local one settles at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from entrepot.payments.providers.stripe import amounts as stripe


class Asked(NamedTuple):
    """What a provider is asked to do. The attempt's id is the idempotency key on the other side."""

    attempt: UUID
    kind: str
    reference: str
    currency: str
    amount_minor: int


class Outcome(NamedTuple):
    """What the provider answered; of a hold, until when it stands. Not answering at all is `Unavailable`."""

    ok: bool
    reference: str
    error: str = ""
    ends_at: datetime | None = None


class Told(NamedTuple):
    """What is said to a dispute, `submit` or `accept`: evidence by the names of EVIDENCE, and a paper (PDF) of it. The
    answer's id is the idempotency key on the other side."""

    answer: UUID
    kind: str
    external_id: str
    fields: Mapping[str, str]
    paper: bytes = b""


class Client(Protocol):
    """The part of a provider that talks to the outside."""

    def ask(self, asked: Asked) -> Outcome: ...

    def answer(self, told: Told) -> Outcome: ...


STORE_CREDIT = "store_credit"
HOLD_DAYS = 7
"""How long an authorization of a card that the house places by itself is good for, as card schemes have it."""
MARKETPLACES = frozenset({"amazon", "ebay", "etsy", "kaufland", "otto", "walmart", "zalando"})
COLLECTED = MARKETPLACES | {"klarna", "paypal", "shopify"}
"""Who takes a channel's money, gives it back, and pays out what is left: marketplaces, and services that a shop asks by
itself. Nobody here asks them; a payment's reference is their own name of its order, by which their reports know it."""
LOCAL = frozenset({"account", STORE_CREDIT}) | COLLECTED
"""Providers that nobody here asks: goods on account, what customers have with the house, and what a channel has taken
are settled by the books alone."""
STEPS = {"stripe": stripe.step_of}


def step_of(provider: str, currency: str) -> int:
    """The minor units in which a provider takes a currency."""
    return STEPS[provider](currency) if provider in STEPS else 1


EVIDENCE = (
    "product_description", "customer_name", "customer_email_address", "billing_address", "shipping_address",
    "shipping_carrier", "shipping_tracking_number", "shipping_date", "service_date", "refund_policy_disclosure",
    "refund_refusal_explanation", "cancellation_rebuttal", "duplicate_charge_explanation", "access_activity_log",
    "uncategorized_text",
)  # fmt: skip
"""What evidence may say, by the names that Stripe made common."""
OF_PEOPLE = frozenset({"customer_name", "customer_email_address", "billing_address", "shipping_address"})
"""Of these, what stands in the vault: read when it is sent, and kept nowhere else."""
