"""Whether a feed has been silent for longer than it usually is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from entrepot.kernel.shapes import shape

Freshness = Literal["fresh", "late", "silent", "unknown"]

FEW = 10
"""Below so many messages nobody can say what is usual."""


@shape("insight.feeds")
@dataclass(frozen=True, slots=True)
class FeedPolicy:
    """When the silence of a feed means something; or of one feed, by its name as scope: a channel, a source of
    messages, or a destination.

    `late` and `silent`: times the usual gap after which it is late, and after which it counts as stopped. No silence
    below `patience_minutes` means anything. `is_work`: one that has stopped is somebody's work.
    """

    late: Annotated[int, Meta(ge=1, le=1000)] = 3
    silent: Annotated[int, Meta(ge=1, le=1000)] = 10
    patience_minutes: Annotated[int, Meta(ge=1, le=10_080)] = 15
    is_work: bool = True


class Gaps(NamedTuple):
    """Between `messages` of late, in seconds: 19 of 20 gaps are below `usual_s`, none is above `longest_s`. None
    where there is only one."""

    usual_s: float | None
    longest_s: float | None
    messages: int


def judge(silence: timedelta, gaps: Gaps, policy: FeedPolicy) -> Freshness:
    """What a silence means, as far as so many messages can tell. A feed has stopped only when it was never silent for
    so long: nights and Sundays are no news."""
    if gaps.usual_s is None or gaps.longest_s is None or gaps.messages < FEW:
        return "unknown"
    patience = timedelta(minutes=policy.patience_minutes)
    usual = timedelta(seconds=gaps.usual_s)
    if silence > max(patience, usual * policy.silent, timedelta(seconds=gaps.longest_s)):
        return "silent"
    return "late" if silence > max(patience, usual * policy.late) else "fresh"
