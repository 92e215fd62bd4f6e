"""What is asked of orders: pages for people, demand for sourcing, frozen amounts for shipping."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.orders import promoting, regrouping, rules
from entrepot.orders.promoting import PromotionTerms
from entrepot.payments.queries import of_order

# ---- for the rooms above

SERVED_WITH = """COALESCE((SELECT max(promised.priority) FROM stock_allocation AS promised
    WHERE promised.order_id = o.id), o.priority)::int"""
"""The priority with which an order `o` is served, in SQL: that of its promises, in which what its customer's tier and
its margin add is, else its own. All that ranks orders from sourcing to the truck asks this."""


FILL = """CASE WHEN o.min_fill_percent > 0 THEN (
           SELECT ARRAY[o.min_fill_percent, COALESCE(sum(w.quantity - w.cancelled), 0),
                        COALESCE(sum(w.quantity - w.cancelled - w.open - w.backordered), 0),
                        COALESCE(sum(w.allocated), 0)]::int[]
           FROM orders_line AS w WHERE w.order_id = o.id AND w.kind = 'goods') END"""
"""How much of an order `o` must have its goods before any leaves, as `window.Fill`, in SQL; NULL where any part may
go."""


LAPSED = """EXISTS (
           SELECT FROM payments_payment AS t WHERE t.order_id = o.id AND t.expires_at <= %(at)s::timestamptz
             AND t.authorized_minor > t.captured_minor AND t.state NOT IN ('voided', 'failed') AND NOT t.is_hold)"""
"""Whether an authorization of an order `o` is over that was not captured in full, in SQL: whether its others suffice is
for `lapsing` to say."""

LAPSING = """
    SELECT h.order_id FROM orders_hold AS h
    WHERE h.company_id = %(company)s::smallint AND h.state = 'open' AND h.facts -> 'rules' ? %(lapse_rule)s::text
    UNION ALL SELECT w.subject_id FROM work_item AS w
    WHERE w.company_id = %(company)s::smallint AND w.type = %(lapse_item)s::text AND w.state <> 'done'"""
"""Orders of a company that somebody was told of because their authorization ends, in SQL."""


class Demand(NamedTuple):
    """A line of goods with units that nobody has promised yet."""

    line: UUID
    order: UUID
    company: int
    channel: UUID
    sku: UUID
    open: int
    backordered: int
    country: str
    postal_code: str
    policy: str
    priority: int
    promise_at: datetime | None
    placed_at: datetime


def demand(orders: Collection[UUID]) -> list[Demand]:
    """Open and backordered units of orders that nothing keeps from allocation, by order and line. One statement."""
    return [Demand(*row) for row in sql.run(_DEMAND, {"orders": list(orders)})]


class LineMoney(NamedTuple):
    """A line's frozen amounts, and how many of its units have left already."""

    line: UUID
    order: UUID
    company: int
    channel: UUID
    currency: str
    kind: str
    sku: UUID | None
    quantity: int
    gone: int
    cancelled: int
    gross: int
    discount: int
    shipping: int
    tax: int

    def of_next(self, count: int) -> rules.Frozen:
        """What the next `count` units to leave bear; units are cancelled from the other end."""
        frozen = rules.Frozen(self.gross, self.discount, self.shipping, self.tax)
        return frozen.of_units(self.quantity, self.gone, count)


def line_money(lines: Collection[UUID]) -> dict[UUID, LineMoney]:
    """Frozen amounts by line. One statement. Asked before the units are moved on to `shipped`."""
    return {row[0]: LineMoney(*row) for row in sql.run(_LINE_MONEY, {"lines": list(lines)})}


def services(orders: Collection[UUID]) -> dict[UUID, list[LineMoney]]:
    """Lines of the orders that are no goods and not performed yet, by order. One statement."""
    found: dict[UUID, list[LineMoney]] = {}
    for row in sql.run(_SERVICES, {"orders": list(orders)}):
        found.setdefault(row[1], []).append(LineMoney(*row))
    return found


def blocked(orders: Collection[UUID], transition: str) -> set[UUID]:
    """The orders that an open hold keeps from a transition: allocate, release, ship. One statement."""
    params = {"orders": list(orders), "transition": transition}
    return {order for (order,) in sql.run(_BLOCKED, params)}


def ids_of(company: int, channel: str, external_ids: Collection[str]) -> dict[str, UUID]:
    """Orders of a channel by the ids it gave them. One statement."""
    params = {"company": company, "channel": channel, "externals": list(external_ids)}
    return dict(sql.run(_IDS_OF, params))  # type: ignore[arg-type]


