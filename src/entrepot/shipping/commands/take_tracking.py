"""Take in what carriers say about parcels: kept as it came, recorded once, and acted on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, inbox, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.shipping import rules, told
from entrepot.shipping.commands.deliver import TROUBLE, Delivered, deliver
from entrepot.shipping.commands.take_numbers import AGAIN_DAYS
from entrepot.shipping.easypost import parse as easypost
from entrepot.shipping.karrio import parse as karrio
from entrepot.shipping.rules import CarrierEvent
from entrepot.work.commands.open_items import OpenItem, open_items


class Source(NamedTuple):
    """How messages of a source are read."""

    message_id: Callable[[str], str]
    events: Callable[[str], list[CarrierEvent]]


SOURCES = {
    easypost.SOURCE: Source(easypost.message_id, easypost.events),
    karrio.SOURCE: Source(karrio.message_id, karrio.events),
    told.SOURCE: Source(told.message_id, told.events),
}

SCANNED = "scanned"
"""The queue of messages that tell where a parcel is: it may be one that comes back."""

WHY = {"done": "", "set_aside": "about no parcel of ours"}
"""What is noted with a message, by what became of it."""

PAYLOAD_MAX = 1_000_000
"""Characters of a message; carriers send some thousands."""


@dataclass(frozen=True, slots=True)
class TakeTracking:
    """A message as it came from a source."""

    company: int
    source: str
    payload: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TrackingTaken:
    """`fresh`: events that nobody had told before; `delivered`: shipments that this made arrive.

    `state` is what became of the message: done, set aside where it is about no parcel of ours, or dead where one that
    was taken again can't be read.
    """

    state: str
    fresh: int = 0
    delivered: int = 0


class _Parcel(NamedTuple):
    """A shipment by one of its tracking numbers."""

    number: str
    shipment: UUID
    shipment_number: str
    company: int
    order: UUID
    state: str
    delivered_at: datetime | None
    priority: int


@command("shipping.take_tracking")
def take_tracking(cause: Cause, /, *, requests: Sequence[TakeTracking]) -> list[TrackingTaken | Refused]:
    """Messages of carriers, in any order and however often: each event is recorded once, the last parcel's arrival
    delivers its shipment, and trouble on the way is a work item.

    Locks: the inbox's new rows, the orders with their shipments, in the orders' id order.
    Refuses: Invalid (an unknown source; a message that can't be read; one that is too long).
    Again: by the message's own id, with or without a key: what came before does nothing. 6 statements, 6 more where
    something arrived, 1 or 2 where there is trouble.
    """
    answers: list[TrackingTaken | Refused | None] = []
    incoming: list[inbox.Incoming] = []
    read: dict[tuple[int, str], tuple[str, list[CarrierEvent]]] = {}
    for request in requests:
        message = _read(request)
        if isinstance(message, Refused):
            answers.append(message)
            continue
        name, events = message
        incoming.append(inbox.Incoming(request.company, request.source, name, "tracking", request.payload))
        read[request.company, name] = (request.source, events)
        answers.append(None)
    fresh_ids = inbox.receive(cause, incoming)
    fresh = {key: one for key, one in read.items() if key[1] in fresh_ids}
    taken = _Taken(cause, fresh)
    taken.mark({key: fresh_ids[key[1]] for key in fresh})

    place, untold = iter(incoming), set(fresh)
    told: list[TrackingTaken | Refused] = []
    for answer in answers:
        if answer is not None:
            told.append(answer)
            continue
        message_ = next(place)
        key = (message_.company, message_.external_id)
        # What stands twice in a batch was taken the first time.
        told.append(taken.answer(key) if key in untold else TrackingTaken("done"))
        untold.discard(key)
    return told


def _read(request: TakeTracking) -> tuple[str, list[CarrierEvent]] | Refused:
    source = SOURCES.get(request.source)
    if source is None:
        return Invalid(field="source", expected=one_of(SOURCES), found=request.source)
    if len(request.payload) > PAYLOAD_MAX or "\x00" in request.payload:
        return Invalid(
            field="payload",
            expected=Said("up to {0} characters, no NUL", PAYLOAD_MAX),
            found=len(request.payload),
        )
    try:
        return source.message_id(request.payload), source.events(request.payload)
    except rules.UnreadableError as error:
        return Invalid(field="payload", expected=Said("a message of {0}", request.source), found=str(error))


@dataclass(frozen=True, slots=True)
class RetakeTracking:
    """A message that waits in the inbox to be taken again."""

    message: UUID
    key: str | None = None


@command("shipping.retake_tracking")
def retake_tracking(cause: Cause, /, *, requests: Sequence[RetakeTracking]) -> list[TrackingTaken | Refused]:
    """Messages of carriers from the inbox, taken as if they had come now: what can't be read is dead again.

    Locks: the messages in id order, then as taking does. Refuses: NotFound (nothing of a carrier that waits).
    Again: NotFound; by key. 4 statements, and more where something arrived or there is trouble, as taking.
    """
    kept = inbox.lock([one.message for one in requests], list(SOURCES))
    read = {which: _read(TakeTracking(one.company, one.source, one.payload)) for which, one in kept.items()}
    # Two messages may say the same: each stands under its own id, and what they say is recorded once.
    told = {
        (kept[which].company, str(which)): (kept[which].source, one[1])
        for which, one in read.items()
        if not isinstance(one, Refused)
    }
    taken = _Taken(cause, told)
    taken.mark({key: UUID(key[1]) for key in told})
    answers: dict[UUID, TrackingTaken | Refused] = {}
    unread = {which: one.message for which, one in read.items() if isinstance(one, Refused)}
    inbox.mark_each(unread, "dead")
    for which, one in kept.items():
        key = (one.company, str(which))
        answers[which] = TrackingTaken("dead") if which in unread else taken.answer(key)
    return [answers.get(one.message, NotFound(what="waiting message", which=one.message)) for one in requests]


class _Taken:
    """Fresh messages, recorded and acted on."""

    def __init__(
        self, cause: Cause, messages: Mapping[tuple[int, str], tuple[str, list[CarrierEvent]]]
    ) -> None:
        self.cause, self.messages = cause, messages
        numbers = sorted(
            {(key[0], event.tracking) for key, (_, events) in messages.items() for event in events}
        )
        self.parcels: dict[tuple[int, str], list[_Parcel]] = {}
        params = sql.columns(("companies", "numbers"), numbers) | {"days": AGAIN_DAYS}
        for row in sql.run(_LOCK, params) if numbers else ():
            parcel = _Parcel(*row)
            self.parcels.setdefault((parcel.company, parcel.number), []).append(parcel)
        self.recorded = self._record()
        self.arrived = self._deliver()
        self._ask()

    def _about(self, key: tuple[int, str]) -> list[tuple[_Parcel, str, CarrierEvent]]:
        """What a message says, of each shipment that bears the number."""
        source, events = self.messages[key]
        return [
            (parcel, source, event)
            for event in events
            for parcel in self.parcels.get((key[0], event.tracking), ())
        ]

    def _record(self) -> set[tuple[UUID, str, str]]:
        rows = {
            (parcel.shipment, source, event.name): (
                ids.uuid7(), parcel.company, parcel.shipment, source, event.name, event.tracking, event.kind,
                event.message, event.place, event.occurred_at,
            )
            for key in self.messages
            for parcel, source, event in self._about(key)
        }  # fmt: skip
        if not rows:
            return set()
        params = sql.columns(_COLUMNS, list(rows.values())) | {"at": self.cause.at}
        return {tuple(row) for row in sql.run(_RECORD, params)}  # type: ignore[misc]

    def _fresh(self, key: tuple[int, str]) -> list[tuple[_Parcel, CarrierEvent]]:
        return [
            (parcel, event)
            for parcel, source, event in self._about(key)
            if (parcel.shipment, source, event.name) in self.recorded
        ]

    def _deliver(self) -> dict[UUID, datetime]:
        """Shipments all of whose parcels have come by now, and when."""
        waiting = {
            parcel.shipment
            for key in self.messages
            for parcel, event in self._fresh(key)
            if event.kind == "delivered" and parcel.state == "shipped"
        }
        if not waiting:
            return {}
        numbers: dict[UUID, set[str]] = {}
        told: dict[UUID, list[tuple[str, datetime]]] = {}
        for shipment, number, at in sql.run(_ARRIVALS, {"ids": list(waiting)}):
            numbers.setdefault(shipment, set()).add(number)
            if at is not None:
                told.setdefault(shipment, []).append((number, at))
        came = {one: rules.arrived(numbers[one], told.get(one, ())) for one in sorted(waiting)}
        due = {shipment: at for shipment, at in came.items() if at is not None}
        if due:
            whole(deliver(self.cause, requests=[Delivered(shipment, at) for shipment, at in due.items()]))
        return due

    def _ask(self) -> None:
        """Trouble that nobody had told before, one item for each kind of a shipment."""
        items = [
            OpenItem(
                parcel.company, f"parcel {event.kind}", "shipment", parcel.shipment,
                f"{parcel.shipment_number} ({event.tracking}): {event.message or event.kind}", "customer service",
                {"tracking": event.tracking, "kind": event.kind, "place": event.place}, parcel.priority,
                due_in_hours=rules.EXCEPTIONS[event.kind], occurred_at=event.occurred_at,
            )
            for key in self.messages
            for parcel, event in self._fresh(key)
            if rules.is_work(event.kind, event.occurred_at, self.arrived.get(parcel.shipment, parcel.delivered_at))
        ]  # fmt: skip
        open_items(self.cause, requests=items)
        told = {item.subject: item.priority for item in items}
        offer(TROUBLE, [(shipment, priority, self.cause.at) for shipment, priority in told.items()])

    def mark(self, ids_of: Mapping[tuple[int, str], UUID]) -> None:
        """Note what became of each message, and offer those that tell where a parcel is to who expects parcels back."""
        for state, why in WHY.items():
            inbox.mark([which for key, which in ids_of.items() if self.state_of(key) == state], state, why)
        scans = [
            which
            for key, which in ids_of.items()
            if any(event.kind not in rules.BEFORE_A_SCAN for event in self.messages[key][1])
        ]
        offer(SCANNED, [(which, 5, self.cause.at) for which in scans])

    def state_of(self, key: tuple[int, str]) -> str:
        return "done" if self._about(key) else "set_aside"

    def answer(self, key: tuple[int, str]) -> TrackingTaken:
        fresh = self._fresh(key)
        here = {parcel.shipment for parcel, event in fresh if event.kind == "delivered"}
        return TrackingTaken(self.state_of(key), len(fresh), len(here & set(self.arrived)))


_COLUMNS = (
    "ids", "companies", "shipments", "sources", "names", "trackings", "kinds", "messages", "places", "times",
)  # fmt: skip

# A number is that of a label in force, of a parcel that a supplier names, or of a shipment; of those that bear it by
# chance or mistake, of the one to which it was given last. Suppliers take no numbers, since several of their shipments
# may go in one parcel: what they name is theirs where the number was given so long before that it was given again.
_LOCK = """
WITH named AS (
    SELECT DISTINCT d.number, h.id AS shipment
    FROM unnest(%(companies)s::smallint[], %(numbers)s::text[]) AS d(company, number)
    JOIN shipping_shipment AS h ON h.company_id = d.company AND h.tracking = d.number
    UNION
    SELECT d.number, l.shipment_id
    FROM unnest(%(companies)s::smallint[], %(numbers)s::text[]) AS d(company, number)
    JOIN shipping_label AS l ON l.company_id = d.company AND l.tracking = d.number AND l.state <> 'voided'
    UNION
    SELECT d.number, p.shipment_id
    FROM unnest(%(companies)s::smallint[], %(numbers)s::text[]) AS d(company, number)
    JOIN shipping_parcel AS p ON p.company_id = d.company AND p.tracking = d.number)
SELECT n.number, h.id, h.number, h.company_id::int, h.order_id, h.state, h.delivered_at, o.priority::int
FROM named AS n
JOIN shipping_shipment AS h ON h.id = n.shipment
JOIN orders_order AS o ON o.id = h.order_id
WHERE NOT EXISTS (
    SELECT FROM shipping_number AS k
    WHERE (k.company_id, k.carrier, k.tracking) = (h.company_id, h.carrier, n.number) AND k.shipment_id <> h.id
      AND k.given_at >= h.shipped_at - make_interval(days => %(days)s::int))
  AND NOT EXISTS (
    SELECT FROM named AS m JOIN shipping_shipment AS x ON x.id = m.shipment
    WHERE m.number = n.number AND (x.company_id, x.carrier) = (h.company_id, h.carrier)
      AND x.shipped_at > h.shipped_at + make_interval(days => %(days)s::int))
ORDER BY o.id, h.id FOR UPDATE OF o, h
"""

_RECORD = """
INSERT INTO shipping_carrierevent
    (id, company_id, shipment_id, source, name, tracking, kind, message, place, occurred_at, recorded_at)
SELECT d.*, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(shipments)s::uuid[], %(sources)s::text[], %(names)s::text[],
            %(trackings)s::text[], %(kinds)s::text[], %(messages)s::text[], %(places)s::text[],
            %(times)s::timestamptz[]) AS d
