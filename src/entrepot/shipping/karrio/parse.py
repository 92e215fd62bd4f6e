"""What karrio tells, in words of ours. Pure: it takes plain data, and does not import karrio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from entrepot.kernel import money
from entrepot.shipping.live import Bought, Form, InDoubtError, Rate, RefusedByCarrierError
from entrepot.shipping.rules import EVENT_KINDS, CarrierEvent, UnreadableError

SOURCE = "karrio"
KINDS = {
    "pending": "announced", "in_transit": "in transit", "out_for_delivery": "out for delivery",
    "ready_for_pickup": "waits for pickup", "delivered": "delivered", "delivery_delayed": "delayed",
    "delivery_failed": "exception", "on_hold": "delayed", "return_to_sender": "returned to sender",
    "cancelled": "cancelled",
}  # fmt: skip
"""Status → kind."""
AMOUNT_MAX = 10**9


def rates(found: Sequence[Mapping[str, Any]]) -> list[Rate]:
    """Rates as karrio unifies them, by carrier and karrio's name of the service."""
    answers = []
    for one in found:
        currency = str(one.get("currency") or "")
        try:
            amount = Decimal(str(one.get("total_charge"))).scaleb(money.exponent(currency))
        except InvalidOperation as error:
            raise UnreadableError("a rate that is no amount") from error
        if not currency or not amount.is_finite() or not 0 <= amount <= AMOUNT_MAX:
            raise UnreadableError("a rate that can't be")
        days = one.get("transit_days")
        name = f"{one.get('carrier_name')} {one.get('service')}"
        answers.append(
            Rate(name, money.round_half_away(amount), currency, days if isinstance(days, int) else None, "")
        )
    return answers


def bought(account: str, told: Mapping[str, Any], rate: Rate) -> Bought:
    """A label as karrio unifies it, with its picture in the address; at the rate quoted where none is charged."""
    number, shipment, label = (str(told.get(name) or "") for name in ("tracking", "id", "label"))
    if not number or not shipment:
        raise InDoubtError("a label without its number")
    amount, currency = rate.amount_minor, rate.currency
    if told.get("total_charge") is not None and told.get("currency"):
        charged = {"carrier_name": account, "service": "", **told}
        (found,) = rates([charged])
        amount, currency = found.amount_minor, found.currency
    picture = "".join(label.split())
    kind = _kind(str(told.get("type") or "").upper(), picture)
    return Bought(
        f"{account}:{shipment}", number, amount, currency, f"data:{kind};base64,{picture}" if picture else ""
    )


ZPL_BEGINS = "XlhB"
"""How a label for a label printer, which begins with ^XA, begins in base64."""


def _kind(told: str, picture: str) -> str:
    """The media type of a label: a plugin may sell another form than it was asked for."""
    if told.startswith("ZPL") or picture.startswith(ZPL_BEGINS):
        return "application/zpl"
    return f"image/{told.lower()}" if told in ("PNG", "JPG", "GIF") else "application/pdf"


def form(account: str, name: str | None, paper: str | None) -> Form:
    """The carrier's form of a manifest, with the paper in its address."""
    body = "".join((paper or "").split())
    if not body:
        raise RefusedByCarrierError(
            "a form without its paper: ask the carrier whether it knows of the manifest"
        )
    kind = "application/pdf" if body.startswith("JVBER") else "application/octet-stream"
    return Form(f"{account}:{name or ''}", f"data:{kind};base64,{body}")


def message_id(payload: str) -> str:
    """A poll has no name: what says the same is the same."""
    return hashlib.sha256(payload.encode()).hexdigest()


def events(payload: str) -> list[CarrierEvent]:
    """What happened to a parcel, by time; the last event bears the parcel's status."""
    try:
        body = json.loads(payload)
        number, told = str(body["tracking_number"]), [dict(one) for one in body["events"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError("no tracking details of karrio") from error
    dated = sorted(((_moment(one), one) for one in told), key=lambda pair: pair[0])
    last = KINDS.get(str(body.get("status") or ""), "unknown")
    carrier, found = str(body.get("carrier_name") or ""), []
    for place, (at, one) in enumerate(dated, 1):
        kind = KINDS.get(str(one.get("status") or ""), last if place == len(dated) else "in transit")
        message = str(one.get("description") or "").replace("\x00", "")[:500]
        name = hashlib.sha256(f"{number}|{kind}|{at.isoformat()}|{message}".encode()).hexdigest()
        where = str(one.get("location") or "").replace("\x00", "")[:200]
        assert kind in EVENT_KINDS, "the table has our words only"
        found.append(CarrierEvent(number, carrier, kind, at, message, where, name))
    return found


def _moment(one: Mapping[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(f"{one['date']} {one.get('time') or '00:00'}".strip())
    except (KeyError, ValueError):
        for form in ("%Y-%m-%d %I:%M %p", "%Y-%m-%d %H:%M %p"):
            try:
                return datetime.strptime(f"{one.get('date')} {one.get('time')}", form).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise UnreadableError("an event without its time") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
