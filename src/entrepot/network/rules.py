"""What nodes, bins and channels must be like, and on which day a node ships. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from entrepot.catalog.rules import Check, first_misfit, is_code, is_country, is_currency, not_negative, one_of
from entrepot.kernel.errors import Refused
from entrepot.network.errors import BinOut

NODE_KINDS = ("warehouse", "store", "3pl")
BIN_KINDS = ("pick", "reserve", "receiving", "staging", "packing", "quarantine")
OUT_KINDS = ("blocked", "retired")
"""What a bin is while nothing is put into it or picked from it; everything that chooses a bin asks for its kind, and so
passes these by. What it was before, it is again when it is opened."""
EUROPEAN_UNION = frozenset(
    ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
     "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK")
)  # fmt: skip
"""Its members: between them a business pays its own tax, and goods pass no customs."""
CHANNEL_KINDS = ("storefront", "marketplace", "wholesale", "social", "import")
SMALLINT_MAX = 32_767
NAME_MAX = 100
AISLES_MAX, CROSS_AISLES_MAX = 1_000, 20


@dataclass(frozen=True, slots=True)
class RegisterNode:
    """A node as it shall stand. Of two nodes that can serve, the lower `priority` number is preferred."""

    company: int
    code: str
    name: str
    country: str
    kind: str = "warehouse"
    postal_code: str = ""
    latitude: float | None = None
    longitude: float | None = None
    priority: int = 1
    active: bool = True
    time_zone: str = "UTC"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterZone:
    """A zone of a node as it shall stand."""

    node: UUID
    code: str
    kind: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterBin:
    """A bin as it shall stand, of one of BIN_KINDS. `x` and `y` are its place on the plan of the node."""

    company: int
    node: UUID
    code: str
    kind: str
    zone: UUID | None = None
    pick_sequence: int = 0
    x: int = 0
    y: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterLayout:
    """Where the aisles of a node are, in the coordinates of its bins: `aisles` by x, `cross_aisles` by y, both
    ascending. The first and the last cross-aisle end the aisles. Pickers begin and end at the depot; a unit of the
    coordinates is `unit_mm` long."""

    node: UUID
    aisles: tuple[int, ...]
    cross_aisles: tuple[int, ...]
    depot_x: int = 0
    depot_y: int = 0
    unit_mm: int = 1000
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterChannel:
    """A channel as it shall stand. Its orders go before those of a channel with a lower `priority`; `buffer` units of
    each SKU at each node are not shown to it; of fewer than `threshold` units it sees none, and never more than
    `shown_at_most` (0: all).
    """

    company: int
    code: str
    name: str
    currency: str
    kind: str = "storefront"
    priority: int = 5
    buffer: int = 0
    active: bool = True
    threshold: int = 0
    shown_at_most: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ServeChannel:
    """A node serves a channel from now on; `priority` adds to the node's own. Without `serves` it serves it no more:
    what it was promised stays with it."""

    channel: UUID
    node: UUID
    priority: int = 0
    key: str | None = None
    serves: bool = True


@dataclass(frozen=True, slots=True)
class SetCutOff:
    """The local time up to which a node ships on a weekday (Monday is 0); None where it does not ship on that day.

    A node without any cut-off ships on every day, to its end.
    """

    node: UUID
    weekday: int
    at: time | None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SetHoliday:
    """A day on which a node neither works nor ships, by its name; None where it does as on any such weekday."""

    node: UUID
    day: date
    name: str | None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterPlace:
    """Where the addresses of a country lie whose postal code begins with `postal_start`; '' is all of them. Degrees."""

    country: str
    postal_start: str
    latitude: float
    longitude: float
    key: str | None = None


def misfit_node(node: RegisterNode) -> Refused | None:
    """Why a node can't stand so."""
    latitude, longitude = node.latitude, node.longitude
    placed = latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180
    nowhere = latitude is None and longitude is None
    return first_misfit(
        is_code(node.code),
        _named(node.name),
        one_of("kind", node.kind, NODE_KINDS),
        is_country("country", node.country),
        ("latitude, longitude", placed or nowhere, "both in degrees, or none", (latitude, longitude)),
        _small("priority", node.priority),
        ("time_zone", is_time_zone(node.time_zone), "a time zone such as Europe/London", node.time_zone),
    )


def misfit_place(place: RegisterPlace) -> Refused | None:
    """Why a place can't stand so."""
    on_earth = abs(place.latitude) <= 90 and abs(place.longitude) <= 180
    start = place.postal_start
    return first_misfit(
        is_country("country", place.country),
        ("latitude, longitude", on_earth, "both in degrees", (place.latitude, place.longitude)),
        (
            "postal_start",
            start == postal_key(start),
            "capitals and digits, without blanks and hyphens",
            start,
        ),
    )


def postal_key(code: str) -> str:
    """A postal code as it is compared: in capitals, without blanks and hyphens."""
    return "".join(code.split()).replace("-", "").upper()


def misfit_zone(zone: RegisterZone) -> Refused | None:
    """Why a zone can't stand so."""
    return first_misfit(is_code(zone.code))


def misfit_bin(one: RegisterBin) -> Refused | None:
    """Why a bin can't stand so."""
    return first_misfit(
        is_code(one.code),
        one_of("kind", one.kind, BIN_KINDS),
        not_negative("pick_sequence", one.pick_sequence),
    )


def bin_out(code: str, kind: str) -> BinOut | None:
    """Why nothing is put into a bin of such a kind, and it is not set up otherwise; None where it is in use."""
    return BinOut(which=code, state=kind) if kind in OUT_KINDS else None


