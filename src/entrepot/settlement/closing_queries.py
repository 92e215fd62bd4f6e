"""What is asked before a month is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from entrepot.kernel import policies, sql
from entrepot.ledger import queries as ledger
from entrepot.ledger.exchange import MEASURED
from entrepot.ledger.queries import TrialLine
from entrepot.returns.rules import Policy as Returns
from entrepot.settlement.clearing import ClearingPolicy
from entrepot.settlement.clearing_queries import EXPLAINED
from entrepot.settlement.closing import Checked, Closing, Open, check, looked_at
from entrepot.settlement.invoice_queries import TOLD, WE_ISSUE, issuing


def checklist(company: int, month: date, at: datetime) -> list[Checked]:
    """What is open at the end of a month, by its first day. 5 statements."""
    return checklists([(company, month)], at)[company, month]


def checklists(months: Sequence[tuple[int, date]], at: datetime) -> dict[tuple[int, date], list[Checked]]:
    """As `checklist`, for several. 5 statements."""
    found, rules = _found(months, at)
    return {which: check(some, rules[which[0]][1]) for which, some in found.items()}


def _found(
    months: Sequence[tuple[int, date]], at: datetime
) -> tuple[dict[tuple[int, date], list[Open]], dict[int, tuple[int, Closing]]]:
    wanted = sorted(set(months))
    companies = {company for company, _ in wanted}
    rules = policies.of_companies(companies, Closing, at)
    limits = policies.of_companies(companies, ClearingPolicy, at)
    found: dict[tuple[int, date], list[Open]] = {one: [] for one in wanted}
    returned = policies.of_companies(companies, Returns, at)
    rows = [(*one, limits[one[0]][1].days, *_expects(returned[one[0]][1])) for one in wanted]
    params = sql.columns(("companies", "months", "days", "expects", "windows"), rows) | issuing(rules, at)
    for company, month, *one in sql.run(_OPEN, params | {"measured": sorted(MEASURED), "today": at.date()}):
        found[company, month].append(Open(*one))
    return found, rules


def _expects(rule: Returns) -> tuple[bool, int]:
    """Whether something of sales may come back that has to be measured, and of which last days."""
    return rule.expected_by == "observed" or rule.expected_percent > 0, rule.window_days


@dataclass(frozen=True, slots=True)
class MonthReport:
    """A month as it stands: what was looked at, the accounts with what the month posted and what they hold at its end,
    and who closed it when, where somebody did."""

    company: int
    month: date
    closed_by: str
    closed_at: datetime | None
    checked: list[Checked]
    accounts: list[tuple[TrialLine, int]]

    @property
    def result_minor(self) -> int:
        """What the month earned."""
        return -sum(held.balance_minor for held, _ in self.accounts if held.type in ("income", "expense"))


def month_report(company: int, month: date, at: datetime) -> MonthReport:
    """The report of a month, by its first day. 8 statements."""
    found, rules = _found([(company, month)], at)
    closed = sql.run(_CLOSED, {"company": company, "month": month})
    moved = {one.account: one for one in ledger.trial_balance(company=company, month=month)}
    accounts = [
        (
            moved.get(one.account) or replace(one, debit_minor=0, credit_minor=0, balance_minor=0),
            one.balance_minor,
        )
        for one in ledger.trial_balance(company=company, up_to=month)
    ]
    checked = looked_at(found[company, month], rules[company][1])
    who, when = closed[0] if closed else ("", None)
    return MonthReport(company, month, who, when, checked, accounts)


def to_close(company: int) -> date | None:
    """The oldest month with postings that is not closed. 1 statement."""
    return next((month for (month,) in sql.run(_MONTHS, {"company": company})), None)


_OPEN = f"""
WITH m AS (SELECT company, month, days, expects, days_back, month::timestamp AT TIME ZONE 'UTC' AS begins,
                  (month + interval '1 month') AT TIME ZONE 'UTC' AS ends
           FROM unnest(%(companies)s::smallint[], %(months)s::date[], %(days)s::int[], %(expects)s::boolean[],
                       %(windows)s::int[]) AS d(company, month, days, expects, days_back)),
     home AS (SELECT id, currency::text FROM parties_company WHERE id = ANY(%(companies)s::smallint[]))
