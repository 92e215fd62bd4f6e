"""What EasyPost sends about a parcel, as events of ours. Pure.

A webhook is an `Event` whose `result` is a `Tracker`; a tracker by itself is taken too. Its details are all that
happened so far, so that every message repeats what those before it said.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from entrepot.shipping.rules import CarrierEvent, UnreadableError

SOURCE = "easypost"
FIRST_YEAR, LAST_YEAR = 2000, 2100

KINDS = {
    "pre_transit": "announced",
    "in_transit": "in transit",
    "out_for_delivery": "out for delivery",
    "available_for_pickup": "waits for pickup",
    "delivered": "delivered",
    "return_to_sender": "returned to sender",
    "cancelled": "cancelled",
    "failure": "exception",
    "error": "exception",
    "unknown": "unknown",
}
"""Status → kind."""

DETAILS = {
    "delayed": "delayed",
    "weather_delay": "delayed",
    "missed_delivery": "delayed",
    "delivery_exception": "exception",
    "damaged": "damaged",
    "lost": "lost",
    "missing": "lost",
    "return": "returned to sender",
    "returned": "returned to sender",
    "address_correction": "exception",
}
"""What a detail says more exactly than its status, unless the parcel is there already."""


def message_id(payload: str) -> str:
    """The id under which EasyPost sends a message again."""
    body = _body(payload)
    found = body.get("id") if body.get("object") == "Event" else None
    return _plain(found) if isinstance(found, str) and found else hashlib.sha256(payload.encode()).hexdigest()


def events(payload: str) -> list[CarrierEvent]:
    """What happened to the parcel of a message, by time; [] where the message is about something else."""
    body = _body(payload)
    tracker = body.get("result") if body.get("object") == "Event" else body
    if not isinstance(tracker, dict) or tracker.get("object") != "Tracker":
        return []
    number = _plain(tracker.get("tracking_code"))
    details = tracker.get("tracking_details")
    if not number or not isinstance(details, list):
        raise UnreadableError("a tracker without a tracking code or details")
    found = [_event(number, _plain(tracker.get("carrier")), detail) for detail in details]
    return sorted(found, key=lambda one: one.occurred_at)


def _body(payload: str) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:  # the latter of what is nested too deep
        raise UnreadableError("no JSON") from error
    if not isinstance(body, dict):
        raise UnreadableError("no object")
    return body


def _event(number: str, carrier: str, detail: Any) -> CarrierEvent:
    if not isinstance(detail, dict):
        raise UnreadableError("a detail that is no object")
    status, exact = _plain(detail.get("status")), _plain(detail.get("status_detail"))
    kind = KINDS.get(status, "unknown")
    if kind != "delivered":
        kind = DETAILS.get(exact, kind)
    at = _moment(detail.get("datetime"))
    message = _plain(detail.get("message"))[:500]
    name = hashlib.sha256(f"{number}|{status}|{exact}|{at.isoformat()}|{message}".encode()).hexdigest()
    return CarrierEvent(number, carrier, kind, at, message, _place(detail.get("tracking_location")), name)


def _moment(text: Any) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise UnreadableError("a detail without its time") from error
    if at.tzinfo is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise UnreadableError("a time without its zone, or far from today")
    return at.astimezone(UTC)


def _plain(text: Any) -> str:
    """Text without what no database can keep; '' for what is none."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode() if isinstance(text, str) else ""


def _place(found: Any) -> str:
    """The town that a parcel was seen in."""
    if not isinstance(found, dict):
        return ""
    return ", ".join(filter(None, (_plain(found.get(name)) for name in ("city", "state", "country"))))[:200]
