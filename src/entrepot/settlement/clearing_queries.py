"""What is asked of clearing accounts: whether each is at zero or why not, what is open of it, and what was given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.settlement import clearing
from entrepot.settlement.clearing import ClearingPolicy, Held


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A clearing account in a currency: what is open on each side, how old, and whether somebody said why.

    `balance_minor` is its balance in that currency, which its open lines make up.
    """

    account: int
    name: str
    currency: str
    balance_minor: int
    debits: int
    debit_minor: int
    credits: int
    credit_minor: int
    since: datetime | None
    old: int
    explained: int
    by_age: list[int]

    @property
    def held(self) -> Held:
        return Held(
            self.account,
            self.debits,
            self.debit_minor,
            self.credits,
            self.credit_minor,
            self.old,
            self.explained,
        )

    @property
    def state(self) -> str:
        return clearing.state(self.held)

    @property
    def reasons(self) -> list[tuple[str, int, int]]:
        return clearing.reasons(self.held)


def accounts(company: int, at: datetime) -> list[AccountRow]:
    """Every clearing account of a company, by number; one at zero has one row. 2 statements.

    `by_age` counts what is open for at most 30, 60, 90 days, and longer.
    """
    policy = policies.of_company(company, ClearingPolicy, at)[1]
    first, second, third = (at - timedelta(days=age) for age in clearing.AGES)
    params = {
        "company": company, "old": at - timedelta(days=policy.days), "first": first, "second": second, "third": third,
        "today": at.date(),
    }  # fmt: skip
    return [AccountRow(*row) for row in sql.run(_ACCOUNTS, params)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open lines of an account are shown: in a currency, on a side, open for more than so many days, of a
    counterparty, with a note or without."""

    account: int
    currency: str = ""
    side: str = ""
    older_than: int | None = None
    counterparty: str = ""
    noted: str = ""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An open line of a clearing account: of which document and whom, and what somebody said of it."""

    line: int
    entry: UUID
    account: int
    currency: str
    amount_minor: int
    open_minor: int
    since: datetime
    event: str
    document_kind: str
    document: UUID
    counterparty: str
    code: str
    note: str
    role: str
    due_on: date | None


def items(
    company: int, wanted: Wanted, at: datetime, *, after: int | None = None, limit: int = 100
) -> list[ItemRow]:
    """Open lines of an account, the oldest posting first, behind the line `after`. 1 statement."""
    older = None if wanted.older_than is None else at - timedelta(days=wanted.older_than)
    params = {
        "company": company, "account": wanted.account, "currency": wanted.currency, "side": wanted.side, "older": older,
        "counterparty": wanted.counterparty, "noted": wanted.noted, "after": after or 0, "limit": limit,
    }  # fmt: skip
    return [ItemRow(*row) for row in sql.run(_ITEMS, params)]


@dataclass(frozen=True, slots=True)
class PartyRow:
    """What is open of an account by counterparty."""

    counterparty: str
    currency: str
    lines: int
    open_minor: int
    since: datetime


AMONG = 5_000
"""Open lines, the oldest first, of which it is told who they are with: each has to be asked for."""


def by_counterparty(company: int, account: int, *, limit: int = 50) -> list[PartyRow]:
    """Of an account, who what is open is with, the most lines first, among the oldest AMONG lines. 1 statement."""
    params = {"company": company, "account": account, "limit": limit, "among": AMONG}
    return [PartyRow(*row) for row in sql.run(_PARTIES, params)]


@dataclass(frozen=True, slots=True)
class PartRow:
    """A line in a match."""

    match: UUID
    line: int
    entry: UUID
    amount_minor: int
    document_kind: str
    document: UUID
    occurred_at: datetime


def parts(matches: list[UUID], *, limit: int = 100) -> list[PartRow]:
    """The first lines of each match. 1 statement."""
    return [PartRow(*row) for row in sql.run(_PARTS, {"matches": matches, "limit": limit})]


@dataclass(frozen=True, slots=True)
class WriteOffRow:
    """What was given up, or waits for another person's approval."""

    id: UUID
    number: str
    account: int
    currency: str
    amount_minor: int
    code: str
    reason: str
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str


def write_offs(
    company: int,
    *,
    account: int | None = None,
    waiting: bool = False,
    before: UUID | None = None,
    limit: int = 50,
) -> list[WriteOffRow]:
    """Of a company or an account, all or those that wait, the latest first. 1 statement."""
    params = {
        "company": company, "account": account, "waiting": waiting, "before": before, "limit": limit,
    }  # fmt: skip
    return [WriteOffRow(*row) for row in sql.run(_WRITE_OFFS, params)]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("settlement_writeoff", "settlement_clearingnote")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about write-offs that the books tell otherwise, and about who approved them."""
    return [sentence for statement in (_POSTED, _ALONE) for (sentence,) in sql.run(statement)]


EXPLAINED = "n.line_id = i.line_id AND n.ended_at IS NULL AND n.due_on >= %(today)s::date"
"""That a note (n) explains a line (i): until its day."""

_ACCOUNTS = f"""
SELECT a.code, a.name, COALESCE(b.currency, c.currency)::text, COALESCE(b.balance, 0)::bigint,
       COALESCE(i.debits, 0)::int, COALESCE(i.debit, 0)::bigint, COALESCE(i.credits, 0)::int,
       COALESCE(i.credit, 0)::bigint, i.since, COALESCE(i.old, 0)::int, COALESCE(i.explained, 0)::int,
       COALESCE(i.ages, '{{0,0,0,0}}')::int[]
FROM ledger_account AS a JOIN parties_company AS c ON c.id = a.company_id
LEFT JOIN (SELECT account, currency, sum(debit_minor - credit_minor) AS balance FROM ledger_balance
           WHERE company_id = %(company)s::smallint GROUP BY 1, 2) AS b ON b.account = a.code
LEFT JOIN (
    SELECT i.account, i.currency, count(*) FILTER (WHERE i.open_minor > 0) AS debits,
           sum(i.open_minor) FILTER (WHERE i.open_minor > 0) AS debit,
           count(*) FILTER (WHERE i.open_minor < 0) AS credits,
           sum(i.open_minor) FILTER (WHERE i.open_minor < 0) AS credit, min(i.since_at) AS since,
           count(*) FILTER (WHERE i.since_at < %(old)s) AS old,
           count(n.line_id) FILTER (WHERE i.since_at < %(old)s) AS explained,
           ARRAY[count(*) FILTER (WHERE i.since_at >= %(first)s),
                 count(*) FILTER (WHERE i.since_at < %(first)s AND i.since_at >= %(second)s),
                 count(*) FILTER (WHERE i.since_at < %(second)s AND i.since_at >= %(third)s),
                 count(*) FILTER (WHERE i.since_at < %(third)s)] AS ages
    FROM ledger_clearingitem AS i
    LEFT JOIN settlement_clearingnote AS n
      ON {EXPLAINED}
    WHERE i.company_id = %(company)s::smallint AND i.open_minor <> 0 GROUP BY 1, 2
) AS i ON i.account = a.code AND i.currency = b.currency
WHERE a.company_id = %(company)s::smallint AND a.clearing
  AND (b.currency IS NULL OR b.currency = c.currency OR b.balance <> 0 OR i.account IS NOT NULL)
ORDER BY a.code, 3
"""

# Who an open line `l` is with: a supplier, carrier or provider by name; a customer by the order, for a name is theirs.
_WITH = """
COALESCE(CASE l.document_kind
    WHEN 'payment' THEN (SELECT CASE WHEN l.account IN (2100, 2300) THEN o.number ELSE p.provider END
                         FROM payments_payment AS p LEFT JOIN orders_order AS o ON o.id = p.order_id
                         WHERE p.id = l.document_id)
    WHEN 'payout' THEN (SELECT provider FROM settlement_payout WHERE id = l.document_id)
    WHEN 'shipment' THEN (SELECT CASE WHEN l.account IN (2100, 2300) THEN o.number ELSE h.carrier END
                          FROM shipping_shipment AS h JOIN orders_order AS o ON o.id = h.order_id
                          WHERE h.id = l.document_id)
    WHEN 'order' THEN (SELECT number FROM orders_order WHERE id = l.document_id)
    WHEN 'refund' THEN (SELECT o.number FROM returns_refund AS r JOIN orders_order AS o ON o.id = r.order_id
                        WHERE r.id = l.document_id)
    WHEN 'credit' THEN (SELECT number FROM orders_credit WHERE id = l.document_id)
    WHEN 'carrier_invoice' THEN (SELECT carrier FROM settlement_carrierinvoice WHERE id = l.document_id)
    WHEN 'supplier_invoice' THEN (SELECT s.name FROM settlement_supplierinvoice AS v
                                  JOIN parties_supplier AS s ON s.id = v.supplier_id WHERE v.id = l.document_id)
    WHEN 'purchase_receipt' THEN (SELECT s.name FROM purchasing_receipt AS r
                                  JOIN purchasing_order AS o ON o.id = r.order_id
                                  JOIN parties_supplier AS s ON s.id = o.supplier_id WHERE r.id = l.document_id)
    WHEN 'claim' THEN (SELECT carrier FROM shipping_claim WHERE id = l.document_id)
    WHEN 'supplier_claim' THEN (SELECT s.name FROM purchasing_claim AS q
                                JOIN parties_supplier AS s ON s.id = q.supplier_id WHERE q.id = l.document_id)
    WHEN 'departure' THEN (
        SELECT COALESCE(k.code, p.receiver) FROM returns_departure AS p
        LEFT JOIN parties_customer AS k ON k.id = p.customer_id WHERE p.id = l.document_id)
    WHEN 'return_label' THEN (SELECT carrier FROM returns_label WHERE id = l.document_id)
    WHEN 'work order' THEN (SELECT number FROM returns_workorder WHERE id = l.document_id)
END, '')
"""

_ITEMS = f"""
SELECT * FROM (
    SELECT i.line_id, l.entry_id, i.account, i.currency, i.amount_minor, i.open_minor, i.since_at, l.event,
           l.document_kind, l.document_id, {_WITH} AS party, COALESCE(n.code, ''), COALESCE(n.note, ''),
           COALESCE(n.role, ''), n.due_on
    FROM ledger_clearingitem AS i JOIN ledger_line AS l ON l.id = i.line_id
    LEFT JOIN settlement_clearingnote AS n ON n.line_id = i.line_id AND n.ended_at IS NULL
    WHERE i.company_id = %(company)s::smallint AND i.account = %(account)s::int AND i.open_minor <> 0
      AND i.line_id > %(after)s::bigint
      AND (%(currency)s::text = '' OR i.currency = %(currency)s::text)
      AND (%(side)s::text = '' OR (%(side)s::text = 'debit') = (i.open_minor > 0))
      AND (%(older)s::timestamptz IS NULL OR i.since_at < %(older)s::timestamptz)
      AND (%(noted)s::text = '' OR (%(noted)s::text = 'yes') = (n.id IS NOT NULL))
) AS i WHERE %(counterparty)s::text = '' OR i.party ILIKE '%%' || %(counterparty)s::text || '%%'
ORDER BY line_id LIMIT %(limit)s::int
"""

_PARTIES = f"""
SELECT party, currency, count(*)::int, sum(open_minor)::bigint, min(since_at)
FROM (SELECT {_WITH} AS party, i.currency, i.open_minor, i.since_at
      FROM (SELECT * FROM ledger_clearingitem
            WHERE company_id = %(company)s::smallint AND account = %(account)s::int AND open_minor <> 0
            ORDER BY line_id LIMIT %(among)s::int) AS i
      JOIN ledger_line AS l ON l.id = i.line_id) AS i
GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT %(limit)s::int
"""

_PARTS = """
SELECT p.match_id, p.line_id, l.entry_id, p.amount_minor, l.document_kind, l.document_id, l.occurred_at
FROM unnest(%(matches)s::uuid[]) AS m(id)
CROSS JOIN LATERAL (SELECT match_id, line_id, amount_minor FROM ledger_matchpart
                    WHERE match_id = m.id ORDER BY line_id LIMIT %(limit)s::int) AS p
JOIN ledger_line AS l ON l.id = p.line_id ORDER BY p.match_id, p.line_id
"""

_WRITE_OFFS = """
SELECT id, number, account, currency, amount_minor, code, reason, state, asked_by, asked_at, decided_by, decided_at,
       note
FROM settlement_writeoff
WHERE company_id = %(company)s::smallint AND (%(account)s::int IS NULL OR account = %(account)s::int)
  AND (NOT %(waiting)s::boolean OR state = 'waiting') AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
ORDER BY id DESC LIMIT %(limit)s::int
"""

# invariant 25: what was written off is in the books, and matched with what was left
_POSTED = """
SELECT format('write-off %s of account %s over %s is %s, the books have %s of it', w.number, w.account, w.amount_minor,
              w.state, COALESCE(-l.amount, 0))
FROM settlement_writeoff AS w
LEFT JOIN (SELECT document_id, account, sum(amount_minor) AS amount FROM ledger_line
           WHERE event = 'clearing.written_off' GROUP BY 1, 2) AS l ON l.document_id = w.id AND l.account = w.account
WHERE COALESCE(-l.amount, 0) <> CASE w.state WHEN 'posted' THEN w.amount_minor ELSE 0 END
   OR (w.state = 'posted') <> EXISTS (SELECT FROM ledger_match AS m WHERE m.id = w.match_id AND m.undone_at IS NULL)
"""

# invariant 26: a write-off that waited was approved by somebody else than who asked for it
_ALONE = """
SELECT format('write-off %s waited and was approved by %s, who asked for it', number, asked_by)
FROM settlement_writeoff WHERE state = 'posted' AND decided_at > asked_at AND decided_by = asked_by
"""
