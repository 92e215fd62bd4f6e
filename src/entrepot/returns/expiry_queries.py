"""Returns whose goods are to come, until when they are waited for, and what was given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.returns import expiring
from entrepot.returns.commands.giving_up import LOST
from entrepot.returns.expiring import ExpiryPolicy, Waiting
from entrepot.returns.models import AHEAD
from entrepot.returns.states import TO_COME


@dataclass(frozen=True, slots=True)
class ToCome:
    """A return whose goods are to come: units, those of them that were refunded, and until when they are waited for."""

    return_id: UUID
    number: str
    order_number: str
    customer: str
    node: str
    reason: str
    units: int
    refunded: int
    since: datetime
    scanned_at: datetime | None
    reminded_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class GivenUpRow:
    """A return that was closed without goods: `missing` units were refunded for `paid_minor`, of which `taken_minor`
    were taken of the card; `reopened_at` is when some came after all."""

    return_id: UUID
    number: str
    order_number: str
    customer: str
    closed_at: datetime
    closed_by: str
    by_clock: bool
    why: str
    missing: int
    cancelled: int
    currency: str
    paid_minor: int
    taken_minor: int
    lost_minor: int
    reopened_at: datetime | None


class GivenUpSum(NamedTuple):
    """What was given up in a month, by the reason that customers named for it, in a currency."""

    month: str
    reason: str
    currency: str
    returns: int
    missing: int
    cancelled: int
    paid_minor: int
    taken_minor: int
    lost_minor: int
    reopened: int


def to_come(company: int, at: datetime, *, limit: int | None = 200) -> list[ToCome]:
    """What is to come, what expires first at the top. 2 statements."""
    _, policy = policies.of_company(company, ExpiryPolicy, at)
    rows = sql.run(_TO_COME, {"company": company, "states": list(TO_COME), "limit": limit})
    found = [ToCome(*(*row, expiring.due_at(policy, Waiting(*row[8:11])))) for row in rows]
    return sorted(found, key=lambda one: (one.due_at is None, one.due_at or one.since, one.number))


def until(return_id: UUID, company: int, at: datetime) -> datetime | None:
    """Until when the goods of a return are waited for; None where nothing is to come. 2 statements."""
    _, policy = policies.of_company(company, ExpiryPolicy, at)
    rows = sql.run(_ONE, {"id": return_id, "states": list(TO_COME)})
    return expiring.due_at(policy, Waiting(*rows[0])) if rows else None


def due(company: int, at: datetime, *, limit: int = 5_000) -> list[UUID]:
    """Returns whose customers may have to be reminded, or that may have to be closed. 2 statements."""
    _, policy = policies.of_company(company, ExpiryPolicy, at)
    if policy.days is None:
        return []
    params = {
        "company": company, "at": at, "states": list(TO_COME), "days": policy.days, "scanned": policy.days_after_scan,
        "notice": policy.remind_days, "limit": limit,
    }  # fmt: skip
    return [one for (one,) in sql.run(_DUE, params)]


def given_up(company: int, *, before: datetime | None = None, limit: int | None = 100) -> list[GivenUpRow]:
    """Returns that were closed without goods, the latest first, before a moment. 1 statement."""
    return [GivenUpRow(*row) for row in sql.run(_GIVEN_UP + _LIST, {
        "company": company, "since": None, "before": before, "limit": limit})]  # fmt: skip


def sums(company: int, since: datetime) -> list[GivenUpSum]:
    """What was given up since a moment, by month and reason, the latest first. 1 statement."""
    params = {"company": company, "since": since, "before": None}
    return [GivenUpSum(*row) for row in sql.run(_GIVEN_UP + _SUMS, params)]


def of_return(return_id: UUID) -> tuple[datetime, str, str, int, int] | None:
    """When, by whom and why goods of a return were given up, with what was missing and cancelled. 1 statement."""
    rows = sql.run(_OF_RETURN, {"id": return_id})
    return rows[0] if rows else None  # type: ignore[return-value]


_WAITING = """
(SELECT max(p.scanned_at) FROM returns_parcel AS p WHERE p.return_id = r.id) AS scanned_at
"""

_UNITS = f"""
CROSS JOIN LATERAL (
    SELECT sum(l.quantity - l.cancelled - l.missing - l.received)::int AS units,
           sum({AHEAD})::int AS refunded,
           mode() WITHIN GROUP (ORDER BY l.reason) AS reason
    FROM returns_line AS l WHERE l.return_id = r.id) AS l
"""

_TO_COME = f"""
SELECT r.id, r.number, o.number, COALESCE(c.code, ''), n.code, l.reason, l.units, l.refunded, r.changed_at,
       {_WAITING}, e.reminded_at
