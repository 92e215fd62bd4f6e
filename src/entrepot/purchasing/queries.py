"""What is asked about purchase orders and receipts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.money import EXPONENTS
from entrepot.purchasing import drop_ship_queries


@dataclass(frozen=True, slots=True)
class Order:
    id: UUID
    number: str
    company: int
    supplier: UUID
    supplier_name: str
    node: UUID
    node_code: str
    external_ref: str
    currency: str
    state: str
    ordered_by: str
    ordered_at: datetime
    quantity: int
    received: int


@dataclass(frozen=True, slots=True)
class Line:
    id: UUID
    number: int
    sku: UUID
    sku_code: str
    quantity: int
    received: int
    unit_cost: Decimal
    over: int
    short: int
    expected_on: date | None

    @property
    def to_come(self) -> int:
        return max(0, self.quantity - self.received - self.short)


@dataclass(frozen=True, slots=True)
class Receipt:
    id: UUID
    number: str
    received_by: str
    received_at: datetime
    quantity: int
    value_minor: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """Units of a receipt as they came."""

    receipt: str
    received_at: datetime
    line: int
    sku: UUID
    sku_code: str
    quantity: int
    status: str
    lot: str
    expires_on: date | None
    serials: list[str]
    note: str


@dataclass(frozen=True, slots=True)
class Check:
    """Units that are held, and how many of them are to be looked at."""

    id: UUID
    number: str
    order: UUID
    order_number: str
    receipt: str
    supplier_name: str
    sku: UUID
    sku_code: str
    sku_name: str
    node_code: str
    bin_code: str
    lot: str
    quantity: int
    sample: int
    defects_max: int
    why: str
    state: str
    defects: int
    passed: int
    note: str
    opened_at: datetime
    decided_by: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    id: UUID
    number: str
    order: UUID
    order_number: str
    receipt: str
    supplier_name: str
    sku: UUID
    sku_code: str
    quantity: int
    value_minor: int
    currency: str
    reason: str
    note: str
    state: str
    opened_by: str
    opened_at: datetime
    closed_by: str
    closed_at: datetime | None
    outcome: str


def orders(company: int, *, state: str = "", after: UUID | None = None, limit: int = 50) -> list[Order]:
    """Orders, the newest first; '' for every state, `after` continues behind an order. 1 statement."""
    params = {"company": company, "state": state, "after": after, "limit": limit}
    return [Order(*row) for row in sql.run(_ORDERS, params)]


def order(which: UUID) -> Order | None:
    """One order. 1 statement."""
    found = sql.run(_ORDER, {"which": which})
    return Order(*found[0]) if found else None


def by_external_ref(company: int, refs: Sequence[str]) -> dict[str, tuple[UUID, str]]:
    """Id and state of the orders that go by these references elsewhere. 1 statement."""
    rows = sql.run(_BY_REF, {"company": company, "refs": list(refs)})
    return {ref: (order, state) for ref, order, state in rows}


def lines(order: UUID) -> list[Line]:
    """The lines of an order, in order. 1 statement."""
    return lines_of([order])[order]


def lines_of(orders: Collection[UUID]) -> dict[UUID, list[Line]]:
    """The lines of orders, in order, by order. 1 statement."""
    found: dict[UUID, list[Line]] = {order: [] for order in orders}
    for order, *line in sql.run(_LINES_OF, {"orders": list(found)}):
        found[order].append(Line(*line))
    return found


def receipts(order: UUID) -> list[Receipt]:
    """The receipts of an order, the oldest first. 1 statement."""
    return [Receipt(*row) for row in sql.run(_RECEIPTS, {"order": order})]


def arrivals(order: UUID) -> list[Arrived]:
    """What came for an order, the latest first. 1 statement."""
    return [Arrived(*row) for row in sql.run(_ARRIVALS, {"order": order})]


def checks(
    company: int,
    *,
    state: str = "waiting",
    order: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Check]:
    """Quality checks in a state ('': any), or of an order, the oldest first; `after` continues behind one. 1
    statement."""
    params = {"company": company, "state": state, "order": order, "after": after, "limit": limit}
    return [Check(*row) for row in sql.run(_CHECKS_OF, params)]


def claims(
    company: int,
    *,
    state: str = "open",
    order: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Claim]:
    """Claims to suppliers in a state ('': any), or of an order, the oldest first; `after` continues behind one. 1
    statement."""
    params = {"company": company, "state": state, "order": order, "after": after, "limit": limit}
    return [Claim(*row) for row in sql.run(_CLAIMS_OF, params)]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    names = (
        "purchase orders", "purchase order lines", "receipts", "receipt lines", "serial numbers", "quality checks",
    )  # fmt: skip
    return dict(zip(names, sql.run(_CHECKED)[0], strict=True)) | drop_ship_queries.checked()


def discrepancies() -> list[str]:
    """What came, told by receipts, lines, orders, moves and journal, where two of them differ, and what is wrong with
    drop-ship orders.

    13 statements."""
    found = [sentence.format(*row) for sentence, statement in _CHECKS for row in sql.run(statement)]
    return found + drop_ship_queries.discrepancies()


_FIELDS = """
SELECT purchasing_order.id, number, purchasing_order.company_id::int, supplier_id, supplier.name, node_id, node.code,
       external_ref, purchasing_order.currency, state, ordered_by, ordered_at, line.quantity, line.received
