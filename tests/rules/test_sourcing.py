"""Which node serves which line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.sourcing import rules
from entrepot.sourcing.explain import Flip, explain, with_lines

PROFILE = rules.Profile()
NODES = [rules.Node(UUID(int=n), f"N{n}", "GB", n) for n in (1, 2, 3)]
SKUS = [UUID(int=100 + n) for n in range(4)]


def a_line(n: int, sku: int, quantity: int) -> rules.Line:
    return rules.Line(UUID(int=1000 + n), SKUS[sku], quantity)


def free(**by_node: list[int]) -> dict[tuple[UUID, UUID], int]:
    """Free units by SKU number, for each node: `free(N1=[5, 0], N2=[2, 9])`."""
    nodes = {node.code: node.id for node in NODES}
    return {
        (SKUS[i], nodes[code]): units
        for code, quantities in by_node.items()
        for i, units in enumerate(quantities)
    }


def served(plan: rules.Plan) -> list[tuple[int, int]]:
    return [(share.node.int, share.quantity) for share in plan.shares]


def test_one_node_that_has_all_of_it_goes_before_a_preferred_one_that_has_not() -> None:
    plan = rules.plan_order(
        [a_line(1, 0, 2), a_line(2, 1, 3)], NODES, free(N1=[2, 0], N2=[9, 9]), "ship_complete", 3
    )

    assert served(plan) == [(2, 2), (2, 3)]
    assert plan.outcome == "allocated"
    assert plan.candidates == (("N1", 2), ("N2", 5), ("N3", 0))


def test_an_order_that_no_node_has_alone_is_split_over_three() -> None:
    lines = [a_line(1, 0, 4), a_line(2, 1, 4), a_line(3, 2, 4)]
    plan = rules.plan_order(lines, NODES, free(N1=[4, 0, 0], N2=[0, 4, 0], N3=[0, 0, 4]), "ship_complete", 3)

    assert served(plan) == [(1, 4), (2, 4), (3, 4)]
    assert plan.outcome == "split"


def test_the_limit_of_shipments_holds() -> None:
    lines = [a_line(1, 0, 4), a_line(2, 1, 4)]
    plan = rules.plan_order(lines, NODES, free(N1=[4, 0], N2=[0, 4]), "partial_backorder", 1)

    assert served(plan) == [(1, 4)]
    assert plan.short == (lines[1],)


def test_ship_complete_takes_nothing_where_something_is_short() -> None:
    lines = [a_line(1, 0, 2), a_line(2, 1, 3)]
    plan = rules.plan_order(lines, NODES, free(N1=[2, 2]), "ship_complete", 3)

    assert (plan.shares, plan.short, plan.outcome) == ((), tuple(lines), "backordered")


def test_line_complete_takes_whole_lines_only() -> None:
    plan = rules.plan_order([a_line(1, 0, 2), a_line(2, 1, 3)], NODES, free(N1=[2, 2]), "line_complete", 3)

    assert served(plan) == [(1, 2)]
    assert plan.short == (a_line(2, 1, 3),)


def test_partial_takes_what_there_is() -> None:
    plan = rules.plan_order([a_line(1, 0, 5)], NODES, free(N1=[2], N3=[1]), "partial_backorder", 3)

    assert served(plan) == [(1, 2), (3, 1)]
    assert plan.short == (a_line(1, 0, 2),)


def test_two_lines_of_one_sku_do_not_take_the_same_units() -> None:
    lines = [a_line(1, 0, 6), a_line(2, 0, 6)]
    plan = rules.plan_order(lines, NODES, free(N1=[10]), "partial_backorder", 3)

    assert sum(quantity for _, quantity in served(plan)) == 10
    assert sum(line.quantity for line in plan.short) == 2


def test_a_node_at_home_goes_before_one_abroad_with_a_better_priority() -> None:
    abroad = rules.Node(UUID(int=9), "DE1", "DE", 0)

    assert ranked([abroad, *NODES], "GB")[0] == NODES[0]
    assert ranked([abroad, *NODES], "DE")[0] == abroad
    assert ranked([abroad, *NODES], "GB", same_country_first=False)[0] == abroad
    assert abroad not in ranked([abroad, *NODES], "DE", excluded_nodes=("DE1",))


def ranked(nodes: list[rules.Node], country: str, **profile: Any) -> tuple[rules.Node, ...]:
    return rules.sort_out(nodes, rules.Destination(country), rules.Profile(**profile)).first


LEEDS, BATH, DUNDEE = (53.80, -1.55), (51.38, -2.36), (56.46, -2.97)
NORTH = rules.Node(UUID(int=21), "LDS", "GB", 1, place=LEEDS)
SOUTH = rules.Node(UUID(int=22), "BTH", "GB", 1, "store", place=BATH)
SOMEWHERE = rules.Node(UUID(int=23), "X", "GB", 1)
TO_DUNDEE = rules.Destination("GB", DUNDEE)


def test_distance_decides_among_nodes_of_one_priority_unless_it_weighs_more() -> None:
    found = rules.sort_out([SOMEWHERE, SOUTH, NORTH], TO_DUNDEE, PROFILE)
    assert found.first == (NORTH, SOUTH, SOMEWHERE), "whose place nobody knows comes last"
    assert found.km == {"LDS": 309, "BTH": 566}

    preferred = SOUTH._replace(priority=0)
    assert rules.sort_out([NORTH, preferred], TO_DUNDEE, PROFILE).first[0] == preferred
    near = rules.Profile(priority_weight=1)
    assert rules.sort_out([NORTH, preferred], TO_DUNDEE, near).first[0] == NORTH


def test_a_hard_distance_refuses_and_a_soft_one_does_so_until_nobody_else_has_it() -> None:
    hard = rules.sort_out([NORTH, SOUTH], TO_DUNDEE, rules.Profile(distance_max_km=400))
    assert (hard.first, hard.after, hard.broken) == ((NORTH,), (), {"BTH": "distance"})
    soft = rules.sort_out([NORTH, SOUTH], TO_DUNDEE, rules.Profile(distance_max_km=400, distance_rule="soft"))
    assert (soft.first, soft.after, soft.broken) == ((NORTH,), (SOUTH,), {"BTH": "distance"})

    line = a_line(1, 0, 2)
    free = {(SKUS[0], NORTH.id): 1, (SKUS[0], SOUTH.id): 5}
    assert rules.plan([line], hard, free, "partial_backorder", 3).outcome == "part backordered"
    dropped = rules.plan([line], soft, free, "partial_backorder", 3)
    assert (served(dropped), dropped.why) == (
        [(22, 2)],
        "BTH is the preferred node that has all of it, soft rules dropped",
    )
    free[SKUS[0], NORTH.id] = 2
    assert served(rules.plan([line], soft, free, "partial_backorder", 3)) == [(21, 2)]


def test_a_kind_that_is_refused_and_a_node_that_is_busy() -> None:
    profile = rules.Profile(
        kinds_refused=("store",), orders_per_day={"LDS": 100}, busy_days_max=1, busy_rule="hard"
    )
    for waiting, refused in ((199, {}), (200, {"LDS": "busy"})):
        found = rules.sort_out([NORTH, SOUTH], TO_DUNDEE, profile, {NORTH.id: waiting})
        assert found.broken == {"BTH": "kind"} | refused
    assert rules.busy_days(NORTH, profile, 250) == 2


def test_small_orders_are_not_split() -> None:
    profile = rules.Profile(split_from_minor=5000)
    assert [rules.nodes_max(profile, total) for total in (4999, 5000)] == [1, 3]


PLACES = st.one_of(st.none(), st.tuples(st.floats(-90, 90), st.floats(-180, 180)))


@given(
    st.lists(st.tuples(st.sampled_from(["GB", "DE"]), st.integers(0, 3), PLACES), max_size=5),
    PLACES,
    st.sampled_from(["hard", "soft"]),
    st.one_of(st.none(), st.integers(0, 20_000)),
)
def test_each_node_is_asked_first_or_after_or_has_broken_a_hard_rule(
    given_nodes: list[tuple[str, int, tuple[float, float] | None]],
    to: tuple[float, float] | None,
    rule: Any,
    most: int | None,
) -> None:
    nodes = [rules.Node(UUID(int=i), f"N{i}", c, p, place=x) for i, (c, p, x) in enumerate(given_nodes)]
    profile = rules.Profile(distance_max_km=most, distance_rule=rule)
    found = rules.sort_out(nodes, rules.Destination("GB", to), profile)
    asked = [*found.first, *found.after]
    assert len(set(asked)) == len(asked)
    assert set(nodes) - set(asked) == {n for n in nodes if rule == "hard" and n.code in found.broken}
    assert {node.code for node in found.after} == set(found.broken if rule == "soft" else ())
    home = [node.country == "GB" for node in found.first]
    assert home == sorted(home, reverse=True)
    assert rules.sort_out(nodes[::-1], rules.Destination("GB", to), profile).first == found.first


LINES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=6).map(
    lambda rows: [a_line(i, sku, quantity) for i, (sku, quantity) in enumerate(rows)]
)
FREE = st.dictionaries(
    st.tuples(st.sampled_from(SKUS), st.sampled_from([n.id for n in NODES])), st.integers(0, 12)
)
POLICIES = st.sampled_from(["ship_complete", "line_complete", "partial_backorder", "partial_cancel"])


@given(LINES, FREE, POLICIES, st.integers(1, 3))
def test_a_plan_takes_no_more_than_is_free_and_accounts_for_every_unit(
    lines: list[rules.Line], stock: dict[tuple[UUID, UUID], int], policy: str, limit: int
) -> None:
    plan = rules.plan_order(lines, NODES, stock, policy, limit)

    taken: dict[tuple[UUID, UUID], int] = {}
    for share in plan.shares:
        assert share.quantity > 0
        taken[share.sku, share.node] = taken.get((share.sku, share.node), 0) + share.quantity
    assert all(units <= stock.get(key, 0) for key, units in taken.items())
    assert len({share.node for share in plan.shares}) <= limit
    short = {line.id: line.quantity for line in plan.short}
    for line in lines:
        served_units = sum(share.quantity for share in plan.shares if share.line == line.id)
        assert served_units + short.get(line.id, 0) == line.quantity
        if policy == "line_complete":
            assert served_units in (0, line.quantity)
    if policy == "ship_complete":
        assert not plan.shares or not plan.short


@given(LINES, FREE)
def test_partial_leaves_no_unit_that_a_line_still_wants(
    lines: list[rules.Line], stock: dict[tuple[UUID, UUID], int]
) -> None:
    plan = rules.plan_order(lines, NODES, stock, "partial_backorder", 3)

    for sku in {line.sku for line in lines}:
        wanted = sum(line.quantity for line in lines if line.sku == sku)
        there = sum(units for (of, _), units in stock.items() if of == sku)
        assert sum(share.quantity for share in plan.shares if share.sku == sku) == min(wanted, there)


# ---- why here


def test_who_lacks_least_of_those_before_would_have_served_it() -> None:
    found = explain(
        {
            "candidates": [("N1", 1), ("N2", 4), ("N3", 5), ("N4", 2), ("N5", 5), ("N6", 5)],
            "broken": {"N7": "kind"},
        }
    )

    assert [(one.node, one.verdict) for one in found.candidates] == [
        ("N1", "short"), ("N2", "short"), ("N3", "chosen"), ("N4", "short"), ("N5", "runner_up"), ("N6", "later"),
        ("N7", "refused"),
    ]  # fmt: skip
    assert found.flip == Flip("N2", 1, "")


def test_where_the_first_has_it_all_only_its_place_decides() -> None:
    assert explain({"candidates": [("N1", 2), ("N2", 2)]}).flip == Flip("N2", 0, "N1")
    assert explain({"candidates": [("N1", 2), ("N2", 1)]}).flip is None
    assert explain({}).flip is None


def test_of_a_split_every_node_that_serves_is_chosen() -> None:
    found = explain({"candidates": [("N1", 3), ("N2", 4)], "units": 6, "chosen": ("N2", "N1")})
    assert {one.verdict for one in found.candidates} == {"chosen"}
    assert found.flip == Flip("N2", 2, "")


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=4),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.sampled_from(["ship_complete", "line_complete", "partial_backorder", "partial_cancel"]),
)
def test_the_change_that_is_told_flips_the_choice(
    stock: list[list[int]], units: list[int], policy: str
) -> None:
    skus = [UUID(int=1), UUID(int=2)]
    nodes = [rules.Node(UUID(int=9 + i), f"N{i}", "DE", i) for i in range(len(stock))]
    lines = [rules.Line(UUID(int=99 + i), sku, units[i]) for i, sku in enumerate(skus)]
    free = {(sku, node.id): stock[n][s] for n, node in enumerate(nodes) for s, sku in enumerate(skus)}
    plan = rules.plan_order(lines, nodes, free, policy, 3)
    flip = explain({"candidates": plan.candidates, "units": sum(units), "chosen": plan.chosen}).flip
    if flip is None:
        assert plan.outcome == "allocated" and plan.candidates[0][1] == sum(units)
        return
    node = next(one for one in nodes if one.code == flip.node)
    if flip.before:
        nodes.sort(key=lambda one: one != node)
    else:
        for line in lines:
            free[line.sku, node.id] = max(free[line.sku, node.id], line.quantity)
    changed = rules.plan_order(lines, nodes, free, policy, 3)
    assert {share.node for share in changed.shares} == {node.id}
    assert {share.node for share in plan.shares} != {node.id} or changed.shares != plan.shares


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=4),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.sampled_from(["ship_complete", "line_complete", "partial_backorder", "partial_cancel"]),
)
def test_what_every_candidate_needs_would_have_it_serve_alone(
    stock: list[list[int]], units: list[int], policy: str
) -> None:
    skus = [UUID(int=1), UUID(int=2)]
    nodes = [rules.Node(UUID(int=9 + i), f"N{i}", "DE", i) for i in range(len(stock))]
    lines = [rules.Line(UUID(int=99 + i), sku, units[i]) for i, sku in enumerate(skus)]
    free = {(sku, node.id): stock[n][s] for n, node in enumerate(nodes) for s, sku in enumerate(skus)}
    plan = rules.plan_order(lines, nodes, free, policy, 3)
    told = explain({"candidates": plan.candidates, "units": sum(units), "chosen": plan.chosen}).candidates
    alone = (
        plan.shares[0].node
        if plan.outcome == "allocated" and len({one.node for one in plan.shares}) == 1
        else None
    )
    for one in told:
        node = next(each for each in nodes if each.code == one.node)
        assert (one.needs is None) == (node.id == alone)
        if one.needs is None:
            continue
        lacking = sum(max(0, line.quantity - free[line.sku, node.id]) for line in lines)
        assert one.needs.units == lacking
        given_ = free | {(line.sku, node.id): max(free[line.sku, node.id], line.quantity) for line in lines}
        order = sorted(nodes, key=lambda each: each != node) if one.needs.before else nodes
        changed = rules.plan_order(lines, order, given_, policy, 3)
        assert {share.node for share in changed.shares} == {node.id}


def test_what_a_candidate_needs_is_all_of_it_together() -> None:
    found = explain(
        {
            "candidates": [("N1", 1), ("N2", 3), ("N3", 3), ("N4", 2)], "units": 3, "chosen": ["N2"],
            "broken": {"N5": "kind", "N6": "distance"}, "could": {"N5": 3, "N6": 1},
        }
    )  # fmt: skip
    assert {one.node: one.needs for one in found.candidates} == {
        "N1": Flip("N1", 2, ""), "N2": None, "N3": Flip("N3", 0, "N2"), "N4": Flip("N4", 1, "N2"),
        "N5": Flip("N5", 0, "", rule="kind"), "N6": Flip("N6", 2, "", rule="distance"),
    }  # fmt: skip
    costs = {"N1": {"freight": 500}, "N2": {"freight": 530}, "N3": {"freight": 499}}
    found = explain(
        {"candidates": [("N1", 1), ("N2", 1), ("N3", 1)], "units": 1, "chosen": ["N1"], "costs": costs}
    )
    assert [one.needs for one in found.candidates] == [None, Flip("N2", 0, "N1", 31), None]


def test_who_lacks_nothing_and_breaks_no_rule_needs_nothing_that_could_be_told() -> None:
    found = explain({"candidates": [("N1", 3), ("N2", 1)], "units": 3, "chosen": ["N2"]})
    assert {one.node: one.needs for one in found.candidates} == {"N1": None, "N2": Flip("N2", 2, "")}


# ---- the other rules of a profile


TODAY = date(2026, 12, 24)
NOON = datetime.combine(TODAY, time(12), UTC)
WAREHOUSE = rules.Node(UUID(int=31), "W", "GB", 1)
STORE = rules.Node(UUID(int=32), "S", "GB", 0, "store")
PARTNER = rules.Node(UUID(int=33), "P", "GB", 0, "3pl")
ALL_KINDS = [WAREHOUSE, STORE, PARTNER]
HERE = rules.Destination("GB")


def sorted_out(today: rules.Today | None = None, orders: Any = None, **profile: Any) -> rules.SortedOut:
    return rules.sort_out(ALL_KINDS, HERE, rules.Profile(**profile), orders, today)


def test_priority_weighs_so_much_that_distance_only_breaks_ties() -> None:
    """IBM Sterling's score of a node: with a priority weight of 100,000 no distance on Earth changes the priority."""
    other_side = SOUTH._replace(priority=1, place=(-DUNDEE[0], 180 + DUNDEE[1]))
    next_door = NORTH._replace(priority=2, place=DUNDEE)
    found = rules.sort_out([next_door, other_side], TO_DUNDEE, rules.Profile(priority_weight=100_000))
    assert (found.first, found.km) == ((other_side, next_door), {"BTH": 20_015, "LDS": 0})
    tied = next_door._replace(priority=1)
    assert rules.sort_out([tied, other_side], TO_DUNDEE, rules.Profile()).first == (tied, other_side)


