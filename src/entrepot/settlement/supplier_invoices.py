"""What a line of a supplier's invoice settles: what was ordered, what came, what was billed before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.shapes import shape
from entrepot.settlement import errors

LINES_MAX = 5_000
UNITS_MAX = 10**8
AMOUNT_MAX = 10**12


@shape("settlement.suppliers")
@dataclass(frozen=True, slots=True)
class SupplierTolerance:
    """How far a supplier's line may be from what came at the price that was ordered, without a person looking at it.

    The greater of an amount and a share (hundredths of a percent) of what was expected. Who took an invoice may accept
    a line in question up to `alone_up_to_minor`; a larger one is accepted by another person. Neither who ordered nor
    who received the goods accepts any.
    """

    amount_minor: int = 100
    per_10k: int = 100
    alone_up_to_minor: int = 1_000


@dataclass(frozen=True, slots=True)
class Invoiced:
    """A line of a supplier's invoice: units of a line of an order of ours, by their numbers; of a work order, of its
    line 1. The amount has no tax."""

    order: str
    line: int
    quantity: int
    amount_minor: int


class Goods(NamedTuple):
    """A line of an order: units that came and what they were taken in at, and what of both was billed before; or a work
    order: units that were worked on and what that was reported to cost."""

    line: UUID
    order: UUID
    received: int
    value: int
    billed: int
    released: int
    is_work: bool = False

    @property
    def left(self) -> int:
        """Units that came and nobody has billed yet."""
        return self.received - self.billed

    def release(self, units: int) -> int:
        """What of the value goes with the next units: all of it with the last, whatever the parts were."""
        billed = self.billed + units
        return (
            (2 * self.value * billed + self.received) // (2 * self.received) - self.released if units else 0
        )

    def after(self, units: int) -> Goods:
        return self._replace(billed=self.billed + units, released=self.released + self.release(units))


class Matched(NamedTuple):
    """A line with what it settles: `units` that came, taken in at `expected`; `difference` is billed beyond that."""

    line: Invoiced
    state: str
    goods: Goods | None
    units: int
    expected: int
    difference: int
    why: str


def misfit(
    external_id: str, lines: Sequence[Invoiced], tax: int, total: int, currency: str
) -> Refused | None:
    """Why an invoice can't be taken."""
    if not 0 < len(lines) <= LINES_MAX:
        return errors.NotASupplierLine(
            external_id=external_id,
            line=0,
            field="lines",
            expected=Said("1 to {0}", LINES_MAX),
            found=len(lines),
        )
    for place, line in enumerate(lines, 1):
        for field, fits, expected in (
            ("order", bool(line.order.strip()), "the number of an order of ours"),
            ("quantity", 0 < line.quantity <= UNITS_MAX, Said("1 to {0} units", UNITS_MAX)),
            ("amount_minor", 0 <= line.amount_minor <= AMOUNT_MAX, "minor units from 0"),
        ):
            if not fits:
                return errors.NotASupplierLine(
                    external_id=external_id,
                    line=place,
                    field=field,
                    expected=expected,
                    found=getattr(line, field),
                )
    made = sum(line.amount_minor for line in lines) + tax
    if tax < 0 or made != total:
        return errors.SupplierInvoiceDoesNotAddUp(
            external_id=external_id, expected=money.told(total, currency), found=money.told(made, currency)
        )
    return None


def match(
    lines: Sequence[Invoiced],
    ordered: Mapping[tuple[str, int], Goods],
    currency: str,
    tolerance: SupplierTolerance,
) -> list[Matched]:
    """Each line with what it settles; what earlier lines settle of the same goods, later ones don't."""
    goods = dict(ordered)
    answers = []
    for line in lines:
        name = (line.order, line.line)
        one = judge(line, goods.get(name), currency, tolerance)
        if one.goods:
            goods[name] = one.goods.after(one.units)
        answers.append(one)
    return answers


def judge(
    line: Invoiced,
    goods: Goods | None,
    currency: str,
    tolerance: SupplierTolerance,
    before: int = 0,
    released: int = 0,
) -> Matched:
    """A line against the goods as they stand; `before` of its units came earlier, and were expected at `released`."""
    if goods is None:
        return Matched(
            line,
            "unmatched",
            None,
            0,
            0,
            line.amount_minor,
            Said("no order of ours at this supplier has this line"),
        )
    units = min(line.quantity - before, max(goods.left, 0))
    expected = released + goods.release(units)
    off = line.amount_minor - expected
    came = before + units
    if came < line.quantity:
        why = Said("{0} billed, {1} of them came and were not billed before", line.quantity, came)
        return Matched(line, "differs", goods, units, expected, off, why)
    if abs(off) <= max(tolerance.amount_minor, expected * tolerance.per_10k // 10_000):
        return Matched(line, "matched", goods, units, expected, off, "")
    return Matched(
        line, "differs", goods, units, expected, off, Said("expected {0}", money.told(expected, currency))
    )
