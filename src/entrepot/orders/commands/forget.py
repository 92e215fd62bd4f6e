"""Forget fingerprints that no policy can ask for any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.orders.validation import DAY

KEPT = timedelta(minutes=2 * DAY)
"""Twice the longest time that a policy may count, for orders that a channel sends late."""


@dataclass(frozen=True, slots=True)
class ForgetFingerprints:
    """Those of orders placed before a moment."""

    before: datetime
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FingerprintsForgotten:
    rows: int


@command("orders.forget_fingerprints")
def forget_fingerprints(
    cause: Cause, /, *, requests: Sequence[ForgetFingerprints]
) -> list[FingerprintsForgotten | Refused]:
    """Fingerprints gone for good, but of orders that somebody still reviews; the orders and the vault keep what they
    have.

    No event: nothing that anybody did is undone. Again: finds none. 1 statement.
    """
    ((rows,),) = sql.run(_FORGET, {"before": max(one.before for one in requests)})
    return [FingerprintsForgotten(rows if i == 0 else 0) for i in range(len(requests))]


_FORGET = """
WITH gone AS (
    DELETE FROM orders_fingerprint AS f WHERE f.placed_at < %(before)s::timestamptz
    AND NOT EXISTS (SELECT FROM orders_hold AS h
                    WHERE h.order_id = f.order_id AND h.state = 'open' AND h.type = 'fraud review')
    RETURNING 1)
SELECT count(*)::int FROM gone
"""
