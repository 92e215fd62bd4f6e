"""What is asked of the network."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

from entrepot.kernel import sql
from entrepot.network.errors import BinOut
from entrepot.network.rules import Calendar, bin_out, postal_key


@dataclass(frozen=True, slots=True)
class Node:
    id: UUID
    code: str
    name: str
    kind: str
    country: str
    postal_code: str
    priority: int
    active: bool
    time_zone: str
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    id: UUID
    node: UUID
    code: str
    kind: str
    pick_sequence: int


@dataclass(frozen=True, slots=True)
class Channel:
    id: UUID
    code: str
    name: str
    kind: str
    currency: str
    priority: int
    buffer: int
    active: bool
    threshold: int
    shown_at_most: int


def nodes(*, company: int) -> list[Node]:
    """Nodes of a company in order of priority."""
    return [Node(*row) for row in sql.run(_NODES, {"company": company})]


def bins(*, nodes: Collection[UUID], kinds: Collection[str] | None = None) -> list[Bin]:
    """Bins of nodes on the way through them, of some kinds or all."""
    params = {"nodes": list(nodes), "kinds": None if kinds is None else list(kinds)}
    return [Bin(*row) for row in sql.run(_BINS, params)]


def bins_named(asked: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], UUID]:
    """Bins by node and code; those that are not there are absent. 1 statement; none for none."""
    rows = sql.run(_BINS_NAMED, sql.columns(("nodes", "codes"), sorted(asked))) if asked else ()
    return {(node, code): which for which, node, code in rows}


def bins_out(bins: Collection[UUID]) -> dict[UUID, BinOut]:
    """Why nothing is put into those that are out of use. Nobody takes one out meanwhile. 1 statement; none for none."""
    rows = sql.run(_BINS_HELD, {"ids": list(bins)}) if bins else ()
    return {which: out for which, code, kind in rows if (out := bin_out(code, kind))}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the aisles of a node are, in the coordinates of its bins, each unit of them `unit_mm` long."""

    aisles: tuple[int, ...]
    cross_aisles: tuple[int, ...]
    depot: tuple[int, int]
    unit_mm: int


def layouts(*, nodes: Collection[UUID]) -> dict[UUID, Layout]:
    """The layouts of those nodes that have one. One statement."""
    return {
        node: Layout(tuple(aisles), tuple(cross), (x, y), unit_mm)
        for node, aisles, cross, x, y, unit_mm in sql.run(_LAYOUTS, {"nodes": list(nodes)})
    }


def channels(*, company: int) -> dict[str, Channel]:
    """Channels of a company by code."""
    return {row[1]: Channel(*row) for row in sql.run(_CHANNELS, {"company": company})}


def serving_nodes(*, channels: Collection[UUID]) -> dict[UUID, list[tuple[UUID, int]]]:
    """Active nodes that serve channels, with their joint priority, the preferred first."""
    served: dict[UUID, list[tuple[UUID, int]]] = {channel: [] for channel in channels}
    for channel, node, priority in sql.run(_SERVING, {"channels": list(channels)}):
        served[channel].append((node, priority))
    return served


def links(*, channels: Collection[UUID]) -> dict[UUID, dict[UUID, int]]:
    """Nodes that serve channels, also those that are not active, with the priority that adds to each node's own. One
    statement."""
    found: dict[UUID, dict[UUID, int]] = {channel: {} for channel in channels}
    for channel, node, priority in sql.run(_LINKS, {"channels": list(channels)}):
        found[channel][node] = priority
    return found


def served(*, company: int) -> list[tuple[Channel, list[str]]]:
    """Channels of a company with the codes of the active nodes that serve each, the preferred first. 3 statements."""
    found = list(channels(company=company).values())
    codes = {one.id: one.code for one in nodes(company=company)}
    serving = serving_nodes(channels=[one.id for one in found])
    return [(one, [codes[node] for node, _ in serving[one.id]]) for one in found]


def calendars(*, nodes: Collection[UUID]) -> dict[UUID, Calendar]:
    """The calendar of each node, as `rules.next_ship_date` takes it. One statement."""
    weeks: dict[UUID, dict[int, time]] = {node: {} for node in nodes}
    closed: dict[UUID, set[date]] = {node: set() for node in nodes}
    for node, weekday, at, day in sql.run(_CALENDARS, {"nodes": list(weeks)}):
        if day is None:
            weeks[node][weekday] = at
        else:
            closed[node].add(day)
    return {node: Calendar(week, frozenset(closed[node])) for node, week in weeks.items()}


def holidays(*, nodes: Collection[UUID], since: date | None = None) -> list[tuple[UUID, date, str]]:
    """Days on which nodes are closed with their names, by node and day. One statement."""
    return list(sql.run(_HOLIDAYS, {"nodes": list(nodes), "since": since}))  # type: ignore[arg-type]


