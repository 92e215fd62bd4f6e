"""What is asked about drop-ship orders."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.purchasing.drop_ship import CALLED_OFF
from entrepot.purchasing.states import COMING


@dataclass(frozen=True, slots=True)
class DropShipRow:
    """A drop-ship order as people see it. `left` are units that the supplier still has to send."""

    id: UUID
    number: str
    company: int
    supplier: UUID
    supplier_code: str
    supplier_name: str
    order: UUID
    order_number: str
    state: str
    reference: str
    currency: str
    ordered_by: str
    ordered_at: datetime
    due_on: date
    quantity: int
    shipped: int
    left: int
    address: UUID | None
    sending: str
    """What became of the last that the supplier was to be told; '' where he never was."""


@dataclass(frozen=True, slots=True)
class DropShipLineRow:
    number: int
    line: UUID
    sku: UUID
    sku_code: str
    quantity: int
    shipped: int
    refused: int
    called_off: int
    unit_cost: Decimal

    @property
    def left(self) -> int:
        """Units that the supplier still has to send."""
        return self.quantity - self.shipped - self.refused - self.called_off


@dataclass(frozen=True, slots=True)
class SendingRow:
    """What a supplier was to be told of a drop-ship order, and what became of it. `address` is the supplier's."""

    id: UUID
    drop_ship: UUID
    purpose: str
    way: str
    address: str
    language: str
    note: str
    number: str
    state: str
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Unrouted:
    """A sending of which nobody knows yet how it goes, with the code of its supplier."""

    id: UUID
    company: int
    purpose: str
    supplier: str


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A line as a supplier is to read it."""

    number: int
    code: str
    barcode: str
    name: str
    units: int
    unit_cost: Decimal


@dataclass(frozen=True, slots=True)
class Paper:
    """A drop-ship order as a supplier is to read it; `address` is the key of the customer's in the vault."""

    id: UUID
    number: str
    company: int
    company_name: str
    company_country: str
    supplier_code: str
    supplier_name: str
    order: UUID
    order_number: str
    address: UUID | None
    service: str
    currency: str
    state: str
    ordered_at: datetime
    due_on: date
    lines: tuple[PaperLine, ...]


def sending(which: UUID) -> SendingRow | None:
    """One sending. 1 statement."""
    rows = sql.run(f"{_SENDINGS} WHERE id = %(id)s::uuid", {"id": which})
    return SendingRow(*rows[0]) if rows else None


def sendings_of(drop_ships: Collection[UUID]) -> dict[UUID, list[SendingRow]]:
    """What suppliers were told of drop-ship orders, the newest first, by order. 1 statement."""
    found: dict[UUID, list[SendingRow]] = {one: [] for one in drop_ships}
    statement = f"{_SENDINGS} WHERE drop_ship_id = ANY(%(ids)s::uuid[]) ORDER BY id DESC"
    for row in sql.run(statement, {"ids": list(found)}) if found else ():
        found[row[1]].append(SendingRow(*row))
    return found


def unrouted(sendings: Collection[UUID]) -> dict[UUID, Unrouted]:
    """Those of some sendings whose way is to be found yet. 1 statement."""
    return {row[0]: Unrouted(*row) for row in sql.run(_UNROUTED, {"ids": list(sendings)})}


def has_gone(one: SendingRow) -> bool:
    """Whether the supplier was asked before a sending, by the same way. 1 statement."""
    params = {"drop_ship": one.drop_ship, "way": one.way, "id": one.id}
    return bool(sql.run(_HAS_GONE, params))


def paper(which: UUID, purpose: str) -> Paper:
    """A drop-ship order for its paper: with the units that are asked for, or that are called off. 2 statements."""
    (row,) = sql.run(_PAPER, {"id": which})
    lines = sql.run(_PAPER_LINES, {"id": which, "is_off": purpose == CALLED_OFF})
    return Paper(*(*row, tuple(PaperLine(*line) for line in lines)))


def drop_ships(
    company: int, *, state: str = "", supplier: str = "", after: UUID | None = None, limit: int = 50
) -> list[DropShipRow]:
    """Drop-ship orders, the newest first, behind the order `after`; `state` '' for all, `coming` for those of which
    something is still to come, `supplier` by his code. 1 statement."""
    params = {
        "company": company, "states": list(COMING) if state == "coming" else [state] if state else None,
        "supplier": supplier, "after": after, "limit": limit,
    }  # fmt: skip
    return [DropShipRow(*row) for row in sql.run(_SHOWN + _PAGE, params)]


def drop_ship(which: UUID) -> DropShipRow | None:
    """One drop-ship order. 1 statement."""
    rows = sql.run(_SHOWN + "WHERE d.id = %(id)s::uuid", {"id": which})
    return DropShipRow(*rows[0]) if rows else None


def of_order(order: UUID) -> list[DropShipRow]:
    """The drop-ship orders of a sales order, the oldest first. 1 statement."""
    statement = _SHOWN + "WHERE d.order_id = %(order)s::uuid ORDER BY d.id"
    return [DropShipRow(*row) for row in sql.run(statement, {"order": order})]


def lines_of(drop_ships: Collection[UUID]) -> dict[UUID, list[DropShipLineRow]]:
    """The lines of drop-ship orders, in order, by order. 1 statement."""
    found: dict[UUID, list[DropShipLineRow]] = {one: [] for one in drop_ships}
    for drop_ship, *line in sql.run(_LINES_OF, {"ids": list(found)}) if found else ():
        found[drop_ship].append(DropShipLineRow(*line))
    return found


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    names = ("drop-ship orders", "drop-ship order lines")
    return dict(zip(names, sql.run(_CHECKED)[0], strict=True))


