"""A supplier has answered a claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing.states import CLAIM
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ANSWERS = ("credit", "replace", "refuse")


@dataclass(frozen=True, slots=True)
class CloseClaim:
    """What the supplier did: `credit`, `replace` or `refuse`, and how it is known."""

    claim: UUID
    answer: str
    note: str
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimClosed:
    claim: UUID
    state: str


@command("purchasing.close_claims")
def close_claims(cause: Cause, /, *, requests: Sequence[CloseClaim]) -> list[ClaimClosed | Refused]:
    """The claims, closed. A credit note is entered by whoever keeps the books; goods sent again are ordered at no cost.

    Locks: the claims in id order. Refuses: NotFound; WrongState (closed before); Invalid (answer, no note).
    Again: by key. 4 statements.
    """
    claims = {row[0]: row[1:] for row in sql.run(_LOCK, {"ids": [one.claim for one in requests]})}
    answers: list[ClaimClosed | Refused] = []
    closed: dict[UUID, tuple[CloseClaim, str]] = {}
    for one in requests:
        state = _state(one, claims.get(one.claim), closed)
        if isinstance(state, Refused):
            answers.append(state)
            continue
        closed[one.claim] = (one, state)
        answers.append(ClaimClosed(one.claim, state))
    if closed:
        rows = [
            (claim, state, one.note, cause.actor.name, one.occurred_at or cause.at)
            for claim, (one, state) in closed.items()
        ]
        sql.run(_CLOSE, sql.columns(("ids", "states", "notes", "people", "times"), rows))
        resolve_subjects(
            cause,
            requests=[
                ResolveSubject(claims[claim][0], "supplier claim", claim, note=one.note)
                for claim, (one, _) in closed.items()
            ],
        )
        announce(
            cause,
            [
                Event(
                    "supplier_claim", claim, claims[claim][0], "open", state, one.occurred_at, reason=one.note
                )
                for claim, (one, state) in closed.items()
            ],
        )
    return answers


def _state(
    one: CloseClaim, found: tuple[int, str] | None, closed: dict[UUID, tuple[CloseClaim, str]]
) -> str | Refused:
    if found is None:
        return NotFound(what="claim to a supplier", which=str(one.claim))
    if one.answer not in ANSWERS:
        return Invalid(field="answer", expected=f"one of {', '.join(ANSWERS)}", found=one.answer)
    if not one.note:
        return Invalid(field="note", expected="how the supplier's answer is known", found="nothing")
    state = closed[one.claim][1] if one.claim in closed else found[1]
    return CLAIM.step(state, one.answer)


_LOCK = """
SELECT id, company_id::int, state FROM purchasing_claim WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_CLOSE = """
UPDATE purchasing_claim AS c SET state = d.state, outcome = d.note, closed_by = d.person, closed_at = d.at
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(notes)s::text[], %(people)s::text[], %(times)s::timestamptz[])
     AS d(id, state, note, person, at)
WHERE c.id = d.id
"""
