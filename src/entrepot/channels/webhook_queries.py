"""What is asked of webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.channels.webhooks import GONE
from entrepot.kernel import delivery, sql, strongbox


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of events, without its secret."""

    id: UUID
    name: str
    url: str
    events: list[str]
    state: str
    why: str
    former_until: datetime | None
    made_by: str
    made_at: datetime

    @property
    def destination(self) -> str:
        return destination_of(self.id)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes, and the secrets that sign it: the one in force and, for a while, the former."""

    url: str
    state: str
    secrets: tuple[str, ...]


def destination_of(webhook: UUID) -> str:
    return f"{delivery.WEBHOOK}{webhook}"


def webhooks(company: int) -> list[Webhook]:
    """Webhooks of a company by name, without those that were removed. 1 statement."""
    return [Webhook(*row) for row in sql.run(_WEBHOOKS, {"company": company, "which": None})]


def webhook(company: int, which: UUID) -> Webhook | None:
    """One of them. 1 statement."""
    found = sql.run(_WEBHOOKS, {"company": company, "which": which})
    return Webhook(*found[0]) if found else None


def address(webhook: UUID, at: datetime) -> Address | None:
    """Where messages of a webhook go now; None where there is none. 1 statement."""
    found = sql.run(_ADDRESS, {"webhook": webhook, "at": at})
    if not found:
        return None
    url, state, *locked = found[0]
    secrets = tuple(strongbox.unlock(bytes(one), webhook.bytes).decode() for one in locked if one is not None)
    return Address(url, state, secrets)


def failing() -> list[tuple[UUID, int, bool]]:
    """Of each open webhook how many messages were given up since it was opened, without that anything arrived after
    they were written; and whether it answered that it is gone. 1 statement."""
    return [(which, given_up, gone) for which, given_up, gone in sql.run(_FAILING, {"gone": f"HTTP {GONE}"})]


def untold_since(which: UUID | None = None) -> datetime | None:
    """Since when something happened that an open webhook, or any of them, was not told of yet; None where all was. A
    transaction that takes long holds up what happens after it began. 1 statement."""
    ((since,),) = sql.run(_UNTOLD, {"which": which})
    return since  # type: ignore[no-any-return]


def latest(company: int, which: UUID, limit: int = 50) -> Sequence[delivery.Outgoing]:
    """The latest messages to a webhook of a company, newest first. 2 statements."""
    found = webhook(company, which)
    return delivery.latest(found.destination, limit) if found else []


_WEBHOOKS = """
SELECT id, name, url, events, state, why, former_until, made_by, made_at FROM channels_webhook
WHERE company_id = %(company)s::smallint AND state <> 'removed' AND (%(which)s::uuid IS NULL OR id = %(which)s::uuid)
ORDER BY name
"""

_ADDRESS = """
SELECT url, state, secret, CASE WHEN former_until > %(at)s::timestamptz THEN former END FROM channels_webhook
WHERE id = %(webhook)s::uuid
"""

_UNTOLD = """
SELECT min(e.recorded_at) FROM channels_webhook AS w CROSS JOIN LATERAL (
    SELECT recorded_at FROM kernel_event WHERE seq > w.read_seq ORDER BY seq LIMIT 1
) AS e
WHERE w.state = 'open' AND (%(which)s::uuid IS NULL OR w.id = %(which)s::uuid)
"""

# Of a message that was written before the webhook was opened, only what came of it after that counts.
_FAILING = """
SELECT w.id,
       (SELECT count(*)::int FROM kernel_delivery AS d
        WHERE d.destination = 'webhook:' || w.id AND d.destination LIKE 'webhook:%%' AND d.state = 'dead'
          AND d.next_try_at > w.opened_at AND GREATEST(d.created_at, w.opened_at) > COALESCE(a.last, '-infinity')),
       EXISTS (SELECT FROM kernel_delivery AS d
               WHERE d.destination = 'webhook:' || w.id AND d.destination LIKE 'webhook:%%' AND d.state <> 'delivered'
                 AND d.last_error = %(gone)s AND d.created_at >= w.opened_at)
FROM channels_webhook AS w CROSS JOIN LATERAL (
    SELECT max(delivered_at) AS last FROM kernel_delivery AS a
    WHERE a.destination = 'webhook:' || w.id AND a.destination LIKE 'webhook:%%' AND a.state = 'delivered'
) AS a
WHERE w.state = 'open' ORDER BY w.id
"""
