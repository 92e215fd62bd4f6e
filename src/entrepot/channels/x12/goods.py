"""Which lines of our purchase orders, or of a drop-ship order, a ship notice or an answer speaks of. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from entrepot.channels.x12.contract import NEW, PIECES
from entrepot.channels.x12.envelope import X12Error
from entrepot.channels.x12.order_answer import AnsweredItem, AnsweredPart, OrderAnswer
from entrepot.channels.x12.parse import Item, ShipNotice
from entrepot.kernel.errors import Said
from entrepot.purchasing.confirming import ConfirmedLine, NoticedLine
from entrepot.purchasing.drop_ship import Units


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line of a purchase order, with the barcodes of its SKU and, by units, of the SKU's cases and pallets."""

    order: UUID
    supplier: UUID
    number: int
    line: UUID
    code: str
    barcode: str
    to_come: int
    cases: tuple[tuple[str, int], ...] = ()
    is_drop_ship: bool = False
    """It goes to a customer, and is told when it has left."""
    received: int = 0
    wanted_on: date | None = None
    unit_cost: Decimal = Decimal(0)
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer says of an order: units of its lines by day, also of those that it does not name, and what else of
    it differs. Of a drop-ship order it is `refused`, by the numbers of lines, and due on `due_on`."""

    order: UUID
    lines: tuple[ConfirmedLine, ...]
    notes: tuple[str, ...] = ()
    is_drop_ship: bool = False
    refused: tuple[Units, ...] = ()
    due_on: date | None = None

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class ToCustomer:
    """What a notice says of a drop-ship order, by the numbers of its lines: units sent, and those of which no more will
    be."""

    drop_ship: UUID
    sent: tuple[Units, ...]
    refused: tuple[int, ...]


def to_customer(said: ShipNotice, orders: Mapping[str, Sequence[Wanted]]) -> ToCustomer | None:
    """What a notice says of a drop-ship order; None where it is of none. Raises X12Error where that can't be taken:
    what left for a customer is neither replaced nor cancelled, and each order has a notice of its own."""
    named = {name for name in said.orders if any(one.is_drop_ship for one in orders.get(name, ()))}
    if not named:
        return None
    if len(said.orders) > 1:
        raise X12Error(said.segment, "PRF01", "one drop-ship order by itself", ", ".join(said.orders))
    if said.purpose != NEW:
        raise said.fault(1, "00 (new) of what has left for a customer", said.purpose)
    wanted = orders[said.orders[0]]
    left = {one.line: one.to_come for one in wanted}
    sent: Counter[int] = Counter()
    refused: dict[int, None] = {}
    for item in said.items:
        line, units = _line(item, wanted, left)
        if not item.is_rejected:
            left[line.line] -= units
            sent[line.number] += units
        if item.is_refused:
            refused[line.number] = None
    told = tuple((number, units) for number, units in sent.items() if units)
    return ToCustomer(wanted[0].order, told, tuple(refused))


def lines(items: Sequence[Item], orders: Mapping[str, Sequence[Wanted]]) -> list[NoticedLine]:
    """The items as units of order lines. Raises X12Error where an order or its goods are not known."""
    left = {one.line: one.to_come for wanted in orders.values() for one in wanted}
    found = []
    for item in items:
        if not (wanted := orders.get(item.order)):
            raise X12Error(item.segment, "PRF01", "the number of a purchase order of ours", item.order)
        if item.is_refused:
            raise X12Error(item.segment, "SN108", "goods that come; close the rest of the order", "refused")
        line, units = _line(item, wanted, left)
        left[line.line] -= units
        found.append(
            NoticedLine(
                line.order, line.line, units, item.sscc, item.lot, item.expires_on, item.serials, item.pallet
            )
        )
    return found


def answered(said: OrderAnswer, orders: Mapping[str, Sequence[Wanted]], today: date) -> Answered:
    """An answer as units of order lines by day. Raises X12Error where the order or its goods are not known. What has no
    day comes on the day that was asked for, or `today` where none was; a line of which some is put off to a day that is
    not said stays as it was, with a note."""
    wanted = orders.get(said.order)
    if not wanted:
        raise said.fault(3, "the number of a purchase order of ours", said.order)
    days: dict[UUID, Counter[date]] = {}
    notes: list[str] = []
    held: set[UUID] = set()
    put_off: set[UUID] = set()
    for item in said.items:
        line, per_piece = _answered_line(item, wanted, days)
        of_line = days.setdefault(line.line, Counter())
        if item.is_held:
            held.add(line.line)
        for part in _parts(item, per_piece):
            # Whoever sends to a customer does not refuse what he has only put off.
            if not part.is_open or (line.is_drop_ship and part.is_promised):
                of_line[_day(part, line, today)] += part.pieces
                notes += _day_notes(part, line)
            elif part.is_promised:
                put_off.add(line.line)
                notes.append(
                    Said("line {0}: {1} units on another day, which is not said", line.number, part.pieces)
                )
        if _is_comparable(said, line):
            notes += _price_notes(item, line, per_piece)
    if any(item.price is not None for item in said.items) and not _is_comparable(said, wanted[0]):
        notes.append(Said("prices in {0} instead of {1}", said.currency, wanted[0].currency))
    for line in wanted:
        if line.line not in days and said.rest != "unsaid":
            asked = 0 if said.rest == "refused" else line.received + line.to_come
            days[line.line] = Counter({line.wanted_on or today: max(asked, line.received)})
    # Of what is promised without a day nothing is taken off, and nothing is known better than before.
    told = {which: of_line for which, of_line in days.items() if which not in held | put_off}
    if not told and not put_off:
        raise said.fault(2, "an answer that decides about some line", "none that does")
    if wanted[0].is_drop_ship:
        return _to_customer(wanted, told)
    lines = tuple(
        ConfirmedLine(line.line, units, day) for line in wanted for day, units in _by_day(line, told, today)
    )
    return Answered(wanted[0].order, lines, tuple(notes))


def _parts(item: AnsweredItem, per_piece: int) -> list[AnsweredPart]:
    """What comes of an item, in single units: by its schedule, and what that leaves over as it was acknowledged."""
    parts, scheduled = (
        [one if one.is_single else replace(one, pieces=one.pieces * per_piece, is_single=True) for one in of]
        for of in (item.parts, item.scheduled)
    )
    taken, days = (sum(one.pieces for one in of) for of in (parts, scheduled))
    if scheduled and days > taken:
        expected = Said("{0} units on all days at most, as ACK says", taken)
        raise X12Error(scheduled[0].segment, "SCH01", expected, str(days))
    left = [one.pieces for one in parts]
    for each in scheduled:
        units = each.pieces
        for place in sorted(range(len(parts)), key=lambda place: _unlike(parts[place], each)):
            share = min(units, left[place])
            left[place], units = left[place] - share, units - share
    rest = [replace(one, pieces=units) for one, units in zip(parts, left, strict=True) if units]
    return [*scheduled, *rest]


def _unlike(part: AnsweredPart, scheduled: AnsweredPart) -> tuple[bool, bool]:
    """Which units a day of a schedule is of, the likeliest first: those of that day, those of none, others."""
    return part.dates != scheduled.dates, bool(part.dates.arrives or part.dates.leaves)


def _day(part: AnsweredPart, line: Wanted, today: date) -> date:
    """The day on which units are counted on. How long they are under way is not known: where it is said when they leave
    they come as they were asked for, and not before that. To a customer they have only to leave."""
    arrives, leaves, _ = part.dates
    if line.is_drop_ship:
        return leaves or arrives or line.wanted_on or today
    return arrives or max(line.wanted_on or leaves or today, leaves or date.min)


def _day_notes(part: AnsweredPart, line: Wanted) -> list[str]:
    """What a person has to find out of when units come."""
    arrives, leaves, unread = part.dates
    if arrives or line.is_drop_ship:
        return []
    if leaves:
        told = "line {0}: {1} units leave on {2}, and when they arrive is not said"
        return [Said(told, line.number, part.pieces, leaves)]
    if unread:
        told = "line {0}: {1} units with a day of a kind that is not read ({2})"
        return [Said(told, line.number, part.pieces, unread)]
    return []


EACH = ("PE", "EA")
"""What a price is for (PO105) where it is for a single unit; '' is for one piece of the item, others, as for a
hundred (HP), are not compared."""


def _is_comparable(said: OrderAnswer, line: Wanted) -> bool:
    """Whether prices are in the currency of the order. Those to a customer's order are not compared."""
    return line.is_drop_ship or not said.currency or not line.currency or said.currency == line.currency


