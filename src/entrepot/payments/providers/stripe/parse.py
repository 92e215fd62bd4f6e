"""What Stripe answers, and what it sends by itself. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.payments.providers import Asked, Outcome

SOURCE = "stripe"
TOLERANCE_S = 300
"""How old a signed message may be: an older one may be somebody's copy."""

VOID_ALREADY = ("succeeded", "canceled")
"""States of a payment intent in which nothing is left to be given up: a capture lets the rest go by itself."""


class UnreadableError(ValueError):
    """What came is not what Stripe sends."""


class Dispute(NamedTuple):
    """A chargeback as Stripe tells it; `state` is open, won or lost."""

    external_id: str
    reference: str
    amount_minor: int
    currency: str
    reason: str
    state: str
    due_at: datetime | None


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
        reference = reference if isinstance(reference, str) and reference else name
        return _decided(status, ("succeeded",), ("processing",), reference)
    if kind == "refund":
        said = body.get("failure_reason")
        return _decided(status, ("succeeded",), ("pending", "requires_action"), name, said)
    if kind == "hold":
        return _decided(status, ("requires_capture",), ("processing",), name)
    return _decided(status, ("canceled",), (), name)


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
    try:
        told = _body(payload).get("error")
    except UnreadableError:
        told = None
    told = told if isinstance(told, dict) else {}
    intent = told.get("payment_intent")
    state = intent.get("status") if isinstance(intent, dict) else None
    if asked.kind == "void" and state in VOID_ALREADY:
        return Outcome(True, asked.reference)
    said = [told.get("message"), told.get("decline_code") or told.get("code")]
    return Outcome(False, "", " ".join(str(one) for one in said if one)[:300] or "Stripe refused it")


def message(payload: str) -> Message:
    """What a webhook says."""
    body = _body(payload)
    data = body.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if body.get("object") != "event" or not isinstance(thing, dict):
        raise UnreadableError("no event of Stripe")
    told = Message(_text(body, "id"), _text(body, "type"), _at(body.get("created")))
    if thing.get("object") == "dispute":
        return told._replace(dispute=_dispute(thing))
    if thing.get("object") == "refund":
        return told._replace(attempt=_attempt(thing), outcome=_outcome("refund", thing))
    return told


def _dispute(thing: dict[str, Any]) -> Dispute:
    amount, status = thing.get("amount"), _text(thing, "status")
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise UnreadableError("a dispute without an amount")
    details = thing.get("evidence_details")
    due = details.get("due_by") if isinstance(details, dict) else None
    return Dispute(
        _text(thing, "id"), str(thing.get("payment_intent") or ""), amount, _text(thing, "currency").upper(),
        str(thing.get("reason") or "").replace("_", " "), status if status in ("won", "lost") else "open",
        _at(due) if due else None,
    )  # fmt: skip


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
