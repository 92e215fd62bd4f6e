"""Release holds whose order got what they wait for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.orders import holding, rules
from entrepot.orders.commands import progress
from entrepot.orders.commands.hold import HoldReleased, ReleaseHold, let_go
from entrepot.orders.holding import Wanted
from entrepot.orders.lapsing import Tender
from entrepot.stock.availability_queries import COMING, FREE


@dataclass(frozen=True, slots=True)
class ReleaseSatisfied:
    """Look whether what the holds of an order wait for has come."""

    order: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Satisfied:
    """The holds that went, and the order's status afterwards; '' where none did."""

    order: UUID
    holds: tuple[UUID, ...]
    status: str


NOTES = {"payment": "The payment covers the order.", "stock": "It is for sale and in stock."}


@command("orders.release_satisfied")
def release_satisfied(cause: Cause, /, *, requests: Sequence[ReleaseSatisfied]) -> list[Satisfied | Refused]:
    """Holds released whose payment or stock has come, as `orders.release_holds` does.

    Locks: the orders in id order, then the work items. Again: finds no more. 2 statements; 2 more where some wait for
    payment, 1 for stock; 11 more where some go, and 3 where holds follow them.
    """
    orders = [one.order for one in requests]
    progress.lock(orders)
    waiting = [_Waiting(*row) for row in sql.run(_WAITING, {"orders": orders})]
    ready = _paid(cause, waiting) | _stocked(cause, waiting)

    releases = [
        ReleaseHold(one.hold, NOTES[one.waits_for], rules.SATISFIED) for one in waiting if one.hold in ready
    ]
    gone: dict[UUID, list[HoldReleased]] = {}
    for answer in let_go(cause, releases, codes=(rules.SATISFIED,)) if releases else ():
        if isinstance(answer, HoldReleased):
            gone.setdefault(answer.order, []).append(answer)
    return [
        Satisfied(order, tuple(one.hold for one in found), found[-1].status if found else "")
        for order in orders
        for found in [gone.get(order, [])]
    ]


def stocked_again(at: datetime, limit: int = 1000) -> list[UUID]:
    """Orders held until there is something to send, for which there may be by now. One statement."""
    return [order for (order,) in sql.run(_STOCKED_AGAIN, {"limit": limit, "at": at})]


class _Waiting(NamedTuple):
    hold: UUID
    order: UUID
    waits_for: str
    total_then: int | None  # what the order came to, where that was doubted
    short: str  # whether units lacked of any or of all of its SKUs, where they did


def _paid(cause: Cause, waiting: Iterable[_Waiting]) -> set[UUID]:
    """Holds whose order is paid. 2 statements where some wait for that."""
    holds = [one for one in waiting if one.waits_for == "payment"]
    if not holds:
        return set()
    totals = totals_of([one.order for one in holds])
    tenders: dict[UUID, list[Tender]] = {}
    for hold, *tender in sql.run(_TENDERS, {"holds": [one.hold for one in holds]}):
        tenders.setdefault(hold, []).append(Tender(*tender))
    return {
        one.hold
        for one in holds
        if holding.is_paid(totals[one.order], tenders.get(one.hold, ()), cause.at, one.total_then)
    }


def totals_of(orders: Collection[UUID]) -> dict[UUID, int]:
    """What the units of orders come to that are not cancelled. One statement."""
    totals: dict[UUID, int] = {}
    for order, quantity, cancelled, *amounts in sql.run(_AMOUNTS, {"orders": list(orders)}):
        stands = rules.Frozen(*amounts).of_units(quantity, 0, quantity - cancelled)
        totals[order] = totals.get(order, 0) + stands.total
    return totals


def _stocked(cause: Cause, waiting: Iterable[_Waiting]) -> set[UUID]:
    """Holds whose order has something to send. 1 statement where some wait for that."""
    holds = {one.hold: one for one in waiting if one.waits_for == "stock"}
    if not holds:
        return set()
    goods: dict[UUID, list[_Goods]] = {}
    for hold, *wanted in sql.run(_GOODS, {"holds": list(holds), "at": cause.at}):
        goods.setdefault(hold, []).append(_Goods(*wanted))
    stocked: set[UUID] = set()
    taken: dict[UUID | None, int] = {}
    # Those who have waited longest come first, and what lets one go is not there for the next.
    for one in sorted(holds.values(), key=lambda each: each.hold):
        own = goods.get(one.hold, ())
        if holding.is_stocked([line.left(taken.get(line.sku, 0)) for line in own], one.short):
            stocked.add(one.hold)
            for sku, units in {line.sku: line.units or 0 for line in own}.items():
                taken[sku] = taken.get(sku, 0) + units
    return stocked


