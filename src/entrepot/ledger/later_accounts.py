"""Accounts and posting rules that came when books were open already: what each migration of some runs."""

from __future__ import annotations

from typing import Any

from entrepot.ledger import rules


def add(_apps: Any, schema_editor: Any) -> None:
    """Give all books what the chart and the rules say by now; what they have already stays, but for names
    and whether an account must reach zero."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT company_id FROM ledger_account")
        for (company,) in cursor.fetchall():
            cursor.executemany(
                "INSERT INTO ledger_account (company_id, code, name, type, clearing) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (company_id, code) DO UPDATE SET name = excluded.name, clearing = excluded.clearing",
                [(company, *row) for row in rules.CHART],
            )
            cursor.executemany(
                "INSERT INTO ledger_rule (company_id, event, kind, debit, credit) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [(company, *row) for row in rules.RULES],
            )
