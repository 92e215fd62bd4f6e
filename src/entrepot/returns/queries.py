"""What is asked of returns: lists and one return whole for people, and whether its sums are in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.keyset import keyset
from entrepot.returns import (
    cohort_queries,
    comeback_queries,
    departure_queries,
    exchange_queries,
    expiry_queries,
    fraud_queries,
    hold_queries,
    label_queries,
    pallet_queries,
    repair_queries,
    rules,
    second_grade_queries,
    verdict_queries,
    work_order_queries,
)
from entrepot.returns.refund_models import GIVEN_ALONE


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """A line of the list of returns."""

    id: UUID
    number: str
    order: UUID
    order_number: str
    channel: str
    customer: str | None
    node: str
    asked: str
    state: str
    currency: str
    units: int
    received: int
    disposed: int
    refunded: int
    refunded_minor: int
    requested_by: str
    requested_at: datetime
    changed_at: datetime


def returns_page(
    company: int,
    *,
    state: str | None = None,
    text: str | None = None,
    order: UUID | None = None,
    refund: str | None = None,
    by: str = "-requested_at",
    after: UUID | None = None,
    limit: int = 50,
) -> list[ReturnRow]:
    """Returns, the latest first or in another of `RETURNS_BY`, behind the return `after`.

    `text` is its number, the order's, or the channel's id; `refund` a state that one of its refunds is in.
    """
    params = {
        "company": company, "state": state or None, "text": text or None, "order": order, "after": after,
        "limit": limit, "refund": refund,
    }  # fmt: skip
    behind, ordered = keyset("returns_return", "r", RETURNS_BY, by, after)
    return [
        ReturnRow(*row)
        for row in sql.run(
            _LIST + _PAGE.format(behind=behind, ordered=ordered, refund=_WITH_REFUND if refund else ""),
            params,
        )
    ]


def return_(return_id: UUID) -> ReturnRow | None:
    """One return; None where there is none of that id."""
    rows = sql.run(_LIST + "WHERE r.id = %(id)s::uuid", {"id": return_id})
    return ReturnRow(*rows[0]) if rows else None


def by_state(company: int) -> dict[str, int]:
    """How many returns stand in each state."""
    return dict(sql.run(_BY_STATE, {"company": company}))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of a return, with the order line that it comes from."""

    id: UUID
    line: UUID
    sku: UUID
    sku_code: str
    description: str
    reason: str
    note: str
    quantity: int
    cancelled: int
    received: int
    inspected: int
    disposed: int
    refunded: int
    missing: int
    refused: int
    repaired: int

    @property
    def units(self) -> rules.Units:
        return rules.Units(
            self.quantity, self.cancelled, self.received, self.inspected, self.disposed, self.refunded, self.missing,
            self.refused, self.repaired,
        )  # fmt: skip

    @property
    def to_come(self) -> int:
        return self.units.to_come


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    id: UUID
    line: UUID
    bin: str
    lot: str
    serial: str
    quantity: int
    inspected: int
    condition: str
    cost_minor: int
    received_by: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class InspectionRow:
    id: UUID
    line: UUID
    receipt: UUID
    quantity: int
    disposed: int
    grade: str
    codes: str
    note: str
    proposed: str
    why: str
    inspected_by: str
    inspected_at: datetime
    answers: list[dict[str, Any]]
    weight_g: int | None
    serial: str
    photos: list[UUID]
    verdict: str


