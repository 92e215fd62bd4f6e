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
from entrepot.stock import errors, queries, rules
from entrepot.stock.commands.allocate import Position, Positions, lock_positions
from entrepot.stock.commands.keep import KIND
from entrepot.stock.commands.reserved import Changes


@dataclass(frozen=True, slots=True)
class Reserve:
    """Units of a SKU for a holder (cart or checkout id), until a moment.

    At a node that serves the channel; without one, at the first by priority of those that have them all, and where
    none has, at those that have most of them. Of a kit, `parts` are its components with their units in one: they are
    held all or none, each where it is if no node has all.
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

    A cart may hold what its channel is shown (`rules.may_hold`): each node keeps the channel's buffer, and no more is
    held at once than its threshold and cap let it see. What is fenced for the channel is taken first.
    Locks: positions of the SKUs in key order. Refuses: Insufficient, BeyondShown, NotPlaceable. Again: by key.
    7 statements; 2 more where there are fences, 1 where a SKU is sold ahead up to a limit, 4 where some had expired.
    """
    owned = {(request.company, sku) for request in requests for sku, _ in request.units()}
    free_expired(cause, [sku for _, sku in owned])
    positions = lock_positions(owned)
    shown = _Shown(cause, requests, positions)
    answers: list[Reserved | Refused] = []
    rows: list[tuple[object, ...]] = []
    changes = Changes()
    for r in requests:
        places = _places(cause, r, shown)
        if isinstance(places, Refused):
            answers.append(places)
            continue
        held = []
        for sku, node, position, units in places:
            fenced = position.take(r.channel, units)
            shown.took(sku, units)
            changes.add(sku, node, r.company, r.channel, units, fenced)
            one = Held(ids.uuid7(), node, sku, units)
            held.append(one)
            rows.append(
                (
                    one.reservation, r.company, sku, node, r.company, r.channel, r.holder, units, r.expires_at, r.kind,
                    cause.at, fenced,
                )
            )  # fmt: skip
        answers.append(
            Reserved(held[0].reservation, held[0].node, tuple(held) if r.parts or len(held) > 1 else ())
        )
    sql.write("stock_reservation", _COLUMNS, rows)
    changes.write()
    return answers


class _Terms(NamedTuple):
    """What a channel is shown of what is free, and the nodes that serve it by priority."""

    buffer: int
    threshold: int
    at_most: int
    nodes: Sequence[UUID]


class _Shown:
    """What channels are shown of locked positions while a batch is decided."""

    def __init__(self, cause: Cause, requests: Sequence[Reserve], positions: Positions) -> None:
        """2 statements; 1 more where some is sold ahead up to a limit."""
        channels = list({request.channel for request in requests})
        self._terms = {channel: _Terms(*rest) for channel, *rest in sql.run(_TERMS, {"channels": channels})}
        self._positions = positions
        ahead = {"skus": list({sku for sku, _ in positions}), "today": cause.at.date()}
        self._limits: dict[UUID, int] = dict(sql.run(_AHEAD, ahead))  # type: ignore[arg-type]
        limited = [sku for sku, limit in self._limits.items() if limit]
        self._sold = queries.taken(skus=limited) if limited else {}

    def nodes(self, channel: UUID) -> Sequence[UUID]:
        return self._terms[channel].nodes if channel in self._terms else ()

    def free(self, channel: UUID, sku: UUID, node: UUID) -> int:
        """Units that the channel may sell at a node that serves it."""
        position = self._positions.get((sku, node))
        if position is None or node not in self.nodes(channel):
            return 0
        return max(0, position.free_for(channel) - self._terms[channel].buffer)

    def most(self, r: Reserve) -> int:
        """The most that may be held of what is asked for."""
        made_of = r.parts or ((r.sku, 1),)
        if r.parts and any(sku in self._limits for sku, _ in r.parts):
            return 0
        parts = [
            (sum(self.free(r.channel, sku, node) for node in self.nodes(r.channel)), units)
            for sku, units in made_of
        ]
        terms = self._terms[r.channel]
        ahead = (self._sold.get(r.sku, 0), self._limits[r.sku]) if r.sku in self._limits else None
        return rules.may_hold(parts, terms.threshold, terms.at_most, ahead)

    def place(self, sku: UUID, node: UUID, units: int) -> _Place:
        return sku, node, self._positions[sku, node], units

    def took(self, sku: UUID, units: int) -> None:
        if sku in self._sold:
            self._sold[sku] += units


