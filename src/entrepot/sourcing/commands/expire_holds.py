"""Holds that nobody decided about in time: released, their orders cancelled, or given to somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.orders import queries, rules
from entrepot.orders.commands import progress
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.escalate import escalate
from entrepot.orders.commands.hold import ReleaseHold, let_go
from entrepot.sourcing.commands.cancel import cancel


@dataclass(frozen=True, slots=True)
class ExpireHolds:
    """Holds of a company whose time is over by now."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class HoldsExpired:
    """Holds released, orders cancelled and holds escalated, over all companies that were asked for."""

    released: int
    cancelled: int
    escalated: int


NOTE = "Nobody decided about it in time."


@command("sourcing.expire_holds")
def expire_holds(cause: Cause, /, *, requests: Sequence[ExpireHolds]) -> list[HoldsExpired | Refused]:
    """What each hold's terms say for the end of its time, for up to 500. What can't be done is escalated.

    An order with several such holds is cancelled where one of them says so.
    Locks: the orders in id order, and as `sourcing.cancel` and `orders.release_holds`. Again: finds no more.
    1 statement; where some have expired 2 more, and those of `sourcing.cancel`, of `orders.release_holds`, and 6 to
    escalate.
    """
    companies = [request.company for request in requests]
    seen = queries.expired_holds(companies, cause.at)
    if not seen:
        return [HoldsExpired(0, 0, 0) for _ in requests]
    progress.lock(one.order for one in seen)
    expired = queries.expired_holds(companies, cause.at, among={one.hold for one in seen})

    ends = {one.order: one for one in expired if one.at_expiry == "cancel"}
    wanted = [
        CancelOrder(one.order, NOTE, code=rules.CANCELLED_FOR.get(one.type, "other")) for one in ends.values()
    ]
    answers = cancel(cause, requests=wanted) if wanted else []
    left = {one.order for one, answer in zip(wanted, answers, strict=True) if isinstance(answer, Refused)}
    releases = [
        ReleaseHold(one.hold, NOTE, rules.EXPIRED)
        for one in expired
        if one.at_expiry == "release" and one.order not in ends
    ]
    released = let_go(cause, releases, codes=(rules.EXPIRED,)) if releases else []
    kept = {one.hold for one, answer in zip(releases, released, strict=True) if isinstance(answer, Refused)}
    urgent = [
        one.hold
        for one in expired
        if one.order in left or (one.order not in ends and (one.at_expiry == "escalate" or one.hold in kept))
    ]
    if urgent:
        escalate(cause, urgent, NOTE)
    done = HoldsExpired(len(releases) - len(kept), len(wanted) - len(left), len(urgent))
    return [done for _ in requests]
