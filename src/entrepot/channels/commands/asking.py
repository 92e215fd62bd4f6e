"""Differences with channels as work: one item for a channel while something is open. Inside a command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from entrepot.channels import rules
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEMS = {"orders": "orders of a channel differ", "stock": "stock of a channel differs"}
MISSING = "channel statement missing"
ROLE = "integration engineer"


def settled(cause: Cause, channels: Iterable[UUID], also: Sequence[tuple[int, str, UUID]] = ()) -> None:
    """Close the items of channels of which nothing is open any more, and those of `also`. Inside a command.
    3 statements."""
    params = {"channels": list(channels), "stock": rules.OF_STOCK}
    over = [(company, ITEMS[kind], channel) for company, channel, kind in sql.run(_SETTLED, params)]
    resolve_subjects(
        cause,
        requests=[ResolveSubject(*one, "agreed", "both sides agree", cause.at) for one in (*over, *also)],
    )


_SETTLED = """
SELECT c.company_id::int, c.id, k.kind
FROM network_channel AS c CROSS JOIN (VALUES ('orders'), ('stock')) AS k(kind)
WHERE c.id = ANY(%(channels)s::uuid[]) AND NOT EXISTS (
    SELECT FROM channels_difference AS m
    WHERE m.channel_id = c.id AND m.state = 'open' AND (m.kind = %(stock)s::text) = (k.kind = 'stock'))
"""
