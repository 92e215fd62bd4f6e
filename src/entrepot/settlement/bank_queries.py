"""What is asked of bank statements, and whether the bank account holds what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.settlement import bank


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement; `waiting` of its lines belong to nothing yet."""

    id: UUID
    number: str
    account: str
    external_id: str
    currency: str
    closing_minor: int | None
    state: str
    taken_at: datetime
    lines: int
    waiting: int


def statements(company: int, *, after: UUID | None = None, limit: int = 50) -> list[StatementRow]:
    """The latest first, behind `after`. 1 statement."""
    params = {"company": company, "after": after, "limit": limit}
    return [StatementRow(*row) for row in sql.run(_STATEMENTS, params)]


def currency_of(company: int, statement: UUID) -> str:
    """Of a statement of a company; '' where there is none. 1 statement."""
    params = {"company": company, "statement": statement}
    return next((currency for (currency,) in sql.run(_CURRENCY, params)), "")


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line with what it belongs to, or why it waits; `whole_minor` is what the line that it is a part of is over."""

    statement: UUID
    statement_number: str
    number: int
    currency: str
    booked_on: date
    amount_minor: int
    reference: str
    text: str
    state: str
    known_kind: str
    known: UUID | None
    purpose: str
    why: str
    decided_by: str
    whole_minor: int | None

    @property
    def id(self) -> str:
        """By which the page behind it is asked for."""
        return f"{self.booked_on}.{self.statement}.{self.number}"


def lines(
    company: int,
    statement: UUID | None = None,
    *,
    waiting: bool = False,
    after: tuple[date, UUID, int] | None = None,
    limit: int = 200,
) -> list[LineRow]:
    """Of a statement or all, those that wait or all; the oldest first, behind a day, statement and number.
    1 statement."""
    day, behind, number = after or (None, None, None)
    params = {
        "company": company, "statement": statement, "waiting": waiting, "day": day, "behind": behind, "number": number,
        "limit": limit,
    }  # fmt: skip
    return [LineRow(*row) for row in sql.run(_LINES, params)]


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """What the bank should have shown, and has not: a payout, a carrier's or supplier's invoice that is not paid, or an
    order on account."""

    kind: str
    id: UUID
    number: str
    external_id: str
    currency: str
    amount_minor: int
    on: date

    def takes(self, amount: int) -> bool:
        """Whether a person may say that a line over so much is of it."""
        return bank.takes(self.kind, self.amount_minor, amount)


def expected(company: int, *, limit: int = 200) -> list[ExpectedRow]:
    """The oldest first, and orders on account, which may be many, behind the others: of these the ones that were booked
    first, among the oldest `OPEN_MAX` open lines of 1100. 2 statements; 2 more each time that most of those turn out to
    be settled."""
    most = limit
    while True:
        orders = [order for (order,) in sql.run(_BOOKED_FIRST, {"company": company, "most": most})]
        rows = sql.run(_OPEN, {"company": company, "orders": orders, "limit": limit})
        if len(rows) == limit or len(orders) < most:
            return [ExpectedRow(*row) for row in rows]
        most *= 10


def fits(company: int, lines: Sequence[LineRow], *, limit: int) -> list[list[ExpectedRow]]:
    """What each of these lines may belong to: orders on account that it names, and up to so many of its amount. However
    many are open, of a bounded number money is summed: of those that were booked first, and beyond these of the ones
    that have a line of such an amount. 1 statement; none for no line."""
    if not lines:
        return []
    texts = [
        bank.words(bank.BankLine(one.booked_on, one.amount_minor, one.reference, one.text)) for one in lines
    ]
    pairs = sorted({(one.currency, one.amount_minor) for one in lines})
    params = {
        **sql.columns(("currencies", "minors"), pairs),
        "company": company, "companies": [company], "limit": limit, "words": list(set().union(*texts)),
        "amounts": list({one.amount_minor for one in lines}), "most": SUMMED_MAX, "alike": ALIKE_MAX,
        "walked": WALKED_MAX,
    }  # fmt: skip
    found = [(row[0], bank.Expected(*row[1:])) for row in sql.run(_FITS, params)]
    return [
        [
            ExpectedRow(one.kind, one.id, one.number, ", ".join(one.names), currency, one.amount, one.on)
            for currency, one in found
            if currency == line.currency
            and (one.amount == line.amount_minor or (one.takes(line.amount_minor) and one.called(said)))
        ][:limit]
        for line, said in zip(lines, texts, strict=True)
    ]  # fmt: skip


def line(company: int, statement: UUID, number: int) -> LineRow | None:
    """A line of a statement of a company; None where there is none. 1 statement."""
    params = {"company": company, "statement": statement, "number": number}
    return next((LineRow(*row) for row in sql.run(_LINE, params)), None)


def found(company: int, currency: str, said: str, amount: int | None, *, limit: int) -> list[ExpectedRow]:
    """What the bank has not shown yet and a person looks for: payouts and what we owe whose number or other name has
    these words in it, orders on account of just this number or reference, and either over this amount. 1 statement."""
    params = {
        "company": company, "companies": [company], "currency": currency, "part": said.upper() or None,
        "words": [said.upper()], "amount": amount, "limit": limit, "currencies": [currency],
        "minors": [amount or 0], "walked": WALKED_MAX, "alike": ALIKE_MAX,
    }  # fmt: skip
    return [ExpectedRow(*row) for row in sql.run(_FOUND, params)]


SUMMED_MAX = 5_000
"""Of so many lines of 1100 that are open, the orders are summed, whatever their amounts."""

OPEN_MAX = 20_000
"""Of so many lines of 1100 that are open, however they were paid, orders on account are looked for: the oldest."""

ALIKE_MAX = 100
"""Of so many orders on account that have an open line of an amount that is looked for, as well."""

WALKED_MAX = 5_000
"""Of so many open lines of each such amount, however they were paid, these are looked for."""


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("settlement_bankstatement", "settlement_bankstatementline")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about statements that don't add up, and a bank account that they don't explain."""
    return [
        sentence for statement in (_SUMS, _STATES, _ACCOUNT, _PARTS) for (sentence,) in sql.run(statement)
    ]


