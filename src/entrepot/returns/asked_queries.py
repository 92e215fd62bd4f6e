"""What was answered to requests to return, why things come back, and what is kept by customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.returns import rules
from entrepot.returns.handles import HANDLE_OF
from entrepot.returns.reasons import Reasons, chosen, codes, offered, told


@dataclass(frozen=True, slots=True)
class TermsRow:
    """What the policies answered for a line of a return."""

    line: UUID
    own_reason: str
    condition: str
    lot: str
    serial: str
    answer: str
    outcomes: list[str]
    window_days: int
    days: int
    counted_from: str
    fee_percent: int
    bonus_percent: int
    label: bool
    reasons: list[str]
    policy_version: int
    withdraws: bool
    conforms: bool
    claims: bool
    refund_at: str
    send_at: str
    kept: dict[str, int]


def terms_of(return_id: UUID) -> dict[UUID, TermsRow]:
    """The terms of a return, by line; none of returns that were asked for before there were any. 1 statement."""
    return {row[0]: TermsRow(*row) for row in sql.run(_TERMS, {"id": return_id})}


def kept(returns: Collection[UUID]) -> dict[UUID, tuple[tuple[UUID, int], ...]]:
    """Of returns whose goods the customer keeps, the lines with the units that are not refunded yet. 1 statement."""
    found: dict[UUID, list[tuple[UUID, int]]] = defaultdict(list)
    for return_id, line, units in sql.run(_KEPT, {"returns": list(returns)}):
        found[return_id].append((line, units))
    return {return_id: tuple(lines) for return_id, lines in found.items()}


@dataclass(frozen=True, slots=True)
class ReasonOffered:
    """A reason that customers may give: its code and words, its root cause, and what other systems call it."""

    code: str
    says: str
    group: str
    x12: str
    shopify: str
    amazon: str
    shopify_handle: str


def reasons_offered(company: int, categories: Collection[str], at: datetime) -> list[ReasonOffered]:
    """What customers may choose from for goods of these categories, as the policy in force says. 1 statement."""
    return _offered(policies.of_company(company, Reasons, at)[1], categories)


def reasons_by_line(company: int, order: UUID, at: datetime) -> dict[UUID, list[ReasonOffered]]:
    """What customers may choose from for each line of an order. Where the house names no reasons for its goods, all
    that there are stand by root cause. 2 statements."""
    policy = policies.of_company(company, Reasons, at)[1]
    places = {group: i for i, group in enumerate(dict.fromkeys(one.group for one in rules.REASONS.values()))}
    found = {}
    for line, category in sql.run(_CATEGORY_OF_LINES, {"order": order}):
        found[line] = _offered(policy, [category])
        if not chosen(policy, category):
            found[line].sort(key=lambda one: places[one.group])
    return found


def _offered(policy: Reasons, categories: Collection[str]) -> list[ReasonOffered]:
    found = []
    for code, says in offered(policy, categories).items():
        base = policy.own[code].of if code in policy.own else code
        group, handle = rules.REASONS[base].group, HANDLE_OF[base]
        found.append(ReasonOffered(code, says, group, **codes(base), shopify_handle=handle))
    return found


def categories_of(order: UUID) -> list[str]:
    """The categories of what was sold with an order. 1 statement."""
    return [category for (category,) in sql.run(_CATEGORIES, {"order": order})]


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Units that came back, or shall, for a reason, and what was paid for them, less discounts and without tax."""

    group: str
    reason: str
    own_reason: str
    says: str
    category: str
    units: int
    returns: int
    goods_minor: int
    refunded: int


def by_reason(company: int, since: datetime, until: datetime) -> list[ReasonRow]:
    """Units asked to come back from a moment until before another, by root cause, reason and category: most first.

    2 statements.
    """
    policy = policies.of_company(company, Reasons, until)[1]
    params = {"company": company, "since": since, "until": until}
    found = []
    for reason, own_reason, *rest in sql.run(_BY_REASON, params):
        words = told(policy, reason, own_reason)
        found.append(ReasonRow(rules.REASONS[reason].group, reason, own_reason, words, *rest))
    return found


@dataclass(frozen=True, slots=True)
class SentRow:
    """Units that left in a time, by category."""

    category: str
    units: int


def sent(company: int, since: datetime, until: datetime) -> list[SentRow]:
    """What left from a moment until before another, by category. 1 statement."""
    params = {"company": company, "since": since, "until": until}
    return [SentRow(*row) for row in sql.run(_SENT, params)]


_TERMS = """
SELECT return_line_id, own_reason, condition, lot, serial, answer, outcomes, window_days, days, counted_from,
       fee_percent, bonus_percent, label, reasons, policy_version, withdraws, conforms, claims,
       refund_at, send_at, kept
FROM returns_terms WHERE return_id = %(id)s::uuid
"""

_KEPT = """
SELECT r.id, l.id, l.quantity - l.cancelled - l.refunded
FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id
WHERE r.id = ANY(%(returns)s::uuid[]) AND r.asked = 'keep' AND l.quantity > l.cancelled + l.refunded
ORDER BY l.id
"""

_CATEGORIES = """
SELECT DISTINCT k.category FROM orders_line AS l JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE l.order_id = %(order)s::uuid ORDER BY 1
"""

_CATEGORY_OF_LINES = """
SELECT l.id, k.category FROM orders_line AS l JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE l.order_id = %(order)s::uuid
"""

_BY_REASON = """
SELECT l.reason, COALESCE(t.own_reason, ''), k.category, sum(l.quantity - l.cancelled)::bigint, count(DISTINCT r.id),
       sum((o.gross_minor - o.discount_minor) * (l.quantity - l.cancelled) / o.quantity)::bigint,
       sum(l.refunded)::bigint
FROM returns_return AS r
JOIN returns_line AS l ON l.return_id = r.id
JOIN orders_line AS o ON o.id = l.line_id
JOIN catalog_sku AS k ON k.id = l.sku_id
LEFT JOIN returns_terms AS t ON t.return_line_id = l.id
WHERE r.company_id = %(company)s::smallint AND r.state NOT IN ('declined', 'cancelled')
  AND r.requested_at >= %(since)s::timestamptz AND r.requested_at < %(until)s::timestamptz
GROUP BY 1, 2, 3 HAVING sum(l.quantity - l.cancelled) > 0 ORDER BY 4 DESC, 1, 2, 3
"""

_SENT = """
SELECT k.category, sum(x.quantity)::bigint
FROM shipping_shipment AS h
JOIN shipping_shipmentline AS x ON x.shipment_id = h.id
JOIN catalog_sku AS k ON k.id = x.sku_id
WHERE h.company_id = %(company)s::smallint
  AND h.shipped_at >= %(since)s::timestamptz AND h.shipped_at < %(until)s::timestamptz
GROUP BY 1 ORDER BY 1
"""
