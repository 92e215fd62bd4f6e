"""What is asked of suspected returns: the queue, one with all facts, how right the rules are, and whom they hit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from entrepot.kernel import sql

Side = Literal["tier", "country", "channel"]
SIDES: tuple[Side, ...] = ("tier", "country", "channel")


@dataclass(frozen=True, slots=True)
class Suspected:
    """A return that a rule found something about; `state` is that of its review."""

    return_id: UUID
    number: str
    order: UUID
    order_number: str
    customer: str | None
    channel: str
    tier: str
    country: str
    return_state: str
    asked: str
    currency: str
    value_minor: int
    state: str
    rules: list[str]
    opened_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    note: str


def suspected(
    company: int, *, state: str = "open", after: UUID | None = None, limit: int = 50
) -> list[Suspected]:
    """Suspected returns in a state of their review (`clean`: a rule only warned): what waits longest first, of others
    the latest first, behind the return `after`. 1 statement."""
    told = _LONGEST_FIRST if state == "open" else _LATEST_FIRST
    where = f"{_OF_STATE} {told}"
    params = {"company": company, "state": state, "after": after, "limit": limit}
    return [Suspected(*row) for row in sql.run(f"{_SUSPECTED} {where} LIMIT %(limit)s::int", params)]


def by_state(company: int) -> dict[str, int]:
    """Judged returns by the state of their review. 1 statement."""
    return dict(sql.run(_BY_STATE, {"company": company}))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class SuspicionRow:
    rule: str
    stage: str
    mode: str
    reason: str
    facts: dict[str, Any]
    policy_version: int
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Other:
    """Another return that is compared with this one: by the `customer`, or a shared `address`, `email` or `phone`."""

    by: list[str]
    return_id: UUID
    number: str
    customer: str | None
    state: str
    review: str
    asked_at: datetime
    units: int
    value_minor: int
    currency: str
    grades: list[str]


@dataclass(frozen=True, slots=True)
class Review:
    """A suspected return with all that was seen."""

    head: Suspected
    suspicions: list[SuspicionRow]
    others: list[Other]


def review(return_id: UUID) -> Review | None:
    """One judged return with all facts; None where nobody judged it. 3 statements."""
    params = {"id": return_id}
    heads = sql.run(f"{_SUSPECTED} WHERE j.return_id = %(id)s::uuid", params)
    if not heads:
        return None
    return Review(
        Suspected(*heads[0]),
        [SuspicionRow(*row) for row in sql.run(_SUSPICIONS, params)],
        [Other(*row) for row in sql.run(_OTHERS, params)],
    )


@dataclass(frozen=True, slots=True)
class RuleRow:
    """How often a rule found something, and how right it was: of what was decided, the share that was confirmed."""

    rule: str
    found: int
    warned: int
    open: int
    confirmed: int
    cleared: int

    @property
    def hit_rate(self) -> float | None:
        decided = self.confirmed + self.cleared
        return self.confirmed / decided if decided else None


def by_rule(company: int, since: datetime) -> list[RuleRow]:
    """What rules found of returns that were judged since a moment. 1 statement."""
    return [RuleRow(*row) for row in sql.run(_BY_RULE, {"company": company, "since": since})]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group of customers: how many of their returns were judged, flagged for a person, and what was decided.

    Where a group is flagged more often than others and cleared as often or more, the rules are unjust to it.
    """

    group: str
    judged: int
    flagged: int
    confirmed: int
    cleared: int

    @property
    def flagged_share(self) -> float:
        return self.flagged / self.judged

    @property
    def confirmed_share(self) -> float | None:
        """Of those decided."""
        return self._of_decided(self.confirmed)

    @property
    def cleared_share(self) -> float | None:
        """Of those decided: who was suspected without cause."""
        return self._of_decided(self.cleared)

    def _of_decided(self, count: int) -> float | None:
        decided = self.confirmed + self.cleared
        return count / decided if decided else None


def by_group(company: int, side: Side, since: datetime) -> list[GroupRow]:
    """Judged returns by the tier, country or channel that they had then, the largest group first. 1 statement."""
    name = {"tier": "j.tier", "country": "j.country", "channel": "c.code"}[side]
    statement = _BY_GROUP.format(name=name)
    return [GroupRow(*row) for row in sql.run(statement, {"company": company, "since": since})]


WORTH = (
    """COALESCE(sum((g.gross_minor - g.discount_minor + g.tax_minor) * l.quantity / g.quantity), 0)::bigint"""
)
"""What was paid for the lines `l` of a return, of the lines `g` of its order."""

_SUSPECTED = f"""
SELECT j.return_id, r.number, r.order_id, o.number, u.code, c.code, j.tier, j.country, r.state, r.asked, r.currency,
       w.worth, j.state, COALESCE(f.rules, '{{}}'), j.opened_at, j.decided_by, j.decided_at, j.note
FROM returns_judgment AS j JOIN returns_return AS r ON r.id = j.return_id JOIN orders_order AS o ON o.id = r.order_id
JOIN network_channel AS c ON c.id = j.channel_id LEFT JOIN parties_customer AS u ON u.id = r.customer_id
CROSS JOIN LATERAL (
    SELECT array_agg(s.rule ORDER BY s.mode, s.found_at, s.stage, s.rule) AS rules
    FROM returns_suspicion AS s WHERE s.return_id = j.return_id) AS f
CROSS JOIN LATERAL (
    SELECT {WORTH} AS worth
    FROM returns_line AS l JOIN orders_line AS g ON g.id = l.line_id WHERE l.return_id = r.id) AS w
"""

