"""What promotions are given for, and what becomes of them where less than that is kept. Pure.

The house says it by code, by policy; an order keeps what held when it was placed, with the SKUs it was about then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from entrepot.kernel import wire
from entrepot.kernel.shapes import shape

GivenFor = Literal["spend", "quantity", "gift"]
WhenBroken = Literal["keep", "clawback"]


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """What a promotion is given for."""

    given_for: GivenFor = "spend"
    """For what was spent on qualifying goods, for how many units of them were bought, or as a gift that comes with
    goods: what bears the promotion counts for nothing towards a gift."""
    least_minor: int = 0
    """What has to be bought, before discounts, in minor units of the company's own currency (spend, gift)."""
    least_units: int = 0
    """How many units have to be bought (quantity, gift)."""
    each_time: bool = False
    """Given as many times as that was bought, as with one free of every two; otherwise once."""
    skus: tuple[str, ...] = ()
    """The goods that qualify, by SKU; with neither SKUs nor categories all do."""
    categories: tuple[str, ...] = ()
    """The goods that qualify, by category."""
    when_broken: WhenBroken = "keep"
    """What becomes of it when less is kept: the customer keeps it, or what the kept goods bear of it beyond what they
    would have been given is deducted."""


@shape("orders.promotions")
@dataclass(frozen=True, slots=True)
class Promotions:
    """What promotions are given for, by code. Of a code that is not here `returns.refunds` may know the threshold."""

    by_code: dict[str, PromotionPolicy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromotionTerms:
    """What a promotion of an order was given for when it was placed. `skus` are those of its goods that qualified; None
    where all do, also such as are added later."""

    given_for: GivenFor
    least_minor: int
    least_units: int
    each_time: bool
    skus: tuple[str, ...] | None
    when_broken: WhenBroken

    def qualifies(self, sku: str) -> bool:
        return self.skus is None or sku in self.skus

    def times(self, spent: int, units: int) -> int:
        """How many times a promotion is given for what was bought of qualifying goods."""
        asked = [
            (bought, least)
            for bought, least, of in (
                (spent, self.least_minor, "spend"),
                (units, self.least_units, "quantity"),
            )
            if least and self.given_for in (of, "gift")
        ]
        found = min((bought // least for bought, least in asked), default=1)
        return found if self.each_time else min(1, found)


def fix(policy: PromotionPolicy, goods: Mapping[str, str]) -> PromotionTerms:
    """The terms of a promotion for an order of goods, which are its SKUs with their categories."""
    qualifying = None
    if policy.skus or policy.categories:
        qualifying = tuple(
            sku for sku, category in sorted(goods.items())
            if sku in policy.skus or (category and category in policy.categories)
        )  # fmt: skip
    return PromotionTerms(
        policy.given_for,
        policy.least_minor,
        policy.least_units,
        policy.each_time,
        qualifying,
        policy.when_broken,
    )


def terms_of(
    policies: Mapping[str, PromotionPolicy], goods: Mapping[str, str], codes: Iterable[str]
) -> dict[str, str]:
    """By code, the terms that an order keeps, as JSON; codes that no policy knows are left out."""
    return {code: wire.dump(fix(policies[code], goods)) for code in codes if code in policies}


def read(kept: str | None) -> PromotionTerms | None:
    """The terms that an order kept, from JSON; None of promotions without."""
    return None if kept is None else wire.load(kept, PromotionTerms)
