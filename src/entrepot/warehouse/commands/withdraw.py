"""Cancel orders late: what the warehouse has of them is withdrawn, as long as it has not left the house."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.orders.commands import cancel as orders
from entrepot.orders.commands.progress import Progress
from entrepot.orders.rules import ON_THE_FLOOR
from entrepot.sourcing.commands.cancel import forget
from entrepot.stock.commands.allocate import lock_promised
from entrepot.stock.commands.fulfill import recommit, unrelease
from entrepot.stock.commands.move import At, lock_buckets
from entrepot.warehouse import rules
from entrepot.warehouse.commands.lock import Fulfillment, lock_fulfillments
from entrepot.warehouse.commands.unpack import void_packages
from entrepot.warehouse.states import STEPS
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class OrderWithdrawn:
    """Units cancelled, how many of them were promised, and the status now.

    Of the units, `called_off` are not picked any more, and `taken_back` stand in staging for anybody. Of the
    fulfillments `ended` nothing is left.
    """

    order: UUID
    units: int
    freed: int
    status: str
    called_off: int
    taken_back: int
    ended: tuple[UUID, ...] = ()
    refunded_minor: int = 0


class _Task(NamedTuple):
    """A pick task that still has units: `to_pick` ones, or `picked` ones in staging."""

    id: UUID
    order: UUID
    fulfillment: UUID
    state: str  # of the fulfillment
    fulfillment_line: UUID
    line: UUID
    allocation: UUID
    sku: UUID
    bin: UUID
    lot: str
    serial: str
    to_pick: int
    picked: int


@command("warehouse.withdraw")
def withdraw(cause: Cause, /, *, requests: Sequence[orders.CancelOrder]) -> list[OrderWithdrawn | Refused]:
    """Units cancelled wherever they stand in the house: those that nobody has touched first.

    As `sourcing.cancel`, and of what the warehouse has: tasks that are not begun are withdrawn; picked units are free
    in staging, with a work item to put them away; an opened carton is voided, and what is left of it is packed again.

    Locks: the orders with their fulfillments, the positions of their promises in key order, promises, buckets,
    payments.
    Refuses: NotFound; WrongState (cancelled, closed); Invalid (no reason; an order twice); orders.already_shipped;
    orders.more_than_there_is.
    Again: by key. 32 statements; 1 more where units are taken back, 1 where cartons are voided, and 1 for each further
    queue that fulfillments leave.
    """
    plan = orders.decide(requests, from_floor=True)
    floor = Floor(cause, plan)
    floor.write()
    answers = orders.carry_out(cause, plan, moved=floor.moved)
    forget(cause, answers)
    return [answer if isinstance(answer, Refused) else floor.answer(answer) for answer in answers]


class Floor:
    """What is withdrawn of each fulfillment, gathered to be written in a fixed number of statements."""

    def __init__(
        self,
        cause: Cause,
        plan: orders.Cancellation,
        only: Collection[tuple[UUID, UUID]] | None = None,
    ) -> None:
        """With `only`, units of these fulfillments' order lines alone."""
        self.cause = cause
        wanted = [
            (order, line, place, units)
            for order, (_, steps) in plan.decided.items()
            for line, place, units in steps
            if place in ON_THE_FLOOR
        ]
        self.requests = {order: plan.decided[order][0] for order, *_ in wanted}
        self.locked = list(plan.decided)
        tasks = _tasks(self.requests, cause.at)
        self.taken = _take(wanted, tasks if only is None else _among(tasks, only))
        self.found = lock_fulfillments({task.fulfillment for task, _ in self.taken}) if self.taken else {}
        self.off: dict[UUID, int] = defaultdict(int)  # by fulfillment
        self.back: dict[UUID, list[tuple[_Task, int]]] = defaultdict(list)
        for task, units in self.taken:
            if task.to_pick:
                self.off[task.fulfillment] += units
            else:
                self.back[task.fulfillment].append((task, units))
        self.left = _left(tasks, self.taken)
        self.events = {one.id: self._event(one) for one in self.found.values()}
        self.moved = self._moved()

    def _event(self, one: Fulfillment) -> str | None:
        left = self.left[one.id]
        return rules.after_withdrawal(
            one.state, sum(task.to_pick for task in left), sum(task.picked for task in left)
        )

    def _moved(self) -> list[Progress]:
        """Units that stay where they are, and are not packed any more."""
        return [
            Progress(task.line, task.order, "packed", "picked", task.picked)
            for fulfillment, event in self.events.items()
            if event == "unpack"
            for task in self.left[fulfillment]
        ]

    def answer(self, one: orders.OrderCancelled) -> OrderWithdrawn:
        mine = [key for key, found in self.found.items() if found.order == one.order]
        return OrderWithdrawn(
            one.order,
            one.units,
            one.freed,
            one.status,
            *self.units_of(one.order),
            tuple(key for key in mine if self.events[key] == "withdraw"),
            one.refunded_minor,
        )

    def units_of(self, order: UUID) -> tuple[int, int]:
        """Units of an order that are not picked any more, and those that stand in staging."""
        mine = [key for key, found in self.found.items() if found.order == order]
        return sum(self.off[key] for key in mine), sum(self._units_back(key) for key in mine)

    def _units_back(self, fulfillment: UUID) -> int:
        return sum(units for _, units in self.back.get(fulfillment, ()))

    # ---- write

    def write(self) -> None:
        if not self.taken:
            return
        self._give_back()
        rows = [(task.id, units) for task, units in self.taken]
        sql.change(_TAKE_OFF_TASKS, sql.columns(("ids", "units"), rows))
        of_lines: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
        for task, units in self.taken:
            of_lines[task.fulfillment_line][0] += units
            of_lines[task.fulfillment_line][1] += units if task.picked else 0
        sums = [(line, *counts) for line, counts in of_lines.items()]
        sql.change(_TAKE_OFF_LINES, sql.columns(("ids", "units", "picked"), sums))
        self._close(self._void())
        self._queue()

    def _give_back(self) -> None:
        """Promises are not released any more, and their buckets not committed: `orders` frees them next."""
        # Of all promises of the orders, also of those that are freed later in this transaction.
        lock_promised(self.locked)
        of_promise: dict[UUID, int] = defaultdict(int)
        of_bucket: dict[At, int] = defaultdict(int)
        for task, units in self.taken:
            of_promise[task.allocation] += units
            of_bucket[self._where(task)] += units
        unrelease(sorted(of_promise.items()))
        buckets = lock_buckets(of_bucket)
        recommit([(buckets[key].id, -units) for key, units in of_bucket.items()])

    def _where(self, task: _Task) -> At:
        one = self.found[task.fulfillment]
        place = task.bin if task.to_pick else one.staging_bin
        return At(task.sku, one.node, place, one.company, "sellable", task.lot, task.serial)

    def _void(self) -> dict[UUID, list[UUID]]:
        """Cartons that are opened, all of a fulfillment: their keys, by fulfillment."""
        opened = [(key, self._at(one)) for key, one in self.found.items() if one.state == "packed"]
        if not opened:
            return {}
        voided = void_packages(opened)
        announce(
            self.cause,
            [
                Event("package", package, one.company, "", "voided", self._at(one), reason=self._why(one))
                for key, packages in voided.items()
                for one in [self.found[key]]
                for package in packages
            ],
        )
        return voided

    def _close(self, voided: Mapping[UUID, Sequence[UUID]]) -> None:
        """The fulfillments' states, and a work item for each that has units in staging for anybody."""
        rows, happened, items = [], [], []
        for key, one in self.found.items():
            event, back = self.events[key], self._units_back(key)
            state = STEPS[event][one.state] if event else one.state
            assert isinstance(state, str), "seen under the lock"
            if state != one.state:
                rows.append((key, state))
            payload: dict[str, Any] = {"called_off": self.off.get(key, 0), "taken_back": back}
            if key in voided:
                payload["voided"] = voided[key]
            happened.append(
                Event(
                    "fulfillment", key, one.company, one.state, state, self._at(one), payload, self._why(one)
                )
            )
            if back:
                items.append(_put_away(one, self.back[key], self._at(one)))
        if rows:
            sql.change(_STORE, sql.columns(("ids", "states"), rows))
        announce(self.cause, happened)
        if items:
            open_items(self.cause, requests=items)

    def _queue(self) -> None:
        """What ended or goes another way leaves the queue that it stood in."""
        waits_in = {"released": "pick", "picking": "pick", "picked": "pack", "packed": "ship"}
        leaving: dict[str, list[UUID]] = defaultdict(list)
        to_pack = []
        for key, one in self.found.items():
            if self.events[key]:
                leaving[waits_in[one.state]].append(key)
            if self.events[key] in ("finish", "unpack"):
                to_pack.append((key, one.priority, one.due))
        for queue in sorted(leaving):
            ready.drop(queue, leaving[queue])
        offer("pack", to_pack)

    def _at(self, one: Fulfillment) -> datetime:
        return self.requests[one.order].occurred_at or self.cause.at

    def _why(self, one: Fulfillment) -> str:
        return self.requests[one.order].reason