@given(st.integers(0, 9), st.integers(0, 9), PLACES, PLACES, PLACES)
def test_by_default_no_distance_outweighs_a_step_of_priority(
    one: int, other: int, here: Any, there: Any, to: Any
) -> None:
    nodes = [
        rules.Node(UUID(int=1), "A", "GB", one, place=here),
        rules.Node(UUID(int=2), "B", "GB", other, place=there),
    ]
    found = rules.sort_out(nodes, rules.Destination("GB", to), PROFILE).first
    if one != other:
        assert found[0].priority == min(one, other)


def test_a_kind_of_last_resort_is_asked_only_where_the_others_leave_something_out() -> None:
    found = sorted_out(kinds_last=("store", "3pl"), kinds_refused=("3pl",))
    assert (found.first, found.after, found.refused) == ((WAREHOUSE,), (STORE,), (PARTNER,))
    assert found.broken == {"S": "last resort", "P": "kind"}
    line = a_line(1, 0, 3)
    stock = {(SKUS[0], WAREHOUSE.id): 2, (SKUS[0], STORE.id): 9, (SKUS[0], PARTNER.id): 9}
    assert served(rules.plan([line], found, stock, "ship_complete", 1)) == [(32, 3)]
    stock[SKUS[0], WAREHOUSE.id] = 3
    assert served(rules.plan([line], found, stock, "ship_complete", 1)) == [(31, 3)]


