"""A person decides about a return that the rules did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.returns import errors
from entrepot.returns.commands.lock import Return, Step, give_back, lock_returns, move, offer_refunds
from entrepot.returns.states import RETURN
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class Review:
    """Take a requested return, or decline it; to decline needs a reason that the customer can be told."""

    return_id: UUID
    accept: bool
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reviewed:
    return_id: UUID
    state: str


@command("returns.review")
def review(cause: Cause, /, *, requests: Sequence[Review]) -> list[Reviewed | Refused]:
    """Requested returns, authorized or declined; what was declined may be asked for again.

    The reason is told to the customer. Locks: the orders in id order. Refuses: NotFound, WrongState,
    returns.reason_needed. Again: by key. 16 statements.
    """
    found = lock_returns([one.return_id for one in requests])
    answers: list[Reviewed | Refused] = []
    steps: list[Step] = []
    for request in requests:
        one = found.get(request.return_id)
        if one is None:
            answers.append(NotFound(what="return", which=str(request.return_id)))
            continue
        after = _decide(request, one)
        if isinstance(after, Refused):
            answers.append(after)
            continue
        steps.append(Step(one, one.state, after, request.reason))
        one.state = after
        answers.append(Reviewed(one.id, after))
    if steps:
        _write(cause, steps)
    return answers


def _decide(request: Review, one: Return) -> str | Refused:
    if not request.accept and not request.reason:
        return errors.ReasonNeeded(step="declining a return", why="the customer is told")
    return RETURN.step(one.state, "authorize" if request.accept else "decline")


def _write(cause: Cause, steps: Sequence[Step]) -> None:
    give_back(
        (line.line, line.quantity)
        for step in steps
        if step.after == "declined"
        for line in step.of.lines.values()
    )
    move(cause, steps, {})
    told = [(step.of.id, step.reason) for step in steps if step.reason]
    if told:
        sql.run(_TELL, sql.columns(("ids", "reasons"), told))
    resolve_subjects(
        cause,
        requests=[
            ResolveSubject(step.of.company, "return to review", step.of.id, step.after, step.reason)
            for step in steps
        ],
    )
    offer_refunds(cause, "authorized", [step.of for step in steps if step.after == "authorized"], {})


_TELL = """
UPDATE returns_return AS r SET told = d.reason
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS d(id, reason) WHERE r.id = d.id
"""
