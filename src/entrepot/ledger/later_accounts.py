"""Accounts and posting rules that came when books were open already: what each migration of some runs."""

from __future__ import annotations

from typing import Any

from entrepot.ledger import rules


def add(_apps: Any, schema_editor: Any) -> None:
    """Give all books what the chart and the rules say by now. What they have already stays; until houses kept their
    charts themselves, names and whether an account must reach zero did not."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_KEPT_BY_HOUSES)
        statement = _ADD if cursor.fetchall() else _ADD_BEFORE
        cursor.execute("SELECT DISTINCT company_id FROM ledger_account")
        for (company,) in cursor.fetchall():
            cursor.executemany(statement, [(company, *row) for row in rules.CHART])
            cursor.executemany(
                "INSERT INTO ledger_rule (company_id, event, kind, debit, credit) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [(company, *row) for row in rules.RULES],
            )
            if statement == _ADD:
                cursor.execute(_OPEN, (company,))


_KEPT_BY_HOUSES = """
SELECT 1 FROM pg_attribute WHERE attrelid = 'ledger_account'::regclass AND attname = 'role' AND NOT attisdropped
"""

# What a rule names takes lines: a house may have closed it before the rule came.
_OPEN = """
UPDATE ledger_account AS a SET closed = FALSE WHERE a.company_id = %s AND a.closed AND EXISTS (
    SELECT FROM ledger_rule AS r WHERE r.company_id = a.company_id AND a.code IN (r.debit, r.credit))
"""

_ADD_BEFORE = """
INSERT INTO ledger_account (company_id, code, name, type, clearing) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (company_id, code) DO UPDATE SET name = excluded.name, clearing = excluded.clearing
"""

_ADD = """
INSERT INTO ledger_account (company_id, code, name, type, clearing, role)
SELECT company, code, name, type, clearing, code
FROM (VALUES (%s::smallint, %s::int, %s::text, %s::text, %s::bool)) AS d(company, code, name, type, clearing)
ON CONFLICT (company_id, code) DO UPDATE SET clearing = excluded.clearing
"""
