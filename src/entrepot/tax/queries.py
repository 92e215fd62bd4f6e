"""What is asked of tax."""

from __future__ import annotations

from entrepot.kernel import sql
from entrepot.tax.rules import Rate


def rates(*, company: int) -> list[Rate]:
    """Every rate of a company, the newest of each place and category last. One statement."""
    return [Rate(*row) for row in sql.run(_RATES, {"company": company})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in ("tax_rate", "tax_exemption")}


def discrepancies() -> list[str]:
    """Sentences about rates of jurisdictions, and exemptions of customers, that are not there."""
    return [row[0] for row in sql.run(_ORPHANS)]


_RATES = """
SELECT j.country, j.region, r.category, r.valid_from, r.rate
FROM tax_jurisdiction AS j JOIN tax_rate AS r ON r.jurisdiction_id = j.id
WHERE j.company_id = %(company)s::smallint ORDER BY 1, 2, 3, 4
"""

_ORPHANS = """
SELECT format('a rate of %s is of a jurisdiction that is not there', r.rate) FROM tax_rate AS r
WHERE NOT EXISTS (SELECT FROM tax_jurisdiction AS j WHERE j.id = r.jurisdiction_id)
UNION ALL
SELECT format('exemption %s is of a customer who is not there', e.id) FROM tax_exemption AS e
WHERE NOT EXISTS (SELECT FROM parties_customer AS c WHERE c.id = e.customer_id AND c.company_id = e.company_id)
"""
