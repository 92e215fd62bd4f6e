"""What each service would cost and take for a parcel, and which one to take. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.catalog.rules import first_misfit, is_code, is_country, is_currency, not_negative
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.money import round_half_away
from entrepot.network.rules import Calendar, cut_off_by, local_day, next_ship_date, postal_key

ANYWHERE = "*"
CODE_MOST = 10
"""Letters and digits with which the postal codes of an area begin."""


SURCHARGES = ("remote", "residential", "oversize", "overweight", "fuel")
"""Kinds of surcharge, in the order in which they are added; fuel comes last, on all before it."""


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What is added to a rate: an amount, and hundredths of a percent of what the parcel costs so far.

    `above`: millimetres of the longest side (oversize) or grams charged (overweight) beyond which it is due.
    `postal_code`: how the codes of a remote area begin. `zone`: where it is due; '*' everywhere.
    """

    kind: str
    amount_minor: int = 0
    per_10k: int = 0
    above: int = 0
    postal_code: str = ""
    zone: str = "*"


class Zone(NamedTuple):
    """From where to where a zone counts: countries, '*' for any, and within a country the postal codes that begin so
    ('': all). `transit_days` is what it takes there; None: what the service takes."""

    origin: str
    destination: str
    zone: str
    origin_postal_code: str = ""
    destination_postal_code: str = ""
    transit_days: int | None = None

    @property
    def lane(self) -> tuple[str, str, str, str]:
        """What a row is known by."""
        return (self.origin, self.origin_postal_code, self.destination, self.destination_postal_code)


@dataclass(frozen=True, slots=True)
class RegisterService:
    """A service of a carrier as it shall stand, with exactly these tables.

    `zones`: at the least (origin country, destination country, zone). `rates`: (zone, up to grams, price in minor
    units). `divisor` turns cm³ into kilograms for bulky parcels; 0: never. `max_length_mm` is the longest side that it
    carries; 0: any. `live` is who quotes it now, and under which name: `easypost:USPS Priority`; '' for nobody.
    """

    company: int
    carrier: str
    code: str
    name: str
    transit_days: int
    max_weight_g: int
    currency: str
    zones: tuple[Zone, ...]
    rates: tuple[tuple[str, int, int], ...]
    divisor: int = 5000
    active: bool = True
    surcharges: tuple[Surcharge, ...] = ()
    max_length_mm: int = 0
    live: str = ""
    key: str | None = None

    def __post_init__(self) -> None:
        # Rows of countries alone are given, and were kept in versions, by their first three.
        object.__setattr__(self, "zones", tuple(Zone(*one) for one in self.zones))


@dataclass(frozen=True, slots=True)
class SetCarrierCutOff:
    """The local time of a node up to which a carrier takes on a weekday (Monday is 0) what is ready; None where it does
    not come on that day. A carrier without any takes what is ready at the node's own cut-off."""

    company: int
    carrier: str
    node: UUID
    weekday: int
    at: time | None
    key: str | None = None


def misfit(service: RegisterService) -> Refused | None:
    """Why a service can't stand so."""
    lanes = [one.lane for one in service.zones]
    steps = [(zone, weight_g) for zone, weight_g, _ in service.rates]
    unpriced = sorted({one.zone for one in service.zones} - {zone for zone, _ in steps})
    carrier = service.carrier
    return first_misfit(
        is_code(service.code),
        (
            "carrier",
            bool(carrier) and carrier == carrier.strip(),
            "a code, without blanks around it",
            repr(carrier),
        ),
        is_currency("currency", service.currency),
        ("transit_days", 0 <= service.transit_days <= 365, "days from 0 to 365", service.transit_days),
        ("max_weight_g", 0 < service.max_weight_g < 2**31, "grams from 1", service.max_weight_g),
        not_negative("divisor", service.divisor),
        *(
            is_country("zones", country, ANYWHERE)
            for one in service.zones
            for country in (one.origin, one.destination)
        ),
        *(("zones", fits, expected, found) for one in service.zones for fits, expected, found in _fit(one)),
        ("zones", len(lanes) == len(set(lanes)), "each way once", _twice(lanes)),
        ("rates", len(steps) == len(set(steps)), "each zone and weight once", steps),
        ("rates", all(0 < weight_g < 2**31 for _, weight_g in steps), "weights from 1 gram", steps),
        ("rates", all(price >= 0 for *_, price in service.rates), "prices from 0", service.rates),
        ("rates", not unpriced, "a price for each zone", f"none for {', '.join(unpriced)}"),
        not_negative("max_length_mm", service.max_length_mm),
        ("live", not service.live or all(service.live.partition(":")), "source:name, or ''", service.live),
        ("surcharges", len(set(_names(service))) == len(service.surcharges), "each once", _names(service)),
        *(("surcharges", fits, expected, one) for one in service.surcharges for fits, expected in _fits(one)),
    )


