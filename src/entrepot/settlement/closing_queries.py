"""What is asked before a month is closed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from entrepot.kernel import policies, sql
from entrepot.ledger.exchange import MEASURED
from entrepot.returns.rules import Policy as Returns
from entrepot.settlement.clearing import ClearingPolicy
from entrepot.settlement.clearing_queries import EXPLAINED
from entrepot.settlement.closing import Checked, Closing, Held, Open, check, looked_at, of_tasks
from entrepot.settlement.invoice_queries import TOLD, WE_ISSUE, issuing


def checklist(company: int, month: date, at: datetime) -> list[Checked]:
    """What is open at the end of a month, by its first day. 6 statements."""
    found, rules = _found([(company, month)], at)
    return check(found[company, month], rules[company][1])


def looked(
    months: Sequence[tuple[int, date]], at: datetime
) -> dict[tuple[int, date], tuple[list[Checked], int]]:
    """What is looked at before each month is closed, kinds of which nothing is open too, and by which version of the
    policy. 6 statements."""
    found, rules = _found(months, at)
    return {which: (looked_at(some, rules[which[0]][1]), rules[which[0]][0]) for which, some in found.items()}


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
    ticked = ticks(wanted)
    for which, some in found.items():
        some += of_tasks(rules[which[0]][1].tasks, {one.task for one in ticked.get(which, ())})
    return found, rules


@dataclass(frozen=True, slots=True)
class Tick:
    """A task of the end of a month that somebody has done."""

    task: str
    done_by: str
    done_at: datetime
    note: str


def ticks(months: Collection[tuple[int, date]]) -> dict[tuple[int, date], list[Tick]]:
    """By company and month, in the order of what was done. 1 statement."""
    found: dict[tuple[int, date], list[Tick]] = {}
    for company, month, *one in sql.run(_TICKS, sql.columns(("companies", "months"), list(months))):
        found.setdefault((company, month), []).append(Tick(*one))
    return found


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the policy, or one that was ticked while it was; `tick` says who has done it."""

    task: str
    tick: Tick | None


def tasks(company: int, month: date, at: datetime) -> list[Task]:
    """Those of a month: of the policy in its order, then others that are ticked. 2 statements."""
    done = {one.task: one for one in ticks([(company, month)]).get((company, month), [])}
    named = policies.of_companies([company], Closing, at)[company][1].tasks
    return [Task(one, done.pop(one, None)) for one in named] + [Task(one.task, one) for one in done.values()]


def _expects(rule: Returns) -> tuple[bool, int]:
    """Whether something of sales may come back that has to be measured, and of which last days."""
    return rule.expected_by == "observed" or rule.expected_percent > 0, rule.window_days


@dataclass(frozen=True, slots=True)
class MonthReport:
    """A month: what was looked at, by which version of the policy, the accounts with what the month posted and what
    they hold at its end, and who closed it when, where somebody did. `kept`: as it was then; else as it stands."""

    company: int
    month: date
    closed_by: str
    closed_at: datetime | None
    checked: list[Checked]
    accounts: list[Held]
    policy_version: int
    kept: bool
    ticks: list[Tick]

    @property
    def result_minor(self) -> int:
        """What the month earned."""
        return -sum(one.balance_minor for one in self.accounts if one.type in ("income", "expense"))


def month_report(company: int, month: date, at: datetime) -> MonthReport:
    """The report of a month, by its first day: as it was kept when the month was closed, or as the month stands. 9
    statements at most."""
    which = {"company": company, "month": month}
    ((who, when, kept),) = sql.run(_CLOSED, which) or [("", None, None)]
    done = ticks([(company, month)]).get((company, month), [])
    if kept is not None:
        checked = [Checked(Open(*row[:5]), row[5]) for row in sql.run(_CHECKS, which)]
        accounts = [Held(*row) for row in sql.run(_ACCOUNTS, which)]
        return MonthReport(company, month, who, when, checked, accounts, kept, True, done)
    checked, version = looked([(company, month)], at)[company, month]
    accounts = [Held(*row) for row in sql.run(_HELD, {"companies": [company], "months": [month]})]
    return MonthReport(company, month, who, when, checked, accounts, version, False, done)


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """A month that is closed; `result_minor` where its report was kept."""

    month: date
    closed_by: str
    closed_at: datetime
    policy_version: int | None
    result_minor: int | None


def closed_months(company: int, *, before: date | None = None, limit: int = 50) -> list[ClosedMonth]:
    """The latest first, those before a month. 1 statement."""
    params = {"company": company, "before": before, "limit": limit}
    return [ClosedMonth(*row) for row in sql.run(_CLOSED_MONTHS, params)]


