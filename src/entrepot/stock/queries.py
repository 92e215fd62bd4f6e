"""What is asked of stock: what stands where, moves, what is reserved or kept back, and whether the books agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.money import exponent
from entrepot.stock import rules
from entrepot.stock.availability_queries import SHOWN


def unit_costs(keys: Collection[tuple[int, UUID, UUID]]) -> dict[tuple[int, UUID, UUID], Decimal]:
    """The average cost of one unit in minor units, by (company, sku, node); the SKU's standard cost where none is
    there, 0 where that is unknown too. One statement."""
    rows = sql.run(_UNIT_COSTS, sql.columns(("companies", "skus", "nodes"), keys))
    return {
        (company, sku, node): standard.scaleb(exponent(currency)) if cost is None else cost
        for company, sku, node, cost, standard, currency in rows
    }


@dataclass(frozen=True, slots=True)
class Standing:
    """Units of one SKU at one node, by status."""

    sku: UUID
    sku_code: str
    sku_name: str
    node: UUID
    node_code: str
    by_status: dict[str, int]
    reserved: int
    allocated: int
    value_minor: int


def standing(
    *,
    company: int,
    text: str = "",
    node: UUID | None = None,
    down: bool = False,
    after: str = "",
    limit: int = 100,
) -> list[Standing]:
    """Stock by SKU and node in order of code, or down from the last; `after` is "<sku code>|<node code>" of a row."""
    sku_after, _, node_after = after.partition("|")
    params = {
        "company": company, "text": f"%{text}%", "node": node, "sku_after": sku_after, "node_after": node_after,
        "limit": limit,
    }  # fmt: skip
    behind = f"AND (s.code, n.code) {'<' if down else '>'} (%(sku_after)s::text, %(node_after)s::text)"
    statement = _STANDING.format(behind=behind if after else "", way="DESC" if down else "ASC")
    return [Standing(*row) for row in sql.run(statement, params)]


@dataclass(frozen=True, slots=True)
class BucketRow:
    node_code: str
    bin_code: str
    lot: str
    serial: str
    status: str
    quantity: int
    committed: int
    id: UUID
    bin: UUID | None


@dataclass(frozen=True, slots=True)
class HeldRow:
    """Goods in a bin. `committed` of them are being picked; those that were picked or sent stand in no bin."""

    id: UUID
    sku: UUID
    sku_code: str
    sku_name: str
    node: UUID
    bin: UUID | None
    lot: str
    serial: str
    status: str
    expires_on: date | None
    quantity: int
    committed: int


def buckets_in(*, company: int, bin_: UUID) -> list[HeldRow]:
    """What of a company stands in a bin. 1 statement."""
    return [HeldRow(*row) for row in sql.run(_IN_BIN, {"company": company, "bin": bin_})]


def bucket(*, company: int, which: UUID | None) -> HeldRow | None:
    """Goods in a bin by their own id. 1 statement."""
    rows = sql.run(_BUCKET, {"company": company, "which": which})
    return HeldRow(*rows[0]) if rows else None


def buckets(*, sku: UUID, limit: int | None = None) -> list[BucketRow]:
    """Where the units of a SKU are, all of them or the first; empty buckets are left out."""
    return [BucketRow(*row) for row in sql.run(_BUCKETS, {"sku": sku, "limit": limit})]


@dataclass(frozen=True, slots=True)
class InBin:
    """Units of a SKU that are alike in a bin; of their serial numbers the first few."""

    node_code: str
    bin_code: str
    lot: str
    status: str
    quantity: int
    committed: int
    serials: list[str]
    bin: UUID | None


def in_bins(*, sku: UUID, limit: int) -> list[InBin]:
    """Where the units of a SKU are, those that differ only in their serial number together. 1 statement."""
    return [InBin(*row) for row in sql.run(_IN_BINS, {"sku": sku, "limit": limit})]


@dataclass(frozen=True, slots=True)
class MoveRow:
    id: int
    occurred_at: datetime
    quantity: int
    source: str
    target: str
    reason: str
    document_kind: str
    document: UUID
    value_minor: int


def moves(*, sku: UUID | None = None, document: UUID | None = None, before: int | None = None, limit: int = 100
          ) -> list[MoveRow]:  # fmt: skip
    """Moves of a SKU or of a document, the newest first."""
    params = {"sku": sku, "document": document, "before": before, "limit": limit}
    return [MoveRow(*row) for row in sql.run(_MOVES, params)]


def levels(*, sku: UUID, since: date, until: date, zone: str) -> list[tuple[date, int]]:
    """Units of a SKU at the end of each day of a zone, those between nodes included, by the ledger. 1 statement."""
    nets = sql.run(_NETS, {"sku": sku, "since": since, "until": until, "zone": zone})
    return rules.levels(dict(nets), since, until)


@dataclass(frozen=True, slots=True)
class PreorderRow:
    """The day from which a SKU ships, and how many may be sold until then (0: all that will come)."""

    ships_on: date
    units_max: int


def preorder(*, sku: UUID) -> PreorderRow | None:
    """What was set for a SKU; its day may have come."""
    rows = sql.run(
        "SELECT ships_on, units_max FROM stock_preorder WHERE sku_id = %(sku)s::uuid AND ships_on IS NOT NULL",
        {"sku": sku},
    )
    return PreorderRow(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """Units that a cart or checkout holds until a moment, or that are kept for the order that it became: until that is
    promised them, or wants them no more."""

    id: UUID
    holder: str
    kind: str
    channel: str
    sku: str
    node: str
    quantity: int
    reserved_at: datetime
    expires_at: datetime | None
    order: UUID | None = None


def reservations(
    *,
    company: int,
    at: datetime,
    holder: str = "",
    sku: str = "",
    after: tuple[str, UUID] | None = None,
    limit: int = 50,
) -> list[ReservationRow]:
    """What is reserved at `at` of a holder, of a SKU by its code, or at all; what expires first comes first, and what
    is kept for orders last. `after` is a row's (`expires_at` as ISO 8601, or '', and id)."""
    params = {"company": company, "holder": holder, "sku": sku, "at": at, "limit": limit}
    if after is not None:
        params |= {"moment": after[0] or None, "id": after[1]}
    statement = _RESERVATIONS.format(behind="" if after is None else _BEHIND)
    return [ReservationRow(*row) for row in sql.run(statement, params)]


