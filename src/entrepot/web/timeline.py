"""Events told as a story: what one command did to several documents at one moment is one step of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from entrepot.insight.pages import Name
from entrepot.kernel.queries import EventRow

RELAY = "system:relay:"
"""Whoever brings messages says of no event why, only which kind of message it was."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A document that a step touched."""

    id: UUID
    kind: str
    name: Name | None
    before: str
    after: str
    seq: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one command did at one moment; `own` is the document whose story it is, where the step touched it."""

    command: str
    actor: str
    occurred_at: datetime
    reason: str
    own: Touched | None
    others: tuple[Touched, ...]


def steps(events: Sequence[EventRow], subject: UUID, names: Mapping[UUID, Name]) -> list[Step]:
    """Events of a document and of what hangs on it, in order."""
    told = []
    for (command, actor, _), group in groupby(
        events, key=lambda one: (one.command, one.actor, one.recorded_at)
    ):
        rows = list(group)
        touched = [
            Touched(one.subject, one.subject_kind, names.get(one.subject), one.before, one.after, one.seq)
            for one in rows
        ]
        mine = [one for one in touched if one.id == subject]
        # Several changes of one document in a command are one: from the first state to the last.
        own = mine and Touched(
            subject, mine[0].kind, mine[0].name, mine[0].before, mine[-1].after, mine[-1].seq
        )
        reason = "" if actor.startswith(RELAY) else next((one.reason for one in rows if one.reason), "")
        others = tuple(one for one in touched if one.id != subject)
        told.append(Step(command, actor, rows[0].occurred_at, reason, own or None, others))
    return told
