"""Reservations that have expired, or that nobody waits for any more: their units are free again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.sourcing.commands.surplus import end_surplus
from entrepot.stock.commands.reserve import free_expired


@dataclass(frozen=True, slots=True)
class ExpireReservations:
    """What has expired of a company's SKUs by now, and what is kept for orders beyond what they still want."""

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
    """Free what has expired, and what is kept for orders beyond what they still want, however it came to be.

    Locks: positions of the SKUs in key order. Again: finds no more. 2 statements; 4 to 6 more where some have expired,
    and as many where orders want no more.
    """
    companies = [request.company for request in requests]
    skus = [sku for (sku,) in sql.run(_EXPIRED, {"companies": companies, "at": cause.at})]
    if skus:
        free_expired(cause, skus)
    left = end_surplus(cause, companies=companies)
    return [ReservationsExpired(len({*skus, *left})) for _ in requests]


_EXPIRED = """
SELECT DISTINCT sku_id FROM stock_reservation
WHERE company_id = ANY(%(companies)s::smallint[]) AND expires_at <= %(at)s::timestamptz
"""