def ids_numbered(company: int, numbers: Collection[str]) -> dict[str, UUID]:
    """Orders of a company by the numbers that people see. One statement."""
    return dict(sql.run(_IDS_NUMBERED, {"company": company, "numbers": list(numbers)}))  # type: ignore[arg-type]


class ExpiredHold(NamedTuple):
    """An open hold whose time is over, and what its terms say for that."""

    hold: UUID
    order: UUID
    type: str
    at_expiry: str


def expired_holds(
    companies: Collection[int], at: datetime, *, among: Collection[UUID] | None = None, limit: int = 500
) -> list[ExpiredHold]:
    """Open holds that have expired, `among` some; those that expired first. One statement."""
    params = {"companies": list(companies), "at": at, "limit": limit}
    params["among"] = None if among is None else list(among)
    return [ExpiredHold(*row) for row in sql.run(_EXPIRED, params)]


# ---- for people


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A line of the list of orders."""

    id: UUID
    number: str
    channel: str
    external_id: str
    customer: str | None
    country: str
    status: str
    currency: str
    total_minor: int
    line_count: int
    placed_at: datetime


def orders_page(
    company: int,
    *,
    status: str | None = None,
    channel: str | None = None,
    text: str | None = None,
    ship_by_before: date | None = None,
    after: UUID | None = None,
    limit: int = 50,
    narrowed: str = "",
    said: Mapping[str, Any] | None = None,
) -> list[OrderRow]:
    """Orders, the latest first, behind the order `after`; `text` is a number, an external id or a customer's code.
    With `ship_by_before` those that should have left before that day and have not. `narrowed` is a condition on orders
    `o` that the caller makes, with the values that it names."""
    params = dict(said or {}) | {
        "ship_by_before": ship_by_before, "ended": list(rules.ENDED),
        "company": company, "status": status or None, "channel": channel or None, "text": text or None,
        "after": after, "limit": limit,
    }  # fmt: skip
    also = f"AND {narrowed} " if narrowed else ""
    statement = _ROW + (_OF_TEXT if text else "") + also + _IN_ORDER
    return [OrderRow(*row) for row in sql.run(statement, params)]


def by_status(company: int) -> dict[str, int]:
    """Orders by status, in the order of an order's life."""
    found = dict(sql.run(_BY_STATUS, {"company": company}))  # type: ignore[arg-type]
    return {status: found[status] for status in rules.STATUSES if status in found}


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line with its amounts and where its units stand."""

    id: UUID
    number: int
    kind: str
    sku_id: UUID | None
    sku_code: str
    description: str
    quantity: int
    unit_price: Decimal
    gross_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    open: int
    backordered: int
    allocated: int
    with_supplier: int
    released: int
    picked: int
    packed: int
    shipped: int
    delivered: int
    cancelled: int
    instead_of: UUID | None = None
    kit_code: str = ""
    kit_number: int = 0
    kit_units: int = 0
    final_sale: bool = False

    @property
    def places(self) -> dict[str, int]:
        """Units by place, without the empty ones."""
        return {place: units for place in rules.PLACES if (units := getattr(self, place))}


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold as people see it. Who is asked, who has taken it and when it is due are its work item's; `follows` is the
    type it followed."""

    id: UUID
    order: UUID
    order_number: str
    type: str
    reason: str
    facts: dict[str, Any]
    blocks: list[str]
    owner_role: str
    state: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str
    work_item: UUID | None
    waits_for: str
    expires_at: datetime | None
    at_expiry: str
    next: str
    follows: str | None
    resolution: str
    note: str
    policy_version: int
    owner: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """A promotion that a discount was given for; of the whole order where `line` is None. `terms` are what it was given
    for, where a policy knew that when the order was placed."""

    code: str
    amount_minor: int
    line: int | None
    terms: PromotionTerms | None


