"""A person lets an amount on a customer's card go, or takes what is owed of it, before the rules would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.returns import errors
from entrepot.returns.commands.held import Held, Known
from entrepot.returns.commands.settle_holds import act, write
from entrepot.returns.holding import Move


@dataclass(frozen=True, slots=True)
class DecideHold:
    """Let a hold go, or take of it what is owed: all that was given and is not back as it should; or less."""

    hold: UUID
    what: Literal["release", "take"]
    reason: str
    minor: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class HoldDecided:
    """The hold's state, and what is taken of it."""

    hold: UUID
    state: str
    taken_minor: int


@command("returns.decide_holds")
def decide_holds(cause: Cause, /, *, requests: Sequence[DecideHold]) -> list[HoldDecided | Refused]:
    """Holds let go or taken by a person, for a reason; no more is taken than is owed.

    Locks: the orders, then their payments, in id order.
    Refuses: NotFound; Invalid (neither release nor take); WrongState (it does not stand); returns.reason_needed;
    returns.not_that_much (more than is owed). Again: by key. 35 statements at most.
    """
    returns = [row[0] for row in sql.run(_RETURNS_OF, {"holds": [one.hold for one in requests]})]
    known = Known(cause, returns)
    answers: list[HoldDecided | Refused] = []
    moves: dict[UUID, tuple[Held, Move]] = {}
    for request in requests:
        one = known.of(request.hold)
        decided = _decide(request, one, known, again=request.hold in moves)
        if isinstance(decided, Refused) or one is None:
            answers.append(decided if isinstance(decided, Refused) else _unknown(request))
            continue
        moves[one.id] = (one, decided)
        answers.append(HoldDecided(one.id, "", decided.minor))
    act(cause, list(moves.values()))
    write(cause, [one for one, _ in moves.values()])
    return [
        HoldDecided(a.hold, moves[a.hold][0].state, a.taken_minor) if isinstance(a, HoldDecided) else a
        for a in answers
    ]


def _unknown(request: DecideHold) -> Refused:
    return NotFound(what="hold that is not done with", which=str(request.hold))


def _decide(request: DecideHold, one: Held | None, known: Known, *, again: bool) -> Move | Refused:
    if one is None:
        return _unknown(request)
    if request.what not in ("release", "take"):
        return Invalid(field="what", expected="release or take", found=request.what)
    if one.state != "placed" or again:
        found = "decided in this request" if again else one.state
        return WrongState(subject="hold", found=found, event=request.what, expected="placed")
    if not request.reason.strip():
        return errors.ReasonNeeded(step="deciding about a hold", why="the customer will ask")
    if request.what == "release":
        return Move("release", 0, request.reason.strip())
    standing = known.standing(one)
    owed = standing.owed if standing.settled else 0
    minor = owed if request.minor is None else request.minor
    if not 0 < minor <= owed:
        asked, left = (money.told(each, one.currency) for each in (minor, owed))
        return errors.NotThatMuch(number=one.return_number, what="money", wanted=asked, left=left)
    return Move("take", minor, request.reason.strip())


_RETURNS_OF = "SELECT DISTINCT return_id FROM returns_hold WHERE id = ANY(%(holds)s::uuid[]) ORDER BY 1"
