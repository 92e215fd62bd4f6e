"""Which adapters this installation has: EasyPost where it has a key, karrio where it has accounts."""

from __future__ import annotations

import json

from django.conf import settings

from entrepot.shipping.easypost import client as easypost
from entrepot.shipping.easypost.parse import SOURCE as EASYPOST
from entrepot.shipping.karrio import client as karrio
from entrepot.shipping.karrio.parse import SOURCE as KARRIO
from entrepot.shipping.live import Adapter

_known: dict[tuple[str, str], Adapter] = {}


def adapter(source: str) -> Adapter | None:
    """The adapter of a source; None where this installation has no account with it. It is kept while it is the same."""
    told = {
        EASYPOST: f"{settings.EASYPOST_URL} {settings.EASYPOST_KEY}" if settings.EASYPOST_KEY else "",
        KARRIO: settings.KARRIO_ACCOUNTS,
    }.get(source, "")
    if not told:
        return None
    if (source, told) not in _known:
        _known[source, told] = (
            easypost.Client(settings.EASYPOST_KEY, settings.EASYPOST_URL)
            if source == EASYPOST
            else karrio.Client(json.loads(told))
        )
    return _known[source, told]


def polled() -> list[str]:
    """Sources whose parcels are asked about, since nobody sends what happens to them."""
    asked = [KARRIO] if settings.KARRIO_ACCOUNTS else []
    return asked + ([EASYPOST] if settings.EASYPOST_KEY and not settings.EASYPOST_SECRET else [])


def telling() -> list[str]:
    """Sources that send what happens to parcels they know, and can be asked about others: a label that was not bought
    there has no tracker, which asking makes."""
    return [EASYPOST] if settings.EASYPOST_KEY and settings.EASYPOST_SECRET else []
