"""Units that came back and are not taken back: why, and what becomes of the goods. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from entrepot.kernel.shapes import shape

REASONS: dict[str, str] = {
    "not_ours": "it is not from us",
    "swapped": "it is another one than was sent",
    "used": "it was used more than it takes to look at it",
    "damaged": "it was damaged after it had been delivered",
    "empty": "the parcel held none",
    "incomplete": "parts of it are missing",
    "not_taken_back": "it is of a kind that is not taken back once it is opened",
}
"""Why units are not taken back: stable codes, with what a customer is told."""

LESS_WORTH = ("used", "damaged", "incomplete", "not_taken_back")
"""For these nobody loses all of the money who withdraws by law: what the goods lost of their worth, and no more."""

NO_ANSWER = ("used", "incomplete", "not_taken_back")
"""These say nothing to a claim that goods do not conform. That they were damaged after their delivery does: it was not
so when they came."""

NOTHING_CAME = ("empty",)
"""There is nothing to be sent back; for other reasons the goods are the customer's."""

Goods = Literal["back", "keep"]
GOODS = ("back", "keep")
"""What becomes of goods that are not taken back: they are sent back to their customer, or the house keeps them."""

OPEN, ACCEPTED, REFUSED = "open", "accepted", "refused"
VERDICTS = ("", OPEN, ACCEPTED, REFUSED)
"""Of an inspection: nobody has to decide, somebody has to before its units are refunded, or what was decided."""

DECISIONS = ("swapped serial number", "finding to decide")
"""The work of whoever decides."""

SEND_BACK = "send_back"
"""The disposition of what is not taken back: it leaves the house to its customer."""


@shape("returns.refusals")
@dataclass(frozen=True, slots=True)
class Refusals:
    """When a person decides before anything is refunded: where an inspection finds one of the codes `doubts`. What
    becomes of goods that are not taken back: `goods`, or by reason `goods_by_reason`."""

    doubts: tuple[str, ...] = ("serial_swap", "lighter_than_sold", "empty_box", "not_ours")
    goods: Goods = "back"
    goods_by_reason: dict[str, Goods] = field(default_factory=lambda: {"empty": "keep"})

    def __post_init__(self) -> None:
        if not set(self.goods_by_reason) <= set(REASONS):
            raise ValueError(f"goods_by_reason: expected some of {', '.join(REASONS)}")
        if any(not code or " " in code for code in self.doubts):
            raise ValueError("doubts: expected codes without spaces")

    def goods_for(self, reason: str) -> Goods:
        return self.goods_by_reason.get(reason, self.goods)

    def doubted(self, codes: Iterable[str]) -> list[str]:
        """The codes that somebody has to decide about, in the order of the policy."""
        found = set(codes)
        return [one for one in self.doubts if one in found]
