"""Whether something may come back, for what, at which fee and where to: a policy's rules over a floor of law. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.shapes import shape
from entrepot.returns import errors, matching
from entrepot.returns.law import EXCEPTIONS, Law, law_of
from entrepot.returns.rules import (
    ASKED,
    MILESTONES,
    OURS,
    REASONS,
    SEND_AT,
    ExchangePolicy,
    MilestoneSaid,
    Policy,
    SendAtSaid,
)

CONDITIONS = ("unopened", "opened", "used", "damaged")
USUAL = tuple(one for one in ASKED if one not in ("keep", "repair"))
"""Outcomes where no rule says otherwise. That the customer keeps the goods needs a rule; so does a repair, for which a
house needs a workshop."""

CLAIMS = frozenset(
    {code for code, one in REASONS.items() if one.group == "quality"}
    | {"not_as_described", "color_differs", "wrong_item", "missing_parts", "damaged_in_transit"}
)
"""Reasons that say that the good is not as it has to be: by its quality, its description, its kind or quantity, or
because it was damaged before it was the customer's. The others say that he thinks otherwise of it."""

Answer = Literal["", "yes", "ask", "no"]
_GRAVITY = ("yes", "ask", "no")


@dataclass(frozen=True, slots=True)
class Rule:
    """Terms for whatever fits all that the rule names; what it does not name, it does not ask.

    `reasons` are codes or root causes, `tracked` is a SKU with lots or serial numbers, values are of one unit as it was
    paid (`value_of`: unit), of those of the line that shall come back, or of all that shall, in the company's own
    currency. `ordered_from` and `ordered_until` are the first and the last day of the order, `returned_until` a day
    until which nothing is too late, whatever the window says. Of several rules that fit, the first that says something
    about a term is heard on it. With `keep_when_cheaper` the customer may keep what is not worth its way back.
    """

    name: str
    categories: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    promotions: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    hazardous: bool | None = None
    tracked: bool | None = None
    final_sale: bool | None = None
    value_from_minor: int = 0
    value_below_minor: int | None = None
    value_of: Literal["unit", "line", "return"] = "unit"
    ordered_from: date | None = None
    ordered_until: date | None = None
    answer: Answer = ""
    window_days: int | None = None
    counted_from: Literal["", "delivery", "order"] = ""
    returned_until: date | None = None
    outcomes: tuple[str, ...] = ()
    fee_percent: int | None = None
    bonus_percent: int | None = None
    label: bool | None = None
    node: str = ""
    must_match: bool | None = None
    keep_when_cheaper: bool | None = None
    refund_at: MilestoneSaid = ""
    send_at: SendAtSaid = ""
    exception: Literal[EXCEPTIONS] = ""  # type: ignore[valid-type]

    def __post_init__(self) -> None:
        matching.check_names(self.name, (
            ("outcomes", self.outcomes, ASKED),
            ("conditions", self.conditions, CONDITIONS),
            ("reasons", self.reasons, matching.REASONS_NAMED),
        ))  # fmt: skip
        for name, most in (("fee_percent", 100), ("bonus_percent", 100), ("window_days", 3_660)):
            number = getattr(self, name)
            if number is not None and not 0 <= number <= most:
                raise ValueError(f"{self.name}: {name}: expected 0 to {most}, found {number}")
        if self.ordered_from and self.ordered_until and self.ordered_until < self.ordered_from:
            raise ValueError(
                f"{self.name}: ordered_until: expected {self.ordered_from} or later, found {self.ordered_until}"
            )


@shape("returns.authorization")
@dataclass(frozen=True, slots=True)
class Admission:
    """Rules by which returns are admitted; their scope is a channel, or all without one.

    Where no rule says something, the policy `returns` does: its window, from delivery, and its fee. What was sold as
    final does not come back then, but for a reason that the house answers for. `business_tiers`
    are tiers of customers who are no consumers: the law's minimum is not for them.

    `version_of`: whether a request is answered by the policies of the day of the sale, of its own, or by those that are
    `better` for the customer. Where no carrier tells of a delivery, it counts as made after the days of its service, or
    `transit_days` without one; with `untold` as stands, the law's days do not begin before a carrier tells.
    """

    rules: tuple[Rule, ...] = ()
    business_tiers: tuple[str, ...] = ()
    version_of: Literal["better", "sale", "request"] = "better"
    untold: Literal["transit", "stands"] = "transit"
    transit_days: int = 7


