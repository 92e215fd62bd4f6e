"""Whose a tracking number is, and whether it was read right: forms and check digits of carriers, as data. Pure.

The forms are facts that carriers publish (UPS and FedEx label guides, USPS Publication 199, UPU standard S10, DPD's
parcel label specification, GS1's SSCC), as they are gathered in the public collection jkeen/tracking_number_data. A
number is taken without its blanks, in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from entrepot.kernel.errors import Said

Check = Callable[[re.Match[str]], bool]
"""Whether what was read of a number agrees with its check digit."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


# ---- check digits


def _value(character: str) -> int:
    """A digit, or what a letter counts as on labels: A is 2, B is 3, and round again after 9."""
    return int(character) if character.isdigit() else (ord(character) - 63) % 10


def mod_10(even: int, odd: int) -> Check:
    """Places from the left, the first being even, are weighted; with the check digit the sum is a multiple of ten."""

    def check(found: re.Match[str]) -> bool:
        total = sum(_value(one) * (odd if i % 2 else even) for i, one in enumerate(found["body"]))
        return (total + int(found["check"])) % 10 == 0

    return check


def weighted(weights: Sequence[int], first: int, second: int) -> Check:
    """The weighted sum by one modulus, and that by another, is the check digit."""

    def check(found: re.Match[str]) -> bool:
        total = sum(int(one) * weight for one, weight in zip(found["body"], weights, strict=True))
        return total % first % second == int(found["check"])

    return check


def mod_7(found: re.Match[str]) -> bool:
    return int(found["body"]) % 7 == int(found["check"])


def luhn(found: re.Match[str]) -> bool:
    """Every second digit from the right is doubled, and its own digits are added."""
    total = int(found["check"])
    for i, one in enumerate(reversed(found["body"])):
        total += sum(divmod(int(one) * (1 if i % 2 else 2), 10))
    return total % 10 == 0


def mod_37_36(found: re.Match[str]) -> bool:
    """ISO 7064 over digits and letters."""
    left = 36
    for one in found["body"]:
        left = (left + ALPHABET.index(one)) % 36 or 36
        left = left * 2 % 37
    return (left + ALPHABET.index(found["check"])) % 36 == 1


def s10(found: re.Match[str]) -> bool:
    """Of the Universal Postal Union."""
    total = sum(
        int(one) * weight for one, weight in zip(found["body"], (8, 6, 4, 2, 3, 5, 9, 7), strict=True)
    )
    return {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11) == int(found["check"]) and (
        found["country"] in POSTAL_COUNTRIES
    )


def with_91(found: re.Match[str]) -> bool:
    """The digit was computed with the 91 in front, which is printed on some labels only."""
    whole = "91" + found["body"]
    total = sum(int(one) * (1 if i % 2 else 3) for i, one in enumerate(whole))
    return (total + int(found["check"])) % 10 == 0


# ---- forms


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a carrier's numbers. Without `check` the form alone tells."""

    carrier: str
    name: str
    pattern: str
    check: Check | None = None


_SEVEN_THREE = (3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)
_THREE_SEVEN = (1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)
_MAILER = r"(?:9\d{8}(?:\d{7}|\d{11})|[0-8]\d{5}(?:\d{10}|\d{14}))"
"""USPS: a mailer's number of nine digits that begins with 9, or of six that does not, and the package's."""
_MAILER_LONG = r"(?:9\d{8}(?:\d{7}|\d{11}|\d{15})|[0-8]\d{5}(?:\d{10}|\d{14}))"
_KIND = r"(?:92\d{3}(?=9)|93\d{3}(?=[0-8])|95\d{3})"
_TO = r"(?:420\d{5}(?:\d{4})?)?"
"""USPS: the postal code it goes to, with or without its last four digits."""

