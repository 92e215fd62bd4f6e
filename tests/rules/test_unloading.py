"""What becomes of a transfer's lines and plates when some of it has come."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.stock.unloading import ArrivedUnits, Coming, TooMany, Unloaded, unload, with_rest

MUG, TEA = UUID(int=1), UUID(int=2)
PALLET, BOX = UUID(int=11), UUID(int=12)


def line(number: int, units: int, plate: UUID | None = None, sku: UUID = MUG, lot: str = "") -> Coming:
    return Coming(UUID(int=100 + number), sku, lot, "", plate, units)


def test_loose_goods_are_booked_on_what_was_sent_loose_first() -> None:
    coming = [line(1, 5, PALLET), line(2, 3)]
    found = unload(coming, [ArrivedUnits(MUG, None, 4)])
    assert isinstance(found, Unloaded)
    assert found.left == {coming[0].line: 4, coming[1].line: 0}
    assert found.off == {(PALLET, MUG, "", ""): 1} and not found.loosened


def test_what_is_missing_of_a_plate_that_has_come_is_on_it_no_more() -> None:
    coming = [line(1, 5, PALLET), line(2, 3, PALLET, TEA)]
    found = unload(coming, [ArrivedUnits(MUG, None, 3, 1, plate=PALLET)])
    assert isinstance(found, Unloaded)
    assert found.off == {(PALLET, MUG, "", ""): 1, (PALLET, TEA, "", ""): 3}
    assert found.loosened == [one.line for one in coming]


def test_a_plate_of_which_some_is_lost_is_still_on_its_way_with_the_rest() -> None:
    found = unload([line(1, 5, PALLET)], [ArrivedUnits(MUG, None, 0, 2, plate=PALLET)])
    assert isinstance(found, Unloaded) and not found.off and not found.loosened
    assert set(found.left.values()) == {3}


def test_more_than_is_on_its_way_is_told_with_what_is() -> None:
    coming = [line(1, 5, PALLET), line(2, 3)]
    assert unload(coming, [ArrivedUnits(MUG, None, 9)]) == TooMany(MUG, 9, 8)
    assert unload(coming, [ArrivedUnits(MUG, None, 6, plate=PALLET)]) == TooMany(MUG, 6, 5)
    assert unload(coming, [ArrivedUnits(MUG, None, 1, lot="L1")]) == TooMany(MUG, 1, 0)


def test_the_rest_comes_on_its_plates_but_for_those_that_came_in_part() -> None:
    coming = [line(1, 5, PALLET), line(2, 4, BOX), line(3, 3)]
    told = with_rest(coming, [ArrivedUnits(MUG, None, 2, plate=BOX)], [PALLET], "received")
    by_plate: Counter[UUID | None] = Counter()
    for one in told:
        by_plate[one.plate] += one.received
    assert by_plate == {PALLET: 5, BOX: 2, None: 5}


LINES = st.lists(
    st.builds(
        lambda sku, plate, units: (sku, plate, units),
        st.sampled_from([MUG, TEA]),
        st.sampled_from([None, PALLET, BOX]),
        st.integers(0, 6),
    ),
    max_size=6,
).map(lambda rows: [line(i, units, plate, sku) for i, (sku, plate, units) in enumerate(rows)])

TOLD = st.lists(
    st.builds(
        lambda sku, plate, came, lost, damaged: ArrivedUnits(
            sku, None, came, lost, damaged=damaged, plate=plate
        ),
        st.sampled_from([MUG, TEA]),
        st.sampled_from([None, PALLET, BOX]),
        st.integers(0, 4),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=4,
)


@given(LINES, TOLD)
def test_every_unit_is_booked_once_and_plates_hold_what_is_left_of_their_lines(
    coming: list[Coming], told: list[ArrivedUnits]
) -> None:
    found = unload(coming, told)
    if isinstance(found, TooMany):
        assert found.told > found.left >= 0
        return
    for one in coming:
        gone = found.arrived.get(one.line, 0) + found.lost.get(one.line, 0)
        assert gone + found.left[one.line] == one.units and found.left[one.line] >= 0
    assert sum(found.arrived.values()) == sum(one.received + one.damaged for one in told)
    assert sum(found.lost.values()) == sum(one.lost for one in told)
    # What stood on each plate is on its way on it, has come or was lost with it, or was taken off it.
    for plate in (PALLET, BOX):
        for sku in (MUG, TEA):
            of_it = [one for one in coming if (one.plate, one.sku) == (plate, sku)]
            still = sum(found.left[one.line] for one in of_it if one.line not in found.loosened)
            with_it = sum(one.units for one in told if (one.plate, one.sku) == (plate, sku))
            off = found.off.get((plate, sku, "", ""), 0)
            assert sum(one.units for one in of_it) == still + with_it + off


@given(LINES, TOLD, st.sampled_from(["received", "lost"]))
def test_with_the_rest_nothing_is_left(coming: list[Coming], told: list[ArrivedUnits], rest: str) -> None:
    found = unload(coming, with_rest(coming, told, [], rest))
    assert isinstance(found, TooMany) or not any(found.left.values())
