"""What is asked about purchase orders and receipts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.keyset import keyset
from entrepot.kernel.money import EXPONENTS
from entrepot.purchasing import drop_ship_queries

NEXT_DAY = """
LEFT JOIN LATERAL (
    SELECT min(s.expected_on) AS expected_on FROM stock_supply AS s
    WHERE s.line_id = ANY(ARRAY[line.id] || ARRAY(SELECT id FROM purchasing_scheduleline WHERE line_id = line.id))
) AS supply ON true
"""
"""Joins the day on which something of an order line is expected next."""


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
    to_come: int
    home_minor: int | None
    alone_minor: int
    approved_by: str
    approved_at: datetime | None


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
    wanted_on: date | None
    confirmed: int | None
    confirmed_on: date | None
    first_quantity: int | None

    @property
    def id_text(self) -> str:
        """The id as fields of a form are named by it."""
        return str(self.id)

    @property
    def to_come(self) -> int:
        return max(0, self.quantity - self.received - self.short)


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """Units of an order line that the supplier confirmed for one day of several, and how many of them are to come."""

    line: UUID
    quantity: int
    expected_on: date
    to_come: int


@dataclass(frozen=True, slots=True)
class Receipt:
    id: UUID
    number: str
    received_by: str
    received_at: datetime
    quantity: int
    value_minor: int


def orders(
    company: int, *, state: str = "", order: str = "-ordered_at", after: UUID | None = None, limit: int = 50
) -> list[Order]:
    """Orders, the newest first or in another of `ORDERS_BY`; '' for every state, `after` continues behind an order.

    1 statement.
    """
    params = {"company": company, "state": state, "after": after, "limit": limit}
    behind, by = keyset("purchasing_order", "purchasing_order", ORDERS_BY, order, after)
    return [Order(*row) for row in sql.run(_ORDERS.format(behind=behind, by=by), params)]


def coming(company: int, node: UUID, *, name: str = "", limit: int = 50) -> list[Order]:
    """Orders of which something is to come to a node, the newest first; those of a `name`, which is their number or
    their reference, however its letters are written. 1 statement."""
    params = {"company": company, "node": node, "name": name, "limit": limit}
    return [Order(*row) for row in sql.run(_COMING, params)]


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


def schedules(order: UUID) -> dict[UUID, list[ScheduleLine]]:
    """The days of the lines of an order that come on several, by line. 1 statement."""
    found: dict[UUID, list[ScheduleLine]] = {}
    for row in sql.run(_SCHEDULES, {"order": order}):
        found.setdefault(row[0], []).append(ScheduleLine(*row))
    return found


def receipts(order: UUID) -> list[Receipt]:
    """The receipts of an order, the oldest first. 1 statement."""
    return [Receipt(*row) for row in sql.run(_RECEIPTS, {"order": order})]


@dataclass(frozen=True, slots=True)
class Sending:
    """A mail with an order's paper; `error`: why the mail server did not take it."""

    id: UUID
    order: UUID
    address: str
    language: str
    note: str
    state: str
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    error: str


def sendings(order: UUID) -> list[Sending]:
    """How an order was sent to its supplier, the latest first. 1 statement."""
    return [Sending(*row) for row in sql.run(_SENDINGS, {"order": order, "which": None})]


def sending(which: UUID) -> Sending | None:
    """One mail. 1 statement."""
    return next((Sending(*row) for row in sql.run(_SENDINGS, {"order": None, "which": which})), None)


