"""Take back links that let whoever has them see a document: they went to the wrong address, or were passed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class WithdrawLinks:
    """All links to a document that were made until now; `kind` is what its events are told of."""

    company: int
    kind: str
    document: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LinksWithdrawn:
    """`number` is what links bear from now on; those with another open nothing."""

    document: UUID
    number: int


@command("access.withdraw_links")
def withdraw_links(cause: Cause, /, *, requests: Sequence[WithdrawLinks]) -> list[LinksWithdrawn | Refused]:
    """The links to each document, opening nothing from now on.

    Locks: their numbers, in the order of the documents' ids. Again: withdrawn anew; by key. 1 statement.
    """
    times = Counter(one.document for one in requests)
    numbers = dict(sql.run(_WITHDRAW, sql.columns(("documents", "times"), sorted(times.items()))))
    announce(cause, [
        Event(one.kind, one.document, one.company, "", "", payload={"links": "withdrawn"}) for one in requests
    ])  # fmt: skip
    return [LinksWithdrawn(one.document, numbers[one.document]) for one in requests]


_WITHDRAW = f"""
INSERT INTO access_link AS l (document_id, number)
SELECT documents, times FROM {sql.unnest("one", documents="uuid", times="int")}
ON CONFLICT (document_id) DO UPDATE SET number = l.number + excluded.number
RETURNING document_id, number
"""
