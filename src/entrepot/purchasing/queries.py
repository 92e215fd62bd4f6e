"""What is asked about purchase orders and receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.money import EXPONENTS


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


@dataclass(frozen=True, slots=True)
class Receipt:
    id: UUID
    number: str
    received_by: str
    received_at: datetime
    quantity: int
    value_minor: int


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
    return [Line(*row) for row in sql.run(_LINES, {"order": order})]


def receipts(order: UUID) -> list[Receipt]:
    """The receipts of an order, the oldest first. 1 statement."""
    return [Receipt(*row) for row in sql.run(_RECEIPTS, {"order": order})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    names = ("purchase orders", "purchase order lines", "receipts", "receipt lines")
    return dict(zip(names, sql.run(_CHECKED)[0], strict=True))


def discrepancies() -> list[str]:
    """What came, told by receipts, lines, orders, moves and journal, where two of them differ. 6 statements."""
    return [sentence.format(*row) for sentence, statement in _CHECKS for row in sql.run(statement)]


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

_LINES = """
SELECT line.id, line.number, sku_id, sku.code, quantity, received, unit_cost
FROM purchasing_orderline AS line JOIN catalog_sku AS sku ON sku.id = sku_id
WHERE order_id = %(order)s::uuid ORDER BY line.number
"""

_RECEIPTS = """
SELECT receipt.id, number, received_by, received_at, sum(line.quantity)::bigint, sum(line.value_minor)::bigint
FROM purchasing_receipt AS receipt JOIN purchasing_receiptline AS line ON line.receipt_id = receipt.id
WHERE receipt.order_id = %(order)s::uuid GROUP BY receipt.id ORDER BY received_at, receipt.id
"""

_CHECKED = """
SELECT (SELECT count(*) FROM purchasing_order), (SELECT count(*) FROM purchasing_orderline),
       (SELECT count(*) FROM purchasing_receipt), (SELECT count(*) FROM purchasing_receiptline)
"""

# Minor units of one unit of the order's currency.
_SCALE = f"""CASE currency {
    " ".join(f"WHEN '{currency}' THEN {10**digits}" for currency, digits in EXPONENTS.items())
} ELSE 100 END"""

_CHECKS = (
    (
        "Line {1} of purchase order {0} counts {2} received, its receipts say {3}.",
        """
        SELECT purchasing_order.number, line.number, received, coalesce(came.quantity, 0)
        FROM purchasing_orderline AS line JOIN purchasing_order ON purchasing_order.id = line.order_id
        LEFT JOIN (SELECT line_id, sum(quantity)::bigint AS quantity FROM purchasing_receiptline GROUP BY line_id)
             AS came ON came.line_id = line.id
        WHERE received <> coalesce(came.quantity, 0) ORDER BY 1, 2 LIMIT 100
        """,
    ),
    (
        "Purchase order {0} is {1}, though {2} of {3} units came.",
        """
        SELECT purchasing_order.number, state, sum(line.received)::bigint, sum(line.quantity)::bigint
        FROM purchasing_order JOIN purchasing_orderline AS line ON line.order_id = purchasing_order.id
        GROUP BY purchasing_order.id
        HAVING state <> 'cancelled' AND state <> CASE
            WHEN sum(line.received) = 0 THEN 'open'
            WHEN sum(line.received) = sum(line.quantity) THEN 'received' ELSE 'part_received' END
        ORDER BY 1 LIMIT 100
        """,
    ),
    (
        "Receipt {0} has {1} units worth {2}, the moves of stock for it {3} worth {4}.",
        """
        SELECT receipt.number, came.quantity, came.value_minor, coalesce(moved.quantity, 0),
               coalesce(moved.value_minor, 0)
        FROM purchasing_receipt AS receipt
        JOIN (SELECT receipt_id, sum(quantity)::bigint AS quantity, sum(value_minor)::bigint AS value_minor
              FROM purchasing_receiptline GROUP BY receipt_id) AS came ON came.receipt_id = receipt.id
        LEFT JOIN (SELECT document_id, sum(quantity)::bigint AS quantity, sum(value_minor)::bigint AS value_minor
                   FROM stock_move WHERE document_kind = 'purchase_receipt' GROUP BY document_id)
             AS moved ON moved.document_id = receipt.id
        WHERE (came.quantity, came.value_minor)
              IS DISTINCT FROM (coalesce(moved.quantity, 0), coalesce(moved.value_minor, 0))
        ORDER BY 1 LIMIT 100
        """,
    ),
    (
        "The receipts of line {1} of purchase order {0} are worth {2}, {3} units at {4} are worth {5}.",
        f"""
        SELECT purchasing_order.number, line.number, came.value_minor, line.received, line.unit_cost,
               round(line.received * line.unit_cost * {_SCALE})::bigint
        FROM purchasing_orderline AS line JOIN purchasing_order ON purchasing_order.id = line.order_id
        JOIN (SELECT line_id, sum(value_minor)::bigint AS value_minor FROM purchasing_receiptline GROUP BY line_id)
             AS came ON came.line_id = line.id
        WHERE came.value_minor <> round(line.received * line.unit_cost * {_SCALE})
        ORDER BY 1, 2 LIMIT 100
        """,
    ),
    (
        "Receipt {0} is worth {1}, account 2050 (goods received not invoiced) was credited {2} for it.",
        """
        SELECT coalesce(receipt.number, owed.document_id::text), coalesce(came.value_minor, 0),
               coalesce(owed.value_minor, 0)
        FROM purchasing_receipt AS receipt
        JOIN (SELECT receipt_id, sum(value_minor)::bigint AS value_minor
              FROM purchasing_receiptline GROUP BY receipt_id) AS came ON came.receipt_id = receipt.id
        FULL JOIN (SELECT document_id, -sum(functional_minor)::bigint AS value_minor FROM ledger_line
                   WHERE account = 2050 AND document_kind = 'purchase_receipt' GROUP BY document_id)
             AS owed ON owed.document_id = receipt.id
        WHERE coalesce(came.value_minor, 0) <> coalesce(owed.value_minor, 0) ORDER BY 1 LIMIT 100
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
