"""Propose transfers between nodes, SKU by SKU; small ones are accepted by rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from entrepot.kernel import ids, money, policies, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import Refused
from entrepot.sourcing import rebalancing as rules
from entrepot.sourcing.commands.write_proposals import Row, write
from entrepot.stock import queries as stock


@dataclass(frozen=True, slots=True)
class ReviewStock:
    """All SKUs of a company are to be looked at."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StockReviewed:
    """How many SKUs will be looked at."""

    skus: int


@command("sourcing.review_stock")
def review_stock(cause: Cause, /, *, requests: Sequence[ReviewStock]) -> list[StockReviewed | Refused]:
    """Offer every SKU that stands somewhere, or is waited for, to the queue `rebalance`.

    Refuses: nothing. Again: offers them once. 1 statement.
    """
    found: dict[int, list[UUID]] = defaultdict(list)
    for company, sku in sql.run(_STOCKED, {"companies": [one.company for one in requests]}):
        found[company].append(sku)
    offer("rebalance", [(sku, 1, cause.at) for skus in found.values() for sku in skus])
    return [StockReviewed(len(found[one.company])) for one in requests]


@dataclass(frozen=True, slots=True)
class ProposeTransfers:
    """A SKU whose stock is to be balanced between nodes."""

    sku: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TransfersProposed:
    """Proposals for the SKU and their units, and how many of them the rule accepted."""

    sku: UUID
    proposals: int
    units: int
    accepted: int


@command("sourcing.propose_transfers")
def propose_transfers(
    cause: Cause, /, *, requests: Sequence[ProposeTransfers]
) -> list[TransfersProposed | Refused]:
    """New proposals for each SKU, in place of those that nobody has decided on.

    A proposal within the policy's limits is accepted by rule, with a work item for the node that sends.
    Locks: proposing, so that one run follows another, and the open proposals of the SKUs in id order.
    Refuses: nothing. Again: proposes the same. 13 statements; 2 more where something is proposed, and 1 where some of
    it is accepted.
    """
    skus = list({request.sku for request in requests})
    facts = _load(cause, skus)

    rows = [row for sku in sorted(facts.company) for row in _propose(cause, sku, facts)]

    sql.run(_FORGET, {"skus": skus})
    numbers = ids.numbers("RB", len(rows))
    rows = [row._replace(number=number) for row, number in zip(rows, numbers, strict=True)]
    write(cause, rows, _codes(facts))
    ready.drop("rebalance", skus)
    of: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        of[row.sku_id].append(row)
    return [
        TransfersProposed(
            one.sku, len(of[one.sku]), sum(row.quantity for row in of[one.sku]),
            sum(row.state == "accepted" for row in of[one.sku]),
        )
        for one in requests
    ]  # fmt: skip


