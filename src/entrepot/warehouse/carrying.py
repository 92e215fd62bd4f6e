"""Carrying units from bin to bin with a scanner, to put them away, to move them, or to fill a pick face. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Refused, Said
from entrepot.work import errors
from entrepot.work.scanning import (
    YES,
    Item,
    Keep,
    Named,
    Plate,
    Scan,
    check_bin,
    check_item,
    counted,
    says_lot,
    typed,
)

SHELVES = ("pick", "reserve")
ASIDE = ("quarantine",)
FOR_SALE = ("sellable", "blocked")
"""Where goods are put that can be sold, also those of a blocked bin once they are elsewhere; and that can't."""


class Load(NamedTuple):
    """Units in a bin that may go elsewhere: to `target`, where it is said, or to any bin of `kinds`.

    With `is_checked` the bin that they are taken from was scanned before; with `asks_rest` it is said of fewer units
    what is with the rest."""

    source: Named
    item: Item
    target: Named | None = None
    kinds: tuple[str, ...] = SHELVES
    is_checked: bool = False
    asks_rest: bool = False


LATER = "=later"
"""What the button says where the rest of a load is brought in another trip."""
THERE = "there"
"""What is remembered of whoever scanned the target with fewer units than were asked for."""


class Carried(NamedTuple):
    """So many units are in that bin now, all on a `plate` where one was scanned; the rest comes `later`."""

    units: int
    bin: Named
    plate: UUID | None = None
    later: bool = False


def ask(load: Load, tokens: Sequence[str]) -> tuple[str, int]:
    """`bin` to begin with, then `item`, then `target`, where items can be added too; `lot` where a barcode was read
    that has none, and several stand in the bin; `rest` where fewer came to the target; and the units so far."""
    tally = counted(tokens)
    units = tally.units
    if not load.is_checked and "bin" not in tokens:
        return "bin", units
    if tally.read:
        return "lot", units
    if THERE in tokens:
        return "rest", units
    return ("target" if units else "item"), units


def scanned(
    load: Load, tokens: Sequence[str], scan: Scan, today: date, kind: str = ""
) -> Keep | Carried | Refused:
    """What a scan does to a load: something to remember, the units carried, or why it is wrong. `kind` is that of the
    bin that was scanned."""
    step, units = ask(load, tokens)
    if step == "bin":
        return check_bin(load.source, scan) or Keep("bin")
    if step == "rest":
        return _rest(load, units, scan)
    if step == "lot" and (scan.plate or scan.bin) and not says_lot(load.item.lot, scan):
        return errors.ScanUnread(scanned=load.item.code, wanted=Said("its lot"))
    if scan.plate:
        return _plate(load, tokens, scan.plate)
    if step in ("item", "lot") or not scan.bin:
        if _plate_in(tokens):
            return errors.ScanOutOfTurn(scanned=scan.shown, wanted="the bin: a plate goes by itself")
        if step == "target" and scan.text != load.item.lot and (number := typed(scan)) is not None:
            return _number(load.item, tokens, number)
        wanted = load.item
        answer = check_item(wanted, counted(tokens), scan, today, at=load.source.code)
        if isinstance(answer, errors.ScanUnknown) and units:
            return errors.ScanUnknown(scanned=scan.text, wanted=load.target.code if load.target else "a bin")
        return answer
    if load.target and scan.bin.id != load.target.id:
        return errors.ScanWrongBin(scanned=scan.bin.code, wanted=load.target.code)
    plate = _plate_in(tokens)
    if wrong := _misfit_target(load, scan.bin, kind):
        return wrong
    if load.asks_rest and units < load.item.quantity and not plate:
        return Keep(THERE)
    return Carried(units, scan.bin, plate)


def _number(item: Item, tokens: Sequence[str], units: int) -> Keep | Refused:
    """How many there are, typed once one was scanned."""
    if counted(tokens).serials:
        return errors.ScanOutOfTurn(
            scanned=Said("{0} units", units), wanted="every piece: each has its own serial number"
        )
    if units < 1:
        return errors.ScanOutOfTurn(scanned=Said("{0} units", units), wanted="how many there are, 1 or more")
    if units > item.quantity:
        return errors.ScanTooMany(wanted=item.quantity, found=units)
    return Keep(f"units|{units}")


def _rest(load: Load, units: int, scan: Scan) -> Carried | Refused:
    """What is with the rest of a load of which fewer came."""
    assert load.target is not None
    if scan.text not in (YES, LATER):
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted="what is with the rest: one of the buttons")
    return Carried(units, load.target, later=scan.text == LATER)


def _misfit_target(load: Load, target: Named, kind: str) -> Refused | None:
    if target.id == load.source.id:
        return errors.ScanWrongBin(scanned=target.code, wanted="another bin: they stand in this one")
    if not load.target and kind not in load.kinds:
        wanted_kinds = Said("a bin for {0}", " / ".join(load.kinds))
        return errors.ScanWrongBin(scanned=Said("{0}, for {1}", target.code, kind), wanted=wanted_kinds)
    return None


def _plate_in(tokens: Sequence[str]) -> UUID | None:
    """The plate among what was scanned."""
    return next((UUID(token.rpartition("|")[2]) for token in tokens if token.startswith("plate|")), None)


def _plate(load: Load, tokens: Sequence[str], plate: Plate) -> Keep | Refused:
    """A whole plate for a pick face: all that stands on it is what is wanted, and no more."""
    item, units = load.item, counted(tokens).units
    if load.target is None:
        return errors.ScanOutOfTurn(scanned=plate.number, wanted=item.code)
    if plate.bin is None or plate.bin.id != load.source.id:
        return errors.ScanWrongBin(
            scanned=Said("{0}, of plate {1}", plate.bin.code if plate.bin else "none", plate.number),
            wanted=load.source.code,
        )
    if plate.id == _plate_in(tokens):
        return errors.ScanDone(scanned=plate.number, wanted=load.target.code)
    others = [one for one in plate.goods if one.sku != item.sku or one.status != "sellable"]
    if others:
        scanned = Said("a plate on which {0} stands too: open it first", others[0].code)
        return errors.ScanWrongItem(scanned=scanned, wanted=item.code)
    if wrong := next((one.lot for one in plate.goods if one.lot != item.lot), None):
        return errors.ScanWrongLot(scanned=wrong, wanted=item.lot)
    if units:
        return errors.ScanOutOfTurn(scanned=plate.number, wanted="the bin: a plate goes by itself")
    if plate.units > item.quantity:
        return errors.ScanTooMany(wanted=item.quantity, found=plate.units)
    return Keep(f"plate|{plate.units}|{plate.id}")


def plate_target(plate: Plate, kinds: Sequence[str], scan: Scan, kind: str) -> Named | Refused:
    """The bin that a whole plate goes to, or why what was scanned is none. `kind` is that of the bin."""
    if not scan.bin:
        told = errors.ScanOutOfTurn if scan.items or scan.plate else errors.ScanUnknown
        return told(scanned=scan.shown, wanted="the bin that the plate is put into")
    source = plate.bin or Named(plate.id, "")
    load = Load(source, Item(plate.id, plate.number, plate.units), kinds=tuple(kinds), is_checked=True)
    return _misfit_target(load, scan.bin, kind) or scan.bin
