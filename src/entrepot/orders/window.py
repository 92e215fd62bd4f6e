"""When an order may leave (not before a day, by a day, after a last day not at all), and how much of it must go at
least. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape
from entrepot.orders.rules import Misfit


@shape("orders.windows", min_fill_percent=(0, 100), warn_days=(0, 90))
@dataclass(frozen=True, slots=True)
class Windows:
    """What is asked of orders that have to leave by a day: its scope is a channel's code, without one it is for all."""

    min_fill_percent: int = 0
    """Of the units of an order that says nothing else so many percent are sent together, or none."""
    warn_days: int = 2
    """Days before the last day to leave on which somebody is told what has not left."""
    after_cancel: Literal["ask", "cancel"] = "ask"
    """Whether what has not left after its last day is asked about, or cancelled."""


class Window(NamedTuple):
    """Days of an order, and the part of it in percent of which less is not sent, named as the order names them. What is
    None or 0 asks for nothing."""

    ship_not_before: date | None = None
    ship_by: date | None = None
    cancel_after: date | None = None
    min_fill_percent: int = 0


ANY_TIME = Window()
DAYS = ("ship_not_before", "ship_by", "cancel_after")
"""Days of an order that a change may take away."""


def misfit(window: Window) -> Misfit | None:
    """Why days and part can't be an order's; None where they can."""
    begins, by, last, percent = window
    if not 0 <= percent <= 100:
        return Misfit("min_fill_percent", Said("0 to 100"), percent)
    if begins and by and by < begins:
        return Misfit("ship_by", Said("{0} or later, from when it may leave", begins), by)
    before = by or begins
    if last and before and last < before:
        return Misfit("cancel_after", Said("{0} or later, when it may still leave", before), last)
    return None


def is_over(day: date, at: datetime) -> bool:
    """Whether a day has ended everywhere: no node is in it any more."""
    return at >= datetime.combine(day + timedelta(days=1), time(12), tzinfo=UTC)


def over_before(at: datetime) -> date:
    """The first day that `is_over` does not say of: all before it have ended everywhere."""
    return (at.astimezone(UTC) - timedelta(hours=12)).date()


class Fill(NamedTuple):
    """Units of an order's goods that were ordered and not cancelled, those that have their goods, those of them that
    wait to go to the floor, and the part that must have them before any leaves."""

    percent: int
    ordered: int
    served: int = 0
    waiting: int = 0

    def lacks(self, more: int = 0) -> bool:
        """Whether too few have their goods, with so many more."""
        return (self.served + more) * 100 < self.percent * self.ordered

    def gone(self, more: int) -> int:
        """Units that are on their way, with so many of those that wait."""
        return self.served - self.waiting + more

    def stays(self, more: int) -> bool:
        """Whether too few would be on their way, if so many of those that wait went."""
        return self.lacks(more - self.waiting)

    @property
    def least(self) -> int:
        """The units that must have their goods."""
        return -(-self.percent * self.ordered // 100)


ITEMS = ("ship-by near", "past ship-by", "past cancel-after")
"""Types of work items about orders of which units have not left, in the order in which their days come."""


class Unsent(NamedTuple):
    """The days of an order, and its units that have not left: those that nobody has begun, and those that the warehouse
    or a supplier has."""

    ship_by: date | None
    cancel_after: date | None
    free: int
    under_way: int

    def is_past(self, at: datetime) -> bool:
        """Whether it may not leave any more."""
        return self.cancel_after is not None and is_over(self.cancel_after, at)


def tell(one: Unsent, policy: Windows, at: datetime) -> str:
    """Which of `ITEMS` is to be opened about an order; '' where none is."""
    if not one.free + one.under_way:
        return ""
    near, late, past = ITEMS
    if one.is_past(at):
        return past
    if one.ship_by is None:
        return ""
    if is_over(one.ship_by, at):
        return late
    return near if at.date() + timedelta(days=policy.warn_days) >= one.ship_by else ""
