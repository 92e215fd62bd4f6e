"""What is asked of people's data: what there is of somebody, what keeps it, and what was erased."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.parties import queries as parties
from entrepot.payments.dispute_queries import CLAIMS
from entrepot.settlement import errors
from entrepot.settlement.privacy import Open

CONTENTS_MAX = 20_000_000
"""Bytes of files of orders that an export says, the smallest first; of the others it says where they are read."""


@dataclass(slots=True)
class Subject:
    """Everything that is somebody's: customers (id → code), persons of the vault, orders, addresses. `sent` are
    orders of others that go to an address of theirs; `several`: codes of customers of whom nobody can tell which it is.
    """

    company: int
    customers: dict[UUID, str] = field(default_factory=dict)
    people: set[UUID] = field(default_factory=set)
    orders: set[UUID] = field(default_factory=set)
    addresses: dict[UUID, parties.Address] = field(default_factory=dict)
    sent: set[UUID] = field(default_factory=set)
    several: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.customers or self.people or self.orders)


@dataclass(frozen=True, slots=True)
class HoldRow:
    id: UUID
    customer: str
    order_number: str
    reason: str
    placed_by: str
    placed_at: datetime
    released_by: str
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class ErasureRow:
    id: UUID
    number: str
    orders: int
    addresses: int
    kept: int
    messages: int
    notes: int
    remaining: int
    reason: str
    erased_by: str
    erased_at: datetime


@dataclass(frozen=True, slots=True)
class RunRow:
    kind: str
    older_than: datetime | None
    gone: int
    kept: int
    policy_version: int
    run_at: datetime
    id: int


def whose(asked: Sequence[tuple[int, str, UUID | None]]) -> list[Subject]:
    """Everything that is somebody's, of whom a customer's code or one order of theirs is known: what has the same
    customer, and what guests ordered with a mail address that this one alone is billed by. By a guest's order the
    customer who is billed by that mail address is found; of several, none is. Whoever something is sent to is somebody
    else. 8 statements at most."""
    found = [Subject(company) for company, _, _ in asked]
    persons = _seeded(found, [(place, *one) for place, one in enumerate(asked)])
    alike = _of_the_same_mail(found)
    guests = [(place, one) for place, one in enumerate(found) if one.orders and not one.customers]
    known = {
        place: sorted({each.code for each in alike if each.place == place and each.code})
        for place, _ in guests
    }
    for place, one in guests:
        one.several = tuple(known[place]) if len(known[place]) > 1 else ()
    if is_customer := [
        (place, found[place].company, codes[0], None) for place, codes in known.items() if len(codes) == 1
    ]:
        persons |= _seeded(found, is_customer)
        alike = _of_the_same_mail(found)
    persons |= _seeded(found, _by_guests(found, alike))
    _open(found, persons)
    for place, order in _sent_to(found):
        if order not in found[place].orders:
            found[place].sent.add(order)
    return found


class _Alike(NamedTuple):
    """An order or lot that is billed by one of somebody's mail addresses, with its customer's code."""

    place: int
    mark: str
    order: UUID | None
    code: str


def _seeded(
    found: Sequence[Subject], seeds: Sequence[tuple[int, int, str, UUID | None]]
) -> set[tuple[int, UUID]]:
    """Customers and orders that are known by a code or an order, and persons whose addresses theirs are. 1 statement;
    none for none."""
    persons = set()
    batch = sql.columns(("places", "companies", "codes", "orders"), seeds)
    for place, kind, which, code in sql.run(_SEEDS, batch) if seeds else ():
        if kind == "customer":
            found[place].customers[which] = code
        elif kind == "order":
            found[place].orders.add(which)
        else:
            persons.add((place, which))
    return persons


def _of_the_same_mail(found: Sequence[Subject]) -> list[_Alike]:
    """What is billed by a mail address that something of theirs is billed by. 1 statement; none for nobody."""
    rows = [
        (place, one.company, each, customer)
        for place, one in enumerate(found)
        for each, customer in [(each, None) for each in one.orders] + [(None, each) for each in one.customers]
    ]
    batch = sql.columns(("places", "companies", "orders", "customers"), rows)
    return [_Alike(*row) for row in sql.run(_SAME, batch)] if rows else []


def _by_guests(found: Sequence[Subject], alike: Sequence[_Alike]) -> list[tuple[int, int, str, UUID | None]]:
    """Orders of guests by mail addresses that no other customer is billed by: a firm's or a relay's is anybody's."""
    others = {
        (each.place, each.mark)
        for each in alike
        if each.code and each.code not in found[each.place].customers.values()
    }
    return [
        (each.place, found[each.place].company, "", each.order)
        for each in alike
        if each.order and not each.code and (each.place, each.mark) not in others
        and each.order not in found[each.place].orders
    ]  # fmt: skip


