"""When a pick face is filled, with how much, and from where."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.warehouse.replenishing import DEMAND, MINIMUM, Face, SetPickFace, misfit, plan, units_wanted

SKU, NODE, BIN = UUID(int=1), UUID(int=2), UUID(int=3)


class Shelf(NamedTuple):
    bucket: UUID
    bin_kind: str = "reserve"
    pick_sequence: int = 0
    lot: str = ""
    expires_on: date | None = None


def face(free: int, minimum: int = 5, maximum: int = 20, case: int = 1, coming: int = 0, demand: int = 0,
         there: int | None = None, bin_id: int = 3) -> Face:  # fmt: skip
    return Face(
        UUID(int=9), 1, NODE, UUID(int=bin_id), SKU, minimum, maximum, case, free if there is None else there, free,
        coming, demand,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "units", "why"),
    [
        (face(5), 0, ""),
        (face(4), 16, MINIMUM),
        (face(4, coming=1), 0, ""),
        (face(10, demand=5), 0, ""),
        (face(10, demand=6), 10, MINIMUM),
        (face(10, demand=12), 10, DEMAND),
        (face(0, there=3, demand=1), 17, DEMAND),
        (face(4, case=6), 12, MINIMUM),
        (face(4, case=24), 0, MINIMUM),
        (face(4, case=24, demand=9), 5, DEMAND),
        (face(20, demand=90), 0, DEMAND),
    ],
)
def test_how_much_a_face_gets(one, units, why):
    assert units_wanted(one, one.demand) == (units, why)


FACES = st.builds(
    face, st.integers(0, 30), st.integers(0, 10), st.integers(10, 40), st.integers(1, 12), st.integers(0, 9),
    st.integers(0, 60),
)  # fmt: skip


@given(FACES, st.lists(st.integers(0, 30), max_size=4))
def test_a_face_never_overflows_and_reserve_gives_no_more_than_it_has(one, reserve):
    shelves = [Shelf(UUID(int=100 + i)) for i in range(len(reserve))]
    left = {shelf.bucket: units for shelf, units in zip(shelves, reserve, strict=True)}
    fillings = plan([one], {(SKU, NODE): shelves}, left)
    brought = sum(filling.units for filling in fillings)
    assert all(0 < filling.units <= left[filling.shelf.bucket] for filling in fillings)
    assert brought <= max(0, one.maximum - one.there - one.coming)
    assert not fillings or one.free + one.coming - one.demand < one.minimum
    if one.free + one.coming < one.demand and sum(reserve) >= 60:
        room = max(0, one.maximum - one.there - one.coming)
        assert brought >= min(room, one.demand - one.free - one.coming), "what is promised comes first"


@given(FACES, st.lists(st.integers(0, 30), max_size=4))
def test_no_case_is_broken_but_for_what_is_promised(one, reserve):
    shelves = [Shelf(UUID(int=100 + i)) for i in range(len(reserve))]
    left = {shelf.bucket: units for shelf, units in zip(shelves, reserve, strict=True)}
    for filling in plan([one], {(SKU, NODE): shelves}, left):
        empties = filling.units == left[filling.shelf.bucket]
        assert filling.why == DEMAND or empties or filling.units % one.case_units == 0


def test_a_broken_case_is_used_up_before_a_whole_one_is_opened():
    shelves = {(SKU, NODE): [Shelf(UUID(int=100)), Shelf(UUID(int=101))]}
    left = {UUID(int=100): 7, UUID(int=101): 48}
    fillings = plan([face(4, maximum=28, case=12)], shelves, left)
    assert [(one.units, one.why) for one in fillings] == [(7, MINIMUM), (12, MINIMUM)]
    fillings = plan([face(4, maximum=28, case=12, demand=30)], shelves, left)
    assert sum(one.units for one in fillings) == 24, "what is promised breaks one"


def test_of_two_faces_the_first_serves_the_demand_and_demand_goes_first():
    first, second = face(2, demand=10), face(9, demand=10, bin_id=4)
    other = face(1, bin_id=5)._replace(sku=UUID(int=7))
    shelves = {(SKU, NODE): [Shelf(UUID(int=100))], (UUID(int=7), NODE): [Shelf(UUID(int=101))]}
    fillings = plan([other, first, second], shelves, {UUID(int=100): 50, UUID(int=101): 50})
    assert [(one.face.bin.int, one.units, one.why) for one in fillings] == [(3, 18, DEMAND), (5, 19, MINIMUM)]


def test_what_can_not_be_a_pick_face():
    assert misfit(SetPickFace(1, SKU, BIN, 2, 10, 6)) is None
    assert misfit(SetPickFace(1, SKU, BIN, 0, 0)) is None
    for minimum, maximum, case in ((11, 10, 1), (-1, 10, 1), (0, -1, 1), (0, 10, 0)):
        assert misfit(SetPickFace(1, SKU, BIN, minimum, maximum, case))
