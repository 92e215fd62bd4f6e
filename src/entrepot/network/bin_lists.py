"""Many bins at once: of a pattern, or of a file. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from entrepot.kernel import csv_rows
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.network.rules import BIN_KINDS

MOST = 5_000
"""Bins at once."""
HEADER = ("code", "kind", "zone", "pick_sequence", "x", "y")
_RANGE = re.compile(r"\{([^{}]*)\}")
_NUMBERS = re.compile(r"(\d{1,6})\.\.(\d{1,6})")
_LETTERS = re.compile(r"([A-Z])\.\.([A-Z])")


def codes_of(pattern: str) -> list[str] | Refused:
    """The codes of a pattern such as `A-{01..20}-{A..D}`: numbers as wide as they are written, and letters."""
    expected = Said("a pattern such as {0}, of {1} bins at most", "A-{01..20}-{A..D}", MOST)
    parts = _RANGE.split(pattern.strip())
    choices: list[list[str]] = []
    count = 1
    for place, part in enumerate(parts):
        values = _span(part) if place % 2 else [part]
        count *= len(values)
        if not values or "{" in part or "}" in part or count > MOST:
            return Invalid(field="pattern", expected=expected, found=pattern)
        choices.append(values)
    codes = ["".join(one) for one in product(*choices)]
    if not all(code.strip() for code in codes) or len(set(codes)) != len(codes):
        return Invalid(field="pattern", expected=expected, found=pattern)
    return codes


def _span(text: str) -> list[str]:
    """What a pair of braces stands for; nothing where that makes no sense."""
    if found := _NUMBERS.fullmatch(text):
        first, last = int(found[1]), int(found[2])
        return [f"{one:0{len(found[1])}}" for one in range(first, last + 1)] if last - first < MOST else []
    if found := _LETTERS.fullmatch(text):
        return [chr(one) for one in range(ord(found[1]), ord(found[2]) + 1)]
    return []


class Line(NamedTuple):
    """A bin as a file has it; `zone` is a code, or ''."""

    code: str
    kind: str
    zone: str
    pick_sequence: int
    x: int
    y: int


def read(lines: Iterable[str]) -> csv_rows.Sheet[Line]:
    """CSV with the columns of HEADER in any order, of which only `code` and `kind` must be there. Of a code that stands
    twice, the second is a fault."""
    return csv_rows.read(lines, HEADER, HEADER[:2], _line, lambda one: (one.code,), MOST, "code", "bins")


def _line(row: dict[str, str | None]) -> Line | str:
    code, kind, zone = ((row.get(name) or "").strip() for name in ("code", "kind", "zone"))
    if not code or len(code) > 100:
        return f"code: expected 1 to 100 letters, found {code[:20] or 'nothing'}"
    if kind not in BIN_KINDS:
        return f"kind: expected one of {', '.join(BIN_KINDS)}, found {kind or 'nothing'}"
    numbers = []
    for name in HEADER[3:]:
        text = (row.get(name) or "0").strip() or "0"
        if not re.fullmatch(r"\d{1,8}", text):
            return f"{name}: expected a whole number from 0, found {text[:20]}"
        numbers.append(int(text))
    return Line(code, kind, zone, numbers[0], numbers[1], numbers[2])
