"""Which bins are picked from, and which carton is packed."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import NamedTuple
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.catalog.packagings import Packaging, pieces
from entrepot.kernel.errors import WrongState
from entrepot.warehouse.cartons.problem import cm3
from entrepot.warehouse.rules import (
    after_withdrawal,
    in_pick_order,
    plan_picks,
    take_off,
    whole_or_not,
)
from entrepot.warehouse.states import FULFILLMENT, TASK

TODAY = date(2026, 11, 23)


class Shelf(NamedTuple):
    bucket: UUID
    bin_kind: str = "pick"
    pick_sequence: int = 0
    lot: str = ""
    expires_on: date | None = None


def a_shelf(
    number: int, kind: str = "pick", sequence: int = 0, days: int | None = None, lot: str = ""
) -> Shelf:
    return Shelf(UUID(int=number), kind, sequence, lot, None if days is None else TODAY + timedelta(days))


def test_the_lot_that_expires_first_goes_first_even_from_reserve():
    late, early = a_shelf(1, "pick", 1, days=90), a_shelf(2, "reserve", 9, days=30)
    assert in_pick_order([late, early], TODAY) == [early, late]


def test_what_never_expires_comes_after_what_does():
    assert in_pick_order([a_shelf(1), a_shelf(2, days=400)], TODAY) == [a_shelf(2, days=400), a_shelf(1)]


def test_the_pick_face_is_emptied_before_reserve_then_along_the_way():
    reserve, far, near = a_shelf(1, "reserve", 1), a_shelf(2, "pick", 8), a_shelf(3, "pick", 2)
    assert in_pick_order([reserve, far, near], TODAY) == [near, far, reserve]


def test_the_last_day_is_still_good_and_the_next_is_not():
    assert in_pick_order([a_shelf(1, days=0), a_shelf(2, days=-1)], TODAY) == [a_shelf(1, days=0)]


def test_a_line_is_split_over_bins_where_one_has_too_few():
    first, second = a_shelf(1, sequence=1), a_shelf(2, sequence=2)
    left = {first.bucket: 2, second.bucket: 9}
    assert plan_picks(5, [first, second], left) == ([(first, 2), (second, 3)], 0)
    assert plan_picks(2, [first, second], left) == ([(first, 2)], 0)
    assert plan_picks(12, [first, second], left) == ([(first, 2), (second, 9)], 1)
    assert plan_picks(1, [], {}) == ([], 1)


shelves = st.lists(
    st.tuples(
        st.sampled_from(["pick", "reserve"]),
        st.integers(0, 5),
        st.none() | st.integers(-5, 60),
        st.integers(0, 9),
    ),
    max_size=8,
)


@given(shelves, st.integers(1, 40))
def test_a_plan_takes_what_is_there_and_no_more(rows: list[tuple[str, int, int | None, int]], wanted: int):
    all_of_them = [a_shelf(i, kind, sequence, days) for i, (kind, sequence, days, _) in enumerate(rows)]
    left = {shelf.bucket: row[3] for shelf, row in zip(all_of_them, rows, strict=True)}
    good = in_pick_order(all_of_them, TODAY)

    picks, nowhere = plan_picks(wanted, good, left)

    taken = sum(units for _, units in picks)
    assert taken + nowhere == wanted
    assert taken == min(wanted, sum(left[shelf.bucket] for shelf in good))
    assert all(0 < units <= left[shelf.bucket] for shelf, units in picks)
    # every shelf but the last is emptied, and none before it is passed over
    assert all(units == left[shelf.bucket] for shelf, units in picks[:-1])
    assert [shelf for shelf, _ in picks] == [s for s in good if left[s.bucket]][: len(picks)]


def test_whole_cases_and_pallets_come_from_reserve_and_the_rest_from_the_pick_face():
    face, near, far = a_shelf(1, "pick"), a_shelf(2, "reserve", 1), a_shelf(3, "reserve", 2)
    left = {face.bucket: 30, near.bucket: 17, far.bucket: 60}
    there = [face, near, far]
    assert plan_picks(5, there, left, (6, 24)) == ([(face, 5)], 0)
    assert plan_picks(14, there, left, (6, 24)) == ([(face, 2), (near, 12)], 0)
    assert plan_picks(50, there, left, (6, 24)) == ([(face, 2), (far, 48)], 0), "two pallets, and loose ones"
    assert plan_picks(107, there, left, (6, 24)) == ([(face, 30), (near, 17), (far, 60)], 0), (
        "at last broken cases"
    )


def test_no_lot_is_passed_over_for_a_whole_case():
    soon, late = a_shelf(1, "pick", days=3), a_shelf(2, "reserve", days=9)
    assert plan_picks(12, [soon, late], {soon.bucket: 5, late.bucket: 24}, (12,)) == (
        [(soon, 5), (late, 7)],
        0,
    )


few_shelves = st.lists(
    st.tuples(st.sampled_from(["pick", "reserve"]), st.integers(0, 9)), min_size=1, max_size=3
)


def handled(units: int, kind: str, sizes: tuple[int, ...]) -> int:
    """How often a picker reaches for units in one bin."""
    return sum(
        piece.number for piece in pieces(units, [Packaging("", size) for size in sizes if kind == "reserve"])
    )


@settings(max_examples=60)
@given(few_shelves, st.integers(1, 20), st.sampled_from([(2,), (2, 4), (3,), (2, 8), (4,)]))
def test_no_other_plan_handles_fewer_pieces(rows: list[tuple[str, int]], wanted: int, sizes: tuple[int, ...]):
    there = in_pick_order([a_shelf(i, kind) for i, (kind, _) in enumerate(rows)], TODAY)
    left = {a_shelf(i, kind).bucket: units for i, (kind, units) in enumerate(rows)}

    picks, nowhere = plan_picks(wanted, there, left, sizes)

    taken = sum(units for _, units in picks)
    assert (taken + nowhere, taken) == (wanted, min(wanted, sum(left.values())))
    assert all(0 < units <= left[shelf.bucket] for shelf, units in picks)
    least = min(
        sum(handled(units, shelf.bin_kind, sizes) for shelf, units in zip(there, plan, strict=True))
        for plan in product(*(range(left[shelf.bucket] + 1) for shelf in there))
        if sum(plan) == taken
    )
    assert sum(handled(units, shelf.bin_kind, sizes) for shelf, units in picks) == least


def test_who_finds_too_little_takes_nothing_and_leaves_it_to_the_next():
    wanted = {"first": {"pen": 2}, "second": {"pen": 2, "ink": 1}, "third": {"pen": 1}}
    assert whole_or_not(wanted, {"pen": 3, "ink": 0}) == {"second": 2}


@given(st.integers(1, 10**6), st.integers(1, 10**5))
def test_small_things_together_are_as_large_as_they_are(mm3: int, units: int):
    assert units * mm3 <= cm3(units * mm3) * 1000 < units * mm3 + 1000


def test_every_state_and_event_is_a_step_or_a_refusal():
    steps = {
        (state, event): FULFILLMENT.step(state, event)
        for state in FULFILLMENT.states
        for event in FULFILLMENT.events
    }
    assert {key for key, after in steps.items() if isinstance(after, str)} == {
        ("released", "pick_part"), ("picking", "pick_part"), ("released", "pick"), ("picking", "pick"),
        ("picked", "pack"), ("packed", "ship"), ("released", "cancel"), ("picking", "cancel"),
        ("picking", "finish"), ("packed", "unpack"), ("released", "withdraw"), ("picking", "withdraw"),
        ("picked", "withdraw"), ("packed", "withdraw"),
    }  # fmt: skip
    assert all(isinstance(after, str | WrongState) for after in steps.values())
    assert TASK.states == ("open", "done", "short", "withdrawn")

    for state, to_pick, picked in product(FULFILLMENT.states[:4], (0, 1), (0, 1)):
        event = after_withdrawal(state, to_pick, picked)
        assert event is None or isinstance(FULFILLMENT.step(state, event), str)


@given(st.lists(st.integers(0, 5), max_size=6), st.data())
def test_units_are_taken_off_the_first_tasks_and_no_more_than_they_have(
    there: list[int], data: st.DataObject
):
    units = data.draw(st.integers(0, sum(there)))

    taken = take_off(units, list(enumerate(there)))

    assert sum(count for _, count in taken) == units
    assert all(count == there[task] for task, count in taken[:-1])
    assert all(0 < count <= there[task] for task, count in taken)
    assert [task for task, _ in taken] == [task for task, count in enumerate(there) if count][: len(taken)]
