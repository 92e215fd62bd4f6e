"""Plates: the numbers that they bear, and what becomes of their content when units move. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from biip.checksums import gs1_standard_check_digit

from entrepot.catalog.barcodes import SSCC_DIGITS, is_sscc
from entrepot.kernel.errors import Invalid, Refused, Said

PREFIX_DIGITS = range(4, 13)
"""A GS1 company prefix has 4 to 12 digits."""


def number_of(text: str) -> str:
    """What stands on a plate as it is kept: of a GS1 element string (00) its 18 digits."""
    number = "".join(text.split()).replace("(00)", "00", 1)
    return number[2:] if len(number) == SSCC_DIGITS + 2 and number.startswith("00") else number


def misfit_prefix(prefix: str, extension: int) -> Refused | None:
    """Why a company can't number plates of its own by these."""
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) in PREFIX_DIGITS):
        return Invalid(
            field="gs1_prefix",
            expected="the company prefix that GS1 gave, 4 to 12 digits (policy warehouse.plates)",
            found=prefix or "none",
        )
    if not 0 <= extension <= 9:
        return Invalid(field="extension", expected="one digit", found=extension)
    return None


def is_anew(prefix: str, serial: int) -> bool:
    """Whether a serial number was drawn when the digits that a prefix leaves were used up before."""
    return serial >= 10 ** (SSCC_DIGITS - 2 - len(prefix))


def sscc(prefix: str, extension: int, serial: int) -> str:
    """A plate's number: extension digit, company prefix, serial number, check digit. Serial numbers begin anew when
    their digits are used up, which GS1 allows after a year."""
    digits = SSCC_DIGITS - 2 - len(prefix)
    body = f"{extension}{prefix}{serial % 10**digits:0{digits}d}"
    return f"{body}{gs1_standard_check_digit(body)}"


class Change(NamedTuple):
    """Units that leave a bucket, arrive in one, or both; `plate`: they stand on it and go with it. `stays`: only their
    status changes, they are not taken anywhere."""

    units: int
    source: UUID | None
    target: UUID | None
    plate: UUID | None = None
    stays: bool = False


class Standing(NamedTuple):
    """Units of a bucket that stand on a plate."""

    plate: UUID
    bucket: UUID
    units: int


class Taken(NamedTuple):
    """Units that a change took off a plate, by its place among the changes."""

    change: int
    plate: UUID
    units: int


@dataclass(slots=True)
class Followed:
    """What stands on plates afterwards, by (plate, bucket) and by bucket, of all that was looked at or changed; and
    what was taken off."""

    units: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    plated: dict[UUID, int] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    def add(self, plate: UUID, bucket: UUID, units: int) -> None:
        self.units[plate, bucket] = self.units.get((plate, bucket), 0) + units
        self.plated[bucket] = self.plated.get(bucket, 0) + units


def follow(changes: Sequence[Change], after: Mapping[UUID, int], standing: Sequence[Standing]) -> Followed:
    """What becomes of plates where units move: those of a plate go with it; of others loose units go first, and what
    is more than those is taken off plates, in the order of `standing`. Units whose status alone changes stay on their
    plate. `after` are the units of each bucket when all is moved."""
    found = Followed()
    plates: dict[UUID, list[UUID]] = {}
    for one in standing:
        found.add(one.plate, one.bucket, one.units)
        plates.setdefault(one.bucket, []).append(one.plate)
    for change in changes:
        if change.plate is not None:
            _carry(found, change, change.plate)
            _arrives(plates, change, change.plate)
    single = {place: change.units for place, change in enumerate(changes) if change.plate is None}
    # Units that stay where they are come first: so as many as can be are left on their plate. They may stand then in a
    # bucket that others leave, so that what is beyond is known only afterwards.
    staying = [place for place in single if changes[place].stays]
    while sum(_take(found, place, changes[place], after, plates, single) for place in staying):
        pass
    for place in single:
        if not changes[place].stays:
            _take(found, place, changes[place], after, plates, single)
    return found


def _arrives(plates: dict[UUID, list[UUID]], change: Change, plate: UUID) -> None:
    if change.target is not None and plate not in plates.setdefault(change.target, []):
        plates[change.target].append(plate)


def _take(
    found: Followed,
    place: int,
    change: Change,
    after: Mapping[UUID, int],
    plates: dict[UUID, list[UUID]],
    left: dict[int, int],
) -> int:
    """Take off plates what a change takes beyond what stands loose; how many units."""
    source = change.source
    if source is None or source not in plates:
        return 0
    beyond = max(0, found.plated.get(source, 0) - after.get(source, 0))
    taken = _take_off(found, place, change, min(left[place], beyond), plates[source])
    left[place] -= taken
    if taken and change.stays:
        for plate in plates[source]:
            _arrives(plates, change, plate)
    return taken


def _carry(found: Followed, change: Change, plate: UUID) -> None:
    units = change.units
    if change.source is not None:
        units = min(units, found.units.get((plate, change.source), 0))
        found.add(plate, change.source, -units)
    if change.target is not None:
        found.add(plate, change.target, units)


def _take_off(found: Followed, place: int, change: Change, units: int, plates: Sequence[UUID]) -> int:
    """Take so many units of a change off the plates that stand in its bucket; how many there were."""
    source, left = change.source, units
    assert source is not None
    for plate in plates:
        some = min(left, found.units.get((plate, source), 0))
        if some <= 0:
            continue
        found.add(plate, source, -some)
        left -= some
        if change.stays and change.target is not None:
            found.add(plate, change.target, some)
        else:
            found.taken.append(Taken(place, plate, some))
    return units - left


def misfit_number(number: str) -> Refused | None:
    """Why a text can't be a plate's number."""
    if is_sscc(number):
        return None
    expected = Said("an SSCC, {0} digits with their check digit", SSCC_DIGITS)
    return Invalid(field="number", expected=expected, found=number or "nothing")
