"""What channels may promise of SKUs, with the rows that it comes from, and what each was told last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.stock import rules


@dataclass(frozen=True, slots=True)
class AtNode:
    """What one node contributes to a channel's availability: free = sellable − promised − safety − others − buffer.

    `net` is the same before it is cut off at zero.
    """

    node: UUID
    node_code: str
    sellable: int
    promised: int
    safety: int
    fenced_for_others: int
    buffer: int
    net: int
    free: int


@dataclass(frozen=True, slots=True)
class InKit:
    """A component of a kit: its units in one kit, and what of it the channel may promise."""

    units: int
    available: Availability


@dataclass(frozen=True, slots=True)
class Availability:
    """Units of a SKU that a channel may promise now, with the positions that they come from. Those of a kit are whole
    kits, and come from its components: the buffer is kept of each of these, threshold and cap count kits.

    `quantity` is what the channel is shown of the `free` units: none below its threshold, never more than its cap, and
    none of a SKU that ships later: that is sold ahead, `preorder_max` of it (0: all that will come). Of a kit with a
    component that ships later none is shown either.
    """

    sku: UUID
    sku_code: str
    channel: str
    quantity: int
    free: int
    buffer: int
    threshold: int
    shown_at_most: int
    nodes: tuple[AtNode, ...]
    ships_on: date | None = None
    preorder_max: int = 0
    components: tuple[InKit, ...] = ()


def availability(*, company: int, channel: str, skus: Sequence[str], at: datetime) -> list[Availability]:
    """Availability of SKUs (by code) for a channel (by code), in the order asked. Unknown codes are absent.

    Reservations that have expired by `at` count as free. One statement.
    """
    return _availability(company, list(dict.fromkeys(skus)), channel, at)


def availability_by_channel(*, company: int, sku: str, at: datetime) -> list[Availability]:
    """Availability of a SKU for each active channel, in the order of their codes. One statement."""
    return _availability(company, [sku], None, at)


def _availability(
    company: int, codes: Sequence[str], channel: str | None, at: datetime
) -> list[Availability]:
    params = {"company": company, "channel": channel, "codes": codes, "at": at}
    found: dict[tuple[Any, ...], dict[tuple[Any, ...], list[AtNode]]] = {}
    for sku, code, of, units, *key, node, node_code, sellable, promised, safety, others in sql.run(
        _AVAILABILITY, params
    ):
        buffer = key[2]
        nodes = found.setdefault((sku, code, of), {}).setdefault((units, *key), [])
        if node is not None:
            net = rules.net_units(sellable, promised, safety, others, buffer)
            nodes.append(
                AtNode(node, node_code, sellable, promised, safety, others, buffer, net, max(0, net))
            )
    answers = []
    for (sku, code, of), parts in found.items():
        each = [InKit(units, _single(of, tuple(key), nodes)) for (units, *key), nodes in parts.items()]
        answers.append(_kit(sku, code, each) if each[0].units else each[0].available)
    return answers


def _single(channel: str, key: tuple[Any, ...], nodes: Sequence[AtNode]) -> Availability:
    sku, code, buffer, threshold, at_most, ships_on, ahead = key
    free = sum(node.free for node in nodes)
    shown = 0 if ships_on else rules.shown_units(free, threshold, at_most)
    return Availability(
        sku, code, channel, shown, free, buffer, threshold, at_most, tuple(nodes), ships_on, ahead or 0
    )


def _kit(sku: UUID, code: str, components: Sequence[InKit]) -> Availability:
    one = components[0].available
    free = rules.whole_kits([(part.available.free, part.units) for part in components])
    ships_later = any(part.available.ships_on for part in components)
    shown = 0 if ships_later else rules.shown_units(free, one.threshold, one.shown_at_most)
    return Availability(
        sku, code, one.channel, shown, free, one.buffer, one.threshold, one.shown_at_most, (),
        components=tuple(components),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """What a channel was told last of a SKU, and when; `version` is the cursor behind it."""

    sku: UUID
    sku_code: str
    channel: str
    quantity: int
    version: int
    published_at: datetime


def published(*, company: int, channel: str, since: int = 0, limit: int = 100) -> list[PublishedRow]:
    """What a channel was told last, of the SKUs that changed after the version `since`, in the order of their change.

    Versions rise in the order in which they can be seen, so that whoever asks from the last one on misses none.
    """
    params = {"company": company, "channel": channel, "since": since, "limit": limit}
    return [PublishedRow(*row) for row in sql.run(_PUBLISHED_SINCE, params)]


def published_of(*, sku: UUID) -> dict[str, PublishedRow]:
    """What each channel was told last of a SKU, by its code."""
    return {row[2]: PublishedRow(*row) for row in sql.run(_PUBLISHED_OF, {"sku": sku})}


class Digest(NamedTuple):
    """What a channel should have, to compare: SKUs above zero, their units, and the digest of `code:units` lines."""

    skus: int
    units: int
    digest: str
    version: int


def published_digest(*, company: int, channel: str) -> Digest:
    """One statement: SHA-256 over a line `<SKU code>:<units>` with a line feed for each SKU above zero, by code as
    bytes."""
    return Digest(*sql.run(_DIGEST, {"company": company, "channel": channel})[0])


def unpublished() -> int:
    """Marks that wait to be published."""
    return int(sql.run("SELECT count(*) FROM stock_unpublished")[0][0])


_AVAILABILITY = """
SELECT k.id, k.code, c.code, COALESCE(m.units, 0), s.id, s.code, c.buffer, c.threshold, c.shown_at_most, y.ships_on,
       y.units_max, p.node_id, n.code, p.sellable,
       p.reserved - COALESCE(e.units, 0)::int + p.allocated, p.safety,
       p.fenced - COALESCE(f.quantity - f.used, 0) + COALESCE(e.fenced_for_others, 0)::int
