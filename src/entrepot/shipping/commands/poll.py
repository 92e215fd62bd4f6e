"""Ask where parcels are, of carriers that do not tell by themselves, or are silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused

EVERY = timedelta(hours=4)
SILENT = timedelta(days=1)
"""Who tells by itself is asked about what it has said nothing of for so long: it may not know the parcel yet."""
POLLED_MAX = 500
"""Shipments of a company that are asked about at a time; the next time takes those that were left."""


@dataclass(frozen=True, slots=True)
class PollTracking:
    """The shipments of a company that are on their way, with services of these sources; `telling` are sources that tell
    by themselves."""

    company: int
    sources: tuple[str, ...]
    telling: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TrackingPolled:
    company: int
    shipments: int


@command("shipping.poll")
def poll(cause: Cause, /, *, requests: Sequence[PollTracking]) -> list[TrackingPolled | Refused]:
    """A message to the adapter for each tracking number of shipments that nobody has asked about for some hours, the
    longest ago first; where the source tells by itself, that nobody has asked or told of for a day.

    Locks: the shipments it takes. Refuses: nothing. Again: by key; without one nothing is due. 3 statements.
    """
    wanted = [(one.company, source, cause.at - EVERY, False) for one in requests for source in one.sources]
    wanted += [(one.company, source, cause.at - SILENT, True) for one in requests for source in one.telling]
    params = {"limit": POLLED_MAX, "at": cause.at}
    columns = ("companies", "sources", "since", "tells")
    due = sql.run(_TAKE, {**sql.columns(columns, wanted), **params}) if wanted else []
    taken: dict[int, set[object]] = {}
    messages = []
    for company, shipment, source, carrier, number in due:
        taken.setdefault(company, set()).add(shipment)
        body = {"number": number, "carrier": carrier}
        messages.append(delivery.Message(f"carriers:{source}", "carrier.tracking", shipment, company, body))
    delivery.send(cause, messages)
    return [TrackingPolled(one.company, len(taken.get(one.company, ()))) for one in requests]


_TAKE = """
WITH due AS (
    SELECT h.id, split_part(s.live, ':', 1) AS source,
           split_part(substr(s.live, strpos(s.live, ':') + 1), ' ', 1) AS carrier
    FROM shipping_shipment AS h
    JOIN carriage_service AS s ON s.id = h.service_id
    JOIN unnest(%(companies)s::smallint[], %(sources)s::text[], %(since)s::timestamptz[], %(tells)s::boolean[])
      AS d(company, source, since, tells) ON d.company = h.company_id AND d.source = split_part(s.live, ':', 1)
    WHERE h.state = 'shipped' AND COALESCE(h.polled_at, h.shipped_at) < d.since
      AND NOT (d.tells AND EXISTS (SELECT FROM shipping_carrierevent AS e
                                   WHERE e.shipment_id = h.id AND e.recorded_at >= d.since))
    ORDER BY COALESCE(h.polled_at, h.shipped_at), h.id LIMIT %(limit)s::int FOR UPDATE OF h SKIP LOCKED),
taken AS (
    UPDATE shipping_shipment AS h SET polled_at = %(at)s::timestamptz FROM due WHERE h.id = due.id
    RETURNING h.company_id::int AS company, h.id, due.source, due.carrier, h.tracking)
SELECT t.company, t.id, t.source, t.carrier, n.number
FROM taken AS t
CROSS JOIN LATERAL (
    SELECT l.tracking AS number FROM shipping_label AS l WHERE l.shipment_id = t.id AND l.state <> 'voided'
    UNION SELECT t.tracking) AS n
ORDER BY t.company, t.id, n.number
"""
