"""What is known of the parcels of shipments, each by its own number."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from entrepot.kernel import sql
from entrepot.shipping.queries import is_ours
from entrepot.shipping.trouble import CLAIMED, Parcel

PARCELS = f"""
SELECT x.number, x.package, x.labeled, COALESCE(c.at, h.delivered_at) IS NOT NULL AS came,
       ARRAY(SELECT DISTINCT e.kind FROM shipping_carrierevent AS e
             WHERE e.shipment_id = h.id AND x.labeled
               AND (e.tracking = x.number OR e.tracking = h.tracking AND (x.whole OR x.ours) OR e.source = 'silence')
               AND (e.kind = 'damaged' OR COALESCE(c.at, h.delivered_at) IS NULL
                    OR e.source <> 'silence' AND e.occurred_at > COALESCE(c.at, h.delivered_at))) AS kinds
FROM (SELECT n.*, NOT bool_or(n.number = h.tracking) OVER () AS whole,
             h.tracking <> h.number AND {is_ours("n.number")} AS ours
      FROM (SELECT l.tracking AS number, l.package_id AS package, TRUE AS labeled FROM shipping_label AS l
            WHERE l.shipment_id = h.id AND l.state <> 'voided'
            UNION ALL SELECT p.tracking, NULL, TRUE FROM shipping_parcel AS p WHERE p.shipment_id = h.id
            UNION ALL SELECT w.number, w.id, FALSE FROM warehouse_package AS w
            WHERE w.fulfillment_id = h.fulfillment_id AND w.voided_at IS NULL
              AND NOT EXISTS (SELECT FROM shipping_label WHERE package_id = w.id AND state <> 'voided')
              AND EXISTS (SELECT FROM shipping_label WHERE shipment_id = h.id AND state <> 'voided')) AS n) AS x
LEFT JOIN LATERAL (SELECT min(e.occurred_at) AS at FROM shipping_carrierevent AS e
                   WHERE e.shipment_id = h.id AND e.kind = 'delivered'
                     AND (e.tracking = x.number OR e.tracking = h.tracking AND x.ours)) AS c ON TRUE
"""
"""The statement of the parcels of a shipment `h`: number, package (none of a supplier's), whether it came, and what was
told of it and did not end with that. What is told of the whole by a number that no parcel bears holds for each of them,
what is told by the carrier's number for those that bear none but ours, and silence for those that did not come. A
package without a label beside others that have one stands under its own number: nobody knows how it fares."""


def of(shipments: Collection[UUID]) -> dict[UUID, list[Parcel]]:
    """The parcels of shipments that bear numbers of their own, with their trouble. 1 statement."""
    found: dict[UUID, list[Parcel]] = {}
    for shipment, number, package, labeled, came, kinds in sql.run(_OF, {"ids": list(shipments)}):
        trouble = frozenset(kinds).intersection(CLAIMED)
        found.setdefault(shipment, []).append(Parcel(number, package, came, trouble, labeled))
    return found


_OF = f"""
SELECT h.id, p.number, p.package, p.labeled, p.came, p.kinds
FROM shipping_shipment AS h CROSS JOIN LATERAL ({PARCELS}) AS p
WHERE h.id = ANY(%(ids)s::uuid[]) ORDER BY h.id, p.package, p.number
"""
