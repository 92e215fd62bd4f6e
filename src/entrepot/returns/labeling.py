"""With whom a return comes back, and the number on its label. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage.rules import Barred, Offer, Parcel, Service, offer
from entrepot.kernel.errors import Said
from entrepot.kernel.money import round_half_away

STATES = ("made", "voided")


class Goods(NamedTuple):
    """Units of a SKU that are to come, with the measures of one; 0 where nobody has measured it."""

    units: int
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int


class Way(NamedTuple):
    """From where a return comes, and to where."""

    origin: str
    destination: str
    postal_code: str
    origin_postal_code: str = ""


class Mate(NamedTuple):
    """A return that may be in one parcel with another: where it goes to, whose it is (None: nobody knows), from which
    country, and a fingerprint of name and place ('' where nobody knows)."""

    node: UUID
    customer: UUID | None
    origin: str
    place: str


def apart(one: Mate, other: Mate) -> str:
    """Why two returns can't be in one parcel; '' where they can. A label shows the address of one to whoever has the
    other: they are of one customer, or where nobody knows that, from one address."""
    if one.node != other.node:
        return Said("they go to different nodes")
    if one.customer and other.customer:
        if one.customer != other.customer:
            return Said("they are of different customers")
    elif not one.place or one.place != other.place:
        return Said("nobody knows whether they are of one customer, and they come from different addresses")
    if one.origin != other.origin:
        return Said("they come from different countries")
    return ""


def parcel(goods: Sequence[Goods], way: Way, currency: str = "") -> Parcel:
    """All that is to come, as one parcel. It weighs a gram at least: carriers take nothing for nothing."""
    cm3 = sum(
        one.units * -(-one.length_mm * one.width_mm * one.height_mm // 1000) for one in goods
    )  # rounded up
    return Parcel(
        max(1, sum(one.units * one.weight_g for one in goods)), cm3, way.origin, way.destination, currency,
        max((max(one.length_mm, one.width_mm, one.height_mm) for one in goods), default=0), way.postal_code,
        origin_postal_code=way.origin_postal_code,
    )  # fmt: skip


def box(goods: Sequence[Goods]) -> tuple[int, int, int]:
    """The sides of all that is to come, laid upon each other; zeros where nobody has measured some of it."""
    if not goods or any(not (one.length_mm and one.width_mm and one.height_mm) for one in goods):
        return (0, 0, 0)
    return (
        max(one.length_mm for one in goods), max(one.width_mm for one in goods),
        sum(one.units * one.height_mm for one in goods),
    )  # fmt: skip


def cheapest(
    services: Sequence[Service],
    goods: Sequence[Goods],
    way: Way,
    worth: Mapping[str, Decimal],
    wanted: str = "",
) -> Offer | tuple[Barred, ...]:
    """The cheapest service that takes the goods back, of all or of the one that is wanted, among equals the faster; or
    why none does.

    `worth`: minor units of the company's own currency for one of each other, where somebody knows. A service of whose
    currency it is not known can be compared only with others that ask in the same.
    """
    asked = [one for one in services if wanted in ("", one.code)]
    alike, whole = len({one.currency for one in asked}) == 1, parcel(goods, way)
    offers: list[tuple[int, int, str, Offer]] = []
    barred: list[Barred] = []
    for one in asked:
        answer = offer(one, whole)
        value = Decimal(1) if alike else worth.get(one.currency)
        if isinstance(answer, Barred):
            barred.append(answer)
        elif value is None:
            barred.append(Barred(one.code, "no_exchange", (one.currency,)))
        else:
            offers.append(
                (round_half_away(answer.price_minor * value), answer.service.transit_days, one.code, answer)
            )
    return min(offers, key=lambda each: each[:3])[3] if offers else tuple(barred)


def number(return_number: str, before: int) -> str:
    """The number of a label of our own: the return's, and for a label after others which it is."""
    return f"{return_number}-{before + 1}" if before else return_number
