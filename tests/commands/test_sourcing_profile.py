"""sourcing.allocate by the rules of its profile: who is asked, how much they give, who is served first"""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import policies, ready, sql
from entrepot.kernel.command import whole
from entrepot.network.commands import register as network
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.sourcing import queries, rules
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.sourcing.explain import Flip
from tests.commands.test_sourcing_peg import freed
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def profile(**facts: Any) -> None:
    body = rules.Profile(**facts)
    wanted = policies.SetPolicy(COMPANY, "sourcing.profile", body, SYSTEM.at)
    whole(policies.set_policy(SYSTEM, requests=[wanted]))


def allocated(floor: Floor, *lines: tuple[int, int], **facts: Any) -> OrderAllocated:
    (answer,) = whole(allocate(SYSTEM, requests=[AllocateOrder(floor.order(*lines, **facts).order)]))
    return answer  # type: ignore[return-value]


def nodes_of(order: UUID) -> list[str]:
    rows = sql.run(
        "SELECT DISTINCT n.code FROM stock_allocation AS a JOIN network_node AS n ON n.id = a.node_id"
        " WHERE a.order_id = %(order)s ORDER BY 1",
        {"order": order},
    )
    return [code for (code,) in rows]


def refused(order: UUID) -> dict[str, str]:
    (one,) = queries.explained(order=order)
    return {node.node: node.rule for node in one.explanation.candidates if node.verdict == "refused"}


# ---- who is asked


def test_an_offline_node_serves_nothing_until_its_last_day_is_over(floor: Floor) -> None:
    floor.stock(quantity=9, node=0)
    floor.stock(quantity=9, node=1)
    today = NOW.date()
    profile(offline=(rules.Offline("N1", today, today, "stock-taking"),))
    order = allocated(floor, (0, 1)).order
    assert (nodes_of(order), refused(order)) == (["N2"], {"N1": "offline"})
    profile(offline=(rules.Offline("N1", today - timedelta(days=9), today - timedelta(days=1)),))
    assert nodes_of(allocated(floor, (0, 1)).order) == ["N1"]


def test_the_rule_without_which_a_node_would_have_served_it_is_told(floor: Floor) -> None:
    floor.stock(quantity=9, node=0)
    floor.stock(quantity=2, node=1)
    profile(excluded_nodes=("N1",))
    order = allocated(floor, (0, 3)).order
    (one,) = queries.explained(order=order)
    assert one.explanation.flip == Flip("N1", 0, "", rule="excluded")
    assert [(node.node, node.units, node.could) for node in one.explanation.candidates] == [
        ("N2", 2, 0),
        ("N1", 0, 3),
    ]


def test_a_store_is_asked_last_and_a_partner_never(floor: Floor) -> None:
    for node, kind, priority in (("N1", "store", 0), ("N2", "warehouse", 9)):
        wanted = network.RegisterNode(COMPANY, node, node, "GB", kind, priority=priority)
        whole(network.register_nodes(SYSTEM, requests=[wanted]))
    floor.stock(quantity=9, node=0)
    floor.stock(quantity=2, node=1)
    profile(kinds_last=("store",))
    assert nodes_of(allocated(floor, (0, 2)).order) == ["N2"]
    answer = allocated(floor, (0, 2))
    assert (nodes_of(answer.order), answer.why.endswith("soft rules dropped")) == (["N1"], True)
    profile(kinds_refused=("store",))
    answer = allocated(floor, (0, 2))
    assert (answer.outcome, refused(answer.order)) == ("backordered", {"N1": "kind"})


def test_a_node_whose_cut_off_is_over_is_asked_after_one_that_ships_today(floor: Floor) -> None:
    for node in (0, 1):
        floor.stock(quantity=9, node=node)
        whole(network.set_cut_offs(SYSTEM, requests=[
            network.SetCutOff(floor.nodes[node], weekday, time(8 if node == 0 else 17)) for weekday in range(7)
        ]))  # fmt: skip
    assert nodes_of(allocated(floor, (0, 1)).order) == ["N1"], "nine o'clock: without the rule nobody looks"
    profile(ship_days_max=0)
    order = allocated(floor, (0, 1)).order
    assert (nodes_of(order), refused(order)) == (["N2"], {"N1": "ships late"})
    profile(ship_days_max=1)
    assert nodes_of(allocated(floor, (0, 1)).order) == ["N1"]


def test_a_node_is_full_by_units_within_one_batch(floor: Floor) -> None:
    floor.stock(quantity=99, node=0)
    floor.stock(quantity=99, node=1)
    profile(units_per_day={"N1": 10}, busy_days_max=0)
    orders = [floor.order((0, 6)).order for _ in range(3)]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))
    assert [nodes_of(order) for order in orders] == [["N1"], ["N1"], ["N2"]]


# ---- how much they give