def _sent_to(found: Sequence[Subject]) -> list[tuple[int, UUID]]:
    """Orders that are sent or billed to addresses of theirs. 1 statement; none for none."""
    addresses = [(place, each) for place, one in enumerate(found) for each in one.addresses]
    return sql.run(_ORDERS, sql.columns(("places", "addresses"), addresses)) if addresses else []


def _open(found: Sequence[Subject], pairs: Iterable[tuple[int, UUID]]) -> None:
    """The addresses of persons out of the vault. 2 statements; none for nobody."""
    of: dict[UUID, list[int]] = {}
    for place, person in pairs:
        found[place].people.add(person)
        of.setdefault(person, []).append(place)
    if not of:
        return
    owners = dict(sql.run(_ADDRESSES, {"people": list(of)}))
    for which, address in parties.addresses(list(owners)).items():
        for place in of[owners[which]]:
            found[place].addresses[which] = address


def open_things(
    orders: Collection[UUID], customers: Collection[UUID], delivered_after: datetime
) -> dict[UUID, list[Open]]:
    """What is not done with, by order, and lots by the customer who buys them. 1 statement."""
    found: dict[UUID, list[Open]] = {}
    params = {"orders": sorted(orders), "customers": sorted(customers), "delivered_after": delivered_after}
    for whose_, kind, which in sql.run(_OPEN, params):
        found.setdefault(whose_, []).append(Open(kind, which))
    return found


def legal_holds(orders: Collection[UUID], customers: Collection[UUID]) -> dict[UUID, list[Open]]:
    """Legal holds in force, by the order or customer that they are on. 1 statement."""
    found: dict[UUID, list[Open]] = {}
    for which, reason in sql.run(_HOLDS, {"orders": sorted(orders), "customers": sorted(customers)}):
        found.setdefault(which, []).append(Open("legal hold:", reason))
    return found


def held_orders(company: int) -> list[UUID]:
    """Orders that a legal hold in force is on, or on their customer. 1 statement."""
    return [which for (which,) in sql.run(_HELD_ORDERS, {"company": company})]


def needed(addresses: Sequence[tuple[UUID, datetime | None]]) -> set[UUID]:
    """Of addresses, each with a moment, those of businesses on invoices that are younger. 1 statement."""
    return {which for (which,) in sql.run(_NEEDED, sql.columns(("addresses", "moments"), addresses))}


def everything_of(company: int, customer: str = "", order: UUID | None = None) -> dict[str, Any] | None:
    """All that the house knows of somebody, for them to be given; None where nobody is known. Of files beyond
    `CONTENTS_MAX` it has no `content`, and the address that gives it in `content_at`. 1 statement beside finding whose
    it is. Refuses: settlement.several_customers."""
    (one,) = whose([(company, customer, order)])
    if one.several:
        raise errors.SeveralCustomers(found=", ".join(one.several))
    if not one:
        return None
    told: dict[str, Any] = {
        "addresses": [
            {
                "name": each.name, "line1": each.line1, "line2": each.line2, "city": each.city, "region": each.region,
                "postal_code": each.postal_code, "country": each.country, "email": each.email, "phone": each.phone,
                "tax_number": each.tax_number,
            }
            for _, each in sorted(one.addresses.items())
        ]
    }  # fmt: skip
    params: dict[str, Any] = {
        "orders": sorted(one.orders),
        "customers": sorted(one.customers),
        "room": CONTENTS_MAX,
    }
    for name, row in sql.run(_EVERYTHING, params):
        told.setdefault(name, []).append(row)
    return told


