"""Pallets of returned parcels: what is on them, what of it waits, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class PalletRow:
    """A pallet with its packages: announced, of them named by a manifest (`listed`), seen, and opened. `to_come` are
    units announced in those that are not opened, `staged` units of opened ones that wait for inspection or disposition,
    of so many `returns` and `orders`."""

    id: UUID
    number: str
    carrier: str
    node: UUID
    node_code: str
    bin: str
    state: str
    announced: int
    listed: int
    seen: int
    opened: int
    extra: int
    differs: str
    to_come: int
    staged: int
    returns: int
    orders: int
    received_by: str
    received_at: datetime
    due_at: datetime
    overdue: bool


@dataclass(frozen=True, slots=True)
class PackageRow:
    """A package of a pallet, with the returns that are expected in it."""

    tracking: str
    listed: bool
    seen_by: str
    seen_at: datetime | None
    opened_at: datetime | None
    numbers: list[str]
    units: int


def pallets(
    company: int, at: datetime, *, state: str = "", node: UUID | None = None, limit: int = 100
) -> list[PalletRow]:
    """Pallets that are not done, or in a state, what is due first at the top. 1 statement."""
    params = {"company": company, "state": state, "node": node, "id": None, "at": at, "limit": limit}
    return [PalletRow(*row) for row in sql.run(_PALLETS, params)]


def pallet(company: int, which: UUID, at: datetime) -> PalletRow | None:
    """One pallet of a company. 1 statement."""
    params = {"company": company, "state": "any", "node": None, "id": which, "at": at, "limit": 1}
    rows = sql.run(_PALLETS, params)
    return PalletRow(*rows[0]) if rows else None


def packages(which: UUID, *, limit: int = 2_000) -> list[PackageRow]:
    """The packages of a pallet: those not seen, then those not opened, then the others. 1 statement."""
    return [PackageRow(*row) for row in sql.run(_PACKAGES, {"id": which, "limit": limit})]


_PALLETS = """
SELECT p.id, p.number, p.carrier, p.node_id, n.code, b.code, p.state, p.announced, k.listed, k.seen, k.opened, k.extra,
       p.differs, COALESCE(u.to_come, 0), COALESCE(u.staged, 0), COALESCE(u.returns, 0), COALESCE(u.orders, 0),
       p.received_by, p.received_at, p.due_at, p.due_at < %(at)s::timestamptz AND p.state <> 'done'
FROM returns_pallet AS p
JOIN network_node AS n ON n.id = p.node_id
JOIN network_bin AS b ON b.id = p.bin_id
CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE listed))::int AS listed, count(seen_at)::int AS seen,
           count(opened_at)::int AS opened, (count(*) FILTER (WHERE NOT listed))::int AS extra
    FROM returns_palletpackage WHERE pallet_id = p.id) AS k
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN x.opened THEN 0 ELSE l.to_come END)::int AS to_come,
           sum(CASE WHEN x.opened THEN l.staged ELSE 0 END)::int AS staged,
           count(DISTINCT r.id)::int AS returns, count(DISTINCT r.order_id)::int AS orders
    FROM (SELECT c.return_id, bool_and(q.opened_at IS NOT NULL) AS opened
          FROM returns_palletpackage AS q
          JOIN returns_parcel AS c ON c.company_id = q.company_id AND c.tracking = q.tracking
          WHERE q.pallet_id = p.id AND q.tracking <> '' GROUP BY 1) AS x
    JOIN returns_return AS r ON r.id = x.return_id AND r.state NOT IN ('requested', 'declined', 'cancelled')
    CROSS JOIN LATERAL (
        SELECT sum(quantity - cancelled - missing - received) AS to_come, sum(received - disposed) AS staged
        FROM returns_line WHERE return_id = r.id) AS l) AS u ON TRUE
WHERE p.company_id = %(company)s::smallint AND (%(id)s::uuid IS NULL OR p.id = %(id)s::uuid)
  AND (%(node)s::uuid IS NULL OR p.node_id = %(node)s::uuid)
  AND CASE %(state)s::text WHEN '' THEN p.state <> 'done' WHEN 'any' THEN TRUE ELSE p.state = %(state)s::text END
ORDER BY p.state = 'done', p.due_at, p.id LIMIT %(limit)s::int
"""

_PACKAGES = """
SELECT k.tracking, k.listed, k.seen_by, k.seen_at, k.opened_at,
       COALESCE(array_agg(r.number ORDER BY r.number) FILTER (WHERE r.number IS NOT NULL), '{}'),
       COALESCE(sum(l.units), 0)::int
FROM returns_palletpackage AS k
LEFT JOIN returns_parcel AS p ON p.company_id = k.company_id AND p.tracking = k.tracking AND k.tracking <> ''
LEFT JOIN returns_return AS r ON r.id = p.return_id
LEFT JOIN LATERAL (SELECT sum(quantity - cancelled - missing - received) AS units
                   FROM returns_line WHERE return_id = r.id) AS l ON TRUE
WHERE k.pallet_id = %(id)s::uuid
GROUP BY k.id ORDER BY k.seen_at IS NOT NULL, k.opened_at IS NOT NULL, k.id LIMIT %(limit)s::int
"""

# invariant 26: a pallet is done when all of its parcels that were seen are opened, and not before
CHECK = """
SELECT format('pallet %s is %s, and %s of its parcels wait to be opened', p.number, p.state, k.waiting)
FROM returns_pallet AS p
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE seen_at IS NOT NULL AND opened_at IS NULL) AS waiting
                    FROM returns_palletpackage WHERE pallet_id = p.id) AS k
WHERE p.state = 'done' AND k.waiting > 0 OR p.state = 'counted' AND k.waiting = 0
"""
