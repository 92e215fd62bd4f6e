"""A person ends a return: what has not come is not waited for, what is not refunded will not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.returns import errors, rules
from entrepot.returns.commands.giving_up import Ending, give_up
from entrepot.returns.commands.lock import Return, lock_returns
from entrepot.returns.states import RETURN


@dataclass(frozen=True, slots=True)
class Close:
    """Give up units that have not come; `without_refund` also gives up the money for those that have, `without_goods`
    also units that were refunded."""

    return_id: UUID
    reason: str
    without_refund: bool = False
    without_goods: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The return's state: closed, cancelled where nothing had come, or what is still waited for."""

    return_id: UUID
    state: str


@command("returns.close")
def close(cause: Cause, /, *, requests: Sequence[Close]) -> list[Closed | Refused]:
    """Returns without the units that have not come, which may be asked for again; closed when nothing is left to do.

    Locks: the orders in id order.
    Refuses: NotFound; WrongState; returns.reason_needed; returns.not_done (units wait for inspection or disposition,
    are in repair, were refunded and have not come, a refund is under way, or an amount is held on a card).
    Again: by key. 15 statements at most; 6 more where labels become void.
    """
    found = lock_returns([one.return_id for one in requests])
    answers: list[Closed | Refused] = []
    closed: dict[UUID, tuple[Return, Close]] = {}
    for request in requests:
        one = found.get(request.return_id)
        if one is None:
            answers.append(NotFound(what="return", which=str(request.return_id)))
            continue
        refused = _refuse(request, one, again=one.id in closed)
        if refused:
            answers.append(refused)
            continue
        closed[one.id] = (one, request)
        answers.append(Closed(one.id, ""))
    if closed:
        give_up(cause, [
            Ending(one, request.reason, without_refund=request.without_refund) for one, request in closed.values()
        ])  # fmt: skip
    return [Closed(a.return_id, found[a.return_id].state) if isinstance(a, Closed) else a for a in answers]


def _refuse(request: Close, one: Return, *, again: bool) -> Refused | None:
    after = RETURN.step("closed" if again else one.state, "close")
    if isinstance(after, Refused):
        return after
    if not request.reason:
        return errors.ReasonNeeded(step="closing a return", why="it gives something up")
    units = one.units
    if units.received > units.disposed:
        what = f"{units.received - units.disposed} units wait for inspection or disposition"
    elif one.repairing:
        what = f"{one.repairing} units are in repair; send those back, or agree on something else instead"
    elif one.open_refunds:
        what = f"{one.open_refunds} refunds are not paid yet"
    elif one.open_holds:
        what = "an amount is held on the card; take it or let it go"
    elif one.asked != "keep" and one.is_ahead and not request.without_goods:
        what = "units that were refunded have not come; close it without them where they never will"
    elif (owed := rules.due(units, "received")) and not request.without_refund:
        what = f"{owed} units are not refunded; refund them, or close it without"
    else:
        return None
    return errors.NotDone(number=one.number, what=what)
