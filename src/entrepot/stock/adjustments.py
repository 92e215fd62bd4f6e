"""Corrections of stock, for those who ask for them and who approve them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql

STATES = ("waiting", "posted", "rejected")


@dataclass(frozen=True, slots=True)
class AdjustmentRow:
    """Units found (`delta` > 0) or gone in a bin. `free` are those that stand there now and are not being picked;
    `value_minor` is what they were worth when it was asked for."""

    id: UUID
    number: str
    sku: UUID
    sku_code: str
    sku_name: str
    node: UUID
    node_code: str
    bin: UUID
    bin_code: str
    status: str
    lot: str
    serial: str
    delta: int
    free: int
    reason: str
    note: str
    state: str
    value_minor: int
    requested_by: str
    requested_at: datetime
    decided_by: str
    decided_at: datetime | None

    @property
    def is_short(self) -> bool:
        """Whether fewer units are free by now than are to be taken."""
        return self.free + self.delta < 0


def adjustments(
    *, company: int, state: str = "", node: UUID | None = None, sku: UUID | None = None, bin_: UUID | None = None,
    after: UUID | None = None, limit: int = 50,
) -> list[AdjustmentRow]:  # fmt: skip
    """Adjustments, the newest first; those that wait, the first asked for first. 1 statement."""
    params = {
        "company": company, "state": state, "node": node, "sku": sku, "bin": bin_, "after": after,
        "limit": limit,
    }  # fmt: skip
    statement = _WAITING if state == "waiting" else _NEWEST
    return [AdjustmentRow(*row) for row in sql.run(statement, params)]


def adjustment(which: UUID) -> AdjustmentRow | None:
    """One adjustment. 1 statement."""
    rows = sql.run(_ONE, {"which": which})
    return AdjustmentRow(*rows[0]) if rows else None


_ROWS = """
SELECT a.id, a.number, a.sku_id, s.code, s.name, a.node_id, n.code, a.bin_id, b.code, a.status, a.lot, a.serial,
       a.delta,
       COALESCE((SELECT k.quantity - k.committed FROM stock_bucket AS k
                 WHERE k.sku_id = a.sku_id AND k.node_id = a.node_id AND k.bin_id = a.bin_id AND k.lot = a.lot
                   AND k.serial = a.serial AND k.status = a.status AND k.owner_id = a.company_id), 0),
       a.reason, a.note, a.state, a.value_minor, a.requested_by, a.requested_at, a.decided_by, a.decided_at
FROM stock_adjustment AS a JOIN catalog_sku AS s ON s.id = a.sku_id JOIN network_node AS n ON n.id = a.node_id
JOIN network_bin AS b ON b.id = a.bin_id
"""

_ASKED = """
WHERE a.company_id = %(company)s::smallint AND (%(node)s::uuid IS NULL OR a.node_id = %(node)s::uuid)
  AND (%(sku)s::uuid IS NULL OR a.sku_id = %(sku)s::uuid) AND (%(bin)s::uuid IS NULL OR a.bin_id = %(bin)s::uuid)
"""

# The ids ascend with time, so that they tell the order and the place of a page.
_WAITING = f"""{_ROWS}{_ASKED} AND a.state = 'waiting' AND (%(after)s::uuid IS NULL OR a.id > %(after)s::uuid)
ORDER BY a.id LIMIT %(limit)s::int
"""

_NEWEST = f"""{_ROWS}{_ASKED} AND (%(state)s::text = '' OR a.state = %(state)s::text)
  AND (%(after)s::uuid IS NULL OR a.id < %(after)s::uuid)
ORDER BY a.id DESC LIMIT %(limit)s::int
"""

_ONE = f"{_ROWS} WHERE a.id = %(which)s::uuid"
