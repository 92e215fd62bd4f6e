"""What is to come in at nodes, day by day."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql


class ComingIn(NamedTuple):
    """Units expected at a node on a day, by purchase orders and transfers; `announced` are on their way."""

    node: UUID
    day: date
    documents: int
    lines: int
    units: int
    announced: int


def coming_in(company: int, at: datetime, until: date) -> list[ComingIn]:
    """What the nodes of a company expect up to a day, the earliest first; what is overdue at a moment is of that
    moment's day at its node. What a notice announces of an order line comes on the day of the notice, and is taken off
    the earliest of what else is expected of the line; what is on its way between nodes comes on its own day.
    1 statement."""
    return [ComingIn(*row) for row in sql.run(_COMING_IN, {"company": company, "at": at, "until": until})]


_COMING_IN = """
WITH announced AS MATERIALIZED (
    SELECT n.node_id, n.expected_on AS day, l.order_id AS document, l.line_id AS line,
           sum(l.quantity - l.received) AS units
    FROM purchasing_notice AS n JOIN purchasing_noticeline AS l ON l.notice_id = n.id AND l.quantity > l.received
    WHERE n.company_id = %(company)s::smallint AND n.state = 'expected' GROUP BY 1, 2, 3, 4
), supply AS (
    SELECT s.node_id, s.expected_on AS day, s.document_id AS document, COALESCE(part.line_id, s.line_id) AS line,
           s.quantity, s.document_kind,
           sum(s.quantity) OVER (PARTITION BY COALESCE(part.line_id, s.line_id) ORDER BY s.expected_on) AS so_far
    FROM stock_supply AS s LEFT JOIN purchasing_scheduleline AS part ON part.id = s.line_id
    WHERE s.company_id = %(company)s::smallint
), rest AS (
    SELECT node_id, day, document, line, document_kind,
           GREATEST(0, LEAST(quantity, so_far - COALESCE(told.units, 0))) AS units
    FROM supply LEFT JOIN (SELECT line, sum(units) AS units FROM announced GROUP BY 1) AS told USING (line)
)
SELECT node_id, GREATEST(day, (%(at)s::timestamptz AT TIME ZONE n.time_zone)::date), count(DISTINCT document)::int,
       count(DISTINCT line)::int, sum(units)::int, sum(on_its_way)::int
FROM (SELECT node_id, day, document, line, units, units AS on_its_way FROM announced
      UNION ALL
      SELECT node_id, day, document, line, units, CASE document_kind WHEN 'transfer' THEN units ELSE 0 END
      FROM rest WHERE units > 0) AS both_
JOIN network_node AS n ON n.id = node_id
WHERE day <= %(until)s::date GROUP BY 1, 2 ORDER BY 2, 1
"""
