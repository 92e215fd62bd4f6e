"""Lists of pick tasks, written with the way that each takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.network import queries as network
from entrepot.warehouse import waves
from entrepot.warehouse.lists import Plan, Planned, Stop, later_leg, plan_lists
from entrepot.warehouse.queries import BEGUN
from entrepot.warehouse.routing import Layout
from entrepot.warehouse.shelf_queries import pieces_in
from entrepot.warehouse.task_times import times_of


class OfWave(NamedTuple):
    """The wave that lists are made for."""

    id: UUID
    company: int
    node: UUID


def plans(nodes: Collection[UUID]) -> dict[UUID, Plan]:
    """Where the aisles of nodes are, of those that have a layout. One statement."""
    return {
        node: Plan(Layout(tuple(map(float, one.aisles)), tuple(map(float, one.cross_aisles)), one.depot), one.unit_mm)
        for node, one in network.layouts(nodes=nodes).items()
    }  # fmt: skip


def zones_of(nodes: Collection[UUID]) -> dict[UUID, list[str]]:
    """The zones of nodes that units are picked from, by the pick sequence of their bins; '' holds what stands in none.
    One statement, none for no node."""
    found: dict[UUID, list[str]] = {}
    for node, zone in sql.run(_ZONES, {"nodes": list(nodes)}) if nodes else ():
        found.setdefault(node, []).append(zone)
    return found


def stops_of(fulfillments: Sequence[UUID]) -> dict[UUID, list[Stop]]:
    """The open tasks of fulfillments that are on no list, by fulfillment. One statement."""
    found: dict[UUID, list[Stop]] = {}
    for row in sql.run(_STOPS, {"ids": list(fulfillments)}):
        stop = Stop(*row)
        found.setdefault(stop.load, []).append(stop)
    return found


def on_lists(found: Sequence[UUID]) -> list[tuple[UUID, bool, bool, Stop]]:
    """The stops of lists in the order of the way: of which list, whether it is open, and whether something of its order
    is done on this list or has a tote. One statement."""
    rows = sql.run(_ON_LISTS, {"ids": list(found)})
    return [(key, is_open, begun, Stop(*stop)) for key, is_open, begun, *stop in rows]


class NewList(NamedTuple):
    """A list that takes over stops of another, and who walks it ('': nobody yet)."""

    wave: OfWave
    planned: Planned
    picker: str


def write_split(new: Sequence[NewList]) -> list[tuple[UUID, str]]:
    """The new lists with the stops that they take over; the id and number of each. 3 statements, none for none."""
    if not new:
        return []
    made = [(ids.uuid7(), number) for number in ids.numbers("PL", len(new))]
    named = list(zip(made, new, strict=True))
    sql.write(
        "warehouse_picklist", (*_LIST, "picker"),
        [(*_list_row(key, number, one.wave, one.planned), one.picker) for (key, number), one in named],
    )  # fmt: skip
    stops = [row for (key, _), one in named for row in _stop_rows(key, one.planned)]
    sql.change(_TAKE_OVER, sql.columns(("tasks", "lists", "places", "slots"), stops))
    return made


def _list_row(key: UUID, number: str, wave: OfWave, one: Planned) -> tuple[object, ...]:
    return key, number, wave.company, wave.node, wave.id, one.zone, one.length_mm, one.seconds, one.leg


def _stop_rows(key: UUID, one: Planned) -> list[tuple[object, ...]]:
    return [(stop.task, key, place, slot) for place, (stop, slot) in enumerate(one.stops, 1)]


def write_lists(planned: Mapping[OfWave, Sequence[Planned]]) -> dict[UUID, list[UUID]]:
    """Lists with their stops; their ids by wave. 3 statements, none where there are none."""
    numbers = iter(ids.numbers("PL", sum(map(len, planned.values()))))
    lists: list[tuple[object, ...]] = []
    stops: list[tuple[object, ...]] = []
    made: dict[UUID, list[UUID]] = defaultdict(list)
    for wave, found in planned.items():
        for one in found:
            key = ids.uuid7()
            made[wave.id].append(key)
            lists.append(_list_row(key, next(numbers), wave, one))
            stops += _stop_rows(key, one)
    if lists:
        sql.write("warehouse_picklist", _LIST, lists)
        sql.write("warehouse_liststop", _STOP, stops)
    return made


def replan(cause: Cause, short: Sequence[UUID], again: Mapping[UUID, Sequence[UUID]]) -> None:
    """Put tasks that take the place of short ones on new lists of the same waves, each with its way.

    `short` are the tasks that came up short, `again` the new ones by fulfillment. Where a tote passes from zone to
    zone, a new list comes at its zone's turn, or when the tote has been through the others: what is walked now stays in
    turn.
    1 statement; 7 more where a wave is concerned, and 1 where totes pass.
    """
    found = {
        row[0]: (OfWave(*row[1:4]), row[4], row[5], row[6])
        for row in sql.run(_WAVES_OF, {"tasks": list(short)})
    }
    found = {fulfillment: one for fulfillment, one in found.items() if again.get(fulfillment)}
    if not found:
        return
    stops = stops_of(list(found))
    where = plans({wave.node for wave, *_ in found.values()})
    times = times_of({wave.node for wave, *_ in found.values()})
    in_force = policies.InForce([wave.company for wave, *_ in found.values()], [waves.Waves], cause.at)
    zones = zones_of({wave.node for wave, _, method, _ in found.values() if method == "pass"})
    by_wave: dict[OfWave, list[Stop]] = defaultdict(list)
    policies_ = {}
    for fulfillment, (wave, code, method, _) in sorted(found.items()):
        by_wave[wave] += stops.get(fulfillment, [])
        policy = waves.by_method(in_force.of(wave.company, waves.Waves, code)[1], method)
        policies_[wave] = waves.through(policy, zones.get(wave.node, ()))
    current = {fulfillment: leg for fulfillment, (*_, leg) in found.items()}
    planned = {
        wave: [
            _in_turn(one, current, len(policies_[wave].pass_zones))
            for one in plan_lists(
                tasks,
                where.get(wave.node),
                policies_[wave],
                cause.chance(),
                times.get(wave.node, waves.BY_POLICY),
            )
        ]
        for wave, tasks in by_wave.items()
    }
    write_lists(planned)


def _in_turn(one: Planned, current: Mapping[UUID, int], zones: int) -> Planned:
    """A list of one order whose tote is at a leg already."""
    return one._replace(leg=later_leg(one.leg, current[one.stops[0][0].load], zones)) if one.leg else one


_LIST = ("id", "number", "company_id", "node_id", "wave_id", "zone", "length_mm", "seconds", "leg")
_STOP = ("task_id", "list_id", "place", "slot")

# In the order of the tasks: those of the most urgent fulfillments were written first. Volumes are rounded up, those of
# a stop's units at once.
_STOP_OF = """t.id, t.fulfillment_id, COALESCE(z.code, ''), b.id, b.x, b.y, b.pick_sequence, t.sku_id, t.quantity,
       t.quantity::bigint * s.weight_g,
       (t.quantity::bigint * s.length_mm * s.width_mm * s.height_mm + 999) / 1000, handled.pieces"""
_TASKS = f"""warehouse_picktask AS t
JOIN network_bin AS b ON b.id = t.bin_id
JOIN catalog_sku AS s ON s.id = t.sku_id
LEFT JOIN network_zone AS z ON z.id = b.zone_id
{pieces_in("t.quantity", "t.sku_id", "b.kind = 'reserve'")}"""

_STOPS = f"""
SELECT {_STOP_OF}
FROM {_TASKS}
WHERE t.fulfillment_id = ANY(%(ids)s::uuid[]) AND t.state = 'open'
  AND NOT EXISTS (SELECT FROM warehouse_liststop AS l WHERE l.task_id = t.id)