def test_a_node_is_offline_from_its_first_day_to_its_last() -> None:
    offline = (
        rules.Offline("W", date(2026, 12, 24), date(2026, 12, 26), "stock-taking"),
        rules.Offline("S", TODAY),
    )
    for on, refused in (
        (date(2026, 12, 23), set()),
        (date(2026, 12, 24), {"W", "S"}),
        (date(2026, 12, 26), {"W", "S"}),
        (date(2026, 12, 27), {"S"}),
    ):
        found = sorted_out(rules.Today(datetime.combine(on, time(12), UTC)), offline=offline)
        assert {code for code, rule in found.broken.items() if rule == "offline"} == refused
        assert {node.code for node in found.refused} == refused


def test_a_node_is_offline_by_its_own_day() -> None:
    west = WAREHOUSE._replace(time_zone="America/Los_Angeles")
    profile = rules.Profile(offline=(rules.Offline("W", TODAY),))
    for hour, gone in ((7, False), (8, True)):
        now = rules.Today(datetime.combine(TODAY, time(hour), UTC))
        assert bool(rules.sort_out([west], HERE, profile, None, now).refused) is gone


def test_units_that_wait_make_a_node_busy_as_orders_do() -> None:
    profile: dict[str, Any] = {"units_per_day": {"W": 100}, "orders_per_day": {"W": 10}, "busy_days_max": 1}
    for units, orders, is_busy in ((199, 19, False), (200, 1, True), (5, 20, True)):
        found = sorted_out(rules.Today(NOON, {WAREHOUSE.id: units}), {WAREHOUSE.id: orders}, **profile)
        assert found.broken == ({"W": "busy"} if is_busy else {})


