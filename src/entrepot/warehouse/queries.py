"""What is asked of the warehouse: fulfillments, pick lists, packages, and whether they agree with orders and stock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class FulfillmentRow:
    """A fulfillment as people see it."""

    id: UUID
    number: str
    order: UUID
    order_number: str
    node: UUID
    node_code: str
    state: str
    service: str
    due_at: datetime | None
    released_at: datetime
    picker: str
    units: int
    picked: int
    short: int
    company: int


def of_order(order: UUID) -> list[FulfillmentRow]:
    """The fulfillments of an order, the first released first."""
    return [
        FulfillmentRow(*row)
        for row in sql.run(_FULFILLMENTS.format(which="f.order_id = %(order)s::uuid"), {"order": order})
    ]


def fulfillment(fulfillment_id: UUID) -> FulfillmentRow | None:
    """One fulfillment; None where there is none of that id."""
    rows = sql.run(_FULFILLMENTS.format(which="f.id = %(id)s::uuid"), {"id": fulfillment_id})
    return FulfillmentRow(*rows[0]) if rows else None


def waiting(queue: str, *, company: int, node: UUID | None = None, limit: int = 100) -> list[FulfillmentRow]:
    """Fulfillments that wait in the queue `pick`, `pack` or `ship`, the most urgent first."""
    which = """f.company_id = %(company)s::smallint AND (%(node)s::uuid IS NULL OR f.node_id = %(node)s::uuid)
      AND f.id IN (SELECT subject FROM kernel_ready WHERE queue = %(queue)s::text)"""
    params = {"company": company, "node": node, "queue": queue, "limit": limit}
    return [
        FulfillmentRow(*row)
        for row in sql.run(_FULFILLMENTS.format(which=which) + "LIMIT %(limit)s::int", params)
    ]


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A stop on the way of a picker."""

    id: UUID
    fulfillment: UUID
    sequence: int
    bin_code: str
    sku: UUID
    sku_code: str
    sku_name: str
    barcode: str
    lot: str
    serial: str
    quantity: int
    picked: int
    state: str
    withdrawn: int
    taken_back: int


def tasks(fulfillments: Collection[UUID]) -> list[TaskRow]:
    """The pick tasks of fulfillments, in the order of the way."""
    return [TaskRow(*row) for row in sql.run(_TASKS, {"ids": list(fulfillments)})]


@dataclass(frozen=True, slots=True)
class PackageRow:
    """A package; `proposed` is the carton that was proposed for it, `expected_g` what it should have weighed."""

    id: UUID
    number: str
    fulfillment: UUID
    carton: str
    weight_g: int
    units: int
    packed_at: datetime
    voided_at: datetime | None
    volume_cm3: int
    proposed: str
    expected_g: int | None


def packages(order: UUID) -> list[PackageRow]:
    """The packages of an order, voided ones too, the first packed first."""
    return [PackageRow(*row) for row in sql.run(_PACKAGES, {"order": order})]


@dataclass(frozen=True, slots=True)
class PackageLineRow:
    """Units of a SKU in a package that is closed."""

    package: UUID
    number: str
    carton: str
    sku_code: str
    sku_name: str
    units: int


def package_lines(fulfillment_id: UUID) -> list[PackageLineRow]:
    """What is in the closed packages of a fulfillment, package by package."""
    return [PackageLineRow(*row) for row in sql.run(_PACKAGE_LINES, {"id": fulfillment_id})]


def by_state(company: int) -> dict[str, int]:
    """Fulfillments by state."""
    return dict(sql.run(_BY_STATE, {"company": company}))  # type: ignore[arg-type]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = {
        "fulfillments": "warehouse_fulfillment",
        "pick tasks": "warehouse_picktask",
        "packages": "warehouse_package",
    }
    return {name: sql.run(f"SELECT count(*) FROM {table}")[0][0] for name, table in tables.items()}


def discrepancies() -> list[str]:
    """Sentences about fulfillments that disagree with tasks, packages, orders or moves; [] when all is right."""
    return [sentence for statement in _WRONG for (sentence,) in sql.run(statement)]


_BY_STATE = """
SELECT state, count(*)::int FROM warehouse_fulfillment WHERE company_id = %(company)s::smallint GROUP BY 1 ORDER BY 1
"""

_FULFILLMENTS = """
SELECT f.id, f.number, f.order_id, o.number, f.node_id, n.code, f.state, f.service, f.due_at, f.released_at, f.picker,
       l.units, l.picked, l.short, f.company_id::int
FROM warehouse_fulfillment AS f
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_node AS n ON n.id = f.node_id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(quantity), 0)::int AS units, COALESCE(sum(picked), 0)::int AS picked,
           COALESCE(sum(short), 0)::int AS short
    FROM warehouse_fulfillmentline WHERE fulfillment_id = f.id) AS l
WHERE {which} ORDER BY o.priority DESC, COALESCE(f.due_at, o.placed_at), f.id
"""

_TASKS = """
SELECT t.id, t.fulfillment_id, t.sequence, b.code, t.sku_id, s.code, s.name, s.barcode, t.lot, t.serial, t.quantity,
       t.picked, t.state, t.withdrawn, t.taken_back
FROM warehouse_picktask AS t JOIN network_bin AS b ON b.id = t.bin_id JOIN catalog_sku AS s ON s.id = t.sku_id
WHERE t.fulfillment_id = ANY(%(ids)s::uuid[]) ORDER BY t.fulfillment_id, t.sequence
"""