ON_ACCOUNT = """
SELECT company, currency, order_id, sum(amount)::bigint AS amount
FROM (SELECT p.company_id::int AS company, p.currency::text AS currency, COALESCE(p.origin_id, p.order_id) AS order_id,
             CASE a.kind WHEN 'capture' THEN a.amount_minor ELSE -a.amount_minor END AS amount
      FROM payments_payment AS p JOIN payments_attempt AS a ON a.payment_id = p.id
      WHERE p.provider = 'account' AND a.kind IN ('capture', 'refund') AND a.state = 'done'
      UNION ALL
      SELECT l.company_id::int, s.currency::text, l.known_id, -l.amount_minor
      FROM settlement_bankstatementline AS l JOIN settlement_bankstatement AS s ON s.id = l.statement_id
      WHERE l.known_kind = 'order') AS t
GROUP BY company, currency, order_id HAVING sum(amount) <> 0
"""
"""Orders on account of which something is open: captured and not refunded, less what lines of the bank brought; below
zero, what we owe. By attempts: what an exchange passes on to another order is open of the first one still, and what is
given back of it there is given back of the first."""

# A carrier's credit reduces what is paid of its invoice only where the carrier says so in the next one.
EXPECTED = f"""
SELECT p.company_id::int AS company, p.currency::text AS currency, 'payout' AS kind, p.id, p.number,
       ARRAY[p.external_id] AS names, p.net_minor AS amount, (p.arrived_at AT TIME ZONE 'UTC')::date AS on_day
FROM settlement_payout AS p
WHERE NOT EXISTS (SELECT FROM settlement_bankstatementline AS l WHERE l.known_id = p.id)
UNION ALL
SELECT i.company_id::int, i.currency::text, 'carrier_invoice', i.id, i.number, ARRAY[i.external_id], -i.total_minor,
       (i.invoiced_at AT TIME ZONE 'UTC')::date
FROM settlement_carrierinvoice AS i
WHERE NOT EXISTS (SELECT FROM settlement_bankstatementline AS l WHERE l.known_id = i.id)
UNION ALL
SELECT i.company_id::int, i.currency::text, 'supplier_invoice', i.id, i.number, ARRAY[i.external_id], -i.total_minor,
       (i.invoiced_at AT TIME ZONE 'UTC')::date
FROM settlement_supplierinvoice AS i
WHERE NOT EXISTS (SELECT FROM settlement_bankstatementline AS l WHERE l.known_id = i.id)
UNION ALL
SELECT i.company_id::int, c.currency::text, 'landed_cost', i.id, i.number, ARRAY[i.external_id], -i.amount_minor,
       (i.landed_at AT TIME ZONE 'UTC')::date
FROM purchasing_landedcost AS i JOIN parties_company AS c ON c.id = i.company_id
WHERE NOT EXISTS (SELECT FROM settlement_bankstatementline AS l WHERE l.known_id = i.id)
  AND NOT EXISTS (SELECT FROM settlement_landedbefore AS b WHERE b.cost_id = i.id)
UNION ALL
SELECT b.company, b.currency, 'order', b.order_id, o.number,
       ARRAY(SELECT DISTINCT CASE WHEN p.origin_id IS NULL THEN p.reference ELSE t.number END
             FROM payments_payment AS p JOIN orders_order AS t ON t.id = p.order_id
             WHERE COALESCE(p.origin_id, p.order_id) = b.order_id AND p.provider = 'account' ORDER BY 1),
       b.amount, (o.placed_at AT TIME ZONE 'UTC')::date
FROM ({ON_ACCOUNT}) AS b JOIN orders_order AS o ON o.id = b.order_id
"""
"""Payouts that no line of a statement has brought, invoices of carriers and suppliers and landed costs that none has
paid, and orders on account that their customers have not. Of costs landed before lines told what paid them nobody
knows: they are booked by hand."""