FROM unnest(%(codes)s::text[]) WITH ORDINALITY AS d(code, i)
JOIN catalog_sku AS k ON k.company_id = %(company)s::smallint AND k.code = d.code
LEFT JOIN catalog_component AS m ON m.kit_id = k.id
JOIN catalog_sku AS s ON s.id = COALESCE(m.sku_id, k.id)
JOIN network_channel AS c ON c.company_id = %(company)s::smallint
  AND CASE WHEN %(channel)s::text IS NULL THEN c.active ELSE c.code = %(channel)s::text END
LEFT JOIN stock_preorder AS y
  ON y.sku_id = s.id AND y.ships_on > (%(at)s::timestamptz AT TIME ZONE 'UTC')::date
LEFT JOIN network_channelnode AS cn ON cn.channel_id = c.id
LEFT JOIN network_node AS n ON n.id = cn.node_id AND n.active
LEFT JOIN stock_position AS p ON p.sku_id = s.id AND p.node_id = n.id AND p.owner_id = s.company_id
LEFT JOIN stock_ringfence AS f
  ON f.sku_id = p.sku_id AND f.node_id = p.node_id AND f.owner_id = p.owner_id AND f.channel_id = c.id
LEFT JOIN LATERAL (
    SELECT sum(quantity) AS units, sum(fenced) FILTER (WHERE r.channel_id <> c.id) AS fenced_for_others
    FROM stock_reservation AS r
    WHERE (r.sku_id, r.node_id, r.owner_id) = (p.sku_id, p.node_id, p.owner_id)
      AND r.expires_at <= %(at)s::timestamptz) AS e ON true
ORDER BY d.i, c.code, m.number, cn.priority, n.code
"""

FREE = """
            SELECT COALESCE(sum(GREATEST(0, p.sellable - p.reserved - p.allocated - p.safety - c.buffer
                                            - (p.fenced - COALESCE(f.quantity - f.used, 0)))), 0)::int AS free
            FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
            JOIN stock_position AS p
              ON p.sku_id = {sku} AND p.node_id = n.id AND p.owner_id = c.company_id
            LEFT JOIN stock_ringfence AS f
              ON f.sku_id = p.sku_id AND f.node_id = p.node_id AND f.owner_id = p.owner_id AND f.channel_id = c.id
            WHERE cn.channel_id = c.id
