"""Set up carriers, services, zones and rate tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class RegisterService:
    """A service of a carrier with its tables.

    `zones`: (origin country, destination country, zone), '*' for any. `rates`: (zone, up to grams, price in minor units).
    """

    company: int
    carrier: str
    code: str
    name: str
    transit_days: int
    max_weight_g: int
    currency: str
    zones: tuple[tuple[str, str, str], ...]
    rates: tuple[tuple[str, int, int], ...]
    divisor: int = 5000
    active: bool = True
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceRegistered:
    id: UUID
    code: str


@command("carriage.register_services")
def register_services(cause: Cause, /, *, requests: Sequence[RegisterService]) -> list[ServiceRegistered | Refused]:
    """Services with their carriers, zones and rates. Again: the same. 4 statements."""
    carriers = [(ids.uuid7(), r.company, r.carrier, r.carrier) for r in requests]
    written = sql.upsert("carriage_carrier", ("company_id", "code"), ("id", "company_id", "code", "name"), carriers)
    carrier_of = {(company, code): carrier for carrier, company, code in written}
    rows = [
        (ids.uuid7(), r.company, carrier_of[r.company, r.carrier], r.code, r.name, r.transit_days, r.max_weight_g,
         r.divisor, r.active)  # fmt: skip
        for r in requests
    ]
    written = sql.upsert("carriage_service", ("company_id", "code"), _SERVICE, rows)
    found = {(company, code): service for service, company, code in written}
    zones = [(found[r.company, r.code], *zone) for r in requests for zone in r.zones]
    sql.upsert("carriage_zone", _ZONE[:3], _ZONE, zones)
    rates = [(found[r.company, r.code], *rate, r.currency) for r in requests for rate in r.rates]
    sql.upsert("carriage_rate", _RATE[:3], _RATE, rates)
    announce(cause, [Event("service", one, company, payload={"code": code}) for (company, code), one in found.items()])
    return [ServiceRegistered(found[r.company, r.code], r.code) for r in requests]


_SERVICE = (
    "id", "company_id", "carrier_id", "code", "name", "transit_days", "max_weight_g", "divisor", "active",
)  # fmt: skip
_ZONE = ("service_id", "origin", "destination", "zone")
_RATE = ("service_id", "zone", "max_weight_g", "price_minor", "currency")
