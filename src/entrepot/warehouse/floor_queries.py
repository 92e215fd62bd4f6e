"""What people with a scanner ask of the floor: the stops of a list, what stands in a bin, what waits for whom."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.catalog.packagings import Pieces, pieces_of
from entrepot.kernel import sql
from entrepot.warehouse.passing import IN_TURN, TOTES
from entrepot.warehouse.picking import Stop
from entrepot.warehouse.shelf_queries import mixed_in, sizes_in
from entrepot.work.scanning import Item, Named


@dataclass(frozen=True, slots=True)
class StopRow:
    """A pick task as a picker sees it, with the state of its work."""

    stop: Stop
    name: str
    state: str
    picked: int
    fulfillment_number: str
    order_number: str
    pieces: list[Pieces]
    """The units as they are taken: out of reserve in whole pallets and cases."""


def stops(*, pick_list: UUID | None = None, fulfillment: UUID | None = None) -> list[StopRow]:
    """The stops of a list, or the tasks of a fulfillment that are on none, in the order of the way. 1 statement."""
    return [_stop(*row) for row in sql.run(_STOPS, {"list": pick_list, "fulfillment": fulfillment})]


def _stop(
    task: UUID, fulfillment: UUID, bin_id: UUID, bin_code: str, sku: UUID, code: str, quantity: int, lot: str,
    serial: str, expires_on: date | None, mixed: bool, slot: int, tote: str, name: str, state: str,  # noqa: FBT001
    picked: int, number: str, order: str, case: int, pallet: int,
) -> StopRow:  # fmt: skip
    item = Item(sku, code, quantity, lot, serial, expires_on, mixed)
    stop = Stop(task, fulfillment, Named(bin_id, bin_code), item, slot, tote)
    return StopRow(stop, name, state, picked, number, order, pieces_of(quantity, case, pallet))


class Waiting(NamedTuple):
    """What waits for people with a scanner at a node."""

    lists: int
    picks: int
    packs: int
    put_aways: int
    sorts: int
    replenishments: int
    counts: int


def waiting(*, company: int, node: UUID) -> Waiting:
    """Lists with open stops; orders to be picked without a list and fulfillments to be packed,
    of the first five hundred; buckets to be put away, carts to be sorted, pick faces to be filled, bins
    to be counted. 1 statement."""
    return Waiting(*sql.run(_WAITING, {"company": company, "node": node})[0])


@dataclass(frozen=True, slots=True)
class PickJob:
    """A list, or a fulfillment whose tasks are on none: `kind` is `list` or `order`."""

    kind: str
    id: UUID
    number: str
    picker: str
    stops: int
    method: str
    zone: str
    totes: str = ""
    """Of an order whose tote passes from zone to zone: what it stands in."""


def pick_jobs(*, company: int, node: UUID, person: str, limit: int = 30) -> list[PickJob]:
    """Lists and orders with open tasks at a node: those of the person first, then those of nobody, the most urgent
    first. Of lists the first thousand by their cut-offs are looked at. 1 statement."""
    params = {"company": company, "node": node, "person": person, "limit": limit}
    return [PickJob(*row[:8]) for row in sql.run(_JOBS, params)]


def fulfillments_named(*, company: int, text: str) -> list[UUID]:
    """Fulfillments by their number, or their order's, the newest first. 1 statement."""
    return [one for (one,) in sql.run(_NAMED, {"company": company, "text": text})]


def lists_named(*, company: int, number: str) -> list[UUID]:
    """A list by its number. 1 statement."""
    return [one for (one,) in sql.run(_LIST_NAMED, {"company": company, "number": number})]


class InFulfillment(NamedTuple):
    """Units of a SKU that were picked for a fulfillment."""

    sku: UUID
    code: str
    name: str
    units: int
    serials: tuple[str, ...]
    lots: tuple[str, ...] = ()
    to_note: int = 0
    """Of how many a serial number is read that nobody knows yet."""


