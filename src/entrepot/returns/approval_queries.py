"""What stands behind refunds that wait for another person, so that whoever decides need look nowhere else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns.models import AHEAD

DAYS = 365
"""How far back a customer is looked at."""


class Tender(NamedTuple):
    """What an order was paid with, and what of it was given back before."""

    provider: str
    captured_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class Behind:
    """The order of a refund and its customer: orders, returns and refunds of the year before this one, in its currency.
    `ahead` are units that are refunded before they have come, `doors` how the goods looked when they came, `noted`
    what a rule of fraud found, and `photos` what the customer sent."""

    refund: UUID
    customer: str
    placed_at: datetime
    delivered_at: datetime | None
    tenders: tuple[Tender, ...]
    orders: int
    returns: int
    refunded_minor: int
    ahead: int
    doors: tuple[str, ...]
    noted: tuple[str, ...]
    photos: tuple[UUID, ...]


def behind(refunds: Collection[UUID]) -> dict[UUID, Behind]:
    """By refund. 1 statement, none for no refunds."""
    if not refunds:
        return {}
    rows = sql.run(_BEHIND, {"refunds": list(refunds), "days": DAYS})
    return {
        refund: Behind(  # type: ignore[call-arg]
            refund, customer, placed, delivered, tuple(Tender(*one) for one in tenders), *counts,
            tuple(doors), tuple(noted), tuple(photos),
        )
        for refund, customer, placed, delivered, tenders, *counts, doors, noted, photos in rows
    }  # fmt: skip


_BEHIND = f"""
SELECT f.id, COALESCE(c.code, ''), o.placed_at,
       (SELECT max(s.delivered_at) FROM shipping_shipment AS s WHERE s.order_id = f.order_id),
       (SELECT COALESCE(json_agg(json_build_array(p.provider, p.captured_minor, p.refunded_minor + p.refunding_minor)
                                 ORDER BY p.id), '[]'::json)
        FROM payments_payment AS p WHERE p.order_id = f.order_id AND NOT p.is_hold AND p.captured_minor > 0),
       (SELECT count(*)::int FROM orders_order AS b
        WHERE b.customer_id = r.customer_id AND b.placed_at > f.requested_at - make_interval(days => %(days)s::int)),
       w.returns, w.refunded,
       (SELECT COALESCE(sum({AHEAD}), 0)::int FROM returns_line AS l WHERE l.return_id = r.id),
       ARRAY(SELECT DISTINCT q.condition FROM returns_receipt AS q
             WHERE q.return_id = r.id AND q.condition <> '' ORDER BY 1),
       ARRAY(SELECT x.reason FROM returns_suspicion AS x WHERE x.return_id = r.id ORDER BY x.found_at, x.rule),
       ARRAY(SELECT h.photo_id FROM returns_returnphoto AS h
             JOIN returns_photocontent AS t ON t.photo_id = h.photo_id
             WHERE h.return_id = r.id ORDER BY h.added_at, h.photo_id)
FROM returns_refund AS f
JOIN returns_return AS r ON r.id = f.return_id
JOIN orders_order AS o ON o.id = f.order_id
LEFT JOIN parties_customer AS c ON c.id = r.customer_id
CROSS JOIN LATERAL (
    SELECT count(DISTINCT b.id)::int AS returns,
           COALESCE(sum(g.total_minor) FILTER (WHERE g.state <> 'rejected' AND g.outcome <> 'replacement'
                                                     AND g.currency = f.currency), 0)::bigint
               AS refunded
    FROM returns_return AS b LEFT JOIN returns_refund AS g ON g.return_id = b.id
    WHERE b.customer_id = r.customer_id AND b.id <> r.id AND b.state NOT IN ('declined', 'cancelled')
      AND b.requested_at > f.requested_at - make_interval(days => %(days)s::int)) AS w
WHERE f.id = ANY(%(refunds)s::uuid[])
"""
