"""Where an order goes and is billed, as its countries write it, and the fingerprints of what it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from entrepot.parties import address as formats
from entrepot.parties import fingerprints
from entrepot.parties.address import Written

if TYPE_CHECKING:
    from entrepot.orders.commands.place import AddressGiven, BillingGiven, PlaceOrder


def read(request: PlaceOrder) -> tuple[Written | None, Written | None]:
    """Where an order goes and where it is billed, as their countries write them."""
    there, billed = request.address, request.billing
    return (
        None if there is None else written(there, request.country, request.postal_code),
        None if billed is None else written(billed, billed.country, billed.postal_code),
    )


def written(given: AddressGiven | BillingGiven, country: str, postal_code: str) -> Written | None:
    return formats.written(country, postal_code, given.region, given.city, given.line1, given.line2)


def fingerprints_of(request: PlaceOrder, there: Written | None, billed: Written | None) -> tuple[str, ...]:
    """Of the card, the addresses and the mail addresses that an order names, each once."""
    card = request.payment.card if request.payment else ""
    found = [fingerprints.of_card(card)] if card else []
    found += fingerprints_of_places((there, billed), (request.address, request.billing))
    return tuple(dict.fromkeys(found))


def fingerprints_of_places(
    places: Iterable[Written | None], given: Iterable[AddressGiven | BillingGiven | None]
) -> Iterator[str]:
    """Of addresses that have a street, and of the mail addresses given with them."""
    yield from (fingerprints.of_address(place) for place in places if place is not None and place.line1)
    yield from (fingerprints.of_email(one.email) for one in given if one is not None and one.email)
