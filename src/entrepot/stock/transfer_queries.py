"""What is asked of transfers: those on their way and those that are over, what was sent, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A transfer that has not come whole: units on their way, of so many SKUs; `skus` names the first few."""

    id: UUID
    number: str
    from_code: str
    to_code: str
    shipped_at: datetime
    expected_at: datetime
    units: int
    count: int
    skus: Sequence[str]


@dataclass(frozen=True, slots=True)
class TransferGoods:
    """Goods alike of a transfer; `plate` is the number of the one that they were sent on."""

    sku: UUID
    sku_code: str
    lot: str
    serial: str
    plate_id: UUID | None
    plate: str
    quantity: int
    received: int
    lost: int

    @property
    def to_come(self) -> int:
        return self.quantity - self.received - self.lost


@dataclass(frozen=True, slots=True)
class Transfer:
    """Goods between two nodes, on their way or come."""

    id: UUID
    number: str
    company: int
    from_code: str
    to_node: UUID
    to_code: str
    state: str
    shipped_by: str
    shipped_at: datetime
    expected_at: datetime
    closed_at: datetime | None


def transfers_under_way(
    *, company: int, node: UUID | None = None, after: UUID | None = None, limit: int = 100
) -> list[UnderWay]:
    """Transfers on their way behind one, those that are expected first; those to a node. 1 statement."""
    params = {"company": company, "node": node, "after": after, "limit": limit}
    behind = "" if after is None else _EXPECTED_BEHIND
    return [UnderWay(*row) for row in sql.run(_TRANSFERS_UNDER_WAY.format(behind=behind), params)]


@dataclass(frozen=True, slots=True)
class FinishedTransfer:
    """A transfer of which nothing is on its way any more: units sent, come and lost, of so many SKUs; `skus` names the
    first few."""

    id: UUID
    number: str
    from_code: str
    to_code: str
    shipped_at: datetime
    expected_at: datetime
    closed_at: datetime | None
    sent: int
    received: int
    lost: int
    count: int
    skus: Sequence[str]


def transfers_finished(
    *, company: int, after: UUID | None = None, limit: int = 100, lost: bool = False
) -> list[FinishedTransfer]:
    """Transfers that have come or are lost, those behind one, the last that were sent first; only those of which units
    were `lost`. 1 statement."""
    params = {"company": company, "after": after, "limit": limit}
    statement = _TRANSFERS_FINISHED.format(lost=_SOME_LOST if lost else "")
    return [FinishedTransfer(*row) for row in sql.run(statement, params)]


def transfer(which: UUID) -> Transfer | None:
    """One transfer. 1 statement."""
    return next((Transfer(*row) for row in sql.run(_TRANSFER, {"transfer": which})), None)


def transfer_goods(which: UUID) -> list[TransferGoods]:
    """What was sent with a transfer, and what became of it: the plates first. 1 statement."""
    return [TransferGoods(*row) for row in sql.run(_TRANSFER_GOODS, {"transfer": which})]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Units of a transfer that came, as what (`status`) and into which bin; `lost` ones are in none."""

    occurred_at: datetime
    sku: UUID
    sku_code: str
    lot: str
    serial: str
    units: int
    status: str
    bin_code: str


def transfer_arrivals(which: UUID, limit: int = 500) -> list[Arrival]:
    """What came of a transfer, and what is written off, the latest first. 1 statement."""
    return [Arrival(*row) for row in sql.run(_TRANSFER_ARRIVALS, {"transfer": which, "limit": limit})]


def transfer_of_plate(plate: UUID) -> Transfer | None:
    """The transfer with which a plate, or cartons on it, are on their way. 1 statement."""
    return next((Transfer(*row) for row in sql.run(_TRANSFER_OF_PLATE, {"plate": plate})), None)


_TRANSFERS = """
SELECT t.id, t.number, t.company_id::int, a.code, b.id, b.code, t.state, t.shipped_by, t.shipped_at, t.expected_at,
       t.closed_at