def stands_for(company: int, customer: str = "", order: UUID | None = None) -> UUID | None:
    """The customer's record that somebody is known by, else the order; None where nobody is known. As
    many statements as finding whose it is."""
    (one,) = whose([(company, customer, order)])
    return min(one.customers or one.orders, default=None)


def order_named(company: int, text: str) -> UUID | None:
    """An order by its number, ours before a channel's. 1 statement, which looks into each channel by its index."""
    rows = sql.run(_NAMED, {"company": company, "text": text})
    return rows[0][0] if rows else None


def holds(company: int, limit: int = 100, after: tuple[bool, UUID] | None = None) -> list[HoldRow]:
    """Legal holds, those in force first; behind one by whether it was released, and its id. 1 statement."""
    released, which = after or (None, None)
    params = {"company": company, "limit": limit, "released": released, "which": which}
    return [HoldRow(*row) for row in sql.run(_HOLD_ROWS, params)]


def erasures(company: int, limit: int = 100, after: UUID | None = None) -> list[ErasureRow]:
    """Who erased how much and why, the latest first, behind the one `after`. 1 statement."""
    params = {"company": company, "limit": limit, "after": after}
    return [ErasureRow(*row) for row in sql.run(_ERASURES, params)]


def runs(company: int, limit: int = 40, after: int | None = None) -> list[RunRow]:
    """What the retention rules did, the latest first, behind the run `after`. 1 statement."""
    return [RunRow(*row) for row in sql.run(_RUNS, {"company": company, "limit": limit, "after": after})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"settlement_erasure": sql.run("SELECT count(*) FROM settlement_erasure")[0][0]}


def discrepancies() -> list[str]:
    """Sentences about people who were erased and are still there."""
    return [sentence for (sentence,) in sql.run(_STILL_THERE)]


# An order is billed to where it is sent, where nothing else was ever known. A customer is known by a code, and not by
# the mail address as guests are.
_BILLED_BY = """COALESCE((SELECT CASE WHEN b.mailbox <> '' OR b.sealed IS NULL THEN b.mailbox END
                          FROM parties_address AS b WHERE b.id = o.billing_id),
                         (SELECT t.mailbox FROM parties_address AS t WHERE t.id = o.address_id), '')"""

_SEEDS = f"""
WITH asked AS (SELECT * FROM unnest(%(places)s::int[], %(companies)s::smallint[], %(codes)s::text[],
                                    %(orders)s::uuid[]) AS d(place, company, code, order_id)),
customers AS (
    SELECT a.place, k.id, k.code FROM asked AS a
    JOIN parties_customer AS k ON k.company_id = a.company AND k.code = a.code AND a.code <> ''
    UNION
    SELECT a.place, k.id, k.code
    FROM asked AS a JOIN orders_order AS o ON o.id = a.order_id AND o.company_id = a.company
    JOIN parties_customer AS k ON k.id = o.customer_id
),
orders AS (
    SELECT a.place, o.id, o.customer_id, o.address_id, o.billing_id
    FROM asked AS a JOIN orders_order AS o ON o.id = a.order_id AND o.company_id = a.company
    UNION
    SELECT c.place, o.id, o.customer_id, o.address_id, o.billing_id
    FROM customers AS c JOIN orders_order AS o ON o.customer_id = c.id
)
SELECT place, 'customer', id, code FROM customers
UNION ALL SELECT place, 'order', id, '' FROM orders
UNION ALL SELECT DISTINCT o.place, 'person', a.person_id, ''
FROM orders AS o JOIN parties_address AS a ON a.id IN (o.address_id, o.billing_id)
WHERE o.customer_id IS NOT NULL OR a.mailbox IN ('', {_BILLED_BY})
UNION SELECT c.place, 'person', a.person_id, ''
FROM customers AS c JOIN returns_departure AS p ON p.customer_id = c.id JOIN parties_address AS a ON a.id = p.buyer_id
UNION SELECT o.place, 'person', a.person_id, ''
FROM orders AS o JOIN orders_draft AS q ON q.order_id = o.id JOIN parties_address AS a ON a.id = q.address_id
WHERE o.customer_id IS NOT NULL OR a.mailbox IN ('', {_BILLED_BY})
UNION SELECT c.place, 'person', a.person_id, ''
FROM customers AS c JOIN parties_customer AS k ON k.id = c.id
JOIN orders_draft AS q ON q.company_id = k.company_id AND q.customer = c.code
JOIN parties_address AS a ON a.id = q.address_id
"""

