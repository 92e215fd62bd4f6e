"""Who, why and when: the first argument of every command."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ids


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API key or a part of the system, with the commands it may give.

    `everything` is for the system's own actors (worker, importer); people hold the permissions of their `roles`.
    `companies`: those whose documents it sees and changes; None: all.
    """

    name: str
    permissions: frozenset[str] = frozenset()
    everything: bool = False
    roles: frozenset[str] = frozenset()
    companies: frozenset[int] | None = None

    def may(self, command: str) -> bool:
        return self.everything or command in self.permissions

    def is_of(self, company: int) -> bool:
        """Whether what a company has is there for it."""
        return self.companies is None or company in self.companies


@dataclass(frozen=True, slots=True)
class Cause:
    """Built once at the edge and passed down unchanged.

    `at` is the time of recording, with zone. A request that happened earlier says so in its own `occurred_at`.
    """

    actor: Actor
    at: datetime
    reason: str = ""
    correlation: UUID = field(default_factory=ids.uuid7)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("Cause.at needs a time zone: a moment without one is ambiguous")

    def chance(self) -> random.Random:
        """The only randomness a command may use: the same cause draws the same numbers."""
        return random.Random(self.correlation.int)

    def because(self, reason: str) -> Cause:
        return replace(self, reason=reason)
