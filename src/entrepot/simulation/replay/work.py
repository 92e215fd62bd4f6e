"""What has been promised and not left yet: the work that waits at nodes, and what is sold of SKUs. Pure."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple
from uuid import UUID

from entrepot.simulation.replay.record import Promised, Share

A_DAY = timedelta(days=1)


class _Leaving(NamedTuple):
    at: datetime
    number: int
    order: UUID
    sku: UUID
    node: UUID
    units: int
    share: Share | None
    """Its units count where it is one of the replay's own: some may be lost before they leave."""


class Work:
    """Orders and units at each node, and units of each SKU."""

    def __init__(self, before: Iterable[Promised]) -> None:
        self.orders: dict[UUID, int] = defaultdict(int)
        self.units: dict[UUID, int] = defaultdict(int)
        self.of_sku: Counter[UUID] = Counter()
        self._here: dict[tuple[UUID, UUID], int] = defaultdict(int)  # by node and order
        self._leaving: list[_Leaving] = []
        self._numbers = count()
        for one in before:
            self.add(one.order, one.sku, one.node, one.units)
            if one.left_at is not None:
                self._leaves(one.left_at, one.order, one.sku, one.node, one.units, None)

    def add(self, order: UUID, sku: UUID, node: UUID, units: int) -> None:
        key = (node, order)
        if not self._here[key]:
            self.orders[node] += 1
        self._here[key] += units
        self.units[node] += units
        self.of_sku[sku] += units

    def less(self, order: UUID, sku: UUID, node: UUID, units: int) -> None:
        """Units are not promised any more, or have left."""
        if not units:
            return
        key = (node, order)
        self._here[key] -= units
        if not self._here[key]:
            self.orders[node] -= 1
        self.units[node] -= units
        self.of_sku[sku] -= units

    def take(self, order: UUID, share: Share) -> None:
        """A node serves a share from now on, until it leaves."""
        self.add(order, share.line.sku, share.node.id, share.units)
        if share.leaves is not None:
            self._leaves(share.leaves, order, share.line.sku, share.node.id, share.units, share)

    def _leaves(
        self, at: datetime, order: UUID, sku: UUID, node: UUID, units: int, share: Share | None
    ) -> None:
        heapq.heappush(self._leaving, _Leaving(at, next(self._numbers), order, sku, node, units, share))

    def leave(self, at: datetime) -> bool:
        """What is gone by now is no work any more. Returns whether there was any."""
        has_left = False
        while self._leaving and self._leaving[0].at <= at:
            one = heapq.heappop(self._leaving)
            self.less(one.order, one.sku, one.node, one.units if one.share is None else one.share.units)
            has_left = True
        return has_left


def leaves(gone: Sequence[tuple[datetime, UUID]], node: UUID, at: datetime) -> datetime | None:
    """When what a node serves from a moment on leaves: as in the record from there, else with the last of the order.

    Of what is decided after the order had left, it is a day later.
    """
    if not gone:
        return None
    here = next((when for when, where in gone if where == node and when >= at), None)
    last = gone[-1][0]
    return here or (last if last >= at else at + A_DAY)
