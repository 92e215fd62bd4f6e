"""Which carton to take, and where each item goes in it: proposed by one module, checked by another. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.warehouse.cartons.problem import OWN, SUPPORT_PERCENT, Carton, Item, Packed, Place, Proposal
from entrepot.warehouse.cartons.propose import propose
from entrepot.warehouse.cartons.verify import impossible
from entrepot.warehouse.cartons.volume import by_volume, not_in

__all__ = [
    "OWN", "SUPPORT_PERCENT", "Carton", "Item", "Packed", "Place", "Proposal", "by_volume", "impossible", "not_in",
    "propose", "proposed",
]  # fmt: skip

UNITS_MAX = 250
"""Units up to which a proposal is made: more are a pallet, and packed as the floor sees fit."""


def proposed(
    items: Sequence[Item], cartons: Sequence[Carton], support: int = SUPPORT_PERCENT
) -> Proposal | None:
    """A proposal that was checked; None where units are not measured, or too many."""
    if not cartons or len(items) > UNITS_MAX or not all(min(item[:3]) > 0 for item in items):
        return None
    found = propose(items, cartons, support=support)
    wrong = impossible(items, found, support)
    assert not wrong, "; ".join(wrong)
    return found
