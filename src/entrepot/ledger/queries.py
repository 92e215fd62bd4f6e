"""What is asked of the money ledger: trial balance, entries of a document, sums by kind, and whether it is in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.ledger import clearing_queries, manual_queries, version_queries


@dataclass(frozen=True, slots=True)
class TrialLine:
    """An account's sums in the company's currency, debit positive; `balance_minor` = debits − credits."""

    account: int
    name: str
    type: str
    clearing: bool
    debit_minor: int
    credit_minor: int
    balance_minor: int


def trial_balance(*, company: int, month: date | None = None, up_to: date | None = None) -> list[TrialLine]:
    """Accounts with what was posted: in a month, up to and with a month, or ever. One statement."""
    return [TrialLine(*row) for row in sql.run(_TRIAL, {"company": company, "month": month, "up_to": up_to})]


@dataclass(frozen=True, slots=True)
class LineRow:
    """A journal line."""

    entry: UUID
    number: int
    account: int
    account_name: str
    amount_minor: int
    currency: str
    kind: str
    event: str
    document_kind: str
    document: UUID
    occurred_at: datetime


def lines(
    *,
    company: int,
    document: UUID | None = None,
    entry: UUID | None = None,
    account: int | None = None,
    month: date | None = None,
    before: int | None = None,
    limit: int = 200,
) -> list[LineRow]:
    """Journal lines of a document, an entry, or an account, the newest first."""
    params = {
        "company": company, "document": document, "entry": entry, "account": account, "month": month,
        "before": before, "limit": limit,
    }  # fmt: skip
    return [LineRow(*row) for row in sql.run(_LINES, params)]


def sums_by_kind(*, company: int) -> dict[str, int]:
    """What each source kind earned (credits − debits), in the company's currency."""
    return dict(sql.run(_BY_KIND, {"company": company}))  # type: ignore[arg-type]


def closed_months(companies: Sequence[int]) -> set[tuple[int, date]]:
    """Months that take no line any more, by company. 1 statement."""
    statement = (
        "SELECT company_id::int, month FROM ledger_period"
        " WHERE company_id = ANY(%(companies)s::smallint[]) AND state = 'closed'"
    )
    return {(company, month) for company, month in sql.run(statement, {"companies": list(companies)})}


def months(*, company: int) -> list[date]:
    """Months with postings, the newest first."""
    statement = (
        "SELECT DISTINCT month FROM ledger_balance WHERE company_id = %(company)s::smallint ORDER BY 1 DESC"
    )
    return [row[0] for row in sql.run(statement, {"company": company})]


@dataclass(frozen=True, slots=True)
class CostingRow:
    """A method that was chosen to value stock by, and what stood there then."""

    method: str
    chosen_at: datetime
    chosen_by: str
    reason: str
    quantity: int
    value_minor: int


def costings(*, company: int) -> list[CostingRow]:
    """The methods that were chosen, the one in force first; none: the moving average, from the beginning."""
    return [CostingRow(*row) for row in sql.run(_COSTINGS, {"company": company})]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """What is left of units that came together."""

    id: int
    sku: UUID
    node: UUID
    pool: str
    acquired_at: datetime
    document: UUID
    quantity: int
    value_minor: int


def layers(
    *, company: int, sku: UUID | None = None, after: int | None = None, limit: int = 200
) -> list[LayerRow]:
    """Layers that stand: of a SKU by age, or of all as they were written, behind the layer `after`."""
    params = {"company": company, "sku": sku, "after": after, "limit": limit}
    return [LayerRow(*row) for row in sql.run(_LAYERS, params)]


@dataclass(frozen=True, slots=True)
class RateRow:
    """Units of the company's currency for one unit of another, from a day on."""

    currency: str
    on_date: date
    rate: Decimal

    @property
    def id(self) -> str:
        """By which the page behind it is asked for."""
        return f"{self.on_date}.{self.currency}"


