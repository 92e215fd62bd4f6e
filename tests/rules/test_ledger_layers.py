"""First in, first out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.ledger import layers
from entrepot.ledger.layers import Incoming, Layer, Piece

DAY = datetime(2026, 11, 1, tzinfo=UTC)
RECEIPT = UUID(int=1)

MOVES = st.lists(
    st.tuples(st.integers(-15, 20).filter(bool), st.integers(0, 10**6), st.integers(0, 3)), max_size=25
)


def came(units: int, value: int, day: int = 0, document: UUID = RECEIPT) -> Piece:
    return Piece(DAY + timedelta(days=day), document, units, value)


def test_the_first_that_came_leave_first_at_what_they_cost() -> None:
    # 100 at 10.00 and 100 at 12.00: 150 leave for 1,000 + 50 × 12 = 1,600; 50 at 12.00 are left.
    standing: list[Layer] = []

    pieces = layers.run(standing, [
        Incoming(100, (came(100, 100_000),)), Incoming(100, (came(100, 120_000, 1),)), Incoming(-150),
    ])  # fmt: skip

    assert layers.worth(pieces[2]) == 160_000
    assert [(one.quantity, one.value) for one in standing] == [(0, 0), (50, 60_000)]


def test_what_comes_from_another_node_stands_by_its_age() -> None:
    standing = [Layer(7, DAY + timedelta(days=5), RECEIPT, 2, 40)]

    _, (taken,) = layers.run(standing, [Incoming(3, (came(3, 30, 1),)), Incoming(-1)])

    assert taken == came(1, 10, 1)


def test_a_layer_loses_no_minor_unit() -> None:
    standing = [Layer(1, DAY, RECEIPT, 3, 100)]

    pieces = layers.run(standing, [Incoming(-1)] * 3)

    assert [layers.worth(one) for one in pieces] == [33, 34, 33]
    assert standing[0].value == 0


def test_more_than_stands_there_is_never_taken() -> None:
    with pytest.raises(AssertionError, match="2 units issued beyond"):
        layers.run([Layer(1, DAY, RECEIPT, 3, 100)], [Incoming(-5)])


@given(MOVES)
def test_value_is_the_sum_of_layers_and_none_is_negative(moves: list[tuple[int, int, int]]) -> None:
    """Ledger invariant_7: value = Σ layers, quantity × cost reconciles, and nothing is worth nothing."""
    standing: list[Layer] = []
    quantity = value = 0
    for units, cost, day in moves:
        if quantity + units < 0:
            continue
        (pieces,) = layers.run(standing, [Incoming(units, (came(units, cost, day),) if units > 0 else ())])
        quantity += units
        value += layers.worth(pieces) if units > 0 else -layers.worth(pieces)
        assert sum(one.quantity for one in pieces) == abs(units)
        assert (sum(one.quantity for one in standing), sum(one.value for one in standing)) == (
            quantity,
            value,
        )
        assert all(
            one.quantity >= 0 and one.value >= 0 and (one.quantity or not one.value) for one in standing
        )
        assert standing == sorted(standing)


@given(st.integers(-10_000, 10_000), st.integers(1, 50), st.integers(0, 50))
def test_a_cost_is_spread_to_the_minor_unit(amount: int, units: int, there: int) -> None:
    there = min(units, there)

    part = layers.part_on_hand(amount, units, there)

    assert abs(part * units - amount * there) < units
    assert part == (amount if there == units else part)
    assert part == (0 if not there else part)


def test_a_credit_takes_no_more_than_a_layer_is_worth() -> None:
    assert layers.add(-100, [(1, 20), (3, 300)]) == [-20, -75]
    assert layers.add(10, [(1, 0), (1, 0), (1, 0)]) == [4, 3, 3]