def _fit(one: Zone) -> Iterable[tuple[bool, str, object]]:
    for country, begins in (
        (one.origin, one.origin_postal_code),
        (one.destination, one.destination_postal_code),
    ):
        yield is_beginning(begins), BEGINNING, begins
        yield not begins or country != ANYWHERE, "the country of postal codes", f"{country} {begins}"
    days = one.transit_days
    yield days is None or 0 <= days <= 365, "days from 0 to 365, or none", days


BEGINNING = f"how postal codes begin, {CODE_MOST} capital letters and digits at most"


def is_beginning(begins: str) -> bool:
    """Whether postal codes can begin so. A range or a pattern is none."""
    return re.fullmatch(rf"[A-Z0-9]{{0,{CODE_MOST}}}", begins) is not None


def _twice(lanes: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [one for one, times in Counter(lanes).items() if times > 1]


def _names(service: RegisterService) -> list[tuple[object, ...]]:
    return [(one.kind, one.zone, one.above, one.postal_code) for one in service.surcharges]


def _fits(one: Surcharge) -> tuple[tuple[bool, str], ...]:
    return (
        (one.kind in SURCHARGES, f"one of {', '.join(SURCHARGES)}"),
        (
            one.amount_minor >= 0 and 0 <= one.per_10k <= 10_000,
            "an amount, or at most 10,000 hundredths of %",
        ),
        (one.above >= 0, "a measure from 0"),
        (
            one.kind != "remote" or bool(postal_key(one.postal_code)),
            "how the postal codes of a remote area begin",
        ),
    )


COUNTRIES = ((1, 1), (1, 0), (0, 1), (0, 0))


class Service(NamedTuple):
    """A service with its tables: zones by (origin, destination), rates by zone in order of weight.

    A place is '*', a country, or a country and how its postal codes begin: `US021`. `days` are those of zones that
    have their own. `exactness` says how exact the destinations and origins of its zones are, the most exact first: 0
    is any, 1 a country, and one more for each letter of postal codes. All three are made by `zoned`.
    """

    id: UUID
    carrier: str
    code: str
    transit_days: int
    max_weight_g: int
    divisor: int
    zones: Mapping[tuple[str, str], str]
    rates: Mapping[str, Sequence[tuple[int, int]]]
    currency: str
    surcharges: Sequence[Surcharge] = ()
    max_length_mm: int = 0
    live: str = ""
    days: Mapping[tuple[str, str], int] = {}
    exactness: Sequence[tuple[int, int]] = COUNTRIES


class Parcel(NamedTuple):
    """What is to be carried: grams, cm³, from one country to another; priced in a currency, or in any ('').

    `longest_mm` 0: nobody has measured it. `residential`: to where somebody lives.
    """

    weight_g: int
    volume_cm3: int
    origin: str
    destination: str
    currency: str = ""
    longest_mm: int = 0
    postal_code: str = ""
    residential: bool = False
    origin_postal_code: str = ""


BARRED = {
    "not_there": "{0} does not go from {1} to {2}",
    "other_currency": "{0} asks in {1}, not in {2}",
    "too_long": "{0} carries up to {1} mm, its longest side is {2} mm",
    "too_heavy": "{0} carries up to {1} g, charged for {2} g",
    "no_rate": "{0} has no rate for {1} g in zone {2}",
    "no_exchange": "{0} asks in {1}, and there is no exchange rate to compare it by",
    "hazardous": "{0} may not take hazardous goods to {1}",
}
"""Why a service, the first fact, does not carry a parcel: what is said of it, by code."""


class Barred(NamedTuple):
    """A service, by its code, that does not carry a parcel: why, a code of `BARRED`, with the facts of that."""

    service: str
    why: str
    facts: tuple[str | int, ...]

    def said(self) -> Said:
        return Said(BARRED[self.why], self.service, *self.facts)


def all_said(barred: Sequence[Barred]) -> Said:
    """Why none of some services carries a parcel, one after the other."""
    return Said("; ".join(["{}"] * len(barred)), *(one.said() for one in barred))


@dataclass(frozen=True, slots=True)
class Offer:
    """A service with its price for a parcel, surcharges included; `source` is who named it: a table, or an adapter, and
    `timed_by` who its time. Its service takes the days of the `lane`, the row of its zones by which it goes.

    For several parcels, `parcels` are the price of each and the surcharges in it, where they are known.
    """

    service: Service
    zone: str
    charged_g: int
    price_minor: int
    surcharges: tuple[tuple[str, int], ...] = ()
    source: str = "table"
    timed_by: str = "table"
    parcels: tuple[tuple[int, tuple[tuple[str, int], ...]], ...] = ()
    lane: tuple[str, str] = ("", "")

    @property
    def label_minor(self) -> int:
        """The price without its surcharges."""
        return self.price_minor - sum(amount for _, amount in self.surcharges)


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer taken, and every service that does not carry the parcel, with why.

    `late`: the offer taken does not keep the promise. `runner_up` would have been taken without it.
    """

    taken: Offer | None
    late: bool
    barred: tuple[Barred, ...]
    runner_up: Offer | None = None


def charged_weight_g(parcel: Parcel, divisor: int) -> int:
    """The greater of weight and dimensional weight: cm³ ÷ divisor is kilograms, as carriers publish it."""
    if not divisor:
        return parcel.weight_g
    return max(parcel.weight_g, -(-parcel.volume_cm3 * 1000 // divisor))  # rounded up


def zoned(service: Service, rows: Iterable[Zone]) -> Service:
    """The service with these zones."""
    by_lane = {
        (one.origin + one.origin_postal_code, one.destination + one.destination_postal_code): one
        for one in rows
    }
    exactness = {(_exact(to), _exact(origin)) for origin, to in by_lane}
    return service._replace(
        zones={lane: one.zone for lane, one in by_lane.items()},
        days={lane: one.transit_days for lane, one in by_lane.items() if one.transit_days is not None},
        exactness=COUNTRIES if exactness <= {*COUNTRIES} else sorted(exactness, reverse=True),
    )


def _exact(place: str) -> int:
    return 0 if place == ANYWHERE else len(place) - 1  # a country has two letters


def lane_of(
    service: Service, origin: str, destination: str, origin_postal_code: str = "", postal_code: str = ""
) -> tuple[str, str] | None:
    """The most exact row by which a service goes: that of the longest beginning of the destination's postal code, then
    of its country, then of any; of those that are equally exact there, the most exact of the origin."""
    here, there = origin, destination
    if service.exactness is not COUNTRIES:
        here, there = (
            country and country + postal_key(code)
            for country, code in ((origin, origin_postal_code), (destination, postal_code))
        )
    for to, of in service.exactness:
        lane = (_begins(here, of), _begins(there, to))
        if lane in service.zones:
            return lane
    return None


def _begins(place: str, exact: int) -> str:
    """A place as exact as that; '', which is none, where not so much is known of it."""
    if not exact:
        return ANYWHERE
    return place[: exact + 1] if len(place) > exact else ""


def zone_of(
    service: Service, origin: str, destination: str, origin_postal_code: str = "", postal_code: str = ""
) -> str | None:
    """The zone of the most exact row."""
    lane = lane_of(service, origin, destination, origin_postal_code, postal_code)
    return None if lane is None else service.zones[lane]


def on_lane(service: Service, lane: tuple[str, str]) -> Service:
    """The service as it goes there: with the days that it takes."""
    days = service.days.get(lane, service.transit_days)
    return service if days == service.transit_days else service._replace(transit_days=days)


def longest_days(service: Service) -> int:
    """What the service takes to where it takes longest."""
    return max(service.transit_days, *service.days.values(), 0)


def letters_that_count(services: Iterable[Service]) -> tuple[int, int]:
    """How many letters of the postal codes of origin and destination these services tell apart: what is alike up to
    there has one price."""
    known = list(services)
    ways = [each for one in known for each in one.exactness]
    remote = [len(postal_key(x.postal_code)) for one in known for x in one.surcharges if x.kind == "remote"]
    return (
        max((of - 1 for _, of in ways if of), default=0),
        max([*(to - 1 for to, _ in ways if to), *remote], default=0),
    )


def offer(service: Service, parcel: Parcel) -> Offer | Barred:
    """The service's price, or why it does not carry the parcel."""
    lane = lane_of(service, parcel.origin, parcel.destination, parcel.origin_postal_code, parcel.postal_code)
    if lane is None:
        return Barred(service.code, "not_there", (parcel.origin, parcel.destination))
    zone = service.zones[lane]
    if parcel.currency not in ("", service.currency):
        return Barred(service.code, "other_currency", (service.currency, parcel.currency))
    if service.max_length_mm and parcel.longest_mm > service.max_length_mm:
        return Barred(service.code, "too_long", (service.max_length_mm, parcel.longest_mm))
    charged = charged_weight_g(parcel, service.divisor)
    if charged > service.max_weight_g:
        return Barred(service.code, "too_heavy", (service.max_weight_g, charged))
    fitting = [step for step in service.rates.get(zone, ()) if charged <= step[0]]
    if not fitting:
        return Barred(service.code, "no_rate", (charged, zone))
    base = min(fitting)[1]
    added = surcharges(service, parcel, zone, charged, base)
    price = base + sum(amount for _, amount in added)
    return Offer(on_lane(service, lane), zone, charged, price, added, lane=lane)


def surcharges(
    service: Service, parcel: Parcel, zone: str, charged_g: int, base_minor: int
) -> tuple[tuple[str, int], ...]:
    """What is added to the rate of a parcel, by kind: of each kind the dearest that is due, fuel on all before it."""
    added: list[tuple[str, int]] = []
    for kind in SURCHARGES:
        so_far = base_minor + sum(amount for _, amount in added)
        due = [
            one.amount_minor + (so_far * one.per_10k + 5_000) // 10_000
            for one in service.surcharges
            if one.kind == kind and one.zone in (ANYWHERE, zone) and _is_due(one, parcel, charged_g)
        ]
        dearest = max(due, default=0)
        if dearest:
            added.append((kind, dearest))
    return tuple(added)


def _is_due(one: Surcharge, parcel: Parcel, charged_g: int) -> bool:
    if one.kind == "remote":
        return postal_key(parcel.postal_code).startswith(postal_key(one.postal_code))
    if one.kind == "residential":
        return parcel.residential
    return {"oversize": parcel.longest_mm, "overweight": charged_g}.get(one.kind, one.above + 1) > one.above


def offer_for(service: Service, parcels: Sequence[Parcel]) -> Offer | Barred:
    """The service's price for parcels that go together, each charged by itself; or why it does not carry one."""
    offers = []
    for parcel in parcels:
        answer = offer(service, parcel)
        if isinstance(answer, Barred):
            return answer
        offers.append(answer)
    charged, price = sum(one.charged_g for one in offers), sum(one.price_minor for one in offers)
    sums: dict[str, int] = {}
    for kind, amount in (each for one in offers for each in one.surcharges):
        sums[kind] = sums.get(kind, 0) + amount
    each = tuple((one.price_minor, one.surcharges) for one in offers) if len(offers) > 1 else ()
    first = offers[0]
    return Offer(
        first.service, first.zone, charged, price, tuple(sums.items()), parcels=each, lane=first.lane
    )


class Leaves(NamedTuple):
    """The day on which what is ready leaves a node, and with some carriers another: they take until their own hour."""

    on: date
    by_carrier: tuple[tuple[str, date], ...] = ()

    def with_(self, carrier: str) -> date:
        return dict(self.by_carrier).get(carrier, self.on) if self.by_carrier else self.on

    def after(self, days: int) -> Leaves:
        """So many days later, for the work that waits before it."""
        later = timedelta(days=days)
        return Leaves(self.on + later, tuple((carrier, on + later) for carrier, on in self.by_carrier))


def leaves(
    at: datetime, time_zone: str, calendar: Calendar, carriers: Mapping[str, Mapping[int, time]]
) -> Leaves:
    """When what is ready at a moment leaves a node, by its calendar and the cut-offs of the carriers that
    have their own.

    Where none comes in a year, on that day. Days are those of the node.
    """
    today = local_day(at, time_zone)

    def day(of: Calendar) -> date:
        found = next_ship_date(at, time_zone, of)
        return found.on if found else today

    return Leaves(
        day(calendar), tuple((carrier, day(calendar.of(own))) for carrier, own in sorted(carriers.items()))
    )


def choose(
    services: Sequence[Service],
    parcel: Parcel,
    ships_on: Leaves,
    promised_on: date | None,
    more: Sequence[Parcel] = (),
) -> Choice:
    """The cheapest service that keeps the promise; among equals the faster, then by code.

    Where none keeps it, the one that arrives first is taken, and the choice says that it is late. `more` parcels go
    with the first.
    """
    offers: list[Offer] = []
    in_time: list[Offer] = []
    barred: list[Barred] = []
    for service in services:
        answer = offer_for(service, [parcel, *more])
        if isinstance(answer, Barred):
            barred.append(answer)
            continue
        offers.append(answer)
        if promised_on is None or arrives_on(answer.service, ships_on) <= promised_on:
            in_time.append(answer)
    # Behind those that keep the promise stand the late ones: the second may be one of them.
    late_ones = sorted(
        (one for one in offers if one not in in_time), key=lambda one: _by_arrival(one, ships_on)
    )
    taken, runner_up, *_ = [*sorted(in_time, key=_by_price), *late_ones, None, None]
    return Choice(taken, taken is not None and not in_time, tuple(barred), runner_up)


def choose_service(
    services: Sequence[Service],
    parcel: Parcel,
    wanted: str,
    ships_on: Leaves,
    promised_on: date | None,
    more: Sequence[Parcel] = (),
) -> Choice:
    """The service that the order asks for by its code, if it carries the parcel; else the cheapest in time of all."""
    if wanted:
        asked = choose([one for one in services if one.code == wanted], parcel, ships_on, promised_on, more)
        if asked.taken:
            return asked
    return choose(services, parcel, ships_on, promised_on, more)


def in_own(services: Sequence[Service], own: str, worth: Mapping[str, Decimal]) -> list[Service]:
    """Services with what they ask in a company's own currency, as amounts in it are planned by. `worth`: minor units of
    that for one of each other, where somebody knows. Those of whom it is not known have no prices and carry nothing;
    but where all ask in one, they can be compared all the same, and stay as they are."""
    asked = {one.currency for one in services}
    if asked <= {own} or (len(asked) == 1 and not asked <= worth.keys()):
        return list(services)
    known = {**worth, own: Decimal(1)}
    return [
        _worth(one, own, known[one.currency]) if one.currency in known else one._replace(rates={})
        for one in services
    ]


def _worth(one: Service, own: str, worth: Decimal) -> Service:
    return one._replace(
        currency=own,
        rates={
            zone: [(most, round_half_away(minor * worth)) for most, minor in steps]
            for zone, steps in one.rates.items()
        },
        surcharges=[
            replace(each, amount_minor=round_half_away(each.amount_minor * worth)) for each in one.surcharges
        ],
    )


def that_go(
    services: Sequence[Service],
    wanted: str,
    origin: str,
    destination: str,
    origin_postal_code: str = "",
    postal_code: str = "",
) -> list[Service]:
    """The services by which an order may go, with the days that they take there: the one that it asks for, if that goes
    there; else all that do."""
    lanes = [(one, lane_of(one, origin, destination, origin_postal_code, postal_code)) for one in services]
    going = [on_lane(one, lane) for one, lane in lanes if lane is not None]
    return [one for one in going if one.code == wanted] or going


def leave_by(
    going: Sequence[Service],
    promised_on: date,
    time_zone: str,
    calendar: Calendar,
    carriers: Mapping[str, Mapping[int, time]],
) -> datetime | None:
    """The last cut-off of a node at which some of the services still takes what arrives on the day that was promised;
    None where none does in a year, or there are none."""
    days: dict[str, int] = {}
    for one in going:
        days[one.carrier] = min(one.transit_days, days.get(one.carrier, one.transit_days))
    found = [
        cut_off_by(
            promised_on - timedelta(days=transit),
            time_zone,
            calendar.of(carriers[carrier]) if carrier in carriers else calendar,
        )
        for carrier, transit in days.items()
    ]
    return max((one for one in found if one), default=None)


def arrives_on(service: Service, ships_on: Leaves) -> date:
    """The day on which a parcel arrives with a service."""
    return arrival(ships_on.with_(service.carrier), service.transit_days)


def arrival(ships_on: date, transit_days: int) -> date:
    """The day on which a parcel arrives: transit times are calendar days."""
    return ships_on + timedelta(days=transit_days)


def _by_price(one: Offer) -> tuple[int, int, str]:
    return (one.price_minor, one.service.transit_days, one.service.code)


def _by_arrival(one: Offer, ships_on: Leaves) -> tuple[date, int, str]:
    return (arrives_on(one.service, ships_on), one.price_minor, one.service.code)
