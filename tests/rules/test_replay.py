"""Recorded orders decided anew: the stock follows the choices, and nothing is sent that was not there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.carriage.rules import Service
from entrepot.network.rules import Calendar
from entrepot.simulation.comparison import LATENESS, Recorded, compare, yardstick
from entrepot.simulation.replay import Asked, Change, Held, House, Record, Replayed, Week, replay
from entrepot.sourcing.rules import Line, Node, Profile

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SHOP, MARKET = UUID(int=1), UUID(int=2)
N1, N2 = (Node(UUID(int=10 + n), f"N{n}", "GB", n) for n in (1, 2))
MUG, PEN = UUID(int=101), UUID(int=102)
POST = Service(
    UUID(int=50), "post", "parcel", 2, 30_000, 0, {("*", "*"): "all"}, {"all": ((500, 300), (30_000, 450))}, "GBP"
)  # fmt: skip
HOUSE = House(
    {SHOP: "shop", MARKET: "market"}, {SHOP: (N1, N2), MARKET: (N1, N2)}, {},
    {node.id: Week(Calendar()) for node in (N1, N2)}, [POST], {MUG: (200, 500), PEN: (50, 10)},
)  # fmt: skip


def hour(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def an_order(number: int, *lines: tuple[UUID, int], **facts: Any) -> Asked:
    one = Asked(
        UUID(int=1000 + number), f"SO-{number}", SHOP, "GB", "", "partial_backorder", 5, None, MONDAY, "", 5_000,
        "GBP", "", "",
        tuple(Line(UUID(int=number * 10_000 + i), sku, units) for i, (sku, units) in enumerate(lines)),
    )  # fmt: skip
    return one._replace(**facts)


def a_record(free: dict[tuple[UUID, Node], int], *orders: tuple[float, Asked], **facts: Any) -> Record:
    """A window of a week; `free` at its beginning."""
    one = Record(
        MONDAY, MONDAY + timedelta(days=7), HOUSE, {(sku, node.id): units for (sku, node), units in free.items()},
        {}, [], [], [(hour(at), order) for at, order in orders], [], {}, [], {},
    )  # fmt: skip
    return replace(one, **facts)


def served(replayed: Replayed) -> list[tuple[str, ...]]:
    return [fate.nodes for fate in replayed.orders]


ACTIVE = {"": Profile()}
NOT_N1 = {"": Profile(excluded_nodes=("N1",))}


# ---- examples


def test_what_one_order_took_the_next_one_does_not_find() -> None:
    record = a_record({(MUG, N1): 3, (MUG, N2): 9}, (1, an_order(1, (MUG, 2))), (2, an_order(2, (MUG, 2))))

    assert served(replay(record, ACTIVE)) == [("N1",), ("N2",)]
    assert served(replay(record, NOT_N1)) == [("N2",), ("N2",)]


def test_a_profile_of_a_channel_is_for_its_orders_only() -> None:
    orders = ((1, an_order(1, (MUG, 1))), (1, an_order(2, (MUG, 1), channel=MARKET)))
    record = a_record({(MUG, N1): 3, (MUG, N2): 9}, *orders)

    assert served(replay(record, {"market": NOT_N1[""]})) == [("N1",), ("N2",)]


def test_stock_that_comes_serves_the_most_urgent_of_those_that_wait() -> None:
    record = a_record(
        {}, (1, an_order(1, (MUG, 2))), (2, an_order(2, (MUG, 2), priority=9)),
        changes=[Change(hour(26), MUG, N2.id, 3)],
    )  # fmt: skip

    first, second = replay(record, ACTIVE).orders

    assert (second.nodes, second.waits, second.backordered) == (("N2",), {}, 2)
    assert (sum(first.waits.values()), first.backordered) == (1, 2)
    assert second.unit_days == 2.0  # two units, from 02:00 to 02:00 of the next day
    assert first.unit_days == 2 * 25 / 24 + 1 * (7 * 24 - 26) / 24


def test_of_one_moment_the_most_urgent_goes_first() -> None:
    patient, urgent = an_order(1, (MUG, 2)), an_order(2, (MUG, 2), promise_at=hour(30))
    record = a_record({(MUG, N1): 2, (MUG, N2): 2}, (1, patient), (1, urgent))

    assert served(replay(record, ACTIVE)) == [("N2",), ("N1",)]


def test_what_waited_before_the_window_competes() -> None:
    waiting = an_order(9, (MUG, 2), placed_at=hour(-50))
    record = a_record(
        {}, (1, an_order(1, (MUG, 2))), waiting=[waiting], changes=[Change(hour(3), MUG, N1.id, 2)]
    )

    found = replay(record, ACTIVE)

    assert [fate.nodes for fate in found.waited] == [("N1",)]
    assert served(found) == [()]


def test_a_loss_takes_from_the_least_urgent_who_is_served_again() -> None:
    record = a_record(
        {(MUG, N1): 4, (MUG, N2): 2}, (1, an_order(1, (MUG, 2), priority=9)), (2, an_order(2, (MUG, 2))),
        changes=[Change(hour(3), MUG, N1.id, -2)],
    )  # fmt: skip

    found = replay(record, ACTIVE)

    assert served(found) == [("N1",), ("N2",)]
    assert found.unexplained == 0


def test_what_has_left_the_house_is_not_lost_and_the_rest_is_told() -> None:
    one = an_order(1, (MUG, 2))
    record = a_record(
        {(MUG, N1): 2, (MUG, N2): 2},
        (1, one),
        gone={one.id: [(hour(2), N1.id)]},
        changes=[Change(hour(3), MUG, N1.id, -2)],
    )

    found = replay(record, ACTIVE)

    assert (served(found), found.unexplained) == ([("N1",)], 2)


def test_who_cancels_gives_back_what_the_next_one_waits_for() -> None:
    one = an_order(1, (MUG, 2))
    record = a_record({(MUG, N1): 2}, (1, one), (2, an_order(2, (MUG, 2))), cancelled={one.id: hour(3)})

    gave_up, second = replay(record, ACTIVE).orders

    assert (gave_up.nodes, gave_up.withdrawn) == ((), 2)
    assert (second.nodes, second.waits) == (("N1",), {})


def test_what_was_held_for_an_order_of_before_is_free_when_it_is_cancelled() -> None:
    gone = UUID(int=77)
    record = a_record(
        {(MUG, N1): 0},
        (1, an_order(1, (MUG, 2))),
        held=[Held(gone, MUG, N1.id, 2)],
        cancelled={gone: hour(5)},
    )

    assert served(replay(record, ACTIVE)) == [("N1",)]


def test_a_busy_node_is_passed_over_until_its_orders_have_left() -> None:
    profile = {"": Profile(orders_per_day={"N1": 1}, busy_days_max=0, busy_rule="hard")}
    orders = [an_order(n, (MUG, 1)) for n in range(3)]
    record = a_record(
        {(MUG, N1): 9, (MUG, N2): 9}, (1, orders[0]), (2, orders[1]), (80, orders[2]),
        gone={orders[0].id: [(hour(20), N1.id)]},
    )  # fmt: skip

    assert served(replay(record, profile)) == [("N1",), ("N2",), ("N1",)]


def test_the_cheapest_plan_is_found_for_those_of_one_moment_together() -> None:
    profile = {"": Profile(choose_by="cost", priority_weight=0, split_minor=500)}
    record = a_record({(MUG, N1): 1, (MUG, N2): 1, (PEN, N2): 1}, (1, an_order(1, (MUG, 1), (PEN, 1))))

    (fate,) = replay(record, profile).orders

    assert fate.nodes == ("N2",)


# ---- figures


def compared(record: Record, draft: Profile, measure: Profile | None = None) -> Any:
    before, after = replay(record, ACTIVE), replay(record, {"": draft})
    recorded = {order.id: Recorded(("N1",), by_another=False) for _, order in record.orders}
    return compare(record, before, after, recorded, measure or yardstick(draft, Profile())[0])


def test_both_sides_are_measured_by_the_same_rates() -> None:
    draft = Profile(excluded_nodes=("N1",), handling_minor=10, split_minor=200, late_day_minor=50)
    promised = hour(30)
    one, two = (an_order(n, (MUG, 2), (PEN, 1), promise_at=promised) for n in (1, 2))
    record = a_record({(MUG, N1): 4, (PEN, N1): 1, (PEN, N2): 9, (MUG, N2): 2}, (1, one), (2, two))

    found = compared(record, draft)
    before, after = found.before.figures, found.after.figures

    # In force: the first from N1 whole, 450 g; the second from N2 whole. Both are a day late.
    assert before.cost == {"freight": 600, "handling": 60, "split": 0, "lateness": 100, "scarcity": 0}
    assert (before.shipments, before.splits, before.late, before.late_days) == (2, 0.0, 2, 2)
    # The draft: N2 has mugs for the first only; the second sends its pen, and waits.
    assert (after.shipments, after.units, after.waiting, after.backordered) == (2, 4, 2, 2)
    assert after.lateness == {**dict.fromkeys(LATENESS, 0), "1 day late": 1, "not served": 1}
    assert (found.trust.same, found.trust.orders) == (1, 2)
    assert [(one.number, one.before, one.after, one.lacks_after) for one in found.changed] == [
        ("SO-1", ("N1",), ("N2",), 0), ("SO-2", ("N2",), ("N2",), 2),
    ]  # fmt: skip
    assert found.changed[0].why.startswith("N1 is excluded; N2 is the preferred node")
    assert [(load.node, load.orders, load.peak_orders) for load in found.after.nodes] == [
        ("N1", 0, 0),
        ("N2", 2, 2),
    ]


def test_each_shipment_after_the_first_costs_the_penalty_of_a_split() -> None:
    draft = Profile(nodes_per_order_max=1, split_minor=200)
    record = a_record({(MUG, N1): 1, (PEN, N2): 1}, (1, an_order(1, (MUG, 1), (PEN, 1))))

    found = compared(record, draft)

    assert [side.figures.cost["split"] for side in (found.before, found.after)] == [200, 0]
    assert [side.figures.splits for side in (found.before, found.after)] == [1.0, 0.0]
    assert found.before.figures.parcels == {"1": 0, "2": 1, "3": 0, "4 or more": 0}
    assert (
        found.changed[0].why
        == "N2 has 1 of 2 units left; it may not come in more shipments, and N1 has only part of it"
    )


def test_the_rates_are_the_drafts_or_those_in_force_where_it_has_none() -> None:
    dear, plain = Profile(handling_minor=9), Profile()

    assert yardstick(dear, plain) == (dear, "draft")
    assert yardstick(plain, dear) == (dear, "in force")


def test_the_same_profile_changes_nothing() -> None:
    record = a_record({(MUG, N1): 3, (MUG, N2): 9}, *((n, an_order(n, (MUG, 2))) for n in range(5)))

    found = compared(record, Profile())

    assert (found.changed, found.before) == ((), found.after)


# ---- properties

PROFILES = st.builds(
    Profile,
    choose_by=st.sampled_from(("preference", "cost", "line")),
    nodes_per_order_max=st.integers(1, 3),
    excluded_nodes=st.sampled_from(((), ("N1",), ("N2",))),
    orders_per_day=st.sampled_from(({}, {"N1": 1})),
    busy_days_max=st.sampled_from((None, 0)),
    split_minor=st.sampled_from((0, 300)),
    scarcity_minor=st.sampled_from((0, 300)),
)
POLICIES = st.sampled_from(("partial_backorder", "ship_complete", "line_complete", "partial_cancel"))
SKUS, NODES, UNITS = st.sampled_from((MUG, PEN)), st.sampled_from((N1, N2)), st.integers(1, 5)


DEPARTURES = st.lists(
    st.tuples(st.integers(0, 60).map(hour), NODES.map(lambda node: node.id)), min_size=1, max_size=2
).map(sorted)


@st.composite
def records(draw: st.DrawFn) -> Record:
    orders = [
        (
            float(draw(st.integers(0, 60))),
            an_order(
                n, *draw(st.lists(st.tuples(SKUS, UNITS), min_size=1, max_size=3)), policy=draw(POLICIES),
                priority=draw(st.integers(1, 9)), promise_at=draw(st.sampled_from((None, hour(40)))),
            ),
        )
        for n in range(draw(st.integers(1, 8)))
    ]  # fmt: skip
    ids = [order.id for _, order in orders]
    changes = draw(
        st.lists(
            st.builds(
                lambda at, sku, node, units: Change(hour(at), sku, node.id, units),
                st.integers(0, 60), SKUS, NODES, st.integers(-4, 6).filter(bool),
            ), max_size=8,
        )
    )  # fmt: skip
    after = st.integers(61, 70).map(hour)
    return a_record(
        draw(st.dictionaries(st.tuples(SKUS, NODES), st.integers(-2, 9))), *sorted(orders, key=lambda one: one[0]),
        changes=changes, gone=draw(st.dictionaries(st.sampled_from(ids), DEPARTURES)),
        cancelled=draw(st.dictionaries(st.sampled_from(ids), after, max_size=2)),
    )  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(records(), PROFILES)
def test_nothing_is_served_that_was_not_there_and_every_unit_is_accounted_for(
    record: Record, profile: Profile
) -> None:
    """Invariants 4 and 5 of simulation."""
    found = replay(record, {"": profile})

    sent: Counter[tuple[UUID, UUID]] = Counter()
    for fate in found.orders:
        served = 0
        for share in fate.shares:
            assert share.units >= 0
            sent[share.line.sku, share.node.id] += share.units
            served += share.units
        wanted = sum(line.quantity for line in fate.order.lines)
        assert served + sum(fate.waits.values()) + fate.cancelled + fate.withdrawn == wanted
        assert fate.backordered >= sum(fate.waits.values())
    for key, units in sent.items():
        there = record.free.get(key, 0)
        moved = [one.units for one in record.changes if (one.sku, one.node) == key]
        assert units <= max(0, there) + sum(one for one in moved if one > 0)
        # What the record lost is taken from what was there, or told.
        assert units <= max(there + sum(moved), 0) + found.unexplained + max(0, -there)


@settings(max_examples=40, deadline=None)
@given(records(), PROFILES)
def test_the_same_record_and_profile_come_out_the_same(record: Record, profile: Profile) -> None:
    """Invariant 6 of simulation."""
    assert compared(record, profile) == compared(record, profile)


@settings(max_examples=60, deadline=None)
@given(records(), PROFILES)
def test_parts_add_up_to_the_whole(record: Record, profile: Profile) -> None:
    side = compared(record, profile).after
    figures = side.figures

    assert sum(one.orders for one in side.channels.values()) == figures.orders
    assert sum(one.cost_minor for one in side.channels.values()) == figures.cost_minor
    assert sum(load.orders for load in side.nodes) == figures.shipments
    assert sum(load.units for load in side.nodes) == figures.units
    assert sum(figures.lateness.values()) == figures.promised
