"""How long returns take, stage by stage, from asked to financial closure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from entrepot.kernel import sql

Side = Literal["node", "channel", "reason"]
SIDES: tuple[Side, ...] = ("node", "channel", "reason")

STAGES = (
    "asked to authorized", "authorized to received", "received to inspected", "inspected to disposed",
    "received to refunded", "refunded to paid", "authorized to closed",
)  # fmt: skip
"""A stage ends with the last unit, or the last refund, of a return. `closed`: goods and money are done with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Stages that ended from `since` to before `until`; of a node, channel or reason by code, '' for any."""

    since: datetime
    until: datetime
    node: str = ""
    channel: str = ""
    reason: str = ""


class Times(NamedTuple):
    """Hours of a stage, over so many returns: half of them took at most `median`, nine of ten `p90`. `group` is '' for
    all."""

    stage: str
    group: str
    returns: int
    median: float
    p90: float
    longest: float


class Way(NamedTuple):
    """When a return came how far; None where it has not. `reason` is that of its lines."""

    return_id: UUID
    number: str
    node: str
    channel: str
    reason: str
    asked_at: datetime
    authorized_at: datetime | None
    received_at: datetime | None
    inspected_at: datetime | None
    disposed_at: datetime | None
    refunded_at: datetime | None
    paid_at: datetime | None
    closed_at: datetime | None


def times(company: int, asked: Asked, by: Side | None = None) -> list[Times]:
    """The stages in their order, of all or by what tells returns apart. 1 statement."""
    group = {None: "''", "node": "node", "channel": "channel", "reason": "unnest(reasons)"}[by]
    statement = _TIMES.format(ways=_WAYS, group=group)
    return [Times(*row) for row in sql.run(statement, _params(company, asked) | {"stages": list(STAGES)})]


def over_time(company: int, asked: Asked, stage: str) -> list[Times]:
    """A stage by the week (UTC) in which it ended, named by its Monday. 1 statement."""
    group = "to_char(date_trunc('week', ended AT TIME ZONE 'UTC'), 'YYYY-MM-DD')"
    statement = _TIMES.format(ways=_WAYS, group=group)
    return [Times(*row) for row in sql.run(statement, _params(company, asked) | {"stages": [stage]})]


def ways(company: int, asked: Asked, *, limit: int = 200) -> list[Way]:
    """Returns of which a stage ended in the time, the latest asked first. 1 statement."""
    return [Way(*row) for row in sql.run(f"{_WAYS} {_LIST}", _params(company, asked) | {"limit": limit})]


def every_way(company: int, asked: Asked) -> Iterator[Way]:
    """The same, all of them, as they are read, in a transaction until then. 1 statement."""
    with sql.one_moment():
        rows = sql.stream(f"{_WAYS} {_LIST}", _params(company, asked) | {"limit": None})
        yield from (Way(*row) for row in rows)


def _params(company: int, asked: Asked) -> dict[str, Any]:
    return {
        "company": company, "since": asked.since, "until": asked.until, "node": asked.node, "channel": asked.channel,
        "reason": asked.reason,
    }  # fmt: skip


# A return that a rule took is authorized as it is asked for. What was refused, or never came, took no time. Units count
# as refunded when their refund is asked for: it is decided only when nobody has to agree any more,
# and one that pays for a replacement when what comes back for it is there.
_WAYS = """
WITH ways AS (
    SELECT r.id, r.number, n.code AS node, c.code AS channel, l.reasons, r.requested_at AS asked,
           CASE WHEN t.held THEN t.authorized ELSE r.requested_at END AS authorized,
           CASE WHEN l.received = l.expected THEN x.received END AS received,
           CASE WHEN l.inspected = l.expected THEN i.inspected END AS inspected,
           CASE WHEN l.disposed = l.expected THEN d.disposed END AS disposed,
           CASE WHEN l.refunded = l.expected AND f.undecided = 0 THEN f.refunded END AS refunded,
           CASE WHEN l.refunded = l.expected AND f.unpaid = 0 THEN p.paid END AS paid,
           CASE WHEN r.state = 'closed' THEN r.closed_at END AS closed
    FROM returns_return AS r
    JOIN network_node AS n ON n.id = r.node_id JOIN network_channel AS c ON c.id = r.channel_id
    CROSS JOIN LATERAL (
        SELECT array_agg(DISTINCT reason ORDER BY reason) AS reasons, sum(quantity - cancelled) AS expected,
               sum(received) AS received, sum(inspected) AS inspected, sum(disposed) AS disposed,
               sum(refunded) AS refunded
        FROM returns_line WHERE return_id = r.id) AS l
    CROSS JOIN LATERAL (
        SELECT bool_or(state_after = 'requested') AS held,
               min(occurred_at) FILTER (WHERE state_before = 'requested' AND state_after = 'authorized') AS authorized
        FROM kernel_event WHERE subject_id = r.id AND subject_kind = 'return' AND state_after <> '') AS t
    CROSS JOIN LATERAL (SELECT max(received_at) AS received FROM returns_receipt WHERE return_id = r.id) AS x
    CROSS JOIN LATERAL (SELECT max(inspected_at) AS inspected FROM returns_inspection WHERE return_id = r.id) AS i
    CROSS JOIN LATERAL (SELECT max(decided_at) AS disposed FROM returns_disposition WHERE return_id = r.id) AS d
    CROSS JOIN LATERAL (
        SELECT max(COALESCE(g.decided_at, x.settled_at)) AS refunded,
               count(*) FILTER (WHERE g.state IN ('waiting', 'agreed')) AS undecided,
               count(*) FILTER (WHERE g.state <> 'paid') AS unpaid, array_agg(g.id) AS ids
        FROM returns_refund AS g LEFT JOIN returns_exchange AS x ON x.refund_id = g.id
        WHERE g.return_id = r.id AND g.state <> 'rejected') AS f
    CROSS JOIN LATERAL (
        SELECT max(occurred_at) AS paid FROM kernel_event
        WHERE subject_id = ANY(f.ids) AND subject_kind = 'refund' AND state_after = 'paid') AS p
    WHERE r.company_id = %(company)s::smallint AND r.requested_at < %(until)s::timestamptz
      AND (r.closed_at IS NULL OR r.closed_at >= %(since)s::timestamptz)
      AND r.state NOT IN ('declined', 'cancelled')
      AND %(node)s::text IN ('', n.code) AND %(channel)s::text IN ('', c.code)
      AND (%(reason)s::text = '' OR %(reason)s::text = ANY(l.reasons)))
