"""Release proposed waves to the floor with their lists, or drop them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, ready, sql
from entrepot.kernel.aside import step
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.warehouse import waves as rules
from entrepot.warehouse.commands import picklists
from entrepot.warehouse.commands.propose_wave import lists_meters_seconds
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.warehouse.lists import Planned, Stop, plan_lists
from entrepot.warehouse.states import WAVE
from entrepot.warehouse.task_times import times_of


@dataclass(frozen=True, slots=True)
class ReleaseWave:
    """A proposed wave that goes to the floor."""

    wave: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WaveReleased:
    """Its lists, the orders that went, and those that could not go any more; it is dropped where none could."""

    wave: UUID
    number: str
    state: str
    lists: tuple[UUID, ...]
    orders: int
    left_out: int


@dataclass(frozen=True, slots=True)
class DropWave:
    """A proposed wave that is not wanted. Its orders wait for another."""

    wave: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WaveDropped:
    wave: UUID
    number: str


class _Wave(NamedTuple):
    id: UUID
    number: str
    company: int
    node: UUID
    node_code: str
    state: str
    method: str


@command("warehouse.release_wave")
def release_wave(cause: Cause, /, *, requests: Sequence[ReleaseWave]) -> list[WaveReleased | Refused]:
    """All its orders on the floor, their picks on lists, each with its way. What can't be released any more is left out
    with the reason, and waits for another wave.

    Locks: the waves in id order, then as `warehouse.release`. Refuses: NotFound; WrongState (released or dropped
    already). Again: by key. 13 statements, 1 more where totes pass from zone to zone, and those of `warehouse.release`.
    """
    found = _lock([one.wave for one in requests])
    answers: dict[UUID, Refused | None] = {}
    going = []
    refusals: list[Refused | None] = []
    for request in requests:
        refusal = _refusal(request.wave, found, answers, "release")
        refusals.append(refusal)
        if refusal is None:
            answers[request.wave] = None
            going.append((found[request.wave], request.occurred_at))

    outcomes = _Release(cause, going).write() if going else {}
    return [refusal or outcomes[one.wave] for one, refusal in zip(requests, refusals, strict=True)]


@command("warehouse.drop_wave")
def drop_wave(cause: Cause, /, *, requests: Sequence[DropWave]) -> list[WaveDropped | Refused]:
    """Its orders wait for another wave, or for somebody who releases them one by one.

    Locks: the waves in id order. Refuses: NotFound; WrongState (released or dropped already). Again: by key.
    3 statements.
    """
    found = _lock([one.wave for one in requests])
    taken: dict[UUID, Refused | None] = {}
    answers: list[WaveDropped | Refused] = []
    for request in requests:
        refusal = _refusal(request.wave, found, taken, "drop")
        if refusal is None:
            taken[request.wave] = None
        answers.append(refusal or WaveDropped(request.wave, found[request.wave].number))
    if taken:
        params = {"waves": list(taken), "at": cause.at, "by": cause.actor.name}
        sql.change(_DROP_ORDERS, params)
        sql.change(_DROP, params)
        announce(cause, [Event("wave", one, found[one].company, "proposed", "dropped") for one in taken])
    return answers


def _lock(waves: Sequence[UUID]) -> dict[UUID, _Wave]:
    return {row[0]: _Wave(*row) for row in sql.run(_LOCK, {"waves": list(waves)})}


def _refusal(
    wave: UUID, found: Mapping[UUID, _Wave], taken: Mapping[UUID, object], event: str
) -> Refused | None:
    if wave not in found:
        return NotFound(what="wave", which=wave)
    after = WAVE.step("released" if wave in taken else found[wave].state, event)
    return after if isinstance(after, Refused) else None


STEPS = 4
"""Of a release, as whoever waits for it sees them: its orders, their picks, the ways, and the lists."""


class _Release:
    """Waves with what becomes of their orders."""

    def __init__(self, cause: Cause, going: Sequence[tuple[_Wave, datetime | None]]) -> None:
        self.cause = cause
        self.waves = {wave.id: wave for wave, _ in going}
        times = {wave.id: at for wave, at in going}
        self.orders: list[tuple[UUID, UUID, UUID]] = sql.run(_ORDERS, {"waves": list(self.waves)})  # type: ignore[assignment]
        nodes = {wave.node for wave in self.waves.values()}
        self.plans, self.times = picklists.plans(nodes), times_of(nodes)
        companies = [wave.company for wave in self.waves.values()]
        self.in_force = policies.InForce(companies, [rules.Waves], cause.at)
        wanted = [ReleaseOrder(order, times[wave], node=node) for wave, order, node in self.orders]
        step(1, STEPS)
        self.answers = release(cause, requests=wanted)

    def write(self) -> dict[UUID, WaveReleased]:
        rows: list[tuple[UUID, UUID, str, str, UUID | None]] = []
        went: dict[UUID, list[UUID]] = defaultdict(list)
        for (wave, order, _), answer in zip(self.orders, self.answers, strict=True):
            if isinstance(answer, OrderReleased):
                rows.append((wave, order, "released", "", answer.fulfillments[0]))
                went[wave].append(answer.fulfillments[0])
            else:
                rows.append((wave, order, "left out", answer.message, None))
        gone = [order for (order,) in sql.run(_GONE, {"orders": [row[1] for row in rows]})]
        stops = picklists.stops_of([one for found in went.values() for one in found])
        # Nothing is asked until the ways are found: the server writes this meanwhile.
        sql.change(_SETTLE, sql.columns(("waves", "orders", "states", "whys", "fulfillments"), rows))
        ready.drop("wave", gone)
        step(2, STEPS)
        planned = self._plan(went, stops)
        step(3, STEPS)
        lists = picklists.write_lists(planned)
        return self._close(went, planned, lists)

    def _plan(
        self, went: Mapping[UUID, Sequence[UUID]], stops: Mapping[UUID, Sequence[Stop]]
    ) -> dict[picklists.OfWave, list[Planned]]:
        planned = {}
        zones = picklists.zones_of({one.node for one in self.waves.values() if one.method == "pass"})
        for wave in self.waves.values():
            _, policy = self.in_force.of(wave.company, rules.Waves, wave.node_code)
            policy = rules.through(rules.by_method(policy, wave.method), zones.get(wave.node, ()))
            mine: list[Stop] = [stop for one in went[wave.id] for stop in stops[one]]
            name = picklists.OfWave(wave.id, wave.company, wave.node)
            planned[name] = plan_lists(
                mine,
                self.plans.get(wave.node),
                policy,
                self.cause.chance(),
                self.times.get(wave.node, rules.BY_POLICY),
            )
        return planned

    def _close(
        self,
        went: Mapping[UUID, Sequence[UUID]],
        planned: Mapping[picklists.OfWave, Sequence[Planned]],
        lists: Mapping[UUID, Sequence[UUID]],
    ) -> dict[UUID, WaveReleased]:
        asked: dict[UUID, int] = defaultdict(int)
        for name_of, *_ in self.orders:
            asked[name_of] += 1
        rows, happened, outcomes = [], [], {}
        for name, made in planned.items():
            wave, orders = self.waves[name.id], len(went.get(name.id, ()))
            state = "released" if orders else "dropped"
            stops = sum(len(one.stops) for one in made)
            rows.append(
                (wave.id, state, orders, stops, sum(one.units for one in made), *lists_meters_seconds(made))
            )
            happened.append(
                Event("wave", wave.id, wave.company, "proposed", state, payload={"orders": orders})
            )
            outcomes[wave.id] = WaveReleased(
                wave.id, wave.number, state, tuple(lists.get(wave.id, ())), orders, asked[wave.id] - orders
            )
        params = sql.columns(
            ("waves", "states", "orders", "lines", "units", "lists", "meters", "seconds"), rows
        )
        sql.change(_CLOSE, {**params, "at": self.cause.at, "by": self.cause.actor.name})
        announce(self.cause, happened)
        return outcomes


_LOCK = """
SELECT w.id, w.number, w.company_id::int, w.node_id, n.code, w.state, w.method
FROM warehouse_wave AS w JOIN network_node AS n ON n.id = w.node_id
WHERE w.id = ANY(%(waves)s::uuid[]) ORDER BY w.id FOR UPDATE OF w
"""

_ORDERS = """
SELECT wave_id, order_id, node_id FROM warehouse_waveorder
WHERE wave_id = ANY(%(waves)s::uuid[]) AND state = 'proposed' ORDER BY wave_id, place
"""

_SETTLE = """
UPDATE warehouse_waveorder AS w SET state = d.state, fulfillment_id = d.fulfillment,
    why = CASE WHEN d.why = '' THEN w.why ELSE d.why END
