"""What the API takes and answers about work."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from entrepot.access.rules import ROLES
from entrepot.web.api.schemas import Code, Moment, Out, Own, Reason, Strict, Text
from entrepot.work.rules import TOPICS


class ClaimItemIn(Strict):
    item: UUID
    key: Own = None


class PutBackIn(Strict):
    """`expected_owner`: who should have it now; null for whoever."""

    item: UUID
    note: Text = ""
    expected_owner: Text | None = None
    key: Own = None


class AssignIn(Strict):
    """`expected_owner`: who should have it now, `""` for nobody; null for whoever."""

    item: UUID
    person: Code
    note: Text = ""
    expected_owner: Text | None = None
    key: Own = None


class SnoozeIn(Strict):
    """Until when nobody needs to look; null wakes it. `expected_until`: how long it should sleep now."""

    item: UUID
    until: Moment | None
    note: Text = ""
    expected_until: Moment | None = None
    key: Own = None


class EscalateIn(Strict):
    """`owner`: which of the role's people has it then. `expected_role`, `expected_owner`: as it should stand now; null
    for however."""

    item: UUID
    role: Literal[tuple(ROLES)]  # type: ignore[valid-type]
    note: Text = ""
    owner: Text = ""
    expected_role: Text | None = None
    expected_owner: Text | None = None
    key: Own = None


class ResolveIn(Strict):
    """The root cause is one of the list for the item's type."""

    item: UUID
    root_cause: Code
    note: Text = ""
    key: Own = None


class LinkIn(Strict):
    one: UUID
    other: UUID
    key: Own = None


class CaseIn(Strict):
    order: UUID
    topic: Literal[TOPICS]  # type: ignore[valid-type]
    reason: Reason
    key: Own = None


class TermOut(Out):
    """What was seen, and the points that it is worth."""

    name: str
    value: Any
    points: int


class ItemOut(Out):
    """A work item. `priority` is the sum of its terms now; `linked` is told of one item alone."""

    id: UUID
    kind: Literal["exception", "case"]
    type: str
    subject_kind: str
    subject: UUID
    reason: str
    facts: dict[str, Any]
    role: str
    owner: str
    state: str
    priority: int
    terms: list[TermOut]
    opened_at: datetime
    due_at: datetime
    snoozed_until: datetime | None
    escalated_at: datetime | None
    closed_at: datetime | None
    root_cause: str
    linked: list[UUID] | None


class ItemsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ItemOut]
    next: UUID | None


class QueueOut(Out):
    kind: Literal["exception", "case"]
    type: str
    role: str
    items: int
    untaken: int
    overdue: int
    snoozed: int
    oldest_at: datetime


class AssignedOut(Out):
    item: UUID
    owner: str


class PutBackOut(Out):
    item: UUID


class SnoozedOut(Out):
    item: UUID
    until: datetime | None


class EscalatedOut(Out):
    item: UUID
    role: str
    owner: str


class ResolvedOut(Out):
    item: UUID


class LinkedOut(Out):
    one: UUID
    other: UUID


class CaseOut(Out):
    """The case; `fresh` is false where one on this topic was open already."""

    item: UUID
    fresh: bool