_OF_STATE = "WHERE j.company_id = %(company)s::smallint AND j.state = %(state)s::text AND f.rules IS NOT NULL"

_LONGEST_FIRST = """
AND (%(after)s::uuid IS NULL OR (j.opened_at, j.return_id) >
     (SELECT last.opened_at, last.return_id FROM returns_judgment AS last WHERE last.return_id = %(after)s::uuid))
ORDER BY j.opened_at, j.return_id
"""

_LATEST_FIRST = """
AND (%(after)s::uuid IS NULL OR EXISTS (
     SELECT FROM returns_judgment AS last WHERE last.return_id = %(after)s::uuid
     AND (COALESCE(j.decided_at, j.judged_at) < COALESCE(last.decided_at, last.judged_at)
          OR COALESCE(j.decided_at, j.judged_at) = COALESCE(last.decided_at, last.judged_at)
          AND j.return_id > last.return_id)))
ORDER BY COALESCE(j.decided_at, j.judged_at) DESC, j.return_id
"""

_BY_STATE = """
SELECT j.state, count(*) FROM returns_judgment AS j WHERE j.company_id = %(company)s::smallint
AND EXISTS (SELECT FROM returns_suspicion AS s WHERE s.return_id = j.return_id) GROUP BY 1 ORDER BY 1
"""

_SUSPICIONS = """
SELECT rule, stage, mode, reason, facts, policy_version, found_at FROM returns_suspicion
WHERE return_id = %(id)s::uuid ORDER BY mode, found_at, stage, rule
"""

_OTHERS = f"""
WITH others AS (
    SELECT 'customer' AS by, e.id FROM returns_return AS r
    JOIN returns_return AS e ON e.customer_id = r.customer_id AND e.company_id = r.company_id AND e.id <> r.id
    WHERE r.id = %(id)s::uuid
    UNION
    SELECT split_part(m.fingerprint, ':', 1), n.return_id FROM returns_mark AS m
    JOIN returns_mark AS n ON n.fingerprint = m.fingerprint AND n.company_id = m.company_id AND n.who <> m.who
    WHERE m.return_id = %(id)s::uuid),
told AS (SELECT array_agg(by ORDER BY by) AS by, id FROM others GROUP BY id)
SELECT t.by, e.id, e.number, u.code, e.state, COALESCE(j.state, ''), e.requested_at, w.units, w.worth, e.currency,
       ARRAY(SELECT DISTINCT i.grade FROM returns_inspection AS i WHERE i.return_id = e.id ORDER BY 1)
FROM told AS t JOIN returns_return AS e ON e.id = t.id
LEFT JOIN parties_customer AS u ON u.id = e.customer_id LEFT JOIN returns_judgment AS j ON j.return_id = e.id
CROSS JOIN LATERAL (
    SELECT sum(l.quantity)::int AS units,
           {WORTH} AS worth
    FROM returns_line AS l JOIN orders_line AS g ON g.id = l.line_id WHERE l.return_id = e.id) AS w
ORDER BY e.requested_at DESC, e.id LIMIT 50
"""

_BY_RULE = """
SELECT s.rule, count(*)::int, count(*) FILTER (WHERE s.mode = 'warn')::int,
       count(*) FILTER (WHERE j.state = 'open')::int, count(*) FILTER (WHERE j.state = 'confirmed')::int,
       count(*) FILTER (WHERE j.state = 'cleared')::int
FROM returns_judgment AS j JOIN returns_suspicion AS s ON s.return_id = j.return_id
WHERE j.company_id = %(company)s::smallint AND j.judged_at >= %(since)s::timestamptz
GROUP BY 1 ORDER BY 2 DESC, 1
"""

_BY_GROUP = """
SELECT {name}, count(*)::int, count(*) FILTER (WHERE j.state <> 'clean')::int,
       count(*) FILTER (WHERE j.state = 'confirmed')::int, count(*) FILTER (WHERE j.state = 'cleared')::int
FROM returns_judgment AS j JOIN network_channel AS c ON c.id = j.channel_id
WHERE j.company_id = %(company)s::smallint AND j.judged_at >= %(since)s::timestamptz
GROUP BY 1 ORDER BY 2 DESC, 1
"""

_WITHOUT_CAUSE = """
SELECT format('return %s was reviewed for fraud, and no rule had a reason', r.number)
FROM returns_judgment AS j JOIN returns_return AS r ON r.id = j.return_id
WHERE j.state <> 'clean' AND NOT EXISTS (
    SELECT FROM returns_suspicion AS s WHERE s.return_id = j.return_id AND s.mode = 'enforce')
"""

_UNSEEN = """
SELECT format('return %s is suspected, and nobody is asked', r.number)
FROM returns_judgment AS j JOIN returns_return AS r ON r.id = j.return_id
WHERE j.state = 'clean' AND EXISTS (
    SELECT FROM returns_suspicion AS s WHERE s.return_id = j.return_id AND s.mode = 'enforce')
"""

CHECKS = (_WITHOUT_CAUSE, _UNSEEN)
