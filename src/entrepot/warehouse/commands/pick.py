"""Report fulfillments as picked: units go to staging, and what was not there is looked for elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands.progress import Progress, progress
from entrepot.stock.commands import allocate as stock
from entrepot.stock.commands.fulfill import Pick, Short, hold_back, pick_units, short_units
from entrepot.warehouse import errors
from entrepot.warehouse.commands import missing, picklists
from entrepot.warehouse.commands.lock import Fulfillment, lock_fulfillments
from entrepot.warehouse.states import STEPS


@dataclass(frozen=True, slots=True)
class PickFulfillment:
    """All open tasks of a fulfillment are done in full, but for `shorts`: (task, units found). Without `picker`, the
    actor picked. With `tasks` only those are done, and the others stay open. `pick_list`: the one that the actor walks,
    stop by stop; it may be with somebody else by now."""

    fulfillment: UUID
    shorts: tuple[tuple[UUID, int], ...] = ()
    picker: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    tasks: tuple[UUID, ...] | None = None
    pick_list: UUID | None = None


@dataclass(frozen=True, slots=True)
class FulfillmentPicked:
    """The state now, units picked and missing, and the tasks that send the picker to another bin for them."""

    fulfillment: UUID
    state: str
    picked: int
    short: int
    tasks: tuple[UUID, ...] = ()


class Task(NamedTuple):
    """An open pick task."""

    id: UUID
    fulfillment: UUID
    line: UUID
    fulfillment_line: UUID
    allocation: UUID
    sku: UUID
    bin: UUID
    lot: str
    serial: str
    quantity: int


@command("warehouse.pick")
def pick(cause: Cause, /, *, requests: Sequence[PickFulfillment]) -> list[FulfillmentPicked | Refused]:
    """Picked units stand in staging. Missing ones are marked as being looked for, and promised anew from another bin
    of the node where it has one; else their lines are open again for sourcing, and a work item asks why. Where a bin
    was short twice for one order, what the records still say is free there is held back until it is counted.

    Locks: the lists named, in id order; the orders with their fulfillments, then positions, promises and buckets as
    `stock` does.
    Refuses: NotFound; WrongState; warehouse.no_staging; warehouse.task_unknown; warehouse.picked_out_of_range;
    warehouse.list_given and warehouse.list_free (the list named is not with the actor any more); warehouse.stop_moved.
    Again: by key. 14 statements, 2 more where a list is named, 2 for the first units of a SKU and 2 where tasks stay
    open; 34 where something is missing, 40 where that is of a wave, and about 8 more where a bin was short twice.
    """
    gone = _gone(cause, requests)
    moved = moved_stops(
        {
            place: (one.pick_list, one.tasks)
            for place, one in enumerate(requests)
            if one.pick_list and one.tasks
        }
    )
    found = lock_fulfillments([one.fulfillment for one in requests])
    tasks = _open_tasks(found)
    staging = staging_bins({one.node for one in found.values() if not one.staging_bin})

    batch = _Batch(cause)
    answers: list[FulfillmentPicked | Refused] = []
    taken: set[UUID] = set()
    for place, request in enumerate(requests):
        one = found.get(request.fulfillment)
        refusal = (
            gone.get(request.pick_list) or moved.get(place) or _refusal(request, one, tasks, staging, taken)
        )
        if refusal or one is None:
            answers.append(refusal or NotFound(what="fulfillment", which=str(request.fulfillment)))
            continue
        taken.add(one.id)
        batch.add(request, one, tasks[one.id], one.staging_bin or staging[one.node])
        answers.append(FulfillmentPicked(one.id, "picked", 0, 0))
    outcomes = batch.write()
    return [answer if isinstance(answer, Refused) else outcomes[answer.fulfillment] for answer in answers]


def _gone(cause: Cause, requests: Sequence[PickFulfillment]) -> dict[UUID | None, Refused]:
    """Lists that the actor walked and has no more, and who has them. 1 statement, where lists are named."""
    walked = {one.pick_list for one in requests if one.pick_list}
    rows = sql.run(_WALKED, {"ids": sorted(walked)}) if walked else ()
    return {
        key: errors.ListGiven(list=number, picker=picker) if picker else errors.ListFree(list=number)
        for key, number, picker in rows
        if picker != cause.actor.name
    }


def moved_stops(walked: Mapping[int, tuple[UUID, Sequence[UUID]]]) -> dict[int, Refused]:
    """Of requests, by their place, with the tasks that they name of a list: those with a stop that stands on another
    list by now. 1 statement, none where none names tasks."""
    if not walked:
        return {}
    rows = sql.run(_STANDS_ON, {"tasks": [task for _, tasks in walked.values() for task in tasks]})
    on = {task: (key, number) for task, key, number in rows}
    return {
        place: errors.StopMoved(list=on[task][1])
        for place, (key, tasks) in walked.items()
        for task in tasks
        if task in on and on[task][0] != key
    }


def _open_tasks(fulfillments: Iterable[UUID]) -> dict[UUID, list[Task]]:
    found: dict[UUID, list[Task]] = {}
    for row in sql.run(_TASKS, {"ids": list(fulfillments)}):
        task = Task(*row)
        found.setdefault(task.fulfillment, []).append(task)
    return found


def staging_bins(nodes: Iterable[UUID]) -> dict[UUID, UUID]:
    """Where picked goods wait, by node. One statement; none for no nodes."""
    wanted = list(nodes)
    return dict(sql.run(_STAGING, {"nodes": wanted})) if wanted else {}  # type: ignore[arg-type]


def _refusal(
    request: PickFulfillment,
    one: Fulfillment | None,
    tasks: Mapping[UUID, list[Task]],
    staging: Mapping[UUID, UUID],
    taken: set[UUID],
) -> Refused | None:
    if one is None:
        return NotFound(what="fulfillment", which=str(request.fulfillment))
    step = STEPS["pick"]["picked" if one.id in taken else one.state]
    if isinstance(step, Refused):
        return step
    if not one.staging_bin and one.node not in staging:
        return errors.NoStaging(node=str(one.node))
    if not request.shorts and request.tasks is None:
        return None
    wanted = {task.id: task.quantity for task in tasks[one.id]}
    if request.tasks is not None:
        for name in request.tasks:
            if name not in wanted:
                return errors.TaskUnknown(fulfillment=one.number, task=str(name))
        wanted = {name: wanted[name] for name in request.tasks}
    for task, units in request.shorts:
        if task not in wanted:
            return errors.TaskUnknown(fulfillment=one.number, task=str(task))
        if not 0 <= units < wanted[task]:
            return errors.PickedOutOfRange(task=str(task), wanted=wanted[task], found=units)
    return None


class _Batch:
    """What all requests of a call found, gathered to be written in a fixed number of statements."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        self.times: dict[UUID, datetime] = {}
        self.requests: list[tuple[PickFulfillment, Fulfillment, UUID]] = []
        self.picks: list[Pick] = []
        self.picked: dict[UUID, int] = {}
        self.steps: list[Progress] = []
        self.shorts: list[tuple[Task, int, Fulfillment]] = []  # task, units found
        self.whole: list[UUID] = []  # fulfillments of which no task stays open
        self.parts: list[tuple[Task, int]] = []  # tasks of the others, units found

    def add(self, request: PickFulfillment, one: Fulfillment, tasks: Sequence[Task], staging: UUID) -> None:
        at = self.times[one.order] = request.occurred_at or self.cause.at
        self.requests.append((request, one, staging))
        shorts = dict(request.shorts)
        units = 0
        order = one.order
        chosen = tasks if request.tasks is None else [task for task in tasks if task.id in set(request.tasks)]
        if len(chosen) == len(tasks):
            self.whole.append(one.id)
        else:
            self.parts += [(task, shorts.get(task.id, task.quantity)) for task in chosen]
        for task in chosen:
            count = task.quantity
            if shorts and task.id in shorts:
                count = shorts[task.id]
                self.shorts.append((task, count, one))
            if count:
                self.picks.append(_pick(task, count, one, staging, at))
                self.steps.append(Progress(task.line, order, "released", "picked", count))
                units += count
        self.picked[one.id] = units

    def write(self) -> dict[UUID, FulfillmentPicked]:
        """Write all of it; the answers by fulfillment."""
        if not self.requests:
            return {}
        again = self._handle_shorts()
        sql.change(_TASKS_DONE, {"ids": self.whole})
        sql.change(_LINES_DONE, {"ids": self.whole})
        self._write_parts()
        again.write()
        progress(self.cause, requests=self.steps, times=self.times)
        if self.shorts:
            picklists.replan(self.cause, [task.id for task, *_ in self.shorts], again.tasks_of)
        outcomes = self._close(again)
        # Last, since other orders wait for the buckets that this locks.
        pick_units(self.cause, self.picks)
        return outcomes

    def _write_parts(self) -> None:
        """Tasks that are done while others of their fulfillment stay open."""
        if not self.parts:
            return
        units: dict[UUID, int] = defaultdict(int)
        for task, found in self.parts:
            units[task.fulfillment_line] += found
        sql.change(_PART_DONE, {"ids": [task.id for task, found in self.parts if found == task.quantity]})
        sql.change(_PART_OF_LINES, sql.columns(("ids", "units"), list(units.items())))

    def _handle_shorts(self) -> missing.Again:
        """Mark what was missing, promise it from other bins or open its lines again."""
        again = missing.Again(self.cause)
        if not self.shorts:
            return again
        found = [(task.id, found) for task, found, _ in self.shorts]
        lacking = [(task.fulfillment_line, task.quantity - found) for task, found, _ in self.shorts]
        twice = {task for task, again in sql.run(_TASKS_SHORT, sql.columns(("ids", "units"), found)) if again}
        sql.run(_LINES_SHORT, sql.columns(("ids", "units"), lacking))
        positions = stock.lock_positions((one.company, task.sku) for task, _, one in self.shorts)
        rows = [_short(task, found, one, self.times[one.order]) for task, found, one in self.shorts]
        displaced = short_units(self.cause, rows)
        doubted = [row for row, (task, *_) in zip(rows, self.shorts, strict=True) if task.id in twice]
        held = hold_back(self.cause, doubted)
        for place, units in held.items():
            positions[place].free -= units
        again.plan([(task, task.quantity - found, one) for task, found, one in self.shorts], positions, held)
        self.steps += again.steps
        # Behind the promises of the shorts themselves stand those of others.
        missing.reopen(self.cause, displaced[len(rows) :])
        return again

    def _close(self, again: missing.Again) -> dict[UUID, FulfillmentPicked]:
        before, whole = self._picked_before(), set(self.whole)
        short: dict[UUID, int] = defaultdict(int)
        for task, found, one in self.shorts:
            short[one.id] += task.quantity - found
        rows, happened, done, waiting, outcomes = [], [], [], [], {}
        for request, one, staging in self.requests:
            tasks = tuple(again.tasks_of.get(one.id, ()))
            units = self.picked[one.id]
            goes_on = tasks or one.id not in whole
            step = "pick_part" if goes_on else "pick" if units or before.get(one.id) else "cancel"
            state = STEPS[step][one.state]
            assert isinstance(state, str), "seen under the lock"
            rows.append((one.id, state, request.picker or self.cause.actor.name, staging))
            payload = {"picked": units, "short": short[one.id]} if one.id in short else None
            happened.append(
                Event("fulfillment", one.id, one.company, one.state, state, request.occurred_at, payload)
            )
            if goes_on:
                waiting.append((one.id, one.priority, one.due))
            elif state == "picked":
                done.append((one.id, one.priority, one.due))
            outcomes[one.id] = FulfillmentPicked(one.id, state, units, short.get(one.id, 0), tasks)
        sql.change(_STORE, sql.columns(("ids", "states", "pickers", "bins"), rows))
        ready.drop("pick", list(outcomes))
        announce(self.cause, happened)
        offer("pick", waiting)
        offer("pack", done)
        return outcomes

    def _picked_before(self) -> dict[UUID, int]:
        """Units of earlier rounds, where this one found nothing."""
        nothing = [one for one, units in self.picked.items() if not units]
        return dict(sql.run(_PICKED, {"ids": nothing})) if nothing else {}  # type: ignore[arg-type]


