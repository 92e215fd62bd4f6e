"""What the rules see of an order, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from entrepot.orders.listing import NEITHER, Sides
from entrepot.parties.numbers import Checked
from entrepot.tax.rules import Expected


class GoodsFact(NamedTuple):
    """What only some rules ask of the catalog. List prices are in `currency`, that of the company."""

    category: str
    hazardous: bool
    list_price: Decimal | None
    hs_code: str = ""
    currency: str = ""


class LineFact(NamedTuple):
    """A line of goods as the catalog knows it; `known` is False where it doesn't."""

    sku: str
    quantity: int
    known: bool
    status: str = "active"
    minimum_age: int = 0
    unit_price: Decimal = Decimal(0)
    about: GoodsFact | None = None  # loaded where a policy asks
    listed_then: Decimal | None = None  # the list price when the order was priced, where a policy asks


class Supply(NamedTuple):
    """Units of a SKU that the channel may promise now, those to come, and those that orders of the same batch take."""

    free: int
    coming: int = 0
    taken: int = 0

    def lacks(self, units: int) -> int:
        """How many of so many units can't be had."""
        return max(0, units - max(0, self.free + self.coming - self.taken))


class PaymentFact(NamedTuple):
    amount_minor: int
    authorized_at: datetime
    expires_at: datetime | None
    currency: str = ""  # '': the order's


class Earlier(NamedTuple):
    """Another order of the same customer; `basket` is its goods as (SKU, units) in their order."""

    total_minor: int
    at: datetime
    basket: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """All that the rules see of an order. Of personal data it has what was found out about them, never themselves."""

    at: datetime
    country: str
    postal_code: str
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    goods: tuple[LineFact, ...]
    payment: PaymentFact | None
    signals: tuple[str, ...] = ()
    recent: tuple[Earlier, ...] = ()
    supply: Mapping[str, Supply] | None = None  # by SKU, where a policy asks
    promise_at: datetime | None = None
    service: str = ""
    unreserved: str = ""  # the cart or checkout that it names, where nothing is reserved for it (any more)
    is_unserved: bool = False  # no active service of the company's is called so, though it has some
    customer: str | None = None
    is_first: bool = False  # no order of the customer came before
    has_address: bool = False
    is_to_box: bool = False
    problems: tuple[str, ...] = ()  # of the address's form, in words that don't repeat it
    billing_differs: str = (
        ""  # the widest part in which it differs from where the goods go (`address.difference`)
    )
    fingerprints: tuple[str, ...] = ()  # of card, addresses and mail addresses (`parties.fingerprints`)
    sightings: Mapping[str, int] = field(
        default_factory=dict
    )  # orders just before that shared one, by its kind
    listed: Sides = NEITHER  # what of it people have blocked or trusted
    tax_number: Checked | None = None
    expected_tax: Expected | None = None

    @property
    def basket(self) -> tuple[tuple[str, int], ...]:
        """Goods as (SKU, units) in their order, however the lines are cut."""
        units: dict[str, int] = {}
        for line in self.goods:
            if not line.quantity:  # a kit: its components are lines
                continue
            units[line.sku] = units.get(line.sku, 0) + line.quantity
        return tuple(sorted(units.items()))


class Found(NamedTuple):
    """A reason to hold the order, with the facts it was seen by. What it waits for by itself is its type's affair,
    unless the rule knows better."""

    type: str
    reason: str
    facts: Mapping[str, Any] = {}
    waits_for: str | None = None
    rules: tuple[str, ...] = ()  # that found it, by the names of their modes
