"""What EasyPost is asked, from packages and places of ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from entrepot.kernel import money
from entrepot.shipping.live import Asked, Box, Place

NO_EXPORT_FILING = "NOEEI 30.37(a)"
"""Why goods of up to 2,500 dollars of a kind leave the United States without a filing of their export."""

MM_PER_INCH, G_PER_OUNCE = Decimal("25.4"), Decimal("28.349523125")


def shipment(asked: Asked, box: Box) -> dict[str, Any]:
    """A shipment of one package, of which EasyPost answers the rates. One that comes back has the places of the way
    out: EasyPost turns them round."""
    back = {"is_return": True} if asked.is_return else {}
    return {
        "shipment": back
        | {
            "reference": asked.reference,
            "from_address": _address(asked.origin),
            "to_address": _address(asked.destination) | {"residential": asked.destination.residential},
            "parcel": _parcel(box),
            "options": {"label_format": asked.label_format.upper()}
            | ({"incoterm": asked.declared.terms} if asked.declared else {}),
        }
        | _customs(asked, box)
    }


def _customs(asked: Asked, box: Box) -> dict[str, Any]:
    """What customs are told of a package: without it no label across a border is sold."""
    told = asked.declared
    if told is None:
        return {}
    items = [
        {
            "description": one.name or one.sku,
            "quantity": one.units,
            "weight": max(0.1, _tenth(Decimal(one.weight_g) / G_PER_OUNCE)),
            "value": float(money.text(one.value_minor, told.currency)),
            "currency": told.currency,
            "origin_country": one.origin,
            "code": one.sku,
        }
        | ({"hs_tariff_number": one.hs_code} if one.hs_code else {})
        for one in box.goods
    ]
    info = {
        "contents_type": "merchandise", "restriction_type": "none", "non_delivery_option": "return",
        "customs_certify": True, "customs_signer": told.signer, "customs_items": items,
    }  # fmt: skip
    if told.is_unfiled:
        info["eel_pfc"] = NO_EXPORT_FILING
    numbers = [
        {
            "entity": "SENDER",
            "tax_id": told.eori,
            "tax_id_type": "EORI",
            "issuing_country": asked.origin.country,
        }
    ]
    return {"customs_info": info} | ({"tax_identifiers": numbers} if told.eori else {})


def buy(rate: str) -> dict[str, Any]:
    """The label of a shipment, by one of its rates."""
    return {"rate": {"id": rate}}


def manifest(labels: Iterable[str]) -> dict[str, Any]:
    """What a carrier collects, as EasyPost's scan form of shipments."""
    return {"shipments": [{"id": one} for one in labels]}


def tracker(number: str, carrier: str) -> dict[str, Any]:
    return {"tracker": {"tracking_code": number} | ({"carrier": carrier} if carrier else {})}


def _address(place: Place) -> dict[str, Any]:
    told = {
        "name": place.name, "street1": place.line1, "street2": place.line2, "city": place.city, "state": place.region,
        "zip": place.postal_code, "country": place.country, "phone": place.phone, "email": place.email,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _parcel(box: Box) -> dict[str, float]:
    """Ounces and inches to a tenth, as EasyPost takes them; sides that nobody has measured are left out."""
    sides = {"length": box.length_mm, "width": box.width_mm, "height": box.height_mm}
    inches = {name: _tenth(Decimal(mm) / MM_PER_INCH) for name, mm in sides.items()}
    weight = {"weight": max(0.1, _tenth(Decimal(box.weight_g) / G_PER_OUNCE))}
    return weight | (inches if all(sides.values()) else {})


def _tenth(value: Decimal) -> float:
    return float(value.quantize(Decimal("0.1"), ROUND_HALF_UP))