def picked(fulfillments: Collection[UUID]) -> list[InFulfillment]:
    """What was picked for fulfillments, by SKU, with its lots and serials. 1 statement."""
    rows = sql.run(_PICKED, {"ids": list(fulfillments)})
    return [
        InFulfillment(sku, code, name, units, tuple(serials or ()), tuple(lots or ()), to_note)
        for sku, code, name, units, serials, lots, to_note in rows
    ]


def held_by(*, node: UUID, tote: str) -> UUID | None:
    """The fulfillment whose units a tote holds; None where it is free or unknown. 1 statement."""
    rows = sql.run(_HELD_BY, {"node": node, "tote": tote.upper()})
    return rows[0][0] if rows else None


def totes_of(fulfillment: UUID) -> list[str]:
    """The totes that hold units of a fulfillment. 1 statement."""
    return [code for (code,) in sql.run(_TOTES_OF, {"id": fulfillment})]


def still_elsewhere(fulfillment: UUID) -> list[str]:
    """Lists with picked units of a fulfillment that are not sorted to their order, or that are not picked yet, with
    their zone. 1 statement."""
    return [text for (text,) in sql.run(_ELSEWHERE, {"id": fulfillment})]


@dataclass(frozen=True, slots=True)
class Instead:
    """A pick that takes the place of one that came up short: how many, where, and on which list ('' without a wave)."""

    units: int
    bin_code: str
    list_number: str


def instead(tasks: Collection[UUID]) -> list[Instead]:
    """Where what was missing is picked instead, in the order of the way. 1 statement."""
    return [Instead(*row) for row in sql.run(_INSTEAD, {"ids": list(tasks)})] if tasks else []


@dataclass(frozen=True, slots=True)
class ToSort:
    """Picked units of a list that stand on the cart; `tote` is where their order stands, '' where it has no place."""

    task: UUID
    fulfillment: UUID
    fulfillment_number: str
    sku: UUID
    sku_code: str
    name: str
    units: int
    tote: str


def to_sort(pick_list: UUID) -> list[ToSort]:
    """What a list still has to be sorted: its picked stops of orders that are not packed yet. 1 statement."""
    return [ToSort(*row) for row in sql.run(_TO_SORT, {"list": pick_list})]


def sort_jobs(*, company: int, node: UUID, limit: int = 30) -> list[PickJob]:
    """Lists by batch or zone that are picked and not sorted, the first picked first. 1 statement."""
    params = {"company": company, "node": node, "limit": limit}
    return [PickJob(*row) for row in sql.run(_SORT_JOBS, params)]


_INSTEAD = """
SELECT t.quantity, b.code, COALESCE(l.number, '')
FROM warehouse_picktask AS t JOIN network_bin AS b ON b.id = t.bin_id
LEFT JOIN warehouse_liststop AS s ON s.task_id = t.id LEFT JOIN warehouse_picklist AS l ON l.id = s.list_id
WHERE t.id = ANY(%(ids)s::uuid[]) ORDER BY b.pick_sequence, b.code, t.id
"""

_STOPS = f"""
SELECT t.id, t.fulfillment_id, b.id, b.code, t.sku_id, s.code, t.quantity, t.lot, t.serial, k.expires_on,
       {mixed_in("t.lot", "t.sku_id", "t.bin_id")},
       COALESCE(l.slot, 0),
       CASE WHEN l.slot > 0 THEN COALESCE((SELECT string_agg(c.code, ', ' ORDER BY c.used_at DESC)
            FROM warehouse_tote AS c WHERE c.fulfillment_id = f.id), '') ELSE '' END,
       s.name, t.state, t.picked, f.number, o.number, {sizes_in("b", "t")}
FROM warehouse_picktask AS t
JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_bin AS b ON b.id = t.bin_id
JOIN catalog_sku AS s ON s.id = t.sku_id
JOIN stock_bucket AS k ON k.id = t.bucket_id
LEFT JOIN warehouse_liststop AS l ON l.task_id = t.id
WHERE CASE WHEN %(list)s::uuid IS NOT NULL THEN l.list_id = %(list)s::uuid
           ELSE t.fulfillment_id = %(fulfillment)s::uuid AND l.task_id IS NULL END
ORDER BY l.place, t.sequence, t.id
"""

