"""What a message says, for readers who may not see whom it is about. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, NamedTuple

MASK = "•••"

PERSONAL = frozenset(
    (
        "name",
        "first",
        "last",
        "given",
        "family",
        "surname",
        "email",
        "mail",
        "phone",
        "mobile",
        "fax",
        "tel",
        "telephone",
        "address",
        "street",
        "line",
        "city",
        "town",
        "zip",
        "zipcode",
        "postal",
        "postcode",
        "recipient",
        "receiver",
        "sender",
        "contact",
        "organization",
        "buyer",
        "customer",
        "person",
        "shipto",
        "billto",
        "note",
        "notes",
        "message",
        "comment",
        "gift",
        "greeting",
        "birth",
        "birthday",
        "dob",
        "ip",
        "iban",
        "account",
        "card",
        "holder",
        "vat",
        "login",
        "user",
        "username",
        "password",
        "secret",
        "token",
        "signature",
        "latitude",
        "longitude",
    )
)
"""Words in the name of a field by which what it says may be about somebody."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SAID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # an id
    r"|\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-]\d\d:?\d\d)?)?",  # a day or a moment
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,59}")
"""One word without a sign of an address of mail: a code, a state, a kind."""


PERSONAL_SEGMENTS = frozenset(
    ("N1", "N2", "N3", "N4", "PER", "G61", "NTE", "MSG", "MTX", "PID", "NM1", "DMG")
)
"""Segments of X12 that name somebody, say where they live, or hold free text."""

_ISA = 106


def masked(content: str) -> str:
    """A message with everything masked that may tell of a person: of JSON by its fields, of X12 by its segments; what
    is neither is masked whole."""
    try:
        said = json.loads(content)
    except ValueError:
        return _masked_x12(content)
    return json.dumps(_masked(said, is_personal=False), ensure_ascii=False, indent=2)


def readable(content: str) -> str:
    """A message as people read it: JSON with a line for each field; anything else as it is."""
    try:
        return json.dumps(json.loads(content), ensure_ascii=False, indent=2)
    except ValueError:
        return content


class Shown(NamedTuple):
    """A message as a reader is shown it. `hides`: parts of it stand as dots."""

    content: str
    hides: bool


def shown(content: str, *, sees_people: bool) -> Shown:
    """What a reader is shown of a message: all of it, or what may tell of nobody."""
    if sees_people:
        return Shown(readable(content), hides=False)
    told = masked(content)
    return Shown(told, MASK in told)


def _masked_x12(content: str) -> str:
    """An interchange without what its personal segments say; the separators stand at fixed places of ISA."""
    text = content.lstrip("\ufeff \r\n\t")
    if not text.startswith("ISA") or len(text) < _ISA or text[3].isalnum() or text[_ISA - 1].isalnum():
        return MASK
    separator, end = text[3], text[_ISA - 1]
    told = []
    for one in text.split(end):
        name = one.strip("\r\n").split(separator)[0]
        if one.strip() and not (name.isalnum() and len(name) <= 3):
            return MASK
        told.append(one.split(separator)[0] + separator + MASK if name in PERSONAL_SEGMENTS else one)
    return end.join(told)


def without(said: Any, words: Collection[str]) -> Any:
    """Text, or texts in lists and mappings, with dots where one of some words stood by itself, in capitals or not."""
    if not words:
        return said
    longest_first = sorted(words, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    return _replaced(said, pattern)


def _replaced(said: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(said, dict):
        return {name: _replaced(value, pattern) for name, value in said.items()}
    if isinstance(said, list):
        return [_replaced(one, pattern) for one in said]
    return pattern.sub(MASK, said) if isinstance(said, str) else said


def _masked(said: Any, *, is_personal: bool) -> Any:
    if isinstance(said, dict):
        return {
            name: _masked(value, is_personal=is_personal or personal(name)) for name, value in said.items()
        }
    if isinstance(said, list):
        return [_masked(one, is_personal=is_personal) for one in said]
    if said is None or isinstance(said, bool):
        return said
    if isinstance(said, str):
        return said if _SAID.fullmatch(said) or (_CODE.fullmatch(said) and not is_personal) else MASK
    return MASK if is_personal else said


def personal(field: str) -> bool:
    """Whether a field of this name may tell of a person."""
    return any(word.lower() in PERSONAL for word in _WORDS.findall(field))
