"""What an adapter is told of a return's label: places and goods, read when the message goes out."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns import labeling
from entrepot.shipping import asking
from entrepot.shipping.live import Asked, Box


class Wanted(NamedTuple):
    """What is asked of an adapter, and its name of the service."""

    asked: Asked
    service: str


def of_label(label: UUID, at: datetime) -> Wanted | None:
    """All that is to come of the returns of a label; None where the label is not wanted any more. 4 statements."""
    rows = sql.run(_OF_LABEL, {"id": label})
    if not rows:
        return None
    number, weight_g, live, returns, company, *node = rows[0][:9]
    address, postal_code, country = rows[0][9:]
    goods = [labeling.Goods(*one) for _, *one in sql.run(GOODS, {"returns": returns})]
    code, name, node_postal, node_country = node
    return Wanted(
        Asked(
            number, asking.of_node(company, code, name, node_postal, node_country, at),
            asking.of_customer(address, postal_code, country, residential=True),
            (Box(weight_g, *labeling.box(goods)),), is_return=True,
        ),
        live.partition(":")[2],
    )  # fmt: skip


def offer(label: UUID) -> str | None:
    """What a label that is asked for is bought by; '' where nobody knows yet, None where it was answered already."""
    found = sql.run(
        "SELECT reference FROM returns_label WHERE id = %(id)s::uuid AND bought = 'asked'", {"id": label}
    )
    return str(found[0][0]) if found else None


_OF_LABEL = """
SELECT r.number, l.weight_g, s.live,
       ARRAY(SELECT m.return_id FROM returns_labelreturn AS m WHERE m.label_id = l.id AND m.lives), l.company_id::int,
       n.code, n.name, n.postal_code, n.country, o.address_id, o.postal_code, o.country
FROM returns_label AS l
JOIN returns_return AS r ON r.id = l.return_id
JOIN orders_order AS o ON o.id = r.order_id
JOIN network_node AS n ON n.id = r.node_id
JOIN carriage_service AS s ON s.id = l.service_id
WHERE l.id = %(id)s::uuid AND l.state = 'made' AND l.bought = 'asked'
"""

GOODS = """
SELECT l.return_id, (l.quantity - l.cancelled - l.missing - l.received)::int, s.weight_g, s.length_mm, s.width_mm,
       s.height_mm
FROM returns_line AS l JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE l.return_id = ANY(%(returns)s::uuid[]) AND l.quantity > l.cancelled + l.missing + l.received
"""
