"""What deciding about a request to return needs: orders, lines, what left of them, and the policies in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money, sql
from entrepot.ledger.currency_queries import rate_on
from entrepot.returns import admission, holding, reasons, rules
from entrepot.returns.fraud import FraudPolicy

SHAPES = (
    rules.Policy,
    rules.ExchangePolicy,
    admission.Admission,
    reasons.Reasons,
    holding.InstantPolicy,
    FraudPolicy,
)
"""Of the policies by which returns are decided."""


class Order(NamedTuple):
    """`arrived_at` is when the last part that left arrived, as its carrier told or as is to be expected of its service;
    `left_at` when the last one left that neither is known of. All that left is `told` of, and nothing is `to_come`."""

    company: int
    number: str
    channel: UUID
    customer: UUID | None
    currency: str
    node: UUID | None
    arrived_at: datetime | None
    left_at: datetime | None
    told: bool
    to_come: bool
    placed_at: datetime
    country: str
    channel_code: str
    tier: str
    promotions: tuple[str, ...]
    home: str = ""
    rate: Decimal | None = None
    postal_code: str = ""

    def arrived(self, transit_days: int) -> datetime | None:
        """When the last part arrived; of what left by no service of ours, so many days after it left."""
        expected = self.left_at + timedelta(days=transit_days) if self.left_at else None
        return max((one for one in (self.arrived_at, expected) if one), default=None)

    def at_home(self, minor: int) -> int:
        """An amount of the order in the company's own currency, as `money.in_own` has it."""
        return money.in_own(minor, self.rate, self.currency, self.home)


class Line(NamedTuple):
    order: UUID
    sku: UUID
    shipped: int
    left: int
    code: str
    category: str
    hazardous: bool
    tracked: bool
    unit_minor: int
    final_sale: bool
    promotions: tuple[str, ...]
    names: tuple[str, ...]


def orders_of(wanted: Collection[UUID]) -> dict[UUID, Order]:
    return {row[0]: Order(*row[1:]) for row in sql.run(_ORDERS, {"orders": list(wanted)})}


def lines_of(wanted: Collection[UUID]) -> dict[UUID, Line]:
    return {row[0]: Line(*row[1:]) for row in sql.run(_LINES, {"lines": list(wanted)})}


class Nodes:
    """Nodes that requests name and that rules send goods to."""

    def __init__(self, named: Sequence[UUID], companies: Iterable[int], codes: Collection[str]) -> None:
        """1 statement, none where none is named."""
        self.company: dict[UUID, int] = {}
        self.by_code: dict[int, dict[str, UUID]] = defaultdict(dict)
        if not named and not codes:
            return
        params = {"nodes": list(named), "companies": sorted(set(companies)), "codes": sorted(codes)}
        for node, company, code in sql.run(_NODES, params):
            self.company[node] = company
            self.by_code[company][code] = node


def facts(
    order: Order,
    line_id: UUID,
    line: Line,
    at: datetime,
    *,
    reason: str,
    condition: str,
    named: Iterable[str],
    units: int = 1,
    return_minor: int = 0,
    transit_days: int = 0,
) -> admission.Facts:
    """What the rules want to know of so many units of a line, of which all that shall come back was paid with
    `return_minor` in the order's currency."""
    return admission.Facts(
        line_id, line.code, line.category, line.hazardous, line.tracked, line.final_sale,
        order.at_home(line.unit_minor), order.at_home(line.unit_minor * units), order.at_home(return_minor),
        reason, condition, order.tier,
        frozenset((*order.promotions, *line.promotions)), order.country, order.placed_at.astimezone(UTC).date(),
        at.astimezone(UTC).date(), _days(order.placed_at, at), _days(order.arrived(transit_days), at),
        not order.to_come, order.told, frozenset(one for one in named if one), frozenset(line.names),
    )  # fmt: skip


def _days(since: datetime | None, at: datetime) -> int:
    return max(0, (at - since).days) if since else 0


_ORDERS = f"""
SELECT o.id, o.company_id::int, o.number, o.channel_id, o.customer_id, o.currency, COALESCE(
           (SELECT h.node_id FROM shipping_shipment AS h
            WHERE h.order_id = o.id AND h.node_id IS NOT NULL ORDER BY h.id DESC LIMIT 1),
           (SELECT n.id FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
            WHERE cn.channel_id = o.channel_id ORDER BY n.priority + cn.priority, n.code LIMIT 1)),
       s.arrived_at, s.left_at, COALESCE(s.told, FALSE),
       EXISTS (SELECT FROM orders_line AS l
               WHERE l.order_id = o.id AND l.sku_id IS NOT NULL
                 AND l.quantity > l.shipped + l.delivered + l.cancelled),
       o.placed_at, o.country, c.code, COALESCE(u.tier, ''),
       ARRAY(SELECT p.code FROM orders_promotion AS p WHERE p.order_id = o.id AND p.line_id IS NULL),
       y.currency, {rate_on("o.company_id", "o.currency", "(o.placed_at AT TIME ZONE 'UTC')::date")}, o.postal_code
FROM orders_order AS o
JOIN parties_company AS y ON y.id = o.company_id
JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_customer AS u ON u.id = o.customer_id
LEFT JOIN LATERAL (
    SELECT max(COALESCE(h.delivered_at, h.shipped_at + make_interval(
               days => COALESCE((h.reasons #>> '{{candidates,0,days}}')::int, v.transit_days)))) AS arrived_at,
           max(h.shipped_at) FILTER (WHERE h.delivered_at IS NULL AND v.id IS NULL) AS left_at,
           bool_and(h.delivered_at IS NOT NULL) AS told
    FROM shipping_shipment AS h LEFT JOIN carriage_service AS v ON v.id = h.service_id
    WHERE h.order_id = o.id) AS s ON TRUE
WHERE o.id = ANY(%(orders)s::uuid[])
"""

# What left is looked at only for SKUs that have lots or serial numbers.
_LINES = """
SELECT l.id, l.order_id, l.sku_id, l.shipped + l.delivered, l.shipped + l.delivered - COALESCE(s.authorized, 0),
       l.sku_code, k.category, k.hazardous, k.lot_policy <> 'none' OR k.serial_policy <> 'none',
       ((l.gross_minor - l.discount_minor + l.tax_minor) / l.quantity)::bigint, l.final_sale,
       ARRAY(SELECT p.code FROM orders_promotion AS p WHERE p.order_id = l.order_id AND p.line_id = l.id),
       CASE WHEN k.lot_policy <> 'none' OR k.serial_policy <> 'none' THEN ARRAY(
           SELECT DISTINCT x.name
           FROM shipping_shipment AS h
           JOIN stock_move AS m ON m.document_id = h.id AND m.line_id = l.id AND m.to_place = 'customer'
           JOIN stock_bucket AS b ON b.id = m.from_bucket
           CROSS JOIN LATERAL (VALUES (b.lot), (b.serial)) AS x(name)
           WHERE h.order_id = l.order_id AND x.name <> '') ELSE '{}'::text[] END
FROM orders_line AS l
JOIN catalog_sku AS k ON k.id = l.sku_id
LEFT JOIN returns_sold AS s ON s.line_id = l.id
WHERE l.id = ANY(%(lines)s::uuid[])
"""

_NODES = """
SELECT id, company_id::int, code FROM network_node
WHERE id = ANY(%(nodes)s::uuid[]) OR company_id = ANY(%(companies)s::smallint[]) AND code = ANY(%(codes)s::text[])
"""
