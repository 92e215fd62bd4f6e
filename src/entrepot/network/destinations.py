"""Which day it is where a parcel goes: the time zone of a country and a postal code. Pure.

A country with one zone has that one. Of others the zone hangs on how the postal code begins, as far as that tells; else
it is that of most of its people. A beginning that lies in two zones has that of more of its people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from entrepot.network.rules import local_day, postal_key

LONGEST = 3
"""Signs of a postal code that its zone may hang on."""

MOST: dict[str, str] = {
    "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "MX": "America/Mexico_City",
    "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "UZ": "Asia/Tashkent", "US": "America/New_York",
}  # fmt: skip
"""Countries whose most people live elsewhere than in the zone that the list of zones names first."""

BEGIN: dict[str, dict[str, str]] = {
    "AU": {
        "Australia/Brisbane": "4 9", "Australia/Melbourne": "3 8", "Australia/Adelaide": "5 288",
        "Australia/Perth": "6", "Australia/Hobart": "7", "Australia/Darwin": "08-09",
    },
    "BR": {
        "America/Manaus": "690-692 694-698", "America/Boa_Vista": "693", "America/Rio_Branco": "699",
        "America/Porto_Velho": "768-769 789", "America/Cuiaba": "780-788", "America/Campo_Grande": "79",
    },
    "CA": {
        "America/St_Johns": "A", "America/Goose_Bay": "A0P", "America/Halifax": "B-C E",
        "America/Winnipeg": "R P8-P9 P0V-P0X", "America/Regina": "S",
        "America/Edmonton": "T X0E X0G X1A", "America/Vancouver": "V",
        "America/Iqaluit": "X0A", "America/Rankin_Inlet": "X0B-X0C", "America/Whitehorse": "Y",
    },
    "CL": {"America/Punta_Arenas": "62"},
    "EC": {"Pacific/Galapagos": "20"},
    "ES": {"Atlantic/Canary": "35 38"},
    "FR": {
        "America/Guadeloupe": "971", "America/Martinique": "972", "America/Cayenne": "973", "Indian/Reunion": "974",
        "America/Miquelon": "975", "Indian/Mayotte": "976", "Pacific/Noumea": "988", "Pacific/Tahiti": "987",
    },
    "ID": {
        "Asia/Pontianak": "73-74 78-79", "Asia/Makassar": "70-72 75-77 80-87 90-96", "Asia/Jayapura": "97-99",
    },
    "MX": {
        "America/Tijuana": "21-22", "America/Mazatlan": "23 63 80-82", "America/Chihuahua": "31 33",
        "America/Ciudad_Juarez": "32", "America/Cancun": "77", "America/Hermosillo": "83-85",
    },
    "MY": {"Asia/Kuching": "87-91 93-98"},
    "PT": {"Atlantic/Madeira": "90-94", "Atlantic/Azores": "95-99"},
    "RU": {
        "Europe/Kaliningrad": "236-238", "Europe/Samara": "426-427 443-446", "Europe/Saratov": "410-413",
        "Europe/Astrakhan": "414-416", "Europe/Ulyanovsk": "432-433",
        "Asia/Yekaterinburg": "450-457 460-462 614-629 640-641", "Asia/Omsk": "644-646",
        "Asia/Novosibirsk": "630-633", "Asia/Tomsk": "634-636", "Asia/Novokuznetsk": "650-654",
        "Asia/Barnaul": "649 656-659", "Asia/Krasnoyarsk": "647-648 655 660-663 667-668",
        "Asia/Irkutsk": "664-666 669-671", "Asia/Chita": "672-674 687", "Asia/Yakutsk": "675-678",
        "Asia/Vladivostok": "679-682 690-692", "Asia/Sakhalin": "693-694", "Asia/Magadan": "685-686",
        "Asia/Kamchatka": "683-684 688", "Asia/Anadyr": "689",
    },
    "US": {
        "America/Chicago": (
            "324-325 350-369 370-372 375 380-397 420-424 463-464 476-477 500-567 570-576 580-585 587-588 600-692"
            " 700-797"
        ),
        "America/Denver": "577 586 590-599 693 798-799 800-837 840-847 870-885 979",
        "America/Phoenix": "850-865",
        "America/Los_Angeles": "835 838 889-898 900-961 970-978 980-994",
        "America/Anchorage": "995-999", "Pacific/Honolulu": "967-968", "Pacific/Guam": "969",
        "America/Puerto_Rico": "006-009",
    },
}  # fmt: skip
"""By country and zone, how the postal codes of those who do not live in the zone of most begin. Of two beginnings of a
code the longer counts, and of two as long the later."""


@lru_cache(maxsize=100_000)
def zone_of(country: str, postal_code: str) -> str:
    """The time zone of an address; '' where its country is not known."""
    known = zones()
    code = postal_key(postal_code)
    for length in range(LONGEST, -1, -1):
        if zone := known.get(country + code[:length]):
            return zone
    return ""


def promised_day(promise_at: datetime | None, country: str, postal_code: str, else_: str) -> date | None:
    """The day that was promised to whom a parcel goes, where they are; in another zone where that is not known."""
    return local_day(promise_at, zone_of(country, postal_code) or else_) if promise_at else None


def end_of_day(day: date, country: str, postal_code: str, else_: str = "UTC") -> datetime:
    """Until when something may come that is promised for a day; in a night in which clocks go back, the second time."""
    there = ZoneInfo(zone_of(country, postal_code) or else_)
    return datetime.combine(day, time(23, 59, fold=1), there).astimezone(UTC)


@cache
def zones() -> dict[str, str]:
    """By country and the beginning of a postal code, the time zone there."""
    found: dict[str, str] = {}
    for line in files("tzdata").joinpath("zoneinfo/zone.tab").read_text("ascii").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found.setdefault(country, zone)
    found |= MOST
    for country, of_country in BEGIN.items():
        for zone, ranges in of_country.items():
            found |= {country + begin: zone for begin in _begins(ranges)}
    return found


def _begins(ranges: str) -> Iterator[str]:
    """`08-10 B-C X0A` is 08, 09, 10, B, C, X0A: of a range, the last sign or the number counts up."""
    for one in ranges.split():
        first, _, last = one.partition("-")
        if not last:
            yield first
        elif first.isdigit():
            yield from (str(number).zfill(len(first)) for number in range(int(first), int(last) + 1))
        else:
            yield from (first[:-1] + chr(sign) for sign in range(ord(first[-1]), ord(last[-1]) + 1))
