"""What a scan says, and whether it is right where it is made: what all scan screens share. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Refused, Said
from entrepot.work import errors

ALL, FEWER, YES = "=all", "=fewer", "=yes"
"""What a button says instead of a barcode: the rest of the units; no more are there; as it is shown."""


LOT = "=lot|"
"""What a button begins with that says a lot: a lot may be called as a bin is, or hold signs that barcodes use."""


class Named(NamedTuple):
    """A thing that a barcode names: its id, and what people call it."""

    id: UUID
    code: str


class Alike(NamedTuple):
    """Units alike that stand on a plate."""

    sku: UUID
    code: str
    units: int
    lot: str = ""
    serial: str = ""
    status: str = "sellable"


class Plate(NamedTuple):
    """A pallet or a carton of stock by its number (SSCC): what stands on it, and in which bin by the records."""

    id: UUID
    number: str
    bin: Named | None
    goods: tuple[Alike, ...]
    kin: tuple[UUID, ...] = ()
    """Its pallet, or the cartons on it: what stands on one is scanned with the other."""

    @property
    def units(self) -> int:
        return sum(one.units for one in self.goods)


class Scan(NamedTuple):
    """What a scanner read, or a button said: what it names here, and what a GS1 barcode says beside."""

    text: str
    items: tuple[Named, ...] = ()
    bin: Named | None = None
    lot: str = ""
    expires_on: date | None = None
    serial: str = ""
    units: int | None = None
    plate: Plate | None = None

    @property
    def shown(self) -> str:
        """As people should hear of it."""
        if self.plate:
            return self.plate.number
        return self.bin.code if self.bin else self.items[0].code if self.items else self.text


class Item(NamedTuple):
    """Units of a SKU that are wanted; `lot` and `serial` where it must be that one. `mixed`: other lots of it stand in
    the same bin, so that the lot has to be read."""

    sku: UUID
    code: str
    quantity: int
    lot: str = ""
    serial: str = ""
    expires_on: date | None = None
    mixed: bool = False


class Tally(NamedTuple):
    """Units scanned so far, and the serial numbers among them. `read`: the units and the serial of the barcode that was
    read last, where their lot is still to be said."""

    units: int = 0
    serials: tuple[str, ...] = ()
    read: tuple[int, str] | None = None


class Keep(NamedTuple):
    """The scan is right, and the task goes on: this is remembered of it."""

    token: str


FINDS = {
    "expired": "expired on the floor",
    "unknown": "unknown barcode",
    "wrong": "wrong barcode",
    "out": "serial number came up again",
    "elsewhere": "serial number in two places",
}
"""The types of work items that scans lead to, by what was found."""
OF_SERIALS = ("out", "elsewhere")
"""Finds of a unit that is in somebody's hands: by the records it went to a customer, or stands in another bin."""
BARCODE_DIGITS = 8
"""A text of as many digits is the barcode of something, and no mistyped word."""


DIGITS_MAX = 5
"""A typed number of more digits is a barcode."""


def typed(scan: Scan) -> int | None:
    """The units that were typed; None for what is no number, or names something."""
    is_number = scan.text.isascii() and scan.text.isdigit() and len(scan.text) <= DIGITS_MAX
    return int(scan.text) if is_number and not scan.items and not scan.bin else None


def find_of(refused: Refused, scan_text: str, *, of_goods: bool) -> str | None:
    """What a person has to decide about after a scan that was refused; None where the one who scans only has to scan
    something else. `of_goods`: what nobody knows was taken out of the bin where goods are counted or picked."""
    if isinstance(refused, errors.ScanExpired):
        return "expired"
    is_barcode = scan_text.isascii() and scan_text.isdigit() and len(scan_text) >= BARCODE_DIGITS
    return "unknown" if of_goods and isinstance(refused, errors.ScanUnknown) and is_barcode else None


def astray(scan: Scan, wanted: str, opens: Collection[str], done: Collection[str] = ()) -> Refused:
    """Why a scan opens nothing of a list: `opens` says what would (`bin`, `item`, `name`), `done` are codes of what
    stood there before."""
    if scan.shown in done or scan.text.upper() in done:
        return errors.ScanDone(scanned=scan.shown, wanted=wanted)
    if scan.bin and "bin" in opens:
        return errors.ScanWrongBin(scanned=scan.bin.code, wanted=wanted)
    if scan.items and "item" in opens:
        return errors.ScanWrongItem(scanned=scan.shown, wanted=wanted)
    told = errors.ScanOutOfTurn if scan.bin or scan.items else errors.ScanUnknown
    return told(scanned=scan.shown, wanted=wanted)


def counted(tokens: Sequence[str]) -> Tally:
    """What the remembered scans come to: of items, each `item|units|serial`, and of plates, each `plate|units|id`;
    `units|n` is a typed number of all so far, `read|units|serial` a barcode whose lot is still to be said."""
    units, serials, read = 0, [], None
    for token in tokens:
        kind, _, rest = token.partition("|")
        number, _, serial = rest.partition("|")
        read = (int(number), serial) if kind == "read" else None
        if kind == "item":
            units += int(number)
            if serial:
                serials.append(serial)
        elif kind == "plate":
            units += int(number)
        elif kind == "units":
            units = int(number)
    return Tally(units, tuple(serials), read)


