"""What a purchase order must say, and what a receipt takes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.money import extend
from entrepot.purchasing.errors import ExceedsOrdered, LotNeeded

QUANTITY_MAX = 2_147_483_647


class OrderedLine(NamedTuple):
    """Units of a SKU at a unit cost, as asked for."""

    sku: UUID
    quantity: int
    unit_cost: Decimal


class ReceivedLine(NamedTuple):
    """Units of an order line, by the line's id, as counted."""

    line: UUID
    quantity: int
    lot: str = ""
    expires_on: date | None = None


@dataclass(slots=True)
class Line:
    """An order line as it was found; `received` moves on while a batch is decided."""

    id: UUID
    number: int
    sku: UUID
    quantity: int
    received: int
    unit_cost: Decimal
    lot_policy: str = "none"


class Part(NamedTuple):
    """What a receipt takes of a line, with its value in minor units."""

    line: UUID
    sku: UUID
    quantity: int
    value_minor: int
    lot: str
    expires_on: date | None


def misfit(lines: Sequence[OrderedLine], skus: Mapping[UUID, str]) -> Refused | None:
    """Why an order can't be taken: no lines, a SKU the company does not have, no units, a negative cost."""
    if not lines:
        return Invalid(field="lines", expected="at least one", found="none")
    for number, line in enumerate(lines, 1):
        if line.sku not in skus:
            return NotFound(what="SKU", which=str(line.sku))
        if not 0 < line.quantity <= QUANTITY_MAX:
            return Invalid(field=f"quantity of line {number}", expected="units", found=line.quantity)
        if not line.unit_cost.is_finite() or line.unit_cost < 0:
            return Invalid(field=f"cost of line {number}", expected="zero or more", found=str(line.unit_cost))
    return None


def plan_receipt(
    lines: Mapping[UUID, Line], counted: Sequence[ReceivedLine] | None, currency: str
) -> list[Part] | Refused:
    """The parts of a receipt; `counted` None takes all that is still to come. Changes nothing where it refuses."""
    if counted is None:
        counted = [ReceivedLine(one.id, one.quantity - one.received) for one in in_order(lines.values())]
        counted = [one for one in counted if one.quantity]
    if not counted:
        return Invalid(field="lines", expected="something received", found="nothing")
    left = {
        one.line: lines[one.line].quantity - lines[one.line].received for one in counted if one.line in lines
    }
    for one in counted:
        line = lines.get(one.line)
        if line is None:
            return NotFound(what="line of this order", which=str(one.line))
        if one.quantity < 1:
            return Invalid(field=f"quantity of line {line.number}", expected="1 or more", found=one.quantity)
        if one.quantity > left[one.line]:
            return ExceedsOrdered(line=line.number, left=left[one.line], wanted=one.quantity)
        if refusal := _lot_refusal(line, one):
            return refusal
        left[one.line] -= one.quantity
    return [take(lines[one.line], one, currency) for one in counted]


def take(line: Line, one: ReceivedLine, currency: str) -> Part:
    """Receive units of a line. Its value is what all units so far are worth, less what those before were worth.

    So the parts of a line sum to the rounded value of the whole, in whatever portions it comes.
    """
    before, line.received = line.received, line.received + one.quantity
    value = extend(line.received, line.unit_cost, currency) - extend(before, line.unit_cost, currency)
    return Part(line.id, line.sku, one.quantity, value, one.lot, one.expires_on)


def progress(lines: Iterable[Line]) -> str:
    """The event of the order's life that a receipt makes."""
    return "receive_part" if any(line.received < line.quantity for line in lines) else "receive_rest"


def in_order(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.number)


def _lot_refusal(line: Line, one: ReceivedLine) -> Refused | None:
    lacks_date = line.lot_policy == "lot_expiry" and one.expires_on is None
    if line.lot_policy == "none" or (one.lot and not lacks_date):
        return None
    also = " and when it expires" if line.lot_policy == "lot_expiry" else ""
    return LotNeeded(sku=str(line.sku), policy=line.lot_policy, line=line.number, also=also)
