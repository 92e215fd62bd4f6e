"""What a SKU must be like. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, Refused, Said

STATUSES = ("active", "discontinued")
LOT_POLICIES = ("none", "lot", "lot_expiry")
SERIAL_POLICIES = ("none", "at_ship")

SIDE_MAX, WEIGHT_MAX = 100_000, 10_000_000
"""Millimeters of a side, grams of a unit: no single unit is longer than 100 m or heavier than 10 t."""

Check = tuple[str, bool, str, Any]
"""A field, whether it is as it must be, what it must be, and what it is."""


@dataclass(frozen=True, slots=True)
class RegisterSku:
    """A SKU as it shall stand. Weight and measures are those of one base unit; 0 where nobody has measured.

    `list_price` and `standard_cost` are per unit in the company's currency; None where there is none. In a carton
    nothing stands on what is `fragile`, and what is `upright` keeps its height.
    """

    company: int
    code: str
    name: str
    category: str = ""
    status: str = "active"
    weight_g: int = 0
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    lot_policy: str = "none"
    serial_policy: str = "none"
    minimum_age: int = 0
    hazardous: bool = False
    barcode: str = ""
    hs_code: str = ""
    list_price: Decimal | None = None
    standard_cost: Decimal | None = None
    fragile: bool = False
    upright: bool = False
    key: str | None = None


def misfit(sku: RegisterSku) -> Refused | None:
    """Why a SKU can't stand so; None where it can."""
    sides = ("length_mm", "width_mm", "height_mm")
    return first_misfit(
        is_code(sku.code),
        one_of("status", sku.status, STATUSES),
        one_of("lot_policy", sku.lot_policy, LOT_POLICIES),
        one_of("serial_policy", sku.serial_policy, SERIAL_POLICIES),
        (
            "category",
            sku.category == sku.category.strip(),
            "a category without blanks around it",
            sku.category,
        ),
        up_to("weight_g", sku.weight_g, WEIGHT_MAX),
        *(up_to(name, getattr(sku, name), SIDE_MAX) for name in sides),
        ("minimum_age", 0 <= sku.minimum_age <= 150, "years from 0", sku.minimum_age),
        price("list_price", sku.list_price),
        price("standard_cost", sku.standard_cost),
    )


def first_misfit(*checks: Check) -> Refused | None:
    """The refusal of the first field that is not as it must be."""
    for field, fits, expected, found in checks:
        if not fits:
            return Invalid(field=field, expected=expected, found="nothing" if found == "" else found)
    return None


def is_code(code: str) -> Check:
    return "code", bool(code) and code == code.strip(), "a code, without blanks around it", repr(code)


def is_country(field: str, country: str, *also: str) -> Check:
    fits = country in also or (
        len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()
    )
    return field, fits, " or ".join(["a country by its two letters (ISO 3166)", *also]), country


def is_currency(field: str, currency: str) -> Check:
    return field, currency in money.CURRENCIES, "a currency by its three letters (ISO 4217)", currency


def one_of(field: str, found: str, known: tuple[str, ...]) -> Check:
    return field, found in known, Said("one of {0}", ", ".join(known)), found


def not_negative(field: str, found: int) -> Check:
    return field, 0 <= found < 2**31, "a whole number from 0", found


def up_to(field: str, found: int, most: int) -> Check:
    return field, 0 <= found <= most, Said("a whole number, 0 to {0}", most), found


def price(field: str, found: Decimal | None) -> Check:
    """An amount per unit, exact to the six places that are kept, or none."""
    fits = found is None or (
        found.is_finite() and 0 <= found < 10**12 and found == found.quantize(Decimal("0.000001"))
    )
    return field, fits, "an amount from 0 with at most six places", found
