"""What returns are judged by: read after their rows were written, so that each sees the others of its batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.ledger.currency_queries import rate_on
from entrepot.parties import fingerprints
from entrepot.parties import queries as parties
from entrepot.returns.commands.left import BUCKETS, UNKNOWN
from entrepot.returns.fraud import (
    Earlier,
    Facts,
    FraudPolicy,
    Shared,
    Stage,
    Swapped,
    Weighed,
    Worn,
    asked,
    is_used,
)
from entrepot.returns.fraud_queries import WORTH


class Head(NamedTuple):
    """A return that is judged; `state` is that of its judgment, and `known` are rules that found something before."""

    id: UUID
    number: str
    company: int
    channel: UUID
    customer: UUID | None
    order: UUID
    at: datetime
    currency: str
    tier: str
    country: str
    addresses: list[UUID]
    value: int
    state: str
    known: list[str]
    home: str
    rate: Decimal | None


Policies = Mapping[int, tuple[int, FraudPolicy]]


def heads(returns: Collection[UUID]) -> dict[UUID, Head]:
    """1 statement."""
    return {row[0]: Head(*row) for row in sql.run(_HEADS, {"returns": list(returns)})}


def facts(
    stage: Stage, found: Mapping[UUID, Head], policies: Policies, documents: Sequence[UUID], at: datetime
) -> dict[UUID, Facts]:
    """What the rules of a stage see of each return; `documents` are its receipts or inspections.

    2 statements where a policy minds hit rates, 1 else, and those of the stage.
    """
    told = {
        one.id: Facts(one.at, one.currency, one.value, home=one.home, rate=one.rate) for one in found.values()
    }
    params = _windows(found, policies, at)
    for return_id, rules in sql.run(_CLEARED, params):
        told[return_id] = replace(told[return_id], cleared=frozenset(rules))
    hits = _hits(policies, at)
    for key, one in found.items():
        if hits.get(one.company):
            told[key] = replace(told[key], hits=hits[one.company])
    if stage == "authorized":
        _of_customers(told, found, policies, params)
    elif stage == "received":
        _weighed(told, _WEIGHED.format(table="returns_receipt"), documents)
    else:
        _weighed(told, _WEIGHED.format(table="returns_inspection"), documents)
        _inspected(told, found, policies, documents, params)
    return told


def _windows(found: Mapping[UUID, Head], policies: Policies, at: datetime) -> dict[str, Any]:
    """By return, since when its customer's deeds count."""
    rows = []
    for one in found.values():
        policy = policies[one.company][1]
        rows.append((
            one.id, one.at - timedelta(days=policy.memory_days), at - timedelta(days=policy.trust_days),
            one.at - timedelta(days=policy.value_days), one.at - timedelta(days=policy.cluster_days),
        ))  # fmt: skip
    return sql.columns(("returns", "memory", "trust", "buying", "cluster"), rows)


def _hits(policies: Policies, at: datetime) -> dict[int, dict[str, tuple[int, int]]]:
    wanted = [
        (company, at - timedelta(days=policy.memory_days))
        for company, (_, policy) in policies.items()
        if policy.hit_rate_min_percent
    ]
    found: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    for company, rule, confirmed, decided in (
        sql.run(_HITS, sql.columns(("companies", "since"), wanted)) if wanted else ()
    ):
        found[company][rule] = (confirmed, decided)
    return found


# ---- authorized


def marks(found: Mapping[UUID, Head], policies: Policies) -> list[tuple[Any, ...]]:
    """The fingerprints by which customers are compared, of companies whose policy compares them. 1 statement, none
    where no policy does."""
    comparing = [
        one
        for one in found.values()
        if {"cluster", "repeat"} & set(asked(policies[one.company][1], "authorized"))
    ]
    wanted = {address for one in comparing for address in one.addresses}
    known = parties.addresses(wanted) if wanted else {}
    rows = []
    for one in comparing:
        prints = sorted({each for key in one.addresses if key in known for each in _prints(known[key])})
        mailbox = next((each for each in prints if each.startswith("email:")), "")
        who = str(one.customer) if one.customer else mailbox or str(one.order)
        rows += [(one.id, each, one.company, one.order, who, one.at) for each in prints]
    return rows


def _prints(address: parties.Address) -> tuple[str, ...]:
    phone = fingerprints.of_phone(address.phone)
    return (*address.fingerprints, phone) if phone else address.fingerprints


