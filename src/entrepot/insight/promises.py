"""What customers were promised against what came, from the orders and their shipments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel import sql
from entrepot.network.destinations import zones

GROUPS = {
    "month": "to_char(o.placed_at AT TIME ZONE 'UTC', 'YYYY-MM')",
    "channel": "c.code",
    "region": "concat_ws(' ', NULLIF(o.country, ''), NULLIF(d.region, ''))",
    "carrier": "NULLIF(a.carrier, '')",
    "lane": "concat_ws(' → ', n.code, NULLIF(concat_ws(' ', NULLIF(o.country, ''), NULLIF(a.zone, '')), ''))",
    "service": "concat_ws(' ', NULLIF(a.carrier, ''), v.code)",
}
"""What orders can be told by: the month that they were placed in, their channel, country and region, and the carrier,
service, or lane (node and the zone of the service) that brought the last of them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Delivered orders of one name. `on_time` came by the moment promised, `on_day` by the end of its
    day where it went.

    `days` is the mean from the order to the delivery, `days_late` that by which late ones missed the promise.
    """

    name: str
    orders: int
    on_time: int
    on_day: int
    days: float
    days_late: float

    @property
    def rate(self) -> float:
        return self.on_time / self.orders if self.orders else 0.0

    @property
    def rate_by_day(self) -> float:
        return self.on_day / self.orders if self.orders else 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Which orders: placed from `since` to before `until`, of a channel by code, to a country, a region of it."""

    since: datetime | None = None
    until: datetime | None = None
    channel: str = ""
    country: str = ""
    region: str = ""


def kept(company: int, by: str, asked: Asked = Asked()) -> list[Kept]:
    """Orders with a promise of which everything has arrived, by one of GROUPS; the whole comes last, named ''.

    1 statement; it reads every shipment of the company.
    """
    params = {
        "begins": list(zones()), "zones": list(zones().values()), "company": company, "since": asked.since,
        "until": asked.until, "channel": asked.channel, "country": asked.country, "region": asked.region,
    }  # fmt: skip
    return [Kept(*row) for row in sql.run(_KEPT.format(name=GROUPS[by]), params)]


_KEPT = """
WITH arrived AS (
    SELECT order_id, max(delivered_at) AS at, (array_agg(carrier ORDER BY delivered_at DESC, id))[1] AS carrier,
           (array_agg(service_id ORDER BY delivered_at DESC, id))[1] AS service_id,
           (array_agg(node_id ORDER BY delivered_at DESC, id))[1] AS node_id,
           (array_agg(zone ORDER BY delivered_at DESC, id))[1] AS zone
    FROM shipping_shipment WHERE company_id = %(company)s::smallint
    GROUP BY order_id HAVING bool_and(state = 'delivered')
), zones AS (
    SELECT * FROM unnest(%(begins)s::text[], %(zones)s::text[]) AS d(begins, zone)
)
SELECT COALESCE({name}, ''), count(*)::int, count(*) FILTER (WHERE a.at <= o.promise_at)::int,
       count(*) FILTER (WHERE (a.at AT TIME ZONE there.zone)::date
                                 <= (o.promise_at AT TIME ZONE there.zone)::date)::int,
       COALESCE(avg(EXTRACT(epoch FROM a.at - o.placed_at)) / 86400, 0)::float8,
       COALESCE(avg(EXTRACT(epoch FROM a.at - o.promise_at)) FILTER (WHERE a.at > o.promise_at) / 86400, 0)::float8
FROM arrived AS a JOIN orders_order AS o ON o.id = a.order_id
JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_address AS d ON d.id = o.address_id
LEFT JOIN carriage_service AS v ON v.id = a.service_id
LEFT JOIN network_node AS n ON n.id = a.node_id
CROSS JOIN LATERAL (SELECT upper(translate(o.postal_code, ' -', '')) AS plain) AS code
LEFT JOIN zones AS z3 ON z3.begins = o.country || left(code.plain, 3)
LEFT JOIN zones AS z2 ON z2.begins = o.country || left(code.plain, 2)
LEFT JOIN zones AS z1 ON z1.begins = o.country || left(code.plain, 1)
LEFT JOIN zones AS z0 ON z0.begins = o.country
CROSS JOIN LATERAL (SELECT COALESCE(z3.zone, z2.zone, z1.zone, z0.zone, n.time_zone, 'UTC') AS zone) AS there
WHERE o.status IN ('delivered', 'closed') AND o.promise_at IS NOT NULL
  AND (%(since)s::timestamptz IS NULL OR o.placed_at >= %(since)s::timestamptz)
  AND (%(until)s::timestamptz IS NULL OR o.placed_at < %(until)s::timestamptz)
  AND %(channel)s::text IN ('', c.code) AND %(country)s::text IN ('', o.country)
  AND %(region)s::text IN ('', COALESCE(d.region, ''))
GROUP BY GROUPING SETS (({name}), ())
HAVING count(*) > 0
ORDER BY GROUPING({name}), 1
"""
