"""What adapters of carriers are asked, and what they answer: their interface. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Place(NamedTuple):
    """An address, as far as a label needs it. It comes from the vault: send it, and keep it nowhere."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str
    phone: str = ""
    email: str = ""
    residential: bool = False


class Good(NamedTuple):
    """Units of a SKU in a package, as customs are told: what they weigh and are worth together. `origin`: the country
    where they were made."""

    sku: str
    name: str
    hs_code: str
    origin: str
    units: int
    weight_g: int
    value_minor: int


class Declared(NamedTuple):
    """What customs are told of the whole: the invoice's number, the currency of its values, who pays duties (`terms`,
    as Incoterms say it), who signs, and the sender's number with customs (`eori`). `is_unfiled`: it leaves the United
    States, and goods of no kind are worth so much that their export is filed."""

    invoice: str
    currency: str
    terms: str
    signer: str
    eori: str = ""
    is_unfiled: bool = False


class Box(NamedTuple):
    """A package: grams, and millimetres; 0 where nobody has measured it. `goods`: where customs are told of them."""

    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    goods: tuple[Good, ...] = ()


class Asked(NamedTuple):
    """Packages that go together from a place to another; `reference` is our own name for it.

    `label_format` is how their labels shall come, `pdf` or `zpl`. `declared`: what customs are told, where they are.
    `is_return`: they come back. Both places stand as on the way out, as EasyPost and karrio want them: whoever sells
    the label turns them round.
    """

    reference: str
    origin: Place
    destination: Place
    boxes: tuple[Box, ...]
    is_return: bool = False
    declared: Declared | None = None
    label_format: str = "pdf"


class Rate(NamedTuple):
    """A price for all packages, by the adapter's name of the service, such as `USPS Priority`."""

    name: str
    amount_minor: int
    currency: str
    days: int | None
    reference: str


class Bought(NamedTuple):
    """A label that was bought: the adapter's name for it, the carrier's number, and where its picture is."""

    reference: str
    tracking: str
    amount_minor: int
    currency: str
    label_url: str


class Form(NamedTuple):
    """The carrier's paper of a manifest: the adapter's name for it, and where it is; '' while it is being made."""

    reference: str
    url: str


class RefusedByCarrierError(Exception):
    """The adapter's other side says no, in its own words: asking again would not help."""


class OnPaperError(RefusedByCarrierError):
    """The other side is told of manifests by nobody: their paper goes with the parcels."""


class InDoubtError(Exception):
    """Nobody knows whether the other side did what it was asked: asking again might do it twice. So it is too where the
    other side can't be asked what it did, or its answer can't be read."""


class Adapter(Protocol):
    """A source of rates and labels. Each raises `Unavailable` where asking again may help, and `buy` `InDoubtError`
    where that might buy a second label."""

    def rates(self, asked: Asked) -> list[Rate]: ...

    def buy(self, asked: Asked, name: str) -> Bought: ...

    def void(self, reference: str) -> None: ...

    def tracking(self, number: str, carrier: str) -> str: ...


@runtime_checkable
class NamesOffers(Protocol):
    """An adapter that has a name for a label before it is paid, so that it can be asked what became of it. `offer`
    costs nothing; `buy_offer` buys it once however often it is asked; `bought` is None where it was not bought. Both
    raise `RefusedByCarrierError` only where the other side says that it was not bought, and `InDoubtError` where it
    says neither; `buy_offer` raises `Unheard` where it may be sold in a moment."""

    def offer(self, asked: Asked) -> str: ...

    def buy_offer(self, offer: str, name: str) -> Bought: ...

    def bought(self, offer: str) -> Bought | None: ...


@runtime_checkable
class TellsManifests(Protocol):
    """An adapter that tells carriers what they collect. `labels` are those that were bought, by its names for them,
    with their numbers; `known` is its name for the form where that is being made already, else ''; `origin` is where
    they are collected. Raises `OnPaperError` where nobody is told, and `InDoubtError` where asking again might make a
    second form."""

    def manifest(self, labels: Mapping[str, str], known: str, origin: Place) -> Form: ...


def together(found: Sequence[Sequence[Rate]]) -> list[Rate]:
    """Rates for packages quoted one by one: of services that take every one, the sum and the longest time."""
    if not found:
        return []
    by_name = [{rate.name: rate for rate in rates} for rates in found]
    names = [name for name in by_name[0] if all(name in rates for rates in by_name)]
    answers = []
    for name in names:
        some = [rates[name] for rates in by_name]
        if len({rate.currency for rate in some}) == 1:
            days = None if any(rate.days is None for rate in some) else max(rate.days or 0 for rate in some)
            amount = sum(rate.amount_minor for rate in some)
            answers.append(Rate(name, amount, some[0].currency, days, some[0].reference))
    return answers
