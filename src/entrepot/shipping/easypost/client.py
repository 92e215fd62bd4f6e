"""EasyPost over HTTP: rates, labels, refunds, forms of manifests and trackers."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from entrepot.kernel.errors import Unavailable, Unheard
from entrepot.shipping.easypost import build, parse
from entrepot.shipping.live import (
    Asked,
    Bought,
    Box,
    Form,
    InDoubtError,
    Place,
    Rate,
    RefusedByCarrierError,
    together,
)
from entrepot.shipping.rules import UnreadableError

TIMEOUT_S = 20
LABEL_MAX = 1_000_000
"""Bytes of a label for a label printer."""
AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class Client:
    """An account with EasyPost; `url` is where it answers."""

    def __init__(self, key: str, url: str) -> None:
        self.key, self.url = key, url.rstrip("/")

    def rates(self, asked: Asked) -> list[Rate]:
        """Rates for all packages of a shipment; each is asked for by itself."""
        return together([self._read(parse.rates, self._shipment(asked, box)) for box in asked.boxes])

    def buy(self, asked: Asked, name: str) -> Bought:
        """The label of one package, at the service's rate of now."""
        return self.buy_offer(self.offer(asked), name)

    def offer(self, asked: Asked) -> str:
        """EasyPost's shipment of one package: it costs nothing until it is bought, and is bought once."""
        (box,) = asked.boxes
        return str(self._read(parse.shipment_id, self._shipment(asked, box)))

    def buy_offer(self, offer: str, name: str) -> Bought:
        """The label of a shipment of EasyPost; one that it has already is found, and not bought again."""
        shipment, bought = self._looked_at(offer)
        if bought:
            return bought
        rate = next((one for one in self._read(parse.rates, shipment) if one.name == name), None)
        if rate is None:
            raise RefusedByCarrierError(f"{name} does not take this package")
        try:
            return self._pay(offer, rate)
        except Unavailable as error:
            raise Unheard(str(error)) from error

    def _pay(self, offer: str, rate: Rate) -> Bought:
        """Whatever is answered but the label, EasyPost is asked whether it sold it."""
        try:
            return self._kept(self._send("POST", f"{_path(offer)}/buy", build.buy(rate.reference)))
        except (RefusedByCarrierError, UnreadableError) as error:
            found = self.bought(offer)
            if found:
                return found
            if isinstance(error, UnreadableError):
                raise InDoubtError(f"an answer that can't be read: {error}") from error
            raise

    def bought(self, offer: str) -> Bought | None:
        """What EasyPost sold of a shipment."""
        return self._looked_at(offer)[1]

    def _looked_at(self, offer: str) -> tuple[str, Bought | None]:
        """A shipment, and what was sold of it. An answer that tells neither whether nor what leaves it in doubt."""
        try:
            shipment = self._send("GET", _path(offer))
            return shipment, self._kept(shipment) if parse.is_bought(shipment, offer) else None
        except UnreadableError as error:
            raise InDoubtError(f"an answer that can't be read: {error}") from error
        except RefusedByCarrierError as error:
            raise InDoubtError(str(error)) from error

    def _kept(self, shipment: str) -> Bought:
        """The label that was bought. One for a label printer is fetched, since programs send it on to that; where it
        can't be had, its address stands, and a person opens it: it is bought, whatever becomes of the picture."""
        bought, url = parse.bought(shipment), parse.zpl_url(shipment)
        body = self._fetched(url) if url else b""
        if b"^XA" not in body:
            return bought
        return bought._replace(label_url=f"data:application/zpl;base64,{base64.b64encode(body).decode()}")

    def _fetched(self, url: str) -> bytes:
        """What stands at an address, asked for without the account's key; nothing where it does not answer."""
        if not url.startswith(("https://", f"{self.url}/")):
            return b""
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  https, or the own setting
                found: bytes = answer.read(LABEL_MAX + 1)
        except (OSError, ValueError, http.client.HTTPException):
            return b""
        return found if len(found) <= LABEL_MAX else b""

    def void(self, reference: str) -> None:
        """Give a label back; asking again for what was given back changes nothing."""
        state = self._read(parse.refund_state, self._send("POST", f"{_path(reference)}/refund", {}))
        if state not in ("submitted", "refunded"):
            raise RefusedByCarrierError(f"the label is not given back: {state}")

    def manifest(self, labels: Mapping[str, str], known: str, origin: Place) -> Form:  # noqa: ARG002  it knows the place
        """The form of labels, made once: a label stands on one form only, so that what was asked for and never
        answered is found with it."""
        if known:
            path = f"/scan_forms/{urllib.parse.quote(known, safe='')}"
            return self._form(self._read(parse.scan_form, self._send("GET", path)))
        try:
            return self._form(
                self._read(parse.scan_form, self._send("POST", "/scan_forms", build.manifest(labels)))
            )
        except RefusedByCarrierError:
            found = self._read(parse.scan_form_of, self._send("GET", _path(next(iter(labels)))))
            if found and set(labels.values()) <= set(found.numbers):
                return self._form(found)
            raise

    def _form(self, found: parse.ScanForm) -> Form:
        if found.status == "failed":
            raise RefusedByCarrierError(found.message or "the form is not made")
        return Form(found.reference, found.url)

    def tracking(self, number: str, carrier: str) -> str:
        """What is known of a parcel, as a message that `take_tracking` reads."""
        return self._send("POST", "/trackers", build.tracker(number, carrier))

    def _shipment(self, asked: Asked, box: Box) -> str:
        return self._send("POST", "/shipments", build.shipment(asked, box))

    def _read(self, how: Any, payload: str) -> Any:
        try:
            return how(payload)
        except UnreadableError as error:
            raise RefusedByCarrierError(f"an answer that can't be read: {error}") from error

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        token = base64.b64encode(f"{self.key}:".encode()).decode()
        request = urllib.request.Request(  # noqa: S310  the address is the installation's own setting
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Basic {token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return str(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            said = parse.error(error.read().decode("utf-8", "replace")) or error.reason
            if error.code in AGAIN or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Unavailable(f"EasyPost: HTTP {error.code} {said}") from error
            raise RefusedByCarrierError(f"HTTP {error.code} {said}") from error
        except (urllib.error.URLError, TimeoutError, OSError) as error:
            raise Unavailable(f"EasyPost does not answer: {error}") from error


def _path(shipment: str) -> str:
    return f"/shipments/{urllib.parse.quote(shipment, safe='')}"
