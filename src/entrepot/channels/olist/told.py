"""What came of an import, every figure read back from the messages kept and from the house's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from entrepot.kernel import money, sql


@dataclass(frozen=True, slots=True)
class Told:
    """`messages` are counts of what the files said, anomalies in the order of times among them; `house` counts what
    became of it. Amounts are in minor units. `differences`: the orders held since payments and total differ.
    `anomalies`: the orders whose times can't be, as (order, which, what came too early, what it should have followed),
    times as the files write them."""

    currency: str
    messages: dict[str, int]
    by_status: dict[str, int]
    by_month: dict[str, int]
    payments: dict[str, tuple[int, int]]
    house: dict[str, int]
    differences: tuple[tuple[str, int, int, int], ...]
    anomalies: tuple[tuple[str, str, str, str], ...]

    def as_json(self, *, seconds: float, peak_rss_mb: float) -> dict[str, Any]:
        """The keys that a program reads; amounts as text with the currency's decimals."""
        return {
            **self.messages,
            **{
                name.removesuffix("_minor"): self._amount(value) if name.endswith("_minor") else value
                for name, value in self.house.items()
            },
            "by_status": self.by_status,
            "by_month": self.by_month,
            "payments_total": self._amount(sum(value for _, value in self.payments.values())),
            "payment_types": {
                kind: [count, self._amount(value)] for kind, (count, value) in self.payments.items()
            },
            "payment_differences": [
                {"order": order, "total": self._amount(total), "paid": self._amount(paid),
                 "difference": self._amount(differs)}
                for order, total, paid, differs in self.differences
            ],
            "time_anomalies": [
                {"order": order, "what": what, "came": came, "after": after}
                for order, what, came, after in self.anomalies
            ],
            "seconds": round(seconds, 1),
            "peak_rss_mb": round(peak_rss_mb, 1),
        }  # fmt: skip

    def _amount(self, minor: int) -> str:
        return money.text(minor, self.currency)


def told(*, company: int, source: str, currency: str) -> Told:
    """The report of all that came into a company from a source. 7 statements."""
    params = {"company": company, "source": source}
    return Told(
        currency,
        _counts(_MESSAGES, params),
        dict(sql.run(_BY_STATUS, params)),  # type: ignore[arg-type]
        dict(sql.run(_BY_MONTH, params)),  # type: ignore[arg-type]
        {kind: (count, int(value)) for kind, count, value in sql.run(_PAYMENTS, params)},
        _counts(_HOUSE, params),
        tuple(sql.run(_DIFFERENCES, params)),  # type: ignore[arg-type]
        tuple(sql.run(_ANOMALIES, params)),  # type: ignore[arg-type]
    )


def _counts(query: str, params: dict[str, Any]) -> dict[str, int]:
    return {name: int(value) for name, value in sql.run(query, params)}


_KEPT = """
WITH kept AS MATERIALIZED (
    SELECT kind, payload::jsonb AS said, payload::jsonb -> 'order' AS o
    FROM kernel_inbox WHERE company_id = %(company)s::smallint AND source = %(source)s::text
)
"""

# Times are texts of one form: their order is that of time. '' is none.
_MESSAGES = f"""{_KEPT}, counted AS (
    SELECT o, said, kind, jsonb_array_length(said -> 'items') AS items, jsonb_array_length(said -> 'payments') AS paid,
           o ->> 'order_purchase_timestamp' AS placed, o ->> 'order_approved_at' AS approved,
           o ->> 'order_delivered_carrier_date' AS sent, o ->> 'order_delivered_customer_date' AS arrived,
           o ->> 'order_estimated_delivery_date' AS promised, o ->> 'order_status' AS status
    FROM kept
), totals AS (
    SELECT count(*) AS orders, sum(items) AS items, sum(paid) AS paid, count(*) FILTER (WHERE kind = 'row') AS aside,
        count(*) FILTER (WHERE items = 0) AS empty, count(*) FILTER (WHERE paid > 1) AS several,
        count(*) FILTER (WHERE items > 0 AND paid = 0) AS unpaid,
        count(*) FILTER (WHERE (SELECT count(DISTINCT i ->> 'seller_id')
                                FROM jsonb_array_elements(said -> 'items') AS i) > 1) AS sellers,
        count(*) FILTER (WHERE status = 'delivered') AS delivered,
        count(*) FILTER (WHERE status = 'delivered' AND arrived <= promised) AS kept_promise,
        count(*) FILTER (WHERE sent <> '' AND approved <> '' AND sent < approved) AS before_approved,
        count(*) FILTER (WHERE sent <> '' AND sent < placed) AS before_placed,
        sum((SELECT count(*) FROM jsonb_array_elements(said -> 'items') AS i
             WHERE sent > i ->> 'shipping_limit_date')) AS late_items,
        count(*) FILTER (WHERE sent <> '' AND arrived <> '' AND arrived < sent) AS before_carrier,
        count(*) FILTER (WHERE status = 'canceled' AND arrived <> '') AS canceled_delivered,
        count(*) FILTER (WHERE status = 'canceled' AND sent <> '') AS canceled_sent,
        count(*) FILTER (WHERE status = 'delivered' AND arrived = '') AS no_date
    FROM counted
)
SELECT name, value FROM totals, LATERAL (VALUES
    ('orders', orders), ('order_items', items), ('order_payments', paid), ('orders_set_aside', aside),
    ('orders_without_items', empty), ('orders_with_several_payments', several), ('orders_without_payment', unpaid),
    ('multi_seller_orders', sellers), ('delivered', delivered), ('delivered_on_time', kept_promise),
    ('carrier_date_before_approved', before_approved), ('carrier_date_before_purchase', before_placed),
    ('late_handover_items', late_items), ('delivered_before_carrier_date', before_carrier),
    ('canceled_but_delivered', canceled_delivered), ('canceled_after_carrier_date', canceled_sent),
    ('delivered_status_but_no_delivery_date', no_date)
) AS facts(name, value)
"""

