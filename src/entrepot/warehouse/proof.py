"""What has to be shown before packages are closed: what was scanned, and what the scale said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Verify = Literal["none", "sku", "unit"]
Weigh = Literal["never", "above_value", "always"]


def unscanned(verify: Verify, picked: Mapping[str, int], scanned: Mapping[str, int]) -> dict[str, int]:
    """Units by SKU that are still to be scanned: of each SKU one, or all of them."""
    if verify == "none":
        return {}
    wanted = {sku: units if verify == "unit" else min(units, 1) for sku, units in picked.items()}
    left = {sku: units - scanned.get(sku, 0) for sku, units in wanted.items()}
    return {sku: units for sku, units in left.items() if units > 0}


def foreign(picked: Mapping[str, int], scanned: Mapping[str, int]) -> str:
    """A SKU of which more was scanned than was picked; '' where there is none."""
    return next((sku for sku, units in scanned.items() if not 0 < units <= picked.get(sku, 0)), "")


def is_weighed(weigh: Weigh, from_minor: int, value_minor: int) -> bool:
    """Whether goods of a value go only with what the scale says."""
    return weigh == "always" or (weigh == "above_value" and value_minor >= from_minor)