def test_a_node_whose_cut_off_is_over_gives_way_to_one_that_ships_today() -> None:
    today = rules.Today(NOON, {WAREHOUSE.id: 50}, {STORE.id: 1})
    soft = sorted_out(today, ship_days_max=0)
    assert (soft.after, soft.broken) == ((STORE,), {"S": "ships late"})
    hard = sorted_out(today, ship_days_max=0, ship_rule="hard")
    assert (hard.first, hard.refused) == ((PARTNER, WAREHOUSE), (STORE,))
    waits = sorted_out(today, ship_days_max=1, units_per_day={"W": 20})
    assert waits.broken == {"W": "ships late"}, "two days of work wait there"


def test_a_node_keeps_its_minimum_always_or_until_nobody_else_has_it() -> None:
    line = a_line(1, 0, 3)
    stock = {(SKUS[0], WAREHOUSE.id): 2, (SKUS[0], STORE.id): 4}
    for rule, outcome, left in (("hard", "backordered", ()), ("soft", "allocated", [(32, 3)])):
        found = sorted_out(minimum_stock={"store": 2, "P": 1}, minimum_rule=rule)
        plan = rules.plan([line], found, stock, "ship_complete", 1)
        assert (plan.outcome, tuple(served(plan))) == (outcome, tuple(left))
        assert plan.softened is (rule == "soft")
    assert sorted_out(minimum_stock={"store": 2, "S": 0}).keeps == {}, (
        "a node's own number goes before its kind's"
    )


