"""What the portal of customers asks: whose door it is, which order is meant, and how far a return has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.parties import queries as parties
from entrepot.returns import portal
from entrepot.returns.portal import Portal

policies.shape("returns.portal", link_days=(1, 365))(Portal)


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
    scopes: Mapping[str, tuple[int, Portal]] = policies.in_force(company, Portal, at)
    _, found = scopes.get(channel_code) or scopes.get("") or (0, Portal())
    if not found.is_open:
        return None
    return Door(company, code, channel, channel_code, replace(found, name=found.name or name))


def proved(door: Door, number: str, said: str) -> UUID | None:
    """The order of that number, ours or the channel's, if what was said beside it is its own. 2 statements, also where
    there is no such order, so that the time it takes tells nothing."""
    rows = sql.run(_SOUGHT, {"company": door.company, "channel": door.channel, "number": number.strip()})
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


def returns_of(order: UUID) -> list[Seen]:
    """The returns of an order, the latest first. 1 statement."""
    found = []
    for which, number, asked, state, units, received, disposed, refunded, *rest in sql.run(
        _RETURNS, {"order": order}
    ):
        step = portal.step(state, units, received, disposed, refunded)
        found.append(Seen(which, number, asked, step, units, *rest))
    return found


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
  AND (number = %(number)s::text OR external_id = %(number)s::text)
ORDER BY number = %(number)s::text DESC LIMIT 1
"""

_RETURNS = """
SELECT r.id, r.number, r.asked, r.state, u.units, u.received, u.disposed, u.refunded,
       (SELECT COALESCE(sum(f.total_minor), 0)::bigint FROM returns_refund AS f
        WHERE f.return_id = r.id AND f.state IN ('approved', 'paid', 'failed')),
       r.currency, r.requested_at, n.code, r.reasons
FROM returns_return AS r JOIN network_node AS n ON n.id = r.node_id
CROSS JOIN LATERAL (
    SELECT sum(l.quantity - l.cancelled)::int AS units, sum(l.received)::int AS received,
           sum(l.disposed)::int AS disposed, sum(l.refunded)::int AS refunded
    FROM returns_line AS l WHERE l.return_id = r.id
) AS u
WHERE r.order_id = %(order)s::uuid ORDER BY r.id DESC
"""
