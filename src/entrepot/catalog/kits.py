"""What a kit may be made of. Pure.

A kit is a SKU that is sold as several others: it has no stock of its own, and who orders it orders its components.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Invalid, NotFound, Refused, Said

COMPONENTS_MAX, UNITS_MAX = 100, 1_000
"""Components of a kit, and units of one of them in it: so a million kits of a line are still counted."""


class Component(NamedTuple):
    """A SKU, by its code, and the units of it that one kit has."""

    sku: str
    units: int = 1


@dataclass(frozen=True, slots=True)
class RegisterKit:
    """A SKU with the components that it is sold as; without any it is a kit no more."""

    company: int
    code: str
    components: tuple[Component, ...]
    key: str | None = None


Parts = tuple[tuple[UUID, int], ...]
"""Components by id with the units of each, in the order in which they are shown."""


def made_of(
    wanted: RegisterKit, skus: Mapping[tuple[int, str], UUID], standing: Mapping[UUID, Parts]
) -> Parts | Refused:
    """What a kit is made of by its request, or why it can't be; `standing` are the kits that the house has."""
    codes = [one.sku for one in wanted.components]
    for code in (wanted.code, *codes):
        if (wanted.company, code) not in skus:
            return NotFound(what="SKU", which=code)
    kit = skus[wanted.company, wanted.code]
    for one in wanted.components:
        wrong = _misfit(one, wanted.code, is_kit=bool(standing.get(skus[wanted.company, one.sku])))
        if wrong:
            return wrong
    if len(codes) > COMPONENTS_MAX:
        return Invalid(field="components", expected=Said("at most {0}", COMPONENTS_MAX), found=len(codes))
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if twice:
        return Invalid(
            field="components", expected="each SKU once, with all its units", found=Said("{0} twice", twice)
        )
    if codes and any(part == kit for parts in standing.values() for part, _ in parts):
        return Invalid(
            field="code",
            expected="a SKU that no kit is made of, since there is no kit of kits",
            found=wanted.code,
        )
    return tuple((skus[wanted.company, one.sku], one.units) for one in wanted.components)


def _misfit(one: Component, kit: str, *, is_kit: bool) -> Refused | None:
    if one.sku == kit:
        return Invalid(field="components", expected="other SKUs than the kit itself", found=one.sku)
    if is_kit:
        return Invalid(
            field="components", expected="SKUs that are no kits, since there is no kit of kits", found=one.sku
        )
    if not 1 <= one.units <= UNITS_MAX:
        return Invalid(
            field="components",
            expected=Said("from 1 to {0} units of {1}", UNITS_MAX, one.sku),
            found=one.units,
        )
    return None
