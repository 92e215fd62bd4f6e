"""What a purchase order must say, and what a receipt takes of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.money import at_rate, extend
from entrepot.languages import LANGUAGES
from entrepot.purchasing.errors import ExceedsOrdered, LotNeeded, SerialSeen
from entrepot.purchasing.receiving import Receiving, misfit_arrival, misfit_expiry

QUANTITY_MAX = 2_147_483_647


class OrderedLine(NamedTuple):
    """Units of a SKU at a unit cost, as asked for."""

    sku: UUID
    quantity: int
    unit_cost: Decimal


class ChangedLine(NamedTuple):
    """What an order line, by its id, asks for from now on: units in all, at a cost, wanted on a day; None as before."""

    line: UUID
    quantity: int | None = None
    unit_cost: Decimal | None = None
    wanted_on: date | None = None


class ReceivedLine(NamedTuple):
    """Units of an order line, by the line's id, as counted."""

    line: UUID
    quantity: int
    lot: str = ""
    expires_on: date | None = None
    status: str = "sellable"
    note: str = ""
    serials: tuple[str, ...] = ()
    sscc: str = ""
    pallet: str = ""


@dataclass(slots=True)
class Line:
    """An order line as it was found; `received`, `over` and `short` move on while a batch is decided."""

    id: UUID
    number: int
    sku: UUID
    quantity: int
    received: int
    unit_cost: Decimal
    lot_policy: str = "none"
    sku_code: str = ""
    category: str = ""
    over: int = 0
    short: int = 0
    confirmed: int | None = None
    given_up_by: str = ""

    @property
    def may_come_late(self) -> bool:
        """Whether nothing is expected any more though units lack, and no person said so."""
        return self.short > 0 and not self.given_up_by and self.received < self.quantity

    @property
    def to_come(self) -> int:
        """Units of the order that have not come and were not given up."""
        return max(0, self.quantity - self.received - self.short)

    @property
    def expected(self) -> int:
        """Units that are to be counted on: not what the supplier has not confirmed."""
        if self.confirmed is None:
            return self.to_come
        return max(0, min(self.quantity - self.short, self.confirmed) - self.received)


class Part(NamedTuple):
    """What a receipt takes of a line, with its value in minor units."""

    line: UUID
    sku: UUID
    quantity: int
    value_minor: int
    lot: str
    expires_on: date | None
    status: str = "sellable"
    note: str = ""
    serials: tuple[str, ...] = ()
    sscc: str = ""
    pallet: str = ""


def misfit(lines: Sequence[OrderedLine], skus: Mapping[UUID, str]) -> Refused | None:
    """Why an order can't be taken: no lines, a SKU the company does not have, no units, a negative cost."""
    if not lines:
        return Invalid(field="lines", expected="at least one", found="none")
    for number, line in enumerate(lines, 1):
        if line.sku not in skus:
            return NotFound(what="SKU", which=str(line.sku))
        if not 0 < line.quantity <= QUANTITY_MAX:
            return Invalid(field=Said("quantity of line {0}", number), expected="units", found=line.quantity)
        if not line.unit_cost.is_finite() or line.unit_cost < 0:
            return Invalid(
                field=Said("cost of line {0}", number), expected="zero or more", found=str(line.unit_cost)
            )
    return None


def misfit_change(
    changed: Sequence[ChangedLine],
    added: Sequence[OrderedLine],
    lines: Mapping[UUID, Line],
    skus: Mapping[UUID, str],
) -> Refused | None:
    """Why an order can't be changed so: nothing changes, a line is of another order or named twice, or more came."""
    if not changed and not added:
        return Invalid(field="lines", expected="lines with other units, or new ones", found="none")
    seen: set[UUID] = set()
    for one in changed:
        line = lines.get(one.line)
        if line is None:
            return NotFound(what="line of this order", which=str(one.line))
        if one.line in seen:
            return Invalid(field=Said("line {0}", line.number), expected="each line once", found="twice")
        if refusal := _misfit_otherwise(line, one):
            return refusal
        seen.add(one.line)
    return misfit(added, skus) if added else None


def _misfit_otherwise(line: Line, one: ChangedLine) -> Refused | None:
    """Why a line can't ask for that: nothing changes, fewer units than came, a cost of what came already."""
    if one.quantity is one.unit_cost is one.wanted_on is None:
        return Invalid(
            field=Said("line {0}", line.number), expected="other units, another cost or day", found="nothing"
        )
    if one.quantity is not None and not max(1, line.received) <= one.quantity <= QUANTITY_MAX:
        expected = Said("{0} or more, which came already", line.received) if line.received else "units"
        return Invalid(field=Said("quantity of line {0}", line.number), expected=expected, found=one.quantity)
    if one.unit_cost is None or one.unit_cost == line.unit_cost:
        return None
    if not one.unit_cost.is_finite() or one.unit_cost < 0:
        return Invalid(
            field=Said("cost of line {0}", line.number), expected="zero or more", found=str(one.unit_cost)
        )
    if line.received:
        expected = "that of what came already: give up the rest, and add a line at the other cost"
        return Invalid(
            field=Said("cost of line {0}", line.number), expected=expected, found=str(one.unit_cost)
        )
    return None


def differs(line: Line, wanted_on: date | None, one: ChangedLine) -> bool:
    """Whether a change asks for anything that a line, wanted on a day, does not ask for already."""
    return (
        (one.quantity is not None and (one.quantity != line.quantity or line.short > 0))
        or (one.unit_cost is not None and one.unit_cost != line.unit_cost)
        or (one.wanted_on is not None and one.wanted_on != wanted_on)
    )