@given(LINES, FREE, POLICIES, st.dictionaries(st.sampled_from(["N1", "N2", "warehouse"]), st.integers(0, 9)))
def test_what_a_hard_minimum_keeps_stays(
    lines: list[rules.Line], stock: dict[tuple[UUID, UUID], int], policy: str, minimum: dict[str, int]
) -> None:
    found = rules.sort_out(NODES, HERE, rules.Profile(minimum_stock=minimum))
    plan = rules.plan(lines, found, stock, policy, 3)
    taken: dict[tuple[UUID, UUID], int] = {}
    for share in plan.shares:
        taken[share.sku, share.node] = taken.get((share.sku, share.node), 0) + share.quantity
    assert all(stock[key] - units >= found.keeps.get(key[1], 0) for key, units in taken.items())


def test_goods_that_are_never_split_keep_their_order_together() -> None:
    profile = rules.Profile(nodes_per_order_max=5, shipments_of={"furniture": 2, "SOFA": 1})
    for goods, most in (
        ((), 5),
        (("MUG", "kitchen"), 5),
        (("CHAIR", "furniture"), 2),
        (("SOFA", "furniture"), 1),
    ):
        assert rules.nodes_max(profile, 1, goods) == most
    assert rules.nodes_max(rules.Profile(shipments_of={"SOFA": 9}), 1, ("SOFA",)) == 3


