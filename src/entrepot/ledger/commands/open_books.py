"""Give a company its chart of accounts and posting rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.ledger import rules


@dataclass(frozen=True, slots=True)
class OpenBooks:
    """A company whose books open with the standard chart and rules."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BooksOpened:
    company: int
    accounts: int
    rules: int


@command("ledger.open_books")
def open_books(cause: Cause, /, *, requests: Sequence[OpenBooks]) -> list[BooksOpened | Refused]:
    """Accounts and rules that a company lacks are added; those it has stay as they are.

    Again: adds nothing. 2 statements."""
    companies = [request.company for request in requests]
    accounts = [(company, *row) for company in companies for row in rules.CHART]
    sql.run(_ADD_ACCOUNTS, sql.columns(("companies", "codes", "names", "types", "clearing"), accounts))
    posting = [(company, *row) for company in companies for row in rules.RULES]
    sql.run(_ADD_RULES, sql.columns(("companies", "events", "kinds", "debits", "credits"), posting))
    return [BooksOpened(company, len(rules.CHART), len(rules.RULES)) for company in companies]


_ADD_ACCOUNTS = """
INSERT INTO ledger_account (company_id, code, name, type, clearing, role)
SELECT company, code, name, type, clearing, code
FROM unnest(%(companies)s::smallint[], %(codes)s::int[], %(names)s::text[], %(types)s::text[],
            %(clearing)s::bool[]) AS d(company, code, name, type, clearing)
ON CONFLICT DO NOTHING
"""

_ADD_RULES = """
INSERT INTO ledger_rule (company_id, event, kind, debit, credit)
SELECT * FROM unnest(%(companies)s::smallint[], %(events)s::text[], %(kinds)s::text[], %(debits)s::int[],
                     %(credits)s::int[])
ON CONFLICT DO NOTHING
"""
