"""The place of orders that wait to be sourced: the one in which they will be served."""

from __future__ import annotations

from datetime import datetime

from entrepot.kernel import policies, ready, sql
from entrepot.kernel.worker import BATCH
from entrepot.parties import queries as parties
from entrepot.sourcing.facts import Facts
from entrepot.sourcing.loading import load_lines, load_orders
from entrepot.sourcing.rules import Profile

AT_MOST = 50_000
"""Orders that are looked at in one go, the most urgent by their own priority first."""


def rank_waiting(at: datetime, *, batch: int = BATCH) -> int:
    """Give orders that nobody has asked about yet the place that a profile's tiers and margins will give them; returns
    how many it looked at.

    An order becomes ready with its own priority: rooms below know no profile. What is decided in one batch is sorted
    there, so only more than that is looked at. 2 statements, and 1 where a profile ranks; where some are to be looked
    at, those of the facts, the lines and the goods besides, however many orders.
    """
    if len(sql.run(_MORE_THAN, {"batch": batch})) <= batch:
        return 0
    companies = [one.id for one in parties.companies()]
    profiles = [
        profile
        for of_scope in policies.in_force_of(companies, Profile, at).values()
        for _, profile in of_scope.values()
    ]
    by_margin = any(one.margin_from_percent is not None for one in profiles)
    tiers = sorted({tier for one in profiles for tier in one.tier_priority})
    if not by_margin and not tiers:
        return 0
    params = {"by_margin": by_margin, "tiers": tiers, "at_most": AT_MOST}
    orders = load_orders([order for (order,) in sql.run(_OWN_ALONE, params)])
    facts, lines = Facts(orders.values(), at), load_lines(orders, at.date())
    facts.know(orders.values(), lines)
    ranked = (facts.ranked(order, lines[order.id]) for order in orders.values())
    ready.rank([
        ready.Offer("allocate", one.id, one.priority, one.promise_at or one.placed_at)
        for one in ranked
        if one.added
    ])  # fmt: skip
    return len(orders)


_MORE_THAN = "SELECT subject FROM kernel_ready WHERE queue = 'allocate' LIMIT %(batch)s + 1"

# Any other priority than an order's own came from a decision about it: that stands.
_OWN_ALONE = """
SELECT o.id FROM kernel_ready AS r JOIN orders_order AS o ON o.id = r.subject AND o.priority = r.priority
LEFT JOIN parties_customer AS c ON c.id = o.customer_id
WHERE r.queue = 'allocate' AND (%(by_margin)s OR c.tier = ANY(%(tiers)s::text[]))
ORDER BY r.priority DESC, r.due_at, r.subject LIMIT %(at_most)s
"""
