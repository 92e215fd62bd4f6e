"""Files of postal codes."""

from __future__ import annotations

import pytest

from entrepot.network import places
from entrepot.network.rules import postal_key


def test_codes_are_compared_without_blanks_hyphens_and_case() -> None:
    assert {postal_key(code) for code in ("sw1a 1aa", "SW1A1AA", " SW1A-1AA ")} == {"SW1A1AA"}


def by_start(sheet: places.Sheet) -> dict[str, tuple[float, float]]:
    return {one.postal_start: (one.latitude, one.longitude) for one in sheet.places}


def test_a_csv_with_its_area_and_country() -> None:
    lines = [
        "latitude,Longitude,country,postal_code\n", "10,20,de,10-115\n", "12,22,DE,10117\n", "20,30,DE,80331\n",
        "20,40,DE,80331\n",
    ]  # fmt: skip
    sheet = places.read(lines)

    assert not sheet.faults
    assert by_start(sheet) == {
        "": (15.5, 28.0), "10": (11, 21), "10115": (10, 20), "10117": (12, 22), "80": (20, 35), "80331": (20, 35),
    }  # fmt: skip


def test_a_postal_file_of_geonames() -> None:
    line = 'BR\t01001-000\tSão Paulo "Sé\tSao Paulo\t27\tSão Paulo\t\t\t\t-23.5505\t-46.6333\t4\n'
    sheet = places.read([line])
    assert by_start(sheet)["01001000"] == (-23.5505, -46.6333)


@pytest.mark.parametrize(
    ("lines", "row", "problem"),
    [
        (["a,b,c\n"], 1, "header"),
        (["country,postal_code,latitude,longitude\n", "GB,LS1,here,there\n"], 2, "found 'here' and 'there'"),
        (["country,postal_code,latitude,longitude\n", "GB,LS1\n"], 2, "degrees"),
        (["country,postal_code,latitude,longitude\n", "GB,LS1,95,0\n"], 2, "latitude"),
        (["country,postal_code,latitude,longitude\n", "England,LS1,5,0\n"], 2, "country"),
    ],
)
def test_rows_that_cannot_be_read_are_named(lines: list[str], row: int, problem: str) -> None:
    sheet = places.read(lines)
    assert [(fault.row, problem in fault.problem) for fault in sheet.faults] == [(row, True)]
    assert not sheet.places
