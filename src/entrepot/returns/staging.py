"""How long units may stand in returns staging, from the door until what is done with them is decided. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entrepot.kernel.shapes import shape


@shape("returns.staging")
@dataclass(frozen=True, slots=True)
class StagingPolicy:
    """Hours from receipt by which units are done with: `hours`, or fewer or more by category or by reason (a code of
    the house). Where both are named, the shorter time counts."""

    hours: int = 72
    hours_by_category: dict[str, int] = field(default_factory=dict)
    hours_by_reason: dict[str, int] = field(default_factory=dict)


def due_at(policy: StagingPolicy, category: str, reason: str, received_at: datetime) -> datetime:
    """By when units that came at a moment are done with."""
    named = [
        hours[key]
        for hours, key in ((policy.hours_by_category, category), (policy.hours_by_reason, reason))
        if key in hours
    ]
    return received_at + timedelta(hours=min(named, default=policy.hours))
