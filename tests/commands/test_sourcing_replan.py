"""sourcing.replan and sourcing.leave_node"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids, policies, ready, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.network.commands.register import RegisterNode, register_nodes
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.sourcing import errors, queries, tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.replan import (
    LeaveNode,
    NodeLeft,
    OrderReplanned,
    ReplanOrder,
    leave_node,
    replan,
)
from entrepot.sourcing.rules import Offline, Profile
from entrepot.stock.commands.set_floor import SetRingFence, set_ring_fence
from entrepot.warehouse.commands.release import ReleaseOrder, release
from tests.floor import COMPANY, SYSTEM, Floor, a_floor
from tests.sizes import SIZES


@pytest.fixture
def floor(db: None) -> Floor:
    floor = a_floor()
    floor.stock(quantity=50)
    floor.stock(sku=1, quantity=50)
    return floor


def promised(floor: Floor, *lines: tuple[int, int], **facts: Any) -> UUID:
    order = floor.order(*lines, **facts).order
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    return order


def steer(**fields: Any) -> None:
    wanted = policies.SetPolicy(COMPANY, "sourcing.profile", Profile(**fields), SYSTEM.at)
    whole(policies.set_policy(SYSTEM, requests=[wanted]))


def nodes_of(order: UUID) -> list[tuple[str, int]]:
    return sql.run(
        "SELECT n.code, sum(a.quantity)::int FROM stock_allocation AS a JOIN network_node AS n ON n.id = a.node_id"
        " WHERE a.order_id = %(order)s GROUP BY 1 ORDER BY 1",
        {"order": order},
    )


def again(*orders: UUID, **facts: Any) -> list[Any]:
    return replan(SYSTEM, requests=[ReplanOrder(order, **facts) for order in orders])


def test_an_order_leaves_a_node_that_is_excluded_and_keeps_its_place(floor: Floor) -> None:
    order = promised(floor, (0, 2), (1, 1), priority=7)
    before = sql.run("SELECT priority, promise_at, ordered_at FROM stock_allocation")
    floor.stock(quantity=9, node=1)
    floor.stock(sku=1, quantity=9, node=1)
    assert again(order) == [OrderReplanned(order, 0, "same")]

    steer(excluded_nodes=("N1",))
    assert again(order) == [OrderReplanned(order, 3, "barred")]

    assert nodes_of(order) == [("N2", 3)]
    assert sql.run("SELECT priority, promise_at, ordered_at FROM stock_allocation") == before
    ((first, old),) = [queries.decisions(order=order)]
    assert first.reasons["replanned"] == {
        "because": "barred",
        "before": [[1, "N1", 2], [2, "N1", 1]],
        "barred": {"N1": "excluded"},
        "reason": "",
    }
    assert (first.outcome, old.outcome, old.reasons.get("replanned")) == ("allocated", "allocated", None)
    told = queries.explained(order=order)[0].explanation
    assert [(one.node, one.verdict, one.rule) for one in told.candidates] == [
        ("N2", "chosen", ""), ("N1", "refused", "excluded"),
    ]  # fmt: skip
    assert again(order) == [OrderReplanned(order, 0, "same")]


@pytest.mark.parametrize("how", ["offline", "kind", "inactive"])
def test_an_order_leaves_a_node_that_serves_no_more(floor: Floor, how: str) -> None:
    order = promised(floor, (0, 2))
    floor.stock(quantity=9, node=1)
    if how == "inactive":
        gone = RegisterNode(COMPANY, "N1", "Node 1", "GB", priority=1, active=False)
        whole(register_nodes(SYSTEM, requests=[gone]))
    elif how == "offline":
        steer(offline=(Offline("N1", SYSTEM.at.date()),))
    else:
        sql.run("UPDATE network_node SET kind = 'store' WHERE id = %(node)s", {"node": floor.nodes[0]})
        steer(kinds_refused=("store",))
    assert tasks.offer_barred_at(SYSTEM.at) == 1
    assert tasks.offer_barred_at(SYSTEM.at) == 1, "the same order, offered once"
    tasks.serve_replan(SYSTEM, ready.claim("replan", 9))
    assert nodes_of(order) == [("N2", 2)]
    assert queries.decisions(order=order)[0].reasons["replanned"]["barred"] == {"N1": how}
    assert tasks.offer_barred_at(SYSTEM.at) == 0


def test_a_promise_is_not_given_up_for_a_wait(floor: Floor) -> None:
    order = promised(floor, (0, 2), (1, 1))
    floor.stock(quantity=1, node=1)
    floor.stock(sku=1, quantity=9, node=1)
    steer(excluded_nodes=("N1",))
    assert again(order) == [OrderReplanned(order, 0, "nobody else")]
    assert nodes_of(order) == [("N1", 3)]
    assert len(queries.decisions(order=order)) == 1, "what stays is not decided anew"


def test_shipments_are_brought_together_once_one_node_has_all(floor: Floor) -> None:
    order = promised(floor, (0, 2), (2, 1))
    assert nodes_of(order) == [("N1", 2)]
    floor.stock(sku=2, quantity=1, node=1)
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    assert nodes_of(order) == [("N1", 2), ("N2", 1)]
    floor.stock(sku=2, quantity=5)

    assert again(order, by_itself=True) == [OrderReplanned(order, 0, "not wanted")]
    kept = sql.run("SELECT id FROM stock_allocation WHERE sku_id = %(sku)s", {"sku": floor.skus[0]})
    assert again(order) == [OrderReplanned(order, 1, "better")]
    assert nodes_of(order) == [("N1", 3)]
    assert sql.run("SELECT id FROM stock_allocation WHERE sku_id = %(sku)s", {"sku": floor.skus[0]}) == kept


def test_every_night_profiles_look_for_better_plans(floor: Floor) -> None:
    floor.stock(sku=2, quantity=1, node=1)
    order = promised(floor, (0, 2), (2, 1))
    floor.stock(sku=2, quantity=5)
    assert tasks.offer_replans_at(SYSTEM.at) == 0
    steer(replan="better")
    assert tasks.offer_replans_at(SYSTEM.at + timedelta(seconds=1)) == 1
    tasks.serve_replan(replace(SYSTEM, at=SYSTEM.at + timedelta(seconds=1)), ready.claim("replan", 9))
    assert nodes_of(order) == [("N1", 3)]


def test_a_profile_that_is_off_moves_nothing_of_itself(floor: Floor) -> None:
    order = promised(floor, (0, 2))
    floor.stock(quantity=9, node=1)
    steer(excluded_nodes=("N1",), replan="off")
    assert tasks.offer_barred_at(SYSTEM.at) == 0
    assert again(order, by_itself=True) == [OrderReplanned(order, 0, "not wanted")]
    assert again(order) == [OrderReplanned(order, 2, "barred")]


@pytest.mark.parametrize(("margin", "why"), [(10, "better"), (90, "not better")])
def test_a_cheaper_plan_is_taken_from_the_margin_on(floor: Floor, margin: int, why: str) -> None:
    steer(choose_by="cost", split_minor=500, handling_minor=100, replan_margin_percent=margin)
    floor.stock(sku=2, quantity=1, node=1)
    order = promised(floor, (0, 2), (2, 1))
    floor.stock(sku=2, quantity=5)
    assert again(order)[0].why == why
    assert len(nodes_of(order)) == (1 if why == "better" else 2)
    if why == "better":
        (before, after) = queries.decisions(order=order)[0].reasons["replanned"]["costs_minor"]
        assert after < before


def test_units_that_more_urgent_orders_wait_for_are_not_taken(floor: Floor) -> None:
    order = promised(floor, (0, 2))
    urgent = promised(floor, (0, 60), priority=9, policy="ship_complete")
    floor.stock(quantity=5, node=1)
    steer(excluded_nodes=("N1",))
    assert again(order) == [OrderReplanned(order, 0, "more urgent wait")]
    assert sql.run("SELECT order_id FROM sourcing_backorder") == [(urgent,)]


def test_nobody_loses_what_was_promised(floor: Floor) -> None:
    floor.stock(quantity=3, node=1)
    steer(excluded_nodes=("N1",))
    other = promised(floor, (0, 2))
    steer()
    order = promised(floor, (0, 2))
    assert (nodes_of(other), nodes_of(order)) == ([("N2", 2)], [("N1", 2)])
    steer(excluded_nodes=("N1",))
    assert again(order) == [OrderReplanned(order, 0, "nobody else")]
    assert nodes_of(other) == [("N2", 2)]


def test_what_is_refused(floor: Floor) -> None:
    waits, held = floor.order((0, 2)).order, promised(floor, (0, 1))
    whole(place_hold(SYSTEM, requests=[PlaceHold(held, "exception", "look at it")]))
    on_floor, nobody = promised(floor, (0, 1)), ids.uuid7()
    whole(release(SYSTEM, requests=[ReleaseOrder(on_floor)]))
    assert again(nobody, held, on_floor, waits) == [
        NotFound(what="order", which=str(nobody)),
        errors.OnHold(order=str(held)),
        errors.ReleasedAlready(order=str(on_floor), units=1),
        errors.NothingToReplan(order=str(waits)),
    ]


def test_again_by_key_answers_the_same(floor: Floor) -> None:
    order = promised(floor, (0, 2))
    floor.stock(quantity=9, node=1)
    steer(excluded_nodes=("N1",))
    (first,) = again(order, key="k")
    assert first == OrderReplanned(order, 2, "barred")
    assert again(order, key="k") == [first]
    assert len(queries.decisions(order=order)) == 2


def test_everything_is_moved_off_a_node(floor: Floor) -> None:
    one, other = promised(floor, (0, 2), priority=9), promised(floor, (1, 1))
    floor.stock(quantity=9, node=1)
    leave = LeaveNode(COMPANY, floor.nodes[0], "a pipe burst", key="l")
    (left,) = leave_node(SYSTEM, requests=[leave])
    assert left == NodeLeft(floor.nodes[0], 1, 2, {"nobody else": 1}, 0)
    assert (nodes_of(one), nodes_of(other)) == ([("N2", 2)], [("N1", 1)])
    why = queries.decisions(order=one)[0].reasons["replanned"]
    assert (why["barred"], why["reason"]) == ({"N1": "left"}, "a pipe burst")
    assert leave_node(SYSTEM, requests=[leave]) == [left]


def test_the_most_urgent_leave_first_under_a_limit(floor: Floor) -> None:
    low, high = promised(floor, (0, 1)), promised(floor, (0, 1), priority=9)
    floor.stock(quantity=9, node=1)
    (left,) = leave_node(SYSTEM, requests=[LeaveNode(COMPANY, floor.nodes[0], "a pipe burst", 1)])
    assert left == NodeLeft(floor.nodes[0], 1, 1, {}, 1)
    assert (nodes_of(low), nodes_of(high)) == ([("N1", 1)], [("N2", 1)])


def test_a_node_is_left_with_a_reason(floor: Floor) -> None:
    node = floor.nodes[0]
    asked = [
        LeaveNode(COMPANY, ids.uuid7(), "why"), LeaveNode(COMPANY + 1, node, "why"), LeaveNode(COMPANY, node, " "),
        LeaveNode(COMPANY, node, "why", 0),
    ]  # fmt: skip
    answers = leave_node(SYSTEM, requests=asked)
    assert [type(one) for one in answers] == [NotFound, NotFound, Invalid, Invalid]


@pytest.mark.counts("sourcing.replan", "sourcing.leave_node")
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    floor.stock(quantity=5000)
    floor.stock(quantity=5000, node=1)
    counts = []
    for batch in SIZES:
        orders = [one.order for one in floor.orders(batch, (0, 1))]
        whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))
        with statements() as ran:
            moved = again(*orders, leave=(floor.nodes[0],))
        assert {one.units for one in moved} == {1}
        with statements() as back:
            left = leave_node(SYSTEM, requests=[LeaveNode(COMPANY, floor.nodes[1], "back", 5000)] * batch)
        assert {one.orders for one in left} == {batch}
        counts.append((len(ran.texts), len(back.texts)))
    assert counts[0] == counts[1] == counts[2]


def test_a_kit_moves_whole(floor: Floor) -> None:
    kit = floor.kit("SET", (0, 2), (1, 1), price="30.00")
    order = promised(floor, (kit, 2))
    floor.stock(quantity=9, node=1)
    floor.stock(sku=1, quantity=1, node=1)
    assert again(order, leave=(floor.nodes[0],)) == [OrderReplanned(order, 0, "nobody else")]
    floor.stock(sku=1, quantity=1, node=1)
    assert again(order, leave=(floor.nodes[0],)) == [OrderReplanned(order, 6, "barred")]
    assert nodes_of(order) == [("N2", 6)]


def test_lines_that_are_served_by_themselves_go_to_preferred_nodes(floor: Floor) -> None:
    steer(choose_by="line")
    floor.stock(sku=2, quantity=3, node=1)
    order = promised(floor, (0, 2), (2, 3))
    floor.stock(sku=2, quantity=2)
    assert again(order) == [OrderReplanned(order, 3, "better")]
    assert nodes_of(order) == [("N1", 4), ("N2", 1)], "as many as the preferred node has"


def test_what_is_promised_out_of_a_fence_goes_back_into_it(floor: Floor) -> None:
    floor.stock(quantity=9, node=1)
    fence = [SetRingFence(COMPANY, floor.skus[0], node, floor.channels["shop"], 5) for node in floor.nodes]
    whole(set_ring_fence(SYSTEM, requests=fence))
    order = promised(floor, (0, 2))
    assert again(order, leave=(floor.nodes[0],)) == [OrderReplanned(order, 2, "barred")]
    assert sql.run("SELECT quantity, fenced FROM stock_allocation") == [(2, 2)]
    assert sql.run("SELECT sum(used), sum(quantity) FROM stock_ringfence") == [(2, 10)]