# ---- load


Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of SKUs and of the nodes of their companies."""

    company: dict[UUID, int]
    code: dict[UUID, str]
    policy: dict[int, rules.Rebalancing]
    nodes: dict[int, list[rules.Place]]
    free: dict[Pair, int]
    coming: dict[Pair, int]
    sold: dict[Pair, int]
    waiting: dict[Pair, int]
    barred: set[tuple[UUID, UUID, UUID]]
    """Transfers that are accepted already, or were rejected lately."""
    values: dict[tuple[int, UUID, UUID], Decimal]


def _load(cause: Cause, skus: list[UUID]) -> _Facts:
    sql.run("SELECT pg_advisory_xact_lock(hashtextextended('sourcing.rebalance', 0))")
    under_way = sql.run(_UNDER_WAY, {"skus": skus})
    known = sql.run(_SKUS, {"skus": skus})
    company = {sku: of for sku, of, _ in known}
    companies = sorted(set(company.values()))
    in_force = policies.of_companies(companies, rules.Rebalancing, cause.at)
    policy = {of: body for of, (_, body) in in_force.items()}
    nodes: dict[int, list[rules.Place]] = defaultdict(list)
    for of, *place in sql.run(_NODES, {"companies": companies}):
        nodes[of].append(rules.Place(*place))
    steered = [(sku, policy[of]) for sku, of in company.items()]
    free: dict[Pair, int] = {(sku, node): units for sku, node, units in sql.run(_FREE, {"skus": skus})}
    sold = {(sku, node): units for sku, node, units in sql.run(_SOLD, _since(cause, steered))}
    coming: dict[Pair, int] = defaultdict(int)
    for sku, node, units, on in sql.run(_COMING, {"skus": skus}):
        if on <= cause.at.date() + timedelta(days=policy[company[sku]].cover_days):
            coming[sku, node] += units
    waiting = {(sku, node): units for sku, node, units in sql.run(_WAITING, {"skus": skus})}
    barred = {
        (sku, source, target)
        for sku, source, target, at in sql.run(_REJECTED, {"skus": skus})
        if at >= cause.at - timedelta(days=policy[company[sku]].rejected_days)
    }
    for sku, source, target, units in under_way:
        free[sku, source] = free.get((sku, source), 0) - units
        coming[sku, target] += units
        barred.add((sku, source, target))
    values = stock.unit_costs({(company[sku], sku, node) for sku, node in free})
    code = {sku: code for sku, _, code in known}
    return _Facts(company, code, policy, nodes, free, coming, sold, waiting, barred, values)


def _since(cause: Cause, steered: Iterable[tuple[UUID, rules.Rebalancing]]) -> dict[str, Any]:
    rows = [(sku, cause.at - timedelta(days=policy.window_days)) for sku, policy in steered]
    first = min((at for _, at in rows), default=cause.at)
    return sql.columns(("skus", "times"), rows) | {"first": first}


# ---- decide


def _propose(cause: Cause, sku: UUID, facts: _Facts) -> list[Row]:
    company = facts.company[sku]
    policy, places = facts.policy[company], {one.id: one for one in facts.nodes[company]}
    holdings = {
        node: rules.Holding(
            node, facts.free.get((sku, node), 0), facts.coming.get((sku, node), 0), facts.sold.get((sku, node), 0),
            facts.waiting.get((sku, node), 0),
        )
        for node in places
    }  # fmt: skip
    givers = [node for node, one in holdings.items() if rules.stand(one, policy).surplus]
    takers = [node for node, one in holdings.items() if rules.stand(one, policy).need]
    kilometers = {
        (source, target): rules.kilometers(places[source], places[target], policy)
        for source in givers
        for target in takers
    }
    costs = {
        (source, target): cost
        for (source, target), km in kilometers.items()
        if (sku, source, target) not in facts.barred
        and rules.is_worth(
            cost := rules.unit_cost(km, policy),
            money.round_half_away(facts.values[company, sku, source]),
            policy,
        )
    }
    rows = []
    for one in rules.rebalance(list(holdings.values()), costs, policy):
        value = money.round_half_away(facts.values[company, sku, one.source] * one.units)
        terms = {
            "km": kilometers[one.source, one.target], "unit_cost": one.unit_cost, "cover_days": policy.cover_days,
            "window_days": policy.window_days, "from": _terms(holdings[one.source], policy),
            "to": _terms(holdings[one.target], policy),
        }  # fmt: skip
        is_accepted = rules.is_accepted(one.units, value, policy)
        rows.append(
            Row(
                ids.uuid7(), "", company, sku, one.source, one.target, one.units, one.units * one.unit_cost, value,
                wire.dump(terms), "accepted" if is_accepted else "proposed", cause.at,
                cause.actor.name if is_accepted else "", cause.at if is_accepted else None,
            )
        )  # fmt: skip
    return rows


def _terms(one: rules.Holding, policy: rules.Rebalancing) -> dict[str, int]:
    it = rules.stand(one, policy)
    return {
        "free": one.free, "coming": one.coming, "sold": one.sold, "waiting": one.waiting, "target": it.target,
        "need": it.need, "surplus": it.surplus,
    }  # fmt: skip


def _codes(facts: _Facts) -> dict[UUID, str]:
    """Of SKUs and of nodes."""
    return facts.code | {place.id: place.code for places in facts.nodes.values() for place in places}


_STOCKED = """
SELECT company_id::int, sku_id FROM stock_position WHERE company_id = ANY(%(companies)s::smallint[])
UNION SELECT company_id::int, sku_id FROM sourcing_backorder WHERE company_id = ANY(%(companies)s::smallint[])
ORDER BY 1, 2
"""

# Those that are only proposed are locked with them, so that nobody accepts what this run takes the place of.
_UNDER_WAY = """
SELECT sku_id, from_node_id, to_node_id, quantity
FROM (SELECT * FROM sourcing_transferproposal
      WHERE sku_id = ANY(%(skus)s::uuid[]) AND state IN ('proposed', 'accepted') ORDER BY id FOR UPDATE) AS p
