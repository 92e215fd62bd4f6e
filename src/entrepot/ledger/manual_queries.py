"""What is asked of journal entries that people enter: what waits, what was posted, and whether the journal agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.ledger.manual import BANK, EVENT, INSTEAD, OPENING, EntryLine


@dataclass(frozen=True, slots=True)
class ManualRow:
    """An entry as it was entered, and what became of it; `amount_minor` is what one side makes. `reverses` and
    `reversed_by` are the entry that it takes back and the one that takes it back, each with its number."""

    id: UUID
    number: str
    kind: str
    on_date: date
    currency: str
    rate: Decimal | None
    reason: str
    reference: str
    state: str
    amount_minor: int
    entered_by: str
    entered_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str
    posted_as: UUID | None
    reverses: UUID | None
    reverses_number: str
    reversed_by: UUID | None
    reversed_by_number: str


def entries(
    company: int,
    *,
    which: UUID | None = None,
    state: str = "",
    before: UUID | None = None,
    limit: int = 50,
) -> list[ManualRow]:
    """Entries of a company, the latest first, behind the one named; all, or of a state. 1 statement."""
    params = {"company": company, "which": which, "state": state, "before": before, "limit": limit}
    return [ManualRow(*row) for row in sql.run(_ENTRIES, params)]


@dataclass(frozen=True, slots=True)
class ManualLineRow:
    """A line of an entry, debit above zero."""

    manual: UUID
    number: int
    account: int
    account_name: str
    amount_minor: int


def lines(company: int, which: Sequence[UUID]) -> list[ManualLineRow]:
    """The lines of entries, in their order. 1 statement."""
    return [ManualLineRow(*row) for row in sql.run(_LINES, {"company": company, "ids": list(which)})]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of the chart: `role` is the standard one that it counts as, `external` its number elsewhere."""

    code: int
    name: str
    type: str
    clearing: bool
    role: int | None
    external: str
    closed: bool


def chart(company: int) -> list[AccountRow]:
    """The accounts of a company by their codes. 1 statement."""
    return [AccountRow(*row) for row in sql.run(_CHART, {"company": company})]


def lines_of(which: Sequence[UUID]) -> dict[UUID, list[EntryLine]]:
    """The lines of each entry, in their order. 1 statement."""
    found: dict[UUID, list[EntryLine]] = {one: [] for one in which}
    for entry, account, amount in sql.run(_LINES_OF, {"ids": list(which)}):
        found[entry].append(EntryLine(account, amount))
    return found


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("ledger_manualentry", "ledger_manualline")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about entries that the journal tells otherwise, that one person posted alone, that take back what
    was not so, or that move what other records hold."""
    statements = (_POSTED, _ALONE, _MIRRORED, _MOVED)
    return [sentence for statement in statements for (sentence,) in sql.run(statement)]


_ENTRIES = """
SELECT m.id, m.number, m.kind, m.on_date, m.currency, m.rate, m.reason, m.reference, m.state,
       (SELECT COALESCE(sum(amount_minor), 0) FROM ledger_manualline
        WHERE manual_id = m.id AND amount_minor > 0)::bigint,
       m.entered_by, m.entered_at, m.decided_by, m.decided_at, m.note, m.posted_as, m.reverses_id,
       COALESCE(o.number, ''), r.id, COALESCE(r.number, '')
FROM ledger_manualentry AS m
LEFT JOIN ledger_manualentry AS o ON o.id = m.reverses_id
LEFT JOIN ledger_manualentry AS r ON r.reverses_id = m.id AND r.state <> 'rejected'
WHERE m.company_id = %(company)s::smallint AND (%(which)s::uuid IS NULL OR m.id = %(which)s::uuid)
  AND (%(state)s::text = '' OR m.state = %(state)s::text) AND (%(before)s::uuid IS NULL OR m.id < %(before)s::uuid)
ORDER BY m.id DESC LIMIT %(limit)s::int
"""

_LINES = """
SELECT l.manual_id, l.number::int, l.account, COALESCE(a.name, ''), l.amount_minor
FROM ledger_manualline AS l
LEFT JOIN ledger_account AS a ON a.company_id = %(company)s::smallint AND a.code = l.account
WHERE l.manual_id = ANY(%(ids)s::uuid[]) ORDER BY l.manual_id DESC, l.number
"""

_CHART = """
SELECT code::int, name, type, clearing, role, external, closed FROM ledger_account
WHERE company_id = %(company)s::smallint ORDER BY code
"""

_LINES_OF = """
SELECT manual_id, account, amount_minor FROM ledger_manualline WHERE manual_id = ANY(%(ids)s::uuid[])
ORDER BY manual_id, number
"""

# invariant 13: what was posted is what was entered, line by line, on its day
_POSTED = """
SELECT format('journal entry %s, line %s: entered as %s on account %s as of %s, the books have %s on %s as of %s',
              COALESCE(n.number, id::text), line, s.amount, s.account, s.on_date, b.amount, b.account, b.on_date)
FROM (SELECT m.id, l.number::int AS line, m.company_id, m.posted_as, m.currency, m.kind, m.on_date, l.account,
             l.amount_minor AS amount
      FROM ledger_manualentry AS m JOIN ledger_manualline AS l ON l.manual_id = m.id WHERE m.state = 'posted') AS s
FULL JOIN (SELECT document_id AS id, number::int AS line, company_id, entry_id, currency, kind,
                  (occurred_at AT TIME ZONE 'UTC')::date AS on_date, account, amount_minor AS amount
           FROM ledger_line WHERE event = 'manual.posted') AS b USING (id, line)
LEFT JOIN ledger_manualentry AS n USING (id)
WHERE (s.company_id, s.posted_as, s.currency, 'manual.' || s.kind, s.on_date, s.account, s.amount)
      IS DISTINCT FROM (b.company_id, b.entry_id, b.currency, b.kind, b.on_date, b.account, b.amount)
"""

# invariant 14: nobody posts what they entered
_ALONE = """
SELECT format('journal entry %s was approved by %s, who entered it', number, entered_by)
FROM ledger_manualentry WHERE state = 'posted' AND decided_by = entered_by
"""

# invariant 15: what takes an entry back is its mirror
_MIRRORED = """
SELECT format('journal entry %s takes back %s, and is not its mirror', m.number, o.number)
FROM ledger_manualentry AS m JOIN ledger_manualentry AS o ON o.id = m.reverses_id
WHERE (m.company_id, m.kind, m.currency, m.rate) IS DISTINCT FROM (o.company_id, o.kind, o.currency, o.rate)
   OR EXISTS (SELECT FROM (SELECT * FROM ledger_manualline WHERE manual_id = o.id) AS a
              FULL JOIN (SELECT * FROM ledger_manualline WHERE manual_id = m.id) AS b USING (number)
              WHERE (a.account, -a.amount_minor) IS DISTINCT FROM (b.account, b.amount_minor))
"""

# invariant 16: what other records hold is moved by them; the bank's is opened by hand
_MOVED = f"""
SELECT format('journal entry %s moves account %s by %s, which other records hold',
              COALESCE(m.number, l.document_id::text), l.account, l.amount_minor)
FROM ledger_line AS l LEFT JOIN ledger_manualentry AS m ON m.id = l.document_id
WHERE l.event = '{EVENT}' AND l.account IN ({", ".join(map(str, INSTEAD))})
  AND NOT (l.account = {BANK} AND l.kind = 'manual.{OPENING}')
"""
