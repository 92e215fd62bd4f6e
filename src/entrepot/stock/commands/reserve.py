"""Hold units for a cart or checkout for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.stock import errors
from entrepot.stock.commands.allocate import Positions, lock_positions


@dataclass(frozen=True, slots=True)
class Reserve:
    """Units of a SKU at a node for a holder (cart or checkout id), until a moment."""

    company: int
    holder: str
    sku: UUID
    node: UUID
    channel: UUID
    quantity: int
    expires_at: datetime
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reserved:
    reservation: UUID


@command("stock.reserve")
def reserve(cause: Cause, /, *, requests: Sequence[Reserve]) -> list[Reserved | Refused]:
    """Hold units until they expire, are given back, or become allocations. Expired ones are freed on the way.

    A reservation lives outside ring-fences: it takes what the channel may promise and keeps the fence as it is.
    Locks: positions of the SKUs in key order. Refuses: Insufficient, NotPlaceable. Again: by key. 5 statements.
    """
    free_expired(cause, [request.sku for request in requests])
    positions: Positions = {}
    for company in {request.company for request in requests}:
        positions |= lock_positions(company, {r.sku for r in requests if r.company == company})
    answers: list[Reserved | Refused] = []
    rows = []
    taken: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    for r in requests:
        position = positions.get((r.sku, r.node))
        free = position.free_for(r.channel) if position else 0
        if r.quantity < 1 or r.expires_at <= cause.at:
            expected, found = "units and a later moment", f"{r.quantity} until {r.expires_at}"
            answers.append(errors.NotPlaceable(field="reservation", expected=expected, found=found))
        elif position is None or free < r.quantity:
            answers.append(
                errors.Insufficient(sku=str(r.sku), node=str(r.node), wanted=r.quantity, free=free)
            )
        else:
            position.free -= r.quantity
            taken[r.sku, r.node, r.company] += r.quantity
            reservation = ids.uuid7()
            rows.append(
                (
                    reservation,
                    r.company,
                    r.sku,
                    r.node,
                    r.company,
                    r.channel,
                    r.holder,
                    r.quantity,
                    r.expires_at,
                )
            )
            answers.append(Reserved(reservation))
    sql.write("stock_reservation", _COLUMNS, rows)
    _change_reserved([(*key, units) for key, units in taken.items()])
    return answers


@dataclass(frozen=True, slots=True)
class GiveBack:
    """All that a holder has reserved."""

    holder: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class GivenBack:
    quantity: int


@command("stock.give_back")
def give_back(cause: Cause, /, *, requests: Sequence[GiveBack]) -> list[GivenBack | Refused]:
    """End reservations before their time.

    Locks: positions in key order. Refuses: NothingReserved. Again: by key. 3 statements.
    """
    holders = [request.holder for request in requests]
    sql.run(_LOCK_OF_HOLDERS, {"holders": holders})
    units: dict[str, int] = defaultdict(int)
    freed: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    for holder, sku, node, owner, quantity in sql.run(_DELETE_OF_HOLDERS, {"holders": holders}):
        units[holder] += quantity
        freed[sku, node, owner] -= quantity
    _change_reserved([(*key, quantity) for key, quantity in freed.items()])
    return [
        GivenBack(units[holder]) if holder in units else errors.NothingReserved(holder=holder)
        for holder in holders
    ]


def free_expired(cause: Cause, skus: Sequence[UUID]) -> None:
    """Free what has expired by now of SKUs, inside a command that is about to promise them. 1 statement; 3 if any."""
    params = {"skus": list(set(skus)), "at": cause.at}
    if not sql.run(_ANY_EXPIRED, params)[0][0]:
        return
    sql.run(_LOCK_OF_SKUS, params)
    freed: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    for sku, node, owner, quantity in sql.run(_DELETE_EXPIRED, params):
        freed[sku, node, owner] -= quantity
    _change_reserved([(*key, quantity) for key, quantity in freed.items()])


def _change_reserved(rows: Sequence[tuple[UUID, UUID, int, int]]) -> None:
    if rows:
        sql.run(_CHANGE, sql.columns(("skus", "nodes", "owners", "units"), rows))


_COLUMNS = (
    "id", "company_id", "sku_id", "node_id", "owner_id", "channel_id", "holder", "quantity", "expires_at",
)  # fmt: skip

_CHANGE = """
UPDATE stock_position AS p SET reserved = p.reserved + d.units
FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(units)s::int[]) AS d(sku, node, owner, units)
WHERE p.sku_id = d.sku AND p.node_id = d.node AND p.owner_id = d.owner
"""

_ANY_EXPIRED = """
SELECT EXISTS (SELECT FROM stock_reservation
               WHERE sku_id = ANY(%(skus)s::uuid[]) AND expires_at <= %(at)s::timestamptz)
"""

_LOCK_OF_SKUS = """
SELECT FROM stock_position WHERE sku_id = ANY(%(skus)s::uuid[]) ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

_DELETE_EXPIRED = """
DELETE FROM stock_reservation WHERE sku_id = ANY(%(skus)s::uuid[]) AND expires_at <= %(at)s::timestamptz
RETURNING sku_id, node_id, owner_id::int, quantity
"""

_LOCK_OF_HOLDERS = """
SELECT FROM stock_position WHERE (sku_id, node_id, owner_id) IN (
    SELECT sku_id, node_id, owner_id FROM stock_reservation WHERE holder = ANY(%(holders)s::text[]))
ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

_DELETE_OF_HOLDERS = """
DELETE FROM stock_reservation WHERE holder = ANY(%(holders)s::text[])
RETURNING holder, sku_id, node_id, owner_id::int, quantity
"""
