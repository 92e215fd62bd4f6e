"""Reservations that have expired, or that nobody waits for any more: their units are free again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.stock.commands.keep import end_of_orders
from entrepot.stock.commands.reserve import free_expired


@dataclass(frozen=True, slots=True)
class ExpireReservations:
    """What has expired of a company's SKUs by now, and what is kept for orders that want none of it any more."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ReservationsExpired:
    """How many SKUs had some, over all companies that were asked for."""

    skus: int


@command("sourcing.expire_reservations")
def expire_reservations(
    cause: Cause, /, *, requests: Sequence[ExpireReservations]
) -> list[ReservationsExpired | Refused]:
    """Free what has expired, and what was kept for lines that were cancelled or changed since.

    Locks: positions of the SKUs in key order. Again: finds no more. 2 statements; 4 to 6 more where some have expired,
    and as many where orders want no more.
    """
    params = {"companies": [request.company for request in requests], "at": cause.at}
    skus = [sku for (sku,) in sql.run(_EXPIRED, params)]
    if skus:
        free_expired(cause, skus)
    left = sql.run(_LEFT, params)
    end_of_orders(cause, [order for order, _ in left], [sku for _, sku in left])
    return [ReservationsExpired(len({*skus, *(sku for _, sku in left)})) for _ in requests]


_EXPIRED = """
SELECT DISTINCT sku_id FROM stock_reservation
WHERE company_id = ANY(%(companies)s::smallint[]) AND expires_at <= %(at)s::timestamptz
"""

_LEFT = """
SELECT DISTINCT r.order_id, r.sku_id FROM stock_reservation AS r
WHERE r.order_id IS NOT NULL AND r.company_id = ANY(%(companies)s::smallint[])
  AND NOT EXISTS (SELECT FROM orders_line AS l
                  WHERE l.order_id = r.order_id AND l.sku_id = r.sku_id AND l.open + l.backordered > 0)
ORDER BY 1, 2
"""