FROM unnest(%(waves)s::uuid[], %(orders)s::uuid[], %(states)s::text[], %(whys)s::text[], %(fulfillments)s::uuid[])
    AS d(wave, "order", state, why, fulfillment)
WHERE w.wave_id = d.wave AND w.order_id = d."order"
"""

_GONE = """
SELECT o FROM unnest(%(orders)s::uuid[]) AS o
WHERE NOT EXISTS (SELECT FROM stock_allocation AS a WHERE a.order_id = o AND a.quantity > a.released)
"""

_CLOSE = """
UPDATE warehouse_wave AS w SET state = d.state, orders = d.orders, lines = d.lines, units = d.units, lists = d.lists,
    meters = d.meters, seconds = d.seconds, decided_at = %(at)s::timestamptz, decided_by = %(by)s::text
FROM unnest(%(waves)s::uuid[], %(states)s::text[], %(orders)s::int[], %(lines)s::int[], %(units)s::int[],
            %(lists)s::int[], %(meters)s::int[], %(seconds)s::int[])
    AS d(id, state, orders, lines, units, lists, meters, seconds)
WHERE w.id = d.id
"""

_DROP_ORDERS = """
UPDATE warehouse_waveorder SET state = 'dropped' WHERE wave_id = ANY(%(waves)s::uuid[]) AND state = 'proposed'
"""

_DROP = """
UPDATE warehouse_wave SET state = 'dropped', decided_at = %(at)s::timestamptz, decided_by = %(by)s::text
WHERE id = ANY(%(waves)s::uuid[])
"""
