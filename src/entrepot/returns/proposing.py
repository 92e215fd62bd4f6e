"""What becomes of a unit that was inspected: ordered rules, then its grade and what brings the most. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape
from entrepot.returns import matching, recovery
from entrepot.returns.checklists import SWAPPED
from entrepot.returns.recovery import Recovery, Sum
from entrepot.returns.rules import DISPOSITIONS, GRADES, REPAIR, Policy


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a unit that fits all that the rule names; what it does not name, it does not ask.

    `reasons` are codes or root causes, `conditions` as the customer says, `codes` are defects of which one is enough,
    `suppliers` codes of those who take the goods back and offer the SKU; values are of one unit today, in the company's
    own currency, `sold_days_max` days since it was sold. Of several `dispositions` the expected recovery chooses, and
    the first one stands where it says nothing; one alone leaves no choice.
    """

    name: str
    dispositions: tuple[str, ...]
    grades: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    suppliers: tuple[str, ...] = ()
    hazardous: bool | None = None
    value_from_minor: int = 0
    value_below_minor: int | None = None
    sold_days_max: int | None = None

    def __post_init__(self) -> None:
        if not self.dispositions:
            raise ValueError(f"{self.name}: dispositions: expected at least one, found none")
        matching.check_names(self.name, (
            ("dispositions", self.dispositions, DISPOSITIONS),
            ("grades", self.grades, GRADES),
            ("reasons", self.reasons, matching.REASONS_NAMED),
        ))  # fmt: skip


ALWAYS = (
    Rule("recalled goods are set apart", ("quarantine",), reasons=("recalled",)),
    Rule("a swapped unit may be the customer's own", ("quarantine",), codes=(SWAPPED,)),
)
"""Where no policy says otherwise."""


@shape("returns.dispositions")
@dataclass(frozen=True, slots=True)
class Dispositions:
    """Rules by which a disposition is proposed: the first one that fits. Where none does, the policy `returns` does by
    grade, and `returns.recovery` where the expected recovery decides."""

    rules: tuple[Rule, ...] = ALWAYS


class Unit(NamedTuple):
    """What is known of a unit that was inspected, with `goods` as the expected recovery sees them."""

    goods: recovery.Goods
    sku: str = ""
    reason: str = "not_given"
    condition: str = ""
    codes: tuple[str, ...] = ()
    suppliers: tuple[str, ...] = ()
    hazardous: bool = False
    to_repair: bool = False
    """Whether its customer asked for a repair: it stays his."""


class Proposal(NamedTuple):
    """A disposition and why; where the expected recovery chose, what each way brings of a unit."""

    disposition: str
    why: str
    sums: tuple[Sum, ...] = ()


def fits(rule: Rule, unit: Unit) -> bool:
    """Whether a rule is for a unit."""
    lists: tuple[tuple[Sequence[str], Collection[str]], ...] = (
        (rule.grades, {unit.goods.grade}),
        (rule.categories, {unit.goods.category}),
        (rule.skus, {unit.sku}),
        (rule.reasons, matching.names_of(unit.reason)),
        (rule.conditions, {unit.condition}),
        (rule.codes, unit.codes),
        (rule.suppliers, unit.suppliers),
    )
    price, age = unit.goods.price_minor, unit.goods.age_days
    return (
        matching.is_named(lists)
        and rule.hazardous in (None, unit.hazardous)
        and matching.is_between(price, rule.value_from_minor, rule.value_below_minor)
        and (rule.sold_days_max is None or age <= rule.sold_days_max)
    )


def propose(base: Policy, dispositions: Dispositions, weighs: Recovery, unit: Unit) -> Proposal:
    """What becomes of a unit: by the first rule that fits; where none does, by what brings the most or by its grade.
    What its customer wants repaired is, unless a rule sets it apart: it is not the house's to sell."""
    grade = unit.goods.grade
    if unit.to_repair:
        apart = next(
            (one for one in dispositions.rules if one.dispositions == ("quarantine",) and fits(one, unit)),
            None,
        )
        return (
            _by_rule(apart, weighs, unit)
            if apart
            else Proposal(REPAIR, Said("its customer wants it repaired"))
        )
    for rule in dispositions.rules:
        if fits(rule, unit):
            return _by_rule(rule, weighs, unit)
    found = recovery.sums(weighs, unit.goods)
    if found:
        said = Said("grade {0} ({1})", grade, GRADES[grade])
        return Proposal(found[0].disposition, recovery.told(found, said), found)
    by_grade = {str(of): str(one) for of, one in base.dispositions.items()}.get(grade, "dispose")
    return Proposal(by_grade, Said("grade {0} ({1}): {2}", grade, GRADES[grade], _words(by_grade)))


def _by_rule(rule: Rule, weighs: Recovery, unit: Unit) -> Proposal:
    """The one disposition of a rule; of several the one that is expected to bring the most."""
    if len(rule.dispositions) > 1:
        ways = {name: way for name, way in weighs.ways.items() if name in rule.dispositions}
        found = recovery.sums(replace(weighs, ways=ways), unit.goods)
        if found:
            return Proposal(found[0].disposition, recovery.told(found, rule.name), found)
    first = rule.dispositions[0]
    return Proposal(first, Said("{0}: {1}", rule.name, _words(first)))


def _words(disposition: str) -> str:
    return disposition.replace("_", " ")