def ask_otherwise(line: Line, one: ChangedLine) -> None:
    """Ask for a line otherwise: what the supplier confirmed of it counts no more; nor does what was given up of it,
    where it is said how many units it asks for."""
    line.confirmed = None
    if one.quantity is not None:
        line.quantity, line.over, line.short, line.given_up_by = one.quantity, 0, 0, ""
    if one.unit_cost is not None:
        line.unit_cost = one.unit_cost


def plan_receipt(
    lines: Mapping[UUID, Line],
    counted: Sequence[ReceivedLine] | None,
    currency: str,
    policy: Receiving = Receiving(),  # noqa: B008  frozen
    today: date | None = None,
    *,
    is_over: bool = False,
) -> list[Part] | Refused:
    """The parts of a receipt; `counted` None takes all that is still to come. Changes nothing where it refuses.

    `is_over`: of an order of which nothing is expected any more. What comes late of a line makes no more of it
    expected, whatever the policy gives up today.
    """
    if counted is None:
        counted = [ReceivedLine(one.id, one.to_come) for one in in_order(lines.values())]
        counted = [one for one in counted if one.quantity]
    if not counted:
        return Invalid(field="lines", expected="something received", found="nothing")
    taken: dict[UUID, int] = {}
    for one in counted:
        line = lines.get(one.line)
        if line is None:
            return NotFound(what="line of this order", which=str(one.line))
        if refusal := _misfit(line, one, taken.get(one.line, 0), policy, today):
            return refusal
        taken[one.line] = taken.get(one.line, 0) + one.quantity
    if refusal := _twice([serial for one in counted for serial in one.serials]):
        return refusal
    kept = {which: given_up_for_good(lines[which]) for which in taken}
    parts = [take(lines[one.line], one, currency) for one in counted]
    for which in taken:
        line = lines[which]
        lacking = max(0, line.quantity - line.received)
        line.short = kept[which] or (lacking if is_over else policy.given_up(line.quantity, line.received))
        line.over = max(0, line.received + line.short - line.quantity)
    return parts


def given_up_for_good(line: Line) -> int:
    """Units of a line that a person gave up. What the policy gives up by itself is taken if it comes after all."""
    return line.short if line.given_up_by else 0


def come_late(lines: Mapping[UUID, Line], counted: Sequence[ReceivedLine] | None) -> bool:
    """Whether all that was counted is of lines of which something may come after all, though the order is over."""
    return bool(counted) and all(one.line in lines and lines[one.line].may_come_late for one in counted or ())


def _misfit(
    line: Line, one: ReceivedLine, taken: int, policy: Receiving, today: date | None
) -> Refused | None:
    """Why units of a line are not taken, of which `taken` came with the same delivery."""
    if one.quantity < 1:
        return Invalid(
            field=Said("quantity of line {0}", line.number), expected="1 or more", found=one.quantity
        )
    left = line.quantity - given_up_for_good(line) - line.received - taken
    tolerance = policy.over(line.quantity)
    if one.quantity > left + tolerance:
        rest = tolerance + min(0, left)
        return ExceedsOrdered(line=line.number, left=max(0, left), tolerance=rest, wanted=one.quantity)
    return (
        _lot_refusal(line, one)
        or misfit_arrival(one.status, one.note, one.serials, one.quantity, line.number)
        or (misfit_expiry(line.sku_code, one.lot, one.expires_on, today, policy) if today else None)
    )


def _twice(serials: Sequence[str]) -> Refused | None:
    seen: set[str] = set()
    for serial in serials:
        if serial in seen:
            return SerialSeen(serial=serial, where="in this delivery")
        seen.add(serial)
    return None


def take(line: Line, one: ReceivedLine, currency: str) -> Part:
    """Receive units of a line. Its value is what all units so far are worth, less what those before were worth.

    So the parts of a line sum to the rounded value of the whole, in whatever portions it comes.
    """
    before, line.received = line.received, line.received + one.quantity
    value = extend(line.received, line.unit_cost, currency) - extend(before, line.unit_cost, currency)
    return Part(
        line.id,
        line.sku,
        one.quantity,
        value,
        one.lot,
        one.expires_on,
        one.status,
        one.note,
        one.serials,
        one.sscc,
        one.pallet,
    )


def at_home(values: Sequence[int], rate: Decimal, currency: str, home: str) -> list[int]:
    """Values of parts at a rate: each is what all so far are worth, less what those before are, so that together they
    are what their sum is worth."""
    found, so_far, before = [], 0, 0
    for value in values:
        so_far += value
        worth = at_rate(so_far, rate, currency, home)
        found.append(worth - before)
        before = worth
    return found


def progress(lines: Iterable[Line]) -> str:
    """The event of the order's life that a receipt makes."""
    return "receive_part" if any(line.to_come for line in lines) else "receive_rest"


MAILBOX = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,200}\.[^@\s,;<>\".]{2,}")


def misfit_sending(address: str, language: str) -> Refused | None:
    """Why an order can't be sent so: no mail address, or a language in which there are no papers."""
    if not MAILBOX.fullmatch(address):
        return Invalid(field="address", expected="a mail address, as orders@supplier.example", found=address)
    if language not in LANGUAGES:
        return Invalid(field="language", expected=one_of(sorted(LANGUAGES)), found=language)
    return None


def in_order(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.number)


def _lot_refusal(line: Line, one: ReceivedLine) -> Refused | None:
    lacks_date = line.lot_policy == "lot_expiry" and one.expires_on is None
    if line.lot_policy == "none" or (one.lot and not lacks_date):
        return None
    also = Said(" and when it expires") if line.lot_policy == "lot_expiry" else ""
    return LotNeeded(sku=str(line.sku), policy=line.lot_policy, line=line.number, also=also)
