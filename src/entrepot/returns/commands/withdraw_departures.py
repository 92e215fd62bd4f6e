"""Goods that were gathered stay after all: their units may be gathered anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.returns import errors
from entrepot.returns.commands.gathering import counted, lock_waiting, take
from entrepot.returns.states import DEPARTURE


@dataclass(frozen=True, slots=True)
class WithdrawDeparture:
    """The departure, and why its goods stay."""

    departure: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DepartureWithdrawn:
    departure: UUID


@command("returns.withdraw_departures")
def withdraw_departures(
    cause: Cause, /, *, requests: Sequence[WithdrawDeparture]
) -> list[DepartureWithdrawn | Refused]:
    """Departures that do not take place; their numbers stay, so that none is missing.

    Locks: the departures, then their dispositions, in id order. Refuses: NotFound; WrongState (the goods have left);
    returns.reason_needed. Again: by key. 6 statements.
    """
    found: dict[UUID, tuple[int, str]] = {
        which: (company, state)
        for which, company, state in sql.run(_LOCK, {"ids": [one.departure for one in requests]})
    }
    answers: list[DepartureWithdrawn | Refused] = []
    rows: list[tuple[UUID, str]] = []
    for request in requests:
        company, state = found.get(request.departure, (0, ""))
        if request.departure not in found:
            answers.append(NotFound(what="departure", which=str(request.departure)))
            continue
        step = DEPARTURE.step(state, "withdraw")
        if isinstance(step, Refused):
            answers.append(step)
            continue
        if not request.reason.strip():
            answers.append(errors.ReasonNeeded(step="to withdraw", why="units were gathered for it"))
            continue
        found[request.departure] = (company, step)
        rows.append((request.departure, request.reason.strip()))
        answers.append(DepartureWithdrawn(request.departure))
    if rows:
        freed = [(which, -units) for which, units in sql.run(_ITEMS, {"ids": [which for which, _ in rows]})]
        lock_waiting([which for which, _ in freed])
        take(counted(freed))
        sql.run(_WITHDRAW, sql.columns(("ids", "reasons"), rows))
        announce(cause, [
            Event("departure", which, found[which][0], "open", "withdrawn", reason=reason) for which, reason in rows
        ])  # fmt: skip
    return answers


_LOCK = """
SELECT id, company_id::int, state FROM returns_departure WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_ITEMS = (
    "SELECT disposition_id, quantity FROM returns_departureitem WHERE departure_id = ANY(%(ids)s::uuid[])"
)

_WITHDRAW = """
UPDATE returns_departure AS p SET state = 'withdrawn', reason = d.reason
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS d(id, reason) WHERE p.id = d.id
"""