def rates(
    *, company: int, currency: str = "", after: tuple[date, str] | None = None, limit: int = 100
) -> list[RateRow]:
    """Rates of exchange, the latest first, of one currency or all, behind a day and currency. 1 statement."""
    day, behind = after or (None, "")
    params = {"company": company, "currency": currency, "day": day, "behind": behind, "limit": limit}
    return [RateRow(*row) for row in sql.run(_RATES, params)]


def rates_standing(keys: Sequence[tuple[int, str, date]]) -> dict[tuple[int, str, date], Decimal]:
    """The rates that companies have of currencies from just these days on. 1 statement."""
    rows = sql.run(_RATES_STANDING, sql.columns(("companies", "currencies", "days"), keys))
    return {(company, currency, day): rate for company, currency, day, rate in rows}


def rates_at(wanted: Collection[tuple[int, str, date]]) -> dict[tuple[int, str, date], Decimal]:
    """The latest rate of a company's currency that is not after a day, by company, currency and day. 1 statement, none
    for nothing."""
    if not wanted:
        return {}
    rows = sql.run(_RATES_AT, sql.columns(("companies", "currencies", "days"), sorted(wanted)))
    return {(company, currency, day): rate for company, currency, day, rate in rows}


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A rate that was wrong, and what stands in its place since."""

    id: UUID
    currency: str
    on_date: date
    was: Decimal
    rate: Decimal
    reason: str
    corrected_by: str
    corrected_at: datetime


def rate_corrections(*, company: int, after: UUID | None = None, limit: int = 50) -> list[CorrectionRow]:
    """Corrections of rates, the latest first, behind the one named. 1 statement."""
    params = {"company": company, "after": after, "limit": limit}
    return [CorrectionRow(*row) for row in sql.run(_CORRECTIONS, params)]


@dataclass(frozen=True, slots=True)
class WriteDownRow:
    """Stock that was brought to what it can still be sold for, or back towards its cost."""

    id: UUID
    sku: UUID
    node: UUID
    quantity: int
    unit_minor: Decimal
    before_minor: int
    after_minor: int
    written_minor: int
    reason: str
    decided_by: str
    decided_at: datetime

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor


def write_downs(*, company: int, after: UUID | None = None, limit: int = 50) -> list[WriteDownRow]:
    """Write-downs and reversals, the latest first, behind the one named. 1 statement."""
    params = {"company": company, "after": after, "limit": limit}
    return [WriteDownRow(*row) for row in sql.run(_WRITE_DOWNS, params)]


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """What of a SKU at a node is valued below its cost."""

    sku: UUID
    node: UUID
    quantity: int
    value_minor: int
    written_minor: int


def below_cost(*, company: int, limit: int = 200) -> list[WrittenRow]:
    """Stock that is valued below cost, that most below first. 1 statement."""
    return [WrittenRow(*row) for row in sql.run(_BELOW_COST, {"company": company, "limit": limit})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("ledger_line", "ledger_balance", "ledger_valuation", "ledger_layer")
    found = {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}
    return found | clearing_queries.checked() | manual_queries.checked()


def discrepancies() -> list[str]:
    """Sentences about balances that disagree with the journal; [] when all is right."""
    found = [sentence for statement in _DISCREPANCIES for (sentence,) in sql.run(statement)]
    return (
        found + clearing_queries.discrepancies() + manual_queries.discrepancies()
        + version_queries.discrepancies()
    )  # fmt: skip


_TRIAL = """
SELECT a.code, a.name, a.type, a.clearing, COALESCE(sum(b.functional_debit_minor), 0)::bigint,
       COALESCE(sum(b.functional_debit_minor - b.functional_minor), 0)::bigint,
       COALESCE(sum(b.functional_minor), 0)::bigint
FROM ledger_account AS a
JOIN ledger_balance AS b ON b.company_id = a.company_id AND b.account = a.code
 AND (%(month)s::date IS NULL OR b.month = %(month)s::date)
 AND (%(up_to)s::date IS NULL OR b.month <= %(up_to)s::date)
