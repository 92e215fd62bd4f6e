"""sourcing.allocate and sourcing.cancel"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.kernel import ids, policies, ready, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import NotFound
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.network.commands import register as network
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments.commands.capture import Capture, capture
from entrepot.sourcing import errors, joint, queries, rules
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.explain import Flip, Together
from tests.floor import COMPANY, SYSTEM, Floor, a_floor
from tests.sizes import SIZES
from tests.together import all_at_once


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def allocated(floor: Floor, *lines: tuple[int, int], **facts: object) -> OrderAllocated:
    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(floor.order(*lines, **facts).order)])  # type: ignore[arg-type]
    assert isinstance(answer, OrderAllocated), answer
    return answer


def test_an_order_goes_to_the_preferred_node_that_has_all_of_it_and_says_why(floor: Floor) -> None:
    floor.stock(sku=0, quantity=1, node=0)
    floor.stock(sku=0, quantity=9, node=1)

    answer = allocated(floor, (0, 3))

    assert (answer.outcome, answer.allocated, answer.backordered) == ("allocated", 3, 0)
    (decision,) = queries.decisions(order=answer.order)
    assert decision.reasons["candidates"] == [["N1", 1], ["N2", 3]]
    assert "N2" in decision.reasons["why"]
    assert ready.claim("release", 9) == [answer.order]
    assert ready.claim("allocate", 9) == []


def test_what_one_node_lacks_comes_from_two(floor: Floor) -> None:
    floor.stock(sku=0, quantity=5, node=0)
    floor.stock(sku=1, quantity=5, node=1)

    assert allocated(floor, (0, 2), (1, 2)).outcome == "split"


def test_the_rest_waits_with_a_promised_date_and_a_work_item(floor: Floor) -> None:
    floor.stock(quantity=2)

    answer = allocated(floor, (0, 5))

    assert (answer.allocated, answer.backordered) == (2, 3)
    (waiting,) = queries.backorders(company=COMPANY)
    assert (waiting.quantity, str(waiting.promised_on)) == (3, "2026-11-30")
    assert sql.run("SELECT type FROM work_item WHERE state = 'open'") == [("backorder",)]


def test_stock_that_comes_serves_what_waited_and_settles_it(floor: Floor) -> None:
    floor.stock(quantity=2)
    order = allocated(floor, (0, 5)).order
    floor.stock(quantity=3)

    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(order)])

    assert (answer.allocated, answer.backordered) == (3, 0)  # type: ignore[union-attr]
    assert queries.backorders(company=COMPANY) == []
    assert sql.run("SELECT state, root_cause FROM work_item") == [("done", "stock came")]


@pytest.mark.parametrize("choose_by", ["preference", "line"])
def test_who_is_asked_about_again_in_vain_keeps_its_decision(floor: Floor, choose_by: str) -> None:
    """Each SKU that moves asks about all that wait for it: what is said once stands."""
    use(rules.Profile(choose_by=choose_by))
    whole_or_nothing = allocated(floor, (0, 5), policy="ship_complete").order
    waits = allocated(floor, (1, 5)).order
    asked = [AllocateOrder(whole_or_nothing), AllocateOrder(waits)]

    def decided() -> list[list[str]]:
        return [
            [one.outcome for one in queries.decisions(order=order)] for order in (whole_or_nothing, waits)
        ]

    for _ in range(3):
        whole(allocate(SYSTEM, requests=asked))
    assert decided() == [["backordered"], ["backordered"]]

    use(rules.Profile(choose_by=choose_by, excluded_nodes=("N1",)))
    whole(allocate(SYSTEM, requests=asked))
    assert decided() == [["backordered"] * 2, ["backordered"] * 2], (
        "another profile says it for other reasons"
    )

    floor.stock(sku=1, quantity=2, node=1)
    whole(allocate(SYSTEM, requests=asked))
    whole(allocate(SYSTEM, requests=asked))
    first, second = decided()
    assert first == ["backordered"] * 2
    assert second == ["backordered", "part backordered", "backordered", "backordered"]


def use(profile: rules.Profile) -> None:
    found = policies.SetPolicy(COMPANY, "sourcing.profile", profile, SYSTEM.at)
    whole(policies.set_policy(SYSTEM, requests=[found]))


def test_partial_cancel_gives_up_what_is_not_there(floor: Floor) -> None:
    floor.stock(quantity=2)

    answer = allocated(floor, (0, 5), policy="partial_cancel")

    assert (answer.allocated, answer.backordered, answer.cancelled) == (2, 0, 3)
    assert answer.outcome == queries.decisions(order=answer.order)[0].outcome == "part cancelled"
    assert allocated(floor, (0, 5), policy="partial_cancel").outcome == "cancelled", "nothing of it is there"


@pytest.mark.parametrize("choose_by", ["preference", "line"])
def test_what_a_policy_cancels_is_paid_back_and_with_the_last_of_it_the_order_ends(
    floor: Floor, choose_by: str
) -> None:
    profile = policies.SetPolicy(COMPANY, "sourcing.profile", rules.Profile(choose_by=choose_by), SYSTEM.at)
    whole(policies.set_policy(SYSTEM, requests=[profile]))
    floor.stock(quantity=2)
    paid = PaymentGiven("account", "an account", 100_00, SYSTEM.at)
    for given_back, status in ((3 * 9_99, "ready"), (5 * 9_99, "cancelled")):
        order = floor.order((0, 5), policy="partial_cancel", payment=paid).order
        whole(capture(SYSTEM, requests=[Capture(order, 5 * 9_99)]))
        whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
        back = "SELECT amount_minor FROM payments_attempt WHERE document_id = %(order)s AND kind = 'refund'"
        assert sql.run(back, {"order": order}) == [(given_back,)]
        assert orders.order(order).status == status


def test_the_more_urgent_order_of_a_batch_is_served_first(floor: Floor) -> None:
    floor.stock(quantity=5)
    patient, urgent = floor.order((0, 5), priority=1).order, floor.order((0, 5), priority=9).order

    first, second = allocate(SYSTEM, requests=[AllocateOrder(patient), AllocateOrder(urgent)])

    assert (first.allocated, second.allocated) == (0, 5)  # type: ignore[union-attr]


def test_refusals_change_nothing(floor: Floor) -> None:
    floor.stock(quantity=5)
    held = floor.order((0, 1)).order
    place_hold(SYSTEM, requests=[PlaceHold(held, "fraud review", "looks odd")])
    done = allocated(floor, (0, 1)).order
    before = sql.run("SELECT sellable, allocated FROM stock_position")

    nobody = ids.uuid7()
    answers = allocate(SYSTEM, requests=[AllocateOrder(order) for order in (held, done, nobody)])

    assert answers == [
        errors.OnHold(order=str(held)), errors.NothingToAllocate(order=str(done)),
        NotFound(what="order", which=str(nobody)),
    ]  # fmt: skip
    assert sql.run("SELECT sellable, allocated FROM stock_position") == before


def test_the_same_key_allocates_once(floor: Floor) -> None:
    floor.stock(quantity=5)
    request = AllocateOrder(floor.order((0, 2)).order, key="a1")

    assert allocate(SYSTEM, requests=[request]) == allocate(SYSTEM, requests=[request])
    assert sql.run("SELECT allocated FROM stock_position") == [(2,)]


@pytest.mark.counts("sourcing.allocate")
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    floor.stock(quantity=100_000)
    counts = []
    for size in SIZES:
        requests = [AllocateOrder(one.order) for one in floor.orders(size, (0, 1))]
        with statements() as ran:
            allocate(SYSTEM, requests=requests)
        counts.append(len(ran))

    assert len(set(counts)) == 1, counts


def test_cancelling_ends_what_waits_and_frees_what_is_promised(floor: Floor) -> None:
    floor.stock(quantity=2)
    order = allocated(floor, (0, 5)).order

    (answer,) = cancel(SYSTEM, requests=[CancelOrder(order, "changed my mind")])

    assert (answer.units, answer.freed, answer.status) == (5, 2, "cancelled")  # type: ignore[union-attr]
    assert queries.backorders(company=COMPANY) == []
    assert sql.run("SELECT state, root_cause FROM work_item") == [("done", "cancelled")]
    assert ready.claim("release", 9) == []


def test_two_allocators_of_one_order_promise_it_once(committed_db: None) -> None:
    floor = a_floor()
    floor.stock(quantity=100)
    order = floor.order((0, 7)).order

    answers = all_at_once(allocate, SYSTEM, *[[AllocateOrder(order)]] * 8)

    assert sum(isinstance(answer, OrderAllocated) for answer in answers) == 1
    assert sql.run("SELECT allocated FROM stock_position") == [(7,)]


# ---- why here


def test_a_decision_is_explained_from_what_it_recorded(floor: Floor) -> None:
    floor.stock(sku=0, quantity=1, node=0)
    floor.stock(sku=0, quantity=9, node=1)
    (one,) = queries.explained(order=allocated(floor, (0, 3)).order)

    assert [(node.node, node.lacks, node.verdict) for node in one.explanation.candidates] == [
        ("N1", 2, "short"), ("N2", 0, "chosen"),
    ]  # fmt: skip
    assert one.explanation.flip == Flip("N1", 2, "")


def test_a_split_is_explained_with_the_units_that_were_wanted(floor: Floor) -> None:
    floor.stock(sku=0, quantity=5, node=0)
    floor.stock(sku=1, quantity=5, node=1)
    (one,) = queries.explained(order=allocated(floor, (0, 2), (1, 3)).order)

    assert {node.verdict for node in one.explanation.candidates} == {"chosen"}
    assert one.explanation.flip == Flip("N2", 2, "")


def test_a_node_that_the_profile_ruled_out_is_told(floor: Floor) -> None:
    floor.stock(sku=0, quantity=9, node=1)
    profile = policies.SetPolicy(
        COMPANY, "sourcing.profile", rules.Profile(excluded_nodes=("N1",)), SYSTEM.at
    )
    policies.set_policy(SYSTEM, requests=[profile])
    (one,) = queries.explained(order=allocated(floor, (0, 3)).order)

    assert [(node.node, node.verdict) for node in one.explanation.candidates] == [
        ("N2", "chosen"), ("N1", "refused"),
    ]  # fmt: skip
    assert one.explanation.flip is None


def test_each_line_of_a_split_is_explained(floor: Floor) -> None:
    floor.stock(sku=0, quantity=5, node=0)
    floor.stock(sku=1, quantity=5, node=1)
    floor.stock(sku=1, quantity=1, node=0)
    (one,) = queries.explained(order=allocated(floor, (0, 2), (1, 3), (2, 1)).order)
    first, second, third = one.explanation.lines

    assert (first.number, first.units, first.served) == (1, 2, (("N1", 2),))
    assert [(node.node, node.verdict) for node in first.candidates] == [("N1", "chosen"), ("N2", "short")]
    assert (second.served, second.flip) == ((("N2", 3),), Flip("N1", 2, ""))
    assert (third.served, third.flip) == ((), Flip("N1", 1, ""))


# ---- where nodes and customers are


def place_nodes() -> None:
    """Both nodes of one priority; the customers' code lies nearer to the second."""
    whole(
        network.register_nodes(
            SYSTEM,
            requests=[
                network.RegisterNode(
                    COMPANY, "N1", "Node 1", "GB", latitude=56.46, longitude=-2.97, priority=1
                ),
                network.RegisterNode(
                    COMPANY, "N2", "Node 2", "GB", latitude=51.38, longitude=-2.36, priority=1
                ),
            ],
        )
    )
    whole(network.register_places(SYSTEM, requests=[network.RegisterPlace("GB", "SW1A", 51.5, -0.13)]))