@dataclass(frozen=True, slots=True)
class WarningRow:
    """What a rule of validation noticed that only warns."""

    rule: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order with its lines, holds and promotions, and what validation only noticed."""

    id: UUID
    company: int
    number: str
    channel: str
    external_id: str
    customer: str | None
    address_id: UUID | None
    billing_id: UUID | None
    currency: str
    country: str
    postal_code: str
    placed_at: datetime
    priority: int
    promise_at: datetime | None
    policy: str
    service: str
    status: str
    commercial: str
    returns: str
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    policy_version: int
    demand: str
    campaign: str
    substitutes: str
    signals: list[str]
    ship_not_before: date | None
    ship_by: date | None
    cancel_after: date | None
    min_fill_percent: int
    origin: UUID | None  # the order that it was split from
    merged_into: UUID | None
    payment: str
    lines: tuple[LineRow, ...]
    holds: tuple[HoldRow, ...]
    promotions: tuple[PromotionRow, ...]
    warnings: tuple[WarningRow, ...]


def currency_of(order: UUID) -> str:
    """The currency of an order, '' where there is none such. One statement."""
    found = sql.run("SELECT currency FROM orders_order WHERE id = %(order)s", {"order": order})
    return found[0][0] if found else ""


def order(order_id: UUID) -> OrderView | None:
    """One order, or None. 6 statements."""
    found = sql.run(_ORDER, {"order": order_id})
    if not found:
        return None
    tenders = [
        (one.state, one.authorized_minor, one.captured_minor, one.refunded_minor)
        for one in of_order(order_id)
    ]
    lines = tuple(LineRow(*row) for row in sql.run(_LINES, {"order": order_id}))
    promotions = tuple(
        PromotionRow(code, minor, line, promoting.read(terms))
        for code, minor, line, terms in sql.run(_PROMOTIONS, {"order": order_id})
    )
    warnings = tuple(WarningRow(*row) for row in sql.run(_WARNINGS, {"order": order_id}))
    paid = rules.derive_payment(tenders)
    return OrderView(*found[0], paid, lines, tuple(holds_of(order_id)), promotions, warnings)  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True)
class RelativeRow:
    """An order that another came of: `split from`, `split into`, `merged into` or `merged`, as that one sees it."""

    id: UUID
    number: str
    status: str
    relation: str


def relatives(order_id: UUID) -> list[RelativeRow]:
    """The orders that an order was split from or into, or merged with. One statement."""
    return [RelativeRow(*row) for row in sql.run(_RELATIVES, {"order": order_id})]


@dataclass(frozen=True, slots=True)
class MergeRow:
    """An order that may become part of another, or the other of it."""

    id: UUID
    number: str
    external_id: str
    status: str
    currency: str
    total_minor: int
    line_count: int
    placed_at: datetime
    why_not: str = ""
    """Why it can't become part of it now."""


def mergeable(order_id: UUID, *, limit: int = 20) -> list[MergeRow]:
    """Orders that could be merged with an order now, the earliest first: [] where it can't be itself. One statement."""
    why, others = beside(order_id, limit=limit)
    return [] if why else [one for one in others if not one.why_not]