FROM returns_return AS r
JOIN orders_order AS o ON o.id = r.order_id
JOIN network_node AS n ON n.id = r.node_id
LEFT JOIN parties_customer AS c ON c.id = r.customer_id
LEFT JOIN returns_expiry AS e ON e.return_id = r.id
{_UNITS}
WHERE r.company_id = %(company)s::smallint AND r.state = ANY(%(states)s::text[]) AND r.asked <> 'keep' AND l.units > 0
ORDER BY r.changed_at, r.id LIMIT %(limit)s::int
"""

_ONE = f"""
SELECT r.changed_at, {_WAITING}, e.reminded_at
FROM returns_return AS r LEFT JOIN returns_expiry AS e ON e.return_id = r.id
{_UNITS}
WHERE r.id = %(id)s::uuid AND r.state = ANY(%(states)s::text[]) AND r.asked <> 'keep' AND l.units > 0
"""

# What was reminded and has its time left is asked about in vain, and only that.
_DUE = f"""
SELECT r.id
FROM returns_return AS r LEFT JOIN returns_expiry AS e ON e.return_id = r.id
{_UNITS}
WHERE r.company_id = %(company)s::smallint AND r.state = ANY(%(states)s::text[]) AND r.asked <> 'keep' AND l.units > 0
  AND r.changed_at <= %(at)s::timestamptz - make_interval(days => %(days)s::int - %(notice)s::int)
  AND (e.reminded_at IS NULL OR e.reminded_at < r.changed_at
       OR e.reminded_at <= %(at)s::timestamptz - make_interval(days => %(notice)s::int))
  AND NOT EXISTS (
      SELECT FROM returns_parcel AS p WHERE p.return_id = r.id
      AND p.scanned_at > %(at)s::timestamptz - make_interval(days => %(scanned)s::int - %(notice)s::int))
ORDER BY r.changed_at, r.id LIMIT %(limit)s::int
"""

_GIVEN_UP = f"""
WITH gone AS (
    SELECT e.*, r.number, r.order_id, r.customer_id, r.currency::text AS currency, x.reason AS named,
           COALESCE(m.minor, 0) AS paid, COALESCE(m.taken, 0) AS taken, COALESCE(m.lost, 0) AS lost
    FROM returns_expiry AS e JOIN returns_return AS r ON r.id = e.return_id
    CROSS JOIN LATERAL (
        SELECT mode() WITHIN GROUP (ORDER BY l.reason) AS reason FROM returns_line AS l WHERE l.return_id = r.id) AS x
    LEFT JOIN LATERAL ({LOST.format(returns="ARRAY[e.return_id]")}) AS m ON TRUE
    WHERE e.company_id = %(company)s::smallint AND e.closed_at IS NOT NULL
      AND (%(since)s::timestamptz IS NULL OR e.closed_at >= %(since)s::timestamptz)
      AND (%(before)s::timestamptz IS NULL OR e.closed_at < %(before)s::timestamptz))
"""

_LIST = """
SELECT g.return_id, g.number, o.number, COALESCE(c.code, ''), g.closed_at, g.closed_by, g.by_clock, g.reason, g.missing,
       g.cancelled, g.currency, g.paid, g.taken, g.lost, g.reopened_at
FROM gone AS g
JOIN orders_order AS o ON o.id = g.order_id
LEFT JOIN parties_customer AS c ON c.id = g.customer_id
ORDER BY g.closed_at DESC, g.return_id LIMIT %(limit)s::int
"""

_SUMS = """
SELECT to_char(closed_at AT TIME ZONE 'UTC', 'YYYY-MM'), named, currency, count(*)::int, sum(missing)::int,
       sum(cancelled)::int, sum(paid)::bigint, sum(taken)::bigint, sum(lost)::bigint, count(reopened_at)::int
FROM gone GROUP BY 1, 2, 3 ORDER BY 1 DESC, 9 DESC, 2, 3
"""

_OF_RETURN = """
SELECT closed_at, closed_by, reason, missing, cancelled FROM returns_expiry
WHERE return_id = %(id)s::uuid AND closed_at IS NOT NULL
"""

# invariant 25: what is missing of a return that stays closed is what was given up of it
CHECK = """
SELECT format('return %s was closed with %s units missing and %s cancelled, its lines say %s and %s', r.number,
              e.missing, e.cancelled, l.missing, l.cancelled)
FROM returns_expiry AS e JOIN returns_return AS r ON r.id = e.return_id
CROSS JOIN LATERAL (SELECT sum(missing) AS missing, sum(cancelled) AS cancelled FROM returns_line
                    WHERE return_id = e.return_id) AS l
WHERE e.closed_at IS NOT NULL
  AND CASE WHEN e.reopened_at IS NULL THEN (e.missing, e.cancelled) <> (l.missing, l.cancelled)
           ELSE e.missing < l.missing OR e.cancelled < l.cancelled END
"""
