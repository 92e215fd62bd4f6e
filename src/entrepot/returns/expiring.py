"""When goods that a customer announced are not waited for any more, and what becomes of them when they come after all.
Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from entrepot.kernel.shapes import shape


@shape("returns.expiry")
@dataclass(frozen=True, slots=True)
class ExpiryPolicy:
    """How long goods are waited for: `days` after the return was authorized (or last went on), and, where a carrier
    told of its parcel, at least `days_after_scan` after that; None: for ever. The customer is reminded `remind_days`
    before (0: not). `late`: goods that come afterwards, at most `late_days` after, `reopen` their return, or are a
    `stray` that somebody decides about."""

    days: int | None = 60
    days_after_scan: int = 30
    remind_days: int = 14
    late: Literal["reopen", "stray"] = "reopen"
    late_days: int = 180


class Waiting(NamedTuple):
    """A return whose goods are to come: since when nothing has happened, when a carrier last told of a parcel, when its
    customer was reminded, and what has to be done with first ('' for nothing)."""

    since: datetime
    scanned_at: datetime | None = None
    reminded_at: datetime | None = None
    blocked: str = ""


def due_at(policy: ExpiryPolicy, one: Waiting) -> datetime | None:
    """Until when goods are waited for; whoever was reminded late, as where the policy is new, has the time of the
    reminder left."""
    if policy.days is None:
        return None
    due = one.since + timedelta(days=policy.days)
    if one.scanned_at is not None:
        due = max(due, one.scanned_at + timedelta(days=policy.days_after_scan))
    return max(due, one.reminded_at + _notice(policy)) if _is_reminded(one) and one.reminded_at else due


def decide(policy: ExpiryPolicy, one: Waiting, now: datetime) -> Literal["wait", "remind", "close"]:
    """What is done about goods that have not come: nobody loses a return without having been reminded."""
    due = due_at(policy, one)
    if due is None or one.blocked:
        return "wait"
    if policy.remind_days and not _is_reminded(one):
        return "remind" if now >= due - _notice(policy) else "wait"
    return "close" if now >= due else "wait"


def _is_reminded(one: Waiting) -> bool:
    """Whether its customer was reminded since the last thing happened."""
    return one.reminded_at is not None and one.reminded_at >= one.since


def _notice(policy: ExpiryPolicy) -> timedelta:
    return timedelta(days=policy.remind_days)


class GivenUp(NamedTuple):
    """Units of a line that have not come when their return is closed: `missing` were refunded, `cancelled` were not and
    may be asked for again."""

    missing: int
    cancelled: int


def give_up(quantity: int, received: int, refunded: int, kept_out: int = 0) -> GivenUp:
    """What was received and `kept_out`, refused or back from a repair, was not refunded."""
    missing = max(0, refunded - (received - kept_out))
    return GivenUp(missing, quantity - received - missing)


def come_late(units: int, missing: int, cancelled: int, left: int) -> GivenUp:
    """Of units that came after they were given up, how many were missing and how many cancelled: what was paid for
    first; of the cancelled, no more than are `left` to be returned. The rest belongs to nobody."""
    found = min(units, missing)
    return GivenUp(found, min(units - found, cancelled, left))


def takes_late(policy: ExpiryPolicy, closed_at: datetime, now: datetime) -> bool:
    """Whether goods that come now belong to the return that was closed then."""
    return policy.late == "reopen" and now <= closed_at + timedelta(days=policy.late_days)
