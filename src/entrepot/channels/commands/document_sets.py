"""A set of an interchange while it is dealt with: taken under a number, or refused with a problem."""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.channels import errors
from entrepot.channels.x12.envelope import X12Error
from entrepot.channels.x12.order_answer import OrderAnswer
from entrepot.channels.x12.parse import ShipNotice
from entrepot.kernel.errors import Refused


def unreadable(error: X12Error) -> Refused:
    return errors.X12Unreadable(
        segment=error.segment, name=error.name, expected=error.expected, found=error.found
    )


@dataclass(slots=True)
class DocumentSet:
    """What one says, and what became of it: `is_fresh` where it was taken now."""

    group: str
    said: ShipNotice | OrderAnswer
    number: str = ""
    is_fresh: bool = False
    problem: str = ""

    @property
    def name(self) -> str:
        """Its control numbers: a set that was taken is not taken again, whatever it says now."""
        return f"{self.group}/{self.said.control}"

    @property
    def waits(self) -> bool:
        return not self.problem and not self.number

    def take(self, number: str) -> None:
        self.number, self.is_fresh = number, True

    def refuse(self, why: Refused) -> None:
        self.problem, self.number, self.is_fresh = why.message, "", False

    def misread(self, error: X12Error) -> None:
        """What was taken stays so, whatever became of its order since."""
        if not self.number:
            self.refuse(unreadable(error))
