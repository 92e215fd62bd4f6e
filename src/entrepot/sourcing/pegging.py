"""Which expected supply each backorder waits for, and so for when it is promised. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.shapes import shape
from entrepot.stock.rules import urgency


@shape("sourcing.backorders")
@dataclass(frozen=True, slots=True)
class Backorders:
    """When a backorder's date is late."""

    tolerance_days: int = 0
    """Days after the customer's promise that a backorder may come without a work item."""
    late_supply_days: int = 2
    """Days from today in which supply is expected whose date has passed."""


class Waiting(NamedTuple):
    """Units of an order line that wait, the nodes that may serve its channel, and the days that its channel allows
    where no supply is known. `told` is the day that it was told before, where no supply was known for all of it."""

    line: UUID
    order: UUID
    quantity: int
    priority: int
    promise_at: datetime | None
    ordered_at: datetime
    nodes: frozenset[UUID]
    lead_days: int
    told: date | None = None


class Supply(NamedTuple):
    """Units of the SKU that come to a node on a day."""

    line: UUID
    node: UUID
    quantity: int
    on: date


class Peg(NamedTuple):
    """Units of a supply line that are meant for a waiting line."""

    supply: UUID
    quantity: int
    on: date


class Promise(NamedTuple):
    """What a waiting line waits for; `covered` where supply is expected for all of its units."""

    line: UUID
    pegs: tuple[Peg, ...]
    on: date
    covered: bool


def fairness(one: Waiting) -> tuple[object, ...]:
    """Who comes first, as in allocation."""
    return urgency(one.priority, one.promise_at, one.ordered_at, one.order, one.line)


def peg(waiting: Sequence[Waiting], supply: Sequence[Supply], today: date, policy: Backorders,
        ships_on: date | None = None) -> list[Promise]:  # fmt: skip
    """Give the supply of one SKU to those who wait for it: the fairest first, each from the soonest supply.

    A line is promised for the day on which its last unit comes. What no supply covers is promised after the lead
    time of its channel, from when it began to wait: the day that it was told stays until it has passed. It is not
    promised before the last supply that is known of. Nothing is promised for before the day from
    which the SKU ships.
    """
    soon = today + timedelta(days=policy.late_supply_days)
    expected = sorted(
        (one._replace(on=soon) if one.on < today else one for one in supply),
        key=lambda one: (one.on, one.line),
    )
    left = [one.quantity for one in expected]
    last = max((one.on for one in expected), default=today)
    promises = []
    for one in sorted(waiting, key=fairness):
        wanted, pegs = one.quantity, []
        for i, coming in enumerate(expected):
            units = min(wanted, left[i]) if coming.node in one.nodes else 0
            if units:
                left[i] -= units
                wanted -= units
                pegs.append(Peg(coming.line, units, coming.on))
        on = max(last, _by_lead_time(one, today)) if wanted else pegs[-1].on
        promises.append(Promise(one.line, tuple(pegs), max(on, ships_on or on), not wanted))
    return promises


def _by_lead_time(one: Waiting, today: date) -> date:
    after = today + timedelta(days=one.lead_days)
    return min(one.told, after) if one.told and one.told >= today else after


def is_late(on: date, promise_on: date | None, policy: Backorders) -> bool:
    """Whether a date is past what the customer was promised, by more than the policy tolerates."""
    return promise_on is not None and on > promise_on + timedelta(days=policy.tolerance_days)