def profile(**facts: object) -> None:
    body = rules.Profile(**facts)  # type: ignore[arg-type]
    whole(
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "sourcing.profile", body, SYSTEM.at)]
        )
    )


def test_of_nodes_of_one_priority_the_nearer_serves(floor: Floor) -> None:
    floor.stock(quantity=9, node=0)
    floor.stock(quantity=9, node=1)
    place_nodes()
    (one,) = queries.explained(order=allocated(floor, (0, 3)).order)

    assert [(node.node, node.verdict, node.km) for node in one.explanation.candidates] == [
        ("N2", "chosen", 155), ("N1", "runner_up", 582),
    ]  # fmt: skip


def test_too_far_is_told_and_waits_for_nearer_stock(floor: Floor) -> None:
    floor.stock(quantity=9, node=0)
    place_nodes()
    profile(distance_max_km=500)
    answer = allocated(floor, (0, 3))
    (one,) = queries.explained(order=answer.order)

    assert answer.outcome == "backordered"
    assert ("N1", "refused", "distance") in [(n.node, n.verdict, n.rule) for n in one.explanation.candidates]
    profile(distance_max_km=500, distance_rule="soft")
    assert allocated(floor, (0, 3)).outcome == "allocated"


def test_a_node_with_a_day_of_work_is_spared_while_another_has_it(floor: Floor) -> None:
    floor.stock(quantity=9, node=0)
    floor.stock(quantity=9, node=1)
    profile(orders_per_day={"N1": 2}, busy_days_max=0)
    orders = [floor.order((0, 1)).order for _ in range(4)]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))

    served = sql.run(
        "SELECT n.code, count(*) FROM stock_allocation AS a JOIN network_node AS n ON n.id = a.node_id GROUP BY 1"
    )
    assert sorted(served) == [("N1", 2), ("N2", 2)]


