"""orders.kits: what the components of a kit bear of its amounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import ids
from entrepot.orders import kits
from entrepot.orders.rules import Frozen


def part(price: str | None, units: int = 1) -> kits.Part:
    return kits.Part(ids.uuid7(), "MUG", units, None if price is None else Decimal(price))


def test_a_kit_is_split_by_what_its_components_cost_alone():
    # 4 × 12.50 and 50: half of 80.00 each; 10.01 of discount leaves the odd cent with the first.
    shares = kits.split(Frozen(80_00, 10_01, 5_00, 14_00), [part("12.50", 4), part("50")])
    assert shares == [Frozen(40_00, 5_01, 2_50, 7_00), Frozen(40_00, 5_00, 2_50, 7_00)]


def test_what_costs_nothing_alone_bears_nothing():
    shares = kits.split(Frozen(9_99, 99, 1_00, 2_00), [part("0"), part("5")])
    assert shares == [Frozen(0, 0, 0, 0), Frozen(9_99, 99, 1_00, 2_00)]


def test_without_a_list_price_every_unit_bears_the_same():
    shares = kits.split(Frozen(40_00, 0, 0, 0), [part("99", 3), part(None, 1)])
    assert [one.gross for one in shares] == [30_00, 10_00]
    assert kits.weights([part("0", 3), part("0")]) == [3, 1]


def test_a_kit_that_is_given_away_still_bears_its_shipping():
    shares = kits.split(Frozen(10_00, 10_00, 3_01, 0), [part("5"), part("5")])
    assert [one.shipping for one in shares] == [1_51, 1_50]


def test_the_price_of_a_unit_follows_from_what_its_line_bears():
    assert kits.unit_price(10_00, 3, "GBP") == Decimal("3.333333")
    assert kits.unit_price(10, 4, "JPY") == Decimal("2.5")


prices = st.none() | st.decimals(0, 10_000, places=6, allow_nan=False, allow_infinity=False)
parts = st.lists(
    st.builds(kits.Part, st.uuids(), st.just("X"), st.integers(1, 50), prices), min_size=1, max_size=8
)
amounts = st.integers(0, 10**9)


@st.composite
def frozen(draw):
    gross = draw(amounts)
    return Frozen(gross, draw(st.integers(0, gross)), draw(amounts), draw(amounts))


@given(frozen(), parts)
def test_the_components_bear_all_of_the_kit_to_the_cent_and_no_more_discount_than_they_cost(whole, made_of):
    """Invariant 16: amounts are neither lost nor made."""
    shares = kits.split(whole, made_of)

    assert len(shares) == len(made_of)
    assert tuple(map(sum, zip(*shares, strict=True))) == whole
    assert all(0 <= one.discount <= one.gross for one in shares)
    assert all(one.shipping >= 0 and one.tax >= 0 for one in shares)


@given(frozen(), parts)
def test_dearer_components_bear_no_less(whole, made_of):
    weights = kits.weights(made_of)
    shares = kits.split(whole, made_of)
    assert all(
        one.gross + 1 >= other.gross
        for a, one in zip(weights, shares, strict=True)
        for b, other in zip(weights, shares, strict=True)
        if a >= b
    )


@dataclass(frozen=True)
class Promo:
    amount_minor: int


@dataclass(frozen=True)
class Asked:
    sku: str
    quantity: int
    unit_price: Decimal
    discount_minor: int
    promotions: tuple[Promo, ...] = ()


@given(st.lists(st.tuples(frozen(), st.none() | parts, st.integers(1, 9)), max_size=4), st.data())
def test_an_order_bears_the_same_expanded_and_each_kit_is_whole(rows, data):
    """Invariants 10 and 16: no amount of a line is lost, no promotion either, and none is beyond its discount."""
    lines = []
    for amounts, _, quantity in rows:
        first = data.draw(st.integers(0, amounts.discount))
        promos = (Promo(first), Promo(data.draw(st.integers(0, amounts.discount - first))))
        lines.append(Asked("X", quantity, Decimal(1), amounts.discount, promos))

    found = kits.expand(lines, [row[0] for row in rows], [row[1] for row in rows], "GBP")

    assert len(found) == sum(len(made_of or [0]) for _, made_of, _ in rows)
    assert sum(share.total for _, share, _ in found) == sum(amounts.total for amounts, _, _ in rows)
    assert sum(one.amount_minor for line, _, _ in found for one in line.promotions) == sum(
        one.amount_minor for line in lines for one in line.promotions
    )
    assert all(
        sum(one.amount_minor for one in line.promotions) <= line.discount_minor for line, _, _ in found
    )
    for number in {of.number for _, _, of in found} - {0}:
        of_kit = [(line.quantity, of.units) for line, _, of in found if of.number == number]
        assert len({quantity // units for quantity, units in of_kit}) == 1
        assert all(quantity % units == 0 for quantity, units in of_kit)


def stands(waits: int, held: int, cancelled: int = 0, *, gone: int = 0, per_kit: int = 1) -> kits.Stands:
    return kits.Stands(ids.uuid7(), 1, per_kit, waits + held + cancelled + gone, cancelled, waits, held)


def test_what_belongs_to_a_kit_that_is_not_whole_is_called_back():
    mugs, pens = stands(0, 6, per_kit=2), stands(1, 2)
    assert kits.halves([mugs, pens]) == {mugs.line: 2}
    assert kits.halves([mugs, stands(0, 3)]) == {}
    assert kits.halves([mugs, pens._replace(kit=2)]) == {}, "of another kit"


def test_what_was_cancelled_of_one_component_or_has_left_calls_nothing_back():
    assert kits.halves([stands(1, 1), stands(0, 1, cancelled=1)]) == {}
    assert kits.halves([stands(1, 0), stands(0, 0, gone=1)]) == {}
    policy = stands(0, 1, cancelled=1)  # one kit was cancelled whole; of the other a component was lost
    assert kits.halves([stands(1, 0, cancelled=1), policy]) == {policy.line: 1}


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4)), min_size=n, max_size=n)
    ),
    st.integers(1, 4),
)
def test_after_it_only_whole_kits_stand(wanted: list[tuple[int, int]], count: int):
    parts = []
    for per_kit, waits in wanted:
        units = per_kit * count
        waiting = min(waits, units)
        parts.append(stands(waiting, units - waiting, per_kit=per_kit))
    back = kits.halves(parts)
    left = [part.held - back.get(part.line, 0) for part in parts]
    whole = min(part.held // part.per_kit for part in parts)
    assert left == [whole * part.per_kit for part in parts]
    moved = [
        part._replace(waits=part.quantity - rest, held=rest) for part, rest in zip(parts, left, strict=True)
    ]
    assert kits.halves(moved) == {}


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 60)), min_size=1, max_size=6), st.data())
def test_kits_that_go_leave_what_any_order_of_going_leaves(found, data):
    parts = [kits.Left(ids.uuid7(), per_kit, units) for per_kit, units in found]
    left = kits.kits_left(parts)
    gone = data.draw(st.integers(0, left))
    first = data.draw(st.integers(0, gone))

    def after(parts, count):
        out = dict(kits.taken_out(parts, count))
        return [part._replace(units=part.units - out.get(part.line, 0)) for part in parts]

    at_once = after(parts, gone)
    assert kits.kits_left(at_once) == left - gone
    assert after(after(parts, first), gone - first) == at_once
    assert all(0 <= part.units <= (left - gone) * part.per_kit for part in at_once)
    assert after(parts, left) == [part._replace(units=0) for part in parts]


def test_a_kit_that_lacks_a_component_goes_first():
    mugs, pens = kits.Left(ids.uuid7(), 4, 12), kits.Left(ids.uuid7(), 1, 2)
    assert kits.kits_left([mugs, pens]) == 3
    assert kits.taken_out([mugs, pens], 1) == [(mugs.line, 4)]
    assert kits.taken_out([mugs, pens], 2) == [(mugs.line, 8), (pens.line, 1)]
