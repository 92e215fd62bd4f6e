"""What advice is made from: statements that read the tables of other rooms, one for each kind of facts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.insight.anomalies import Series
from entrepot.insight.classifying import Example
from entrepot.insight.staffing import Spent
from entrepot.insight.urgency import Closed, Waiting
from entrepot.kernel import ids, sql
from entrepot.kernel.masking import MASK
from entrepot.warehouse.task_times import OBSERVED

EXAMPLES_MAX = 20_000
"""Inspected returns that reasons are fitted to, the latest: more tell no more."""
RANKED_MAX = 2_000
"""Work items that are put in order: so many of the first of the queue, and of those with most at stake."""
CLOSED_MAX = 10_000
OPENED_BEFORE = timedelta(days=180)
"""How long before the time that is looked at finished items may have been opened."""

# Nothing is recorded before it happened: what happened since a moment has a key of since then, by which it is found
# without reading all there ever was.


# ---- reasons of returns


class Asked(NamedTuple):
    """A line of a return whose reason may be corrected still."""

    line: UUID
    return_id: UUID
    number: str
    note: str
    category: str
    sku: str
    reason: str


def examples(company: int, since: datetime) -> list[Example]:
    """Lines with a comment of which every unit that came was inspected and taken back; none whose reason advice gave,
    which would learn from itself. 1 statement."""
    params = {
        "company": company, "since": since, "first": ids.since(since), "mask": f"%{MASK}%", "limit": EXAMPLES_MAX,
    }  # fmt: skip
    return [Example(str(line), *rest) for line, *rest in sql.run(_EXAMPLES, params)]


def asked(company: int, limit: int = 1_000) -> list[Asked]:
    """Lines with a comment, of returns that go on, of which nothing was refunded. What somebody was erased from is
    left out. 1 statement."""
    params = {"company": company, "mask": f"%{MASK}%", "limit": limit}
    return [Asked(*row) for row in sql.run(_ASKED, params)]


# A guest is known by the mail address that is billed; who gave none is taken for somebody else each time.
_EXAMPLES = """
SELECT l.id, COALESCE(o.customer_id::text, NULLIF(a.mailbox, ''), o.id::text), l.note, s.category, s.code, l.reason
FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id JOIN catalog_sku AS s ON s.id = l.sku_id
JOIN orders_order AS o ON o.id = r.order_id
LEFT JOIN parties_address AS a ON a.id = COALESCE(o.billing_id, o.address_id)
WHERE r.company_id = %(company)s::smallint AND r.id >= %(first)s::uuid AND r.requested_at >= %(since)s::timestamptz
  AND l.inspected > 0 AND l.inspected >= l.quantity - l.cancelled - l.missing AND l.refused = 0
  AND l.reason <> 'not_given' AND l.note <> '' AND l.note NOT LIKE %(mask)s::text
  AND NOT EXISTS (SELECT FROM insight_suggestion AS g WHERE g.subject_id = l.id AND g.state = 'accepted')
ORDER BY r.requested_at DESC, l.id LIMIT %(limit)s::int
"""

_ASKED = """
SELECT l.id, r.id, r.number, l.note, s.category, s.code, l.reason
FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE r.company_id = %(company)s::smallint AND r.state NOT IN ('declined', 'closed', 'cancelled')
  AND l.note <> '' AND l.note NOT LIKE %(mask)s::text AND l.refunded = 0 AND l.quantity > l.cancelled