_Place = tuple[UUID, UUID, Position, int]
"""A SKU at a node: its position, and the units that are to be held there."""


def _places(cause: Cause, r: Reserve, shown: _Shown) -> list[_Place] | Refused:
    """Where what is asked for is held: at the first node that has all of it, otherwise each SKU where it is, at one
    node if one has all its units."""
    if r.quantity < 1 or r.expires_at <= cause.at:
        expected, found = "units and a later moment", f"{r.quantity} until {r.expires_at}"
        return errors.NotPlaceable(field="reservation", expected=expected, found=found)
    nodes = [r.node] if r.node else shown.nodes(r.channel)
    places = _at_nodes(r, nodes, shown)
    if isinstance(places, Refused):
        return places
    most = shown.most(r)
    if r.quantity > most:
        return errors.BeyondShown(sku=str(r.sku), wanted=r.quantity, shown=most)
    return places


def _at_nodes(r: Reserve, nodes: Sequence[UUID], shown: _Shown) -> list[_Place] | Refused:
    wanted = r.units()
    for node in nodes if r.parts else ():
        at_one = [_first_with(r, sku, units, [node], shown) for sku, units in wanted]
        if not any(isinstance(one, Refused) for one in at_one):
            return at_one  # type: ignore[return-value]
    places: list[_Place] = []
    for sku, units in wanted:
        place = _first_with(r, sku, units, nodes, shown)
        spread = _spread(r, sku, units, nodes, shown) if isinstance(place, Refused) else [place]
        if spread is None:
            return place  # type: ignore[return-value]
        places += spread
    return places


def _spread(r: Reserve, sku: UUID, units: int, nodes: Sequence[UUID], shown: _Shown) -> list[_Place] | None:
    """Units at several nodes, those with most of them first, so that it is few; None where there are not so many."""
    there = [(free, node) for node in nodes if (free := shown.free(r.channel, sku, node)) > 0]
    places: list[_Place] = []
    for free, node in sorted(there, key=lambda one: -one[0]):
        taken = min(units, free)
        places.append(shown.place(sku, node, taken))
        units -= taken
        if not units:
            return places
    return None


def _first_with(r: Reserve, sku: UUID, units: int, nodes: Sequence[UUID], shown: _Shown) -> _Place | Refused:
    """The first node that has all the units free for the channel."""
    there = 0
    for node in nodes:
        free = shown.free(r.channel, sku, node)
        if free >= units:
            return shown.place(sku, node, units)
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

    What has expired is not renewed, even where nobody has taken it yet; nor is what is kept for an order, which never
    expires. Locks: positions in key order.
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
    channel: UUID
    fenced: int


def take_over(cause: Cause, requests: Sequence[TakeOver]) -> list[TakenOver]:
    """End reservations for the orders that they become, once, inside a command that has locked the positions.

    All that the holder has of the SKU, but for what is kept for another order. What has expired counts as long as
    nobody else has taken it. The locked positions that the caller holds still count the units as promised.
    2 statements at most; 3 with fences.
    """
    arrays = sql.columns(("companies", "holders", "skus", "orders"), requests)
    taken: list[TakenOver] = []
    changes, events = Changes(), []
    for reservation, kind, company, order, sku, node, channel, quantity, fenced, reserved_at in sql.run(
        _TAKE_OVER, arrays
    ):
        taken.append(TakenOver(order, sku, node, quantity, reserved_at, channel, fenced))
        changes.add(sku, node, company, channel, -quantity, -fenced)
        payload = {"order": order, "units": quantity}
        events.append(Event("reservation", reservation, company, kind, "taken over", payload=payload))
    changes.write()
    announce(cause, events)
    return taken