FROM purchasing_order
JOIN parties_supplier AS supplier ON supplier.id = supplier_id
JOIN network_node AS node ON node.id = node_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity), 0)::bigint AS quantity, coalesce(sum(received), 0)::bigint AS received
    FROM purchasing_orderline WHERE order_id = purchasing_order.id) AS line
"""

_ORDERS = f"""{_FIELDS}
WHERE purchasing_order.company_id = %(company)s::smallint AND %(state)s::text IN ('', state)
  AND (%(after)s::uuid IS NULL OR (ordered_at, purchasing_order.id) <
       (SELECT last.ordered_at, last.id FROM purchasing_order AS last WHERE last.id = %(after)s::uuid))
ORDER BY ordered_at DESC, purchasing_order.id DESC LIMIT %(limit)s::int
"""

_ORDER = f"{_FIELDS} WHERE purchasing_order.id = %(which)s::uuid"

_BY_REF = """
SELECT external_ref, id, state FROM purchasing_order
WHERE company_id = %(company)s::smallint AND external_ref = ANY(%(refs)s::text[])
"""

_LINES_OF = """
SELECT order_id, line.id, line.number, line.sku_id, sku.code, line.quantity, received, unit_cost, over, short,
       supply.expected_on
FROM purchasing_orderline AS line JOIN catalog_sku AS sku ON sku.id = line.sku_id
LEFT JOIN stock_supply AS supply ON supply.line_id = line.id
WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY line.number
"""

_RECEIPTS = """
SELECT receipt.id, number, received_by, received_at, sum(line.quantity)::bigint, sum(line.value_minor)::bigint
FROM purchasing_receipt AS receipt JOIN purchasing_receiptline AS line ON line.receipt_id = receipt.id
WHERE receipt.order_id = %(order)s::uuid GROUP BY receipt.id ORDER BY received_at, receipt.id
"""

_ARRIVALS = """
SELECT receipt.number, received_at, bought.number, line.sku_id, sku.code, line.quantity, line.status, line.lot,
       line.expires_on,
       ARRAY(SELECT serial FROM purchasing_serial WHERE receipt_id = receipt.id AND line_id = line.id ORDER BY serial),
       line.note
FROM purchasing_receipt AS receipt JOIN purchasing_receiptline AS line ON line.receipt_id = receipt.id
JOIN purchasing_orderline AS bought ON bought.id = line.line_id JOIN catalog_sku AS sku ON sku.id = line.sku_id
WHERE receipt.order_id = %(order)s::uuid ORDER BY received_at DESC, receipt.id DESC, bought.number, line.id
"""

_CHECKS_OF = """
SELECT c.id, c.number, c.order_id, bought.number, receipt.number, supplier.name, c.sku_id, sku.code, sku.name,
       node.code, bin.code, c.lot, c.quantity, c.sample, c.defects_max, c.why, c.state, c.defects, c.passed, c.note,
       c.opened_at, c.decided_by, c.decided_at