SELECT m.company::int, m.month, o.kind, o.count, o.amount, o.about, COALESCE(o.currency, home.currency)
FROM m JOIN home ON home.id = m.company CROSS JOIN LATERAL (
SELECT 'bank lines' AS kind, count(*)::int AS count, COALESCE(sum(l.amount_minor), 0)::bigint AS amount, '' AS about,
       s.currency::text AS currency
FROM settlement_bankstatementline AS l JOIN settlement_bankstatement AS s ON s.id = l.statement_id
WHERE l.company_id = m.company AND l.state IN ('differs', 'unmatched')
  AND l.booked_on < (m.month + interval '1 month')::date
GROUP BY s.currency
UNION ALL
SELECT 'payout lines', count(*)::int, COALESCE(sum(l.difference_minor), 0)::bigint, '', p.currency::text
FROM settlement_payout AS p JOIN settlement_payoutline AS l ON l.payout_id = p.id
WHERE p.company_id = m.company AND l.state IN ('differs', 'unmatched') AND p.arrived_at < m.ends
GROUP BY p.currency
UNION ALL
SELECT 'documents', count(DISTINCT l.entry_id)::int, COALESCE(-sum(l.functional_minor), 0)::bigint, '', NULL
FROM ledger_line AS l
WHERE l.company_id = m.company AND {TOLD}
  AND l.occurred_at >= m.begins AND l.occurred_at < m.ends
  AND NOT EXISTS (SELECT FROM settlement_document AS d WHERE d.entry_id = l.entry_id)
  AND {WE_ISSUE}
UNION ALL
SELECT 'refunds', count(*)::int, COALESCE(sum(r.total_minor), 0)::bigint, '', r.currency::text
FROM returns_refund AS r
WHERE r.company_id = m.company AND r.state = 'waiting' AND r.requested_at < m.ends
GROUP BY r.currency
UNION ALL
SELECT 'credits', count(*)::int, COALESCE(sum(c.total_minor), 0)::bigint, '', c.currency::text
FROM orders_credit AS c
WHERE c.company_id = m.company AND c.state = 'waiting' AND c.credited_at < m.ends
GROUP BY c.currency
UNION ALL
SELECT 'carrier charges', count(*)::int, COALESCE(sum(c.difference_minor), 0)::bigint, '', i.currency::text
FROM settlement_carrierinvoice AS i JOIN settlement_carriercharge AS c ON c.invoice_id = i.id
WHERE i.company_id = m.company AND c.state IN ('differs', 'unmatched', 'disputed') AND i.invoiced_at < m.ends
GROUP BY i.currency
UNION ALL
SELECT 'supplier lines', count(*)::int, COALESCE(sum(l.difference_minor), 0)::bigint, '', i.currency::text
FROM settlement_supplierinvoice AS i JOIN settlement_supplierline AS l ON l.invoice_id = i.id
WHERE i.company_id = m.company AND l.state IN ('differs', 'unmatched', 'disputed') AND i.invoiced_at < m.ends
GROUP BY i.currency
UNION ALL
SELECT 'write-offs', count(*)::int, COALESCE(sum(w.amount_minor), 0)::bigint, '', w.currency::text
FROM settlement_writeoff AS w
WHERE w.company_id = m.company AND w.state = 'waiting' AND w.asked_at < m.ends
GROUP BY w.currency
UNION ALL
SELECT 'journal entries', count(*)::int, COALESCE(sum(l.amount_minor), 0)::bigint, '', e.currency::text
FROM ledger_manualentry AS e
CROSS JOIN LATERAL (SELECT sum(amount_minor) AS amount_minor FROM ledger_manualline
                    WHERE manual_id = e.id AND amount_minor > 0) AS l
WHERE e.company_id = m.company AND e.state = 'waiting' AND e.on_date < (m.month + interval '1 month')::date
GROUP BY e.currency
UNION ALL  -- measured as of a moment of the last day
SELECT 'exchange differences', count(*)::int, COALESCE(sum(b.worth), 0)::bigint, '', NULL
FROM (SELECT b.account, b.currency, sum(b.functional_minor) AS worth
      FROM ledger_balance AS b JOIN parties_company AS c ON c.id = b.company_id AND c.currency <> b.currency
      WHERE b.company_id = m.company AND b.month <= m.month AND b.account = ANY(%(measured)s::int[])
      GROUP BY 1, 2 HAVING sum(b.debit_minor - b.credit_minor) <> 0 OR sum(b.functional_minor) <> 0) AS b
WHERE NOT EXISTS (SELECT FROM ledger_exposure AS e
                  WHERE e.company_id = m.company AND e.account = b.account AND e.currency = b.currency
                    AND e.upto_at >= m.ends - interval '1 day' AND e.upto_at < m.ends)
UNION ALL  -- cohorts that stand, or what the books hold; and what was sold in the month, and never measured
SELECT 'expected returns',
       greatest(k.count, b.held::int, (
           m.expects AND EXISTS (
               SELECT FROM shipping_shipment AS h
               WHERE h.company_id = m.company AND h.shipped_at < m.ends
                 AND h.shipped_at >= greatest(m.begins, m.ends - make_interval(days => m.days_back))))::int),
       CASE WHEN k.count > 0 THEN k.amount ELSE b.amount END, '', NULL
FROM (SELECT count(*)::int AS count, COALESCE(sum(c.liability_minor), 0)::bigint AS amount
      FROM returns_cohort AS c WHERE c.company_id = m.company AND c.stands AND c.month <= m.month) AS k,
     (SELECT COALESCE(bool_or(a.worth <> 0), FALSE) AS held,
             COALESCE(-sum(a.worth) FILTER (WHERE a.account = 2310), 0)::bigint AS amount
      FROM (SELECT b.account, sum(b.functional_minor) AS worth FROM ledger_balance AS b
            WHERE b.company_id = m.company AND b.account IN (2310, 1220) AND b.month <= m.month
            GROUP BY b.account) AS a) AS b
WHERE NOT EXISTS (SELECT FROM ledger_measurement AS o
                  WHERE o.company_id = m.company AND o.subject = 'returns'
                    AND o.as_of >= m.ends - interval '1 day' AND o.as_of < m.ends)
UNION ALL
SELECT 'earlier months', count(DISTINCT b.month)::int, 0, '', NULL
FROM ledger_balance AS b
WHERE b.company_id = m.company AND b.month < m.month
  AND NOT EXISTS (SELECT FROM ledger_period AS p
                  WHERE p.company_id = b.company_id AND p.month = b.month AND p.state = 'closed')
UNION ALL
SELECT 'open lines', count(*)::int, COALESCE(sum(i.open_minor), 0)::bigint, i.account || ' ' || a.name, i.currency::text
FROM ledger_clearingitem AS i JOIN ledger_account AS a ON a.company_id = i.company_id AND a.code = i.account
WHERE i.company_id = m.company AND i.open_minor <> 0 AND i.since_at < m.ends - make_interval(days => m.days)
  AND NOT EXISTS (SELECT FROM settlement_clearingnote AS n
                  WHERE {EXPLAINED})
GROUP BY i.account, a.name, i.currency
UNION ALL
SELECT 'clearing', 1, sum(b.functional_minor)::bigint, a.code || ' ' || a.name, NULL
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

_CLOSED = """
SELECT decided_by, decided_at FROM ledger_period
WHERE company_id = %(company)s::smallint AND month = %(month)s::date AND state = 'closed'
"""