def _price_notes(item: AnsweredItem, line: Wanted, per_piece: int) -> list[str]:
    """Another price than that of the order. 'Each' is a single unit to some, and a case where cases are sold to
    others."""
    piece = line.unit_cost * per_piece
    is_other = item.price != piece and not (item.basis in EACH and item.price == line.unit_cost)
    if line.is_drop_ship or item.price is None or item.basis not in ("", *EACH) or not is_other:
        return []
    if per_piece == 1:
        return [Said("line {0}: {1} a unit instead of {2}", line.number, item.price, line.unit_cost)]
    return [Said("line {0}: {1} for {2} units instead of {3}", line.number, item.price, per_piece, piece)]


def _by_day(line: Wanted, told: Mapping[UUID, Counter[date]], today: date) -> list[tuple[date, int]]:
    """Units of a line by day; none on one day, where none of it comes. What came already is not taken back."""
    if line.line not in told:
        return []
    found = sorted((day, units) for day, units in told[line.line].items() if units)
    if not found or sum(units for _, units in found) < line.received:
        return [(line.wanted_on or today, line.received)]
    return found


def _to_customer(wanted: Sequence[Wanted], told: Mapping[UUID, Counter[date]]) -> Answered:
    """What is not sent of a drop-ship order is refused; what is comes by the last day that is said."""
    lines = tuple(
        ConfirmedLine(line.line, units, day)
        for line in wanted
        for day, units in sorted(told.get(line.line, {}).items())
        if units
    )
    sent = Counter[UUID]()
    for line in lines:
        sent[line.line] += line.quantity
    refused = tuple(
        (line.number, line.to_come - sent[line.line])
        for line in wanted
        if line.line in told and sent[line.line] < line.to_come
    )
    due_on = max((line.expected_on for line in lines), default=None)
    return Answered(wanted[0].order, lines, is_drop_ship=True, refused=refused, due_on=due_on)