def _of_customers(
    told: dict[UUID, Facts], found: Mapping[UUID, Head], policies: Policies, params: Mapping[str, Any]
) -> None:
    """5 statements at most."""
    earlier: dict[UUID, list[Earlier]] = defaultdict(list)
    for return_id, at, worth in sql.run(_EARLIER, params):
        earlier[return_id].append(Earlier(at, worth))
    shared: dict[UUID, list[Shared]] = defaultdict(list)
    confirmed: dict[UUID, tuple[int, int]] = {}
    bought: dict[UUID, tuple[int, int]] = {}
    on = {rule for one in found.values() for rule in asked(policies[one.company][1], "authorized")}
    if "cluster" in on:
        for return_id, *one in sql.run(_SHARED, params):
            shared[return_id].append(Shared(*one))
    if "repeat" in on:
        confirmed = {row[0]: row[1:] for row in sql.run(_CONFIRMED, params)}  # type: ignore[misc]
    if "value" in on:
        bought = {row[0]: row[1:] for row in sql.run(_BOUGHT, params)}  # type: ignore[misc]
    for key in found:
        own, others = confirmed.get(key, (0, 0))
        amount, orders = bought.get(key, (0, 0))
        told[key] = replace(
            told[key], earlier=tuple(earlier[key]), shared=tuple(shared[key]), confirmed=own,
            confirmed_shared=others, bought_minor=amount, bought_orders=orders,
        )  # fmt: skip


# ---- received, inspected


def _weighed(told: dict[UUID, Facts], statement: str, documents: Sequence[UUID]) -> None:
    """1 statement."""
    found: dict[UUID, list[Weighed]] = defaultdict(list)
    for return_id, *one in sql.run(statement, {"documents": list(documents)}):
        found[return_id].append(Weighed(*one))
    for key, scales in found.items():
        told[key] = replace(told[key], weighed=tuple(scales))


def _inspected(
    told: dict[UUID, Facts],
    found: Mapping[UUID, Head],
    policies: Policies,
    documents: Sequence[UUID],
    params: Mapping[str, Any],
) -> None:
    """3 statements."""
    swapped: dict[UUID, list[Swapped]] = defaultdict(list)
    for return_id, sku, read, left in sql.run(_SERIALS, {"documents": list(documents)}):
        swapped[return_id].append(Swapped(sku, read, tuple(left)))
    worn: dict[UUID, list[Worn]] = defaultdict(list)
    for return_id, *one in sql.run(_GRADED, {"documents": list(documents)}):
        worn[return_id].append(Worn(*one))
    before: dict[UUID, set[UUID]] = defaultdict(set)
    for return_id, other, grade, reason in sql.run(_GRADED_BEFORE, params):
        if is_used(grade, reason, policies[found[return_id].company][1]):
            before[return_id].add(other)
    for key in found:
        told[key] = replace(
            told[key], swapped=tuple(swapped[key]), worn=tuple(worn[key]), worn_before=len(before[key])
        )


_HEADS = f"""
SELECT r.id, r.number, r.company_id::int, r.channel_id, r.customer_id, r.order_id, r.requested_at, r.currency,
       COALESCE(c.tier, ''), o.country, array_remove(ARRAY[o.address_id, o.billing_id], NULL),
       (SELECT {WORTH}
        FROM returns_line AS l JOIN orders_line AS g ON g.id = l.line_id WHERE l.return_id = r.id),
       COALESCE(j.state, ''), ARRAY(SELECT s.rule FROM returns_suspicion AS s WHERE s.return_id = r.id),
       y.currency, {rate_on("o.company_id", "o.currency", "(o.placed_at AT TIME ZONE 'UTC')::date")}
FROM returns_return AS r JOIN orders_order AS o ON o.id = r.order_id
JOIN parties_company AS y ON y.id = r.company_id
LEFT JOIN parties_customer AS c ON c.id = r.customer_id
LEFT JOIN returns_judgment AS j ON j.return_id = r.id
WHERE r.id = ANY(%(returns)s::uuid[]) ORDER BY r.id
"""

_ASKED = """
WITH asked AS (
    SELECT r.*, d.memory, d.trust, d.buying, d.cluster
    FROM unnest(%(returns)s::uuid[], %(memory)s::timestamptz[], %(trust)s::timestamptz[], %(buying)s::timestamptz[],
                %(cluster)s::timestamptz[]) AS d(id, memory, trust, buying, cluster)
    JOIN returns_return AS r ON r.id = d.id)
"""

