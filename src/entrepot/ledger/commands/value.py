"""What moved units are worth: by the moving average of each SKU and node, or by their layers, first in, first out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.ledger import layers, rules
from entrepot.ledger.layers import Incoming, Layer, Piece

Key = tuple[int, UUID, UUID, str]
"""Company, SKU, node, pool."""


class Value(NamedTuple):
    """Units that enter (with their cost) or leave (quantity below zero, cost None) the value of a SKU at a node.

    `pieces`: the layers that they were where they come from, if they were layers there.
    """

    company: int
    sku: UUID
    node: UUID
    pool: str
    quantity: int
    cost_minor: int | None
    document: UUID
    pieces: tuple[Piece, ...] = ()


class Valued(NamedTuple):
    """The value of a move in minor units, and of which layers it is; none under the moving average."""

    value: int
    pieces: tuple[Piece, ...]


def value_moves(cause: Cause, requests: Sequence[Value]) -> list[Valued]:
    """The value of each move, in order; the valuation rows change with it, and the layers where a company has them.

    Called inside a command, before the moves are written. Locks: valuation rows in key order. 2 statements; 3 where a
    SKU comes to a node for the first time; with layers up to 3 more.
    """
    runs: dict[Key, list[int]] = defaultdict(list)
    for i, one in enumerate(requests):
        runs[one.company, one.sku, one.node, one.pool].append(i)
    names = ("companies", "skus", "nodes", "pools")
    rows = sql.run(_LOCK, sql.columns(names, list(runs)))
    found = {row[:4]: row[4:] for row in rows if row[1]}
    in_layers = {row[0] for row in rows if not row[1]}
    pieces, below_cost = (
        _by_layers(cause, requests, {key: runs[key] for key in runs if key[0] in in_layers})
        if in_layers
        else ({}, {})
    )
    values = [Valued(0, ())] * len(requests)
    known: list[tuple[object, ...]] = []
    new: list[tuple[object, ...]] = []
    for key, places in runs.items():
        quantity, value, below = found.get(key, (0, 0, 0))
        left = below
        if key in below_cost:
            left = below_cost[key]
        elif below:
            left = layers.left_below_cost(quantity, below, (requests[i].quantity for i in places))
        if key[0] in in_layers:
            for i in places:
                values[i] = Valued(layers.worth(pieces[i]), pieces[i])
                quantity += requests[i].quantity
                value += values[i].value if requests[i].quantity >= 0 else -values[i].value
        else:
            moves = [(requests[i].quantity, requests[i].cost_minor or 0) for i in places]
            of_run, quantity, value = rules.value_run(quantity, value, moves)
            for i, worth in zip(places, of_run, strict=True):
                values[i] = Valued(worth, ())
        if key in found:
            known.append((*key, quantity, value, left))
        else:
            new.append((*key, quantity, value))
    store_values(known)
    if new:
        sql.change(_BEGIN, sql.columns((*names, "quantities", "values"), new))
    return values


def _by_layers(
    cause: Cause, requests: Sequence[Value], runs: Mapping[Key, list[int]]
) -> tuple[dict[int, tuple[Piece, ...]], dict[Key, int]]:
    """The pieces of each move, by its place, and by how much what is left is below cost; the layers change with them.
    Back-dated facts are as old as their recording: what was taken from layers before is not told anew."""
    leaving = [key for key, places in runs.items() if any(requests[i].quantity < 0 for i in places)]
    standing = load_layers(leaving) if leaving else {}
    pieces: dict[int, tuple[Piece, ...]] = {}
    touched: dict[int, Layer] = {}
    began: list[tuple[Key, Layer]] = []
    for key, places in runs.items():
        of_key = standing.get(key, [])
        before = {layer.id: layer.quantity for layer in of_key}
        moves = [_incoming(cause, requests[i]) for i in places]
        pieces |= dict(zip(places, layers.run(of_key, moves), strict=True))
        for layer in of_key:
            if layer.id == layers.NEW:
                began.append((key, layer))
            elif layer.quantity != before[layer.id]:
                touched[layer.id] = layer
    store_layers(touched.values())
    sql.write("ledger_layer", _LAYER, [
        (*key, one.acquired_at, one.document, one.quantity, one.value) for key, one in began if one.quantity
    ])  # fmt: skip
    return pieces, {key: sum(layer.written for layer in of_key) for key, of_key in standing.items()}


def _incoming(cause: Cause, one: Value) -> Incoming:
    if one.quantity < 0 or one.pieces:
        return Incoming(one.quantity, one.pieces)
    return Incoming(one.quantity, (Piece(cause.at, one.document, one.quantity, one.cost_minor or 0),))


def store_values(rows: Sequence[tuple[object, ...]]) -> None:
    """What stands now of keys that the caller has locked: key, quantity, value, and by how much it is below cost.
    1 statement, none for none."""
    if rows:
        names = ("companies", "skus", "nodes", "pools", "quantities", "values", "written")
        sql.change(_STORE, sql.columns(names, rows))


def load_layers(keys: Sequence[Key]) -> dict[Key, list[Layer]]:
    """What stands in layers, the oldest first, of keys whose valuation the caller has locked. 1 statement."""
    found: dict[Key, list[Layer]] = defaultdict(list)
    for row in sql.run(_STANDING, sql.columns(("companies", "skus", "nodes", "pools"), keys)):
        found[row[:4]].append(Layer(*row[4:]))
    return found


def store_layers(changed: Iterable[Layer]) -> None:
    """What is left of layers that were there before. 1 statement, none for none."""
    rows = [(one.id, one.quantity, one.value, one.written) for one in changed]
    if rows:
        sql.change(_LEFT, sql.columns(("ids", "quantities", "values", "written"), rows))


_LAYER = ("company_id", "sku_id", "node_id", "pool", "acquired_at", "document_id", "quantity", "value_minor")

# Companies with layers come along as rows without a SKU: nobody else pays a statement for them.
_LOCK = """
WITH standing AS MATERIALIZED (
    SELECT v.company_id::int, v.sku_id, v.node_id, v.pool, v.quantity, v.value_minor, v.written_minor
    FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(pools)s::text[])
         AS k(company, sku, node, pool)
    JOIN ledger_valuation AS v
      ON v.company_id = k.company AND v.sku_id = k.sku AND v.node_id = k.node AND v.pool = k.pool
    ORDER BY v.company_id, v.sku_id, v.node_id, v.pool FOR UPDATE OF v
)
SELECT * FROM standing
UNION ALL
SELECT company_id::int, NULL, NULL, method, 0, 0, 0
FROM (SELECT DISTINCT ON (company_id) company_id, method FROM ledger_costing
      WHERE company_id = ANY(%(companies)s::smallint[]) ORDER BY company_id, id DESC) AS chosen
WHERE method = 'fifo'
"""

_STANDING = """
SELECT l.company_id::int, l.sku_id, l.node_id, l.pool, l.id, l.acquired_at, l.document_id, l.quantity, l.value_minor,
       l.written_minor
FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(pools)s::text[])
     AS k(company, sku, node, pool)
JOIN ledger_layer AS l
  ON l.company_id = k.company AND l.sku_id = k.sku AND l.node_id = k.node AND l.pool = k.pool AND l.quantity > 0
ORDER BY l.acquired_at, l.id
"""

_LEFT = """
UPDATE ledger_layer AS l SET quantity = d.quantity, value_minor = d.value, written_minor = d.written
FROM unnest(%(ids)s::bigint[], %(quantities)s::bigint[], %(values)s::bigint[], %(written)s::bigint[])
     AS d(id, quantity, value, written)
WHERE l.id = d.id
"""

_STORE = """
UPDATE ledger_valuation AS v SET quantity = d.quantity, value_minor = d.value, written_minor = d.written
FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(pools)s::text[],
            %(quantities)s::bigint[], %(values)s::bigint[], %(written)s::bigint[])
     AS d(company, sku, node, pool, quantity, value, written)
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