def held_for(requests: Sequence[TakeOver]) -> list[TakenOver]:
    """What orders would take over, left as it is: for a caller that has locked the positions and takes it over, or not,
    once it has decided. Locks: the reservations in id order. 1 statement."""
    found: dict[UUID, TakenOver] = {}
    for reservation, *rest in sql.run(
        _HELD_FOR, sql.columns(("companies", "holders", "skus", "orders"), requests)
    ):
        found.setdefault(reservation, TakenOver(*rest))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class GiveBack:
    """All that a holder has reserved; of a company, where it is named. What was ordered since is kept for its order,
    unless somebody says that it is to be given back `ordered` as it is."""

    holder: str
    key: str | None = None
    company: int | None = None
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Units that are free again."""

    quantity: int


@command("stock.give_back")
def give_back(cause: Cause, /, *, requests: Sequence[GiveBack]) -> list[GivenBack | Refused]:
    """End reservations before their time.

    Locks: positions in key order. Refuses: NothingReserved. Again: by key. 3 statements; 4 with fences.
    """
    wanted: dict[Holder, bool] = {}
    for request in requests:
        whose = (request.holder, request.company)
        wanted[whose] = wanted.get(whose, False) or request.ordered
    rows = [(*whose, ordered) for whose, ordered in wanted.items()]
    arrays = sql.columns(("holders", "companies", "ordered"), rows)
    sql.run(_LOCK_OF_HOLDERS, arrays)
    units: dict[Holder, int] = defaultdict(int)
    changes, events = Changes(), []
    for reservation, order, holder, of, sku, node, owner, channel, quantity, fenced in sql.run(
        _DELETE_OF_HOLDERS, arrays
    ):
        units[holder, of] += quantity
        changes.add(sku, node, owner, channel, -quantity, -fenced)
        if order:
            payload = {"order": order, "units": quantity}
            events.append(Event("reservation", reservation, owner, KIND, "given back", payload=payload))
    changes.write()
    announce(cause, events)
    return [
        GivenBack(units[holder]) if holder in units else errors.NothingReserved(holder=holder[0])
        for holder in ((request.holder, request.company) for request in requests)
    ]


def free_expired(cause: Cause, skus: Sequence[UUID]) -> None:
    """Free what has expired by now of SKUs, inside a command that promises or frees them.

    The event tells when it expired, not when somebody noticed. 1 statement; 4 if any, 5 with fences, and the event's.
    """
    params = {"skus": list(set(skus)), "at": cause.at}
    if not sql.run(_ANY_EXPIRED, params)[0][0]:
        return
    sql.run(_LOCK_OF_SKUS, params)
    changes, events = Changes(), []
    for reservation, kind, expired_at, sku, node, owner, channel, quantity, fenced in sql.run(
        _DELETE_EXPIRED, params
    ):
        changes.add(sku, node, owner, channel, -quantity, -fenced)
        payload = {"sku": sku, "node": node, "units": quantity}
        events.append(Event("reservation", reservation, owner, kind, "expired", expired_at, payload))
    announce(cause, events)
    changes.write()


_COLUMNS = (
    "id", "company_id", "sku_id", "node_id", "owner_id", "channel_id", "holder", "quantity", "expires_at", "kind",
    "reserved_at", "fenced",
)  # fmt: skip

_TERMS = """
SELECT c.id, c.buffer, c.threshold, c.shown_at_most,
       COALESCE(array_agg(n.id ORDER BY n.priority + cn.priority, n.code) FILTER (WHERE n.id IS NOT NULL), '{}')
FROM network_channel AS c LEFT JOIN network_channelnode AS cn ON cn.channel_id = c.id
LEFT JOIN network_node AS n ON n.id = cn.node_id AND n.active
WHERE c.id = ANY(%(channels)s::uuid[]) GROUP BY c.id
"""

_AHEAD = """
SELECT sku_id, units_max FROM stock_preorder
WHERE sku_id = ANY(%(skus)s::uuid[]) AND ships_on > %(today)s::date
"""

_ANY_EXPIRED = """
SELECT EXISTS (SELECT FROM stock_reservation
               WHERE sku_id = ANY(%(skus)s::uuid[]) AND expires_at <= %(at)s::timestamptz)