ORDER BY r.id DESC, l.id LIMIT %(limit)s::int
"""


# ---- demand


def sold(company: int, day: date, weeks: int) -> list[Series]:
    """Units of each SKU that each channel asked for on a day and on the days of the weeks before, those without any
    left out. Days are those of UTC, as the books have them. 1 statement."""
    first = day - timedelta(days=7 * weeks)
    found = []
    params = {"company": company, **_span(first, day), "first": first}
    for sku, channel, places, units in sql.run(_SOLD, params):
        by_day = [0] * (7 * weeks + 1)
        for place, many in zip(places, units, strict=True):
            by_day[place] = many
        found.append(Series(sku, channel, tuple(by_day)))
    return found


def _span(first: date, last: date) -> dict[str, Any]:
    since, until = (datetime.combine(one, time(), UTC) for one in (first, last + timedelta(days=1)))
    return {"since": since, "until": until, "first_id": ids.since(since)}


class Beside(NamedTuple):
    """What else was so on a day for a SKU in a channel: units sold under which campaigns and promotions, and units on
    hand at the nodes of the channel when it began and when it ended."""

    campaigns: Mapping[str, int]
    began_with: int
    ended_with: int

    @property
    def was_out(self) -> bool:
        return self.began_with <= 0 or self.ended_with <= 0


def beside(company: int, day: date, keys: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], Beside]:
    """What explains a day of SKUs in channels. 2 statements; none for no SKUs."""
    if not keys:
        return {}
    params = {"company": company, **_span(day, day)} | sql.columns(("skus", "channels"), sorted(keys))
    campaigns: dict[tuple[UUID, str], dict[str, int]] = {}
    for sku, channel, name, units in sql.run(_CAMPAIGNS, params):
        campaigns.setdefault((sku, channel), {})[name] = units
    stood = {(sku, channel): (began, ended) for sku, channel, began, ended in sql.run(_STOOD, params)}
    return {key: Beside(campaigns.get(key, {}), *stood.get(key, (0, 0))) for key in keys}


_SOLD = """
SELECT sku_id, code, array_agg(place ORDER BY place), array_agg(units ORDER BY place)
FROM (
    SELECT l.sku_id, c.code, (o.placed_at AT TIME ZONE 'UTC')::date - %(first)s::date AS place,
           sum(l.quantity)::int AS units
    FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id JOIN orders_line AS l ON l.order_id = o.id
    WHERE o.id >= %(first_id)s::uuid AND o.company_id = %(company)s::smallint AND o.demand = 'sale'
      AND o.merged_into IS NULL
      AND o.placed_at >= %(since)s::timestamptz AND o.placed_at < %(until)s::timestamptz
      AND l.kind = 'goods' AND l.sku_id IS NOT NULL AND l.instead_of IS NULL
    GROUP BY 1, 2, 3) AS daily
GROUP BY 1, 2 ORDER BY 1, 2
"""

_CAMPAIGNS = """
SELECT k.sku, k.channel, named.name, sum(l.quantity)::int
FROM unnest(%(skus)s::uuid[], %(channels)s::text[]) AS k(sku, channel)
JOIN network_channel AS c ON c.company_id = %(company)s::smallint AND c.code = k.channel
JOIN orders_order AS o ON o.id >= %(first_id)s::uuid AND o.channel_id = c.id AND o.merged_into IS NULL
     AND o.placed_at >= %(since)s::timestamptz AND o.placed_at < %(until)s::timestamptz AND o.demand = 'sale'
JOIN orders_line AS l ON l.order_id = o.id AND l.sku_id = k.sku AND l.kind = 'goods' AND l.instead_of IS NULL
CROSS JOIN LATERAL (
    SELECT o.campaign AS name WHERE o.campaign <> ''
    UNION SELECT p.code FROM orders_promotion AS p
    WHERE p.order_id = o.id AND (p.line_id IS NULL OR p.line_id = l.id)) AS named
GROUP BY 1, 2, 3
"""

# What stands there now, less what has moved since: by the ledger of moves, as of both ends of the day. Of each SKU
# once, back from its last move; a day further than it would have to, for what a command wrote behind what came a little
# later.
_STOOD = """
WITH moved AS (
    SELECT side.bucket, sum(side.units) AS since_began,
           sum(side.units) FILTER (WHERE m.occurred_at >= %(until)s::timestamptz) AS since_ended
    FROM (SELECT DISTINCT sku FROM unnest(%(skus)s::uuid[]) AS one(sku)) AS k
    CROSS JOIN LATERAL (
        SELECT m.to_bucket, m.from_bucket, m.quantity, m.occurred_at FROM stock_move AS m
        WHERE m.sku_id = k.sku AND m.occurred_at >= %(since)s::timestamptz
          AND m.id > COALESCE((SELECT e.id FROM stock_move AS e
                               WHERE e.sku_id = k.sku
                                 AND e.recorded_at < %(since)s::timestamptz - interval '1 day'
                               ORDER BY e.id DESC LIMIT 1), 0)) AS m
    CROSS JOIN LATERAL (VALUES (m.to_bucket, m.quantity), (m.from_bucket, -m.quantity)) AS side(bucket, units)
    WHERE side.bucket IS NOT NULL GROUP BY 1)
SELECT k.sku, k.channel,
       COALESCE(sum(b.quantity - COALESCE(m.since_began, 0)), 0)::int,
       COALESCE(sum(b.quantity - COALESCE(m.since_ended, 0)), 0)::int
FROM unnest(%(skus)s::uuid[], %(channels)s::text[]) AS k(sku, channel)
JOIN network_channel AS c ON c.company_id = %(company)s::smallint AND c.code = k.channel
JOIN network_channelnode AS n ON n.channel_id = c.id
JOIN stock_bucket AS b ON b.sku_id = k.sku AND b.node_id = n.node_id AND b.status = 'sellable'
     AND b.company_id = %(company)s::smallint
