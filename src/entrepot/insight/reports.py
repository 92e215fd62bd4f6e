"""The figures of an import, read back from ledgers and tables."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.kernel import sql
from entrepot.kernel.money import exponent


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What the house holds of a company's imported invoices. Amounts are texts with the currency's decimals."""

    rows: int
    orders: int
    lines: int
    gross_sales: str
    cancelled_value: str
    net_all_rows: str
    net_by_month: dict[str, str]
    units_shipped: int
    units_returned: int
    unmatched_credits: int
    work_items: int
    stock_moves: int
    shipments: int
    rows_set_aside: int


def import_report(company: int) -> ImportReport:
    """Sums by source kind over the journal, and counts of documents. 3 statements."""
    ((currency,),) = sql.run(
        "SELECT currency FROM parties_company WHERE id = %(id)s::smallint", {"id": company}
    )
    digits = exponent(currency)
    gross = credited = net = 0
    by_month: dict[str, int] = {}
    for month, family, amount in sql.run(_TRADE, {"company": company}):
        gross += amount if family == "sale" else 0
        credited += amount if family == "credit" else 0
        net += amount
        by_month[month] = by_month.get(month, 0) + amount
    (counts,) = sql.run(_COUNTS, {"company": company})
    rows, set_aside, orders, lines, shipped, returned, unmatched, items, moves, shipments = counts
    return ImportReport(
        rows=rows, orders=orders, lines=lines, gross_sales=_amount(gross, digits),
        cancelled_value=_amount(credited, digits), net_all_rows=_amount(net, digits),
        net_by_month={month: _amount(amount, digits) for month, amount in sorted(by_month.items())},
        units_shipped=shipped, units_returned=returned, unmatched_credits=unmatched, work_items=items,
        stock_moves=moves, shipments=shipments, rows_set_aside=set_aside,
    )  # fmt: skip


def _amount(minor: int, digits: int) -> str:
    if not digits:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{part:0{digits}}"


_TRADE = """
SELECT to_char(month, 'YYYY-MM'), split_part(kind, '.', 1), -sum(functional_minor)::bigint
FROM ledger_line WHERE company_id = %(company)s::smallint
  AND (kind LIKE 'sale.%%' OR kind LIKE 'credit.%%' OR kind = 'bad_debt')
GROUP BY 1, 2
"""

_COUNTS = """
SELECT (SELECT COALESCE(sum(CASE state WHEN 'set_aside' THEN 1 ELSE jsonb_array_length(payload::jsonb) END), 0)::bigint
        FROM kernel_inbox WHERE company_id = c.id),
       (SELECT count(*) FROM kernel_inbox WHERE company_id = c.id AND state = 'set_aside'),
       (SELECT count(*) FROM orders_order WHERE company_id = c.id),
       (SELECT count(*) FROM orders_line WHERE company_id = c.id),
       (SELECT COALESCE(sum(l.quantity), 0)::bigint FROM shipping_shipmentline AS l
        JOIN shipping_shipment AS s ON s.id = l.shipment_id WHERE s.company_id = c.id),
       (SELECT COALESCE(sum(l.quantity), 0)::bigint FROM orders_creditline AS l
        JOIN orders_credit AS r ON r.id = l.credit_id WHERE r.company_id = c.id AND l.kind = 'goods'),
       (SELECT count(*) FROM orders_credit WHERE company_id = c.id AND state = 'unmatched'),
       (SELECT count(*) FROM work_item WHERE company_id = c.id),
       (SELECT count(*) FROM stock_move WHERE company_id = c.id),
       (SELECT count(*) FROM shipping_shipment WHERE company_id = c.id)
FROM parties_company AS c WHERE c.id = %(company)s::smallint
"""
