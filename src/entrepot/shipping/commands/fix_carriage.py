"""What was accrued for the carriage of shipments that their carrier bills: it stands as the invoice found it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from entrepot.kernel import sql


def lock_carriage(companies: list[Any], carriers: list[Any], numbers: list[Any]) -> None:
    """The shipments that carriers' numbers lead to, in the order of their orders: what is bought for them waits. The
    three are columns. 1 statement."""
    sql.run(_LOCK, {"companies": companies, "carriers": carriers, "numbers": numbers})


def fix_carriage(shipments: Collection[UUID]) -> None:
    """Of what was accrued for these an invoice released some: what their labels are bought at changes it no more. 1
    statement."""
    sql.run(_FIX, {"ids": sorted(shipments)})


_LOCK = """
WITH named AS (
    SELECT DISTINCT * FROM unnest(%(companies)s::smallint[], %(carriers)s::text[], %(numbers)s::text[])
    AS d(company, carrier, number))
SELECT FROM shipping_shipment AS h
WHERE h.id IN (
    SELECT s.id FROM named AS d
    JOIN shipping_shipment AS s ON s.company_id = d.company AND s.tracking = d.number AND s.carrier = d.carrier
    UNION
    SELECT l.shipment_id FROM named AS d
    JOIN shipping_label AS l ON l.company_id = d.company AND l.tracking = d.number AND l.carrier = d.carrier)
ORDER BY h.order_id, h.id FOR UPDATE
"""

_FIX = "UPDATE shipping_shipment SET billed = TRUE WHERE id = ANY(%(ids)s::uuid[]) AND NOT billed"
