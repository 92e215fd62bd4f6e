"""What moved units are worth: the moving average of each SKU and node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.ledger import rules


class Value(NamedTuple):
    """Units that enter (with their cost) or leave (quantity below zero, cost None) the value of a SKU at a node."""

    company: int
    sku: UUID
    node: UUID
    pool: str
    quantity: int
    cost_minor: int | None


def value_moves(cause: Cause, requests: Sequence[Value]) -> list[int]:
    """The value of each move in minor units, in order; the valuation rows change with it.

    Called inside a command, before the moves are written. Locks: valuation rows in key order. 2 statements; 3 where a
    SKU comes to a node for the first time.
    """
    runs: dict[tuple[int, UUID, UUID, str], list[int]] = defaultdict(list)
    for i, (company, sku, node, pool, _quantity, _cost) in enumerate(requests):
        runs[company, sku, node, pool].append(i)
    names = ("companies", "skus", "nodes", "pools")
    found = {row[:4]: row[4:] for row in sql.run(_LOCK, sql.columns(names, list(runs)))}
    values = [0] * len(requests)
    known: list[tuple[object, ...]] = []
    new: list[tuple[object, ...]] = []
    for key, places in runs.items():
        moves = [(requests[i].quantity, requests[i].cost_minor or 0) for i in places]
        quantity, value = found.get(key, (0, 0))
        of_run, quantity, value = rules.value_run(quantity, value, moves)
        for i, worth in zip(places, of_run, strict=True):
            values[i] = worth
        (known if key in found else new).append((*key, quantity, value))
    for statement, rows in ((_STORE, known), (_BEGIN, new)):
        if rows:
            sql.change(statement, sql.columns((*names, "quantities", "values"), rows))
    return values


_LOCK = """
SELECT v.company_id::int, v.sku_id, v.node_id, v.pool, v.quantity, v.value_minor
FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(pools)s::text[])
     AS k(company, sku, node, pool)
JOIN ledger_valuation AS v
  ON v.company_id = k.company AND v.sku_id = k.sku AND v.node_id = k.node AND v.pool = k.pool
ORDER BY v.company_id, v.sku_id, v.node_id, v.pool FOR UPDATE OF v
"""

_STORE = """
UPDATE ledger_valuation AS v SET quantity = d.quantity, value_minor = d.value
FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(pools)s::text[],
            %(quantities)s::bigint[], %(values)s::bigint[]) AS d(company, sku, node, pool, quantity, value)
WHERE v.company_id = d.company AND v.sku_id = d.sku AND v.node_id = d.node AND v.pool = d.pool
"""

# Where another transaction began the row since we looked, both receipts count.
_BEGIN = """
INSERT INTO ledger_valuation AS v (company_id, sku_id, node_id, pool, quantity, value_minor)
SELECT * FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(pools)s::text[],
                     %(quantities)s::bigint[], %(values)s::bigint[]) AS d(company, sku, node, pool, quantity, value)
ORDER BY company, sku, node, pool
ON CONFLICT (company_id, sku_id, node_id, pool) DO UPDATE
SET quantity = v.quantity + excluded.quantity, value_minor = v.value_minor + excluded.value_minor
"""