WHERE a.company_id = %(company)s::smallint GROUP BY 1, 2, 3, 4 ORDER BY 1
"""

_LINES = """
SELECT l.entry_id, l.number::int, l.account, a.name, l.amount_minor, l.currency, l.kind, l.event, l.document_kind,
       l.document_id, l.occurred_at
FROM ledger_line AS l JOIN ledger_account AS a ON a.company_id = l.company_id AND a.code = l.account
WHERE l.company_id = %(company)s::smallint
  AND (%(document)s::uuid IS NULL OR l.document_id = %(document)s::uuid)
  AND (%(entry)s::uuid IS NULL OR l.entry_id = %(entry)s::uuid)
  AND (%(account)s::int IS NULL OR l.account = %(account)s::int)
  AND (%(month)s::date IS NULL OR l.month = %(month)s::date)
  AND (%(before)s::bigint IS NULL OR l.id < %(before)s::bigint)
ORDER BY l.id DESC LIMIT %(limit)s::int
"""

_COSTINGS = """
SELECT method, chosen_at, chosen_by, reason, quantity, value_minor FROM ledger_costing
WHERE company_id = %(company)s::smallint ORDER BY id DESC
"""

_LAYERS = """
SELECT id, sku_id, node_id, pool, acquired_at, document_id, quantity, value_minor FROM ledger_layer
WHERE company_id = %(company)s::smallint AND quantity > 0 AND (%(sku)s::uuid IS NULL OR sku_id = %(sku)s::uuid)
  AND (%(after)s::bigint IS NULL OR id > %(after)s::bigint)
ORDER BY CASE WHEN %(sku)s::uuid IS NOT NULL THEN acquired_at END, id LIMIT %(limit)s::int
"""

_RATES = """
SELECT currency, on_date, rate FROM ledger_rate
WHERE company_id = %(company)s::smallint AND (%(currency)s::text = '' OR currency = %(currency)s::text)
  AND (%(day)s::date IS NULL OR on_date < %(day)s::date
       OR on_date = %(day)s::date AND currency > %(behind)s::text)
ORDER BY on_date DESC, currency LIMIT %(limit)s::int
"""

_RATES_STANDING = """
SELECT r.company_id::int, r.currency, r.on_date, r.rate
FROM unnest(%(companies)s::smallint[], %(currencies)s::text[], %(days)s::date[]) AS d(company, currency, day)
JOIN ledger_rate AS r ON (r.company_id, r.currency, r.on_date) = (d.company, d.currency, d.day)
"""

_RATES_AT = """
SELECT k.company::int, k.currency, k.day, r.rate
FROM unnest(%(companies)s::smallint[], %(currencies)s::text[], %(days)s::date[]) AS k(company, currency, day)
CROSS JOIN LATERAL (
    SELECT rate FROM ledger_rate
    WHERE company_id = k.company AND currency = k.currency AND on_date <= k.day ORDER BY on_date DESC LIMIT 1) AS r
"""

_CORRECTIONS = """
SELECT id, currency, on_date, was, rate, reason, corrected_by, corrected_at
FROM ledger_ratecorrection
WHERE company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR id < %(after)s::uuid)
ORDER BY id DESC LIMIT %(limit)s::int
"""

_WRITE_DOWNS = """
SELECT id, sku_id, node_id, quantity, unit_minor, before_minor, after_minor, written_minor, reason, decided_by,
       decided_at
FROM ledger_writedown WHERE company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR id < %(after)s::uuid)
ORDER BY id DESC LIMIT %(limit)s::int
"""

_BELOW_COST = """
SELECT sku_id, node_id, quantity, value_minor, written_minor FROM ledger_valuation
WHERE company_id = %(company)s::smallint AND written_minor > 0
ORDER BY written_minor DESC, sku_id, node_id LIMIT %(limit)s::int
"""

_BY_KIND = """
SELECT kind, -sum(functional_minor)::bigint FROM ledger_line WHERE company_id = %(company)s::smallint
  AND (kind LIKE 'sale.%%' OR kind LIKE 'credit.%%' OR kind LIKE 'return.%%' OR kind = 'bad_debt')