"""
"""Units of a SKU that a channel `c` may promise now, as `rules.free_units` says, in SQL. Reservations count until
freed."""

COMING = """
    CASE WHEN EXISTS (SELECT FROM stock_preorder AS y
                      WHERE y.sku_id = {sku} AND y.ships_on > (%(at)s::timestamptz AT TIME ZONE 'UTC')::date)
         THEN 2147483647
         ELSE (SELECT COALESCE(sum(u.quantity), 0) FROM stock_supply AS u
               JOIN network_channelnode AS cn ON cn.node_id = u.node_id AND cn.channel_id = c.id
               WHERE u.sku_id = {sku}) END"""
"""Units of a SKU that are to come to the nodes of a channel `c`, in SQL: no end of what is sold ahead, for sourcing
keeps to its limit."""

# What channels are shown of wanted SKUs now, as `rules.free_units`, `rules.whole_kits` and `rules.shown_units` say:
# nothing of a SKU or of a kit with a component that ships later, nothing where a channel is closed, and an import is
# told nothing.
SHOWN = f"""
    SELECT s.id AS sku, c.id AS channel, s.company_id AS company,
           CASE WHEN NOT c.active OR at.ships_later OR at.free < GREATEST(1, c.threshold) THEN 0
                WHEN c.shown_at_most > 0 THEN LEAST(at.free, c.shown_at_most) ELSE at.free END AS quantity
    FROM wanted JOIN catalog_sku AS s ON s.id = wanted.sku
    JOIN network_channel AS c ON c.company_id = s.company_id AND c.kind <> 'import'
    CROSS JOIN LATERAL (
        SELECT min(part.free / made_of.units)::int AS free,
               bool_or(EXISTS (SELECT FROM stock_preorder AS y
                               WHERE y.sku_id = made_of.sku_id AND y.ships_on > %(today)s::date)) AS ships_later
        FROM (SELECT m.sku_id, m.units FROM catalog_component AS m WHERE m.kit_id = s.id
              UNION ALL SELECT s.id, 1 WHERE NOT EXISTS (SELECT FROM catalog_component AS m WHERE m.kit_id = s.id)
             ) AS made_of
        CROSS JOIN LATERAL (
{FREE.format(sku="made_of.sku_id")}
        ) AS part
    ) AS at
"""

_PUBLISHED = """
SELECT q.sku_id, s.code, c.code, q.quantity, q.version, q.published_at
FROM stock_published AS q JOIN catalog_sku AS s ON s.id = q.sku_id JOIN network_channel AS c ON c.id = q.channel_id
"""

_PUBLISHED_OF = _PUBLISHED + "WHERE q.sku_id = %(sku)s::uuid ORDER BY c.code"

_PUBLISHED_SINCE = (
    _PUBLISHED
    + """
WHERE q.channel_id = (SELECT id FROM network_channel
                      WHERE company_id = %(company)s::smallint AND code = %(channel)s::text)
  AND q.version > %(since)s::bigint ORDER BY q.version LIMIT %(limit)s::int
"""
)

_DIGEST = """
SELECT count(told.code)::int, COALESCE(sum(told.quantity), 0)::bigint, encode(sha256(convert_to(
           COALESCE(string_agg(told.code || ':' || told.quantity || E'\\n', '' ORDER BY told.code COLLATE "C"), ''),
           'UTF8')), 'hex'),
       (SELECT COALESCE(max(version), 0)::bigint FROM stock_published WHERE channel_id = c.id)
FROM network_channel AS c LEFT JOIN LATERAL (
    SELECT s.code, q.quantity FROM stock_published AS q JOIN catalog_sku AS s ON s.id = q.sku_id
    WHERE q.channel_id = c.id AND q.quantity > 0
) AS told ON true
WHERE c.company_id = %(company)s::smallint AND c.code = %(channel)s::text GROUP BY c.id
"""