def beside(order_id: UUID, *, limit: int = 20) -> tuple[str, list[MergeRow]]:
    """Why an order can't be merged with any other now, and the open orders of its customer, the earliest first, each
    with why it can't become part of this one. One statement."""
    found = sql.run(_BESIDE, {"order": order_id, "limit": limit, "ended": list(rules.ENDED)})
    if not found:
        return "", []
    (_, itself), *others = [
        (row[:8], regrouping.Beside(row[8], regrouping.Mergeable(*row[9:12]), regrouping.Alike(*row[12:])))
        for row in found
    ]
    rows = [MergeRow(*row, regrouping.why_apart(one, itself)) for row, one in others]  # type: ignore[call-arg]
    return regrouping.why_not_now(itself), rows


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft or quote, with the order that it is, or became (`order_id`)."""

    id: UUID
    company: int
    number: str
    channel: str
    customer: str
    currency: str
    total_minor: int
    valid_until: datetime | None
    state: str
    order_id: UUID | None
    saved_by: str
    saved_at: datetime
    body: str
    address_id: UUID | None  # whom it is for, in the vault


def drafts(
    company: int, *, state: str = "draft", after: UUID | None = None, limit: int = 200
) -> list[DraftRow]:
    """Drafts in a state, the latest first, behind the one `after`. 1 statement."""
    which = """q.company_id = %(company)s::smallint AND q.state = %(state)s::text
      AND (%(after)s::uuid IS NULL OR q.id < %(after)s::uuid)"""
    params = {"company": company, "state": state, "after": after, "limit": limit}
    return [DraftRow(*row) for row in sql.run(_DRAFTS.format(which=which) + _FIRST, params)]


def draft(which: UUID) -> DraftRow | None:
    """One draft, or None."""
    found = sql.run(_DRAFTS.format(which="q.id = %(draft)s::uuid"), {"draft": which})
    return DraftRow(*found[0]) if found else None


def draft_of(order: UUID) -> UUID | None:
    """The draft or quote that an order was, or None."""
    found = sql.run("SELECT id FROM orders_draft WHERE order_id = %(order)s::uuid", {"order": order})
    return found[0][0] if found else None


def holds_of(order_id: UUID) -> list[HoldRow]:
    """All holds of an order, the first opened first."""
    return [
        HoldRow(*row)
        for row in sql.run(_HOLDS.format(which="h.order_id = %(order)s::uuid"), {"order": order_id})
    ]


def holds(
    company: int,
    *,
    kind: str | None = None,
    role: str | None = None,
    owner: str | None = None,
    due_before: datetime | None = None,
    orders: Collection[UUID] | None = None,
    after: UUID | None = None,
    limit: int = 200,
) -> list[HoldRow]:
    """Open holds of a company, the longest open first, behind the hold `after`; with `orders`, only theirs."""
    params = {
        "company": company, "kind": kind, "role": role, "owner": owner, "due": due_before, "after": after,
        "limit": limit, "orders": None if orders is None else list(orders),
    }  # fmt: skip
    return [HoldRow(*row) for row in sql.run(_HOLDS.format(which=_OPEN_HOLDS) + _FIRST, params)]


@dataclass(frozen=True, slots=True)
class Moment:
    """One event in the life of an order."""

    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command: str
    before: str
    after: str
    reason: str
    payload: dict[str, Any] | None


def timeline(order_id: UUID) -> list[Moment]:
    """What happened to an order, the earliest first."""
    return [Moment(*row) for row in sql.run(_TIMELINE, {"order": order_id})]


@dataclass(frozen=True, slots=True)
class CreditRow:
    """A credit that no sale is known for."""

    id: UUID
    number: str
    channel: str
    external_id: str
    customer: str | None
    currency: str
    total_minor: int
    credited_at: datetime
    state: str
    entered_by: str


def credits(company: int, *, state: str = "unmatched", limit: int = 200) -> list[CreditRow]:  # noqa: A001  the noun
    """Credits in a state, the latest first."""
    params = {"company": company, "state": state, "limit": limit}
    return [CreditRow(*row) for row in sql.run(_CREDITS, params)]


# ---- what must be true


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"orders": sql.run(_COUNT_ORDERS)[0][0], "order lines": sql.run(_COUNT_LINES)[0][0]}


def gift_message(order: UUID) -> str:
    """What the buyer wrote to whoever gets it: of the order, else of the one that it was split from; and of those that
    became part of it. Show it to those who pack. 1 statement."""
    return "\n\n".join(message for (message,) in sql.run(_GIFT_MESSAGE, {"id": order}))


def discrepancies() -> list[str]:
    """Sentences about orders that disagree with their lines, holds or credits; [] when all is right."""
    wrong = [sentence for statement in _WRONG for (sentence,) in sql.run(statement)]
    for number, status, commercial, held_by, *units in sql.run(_STATUSES):
        derived = rules.derive_status(commercial, held_by, *_halves(units))
        if derived != status:
            wrong.append(f"order {number}: its status is {status}, its lines say {derived}")
    return wrong


def _halves(units: Sequence[int]) -> tuple[rules.Totals, rules.Totals]:
    """Units of goods and of services."""
    places = len(rules.PLACES)
    return rules.Totals(*units[:places]), rules.Totals(*units[places:])


_DEMAND = """
SELECT l.id, l.order_id, l.company_id::int, o.channel_id, l.sku_id, l.open, l.backordered, o.country, o.postal_code,
       o.policy, o.priority::int, o.promise_at, o.placed_at
FROM orders_line AS l JOIN orders_order AS o ON o.id = l.order_id
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.sku_id IS NOT NULL AND l.kind = 'goods' AND l.open + l.backordered > 0
  AND NOT EXISTS (SELECT FROM orders_hold AS h
                  WHERE h.order_id = o.id AND h.state = 'open' AND 'allocate' = ANY(h.blocks))
ORDER BY l.order_id, l.number
"""

_MONEY = """
SELECT l.id, l.order_id, l.company_id::int, o.channel_id, o.currency, l.kind, l.sku_id, l.quantity,
       l.shipped + l.delivered, l.cancelled, l.gross_minor, l.discount_minor, l.shipping_minor, l.tax_minor
