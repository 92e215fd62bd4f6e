"""What Stripe is asked, from attempts of ours. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from entrepot.payments.providers import Asked


class Call(NamedTuple):
    """A request: its path, and the fields of its form. What Stripe says of it later names the attempt again."""

    path: str
    fields: dict[str, str]


def call(asked: Asked) -> Call:
    """A capture, refund or void of a payment intent."""
    intent = f"/payment_intents/{quote(asked.reference, safe='')}"
    named = {"metadata[attempt]": str(asked.attempt)}
    if asked.kind == "capture":
        return Call(f"{intent}/capture", {"amount_to_capture": str(asked.amount_minor), **named})
    if asked.kind == "refund":
        amount = str(asked.amount_minor)
        return Call("/refunds", {"payment_intent": asked.reference, "amount": amount, **named})
    return Call(f"{intent}/cancel", {})


def hold(asked: Asked, customer: str, method: str) -> Call:
    """An amount to be held on the card of an earlier payment, its owner not being there."""
    fields = {
        "amount": str(asked.amount_minor), "currency": asked.currency.lower(), "payment_method": method,
        "capture_method": "manual", "confirm": "true", "off_session": "true", "metadata[attempt]": str(asked.attempt),
    }  # fmt: skip
    return Call("/payment_intents", fields | ({"customer": customer} if customer else {}))


def look(asked: Asked) -> str:
    """Where the earlier payment is, whose card is asked for."""
    return f"/payment_intents/{quote(asked.reference, safe='')}"
