"""What a command knows to weigh goods against their way back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage import queries as carriage
from entrepot.carriage.rules import Offer
from entrepot.kernel import money, policies, sql
from entrepot.returns import labeling, recovery, rules
from entrepot.returns.commands.admitting import Order
from entrepot.returns.commands.left import Costs
from entrepot.returns.keeping import Keeping, Sum, Units, weigh

SHAPES = (Keeping, recovery.Recovery)


class Asked(NamedTuple):
    """Units of an order line that may come back, and what is known of them already."""

    line: UUID
    quantity: int
    condition: str
    category: str
    age_days: int


class _Goods(NamedTuple):
    """Of one unit: its list price, what was paid for it without tax, and its measures."""

    listed: Decimal | None
    paid: int
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int


class Weighing:
    """Goods with what they had cost, nodes, and services that may bring them back."""

    def __init__(self, orders: Mapping[UUID, Order], lines: Collection[UUID]) -> None:
        """9 statements."""
        self._kept: dict[UUID, list[Asked]] = defaultdict(list)
        self._coming: set[UUID] = set()
        for order, kept, line, quantity, condition, category in sql.run(_OTHERS, {"orders": list(orders)}):
            self.note(order, [Asked(line, quantity, condition, category, 0)], kept=kept)
        lines = {*lines, *(one.line for units in self._kept.values() for one in units)}
        companies = {one.company for one in orders.values()}
        self._costs = Costs(orders.keys(), lines)
        self._goods = {row[0]: _Goods(*row[1:]) for row in sql.run(_GOODS, {"lines": list(lines)})}
        rows = sql.run(_NODES, {"companies": sorted(companies)})
        self._nodes: dict[UUID, tuple[str, str]] = {node: (country, code) for node, country, code in rows}
        self._services = carriage.services(companies=companies)

    def sum_of(
        self,
        order_id: UUID,
        order: Order,
        node: UUID | None,
        asked: Sequence[Asked],
        in_force: policies.InForce,
    ) -> Sum | None:
        """What all of it together is expected to bring, and what it costs to have it here; None where nobody knows.

        Where something else of the order comes back anyway, it needs no label. What would be kept by itself is weighed
        with what was kept of the order before: who asks for one unit after another keeps no more than who asks for all.
        """
        mine = [self._units(order, one) for one in asked]
        label = 0 if order_id in self._coming else self._label(order, node, asked)
        found = self._sum(order, mine, label, in_force)
        kept = [one._replace(age_days=asked[0].age_days) for one in self._kept[order_id]]
        if found is None or not found.keeps or not kept or order_id in self._coming:
            return found
        together = [*mine, *(self._units(order, one) for one in kept)]
        return self._sum(order, together, self._label(order, node, [*asked, *kept]), in_force)

    def note(self, order: UUID, units: Sequence[Asked], *, kept: bool) -> None:
        """Units of an order are kept since they were weighed, or come back."""
        if kept:
            self._kept[order] += units
        else:
            self._coming.add(order)

    def _sum(
        self, order: Order, goods: Sequence[Units], label_minor: int | None, in_force: policies.InForce
    ) -> Sum | None:
        return weigh(
            in_force.of(order.company, Keeping)[1], in_force.of(order.company, recovery.Recovery)[1],
            in_force.of(order.company, rules.Policy)[1], goods, label_minor,
        )  # fmt: skip

    def _units(self, order: Order, one: Asked) -> Units:
        goods = self._goods[one.line]
        paid = order.at_home(goods.paid)
        price = money.extend(1, goods.listed, order.home) if goods.listed else paid
        cost = self._costs.take(one.line, one.quantity) // one.quantity
        return Units(one.quantity, one.condition, one.category, price, cost, paid, one.age_days)

    def _label(self, order: Order, node: UUID | None, asked: Sequence[Asked]) -> int | None:
        """What the cheapest label for all of it costs, of services that ask in the company's own currency."""
        if node not in self._nodes:
            return None
        country, postal_code = self._nodes[node]
        services = [one for one in self._services[order.company] if one.currency == order.home]
        goods = [labeling.Goods(one.quantity, *self._goods[one.line][2:]) for one in asked]
        way = labeling.Way(order.country, country, postal_code, order.postal_code)
        found = labeling.cheapest(services, goods, way, {})
        return found.price_minor if isinstance(found, Offer) else None


# Of the orders' other returns: what was weighed and is kept, and what is still to come.
_OTHERS = """
SELECT r.order_id, r.asked = 'keep', l.line_id, l.quantity - l.cancelled, t.condition, k.category
FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id
JOIN returns_terms AS t ON t.return_line_id = l.id JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE r.order_id = ANY(%(orders)s::uuid[]) AND l.quantity > l.cancelled AND r.state NOT IN ('declined', 'cancelled')
  AND CASE WHEN r.asked = 'keep' THEN t.kept <> '{}'
           ELSE r.state <> 'closed' AND l.quantity - l.cancelled > l.received END
ORDER BY l.id
"""

_GOODS = """
SELECT l.id, k.list_price, ((l.gross_minor - l.discount_minor) / l.quantity)::bigint, k.weight_g, k.length_mm,
       k.width_mm, k.height_mm
FROM orders_line AS l JOIN catalog_sku AS k ON k.id = l.sku_id WHERE l.id = ANY(%(lines)s::uuid[])
"""

_NODES = """
SELECT id, country, postal_code FROM network_node WHERE company_id = ANY(%(companies)s::smallint[])
"""
