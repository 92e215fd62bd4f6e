"""What numbers of policies may be: by what a field counts, which the words of its name tell. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from entrepot.kernel.errors import Invalid


class Bounds(NamedTuple):
    """The least and the most that a number may be."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"{self.least} to {self.most}"

    @property
    def is_open(self) -> bool:
        """Whether the most is only what keeps out what is absurd."""
        return self.most >= COUNT.most

    def holds(self, number: float | Decimal) -> bool:
        return self.least <= number <= self.most


COUNT = Bounds(0, 10**9)
"""What has no bounds of its own: nothing that a policy counts is below zero."""

BY_WORD = {
    "minor": Bounds(0, 10**15), "weight": COUNT, "minutes": Bounds(0, 527_040), "hours": Bounds(0, 10_000),
    "days": Bounds(0, 3_660), "seconds": Bounds(0, 86_400), "percent": Bounds(0, 1_000), "km": Bounds(0, 40_000),
    "priority": Bounds(-99, 99),
}  # fmt: skip
"""By a word of a field's name, the first of these that is in it."""

Own = Mapping[str, tuple[int, int]]


def of_field(name: str, own: Own) -> Bounds:
    """The bounds of a number: its own, or those of what it counts."""
    if name in own:
        return Bounds(*own[name])
    words = name.split("_")
    return next((bounds for word, bounds in BY_WORD.items() if word in words), COUNT)


def misfit(body: Any, own: Own) -> Invalid | None:
    """The first number of a policy that is out of its bounds, however deep it stands in it. The field says where; of a
    mapping, what was found has the name that it stands under. `own` are bounds of the policy's own fields."""
    for name, where, entry, number in _numbers("", "", body):
        bounds = of_field(name, own if name == where else {})
        if not bounds.holds(number):
            found = f"{entry} = {number}" if entry else str(number)
            return Invalid(field=where, expected=str(bounds), found=found)
    return None


_Number = tuple[str, str, str, float | Decimal]
"""The name of a field, where it stands, the entry of a mapping, and what is given."""


def _numbers(name: str, where: str, given: Any, entry: str = "") -> Iterator[_Number]:
    if is_number(given):
        yield name, where, entry, given
    elif is_dataclass(given):
        inside = f"{where} {entry}".strip() + (": " if where else "")
        for field in fields(given):
            yield from _numbers(field.name, inside + field.name, getattr(given, field.name))
    elif isinstance(given, Mapping):
        for key, one in given.items():
            yield from _numbers(name, where, one, str(key))
    elif isinstance(given, list | tuple | set | frozenset):
        for place, one in enumerate(given, 1):
            yield from _numbers(name, f"{where} {place}", one, entry)


def is_number(given: object) -> bool:
    return isinstance(given, int | float | Decimal) and not isinstance(given, bool)
