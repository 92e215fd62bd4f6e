"""What campaigns and promotions brought, what they cost, and what of it came back."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime

from entrepot.kernel import money, sql
from entrepot.ledger.chart import plays
from entrepot.ledger.currency_queries import rate_on


@dataclass(frozen=True, slots=True)
class Campaigned:
    """The orders of a campaign or a promotion; amounts in the company's currency, from its books.

    `given_minor` is the discount. `sales_minor` is revenue without tax of what left, `cost_minor` what that had cost,
    and `refunded_minor` what was given back for goods. The margin counts returned goods as sold at nothing: what they
    bring a second time is another order's. Discounts and refunds in another currency count at the rate by which their
    sale was posted, those of what no sale of goods was posted of at that of the day on which it was ordered.
    """

    name: str
    orders: int
    units: int
    given_minor: int
    sales_minor: int
    cost_minor: int
    refunded_minor: int
    units_shipped: int
    units_returned: int

    @property
    def margin_minor(self) -> int:
        return self.sales_minor - self.cost_minor - self.refunded_minor

    @property
    def return_rate(self) -> float:
        """Units that came back of those that left."""
        return self.units_returned / self.units_shipped if self.units_shipped else 0.0


def campaigns(company: int, *, since: datetime, until: datetime) -> list[Campaigned]:
    """Campaigns of orders placed from `since` to before `until`, those that sold most first."""
    return _told(_CAMPAIGNS, company, since, until)


def promotions(company: int, *, since: datetime, until: datetime) -> list[Campaigned]:
    """Promotions likewise. An order counts with each promotion that it has."""
    return _told(_PROMOTIONS, company, since, until)


def _told(chosen: str, company: int, since: datetime, until: datetime) -> list[Campaigned]:
    params = {"company": company, "since": since, "until": until}
    sums: dict[str, Campaigned] = {}
    told = _TOLD.format(chosen=chosen, cost_of_goods=plays("e", 5000))
    for name, currency, own, rate, given, refunded, *figures in sql.run(told, params):
        figures[2] += money.in_own(given, rate, currency, own)
        figures[5] += money.in_own(refunded, rate, currency, own)
        before = astuple(sums[name])[1:] if name in sums else (0,) * len(figures)
        sums[name] = Campaigned(name, *map(sum, zip(before, figures, strict=True)))
    return sorted(sums.values(), key=lambda one: (-one.sales_minor, one.name))


# What is sent instead of something repeats the discount of what was ordered.
_CAMPAIGNS = """
SELECT campaign AS name, id AS order_id, discount_minor - COALESCE((
           SELECT sum(l.discount_minor) FROM orders_line AS l
           WHERE l.order_id = orders_order.id AND l.instead_of IS NOT NULL), 0) AS given
FROM orders_order
WHERE company_id = %(company)s::smallint AND campaign <> ''
  AND placed_at >= %(since)s::timestamptz AND placed_at < %(until)s::timestamptz
"""

_PROMOTIONS = """
SELECT p.code AS name, p.order_id, sum(p.amount_minor)::bigint AS given
FROM orders_promotion AS p JOIN orders_order AS o ON o.id = p.order_id
WHERE p.company_id = %(company)s::smallint
  AND o.placed_at >= %(since)s::timestamptz AND o.placed_at < %(until)s::timestamptz
GROUP BY 1, 2
"""

# Each kind of fact is read once for all orders. A document is looked up by its key alone: asked for as the order or one
# of its shipments, the whole ledger would be read for each order.
_TOLD = (
    """
WITH chosen AS MATERIALIZED ({chosen}),
bought AS (
    SELECT order_id, sum(quantity) FILTER (WHERE instead_of IS NULL) AS units, sum(shipped + delivered) AS shipped
    FROM orders_line WHERE kind = 'goods' AND order_id IN (SELECT order_id FROM chosen) GROUP BY 1
), booked AS (
    SELECT d.order_id,
           -sum(e.functional_minor) FILTER (WHERE e.kind LIKE 'sale.%%' AND e.kind <> 'sale.tax') AS sales,
           sum(e.functional_minor) FILTER (WHERE {cost_of_goods}) AS cost,
           sum(e.functional_minor) FILTER (WHERE e.kind = 'sale.goods')
               / NULLIF(sum(e.amount_minor) FILTER (WHERE e.kind = 'sale.goods'), 0) AS worth
    FROM (SELECT DISTINCT order_id, order_id AS id FROM chosen
          UNION ALL
          SELECT order_id, id FROM shipping_shipment WHERE order_id IN (SELECT order_id FROM chosen)) AS d
    JOIN ledger_line AS e ON e.document_id = d.id GROUP BY 1
), back AS (
    SELECT order_id, sum(received) AS units, sum(goods_minor) AS refunded
    FROM returns_sold WHERE order_id IN (SELECT order_id FROM chosen) GROUP BY 1
)
SELECT c.name, o.currency, k.currency, y.rate, COALESCE(sum(c.given) FILTER (WHERE b.worth IS NULL), 0)::bigint,
       COALESCE(sum(r.refunded) FILTER (WHERE b.worth IS NULL), 0)::bigint,
       count(*)::int, COALESCE(sum(l.units), 0)::int, COALESCE(sum(round(c.given * b.worth)), 0)::bigint,
       COALESCE(sum(b.sales), 0)::bigint, COALESCE(sum(b.cost), 0)::bigint,
       COALESCE(sum(round(r.refunded * b.worth)), 0)::bigint, COALESCE(sum(l.shipped), 0)::int,
       COALESCE(sum(r.units), 0)::int
FROM chosen AS c JOIN orders_order AS o ON o.id = c.order_id JOIN parties_company AS k ON k.id = o.company_id
LEFT JOIN bought AS l ON l.order_id = c.order_id
LEFT JOIN booked AS b ON b.order_id = c.order_id
LEFT JOIN back AS r ON r.order_id = c.order_id
CROSS JOIN LATERAL (SELECT CASE WHEN b.worth IS NULL AND o.currency <> k.currency THEN """
    + rate_on("k.id", "o.currency", "(o.placed_at AT TIME ZONE 'UTC')::date")
    + """ END AS rate) AS y
GROUP BY c.name, o.currency, k.currency, y.rate
"""
)
