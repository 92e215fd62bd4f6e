"""What becomes of units that were promised and are not there: another bin, or sourcing again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import offer
from entrepot.kernel.errors import Refused, Said
from entrepot.orders.commands.progress import Progress, lock, progress
from entrepot.orders.queries import SERVED_WITH
from entrepot.stock.commands import allocate as stock
from entrepot.stock.commands.fulfill import commit_picks
from entrepot.stock.commands.move import Displaced
from entrepot.warehouse.commands.lock import Fulfillment
from entrepot.warehouse.commands.release import FULFILLMENT_LINE, PICK_TASK
from entrepot.warehouse.commands.shelves import Shelves
from entrepot.work.commands.open_items import OpenItem, open_items


class Missed(Protocol):
    """The pick task that came up short."""

    @property
    def id(self) -> UUID: ...
    @property
    def line(self) -> UUID: ...
    @property
    def sku(self) -> UUID: ...
    @property
    def bin(self) -> UUID: ...
    @property
    def quantity(self) -> int: ...


class Again:
    """New promises and tasks for missing units, and the lines that are open again."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause
        self.tasks_of: dict[UUID, list[UUID]] = defaultdict(list)
        self.steps: list[Progress] = []
        self.promises: list[stock.Promised] = []
        self.commits: list[tuple[UUID, UUID, int, UUID]] = []
        self.lines: list[tuple[object, ...]] = []
        self.tasks: list[tuple[object, ...]] = []
        self.items: list[OpenItem] = []
        self.reopened: dict[UUID, Fulfillment] = {}
        self.doubtful: set[UUID] = set()

    def plan(
        self,
        shorts: Sequence[tuple[Missed, int, Fulfillment]],
        positions: stock.Positions,
        held: Mapping[tuple[UUID, UUID], int],
    ) -> None:
        """Choose another bin for each short, as far as the node has free units; the rest is open again. A bin that came
        up short is gone to again only for what no other has, and once: until it is counted, what it should hold is in
        doubt. `held` says what is held back of SKUs at nodes because of that.

        The missing units have left their position together with their promise, so what was free there still is.
        """
        shelves = Shelves({(task.sku, one.node) for task, _, one in shorts}, self.cause.at.date())
        self.doubtful = {task.bin for task, *_ in shorts}
        for task, units, one in shorts:
            found = self._promise_again(task, units, one, positions, shelves)
            if found < units:
                self.steps.append(Progress(task.line, one.order, "released", "open", units - found))
                self.reopened[one.order] = one
            self.items.append(_short_pick(task, units, found, one, held.get((task.sku, one.node), 0)))

    def _promise_again(
        self, task: Missed, units: int, one: Fulfillment, positions: stock.Positions, shelves: Shelves
    ) -> int:
        position = positions.get((task.sku, one.node))
        wanted = min(units, position.free_for(one.channel)) if position else 0
        picks, nowhere = shelves.plan(task.sku, one.node, wanted, self.doubtful)
        found = wanted - nowhere
        if not found:
            return 0
        wish = stock.Allocate(
            one.company, one.order, task.line, task.sku, one.node, one.channel, found, one.priority, one.promise_at,
            one.placed_at,
        )  # fmt: skip
        promised = stock.admit(positions, wish)
        assert not isinstance(promised, Refused), "as many as are free under the lock"
        self.promises.append(promised)
        allocation, line = promised[0], ids.uuid7()
        self.lines.append((line, one.id, one.order, task.line, allocation, task.sku, found))
        for shelf, taken in picks:
            key = ids.uuid7()
            self.tasks_of[one.id].append(key)
            self.commits.append((allocation, shelf.bucket, taken, one.id))
            self.tasks.append((
                key, one.company, one.id, line, one.order, task.line, allocation, task.sku, one.node, shelf.bucket,
                shelf.bin, shelf.lot, shelf.serial, taken, 1000 + len(self.tasks),
            ))  # fmt: skip
        return found

    def write(self) -> None:
        if self.promises:
            stock.write_promises(self.promises)
            commit_picks(self.cause, self.commits)
            sql.write("warehouse_fulfillmentline", FULFILLMENT_LINE, self.lines)
            sql.write("warehouse_picktask", PICK_TASK, self.tasks)
        if self.items:
            open_items(self.cause, requests=self.items)
        offer("count", [(item.subject, item.priority, self.cause.at) for item in self.items])
        offer(
            "allocate",
            [(one.order, one.priority, one.promise_at or one.placed_at) for one in self.reopened.values()],
        )


def _short_pick(task: Missed, units: int, found: int, one: Fulfillment, held: int) -> OpenItem:
    reason = Said("{0} of {1} units for {2} were not in their bin", units, task.quantity, one.order_number)
    facts: dict[str, object] = {
        "units": units,
        "from_another_bin": found,
        "sku": task.sku,
        "order": one.order,
    }
    if held:
        reason = Said(
            "{0} of {1} units for {2} were not in their bin for the second time: {3} more are not sold until the bin"
            " is counted",
            units,
            task.quantity,
            one.order_number,
            held,
        )
        facts["held_back"] = held
    role = "warehouse supervisor"
    return OpenItem(
        one.company, "short pick", "pick_task", task.id, reason, role, facts, due_in_hours=4,
        promise_at=one.promise_at,
    )  # fmt: skip


def reopen(cause: Cause, displaced: Sequence[Displaced]) -> None:
    """Open the lines again whose promises stock could not keep, source them anew, and ask why.

    Called inside a command with what `stock` returned. An order stands where its promises stood that are gone. Locks:
    the orders in id order. 5 statements.
    """
    if not displaced:
        return
    units: dict[UUID, int] = defaultdict(int)
    lost: dict[UUID, int] = {}
    steps = []
    for one in displaced:
        units[one.order] += one.quantity
        lost[one.order] = max(one.priority, lost.get(one.order, one.priority))
        source = "released" if one.was_released else "allocated"
        steps.append(Progress(one.line, one.order, source, "open", one.quantity))
    lock(units)
    progress(cause, requests=steps)
    found = [
        (order, company, number, max(priority, lost[order]), due)
        for order, company, number, priority, due in sql.run(_ORDERS, {"ids": list(units)})
    ]
    open_items(
        cause,
        requests=[
            _displaced(company, order, number, priority, units[order])
            for order, company, number, priority, _ in found
        ],
    )
    offer("allocate", [(order, priority, due) for order, _, _, priority, due in found])


def _displaced(company: int, order: UUID, number: str, priority: int, units: int) -> OpenItem:
    reason = Said("{0} units promised to {1} are no longer there", units, number)
    facts, role = {"units": units}, "inventory manager"
    return OpenItem(
        company, "displaced", "order", order, reason, role, facts, max(priority, 50), due_in_hours=8
    )


_ORDERS = f"""
SELECT o.id, o.company_id::int, o.number, {SERVED_WITH}, COALESCE(o.promise_at, o.placed_at) FROM orders_order AS o
WHERE o.id = ANY(%(ids)s::uuid[])
"""