def _pick(task: Task, units: int, one: Fulfillment, staging: UUID, at: datetime) -> Pick:
    return Pick(
        one.company, task.sku, one.node, task.bin, task.lot, task.serial, staging, units, one.id, task.line, at
    )  # fmt: skip


def _short(task: Task, found: int, one: Fulfillment, at: datetime) -> Short:
    return Short(
        one.company, task.sku, one.node, task.bin, task.lot, task.serial, task.quantity - found, one.id,
        task.allocation, one.order, task.line, at,
    )  # fmt: skip


_TASKS = """
SELECT id, fulfillment_id, line_id, fulfillmentline_id, allocation_id, sku_id, bin_id, lot, serial, quantity
FROM warehouse_picktask WHERE fulfillment_id = ANY(%(ids)s::uuid[]) AND state = 'open' ORDER BY fulfillment_id, sequence
"""

_STAGING = """
SELECT DISTINCT ON (node_id) node_id, id FROM network_bin WHERE node_id = ANY(%(nodes)s::uuid[]) AND kind = 'staging'
ORDER BY node_id, pick_sequence, code
"""

_TASKS_SHORT = """
UPDATE warehouse_picktask AS t SET state = 'short', picked = d.units
FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units) WHERE t.id = d.id
RETURNING t.id, EXISTS (SELECT FROM warehouse_picktask AS o WHERE o.fulfillment_id = t.fulfillment_id
                        AND o.bucket_id = t.bucket_id AND o.state = 'short' AND o.id <> t.id)
"""

