"""What an adapter is told of a fulfillment or a label: places and packages, read when the message goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.shapes import shape
from entrepot.parties import queries as parties
from entrepot.shipping.live import Asked, Box, Place


@shape("shipping.sender")
@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, as it stands on labels and customs papers: of all nodes, or of one by its code as scope.

    `eori`: the number under which customs know the sender. `goods_origin`: the country where the goods were made.
    `terms`: who pays duties, as Incoterms say it.
    """

    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    phone: str = ""
    eori: str = ""
    goods_origin: str = ""
    terms: str = "DAP"


def of_fulfillment(fulfillment: UUID, at: datetime) -> Asked | None:
    """All packages of a fulfillment. 4 statements."""
    return _asked(sql.run(_OF_FULFILLMENT, {"id": fulfillment}), at)


def of_label(label: UUID, at: datetime) -> Asked | None:
    """The package of a label. 4 statements."""
    return _asked(sql.run(_OF_LABEL, {"id": label}), at)


def _asked(rows: list[Any], at: datetime) -> Asked | None:
    if not rows:
        return None
    company, reference, code, node, postal, country, address, to_postal, to_country, residential = rows[0][
        :10
    ]
    house = of_node(company, code, node, postal, country, at)
    customer = of_customer(address, to_postal, to_country, residential=residential)
    return Asked(reference, house, customer, tuple(Box(*row[10:]) for row in rows))


def of_node(company: int, code: str, name: str, postal_code: str, country: str, at: datetime) -> Place:
    """Where a node is, as the policy `shipping.sender` names it. 1 statement."""
    sender = policies.of_scope(policies.in_force(company, Sender, at), code, Sender())
    return Place(
        sender.name or name, sender.line1, sender.line2, sender.city, sender.region, postal_code, country, sender.phone
    )  # fmt: skip


def of_manifest(manifest: UUID, at: datetime) -> Place:
    """Where the labels of a manifest are collected. 2 statements."""
    ((company, code, name, postal_code, country),) = sql.run(_OF_MANIFEST, {"id": manifest})
    return of_node(company, code, name, postal_code, country, at)


def of_customer(address: UUID | None, postal_code: str, country: str, *, residential: bool) -> Place:
    """Where a customer is, out of the vault. 1 statement where an address is known."""
    found = parties.address(address) if address else None
    if found is None:
        return Place("", "", "", "", "", postal_code, country, residential=residential)
    return Place(
        found.name, found.line1, found.line2, found.city, found.region, found.postal_code or postal_code,
        found.country or country, found.phone, found.email, residential,
    )  # fmt: skip


_ROWS = """
SELECT o.company_id::int, f.number, n.code, n.name, n.postal_code, n.country, o.address_id, o.postal_code, o.country,
       o.demand = 'sale', p.weight_g, COALESCE(c.length_mm, 0), COALESCE(c.width_mm, 0), COALESCE(c.height_mm, 0)
FROM warehouse_package AS p
JOIN warehouse_fulfillment AS f ON f.id = p.fulfillment_id
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_node AS n ON n.id = f.node_id
LEFT JOIN warehouse_carton AS c ON c.company_id = p.company_id AND c.code = p.carton
"""

_OF_FULFILLMENT = _ROWS + "WHERE f.id = %(id)s::uuid AND p.voided_at IS NULL ORDER BY p.number"

_OF_MANIFEST = """
SELECT m.company_id::int, n.code, n.name, n.postal_code, n.country
FROM shipping_manifest AS m JOIN network_node AS n ON n.id = m.node_id
WHERE m.id = %(id)s::uuid
"""

_OF_LABEL = (
    _ROWS
    + "JOIN shipping_label AS l ON l.package_id = p.id AND l.state <> 'voided' WHERE l.id = %(id)s::uuid"
)
