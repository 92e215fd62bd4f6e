"""The library karrio, loaded when it is first asked: its plugins take a second to load, some far longer."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from entrepot.kernel import money
from entrepot.kernel.errors import Unavailable
from entrepot.shipping.karrio import parse
from entrepot.shipping.live import (
    Asked,
    Bought,
    Box,
    Form,
    InDoubtError,
    OnPaperError,
    Place,
    Rate,
    RefusedByCarrierError,
    together,
)
from entrepot.shipping.rules import UnreadableError

MISSING = "karrio is not installed: pip install 'entrepot[carriers]' and the plugin of the carrier"


LOST = "SHIPPING_SDK_INTERNAL_ERROR"
"""karrio's code of what its plugin met: no answer, or one that it can't read."""
FAILED = re.compile(r"(?<!\d)(5\d\d|408)(?!\d)")
"""In the code of a message, or a status among its details: a carrier failed over what it was asked, and did not refuse
it."""
STATUS = re.compile(r"(http[ _-]?)?status([ _-]?code)?|http[ _-]?code", re.IGNORECASE)
"""Details that tell the status of an answer; what else is in them, such as a weight or a phone number, is no status."""
FAILED_SAID = re.compile(
    r"HTTP(?!s?:)\D{0,12}(5\d\d|408)(?!\d)|time[ds]?[ _-]?outs?(?![a-z])(?! of\b)|internal[ _]server|bad gateway"
    r"|(temporarily|currently|service|system|server)[ ._-]?unavailable",
    re.IGNORECASE,
)
"""Anywhere in it."""


class Client:
    """Accounts with carriers by karrio: its name of each, with the credentials that its plugin wants."""

    def __init__(self, accounts: dict[str, dict[str, Any]]) -> None:
        self.accounts = accounts

    @cached_property
    def gateways(self) -> dict[str, Any]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what karrio stands on
                import karrio.sdk as karrio
        except ImportError as error:
            raise RefusedByCarrierError(MISSING) from error
        try:
            return {name: karrio.gateway[name].create(account) for name, account in self.accounts.items()}
        except Exception as error:  # karrio raises what its plugins raise
            raise RefusedByCarrierError(f"karrio can't open the accounts: {error}") from error

    def rates(self, asked: Asked) -> list[Rate]:
        """Rates of all accounts, each package asked for by itself; one account that fails leaves the others'."""
        found: list[Rate] = []
        problems: list[str] = []
        for name, gateway in self.gateways.items():
            try:
                found += together([self._rates(gateway, asked, place) for place in range(len(asked.boxes))])
            except (RefusedByCarrierError, UnreadableError, Unavailable) as error:
                problems.append(f"{name}: {error}")
        if problems and not found:
            raise RefusedByCarrierError("; ".join(problems))
        return found

    def _rates(self, gateway: Any, asked: Asked, place: int) -> list[Rate]:
        import karrio.core.models as models
        import karrio.sdk as karrio

        # karrio turns the places of a label round, but not those of a rate.
        ends = (asked.destination, asked.origin) if asked.is_return else (asked.origin, asked.destination)
        request = models.RateRequest(
            shipper=_address(ends[0]), recipient=_address(ends[1]), parcels=[_parcel(asked.boxes[place])],
            reference=asked.reference, **_back(asked),
        )  # fmt: skip
        details, messages = _ask(lambda: karrio.Rating.fetch(request).from_(gateway).parse())
        if not details:
            raise _refusal(messages, "no rate")
        return parse.rates([
            {"carrier_name": one.carrier_name, "service": one.service, "currency": one.currency,
             "total_charge": one.total_charge, "transit_days": one.transit_days}
            for one in details
        ])  # fmt: skip

    def tracking(self, number: str, carrier: str) -> str:
        """What is known of a parcel, by the account of its carrier or the only one."""
        import karrio.core.models as models
        import karrio.sdk as karrio

        gateway = self.gateways.get(carrier) or next(iter(self.gateways.values()))
        request = models.TrackingRequest(tracking_numbers=[number])
        details, messages = _ask(lambda: karrio.Tracking.fetch(request).from_(gateway).parse())
        if not details:
            raise _refusal(messages, "nothing is known")
        one = details[0]
        told = [
            {"date": e.date, "time": e.time, "description": e.description, "location": e.location,
             "status": getattr(e, "status", None)}
            for e in one.events
        ]  # fmt: skip
        whole = {
            "tracking_number": number,
            "carrier_name": one.carrier_name,
            "status": one.status,
            "events": told,
        }
        return json.dumps(whole, default=str)

    def buy(self, asked: Asked, name: str) -> Bought:
        """The label of one package, of the account that quotes the service, at its rate of now."""
        (box,) = asked.boxes
        account, rate = self._quoted(asked, name)
        import karrio.core.models as models
        import karrio.sdk as karrio

        request = models.ShipmentRequest(
            service=name.partition(" ")[2], shipper=_address(asked.origin), recipient=_address(asked.destination),
            parcels=[_parcel(box)], reference=asked.reference, label_type=asked.label_format.upper(), **_back(asked),
            **_customs(asked),
        )  # fmt: skip
        try:
            bought, messages = karrio.Shipment.create(request).from_(self.gateways[account]).parse()
        except Exception as error:  # karrio raises what its plugins raise
            raise InDoubtError(f"karrio: {error}") from error
        if not bought:
            raise _nothing_made(messages, f"{account} for the way back: " if asked.is_return else "")
        charged = bought.selected_rate
        return parse.bought(
            account,
            {"id": bought.shipment_identifier, "tracking": bought.tracking_number, "label": bought.docs.label,
             "type": bought.label_type, "total_charge": charged and charged.total_charge,
             "currency": charged and charged.currency},
            rate,
        )  # fmt: skip

    def _quoted(self, asked: Asked, name: str) -> tuple[str, Rate]:
        """The account that quotes a service, with its rate of now."""
        silent: Unavailable | None = None
        for account, gateway in self.gateways.items():
            try:
                found = self._rates(gateway, asked, 0)
            except (RefusedByCarrierError, UnreadableError):
                continue
            except Unavailable as error:
                silent = error
                continue
            rate = next((one for one in found if one.name == name), None)
            if rate:
                return account, rate
        if silent:
            raise silent
        raise RefusedByCarrierError(f"{name} does not take this package")

    def manifest(self, labels: Mapping[str, str], known: str, origin: Place) -> Form:  # noqa: ARG002  made at once
        """The carrier's form of labels of one account; a plugin that makes none leaves it to the paper."""
        accounts = sorted({name.partition(":")[0] for name in labels})
        if len(accounts) > 1:
            raise RefusedByCarrierError(
                f"labels of several accounts ({', '.join(accounts)}) are on no form together"
            )
        gateway = self.gateways.get(accounts[0])
        if gateway is None:
            raise RefusedByCarrierError(f"there is no account {accounts[0]} with karrio any more")
        if gateway.check("create_manifest"):
            raise OnPaperError(f"karrio tells {accounts[0]} of no manifests")
        import karrio.core.models as models
        import karrio.sdk as karrio

        request = models.ManifestRequest(
            shipment_identifiers=[name.partition(":")[2] for name in labels], address=_address(origin)
        )
        try:
            made, messages = karrio.Manifest.create(request).from_(gateway).parse()
        except Exception as error:  # karrio raises what its plugins raise
            raise InDoubtError(f"karrio: {error}") from error
        if not made:
            raise _nothing_made(messages)
        return parse.form(accounts[0], made.id, made.doc and made.doc.manifest)

    def void(self, reference: str) -> None:
        """Give a label back by the account that it was bought of."""
        account, _, shipment = reference.partition(":")
        gateway = self.gateways.get(account)
        if gateway is None:
            raise RefusedByCarrierError(f"there is no account {account} with karrio any more")
        import karrio.core.models as models
        import karrio.sdk as karrio

        request = models.ShipmentCancelRequest(shipment_identifier=shipment)
        done, messages = _ask(lambda: karrio.Shipment.cancel(request).from_(gateway).parse())
        if not (done and done.success) or messages:
            raise _refusal(messages, "the carrier does not take it back", "the label is not given back: ")


