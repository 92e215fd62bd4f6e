"""Make suggestions, and take back those that nobody decided on in time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec

from entrepot.insight.advising import (
    DEMAND,
    KINDS,
    LABOR,
    Advice,
    Suggested,
    is_same_advice,
    misfit_suggested,
)
from entrepot.insight.making import MAKERS, Made
from entrepot.kernel import ids, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused, one_of
from entrepot.kernel.events import Event

Key = tuple[int, str]
"""Company and kind."""


@dataclass(frozen=True, slots=True)
class Advise:
    """All that the house would suggest of a kind in a company now."""

    company: int
    kind: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Advised:
    """How many suggestions of the kind stand open, and how many expired."""

    company: int
    kind: str
    suggestions: int
    expired: int


@command("insight.advise")
def advise(cause: Cause, /, *, requests: Sequence[Advise]) -> list[Advised | Refused]:
    """The suggestions of each kind made anew from what is known now: those that are surer than the policy
    `insight.advice` asks for, and that nobody declined lately. One that stands open is renewed. What is not made again
    expires, as does what nobody decided on in time, and all of a kind that is switched off. What came of earlier
    ones is noted. Nothing else is changed.

    Locks: the open suggestions of the kinds. Refuses: Invalid (kind). Again: made anew. 7 statements, and for each
    company and kind those of `making`.
    """
    wanted = sorted({(one.company, one.kind) for one in requests if one.kind in KINDS})
    rules = policies.of_companies({company for company, _ in wanted}, Advice, cause.at)
    on = [(company, kind) for company, kind in wanted if rules[company][1].is_on(kind)]
    made = {(company, kind): MAKERS[kind](company, rules[company][1], cause.at) for company, kind in on}
    declined = _declined(wanted, cause.at, {company: rule for company, (_, rule) in rules.items()})
    fittings = {key: ids.uuid7() for key in made}
    kept = {key: _kept(one, rules[key[0]][1], declined.get(key, ())) for key, one in made.items()}

    rows = [
        row
        for key, found in kept.items()
        for row in _rows(cause, key, fittings[key], found, rules[key[0]][1])
    ]
    sql.write(
        "insight_fitting",
        _FITTING,
        [_fitting(cause, key, fittings[key], one, len(kept[key])) for key, one in made.items()],
    )
    _judge(cause, wanted, made)
    sql.run(_SUGGEST, sql.columns(_COLUMNS, rows))
    expired = _expire(cause, wanted, fittings)
    announce(
        cause,
        [Event("fitting", fittings[key], key[0], after="made", payload={"kind": key[1]}) for key in made],
    )
    return [_answer(one, kept, expired) for one in requests]


def _answer(
    one: Advise, kept: Mapping[Key, list[Suggested]], expired: Mapping[Key, int]
) -> Advised | Refused:
    if one.kind not in KINDS:
        return Invalid(field="kind", expected=one_of(KINDS), found=one.kind)
    key = (one.company, one.kind)
    return Advised(one.company, one.kind, len(kept.get(key, ())), expired.get(key, 0))


def _kept(made: Made, policy: Advice, declined: Iterable[tuple[UUID, str, Any]]) -> list[Suggested]:
    """What is sure enough, and not what was declined before."""
    before = {(subject, about): was for subject, about, was in declined}
    found: dict[tuple[UUID, str], Suggested] = {}
    for one in made.found:
        assert not (wrong := misfit_suggested(one.kind, one.suggested)), wrong
        was = before.get((one.subject, one.about))
        is_known = was is not None and is_same_advice(one.kind, was, one.suggested)
        if one.confidence >= policy.least(one.kind) and not is_known:
            found[one.subject, one.about] = one
    return list(found.values())


def _declined(
    wanted: Sequence[Key], at: datetime, rules: Mapping[int, Advice]
) -> dict[Key, list[tuple[UUID, str, Any]]]:
    """What was declined lately, the earliest first."""
    rows = [(*key, at - timedelta(days=rules[key[0]].declined_days)) for key in wanted]
    found: dict[Key, list[tuple[UUID, str, Any]]] = {}
    for company, kind, subject, about, suggested in sql.run(
        _DECLINED, sql.columns(("companies", "kinds", "since"), rows)
    ):
        found.setdefault((company, kind), []).append((subject, about, msgspec.json.decode(suggested)))
    return found


def _fitting(cause: Cause, key: Key, which: UUID, made: Made, suggested: int) -> tuple[Any, ...]:
    told = (wire.dump(made.fitted_on), wire.dump(made.measured))
    return (which, *key, made.version, *told, suggested, cause.at)


def _rows(
    cause: Cause, key: Key, fitting: UUID, found: Iterable[Suggested], policy: Advice
) -> list[tuple[Any, ...]]:
    return [
        (
            ids.uuid7(), *key, one.subject_kind, one.subject, one.about, wire.dump(one.suggested), one.confidence,
            wire.dump(one.reasons), fitting, cause.at, _expires(one, cause.at, policy),
        )
        for one in sorted(found, key=lambda each: (each.subject, each.about))
    ]  # fmt: skip


def _expires(one: Suggested, at: datetime, policy: Advice) -> datetime:
    """When nobody has any use for it: people for a shift, when its day is over."""
    last = at + timedelta(days=policy.open_days)
    if one.kind != LABOR:
        return last
    over = datetime.combine(date.fromisoformat(one.suggested["day"]) + timedelta(days=2), time(), UTC)
    return min(last, over)


def _judge(cause: Cause, wanted: Sequence[Key], made: Mapping[Key, Made]) -> None:
    """Note what came of earlier suggestions, where it can be told by now."""
    companies = sorted({company for company, _ in wanted})
    sql.run(_JUDGE, {"companies": companies, "at": cause.at})
    came = [
        (company, one.subject, one.about, one.people) for (company, _), of in made.items() for one in of.came
    ]
    names = ("of_companies", "subjects", "abouts", "people")
    sql.run(_JUDGE_LABOR, sql.columns(names, came) | {"at": cause.at, "kind": LABOR})


def _expire(cause: Cause, wanted: Sequence[Key], fittings: Mapping[Key, UUID]) -> dict[Key, int]:
    # A day's demand is not found again on the next day, and still has to be looked at.
    rows = [(*key, fittings.get(key), key[1] == DEMAND and key in fittings) for key in wanted]
    params = sql.columns(("companies", "kinds", "fittings", "stay"), rows) | {"at": cause.at}
    return {(company, kind): many for company, kind, many in sql.run(_EXPIRE, params)}


_FITTING = (
    "id", "company_id", "kind", "version", "fitted_on", "measured", "suggested", "made_at",
)  # fmt: skip
_COLUMNS = (
    "ids", "companies", "kinds", "subject_kinds", "subjects", "abouts", "suggested", "confidences", "reasons",
    "fittings", "made", "expire",
)  # fmt: skip

_DECLINED = """
SELECT s.company_id::int, s.kind, s.subject_id, s.about, s.suggested::text
FROM unnest(%(companies)s::smallint[], %(kinds)s::text[], %(since)s::timestamptz[]) AS w(company, kind, since)
JOIN insight_suggestion AS s ON s.company_id = w.company AND s.decided_at > w.since
WHERE s.kind = w.kind AND s.state = 'declined' ORDER BY s.decided_at, s.id
"""

_SUGGEST = """
INSERT INTO insight_suggestion (id, company_id, kind, subject_kind, subject_id, about, suggested, confidence, reasons,
                                fitting_id, made_at, expires_at)