NAMED = """
SELECT COALESCE(origin_id, order_id) FROM payments_payment
WHERE provider = 'account' AND company_id = ANY(%(companies)s::smallint[])
  AND upper(reference) = ANY(%(words)s::text[])
UNION
SELECT COALESCE(p.origin_id, p.order_id) FROM orders_order AS o JOIN payments_payment AS p ON p.order_id = o.id
WHERE o.number = ANY(%(words)s::text[])
"""
"""Orders on account that words name: by a customer's reference, or a number of ours."""

_STATEMENTS = """
SELECT s.id, s.number, s.account, s.external_id, s.currency::text, s.closing_minor, s.state, s.taken_at,
       count(*)::int, count(*) FILTER (WHERE l.state IN ('differs', 'unmatched'))::int
FROM settlement_bankstatement AS s JOIN settlement_bankstatementline AS l ON l.statement_id = s.id
WHERE s.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR s.id < %(after)s::uuid)
GROUP BY s.id ORDER BY s.id DESC LIMIT %(limit)s::int
"""

_CURRENCY = """
SELECT currency::text FROM settlement_bankstatement
WHERE company_id = %(company)s::smallint AND id = %(statement)s::uuid
"""

_LINES = """
SELECT l.statement_id, s.number, l.number, s.currency::text, l.booked_on, l.amount_minor, l.reference, l.text, l.state,
       l.known_kind, l.known_id, l.purpose, l.why, l.decided_by,
       l.whole_minor
FROM settlement_bankstatementline AS l JOIN settlement_bankstatement AS s ON s.id = l.statement_id
WHERE l.company_id = %(company)s::smallint AND (%(statement)s::uuid IS NULL OR l.statement_id = %(statement)s::uuid)
  AND (NOT %(waiting)s::boolean OR l.state IN ('differs', 'unmatched'))
  AND (%(day)s::date IS NULL
       OR (l.booked_on, l.statement_id, l.number) > (%(day)s::date, %(behind)s::uuid, %(number)s::int))
ORDER BY l.booked_on, l.statement_id, l.number LIMIT %(limit)s::int
"""