def written_to(supplier: UUID) -> tuple[str, str]:
    """The address and the language in which a supplier was written to last; '' for both where he never was. 1
    statement."""
    found = sql.run(_WRITTEN_TO, {"supplier": supplier})
    return found[0] if found else ("", "")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Units that should be ordered; `terms` has the sum that they come from."""

    id: UUID
    number: str
    sku: UUID
    sku_code: str
    sku_name: str
    node_code: str
    supplier_name: str
    quantity: int
    unit_cost: Decimal
    value_minor: int
    currency: str
    terms: dict[str, Any]
    state: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    reason: str
    order: UUID | None


def proposals(
    company: int, *, state: str = "proposed", after: UUID | None = None, limit: int = 50
) -> list[Proposal]:
    """Reorder proposals in a state, the oldest first; `after` continues behind one. 1 statement."""
    params = {"company": company, "state": state, "after": after, "limit": limit}
    return [Proposal(*row) for row in sql.run(_PROPOSALS, params)]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    names = (
        "purchase orders", "purchase order lines", "receipts", "receipt lines", "serial numbers", "quality checks",
    )  # fmt: skip
    return dict(zip(names, sql.run(_CHECKED)[0], strict=True)) | drop_ship_queries.checked()


def discrepancies() -> list[str]:
    """What came, told by receipts, lines, orders, moves and journal, where two of them differ, and what is wrong with
    drop-ship orders.

    19 statements."""
    found = [sentence.format(*row) for sentence, statement in _CHECKS for row in sql.run(statement)]
    return found + drop_ship_queries.discrepancies()


_FIELDS = """
SELECT purchasing_order.id, number, purchasing_order.company_id::int, supplier_id, supplier.name, node_id, node.code,
       external_ref, purchasing_order.currency, state, ordered_by, ordered_at, line.quantity, line.received,
       CASE WHEN state IN ('open', 'part_received') THEN line.to_come ELSE 0 END,
       home_minor, alone_minor, approved_by, approved_at
FROM purchasing_order
JOIN parties_supplier AS supplier ON supplier.id = supplier_id
JOIN network_node AS node ON node.id = node_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity), 0)::bigint AS quantity, coalesce(sum(received), 0)::bigint AS received,
           coalesce(sum(GREATEST(0, quantity - received - short)), 0)::bigint AS to_come
    FROM purchasing_orderline WHERE order_id = purchasing_order.id) AS line
"""

_ORDERS = f"""{_FIELDS}
WHERE purchasing_order.company_id = %(company)s::smallint AND %(state)s::text IN ('', state)
  {{behind}}
{{by}} LIMIT %(limit)s::int
"""

_COMING = f"""{_FIELDS}
WHERE purchasing_order.company_id = %(company)s::smallint AND node_id = %(node)s::uuid
  AND state IN ('open', 'part_received')
  AND (%(name)s::text = '' OR lower(%(name)s::text) IN (lower(number), lower(external_ref)))
ORDER BY ordered_at DESC, purchasing_order.id DESC LIMIT %(limit)s::int
"""

ORDERS_BY = {"ordered_at": ("{row}.ordered_at",)}
"""What the list of purchase orders can be put in order by."""

_ORDER = f"{_FIELDS} WHERE purchasing_order.id = %(which)s::uuid"

_BY_REF = """
SELECT external_ref, id, state FROM purchasing_order
WHERE company_id = %(company)s::smallint AND external_ref = ANY(%(refs)s::text[])
"""

_LINES_OF = f"""
SELECT order_id, line.id, line.number, line.sku_id, sku.code, line.quantity, received, unit_cost, over, short,
       supply.expected_on, wanted_on, confirmed, confirmed_on, first_quantity
FROM purchasing_orderline AS line JOIN catalog_sku AS sku ON sku.id = line.sku_id
{NEXT_DAY}
WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY line.number
"""

_SCHEDULES = """
SELECT s.line_id, s.quantity, s.expected_on, COALESCE(y.quantity, 0)
FROM purchasing_orderline AS l
JOIN purchasing_scheduleline AS s ON s.line_id = l.id AND s.confirmation_id = l.scheduled
LEFT JOIN stock_supply AS y ON y.line_id = s.id
WHERE l.order_id = %(order)s::uuid ORDER BY l.number, s.expected_on
"""

_RECEIPTS = """
SELECT receipt.id, number, received_by, received_at, sum(line.quantity)::bigint, sum(line.value_minor)::bigint
FROM purchasing_receipt AS receipt JOIN purchasing_receiptline AS line ON line.receipt_id = receipt.id
WHERE receipt.order_id = %(order)s::uuid GROUP BY receipt.id ORDER BY received_at, receipt.id
"""

_SENDINGS = """
SELECT id, order_id, address, language, note, state, asked_by, asked_at, done_at, error FROM purchasing_sending
WHERE order_id = %(order)s::uuid OR id = %(which)s::uuid ORDER BY id DESC LIMIT 50
"""

_WRITTEN_TO = """
SELECT s.address, s.language FROM purchasing_order AS o JOIN purchasing_sending AS s ON s.order_id = o.id
WHERE o.supplier_id = %(supplier)s::uuid AND s.address LIKE '%%@%%' ORDER BY s.id DESC LIMIT 1
"""

_PROPOSALS = """
SELECT p.id, p.number, p.sku_id, s.code, s.name, node.code, supplier.name, p.quantity, p.unit_cost, p.value_minor,
       supplier.currency, p.terms, p.state, p.proposed_by, p.proposed_at, p.decided_by, p.decided_at, p.reason,
       p.order_id
