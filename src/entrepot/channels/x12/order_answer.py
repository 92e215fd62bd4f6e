"""What a supplier answers to an order (855): what of it he sends, when, and at which price. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from entrepot.channels.x12.contract import ANSWER, NEW
from entrepot.channels.x12.envelope import Segment, Set, X12Error
from entrepot.channels.x12.parse import BARCODES, CODES, Item, day_of, units_of
from entrepot.kernel.errors import Said

Rest = Literal["accepted", "refused", "unsaid"]

WHOLE: dict[str, Rest] = {
    "AC": "unsaid", "AD": "accepted", "AE": "accepted", "AK": "accepted", "AT": "accepted", "RD": "refused",
    "RF": "refused", "RJ": "refused",
}  # fmt: skip
"""What an answer (BAK02) says of the lines that it does not name."""

PURPOSES = (NEW, "04", "05", "06", "44")
"""What an answer may be for (BAK01); one that takes an answer back says nothing instead of it."""

TAKEN = ("AA", "AC", "AR", "BP", "DR", "IA", "IB", "IC", "IE", "IP", "IQ", "SP")
"""What becomes of units (ACK01) that are sent: now, later (IB), on another day (DR), at another price (IP), …"""
LATER = ("IB", "SP")
"""Of these nobody knows when they come, unless a day is said."""
LEFT_OUT = ("ID", "IR", "R1", "R2", "R3", "R4", "R5", "R6", "RJ")
"""What becomes of units that are not sent."""
HELD = ("IF", "IH", "IW")
"""Units of which the supplier has not decided yet."""

COMES = ("069", "067", "017", "002", "079", "068", "010")
"""Days by what they tell of the arrival, the best first; the last three are those on which it leaves."""


@dataclass(frozen=True, slots=True)
class AnsweredPart:
    """Units of an item that come, on a day where one is said. `is_open`: nobody knows when."""

    units: int
    day: date | None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class AnsweredItem:
    """An item of the order as it is answered; `is_held` where the supplier has not decided about all of it."""

    named: Item
    price: Decimal | None
    parts: tuple[AnsweredPart, ...]
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What one set says of an order, at `segment`: the supplier's number of it, what he says of the lines that he does
    not name, and the items that he names."""

    control: str
    reference: str
    order: str
    segment: int
    rest: Rest
    items: tuple[AnsweredItem, ...]

    def fault(self, place: int, expected: str, found: str) -> X12Error:
        return X12Error(self.segment, f"BAK{place:02}", expected, found)


def order_answer(one: Set) -> OrderAnswer:
    """What a set says. Raises X12Error."""
    if one.kind != ANSWER:
        raise one.opened.fault(1, "855, an answer to an order")
    begin = one.segments[0] if one.segments else Segment(one.opened.number + 1, "end", ())
    if begin.name != "BAK":
        raise X12Error(begin.number, begin.name, "BAK", begin.name)
    if begin.must(1, "what the answer is for, such as 00") not in PURPOSES:
        raise begin.fault(1, Said("one of {0}", ", ".join(PURPOSES)))
    if begin.must(2, "what the answer is, such as AC") not in WHOLE:
        raise begin.fault(2, Said("one of {0}", ", ".join(WHOLE)))
    order = begin.must(3, "the number of the order")
    items = tuple(_item(group, order) for group in _groups(one.segments[1:]))
    _check_total(one.segments, len(items))
    if WHOLE[begin.at(2)] == "unsaid" and not items:
        raise begin.fault(2, "items (PO1), as AC says details")
    return OrderAnswer(
        one.control, begin.at(8) or begin.at(6), order, begin.number, WHOLE[begin.at(2)], items
    )


def _groups(segments: Sequence[Segment]) -> list[list[Segment]]:
    """The segments of each item, up to the end of the items."""
    found: list[list[Segment]] = []
    for one in segments:
        if one.name == "PO1":
            found.append([])
        if one.name == "CTT":
            break
        if found:
            found[-1].append(one)
    return found


def _check_total(segments: Sequence[Segment], items: int) -> None:
    for one in segments:
        if one.name == "CTT" and one.at(1) != str(items):
            raise one.fault(1, Said("{0}, the number of items", items))


def _item(group: Sequence[Segment], order: str) -> AnsweredItem:
    named = _named(group[0], order)
    scheduled = [AnsweredPart(units_of(one, 1), _day(one, 5, 6)) for one in group if one.name == "SCH"]
    parts, is_held = _acknowledged(group, named)
    if scheduled and parts:
        _fits(group, scheduled, parts)
        parts = scheduled
    return AnsweredItem(named, _price(group[0]), tuple(parts), is_held)


def _fits(group: Sequence[Segment], scheduled: Sequence[AnsweredPart], parts: Sequence[AnsweredPart]) -> None:
    days, taken = sum(one.units for one in scheduled), sum(one.units for one in parts)
    if days > taken:
        first = next(one for one in group if one.name == "SCH")
        raise first.fault(1, Said("{0} units on all days at most, as ACK says", taken), days)


def _named(first: Segment, order: str) -> Item:
    numbers = [(first.at(place), first.at(place + 1)) for place in range(6, len(first.elements) + 1, 2)]
    codes = tuple(value for code, value in numbers if code in CODES and value)
    barcodes = tuple(value for code, value in numbers if code in BARCODES and value)
    vendor = next((value for code, value in numbers if code == "VN"), "")
    if not (codes or barcodes or vendor or first.at(1)):
        raise first.fault(
            1, Said("our number of the line, or goods by one of {0}", ", ".join((*CODES, *BARCODES)))
        )
    unit = first.must(3, "a unit of measure such as EA")
    return Item(first.number, order, units_of(first, 2, least=0), unit, codes, barcodes, vendor, first.at(1))


def _acknowledged(group: Sequence[Segment], named: Item) -> tuple[list[AnsweredPart], bool]:
    """What ACK says of the units of an item, each with the day of the dates behind it; all of them as they were asked
    for, where it says nothing."""
    parts: list[AnsweredPart] = []
    is_held, said = False, False
    for place, one in enumerate(group):
        if one.name != "ACK":
            continue
        said, status = True, one.must(1, "what becomes of the item, such as IA")
        if status in HELD:
            is_held = True
        elif status in TAKEN:
            parts.append(_part(one, group[place + 1 :], named))
        elif status not in LEFT_OUT:
            raise one.fault(1, "goods as they were ordered; agree on others by changing the order")
    return (parts, is_held) if said else ([AnsweredPart(named.quantity, None)], False)


def _part(one: Segment, behind: Sequence[Segment], named: Item) -> AnsweredPart:
    day = _day(one, 4, 5)
    dates: dict[str, date] = {}
    for each in behind:
        if each.name != "DTM":
            break
        if each.at(1) in COMES:
            dates[each.at(1)] = day_of(each, 2)
    day = day or next((dates[code] for code in COMES if code in dates), None)
    units = units_of(one, 2) if one.at(2) else named.quantity
    return AnsweredPart(units, day, day is None and one.at(1) in LATER)


def _day(one: Segment, qualifier: int, place: int) -> date | None:
    """A day that tells when goods come; of others, as of one after which they are cancelled, nothing is read."""
    return day_of(one, place) if one.at(qualifier) in COMES else None


def _price(first: Segment) -> Decimal | None:
    if not first.at(4):
        return None
    try:
        found = Decimal(first.at(4))
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or found < 0:
        raise first.fault(4, "a price, 0 or more")
    return found
