"""sourcing.reject and sourcing.ask_again"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from entrepot.kernel import ids, policies, ready, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.sourcing import errors, queries
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.reject import (
    AskAgain,
    AskedAgain,
    OrderRejected,
    RejectOrder,
    ask_again,
    reject,
)
from entrepot.sourcing.explain import Flip
from entrepot.sourcing.rules import Profile
from entrepot.work import queries as work
from tests.floor import COMPANY, SYSTEM, Floor, a_floor
from tests.sizes import SIZES


@pytest.fixture
def floor(db: None) -> Floor:
    floor = a_floor()
    for node in (0, 1):
        floor.stock(quantity=5000, node=node)
        floor.stock(sku=1, quantity=50, node=node)
    return floor


def at_first_node(floor: Floor, *lines: tuple[int, int]) -> UUID:
    order = floor.order(*lines).order
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    return order


def nodes_of(order: UUID) -> list[tuple[str, int]]:
    return sql.run(
        "SELECT n.code, sum(a.quantity)::int FROM stock_allocation AS a JOIN network_node AS n ON n.id = a.node_id"
        " WHERE a.order_id = %(order)s GROUP BY 1 ORDER BY 1",
        {"order": order},
    )


def test_what_a_node_rejects_another_serves(floor: Floor) -> None:
    order = at_first_node(floor, (0, 2), (1, 1))
    ready.drop("allocate", [order])

    (answer,) = reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[0], "no hands today")])
    assert (answer, nodes_of(order)) == (OrderRejected(order, 3, 0), [])
    assert sql.run("SELECT subject FROM kernel_ready WHERE queue = 'allocate'") == [(order,)]

    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    assert nodes_of(order) == [("N2", 3)]
    found = queries.explained(order=order)[0].explanation
    assert [(one.node, one.verdict) for one in found.candidates] == [("N1", "short"), ("N2", "chosen")]
    assert found.lines[0].candidates[0].rule == "rejected"
    assert (found.candidates[0].rule, found.candidates[0].could) == ("rejected", 3)
    assert found.flip == found.lines[0].flip == Flip("N1", 0, "", rule="rejected"), "it lacks no goods"


def test_a_line_may_be_rejected_alone(floor: Floor) -> None:
    order = at_first_node(floor, (0, 2), (1, 1))
    (line,) = sql.run("SELECT id FROM orders_line WHERE order_id = %(o)s AND number = 2", {"o": order})
    (answer,) = reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[0], "broken", line)])

    assert answer == OrderRejected(order, 1, 0)
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    assert nodes_of(order) == [("N1", 2), ("N2", 1)]


def test_what_too_many_nodes_reject_waits_for_a_person(floor: Floor) -> None:
    order = at_first_node(floor, (0, 2))
    whole(reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[0], "no hands today")]))
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    whole(reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[1], "neither here")]))
    (again,) = allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert again.outcome == "backordered"  # type: ignore[union-attr]
    why = queries.explained(order=order)[0].explanation
    assert [(one.node, one.rule, one.could) for one in why.candidates] == [
        ("N1", "rejected", 2), ("N2", "rejected", 2),
    ]  # fmt: skip

    (asked,) = ask_again(SYSTEM, requests=[AskAgain(order)])
    assert asked == AskedAgain(order, 2)
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    assert nodes_of(order) == [("N1", 2)]
    assert ask_again(SYSTEM, requests=[AskAgain(order)]) == [
        errors.NothingToAskAgain(order=sql.run("SELECT number FROM orders_order")[0][0])
    ]


def test_the_last_rejection_that_is_allowed_opens_an_item(floor: Floor) -> None:
    body = Profile(rejections_max=1)
    whole(
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "sourcing.profile", body, SYSTEM.at)]
        )
    )
    order = at_first_node(floor, (0, 2))
    (answer,) = reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[0], "no hands today")])

    assert answer == OrderRejected(order, 2, 1)
    assert [item.type for item in work.items(COMPANY)] == ["rejected by nodes"]
    (again,) = allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert again.outcome == "backordered"  # type: ignore[union-attr]
    why = queries.explained(order=order)[0].explanation
    assert [(one.node, one.rule) for one in why.candidates] == [("N1", "rejected"), ("N2", "not asked")]
    whole(ask_again(SYSTEM, requests=[AskAgain(order)]))
    assert "rejected by nodes" not in [item.type for item in work.items(COMPANY)]


def test_the_profile_of_the_channel_says_how_many_nodes_may_reject(floor: Floor) -> None:
    """The item opens when nobody is asked any more: by the same profile, that of the order's channel."""
    for scope, most in (("", 1), ("market", 2)):
        body = policies.SetPolicy(
            COMPANY, "sourcing.profile", Profile(rejections_max=most), SYSTEM.at, scope=scope
        )
        whole(policies.set_policy(SYSTEM, requests=[body]))
    shop, market = (floor.order((0, 2), channel=channel).order for channel in ("shop", "market"))
    both = [AllocateOrder(shop), AllocateOrder(market)]
    whole(allocate(SYSTEM, requests=both))

    answers = reject(SYSTEM, requests=[RejectOrder(one.order, floor.nodes[0], "no hands") for one in both])

    assert answers == [OrderRejected(shop, 2, 1), OrderRejected(market, 2, 0)]
    assert [item.subject for item in work.items(COMPANY)] == [shop]
    assert [one.outcome for one in whole(allocate(SYSTEM, requests=both))] == ["backordered", "allocated"]


