"""Decisions about stock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.stock import rules

AT = datetime(2026, 11, 23, tzinfo=UTC)
UNITS = st.integers(0, 1000)


@given(UNITS, UNITS, UNITS, UNITS, UNITS)
def test_free_units_are_never_negative_and_fall_with_every_claim(
    sellable: int, promised: int, safety: int, fenced: int, buffer: int
) -> None:
    free = rules.free_units(sellable, promised, safety, fenced, buffer)

    assert 0 <= free <= sellable
    assert rules.free_units(sellable, promised, safety, fenced, buffer + 1) <= free
    assert rules.free_units(sellable + 1, promised, safety, fenced, buffer) <= free + 1


PROMISES = st.lists(
    st.builds(
        rules.Promise,
        st.integers(1, 2**100).map(lambda n: UUID(int=n)),
        st.integers(1, 20),
        st.booleans(),
        st.integers(0, 9),
        st.none() | st.integers(0, 5).map(lambda d: AT + timedelta(days=d)),
        st.integers(0, 5).map(lambda d: AT - timedelta(days=d)),
    ),
    unique_by=lambda promise: promise.allocation,
    max_size=8,
)


@given(PROMISES, st.integers(0, 200))
def test_displacing_frees_exactly_the_shortage_or_everything(
    promises: list[rules.Promise], shortage: int
) -> None:
    freed = rules.displace(promises, shortage)

    assert sum(units for _, units in freed) == min(shortage, sum(p.quantity for p in promises))
    assert all(0 < units <= promise.quantity for promise, units in freed)


@given(PROMISES, st.integers(1, 200))
def test_released_promises_are_the_last_to_be_displaced(promises: list[rules.Promise], shortage: int) -> None:
    freed = {promise.allocation: units for promise, units in rules.displace(promises, shortage)}
    some_released_lost = any(promise.released and promise.allocation in freed for promise in promises)

    if some_released_lost:
        assert all(freed.get(p.allocation) == p.quantity for p in promises if not p.released)


def a_promise(n: int, **facts: object) -> rules.Promise:
    usual = {"quantity": 1, "released": False, "priority": 5, "promise_at": AT, "ordered_at": AT}
    return rules.Promise(UUID(int=n), **(usual | facts))  # type: ignore[arg-type]


def test_the_least_urgent_is_displaced_first() -> None:
    urgent_first = [
        a_promise(1, released=True, priority=0),
        a_promise(2, priority=9),
        a_promise(3),
        a_promise(4, promise_at=AT + timedelta(days=1)),
        a_promise(5, promise_at=None, ordered_at=AT - timedelta(days=1)),
        a_promise(6, promise_at=None),
        a_promise(7, priority=1),
    ]

    displaced = [promise.allocation.int for promise, _ in rules.displace(urgent_first, 7)]

    assert displaced == [7, 6, 5, 4, 3, 2, 1]


@given(st.integers(0, 100), st.lists(st.integers(-20, 20), min_size=1, max_size=30))
def test_what_is_promised_on_a_day_breaks_no_later_promise(on_hand: int, changes: list[int]) -> None:
    supply = [(day, change) for day, change in enumerate(changes) if change > 0]
    demand = [(day, -change) for day, change in enumerate(changes) if change < 0]
    promise = rules.promise_by_day([(on_hand, supply)], demand, len(changes))
    projected = on_hand
    for day, change in enumerate(changes):
        projected += change
        assert promise[day] <= projected
        assert promise == sorted(promise[: day + 1]) + promise[day + 1 :]


def test_the_golden_vector_of_available_to_promise() -> None:
    # Dynamics 365 Inventory Visibility, "available to promise": on hand 20 and seven days of supply and demand.
    supply = [(2, 10), (4, 1), (5, 3)]

    assert rules.promise_by_day([(20, supply)], [(0, 3), (3, 15)], 7) == [12, 12, 12, 12, 13, 16, 16]
    # on the fourth day, with the ten that never came: their day is over
    late = [(-1, 10), (1, 1), (2, 3)]
    assert rules.promise_by_day([(17, late)], [(0, 15)], 4) == [2, 3, 6, 6]


def test_what_arrives_fills_the_gap_of_its_node_first() -> None:
    assert rules.promise_by_day([(-4, [(1, 10)]), (5, [])], [], 3) == [5, 11, 11]


def test_overdue_demand_is_owed_today() -> None:
    assert rules.promise_by_day([(5, [])], [(-3, 2)], 2) == [3, 3]


DATED = st.lists(st.tuples(st.integers(-3, 12), st.integers(1, 50)), max_size=6)
NODES = st.lists(st.tuples(st.integers(-50, 50), DATED), max_size=4)


@given(NODES, DATED, st.integers(1, 10))
def test_a_later_day_is_never_promised_less(
    nodes: list[tuple[int, list[tuple[int, int]]]], demand: list[tuple[int, int]], days: int
) -> None:
    promise = rules.promise_by_day(nodes, demand, days)

    assert len(promise) == days
    assert promise == sorted(promise)
    assert promise[0] <= sum(max(0, net + sum(u for d, u in supply if d == 0)) for net, supply in nodes)


@given(UNITS, UNITS, UNITS)
def test_a_channel_is_never_shown_more_than_is_free(free: int, threshold: int, at_most: int) -> None:
    shown = rules.shown_units(free, threshold, at_most)

    assert 0 <= shown <= free
    assert shown == 0 or (shown >= min(threshold, at_most or threshold) and (not at_most or shown <= at_most))
    assert rules.shown_units(-free, threshold, at_most) == 0


def test_an_adjustment_at_the_threshold_needs_no_approval_and_above_it_does() -> None:
    assert not rules.needs_approval(-50_000, 50_000)
    assert rules.needs_approval(-50_001, 50_000)
    assert not rules.needs_approval(10**9, None)


@given(st.lists(st.integers(-5, 40), max_size=8), st.integers(0, 9), st.integers(0, 30), st.integers(0, 30))
def test_what_is_sold_ahead_stays_within_its_day_and_its_limit(
    shown: list[int], first: int, sold: int, limit: int
) -> None:
    ahead = rules.sold_ahead(shown, first, sold, limit)

    assert len(ahead) == len(shown)
    assert not any(ahead[:first])
    for units, was in zip(ahead[first:], shown[first:], strict=True):
        assert units <= was
        assert not limit or units <= max(0, limit - sold)


NETS = st.dictionaries(st.integers(0, 20), st.integers(-9, 9), max_size=9)


@given(NETS, st.integers(0, 20))
def test_what_there_was_each_day_ends_at_what_came_less_what_went(nets: dict[int, int], days: int) -> None:
    first = date(2026, 3, 1)
    moved = {first + timedelta(days=place): net for place, net in nets.items() if place <= days}

    found = rules.levels(moved, first, first + timedelta(days=days))

    assert [day for day, _ in found] == [first + timedelta(days=i) for i in range(days + 1)]
    assert found[-1][1] == sum(moved.values())
    for (_, before), (day, units) in pairwise([(first, 0), *found]):
        assert units - before == moved.get(day, 0)


# ---- fences, carts and orders together

CHANNELS = [UUID(int=n) for n in range(3)]
CLAIMS = st.lists(
    st.tuples(st.sampled_from(["promise", "end"]), st.sampled_from(CHANNELS), st.integers(1, 12)),
    max_size=12,
)


@given(st.integers(0, 30), st.lists(st.integers(0, 12), min_size=3, max_size=3), CLAIMS)
def test_what_is_fenced_is_kept_from_others_once_and_never_promised_twice(
    sellable: int, fences: list[int], claims: list[tuple[str, UUID, int]]
) -> None:
    """Carts and orders of several channels take and give back, within their fences and beyond."""
    position = rules.Position(sellable, sum(fences), dict(zip(CHANNELS, fences, strict=True)))
    live: list[tuple[UUID, int, int]] = []
    for what, channel, units in claims:
        before = {one: position.free_for(one) for one in CHANNELS}
        own = position.fences[channel]
        if what == "promise" and units <= before[channel]:
            fenced = position.take(channel, units)
            live.append((channel, units, fenced))
            assert fenced == min(units, own)
            if units <= own and position.free >= position.fenced:
                assert all(position.free_for(one) == before[one] for one in CHANNELS if one != channel)
            assert position.free_for(channel) == before[channel] - units
        elif what == "end" and live:
            position.give_back(*live.pop(units % len(live)))
        assert sum(units for _, units, _ in live) <= sellable
        assert position.fenced == sum(position.fences.values())
    for one in live:
        position.give_back(*one)
    assert (position.free, position.fenced) == (sellable, sum(fences))
    assert list(position.fences.values()) == fences


def test_a_cart_inside_its_fence_counts_once() -> None:
    a, b = CHANNELS[:2]
    position = rules.Position(10, 5, {a: 5})
    assert (position.free_for(a), position.free_for(b)) == (10, 5)
    assert position.take(a, 5) == 5
    assert (position.free_for(a), position.free_for(b)) == (5, 5)
    position.give_back(a, 5, 5)
    assert (position.free_for(a), position.free_for(b)) == (10, 5)


@given(st.integers(0, 12), st.integers(0, 12), st.lists(st.integers(0, 12), min_size=3, max_size=3))
def test_what_is_given_back_and_promised_again_leaves_a_position_as_it_was(
    units: int, fenced: int, fences: list[int]
) -> None:
    """However much of the ring-fence is left: what was promised beyond it takes nothing of it the second time."""
    position = rules.Position(30, sum(fences), dict(zip(CHANNELS, fences, strict=True)))
    before = [position.free_for(one) for one in CHANNELS]
    position.give_back(CHANNELS[0], units, min(units, fenced))
    position.take_back(CHANNELS[0], units, min(units, fenced))
    assert (position.free, position.fenced, [position.fences[one] for one in CHANNELS]) == (
        30,
        sum(fences),
        fences,
    )
    assert [position.free_for(one) for one in CHANNELS] == before


def test_a_cart_may_hold_what_its_channel_is_shown() -> None:
    assert rules.may_hold([(9, 1)], threshold=0, at_most=0) == 9
    assert rules.may_hold([(9, 1)], threshold=10, at_most=0) == 0
    assert rules.may_hold([(9, 1)], threshold=0, at_most=4) == 4
    assert rules.may_hold([(9, 2), (9, 4)], threshold=2, at_most=0) == 2
    assert rules.may_hold([(9, 2), (9, 4)], threshold=3, at_most=0) == 0
    assert rules.may_hold([(9, 1)], 0, 0, ahead=(3, 5)) == 2
    assert rules.may_hold([(9, 1)], 0, 0, ahead=(7, 5)) == 0
    assert rules.may_hold([(9, 1)], 0, 0, ahead=(7, 0)) == 9


@given(UNITS, st.integers(0, 50), st.integers(0, 50), UNITS, st.integers(0, 50))
def test_a_cart_never_holds_more_than_is_shown(
    free: int, threshold: int, at_most: int, sold: int, limit: int
) -> None:
    most = rules.may_hold([(free, 1)], threshold, at_most, (sold, limit))
    assert 0 <= most <= rules.shown_units(free, threshold, at_most)
    assert not limit or most <= max(0, limit - sold)
