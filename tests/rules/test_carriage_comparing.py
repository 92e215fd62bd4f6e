"""A service as it stood beside what it shall be, and rates as a file has them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from entrepot.carriage import comparing
from entrepot.carriage.comparing import Difference
from entrepot.carriage.rules import RegisterService, Surcharge, Zone
from entrepot.kernel import csv_rows
from entrepot.kernel.csv_rows import Fault

POST = RegisterService(
    1, "post", "post-48", "Second class", 3, 20_000, "GBP", (("GB", "GB", "UK"),),
    (("UK", 2000, 289), ("UK", 20_000, 799)), surcharges=(Surcharge("fuel", per_10k=150),),
)  # fmt: skip
RATES = st.lists(
    st.tuples(st.sampled_from(["UK", "EU"]), st.integers(1, 9_999), st.integers(0, 99_999)),
    min_size=1, max_size=20, unique_by=lambda one: one[:2],
)  # fmt: skip


def test_what_differs_is_told_and_nothing_else() -> None:
    after = replace(
        POST, name="Second", transit_days=2, rates=(("UK", 2000, 310), ("EU", 2000, 500)), surcharges=(),
        zones=(*POST.zones, ("GB", "FR", "EU")),
    )  # fmt: skip
    assert comparing.differences(POST, after) == [
        Difference("fields", "name", "Second class", "Second"), Difference("fields", "transit_days", 3, 2),
        Difference("zones", "GB · FR", None, "EU"), Difference("rates", "EU · 2000", None, 500),
        Difference("rates", "UK · 2000", 289, 310), Difference("rates", "UK · 20000", 799, None),
        Difference("surcharges", "fuel · * · 0 · ", (0, 150), None),
    ]  # fmt: skip
    assert comparing.differences(POST, POST) == []
    assert round(comparing.differences(POST, after)[4].percent or 0, 1) == 7.3
    assert comparing.differences(POST, after)[3].percent is None
    assert len(comparing.differences(None, POST)) >= 12


@given(RATES, RATES)
def test_differences_are_the_same_the_other_way_round(one, other) -> None:
    a, b = replace(POST, rates=tuple(one)), replace(POST, rates=tuple(other))
    there, back = comparing.differences(a, b), comparing.differences(b, a)
    assert [(x.which, x.before, x.after) for x in there] == [(x.which, x.after, x.before) for x in back]
    assert (there == []) == (sorted(one) == sorted(other))


@given(RATES)
def test_rates_are_read_as_they_are_written(rates) -> None:
    lines = [
        "price,zone,max_weight_g",
        *(f"{price / 100:.2f},{zone},{grams}" for zone, grams, price in rates),
    ]
    sheet = comparing.read(lines, 2)
    assert (sheet.rows, sheet.faults) == (rates, [])


def test_each_fault_is_told_by_its_row() -> None:
    lines = ["zone,max_weight_g,price", ",1,1", "UK,0,1", "UK,5,1.005", "UK,5,x", "UK,5,1.50", "UK,5,2"]
    sheet = comparing.read(lines, 2)
    assert sheet.rows == [("UK", 5, 150)]
    assert [one.row for one in sheet.faults] == [2, 3, 4, 5, 7]
    assert comparing.read(["zone,price"], 2).faults == [
        Fault(1, "expected the columns zone, max_weight_g, price, found no max_weight_g")
    ]
    assert comparing.read(["zone,max_weight_g,price"], 2).faults
    assert comparing.read(["zone,max_weight_g,price", "UK,5,1.5"], 0).faults, "no pence in a currency without"


COUNTRIES = st.sampled_from(["*", "GB", "DE", "FR"])


@given(
    st.lists(
        st.tuples(COUNTRIES, COUNTRIES, st.sampled_from(["UK", "EU"])),
        min_size=1,
        unique_by=lambda one: one[:2],
    )
)
def test_zones_are_read_as_they_are_written(zones) -> None:
    sheet = comparing.read_zones(["origin,destination,zone", *(",".join(one) for one in zones)])
    assert (sheet.rows, sheet.faults) == ([Zone(*one) for one in zones], []), (
        "files of countries alone are read on"
    )


BEGINS = st.sampled_from(["", "0", "021", "9021"])
ROWS = st.builds(
    Zone, st.just("US"), st.just("US"), st.sampled_from("2345"), BEGINS, BEGINS, st.none() | st.integers(0, 9)
)


@given(st.lists(ROWS, min_size=1, unique_by=lambda one: one.lane))
def test_zones_of_postal_codes_are_read_as_they_are_written_and_compared_by_their_way(zones) -> None:
    lines = [",".join("" if cell is None else str(cell) for cell in one) for one in zones]
    sheet = comparing.read_zones([",".join(comparing.ZONES), *lines])
    assert (sheet.rows, sheet.faults) == (zones, [])
    one = replace(POST, zones=tuple(zones))
    assert comparing.differences(one, replace(POST, zones=tuple(reversed(zones)))) == []
    assert len(comparing.differences(one, replace(POST, zones=()))) == len(zones)


def test_a_zone_of_postal_codes_is_told_with_its_days() -> None:
    before, after = Zone("US", "US", "4", "021", "9"), Zone("US", "US", "5", "021", "9", 4)
    told = comparing.differences(replace(POST, zones=(before,)), replace(POST, zones=(after,)))
    assert told == [Difference("zones", "US 021 · US 9", "4", "5 · 4")]


def test_what_can_not_begin_a_postal_code_is_a_fault_of_its_row() -> None:
    rows = [
        "US,US,2,,900-905,", "US,US,2,,90*,", "US,*,2,,9,", "*,US,2,0,,", "US,US,2,,9,366", "US,US,2,,9,x",
        "US,US,2,,01234567890,", "US,US,2,, 9 a,3", "US,US,3,,9A,",
    ]  # fmt: skip
    sheet = comparing.read_zones([",".join(comparing.ZONES), *rows])
    assert sheet.rows == [Zone("US", "US", "2", "", "9A", 3)]
    assert [one.row for one in sheet.faults] == [2, 3, 4, 5, 6, 7, 8, 10]
    assert "expected how postal codes begin" in sheet.faults[0].problem
    assert "expected the country of postal codes" in sheet.faults[2].problem


def test_surcharges_are_read_with_what_is_empty_as_nothing() -> None:
    head = "kind,zone,above,postal_code,amount,per_10k"
    sheet = comparing.read_surcharges([head, "fuel,,,,,150", "remote,UK,0,IV,4.50,"], 2)
    assert sheet.rows == [Surcharge("fuel", per_10k=150), Surcharge("remote", 450, 0, 0, "IV", "UK")]
    assert sheet.faults == []
    assert comparing.read_surcharges([head], 2) == csv_rows.Sheet(), "none at all is a choice too"


def test_faults_of_zones_and_surcharges_are_told_by_their_row() -> None:
    zones = comparing.read_zones(["origin,destination,zone", "gb,GB,UK", "GB,*,", "GB,*,UK", "GB,*,EU"])
    assert [one.row for one in zones.faults] == [2, 3, 5]
    assert "expected a country such as GB" in zones.faults[0].problem
    assert comparing.read_zones(["origin,destination,zone"]).faults
    head = "kind,zone,above,postal_code,amount,per_10k"
    rows = ["tea,,,,,", "fuel,,x,,,", "fuel,,,,1.001,", "fuel,,,,,-1", "fuel,,,,,1", "fuel,*,0,,,2"]
    sheet = comparing.read_surcharges([head, *rows], 2)
    assert [one.row for one in sheet.faults] == [2, 3, 4, 5, 7]
    assert comparing.read_surcharges(["kind"], 2).faults[0].row == 1


def test_a_cell_that_is_too_long_for_csv_is_a_fault_of_its_row_alone() -> None:
    sheet = comparing.read(["zone,max_weight_g,price", f"{'x' * 200_000},5,1.50", "UK,5,1.50"], 2)
    assert (sheet.rows, [one.row for one in sheet.faults]) == ([("UK", 5, 150)], [2])
