"""Plan the picks of what comes in cases and pallets: whole ones straight from reserve, the rest from the pick face."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.stock.commands.fulfill import Pickable
from entrepot.warehouse.commands.shelves import Shelves, sizes_of

COLUMNS = ("whole_lines", "whole_buckets", "whole_units")


def whole_pieces(
    parts: Mapping[str, Any], buckets: Sequence[UUID], packaged: Sequence[UUID], today: date
) -> dict[str, list[Any]]:
    """The picks of SKUs that come in cases, as columns of promise, bucket and units: what `rules.plan_picks` makes of
    one promise after the other, in the turns of their orders. `parts` are those that are released, as `release` has
    them; their `buckets` are locked, and have enough. 3 statements; none where nothing comes in cases."""
    if not packaged:
        return sql.columns(COLUMNS, [])
    wanted = {**parts, "skus": packaged, "buckets": buckets}
    lines = sql.run(_LINES, wanted)
    by_pair: dict[tuple[UUID, UUID], list[Pickable]] = defaultdict(list)
    for row in sql.run(_BUCKETS, wanted):
        shelf = Pickable(*row)
        by_pair[shelf.sku, shelf.node].append(shelf)
    shelves = Shelves(
        by_pair, today, lambda pairs: [one for pair in pairs for one in by_pair[pair]], sizes_of(packaged)
    )
    rows = []
    for promise, sku, node, units in lines:
        picks, nowhere = shelves.plan(sku, node, units)
        assert not nowhere, f"{nowhere} units of {sku} that were found before stand nowhere"
        rows += [(promise, shelf.bucket, taken) for shelf, taken in picks]
    return sql.columns(COLUMNS, rows)


GOES = "a.quantity > a.released AND a.id NOT IN (SELECT unnest(%(later)s::uuid[]))"
"""Of promises `a`: what is not on the floor yet, and does not ship later."""

_LINES = f"""
SELECT a.id, a.sku_id, a.node_id, a.quantity - a.released
FROM unnest(%(orders)s::uuid[], %(nodes)s::uuid[]) WITH ORDINALITY AS f(order_id, node_id, place)
JOIN stock_allocation AS a ON a.order_id = f.order_id AND a.node_id = f.node_id AND {GOES}
WHERE a.sku_id = ANY(%(skus)s::uuid[]) ORDER BY f.place, a.id
"""

_BUCKETS = """
SELECT b.id, b.sku_id, b.node_id, b.bin_id, bin.kind, bin.pick_sequence, b.lot, b.serial, b.expires_on,
       b.quantity - b.committed
FROM stock_bucket AS b JOIN network_bin AS bin ON bin.id = b.bin_id
WHERE b.id = ANY(%(buckets)s::uuid[]) AND b.sku_id = ANY(%(skus)s::uuid[])
"""
