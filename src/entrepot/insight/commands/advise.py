"""Make suggestions, and take back those that nobody decided on in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from entrepot.insight.advising import (
    DEMAND,
    FLAWED,
    KINDS,
    LABOR,
    SOUND,
    Advice,
    Suggested,
    is_same_advice,
    is_same_deed,
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
About = tuple[UUID, str]
"""Subject, and what tells a suggestion from others about it."""
DELETED_MAX = 10_000
"""Rows that are forgotten at once."""


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
    `insight.advice` asks for, and that nobody decided on lately. One that stands open is renewed where following it
    does the same; else it expires and a new one stands for it, so that nobody follows what they did not see. What is
    not made again expires, as does what nobody decided on in time, and all of a kind that is switched off. What came
    of earlier ones is noted, and what expired long ago is forgotten. Nothing else is changed.

    Locks: the kinds of the companies, by advisory locks in their order, then their open suggestions in id order. Both
    after the making, which is what takes long. Refuses: Invalid (kind). Again: made anew. 12 statements, and for
    each company and kind those of `making`.
    """
    wanted = sorted({(one.company, one.kind) for one in requests if one.kind in KINDS})
    in_force = policies.of_companies({company for company, _ in wanted}, Advice, cause.at)
    policy = {company: rule for company, (_, rule) in in_force.items()}
    made = {
        (company, kind): MAKERS[kind](company, policy[company], cause.at)
        for company, kind in wanted
        if policy[company].is_on(kind)
    }
    stood = _lock(wanted)
    # Read under the lock: what somebody decides on while advice is made is not suggested again.
    decided = _decided(wanted, cause.at, policy)
    fittings = {key: ids.uuid7() for key in made}
    kept = {key: _kept(one, policy[key[0]], decided.get(key, {})) for key, one in made.items()}

    rows = [
        row for key, found in kept.items() for row in _rows(cause, key, fittings[key], found, policy[key[0]])
    ]
    sql.write(
        "insight_fitting",
        _FITTING,
        [_fitting(cause, key, fittings[key], one, len(kept[key])) for key, one in made.items()],
    )
    _judge(cause, wanted, made)
    replaced = _replace(stood, kept)
    sql.run(_SUGGEST, sql.columns(_COLUMNS, rows))
    expired = _expire(cause, wanted, fittings)
    _forget(wanted, cause.at, policy)
    announce(
        cause,
        [Event("fitting", fittings[key], key[0], after="made", payload={"kind": key[1]}) for key in made],
    )
    return [_answer(one, kept, expired + replaced) for one in requests]


def _answer(
    one: Advise, kept: Mapping[Key, list[Suggested]], expired: Mapping[Key, int]
) -> Advised | Refused:
    if one.kind not in KINDS:
        return Invalid(field="kind", expected=one_of(KINDS), found=one.kind)
    key = (one.company, one.kind)
    return Advised(one.company, one.kind, len(kept.get(key, ())), expired.get(key, 0))


def _kept(made: Made, policy: Advice, decided: Mapping[About, list[Any]]) -> list[Suggested]:
    """What is sure enough, and not what somebody decided on before."""
    found: dict[About, Suggested] = {}
    for one in made.found:
        assert not (wrong := misfit_suggested(one.kind, one.suggested)), wrong
        before = decided.get((one.subject, one.about), ())
        is_known = any(is_same_advice(one.kind, was, one.suggested) for was in before)
        if one.confidence >= policy.least(one.kind) and not is_known:
            found[one.subject, one.about] = one
    return list(found.values())


class Stood(NamedTuple):
    """A suggestion that stood open."""

    id: UUID
    suggested: Mapping[str, Any]


def _lock(wanted: Sequence[Key]) -> dict[Key, dict[About, Stood]]:
    """What stands open of each. Two that make the same come one after the other; who decides locks in the same
    order."""
    params = sql.columns(("companies", "kinds"), wanted)
    sql.run(_LOCK_KINDS, params)
    found: dict[Key, dict[About, Stood]] = {}
    for which, company, kind, subject, about, suggested in sql.run(_LOCK, params):
        one = Stood(which, msgspec.json.decode(suggested))
        found.setdefault((company, kind), {})[subject, about] = one
    return found


