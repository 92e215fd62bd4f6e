"""What is counted when, and what becomes of a difference. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from msgspec import Meta

from entrepot.kernel.shapes import shape

Count = Annotated[int, Meta(ge=0)]
Some = Annotated[int, Meta(ge=1)]
Percent = Annotated[int, Meta(ge=0, le=100)]

CLASSES = ("A", "B", "C")
URGENT = 80
"""The priority of a count that a trigger asks for."""
BY_PERSON = "asked for"
WITHIN = "within tolerance"
"""The root cause that is noted for a difference too small for anybody to look for one."""

FOUND_AGAIN = "found again"
"""Why goods that were being looked for are sellable again: they are where they should be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """SKUs of some classes in some zones, by code, are counted again after `days`. Without classes or zones: of all."""

    days: Some
    classes: tuple[Literal["A", "B", "C"], ...] = ()
    zones: tuple[str, ...] = ()
    priority: int = 50


PLANS = {"class A": Plan(30, ("A",)), "class B": Plan(90, ("B",)), "class C": Plan(365, ("C",))}


@shape("warehouse.counting")
@dataclass(frozen=True, slots=True)
class Counting:
    """How a node's stock is counted: its scope is the node's code, without one it is for all nodes."""

    plans: Mapping[str, Plan] = field(default_factory=lambda: PLANS)
    """By name: what is counted again after how many days. Where several fit, the one that is most overdue counts."""
    class_by: Literal["value", "picks"] = "value"
    """What makes an A: the value of what was picked at cost, or how often it was."""
    class_days: Some = 90
    """Days whose picks make the classes."""
    a_percent: Percent = 80
    """The SKUs that together make this much are class A."""
    b_percent: Percent = 95
    """Those up to this much are class B, and the others C."""
    bins_per_night: Some = 200
    """Bins that the night plans at most, with what waits from nights before; a trigger or a person may ask for more."""
    empty_days: Count = 0
    """Empty bins of pick and reserve are looked at again after so many days, in nights that have room for them: what
    stands there unrecorded is found. 0: only when somebody asks."""
    due_hours: Some = 24
    triggers: tuple[Literal["short pick", "negative check"], ...] = ("short pick", "negative check")
    """What has a bin counted at once: a picker who did not find all, a loss that was more than the records had."""
    tolerance_units: Count = 2
    """A difference within all three tolerances is posted as it is; a larger one is counted again by somebody else."""
    tolerance_percent: Percent = 5
    tolerance_minor: Count = 2_000
    approve_above_minor: Count = 0
    """A difference that was counted twice is posted where its value is known and not more; else another person
    approves it."""
    causes: tuple[str, ...] = (
        "picked wrong", "put away wrong", "received wrong", "not recorded", "damaged", "stolen", "label wrong",
        "unit of measure", "counted wrong before", "unknown",
    )  # fmt: skip
    """The root causes that whoever approves a difference chooses from."""


# ---- what is counted


class Candidate(NamedTuple):
    """Goods in a bin; `age` is in days since they were counted last, None where they never were."""

    bin: UUID
    sku: UUID
    lot: str
    status: str
    zone: str
    abc: str
    age: int | None


class Due(NamedTuple):
    """A bin that is to be counted, by the plan that says so, with what is to be counted in it."""

    bin: UUID
    plan: str
    priority: int
    goods: tuple[Candidate, ...]


def plan_of(one: Candidate, plans: Mapping[str, Plan]) -> tuple[float, str] | None:
    """How overdue goods are and by which plan, 1 being due today; None where no plan wants them counted."""
    found = [
        (float("inf") if one.age is None else one.age / plan.days, name)
        for name, plan in plans.items()
        if (not plan.classes or one.abc in plan.classes) and (not plan.zones or one.zone in plan.zones)
    ]
    overdue = [(share, name) for share, name in found if share >= 1]
    return max(overdue, key=lambda pair: (pair[0], plans[pair[1]].priority, pair[1]), default=None)