_Wanted = tuple[UUID, UUID, str, int]
"""Order, line, place, units."""


def _tasks(wanted: Collection[UUID], at: datetime) -> dict[tuple[UUID, str], list[_Task]]:
    """Tasks of orders that have units, by line and the place where their units stand: picked units whose lot expired
    before that day of their node first, since they are not sent, then the last of the way.

    One statement; none for no orders.
    """
    found: dict[tuple[UUID, str], list[_Task]] = {}
    for row in sql.run(_TASKS, {"orders": list(wanted), "at": at}) if wanted else ():
        task = _Task(*row)
        place = "released" if task.to_pick else "packed" if task.state == "packed" else "picked"
        found.setdefault((task.line, place), []).append(task)
    return found


def _among(
    tasks: Mapping[tuple[UUID, str], Sequence[_Task]], only: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, str], list[_Task]]:
    return {
        key: [task for task in found if (task.fulfillment, task.line) in only] for key, found in tasks.items()
    }


def _take(
    wanted: Sequence[_Wanted], tasks: Mapping[tuple[UUID, str], Sequence[_Task]]
) -> list[tuple[_Task, int]]:
    """Which tasks give up how many units. A line may be wanted twice."""
    sums: dict[tuple[UUID, str], int] = defaultdict(int)
    for _, line, place, units in wanted:
        sums[line, place] += units
    return [
        one
        for key, units in sums.items()
        for one in rules.take_off(units, [(task, task.to_pick + task.picked) for task in tasks.get(key, ())])
    ]


