"""With whom a parcel goes, what units that leave are worth, and under which kinds it is posted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from entrepot.orders.rules import GOODS, Frozen


def worth(frozen: Frozen, quantity: int, gone: int, count: int) -> Frozen:
    """What the next `count` units of a line of `quantity` bear, when `gone` have left before: whatever the partial
    shipments, together they bear what was frozen."""
    return frozen.of_units(quantity, gone, count)


def amounts_of_sale(parts: Iterable[tuple[str, Frozen]]) -> list[tuple[str, int]]:
    """Amounts by source kind of what was delivered: the line's own kind bears its gross amount; discount, shipping
    and tax stand apart. Without zeros."""
    sums: dict[str, int] = {}
    for kind, (gross, discount, shipping, tax) in parts:
        if gross:
            sums[f"sale.{kind}"] = sums.get(f"sale.{kind}", 0) + gross
        if discount:
            sums["sale.discount"] = sums.get("sale.discount", 0) - discount
        if shipping:
            sums["sale.shipping"] = sums.get("sale.shipping", 0) + shipping
        if tax:
            sums["sale.tax"] = sums.get("sale.tax", 0) + tax
    return [(kind, amount) for kind, amount in sums.items() if amount]


UNSURE = ("asked", "in doubt")
"""Of a label that was asked for, and that may be sold still or was: no other is asked for its package."""


def all_bought(purchases: Collection[str]) -> bool:
    """Whether every package has its label, by what became of asking for it."""
    return bool(purchases) and set(purchases) == {"bought"}


def first_step(purchases: Collection[str], *, is_sold: bool, otherwise: bool) -> str:
    """What comes first of a packed fulfillment that shall leave: it does (`leave`), labels are asked for (`buy`), or it
    stays until they are there (`wait`). `purchases`: what became of asking for the label of each package, '' where
    nobody has; `is_sold`: its service sells labels; `otherwise`: it goes without one, by a number that somebody has or
    on paper."""
    if not is_sold or otherwise or all_bought(purchases):
        return "leave"
    return "buy" if not purchases or "" in purchases else "wait"


UNFILED_CENTS = 2_500_00
"""US cents up to which goods of a kind leave the United States without a filing of their export: 15 CFR 30.37(a)."""


def goes_unfiled(goods: Iterable[tuple[str, int]], cents: Decimal | None) -> bool:
    """Whether goods, as (tariff number, minor units), leave the United States without a filing: those of no
    number are worth more. What has none counts as of one. `cents` of a dollar a minor unit is worth; where nobody
    knows, nobody can say so."""
    sums: dict[str, int] = {}
    for code, value_minor in goods:
        sums[code] = sums.get(code, 0) + value_minor
    return cents is not None and max(sums.values(), default=0) * cents <= UNFILED_CENTS


def may_perform(goods: int, gone: int) -> bool:
    """Whether services are due: nothing is left to send, or something has left already."""
    return not goods or gone > 0


# ---- what carriers tell


EVENT_KINDS = (
    "announced", "in transit", "out for delivery", "waits for pickup", "delivered", "delayed", "damaged", "lost",
    "returned to sender", "exception", "cancelled", "unknown",
)  # fmt: skip
EXCEPTIONS = {"delayed": 48, "damaged": 24, "lost": 24, "returned to sender": 48, "exception": 24}
"""Kinds that somebody has to look at, with the hours to do so."""


BEFORE_A_SCAN = ("announced", "cancelled", "unknown")
"""Kinds of events that say nothing of where a parcel is."""


IN_HAND = ("in transit", "out for delivery", "waits for pickup", "delivered")
"""Kinds of events by which a carrier says that it has a parcel, or had it until it arrived. No other does: what is lost
or damaged may never come."""


class UnreadableError(ValueError):
    """A carrier's message is not what its documentation says."""


class CarrierEvent(NamedTuple):
    """What a carrier says that happened to a parcel. `name` is the same whenever it is told again."""

    tracking: str
    carrier: str
    kind: str
    occurred_at: datetime
    message: str = ""
    place: str = ""
    name: str = ""


def arrived(numbers: Collection[str], told: Iterable[tuple[str, datetime]]) -> datetime | None:
    """When the last of a shipment's parcels was delivered; None while one of them is still on its way."""
    times: dict[str, datetime] = {}
    for number, at in told:
        if number in numbers:
            times[number] = min(at, times.get(number, at))
    return max(times.values()) if numbers and len(times) == len(set(numbers)) else None


def is_work(kind: str, occurred_at: datetime, delivered_at: datetime | None) -> bool:
    """Whether somebody has to look at an event: not at trouble on a way that ended well."""
    if kind not in EXCEPTIONS:
        return False
    return delivered_at is None or (occurred_at > delivered_at and kind != "delayed")


__all__ = [
    "BEFORE_A_SCAN",
    "EVENT_KINDS",
    "EXCEPTIONS",
    "GOODS",
    "IN_HAND",
    "CarrierEvent",
    "Frozen",
    "UnreadableError",
    "amounts_of_sale",
    "arrived",
    "is_work",
    "may_perform",
    "worth",
]