class Facts(NamedTuple):
    """What is known of one line that somebody wants to send back."""

    line: UUID
    sku: str
    category: str
    hazardous: bool
    tracked: bool
    final_sale: bool
    unit_minor: int
    line_minor: int
    return_minor: int
    reason: str
    condition: str
    tier: str
    promotions: frozenset[str]
    country: str
    ordered_on: date
    asked_on: date
    since_order: int
    since_delivery: int
    """Days since the last part came, as a carrier told it or as it is to be expected."""
    begun: bool
    """Whether the days to withdraw have begun: not while a part of the order is to come."""
    told: bool
    """Whether a carrier told of the delivery of every part that left."""
    named: frozenset[str]
    """The lot and serial number that the customer named."""
    left: frozenset[str]
    """Lots and serial numbers of the units that left."""

    @property
    def is_ours(self) -> bool:
        return REASONS[self.reason].group in OURS

    def value(self, of: str) -> int:
        """What is paid for a unit, for those of the line that shall come back, or for all that shall."""
        return {"unit": self.unit_minor, "line": self.line_minor, "return": self.return_minor}[of]


class Terms(NamedTuple):
    """The answer for a line. `objections` are why it is not simply yes; `reasons` are why it is what it is; where it is
    `by_law`, no fee of any kind is kept. Which rights of a consumer stand: he `withdraws` without a reason, or claims
    that the good `conforms` not, by the reason that he gives, and is believed; or he `claims` it and has to show it."""

    answer: str
    outcomes: tuple[str, ...]
    window_days: int
    days: int
    counted_from: str
    fee_percent: int
    bonus_percent: int
    label: bool
    node: str
    refund_at: str
    send_at: str
    weighed: bool
    """Whether it may be kept where that is cheaper than its way back."""
    reasons: tuple[str, ...]
    objections: tuple[str, ...]
    is_late: bool
    by_law: bool = False
    withdraws: bool = False
    conforms: bool = False
    claims: bool = False


def fits(rule: Rule, facts: Facts) -> bool:
    """Whether a rule is for a line."""
    lists: tuple[tuple[Sequence[str], Collection[str]], ...] = (
        (rule.categories, {facts.category}),
        (rule.skus, {facts.sku}),
        (rule.reasons, matching.names_of(facts.reason)),
        (rule.conditions, {facts.condition}),
        (rule.tiers, {facts.tier}),
        (rule.promotions, facts.promotions),
        (rule.countries, {facts.country}),
    )
    return (
        matching.is_named(lists)
        and rule.hazardous in (None, facts.hazardous)
        and rule.tracked in (None, facts.tracked)
        and rule.final_sale in (None, facts.final_sale)
        and matching.is_between(facts.value(rule.value_of), rule.value_from_minor, rule.value_below_minor)
        and (rule.ordered_from is None or rule.ordered_from <= facts.ordered_on)
        and (rule.ordered_until is None or facts.ordered_on <= rule.ordered_until)
    )