WHERE state = 'accepted'
"""

_SKUS = "SELECT id, company_id::int, code FROM catalog_sku WHERE id = ANY(%(skus)s::uuid[])"

_NODES = """
SELECT company_id::int, id, code, latitude, longitude FROM network_node
WHERE company_id = ANY(%(companies)s::smallint[]) AND active ORDER BY company_id, priority, code
"""

_FREE = """
SELECT sku_id, node_id, sellable - reserved - allocated - safety - fenced FROM stock_position
WHERE sku_id = ANY(%(skus)s::uuid[]) AND owner_id = company_id
"""

# Moves are numbered as they are recorded: what was recorded before the window need not be looked at.
_SOLD = """
SELECT m.sku_id, b.node_id, sum(m.quantity)::int
FROM (SELECT COALESCE((SELECT id FROM stock_move WHERE recorded_at < %(first)s::timestamptz
                       ORDER BY id DESC LIMIT 1), 0) AS id) AS before
CROSS JOIN unnest(%(skus)s::uuid[], %(times)s::timestamptz[]) AS k(sku, since)
CROSS JOIN LATERAL (
    SELECT sku_id, from_bucket, quantity FROM stock_move
    WHERE sku_id = k.sku AND id > before.id AND to_place = 'customer' AND document_kind <> 'return'
      AND occurred_at >= k.since) AS m
JOIN stock_bucket AS b ON b.id = m.from_bucket
GROUP BY 1, 2
"""

_COMING = """
SELECT sku_id, node_id, quantity, expected_on FROM stock_supply WHERE sku_id = ANY(%(skus)s::uuid[])
"""

# An order waits at the node that serves its channel before others. One that ships complete and waits for another of its
# lines does not: nodes that were asked had the units, and nodes of its channel have them still.
_WAITING = """
SELECT b.sku_id, first.node, sum(b.quantity)::int
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id
CROSS JOIN LATERAL (
    SELECT n.id AS node FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
    WHERE cn.channel_id = o.channel_id ORDER BY n.priority + cn.priority, n.code LIMIT 1) AS first
WHERE b.sku_id = ANY(%(skus)s::uuid[]) AND NOT (o.policy = 'ship_complete' AND b.quantity <= (
    SELECT COALESCE(sum(greatest(0, p.sellable - p.reserved - p.allocated - p.safety - p.fenced)), 0)
    FROM network_channelnode AS cn JOIN stock_position AS p ON p.node_id = cn.node_id
    WHERE cn.channel_id = o.channel_id AND p.sku_id = b.sku_id AND p.owner_id = b.company_id) AND EXISTS (
    SELECT FROM (SELECT reasons FROM sourcing_decision WHERE order_id = b.order_id ORDER BY id DESC LIMIT 1) AS last
    CROSS JOIN LATERAL jsonb_array_elements(last.reasons -> 'lines') AS told
    JOIN orders_line AS l ON l.id = b.line_id AND l.number = (told ->> 0)::int
    WHERE NOT last.reasons ? 'limit'
      AND b.quantity <= (SELECT sum(units::int) FROM jsonb_array_elements_text(told -> 2) AS units)))
GROUP BY 1, 2
"""

_REJECTED = """
SELECT sku_id, from_node_id, to_node_id, decided_at FROM sourcing_transferproposal
WHERE sku_id = ANY(%(skus)s::uuid[]) AND state = 'rejected'
"""

_FORGET = """
DELETE FROM sourcing_transferproposal WHERE sku_id = ANY(%(skus)s::uuid[]) AND state = 'proposed'
"""
