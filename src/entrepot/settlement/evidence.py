"""What the house can prove against a dispute, from what it knows of the order, by the bank's reason. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from entrepot.kernel import money


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
    unknown."""

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
    parts = [
        f"{_told(one.amount_minor, facts)} on {_day(one.at)}"
        + (" as store credit" if one.as_credit else f" ({one.reference})" * bool(one.reference))
        for one in facts.given_back
    ]
    if not parts:
        return Point("refunded", "Nothing of the payment was refunded.", holds=False)
    whole = sum(one.amount_minor for one in facts.given_back)
    covers = "all" if whole >= facts.amount_minor else "part"
    return Point(
        "refunded",
        f"Refunded: {', '.join(parts)}; {covers} of what is disputed.",
        holds=True,
    )


def _delivered(facts: Facts) -> Point:
    arrived = [one for one in facts.sent if one.delivered_at]
    if not arrived:
        gone = [f"{one.carrier} {one.tracking}".strip() for one in facts.sent]
        sent = f"Sent ({', '.join(gone)}), and no carrier says that it arrived."
        return Point("delivered", sent if gone else "Nothing was sent.", holds=False)
    told = [
        f"{one.carrier} {one.tracking} delivered on {_day(one.delivered_at)}".strip()
        + (f" ({one.proof})" if one.proof else "")
        for one in arrived
        if one.delivered_at
    ]
    rest = len(facts.sent) - len(arrived)
    return Point(
        "delivered", "; ".join(told) + (f"; {rest} more on the way" if rest else "") + ".", holds=True
    )


def _address(facts: Facts) -> Point:
    if facts.address_match:
        return Point("address", "Goods went to the address that the customer is billed at.", holds=True)
    why = "Goods went to another address than the customer is billed at."
    return Point(
        "address", "No address is known any more." if facts.address_match is None else why, holds=False
    )


def _earlier(facts: Facts) -> Point:
    if not facts.earlier:
        return Point("earlier", "It is the customer's first order that was delivered.", holds=False)
    days = ", ".join(map(_day, sorted(facts.earlier)[-EARLIER_MOST:]))
    count = len(facts.earlier)
    return Point("earlier", f"{count} earlier orders were delivered and not disputed ({days}).", holds=True)


def _return(facts: Facts) -> Point:
    if not facts.returns:
        return Point("return", "The customer asked for no return, and nothing came back.", holds=True)
    told = [
        f"{one.number}: {one.asked} asked for on {_day(one.at)}, now {one.state}" for one in facts.returns
    ]
    return Point("return", "; ".join(told) + ".", holds=True)


def _order(facts: Facts) -> Point:
    what = ", ".join(f"{one.units} × {one.description or one.sku}" for one in facts.items)
    paid = _told(facts.captured_minor, facts)
    return Point("order", f"Order {facts.order} of {_day(facts.placed_at)}, {paid} paid: {what}.", holds=True)


def _terms(facts: Facts) -> Point:
    return Point("terms", facts.terms or "No terms of refunds are on file.", holds=bool(facts.terms))


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
    return {name: text for name, text in found.items() if text}