_ADDRESSES = "SELECT id, person_id FROM parties_address WHERE person_id = ANY(%(people)s::uuid[])"

# Customers that are erased stand in the way of nobody: of a business's the invoices keep the address.
_SAME = f"""
WITH d AS (SELECT * FROM unnest(%(places)s::int[], %(companies)s::smallint[], %(orders)s::uuid[], %(customers)s::uuid[])
           AS d(place, company, order_id, customer_id)),
own AS (
    SELECT d.place, d.company, {_BILLED_BY} AS mailbox FROM d JOIN orders_order AS o ON o.id = d.order_id
    UNION
    SELECT d.place, d.company, a.mailbox FROM d JOIN returns_departure AS p ON p.customer_id = d.customer_id
    JOIN parties_address AS a ON a.id = p.buyer_id
),
alike AS (
    SELECT own.place, own.mailbox, a.id
    FROM own JOIN parties_address AS a ON a.mailbox = own.mailbox AND a.mailbox <> '' AND a.company_id = own.company
),
billed AS (
    SELECT a.place, a.mailbox, o.id, o.customer_id FROM alike AS a JOIN orders_order AS o ON o.billing_id = a.id
    UNION
    SELECT a.place, a.mailbox, o.id, o.customer_id FROM alike AS a JOIN orders_order AS o ON o.address_id = a.id
    WHERE {_BILLED_BY} = a.mailbox
    UNION
    SELECT a.place, a.mailbox, NULL, p.customer_id FROM alike AS a JOIN returns_departure AS p ON p.buyer_id = a.id
    WHERE p.customer_id IS NOT NULL
)
SELECT b.place, b.mailbox, b.id, COALESCE(k.code, '')
FROM billed AS b LEFT JOIN parties_customer AS k ON k.id = b.customer_id
WHERE k.code IS NULL OR k.code NOT LIKE 'erased-%%'
"""

_ORDERS = """
WITH d AS (SELECT * FROM unnest(%(places)s::int[], %(addresses)s::uuid[]) AS d(place, address))
SELECT d.place, o.id FROM d JOIN orders_order AS o ON o.address_id = d.address
UNION SELECT d.place, o.id FROM d JOIN orders_order AS o ON o.billing_id = d.address
"""

_OPEN = f"""
WITH o AS (SELECT * FROM orders_order WHERE id = ANY(%(orders)s::uuid[]))
SELECT o.id, 'order', o.number FROM o WHERE o.status NOT IN ('delivered', 'cancelled', 'closed')
UNION ALL
SELECT o.id, 'order that may still come back', o.number FROM o WHERE EXISTS (
    SELECT FROM shipping_shipment AS s WHERE s.order_id = o.id AND s.delivered_at > %(delivered_after)s::timestamptz)
UNION ALL
SELECT o.id, 'return', r.number FROM o JOIN returns_return AS r ON r.order_id = o.id
WHERE r.state NOT IN ('declined', 'closed', 'cancelled')
UNION ALL
SELECT o.id, 'refund', f.number FROM o JOIN returns_refund AS f ON f.order_id = o.id
WHERE f.state IN ('waiting', 'approved', 'failed')
UNION ALL
SELECT o.id, 'dispute', p.reference FROM o JOIN payments_payment AS p ON p.order_id = o.id
JOIN ({CLAIMS}) AS s ON s.payment_id = p.id
JOIN payments_dispute AS d ON d.id = s.dispute_id AND d.state IN ('needs_response', 'under_review', 'expired')
UNION ALL
SELECT o.id, 'payment', p.reference FROM o JOIN payments_payment AS p ON p.order_id = o.id
WHERE p.capturing_minor + p.refunding_minor > 0
UNION ALL
SELECT o.id, 'claim', c.number FROM o JOIN shipping_shipment AS s ON s.order_id = o.id
JOIN shipping_claim AS c ON c.shipment_id = s.id AND c.state IN ('open', 'filed', 'agreed')
UNION ALL
SELECT o.id, 'claim', c.number FROM o JOIN shipping_claim AS c ON c.order_id = o.id
WHERE c.state IN ('open', 'filed', 'agreed')
UNION ALL
SELECT customer_id, 'lot', number FROM returns_departure
WHERE customer_id = ANY(%(customers)s::uuid[]) AND state IN ('open', 'gone')
"""

