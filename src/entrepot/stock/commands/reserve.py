"""Hold units for a cart or checkout for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.network import queries as network
from entrepot.stock import errors
from entrepot.stock.commands.allocate import Position, Positions, lock_positions
from entrepot.stock.commands.mark import MARK_CHANGED


@dataclass(frozen=True, slots=True)
class Reserve:
    """Units of a SKU for a holder (cart or checkout id), until a moment.

    At a node; without one, at the first by priority of those that serve the channel and have them all, and where none
    has, at those that have most of them. Of a kit, `parts` are its components with their units in one: they are held
    all or none, each where it is if no node has all.
    """

    company: int
    holder: str
    sku: UUID
    node: UUID | None
    channel: UUID
    quantity: int
    expires_at: datetime
    kind: str = "cart"
    key: str | None = None
    parts: tuple[tuple[UUID, int], ...] = ()

    def units(self) -> list[tuple[UUID, int]]:
        """What is held: units of the SKU, or of each component."""
        if not self.parts:
            return [(self.sku, self.quantity)]
        return [(sku, units * self.quantity) for sku, units in self.parts]


class Held(NamedTuple):
    """Units of one SKU at one node."""

    reservation: UUID
    node: UUID
    sku: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """The reservation and its node; where there are several, of a kit's components or at several nodes, the first, and
    all of them as `parts`."""

    reservation: UUID
    node: UUID
    parts: tuple[Held, ...] = ()


@command("stock.reserve")
def reserve(cause: Cause, /, *, requests: Sequence[Reserve]) -> list[Reserved | Refused]:
    """Hold units until they expire, are given back, or become allocations. Expired ones are freed on the way.

    A reservation lives outside ring-fences: it takes what the channel may promise and keeps the fence as it is.
    Locks: positions of the SKUs in key order. Refuses: Insufficient, NotPlaceable. Again: by key. 5 statements;
    1 more where the node is left open, 4 more where some had expired.
    """
    owned = {(request.company, sku) for request in requests for sku, _ in request.units()}
    free_expired(cause, [sku for _, sku in owned])
    positions = lock_positions(owned)
    open_to = {request.channel for request in requests if request.node is None}
    found = network.serving_nodes(channels=open_to) if open_to else {}
    serving = {channel: [node for node, _ in nodes] for channel, nodes in found.items()}
    answers: list[Reserved | Refused] = []
    rows: list[tuple[object, ...]] = []
    taken: dict[int, tuple[UUID, UUID, int, int]] = {}  # by the position itself: to hash keys takes longer
    for r in requests:
        nodes = [r.node] if r.node else serving[r.channel]
        places = _places(cause, positions, r, nodes)
        if isinstance(places, Refused):
            answers.append(places)
            continue
        held = []
        for sku, node, position, units in places:
            position.free -= units
            before = taken.get(id(position))
            taken[id(position)] = (sku, node, r.company, units + (before[3] if before else 0))
            one = Held(ids.uuid7(), node, sku, units)
            held.append(one)
            rows.append(
                (
                    one.reservation, r.company, sku, node, r.company, r.channel, r.holder, units, r.expires_at, r.kind,
                    cause.at,
                )
            )  # fmt: skip
        answers.append(
            Reserved(held[0].reservation, held[0].node, tuple(held) if r.parts or len(held) > 1 else ())
        )
    sql.write("stock_reservation", _COLUMNS, rows)
    _change_reserved(list(taken.values()))
    return answers


_Place = tuple[UUID, UUID, Position, int]
"""A SKU at a node: its position, and the units that are to be held there."""


def _places(cause: Cause, positions: Positions, r: Reserve, nodes: Sequence[UUID]) -> list[_Place] | Refused:
    """Where what is asked for is held: at the first node that has all of it, otherwise each SKU where it is, at one
    node if one has all its units."""
    if r.quantity < 1 or r.expires_at <= cause.at:
        expected, found = "units and a later moment", f"{r.quantity} until {r.expires_at}"
        return errors.NotPlaceable(field="reservation", expected=expected, found=found)
    wanted = r.units()
    for node in nodes if r.parts else ():
        at_one = [_first_with(positions, r, sku, units, [node]) for sku, units in wanted]
        if not any(isinstance(one, Refused) for one in at_one):
            return at_one  # type: ignore[return-value]
    places: list[_Place] = []
    for sku, units in wanted:
        place = _first_with(positions, r, sku, units, nodes)
        spread = _spread(positions, r, sku, units, nodes) if isinstance(place, Refused) else [place]
        if spread is None:
            return place  # type: ignore[return-value]
        places += spread
    return places


def _spread(
    positions: Positions, r: Reserve, sku: UUID, units: int, nodes: Sequence[UUID]
) -> list[_Place] | None:
    """Units at several nodes, those with most of them first, so that it is few; None where there are not so many."""
    there = [
        (free, node, position)
        for node in nodes
        if (position := positions.get((sku, node))) and (free := position.free_for(r.channel)) > 0
    ]
    places: list[_Place] = []
    for free, node, position in sorted(there, key=lambda one: -one[0]):
        places.append((sku, node, position, min(units, free)))
        units -= places[-1][3]
        if not units:
            return places
    return None


def _first_with(
    positions: Positions, r: Reserve, sku: UUID, units: int, nodes: Sequence[UUID]
) -> _Place | Refused:
    """The first node that has all the units free for the channel."""
    there = 0
    for node in nodes:
        position = positions.get((sku, node))
        free = position.free_for(r.channel) if position else 0
        if position and free >= units:
            return sku, node, position, units
        there += free
    where = Said("node {0}", r.node) if r.node else Said("any node of the channel")
    return errors.Insufficient(sku=str(sku), node=where, wanted=units, free=there)


@dataclass(frozen=True, slots=True)
class Renew:
    """All that a holder has reserved (of a company, where it is named), until another moment; as a checkout from now
    on, or still a cart."""

    holder: str
    expires_at: datetime
    kind: str = "checkout"
    key: str | None = None
    company: int | None = None


@dataclass(frozen=True, slots=True)
class Renewed:
    quantity: int


@command("stock.renew")
def renew(cause: Cause, /, *, requests: Sequence[Renew]) -> list[Renewed | Refused]:
    """Keep reservations for longer, with the units and the place that they have.

    What has expired is not renewed, even where nobody has taken it yet. Locks: positions in key order.
    Refuses: NothingReserved, NotPlaceable. Again: by key. 2 statements.
    """
    wanted = {(r.holder, r.company): r for r in requests if r.expires_at > cause.at}
    rows = [(*whose, r.expires_at, r.kind) for whose, r in wanted.items()]
    sql.run(_LOCK_OF_HOLDERS, sql.columns(("holders", "companies"), list(wanted)))
    arrays = sql.columns(("holders", "companies", "moments", "kinds"), rows)
    units: dict[Holder, int] = defaultdict(int)
    events = []
    for holder, of, reservation, company, before, after, quantity in sql.run(
        _RENEW, arrays | {"at": cause.at}
    ):
        units[holder, of] += quantity
        events.append(Event("reservation", reservation, company, before, after, payload={"units": quantity}))
    announce(cause, events)
    return [_renewed(cause, request, units) for request in requests]


Holder = tuple[str, int | None]
"""Whose reservations, and of which company: None of any."""


def _renewed(cause: Cause, r: Renew, units: dict[Holder, int]) -> Renewed | Refused:
    if r.expires_at <= cause.at:
        return errors.NotPlaceable(field="reservation", expected="a later moment", found=str(r.expires_at))
    whose = (r.holder, r.company)
    return Renewed(units[whose]) if whose in units else errors.NothingReserved(holder=r.holder)


class TakeOver(NamedTuple):
    """An order that takes over what a holder has reserved of one of its SKUs."""

    company: int
    holder: str
    sku: UUID
    order: UUID


class TakenOver(NamedTuple):
    """Units that are no longer reserved: they are the order's to allocate, before anybody else's."""

    order: UUID
    sku: UUID
    node: UUID
    quantity: int
    reserved_at: datetime


def take_over(cause: Cause, requests: Sequence[TakeOver]) -> list[TakenOver]:
    """End reservations for the orders that they become, once, inside a command that has locked the positions.

    What has expired counts as long as nobody else has taken it. The locked positions that the caller holds still count
    the units as promised. 2 statements at most.
    """
    arrays = sql.columns(("companies", "holders", "skus", "orders"), requests)
    taken: list[TakenOver] = []
    freed: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    events = []
    for reservation, kind, company, order, sku, node, quantity, reserved_at in sql.run(_TAKE_OVER, arrays):
        taken.append(TakenOver(order, sku, node, quantity, reserved_at))
        freed[sku, node, company] -= quantity
        payload = {"order": order, "units": quantity}
        events.append(Event("reservation", reservation, company, kind, "taken over", payload=payload))
    _change_reserved([(*key, units) for key, units in freed.items()])
    announce(cause, events)
    return taken


@dataclass(frozen=True, slots=True)
class GiveBack:
    """All that a holder has reserved; of a company, where it is named."""

    holder: str
    key: str | None = None
    company: int | None = None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Units that are free again."""

    quantity: int


