"""What we hold of the orders and the stock that a channel makes a statement about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.channels.rules import OurOrder, OurStock
from entrepot.kernel import sql

CHANGING = ("orders.edit", "orders.cancel")
"""Commands that change what an order is for, or whether it is."""


class Period(NamedTuple):
    """Orders of a channel that were placed from `since` until before `until`."""

    channel: UUID
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """An order with its id here."""

    id: UUID
    order: OurOrder


def orders(
    periods: Sequence[Period], named: Sequence[tuple[UUID, str]], ids: Sequence[UUID] = ()
) -> dict[UUID, list[Held]]:
    """Orders by channel: of the periods, those named (channel, name), and those with the ids; what was split off an
    order counts as part of it. 1 statement."""
    params = sql.columns(("period_channels", "since", "until"), periods) | {
        "ids": list(ids), "changing": list(CHANGING),
    }  # fmt: skip
    found: dict[UUID, list[Held]] = {}
    for channel, order, *facts in sql.run(_ORDERS, params | sql.columns(("channels", "names"), named)):
        found.setdefault(channel, []).append(Held(order, OurOrder(*facts)))
    return found


def stock(wanted: Sequence[tuple[UUID, str]]) -> dict[UUID, list[tuple[UUID, OurStock]]]:
    """What channels were told last of SKUs that we know, by channel: each SKU's id and figure. 1 statement."""
    found: dict[UUID, list[tuple[UUID, OurStock]]] = {}
    for channel, sku, *facts in sql.run(_STOCK, sql.columns(("channels", "skus"), wanted)):
        found.setdefault(channel, []).append((sku, OurStock(*facts)))
    return found


# A kit is as many as its scarcest component makes; what is sent instead of a line counts as shipped, not as ordered.
_ORDERS = """
WITH RECURSIVE root AS (
    SELECT o.id FROM orders_order AS o
    JOIN unnest(%(channels)s::uuid[], %(names)s::text[]) AS d(channel, name)
      ON o.channel_id = d.channel AND o.external_id = d.name
    JOIN network_channel AS c ON c.id = o.channel_id AND c.company_id = o.company_id
    UNION SELECT o.id FROM orders_order AS o
    JOIN unnest(%(period_channels)s::uuid[], %(since)s::timestamptz[], %(until)s::timestamptz[])
         AS p(channel, since, until)
      ON o.channel_id = p.channel AND o.placed_at >= p.since AND o.placed_at < p.until
    WHERE o.origin_id IS NULL
    UNION SELECT id FROM orders_order WHERE id = ANY(%(ids)s::uuid[])
), family AS (
    SELECT id AS root, id FROM root
    UNION SELECT f.root, o.id FROM family AS f JOIN orders_order AS o ON o.origin_id = f.id
), parts AS (
    SELECT f.root, l.order_id, COALESCE(NULLIF(l.kit_code, ''), l.sku_code) AS sku, l.instead_of IS NULL AS is_ordered,
           min(l.quantity / greatest(l.kit_units, 1)) AS units,
           min((l.shipped + l.delivered) / greatest(l.kit_units, 1)) AS shipped
    FROM family AS f JOIN orders_line AS l ON l.order_id = f.id
    WHERE l.kind = 'goods'
    GROUP BY f.root, l.order_id, sku, is_ordered, CASE WHEN l.kit_number > 0 THEN l.kit_number::text ELSE l.id::text END
), goods AS (
    SELECT root, sum(shipped)::int AS shipped, jsonb_object_agg(sku, units) FILTER (WHERE units > 0) AS units
    FROM (SELECT root, sku, sum(units) FILTER (WHERE is_ordered)::int AS units, sum(shipped) AS shipped
          FROM parts GROUP BY 1, 2) AS by_sku
    GROUP BY root
), whole AS (
    SELECT f.root, bool_and(o.commercial = 'cancelled') AS is_cancelled, sum(o.total_minor)::bigint AS total,
           bool_or(o.merged_into IS NOT NULL OR EXISTS (SELECT FROM orders_order AS m WHERE m.merged_into = o.id))
               AS is_merged,
           (SELECT max(h.shipped_at) FROM shipping_shipment AS h WHERE h.order_id = ANY(array_agg(f.id))) AS shipped_at,
           COALESCE((SELECT sum(p.refunded_minor) FROM payments_payment AS p
                     WHERE p.order_id = ANY(array_agg(f.id)) AND NOT p.is_hold), 0)::bigint AS refunded,
           (SELECT max(e.occurred_at) FROM kernel_event AS e
            WHERE e.subject_id = ANY(array_agg(f.id)) AND e.command = ANY(%(changing)s::text[])) AS changed_at,
           (SELECT max(COALESCE(a.settled_at, a.asked_at)) FROM payments_payment AS p
            JOIN payments_attempt AS a ON a.payment_id = p.id AND a.kind = 'refund'
            WHERE p.order_id = ANY(array_agg(f.id)) AND NOT p.is_hold) AS refunded_at
    FROM family AS f JOIN orders_order AS o ON o.id = f.id GROUP BY f.root
)
SELECT o.channel_id, o.id, o.external_id, o.placed_at, o.currency::text, w.is_cancelled, w.total,
       COALESCE(g.units, '{}'), COALESCE(g.shipped, 0), w.shipped_at, w.refunded, w.is_merged,
       w.changed_at, w.refunded_at
FROM whole AS w JOIN orders_order AS o ON o.id = w.root LEFT JOIN goods AS g ON g.root = w.root
ORDER BY o.placed_at, o.id
"""

_STOCK = """
SELECT d.channel, s.id, s.code, COALESCE(q.quantity, 0),
       EXISTS (SELECT FROM kernel_delivery AS m
               WHERE m.subject_id = s.id AND m.destination = 'channels:' || c.code AND m.topic = 'availability.changed'
                 AND m.state = 'waiting')
FROM unnest(%(channels)s::uuid[], %(skus)s::text[]) AS d(channel, code)
JOIN network_channel AS c ON c.id = d.channel
JOIN catalog_sku AS s ON s.company_id = c.company_id AND s.code = d.code
LEFT JOIN stock_published AS q ON q.sku_id = s.id AND q.channel_id = d.channel
"""
