"""What makes a return suspicious: pure rules, switched by a policy, each with the facts that it saw.

Customers are compared by keyed fingerprints (`parties.fingerprints`) and by their ids: no rule sees a name, a street or
a mail address, and none asks where somebody lives or what tier they have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from entrepot.kernel import money
from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape
from entrepot.returns.rules import OURS, REASONS

Mode = Literal["enforce", "warn", "off"]
Stage = Literal["authorized", "received", "inspected"]


@shape("returns.fraud", cluster_customers=(2, 10_000), hit_rate_of=(1, 1_000_000))
@dataclass(frozen=True, slots=True)
class FraudPolicy:
    """When a return is suspicious. Each rule lets the refund wait for a person (`enforce`), is only noted (`warn`), or
    is `off`. `memory_days`: how far back a customer's returns, and the fingerprints of them, are looked at.

    `trust_days`: what a person cleared of a customer only warns for so long, as far as it is about habits and not
    about what is in the box. `hit_rate_min_percent`: a rule of whose last `hit_rate_of` decided suspicions fewer were
    confirmed only warns (0: never mind).
    """

    velocity: Mode = "off"
    value: Mode = "off"
    cluster: Mode = "off"
    repeat: Mode = "off"
    empty_box: Mode = "off"
    serial_swap: Mode = "off"
    wardrobing: Mode = "off"
    memory_days: int = 365
    trust_days: int = 180
    hit_rate_min_percent: int = 0
    hit_rate_of: int = 20
    velocity_days: int = 30
    velocity_max: int = 4  # returns within these days, this one with them
    value_days: int = 90
    value_percent: int = 60  # of what was bought in these days, that comes back
    value_min_minor: int = (
        20_000  # less than this in returns, in the company's own currency, is nobody's habit
    )
    value_orders_min: int = 3  # somebody's first orders say nothing of them
    cluster_days: int = 90
    cluster_customers: int = (
        3  # who share an address, a mailbox or a telephone and return, this one with them
    )
    empty_box_percent: int = 30  # lighter than what was sent
    empty_box_min_g: int = 100  # below this difference scales and packaging say nothing
    wardrobing_grades: tuple[Literal["A", "B", "C", "D"], ...] = ("B", "C")  # used goods
    wardrobing_end_days: int = 5  # asked for so shortly before the window's end
    wardrobing_repeats: int = 3  # used goods came back so often in `memory_days`, this time with it

    def mode(self, rule: str) -> Mode:
        mode: Mode = getattr(self, rule)
        return mode


class Earlier(NamedTuple):
    """Another return of the same customer, asked for before."""

    at: datetime
    value_minor: int


class Shared(NamedTuple):
    """How many customers with returns, this one with them, share a fingerprint of a kind."""

    kind: str
    customers: int
    returns: int


class Weighed(NamedTuple):
    """Units on the scales, and what as many weighed when they were sent: by the packages and by the catalog."""

    sku: str
    units: int
    weight_g: int
    shipped_g: int
    catalog_g: int

    @property
    def expected_g(self) -> int:
        """The lesser of both, so that a heavy carton speaks against nobody; 0 where neither is known."""
        return min((g for g in (self.shipped_g, self.catalog_g) if g > 0), default=0)


class Swapped(NamedTuple):
    """A serial number that was read on a unit, and those that left with the order."""

    sku: str
    read: str
    left: tuple[str, ...]


class Worn(NamedTuple):
    """Units as they were graded; `days_left` of the window when the return was asked for."""

    sku: str
    grade: str
    reason: str
    days_left: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules see of a return at a stage."""

    at: datetime
    currency: str = ""
    value_minor: int = 0  # what was paid for the goods of this return
    earlier: tuple[Earlier, ...] = ()
    bought_minor: int = 0
    bought_orders: int = 0
    shared: tuple[Shared, ...] = ()
    confirmed: int = 0  # returns that persons confirmed as fraud: the customer's,
    confirmed_shared: int = 0  # and those of customers with whom a fingerprint is shared
    weighed: tuple[Weighed, ...] = ()
    swapped: tuple[Swapped, ...] = ()
    worn: tuple[Worn, ...] = ()
    worn_before: int = 0  # earlier returns of the customer of which something was used
    cleared: frozenset[str] = frozenset()  # rules that persons cleared the customer of, lately
    hits: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # rule → (confirmed, decided)
    home: str = ""  # the company's own currency, and what a unit of the order's was worth when it was placed
    rate: Decimal | None = None

    def at_home(self, minor: int) -> int:
        """An amount in the company's own currency, as `money.in_own` has it."""
        return money.in_own(minor, self.rate, self.currency, self.home)


