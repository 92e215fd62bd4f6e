"""The limits of what is sold ahead, counted under a lock while a batch is sourced."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.events import Event
from entrepot.orders.commands import progress
from entrepot.orders.commands.hold import NewHold, open_holds
from entrepot.sourcing import rules
from entrepot.sourcing.facts import Facts, Line, Order

HOLD = "exception"
"""It waits for a person: goods that come early are for those who were within the limit."""


class Held(NamedTuple):
    """An order that is sold past a limit."""

    order: Order
    past: list[rules.Past]

    @property
    def why(self) -> str:
        return rules.say_past(self.past)

    def facts(self) -> dict[str, Any]:
        return {"sold_ahead": {one.code: [one.sold, one.limit] for one in self.past}}


class SoldAhead:
    """What is sold ahead of the SKUs with a limit that a batch asks for; nothing is read where it asks for none."""

    def __init__(
        self, orders: Mapping[UUID, Order], lines: Mapping[UUID, Sequence[Line]], at: datetime
    ) -> None:
        """3 statements where some are limited, 1 more where orders name carts.

        Locks: their preorders in key order, behind the positions.
        """
        limited = {line.sku for of_order in lines.values() for line in of_order if line.is_limited}
        self._skus: dict[UUID, rules.Ahead] = {}
        self._let_go: set[UUID] = set()
        # For orders of the batch, by company, cart and SKU; it counts as sold already.
        self._reserved: dict[tuple[int, str, UUID], int] = {}
        self.kept: dict[UUID, Held] = {}
        self.warned: list[Held] = []
        if not limited:
            return
        params = {"skus": sorted(limited), "today": at.date(), "orders": list(orders)}
        locked = sql.run(_LOCK, params)
        sold = dict(sql.run(_SOLD, params))  # type: ignore[arg-type]
        self._skus = {sku: rules.Ahead(code, limit, sold.get(sku, 0)) for sku, code, limit in locked}
        self._let_go = {order for (order,) in sql.run(_LET_GO, params)}
        self._reserved = _of_carts(orders.values(), limited)

    def admit(self, order: Order, lines: Sequence[Line], facts: Facts) -> None:
        """Sell an order what it wants, or note that a limit keeps it from being sourced. Before reservations are taken
        over: an order that is kept keeps its own."""
        if not self._skus:
            return
        wanted = self._wanted(order, lines)
        mode = facts.version(order).profile.preorder_limit
        past = rules.sold_past(wanted, self._skus) if mode != "off" and order.id not in self._let_go else []
        if past:
            if mode == "enforce":
                self.kept[order.id] = Held(order, past)
                return
            self.warned.append(Held(order, past))
        for sku, units in wanted.items():
            self._skus[sku] = self._skus[sku]._replace(sold=self._skus[sku].sold + units)
        for sku in self._skus:  # of two orders that name one cart, one gets what it holds
            self._reserved.pop((order.company, order.reservation, sku), None)

    def _wanted(self, order: Order, lines: Sequence[Line]) -> dict[UUID, int]:
        """What an order wants of limited SKUs beyond what is reserved for it."""
        wanted: dict[UUID, int] = {}
        for line in lines:
            if line.sku in self._skus and line.open:
                wanted[line.sku] = wanted.get(line.sku, 0) + line.open
        beyond = {
            sku: units - self._reserved.get((order.company, order.reservation, sku), 0)
            for sku, units in wanted.items()
        }
        return {sku: units for sku, units in beyond.items() if units > 0}

    def write(self, cause: Cause, times: Mapping[UUID, datetime]) -> None:
        """Hold what is kept, and note what is only warned of. 5 statements, 1 for events; none for nothing."""
        if self.kept:
            open_holds(
                cause,
                [
                    NewHold(
                        ids.uuid7(), one.order.company, one.order.id, HOLD, one.why, one.facts(), times[one.order.id],
                        value_minor=one.order.total_minor, tier=one.order.tier or None, promise_at=one.order.promise_at,
                    )
                    for one in self.kept.values()
                ],
            )  # fmt: skip
            progress.restate(cause, {key: times[key] for key in self.kept})
        announce(
            cause,
            [
                Event(
                    "order", one.order.id, one.order.company, occurred_at=times[one.order.id],
                    payload={"warnings": [["preorder_limit", one.why]]}, reason=one.why,
                )
                for one in self.warned
            ],
        )  # fmt: skip


def _of_carts(orders: Collection[Order], skus: Collection[UUID]) -> dict[tuple[int, str, UUID], int]:
    """What is reserved of SKUs for orders. 1 statement, none where no order names a cart."""
    holders = {(one.company, one.reservation) for one in orders if one.reservation}
    if not holders:
        return {}
    params = sql.columns(("companies", "holders"), list(holders)) | {
        "skus": list(skus),
        "orders": [one.id for one in orders],
    }
    return {(company, holder, sku): units for company, holder, sku, units in sql.run(_RESERVED, params)}


_LOCK = """
SELECT y.sku_id, s.code, y.units_max FROM stock_preorder AS y JOIN catalog_sku AS s ON s.id = y.sku_id
WHERE y.sku_id = ANY(%(skus)s::uuid[]) AND y.ships_on > %(today)s::date AND y.units_max > 0
ORDER BY y.sku_id FOR UPDATE OF y
"""

_SOLD = """
SELECT sku_id, sum(units)::int FROM (
    SELECT sku_id, reserved + allocated AS units FROM stock_position
    WHERE sku_id = ANY(%(skus)s::uuid[]) AND owner_id = company_id
    UNION ALL SELECT sku_id, quantity FROM sourcing_backorder WHERE sku_id = ANY(%(skus)s::uuid[])
) AS sold GROUP BY sku_id
"""

_RESERVED = """
SELECT r.owner_id::int, r.holder, r.sku_id, sum(r.quantity)::int
FROM unnest(%(companies)s::smallint[], %(holders)s::text[]) AS d(company, holder)
JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = d.company AND r.sku_id = ANY(%(skus)s::uuid[])
 AND (r.order_id IS NULL OR r.order_id = ANY(%(orders)s::uuid[]))
GROUP BY 1, 2, 3
"""

# Somebody has decided about them already.
_LET_GO = """
SELECT DISTINCT order_id FROM orders_hold
WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'released' AND facts ? 'sold_ahead'
"""
