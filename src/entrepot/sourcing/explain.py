"""Why an order comes from where it comes from, told from what its decision recorded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from entrepot.sourcing import joint, turns

BARRED = ("rejected", "not asked")
"""Why a node is not asked for a line: it gave the line back, or too many have."""
KEEPS = ("minimum", *BARRED)
"""Rules by which a node that is asked has less to give than is free there."""


class Candidate(NamedTuple):
    """A node that was looked at, the units that it could have served, and what became of it.

    `verdict` is `chosen`, `runner_up` (the next one that could have served as much; where lines are served in turn, the
    next one that has some), `later` (it comes after the chosen
    one), `short` (it lacks units), or `refused` (by `rule`, which a node that was asked all the same broke as well).
    `km` and `costs`, by term in minor units for all of it, are there where they were known; those of a line are what it
    adds while the others come from where they do. `could` are the units that
    it could have served but for the rule, where that was more. `needs` is what it would have taken for this node to
    serve all of it alone: all that it says, together.
    """

    node: str
    units: int
    lacks: int
    verdict: str
    rule: str = ""
    km: int | None = None
    costs: Mapping[str, int] | None = None
    could: int = 0
    needs: Flip | None = None

    @property
    def cost_minor(self) -> int | None:
        return sum(self.costs.values()) if self.costs else None


class Flip(NamedTuple):
    """A change after which one node would have served it all; of an explanation, the nearest one.

    Without the `rule` that kept it from serving, with `units` more of what it lacked, a place `before` another, or
    `minor` less cost.
    """

    node: str
    units: int
    before: str
    minor: int = 0
    rule: str = ""


class Sent(NamedTuple):
    """Units that are sent instead of what was ordered, by SKU codes, and the rule for what they cost."""

    ordered: str
    by: str
    units: int
    price: str


class Limited(NamedTuple):
    """The shipments that an order may be split into, by what (`rules.Limit`), and the nodes that have some of what is
    short and were not asked for it because of that."""

    most: int
    by: str
    goods: str
    nodes: tuple[str, ...]


class LineExplained(NamedTuple):
    """A line: units wanted, who serves how many, every node that was looked at, the nearest change that flips it, what
    is sent instead, what suppliers send themselves, with the days until they do, and the suppliers who were not asked
    for what is short, with the reason of `drop_ship.NOT_ASKED`. The candidates' units are of what was ordered."""

    number: int
    units: int
    served: tuple[tuple[str, int], ...]
    candidates: tuple[Candidate, ...]
    flip: Flip | None
    instead: tuple[Sent, ...] = ()
    suppliers: tuple[tuple[str, int, int], ...] = ()
    not_passed: tuple[tuple[str, str], ...] = ()


