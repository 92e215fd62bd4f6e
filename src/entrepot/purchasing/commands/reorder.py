"""Propose what should be ordered, SKU by SKU; small orders are placed by rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, policies, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import Refused
from entrepot.ledger import queries as ledger
from entrepot.purchasing import reordering as rules
from entrepot.purchasing.commands.proposals import Wanted, order_wanted
from entrepot.purchasing.reordering import Reordering
from entrepot.stock import rules as stock


@dataclass(frozen=True, slots=True)
class ReviewReorders:
    """All SKUs of a company that a supplier offers are to be looked at; or of these `skus`, those that one offers."""

    company: int
    skus: tuple[UUID, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ReordersReviewed:
    """How many SKUs will be looked at."""

    skus: int


@command("purchasing.review_reorders")
def review_reorders(
    cause: Cause, /, *, requests: Sequence[ReviewReorders]
) -> list[ReordersReviewed | Refused]:
    """Offer every SKU that has an offer to the queue `reorder`, put in its class anew by what was sold of it, at what
    its offers are worth in the company's currency.

    Refuses: nothing. Again: offers them once, in the same classes. 4 statements; 1 more where some are in another
    currency.
    """
    companies = sorted({one.company for one in requests})
    in_force = policies.of_companies(companies, Reordering, cause.at)
    policy = {company: body for company, (_, body) in in_force.items()}
    since = {company: _days_before(cause.at.date(), policy[company].window_days) for company in companies}
    wanted = {
        **sql.columns(("companies", "since"), list(since.items())),
        "first": min(since.values(), default=cause.at.date()),
        "until": cause.at.date(),
    }
    found = _figures(cause, [_Offered(*row) for row in sql.run(_OFFERED, wanted)])
    _classify(cause, found, policy)
    looked = [[sku for sku in found[one.company] if not one.skus or sku in one.skus] for one in requests]
    offer("reorder", [(sku, 1, cause.at) for skus in looked for sku in skus])
    return [ReordersReviewed(len(skus)) for skus in looked]


class _Offered(NamedTuple):
    """The least that a SKU costs in a currency, and the units of it that were sold."""

    company: int
    books: str
    sku: UUID
    currency: str
    cost: Decimal
    sold: int


def _figures(cause: Cause, offered: Sequence[_Offered]) -> dict[int, dict[UUID, int]]:
    """What was sold of each SKU at cost, by company; nothing where there is no rate of any currency it is offered
    in."""
    rates = _rates(cause, {(one.company, one.books, one.currency) for one in offered})
    costs: dict[tuple[int, UUID], list[tuple[bool, Decimal]]] = defaultdict(list)
    for one in offered:
        rate = rates.get((one.company, one.currency))
        if rate is not None:
            costs[one.company, one.sku].append((one.currency != one.books, one.cost * rate))
    found: dict[int, dict[UUID, int]] = defaultdict(dict)
    for one in offered:
        _, cost = min(costs[one.company, one.sku], default=(False, Decimal(0)))
        found[one.company][one.sku] = money.round_half_away(one.sold * cost * 100)
    return found


def _rates(cause: Cause, wanted: Iterable[tuple[int, str, str]]) -> dict[tuple[int, str], Decimal]:
    """What one of each currency is worth to its company today, of (company, its own currency, currency). 1 statement,
    none where all are the companies' own."""
    own = {(company, currency): Decimal(1) for company, books, currency in wanted if currency == books}
    today = cause.at.date()
    others = {(company, currency, today) for company, books, currency in wanted if currency != books}
    return own | {
        (company, currency): rate for (company, currency, _), rate in ledger.rates_at(others).items()
    }


def _classify(cause: Cause, sold: Mapping[int, Mapping[UUID, int]], policy: Mapping[int, Reordering]) -> None:
    """Write the class of each SKU. 1 statement."""
    rows = []
    for company, figures in sold.items():
        classes = stock.classes(figures, policy[company].a_percent, policy[company].b_percent)
        rows += [(sku, company, classes[sku], figures[sku]) for sku in figures]
    names = ("skus", "companies", "classes", "figures")
    sql.run(_CLASSIFY, {**sql.columns(names, sorted(rows)), "at": cause.at})


@dataclass(frozen=True, slots=True)
class ProposeOrders:
    """A SKU whose stock is to be looked at, at every node where it stands or is asked for."""

    sku: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrdersProposed:
    """Proposals for the SKU and their units, and how many of them were ordered by rule."""

    sku: UUID
    proposals: int
    units: int
    ordered: int


