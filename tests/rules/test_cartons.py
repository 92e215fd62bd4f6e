"""Which cartons are proposed, where everything goes in them, and what the verifier sees."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import packing
from bench.exact_packing import fits, least
from entrepot.warehouse.cartons import (
    SUPPORT_PERCENT,
    Carton,
    Item,
    Packed,
    Place,
    Proposal,
    impossible,
    propose,
    proposed,
)
from entrepot.warehouse.cartons.problem import turned
from entrepot.warehouse.cartons.search import search

SMALL = Carton("S", 200, 150, 100, 5_000, 80, 20)
LARGE = Carton("L", 400, 300, 200, 20_000, 300, 60)
CARTONS = (LARGE, SMALL)
BOOK = Item(200, 150, 25, 400)
GLASS = Item(80, 80, 100, 150, fragile=True, upright=True)


def codes(proposal: Proposal) -> list[str]:
    return [one.carton.code for one in proposal.packed]


def test_the_carton_of_least_cost_that_holds_all_of_it():
    assert codes(propose([BOOK] * 4, CARTONS)) == ["S"]  # exactly full
    assert codes(propose([BOOK] * 5, CARTONS)) == ["L"]
    dear = SMALL._replace(cost_minor=90)
    assert codes(propose([BOOK], [dear, LARGE])) == ["L"]


def test_a_weight_limit_counts_as_a_wall_does():
    heavy = BOOK._replace(weight_g=2_000)
    assert codes(propose([heavy] * 2, CARTONS)) == ["S"]
    assert codes(propose([heavy] * 3, CARTONS)) == ["L"]


def test_what_stands_upright_is_not_laid_down():
    lamp = Item(90, 90, 180)
    assert codes(propose([lamp], CARTONS)) == ["S"]
    assert codes(propose([lamp._replace(upright=True)], CARTONS)) == ["L"]


def test_nothing_stands_on_what_is_fragile():
    plate = Item(200, 150, 50, fragile=True)
    assert codes(propose([plate, BOOK, BOOK], CARTONS)) == ["S"]
    packed = propose([plate, BOOK, BOOK], CARTONS).packed[0]
    assert max(packed.places, key=lambda one: one.z).item == 0
    assert codes(propose([plate, plate], CARTONS)) == ["L"]  # side by side


def test_hazardous_goods_go_in_a_carton_of_their_own():
    spray = Item(60, 60, 90, 300, hazardous=True)
    proposal = propose([BOOK, spray, BOOK, spray], CARTONS)
    assert [sorted(one.item for one in packed.places) for packed in proposal.packed] == [[0, 2], [1, 3]]


def test_several_cartons_where_one_does_not_hold_it_and_the_last_is_small():
    assert codes(propose([BOOK] * 34, CARTONS)) == ["L", "S"]  # 32 fill the large one


def test_what_no_carton_holds_is_said_and_the_rest_is_packed():
    pole = Item(1_500, 30, 30)
    assert propose([pole, BOOK], CARTONS).unfit == (0,)
    assert codes(propose([pole, BOOK], CARTONS)) == ["S"]
    assert propose([pole], CARTONS) == Proposal((), (0,))


def test_nothing_is_proposed_for_what_was_not_measured_and_for_a_pallet_of_pieces():
    assert proposed([BOOK, Item(0, 0, 0, 400)], CARTONS) is None
    assert proposed([BOOK] * 251, CARTONS) is None
    assert proposed([BOOK], []) is None


def test_the_search_finds_what_orders_alone_do_not():
    """Two long, two wide and a cube in a pinwheel: no two of the four lie side by side."""
    wheel = [Item(2, 1, 1), Item(2, 1, 1), Item(2, 1, 1), Item(2, 1, 1), Item(1, 1, 1)]
    found, certain = search(Carton("3×3", 3, 3, 1, 1_000), wheel, 5_000)
    assert certain
    assert found is not None
    assert impossible(wheel, Proposal((Packed(Carton("3×3", 3, 3, 1, 1_000), tuple(found)),))) == []
    assert search(Carton("3×3", 3, 3, 1, 1_000), [*wheel, Item(1, 1, 1)], 5_000) == (None, True)


def test_a_thing_that_would_tip_goes_beside_and_not_upon():
    """A plate on a block half as long tips; on two blocks it bridges the gap between them."""
    block, plate = Item(100, 140, 60), Item(200, 140, 30, upright=True)
    assert codes(propose([block, plate], [SMALL, LARGE])) == ["S"], "the block goes on the plate"
    glass = plate._replace(fragile=True)
    assert codes(propose([block, glass], [SMALL, LARGE])) == ["L"]
    assert codes(propose([block, glass], [SMALL, LARGE], support=50)) == ["S"]
    low = block._replace(width_mm=70, upright=True)
    assert codes(propose([low, low, low, low, glass], [SMALL, LARGE])) == ["S"], "four carry it together"


def test_goods_for_two_cartons_are_divided_so_that_the_cartons_are_small():
    """Filled one after the other, the large carton takes both bricks and the rest needs a large one too."""
    brick, slab = Item(390, 290, 90, upright=True), Item(190, 140, 45, upright=True)
    found = propose([brick, brick, slab, slab], CARTONS)
    assert codes(found) == ["L", "S"]
    middle = Carton("M", 400, 300, 100, 20_000, 200, 35)
    found = propose([brick, brick, brick], [*CARTONS, middle])
    assert sorted(codes(found)) == ["L", "M"]


sides = st.integers(10, 420)
items = st.lists(
    st.builds(
        Item, sides, sides, sides, st.integers(0, 4_000), st.booleans(), st.booleans(),
        st.sampled_from([False, False, True]),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


@given(items, st.sampled_from([0, 40, SUPPORT_PERCENT, 100]))
@settings(deadline=None)
def test_no_proposal_is_impossible(wanted: list[Item], support: int):
    proposal = propose(wanted, CARTONS, steps=60, support=support)
    assert impossible(wanted, proposal, support) == []
    assert impossible(wanted, proposal, 0) == [], "what stands well stands, too, where less is asked"
    for i in proposal.unfit:  # and what is left out fits nowhere
        assert all(
            wanted[i].weight_g > carton.max_weight_g
            or not any(
                way[0] <= carton[1] and way[1] <= carton[2] and way[2] <= carton[3]
                for way in turned(wanted[i])
            )
            for carton in CARTONS
        )


@given(items, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_the_same_items_have_the_same_proposal_again(wanted: list[Item], dice: random.Random):
    assert propose(wanted, CARTONS, steps=60) == propose(wanted, tuple(reversed(CARTONS)), steps=60)


# ---- the verifier


def of(*places: Place, carton: Carton = SMALL, unfit: Sequence[int] = ()) -> Proposal:
    return Proposal((Packed(carton, places),), tuple(unfit))


AT_ORIGIN = Place(0, 0, 0, 0, 200, 150, 25)


@pytest.mark.parametrize(
    ("wanted", "proposal", "says"),
    [
        ([BOOK], of(AT_ORIGIN._replace(x=1)), "stands out of it"),
        ([BOOK], of(AT_ORIGIN._replace(z=-1)), "stands out of it"),
        ([BOOK], of(AT_ORIGIN._replace(z=30)), "hangs in the air"),
        ([BOOK], of(AT_ORIGIN._replace(height=24)), "can't stand as 200 × 150 × 24"),
        ([BOOK._replace(upright=True)], of(Place(0, 0, 0, 0, 25, 150, 200), carton=LARGE), "can't stand as"),
        ([BOOK, BOOK], of(AT_ORIGIN, Place(1, 0, 0, 24, 200, 150, 25)), "overlap"),
        ([BOOK._replace(weight_g=5_001)], of(AT_ORIGIN), "holds 5001 g and may hold 5000 g"),
        ([BOOK._replace(fragile=True), BOOK], of(AT_ORIGIN, Place(1, 0, 0, 25, 200, 150, 25)), "which is fragile"),
        ([BOOK, BOOK._replace(hazardous=True)], of(AT_ORIGIN, Place(1, 0, 0, 25, 200, 150, 25)), "hazardous"),
        ([BOOK, BOOK], of(AT_ORIGIN), "item 1 is nowhere"),
        ([BOOK], of(AT_ORIGIN, unfit=[0]), "item 0 is packed 2 times"),
        ([], of(AT_ORIGIN), "item 0 is unknown"),
        ([BOOK], of(unfit=[0]), "holds nothing"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_said(wanted: list[Item], proposal: Proposal, says: str):
    found = impossible(wanted, proposal)
    assert any(says in sentence for sentence in found), found


def test_what_rests_on_too_little_of_its_base_is_said():
    """Its base is 100 × 100; what it lies on are 40 and 20 of its length, with a gap of 40 between."""
    wanted = [Item(40, 100, 20), Item(100, 100, 20), Item(20, 100, 20)]
    bridge = of(
        Place(0, 0, 0, 0, 40, 100, 20), Place(2, 80, 0, 0, 20, 100, 20), Place(1, 0, 0, 20, 100, 100, 20)
    )
    assert impossible(wanted, bridge) == [
        "carton 1 (S): item 1 rests on 60 % of its base, 70 % are asked for"
    ]
    assert impossible(wanted, bridge, 60) == []
    assert impossible(wanted, bridge, 61) != []


def test_something_beside_a_fragile_thing_and_something_far_above_it_differ():
    glass, low = GLASS._replace(height_mm=40, upright=False), Item(80, 80, 40)
    beside = of(Place(0, 0, 0, 0, 80, 80, 40), Place(1, 80, 0, 0, 80, 80, 40))
    assert impossible([glass, low], beside) == []
    bridge = of(
        Place(0, 0, 0, 0, 80, 80, 40), Place(1, 80, 0, 0, 80, 80, 60), Place(2, 0, 0, 60, 160, 80, 20)
    )  # fmt: skip
    found = impossible([glass, Item(80, 80, 60), Item(160, 80, 20)], bridge, 50)
    assert found == ["carton 1 (S): item 2 stands above item 0, which is fragile"]


# ---- goods of a real catalog


@pytest.mark.slow
@pytest.mark.skipif(not packing.products(), reason="the products of the Olist data are not here")
def test_no_order_of_real_goods_has_an_impossible_packing():
    took, wrong = packing.proposed(3_000, seed=7)
    assert (len(took), wrong) == (3_000, [])


@pytest.mark.soak
@pytest.mark.skipif(not packing.products(), reason="the products of the Olist data are not here")
def test_no_order_of_a_hundred_thousand_has_an_impossible_packing():
    took, wrong = packing.proposed(100_000, seed=11)
    assert (len(took), wrong) == (100_000, [])


@pytest.mark.slow
@pytest.mark.skipif(not packing.products(), reason="the products of the Olist data are not here")
def test_the_cartons_of_real_orders_are_hardly_larger_than_an_exact_search_finds():
    pytest.importorskip("ortools")
    single, several = packing.against_exact(60, 1.0)
    assert (single.groups > 50, several.groups > 4) == (True, True)
    assert (single.undecided, several.undecided) == (0, 0)
    assert single.over <= 5
    assert several.over <= 5


# ---- the exact search that the packer is measured by


@given(
    st.lists(
        st.builds(
            lambda *sides, fragile: Item(*sides, fragile=fragile),
            *[st.integers(1, 4)] * 3,
            fragile=st.booleans(),
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(deadline=None, max_examples=40)
def test_the_exact_search_never_finds_less_than_the_packer_can_reach_nor_more_than_it_did(wanted: list[Item]):
    pytest.importorskip("ortools")
    kinds = [Carton("4", 4, 4, 4, 1_000), Carton("5", 5, 5, 4, 1_000), Carton("8", 8, 4, 4, 1_000)]
    found = propose(wanted, kinds)
    ours = (len(found.packed), sum(one.carton.volume_mm3 for one in found.packed))
    best = least(wanted, kinds, ours, 5.0, SUPPORT_PERCENT)
    assert best.is_certain
    assert best[:2] <= ours
    free = least(wanted, kinds, ours, 5.0, 0)
    assert free[:2] <= best[:2], "less is asked of it"
    assert best.volume >= sum(item.volume_mm3 for item in wanted)


def test_the_exact_search_keeps_the_rules_of_the_packer():
    pytest.importorskip("ortools")
    box = Carton("box", 4, 4, 4, 1_000)
    block, plate = Item(2, 4, 3, upright=True), Item(4, 4, 1, upright=True)
    assert fits([block, plate], box, 5.0, 70) is True, "the block on the plate"
    assert fits([block, plate._replace(fragile=True)], box, 5.0, 70) is False, "half of the plate hangs over"
    assert fits([block, plate._replace(fragile=True)], box, 5.0, 50) is True
    assert fits([block, block, plate._replace(fragile=True)], box, 5.0, 100) is True, "two carry it"
    assert fits([block, block, block], box, 5.0, 0) is False
    assert fits([block._replace(fragile=True), plate], box, 5.0, 0) is True
    assert fits([plate._replace(fragile=True)] * 2, box, 5.0, 0) is False


def test_the_exact_search_divides_goods_among_cartons():
    pytest.importorskip("ortools")
    kinds = [Carton("2", 2, 2, 2, 1_000), Carton("3", 3, 3, 3, 1_000), Carton("4", 4, 4, 4, 1_000)]
    cubes = [Item(2, 2, 2), Item(3, 3, 3), Item(4, 4, 4)]
    assert least(cubes, kinds, (3, 192), 5.0, 70) == (3, 99, 3, 99)
    assert least(cubes[:2], kinds, (2, 128), 5.0, 70) == (2, 35, 2, 35)
    assert least([cubes[0]] * 2, kinds, (2, 16), 5.0, 70) == (1, 64, 1, 64), "fewer come before smaller"
