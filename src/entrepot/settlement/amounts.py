"""Amounts in files of banks, carriers, suppliers and marketplaces, as people and programs write them. Pure."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from entrepot.kernel import money

MINOR_MAX = 10**12


def as_programs_write(text: str, currency: str) -> str:
    """An amount as banks, carriers and suppliers write it in their countries, as programs write it: `1.250,00`,
    `1,250.00` and `-7,30`. What groups digits is another sign than the one before the decimals, and no group begins
    with 0. '' of what `is_either`."""
    text = _plain(text)
    if is_either(text, currency):
        return ""
    if found := re.fullmatch(r"([-+]?)0+[.,](\d+)", text):
        return f"{found[1]}0.{found[2]}"
    digits = money.exponent(currency)
    decimals = rf"(?:(?P<point>[.,])(?P<part>\d{{1,{digits}}}))?" if digits else "(?P<point>)(?P<part>)"
    found = re.fullmatch(
        rf"([-+]?)(\d+|[1-9]\d{{0,2}}(?:(?P<by>[.,' ])\d{{3}})(?:(?P=by)\d{{3}})*){decimals}", text
    )
    if not found:
        return text
    if found["by"] and (found["point"] == found["by"] or (digits and not found["point"])):
        return ""
    whole = found[1] + re.sub(r"\D", "", found[2])
    return f"{whole}.{found['part']}" if found["part"] else whole


def is_either(text: str, currency: str) -> bool:
    """Whether three digits behind one sign could be a group of thousands or decimals: `1,250` and `1.250`. Of a
    currency without decimals a comma groups; of one with three, a point stands before them, as programs write it."""
    signs = {0: ".", 3: ","}.get(money.exponent(currency), ".,")
    return bool(re.fullmatch(rf"[-+]?[1-9]\d{{0,2}}[{signs}]\d{{3}}", _plain(text)))


def what_was_found(text: str, currency: str) -> str:
    """An amount that is not read, as a refusal tells it."""
    if not is_either(text, currency):
        return text or "nothing"
    whole, part = re.split("[.,]", _plain(text))
    return f"{text}, which could be {whole}{part} or {whole} and a part: write it with decimals or without groups"


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u2212", "-").replace("\u2019", "'")


def minor_of(text: str, currency: str, least: int = 0, most: int = MINOR_MAX) -> int | None:
    """An amount in minor units, exactly; None where it is none, finer than the currency, or not from `least` to
    `most`."""
    try:
        exact = Decimal(text).scaleb(money.exponent(currency))
    except InvalidOperation:
        return None
    if not exact.is_finite() or exact != exact.to_integral_value() or not least <= exact <= most:
        return None
    return int(exact)