def test_a_node_keeps_its_minimum_and_says_so(floor: Floor) -> None:
    floor.stock(quantity=5, node=0)
    profile(minimum_stock={"N1": 3})
    answer = allocated(floor, (0, 4))
    assert (answer.allocated, answer.backordered) == (2, 2)
    (one,) = queries.explained(order=answer.order)
    first = one.explanation.candidates[0]
    assert (first.node, first.units, first.could, first.rule) == ("N1", 2, 4, "minimum")
    assert one.explanation.flip == Flip("N1", 0, "", rule="minimum")

    assert allocated(floor, (0, 1)).allocated == 0
    profile(minimum_stock={"N1": 3}, minimum_rule="soft")
    answer = allocated(floor, (0, 1))
    assert (answer.allocated, answer.why.endswith("soft rules dropped")) == (1, True)


def test_a_minimum_holds_for_the_cheapest_plan_as_well(floor: Floor) -> None:
    floor.stock(quantity=5, node=0)
    floor.stock(quantity=5, node=1)
    profile(choose_by="cost", minimum_stock={"warehouse": 3}, handling_minor=1)
    orders = [floor.order((0, 2)).order for _ in range(3)]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))
    assert sorted(nodes_of(order) for order in orders) == [[], ["N1"], ["N2"]]
    assert sql.run("SELECT sellable - allocated FROM stock_position") == [(3,), (3,)]


def test_an_order_with_goods_that_are_never_split_comes_from_one_node(floor: Floor) -> None:
    whole(register_skus(SYSTEM, requests=[RegisterSku(COMPANY, "SKU-001", "Sofa", "furniture")]))
    floor.stock(0, 9, node=0)
    floor.stock(1, 9, node=1)
    floor.stock(2, 9, node=1)
    profile(shipments_of={"furniture": 1})
    split, together = allocated(floor, (0, 1), (2, 1)), allocated(floor, (0, 1), (1, 1))
    assert (split.outcome, together.outcome) == ("split", "part backordered")


# ---- who is served first


def test_the_tier_of_a_customer_and_the_margin_decide_who_gets_the_last_unit(floor: Floor) -> None:
    whole(register_customers(SYSTEM, requests=[RegisterCustomer(COMPANY, "gilda", "gold")]))
    floor.stock(quantity=1)
    plain, gold = floor.order((0, 1)).order, floor.order((0, 1), customer="gilda").order
    profile(tier_priority={"gold": 3})
    answers = allocate(SYSTEM, requests=[AllocateOrder(plain), AllocateOrder(gold)])
    assert [answer.allocated for answer in answers] == [0, 1]  # type: ignore[union-attr]
    assert sql.run("SELECT priority::int FROM stock_allocation") == [(8,)]
    assert queries.decisions(order=gold)[0].reasons["priority"] == 8
    assert "priority" not in queries.decisions(order=plain)[0].reasons

    late = floor.order((0, 1), customer="gilda").order
    whole(allocate(SYSTEM, requests=[AllocateOrder(late)]))
    ready.drop("allocate", [late, plain])
    assert freed(floor.skus[0]) == [late, plain], "they wait in the same order"


def test_orders_with_a_better_margin_go_first(floor: Floor) -> None:
    for code, cost in (("SKU-000", "3.00"), ("SKU-001", "9.00")):
        wanted = RegisterSku(COMPANY, code, "Thing", standard_cost=Decimal(cost))
        whole(register_skus(SYSTEM, requests=[wanted]))
    floor.stock(2, 1)
    poor, rich, unknown = (floor.order((sku, 1)).order for sku in (1, 0, 2))
    profile(margin_from_percent=50, margin_priority=2)
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in (poor, rich, unknown)]))
    found = dict(sql.run("SELECT order_id, priority::int FROM sourcing_backorder"))
    assert (found[poor], found[rich]) == (5, 7)
    assert sql.run("SELECT priority::int FROM stock_allocation") == [(5,)], "what has no cost has no margin"


def test_what_waits_is_promised_by_the_lead_days_of_its_profile(floor: Floor) -> None:
    profile(default_lead_days=3)
    allocated(floor, (0, 1))
    assert [row.promised_on for row in queries.backorders(company=COMPANY)] == [date(2026, 11, 26)]


def test_statements_do_not_grow_with_the_batch_whatever_is_asked(floor: Floor, statements) -> None:
    floor.stock(quantity=100_000)
    profile(
        units_per_day={"N1": 9}, busy_days_max=1, ship_days_max=3, minimum_stock={"N1": 2}, shipments_of={"x": 1},
        margin_from_percent=10, tier_priority={"gold": 1}, substitutes="unless refused", kinds_last=("store",),
        offline=(rules.Offline("N2", NOW.date()),),
    )  # fmt: skip
    counts = []
    for size in SIZES:
        requests = [AllocateOrder(one.order) for one in floor.orders(size, (0, 1))]
        with statements() as ran:
            whole(allocate(SYSTEM, requests=requests))
        counts.append(len(ran))
    assert len(set(counts)) == 1, counts