def test_a_channel_may_have_a_profile_of_its_own(floor: Floor) -> None:
    floor.stock(quantity=9, node=0)
    floor.stock(quantity=9, node=1)
    body = rules.Profile(excluded_nodes=("N1",))
    policy = policies.SetPolicy(COMPANY, "sourcing.profile", body, SYSTEM.at, scope="market")
    whole(policies.set_policy(SYSTEM, requests=[policy]))

    chosen = [
        queries.explained(order=allocated(floor, (0, 1), channel=channel).order)[0]
        .explanation.candidates[0]
        .node
        for channel in ("shop", "market")
    ]
    assert chosen == ["N1", "N2"]


# ---- the cheapest plan


def test_by_cost_the_batch_is_planned_together(floor: Floor) -> None:
    """Alone the first would take the last unit of the near node, and the second would be split."""
    floor.stock(sku=0, quantity=1, node=1)
    floor.stock(sku=0, quantity=5, node=0)
    floor.stock(sku=1, quantity=5, node=1)
    place_nodes()
    profile(choose_by="cost", km_minor=1.0, split_minor=5_000)
    single, both = floor.order((0, 1)).order, floor.order((0, 1), (1, 1)).order
    answers = allocate(SYSTEM, requests=[AllocateOrder(single), AllocateOrder(both)])

    assert [answer.outcome for answer in answers] == ["allocated", "allocated"]  # type: ignore[union-attr]
    (alone,) = queries.explained(order=single)
    assert alone.decision.reasons["why"] == "N1 is the cheapest for the 2 orders that were planned together"
    planned = Together(orders=2, cost_minor=10_737, bound_minor=10_737, solver="exact", followed=True)
    assert alone.explanation.together == planned and planned.gap == 0
    assert [(node.node, node.verdict) for node in alone.explanation.candidates] == [
        ("N2", "runner_up"), ("N1", "chosen"),
    ]  # fmt: skip
    (why,) = queries.explained(order=both)
    assert [(n.node, n.verdict, n.cost_minor) for n in why.explanation.candidates] == [
        ("N2", "chosen", 155), ("N1", "short", 582),
    ]  # fmt: skip


