"""Add to what stock cost after it came: to what is still there, and to the cost of sales for what is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.ledger import layers
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.commands.value import Key, load_layers, store_layers
from entrepot.ledger.layers import Layer


class AddedCost(NamedTuple):
    """A cost, or a credit, of units of a SKU that came to a node with a receipt, by a document."""

    company: int
    sku: UUID
    node: UUID
    receipt: UUID
    units: int
    amount: int
    document_kind: str
    document: UUID
    currency: str
    occurred_at: datetime


class Added(NamedTuple):
    """Where the cost went: units that are still there, and what they, those on their way, and those gone bear."""

    on_hand: int
    stock: int
    transit: int
    gone: int


def add_costs(cause: Cause, requests: Sequence[AddedCost]) -> list[Added]:
    """Value of stock, its layers where the company has them, and the journal change together.

    Under the moving average no more units are still there than stand at the node; with layers, those that are left of
    the receipt, wherever they stand, or of the first layer at the node where it came before layers were chosen.
    Called inside a command. Locks: valuation of the SKUs in key order. 3 statements and those of `post`; 1 more with
    layers, and 1 where some of the goods stand in them.
    """
    companies = {one.company for one in requests}
    wanted = {"companies": list(companies), "skus": list({one.sku for one in requests})}
    standing: dict[Key, list[int]] = {row[:4]: list(row[4:]) for row in sql.run(_LOCK, wanted)}
    in_layers = dict(sql.run(_IN_LAYERS, {"companies": list(companies)}))
    of_layers = [key for key in standing if key[0] in in_layers]
    receipts: dict[tuple[int, UUID, UUID], list[tuple[Key, Layer]]] = defaultdict(list)
    for key, there in (load_layers(of_layers) if of_layers else {}).items():
        for layer in there:
            receipts[key[0], key[1], layer.document].append((key, layer))

    counted: dict[tuple[UUID, object], int] = defaultdict(int)
    answers = []
    for one in requests:
        if one.company in in_layers:
            found = receipts.get((one.company, one.sku, one.receipt)) or [
                (key, layer)
                for key, layer in receipts.get((one.company, one.sku, in_layers[one.company]), ())
                if key[2] == one.node
            ]
            answers.append(_to_layers(one, found, standing, counted))
        else:
            answers.append(_to_average(one, standing, counted))
    store_layers([layer for found in receipts.values() for _, layer in found])
    sql.change(_STORE, sql.columns(_NAMES, [(*key, value) for key, (_, value) in standing.items()]))
    _post(cause, requests, answers)
    return answers


def _to_average(
    one: AddedCost, standing: dict[Key, list[int]], counted: dict[tuple[UUID, object], int]
) -> Added:
    key = (one.company, one.sku, one.node, "stock")
    there = standing.get(key, [0, 0])
    on_hand = _uncounted(one, (one.sku, one.node), there[0], counted)
    if not on_hand:
        return Added(0, 0, 0, one.amount)
    share = max(layers.part_on_hand(one.amount, one.units, on_hand), -there[1])
    there[1] += share
    return Added(on_hand, share, 0, one.amount - share)


def _to_layers(
    one: AddedCost,
    found: Sequence[tuple[Key, Layer]],
    standing: dict[Key, list[int]],
    counted: dict[tuple[UUID, object], int],
) -> Added:
    """The layers are of one document: they count once for all lines of a bill that name them."""
    left = sum(layer.quantity for _, layer in found)
    on_hand = _uncounted(one, (one.sku, found[0][1].document if found else None), left, counted)
    if not on_hand:
        return Added(0, 0, 0, one.amount)
    share = layers.part_on_hand(one.amount, one.units, on_hand)
    shares = layers.add(share, [(layer.quantity, layer.value) for _, layer in found])
    sums = {"stock": 0, "transit": 0}
    for (key, layer), part in zip(found, shares, strict=True):
        layer.value += part
        standing[key][1] += part
        sums[key[3]] += part
    return Added(on_hand, sums["stock"], sums["transit"], one.amount - sums["stock"] - sums["transit"])


def _uncounted(one: AddedCost, what: object, there: int, counted: dict[tuple[UUID, object], int]) -> int:
    """Units of a line that are there and no other line of the document has counted as its own."""
    on_hand = min(one.units, there - counted[one.document, what])
    counted[one.document, what] += on_hand
    return on_hand


def _post(cause: Cause, requests: Sequence[AddedCost], answers: Sequence[Added]) -> None:
    sums: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    facts = {one.document: one for one in requests}
    for one, added in zip(requests, answers, strict=True):
        for kind, amount in (("stock", added.stock), ("transit", added.transit), ("gone", added.gone)):
            sums[one.document][kind] += amount
    whole(post(cause, requests=[
        Posting(one.company, "stock.cost_added", one.document_kind, document, one.currency,
                tuple(sums[document].items()), one.occurred_at)
        for document, one in facts.items()
    ]))  # fmt: skip


_NAMES = ("companies", "skus", "nodes", "pools", "values")

_LOCK = """
SELECT company_id::int, sku_id, node_id, pool, quantity, value_minor FROM ledger_valuation
WHERE company_id = ANY(%(companies)s::smallint[]) AND sku_id = ANY(%(skus)s::uuid[]) AND quantity > 0
ORDER BY company_id, sku_id, node_id, pool FOR UPDATE
"""

_IN_LAYERS = """
SELECT company_id::int, id
FROM (SELECT DISTINCT ON (company_id) company_id, id, method FROM ledger_costing
      WHERE company_id = ANY(%(companies)s::smallint[]) ORDER BY company_id, id DESC) AS chosen
WHERE method = 'fifo'
"""

_STORE = """
UPDATE ledger_valuation AS v SET value_minor = d.value
FROM unnest(%(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[], %(pools)s::text[], %(values)s::bigint[])
     AS d(company, sku, node, pool, value)
WHERE v.company_id = d.company AND v.sku_id = d.sku AND v.node_id = d.node AND v.pool = d.pool
"""