def _decided(
    wanted: Sequence[Key], at: datetime, rules: Mapping[int, Advice]
) -> dict[Key, dict[About, list[Any]]]:
    """What was accepted or declined lately."""
    rows = [(*key, at - timedelta(days=rules[key[0]].declined_days)) for key in wanted]
    found: dict[Key, dict[About, list[Any]]] = {}
    for company, kind, subject, about, suggested in sql.run(
        _DECIDED, sql.columns(("companies", "kinds", "since"), rows)
    ):
        of = found.setdefault((company, kind), {})
        of.setdefault((subject, about), []).append(msgspec.json.decode(suggested))
    return found


def _replace(stood: Mapping[Key, Mapping[About, Stood]], kept: Mapping[Key, list[Suggested]]) -> Counter[Key]:
    """Expire what stands open where something else is suggested now; returns how many of each."""
    gone = [
        (was.id, key)
        for key, found in kept.items()
        for one in found
        if (was := stood.get(key, {}).get((one.subject, one.about)))
        and not is_same_deed(one.kind, was.suggested, one.suggested)
    ]
    sql.run(_REPLACE, {"ids": [which for which, _ in gone]})
    return Counter(key for _, key in gone)


def _forget(wanted: Sequence[Key], at: datetime, rules: Mapping[int, Advice]) -> None:
    """Delete what expired undecided longer ago than the policy keeps it, and the fittings that nothing comes from."""
    rows = [(*key, at - timedelta(days=rules[key[0]].kept_days)) for key in wanted]
    params = sql.columns(("companies", "kinds", "before"), rows) | {"limit": DELETED_MAX}
    sql.run(_FORGET, params)
    sql.run(_FORGET_FITTINGS, params)


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
    """Note what came of earlier suggestions of the kinds, where it can be told by now."""
    params = sql.columns(("companies", "kinds"), wanted) | {"at": cause.at}
    sql.run(_JUDGE, params | {"flawed": sorted(FLAWED), "sound": sorted(SOUND)})
    came = [
        (company, one.subject, one.about, one.people) for (company, _), of in made.items() for one in of.came
    ]
    names = ("of_companies", "subjects", "abouts", "people")
    sql.run(_JUDGE_LABOR, sql.columns(names, came) | {"at": cause.at, "kind": LABOR})


def _expire(cause: Cause, wanted: Sequence[Key], fittings: Mapping[Key, UUID]) -> Counter[Key]:
    # A day's demand is not found again on the next day, and still has to be looked at.
    rows = [(*key, fittings.get(key), key[1] == DEMAND and key in fittings) for key in wanted]
    params = sql.columns(("companies", "kinds", "fittings", "stay"), rows) | {"at": cause.at}
    found: Counter[Key] = Counter()
    for company, kind, many in sql.run(_EXPIRE, params):
        found[company, kind] = many
    return found


_FITTING = (
    "id", "company_id", "kind", "version", "fitted_on", "measured", "suggested", "made_at",
)  # fmt: skip
_COLUMNS = (
    "ids", "companies", "kinds", "subject_kinds", "subjects", "abouts", "suggested", "confidences", "reasons",
    "fittings", "made", "expire",
)  # fmt: skip

_WANTED = "unnest(%(companies)s::smallint[], %(kinds)s::text[]) AS w(company, kind)"

_LOCK_KINDS = f"""
SELECT pg_advisory_xact_lock(hashtextextended('insight.advise ' || company || ' ' || kind, 0))
FROM (SELECT company, kind FROM {_WANTED} ORDER BY 1, 2) AS n
"""

_LOCK = f"""
SELECT s.id, s.company_id::int, s.kind, s.subject_id, s.about, s.suggested::text
FROM {_WANTED} JOIN insight_suggestion AS s ON s.company_id = w.company AND s.kind = w.kind
WHERE s.state = 'open' ORDER BY s.id FOR UPDATE OF s
"""

_DECIDED = """
SELECT s.company_id::int, s.kind, s.subject_id, s.about, s.suggested::text
FROM unnest(%(companies)s::smallint[], %(kinds)s::text[], %(since)s::timestamptz[]) AS w(company, kind, since)
JOIN insight_suggestion AS s ON s.company_id = w.company AND s.decided_at > w.since
WHERE s.kind = w.kind
"""