def test_a_plan_that_nobody_proved_says_how_far_it_may_be_from_the_best(floor: Floor, monkeypatch) -> None:
    monkeypatch.setattr(joint, "find_spec", lambda _: None)
    floor.stock(sku=0, quantity=1, node=1)
    floor.stock(sku=0, quantity=5, node=0)
    place_nodes()
    profile(choose_by="cost", km_minor=1.0)
    orders = [floor.order((0, 1)).order for _ in range(2)]
    allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders])

    (one,) = queries.explained(order=orders[1])
    assert one.explanation.together == Together(2, 737, 310, "greedy", followed=True)
    assert one.explanation.together.gap == pytest.approx(427 / 737)


def test_what_can_not_follow_the_plan_of_all_says_so(floor: Floor) -> None:
    """No node has the whole line: the plan leaves it out, and two nodes serve it all the same."""
    floor.stock(quantity=2, node=0)
    floor.stock(quantity=2, node=1)
    place_nodes()
    profile(choose_by="cost", km_minor=1.0)
    (one,) = queries.explained(order=allocated(floor, (0, 3)).order)

    assert one.decision.outcome == "split"
    assert one.explanation.together and not one.explanation.together.followed


def by_cost_and_busy(floor: Floor, **facts: object) -> None:
    """N1 is the cheap one, and takes a single order."""
    for sku in (0, 1):
        floor.stock(sku=sku, quantity=50, node=0)
        floor.stock(sku=sku, quantity=50, node=1)
    place_nodes()
    more = {"orders_per_day": {"N2": 1}, "busy_days_max": 0, "busy_rule": "hard"}
    profile(choose_by="cost", km_minor=1.0, **(more | facts))


