"""What buyers write to whoever gets their gift, kept in the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class KeepGiftMessage:
    """Words that go into the parcels of an order."""

    company: int
    order: UUID
    message: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class GiftMessageKept:
    order: UUID


@command("parties.keep_gift_messages")
def keep_gift_messages(
    cause: Cause, /, *, requests: Sequence[KeepGiftMessage]
) -> list[GiftMessageKept | Refused]:
    """The messages of orders, each in place of the one before; nothing said takes it away.

    No event: the order has one, and the log holds nobody's words. Locks: the rows in order of their orders. Again: it
    stands as said. 1 statement; 1 more where one is taken away.
    """
    said = {one.order: one for one in sorted(requests, key=lambda one: one.order)}
    gone = [one.order for one in said.values() if not one.message]
    rows = [(one.order, one.company, one.message, cause.at) for one in said.values() if one.message]
    if gone:
        sql.run(_FORGET, {"orders": gone})
    if rows:
        sql.upsert(
            "parties_giftmessage", ("order_id",), ("order_id", "company_id", "message", "kept_at"), rows
        )
    return [GiftMessageKept(one.order) for one in requests]


_FORGET = """
DELETE FROM parties_giftmessage WHERE order_id IN (
    SELECT order_id FROM parties_giftmessage WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY order_id FOR UPDATE)
"""
