"""What each service would cost and take for a parcel, and which one to take. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID


class Service(NamedTuple):
    """A service with its tables: zones by (origin, destination), rates by zone in order of weight."""

    id: UUID
    carrier: str
    code: str
    transit_days: int
    max_weight_g: int
    divisor: int
    zones: Mapping[tuple[str, str], str]
    rates: Mapping[str, Sequence[tuple[int, int]]]
    currency: str


class Parcel(NamedTuple):
    """What is to be carried: grams, cm³, from one country to another."""

    weight_g: int
    volume_cm3: int
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A service with its price for a parcel."""

    service: Service
    zone: str
    charged_g: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer taken, and every service with what it would have cost or why it does not carry the parcel."""

    taken: Offer | None
    late: bool
    reasons: tuple[tuple[str, str], ...]


def charged_weight_g(parcel: Parcel, divisor: int) -> int:
    """The greater of weight and dimensional weight: cm³ ÷ divisor is kilograms, as carriers publish it."""
    if not divisor:
        return parcel.weight_g
    return max(parcel.weight_g, -(-parcel.volume_cm3 * 1000 // divisor))


def zone_of(service: Service, origin: str, destination: str) -> str | None:
    """The zone by the most exact row: both countries, then destination, then origin, then any."""
    for key in ((origin, destination), ("*", destination), (origin, "*"), ("*", "*")):
        if key in service.zones:
            return service.zones[key]
    return None


def offer(service: Service, parcel: Parcel) -> Offer | str:
    """The service's price, or why it does not carry the parcel."""
    zone = zone_of(service, parcel.origin, parcel.destination)
    if zone is None:
        return f"does not go from {parcel.origin} to {parcel.destination}"
    charged = charged_weight_g(parcel, service.divisor)
    if charged > service.max_weight_g:
        return f"carries up to {service.max_weight_g} g, charged for {charged} g"
    for up_to, price in service.rates.get(zone, ()):
        if charged <= up_to:
            return Offer(service, zone, charged, price)
    return f"has no rate for {charged} g in zone {zone}"


def choose(services: Sequence[Service], parcel: Parcel, ships_on: date, promised_on: date | None) -> Choice:
    """The cheapest service that keeps the promise; among equals the faster, then by code.

    Where none keeps it, the fastest is taken, and the choice says that it is late.
    """
    offers: list[Offer] = []
    reasons = []
    for service in services:
        answer = offer(service, parcel)
        if isinstance(answer, Offer):
            offers.append(answer)
            arrives = ships_on + timedelta(days=service.transit_days)
            late = promised_on is not None and arrives > promised_on
            reasons.append((service.code, f"{answer.price_minor} in {service.transit_days} days{', late' if late else ''}"))
        else:
            reasons.append((service.code, answer))
    in_time = [
        one for one in offers
        if promised_on is None or ships_on + timedelta(days=one.service.transit_days) <= promised_on
    ]  # fmt: skip
    if in_time:
        return Choice(min(in_time, key=_by_price), False, tuple(reasons))
    return Choice(min(offers, key=_by_speed, default=None), bool(offers), tuple(reasons))


def _by_price(one: Offer) -> tuple[int, int, str]:
    return (one.price_minor, one.service.transit_days, one.service.code)


def _by_speed(one: Offer) -> tuple[int, int, str]:
    return (one.service.transit_days, one.price_minor, one.service.code)