def test_by_cost_a_node_that_is_busy_gets_no_more_of_the_batch(floor: Floor) -> None:
    by_cost_and_busy(floor)
    requests = [AllocateOrder(one.order) for one in floor.orders(10, (0, 1))]
    allocate(SYSTEM, requests=requests)

    told = [queries.explained(order=one.order)[0].explanation for one in requests]
    chosen = [next(one.node for one in each.candidates if one.verdict == "chosen") for each in told]
    assert Counter(chosen) == {"N1": 9, "N2": 1}
    assert all(each.together and each.together.followed and each.together.gap == 0 for each in told)
    far = queries.explained(order=allocated(floor, (0, 1)).order)[0].explanation
    (n1, n2) = far.candidates
    assert (n1.node, n1.verdict, n1.cost_minor) == ("N1", "chosen", 582)
    assert (n2.node, n2.verdict, n2.rule, n2.could, n2.cost_minor) == ("N2", "refused", "busy", 1, 155)
    assert far.flip == Flip("N2", 0, "", rule="busy") == n2.needs

    # It is true: without the rule the same order goes there.
    profile(choose_by="cost", km_minor=1.0)
    (again,) = queries.explained(order=allocated(floor, (0, 1)).order)
    assert [one.node for one in again.explanation.candidates if one.verdict == "chosen"] == ["N2"]


def test_by_cost_a_refused_node_that_is_dearer_needs_its_rule_and_its_cost_away(floor: Floor) -> None:
    by_cost_and_busy(floor)
    waiting = [floor.order((0, 1)).order for _ in range(2)]
    profile(choose_by="cost", km_minor=1.0, excluded_nodes=("N1",))
    allocate(SYSTEM, requests=[AllocateOrder(order) for order in waiting])

    (one,) = queries.explained(order=waiting[0])
    n2, n1 = one.explanation.candidates
    assert (n1.node, n1.verdict, n1.cost_minor) == ("N1", "refused", 582)
    assert n1.needs == Flip("N1", 0, "N2", 582 - 155 + 1, "excluded")
    assert (n2.verdict, one.explanation.flip) == ("chosen", None)


def test_by_cost_a_soft_limit_gives_way_once_nobody_else_has_it(floor: Floor) -> None:
    floor.stock(quantity=50, node=1)
    floor.stock(quantity=2, node=0)
    place_nodes()
    profile(choose_by="cost", km_minor=1.0, orders_per_day={"N2": 1}, busy_days_max=0, busy_rule="soft")
    requests = [AllocateOrder(one.order) for one in floor.orders(5, (0, 1))]
    allocate(SYSTEM, requests=requests)

    told = [queries.explained(order=one.order)[0].explanation for one in requests]
    chosen = [next(one.node for one in each.candidates if one.verdict == "chosen") for each in told]
    assert Counter(chosen) == {"N2": 3, "N1": 2}
    assert sum(each.softened for each in told) == 2
    assert [each.together.cost_minor for each in told if each.together] == [155 + 2 * 582 + 2 * 100_000] * 5


