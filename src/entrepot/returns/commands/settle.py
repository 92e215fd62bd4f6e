"""What became of refunds that were asked of providers: paid, or failed; and with the last one, the return is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.payments import queries as payments
from entrepot.returns import rules
from entrepot.returns.commands.lock import lock_returns, store
from entrepot.returns.models import OWED


@dataclass(frozen=True, slots=True)
class Settle:
    """Look at the refunds of an order, because a provider answered."""

    order: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """How many refunds changed their state."""

    order: UUID
    changed: int


class _Refund(NamedTuple):
    id: UUID
    return_id: UUID
    order: UUID
    state: str
    total: int  # that is money


@command("returns.settle_refunds")
def settle(cause: Cause, /, *, requests: Sequence[Settle]) -> list[Settled | Refused]:
    """Refunds as their providers answered; a return whose goods and money are done with is closed.

    A refund that was paid and bounced is failed, and its return open again.
    Returns whose refunds may have waited for the money are ready to be decided again.
    Locks: the orders in id order. Refuses nothing. Again: changes nothing. 13 statements at most.
    """
    orders = [one.order for one in requests]
    found = lock_returns([row[0] for row in sql.run(_RETURNS_OF, {"orders": orders})])
    refunds = [_Refund(*row) for row in sql.run(_OPEN, {"returns": list(found)})]
    asked = payments.refund_states([one.id for one in refunds]) if refunds else {}
    changed = []
    for one in refunds:
        waiting, done, _failed = asked[one.id]
        after = rules.paid_state(one.total, waiting, done)
        if after != one.state:
            changed.append((one, after))
            found[one.return_id].open_refunds += (one.state == "paid") - (after == "paid")
    if changed:
        sql.run(_STORE, sql.columns(("ids", "states"), [(one.id, after) for one, after in changed]))
        announce(cause, [
            Event("refund", one.id, found[one.return_id].company, one.state, after) for one, after in changed
        ])  # fmt: skip
        store(cause, {one.return_id: found[one.return_id] for one, _ in changed}.values(), {})
    offer("decide_refund", [(one, 0, cause.at) for (one,) in sql.run(_UNDECIDED, {"orders": orders})])
    counts = {order: sum(one.order == order for one, _ in changed) for order in set(orders)}
    return [Settled(order, counts[order]) for order in orders]


_MAY_CHANGE = """(f.state IN ('approved', 'failed') OR f.state = 'paid' AND EXISTS (
    SELECT FROM payments_attempt AS a
    WHERE a.document_id = f.id AND a.kind = 'refund' AND a.state = 'failed' AND a.bounced_at IS NOT NULL))"""

_RETURNS_OF = f"""
SELECT DISTINCT f.return_id FROM returns_refund AS f
WHERE f.order_id = ANY(%(orders)s::uuid[]) AND {_MAY_CHANGE}
"""

_OPEN = f"""
SELECT f.id, f.return_id, f.order_id, f.state, f.total_minor - f.applied_minor FROM returns_refund AS f
WHERE f.return_id = ANY(%(returns)s::uuid[]) AND {_MAY_CHANGE}
"""

_UNDECIDED = f"""
SELECT r.id FROM returns_return AS r
WHERE r.order_id = ANY(%(orders)s::uuid[]) AND r.asked IN ('refund', 'store_credit')
  AND r.state IN ('received', 'inspected', 'disposed')
  AND {OWED}
ORDER BY r.id
"""

_STORE = """
UPDATE returns_refund AS f SET state = d.state FROM unnest(%(ids)s::uuid[], %(states)s::text[]) AS d(id, state)
WHERE f.id = d.id
"""