LAST = 10
"""The priority of a count that can wait for all others."""
EMPTY = "empty bin"
"""Why a bin is counted in which nothing should stand."""


def choose_empty(ages: Iterable[tuple[UUID, int | None]], policy: Counting, room: int) -> list[UUID]:
    """The empty bins that are looked at next, at most `room`: of (bin, days since it was) those that never were, then
    those that were longest ago."""
    if not policy.empty_days:
        return []
    due = [
        (age is not None, -(age or 0), bin_) for bin_, age in ages if age is None or age >= policy.empty_days
    ]
    return [bin_ for *_, bin_ in sorted(due)[: max(0, room)]]


def choose(candidates: Iterable[Candidate], policy: Counting, room: int) -> list[Due]:
    """The bins that are counted next, at most `room`: by the priority of their plan, then class, then how overdue."""
    of_bin: dict[UUID, list[tuple[tuple[int, int, float], str, Candidate]]] = defaultdict(list)
    for one in candidates:
        if (plan := plan_of(one, policy.plans)) is not None:
            share, name = plan
            rank = (-policy.plans[name].priority, CLASSES.index(one.abc), -share)
            of_bin[one.bin].append((rank, name, one))
    bins = sorted(of_bin.items(), key=lambda pair: (min(rank for rank, *_ in pair[1]), pair[0]))
    due = []
    for place, goods in bins[: max(0, room)]:
        _, name, _ = min(goods, key=lambda one: (one[0], one[1]))
        due.append(Due(place, name, policy.plans[name].priority, tuple(one for *_, one in goods)))
    return due


# ---- what becomes of a difference


class Seen(NamedTuple):
    """What was counted against the records of that moment. `value_minor` is the cost of the difference, `claimed` the
    units that picks have a claim on, `unsure` says that a person has to look: something else speaks against it."""

    expected: int
    counted: int
    value_minor: int
    claimed: int = 0
    unsure: bool = False


def is_within(seen: Seen, policy: Counting) -> bool:
    """Whether a difference is small enough to be posted as it is: in units, in percent and in value."""
    units = abs(seen.counted - seen.expected)
    return (
        units <= policy.tolerance_units
        and units * 100 <= policy.tolerance_percent * seen.expected
        and seen.value_minor <= policy.tolerance_minor
    )


def outcome(seen: Seen, policy: Counting, again: bool) -> str:  # noqa: FBT001  the second half of the facts
    """The state of a counted line: agreed, posted, recount or waiting.

    What picks have a claim on may be in a picker's hands: less than the records is never posted at once where it is.
    """
    if seen.unsure:
        return "waiting"
    if seen.counted == seen.expected:
        return "agreed"
    taken = seen.claimed > 0 and seen.counted < seen.expected
    if is_within(seen, policy) and not taken:
        return "posted"
    if not again:
        return "recount"
    is_small = 0 < seen.value_minor <= policy.approve_above_minor  # of what nobody knows the cost, none is
    return "posted" if is_small and not taken else "waiting"


def state_of(lines: Iterable[str]) -> str:
    """What a task is by the states of its lines, once it was counted."""
    found = set(lines)
    return "recount" if "recount" in found else "waiting" if "waiting" in found else "done"


# ---- how right the records are


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of records that were counted: how many were right, and how far off the others.

    A record is one SKU and lot in one bin. `short` and `over` are units that were not there and that were too many.
    """

    name: str
    records: int
    right: int
    expected: int
    short: int
    over: int
    value_minor: int
    """Of all differences, whatever their sign."""

    @property
    def share(self) -> float:
        """Records that were right, of all."""
        return self.right / self.records if self.records else 1.0

    @property
    def signed(self) -> float:
        """The difference in units, losses against finds, of what was expected: what is wrong with the sum."""
        return (self.over - self.short) / self.expected if self.expected else float(self.over > 0)

    @property
    def absolute(self) -> float:
        """The units that are right of what was expected, where a find does not make up for a loss."""
        if not self.expected:
            return float(self.over == 0)
        return max(0.0, 1 - (self.over + self.short) / self.expected)
