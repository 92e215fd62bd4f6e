"""What a channel states about its orders and about the stock that it shows: the same whatever it came as. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from entrepot.kernel import money

ROWS_MAX = 100_000
KINDS = ("orders", "stock")
SOURCE = "channel-statement"
"""The inbox's name for orders that only their channel has: what it says of them waits there to be placed."""


class UnreadableError(ValueError):
    """What a statement says makes no sense: what was expected, and what was found where."""


@dataclass(frozen=True, slots=True)
class StatedLine:
    """Goods of an order: as many as were ordered, at what price, and what was taken off for this line alone."""

    sku: str
    quantity: int
    unit_price: Decimal = Decimal(0)
    discount_minor: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class StatedAddress:
    name: str
    line1: str
    city: str
    line2: str = ""
    region: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class StatedOrder:
    """An order as its channel has it. `also` is another name that it goes by there.

    None is what the channel does not state: it is not compared. `shipped` and `refunded_minor` are units and money of
    the whole order; `total_minor` is what was to be paid when it was placed.
    """

    name: str
    placed_at: datetime
    currency: str
    lines: tuple[StatedLine, ...]
    also: str = ""
    is_cancelled: bool = False
    total_minor: int | None = None
    shipped: int | None = None
    refunded_minor: int | None = None
    discount_minor: int = 0
    shipping_minor: int = 0
    tax_minor: int = 0
    country: str = ""
    postal_code: str = ""
    address: StatedAddress | None = None

    def units(self) -> dict[str, int]:
        """Units ordered, by SKU."""
        found: dict[str, int] = {}
        for line in self.lines:
            found[line.sku] = found.get(line.sku, 0) + line.quantity
        return found


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands in the inbox of an order that only its channel has."""

    channel: str
    order: StatedOrder


@dataclass(frozen=True, slots=True)
class StatedStock:
    """What a channel shows of a SKU."""

    sku: str
    quantity: int


def minor(value: object, currency: str, where: str) -> int:
    """An amount as a channel writes it, in minor units."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > 10**12:
        raise UnreadableError(f"{where}: an amount was expected, found {str(value)[:40]!r}")
    return money.round_half_away(amount.scaleb(money.exponent(currency)))
