"""What can be had of goods: by the channel's own availability, what is to come, and what an order has already."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.orders.validation.facts import Supply
from entrepot.stock.availability_queries import COMING, FREE

Goods = tuple[int, str, str]
"""A SKU that a channel wants, by company, channel and code."""


class Supplies:
    """What channels can have of SKUs, and what carts and orders have kept or promised of them. What an order of a batch
    takes the later ones no longer find, whatever their channel."""

    __slots__ = ("_own", "_taken", "_there")

    def __init__(self) -> None:
        self._there: dict[Goods, tuple[int, int]] = {}
        self._own: dict[tuple[str, str], int] = {}  # by cart or order, and SKU
        self._taken: dict[tuple[int, str], int] = {}

    def load(
        self,
        wanted: Collection[Goods],
        at: datetime,
        holders: Collection[str] = (),
        orders: Collection[UUID] = (),
    ) -> None:
        """One statement."""
        params: dict[str, Any] = sql.columns(("companies", "channels", "codes"), wanted)
        params |= {"at": at, "holders": list(holders), "orders": list(orders)}
        for company, of, sku, free, coming in sql.run(_SUPPLY, params):
            if company is None:
                self._own[of, sku] = free
            else:
                self._there[company, of, sku] = (free, coming)

    def of(self, company: int, channel: str, own: str, skus: Collection[str]) -> Mapping[str, Supply]:
        """What can be had of SKUs by a channel; those that the catalog does not know are not among them."""
        found = {}
        for sku in skus:
            there = self._there.get((company, channel, sku))
            if there is not None:
                free, coming = there
                mine = self._own.get((own, sku), 0) if own else 0
                found[sku] = Supply(free + mine, coming, self._taken.get((company, sku), 0))
        return found

    def take(self, company: int, basket: Collection[tuple[str, int]]) -> None:
        """Have later orders see what this one takes."""
        for sku, units in basket:
            self._taken[company, sku] = self._taken.get((company, sku), 0) + units


_SUPPLY = f"""
SELECT d.company::int, d.channel, d.code, ({FREE.format(sku="s.id")})::bigint, ({COMING.format(sku="s.id")})::bigint
FROM unnest(%(companies)s::smallint[], %(channels)s::text[], %(codes)s::text[]) AS d(company, channel, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
JOIN network_channel AS c ON c.company_id = d.company AND c.code = d.channel
UNION ALL
SELECT NULL, r.holder, s.code, sum(r.quantity)::bigint, 0
FROM stock_reservation AS r JOIN catalog_sku AS s ON s.id = r.sku_id
WHERE r.holder = ANY(%(holders)s::text[]) AND r.company_id = ANY(%(companies)s::smallint[])
  AND r.expires_at > %(at)s::timestamptz
GROUP BY 2, 3
UNION ALL
SELECT NULL, l.order_id::text, l.sku_code, sum(l.quantity - l.cancelled - l.open - l.backordered)::bigint, 0
FROM orders_line AS l WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.kind = 'goods' GROUP BY 2, 3
"""
