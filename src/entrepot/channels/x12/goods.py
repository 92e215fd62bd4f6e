"""Which lines of our purchase orders, or of a drop-ship order, a ship notice speaks of. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.channels.x12.contract import NEW, PIECES
from entrepot.channels.x12.envelope import X12Error
from entrepot.channels.x12.parse import Item, ShipNotice
from entrepot.kernel.errors import Said
from entrepot.purchasing.confirming import NoticedLine
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
    """How many units of a line an item is; None where it is other goods. A case counts by the barcode that it bears."""
    asked = {_gtin(code) for code in item.barcodes}
    for barcode, units in one.cases:
        if _gtin(barcode) in asked:
            return units * item.quantity
    if (
        one.code in item.codes
        or (one.barcode and _gtin(one.barcode) in asked)
        or (not item.codes and not item.barcodes and one.code == item.vendor)
    ):
        if item.unit not in PIECES:
            expected = Said("single units ({0}), or the barcode of a case that we know", ", ".join(PIECES))
            raise X12Error(item.segment, "SN103", expected, item.unit)
        return item.quantity
    return None


def _gtin(text: str) -> str:
    return text.zfill(14)