def whereabouts(addresses: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[float, float]]:
    """Latitude and longitude of addresses given as (country, postal code), by the place with the longest beginning.

    An address whose country has no place is left out. One statement.
    """
    keys = {(country, code): postal_key(code) for country, code in addresses}
    rows = [(country, key) for (country, _), key in keys.items()]
    found = {
        (country, key): (latitude, longitude)
        for country, key, latitude, longitude in sql.run(
            _WHEREABOUTS, sql.columns(("countries", "codes"), rows)
        )
    }
    return {address: place for address, key in keys.items() if (place := found.get((address[0], key)))}


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = (
        "network_node",
        "network_bin",
        "network_channel",
        "network_channelnode",
        "network_place",
        "network_layout",
    )
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about what stands in, or is served by, a node that is not there or is another company's."""
    return [row[0] for row in sql.run(_ORPHANS)]


_NODES = """
SELECT id, code, name, kind, country, postal_code, priority::int, active, time_zone, latitude, longitude
FROM network_node
WHERE company_id = %(company)s::smallint ORDER BY priority, code
"""

_BINS = """
SELECT id, node_id, code, kind, pick_sequence FROM network_bin
WHERE node_id = ANY(%(nodes)s::uuid[]) AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s::text[]))
ORDER BY node_id, pick_sequence, code
"""

_BINS_NAMED = """
SELECT b.id, b.node_id, b.code FROM unnest(%(nodes)s::uuid[], %(codes)s::text[]) AS d(node, code)
JOIN network_bin AS b ON b.node_id = d.node AND b.code = d.code
"""

_BINS_HELD = "SELECT id, code, kind FROM network_bin WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR SHARE"

_LAYOUTS = """
SELECT node_id, aisles, cross_aisles, depot_x, depot_y, unit_mm FROM network_layout
WHERE node_id = ANY(%(nodes)s::uuid[])
"""

_CHANNELS = """
SELECT id, code, name, kind, currency, priority::int, buffer, active, threshold, shown_at_most FROM network_channel
WHERE company_id = %(company)s::smallint ORDER BY code
"""

_SERVING = """
SELECT cn.channel_id, n.id, (n.priority + cn.priority)::int
FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
WHERE cn.channel_id = ANY(%(channels)s::uuid[]) ORDER BY 1, 3, n.code
"""

_LINKS = """
SELECT channel_id, node_id, priority::int FROM network_channelnode WHERE channel_id = ANY(%(channels)s::uuid[])
"""

# Each beginning of a code is looked up by the primary key.
_WHEREABOUTS = """
SELECT d.country, d.code, p.latitude, p.longitude
FROM (SELECT DISTINCT country, code FROM unnest(%(countries)s::text[], %(codes)s::text[]) AS d(country, code)) AS d
CROSS JOIN LATERAL (
    SELECT latitude, longitude FROM network_place AS p
    WHERE p.country = d.country
      AND p.postal_start = ANY(ARRAY(SELECT left(d.code, n) FROM generate_series(0, length(d.code)) AS n))
    ORDER BY length(p.postal_start) DESC LIMIT 1
) AS p
"""

_CALENDARS = """
SELECT node_id, weekday::int, at, NULL::date FROM network_cutoff WHERE node_id = ANY(%(nodes)s::uuid[])
UNION ALL SELECT node_id, NULL, NULL, day FROM network_holiday WHERE node_id = ANY(%(nodes)s::uuid[])
"""

_HOLIDAYS = """
SELECT node_id, day, name FROM network_holiday
WHERE node_id = ANY(%(nodes)s::uuid[]) AND (%(since)s::date IS NULL OR day >= %(since)s::date) ORDER BY node_id, day
"""

_ORPHANS = """
SELECT format('bin %s stands in a node that is not there, or is another company''s', b.code)
FROM network_bin AS b LEFT JOIN network_node AS n ON n.id = b.node_id AND n.company_id = b.company_id
WHERE n.id IS NULL
UNION ALL
SELECT format('zone %s stands in a node that is not there', z.code)
FROM network_zone AS z LEFT JOIN network_node AS n ON n.id = z.node_id WHERE n.id IS NULL
UNION ALL
SELECT format('bin %s stands in a zone that is not of its node', b.code)
FROM network_bin AS b LEFT JOIN network_zone AS z ON z.id = b.zone_id AND z.node_id = b.node_id
WHERE b.zone_id IS NOT NULL AND z.id IS NULL
UNION ALL
SELECT format('node %s is laid out, but is not there', l.node_id)
FROM network_layout AS l LEFT JOIN network_node AS n ON n.id = l.node_id WHERE n.id IS NULL
UNION ALL
SELECT format('node %s ships until %s, but is not there', c.node_id, c.at)
FROM network_cutoff AS c LEFT JOIN network_node AS n ON n.id = c.node_id WHERE n.id IS NULL
UNION ALL
SELECT format('node %s is closed on %s, but is not there', h.node_id, h.day)
FROM network_holiday AS h LEFT JOIN network_node AS n ON n.id = h.node_id WHERE n.id IS NULL
UNION ALL
SELECT format('channel %s is served by a node that is not of its company', COALESCE(c.code, cn.channel_id::text))
FROM network_channelnode AS cn LEFT JOIN network_channel AS c ON c.id = cn.channel_id
LEFT JOIN network_node AS n ON n.id = cn.node_id AND n.company_id = c.company_id WHERE n.id IS NULL
"""
