"""What Stripe answers, and what it sends by itself. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.payments.providers import Asked, Outcome, Told
from entrepot.payments.providers.stripe import amounts

SOURCE = "stripe"
TOLERANCE_S = 300
"""How old a signed message may be: an older one may be somebody's copy."""

VOID_ALREADY = ("succeeded", "canceled")
"""States of a payment intent in which nothing is left to be given up: a capture lets the rest go by itself."""


class UnreadableError(ValueError):
    """What came is not what Stripe sends."""


class Dispute(NamedTuple):
    """A chargeback as Stripe tells it. An inquiry takes nothing; `withdrawn` says whether the money is gone,
    `fee_minor` what Stripe keeps for it."""

    external_id: str
    reference: str
    amount_minor: int
    currency: str
    reason: str
    state: str
    due_at: datetime | None
    inquiry: bool = False
    withdrawn: bool = True
    fee_minor: int = 0
    fee_returned_minor: int = 0


STATES = {
    "needs_response": "needs_response", "under_review": "under_review", "won": "won", "lost": "lost",
    "warning_needs_response": "needs_response", "warning_under_review": "under_review", "warning_closed": "won",
    "prevented": "won", "charge_refunded": "won",
}  # fmt: skip
"""What Stripe's states are to us."""
ASKS_ONLY = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "prevented",
    "charge_refunded",
)
"""States in which nothing was taken."""


class Message(NamedTuple):
    """What a webhook says: a dispute, or what became of an attempt; neither where it is about something else."""

    id: str
    kind: str
    at: datetime
    dispute: Dispute | None = None
    attempt: UUID | None = None
    outcome: Outcome | None = None


def outcome(asked: Asked, payload: str) -> Outcome | None:
    """What became of an attempt; None while Stripe does not know it itself."""
    return _outcome(asked.kind, _body(payload))


def _outcome(kind: str, body: dict[str, Any]) -> Outcome | None:
    name, status = _text(body, "id"), _text(body, "status")
    if kind == "capture":
        # Payouts name the charge.
        reference = body.get("latest_charge")
        reference = reference.get("id") if isinstance(reference, dict) else reference
        reference = reference if isinstance(reference, str) and reference else name
        return _decided(status, ("succeeded",), ("processing",), reference)
    if kind == "refund":
        said = body.get("failure_reason")
        return _decided(status, ("succeeded",), ("pending", "requires_action"), name, said)
    if kind == "hold":
        found = _decided(status, ("requires_capture",), ("processing",), name)
        return found._replace(ends_at=_held_until(body)) if found and found.ok else found
    return _decided(status, ("canceled",), (), name)


def _held_until(body: dict[str, Any]) -> datetime | None:
    """Until when an amount may be captured, as the card's bank says; None where Stripe does not tell it."""
    charge: Any = body.get("latest_charge")
    for name in ("payment_method_details", "card", "capture_before"):
        charge = charge.get(name) if isinstance(charge, dict) else None
    return _at(charge) if isinstance(charge, int) and 0 < charge < 2**33 else None


def card(payload: str) -> tuple[str, str]:
    """The customer and the payment method of an intent, '' where Stripe keeps none."""
    body = _body(payload)
    found = (body.get("customer"), body.get("payment_method"))
    customer, method = (one.get("id") if isinstance(one, dict) else one for one in found)
    return str(customer or ""), str(method or "")


def _decided(
    status: str, good: tuple[str, ...], open_: tuple[str, ...], name: str, said: object = None
) -> Outcome | None:
    if status in open_:
        return None
    error = "" if status in good else str(said or f"Stripe says: {status.replace('_', ' ')}")[:300]
    return Outcome(status in good, name, error)


def refused(asked: Asked, payload: str) -> Outcome:
    """What an answer means that is an error of the request."""
    told = _error(payload)
    intent = told.get("payment_intent")
    state = intent.get("status") if isinstance(intent, dict) else None
    if asked.kind == "void" and state in VOID_ALREADY:
        return Outcome(True, asked.reference)
    return Outcome(False, "", _said(told))


def refused_answer(told: Told, payload: str) -> Outcome:
    """The same, of an answer to a dispute; what was closed already is accepted."""
    error = _error(payload)
    if told.kind == "accept" and error.get("code") in CLOSED_ALREADY:
        return Outcome(True, told.external_id)
    return Outcome(False, "", _said(error))


CLOSED_ALREADY = ("dispute_already_closed", "charge_already_refunded")


def _error(payload: str) -> dict[str, Any]:
    try:
        told = _body(payload).get("error")
    except UnreadableError:
        return {}
    return told if isinstance(told, dict) else {}


def _said(told: dict[str, Any]) -> str:
    said = [told.get("message"), told.get("decline_code") or told.get("code")]
    return " ".join(str(one) for one in said if one)[:300] or "Stripe refused it"


def message(payload: str) -> Message:
    """What a webhook says."""
    body = _body(payload)
    data = body.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if body.get("object") != "event" or not isinstance(thing, dict):
        raise UnreadableError("no event of Stripe")
    told = Message(_text(body, "id"), _text(body, "type"), _at(body.get("created")))
    if thing.get("object") == "dispute":
        return told._replace(dispute=dispute(thing))
    if thing.get("object") == "refund":
        return told._replace(attempt=_attempt(thing), outcome=_outcome("refund", thing))
    return told