_LINE = """
SELECT l.statement_id, s.number, l.number, s.currency::text, l.booked_on, l.amount_minor, l.reference, l.text, l.state,
       l.known_kind, l.known_id, l.purpose, l.why, l.decided_by,
       l.whole_minor
FROM settlement_bankstatementline AS l JOIN settlement_bankstatement AS s ON s.id = l.statement_id
WHERE l.company_id = %(company)s::smallint AND l.statement_id = %(statement)s::uuid AND l.number = %(number)s::int
"""

_OPEN = f"""
SELECT kind, id, number, array_to_string(names, ', '), currency, amount, on_day FROM (
    SELECT * FROM ({EXPECTED}) AS e WHERE e.company = %(company)s::int AND e.kind <> 'order'
    UNION ALL
    SELECT * FROM ({EXPECTED}) AS e
    WHERE e.company = %(company)s::int AND e.kind = 'order' AND e.id = ANY(%(orders)s::uuid[])) AS e
ORDER BY kind = 'order', on_day, number LIMIT %(limit)s::int
"""

# Orders on account of which a line of 1100 is not cleared, in the order of the index. Where captures by card are not
# cleared either, as with a provider whose payouts nobody reads, hundreds of thousands may stand before the first one.
_BOOKED_FIRST = f"""
SELECT COALESCE(p.origin_id, p.order_id, l.document_id)
FROM (SELECT line_id FROM ledger_clearingitem
      WHERE company_id = %(company)s::smallint AND account = 1100 AND open_minor <> 0
      ORDER BY line_id LIMIT {OPEN_MAX}) AS i
JOIN ledger_line AS l ON l.id = i.line_id
LEFT JOIN payments_payment AS p ON p.id = l.document_id AND p.provider = 'account'
WHERE p.id IS NOT NULL OR l.document_kind = 'order'
ORDER BY i.line_id LIMIT %(most)s::int
"""

# Of an amount most that is open of 1100 was paid by card: orders on account are counted, and not what is passed by.
_ALIKE = """
SELECT i.order_id
FROM unnest(%(currencies)s::text[], %(minors)s::bigint[]) AS a(currency, minor) CROSS JOIN LATERAL (
    SELECT COALESCE(p.origin_id, p.order_id, l.document_id) AS order_id
    FROM (SELECT line_id FROM ledger_clearingitem
          WHERE company_id = %(company)s::smallint AND account = 1100 AND currency = a.currency
            AND open_minor = a.minor AND open_minor <> 0
          ORDER BY line_id LIMIT %(walked)s::int) AS i
    JOIN ledger_line AS l ON l.id = i.line_id
    LEFT JOIN payments_payment AS p ON p.id = l.document_id AND p.provider = 'account'
    WHERE p.id IS NOT NULL OR l.document_kind = 'order'
    ORDER BY i.line_id LIMIT %(alike)s::int) AS i
"""

# Of each amount by itself: one that many fit leaves no other without. Money is summed of orders that are named or not
# cleared, alone, and of these of a bounded number.
_FITS = f"""
SELECT currency, kind, id, number, names, amount, on_day
FROM (SELECT e.*, row_number() OVER (PARTITION BY currency, amount, named
                                     ORDER BY kind = 'order', on_day, number) AS turn
      FROM (SELECT e.*, FALSE AS named FROM ({EXPECTED}) AS e WHERE e.company = %(company)s::int AND e.kind <> 'order'
            UNION ALL
            SELECT e.*, upper(number) = ANY(%(words)s::text[])
                   OR EXISTS (SELECT FROM unnest(names) AS n WHERE upper(n) = ANY(%(words)s::text[]))
            FROM ({EXPECTED}) AS e
            WHERE e.company = %(company)s::int AND e.kind = 'order' AND e.id = ANY(ARRAY(
                ({NAMED}) UNION ({_BOOKED_FIRST}) UNION ({_ALIKE})))) AS e
      WHERE named OR amount = ANY(%(amounts)s::bigint[])) AS e
WHERE turn <= %(limit)s::int ORDER BY named DESC, kind = 'order', on_day, number
"""