def misfit_layout(layout: RegisterLayout) -> Refused | None:
    """Why a node can't be laid out so."""
    aisles, cross = layout.aisles, layout.cross_aisles
    return first_misfit(
        (
            "aisles",
            0 < len(aisles) <= AISLES_MAX and _ascend(aisles),
            f"1 to {AISLES_MAX} whole numbers that ascend",
            aisles,
        ),
        (
            "cross_aisles",
            1 < len(cross) <= CROSS_AISLES_MAX and _ascend(cross),
            f"2 to {CROSS_AISLES_MAX} whole numbers that ascend",
            cross,
        ),
        ("unit_mm", layout.unit_mm > 0, "more than nothing", layout.unit_mm),
    )


def _ascend(numbers: Sequence[int]) -> bool:
    return all(a < b for a, b in pairwise(numbers))


def misfit_channel(channel: RegisterChannel) -> Refused | None:
    """Why a channel can't stand so."""
    return first_misfit(
        is_code(channel.code),
        _named(channel.name),
        one_of("kind", channel.kind, CHANNEL_KINDS),
        is_currency("currency", channel.currency),
        _small("priority", channel.priority),
        not_negative("buffer", channel.buffer),
        not_negative("threshold", channel.threshold),
        not_negative("shown_at_most", channel.shown_at_most),
    )


def misfit_service(serving: ServeChannel) -> Refused | None:
    """Why a node can't serve so."""
    return first_misfit(_small("priority", serving.priority))


def misfit_cut_off(cut_off: SetCutOff) -> Refused | None:
    """Why a cut-off can't be one."""
    return first_misfit(
        ("weekday", 0 <= cut_off.weekday <= 6, "a weekday from 0 (Monday) to 6", cut_off.weekday),
        ("at", cut_off.at is None or cut_off.at.tzinfo is None, "a local time, without a zone", cut_off.at),
    )


def misfit_holiday(one: SetHoliday) -> Refused | None:
    """Why a day can't be a holiday."""
    name = one.name
    return first_misfit(
        ("name", name is None or 0 < len(name.strip()) <= NAME_MAX, f"1 to {NAME_MAX} characters", name)
    )


def _named(name: str) -> Check:
    return "name", bool(name.strip()), "a name", repr(name)


def _small(field: str, number: int) -> Check:
    return field, abs(number) <= SMALLINT_MAX, "a small whole number", number


# ---- when a node ships


@dataclass(frozen=True, slots=True)
class Calendar:
    """`week` has the local cut-off of each weekday (Monday is 0) on which a node, or a carrier there, ships; empty, it
    ships on every day, to its end. `closed` are days, such as holidays, on which it does not."""

    week: Mapping[int, time] = field(default_factory=dict)
    closed: Collection[date] = frozenset()

    def of(self, week: Mapping[int, time]) -> Calendar:
        """That of a carrier with cut-offs of its own: where the node is closed, nobody takes anything."""
        return Calendar(week, self.closed)


@dataclass(frozen=True, slots=True)
class ShipDate:
    """The day on which work that is ready at a moment leaves, the moment up to which that held, and why."""

    on: date
    cutoff_at: datetime
    reason: str


def next_ship_date(ready_at: datetime, time_zone: str, calendar: Calendar) -> ShipDate | None:
    """When a node ships what is ready at a moment: the first working day whose cut-off is not yet past.

    None where a year has no such day. Moments are compared, not clock times, so that the night on which clocks change
    misleads nobody.
    """
    zone, today = _zone(time_zone), local_day(ready_at, time_zone)
    for days in range(366):
        day = today + timedelta(days=days)
        cutoff_at = _cutoff(day, zone, calendar)
        if cutoff_at is None or ready_at > cutoff_at:
            continue
        return ShipDate(day, cutoff_at, _why(days, day, cutoff_at))
    return None


def last_cut_off(before: datetime, time_zone: str, calendar: Calendar) -> datetime | None:
    """The last cut-off that was past at a moment; None where a year had none."""
    zone, today = _zone(time_zone), local_day(before, time_zone)
    for days in range(366):
        cutoff_at = _cutoff(today - timedelta(days=days), zone, calendar)
        if cutoff_at is not None and cutoff_at < before:
            return cutoff_at
    return None


def cut_off_by(day: date, time_zone: str, calendar: Calendar) -> datetime | None:
    """The cut-off of the last day up to this one on which a node ships; None where a year had none."""
    zone = _zone(time_zone)
    for days in range(366):
        cutoff_at = _cutoff(day - timedelta(days=days), zone, calendar)
        if cutoff_at is not None:
            return cutoff_at
    return None


def local_day(at: datetime, time_zone: str) -> date:
    """The day that it is somewhere at a moment."""
    return at.astimezone(_zone(time_zone)).date()


def _cutoff(day: date, zone: ZoneInfo, calendar: Calendar) -> datetime | None:
    """The last moment that ships on a day, in the node's zone; None where it is not a working day."""
    at = calendar.week.get(day.weekday()) if calendar.week else time.max
    return (
        None
        if at is None or day in calendar.closed
        else datetime.combine(day, at, zone).astimezone(UTC_ZONE).astimezone(zone)
    )


def _why(days: int, day: date, cutoff_at: datetime) -> str:
    until = f"{cutoff_at:%H:%M}"
    if days == 0:
        return f"ready before the cut-off at {until}"
    return f"the next working day, {day:%A}, with its cut-off at {until}"


UTC_ZONE = ZoneInfo("UTC")


def is_time_zone(name: str) -> bool:
    """Whether the name stands in the time zone database."""
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@cache
def time_zones() -> tuple[str, ...]:
    """The names that stand in the time zone database."""
    return tuple(sorted(available_timezones()))


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


# ---- how far


EARTH_RADIUS_KM = 6371.0088


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Kilometers between two points, given in degrees, along the great circle (haversine, mean radius of the earth)."""
    north, south = radians(lat1), radians(lat2)
    half = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))