class _Row(NamedTuple):
    id: UUID
    number: str
    company_id: int
    sku_id: UUID
    node_id: UUID
    supplier_id: UUID
    quantity: int
    unit_cost: object
    value_minor: int
    terms: str
    state: str
    proposed_by: str
    proposed_at: datetime


@command("purchasing.propose_orders")
def propose_orders(cause: Cause, /, *, requests: Sequence[ProposeOrders]) -> list[OrdersProposed | Refused]:
    """New proposals for each SKU, in place of those that nobody has decided on: from the cheapest offer in the
    company's currency, or else in that of a supplier.

    A proposal within the policy's value is ordered by rule: the system is then who ordered. One in a currency of which
    there is no rate is not.
    Locks: proposing, so that one run follows another. Refuses: nothing. Again: proposes the same.
    12 statements; 1 more where a currency is another, 2 where something is proposed, and those of `purchasing.order`
    where some of it is ordered.
    """
    skus = list({one.sku for one in requests})
    facts = _load(cause, skus)

    rows = [row for sku in sorted(facts.best) for row in _propose(cause, sku, facts)]

    sql.run(_FORGET, {"skus": skus})
    numbers = ids.numbers("OP", len(rows))
    rows = [row._replace(number=number) for row, number in zip(rows, numbers, strict=True)]
    sql.write("purchasing_proposal", _Row._fields, rows)
    by_rule = [row for row in rows if _is_within(row, facts)]
    if by_rule:
        order_wanted(cause, [_wanted(row) for row in by_rule], "within the value that is ordered by rule")
    ready.drop("reorder", skus)
    of: dict[UUID, list[_Row]] = defaultdict(list)
    for row in rows:
        of[row.sku_id].append(row)
    ordered = {row.id for row in by_rule}
    return [
        OrdersProposed(
            one.sku, len(of[one.sku]), sum(row.quantity for row in of[one.sku]),
            sum(row.id in ordered for row in of[one.sku]),
        )
        for one in requests
    ]  # fmt: skip


