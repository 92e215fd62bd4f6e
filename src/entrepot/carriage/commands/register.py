"""Set up carriers, services, zones and rate tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from entrepot.carriage import rules
from entrepot.carriage.rules import RegisterService
from entrepot.catalog.register import Register, Standing, put, sieve, tell
from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused

__all__ = ["RegisterService", "ServiceRegistered", "register_services"]


@dataclass(frozen=True, slots=True)
class ServiceRegistered:
    id: UUID
    code: str


@command("carriage.register_services")
def register_services(
    cause: Cause, /, *, requests: Sequence[RegisterService]
) -> list[ServiceRegistered | Refused]:
    """Services by company and code, new or changed to stand as given, with exactly the zones, rates and surcharges
    given, and the carriers they are of. Of two with the same code in one list the later stands. What is new or changed
    is kept as a version.

    Locks: the carriers, then the services, each in the order of company and code; with them their zones and rates.
    Refuses: Invalid (a field that is not as it must be).
    Again: what stands already is left alone, with or without a key. 12 statements.
    """
    refused, fit = sieve(requests, map(rules.misfit, requests))
    latest = {(one.company, one.code): one for _, one in fit}

    carriers = put(_CARRIERS, (((one.company, one.carrier), (one.carrier,)) for one in latest.values()))
    standing = put(
        _SERVICES,
        (
            (
                name,
                (
                    carriers[one.company, one.carrier].id, one.name, one.transit_days, one.max_weight_g, one.divisor,
                    one.active, one.max_length_mm, one.live,
                ),
            )
            for name, one in latest.items()
        ),
    )  # fmt: skip
    services = {standing[name].id: one for name, one in latest.items()}
    rezoned = _replace(_ZONES, {service: {*one.zones} for service, one in services.items()})
    priced = {service: {(*rate, one.currency) for rate in one.rates} for service, one in services.items()}
    repriced = _replace(_RATES, priced)

    added = {
        service: {(x.kind, x.zone, x.above, x.postal_code, x.amount_minor, x.per_10k) for x in one.surcharges}
        for service, one in services.items()
    }
    raised = _replace(_SURCHARGES, added)

    changed = (("zones", rezoned), ("rates", repriced), ("surcharges", raised))
    told = {
        name: one.also(*(table for table, services in changed if one.id in services))
        for name, one in standing.items()
    }
    _keep(
        cause, {name: one for name, one in latest.items() if told[name].new or told[name].changed}, standing
    )
    tell(cause, _CARRIERS, {name: name[0] for name in carriers}, carriers)
    tell(cause, _SERVICES, {name: name[0] for name in told}, told)
    return [
        refused.get(place) or ServiceRegistered(standing[one.company, one.code].id, one.code)
        for place, one in enumerate(requests)
    ]


def _keep(
    cause: Cause, changed: dict[tuple[int, str], RegisterService], standing: dict[Any, Standing]
) -> None:
    """A version of each service that is new or changed. 1 statement, none for nothing."""
    rows = [
        (ids.uuid7(), company, standing[company, code].id, wire.dump(replace(one, key=None)))
        for (company, code), one in changed.items()
    ]
    if rows:
        params = sql.columns(("ids", "companies", "services", "bodies"), rows)
        sql.run(_KEEP, params | {"author": cause.actor.name, "at": cause.at})


_KEEP = """
INSERT INTO carriage_version (id, company_id, service_id, version, body, author, at)
SELECT d.id, d.company, d.service,
       1 + COALESCE((SELECT max(v.version) FROM carriage_version AS v WHERE v.service_id = d.service), 0),
       d.body::jsonb, %(author)s::text, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(services)s::uuid[], %(bodies)s::text[])
     AS d(id, company, service, body)
"""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of which each service has rows of its own."""

    name: str
    columns: tuple[str, ...]


def _replace(table: _Table, wanted: dict[UUID, set[tuple[Any, ...]]]) -> set[UUID]:
    """Let each service have exactly these rows; returns the services for which that is a change. 3 statements."""
    columns = ", ".join(table.columns)
    before: dict[UUID, set[tuple[Any, ...]]] = {service: set() for service in wanted}
    look = f"SELECT service_id, {columns} FROM {table.name} WHERE service_id = ANY(%(services)s::uuid[])"
    for service, *row in sql.run(look, {"services": list(wanted)}):
        before[service].add(tuple(row))
    changed = {service for service, rows in wanted.items() if rows != before[service]}
    if changed:
        forget = f"DELETE FROM {table.name} WHERE service_id = ANY(%(services)s::uuid[])"
        sql.run(forget, {"services": list(changed)})
        rows = sorted((service, *row) for service in changed for row in wanted[service])
        sql.write(table.name, ("service_id", *table.columns), rows)
    return changed


_CARRIERS = Register("carriage_carrier", ("company_id", "code"), ("name",), kind="carrier")
_SERVICES = Register(
    "carriage_service",
    ("company_id", "code"),
    ("carrier_id", "name", "transit_days", "max_weight_g", "divisor", "active", "max_length_mm", "live"),
    kind="service",
)
_ZONES = _Table(
    "carriage_zone",
    ("origin", "destination", "zone", "origin_postal_code", "destination_postal_code", "transit_days"),
)
_SURCHARGES = _Table(
    "carriage_surcharge", ("kind", "zone", "above", "postal_code", "amount_minor", "per_10k")
)
_RATES = _Table("carriage_rate", ("zone", "max_weight_g", "price_minor", "currency"))
