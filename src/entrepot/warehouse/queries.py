"""What is asked of the warehouse: fulfillments, pick lists, packages, and whether they agree with orders and stock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.catalog.packagings import Pieces, pieces_of
from entrepot.kernel import sql
from entrepot.warehouse.lists import may_go_apart
from entrepot.warehouse.passing import EARLIER, TOTES
from entrepot.warehouse.shelf_queries import sizes_in


@dataclass(frozen=True, slots=True)
class FulfillmentRow:
    """A fulfillment as people see it."""

    id: UUID
    number: str
    order: UUID
    order_number: str
    node: UUID
    node_code: str
    state: str
    service: str
    due_at: datetime | None
    released_at: datetime
    picker: str
    units: int
    picked: int
    short: int
    company: int
    leave_by: datetime | None
    """The last cut-off that keeps the promise (`due_at`)."""


def of_order(order: UUID) -> list[FulfillmentRow]:
    """The fulfillments of an order, the first released first."""
    return [
        FulfillmentRow(*row)
        for row in sql.run(
            _FULFILLMENTS.format(queue="", which="f.order_id = %(order)s::uuid ORDER BY f.id"),
            {"order": order},
        )
    ]


def fulfillment(fulfillment_id: UUID) -> FulfillmentRow | None:
    """One fulfillment; None where there is none of that id."""
    rows = sql.run(_FULFILLMENTS.format(queue="", which="f.id = %(id)s::uuid"), {"id": fulfillment_id})
    return FulfillmentRow(*rows[0]) if rows else None


def waiting(
    queue: str, *, company: int, node: UUID | None = None, after: UUID | None = None, limit: int = 100
) -> list[FulfillmentRow]:
    """Fulfillments that wait in the queue `pick`, `pack` or `ship`, the most urgent first, behind the one `after`; none
    behind one that waits no more. 1 statement."""
    of_queue = "JOIN kernel_ready AS r ON r.subject = f.id AND r.queue = %(queue)s::text"
    which = """f.company_id = %(company)s::smallint AND (%(node)s::uuid IS NULL OR f.node_id = %(node)s::uuid)
      AND (%(after)s::uuid IS NULL OR (-r.priority, r.due_at, r.subject) >
           (SELECT -last.priority, last.due_at, last.subject FROM kernel_ready AS last
            WHERE last.queue = %(queue)s::text AND last.subject = %(after)s::uuid))
      ORDER BY r.priority DESC, r.due_at, r.subject LIMIT %(limit)s::int"""
    params = {"company": company, "node": node, "queue": queue, "after": after, "limit": limit}
    return [
        FulfillmentRow(*row) for row in sql.run(_FULFILLMENTS.format(queue=of_queue, which=which), params)
    ]


def scanned(text: str, *, company: int, limit: int = 100) -> list[FulfillmentRow]:
    """Fulfillments that wait to be packed or handed over, by a number that was scanned: their own, their order's, or
    that of one of their packages. 1 statement."""
    statement = _FULFILLMENTS.format(queue="", which=_SCANNED)
    params = {"number": text.upper(), "company": company, "limit": limit}
    return [FulfillmentRow(*row) for row in sql.run(statement, params)]


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A stop on the way of a picker."""

    id: UUID
    fulfillment: UUID
    sequence: int
    bin_code: str
    sku: UUID
    sku_code: str
    sku_name: str
    barcode: str
    lot: str
    serial: str
    quantity: int
    picked: int
    state: str
    withdrawn: int
    taken_back: int


def tasks(fulfillments: Collection[UUID]) -> list[TaskRow]:
    """The pick tasks of fulfillments, in the order of the way."""
    return [TaskRow(*row) for row in sql.run(_TASKS, {"ids": list(fulfillments)})]


