"""What came of an import, every figure read back from the ledgers and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from entrepot.kernel import money, sql


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Amounts are in minor units of the company's currency, by the source kind of the journal's lines.

    `returns_matched_…` are lines of returns, by how their sale was found. What was credited beyond the price that goods
    were sold at, less what was credited below it, is `price_adjustments`: negative where customers got it.
    """

    currency: str
    rows: int
    orders: int
    lines: int
    sales_minor: int
    credits_minor: int
    net_minor: int
    net_by_month: dict[str, int]
    units_shipped: int
    units_returned: int
    unmatched_credits: int
    work_items: int
    stock_moves: int
    shipments: int
    rows_set_aside: int
    returns_matched_exact: int
    returns_matched_latest: int
    price_adjustments_minor: int
    credits_without_sale: int

    def as_json(self, *, seconds: float, peak_rss_mb: float) -> dict[str, Any]:
        """The keys that a program reads; amounts as text with the currency's decimals."""
        amount = self.amount
        return {
            "rows": self.rows,
            "orders": self.orders,
            "lines": self.lines,
            "gross_sales": amount(self.sales_minor),
            "cancelled_value": amount(self.credits_minor),
            "net_all_rows": amount(self.net_minor),
            "net_by_month": {month: amount(minor) for month, minor in self.net_by_month.items()},
            "units_shipped": self.units_shipped,
            "units_returned": self.units_returned,
            "unmatched_credits": self.unmatched_credits,
            "work_items": self.work_items,
            "stock_moves": self.stock_moves,
            "shipments": self.shipments,
            "rows_set_aside": self.rows_set_aside,
            "returns_matched_exact": self.returns_matched_exact,
            "returns_matched_latest": self.returns_matched_latest,
            "price_adjustments": amount(self.price_adjustments_minor),
            "credits_without_sale": self.credits_without_sale,
            "seconds": round(seconds, 1),
            "peak_rss_mb": round(peak_rss_mb, 1),
        }

    def amount(self, minor: int) -> str:
        return money.text(minor, self.currency)


def of_import(*, company: int, source: str) -> ImportReport:
    """The report of all that came into a company from a source. 2 statements."""
    months = {month: int(net) for month, net in sql.run(_BY_MONTH, {"company": company})}
    figures = sql.run(_FIGURES, {"company": company, "source": source})[0]
    currency, rows, orders, lines, sales, credits_, debts, *rest = figures
    return ImportReport(
        currency, rows, orders, lines, int(sales), int(credits_), int(sales + credits_ + debts), months,
        *(int(one) for one in rest),
    )  # fmt: skip


# Each amount is counted once: its other side bears the kind "settlement".
_BY_MONTH = """
SELECT to_char(month, 'YYYY-MM'), -sum(amount_minor)
FROM ledger_line
WHERE company_id = %(company)s::smallint AND kind ~ '^(sale|credit|return)[.]|^bad_debt$'
GROUP BY month ORDER BY month
"""

_FIGURES = """
WITH trade AS (
    SELECT -coalesce(sum(amount_minor) FILTER (WHERE kind LIKE 'sale.%%'), 0) AS sales,
           -coalesce(sum(amount_minor) FILTER (WHERE kind LIKE 'credit.%%' OR kind LIKE 'return.%%'), 0) AS credits,
           -coalesce(sum(amount_minor) FILTER (WHERE kind = 'return.adjustment'), 0) AS adjustments,
           -coalesce(sum(amount_minor) FILTER (WHERE kind = 'bad_debt'), 0) AS debts
    FROM ledger_line
    WHERE company_id = %(company)s::smallint AND kind ~ '^(sale|credit|return)[.]|^bad_debt$'
), came AS (
    SELECT coalesce(sum(CASE WHEN kind = 'row' THEN 1
                             ELSE jsonb_array_length(payload::jsonb -> 'rows') END), 0) AS rows,
           count(*) FILTER (WHERE kind = 'row') AS set_aside
    FROM kernel_inbox WHERE company_id = %(company)s::smallint AND source = %(source)s::text
)
SELECT company.currency, came.rows,
    (SELECT count(*) FROM orders_order WHERE company_id = company.id),
    (SELECT count(*) FROM orders_line WHERE company_id = company.id),
    trade.sales, trade.credits, trade.debts,
    (SELECT coalesce(sum(line.quantity), 0) FROM shipping_shipmentline AS line
     JOIN shipping_shipment AS shipment ON shipment.id = line.shipment_id WHERE shipment.company_id = company.id),
    (SELECT coalesce(sum(line.quantity), 0) FROM orders_creditline AS line
     JOIN orders_credit AS credit ON credit.id = line.credit_id
     WHERE credit.company_id = company.id AND line.kind = 'goods')
    + (SELECT coalesce(sum(quantity), 0) FROM returns_receipt WHERE company_id = company.id),
    (SELECT count(*) FROM orders_credit WHERE company_id = company.id AND state = 'unmatched'),
    (SELECT count(*) FROM work_item WHERE company_id = company.id),
    (SELECT count(*) FROM stock_move WHERE company_id = company.id),
    (SELECT count(*) FROM shipping_shipment WHERE company_id = company.id),
    came.set_aside,
    (SELECT count(*) FROM returns_line AS line JOIN returns_return AS one ON one.id = line.return_id
     WHERE one.company_id = company.id AND line.found_by = 'exact'),
    (SELECT count(*) FROM returns_line AS line JOIN returns_return AS one ON one.id = line.return_id
     WHERE one.company_id = company.id AND line.found_by = 'latest'),
    trade.adjustments,
    (SELECT count(*) FROM orders_credit WHERE company_id = company.id)
FROM parties_company AS company, trade, came
WHERE company.id = %(company)s::smallint
"""