FROM orders_line AS l JOIN orders_order AS o ON o.id = l.order_id
"""

_LINE_MONEY = _MONEY + "WHERE l.id = ANY(%(lines)s::uuid[])"

_SERVICES = (
    _MONEY + "WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.kind <> 'goods' AND l.open > 0\n"
    "ORDER BY l.order_id, l.number"
)

_BLOCKED = """
SELECT DISTINCT order_id FROM orders_hold
WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'open' AND %(transition)s::text = ANY(blocks)
"""

_EXPIRED = """
SELECT id, order_id, type, at_expiry FROM orders_hold
WHERE state = 'open' AND expires_at <= %(at)s::timestamptz AND company_id = ANY(%(companies)s::smallint[])
  AND (%(among)s::uuid[] IS NULL OR id = ANY(%(among)s::uuid[]))
ORDER BY expires_at, id LIMIT %(limit)s::int
"""

_IDS_NUMBERED = """
SELECT number, id FROM orders_order WHERE company_id = %(company)s::smallint AND number = ANY(%(numbers)s::text[])
"""

_IDS_OF = """
SELECT o.external_id, o.id FROM orders_order AS o
WHERE o.company_id = %(company)s::smallint AND o.external_id = ANY(%(externals)s::text[])
  AND o.channel_id = (SELECT id FROM network_channel
                      WHERE company_id = %(company)s::smallint AND code = %(channel)s::text)
"""

_ROW = """
SELECT o.id, o.number, c.code, o.external_id, u.code, o.country, o.status, o.currency, o.total_minor, o.line_count,
       o.placed_at
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_customer AS u ON u.id = o.customer_id
WHERE o.company_id = %(company)s::smallint
  AND (%(status)s::text IS NULL OR o.status = %(status)s::text)
  AND (%(channel)s::text IS NULL OR c.code = %(channel)s::text)
  AND (%(after)s::uuid IS NULL OR o.id < %(after)s::uuid)
  AND (%(ship_by_before)s::date IS NULL
       OR (o.ship_by < %(ship_by_before)s::date AND o.status <> ALL(%(ended)s::text[])))
"""

# Keys are made in the order of placing, so the primary key is the order of the list.
_IN_ORDER = "ORDER BY o.id DESC LIMIT %(limit)s::int"

_OF_TEXT = """
  AND o.id IN (
    SELECT id FROM orders_order WHERE number = upper(%(text)s::text)
    UNION SELECT id FROM orders_order
    WHERE company_id = %(company)s::smallint AND external_id = %(text)s::text
      AND channel_id IN (SELECT id FROM network_channel WHERE company_id = %(company)s::smallint)
    UNION SELECT id FROM orders_order
    WHERE customer_id IN (SELECT id FROM parties_customer
                          WHERE company_id = %(company)s::smallint AND code = %(text)s::text)
  )
"""

_BY_STATUS = """
SELECT status, count(*)::int FROM orders_order WHERE company_id = %(company)s::smallint GROUP BY 1
"""

_ORDER = """
SELECT o.id, o.company_id::int, o.number, c.code, o.external_id, u.code, o.address_id, o.billing_id, o.currency,
       o.country, o.postal_code, o.placed_at, o.priority::int, o.promise_at, o.policy, o.service, o.status,
       o.commercial, o.returns, o.goods_minor, o.discount_minor, o.shipping_minor, o.tax_minor, o.total_minor,
       o.policy_version, o.demand, o.campaign, o.substitutes, o.signals, o.ship_not_before, o.ship_by,
       o.cancel_after, o.min_fill_percent::int, o.origin_id, o.merged_into
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_customer AS u ON u.id = o.customer_id
WHERE o.id = %(order)s::uuid
"""

_ALL = ", ".join(rules.PLACES)

_LINES = f"""
SELECT id, number, kind, sku_id, sku_code, description, quantity, unit_price, gross_minor, discount_minor,
       shipping_minor, tax_minor, {_ALL}, instead_of, kit_code, kit_number, kit_units, final_sale
FROM orders_line WHERE order_id = %(order)s::uuid ORDER BY number
"""

_HOLDS = """
SELECT h.id, h.order_id, o.number, h.type, h.reason, h.facts - 'rules', h.blocks,
       COALESCE(w.role, h.owner_role), h.state, h.opened_at, h.closed_at, h.closed_by, h.work_item, h.waits_for,
       h.expires_at, h.at_expiry, h.next,
       (SELECT b.type FROM orders_hold AS b WHERE b.id = h.follows), h.resolution, h.note, h.policy_version,
       COALESCE(w.owner, ''), w.due_at
