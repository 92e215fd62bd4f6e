"""What the portal of customers asks: whose door it is, which order is meant, and how far a return has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.parties import queries as parties
from entrepot.returns import portal
from entrepot.returns.portal import Portal


@dataclass(frozen=True, slots=True)
class Door:
    """An open portal: whose it is, and how it looks."""

    company: int
    company_code: str
    channel: UUID
    channel_code: str
    portal: Portal

    @property
    def name(self) -> str:
        return self.portal.name


def door(company: str, channel: str, at: datetime) -> Door | None:
    """The portal of a channel, by codes; None where there is no such channel or its portal is shut. 2 statements."""
    rows = sql.run(_DOOR, {"company": company, "channel": channel})
    return _open(rows[0], at) if rows else None


def door_of(order: UUID, at: datetime) -> Door | None:
    """The portal that an order is looked after in; None where it is shut. 2 statements."""
    rows = sql.run(_DOOR_OF, {"order": order})
    return _open(rows[0], at) if rows else None


def _open(row: tuple[Any, ...], at: datetime) -> Door | None:
    company, code, name, channel, channel_code = row
    found = policies.of_scope(policies.in_force(company, Portal, at), channel_code, Portal())
    if not found.is_open:
        return None
    return Door(company, code, channel, channel_code, replace(found, name=found.name or name))


def proved(door: Door, number: str, said: str) -> UUID | None:
    """The order of that number, ours or the channel's, if what was said beside it is its own. 2 statements, also where
    there is no such order, so that the time it takes tells nothing."""
    rows = sql.run(_SOUGHT, {
        "company": door.company, "channel": door.channel, "number": number.strip(), "numbers": portal.numbers(number),
    })  # fmt: skip
    order, address_id, postal_code = rows[0] if rows else (None, NOBODY, "")
    address = parties.address(address_id or NOBODY)
    email = address.email if address else ""
    return order if portal.proves(said, email or postal_code) and order else None


NOBODY = UUID(int=0)


class Seen(NamedTuple):
    """A return as its customer sees it; `step` is one of `portal.STEPS`, or how it ended."""

    id: UUID
    number: str
    asked: str
    step: str
    units: int
    refunded_minor: int
    currency: str
    requested_at: datetime
    node: str
    reasons: list[str]
    node_id: UUID
    told: str


def returns_of(order: UUID) -> list[Seen]:
    """The returns of an order, the latest first. 1 statement."""
    found = []
    for (
        which,
        number,
        asked,
        state,
        units,
        received,
        disposed,
        refunded,
        to_come,
        refused,
        back,
        repairs,
        repairing,
        sent,
        *rest,
    ) in sql.run(_RETURNS, {"order": order}):
        to_come = 0 if asked == "keep" else to_come
        # What went back from a repair is done with, as what was refunded is.
        step = portal.step(
            state, units, received, disposed, refunded + back, to_come, sent=sent, refused=refused
        )
        if asked == "repair":
            waits = units - refunded - refused - repairing
            step = portal.repair_step(step, repairs, disposed, waits)
        found.append(Seen(which, number, asked, step, units, *rest))
    return found


class Way(NamedTuple):
    """What of a refund goes the way of a payment."""

    provider: str
    minor: int


@dataclass(frozen=True, slots=True)
class SeenRefund:
    """A refund as its customer sees it: `step` is one of `portal.refund_step`, `at` when it came that far. `ways` are
    those of its money; `credit_minor` is store credit, with the bonus in it; `replaced_minor` paid for what he gets
    instead."""

    number: str
    step: str
    total_minor: int
    fee_minor: int
    credit_minor: int
    replaced_minor: int
    at: datetime
    ways: tuple[Way, ...]


def refunds_of(return_id: UUID) -> list[SeenRefund]:
    """The refunds of a return, in order. 1 statement."""
    found = []
    for number, state, outcome, total, fee, applied, bonus, at, ways in sql.run(_REFUNDS, {"id": return_id}):
        credit = applied + bonus if outcome == "store_credit" else 0
        replaced = applied if outcome == "exchange" else 0
        told = tuple(Way(*one) for one in ways)
        if step := portal.refund_step(state):
            found.append(SeenRefund(number, step, total, fee, credit, replaced, at, told))
    return found


class Mate(NamedTuple):
    """A return of another order that may be put into the same parcel; `label`: its terms promise one."""

    id: UUID
    number: str
    order_number: str
    label: bool


def mates(order: UUID, others: Sequence[UUID], node: UUID) -> list[Mate]:
    """Returns of other orders that may come to a node in one parcel with one of this order: nothing of them is on its
    way yet, and they are of one customer, or where nobody knows that, from one address. 1 statement, none where there
    are no others."""
    params = {"order": order, "others": list(others), "node": node}
    return [Mate(*row) for row in sql.run(_MATES, params)] if others else []


class SeenParcel(NamedTuple):
    """A parcel that a return was announced in, and when its carrier first told of it."""

    tracking: str
    scanned_at: datetime | None


def parcels_of(return_id: UUID) -> list[SeenParcel]:
    """1 statement."""
    return [SeenParcel(*row) for row in sql.run(_PARCELS, {"id": return_id})]


_COLUMNS = "c.id::int, c.code, c.name, ch.id, ch.code"

_DOOR = f"""
SELECT {_COLUMNS} FROM parties_company AS c JOIN network_channel AS ch ON ch.company_id = c.id AND ch.active
WHERE c.code = %(company)s AND ch.code = %(channel)s
"""

_DOOR_OF = f"""
SELECT {_COLUMNS} FROM orders_order AS o
JOIN parties_company AS c ON c.id = o.company_id JOIN network_channel AS ch ON ch.id = o.channel_id
WHERE o.id = %(order)s::uuid
"""

_SOUGHT = """
SELECT id, address_id, postal_code FROM orders_order
WHERE company_id = %(company)s::smallint AND channel_id = %(channel)s::uuid
  AND (number = ANY(%(numbers)s::text[]) OR external_id = ANY(%(numbers)s::text[]))