def dispute(thing: dict[str, Any]) -> Dispute:
    """A dispute as Stripe lists it."""
    status, currency = _text(thing, "status"), _text(thing, "currency").upper()
    amount = _minor(thing.get("amount"), currency)
    if status not in STATES:
        raise UnreadableError(f"a dispute that is {status}")
    details = thing.get("evidence_details")
    due = details.get("due_by") if isinstance(details, dict) else None
    asks = status in ASKS_ONLY
    withdrawn, fee, returned = _funds(thing.get("balance_transactions"), currency, asks=asks)
    return Dispute(
        _text(thing, "id"), str(thing.get("payment_intent") or thing.get("charge") or ""), amount, currency,
        str(thing.get("reason") or "").replace("_", " "), STATES[status], _at(due) if due else None,
        asks and not withdrawn, withdrawn, fee, returned,
    )  # fmt: skip


def _minor(amount: object, currency: str) -> int:
    """An amount of Stripe's as we count it."""
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise UnreadableError("a dispute without an amount")
    minor = amounts.from_stripe(amount, currency)
    if minor is None:
        raise UnreadableError(f"{amount} is no amount of {currency}, as Stripe counts it")
    return minor


class Page(NamedTuple):
    """Of a list of disputes: what can be read, each with when it was opened, and why what can't be read can't, by its
    name. `last` is the name behind which there is `more`."""

    disputes: list[tuple[Dispute, datetime]]
    unread: dict[str, str]
    last: str
    more: bool


def disputes(payload: str) -> Page:
    """A page of a list of disputes. One that can't be read does not hide the others."""
    body = _body(payload)
    rows = body.get("data")
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise UnreadableError("no list of disputes")
    page = Page([], {}, str(rows[-1].get("id") or "") if rows else "", body.get("has_more") is True)
    for one in rows:
        try:
            page.disputes.append((dispute(one), _at(one.get("created"))))
        except UnreadableError as error:
            page.unread[str(one.get("id"))] = str(error)
    return page


def _funds(told: object, currency: str, *, asks: bool) -> tuple[bool, int, int]:
    """Whether money was withdrawn, the fee, and what of it came back. What is not told is as for most disputes; a fee
    in another currency comes with the payout."""
    if not isinstance(told, list):
        return not asks, 0, 0
    rows = [one for one in told if isinstance(one, dict) and isinstance(one.get("amount"), int)]
    taken = any(one["amount"] < 0 for one in rows)
    fees = [
        (one["amount"] < 0, one.get("fee")) for one in rows if str(one.get("currency")).upper() == currency
    ]
    fee = sum(_minor(fee, currency) for takes, fee in fees if takes and isinstance(fee, int))
    returned = -sum(_minor(fee, currency) for takes, fee in fees if not takes and isinstance(fee, int))
    return taken, max(0, fee) * taken, min(max(0, returned), max(0, fee)) * taken


def file(payload: str) -> str:
    """The name of a file that was sent."""
    return _text(_body(payload), "id")


def answered(told: Told, payload: str) -> Outcome:
    """What became of an answer to a dispute."""
    body = _body(payload)
    status = _text(body, "status")
    waits = STATES.get(status) == "needs_response"
    if told.kind == "accept":
        good = not waits
    else:
        details = body.get("evidence_details")
        count = details.get("submission_count") if isinstance(details, dict) else 0
        good = not waits or (isinstance(count, int) and count > 0)
    return Outcome(good, _text(body, "id"), "" if good else f"Stripe says: {status.replace('_', ' ')}")


def _attempt(thing: dict[str, Any]) -> UUID | None:
    """The attempt that a refund was asked by; None for one that was made at Stripe's own page."""
    metadata = thing.get("metadata")
    try:
        return UUID(metadata["attempt"]) if isinstance(metadata, dict) and "attempt" in metadata else None
    except (ValueError, TypeError, AttributeError):
        return None


def is_signed(header: str, payload: bytes, secret: str, now: datetime) -> bool:
    """Whether a message carries Stripe's signature (`t=…,v1=…`) of the secret that both know, and is fresh."""
    parts = [part.strip().partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in parts if name == "t"]
    if not secret or len(times) != 1 or not times[0].isascii() or not times[0].isdigit():
        return False
    if abs(now.timestamp() - int(times[0])) > TOLERANCE_S:
        return False
    right = hmac.new(secret.encode(), f"{times[0]}.".encode() + payload, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(value.encode(), right.encode()) for name, value in parts if name == "v1")


def _text(body: dict[str, Any], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str) or not found:
        raise UnreadableError(f"no {name}")
    return found


def _at(seconds: object) -> datetime:
    if not isinstance(seconds, int) or not 0 <= seconds < 2**33:
        raise UnreadableError("no time")
    return datetime.fromtimestamp(seconds, UTC)


def _body(payload: str) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:  # the latter of what is nested too deep
        raise UnreadableError("no JSON") from error
    if not isinstance(body, dict):
        raise UnreadableError("no object")
    return body