def test_by_cost_an_order_of_two_nodes_does_not_go_to_one_that_has_become_busy(floor: Floor) -> None:
    """N2 has room for one order, and only the two nodes together have all of the second one."""
    floor.stock(sku=0, quantity=9, node=0)
    floor.stock(sku=1, quantity=9, node=1)
    place_nodes()
    profile(choose_by="cost", km_minor=1.0, orders_per_day={"N2": 1}, busy_days_max=0, busy_rule="hard")
    single, both = floor.order((1, 1)).order, floor.order((0, 1), (1, 1)).order
    answers = allocate(SYSTEM, requests=[AllocateOrder(single), AllocateOrder(both)])

    assert [answer.outcome for answer in answers] == ["allocated", "part backordered"]  # type: ignore[union-attr]
    (one,) = queries.explained(order=both)
    assert [(c.node, c.units, c.verdict, c.rule, c.could) for c in one.explanation.candidates] == [
        ("N1", 1, "chosen", "", 0), ("N2", 0, "refused", "busy", 1),
    ]  # fmt: skip
    assert one.explanation.together
    assert not one.explanation.together.followed
    (whole_one,) = queries.explained(order=allocated(floor, (0, 1)).order)
    assert [c.node for c in whole_one.explanation.candidates if c.verdict == "chosen"] == ["N1"]


def test_by_cost_two_nodes_are_told_beside_one_that_is_refused(floor: Floor) -> None:
    """What each of the two has is served together, while a dearer third may serve nothing at all."""
    floor.stock(sku=0, quantity=9, node=0)
    floor.stock(sku=1, quantity=9, node=1)
    place_nodes()
    (third,) = whole(
        network.register_nodes(SYSTEM, requests=[network.RegisterNode(COMPANY, "N3", "Third", "GB")])
    )
    serve = network.ServeChannel(floor.channels["shop"], third.id)
    whole(network.serve_channels(SYSTEM, requests=[serve]))
    profile(choose_by="cost", km_minor=1.0, excluded_nodes=("N3",))
    (one,) = queries.explained(order=allocated(floor, (0, 1), (1, 1)).order)

    assert one.decision.outcome == "split"
    assert {c.node: c.verdict for c in one.explanation.candidates} == {
        "N1": "chosen", "N2": "chosen", "N3": "refused",
    }  # fmt: skip


def test_by_cost_the_runner_up_says_how_much_is_missing(floor: Floor) -> None:
    floor.stock(quantity=9, node=0)
    floor.stock(quantity=3, node=1)
    place_nodes()
    profile(choose_by="cost", km_minor=1.0, handling_minor=7, scarcity_minor=300)
    (one,) = queries.explained(order=allocated(floor, (0, 3)).order)
    near, far = one.explanation.candidates

    assert (near.node, near.costs) == ("N2", {"freight": 155, "handling": 21, "lateness": 0, "scarcity": 300})
    assert (far.node, far.costs) == ("N1", {"freight": 582, "handling": 21, "lateness": 0, "scarcity": 100})
    assert (near.verdict, one.explanation.flip) == ("chosen", Flip("N1", 0, "N2", 228))


def test_by_cost_prices_of_several_currencies_count_by_the_rate_of_the_day(floor: Floor) -> None:
    """10.00 in dollars at 0.30 are 3.00, and less than 4.00; nobody knows what 1 yen is worth."""
    floor.stock(quantity=9, node=0)
    asked = (("pounds", "GBP", 400), ("dollars", "USD", 1_000), ("yen", "JPY", 1))
    register_services(SYSTEM, requests=[
        RegisterService(
            COMPANY, "Post", code, code, 4, 30_000, currency, (("*", "*", "all"),), (("all", 30_000, price),)
        )
        for code, currency, price in asked
    ])  # fmt: skip
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "USD", SYSTEM.at.date(), Decimal("0.3"))])
    profile(choose_by="cost")
    (one,) = queries.explained(order=allocated(floor, (0, 1)).order)
    assert one.explanation.candidates[0].costs["freight"] == 300


