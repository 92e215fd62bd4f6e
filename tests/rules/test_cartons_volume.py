"""Cartons by volume and weight, and what can't be in one: warehouse.cartons.volume"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrepot.warehouse.cartons import OWN, Carton, Item, by_volume, not_in
from entrepot.warehouse.rules import CARTONS

BRICK = Item(100, 100, 50, 250, kind="BRICK")
ACID = Item(100, 100, 50, 250, hazardous=True, kind="ACID")
UNKNOWN = Item(0, 0, 0, 0, kind="UNKNOWN")
SMALL, LARGE = Carton("small", 100, 100, 100, 1_000), Carton("large", 200, 200, 100, 1_500)


def told(goods, cartons=(SMALL, LARGE)):
    return [(one.carton and one.carton.code, dict(one.units)) for one in by_volume(goods, cartons)]


def test_the_smallest_that_holds_all_of_it_by_volume_and_weight():
    assert told([(1, BRICK, 2)]) == [("small", {1: 2})]
    assert told([(1, BRICK, 3)]) == [("large", {1: 3})]
    assert told([(1, UNKNOWN, 9)]) == [("small", {1: 9})]
    assert told([(1, BRICK, 1)], CARTONS) == [("XS", {1: 1})]
    # Both count as 2 cm³, and yet what is in the one does not go into the other.
    tight, wide = Carton("A", 11, 11, 10, 100), Carton("B", 13, 10, 10, 100)
    assert told([(1, Item(13, 10, 10, 1), 1)], [tight, wide]) == [("B", {1: 1})]


def test_what_none_holds_goes_into_several_and_what_fits_none_alone_by_itself():
    assert told([(1, BRICK, 7)]) == [("large", {1: 6}), ("small", {1: 1})]
    long = Item(900, 20, 20, 100)
    assert told([(1, long, 2), (2, BRICK, 1)]) == [("small", {2: 1}), (None, {1: 1}), (None, {1: 1})]
    assert told([(1, BRICK._replace(weight_g=2_000), 1)]) == [(None, {1: 1})]


def test_hazardous_goods_share_no_carton_with_others():
    assert told([(1, BRICK, 1), (2, ACID, 1)]) == [("small", {1: 1}), ("small", {2: 1})]


ITEMS = st.builds(
    Item,
    *[st.integers(0, 300)] * 3,
    st.integers(0, 2_000),
    hazardous=st.booleans(),
    kind=st.sampled_from("AB"),
)


@given(st.lists(st.tuples(ITEMS, st.integers(0, 40)), max_size=5))
def test_all_of_it_is_packed_once_and_nothing_that_may_not_be(goods):
    filled = by_volume([(key, *one) for key, one in enumerate(goods)], (SMALL, LARGE))
    for key, (_, units) in enumerate(goods):
        assert sum(one.units.get(key, 0) for one in filled) == units
    for one in filled:
        inside = [(goods[key][0], units) for key, units in one.units.items()]
        assert one.carton or sum(units for _, units in inside) == 1
        assert one.carton is None or not_in(one.carton, inside) is None


def test_what_can_not_be_in_a_carton_is_told():
    def why(carton, *goods, weighed=None):
        said = not_in(carton, goods, weighed)
        return said and str(said)

    assert why(SMALL, (BRICK, 2)) is None
    assert why(SMALL, (BRICK, 3)) == "the goods take 1500 cm³, it holds 1000 cm³"
    assert why(LARGE, (BRICK, 7)) == "it may hold 1500 g, these are 1750 g"
    assert why(LARGE, (BRICK, 7), weighed=1_500) is None
    assert why(LARGE, (BRICK, 1), weighed=1_501) == "it may hold 1500 g, these are 1501 g"
    long = BRICK._replace(length_mm=300)
    assert why(LARGE, (long, 1)) == "BRICK measures 300 × 100 × 50 mm, its inside is 200 × 200 × 100 mm"
    assert why(LARGE, (BRICK, 1), (ACID, 1)) == "ACID is hazardous and goes apart from other goods"
    assert why(Carton(OWN, 1, 1, 1, 1), (BRICK, 1), (ACID, 1)) is not None
    assert why(Carton(OWN, 1, 1, 1, 1), (BRICK, 9)) is None
    assert why(SMALL, (UNKNOWN, 99), (ACID, 0)) is None
