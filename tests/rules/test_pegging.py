"""Which supply a backorder waits for."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.sourcing.pegging import Backorders, Supply, Waiting, fairness, is_late, peg

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
NODES = [UUID(int=n) for n in (1, 2)]
LEAD = 7
POLICY = Backorders()


def waits(n: int, quantity: int, priority: int = 5, promise: int | None = None, nodes: tuple[int, ...] = (0, 1),
          lead: int = LEAD) -> Waiting:  # fmt: skip
    promise_at = None if promise is None else NOW + timedelta(days=promise)
    where = frozenset(NODES[i] for i in nodes)
    return Waiting(UUID(int=100 + n), UUID(int=200 + n), quantity, priority, promise_at, NOW, where, lead)


def comes(n: int, quantity: int, days: int, node: int = 0) -> Supply:
    return Supply(UUID(int=300 + n), NODES[node], quantity, TODAY + timedelta(days=days))


def dates(waiting: list[Waiting], supply: list[Supply]) -> dict[int, int]:
    """Days from today by number of the line."""
    return {p.line.int - 100: (p.on - TODAY).days for p in peg(waiting, supply, TODAY, POLICY)}


def test_supply_goes_by_priority_then_promise_and_the_rest_waits_for_the_next() -> None:
    waiting = [waits(1, 3), waits(2, 3, promise=2), waits(3, 3, priority=9)]

    assert dates(waiting, [comes(1, 6, 1), comes(2, 6, 5)]) == {3: 1, 2: 1, 1: 5}


def test_a_line_is_promised_for_when_its_last_unit_comes() -> None:
    assert dates([waits(1, 5)], [comes(1, 3, 1), comes(2, 3, 4)]) == {1: 4}


def test_what_nothing_covers_is_promised_after_the_usual_lead_time_and_the_last_supply() -> None:
    assert dates([waits(1, 5)], []) == {1: LEAD}
    assert dates([waits(1, 5)], [comes(1, 3, 20)]) == {1: 20}


def test_each_waits_as_long_as_its_channel_says_where_nothing_is_known() -> None:
    assert dates([waits(1, 5, lead=3), waits(2, 5, lead=21)], []) == {1: 3, 2: 21}
    assert dates([waits(1, 5, lead=3), waits(2, 5, lead=21)], [comes(1, 1, 9)]) == {1: 9, 2: 21}


@given(
    told=st.integers(-30, 30),
    lead=st.integers(0, 30),
    last=st.none() | st.integers(0, 30),
)
def test_a_day_by_lead_time_moves_only_when_it_has_passed_or_supply_says_so(
    told: int, lead: int, last: int | None
) -> None:
    before = waits(1, 5, lead=lead)._replace(told=TODAY + timedelta(days=told))
    after = dates([before], [] if last is None else [comes(1, 1, last)])[1]

    stays = min(told, lead) if told >= 0 else lead
    assert after == max(stays, last or 0)


def test_supply_at_a_node_that_does_not_serve_the_channel_is_for_others() -> None:
    assert dates([waits(1, 2, nodes=(1,)), waits(2, 2)], [comes(1, 2, 1, node=0)]) == {1: LEAD, 2: 1}


def test_supply_that_is_late_is_expected_soon_and_not_in_the_past() -> None:
    assert dates([waits(1, 2)], [comes(1, 2, -3)]) == {1: POLICY.late_supply_days}


def test_late_is_past_the_promise_by_more_than_is_tolerated() -> None:
    promised = NOW + timedelta(days=2)
    assert not is_late(TODAY + timedelta(days=2), promised.date(), Backorders())
    assert is_late(TODAY + timedelta(days=3), promised.date(), Backorders())
    assert not is_late(TODAY + timedelta(days=3), promised.date(), Backorders(tolerance_days=1))
    assert not is_late(TODAY + timedelta(days=30), None, Backorders())


lines = st.lists(
    st.builds(
        lambda quantity, priority, promise: (quantity, priority, promise),
        st.integers(1, 6), st.integers(1, 3), st.none() | st.integers(-2, 5),
    ), max_size=8,
)  # fmt: skip
coming = st.lists(st.tuples(st.integers(1, 9), st.integers(-3, 12), st.integers(0, 1)), max_size=6)


@given(lines, coming)
def test_no_supply_is_given_twice_and_every_line_gets_a_date(
    wanted: list[tuple[int, int, int | None]], supply: list[tuple[int, int, int]]
) -> None:
    waiting = [waits(n, *one) for n, one in enumerate(wanted)]
    arriving = [comes(n, *one) for n, one in enumerate(supply)]

    promises = peg(waiting, arriving, TODAY, POLICY)

    given_out: dict[UUID, int] = defaultdict(int)
    units = {one.line: one.quantity for one in waiting}
    for promise in promises:
        for one in promise.pegs:
            given_out[one.supply] += one.quantity
        taken = sum(one.quantity for one in promise.pegs)
        assert taken <= units[promise.line]
        assert promise.covered == (taken == units[promise.line])
        assert promise.on >= TODAY
    assert {promise.line for promise in promises} == set(units)
    assert all(given_out[one.line] <= one.quantity for one in arriving)
    assert sum(given_out.values()) == min(sum(units.values()), sum(one.quantity for one in arriving))


@given(lines, coming)
def test_who_is_more_urgent_never_waits_longer_than_a_less_urgent_line_of_the_same_size(
    wanted: list[tuple[int, int, int | None]], supply: list[tuple[int, int, int]]
) -> None:
    waiting = [waits(n, *one) for n, one in enumerate(wanted)]
    on = {p.line: p.on for p in peg(waiting, [comes(n, *s) for n, s in enumerate(supply)], TODAY, POLICY)}
    for size in {one.quantity for one in waiting}:
        in_turn = sorted((one for one in waiting if one.quantity == size), key=fairness)
        assert all(on[first.line] <= on[second.line] for first, second in pairwise(in_turn))


@given(lines, coming, st.integers(1, 10))
def test_supply_that_comes_later_makes_no_date_earlier(
    wanted: list[tuple[int, int, int | None]], supply: list[tuple[int, int, int]], days: int
) -> None:
    waiting = [waits(n, *one) for n, one in enumerate(wanted)]
    before = dates(waiting, [comes(n, *one) for n, one in enumerate(supply)])
    after = dates(waiting, [comes(n, q, max(0, d) + days, node) for n, (q, d, node) in enumerate(supply)])
    late = POLICY.late_supply_days  # what was late before is treated as coming so soon
    if all(d >= 0 or days >= late for _, d, _ in supply):
        assert all(after[line] >= before[line] for line in before)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(1, 9), st.integers(-3, 30)), max_size=5),
    st.integers(-5, 40),
)
def test_nothing_is_promised_for_before_its_day_and_nothing_else_changes(wanted, coming, days) -> None:
    waiting = [waits(n, units, priority) for n, (units, priority) in enumerate(wanted)]
    supply = [comes(n, units, on) for n, (units, on) in enumerate(coming)]
    day = TODAY + timedelta(days=days)

    usual = peg(waiting, supply, TODAY, POLICY)
    later = peg(waiting, supply, TODAY, POLICY, day)

    assert later == [one._replace(on=max(one.on, day)) for one in usual]