FORMS = (
    Form("ups", "UPS", r"1Z(?P<body>[A-Z0-9]{15})(?P<check>\d)", mod_10(1, 2)),
    Form("ups", "UPS waybill", r"[AHJKTV](?P<body>\d{9})(?P<check>\d)", mod_10(1, 2)),
    Form("fedex", "FedEx Express", r"(?P<body>\d{11})(?P<check>\d)", weighted(_SEVEN_THREE, 11, 10)),
    Form("fedex", "FedEx Express 34", r"[0-8]\d{19}(?P<body>\d{13})(?P<check>\d)", weighted(_THREE_SEVEN, 11, 10)),
    Form("fedex", "FedEx ASTRA", r"3\d{15}(?P<body>\d{11})(?P<check>\d)\d{4}", weighted(_SEVEN_THREE, 11, 10)),
    Form("fedex", "FedEx Ground", r"(?P<body>\d{14})(?P<check>\d)", mod_10(1, 3)),
    Form("fedex", "FedEx Ground SSCC", r"(?P<body>\d{17})(?P<check>\d)", mod_10(3, 1)),
    Form("fedex", "FedEx Ground 96", r"96\d{5}(?P<body>\d{14})(?P<check>\d)", mod_10(1, 3)),
    Form("fedex", "FedEx Ground GSN", r"96\d{18}(?P<body>\d{13})(?P<check>\d)", weighted(_THREE_SEVEN, 11, 10)),
    Form("usps", "USPS 20", r"(?P<body>\d{19})(?P<check>\d)", mod_10(3, 1)),
    Form("usps", "USPS label", rf"{_TO}(?P<body>94\d{{3}}{_MAILER_LONG})(?P<check>\d)", mod_10(3, 1)),
    Form("usps", "USPS commercial and retail", rf"{_TO}(?P<body>{_KIND}{_MAILER})(?P<check>\d)", mod_10(3, 1)),
    Form("usps", "USPS confirmation", rf"{_TO}(?P<body>91\d{{19}})(?P<check>\d)", mod_10(3, 1)),
    Form("usps", "USPS confirmation, without its 91", rf"{_TO}(?!91)(?P<body>\d{{19}})(?P<check>\d)", with_91),
    Form("canada post", "Canada Post", r"(?P<body>\d{15})(?P<check>\d)", mod_10(3, 1)),
    Form("canpar", "Canpar", r"[CDKLSUXZ]\d{21}"),
    Form("dhl", "DHL Express", r"(?P<body>\d{9,10})(?P<check>\d)", mod_7),
    Form("dhl", "DHL piece", r"J[A-Z]{2,3}\d{9,10}"),
    Form("dhl", "DHL eCommerce", r"(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)\d[0-9A-Z]{9,38}"),
    Form("dhl", "DHL eCommerce 14", r"\d{14}"),
    Form("dpd", "DPD", r"(?P<body>\d{27})(?P<check>[0-9A-Z])", mod_37_36),
    Form("dpd", "DPD short", r"(?P<body>\d{14})(?P<check>[0-9A-Z])", mod_37_36),
    Form("amazon", "Amazon Logistics", r"TB[ACM]\d{12}"),
    Form("amazon", "Amazon international", r"[AFC]\d{10}"),
    Form("gofo", "GOFO Express", r"GFUS\d{14}"),
    Form("landmark", "Landmark Global", r"LTN\d{8}N1"),
    Form("lasership", "LaserShip", r"L[AIEHNX][1-3]\d{7}"),
    Form("lasership", "LaserShip 1LS7", r"1LS7[12]\d{10}"),
    Form("lasership", "LaserShip 1LS7 of several", r"1LS7[12]\d{2}01[1-4]\d{6}-1"),
    Form("lasership", "LaserShip 1LSCX", r"1LSCX[0-9A-Z]{10}"),
    Form("old dominion", "Old Dominion", r"(?P<body>(?:77[78]|072|780)\d{7})(?P<check>\d)", luhn),
    Form("old dominion", "Old Dominion guaranteed", r"(?P<body>80\d{8})(?P<check>\d)", luhn),
    Form("ontrac", "OnTrac", r"(?P<body>[CD]\d{13})(?P<check>\d)", mod_10(1, 2)),
    Form("purolator", "Purolator", r"(?P<body>[0-5]\d{10})(?P<check>\d)", luhn),
    Form("purolator", "Purolator with letters", r"[A-Z]{3}\d{9}"),
    Form("spee-dee", "Spee-Dee", r"SP\d{18}"),
    Form("yodel", "Yodel", r"JJ?D\d{16}"),
    Form("yunexpress", "YunExpress", r"YT\d{16}"),
    Form("post", "S10", r"[A-Z]{2}(?P<body>\d{8})(?P<check>\d)(?P<country>[A-Z]{2})", s10),
)  # fmt: skip


