"""Repairs for customers and parcels that went back to them, for pages, programs and customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns import repairing


@dataclass(frozen=True, slots=True)
class RepairRow:
    """A repair. `price_minor` is in `currency`, that of the order; `cost_minor` is what the work and its parts cost, in
    the company's own. `parcel` is the number of the one that its units went back in."""

    id: UUID
    number: str
    state: str
    return_id: UUID
    return_number: str
    sku_code: str
    name: str
    quantity: int
    plan: str
    payer: str
    currency: str
    price_minor: int
    tax_minor: int
    told: str
    work_order: UUID | None
    work_order_number: str
    work_order_state: str
    cost_minor: int
    own_currency: str
    opened_by: str
    opened_at: datetime
    answered_by: str
    answered_at: datetime | None
    done_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    parcel: str

    @property
    def is_charged(self) -> bool:
        """Whether its customer pays the price, or is asked to."""
        return self.state in repairing.CHARGED


def repairs(
    company: int,
    *,
    state: str = "",
    return_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[RepairRow]:
    """Repairs, the latest first, behind the repair `after`."""
    params = {"company": company, "state": state, "return": return_id, "after": after, "limit": limit}
    return [RepairRow(*row) for row in sql.run(_REPAIRS, params)]


@dataclass(frozen=True, slots=True)
class SentBackRow:
    """A parcel to a customer, and how many units are in it."""

    id: UUID
    return_id: UUID
    carrier: str
    tracking: str
    state: str
    units: int
    sent_by: str
    sent_at: datetime
    delivered_at: datetime | None


def sent_back(return_id: UUID) -> list[SentBackRow]:
    """The parcels by which units of a return went back to their customer, in order."""
    return [SentBackRow(*row) for row in sql.run(_SENT_BACK, {"id": return_id})]


class ToSend(NamedTuple):
    """Units of a return that can go back to their customer: those that go, and repairs that came to nothing."""

    units: int
    unrepaired: tuple[tuple[UUID, str], ...]


def to_send(return_id: UUID) -> ToSend:
    """What waits to go back to the customer. 1 statement."""
    rows = sql.run(_TO_SEND, {"id": return_id})
    failed = tuple((which, number) for which, number, state, _ in rows if state in repairing.UNREPAIRED)
    return ToSend(sum(units for *_, state, units in rows if state not in repairing.UNREPAIRED), failed)


class Waiting(NamedTuple):
    """Units of a disposition that its customer wants repaired, and nobody has offered that yet."""

    disposition: UUID
    return_id: UUID
    return_number: str
    sku_code: str
    units: int
    since: datetime
    paid_minor: int
    currency: str


def waiting(company: int, return_id: UUID | None = None, limit: int = 50) -> list[Waiting]:
    """What waits for the offer of a repair, the oldest first. 1 statement."""
    params = {"company": company, "return": return_id, "limit": limit}
    return [Waiting(*row) for row in sql.run(_WAITING, params)]


@dataclass(frozen=True, slots=True)
class CycleTime:
    """Days that a step of repairs took: of half of them at most, and of nineteen in twenty."""

    step: str
    repairs: int
    half_days: float
    most_days: float


STEPS = (
    "arrived to offered",
    "offered to answered",
    "ordered to done",
    "done to sent",
    "sent to arrived",
    "all of it",
)


def cycle_times(company: int, since: datetime, until: datetime) -> list[CycleTime]:
    """How long repairs took that were sent back in a time, step by step. 1 statement."""
    rows = sql.run(_TIMES, {"company": company, "since": since, "until": until})
    found = {step: (int(count), float(half or 0), float(most or 0)) for step, count, half, most in rows}
    return [CycleTime(step, *found[step]) for step in STEPS if step in found]


_REPAIRS = """
SELECT p.id, p.number, p.state, r.id, r.number, o.sku_code, COALESCE(NULLIF(o.description, ''), o.sku_code), p.quantity,
       p.plan, p.payer, p.currency::text, p.price_minor, p.tax_minor, p.told, w.id, COALESCE(w.number, ''),
       COALESCE(w.state, ''), COALESCE(w.parts_minor + w.used_minor + w.labor_minor, 0), c.currency::text,
       p.opened_by, p.opened_at, p.answered_by, p.answered_at, p.done_at, p.sent_at, p.ended_at,
       COALESCE(b.tracking, '')
FROM returns_repair AS p
JOIN returns_return AS r ON r.id = p.return_id JOIN parties_company AS c ON c.id = p.company_id
JOIN returns_line AS l ON l.id = p.return_line_id JOIN orders_line AS o ON o.id = l.line_id
LEFT JOIN returns_workorder AS w ON w.id = p.work_order_id
LEFT JOIN returns_sentbackunits AS u ON u.repair_id = p.id LEFT JOIN returns_sentback AS b ON b.id = u.sent_back_id
WHERE p.company_id = %(company)s::smallint AND %(state)s::text IN ('', p.state)
  AND (%(return)s::uuid IS NULL OR p.return_id = %(return)s::uuid)
  AND (%(after)s::uuid IS NULL OR p.id < %(after)s::uuid)
ORDER BY p.id DESC LIMIT %(limit)s::int
"""

_SENT_BACK = """
SELECT b.id, b.return_id, b.carrier, b.tracking, b.state,
       (SELECT COALESCE(sum(d.quantity), 0)::int FROM returns_sentbackunits AS u
        JOIN returns_disposition AS d ON d.id = u.disposition_id WHERE u.sent_back_id = b.id),
       b.sent_by, b.sent_at, b.delivered_at
FROM returns_sentback AS b WHERE b.return_id = %(id)s::uuid ORDER BY b.id
"""

_TO_SEND = f"""
SELECT id, number, state, quantity FROM returns_repair
WHERE return_id = %(id)s::uuid AND state IN {("repaired", *repairing.UNREPAIRED)}
UNION ALL
SELECT d.id, '', '', d.quantity FROM returns_disposition AS d
WHERE d.return_id = %(id)s::uuid AND d.disposition = 'send_back'
  AND NOT EXISTS (SELECT FROM returns_sentbackunits AS u WHERE u.disposition_id = d.id)
ORDER BY 1
"""

_WAITING = f"""
SELECT d.id, r.id, r.number, o.sku_code, d.quantity - COALESCE(g.units, 0), d.decided_at,
       ((o.gross_minor - o.discount_minor + o.tax_minor) / o.quantity)::bigint, r.currency::text
FROM returns_disposition AS d JOIN returns_return AS r ON r.id = d.return_id
JOIN returns_line AS l ON l.id = d.return_line_id JOIN orders_line AS o ON o.id = l.line_id
LEFT JOIN returns_gathered AS g ON g.disposition_id = d.id
WHERE r.company_id = %(company)s::smallint AND d.disposition = 'repair' AND r.asked = 'repair'
  AND (%(return)s::uuid IS NULL OR d.return_id = %(return)s::uuid) AND d.quantity > COALESCE(g.units, 0)
  AND {repairing.HIS}
ORDER BY d.id LIMIT %(limit)s::int
"""

_TIMES = """
SELECT s.step, count(s.days), percentile_cont(0.5) WITHIN GROUP (ORDER BY s.days),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY s.days)
FROM returns_repair AS p
JOIN returns_disposition AS d ON d.id = p.disposition_id
JOIN returns_inspection AS i ON i.id = d.inspection_id JOIN returns_receipt AS c ON c.id = i.receipt_id
CROSS JOIN LATERAL (VALUES
    ('arrived to offered', p.opened_at - c.received_at), ('offered to answered', p.answered_at - p.opened_at),
    ('ordered to done', p.done_at - COALESCE(p.answered_at, p.opened_at)), ('done to sent', p.sent_at - p.done_at),
    ('sent to arrived', p.ended_at - p.sent_at), ('all of it', COALESCE(p.ended_at, p.sent_at) - c.received_at)
) AS t(step, took)
CROSS JOIN LATERAL (SELECT t.step, EXTRACT(epoch FROM t.took)::float8 / 86400 AS days) AS s
WHERE p.company_id = %(company)s::smallint AND p.sent_at >= %(since)s::timestamptz
  AND p.sent_at < %(until)s::timestamptz
  AND s.days IS NOT NULL
GROUP BY s.step
"""

# invariant 33: of a line so many units went back from repairs as these say, each in one parcel
_SENT = f"""
SELECT format('return line %s says %s units back from repairs, its repairs say %s', l.id, l.repaired,
              COALESCE(p.units, 0))
FROM returns_line AS l
LEFT JOIN (SELECT return_line_id, sum(quantity) AS units FROM returns_repair WHERE state IN {repairing.BACK}
           GROUP BY 1) AS p ON p.return_line_id = l.id
WHERE l.repaired <> COALESCE(p.units, 0)
UNION ALL
SELECT format('repair %s is %s and in %s parcels', p.number, p.state, count(u.disposition_id))
FROM returns_repair AS p LEFT JOIN returns_sentbackunits AS u ON u.repair_id = p.id
GROUP BY p.id HAVING count(u.disposition_id) <> (CASE WHEN p.sent_at IS NULL THEN 0 ELSE 1 END)
"""

# invariant 34: what customers agreed to pay is in the books once what it was for went back, and nothing before, nor
# where it was lost on its way and something else was agreed on
_CHARGED = """
SELECT format('repair %s was to cost its customer %s, account 1150 says %s', p.number, s.price, COALESCE(b.amount, 0))
FROM returns_repair AS p
CROSS JOIN LATERAL (
    SELECT CASE WHEN p.state <> 'settled' AND EXISTS (
        SELECT FROM returns_sentbackunits AS u JOIN returns_disposition AS d ON d.id = u.disposition_id
        WHERE u.repair_id = p.id AND d.reason = 'repaired') THEN p.price_minor ELSE 0 END AS price) AS s
LEFT JOIN (SELECT document_id, sum(amount_minor) AS amount FROM ledger_line
           WHERE event = 'repair.charged' AND account = 1150 GROUP BY 1) AS b ON b.document_id = p.id
WHERE s.price <> COALESCE(b.amount, 0)
"""

# invariant 33: nothing else has become of units that are in repair
_TWICE = f"""
SELECT format('return line %s has %s units in repair, and only %s that nothing else has become of', l.id, p.units,
              l.quantity - l.cancelled - l.refunded - l.refused - l.repaired)
FROM returns_line AS l
JOIN (SELECT return_line_id, sum(quantity) AS units FROM returns_repair WHERE state NOT IN {repairing.ENDED}
      GROUP BY 1) AS p ON p.return_line_id = l.id
WHERE p.units > l.quantity - l.cancelled - l.refunded - l.refused - l.repaired
"""

CHECKS = (_SENT, _CHARGED, _TWICE)
