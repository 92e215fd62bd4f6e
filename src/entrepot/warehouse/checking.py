"""Checking what was picked before it is packed, unit by unit, with a scanner. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Refused, Said
from entrepot.warehouse.errors import CartonUnknown
from entrepot.warehouse.rules import SERIAL_MAX
from entrepot.work import errors
from entrepot.work.scanning import ALL, YES, Item, Keep, Named, Scan, Tally, check_item


class Wanted(NamedTuple):
    """Units of a SKU that were picked, with their serial numbers and lots where these were asked for. `to_note`: of so
    many a serial number is read that nobody knows yet."""

    sku: UUID
    code: str
    units: int
    serials: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    to_note: int = 0

    @property
    def by_serial(self) -> bool:
        """Whether each unit is scanned by its own number."""
        return bool(self.serials or self.to_note)


class Closed(NamedTuple):
    """A carton that was full before all was checked: what is in it by SKU, and what the scale said."""

    carton: str
    units: dict[UUID, int]
    weight_g: int | None = None


class Packed(NamedTuple):
    """All was checked: what is not in a carton that was `closed` before goes into this one, or, None, as is proposed;
    with what the scale said, and why that is right where it is off."""

    carton: str | None
    weight_g: int | None = None
    note: str = ""
    closed: tuple[Closed, ...] = ()


FULL = "=full"
"""What the button says where the rest goes into another carton."""
WHY = "=why"
"""What the button says where a weight is off and right all the same."""
WEIGHT = re.compile(r"(\d{1,6}(?:[.,]\d{1,4})?) ?(k?g)", re.IGNORECASE)
"""As a scale types it, or a person: `850 g`, `1.25 kg`."""


_SAID = ("weight", "why", "note", "full", "close", "again", "read")
"""Kinds of tokens that are no unit."""


class Scale(NamedTuple):
    """What was said of the weight so far; `asks_why`: a note is typed next."""

    weight_g: int | None = None
    note: str = ""
    asks_why: bool = False


def weighed(tokens: Sequence[str]) -> Scale:
    """What was said of the weight of the carton at hand: the last of it counts, and a note is about the weight before
    it."""
    scale = Scale()
    for token in at_hand(tokens):
        kind, _, rest = token.partition("|")
        if kind == "weight":
            scale = Scale(int(rest))
        elif kind == "why":
            scale = scale._replace(asks_why=True)
        elif kind == "note":
            scale = scale._replace(note=rest, asks_why=False)
    return scale


class Weights(NamedTuple):
    """The weights of packages that are weighed one after the other, as far as they were, and which is weighed next,
    from 0."""

    said: list[int]
    next: int


def in_turn(tokens: Sequence[str], packages: int) -> Weights:
    """What packages weigh: one weight more than there are packages begins anew, but after `again|place`, where that one
    was off, it is of that one."""
    said: list[int] = []
    off: int | None = None
    for token in at_hand(tokens) if packages else ():
        kind, _, rest = token.partition("|")
        if kind == "again":
            off = int(rest) if int(rest) < len(said) else None
        elif kind == "weight":
            if off is None:
                said = [*(said if len(said) < packages else ()), int(rest)]
            else:
                said[off] = int(rest)
            off = None
    return Weights(said, len(said) % max(packages, 1) if off is None else off)


def at_hand(tokens: Sequence[str]) -> Sequence[str]:
    """What was said since a carton was closed last."""
    ends = [place for place, token in enumerate(tokens) if token.startswith("close|")]
    return tokens[ends[-1] + 1 :] if ends else tokens


def unread(tokens: Sequence[str]) -> str:
    """The SKU of a unit that was scanned and whose serial number is read next; '' where there is none."""
    kind, _, sku = (tokens[-1] if tokens else "").partition("|")
    return sku if kind == "read" else ""


def noted(
    wanted: Sequence[Wanted], tokens: Sequence[str], lines: Sequence[tuple[UUID, UUID, int]]
) -> list[tuple[UUID, str]]:
    """The serial numbers that were read and not known before, each with an order line of its SKU: `lines` are those as
    (line, SKU, units to note)."""
    seen = tallies(tokens)
    found = []
    for one in wanted:
        said = iter([each for each in seen.get(one.sku, Tally()).serials if each not in one.serials])
        found += [
            (line, serial) for line, sku, units in lines if sku == one.sku for serial in islice(said, units)
        ]
    return found


def new_serial(wanted: Sequence[Wanted], keep: Keep) -> tuple[UUID, str] | None:
    """The unit (SKU, serial number) whose number was read and not known before."""
    kind = keep.token.partition("|")[0]
    if kind in _SAID or not keep.token.partition("|")[2].partition("|")[2]:
        return None
    one = next(each for each in wanted if str(each.sku) == kind)
    serial = keep.token.split("|", 2)[2]
    return None if serial in one.serials else (one.sku, serial)


def has_weight(tokens: Sequence[str]) -> bool:
    """Whether the carton at hand, or one that was full before, was on a scale."""
    return bool(weighed(tokens).weight_g or any(one.weight_g for one in closed(tokens)))


def asks_carton(tokens: Sequence[str]) -> bool:
    """Whether a carton is full, and not said yet which."""
    return any(token.startswith("full|") for token in at_hand(tokens))


def closed(tokens: Sequence[str]) -> tuple[Closed, ...]:
    """The cartons that were full before, each with what was checked while it was at hand."""
    found = []
    begins = 0
    for place, token in enumerate(tokens):
        kind, _, carton = token.partition("|")
        if kind == "close":
            mine = tokens[begins:place]
            units = {sku: tally.units for sku, tally in tallies(mine).items()}
            found.append(Closed(carton, units, weighed(mine).weight_g))
            begins = place + 1
    return tuple(found)


def by_line(
    cartons: Sequence[Mapping[UUID, int]], picked: Sequence[tuple[UUID, UUID, int]]
) -> list[dict[UUID, int]]:
    """The units of each carton by order line, of units by SKU; the last takes all that is left. `picked` are the lines
    as (line, SKU, units)."""
    left = {line: units for line, _, units in picked}
    found: list[dict[UUID, int]] = []
    for units in cartons:
        wanted, mine = dict(units), {}
        for line, sku, _ in picked:
            taken = min(wanted.get(sku, 0), left[line])
            if taken:
                mine[line] = taken
                left[line] -= taken
                wanted[sku] -= taken
        found.append(mine)
    return [*found, {line: units for line, units in left.items() if units}]


def tallies(tokens: Sequence[str]) -> dict[UUID, Tally]:
    """What was checked so far by SKU: each token is `sku|units|serial`."""
    found: dict[UUID, Tally] = {}
    for token in tokens:
        if token.partition("|")[0] in _SAID:
            continue
        sku, units, serial = token.split("|", 2)
        before = found.get(UUID(sku), Tally())
        serials = (*before.serials, serial) if serial else before.serials
        found[UUID(sku)] = Tally(before.units + int(units), serials)
    return found


def proven(wanted: Sequence[Wanted], tokens: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """The units that were checked, by the codes of their SKUs."""
    seen = tallies(tokens)
    return tuple((one.code, seen[one.sku].units) for one in wanted if one.sku in seen)


def open_units(wanted: Sequence[Wanted], tokens: Sequence[str]) -> list[tuple[Wanted, int]]:
    """What is still to be checked, each with how many units of it."""
    seen = tallies(tokens)
    left = [(one, one.units - seen.get(one.sku, Tally()).units) for one in wanted]
    return [(one, units) for one, units in left if units > 0]


def scanned(
    wanted: Sequence[Wanted],
    tokens: Sequence[str],
    scan: Scan,
    today: date,
    cartons: Collection[str] = (),
    *,
    one_by_one: bool = False,
) -> Keep | Packed | Refused:
    """What a scan does: a unit that is right, a carton that is full, the last one when all are checked, or why it is
    wrong. `cartons` are the codes of those that are packed in; `one_by_one`: no button says the rest."""
    left = open_units(wanted, tokens)
    if not left:
        answer = _carton(wanted, weighed(tokens), scan, was_weighed=has_weight(tokens))
        return answer._replace(closed=closed(tokens)) if isinstance(answer, Packed) else answer
    if asks_carton(tokens):
        return _close(scan, cartons)
    if scan.text == FULL:
        if tallies(at_hand(tokens)):
            return Keep("full|")
        return errors.ScanOutOfTurn(scanned="a full carton", wanted=left[0][0].code)
    if scan.text == ALL:
        if one_by_one:
            return errors.ScanOutOfTurn(scanned="the rest", wanted=left[0][0].code)
        return _rest(left, tokens)
    if scan.bin and not scan.items:
        return errors.ScanOutOfTurn(scanned=scan.bin.code, wanted=left[0][0].code)
    waits = unread(tokens)
    if waits and not scan.items and not scan.bin and not scan.text.startswith("="):
        mine = next(one for one in wanted if str(one.sku) == waits)
        return _unit(mine, tallies(tokens).get(mine.sku, Tally()), _as_serial(mine, scan), today)
    found = {one.id for one in scan.items}
    one = next((one for one in wanted if one.sku in found or scan.text in one.serials), None)
    if one is None:
        told = errors.ScanWrongItem if scan.items else errors.ScanUnknown
        return told(scanned=scan.shown, wanted=left[0][0].code)
    return _unit(one, tallies(tokens).get(one.sku, Tally()), scan, today)


def _unit(one: Wanted, tally: Tally, scan: Scan, today: date) -> Keep | Refused:
    serial = scan.text if scan.text in one.serials else scan.serial
    asks = bool(one.to_note and not serial)
    if one.serials and not serial and not asks:
        return errors.ScanUnread(scanned=one.code, wanted=Said("its serial number"))
    if one.serials and serial and serial not in one.serials and not _is_new(one, tally, serial):
        return errors.ScanWrongSerial(scanned=serial, wanted=", ".join(one.serials))
    if one.to_note and len(serial) > SERIAL_MAX:
        return errors.ScanUnknown(scanned=serial, wanted=Said("its serial number"))
    if scan.lot and one.lots and scan.lot not in one.lots:
        return errors.ScanWrongLot(scanned=scan.lot, wanted=", ".join(one.lots))
    item = Item(one.sku, one.code, one.units, serial=serial if one.by_serial else "")
    answer = check_item(item, tally, scan._replace(units=None) if asks else scan, today)
    if isinstance(answer, Refused):
        return answer
    if asks:
        return Keep(f"read|{one.sku}")
    return Keep(f"{one.sku}|{answer.token.removeprefix('item|')}")


def _as_serial(one: Wanted, scan: Scan) -> Scan:
    """What was read after a barcode: the serial number, by itself or as a label of GS1 says it."""
    return scan._replace(items=(Named(one.sku, one.code),), serial=scan.serial or scan.text.strip())


def _is_new(one: Wanted, tally: Tally, serial: str) -> bool:
    """Whether this may be one of the units whose number nobody knew."""
    read = [each for each in tally.serials if each not in one.serials]
    return len(read) < one.to_note or serial in read


def _rest(left: Sequence[tuple[Wanted, int]], tokens: Sequence[str]) -> Keep | Refused:
    """All that is left of what was scanned last."""
    last = tokens[-1].split("|")[0] if tokens else ""
    for one, units in left:
        if str(one.sku) == last and not one.by_serial:
            return Keep(f"{one.sku}|{units}|")
    return errors.ScanOutOfTurn(scanned="the rest", wanted=left[0][0].code)


def _close(scan: Scan, cartons: Collection[str]) -> Keep | Refused:
    """Which carton is full, and what it weighs where there is a scale."""
    if scan.items or scan.bin or scan.text in (ALL, YES, WHY, FULL):
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted="the carton that is full")
    grams = _grams(scan)
    if grams is not None:
        return Keep(f"weight|{grams}")
    code = scan.text.upper()
    if code not in cartons:
        return CartonUnknown(carton=scan.text, known=", ".join(cartons))
    return Keep(f"close|{code}")


def _grams(scan: Scan) -> int | None:
    said = WEIGHT.fullmatch(scan.text)
    if not said:
        return None
    return round(Decimal(said[1].replace(",", ".")) * (1_000 if said[2].lower() == "kg" else 1))


def _carton(
    wanted: Sequence[Wanted], scale: Scale, scan: Scan, *, was_weighed: bool
) -> Keep | Packed | Refused:
    grams = _grams(scan)
    if grams is not None:  # Also where it is asked why: it was weighed again.
        return Keep(f"weight|{grams}")
    if scale.asks_why:
        is_said = not (scan.items or scan.bin or scan.text in (ALL, YES, WHY))
        told = errors.ScanOutOfTurn(scanned=scan.shown, wanted="why the weight is right: type it")
        return Keep(f"note|{scan.text}") if is_said else told
    if scan.text == YES:
        return Packed(None, scale.weight_g, scale.note)
    if scan.text == WHY and was_weighed:
        return Keep("why|")
    named = {one.id for one in scan.items}
    extra = next((one for one in wanted if one.sku in named), None)
    if extra:
        return errors.ScanTooMany(wanted=extra.units, found=extra.units + 1)
    if scan.items or scan.bin or scan.text == ALL:
        return errors.ScanDone(scanned="everything in this order", wanted="the carton")
    return Packed(scan.text.upper(), scale.weight_g, scale.note)