FROM orders_hold AS h JOIN orders_order AS o ON o.id = h.order_id LEFT JOIN work_item AS w ON w.id = h.work_item
WHERE {which} ORDER BY h.opened_at, h.id
"""

_OPEN_HOLDS = """h.company_id = %(company)s::smallint AND h.state = 'open'
  AND (%(kind)s::text IS NULL OR h.type = %(kind)s::text)
  AND (%(role)s::text IS NULL OR COALESCE(w.role, h.owner_role) = %(role)s::text)
  AND (%(owner)s::text IS NULL OR w.owner = %(owner)s::text)
  AND (%(due)s::timestamptz IS NULL OR w.due_at < %(due)s::timestamptz)
  AND (%(orders)s::uuid[] IS NULL OR h.order_id = ANY(%(orders)s::uuid[]))
  AND (%(after)s::uuid IS NULL OR (h.opened_at, h.id) >
       (SELECT last.opened_at, last.id FROM orders_hold AS last WHERE last.id = %(after)s::uuid))"""

_RELATIVES = """
SELECT id, number, status, relation FROM (
    SELECT r.id, r.number, r.status, 'split from' AS relation
    FROM orders_order AS o JOIN orders_order AS r ON r.id = o.origin_id WHERE o.id = %(order)s::uuid
    UNION ALL
    SELECT r.id, r.number, r.status, 'merged into'
    FROM orders_order AS o JOIN orders_order AS r ON r.id = o.merged_into WHERE o.id = %(order)s::uuid
    UNION ALL SELECT id, number, status, 'split into' FROM orders_order WHERE origin_id = %(order)s::uuid
    UNION ALL SELECT id, number, status, 'merged' FROM orders_order WHERE merged_into = %(order)s::uuid
) AS relative ORDER BY relation, id
"""

# As the command that merges sees them under its lock; with the order itself, which comes first.
_BESIDE = """
SELECT o.id, o.number, o.external_id, o.status, o.currency, o.total_minor, o.line_count, o.placed_at,
       o.commercial <> 'confirmed'
       OR EXISTS (SELECT FROM orders_hold AS h WHERE h.order_id = o.id AND h.state = 'open'),
       o.customer_id IS NOT NULL,
       (SELECT COALESCE(sum(l.with_supplier + l.released + l.picked + l.packed + l.shipped + l.delivered), 0)::int
        FROM orders_line AS l WHERE l.order_id = o.id),
       (SELECT COALESCE(sum(p.captured_minor + p.capturing_minor), 0)::bigint
        FROM payments_payment AS p WHERE p.order_id = o.id),
       o.company_id::int, o.channel_id, o.customer_id, o.currency, o.country, o.postal_code,
       COALESCE((SELECT a.place FROM parties_address AS a WHERE a.id = o.address_id), ''), o.service, o.demand,
       o.policy, o.campaign, o.substitutes,
       COALESCE((SELECT b.billed FROM parties_address AS b WHERE b.id = o.billing_id), ''),
       (o.ship_not_before, o.ship_by, o.cancel_after, o.min_fill_percent)::text
FROM (
    SELECT id FROM orders_order WHERE id = %(order)s::uuid
    UNION ALL (
        SELECT other.id FROM orders_order AS one JOIN orders_order AS other ON other.customer_id = one.customer_id
        WHERE one.id = %(order)s::uuid AND other.id <> one.id AND other.status <> ALL(%(ended)s::text[])
        ORDER BY other.placed_at DESC, other.id DESC LIMIT %(limit)s::int
    )
) AS wanted JOIN orders_order AS o ON o.id = wanted.id ORDER BY o.id = %(order)s::uuid DESC, o.placed_at, o.id
"""

_DRAFTS = """
SELECT q.id, q.company_id::int, q.number, c.code, q.customer, q.currency, q.total_minor, q.valid_until, q.state,
       q.order_id, q.saved_by, q.saved_at, q.body::text, q.address_id
