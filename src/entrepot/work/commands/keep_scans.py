"""Remember what a person scanned of a task, so that a reload or another device goes on at the same step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.work import errors

SCANS_MAX = 5_000
"""Scans of one task that are remembered: what is more is handed in before."""


@dataclass(frozen=True, slots=True)
class KeepScans:
    """All that the actor scanned of a task so far. `version` is the one that was seen: 0 where there was none, or where
    the flow was about another task."""

    company: int
    flow: str
    subject: UUID
    scans: tuple[str, ...]
    version: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ScansKept:
    subject: UUID
    version: int


@command("work.keep_scans")
def keep_scans(cause: Cause, /, *, requests: Sequence[KeepScans]) -> list[ScansKept | Refused]:
    """The scans of one task for each flow of the actor; those of the task before are forgotten.

    Nothing happens in the world by it, so there is no event: what was scanned counts when the task's own command is
    given. Locks: the actor's flows, in the order of their names.
    Refuses: Invalid (too many scans); work.scan_moved. Again: by key. 3 statements.
    """
    person = cause.actor.name
    flows = sorted({one.flow for one in requests})
    sql.run(_MAKE, {"person": person, "flows": flows, "at": cause.at})
    found = {
        flow: (subject, version)
        for flow, subject, version in sql.run(_LOCK, {"person": person, "flows": flows})
    }

    answers: list[ScansKept | Refused] = []
    kept: dict[str, tuple[object, ...]] = {}
    for one in requests:
        subject, version = found[one.flow]
        seen = version if subject == one.subject else 0
        if len(one.scans) > SCANS_MAX:
            answers.append(
                Invalid(field="scans", expected=Said("at most {0}", SCANS_MAX), found=len(one.scans))
            )
        elif one.version != seen:
            answers.append(errors.ScanMoved(flow=one.flow, subject=str(one.subject)))
        else:
            found[one.flow] = (one.subject, version + 1)
            kept[one.flow] = (one.flow, one.company, one.subject, "\n".join(one.scans), version + 1)
            answers.append(ScansKept(one.subject, version + 1))
    if kept:
        columns = sql.columns(("flows", "companies", "subjects", "scans", "versions"), list(kept.values()))
        sql.run(_KEEP, {**columns, "person": person, "at": cause.at})
    return answers


# A row to lock, also for the first scan of all.
_MAKE = """
INSERT INTO work_scanning (person, flow, company_id, subject_id, scans, version, scanned_at)
SELECT %(person)s::text, flow, 0, '00000000-0000-0000-0000-000000000000'::uuid, '{}'::text[], 1, %(at)s::timestamptz
FROM unnest(%(flows)s::text[]) AS flow ORDER BY flow ON CONFLICT DO NOTHING
"""

_LOCK = """
SELECT flow, subject_id, version FROM work_scanning WHERE person = %(person)s::text AND flow = ANY(%(flows)s::text[])
ORDER BY flow FOR UPDATE
"""

# What is remembered has no line feeds: it travels as one text for each flow.
_KEEP = """
UPDATE work_scanning AS s
SET company_id = d.company, subject_id = d.subject, version = d.version, scanned_at = %(at)s::timestamptz,
    scans = CASE WHEN d.scans = '' THEN '{}'::text[] ELSE string_to_array(d.scans, E'\\n') END
FROM unnest(%(flows)s::text[], %(companies)s::int[], %(subjects)s::uuid[], %(scans)s::text[], %(versions)s::int[])
     AS d(flow, company, subject, scans, version)
WHERE s.person = %(person)s::text AND s.flow = d.flow
"""