ORDER BY t.fulfillment_id, t.sequence, t.id
"""

_ZONES = """
SELECT b.node_id, COALESCE(z.code, '') FROM network_bin AS b LEFT JOIN network_zone AS z ON z.id = b.zone_id
WHERE b.node_id = ANY(%(nodes)s::uuid[]) AND b.kind IN ('pick', 'reserve')
GROUP BY 1, 2 ORDER BY 1, min(b.pick_sequence), 2
"""

_ON_LISTS = f"""
SELECT l.list_id, t.state = 'open', {BEGUN}, {_STOP_OF}
FROM {_TASKS}
JOIN warehouse_liststop AS l ON l.task_id = t.id
WHERE l.list_id = ANY(%(ids)s::uuid[]) ORDER BY l.list_id, l.place
"""

_TAKE_OVER = """
UPDATE warehouse_liststop AS s SET list_id = d.list, place = d.place, slot = d.slot
FROM unnest(%(tasks)s::uuid[], %(lists)s::uuid[], %(places)s::int[], %(slots)s::int[]) AS d(task, list, place, slot)
WHERE s.task_id = d.task
"""

_WAVES_OF = """
SELECT DISTINCT ON (t.fulfillment_id) t.fulfillment_id, l.wave_id, l.company_id::int, l.node_id, n.code, w.method,
       COALESCE((SELECT max(e.leg) FROM warehouse_picktask AS o JOIN warehouse_liststop AS os ON os.task_id = o.id
                 JOIN warehouse_picklist AS e ON e.id = os.list_id
                 WHERE o.fulfillment_id = t.fulfillment_id AND (e.picker <> '' OR o.state IN ('done', 'short'))), 0)
FROM warehouse_picktask AS t
JOIN warehouse_liststop AS s ON s.task_id = t.id
JOIN warehouse_picklist AS l ON l.id = s.list_id
JOIN warehouse_wave AS w ON w.id = l.wave_id
JOIN network_node AS n ON n.id = l.node_id
WHERE t.id = ANY(%(tasks)s::uuid[]) ORDER BY t.fulfillment_id, l.id DESC
"""
