"""What Stripe is asked, from attempts of ours. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from entrepot.payments.providers import EVIDENCE, Asked, Told
from entrepot.payments.providers.stripe.amounts import to_stripe


class Call(NamedTuple):
    """A request: its path, and the fields of its form. What Stripe says of it later names the attempt again."""

    path: str
    fields: dict[str, str]


def call(asked: Asked) -> Call:
    """A capture, refund or void of a payment intent."""
    intent = f"/payment_intents/{quote(asked.reference, safe='')}"
    named = {"metadata[attempt]": str(asked.attempt)}
    amount = str(to_stripe(asked.amount_minor, asked.currency))
    if asked.kind == "capture":
        return Call(f"{intent}/capture", {"amount_to_capture": amount, **named})
    if asked.kind == "refund":
        return Call("/refunds", {"payment_intent": asked.reference, "amount": amount, **named})
    return Call(f"{intent}/cancel", {})


def hold(asked: Asked, customer: str, method: str) -> Call:
    """An amount to be held on the card of an earlier payment, its owner not being there."""
    fields = {
        "amount": str(to_stripe(asked.amount_minor, asked.currency)), "currency": asked.currency.lower(),
        "payment_method": method, "capture_method": "manual", "confirm": "true", "off_session": "true",
        "metadata[attempt]": str(asked.attempt),
        "expand[]": "latest_charge",  # which says until when the amount is held
    }  # fmt: skip
    return Call("/payment_intents", fields | ({"customer": customer} if customer else {}))


def look(asked: Asked) -> str:
    """Where the earlier payment is, whose card is asked for."""
    return f"/payment_intents/{quote(asked.reference, safe='')}"


TEXT_MAX = 20_000
"""Letters of a field of evidence; all of them together may be 150,000."""


def answer(told: Told, file: str) -> Call:
    """Evidence for a dispute, with a file that was sent before; or that it is accepted."""
    path = f"/disputes/{quote(told.external_id, safe='')}"
    if told.kind == "accept":
        return Call(f"{path}/close", {})
    fields = {f"evidence[{name}]": told.fields[name][:TEXT_MAX] for name in EVIDENCE if told.fields.get(name)}
    if file:
        fields["evidence[uncategorized_file]"] = file
    return Call(path, {**fields, "submit": "true", "metadata[answer]": str(told.answer)})


def upload(told: Told, boundary: str) -> bytes:
    """The paper of the evidence as the form that files are sent by."""
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\ndispute_evidence\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="evidence-{told.answer}.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    )
    return head.encode() + told.paper + f"\r\n--{boundary}--\r\n".encode()


def disputes(since: int, after: str = "") -> str:
    """Where disputes are listed that were opened since a time, behind one."""
    behind = f"&starting_after={quote(after, safe='')}" if after else ""
    return f"/disputes?limit=100&created[gte]={since}{behind}"
