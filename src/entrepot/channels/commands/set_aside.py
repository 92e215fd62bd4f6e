"""Keep rows that could not be taken, each with a work item that says where and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.channels.online_retail import contract
from entrepot.kernel import inbox
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class SetAsideRow:
    """A row of a file by its line number, why it was not taken, what it said, and a digest of that."""

    company: int
    line: int
    why: str
    text: str
    digest: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RowSetAside:
    """False where the row was set aside before."""

    fresh: bool


@command("channels.set_aside")
def set_aside(cause: Cause, /, *, requests: Sequence[SetAsideRow]) -> list[RowSetAside | Refused]:
    """Rows in the inbox, set aside, and a work item for each. Again: keeps what is there. 2 statements."""
    names = [f"line {row.line} {row.digest}" for row in requests]
    messages = [
        inbox.Incoming(
            row.company, contract.SOURCE, name, "row", row.text.replace("\0", "\N{SYMBOL FOR NULL}")
        )
        for row, name in zip(requests, names, strict=True)
    ]
    fresh = inbox.receive(cause, messages, "set_aside")
    items = [
        OpenItem(
            company=row.company,
            type="row set aside",
            subject_kind="inbox",
            subject=fresh[name],
            reason=f"line {row.line}: {row.why}",
            role="integration engineer",
            facts={"line": row.line, "why": row.why},
        )
        for row, name in zip(requests, names, strict=True)
        if name in fresh
    ]
    if items:
        open_items(cause, requests=items)
    return [RowSetAside(name in fresh) for name in names]