def test_tier_and_margin_add_to_the_priority_of_an_order() -> None:
    profile = rules.Profile(
        tier_priority={"gold": 10, "late payer": -20}, margin_from_percent=40, margin_priority=3
    )
    assert rules.priority(5, profile) == 5
    assert rules.priority(5, profile, "gold") == 15
    assert rules.priority(5, profile, "late payer") == -15
    assert [rules.priority(5, profile, "", 1000, cost) for cost in (600, 601, None)] == [8, 5, 5]
    assert rules.added_priority(profile, "gold", 1000, 600) == {"tier": 10, "margin": 3}
    assert rules.added_priority(profile) == {}
    assert rules.priority(95, profile, "gold", 1000, 1) == 108, "so that 50 again is 63"


# ---- which rule would have had to go


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=4),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.sets(st.integers(0, 3)),
    st.dictionaries(st.sampled_from(["N0", "N1", "N2", "N3"]), st.integers(1, 3)),
    POLICIES,
)
def test_the_rule_that_is_told_is_the_one_that_kept_the_order_from_one_node(
    stock: list[list[int]], units: list[int], excluded: set[int], minimum: dict[str, int], policy: str
) -> None:
    nodes = [rules.Node(UUID(int=9 + i), f"N{i}", "GB", i) for i in range(len(stock))]
    lines = [rules.Line(UUID(int=99 + i), SKUS[i], units[i]) for i in range(2)]
    there = {(SKUS[s], node.id): stock[n][s] for n, node in enumerate(nodes) for s in range(2)}
    codes = {f"N{i}" for i in excluded}

    def planned(codes: set[str], minimum: dict[str, int]) -> tuple[rules.SortedOut, rules.Plan]:
        profile = rules.Profile(excluded_nodes=tuple(codes), minimum_stock=minimum)
        found = rules.sort_out(nodes, HERE, profile)
        return found, rules.plan(lines, found, there, policy, 3)

    found, plan = planned(codes, minimum)
    could = rules.without_rules(lines, found, there, softened=plan.softened)
    reasons = {
        "candidates": plan.candidates, "units": sum(units), "chosen": plan.chosen, "could": could,
        "broken": {**dict.fromkeys(could, "minimum"), **found.broken},
    }  # fmt: skip
    if plan.outcome == "allocated":
        reasons["chosen"] = [code for code, n in plan.candidates if n == sum(units)]
        del reasons["chosen"][1:]
        reasons["ahead"] = rules.ahead_of(found, could, sum(units), reasons["chosen"])
    flip = explain(reasons).flip
    if flip is None or not flip.rule:
        return
    kept = {code: n for code, n in minimum.items() if code != flip.node}
    _, changed = planned(codes - {flip.node}, kept)
    assert [share.node for share in changed.shares] == [UUID(int=9 + int(flip.node[1:]))] * 2


