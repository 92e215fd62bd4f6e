"""Which promised units may go to the floor at a moment: what `warehouse.release` asks of an order, in SQL, for all who
count the work that waits."""

from __future__ import annotations

_TODAY = "(%(at)s::timestamptz AT TIME ZONE 'UTC')::date"


def _later(promise: str) -> str:
    return f"(SELECT FROM stock_preorder AS y WHERE y.sku_id = {promise}.sku_id AND y.ships_on > {_TODAY})"


def _in_time(node: str) -> str:
    return (
        "(o.cancel_after IS NULL"
        f" OR o.cancel_after >= (%(at)s::timestamptz AT TIME ZONE {node}.time_zone)::date)"
    )


MAY_GO = f"""(
    (o.ship_not_before IS NULL OR o.ship_not_before <= {_TODAY})
    AND {_in_time("n")}
    AND (o.held_by = '' OR NOT EXISTS (SELECT FROM orders_hold AS h
                                       WHERE h.order_id = o.id AND h.state = 'open' AND 'release' = ANY(h.blocks)))
    AND NOT EXISTS {_later("a")}
    AND (o.policy <> 'ship_complete'
         OR NOT EXISTS (SELECT FROM stock_allocation AS p
                        WHERE p.order_id = o.id AND p.quantity > p.released AND EXISTS {_later("p")}))
    AND (o.min_fill_percent = 0 OR (
        SELECT 100 * (sum(w.quantity - w.cancelled - w.open - w.backordered - w.allocated) + (
                   SELECT COALESCE(sum(g.quantity - g.released), 0)
                   FROM stock_allocation AS g JOIN network_node AS there ON there.id = g.node_id
                   WHERE g.order_id = o.id AND g.quantity > g.released AND {_in_time("there")}
                     AND NOT EXISTS {_later("g")}))
               >= o.min_fill_percent * sum(w.quantity - w.cancelled)
        FROM orders_line AS w WHERE w.order_id = o.id AND w.kind = 'goods')))"""
"""Of a promise `a` of an order `o` at a node `n`, whether `warehouse.release` would take it `at` a moment: what a hold
keeps from it, what ships later, what may not leave on this day, and orders of which too little may go stay."""
