"""Whether an address has the format of its country."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.parties.address import problems

EXAMPLES = Path(__file__).resolve().parents[3] / "shared/data/addresses/postal_examples.csv"
LONDON = {
    "country": "GB",
    "postal_code": "SW1A 1AA",
    "region": "",
    "city": "London",
    "line1": "10 Downing Street",
}


def found(**changes: str) -> list[str]:
    return problems(**LONDON | changes)


def test_a_good_address_has_no_problems():
    assert found() == []
    assert problems("US", "90210", "CA", "Beverly Hills", "9641 Sunset Boulevard") == []
    assert problems("US", "90210", "California", "Beverly Hills", "9641 Sunset Boulevard") == []
    assert problems("JP", "100-8111", "東京都", "千代田区", "千代田1-1") == []


def test_case_and_blanks_around_do_not_matter():
    assert found(country=" gb ", postal_code=" sw1a 1aa ") == []


def test_what_is_missing_is_named():
    assert found(line1="", city=" ", postal_code="") == [
        "An address in United Kingdom needs a street line.",
        "An address in United Kingdom needs a city.",
        "An address in United Kingdom needs a postal code.",
    ]
    assert (
        problems("HK", "", "Kowloon", "Mong Kok", "1 Nathan Road") == []
    )  # there are no postal codes in Hong Kong


def test_a_postal_code_of_another_form_is_a_problem():
    (problem,) = found(postal_code="90210")
    assert problem == "The postal code has not the form of United Kingdom, such as EC1Y 8SY."
    assert found(postal_code="GIR 0AA") == []
    assert found(postal_code="GIR 0AA and more") != []


def test_a_postal_code_of_another_region_is_a_problem():
    (problem,) = problems("US", "10001", "CA", "Los Angeles", "1 Main Street")
    assert problem.startswith("The postal code is of United States, but not of the region or city")


def test_a_region_that_the_country_does_not_have_is_a_problem():
    assert problems("US", "90210", "Bavaria", "Los Angeles", "1 Main Street") == [
        "The region is not one of United States."
    ]


@pytest.mark.parametrize("country", ["", "UK", "ZZ", "England", "??", "../", "G B"])
def test_what_is_no_country_is_the_only_problem(country):
    assert found(country=country) == ["The country is not one by its two letters (ISO 3166)."]


@given(
    st.text(max_size=3),
    st.text(max_size=12),
    st.text(max_size=12),
    st.text(max_size=12),
    st.text(max_size=12),
)
def test_no_text_breaks_it(country, postal_code, region, city, line1):
    assert all(isinstance(one, str) for one in problems(country, postal_code, region, city, line1))


@given(
    st.sampled_from(["GB", "US", "DE", "JP", "CN", "BR"]),
    *[st.text(st.characters(categories=["Lu", "Nd"], include_characters=" "), min_size=9, max_size=20)] * 4,
)
def test_problems_never_repeat_the_address(country, postal_code, region, city, line1):
    text = " ".join(problems(country, postal_code, region, city, line1))
    assert not [given_ for given_ in (postal_code, region, city, line1) if given_.strip() and given_ in text]


OTHERWISE = {
    "KR": "the six digits that the country gave up in 2015",
    "CN/台湾": "three digits, under a country of six",
    "EC": "letters before the digits, no longer in use",
    "SO": "without the letters of the region",
    "BY": "20050 has five digits where its own row asks for six",
    "PH/Bohol": "6347 is outside the range of its own row",
}
"""Examples that the library's newer data, or the very row they stand in, contradicts."""


@pytest.mark.skipif(
    not EXAMPLES.exists(), reason="the shared examples of postal codes are not beside the repository"
)
def test_the_postal_codes_that_the_post_itself_gives_as_examples_pass():
    """Examples of countries, and of their regions; a range like 100-620:151-832 gives both of its ends."""
    asked, missed = 0, []
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            country, *places = row["key"].split("/")
            region, city = [*places, "", ""][:2]
            for code in row["zip_example"].split(":"):
                asked += 1
                if any("postal code" in one for one in problems(country, code, region, city, "1")):
                    missed.append(row["key"])
    assert asked > 850
    assert [key for key in missed if not key.startswith(tuple(OTHERWISE))] == []
    assert len(missed) < asked / 10
