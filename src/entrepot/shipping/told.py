"""What somebody's own program tells of a parcel, through the API: of carriers that no adapter reads. Pure."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from entrepot.shipping.rules import EVENT_KINDS, CarrierEvent, UnreadableError

SOURCE = "api"


def message(number: str, carrier: str, kind: str, at: datetime, text: str, place: str) -> str:
    """An event as it is kept in the inbox."""
    told = {"tracking": number, "carrier": carrier, "kind": kind, "at": at.astimezone(UTC).isoformat()}
    return json.dumps(told | {"message": text, "place": place}, sort_keys=True)


def message_id(payload: str) -> str:
    """What is told twice is one event."""
    return hashlib.sha256(payload.encode()).hexdigest()


def events(payload: str) -> list[CarrierEvent]:
    """The event of a message; raises `UnreadableError` where it is none."""
    try:
        told: dict[str, Any] = json.loads(payload)
        at = datetime.fromisoformat(told["at"])
        number, carrier, kind = told["tracking"], told["carrier"], told["kind"]
        text, place = str(told["message"])[:500], str(told["place"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError("no event") from error
    if kind not in EVENT_KINDS or not number or at.tzinfo is None:
        raise UnreadableError("an event without its number, its time with a zone, or a kind that is known")
    return [CarrierEvent(number, carrier, kind, at, text, place, message_id(payload))]