FROM orders_draft AS q JOIN network_channel AS c ON c.id = q.channel_id
WHERE {which} ORDER BY q.id DESC
"""

_FIRST = "LIMIT %(limit)s::int"

_PROMOTIONS = """
SELECT p.code, p.amount_minor, l.number, p.terms::text
FROM orders_promotion AS p LEFT JOIN orders_line AS l ON l.id = p.line_id
WHERE p.order_id = %(order)s::uuid ORDER BY l.number NULLS FIRST, p.id
"""

# Commands that validate write what their rules only noticed into the order's own event.
_WARNINGS = """
SELECT w.warning->>0, w.warning->>1, e.occurred_at
FROM kernel_event AS e
CROSS JOIN LATERAL jsonb_array_elements(e.payload->'warnings') WITH ORDINALITY AS w(warning, place)
WHERE e.subject_id = %(order)s::uuid AND e.command IN ('orders.place', 'orders.edit') ORDER BY e.seq, w.place
"""

_TIMELINE = """
SELECT seq, occurred_at, recorded_at, actor, command, state_before, state_after, reason, payload FROM kernel_event
WHERE subject_id = %(order)s::uuid ORDER BY seq
"""

_CREDITS = """
SELECT r.id, r.number, c.code, r.external_id, u.code, r.currency, r.total_minor, r.credited_at, r.state,
       r.entered_by
FROM orders_credit AS r JOIN network_channel AS c ON c.id = r.channel_id
LEFT JOIN parties_customer AS u ON u.id = r.customer_id
WHERE r.company_id = %(company)s::smallint AND r.state = %(state)s::text
ORDER BY r.credited_at DESC, r.id DESC LIMIT %(limit)s::int
"""

_COUNT_ORDERS = "SELECT count(*) FROM orders_order"
_COUNT_LINES = "SELECT count(*) FROM orders_line"

# invariant 3: an order's amounts are the sums of its lines'
_WRONG_AMOUNTS = """
SELECT format('order %s: its amounts are %s, its lines sum to %s', o.number,
              (o.goods_minor, o.discount_minor, o.shipping_minor, o.tax_minor, o.line_count),
              (l.goods, l.discount, l.shipping, l.tax, l.lines))
FROM orders_order AS o LEFT JOIN (
    SELECT order_id, sum(gross_minor) AS goods, sum(discount_minor) AS discount, sum(shipping_minor) AS shipping,
           sum(tax_minor) AS tax, count(*) AS lines
    FROM orders_line GROUP BY order_id) AS l ON l.order_id = o.id
WHERE (o.goods_minor, o.discount_minor, o.shipping_minor, o.tax_minor, o.line_count)
      IS DISTINCT FROM (l.goods, l.discount, l.shipping, l.tax, l.lines)
  AND (o.merged_into IS NULL OR l.lines > 0)
"""

_ORPHANS = """
SELECT format('order line %s belongs to no order', l.id) FROM orders_line AS l
WHERE NOT EXISTS (SELECT FROM orders_order AS o WHERE o.id = l.order_id)
"""

_LOST_FINGERPRINTS = """
SELECT format('fingerprint %s belongs to no order', f.fingerprint) FROM orders_fingerprint AS f
WHERE NOT EXISTS (SELECT FROM orders_order AS o WHERE o.id = f.order_id)
"""

_FIRST_HOLD = " ".join(f"WHEN '{hold}' = ANY(h.types) THEN '{hold}'" for hold in rules.HOLDS)

# invariant 5: an order shows the first of its open holds
_WRONG_HOLDS = f"""
SELECT format('order %s: it is held by "%s", its open holds say "%s"', o.number, o.held_by,
              CASE {_FIRST_HOLD} ELSE '' END)
FROM orders_order AS o LEFT JOIN (
    SELECT order_id, array_agg(type) AS types FROM orders_hold WHERE state = 'open' GROUP BY order_id) AS h
  ON h.order_id = o.id
WHERE o.held_by <> CASE {_FIRST_HOLD} ELSE '' END
"""

# invariant 13: a hold that follows another opened when that one was released
_WRONG_CHAINS = """
SELECT format('hold %s follows %s of order %s, which is %s', h.id, h.follows, b.order_id, COALESCE(b.state, 'missing'))
FROM orders_hold AS h LEFT JOIN orders_hold AS b ON b.id = h.follows
WHERE h.follows IS NOT NULL AND (b.state, b.order_id) IS DISTINCT FROM ('released', h.order_id)
"""

# invariant 14: nothing holds an order that is no more
_HELD_FOR_NOTHING = """
SELECT format('order %s is %s, and a %s is still open', o.number, o.commercial, h.type)
FROM orders_hold AS h JOIN orders_order AS o ON o.id = h.order_id
WHERE h.state = 'open' AND o.commercial IN ('cancelled', 'closed')
"""

# invariant 10: promotions are parts of discounts
_WRONG_PROMOTIONS = """
SELECT format('order %s: promotions of %s exceed the discount of %s', o.number, sum(p.amount_minor),
              COALESCE(l.discount_minor, o.discount_minor))
