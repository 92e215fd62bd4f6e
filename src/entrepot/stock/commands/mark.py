"""Mark SKUs of which a channel may be shown another figure, with the change itself, and say whether it freed units.

A mark is a row of its own, so nobody waits for anybody: a thousand changes of one SKU are a thousand narrow rows, which
`publish` takes together and computes once. It sees a mark when its transaction is over, and with it what was changed.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from entrepot.kernel import sql

MARK_CHANGED = """INSERT INTO stock_unpublished (sku_id, freed)
SELECT sku_id, bool_or(freed) FROM changed GROUP BY sku_id"""
"""The end of a statement whose part `changed` returns the SKUs of the positions that it changed, and of each whether
more of it may be promised than before."""


def mark_changed(skus: Collection[UUID]) -> None:
    """Mark SKUs for what is no position and frees nothing: the day from which they ship.

    Inside a command. 1 statement.
    """
    sql.change(_MARK, {"skus": list(skus)})


_MARK = "INSERT INTO stock_unpublished (sku_id) SELECT unnest(%(skus)s::uuid[])"
