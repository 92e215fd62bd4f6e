"""How long API keys are in force, and when their end is told before. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.shapes import shape


@shape("access.keys")
@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """API keys of a company's people: a key is in force for `days` at most (None: for as long as is asked for).

    One that is rotated goes on for `overlap_days` beside the one that follows it; its end is told `told_days` before.
    """

    days: int | None = 365
    overlap_days: int = 7
    told_days: int = 14


DAYS_MAX = 3_660
"""What somebody may ask for where no policy bounds it: ten years."""
USED_AGAIN = timedelta(hours=1)
"""How old what is known of a key's last use may be: a program asks a hundred times a second, and nobody looks that
closely."""


def strictest(companies: Collection[int], set_by: Mapping[int, KeyPolicy]) -> KeyPolicy:
    """What holds for the keys of somebody who belongs to companies, to all where none is named: of each number the one
    that keeps a key in force the shortest, and tells its end the earliest. Of all companies some may have set nothing:
    what is delivered holds there."""
    ones = [set_by.get(one, KeyPolicy()) for one in companies] or [KeyPolicy(), *set_by.values()]
    return KeyPolicy(
        min((one.days for one in ones if one.days is not None), default=None),
        min(one.overlap_days for one in ones),
        max(one.told_days for one in ones),
    )


def end_of(policy: KeyPolicy, days: int | None, at: datetime) -> datetime | Refused | None:
    """The end of a key that is issued at a moment for some days, or for as long as the policy lets it; None: it has
    none."""
    if days is None:
        return None if policy.days is None else at + timedelta(days=policy.days)
    most = DAYS_MAX if policy.days is None else policy.days
    if not 1 <= days <= most:
        return Invalid(
            field="days", expected=Said("1 to {0} by the policy access.keys", most), found=f"{days}"
        )
    return at + timedelta(days=days)


def end_following(
    policy: KeyPolicy, days: int | None, term: timedelta | None, at: datetime
) -> datetime | Refused | None:
    """As `end_of`, of a key that follows another, and is in force for no longer than that one was given (None: it had
    no end)."""
    end = end_of(policy, days, at)
    if isinstance(end, Refused) or term is None:
        return end
    if days is not None and timedelta(days=days) > term:
        return Invalid(
            field="days",
            expected=Said(
                "{0} at most, as the key that it follows; who may issue keys may say more", term.days
            ),
            found=f"{days}",
        )
    return at + term if end is None else min(end, at + term)


def end_beside(policy: KeyPolicy, overlap_days: int | None, end: datetime | None, at: datetime) -> datetime:
    """The end of a key that another follows: never later than it was."""
    overlap = at + timedelta(
        days=policy.overlap_days if overlap_days is None else min(overlap_days, policy.overlap_days)
    )
    return overlap if end is None else min(end, overlap)


def is_told(policy: KeyPolicy, end: datetime, at: datetime) -> bool:
    """Whether the end of a key is near enough to be somebody's work."""
    return end <= at + timedelta(days=policy.told_days)


def wants_note(used_at: datetime | None, at: datetime) -> bool:
    """Whether a use of a key is written down."""
    return used_at is None or at - used_at >= USED_AGAIN


def is_over(
    entered_at: datetime, seen_at: datetime, now: datetime, *, most: timedelta, idle: timedelta | None
) -> bool:
    """Whether a session has ended: so long after somebody entered, whatever they did meanwhile, or so long after they
    last did anything, where that is bounded as well."""
    return now - entered_at >= most or (idle is not None and now - max(entered_at, seen_at) >= idle)


SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is known when somebody was last here: to write it at every request would cost each a statement."""
