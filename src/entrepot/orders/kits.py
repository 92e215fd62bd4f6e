"""What an order for a kit becomes: lines of its components, which bear its frozen amounts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money
from entrepot.orders.rules import Frozen


class Part(NamedTuple):
    """A component of a kit as the catalog has it when the order is placed; `units` are those of one kit."""

    sku: UUID
    code: str
    units: int
    list_price: Decimal | None = None
    status: str = "active"
    minimum_age: int = 0


def split(kit: Frozen, parts: Sequence[Part]) -> list[Frozen]:
    """What each component bears of a kit's amounts, by its list price; they sum to the kit's to the cent.

    Shipping and tax follow what components cost after the discount, as they do over the lines of an order. No component
    has more discount than it costs.
    """
    gross = money.share(kit.gross, weights(parts))
    discount = money.share(kit.discount, gross)
    net = [whole - less for whole, less in zip(gross, discount, strict=True)]
    shipping, tax = money.share(kit.shipping, net), money.share(kit.tax, net)
    return [Frozen(*amounts) for amounts in zip(gross, discount, shipping, tax, strict=True)]


def weights(parts: Sequence[Part]) -> list[int]:
    """What components of one kit would cost alone, in millionths; where one has no list price, or none costs anything,
    every unit weighs the same."""
    if any(part.list_price is None for part in parts) or not any(part.list_price for part in parts):
        return [part.units for part in parts]
    return [int((part.list_price or 0) * _MILLION) * part.units for part in parts]


def unit_price(gross: int, quantity: int, currency: str) -> Decimal:
    """The price of a unit that bears its part of so much, to the six places that are kept."""
    exact = Decimal(gross).scaleb(-money.exponent(currency)) / quantity
    return exact.quantize(_PLACES)


_MILLION, _PLACES = 10**6, Decimal("0.000001")