OPEN_LISTS = """SELECT s.list_id AS id, count(*)::int AS open
FROM warehouse_picktask AS t JOIN warehouse_liststop AS s ON s.task_id = t.id
WHERE t.state = 'open' AND t.company_id = %(company)s::smallint AND t.node_id = {node} GROUP BY 1"""
"""Lists of a node with open stops, and how many each has: found by what is open, however many lists are done."""

# Of a node's lists and queues so many: what waits does not make a page slow. Those of the first cut-offs come first,
# and of a wave those that were written first: they are of its most urgent orders.
_FIRST = f"""(SELECT l.*, o.open, w.method, w.cutoff_at
    FROM ({OPEN_LISTS.format(node="%(node)s::uuid")}) AS o JOIN warehouse_picklist AS l ON l.id = o.id
    JOIN warehouse_wave AS w ON w.id = l.wave_id WHERE l.picker IN ('', %(person)s::text)
    ORDER BY l.picker = '', w.cutoff_at, l.id LIMIT 1000)"""

_LATEST_UNSORTED = """(SELECT l.*, w.method
    FROM warehouse_picklist AS l JOIN warehouse_wave AS w ON w.id = l.wave_id AND w.method IN ('batch', 'zone')
    WHERE l.company_id = %(company)s::smallint AND l.node_id = %(node)s::uuid ORDER BY l.id DESC LIMIT 1000)"""

_ON_NO_LIST = """SELECT count(*)::int AS open FROM warehouse_picktask AS t
    WHERE t.fulfillment_id = f.id AND t.state = 'open'
      AND NOT EXISTS (SELECT FROM warehouse_liststop AS l WHERE l.task_id = t.id)"""

_QUEUED = """
SELECT f.id, f.number, f.picker, r.priority, r.due_at
FROM kernel_ready AS r JOIN warehouse_fulfillment AS f ON f.id = r.subject
  AND f.company_id = %(company)s::smallint AND f.node_id = %(node)s::uuid
WHERE r.queue = '{queue}' ORDER BY r.priority DESC, r.due_at, r.subject LIMIT 500
"""

_UNSORTED = f"""
SELECT l.id, l.number, l.picker, l.method, l.zone, s.stops
FROM {_LATEST_UNSORTED} AS l
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE t.state = 'open') AS open,
        (count(*) FILTER (WHERE s.tote = '' AND t.picked > 0
            AND f.state IN ('released', 'picking', 'picked')))::int AS stops
    FROM warehouse_liststop AS s JOIN warehouse_picktask AS t ON t.id = s.task_id
    JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id WHERE s.list_id = l.id) AS s
WHERE s.open = 0 AND s.stops > 0
"""

_WAITING = f"""
SELECT (SELECT count(*)::int FROM ({OPEN_LISTS.format(node="%(node)s::uuid")}) AS l),
       (SELECT count(*)::int FROM ({_QUEUED.format(queue="pick")}) AS f CROSS JOIN LATERAL ({_ON_NO_LIST}) AS t
        WHERE t.open > 0),
       (SELECT count(*)::int FROM ({_QUEUED.format(queue="pack")}) AS f),
       (SELECT count(*)::int FROM network_bin AS n JOIN stock_bucket AS b ON b.bin_id = n.id
          AND b.status = 'sellable' AND b.quantity > b.committed
        WHERE n.node_id = %(node)s::uuid AND n.kind = 'receiving'),
       (SELECT count(*)::int FROM ({_UNSORTED}) AS l),
       (SELECT count(*)::int FROM warehouse_replenishment WHERE node_id = %(node)s::uuid AND state = 'open'),
       (SELECT count(*)::int FROM warehouse_counttask WHERE company_id = %(company)s::smallint
          AND node_id = %(node)s::uuid AND state IN ('open', 'recount') AND state NOT IN ('done', 'withdrawn'))
"""