class Together(NamedTuple):
    """The plan that was made for the order and those that were allocated with it: how many they are, what the plan
    costs with its penalties for units that it leaves out, what no plan costs less than, and by which way it was found
    (`joint.Solution.solver`). `followed`: whether the order went that way; else goods were gone by its turn, it was
    split too far, or no node had a whole line.
    """

    orders: int
    cost_minor: int
    bound_minor: int
    solver: str
    followed: bool

    @property
    def gap(self) -> float:
        """The part of the cost that a better plan could save at most."""
        return joint.gap(self.cost_minor, self.bound_minor)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of each node, and the nearest change that would have flipped the choice, if there is one.

    `softened`: whether soft rules were dropped for it, as those who keep every rule left something out.
    `costs_decided`: whether the costs that are told are those by which it was decided; else they are told afterwards
    (`telling`), and flips know nothing of them.
    """

    candidates: tuple[Candidate, ...]
    flip: Flip | None
    lines: tuple[LineExplained, ...] = ()
    softened: bool = False
    together: Together | None = None
    limited: Limited | None = None
    costs_decided: bool = True

    @property
    def has_costs(self) -> bool:
        return any(one.costs for one in self.candidates)


def explain(reasons: Mapping[str, Any]) -> Explanation:
    """Tell a decision from its reasons, as `sourcing.allocate` records them.

    `candidates` are [code, units it could serve] in order of preference. `units` (wanted) and `chosen` (codes) stand
    where no single node, the first that has all of it, serves it. `lines` are [number, units, [units free at each
    candidate]]; without them every candidate has all of it. `line_costs` are [number, {code: {term: minor}}] of several
    lines. `served` are [number, code, units], `rejected` [number, code, units that it could have served, `rejected` or
    `not asked`] (of old decisions the first two); `broken`, `could` and `km` go by code, `costs` by code and term.
    `softened` and `together` stand where they are so. `instead` are [number, ordered, by, units, price], `suppliers`
    [number, code, units, days, whether he was asked before nodes: then no change of theirs would have flipped it],
    `not_passed` [number, code, why]. Where each line is served by itself, `asked` is there, with the
    rest of what `turns.read` tells, and `ranked`: the codes of all nodes by preference, where a rule keeps one from
    being asked.
    `ahead` are the nodes that without their rule would have gone before the one that
    serves it, by preference; `limit` is [most, by, goods, nodes], where it kept nodes from being asked.
    """
    candidates = [(code, units) for code, units in reasons.get("candidates", ())]
    # One node that serves all of it serves as much as any could: then the units are not recorded again.
    wanted = reasons.get("units", max((units for _, units in candidates), default=0))
    whole = [code for code, units in candidates if units == wanted]
    chosen = list(reasons.get("chosen", ())) or whole[:1]
    barred = _barred(reasons)
    told = _Told(
        {**{code: rule for _, code, _, rule in barred}, **reasons.get("broken", {})}, reasons.get("km", {}),
        reasons.get("costs", {}), _could(candidates, barred, wanted) | reasons.get("could", {}), barred,
        reasons.get("ahead", ()),
    )  # fmt: skip
    seen = told.verdicts(candidates, wanted, chosen)
    refused = [
        Candidate(
            code, 0, 0, "refused", rule, told.km.get(code), told.costs.get(code), told.could.get(code, 0)
        )
        for code, rule in told.broken.items()
        if code not in {node for node, _ in candidates}
    ]
    if "asked" in reasons:
        return told.in_turn(seen, reasons)
    lines = told.lines([code for code, _ in candidates], reasons, chosen)
    flip = _lifted((*seen, *refused), wanted, told.ahead) or _nearest(seen)
    told_all = tuple(one._replace(needs=_needs(one, seen, wanted)) for one in (*seen, *refused))
    before_nodes = any(is_first for *_, is_first in reasons.get("suppliers", ()))
    planned = reasons.get("together")
    limit = reasons.get("limit")
    more = (
        bool(reasons.get("softened")),
        Together(**planned) if planned else None,
        Limited(limit[0], limit[1], limit[2], tuple(limit[3])) if limit else None,
    )
    if before_nodes:
        return Explanation((*seen, *refused), None, lines, *more)
    return Explanation(told_all, flip, lines, *more)


def with_lines(reasons: Mapping[str, Any], goods: Sequence[tuple[int, int]]) -> Mapping[str, Any]:
    """The reasons of a decision with the lines that it did not record, as every node that was asked has all of it.

    `goods` are the order's lines as (number, units); where they are not what was decided about, nothing is told of
    them.
    """
    if "asked" in reasons:
        known = {number: units for number, units, *_ in reasons.get("turns", ())}
        rest = [(number, units) for number, units in goods if number not in known]
        is_all = sum(known.values()) + sum(units for _, units in rest) == reasons.get("units")
        return {**reasons, "unserved": rest} if is_all else reasons
    could = [units for _, units in reasons.get("candidates", ())]
    wanted = reasons.get("units", max(could, default=0))
    if (
        "lines" in reasons
        or not could
        or set(could) != {wanted}
        or sum(units for _, units in goods) != wanted
    ):
        return reasons
    return {**reasons, "lines": [(number, units, [units] * len(could)) for number, units in goods]}


_Barred = tuple[int, str, int, str]
"""The number of a line, the code of a node that is not asked for it, the units that it could have served, and why."""


def _barred(reasons: Mapping[str, Any]) -> list[_Barred]:
    return [(line, code, *(more or (0, "rejected"))) for line, code, *more in reasons.get("rejected", ())]  # type: ignore[misc]


def _could(candidates: Sequence[tuple[str, int]], barred: Sequence[_Barred], wanted: int) -> dict[str, int]:
    """Units that nodes could have served, had they not rejected lines."""
    kept: dict[str, int] = {}
    for _, code, units, _ in barred:
        kept[code] = kept.get(code, 0) + units
    return {code: min(wanted, units + kept[code]) for code, units in candidates if kept.get(code)}


class _Told(NamedTuple):
    """What a decision recorded of its nodes, by code."""

    broken: Mapping[str, str]
    km: Mapping[str, int]
    costs: Mapping[str, Mapping[str, int]]
    could: Mapping[str, int]
    barred: Sequence[_Barred]
    ahead: Sequence[str] = ()

    def verdicts(
        self, candidates: Sequence[tuple[str, int]], wanted: int, chosen: Sequence[str]
    ) -> list[Candidate]:
        runner_up = next((code for code, units in candidates if units >= wanted and code not in chosen), None)
        seen = []
        for code, units in candidates:
            verdict = "short"
            if code in chosen:
                verdict = "chosen"
            elif code == runner_up:
                verdict = "runner_up"
            elif units >= wanted:
                verdict = "later"
            seen.append(
                Candidate(
                    code, units, max(0, wanted - units), verdict, self.broken.get(code, ""), self.km.get(code),
                    self.costs.get(code), self.could.get(code, 0),
                )
            )  # fmt: skip
        return seen

    def lines(
        self, codes: Sequence[str], reasons: Mapping[str, Any], chosen: Sequence[str]
    ) -> tuple[LineExplained, ...]:
        """Every line; what the only one costs is what the order does."""
        found = reasons.get("lines", ())
        costs = (
            dict(reasons.get("line_costs", ())) if len(found) > 1 else {one[0]: self.costs for one in found}
        )
        return tuple(
            self.line(
                number, units, dict(zip(codes, free, strict=True)), reasons, chosen, costs.get(number, {})
            )
            for number, units, free in found
        )

    def in_turn(self, seen: Sequence[Candidate], reasons: Mapping[str, Any]) -> Explanation:
        """An order whose lines are served one by one: of several, each has a flip of its own."""
        lines = tuple(self.turn(one, reasons) for one in turns.read(reasons))
        softened = bool(reasons.get("softened"))
        if len(lines) == 1:
            return Explanation(lines[0].candidates, lines[0].flip, lines, softened)
        refused = self.refused(code for code, _ in reasons["candidates"])
        return Explanation((*seen, *refused), None, lines, softened)

    def turn(self, of: turns.Turn, reasons: Mapping[str, Any]) -> LineExplained:
        """One line that the nodes served in turn."""
        served = dict(of.served)
        last = max((place for place, code in enumerate(of.asked) if code in served), default=-1)
        rest = list(of.asked)[last + 1 :]
        next_one = next((code for code in rest if of.asked[code]), None) if served else None
        mine = {code: (there, rule) for line, code, there, rule in self.barred if line == of.number}
        seen = []
        for code, there in of.asked.items():
            could, rule = mine.get(code, (0, self.broken.get(code, "")))
            if code not in mine and (code in of.could or rule == "minimum"):
                # Of several lines a node may keep something back of some only.
                could = of.could.get(code, 0)
                rule = "minimum" if could else ""
            verdict = "chosen" if code in served else "runner_up" if code == next_one else "short"
            units = min(there, of.units)
            seen.append(
                Candidate(code, units, of.units - units, verdict, rule, self.km.get(code), could=could)
            )
        refused = self.refused(of.asked, of.others)
        passed = [by for line, *by in reasons.get("suppliers", ()) if line == of.number]
        flip = None
        if not any(is_first for *_, is_first in passed):
            whole = next((code for code, units in of.served if units == of.units), None)
            ranked = reasons.get("ranked", ())
            flip = _without_rule(seen, refused, of, ranked) or _nearest_in_turn(seen, whole)
        return LineExplained(
            of.number, of.units, of.served, (*seen, *refused), flip,
            tuple(Sent(*sent) for line, *sent in reasons.get("instead", ()) if line == of.number),
            tuple((code, n, days) for code, n, days, _ in passed),
            tuple((code, why) for line, code, why in reasons.get("not_passed", ()) if line == of.number),
        )  # fmt: skip

    def refused(
        self, asked: Iterable[str], could: Mapping[str, int] = MappingProxyType({})
    ) -> list[Candidate]:
        """The nodes that a rule kept from being asked, with what they could have served."""
        known = set(asked)
        return [
            Candidate(code, 0, 0, "refused", rule, self.km.get(code), could=could.get(code, 0))
            for code, rule in self.broken.items()
            if code not in known
        ]

    def line(
        self,
        number: int,
        units: int,
        free: Mapping[str, int],
        reasons: Mapping[str, Any],
        chosen: Sequence[str],
        costs: Mapping[str, Mapping[str, int]],
    ) -> LineExplained:
        """One line; where a single node serves the whole order, it serves the line as well."""
        if "served" in reasons:
            served = tuple((code, n) for line, code, n in reasons["served"] if line == number)
        else:
            served = ((chosen[0], units),) if chosen else ()
        could = [(code, min(units, there)) for code, there in free.items()]
        could.sort(key=lambda one: sum(costs.get(one[0], {}).values()))
        mine = {code: (there, rule) for line, code, there, rule in self.barred if line == number}
        is_only = len(reasons.get("lines", ())) == 1
        seen = [
            one._replace(
                costs=costs.get(one.node),
                could=mine[one.node][0]
                if one.node in mine
                else self.could.get(one.node, 0)
                if is_only
                else 0,
                rule=mine[one.node][1] if one.node in mine else one.rule if one.rule not in BARRED else "",
            )
            for one in self.verdicts(could, units, [code for code, _ in served])
        ]
        instead = tuple(Sent(*sent) for line, *sent in reasons.get("instead", ()) if line == number)
        passed = [by for line, *by in reasons.get("suppliers", ()) if line == number]
        suppliers = tuple((code, n, days) for code, n, days, _ in passed)
        refused = [
            Candidate(
                code,
                0,
                0,
                "refused",
                rule,
                self.km.get(code),
                costs.get(code),
                self.could.get(code, 0) if is_only else 0,
            )
            for code, rule in self.broken.items()
            if code not in free
        ]
        all_of_them = (*seen, *refused)
        flip = None
        if not any(is_first for *_, is_first in passed):
            flip = _lifted(all_of_them, units, self.ahead if is_only else ()) or _nearest(seen)
        not_passed = tuple((code, why) for line, code, why in reasons.get("not_passed", ()) if line == number)
        return LineExplained(number, units, served, all_of_them, flip, instead, suppliers, not_passed)


def _needs(one: Candidate, seen: Sequence[Candidate], wanted: int) -> Flip | None:
    """What a node would have needed to serve all of it alone; None of the one that does, and where nobody can say.

    That of one behind the node that serves it is a place before that one, or where costs decide, to be cheaper. Without
    its rule a node may still come after others where costs don't decide: nobody ranked it among them.
    """
    whole = next((place for place, of in enumerate(seen) if of.verdict == "chosen" and not of.lacks), None)
    if not wanted or (one.verdict == "chosen" and not one.lacks):
        return None
    by_rule = one.rule if one.verdict == "refused" or one.could > one.units else ""
    lacks = max(0, wanted - one.could) if by_rule else one.lacks
    alone = Flip(one.node, lacks, "", rule=by_rule) if lacks or by_rule else None
    if whole is None or one in seen[:whole]:
        return alone
    chosen = seen[whole]
    if one.verdict == "refused":
        dearer = (one.cost_minor or 0) - (chosen.cost_minor or 0)
        is_priced = one.cost_minor is not None and chosen.cost_minor is not None
        return Flip(one.node, lacks, chosen.node, dearer + 1, by_rule) if is_priced and dearer >= 0 else alone
    if chosen.cost_minor is None or one.cost_minor is None:
        return Flip(one.node, lacks, chosen.node, rule=by_rule)
    dearer = one.cost_minor - chosen.cost_minor
    return Flip(one.node, lacks, chosen.node, dearer + 1, by_rule) if dearer >= 0 else None


def _without_rule(
    seen: Sequence[Candidate], refused: Sequence[Candidate], of: turns.Turn, ranked: Sequence[str]
) -> Flip | None:
    """The most preferred node that would have served all of a line without its rule, of those that are asked until one
    serves some of it, and of those that a rule keeps from being asked before that one."""
    first = next((code for code, _ in of.served), None)
    places = [one.node for one in seen]
    asked = seen[: places.index(first) + 1] if first in places else seen
    before = ranked[: ranked.index(first)] if first in ranked else ranked
    able = [one for one in asked if one.could >= of.units]
    able += [one for one in refused if one.could and one.node in before]
    held = min(able, key=lambda one: ranked.index(one.node) if one.node in ranked else 0, default=None)
    return Flip(held.node, 0, "", rule=held.rule) if held else None


def _nearest_in_turn(seen: Sequence[Candidate], whole: str | None) -> Flip | None:
    """Fewest units that a node lacks, of those that are asked before any has some, and of the first that has; where
    that one has all of it, what puts the next one before it."""
    first = next((place for place, one in enumerate(seen) if one.units), len(seen))
    lacking = [one for one in seen[: first + 1] if one.lacks and one.rule not in KEEPS]
    if lacking:
        nearest = min(lacking, key=lambda one: one.lacks)
        return Flip(nearest.node, nearest.lacks, "")
    other = next((one for one in seen if one.verdict == "runner_up" and not one.lacks), None)
    return Flip(other.node, 0, whole) if whole and other else None


def _lifted(seen: Sequence[Candidate], wanted: int, ahead: Sequence[str]) -> Flip | None:
    """The first node that would have served all of it without its rule, of those before the one that does: that needs
    no goods. Who was refused stands before it where that is known (`ahead`, by preference)."""
    whole = next((place for place, one in enumerate(seen) if one.verdict == "chosen" and not one.lacks), None)
    able = [one for one in seen[:whole] if wanted and one.could >= wanted]
    if whole is not None:
        behind = [one for one in seen[whole:] if wanted and one.node in ahead and one.verdict != "chosen"]
        able += sorted(behind, key=lambda one: ahead.index(one.node))
    held = next(iter(able), None)
    return Flip(held.node, 0, "", rule=held.rule) if held else None


def _nearest(seen: Sequence[Candidate]) -> Flip | None:
    """Fewest units that a node lacks, where it would then go first; else what puts the runner-up before the chosen.

    One that keeps its minimum, or is not asked, lacks no goods.
    """
    places = [place for place, one in enumerate(seen) if one.verdict == "chosen" and not one.lacks]
    lacking = [one for one in seen[: places[0] if places else None] if one.lacks and one.rule not in KEEPS]
    if lacking:
        nearest = min(lacking, key=lambda one: one.lacks)
        return Flip(nearest.node, nearest.lacks, "")
    runner_up = next((one for one in seen if one.verdict == "runner_up"), None)
    if not places or runner_up is None:
        return None
    chosen = seen[places[0]]
    if chosen.cost_minor is None or runner_up.cost_minor is None:
        return Flip(runner_up.node, 0, chosen.node)
    dearer = runner_up.cost_minor - chosen.cost_minor
    # One that is cheaper and was not taken gave way to the other orders that were planned with it.
    return Flip(runner_up.node, 0, chosen.node, dearer + 1) if dearer >= 0 else None
