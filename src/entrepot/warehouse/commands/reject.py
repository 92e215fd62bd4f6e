"""A node gives back what is on its floor already: too busy, or short of hands. Nobody has begun with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said, WrongState
from entrepot.orders.commands import cancel as orders
from entrepot.sourcing.commands.reject import OrderRejected, RejectOrder, give_back
from entrepot.sourcing.errors import NothingToReject
from entrepot.warehouse.commands.withdraw import Floor


class _Work(NamedTuple):
    """Units of an order line that a fulfillment still has to send, and whether somebody has begun with it."""

    order: UUID
    node: UUID
    fulfillment: UUID
    number: str
    state: str
    line: UUID
    units: int

    @property
    def is_begun(self) -> bool:
        return self.state != "released"


@command("warehouse.reject")
def reject(cause: Cause, /, *, requests: Sequence[RejectOrder]) -> list[OrderRejected | Refused]:
    """Lines of orders given back by a node, also where they are on its floor, as long as nobody has picked of their
    fulfillment: its tasks are withdrawn, and the lines are sourced again, without the node for as long as the profile
    says. What is begun goes on.

    Locks: the orders with their fulfillments, the positions of their promises in key order, promises, buckets.
    Refuses: as `sourcing.reject`; WrongState (all that the node has of it is begun).
    Again: by key. 17 statements; 11 more where something is on the floor, and 2 where too many nodes have rejected a
    line.
    """
    plan = orders.look(one.order for one in requests)
    asked = [one for one in requests if one.reason.strip()]
    work = _work(requests)
    off = [one for one in work if not one.is_begun and any(_is_about(one, each) for each in asked)]
    steps: dict[UUID, list[orders.Step]] = defaultdict(list)
    released: dict[tuple[UUID, UUID, UUID], int] = defaultdict(int)
    for one in off:
        steps[one.order].append((one.line, "released", one.units))
        released[one.order, one.node, one.line] += one.units
    for each in reversed(asked):  # of several about one order, the floor is told what the first says
        told = orders.CancelOrder(each.order, each.reason, occurred_at=each.occurred_at)
        plan.decided[each.order] = (told, steps[each.order])
    Floor(cause, plan, {(one.fulfillment, one.line) for one in off}).write()
    return [
        _begun(one, work) or answer if isinstance(answer, NothingToReject) else answer
        for one, answer in zip(requests, give_back(cause, requests, released), strict=True)
    ]


def _work(requests: Sequence[RejectOrder]) -> list[_Work]:
    """What the floor has of the orders, which are locked. 1 statement."""
    return [_Work(*row) for row in sql.run(_WORK, {"orders": list({one.order for one in requests})})]


def _is_about(one: _Work, request: RejectOrder) -> bool:
    is_there = (one.order, one.node) == (request.order, request.node)
    return is_there and (not request.lines or one.line in request.lines)


def _begun(request: RejectOrder, work: Sequence[_Work]) -> Refused | None:
    """The refusal where the node has something of it that it can't give back any more."""
    for one in work:
        if one.is_begun and _is_about(one, request):
            return WrongState(
                subject=Said("Fulfillment {0}", one.number),
                found=one.state,
                event="reject",
                expected="released",
            )
    return None


_WORK = """
SELECT f.order_id, f.node_id, f.id, f.number, f.state, t.line_id,
       sum(CASE t.state WHEN 'open' THEN t.quantity ELSE t.picked END)::int
FROM warehouse_fulfillment AS f JOIN warehouse_picktask AS t ON t.fulfillment_id = f.id
WHERE f.order_id = ANY(%(orders)s::uuid[]) AND f.state IN ('released', 'picking', 'picked', 'packed')
  AND (t.state = 'open' OR t.picked > 0)
GROUP BY f.id, t.line_id ORDER BY f.id, t.line_id
"""
