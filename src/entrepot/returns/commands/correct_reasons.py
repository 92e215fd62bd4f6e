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

    return_id: UUID
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

    Locks: the orders in id order. Refuses: NotFound (return, or the line isn't of it); Invalid (reason); WrongState
    (the return has ended, or something of the line was refunded). Again: by key; a line that has the reason keeps it.
    2 statements and those that lock returns.
    """
    found = lock_returns([one.return_id for one in requests])
    known = policies.of_companies({one.company for one in found.values()}, reasons.Reasons, cause.at)
    answers: list[ReasonCorrected | Refused] = []
    corrected: dict[UUID, str] = {}
    happened = []
    for request in requests:
        back = found.get(request.return_id)
        line = back.lines.get(request.line) if back else None
        if back is None or line is None:
            answers.append(_absent(request, back))
            continue
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


def _absent(request: CorrectReason, back: Return | None) -> NotFound:
    if back is None:
        return NotFound(what="return", which=str(request.return_id))
    return NotFound(what="line of a return", which=str(request.line))


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


_CORRECT = """
UPDATE returns_line AS l SET reason = d.reason
FROM unnest(%(lines)s::uuid[], %(reasons)s::text[]) AS d(line, reason) WHERE l.id = d.line
"""
