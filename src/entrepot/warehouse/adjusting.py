"""Whether what a person says of stock in a bin can be so: of corrections and of changes of status. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.network.rules import OUT_KINDS
from entrepot.stock.errors import SerialElsewhere

STATUSES = (
    "sellable", "damaged", "quarantined", "non_sellable", "second_grade", "refurbish", "vendor_return", "liquidation",
    "pending_inspection",
)  # fmt: skip
"""What units in a bin may be by somebody's word. What is on its way, looked for or in a blocked bin is so by another
step."""


MARKED = tuple(one for one in STATUSES if one != "pending_inspection")
"""What units may be said to have become, and may have been before: what is to be inspected is what its inspection
says."""


class Goods(NamedTuple):
    """What is known of goods and of the bin that somebody names, by their ids: a bin that is not of the node has no
    code, nor has a SKU that is another company's. `is_known`: some of the same lot stand in the bin; `elsewhere` is the
    bin in which a unit of that serial stands by the records."""

    sku: str
    bin: str
    sku_code: str
    lots: str
    bin_code: str
    kind: str
    is_known: bool
    elsewhere: str


def misfit(goods: Goods, delta: int, *, status: str, lot: str, serial: str) -> Refused | None:
    """Why units can't be found in (delta > 0) or gone from a bin as somebody says."""
    if (refusal := _unknown(goods, delta, serial)) or delta <= 0:
        return refusal or _is_set("status", status, STATUSES)
    if goods.kind in OUT_KINDS:
        return _out_of_use(goods)
    if goods.lots != "none" and not lot and not goods.is_known:
        return Invalid(field="lot", expected="the lot, since the SKU is kept by lot", found="none")
    if serial and goods.elsewhere:
        return SerialElsewhere(serial=serial, sku=goods.sku_code, where=goods.elsewhere)
    return _is_set("status", status, STATUSES)


def misfit_of_change(goods: Goods, units: int, *, status: str, to_status: str, serial: str) -> Refused | None:
    """Why units in a bin can't have become something else, as somebody says."""
    if refusal := _unknown(goods, units, serial):
        return refusal
    if to_status == "sellable" and goods.kind in OUT_KINDS:
        return _out_of_use(goods)
    return _is_set("status", status, MARKED) or _is_set("to_status", to_status, MARKED)


def _unknown(goods: Goods, units: int, serial: str) -> Refused | None:
    if not goods.bin_code:
        return NotFound(what="bin", which=goods.bin)
    if not goods.sku_code:
        return NotFound(what="SKU", which=goods.sku)
    if serial and abs(units) > 1:
        return Invalid(field="units", expected="one unit of a serial", found=abs(units))
    return None


def _out_of_use(goods: Goods) -> Refused:
    expected = Said("a bin in use, {0} is {1}", goods.bin_code, goods.kind)
    return Invalid(field="bin", expected=expected, found=goods.bin_code)


def _is_set(field: str, status: str, known: Collection[str]) -> Refused | None:
    return None if status in known else Invalid(field=field, expected=one_of(known), found=status)
