"""What is kept of a decision, so that `explain` can tell why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from entrepot.sourcing import rules, turns
from entrepot.sourcing.facts import Line, Order, Version
from entrepot.sourcing.planning import Decided


def reasons_of(order: Order, lines: Sequence[Line], decided: Decided, version: Version) -> dict[str, Any]:
    """What `explain` needs to tell why. Where every node that was asked has all of it, lines tell nothing more."""
    plan, nodes, free = decided.plan, decided.nodes, decided.free
    units = sum(line.open + line.backordered for line in lines)
    if version.profile.choose_by == "line":
        found = _turns(lines, decided)
        told = reasons_by_line(order, plan, units, nodes, version, found)
        return told | _served_otherwise(lines, decided, found) | _rejected_and_instead(lines, decided)
    by_code = {node.code: node.id for node in (*nodes.first, *nodes.after)}
    why: dict[str, Any] = {"why": plan.why, "policy": order.policy, "candidates": plan.candidates}
    if any(could != units for _, could in plan.candidates) or decided.instead or decided.passed:
        asked = [by_code[code] for code, _ in plan.candidates]
        given = free if plan.softened else rules.left(free, nodes)
        why["lines"] = [
            (line.number, line.wanted().quantity, [given.get((line.sku, node), 0) for node in asked])
            for line in lines
        ]
    is_plain = plan.outcome == "allocated" and not decided.instead
    codes = {node: code for code, node in by_code.items()}
    if not is_plain or plan.chosen:
        why["units"] = units
        why["chosen"] = plan.chosen or list(dict.fromkeys(codes[one.node] for one in plan.shares))
    if not is_plain:
        numbers = {line.id: line.number for line in lines}
        why["served"] = [(numbers[one.line], codes[one.node], one.quantity) for one in plan.shares]
    could = {}
    if nodes.refused or nodes.after or nodes.keeps:
        wanted = [line.wanted() for line in lines]
        could = rules.without_rules(wanted, nodes, free, softened=plan.softened)
    keeping = {code: "minimum" for code in could if code in by_code}
    if plan.softened and nodes.keeps_rule == "soft":
        keeping |= {codes[node]: "minimum" for node in _into_minimum(plan, nodes, free)}
    whole = [code for code, n in plan.candidates if n == units]
    more = {
        "ahead": rules.ahead_of(nodes, could, units, why.get("chosen") or whole),
        "limit": [*decided.limit, plan.limited] if plan.limited else None,
        "not_passed": decided.not_passed,
        "broken": {**keeping, **nodes.broken},
        "could": could,
        "km": nodes.km,
        "costs": decided.terms,
        "line_costs": decided.terms_of_lines,
        "together": decided.together,
        "softened": plan.softened,
        "scope": version.scope,
        **_priority(order),
    }
    return why | _told(more) | _rejected_and_instead(lines, decided)


def _into_minimum(plan: rules.Plan, nodes: rules.SortedOut, free: rules.Free) -> set[UUID]:
    """Nodes that give of what they should keep."""
    taken: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for share in plan.shares:
        taken[share.sku, share.node] += share.quantity
    return {
        node
        for (sku, node), units in taken.items()
        if units > max(0, free.get((sku, node), 0) - nodes.keeps.get(node, 0)) and node in nodes.keeps
    }


def _turns(lines: Sequence[Line], decided: Decided) -> dict[str, Any]:
    """What each line found in its turn."""
    plan, nodes, free = decided.plan, decided.nodes, decided.free
    asked, others = rules.asked_by(plan, nodes)
    keeps = {} if plan.softened and nodes.keeps_rule == "soft" else nodes.keeps
    numbered = [(line.number, line.wanted()) for line in lines]
    told = {
        "asked": [node.code for node in asked],
        "others": [node.code for node in others],
        "turns": turns.keep(numbered, plan.shares, asked, rules.left(free, nodes) if keeps else free),
        "able": turns.keep_others(numbered, others, free),
        "kept": turns.keep_kept(numbered, plan.shares, asked, free, keeps) if keeps else (),
    }
    return told | {"could": rules.keeping([line for _, line in numbered], plan, nodes, free)}


def _served_otherwise(
    lines: Sequence[Line], decided: Decided, found: Mapping[str, Any]
) -> dict[str, list[tuple[int, str, int]]]:
    """What lines got, where that is not what the nodes have in turn; also where it is nothing."""
    asked, _ = rules.asked_by(decided.plan, decided.nodes)
    numbers, codes = {line.id: line.number for line in lines}, {node.id: node.code for node in asked}
    served = [(numbers[one.line], codes[one.node], one.quantity) for one in decided.plan.shares]
    in_turn = [(turn.number, *one) for turn in turns.read(found) for one in turn.served]
    return {"served": served} if sorted(served) != sorted(in_turn) else {}


def reasons_by_line(
    order: Order,
    plan: rules.Plan,
    units: int,
    nodes: rules.SortedOut,
    version: Version,
    found: Mapping[str, Any],
) -> dict[str, Any]:
    """As `reasons_of`, where each line is served by itself; `found` is what the lines found in their turns."""
    more = {
        "broken": dict.fromkeys(found.get("could", ()), "minimum") | dict(nodes.broken),
        "ranked": nodes.ranked,
        "km": nodes.km,
        "softened": plan.softened,
        "scope": version.scope,
        **_priority(order),
    }
    return {
        "why": plan.why,
        "policy": order.policy,
        "candidates": plan.candidates,
        "units": units,
        "chosen": plan.chosen,
    } | _told({**more, **found})


def _rejected_and_instead(lines: Sequence[Line], decided: Decided) -> dict[str, Any]:
    numbers = {line.id: line.number for line in lines}
    instead = [
        (numbers[one.line], one.option.ordered, one.option.code, one.quantity, one.option.price)
        for one in decided.instead.values()
    ]
    suppliers = [
        (numbers[one.line], one.code, one.quantity, one.lead_days, one.is_first) for one in decided.passed
    ]
    return _told({"rejected": decided.barred, "instead": instead, "suppliers": suppliers})


def _priority(order: Order) -> dict[str, Any]:
    """What an order is served with, by term, where that is not its own priority alone."""
    if not order.added:
        return {}
    return {"priority": order.priority, "priority_terms": {"own": order.own_priority, **order.added}}


def _told(more: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if value}