@command("stock.give_back")
def give_back(cause: Cause, /, *, requests: Sequence[GiveBack]) -> list[GivenBack | Refused]:
    """End reservations before their time.

    Locks: positions in key order. Refuses: NothingReserved. Again: by key. 3 statements.
    """
    holders: list[Holder] = [(request.holder, request.company) for request in requests]
    arrays = sql.columns(("holders", "companies"), list(dict.fromkeys(holders)))
    sql.run(_LOCK_OF_HOLDERS, arrays)
    units: dict[Holder, int] = defaultdict(int)
    freed: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    for holder, of, sku, node, owner, quantity in sql.run(_DELETE_OF_HOLDERS, arrays):
        units[holder, of] += quantity
        freed[sku, node, owner] -= quantity
    _change_reserved([(*key, quantity) for key, quantity in freed.items()])
    return [
        GivenBack(units[holder]) if holder in units else errors.NothingReserved(holder=holder[0])
        for holder in holders
    ]


def free_expired(cause: Cause, skus: Sequence[UUID]) -> None:
    """Free what has expired by now of SKUs, inside a command that promises or frees them.

    The event tells when it expired, not when somebody noticed. 1 statement; 4 if any, and the event's.
    """
    params = {"skus": list(set(skus)), "at": cause.at}
    if not sql.run(_ANY_EXPIRED, params)[0][0]:
        return
    sql.run(_LOCK_OF_SKUS, params)
    freed: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    events = []
    for reservation, kind, expired_at, sku, node, owner, quantity in sql.run(_DELETE_EXPIRED, params):
        freed[sku, node, owner] -= quantity
        payload = {"sku": sku, "node": node, "units": quantity}
        events.append(Event("reservation", reservation, owner, kind, "expired", expired_at, payload))
    announce(cause, events)
    _change_reserved([(*key, quantity) for key, quantity in freed.items()])