class _Heard:
    """The rules that fit a line, and what each term is by the first that speaks of it."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.reasons: list[str] = []

    def term(self, name: str, usual: Any) -> Any:
        for rule in self.rules:
            said = getattr(rule, name)
            if said not in ("", None, ()):
                return said
        return usual

    def by(self, name: str) -> str:
        """The rule that spoke of a term."""
        return next((rule.name for rule in self.rules if getattr(rule, name) not in ("", None, ())), "")


def terms(
    policy: Policy, admission: Admission, facts: Facts, exchanges: ExchangePolicy | None = None
) -> Terms:
    """The answer for a line: the rules that fit it, then the floor of law under them."""
    heard = _Heard([rule for rule in admission.rules if fits(rule, facts)])
    window, counted = heard.term("window_days", policy.window_days), heard.term("counted_from", "delivery")
    days = facts.since_order if counted == "order" else facts.since_delivery
    is_final = facts.final_sale and not facts.is_ours
    answer, objections = heard.term("answer", "no" if is_final else "yes"), []
    if answer != "yes":
        objections.append(heard.by("answer") or _FINAL)
    until = heard.term("returned_until", None)
    is_late = days > window and (until is None or facts.asked_on > until)
    if is_late:
        answer = max(answer, "no" if policy.late == "decline" else "ask", key=_GRAVITY.index)
        objections.append(Said("{0} days, beyond {1}", days, window))
    found = Terms(
        answer, heard.term("outcomes", USUAL), window, days, counted,
        0 if facts.is_ours else heard.term("fee_percent", policy.fee_percent), heard.term("bonus_percent", 0),
        heard.term("label", facts.is_ours), heard.term("node", ""), heard.term("refund_at", policy.refund_at),
        heard.term("send_at", (exchanges or ExchangePolicy()).send_at), bool(heard.term("keep_when_cheaper", None)),
        () if is_late else (_in_time(days, window, counted, until), *_told(heard)), tuple(objections), is_late,
    )  # fmt: skip
    law = law_of(facts.country, facts.ordered_on)
    if law and facts.tier not in admission.business_tiers:
        found = _not_below(found, law, facts, heard.term("exception", ""), _withdrawal_days(admission, facts))
    # Last: the law is about the goods that were sold, and these are others.
    unmatched = _unmatched(facts) if heard.term("must_match", False) else ""
    if unmatched:
        found = found._replace(answer="no", objections=(*found.objections, unmatched), is_late=False)
    return found


_FINAL = "it was sold as not to come back"


def _withdrawal_days(admission: Admission, facts: Facts) -> int:
    """Days of those to withdraw that are over."""
    runs = facts.begun and (facts.told or admission.untold == "transit")
    return facts.since_delivery if runs else 0


def _in_time(days: int, window: int, counted: str, until: date | None) -> str:
    if until and days > window:
        return Said("returns are taken until {0}", until.isoformat())
    return (
        Said("{0} of {1} days from the order", days, window)
        if counted == "order"
        else Said("{0} of {1} days", days, window)
    )


def until(terms: Terms, today: date) -> date | None:
    """The last of the days for a return as they are counted on a day; None where they are over, whatever else may let
    it in."""
    left = terms.window_days - terms.days
    return today + timedelta(days=min(left, DAYS_TOLD_MAX)) if left >= 0 else None


DAYS_TOLD_MAX = 36_500
"""Further ahead no last day is told: a window may have no end to speak of."""


def _told(heard: _Heard) -> list[str]:
    """The rules by which terms are not the usual ones."""
    names = (
        heard.by(term)
        for term in (
            "window_days",
            "returned_until",
            "outcomes",
            "fee_percent",
            "bonus_percent",
            "label",
            "node",
            "refund_at",
            "send_at",
            "keep_when_cheaper",
        )
    )
    return list(dict.fromkeys(name for name in names if name))


def _not_below(found: Terms, law: Law, facts: Facts, exception: str, withdrawal_days: int) -> Terms:
    """The terms, lifted to what the law gives a consumer at least."""
    if not exception and _within_days(withdrawal_days, law.withdraw_days):
        found = _withdrawing(found, law, withdrawal_days)._replace(withdraws=True)
    days = facts.since_delivery
    if facts.reason not in CLAIMS:
        return found
    if _within_days(days, law.conform_days):
        return _conforming(found, law, days)._replace(conforms=True)
    return _claiming(found, law, days) if _within_days(days, law.claim_days) else found


def _claiming(found: Terms, law: Law, days: int) -> Terms:
    """A claim that the customer has to prove: nobody turns it away unread, and a person reads it."""
    if found.answer != "no":
        return found._replace(claims=True)
    told = Said(
        "{0}: {1} of {2} days to show that it never conformed",
        law.says_of_goods or law.says,
        days,
        law.claim_days,
    )
    outcomes = found.outcomes if "exchange" in found.outcomes else ("exchange", *found.outcomes)
    return found._replace(
        answer="ask", outcomes=outcomes, objections=(*found.objections, told), is_late=False, claims=True
    )


def _within_days(days: int, given: int) -> bool:
    """Whether a right of so many days stands; of 0 days there is none, not even on the day of delivery."""
    return given > 0 and days <= given


def _withdrawing(found: Terms, law: Law, days: int) -> Terms:
    """The terms, lifted to the money back without a fee."""
    outcomes = found.outcomes if "refund" in found.outcomes else ("refund", *found.outcomes)
    if (found.answer, found.outcomes, found.fee_percent) == ("yes", outcomes, 0):
        return found._replace(by_law=True)
    told = Said("{0}: {1} of {2} days", law.says, days, law.withdraw_days)
    return found._replace(
        answer="yes",
        outcomes=outcomes,
        fee_percent=0,
        reasons=(*found.reasons, told),
        objections=(),
        is_late=False,
        by_law=True,
    )


def _conforming(found: Terms, law: Law, days: int) -> Terms:
    """The terms of what does not conform, lifted to another one at the house's cost, and first of all to the money back
    where the law gives that. A repair is as lawful as another one: a rule offers it beside, for not every house has
    a workshop."""
    rejects = _within_days(days, law.reject_days)
    offered = found.outcomes if found.answer == "yes" else ()
    lacks = ("refund",) * (rejects and "refund" not in offered)
    if "exchange" not in offered:
        lacks += ("exchange",)
    if found.answer == "yes" and not lacks and found.label:
        return found
    told = Said("{0}: it must conform for {1} days", law.says_of_goods or law.says, law.conform_days)
    if rejects:
        told = Said("{0}: {1} of {2} days to reject it", law.says_of_goods or law.says, days, law.reject_days)
    reasons = (*found.reasons, told) if found.answer == "yes" else (told,)
    return found._replace(
        answer="yes", outcomes=(*lacks, *offered), fee_percent=0, label=True, reasons=reasons, objections=(),
        is_late=False, by_law=True,
    )  # fmt: skip


def _unmatched(facts: Facts) -> str:
    """Why the lot or serial number does not show that these are the units that left; '' where it does."""
    if not facts.tracked:
        return ""
    if not facts.named:
        return Said("name the lot or serial number that stands on it")
    strange = sorted(facts.named - facts.left)
    return Said("{0} did not leave with this order", ", ".join(strange)) if strange else ""


def kept(one: Terms) -> Terms:
    """The terms of goods that their customer may keep, as they are not worth their way back."""
    if "keep" in one.outcomes or one.answer == "no":
        return one
    return one._replace(outcomes=(*one.outcomes, "keep"))


def better(asked: str, now: Terms, then: Terms) -> Terms:
    """Of two answers the one that is better for a customer who asks for this; of equals, that of now."""
    return min((now, then), key=lambda one: _worse(asked, one))


def _worse(asked: str, one: Terms) -> tuple[int | bool, ...]:
    """What a customer minds, the gravest first."""
    return (
        _GRAVITY.index(one.answer), asked not in one.outcomes, one.fee_percent, not one.label, -one.bonus_percent,
        MILESTONES.index(one.refund_at), SEND_AT.index(one.send_at), not one.weighed,
        -one.window_days,
    )  # fmt: skip


class Decision(NamedTuple):
    """What becomes of a request: `authorized`, or `requested` where a person has to look; with the reasons."""

    state: str
    reasons: tuple[str, ...]
    node: str


def decide(
    order: str, lines: Sequence[tuple[Facts, Terms]], asked: str, *, insist: str = "", goes_to: bool = False
) -> Decision | Refused:
    """Whether the lines of a request may come back together. `insist` is why a person wants it all the same;
    `goes_to` says that a node was named for it."""
    nodes = dict.fromkeys(one.node for _, one in lines)
    if len(nodes) > 1 and not goes_to:
        return errors.SeveralNodes(
            order=order, nodes=", ".join(sorted(node or "the usual one" for node in nodes))
        )
    if not insist:
        for facts, one in lines:
            refused = _refusal(order, facts, one, asked)
            if refused:
                return refused
    asks = any(one.answer == "ask" for _, one in lines) and not insist
    several = len({(one.reasons, one.objections) for _, one in lines}) > 1
    reasons = []
    for facts, one in lines:
        told = [*one.reasons, *(f"{why}: {insist or 'a person decides'}" for why in one.objections)]
        if insist and asked not in one.outcomes:
            told.append(f"{asked.replace('_', ' ')} is not offered: {insist}")
        reasons += [f"{facts.sku}: {why}" if several else why for why in told]
    return Decision("requested" if asks else "authorized", tuple(dict.fromkeys(reasons)), next(iter(nodes)))


def _refusal(order: str, facts: Facts, one: Terms, asked: str) -> Refused | None:
    if one.answer == "no" and one.is_late and len(one.objections) == 1:
        since = "it was placed {0} days ago" if one.counted_from == "order" else "it arrived {0} days ago"
        return errors.TooLate(order=order, since=Said(since, one.days), days=one.days, window=one.window_days)
    if one.answer == "no":
        return errors.NotAllowed(order=order, sku=facts.sku, why="; ".join(one.objections))
    if asked not in one.outcomes:
        offered = ", ".join(outcome.replace("_", " ") for outcome in one.outcomes)
        return errors.NotOffered(sku=facts.sku, asked=asked.replace("_", " "), offered=offered)
    return None
