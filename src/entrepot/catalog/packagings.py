"""Cases and pallets of SKUs: what they may hold, and how units come apart into them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.catalog.barcodes import is_misread
from entrepot.catalog.rules import first_misfit, one_of
from entrepot.kernel.errors import Refused

KINDS = ("case", "pallet")
"""The smaller first: a pallet holds whole cases."""
UNITS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class RegisterPackaging:
    """A case or a pallet of a SKU, named by its code, as it shall stand; of 0 units it is none any more."""

    company: int
    sku: str
    kind: str
    units: int
    barcode: str = ""
    key: str | None = None


class Packaging(NamedTuple):
    """A case or a pallet with the units in it."""

    kind: str
    units: int
    barcode: str = ""


class Pieces(NamedTuple):
    """A number of pieces of a kind, each of `units`; the kind '' is loose units."""

    kind: str
    number: int
    units: int


def misfit(
    one: RegisterPackaging, standing: Mapping[str, int], taken: Collection[str] = ()
) -> Refused | None:
    """Why a packaging can't stand so. `standing` are the units of the SKU's packagings by kind, `taken` the barcodes
    that stand on something else."""
    case, pallet = (one.units if one.kind == kind else standing.get(kind, 0) for kind in KINDS)
    return first_misfit(
        one_of("kind", one.kind, KINDS),
        ("units", one.units == 0 or 2 <= one.units <= UNITS_MAX, f"0, or 2 to {UNITS_MAX}", one.units),
        (
            "units",
            not (one.units and case and pallet) or (pallet > case and pallet % case == 0),
            f"whole cases on a pallet: of {case} units",
            pallet,
        ),
        ("barcode", not is_misread(one.barcode), "a number whose check digit fits, or none", one.barcode),
        ("barcode", one.barcode not in taken, "a number that stands on nothing else", one.barcode),
    )


def pieces_of(units: int, case: int, pallet: int) -> list[Pieces]:
    """As `pieces`, by the units of a case and of a pallet; 0: there is none."""
    return pieces(
        units, [Packaging(kind, size) for kind, size in zip(KINDS, (case, pallet), strict=True) if size]
    )


def pieces(units: int, packagings: Iterable[Packaging]) -> list[Pieces]:
    """Units as the fewest pieces: whole pallets, then whole cases, then loose."""
    found = []
    for one in sorted(packagings, key=lambda one: -one.units):
        count, units = divmod(units, one.units)
        if count:
            found.append(Pieces(one.kind, count, one.units))
    return [*found, Pieces("", units, 1)] if units else found
