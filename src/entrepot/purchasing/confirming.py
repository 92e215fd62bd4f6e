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
    """Units of an order line that the supplier will send, and for when; 0 where it sends none. What comes on several
    days is as many of these."""

    line: UUID
    quantity: int
    expected_on: date


@dataclass(frozen=True, slots=True)
class Asked:
    """An order line as it is asked for, without what was given up of it, and how much of it came."""

    id: UUID
    number: int
    quantity: int
    received: int
    wanted_on: date | None


class Share(NamedTuple):
    """Units of an order line for one day."""

    quantity: int
    expected_on: date


def by_line(lines: Sequence[ConfirmedLine]) -> dict[UUID, list[Share]]:
    """What is confirmed of each line, by day."""
    found: dict[UUID, list[Share]] = {}
    for one in lines:
        found.setdefault(one.line, []).append(Share(one.quantity, one.expected_on))
    return {line: sorted(shares, key=lambda one: one.expected_on) for line, shares in found.items()}


def units_of(shares: Iterable[Share]) -> int:
    return sum(one.quantity for one in shares)


def still_to_come(shares: Sequence[Share], received: int, expected: int) -> list[int]:
    """Units of each share that are still expected: what was received came off the earliest, and what is expected no
    more off the latest."""
    before, found = 0, []
    for one in shares:
        after = before + one.quantity
        found.append(max(0, min(after, received + expected) - max(before, received)))
        before = after
    return found


def slips(before: Sequence[Share], after: Sequence[Share], received: int) -> list[tuple[int, date, date]]:
    """Units that come later than was said before, with both days; unit by unit in the order in which they come. What
    is not confirmed any more is no slip: it is told as a difference."""
    found: list[tuple[int, date, date]] = []
    for units, was, now in _side_by_side(before, after, received):
        if now > was:
            found.append((units, was, now))
    return found


def _side_by_side(
    before: Sequence[Share], after: Sequence[Share], received: int
) -> Iterable[tuple[int, date, date]]:
    """Runs of units that have one day before and one after."""
    left, right = _ends(before), _ends(after)
    done = received
    for end in sorted({end for end, _ in (*left, *right)}):
        was = next((day for stop, day in left if stop >= end), None)
        now = next((day for stop, day in right if stop >= end), None)
        if end > done and was and now:
            yield end - done, was, now
        done = max(done, end)


def _ends(shares: Sequence[Share]) -> list[tuple[int, date]]:
    """After how many units each share ends."""
    total, found = 0, []
    for one in shares:
        total += one.quantity
        found.append((total, one.expected_on))
    return found


def misfit_confirmation(lines: Sequence[ConfirmedLine], asked: dict[UUID, Asked]) -> Refused | None:
    """Why a confirmation can't be one."""
    if not lines:
        return Invalid(field="lines", expected="at least one", found="none")
    for line, shares in by_line(lines).items():
        if line not in asked:
            return Invalid(field="line", expected="lines of this order", found=str(line))
        if refusal := _misfit_shares(shares, asked[line]):
            return refusal
    return None


def _misfit_shares(shares: Sequence[Share], asked: Asked) -> Refused | None:
    days = [one.expected_on for one in shares]
    twice = next((day for day in days if days.count(day) > 1), None)
    if twice:
        expected, found = "each day once", Said("{0} twice", twice)
        return Invalid(field=Said("line {0}", asked.number), expected=expected, found=found)
    if len(shares) > 1 and (least := min(one.quantity for one in shares)) < 1:
        field = Said("quantity of line {0}", asked.number)
        return Invalid(field=field, expected="1 or more on each of its days", found=least)
    if (units := units_of(shares)) < asked.received:
        expected = Said("{0} or more, which came already", asked.received)
        return Invalid(field=Said("quantity of line {0}", asked.number), expected=expected, found=units)
    return None


def differences(shares: Sequence[Share], asked: Asked) -> list[str]:
    """What of a confirmation differs from what was asked for, as a person reads it."""
    units, number, wanted = units_of(shares), asked.number, asked.wanted_on
    late = [one for one in shares if wanted and one.quantity and one.expected_on > wanted]
    is_other = units != asked.quantity
    if late and len(shares) == 1:
        days = (late[0].expected_on, wanted)
        if is_other:
            said = Said(
                "line {0}: {1} of {2} units, on {3} instead of {4}", number, units, asked.quantity, *days
            )
        else:
            said = Said("line {0}: on {1} instead of {2}", number, *days)
        return [said]
    told: list[str] = [Said("line {0}: {1} of {2} units", number, units, asked.quantity)] if is_other else []
    told += [
        Said("line {0}: {1} units on {2} instead of {3}", number, one.quantity, one.expected_on, wanted)
        for one in late
    ]
    return told


def slipped(before: Sequence[Share], after: Sequence[Share], asked: Asked) -> list[str]:
    """What comes later than was confirmed before, as a person reads it; not what is late for the first time by the day
    that was asked for, which is a difference already."""
    return [
        Said("line {0}: {1} units on {2}, {3} was confirmed before", asked.number, units, now, was)
        for units, was, now in slips(before, after, asked.received)
        if not asked.wanted_on or not was <= asked.wanted_on < now
    ]


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