_FOUND = f"""
SELECT kind, id, number, array_to_string(names, ', '), currency, amount, on_day FROM (
    SELECT e.* FROM ({EXPECTED}) AS e
    WHERE e.company = %(company)s::int AND e.kind <> 'order'
      AND (e.amount = %(amount)s::bigint OR position(%(part)s::text IN upper(e.number)) > 0
           OR EXISTS (SELECT FROM unnest(e.names) AS n WHERE position(%(part)s::text IN upper(n)) > 0))
    UNION ALL
    SELECT * FROM ({EXPECTED}) AS e
    WHERE e.company = %(company)s::int AND e.kind = 'order' AND e.id = ANY(ARRAY(({NAMED}) UNION ({_ALIKE})))) AS e
WHERE currency = %(currency)s::text
ORDER BY amount IS DISTINCT FROM %(amount)s::bigint, kind = 'order', on_day, number LIMIT %(limit)s::int
"""

# invariant 15: a statement goes from its opening to its closing balance by its lines
_SUMS = """
SELECT format('bank statement %s goes from %s to %s, its lines make %s', s.number, s.opening_minor, s.closing_minor,
              sum(l.amount_minor))
FROM settlement_bankstatement AS s JOIN settlement_bankstatementline AS l ON l.statement_id = s.id
WHERE s.opening_minor IS NOT NULL AND s.closing_minor IS NOT NULL
GROUP BY s.id HAVING s.opening_minor + sum(l.amount_minor) <> s.closing_minor
"""

# invariant 16: a statement is open while one of its lines waits
_STATES = """
SELECT format('bank statement %s is %s with %s lines that wait', s.number, s.state, count(l.number))
FROM settlement_bankstatement AS s
LEFT JOIN settlement_bankstatementline AS l ON l.statement_id = s.id AND l.state IN ('differs', 'unmatched')
GROUP BY s.id HAVING (s.state = 'open') <> (count(l.number) > 0)
"""

# invariant 31: parts make their line
_PARTS = """
SELECT format('line %s of bank statement %s is over %s, its parts make %s', l.line, s.number, l.whole, l.made)
FROM (SELECT statement_id, COALESCE(part_of, number) AS line, min(whole_minor) AS whole, sum(amount_minor) AS made,
             count(*) > count(whole_minor) OR min(whole_minor) <> max(whole_minor) AS mixed
      FROM settlement_bankstatementline GROUP BY 1, 2) AS l
JOIN settlement_bankstatement AS s ON s.id = l.statement_id
WHERE l.whole IS NOT NULL AND (l.whole <> l.made OR l.mixed)
"""

_BOOKED = ", ".join(f"'{kind}'" for kind in bank.BOOKED_AS)

# invariant 17: the bank account holds what it was opened with, what payouts brought and lines of statements say
_ACCOUNT = f"""
SELECT format('company %s: account 1000 holds %s %s; payouts make %s, lines of bank statements beside them %s, '
              'what it was opened with %s', company_id, COALESCE(b.balance, 0), currency, COALESCE(p.amount, 0),
              COALESCE(l.amount, 0), COALESCE(o.amount, 0))
FROM (SELECT company_id, currency::text, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_balance
      WHERE account = 1000 GROUP BY 1, 2) AS b
FULL JOIN (SELECT company_id, currency::text, sum(net_minor)::bigint AS amount
           FROM settlement_payout GROUP BY 1, 2) AS p
  USING (company_id, currency)
FULL JOIN (SELECT s.company_id, s.currency::text, sum(l.amount_minor)::bigint AS amount
           FROM settlement_bankstatementline AS l JOIN settlement_bankstatement AS s ON s.id = l.statement_id
           WHERE l.state = 'booked' OR l.known_kind IN ({_BOOKED})
           GROUP BY 1, 2) AS l
  USING (company_id, currency)
FULL JOIN (SELECT company_id, currency::text, sum(amount_minor)::bigint AS amount FROM ledger_line
           WHERE account = 1000 AND event = 'manual.posted' AND kind = 'manual.opening' GROUP BY 1, 2) AS o
  USING (company_id, currency)
WHERE COALESCE(b.balance, 0) <> COALESCE(p.amount, 0) + COALESCE(l.amount, 0) + COALESCE(o.amount, 0)
"""
