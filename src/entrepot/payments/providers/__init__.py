"""Payment providers by name. A remote one is called by the relay after the commit; a local one settles at once."""

from __future__ import annotations

from typing import NamedTuple, Protocol
from uuid import UUID


class Asked(NamedTuple):
    """What a provider is asked to do. The attempt's id is the idempotency key on the other side."""

    attempt: UUID
    kind: str
    reference: str
    currency: str
    amount_minor: int


class Outcome(NamedTuple):
    """What the provider answered. Not answering at all is `Unavailable`."""

    ok: bool
    reference: str
    error: str = ""


class Client(Protocol):
    """The part of a provider that talks to the outside."""

    def ask(self, asked: Asked) -> Outcome: ...


STORE_CREDIT = "store_credit"
HOLD_DAYS = 7
"""How long an authorization of a card that the house places by itself is good for, as card schemes have it."""
LOCAL = frozenset({"account", STORE_CREDIT})
"""Providers without an outside: goods on account, and what customers have with the house, are settled by the books
alone."""
