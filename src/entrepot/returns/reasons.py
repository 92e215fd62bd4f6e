"""Why things come back: the codes of the house, what others call them, and what a company offers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from entrepot.kernel.shapes import shape
from entrepot.returns import handles
from entrepot.returns.rules import REASONS


class Abroad(NamedTuple):
    """What others call a reason: Shopify's return reason, and Amazon's customer reason code."""

    shopify: str
    amazon: str


ABROAD: dict[str, Abroad] = {
    "damaged_in_transit": Abroad("DEFECTIVE", "DAMAGED_BY_CARRIER"),
    "arrived_late": Abroad("OTHER", "MISSED_ESTIMATED_DELIVERY"),
    "undeliverable": Abroad("OTHER", "UNDELIVERABLE_UNKNOWN"),
    "defective": Abroad("DEFECTIVE", "DEFECTIVE"),
    "poor_quality": Abroad("DEFECTIVE", "QUALITY_UNACCEPTABLE"),
    "expired": Abroad("DEFECTIVE", "EXPIRED_ITEM"),
    "recalled": Abroad("DEFECTIVE", "DEFECTIVE"),
    "not_as_described": Abroad("NOT_AS_DESCRIBED", "NOT_AS_DESCRIBED"),
    "color_differs": Abroad("COLOR", "NOT_AS_DESCRIBED"),
    "not_compatible": Abroad("NOT_AS_DESCRIBED", "NOT_COMPATIBLE"),
    "wrong_item": Abroad("WRONG_ITEM", "SWITCHEROO"),
    "missing_parts": Abroad("OTHER", "MISSING_PARTS"),
    "poorly_packed": Abroad("OTHER", "DAMAGED_BY_FC"),
    "poor_fit": Abroad("OTHER", "APPAREL_STYLE"),
    "too_small": Abroad("SIZE_TOO_SMALL", "APPAREL_TOO_SMALL"),
    "too_large": Abroad("SIZE_TOO_LARGE", "APPAREL_TOO_LARGE"),
    "style": Abroad("STYLE", "APPAREL_STYLE"),
    "ordered_by_mistake": Abroad("UNWANTED", "ORDERED_WRONG_ITEM"),
    "changed_mind": Abroad("UNWANTED", "UNWANTED_ITEM"),
    "found_cheaper": Abroad("UNWANTED", "FOUND_BETTER_PRICE"),
    "price_corrected": Abroad("OTHER", "NO_REASON_GIVEN"),
    "not_given": Abroad("UNKNOWN", "NO_REASON_GIVEN"),
}
SYSTEMS = ("x12", "shopify", "amazon")

COARSE: dict[tuple[str, str], str] = {
    **{("x12", code): reason for code, reason in (
        ("DA", "damaged_in_transit"), ("DM", "defective"), ("PR", "recalled"), ("EW", "poor_quality"),
        ("PS", "expired"), ("SD", "expired"), ("LP", "not_as_described"), ("OP", "not_as_described"),
        ("DI", "changed_mind"), ("EI", "changed_mind"), ("EO", "changed_mind"), ("MD", "changed_mind"),
        ("SM", "changed_mind"), ("SR", "changed_mind"), ("TE", "changed_mind"),
    )},
    **{("amazon", code): reason for code, reason in (
        ("EXTRA_ITEM", "wrong_item"), ("PART_NOT_COMPATIBLE", "not_compatible"), ("MISORDERED", "ordered_by_mistake"),
        ("UNAUTHORIZED_PURCHASE", "ordered_by_mistake"), ("EXCESSIVE_INSTALLATION", "not_compatible"),
        ("NEVER_ARRIVED", "undeliverable"), ("UNDELIVERABLE_REFUSED", "undeliverable"),
        ("UNDELIVERABLE_UNCLAIMED", "undeliverable"), ("UNDELIVERABLE_INSUFFICIENT_ADDRESS", "undeliverable"),
        ("UNDELIVERABLE_CARRIER_MISS_SORTED", "undeliverable"), ("UNDELIVERABLE_MISSING_LABEL", "undeliverable"),
        ("UNDELIVERABLE_FAILED_DELIVERY_ATTEMPTS", "undeliverable"),
    )},
}  # fmt: skip
"""Codes of others for which the house has a plainer word only: what they said is kept beside it."""

GENERAL = "not_given"
"""What a code of another system means that nobody here knows; the code is kept."""
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,59}")


Family = Literal["apparel", "shoes", "electronics", "home", "food", "beauty", "media"]
_USUAL = (
    "damaged_in_transit",
    "wrong_item",
    "arrived_late",
    "ordered_by_mistake",
    "changed_mind",
    "not_given",
)
FAMILIES: dict[Family, tuple[str, ...]] = {
    "apparel": ("too_small", "too_large", "poor_fit", "style", "color_differs", "poor_quality", *_USUAL),
    "shoes": ("too_small", "too_large", "poor_fit", "style", "color_differs", "poor_quality", *_USUAL),
    "electronics": (
        "defective",
        "missing_parts",
        "not_compatible",
        "not_as_described",
        "found_cheaper",
        *_USUAL,
    ),
    "home": ("not_as_described", "color_differs", "poor_quality", "missing_parts", "style", *_USUAL),
    "food": ("expired", "poorly_packed", "recalled", *_USUAL),
    "beauty": ("color_differs", "not_as_described", "expired", "poorly_packed", *_USUAL),
    "media": ("defective", "not_as_described", "not_compatible", *_USUAL),
}
"""What customers usually say of goods of a kind, in the order in which they are asked."""


@dataclass(frozen=True, slots=True)
class Own:
    """A reason of a company's own, finer than the one of the house that it is `of`."""

    of: str
    says: str


