"""Carrying units from bin to bin with a scanner, to put them away, to move them, or to fill a pick face. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from entrepot.kernel.errors import Refused, Said
from entrepot.work import errors
from entrepot.work.scanning import Item, Keep, Named, Scan, check_bin, check_item, counted

SHELVES = ("pick", "reserve")
ASIDE = ("quarantine",)
"""Where goods are put that can be sold, and that can't."""


class Load(NamedTuple):
    """Units in a bin that may go elsewhere: to `target`, where it is said, or to any bin of `kinds`.

    With `is_checked` the bin that they are taken from was scanned before."""

    source: Named
    item: Item
    target: Named | None = None
    kinds: tuple[str, ...] = SHELVES
    is_checked: bool = False


class Carried(NamedTuple):
    """So many units are in that bin now."""

    units: int
    bin: Named


def ask(load: Load, tokens: Sequence[str]) -> tuple[str, int]:
    """`bin` to begin with, then `item`, then `target`, where items can be added too; and the units so far."""
    units = counted(tokens).units
    if not load.is_checked and "bin" not in tokens:
        return "bin", units
    return ("target" if units else "item"), units


def scanned(
    load: Load, tokens: Sequence[str], scan: Scan, today: date, kind: str = ""
) -> Keep | Carried | Refused:
    """What a scan does to a load: something to remember, the units carried, or why it is wrong. `kind` is that of the
    bin that was scanned."""
    step, units = ask(load, tokens)
    if step == "bin":
        return check_bin(load.source, scan) or Keep("bin")
    if step == "item" or not scan.bin:
        wanted = load.item
        answer = check_item(wanted, counted(tokens), scan, today, at=load.source.code)
        if isinstance(answer, errors.ScanUnknown) and units:
            return errors.ScanUnknown(scanned=scan.text, wanted=load.target.code if load.target else "a bin")
        return answer
    if load.target and scan.bin.id != load.target.id:
        return errors.ScanWrongBin(scanned=scan.bin.code, wanted=load.target.code)
    if scan.bin.id == load.source.id:
        return errors.ScanWrongBin(scanned=scan.bin.code, wanted="another bin: they stand in this one")
    if not load.target and kind not in load.kinds:
        wanted_kinds = f"a bin for {' or '.join(load.kinds)}"
        return errors.ScanWrongBin(scanned=Said("{0}, for {1}", scan.bin.code, kind), wanted=wanted_kinds)
    return Carried(units, scan.bin)
