"""When lots that expire leave sellable stock: the policy, and whether a lot may still be sold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from entrepot.kernel.shapes import shape

Days = Annotated[int, Meta(ge=0, le=3650)]


@shape("warehouse.expiry")
@dataclass(frozen=True, slots=True)
class Expiry:
    """When lots that expire leave sellable stock, and when somebody is told."""

    days_left: Days = 0
    """A lot is sold as long as so many days are left after today; 0: on its last day too."""
    warn_days: Days = 30
    """So many days before it leaves, a lot that is in stock is told as a work item; 0: never."""
    becomes: Literal["non_sellable", "quarantined", "liquidation"] = "non_sellable"
    """What its goods are then."""

    def status_of(self, days: int | None) -> str:
        """What units are that keep for so many days after today; None: for ever."""
        return "sellable" if days is None or days >= self.days_left else self.becomes