@shape("returns.reasons")
@dataclass(frozen=True, slots=True)
class Reasons:
    """Which reasons customers are offered, by category of the SKU.

    `by_category` names codes in their order; '' is for every category that is named nowhere, and without it all are
    offered. `families` says what kind of goods a category is, to be offered what is usual for these. `own` are a
    company's own codes, each of one of the house. `retired` ones are not taken any more; returns that have them keep
    them.
    """

    by_category: dict[str, tuple[str, ...]] = field(default_factory=dict)
    own: dict[str, Own] = field(default_factory=dict)
    retired: tuple[str, ...] = ()
    families: dict[str, Family] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code, one in self.own.items():
            if one.of not in REASONS:
                raise ValueError(f"own: expected {code} to be of one of {', '.join(REASONS)}, found {one.of}")
            if code in REASONS or not code.replace("_", "").isalnum():
                raise ValueError(f"own: expected a code of letters that the house has not, found {code}")
        known = {*REASONS, *self.own}
        for code in (*self.retired, *(one for some in self.by_category.values() for one in some)):
            if code not in known:
                raise ValueError(f"expected codes among {', '.join(sorted(known))}, found {code}")


class Named(NamedTuple):
    """A reason as it is kept: the code of the house, and the company's own where one was meant; or, as `x12:EI`, what
    another system said, where the house has only a plainer word for it."""

    code: str
    own: str = ""


def says(policy: Reasons, code: str) -> str:
    return policy.own[code].says if code in policy.own else REASONS[code].says


def told(policy: Reasons, reason: str, own: str) -> str:
    """A reason as it is kept, in words, with what another system called it."""
    if own in policy.own and policy.own[own].of == reason:  # else the reason was corrected
        return policy.own[own].says
    return f"{REASONS[reason].says} ({own})" if ":" in own else REASONS[reason].says


def chosen(policy: Reasons, category: str) -> bool:
    """Whether the company itself says what is offered for goods of a category, and in which order."""
    return bool(_of_category(policy, category) or policy.by_category.get(""))


def _of_category(policy: Reasons, category: str) -> tuple[str, ...]:
    """The codes that are named for a category, or that are usual for its family."""
    named = policy.by_category.get(category, ())
    return named or (FAMILIES[policy.families[category]] if category in policy.families else ())


def offered(policy: Reasons, categories: Iterable[str]) -> dict[str, str]:
    """What customers may choose from for goods of these categories: code → words, in the order of the policy."""
    usual = policy.by_category.get("") or (*REASONS, *policy.own)
    wanted = [_of_category(policy, category) or usual for category in categories] or [usual]
    codes = dict.fromkeys(code for some in wanted for code in some if code not in policy.retired)
    return {code: says(policy, code) for code in codes}


def named(policy: Reasons, text: str) -> Named | None:
    """The reason that a code means: the house's, the company's own, or another system's as `amazon:DEFECTIVE`.

    Of several that another system calls alike, the first one of the table. A code of another system that is in no
    table means a general reason: what is on its way is not refused for a word.
    """
    system, _, code = text.partition(":")
    if code and system in SYSTEMS:
        return _from(system, _spelled(system, code.strip()), policy)
    if text in policy.retired:
        return None
    if text in policy.own:
        return Named(policy.own[text].of, text)
    return Named(text) if text in REASONS else None


def _spelled(system: str, code: str) -> str:
    """A code as its system spells it: in capitals, but for the handles of Shopify, which its values of old are not."""
    capitals = code.upper()
    return code.lower() if system == "shopify" and (system, capitals) not in _FROM_ABROAD else capitals


def _from(system: str, code: str, policy: Reasons) -> Named | None:
    """What a code of another system means; a reason of the house that the company has retired is a general one."""
    if not _CODE.fullmatch(code.upper()):
        return None
    plain = code.removeprefix("CR-") if system == "amazon" else code
    exact, kept = _FROM_ABROAD.get((system, plain)), f"{system}:{code}"
    if exact is not None and exact not in policy.retired:
        return Named(exact)
    coarse = COARSE.get((system, plain)) or (handles.coarse(plain) if system == "shopify" else "") or GENERAL
    return Named(GENERAL if coarse in policy.retired else coarse, kept)


def codes(code: str) -> Mapping[str, str]:
    """What other systems call a reason of the house; '' where one has no word for it."""
    return {"x12": REASONS[code].x12, **ABROAD[code]._asdict()}


def _from_abroad() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    # What is general about a code of another system is its plainest meaning here.
    plain = {("shopify", "OTHER"): "not_given", ("amazon", "NO_REASON_GIVEN"): "not_given",
             ("shopify", "DEFECTIVE"): "defective", ("shopify", "UNWANTED"): "changed_mind",
             ("amazon", "APPAREL_STYLE"): "style"}  # fmt: skip
    for code in REASONS:
        for system, theirs in codes(code).items():
            if theirs:
                found.setdefault((system, theirs), code)
    return found | plain | {("shopify", handle): reason for handle, reason in handles.EXACT.items()}


_FROM_ABROAD = _from_abroad()
