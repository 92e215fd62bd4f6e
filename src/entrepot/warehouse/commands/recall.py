"""Call back what stands promised of kits that are not whole any more: a component was lost, and nobody has another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands import cancel as orders
from entrepot.orders.commands.progress import Progress, Stand, progress, restate
from entrepot.orders.rules import ON_THE_FLOOR, Cancellable
from entrepot.sourcing.half_kits import to_call_back
from entrepot.warehouse.commands.withdraw import Floor


@dataclass(frozen=True, slots=True)
class RecallKits:
    """An order of which a component of a kit was lost after it was promised."""

    order: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class KitsRecalled:
    """Units that are open again; of them, those that are not picked any more, and those that stand in staging."""

    order: UUID
    units: int
    called_off: int = 0
    taken_back: int = 0


WHY = "a component of the kit was lost and nobody has another"


@command("warehouse.recall")
def recall(cause: Cause, /, *, requests: Sequence[RecallKits]) -> list[KitsRecalled | Refused]:
    """What the house has of kits that are not whole is open again, wherever it stands, and sourced anew: then the
    order's policy says whether whole kits wait or are cancelled. What has shipped stays shipped.

    Of what the warehouse has: as `warehouse.withdraw`.

    Locks: the orders with their fulfillments, the positions of their promises in key order, promises, buckets.
    Refuses: NotFound. Again: finds nothing more. 7 statements; 8 more where promises are freed, and at most 12 more
    where the warehouse had begun.
    """
    times = {one.order: one.occurred_at or cause.at for one in requests}
    plan = orders.look(times)
    back = to_call_back(plan.orders)
    for order, units in back.items():
        steps = _steps(plan.lines[order], units)
        plan.decided[order] = (orders.CancelOrder(order, WHY, occurred_at=times[order]), steps)
    floor = Floor(cause, plan)
    floor.write()
    orders.free_promises(cause, plan.decided)
    moved = [
        Progress(line, order, place, "open", units)
        for order, (_, steps) in plan.decided.items()
        for line, place, units in steps
    ]
    progress(cause, requests=[*moved, *floor.moved], times=times)
    announce(
        cause,
        [
            Event(
                "order", order, plan.orders[order].company, occurred_at=times[order], reason=WHY,
                payload={"called_back": [[str(line), place, units] for line, place, units in steps]},
            )
            for order, (_, steps) in plan.decided.items()
        ],
    )  # fmt: skip
    _source_again(restate(cause, {order: times[order] for order in plan.orders}))
    return [
        KitsRecalled(one.order, sum(back.get(one.order, {}).values()), *floor.units_of(one.order))
        if one.order in plan.orders
        else NotFound(what="order", which=str(one.order))
        for one in requests
    ]


def _steps(lines: Mapping[UUID, Cancellable], back: Mapping[UUID, int]) -> list[orders.Step]:
    """From where the units are taken: those that nobody has touched first."""
    steps = []
    for line, wanted in back.items():
        for place in ("allocated", *ON_THE_FLOOR):
            units = min(wanted, getattr(lines[line], place))
            if units:
                steps.append((line, place, units))
                wanted -= units
    return steps


def _source_again(stands: Mapping[UUID, Stand]) -> None:
    waits = {order: one for order, one in stands.items() if one.goods.open}
    offer("allocate", [(order, one.priority, one.due_at) for order, one in waits.items()])
