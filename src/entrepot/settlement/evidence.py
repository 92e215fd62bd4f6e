"""What the house can prove against a dispute, from what it knows of the order, by the bank's reason. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from entrepot.kernel import money
from entrepot.kernel.errors import Said


class Item(NamedTuple):
    """A line of the order."""

    sku: str
    description: str
    units: int


class Sent(NamedTuple):
    """A shipment. `proof` is what its carrier said of the delivery."""

    number: str
    carrier: str
    tracking: str
    shipped_at: datetime
    delivered_at: datetime | None
    proof: str = ""


class GivenBack(NamedTuple):
    """Money of the payment that the customer has again, under the provider's own name for it."""

    amount_minor: int
    at: datetime
    reference: str
    as_credit: bool = False


class Back(NamedTuple):
    """A return of the order, with what the customer wrote."""

    number: str
    state: str
    asked: str
    at: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known. `address_match`: whether goods went where the customer is billed; None where one is
    unknown. Of a dispute over several orders, `order` is their numbers, `captured_minor` what was paid for them; the
    day and the addresses are of the one whose payment it names."""

    external_id: str
    reason: str
    amount_minor: int
    currency: str
    order: str
    placed_at: datetime
    captured_minor: int
    items: Sequence[Item] = ()
    sent: Sequence[Sent] = ()
    given_back: Sequence[GivenBack] = ()
    returns: Sequence[Back] = ()
    address_match: bool | None = None
    earlier: Sequence[datetime] = ()
    """When earlier orders of the customer were placed that were delivered and that no bank disputed."""
    terms: str = ""


class Point(NamedTuple):
    """Something that is proven, or that would have to be: `text` says what, or what is missing."""

    name: str
    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """The evidence: its points, those that matter most for the reason first, and the fields that providers take."""

    points: list[Point]
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        return [one.text for one in self.points if not one.holds]


WANTED: dict[str, tuple[str, ...]] = {
    "product not received": ("refunded", "delivered", "address"),
    "fraudulent": ("address", "earlier", "delivered"),
    "unrecognized": ("address", "earlier", "delivered"),
    "credit not processed": ("refunded", "return", "terms"),
    "product unacceptable": ("return", "terms", "delivered"),
    "duplicate": ("refunded", "order", "delivered"),
    "subscription canceled": ("refunded", "order"),
}
"""What a bank asks for by its reason; others want what was delivered, and what was refunded."""
OTHERWISE = ("refunded", "delivered", "address")
EARLIER_MOST = 5


def compose(facts: Facts) -> Bundle:
    """The evidence that there is. What was refunded already always comes first: it ends the dispute by itself."""
    wanted = WANTED.get(facts.reason, OTHERWISE)
    ways = (_refunded, _delivered, _address, _earlier, _return, _order, _terms)
    points = {one.name: one for one in (way(facts) for way in ways)}
    order = [*(("refunded",) if facts.given_back else ()), *wanted, *points]
    told = [points[name] for name in dict.fromkeys(order) if name in wanted or points[name].holds]
    return Bundle(told, _fields(facts, told))


def _told(minor: int, facts: Facts) -> str:
    return money.told(minor, facts.currency)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _refunded(facts: Facts) -> Point:
    if not facts.given_back:
        return Point("refunded", Said("Nothing of the payment was refunded."), holds=False)
    parts = _list(", ", [_given_back(one, facts) for one in facts.given_back])
    if sum(one.amount_minor for one in facts.given_back) >= facts.amount_minor:
        return Point("refunded", Said("Refunded: {0}; all of what is disputed.", parts), holds=True)
    return Point("refunded", Said("Refunded: {0}; part of what is disputed.", parts), holds=True)


def _given_back(one: GivenBack, facts: Facts) -> Said:
    amount, day = _told(one.amount_minor, facts), one.at.date()
    if one.as_credit:
        return Said("{0} on {1} as store credit", amount, day)
    if one.reference:
        return Said("{0} on {1} ({2})", amount, day, one.reference)
    return Said("{0} on {1}", amount, day)


def _list(sign: str, parts: Sequence[object]) -> Said:
    """Facts one after the other, each to be told for itself."""
    return Said(sign.join(f"{{{i}}}" for i in range(len(parts))), *parts)


def _delivered(facts: Facts) -> Point:
    arrived = [one for one in facts.sent if one.delivered_at]
    if not arrived:
        gone = ", ".join(map(_parcel, facts.sent))
        sent = Said("Sent ({0}), and no carrier says that it arrived.", gone)
        return Point("delivered", sent if gone else Said("Nothing was sent."), holds=False)
    told = _list("; ", [_arrival(one, one.delivered_at.date()) for one in arrived if one.delivered_at])
    rest = len(facts.sent) - len(arrived)
    if rest:
        return Point("delivered", Said("{0}; {1} more on the way.", told, rest), holds=True)
    return Point("delivered", Said("{0}.", told), holds=True)


def _parcel(one: Sent) -> str:
    return f"{one.carrier} {one.tracking}".strip()


def _arrival(one: Sent, day: date) -> Said:
    if one.proof:
        return Said("{0} delivered on {1} ({2})", _parcel(one), day, one.proof)
    return Said("{0} delivered on {1}", _parcel(one), day)


def _address(facts: Facts) -> Point:
    if facts.address_match:
        return Point("address", Said("Goods went to the address that the customer is billed at."), holds=True)
    if facts.address_match is None:
        return Point("address", Said("No address is known any more."), holds=False)
    return Point(
        "address", Said("Goods went to another address than the customer is billed at."), holds=False
    )


def _earlier(facts: Facts) -> Point:
    if not facts.earlier:
        return Point("earlier", Said("It is the customer's first order that was delivered."), holds=False)
    days = _list(", ", [one.date() for one in sorted(facts.earlier)[-EARLIER_MOST:]])
    told = Said("{0} earlier orders were delivered and not disputed ({1}).", len(facts.earlier), days)
    return Point("earlier", told, holds=True)


def _return(facts: Facts) -> Point:
    if not facts.returns:
        return Point("return", Said("The customer asked for no return, and nothing came back."), holds=True)
    told = [
        Said("{0}: {1} asked for on {2}, now {3}", one.number, one.asked, one.at.date(), one.state)
        for one in facts.returns
    ]
    return Point("return", Said("{0}.", _list("; ", told)), holds=True)


def _order(facts: Facts) -> Point:
    what = ", ".join(f"{one.units} × {one.description or one.sku}" for one in facts.items)
    paid, day = _told(facts.captured_minor, facts), facts.placed_at.date()
    return Point("order", Said("Order {0} of {1}, {2} paid: {3}.", facts.order, day, paid, what), holds=True)


def _terms(facts: Facts) -> Point:
    return Point("terms", facts.terms or Said("No terms of refunds are on file."), holds=bool(facts.terms))


def _fields(facts: Facts, points: Sequence[Point]) -> dict[str, str]:
    """By the names that providers use, those alone that say something."""
    sent = [one for one in facts.sent if one.tracking] or list(facts.sent)
    texts = {one.name: one.text for one in points if one.holds}
    notes = [f"{one.number}: {note}" for one in facts.returns for note in one.notes]
    found = {
        "product_description": _order(facts).text,
        "shipping_carrier": ", ".join(dict.fromkeys(one.carrier for one in sent if one.carrier)),
        "shipping_tracking_number": ", ".join(one.tracking for one in sent if one.tracking),
        "shipping_date": _day(sent[0].shipped_at) if sent else "",
        "refund_policy_disclosure": facts.terms,
        "refund_refusal_explanation": texts.get("return", "") if not facts.given_back else "",
        "uncategorized_text": "\n".join(
            [*texts.values(), *(("The customer wrote:", *notes) if notes else ())]
        ),
    }
    return {name: str(text) for name, text in found.items() if text}