_LINES_SHORT = """
UPDATE warehouse_fulfillmentline AS l SET short = l.short + d.units
FROM (SELECT id, sum(units)::int AS units FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units)
      GROUP BY id) AS d
WHERE l.id = d.id
"""

# After the shorts: what is open still was picked in full, so every line has all that was not missing.
_TASKS_DONE = """
UPDATE warehouse_picktask SET state = 'done', picked = quantity
WHERE fulfillment_id = ANY(%(ids)s::uuid[]) AND state = 'open'
"""

# Nobody gives a list to another while a stop of it is reported.
_WALKED = (
    "SELECT id, number, picker FROM warehouse_picklist WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR SHARE"
)

_STANDS_ON = """
SELECT s.task_id, l.id, l.number FROM warehouse_liststop AS s JOIN warehouse_picklist AS l ON l.id = s.list_id
WHERE s.task_id = ANY(%(tasks)s::uuid[])
"""

_PART_DONE = "UPDATE warehouse_picktask SET state = 'done', picked = quantity WHERE id = ANY(%(ids)s::uuid[])"

_PART_OF_LINES = """
UPDATE warehouse_fulfillmentline AS l SET picked = l.picked + d.units
FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units) WHERE l.id = d.id
"""

_LINES_DONE = """
UPDATE warehouse_fulfillmentline SET picked = quantity - short
WHERE fulfillment_id = ANY(%(ids)s::uuid[]) AND picked < quantity - short
"""

_PICKED = """
SELECT fulfillment_id, sum(picked)::int FROM warehouse_fulfillmentline WHERE fulfillment_id = ANY(%(ids)s::uuid[])
GROUP BY 1
"""

_STORE = """
UPDATE warehouse_fulfillment AS f SET state = d.state, picker = d.picker, staging_bin_id = d.bin
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(pickers)s::text[], %(bins)s::uuid[]) AS d(id, state, picker, bin)
WHERE f.id = d.id
"""
