"""Note in the audit trail that rows of the house went out as a file: who took which, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from entrepot.kernel import ids
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class NoteExport:
    """A file: `what` is in it, its format, and how many rows; `about` is the document or person that it is of."""

    company: int
    what: str
    format: str
    rows: int
    about: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ExportNoted:
    export: UUID


@command("kernel.note_exports")
def note_exports(cause: Cause, /, *, requests: Sequence[NoteExport]) -> list[ExportNoted | Refused]:
    """An event for each file. What was searched for is not in it: it may name a person.

    Locks: nothing. Refuses: nothing. Again: by key; without one each is a file of its own. No statement of its own.
    """
    noted = [(ids.uuid7(), one) for one in requests]
    announce(cause, [
        Event("export", which, one.company, "", "exported", cause.at,
              {"what": one.what, "format": one.format, "rows": one.rows, "about": one.about}, cause.reason)
        for which, one in noted
    ])  # fmt: skip
    return [ExportNoted(which) for which, _ in noted]


def as_oneself(cause: Cause) -> Cause:
    """Whoever may read may take along what they read, and it is noted for everybody: no role is asked for."""
    return replace(cause, actor=replace(cause.actor, everything=True))