def test_by_cost_each_line_tells_what_it_adds_beside_the_others(floor: Floor) -> None:
    for sku in (0, 1):
        for node in (0, 1):
            floor.stock(sku=sku, quantity=9, node=node)
    place_nodes()
    profile(choose_by="cost", km_minor=1.0, handling_minor=7, split_minor=50)
    (one,) = queries.explained(order=allocated(floor, (0, 1), (1, 2)).order)

    first, second = one.explanation.lines
    near, far = second.candidates
    assert (first.number, second.units, near.node, near.verdict) == (1, 2, "N2", "chosen")
    assert near.costs == {"freight": 0, "handling": 14, "lateness": 0, "scarcity": 0, "split": 0}
    assert far.costs == {"freight": 582, "handling": 14, "lateness": 0, "scarcity": 0, "split": 50}
    assert second.flip == Flip("N1", 0, "N2", 633)


def test_costs_are_told_where_preference_decided(floor: Floor, statements) -> None:
    """By the rates in force, and by what a carrier asks; where the order comes from is as it was."""
    for sku in (0, 1):
        floor.stock(sku=sku, quantity=9, node=0)
    floor.stock(sku=0, quantity=9, node=1)
    place_nodes()
    profile(km_minor=1.0, handling_minor=7, split_minor=50, distance_weight=0.0)
    order = allocated(floor, (0, 1), (1, 2)).order
    (plain,) = queries.explained(order=order)
    assert all(one.costs is None for one in plain.explanation.candidates)
    assert not plain.explanation.has_costs

    with statements() as ran:
        (one,) = queries.explained_with_costs(order=order)

    assert len(ran) <= 14
    chosen, other = one.explanation.candidates
    assert (chosen.node, chosen.verdict, other.node, other.verdict) == ("N1", "chosen", "N2", "short")
    assert chosen.costs == {"freight": 582, "handling": 21, "lateness": 0, "scarcity": 0}
    assert other.costs == {"freight": 155, "handling": 21, "lateness": 0, "scarcity": 0}
    assert not one.explanation.costs_decided
    second = {each.node: each.costs for each in one.explanation.lines[1].candidates}
    assert second["N1"] == {"freight": 0, "handling": 14, "lateness": 0, "scarcity": 0, "split": 0}
    assert second["N2"] == {"freight": 155, "handling": 14, "lateness": 0, "scarcity": 0, "split": 50}
    assert one.explanation.flip == plain.explanation.flip


def test_scarcity_is_told_only_where_it_is_known_what_was_free(floor: Floor) -> None:
    place_nodes()
    profile(scarcity_minor=300)
    floor.stock(quantity=3, node=0)
    floor.stock(quantity=2, node=1)
    short, whole_ones = allocated(floor, (0, 3)).order, allocated(floor, (0, 1)).order

    (one,) = queries.explained_with_costs(order=short)
    assert {each.node: each.costs["scarcity"] for each in one.explanation.candidates if each.costs} == {
        "N1": 300, "N2": 300,
    }  # fmt: skip
    (other,) = queries.explained_with_costs(order=whole_ones)
    assert other.explanation.candidates


def test_by_line_costs_are_told_as_well_and_of_a_cancelled_order_none(floor: Floor) -> None:
    floor.stock(quantity=2, node=0)
    floor.stock(quantity=2, node=1)
    place_nodes()
    profile(choose_by="line", handling_minor=5)
    order = allocated(floor, (0, 3)).order

    (one,) = queries.explained_with_costs(order=order)
    assert {each.node: each.costs and each.costs["handling"] for each in one.explanation.candidates} == {
        "N1": 15, "N2": 15,
    }  # fmt: skip

    whole(cancel(SYSTEM, requests=[CancelOrder(order, "changed my mind")]))
    told = queries.explained_with_costs(order=order)
    assert told == queries.explained(order=order)


def test_by_cost_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    floor.stock(quantity=100_000)
    place_nodes()
    profile(choose_by="cost", km_minor=1.0, orders_per_day={"N1": 10})
    counts = []
    for size in SIZES:
        requests = [AllocateOrder(one.order) for one in floor.orders(size, (0, 1))]
        with statements() as ran:
            allocate(SYSTEM, requests=requests)
        counts.append(len(ran))

    assert len(set(counts)) == 1, counts