FROM purchasing_check AS c JOIN purchasing_order AS bought ON bought.id = c.order_id
JOIN purchasing_receipt AS receipt ON receipt.id = c.receipt_id
JOIN parties_supplier AS supplier ON supplier.id = bought.supplier_id
JOIN catalog_sku AS sku ON sku.id = c.sku_id
JOIN network_node AS node ON node.id = c.node_id JOIN network_bin AS bin ON bin.id = c.bin_id
WHERE c.company_id = %(company)s::smallint AND %(state)s::text IN ('', c.state)
  AND (%(order)s::uuid IS NULL OR c.order_id = %(order)s::uuid)
  AND (%(after)s::uuid IS NULL OR (c.opened_at, c.id) >
       (SELECT last.opened_at, last.id FROM purchasing_check AS last WHERE last.id = %(after)s::uuid))
ORDER BY c.opened_at, c.id LIMIT %(limit)s::int
"""

_CLAIMS_OF = """
SELECT c.id, c.number, c.order_id, bought.number, receipt.number, supplier.name, c.sku_id, sku.code, c.quantity,
       c.value_minor, bought.currency, c.reason, c.note, c.state, c.opened_by, c.opened_at, c.closed_by, c.closed_at,
       c.outcome
FROM purchasing_claim AS c JOIN purchasing_order AS bought ON bought.id = c.order_id
JOIN purchasing_receipt AS receipt ON receipt.id = c.receipt_id
JOIN parties_supplier AS supplier ON supplier.id = c.supplier_id JOIN catalog_sku AS sku ON sku.id = c.sku_id
WHERE c.company_id = %(company)s::smallint AND %(state)s::text IN ('', c.state)
  AND (%(order)s::uuid IS NULL OR c.order_id = %(order)s::uuid)
  AND (%(after)s::uuid IS NULL OR (c.opened_at, c.id) >
       (SELECT last.opened_at, last.id FROM purchasing_claim AS last WHERE last.id = %(after)s::uuid))
ORDER BY c.opened_at, c.id LIMIT %(limit)s::int
"""

_CHECKED = """
SELECT (SELECT count(*) FROM purchasing_order), (SELECT count(*) FROM purchasing_orderline),
       (SELECT count(*) FROM purchasing_receipt), (SELECT count(*) FROM purchasing_receiptline),
       (SELECT count(*) FROM purchasing_serial), (SELECT count(*) FROM purchasing_check)
