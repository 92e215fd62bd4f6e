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
    """What to look for: '' and None do not matter. `subject` is an id, or the number of a document."""

    company: int
    subject: str = ""
    actor: str = ""
    command: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


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
    return [Entry(*row) for row in sql.run(_ENTRIES, params)]


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
_ENTRIES = """
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
SELECT e.seq, e.occurred_at, e.recorded_at, e.actor, e.command, e.subject_kind, e.subject_id,
       e.state_before, e.state_after, e.reason, e.payload, e.correlation,
       e.seq <= COALESCE((SELECT max(last_seq) FROM kernel_seal), 0)
FROM kernel_event AS e
WHERE e.company_id = %(company)s::smallint
  AND (%(subject)s::text = '' OR e.subject_id IN (SELECT id FROM wanted))
  AND (%(actor)s::text = '' OR e.actor = %(actor)s::text)
  AND (%(command)s::text = '' OR e.command = %(command)s::text)
  AND (%(kind)s::text = '' OR e.subject_kind = %(kind)s::text)
  AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s::timestamptz)
  AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s::timestamptz)
  AND (%(before)s::bigint IS NULL OR e.seq < %(before)s::bigint)
ORDER BY e.seq DESC LIMIT %(limit)s::int
"""