LEFT JOIN moved AS m ON m.bucket = b.id
GROUP BY 1, 2
"""


# ---- labor


def spent(company: int, since: datetime, until: datetime, idle_max_s: int) -> list[Spent]:
    """What each step took at each node by quarters of an hour of its clock. 1 statement."""
    params = {"company": company, "since": since, "until": until, "limit": None, "idle": idle_max_s}
    return [Spent(*row) for row in sql.run(_SPENT, params)]


_SPENT = f"""
SELECT node, step, clock::date, clock::time, sum(seconds)::float8
FROM (SELECT t.node, t.step,
             date_bin('15 minutes', t.at AT TIME ZONE n.time_zone, TIMESTAMP '2001-01-01') AS clock,
             extract(epoch FROM t.at - t.before) AS seconds
      FROM ({OBSERVED}) AS t (step, node, actor, before, at, lines, units, meters, pieces, documents)
      JOIN network_node AS n ON n.company_id = %(company)s::smallint AND n.code = t.node) AS quarters
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


# ---- work


class Queue(NamedTuple):
    """Which items are asked for; all of them without any."""

    type: str = ""
    roles: Sequence[str] | None = None
    kind: str = ""


ALL = Queue()


def waiting(company: int, at: datetime, unknown_minor: int, queue: Queue = ALL) -> list[Waiting]:
    """Unfinished items of a queue that do not sleep: the first of it, and those with most at stake wherever they
    stand, `unknown_minor` where nobody knows. 1 statement, which reads the whole queue."""
    params = {
        "company": company, "at": at, "limit": RANKED_MAX, "unknown": unknown_minor, "type": queue.type,
        "roles": None if queue.roles is None else list(queue.roles), "kind": queue.kind,
    }  # fmt: skip
    return [Waiting(*row) for row in sql.run(_WAITING, params)]


def item(company: int, which: UUID) -> Waiting | None:
    """An item as it would wait, whether or not it is finished. 1 statement."""
    rows = sql.run(_ITEM, {"company": company, "which": which})
    return Waiting(*rows[0]) if rows else None


def closed(company: int, since: datetime) -> list[Closed]:
    """Items that were finished since a moment, the earliest first. 1 statement."""
    params = {
        "company": company, "since": since, "first": ids.since(since - OPENED_BEFORE), "limit": CLOSED_MAX,
    }  # fmt: skip
    return [Closed(*row) for row in sql.run(_CLOSED, params)]


# What is at stake: the value that it was opened with, or else that of the order that it is about.
_VALUE = """
COALESCE((SELECT (term ->> 1)::bigint FROM jsonb_array_elements(w.terms) AS term WHERE term ->> 0 = 'value' LIMIT 1),
         (SELECT o.total_minor FROM orders_order AS o WHERE o.id = CASE w.subject_kind
              WHEN 'order' THEN w.subject_id
              WHEN 'return' THEN (SELECT r.order_id FROM returns_return AS r WHERE r.id = w.subject_id) END))
"""

_AS_IT_WAITS = f"SELECT w.id, w.type, w.opened_at, w.due_at, w.ranked_at, w.points, {_VALUE}"

_WAITING = f"""
WITH queue (id, type, opened_at, due_at, ranked_at, points, value, place) AS (
    {_AS_IT_WAITS}, row_number() OVER (ORDER BY w.ranked_at, w.due_at, w.id)::int
    FROM work_item AS w
    WHERE w.company_id = %(company)s::smallint AND w.state <> 'done'
      AND (w.snoozed_until IS NULL OR w.snoozed_until <= %(at)s::timestamptz)
      AND %(type)s::text IN ('', w.type) AND %(kind)s::text IN ('', w.kind)
      AND (%(roles)s::text[] IS NULL OR w.role = ANY(%(roles)s::text[])))
SELECT id, type, opened_at, due_at, ranked_at, points, value, place
FROM (SELECT *, row_number() OVER (ORDER BY COALESCE(value, %(unknown)s::bigint) DESC, due_at, id) AS dear
      FROM queue) AS q
WHERE place <= %(limit)s::int OR dear <= %(limit)s::int ORDER BY place
"""

_ITEM = f"""
{_AS_IT_WAITS} FROM work_item AS w WHERE w.id = %(which)s::uuid AND w.company_id = %(company)s::smallint
"""

_CLOSED = f"""
SELECT w.type, extract(epoch FROM w.closed_at - w.opened_at)::float8 / 3600,
       extract(epoch FROM w.due_at - w.opened_at)::float8 / 3600, {_VALUE}
FROM (SELECT * FROM work_item
      WHERE company_id = %(company)s::smallint AND id >= %(first)s::uuid AND state = 'done'
        AND closed_at >= %(since)s::timestamptz
      ORDER BY closed_at DESC, id LIMIT %(limit)s::int) AS w
ORDER BY w.closed_at, w.id
"""