def _change_reserved(rows: Sequence[tuple[UUID, UUID, int, int]]) -> None:
    if rows:
        sql.run(_CHANGE, sql.columns(("skus", "nodes", "owners", "units"), rows))


_COLUMNS = (
    "id", "company_id", "sku_id", "node_id", "owner_id", "channel_id", "holder", "quantity", "expires_at", "kind",
    "reserved_at",
)  # fmt: skip

_CHANGE = f"""
WITH changed AS (
    UPDATE stock_position AS p SET reserved = p.reserved + d.units
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(units)s::int[])
         AS d(sku, node, owner, units)
    WHERE p.sku_id = d.sku AND p.node_id = d.node AND p.owner_id = d.owner
    RETURNING p.sku_id, d.units < 0 AS freed
)
{MARK_CHANGED}
"""

_ANY_EXPIRED = """
SELECT EXISTS (SELECT FROM stock_reservation
               WHERE sku_id = ANY(%(skus)s::uuid[]) AND expires_at <= %(at)s::timestamptz)
"""

_LOCK_OF_SKUS = """
SELECT FROM stock_position WHERE sku_id = ANY(%(skus)s::uuid[]) ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

_DELETE_EXPIRED = """
DELETE FROM stock_reservation WHERE sku_id = ANY(%(skus)s::uuid[]) AND expires_at <= %(at)s::timestamptz
RETURNING id, kind, expires_at, sku_id, node_id, owner_id::int, quantity
"""

_RENEW = """
WITH renewed AS (
    SELECT r.id, r.kind, d.kind AS renewed_as, d.expires_at, d.company
    FROM unnest(%(holders)s::text[], %(companies)s::smallint[], %(moments)s::timestamptz[], %(kinds)s::text[])
         AS d(holder, company, expires_at, kind)
    JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = COALESCE(d.company, r.owner_id)
     AND r.expires_at > %(at)s::timestamptz
)
UPDATE stock_reservation AS r SET expires_at = n.expires_at, kind = n.renewed_as FROM renewed AS n WHERE r.id = n.id
RETURNING r.holder, n.company::int, r.id, r.company_id::int, n.kind, r.kind, r.quantity
"""

# Of two orders that name one holder, one gets it.
_TAKE_OVER = """
DELETE FROM stock_reservation AS r
USING unnest(%(companies)s::smallint[], %(holders)s::text[], %(skus)s::uuid[], %(orders)s::uuid[])
      AS d(company, holder, sku, order_id)
WHERE r.holder = d.holder AND r.owner_id = d.company AND r.sku_id = d.sku
RETURNING r.id, r.kind, r.owner_id::int, d.order_id, r.sku_id, r.node_id, r.quantity, r.reserved_at
"""

_LOCK_OF_HOLDERS = """
SELECT FROM stock_position WHERE (sku_id, node_id, owner_id) IN (
    SELECT r.sku_id, r.node_id, r.owner_id
    FROM unnest(%(holders)s::text[], %(companies)s::smallint[]) AS d(holder, company)
    JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = COALESCE(d.company, r.owner_id))
ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

_DELETE_OF_HOLDERS = """
DELETE FROM stock_reservation AS r USING unnest(%(holders)s::text[], %(companies)s::smallint[]) AS d(holder, company)
WHERE r.holder = d.holder AND r.owner_id = COALESCE(d.company, r.owner_id)
RETURNING r.holder, d.company::int, r.sku_id, r.node_id, r.owner_id::int, r.quantity
"""
