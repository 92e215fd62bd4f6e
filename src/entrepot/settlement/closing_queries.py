"""What is asked before a month is closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from entrepot.kernel import policies, sql
from entrepot.settlement.closing import Checked, Closing, Open, check
from entrepot.settlement.invoice_queries import TOLD, WE_ISSUE, issuing

policies.shape("settlement.closing")(Closing)


def checklist(company: int, month: date, at: datetime) -> list[Checked]:
    """What is open at the end of a month, by its first day. 3 statements."""
    return checklists([(company, month)], at)[company, month]


def checklists(months: Sequence[tuple[int, date]], at: datetime) -> dict[tuple[int, date], list[Checked]]:
    """As `checklist`, for several. 3 statements."""
    wanted = sorted(set(months))
    rules = policies.of_companies({company for company, _ in wanted}, Closing, at)
    found: dict[tuple[int, date], list[Open]] = {one: [] for one in wanted}
    params = sql.columns(("companies", "months"), wanted) | issuing(rules, at)
    for company, month, *one in sql.run(_OPEN, params):
        found[company, month].append(Open(*one))
    return {which: check(some, rules[which[0]][1]) for which, some in found.items()}


def to_close(company: int) -> date | None:
    """The oldest month with postings that is not closed. 1 statement."""
    return next((month for (month,) in sql.run(_MONTHS, {"company": company})), None)


_OPEN = f"""
WITH m AS (SELECT company, month, month::timestamp AT TIME ZONE 'UTC' AS begins,
                  (month + interval '1 month') AT TIME ZONE 'UTC' AS ends
           FROM unnest(%(companies)s::smallint[], %(months)s::date[]) AS d(company, month))
SELECT m.company::int, m.month, o.* FROM m CROSS JOIN LATERAL (
SELECT 'bank lines', count(*)::int, COALESCE(sum(l.amount_minor), 0)::bigint, ''
FROM settlement_bankstatementline AS l
WHERE l.company_id = m.company AND l.state IN ('differs', 'unmatched')
  AND l.booked_on < (m.month + interval '1 month')::date
UNION ALL
SELECT 'payout lines', count(*)::int, COALESCE(sum(l.difference_minor), 0)::bigint, ''
FROM settlement_payout AS p JOIN settlement_payoutline AS l ON l.payout_id = p.id
WHERE p.company_id = m.company AND l.state IN ('differs', 'unmatched') AND p.arrived_at < m.ends
UNION ALL
SELECT 'documents', count(DISTINCT l.entry_id)::int, COALESCE(-sum(l.functional_minor), 0)::bigint, ''
FROM ledger_line AS l
WHERE l.company_id = m.company AND {TOLD}
  AND l.occurred_at >= m.begins AND l.occurred_at < m.ends
  AND NOT EXISTS (SELECT FROM settlement_document AS d WHERE d.entry_id = l.entry_id)
  AND {WE_ISSUE}
UNION ALL
SELECT 'refunds', count(*)::int, COALESCE(sum(r.total_minor), 0)::bigint, ''
FROM returns_refund AS r
WHERE r.company_id = m.company AND r.state = 'waiting' AND r.requested_at < m.ends
UNION ALL
SELECT 'credits', count(*)::int, COALESCE(sum(c.total_minor), 0)::bigint, ''
FROM orders_credit AS c
WHERE c.company_id = m.company AND c.state = 'waiting' AND c.credited_at < m.ends
UNION ALL
SELECT 'carrier charges', count(*)::int, COALESCE(sum(c.difference_minor), 0)::bigint, ''
FROM settlement_carrierinvoice AS i JOIN settlement_carriercharge AS c ON c.invoice_id = i.id
WHERE i.company_id = m.company AND c.state IN ('differs', 'unmatched', 'disputed') AND i.invoiced_at < m.ends
UNION ALL
SELECT 'supplier lines', count(*)::int, COALESCE(sum(l.difference_minor), 0)::bigint, ''
FROM settlement_supplierinvoice AS i JOIN settlement_supplierline AS l ON l.invoice_id = i.id
WHERE i.company_id = m.company AND l.state IN ('differs', 'unmatched', 'disputed') AND i.invoiced_at < m.ends
UNION ALL
SELECT 'clearing', 1, sum(b.functional_minor)::bigint, a.code || ' ' || a.name
FROM ledger_account AS a JOIN ledger_balance AS b ON b.company_id = a.company_id AND b.account = a.code
WHERE a.company_id = m.company AND a.clearing AND b.month <= m.month
GROUP BY a.code, a.name HAVING sum(b.functional_minor) <> 0
) AS o
"""

_MONTHS = """
SELECT b.month FROM ledger_balance AS b
WHERE b.company_id = %(company)s::smallint AND NOT EXISTS (
    SELECT FROM ledger_period AS p WHERE p.company_id = b.company_id AND p.month = b.month AND p.state = 'closed')
ORDER BY b.month LIMIT 1
"""
