"""What a supplier has sent, refused and still has to send of a drop-ship order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.money import extend
from entrepot.purchasing.errors import MoreThanAsked

Units = tuple[int, int]
"""The number of a line of a drop-ship order, and units of it."""


@dataclass(slots=True)
class Line:
    """A line as it was found; it moves on while a batch is decided. `line` is that of the sales order."""

    id: UUID
    number: int
    line: UUID
    sku: UUID
    quantity: int
    shipped: int
    refused: int
    called_off: int
    unit_cost: Decimal

    @property
    def left(self) -> int:
        """Units that the supplier still has to send."""
        return self.quantity - self.shipped - self.refused - self.called_off

    def send(self, units: int, currency: str) -> int:
        """Units are sent; returns what they cost: what all so far cost, less what those before did, so that the parts
        of a line sum to the rounded cost of the whole."""
        before, self.shipped = self.shipped, self.shipped + units
        return extend(self.shipped, self.unit_cost, currency) - extend(before, self.unit_cost, currency)


def told(
    number: str, lines: Mapping[int, Line], wanted: Sequence[Units] | None
) -> list[tuple[Line, int]] | Refused:
    """The units that a supplier tells of, by line; `wanted` None are all that he still has to send."""
    if wanted is None:
        wanted = [(line.number, line.left) for line in lines.values() if line.left]
    if not wanted:
        return Invalid(field="lines", expected="units of some line", found="none")
    found: dict[int, int] = {}
    for name, units in wanted:
        if name not in lines:
            return NotFound(what=Said("line of {0}", number), which=str(name))
        if units < 1 or name in found:
            return Invalid(field="lines", expected="each line once, 1 unit or more", found=f"{name}: {units}")
        if units > lines[name].left:
            return MoreThanAsked(number=number, line=name, left=lines[name].left, wanted=units)
        found[name] = units
    return [(lines[name], units) for name, units in found.items()]


def sent_event(lines: Iterable[Line]) -> str:
    """What a notice of dispatch makes of the order, after its lines have moved on."""
    return "ship_part" if any(line.left for line in lines) else "ship_rest"


def refused_event(lines: Iterable[Line]) -> str:
    """What a refusal makes of the order, after its lines have moved on; '' where he still sends something."""
    known = list(lines)
    if any(line.left for line in known):
        return ""
    return "close_short" if any(line.shipped for line in known) else "refuse_rest"