"""

_LOCK_OF_SKUS = """
SELECT FROM stock_position WHERE sku_id = ANY(%(skus)s::uuid[]) ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

# In id order, as `keep_for_orders` locks them, which locks no position. What is kept for an order meanwhile stays.
_DELETE_EXPIRED = """
DELETE FROM stock_reservation WHERE id IN (
    SELECT id FROM stock_reservation
    WHERE sku_id = ANY(%(skus)s::uuid[]) AND expires_at <= %(at)s::timestamptz ORDER BY id FOR UPDATE)
RETURNING id, kind, expires_at, sku_id, node_id, owner_id::int, channel_id, quantity, fenced
"""

# Here and below: in id order, as everybody locks reservations, and by what holds of a row once it is locked.
# `keep_for_orders` locks no position, and may have made it an order's meanwhile.
_RENEW = """
WITH renewed AS MATERIALIZED (
    SELECT r.id, r.kind, d.kind AS renewed_as, d.expires_at, d.company
    FROM unnest(%(holders)s::text[], %(companies)s::smallint[], %(moments)s::timestamptz[], %(kinds)s::text[])
         AS d(holder, company, expires_at, kind)
    JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = COALESCE(d.company, r.owner_id)
    WHERE r.order_id IS NULL AND r.expires_at > %(at)s::timestamptz ORDER BY r.id FOR UPDATE OF r
)
UPDATE stock_reservation AS r SET expires_at = n.expires_at, kind = n.renewed_as FROM renewed AS n WHERE r.id = n.id
RETURNING r.holder, n.company::int, r.id, r.company_id::int, n.kind, r.kind, r.quantity
"""

# Of two orders that name one holder, one gets it. What the cart has beyond is free again: it has become the order.
_TAKE_OVER = """
WITH taken AS MATERIALIZED (
    SELECT r.id, d.order_id
    FROM unnest(%(companies)s::smallint[], %(holders)s::text[], %(skus)s::uuid[], %(orders)s::uuid[])
         AS d(company, holder, sku, order_id)
    JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = d.company AND r.sku_id = d.sku
    WHERE r.order_id IS NULL OR r.order_id = d.order_id ORDER BY r.id FOR UPDATE OF r
)
DELETE FROM stock_reservation AS r USING taken AS t WHERE r.id = t.id
RETURNING r.id, r.kind, r.owner_id::int, t.order_id, r.sku_id, r.node_id, r.channel_id, r.quantity, r.fenced,
          r.reserved_at
"""

_HELD_FOR = """
SELECT r.id, d.order_id, r.sku_id, r.node_id, r.quantity, r.reserved_at, r.channel_id, r.fenced
FROM unnest(%(companies)s::smallint[], %(holders)s::text[], %(skus)s::uuid[], %(orders)s::uuid[])
     AS d(company, holder, sku, order_id)
JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = d.company AND r.sku_id = d.sku
WHERE r.order_id IS NULL OR r.order_id = d.order_id ORDER BY r.id FOR UPDATE OF r
"""

_LOCK_OF_HOLDERS = """
SELECT FROM stock_position WHERE (sku_id, node_id, owner_id) IN (
    SELECT r.sku_id, r.node_id, r.owner_id
    FROM unnest(%(holders)s::text[], %(companies)s::smallint[]) AS d(holder, company)
    JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = COALESCE(d.company, r.owner_id))
ORDER BY sku_id, node_id, owner_id FOR UPDATE
"""

_DELETE_OF_HOLDERS = """
WITH ended AS MATERIALIZED (
    SELECT r.id, d.company
    FROM unnest(%(holders)s::text[], %(companies)s::smallint[], %(ordered)s::bool[]) AS d(holder, company, ordered)
    JOIN stock_reservation AS r ON r.holder = d.holder AND r.owner_id = COALESCE(d.company, r.owner_id)
    WHERE d.ordered OR r.order_id IS NULL ORDER BY r.id FOR UPDATE OF r
)
DELETE FROM stock_reservation AS r USING ended AS e WHERE r.id = e.id
RETURNING r.id, r.order_id, r.holder, e.company::int, r.sku_id, r.node_id, r.owner_id::int, r.channel_id, r.quantity,
          r.fenced
"""