_BY_STATUS = f"{_KEPT} SELECT o ->> 'order_status', count(*)::int FROM kept GROUP BY 1 ORDER BY 2 DESC, 1"

_BY_MONTH = (
    f"{_KEPT} SELECT left(o ->> 'order_purchase_timestamp', 7), count(*)::int FROM kept GROUP BY 1 ORDER BY 1"
)

_PAYMENTS = f"""{_KEPT}
SELECT p ->> 'payment_type', count(*)::int, round(sum((p ->> 'payment_value')::numeric) * 100)
FROM kept, LATERAL jsonb_array_elements(said -> 'payments') AS p GROUP BY 1 ORDER BY 3 DESC
"""

_HOUSE = """
WITH placed AS (
    SELECT o.id, o.goods_minor, o.shipping_minor, o.commercial, o.held_by
    FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id AND c.code = %(source)s::text
    WHERE o.company_id = %(company)s::smallint
), sent AS (
    SELECT s.order_id, count(*) AS shipments, max(s.delivered_at) AS at, bool_and(s.state = 'delivered') AS arrived
    FROM shipping_shipment AS s WHERE s.company_id = %(company)s::smallint GROUP BY 1
)
SELECT 'placed', count(*) FROM placed
UNION ALL SELECT 'placed_in_payment_hold', count(*) FROM placed WHERE held_by = 'payment hold'
UNION ALL SELECT 'placed_and_cancelled', count(*) FROM placed WHERE commercial = 'cancelled'
UNION ALL SELECT 'house_shipments', COALESCE(sum(shipments), 0) FROM sent
UNION ALL SELECT 'house_orders_split', count(*) FROM sent WHERE shipments > 1
UNION ALL SELECT 'house_delivered', count(*) FROM sent WHERE arrived
UNION ALL SELECT 'items_value_minor', COALESCE(sum(goods_minor), 0) FROM placed
UNION ALL SELECT 'freight_value_minor', COALESCE(sum(shipping_minor), 0) FROM placed
UNION ALL SELECT 'authorized_minor', COALESCE(sum(p.authorized_minor), 0)
          FROM placed JOIN payments_payment AS p ON p.order_id = placed.id
"""

_ANOMALIES = f"""{_KEPT}
SELECT o ->> 'order_id', what, came, after
FROM kept, LATERAL (
    SELECT o ->> 'order_purchase_timestamp', o ->> 'order_approved_at', o ->> 'order_delivered_carrier_date',
           o ->> 'order_delivered_customer_date') AS t(placed, approved, sent, arrived),
LATERAL (VALUES
    ('carrier date before approved', sent, approved), ('carrier date before purchase', sent, placed),
    ('delivered before carrier date', arrived, sent)
) AS times(what, came, after)
WHERE came <> '' AND after <> '' AND came < after
ORDER BY placed, 1, what
"""

_DIFFERENCES = """
SELECT o.external_id, (h.facts ->> 'total_minor')::int, (h.facts ->> 'authorized_minor')::int,
       (h.facts ->> 'difference_minor')::int
FROM orders_hold AS h JOIN orders_order AS o ON o.id = h.order_id
JOIN network_channel AS c ON c.id = o.channel_id AND c.code = %(source)s::text
WHERE o.company_id = %(company)s::smallint AND h.state = 'open' AND h.facts ? 'difference_minor'
ORDER BY o.placed_at, o.external_id
"""
