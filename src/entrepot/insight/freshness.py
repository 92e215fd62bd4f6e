"""Whether a feed has been silent for longer than it usually is. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

Freshness = Literal["fresh", "late", "silent", "unknown"]

FEW = 10
"""Below so many messages nobody can say what is usual."""
LATE, SILENT = 3, 10
"""Times the usual gap after which a feed is late, and after which it counts as stopped."""
PATIENCE = timedelta(minutes=15)
"""No silence that is shorter than this means anything."""


def judge(silence: timedelta, usual_s: float | None, count: int) -> Freshness:
    """What a silence means, of a feed whose gaps are below `usual_s` 19 times of 20, as far as `count` can tell."""
    if usual_s is None or count < FEW:
        return "unknown"
    usual = max(timedelta(seconds=usual_s), PATIENCE / LATE)
    if silence > usual * SILENT:
        return "silent"
    return "late" if silence > usual * LATE else "fresh"
