"""The ship notice (856): a tree of shipment, orders, pallets, packages and items, read to what is on its way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from entrepot.catalog.barcodes import is_sscc
from entrepot.channels.x12.contract import CANCELLED, NEW, PURPOSES, REFUSED, REJECTED
from entrepot.channels.x12.envelope import Segment, Set, X12Error
from entrepot.kernel.errors import Said

INSIDE = {"S": "", "O": "ST", "T": "SO", "P": "SOT", "I": "SOTP"}
"""Which level may stand in which."""

CODES, BARCODES = ("BP", "IN"), ("UP", "EN", "UK", "UI")
"""Qualifiers of the buyer's own numbers, and of barcodes."""

ARRIVES = ("017", "067", "002", "011")
"""Dates of a shipment by what they tell of its arrival, the best first; 011 is the day on which it left."""


@dataclass(frozen=True, slots=True)
class Item:
    """Units of an order line by what names the goods, in which package, on which pallet, at which segment.
    `is_refused`: the supplier sends no more of it than these; `is_rejected`: nor these, whatever units he names."""

    segment: int
    order: str
    quantity: int
    unit: str
    codes: tuple[str, ...] = ()
    barcodes: tuple[str, ...] = ()
    vendor: str = ""
    line: str = ""
    sscc: str = ""
    lot: str = ""
    expires_on: date | None = None
    serials: tuple[str, ...] = ()
    pallet: str = ""
    is_refused: bool = False
    is_rejected: bool = False


@dataclass(frozen=True, slots=True)
class ShipNotice:
    """What one set says: the supplier's number, when it comes, by whom, and the goods; what it is for (BSN01, at
    `segment`), which orders it names, and the numbers of its parcels. One for something else than PURPOSES says nothing
    of goods."""

    control: str
    reference: str
    expected_on: date
    items: tuple[Item, ...]
    carrier: str = ""
    tracking: str = ""
    parcels: tuple[str, ...] = ()
    purpose: str = NEW
    segment: int = 0
    orders: tuple[str, ...] = ()

    def fault(self, place: int, expected: str, found: str) -> X12Error:
        return X12Error(self.segment, f"BSN{place:02}", expected, found)

    def misfit(self) -> X12Error | None:
        """Why it can't be acted upon: a change does not say what stays as it was, and what names no order could be
        about anybody's notice."""
        if self.purpose not in PURPOSES:
            told = "00 (new), 01 (cancelled) or 05 (replaced, said anew as a whole)"
            return self.fault(1, told, "04 (changed in part)" if self.purpose == "04" else self.purpose)
        if not self.orders:
            return X12Error(self.segment, "PRF01", "the number of an order of the notice", "none")
        return None


@dataclass(slots=True)
class _Level:
    opened: Segment
    code: str
    parent: _Level | None
    segments: list[Segment] = field(default_factory=list)

    def up(self) -> list[_Level]:
        """It and all that it stands in, from within."""
        return [self, *(self.parent.up() if self.parent else [])]

    def of(self, name: str, *qualifiers: str) -> list[Segment]:
        """Segments of a name, and of some qualifiers; those of the first qualifier first."""
        if not qualifiers:
            return [one for one in self.segments if one.name == name]
        return [one for code in qualifiers for one in self.segments if one.name == name and one.at(1) == code]

    def only(self, name: str, *qualifiers: str) -> Segment | None:
        found = self.of(name, *qualifiers)
        if len(found) > 1:
            raise found[1].fault(1, Said("{0} once in a level", f"{name}*{found[1].at(1)}"), "twice")
        return found[0] if found else None