@dataclass(frozen=True, slots=True)
class Fence:
    """Units of a position that are one channel's; `used` of them are promised."""

    channel: str
    quantity: int
    used: int


@dataclass(frozen=True, slots=True)
class KeptBack:
    """What of a SKU at a node is kept from all channels, and what from all but one."""

    sku: str
    node: str
    safety: int
    fences: tuple[Fence, ...]


def kept_back(*, company: int, skus: Sequence[str]) -> list[KeptBack]:
    """Safety stock and ring-fences of SKUs, by code, at every node that is open. 1 statement."""
    rows = sql.run(_KEPT_BACK, {"company": company, "codes": list(skus)})
    return [
        KeptBack(sku, node, safety, tuple(Fence(*one) for one in fences))
        for sku, node, safety, fences in rows
    ]


def taken(*, skus: Collection[UUID]) -> dict[UUID, int]:
    """Units of SKUs that their company has reserved or promised, over all nodes. 1 statement."""
    return dict(sql.run(_TAKEN, {"skus": list(skus)}))  # type: ignore[arg-type]


def totals(*, company: int) -> list[tuple[str, int]]:
    """Units by physical status."""
    statement = (
        "SELECT status, sum(quantity)::bigint FROM stock_bucket WHERE company_id = %(company)s::smallint"
    )
    return sql.run(statement + " GROUP BY status ORDER BY status", {"company": company})  # type: ignore[return-value]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = (
        "stock_move",
        "stock_bucket",
        "stock_position",
        "stock_allocation",
        "stock_reservation",
        "stock_plateunits",
    )
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about balances that disagree with their ledger; [] when all is right."""
    today = sql.run("SELECT (now() AT TIME ZONE 'UTC')::date")[0][0]
    wrong = [sentence for statement in _DISCREPANCIES for (sentence,) in sql.run(statement)]
    return wrong + [sentence for (sentence,) in sql.run(_WRONG_PUBLISHED, {"today": today})]


_UNIT_COSTS = """
SELECT k.company::int, k.sku, k.node,
       v.value_minor::numeric / NULLIF(v.quantity, 0), COALESCE(s.standard_cost, 0), COALESCE(c.currency, '')
FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[]) AS k(company, sku, node)
LEFT JOIN ledger_valuation AS v
  ON v.company_id = k.company AND v.sku_id = k.sku AND v.node_id = k.node AND v.pool = 'stock'
LEFT JOIN catalog_sku AS s ON s.id = k.sku
LEFT JOIN parties_company AS c ON c.id = k.company
"""

_RESERVATIONS = """
SELECT r.id, r.holder, r.kind, c.code, s.code, n.code, r.quantity, r.reserved_at, r.expires_at, r.order_id
FROM stock_reservation AS r
JOIN catalog_sku AS s ON s.id = r.sku_id
JOIN network_node AS n ON n.id = r.node_id
JOIN network_channel AS c ON c.id = r.channel_id
WHERE r.company_id = %(company)s::smallint AND COALESCE(r.expires_at, 'infinity') > %(at)s::timestamptz
  AND (%(holder)s = '' OR r.holder = %(holder)s)
  AND (%(sku)s = '' OR r.sku_id = (SELECT id FROM catalog_sku
                                   WHERE company_id = %(company)s::smallint AND code = %(sku)s))
{behind}
ORDER BY COALESCE(r.expires_at, 'infinity'), r.id LIMIT %(limit)s
"""

_BEHIND = """
  AND (COALESCE(r.expires_at, 'infinity'), r.id)
      > (COALESCE(%(moment)s::timestamptz, 'infinity'), %(id)s::uuid)
"""

_KEPT_BACK = """
SELECT s.code, n.code, COALESCE(p.safety, 0), f.told
FROM unnest(%(codes)s::text[]) WITH ORDINALITY AS d(code, i)
JOIN catalog_sku AS s ON s.company_id = %(company)s::smallint AND s.code = d.code
JOIN network_node AS n ON n.company_id = s.company_id AND n.active
LEFT JOIN stock_position AS p ON p.sku_id = s.id AND p.node_id = n.id AND p.owner_id = s.company_id
CROSS JOIN LATERAL (
    SELECT COALESCE(json_agg(json_build_array(c.code, f.quantity, f.used) ORDER BY c.code), '[]') AS told
    FROM stock_ringfence AS f JOIN network_channel AS c ON c.id = f.channel_id
    WHERE (f.sku_id, f.node_id, f.owner_id) = (s.id, n.id, s.company_id) AND f.quantity > 0
) AS f
ORDER BY d.i, n.priority, n.code
"""


# invariant 11: what is published is what the channel may have, of SKUs that nobody has marked and that no change of a
# channel, node or kit is about to mark. What ships from today on is marked after midnight.
_WRONG_PUBLISHED = f"""
WITH parts AS (  -- of a kit, its components; of any other SKU, itself
    SELECT sku_id AS sku, sku_id AS part FROM stock_position UNION SELECT sku_id, sku_id FROM stock_published
    UNION SELECT kit_id, sku_id FROM catalog_component UNION SELECT kit_id, kit_id FROM catalog_component
), wanted AS (
    SELECT sku FROM parts GROUP BY sku
    HAVING NOT bool_or(EXISTS (SELECT FROM stock_unpublished AS u WHERE u.sku_id = part))
       AND NOT bool_or(EXISTS (SELECT FROM stock_preorder AS y
                               WHERE y.sku_id = part AND y.ships_on = %(today)s::date))
), shown AS ({SHOWN})
SELECT format('SKU %s: channel %s was told %s, it may have %s', s.code, c.code, COALESCE(q.quantity, 0), shown.quantity)
FROM shown JOIN catalog_sku AS s ON s.id = shown.sku JOIN network_channel AS c ON c.id = shown.channel
LEFT JOIN stock_published AS q ON q.sku_id = shown.sku AND q.channel_id = shown.channel
WHERE COALESCE(q.quantity, 0) <> shown.quantity
  AND NOT EXISTS (
    SELECT FROM kernel_ready AS r LEFT JOIN network_channelnode AS cn ON cn.node_id = r.subject
    WHERE r.queue = 'republish' AND (r.subject IN (c.id, s.id) OR cn.channel_id = c.id))