# ---- selling ahead


@given(st.dictionaries(st.sampled_from("abc"), st.integers(1, 5)), st.integers(1, 9), st.integers(0, 9))
def test_an_order_is_past_a_limit_exactly_where_it_sells_more(wanted, limit, sold):
    ahead = {sku: rules.Ahead(sku.upper(), limit, sold) for sku in "abc"}
    past = rules.sold_past(wanted, ahead)
    assert {one.code.lower() for one in past} == {
        sku for sku, units in wanted.items() if sold + units > limit
    }
    assert all(one.sold > one.limit == limit for one in past)


# ---- why each line


def test_a_line_tells_what_it_adds_at_each_node_and_by_how_much_the_next_is_dearer() -> None:
    beside = {
        "N1": {"freight": 20},
        "N2": {"freight": 300, "split": 100},
        "N3": {"freight": 350, "split": 100},
    }
    reasons = {
        "candidates": [("N1", 3), ("N2", 3), ("N3", 3)], "costs": {"N1": {"freight": 500}}, "broken": {"N4": "offline"},
        "line_costs": [(1, beside), (2, beside)],
    }  # fmt: skip

    first, second = explain(with_lines(reasons, [(1, 1), (2, 2)])).lines

    assert (first.number, first.units, second.units) == (1, 1, 2)
    assert first.served == (("N1", 1),)
    assert [(one.node, one.verdict, one.cost_minor) for one in first.candidates] == [
        ("N1", "chosen", 20), ("N2", "runner_up", 400), ("N3", "later", 450), ("N4", "refused", None),
    ]  # fmt: skip
    assert first.candidates[3].rule == "offline"
    assert first.flip == Flip("N2", 0, "N1", 381)


