"""sourcing.allocate where each line is served by itself: all at once in the database, as order by order"""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from entrepot.kernel import policies, sql
from entrepot.kernel.command import whole
from entrepot.network.commands import register as network
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.simulation.replay import Asked
from entrepot.simulation.under_way import Earlier, Lines, OrderLine
from entrepot.sourcing import queries, rules
from entrepot.sourcing.commands import by_line
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.sourcing.explain import Flip
from entrepot.stock.commands.set_floor import SetRingFence, set_ring_fence
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import SIZES


@pytest.fixture
def floor(db: None) -> Floor:
    found = a_floor(skus=4)
    profile()
    return found


def profile(**facts: Any) -> None:
    body = rules.Profile(**{"choose_by": "line", **facts})
    wanted = policies.SetPolicy(COMPANY, "sourcing.profile", body, SYSTEM.at)
    whole(policies.set_policy(SYSTEM, requests=[wanted]))


@pytest.fixture
def served_at_once(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each call was served at once."""
    calls: list[bool] = []
    serve = by_line.serve

    def noted(*args: Any) -> by_line.Done | None:
        done = serve(*args)
        calls.append(done is not None)
        return done

    monkeypatch.setattr(by_line, "serve", noted)
    return calls


def allocated(*orders: UUID) -> list[OrderAllocated]:
    return whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))  # type: ignore[return-value]


def written() -> dict[str, list[Any]]:
    """What the database holds of it, without keys that are made anew each time."""
    statements = {
        "promises": "SELECT line_id, node_id, sku_id, quantity, fenced, released, priority, promise_at, ordered_at,"
        " company_id, owner_id, channel_id, order_id FROM stock_allocation",
        "positions": "SELECT sku_id, node_id, allocated, sellable FROM stock_position",
        "lines": "SELECT id, open, backordered, allocated, cancelled FROM orders_line",
        "orders": "SELECT id, status FROM orders_order",
        "backorders": "SELECT line_id, order_id, sku_id, quantity, promised_on, priority, ordered_at"
        " FROM sourcing_backorder",
        "decisions": "SELECT order_id, profile_version, outcome, reasons::text, decided_at FROM sourcing_decision",
        "queues": "SELECT queue, subject, priority, due_at FROM kernel_ready",
        "items": "SELECT type, subject_id, reason, facts::text, state, root_cause FROM work_item",
        "events": "SELECT command, subject_id, state_before, state_after, reason FROM kernel_event"
        " WHERE subject_kind = 'order'",
        "unpublished": "SELECT DISTINCT sku_id FROM stock_unpublished",
    }
    found = {what: sorted(sql.run(text), key=repr) for what, text in statements.items()}
    found["decisions"] = [(*row[:3], _sorted(row[3]), *row[4:]) for row in found["decisions"]]
    return found


def _sorted(reasons: str) -> dict[str, Any]:
    """The reasons of a decision, but for the order of what its lines found."""
    told = json.loads(reasons)
    return told | {name: sorted(told[name]) for name in ("turns", "able") if name in told}


def test_lines_take_what_there_is_in_the_order_of_the_nodes(floor: Floor, served_at_once: list[bool]) -> None:
    floor.stock(sku=0, quantity=5, node=0)
    floor.stock(sku=0, quantity=9, node=1)
    floor.stock(sku=1, quantity=1, node=1)
    first, second = floor.order((0, 3), (1, 4), priority=9).order, floor.order((0, 4), priority=1).order

    answers = allocated(second, first)

    assert [(one.outcome, one.allocated, one.backordered) for one in answers] == [
        ("split", 4, 0), ("part backordered", 4, 3),
    ]  # fmt: skip
    assert served_at_once == [True]
    assert candidates(second) == [("N1", 2, "chosen", ""), ("N2", 4, "chosen", "")]
    assert flip(second) == Flip("N1", 2, "")
    (told,) = queries.explained(order=first)
    assert [line.served for line in told.explanation.lines] == [(("N1", 3),), (("N2", 1),)]
    assert [line.flip for line in told.explanation.lines] == [Flip("N2", 0, "N1"), Flip("N2", 3, "")]
    assert told.explanation.flip is None, "each line has its own"
    assert queries.backorders(company=COMPANY)[0].quantity == 3


def candidates(order: UUID) -> list[tuple[str, int, str, str]]:
    (told,) = queries.explained(order=order)
    return [(one.node, one.units, one.verdict, one.rule) for one in told.explanation.candidates]


def flip(order: UUID) -> Flip | None:
    (told,) = queries.explained(order=order)
    return told.explanation.flip


def test_a_line_tells_who_was_next_and_what_would_have_flipped_it(
    floor: Floor, served_at_once: list[bool]
) -> None:
    floor.stock(quantity=5)
    floor.stock(quantity=9, node=1)
    order, split, nobody = (floor.order((sku, units)).order for sku, units in ((0, 3), (0, 4), (1, 2)))

    allocated(order, split, nobody)

    assert served_at_once == [True]
    assert candidates(order) == [("N1", 3, "chosen", ""), ("N2", 3, "runner_up", "")]
    assert flip(order) == Flip("N2", 0, "N1")
    assert candidates(split) == [("N1", 2, "chosen", ""), ("N2", 4, "chosen", "")]
    assert flip(split) == Flip("N1", 2, "")
    assert candidates(nobody) == [("N1", 0, "short", ""), ("N2", 0, "short", "")]
    assert flip(nobody) == Flip("N1", 2, "")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_line_tells_the_rule_that_kept_a_node_from_it(
    floor: Floor, served_at_once: list[bool], monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:
        monkeypatch.setattr(by_line, "serve", lambda *_: None)
    floor.stock(quantity=5)
    floor.stock(quantity=9, node=1)
    profile(excluded_nodes=("N1",))
    some, many = floor.order((0, 4)).order, floor.order((0, 5)).order

    allocated(some, many)

    assert served_at_once == ([True] if at_once else [])
    assert candidates(some) == [("N2", 4, "chosen", ""), ("N1", 0, "refused", "excluded")]
    assert flip(some) == flip(many) == Flip("N1", 0, "", rule="excluded")
    waits = floor.order((0, 6)).order
    allocated(waits)
    assert candidates(waits) == [("N2", 0, "short", ""), ("N1", 0, "refused", "excluded")]
    assert flip(waits) == Flip("N2", 6, ""), "nor would N1 have had all of it"


def test_what_a_node_keeps_is_told_of_a_line(floor: Floor) -> None:
    floor.stock(quantity=5)
    floor.stock(quantity=1, node=1)
    profile(minimum_stock={"N1": 3})
    order = floor.order((0, 4)).order
    allocated(order)
    assert candidates(order) == [("N1", 2, "chosen", "minimum"), ("N2", 1, "chosen", "")]
    (told,) = queries.explained(order=order)
    assert [one.could for one in told.explanation.candidates] == [4, 0]
    assert flip(order) == Flip("N1", 0, "", rule="minimum")
    allocated(whole_ := floor.order((0, 4)).order)
    assert flip(whole_) == Flip("N2", 4, ""), "N1 has not so many"


def test_what_a_node_keeps_is_told_of_each_of_several_lines(floor: Floor) -> None:
    floor.stock(sku=0, quantity=9)
    floor.stock(sku=0, quantity=9, node=1)
    floor.stock(sku=1, quantity=5)
    floor.stock(sku=1, quantity=9, node=1)
    profile(minimum_stock={"N1": 4})
    order = floor.order((0, 4), (1, 3), (0, 4)).order
    allocated(order)
    (told,) = queries.explained(order=order)
    assert [
        [(one.node, one.units, one.could, one.verdict, one.rule) for one in line.candidates]
        for line in told.explanation.lines
    ] == [
        [("N1", 4, 0, "chosen", ""), ("N2", 4, 0, "runner_up", "")],
        [("N1", 1, 3, "chosen", "minimum"), ("N2", 3, 0, "chosen", "")],
        [("N1", 1, 4, "chosen", "minimum"), ("N2", 4, 0, "chosen", "")],
    ]
    by_rule = Flip("N1", 0, "", rule="minimum")
    assert [line.flip for line in told.explanation.lines] == [Flip("N2", 0, "N1"), by_rule, by_rule]


def test_a_line_that_comes_whole_or_not_at_all_says_so(floor: Floor) -> None:
    floor.stock(quantity=3)
    order = floor.order((0, 4), (0, 2), policy="line_complete").order
    allocated(order)
    (told,) = queries.explained(order=order)
    assert [line.served for line in told.explanation.lines] == [(), (("N1", 2),)]
    assert told.explanation.lines[0].candidates[0][:4] == ("N1", 3, 1, "short")


@pytest.mark.parametrize("policy", ["ship_complete", "line_complete"])
def test_what_waits_though_a_node_has_some_is_promised_nothing(floor: Floor, policy: str) -> None:
    floor.stock(quantity=3)
    order = floor.order((0, 4), policy=policy).order
    allocated(order)

    assert candidates(order) == [("N1", 3, "short", ""), ("N2", 0, "short", "")]
    (told,) = queries.explained(order=order)
    assert told.explanation.lines[0].served == ()
    decided = sql.run("SELECT order_id, decided_at, outcome, profile_version, reasons FROM sourcing_decision")
    ((line, code),) = sql.run("SELECT id, sku_code FROM orders_line")
    ordered = OrderLine(line, 1, floor.skus[0], code, 4, 0, 1, 400, 0, None)
    found = Earlier([(*row, *[None] * (len(Asked._fields) - 2)) for row in decided])
    assert found.promised(Lines({order: [ordered]}, {order: []}), {"N1": floor.nodes[0]}) == []
    (waits,) = found.waiting(order, {order: [ordered]}).lines
    assert waits.quantity == 4


@pytest.mark.parametrize("policy", ["ship_complete", "line_complete"])
def test_stock_that_does_not_suffice_leaves_the_decision_as_it_stands(floor: Floor, policy: str) -> None:
    floor.stock(quantity=1)
    profile(excluded_nodes=("N2",))
    order = floor.order((0, 4), policy=policy).order
    allocated(order)
    for node, units in ((0, 1), (1, 4), (0, 1)):
        floor.stock(quantity=units, node=node)
        allocated(order)
    assert [one.outcome for one in queries.decisions(order=order)] == ["backordered"]
    floor.stock(quantity=1)
    allocated(order)
    assert [one.outcome for one in queries.decisions(order=order)] == ["allocated", "backordered"]


def test_what_is_not_there_is_cancelled_where_the_order_says_so(floor: Floor) -> None:
    floor.stock(quantity=2)

    (answer,) = allocated(floor.order((0, 5), (1, 1), policy="partial_cancel").order)

    assert (answer.allocated, answer.backordered, answer.cancelled) == (2, 0, 4)
    assert answer.outcome == "part cancelled"
    assert queries.backorders(company=COMPANY) == []


@pytest.mark.parametrize("policy", ["partial_backorder", "partial_cancel", "line_complete", "ship_complete"])
def test_what_asks_for_more_than_running_sums_goes_order_by_order(
    floor: Floor, served_at_once: list[bool], policy: str
) -> None:
    floor.stock(quantity=3)
    floor.stock(quantity=3, node=1)
    kit = floor.kit("SET", (0, 2), (1, 1), price="20")
    orders = [floor.order((0, 4), (1, 1), policy=policy).order, floor.order((0, 1), (kit, 1)).order]

    answers = allocated(*orders)

    assert served_at_once == [False]
    whole_only = policy == "ship_complete"
    assert [one.allocated for one in answers] == ([0, 1] if whole_only else [4, 1])


def test_what_is_fenced_for_another_channel_is_not_taken(floor: Floor, served_at_once: list[bool]) -> None:
    floor.stock(quantity=5)
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["market"], 4)
    whole(set_ring_fence(SYSTEM, requests=[fence]))

    (answer,) = allocated(floor.order((0, 3)).order)

    assert (answer.allocated, answer.backordered, served_at_once) == (1, 2, [False])


def test_nodes_in_another_order_for_some_go_order_by_order(floor: Floor, served_at_once: list[bool]) -> None:
    floor.stock(quantity=1)
    floor.stock(quantity=9, node=1)
    change = network.ServeChannel(floor.channels["market"], floor.nodes[0], priority=7)
    network.serve_channels(SYSTEM, requests=[change])

    shop, market = allocated(floor.order((0, 1)).order, floor.order((0, 1), channel="market").order)

    assert (shop.why, market.why) == tuple(
        f"each line from the first nodes that have some, {code}" for code in ("N1", "N2")
    )
    assert served_at_once == [False]


@pytest.mark.parametrize("seed", range(6))
def test_at_once_and_order_by_order_write_the_same(
    floor: Floor, served_at_once: list[bool], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Orders of random urgency and size against random stock, twice: what waited is served when more has come."""
    dice = random.Random(seed)
    if seed % 2:
        profile(excluded_nodes=("N1",))
    policy = ("partial_backorder", "partial_cancel")[seed % 3 == 2]
    rounds = []
    for _ in range(2):
        for sku in range(4):
            for node in range(2):
                if dice.random() < 0.8:
                    floor.stock(sku=sku, quantity=dice.randint(1, 12), node=node)
        rounds.append([_an_order(floor, dice, policy) for _ in range(8)])
    blocked = rounds[0][0]
    place_hold(SYSTEM, requests=[PlaceHold(blocked, "fraud review", "looks odd")])

    def outcome() -> tuple[Any, ...]:
        with transaction.atomic():
            answers = []
            for orders in (rounds[0], [*rounds[1], *rounds[0]]):
                answers.append(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))
                if policy == "partial_backorder":
                    floor.stock(sku=0, quantity=7, node=1)
            found = written()
            transaction.set_rollback(True)
        return answers, found

    at_once = outcome()
    assert served_at_once == [True, True]
    monkeypatch.setattr(by_line, "serve", lambda *_: None)
    one_by_one = outcome()

    assert at_once[0] == one_by_one[0]
    for what, rows in at_once[1].items():
        assert rows == one_by_one[1][what], what


def _an_order(floor: Floor, dice: random.Random, policy: str) -> UUID:
    lines = [(dice.randrange(4), dice.randint(1, 6)) for _ in range(dice.randint(1, 4))]
    promise = dice.choice([None, NOW + timedelta(days=dice.randint(1, 3))])
    at = NOW - timedelta(minutes=dice.randint(0, 3))
    return floor.order(
        *lines, policy=policy, priority=dice.randint(1, 3), promise_at=promise, occurred_at=at
    ).order


@pytest.mark.counts("sourcing.allocate")
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements: Any) -> None:
    floor.stock(quantity=100_000)
    counts = []
    for size in SIZES:
        requests = [AllocateOrder(one.order) for one in floor.orders(size, (0, 1))]
        with statements() as ran:
            allocate(SYSTEM, requests=requests)
        counts.append(len(ran))

    assert len(set(counts)) == 1, counts
