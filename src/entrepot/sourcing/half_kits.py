"""Kits of which a component was lost after it was promised, and that nobody can make whole: what of them the house
still has is called back by the warehouse, before the order's policy has its say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from entrepot.kernel import sql
from entrepot.orders import kits
from entrepot.sourcing.rules import Line


def standing(short: Mapping[UUID, Collection[Line]]) -> dict[UUID, set[int]]:
    """Numbers of the kits, by order, of which units are to be called back, if so much stays short.

    The orders are locked. 1 statement where components of kits are short.
    """
    waits = {line.id: line.quantity for lines in short.values() for line in lines if line.kit}
    orders = [order for order, lines in short.items() if any(line.kit for line in lines)]
    found: dict[UUID, set[int]] = {}
    for order, parts in parts_of(orders).items():
        parts = [part._replace(waits=waits.get(part.line, 0)) for part in parts]
        back = kits.halves(parts)
        if back:
            found[order] = {part.kit for part in parts if part.line in back}
    return found


def to_call_back(orders: Collection[UUID]) -> dict[UUID, dict[UUID, int]]:
    """Units to be called back of each line, by order, as they stand now. The orders are locked. 1 statement."""
    return {order: back for order, parts in parts_of(orders).items() if (back := kits.halves(parts))}


def parts_of(orders: Collection[UUID]) -> dict[UUID, list[kits.Stands]]:
    """Where the components of the kits of each order stand. 1 statement, none for no orders."""
    found: dict[UUID, list[kits.Stands]] = {}
    for order, *part in sql.run(_PARTS, {"orders": list(orders)}) if orders else ():
        found.setdefault(order, []).append(kits.Stands(*part))
    return found


_PARTS = """
SELECT order_id, id, kit_number, kit_units, quantity, cancelled, open + backordered,
       allocated + released + picked + packed
FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[]) AND kit_number > 0 ORDER BY order_id, number
"""