class Found(NamedTuple):
    """Why a return is suspicious, in a sentence, with the facts."""

    reason: str
    facts: dict[str, Any]


class Suspicion(NamedTuple):
    """What a rule found; where it only warns, `reason` says why it does not let the refund wait."""

    rule: str
    mode: Mode
    reason: str
    facts: dict[str, Any]


Rule = Callable[[Facts, FraudPolicy], Found | None]
"""None is a pass."""


def velocity(facts: Facts, policy: FraudPolicy) -> Found | None:
    """More returns of the customer within `velocity_days` than `velocity_max`, this one with them."""
    since = facts.at - timedelta(days=policy.velocity_days)
    count = 1 + sum(since < one.at <= facts.at for one in facts.earlier)
    if count <= policy.velocity_max:
        return None
    told = {"returns": count, "returns_max": policy.velocity_max, "days": policy.velocity_days}
    days = policy.velocity_days
    one = Said("1 return of one customer within {0} days.", days)
    return Found(
        one if count == 1 else Said("{0} returns of one customer within {1} days.", count, days), told
    )


def value(facts: Facts, policy: FraudPolicy) -> Found | None:
    """At least `value_percent` of what the customer bought in `value_days` comes back, in minor units."""
    since = facts.at - timedelta(days=policy.value_days)
    returned = facts.value_minor + sum(one.value_minor for one in facts.earlier if since < one.at <= facts.at)
    enough = (
        facts.bought_orders >= policy.value_orders_min and facts.at_home(returned) >= policy.value_min_minor
    )
    if not enough or facts.bought_minor <= 0 or returned * 100 < facts.bought_minor * policy.value_percent:
        return None
    percent = returned * 100 // facts.bought_minor
    told = {
        "returned_minor": returned, "bought_minor": facts.bought_minor, "orders": facts.bought_orders,
        "currency": facts.currency, "percent": percent, "percent_max": policy.value_percent, "days": policy.value_days,
    }  # fmt: skip
    return Found(
        Said("{0} % of what the customer bought in {1} days comes back.", percent, policy.value_days), told
    )


def cluster(facts: Facts, policy: FraudPolicy) -> Found | None:
    """`cluster_customers` customers or more who returned lately share an address, a mailbox or a telephone."""
    many = [one for one in facts.shared if one.customers >= policy.cluster_customers]
    if not many:
        return None
    words = " and ".join(Said("{0} customers share {1}", one.customers, SHARED[one.kind]) for one in many)
    told = {
        "shared": [one._asdict() for one in many], "customers_max": policy.cluster_customers,
        "days": policy.cluster_days,
    }  # fmt: skip
    return Found(Said("Of those who returned in {0} days, {1}.", policy.cluster_days, words), told)


SHARED = {"address": Said("an address"), "email": Said("a mailbox"), "phone": Said("a telephone")}
"""By what customers are compared, as people say it."""


def repeat(facts: Facts, policy: FraudPolicy) -> Found | None:
    """A return of the customer, or of somebody with the same address, mailbox or telephone, was confirmed as
    fraud before."""
    if not facts.confirmed and not facts.confirmed_shared:
        return None
    told = {
        "confirmed": facts.confirmed, "confirmed_shared": facts.confirmed_shared, "days": policy.memory_days,
    }  # fmt: skip
    whose = (
        Said("of the customer")
        if facts.confirmed
        else Said("of somebody with the same address, mailbox or telephone")
    )
    return Found(Said("A return {0} was confirmed as fraud in {1} days.", whose, policy.memory_days), told)


def empty_box(facts: Facts, policy: FraudPolicy) -> Found | None:
    """Units weigh less than they were sent with, by `empty_box_percent` and `empty_box_min_g` grams at least."""
    light = [one for one in facts.weighed if _is_light(one, policy)]
    if not light:
        return None
    words = ", ".join(
        Said(
            "{0} of {1} weigh {2} g and were sent with {3} g",
            one.units,
            one.sku,
            one.weight_g,
            one.expected_g,
        )
        for one in light
    )
    told = {"weighed": [one._asdict() for one in light], "percent_max": policy.empty_box_percent}
    return Found(Said("Too light: {0}.", words), told)