class _Goods(NamedTuple):
    """A line, with the units of its SKU that the order lacks and those that can be had, where it lacked some."""

    for_sale: bool
    in_stock: bool
    was_short: bool
    sku: UUID | None
    units: int | None
    can: int | None

    def left(self, taken: int) -> Wanted:
        """As `holding` looks at it, when others before have taken some."""
        is_enough = self.units is None or self.can is None or self.units <= self.can - taken
        return Wanted(self.for_sale, self.in_stock, self.was_short, is_enough)


_WAITING = """
SELECT id, order_id, waits_for, (facts ->> 'total_minor')::bigint,
       COALESCE(facts ->> 'inventory_short', '')
FROM orders_hold
WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'open' AND waits_for <> 'nothing' ORDER BY id
"""

_AMOUNTS = """
SELECT order_id, quantity, cancelled, gross_minor, discount_minor, shipping_minor, tax_minor
FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[])
"""

# Keys are made in the order of writing, whatever the times that providers tell. What went back for cancelled units is
# not there any more; what went back for returned ones, or out of goodwill, was paid all the same.
_TENDERS = """
SELECT h.id, p.authorized_minor - g.back, p.id > h.id, p.expires_at, p.captured_minor - g.back
FROM orders_hold AS h JOIN orders_order AS o ON o.id = h.order_id
JOIN payments_payment AS p ON p.order_id = o.id AND p.currency = o.currency
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(a.amount_minor), 0)::bigint AS back FROM payments_attempt AS a
    WHERE a.payment_id = p.id AND a.document_id = o.id AND a.kind = 'refund' AND a.state IN ('waiting', 'done')
) AS g
WHERE h.id = ANY(%(holds)s::uuid[]) AND p.state NOT IN ('voided', 'failed')
"""

# Of each line with units in the house's hands: whether what nobody has promised yet is for sale, and whether there is
# something of it to send; of a SKU of which units lacked, whether there are enough of it now for all its lines. What is
# kept for the order's cart is its own.
_THERE = f"""
    SELECT l.open + l.backordered = 0 OR COALESCE(s.status = 'active', false) AS for_sale,
           l.open + l.backordered + l.shipped + l.delivered + l.cancelled < l.quantity
           OR EXISTS (SELECT FROM stock_position AS p WHERE p.sku_id = s.id AND p.sellable > 0) AS in_stock,
           h.facts -> 'short' ? l.sku_code AS was_short, s.id AS sku,
           CASE WHEN h.facts -> 'short' ? l.sku_code
                THEN sum(l.open + l.backordered) OVER (PARTITION BY l.sku_code) END AS units,
           CASE WHEN h.facts -> 'short' ? l.sku_code THEN
               ({FREE.format(sku="s.id")}) + ({COMING.format(sku="s.id")})
               + (SELECT COALESCE(sum(r.quantity), 0) FROM stock_reservation AS r
                  WHERE r.holder = o.reservation AND o.reservation <> '' AND r.sku_id = s.id) END AS can
    FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
    JOIN orders_line AS l ON l.order_id = o.id
    LEFT JOIN catalog_sku AS s ON s.company_id = l.company_id AND s.code = l.sku_code
    WHERE l.kind = 'goods' AND l.shipped + l.delivered + l.cancelled < l.quantity AND o.id = h.order_id
"""

_GOODS = f"""
SELECT h.id, line.for_sale, COALESCE(line.in_stock, false), COALESCE(line.was_short, false), line.sku,
       line.units::bigint, line.can::bigint
FROM orders_hold AS h CROSS JOIN LATERAL ({_THERE}) AS line WHERE h.id = ANY(%(holds)s::uuid[])
"""

_STOCKED_AGAIN = f"""
SELECT DISTINCT h.order_id FROM orders_hold AS h
CROSS JOIN LATERAL (
    SELECT bool_and(for_sale) AS for_sale, bool_or(in_stock) AS in_stock,
           CASE WHEN h.facts ->> 'inventory_short' = 'any' THEN bool_and(units <= can) FILTER (WHERE was_short)
                ELSE bool_or(units <= can) FILTER (WHERE was_short) END AS is_enough
    FROM ({_THERE}) AS line
) AS goods
WHERE h.state = 'open' AND h.waits_for = 'stock' AND goods.for_sale AND COALESCE(goods.is_enough, goods.in_stock)
LIMIT %(limit)s::int
"""
