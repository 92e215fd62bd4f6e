"""Pallets of returned parcels: their number, and what was counted off against what was announced. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from entrepot.kernel.errors import Said

STATES = ("open", "counted", "done")
"""`open`: packages are counted off. `counted`: all are, and some wait to be opened. `done`: none does."""

MOST = 2_000
"""Packages on a pallet."""


class Package(NamedTuple):
    """A package of a pallet: by its number ('' for one that has none), whether the manifest named it, and whether it
    was seen."""

    tracking: str
    listed: bool
    seen: bool


class Differences(NamedTuple):
    """What of a manifest was not on the pallet, what was on it and not in the manifest, and the counts of both."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    announced: int
    counted: int

    @property
    def is_right(self) -> bool:
        return not self.missing and not self.extra and self.announced == self.counted

    @property
    def says(self) -> str:
        found = (
            [Said("{0} packages of {1} announced", self.counted, self.announced)]
            if self.announced != self.counted
            else []
        )
        if self.missing:
            found.append(Said("not on it: {0}", _named(self.missing)))
        if self.extra:
            found.append(Said("not in the manifest: {0}", _named(self.extra)))
        return "; ".join(found)


def number_of(text: str) -> str:
    """The number of a pallet as it is kept: of an SSCC its 18 digits."""
    number = "".join(text.split()).upper().replace("(", "").replace(")", "")
    return number[2:] if len(number) == 20 and number.isdigit() and number.startswith("00") else number


def compare(announced: int, packages: Iterable[Package]) -> Differences:
    """What was counted off, against the manifest, or against the count alone where there was none."""
    packages = list(packages)
    has_manifest = any(one.listed for one in packages)
    missing = tuple(one.tracking for one in packages if one.listed and not one.seen)
    extra = tuple(one.tracking for one in packages if has_manifest and one.seen and not one.listed)
    return Differences(missing, extra, announced, sum(one.seen for one in packages))


def _named(trackings: tuple[str, ...]) -> str:
    named = [one or "one without a number" for one in trackings[:10]]
    return ", ".join(named) + (f" and {len(trackings) - 10} more" if len(trackings) > 10 else "")