SELECT id, company, kind, subject_kind, subject, about, suggested, confidence, reasons, fitting, made, expires
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(kinds)s::text[], %(subject_kinds)s::text[],
            %(subjects)s::uuid[], %(abouts)s::text[], %(suggested)s::text[]::jsonb[], %(confidences)s::float8[],
            %(reasons)s::text[]::jsonb[], %(fittings)s::uuid[], %(made)s::timestamptz[], %(expire)s::timestamptz[])
     AS one(id, company, kind, subject_kind, subject, about, suggested, confidence, reasons, fitting, made, expires)
ON CONFLICT (company_id, kind, subject_id, about) WHERE state = 'open'
DO UPDATE SET suggested = excluded.suggested, confidence = excluded.confidence, reasons = excluded.reasons,
              fitting_id = excluded.fitting_id, made_at = excluded.made_at, expires_at = excluded.expires_at
"""

_EXPIRE = """
WITH over AS (
    UPDATE insight_suggestion AS s SET state = 'expired'
    FROM unnest(%(companies)s::smallint[], %(kinds)s::text[], %(fittings)s::uuid[], %(stay)s::boolean[])
         AS w(company, kind, fitting, stays)
    WHERE s.company_id = w.company AND s.kind = w.kind AND s.state = 'open'
      AND (s.expires_at <= %(at)s::timestamptz OR NOT w.stays AND s.fitting_id IS DISTINCT FROM w.fitting)
    RETURNING s.company_id, s.kind)
SELECT company_id::int, kind, count(*)::int FROM over GROUP BY 1, 2
"""

# A reason is judged when the return has ended, the order of work when an item was left to its place in the queue, and
# an anomaly by whoever looked at it.
_JUDGE = """
UPDATE insight_suggestion AS s SET outcome = CASE WHEN known.is_right THEN 'right' ELSE 'wrong' END,
                                   judged_at = %(at)s::timestamptz
FROM (
    SELECT o.id, CASE o.kind
        WHEN 'return reason' THEN (
            SELECT l.reason = o.suggested ->> 'reason' FROM returns_line AS l
            JOIN returns_return AS r ON r.id = l.return_id AND r.state = 'closed' WHERE l.id = o.subject_id)
        WHEN 'priority' THEN (
            SELECT w.closed_at > w.due_at FROM work_item AS w
            WHERE w.id = o.subject_id AND w.state = 'done' AND o.state <> 'accepted')
        WHEN 'demand' THEN CASE o.state WHEN 'accepted' THEN TRUE WHEN 'declined' THEN FALSE END
        END AS is_right
    FROM insight_suggestion AS o
    WHERE o.company_id = ANY(%(companies)s::smallint[]) AND o.outcome = ''
      AND o.made_at > %(at)s::timestamptz - interval '180 days') AS known
WHERE s.id = known.id AND known.is_right IS NOT NULL
"""

_JUDGE_LABOR = """
UPDATE insight_suggestion AS s
SET outcome = CASE WHEN d.people BETWEEN (s.suggested ->> 'low')::int AND (s.suggested ->> 'high')::int
                   THEN 'right' ELSE 'wrong' END,
    judged_at = %(at)s::timestamptz
FROM unnest(%(of_companies)s::smallint[], %(subjects)s::uuid[], %(abouts)s::text[], %(people)s::int[])
     AS d(company, subject, about, people)
WHERE s.company_id = d.company AND s.kind = %(kind)s::text AND s.subject_id = d.subject AND s.about = d.about
  AND s.outcome = ''
"""