FROM purchasing_proposal AS p JOIN catalog_sku AS s ON s.id = p.sku_id JOIN network_node AS node ON node.id = p.node_id
JOIN parties_supplier AS supplier ON supplier.id = p.supplier_id
WHERE p.company_id = %(company)s::smallint AND p.state = %(state)s::text
  AND (%(after)s::uuid IS NULL OR p.id > %(after)s::uuid)
ORDER BY p.id LIMIT %(limit)s::int
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
# Of layers a landed cost is borne wherever they stand by then: of such a SKU all its nodes are told together.
_VALUED = """
WITH valued AS (
    SELECT company_id, sku_id, node_id, pool, value_minor AS said, 0::numeric AS made FROM ledger_valuation
    UNION ALL
    SELECT m.company_id, b.sku_id, b.node_id, CASE b.status WHEN 'in_transit' THEN 'transit' ELSE 'stock' END, 0,
           m.value
    FROM (SELECT company_id, bucket, sum(value) AS value FROM (
              SELECT company_id, to_bucket AS bucket, value_minor AS value FROM stock_move
              WHERE to_bucket IS NOT NULL AND value_minor <> 0
              UNION ALL SELECT company_id, from_bucket, -value_minor FROM stock_move
              WHERE from_bucket IS NOT NULL AND value_minor <> 0) AS both_sides
          GROUP BY 1, 2) AS m JOIN stock_bucket AS b ON b.id = m.bucket
    UNION ALL
    SELECT company_id, sku_id, node_id, 'stock', 0, after_minor - before_minor FROM ledger_writedown
    UNION ALL
    SELECT c.company_id, p.sku_id, r.node_id, 'stock', 0, p.stock_minor
    FROM purchasing_landedpart AS p JOIN purchasing_landedcost AS c ON c.id = p.cost_id
    JOIN purchasing_receipt AS r ON r.id = p.receipt_id
),
spread AS (
    SELECT DISTINCT c.company_id, p.sku_id FROM purchasing_landedpart AS p
    JOIN purchasing_landedcost AS c ON c.id = p.cost_id
    WHERE c.company_id IN (SELECT company_id FROM ledger_costing WHERE method = 'fifo')
),
off AS (
    SELECT company_id, sku_id, CASE WHEN s.sku_id IS NULL THEN node_id END AS node_id,
           CASE WHEN s.sku_id IS NULL THEN pool ELSE 'stock and transit' END AS pool,
           sum(said) AS said, sum(made) AS made
    FROM valued LEFT JOIN spread AS s USING (company_id, sku_id)
    GROUP BY 1, 2, 3, 4 HAVING sum(said) <> sum(made) LIMIT 100
)
SELECT COALESCE(k.code, off.sku_id::text), COALESCE(n.code, 'all nodes'), pool, off.company_id, said::bigint,
       made::bigint
FROM off LEFT JOIN catalog_sku AS k ON k.id = off.sku_id LEFT JOIN network_node AS n ON n.id = off.node_id
ORDER BY 1, 2, 3, 4
"""

