"""What a supplier answers to an order (855): what of it he sends, when, and at which price. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple

from entrepot.channels.x12.contract import NEW, PIECES, REPLACED
from entrepot.channels.x12.envelope import Segment, Set, X12Error
from entrepot.channels.x12.parse import BARCODES, CODES, Item, day_of, units_of
from entrepot.kernel.errors import Said

Rest = Literal["accepted", "refused", "unsaid"]

WHOLE: dict[str, Rest] = {
    "AC": "unsaid", "AD": "accepted", "AE": "accepted", "AK": "accepted", "AT": "accepted", "RD": "refused",
    "RF": "refused", "RJ": "refused",
}  # fmt: skip
"""What an answer (BAK02) says of the lines that it does not name."""

PURPOSES = (NEW, "04", REPLACED, "06", "44")
"""What an answer may be for (BAK01); one that takes an answer back says nothing instead of it."""

TAKEN = ("AA", "AC", "AR", "BP", "DR", "IA", "IB", "IC", "IE", "IP", "IQ", "SP")
"""What becomes of units (ACK01) that are sent: now, later (IB), on another day (DR), at another price (IP), …"""
BACKORDERED = ("IB", "SP")
"""Of these nobody knows whether they come, unless a day is said."""
LATER = (*BACKORDERED, "DR")
"""Of these nobody knows when they come, unless a day is said."""
LEFT_OUT = ("ID", "IR", "R1", "R2", "R3", "R4", "R5", "R6", "RJ")
"""What becomes of units that are not sent."""
HELD = ("IF", "IH", "IW")
"""Units of which the supplier has not decided yet."""

ARRIVES = ("069", "067", "017", "371", "072", "075", "070", "076", "002")
"""Days on which goods arrive, the surest first."""
LEAVES = ("079", "068", "011", "010")
"""Days on which they leave, the surest first."""
SILENT = ("001", "004", "061", "063")
"""Days that tell nothing of when they come: after which an order is cancelled or not taken any more, or of the order
itself."""
ECHOED, ECHOED_LATER = ("010",), ("010", "002")
"""Days of an item, before it is said what becomes of its units, that repeat what was asked for: the day of arrival is
none of them, but where the units come later than that."""


class Dates(NamedTuple):
    """What days are said of units: when they arrive, or when they leave, and kinds of days that are not read."""

    arrives: date | None = None
    leaves: date | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class AnsweredPart:
    """Pieces of an item that come, with their days, at `segment`. `is_open`: nobody knows when; `is_promised`: but they
    come. `is_single`: they are single units, though the item counts something else."""

    segment: int
    pieces: int
    dates: Dates
    is_open: bool = False
    is_single: bool = False
    is_promised: bool = True


@dataclass(frozen=True, slots=True)
class AnsweredItem:
    """An item of the order as it is answered: what comes of it, and of that what is `scheduled`; `is_held` where the
    supplier has not decided about all of it. `basis`: what its price is for ('': for one of its pieces)."""

    named: Item
    price: Decimal | None
    parts: tuple[AnsweredPart, ...]
    is_held: bool = False
    scheduled: tuple[AnsweredPart, ...] = ()
    basis: str = ""


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What one set says of an order, at `segment`: the supplier's number of it, what he says of the lines that he does
    not name, the items that he names, and the currency of their prices ('' where he says none)."""

    control: str
    reference: str
    order: str
    segment: int
    rest: Rest
    items: tuple[AnsweredItem, ...]
    currency: str = ""

    def fault(self, place: int, expected: str, found: str) -> X12Error:
        return X12Error(self.segment, f"BAK{place:02}", expected, found)


