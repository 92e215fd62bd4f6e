"""Authorizations that end before what they pay for has left: from when they do not cover it, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape

ITEM = "authorization ends"
"""The type of the work item that tells of it."""
RULE = "lapse"
"""By which a hold says that it was opened for it."""


@shape("orders.authorizations", hours=(0, 720))
@dataclass(frozen=True, slots=True)
class Authorizations:
    """What is done about orders that have not left and whose authorization ends: its scope is a channel's code, without
    one it is for all."""

    lapse: Literal["enforce", "warn", "off"] = "warn"
    """Hold such an order, only tell customer service, or do nothing."""
    hours: int = 24
    """Hours before its end from which an authorization is too short, whatever was promised."""


class Tender(NamedTuple):
    """A payment of an order: what it is good for, until when, and whether it came after the
    hold that is asked about."""

    amount: int
    is_later: bool
    expires_at: datetime | None = None
    captured: int = 0

    def good_for(self, at: datetime) -> int:
        """What is captured never expires; what is only authorized may."""
        return self.captured if self.expires_at is not None and self.expires_at <= at else self.amount


class Due(NamedTuple):
    """From when the payments of an order cover it no longer, when it is to leave, and whether the floor has some of it.
    None: they cover it for good; nothing was promised."""

    ends_at: datetime | None
    leaves_at: datetime | None = None
    on_floor: bool = False


Step = Literal["", "tell", "hold"]


def ends_at(total: int, tenders: Sequence[Tender]) -> datetime | None:
    """From when tenders cover less of an order than they did at first; None where they never do.

    What they lacked from the beginning is no matter here, and what is captured ends never.
    """
    need = min(total, sum(one.amount for one in tenders))
    times = sorted({one.expires_at for one in tenders if one.expires_at is not None})
    return next((at for at in times if sum(one.good_for(at) for one in tenders) < need), None)


def leaves_at(promise_at: datetime | None, not_before: date | None) -> datetime | None:
    """The moment until which an authorization has to last: the promise, or the first day to leave where that is later.
    None where neither is known."""
    first = None if not_before is None else datetime.combine(not_before, time(), tzinfo=UTC)
    return max((one for one in (promise_at, first) if one), default=None)


def why(due: Due, at: datetime, hours: int) -> str:
    """Why an order is at risk, in words; '' where it is not."""
    ends = due.ends_at
    if ends is None:
        return ""
    if ends <= at:
        return Said("The authorization has expired before the order left.")
    if due.leaves_at is not None and ends < due.leaves_at:
        return Said("The authorization expires before the order is to leave.")
    if ends < at + timedelta(hours=hours):
        return Said("The authorization expires in less than {0} hours, and the order has not left.", hours)
    return ""


def step(policy: Authorizations, due: Due, at: datetime) -> Step:
    """What to do about an order. What the floor has is held only once the money is gone: until then it may leave in
    time, and a hold would keep it from that."""
    if policy.lapse == "off" or not why(due, at, policy.hours):
        return ""
    if policy.lapse == "warn" or (due.on_floor and due.ends_at is not None and due.ends_at > at):
        return "tell"
    return "hold"
