"""A person opens a return again whose goods were given up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused, WrongState
from entrepot.returns import errors
from entrepot.returns.commands import giving_up
from entrepot.returns.commands.giving_up import Late, late, take_again
from entrepot.returns.commands.lock import Return, lock_returns
from entrepot.returns.states import RETURN


@dataclass(frozen=True, slots=True)
class Reopen:
    """Goods that were given up are waited for again, whatever the policy says of late ones; why is needed."""

    return_id: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reopened:
    """The return's state, and how many units are waited for again."""

    return_id: UUID
    state: str
    units: int


@command("returns.reopen")
def reopen(cause: Cause, /, *, requests: Sequence[Reopen]) -> list[Reopened | Refused]:
    """Returns that were closed without goods, open again for those of them that were not asked for anew meanwhile.

    Locks: the orders in id order. Refuses: NotFound; WrongState (not closed, or nothing was given up);
    returns.reason_needed. Again: by key. 19 statements at most.
    """
    found = lock_returns([one.return_id for one in requests])
    ended = late(found.values())
    anew: dict[UUID, int] = defaultdict(int)
    reopened: dict[UUID, Late] = {}
    answers: list[Reopened | Refused] = []
    for request in requests:
        one = found.get(request.return_id)
        refused = _refuse(request, one, ended, again=request.return_id in reopened)
        if refused or one is None:
            answers.append(refused or NotFound(what="return", which=str(request.return_id)))
            continue
        units = 0
        for line in one.lines.values():
            some = ended[one.id].units(line)
            units += some
            anew[line.line] += take_again(ended[one.id], line, some)
        reopened[one.id] = ended[one.id]
        answers.append(Reopened(one.id, "", units))
    if reopened:
        reasons = {request.return_id: request.reason.strip() for request in requests}
        giving_up.reopen(cause, reopened, anew, reasons)
    return [
        Reopened(a.return_id, found[a.return_id].state, a.units) if isinstance(a, Reopened) else a
        for a in answers
    ]


def _refuse(request: Reopen, one: Return | None, ended: dict[UUID, Late], *, again: bool) -> Refused | None:
    if one is None:
        return NotFound(what="return", which=str(request.return_id))
    step = RETURN.step("authorized" if again else one.state, "reopen")
    if isinstance(step, Refused):
        return step
    if not request.reason.strip():
        return errors.ReasonNeeded(step="opening a return again", why="it was closed for one")
    if one.id not in ended or not any(ended[one.id].units(line) for line in one.lines.values()):
        expected = "one whose goods were given up and not asked for anew"
        return WrongState(subject="return", found=one.state, event="reopen", expected=expected)
    return None
