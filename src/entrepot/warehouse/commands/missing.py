"""What becomes of units that were promised and are not there: another bin, or sourcing again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import offer
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.progress import Progress, lock, progress
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
    def node(self) -> UUID: ...
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

    def plan(self, shorts: Sequence[tuple[Missed, int, Fulfillment]], positions: stock.Positions) -> None:
        """Choose another bin for each short, as far as the node has free units; the rest is open again.

        The missing units have left their position together with their promise, so what was free there still is.
        """
        shelves = Shelves({(task.sku, task.node) for task, _, _ in shorts}, self.cause.at.date())
        for task, units, one in shorts:
            found = self._promise_again(task, units, one, positions, shelves)
            if found < units:
                self.steps.append(Progress(task.line, one.order, "released", "open", units - found))
                self.reopened[one.order] = one
            self.items.append(
                OpenItem(
                    one.company,
                    "short pick",
                    "pick_task",
                    task.id,
                    f"{units} of {task.quantity} units for {one.order_number} were not in their bin",
                    "warehouse supervisor",
                    {"units": units, "from_another_bin": found, "sku": task.sku, "order": one.order},
                    due_in_hours=4,
                )  # fmt: skip
            )

    def _promise_again(
        self, task: Missed, units: int, one: Fulfillment, positions: stock.Positions, shelves: Shelves
    ) -> int:
        position = positions.get((task.sku, task.node))
        wanted = min(units, position.free_for(one.channel)) if position else 0
        picks, nowhere = shelves.plan(task.sku, task.node, wanted)
        found = wanted - nowhere
        if not found:
            return 0
        promised = stock.admit(
            positions,
            stock.Allocate(
                one.company,
                one.order,
                task.line,
                task.sku,
                task.node,
                one.channel,
                found,
                one.priority,
                one.promise_at,
                one.placed_at,
            ),  # fmt: skip
        )
        assert not isinstance(promised, Refused), "as many as are free under the lock"
        self.promises.append(promised)
        allocation, line = promised[0], ids.uuid7()
        self.lines.append((line, one.id, one.order, task.line, allocation, task.sku, found))
        for shelf, taken in picks:
            key = ids.uuid7()
            self.tasks_of[one.id].append(key)
            self.commits.append((allocation, shelf.bucket, taken, one.id))
            self.tasks.append((
                key, one.company, one.id, line, one.order, task.line, allocation, task.sku, task.node, shelf.bucket,
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
        offer(
            "allocate",
            [(one.order, one.priority, one.promise_at or one.placed_at) for one in self.reopened.values()],
        )


def reopen(cause: Cause, displaced: Sequence[Displaced]) -> None:
    """Open the lines again whose promises stock could not keep, source them anew, and ask why.

    Called inside a command with what `stock` returned. Locks: the orders in id order. 5 statements.
    """
    if not displaced:
        return
    orders = {one.order for one in displaced}
    lock(orders)
    steps = [
        Progress(one.line, one.order, "released" if one.was_released else "allocated", "open", one.quantity)
        for one in displaced
    ]
    progress(cause, requests=steps)
    facts = {
        order: (company, number, priority, due)
        for order, company, number, priority, due in sql.run(_ORDERS, {"ids": list(orders)})
    }
    units: dict[UUID, int] = defaultdict(int)
    for one in displaced:
        units[one.order] += one.quantity
    open_items(
        cause,
        requests=[
            OpenItem(
                facts[order][0],
                "displaced",
                "order",
                order,
                f"{count} units promised to {facts[order][1]} are no longer there",
                "inventory manager",
                {"units": count},
                due_in_hours=8,
            )  # fmt: skip
            for order, count in units.items()
        ],
    )
    offer("allocate", [(order, priority, due) for order, (_, _, priority, due) in facts.items()])


_ORDERS = """
SELECT id, company_id::int, number, priority::int, COALESCE(promise_at, placed_at) FROM orders_order
WHERE id = ANY(%(ids)s::uuid[])
"""
