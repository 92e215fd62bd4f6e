"""Lock journal entries that people entered, for commands that decide about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql


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


_LOCK = """
SELECT id, number, company_id::int, kind, on_date, currency, rate, state FROM ledger_manualentry
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""
