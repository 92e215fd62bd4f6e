"""Which barcode may be another name of a SKU, and how a code that was reported is judged. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from entrepot.catalog.barcodes import LONGEST, is_misread, is_sscc
from entrepot.catalog.rules import first_misfit
from entrepot.kernel.errors import Refused

FIND_UNKNOWN, FIND_WRONG = "unknown", "wrong"


class BarcodeTaken(Refused):
    code: ClassVar[str] = "catalog.barcode_taken"
    says: ClassVar[str] = (
        "Barcode {barcode} is to be another one of {sku}, but it is that of {other} already. Relabel the goods, or"
        " take it off {other} first."
    )


class NotReportable(Refused):
    code: ClassVar[str] = "catalog.barcode_is_right"
    says: ClassVar[str] = "Barcode {barcode} is that of {expected}, as it is expected here. Scan it again."


class NoBarcodeAsked(Refused):
    code: ClassVar[str] = "catalog.no_barcode_asked"
    says: ClassVar[str] = (
        "Item {item} is about “{type}”; expected one about an unknown or a wrong barcode. Resolve it as what it is."
    )


def misfit(barcode: str) -> Refused | None:
    """Why a text can be the barcode of no SKU."""
    is_one = 0 < len(barcode) <= LONGEST and barcode == barcode.strip() and not barcode.startswith("=")
    return first_misfit(
        ("barcode", is_one and barcode.isprintable(), f"1 to {LONGEST} signs, without blanks around them", barcode),
        ("barcode", not is_misread(barcode), "a number whose check digit fits", barcode),
        ("barcode", not is_sscc(barcode), "the number of an article, and not of a pallet or carton (SSCC)", barcode),
    )  # fmt: skip


def find_of(named: Collection[str], expected: str) -> str | None:
    """What is wrong with a code that names some SKUs where one was `expected`, or anything; None: nothing is."""
    if not named:
        return FIND_UNKNOWN
    return None if expected in named else FIND_WRONG
