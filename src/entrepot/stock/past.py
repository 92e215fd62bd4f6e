"""What stood where at a past moment, by the ledger of moves: what stands there now, less what has moved since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql


@dataclass(frozen=True, slots=True)
class Stood:
    """Units of one SKU at one node at a moment, by status; what was on its way stood at the node where it went."""

    sku: UUID
    sku_code: str
    sku_name: str
    node: UUID
    node_code: str
    by_status: dict[str, int]


@dataclass(frozen=True, slots=True)
class StoodIn:
    """Units of a SKU in one bin at a moment, of one lot, serial number and status; in no bin while on their way."""

    node_code: str
    bin_code: str
    lot: str
    serial: str
    status: str
    quantity: int


def standing(
    *, company: int, at: datetime, text: str = "", node: UUID | None = None, after: str = "", limit: int = 100
) -> list[Stood]:
    """Stock by SKU and node as of a moment, in order of code; `after` is "<sku code>|<node code>" of a row.

    By when things happened: what was recorded later of before counts. 1 statement; of the SKUs that are told, and of
    those passed over on the way, it reads what has moved since.
    """
    sku_after, _, node_after = after.partition("|")
    params = {
        "company": company, "text": f"%{text}%", "node": node, "sku_after": sku_after, "node_after": node_after,
        "at": at, "limit": limit,
    }  # fmt: skip
    statement = STANDING.format(behind=_BEHIND if after else "")
    return [Stood(*row) for row in sql.run(statement, params)]


def buckets(*, company: int, sku: UUID, at: datetime) -> list[StoodIn]:
    """Where the units of a SKU were as of a moment. 1 statement."""
    return [StoodIn(*row) for row in sql.run(_BUCKETS, {"company": company, "sku": sku, "at": at})]


class StillPromised(NamedTuple):
    """Units of a SKU at a node that were promised or reserved by a moment, and are so still."""

    sku: UUID
    node: UUID
    promised: int
    reserved: int


def still_promised(*, company: int, skus: Collection[UUID], at: datetime) -> list[StillPromised]:
    """Of the promises and reservations that stand now, those that were made by a moment. 1 statement.

    What was freed since, or parted from its order, can't be told: rows of promises go with them.
    """
    made_later = ids.since(at)
    params = {"company": company, "skus": list(skus), "at": at, "later": made_later}
    return [StillPromised(*row) for row in sql.run(_STILL, params)]


# A command takes a moment: what it wrote may stand behind what was recorded a little later. So the walk back goes on
# for a day longer than it would have to.
MOVED_SINCE = """
    SELECT bucket, sum(units)::int AS units FROM (
        SELECT unnest(ARRAY[m.to_bucket, m.from_bucket]) AS bucket, unnest(ARRAY[m.quantity, -m.quantity]) AS units
        FROM stock_move AS m
        WHERE m.sku_id = {sku} AND m.occurred_at > %(at)s::timestamptz AND m.id > COALESCE((
            SELECT e.id FROM stock_move AS e
            WHERE e.sku_id = {sku} AND e.recorded_at <= %(at)s::timestamptz - interval '1 day'
            ORDER BY e.id DESC LIMIT 1), 0)) AS both_sides
    GROUP BY bucket
"""

STANDING = f"""
SELECT s.id, s.code, s.name, h.node_id, n.code, h.by_status
FROM catalog_sku AS s
CROSS JOIN LATERAL (
    SELECT node_id, jsonb_object_agg(status, units) AS by_status
    FROM (SELECT b.node_id, b.status, sum(b.quantity - COALESCE(m.units, 0))::int AS units
          FROM stock_bucket AS b LEFT JOIN ({MOVED_SINCE.format(sku="s.id")}) AS m ON m.bucket = b.id
          WHERE b.sku_id = s.id GROUP BY 1, 2) AS of_status
    WHERE units <> 0 GROUP BY 1) AS h
JOIN network_node AS n ON n.id = h.node_id
WHERE s.company_id = %(company)s::smallint AND (s.code ILIKE %(text)s::text OR s.name ILIKE %(text)s::text)
  AND (%(node)s::uuid IS NULL OR h.node_id = %(node)s::uuid)
  {{behind}}
ORDER BY s.code, n.code LIMIT %(limit)s::int
"""

_BEHIND = """AND s.code >= %(sku_after)s::text
  AND (s.code, n.code) > (%(sku_after)s::text, %(node_after)s::text)"""

_BUCKETS = f"""
SELECT n.code, COALESCE(bin.code, ''), b.lot, b.serial, b.status, b.quantity - COALESCE(m.units, 0)
FROM stock_bucket AS b LEFT JOIN ({MOVED_SINCE.format(sku="%(sku)s::uuid")}) AS m ON m.bucket = b.id
JOIN network_node AS n ON n.id = b.node_id LEFT JOIN network_bin AS bin ON bin.id = b.bin_id
WHERE b.sku_id = %(sku)s::uuid AND b.company_id = %(company)s::smallint AND b.quantity - COALESCE(m.units, 0) <> 0
ORDER BY 1, 2, 3, 4, 5
"""

_STILL = """
SELECT sku_id, node_id, sum(promised)::int, sum(reserved)::int
FROM (SELECT sku_id, node_id, quantity AS promised, 0 AS reserved FROM stock_allocation
      WHERE sku_id = ANY(%(skus)s::uuid[]) AND company_id = %(company)s::smallint AND id < %(later)s::uuid
      UNION ALL
      SELECT sku_id, node_id, 0, quantity FROM stock_reservation
      WHERE sku_id = ANY(%(skus)s::uuid[]) AND company_id = %(company)s::smallint
        AND reserved_at <= %(at)s::timestamptz) AS made
GROUP BY 1, 2
"""
