"""What is asked of clearing accounts: what each holds, and which of its lines are matched with which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class MatchRow:
    """A match of lines of a clearing account: why they belong together, and who took it back, where somebody did."""

    id: UUID
    account: int
    currency: str
    how: str
    why: str
    document: UUID | None
    matched_by: str
    matched_at: datetime
    undone_by: str
    undone_at: datetime | None
    undone_why: str
    lines: int
    amount_minor: int


def matches(company: int, account: int, *, before: UUID | None = None, limit: int = 50) -> list[MatchRow]:
    """Matches of an account, the latest first, behind the one named; `amount_minor` is what one side makes.
    1 statement."""
    params = {"company": company, "account": account, "before": before, "limit": limit}
    return [MatchRow(*row) for row in sql.run(_MATCHES, params)]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("ledger_clearingitem", "ledger_match", "ledger_matchpart")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about clearing accounts that hold something else than their open lines."""
    return [sentence for statement in (_MISSING, _OPEN, _SUMS) for (sentence,) in sql.run(statement)]


_MATCHES = """
SELECT m.id, m.account, m.currency, m.how, m.why, m.document_id, m.matched_by, m.matched_at, m.undone_by, m.undone_at,
       m.undone_why, p.lines, p.amount
FROM ledger_match AS m
CROSS JOIN LATERAL (SELECT count(*)::int AS lines,
                           COALESCE(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0)::bigint AS amount
                    FROM ledger_matchpart WHERE match_id = m.id) AS p
WHERE m.company_id = %(company)s::smallint AND m.account = %(account)s::int
  AND (%(before)s::uuid IS NULL OR m.id < %(before)s::uuid)
ORDER BY m.id DESC LIMIT %(limit)s::int
"""

# invariant 10: what is open of a clearing account is its balance
_MISSING = """
SELECT format('company %s, account %s: its open lines make %s %s, its balance is %s', company_id, account,
              COALESCE(i.open, 0), currency, COALESCE(b.balance, 0))
FROM (SELECT b.company_id, b.account, b.currency, sum(debit_minor - credit_minor) AS balance
      FROM ledger_balance AS b JOIN ledger_account AS a
        ON a.company_id = b.company_id AND a.code = b.account AND a.clearing GROUP BY 1, 2, 3) AS b
FULL JOIN (SELECT company_id, account, currency, sum(open_minor) AS open FROM ledger_clearingitem GROUP BY 1, 2, 3) AS i
  USING (company_id, account, currency)
WHERE COALESCE(i.open, 0) <> COALESCE(b.balance, 0)
"""

# invariant 11: what is open of a line is what no match has taken
_OPEN = """
SELECT format('line %s of account %s is open by %s, matches leave %s', i.line_id, i.account, i.open_minor,
              i.amount_minor - COALESCE(p.taken, 0))
FROM ledger_clearingitem AS i
LEFT JOIN (SELECT line_id, sum(amount_minor) AS taken FROM ledger_matchpart AS p
           JOIN ledger_match AS m ON m.id = p.match_id AND m.undone_at IS NULL GROUP BY 1) AS p ON p.line_id = i.line_id
WHERE i.open_minor <> i.amount_minor - COALESCE(p.taken, 0)
"""

# invariant 12: a match makes up zero
_SUMS = """
SELECT format('match %s of account %s makes %s', m.id, m.account, COALESCE(sum(p.amount_minor), 0))
FROM ledger_match AS m LEFT JOIN ledger_matchpart AS p ON p.match_id = m.id
GROUP BY m.id HAVING COALESCE(sum(p.amount_minor), 0) <> 0 OR count(p.line_id) < 2
"""
