"""What is known of the parcels of shipments, each by its own number."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from entrepot.kernel import sql
from entrepot.shipping.trouble import CLAIMED, Parcel

PARCELS = """
SELECT x.number, x.package, COALESCE(c.at, h.delivered_at) IS NOT NULL AS came,
       ARRAY(SELECT DISTINCT e.kind FROM shipping_carrierevent AS e
             WHERE e.shipment_id = h.id AND (e.tracking = x.number OR e.tracking = h.tracking AND x.whole OR
                                             e.source = 'silence')
               AND (e.kind = 'damaged' OR COALESCE(c.at, h.delivered_at) IS NULL
                    OR e.source <> 'silence' AND e.occurred_at > COALESCE(c.at, h.delivered_at))) AS kinds
FROM (SELECT n.*, NOT bool_or(n.number = h.tracking) OVER () AS whole
      FROM (SELECT l.tracking AS number, l.package_id AS package FROM shipping_label AS l
            WHERE l.shipment_id = h.id AND l.state <> 'voided'
            UNION ALL SELECT p.tracking, NULL FROM shipping_parcel AS p WHERE p.shipment_id = h.id) AS n) AS x
LEFT JOIN LATERAL (SELECT min(e.occurred_at) AS at FROM shipping_carrierevent AS e
                   WHERE e.shipment_id = h.id AND e.tracking = x.number AND e.kind = 'delivered') AS c ON TRUE
"""
"""The statement of the parcels of a shipment `h`: number, package (none of a supplier's), whether it came, and what was
told of it and did not end with that. What is told of the whole by a number that no parcel bears holds for each of them,
and so does silence, for those that did not come."""


def of(shipments: Collection[UUID]) -> dict[UUID, list[Parcel]]:
    """The parcels of shipments that bear numbers of their own, with their trouble. 1 statement."""
    found: dict[UUID, list[Parcel]] = {}
    for shipment, number, package, came, kinds in sql.run(_OF, {"ids": list(shipments)}):
        trouble = frozenset(kinds).intersection(CLAIMED)
        found.setdefault(shipment, []).append(Parcel(number, package, came, trouble))
    return found


_OF = f"""
SELECT h.id, p.number, p.package, p.came, p.kinds FROM shipping_shipment AS h CROSS JOIN LATERAL ({PARCELS}) AS p
WHERE h.id = ANY(%(ids)s::uuid[]) ORDER BY h.id, p.package, p.number
"""
