"""What campaigns and promotions brought, what they cost, and what of it came back."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime

from entrepot.kernel import money, sql
from entrepot.ledger.currency_queries import rate_on


@dataclass(frozen=True, slots=True)
class Campaigned:
    """The orders of a campaign or a promotion; amounts in the company's currency, from its books.

    `given_minor` is the discount. `sales_minor` is revenue without tax of what left, `cost_minor` what that had cost,
    and `refunded_minor` what was given back for goods. The margin counts returned goods as sold at nothing: what they
    bring a second time is another order's. Discounts and refunds in another currency count at the rate by which their
    sale was posted, discounts of what has not left at that of the day on which it was ordered.
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
    for name, currency, own, rate, waiting, *figures in sql.run(_TOLD.format(chosen=chosen), params):
        figures[2] += money.in_own(waiting, rate, currency, own)
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

# Order by order and by key: an order of a campaign is one of many, and its documents are few.
_TOLD = (
    """
WITH chosen AS ({chosen})
SELECT c.name, o.currency, k.currency, y.rate, COALESCE(sum(c.given) FILTER (WHERE b.worth IS NULL), 0)::bigint,
       count(*)::int, sum(l.units)::int, COALESCE(sum(round(c.given * b.worth)), 0)::bigint, sum(b.sales)::bigint,
       sum(b.cost)::bigint, sum(round(r.refunded * COALESCE(b.worth, 1)))::bigint, sum(l.shipped)::int,
       sum(r.units)::int
FROM chosen AS c JOIN orders_order AS o ON o.id = c.order_id JOIN parties_company AS k ON k.id = o.company_id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(quantity) FILTER (WHERE kind = 'goods' AND instead_of IS NULL), 0)::int AS units,
           COALESCE(sum(shipped + delivered) FILTER (WHERE kind = 'goods'), 0)::int AS shipped
    FROM orders_line WHERE order_id = c.order_id
) AS l
CROSS JOIN LATERAL (
    SELECT COALESCE(-sum(e.functional_minor) FILTER (WHERE e.kind LIKE 'sale.%%' AND e.kind <> 'sale.tax'), 0) AS sales,
           COALESCE(sum(e.functional_minor) FILTER (WHERE e.account = 5000), 0) AS cost,
           sum(e.functional_minor) FILTER (WHERE e.kind = 'sale.goods')
               / NULLIF(sum(e.amount_minor) FILTER (WHERE e.kind = 'sale.goods'), 0) AS worth
    FROM ledger_line AS e
    WHERE e.document_id = c.order_id
       OR e.document_id IN (SELECT s.id FROM shipping_shipment AS s WHERE s.order_id = c.order_id)
) AS b
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(received), 0)::int AS units, COALESCE(sum(goods_minor), 0)::bigint AS refunded
    FROM returns_sold WHERE order_id = c.order_id
) AS r
CROSS JOIN LATERAL (SELECT CASE WHEN b.worth IS NULL AND o.currency <> k.currency THEN """
    + rate_on("k.id", "o.currency", "(o.placed_at AT TIME ZONE 'UTC')::date")
    + """ END AS rate) AS y
GROUP BY c.name, o.currency, k.currency, y.rate
"""
)