def order_answer(one: Set) -> OrderAnswer:
    """What a set says. Raises X12Error."""
    begin = one.begin("BAK")
    if begin.must(1, "what the answer is for, such as 00") not in PURPOSES:
        raise begin.fault(1, Said("one of {0}", ", ".join(PURPOSES)))
    if begin.must(2, "what the answer is, such as AC") not in WHOLE:
        raise begin.fault(2, Said("one of {0}", ", ".join(WHOLE)))
    order = begin.must(3, "the number of the order")
    items = tuple(_item(group, order) for group in _groups(one.segments[1:]))
    _check_total(one.segments, len(items))
    if WHOLE[begin.at(2)] == "unsaid" and not items:
        raise begin.fault(2, "items (PO1), as AC says details")
    currency = next((each.at(2) for each in one.segments if each.name == "CUR"), "")
    return OrderAnswer(
        one.control, begin.at(8) or begin.at(6), order, begin.number, WHOLE[begin.at(2)], items, currency
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
    parts, is_held = _acknowledged(group, named)
    scheduled = [_scheduled(one, named) for one in group if one.name == "SCH"] if parts else []
    return AnsweredItem(named, _price(group[0]), tuple(parts), is_held, tuple(scheduled), group[0].at(5))


def _scheduled(one: Segment, named: Item) -> AnsweredPart:
    dates = _dates([(one, 5), (one, 8)])
    return AnsweredPart(one.number, units_of(one, 1), dates, is_single=_is_single(one, 2, named))


def _is_single(one: Segment, place: int, named: Item) -> bool:
    """Whether a quantity is in single units, though its item counts something else; what is neither is refused."""
    unit = one.at(place)
    if not unit or unit == named.unit or (unit in PIECES and named.unit in PIECES):
        return False
    if unit not in PIECES:
        raise one.fault(
            place, Said("the unit of the item ({0}), or single units ({1})", named.unit, ", ".join(PIECES))
        )
    return True


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
    """What ACK says of the units of an item, each with the day of the dates behind it, or else those of the item; all
    of them as they were asked for, where it says nothing."""
    said = [(place, one) for place, one in enumerate(group) if one.name == "ACK"]
    parts: list[AnsweredPart] = []
    is_held = False
    left = _left_over([one for _, one in said], named)
    for place, one in said:
        status = one.must(1, "what becomes of the item, such as IA")
        if status in HELD:
            is_held = True
        elif status in TAKEN:
            parts.append(_part(one, group, place, named, left))
        elif status not in LEFT_OUT:
            raise one.fault(1, "goods as they were ordered; agree on others by changing the order")
    whole = AnsweredPart(group[0].number, named.quantity, _of_item(group, ECHOED))
    return (parts, is_held) if said else ([whole], False)


def _left_over(said: Sequence[Segment], named: Item) -> int:
    """Pieces of an item that are meant where it is not said how many: those that the others leave over."""
    silent = [one for one in said if not one.at(2)]
    if len(said) < 2 or not silent:
        return named.quantity
    told = [one for one in said if one.at(2)]
    # How many single units a piece is of is not known yet.
    is_mixed = any(_is_single(one, 3, named) for one in told)
    left = 0 if is_mixed else named.quantity - sum(units_of(one, 2, least=0) for one in told)
    if left < 1 or len(silent) > 1:
        raise silent[-1].fault(2, "how many units, as the other ACK of the item leave none over")
    return left


def _part(one: Segment, group: Sequence[Segment], place: int, named: Item, left: int) -> AnsweredPart:
    is_later = one.at(1) in LATER
    dates = _best(
        _dates([(one, 4)]),
        _dates(_dtm(group[place + 1 :])),
        _of_item(group, ECHOED_LATER if is_later else ECHOED),
    )
    pieces = units_of(one, 2) if one.at(2) else left
    is_open = is_later and not (dates.arrives or dates.leaves)
    is_single = bool(one.at(2)) and _is_single(one, 3, named)
    return AnsweredPart(one.number, pieces, dates, is_open, is_single, one.at(1) not in BACKORDERED)


def _dtm(behind: Sequence[Segment]) -> list[tuple[Segment, int]]:
    found = []
    for each in behind:
        if each.name != "DTM":
            break
        found.append((each, 1))
    return found


def _of_item(group: Sequence[Segment], echoed: Collection[str]) -> Dates:
    """The days of an item itself, before it is said what becomes of its units."""
    found: list[tuple[Segment, int]] = []
    for each in group:
        if each.name in ("ACK", "SCH"):
            break
        if each.name == "DTM" and each.at(1) not in echoed:
            found.append((each, 1))
    return _dates(found)


def _dates(said: Iterable[tuple[Segment, int]]) -> Dates:
    """The days that segments say, each behind the place of its kind."""
    found: dict[str, date] = {}
    unread: list[str] = []
    for one, place in said:
        kind = one.at(place)
        if kind in ARRIVES or kind in LEAVES:
            found[kind] = day_of(one, place + 1)
        elif kind not in SILENT and one.at(place + 1):
            unread.append(kind or "?")
    arrives = next((found[kind] for kind in ARRIVES if kind in found), None)
    leaves = next((found[kind] for kind in LEAVES if kind in found), None)
    return Dates(arrives, leaves, ", ".join(unread))


def _best(*said: Dates) -> Dates:
    """Of the days that are said at several places the first that tells when goods arrive, or else when they leave."""
    for one in said:
        if one.arrives:
            return one
    return next((one for one in said if one.leaves), None) or next(
        (one for one in said if one.unread), Dates()
    )


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
