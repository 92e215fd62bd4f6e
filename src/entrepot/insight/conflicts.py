"""Who lost what was promised, to what, and what became of it; and who waits while somebody less urgent was served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from entrepot.insight import rules
from entrepot.kernel import policies, sql
from entrepot.sourcing.rules import Profile

LIMIT = 2_000
"""Rows that one answer has at most; the newest, or the most urgent."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """Units of an order line that a node had promised and could not keep, or gave back.

    Of them `waiting` are open or backordered, `cancelled` are, and `served` were promised or shipped again, at
    `served_at`, the codes of nodes. Where a line lost units more than once, the newest loss is the first that waits.
    """

    at: datetime
    reason: str
    document_kind: str
    document: UUID
    order: UUID
    order_number: str
    line: UUID
    line_number: int
    sku: UUID
    sku_code: str
    node_code: str
    units: int
    was_released: bool
    waiting: int
    cancelled: int
    served: int
    served_at: str


@dataclass(frozen=True, slots=True)
class Cause:
    """The displacements of one reason, added up: so many, of so many orders, and what became of their units."""

    reason: str
    times: int
    orders: int
    units: int
    served: int
    waiting: int
    cancelled: int


def displaced(company: int, *, since: datetime) -> list[Displaced]:
    """Promises that stock could not keep from a moment on, the newest first. 1 statement."""
    rows = [
        Displaced(*row) for row in sql.run(_DISPLACED, {"company": company, "since": since, "limit": LIMIT})
    ]
    of_line: dict[UUID, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        of_line[row.line].append(i)
    for places in of_line.values():
        line = rows[places[0]]
        parts = rules.became([rows[i].units for i in places], line.waiting, line.cancelled)
        for i, (waiting, cancelled, served) in zip(places, parts, strict=True):
            at = rows[i].served_at if served else ""
            rows[i] = replace(rows[i], waiting=waiting, cancelled=cancelled, served=served, served_at=at)
    return rows


def by_cause(rows: Sequence[Displaced]) -> list[Cause]:
    """The same rows by their reason, the one that took most first."""
    of: dict[str, list[Displaced]] = defaultdict(list)
    for row in rows:
        of[row.reason].append(row)
    causes = [
        Cause(
            reason, len(some), len({one.order for one in some}), sum(one.units for one in some),
            sum(one.served for one in some), sum(one.waiting for one in some), sum(one.cancelled for one in some),
        )
        for reason, some in of.items()
    ]  # fmt: skip
    return sorted(causes, key=lambda one: (-one.units, one.reason))


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Units that an order waits for while one that is less urgent has a promise of the same SKU, and why that is so.

    `why` is one of `rules.REASONS`; `rule` is the rule that kept the node from it, where it is that.
    """

    order: UUID
    order_number: str
    channel: str
    sku: UUID
    sku_code: str
    waiting: int
    priority: int
    ordered_at: datetime
    promised_on: date | None
    served: UUID
    served_number: str
    served_channel: str
    served_priority: int
    node_code: str
    units: int
    why: str
    rule: str


def passed_over(company: int, *, at: datetime) -> list[PassedOver]:
    """Orders that wait, the most urgent first, each with the least urgent three that are served before it.

    2 statements, by the index of promises on a SKU.
    """
    in_force = policies.in_force(company, Profile, at)
    found = []
    for *row, fenced, other, serves, held, whole, promised_at, rule in sql.run(
        _PASSED_OVER, {"company": company, "limit": LIMIT}
    ):
        channel, ordered_at, node = row[2], row[7], row[13]
        profile = policies.of_scope(in_force, channel, Profile())
        served = rules.Served(
            is_reachable=serves and node not in profile.excluded_nodes,
            is_fenced_for_other=fenced and other,
            is_earlier=promised_at is not None and promised_at < ordered_at,
            is_ruled_out=rule != "",
        )
        why = rules.why_passed_over(served, is_held=held, takes_whole=whole)
        found.append((*row, why, rule if why == "rule" else ""))
    return [PassedOver(*one) for one in found]


