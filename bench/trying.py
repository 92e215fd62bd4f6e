"""A trial of a sourcing profile over recorded orders: how many decisions a second two replays make, reading included.

Orders of three lines, ten decided at a moment. The draft asks for all that a profile can ask: goods, margins, tiers,
substitutes, work at nodes by orders and units, and days.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bench import house, walk

if TYPE_CHECKING:
    from entrepot.sourcing.rules import Profile

TOGETHER = 10  # orders of a moment
APART = timedelta(seconds=30)


def furnish(orders: int) -> None:
    """A fresh house in which so many orders were placed and decided."""
    house.fresh()
    ours = walk.Ours(orders, TOGETHER)
    for batch in range(len(ours.requests)):
        ours.cause = replace(ours.cause, at=house.AT + batch * APART)
        ours.place(batch)
        ours.allocate(batch)
    with house.connect() as connection:
        connection.execute("ANALYZE")


def demanding() -> Profile:
    from entrepot.sourcing.rules import Profile

    return Profile(
        shipments_of={"": 2}, tier_priority={"gold": 5}, margin_from_percent=20, margin_priority=3,
        substitutes="unless refused", units_per_day={"N1": 2_000}, orders_per_day={"N1": 500}, busy_days_max=2,
        ship_days_max=3,
    )  # fmt: skip


def plain() -> Profile:
    from entrepot.sourcing.rules import Profile

    return Profile(nodes_per_order_max=2)


def tried(draft: Profile) -> tuple[int, float]:
    """Decisions of both replays, and the seconds that they took with all that is read."""
    from entrepot.simulation import whatif

    began = time.perf_counter()
    report = whatif.tried(
        house.COMPANY, draft, "", house.AT, house.AT + timedelta(days=30), house.AT + timedelta(days=30)
    )
    took = time.perf_counter() - began
    assert isinstance(report, whatif.Report), report
    assert report.found.trust.same == report.found.trust.orders, "the profile in force decides as it did"
    return 2 * report.found.trust.orders, took