@dataclass(frozen=True, slots=True)
class PackageRow:
    """A package; `proposed` is the carton that was proposed for it, `expected_g` what it should have weighed."""

    id: UUID
    number: str
    fulfillment: UUID
    carton: str
    weight_g: int
    units: int
    packed_at: datetime
    voided_at: datetime | None
    volume_cm3: int
    proposed: str
    expected_g: int | None


def packages(order: UUID) -> list[PackageRow]:
    """The packages of an order, voided ones too, the first packed first."""
    return [PackageRow(*row) for row in sql.run(_PACKAGES, {"order": order})]


@dataclass(frozen=True, slots=True)
class PackageLineRow:
    """Units of a SKU in a package that is closed."""

    package: UUID
    number: str
    carton: str
    sku_code: str
    sku_name: str
    units: int


def package_lines(fulfillment_id: UUID) -> list[PackageLineRow]:
    """What is in the closed packages of a fulfillment, package by package."""
    return [PackageLineRow(*row) for row in sql.run(_PACKAGE_LINES, {"id": fulfillment_id})]


@dataclass(frozen=True, slots=True)
class WaveRow:
    """A wave with what is expected of it, and how many of its stops are done. `meters` is None without a layout.

    `figures` has what was asked, the time that was free, and by reason how many orders stayed out.
    """

    id: UUID
    number: str
    node: UUID
    node_code: str
    state: str
    method: str
    policy_version: int
    cutoff_at: datetime
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None
    decided_by: str
    orders: int
    lines: int
    units: int
    lists: int
    meters: int | None
    seconds: int
    figures: dict[str, Any]
    stops: int
    open_stops: int


def waves(
    *, company: int, node: UUID | None = None, state: str = "", before: UUID | None = None, limit: int = 50
) -> list[WaveRow]:
    """Waves of a node or all, in a state or any, the newest first, `before` one of them. 1 statement."""
    which = """w.company_id = %(company)s::smallint AND (%(node)s::uuid IS NULL OR w.node_id = %(node)s::uuid)
      AND %(state)s::text IN ('', w.state) AND (%(before)s::uuid IS NULL OR w.id < %(before)s::uuid)"""
    params = {"company": company, "node": node, "state": state, "before": before, "limit": limit}
    return [WaveRow(*row) for row in sql.run(_WAVES.format(which=which) + " LIMIT %(limit)s::int", params)]


