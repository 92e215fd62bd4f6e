"""The audit trail: who did what, when, why, from which state to which, by which rules; and the heads of its chains."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TextIO
from uuid import UUID

from entrepot.kernel import seal, sql


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for: '' and None do not matter. `subject` is an id, or the number of a document. `of_house`: also
    what is of no company, such as the roles of people and API keys, for readers who see all companies."""

    company: int
    subject: str = ""
    actor: str = ""
    command: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    of_house: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, with what it says in figures and ids."""

    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command: str
    kind: str
    subject: UUID
    before: str
    after: str
    reason: str
    payload: Any
    correlation: UUID
    is_sealed: bool


def entries(asked: Asked, *, before: int | None = None, limit: int = 100) -> list[Entry]:
    """Events that fit, the latest first, behind the event `before`. 1 statement."""
    params = asdict(asked) | {"before": before, "limit": limit, "id": _as_id(asked.subject)}
    wanted = [_WHERE[name] for name in _WHERE if params[name] not in ("", None)]
    if asked.actor and not asked.actor.startswith("system:"):
        wanted.append(_A_PERSON)
    statement = _ENTRIES.format(
        subject=_SUBJECT if asked.subject else "",
        companies="%(company)s::smallint, 0" if asked.of_house else "%(company)s::smallint",
        wanted="".join(wanted),
    )
    named = {name: value for name, value in params.items() if f"%({name})s" in statement}
    return [Entry(*row) for row in sql.run(statement, named)]


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def write_heads(out: TextIO) -> None:
    """The heads of the chains, one a line of JSON: kept elsewhere, they tell later whether all was written anew."""
    for one in seal.heads():
        told = asdict(one) | {"sealed_at": one.sealed_at.isoformat()}
        out.write(json.dumps(told) + "\n")


def read_heads(text: str) -> list[seal.Head]:
    """Heads as they were written. ValueError where they are none."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            told["sealed_at"] = datetime.fromisoformat(told["sealed_at"])
            found.append(seal.Head(**told))
        except (TypeError, KeyError) as error:
            raise ValueError(f"this is no head of a chain: {line[:80]}") from error
    return found


# A document is found by its number as people know it: of orders, returns, refunds, shipments and the like.
_SUBJECT = """
WITH wanted AS (
    SELECT %(id)s::uuid AS id
    UNION ALL SELECT id FROM orders_order WHERE number = %(subject)s::text AND company_id = %(company)s::smallint
    UNION ALL SELECT id FROM returns_return WHERE number = %(subject)s::text AND company_id = %(company)s::smallint
    UNION ALL SELECT id FROM returns_refund WHERE number = %(subject)s::text AND company_id = %(company)s::smallint
    UNION ALL SELECT id FROM shipping_shipment WHERE number = %(subject)s::text AND company_id = %(company)s::smallint
    UNION ALL SELECT id FROM settlement_payout WHERE number = %(subject)s::text AND company_id = %(company)s::smallint
    UNION ALL SELECT id FROM settlement_document WHERE number = %(subject)s::text AND company_id = %(company)s::smallint
    UNION ALL SELECT id FROM settlement_erasure WHERE number = %(subject)s::text AND company_id = %(company)s::smallint
)
"""

# Each statement asks for what is asked alone: one for all could use no index.
_ENTRIES = """
{subject}
SELECT e.seq, e.occurred_at, e.recorded_at, e.actor, e.command, e.subject_kind, e.subject_id,
       e.state_before, e.state_after, e.reason, e.payload, e.correlation,
       e.seq <= COALESCE((SELECT max(last_seq) FROM kernel_seal), 0)
FROM kernel_event AS e
WHERE e.company_id IN ({companies})
{wanted}
ORDER BY e.seq DESC LIMIT %(limit)s::int
"""
_WHERE = {
    "subject": " AND e.subject_id = ANY(ARRAY(SELECT id FROM wanted))",
    "actor": " AND e.actor = %(actor)s::text",
    "command": " AND e.command = %(command)s::text",
    "kind": " AND e.subject_kind = %(kind)s::text",
    "since": " AND e.recorded_at >= %(since)s::timestamptz",
    "until": " AND e.recorded_at < %(until)s::timestamptz",
    "before": " AND e.seq < %(before)s::bigint",
}
# What people did has an index; what the house did by itself is most of the trail.
_A_PERSON = " AND NOT (e.actor LIKE 'system:%%')"
