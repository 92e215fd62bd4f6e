"""Register SKUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.catalog import rules
from entrepot.catalog.commands.bearers import ALIAS, Bearer, lock_bearers, spelled
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
    units it means; a barcode or a code that is a further barcode of another SKU).
    Again: what stands already is left alone, with or without a key. 4 statements; 1 more where list prices are new, and
    1 where a barcode stands on something else.
    """
    taken = _taken(requests)
    refused, fit = sieve(
        requests, (rules.misfit(one) or said for one, said in zip(requests, taken, strict=True))
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


def _taken(requests: Sequence[RegisterSku]) -> list[Refused | None]:
    """What is said of each whose barcode stands on a case or a pallet, or whose barcode or code is a further barcode of
    another SKU, in whatever spelling. Its own further ones are its own."""
    names = [(spelled(one.company, one.barcode), spelled(one.company, one.code)) for one in requests]
    found = lock_bearers(name for both in names for some in both for name in some)
    kinds = {bearer for bearers in found.values() for bearer in bearers if bearer[1]}
    skus = skus_by_id({sku for sku, _ in kinds}) if kinds else {}
    codes = {sku: one.code for sku, one in skus.items()}
    said: list[Refused | None] = []
    for one, (barcodes, own) in zip(requests, names, strict=True):
        bears = [bearer for name in barcodes for bearer in found.get(name, ()) if bearer in kinds]
        called = [bearer for name in own for bearer in found.get(name, ()) if bearer[1] == ALIAS]
        said.append(_barcode_taken(one, bears, codes) or _code_taken(one, called, codes))
    return said


def _barcode_taken(one: RegisterSku, bears: Sequence[Bearer], codes: Mapping[UUID, str]) -> Refused | None:
    others = [(sku, kind) for sku, kind in bears if kind != ALIAS or codes[sku] != one.code]
    if not others:
        return None
    sku, kind = min(others)
    if kind == ALIAS:
        expected = Said("a number that is no further one of any SKU; it is of {0}", codes[sku])
    else:
        expected = Said("a number that no case or pallet bears; a {0} of {1} bears it", kind, codes[sku])
    return Invalid(field="barcode", expected=expected, found=one.barcode)


def _code_taken(one: RegisterSku, called: Sequence[Bearer], codes: Mapping[UUID, str]) -> Refused | None:
    others = sorted({codes[sku] for sku, _ in called} - {one.code})
    if not others:
        return None
    expected = Said("a code that is no further barcode of another SKU; it is one of {0}", others[0])
    return Invalid(field="code", expected=expected, found=one.code)


_REST = (
    "name", "category", "status", "weight_g", "length_mm", "width_mm", "height_mm", "lot_policy",
    "serial_policy", "minimum_age", "hazardous", "barcode", "hs_code", "list_price", "standard_cost",
    "fragile", "upright",
)  # fmt: skip

_SKUS = Register("catalog_sku", ("company_id", "code"), _REST, kind="sku")


def _rest(sku: RegisterSku) -> tuple[object, ...]:
    return tuple(getattr(sku, name) for name in _REST)
