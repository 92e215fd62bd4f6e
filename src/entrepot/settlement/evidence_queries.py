"""What is known of disputed payments that can be proven."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.parties import queries as parties
from entrepot.parties.queries import Address
from entrepot.payments.dispute_queries import CLAIMS
from entrepot.payments.providers import OF_PEOPLE
from entrepot.payments.rules import DisputePolicy
from entrepot.settlement.evidence import Back, Facts, GivenBack, Item, Sent


class Known(NamedTuple):
    """The facts of a dispute, and whom they are of: addresses in the vault."""

    dispute: UUID
    company: int
    facts: Facts
    address: UUID | None
    billing: UUID | None


def known(disputes: Collection[UUID], at: datetime) -> dict[UUID, Known]:
    """By dispute, of the orders of all payments that it claims; none where the one that it names is of no order that we
    have. 9 statements."""
    rows = sql.run(_DISPUTES, {"disputes": list(disputes)})
    claims = _by_first(sql.run(_CLAIMED, {"disputes": list(disputes)}))
    orders = {"orders": [order for of in claims.values() for _, order, *_ in of]}
    items, sent, back = (_by_first(sql.run(text, orders)) for text in (_ITEMS, _SENT, _RETURNS))
    given = _by_first(
        sql.run(_GIVEN_BACK, {"payments": [payment for of in claims.values() for payment, *_ in of]})
    )
    earlier = _by_first(sql.run(_EARLIER, {"orders": [row[1] for row in rows]}))
    terms = policies.of_companies({row[2] for row in rows}, DisputePolicy, at)
    places = parties.addresses({place for row in rows for place in row[3:5] if place})
    found = {}
    for dispute, order, company, address, billing, placed, *rest in rows:
        numbers = {of: number for _, of, number, _ in claims[dispute]}
        facts = Facts(  # type: ignore[misc]
            *rest,
            order=", ".join(numbers.values()),
            placed_at=placed,
            captured_minor=sum(captured for *_, captured in claims[dispute]),
            items=[Item(*one) for of in numbers for one in items[of]],
            sent=[Sent(*one) for of in numbers for one in sent[of]],
            given_back=[GivenBack(*one) for payment, *_ in claims[dispute] for one in given[payment]],
            returns=[Back(*own, tuple(notes)) for of in numbers for *own, notes in back[of]],  # type: ignore[call-arg]
            address_match=_match(places, address, billing),
            earlier=[one for (one,) in earlier[order]],
            terms=terms[company][1].terms,
        )
        found[dispute] = Known(dispute, company, facts, address, billing)
    return found


def _by_first(rows: Collection[tuple[Any, ...]]) -> Mapping[UUID, list[tuple[Any, ...]]]:
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for key, *rest in rows:
        found[key].append(tuple(rest))
    return found


def _match(places: Mapping[UUID, Address], address: UUID | None, billing: UUID | None) -> bool | None:
    to, of = places.get(address) if address else None, places.get(billing or address) if address else None
    if to is None or of is None:
        return None
    return (to.written or to.line1, to.postal_code, to.country) == (
        of.written or of.line1,
        of.postal_code,
        of.country,
    )


def people(one: Known) -> dict[str, str]:
    """What evidence says of the customer, out of the vault; nothing where he was erased. 1 statement."""
    places = parties.addresses([place for place in (one.address, one.billing) if place])
    to = places.get(one.address) if one.address else None
    of = (places.get(one.billing) if one.billing else None) or to
    found = {
        "customer_name": of.name if of else "",
        "customer_email_address": (of.email if of else "") or (to.email if to else ""),
        "billing_address": _line(of),
        "shipping_address": _line(to),
    }
    assert found.keys() <= OF_PEOPLE
    return {name: text for name, text in found.items() if text}


def _line(one: Address | None) -> str:
    if one is None:
        return ""
    parts = (one.line1, one.line2, f"{one.postal_code} {one.city}".strip(), one.region, one.country)
    return ", ".join(part for part in parts if part)


_DISPUTES = """
SELECT d.id, o.id, d.company_id::int, o.address_id, o.billing_id, o.placed_at, d.external_id, d.reason,
       d.amount_minor, p.currency::text
FROM payments_dispute AS d JOIN payments_payment AS p ON p.id = d.payment_id
JOIN orders_order AS o ON o.id = p.order_id
WHERE d.id = ANY(%(disputes)s::uuid[])
"""

_CLAIMED = f"""
SELECT s.dispute_id, p.id, o.id, o.number, p.captured_minor
FROM ({CLAIMS}) AS s JOIN payments_payment AS p ON p.id = s.payment_id JOIN orders_order AS o ON o.id = p.order_id
WHERE s.dispute_id = ANY(%(disputes)s::uuid[]) AND s.amount_minor > 0 ORDER BY s.dispute_id, p.id
"""

_ITEMS = """
SELECT order_id, sku_code, description, quantity FROM orders_line
WHERE order_id = ANY(%(orders)s::uuid[]) AND kind = 'goods' AND quantity > cancelled ORDER BY order_id, number
"""

_SENT = """
SELECT s.order_id, s.number, s.carrier,
       COALESCE((SELECT string_agg(p.tracking, ', ' ORDER BY p.place) FROM shipping_parcel AS p
                 WHERE p.shipment_id = s.id), s.tracking), s.shipped_at, s.delivered_at,
       COALESCE((SELECT concat_ws(', ', NULLIF(e.message, ''), NULLIF(e.place, '')) FROM shipping_carrierevent AS e
                 WHERE e.shipment_id = s.id AND e.kind = 'delivered' ORDER BY e.occurred_at DESC LIMIT 1), '')
FROM shipping_shipment AS s WHERE s.order_id = ANY(%(orders)s::uuid[]) ORDER BY s.id
"""

_GIVEN_BACK = """
SELECT payment_id, amount_minor, COALESCE(settled_at, asked_at), provider_reference, kind = 'credit'
FROM payments_attempt
WHERE payment_id = ANY(%(payments)s::uuid[]) AND kind IN ('refund', 'credit') AND state = 'done' ORDER BY id
"""

_RETURNS = """
SELECT r.order_id, r.number, r.state, r.asked, r.requested_at,
       ARRAY(SELECT l.note FROM returns_line AS l WHERE l.return_id = r.id AND l.note <> '' ORDER BY l.id)
FROM returns_return AS r WHERE r.order_id = ANY(%(orders)s::uuid[]) ORDER BY r.id
"""

_EARLIER = f"""
SELECT o.id, e.placed_at FROM orders_order AS o JOIN orders_order AS e ON e.customer_id = o.customer_id
WHERE o.id = ANY(%(orders)s::uuid[]) AND e.id <> o.id AND e.placed_at < o.placed_at AND e.status = 'delivered'
  AND NOT EXISTS (SELECT FROM payments_payment AS p JOIN ({CLAIMS}) AS s ON s.payment_id = p.id
                  WHERE p.order_id = e.id)
ORDER BY e.placed_at
"""
