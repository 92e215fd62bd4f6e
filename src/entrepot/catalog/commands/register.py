"""Register SKUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.catalog import rules
from entrepot.catalog.commands.bearers import ALIAS, lock_bearers
from entrepot.catalog.queries import skus_by_id
from entrepot.catalog.register import Register, put, sieve, tell
from entrepot.catalog.rules import RegisterSku
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, Refused, Said

__all__ = ["RegisterSku", "SkuRegistered", "register_skus"]


@dataclass(frozen=True, slots=True)
class SkuRegistered:
    id: UUID
    code: str


@command("catalog.register_skus")
def register_skus(cause: Cause, /, *, requests: Sequence[RegisterSku]) -> list[SkuRegistered | Refused]:
    """SKUs by company and code, new or changed to stand as given.

    Locks: the barcodes of each company, then the SKUs that exist, in the order of company and code.
    Refuses: Invalid (a field that is not as it must be; a barcode of a case or a pallet: a scan would not tell how many
    units it means).
    Again: what stands already is left alone, with or without a key. 2 statements; 1 more where list prices are new, and
    3 where barcodes are given.
    """
    bears = _packaged(requests)
    refused, fit = sieve(
        requests, (rules.misfit(one) or bears.get((one.company, one.barcode)) for one in requests)
    )

    names = {place: (one.company, one.code) for place, one in fit}
    standing = put(_SKUS, ((names[place], _rest(one)) for place, one in fit))
    prices = {names[place]: one.list_price for place, one in fit}
    listed = [
        (one.id, cause.at, prices[name])
        for name, one in standing.items()
        if "list_price" in one.changed or (one.new and prices[name] is not None)
    ]
    sql.upsert("catalog_listprice", ("sku_id", "since"), ("sku_id", "since", "list_price"), listed)

    tell(cause, _SKUS, {name: name[0] for name in standing}, standing)
    return [
        refused.get(place) or SkuRegistered(standing[names[place]].id, one.code)
        for place, one in enumerate(requests)
    ]


def _packaged(requests: Sequence[RegisterSku]) -> dict[tuple[int, str], Refused]:
    """The barcodes among those given that stand on a case or a pallet, or are further ones of a SKU, with what is said
    of each."""
    found = lock_bearers((one.company, one.barcode) for one in requests)
    packaged = {
        barcode: min(bearer for bearer in bearers if bearer[1])
        for barcode, bearers in found.items()
        if any(kind for _, kind in bearers)
    }
    skus = skus_by_id({sku for sku, _ in packaged.values()}) if packaged else {}
    return {
        barcode: Invalid(
            field="barcode",
            expected=Said("a number that is no further one of any SKU; it is of {0}", skus[sku].code)
            if kind == ALIAS
            else Said("a number that no case or pallet bears; a {0} of {1} bears it", kind, skus[sku].code),
            found=barcode[1],
        )
        for barcode, (sku, kind) in packaged.items()
    }


_REST = (
    "name", "category", "status", "weight_g", "length_mm", "width_mm", "height_mm", "lot_policy",
    "serial_policy", "minimum_age", "hazardous", "barcode", "hs_code", "list_price", "standard_cost",
    "fragile", "upright",
)  # fmt: skip

_SKUS = Register("catalog_sku", ("company_id", "code"), _REST, kind="sku")


def _rest(sku: RegisterSku) -> tuple[object, ...]:
    return tuple(getattr(sku, name) for name in _REST)
