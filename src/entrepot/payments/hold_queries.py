"""What is asked of amounts that are held on customers' cards."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql


class Held(NamedTuple):
    """A payment that stands for a hold, and what was taken of it."""

    payment: UUID
    document: UUID
    state: str
    captured_minor: int
    refundable_minor: int
    expires_at: datetime | None
    failed: bool
    """A capture of it was refused, and not asked for again."""
    error: str


def held(documents: Collection[UUID]) -> dict[UUID, list[Held]]:
    """By document, the payments that were placed for it, the oldest first. 1 statement."""
    found: dict[UUID, list[Held]] = {document: [] for document in documents}
    for row in sql.run(_HELD, {"documents": list(documents)}) if found else ():
        one = Held(*row)
        found[one.document].append(one)
    return found


_HELD = """
SELECT p.id, p.order_id, p.state, p.captured_minor,
       GREATEST(0, p.captured_minor - p.refunded_minor - p.refunding_minor - p.disputed_minor), p.expires_at,
       EXISTS (SELECT FROM payments_attempt AS a
               WHERE a.payment_id = p.id AND a.kind = 'capture' AND a.state = 'failed'),
       COALESCE((SELECT a.error FROM payments_attempt AS a WHERE a.payment_id = p.id AND a.kind = 'hold'), '')
FROM payments_payment AS p WHERE p.order_id = ANY(%(documents)s::uuid[]) AND p.is_hold ORDER BY p.id
"""