"""

_STANDING = """
WITH shown AS (
    SELECT b.sku_id, b.node_id, s.code AS sku_code, s.name, n.code AS node_code,
           jsonb_object_agg(b.status, b.units) AS by_status
    FROM (SELECT sku_id, node_id, status, sum(quantity) AS units FROM stock_bucket
          WHERE company_id = %(company)s::smallint AND quantity > 0 GROUP BY 1, 2, 3) AS b
    JOIN catalog_sku AS s ON s.id = b.sku_id AND (s.code ILIKE %(text)s::text OR s.name ILIKE %(text)s::text)
    JOIN network_node AS n ON n.id = b.node_id
    WHERE (%(node)s::uuid IS NULL OR b.node_id = %(node)s::uuid)
      {behind}
    GROUP BY 1, 2, 3, 4, 5 ORDER BY s.code {way}, n.code {way} LIMIT %(limit)s::int
)
SELECT shown.sku_id, sku_code, name, shown.node_id, node_code, by_status, COALESCE(p.reserved, 0),
       COALESCE(p.allocated, 0), COALESCE(v.value_minor, 0)
FROM shown
LEFT JOIN stock_position AS p ON p.sku_id = shown.sku_id AND p.node_id = shown.node_id
LEFT JOIN ledger_valuation AS v ON v.sku_id = shown.sku_id AND v.node_id = shown.node_id AND v.pool = 'stock'
ORDER BY sku_code {way}, node_code {way}
"""

_BUCKETS = """
SELECT n.code, COALESCE(bin.code, ''), b.lot, b.serial, b.status, b.quantity, b.committed, b.id,
       b.bin_id
FROM stock_bucket AS b JOIN network_node AS n ON n.id = b.node_id LEFT JOIN network_bin AS bin ON bin.id = b.bin_id
WHERE b.sku_id = %(sku)s::uuid AND b.quantity > 0 ORDER BY 1, 2, 3, 4, 5 LIMIT %(limit)s::int
"""

_IN_BINS = """
SELECT n.code, COALESCE(bin.code, ''), b.lot, b.status, sum(b.quantity)::int, sum(b.committed)::int,
       COALESCE((array_agg(b.serial ORDER BY b.serial) FILTER (WHERE b.serial <> ''))[:5], '{}'), b.bin_id
FROM stock_bucket AS b JOIN network_node AS n ON n.id = b.node_id LEFT JOIN network_bin AS bin ON bin.id = b.bin_id
WHERE b.sku_id = %(sku)s::uuid AND b.quantity > 0
GROUP BY n.code, b.bin_id, bin.code, b.lot, b.status, b.owner_id ORDER BY 1, 2, 3, 4 LIMIT %(limit)s::int
"""

_HELD = """
SELECT b.id, b.sku_id, s.code, s.name, b.node_id, b.bin_id, b.lot, b.serial, b.status, b.expires_on, b.quantity,
       b.committed
