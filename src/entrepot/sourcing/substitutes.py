"""What is sent instead of what was ordered, where nothing of that is free. Pure.

The order's line stays as it was frozen: its units are cancelled, and a line of its own has the units that are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape
from entrepot.orders.rules import PriceRule
from entrepot.sourcing.rules import Line, Plan, Profile, joined


@dataclass(frozen=True, slots=True)
class Set:
    """SKU codes that may be served by others, those in order of preference, and what the customer pays then.

    A SKU may stand on both sides; it never serves itself.
    """

    ordered: tuple[str, ...]
    by: tuple[str, ...]
    price: PriceRule = "lower"


@shape("sourcing.substitutes")
@dataclass(frozen=True, slots=True)
class Substitutes:
    """Which SKUs may be sent for which: its scope is a channel's code, without one it is for all channels. Whether any
    may be sent is said by `sourcing.profile`."""

    sets: tuple[Set, ...] = ()
    """The sets in which a SKU was ordered are tried in this order."""


class Goods(NamedTuple):
    """A SKU as far as it decides whether it may be sent for another."""

    id: UUID
    code: str
    minimum_age: int = 0
    hazardous: bool = False


class Option(NamedTuple):
    """A SKU that may be sent, what the customer pays then, and the code of what was ordered."""

    sku: UUID
    code: str
    price: PriceRule
    ordered: str


class Instead(NamedTuple):
    """Units of a line for which another SKU is sent."""

    line: UUID
    option: Option
    quantity: int


def may_substitute(profile: Profile, said: str) -> bool:
    """Whether an order may be sent something else, by what it or its customer said: `agreed`, `refused` or nothing."""
    if profile.substitutes == "agreed":
        return said == "agreed"
    return profile.substitutes == "unless refused" and said != "refused"


def codes_for(code: str, sets: Sequence[Set]) -> list[tuple[str, PriceRule]]:
    """SKU codes that may be sent for one, in order of preference; each once, by its first set."""
    found: dict[str, PriceRule] = {}
    for one in sets:
        if code in one.ordered:
            for by in one.by:
                found.setdefault(by, one.price)
    found.pop(code, None)
    return list(found.items())


def options(ordered: Goods, sets: Sequence[Set], known: Mapping[str, Goods]) -> list[Option]:
    """What may be sent for a SKU: not what is for older people, or dangerous, where the ordered SKU is not."""
    return [
        Option(by.id, by.code, price, ordered.code)
        for code, price in codes_for(ordered.code, sets)
        if (by := known.get(code))
        and by.minimum_age <= ordered.minimum_age
        and by.hazardous <= ordered.hazardous
    ]


PlanOf = Callable[[Sequence[Line], str], Plan]
"""The plan of lines under a policy; the nodes of the order and what is free are given."""


def with_substitutes(
    lines: Sequence[Line],
    plan: Plan,
    may: Mapping[UUID, Sequence[Option]],
    profile: Profile,
    policy: str,
    plan_of: PlanOf,
) -> tuple[Plan, tuple[Instead, ...]]:
    """A plan that sends something else instead of what `plan` leaves out, and what that is.

    `may` has the options of lines, the preferred first. One of them serves all that a line lacks, or none does, and no
    other line gets less for it. In the shares of the plan, a line with another SKU are units that are sent instead.
    """
    if not any(may.values()):
        return plan, ()
    if not plan.short:
        wants_fewer = plan.outcome == "split" and profile.substitute_before == "split"
        return _in_fewer_shipments(lines, plan, may, policy, plan_of) if wants_fewer else (plan, ())
    if policy != "ship_complete":
        return _instead_of_short(lines, plan, may, policy, plan_of, parts=profile.substitute_parts)
    # All of it waits as long as anything does: which lines are short is seen where each goes by itself.
    alone = plan_of(lines, "line_complete")
    _, sent = _instead_of_short(lines, alone, may, "line_complete", plan_of, parts=False)
    complete = plan_of(replaced(lines, sent), policy)
    return (_told(complete, sent), sent) if sent and not complete.short else (plan, ())


def _instead_of_short(
    lines: Sequence[Line],
    plan: Plan,
    may: Mapping[UUID, Sequence[Option]],
    policy: str,
    plan_of: PlanOf,
    *,
    parts: bool,
) -> tuple[Plan, tuple[Instead, ...]]:
    sent: tuple[Instead, ...] = ()
    lacking = {line.id: line.quantity for line in plan.short}
    for line in lines:
        missing = lacking.get(line.id, 0)
        if not missing or (missing < line.quantity and not parts):
            continue
        for option in may.get(line.id, ()):
            tried = (*sent, Instead(line.id, option, missing))
            found = plan_of(replaced(lines, tried), policy)
            is_served = all(one.id != line.id for one in found.short)
            if is_served and _short(found) + missing <= _short(plan):
                plan, sent = found, tried
                break
    return _told(plan, sent), sent


def _in_fewer_shipments(
    lines: Sequence[Line], plan: Plan, may: Mapping[UUID, Sequence[Option]], policy: str, plan_of: PlanOf
) -> tuple[Plan, tuple[Instead, ...]]:
    """Whole lines are exchanged, one after the other, where that saves a shipment."""
    sent: tuple[Instead, ...] = ()
    for line in lines:
        for option in may.get(line.id, ()):
            tried = (*sent, Instead(line.id, option, line.quantity))
            found = plan_of(replaced(lines, tried), policy)
            if not found.short and _shipments(found) < _shipments(plan):
                plan, sent = found, tried
                break
    return _told(plan, sent), sent


def replaced(lines: Sequence[Line], sent: Sequence[Instead]) -> list[Line]:
    """The lines as they are sent: what is sent instead under the line's own id, after what is left of it."""
    found = []
    by_line = {one.line: one for one in sent}
    for line in lines:
        instead = by_line.get(line.id)
        rest = line.quantity - (instead.quantity if instead else 0)
        if rest:
            found.append(line._replace(quantity=rest))
        if instead:
            found.append(line._replace(sku=instead.option.sku, quantity=instead.quantity))
    return found


def _short(plan: Plan) -> int:
    return sum(line.quantity for line in plan.short)


def _shipments(plan: Plan) -> int:
    return len({share.node for share in plan.shares})


def _told(plan: Plan, sent: Sequence[Instead]) -> Plan:
    if not sent:
        return plan
    first, *others = (one.option for one in sent)
    more = [Said("{0} instead of {1}", one.code, one.ordered) for one in others]
    ordered = joined([first.ordered, *more])
    return replace(plan, why=Said("{0}, with {1} instead of {2}", plan.why, first.code, ordered))