_PACKAGES = """
SELECT p.id, p.number, p.fulfillment_id, p.carton, p.weight_g,
       (SELECT sum(quantity)::int FROM warehouse_packageline WHERE package_id = p.id), p.packed_at, p.voided_at,
       p.volume_cm3, p.proposed, p.expected_g
FROM warehouse_package AS p JOIN warehouse_fulfillment AS f ON f.id = p.fulfillment_id
WHERE f.order_id = %(order)s::uuid ORDER BY p.packed_at, p.id
"""

_PACKAGE_LINES = """
SELECT p.id, p.number, p.carton, s.code, s.name, sum(l.quantity)::int
FROM warehouse_package AS p
JOIN warehouse_packageline AS l ON l.package_id = p.id
JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE p.fulfillment_id = %(id)s::uuid AND p.voided_at IS NULL
GROUP BY p.id, p.number, p.carton, s.code, s.name ORDER BY p.number, s.code
"""

_WRONG = (
    # invariant 1: the tasks of a line ask for its units, and picked what it says
    """
    SELECT format('fulfillment %s: a line of %s units has tasks for %s; %s picked, its tasks say %s', f.number,
                  l.quantity, COALESCE(t.quantity, 0), l.picked, COALESCE(t.picked, 0))
    FROM warehouse_fulfillmentline AS l JOIN warehouse_fulfillment AS f ON f.id = l.fulfillment_id
    LEFT JOIN (SELECT fulfillmentline_id, sum(quantity) AS quantity, sum(picked) AS picked,
                      sum(quantity - picked) FILTER (WHERE state = 'short') AS short
               FROM warehouse_picktask GROUP BY 1) AS t ON t.fulfillmentline_id = l.id
    WHERE (l.quantity, l.picked, l.short) IS DISTINCT FROM (t.quantity, t.picked, COALESCE(t.short, 0))
    """,
    # invariant 2: a fulfillment's state says what its tasks say
    """
    SELECT format('fulfillment %s is %s with %s open tasks and %s units picked', f.number, f.state, t.open, t.picked)
    FROM warehouse_fulfillment AS f
    JOIN (SELECT fulfillment_id, count(*) FILTER (WHERE state = 'open') AS open, sum(picked) AS picked
          FROM warehouse_picktask GROUP BY 1) AS t ON t.fulfillment_id = f.id
    WHERE (f.state IN ('released', 'picking')) <> (t.open > 0)
       OR (f.state IN ('picked', 'packed', 'shipped') AND t.picked = 0) OR (f.state = 'cancelled' AND t.picked > 0)
    """,
    # invariant 3: what was picked moved to staging, also where it was taken back
    """
    SELECT format('fulfillment %s: %s units picked, its moves brought %s to staging', f.number, COALESCE(t.picked, 0),
                  COALESCE(m.units, 0))
    FROM warehouse_fulfillment AS f
    LEFT JOIN (SELECT fulfillment_id, sum(picked + taken_back) AS picked FROM warehouse_picktask GROUP BY 1) AS t
      ON t.fulfillment_id = f.id
    LEFT JOIN (SELECT document_id, sum(quantity) AS units FROM stock_move
               WHERE document_kind = 'fulfillment' AND reason = 'pick' GROUP BY 1) AS m ON m.document_id = f.id
    WHERE COALESCE(t.picked, 0) <> COALESCE(m.units, 0)
    """,
    # invariant 4: packed is what was picked; of what is not packed no carton is closed
    """
    SELECT format('fulfillment %s: %s units picked, %s packed', f.number, l.picked, COALESCE(p.units, 0))
    FROM warehouse_fulfillment AS f
    JOIN (SELECT fulfillment_id, sum(picked) AS picked FROM warehouse_fulfillmentline GROUP BY 1) AS l
      ON l.fulfillment_id = f.id
    LEFT JOIN (SELECT p.fulfillment_id, sum(pl.quantity) AS units
               FROM warehouse_package AS p JOIN warehouse_packageline AS pl ON pl.package_id = p.id
               WHERE p.voided_at IS NULL GROUP BY 1) AS p
      ON p.fulfillment_id = f.id
    WHERE CASE WHEN f.state IN ('packed', 'shipped') THEN l.picked IS DISTINCT FROM p.units ELSE p.units > 0 END
    """,
    # invariant 5: an order line's units on the floor are those of its fulfillments
    """
    SELECT format('order line %s: %s released, %s picked, %s packed; its fulfillments say %s, %s, %s', k.line_id,
                  COALESCE(o.released, 0), COALESCE(o.picked, 0), COALESCE(o.packed, 0), COALESCE(w.released, 0),
                  COALESCE(w.picked, 0), COALESCE(w.packed, 0))
    FROM (SELECT id AS line_id FROM orders_line WHERE released + picked + packed > 0
          UNION SELECT line_id FROM warehouse_fulfillmentline) AS k
    LEFT JOIN orders_line AS o ON o.id = k.line_id
    LEFT JOIN (
        SELECT l.line_id, sum(l.quantity - l.picked - l.short) AS released,
               sum(l.picked) FILTER (WHERE f.state IN ('released', 'picking', 'picked')) AS picked,
               sum(l.picked) FILTER (WHERE f.state = 'packed') AS packed
        FROM warehouse_fulfillmentline AS l JOIN warehouse_fulfillment AS f ON f.id = l.fulfillment_id GROUP BY 1) AS w
      ON w.line_id = k.line_id
    WHERE (COALESCE(o.released, 0), COALESCE(o.picked, 0), COALESCE(o.packed, 0))
          <> (COALESCE(w.released, 0), COALESCE(w.picked, 0), COALESCE(w.packed, 0))
    """,
)