def _is_within(row: _Row, facts: _Facts) -> bool:
    """Whether a proposal is worth no more than is ordered by rule."""
    best = facts.best[row.sku_id]
    if best.rate is None:
        return False
    worth = money.extend(row.quantity, best.offer.cost * best.rate, best.books)
    return 0 < worth <= facts.policy[row.company_id].order_value_max_minor


Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class _Best:
    """The offer that a SKU is proposed from, in its supplier's currency; `rate`: what one of that is worth in the
    company's own, None where nobody said."""

    company: int
    books: str
    currency: str
    lead_days: int
    code: str
    abc: str
    offer: rules.Offer
    rate: Decimal | None = None

    @property
    def place(self) -> tuple[bool, bool, Decimal, int, str]:
        """The best first: in the company's own currency, else what is worth least in it."""
        worth = self.offer.cost * (self.rate or 1)
        return self.currency != self.books, self.rate is None, worth, self.lead_days, self.offer.code


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of SKUs: the best offer; by node what stands, comes, is sold and waits; how suppliers deliver."""

    best: dict[UUID, _Best]
    policy: dict[int, Reordering]
    nodes: dict[UUID, set[UUID]]
    free: dict[Pair, int]
    coming: dict[Pair, int]
    waiting: dict[Pair, int]
    sold: dict[Pair, tuple[int, int]]
    leads: dict[Pair, list[float]]
    rejected: dict[Pair, datetime]


def _load(cause: Cause, skus: list[UUID]) -> _Facts:
    sql.run("SELECT pg_advisory_xact_lock(hashtextextended('purchasing.reorder', 0))")
    best = _best_offers(cause, skus)
    in_force = policies.of_companies({one.company for one in best.values()}, Reordering, cause.at)
    policy = {of: body for of, (_, body) in in_force.items()}
    free = _by_pair(sql.run(_FREE, {"skus": skus}))
    coming = _by_pair(sql.run(_COMING, {"skus": skus}))
    waiting = _by_pair(sql.run(_WAITING, {"skus": skus}))
    # Whole days up to last night, so that a day half over is not taken for a poor one.
    today = cause.at.date()
    since = [(sku, _days_before(today, policy[one.company].window_days)) for sku, one in best.items()]
    asked = {
        **sql.columns(("skus", "since"), since),
        "until": today,
        "first": min((day for _, day in since), default=today),
    }
    sold = {(sku, node): (units, squares) for sku, node, units, squares in sql.run(_SOLD, asked)}
    leads: dict[Pair, list[float]] = defaultdict(list)
    for supplier, sku, days in sql.run(_LEADS, {"skus": skus}):
        leads[supplier, sku].append(days)
    rejected = {(sku, node): at for sku, node, at in sql.run(_REJECTED, {"skus": skus})}
    nodes: dict[UUID, set[UUID]] = defaultdict(set)
    for sku, node in (*free, *coming, *waiting, *sold):
        nodes[sku].add(node)
    return _Facts(best, policy, nodes, free, coming, waiting, sold, leads, rejected)


def _best_offers(cause: Cause, skus: list[UUID]) -> dict[UUID, _Best]:
    """The best offer of each SKU. 1 statement; 1 more where a currency is another."""
    found = [
        (sku, _Best(company, books, currency, days, code, abc, rules.Offer(*offer)))
        for sku, company, books, currency, days, code, abc, *offer in sql.run(_OFFERS, {"skus": skus})
    ]
    rates = _rates(cause, [(one.company, one.books, one.currency) for _, one in found])
    best: dict[UUID, _Best] = {}
    for sku, one in found:
        rated = replace(one, rate=rates.get((one.company, one.currency)))
        best[sku] = min(best.get(sku, rated), rated, key=lambda each: each.place)
    return best


def _by_pair(rows: Iterable[Sequence[object]]) -> dict[Pair, int]:
    return {(sku, node): units for sku, node, units in rows}  # type: ignore[misc]


def _days_before(day: date, days: int) -> date:
    return day - timedelta(days=days)


def _propose(cause: Cause, sku: UUID, facts: _Facts) -> list[_Row]:
    found_best = facts.best[sku]
    company, best = found_best.company, found_best.offer
    policy = facts.policy[company]
    lead = rules.lead_of(facts.leads.get((best.supplier, sku), []), found_best.lead_days)
    level = rules.level_of(policy, found_best.code, found_best.abc)
    rows = []
    for node in sorted(facts.nodes[sku]):
        pair = (sku, node)
        rejected = facts.rejected.get(pair)
        if rejected and rejected + timedelta(days=policy.rejected_days) > cause.at:
            continue
        standing = rules.Standing(
            facts.free.get(pair, 0), facts.coming.get(pair, 0), facts.waiting.get(pair, 0)
        )
        demand = rules.demand_of(*facts.sold.get(pair, (0, 0)), policy.window_days)
        found = rules.propose(*demand, lead, standing, best, policy, level)
        if found:
            value = money.extend(found.quantity, best.cost, found_best.currency)
            terms = wire.dump(found.terms(standing, best, policy) | {"supplier": best.code})
            rows.append(
                _Row(
                    ids.uuid7(), "", company, sku, node, best.supplier, found.quantity, best.cost, value, terms,
                    "proposed", cause.actor.name, cause.at,
                )
            )  # fmt: skip
    return rows


def _wanted(row: _Row) -> Wanted:
    return Wanted(
        row.id, row.number, row.company_id, row.sku_id, row.node_id, row.supplier_id, row.quantity,
        row.unit_cost, "proposed", row.proposed_by,  # type: ignore[arg-type]
    )  # fmt: skip


_OFFERED = """
SELECT offered.company, offered.books, offered.sku, offered.currency, offered.cost, COALESCE(sold.units, 0)::bigint
FROM (
    SELECT s.company_id::int AS company, c.currency AS books, o.sku_id AS sku, s.currency, min(o.cost) AS cost
    FROM parties_offer AS o JOIN parties_supplier AS s ON s.id = o.supplier_id
    JOIN parties_company AS c ON c.id = s.company_id
    WHERE s.company_id = ANY(%(companies)s::smallint[]) GROUP BY 1, 2, 3, 4) AS offered
LEFT JOIN (
    SELECT m.company_id::int AS company, m.sku_id AS sku, sum(m.quantity) AS units
    FROM (SELECT COALESCE((SELECT id FROM stock_move WHERE recorded_at < %(first)s::date
                           ORDER BY id DESC LIMIT 1), 0) AS id) AS before
    CROSS JOIN unnest(%(companies)s::smallint[], %(since)s::date[]) AS k(company, since)
    JOIN stock_move AS m ON m.id > before.id AND m.company_id = k.company AND m.to_place = 'customer'
      AND m.document_kind <> 'return' AND m.occurred_at >= k.since::timestamp AT TIME ZONE 'UTC'
      AND m.occurred_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1, 2) AS sold USING (company, sku)