def discrepancies() -> list[str]:
    """Units with suppliers, told by order lines and by what was asked of suppliers, and the states of these orders,
    where two of them differ. 2 statements."""
    wrong = [sentence for (sentence,) in sql.run(_WRONG_UNITS)]
    return wrong + [sentence for (sentence,) in sql.run(_WRONG_STATES)]


_SHOWN = """
SELECT d.id, d.number, d.company_id::int, d.supplier_id, s.code, s.name, d.order_id, o.number, d.state, d.reference,
       d.currency, d.ordered_by, d.ordered_at, d.due_on, l.quantity, l.shipped, l.left_over, d.address_id,
       COALESCE((SELECT t.state FROM purchasing_dropshipsending AS t WHERE t.drop_ship_id = d.id
                 ORDER BY t.id DESC LIMIT 1), '')
FROM purchasing_dropship AS d
JOIN parties_supplier AS s ON s.id = d.supplier_id
JOIN orders_order AS o ON o.id = d.order_id
CROSS JOIN LATERAL (
    SELECT sum(quantity)::int AS quantity, sum(shipped)::int AS shipped,
           sum(quantity - shipped - refused - called_off)::int AS left_over
    FROM purchasing_dropshipline WHERE drop_ship_id = d.id) AS l
"""

_PAGE = """
WHERE d.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR d.id < %(after)s::uuid)
  AND (%(states)s::text[] IS NULL OR d.state = ANY(%(states)s::text[])) AND %(supplier)s::text IN ('', s.code)
ORDER BY d.id DESC LIMIT %(limit)s::int
"""

_LINES_OF = """
SELECT l.drop_ship_id, l.number, l.line_id, l.sku_id, k.code, l.quantity, l.shipped, l.refused, l.called_off,
       l.unit_cost
FROM purchasing_dropshipline AS l JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE l.drop_ship_id = ANY(%(ids)s::uuid[]) ORDER BY l.drop_ship_id, l.number
"""

_SENDINGS = """
SELECT id, drop_ship_id, purpose, way, address, language, note, number, state, asked_by, asked_at, done_at, error
FROM purchasing_dropshipsending
"""

_UNROUTED = """
SELECT d.id, d.company_id::int, d.purpose, s.code
FROM purchasing_dropshipsending AS d JOIN purchasing_dropship AS p ON p.id = d.drop_ship_id
JOIN parties_supplier AS s ON s.id = p.supplier_id
WHERE d.id = ANY(%(ids)s::uuid[]) AND d.state = 'waiting' AND d.way = '' ORDER BY d.id
"""

_HAS_GONE = """
SELECT 1 FROM purchasing_dropshipsending
WHERE drop_ship_id = %(drop_ship)s::uuid AND way = %(way)s::text AND id < %(id)s::uuid AND purpose = 'asked'
  AND state = 'sent' LIMIT 1
"""

_PAPER = """
SELECT d.id, d.number, d.company_id::int, c.name, c.country, s.code, s.name, d.order_id, o.number, d.address_id,
       o.service, d.currency, d.state, d.ordered_at, d.due_on
FROM purchasing_dropship AS d JOIN parties_supplier AS s ON s.id = d.supplier_id
JOIN orders_order AS o ON o.id = d.order_id JOIN parties_company AS c ON c.id = d.company_id
WHERE d.id = %(id)s::uuid
"""

_PAPER_LINES = """
SELECT l.number, k.code, k.barcode, k.name, u.units, l.unit_cost
FROM purchasing_dropshipline AS l JOIN catalog_sku AS k ON k.id = l.sku_id
CROSS JOIN LATERAL (SELECT CASE WHEN %(is_off)s::bool THEN l.called_off
                                ELSE l.quantity - l.refused - l.called_off END AS units) AS u
WHERE l.drop_ship_id = %(id)s::uuid AND u.units > 0 ORDER BY l.number
"""

_CHECKED = "SELECT (SELECT count(*) FROM purchasing_dropship), (SELECT count(*) FROM purchasing_dropshipline)"

# invariant 9: what stands with suppliers is what they were asked for, or wait to be, and have not sent or refused
_WRONG_UNITS = """
SELECT format('order line %s: %s units stand with suppliers, who have to send %s', line_id, sum(stands), sum(due))
FROM (SELECT id AS line_id, with_supplier AS stands, 0 AS due FROM orders_line WHERE with_supplier > 0
      UNION ALL SELECT line_id, 0, quantity FROM sourcing_dropship WHERE taken_at IS NULL
      UNION ALL SELECT line_id, 0, quantity - shipped - refused - called_off FROM purchasing_dropshipline
      WHERE quantity > shipped + refused + called_off) AS stacked
GROUP BY line_id HAVING sum(stands) <> sum(due) LIMIT 100
"""

# invariant 10: the state of a drop-ship order is what its lines say
_WRONG_STATES = """
SELECT format('drop-ship order %s is %s, of %s units %s are sent, %s refused and %s called off', d.number, d.state,
              l.quantity, l.shipped, l.refused, l.called_off)
FROM purchasing_dropship AS d
JOIN (SELECT drop_ship_id, sum(quantity) AS quantity, sum(shipped) AS shipped, sum(refused) AS refused,
             sum(called_off) AS called_off FROM purchasing_dropshipline GROUP BY 1) AS l ON l.drop_ship_id = d.id
WHERE CASE WHEN l.quantity > l.shipped + l.refused + l.called_off
           THEN (d.state NOT IN ('asked', 'confirmed', 'part_shipped')) OR (l.shipped > 0) <> (d.state = 'part_shipped')
           WHEN l.shipped > 0 THEN d.state <> 'shipped'
           ELSE d.state NOT IN ('refused', 'called_off') OR (d.state = 'called_off') <> (l.called_off > 0) END
ORDER BY 1 LIMIT 100
"""
