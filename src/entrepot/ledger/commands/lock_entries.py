"""Lock journal entries that people entered, for commands that decide about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.errors import Refused
from entrepot.ledger import errors


class Locked(NamedTuple):
    """An entry that a command decides about."""

    id: UUID
    number: str
    company: int
    kind: str
    on: date
    currency: str
    rate: Decimal | None
    state: str


def lock_entries(which: Iterable[UUID]) -> dict[UUID, Locked]:
    """Entries by their ids, in whose order they are locked. 1 statement."""
    rows = sql.run(_LOCK, {"ids": sorted(set(which))})
    return {one.id: one for one in (Locked(*row) for row in rows)}


def on_closed_accounts(entries: Iterable[Locked]) -> dict[UUID, Refused]:
    """Of entries those with a line of an account that takes none any more, and the refusal. 1 statement."""
    return {
        which: errors.AccountClosed(account=account, company=company)
        for which, account, company in sql.run(_ON_CLOSED, {"ids": [one.id for one in entries]})
    }


_LOCK = """
SELECT id, number, company_id::int, kind, on_date, currency, rate, state FROM ledger_manualentry
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_ON_CLOSED = """
SELECT m.id, min(a.code)::int, m.company_id::int
FROM ledger_manualentry AS m JOIN ledger_manualline AS l ON l.manual_id = m.id
JOIN ledger_account AS a ON a.company_id = m.company_id AND a.code = l.account AND a.closed
WHERE m.id = ANY(%(ids)s::uuid[]) GROUP BY m.id
"""
