"""What should be ordered, how much, and the sum that it comes from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, sqrt
from statistics import NormalDist
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from msgspec import Meta

from entrepot.kernel.shapes import shape

Days = Annotated[int, Meta(ge=1, le=365)]
Count = Annotated[int, Meta(ge=0)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Service = Annotated[float, Meta(ge=50, le=99.99)]
Class = Literal["A", "B", "C"]


@shape("purchasing.reordering")
@dataclass(frozen=True, slots=True)
class Reordering:
    """When and how much is ordered again."""

    window_days: Days = 56
    """Days up to now whose sales tell the demand and how much it varies."""
    service_percent: Service = 95.0
    """In how many of a hundred lead times the stock should last until the goods come, where nothing below says else."""
    service_by_class: Mapping[Class, Service] = field(default_factory=dict)
    """The same for a class of SKUs, by what they sold in the window at cost."""
    service_of: Mapping[str, Service] = field(default_factory=dict)
    """The same for a SKU, by its code, whatever its class."""
    a_percent: Percent = 80
    """The SKUs that together make this much of what was sold at cost are class A."""
    b_percent: Percent = 95
    """Those up to this much are class B, and the others C."""
    review_days: Days = 7
    """Days of demand that are ordered beyond the reorder point."""
    order_value_max_minor: Count = 0
    """Up to this value a proposal is ordered by rule; 0: a person decides on each."""
    rejected_days: Count = 7
    """Days in which a proposal that was rejected is not made again."""


class Level(NamedTuple):
    """The service that a SKU is given, and what says so: its own code, its class, or the policy for all."""

    percent: float
    by: Literal["sku", "class", "all"]
    abc: str = ""


def level_of(policy: Reordering, code: str, abc: str) -> Level:
    """What is said of a SKU by itself counts before what is said of its class; one that was never put in a class has
    what holds for all."""
    if code in policy.service_of:
        return Level(policy.service_of[code], "sku", abc)
    if abc in policy.service_by_class:
        return Level(policy.service_by_class[abc], "class", abc)  # type: ignore[index]
    return Level(policy.service_percent, "all", abc)


class Lead(NamedTuple):
    """How long a supplier takes: days and their deviation, from so many deliveries (0: what it says itself)."""

    days: float
    deviation: float
    deliveries: int


class Offer(NamedTuple):
    supplier: UUID
    code: str
    cost: Decimal
    minimum: int
    pack: int


class Standing(NamedTuple):
    """What a node has of a SKU: free to be promised, on its way, waited for by orders."""

    free: int
    coming: int
    waiting: int

    @property
    def position(self) -> int:
        return self.free + self.coming - self.waiting


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of a proposal, term by term."""

    demand: float
    demand_deviation: float
    lead: Lead
    level: Level
    z: float
    safety: float
    reorder_point: float
    up_to: float
    position: int
    lacks: int
    quantity: int

    def terms(self, standing: Standing, offer: Offer, policy: Reordering) -> dict[str, Any]:
        return {
            "demand": round(self.demand, 3), "demand_deviation": round(self.demand_deviation, 3),
            "window_days": policy.window_days, "lead_days": round(self.lead.days, 2),
            "lead_deviation": round(self.lead.deviation, 2), "deliveries": self.lead.deliveries,
            "service_percent": self.level.percent, "service_by": self.level.by,
            "class": self.level.abc, "z": round(self.z, 3), "safety": round(self.safety, 2),
            "reorder_point": round(self.reorder_point, 2), "review_days": policy.review_days,
            "up_to": round(self.up_to, 2), "free": standing.free, "coming": standing.coming,
            "waiting": standing.waiting, "position": self.position, "lacks": self.lacks, "minimum": offer.minimum,
            "pack": offer.pack,
        }  # fmt: skip


def demand_of(sold: int, squares: int, days: int) -> tuple[float, float]:
    """Mean and deviation of what is sold in a day, from the sum and the sum of squares of the days' sales; days without
    a sale count as well."""
    mean = sold / days
    if days < 2:
        return mean, 0.0
    return mean, sqrt(max(0.0, (squares - sold * sold / days) / (days - 1)))


def lead_of(times: Sequence[float], said_days: int) -> Lead:
    """Lead time from deliveries, or what the supplier says where there is none."""
    if not times:
        return Lead(float(said_days), 0.0, 0)
    mean = sum(times) / len(times)
    if len(times) < 2:
        return Lead(mean, 0.0, 1)
    return Lead(mean, sqrt(sum((one - mean) ** 2 for one in times) / (len(times) - 1)), len(times))


def safety_stock(z: float, demand: float, demand_deviation: float, lead: Lead) -> float:
    """z·√(L·σd² + d²·σL²): what demand and lead time together may ask beyond their means."""
    return z * sqrt(lead.days * demand_deviation**2 + demand**2 * lead.deviation**2)


def in_packs(lacks: int, offer: Offer) -> int:
    """Units to order for what is lacking: the supplier's minimum at least, in whole packs."""
    wanted = max(lacks, offer.minimum)
    return -(-wanted // offer.pack) * offer.pack


def propose(
    demand: float,
    demand_deviation: float,
    lead: Lead,
    standing: Standing,
    offer: Offer,
    policy: Reordering,
    level: Level,
) -> Sum | None:
    """The order that brings a node's stock up to its level; None where it is above the reorder point, or where nobody
    asks for the SKU."""
    if not demand and not standing.waiting:
        return None
    z = NormalDist().inv_cdf(level.percent / 100)
    safety = safety_stock(z, demand, demand_deviation, lead)
    reorder_point = demand * lead.days + safety
    up_to = reorder_point + demand * policy.review_days
    if standing.position > reorder_point or (standing.position >= 0 and not demand):
        return None
    lacks = max(1, ceil(up_to - standing.position))
    return Sum(
        demand, demand_deviation, lead, level, z, safety, reorder_point, up_to, standing.position, lacks,
        in_packs(lacks, offer),
    )  # fmt: skip