"""

_TIMES = """
{ways}, stages AS (
    SELECT w.id, w.node, w.channel, w.reasons, s.place, s.stage, s.began, s.ended
    FROM ways AS w CROSS JOIN LATERAL (VALUES
        (1, 'asked to authorized', asked, authorized), (2, 'authorized to received', authorized, received),
        (3, 'received to inspected', received, inspected), (4, 'inspected to disposed', inspected, disposed),
        (5, 'received to refunded', received, refunded), (6, 'refunded to paid', refunded, paid),
        (7, 'authorized to closed', authorized, closed)) AS s(place, stage, began, ended)
    WHERE s.stage = ANY(%(stages)s::text[]) AND s.ended >= s.began
      AND s.ended >= %(since)s::timestamptz AND s.ended < %(until)s::timestamptz),
told AS (
    SELECT place, stage, {group} AS told, EXTRACT(epoch FROM ended - began)::float8 / 3600 AS hours FROM stages)
SELECT stage, told, count(*)::int, percentile_cont(0.5) WITHIN GROUP (ORDER BY hours),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY hours), max(hours)
FROM told GROUP BY place, stage, told ORDER BY place, told
"""

_LIST = """
SELECT id, number, node, channel, array_to_string(reasons, ' '), asked, authorized, received, inspected, disposed,
       refunded, paid, closed
FROM ways WHERE EXISTS (
    SELECT FROM unnest(ARRAY[authorized, received, inspected, disposed, refunded, paid, closed]) AS at
    WHERE at >= %(since)s::timestamptz AND at < %(until)s::timestamptz)
ORDER BY asked DESC, id LIMIT %(limit)s::int
"""
