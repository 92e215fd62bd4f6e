"""What a supplier has sent, refused and still has to send of a drop-ship order, and how he is told of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.money import extend
from entrepot.kernel.shapes import shape
from entrepot.purchasing.errors import MoreThanAsked
from entrepot.purchasing.rules import misfit_sending
from entrepot.purchasing.states import COMING

ASKED, CALLED_OFF = "asked", "called_off"
PURPOSES = (ASKED, CALLED_OFF)
"""What a supplier is told: that he is to send something, and that he is not to send it any more."""
BY_MAIL, BY_X12 = "mail", "x12"
SENDINGS = ("waiting", "sent", "failed", "no_channel", "superseded")
"""What becomes of what a supplier is to be told: it waits to be told, it went out, nobody took it, nobody knows how to
reach him, or it was over before it went out."""


@shape("purchasing.drop_ship_mail")
@dataclass(frozen=True, slots=True)
class DropShipMail:
    """How a supplier is told by mail what he is to send to customers. The scope is the supplier's code; without one it
    is for others. Where the policy `channels.x12` has an address for him, he is told by X12 documents instead."""

    address: str = ""
    """The mail address of the supplier's desk; '' where he is sent no mail."""
    language: str = "en"
    """The language of the paper."""
    packing_note: str = ""
    """What stands on every paper, such as how to pack."""

    def __post_init__(self) -> None:
        if self.address and (refused := misfit_sending(self.address, self.language)):
            raise ValueError(refused.message)


def kept_back(purpose: str, state: str) -> bool:
    """Whether a supplier need not be told any more that he is to send something: he has, or will not."""
    return purpose == ASKED and state not in COMING


def purpose_of(state: str) -> str | None:
    """What a supplier can be told again of a drop-ship order; None where all is said."""
    if state == CALLED_OFF:
        return CALLED_OFF
    return ASKED if state in COMING else None


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