ON CONFLICT (shipment_id, source, name) DO NOTHING
RETURNING shipment_id, source, name
"""

# Every number of the shipments, with when its parcel came. What is told of the whole that a supplier sent holds for
# each of its parcels, where none of them bears that number.
_ARRIVALS = """
SELECT n.shipment, n.number, e.occurred_at
FROM (
    SELECT h.id AS shipment, h.tracking AS number, '' AS whole FROM shipping_shipment AS h
    WHERE h.id = ANY(%(ids)s::uuid[])
      AND NOT EXISTS (SELECT FROM shipping_parcel AS p WHERE p.shipment_id = h.id)
      AND (NOT EXISTS (SELECT FROM shipping_label AS l WHERE l.shipment_id = h.id AND l.state <> 'voided')
           OR NOT EXISTS (SELECT FROM shipping_label AS l
                          WHERE l.shipment_id = h.id AND l.state <> 'voided' AND l.tracking = h.tracking)
          AND EXISTS (SELECT FROM warehouse_package AS w  -- the number was given for it beside what was bought
                      WHERE w.fulfillment_id = h.fulfillment_id AND w.voided_at IS NULL
                        AND NOT EXISTS (SELECT FROM shipping_label AS l
                                        WHERE l.package_id = w.id AND l.state <> 'voided')))
    UNION SELECT p.shipment_id, p.tracking, h.tracking
    FROM shipping_parcel AS p JOIN shipping_shipment AS h ON h.id = p.shipment_id
    WHERE p.shipment_id = ANY(%(ids)s::uuid[])
    UNION SELECT l.shipment_id, l.tracking, '' FROM shipping_label AS l
    WHERE l.shipment_id = ANY(%(ids)s::uuid[]) AND l.state <> 'voided') AS n
LEFT JOIN shipping_carrierevent AS e
  ON e.shipment_id = n.shipment AND e.kind = 'delivered'
 AND (e.tracking = n.number
      OR e.tracking = n.whole AND NOT EXISTS (
             SELECT FROM shipping_parcel AS p WHERE p.shipment_id = n.shipment AND p.tracking = n.whole))
"""
