"""What a scanner read, taken apart: which article, lot, expiry, serial, how many, or which package. Pure.

One scan of a GS1 barcode (GS1-128, DataMatrix, a Digital Link) says all of it; an EAN or UPC says the article alone;
the number of a logistic unit (SSCC) names a package that an advance ship notice tells the content of. Anything else may
be a label of the house's own: it is looked up as it stands.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from biip import BiipException, ParseConfig
from biip.checksums import gs1_standard_check_digit
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_messages import GS1Message

from entrepot.kernel.errors import Refused, Said


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scan says. `barcodes` are the ways in which a SKU may bear the article's number, as scanned first.

    `sound` is False where the text has the length of an article's number but not its check digit: it may be a label of
    the house's own, or misread.
    """

    text: str
    barcodes: tuple[str, ...] = ()
    lot: str = ""
    expires_on: date | None = None
    serial: str = ""
    quantity: int | None = None
    sscc: str = ""
    sound: bool = True


class Unreadable(Refused):
    code: ClassVar[str] = "catalog.unreadable_barcode"
    kind: ClassVar[str] = "invalid"
    says: ClassVar[str] = (
        "Barcode {text} can't be read: {why}. Scan it again, or type the number under the bars."
    )


def read(text: str, today: date) -> Scan | Refused:
    """What a scanner or a keyboard gave, taken apart. `today` tells the century of dates, which are of two digits."""
    text = text.strip(" \t\r\n")
    symbol, body = _symbology(text)
    if not body:
        return Unreadable(text=repr(text), why="it is empty")
    if len(body) > LONGEST:
        return Unreadable(text=f"{body[:20]}…", why=Said("it is longer than {0} signs", LONGEST))
    if body.lower().startswith(("http://", "https://")):
        return _digital_link(text, body, today)
    if symbol in GS1_SYMBOLS or _looks_like_gs1(body):
        return _message(text, body, today)
    return _number(text, body)


LONGEST = 400
"""A GS1 DataMatrix holds 2,335 signs at most, those of articles a few dozen; more is a slip of the scanner."""

GS1_SYMBOLS = frozenset({"C1", "e0", "e1", "e2", "d2", "Q3", "J1"})
"""Symbology identifiers of barcodes that hold GS1 element strings (GS1 General Specifications 5.1.2)."""

SEPARATORS = "\x1d|~^"
"""What scanners send where an element ends: the group separator, or what they were told to send instead of it. None
of them may stand in an element."""

_ARTICLE_LENGTHS = (8, 12, 13, 14)
SSCC_DIGITS = 18


def _symbology(text: str) -> tuple[str, str]:
    """The symbology identifier that the scanner put in front, and the rest without separators around it."""
    found = re.match(r"\]([A-Za-z][0-9A-Za-z])", text)
    symbol = found[1] if found else ""
    return symbol, text[3 if found else 0 :].strip(SEPARATORS + " ")


def _looks_like_gs1(body: str) -> bool:
    if len(body) == SSCC_DIGITS and body.isdigit():
        return False  # the number of a package, even where it begins as an article does: two digits are no element
    if any(sign in body for sign in SEPARATORS) or re.match(r"\((00|01|02)\)", body):
        return True
    if re.match(r"(01|02)\d{14}", body):
        return len(body) > 16 or _fits(body[2:])
    return bool(re.fullmatch(r"00\d{18}", body)) and _fits(body[2:])


def _number(text: str, body: str) -> Scan:
    """The number of an article or a package, or a label of the house's own."""
    if not (body.isascii() and body.isdigit()):
        return Scan(text, (body,))
    if is_sscc(body):
        return Scan(text, sscc=body)
    if len(body) in _ARTICLE_LENGTHS:
        sound = _fits(body)
        return Scan(text, _spellings(body) if sound else (body,), sound=sound)
    return Scan(text, (body,))


def is_sscc(text: str) -> bool:
    """Whether a text is a serial shipping container code: 18 digits, the last of which checks the others."""
    return len(text) == SSCC_DIGITS and text.isascii() and text.isdigit() and _fits(text)


def is_misread(barcode: str) -> bool:
    """Whether a text has the length of an article's number, but not its check digit."""
    found = _number(barcode, barcode) if barcode else Scan("")
    return not found.sound