ORDER BY 1, 3, 4
"""

_CLASSIFY = """
INSERT INTO purchasing_skuclass AS c (sku_id, company_id, abc, figure, measured_at)
SELECT *, %(at)s::timestamptz
FROM unnest(%(skus)s::uuid[], %(companies)s::smallint[], %(classes)s::text[], %(figures)s::bigint[])
ON CONFLICT (sku_id) DO UPDATE
SET abc = excluded.abc, figure = excluded.figure, measured_at = excluded.measured_at
"""

_OFFERS = """
SELECT o.sku_id, s.company_id::int, c.currency, s.currency, o.lead_days, sku.code, COALESCE(of_class.abc, ''), s.id,
       s.code, o.cost, o.minimum_quantity, o.pack_quantity
FROM parties_offer AS o JOIN parties_supplier AS s ON s.id = o.supplier_id
JOIN parties_company AS c ON c.id = s.company_id
JOIN catalog_sku AS sku ON sku.id = o.sku_id AND sku.status = 'active'
LEFT JOIN purchasing_skuclass AS of_class ON of_class.sku_id = o.sku_id
WHERE o.sku_id = ANY(%(skus)s::uuid[])
"""

_FREE = """
SELECT sku_id, node_id, sellable - reserved - allocated FROM stock_position
WHERE sku_id = ANY(%(skus)s::uuid[]) AND owner_id = company_id
"""

# What waits for approval is not expected yet, and is not to be ordered once more.
_COMING = """
SELECT sku_id, node_id, sum(quantity)::int FROM (
    SELECT sku_id, node_id, quantity FROM stock_supply WHERE sku_id = ANY(%(skus)s::uuid[])
    UNION ALL
    SELECT l.sku_id, o.node_id, l.quantity FROM purchasing_order AS o
    JOIN purchasing_orderline AS l ON l.order_id = o.id
    WHERE o.state = 'waiting' AND l.sku_id = ANY(%(skus)s::uuid[])) AS asked
GROUP BY 1, 2
"""

# An order waits at the node that serves its channel before others.
_WAITING = """
SELECT b.sku_id, first.node, sum(b.quantity)::int
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id
CROSS JOIN LATERAL (
    SELECT n.id AS node FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
    WHERE cn.channel_id = o.channel_id ORDER BY n.priority + cn.priority, n.code LIMIT 1) AS first
WHERE b.sku_id = ANY(%(skus)s::uuid[])
GROUP BY 1, 2
"""

# Moves are numbered as they are recorded: what was recorded before the window need not be looked at.
_SOLD = """
SELECT sku_id, node_id, sum(units)::int, sum(units::bigint * units)::bigint
FROM (
    SELECT m.sku_id, b.node_id, m.day, sum(m.quantity)::int AS units
    FROM (SELECT COALESCE((SELECT id FROM stock_move WHERE recorded_at < %(first)s::date
                           ORDER BY id DESC LIMIT 1), 0) AS id) AS before
    CROSS JOIN unnest(%(skus)s::uuid[], %(since)s::date[]) AS k(sku, since)
    CROSS JOIN LATERAL (
        SELECT sku_id, from_bucket, quantity, (occurred_at AT TIME ZONE 'UTC')::date AS day FROM stock_move
        WHERE sku_id = k.sku AND id > before.id AND to_place = 'customer' AND document_kind <> 'return'
          AND occurred_at >= k.since::timestamp AT TIME ZONE 'UTC'
          AND occurred_at < %(until)s::date::timestamp AT TIME ZONE 'UTC') AS m
    JOIN stock_bucket AS b ON b.id = m.from_bucket
    GROUP BY 1, 2, 3) AS by_day
GROUP BY 1, 2
"""

# The first delivery of each order line; the latest hundred of a supplier and SKU tell how long it takes now.
_LEADS = """
SELECT supplier_id, sku_id, days::float8
FROM (
    SELECT bought.supplier_id, r.sku_id,
           EXTRACT(epoch FROM min(receipt.received_at) - bought.ordered_at) / 86400 AS days,
           row_number() OVER (PARTITION BY bought.supplier_id, r.sku_id ORDER BY min(receipt.received_at) DESC) AS nth
    FROM purchasing_receiptline AS r JOIN purchasing_receipt AS receipt ON receipt.id = r.receipt_id
    JOIN purchasing_order AS bought ON bought.id = r.order_id
    WHERE r.sku_id = ANY(%(skus)s::uuid[])
    GROUP BY bought.supplier_id, r.sku_id, r.line_id, bought.ordered_at) AS delivered
WHERE nth <= 100
"""

_REJECTED = """
SELECT sku_id, node_id, max(decided_at) FROM purchasing_proposal
WHERE sku_id = ANY(%(skus)s::uuid[]) AND state = 'rejected' GROUP BY 1, 2
"""

_FORGET = "DELETE FROM purchasing_proposal WHERE sku_id = ANY(%(skus)s::uuid[]) AND state = 'proposed'"