def wave(wave_id: UUID) -> WaveRow | None:
    """One wave; None where there is none of that id."""
    rows = sql.run(_WAVES.format(which="w.id = %(id)s::uuid"), {"id": wave_id})
    return WaveRow(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class WaveOrderRow:
    """An order of a wave: why it joined, or why it was left out; the state of its work where it was released."""

    order: UUID
    order_number: str
    place: int
    state: str
    why: str
    fulfillment: UUID | None
    fulfillment_state: str


def wave_orders(wave_id: UUID, *, after: int = 0, limit: int = 200) -> list[WaveOrderRow]:
    """The orders of a wave, the most urgent first, `after` a place. 1 statement."""
    params = {"wave": wave_id, "after": after, "limit": limit}
    return [WaveOrderRow(*row) for row in sql.run(_WAVE_ORDERS, params)]


def waiting_for_waves(*, company: int) -> dict[UUID, int]:
    """How many orders wait for a wave and are in none, by node. 1 statement."""
    return dict(sql.run(_WAITING_FOR_WAVES, {"company": company}))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PickListRow:
    """A list of a wave, with its stops and how many of them are open."""

    id: UUID
    number: str
    wave: UUID
    wave_number: str
    node_code: str
    zone: str
    length_mm: int | None
    seconds: int
    picker: str
    stops: int
    open_stops: int
    orders: int
    units: int
    leg: int = 0
    """Of a tote that passes from zone to zone, which zone in turn this is; 0 elsewhere."""
    totes: str = ""
    """The totes of its order, where they pass."""
    tote_in: str = ""
    """The zone where its tote is before it comes here; '' where it is here, or none passes."""


def pick_lists(*, wave: UUID, behind: UUID | None = None, limit: int | None = None) -> list[PickListRow]:
    """The lists of a wave in the order of their numbers, those `behind` one. 1 statement."""
    which = "l.wave_id = %(wave)s::uuid AND (%(behind)s::uuid IS NULL OR l.id > %(behind)s::uuid)"
    statement = _LISTS.format(which=which) + " LIMIT %(limit)s::int"
    params = {"wave": wave, "behind": behind, "limit": limit}
    return [PickListRow(*row) for row in sql.run(statement, params)]


def open_lists(*, company: int, node: UUID | None = None, limit: int = 50) -> list[PickListRow]:
    """Lists of a node or all with open stops, the first made first. 1 statement."""
    which = """l.id IN (SELECT s.list_id FROM warehouse_picktask AS t JOIN warehouse_liststop AS s ON s.task_id = t.id
        WHERE t.state = 'open' AND t.company_id = %(company)s::smallint
          AND (%(node)s::uuid IS NULL OR t.node_id = %(node)s::uuid))"""
    params = {"company": company, "node": node, "limit": limit}
    return [
        PickListRow(*row) for row in sql.run(_LISTS.format(which=which) + " LIMIT %(limit)s::int", params)
    ]


def pick_list(list_id: UUID) -> PickListRow | None:
    """One list; None where there is none of that id."""
    rows = sql.run(_LISTS.format(which="l.id = %(id)s::uuid"), {"id": list_id})
    return PickListRow(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class ListStopRow:
    """A stop of a list. `slot` is the place on the cart that it goes to; 0 where any will do."""

    task: UUID
    place: int
    slot: int
    bin_code: str
    sku: UUID
    sku_code: str
    sku_name: str
    barcode: str
    lot: str
    serial: str
    quantity: int
    picked: int
    state: str
    fulfillment: UUID
    fulfillment_number: str
    case_units: int
    pallet_units: int

    @property
    def pieces(self) -> list[Pieces]:
        """The units as they are taken: out of reserve in whole pallets and cases."""
        return pieces_of(self.quantity, self.case_units, self.pallet_units)


def list_stops(list_id: UUID) -> list[ListStopRow]:
    """The stops of a list in the order of the way. 1 statement."""
    return [ListStopRow(*row) for row in sql.run(_LIST_STOPS, {"list": list_id})]


class OrderOnList(NamedTuple):
    """An order on a cart, with its open stops there."""

    fulfillment: UUID
    number: str
    stops: int


def can_go_apart(list_id: UUID) -> list[OrderOnList]:
    """Orders of a list with open stops that may go on a cart of their own, in the order of the way. 1 statement."""
    return [
        OrderOnList(*row)
        for method, begun, *row in sql.run(_ON_LIST, {"list": list_id})
        if may_go_apart(method, begun=begun)
    ]


def by_state(company: int) -> dict[str, int]:
    """Fulfillments by state."""
    return dict(sql.run(_BY_STATE, {"company": company}))  # type: ignore[arg-type]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = {
        "fulfillments": "warehouse_fulfillment",
        "pick tasks": "warehouse_picktask",
        "packages": "warehouse_package",
        "waves": "warehouse_wave",
        "stops of pick lists": "warehouse_liststop",
        "replenishments": "warehouse_replenishment",
        "counted lines": "warehouse_countline",
    }
    return {name: sql.run(f"SELECT count(*) FROM {table}")[0][0] for name, table in tables.items()}


def discrepancies() -> list[str]:
    """Sentences about fulfillments that disagree with tasks, packages, orders or moves; [] when all is right."""
    return [sentence for statement in _WRONG for (sentence,) in sql.run(statement)]


_BY_STATE = """
SELECT state, count(*)::int FROM warehouse_fulfillment WHERE company_id = %(company)s::smallint GROUP BY 1 ORDER BY 1
"""

_FULFILLMENTS = """
SELECT f.id, f.number, f.order_id, o.number, f.node_id, n.code, f.state, f.service, f.due_at, f.released_at, f.picker,
       l.units, l.picked, l.short, f.company_id::int, f.leave_by
FROM warehouse_fulfillment AS f {queue}
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_node AS n ON n.id = f.node_id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(quantity), 0)::int AS units, COALESCE(sum(picked), 0)::int AS picked,
           COALESCE(sum(short), 0)::int AS short
    FROM warehouse_fulfillmentline WHERE fulfillment_id = f.id) AS l
WHERE {which}
"""

_SCANNED = """f.company_id = %(company)s::smallint AND f.state IN ('picked', 'packed')
  AND f.id IN (
      SELECT id FROM warehouse_fulfillment WHERE number = %(number)s::text
      UNION ALL SELECT x.id FROM orders_order AS o JOIN warehouse_fulfillment AS x ON x.order_id = o.id
      WHERE o.number = %(number)s::text
      UNION ALL SELECT fulfillment_id FROM warehouse_package
      WHERE number = %(number)s::text AND voided_at IS NULL)
ORDER BY f.number LIMIT %(limit)s::int"""

_WAVES = """
SELECT w.id, w.number, w.node_id, n.code, w.state, w.method, w.policy_version, w.cutoff_at, w.proposed_at,
       w.proposed_by, w.decided_at, w.decided_by, w.orders, w.lines, w.units, w.lists, w.meters, w.seconds, w.figures,
       s.stops, s.open
FROM warehouse_wave AS w JOIN network_node AS n ON n.id = w.node_id
CROSS JOIN LATERAL (
    SELECT count(*)::int AS stops, (count(*) FILTER (WHERE t.state = 'open'))::int AS open
    FROM warehouse_picklist AS l JOIN warehouse_liststop AS s ON s.list_id = l.id
    JOIN warehouse_picktask AS t ON t.id = s.task_id WHERE l.wave_id = w.id) AS s
WHERE {which} ORDER BY w.id DESC
"""

_WAVE_ORDERS = """
SELECT w.order_id, o.number, w.place, w.state, w.why, w.fulfillment_id, COALESCE(f.state, '')
FROM warehouse_waveorder AS w JOIN orders_order AS o ON o.id = w.order_id
LEFT JOIN warehouse_fulfillment AS f ON f.id = w.fulfillment_id
WHERE w.wave_id = %(wave)s::uuid AND w.place > %(after)s::int ORDER BY w.place LIMIT %(limit)s::int
"""

_WAITING_FOR_WAVES = """
SELECT a.node_id, count(DISTINCT r.subject)::int
FROM kernel_ready AS r JOIN orders_order AS o ON o.id = r.subject AND o.company_id = %(company)s::smallint
JOIN stock_allocation AS a ON a.order_id = r.subject AND a.quantity > a.released
WHERE r.queue = 'wave' AND NOT EXISTS (SELECT FROM warehouse_waveorder AS w
    WHERE w.order_id = r.subject AND w.node_id = a.node_id AND w.state = 'proposed')
GROUP BY 1
"""

_LISTS = f"""
SELECT l.id, l.number, l.wave_id, w.number, n.code, l.zone, l.length_mm, l.seconds, l.picker, s.stops, s.open, s.orders,
       s.units, l.leg,
       {TOTES},
       CASE WHEN l.leg > 0 AND s.open > 0
            THEN COALESCE((SELECT e.zone {EARLIER} ORDER BY e.leg, e.id LIMIT 1), '') ELSE '' END
FROM warehouse_picklist AS l JOIN warehouse_wave AS w ON w.id = l.wave_id JOIN network_node AS n ON n.id = l.node_id
CROSS JOIN LATERAL (
    SELECT count(*)::int AS stops, (count(*) FILTER (WHERE t.state = 'open'))::int AS open,
           count(DISTINCT t.fulfillment_id)::int AS orders, sum(t.quantity)::int AS units
    FROM warehouse_liststop AS s JOIN warehouse_picktask AS t ON t.id = s.task_id WHERE s.list_id = l.id) AS s
WHERE {{which}} ORDER BY l.id
"""

_LIST_STOPS = f"""
SELECT t.id, l.place, l.slot, b.code, t.sku_id, s.code, s.name, s.barcode, t.lot, t.serial, t.quantity, t.picked,
       t.state, t.fulfillment_id, f.number, {sizes_in("b", "t")}
FROM warehouse_liststop AS l JOIN warehouse_picktask AS t ON t.id = l.task_id
JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id
JOIN network_bin AS b ON b.id = t.bin_id JOIN catalog_sku AS s ON s.id = t.sku_id
WHERE l.list_id = %(list)s::uuid ORDER BY l.place
"""

BEGUN = """
bool_or(t.state IN ('done', 'short')) OVER (PARTITION BY l.list_id, t.fulfillment_id)
OR EXISTS (SELECT FROM warehouse_tote AS o WHERE o.fulfillment_id = t.fulfillment_id)
"""
"""Of a stop `l` of a list and its task `t`: whether something of its order is done on the list, or has a tote."""

_ON_LIST = f"""
SELECT method, begun, fulfillment_id, number, stops FROM (
    SELECT DISTINCT ON (t.fulfillment_id) w.method, {BEGUN} AS begun, t.fulfillment_id, f.number, l.place,
           (count(*) FILTER (WHERE t.state = 'open') OVER (PARTITION BY t.fulfillment_id))::int AS stops
    FROM warehouse_liststop AS l JOIN warehouse_picktask AS t ON t.id = l.task_id
    JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id
    JOIN warehouse_picklist AS p ON p.id = l.list_id JOIN warehouse_wave AS w ON w.id = p.wave_id
    WHERE l.list_id = %(list)s::uuid ORDER BY t.fulfillment_id, l.place) AS one
WHERE stops > 0 ORDER BY place
"""

_TASKS = """
SELECT t.id, t.fulfillment_id, t.sequence, b.code, t.sku_id, s.code, s.name, s.barcode, t.lot, t.serial, t.quantity,
       t.picked, t.state, t.withdrawn, t.taken_back
FROM warehouse_picktask AS t JOIN network_bin AS b ON b.id = t.bin_id JOIN catalog_sku AS s ON s.id = t.sku_id
WHERE t.fulfillment_id = ANY(%(ids)s::uuid[]) ORDER BY t.fulfillment_id, t.sequence
"""

_PACKAGES = """
SELECT p.id, p.number, p.fulfillment_id, p.carton, p.weight_g,
       (SELECT sum(quantity)::int FROM warehouse_packageline WHERE package_id = p.id), p.packed_at, p.voided_at,
       p.volume_cm3, p.proposed, p.expected_g
FROM warehouse_package AS p JOIN warehouse_fulfillment AS f ON f.id = p.fulfillment_id
WHERE f.order_id = %(order)s::uuid ORDER BY p.packed_at, p.id
"""

_PACKAGE_LINES = """
SELECT p.id, p.number, p.carton, s.code, s.name, sum(l.quantity)::int
FROM warehouse_package AS p
JOIN warehouse_packageline AS l ON l.package_id = p.id
JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE p.fulfillment_id = %(id)s::uuid AND p.voided_at IS NULL
GROUP BY p.id, p.number, p.carton, s.code, s.name ORDER BY p.number, s.code
"""

_WRONG = (
    # invariant 16: what counts posted is what their moves brought and took
    """
    SELECT format('count %s: its lines posted %s units, its moves say %s', t.number, COALESCE(l.posted, 0),
                  COALESCE(m.units, 0))
    FROM warehouse_counttask AS t
    LEFT JOIN (SELECT task_id, sum(posted) AS posted FROM warehouse_countline GROUP BY 1) AS l ON l.task_id = t.id
    LEFT JOIN (SELECT document_id, sum(CASE 'adjustment' WHEN from_place THEN quantity WHEN to_place THEN -quantity
                                       ELSE 0 END) AS units
               FROM stock_move WHERE document_kind = 'count' GROUP BY 1) AS m ON m.document_id = t.id
    WHERE COALESCE(l.posted, 0) <> COALESCE(m.units, 0)
    """,
    # invariant 17: a count that is not under way is what its lines say
    """
    SELECT format('count %s is %s with %s lines to count and %s to decide', t.number, t.state, l.to_count, l.waiting)
    FROM warehouse_counttask AS t
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE state IN ('open', 'recount')) AS to_count,
                               count(*) FILTER (WHERE state = 'waiting') AS waiting
                        FROM warehouse_countline WHERE task_id = t.id) AS l
    WHERE CASE t.state WHEN 'done' THEN l.to_count + l.waiting > 0 WHEN 'withdrawn' THEN l.to_count + l.waiting > 0
                       WHEN 'waiting' THEN l.waiting = 0 OR l.to_count > 0
                       WHEN 'recount' THEN l.to_count = 0 ELSE FALSE END
    """,
    # invariant 1: the tasks of a line ask for its units, and picked what it says
    """
    SELECT format('fulfillment %s: a line of %s units has tasks for %s; %s picked, its tasks say %s', f.number,
                  l.quantity, COALESCE(t.quantity, 0), l.picked, COALESCE(t.picked, 0))
    FROM warehouse_fulfillmentline AS l JOIN warehouse_fulfillment AS f ON f.id = l.fulfillment_id
    LEFT JOIN (SELECT fulfillmentline_id, sum(quantity) AS quantity, sum(picked) AS picked,
                      sum(quantity - picked) FILTER (WHERE state = 'short') AS short
               FROM warehouse_picktask GROUP BY 1) AS t ON t.fulfillmentline_id = l.id
    WHERE (l.quantity, l.picked, l.short) IS DISTINCT FROM (t.quantity, t.picked, COALESCE(t.short, 0))
    """,
    # invariant 2: a fulfillment's state says what its tasks say
    """
    SELECT format('fulfillment %s is %s with %s open tasks and %s units picked', f.number, f.state, t.open, t.picked)
    FROM warehouse_fulfillment AS f
    JOIN (SELECT fulfillment_id, count(*) FILTER (WHERE state = 'open') AS open, sum(picked) AS picked
          FROM warehouse_picktask GROUP BY 1) AS t ON t.fulfillment_id = f.id
    WHERE (f.state IN ('released', 'picking')) <> (t.open > 0)
       OR (f.state IN ('picked', 'packed', 'shipped') AND t.picked = 0) OR (f.state = 'cancelled' AND t.picked > 0)
    """,
    # invariant 3: what was picked moved to staging, also where it was taken back
    """
    SELECT format('fulfillment %s: %s units picked, its moves brought %s to staging', f.number, COALESCE(t.picked, 0),
                  COALESCE(m.units, 0))
    FROM warehouse_fulfillment AS f
    LEFT JOIN (SELECT fulfillment_id, sum(picked + taken_back) AS picked FROM warehouse_picktask GROUP BY 1) AS t
      ON t.fulfillment_id = f.id
    LEFT JOIN (SELECT document_id, sum(quantity) AS units FROM stock_move
               WHERE document_kind = 'fulfillment' AND reason = 'pick' GROUP BY 1) AS m ON m.document_id = f.id
    WHERE COALESCE(t.picked, 0) <> COALESCE(m.units, 0)
    """,
    # invariant 4: packed is what was picked; of what is not packed no carton is closed
    """
    SELECT format('fulfillment %s: %s units picked, %s packed', f.number, l.picked, COALESCE(p.units, 0))
    FROM warehouse_fulfillment AS f
    JOIN (SELECT fulfillment_id, sum(picked) AS picked FROM warehouse_fulfillmentline GROUP BY 1) AS l
      ON l.fulfillment_id = f.id
    LEFT JOIN (SELECT p.fulfillment_id, sum(pl.quantity) AS units
               FROM warehouse_package AS p JOIN warehouse_packageline AS pl ON pl.package_id = p.id
               WHERE p.voided_at IS NULL GROUP BY 1) AS p
      ON p.fulfillment_id = f.id
    WHERE CASE WHEN f.state IN ('packed', 'shipped') THEN l.picked IS DISTINCT FROM p.units ELSE p.units > 0 END
    """,
    # invariant 10: a list is of one wave and node, and its stops are work of orders of that wave
    """
    SELECT format('list %s: task %s is not of its wave', l.number, s.task_id)
    FROM warehouse_liststop AS s
    LEFT JOIN warehouse_picklist AS l ON l.id = s.list_id
    LEFT JOIN warehouse_picktask AS t ON t.id = s.task_id
    LEFT JOIN warehouse_waveorder AS w ON w.wave_id = l.wave_id AND w.fulfillment_id = t.fulfillment_id
    WHERE w.wave_id IS NULL OR t.node_id <> l.node_id
    UNION ALL
    SELECT format('wave %s is %s, its orders say %s', w.number, w.state, o.state)
    FROM warehouse_wave AS w JOIN warehouse_waveorder AS o ON o.wave_id = w.id
    WHERE (w.state = 'proposed') <> (o.state = 'proposed') OR (w.state = 'dropped' AND o.state = 'released')
    """,
    # invariant 5: an order line's units on the floor are those of its fulfillments
    """
    SELECT format('order line %s: %s released, %s picked, %s packed; its fulfillments say %s, %s, %s', k.line_id,
                  COALESCE(o.released, 0), COALESCE(o.picked, 0), COALESCE(o.packed, 0), COALESCE(w.released, 0),
                  COALESCE(w.picked, 0), COALESCE(w.packed, 0))
    FROM (SELECT id AS line_id FROM orders_line WHERE released + picked + packed > 0
          UNION SELECT line_id FROM warehouse_fulfillmentline) AS k
    LEFT JOIN orders_line AS o ON o.id = k.line_id
    LEFT JOIN (
        SELECT l.line_id, sum(l.quantity - l.picked - l.short) AS released,
               sum(l.picked) FILTER (WHERE f.state IN ('released', 'picking', 'picked')) AS picked,
               sum(l.picked) FILTER (WHERE f.state = 'packed') AS packed
        FROM warehouse_fulfillmentline AS l JOIN warehouse_fulfillment AS f ON f.id = l.fulfillment_id GROUP BY 1) AS w
      ON w.line_id = k.line_id
    WHERE (COALESCE(o.released, 0), COALESCE(o.picked, 0), COALESCE(o.packed, 0))
          <> (COALESCE(w.released, 0), COALESCE(w.picked, 0), COALESCE(w.packed, 0))
    """,
    # invariant 17: what a replenishment brought is what its put-away moved
    """
    SELECT format('replenishment %s: %s units brought, its put-away moved %s', r.number, r.moved, COALESCE(m.units, 0))
    FROM warehouse_replenishment AS r
    LEFT JOIN (SELECT document_id, sum(quantity) AS units FROM stock_move
               WHERE document_kind = 'put_away' AND reason = 'replenish' GROUP BY 1) AS m
      ON m.document_id = r.document_id
    WHERE r.moved <> COALESCE(m.units, 0)
    """,
    # invariant 16: units that were sorted stand in a tote that is their order's, while that waits
    """
    SELECT format('task %s was sorted into %s, which holds another order', s.task_id, s.tote)
    FROM warehouse_liststop AS s JOIN warehouse_picktask AS t ON t.id = s.task_id
    JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id AND f.state IN ('released', 'picking', 'picked')
    LEFT JOIN warehouse_tote AS c ON c.node_id = t.node_id AND c.code = s.tote
    WHERE s.tote <> '' AND c.fulfillment_id IS DISTINCT FROM t.fulfillment_id
    """,
)
