"""Whether an address has the format of its country, how that writes it, tax numbers, and fingerprints."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from entrepot.parties import fingerprints, numbers
from entrepot.parties.address import Written, difference, has_postal_form, problems, written
from entrepot.parties.rules import FINGERPRINT

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


# ---- as its country writes it


def test_an_address_is_written_as_its_country_does():
    assert written("gb", " sw1a1aa ", "", "london", " 10  Downing   Street", "") == Written(
        "10 Downing Street", "", "LONDON", "", "SW1A 1AA", "GB"
    )
    assert written("US", "90210", "california", "Beverly Hills", "9641 Sunset Boulevard").region == "CA"
    assert written("XX", "1", "", "", "") is None


@pytest.mark.parametrize(
    ("country", "given", "code"),
    [("NL", "1012ab", "1012 AB"), ("PT", "1000123", "1000-123"), ("CA", "k1a0b1", "K1A 0B1"), ("DE", "10115", "10115"),
     ("US", "941051234", "941051234"), ("GB", "nowhere", "NOWHERE"), ("GB", "m25bq", "M2 5BQ")],
)  # fmt: skip
def test_a_postal_code_gets_its_blank_where_that_makes_it_one(country, given, code):
    assert written(country, given, "", "", "").postal_code == code


ADDRESSES = st.tuples(
    st.sampled_from(("GB", "US", "DE", "NL", "JP", "CA")),
    st.sampled_from(("SW1A 1AA", "sw1a1aa", "94105", "1012ab", "", "?")),
    st.sampled_from(("", "california", "CA", "ontario", "nowhere")),
    st.text(max_size=12),
    st.text(max_size=20),
    st.text(max_size=5),
)


@given(ADDRESSES)
def test_what_is_written_stays_when_it_is_written_again(given):
    once = written(*given)
    assert written(once.country, once.postal_code, once.region, once.city, once.line1, once.line2) == once
    assert difference(once, once) == ""


@given(ADDRESSES)
def test_no_address_gets_worse_by_being_written_as_its_country_does(given):
    country, code, region, city, line1, _ = given
    one = written(*given)
    before = problems(country, code, region, city, line1)
    assert set(problems(one.country, one.postal_code, one.region, one.city, one.line1)) <= set(before)


def test_the_difference_of_two_addresses_is_the_widest():
    home = written("GB", "SW1A 1AA", "", "London", "12, High St.")
    assert difference(home, written("GB", "sw1a1aa", "", "LONDON", "12 high st")) == ""
    assert difference(home, written("GB", "SW1A 1AA", "", "London", "13 High St")) == "street"
    assert difference(home, written("GB", "SW1A 2AA", "", "London", "13 High St")) == "postal code"
    assert difference(home, written("FR", "75001", "", "Paris", "12 High St")) == "country"


def test_the_form_of_a_postal_code_alone():
    assert has_postal_form("GB", "sw1a 1aa")
    assert not has_postal_form("GB", "12345")
    assert has_postal_form("HK", "anything")


# ---- tax numbers


@pytest.mark.parametrize(
    ("country", "number", "kind", "is_proved"),
    [("DE", "136 695 976", "VAT number of DE", True), ("DE", "DE136695977", "VAT number of DE", False),
     ("FR", "DE136695976", "VAT number of DE", True), ("GR", "094259216", "VAT number of EL", True),
     ("US", "91-1144442", "EIN", True), ("US", "07-1144442", "EIN", False),
     ("GB", "GB 980 7806 84", "tax number of GB", True),
     ("GB", "980780685", "tax number of GB", False), ("KP", "1", "", False), ("", "???", "", False)],
)  # fmt: skip
def test_a_tax_number_is_one_of_its_country(country, number, kind, is_proved):
    found = numbers.check(country, number)
    assert (found.kind, found.is_proved) == (kind, is_proved)
    assert bool(found.problem) == (bool(kind) and not is_proved)


@given(st.sampled_from(("DE", "US", "GB", "FR", "XX", "")), st.text(max_size=30))
def test_whatever_comes_as_a_tax_number_is_told_from_one_and_never_repeated(country, number):
    found = numbers.check(country, number)
    if len(found.number) > 3:
        assert found.number not in found.problem
    assert numbers.check(found.country, found.number).kind == found.kind


def test_a_business_of_another_member_owes_its_tax_itself():
    german, british = numbers.check("DE", "136695976"), numbers.check("GB", "980780684")
    assert numbers.is_of_another_member(german, "FR")
    assert not numbers.is_of_another_member(german, "DE")
    assert not numbers.is_of_another_member(german, "GB")
    assert not numbers.is_of_another_member(british, "FR")
    assert not numbers.is_of_another_member(None, "FR")
    assert not numbers.is_of_another_member(numbers.check("DE", "1"), "FR")


# ---- fingerprints


def test_fingerprints_are_of_the_thing_and_not_of_its_writing():
    one = written("GB", "sw1a1aa", "", "London", "12, High St.")
    assert fingerprints.of_address(one) == fingerprints.of_address(one._replace(line1="12 HIGH ST", city="x"))
    assert fingerprints.of_email(" Ada+shop@Example.com ") == fingerprints.of_email("ada@example.com")
    assert fingerprints.of_email("ada@example.org") != fingerprints.of_email("ada@example.com")
    assert fingerprints.of_phone("+49 170 1234567") == fingerprints.of_phone("0170/1234567") != ""
    assert fingerprints.of_phone("110") == fingerprints.of_phone("") == fingerprints.of_name(" .") == ""
    assert fingerprints.of_name("Müller, Jürgen") == fingerprints.of_name("jurgen MULLER") != ""
    assert (
        fingerprints.of_name("محمد علي") == fingerprints.of_name("علي محمد") != fingerprints.of_name("محمد")
    )


@given(st.lists(st.text("abcñéÜ", min_size=1, max_size=8), min_size=1, max_size=4), st.randoms())
def test_a_name_is_the_same_in_any_order_and_case(words, random):
    made = fingerprints.of_name(" ".join(words))
    random.shuffle(words)
    assert fingerprints.of_name(", ".join(words).upper()) == made


@given(st.text("0123456789", min_size=7, max_size=15), st.sampled_from(["+49", "0049", "(0)", " ", ""]))
def test_a_telephone_is_its_last_digits(number, before):
    if len(number) >= 9:
        assert fingerprints.of_phone(before + number) == fingerprints.of_phone(number)
    assert fingerprints.of_phone(" ".join(number)).startswith("phone:")


@given(st.text(max_size=40))
def test_a_fingerprint_has_its_form_and_another_key_makes_another(text):
    made = fingerprints.of_card(text)
    assert FINGERPRINT.fullmatch(made)
    with override_settings(SECRET_KEY="another"):
        assert fingerprints.of_card(text) != made