_CHECKS = (
    (
        "SKU {0} at {1}, {2} of company {3}: valued at {4}, its moves, landed costs and write-downs make {5}.",
        _VALUED,
    ),
    (
        "Company {0}: account 1190 holds {1} {2}, agreed claims to suppliers make {3}.",
        """
        SELECT company_id, COALESCE(b.balance, 0), currency, COALESCE(c.amount, 0)
        FROM (SELECT company_id, currency::text, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_balance
              WHERE account = 1190 GROUP BY 1, 2) AS b
        FULL JOIN (SELECT c.company_id, o.currency::text, sum(agreed_minor - credited_minor)::bigint AS amount
                   FROM purchasing_claim AS c JOIN purchasing_order AS o ON o.id = c.order_id GROUP BY 1, 2) AS c
          USING (company_id, currency)
        WHERE COALESCE(b.balance, 0) <> COALESCE(c.amount, 0)
        """,
    ),
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
        HAVING state NOT IN ('waiting', 'cancelled') AND state <> CASE
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
              FROM (SELECT receipt_id, quantity AS units, COALESCE(home_minor, value_minor) AS value_minor,
                           0 AS moved, 0 AS moved_minor
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
              FROM (SELECT receipt_id, COALESCE(home_minor, value_minor) AS value_minor, 0 AS owed_minor
                    FROM purchasing_receiptline
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
        SELECT purchasing_order.number, line.number, over, GREATEST(0, received + short - quantity)
        FROM purchasing_orderline AS line JOIN purchasing_order ON purchasing_order.id = line.order_id
        WHERE over <> GREATEST(0, received + short - quantity) ORDER BY 1, 2 LIMIT 100
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
        "Line {1} of purchase order {0} is confirmed with {2} units, its last confirmation says {3}.",
        """
        SELECT purchasing_order.number, line.number, line.confirmed, last.quantity
        FROM purchasing_orderline AS line JOIN purchasing_order ON purchasing_order.id = line.order_id
        LEFT JOIN LATERAL (SELECT quantity FROM purchasing_confirmation WHERE line_id = line.id
                           ORDER BY id DESC LIMIT 1) AS last ON true
        WHERE line.confirmed IS NOT NULL AND line.confirmed IS DISTINCT FROM last.quantity ORDER BY 1, 2 LIMIT 100
        """,
    ),
    (
        "Line {1} of purchase order {0} is confirmed with {2} units, its schedule has {3}; to come {4}, expected {5}.",
        """
        SELECT o.number, l.number, l.confirmed, s.units, d.units, s.expected
        FROM purchasing_orderline AS l JOIN purchasing_order AS o ON o.id = l.order_id
        CROSS JOIN LATERAL (SELECT sum(p.quantity)::int AS units, COALESCE(sum(y.quantity), 0)::int AS expected
                            FROM purchasing_scheduleline AS p LEFT JOIN stock_supply AS y ON y.line_id = p.id
                            WHERE p.line_id = l.id AND p.confirmation_id = l.scheduled) AS s
        CROSS JOIN LATERAL (SELECT CASE WHEN o.state IN ('open', 'part_received')
            THEN GREATEST(0, LEAST(l.quantity - l.short, l.confirmed) - l.received) ELSE 0 END AS units) AS d
        WHERE l.scheduled IS NOT NULL
          AND (s.units IS DISTINCT FROM l.confirmed OR s.expected <> d.units) ORDER BY 1, 2 LIMIT 100
        """,
    ),
    (
        "Notice {0} is {1}, though {2} of {3} units came.",
        """
        SELECT n.number, n.state, sum(l.received)::bigint, sum(l.quantity)::bigint
        FROM purchasing_notice AS n JOIN purchasing_noticeline AS l ON l.notice_id = n.id
        GROUP BY n.id HAVING (n.state = 'received') <> (sum(l.received) = sum(l.quantity)) ORDER BY 1 LIMIT 100
        """,
    ),
    (
        "Proposal {0} was ordered with {1} units, its order had {2} of the SKU at first.",
        """
        SELECT p.number, p.quantity, sum(COALESCE(line.first_quantity, line.quantity))
        FROM purchasing_proposal AS p
        LEFT JOIN purchasing_orderline AS line ON line.order_id = p.order_id AND line.sku_id = p.sku_id
        WHERE p.state = 'ordered' GROUP BY p.id
        HAVING p.quantity IS DISTINCT FROM sum(COALESCE(line.first_quantity, line.quantity))
        ORDER BY 1 LIMIT 100
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
    (
        "Landed cost {0} is {1}, its parts make {2}, and its payee is owed {3} in the books.",
        """
        SELECT c.number, c.amount_minor, COALESCE(p.amount, 0), COALESCE(l.owed, 0)
        FROM purchasing_landedcost AS c
        LEFT JOIN (SELECT cost_id, sum(amount_minor) AS amount FROM purchasing_landedpart GROUP BY 1) AS p
          ON p.cost_id = c.id
        LEFT JOIN (SELECT document_id, -sum(amount_minor) AS owed FROM ledger_line
                   WHERE account = 2000 AND document_kind = 'landed_cost' GROUP BY 1) AS l ON l.document_id = c.id
        WHERE (c.amount_minor, c.amount_minor) IS DISTINCT FROM (p.amount, l.owed) ORDER BY 1 LIMIT 100
        """,
    ),
)
