"""Say why goods really came back, where that is not what the customer chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.returns import reasons, rules, states
from entrepot.returns.commands.lock import Line, Return, lock_returns


@dataclass(frozen=True, slots=True)
class CorrectReason:
    """The reason (a code of the house) for which the units of a line of a return came back, and how that is known."""

    line: UUID
    reason: str
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ReasonCorrected:
    """The line, its reason now, and the one that it had."""

    line: UUID
    reason: str
    was: str


@command("returns.correct_reasons")
def correct_reasons(cause: Cause, /, *, requests: Sequence[CorrectReason]) -> list[ReasonCorrected | Refused]:
    """Lines with another reason. What is refunded of them from now on goes by it, so it is fixed with the first refund.

    Locks: the orders in id order. Refuses: NotFound (line); Invalid (reason); WrongState (the return has ended, or
    something of the line was refunded). Again: by key; a line that has the reason keeps it. 3 statements and those that
    lock returns.
    """
    of = dict(sql.run(_RETURNS, {"lines": [one.line for one in requests]}))
    found = lock_returns(list(of.values()))  # type: ignore[arg-type]
    known = policies.of_companies({one.company for one in found.values()}, reasons.Reasons, cause.at)
    answers: list[ReasonCorrected | Refused] = []
    corrected: dict[UUID, str] = {}
    happened = []
    for request in requests:
        back = found.get(of.get(request.line))  # type: ignore[arg-type]
        if back is None:
            answers.append(NotFound(what="line of a return", which=str(request.line)))
            continue
        line = back.lines[request.line]
        if refused := _misfit(request, back, line, known[back.company][1]):
            answers.append(refused)
            continue
        answers.append(ReasonCorrected(line.id, request.reason, line.reason))
        if line.reason != request.reason:
            payload = {"line": line.id, "reason": request.reason, "was": line.reason}
            happened.append(
                Event("return", back.id, back.company, back.state, back.state, None, payload, request.note)
            )
            line.reason = corrected[line.id] = request.reason
    if corrected:
        sql.run(_CORRECT, sql.columns(("lines", "reasons"), sorted(corrected.items())))
    announce(cause, happened)
    return answers


def _misfit(request: CorrectReason, back: Return, line: Line, policy: reasons.Reasons) -> Refused | None:
    taken = [code for code in rules.REASONS if code not in policy.retired]
    if request.reason not in taken:
        return Invalid(field="reason", expected=one_of(taken), found=request.reason)
    if back.state in states.FINAL:
        expected = " or ".join(one for one in states.RETURN.states if one not in states.FINAL)
        return WrongState(subject="return", found=back.state, event="correct its reason", expected=expected)
    if line.refunded and line.reason != request.reason:
        return WrongState(
            subject="line of a return", found="refunded", event="correct its reason", expected="not refunded"
        )
    return None


_RETURNS = "SELECT id, return_id FROM returns_line WHERE id = ANY(%(lines)s::uuid[])"

_CORRECT = """
UPDATE returns_line AS l SET reason = d.reason
FROM unnest(%(lines)s::uuid[], %(reasons)s::text[]) AS d(line, reason) WHERE l.id = d.line
"""