@dataclass(frozen=True, slots=True)
class DispositionRow:
    id: UUID
    line: UUID
    inspection: UUID
    quantity: int
    disposition: str
    bin: str
    reason: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund with its parts and reasons; `requested_at` is when it was computed.

    `outcome` is what it is given as: money, store credit (of which `applied_minor` was given anew, and a bonus on top),
    or an exchange (of which `applied_minor` paid for the replacement).
    `steps` are the lines of its derivation, each with `what`, `minor` and `why`; refunds of before they were kept have
    none. In fees and in what a lost promotion costs, the tax is included.
    """

    id: UUID
    number: str
    return_id: UUID
    return_number: str
    order: UUID
    order_number: str
    currency: str
    state: str
    goods_minor: int
    shipping_minor: int
    tax_minor: int
    fee_minor: int
    fee_tax_minor: int
    flat_fee_minor: int
    clawback_minor: int
    clawback_tax_minor: int
    adjustment_minor: int
    adjustment_reason: str
    total_minor: int
    approve_above_minor: int | None
    reasons: list[str]
    steps: list[dict[str, Any]]
    requested_by: str
    requested_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str
    outcome: str
    applied_minor: int
    bonus_minor: int
    before_minor: int


@dataclass(frozen=True, slots=True)
class Whole:
    """A return with everything that is known of it; `duties` are (side, person)."""

    head: ReturnRow
    reasons: list[str]
    lines: list[LineRow]
    receipts: list[ReceiptRow]
    inspections: list[InspectionRow]
    dispositions: list[DispositionRow]
    refunds: list[RefundRow]
    duties: list[tuple[str, str]]


def whole(return_id: UUID) -> Whole | None:
    """One return with all of its facts; None where there is none of that id. 8 statements."""
    head = return_(return_id)
    if head is None:
        return None
    params = {"id": return_id}
    (reasons,) = sql.run("SELECT reasons FROM returns_return WHERE id = %(id)s::uuid", params)[0]
    return Whole(
        head,
        reasons,
        [LineRow(*row) for row in sql.run(_LINES, params)],
        [ReceiptRow(*row) for row in sql.run(_RECEIPTS, params)],
        [InspectionRow(*row) for row in sql.run(_INSPECTIONS, params)],
        [DispositionRow(*row) for row in sql.run(_DISPOSITIONS, params)],
        [
            RefundRow(*row)
            for row in sql.run(_REFUNDS + "WHERE f.return_id = %(id)s::uuid ORDER BY f.id", params)
        ],
        [(side, person) for side, person in sql.run(_DUTIES, params)],
    )


def refunds_page(
    company: int, *, state: str | None = None, after: UUID | None = None, limit: int = 50
) -> list[RefundRow]:
    """Refunds, the latest first, behind the refund `after`."""
    params = {"company": company, "state": state or None, "after": after, "limit": limit}
    return [RefundRow(*row) for row in sql.run(_REFUNDS + _REFUNDS_PAGE, params)]


def refund(refund_id: UUID) -> RefundRow | None:
    """One refund; None where there is none of that id."""
    rows = sql.run(_REFUNDS + "WHERE f.id = %(id)s::uuid", {"id": refund_id})
    return RefundRow(*rows[0]) if rows else None


def rejected(returns: Collection[UUID]) -> set[UUID]:
    """The returns of which a person rejected a refund. 1 statement."""
    params = {"returns": list(returns)}
    return {return_id for (return_id,) in sql.run(_REJECTED, params)}


def shipping_left(orders: Collection[UUID]) -> list[UUID]:
    """The latest returns of orders that are all back, with nothing still to leave, of whose shipping something was not
    refunded. Whether it is due, the rules say. 1 statement."""
    return [return_id for (return_id,) in sql.run(_SHIPPING_LEFT, {"orders": list(orders)})]


@dataclass(frozen=True, slots=True)
class Returnable:
    """A line of goods of an order, and how many of its units may still come back. `marked`: by what its units are told
    from each other (lot, serial); '' where they are not. A `final_sale` was sold as not to come back."""

    line: UUID
    sku_code: str
    description: str
    quantity: int
    left: int
    unit_paid_minor: int
    marked: str
    final_sale: bool


def returnable(order: UUID) -> list[Returnable]:
    """What of an order may still come back. 1 statement."""
    return [Returnable(*row) for row in sql.run(_RETURNABLE, {"order": order})]


@dataclass(frozen=True, slots=True)
class Task:
    """Units that wait for an inspector: to be inspected, or, with an `inspection`, for their disposition. `sums` are in
    the company's `currency`, `has_lots` says that the SKU is told apart by lots."""

    return_id: UUID
    number: str
    order_number: str
    node: str
    sku_code: str
    name: str
    reason: str
    note: str
    condition: str
    bin: str
    lot: str
    serial: str
    receipt: UUID
    inspection: UUID | None
    quantity: int
    grade: str
    proposed: str
    why: str
    received_at: datetime
    sums: list[dict[str, Any]]
    currency: str
    category: str
    answers: list[dict[str, Any]]
    photos: list[UUID]
    has_lots: bool