_HOLDS = """
SELECT COALESCE(order_id, customer_id), reason FROM settlement_legalhold
WHERE released_at IS NULL AND (order_id = ANY(%(orders)s::uuid[]) OR customer_id = ANY(%(customers)s::uuid[]))
ORDER BY id
"""

_HELD_ORDERS = """
SELECT order_id FROM settlement_legalhold
WHERE company_id = %(company)s::smallint AND released_at IS NULL AND order_id IS NOT NULL
UNION
SELECT o.id FROM settlement_legalhold AS h JOIN orders_order AS o ON o.customer_id = h.customer_id
WHERE h.company_id = %(company)s::smallint AND h.released_at IS NULL
"""

_NEEDED = """
SELECT DISTINCT d.address_id
FROM unnest(%(addresses)s::uuid[], %(moments)s::timestamptz[]) AS asked(address_id, after)
JOIN settlement_document AS d USING (address_id) JOIN parties_address AS a ON a.id = d.address_id
WHERE a.has_tax_number AND (asked.after IS NULL OR d.issued_at > asked.after)
"""

_EVERYTHING = """
SELECT 'customers', to_jsonb(k) FROM parties_customer AS k WHERE k.id = ANY(%(customers)s::uuid[])
UNION ALL SELECT 'orders', to_jsonb(o) FROM orders_order AS o WHERE o.id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'lots', to_jsonb(p) FROM returns_departure AS p WHERE p.customer_id = ANY(%(customers)s::uuid[])
UNION ALL SELECT 'order_lines', to_jsonb(l) FROM orders_line AS l WHERE l.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'gift_messages', to_jsonb(g) FROM parties_giftmessage AS g WHERE g.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'order_notes', to_jsonb(n) FROM orders_note AS n WHERE n.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'order_files', t.said || jsonb_build_object(
    'content', CASE WHEN t.so_far <= %(room)s::bigint THEN encode(t.content, 'base64') END,
    'content_at', CASE WHEN t.so_far > %(room)s::bigint AND t.content IS NOT NULL
                       THEN '/api/v1/order-attachments/' || t.id || '/content' END)
FROM (SELECT a.id, to_jsonb(f) || to_jsonb(a) AS said, c.content,
             sum(CASE WHEN c.file_id IS NULL THEN 0 ELSE f.size END) OVER (ORDER BY f.size, a.id) AS so_far
      FROM orders_attachment AS a JOIN orders_file AS f ON f.id = a.file_id
      LEFT JOIN orders_filecontent AS c ON c.file_id = f.id WHERE a.order_id = ANY(%(orders)s::uuid[])) AS t
UNION ALL SELECT 'payments', to_jsonb(p) FROM payments_payment AS p WHERE p.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'shipments', to_jsonb(s) FROM shipping_shipment AS s WHERE s.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'returns', to_jsonb(r) FROM returns_return AS r WHERE r.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'return_lines', to_jsonb(l) FROM returns_line AS l JOIN returns_return AS r ON r.id = l.return_id
WHERE r.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'return_photos', to_jsonb(p) FROM returns_photo AS p
JOIN returns_returnphoto AS s ON s.photo_id = p.id JOIN returns_return AS r ON r.id = s.return_id
WHERE r.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'refunds', to_jsonb(f) FROM returns_refund AS f WHERE f.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'documents', to_jsonb(d) FROM settlement_document AS d WHERE d.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'fingerprints', to_jsonb(f) FROM orders_fingerprint AS f WHERE f.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'drafts', to_jsonb(q) FROM orders_draft AS q WHERE q.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'listings', to_jsonb(t) FROM orders_listing AS t WHERE t.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'listings', to_jsonb(t) FROM orders_listing AS t
JOIN parties_customer AS k ON k.company_id = t.company_id AND t.plain = 'customer:' || lower(k.code)
WHERE k.id = ANY(%(customers)s::uuid[]) AND (t.order_id IS NULL OR t.order_id <> ALL(%(orders)s::uuid[]))
UNION ALL SELECT 'return_fingerprints', to_jsonb(m) FROM returns_mark AS m WHERE m.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'return_judgments', to_jsonb(j) FROM returns_judgment AS j
JOIN returns_return AS r ON r.id = j.return_id WHERE r.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'return_suspicions', to_jsonb(s) FROM returns_suspicion AS s
JOIN returns_return AS r ON r.id = s.return_id WHERE r.order_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'work_items', to_jsonb(w) FROM work_item AS w WHERE w.subject_id = ANY(%(orders)s::uuid[])
UNION ALL SELECT 'events', to_jsonb(e) FROM kernel_event AS e WHERE e.subject_id = ANY(%(orders)s::uuid[])
"""

