"""What customs are told of a parcel that leaves the country and the customs union: its goods with value, weight and
tariff number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.network.rules import EUROPEAN_UNION
from entrepot.shipping.sender import Sender


@dataclass(frozen=True, slots=True)
class CustomsLine:
    """Units of a SKU, with what was paid for them, without tax; of goods that are sent again at no charge, what was
    paid the first time."""

    sku: str
    name: str
    hs_code: str
    units: int
    weight_g: int
    value_minor: int


@dataclass(frozen=True, slots=True)
class Customs:
    """What a commercial invoice says; the address of the consignee stands in the vault under `address`."""

    fulfillment: str
    order: str
    node: str
    node_postal_code: str
    origin: str
    destination: str
    currency: str
    carrier: str
    tracking: str
    packages: int
    weight_g: int
    shipping_minor: int
    address: UUID | None
    sender: Sender
    lines: tuple[CustomsLine, ...]

    @property
    def value_minor(self) -> int:
        """Of the goods."""
        return sum(line.value_minor for line in self.lines)


INSIDE = EUROPEAN_UNION | {"MC"}
"""Monaco is no member, and in the customs union and its taxes through France."""
APART = {
    "DE": ("27498", "78266"), "ES": ("35", "38", "51", "52"), "FI": ("22",),
    "FR": ("97", "984", "986", "987", "988", "989"), "GR": ("63086", "63087"), "IT": ("22061", "23041"),
}  # fmt: skip
"""How postal codes of the union begin from and to which goods are declared all the same, since other taxes or duties
are due there: Heligoland and Büsingen, the Canary Islands, Ceuta and Melilla, Åland, the French islands, Athos,
Campione and Livigno."""


NORTHERN_IRELAND = ("GB", "BT")
"""How postal codes begin of a part of a country that is no member, in which the union's customs code and its rules on
taxes of goods hold: Protocol on Ireland/Northern Ireland (OJ L 29, 31.1.2020, p. 102; the Windsor Framework since
Decision 1/2023 of the Joint Committee, OJ L 102, 17.4.2023, p. 61), Articles 5(3) and 8. By Article 6(1) goods go
freely from there to Great Britain."""


def passes_customs(origin: tuple[str, str], destination: tuple[str, str]) -> bool:
    """Whether customs are told of what goes from a country and postal code to others. To nowhere, it stays. From
    Northern Ireland to Great Britain goods go freely; the other way customs are told."""
    if not destination[0]:
        return False
    if origin[0] == destination[0]:
        if origin[0] == NORTHERN_IRELAND[0]:
            return _is_inside(*destination) and not _is_inside(*origin)
        return _is_apart(*origin) != _is_apart(*destination)
    return not (_is_inside(*origin) and _is_inside(*destination))


def _is_inside(country: str, postal_code: str) -> bool:
    """Whether goods that go between such places need no customs."""
    if country == NORTHERN_IRELAND[0]:
        return postal_code.strip().upper().startswith(NORTHERN_IRELAND[1])
    return country in INSIDE and not _is_apart(country, postal_code)


def _is_apart(country: str, postal_code: str) -> bool:
    return postal_code.replace(" ", "").startswith(APART.get(country, ()))


def of_fulfillment(fulfillment: UUID, at: datetime) -> Customs | None:
    """What customs are told of a packed fulfillment; None where it stays in the country, or in the customs union, and
    in its taxes. 3 statements."""
    rows = sql.run(_WHOLE, {"id": fulfillment})
    if not rows:
        return None
    order, number, *told, address, code, company, postal_code = rows[0]
    if not passes_customs((told[2], told[1]), (told[3], postal_code)):
        return None
    sender = policies.of_scope(policies.in_force(company, Sender, at), code, Sender())
    lines = tuple(CustomsLine(*row) for row in sql.run(_LINES, {"id": fulfillment}))
    facts = [number, order, *told, address, sender, lines]
    return Customs(*facts)


_WHOLE = """
SELECT o.number, f.number, n.name, n.postal_code, n.country, o.country, o.currency::text, COALESCE(h.carrier, ''),
       COALESCE(h.tracking, ''), p.packages, p.weight_g, COALESCE(l.shipping, 0)::bigint, o.address_id, n.code,
       f.company_id::int, o.postal_code
FROM warehouse_fulfillment AS f
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_node AS n ON n.id = f.node_id
LEFT JOIN shipping_shipment AS h ON h.fulfillment_id = f.id
LEFT JOIN LATERAL (SELECT sum(shipping_minor) AS shipping FROM shipping_shipmentline
                   WHERE shipment_id = h.id) AS l ON TRUE
JOIN LATERAL (SELECT count(*)::int AS packages, sum(weight_g)::int AS weight_g FROM warehouse_package
              WHERE fulfillment_id = f.id AND voided_at IS NULL) AS p ON p.packages > 0
WHERE f.id = %(id)s::uuid
"""

# The value of units is their part of what the line costs after discounts. What is sent again costs nothing, and is
# worth what it was sold for: in the order that was sent the first time.
_LINES = """
WITH RECURSIVE sold AS (
    SELECT f.order_id, 0 AS times FROM warehouse_fulfillment AS f WHERE f.id = %(id)s::uuid
    UNION ALL
    SELECT h.order_id, s.times + 1
    FROM sold AS s JOIN shipping_reshipment AS r ON r.order_id = s.order_id
    JOIN shipping_shipment AS h ON h.id = r.shipment_id),
worth AS (
    SELECT l.sku_id, sum(l.gross_minor - l.discount_minor)::numeric / sum(l.quantity) AS unit
    FROM orders_line AS l
    WHERE l.order_id = (SELECT order_id FROM sold ORDER BY times DESC LIMIT 1)
      AND (SELECT max(times) FROM sold) > 0 AND l.quantity > 0 GROUP BY 1)
SELECT l.sku_code, s.name, s.hs_code, sum(c.quantity)::int, (s.weight_g * sum(c.quantity))::int,
       round(COALESCE(w.unit * sum(c.quantity),
                      (l.gross_minor - l.discount_minor)::numeric * sum(c.quantity) / l.quantity))::bigint
FROM warehouse_package AS p
JOIN warehouse_packageline AS c ON c.package_id = p.id
JOIN orders_line AS l ON l.id = c.line_id
JOIN catalog_sku AS s ON s.id = c.sku_id
LEFT JOIN worth AS w ON w.sku_id = c.sku_id
WHERE p.fulfillment_id = %(id)s::uuid AND p.voided_at IS NULL
GROUP BY l.id, w.unit, l.number, l.sku_code, s.name, s.hs_code, s.weight_g, l.gross_minor, l.discount_minor, l.quantity
ORDER BY l.number
"""
