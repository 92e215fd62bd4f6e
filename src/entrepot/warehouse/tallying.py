"""Counting a bin with a scanner, blind: what was scanned, and what that comes to. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from entrepot.kernel.errors import Refused, Said
from entrepot.work import errors
from entrepot.work.scanning import LOT, YES, Keep, Named, Plate, Scan, typed

FINISHED = "finished"
NO_LOT = "=nolot"
"""What the button says where goods without a lot stand beside others with one."""


_Name = tuple[UUID, str, str, str]


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

    @property
    def name(self) -> _Name:
        """What makes units alike: when they expire follows from their lot."""
        return self.sku, self.lot, self.serial, self.status


class Reported(NamedTuple):
    """The count is over: units of each pile, 0 of what was expected and not found; and the plates that were seen."""

    units: tuple[tuple[Pile, int], ...]
    plates: tuple[UUID, ...] = ()


def piles(tokens: Sequence[str]) -> dict[Pile, int]:
    """What was counted so far, in the order in which it was first scanned, each once: a number sets the units of the
    last, beside those that stand on plates. A serial is one unit, however often it was scanned."""
    known: dict[_Name, Pile] = {}
    loose: dict[_Name, int] = defaultdict(int)
    plated: dict[_Name, int] = defaultdict(int)
    last: _Name | None = None
    for token in tokens:
        if token.startswith("["):
            pile, units = _scanned_pile(token)
            last = pile.name
            before = known.get(last, pile)
            known[last] = before if before.expires_on else pile
            loose[last] += units
        elif token.startswith("plate|"):
            for sku, code, lot, serial, status, units in json.loads(token.split("|", 2)[2]):
                pile = Pile(UUID(sku), code, lot, serial, status, None)
                known.setdefault(pile.name, pile)
                plated[pile.name] += units
        elif token.startswith("units|") and last:
            loose[last] = int(token.removeprefix("units|"))
    units_of = {name: loose[name] + plated[name] for name in known}
    return {pile: min(1, units_of[name]) if pile.serial else units_of[name] for name, pile in known.items()}


def _scanned_pile(token: str) -> tuple[Pile, int]:
    sku, code, lot, serial, status, expires, units = json.loads(token)
    return Pile(UUID(sku), code, lot, serial, status, date.fromisoformat(expires) if expires else None), units


class Read(NamedTuple):
    """A barcode that was read and does not tell its lot, which is said next: of which SKU, and how many units."""

    sku: UUID
    code: str
    serial: str
    units: int
    expires: str


def read_last(tokens: Sequence[str]) -> Read | None:
    """The barcode whose lot is still to be said."""
    if not tokens or not tokens[-1].startswith("read|"):
        return None
    sku, *rest = json.loads(tokens[-1].removeprefix("read|"))
    return Read(UUID(sku), *rest)


def lots_of(goods: Sequence[Goods], sku: UUID) -> list[str]:
    """The lots of a SKU that are to be counted, '' for units without one."""
    return sorted({one.lot for one in goods if one.sku == sku})


def last_pile(tokens: Sequence[str]) -> Pile | None:
    """What was scanned last, as it stands among all; of a plate nothing, since it is counted whole."""
    token = next((one for one in reversed(tokens) if one.startswith(("[", "plate|"))), "")
    if not token.startswith("["):
        return None
    name = _scanned_pile(token)[0].name
    return next(pile for pile in piles(tokens) if pile.name == name)


_SINCE = "\t"


def marked(token: str, at: datetime) -> str:
    """A token with the moment of its scan; no other has a tab in it."""
    return f"{token}{_SINCE}{at.isoformat()}"


def bare(tokens: Sequence[str]) -> tuple[str, ...]:
    """Tokens without their moments, as all else here reads them."""
    return tuple(token.partition(_SINCE)[0] for token in tokens)


def moments(tokens: Sequence[str]) -> dict[Pile, datetime]:
    """When each pile was counted: with its last scan. What others take or bring while the rest of the bin is counted is
    no difference of it."""
    found: dict[_Name, datetime] = {}
    last: list[_Name] = []
    for token in tokens:
        one, _, at = token.partition(_SINCE)
        if one.startswith("["):
            last = [_scanned_pile(one)[0].name]
        names = [pile.name for pile in piles([one])] if one.startswith("plate|") else last
        if at and one.startswith(("[", "plate|", "units|")):
            found |= dict.fromkeys(names, datetime.fromisoformat(at))
    return {pile: found[pile.name] for pile in piles(bare(tokens)) if pile.name in found}


def plates_in(tokens: Sequence[str]) -> tuple[UUID, ...]:
    """The plates among what was scanned."""
    return tuple(UUID(token.split("|", 2)[1]) for token in tokens if token.startswith("plate|"))


def scanned(
    goods: Sequence[Goods], whole: bool, tokens: Sequence[str], scan: Scan, at: Named | None = None,  # noqa: FBT001
    by_lot: Collection[UUID] = (),
) -> Keep | Reported | Refused:  # fmt: skip
    """What a scan does to a count, in the bin `at`. `whole`: all that stands in the bin is counted, also what nobody
    expected; `by_lot` are SKUs that are kept by lot."""
    if read := read_last(tokens):
        return _lot(goods, read, scan)
    if FINISHED in tokens:
        if scan.text != YES:
            return errors.ScanOutOfTurn(
                scanned=scan.shown, wanted="whether all of it is counted: one of the buttons"
            )
        return Reported(tuple(_report(goods, tokens)), plates_in(tokens))
    if scan.text == f"={FINISHED}":
        return Keep(FINISHED)
    if (number := typed(scan)) is not None:
        return _number(tokens, number)
    if scan.plate:
        return _plate(goods, whole, tokens, scan.plate, at)
    return _piece(goods, whole, tokens, scan, by_lot)


def _lot(goods: Sequence[Goods], read: Read, scan: Scan) -> Keep | Refused:
    """The lot of the barcode that was read before: as it is typed, scanned or tapped. One that the records do not have
    in this bin may be there all the same."""
    alike = [one for one in goods if one.sku == read.sku]
    known = {lot.upper(): lot for lot in lots_of(goods, read.sku)}
    if scan.text == NO_LOT and "" in known:
        return _kept(alike, read, "")
    if lot := known.get(scan.text.removeprefix(LOT).upper()):
        return _kept(alike, read, lot)
    is_of_it = bool(scan.lot) and read.sku in {one.id for one in scan.items}  # a barcode that tells both
    if not is_of_it and (scan.items or scan.bin or scan.plate or scan.text.startswith("=")):
        return errors.ScanUnread(scanned=read.code, wanted=Said("its lot"))
    said = scan.lot or scan.text
    return _kept(alike, read, known.get(said.upper(), said))


def _plate(
    goods: Sequence[Goods], whole: bool, tokens: Sequence[str], plate: Plate, at: Named | None  # noqa: FBT001
) -> Keep | Refused:  # fmt: skip
    """A plate is counted whole, by its number: all that the records say stands on it is there. What is looked for since
    a pick found too few is counted with the sellable units, as it is where it stands loose."""
    if at and (plate.bin is None or plate.bin.id != at.id):
        nowhere = (
            "none: it is on its way by the records"
            if plate.goods
            else "none: it holds nothing by the records"
        )
        where = plate.bin.code if plate.bin else nowhere
        return errors.ScanWrongBin(
            scanned=Said("{0}, of plate {1}", where, plate.number), wanted="what stands in this one"
        )
    if {plate.id, *plate.kin} & set(plates_in(tokens)):
        return errors.ScanDone(scanned=plate.number, wanted="something else that stands in this bin")
    wanted = {one.sku for one in goods}
    alike = [one for one in plate.goods if whole or one.sku in wanted]
    if not alike:
        return errors.ScanWrongItem(
            scanned=plate.number, wanted=", ".join(sorted({one.sku_code for one in goods}))
        )
    rows = [[str(one.sku), one.code, one.lot, one.serial, _told(one.status), one.units] for one in alike]
    return Keep(f"plate|{plate.id}|{json.dumps(rows)}")


def _told(status: str) -> str:
    return "sellable" if status == "researching" else status


def _number(tokens: Sequence[str], units: int) -> Keep | Refused:
    last = last_pile(tokens)
    if last is None:
        return errors.ScanOutOfTurn(scanned=Said("{0} units", units), wanted="what there are so many of")
    if last.serial and units > 1:
        return errors.ScanTooMany(wanted=1, found=units)
    return Keep(f"units|{units}")


def _piece(
    goods: Sequence[Goods], whole: bool, tokens: Sequence[str], scan: Scan, by_lot: Collection[UUID]  # noqa: FBT001
) -> Keep | Refused:  # fmt: skip
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
        return errors.ScanUnread(scanned=alike[0].sku_code, wanted=Said("its serial number"))
    if serial and any(serial == pile.serial for pile in piles(tokens)):
        return errors.ScanSerialTwice(scanned=serial)
    lots = sorted({one.lot for one in alike})
    sku, code = (alike[0].sku, alike[0].sku_code) if alike else (scan.items[0].id, scan.items[0].code)
    expires = scan.expires_on.isoformat() if scan.expires_on else ""
    read = Read(sku, code, serial, 1 if serial else scan.units or 1, expires)
    if not scan.lot and (len(lots) > 1 or (not lots and sku in by_lot)):
        return Keep(f"read|{json.dumps([str(sku), *read[1:]])}")
    return _kept(alike, read, scan.lot or (lots[0] if lots else ""))


def _kept(alike: Sequence[Goods], read: Read, lot: str) -> Keep:
    same = [one for one in alike if one.lot == lot] or alike
    status = "sellable" if not same or any(one.status == "sellable" for one in same) else same[0].status
    return Keep(json.dumps([str(read.sku), read.code, lot, read.serial, status, read.expires, read.units]))


def _report(goods: Sequence[Goods], tokens: Sequence[str]) -> list[tuple[Pile, int]]:
    found = list(piles(tokens).items())
    counted = {(one.sku, one.lot, one.status) for one, _ in found}
    serials = {one.serial for one, _ in found}
    for one in goods:
        missing = one.serial not in serials if one.serial else (one.sku, one.lot, one.status) not in counted
        if missing:
            found.append((Pile(one.sku, one.sku_code, one.lot, one.serial, one.status, None), 0))
    return found
