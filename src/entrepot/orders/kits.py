"""What an order for a kit becomes: lines of its components, which bear its frozen amounts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple
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


class OfKit(NamedTuple):
    """The kit that a line is a component of: its code, its number within the order, the line's units in one kit."""

    kit: str = ""
    number: int = 0
    units: int = 0


Expanded = tuple[Any, Frozen, OfKit]
"""A line as it was asked for, or one of a component that is made of it; what it bears; whether it is of a kit."""


def expand(
    lines: Sequence[Any], frozen: Sequence[Frozen], made_of: Sequence[Sequence[Part] | None], currency: str
) -> list[Expanded]:
    """The lines of an order, a line for each component instead of a kit; `made_of` has the components of each line.

    Lines and their promotions are dataclasses. The promotions of a kit are parts of its components' discounts.
    """
    found: list[Expanded] = []
    number = 0
    for line, amounts, parts in zip(lines, frozen, made_of, strict=True):
        if not parts:
            found.append((line, amounts, OfKit()))
            continue
        number += 1
        shares = split(amounts, parts)
        given = _split_promotions(line.promotions, [one.discount for one in shares])
        for part, share, promotions in zip(parts, shares, given, strict=True):
            units = line.quantity * part.units
            component = replace(
                line, sku=part.code, quantity=units, unit_price=unit_price(share.gross, units, currency),
                discount_minor=share.discount, promotions=promotions,
            )  # fmt: skip
            found.append((component, share, OfKit(line.sku, number, part.units)))
    return found


def _split_promotions(promotions: Iterable[Any], left: Sequence[int]) -> list[tuple[Any, ...]]:
    """What each component bears of each promotion, together no more than its discount."""
    given: list[tuple[Any, ...]] = [() for _ in left]
    for one in promotions:
        shares = money.share(one.amount_minor, left)
        left = [rest - share for rest, share in zip(left, shares, strict=True)]
        given = [
            (*of, replace(one, amount_minor=share)) if share else of
            for of, share in zip(given, shares, strict=True)
        ]
    return given


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


class Left(NamedTuple):
    """A component's line: its units in one kit, and those that are not cancelled."""

    line: UUID
    per_kit: int
    units: int


def kits_left(parts: Iterable[Left]) -> int:
    """Kits of which something is left: one that goes without a component is one."""
    return max((-(-part.units // part.per_kit) for part in parts), default=0)


def taken_out(parts: Sequence[Left], kits: int) -> list[tuple[UUID, int]]:
    """Units of each line that go with so many kits; those that lack a component go first."""
    stay = kits_left(parts) - kits
    return [
        (part.line, units) for part in parts if (units := part.units - min(part.units, stay * part.per_kit))
    ]


class Stands(NamedTuple):
    """A component's line: its units, those that are cancelled, those that wait, and those that the house still has."""

    line: UUID
    kit: int  # its number within the order
    per_kit: int
    quantity: int
    cancelled: int
    waits: int
    held: int


def halves(parts: Iterable[Stands]) -> dict[UUID, int]:
    """Units of each line of an order that stand promised for kits that are not whole, since another component waits: as
    many as the house still has.

    What was cancelled of one component is not held against the others: those kits are sent without it.
    """
    kits: dict[int, list[Stands]] = {}
    for part in parts:
        kits.setdefault(part.kit, []).append(part)
    found: dict[UUID, int] = {}
    for mine in kits.values():
        gone = min(part.cancelled // part.per_kit for part in mine)
        whole = min((part.quantity - part.waits) // part.per_kit for part in mine) - gone
        for part in mine:
            stands = part.quantity - part.cancelled - part.waits
            units = min(stands - whole * part.per_kit, part.held)
            if units > 0:
                found[part.line] = units
    return found


_MILLION, _PLACES = 10**6, Decimal("0.000001")
