"""Receiving at the dock with a scanner: what came so far of an order, and what is asked for next. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Refused
from entrepot.work import errors
from entrepot.work.scanning import ALL, YES, Keep, Scan

FINISHED = "finished"
DIGITS_MAX = 5
"""A typed number of more digits is a barcode."""


class Expected(NamedTuple):
    """A line of an order: how many units may still come, and what must be known of them."""

    line: UUID
    sku: UUID
    code: str
    at_most: int
    lot_policy: str = "none"


class Came(NamedTuple):
    """Units of a line that came, alike."""

    line: UUID
    code: str
    units: int
    lot: str
    expires_on: date | None
    serial: str


class Received(NamedTuple):
    """The delivery is over: this came."""

    came: tuple[Came, ...]


def came(tokens: Sequence[str]) -> list[Came]:
    """What was scanned so far, the last last."""
    found: list[Came] = []
    for token in tokens:
        if token.startswith("["):
            line, code, units, lot, expires, serial = json.loads(token)
            one = Came(UUID(line), code, units, lot, date.fromisoformat(expires) if expires else None, serial)
            alike = next(
                (i for i, old in enumerate(found) if old._replace(units=units) == one and not serial), None
            )
            if alike is not None:
                one = one._replace(units=found.pop(alike).units + units)
            found.append(one)
            continue
        kind, _, value = token.partition("|")
        if found and kind == "units":
            found[-1] = found[-1]._replace(units=int(value))
        elif found and kind == "lot":
            found[-1] = found[-1]._replace(lot=value)
        elif found and kind == "expires":
            found[-1] = found[-1]._replace(expires_on=date.fromisoformat(value))
    return found


def ask(expected: Sequence[Expected], tokens: Sequence[str]) -> str:
    """What is asked for next: `lot`, `expiry`, `sure`, or `item`."""
    if FINISHED in tokens:
        return "sure"
    last = next(reversed(came(tokens)), None)
    policy = next((one.lot_policy for one in expected if last and one.line == last.line), "none")
    if last and policy != "none" and not last.lot:
        return "lot"
    return "expiry" if last and policy == "lot_expiry" and last.expires_on is None else "item"


def scanned(
    expected: Sequence[Expected], tokens: Sequence[str], scan: Scan, today: date
) -> Keep | Received | Refused:
    """What a scan does to a delivery: something to remember, the delivery received, or why it is wrong."""
    match ask(expected, tokens):
        case "sure":
            if scan.text != YES:
                return errors.ScanOutOfTurn(
                    scanned=scan.shown, wanted="whether all of it is here: one of the buttons"
                )
            return Received(tuple(one for one in came(tokens) if one.units))
        case "lot":
            return _lot(scan)
        case "expiry":
            return _expiry(tokens, scan, today)
    if scan.text == f"={FINISHED}":
        return Keep(FINISHED)
    if scan.text == ALL or (_is_number(scan) and not scan.items and not scan.bin):
        return _number(expected, tokens, scan)
    return _item(expected, tokens, scan, today)


def _is_number(scan: Scan) -> bool:
    return scan.text.isascii() and scan.text.isdigit() and len(scan.text) <= DIGITS_MAX


def _lot(scan: Scan) -> Keep | Refused:
    if scan.items or scan.bin or scan.text.startswith("="):
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted="its lot, from its label")
    return Keep(f"lot|{scan.text}")


def _expiry(tokens: Sequence[str], scan: Scan, today: date) -> Keep | Refused:
    """A day as 2027-06-30, or as labels print it: 270630."""
    digits = scan.text.replace("-", "").replace(".", "")
    text = f"20{digits}" if len(digits) == 6 else digits
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return errors.ScanOutOfTurn(
            scanned=scan.shown, wanted="the day on which it expires, such as 2027-06-30"
        )
    if day < today:
        return errors.ScanExpired(scanned=came(tokens)[-1].code, on=day.isoformat())
    return Keep(f"expires|{day.isoformat()}")


def _so_far(tokens: Sequence[str], line: UUID) -> int:
    return sum(one.units for one in came(tokens) if one.line == line)


def _number(expected: Sequence[Expected], tokens: Sequence[str], scan: Scan) -> Keep | Refused:
    """How many there are of what was scanned last; all that is to come of it, where the button says so."""
    found = came(tokens)
    if not found or found[-1].serial:
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted="what there are so many of, piece by piece")
    last = found[-1]
    at_most = next((one.at_most for one in expected if one.line == last.line), 0)
    others = _so_far(tokens, last.line) - last.units
    units = at_most - others if scan.text == ALL else int(scan.text)
    if others + units > at_most:
        return errors.ScanTooMany(wanted=at_most, found=others + units)
    return Keep(f"units|{units}")


def _item(expected: Sequence[Expected], tokens: Sequence[str], scan: Scan, today: date) -> Keep | Refused:
    if scan.bin and not scan.items:
        return errors.ScanOutOfTurn(scanned=scan.bin.code, wanted="what came")
    if not scan.items:
        return errors.ScanUnknown(scanned=scan.text, wanted="something of this order")
    named = {one.id for one in scan.items}
    lines = [one for one in expected if one.sku in named]
    if not lines:
        return errors.ScanWrongItem(scanned=scan.shown, wanted="only what was ordered, and set this aside")
    if scan.expires_on and scan.expires_on < today:
        return errors.ScanExpired(scanned=lines[0].code, on=scan.expires_on.isoformat())
    if scan.serial and any(one.serial == scan.serial for one in came(tokens)):
        return errors.ScanSerialTwice(scanned=scan.serial)
    units = 1 if scan.serial else scan.units or 1
    line = next((one for one in lines if _so_far(tokens, one.line) + units <= one.at_most), None)
    if line is None:
        in_all = sum(one.at_most for one in lines)
        so_far = sum(_so_far(tokens, one.line) for one in lines)
        return errors.ScanTooMany(wanted=in_all, found=so_far + units)
    expires = scan.expires_on.isoformat() if scan.expires_on else ""
    return Keep(json.dumps([str(line.line), line.code, units, scan.lot, expires, scan.serial]))