def test_the_only_line_costs_what_the_order_does() -> None:
    reasons = {"candidates": [("N1", 2)], "costs": {"N1": {"freight": 500}}}
    (line,) = explain(with_lines(reasons, [(1, 2)])).lines
    assert line.candidates[0].cost_minor == 500


def test_lines_that_are_not_what_was_decided_about_are_not_told() -> None:
    assert explain(with_lines({"candidates": [("N1", 2)]}, [(1, 3)])).lines == ()
    assert explain(with_lines({"candidates": [("N1", 2), ("N2", 1)]}, [(1, 2)])).lines == ()


def test_a_node_that_rejected_a_line_lacks_no_goods() -> None:
    reasons = {
        "candidates": [("N1", 0), ("N2", 0)], "units": 2, "chosen": ["nobody"], "served": [], "lines": [(1, 2, [0, 0])],
        "rejected": [(1, "N1", 2, "rejected"), (1, "N2", 2, "not asked")],
    }  # fmt: skip
    found = explain(reasons)
    assert [(one.node, one.rule, one.could) for one in found.candidates] == [
        ("N1", "rejected", 2), ("N2", "not asked", 2),
    ]  # fmt: skip
    assert found.flip == found.lines[0].flip == Flip("N1", 0, "", rule="rejected")


# ---- why no more was served


def two_nodes(*, limit: rules.Limit, policy: str) -> rules.Plan:
    """Each of two nodes has one of the two lines."""
    nodes = [WAREHOUSE, STORE._replace(priority=2)]
    lines = [rules.Line(UUID(int=99), SKUS[0], 1), rules.Line(UUID(int=98), SKUS[1], 1)]
    free = {(SKUS[0], WAREHOUSE.id): 1, (SKUS[1], STORE.id): 1}
    return rules.plan_order(lines, nodes, free, policy, limit.most)


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("partial_backorder", "it may not come in more shipments, and W has only part of it"),
        ("ship_complete", "it ships complete and not all of it is free where its shipments may come from"),
        ("line_complete", "it may not come in more shipments, and W has only part of it"),
    ],
)
def test_goods_that_stand_where_a_shipment_too_many_would_come_from_are_not_said_to_be_missing(
    policy: str, why: str
) -> None:
    assert two_nodes(limit=rules.Limit(2), policy=policy).short == ()
    plan = two_nodes(limit=rules.Limit(1), policy=policy)
    assert (plan.why, plan.limited) == (why, ("S",))


def test_what_limits_the_shipments_is_told() -> None:
    profile = rules.Profile(
        nodes_per_order_max=3, split_from_minor=5_000, shipments_of={"SOFA": 2, "chairs": 9}
    )
    assert rules.limit_of(profile, 4_999, ("SOFA",)) == rules.Limit(1, "worth")
    assert rules.limit_of(profile, 5_000, ("chairs", "SOFA")) == rules.Limit(2, "goods", "SOFA")
    assert rules.limit_of(profile, 5_000, ("chairs",)) == rules.Limit(3)


def test_a_refused_node_is_told_first_only_where_it_is_preferred_to_the_one_that_serves() -> None:
    nodes = [STORE, WAREHOUSE, PARTNER._replace(priority=5)]
    found = rules.sort_out(nodes, HERE, rules.Profile(kinds_refused=("store", "3pl")))
    assert found.ranked == ("S", "W", "P")
    could = {"S": 2, "P": 2}
    assert rules.ahead_of(found, could, 2, ["W"]) == ["S"]
    assert rules.ahead_of(found, could, 3, ["W"]) == [], "it has not all of it"
    reasons = {"candidates": [("W", 2)], "broken": found.broken, "could": could, "ahead": ["S"]}
    told = explain(reasons)
    assert told.flip == Flip("S", 0, "", rule="kind")
    assert {one.node: one.needs for one in told.candidates} == {
        "W": None, "S": Flip("S", 0, "", rule="kind"), "P": Flip("P", 0, "", rule="kind"),
    }  # fmt: skip