GROUP BY kind ORDER BY kind
"""

_DISCREPANCIES = (
    # invariant 1: every entry is whole and sums to zero
    """
    SELECT format('entry %s sums to %s, %s in the company''s currency', entry_id, sum(amount_minor),
                  sum(functional_minor))
    FROM ledger_line GROUP BY entry_id
    HAVING sum(amount_minor) <> 0 OR sum(functional_minor) <> 0 OR min(number) <> 1 OR max(number) <> count(*)
    """,
    # invariant 2: balances are the sums of their lines
    """
    SELECT format('account %s of company %s in %s: balance %s, its lines make %s', account, company_id, month,
                  COALESCE(b.functional, 0), COALESCE(l.functional, 0))
    FROM (SELECT company_id, account, month, currency, sum(debit_minor) AS debit, sum(credit_minor) AS credit,
                 sum(functional_minor) AS functional, sum(functional_debit_minor) AS home_debit
          FROM ledger_balance GROUP BY 1, 2, 3, 4) AS b
    FULL JOIN (SELECT company_id, account, month, currency, sum(amount_minor) FILTER (WHERE amount_minor > 0) AS debit,
                      -sum(amount_minor) FILTER (WHERE amount_minor < 0) AS credit,
                      sum(functional_minor) AS functional,
                      sum(functional_minor) FILTER (WHERE functional_minor > 0) AS home_debit
               FROM ledger_line GROUP BY 1, 2, 3, 4) AS l
      USING (company_id, account, month, currency)
    WHERE (COALESCE(b.debit, 0), COALESCE(b.credit, 0), COALESCE(b.functional, 0), COALESCE(b.home_debit, 0))
       <> (COALESCE(l.debit, 0), COALESCE(l.credit, 0), COALESCE(l.functional, 0), COALESCE(l.home_debit, 0))
    """,
    # invariant 3: stock value is what the inventory accounts say
    """
    SELECT format('company %s: %s valued in %s, account %s says %s', company_id, COALESCE(v.value, 0), pool, account,
                  COALESCE(b.balance, 0))
    FROM (SELECT company_id, pool, CASE pool WHEN 'stock' THEN 1200 ELSE 1210 END AS account,
                 sum(value_minor) AS value FROM ledger_valuation GROUP BY 1, 2) AS v
    FULL JOIN (SELECT company_id, CASE account WHEN 1200 THEN 'stock' ELSE 'transit' END AS pool, account,
                      sum(functional_minor) AS balance FROM ledger_balance WHERE account IN (1200, 1210)
               GROUP BY 1, 2, 3) AS b USING (company_id, pool, account)
    WHERE COALESCE(v.value, 0) <> COALESCE(b.balance, 0)
    """,
    # invariant 4: nothing was recorded in a month after it was closed
    """
    SELECT format('%s lines of company %s were recorded in %s after it was closed', count(*), l.company_id, l.month)
    FROM ledger_line AS l JOIN ledger_period AS p ON p.company_id = l.company_id AND p.month = l.month
     AND p.state = 'closed' AND l.recorded_at > p.decided_at
    GROUP BY l.company_id, l.month
    """,
    # invariant 4: a month that was closed, as the event log has it, is closed still
    """
    SELECT format('month %s of company %s was closed, and is open again', e.reason, e.company_id)
    FROM kernel_event AS e
    WHERE e.command IN ('ledger.close_month', 'settlement.close_books') AND e.state_after = 'closed'
      AND NOT EXISTS (SELECT FROM ledger_period AS p WHERE p.company_id = e.company_id
                      AND p.month = (e.reason || '-01')::date AND p.state = 'closed')
    """,
    # invariant 8: what is written down is in the books with its difference
    """
    SELECT format('write-down %s of company %s: value went from %s to %s, account 1200 says %s', w.id, w.company_id,
                  w.before_minor, w.after_minor, COALESCE(l.amount, 0))
    FROM ledger_writedown AS w
    LEFT JOIN (SELECT document_id, sum(functional_minor) AS amount FROM ledger_line
               WHERE event IN ('stock.written_down', 'stock.written_up') AND account = 1200 GROUP BY 1) AS l
      ON l.document_id = w.id
    WHERE w.after_minor - w.before_minor <> COALESCE(l.amount, 0)
    """,
    # invariant 9: what a balance in another currency was measured at is what its lines up to then make
    """
    SELECT format('company %s, account %s: %s %s measured at %s, its lines make %s at %s', e.company_id, e.account,
                  e.amount_minor, e.currency, e.worth_minor, COALESCE(l.amount, 0), COALESCE(l.worth, 0))
    FROM ledger_exposure AS e
    CROSS JOIN LATERAL (SELECT sum(amount_minor) AS amount, sum(functional_minor) AS worth FROM ledger_line
                        WHERE company_id = e.company_id AND account = e.account AND currency = e.currency
                          AND occurred_at <= e.upto_at AND id <= e.upto_id) AS l
    WHERE (e.amount_minor, e.worth_minor) <> (COALESCE(l.amount, 0), COALESCE(l.worth, 0))
    """,
    # invariants 20 and 21: an account counts as a standard one of its type, and no rule names a closed one
    """
    SELECT format('account %s of company %s counts as %s, which is not a standard account of its type', a.code,
                  a.company_id, a.role)
    FROM ledger_account AS a LEFT JOIN ledger_account AS s ON s.company_id = a.company_id AND s.code = a.role
    WHERE a.role IS NOT NULL AND (s.code IS NULL OR s.role <> s.code OR s.type <> a.type)
    UNION ALL
    SELECT format('account %s of company %s is closed, and a posting rule names it', a.code, a.company_id)
    FROM ledger_account AS a
    WHERE a.closed AND (
        EXISTS (SELECT FROM ledger_rule AS r WHERE r.company_id = a.company_id AND a.code IN (r.debit, r.credit))
        OR EXISTS (SELECT FROM ledger_ruleversion AS v JOIN ledger_rulechange AS c ON c.version_id = v.id
                   WHERE v.company_id = a.company_id AND v.state <> 'withdrawn' AND a.code IN (c.debit, c.credit)))
    """,
    # invariant 7: where a company values by layers, they are its stock; elsewhere there are none
    """
    SELECT format('company %s, SKU %s at node %s, %s: %s units valued at %s, their layers make %s at %s', company_id,
                  sku_id, node_id, pool, COALESCE(v.quantity, 0), COALESCE(v.value, 0), COALESCE(l.quantity, 0),
                  COALESCE(l.value, 0))
    FROM (SELECT v.company_id, sku_id, node_id, pool, v.quantity, v.value_minor AS value,
                 written_minor AS written FROM ledger_valuation AS v
          WHERE v.quantity > 0 AND 'fifo' = (SELECT method FROM ledger_costing AS c WHERE c.company_id = v.company_id
                                             ORDER BY id DESC LIMIT 1)) AS v
    FULL JOIN (SELECT company_id, sku_id, node_id, pool, sum(quantity) AS quantity, sum(value_minor) AS value,
                      sum(written_minor) AS written
               FROM ledger_layer WHERE quantity > 0 GROUP BY 1, 2, 3, 4) AS l
      USING (company_id, sku_id, node_id, pool)
    WHERE (COALESCE(v.quantity, 0), COALESCE(v.value, 0), COALESCE(v.written, 0))
       <> (COALESCE(l.quantity, 0), COALESCE(l.value, 0), COALESCE(l.written, 0))
    """,
)