def spellings(barcode: str) -> tuple[str, ...]:
    """All texts that are the same number of an article as this one, itself among them."""
    return _number(barcode, barcode).barcodes or (barcode,)


def looked_up(text: str, said: Scan | Refused) -> Scan:
    """What was `said` by a text, with all that goods may be called by it: its numbers, and the text itself as a code of
    the house. What can't be read is that alone."""
    also = (text, text.upper())
    return Scan(text, also) if isinstance(said, Refused) else replace(said, barcodes=(*said.barcodes, *also))


def _fits(digits: str) -> bool:
    return gs1_standard_check_digit(digits[:-1]) == int(digits[-1])


def _spellings(gtin: str) -> tuple[str, ...]:
    """A GTIN in all lengths in which it can be written without loss, as scanned first."""
    bare = gtin.lstrip("0")
    lengths = [bare.zfill(length) for length in _ARTICLE_LENGTHS if len(bare) <= length]
    return tuple(dict.fromkeys([gtin, *sorted(lengths, key=len, reverse=True)]))


def _message(text: str, body: str, today: date) -> Scan | Refused:
    parse = GS1Message.parse_hri if body.startswith("(") else GS1Message.parse
    try:
        message = parse(body, config=_CONFIG)
    except BiipException:
        if _IS_GS1.match(text):
            return Unreadable(text=body, why=_why(body))
        return _number(text, text)  # somebody typed a lot or a remark that holds one of the signs
    return _elements(text, {one.ai.ai: one.value for one in message.element_strings}, today)


def _digital_link(text: str, body: str, today: date) -> Scan | Refused:
    try:
        link = GS1DigitalLinkURI.parse(body, config=_CONFIG)
    except BiipException:
        return Unreadable(text=body, why="it is an address that names no article (no GS1 Digital Link)")
    return _elements(text, {one.ai.ai: one.value for one in link.element_strings}, today)


_IS_GS1 = re.compile(r"\]|\(\d{2,4}\)|0[012]\d{14}|[^\x1d]*\x1d")
"""How a text begins that is meant as GS1 element strings, whatever it holds: no keyboard writes the group separator."""

_CONFIG = ParseConfig(separator_chars=tuple(SEPARATORS), gs1_element_strings_verify_date=False)


def _why(body: str) -> str:
    """What is wrong with elements that could not be told apart, in words of who scans them."""
    found = re.match(r"\(?(?:00\)?(\d{18})|0[12]\)?(\d{14}))", body)
    number = (found[1] or found[2]) if found else ""
    if number and not _fits(number):
        return f"the check digit of {number} does not fit"
    return "what follows is no GS1 element (01 article, 10 lot, 17 expiry, 21 serial, 37 units)"


def _elements(text: str, found: dict[str, str], today: date) -> Scan | Refused:
    """The elements that say what came (GS1 application identifiers 00, 01, 02, 10, 15, 17, 21, 30, 37)."""
    for number in (found.get("00"), found.get("01"), found.get("02")):
        if number and not _fits(number):
            return Unreadable(text=text, why=Said("the check digit of {0} does not fit", number))
    article = found.get("01") or found.get("02") or ""
    sscc = found.get("00", "")
    if not article and not sscc:
        return Unreadable(text=text, why="it names neither an article (01, 02) nor a package (00)")
    expires_on: date | None = None
    if dated := found.get("17") or found.get("15"):
        expires_on = _day(dated, today)
        if expires_on is None:
            return Unreadable(text=text, why=Said("{0} is no day (year, month, day, two digits each)", dated))
    count = found.get("37") or found.get("30")
    return Scan(
        text,
        _spellings(article) if article else (),
        found.get("10", "").strip(),
        expires_on,
        found.get("21", "").strip(),
        int(count) if count else None,
        sscc,
    )


def _day(digits: str, today: date) -> date | None:
    """A day of six digits, in the century nearest to today (GS1 General Specifications 7.12); day 00 is the month's
    last."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    year += today.year - today.year % 100
    if year - today.year > 50:
        year -= 100
    elif year - today.year < -49:
        year += 100
    if not 1 <= month <= 12:
        return None
    last = monthrange(year, month)[1]
    return date(year, month, day or last) if day <= last else None
