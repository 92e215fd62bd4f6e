"""What a step of a document posted, read before it is undone; and which document a step is of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class PostedLine:
    """A line that a step posts, debit positive; `functional_minor` in the company's currency."""

    entry: UUID
    event: str
    account: int
    account_name: str
    kind: str
    amount_minor: int
    functional_minor: int
    currency: str

    @property
    def credit_minor(self) -> int:
        """Above zero what stands on the credit side."""
        return -self.amount_minor


def document(company: int, table: str, number: str) -> UUID | None:
    """The key of a document of a company by its number. 1 statement."""
    params = {"company": company, "number": number}
    return next((which for (which,) in sql.run(_DOCUMENT.format(table=table), params)), None)


def last_line() -> int:
    """How far the journal goes. 1 statement."""
    return sql.run("SELECT COALESCE(max(id), 0) FROM ledger_line")[0][0]  # type: ignore[no-any-return]


def posted(company: int, after: int, at: datetime) -> list[PostedLine]:
    """What was posted behind a line of the journal at this very moment, entry by entry. 1 statement."""
    params = {"company": company, "after": after, "at": at}
    return [PostedLine(*row) for row in sql.run(_POSTED, params)]


_DOCUMENT = """
SELECT id FROM {table} WHERE company_id = %(company)s::smallint AND number = %(number)s::text
"""

_POSTED = """
SELECT l.entry_id, l.event, l.account, a.name, l.kind, l.amount_minor, l.functional_minor, l.currency
FROM ledger_line AS l JOIN ledger_account AS a ON a.company_id = l.company_id AND a.code = l.account
WHERE l.id > %(after)s::bigint AND l.company_id = %(company)s::smallint AND l.recorded_at = %(at)s::timestamptz
ORDER BY l.id
"""