_COUNTRIES = (
    "AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BJ BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CL CM CN CO CR CU "
    "CV CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FR GA GB GD GE GH GM GN GQ GR GT GW GY HK HN HR HT HU ID IE IL "
    "IN IQ IR IS IT JM JO JP KE KG KH KI KM KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN "
    "MO MR MT MU MV MW MX MY MZ NA NE NG NI NL NO NP NR NZ OM PA PE PG PH PK PL PT PY QA RO RS RU RW SA SB SC SD SE SG "
    "SI SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VN VU WS YE ZA "
    "ZM ZW "
)
POSTAL_COUNTRIES = frozenset(_COUNTRIES.split())
"""Countries with a post of their own in the Universal Postal Union, and those it delivers for."""


# ---- what is asked


class Reading(NamedTuple):
    """A number without its blanks, in capitals, with every form that it has, and those whose check digit is wrong."""

    number: str
    forms: tuple[Form, ...]
    misread: tuple[Form, ...]

    @property
    def carriers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(form.carrier for form in self.forms))


NUMBER_MAX = 64
"""Characters of the longest number that anybody prints, and some more."""


def read(number: str) -> Reading:
    """All that a tracking number could be."""
    text = "".join(number.split()).upper()
    forms: list[Form] = []
    misread: list[Form] = []
    if text.isascii() and len(text) <= NUMBER_MAX:
        for form in FORMS:
            found = _compiled(form.pattern).fullmatch(text)
            if found:
                (forms if form.check is None or form.check(found) else misread).append(form)
    return Reading(text, tuple(forms), tuple(misread))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


POSTS = {
    "usps": "US", "canada post": "CA", "royal mail": "GB", "parcelforce": "GB", "deutsche post": "DE", "dhl": "DE",
    "la poste": "FR", "colissimo": "FR", "correos": "ES", "poste italiane": "IT", "postnl": "NL", "bpost": "BE",
    "an post": "IE", "australia post": "AU", "japan post": "JP",
}  # fmt: skip
"""Carriers that are posts, with the country in whose name their S10 numbers end."""

LAST_MILE = {
    "ups": ("usps",),
    "fedex": ("usps",),
    "dhl": ("usps",),
    "ontrac": ("lasership",),
    "lasership": ("ontrac",),
}
"""Whose numbers parcels of a carrier may bear, because it gives them on or became one with it."""


def known_carrier(name: str) -> str:
    """The carrier of the table that a retailer's own name or code means; '' where it is none of them."""
    words = " ".join(re.findall(r"[a-z0-9]+", name.lower()))
    known = sorted(
        {form.carrier for form in FORMS if form.carrier != "post"} | {*POSTS}, key=len, reverse=True
    )
    for carrier in known:
        plain = " ".join(re.findall(r"[a-z0-9]+", carrier))
        if f" {words} ".startswith(f" {plain} ") or words.replace(" ", "") == plain.replace(" ", ""):
            return carrier
    return ""


class Verdict(NamedTuple):
    """Whether a number may stand for a carrier's parcel. `problem`: '' where nothing is wrong with it. `is_misread`: it
    has the form of one, but for its check digit."""

    number: str
    problem: str
    certain: bool
    is_misread: bool = False


def judge(number: str, carrier: str) -> Verdict:
    """What is wrong with a number that somebody entered for a carrier's parcel.

    It is `certain` where the carrier's forms are known; of others only a doubt can be told.
    """
    reading = read(number)
    mine = known_carrier(carrier)
    if mine and any(_may_bear(mine, form, reading.number) for form in reading.forms):
        return Verdict(reading.number, "", certain=True)
    if mine and any(form.carrier == mine for form in reading.misread):
        return Verdict(
            reading.number,
            Said("its check digit is wrong for {0}: it was mistyped or misread", mine),
            certain=True,
            is_misread=True,
        )
    if mine:
        others = ", ".join(one for one in reading.carriers if one != mine)
        problem = (
            Said("it has no form of {0}'s numbers; it looks like a number of {1}", mine, others)
            if others
            else Said("it has no form of {0}'s numbers; no carrier's numbers look like it", mine)
        )
        return Verdict(reading.number, problem, certain=True)
    if reading.forms:
        return Verdict(reading.number, "", certain=False)
    if reading.misread:
        names = ", ".join(dict.fromkeys(form.name for form in reading.misread))
        return Verdict(
            reading.number,
            Said("it looks like {0}, but its check digit is wrong", names),
            certain=False,
            is_misread=True,
        )
    return Verdict(reading.number, Said("no known carrier's numbers look like it"), certain=False)


def _may_bear(carrier: str, form: Form, number: str) -> bool:
    if form.carrier == "post":
        return number.endswith(POSTS.get(carrier, "??"))
    return form.carrier == carrier or form.carrier in LAST_MILE.get(carrier, ())