def _left(
    tasks: Mapping[tuple[UUID, str], Sequence[_Task]], taken: Sequence[tuple[_Task, int]]
) -> dict[UUID, list[_Task]]:
    """What the tasks of each fulfillment still have."""
    gone = {task.id: units for task, units in taken}
    left: dict[UUID, list[_Task]] = defaultdict(list)
    for found in tasks.values():
        for task in found:
            units = task.to_pick + task.picked - gone.get(task.id, 0)
            if units:
                rest = task._replace(to_pick=units) if task.to_pick else task._replace(picked=units)
                left[task.fulfillment].append(rest)
    return left


def _put_away(one: Fulfillment, back: Sequence[tuple[_Task, int]], at: datetime) -> OpenItem:
    units = sum(count for _, count in back)
    facts = {
        "units": units,
        "order": one.order,
        "bin": one.staging_bin,
        "goods": [
            {"sku": task.sku, "lot": task.lot, "serial": task.serial, "units": count} for task, count in back
        ],
    }
    return OpenItem(
        one.company, "put back", "fulfillment", one.id,
        Said("{0} units of {1} were withdrawn and stand in staging: put them away", units, one.order_number),
        "warehouse supervisor", facts, one.priority, due_in_hours=8, dedupe=str(ids.uuid7()), occurred_at=at,
        promise_at=one.promise_at,
    )  # fmt: skip


_TASKS = """
SELECT t.id, f.order_id, t.fulfillment_id, f.state, t.fulfillmentline_id, t.line_id, t.allocation_id, t.sku_id,
       t.bin_id, t.lot, t.serial, CASE t.state WHEN 'open' THEN t.quantity ELSE 0 END, t.picked
FROM warehouse_fulfillment AS f JOIN warehouse_picktask AS t ON t.fulfillment_id = f.id
WHERE f.order_id = ANY(%(orders)s::uuid[]) AND f.state IN ('released', 'picking', 'picked', 'packed')
  AND (t.state = 'open' OR t.picked > 0)
ORDER BY t.picked > 0 AND EXISTS (
    SELECT FROM stock_bucket AS b JOIN network_node AS n ON n.id = b.node_id
    WHERE b.bin_id = f.staging_bin_id AND b.sku_id = t.sku_id AND b.lot = t.lot AND b.serial = t.serial
      AND b.quantity > 0 AND b.expires_on < (%(at)s::timestamptz AT TIME ZONE n.time_zone)::date) DESC,
    f.id DESC, t.sequence DESC, t.id
"""

_TAKE_OFF_TASKS = """
UPDATE warehouse_picktask AS t
SET quantity = t.quantity - d.units,
    picked = CASE t.state WHEN 'open' THEN 0 ELSE t.picked - d.units END,
    withdrawn = t.withdrawn + CASE t.state WHEN 'open' THEN d.units ELSE 0 END,
    taken_back = t.taken_back + CASE t.state WHEN 'open' THEN 0 ELSE d.units END,
    state = CASE WHEN t.quantity = d.units THEN 'withdrawn' ELSE t.state END
FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units) WHERE t.id = d.id
"""

_TAKE_OFF_LINES = """
UPDATE warehouse_fulfillmentline AS l SET quantity = l.quantity - d.units, picked = l.picked - d.picked
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(picked)s::int[]) AS d(id, units, picked) WHERE l.id = d.id
"""

_STORE = """
UPDATE warehouse_fulfillment AS f SET state = d.state
FROM unnest(%(ids)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE f.id = d.id
"""
