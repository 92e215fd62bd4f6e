"""What the handles mean by which Shopify names reasons of returns since it has given up its enum, and by which handle
it is told a reason of the house. Pure.

Only such are here as say what the house has a word for. Most of the others tell which property of the goods somebody
disliked: whether the house answers for that is no question of words, so they mean no reason, and stand beside it.
"""

from __future__ import annotations

HANDLE_OF: dict[str, str] = {
    "damaged_in_transit": "damaged-or-defective",
    "arrived_late": "arrived-late",
    "undeliverable": "other-reason",
    "defective": "damaged-or-defective",
    "poor_quality": "quality",
    "expired": "damaged-or-defective",
    "recalled": "damaged-or-defective",
    "not_as_described": "item-not-as-described",
    "color_differs": "color",
    "not_compatible": "item-not-as-described",
    "wrong_item": "received-the-wrong-item",
    "missing_parts": "other-reason",
    "poorly_packed": "damaged-packaging",
    "poor_fit": "comfort",
    "too_small": "too-small",
    "too_large": "too-big",
    "style": "style",
    "ordered_by_mistake": "ordered-wrong-item",
    "changed_mind": "changed-my-mind",
    "found_cheaper": "changed-my-mind",
    "price_corrected": "other-reason",
    "not_given": "unknown",
}
"""By reason of the house, the handle that says it best."""

EXACT: dict[str, str] = {
    "arrived-late": "arrived_late", "changed-my-mind": "changed_mind", "damaged-or-defective": "defective",
    "item-not-as-described": "not_as_described", "ordered-wrong-item": "ordered_by_mistake",
    "quality": "poor_quality", "received-the-wrong-item": "wrong_item", "style": "style", "color": "color_differs",
    "damaged-packaging": "poorly_packed", "too-small": "too_small", "too-big": "too_large", "unknown": "not_given",
    "other-reason": "not_given",
}  # fmt: skip
"""Handles that say just what a reason of the house says."""

_COARSE: dict[str, tuple[str, ...]] = {
    "poor_quality": (
        "breaks-easily", "damaged-after-use", "damaged-after-washing", "damaged-after-wear", "dye-transferred",
        "embellishment-fell-off", "logo-peeling", "loose-seams", "loose-threads", "material-not-durable",
        "poor-stitching", "pulls-in-fabric", "seams-splitting", "sturdiness",
    ),
    "defective": (
        "dried-out", "fails-to-detect-threats", "frame-crooked", "lens-popped-out-of-frame", "lens-scratched",
        "product-leaks", "product-overheats", "scratched", "stained", "surface-damage", "tarnished",
    ),
    "poorly_packed": ("packaging-not-sealed",),
    "wrong_item": ("wrong-amount",),
    "not_compatible": ("doesnt-fit-phone", "doesnt-fit-tv", "optic-didnt-fit", "vehicle-fit", "voltage"),
    "color_differs": ("color-too-bright", "color-too-muted"),
    "ordered_by_mistake": ("duplicate-order", "ordered-wrong-format", "wrong-format", "wrong-hand"),
    "changed_mind": ("budget", "ordered-multiple", "trial-period-ending"),
    "style": ("fabric", "frame-color", "skin-tone"),
    "poor_fit": (
        "band-rolls-down", "band-rolls-up", "comfort", "cups-gaping", "doesnt-fit-mattress", "pressure-points",
        "restrictive", "rubbing", "uncomfortable-in-ear", "underwire",
    ),
    "too_large": ("loose-around-ankle", "loose-around-thighs"),
    "too_small": ("tight-around-ankles", "tight-around-thighs"),
}  # fmt: skip
_NO_SIZE = ("type-too-", "field-of-view-too-", "pockets-too-")
_SIZES = {
    "too_large": ("too-big", "too-large", "too-long", "too-loose", "too-wide"),
    "too_small": ("too-narrow", "too-short", "too-small", "too-tight"),
}
COARSE = {handle: reason for reason, handles in _COARSE.items() for handle in handles}


def coarse(handle: str) -> str:
    """The plainer word that the house has for what a handle says, '' where it has none."""
    if handle in COARSE or handle.startswith(_NO_SIZE):
        return COARSE.get(handle, "")
    return next((reason for reason, ends in _SIZES.items() if handle.endswith(ends)), "")
