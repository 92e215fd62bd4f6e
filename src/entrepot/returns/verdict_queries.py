"""What was decided about inspected units, for pages, programs and customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A decision about the units of an inspection; the last one of an inspection stands."""

    id: UUID
    inspection: UUID
    outcome: str
    reason: str
    goods: str
    told: str
    note: str
    units: int
    decided_by: str
    decided_at: datetime


class SeenRefusal(NamedTuple):
    """Units that are not taken back, as their customer sees it; `gone`: they were sent back to him."""

    units: int
    name: str
    reason: str
    goods: str
    told: str
    gone: bool
    at: datetime


def verdicts(return_id: UUID) -> list[VerdictRow]:
    """All that was decided about units of a return, in order."""
    return [VerdictRow(*row) for row in sql.run(_VERDICTS, {"id": return_id})]


def refusals_of(return_id: UUID) -> list[SeenRefusal]:
    """What of a return is refused now."""
    return [SeenRefusal(*row) for row in sql.run(_REFUSED, {"id": return_id})]


_VERDICTS = """
SELECT v.id, v.inspection_id, v.outcome, v.reason, v.goods, v.told, v.note, i.quantity, v.decided_by, v.decided_at
FROM returns_verdict AS v JOIN returns_inspection AS i ON i.id = v.inspection_id
WHERE v.return_id = %(id)s::uuid ORDER BY v.id
"""

_REFUSED = """
SELECT i.quantity, COALESCE(NULLIF(o.description, ''), o.sku_code), v.reason, v.goods, v.told,
       EXISTS (SELECT FROM returns_disposition AS d WHERE d.inspection_id = i.id AND d.disposition = 'send_back'),
       v.decided_at
FROM returns_inspection AS i
JOIN returns_line AS l ON l.id = i.return_line_id JOIN orders_line AS o ON o.id = l.line_id
CROSS JOIN LATERAL (SELECT * FROM returns_verdict AS v WHERE v.inspection_id = i.id ORDER BY v.id DESC LIMIT 1) AS v
WHERE i.return_id = %(id)s::uuid AND i.verdict = 'refused' ORDER BY i.id
"""

# invariant 32: of a line so many units are refused as its inspections say, and these say what was decided last
_REFUSED_UNITS = """
SELECT format('return line %s says %s units refused, its inspections say %s', l.id, l.refused, COALESCE(i.units, 0))
FROM returns_line AS l
LEFT JOIN (SELECT return_line_id, sum(quantity) AS units FROM returns_inspection WHERE verdict = 'refused' GROUP BY 1)
  AS i ON i.return_line_id = l.id
WHERE l.refused <> COALESCE(i.units, 0)
UNION ALL
SELECT format('inspection %s is %s, decided last was %s', i.id, i.verdict, v.outcome)
FROM (SELECT DISTINCT ON (inspection_id) inspection_id, outcome FROM returns_verdict
      ORDER BY inspection_id, id DESC) AS v
JOIN returns_inspection AS i ON i.id = v.inspection_id WHERE i.verdict <> v.outcome
"""

CHECKS = (_REFUSED_UNITS,)