def tasks(company: int, *, node: str = "", limit: int = 50) -> list[Task]:
    """What waits for an inspector at a node (by code; '' for all), what waits longest first. 1 statement."""
    params = {"company": company, "limit": limit} | ({"node": node} if node else {})
    return [Task(*row) for row in sql.run(_TASKS.format(here=_AT_NODE if node else ""), params)]


@dataclass(frozen=True, slots=True)
class Approval:
    """A refund that waits for another person, with who took which duty, and what was found of the goods."""

    refund: RefundRow
    duties: list[tuple[str, str]]
    found: list[tuple[str, int, str]]


def approvals(company: int, *, after: UUID | None = None, limit: int = 50) -> list[Approval]:
    """Refunds that wait, the oldest first, those after one of them; with (side, person) and (grade, units, note) of
    returns. 3 statements."""
    params: dict[str, Any] = {"company": company, "after": after, "limit": limit}
    rows = [RefundRow(*row) for row in sql.run(_REFUNDS + _WAITING_REFUNDS, params)]
    params = {"returns": list({row.return_id for row in rows})}
    duties: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    found: dict[UUID, list[tuple[str, int, str]]] = defaultdict(list)
    for return_id, side, person in sql.run(_DUTIES_OF, params) if rows else ():
        duties[return_id].append((side, person))
    for return_id, grade, units, note in sql.run(_FOUND, params) if rows else ():
        found[return_id].append((grade, units, note))
    return [Approval(row, duties[row.return_id], found[row.return_id]) for row in rows]


class Waiting(NamedTuple):
    """What the refunds that wait for another person come to in a currency."""

    currency: str
    refunds: int
    total_minor: int


def waiting_sums(company: int) -> list[Waiting]:
    """All refunds that wait, by currency. 1 statement."""
    return [Waiting(*row) for row in sql.run(_WAITING_SUMS, {"company": company})]


@dataclass(frozen=True, slots=True)
class DoneRow:
    """Units of a disposition."""

    disposition: str
    units: int
    returns: int


def by_disposition(company: int) -> list[DoneRow]:
    """Units by what was done with them, the most first."""
    return [DoneRow(*row) for row in sql.run(_BY_DISPOSITION, {"company": company})]


@dataclass(frozen=True, slots=True)
class RefundsOfState:
    state: str
    needed_approval: bool
    refunds: int
    total_minor: int