def notice(one: Set) -> ShipNotice:
    """What a set says. Raises X12Error."""
    begin = one.begin("BSN")
    purpose = begin.must(1, "what the notice is for, such as 00")
    reference, day = begin.must(2, "the number of the notice"), day_of(begin, 3)
    orders = tuple(dict.fromkeys(each.at(1) for each in one.segments if each.name == "PRF" and each.at(1)))
    told = ShipNotice(one.control, reference, day, (), purpose=purpose, segment=begin.number, orders=orders)
    if purpose == CANCELLED or purpose not in PURPOSES:
        return told
    levels, total = _levels(one.segments[1:])
    shipment = levels[0] if levels else None
    if shipment is None or shipment.code != "S":
        where = shipment.opened if shipment else begin
        raise X12Error(where.number, where.name, "a shipment (HL with S) first", where.at(3) or "none")
    items = _items(levels)
    if not items:
        raise X12Error(shipment.opened.number, "HL", "at least one item (HL with I)", "none")
    if total is not None:
        _check_total(total, len(levels), items)
    dates = shipment.of("DTM", *ARRIVES)
    carrier, tracking, parcels = _carried(levels)
    return replace(
        told, expected_on=day_of(dates[0], 2) if dates else day, items=tuple(items), carrier=carrier, tracking=tracking,
        parcels=parcels,
    )  # fmt: skip


def _levels(segments: Sequence[Segment]) -> tuple[list[_Level], Segment | None]:
    """The levels in their order, each with its own segments; and CTT, where there is one."""
    levels: list[_Level] = []
    by: dict[str, _Level] = {}
    for place, one in enumerate(segments):
        if one.name == "CTT":
            if place + 1 < len(segments):
                raise X12Error(
                    segments[place + 1].number, segments[place + 1].name, "SE", segments[place + 1].name
                )
            return levels, one
        if one.name != "HL":
            if levels:
                levels[-1].segments.append(one)
            continue
        code, parent = one.at(3), by.get(one.at(2))
        if code not in INSIDE:
            raise one.fault(3, Said("one of {0}", ", ".join(INSIDE)))
        if one.must(1, "the number of the level") in by:
            raise one.fault(1, "a number of its own")
        if (parent is None) if INSIDE[code] else bool(levels or one.at(2)):
            raise one.fault(
                2, "the number of a level before it" if INSIDE[code] else "one shipment, in nothing"
            )
        if parent is not None and parent.code not in INSIDE[code]:
            raise one.fault(2, Said("a level of {0}", ", ".join(INSIDE[code])), parent.code)
        by[one.at(1)] = _Level(one, code, parent)
        levels.append(by[one.at(1)])
    return levels, None


def _items(levels: Sequence[_Level]) -> list[Item]:
    found = [(level, _order_of(level)) for level in levels if level.code == "I"]
    on: dict[str, set[str]] = {}
    for level, order in found:
        for each in level.up():
            if each.code == "T":
                on.setdefault(each.opened.at(1), set()).add(order)
    return [_item(level, order, {pallet for pallet, orders in on.items() if len(orders) == 1})
            for level, order in found]  # fmt: skip


def _order_of(level: _Level) -> str:
    for each in level.up():
        if each.code == "O":
            named = each.only("PRF")
            if named is None:
                raise X12Error(each.opened.number, "HL", "the order's number (PRF)", "none")
            return named.must(1, "the order's number")
    raise level.opened.fault(2, "an item within an order (O)", "no order above it")


def _item(level: _Level, order: str, pallets: set[str]) -> Item:
    named, sent = level.only("LIN"), level.only("SN1")
    if named is None or sent is None:
        missing = "LIN" if named is None else "SN1"
        raise X12Error(level.opened.number, "HL", Said("an item with {0}", missing), "none")
    numbers = [(named.at(place), named.at(place + 1)) for place in range(2, len(named.elements) + 1, 2)]
    codes = tuple(value for code, value in numbers if code in CODES and value)
    barcodes = tuple(value for code, value in numbers if code in BARCODES and value)
    vendor = next((value for code, value in numbers if code == "VN"), "")
    if not (codes or barcodes or vendor):
        raise named.fault(2, Said("goods by one of {0}", ", ".join((*CODES, *BARCODES, "VN"))))
    lot, expiry = level.only("REF", "LT"), level.only("DTM", "036")
    package, pallet = _packed(level, pallets)
    return Item(
        named.number, order, _units(sent), sent.must(3, "a unit of measure such as EA"), codes, barcodes, vendor,
        named.at(1), package, lot.must(2, "the lot") if lot else "", day_of(expiry, 2) if expiry else None,
        tuple(one.must(2, "the serial number") for one in level.of("REF", "SE")), pallet, sent.at(8) in REFUSED,
        sent.at(8) == REJECTED,
    )  # fmt: skip