_JOBS = f"""
SELECT 'list', l.id, l.number, l.picker, l.open, l.method, l.zone,
       {TOTES},
       l.picker <> %(person)s::text AS later,
       0 AS urgent, l.cutoff_at AS due, l.id AS key
FROM {_FIRST} AS l WHERE {IN_TURN}
UNION ALL
SELECT 'order', f.id, f.number, f.picker, t.open, 'discrete', '', '', f.picker <> %(person)s::text, -f.priority,
       f.due_at, f.id
FROM ({_QUEUED.format(queue="pick")}) AS f CROSS JOIN LATERAL ({_ON_NO_LIST}) AS t
WHERE t.open > 0 AND f.picker IN ('', %(person)s::text)
ORDER BY later, urgent, due, key LIMIT %(limit)s::int
"""

_NAMED = """
SELECT f.id FROM warehouse_fulfillment AS f WHERE f.company_id = %(company)s::smallint AND f.number = %(text)s::text
UNION ALL
SELECT f.id FROM orders_order AS o JOIN warehouse_fulfillment AS f ON f.order_id = o.id
WHERE o.company_id = %(company)s::smallint AND o.number = %(text)s::text
"""

_LIST_NAMED = (
    "SELECT id FROM warehouse_picklist WHERE company_id = %(company)s::smallint AND number = %(number)s::text"
)

_PICKED = """
SELECT t.sku_id, s.code, s.name, sum(t.picked)::int,
       array_remove(array_agg(t.serial ORDER BY t.serial) FILTER (WHERE t.picked > 0), ''),
       array_remove(array_agg(DISTINCT t.lot ORDER BY t.lot) FILTER (WHERE t.picked > 0), ''),
       COALESCE(sum(t.picked) FILTER (WHERE s.serial_policy = 'at_ship' AND t.serial = ''), 0)::int
FROM warehouse_picktask AS t JOIN catalog_sku AS s ON s.id = t.sku_id
WHERE t.fulfillment_id = ANY(%(ids)s::uuid[]) GROUP BY 1, 2, 3 HAVING sum(t.picked) > 0 ORDER BY s.code
"""

_HELD_BY = """
SELECT f.id FROM warehouse_tote AS t JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id
  AND f.state IN ('released', 'picking', 'picked')
WHERE t.node_id = %(node)s::uuid AND t.code = %(tote)s::text
"""

_TOTES_OF = "SELECT code FROM warehouse_tote WHERE fulfillment_id = %(id)s::uuid ORDER BY code"

_ELSEWHERE = """
SELECT DISTINCT l.number || CASE WHEN l.zone = '' THEN '' ELSE ' (' || l.zone || ')' END
FROM warehouse_picktask AS t JOIN warehouse_liststop AS s ON s.task_id = t.id
JOIN warehouse_picklist AS l ON l.id = s.list_id JOIN warehouse_wave AS w ON w.id = l.wave_id
WHERE t.fulfillment_id = %(id)s::uuid
  AND (t.state = 'open' OR (w.method IN ('batch', 'zone') AND t.picked > 0 AND s.tote = ''))
ORDER BY 1
"""

_TO_SORT = """
SELECT t.id, f.id, f.number, t.sku_id, k.code, k.name, t.picked,
       COALESCE((SELECT min(c.code) FROM warehouse_tote AS c WHERE c.fulfillment_id = f.id), '')
FROM warehouse_liststop AS s JOIN warehouse_picktask AS t ON t.id = s.task_id AND t.picked > 0
JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id AND f.state IN ('released', 'picking', 'picked')
JOIN catalog_sku AS k ON k.id = t.sku_id
WHERE s.list_id = %(list)s::uuid AND s.tote = '' ORDER BY s.place
"""

_SORT_JOBS = f"""
SELECT 'list', id, number, picker, stops, method, zone FROM ({_UNSORTED}) AS l ORDER BY id LIMIT %(limit)s::int
"""
