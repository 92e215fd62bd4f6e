"""Take bins out of a node for good: only where nothing stands in them, and nothing is on its way there."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.network.commands import switch_bins as network
from entrepot.network.commands.switch_bins import BinNow, RetireBin, lock_bins
from entrepot.warehouse.errors import BinInUse

__all__ = ["BinNow", "RetireBin", "retire_bins"]


@command("warehouse.retire_bins")
def retire_bins(cause: Cause, /, *, requests: Sequence[RetireBin]) -> list[BinNow | Refused]:
    """Bins that are not there any more. Their history stays, and they can be opened again.

    Locks: the bins in id order: whoever puts something into one waits, and is refused.
    Refuses: NotFound; WrongState; warehouse.bin_in_use (goods, a pick face, a replenishment or a count).
    Again: it is so already (WrongState); by key. 4 statements.
    """
    which = [one.bin for one in requests]
    found = lock_bins(which)
    used: dict[UUID, str] = dict(sql.run(_USED, {"ids": which}))  # type: ignore[arg-type]
    empty = [one for one in requests if one.bin not in used or found.get(one.bin, (0,))[0] != one.company]
    done = iter(network.retire_bins(cause, requests=empty))
    fine = {id(one) for one in empty}
    return [
        next(done) if id(one) in fine else BinInUse(which=found[one.bin][3], what=used[one.bin])
        for one in requests
    ]


# The first of what a bin is in use for.
_USED = """
SELECT id, what FROM (SELECT d.id, CASE
    WHEN EXISTS (SELECT FROM stock_bucket AS b WHERE b.bin_id = d.id AND b.quantity > 0) THEN 'goods'
    WHEN EXISTS (SELECT FROM warehouse_pickface AS f WHERE f.bin_id = d.id) THEN 'a pick face'
    WHEN EXISTS (SELECT FROM warehouse_replenishment AS r WHERE r.to_bin_id = d.id AND r.state = 'open')
        THEN 'a replenishment'
    WHEN EXISTS (SELECT FROM warehouse_counttask AS t WHERE t.bin_id = d.id
                 AND t.state NOT IN ('done', 'withdrawn')) THEN 'a count'
    END AS what
FROM (SELECT DISTINCT unnest(%(ids)s::uuid[]) AS id) AS d) AS used
WHERE what IS NOT NULL
"""
