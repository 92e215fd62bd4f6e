"""What comes in and goes out by source, channel and destination: whether it is fresh, and whether both sides agree."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from entrepot.insight.freshness import FeedPolicy, Freshness, Gaps, judge
from entrepot.kernel import policies, sql
from entrepot.stock.availability_queries import SHOWN

LATELY = 5_000
"""Orders and messages, the latest, that the usual gap is told from."""

COMPARED = 200
"""SKUs of each channel, those that it was told of last, whose figures are computed anew: `entrepot verify` does all."""


@dataclass(frozen=True, slots=True)
class Feed:
    """`kind`: orders of a channel, messages of a source, or messages to a destination. `usual_s`: the gap that 19 of
    20 stay below."""

    kind: Literal["orders", "in", "out"]
    name: str
    last_at: datetime
    day: int
    usual_s: float | None
    freshness: Freshness
    is_work: bool  # when it stops

    @property
    def usual(self) -> timedelta | None:
        return None if self.usual_s is None else timedelta(seconds=self.usual_s)


def feeds(company: int, now: datetime) -> list[Feed]:
    """As `of_companies`, of one."""
    return of_companies([company], now)[company]


def of_companies(companies: Collection[int], now: datetime) -> dict[int, list[Feed]]:
    """Every feed of each company that said something among the latest, by kind and name; `day`: how much in 24 hours.
    2 statements."""
    set_by = policies.in_force_of(list(companies), FeedPolicy, now)
    found: dict[int, list[Feed]] = {company: [] for company in companies}
    params = {"companies": list(companies), "lately": LATELY, "now": now}
    for company, kind, name, last, day, *gaps in sql.run(_FEEDS, params):
        policy = policies.of_scope(set_by.get(company, {}), name, FeedPolicy())
        freshness = judge(now - last, Gaps(*gaps), policy)
        found[company].append(Feed(kind, name, last, day, gaps[0], freshness, policy.is_work))
    return found


class Shelf(NamedTuple):
    """What a channel was told that it may sell, against what it may have now. `wrong`: of the SKUs told last,
    those that differ; `on_way`:
    figures that were written and have not arrived; `lost`: those given up, dropped or without a connector."""

    channel: str
    skus: int
    units: int
    published_at: datetime | None
    wrong: int
    on_way: int
    lost: int


def shelves(company: int, today: date) -> list[Shelf]:
    """Each channel that is told what it may sell. 1 statement."""
    return [
        Shelf(*row) for row in sql.run(_SHELVES, {"company": company, "today": today, "compared": COMPARED})
    ]


_FEEDS = """
WITH gaps AS (
    SELECT y.id AS company, s.kind, s.name, s.at,
           EXTRACT(epoch FROM s.at - lag(s.at) OVER (PARTITION BY y.id, s.kind, s.name ORDER BY s.at)) AS gap
    FROM unnest(%(companies)s::smallint[]) AS y(id) CROSS JOIN LATERAL (
        (SELECT 'orders' AS kind, channel_id::text AS name, placed_at AS at FROM orders_order
         WHERE company_id = y.id ORDER BY id DESC LIMIT %(lately)s::int)
        UNION ALL
        (SELECT 'in', source, received_at FROM kernel_inbox
         WHERE company_id = y.id ORDER BY id DESC LIMIT %(lately)s::int)
        UNION ALL
        (SELECT 'out', destination, delivered_at FROM kernel_delivery
         WHERE company_id = y.id AND state = 'delivered' AND delivered_at IS NOT NULL
         ORDER BY id DESC LIMIT %(lately)s::int)
    ) AS s
)
SELECT g.company::int, g.kind, COALESCE(min(c.code), g.name), max(g.at),
       count(*) FILTER (WHERE g.at > %(now)s::timestamptz - interval '24 hours')::int,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY g.gap)::float8, max(g.gap)::float8, count(*)::int
FROM gaps AS g LEFT JOIN network_channel AS c ON g.kind = 'orders' AND c.id::text = g.name
GROUP BY g.company, g.kind, g.name ORDER BY 1, 2, 3
"""

_SHELVES = f"""
WITH wanted AS (
    SELECT DISTINCT lately.sku_id AS sku FROM network_channel AS c CROSS JOIN LATERAL (
        SELECT sku_id FROM stock_published WHERE channel_id = c.id ORDER BY version DESC LIMIT %(compared)s::int
    ) AS lately
    WHERE c.company_id = %(company)s::smallint),
shown AS ({SHOWN}),
apart AS (
    SELECT shown.channel, count(*) AS wrong FROM shown
    LEFT JOIN stock_published AS q ON q.sku_id = shown.sku AND q.channel_id = shown.channel
    WHERE COALESCE(q.quantity, 0) <> shown.quantity GROUP BY 1
), told AS (
    SELECT channel_id, count(*) AS skus, sum(quantity) AS units, max(published_at) AS at FROM stock_published
    WHERE company_id = %(company)s::smallint GROUP BY 1
), sent AS (
    SELECT destination, count(*) FILTER (WHERE state = 'waiting') AS on_way,
           count(*) FILTER (WHERE state <> 'waiting') AS lost
    FROM kernel_delivery
    WHERE company_id = %(company)s::smallint AND state <> 'delivered' AND topic = 'availability.changed' GROUP BY 1
)
SELECT c.code, COALESCE(t.skus, 0)::int, COALESCE(t.units, 0)::bigint, t.at, COALESCE(a.wrong, 0)::int,
       COALESCE(s.on_way, 0)::int, COALESCE(s.lost, 0)::int
FROM network_channel AS c LEFT JOIN told AS t ON t.channel_id = c.id LEFT JOIN apart AS a ON a.channel = c.id
LEFT JOIN sent AS s ON s.destination = 'channels:' || c.code
WHERE c.company_id = %(company)s::smallint AND c.kind <> 'import' ORDER BY c.code
"""
