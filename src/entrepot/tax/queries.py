"""What is asked of tax."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from entrepot.kernel import sql
from entrepot.tax.rules import Rate


def rates(*, company: int) -> list[Rate]:
    """Every rate of a company, the newest of each place and category last. One statement."""
    return [Rate(*row) for row in sql.run(_RATES, {"company": company})]


@dataclass(frozen=True, slots=True)
class ExemptionRow:
    """An exemption with whom it is of."""

    id: UUID
    customer: str
    country: str
    certificate: str
    valid_from: date
    valid_until: date | None


def exemptions(
    *, company: int, customer: str = "", after: UUID | None = None, limit: int = 50
) -> list[ExemptionRow]:
    """Exemptions, or those of a customer by their code, the latest first, behind `after`. One statement."""
    params = {"company": company, "customer": customer, "after": after, "limit": limit}
    return [ExemptionRow(*row) for row in sql.run(_EXEMPTIONS, params)]


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

_EXEMPTIONS = """
SELECT e.id, c.code, e.country, e.certificate, e.valid_from, e.valid_until
FROM tax_exemption AS e JOIN parties_customer AS c ON c.id = e.customer_id
WHERE e.company_id = %(company)s::smallint AND (%(customer)s::text = '' OR c.code = %(customer)s::text)
  AND (%(after)s::uuid IS NULL OR e.id < %(after)s::uuid)
ORDER BY e.id DESC LIMIT %(limit)s::int
"""

_ORPHANS = """
SELECT format('a rate of %s is of a jurisdiction that is not there', r.rate) FROM tax_rate AS r
WHERE NOT EXISTS (SELECT FROM tax_jurisdiction AS j WHERE j.id = r.jurisdiction_id)
UNION ALL
SELECT format('exemption %s is of a customer who is not there', e.id) FROM tax_exemption AS e
WHERE NOT EXISTS (SELECT FROM parties_customer AS c WHERE c.id = e.customer_id AND c.company_id = e.company_id)
"""
