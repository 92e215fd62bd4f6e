"""Where an order goes and is billed, as its countries write it, and the fingerprints of what it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from entrepot.parties import address as formats
from entrepot.parties import fingerprints
from entrepot.parties.address import Written

if TYPE_CHECKING:
    from entrepot.orders.commands.place import AddressGiven, BillingGiven, PlaceOrder


class Marks(NamedTuple):
    """What an order names of people and places."""

    there: Written | None
    billed: Written | None
    fingerprints: tuple[str, ...]  # of the card, the addresses and the mail addresses, each once


def marks_of(request: PlaceOrder) -> Marks:
    given, billing, card = request.address, request.billing, request.payment.card if request.payment else ""
    there = None if given is None else written(given, request.country, request.postal_code)
    billed = None if billing is None else written(billing, billing.country, billing.postal_code)
    found = [fingerprints.of_card(card)] if card else []
    found += fingerprints_of_places((there, billed), (given, billing))
    return Marks(there, billed, tuple(dict.fromkeys(found)))


def written(given: AddressGiven | BillingGiven, country: str, postal_code: str) -> Written | None:
    return formats.written(country, postal_code, given.region, given.city, given.line1, given.line2)


def region_of(request: PlaceOrder, there: Written | None) -> str:
    """The region that an order goes to, by its code where its country has such; '' where nobody says it."""
    if (there and there.region) or not request.region:
        return there.region if there else ""
    place = formats.written(request.country, request.postal_code, request.region, "", "")
    return place.region if place else request.region


def fingerprints_of_places(
    places: Iterable[Written | None], given: Iterable[AddressGiven | BillingGiven | None]
) -> Iterator[str]:
    """Of addresses that have a street, and of the mail addresses given with them."""
    yield from (fingerprints.of_address(place) for place in places if place is not None and place.line1)
    yield from (fingerprints.of_email(one.email) for one in given if one is not None and one.email)
