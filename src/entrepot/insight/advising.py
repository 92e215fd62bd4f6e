"""What advice is: its kinds, the policy that steers it, and who may decide on a suggestion. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from msgspec import Meta

from entrepot.kernel.errors import Invalid, NotPermitted, Refused
from entrepot.kernel.shapes import shape
from entrepot.kernel.states import machine
from entrepot.returns.rules import REASONS

REASON, DEMAND, LABOR, PRIORITY = KINDS = ("return reason", "demand", "labor", "priority")
SUGGESTION = machine(
    "suggestion", "open",
    ("accept", "open", "accepted"), ("decline", "open", "declined", True), ("expire", "open", "expired"),
)  # fmt: skip

CONFIDENCE_MIN = {REASON: 0.7, DEMAND: 0.95, LABOR: 0.5, PRIORITY: 0.5}
"""Below it nothing is suggested, where the policy does not say otherwise."""
SURGE, SILENCE = "surge", "silence"

Share = Annotated[float, Meta(ge=0, le=1)]
Some = Annotated[int, Meta(ge=1)]
Days = Annotated[int, Meta(ge=1, le=365)]


@shape("insight.advice")
@dataclass(frozen=True, slots=True)
class Advice:
    """What the house suggests by itself. Nothing of it changes anything until somebody accepts it.

    `switched_off` names kinds of which nothing is suggested; `confidence_min` says by kind from which confidence on
    something is.
    """

    switched_off: tuple[str, ...] = ()
    confidence_min: Mapping[str, Share] = field(default_factory=dict)
    examples_min: Annotated[int, Meta(ge=20)] = 200
    """Inspected returns with a comment that the classes of reasons are fitted to at least."""
    weeks: Annotated[int, Meta(ge=4, le=52)] = 8
    """Weeks of history that a day's demand and labor are compared with."""
    false_share_max: Annotated[float, Meta(gt=0, le=0.5)] = 0.05
    """Of the anomalies of demand that are told, the share that may be chance."""
    deviation_min_percent: Annotated[int, Meta(ge=0)] = 50
    """How far from what was expected a day's demand has to be at least, however sure it is."""
    value_minor: Annotated[int, Meta(ge=0)] = 5_000
    """What is at stake with a work item of which nobody knows the value."""
    open_days: Days = 14
    """After so many days a suggestion that nobody decided on, and that is not made again, expires."""
    declined_days: Days = 30
    """Days in which a suggestion that somebody declined or accepted is not made again."""
    kept_days: Annotated[int, Meta(ge=90, le=3650)] = 730
    """After so many days a suggestion that expired undecided is forgotten."""

    def __post_init__(self) -> None:
        for name, found in (("switched_off", self.switched_off), ("confidence_min", self.confidence_min)):
            if unknown := sorted(set(found) - set(KINDS)):
                raise ValueError(
                    f"{name}: expected kinds among {', '.join(KINDS)}, found {', '.join(unknown)}"
                )

    def is_on(self, kind: str) -> bool:
        return kind not in self.switched_off

    def least(self, kind: str) -> float:
        return self.confidence_min.get(kind, CONFIDENCE_MIN[kind])


class Suggested(NamedTuple):
    """One suggestion as it is made: `about` tells it from others of its kind about the same subject."""

    kind: str
    subject_kind: str
    subject: UUID
    about: str
    suggested: Mapping[str, Any]
    confidence: float
    reasons: Mapping[str, Any]


SCHEMAS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    REASON: {"reason": (str,), "instead_of": (str,)},
    DEMAND: {"anomaly": (str,), "channel": (str,), "day": (str,), "units": (int,)},
    LABOR: {"step": (str,), "day": (str,), "shift": (str,), "people": (int,), "low": (int,), "high": (int,)},
    PRIORITY: {"priority": (int,), "place": (int,), "place_now": (int,)},
}
"""What a suggestion of each kind says, and of which type."""


def misfit_suggested(kind: str, suggested: Mapping[str, Any]) -> str:
    """Why something is no suggestion of a kind; '' where it is."""
    if kind not in SCHEMAS:
        return f"expected one of {', '.join(KINDS)}, found {kind}"
    schema = SCHEMAS[kind]
    if set(suggested) != set(schema):
        return f"expected {', '.join(schema)}, found {', '.join(suggested) or 'nothing'}"
    wrong = [name for name, types in schema.items() if not isinstance(suggested[name], types)]
    return f"expected another type of {', '.join(wrong)}" if wrong else ""


def needs(kind: str, suggested: Mapping[str, Any]) -> tuple[str, ...]:
    """The commands that somebody has to be allowed to give, to decide on a suggestion: what accepting it does."""
    match kind:
        case "return reason":
            return ("returns.correct_reasons",)
        case "demand":
            return ("purchasing.review_reorders" if suggested.get("anomaly") == SURGE else "work.open",)
        case "labor":
            return ("work.open", "work.assign")
        case _:
            return ("work.raise_items",)


def decide(
    event: str,
    state: str,
    kind: str,
    suggested: Mapping[str, Any],
    actor: str,
    may: Callable[[str], bool],
    why: str,
) -> str | Refused:
    """The state of a suggestion after somebody accepts or declines it, or why they can't."""
    lacking = [name for name in needs(kind, suggested) if not may(name)]
    if lacking:
        return NotPermitted(actor=actor, command=lacking[0])
    if event == "decline" and not why:
        return Invalid(field="reason", expected="why it is not followed", found="nothing")
    return SUGGESTION.step(state, event)


FLAWED = frozenset({"damaged_in_transit", "defective", "poor_quality", "expired", "missing_parts"})
"""Reasons that speak of a flaw which an inspector finds at the goods."""
SOUND = frozenset(code for code, one in REASONS.items() if one.group in ("fit", "remorse"))
"""Reasons that speak of goods without one. By the others an inspection tells nothing."""


def is_same_deed(kind: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether following one does what following the other does: an item's places change with others, and the interval
    of a forecast with its errors."""
    told_by = {PRIORITY: "priority", LABOR: "people"}.get(kind)
    return was.get(told_by) == now.get(told_by) if told_by else dict(was) == dict(now)


def is_same_advice(kind: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether what is suggested about a subject is what somebody decided on before: another reason or another day is
    not."""
    told_by = {REASON: "reason", DEMAND: "day"}.get(kind)
    return told_by is None or was.get(told_by) == now.get(told_by)