def _ask(call: Any) -> Any:
    try:
        return call()
    except (OSError, TimeoutError) as error:
        raise Unavailable(f"karrio does not get an answer: {error}") from error
    except Exception as error:  # karrio raises what its plugins raise
        raise RefusedByCarrierError(f"karrio: {error}") from error


def _told(messages: Any) -> str:
    return "; ".join(str(one.message) for one in messages)


def _is_lost(messages: Any) -> bool:
    """Whether nobody knows what the carrier says: karrio makes a message of whatever its plugin raises."""
    return any(one.code == LOST for one in messages)


def _has_failed(messages: Any) -> bool:
    """Whether a carrier failed over it: it may have done before what it was asked."""
    return any(
        FAILED.search(" ".join([str(one.code), *_statuses(one.details)]))
        or FAILED_SAID.search(f"{one.code} {one.details} {one.message}")
        for one in messages
    )


def _statuses(details: Any) -> Iterator[str]:
    """The statuses that details tell, however deep."""
    if isinstance(details, Mapping):
        yield from (str(told) for name, told in details.items() if STATUS.fullmatch(str(name)))
        details = list(details.values())
    if isinstance(details, list | tuple):
        for one in details:
            yield from _statuses(one)


def _nothing_made(messages: Any, about: str = "") -> Exception:
    """Of what is asked for once: refused, or nobody knows whether it was made."""
    why = _told(messages)
    if not messages or _is_lost(messages) or _has_failed(messages):
        return InDoubtError(f"karrio: {why or 'no answer that can be read'}")
    return RefusedByCarrierError(f"{about}{why}")


