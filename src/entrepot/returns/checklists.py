"""What inspectors are asked of goods, and what the answers, the weight and the serial number say. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from entrepot.kernel.errors import Invalid, Refused, Said, one_of
from entrepot.kernel.shapes import shape
from entrepot.returns import errors
from entrepot.returns.rules import GRADES

LONGEST = 500
"""Characters of an answer."""
SWAPPED, LIGHTER, HEAVIER, LOT = "serial_swap", "lighter_than_sold", "heavier_than_sold", "other_lot"
"""Codes that the checks bring by themselves."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question about goods. `caps` says which answer brings which grade at most, `codes` which defect it means.

    An answer is `yes` or `no`, one of the `choices`, a text (`given`), or a number that is `below`, `within` or `above`
    the bounds `least` and `most`.
    """

    code: str
    asks: str
    kind: Literal["yes_no", "choice", "number", "text"] = "yes_no"
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    caps: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    required: bool = True

    def __post_init__(self) -> None:
        if not self.code or " " in self.code or not self.asks:
            raise ValueError("expected a code without spaces, and a question")
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError(f"{self.code}: a choice, and nothing else, has choices")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"{self.code}: expected least ≤ most, found {self.least} and {self.most}")
        unknown = (set(self.caps) | set(self.codes)) - set(self.verdicts)
        if unknown:
            raise ValueError(
                f"{self.code}: expected answers among {', '.join(self.verdicts)}, found {', '.join(unknown)}"
            )
        if not set(self.caps.values()) <= set(GRADES):
            raise ValueError(f"{self.code}: expected grades among {', '.join(GRADES)}")
        if any(not code or " " in code for code in self.codes.values()):
            raise ValueError(f"{self.code}: expected codes without spaces")

    @property
    def verdicts(self) -> tuple[str, ...]:
        usual = {"yes_no": ("yes", "no"), "number": ("below", "within", "above"), "text": ("given",)}
        return usual.get(self.kind, self.choices)


@shape("returns.checklists")
@dataclass(frozen=True, slots=True)
class Checklists:
    """What inspectors are asked, by category of the goods (`*` for all others).

    Goods that weigh over `weight_tolerance_percent` (None: no check) less than they were sold with have the grade
    `lighter_cap` at most. A serial number that did not leave with the order brings `swap_cap`.
    """

    by_category: dict[str, tuple[Question, ...]] = field(default_factory=dict)
    weight_tolerance_percent: int | None = None
    lighter_cap: str = "D"
    swap_cap: str = "D"

    def __post_init__(self) -> None:
        for category, questions in self.by_category.items():
            if len({one.code for one in questions}) != len(questions):
                raise ValueError(f"{category}: expected each code once")
        if not {self.lighter_cap, self.swap_cap} <= set(GRADES):
            raise ValueError(f"expected grades among {', '.join(GRADES)}")
        if self.weight_tolerance_percent is not None and not 0 <= self.weight_tolerance_percent <= 100:
            raise ValueError("weight_tolerance_percent: expected 0 to 100")

    def of(self, category: str) -> tuple[Question, ...]:
        return self.by_category.get(category, self.by_category.get("*", ()))


class Finding(NamedTuple):
    """An answer or a check, in words, with the grade that it brings at most and the defect that it means."""

    question: str
    asks: str
    answer: str
    cap: str = ""
    code: str = ""


def answered(questions: Sequence[Question], said: Mapping[str, str]) -> tuple[Finding, ...] | Refused:
    """What the answers say, in the order of the questions."""
    unknown = set(said) - {one.code for one in questions}
    if unknown:
        asked = ", ".join(one.code for one in questions) or "none: the checklist has no question"
        return Invalid(field="answers", expected=Said("of {0}", asked), found=", ".join(sorted(unknown)))
    given = {code: text.strip() for code, text in said.items() if text.strip()}
    missing = [one.code for one in questions if one.required and one.code not in given]
    if missing:
        return errors.AnswersMissing(codes=", ".join(missing))
    found = []
    for one in questions:
        if one.code not in given:
            continue
        verdict = _verdict(one, given[one.code])
        if isinstance(verdict, Refused):
            return verdict
        found.append(
            Finding(
                one.code, one.asks, given[one.code], one.caps.get(verdict, ""), one.codes.get(verdict, "")
            )
        )
    return tuple(found)


def _verdict(question: Question, text: str) -> str | Refused:
    if question.kind == "number":
        return _side(question, text)
    if question.kind == "text":
        if len(text) <= LONGEST:
            return "given"
        return Invalid(
            field=question.code,
            expected=Said("at most {0} characters", LONGEST),
            found=Said("{0} characters", len(text)),
        )
    if text in question.verdicts:
        return text
    return Invalid(field=question.code, expected=one_of(question.verdicts), found=text)


def _side(question: Question, text: str) -> str | Refused:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        return Invalid(field=question.code, expected="a whole number", found=text)
    number = int(text)
    if question.least is not None and number < question.least:
        return "below"
    return "above" if question.most is not None and number > question.most else "within"


def weighed(policy: Checklists, sold_g: int, found_g: int | None, units: int) -> tuple[Finding, ...]:
    """What the weight of units says beside what they were sold with; nothing where either is not known."""
    if policy.weight_tolerance_percent is None or found_g is None or sold_g <= 0:
        return ()
    expected = sold_g * units
    off = 100 * (found_g - expected)
    asks, answer = "weight", Said("{0} g, expected {1} g", found_g, expected)
    if off < -policy.weight_tolerance_percent * expected:
        return (Finding("weight", asks, answer, policy.lighter_cap, LIGHTER),)
    if off > policy.weight_tolerance_percent * expected:
        return (Finding("weight", asks, answer, "", HEAVIER),)
    return (Finding("weight", asks, answer),)


def matched(
    policy: Checklists, serial: str, serials: Collection[str], unknown: int, lot: str, lots: Collection[str]
) -> tuple[Finding, ...] | Refused:
    """Whether serial number and lot are of units that left with the order; a swap is told apart. Nothing is said where
    it is not known what left; of `unknown` units nobody noted a serial number of their own."""
    found = []
    if serial in serials:
        found.append(Finding("serial", Said("serial number"), Said("{0} left with the order", serial)))
    elif serials and not unknown:
        if not serial:
            return errors.SerialNeeded(left=len(serials))
        said = Said("{0} did not leave with the order", serial)
        found.append(Finding("serial", Said("serial number"), said, policy.swap_cap, SWAPPED))
    if lots and lot:
        same = lot in lots
        said = Said("{0} left with the order", lot) if same else Said("{0} did not leave with the order", lot)
        found.append(Finding("lot", "lot", said, "" if same else policy.swap_cap, "" if same else LOT))
    return tuple(found)


def capped(grade: str, found: Iterable[Finding]) -> tuple[str, str]:
    """The grade that stands: the inspector's, or the worst that an answer allows, with what lowered it ('' where
    nothing did). A grade that nobody named is the best that the answers allow."""
    worst = max(found, key=lambda one: one.cap or "", default=None)
    start = grade or next(iter(GRADES))
    if worst is None or not worst.cap or worst.cap <= start:
        return start, ""
    return worst.cap, Said("{0} at most: {1}: {2}", worst.cap, worst.asks, worst.answer)


def codes_of(found: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.code for one in found if one.code))