FROM orders_promotion AS p JOIN orders_order AS o ON o.id = p.order_id
LEFT JOIN orders_line AS l ON l.id = p.line_id
GROUP BY o.id, l.id HAVING sum(p.amount_minor) > COALESCE(l.discount_minor, o.discount_minor)
"""

# invariant 7: a credit is the sum of its lines
_WRONG_CREDITS = """
SELECT format('credit %s: its total is %s, its lines sum to %s', c.number, c.total_minor, l.total)
FROM orders_credit AS c LEFT JOIN (
    SELECT credit_id, sum(amount_minor) AS total FROM orders_creditline GROUP BY credit_id) AS l ON l.credit_id = c.id
WHERE c.total_minor IS DISTINCT FROM l.total
"""

# invariant 15: what is sent instead of a line's units is of its order, and no more than is cancelled of them
_WRONG_SUBSTITUTES = """
SELECT format('order line %s: %s units are sent instead of it, %s of it are cancelled', s.instead_of, s.units,
              COALESCE(l.cancelled, 0))
FROM (SELECT order_id, instead_of, sum(quantity) AS units FROM orders_line WHERE instead_of IS NOT NULL GROUP BY 1, 2)
     AS s
LEFT JOIN orders_line AS l ON l.id = s.instead_of AND l.order_id = s.order_id
WHERE s.units > COALESCE(l.cancelled, 0)
"""

# invariant 16: the lines of a kit have the components of as many kits
_WRONG_KITS = """
SELECT format('order %s: its kit %s has components of %s to %s kits', o.number, l.code, l.least, l.most)
FROM (SELECT order_id, kit_number, min(kit_code) AS code, min(quantity / kit_units) AS least,
             max((quantity - 1) / kit_units + 1) AS most, count(DISTINCT kit_code) AS codes
      FROM orders_line WHERE kit_number > 0 GROUP BY 1, 2) AS l
JOIN orders_order AS o ON o.id = l.order_id WHERE l.least <> l.most OR l.codes > 1
"""

_WRONG: Sequence[str] = (
    _WRONG_AMOUNTS,
    _ORPHANS,
    _LOST_FINGERPRINTS,
    _WRONG_HOLDS,
    _WRONG_CHAINS,
    _HELD_FOR_NOTHING,
    _WRONG_PROMOTIONS,
    _WRONG_CREDITS,
    _WRONG_SUBSTITUTES,
    _WRONG_KITS,
)

_SUMS = ", ".join(
    f"COALESCE(sum(l.{place}) FILTER (WHERE {kinds}), 0)::int"
    for kinds in ("l.kind = 'goods'", "l.kind <> 'goods'")
    for place in rules.PLACES
)

# One row for each different state of affairs, so that a year of orders derives a handful of statuses.
_STATUSES = f"""
SELECT min(number), status, commercial, held_by, {", ".join(f"u[{i}]" for i in range(1, 2 * len(rules.PLACES) + 1))}
FROM (SELECT o.number, o.status, o.commercial, o.held_by, ARRAY(
          SELECT sign(x)::int FROM unnest(ARRAY[{_SUMS}]) WITH ORDINALITY AS s(x, i) ORDER BY i) AS u
      FROM orders_order AS o LEFT JOIN orders_line AS l ON l.order_id = o.id GROUP BY o.id) AS derived
GROUP BY status, commercial, held_by, u
"""

_GIFT_MESSAGE = """
WITH RECURSIVE family AS (
    SELECT id, origin_id, 0 AS steps FROM orders_order WHERE id = %(id)s::uuid
    UNION ALL
    SELECT o.id, o.origin_id, steps + 1 FROM family JOIN orders_order AS o ON o.id = family.origin_id)
SELECT message FROM (
    (SELECT m.message, m.kept_at FROM family JOIN parties_giftmessage AS m ON m.order_id = family.id
     ORDER BY steps LIMIT 1)
    UNION
    SELECT m.message, m.kept_at FROM orders_order AS o JOIN parties_giftmessage AS m ON m.order_id = o.id
    WHERE o.merged_into = %(id)s::uuid) AS said
GROUP BY message ORDER BY min(kept_at), message
"""