_REPLACE = """
UPDATE insight_suggestion SET state = 'expired' WHERE id = ANY(%(ids)s::uuid[])
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

# Only by what nobody's decision made so: what was found of the goods against whether the reason speaks of a flaw of
# theirs, where the customer's own reason says otherwise, and an item that was left to its place. Whoever decides on one
# just now has it judged the next night.
_JUDGE = f"""
WITH known AS (
    SELECT o.id, CASE o.kind
        WHEN 'return reason' THEN (
            SELECT bool_or(i.codes <> '' OR i.grade IN ('C', 'D'))
                   = (o.suggested ->> 'reason' = ANY(%(flawed)s::text[]))
            FROM returns_line AS l JOIN returns_inspection AS i ON i.return_line_id = l.id AND i.return_id = l.return_id
            WHERE l.id = o.subject_id AND l.inspected >= l.quantity - l.cancelled - l.missing
              AND (o.suggested ->> 'reason' = ANY(%(flawed)s::text[])
                       AND o.suggested ->> 'instead_of' <> ALL(%(flawed)s::text[])
                   OR o.suggested ->> 'reason' = ANY(%(sound)s::text[])
                       AND o.suggested ->> 'instead_of' <> ALL(%(sound)s::text[])))
        WHEN 'priority' THEN (
            SELECT i.closed_at > i.due_at FROM work_item AS i
            WHERE i.id = o.subject_id AND i.state = 'done' AND o.state <> 'accepted')
        END AS is_right
    FROM {_WANTED} JOIN insight_suggestion AS o ON o.company_id = w.company AND o.kind = w.kind
    WHERE o.outcome = '' AND o.made_at > %(at)s::timestamptz - interval '180 days'),
free AS (
    SELECT s.id, known.is_right FROM known JOIN insight_suggestion AS s ON s.id = known.id
    WHERE known.is_right IS NOT NULL AND s.outcome = '' ORDER BY s.id FOR UPDATE OF s SKIP LOCKED)
UPDATE insight_suggestion AS s
SET outcome = CASE WHEN free.is_right THEN 'right' ELSE 'wrong' END, judged_at = %(at)s::timestamptz
FROM free WHERE s.id = free.id
"""

_JUDGE_LABOR = """
WITH free AS (
    SELECT s.id, d.people
    FROM unnest(%(of_companies)s::smallint[], %(subjects)s::uuid[], %(abouts)s::text[], %(people)s::int[])
         AS d(company, subject, about, people)
    JOIN insight_suggestion AS s ON s.company_id = d.company AND s.subject_id = d.subject AND s.about = d.about
    WHERE s.kind = %(kind)s::text AND s.outcome = '' ORDER BY s.id FOR UPDATE OF s SKIP LOCKED)
UPDATE insight_suggestion AS s
SET outcome = CASE WHEN free.people BETWEEN (s.suggested ->> 'low')::int AND (s.suggested ->> 'high')::int
                   THEN 'right' ELSE 'wrong' END,
    judged_at = %(at)s::timestamptz
FROM free WHERE s.id = free.id
"""

_OLD = """
FROM unnest(%(companies)s::smallint[], %(kinds)s::text[], %(before)s::timestamptz[]) AS w(company, kind, before)
"""

_FORGET = f"""
DELETE FROM insight_suggestion WHERE id IN (
    SELECT s.id {_OLD} JOIN insight_suggestion AS s ON s.company_id = w.company AND s.made_at < w.before
    WHERE s.kind = w.kind AND s.state = 'expired' LIMIT %(limit)s::int)
"""

_FORGET_FITTINGS = f"""
DELETE FROM insight_fitting WHERE id IN (
    SELECT f.id {_OLD} JOIN insight_fitting AS f
         ON f.company_id = w.company AND f.kind = w.kind AND f.made_at < w.before
    WHERE NOT EXISTS (SELECT FROM insight_suggestion AS s WHERE s.fitting_id = f.id)
      AND f.made_at < (SELECT max(made_at) FROM insight_fitting AS n WHERE n.company_id = w.company AND n.kind = w.kind)
    LIMIT %(limit)s::int)
"""
