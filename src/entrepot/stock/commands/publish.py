"""Publish what each channel may sell: by what changed, never by a rescan of everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.stock.availability_queries import SHOWN

TOPIC = "availability.changed"
MARKS_MAX = 5000
"""Marks that one call takes: so that a long night of changes is published bit by bit."""


@dataclass(frozen=True, slots=True)
class PublishChanges:
    """What was marked since the last time, `marks_max` of it at most."""

    marks_max: int = MARKS_MAX
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ChangesPublished:
    """Marks taken, SKUs computed for all their channels, and figures that were not what was published."""

    marks: int
    skus: int
    changed: int


@dataclass(frozen=True, slots=True)
class AvailabilityChanged:
    """What a channel is told. A later version is newer, whatever the order in which it arrives."""

    sku: str
    before: int
    quantity: int
    version: int


@command("stock.publish")
def publish(cause: Cause, /, *, requests: Sequence[PublishChanges]) -> list[ChangesPublished | Refused]:
    """Figures of the marked SKUs computed for every channel; what differs from what was published is published, and
    the channel told by `availability.changed`. What was freed, and is free, is offered to the queue `serve` for those
    who wait for it: whatever a channel is shown of it.

    One at a time: who comes while another publishes does nothing.
    Locks: an advisory lock of its own; no position, so that buyers never wait for it.
    Again: finds nothing more. 4 statements; 1 more where something was freed, 1 more where some of it is free.
    """
    if not sql.run(_ALONE)[0][0]:
        return [ChangesPublished(0, 0, 0) for _ in requests]
    marks = sql.run(_TAKE, {"limit": max(one.marks_max for one in requests)})
    skus = sorted({sku for sku, _ in marks})
    changed = _publish(cause, skus) if skus else 0
    freed = sorted({sku for sku, is_freed in marks if is_freed})
    if freed:
        offer("serve", [(sku, 5, cause.at) for (sku,) in sql.run(_FREE, {"skus": freed})])
    return [ChangesPublished(len(marks), len(skus), changed) for _ in requests]


def _publish(cause: Cause, skus: Sequence[UUID]) -> int:
    params = {"skus": list(skus), "at": cause.at, "today": cause.at.date()}
    rows = sql.run(_PUBLISH, params)
    delivery.send(
        cause,
        [
            delivery.Message(
                f"channels:{channel}",
                TOPIC,
                sku,
                company,
                AvailabilityChanged(code, before, now, version),
            )
            for channel, sku, company, code, before, now, version in rows
        ],
    )
    return len(rows)


@dataclass(frozen=True, slots=True)
class RepublishPlace:
    """A channel or a node of which something changed that all its figures depend on; or a kit that is made of something
    else now."""

    place: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceMarked:
    place: UUID


@command("stock.republish")
def republish(cause: Cause, /, *, requests: Sequence[RepublishPlace]) -> list[PlaceMarked | Refused]:
    """Every SKU of a channel or of a node, and a kit, marked to be computed again.

    Again: marks them again. 1 statement.
    """
    sql.change(_MARK_PLACES, {"places": [one.place for one in requests]})
    return [PlaceMarked(one.place) for one in requests]


@dataclass(frozen=True, slots=True)
class TellAgain:
    """A SKU that a channel shows otherwise than it was told."""

    channel: UUID
    sku: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ToldAgain:
    sku: UUID
    quantity: int


@command("stock.tell_again")
def tell_again(cause: Cause, /, *, requests: Sequence[TellAgain]) -> list[ToldAgain | Refused]:
    """Each channel told once more what it was told last of a SKU, by a newer version: none where it was never told.

    Locks: what was published of the SKUs, in key order. Refuses: NotFound. Again: by key; without one told again.
    2 statements.
    """
    wanted = sorted({(one.sku, one.channel) for one in requests})
    rows = sql.run(_TELL_AGAIN, sql.columns(("skus", "channels"), wanted) | {"at": cause.at})
    messages = [
        delivery.Message(
            f"channels:{code}", TOPIC, sku, company, AvailabilityChanged(name, quantity, quantity, version)
        )
        for code, _, sku, company, name, quantity, version in rows
    ]
    delivery.send(cause, messages)
    told = {(sku, channel): quantity for _, channel, sku, _, _, quantity, _ in rows}
    return [
        ToldAgain(one.sku, told[one.sku, one.channel])
        if (one.sku, one.channel) in told
        else NotFound(what="SKU of the channel's company", which=str(one.sku))
        for one in requests
    ]


def mark_shipping(day: date) -> None:
    """Mark what ships from a day on: until then nothing of it was shown. Inside no command. 1 statement."""
    sql.run(_MARK_SHIPPING, {"day": day})


_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('stock.publish', 0))"

# A mark is seen when its transaction is over; the next statement sees all that it changed.
_TAKE = """
DELETE FROM stock_unpublished WHERE id = ANY(ARRAY(SELECT id FROM stock_unpublished ORDER BY id LIMIT %(limit)s::int))
RETURNING sku_id, freed
"""

# What a mark freed may be promised to somebody else by now.
_FREE = """
SELECT DISTINCT sku_id FROM stock_position
WHERE sku_id = ANY(%(skus)s::uuid[]) AND sellable > reserved + allocated + safety
"""

_PUBLISH = f"""
WITH wanted AS (
    SELECT unnest(%(skus)s::uuid[]) AS sku
    UNION SELECT m.kit_id FROM catalog_component AS m WHERE m.sku_id = ANY(%(skus)s::uuid[])
), shown AS ({SHOWN}), changed AS MATERIALIZED (
    SELECT shown.*, COALESCE(q.quantity, 0) AS before FROM shown
    LEFT JOIN stock_published AS q ON q.sku_id = shown.sku AND q.channel_id = shown.channel
    WHERE COALESCE(q.quantity, 0) <> shown.quantity
), written AS (
    INSERT INTO stock_published (sku_id, channel_id, company_id, quantity, version, published_at)
    SELECT sku, channel, company, quantity, nextval('stock_published_version'), %(at)s::timestamptz
    FROM changed ORDER BY sku, channel
    ON CONFLICT (sku_id, channel_id)
    DO UPDATE SET quantity = excluded.quantity, version = excluded.version, published_at = excluded.published_at
    RETURNING sku_id, channel_id, version
)
SELECT c.code, changed.sku, changed.company::int, s.code, changed.before, changed.quantity, w.version
FROM changed JOIN written AS w ON w.sku_id = changed.sku AND w.channel_id = changed.channel
JOIN network_channel AS c ON c.id = changed.channel JOIN catalog_sku AS s ON s.id = changed.sku
ORDER BY w.version
"""

_TELL_AGAIN = """
WITH told AS (
    INSERT INTO stock_published AS m (sku_id, channel_id, company_id, quantity, version, published_at)
    SELECT s.id, c.id, c.company_id, 0, nextval('stock_published_version'), %(at)s::timestamptz
    FROM unnest(%(skus)s::uuid[], %(channels)s::uuid[]) AS d(sku, channel)
    JOIN network_channel AS c ON c.id = d.channel
    JOIN catalog_sku AS s ON s.id = d.sku AND s.company_id = c.company_id
    ORDER BY s.id, c.id
    ON CONFLICT (sku_id, channel_id) DO UPDATE SET version = excluded.version, published_at = excluded.published_at
    RETURNING sku_id, channel_id, company_id, quantity, version
)
SELECT c.code, c.id, s.id, t.company_id::int, s.code, t.quantity, t.version
FROM told AS t JOIN network_channel AS c ON c.id = t.channel_id JOIN catalog_sku AS s ON s.id = t.sku_id
ORDER BY t.version
"""

_MARK_PLACES = """
INSERT INTO stock_unpublished (sku_id, freed)
SELECT sku_id, true FROM stock_published WHERE channel_id = ANY(%(places)s::uuid[])
UNION SELECT p.sku_id, true FROM network_channelnode AS cn JOIN stock_position AS p ON p.node_id = cn.node_id
WHERE cn.channel_id = ANY(%(places)s::uuid[])
UNION SELECT sku_id, true FROM stock_position WHERE node_id = ANY(%(places)s::uuid[])
UNION SELECT id, true FROM catalog_sku WHERE id = ANY(%(places)s::uuid[])
"""

_MARK_SHIPPING = """
INSERT INTO stock_unpublished (sku_id, freed) SELECT sku_id, true FROM stock_preorder WHERE ships_on = %(day)s::date
"""