# An order is billed to where it is sent, where nothing else was ever known.
_BILLED_BY = """COALESCE((SELECT CASE WHEN b.mailbox <> '' OR b.sealed IS NULL THEN b.mailbox END
                          FROM parties_address AS b WHERE b.id = {0}.billing_id),
                         (SELECT t.mailbox FROM parties_address AS t WHERE t.id = {0}.address_id), '')"""

# Guests are known by the mailbox that they are billed by, which nobody has verified: every order of it by a guest is
# theirs, and none of a customer whose mailbox it is as well.
_THEIRS = f"""{_ASKED}, guests AS (
    SELECT a.id, p.id AS address, p.mailbox
    FROM asked AS a JOIN orders_order AS q ON q.id = a.order_id
    JOIN parties_address AS p ON p.mailbox = {_BILLED_BY.format("q")} AND p.mailbox <> ''
     AND p.company_id = a.company_id
    WHERE a.customer_id IS NULL),
theirs AS (
    SELECT g.id, o.id AS order_id FROM guests AS g JOIN orders_order AS o ON o.billing_id = g.address
    WHERE o.customer_id IS NULL
    UNION
    SELECT g.id, o.id FROM guests AS g JOIN orders_order AS o ON o.address_id = g.address
    WHERE o.customer_id IS NULL AND {_BILLED_BY.format("o")} = g.mailbox)
"""

# Returns of the same customer, by whom they are found, or of the same guest.
_RETURNED = f"""{_THEIRS}, returned AS (
    SELECT a.id, a.memory, a.trust, a.requested_at AS until, a.currency, e.id AS other, e.requested_at, e.state
    FROM asked AS a JOIN returns_return AS e ON e.customer_id = a.customer_id AND e.company_id = a.company_id
    UNION ALL
    SELECT a.id, a.memory, a.trust, a.requested_at, a.currency, e.id, e.requested_at, e.state
    FROM asked AS a JOIN theirs AS t ON t.id = a.id JOIN returns_return AS e ON e.order_id = t.order_id)
"""

_CLEARED = f"""{_RETURNED}
SELECT r.id, array_agg(DISTINCT s.rule)
FROM returned AS r
JOIN returns_judgment AS j ON j.return_id = r.other AND j.state = 'cleared' AND j.decided_at > r.trust
JOIN returns_suspicion AS s ON s.return_id = r.other AND s.mode = 'enforce'
GROUP BY 1
"""

_HITS = """
SELECT j.company_id::int, s.rule, count(*) FILTER (WHERE j.state = 'confirmed')::int, count(*)::int
FROM unnest(%(companies)s::smallint[], %(since)s::timestamptz[]) AS d(company, since)
JOIN returns_judgment AS j ON j.company_id = d.company AND j.judged_at > d.since
 AND j.state IN ('cleared', 'confirmed')
JOIN returns_suspicion AS s ON s.return_id = j.return_id
GROUP BY 1, 2
"""

# What was declined or never sent counts for nothing.
_EARLIER = f"""{_RETURNED}, earlier AS (
    SELECT id, other, requested_at, currency FROM returned
    WHERE requested_at > memory AND (requested_at, other) < (until, id) AND state NOT IN ('declined', 'cancelled')),
worth AS (
    SELECT l.return_id, o.currency,
           {WORTH} AS minor
    FROM returns_line AS l JOIN orders_line AS g ON g.id = l.line_id JOIN orders_order AS o ON o.id = l.order_id
    WHERE l.return_id IN (SELECT other FROM earlier) GROUP BY 1, 2)
SELECT b.id, b.requested_at, CASE WHEN w.currency = b.currency THEN w.minor ELSE 0 END
FROM earlier AS b JOIN worth AS w ON w.return_id = b.other ORDER BY b.id, b.requested_at, b.other
"""

_SHARED = f"""{_ASKED}
SELECT a.id, split_part(m.fingerprint, ':', 1), count(DISTINCT n.who)::int, count(DISTINCT n.return_id)::int
FROM asked AS a JOIN returns_mark AS m ON m.return_id = a.id
JOIN returns_mark AS n ON n.fingerprint = m.fingerprint AND n.company_id = m.company_id
 AND n.asked_at > a.cluster AND n.asked_at <= a.requested_at
GROUP BY a.id, m.fingerprint ORDER BY a.id, m.fingerprint
"""

