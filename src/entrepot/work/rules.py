"""When an item is due, and who may take it. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from entrepot.kernel.errors import NotFound, Refused
from entrepot.work.errors import ClaimedByAnother
from entrepot.work.states import ITEM

URGENT = 80
HOURS_BY_PRIORITY = ((URGENT, 4), (50, 24), (0, 72))
"""The service-level target: hours to closing, by the least priority that it holds for."""

K = TypeVar("K", bound=Hashable)


def due_at(opened_at: datetime, priority: int, hours: int | None) -> datetime:
    """When an item should be closed: the hours asked for, or the target of its priority."""
    if hours is None:
        hours = next(
            (hours for least, hours in HOURS_BY_PRIORITY if priority >= least), HOURS_BY_PRIORITY[-1][1]
        )
    return opened_at + timedelta(hours=hours)


def first_of_each(names: Iterable[K]) -> dict[K, int]:
    """The position at which each name occurs first: later ones in a batch mean the same item."""
    places: dict[K, int] = {}
    for position, name in enumerate(names):
        places.setdefault(name, position)
    return places


def decide_claim(item: UUID, state: str | None, owner: str, claimant: str) -> str | Refused:
    """The state after a claim. Whoever has claimed it already keeps it."""
    if state is None:
        return NotFound(what="work item", which=item)
    if state == "claimed":
        return state if owner == claimant else ClaimedByAnother(item=item, owner=owner)
    return ITEM.step(state, "claim")


def decide_step(item: UUID, state: str | None, event: str) -> str | Refused:
    """The state after another event of the item's life."""
    if state is None:
        return NotFound(what="work item", which=item)
    return ITEM.step(state, event)