def test_a_rejection_grows_old(floor: Floor) -> None:
    order = at_first_node(floor, (0, 2))
    whole(reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[0], "no hands today")]))
    sql.run("UPDATE sourcing_rejection SET rejected_at = rejected_at - interval '8 days' RETURNING id")
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    assert nodes_of(order) == [("N1", 2)]


def test_refusals(floor: Floor) -> None:
    order, nobody = at_first_node(floor, (0, 1)), ids.uuid7()
    number = sql.run("SELECT number FROM orders_order")[0][0]
    here, there = floor.nodes
    answers = reject(
        SYSTEM,
        requests=[
            RejectOrder(nobody, here, "why"), RejectOrder(order, here, " "), RejectOrder(order, there, "why"),
            RejectOrder(order, here, "why", (nobody,)), RejectOrder(order, here, "why"),
            RejectOrder(order, here, "why"),
        ],
    )  # fmt: skip
    assert answers == [
        NotFound(what="order", which=str(nobody)),
        Invalid(field="reason", expected="why the node gives it back", found="nothing"),
        errors.NothingToReject(order=number, node="N2"), errors.NothingToReject(order=number, node="N1"),
        OrderRejected(order, 1, 0), errors.NothingToReject(order=number, node="N1"),
    ]  # fmt: skip
    assert ask_again(SYSTEM, requests=[AskAgain(nobody)]) == [NotFound(what="order", which=str(nobody))]


def test_the_same_key_rejects_once(floor: Floor) -> None:
    request = RejectOrder(at_first_node(floor, (0, 1)), floor.nodes[0], "why", key="r1")
    assert reject(SYSTEM, requests=[request]) == reject(SYSTEM, requests=[request])
    again = AskAgain(request.order, key="a1")
    assert ask_again(SYSTEM, requests=[again]) == ask_again(SYSTEM, requests=[replace(again)])
    assert sql.run("SELECT count(*) FROM sourcing_rejection") == [(1,)]


@pytest.mark.counts("sourcing.ask_again", "sourcing.reject")
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    counts = []
    for size in SIZES:
        orders = [one.order for one in floor.orders(size, (0, 1))]
        whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))
        with statements() as ran:
            whole(reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[0], "why") for order in orders]))
        with statements() as ran_again:
            whole(ask_again(SYSTEM, requests=[AskAgain(order) for order in orders]))
        counts.append((len(ran), len(ran_again)))
    assert counts == [(14, 6)] * 3
