"""What is asked about advice: what is suggested, what was decided, and what it was worth."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from entrepot.insight.advising import KINDS
from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggestion as people see it. `number` is what its subject is called, `document` the one that has a page."""

    id: UUID
    company: int
    kind: str
    subject_kind: str
    subject: UUID
    document: UUID
    number: str
    about: str
    suggested: dict[str, Any]
    confidence: float
    reasons: dict[str, Any]
    version: str
    fitted_on: dict[str, Any]
    measured: dict[str, Any]
    made_at: datetime
    expires_at: datetime
    state: str
    decided_by: str
    decided_at: datetime | None
    why: str
    outcome: str


class Fitting(NamedTuple):
    """The latest making of a kind: the version of what makes it, what it was fitted on, and what it was worth on
    what it had not seen."""

    kind: str
    version: str
    fitted_on: dict[str, Any]
    measured: dict[str, Any]
    suggested: int
    made_at: datetime


class Followed(NamedTuple):
    """What became of the suggestions of a kind that were made since a moment."""

    kind: str
    open: int
    accepted: int
    declined: int
    expired: int
    right: int
    wrong: int

    @property
    def accepted_share(self) -> float | None:
        decided = self.accepted + self.declined
        return self.accepted / decided if decided else None

    @property
    def precision(self) -> float | None:
        """Of those of which it is known by now, the share that was right."""
        known = self.right + self.wrong
        return self.right / known if known else None


def suggestions(
    company: int,
    *,
    kinds: Collection[str] = KINDS,
    state: str = "open",
    after: UUID | None = None,
    limit: int = 50,
) -> list[Suggestion]:
    """Suggestions of some kinds in a state, the surest first. 1 statement."""
    params = {"company": company, "kinds": list(kinds), "state": state, "after": after, "limit": limit}
    behind = _BEHIND if after else ""
    return [_told(row) for row in sql.run(_LISTED.format(behind=behind), params)]


def of_subjects(subjects: Collection[UUID]) -> dict[UUID, list[Suggestion]]:
    """Open suggestions about subjects, by subject, the surest first. 1 statement; none for no subjects."""
    found: dict[UUID, list[Suggestion]] = {}
    for row in sql.run(_OF_SUBJECTS, {"subjects": list(subjects)}) if subjects else ():
        one = _told(row)
        found.setdefault(one.subject, []).append(one)
    return found


def suggestion(which: UUID) -> Suggestion | None:
    """One suggestion, decided or not. 1 statement."""
    rows = sql.run(f"{_FIELDS} WHERE s.id = %(which)s::uuid", {"which": which})
    return _told(rows[0]) if rows else None


def fittings(company: int) -> list[Fitting]:
    """The latest making of each kind, in the order of the kinds. 1 statement."""
    found = {
        kind: Fitting(kind, version, msgspec.json.decode(fitted_on), msgspec.json.decode(measured), *rest)
        for kind, version, fitted_on, measured, *rest in sql.run(_FITTINGS, {"company": company})
    }
    return [found[kind] for kind in KINDS if kind in found]


def followed(company: int, since: datetime) -> list[Followed]:
    """What became of suggestions, by kind. 1 statement."""
    found = {row[0]: Followed(*row) for row in sql.run(_FOLLOWED, {"company": company, "since": since})}
    return [found.get(kind, Followed(kind, 0, 0, 0, 0, 0, 0)) for kind in KINDS]


def _told(row: tuple[Any, ...]) -> Suggestion:
    values = list(row)
    for place in (8, 10, 12, 13):
        values[place] = msgspec.json.decode(row[place])
    return Suggestion(*values)


# A line of a return has the page of its return.
_FIELDS = """
SELECT s.id, s.company_id::int, s.kind, s.subject_kind, s.subject_id, COALESCE(l.return_id, s.subject_id),
       COALESCE(r.number || ' ' || lk.code, k.code, n.code, w.type, ''), s.about, s.suggested::text, s.confidence,
       s.reasons::text, f.version, f.fitted_on::text, f.measured::text, s.made_at, s.expires_at, s.state, s.decided_by,
       s.decided_at, s.why, s.outcome
FROM insight_suggestion AS s JOIN insight_fitting AS f ON f.id = s.fitting_id
LEFT JOIN returns_line AS l ON s.subject_kind = 'return_line' AND l.id = s.subject_id
LEFT JOIN returns_return AS r ON r.id = l.return_id LEFT JOIN catalog_sku AS lk ON lk.id = l.sku_id
LEFT JOIN catalog_sku AS k ON s.subject_kind = 'sku' AND k.id = s.subject_id
LEFT JOIN network_node AS n ON s.subject_kind = 'node' AND n.id = s.subject_id
LEFT JOIN work_item AS w ON s.subject_kind = 'work_item' AND w.id = s.subject_id
"""

_LISTED = f"""
{_FIELDS}
WHERE s.company_id = %(company)s::smallint AND s.kind = ANY(%(kinds)s::text[]) AND s.state = %(state)s::text {{behind}}
ORDER BY s.confidence DESC, s.id DESC LIMIT %(limit)s::int
"""

_BEHIND = """
  AND (s.confidence, s.id) < (SELECT a.confidence, a.id FROM insight_suggestion AS a WHERE a.id = %(after)s::uuid)
"""

_OF_SUBJECTS = f"""
{_FIELDS}
WHERE s.subject_id = ANY(%(subjects)s::uuid[]) AND s.state = 'open' ORDER BY s.confidence DESC, s.id
"""

_FITTINGS = """
SELECT DISTINCT ON (kind) kind, version, fitted_on::text, measured::text, suggested, made_at
FROM insight_fitting WHERE company_id = %(company)s::smallint ORDER BY kind, made_at DESC
"""

_FOLLOWED = """
SELECT kind, count(*) FILTER (WHERE state = 'open')::int, count(*) FILTER (WHERE state = 'accepted')::int,
       count(*) FILTER (WHERE state = 'declined')::int, count(*) FILTER (WHERE state = 'expired')::int,
       count(*) FILTER (WHERE outcome = 'right')::int, count(*) FILTER (WHERE outcome = 'wrong')::int
FROM insight_suggestion
WHERE company_id = %(company)s::smallint AND made_at >= %(since)s::timestamptz GROUP BY kind
"""
