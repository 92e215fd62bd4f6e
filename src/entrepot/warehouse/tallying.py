"""Counting a bin with a scanner, blind: what was scanned, and what that comes to. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, Protocol
from uuid import UUID

from entrepot.kernel.errors import Refused, Said
from entrepot.work import errors
from entrepot.work.scanning import YES, Keep, Scan

FINISHED = "finished"
DIGITS_MAX = 5
"""A typed number of more digits is a barcode."""


class Goods(Protocol):
    """What is to be counted; `by_serial`: piece by piece."""

    @property
    def sku(self) -> UUID: ...
    @property
    def sku_code(self) -> str: ...
    @property
    def lot(self) -> str: ...
    @property
    def serial(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def by_serial(self) -> bool: ...


class Pile(NamedTuple):
    """Goods that stand in the bin, alike."""

    sku: UUID
    code: str
    lot: str
    serial: str
    status: str
    expires_on: date | None


class Reported(NamedTuple):
    """The count is over: units of each pile, 0 of what was expected and not found."""

    units: tuple[tuple[Pile, int], ...]


def piles(tokens: Sequence[str]) -> dict[Pile, int]:
    """What was counted so far, in the order in which it was first scanned: a number sets the units of the last."""
    found: dict[Pile, int] = {}
    last: Pile | None = None
    for token in tokens:
        if token.startswith("["):
            sku, code, lot, serial, status, expires, units = json.loads(token)
            last = Pile(
                UUID(sku), code, lot, serial, status, date.fromisoformat(expires) if expires else None
            )
            found[last] = found.get(last, 0) + units
        elif token.startswith("units|") and last:
            found[last] = int(token.removeprefix("units|"))
    return found


def last_pile(tokens: Sequence[str]) -> Pile | None:
    """What was scanned last."""
    named = [token for token in tokens if token.startswith("[")]
    return next(iter(piles(named[-1:])), None)


def scanned(
    goods: Sequence[Goods], whole: bool, tokens: Sequence[str], scan: Scan  # noqa: FBT001
) -> Keep | Reported | Refused:  # fmt: skip
    """What a scan does to a count. `whole`: all that stands in the bin is counted, also what nobody expected."""
    if FINISHED in tokens:
        if scan.text != YES:
            return errors.ScanOutOfTurn(
                scanned=scan.shown, wanted="whether all of it is counted: one of the buttons"
            )
        return Reported(tuple(_report(goods, tokens)))
    if scan.text == f"={FINISHED}":
        return Keep(FINISHED)
    typed = scan.text.isascii() and scan.text.isdigit() and len(scan.text) <= DIGITS_MAX
    if typed and not scan.items and not scan.bin:
        return _number(tokens, int(scan.text))
    return _piece(goods, whole, tokens, scan)


def _number(tokens: Sequence[str], units: int) -> Keep | Refused:
    last = last_pile(tokens)
    if last is None:
        return errors.ScanOutOfTurn(scanned=Said("{0} units", units), wanted="what there are so many of")
    if last.serial and units > 1:
        return errors.ScanTooMany(wanted=1, found=units)
    return Keep(f"units|{units}")


def _piece(goods: Sequence[Goods], whole: bool, tokens: Sequence[str], scan: Scan) -> Keep | Refused:  # noqa: FBT001
    named = {one.id for one in scan.items}
    alike = [one for one in goods if one.sku in named or (one.serial and one.serial == scan.text)]
    if scan.bin and not scan.items:
        return errors.ScanWrongBin(scanned=scan.bin.code, wanted="what stands in this one")
    if not scan.items and not alike:
        return errors.ScanUnknown(scanned=scan.text, wanted="something that stands in this bin")
    if not alike and not whole:
        return errors.ScanWrongItem(
            scanned=scan.shown, wanted=", ".join(sorted({one.sku_code for one in goods}))
        )
    serial = scan.serial or next((one.serial for one in alike if one.serial == scan.text), "")
    if any(one.by_serial for one in alike) and not serial:
        return errors.ScanUnknown(
            scanned=scan.shown, wanted=Said("the serial number of {0}", alike[0].sku_code)
        )
    if serial and any(serial == pile.serial for pile in piles(tokens)):
        return errors.ScanSerialTwice(scanned=serial)
    lots = sorted({one.lot for one in alike})
    if not scan.lot and len(lots) > 1:
        return errors.ScanUnknown(
            scanned=scan.shown, wanted=Said("a barcode with its lot: {0}", ", ".join(lots))
        )
    lot = scan.lot or (lots[0] if lots else "")
    same = [one for one in alike if one.lot == lot] or alike
    status = "sellable" if not same or any(one.status == "sellable" for one in same) else same[0].status
    sku, code = (alike[0].sku, alike[0].sku_code) if alike else (scan.items[0].id, scan.items[0].code)
    expires = scan.expires_on.isoformat() if scan.expires_on else ""
    units = 1 if serial else scan.units or 1
    return Keep(json.dumps([str(sku), code, lot, serial, status, expires, units]))


def _report(goods: Sequence[Goods], tokens: Sequence[str]) -> list[tuple[Pile, int]]:
    found = list(piles(tokens).items())
    counted = {(one.sku, one.lot, one.status) for one, _ in found}
    serials = {one.serial for one, _ in found}
    for one in goods:
        missing = one.serial not in serials if one.serial else (one.sku, one.lot, one.status) not in counted
        if missing:
            found.append((Pile(one.sku, one.sku_code, one.lot, one.serial, one.status, None), 0))
    return found
