"""Note who did which part of what, so that nobody does both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.access import rules
from entrepot.access.rules import Duty
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused

__all__ = ["Duty", "DutyTaken", "take_duty"]


@dataclass(frozen=True, slots=True)
class DutyTaken:
    duty: Duty


@command("access.take_duty")
def take_duty(cause: Cause, /, *, requests: Sequence[Duty]) -> list[DutyTaken | Refused]:
    """Each duty, taken; or refused where its person holds the other side of the pair on that document.

    Locks: the rows it adds, in the order of their keys; it waits for whoever is adding a contrary one.
    Refuses: DutiesApart; Invalid (unknown pair or side).
    Again: a duty that its person holds already is taken. 2 statements.
    """
    answers = rules.decide_duties(requests)
    names = [(one.document, one.pair, one.side, one.person) for one in requests]
    wanted = sorted({name for name, refusal in zip(names, answers, strict=True) if refusal is None})
    if wanted:
        batch = sql.columns(("documents", "pairs", "sides", "persons"), wanted)
        sql.run(_TAKE, {**batch, "at": cause.at})
        # A look of its own, after the insert has waited for others: now their duties can be seen.
        held = {tuple(row) for row in sql.run(_HELD, batch)}
    return [
        refusal or (DutyTaken(one) if name in held else rules.apart(one))
        for one, name, refusal in zip(requests, names, answers, strict=True)
    ]


_BATCH = sql.unnest("one", documents="uuid", pairs="text", sides="text", persons="text")

_TAKE = f"""
INSERT INTO access_duty (document, pair, side, person, taken_at)
SELECT one.documents, one.pairs, one.sides, one.persons, %(at)s::timestamptz FROM {_BATCH}
ON CONFLICT DO NOTHING
"""

_HELD = f"""
SELECT duty.document, duty.pair, duty.side, duty.person FROM access_duty AS duty
JOIN {_BATCH} ON (duty.document, duty.pair, duty.side, duty.person) = (documents, pairs, sides, persons)
"""
