"""What a draft costs where nobody says otherwise: the prices of the catalog, and tax at the rates in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from entrepot.catalog.queries import Sku
from entrepot.kernel import policies
from entrepot.orders import rules
from entrepot.orders.commands.place import PlaceOrder
from entrepot.orders.facts.known import default
from entrepot.orders.facts.marks import region_of, written
from entrepot.orders.taxing import Bears, By, due
from entrepot.orders.validation.policy import Validation
from entrepot.parties import numbers
from entrepot.parties import queries as parties
from entrepot.parties.numbers import Checked
from entrepot.tax import queries as taxes
from entrepot.tax.rules import Exemption, Expected


def list_price(sku: Sku | None, currency: str, own: str) -> Decimal | None:
    """What a SKU costs in a currency; list prices are in the company's `own`."""
    return sku.list_price if sku is not None and currency == own else None


def tax_due(order: PlaceOrder, goods: Mapping[str, Sku], kind: str, at: datetime) -> Expected:
    """The tax that a draft should bear, as its validation will see it; `goods` are its SKUs, `kind` its channel's.

    By the region of its address, else its own; its buyer's tax number counts where the policy knows reverse charge.
    3 statements, and 1 for who sells.
    """
    lines = [(line.kind, line.quantity, line.unit_price, line.discount_minor) for line in order.lines]
    frozen = rules.freeze(lines, order.currency, order.discount_minor, order.shipping_minor, 0)
    in_force = policies.in_force(order.company, Validation, at)
    policy = policies.of_scope(in_force, order.channel, default(kind)[1])
    categories = {code: one.category for code, one in goods.items()}
    there = written(order.address, order.country, order.postal_code) if order.address else None
    by = By(
        taxes.rates(company=order.company), order.country, region_of(order, there), at.date(), _exemptions(order),
        policy.reverse_charge and _is_shifted(order), policy.tax_on_shipping,
    )  # fmt: skip
    bears = zip(order.lines, frozen, strict=True)
    return due([Bears(line.kind, categories.get(line.sku, ""), one) for line, one in bears], by)


def number_of(order: PlaceOrder) -> Checked | None:
    """The buyer's tax number, checked by its form; None where there is none."""
    return numbers.check(order.country, order.tax_number) if order.tax_number else None


def _is_shifted(order: PlaceOrder) -> bool:
    """Whether its buyer, a business of another country, owes the tax itself."""
    number = number_of(order)
    if number is None:
        return False
    seller = next((one.country for one in parties.companies() if one.id == order.company), "")
    return order.country != seller and numbers.is_of_another_member(number, seller)


def _exemptions(order: PlaceOrder) -> list[Exemption]:
    if not order.customer:
        return []
    return [
        Exemption(one.country, one.certificate, one.valid_from, one.valid_until)
        for one in taxes.exemptions(company=order.company, customer=order.customer)
    ]