def _answered_line(
    item: AnsweredItem, wanted: Sequence[Wanted], named: Mapping[UUID, Counter[date]]
) -> tuple[Wanted, int]:
    """The order line of an item, and how many units one of it is: the line of the same number where it is of these
    goods, or else the first of these goods that was not named; by its number alone where nothing names the goods."""
    of, names = item.named, bool(item.named.codes or item.named.barcodes)
    fitting = [(one, per) for one in wanted if (per := _per_piece(of, one)) is not None]
    same = [(one, 1) for one in wanted if str(one.number) == of.line and of.unit in PIECES]
    if not fitting and same and not names:
        fitting = same
    if not fitting:
        told = ", ".join((*of.codes, *of.barcodes, of.vendor, of.line)).strip(", ")
        raise X12Error(of.segment, "PO1", Said("goods of {0}", of.order), told)
    fitting.sort(key=lambda pair: (str(pair[0].number) != of.line, pair[0].line in named, pair[0].number))
    return fitting[0]


def _line(item: Item, wanted: Sequence[Wanted], left: Mapping[UUID, int]) -> tuple[Wanted, int]:
    """The order line and the units: of several with the same goods that of the same number, or else the first that
    still waits for as many."""
    fitting = [(one, units) for one in wanted if (units := _units(item, one)) is not None]
    if not fitting:
        named = ", ".join((*item.codes, *item.barcodes, item.vendor)).strip(", ")
        raise X12Error(item.segment, "LIN", Said("goods of {0}", item.order), named)
    fitting.sort(
        key=lambda pair: (left[pair[0].line] < pair[1], str(pair[0].number) != item.line, pair[0].number)
    )
    line, units = fitting[0]
    return line, units


def _units(item: Item, one: Wanted) -> int | None:
    """How many units of a line an item is; None where it is other goods."""
    per_piece = _per_piece(item, one)
    return None if per_piece is None else per_piece * item.quantity


def _per_piece(item: Item, one: Wanted) -> int | None:
    """How many units of a line one piece of an item is. A case counts by the barcode that it bears."""
    asked = {_gtin(code) for code in item.barcodes}
    for barcode, units in one.cases:
        if _gtin(barcode) in asked:
            return units
    if (
        one.code in item.codes
        or (one.barcode and _gtin(one.barcode) in asked)
        or (not item.codes and not item.barcodes and one.code == item.vendor)
    ):
        if item.unit not in PIECES:
            expected = Said("single units ({0}), or the barcode of a case that we know", ", ".join(PIECES))
            raise X12Error(item.segment, "SN103", expected, item.unit)
        return 1
    return None


def _gtin(text: str) -> str:
    return text.zfill(14)