FROM stock_bucket AS b JOIN catalog_sku AS s ON s.id = b.sku_id
"""

_IN_BIN = f"""{_HELD}
WHERE b.bin_id = %(bin)s::uuid AND b.company_id = %(company)s::smallint AND b.quantity > 0
ORDER BY s.code, b.lot, b.serial, b.status
"""

_BUCKET = f"{_HELD} WHERE b.id = %(which)s::uuid AND b.company_id = %(company)s::smallint"

# From what there is now back to the first day, so that only what was recorded since is read. What moved before that
# day is told as that day's: from it on, the sums are the units that there were.
_NETS = """
WITH moved AS (
    SELECT (m.occurred_at AT TIME ZONE %(zone)s::text)::date AS day,
           sum(CASE WHEN m.to_place = 'node' THEN m.quantity ELSE 0 END
               - CASE WHEN m.from_place = 'node' THEN m.quantity ELSE 0 END) AS net
    FROM stock_move AS m
    WHERE m.sku_id = %(sku)s::uuid AND m.id > COALESCE((
        SELECT e.id FROM stock_move AS e
        WHERE e.sku_id = %(sku)s::uuid AND e.recorded_at < %(since)s::date::timestamp AT TIME ZONE %(zone)s::text
        ORDER BY e.id DESC LIMIT 1), 0)
    GROUP BY 1
)
SELECT day, sum(net)::int
FROM (
    SELECT greatest(day, %(since)s::date) AS day, net FROM moved WHERE day <= %(until)s::date
    UNION ALL
    SELECT %(since)s::date, COALESCE((SELECT sum(quantity) FROM stock_bucket WHERE sku_id = %(sku)s::uuid), 0)
                            - COALESCE((SELECT sum(net) FROM moved), 0)) AS n
GROUP BY day
"""

_MOVES = """
SELECT m.id, m.occurred_at, m.quantity,
       CASE WHEN f.id IS NULL THEN m.from_place ELSE concat_ws(' ', fn.code, fb.code, f.status) END,
       CASE WHEN t.id IS NULL THEN m.to_place ELSE concat_ws(' ', tn.code, tb.code, t.status) END,
       m.reason, m.document_kind, m.document_id, m.value_minor
FROM stock_move AS m
LEFT JOIN stock_bucket AS f ON f.id = m.from_bucket LEFT JOIN network_bin AS fb ON fb.id = f.bin_id
LEFT JOIN network_node AS fn ON fn.id = f.node_id
LEFT JOIN stock_bucket AS t ON t.id = m.to_bucket LEFT JOIN network_bin AS tb ON tb.id = t.bin_id
LEFT JOIN network_node AS tn ON tn.id = t.node_id
WHERE (%(sku)s::uuid IS NULL OR m.sku_id = %(sku)s::uuid)
  AND (%(document)s::uuid IS NULL OR m.document_id = %(document)s::uuid)
  AND (%(before)s::bigint IS NULL OR m.id < %(before)s::bigint)
