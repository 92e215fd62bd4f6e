"""The decision about one order, as sourcing makes it and as a replay makes it again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Said
from entrepot.orders import kits
from entrepot.orders.window import Fill
from entrepot.sourcing import batches, cost, joint, rules
from entrepot.sourcing.drop_ship import Passed, Supplier, with_suppliers
from entrepot.sourcing.rules import Free, Line, Plan, Profile, SortedOut
from entrepot.sourcing.substitutes import Instead, Option, with_substitutes


class Together(NamedTuple):
    """The node of each line, by order, in the cheapest plan for all orders that are planned by cost, and how good that
    plan is; None where none is."""

    assigned: Mapping[UUID, batches.Assigned]
    orders: int
    solution: joint.Solution | None = None

    def is_followed(self, order: UUID, plan: Plan) -> bool:
        """Whether a plan for an order is its part of the plan for all."""
        assigned = self.assigned.get(order, {})
        taken = {(share.line, share.node) for share in plan.shares}
        return (
            bool(taken) and not plan.short and taken == {(line, node.id) for line, node in assigned.items()}
        )


class Case(NamedTuple):
    """An order with all that a decision about it looks at. `priced` and `together` are there where cost decides: of the
    lines that go to no supplier before nodes are asked."""

    order: UUID
    policy: str
    lines: Sequence[Line]
    nodes: SortedOut
    free: Free
    nodes_max: int
    profile: Profile
    options: Mapping[UUID, Sequence[Option]]
    suppliers: Sequence[Supplier]
    priced: cost.Wanted | None
    together: Together
    fill: Fill | None = None
    """How much of it must have its goods before any leaves."""
    past: date | None = None
    """The last day on which it might have left, where that is over."""
    parts: Sequence[kits.Stands] = ()
    """Where the components of its kits stand, of an order with a least part."""


class Decision(NamedTuple):
    """The plan, what is sent instead of what was ordered, the nodes in the order in which they were asked, and what is
    passed to suppliers."""

    plan: Plan
    instead: tuple[Instead, ...]
    nodes: SortedOut
    passed: tuple[Passed, ...]


def decide(case: Case) -> Decision:
    """By cost where the profile says so and the plan of all can be followed; else by preference. What suppliers send is
    passed to them, and what is still short is sent as something else where it may be."""
    is_by_line = case.nodes_max == rules.BY_LINE
    limit = len(case.lines) + len(case.suppliers) if is_by_line else case.nodes_max
    nodes = case.priced.cheapest_first() if case.priced else case.nodes
    assigned = case.together.assigned.get(case.order, {})

    def plan_of(lines: Sequence[Line], policy: str, limit: int) -> Plan:
        if case.priced and list(lines) == list(case.priced.lines):
            plan = batches.follow(case.priced, assigned, limit, case.together.orders)
            if plan and not plan.softened:
                return plan
            alone = rules.plan(lines, nodes, case.free, policy, limit)
            # Goods may have come that nodes which keep every rule have now: those go first.
            return plan if plan and (alone.softened or alone.short) else alone
        return rules.plan(lines, nodes, case.free, policy, rules.BY_LINE if is_by_line else limit)

    plan = plan_of(case.lines, case.policy, limit)
    passed, lines, plan = with_suppliers(case.lines, plan, case.suppliers, case.policy, limit, plan_of)
    left = limit - len({one.supplier for one in passed})
    plan, sent = with_substitutes(
        lines, plan, case.options, case.profile, case.policy, lambda more, policy: plan_of(more, policy, left)
    )
    found = sum(share.quantity for share in plan.shares) + sum(one.quantity for one in passed)
    found -= _called_back(case, plan)
    why = _why_wait(case, found)
    if why:
        return Decision(_waiting(case, plan, why), (), nodes, ())
    return Decision(plan, sent, nodes, passed)


def _called_back(case: Case, plan: Plan) -> int:
    """Units that have their goods and come back, since their kits are not whole by the plan."""
    waits = {line.id: line.quantity for line in plan.short if line.kit}
    if not waits:
        return 0
    return sum(kits.halves(part._replace(waits=waits.get(part.line, 0)) for part in case.parts).values())


def _why_wait(case: Case, found: int) -> str:
    """Why all of it waits though some is there; '' where it need not."""
    if case.past:
        return Said("it may not leave after {0}, and that day is over", case.past)
    if case.fill and case.fill.lacks(found):
        have, least = case.fill.served + found, case.fill.least
        return Said(
            "only {0} of its {1} units are free, and fewer than {2} are not sent",
            have,
            case.fill.ordered,
            least,
        )
    return ""


def _waiting(case: Case, plan: Plan, why: str) -> Plan:
    """The plan of an order of which nothing is sent for now."""
    return replace(
        plan, shares=(), short=tuple(case.lines), outcome="backordered", why=why, chosen=(), softened=False, limited=(),
        waits=True,
    )  # fmt: skip


def not_asked(
    rejections: Collection[tuple[UUID, datetime]], profile: Profile, at: datetime
) -> set[UUID] | None:
    """Of the nodes that rejected a line, and when: those that are not asked, or None where too many have rejected it.
    Then nobody is."""
    if len({node for node, _ in rejections}) >= profile.rejections_max:
        return None
    since = at - timedelta(days=profile.rejection_days)
    return {node for node, rejected_at in rejections if rejected_at > since}