FROM stock_transfer AS t JOIN network_node AS a ON a.id = t.from_node_id JOIN network_node AS b ON b.id = t.to_node_id
"""

_TRANSFER = _TRANSFERS + "WHERE t.id = %(transfer)s::uuid"

_TRANSFER_OF_PLATE = f"""{_TRANSFERS}
WHERE t.id IN (
    SELECT l.transfer_id
    FROM (SELECT %(plate)s::uuid UNION ALL SELECT id FROM stock_plate WHERE on_plate_id = %(plate)s::uuid) AS p(id)
    JOIN stock_transferline AS l ON l.plate_id = p.id AND l.quantity > l.received + l.lost)
"""

_TRANSFER_GOODS = """
SELECT l.sku_id, s.code, l.lot, l.serial, l.plate_id, COALESCE(p.number, ''), sum(l.quantity)::int,
       sum(l.received)::int, sum(l.lost)::int
FROM stock_transferline AS l JOIN catalog_sku AS s ON s.id = l.sku_id LEFT JOIN stock_plate AS p ON p.id = l.plate_id
WHERE l.transfer_id = %(transfer)s::uuid GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY COALESCE(p.number, '') = '', 6, s.code, l.lot, l.serial
"""

_TRANSFER_ARRIVALS = """
SELECT m.occurred_at, m.sku_id, s.code, f.lot, f.serial, m.quantity, COALESCE(t.status, 'lost'), COALESCE(b.code, '')
FROM stock_move AS m JOIN stock_bucket AS f ON f.id = m.from_bucket AND f.status = 'in_transit'
JOIN catalog_sku AS s ON s.id = m.sku_id
LEFT JOIN stock_bucket AS t ON t.id = m.to_bucket LEFT JOIN network_bin AS b ON b.id = t.bin_id
WHERE m.document_id = %(transfer)s::uuid ORDER BY m.id DESC LIMIT %(limit)s::int
"""

_TRANSFERS_UNDER_WAY = """
SELECT t.id, t.number, a.code, b.code, t.shipped_at, t.expected_at, l.units, l.count, l.skus[:3]
FROM stock_transfer AS t JOIN network_node AS a ON a.id = t.from_node_id JOIN network_node AS b ON b.id = t.to_node_id
CROSS JOIN LATERAL (
    SELECT sum(l.quantity - l.received - l.lost)::int AS units, count(DISTINCT l.sku_id)::int AS count,
           array_agg(DISTINCT s.code) AS skus
    FROM stock_transferline AS l JOIN catalog_sku AS s ON s.id = l.sku_id
    WHERE l.transfer_id = t.id AND l.quantity > l.received + l.lost) AS l
WHERE t.company_id = %(company)s::smallint AND t.state = 'in_transit'
  AND (%(node)s::uuid IS NULL OR t.to_node_id = %(node)s::uuid)
{behind}
ORDER BY t.expected_at, t.id LIMIT %(limit)s::int
"""

_EXPECTED_BEHIND = """
  AND (t.expected_at, t.id) > (SELECT expected_at, id FROM stock_transfer WHERE id = %(after)s::uuid)
"""

_TRANSFERS_FINISHED = """
SELECT t.id, t.number, a.code, b.code, t.shipped_at, t.expected_at, t.closed_at, l.sent, l.received, l.lost, l.count,
       l.skus[:3]
FROM stock_transfer AS t JOIN network_node AS a ON a.id = t.from_node_id JOIN network_node AS b ON b.id = t.to_node_id
CROSS JOIN LATERAL (
    SELECT sum(l.quantity)::int AS sent, sum(l.received)::int AS received, sum(l.lost)::int AS lost,
           count(DISTINCT l.sku_id)::int AS count, array_agg(DISTINCT s.code) AS skus
    FROM stock_transferline AS l JOIN catalog_sku AS s ON s.id = l.sku_id WHERE l.transfer_id = t.id) AS l
WHERE t.company_id = %(company)s::smallint AND t.state = 'received'
  AND (%(after)s::uuid IS NULL OR t.id < %(after)s::uuid)
{lost}
ORDER BY t.id DESC LIMIT %(limit)s::int
"""

_SOME_LOST = "  AND EXISTS (SELECT FROM stock_transferline AS x WHERE x.transfer_id = t.id AND x.lost > 0)"
