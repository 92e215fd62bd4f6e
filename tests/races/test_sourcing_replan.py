"""Orders planned again from several threads, while they are released, and while they are cancelled."""

from __future__ import annotations

from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing import errors
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.replan import OrderReplanned, ReplanOrder, replan
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from tests.floor import SYSTEM, a_floor
from tests.together import all_at_once, at_once


def orders(number: int, elsewhere: int = 100) -> tuple[list[ReplanOrder], list[UUID]]:
    """Orders of two at the first node, which are to leave it, and what the second one has."""
    floor = a_floor()
    floor.stock(quantity=100)
    made = [floor.order((0, 2)).order for _ in range(number)]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in made]))
    floor.stock(quantity=elsewhere, node=1)
    return [ReplanOrder(order, "a flood", (floor.nodes[0],)) for order in made], floor.nodes


def by_node() -> dict[UUID, int]:
    return dict(sql.run("SELECT node_id, sum(quantity)::int FROM stock_allocation GROUP BY 1"))  # type: ignore[arg-type]


def test_an_order_moves_once_however_many_say_so(committed_db):
    requests, nodes = orders(6)
    answers = all_at_once(replan, SYSTEM, requests, requests[::-1], requests)
    assert sum(one.units for one in answers if isinstance(one, OrderReplanned)) == 12
    assert by_node() == {nodes[1]: 12}


def test_no_more_move_than_the_other_node_has(committed_db):
    requests, nodes = orders(6, elsewhere=5)
    all_at_once(replan, SYSTEM, requests, requests[::-1])
    assert by_node() == {nodes[0]: 8, nodes[1]: 4}


def test_what_is_released_meanwhile_stays(committed_db):
    requests, nodes = orders(8)
    moved, released = at_once(
        [
            lambda: replan(SYSTEM, requests=requests),
            lambda: release(SYSTEM, requests=[ReleaseOrder(one.order) for one in requests[::-1]]),
        ]
    )
    assert all(isinstance(one, OrderReleased) for one in released)  # type: ignore[attr-defined]
    stayed = sum(isinstance(one, errors.ReleasedAlready) for one in moved)  # type: ignore[attr-defined]
    expected = {nodes[0]: 2 * stayed, nodes[1]: 16 - 2 * stayed}
    assert by_node() == {node: units for node, units in expected.items() if units}


def test_what_is_cancelled_meanwhile_is_freed_once(committed_db):
    requests, _ = orders(8)
    at_once(
        [
            lambda: replan(SYSTEM, requests=requests),
            lambda: cancel(SYSTEM, requests=[CancelOrder(one.order, "why") for one in requests[::-1]]),
        ]
    )
    assert sql.run("SELECT sum(allocated) FROM stock_position") == [(0,)]
    assert sql.run("SELECT count(*) FROM stock_allocation") == [(0,)]