ORDER BY m.id DESC LIMIT %(limit)s::int
"""

_TAKEN = """
SELECT sku_id, sum(reserved + allocated)::int FROM stock_position
WHERE sku_id = ANY(%(skus)s::uuid[]) AND owner_id = company_id GROUP BY sku_id
"""


_DISCREPANCIES = (
    # invariant 1: a bucket holds what its moves brought less what they took
    """
    SELECT format('bucket %s holds %s units, its moves make %s', b.id, b.quantity, COALESCE(m.units, 0))
    FROM stock_bucket AS b FULL JOIN (
        SELECT bucket, sum(units) AS units FROM (
            SELECT to_bucket AS bucket, quantity AS units FROM stock_move WHERE to_bucket IS NOT NULL
            UNION ALL SELECT from_bucket, -quantity FROM stock_move WHERE from_bucket IS NOT NULL) AS both_sides
        GROUP BY bucket) AS m ON m.bucket = b.id
    WHERE b.quantity IS DISTINCT FROM COALESCE(m.units, 0)
    """,
    # invariant 2: a position's sellable units are those of its buckets
    """
    SELECT format('position %s at %s says %s sellable, its bins hold %s', k.sku_id, k.node_id,
                  COALESCE(p.sellable, 0), COALESCE(b.units, 0))
    FROM (SELECT sku_id, node_id, owner_id FROM stock_position
          UNION SELECT sku_id, node_id, owner_id FROM stock_bucket) AS k
    LEFT JOIN stock_position AS p USING (sku_id, node_id, owner_id)
    LEFT JOIN (SELECT sku_id, node_id, owner_id, sum(quantity) AS units FROM stock_bucket WHERE status = 'sellable'
               GROUP BY 1, 2, 3) AS b USING (sku_id, node_id, owner_id)
    WHERE COALESCE(p.sellable, 0) <> COALESCE(b.units, 0)
    """,
    # invariant 3: what a position calls allocated and reserved are its live promises
    """
    SELECT format('position %s at %s says %s allocated and %s reserved, its promises are %s and %s', p.sku_id,
                  p.node_id, p.allocated, p.reserved, COALESCE(a.units, 0), COALESCE(r.units, 0))
    FROM stock_position AS p
    LEFT JOIN (SELECT sku_id, node_id, owner_id, sum(quantity) AS units FROM stock_allocation GROUP BY 1, 2, 3) AS a
      USING (sku_id, node_id, owner_id)
    LEFT JOIN (SELECT sku_id, node_id, owner_id, sum(quantity) AS units FROM stock_reservation GROUP BY 1, 2, 3) AS r
      USING (sku_id, node_id, owner_id)
    WHERE p.allocated <> COALESCE(a.units, 0) OR p.reserved <> COALESCE(r.units, 0)
    """,
    # invariant 4: units committed in bins are those released to the floor
    """
    SELECT format('SKU %s at %s: %s units committed in bins, %s released', sku_id, node_id, COALESCE(b.units, 0),
                  COALESCE(a.units, 0))
    FROM (SELECT sku_id, node_id, sum(committed) AS units FROM stock_bucket GROUP BY 1, 2) AS b
    FULL JOIN (SELECT sku_id, node_id, sum(released) AS units FROM stock_allocation GROUP BY 1, 2) AS a
      USING (sku_id, node_id)
    WHERE COALESCE(b.units, 0) <> COALESCE(a.units, 0)
    """,
    # invariant 5: valued units are the units that are there
    """
    SELECT format('SKU %s at %s: %s units valued in %s, %s are there', sku_id, node_id, COALESCE(v.units, 0), pool,
                  COALESCE(b.units, 0))
    FROM (SELECT sku_id, node_id, pool, sum(quantity) AS units FROM ledger_valuation GROUP BY 1, 2, 3) AS v
    FULL JOIN (SELECT sku_id, node_id, CASE status WHEN 'in_transit' THEN 'transit' ELSE 'stock' END AS pool,
                      sum(quantity) AS units FROM stock_bucket GROUP BY 1, 2, 3) AS b USING (sku_id, node_id, pool)
    WHERE COALESCE(v.units, 0) <> COALESCE(b.units, 0)
    """,
    # invariant 6: ring-fenced units of a position are what its fences have left
    """
    SELECT format('position %s at %s says %s ring-fenced, its fences have %s left', p.sku_id, p.node_id, p.fenced,
                  COALESCE(f.units, 0))
    FROM stock_position AS p
    LEFT JOIN (SELECT sku_id, node_id, owner_id, sum(quantity - used) AS units FROM stock_ringfence GROUP BY 1, 2, 3)
      AS f USING (sku_id, node_id, owner_id)
    WHERE p.fenced <> COALESCE(f.units, 0)
    """,
    # invariant 7: what is on a transfer is in transit
    """
    SELECT format('node %s: %s units of SKU %s in transit, its transfers say %s', node_id, COALESCE(b.units, 0),
                  sku_id, COALESCE(t.units, 0))
    FROM (SELECT node_id, sku_id, sum(quantity) AS units FROM stock_bucket WHERE status = 'in_transit'
          GROUP BY 1, 2) AS b
    FULL JOIN (SELECT t.to_node_id AS node_id, l.sku_id, sum(l.quantity - l.received - l.lost) AS units
               FROM stock_transfer AS t JOIN stock_transferline AS l ON l.transfer_id = t.id GROUP BY 1, 2) AS t
      USING (node_id, sku_id)
    WHERE COALESCE(b.units, 0) <> COALESCE(t.units, 0)
    """,
    # invariant 12: of a bucket no more stands on plates than is there, and a plate stands in one bin of its company
    """
    SELECT format('bucket %s says %s of its %s units on plates, they hold %s', b.id, b.plated, b.quantity,
                  COALESCE(u.units, 0))
    FROM (SELECT id, plated, quantity FROM stock_bucket WHERE plated <> 0
          UNION SELECT b.id, b.plated, b.quantity FROM stock_plateunits AS u
          JOIN stock_bucket AS b ON b.id = u.bucket_id) AS b
    LEFT JOIN (SELECT bucket_id, sum(units) AS units FROM stock_plateunits GROUP BY 1) AS u ON u.bucket_id = b.id
    WHERE b.plated <> COALESCE(u.units, 0) OR COALESCE(u.units, 0) > b.quantity
    UNION ALL
    SELECT format('plate %s stands in %s places with the cartons on it, or with goods of another company',
                  min(p.number), count(DISTINCT (b.node_id, b.bin_id)))
    FROM stock_plateunits AS u JOIN stock_plate AS p ON p.id = u.plate_id
    LEFT JOIN stock_bucket AS b ON b.id = u.bucket_id
    GROUP BY COALESCE(p.on_plate_id, p.id)
    HAVING count(DISTINCT (b.node_id, b.bin_id)) <> 1 OR bool_or(b.id IS NULL OR b.company_id <> p.company_id)
    """,
    # invariant 14: what stands on a pallet is a pallet for nobody else
    """
    SELECT format('plate %s stands on a plate that stands on another, or is not there', c.number)
    FROM stock_plate AS c LEFT JOIN stock_plate AS p ON p.id = c.on_plate_id
    WHERE c.on_plate_id IS NOT NULL AND (p.id IS NULL OR p.on_plate_id IS NOT NULL)
    """,
    # invariant 13: on a plate on its way stands what the lines of its transfer that name it have still to come
    """
    SELECT format('plate %s has %s units on its way of SKU %s, its transfers say %s', COALESCE(p.plate_id, t.plate_id),
                  COALESCE(p.units, 0), COALESCE(p.sku_id, t.sku_id), COALESCE(t.units, 0))
    FROM (SELECT u.plate_id, b.node_id, b.sku_id, b.lot, b.serial, sum(u.units) AS units
          FROM stock_plateunits AS u JOIN stock_bucket AS b ON b.id = u.bucket_id
          WHERE b.status = 'in_transit' GROUP BY 1, 2, 3, 4, 5) AS p
    FULL JOIN (SELECT l.plate_id, t.to_node_id AS node_id, l.sku_id, l.lot, l.serial,
                      sum(l.quantity - l.received - l.lost) AS units
               FROM stock_transferline AS l JOIN stock_transfer AS t ON t.id = l.transfer_id
               WHERE l.plate_id IS NOT NULL AND l.quantity > l.received + l.lost GROUP BY 1, 2, 3, 4, 5) AS t
      USING (plate_id, node_id, sku_id, lot, serial)
    WHERE COALESCE(p.units, 0) <> COALESCE(t.units, 0)
    """,
    # invariant 10: what a transfer has on its way is expected where it goes, and nothing else of it is
    """
    SELECT format('transfer line %s: %s units expected, %s are on their way', COALESCE(s.line_id, l.id),
                  COALESCE(s.quantity, 0), COALESCE(l.units, 0))
    FROM (SELECT l.id, t.to_node_id, l.sku_id, l.quantity - l.received - l.lost AS units
          FROM stock_transferline AS l JOIN stock_transfer AS t ON t.id = l.transfer_id
          WHERE l.quantity > l.received + l.lost) AS l
    FULL JOIN (SELECT * FROM stock_supply WHERE document_kind = 'transfer') AS s ON s.line_id = l.id
    WHERE (s.quantity, s.node_id, s.sku_id) IS DISTINCT FROM (l.units, l.to_node_id, l.sku_id)
    """,
)