def check_bin(wanted: Named, scan: Scan, done: Collection[UUID] = ()) -> Refused | None:
    """Why this is not the bin that is wanted; `done` are SKUs that are complete."""
    if scan.bin:
        right = scan.bin.id == wanted.id
        return None if right else errors.ScanWrongBin(scanned=scan.bin.code, wanted=wanted.code)
    if scan.items:
        told = errors.ScanDone if scan.items[0].id in done else errors.ScanOutOfTurn
        return told(scanned=scan.items[0].code, wanted=Said("bin {0}", wanted.code))
    return errors.ScanUnknown(scanned=scan.text, wanted=Said("bin {0}", wanted.code))


def check_item(
    item: Item, tally: Tally, scan: Scan, today: date, done: Collection[UUID] = (), at: str = ""
) -> Keep | Refused:
    """The units that a scan adds, or why it can't: `done` are SKUs that were wanted here and are complete, `at` is the
    bin that was scanned before."""
    if scan.text == ALL:
        return _rest(item, tally)
    if scan.bin and not (tally.read and says_lot(item.lot, scan)):
        if scan.bin.code == at:
            return errors.ScanDone(scanned=scan.bin.code, wanted=item.code)
        return errors.ScanWrongBin(scanned=scan.bin.code, wanted=at or item.code)
    scan, is_named = _named(item, tally, scan)
    if tally.read and not scan.items and not is_named and not scan.text.startswith("="):
        return errors.ScanWrongLot(scanned=scan.text, wanted=item.lot)
    if not scan.items and not is_named:
        return errors.ScanUnknown(scanned=scan.text, wanted=item.code)
    found = {one.id for one in scan.items}
    if item.sku not in found and not is_named:
        if found & set(done):
            return errors.ScanDone(scanned=scan.items[0].code, wanted=item.code)
        return errors.ScanWrongItem(scanned=scan.items[0].code, wanted=item.code)
    refused = _misfit(item, tally, scan, today)
    if refused:
        return refused
    token = f"{1 if scan.serial else scan.units or 1}|{scan.serial}"
    if item.mixed and item.lot and not scan.lot:
        return Keep(f"read|{token}")
    return Keep(f"item|{token}")


def says_lot(lot: str, scan: Scan) -> bool:
    """Whether a lot is said, typed or by its button, whatever else is called the same."""
    return bool(lot) and scan.text.removeprefix(LOT).upper() == lot.upper()


def _named(item: Item, tally: Tally, scan: Scan) -> tuple[Scan, bool]:
    """What a scan says with the lot that it tells, and whether it names the unit without its barcode: by its serial, or
    by the lot where several stand there, once its barcode was read."""
    if scan.text and scan.text == item.serial:
        return scan._replace(serial=item.serial, lot=item.lot), True
    if says_lot(item.lot, scan) and item.mixed and tally.read:
        units, serial = tally.read
        return scan._replace(serial=serial, lot=item.lot, units=units), True
    is_the_one = item.serial and scan.serial == item.serial and not scan.lot
    return (scan._replace(lot=item.lot) if is_the_one else scan), False


def _rest(item: Item, tally: Tally) -> Keep | Refused:
    """All that is left at one tap, once one of them was scanned."""
    left = item.quantity - tally.units
    if not left:
        return errors.ScanDone(
            scanned=Said("all {0} units", item.quantity), wanted="what the screen asks for"
        )
    if not tally.units or left < 1 or tally.serials:
        return errors.ScanOutOfTurn(scanned=Said("{0} units", left), wanted=item.code)
    return Keep(f"item|{left}|")


def _misfit(item: Item, tally: Tally, scan: Scan, today: date) -> Refused | None:
    serial = scan.serial
    if item.lot and scan.lot and scan.lot != item.lot:
        return errors.ScanWrongLot(scanned=scan.lot, wanted=item.lot)
    expires = scan.expires_on or item.expires_on
    if expires and expires < today:
        return errors.ScanExpired(scanned=item.code, on=expires.isoformat())
    if item.serial and serial and serial != item.serial:
        return errors.ScanWrongSerial(scanned=serial, wanted=item.serial)
    if item.serial and not serial:
        return errors.ScanUnread(scanned=item.code, wanted=Said("its serial number"))
    if item.mixed and item.lot and not scan.lot and tally.read:
        return errors.ScanUnread(scanned=item.code, wanted=Said("its lot"))
    if serial and serial in tally.serials:
        return errors.ScanSerialTwice(scanned=serial)
    units = tally.units + (1 if serial else scan.units or 1)
    if units > item.quantity:
        return errors.ScanTooMany(wanted=item.quantity, found=units)
    return None
