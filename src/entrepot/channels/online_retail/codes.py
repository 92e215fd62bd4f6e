"""What the stock codes and country names of Online Retail files mean. Pure tables."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

MERCHANDISE = re.compile(r"\d{5}|DCGS")
"""Codes that begin so are goods on a shelf; all others are charges, fees and allowances."""

SPECIAL: dict[str, str] = {
    "POST": "shipping",
    "DOT": "shipping",
    "C2": "shipping",
    "M": "manual",
    "m": "manual",
    "D": "discount",
    "S": "sample",
    "B": "bad_debt",
    "AMAZONFEE": "fee.marketplace",
    "BANK CHARGES": "fee.bank",
    "CRUK": "donation",
    "PADS": "packaging",
}
"""Source kind of the codes that are no merchandise."""

PREFIXES: tuple[tuple[str, str], ...] = (("gift_", "voucher"),)
"""Source kind of families of codes."""

UNKNOWN = "manual"
"""Other codes are manual adjustments: in the books, where a controller sees them, and on no shelf."""


@cache
def kind_of(code: str) -> str:
    """The source kind of a stock code: `goods` for merchandise."""
    if MERCHANDISE.match(code):
        return "goods"
    if code in SPECIAL:
        return SPECIAL[code]
    return next((kind for prefix, kind in PREFIXES if code.startswith(prefix)), UNKNOWN)


UNFIT = re.compile(
    r"\b(damag\w*|broke\w*|smash\w*|crush\w*|mou?ldy|rusty|wet|fault\w*|defect\w*|unsale?able|thrown)\b",
    re.IGNORECASE,
)
"""Words of a row that say that its goods can't be sold any more; none of them stands in the name of a SKU."""


@cache
def grade_of(description: str) -> str:
    """The grade that `returns` gives goods that come back: as new, unless the row says otherwise."""
    return "D" if UNFIT.search(description) else "A"


COUNTRIES: dict[str, str] = {
    "EIRE": "IE",
    "USA": "US",
    "RSA": "ZA",
    "Hong Kong": "HK",
    "Czech Republic": "CZ",
    "Channel Islands": "JE",
    "Korea": "KR",
    "West Indies": "",
    "European Community": "",
    "Unspecified": "",
}
"""Names that are no country's usual English name, as ISO codes; '' where they name no single country."""


@cache
def country_of(name: str) -> str:
    """The ISO code of two letters; '' where the name says none."""
    if name in COUNTRIES:
        return COUNTRIES[name]
    if len(name) == 2 and name.isalpha():
        return name.upper()
    return _by_name().get(name.casefold(), "")


@cache
def _by_name() -> dict[str, str]:
    return {
        name.casefold(): code
        for code, name in Locale("en").territories.items()
        if len(code) == 2 and code.isalpha()
    }