ORDER BY number = ANY(%(numbers)s::text[]) DESC, external_id = %(number)s::text DESC LIMIT 1
"""

# The number of a label is announced when that is made, and again when its carrier sold it: nobody has sent it by that.
_RETURNS = """
SELECT r.id, r.number, r.asked, r.state, u.units, u.received, u.disposed, u.refunded,
       u.units - u.missing - u.received, u.refused, u.repaired,
       ARRAY(SELECT p.state FROM returns_repair AS p WHERE p.return_id = r.id ORDER BY p.id),
       (SELECT COALESCE(sum(p.quantity), 0)::int FROM returns_repair AS p
        WHERE p.return_id = r.id AND p.state <> 'settled'),
       EXISTS (SELECT FROM returns_parcel AS p
               WHERE p.return_id = r.id AND (p.scanned_at IS NOT NULL OR NOT EXISTS (
                   SELECT FROM returns_labelreturn AS m JOIN returns_label AS l ON l.id = m.label_id
                   WHERE m.return_id = r.id AND (l.tracking = p.tracking OR l.made_at = p.announced_at)))),
       (SELECT COALESCE(sum(f.total_minor), 0)::bigint FROM returns_refund AS f
        WHERE f.return_id = r.id AND f.state IN ('approved', 'paid', 'failed') AND f.outcome <> 'replacement'),
       r.currency, r.requested_at, n.code, r.reasons, r.node_id, r.told
FROM returns_return AS r JOIN network_node AS n ON n.id = r.node_id
CROSS JOIN LATERAL (
    SELECT sum(l.quantity - l.cancelled)::int AS units, sum(l.received)::int AS received,
           sum(l.disposed)::int AS disposed, sum(l.refunded)::int AS refunded, sum(l.missing)::int AS missing,
           sum(l.refused)::int AS refused, sum(l.repaired)::int AS repaired
    FROM returns_line AS l WHERE l.return_id = r.id
) AS u
WHERE r.order_id = %(order)s::uuid ORDER BY r.id DESC
"""

# What was asked for again counts once, as it stands now.
_REFUNDS = """
SELECT f.number, f.state, f.outcome, f.total_minor, f.fee_minor, f.applied_minor, f.bonus_minor,
       GREATEST(f.requested_at, f.decided_at, w.at), COALESCE(w.ways, '[]'::json)
FROM returns_refund AS f
LEFT JOIN LATERAL (
    SELECT max(x.at) AS at, json_agg(json_build_array(x.provider, x.minor) ORDER BY x.first) AS ways
    FROM (SELECT p.provider, sum(a.amount_minor) AS minor, min(a.id::text) AS first,
                 max(COALESCE(a.bounced_at, a.settled_at)) AS at
          FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id
          WHERE a.document_id = f.id AND a.kind = 'refund'
            AND NOT EXISTS (SELECT FROM payments_attempt AS b WHERE b.retry_of = a.id)
          GROUP BY p.id, p.provider) AS x) AS w ON TRUE
WHERE f.return_id = %(id)s::uuid ORDER BY f.id
"""

_MATES = """
SELECT r.id, r.number, COALESCE(NULLIF(o.external_id, ''), o.number),
       EXISTS (SELECT FROM returns_terms AS t WHERE t.return_id = r.id AND t.label)
FROM returns_return AS r
JOIN orders_order AS o ON o.id = r.order_id
JOIN orders_order AS v ON v.id = %(order)s::uuid AND v.company_id = o.company_id AND v.country = o.country
LEFT JOIN parties_address AS a ON a.id = o.address_id
LEFT JOIN parties_address AS b ON b.id = v.address_id
WHERE COALESCE(v.customer_id = o.customer_id, a.place <> '' AND a.place = b.place)
  AND r.order_id = ANY(%(others)s::uuid[]) AND r.order_id <> v.id AND r.node_id = %(node)s::uuid
  AND r.state = 'authorized' AND r.asked <> 'keep'
  AND NOT EXISTS (SELECT FROM returns_parcel AS p WHERE p.return_id = r.id AND p.scanned_at IS NOT NULL)
ORDER BY r.id DESC
"""

_PARCELS = """
SELECT tracking, scanned_at FROM returns_parcel WHERE return_id = %(id)s::uuid ORDER BY announced_at, tracking
"""