def _refusal(messages: Any, otherwise: str, about: str = "") -> Exception:
    """What the carrier says against it; where it says nothing since it was not reached, asking again may help."""
    why = f"{about}{_told(messages) or otherwise}"
    if _is_lost(messages):
        return Unavailable(f"karrio does not get an answer: {why}")
    return RefusedByCarrierError(why)


def _back(asked: Asked) -> dict[str, bool]:
    return {"is_return": True} if asked.is_return else {}


def _customs(asked: Asked) -> dict[str, Any]:
    """What customs are told of a package, in the words of karrio's models; values are of one unit there."""
    told = asked.declared
    if told is None:
        return {}
    commodities = [
        {
            "description": one.name or one.sku, "sku": one.sku,
            "hs_code": one.hs_code or None, "quantity": one.units, "origin_country": one.origin,
            "weight": one.weight_g / one.units / 1000, "weight_unit": "KG",
            "value_amount": float(money.text(money.nearest(one.value_minor, one.units), told.currency)),
            "value_currency": told.currency,
        }
        for box in asked.boxes
        for one in box.goods
    ]  # fmt: skip
    value = sum(one.value_minor for box in asked.boxes for one in box.goods)
    return {
        "customs": {
            "commodities": commodities, "content_type": "merchandise", "incoterm": told.terms, "certify": True,
            "signer": told.signer, "invoice": told.invoice, "commercial_invoice": True,
            "duty": {
                "paid_by": "sender" if told.terms == "DDP" else "recipient", "currency": told.currency,
                "declared_value": float(money.text(value, told.currency)),
            },
            "options": {"eori_number": told.eori} if told.eori else {},
        }
    }  # fmt: skip


def _parcel(box: Box) -> dict[str, Any]:
    parcel: dict[str, Any] = {"weight": box.weight_g / 1000, "weight_unit": "KG"}
    if box.length_mm and box.width_mm and box.height_mm:
        sides = {"length": box.length_mm, "width": box.width_mm, "height": box.height_mm}
        parcel |= {side: mm / 10 for side, mm in sides.items()} | {"dimension_unit": "CM"}
    return parcel


def _address(place: Place) -> dict[str, Any]:
    return {
        "person_name": place.name, "address_line1": place.line1, "address_line2": place.line2, "city": place.city,
        "state_code": place.region, "postal_code": place.postal_code, "country_code": place.country,
        "phone_number": place.phone, "email": place.email, "residential": place.residential,
    }  # fmt: skip
