"""What suppliers say before goods come: confirmations of orders and advance ship notices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.catalog.barcodes import is_sscc
from entrepot.kernel.errors import Invalid, Refused, Said


class ConfirmedLine(NamedTuple):
    """Units of an order line that the supplier will send, and for when; 0 where it sends none."""

    line: UUID
    quantity: int
    expected_on: date


@dataclass(frozen=True, slots=True)
class Asked:
    """An order line as it was asked for, and what was confirmed of it before."""

    id: UUID
    number: int
    quantity: int
    received: int
    wanted_on: date | None


def misfit_confirmation(lines: Sequence[ConfirmedLine], asked: dict[UUID, Asked]) -> Refused | None:
    """Why a confirmation can't be one."""
    if not lines:
        return Invalid(field="lines", expected="at least one", found="none")
    seen: set[UUID] = set()
    for one in lines:
        if one.line not in asked:
            return Invalid(field="line", expected="lines of this order", found=str(one.line))
        number = asked[one.line].number
        if one.line in seen:
            return Invalid(field=Said("line {0}", number), expected="each line once", found="twice")
        if one.quantity < asked[one.line].received:
            expected = Said("{0} or more, which came already", asked[one.line].received)
            return Invalid(field=Said("quantity of line {0}", number), expected=expected, found=one.quantity)
        seen.add(one.line)
    return None


def difference(one: ConfirmedLine, asked: Asked) -> str:
    """What of a confirmation differs from what was asked for, as a person reads it; '' where nothing does."""
    days = (one.expected_on, asked.wanted_on)
    late = bool(asked.wanted_on and one.quantity and one.expected_on > asked.wanted_on)
    if one.quantity == asked.quantity:
        return Said("line {0}: on {1} instead of {2}", asked.number, *days) if late else ""
    units = (asked.number, one.quantity, asked.quantity)
    if late:
        return Said("line {0}: {1} of {2} units, on {3} instead of {4}", *units, *days)
    return Said("line {0}: {1} of {2} units", *units)


class NoticedLine(NamedTuple):
    """Units of an order line that are on their way, in a package or not; `pallet`: the number of what the package
    stands on."""

    order: UUID
    line: UUID
    quantity: int
    sscc: str = ""
    lot: str = ""
    expires_on: date | None = None
    serials: tuple[str, ...] = ()
    pallet: str = ""


def misfit_notice(lines: Sequence[NoticedLine], external_ref: str) -> Refused | None:
    """Why a notice can't be one: nothing in it, no units, a package that is none or is of two orders, cartons that
    stand on no pallet, on two, or on each other."""
    if not external_ref:
        return Invalid(field="external_ref", expected="the supplier's number of the notice", found="nothing")
    if not lines:
        return Invalid(field="lines", expected="at least one", found="none")
    order_of: dict[str, UUID] = {}
    for number, one in enumerate(lines, 1):
        if one.quantity < 1:
            return Invalid(
                field=Said("quantity of line {0}", number), expected="1 or more", found=one.quantity
            )
        if one.serials and len(set(one.serials)) != one.quantity:
            found = len(set(one.serials))
            return Invalid(
                field=Said("serials of line {0}", number),
                expected=Said("{0} different ones", one.quantity),
                found=found,
            )
        if one.sscc and not is_sscc(one.sscc):
            expected = "an SSCC, 18 digits with their check digit"
            return Invalid(field=Said("sscc of line {0}", number), expected=expected, found=one.sscc)
        if one.sscc and order_of.setdefault(one.sscc, one.order) != one.order:
            return Invalid(
                field=Said("package {0}", one.sscc), expected="goods of one order", found="goods of two"
            )
    return _misfit_pallets(lines)


def _misfit_pallets(lines: Sequence[NoticedLine]) -> Refused | None:
    pallets = {one.pallet for one in lines if one.pallet}
    stands: dict[str, str] = {}
    for number, one in enumerate(lines, 1):
        if one.pallet and not is_sscc(one.pallet):
            expected = "an SSCC, 18 digits with their check digit"
            return Invalid(field=Said("pallet of line {0}", number), expected=expected, found=one.pallet)
        if one.pallet and (not one.sscc or one.sscc in pallets):
            expected = "the number (SSCC) of the carton that stands on it"
            return Invalid(
                field=Said("sscc of line {0}", number), expected=expected, found=one.sscc or "none"
            )
        if one.sscc and stands.setdefault(one.sscc, one.pallet) != one.pallet:
            return Invalid(field=Said("package {0}", one.sscc), expected="one pallet", found="several")
    return None


@dataclass(slots=True)
class Announced:
    """A line of a notice as it was found; `received` moves on while a batch is decided."""

    id: UUID
    notice: UUID
    line: UUID
    sscc: str
    lot: str
    quantity: int
    received: int


def count_off(announced: Iterable[Announced], line: UUID, quantity: int, lot: str, sscc: str) -> int:
    """Count units that came off what was announced of their order line: those of their package first, then of their
    lot, then any. Returns how many were announced."""
    fitting = [one for one in announced if one.line == line and one.received < one.quantity]
    fitting.sort(key=lambda one: (one.sscc != sscc if sscc else False, one.lot != lot))
    left = quantity
    for one in fitting:
        units = min(left, one.quantity - one.received)
        one.received += units
        left -= units
    return quantity - left
