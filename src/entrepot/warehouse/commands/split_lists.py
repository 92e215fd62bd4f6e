"""Put a part of a list on a cart of its own, for another picker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.warehouse import errors, lists, waves
from entrepot.warehouse.commands import picklists
from entrepot.warehouse.commands.pick_lists import wrong_pickers
from entrepot.warehouse.lists import OnList, Planned, Stop
from entrepot.warehouse.task_times import times_of


@dataclass(frozen=True, slots=True)
class SplitList:
    """A list of which a part goes on a cart of its own: what is to be done of the orders named by their
    `fulfillments`, or without any the later half of the way. `picker` walks it; '': anybody."""

    pick_list: UUID
    fulfillments: tuple[UUID, ...] = ()
    picker: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ListSplit:
    """The new list with its stops; the others stay on the old one, with who has it."""

    pick_list: UUID
    number: str
    new_list: UUID
    new_number: str
    stops: int


class _List(NamedTuple):
    id: UUID
    number: str
    company: int
    node: UUID
    node_code: str
    wave: UUID
    zone: str
    method: str


@command("warehouse.split_lists")
def split_lists(cause: Cause, /, *, requests: Sequence[SplitList]) -> list[ListSplit | Refused]:
    """The later half of what is to be done of a list, or of orders of it, on a new list of the same wave, each with its
    way. On a cart with places an order goes whole, and only where nothing of it is begun.

    Locks: the lists in id order. Refuses: NotFound; warehouse.list_done; warehouse.list_not_split; NotPermitted and
    Invalid (another picker). Again: by key; without one what is left is split again. 7 statements, 1 more where another
    picker is named, and 3 more where something is split.
    """
    wrong = wrong_pickers(cause, {one.picker for one in requests if one.picker})
    found = {row[0]: _List(*row) for row in sql.run(_LOCK, {"ids": [one.pick_list for one in requests]})}
    stops: dict[UUID, list[OnList]] = defaultdict(list)
    for key, is_open, begun, stop in picklists.on_lists(list(found)):
        stops[key].append(OnList(stop, is_open, begun))
    carts = _Carts(cause, found)
    refusals: dict[int, Refused] = {}
    going: dict[int, tuple[_List, Planned]] = {}
    left: dict[UUID, Planned] = {}
    for place, request in enumerate(requests):
        one = found.get(request.pick_list)
        if one is None:
            refusals[place] = NotFound(what="list", which=request.pick_list)
            continue
        part = wrong.get(request.picker) or _part(one, request, stops[one.id])
        if isinstance(part, Refused):
            refusals[place] = part
            continue
        gone = {stop.task for stop in part}
        stops[one.id] = [row for row in stops[one.id] if row.stop.task not in gone]
        going[place] = (one, carts.walked(one, part))
        left[one.id] = carts.walked(one, [row.stop for row in stops[one.id]])
    made = _write(cause, requests, going, left)
    return [refusals.get(place) or made[place] for place in range(len(requests))]


def _part(one: _List, request: SplitList, stops: Sequence[OnList]) -> list[Stop] | Refused:
    if not any(row.is_open for row in stops):
        return errors.ListDone(list=one.number)
    found = lists.split(stops, one.method, request.fulfillments)
    return errors.ListNotSplit(list=one.number, why=found) if isinstance(found, Said) else found


class _Carts:
    """The ways of carts, by the layouts, times and policies of their nodes."""

    def __init__(self, cause: Cause, found: Mapping[UUID, _List]) -> None:
        nodes = {one.node for one in found.values()}
        self.plans = picklists.plans(nodes)
        self.times = times_of(nodes)
        self.policies = policies.InForce(
            sorted({one.company for one in found.values()}), [waves.Waves], cause.at
        )

    def walked(self, one: _List, stops: Sequence[Stop]) -> Planned:
        plan = self.plans.get(one.node)
        _, policy = self.policies.of(one.company, waves.Waves, one.node_code)
        return lists.walked(
            one.zone, lists.by_load(stops), plan, cache(lists.spots(plan)), waves.by_method(policy, one.method),
            self.times.get(one.node, waves.BY_POLICY),
        )  # fmt: skip


def _write(
    cause: Cause,
    requests: Sequence[SplitList],
    going: Mapping[int, tuple[_List, Planned]],
    left: Mapping[UUID, Planned],
) -> dict[int, ListSplit]:
    new = [
        picklists.NewList(picklists.OfWave(one.wave, one.company, one.node), planned, requests[place].picker)
        for place, (one, planned) in going.items()
    ]
    written = picklists.write_split(new)
    if left:
        rows = [(key, one.length_mm, one.seconds) for key, one in left.items()]
        sql.change(_LEFT, sql.columns(("ids", "lengths", "seconds"), rows))
    made, happened = {}, []
    for (place, (one, planned)), (key, number) in zip(going.items(), written, strict=True):
        count, picker = len(planned.stops), requests[place].picker
        made[place] = ListSplit(one.id, one.number, key, number, count)
        happened.append(Event("pick_list", one.id, one.company, payload={"stops": count, "to": key}))
        state = "taken" if picker else "free"
        happened.append(
            Event("pick_list", key, one.company, "", state, payload={"from": one.id}, reason=picker)
        )
    announce(cause, happened)
    return made


_LOCK = """
SELECT l.id, l.number, l.company_id::int, l.node_id, n.code, l.wave_id, l.zone, w.method
FROM warehouse_picklist AS l JOIN network_node AS n ON n.id = l.node_id JOIN warehouse_wave AS w ON w.id = l.wave_id
WHERE l.id = ANY(%(ids)s::uuid[]) ORDER BY l.id FOR UPDATE OF l
"""

_LEFT = """
UPDATE warehouse_picklist AS l SET length_mm = d.length, seconds = d.seconds
FROM unnest(%(ids)s::uuid[], %(lengths)s::bigint[], %(seconds)s::int[]) AS d(id, length, seconds) WHERE l.id = d.id
"""
