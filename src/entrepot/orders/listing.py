"""Whom the house blocks or trusts by a person's word: a customer, or a fingerprint of card, address or mail. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from entrepot.kernel.errors import Invalid, Refused, Said, one_of
from entrepot.parties.rules import FINGERPRINT, FINGERPRINTS

BLOCKED, TRUSTED = "blocked", "trusted"
SIDES = {
    BLOCKED: "orders of theirs are held for review",
    TRUSTED: "orders of theirs are spared by rules that only suspect",
}
CUSTOMER = "customer"
KINDS = (CUSTOMER, *FINGERPRINTS)
"""What can be listed."""
FORM = '"customer:" and a code, or "card:", "address:" or "email:" and 32 hexadecimal digits'


class Sides(NamedTuple):
    """Of what an order names, what is listed, and how."""

    blocked: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


NEITHER = Sides()


def of_customer(code: str) -> str:
    """How a customer stands on a list."""
    return f"{CUSTOMER}:{code}"


def kind_of(entry: str) -> str:
    """Which of `KINDS` an entry is."""
    return entry.partition(":")[0]


def plain(entry: str) -> str:
    """What entries are compared by: case does not matter."""
    return entry.lower()


def kept(entry: str) -> str:
    """An entry as it is kept: a fingerprint in lower case, a code as people write it."""
    return entry if kind_of(entry) == CUSTOMER else plain(entry)


def misfit(side: str, entry: str, reason: str) -> Refused | None:
    """Why something can't be listed."""
    if side not in SIDES:
        return Invalid(field="side", expected=one_of(SIDES), found=side)
    if not _is_entry(entry):
        return Invalid(field="entry", expected=Said("{0}", FORM), found=entry)
    if not reason.strip():
        return Invalid(field="reason", expected="why, for whoever asks later", found="nothing")
    return None


def _is_entry(entry: str) -> bool:
    kind, _, rest = entry.partition(":")
    if kind == CUSTOMER:
        return bool(rest) and rest == rest.strip()
    return bool(FINGERPRINT.fullmatch(plain(entry)))


def sides(entries: Iterable[str], known: Mapping[str, str]) -> Sides:
    """Those of an order's entries that are listed; `known` is sides by entry, as `plain` writes it."""
    found = [(one, known[plain(one)]) for one in entries if plain(one) in known]
    if not found:
        return NEITHER
    blocked, trusted = (tuple(one for one, side in found if side == wanted) for wanted in (BLOCKED, TRUSTED))
    return Sides(blocked, trusted)
