"""Limits of what is sold ahead, as the record has them from moment to moment. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from entrepot.simulation.replay.record import Asked, Fate, Preorder
from entrepot.sourcing import rules
from entrepot.sourcing.rules import Profile


class SoldAhead:
    """Which SKUs ship later, and up to which limit each is sold until then."""

    def __init__(self) -> None:
        self._now: dict[UUID, Preorder] = {}
        self.let_go: set[UUID] = set()
        """Orders that somebody let go: no limit holds them any more."""

    def set(self, preorders: Iterable[Preorder]) -> None:
        for one in preorders:
            self._now[one.sku] = one

    def ships_later(self, sku: UUID, at: datetime) -> bool:
        one = self._now.get(sku)
        return one is not None and one.ships_on is not None and one.ships_on > at.astimezone(UTC).date()

    def limits(self, at: datetime) -> dict[UUID, Preorder]:
        return {sku: one for sku, one in self._now.items() if one.units_max and self.ships_later(sku, at)}

    def admit(
        self,
        urgent: Sequence[Fate],
        profile_of: Callable[[Asked], Profile],
        sold: Callable[[UUID], int],
        at: datetime,
    ) -> Mapping[UUID, Fate]:
        """Sell orders what they want, the most urgent first; returns those that a limit keeps from being sourced."""
        limits = self.limits(at)
        ahead = {sku: rules.Ahead(one.code, one.units_max, sold(sku)) for sku, one in limits.items()}
        kept: dict[UUID, Fate] = {}
        for fate in urgent:
            order, wanted = fate.order, _wanted(fate, ahead)
            mode = profile_of(order).preorder_limit
            past = rules.sold_past(wanted, ahead) if mode != "off" and order.id not in self.let_go else []
            if past and mode == "enforce":
                fate.past, fate.was_held = tuple(past), True
                kept[order.id] = fate
                continue
            for sku, units in wanted.items():
                ahead[sku] = ahead[sku]._replace(sold=ahead[sku].sold + units)
        return kept


def _wanted(fate: Fate, ahead: Mapping[UUID, rules.Ahead]) -> dict[UUID, int]:
    """What an order wants anew of limited SKUs."""
    wanted: dict[UUID, int] = {}
    for line in fate.lines:
        if line.sku in ahead and fate.fresh.get(line.id):
            wanted[line.sku] = wanted.get(line.sku, 0) + fate.fresh[line.id]
    return wanted