_CONFIRMED = f"""{_ASKED}, others AS (
    SELECT a.id, e.id AS other, TRUE AS own FROM asked AS a
    JOIN returns_return AS e ON e.customer_id = a.customer_id AND e.company_id = a.company_id
     AND e.requested_at > a.memory AND e.id <> a.id
    UNION
    SELECT a.id, n.return_id, n.who = m.who FROM asked AS a JOIN returns_mark AS m ON m.return_id = a.id
    JOIN returns_mark AS n ON n.fingerprint = m.fingerprint AND n.company_id = m.company_id AND n.asked_at > a.memory
     AND n.return_id <> a.id),
known AS (SELECT id, other, bool_or(own) AS own FROM others GROUP BY 1, 2)
SELECT k.id, count(*) FILTER (WHERE k.own)::int, count(*) FILTER (WHERE NOT k.own)::int
FROM known AS k JOIN returns_judgment AS j ON j.return_id = k.other AND j.state = 'confirmed' GROUP BY 1
"""

_BUYS = """o.currency = a.currency AND o.placed_at > a.buying AND o.placed_at <= a.requested_at
     AND o.status <> 'cancelled' AND o.demand = 'sale'"""

_BOUGHT = f"""{_THEIRS}
SELECT id, sum(goods_minor - discount_minor + tax_minor)::bigint, count(*)::int
FROM (
    SELECT a.id, o.goods_minor, o.discount_minor, o.tax_minor
    FROM asked AS a JOIN orders_order AS o ON o.customer_id = a.customer_id AND o.company_id = a.company_id
     AND {_BUYS}
    UNION ALL
    SELECT a.id, o.goods_minor, o.discount_minor, o.tax_minor
    FROM asked AS a JOIN theirs AS t ON t.id = a.id JOIN orders_order AS o ON o.id = t.order_id
     AND {_BUYS}
) AS b
GROUP BY 1
"""

# What was sent: the part that these units have by the catalog in the weight of the order's packages.
_WEIGHED = """
SELECT x.return_id, k.code, x.quantity, x.weight_g,
       COALESCE((p.weight * k.weight_g * x.quantity / NULLIF(g.weight, 0))::int, 0), k.weight_g * x.quantity
FROM {table} AS x JOIN returns_line AS l ON l.id = x.return_line_id JOIN catalog_sku AS k ON k.id = l.sku_id
CROSS JOIN LATERAL (
    SELECT sum(b.weight_g)::bigint AS weight FROM warehouse_fulfillment AS f
    JOIN warehouse_package AS b ON b.fulfillment_id = f.id AND b.voided_at IS NULL WHERE f.order_id = l.order_id) AS p
CROSS JOIN LATERAL (
    SELECT sum(s.weight_g * (o.shipped + o.delivered))::bigint AS weight
    FROM orders_line AS o JOIN catalog_sku AS s ON s.id = o.sku_id WHERE o.order_id = l.order_id) AS g
WHERE x.id = ANY(%(documents)s::uuid[]) AND x.weight_g IS NOT NULL ORDER BY x.return_id, x.id
"""

_SERIALS = f"""
SELECT i.return_id, k.code, i.serial, w.serials
FROM returns_inspection AS i JOIN returns_line AS l ON l.id = i.return_line_id JOIN catalog_sku AS k ON k.id = l.sku_id
CROSS JOIN LATERAL (
    SELECT COALESCE(array_agg(DISTINCT b.serial ORDER BY b.serial) FILTER (WHERE b.serial <> ''), '{{}}') AS serials,
           {UNKNOWN} AS unknown
    FROM ({BUCKETS}) AS m JOIN stock_bucket AS b ON b.id = m.bucket) AS w
WHERE i.id = ANY(%(documents)s::uuid[]) AND i.serial <> '' AND w.unknown = 0
ORDER BY i.return_id, i.id
"""

_GRADED = """
SELECT i.return_id, k.code, i.grade, l.reason, COALESCE(t.window_days - t.days, -1)
FROM returns_inspection AS i JOIN returns_line AS l ON l.id = i.return_line_id JOIN catalog_sku AS k ON k.id = l.sku_id
LEFT JOIN returns_terms AS t ON t.return_line_id = l.id
WHERE i.id = ANY(%(documents)s::uuid[]) ORDER BY i.return_id, i.id
"""

_GRADED_BEFORE = f"""{_RETURNED}
SELECT DISTINCT r.id, r.other, i.grade, l.reason
FROM returned AS r JOIN returns_inspection AS i ON i.return_id = r.other
JOIN returns_line AS l ON l.id = i.return_line_id
WHERE r.requested_at > r.memory AND (r.requested_at, r.other) < (r.until, r.id)
"""
