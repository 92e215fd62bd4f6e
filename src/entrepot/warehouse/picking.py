"""Walking to a stop with a scanner: what is asked for next, and whether what was scanned is right. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Refused, Said
from entrepot.work import errors
from entrepot.work.scanning import (
    ALL,
    FEWER,
    YES,
    Item,
    Keep,
    Named,
    Scan,
    check_bin,
    check_item,
    counted,
)

HERE = "here"
"""What is remembered of whoever picked the stop before in the same bin: it need not be scanned again, and may be."""


class Stop(NamedTuple):
    """Units to be taken from a bin. On a cart with places (`slot`) they go into the order's `tote`: '' where it has
    none yet, of several into any. On other carts they go anywhere."""

    task: UUID
    fulfillment: UUID
    bin: Named
    item: Item
    slot: int = 0
    tote: str = ""


class Ask(NamedTuple):
    """The one thing to do next: `bin`, `item`, `tote`, or `fewer` (to say once more that no more are there)."""

    step: str
    units: int


class Picked(NamedTuple):
    """The stop is done with so many units."""

    units: int


class Bound(NamedTuple):
    """This tote holds the order from now on."""

    tote: str


def ask(stop: Stop, tokens: Sequence[str]) -> Ask:
    """What the picker has to do next, by what was scanned of the stop."""
    units = counted(tokens).units
    if stop.slot and not stop.tote:
        return Ask("bind", units)
    if "bin" not in tokens and HERE not in tokens:
        return Ask("bin", units)
    if "fewer" in tokens:
        return Ask("fewer" if "sure" not in tokens else "tote", units)
    return Ask("item" if units < stop.item.quantity else "tote", units)


def scanned(
    stop: Stop, tokens: Sequence[str], scan: Scan, today: date, done: Collection[UUID] = ()
) -> Keep | Picked | Bound | Refused:
    """What a scan does to a stop: something to remember, the stop picked, a tote bound to its order, or why it is
    wrong. `done` are SKUs of the same list that are complete."""
    step, units = ask(stop, tokens)
    match step:
        case "bind":
            return _bind(stop, scan)
        case "bin":
            return check_bin(stop.bin, scan, done) or Keep("bin")
        case "item":
            return _item(stop, tokens, scan, today, done)
        case "fewer":
            if scan.text != YES:
                return errors.ScanOutOfTurn(
                    scanned=scan.shown, wanted=Said("how many of {0} there are", stop.item.code)
                )
            return Keep("sure") if stop.tote and units else Picked(units)
    return _tote(stop, units, scan)


def _bind(stop: Stop, scan: Scan) -> Bound | Refused:
    if scan.items or scan.bin or scan.text in (ALL, FEWER, YES):
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted=Said("an empty tote for place {0}", stop.slot))
    return Bound(scan.text.upper())


def _item(
    stop: Stop, tokens: Sequence[str], scan: Scan, today: date, done: Collection[UUID]
) -> Keep | Picked | Refused:
    if scan.text == FEWER:
        return Keep("fewer")
    if tuple(tokens) == (HERE,) and scan.bin == stop.bin:
        return Keep("bin")
    tally = counted(tokens)
    answer = check_item(stop.item, tally, scan, today, done, stop.bin.code)
    if isinstance(answer, Refused) or stop.tote:
        return answer
    units = counted([*tokens, answer.token]).units
    return Picked(units) if units == stop.item.quantity else answer


def _tote(stop: Stop, units: int, scan: Scan) -> Picked | Refused:
    if scan.text.upper() in stop.tote.split(", "):
        return Picked(units)
    if stop.item.sku in {one.id for one in scan.items}:
        return errors.ScanTooMany(wanted=units, found=units + 1)
    return errors.ScanWrongTote(scanned=scan.shown, wanted=stop.tote)