_NAMED = """
SELECT id FROM (
    SELECT 1 AS turn, o.id FROM orders_order AS o
    WHERE o.company_id = %(company)s::smallint AND o.number = %(text)s::text
    UNION ALL
    SELECT 2, o.id FROM network_channel AS c
    JOIN orders_order AS o ON o.company_id = c.company_id AND o.channel_id = c.id
    WHERE c.company_id = %(company)s::smallint AND o.external_id = %(text)s::text
) AS named ORDER BY turn, id LIMIT 1
"""

_HOLD_ROWS = """
SELECT h.id, COALESCE(k.code, ''), COALESCE(o.number, ''), h.reason, h.placed_by, h.placed_at, h.released_by,
       h.released_at
FROM settlement_legalhold AS h LEFT JOIN parties_customer AS k ON k.id = h.customer_id
LEFT JOIN orders_order AS o ON o.id = h.order_id
WHERE h.company_id = %(company)s::smallint
  AND (%(which)s::uuid IS NULL OR (h.released_at IS NOT NULL) > %(released)s::boolean
       OR (h.released_at IS NOT NULL) = %(released)s::boolean AND h.id < %(which)s::uuid)
ORDER BY h.released_at IS NOT NULL, h.id DESC LIMIT %(limit)s::int
"""

_ERASURES = """
SELECT id, number, orders, addresses, kept, messages, notes, remaining, reason, erased_by, erased_at
FROM settlement_erasure
WHERE company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR id < %(after)s::uuid)
ORDER BY id DESC LIMIT %(limit)s::int
"""

_RUNS = """
SELECT kind, older_than, gone, kept, policy_version, run_at, id FROM settlement_retentionrun
WHERE company_id = %(company)s::smallint AND (%(after)s::bigint IS NULL OR id < %(after)s::bigint)
ORDER BY id DESC LIMIT %(limit)s::int
"""

_STILL_THERE = """
SELECT format('erasure %s says that %s addresses are kept of people, and %s are', e.number, e.kept, found.sealed)
FROM settlement_erasure AS e CROSS JOIN LATERAL (
    SELECT count(*) AS sealed FROM parties_address AS a
    WHERE a.person_id = ANY(e.people) AND a.sealed IS NOT NULL) AS found
WHERE found.sealed > e.kept
UNION ALL
SELECT format('erasure %s says that nothing is kept of a person, whose key is still there', e.number)
FROM settlement_erasure AS e JOIN parties_person AS p ON p.id = ANY(e.people) AND p.key IS NOT NULL WHERE e.kept = 0
"""
