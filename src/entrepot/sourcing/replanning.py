"""Whether what an order is promised goes elsewhere, as long as nothing of it is released. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from entrepot.sourcing import cost
from entrepot.sourcing.rules import Plan, Profile, Share, SortedOut

FORBIDS = ("excluded", "offline", "kind", "distance")
"""Rules that forbid a node what it was promised before. One that is busy, or ships late, keeps it: its promises are
what makes it so, and they would go to and fro."""

Why = Literal["barred", "better", "same", "not better", "nobody else", "more urgent wait", "not wanted"]
"""Why promises are moved (`barred`: their node may not serve any more; `better`: the plan is), or kept."""


class Verdict(NamedTuple):
    """Whether promises move, why, and what both plans cost where cost decides."""

    moves: bool
    why: Why
    cost_before: int | None = None
    cost_after: int | None = None


def barred(
    nodes: SortedOut, old: Collection[UUID], leave: Collection[UUID], unserved: Collection[UUID] = ()
) -> dict[UUID, str]:
    """Of the nodes that have promises, those that may not serve any more, and by which rule: `left` is one that a
    person moves everything off, `inactive` one that serves the channel no more, `no service` one (`unserved`) that no
    carrier takes it from."""
    asked = {node.id for node in (*nodes.first, *nodes.after)}
    refused = {node.id: nodes.broken.get(node.code, "") for node in nodes.refused}
    found = {}
    for node in old:
        if node in leave:
            found[node] = "left"
        elif node in refused:
            if refused[node] in FORBIDS:
                found[node] = refused[node]
        elif node not in asked:
            found[node] = "inactive"
        elif node in unserved:
            found[node] = "no service"
    return found


def without(nodes: SortedOut, leave: Collection[UUID]) -> SortedOut:
    """The nodes without those that are left: they are not asked."""
    left = tuple(node for node in (*nodes.first, *nodes.after) if node.id in leave)
    if not left:
        return nodes
    first, after = (
        tuple(node for node in some if node.id not in leave) for some in (nodes.first, nodes.after)
    )
    broken = {**nodes.broken, **{node.code: "left" for node in left}}
    return nodes._replace(first=first, after=after, refused=(*nodes.refused, *left), broken=broken)


def verdict(
    old: Sequence[Share],
    plan: Plan,
    nodes: SortedOut,
    profile: Profile,
    *,
    forbidden: Collection[UUID],
    priced: cost.Wanted | None = None,
    by_itself: bool = False,
) -> Verdict:
    """Whether a plan takes the place of what is promised. `by_itself`: nobody asked for it, and the profile says how
    far the house goes. A promise is never given up for a wait: what no other plan serves whole stays."""
    if by_itself and (profile.replan == "off" or (profile.replan == "barred" and not forbidden)):
        return Verdict(False, "not wanted")
    if plan.short:
        return Verdict(False, "nobody else" if forbidden else "same")
    if by_place(old) == by_place(plan.shares):
        return Verdict(False, "same")
    if forbidden:
        return Verdict(True, "barred")
    if priced and profile.choose_by == "cost":
        before, after = cost_of(old, priced), cost_of(plan.shares, priced)
        is_better = before is not None and after is not None and saves(before, after, profile)
        return Verdict(is_better, "better" if is_better else "not better", before, after)
    is_better = _place(plan.shares, nodes, profile) < _place(old, nodes, profile)
    return Verdict(is_better, "better" if is_better else "not better")


def saves(before: int, after: int, profile: Profile) -> bool:
    """Whether a plan is cheaper by the profile's margin, and at all."""
    return after < before and (before - after) * 100 >= profile.replan_margin_percent * before


def by_place(shares: Sequence[Share]) -> dict[tuple[UUID, UUID], int]:
    """Units by line and node."""
    found: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for share in shares:
        found[share.line, share.node] += share.quantity
    return dict(found)


def cost_of(shares: Sequence[Share], priced: cost.Wanted) -> int | None:
    """What shares cost: their shipments, and of each line what its units add; None where a node has no price."""
    asked = {node.id: node for node in (*priced.nodes.first, *priced.nodes.after)}
    used = {share.node for share in shares}
    if any(node not in asked or node not in priced.shipping for node in used):
        return None
    lines = {line.id: line for line in priced.lines}
    shipments = sum(priced.of_shipment(asked[node]) for node in used) - priced.profile.split_minor
    return shipments + sum(
        priced.of_line(lines[one.line], asked[one.node]) * one.quantity // lines[one.line].quantity
        for one in shares
    )


def _place(shares: Sequence[Share], nodes: SortedOut, profile: Profile) -> tuple[int, int]:
    """The shipments, where they count, and how far down the preferred nodes the units come from. A node that may keep
    what it has though it is not asked stands before all: nothing leaves it for nothing."""
    rank = {node.id: place for place, node in enumerate((*nodes.first, *nodes.after), 1)}
    shipments = 0 if profile.choose_by == "line" else len({share.node for share in shares})
    return shipments, sum(rank.get(share.node, 0) * share.quantity for share in shares)


class Waits(NamedTuple):
    """The most urgent of those who wait for a SKU: its urgency, and its order."""

    urgency: tuple[object, ...]
    order: UUID


def yields(
    order: UUID,
    urgency: tuple[object, ...],
    old: Sequence[Share],
    new: Sequence[Share],
    waiting: Mapping[UUID, Sequence[Waits]],
) -> bool:
    """Whether it would take units of a SKU that more urgent orders wait for, at a node where it has none yet."""
    had = by_place(old)
    taken = {one.sku for one in new if one.quantity > had.get((one.line, one.node), 0)}
    return any(one.order != order and one.urgency < urgency for sku in taken for one in waiting.get(sku, ()))
