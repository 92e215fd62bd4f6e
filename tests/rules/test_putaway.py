"""Where goods are put, and why there."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.kernel.ids import uuid7
from entrepot.warehouse.putaway import (
    Goods,
    PutAwayPolicy,
    Shelf,
    classes,
    misfit_slot,
    suggest,
    suggest_whole,
    total,
)

MUG, CAKE = uuid7(), uuid7()


def shelf(code: str, far: float = 1, **said) -> Shelf:
    return Shelf(uuid7(), code, far, **said)


def chosen(goods: Goods, *shelves: Shelf) -> list[tuple[str, int, str]]:
    return [(one.code, one.quantity, one.rule) for one in suggest(goods, shelves)]


def holding(*what: tuple[UUID, str]) -> frozenset[tuple[UUID, str]]:
    return frozenset(what)


def test_the_skus_own_bin_comes_first_then_where_it_stands_then_free_ones_of_its_class_then_the_nearest():
    shelves = [
        shelf("near", 1, volume_ml=1000),
        shelf("for A", 9, velocity="A", volume_ml=1000),
        shelf("same", 5, holds=holding((MUG, "")), volume_ml=1000, taken_ml=500),
        shelf("own", 9, fixed_for=MUG, volume_ml=1000),
        shelf("far", 50),
        shelf("of another", 0, holds=holding((CAKE, ""))),
        shelf("kept for another", 0, fixed_for=CAKE),
    ]
    assert chosen(Goods(MUG, "", 40, 100, "A"), *shelves) == [
        ("own", 10, "fixed"), ("same", 5, "same SKU"), ("for A", 10, "velocity"), ("near", 10, "nearest"),
        ("far", 5, "nearest"),
    ]  # fmt: skip


def test_lots_stand_apart_but_in_the_skus_own_bin():
    old, new = shelf("old", 1, holds=holding((CAKE, "L1"))), shelf("new", 9, holds=holding((CAKE, "L2")))
    assert chosen(Goods(CAKE, "L2", 5), old, new) == [("new", 5, "same lot")]
    own = shelf("own", 1, fixed_for=CAKE, holds=holding((CAKE, "L1")))
    assert chosen(Goods(CAKE, "L2", 5), own) == [("own", 5, "fixed")]


def test_a_free_bin_of_the_next_class_is_better_than_one_of_the_last():
    shelves = [shelf("for C", 1, velocity="C"), shelf("for B", 9, velocity="B")]
    assert chosen(Goods(MUG, "", 1, 0, "A"), *shelves)[0][0] == "for B"


def test_what_fits_nowhere_is_left():
    assert chosen(Goods(MUG, "", 5, 600), shelf("small", volume_ml=1000), shelf("tiny", volume_ml=500)) == [
        ("small", 1, "nearest")
    ]
    assert chosen(Goods(MUG, "", 5), shelf("of another", holds=holding((CAKE, "")))) == []


def test_one_suggestion_does_not_take_the_room_of_another():
    one = shelf("one", volume_ml=1000)
    assert chosen(Goods(MUG, "", 5, 100), one) == [("one", 5, "nearest")]
    assert chosen(Goods(CAKE, "", 5, 100), one) == []
    assert chosen(Goods(MUG, "", 6, 100), one) == [("one", 5, "same SKU")]


def test_every_choice_says_why():
    (one,) = suggest(Goods(MUG, "", 5, 100, "B"), [shelf("x", 12, velocity="B", volume_ml=2000)])
    assert one.why == "free, for class B, 12 away, room for 20"
    assert one.why.facts == ("free, for class B, 12 away", 20), "a page can tell each part in its language"


@given(
    st.integers(1, 200),
    st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 9), st.sampled_from(["", "A", "B", "C"])), max_size=8
    ),
)
def test_invariant_23_no_more_than_fits_and_no_more_than_there_is(quantity, bins):
    shelves = [shelf(str(i), far, volume_ml=ml, velocity=name) for i, (ml, far, name) in enumerate(bins)]
    choices = suggest(Goods(MUG, "", quantity, 100, "A"), shelves)
    assert total(choices) <= quantity
    assert all(not one.volume_ml or one.taken_ml <= one.volume_ml for one in shelves)
    fits = sum(ml // 100 for ml, _, _ in bins) if all(ml for ml, _, _ in bins) else quantity
    assert total(choices) == min(quantity, fits)


def test_the_most_picked_skus_are_a_and_equals_are_equal():
    picks = {"a": 80, "b": 10, "c": 5, "d": 5, "e": 0}
    assert classes(picks, PutAwayPolicy()) == {"a": "A", "b": "B", "c": "B", "d": "B", "e": "C"}
    assert classes({}, PutAwayPolicy()) == {}


@given(st.dictionaries(st.integers(), st.integers(0, 1000), max_size=20))
def test_who_is_picked_more_is_never_of_a_lower_class(picks):
    found = classes(picks, PutAwayPolicy())
    assert found.keys() == picks.keys()
    assert all(found[one] <= found[other] for one in picks for other in picks if picks[one] >= picks[other])


def test_a_slot_and_a_policy_make_sense():
    assert misfit_slot("A", 0) is None
    assert isinstance(misfit_slot("D", 0), Invalid)
    assert isinstance(misfit_slot("", -1), Invalid)
    with pytest.raises(ValueError, match="together 100"):
        PutAwayPolicy(a_percent=90, b_percent=20)


def test_whole_pallets_go_to_reserve_and_the_rest_where_it_belongs():
    shelves = [
        shelf("face", 1, fixed_for=MUG, kind="pick"),
        shelf("near", 2, volume_ml=10_000, kind="reserve"),
        shelf("small", 3, volume_ml=4_000, kind="reserve"),
        shelf("far", 9, volume_ml=10_000, kind="reserve"),
    ]
    goods = Goods(MUG, "", 130, 100, "", 48)
    assert chosen(goods, *shelves) == [
        ("near", 96, "whole pallet"), ("face", 34, "fixed"),
    ]  # fmt: skip
    assert suggest(goods, shelves)[0].why.startswith("whole pallets of 48; ")


@given(
    st.integers(1, 300), st.integers(2, 60),
    st.lists(st.tuples(st.sampled_from(["pick", "reserve"]), st.integers(0, 200)), max_size=6),
)  # fmt: skip
def test_no_pallet_is_split_over_bins_of_reserve(quantity: int, pallet: int, rows: list[tuple[str, int]]):
    shelves = [shelf(str(i), i, volume_ml=room, kind=kind) for i, (kind, room) in enumerate(rows)]
    rooms = {one.code: one.room(Goods(MUG, "", quantity, 1)) for one in shelves}
    found = suggest(Goods(MUG, "", quantity, 1, "", pallet), shelves)
    assert total(found) <= quantity
    of_bin = {code: sum(one.quantity for one in found if one.code == code) for code in rooms}
    assert all(of_bin[code] <= room for code, room in rooms.items())
    whole = [one for one in found if one.rule == "whole pallet"]
    assert all(one.quantity % pallet == 0 for one in whole)
    assert total(whole) == min(
        quantity // pallet, sum(rooms[one.code] // pallet for one in shelves if one.kind == "reserve")
    ) * pallet  # fmt: skip


def test_what_fits_nowhere_whole_takes_no_room_from_what_does():
    shelves = [shelf("a", 1, volume_ml=1000), shelf("b", 2, volume_ml=1000, kind="reserve")]
    assert suggest_whole(Goods(MUG, "", 15, 100), shelves) is None
    assert [(one.taken_ml, one.holds) for one in shelves] == [(0, frozenset())] * 2
    found = suggest_whole(Goods(MUG, "", 8, 100), shelves)
    assert (found.code, found.quantity, found.rule) == ("b", 8, "whole pallet"), "reserve before others"
    assert suggest_whole(Goods(MUG, "", 8, 100), shelves).code == "a"
    assert suggest_whole(Goods(MUG, "", 8, 100), shelves) is None
