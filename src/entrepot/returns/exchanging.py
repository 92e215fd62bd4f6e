"""What replaces returned goods, and what it costs. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from entrepot.kernel import money
from entrepot.kernel.money import round_half_away
from entrepot.returns.refunding import Part
from entrepot.returns.rules import Units


class Goods(NamedTuple):
    """A SKU by its list price, and by the price at which it was sold, or is to be."""

    sku: str
    list_price: Decimal | None
    unit_price: Decimal | None


class Replacement(NamedTuple):
    """A line that replaces returned units: it bears shipping as they did, and tax at their rate."""

    sku: str
    even: bool
    unit_price: Decimal
    discount: int
    shipping: int
    tax: int
    total: int


def is_even(sold: Goods, other: Goods) -> bool:
    """Whether goods are exchanged for their like: the same SKU, or one of the same list price, and nobody says another
    price."""
    alike = other.list_price is not None and other.list_price == sold.list_price
    return other.unit_price is None and (other.sku == sold.sku or alike)


def replacement(part: Part, sold: Goods, other: Goods, currency: str) -> Replacement | str:
    """The line that replaces a part, or why there can't be one.

    An even exchange costs exactly what the units bear. Another costs the price that is said, or the list price, with
    tax at the rate that they bore.
    """
    if is_even(sold, other):
        price, discount = _as_sold(part, sold.unit_price or Decimal(0), currency)
        total = part.goods + part.tax + part.shipping
        return Replacement(other.sku, True, price, discount, part.shipping, part.tax, total)
    own = other.unit_price if other.unit_price is not None else other.list_price
    if own is None:
        return "it has no list price; say a price"
    net = money.extend(part.units, own, currency)
    tax = round_half_away(Decimal(part.tax) * net / part.goods) if part.goods else 0
    return Replacement(other.sku, False, own, 0, part.shipping, tax, net + tax + part.shipping)


def _as_sold(part: Part, unit_price: Decimal, currency: str) -> tuple[Decimal, int]:
    """The price and discount of units that bear so much: as sold, or without a discount where cents of the units around
    it make them bear more than their price."""
    discount = money.extend(part.units, unit_price, currency) - part.goods
    if discount >= 0:
        return unit_price, discount
    price = Decimal(part.goods) / part.units / 10 ** money.exponent(currency)
    return price.quantize(Decimal("0.000001")), 0


def reached(units: Units, milestone: str) -> int:
    """How many units have come as far as a milestone; where an amount is to be held for them, as long as none is."""
    if milestone == "authorized":
        return units.quantity - units.cancelled
    return units.received if milestone == "secured" else int(getattr(units, milestone))