"""

# Minor units of one unit of the order's currency.
SCALE = f"""CASE currency {
    " ".join(f"WHEN '{currency}' THEN {10**digits}" for currency, digits in EXPONENTS.items())
} ELSE 100 END"""

# Two tellings of one thing are stacked and summed rather than joined: a join of sums is slow where the tables were
# filled just now and nothing is known yet of what is in them.
_CHECKS = (
    (
        "Line {1} of purchase order {0} counts {2} received, its receipts say {3}.",
        """
        SELECT purchasing_order.number, line.number, told, came
        FROM (SELECT line_id, sum(told)::bigint AS told, sum(came)::bigint AS came
              FROM (SELECT id AS line_id, received AS told, 0 AS came FROM purchasing_orderline
                    UNION ALL SELECT line_id, 0, quantity FROM purchasing_receiptline) AS stacked
              GROUP BY line_id HAVING sum(told) <> sum(came) LIMIT 100) AS off
        LEFT JOIN purchasing_orderline AS line ON line.id = off.line_id
        LEFT JOIN purchasing_order ON purchasing_order.id = line.order_id
        ORDER BY 1, 2
        """,
    ),
    (
        "Purchase order {0} is {1}, though {2} of {3} units came.",
        """
        SELECT purchasing_order.number, state, sum(line.received)::bigint, sum(line.quantity - line.short)::bigint
        FROM purchasing_order JOIN purchasing_orderline AS line ON line.order_id = purchasing_order.id
        GROUP BY purchasing_order.id
        HAVING state <> 'cancelled' AND state <> CASE
            WHEN bool_and(line.received + line.short >= line.quantity) THEN 'received'
            WHEN sum(line.received) = 0 THEN 'open' ELSE 'part_received' END
        ORDER BY 1 LIMIT 100
        """,
    ),
    (
        "Receipt {0} has {1} units worth {2}, the moves of stock for it {3} worth {4}.",
        """
        SELECT coalesce(receipt.number, off.receipt_id::text), units, value_minor, moved, moved_minor
        FROM (SELECT receipt_id, sum(units)::bigint AS units, sum(value_minor)::bigint AS value_minor,
                     sum(moved)::bigint AS moved, sum(moved_minor)::bigint AS moved_minor
              FROM (SELECT receipt_id, quantity AS units, value_minor, 0 AS moved, 0 AS moved_minor
                    FROM purchasing_receiptline
                    UNION ALL SELECT document_id, 0, 0, quantity, value_minor FROM stock_move
                    WHERE document_kind = 'purchase_receipt') AS stacked
              GROUP BY receipt_id
              HAVING sum(units) <> sum(moved) OR sum(value_minor) <> sum(moved_minor) LIMIT 100) AS off
        LEFT JOIN purchasing_receipt AS receipt ON receipt.id = off.receipt_id
        ORDER BY 1
        """,
    ),
    (
        "The receipts of line {1} of purchase order {0} are worth {2}, {3} units at {4} are worth {5}.",
        f"""
        SELECT purchasing_order.number, line.number, came, line.received, line.unit_cost, due
        FROM (SELECT line_id, sum(due)::bigint AS due, sum(came)::bigint AS came
              FROM (SELECT line.id AS line_id, round(line.received * line.unit_cost * {SCALE}) AS due, 0 AS came
                    FROM purchasing_orderline AS line
                    JOIN purchasing_order ON purchasing_order.id = line.order_id
                    UNION ALL SELECT line_id, 0, value_minor FROM purchasing_receiptline) AS stacked
              GROUP BY line_id HAVING sum(due) <> sum(came) LIMIT 100) AS off
        LEFT JOIN purchasing_orderline AS line ON line.id = off.line_id
        LEFT JOIN purchasing_order ON purchasing_order.id = line.order_id
        ORDER BY 1, 2
        """,
    ),
    (
        "Receipt {0} is worth {1}, account 2050 (goods received not invoiced) was credited {2} for it.",
        """
        SELECT coalesce(receipt.number, off.receipt_id::text), value_minor, owed_minor
        FROM (SELECT receipt_id, sum(value_minor)::bigint AS value_minor, sum(owed_minor)::bigint AS owed_minor
              FROM (SELECT receipt_id, value_minor, 0 AS owed_minor FROM purchasing_receiptline
                    UNION ALL SELECT document_id, 0, -functional_minor FROM ledger_line
                    WHERE account = 2050 AND document_kind = 'purchase_receipt') AS stacked
              GROUP BY receipt_id HAVING sum(value_minor) <> sum(owed_minor) LIMIT 100) AS off
        LEFT JOIN purchasing_receipt AS receipt ON receipt.id = off.receipt_id
        ORDER BY 1
        """,
    ),
    (
        "Line {1} of purchase order {0} counts {2} units beyond what was ordered, it has {3}.",
        """
        SELECT purchasing_order.number, line.number, over, GREATEST(0, received - quantity)
        FROM purchasing_orderline AS line JOIN purchasing_order ON purchasing_order.id = line.order_id
        WHERE over <> GREATEST(0, received - quantity) ORDER BY 1, 2 LIMIT 100
        """,
    ),
    (
        "Receipt {0} names {1} serial numbers for {2} units of a line.",
        """
        SELECT receipt.number, came.serials, line.quantity
        FROM (SELECT line_id, count(*) AS serials FROM purchasing_serial GROUP BY 1) AS came
        LEFT JOIN purchasing_receiptline AS line ON line.id = came.line_id
        LEFT JOIN purchasing_receipt AS receipt ON receipt.id = line.receipt_id
        WHERE line.quantity IS DISTINCT FROM came.serials ORDER BY 1 LIMIT 100
        """,
    ),
    (
        "Quality check {0} is about {1} units, {2} came so.",
        """
        SELECT c.number, c.quantity, line.quantity
        FROM purchasing_check AS c LEFT JOIN purchasing_receiptline AS line ON line.id = c.line_id
        WHERE (c.quantity, 'pending_inspection') IS DISTINCT FROM (line.quantity, line.status) ORDER BY 1 LIMIT 100
        """,
    ),
    (
        "{0} both ordered and received purchase order {1}.",
        """
        SELECT DISTINCT ordered_by, purchasing_order.number
        FROM purchasing_order JOIN purchasing_receipt AS receipt ON receipt.order_id = purchasing_order.id
        WHERE ordered_by = received_by ORDER BY 2 LIMIT 100
        """,
    ),
)
