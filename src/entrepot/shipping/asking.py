"""What an adapter is told of a fulfillment or a label: places and packages, read when the message goes out."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.money import nearest
from entrepot.ledger.currency_queries import worth_of
from entrepot.parties import queries as parties
from entrepot.shipping import customs
from entrepot.shipping.live import Asked, Box, Declared, Good, Place
from entrepot.shipping.printing import Labels
from entrepot.shipping.rules import goes_unfiled
from entrepot.shipping.sender import Sender
from entrepot.warehouse.rules import CARTONS


def of_fulfillment(fulfillment: UUID, at: datetime) -> Asked | None:
    """All packages of a fulfillment. 7 statements, 1 more where customs are told of them, 2 where the worth of their
    export is looked up."""
    return _asked(sql.run(_OF_FULFILLMENT, {"id": fulfillment}), at)


def of_label(label: UUID, at: datetime) -> Asked | None:
    """The package of a label, unless that was voided or opened. 8 statements, 1 more where customs are told of it, 2
    where the worth of its export is looked up."""
    rows = sql.run(_OF_LABEL, {"id": label})
    asked = _asked(rows, at)
    if asked is None:
        return None
    company, _, node, *_ = rows[0]
    printed = policies.of_scope(policies.in_force(company, Labels, at), node, Labels())
    return asked._replace(label_format=printed.format)


def _asked(rows: list[Any], at: datetime) -> Asked | None:
    if not rows:
        return None
    (company, reference, code, node, postal, country, address, to_postal, to_country, residential, fulfillment,
     *_package) = rows[0]  # fmt: skip
    house = of_node(company, code, node, postal, country, at)
    customer = of_customer(address, to_postal, to_country, residential=residential)
    told = customs.of_fulfillment(fulfillment, at)
    goods = _goods(told, [row[11] for row in rows]) if told else {}
    boxes = tuple(_box(*row[12:], goods=goods.get(row[11], ())) for row in rows)
    return Asked(reference, house, customer, boxes, declared=_declared(told, company, at) if told else None)


def _box(carton: str, weight_g: int, length: int, width: int, height: int, *, goods: tuple[Good, ...]) -> Box:
    """A package by its outer sides; one in a standard carton, where nobody registered any, has the sides of that."""
    sides = (length, width, height)
    return Box(weight_g, *(sides if any(sides) else STANDARD.get(carton, sides)), goods=goods)


STANDARD = {one.code: (one.length_mm, one.width_mm, one.height_mm) for one in CARTONS}


def _declared(told: customs.Customs, company: int, at: datetime) -> Declared:
    sender = told.sender
    is_unfiled = told.origin == "US" and goes_unfiled(
        [(line.hs_code, line.value_minor) for line in told.lines], _cents(told.currency, company, at)
    )
    return Declared(
        told.fulfillment, told.currency, sender.terms, sender.name or told.node, sender.eori, is_unfiled
    )


def _cents(currency: str, company: int, at: datetime) -> Decimal | None:
    """Cents of a dollar for a minor unit of a currency; None where nobody knows. 1 statement, none for dollars."""
    if currency == "USD":
        return Decimal(1)
    _, worth = worth_of({(company, currency), (company, "USD")}, at)[company]
    return worth[currency] / worth["USD"] if worth.keys() >= {currency, "USD"} else None


def _goods(told: customs.Customs, packages: list[UUID]) -> dict[UUID, tuple[Good, ...]]:
    """What is in each package, with its part of what customs are told of the whole. 1 statement."""
    units: dict[str, list[int]] = {}
    for line in told.lines:
        known = units.setdefault(line.sku, [0, 0])
        known[0] += line.units
        known[1] += line.value_minor
    about = {line.sku: line for line in told.lines}
    found: dict[UUID, tuple[Good, ...]] = {}
    for package, sku, count in sql.run(_INSIDE, {"packages": packages}):
        line, (whole, value) = about[sku], units[sku]
        good = Good(
            sku, line.name, line.hs_code, told.sender.goods_origin or told.origin, count,
            line.weight_g * count // line.units, nearest(value * count, whole),
        )  # fmt: skip
        found[package] = (*found.get(package, ()), good)
    return found


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
       o.demand = 'sale', f.id, p.id, p.carton, p.weight_g,
       COALESCE(NULLIF(c.outer_length_mm, 0), c.length_mm, 0), COALESCE(NULLIF(c.outer_width_mm, 0), c.width_mm, 0),
       COALESCE(NULLIF(c.outer_height_mm, 0), c.height_mm, 0)
FROM warehouse_package AS p
JOIN warehouse_fulfillment AS f ON f.id = p.fulfillment_id
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_node AS n ON n.id = f.node_id
LEFT JOIN warehouse_carton AS c ON c.company_id = p.company_id AND c.code = p.carton
"""

_OF_FULFILLMENT = _ROWS + "WHERE f.id = %(id)s::uuid AND p.voided_at IS NULL ORDER BY p.number"

_INSIDE = """
SELECT c.package_id, l.sku_code, sum(c.quantity)::int
FROM warehouse_packageline AS c JOIN orders_line AS l ON l.id = c.line_id
WHERE c.package_id = ANY(%(packages)s::uuid[]) GROUP BY 1, 2 ORDER BY 1, 2
"""

_OF_MANIFEST = """
SELECT m.company_id::int, n.code, n.name, n.postal_code, n.country
FROM shipping_manifest AS m JOIN network_node AS n ON n.id = m.node_id
WHERE m.id = %(id)s::uuid
"""

_OF_LABEL = (
    _ROWS
    + "JOIN shipping_label AS l ON l.package_id = p.id AND l.state <> 'voided'"
    + " WHERE l.id = %(id)s::uuid AND p.voided_at IS NULL"
)
