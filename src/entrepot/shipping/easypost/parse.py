"""What EasyPost sends about a parcel, as events of ours. Pure.

A webhook is an `Event` whose `result` is a `Tracker`; a tracker by itself is taken too. Its details are all that
happened so far, so that every message repeats what those before it said.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from entrepot.kernel import money
from entrepot.shipping.live import Bought, Rate
from entrepot.shipping.rules import CarrierEvent, UnreadableError

SOURCE = "easypost"
AMOUNT_MAX = 10**9
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


def rates(payload: str) -> list[Rate]:
    """The rates of a shipment, by carrier and service."""
    body = _body(payload)
    found = body.get("rates")
    if not isinstance(found, list):
        raise UnreadableError("a shipment without rates")
    return [_rate(one) for one in found]


def shipment_id(payload: str) -> str:
    return _named(_body(payload), "id")


def is_bought(payload: str, name: str) -> bool:
    """Whether a shipment has its label. What is not that shipment, or tells of a number and of no label, says neither
    yes nor no."""
    body = _body(payload)
    label = body.get("postage_label")
    if isinstance(label, dict):
        return True
    if label or body.get("id") != name or body.get("tracking_code"):
        raise UnreadableError("a shipment that does not tell whether it was bought")
    return False


def bought(payload: str) -> Bought:
    """The label that was bought."""
    body = _body(payload)
    rate, label = body.get("selected_rate"), body.get("postage_label")
    if not isinstance(rate, dict) or not isinstance(label, dict):
        raise UnreadableError("a shipment without the rate and the label that were bought")
    told = _rate(rate)
    url = zpl_url(payload) or _plain(label.get("label_pdf_url")) or _plain(label.get("label_url"))
    return Bought(_named(body, "id"), _named(body, "tracking_code"), told.amount_minor, told.currency, url)


def zpl_url(payload: str) -> str:
    """Where a label stands for a label printer, of a shipment that was asked for so; '' of others."""
    body = _body(payload)
    options, label = body.get("options"), body.get("postage_label")
    if not isinstance(options, dict) or not isinstance(label, dict) or options.get("label_format") != "ZPL":
        return ""
    is_zpl = "zpl" in _plain(label.get("label_file_type")).lower()
    return _plain(label.get("label_zpl_url")) or (_plain(label.get("label_url")) if is_zpl else "")


class ScanForm(NamedTuple):
    """A carrier's form of what it collects: `creating`, `created` with its `url`, or `failed` with a `message`."""

    reference: str
    status: str
    url: str
    message: str
    numbers: tuple[str, ...]


def scan_form(payload: str) -> ScanForm:
    return _scan_form(_body(payload))


def scan_form_of(payload: str) -> ScanForm | None:
    """The form that a shipment is on; None where it is on none."""
    found = _body(payload).get("scan_form")
    return _scan_form(found) if isinstance(found, dict) else None


def _scan_form(body: dict[str, Any]) -> ScanForm:
    status, url = _named(body, "status"), _plain(body.get("form_url"))
    if status not in ("creating", "created", "failed") or (status == "created" and not url):
        raise UnreadableError(f"a form that is {status[:20]}, without its paper")
    listed = body.get("tracking_codes")
    numbers = tuple(map(_plain, listed)) if isinstance(listed, list) else ()
    return ScanForm(_named(body, "id"), status, url, _plain(body.get("message"))[:300], numbers)


def refund_state(payload: str) -> str:
    """What became of a label that is given back: submitted, refunded, rejected, not_applicable."""
    return _named(_body(payload), "refund_status")


def trackers(payload: str) -> list[str]:
    """The trackers of a list, or the one, each as a message of its own."""
    body = _body(payload)
    found = body.get("trackers") if isinstance(body.get("trackers"), list) else [body]
    return [json.dumps(one) for one in found or () if isinstance(one, dict)]


def error(payload: str) -> str:
    """What EasyPost says went wrong, in its words."""
    try:
        told = _body(payload).get("error")
    except UnreadableError:
        return ""
    if not isinstance(told, dict):
        return _plain(told)[:300]
    listed = told.get("errors")
    found = listed if isinstance(listed, list) else []
    more = [_plain(one.get("message") if isinstance(one, dict) else one) for one in found]
    message = told.get("message")
    first = _plain(message) if isinstance(message, str) else json.dumps(message)
    return " ".join(filter(None, (first, *more)))[:300]


def _rate(one: Any) -> Rate:
    if not isinstance(one, dict):
        raise UnreadableError("a rate that is no object")
    currency = _named(one, "currency")
    try:
        amount = Decimal(_named(one, "rate")).scaleb(money.exponent(currency))
    except InvalidOperation as error:
        raise UnreadableError("a rate that is no amount") from error
    if not amount.is_finite() or not 0 <= amount <= AMOUNT_MAX:
        raise UnreadableError("a rate that can't be")
    days = (
        one.get("delivery_days")
        if isinstance(one.get("delivery_days"), int)
        else one.get("est_delivery_days")
    )
    name = f"{_named(one, 'carrier')} {_named(one, 'service')}"
    return Rate(
        name,
        money.round_half_away(amount),
        currency,
        days if isinstance(days, int) else None,
        _named(one, "id", ""),
    )


def _named(body: dict[str, Any], name: str, otherwise: str | None = None) -> str:
    found = _plain(body.get(name))
    if not found and otherwise is None:
        raise UnreadableError(f"no {name}")
    return found or otherwise or ""


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
