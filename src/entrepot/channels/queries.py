"""What is asked of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.channels.rules import MENDS
from entrepot.kernel import sql


def mapping(*, company: int, channel: str, name: str = "default") -> dict[str, str] | None:
    """Field → header as it was saved for a channel's files; None where it never was."""
    found = sql.run(_MAPPING, {"company": company, "channel": channel, "name": name})
    return dict(found[0][0]) if found else None


_MAPPING = """
SELECT m.columns FROM channels_mapping AS m JOIN network_channel AS c ON c.id = m.channel_id
WHERE c.company_id = %(company)s::smallint AND c.code = %(channel)s::text AND m.name = %(name)s::text
"""


def taken(company: int, source: str, names: Sequence[str]) -> set[str]:
    """Which messages of a source the inbox has already."""
    params = {"company": company, "source": source, "names": list(names)}
    return {name for (name,) in sql.run(_TAKEN, params)}


_TAKEN = """
SELECT external_id FROM kernel_inbox
WHERE company_id = %(company)s::smallint AND source = %(source)s::text AND external_id = ANY(%(names)s::text[])
"""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A channel's statement with the counts and sums of both sides: minor units of orders, or units of stock."""

    id: UUID
    number: str
    channel: str
    currency: str
    kind: str
    source: str
    name: str
    since: datetime
    until: datetime
    stated: int
    held: int
    stated_sum: int
    held_sum: int
    differing: int
    taken_by: str
    taken_at: datetime


def statements(company: int, *, channel: str = "", limit: int = 20) -> list[StatementRow]:
    """The latest first. 1 statement."""
    params = {"company": company, "channel": channel, "limit": limit}
    return [StatementRow(*row) for row in sql.run(_STATEMENTS, params)]


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A difference with what each side says; `subject` is the order or SKU here, `message` keeps an order that is
    missing here. `mend`: what one click does about it, or ''."""

    id: UUID
    channel: str
    statement: str
    kind: str
    name: str
    subject: UUID | None
    message: UUID | None
    theirs: str
    ours: str
    facts: dict[str, Any]
    state: str
    reason: str
    decided_by: str
    found_at: datetime
    changed_at: datetime

    @property
    def mend(self) -> str:
        return MENDS[self.kind]


def differences(
    company: int,
    *,
    channel: str = "",
    kind: str = "",
    states: Sequence[str] = ("open",),
    after: UUID | None = None,
    limit: int = 50,
) -> list[DifferenceRow]:
    """The latest first, behind `after`. 1 statement."""
    params = {
        "company": company, "channel": channel, "kind": kind, "states": list(states), "after": after, "limit": limit,
    }  # fmt: skip
    return [DifferenceRow(*row) for row in sql.run(_DIFFERENCES, params)]


class Standing(NamedTuple):
    """Differences of a channel that wait, by kind."""

    channel: str
    kind: str
    open: int
    mended: int
    oldest_at: datetime


def standing(company: int) -> list[Standing]:
    """What waits, by channel and kind. 1 statement."""
    return [Standing(*row) for row in sql.run(_STANDING, {"company": company})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"channels_difference": sql.run("SELECT count(*) FROM channels_difference")[0][0]}


def discrepancies() -> list[str]:
    """Sentences about orders that were imported from a statement and are not there."""
    return [sentence for (sentence,) in sql.run(_NOT_IMPORTED)]


_STATEMENTS = """
SELECT s.id, s.number, c.code, c.currency, s.kind, s.source, s.name, s.since, s.until, s.stated, s.held, s.stated_sum,
       s.held_sum, s.differing, s.taken_by, s.taken_at
FROM channels_statement AS s JOIN network_channel AS c ON c.id = s.channel_id
WHERE s.company_id = %(company)s::smallint AND (%(channel)s::text = '' OR c.code = %(channel)s::text)
ORDER BY s.id DESC LIMIT %(limit)s::int
"""

_DIFFERENCES = """
SELECT m.id, c.code, s.number, m.kind, m.name, m.subject_id, m.message_id, m.theirs, m.ours, m.facts, m.state, m.reason,
       m.decided_by, m.found_at, m.changed_at
FROM channels_difference AS m JOIN network_channel AS c ON c.id = m.channel_id
JOIN channels_statement AS s ON s.id = m.statement_id
WHERE m.company_id = %(company)s::smallint AND m.state = ANY(%(states)s::text[])
  AND (%(channel)s::text = '' OR c.code = %(channel)s::text) AND (%(kind)s::text = '' OR m.kind = %(kind)s::text)
  AND (%(after)s::uuid IS NULL OR m.id < %(after)s::uuid)
ORDER BY m.id DESC LIMIT %(limit)s::int
"""

_STANDING = """
SELECT c.code, m.kind, count(*) FILTER (WHERE m.state = 'open')::int, count(*) FILTER (WHERE m.state = 'mended')::int,
       min(m.found_at)
FROM channels_difference AS m JOIN network_channel AS c ON c.id = m.channel_id
WHERE m.company_id = %(company)s::smallint AND m.state IN ('open', 'mended') GROUP BY 1, 2 ORDER BY 1, 2
"""

_NOT_IMPORTED = """
SELECT 'channels: order ' || m.name || ' of channel ' || c.code || ' was imported from its statement and is not there'
FROM channels_difference AS m JOIN network_channel AS c ON c.id = m.channel_id
WHERE m.kind = 'missing here' AND m.state = 'mended'
  AND NOT EXISTS (SELECT FROM orders_order AS o
                  WHERE o.company_id = m.company_id AND o.channel_id = m.channel_id AND o.external_id = m.name)
"""
