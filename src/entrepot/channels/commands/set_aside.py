"""Rows of a file that can't be taken in: kept raw, and asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import inbox
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class SetRowAside:
    """A row by its name within the source, its line in the file, why it can't be taken, and what it said."""

    company: int
    source: str
    name: str
    line: int
    why: str
    text: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RowSetAside:
    """The message that keeps the row; None where it was set aside before."""

    message: UUID | None


@command("channels.set_aside")
def set_aside(cause: Cause, /, *, requests: Sequence[SetRowAside]) -> list[RowSetAside | Refused]:
    """Rows kept in the inbox, each with a work item for the integration engineer.

    Locks: the inbox's new rows. Refuses: nothing. Again: a row kept before is left alone. 4 statements.
    """
    kept = inbox.receive(
        cause,
        [inbox.Incoming(r.company, r.source, r.name, "row", r.text) for r in requests],
        state="set_aside",
    )
    fresh = [request for request in requests if request.name in kept]
    if fresh:
        open_items(
            cause,
            requests=[
                OpenItem(
                    company=r.company, type="row set aside", subject_kind="message", subject=kept[r.name],
                    reason=Said("Line {0} of the file: {1}.", r.line, r.why), role="integration engineer",
                    facts={"line": r.line, "source": r.source},
                )
                for r in fresh
            ],
        )  # fmt: skip
    announce(
        cause,
        [
            Event("message", kept[r.name], r.company, "", "set_aside", reason=f"line {r.line}: {r.why}")
            for r in fresh
        ],
    )
    return [RowSetAside(kept.get(request.name)) for request in requests]