def closed_of(months: Collection[tuple[int, date]]) -> set[tuple[int, date]]:
    """Those that are closed. 1 statement."""
    return {row[:2] for row in sql.run(_CLOSED_OF, sql.columns(("companies", "months"), list(months)))}  # type: ignore[misc]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"settlement_closedaccount": sql.run("SELECT count(*) FROM settlement_closedaccount")[0][0]}


def discrepancies() -> list[str]:
    """Sentences about reports of months that do not say what the journal says."""
    return [sentence for (sentence,) in sql.run(_KEPT)]


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
SELECT p.decided_by, p.decided_at, k.policy_version
FROM ledger_period AS p
LEFT JOIN settlement_closedmonth AS k ON k.company_id = p.company_id AND k.month = p.month
WHERE p.company_id = %(company)s::smallint AND p.month = %(month)s::date AND p.state = 'closed'
"""

_CLOSED_MONTHS = """
SELECT p.month, p.decided_by, p.decided_at, k.policy_version, r.result
FROM ledger_period AS p
LEFT JOIN settlement_closedmonth AS k ON k.company_id = p.company_id AND k.month = p.month
LEFT JOIN LATERAL (SELECT COALESCE(sum(a.credit_minor - a.debit_minor), 0)::bigint AS result
                   FROM settlement_closedaccount AS a
                   WHERE a.company_id = k.company_id AND a.month = k.month
                     AND a.type IN ('income', 'expense')) AS r ON k.month IS NOT NULL
WHERE p.company_id = %(company)s::smallint AND p.state = 'closed'
  AND (%(before)s::date IS NULL OR p.month < %(before)s::date)
ORDER BY p.month DESC LIMIT %(limit)s::int
"""

_CLOSED_OF = """
SELECT p.company_id::int, p.month
FROM unnest(%(companies)s::smallint[], %(months)s::date[]) AS d(company, month)
JOIN ledger_period AS p ON p.company_id = d.company AND p.month = d.month AND p.state = 'closed'
"""

_TICKS = """
SELECT t.company_id::int, t.month, t.task, t.done_by, t.done_at, t.note
FROM unnest(%(companies)s::smallint[], %(months)s::date[]) AS d(company, month)
JOIN settlement_closingtick AS t ON t.company_id = d.company AND t.month = d.month
ORDER BY t.done_at, t.task
"""

_CHECKS = """
SELECT kind, count, amount_minor, about, currency, refuses FROM settlement_closedcheck
WHERE company_id = %(company)s::smallint AND month = %(month)s::date ORDER BY number
"""

_ACCOUNTS = """
SELECT account, name, type, clearing, debit_minor, credit_minor, end_minor FROM settlement_closedaccount
WHERE company_id = %(company)s::smallint AND month = %(month)s::date ORDER BY account
"""

_OF_MONTHS = """
SELECT {columns} a.code, a.name, a.type, a.clearing,
       COALESCE(sum(b.functional_debit_minor) FILTER (WHERE b.month = d.month), 0)::bigint,
       COALESCE(sum(b.functional_debit_minor - b.functional_minor) FILTER (WHERE b.month = d.month), 0)::bigint,
       sum(b.functional_minor)::bigint
FROM unnest(%(companies)s::smallint[], %(months)s::date[]) AS d(company, month)
JOIN ledger_account AS a ON a.company_id = d.company
JOIN ledger_balance AS b ON b.company_id = d.company AND b.account = a.code AND b.month <= d.month
GROUP BY d.company, d.month, a.code, a.name, a.type, a.clearing ORDER BY d.company, d.month, a.code
"""
_HELD = _OF_MONTHS.format(columns="")
HELD_OF = _OF_MONTHS.format(columns="d.company, d.month,")
"""Accounts of months by company and month, as `Held`."""

# invariant 33: a report that was kept says what the journal says of its month
_KEPT = """
SELECT format('the report of %s of company %s says that account %s was debited %s and credited %s, the journal %s'
              ' and %s',
              to_char(month, 'YYYY-MM'), company_id, account,
              sum(CASE WHEN kept THEN debit ELSE 0 END), sum(CASE WHEN kept THEN credit ELSE 0 END),
              sum(CASE WHEN kept THEN 0 ELSE debit END), sum(CASE WHEN kept THEN 0 ELSE credit END))
FROM (SELECT company_id, month, account, debit_minor AS debit, credit_minor AS credit, TRUE AS kept
      FROM settlement_closedaccount
      UNION ALL
      SELECT b.company_id, b.month, b.account, b.functional_debit_minor, b.functional_debit_minor - b.functional_minor,
             FALSE
      FROM ledger_balance AS b
      JOIN settlement_closedmonth AS k ON k.company_id = b.company_id AND k.month = b.month) AS t
GROUP BY company_id, month, account
HAVING sum(CASE WHEN kept THEN debit ELSE -debit END) <> 0 OR sum(CASE WHEN kept THEN credit ELSE -credit END) <> 0
"""
