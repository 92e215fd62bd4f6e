"""Units in returns staging: where they stand, how long, and by when they should be done with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from entrepot.kernel import sql

Side = Literal["node", "reason", "category"]
SIDES: tuple[Side, ...] = ("node", "reason", "category")


@dataclass(frozen=True, slots=True)
class Staged:
    """Units of a receipt that wait for inspection or disposition. `due_at` is None for receipts of before there were
    due times."""

    receipt: UUID
    return_id: UUID
    number: str
    sku_code: str
    name: str
    category: str
    reason: str
    node: str
    bin: str
    to_inspect: int
    to_dispose: int
    received_at: datetime
    due_at: datetime | None


class Age(NamedTuple):
    """Units of a group by how long they have waited: less than a day, two, three, seven, or more; and those that are
    overdue."""

    group: str
    units: int
    day: int
    two_days: int
    three_days: int
    week: int
    longer: int
    overdue: int
    oldest_at: datetime


def staged(
    company: int, *, at: datetime, node: str = "", overdue: bool = False, limit: int = 200
) -> list[Staged]:
    """Units in staging, what is due first at the top; `overdue` ones alone. 1 statement."""
    params = {"company": company, "at": at, "node": node, "overdue": overdue, "limit": limit}
    return [Staged(*row) for row in sql.run(f"{_STAGED} {_LIST}", params)]


def ages(company: int, *, at: datetime, by: Side = "node") -> list[Age]:
    """Units in staging by age, by node, reason or category, the most first. 1 statement."""
    return [
        Age(*row) for row in sql.run(f"{_STAGED} {_AGES.format(group=by)}", {"company": company, "at": at})
    ]


_STAGED = """
WITH staged AS (
    SELECT x.id, x.return_id, r.number, k.code AS sku, k.name, k.category, l.reason, n.code AS node, b.code AS bin,
           x.quantity - x.inspected AS to_inspect, (x.inspected - i.disposed)::int AS to_dispose,
           x.received_at, x.due_at
    FROM returns_return AS r JOIN returns_receipt AS x ON x.return_id = r.id
    JOIN returns_line AS l ON l.id = x.return_line_id JOIN catalog_sku AS k ON k.id = x.sku_id
    JOIN network_node AS n ON n.id = x.node_id JOIN network_bin AS b ON b.id = x.bin_id
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(disposed), 0) AS disposed FROM returns_inspection WHERE receipt_id = x.id) AS i
    WHERE r.company_id = %(company)s::smallint AND r.state IN ('received', 'inspected')
      AND x.quantity > i.disposed)
"""

_LIST = """
SELECT * FROM staged
WHERE %(node)s::text IN ('', node) AND (NOT %(overdue)s::bool OR due_at < %(at)s::timestamptz)
ORDER BY due_at, received_at, id LIMIT %(limit)s::int
"""

_AGES = """
SELECT {group}, sum(u.units)::int, COALESCE(sum(u.units) FILTER (WHERE u.hours < 24), 0)::int,
       COALESCE(sum(u.units) FILTER (WHERE u.hours >= 24 AND u.hours < 48), 0)::int,
       COALESCE(sum(u.units) FILTER (WHERE u.hours >= 48 AND u.hours < 72), 0)::int,
       COALESCE(sum(u.units) FILTER (WHERE u.hours >= 72 AND u.hours < 168), 0)::int,
       COALESCE(sum(u.units) FILTER (WHERE u.hours >= 168), 0)::int,
       COALESCE(sum(u.units) FILTER (WHERE due_at < %(at)s::timestamptz), 0)::int, min(received_at)
FROM staged CROSS JOIN LATERAL (
    SELECT to_inspect + to_dispose AS units,
           EXTRACT(epoch FROM %(at)s::timestamptz - received_at) / 3600 AS hours) AS u
GROUP BY 1 ORDER BY 2 DESC, 1
"""