# The line's places are read once for each displacement; how they are shared is the rule's.
_DISPLACED = """
SELECT d.occurred_at, d.reason, d.document_kind, d.document_id, d.order_id, o.number, d.line_id, l.number::int,
       d.sku_id, s.code, n.code, d.quantity, d.was_released, l.open + l.backordered, l.cancelled, 0,
       COALESCE((SELECT string_agg(code, ' ' ORDER BY code) FROM (
           SELECT at.code FROM stock_allocation AS a JOIN network_node AS at ON at.id = a.node_id
           WHERE a.order_id = d.order_id AND a.line_id = d.line_id
           UNION SELECT at.code FROM shipping_shipment AS h
           JOIN shipping_shipmentline AS hl ON hl.shipment_id = h.id AND hl.line_id = d.line_id
           JOIN network_node AS at ON at.id = h.node_id WHERE h.order_id = d.order_id) AS nodes), '')
FROM (
    (SELECT occurred_at, reason, document_kind, document_id, order_id, line_id, sku_id, node_id, quantity, was_released,
            id
     FROM stock_displacement
     WHERE company_id = %(company)s::smallint AND occurred_at >= %(since)s::timestamptz
     ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s::int)
    UNION ALL
    (SELECT r.rejected_at, 'rejected by the node', 'rejection', r.id, r.order_id, r.line_id, l.sku_id, r.node_id,
            r.quantity, false, 0
     FROM sourcing_rejection AS r JOIN orders_line AS l ON l.id = r.line_id
     WHERE r.company_id = %(company)s::smallint AND r.rejected_at >= %(since)s::timestamptz
     ORDER BY r.rejected_at DESC, r.id DESC LIMIT %(limit)s::int)
    ORDER BY occurred_at DESC, id DESC, document_id DESC LIMIT %(limit)s::int) AS d
JOIN orders_order AS o ON o.id = d.order_id JOIN orders_line AS l ON l.id = d.line_id
JOIN catalog_sku AS s ON s.id = d.sku_id JOIN network_node AS n ON n.id = d.node_id
ORDER BY d.occurred_at DESC, d.id DESC, d.document_id DESC
"""

# Urgency as in `stock.rules.urgency`. That a promise came before is told by the decision that made it, and the rule
# that refused a node by the last decision on the order that waits: a node that broke a soft one may have been asked.
_PASSED_OVER = """
SELECT b.order_id, o.number, c.code, b.sku_id, s.code, b.quantity, b.priority::int, b.ordered_at, b.promised_on,
       a.order_id, p.number, pc.code, a.priority::int, n.code, a.quantity, a.fenced > 0, a.channel_id <> o.channel_id,
       n.active AND EXISTS (SELECT FROM network_channelnode AS cn
                            WHERE cn.channel_id = o.channel_id AND cn.node_id = a.node_id)
       AND NOT EXISTS (SELECT FROM sourcing_rejection AS r
                       WHERE r.order_id = b.order_id AND r.line_id = b.line_id AND r.node_id = a.node_id
                         AND r.cleared_at IS NULL),
       EXISTS (SELECT FROM orders_hold AS h
               WHERE h.order_id = o.id AND h.state = 'open' AND 'allocate' = ANY(h.blocks)),
       o.policy IN ('ship_complete', 'line_complete')
       OR EXISTS (SELECT FROM orders_line AS l WHERE l.id = b.line_id AND l.kit_number > 0),
       (SELECT max(d.decided_at) FROM sourcing_decision AS d
        WHERE d.order_id = a.order_id AND d.outcome IN ('allocated', 'split', 'part backordered', 'part cancelled')),
       COALESCE(CASE WHEN last.broken = 'minimum' AND NOT last.softened OR NOT last.asked THEN last.broken END,
                CASE WHEN last.limited THEN 'shipments' END, '')
FROM (SELECT b.* FROM sourcing_backorder AS b WHERE b.company_id = %(company)s::smallint
      ORDER BY b.priority DESC, b.ordered_at, b.line_id LIMIT %(limit)s::int) AS b
JOIN orders_order AS o ON o.id = b.order_id JOIN network_channel AS c ON c.id = o.channel_id
JOIN catalog_sku AS s ON s.id = b.sku_id
CROSS JOIN LATERAL (
    SELECT * FROM stock_allocation AS a
    WHERE a.sku_id = b.sku_id AND a.owner_id = b.company_id AND a.order_id <> b.order_id
      AND (-a.priority, COALESCE(a.promise_at, 'infinity'), a.ordered_at, a.order_id)
        > (-b.priority, COALESCE(o.promise_at, 'infinity'), b.ordered_at, b.order_id)
    ORDER BY a.priority, COALESCE(a.promise_at, 'infinity') DESC, a.ordered_at DESC, a.id DESC LIMIT 3
) AS a
JOIN orders_order AS p ON p.id = a.order_id JOIN network_channel AS pc ON pc.id = a.channel_id
JOIN network_node AS n ON n.id = a.node_id
LEFT JOIN LATERAL (
    SELECT d.reasons -> 'broken' ->> n.code AS broken, d.reasons -> 'limit' -> 3 ? n.code AS limited,
           d.reasons ? 'softened' AS softened,
           EXISTS (SELECT FROM jsonb_array_elements(d.reasons -> 'candidates') AS c WHERE c ->> 0 = n.code)
               OR COALESCE(d.reasons -> 'asked' ? n.code, false) AS asked
    FROM sourcing_decision AS d WHERE d.order_id = b.order_id ORDER BY d.id DESC LIMIT 1
) AS last ON true
ORDER BY b.priority DESC, b.ordered_at, b.line_id, a.priority, a.ordered_at DESC, a.id
"""