def _packed(level: _Level, pallets: set[str]) -> tuple[str, str]:
    """The package of an item and the pallet that it stands on, '' where there is none or it bears no number. Goods that
    stand on a pallet in no package of a number are in the pallet itself, where all on it is of one order. Of pallets in
    one another it is the innermost."""
    marked: dict[str, tuple[str, str]] = {}
    for each in level.up():
        if each.code in "TP" and (number := each.only("MAN", "GM", "AA")):
            marked.setdefault(each.code, (_sscc(number), each.opened.at(1)))
    package, pallet = marked.get("P", ("", ""))[0], marked.get("T", ("", ""))
    if package and package != pallet[0]:
        return package, pallet[0]
    return (pallet[0] if pallet[1] in pallets else package), ""


def _sscc(marked: Segment) -> str:
    text = marked.must(2, "an SSCC")
    found = text[2:] if len(text) == 20 and text.startswith("00") else text
    if not is_sscc(found):
        raise marked.fault(2, "an SSCC, 18 digits with their check digit")
    if marked.at(3) and marked.at(3) != text:
        raise marked.fault(3, "one package, no range of them")
    return found


def _units(sent: Segment) -> int:
    """Of what is refused there may be none."""
    return units_of(sent, 2, least=0 if sent.at(8) in REFUSED else 1)


def units_of(one: Segment, place: int, *, least: int = 1) -> int:
    expected = Said("units, a whole number from {0} on", least)
    text = one.must(place, expected)
    whole = text.split(".")[0] if text.rstrip("0").endswith(".") else text
    if not whole.isascii() or not whole.isdigit() or len(whole) > 9 or int(whole) < least:
        raise one.fault(place, expected)
    return int(whole)


def day_of(one: Segment, place: int) -> date:
    text = one.at(place)
    try:
        if len(text) != 8 or not text.isdigit():
            raise ValueError
        return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}")
    except ValueError:
        raise one.fault(place, "a day as CCYYMMDD") from None


def _carried(levels: Sequence[_Level]) -> tuple[str, str, tuple[str, ...]]:
    """The carrier, his number of the shipment, and those of its parcels. Beside the shipment CN is his reference of the
    whole (a freight bill's number) and 2I a tracking number: parcels are the packages, or else the 2Is, or else the
    CNs; the whole is the CN, or else the 2I, or else its first parcel."""
    by = levels[0].of("TD5")
    carrier = (by[0].at(3) or by[0].at(5)) if by else ""
    wholes, tracked = _different(levels[0].of("REF", "CN")), _different(levels[0].of("REF", "2I"))
    packages = _different(one for level in levels for one in level.of("MAN", "CP", "2I"))
    whole = next(iter((*wholes, *tracked, *packages)), "")
    return carrier, whole, packages or tracked or wholes


def _different(numbered: Iterable[Segment]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(number for one in numbered if (number := one.at(2).strip())))


def _check_total(total: Segment, levels: int, items: Sequence[Item]) -> None:
    if total.at(1) not in (str(levels), str(len(items))):
        raise total.fault(1, Said("{0} levels or {1} items", levels, len(items)))
    units = sum(one.quantity for one in items)
    if total.at(2) and total.at(2) != str(units):
        raise total.fault(2, Said("{0}, the sum of units", units))