def _is_light(one: Weighed, policy: FraudPolicy) -> bool:
    missing = one.expected_g - one.weight_g
    return (
        missing >= max(policy.empty_box_min_g, 1)
        and missing * 100 > one.expected_g * policy.empty_box_percent
    )


def serial_swap(facts: Facts, policy: FraudPolicy) -> Found | None:  # noqa: ARG001  all rules are called alike
    """The serial number that came is none of those that were sent."""
    swapped = [one for one in facts.swapped if one.left and one.read not in one.left]
    if not swapped:
        return None
    words = ", ".join(Said("serial number {0} came for {1}", one.read, one.sku) for one in swapped)
    return Found(
        Said("Not what was sent: {0}.", words),
        {"swapped": [one._asdict() for one in swapped]},
    )


def wardrobing(facts: Facts, policy: FraudPolicy) -> Found | None:
    """Used goods that nothing was wrong with, late in the window, or again by the same customer."""
    used = [one for one in facts.worn if is_used(one.grade, one.reason, policy)]
    late = [one for one in used if 0 <= one.days_left <= policy.wardrobing_end_days]
    often = facts.worn_before + 1 >= policy.wardrobing_repeats
    if not used or not (late or often):
        return None
    words = []
    if late:
        words.append(
            Said("asked for {0} days before the end of the window", min(one.days_left for one in late))
        )
    if often:
        words.append(Said("the customer's {0}. return of used goods", facts.worn_before + 1))
    told = {
        "used": [one._asdict() for one in used], "end_days": policy.wardrobing_end_days,
        "before": facts.worn_before, "repeats": policy.wardrobing_repeats,
    }  # fmt: skip
    return Found(Said("Used goods, {0}.", " and ".join(words)), told)


def is_used(grade: str, reason: str, policy: FraudPolicy) -> bool:
    """Goods that were used and that nothing was wrong with: what the house answers for is nobody's fraud."""
    return grade in policy.wardrobing_grades and REASONS[reason].group not in OURS


STAGES: dict[Stage, dict[str, Rule]] = {
    "authorized": {"velocity": velocity, "value": value, "cluster": cluster, "repeat": repeat},
    "received": {"empty_box": empty_box},
    "inspected": {"empty_box": empty_box, "serial_swap": serial_swap, "wardrobing": wardrobing},
}
"""Stage → the rules that are asked at it, by the names of their modes in the policy."""

RULES = tuple(dict.fromkeys(name for rules in STAGES.values() for name in rules))

HABITS = frozenset({"velocity", "value", "cluster", "wardrobing"})
"""Rules about habits, which a person can clear a customer of for some time."""


def asked(policy: FraudPolicy, stage: Stage) -> tuple[str, ...]:
    """The rules that are not switched off at a stage."""
    return tuple(name for name in STAGES[stage] if policy.mode(name) != "off")


def judge(facts: Facts, policy: FraudPolicy, stage: Stage) -> tuple[Suspicion, ...]:
    """Ask every rule of a stage that the policy has not switched off."""
    found = []
    for name in asked(policy, stage):
        one = STAGES[stage][name](facts, policy)
        if one is not None:
            mode, why = _mode(name, facts, policy)
            found.append(Suspicion(name, mode, f"{one.reason} {why}".strip(), one.facts))
    return tuple(found)


def _mode(name: str, facts: Facts, policy: FraudPolicy) -> tuple[Mode, str]:
    """Whether a rule lets the refund wait: not where persons have said otherwise often enough."""
    mode = policy.mode(name)
    if mode != "enforce":
        return mode, ""
    if name in HABITS and name in facts.cleared:
        return "warn", f"Cleared by a person within {policy.trust_days} days: only noted."
    confirmed, decided = facts.hits.get(name, (0, 0))
    if decided >= policy.hit_rate_of and confirmed * 100 < decided * policy.hit_rate_min_percent:
        return "warn", f"{confirmed} of {decided} such suspicions were confirmed: only noted."
    return "enforce", ""