def refunds_by_state(company: int) -> list[RefundsOfState]:
    """Refunds by state, and whether they were above the limit."""
    return [RefundsOfState(*row) for row in sql.run(_REFUNDS_BY_STATE, {"company": company})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("returns_return", "returns_line", "returns_receipt", "returns_disposition", "returns_refund")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about returns whose counts, units or money disagree."""
    return [sentence for statement in _CHECKS for (sentence,) in sql.run(statement)]


# What goes back of a cancelled replacement was counted when that was paid for.
_LIST = """
SELECT r.id, r.number, r.order_id, o.number, c.code, u.code, n.code, r.asked, r.state, r.currency, l.units, l.received,
       l.disposed, l.refunded,
       COALESCE((SELECT sum(total_minor) FROM returns_refund AS f
                 WHERE f.return_id = r.id AND f.state <> 'rejected' AND f.outcome <> 'replacement'), 0)::bigint,
       r.requested_by, r.requested_at, r.changed_at
FROM returns_return AS r
JOIN orders_order AS o ON o.id = r.order_id
JOIN network_channel AS c ON c.id = r.channel_id
JOIN network_node AS n ON n.id = r.node_id
LEFT JOIN parties_customer AS u ON u.id = r.customer_id
CROSS JOIN LATERAL (
    SELECT sum(quantity - cancelled)::int AS units, sum(received)::int AS received, sum(disposed)::int AS disposed,
           sum(refunded)::int AS refunded
    FROM returns_line WHERE return_id = r.id) AS l
"""

_PAGE = """
WHERE r.company_id = %(company)s::smallint AND (%(state)s::text IS NULL OR r.state = %(state)s::text)
  AND (%(order)s::uuid IS NULL OR r.order_id = %(order)s::uuid)
  AND (%(text)s::text IS NULL OR r.number = %(text)s::text OR r.external_id = %(text)s::text
       OR r.order_id IN (SELECT id FROM orders_order WHERE number = %(text)s::text))
  {refund} {behind}
{ordered} LIMIT %(limit)s::int
"""

_WITH_REFUND = """AND r.id IN (SELECT return_id FROM returns_refund
    WHERE company_id = %(company)s::smallint AND state = %(refund)s::text)"""

RETURNS_BY: dict[str, tuple[str, ...]] = {"requested_at": ()}
"""What the list of returns can be put in order by; keys are made in the order of asking."""

_BY_STATE = "SELECT state, count(*) FROM returns_return WHERE company_id = %(company)s::smallint GROUP BY 1 ORDER BY 1"

_LINES = """
SELECT l.id, l.line_id, l.sku_id, o.sku_code, COALESCE(NULLIF(o.description, ''), k.name), l.reason, l.note,
       l.quantity, l.cancelled, l.received, l.inspected, l.disposed, l.refunded, l.missing, l.refused, l.repaired
FROM returns_line AS l JOIN orders_line AS o ON o.id = l.line_id JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE l.return_id = %(id)s::uuid ORDER BY l.id
"""

_RECEIPTS = """
SELECT r.id, r.return_line_id, b.code, r.lot, r.serial, r.quantity, r.inspected, r.condition, r.cost_minor,
       r.received_by, r.received_at
FROM returns_receipt AS r JOIN network_bin AS b ON b.id = r.bin_id WHERE r.return_id = %(id)s::uuid ORDER BY r.id
"""

_INSPECTIONS = """
SELECT id, return_line_id, receipt_id, quantity, disposed, grade, codes, note, proposed, why, inspected_by,
       inspected_at, answers, weight_g, serial,
       ARRAY(SELECT s.photo_id FROM returns_inspectionphoto AS s WHERE s.inspection_id = i.id ORDER BY s.photo_id),
       verdict
FROM returns_inspection AS i WHERE return_id = %(id)s::uuid ORDER BY id
"""

_DISPOSITIONS = """
SELECT d.id, d.return_line_id, d.inspection_id, d.quantity, d.disposition, COALESCE(b.code, ''), d.reason, d.decided_by,
       d.decided_at
FROM returns_disposition AS d LEFT JOIN network_bin AS b ON b.id = d.bin_id
WHERE d.return_id = %(id)s::uuid ORDER BY d.id
"""

_DUTIES = """
SELECT side, person FROM access_duty WHERE document = %(id)s::uuid AND pair = 'request×receive×approve'
ORDER BY taken_at, side
"""

_REFUNDS = f"""
SELECT f.id, f.number, f.return_id, r.number, f.order_id, o.number, f.currency, f.state, f.goods_minor,
       f.shipping_minor, f.tax_minor, f.fee_minor, f.fee_tax_minor, f.flat_fee_minor, f.clawback_minor,
       f.clawback_tax_minor, f.adjustment_minor, f.adjustment_reason, f.total_minor, f.approve_above_minor, f.reasons,
       f.steps, f.requested_by, f.requested_at, f.decided_by, f.decided_at, f.note, f.outcome,
       f.applied_minor, f.bonus_minor, COALESCE(b.minor, 0)
FROM returns_refund AS f
CROSS JOIN LATERAL (SELECT f.id, f.return_id, f.state) AS this
CROSS JOIN LATERAL (
    SELECT sum({GIVEN_ALONE})::bigint AS minor
    FROM returns_refund AS f LEFT JOIN returns_exchange AS x ON x.refund_id = f.id
    WHERE f.return_id = this.return_id AND f.id <> this.id AND (this.state = 'waiting' OR f.id < this.id)) AS b
JOIN returns_return AS r ON r.id = f.return_id JOIN orders_order AS o ON o.id = f.order_id
"""

_REFUNDS_PAGE = """
WHERE f.company_id = %(company)s::smallint AND (%(state)s::text IS NULL OR f.state = %(state)s::text)
  AND (%(after)s::uuid IS NULL OR f.id < %(after)s::uuid)
ORDER BY f.id DESC LIMIT %(limit)s::int
"""

_REJECTED = """
SELECT DISTINCT return_id FROM returns_refund WHERE return_id = ANY(%(returns)s::uuid[]) AND state = 'rejected'
"""

_SHIPPING_LEFT = """
SELECT DISTINCT ON (r.order_id) r.id
FROM returns_return AS r
CROSS JOIN LATERAL (
    SELECT bool_and(l.quantity = l.shipped + l.delivered + l.cancelled) AS gone,
           bool_and(l.shipped + l.delivered = COALESCE(s.refunded, 0)) AS back,
           sum(l.shipping_minor) AS shipping, sum(COALESCE(s.shipping_minor, 0)) AS refunded
    FROM orders_line AS l LEFT JOIN returns_sold AS s ON s.line_id = l.id
    WHERE l.order_id = r.order_id AND l.sku_id IS NOT NULL) AS o
WHERE r.order_id = ANY(%(orders)s::uuid[]) AND r.asked IN ('refund', 'store_credit', 'exchange')
  AND r.state NOT IN ('requested', 'declined', 'cancelled') AND o.gone AND o.back AND o.refunded < o.shipping
ORDER BY r.order_id, r.id DESC
"""

_RETURNABLE = """
SELECT l.id, l.sku_code, COALESCE(NULLIF(l.description, ''), k.name), l.quantity,
       l.shipped + l.delivered - COALESCE(s.authorized, 0),
       ((l.gross_minor - l.discount_minor + l.tax_minor) / l.quantity)::bigint,
       CASE WHEN k.serial_policy <> 'none' THEN 'serial' WHEN k.lot_policy <> 'none' THEN 'lot' ELSE '' END,
       l.final_sale
FROM orders_line AS l JOIN catalog_sku AS k ON k.id = l.sku_id LEFT JOIN returns_sold AS s ON s.line_id = l.id
WHERE l.order_id = %(order)s::uuid ORDER BY l.number
"""

# What waits is little and has indexes of its own; the rest is looked up for those that are told alone.
_TASKS = """
WITH waits AS (
    SELECT * FROM (
        (SELECT c.id AS receipt, NULL::uuid AS inspection, c.received_at FROM returns_receipt AS c
         JOIN returns_return AS r ON r.id = c.return_id AND r.state IN ('received', 'inspected') {here}
         WHERE c.company_id = %(company)s::smallint AND c.inspected < c.quantity
         ORDER BY c.received_at, c.id LIMIT %(limit)s::int)
        UNION ALL
        (SELECT c.id, i.id, c.received_at FROM returns_inspection AS i
         JOIN returns_return AS r ON r.id = i.return_id AND r.state IN ('received', 'inspected')
         JOIN returns_receipt AS c ON c.id = i.receipt_id {here}
         WHERE r.company_id = %(company)s::smallint AND i.disposed < i.quantity
         ORDER BY c.received_at, c.id LIMIT %(limit)s::int)
    ) AS all_of_it ORDER BY inspection IS NULL, received_at, receipt LIMIT %(limit)s::int)
SELECT r.id, r.number, o.number, n.code, l.sku_code, s.name, x.reason, x.note, c.condition, b.code, c.lot, c.serial,
       c.id, i.id, COALESCE(i.quantity - i.disposed, c.quantity - c.inspected), COALESCE(i.grade, ''),
       COALESCE(i.proposed, ''), COALESCE(i.why, ''), c.received_at, COALESCE(i.sums, '[]'), y.currency,
       s.category, COALESCE(i.answers, '[]'),
       ARRAY(SELECT p.photo_id FROM returns_inspectionphoto AS p WHERE p.inspection_id = i.id ORDER BY 1),
       s.lot_policy <> 'none'
FROM waits AS w
JOIN returns_receipt AS c ON c.id = w.receipt LEFT JOIN returns_inspection AS i ON i.id = w.inspection
JOIN returns_return AS r ON r.id = c.return_id
JOIN returns_line AS x ON x.id = c.return_line_id
JOIN orders_line AS l ON l.id = x.line_id
JOIN orders_order AS o ON o.id = r.order_id
JOIN catalog_sku AS s ON s.id = c.sku_id
JOIN network_node AS n ON n.id = c.node_id
JOIN network_bin AS b ON b.id = c.bin_id
JOIN parties_company AS y ON y.id = c.company_id
ORDER BY w.inspection IS NULL, w.received_at, w.receipt
"""
_AT_NODE = "JOIN network_node AS n ON n.id = c.node_id AND n.code = %(node)s::text"

_WAITING_REFUNDS = """
WHERE f.company_id = %(company)s::smallint AND f.state = 'waiting'
  AND (%(after)s::uuid IS NULL OR (f.requested_at, f.id) > (
      SELECT a.requested_at, a.id FROM returns_refund AS a WHERE a.id = %(after)s::uuid))
ORDER BY f.requested_at, f.id LIMIT %(limit)s::int
"""

_WAITING_SUMS = """
SELECT currency, count(*)::int, sum(total_minor)::bigint FROM returns_refund
WHERE company_id = %(company)s::smallint AND state = 'waiting' GROUP BY currency ORDER BY currency
"""

_DUTIES_OF = """
SELECT document, side, person FROM access_duty
WHERE document = ANY(%(returns)s::uuid[]) AND pair = 'request×receive×approve' ORDER BY taken_at, side
"""

_FOUND = """
SELECT return_id, grade, sum(quantity)::int, string_agg(DISTINCT note, '; ') FILTER (WHERE note <> '')
FROM returns_inspection WHERE return_id = ANY(%(returns)s::uuid[]) GROUP BY return_id, grade ORDER BY return_id, grade
"""

_BY_DISPOSITION = """
SELECT d.disposition, sum(d.quantity)::bigint, count(DISTINCT d.return_id)
FROM returns_disposition AS d JOIN returns_return AS r ON r.id = d.return_id
WHERE r.company_id = %(company)s::smallint AND d.earlier_id IS NULL GROUP BY 1 ORDER BY 2 DESC, 1
"""

_REFUNDS_BY_STATE = """
SELECT state, state = 'waiting' OR state <> 'rejected' AND decided_by <> ''
              OR COALESCE(total_minor > approve_above_minor, FALSE), count(*), sum(total_minor)::bigint
FROM returns_refund WHERE company_id = %(company)s::smallint GROUP BY 1, 2 ORDER BY 1, 2
"""

# invariant 1: what came back of an order line and was not sent back is what its returns say, and never more than left
_SOLD = """
SELECT format('order line %s: %s units sold, %s authorized, %s received, %s refunded; its returns say %s, %s, %s',
              s.line_id, o.shipped + o.delivered, s.authorized, s.received, s.refunded, COALESCE(r.authorized, 0),
              COALESCE(r.received, 0), COALESCE(r.refunded, 0))
FROM returns_sold AS s JOIN orders_line AS o ON o.id = s.line_id
LEFT JOIN (
    SELECT l.line_id,
           sum(l.quantity - l.cancelled - COALESCE(d.units, 0)) FILTER (WHERE r.state <> 'declined') AS authorized,
           sum(l.received - COALESCE(d.units, 0)) AS received, sum(l.refunded) AS refunded
    FROM returns_line AS l JOIN returns_return AS r ON r.id = l.return_id
    LEFT JOIN (SELECT return_line_id, sum(quantity) AS units FROM returns_disposition
               WHERE disposition = 'send_back' AND NOT EXISTS (
                   SELECT FROM returns_sentbackunits AS u JOIN returns_repair AS p ON p.id = u.repair_id
                   WHERE u.disposition_id = returns_disposition.id AND p.state = 'settled')
               GROUP BY 1) AS d ON d.return_line_id = l.id
    GROUP BY l.line_id
) AS r ON r.line_id = s.line_id
WHERE (s.authorized, s.received, s.refunded)
   <> (COALESCE(r.authorized, 0), COALESCE(r.received, 0), COALESCE(r.refunded, 0))
   OR s.authorized > o.shipped + o.delivered
"""

# invariant 2: each step counts what its documents say
_STEPS = """
SELECT format('return line %s says %s received, %s inspected, %s disposed; its documents say %s, %s, %s', l.id,
              l.received, l.inspected, l.disposed, r.units, r.inspected, i.disposed)
FROM returns_line AS l
CROSS JOIN LATERAL (SELECT COALESCE(sum(quantity), 0) AS units, COALESCE(sum(inspected), 0) AS inspected
                    FROM returns_receipt WHERE return_id = l.return_id AND return_line_id = l.id) AS r
CROSS JOIN LATERAL (SELECT COALESCE(sum(quantity), 0) AS units, COALESCE(sum(disposed), 0) AS disposed
                    FROM returns_inspection WHERE return_id = l.return_id AND return_line_id = l.id) AS i
CROSS JOIN LATERAL (SELECT COALESCE(sum(quantity), 0) AS units
                    FROM returns_disposition
                    WHERE return_id = l.return_id AND return_line_id = l.id AND earlier_id IS NULL) AS d
WHERE (l.received, l.inspected, l.inspected, l.disposed, l.disposed)
   <> (r.units, r.inspected, i.units, i.disposed, d.units)
"""

# invariant 3: units of returns moved exactly as their documents say: in at their cost, on with their disposition
_MOVES = """
SELECT format('return %s: %s units received at %s, stock says %s at %s; %s disposed of, stock says %s', r.number,
              COALESCE(d.units, 0), COALESCE(d.cost, 0), COALESCE(m.units, 0), COALESCE(m.cost, 0),
              COALESCE(x.units, 0), COALESCE(m.gone, 0))
FROM returns_return AS r
LEFT JOIN (SELECT return_id, sum(quantity) AS units, sum(cost_minor) AS cost FROM returns_receipt GROUP BY 1) AS d
  ON d.return_id = r.id
LEFT JOIN (SELECT return_id, sum(quantity) AS units FROM returns_disposition GROUP BY 1) AS x ON x.return_id = r.id
LEFT JOIN (
    SELECT document_id, sum(quantity) FILTER (WHERE from_place = 'customer') AS units,
           sum(value_minor) FILTER (WHERE from_place = 'customer') AS cost,
           sum(quantity) FILTER (WHERE from_place <> 'customer') AS gone
    FROM stock_move WHERE document_kind = 'return' GROUP BY 1
) AS m ON m.document_id = r.id
WHERE (COALESCE(d.units, 0), COALESCE(d.cost, 0), COALESCE(x.units, 0))
   <> (COALESCE(m.units, 0), COALESCE(m.cost, 0), COALESCE(m.gone, 0))
"""

# invariant 4: refunded units and amounts of order lines are those of refunds that were not rejected
_REFUNDED = """
SELECT format('order line %s: %s units and %s refunded, its refunds say %s and %s', s.line_id, s.refunded,
              s.goods_minor + s.tax_minor + s.shipping_minor, COALESCE(f.units, 0), COALESCE(f.amount, 0))
FROM returns_sold AS s LEFT JOIN (
    SELECT l.line_id, sum(p.units) AS units, sum(p.goods_minor + p.tax_minor + p.shipping_minor) AS amount
    FROM returns_refundline AS p JOIN returns_refund AS f ON f.id = p.refund_id AND f.state <> 'rejected'
    JOIN returns_line AS l ON l.id = p.return_line_id GROUP BY 1
) AS f ON f.line_id = s.line_id
WHERE (s.refunded, s.goods_minor + s.tax_minor + s.shipping_minor) <> (COALESCE(f.units, 0), COALESCE(f.amount, 0))
"""

# invariant 5: a refund that was decided is in the books with its total, one that was not is not
_POSTED = """
SELECT format('refund %s is %s over %s, account 2300 says %s', f.number, f.state, f.total_minor, COALESCE(b.amount, 0))
FROM returns_refund AS f LEFT JOIN (
    SELECT document_id, -sum(amount_minor) AS amount FROM ledger_line
    WHERE event IN ('return', 'prepayment.returned') AND document_kind = 'refund' AND account = 2300 GROUP BY 1
) AS b ON b.document_id = f.id
WHERE COALESCE(b.amount, 0) <> CASE WHEN f.state IN ('waiting', 'agreed', 'rejected') THEN 0 ELSE f.total_minor END
"""

# invariant 6: nobody took two of the duties, and no step was done without its duty
_DUTY = """
SELECT format('return %s: %s asked for it or approved it, and received it', r.number, c.received_by)
FROM returns_return AS r JOIN returns_receipt AS c ON c.return_id = r.id
LEFT JOIN returns_refund AS f ON f.return_id = r.id AND f.state <> 'rejected'
WHERE c.received_by IN (r.requested_by, f.decided_by)
UNION ALL
SELECT format('return %s: %s asked for it and approved refund %s', r.number, f.decided_by, f.number)
FROM returns_return AS r JOIN returns_refund AS f ON f.return_id = r.id AND f.state <> 'rejected'
WHERE f.decided_by = r.requested_by
"""

# invariant 7: the derivation of a refund adds up to its total
_DERIVED = """
SELECT format('refund %s is over %s, its derivation adds up to %s', f.number, f.total_minor, d.total)
FROM returns_refund AS f
CROSS JOIN LATERAL (SELECT sum((step->>'minor')::bigint) AS total FROM jsonb_array_elements(f.steps) AS step) AS d
WHERE f.total_minor <> d.total
"""

# invariant 10: a grade is not better than its findings allow
_CAPPED = """
SELECT format('inspection %s has grade %s, %s allows %s at most', i.id, i.grade, f->>'question', f->>'cap')
FROM returns_inspection AS i CROSS JOIN LATERAL jsonb_array_elements(i.answers) AS f
WHERE f->>'cap' <> '' AND f->>'cap' > i.grade
"""

_CHECKS: tuple[Any, ...] = (
    _SOLD,
    _STEPS,
    _MOVES,
    _REFUNDED,
    _POSTED,
    _DUTY,
    _DERIVED,
    _CAPPED,
    *exchange_queries.CHECKS,
    cohort_queries.CHECK,
    comeback_queries.CHECK,
    expiry_queries.CHECK,
    label_queries.CHECK,
    *second_grade_queries.CHECKS,
    *verdict_queries.CHECKS,
    *repair_queries.CHECKS,
    pallet_queries.CHECK,
    *departure_queries.CHECKS,
    *work_order_queries.CHECKS,
    *fraud_queries.CHECKS,
    *hold_queries.CHECKS,
)
